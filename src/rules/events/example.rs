//! Examples of rules about events: exchanges in a short form, and what their events must say.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use serde_saphyr::Spanned;

use super::super::check::Checked;
use super::super::examples::{Difference, Expected, Tried, Unmet};
use super::super::load::RuleSet;
use super::CheckedEvent;
use super::file::{OutcomeIs, SeverityFile};
use crate::capture::{Body, Release, Request, Response};
use crate::derive::{Ended, EventRule, Kind, Naming, Place, Verdict, named, outcome};
use crate::record::{Actor, ActorKind};
use crate::redact::{Detail, Engine, FingerprintKey, Seen};

/// What a body is if its header does not say.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// An exchange, and what its event must say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventExampleFile {
    /// Method, path and query, as they are sent.
    #[schemars(with = "String")]
    #[schemars(example = json!("POST /admin/api-keys/k1/rotate?force=true"))]
    pub request: Spanned<String>,
    /// The host; the rule's own, or else `example.com`, if not given.
    #[serde(default)]
    #[schemars(example = json!("admin.example.com"))]
    pub host: Option<String>,
    /// Header fields of the request.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    #[schemars(example = json!({"x-pool": "blue"}))]
    pub headers: BTreeMap<String, Spanned<String>>,
    /// The body: a text, exactly as it is sent, or, for JSON, YAML. JSON unless `headers` say otherwise.
    #[serde(default)]
    #[schemars(example = json!({"pool_id": "blue"}))]
    pub body: Option<Value>,
    /// The status of the response.
    #[serde(default = "ok")]
    #[schemars(example = json!(201))]
    pub status: u16,
    /// Header fields of the response.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    #[schemars(example = json!({"location": "/admin/api-keys/k1"}))]
    pub response_headers: BTreeMap<String, Spanned<String>>,
    /// The body of the response, like `body`.
    #[serde(default)]
    #[schemars(example = json!({"name": "ci deploy"}))]
    pub response: Option<Value>,
    /// The name of who acts, as it is proved.
    #[serde(default)]
    #[schemars(example = json!("ada"))]
    pub actor: Option<String>,
    /// What the event must say; what is left out may be anything.
    #[serde(default)]
    pub event: ExpectedEventFile,
}

fn ok() -> u16 {
    200
}

/// What an event must say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectedEventFile {
    /// `noun.verb`.
    #[serde(default)]
    #[schemars(example = json!("api_key.rotate"))]
    pub action: Option<String>,
    /// The area.
    #[serde(default)]
    #[schemars(example = json!("api_key"))]
    pub category: Option<String>,
    /// The first target: `type`, `id`, `name`.
    #[serde(default)]
    #[schemars(example = json!({"type": "api_key", "id": "k1", "name": "ci deploy"}))]
    pub target: BTreeMap<String, String>,
    /// Where it belongs, as far as it is listed.
    #[serde(default)]
    #[schemars(example = json!({"pool": "blue"}))]
    pub scope: BTreeMap<String, String>,
    /// The route template.
    #[serde(default)]
    #[schemars(example = json!("/admin/api-keys/{id}/rotate"))]
    pub route: Option<String>,
    /// How it ended.
    #[serde(default)]
    #[schemars(example = json!("success"))]
    pub outcome: Option<OutcomeIs>,
    /// Why.
    #[serde(default)]
    #[schemars(example = json!("http_409"))]
    pub reason: Option<String>,
    /// How much it should worry.
    #[serde(default)]
    #[schemars(example = json!("warn"))]
    pub severity: Option<SeverityFile>,
    /// The sentence.
    #[serde(default)]
    #[schemars(example = json!("API key ci deploy rotated by ada"))]
    pub description: Option<String>,
}

/// An example that was checked.
#[derive(Debug, Clone)]
pub(in crate::rules) struct EventExample {
    line: u64,
    column: u64,
    text: String,
    host: String,
    headers: HeaderMap,
    body: Vec<u8>,
    status: u16,
    response_headers: HeaderMap,
    response: Vec<u8>,
    actor: Option<String>,
    event: ExpectedEventFile,
}

