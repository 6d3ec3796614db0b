//! Rules about events: their form, and their checks.

pub(super) mod example;
pub(super) mod file;
mod reach;
mod snapshot;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde_json::Value;
use serde_saphyr::Spanned;

use self::example::EventExample;
use self::file::{
    EventFile, MatchFile, OutcomeFile, OutcomeIs, RouteKindFile, SeverityFile, StatusFile,
    TargetFile,
};
use super::check::Checked;
use super::one_or_other::PathFile;
use crate::derive::{
    EventRule, EventRules, Expectation, Kind, OutcomeRule, PathPattern, PatternError, Statuses,
    TargetRule, Template, TemplateError, Uses,
};
use crate::problem::Problem;
use crate::record::{Outcome, Severity};
use crate::redact::JsonPath;

/// The longest word: an action, a type, a category.
const WORD_BYTES_MAX: usize = 64;

/// A rule, and where it was written.
#[derive(Debug, Clone)]
pub(super) struct CheckedEvent {
    pub(super) rule: EventRule,
    pub(super) file: PathBuf,
    /// Where its id stands, from 1.
    pub(super) line: u64,
    column: u64,
    examples: Vec<EventExample>,
}

impl Checked {
    /// Checks a rule about events.
    pub(super) fn event(&mut self, file: &Path, written: &EventFile) {
        self.id(file, &written.id);
        let id = &written.id.value;
        let methods = self.methods(file, id, &written.matching);
        self.reached(file, written, &methods);
        let host = self.host(file, id, written.matching.host.as_ref());
        let action = self.event_action(file, id, written.action.as_ref());
        let category = self.word(file, id, "category", written.category.as_ref());
        let Some(path) = self.pattern_of(file, id, &written.matching.path) else { return };
        let params: Vec<&str> = path.names().collect();
        let target = self.target(file, id, &written.target, &params);
        let mut scope = Vec::new();
        for (name, template) in &written.scope {
            if !is_word(name) {
                let message =
                    format!("`{name}` in `scope` of `{id}` cannot be the name of a scope");
                self.at(file, template, message, WORD_REMEDY);
            }
            let template = self.event_template(file, id, "scope", template, Uses::Request, &params);
            scope.extend(template.map(|template| (name.clone(), template)));
        }
        let description = written.description.as_ref();
        let description = description.and_then(|template| {
            self.event_template(file, id, "description", template, Uses::Event, &params)
        });
        let outcomes = written.outcome.iter();
        let outcomes = outcomes.map(|entry| self.outcome(file, id, entry, &params)).collect();
        let snapshot = self.snapshot(file, written, &params);
        let kind = written.matching.kind.map(|kind| match kind {
            RouteKindFile::Admin => Kind::Admin,
            RouteKindFile::Gateway => Kind::Gateway,
        });
        let severity = written.severity.map(severity_of);
        let examples = self.event_examples(file, id, host.as_deref(), &written.examples);
        let rule = EventRule {
            id: id.clone(),
            methods,
            path,
            host,
            kind,
            action,
            category,
            target,
            scope,
            description,
            outcomes,
            severity,
            snapshot,
            read: written.read,
            audit: written.audit,
        };
        self.normal.push(format!("{rule:?}"));
        let place = &written.id.referenced;
        let (line, column) = (place.line(), place.column());
        self.events.push(CheckedEvent { rule, file: file.to_owned(), line, column, examples });
    }

    /// All rules about events as one; those that can never match are problems.
    pub(super) fn compiled(&mut self) -> EventRules {
        let rules = EventRules::new(self.events.iter().map(|event| event.rule.clone()).collect());
        for (rule, by) in rules.shadowed() {
            let find = |id: &str| self.events.iter().find(|event| event.rule.id == id);
            let (Some(event), Some(by)) = (find(&rule.id), find(&by.id)) else { continue };
            let (file, line) = (by.file.display(), by.line);
            let message = format!(
                "rule `{}` can never match: `{}`, at {file}:{line}, takes all of its requests",
                rule.id, by.rule.id
            );
            self.problems.push(Problem {
                file: event.file.clone(),
                line: event.line,
                column: event.column,
                message,
                remedy: "make one rule of them, or limit the other one by method or host"
                    .to_owned(),
            });
        }
        self.recorded_snapshots(&rules);
        rules.documented(&self.operations)
    }

