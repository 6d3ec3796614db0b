//! The request and the response, as they are on record.

use serde_json::Value;

use super::text;
use crate::console::shown::Shown;

/// Characters of a body that a page shows.
const BODY: usize = 200_000;

/// A request or a response.
pub(super) struct Message {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    /// What was asked, or how it was answered.
    pub(super) line: Shown,
    pub(super) facts: Vec<(&'static str, Shown)>,
    /// Parameters of the query, and header fields.
    pub(super) tables: Vec<(&'static str, Vec<(Shown, Shown)>)>,
    pub(super) body: Option<Shown>,
    /// Not all of the body is here.
    pub(super) is_cut: bool,
    pub(super) notes: Vec<Shown>,
}

/// Both, as far as there are.
pub(super) fn of(event: &Value) -> Vec<Message> {
    let mut messages = Vec::new();
    if let Some(request) = event.get("request") {
        let line = [text(request, "method"), text(request, "path")];
        let line: Vec<&str> = line.into_iter().flatten().collect();
        messages.push(message("request", "Request", &line.join(" "), request));
    }
    if let Some(response) = event.get("response") {
        let status = response.get("status").and_then(Value::as_u64).unwrap_or_default();
        let known = u16::try_from(status).ok().and_then(|s| http::StatusCode::from_u16(s).ok());
        let reason = known.and_then(|status| status.canonical_reason()).unwrap_or_default();
        let line = format!("{status} {reason}");
        messages.push(message("response", "Response", line.trim(), response));
    }
    messages
}

fn message(id: &'static str, name: &'static str, line: &str, of: &Value) -> Message {
    let mut facts = Vec::new();
    for (name, label) in [
        ("route", "Route"),
        ("content_type", "Content type"),
        ("release", "Released"),
        ("sha256", "SHA-256"),
    ] {
        facts.extend(text(of, name).map(|value| (label, Shown::line(value))));
    }
    if let Some(size) = of.get("size").and_then(Value::as_u64) {
        let text = format!("{} bytes", crate::console::moment::grouped(size));
        facts.push(("Size", Shown::line(&text)));
    }
    let mut tables = Vec::new();
    for (name, label) in [("query", "Parameters"), ("headers", "Header fields")] {
        let fields = of.get(name).and_then(Value::as_object).into_iter().flatten();
        let rows: Vec<(Shown, Shown)> =
            fields.map(|(name, value)| (Shown::line(name), Shown::block(&pretty(value)))).collect();
        if !rows.is_empty() {
            tables.push((label, rows));
        }
    }
    let body = of.get("body").map(pretty);
    let is_long = body.as_ref().is_some_and(|body| body.chars().nth(BODY).is_some());
    let body = body.map(|body| match is_long {
        true => Shown::block(&body.chars().take(BODY).collect::<String>()),
        false => Shown::block(&body),
    });
    let truncated = of.get("truncated").and_then(Value::as_bool) == Some(true);
    let notes = super::noted(of, "notes");
    Message {
        id,
        name,
        line: Shown::line(line),
        facts,
        tables,
        body,
        is_cut: is_long || truncated,
        notes,
    }
}

/// A text as it is, anything else as indented JSON.
pub(super) fn pretty(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}
