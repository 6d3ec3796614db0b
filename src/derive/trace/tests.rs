//! Derivation never invents: whatever it says stands where the trace says that it stands.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use super::{By, Field, Origin, Trace};
use crate::derive::path::Path;
use crate::derive::{
    Ended, EventRules, Kind, Naming, Place, Verdict, named, named_traced, outcome, outcome_traced,
};
use crate::record::{Actor, ActorKind, RequestRecord, ResponseRecord, Target};
use crate::redact::JsonPath;
use crate::rules;

const RULES: &str = "
events:
  - id: rotate
    match: { method: POST, path: '/keys/{id}/rotate' }
    action: api_key.rotate
    target: { type: api_key, id: '{path.id}', name: '{response.body:$.name | request.body:$.name}' }
    scope: { pool: '{query.pool | request.body:$.pool | header.x-pool}', fixed: 'here' }
    description: '{target.name} {action.done} by {actor.name}'
    severity: warn
    outcome:
      - { when: { body: { '$.error': present } }, is: failure, reason: '{response.body:$.error}' }
  - id: bulk
    match: { path: '/{any}/bulk' }
    target: { id: '{response.header.location | query.id}' }
  - { id: read, match: { path: '/users/search' }, read: true }
openapi: [{ id: api, file: api.txt }]
";

const DOCUMENT: &str = "
openapi: 3.0.0
paths:
  /pools/{pool}/keys/{key}: { patch: { operationId: updateKey, summary: Change a key } }
  /users/{user}/notes: { post: { operationId: addNote } }
  /delete: { post: { operationId: removeThing, parameters: [{ name: id, in: query, required: true }] } }
";

fn events() -> EventRules {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.yaml"), RULES).unwrap();
    std::fs::write(dir.path().join("api.txt"), DOCUMENT).unwrap();
    let rules = rules::load(Some(dir.path()), &[]).unwrap_or_else(|wrong| panic!("{wrong}"));
    rules.events().as_ref().clone()
}

fn actor() -> Actor {
    Actor {
        id: Some("u1".to_owned()),
        name: Some("ada".to_owned()),
        verified: true,
        ..Actor::unknown(ActorKind::User)
    }
}

/// An exchange, and what was derived of it.
struct Case<'c> {
    request: &'c RequestRecord,
    response: Option<&'c ResponseRecord>,
    naming: Naming,
    verdict: Verdict,
    targets: Vec<Target>,
}

