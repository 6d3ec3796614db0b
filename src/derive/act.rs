//! The things that one request does: GraphQL mutations, calls of a batch, items of a bulk request.
//!
//! The request is one event, with one intent and one completion. Where it does several things, the
//! event's own fields sum them up, and each is an act beside them, with its own outcome.

#[cfg(test)]
mod tests;

use super::naming::Naming;
use super::sentence::Sentence;
use super::text::{CHARS_MAX, cut};
use crate::record::{self, Outcome, Severity, Target};

/// So many acts of a request are told apart; the last of them stands for the rest.
pub const ACTS_MAX: usize = 100;

/// So many of the rest are looked for in an answer.
const MORE_MAX: usize = 10_000;

/// One thing that a request does.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Act {
    /// `noun.verb`.
    pub(super) action: String,
    /// The area.
    pub(super) category: String,
    /// Upon what.
    pub(super) targets: Vec<Target>,
    /// How it is told.
    pub(super) sentence: Sentence,
    /// Where the response tells of it.
    pub(super) answer: Answer,
}

/// Where a response tells of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Of several, at this position; in it, under these names.
    Graphql(Option<usize>, Vec<String>),
    /// Of several, in the one with this id.
    Rpc(Option<String>),
    /// Of several, at this position, or with this id.
    Part(usize, Option<String>),
    /// In the result of a call of XML-RPC.
    Xml,
    /// Of several calls within one, at this position of its result.
    Within(usize),
    /// Of several, in the list with this name, at this position.
    Listed(String, usize),
    /// For all acts that are not told apart: the worst of what is said of no other.
    Rest,
    /// For so many items that are not told apart, each of which has to be answered.
    Others(usize),
    /// For calls that are not told apart, each of which has to be answered.
    More(More),
}

/// Calls of which one act tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct More {
    /// How many there are, also of those without an answer here.
    pub(super) count: usize,
    /// Where the response tells of each.
    pub(super) answers: Vec<Answer>,
    /// Nobody knows how many there are.
    pub(super) is_cut: bool,
}

impl More {
    /// Takes one more call.
    pub(super) fn take(&mut self, answer: Answer) {
        self.count += 1;
        if self.answers.len() < MORE_MAX {
            self.answers.push(answer);
        }
    }

    /// Whether it is known where the response tells of each of them.
    pub(super) fn is_whole(&self) -> bool {
        !self.is_cut && self.answers.len() >= self.count
    }
}

impl Answer {
    /// Whether it stands for acts that are not told apart.
    fn is_of_several(&self) -> bool {
        matches!(self, Self::Rest | Self::Others(_) | Self::More(_))
    }

    /// Whether the response tells of this act by itself.
    pub(super) fn is_own(&self) -> bool {
        match self {
            Self::Rest => false,
            Self::More(more) => more.answers.iter().any(Self::is_own),
            _ => true,
        }
    }
}

/// How one act ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) outcome: Outcome,
    pub(super) reason: Option<String>,
    /// Its targets, now that the response is known.
    pub(super) targets: Option<Vec<Target>>,
}

impl End {
    pub(super) fn of(outcome: Outcome, reason: Option<String>) -> Self {
        Self { outcome, reason, targets: None }
    }
}

impl Naming {
    /// The acts of a request that does several things, before anything is known of their end.
    pub fn acts(&self) -> Vec<record::Act> {
        if self.acts.len() < 2 || self.is_one {
            return Vec::new();
        }
        let planned = |act: &Act| record::Act {
            action: act.action.clone(),
            category: act.category.clone(),
            description: act.sentence.intent(&act.targets),
            outcome: None,
            reason: None,
            severity: None,
            targets: act.targets.clone(),
        };
        self.acts.iter().map(planned).collect()
    }
}

impl Act {
    /// The act as it ended.
    pub(super) fn ended(&self, end: &End) -> record::Act {
        let targets = end.targets.as_ref().unwrap_or(&self.targets);
        let reason = end.reason.as_deref().unwrap_or_default();
        let (severity, description) = match end.outcome {
            Outcome::Success => (Severity::Info, self.sentence.done(targets)),
            Outcome::Denied => (Severity::Warn, self.sentence.refused(targets, reason)),
            Outcome::Unknown => (Severity::Fail, self.sentence.unknown(targets, reason)),
            Outcome::Failure => (Severity::Fail, self.sentence.failed(targets, reason)),
        };
        record::Act {
            action: self.action.clone(),
            category: self.category.clone(),
            description,
            outcome: Some(end.outcome),
            reason: end.reason.clone(),
            severity: Some(severity),
            targets: targets.clone(),
        }
    }
}

/// How grave an outcome is: that of several acts is the gravest of theirs.
pub(super) fn gravity(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Success => 0,
        Outcome::Denied => 1,
        Outcome::Failure => 2,
        Outcome::Unknown => 3,
    }
}

/// Whether all acts are the same thing, done to several targets.
pub(super) fn are_alike(acts: &[Act]) -> bool {
    acts.windows(2).all(|pair| match pair {
        [one, other] => one.action == other.action,
        _ => true,
    })
}

/// Whether one sentence tells of all of them: they are called the same, and done to what belongs to one.
pub(super) fn are_told_alike(acts: &[Act]) -> bool {
    let is_one = |pair: &[Act]| match pair {
        [one, other] => one.sentence.owner == other.sentence.owner,
        _ => true,
    };
    are_alike(acts) && acts.windows(2).all(is_one)
}

/// What several acts are about to do, in one sentence; `several` is what they are: `3 calls`.
pub(super) fn plan(acts: &[Act], several: &str) -> String {
    let all: Vec<String> = acts.iter().map(|act| act.sentence.intent(&act.targets)).collect();
    listed(several, &all)
}

/// What became of several acts, in one sentence.
pub(super) fn summary(acts: &[Act], told: &[record::Act], several: &str) -> String {
    let is_bad = |act: &&record::Act| act.outcome != Some(Outcome::Success);
    let bad: Vec<&record::Act> = told.iter().filter(is_bad).collect();
    // Of what nobody knows it cannot be said that it was not done.
    let done = match bad.iter().any(|act| act.outcome == Some(Outcome::Unknown)) {
        true => "known to be done",
        false => "done",
    };
    let (head, told) = match bad.len() {
        0 => (several.to_owned(), told.iter().collect()),
        _ if acts.len() == told.len()
            && acts.last().is_some_and(|act| act.answer.is_of_several()) =>
        {
            (format!("not all of {several} {done}"), bad)
        }
        count => (format!("{count} of {several} not {done}"), bad),
    };
    let told: Vec<String> = told.into_iter().map(|act| act.description.clone()).collect();
    listed(&head, &told)
}

/// As many items as a description holds.
fn listed(head: &str, items: &[String]) -> String {
    let mut text = format!("{head}: ");
    for (position, item) in items.iter().enumerate() {
        let separator = if position == 0 { "" } else { "; " };
        // Room for the end of the sentence.
        if text.chars().count() + item.chars().count() + 4 > CHARS_MAX && position > 0 {
            text.push_str("; …");
            break;
        }
        text.push_str(separator);
        text.push_str(item);
    }
    cut(&text)
}
