//! What a target belongs to, on record behind it: whoever asks what was done to user 7 finds the role
//! that they were given.
//!
//! A sentence tells of the nearest. What a scope holds is found by the scope.

use super::super::sentence::Sentence;
use super::super::trace::{By, Field, Trace};
use super::Naming;
use crate::record::{self, Target};

impl Naming {
    /// Targets of the whole, as they are recorded.
    pub fn recorded(&self, targets: Vec<Target>, trace: &mut Trace) -> Vec<Target> {
        let own = targets.len();
        let targets = match self.is_mixed() {
            true => targets,
            false => with_owner(targets, &self.sentence),
        };
        for at in own..targets.len() {
            for field in [Field::Kind(at), Field::Id(at), Field::Name(at)] {
                trace.note(field, || (By::Convention("what the target belongs to"), Vec::new()));
            }
        }
        targets
    }

    /// The acts, with their targets as they are recorded.
    pub fn recorded_acts(&self, acts: Vec<record::Act>) -> Vec<record::Act> {
        let are_own = acts.len() == self.acts.len();
        let owned = |(at, act): (usize, record::Act)| {
            let own = self.acts.get(at).filter(|_| are_own).map(|own| &own.sentence);
            let targets = with_owner(act.targets, own.unwrap_or(&self.sentence));
            record::Act { targets, ..act }
        };
        acts.into_iter().enumerate().map(owned).collect()
    }
}

/// The targets, and behind them what they belong to, the nearest first.
fn with_owner(mut targets: Vec<Target>, sentence: &Sentence) -> Vec<Target> {
    for owner in sentence.owner.iter().chain(&sentence.outer) {
        let in_scope =
            sentence.scope.get(&owner.kind).is_some_and(|id| owner.id.as_ref() == Some(id));
        let is_same = |target: &Target| {
            let is_same = target.kind == owner.kind && target.id == owner.id;
            is_same && (owner.id.is_some() || target.name == owner.name)
        };
        if !in_scope && !targets.iter().any(is_same) {
            targets.push(owner.clone());
        }
    }
    targets
}
