//! What stands around what was done: where the request came from, its ids, and the acts of one that does
//! several things.

use serde_json::Value;

use super::{Derived, Event, plain};
use crate::derive::{Field, Origin};

/// What an act says of itself, in the order of rows.
const OF_ACT: [&str; 7] =
    ["action", "category", "description", "targets", "outcome", "reason", "severity"];

impl Event<'_> {
    /// The source and the ids.
    pub(super) fn around(&self, rows: &mut Vec<Derived>) {
        let source = &self.first["source"];
        let has_field =
            |name: &str| self.first.pointer(&format!("/request/headers/{name}")).is_some();
        let chains = ["forwarded", "x-forwarded-for"].into_iter();
        let chains: Vec<String> = chains
            .filter(|name| has_field(name))
            .map(|name| format!("request.header.{name}"))
            .collect();
        let is_told = !source["forwarded"].is_null();
        let ip = match is_told {
            true => "convention: the last address that no trusted proxy has, or else the peer's",
            false => "convention: the address of the peer",
        };
        let of_field = |name: &str| vec![format!("request.header.{name}")];
        let chain = if is_told { chains } else { Vec::new() };
        let found = [
            ("source.ip", &source["ip"], ip, chain.clone()),
            ("source.forwarded", &source["forwarded"], "convention: the chain", chain),
            (
                "source.user_agent",
                &source["user_agent"],
                "convention: the client's word",
                of_field("user-agent"),
            ),
            (
                "request_id",
                &self.first["request_id"],
                "convention: the client's word",
                of_field("x-request-id"),
            ),
            (
                "trace_id",
                &self.first["trace_id"],
                "convention: the trace's id in the field",
                of_field("traceparent"),
            ),
        ];
        for (field, value, by, places) in found {
            if !value.is_null() {
                rows.push(made(field.to_owned(), plain(value), by, places));
            }
        }
    }

    /// The acts, as they ended.
    pub(super) fn acts(&self, rows: &mut Vec<Derived>) {
        let (planned, ended) = (self.first["acts"].as_array(), self.second["acts"].as_array());
        for (position, act) in ended.or(planned).into_iter().flatten().enumerate() {
            for name in OF_ACT {
                self.act(position, name, (act, planned.is_some()), rows);
            }
        }
    }

    fn act(
        &self,
        position: usize,
        name: &'static str,
        (act, is_planned): (&Value, bool),
        rows: &mut Vec<Derived>,
    ) {
        let Some(value) = Some(&act[name]).filter(|value| !value.is_null()) else { return };
        let field = Field::Act(position, name);
        if let Some(traced) = self.trace.of(&field) {
            let places: Vec<String> = traced.from.iter().map(ToString::to_string).collect();
            let (by, _) = self.by(traced);
            rows.push(made(field.to_string(), plain(value), &by, places));
            return;
        }
        let (by, place) = match name {
            "description" => ("convention: a sentence of action, targets and outcome", None),
            "severity" => ("convention: how it ended", Some(format!("acts[{position}].outcome"))),
            "outcome" | "reason" => ("convention: as the event ended", Some(name.to_owned())),
            _ if is_planned => (
                "convention: what this part of the request asks for",
                Some(Origin::Call.to_string()),
            ),
            _ => ("convention: what the answer tells of each", Some("response.body".to_owned())),
        };
        rows.push(made(field.to_string(), plain(value), by, place.into_iter().collect()));
    }
}

fn made(field: String, value: String, by: &str, places: Vec<String>) -> Derived {
    let from = match places.is_empty() {
        true => by.to_owned(),
        false => format!("{by}; {}", places.join(", ")),
    };
    Derived { field, value, from, rule: None, places }
}
