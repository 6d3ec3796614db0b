//! Rules that name events: which request each is for, and what it says of it.
//!
//! Owns compiled rules, how one is found for a request, and how it refines what the convention
//! says. Does not know rule files. Works on redacted records only.
//!
//! Which rule: the path is compared segment by segment, each decoded once; texts in any case come
//! before parameters with a text beside them, those before plain parameters, and those before the
//! rest of a path (`**`). Of rules for the same path, one that names the method comes before one
//! that does not, then one that names the host, then the kind of route, then the first. Where no
//! rule takes the path as it is read here, the other plausible readings of it are tried
//! ([`crate::route::Readings`]).
//!
//! Invariants: a value that is not in the record is absent, and never invented; a rule with `read`
//! takes only what can be nothing else, in every reading of the path.

mod facts;
mod join;
mod outcome;
mod pattern;
mod refine;
mod snapshot;
mod template;
#[cfg(test)]
mod tests;
mod trie;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) use facts::Facts;
pub use outcome::{Expectation, OutcomeRule, Statuses};
pub use pattern::{PathPattern, PatternError};
pub(super) use pattern::{Piece, between};
pub(super) use refine::Whose;
pub use refine::{named, named_traced};
pub use snapshot::{SnapshotRule, Whereabouts};
pub use template::{Template, TemplateError, Uses};
use trie::Trie;

use super::acting::is_grave;
use super::body::Value;
use super::document::Operation;
use super::naming::Naming;
use super::path::split;
use crate::gateway::Rejections;
use crate::record::{RequestRecord, Severity};
use crate::route::{Asked, Readings, Safety, host_matches, normal_host};

/// A kind of route on which events are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Mutations, with intent and completion.
    Admin,
    /// Rejections.
    Gateway,
}

/// What a rule says of the target.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TargetRule {
    /// Its type.
    pub kind: Option<String>,
    /// Its id.
    pub id: Option<Template>,
    /// Its name.
    pub name: Option<Template>,
}

/// A compiled rule. What it leaves out is said by the convention.
#[derive(Debug, Clone, PartialEq)]
pub struct EventRule {
    /// Its id.
    pub id: String,
    /// Methods, upper case; any if empty.
    pub methods: Vec<String>,
    /// The path.
    pub path: PathPattern,
    /// The host, lower case, perhaps `*.example.com`; any if not given.
    pub host: Option<String>,
    /// The kind of route; any if not given.
    pub kind: Option<Kind>,
    /// `noun.verb`.
    pub action: Option<String>,
    /// The area.
    pub category: Option<String>,
    /// Upon what.
    pub target: TargetRule,
    /// Where it belongs.
    pub scope: Vec<(String, Template)>,
    /// What was done.
    pub description: Option<Template>,
    /// How responses are to be understood, the first that holds.
    pub outcomes: Vec<OutcomeRule>,
    /// How much a success should worry.
    pub severity: Option<Severity>,
    /// How the state of the target is read, before and after.
    pub snapshot: Option<SnapshotRule>,
    /// It changes nothing.
    pub read: bool,
    /// It is recorded, even if it is provably without effect.
    pub audit: bool,
}

/// Where a request came in.
#[derive(Debug, Clone, Copy)]
pub struct Place<'r> {
    /// The rules in force.
    pub rules: &'r EventRules,
    /// The host that was asked for.
    pub host: &'r str,
    /// The kind of route.
    pub kind: Kind,
}

/// A rule, and what its path had in the place of parameters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matched {
    pub(super) rule: Arc<EventRule>,
    pub(super) params: Vec<(String, String)>,
    /// The path was matched as it was sent, decoded once, and not in another reading of it.
    pub(super) as_sent: bool,
    /// The rule is for the method as it was sent, and says less than the one that counts does.
    pub(super) is_lesser: bool,
}

/// All rules, ready to be matched.
#[derive(Debug, Clone, Default)]
pub struct EventRules {
    rules: Vec<Arc<EventRule>>,
    trie: Trie,
    /// Whether one of them wants reads recorded.
    audits: bool,
    /// The operations of documents, asked for what no rule says.
    operations: Option<Arc<Self>>,
    rejections: Rejections,
}

impl EventRules {
    /// Takes the rules in the order in which they were written.
    pub fn new(rules: Vec<EventRule>) -> Self {
        let mut rules: Vec<Arc<EventRule>> = rules.into_iter().map(Arc::new).collect();
        rules.sort_by_key(|rule| {
            (rule.methods.is_empty(), host_order(rule.host.as_deref()), rule.kind.is_none())
        });
        let mut trie = Trie::default();
        for (index, rule) in rules.iter().enumerate() {
            trie.add(&rule.path, index);
        }
        let audits = rules.iter().any(|rule| rule.audit);
        Self { rules, trie, audits, operations: None, rejections: Rejections::default() }
    }

