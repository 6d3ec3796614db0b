//! Where the derived fields of an event came from.
//!
//! Everything that is derived is made of the redacted record alone. So a value that is not made by
//! convention stands somewhere in the record, and that is what is looked for.

use serde_json::Value;

use crate::derive::EventRule;

use super::super::screen::push_name;

/// Places that are named for one value.
const PLACES_MAX: usize = 3;

/// A derived field.
pub(super) struct Derived {
    pub(super) field: String,
    pub(super) value: String,
    pub(super) from: String,
}

/// The rule that named an event.
pub(super) struct Ruled<'r> {
    pub(super) rule: &'r EventRule,
    /// Its id, file and line.
    pub(super) place: String,
}

/// The derived fields of an event, by its two documents and by the rule that named it.
pub(super) fn derived(
    intent: Option<&Value>,
    completion: Option<&Value>,
    ruled: Option<&Ruled<'_>>,
) -> Vec<Derived> {
    let Some(first) = intent.or(completion) else { return Vec::new() };
    let record = Record { first, second: completion.unwrap_or(&Value::Null), ruled };
    let mut rows = Vec::new();
    record.named(&mut rows);
    record.actor(&mut rows);
    record.targets(&mut rows);
    for (name, value) in first["scope"].as_object().into_iter().flatten() {
        let from = ruled.and_then(|ruled| {
            let (_, template) = ruled.rule.scope.iter().find(|(other, _)| other == name)?;
            Some(ruled.template(template.as_str()))
        });
        record.found(format!("scope.{name}"), value, from, &mut rows);
    }
    if let Some(outcome) = record.second["outcome"].as_str() {
        let reason = record.second["reason"].as_str();
        let reason = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        let status = record.second.pointer("/response/status").unwrap_or(&Value::Null);
        rows.push(Derived {
            field: "outcome".to_owned(),
            value: format!("{outcome}{reason}"),
            from: match ruled.filter(|ruled| !ruled.rule.outcomes.is_empty()) {
                Some(ruled) => format!("{}: `outcome`, or else status {status}", ruled.place),
                None => {
                    format!("convention: the response's status {status} and its error code, if any")
                }
            },
        });
        record.changes(&mut rows);
    }
    rows
}

struct Record<'d> {
    first: &'d Value,
    second: &'d Value,
    ruled: Option<&'d Ruled<'d>>,
}

impl Ruled<'_> {
    /// That a template of the rule made a value.
    fn template(&self, template: &str) -> String {
        format!("{}: `{template}`", self.place)
    }
}

