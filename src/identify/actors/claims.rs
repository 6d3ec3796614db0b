//! What credentials claim that nobody has proved.

use http::HeaderMap;

use super::OTHER_ISSUER;
use crate::identify::rule::{ActorRule, Carrier};
use crate::record::{Actor, Claim};

/// The claims of a request's credentials, in the order of the rules; one of each credential.
#[derive(Default)]
pub(super) struct Claims(Vec<Unproved>);

/// What a credential claims.
struct Unproved {
    actor: Actor,
    /// Why it proves nothing, as each rule says that has read the credential.
    notes: Vec<&'static str>,
    /// What carries the credential.
    read: Vec<Carrier>,
    /// The position of the rule whose word it is.
    rule: usize,
}

impl Unproved {
    fn shares(&self, carrier: &Carrier) -> bool {
        self.read.iter().any(|own| own.overlaps(carrier))
    }
}

impl Claims {
    /// Adds what a rule made of a credential. Where one before it has read the same, that one's word
    /// stands, unless it said no more than that the token is not of its issuer.
    pub(super) fn add(
        &mut self,
        actor: Actor,
        note: Option<&'static str>,
        (rule, position): (&ActorRule, usize),
    ) {
        let read = rule.carriers();
        let same = |known: &&mut Unproved| read.iter().any(|carrier| known.shares(carrier));
        let Some(known) = self.0.iter_mut().find(same) else {
            let notes = note.into_iter().collect();
            self.0.push(Unproved { actor, notes, read, rule: position });
            return;
        };
        if known.notes == [OTHER_ISSUER] {
            let notes = note.into_iter().collect();
            *known = Unproved { actor, notes, read, rule: position };
        } else if let Some(note) = note.filter(|note| !known.notes.contains(note)) {
            known.notes.push(note);
        }
    }

    /// The first claim, its reasons, and the rule whose word it is: it stands where nothing is proved.
    pub(super) fn first(&mut self) -> Option<(Actor, Vec<&'static str>, usize)> {
        let first = (!self.0.is_empty()).then(|| self.0.remove(0))?;
        Some((first.actor, first.notes, first.rule))
    }

    /// Leaves out what a rule has proved after all. Where it was shown other credentials as well, nobody
    /// knows which it went by: then it is that of which it says the same.
    pub(super) fn settle(&mut self, rule: &ActorRule, proved: &Actor, headers: &HeaderMap) {
        if self.0.is_empty() {
            return;
        }
        let mut read = rule.carriers();
        read.retain(|carrier| carrier.is_in(headers));
        self.0.retain(|claim| {
            let is_same = claim.actor.id.is_some() && claim.actor.id == proved.id;
            let mut all = read.iter().map(|carrier| claim.shares(carrier));
            let is_proved = !read.is_empty()
                && if is_same { all.any(|shared| shared) } else { all.all(|shared| shared) };
            !is_proved
        });
    }

    /// What is recorded beside the actor.
    pub(super) fn beside(self) -> Vec<Claim> {
        let claim = |Unproved { actor, notes, .. }: Unproved| {
            let Actor { auth, credential, email, id, name, kind, .. } = actor;
            Claim { auth, credential, email, id, name, notes, kind }
        };
        self.0.into_iter().map(claim).collect()
    }
}
