//! The examples inside of rules are tests of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::check::CheckedRule;
use super::lists::CheckedOnly;
use super::load::{RuleSet, compile};
use super::rejections;
use super::try_body::BodyExample;
use crate::problem::{Problem, Problems};
use crate::redact::{Engine, Exceptions, FingerprintKey, Policy, Rule, Seen, Sides};

/// An example, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Example {
    pub(super) says: Says,
    pub(super) line: u64,
    pub(super) column: u64,
}

impl Example {
    fn is_body(&self) -> bool {
        matches!(self.says, Says::Body(_))
    }
}

/// What a rule is tried on.
#[derive(Debug, Clone)]
pub(super) enum Says {
    /// A name, a `name=value`, or a text.
    Text(String),
    /// A body.
    Body(BodyExample),
}

impl Says {
    /// As it was written.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Body(body) => &body.text,
        }
    }
}

/// What an example says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Something of it is redacted.
    Hit,
    /// It stays as it is.
    Miss,
    /// The event says something else here.
    Event(Vec<Difference>),
}

/// A field of an event that is not as an example says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The field.
    pub field: String,
    /// What it should be.
    pub should: String,
    /// What it is, if it is anything.
    pub is: Option<String>,
}

/// An example that is not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// The rule's id.
    pub rule: String,
    /// The rule's file, as the operator named it.
    pub file: PathBuf,
    /// Line from 1.
    pub line: u64,
    /// Column from 1.
    pub column: u64,
    /// What it should be.
    pub expected: Expected,
    /// The example.
    pub example: String,
    /// What the rule makes of it, if it does anything.
    pub redacted: Option<String>,
}

/// What trying all examples came to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Rules whose examples were tried.
    pub rules: usize,
    /// How many examples there are.
    pub examples: usize,
    /// Those that are not met, in the order of the files.
    pub unmet: Vec<Unmet>,
    /// Ids of rules that have none.
    pub without: Vec<String>,
    /// Operators' patterns of which no example shows that they find anything, or that a keyword of
    /// theirs occurs: why.
    pub unproven: Vec<String>,
}

impl RuleSet {
    /// Tries every example of every rule whose id begins with `prefix`.
    pub fn try_examples(&self, prefix: &str) -> Result<Tried, Problems> {
        let mut tried = Tried::default();
        let none = Exceptions::default();
        let to_shipped = self.keep.to_shipped();
        for checked in self.rules.iter().filter(|checked| checked.rule.id.starts_with(prefix)) {
            // The rule alone, so that no other one can make its examples true.
            let mut rule = checked.rule.clone();
            // Examples have no path, and those of answers no request.
            rule.under.clear();
            rule.answering.clear();
            // To patterns and paths there are no exceptions.
            let named = [&rule.keys, &rule.headers, &rule.cookies, &rule.query];
            let keep = match named.iter().all(|names| names.is_empty()) {
                true => &none,
                // What an operator excepts is no mistake in a rule that was not written for it.
                false if rule.shipped => &to_shipped,
                false => &self.keep,
            };
            let policy = Arc::new(compile(vec![rule], keep, &[])?);
            let CheckedRule { rule, file, hits, misses, .. } = checked;
            tried.unproven.extend(unproven(rule, hits));
            let subject = Subject { id: &rule.id, sides: rule.sides, file, hits, misses };
            tried.subject(&policy, &subject);
            if !rule.shipped && hits.iter().any(Example::is_body) {
                tried.among_all(&self.with_everywhere(checked)?, &subject);
            }
        }
        for checked in self.record_only.iter().filter(|checked| checked.only.id.starts_with(prefix))
        {
            let mut only = checked.only.clone();
            only.under.clear();
            let policy = Arc::new(compile(Vec::new(), &none, &[only])?);
            let CheckedOnly { only, file, hits, misses, .. } = checked;
            tried
                .subject(&policy, &Subject { id: &only.id, sides: only.sides, file, hits, misses });
        }
        self.try_event_examples(prefix, &mut tried);
        rejections::try_examples(&self.rejections, self.events().rejections(), prefix, &mut tried);
        Ok(tried)
    }

    /// All rules as they hold together, this one below any path: examples have none.
    fn with_everywhere(&self, one: &CheckedRule) -> Result<Arc<Policy>, Problems> {
        if one.rule.under.is_empty() {
            return Ok(self.redaction());
        }
        let mut rules: Vec<Rule> = self.rules.iter().map(|other| other.rule.clone()).collect();
        rules.iter_mut().filter(|rule| rule.id == one.rule.id).for_each(|rule| rule.under.clear());
        let only: Vec<_> = self.record_only.iter().map(|checked| checked.only.clone()).collect();
        Ok(Arc::new(compile(rules, &self.keep, &only)?))
    }

    /// Tries every example of every rule; fails with one problem for each that is not met.
    pub fn test_examples(&self) -> Result<(), Problems> {
        let problems: Vec<Problem> =
            self.try_examples("")?.unmet.into_iter().map(Problem::from).collect();
        if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
    }
}

impl Unmet {
    /// Something is redacted, but not what `gone` and `stays` of the example say.
    fn is_redacted_otherwise(&self) -> bool {
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        let recorded = self.redacted.as_deref().filter(|_| self.expected == Expected::Hit);
        recorded.is_some_and(|text| text != self.example && json(text) != json(&self.example))
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self.expected {
            Expected::Hit if self.is_redacted_otherwise() => {
                "select more or less of it, or correct `gone` and `stays`"
            }
            Expected::Hit => "widen a selector, or correct the example",
            Expected::Miss => {
                "narrow a selector, except the name under `keep`, or correct the example"
            }
            Expected::Event(_) => "correct the rule, or the example",
        }
    }
}

