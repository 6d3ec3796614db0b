//! The OpenAPI 3.1 document, with schemas made from the types that are answered. It tells nothing of
//! the log, and needs no token.

use axum::Json;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use super::counts::{Facets, Stats};
use super::coverage::{Coverage, ROUTES_MAX};
use super::events::List;
use super::integrity::Checkpoints;
use super::problem::Problem;
use crate::export::Format;
use crate::query::{ACTOR_TYPES, MAX_LIMIT, MAX_VALUE, OUTCOMES, SEVERITIES};
use crate::seal::{ConsistencyProof, EventProof};

/// The place of an event, as cursors have it.
const PLACE: &str = "-?[0-9]{1,14}\\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(\\.[0-9]{1,9})?";

/// What the value of a filter is.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// One text.
    Text,
    /// Any of several texts.
    Texts,
    /// Any of several of these.
    OneOf(&'static [&'static str]),
    /// A time, or a span before now.
    Time,
    /// The same, or `all`.
    Since,
    /// An event's id.
    Id,
}

/// Filters: name, what it means, and its values.
const FILTERS: [(&str, &str, Kind); 12] = [
    ("action", "`noun.verb`; `*` stands for any characters, as in `*.delete`", Kind::Texts),
    ("category", "The area", Kind::Texts),
    ("resource_type", "The type of some target", Kind::Texts),
    (
        "target",
        "A target's id, or a part of its name; in quotation marks, the whole of either",
        Kind::Text,
    ),
    (
        "actor",
        "A part of the actor's id, name or address; in quotation marks, the whole of it",
        Kind::Text,
    ),
    ("actor_type", "What kind of actor", Kind::OneOf(&ACTOR_TYPES)),
    ("outcome", "How it ended", Kind::OneOf(&OUTCOMES)),
    ("severity", "How much it should worry", Kind::OneOf(&SEVERITIES)),
    ("since", "From this time on: RFC 3339, a day, 1h, 24h, 7d, 30d, 90d ago, or all", Kind::Since),
    ("until", "Before this time: RFC 3339, a day (its begin), or a span ago", Kind::Time),
    (
        "q",
        "Words that all occur in the event: in its fields, or the beginnings of its redacted bodies, headers, query and changes; ids by their first eight digits or more",
        Kind::Text,
    ),
    ("id", "The event's id", Kind::Id),
];

/// Names of every filter.
#[cfg(test)]
pub(super) fn filter_names() -> impl Iterator<Item = &'static str> {
    FILTERS.into_iter().map(|(name, ..)| name)
}

pub(super) async fn openapi() -> Json<Value> {
    Json(document())
}

pub(super) fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator: SchemaGenerator = settings.into_generator();
    let mut paths = paths(&mut generator);
    if let (Value::Object(paths), Value::Object(more)) = (&mut paths, proofs(&mut generator)) {
        paths.extend(more);
    }
    generator.subschema_for::<Problem>();
    let responses: Map<String, Value> = REFUSALS
        .iter()
        .map(|(status, name, why)| ((*name).to_owned(), refusal(status, why)))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "countersign",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The audit log, for those who may read it. A parameter that is not known \
                is left out, with a word in `warnings`; an export refuses it.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer",
                    "description": "Made by `countersign tokens create`"},
                "session": {"type": "apiKey", "in": "cookie", "name": "countersign_session"},
            },
            "schemas": Value::Object(generator.take_definitions(true)),
            "responses": responses,
        },
    })
}

fn paths(generator: &mut SchemaGenerator) -> Value {
    let json = |schema: Value| json!({"application/json": {"schema": schema}});
    let event = json!({
        "type": "object", "required": ["id", "outcome"],
        "description": "The event in full, as the ledger has it",
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "time": {"type": "string", "format": "date-time"},
            "action": {"type": "string"},
            "outcome": {"enum": OUTCOMES},
        },
    });
    let page = [
        number("limit", "At most so many events; more than 1,000 are not shown", 1, MAX_LIMIT),
        number("offset", "Skip so many events first", 0, u32::MAX),
        pattern("cursor", "Go on where the page before ended", &format!("^{PLACE}$")),
    ];
    let bars = number("bars", "About so many bars", 1, 500);
    let routes = number("routes", "At most so many routes", 1, ROUTES_MAX);
    let last = json!({"name": "Last-Event-ID", "in": "header", "schema": {"type": "string"},
        "description": "Go on behind the event with this `id:`; where it is not known, or of another \
            search index (of another proxy, or built again), the tail begins with `reset`"});
    let id = json!({"name": "id", "in": "path", "required": true,
        "schema": {"type": "string", "format": "uuid"}});
    let list = json(generator.subschema_for::<List>().into());
    let facets = json(generator.subschema_for::<Facets>().into());
    let stats = json(generator.subschema_for::<Stats>().into());
    let coverage = json(generator.subschema_for::<Coverage>().into());
    let sse = json!({"text/event-stream": {"schema": {"type": "string",
        "description": "`audit`: an event has ended, in short. `reset`: events may have been missed. \
            `warning`, at the beginning: what of the question was left out or finds nothing, a list of \
            texts. `heartbeat`: nothing else for 15 s"}}});
    let asked = ["400", "401", "405", "429", "503"];
    let mut export = get(
        "exportEvents",
        "Export events, without a limit of rows",
        exported(),
        json!({}),
        &["400", "401", "403", "404", "405", "409", "429", "503"],
    );
    if let Some(answer) = export.pointer_mut("/get/responses/200") {
        *answer = file(&event);
    }
    json!({
        "/v1/admin/audit":
            get("listEvents", "List events, newest first", filters(page), list, &asked),
        "/v1/admin/audit/facets":
            get("countValues", "Count values, for dropdowns", filters([]), facets, &asked),
        "/v1/admin/audit/stats":
            get("countOverTime", "Count over time", filters([bars]), stats, &asked),
        "/v1/admin/audit/coverage": get(
            "showCoverage",
            "What rules name, and what they do not; for owners",
            filters([routes]),
            coverage,
            &["400", "401", "403", "405", "429", "503"],
        ),
        "/v1/admin/audit/export": export,
        "/v1/admin/audit/stream": get("followEvents", "Live tail", filters([last]), sse, &asked),
        "/v1/admin/audit/{id}": get(
            "showEvent",
            "Show one event",
            vec![id],
            json(event),
            &["401", "404", "405", "429", "503"],
        ),
    })
}