impl Checked {
    /// The examples of a rule.
    pub(super) fn event_examples(
        &mut self,
        file: &Path,
        id: &str,
        host: Option<&str>,
        written: &[EventExampleFile],
    ) -> Vec<EventExample> {
        written.iter().filter_map(|example| self.event_example(file, id, host, example)).collect()
    }

    fn event_example(
        &mut self,
        file: &Path,
        id: &str,
        host: Option<&str>,
        written: &EventExampleFile,
    ) -> Option<EventExample> {
        let request = &written.request;
        let is_line = |(method, path): &(&str, &str)| {
            !method.is_empty()
                && method.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && path.starts_with('/')
                && path.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if request.value.split_once(' ').filter(is_line).is_none() {
            let message = format!("`{}` in `examples` of `{id}` is no request", request.value);
            let remedy =
                "write method and path as they are sent: `POST /keys/k1/rotate?force=true`";
            self.at(file, request, message, remedy);
            return None;
        }
        if !(100..=599).contains(&written.status) {
            let message = format!("`status` in `examples` of `{id}` cannot be {}", written.status);
            self.at(file, request, message, "write a status from 100 to 599");
        }
        if let Some(name) = written
            .event
            .target
            .keys()
            .find(|name| !["type", "id", "name"].contains(&name.as_str()))
        {
            let message = format!("`{name}` in `target` of an example of `{id}` is not known");
            self.at(file, request, message, "known are `type`, `id` and `name`");
        }
        let mut fields = |written: &BTreeMap<String, Spanned<String>>, body: &Option<Value>| {
            let mut headers = HeaderMap::new();
            for (name, value) in written {
                let name = HeaderName::from_bytes(name.as_bytes());
                match (name, HeaderValue::from_str(&value.value)) {
                    (Ok(name), Ok(value)) => {
                        headers.insert(name, value);
                    }
                    _ => {
                        let message =
                            format!("a header field in `examples` of `{id}` cannot be sent");
                        self.at(file, value, message, "write a name, and a text of one line");
                    }
                }
            }
            if body.is_some() && !headers.contains_key(CONTENT_TYPE) {
                headers.insert(CONTENT_TYPE, JSON);
            }
            headers
        };
        let own = host.map(|host| host.replace('*', "any"));
        let host = written.host.clone().or(own).unwrap_or_else(|| "example.com".to_owned());
        Some(EventExample {
            line: request.referenced.line(),
            column: request.referenced.column(),
            text: request.value.clone(),
            host,
            headers: fields(&written.headers, &written.body),
            body: bytes(written.body.as_ref()),
            status: written.status,
            response_headers: fields(&written.response_headers, &written.response),
            response: bytes(written.response.as_ref()),
            actor: written.actor.clone(),
            event: written.event.clone(),
        })
    }
}

fn bytes(body: Option<&Value>) -> Vec<u8> {
    match body {
        None => Vec::new(),
        Some(Value::String(text)) => text.clone().into_bytes(),
        Some(body) => body.to_string().into_bytes(),
    }
}

impl RuleSet {
    /// Tries the examples of rules about events whose id begins with `prefix`.
    pub(in crate::rules) fn try_event_examples(&self, prefix: &str, tried: &mut Tried) {
        // What a fingerprint is made with does not matter here.
        let engine = Engine::new(self.redaction(), FingerprintKey::new(&[0; 32]));
        for checked in self.written.iter().filter(|checked| checked.rule.id.starts_with(prefix)) {
            tried.rules += 1;
            tried.examples += checked.examples.len();
            if checked.examples.is_empty() {
                tried.without.push(checked.rule.id.clone());
            }
            for example in &checked.examples {
                tried.unmet.extend(self.unmet(&engine, checked, example));
            }
        }
    }