impl From<Unmet> for Problem {
    fn from(unmet: Unmet) -> Self {
        let what = match &unmet.expected {
            Expected::Hit if unmet.is_redacted_otherwise() => format!(
                "is selected, but not as its `gone` and `stays` say; it is recorded as `{}`",
                unmet.redacted.as_deref().unwrap_or_default()
            ),
            Expected::Hit => "is not selected".to_owned(),
            Expected::Miss => "is selected".to_owned(),
            Expected::Event(differences) => {
                let one = |it: &Difference| {
                    let is = it.is.as_deref().unwrap_or("nothing");
                    format!("`{}` is `{is}`, not `{}`", it.field, it.should)
                };
                let all: Vec<String> = differences.iter().map(one).collect();
                format!("makes another event: {}", all.join("; "))
            }
        };
        let remedy = unmet.remedy().to_owned();
        Self {
            file: unmet.file,
            line: unmet.line,
            column: unmet.column,
            message: format!("example `{}` of rule `{}` {what}", unmet.example, unmet.rule),
            remedy,
        }
    }
}

/// Why nothing shows that the pattern of a rule finds anything. A keyword that does not occur where
/// the pattern matches keeps it from running, and nobody would see that.
fn unproven(rule: &Rule, hits: &[Example]) -> Option<String> {
    let pattern = rule.pattern.as_ref().filter(|_| !rule.shipped)?;
    if hits.is_empty() {
        return Some(format!("no example shows that the pattern of `{}` finds anything", rule.id));
    }
    let hits: Vec<String> = hits.iter().map(|hit| hit.says.text().to_ascii_lowercase()).collect();
    let occurs = |word: &&String| hits.iter().any(|hit| hit.contains(&word.to_ascii_lowercase()));
    let word = pattern.keywords().iter().find(|word| !occurs(word))?;
    Some(format!("no example of `{}` has its keyword `{word}`", rule.id))
}

/// A rule or an entry with its examples.
struct Subject<'s> {
    id: &'s str,
    file: &'s Path,
    sides: Sides,
    hits: &'s [Example],
    misses: &'s [Example],
}

impl Tried {
    /// Tries the examples of a rule alone.
    fn subject(&mut self, policy: &Arc<Policy>, subject: &Subject<'_>) {
        self.rules += 1;
        // What a fingerprint is made with does not matter here.
        let engine = Engine::new(Arc::clone(policy), FingerprintKey::new(&[0; 32]));
        let hits = subject.hits.iter().map(|example| (example, Expected::Hit));
        let misses = subject.misses.iter().map(|example| (example, Expected::Miss));
        for (example, expected) in hits.chain(misses) {
            self.unmet.extend(unmet(policy, &engine, subject, example, &expected));
        }
        self.examples += subject.hits.len() + subject.misses.len();
        if subject.hits.is_empty() && subject.misses.is_empty() {
            self.without.push(subject.id.to_owned());
        }
    }

    /// Tries bodies that a rule is to take something out of with all rules, as they are recorded: what is
    /// gone by the rule alone must be gone beside the others too.
    fn among_all(&mut self, policy: &Arc<Policy>, subject: &Subject<'_>) {
        let engine = Engine::new(Arc::clone(policy), FingerprintKey::new(&[0; 32]));
        for hit in subject.hits {
            let Says::Body(body) = &hit.says else { continue };
            let is_known = self.unmet.iter().any(|unmet| {
                unmet.rule == subject.id && (unmet.line, unmet.column) == (hit.line, hit.column)
            });
            if !is_known && let Some(redacted) = body.still_there(&engine, subject.sides) {
                self.unmet.push(subject.unmet(hit, &Expected::Hit, Some(redacted)));
            }
        }
    }
}

impl Subject<'_> {
    /// One of its examples, as one that is not met.
    fn unmet(&self, example: &Example, expected: &Expected, redacted: Option<String>) -> Unmet {
        Unmet {
            rule: self.id.to_owned(),
            file: self.file.to_owned(),
            line: example.line,
            column: example.column,
            expected: expected.clone(),
            example: example.says.text().to_owned(),
            redacted,
        }
    }
}

/// The example, if it is not met.
fn unmet(
    policy: &Policy,
    engine: &Engine,
    subject: &Subject<'_>,
    example: &Example,
    expected: &Expected,
) -> Option<Unmet> {
    let redacted = match &example.says {
        Says::Text(text) if policy.selects(text) == (*expected == Expected::Hit) => return None,
        Says::Text(text) if *expected == Expected::Miss => Some(redacted(engine, text)),
        Says::Text(_) => None,
        Says::Body(body) => Some(body.unmet(engine, subject.sides, expected)?),
    };
    Some(subject.unmet(example, expected, redacted))
}

/// The text as it would be recorded; where a name is selected, with a value that shows it.
fn redacted(engine: &Engine, example: &str) -> String {
    let text = engine.text(example, &Seen::default()).into_inner();
    if text != example {
        return text;
    }
    let name = example.split('=').next().unwrap_or_default();
    format!("{name}=***")
}
