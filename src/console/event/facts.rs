//! What is known of an event in short: names and values.

use serde_json::Value;

use super::text;
use crate::clock::Timestamp;
use crate::console::moment::Moment;
use crate::console::question::{ALL, Question};
use crate::console::shown::Shown;
use crate::record::meaning;

/// One thing that is known.
pub(super) struct Fact {
    pub(super) name: &'static str,
    pub(super) value: Shown,
    /// It is an id or the like: told apart letter by letter.
    pub(super) is_code: bool,
    pub(super) link: Option<FactLink>,
}

/// Where there is more of it.
pub(super) struct FactLink {
    pub(super) address: String,
    pub(super) title: &'static str,
}

fn plain(name: &'static str, value: &str) -> Fact {
    Fact { name, value: Shown::line(value), is_code: false, link: None }
}

fn code(name: &'static str, value: &str) -> Fact {
    Fact { is_code: true, ..plain(name, value) }
}

/// Who, from where, when, and by what ids it is known.
pub(super) fn of(event: &Value, now: Timestamp) -> Vec<Fact> {
    let none = Value::Null;
    let actor = event.get("actor").unwrap_or(&none);
    let source = event.get("source").unwrap_or(&none);
    let mut facts = Vec::new();
    for (of, name, label) in [
        (actor, "name", "Name"),
        (actor, "email", "E-mail"),
        (actor, "id", "Actor id"),
        (actor, "auth", "Known by"),
        (actor, "credential", "Credential"),
        (source, "ip", "Address"),
        (source, "forwarded", "Forwarded"),
        (source, "user_agent", "User agent"),
    ] {
        let Some(value) = text(of, name) else { continue };
        facts.push(match name {
            "id" | "credential" | "ip" | "forwarded" => code(label, value),
            "auth" => plain(label, known_by(value)),
            _ => plain(label, value),
        });
    }
    facts.extend(super::list(actor, "claimed").map(claimed));
    for (name, label) in [("time", "Arrived"), ("completed_at", "Ended")] {
        if let Some(time) = text(event, name) {
            facts.push(plain(label, &Moment::parse(time, now).absolute));
        }
    }
    for (name, label) in [("duration_ms", "Took"), ("upstream_ms", "Upstream took")] {
        if let Some(ms) = event.get(name).and_then(Value::as_u64) {
            facts.push(plain(label, &format!("{ms} ms")));
        }
    }
    if event.get("client_gone").and_then(Value::as_bool) == Some(true) {
        facts.push(plain("Client", "had left before the response could be given to it"));
    }
    for (name, value) in event.get("detail").and_then(Value::as_object).into_iter().flatten() {
        let text = format!("{name}: {}", super::message::pretty(value));
        facts.push(plain("Limit", &text));
    }
    facts.extend(scope(event));
    for (name, label) in
        [("request_id", "Request id"), ("trace_id", "Trace id"), ("id", "Event id")]
    {
        let Some(value) = text(event, name) else { continue };
        let mut fact = code(label, value);
        if name == "request_id" {
            let all = Question::default().with("since", ALL);
            let (address, title) = (all.with("q", value).link(), "Events of this request id");
            fact.link = Some(FactLink { address, title });
        }
        facts.push(fact);
    }
    facts
}

fn scope(event: &Value) -> Vec<Fact> {
    let scope = event.get("scope").and_then(Value::as_object).into_iter().flatten();
    let fact = |(name, value): (&String, &Value)| {
        let value = value.as_str()?;
        let all = Question::default().with("since", ALL);
        let address = all.with(&format!("scope.{name}"), value).link();
        let mut fact = plain("Scope", &format!("{name} = {value}"));
        fact.link = Some(FactLink { address, title: "Events of this scope" });
        Some(fact)
    };
    scope.filter_map(fact).collect()
}

/// Whom another credential claims, by what, and why that proves nothing.
fn claimed(claim: &Value) -> Fact {
    let named = ["name", "email", "id", "credential"].into_iter().filter_map(|it| text(claim, it));
    let auth = text(claim, "auth").map(known_by).into_iter();
    let reasons = super::list(claim, "notes").filter_map(Value::as_str);
    let reasons = reasons.map(|note| match meaning(note) {
        "" => note,
        said => said,
    });
    let told: Vec<&str> = named.take(1).chain(auth).chain(reasons).collect();
    plain("Also claimed, not verified", &told.join("; "))
}

/// How the actor became known, in words.
fn known_by(auth: &str) -> &str {
    match auth {
        "jwt" => "a JSON Web Token",
        "basic" => "HTTP Basic",
        "bearer" => "a bearer token",
        "header" => "a header of an authenticating proxy",
        "mtls" => "a TLS client certificate",
        "api_key" => "an API key",
        "session" => "a session cookie",
        "sign_in" => "the name in a request to sign in",
        other => other,
    }
}

/// What saw it, and under which rules.
pub(super) fn observer(event: &Value) -> Vec<Fact> {
    let none = Value::Null;
    let observer = event.get("observer").unwrap_or(&none);
    let mut facts = Vec::new();
    for (of, name, label) in [
        (event, "rule", "Named by rule"),
        (event, "writer", "Writer"),
        (observer, "upstream", "Upstream"),
        (observer, "config_version", "Configuration"),
        (observer, "ruleset", "Rules"),
    ] {
        facts.extend(text(of, name).map(|value| code(label, value)));
    }
    for (name, label) in [("seq", "Entry"), ("intent", "Intent")] {
        let number = event.get(name).and_then(Value::as_u64);
        facts.extend(number.map(|number| code(label, &number.to_string())));
    }
    facts
}
