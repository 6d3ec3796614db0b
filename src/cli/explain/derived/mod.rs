//! Where the derived fields of an event came from: what the derivation noted as it made them.

mod around;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::account::Setup;
use crate::derive::{By, EventRule, Field, Trace, Traced};

/// A derived field.
pub(super) struct Derived {
    pub(super) field: String,
    pub(super) value: String,
    /// In words.
    pub(super) from: String,
    /// The id of the rule, or of the operation, that said so.
    pub(super) rule: Option<String>,
    /// Where in the exchange it stands.
    pub(super) places: Vec<String>,
}

/// What is known of an event: its two documents, and what was noted.
pub(super) struct Known<'d> {
    pub(super) intent: Option<&'d Value>,
    pub(super) completion: Option<&'d Value>,
    pub(super) trace: &'d Trace,
    /// The position of the rule that said who acts.
    pub(super) actor: Option<usize>,
}

/// The derived fields of an event, in the order of the record.
pub(super) fn derived(setup: &Setup, known: &Known<'_>) -> Vec<Derived> {
    let Some(first) = known.intent.or(known.completion) else { return Vec::new() };
    let second = known.completion.unwrap_or(&Value::Null);
    let event = Event { setup, first, second, trace: known.trace };
    let mut rows = Vec::new();
    for field in [Field::Action, Field::Category, Field::Description, Field::Route] {
        event.row(field, &mut rows);
    }
    event.rule(&mut rows);
    event.actor(known.actor, &mut rows);
    event.around(&mut rows);
    let targets = event.targets().map_or(0, Vec::len);
    for position in 0..targets {
        for field in [Field::Kind(position), Field::Id(position), Field::Name(position)] {
            event.row(field, &mut rows);
        }
    }
    for name in first["scope"].as_object().into_iter().flatten().map(|(name, _)| name) {
        event.row(Field::Scope(name.clone()), &mut rows);
    }
    for field in [Field::Outcome, Field::Reason, Field::Severity] {
        event.row(field, &mut rows);
    }
    for name in second["detail"].as_object().into_iter().flatten().map(|(name, _)| name) {
        event.row(Field::Detail(name.clone()), &mut rows);
    }
    event.acts(&mut rows);
    event.changes(&mut rows);
    rows
}

struct Event<'d> {
    setup: &'d Setup,
    first: &'d Value,
    second: &'d Value,
    trace: &'d Trace,
}

