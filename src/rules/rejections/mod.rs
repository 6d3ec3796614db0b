//! Rules about rejections: their form, their checks, and their examples.

pub(super) mod file;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use serde_saphyr::Spanned;

use self::file::{AnswerFile, AnswerWhenFile, RejectionFile};
use super::check::Checked;
use super::events::{outcome_of, read_statuses, severity_of};
use super::examples::{Expected as Met, Tried, Unmet};
use super::one_or_other::PathFile;
use crate::capture::{Body, Release, Response};
use crate::gateway::{Answer, Expected, RejectionRule, Rejections, TextPattern, When};
use crate::problem::Problem;
use crate::record::{Outcome, Severity};
use crate::redact::JsonPath;

/// Where examples are asked, if they do not say.
const PATH: &str = "/v1/chat/completions";

/// A rule, and where it was written.
#[derive(Debug, Clone)]
pub(super) struct CheckedRejection {
    pub(super) rule: RejectionRule,
    file: PathBuf,
    line: u64,
    column: u64,
    /// It comes with countersign.
    shipped: bool,
    /// Those that it is for come first.
    examples: Vec<(Met, AnswerFile, u64, u64)>,
}

impl Checked {
    /// Checks a rule about rejections.
    pub(super) fn rejection(&mut self, file: &Path, written: &RejectionFile) {
        self.id(file, &written.id);
        let id = &written.id.value;
        let action = self.event_action(file, id, Some(&written.action)).unwrap_or_default();
        let outcome = written.outcome.map_or(Outcome::Denied, outcome_of);
        if !matches!(outcome, Outcome::Denied | Outcome::Failure) {
            let message = format!("`outcome` of `{id}` is none that a rejection can have");
            self.at(file, &written.id, message, "write `denied` or `failure`, or leave it out");
        }
        let usual = match outcome {
            Outcome::Denied => Severity::Warn,
            Outcome::Success => Severity::Info,
            Outcome::Failure | Outcome::Unknown => Severity::Fail,
        };
        let severity = written.severity.map_or(usual, severity_of);
        let when = self.answer(file, &written.id, &written.when);
        let rule = RejectionRule { id: id.clone(), when, action, outcome, severity };
        self.normal.push(format!("{rule:?}"));
        let hits = written.examples.hit.iter().map(|example| (Met::Hit, example));
        let misses = written.examples.miss.iter().map(|example| (Met::Miss, example));
        let examples = hits.chain(misses).map(|(expected, example)| {
            let place = &example.referenced;
            (expected, example.value.clone(), place.line(), place.column())
        });
        let examples = examples.collect();
        let (file, place) = (file.to_owned(), &written.id.referenced);
        let (line, column) = (place.line(), place.column());
        let checked = CheckedRejection { rule, file, line, column, shipped: false, examples };
        self.rejections.push(checked);
    }

    fn answer(&mut self, file: &Path, id: &Spanned<String>, written: &AnswerWhenFile) -> When {
        if written.status.is_none() && written.headers.is_empty() && written.body.is_empty() {
            let message = format!("`when` of `{}` holds for every answer", id.value);
            self.at(file, id, message, "give it at least one of `status`, `headers`, `body`");
        }
        let id = &id.value;
        let mut statuses = Vec::new();
        if let Some(status) = &written.status
            && !read_statuses(&status.value, &mut statuses)
        {
            let message = format!("`status` in `when` of `{id}` is no status");
            self.at(file, status, message, "write `429`, `4xx` or `[402, 5xx]`");
        }
        let mut headers = Vec::new();
        for (name, value) in &written.headers {
            match HeaderName::from_bytes(name.as_bytes()) {
                Ok(name) => headers.push((name, self.expected(file, id, value))),
                Err(_) => {
                    let message = format!("`{name}` in `headers` of `{id}` cannot exist");
                    let remedy = "use letters, digits and `-`, without a colon or spaces";
                    self.at(file, value, message, remedy);
                }
            }
        }
        let mut body = Vec::new();
        for (path, value) in &written.body {
            match JsonPath::new(path) {
                Ok(path) => body.push((path, self.expected(file, id, value))),
                Err(error) => {
                    let message = format!("`{path}` in `body` of `{id}`: {error}");
                    let remedy = "write a JSONPath (RFC 9535), such as `$.error.code`";
                    self.at(file, value, message, remedy);
                }
            }
        }
        let paths = match written.path.as_ref().map(|path| &path.value) {
            None => Vec::new(),
            Some(PathFile::One(text)) => vec![TextPattern::new(text)],
            Some(PathFile::Many(texts)) => {
                texts.iter().map(|text| TextPattern::new(&text.value)).collect()
            }
        };
        let statuses = statuses.into_iter().map(|range| range.0..=range.1).collect();
        When { statuses, headers, body, paths }
    }

