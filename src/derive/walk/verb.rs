//! Words of a path that say what is done.

use super::super::verbs::{canonical, compound, inverse, is_asking, is_verb};
use super::super::words::{is_plural, singular};
use super::{Node, Walk, is_people};

/// Verbs that hardly any item is called, so that they say of a collection what a PUT does to it.
pub(super) const PLAINLY_DONE: [&str; 19] = [
    "activate",
    "deactivate",
    "delete",
    "deregister",
    "destroy",
    "disable",
    "enable",
    "purge",
    "reactivate",
    "remove",
    "renew",
    "revoke",
    "rotate",
    "suspend",
    "terminate",
    "unban",
    "unblock",
    "unlock",
    "unsuspend",
];

/// Nouns of what may be called like a verb.
const OF_VERBS: [&str; 10] = [
    "action",
    "command",
    "event",
    "operation",
    "permission",
    "policy",
    "privilege",
    "role",
    "scope",
    "verb",
];

/// Verbs that stand before a plural in a name of two words and more.
const BEFORE_PLURALS: [&str; 5] = ["list", "regenerate", "reset", "rotate", "sync"];

impl Walk<'_> {
    /// Whether a word after a collection is a verb: for a PUT or a DELETE it names an item, unless
    /// it can hardly be a name.
    pub(super) fn is_acting_on_all(&self, word: &str) -> bool {
        let is_bulk = compound_tail(word).is_some_and(|(verb, _)| verb.contains('_'));
        // An item may be called `logout`; `sign_out` is where people of some frameworks do so.
        let is_session = self.method == "DELETE"
            && word == "sign_out"
            && self.out.nodes.last().is_some_and(is_people);
        match self.method {
            "POST" | "GET" => is_verb(word) || is_asking(word) || compound_tail(word).is_some(),
            "PUT" | "PATCH" => is_bulk || self.is_plainly_done(word),
            _ => is_bulk || is_session,
        }
    }

    /// Whether hardly any item would be called so: `/keys/revoke`, but not `/permissions/delete`.
    fn is_plainly_done(&self, word: &str) -> bool {
        let noun = self.out.nodes.last().map(|node| node.noun.as_str()).unwrap_or_default();
        let last = noun.rsplit('_').next().unwrap_or(noun);
        PLAINLY_DONE.contains(&word) && !OF_VERBS.contains(&last)
    }

    /// Whether a word below a thing is a verb by the place where it stands, or by how it is written:
    /// `/lifecycle/reset_factors`, `/listKeys`.
    fn is_called(&self, word: &str) -> bool {
        let before = self.next.checked_sub(1).and_then(|at| self.path.segments.get(at));
        let folder = before.map(|before| before.text.to_ascii_lowercase()).unwrap_or_default();
        let is_below = matches!(folder.as_str(), "lifecycle" | "actions" | "action");
        let text = self.path.segments.get(self.next).map_or("", |segment| &segment.text);
        let is_camel = text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().any(|byte| byte.is_ascii_uppercase());
        let verb = compound(word).map(|(verb, _)| verb);
        self.method == "POST"
            && verb.is_some_and(|verb| is_below || (is_camel && BEFORE_PLURALS.contains(&verb)))
    }

    pub(super) fn is_acting(&self, word: &str) -> bool {
        let is_known = is_verb(word) || matches!(word, "eviction");
        if self.method == "DELETE" {
            return inverse(canonical(word)).is_some() && is_known
                || matches!(canonical(word), "delete" | "logout");
        }
        is_known || compound_tail(word).is_some() || self.is_called(word)
    }

    /// A verb that the path ends with.
    pub(super) fn verb(&mut self, word: &str) {
        self.out.verb_at = Some(self.next);
        let verb = canonical(word);
        let verb = match inverse(verb) {
            Some(inverse) if self.method == "DELETE" => inverse,
            _ => verb,
        };
        let has_item = self.out.nodes.last().is_some_and(|node| node.is_item);
        if matches!(verb, "login" | "logout") && !has_item {
            self.out.nodes.push(Node::named("session"));
            let verb = if verb == "login" { "create" } else { "delete" };
            self.out.verb = Some(verb.to_owned());
            self.out.signs = true;
            return;
        }
        match compound_tail(word) {
            Some((verb, about)) if self.out.nodes.is_empty() && !about.is_empty() => {
                self.node(about);
                self.out.verb = Some(canonical(verb).to_owned());
            }
            Some((verb, about)) if self.is_last_noun(about) => {
                self.out.verb = Some(canonical(verb).to_owned());
            }
            _ if self.out.nodes.is_empty() => {
                let noun = if verb == "register" { "user" } else { "session" };
                self.out.nodes.push(Node::named(noun));
                self.out.verb = Some(verb.to_owned());
            }
            _ => self.out.verb = Some(verb.to_owned()),
        }
    }

    fn is_last_noun(&self, about: &str) -> bool {
        self.out.nodes.last().is_some_and(|node| node.noun == singular(about))
    }
}

/// A compound verb that is not a collection: `reset-password`, but not `test-results`.
pub(super) fn compound_tail(word: &str) -> Option<(&str, &str)> {
    let (verb, about) = compound(word)?;
    (!is_plural(word) || verb.contains('_') || is_bare(verb)).then_some((verb, about))
}

/// Verbs that are hardly ever the first half of a noun.
fn is_bare(verb: &str) -> bool {
    matches!(
        verb,
        "activate"
            | "add"
            | "create"
            | "deactivate"
            | "delete"
            | "destroy"
            | "disable"
            | "enable"
            | "get"
            | "remove"
            | "revoke"
            | "send"
            | "suspend"
            | "terminate"
            | "update"
    )
}