impl Record<'_> {
    fn named(&self, rows: &mut Vec<Derived>) {
        let request = &self.first["request"];
        let method = request["method"].as_str().unwrap_or_default();
        let route = request["route"].as_str().or_else(|| request["path"].as_str());
        let by_request = format!("convention: {method} {}", route.unwrap_or_default());
        // What the completion says of it wins.
        let (action, from) = match self.second["action"].as_str() {
            Some(action) if self.second.get("request").is_none() => {
                (action, format!("{by_request}, corrected by the response"))
            }
            _ => (self.first["action"].as_str().unwrap_or_default(), by_request),
        };
        let rule = self.ruled.map(|ruled| ruled.rule);
        let (acts, areas) = match rule {
            Some(rule) => (rule.action.is_some() || rule.read, rule.category.is_some()),
            None => (false, false),
        };
        let by_rule = |says: bool| self.ruled.filter(|_| says).map(|ruled| ruled.place.clone());
        let refused = self.second["rule"].as_str().filter(|_| self.second["category"] == "gateway");
        let refused = refused.map(|rule| format!("`rejections`: {rule}"));
        let from = refused.or_else(|| by_rule(acts)).unwrap_or(from);
        rows.push(Derived { field: "action".to_owned(), value: action.to_owned(), from });
        let category = self.first["category"].as_str().unwrap_or_default().to_owned();
        let from = "convention: the area of the action's noun".to_owned();
        let from = by_rule(areas).unwrap_or(from);
        rows.push(Derived { field: "category".to_owned(), value: category, from });
        if let Some(ruled) = self.ruled {
            let id = ruled.rule.id.clone();
            let from = format!("{}: `{}`", ruled.place, ruled.rule.path.as_str());
            rows.push(Derived { field: "rule".to_owned(), value: id, from });
        }
    }

    fn changes(&self, rows: &mut Vec<Derived>) {
        let count = self.second["changes"].as_array().map_or(0, Vec::len);
        let notes = self.second["changes_notes"].as_array().into_iter().flatten();
        let notes: Vec<&str> = notes.filter_map(Value::as_str).collect();
        let notes = match notes.is_empty() {
            true => String::new(),
            false => format!(" ({})", notes.join(", ")),
        };
        let from = match self.second["changes_source"].as_str() {
            Some("observed") => "the states before and after",
            Some("request") => "request.body; where response.body shows the resource, its values",
            _ => "not known",
        };
        rows.push(Derived {
            field: "changes".to_owned(),
            value: format!("{count}{notes}"),
            from: from.to_owned(),
        });
    }

    fn actor(&self, rows: &mut Vec<Derived>) {
        let actor = &self.first["actor"];
        let kind = actor["type"].as_str().unwrap_or_default().to_owned();
        let from = match actor["auth"].as_str() {
            Some("session") => "the session's cookie, request.header.cookie",
            Some("api_key") => "the API key in the request's header",
            Some("jwt") => "the claims of the token in request.header.authorization, unchecked",
            Some(_) => "request.header.authorization, unchecked",
            None => "the request names nobody",
        };
        rows.push(Derived { field: "actor.type".to_owned(), value: kind, from: from.to_owned() });
        for name in ["id", "name", "email"] {
            if let Some(value) = actor[name].as_str() {
                let (field, value) = (format!("actor.{name}"), value.to_owned());
                rows.push(Derived { field, value, from: from.to_owned() });
            }
        }
    }

    fn targets(&self, rows: &mut Vec<Derived>) {
        let targets = [&self.second["targets"], &self.first["targets"]];
        let targets = targets.into_iter().find_map(Value::as_array);
        for (position, target) in targets.into_iter().flatten().enumerate() {
            let field = |name: &str| format!("targets[{position}].{name}");
            let kind = target["type"].as_str().unwrap_or_default().to_owned();
            let rule = self.ruled.map(|ruled| &ruled.rule.target);
            let from = match self.ruled.filter(|ruled| ruled.rule.target.kind.is_some()) {
                Some(ruled) => ruled.place.clone(),
                None => "convention: the action's noun, or the collection in the path".to_owned(),
            };
            rows.push(Derived { field: field("type"), value: kind, from });
            let id = rule.and_then(|rule| rule.id.as_ref());
            let named = rule.and_then(|rule| rule.name.as_ref());
            for (name, template) in [("id", id), ("name", named)] {
                if let Some(value) = target.get(name) {
                    let from = self.ruled.zip(template);
                    let from = from.map(|(ruled, template)| ruled.template(template.as_str()));
                    self.found(field(name), value, from, rows);
                }
            }
        }
    }

    /// A value that stands in the record, and what rule took it from there.
    fn found(&self, field: String, value: &Value, by: Option<String>, rows: &mut Vec<Derived>) {
        let text = plain(value);
        if let Some(from) = by {
            rows.push(Derived { field, value: text, from });
            return;
        }
        let mut places = Vec::new();
        for (half, document) in [("request", self.first), ("response", self.second)] {
            let record = &document[half];
            let path = record["path"].as_str().unwrap_or_default();
            if path.split(['/', ':', ';', '=']).any(|segment| segment == text) {
                places.push(format!("{half}.path"));
            }
            search(&record["query"], &text, &mut format!("{half}.query"), &mut places);
            search(&record["body"], &text, &mut format!("{half}.body.$"), &mut places);
            search(&record["headers"], &text, &mut format!("{half}.header"), &mut places);
        }
        let from = match places.is_empty() {
            true => "a part of a text in the record, or decoded from one".to_owned(),
            false => places.join(", "),
        };
        rows.push(Derived { field, value: text, from });
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// The places of a scalar in a tree, the first few.
fn search(node: &Value, text: &str, place: &mut String, places: &mut Vec<String>) {
    let length = place.len();
    match node {
        _ if places.len() >= PLACES_MAX => {}
        Value::Object(members) => {
            for (name, member) in members {
                push_name(place, name);
                search(member, text, place, places);
                place.truncate(length);
            }
        }
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                place.push_str(&format!("[{position}]"));
                search(item, text, place, places);
                place.truncate(length);
            }
        }
        Value::Null => {}
        _ if plain(node) == text => places.push(place.clone()),
        _ => {}
    }
}
