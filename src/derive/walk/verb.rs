//! Words of a path that say what is done.

use super::super::verbs::{canonical, inverse, is_asking, is_verb};
use super::super::words::singular;
use super::{Node, Walk, compound_tail, is_people};

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
            _ => is_bulk || is_session,
        }
    }

    pub(super) fn is_acting(&self, word: &str) -> bool {
        let is_known = is_verb(word) || matches!(word, "eviction");
        if self.method == "DELETE" {
            return inverse(canonical(word)).is_some() && is_known
                || matches!(canonical(word), "delete" | "logout");
        }
        is_known || compound_tail(word).is_some()
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
            Some((verb, about)) if self.out.nodes.is_empty() => {
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