    fn expected(&mut self, file: &Path, id: &str, written: &Spanned<Value>) -> Expected {
        let texts = match &written.value {
            Value::Null => return Expected::Absent,
            Value::String(text) if text == "present" => return Expected::Present,
            Value::String(text) if text == "absent" => return Expected::Absent,
            Value::Array(values) => values.iter().map(text_of).collect(),
            value => vec![text_of(value)],
        };
        let patterns: Option<Vec<String>> = texts.into_iter().collect();
        match patterns.filter(|patterns| !patterns.is_empty()) {
            Some(texts) => {
                Expected::AnyOf(texts.iter().map(|text| TextPattern::new(text)).collect())
            }
            None => {
                let message = format!("what a value must be, in `when` of `{id}`, is no value");
                let remedy = "write `present`, `absent`, a text, a number, or a list of them";
                self.at(file, written, message, remedy);
                Expected::Present
            }
        }
    }

    /// All rules about rejections, the operator's before those of the first `shipped` entries.
    pub(super) fn all_rejections(&mut self) -> Rejections {
        let shipped = self.shipped_rejections.min(self.rejections.len());
        self.rejections.iter_mut().take(shipped).for_each(|checked| checked.shipped = true);
        self.rejections.rotate_left(shipped);
        self.hidden_rejections();
        Rejections::new(self.rejections.iter().map(|checked| checked.rule.clone()).collect())
    }
}

impl Checked {
    /// Those of the operator's that never hold, since one before them takes all of their answers.
    fn hidden_rejections(&mut self) {
        let own: Vec<_> = self.rejections.iter().filter(|checked| !checked.shipped).collect();
        for (at, checked) in own.iter().enumerate() {
            let mut before = own.iter().take(at);
            let Some(by) = before.find(|by| by.rule.when.covers(&checked.rule.when)) else {
                continue;
            };
            let (file, line) = (by.file.display(), by.line);
            let message = format!(
                "rule `{}` can never hold: `{}`, at {file}:{line}, takes all of its answers",
                checked.rule.id, by.rule.id
            );
            self.problems.push(Problem {
                file: checked.file.clone(),
                line: checked.line,
                column: checked.column,
                message,
                remedy: "put it before the other one".to_owned(),
            });
        }
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Tries the examples of the rules whose ids begin with `prefix`.
pub(super) fn try_examples(
    rules: &[CheckedRejection],
    all: &Rejections,
    prefix: &str,
    tried: &mut Tried,
) {
    // What an operator adds before them is no mistake in the rules that come with countersign.
    let shipped = rules.iter().filter(|checked| checked.shipped);
    let shipped = Rejections::new(shipped.map(|checked| checked.rule.clone()).collect());
    for CheckedRejection { rule, file, shipped: is_shipped, examples, .. } in rules {
        if !rule.id.starts_with(prefix) {
            continue;
        }
        tried.rules += 1;
        tried.examples += examples.len();
        if examples.is_empty() {
            tried.without.push(rule.id.clone());
        }
        for (expected, example, line, column) in examples {
            let response = response(example);
            let path = example.path.as_deref().unwrap_or(PATH);
            let among = if *is_shipped { &shipped } else { all };
            let found = Answer::read(path, &response, |answer| among.find(answer));
            let is_taken = found.is_some_and(|found| found.id == rule.id);
            if is_taken != (*expected == Met::Hit) {
                tried.unmet.push(Unmet {
                    rule: rule.id.clone(),
                    file: file.clone(),
                    line: *line,
                    column: *column,
                    expected: expected.clone(),
                    example: format!("{} {}", example.status, example.body),
                    redacted: Some(match found {
                        Some(found) => format!("the rule `{}` is taken", found.id),
                        None => "no rule is taken".to_owned(),
                    }),
                });
            }
        }
    }
}

fn response(example: &AnswerFile) -> Response {
    let (body, kind) = match &example.body {
        Value::Null => (String::new(), None),
        Value::String(text) => (text.clone(), Some("text/plain")),
        value => (value.to_string(), Some("application/json")),
    };
    let mut headers = HeaderMap::new();
    headers.extend(kind.map(|kind| (CONTENT_TYPE, HeaderValue::from_static(kind))));
    for (name, value) in &example.headers {
        let (name, value) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value));
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.insert(name, value);
        }
    }
    Response { status: example.status, headers, body: Body::whole(body), release: Release::Held }
}