impl Case<'_> {
    /// What stands at a place of the exchange.
    fn value(&self, origin: &Origin) -> Option<String> {
        let scalar = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Array(items) => Some(items.first()?.as_str()?.to_owned()),
            _ => None,
        };
        let tree = |tree: &crate::record::Tree| serde_json::to_value(tree).unwrap();
        let body = |body: &Option<crate::record::BodyRecord>, path: &str| {
            let body = body.as_ref()?;
            if path == "$" {
                // Somewhere in all of it.
                return Some(String::new());
            }
            let (path, mut work) = (JsonPath::new(path).unwrap(), 10_000);
            let node = body.tree();
            let found = path.select(node, &mut work).ok()?;
            super::super::body::scalar(found.first()?).or_else(|| match found.first()? {
                super::super::body::Value::Bool(value) => Some(value.to_string()),
                super::super::body::Value::Null => None,
                _ => Some(String::new()),
            })
        };
        match origin {
            Origin::Method => Some(self.request.method.clone()),
            Origin::Segment(position) => {
                Some(Path::read(&self.request.path).segments.get(*position)?.text.clone())
            }
            Origin::Param(name) => {
                let all = [&self.naming.matched, &self.naming.documented].into_iter().flatten();
                let mut all = all.flat_map(|matched| &matched.params);
                all.find(|(known, _)| known == name).map(|(_, value)| value.clone())
            }
            Origin::Query(name) => scalar(tree(self.request.query.as_ref()?).get(name)?),
            Origin::RequestHeader(name) => scalar(tree(&self.request.headers).get(name)?),
            Origin::RequestBody(path) => body(&self.request.body, path),
            Origin::Call => {
                let body = self.request.body.as_ref().map(|body| body.text().replace("\\\"", "\""));
                body.or_else(|| Some(tree(self.request.query.as_ref()?).to_string()))
            }
            Origin::Status => Some(self.response?.status.to_string()),
            // A location is a path.
            Origin::ResponseHeader(name) => {
                let text = scalar(tree(&self.response?.headers).get(name)?)?;
                let path = Path::read(&text).segments.into_iter().map(|segment| segment.text);
                let path: Vec<_> = path.collect();
                let shown = path.iter().filter(|text| *text != "***").cloned();
                let shown = shown.collect::<Vec<_>>().join("/");
                Some(format!("{text} {} {shown}", path.join("/")))
            }
            Origin::ResponseBody(path) => body(&self.response?.body, path),
            Origin::Event(_) | Origin::Text | Origin::States => Some(String::new()),
            Origin::NoResponse => self.response.is_none().then(String::new),
        }
    }

    /// A value that is there is traced to where it stands; the trace tells of no value that is not.
    fn holds(&self, trace: &Trace) -> Result<(), String> {
        let mut there = vec![
            (Field::Action, None),
            (Field::Category, None),
            (Field::Outcome, None),
            (Field::Severity, None),
            (Field::Description, None),
        ];
        there.extend(self.naming.route.as_ref().map(|_| (Field::Route, None)));
        there.extend(self.verdict.reason.as_ref().map(|_| (Field::Reason, None)));
        for (name, value) in &self.naming.scope {
            there.push((Field::Scope(name.clone()), Some(value)));
        }
        for (position, target) in self.targets.iter().enumerate() {
            there.push((Field::Kind(position), None));
            there.extend(target.id.as_ref().map(|id| (Field::Id(position), Some(id))));
            there.extend(target.name.as_ref().map(|name| (Field::Name(position), Some(name))));
        }
        for (field, value) in &there {
            let traced = trace.of(field).ok_or_else(|| format!("{field} is not traced"))?;
            let found: Option<Vec<String>> =
                traced.from.iter().map(|origin| self.value(origin)).collect();
            let found = found.ok_or_else(|| format!("{traced:?} leads nowhere"))?;
            let Some(value) = value else { continue };
            let is_fixed = traced.from.is_empty() && matches!(traced.by, By::Rule { .. });
            let is_there = |found: &String| {
                // Derived texts are trimmed, cut, and without controls; in a path they are joined.
                let shown = crate::derive::text::cut(found.trim());
                // A secret that was taken out is no part of it.
                shown == "***"
                    || found.contains(value.as_str())
                    || shown.contains(value.as_str())
                    || value.contains(&shown)
                    // Versions are no part of an id.
                    || parts_stand_in_order(value, found)
            };
            let stands = !found.is_empty() && found.iter().all(is_there);
            if !is_fixed && !stands {
                return Err(format!("{field} is {value}, but {traced:?} is {found:?}"));
            }
        }
        for traced in trace.fields() {
            if !there.iter().any(|(field, _)| *field == traced.field) {
                return Err(format!("{traced:?} is not there"));
            }
        }
        Ok(())
    }
}

fn check(
    events: &EventRules,
    request: &RequestRecord,
    response: Option<&ResponseRecord>,
) -> Result<(), String> {
    let place = Place { rules: events, host: "a.example", kind: Kind::Admin };
    let mut trace = Trace::on();
    let naming = named_traced(request, &actor(), &place, &mut trace);
    let ended = response.map_or(Ended::UpstreamLost, Ended::Response);
    let verdict = outcome_traced(&naming, request, &actor(), ended, &mut trace);
    // To trace changes nothing.
    if naming != named(request, &actor(), &place)
        || verdict != outcome(&naming, request, &actor(), ended)
    {
        return Err("traced is not the same".to_owned());
    }
    let targets = verdict.targets.clone().unwrap_or_else(|| naming.targets.clone());
    Case { request, response, naming, verdict, targets }.holds(&trace)
}