/// Checkpoints and proofs.
fn proofs(generator: &mut SchemaGenerator) -> Value {
    let json = |schema: Value| json!({"application/json": {"schema": schema}});
    let checkpoints = json(generator.subschema_for::<Checkpoints>().into());
    let consistency = json(generator.subschema_for::<ConsistencyProof>().into());
    let proof = json(generator.subschema_for::<EventProof>().into());
    let id = json!({"name": "id", "in": "path", "required": true,
        "schema": {"type": "string", "format": "uuid"}});
    let mut old = number("old", "From the first checkpoint of at least this size", 1, u32::MAX);
    if let Value::Object(old) = &mut old {
        old.insert("required".to_owned(), true.into());
    }
    json!({
        "/v1/admin/audit/checkpoint": get(
            "showCheckpoints",
            "The newest signed checkpoint of each log; for those who see everything",
            vec![text("writer", "Of this writer's log alone", false)],
            checkpoints,
            &["400", "401", "403", "404", "405", "429", "503"],
        ),
        "/v1/admin/audit/consistency": get(
            "proveConsistency",
            "The proof that a log has only grown; for those who see everything",
            vec![
                text("writer", "Whose log", true),
                old,
                number("new", "To the first of at least this size; else the newest", 1, u32::MAX),
            ],
            consistency,
            &["400", "401", "403", "404", "405", "409", "429", "503"],
        ),
        "/v1/admin/audit/log/{writer}/{file}": log_file(),
        "/v1/admin/audit/{id}/proof": get(
            "proveEvent",
            "The proof that an event is in the log; for those who see everything",
            vec![id],
            proof,
            &["401", "403", "404", "405", "409", "429", "503"],
        ),
    })
}

/// Files of a log, as C2SP tlog-tiles names them.
fn log_file() -> Value {
    let part = |name: &str, description: &str, pattern: &str| {
        json!({"name": name, "in": "path", "required": true, "description": description,
            "schema": {"type": "string", "pattern": pattern}})
    };
    let tile = "tile/[0-7]/(x[0-9]{3}/){0,6}[0-9]{3}(\\.p/[1-9][0-9]{0,2})?";
    get(
        "showLogFile",
        "A file of a log (C2SP tlog-tiles): its newest checkpoint, or a tile of hashes; for owners",
        vec![
            part("writer", "Whose log", "^[A-Za-z0-9_-]{1,64}$"),
            part(
                "file",
                "`checkpoint`, or `tile/LEVEL/NUMBER`, also with `.p/WIDTH`; its slashes may stand as \
                 they are",
                &format!("^(checkpoint|{tile})$"),
            ),
        ],
        json!({
            "text/plain": {"schema": {"type": "string"}},
            "application/octet-stream": {},
        }),
        &["401", "403", "404", "405", "409", "429", "503"],
    )
}

/// Parameters of an export. What is not among them is refused.
fn exported() -> Vec<Value> {
    let formats: Vec<_> =
        Format::ALL.iter().chain([&Format::Bundle]).map(|it| it.as_str()).collect();
    let mut parameters = filters([
        json!({"name": "format", "in": "query", "required": true,
            "description": "ocsf: API Activities (class 6003) of OCSF 1.3.0, one a line; bundle: entries with \
                their proofs, for those who see everything",
            "schema": {"type": "string", "enum": formats}}),
        json!({"name": "bom", "in": "query", "description": "csv: begin with a byte order mark",
            "schema": {"type": "string", "enum": ["true", "false"]}}),
        pattern(
            "resume",
            "Go on with an export that was interrupted: its field Countersign-Export, a comma, and \
             the time in milliseconds, the id, and the act if it is one, of the last event that \
             arrived. All other parameters must be the same",
            &format!("^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}},{PLACE}$"),
        ),
    ]);
    for parameter in &mut parameters {
        if parameter.get("name").is_some_and(|name| name == "scope")
            && let Some(Value::Object(schema)) = parameter.get_mut("schema")
        {
            schema.insert("additionalProperties".to_owned(), false.into());
        }
    }
    parameters
}