    fn pattern_of(&mut self, file: &Path, id: &str, path: &Spanned<String>) -> Option<PathPattern> {
        match PathPattern::new(&path.value) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                let remedy = match error {
                    PatternError::NoSlash => "write the whole path, from its first `/`",
                    PatternError::Character(_) => {
                        "write the character that was meant, and parameters of the query under no rule"
                    }
                    PatternError::TooLong => "end it with `**`",
                    PatternError::Repeated(_) => "give each parameter its own name",
                    PatternError::EmptySegment
                    | PatternError::Parameter(_)
                    | PatternError::Star(_) => "write it as in `/admin/api-keys/{id}/rotate`",
                };
                let message = format!("`{}` in `path` of `{id}`: {error}", path.value);
                self.at(file, path, message, remedy);
                None
            }
        }
    }

    fn methods(&mut self, file: &Path, id: &str, written: &MatchFile) -> Vec<String> {
        let Some(written) = &written.method else { return Vec::new() };
        let texts: Vec<&str> = match &written.value {
            PathFile::One(text) => vec![text],
            PathFile::Many(several) => several.iter().map(|text| text.value.as_str()).collect(),
        };
        let is_method = |text: &&str| {
            let plain = |byte: u8| byte.is_ascii_alphabetic() || b"-_".contains(&byte);
            !text.is_empty() && text.len() <= 32 && text.bytes().all(plain)
        };
        if texts.is_empty() || !texts.iter().all(is_method) {
            let message = format!("`method` of `{id}` is no method");
            let remedy = "write `POST`, `[PUT, PATCH]`, or leave it out for any";
            self.at(file, written, message, remedy);
        }
        texts.iter().map(|text| text.to_ascii_uppercase()).collect()
    }

    /// A host, or `*.` and a domain.
    pub(super) fn host(
        &mut self,
        file: &Path,
        id: &str,
        written: Option<&Spanned<String>>,
    ) -> Option<String> {
        let written = written?;
        let host = written.value.to_ascii_lowercase();
        let name = host.strip_prefix("*.").unwrap_or(&host);
        if name.is_empty() || name.contains(['*', '/', ':', '@']) && !name.starts_with('[') {
            let message = format!("`{}` in `host` of `{id}` is no host", written.value);
            let remedy =
                "write a name without port, such as `admin.example.com` or `*.example.com`";
            self.at(file, written, message, remedy);
        }
        Some(host)
    }

    pub(super) fn event_action(
        &mut self,
        file: &Path,
        id: &str,
        written: Option<&Spanned<String>>,
    ) -> Option<String> {
        let written = written?;
        if !is_action(&written.value) {
            let message = format!("`{}` in `action` of `{id}` is no action", written.value);
            let remedy = "write a noun and a verb in lower case, as in `api_key.rotate`";
            self.at(file, written, message, remedy);
        }
        Some(written.value.clone())
    }

    fn word(
        &mut self,
        file: &Path,
        id: &str,
        key: &str,
        written: Option<&Spanned<String>>,
    ) -> Option<String> {
        let written = written?;
        if !is_word(&written.value) {
            let message = format!("`{}` in `{key}` of `{id}` is no word", written.value);
            self.at(file, written, message, WORD_REMEDY);
        }
        Some(written.value.clone())
    }

    fn target(
        &mut self,
        file: &Path,
        id: &str,
        written: &TargetFile,
        params: &[&str],
    ) -> TargetRule {
        let kind = self.word(file, id, "target.type", written.kind.as_ref());
        let mut template = |key: &str, written: Option<&Spanned<String>>| {
            self.event_template(file, id, key, written?, Uses::Targets, params)
        };
        let name = template("target.name", written.name.as_ref());
        TargetRule { kind, id: template("target.id", written.id.as_ref()), name }
    }

    fn event_template(
        &mut self,
        file: &Path,
        id: &str,
        key: &str,
        written: &Spanned<String>,
        uses: Uses,
        params: &[&str],
    ) -> Option<Template> {
        match Template::new(&written.value, uses, params) {
            Ok(template) => Some(template),
            Err(error) => {
                let remedy = match error {
                    TemplateError::Brace | TemplateError::Empty => {
                        "write it as in `{path.id}` or `{request.body:$.name | path.id}`"
                    }
                    TemplateError::Place { .. } => {
                        "known are `path.x`, `query.x`, `header.x`, `request.body:$.x`, \
                         `response.body:$.x`, `response.header.x`, `actor.id`, `actor.name`, \
                         `actor.email`, and in a description `target.id`, `target.name`, \
                         `target.type`, `scope.x`, `action.verb`, `action.done`"
                    }
                    TemplateError::Param { .. } => "use a parameter of the path, or name it there",
                    TemplateError::Path(..) => {
                        "write a JSONPath (RFC 9535) to one value, such as `$.user.name`"
                    }
                    TemplateError::NotSingular(_) => {
                        "use names and positions only: `$.items[0].id`"
                    }
                    TemplateError::TooEarly(_) => match uses {
                        Uses::Request => "use what is in the request",
                        _ => {
                            "use what is in the request or the response; `target`, `scope` and \
                              `action` are for descriptions"
                        }
                    },
                    TemplateError::TooLong => "shorten it",
                };
                let message = format!("`{key}` of `{id}`: {error}");
                self.at(file, written, message, remedy);
                None
            }
        }
    }

    fn outcome(
        &mut self,
        file: &Path,
        id: &str,
        written: &OutcomeFile,
        params: &[&str],
    ) -> OutcomeRule {
        let mut statuses = Vec::new();
        if let Some(status) = &written.when.status
            && !read_statuses(&status.value, &mut statuses)
        {
            let message = format!("`status` in `outcome` of `{id}` is no status");
            self.at(file, status, message, "write `409`, `4xx` or `[404, 5xx]`");
        }
        let mut body = Vec::new();
        for (path, expected) in &written.when.body {
            let expectation = expectation(&expected.value);
            match JsonPath::new(path) {
                Ok(path) if path.is_singular() => match expectation {
                    Some(expectation) => body.push((path, expectation)),
                    None => {
                        let message =
                            format!("what `{}` must be, in `{id}`, is no value", path.as_str());
                        let remedy =
                            "write `present`, `absent`, a text, a number, `true` or `false`";
                        self.at(file, expected, message, remedy);
                    }
                },
                Ok(_) => {
                    let message =
                        format!("`{path}` in `outcome` of `{id}` may select several values");
                    let remedy = "use names and positions only: `$.errors[0].code`";
                    self.at(file, expected, message, remedy);
                }
                Err(error) => {
                    let message = format!("`{path}` in `outcome` of `{id}`: {error}");
                    let remedy = "write a JSONPath (RFC 9535) to one value, such as `$.error.code`";
                    self.at(file, expected, message, remedy);
                }
            }
        }
        let reason = written.reason.as_ref();
        let reason = reason.and_then(|template| {
            self.event_template(file, id, "reason", template, Uses::Exchange, params)
        });
        let is = outcome_of(written.is);
        OutcomeRule { statuses, body, is, reason }
    }
}

