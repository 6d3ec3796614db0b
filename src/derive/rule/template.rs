//! Texts with values in them: `API key {target.name | target.id} rotated by {actor.name}`.

use std::fmt::Write as _;

use super::facts::Facts;
use super::join::Taken;
use crate::derive::text::{CHARS_MAX, bounded, cut, unquoted};
use crate::derive::trace::{Origin, Trace};
use crate::problem::nearest;
use crate::redact::{JsonPath, JsonPathError};
use crate::route::Readings;

/// Longer templates are a mistake.
const TEMPLATE_BYTES_MAX: usize = 1024;

/// What a sentence says of an actor that nobody has proved.
const NOT_VERIFIED: &str = " (not verified)";

/// Longer paths are not asked for.
const TARGET_BYTES_MAX: usize = 4096;

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
    /// Request and response; several values are several targets.
    Targets,
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

/// All values of a template.
#[derive(Debug, Default)]
pub(in crate::derive) struct Rendered {
    pub(in crate::derive) texts: Vec<Taken>,
    /// How many values there are, if not all of them are given.
    pub(in crate::derive) count: Option<usize>,
    /// Where they stand.
    pub(in crate::derive) from: Vec<Origin>,
}

impl Part {
    fn sources(&self) -> &[Source] {
        if let Self::Slot(sources) = self { sources } else { &[] }
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
        let is_several = |source: &Source| match source {
            Source::RequestBody(path) | Source::ResponseBody(path) => !path.is_singular(),
            _ => false,
        };
        if parts.len() > 1 && parts.iter().flat_map(Part::sources).any(is_several) {
            return Err(TemplateError::NotSingular(text.to_owned()));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The texts: all values of the one place that the template is, or else the one text; none if
    /// not every value is known. And from which places they came, if somebody asks for that.
    pub(in crate::derive) fn render_all(&self, facts: &Facts<'_>, trace: &Trace) -> Rendered {
        if let [Part::Slot(sources)] = self.parts.as_slice() {
            let mut found = sources.iter().map(|source| (source, facts.values(source)));
            let found = found.find(|(_, (values, _))| !values.is_empty());
            return found.map_or_else(Rendered::default, |(source, (texts, count))| Rendered {
                texts,
                count,
                from: trace.is_on().then(|| source.origin()).into_iter().collect(),
            });
        }
        let rendered = self.render_traced(facts, CHARS_MAX, trace);
        let (text, from) = rendered.unzip();
        let texts = text.as_deref().map(Taken::known).into_iter().collect();
        Rendered { texts, count: None, from: from.unwrap_or_default() }
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
                    // In a sentence no value ends its quotation.
                    let is_sentence = value_chars < CHARS_MAX;
                    let value = if is_sentence { unquoted(&value) } else { value };
                    match value.char_indices().nth(value_chars) {
                        Some((end, _)) => {
                            out.push_str(value.get(..end).unwrap_or_default());
                            out.push('…');
                        }
                        None => out.push_str(&value),
                    }
                    if is_sentence && matches!(source, Source::Actor(_)) && !facts.actor.verified {
                        out.push_str(NOT_VERIFIED);
                    }
                }
            }
        }
        bounded(&cut(&out))
    }

    /// Whether it takes something from the response.
    pub(super) fn needs_response(&self) -> bool {
        let late =
            |source: &Source| matches!(source, Source::ResponseBody(_) | Source::ResponseHeader(_));
        self.parts.iter().any(|part| match part {
            Part::Text(_) => false,
            Part::Slot(sources) => sources.iter().any(late),
        })
    }

    /// The text with `x` for each value.
    pub fn sample(&self) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Slot(_) => "x".to_owned(),
        };
        self.parts.iter().map(part).collect()
    }

    /// The text as path and query of a request, if every value in it is known whole: each stands in
    /// it percent-encoded, so that it can begin neither a segment nor a parameter of its own.
    pub(super) fn render_target(&self, facts: &Facts<'_>) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Slot(sources) => {
                    let value = sources.iter().find_map(|source| facts.whole_value(source))?;
                    push_encoded(&mut out, &value);
                }
            }
        }
        let path = out.split('?').next().unwrap_or_default();
        (!climbs(path) && out.len() <= TARGET_BYTES_MAX).then_some(out)
    }
}

/// Whether some software may take a path for one that lies elsewhere.
fn climbs(path: &str) -> bool {
    let readings = Readings::of(path);
    let is_dots = |segment: &[u8]| matches!(segment, b"." | b"..");
    let goes_up = |reading: &[u8]| reading.split(|byte| *byte == b'/').any(is_dots);
    !readings.is_complete() || readings.each().any(goes_up)
}

/// Everything but letters, digits, `-`, `.`, `_` and `~` is encoded (RFC 3986, section 2.3).
fn push_encoded(out: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing into a `String` cannot fail.
            write!(out, "%{byte:02X}").ok();
        }
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
        let fits = uses == Uses::Targets || path.is_singular();
        if fits { Ok(path) } else { Err(TemplateError::NotSingular(given())) }
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
