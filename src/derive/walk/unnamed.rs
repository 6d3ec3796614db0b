//! Words behind an item that no list knows: `POST /users/7/offboard`.
//!
//! What is made there is sent. Where nothing is, a word that looks like a verb is what is done to the item,
//! which stays the target; others are things, which belong to the item. And who is signed in, whom a path
//! does not name: `/me`.

use super::super::nouns::{is_known_noun, is_thing};
use super::super::path::Path;
use super::super::verbs::{is_on_item, is_verb};
use super::{Node, Walked, route};

/// Ends of words for what is done: `reinstate`, `certify`.
const ENDS: [&str; 4] = ["ate", "ify", "ise", "ize"];

/// What stands before a verb that is done again, or the other way round: `rebook`, `unsnooze`.
const BEFORE: [&str; 2] = ["re", "un"];

/// Lists that somebody is put on, as it is called.
const LISTS: [&str; 6] =
    ["allowlist", "blacklist", "blocklist", "denylist", "shortlist", "whitelist"];

/// Things that are called so.
const THINGS: [&str; 32] = [
    "affiliate",
    "associate",
    "candidate",
    "certificate",
    "climate",
    "coordinate",
    "corporate",
    "delegate",
    "enterprise",
    "estimate",
    "exercise",
    "expertise",
    "franchise",
    "graduate",
    "mandate",
    "merchandise",
    "noise",
    "plate",
    "premise",
    "private",
    "prize",
    "promise",
    "release",
    "remark",
    "replay",
    "report",
    "request",
    "return",
    "review",
    "state",
    "surrogate",
    "template",
];

/// Takes the last word of a path for what is done to the item before it, where nothing is sent.
pub(in crate::derive) fn take(walked: &mut Walked, path: &Path, method: &str) {
    let [.., item, last] = walked.nodes.as_slice() else { return };
    let is_bare = !last.is_item && !last.plural && last.id.is_none();
    let is_last = last.at.is_some_and(|at| at + 1 == path.segments.len());
    let is_direct =
        item.is_item && last.at.is_some_and(|at| item.slots.contains(&at.wrapping_sub(1)));
    let is_open = walked.verb.is_none() && walked.part.is_none() && method == "POST";
    if !is_open || !is_bare || !is_last || !is_direct || !may_be_verb(&last.noun) {
        return;
    }
    if let Some(last) = walked.nodes.pop() {
        (walked.verb, walked.verb_at) = (Some(last.noun), last.at);
        walked.route = route(path, &walked.nodes);
    }
}

/// `/me` is whoever is signed in, though the path does not say who that is.
pub(super) fn own(nodes: &mut [Node]) {
    if let Some(node) = nodes.first_mut().filter(|node| node.noun == "me" && !node.is_item) {
        "user".clone_into(&mut node.noun);
        let at = node.at;
        node.take_id("me", at);
    }
}

/// Whether a word looks like a verb.
fn may_be_verb(word: &str) -> bool {
    let is_verb = |verb: &str| is_verb(verb) || is_on_item(verb);
    let is_again = || BEFORE.iter().any(|before| word.strip_prefix(before).is_some_and(is_verb));
    let looks = LISTS.contains(&word) || ENDS.iter().any(|end| word.ends_with(end)) || is_again();
    looks
        && (5..=20).contains(&word.len())
        && word.bytes().all(|byte| byte.is_ascii_lowercase())
        && !is_known_noun(word)
        && !is_thing(word)
        && !THINGS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::may_be_verb;

    #[test]
    fn verbs_are_told_from_things() {
        for word in ["reinstate", "deputize", "whitelist", "relend", "unban"] {
            assert!(may_be_verb(word), "{word}");
        }
        for word in [
            "resource",
            "online",
            "wishlist",
            "playlist",
            "receipt",
            "reminder",
            "unit",
            "state",
            "review",
            "certificate",
            "report",
            "survey",
            "regions",
            "office",
        ] {
            assert!(!may_be_verb(word), "{word}");
        }
    }
}
