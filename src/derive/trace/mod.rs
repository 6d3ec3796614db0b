//! Where derived values came from: noted by the derivation itself as it goes, for whoever asks.
//!
//! Invariant: a trace changes nothing of what is derived, and one that nobody asked for costs a
//! comparison a field.

#[cfg(test)]
mod tests;

use std::fmt;

/// A derived field of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// `noun.verb`.
    Action,
    /// The area.
    Category,
    /// The route template.
    Route,
    /// The type of the target with this position.
    Kind(usize),
    /// The id of the target with this position.
    Id(usize),
    /// The name of the target with this position.
    Name(usize),
    /// The value of the scope of this name.
    Scope(String),
    /// How it ended.
    Outcome,
    /// Why.
    Reason,
    /// How much it should worry.
    Severity,
    /// The sentence.
    Description,
    /// What the completion tells besides, by this name.
    Detail(String),
    /// Of the act with this position, the field of this name.
    Act(usize, &'static str),
}

/// Who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// A rule of `events`, by this key.
    Rule {
        /// The rule's id.
        id: String,
        /// The key.
        key: String,
    },
    /// A rule of `rejections`.
    Rejection {
        /// The rule's id.
        id: String,
    },
    /// An operation of a document.
    Operation {
        /// The operation's id, with the document's.
        id: String,
        /// What of it.
        key: String,
    },
    /// The convention, by this part of it.
    Convention(&'static str),
}

/// Where in an exchange a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The method that counts.
    Method,
    /// The segment of the path with this position, empty ones not counted, from 0.
    Segment(usize),
    /// What the pattern's parameter of this name stands for.
    Param(String),
    /// A parameter of the query.
    Query(String),
    /// A header field of the request.
    RequestHeader(String),
    /// The request's body, by a JSONPath.
    RequestBody(String),
    /// Somewhere in the arguments of a call, in the body or the query.
    Call,
    /// The status.
    Status,
    /// A header field of the response.
    ResponseHeader(String),
    /// The response's body, by a JSONPath.
    ResponseBody(String),
    /// Another field of the event: `actor.name`, `target.id`.
    Event(String),
    /// A text of the rule's own.
    Text,
    /// The states before and after, as they were observed.
    States,
    /// There was no response.
    NoResponse,
}

/// A field, who said what it is, and where that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traced {
    /// The field.
    pub field: Field,
    /// Who said so.
    pub by: By,
    /// Where it stands; empty if it is made of other fields alone.
    pub from: Vec<Origin>,
}

/// What has been noted; nothing, unless somebody asked.
#[derive(Debug, Clone, Default)]
pub struct Trace(Option<Vec<Traced>>);

impl Trace {
    /// Notes nothing.
    pub fn off() -> Self {
        Self(None)
    }

    /// Notes everything.
    pub fn on() -> Self {
        Self(Some(Vec::new()))
    }

    /// Each field once, as it was noted last.
    pub fn fields(&self) -> &[Traced] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Where a field came from.
    pub fn of(&self, field: &Field) -> Option<&Traced> {
        self.fields().iter().find(|traced| traced.field == *field)
    }

    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Notes a field, in place of what was said of it before.
    pub(super) fn note(&mut self, field: Field, made: impl FnOnce() -> (By, Vec<Origin>)) {
        if let Some(fields) = &mut self.0 {
            let (by, from) = made();
            fields.retain(|traced| traced.field != field);
            fields.push(Traced { field, by, from });
        }
    }

    /// The field has no value any more.
    pub(super) fn forget(&mut self, is_gone: impl Fn(&Field) -> bool) {
        if let Some(fields) = &mut self.0 {
            fields.retain(|traced| !is_gone(&traced.field));
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Action => f.write_str("action"),
            Self::Category => f.write_str("category"),
            Self::Route => f.write_str("route"),
            Self::Kind(position) => write!(f, "targets[{position}].type"),
            Self::Id(position) => write!(f, "targets[{position}].id"),
            Self::Name(position) => write!(f, "targets[{position}].name"),
            Self::Scope(name) => write!(f, "scope.{name}"),
            Self::Outcome => f.write_str("outcome"),
            Self::Reason => f.write_str("reason"),
            Self::Severity => f.write_str("severity"),
            Self::Description => f.write_str("description"),
            Self::Detail(name) => write!(f, "detail.{name}"),
            Self::Act(position, name) => write!(f, "acts[{position}].{name}"),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("request.method"),
            Self::Segment(position) => write!(f, "request.path segment {}", position + 1),
            Self::Param(name) => write!(f, "request.path {{{name}}}"),
            Self::Query(name) => write!(f, "request.query.{name}"),
            Self::RequestHeader(name) => write!(f, "request.header.{name}"),
            Self::RequestBody(path) => write!(f, "request.body {path}"),
            Self::Call => f.write_str("the call's arguments in request.body or request.query"),
            Self::Status => f.write_str("response.status"),
            Self::ResponseHeader(name) => write!(f, "response.header.{name}"),
            Self::ResponseBody(path) => write!(f, "response.body {path}"),
            Self::Event(name) => f.write_str(name),
            Self::Text => f.write_str("a text of its own"),
            Self::States => f.write_str("the states before and after"),
            Self::NoResponse => f.write_str("no response"),
        }
    }
}