fn file(event: &Value) -> Value {
    let text = json!({"schema": {"type": "string"}});
    let field = |what: &str| json!({"description": what, "schema": {"type": "string"}});
    json!({
        "description": "The file. An export that cannot be finished ends without the end of its body.",
        "headers": {
            "Countersign-Export": field("By this the export can go on, and is found in the log"),
            "Content-Disposition": field("A name for the file"),
        },
        "content": {
            "text/csv": text,
            "application/x-ndjson": text,
            "application/json": {"schema": {"type": "array", "items": event}},
        },
    })
}

fn filters(more: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let known = FILTERS.into_iter().map(|(name, what, kind)| {
        json!({"name": name, "in": "query", "description": what, "schema": schema(kind)})
    });
    // Any name of a scope: `scope.pool`.
    let value = schema(Kind::Texts);
    let scopes = json!({
        "name": "scope", "in": "query", "style": "form", "explode": true,
        "description": "`scope.NAME=VALUE`, for any name of a scope (of all parameters, at most 256 are taken)",
        "schema": {"type": "object", "patternProperties": {"^scope\\.[a-z0-9_]{1,64}$": value}},
    });
    known.chain([scopes]).chain(more).collect()
}

fn schema(kind: Kind) -> Value {
    let text = || json!({"type": "string", "minLength": 1, "maxLength": MAX_VALUE});
    match kind {
        Kind::Text => text(),
        Kind::Texts => json!({"type": "array", "items": text()}),
        Kind::OneOf(values) => {
            json!({"type": "array", "items": {"type": "string", "enum": values}})
        }
        Kind::Time => json!({"anyOf": times()}),
        Kind::Since => {
            let mut times = times();
            times.push(json!({"const": "all"}));
            json!({"anyOf": times})
        }
        Kind::Id => json!({"type": "string", "format": "uuid"}),
    }
}

/// How a time is written.
fn times() -> Vec<Value> {
    vec![
        json!({"type": "string", "format": "date-time"}),
        json!({"type": "string", "format": "date"}),
        json!({"type": "string", "pattern": "^[0-9]{1,9}[smhdw]$"}),
    ]
}

fn number(name: &str, description: &str, least: u32, most: u32) -> Value {
    json!({"name": name, "in": "query", "description": description,
        "schema": {"type": "integer", "minimum": least, "maximum": most}})
}

fn text(name: &str, description: &str, required: bool) -> Value {
    json!({"name": name, "in": "query", "description": description, "required": required,
        "schema": {"type": "string", "minLength": 1, "maxLength": MAX_VALUE}})
}

fn pattern(name: &str, description: &str, pattern: &str) -> Value {
    json!({"name": name, "in": "query", "description": description,
        "schema": {"type": "string", "pattern": pattern}})
}

/// Status, name, and why.
const REFUSALS: [(&str, &str, &str); 8] = [
    ("400", "NotUnderstood", "A parameter is not understood"),
    ("401", "NobodyKnown", "No token that is in force"),
    ("403", "NotAllowed", "The role does not allow it; that it was tried is on record"),
    ("404", "NotFound", "There is none, or it is not yours to see"),
    ("405", "NoMethod", "The log can only be read"),
    ("409", "Moved", "What is left of the export is not any more as it was"),
    ("429", "TooManyFailures", "Too many requests from this address had no token in force"),
    ("503", "NotNow", "Busy, too slow, or not available"),
];

fn refusal(status: &str, why: &str) -> Value {
    let field = |what: &str| json!({"description": what, "schema": {"type": "string"}});
    let problem = json!({"$ref": "#/components/schemas/Problem"});
    let mut refusal = json!({
        "description": why,
        "content": {"application/problem+json": {"schema": problem}},
    });
    let headers = match status {
        "401" => json!({"WWW-Authenticate": field("How to say who asks")}),
        "405" => json!({"Allow": field("What can be done")}),
        "429" | "503" => json!({"Retry-After": field("When to come back, in seconds")}),
        _ => return refusal,
    };
    if let Value::Object(members) = &mut refusal {
        members.insert("headers".to_owned(), headers);
    }
    refusal
}

fn get(id: &str, summary: &str, parameters: Vec<Value>, content: Value, refused: &[&str]) -> Value {
    let mut responses = Map::new();
    responses.insert("200".to_owned(), json!({"description": "Done", "content": content}));
    // Refused before anything of it is looked at.
    responses.insert("414".to_owned(), json!({"description": "The URI is longer than 64 KiB"}));
    for (status, name, _) in REFUSALS.iter().filter(|(status, ..)| refused.contains(status)) {
        let reference = format!("#/components/responses/{name}");
        responses.insert((*status).to_owned(), json!({"$ref": reference}));
    }
    json!({"get": {
        "operationId": id, "summary": summary, "parameters": parameters, "responses": responses,
    }})
}
