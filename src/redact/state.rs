//! States of a resource that were read beside an exchange: redacted as responses of it.
//!
//! Owns the digests by which two states are compared where they are redacted. They are never recorded.

use std::borrow::Cow;

use super::engine::{Detail, Engine};
use super::settle::settle;
use super::walk::written;
use super::{Redacted, Seen};
use crate::capture::Response;
use crate::decode::{Content, Node};
use crate::record::{BodyRecord, ResponseRecord};

/// The member with the digest of what stood in the place of a marker or a text.
pub(crate) const SEAL: &str = "sealed";

/// The member with a text that is not as it was, beside the digest.
pub(crate) const SEALED_TEXT: &str = "redacted text";

/// The same, of a number that is written as a text, since a double cannot hold it.
pub(crate) const SEALED_NUMBER: &str = "number as text";

/// What the digests of texts and of other values are for; they are not those that are recorded.
const COMPARED_TEXT: &str = "compared text";
const COMPARED_VALUE: &str = "compared value";

/// How much is known of the secrets of an exchange, to tell whether more became known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Knowledge {
    secrets: usize,
    prose: usize,
}

impl Seen {
    /// How much is known so far.
    pub fn knowledge(&self) -> Knowledge {
        Knowledge { secrets: self.secrets(), prose: self.heard.pieces() }
    }

    /// Whether there were more secrets than can be searched for.
    pub fn is_overwhelmed(&self) -> bool {
        self.overflowed()
    }

    /// Whether more is known now, all of which can be searched for.
    pub fn has_learnt_since(&self, known: Knowledge) -> bool {
        !self.overflowed() && self.knowledge() != known
    }
}

/// Whether an object of the application's own could be taken for one of ours: it is told as a text.
fn looks_sealed(whole: &Node<'_>) -> bool {
    let has = |name: &str| whole.get(name).is_some();
    has(SEAL) && ["redacted", SEALED_TEXT, SEALED_NUMBER].into_iter().any(has)
}

impl Engine {
    /// What may be compared of a state that was read at `path` during the exchange of `seen`: rules
    /// hold for it that hold below the exchange's own path, and those that hold below this one. What
    /// is not as it was has a digest of what it was (`SEAL`), by which two states are compared.
    pub fn state(&self, path: &str, state: &Response, seen: &mut Seen) -> Redacted<ResponseRecord> {
        let own = seen.below;
        let path = path.split('?').next().unwrap_or_default();
        seen.below.add_all(&self.below(path));
        let mut record = self.response(state, Detail::WithBody, seen).into_inner();
        seen.below = own;
        let content = Content::of(&state.headers, &state.body);
        if let (Some(body), Some(mut whole)) = (&record.body, content.read().node) {
            settle(&mut whole);
            let mut shown = body.tree().clone();
            self.seal(&whole, &mut shown);
            let size = content.bytes().map_or(0, <[u8]>::len);
            record.body = BodyRecord::new(&shown, size).ok();
        }
        Redacted::vouched(record)
    }

    /// Puts a digest beside whatever is shown otherwise than it was.
    fn seal(&self, whole: &Node<'_>, shown: &mut Node<'_>) {
        let is_marker = shown.get("redacted").is_some() && whole.get("redacted").is_none();
        match (whole, &mut *shown) {
            (Node::Object(_), Node::Object(_)) if looks_sealed(whole) => {
                let text = (Cow::Borrowed(SEALED_TEXT), Node::String(Cow::Owned(written(shown))));
                *shown = Node::Object(vec![text, self.digest(whole)]);
            }
            (_, Node::Object(members)) if is_marker => members.push(self.digest(whole)),
            (Node::Object(_), Node::Object(members)) => {
                for (name, item) in members {
                    if let Some(whole) = whole.get(name) {
                        self.seal(whole, item);
                    }
                }
            }
            (Node::Array(whole), Node::Array(items)) if whole.len() == items.len() => {
                whole.iter().zip(items).for_each(|(whole, item)| self.seal(whole, item));
            }
            (Node::String(whole), Node::String(text)) if whole == text => {}
            (_, Node::String(text)) => {
                let name = match whole {
                    Node::Number(number) if number.to_string() == **text => SEALED_NUMBER,
                    _ => SEALED_TEXT,
                };
                let text = (Cow::Borrowed(name), Node::String(std::mem::take(text)));
                *shown = Node::Object(vec![text, self.digest(whole)]);
            }
            _ => {}
        }
    }

    fn digest(&self, whole: &Node<'_>) -> (Cow<'static, str>, Node<'static>) {
        let digest = match whole {
            Node::String(text) => self.key.fingerprint(COMPARED_TEXT, text.as_bytes()),
            Node::Number(number) => {
                self.key.fingerprint(COMPARED_VALUE, number.to_string().as_bytes())
            }
            other => {
                let text = BodyRecord::new(other, 0).map(|body| body.text().to_owned());
                self.key.fingerprint(COMPARED_VALUE, text.unwrap_or_default().as_bytes())
            }
        };
        (Cow::Borrowed(SEAL), Node::String(Cow::Owned(digest)))
    }
}