pub(super) fn severity_of(written: SeverityFile) -> Severity {
    match written {
        SeverityFile::Info => Severity::Info,
        SeverityFile::Warn => Severity::Warn,
        SeverityFile::Fail => Severity::Fail,
    }
}

pub(super) fn outcome_of(written: OutcomeIs) -> Outcome {
    match written {
        OutcomeIs::Success => Outcome::Success,
        OutcomeIs::Failure => Outcome::Failure,
        OutcomeIs::Denied => Outcome::Denied,
        OutcomeIs::Unknown => Outcome::Unknown,
    }
}

const WORD_REMEDY: &str = "use up to 64 lower-case letters, digits and `_`, a letter first";

/// Whether a text is `noun.verb`.
pub(super) fn is_action(text: &str) -> bool {
    text.split_once('.').is_some_and(|(noun, verb)| is_word(noun) && is_word(verb))
}

/// Whether a text can be a noun, a verb or a type.
pub(super) fn is_word(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.len() <= WORD_BYTES_MAX
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(plain)
}

/// Whether all of it could be read.
pub(super) fn read_statuses(written: &StatusFile, statuses: &mut Vec<Statuses>) -> bool {
    match written {
        StatusFile::One(status) => match u16::try_from(*status) {
            Ok(status @ 100..=599) => statuses.push(Statuses(status, status)),
            _ => return false,
        },
        StatusFile::Class(class) => {
            let class = class.strip_suffix("xx").and_then(|digit| digit.parse::<u16>().ok());
            match class {
                Some(class @ 1..=5) => statuses.push(Statuses(class * 100, class * 100 + 99)),
                _ => return false,
            }
        }
        StatusFile::Many(several) => {
            return !several.is_empty() && several.iter().all(|one| read_statuses(one, statuses));
        }
    }
    true
}

fn expectation(value: &Value) -> Option<Expectation> {
    match value {
        Value::String(text) if text == "present" => Some(Expectation::Present),
        Value::String(text) if text == "absent" => Some(Expectation::Absent),
        Value::Null => Some(Expectation::Absent),
        Value::String(_) | Value::Number(_) | Value::Bool(_) => {
            Some(Expectation::Is(value.clone()))
        }
        Value::Array(_) | Value::Object(_) => None,
    }
}
