//! Texts with values in them: `API key {target.name | target.id} rotated by {actor.name}`.

use super::facts::Facts;
use crate::derive::text::{bounded, cut};
use crate::derive::trace::{Origin, Trace};
use crate::problem::nearest;
use crate::redact::{JsonPath, JsonPathError};

/// Longer templates are a mistake.
const TEMPLATE_BYTES_MAX: usize = 1024;

/// The places of an exchange that a template may name.
const PLACES: [&str; 12] = [
    "path",
    "query",
    "header",
    "request.body",
    "response.body",
    "response.header",
    "actor",
    "target",
    "scope",
    "action.verb",
    "action.done",
    "'text'",
];

/// What templates of one field may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uses {
    /// The request: the field is written before there is a response.
    Request,
    /// Request and response.
    Exchange,
    /// The event's own fields as well.
    Event,
}

/// A template that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its other.
    #[error("a `{{` or `}}` has no other; write `{{{{` or `}}}}` for a brace itself")]
    Brace,
    /// No place at all.
    #[error("`{{}}` names nothing")]
    Empty,
    /// A place that does not exist.
    #[error("`{given}` is no place of an exchange{}", meant(.nearest.as_ref()))]
    Place {
        /// As written.
        given: String,
        /// What it may have been meant to be.
        nearest: Option<String>,
    },
    /// A parameter that the path does not have.
    #[error("`{given}`: `match.path` has no parameter of this name{}", meant(.nearest.as_ref()))]
    Param {
        /// As written.
        given: String,
        /// What it may have been meant to be.
        nearest: Option<String>,
    },
    /// A JSONPath that is wrong.
    #[error("`{0}`: {1}")]
    Path(String, #[source] JsonPathError),
    /// A JSONPath that may select several values.
    #[error("`{0}` may select several values, and one is needed")]
    NotSingular(String),
    /// A place that is not known when the field is written.
    #[error("`{0}` is not known yet when this is written")]
    TooEarly(String),
    /// More text than any field holds.
    #[error("it is longer than 1024 bytes")]
    TooLong,
}

fn meant(nearest: Option<&String>) -> String {
    nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// A compiled template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    /// The first of these that has a value.
    Slot(Vec<Source>),
}

/// Where a value stands.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::derive) enum Source {
    Path(String),
    Query(String),
    Header(String),
    RequestBody(JsonPath),
    ResponseBody(JsonPath),
    ResponseHeader(String),
    Actor(&'static str),
    Target(&'static str),
    Scope(String),
    Verb,
    Done,
    Literal(String),
}

impl Source {
    pub(in crate::derive) fn origin(&self) -> Origin {
        match self {
            Self::Path(name) => Origin::Param(name.clone()),
            Self::Query(name) => Origin::Query(name.clone()),
            Self::Header(name) => Origin::RequestHeader(name.clone()),
            Self::RequestBody(path) => Origin::RequestBody(path.as_str().to_owned()),
            Self::ResponseBody(path) => Origin::ResponseBody(path.as_str().to_owned()),
            Self::ResponseHeader(name) => Origin::ResponseHeader(name.clone()),
            Self::Actor(name) => Origin::Event(format!("actor.{name}")),
            Self::Target(name) => Origin::Event(format!("target.{name}")),
            Self::Scope(name) => Origin::Event(format!("scope.{name}")),
            Self::Verb => Origin::Event("action.verb".to_owned()),
            Self::Done => Origin::Event("action.done".to_owned()),
            Self::Literal(_) => Origin::Text,
        }
    }
}

impl Template {
    /// Compiles a template for a path with these parameters.
    pub fn new(text: &str, uses: Uses, params: &[&str]) -> Result<Self, TemplateError> {
        if text.len() > TEMPLATE_BYTES_MAX {
            return Err(TemplateError::TooLong);
        }
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            plain.push_str(before);
            if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
                plain.extend(from.chars().next());
                rest = after;
                continue;
            }
            let inner = from.strip_prefix('{').ok_or(TemplateError::Brace)?;
            let end = split_outside(inner, '}').next().map(str::len).unwrap_or_default();
            let (slot, after) = inner.split_at_checked(end).ok_or(TemplateError::Brace)?;
            rest = after.strip_prefix('}').ok_or(TemplateError::Brace)?;
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            let sources = split_outside(slot, '|').map(|place| source(place.trim(), uses, params));
            parts.push(Part::Slot(sources.collect::<Result<_, _>>()?));
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text, and from which places it came, if somebody asks for that.
    pub(in crate::derive) fn render_traced(
        &self,
        facts: &Facts<'_>,
        value_chars: usize,
        trace: &Trace,
    ) -> Option<(String, Vec<Origin>)> {
        let mut from = Vec::new();
        let text = match trace.is_on() {
            true => {
                let used = &mut |source: &Source| from.push(source.origin());
                self.render_from(facts, value_chars, used)
            }
            false => self.render_from(facts, value_chars, &mut |_| {}),
        };
        Some((text?, from))
    }

    /// The text, if every value in it is known; of each value at most so many characters.
    fn render_from(
        &self,
        facts: &Facts<'_>,
        value_chars: usize,
        used: &mut dyn FnMut(&Source),
    ) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Slot(sources) => {
                    let known = |source| Some((source, facts.value(source)?));
                    let (source, value) = sources.iter().find_map(known)?;
                    used(source);
                    match value.char_indices().nth(value_chars) {
                        Some((end, _)) => {
                            out.push_str(value.get(..end).unwrap_or_default());
                            out.push('…');
                        }
                        None => out.push_str(&value),
                    }
                }
            }
        }
        bounded(&cut(&out))
    }
}