    /// The categories that rules give to events.
    pub fn categories(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().filter_map(|rule| rule.category.as_deref())
    }

    /// The names of scopes that rules give to events.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().flat_map(|rule| rule.scope.iter().map(|(name, _)| name.as_str()))
    }

    /// The same rules, and these operations for what they leave out; of operations for the same
    /// requests the first is taken.
    pub fn documented(self, operations: &[Operation]) -> Self {
        let rules: Vec<EventRule> = operations.iter().map(Operation::rule).collect();
        let operations = (!rules.is_empty()).then(|| Arc::new(Self::new(rules)));
        Self { operations, ..self }
    }

    /// Segments of paths that rules and documents name.
    pub fn literals(&self) -> impl Iterator<Item = &str> {
        let operations = self.operations.iter().flat_map(|operations| operations.rules.iter());
        let pieces = self.rules.iter().chain(operations).flat_map(|rule| rule.path.pieces());
        pieces.filter_map(|piece| match piece {
            Piece::Literal(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// How many operations of documents there are.
    pub fn operations(&self) -> usize {
        self.operations.as_ref().map_or(0, |operations| operations.len())
    }

    /// The same, with rules about rejections.
    #[must_use]
    pub fn with_rejections(self, rejections: Rejections) -> Self {
        Self { rejections, ..self }
    }

    /// The rules about what gateways refuse.
    pub fn rejections(&self) -> &Rejections {
        &self.rejections
    }

    /// Rules that never match, each with the one that takes all that it would.
    pub fn shadowed(&self) -> Vec<(&EventRule, &EventRule)> {
        let mut earlier: BTreeMap<String, Vec<&EventRule>> = BTreeMap::new();
        let mut shadowed = Vec::new();
        for rule in &self.rules {
            let same_path = earlier.entry(rule.path.shape()).or_default();
            match same_path.iter().find(|other| other.covers(rule)) {
                Some(other) => shadowed.push((rule.as_ref(), *other)),
                None => same_path.push(rule),
            }
        }
        shadowed
    }

    /// The rule of this id.
    pub fn rule(&self, id: &str) -> Option<&EventRule> {
        self.rules.iter().map(AsRef::as_ref).find(|rule| rule.id == id)
    }

    /// All rules.
    pub fn iter(&self) -> impl Iterator<Item = &EventRule> {
        self.rules.iter().map(AsRef::as_ref)
    }

    /// Whether a request is provably without effect and no rule wants it recorded: `safety` is what is
    /// known without rules. Any reading of the path, and any host that it may be taken for, that lead
    /// to such a rule are enough.
    pub fn judge(&self, safety: Safety, asked: &Asked<'_>) -> Safety {
        if !safety.is_safe() || !self.audits {
            return safety;
        }
        let takes = |rule: &EventRule| {
            rule.audit
                && rule.accepts_method(asked.method)
                && (rule.host.is_none() || asked.may_be_for(rule.host.as_deref().into_iter()))
        };
        let path = asked.target.split('?').next().unwrap_or_default();
        let accepts = |index: usize| self.rules.get(index).is_some_and(|rule| takes(rule));
        let leads = |segments: Vec<String>| self.trie.find(&segments, &accepts).is_some();
        let readings = Readings::of(path);
        let is_declared = if asked.elsewhere.any_path || !readings.is_complete() {
            self.rules.iter().any(|rule| takes(rule))
        } else {
            leads(split(path).map(|(_, text)| text).collect())
                || readings.each().any(|reading| leads(segments_of(reading)))
        };
        if is_declared { Safety::Declared } else { safety }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none, and no operations.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.operations.is_none()
    }

    /// The operation for a request.
    fn operation(
        &self,
        request: &RequestRecord,
        body: Option<&Value<'_>>,
        naming: &Naming,
        place: &Place<'_>,
    ) -> Option<Matched> {
        self.operations.as_ref()?.find(request, body, naming, place)
    }

    /// Whether a rule that says what is done, or an operation of a document, is for the path of a
    /// request, with the method that was sent.
    fn names(&self, request: &RequestRecord, place: &Place<'_>) -> bool {
        let host = normal_host(place.host);
        // What only reads says nothing of what is done by a call that changes something.
        let says = |rule: &EventRule| {
            rule.action.is_some() && rule.accepts(&request.method, &host, place.kind)
        };
        let segments: Vec<String> = split(&request.path).map(|(_, text)| text).collect();
        let accepts = |index: usize| self.rules.get(index).is_some_and(|rule| says(rule));
        self.trie.find(&segments, &accepts).is_some()
            || self.operations.as_ref().is_some_and(|all| all.names(request, place))
    }

    /// The rule for a request that the convention has named; if there is none for the method that
    /// counts, that for the method that was sent.
    fn find(
        &self,
        request: &RequestRecord,
        body: Option<&Value<'_>>,
        naming: &Naming,
        place: &Place<'_>,
    ) -> Option<Matched> {
        let found = self.find_for(&naming.method, request, body, naming, place);
        let is_other = naming.method != request.method;
        found.or_else(|| {
            is_other.then_some(())?;
            let matched = self.find_for(&request.method, request, body, naming, place)?;
            // What is deleted by `_method` is not called an update by the rule for its POST.
            let is_grave = |action: &str| action.split_once('.').is_some_and(|it| is_grave(it.1));
            let is_lesser = is_grave(&naming.action)
                && matched.rule.action.as_deref().is_some_and(|action| !is_grave(action));
            Some(Matched { is_lesser, ..matched })
        })
    }

    fn find_for(
        &self,
        method: &str,
        request: &RequestRecord,
        body: Option<&Value<'_>>,
        naming: &Naming,
        place: &Place<'_>,
    ) -> Option<Matched> {
        if self.rules.is_empty() {
            return None;
        }
        let host = normal_host(place.host);
        let accepts = |index: usize, reads: bool| {
            self.rules.get(index).is_some_and(|rule| {
                (reads || !rule.read) && rule.accepts(method, &host, place.kind)
            })
        };
        let segments: Vec<String> = split(&request.path).map(|(_, text)| text).collect();
        let own = self.trie.find(&segments, &|index| accepts(index, true));
        let readings = || Readings::of(&request.path);
        let own = match own {
            Some(index) if self.rules.get(index).is_some_and(|rule| rule.read) => {
                // Whoever can make a mutation look like a read must not.
                let is_plain = naming.method == request.method
                    && !naming.is_doubtful
                    && !naming.may_mutate(request, body);
                let readings = readings();
                let mut others = readings.each().map(segments_of);
                let accepted = |index| accepts(index, true);
                let is_certain = is_plain
                    && readings.is_complete()
                    && self.rules.get(index).is_some_and(|rule| rule.path.is_exact(&segments))
                    && others.all(|other| self.trie.find(&other, &accepted) == Some(index));
                match is_certain {
                    true => own,
                    false => self.trie.find(&segments, &|index| accepts(index, false)),
                }
            }
            found => found,
        };
        let matched = |index: usize, segments: &[String], as_sent| {
            let rule = Arc::clone(self.rules.get(index)?);
            let params = rule.path.params(segments);
            Some(Matched { rule, params, as_sent, is_lesser: false })
        };
        if let Some(index) = own {
            return matched(index, &segments, true);
        }
        readings().each().skip(1).find_map(|reading| {
            let segments = segments_of(reading);
            let index = self.trie.find(&segments, &|index| accepts(index, false))?;
            matched(index, &segments, false)
        })
    }
}

/// The segments of a reading, in which nothing is encoded any more.
fn segments_of(reading: &[u8]) -> Vec<String> {
    let segments = reading.split(|byte| *byte == b'/').map(String::from_utf8_lossy);
    segments.filter(|segment| !segment.is_empty()).map(|segment| segment.into_owned()).collect()
}

/// A name comes before a pattern of names, and that before nothing.
fn host_order(host: Option<&str>) -> u8 {
    match host {
        Some(host) if host.starts_with("*.") => 1,
        Some(_) => 0,
        None => 2,
    }
}

impl EventRule {
    fn accepts(&self, method: &str, host: &str, kind: Kind) -> bool {
        self.accepts_method(method)
            && self.kind.is_none_or(|known| known == kind)
            && self.host.as_ref().is_none_or(|pattern| host_matches(pattern, host))
    }

    fn accepts_method(&self, method: &str) -> bool {
        // An answer to HEAD says what one to GET would.
        let is_known =
            |known: &String| known == method || (self.audit && method == "HEAD" && known == "GET");
        self.methods.is_empty() || self.methods.iter().any(is_known)
    }

    /// Whether it takes every request that the other, on the same path, takes.
    fn covers(&self, other: &Self) -> bool {
        let has = |method| self.methods.contains(method);
        let methods =
            self.methods.is_empty() || (!other.methods.is_empty() && other.methods.iter().all(has));
        let host = self.host.is_none() || self.host == other.host;
        // Where a path or a method cannot be told for certain, one that reads lets others through.
        let reads = !self.read || other.read;
        methods && host && reads && (self.kind.is_none() || self.kind == other.kind)
    }
}
