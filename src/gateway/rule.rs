//! Rules about rejections, compiled.

use std::ops::RangeInclusive;

use http::{HeaderMap, HeaderName};

use super::answer::Answer;
use super::pattern::TextPattern;
use crate::decode::Node;
use crate::record::{Outcome, Severity};
use crate::redact::JsonPath;

/// Steps that finding values may take.
const WORK_MAX: usize = 100_000;

/// What a value must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// There, and not `null`.
    Present,
    /// Not there, or `null`.
    Absent,
    /// One of these.
    AnyOf(Vec<TextPattern>),
}

impl Expected {
    fn takes(&self, texts: &[&str], is_there: bool) -> bool {
        match self {
            Self::Present => is_there,
            Self::Absent => !is_there,
            Self::AnyOf(patterns) => {
                texts.iter().any(|text| patterns.iter().any(|pattern| pattern.matches(text)))
            }
        }
    }
}

/// Which answers a rule is for: those for which all of it holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct When {
    /// One of these; any if empty.
    pub statuses: Vec<RangeInclusive<u16>>,
    /// Header fields of the answer; `*` in a name stands for anything.
    pub headers: Vec<(HeaderName, Expected)>,
    /// Values of its body.
    pub body: Vec<(JsonPath, Expected)>,
    /// The path of the request; any if empty.
    pub paths: Vec<TextPattern>,
}

impl When {
    /// Whether it holds for all answers for which another one does, as far as their forms tell.
    pub fn covers(&self, other: &Self) -> bool {
        let has = |range: &RangeInclusive<u16>| {
            self.statuses.iter().any(|own| own.start() <= range.start() && range.end() <= own.end())
        };
        let statuses = self.statuses.is_empty()
            || !other.statuses.is_empty() && other.statuses.iter().all(has);
        statuses
            && (self.paths.is_empty() || self.paths == other.paths)
            && self.headers.iter().all(|condition| other.headers.contains(condition))
            && self.body.iter().all(|condition| other.body.contains(condition))
    }
}

/// A rule that says which rejection an answer is.
#[derive(Debug, Clone, PartialEq)]
pub struct RejectionRule {
    /// Its id.
    pub id: String,
    /// For which answers.
    pub when: When,
    /// What it is called.
    pub action: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How much it should worry.
    pub severity: Severity,
}

impl RejectionRule {
    /// The code that is all that an answer says of its error (`{"error": "budget_exceeded"}`), if this rule
    /// names it: what anybody could have written stays where it is.
    pub fn code(&self, answer: &Answer<'_>) -> Option<String> {
        let Node::String(code) = answer.body?.get("error")? else { return None };
        let is_named = |expected: &Expected| match expected {
            Expected::AnyOf(patterns) => patterns.iter().any(|it| it.names(code)),
            Expected::Present | Expected::Absent => false,
        };
        let is_named = self.when.body.iter().any(|(_, expected)| is_named(expected));
        is_named.then(|| code.clone().into_owned())
    }

    /// Whether it speaks of this answer.
    pub fn holds(&self, answer: &Answer<'_>) -> bool {
        let When { statuses, headers, body, paths } = &self.when;
        (statuses.is_empty() || statuses.iter().any(|range| range.contains(&answer.status)))
            && (paths.is_empty() || paths.iter().any(|path| path.matches(answer.path)))
            && headers.iter().all(|(name, expected)| holds_of(answer.headers, name, expected))
            && body.iter().all(|(path, expected)| holds_in(answer.body, path, expected))
    }
}

fn holds_of(headers: &HeaderMap, wanted: &HeaderName, expected: &Expected) -> bool {
    let pattern = wanted.as_str().contains('*').then(|| TextPattern::new(wanted.as_str()));
    let is_wanted = |name: &HeaderName| match &pattern {
        Some(pattern) => pattern.matches(name.as_str()),
        None => name == wanted,
    };
    let values: Vec<_> = headers.iter().filter(|(name, _)| is_wanted(name)).collect();
    let texts: Vec<&str> = values.iter().filter_map(|(_, value)| value.to_str().ok()).collect();
    expected.takes(&texts, !values.is_empty())
}

fn holds_in(body: Option<&Node<'_>>, path: &JsonPath, expected: &Expected) -> bool {
    let mut work = WORK_MAX;
    let found = match body.map(|body| path.select(body, &mut work)) {
        Some(Ok(found)) => found,
        None => Vec::new(),
        // What could not be found out holds in no way.
        Some(Err(_)) => return false,
    };
    let found: Vec<&Node<'_>> = found.into_iter().filter(|node| **node != Node::Null).collect();
    let texts: Vec<String> = found.iter().filter_map(|node| text(node)).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    expected.takes(&texts, !found.is_empty())
}

/// Numbers and booleans are compared as they are written: some send `"400"`, others `400`.
fn text(node: &Node<'_>) -> Option<String> {
    match node {
        Node::String(text) => Some(text.clone().into_owned()),
        Node::Number(number) => Some(number.to_string()),
        Node::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// All rules about rejections, in the order in which they are tried.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rejections(Vec<RejectionRule>);

impl Rejections {
    /// Takes the rules in their order.
    pub fn new(rules: Vec<RejectionRule>) -> Self {
        Self(rules)
    }

    /// The first rule that speaks of the answer.
    pub fn find(&self, answer: &Answer<'_>) -> Option<&RejectionRule> {
        self.0.iter().find(|rule| rule.holds(answer))
    }

    /// All rules.
    pub fn iter(&self) -> impl Iterator<Item = &RejectionRule> {
        self.0.iter()
    }
}