impl Event<'_> {
    /// The targets as they are at the end.
    fn targets(&self) -> Option<&Vec<Value>> {
        [&self.second["targets"], &self.first["targets"]].into_iter().find_map(Value::as_array)
    }

    /// The value of a field; what the completion says of it wins.
    fn value(&self, field: &Field) -> Option<String> {
        let target =
            |position: &usize, name: &str| self.targets()?.get(*position)?.get(name).map(plain);
        let named = |name: &str| {
            let both = [&self.second[name], &self.first[name]];
            both.into_iter().find(|value| !value.is_null()).map(plain)
        };
        match field {
            Field::Kind(position) => target(position, "type"),
            Field::Id(position) => target(position, "id"),
            Field::Name(position) => target(position, "name"),
            Field::Scope(name) => self.first["scope"].get(name).map(plain),
            Field::Detail(name) => self.second["detail"].get(name).map(plain),
            Field::Route => self.first["request"].get("route").map(plain),
            field => named(&field.to_string()),
        }
    }

    fn row(&self, field: Field, rows: &mut Vec<Derived>) {
        let Some(value) = self.value(&field) else { return };
        let traced = self.trace.of(&field);
        let places: Vec<String> =
            traced.into_iter().flat_map(|traced| &traced.from).map(ToString::to_string).collect();
        let (by, rule) = traced.map_or_else(Default::default, |traced| self.by(traced));
        let from = match places.is_empty() {
            true => by,
            false => format!("{by}; {}", places.join(", ")),
        };
        rows.push(Derived { field: field.to_string(), value, from, rule, places });
    }

    /// Who said so, in words, and the id.
    fn by(&self, traced: &Traced) -> (String, Option<String>) {
        match &traced.by {
            By::Convention(what) => (format!("convention: {what}"), None),
            By::Operation { id, key } => {
                let file = self.setup.rules.document(id);
                let file = file.map(|file| format!(" ({})", file.display())).unwrap_or_default();
                (format!("document {id}{file}: {key}"), Some(id.clone()))
            }
            By::Rejection { id } => (format!("`rejections`: {id}"), Some(id.clone())),
            By::Rule { id, key } => {
                let place = self.setup.rules.event(id);
                let place = place.map(|(file, line)| format!(" at {}:{line}", file.display()));
                let says = self.setup.events.rule(id).and_then(|rule| says(rule, key));
                let says = says.map(|says| format!(" `{says}`")).unwrap_or_default();
                (format!("rule {id}{}: {key}{says}", place.unwrap_or_default()), Some(id.clone()))
            }
        }
    }

    fn rule(&self, rows: &mut Vec<Derived>) {
        let Some(id) = self.first["rule"].as_str() else { return };
        let operation = self.setup.rules.document(id).is_some();
        let rejects = self.setup.events.rejections().iter().any(|rule| rule.id == id);
        let from = match self.setup.events.rule(id) {
            _ if self.first["category"] == "gateway" && rejects => {
                "the answer fits this rule of `rejections`".to_owned()
            }
            Some(rule) => format!("match.path `{}`", rule.path.as_str()),
            None if operation => "no rule takes it; this operation of a document does".to_owned(),
            None => "not one of these rules".to_owned(),
        };
        let (field, rule) = ("rule".to_owned(), Some(id.to_owned()));
        rows.push(Derived { field, value: id.to_owned(), from, rule, places: Vec::new() });
    }

    fn changes(&self, rows: &mut Vec<Derived>) {
        if self.second["outcome"].is_null() {
            return;
        }
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
        let (field, value) = ("changes".to_owned(), format!("{count}{notes}"));
        let from = from.to_owned();
        rows.push(Derived { field, value, from, rule: None, places: Vec::new() });
    }

    fn actor(&self, rule: Option<usize>, rows: &mut Vec<Derived>) {
        let actor = &self.first["actor"];
        let by_convention = match actor["auth"].as_str() {
            Some("session") => "convention: the session's cookie, request.header.cookie",
            Some("api_key") => "convention: the API key in the request's header or query",
            Some("jwt") => {
                "convention: the claims of the token in request.header.authorization, unchecked"
            }
            Some(_) => "convention: request.header.authorization, unchecked",
            None => "convention: the request names nobody",
        };
        let written = rule.and_then(|position| self.setup.rules.actor(position));
        for name in ["type", "id", "name", "email", "auth", "credential", "verified"] {
            let value = Some(&actor[name]).filter(|value| !value.is_null()).map(plain);
            let Some(value) = value else { continue };
            let place = Some(name).filter(|name| *name == "credential");
            let place = place.and_then(|_| carried(&self.first["request"], &value));
            let from = match written {
                Some(written) => {
                    let (file, line) = (written.file.display(), written.line);
                    let key = match written.template(name) {
                        Some(template) => format!("{name} `{template}`"),
                        None => "by what it reads".to_owned(),
                    };
                    let proved = match actor["verified"].as_bool() {
                        Some(true) => "proved",
                        _ => "not proved",
                    };
                    format!(
                        "actors rule `from: {}` at {file}:{line}: {key}; {proved}",
                        written.from
                    )
                }
                None if name == "verified" => {
                    "convention: no rule of `actors` proved it".to_owned()
                }
                None if name == "credential" => match &place {
                    Some(place) => format!("convention: a fingerprint of the credential; {place}"),
                    None => {
                        "convention: a fingerprint of the credential, or of its key's id".to_owned()
                    }
                },
                None => by_convention.to_owned(),
            };
            let (field, places) = (format!("actor.{name}"), place.into_iter().collect());
            rows.push(Derived { field, value, from, rule: None, places });
        }
        for claim in actor["claimed"].as_array().into_iter().flatten() {
            rows.push(Derived {
                field: "actor.claimed".to_owned(),
                value: claim.to_string(),
                from: "actors rules: what other credentials claim, not proved".to_owned(),
                rule: None,
                places: Vec::new(),
            });
        }
    }
}

/// Where the request shows a fingerprint.
fn carried(request: &Value, print: &str) -> Option<String> {
    let has = |value: &Value| match value {
        Value::Array(values) => values.iter().any(|value| plain(value).contains(print)),
        value => plain(value).contains(print),
    };
    [("headers", "header"), ("query", "query")].into_iter().find_map(|(member, shown)| {
        let mut fields = request.get(member)?.as_object()?.iter();
        let (name, _) = fields.find(|(_, value)| has(value))?;
        Some(format!("request.{shown}.{name}"))
    })
}

/// What a rule says under a key.
fn says<'r>(rule: &'r EventRule, key: &str) -> Option<&'r str> {
    let template = match key {
        "action" => return rule.action.as_deref(),
        "category" => return rule.category.as_deref(),
        "match.path" => return Some(rule.path.as_str()),
        "target.type" => return rule.target.kind.as_deref(),
        "target.id" => rule.target.id.as_ref(),
        "target.name" => rule.target.name.as_ref(),
        "description" => rule.description.as_ref(),
        key => match key.strip_prefix("scope.") {
            Some(name) => {
                rule.scope.iter().find(|(known, _)| known == name).map(|(_, template)| template)
            }
            None => {
                let position = key.strip_prefix("outcome[")?.strip_suffix("].reason")?;
                rule.outcomes.get(position.parse::<usize>().ok()?)?.reason.as_ref()
            }
        },
    };
    template.map(crate::derive::Template::as_str)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
