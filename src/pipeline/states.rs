//! The states before and after an exchange: where to read them, and what they show once they are
//! redacted.

use super::{Prepared, Stage};
use crate::capture::Response;
use crate::derive::{Observed, Shown, SnapshotRule, Unseen, Whereabouts};
use crate::redact::{Engine, Redacted, Seen};

/// What reading a state came to.
#[derive(Debug)]
pub enum Reading {
    /// The application answered.
    Answer {
        /// Path and query that were asked for.
        target: String,
        /// The answer.
        answer: Box<Response>,
    },
    /// There can have been nothing: the response says where what was made is.
    Nothing,
    /// The state is not known.
    Unseen(Unseen),
}

/// The states before and after, as they were read.
#[derive(Debug)]
pub struct States {
    /// Before the request was sent.
    pub before: Reading,
    /// After its response had come.
    pub after: Reading,
}

impl Reading {
    /// Whether it tells what there was.
    pub fn is_of_use(&self) -> bool {
        match self {
            Self::Answer { answer, .. } => matches!(answer.status, 200 | 203 | 404 | 410),
            Self::Nothing => true,
            Self::Unseen(_) => false,
        }
    }

    fn shown(&self, engine: &Engine, seen: &mut Seen) -> Redacted<Shown> {
        match self {
            Self::Answer { target, answer } => {
                engine.state(target, answer, seen).map(|record| Shown::of(&record))
            }
            Self::Nothing => Redacted::system(Shown::Absent),
            Self::Unseen(why) => Redacted::system(Shown::Unseen(*why)),
        }
    }
}

impl States {
    /// Why the answers that came could not be read.
    pub(super) fn unread(
        &self,
        observed: &Observed,
    ) -> (Option<&'static str>, Option<&'static str>) {
        let unread = |reading: &Reading, shown: &Shown| match (reading, shown) {
            (
                Reading::Answer { .. },
                Shown::Unseen(why @ (Unseen::Unreadable | Unseen::TooLarge)),
            ) => Some(why.as_str()),
            _ => None,
        };
        (unread(&self.before, &observed.before), unread(&self.after, &observed.after))
    }

    /// What both show. Each is without the secrets of the other as well.
    pub(super) fn observed(&self, engine: &Engine, seen: &mut Seen) -> Redacted<Observed> {
        let before = self.before.shown(engine, seen);
        let known = seen.knowledge();
        let after = self.after.shown(engine, seen);
        if seen.is_overwhelmed() {
            // Secrets of the one may stand in the other.
            let unread = || Shown::Unseen(Unseen::Unreadable);
            return Redacted::system(Observed { before: unread(), after: unread() });
        }
        let before = match seen.has_learnt_since(known) {
            true => self.before.shown(engine, seen),
            false => before,
        };
        before.and(after).map(|(before, after)| Observed { before, after })
    }
}

impl Prepared {
    /// The rule's word on how the state is read.
    pub fn snapshot(&self) -> Option<&SnapshotRule> {
        self.naming.get().snapshot()
    }

    /// Whether a GET of the request's own path shows the one thing that it is about.
    pub fn is_about_item(&self) -> bool {
        self.naming.get().is_about_item(&self.intent.get().request)
    }

    /// Why that thing is not read by convention.
    pub fn unseen_item(&self) -> Option<Unseen> {
        self.naming.get().unseen_item(&self.intent.get().request)
    }

    /// Whether a session begins or ends with it, or becomes another's, as it is named.
    pub(crate) fn is_about_session(&self) -> bool {
        let action = self.intent.get().action.as_str();
        matches!(action, "session.create" | "session.delete") || action.contains("impersonat")
    }

    /// The template of its path; empty if it has none.
    pub(crate) fn route(&self) -> &str {
        self.intent.get().request.route.as_deref().unwrap_or_default()
    }

    /// Where the rule has the state read, as far as the request tells.
    pub fn whereabouts(&self) -> Whereabouts {
        let intent = self.intent.get();
        self.naming.get().whereabouts(&intent.request, &intent.actor, None)
    }

    /// Where the rule has the state read, now that there is a response.
    pub fn whereabouts_after(&mut self, stage: &Stage<'_>, response: &Response) -> Whereabouts {
        let record = stage.engine.response(response, stage.response, &mut self.seen);
        let intent = self.intent.get();
        self.naming.get().whereabouts(&intent.request, &intent.actor, Some(record.get()))
    }

    /// Whether it is something that is created, and that the request gives no id to.
    pub fn is_creation(&self) -> bool {
        self.intent.get().action.ends_with(".create")
    }
}
