//! The OpenAPI 3.1 document, with schemas made from the types that are answered. It tells nothing of
//! the log, and needs no token.

use axum::Json;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::counts::{Facets, Stats};
use super::events::List;
use super::problem::Problem;

/// Filters: name, what it means, whether it may be repeated.
pub(super) const FILTERS: [(&str, &str, bool); 12] = [
    ("action", "`noun.verb`", true),
    ("category", "The area", true),
    ("resource_type", "The type of some target", true),
    ("target", "A target's id, or a part of its name", true),
    ("actor", "A part of the actor's id, name or address", true),
    ("actor_type", "user, system, api, webhook, agent or anonymous", true),
    ("outcome", "success, failure, denied, unknown or pending", true),
    ("severity", "info, warn or fail", true),
    ("since", "From this time on: RFC 3339, or 1h, 24h, 7d, 30d, 90d ago", false),
    ("until", "Before this time: RFC 3339, or a span ago", false),
    ("q", "Words that all occur in the event", false),
    ("id", "The event's id", false),
];

const PAGE: [(&str, &str); 3] = [
    ("limit", "At most so many events: 1 to 1,000"),
    ("offset", "Skip so many events first"),
    ("cursor", "Go on where the page before ended"),
];

pub(super) async fn openapi() -> Json<Value> {
    Json(document())
}

pub(super) fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator: SchemaGenerator = settings.into_generator();
    let list = generator.subschema_for::<List>();
    let facets = generator.subschema_for::<Facets>();
    let stats = generator.subschema_for::<Stats>();
    generator.subschema_for::<Problem>();
    let json = |schema: Value| json!({"application/json": {"schema": schema}});
    let text = json!({"schema": {"type": "string"}});
    let page = PAGE.iter().map(|(name, what)| parameter(name, what, false));
    let export = [
        json!({"name": "format", "in": "query", "required": true,
            "schema": {"type": "string", "enum": ["csv", "ndjson"]}}),
        json!({"name": "bom", "in": "query", "description": "csv: begin with a byte order mark",
            "schema": {"type": "string", "enum": ["true", "false"]}}),
    ];
    let bars = parameter("bars", "About so many bars: 1 to 500", false);
    let last = json!({"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"}});
    let id = json!({"name": "id", "in": "path", "required": true, "schema": {"type": "string"}});
    let whole = json!({"type": "object", "description": "The event, joined from the ledger"});
    let paths = json!({
        "/v1/admin/audit": get("List events, newest first", filters(page), json(list.into())),
        "/v1/admin/audit/facets": get("Count values", filters([]), json(facets.into())),
        "/v1/admin/audit/stats": get("Count over time", filters([bars]), json(stats.into())),
        "/v1/admin/audit/export": get("Export events", filters(export),
            json!({"text/csv": text, "application/x-ndjson": text})),
        "/v1/admin/audit/stream": get("Live tail", filters([last]),
            json!({"text/event-stream": text})),
        "/v1/admin/audit/{id}": get("Show one event", vec![id], json(whole)),
    });
    json!({
        "openapi": "3.1.0",
        "info": {"title": "countersign", "version": env!("CARGO_PKG_VERSION")},
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "countersign_session"},
            },
            "schemas": Value::Object(generator.take_definitions(true)),
        },
    })
}

fn filters(more: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let known = FILTERS.iter().map(|(name, what, repeated)| parameter(name, what, *repeated));
    // Any name of a scope: `scope.pool`.
    let scopes = json!({
        "name": "scope", "in": "query", "description": "`scope.NAME=VALUE`, for any name of a scope",
        "style": "form", "explode": true,
        "schema": {"type": "object", "additionalProperties": false,
            "patternProperties": {"^scope\\..+": {"type": "string"}}},
    });
    known.chain([scopes]).chain(more).collect()
}

fn parameter(name: &str, description: &str, is_repeated: bool) -> Value {
    let text = json!({"type": "string", "minLength": 1, "maxLength": 1024});
    let schema = if is_repeated { json!({"type": "array", "items": text}) } else { text };
    json!({"name": name, "in": "query", "description": description, "schema": schema})
}

fn get(summary: &str, parameters: Vec<Value>, content: Value) -> Value {
    let problem = json!({"$ref": "#/components/schemas/Problem"});
    let refused = |description: &str| json!({"description": description, "content": {"application/problem+json": {"schema": problem}}});
    let refusals = [
        ("400", "A parameter is not understood"),
        ("401", "No token that is in force"),
        ("403", "The role does not allow it"),
        ("404", "No such event, or not yours to see"),
        ("429", "Too many failures"),
        ("503", "Busy, too slow, or not available"),
    ];
    let mut responses = Map::new();
    responses.insert("200".to_owned(), json!({"description": "Done", "content": content}));
    responses.extend(refusals.map(|(status, why)| (status.to_owned(), refused(why))));
    json!({"get": {"summary": summary, "parameters": parameters, "responses": responses}})
}