/// The parts of a text between separators that stand in no quotes.
fn split_outside(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quote = None;
    text.split(move |c: char| {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => return false,
            None if c == '\'' || c == '"' => quote = Some(c),
            None => {}
        }
        c == separator
    })
}

fn source(place: &str, uses: Uses, params: &[&str]) -> Result<Source, TemplateError> {
    if place.is_empty() {
        return Err(TemplateError::Empty);
    }
    let given = || place.to_owned();
    let quoted = place.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    if let Some(text) = quoted {
        return Ok(Source::Literal(text.to_owned()));
    }
    let json = |path: &str| {
        let path = JsonPath::new(path).map_err(|error| TemplateError::Path(given(), error))?;
        if path.is_singular() { Ok(path) } else { Err(TemplateError::NotSingular(given())) }
    };
    let source = if let Some(path) = place.strip_prefix("request.body:") {
        Source::RequestBody(json(path)?)
    } else if let Some(path) = place.strip_prefix("response.body:") {
        Source::ResponseBody(json(path)?)
    } else if let Some(name) = place.strip_prefix("response.header.") {
        Source::ResponseHeader(name.to_ascii_lowercase())
    } else {
        named(place, params)?
    };
    let is_early = match source {
        Source::ResponseBody(_) | Source::ResponseHeader(_) => uses == Uses::Request,
        Source::Target(_) | Source::Scope(_) | Source::Verb | Source::Done => uses != Uses::Event,
        _ => false,
    };
    if is_early { Err(TemplateError::TooEarly(given())) } else { Ok(source) }
}

fn named(place: &str, params: &[&str]) -> Result<Source, TemplateError> {
    let unknown = || TemplateError::Place {
        given: place.to_owned(),
        nearest: nearest(place.split(['.', ':']).next().unwrap_or_default(), PLACES)
            .or_else(|| nearest(place, PLACES))
            .map(ToOwned::to_owned),
    };
    let field = |name: &str, known: &[&'static str]| {
        known.iter().copied().find(|field| *field == name).ok_or_else(unknown)
    };
    let (root, name) = place.split_once('.').ok_or_else(unknown)?;
    if name.is_empty() {
        return Err(unknown());
    }
    Ok(match root {
        "path" if params.contains(&name) => Source::Path(name.to_owned()),
        "path" => {
            let nearest = nearest(name, params.iter().copied());
            let nearest = nearest.map(|name| format!("path.{name}"));
            return Err(TemplateError::Param { given: place.to_owned(), nearest });
        }
        "query" => Source::Query(name.to_owned()),
        "header" => Source::Header(name.to_ascii_lowercase()),
        "actor" => Source::Actor(field(name, &["id", "name", "email"])?),
        "target" => Source::Target(field(name, &["id", "name", "type"])?),
        "scope" => Source::Scope(name.to_owned()),
        "action" if name == "verb" => Source::Verb,
        "action" if name == "done" => Source::Done,
        _ => return Err(unknown()),
    })
}