#[test]
fn what_an_answer_shows_is_traced_to_the_member_that_holds_it() {
    let mutation = "mutation { insert_users_one(object: {name: \"a\"}) { id name } }";
    for (path, sent, shown, field, place) in [
        (
            "/graphql",
            json!({"query": mutation}),
            json!({"data": {"insert_users_one": {"id": 1, "name": "a"}}}),
            Field::Id(0),
            "$.data.insert_users_one.id",
        ),
        (
            "/users",
            json!([{"name": "a"}, {"name": "b"}]),
            json!([{"id": 1}, {"id": 2}]),
            Field::Id(1),
            "$[1].id",
        ),
        (
            "/users",
            json!({"name": "a"}),
            json!({"data": [{"id": 7}]}),
            Field::Id(0),
            "$.data[0].id",
        ),
    ] {
        let request = RequestRecord {
            method: "POST".to_owned(),
            path: path.to_owned(),
            headers: json!({}).into(),
            body: Some(sent.into()),
            ..RequestRecord::default()
        };
        let response = ResponseRecord {
            status: 201,
            headers: json!({}).into(),
            body: Some(shown.clone().into()),
            ..ResponseRecord::default()
        };
        let rules = EventRules::default();
        let place_of = Place { rules: &rules, host: "a.example", kind: Kind::Admin };
        let mut trace = Trace::on();
        let naming = named_traced(&request, &actor(), &place_of, &mut trace);
        outcome_traced(&naming, &request, &actor(), Ended::Response(&response), &mut trace);
        let from = trace.of(&field).map(|traced| traced.from.clone());
        assert_eq!(from, Some(vec![Origin::ResponseBody(place.to_owned())]), "{shown}");
    }
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "users",
            "keys",
            "rotate",
            "pools",
            "blue",
            "bulk",
            "search",
            "delete",
            "graphql",
            "7",
            "k-1",
            "notes",
            "api",
            "v1",
            "password",
            "login",
            "id",
            "a%2Fb",
            "***",
            "..",
            "name",
            "queues",
            "orgs",
            "projects",
            "5:rotate",
            "1,2,k-3",
            "user_edit",
            "me",
            "x.json",
            "café",
            "db",
            "permissions",
            "enable",
        ])
        .prop_map(ToOwned::to_owned),
        "[a-zA-Z0-9 %._:;-]{1,8}",
    ]
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        word().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        Just(json!("mutation A { a }")),
        Just(json!("mutation { createUser(name: \"ann\") { id } deleteUser(id: 7) { id } }")),
        Just(json!("1,k-2,3")),
        Just(json!("user.ban")),
    ]
}

fn body() -> impl Strategy<Value = Value> {
    let name = || {
        prop::sample::select(vec![
            "id",
            "name",
            "uuid",
            "user",
            "key",
            "data",
            "ids",
            "items",
            "error",
            "code",
            "email",
            "pool",
            "user_id",
            "title",
            "jsonrpc",
            "method",
            "params",
            "query",
            "users",
            "key[name]",
            "_method",
            "errors",
            "userId",
            "user_ids",
            "form-TOTAL_FORMS",
            "form-0-id",
            "action",
            "_selected_action",
            "filename",
            "success",
            "requests",
            "path",
            "status",
            "result",
            "variables",
        ])
    };
    leaf().prop_recursive(3, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..6).prop_map(|members| {
                members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            }),
        ]
    })
}

/// Whether all parts of an id are segments of the path, one after the other.
fn parts_stand_in_order(id: &str, path: &str) -> bool {
    let mut segments = path.split(['/', ' ']);
    id.split('/').all(|part| segments.any(|segment| segment == part))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn what_is_derived_stands_where_the_trace_says(
        method in prop::sample::select(vec!["POST", "PUT", "PATCH", "DELETE", "GET", "post", "X Y"]),
        path in prop::collection::vec(word(), 0..6),
        query in prop::option::of(prop::collection::btree_map(
            prop::sample::select(vec!["id", "ids", "pool", "_method"]), word(), 0..3)),
        header in prop::option::of(word()),
        sent in prop::option::of(body()),
        status in prop::sample::select(vec![200_u16, 201, 202, 207, 302, 401, 404, 409, 500, 700]),
        location in prop::option::of(prop::collection::vec(word(), 0..4)),
        answered in prop::option::of(body()),
        lost in prop::bool::weighted(0.1),
    ) {
        thread_local!(static EVENTS: EventRules = events());
        let request = RequestRecord {
            method: method.to_owned(),
            path: format!("/{}", path.join("/")),
            query: query.map(|query| json!(query).into()),
            headers: header.map_or(json!({}), |pool| json!({"x-pool": pool})).into(),
            body: sent.map(Into::into),
            ..RequestRecord::default()
        };
        let location = location.map(|path| json!({"location": format!("/{}", path.join("/"))}));
        let response = ResponseRecord {
            status,
            headers: location.unwrap_or(json!({})).into(),
            body: answered.map(Into::into),
            ..ResponseRecord::default()
        };
        let held = EVENTS.with(|events| check(events, &request, (!lost).then_some(&response)));
        prop_assert!(held.is_ok(), "{}\n{request:?}\n{response:?}", held.unwrap_err());
    }
}