    fn unmet(
        &self,
        engine: &Engine,
        checked: &CheckedEvent,
        example: &EventExample,
    ) -> Option<Unmet> {
        let differences = self.differences(engine, &checked.rule, example);
        (!differences.is_empty()).then(|| Unmet {
            rule: checked.rule.id.clone(),
            file: checked.file.clone(),
            line: example.line,
            column: example.column,
            expected: Expected::Event(differences),
            example: example.text.clone(),
            redacted: None,
        })
    }

    /// What the event says, and should not, field by field.
    fn differences(
        &self,
        engine: &Engine,
        rule: &EventRule,
        example: &EventExample,
    ) -> Vec<Difference> {
        let (method, target) = example.text.split_once(' ').unwrap_or((&example.text, "/"));
        let request = Request {
            method: method.to_owned(),
            path_and_query: target.to_owned(),
            host: example.host.clone(),
            version: "1.1",
            headers: example.headers.clone(),
            body: Body::whole(example.body.clone()),
            peer: None,
            peer_trusted: false,
        };
        let mut seen = Seen::default();
        let request = engine.request(&request, Detail::WithBody, &mut seen).into_inner();
        let actor =
            Actor { id: example.actor.clone(), verified: true, ..Actor::unknown(ActorKind::User) };
        let events = Arc::clone(&self.events);
        let kind = rule.kind.unwrap_or(Kind::Admin);
        let place = Place { rules: &events, host: &example.host, kind };
        let naming = named(&request, &actor, &place);
        let response = Response {
            status: example.status,
            headers: example.response_headers.clone(),
            body: Body::whole(example.response.clone()),
            release: Release::Held,
        };
        let response = engine.response(&response, Detail::WithBody, &mut seen).into_inner();
        let verdict = outcome(&naming, &request, &actor, Ended::Response(&response));
        compared(rule, &example.event, &naming, &verdict)
    }
}

fn compared(
    rule: &EventRule,
    expected: &ExpectedEventFile,
    naming: &Naming,
    verdict: &Verdict,
) -> Vec<Difference> {
    let word = |value: Option<Value>| value.and_then(|value| value.as_str().map(ToOwned::to_owned));
    let targets = verdict.targets.as_ref().unwrap_or(&naming.targets);
    let first = targets.first();
    let target = |name: &str| match name {
        "type" => first.map(|target| target.kind.clone()),
        "id" => first.and_then(|target| target.id.clone()),
        _ => first.and_then(|target| target.name.clone()),
    };
    let by_name = naming.rule().map(ToOwned::to_owned);
    let action = verdict.action.clone().unwrap_or_else(|| naming.action.clone());
    let mut pairs = vec![
        ("rule".to_owned(), Some(rule.id.clone()), by_name),
        ("action".to_owned(), expected.action.clone(), Some(action)),
        ("category".to_owned(), expected.category.clone(), Some(naming.category.clone())),
        ("route".to_owned(), expected.route.clone(), naming.route.clone()),
        (
            "outcome".to_owned(),
            word(expected.outcome.map(|outcome| json!(outcome))),
            word(Some(json!(verdict.outcome))),
        ),
        ("reason".to_owned(), expected.reason.clone(), verdict.reason.clone()),
        (
            "severity".to_owned(),
            word(expected.severity.map(|severity| json!(severity))),
            word(Some(json!(verdict.severity))),
        ),
        ("description".to_owned(), expected.description.clone(), Some(verdict.description.clone())),
    ];
    pairs.extend(
        expected
            .target
            .iter()
            .map(|(name, value)| (format!("target.{name}"), Some(value.clone()), target(name))),
    );
    pairs.extend(expected.scope.iter().map(|(name, value)| {
        (format!("scope.{name}"), Some(value.clone()), naming.scope.get(name).cloned())
    }));
    let unlike = |(field, should, is): (String, Option<String>, Option<String>)| {
        let should = should?;
        (is.as_ref() != Some(&should)).then_some(Difference { field, should, is })
    };
    pairs.into_iter().filter_map(unlike).collect()
}
