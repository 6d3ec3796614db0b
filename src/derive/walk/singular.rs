//! Items that follow a singular: `/users/root@pam/token/ci`, `/_security/user/ann/_password`; and
//! segments that look like items and are none.

use super::super::nouns::{is_known_noun, is_part, is_thing, known_category};
use super::super::path::Segment;
use super::super::verbs::{TOGETHER, is_verb};
use super::super::words::is_plural;
use super::{Node, Walk};

/// Of what an item has several, some APIs say one.
const OF_ITEMS: [&str; 6] = ["api_key", "group", "key", "role", "token", "user"];

/// What versions are of.
const VERSIONED: [&str; 7] = ["build", "image", "package", "release", "revision", "tag", "version"];

/// What there may be one of for a collection, and is hardly ever what an item is called.
const OWN: [&str; 6] = ["code", "key", "link", "secret", "ticket", "token"];

/// Verbs between a collection and a part that one of it has.
const CHANGES: [&str; 6] = ["change", "edit", "modify", "reset", "set", "update"];

/// Where a form is sent that says itself what is done, and to which of a list.
pub(in crate::derive) const ACTIONS: [&str; 4] =
    ["action", "batch_action", "bulk_action", "bulk_actions"];

impl Walk<'_> {
    /// Whether a word after a singular names an item.
    pub(super) fn is_named_item(&self, segment: &Segment, word: &str) -> bool {
        let is_word = segment.is_literal
            || is_verb(word)
            || is_part(word)
            || is_plural(word)
            || known_category(word).is_some()
            || segment.text.starts_with('_');
        let next = self.path.segments.get(self.next + 1);
        // `/_ilm/policy/my_policy`, `/_security/role/admins`: whatever it is called.
        let is_put = matches!(self.method, "PUT" | "DELETE") && next.is_none();
        let is_inner = self.out.nodes.len() > 1 || word_of_template(&self.out.nodes);
        if self.is_elastic()
            && self.path.start == 0
            && is_put
            && is_inner
            && !segment.text.starts_with('_')
        {
            return true;
        }
        let mut nodes = self.out.nodes.iter().rev();
        let before = nodes.next().map(|node| node.noun.as_str()).unwrap_or_default();
        let is_of_item = nodes.next().is_some_and(|it| it.is_item);
        let is_last = OF_ITEMS.contains(&before) && next.is_none();
        // `/guardrail/gr-1/version/DRAFT/apply`
        let is_done = next.is_none_or(|next| next.word.as_deref().is_some_and(is_verb));
        let is_version = before == "version" && is_done;
        let is_before_own = || next.is_none_or(|next| next.text.starts_with('_'));
        !is_word && (is_of_item && (is_last || is_version) || self.is_elastic() && is_before_own())
    }

    /// `/admin/shop/tag/red/change/`: an item of Django's admin, whatever its key looks like.
    pub(super) fn is_django_item(&self) -> bool {
        let segments = &self.path.segments;
        let last = segments.get(self.next + 1).map(|last| last.text.as_str());
        self.next + 2 == segments.len()
            && matches!(last, Some("change" | "delete"))
            && self.out.nodes.len() >= 2
            && segments.first().is_some_and(|first| first.text == "admin")
    }

    /// Whether a word behind a collection is a part of the path, and names none of its items.
    pub(super) fn is_fixed(&mut self, word: &str, is_last: bool) -> bool {
        self.is_of_items(word, is_last)
            || self.is_done_to_one(word)
            || self.is_changed_part(word)
            || self.is_made_so(word)
            || self.is_of_client(word)
            || is_last && (self.is_of_several_at_once(word) || self.is_of_whole(word))
            || self.is_done_together(word)
    }

    /// `DELETE /files/trash`, `POST /collections/all`: what a collection has as a whole.
    fn is_of_whole(&mut self, word: &str) -> bool {
        let is_bin = self.method == "DELETE" && matches!(word, "recycle_bin" | "trash");
        if is_bin {
            (self.out.part, self.out.part_at) = (Some(word.to_owned()), Some(self.next));
        }
        is_bin || self.method == "POST" && word == "all"
    }

    /// `/users/bulk/delete`, which is as `/users/bulk-delete`.
    fn is_done_together(&mut self, word: &str) -> bool {
        let [next] = self.path.segments.get(self.next + 1..).unwrap_or_default() else {
            return false;
        };
        let verb = next.word.as_deref().filter(|verb| TOGETHER.contains(&word) && is_verb(verb));
        let Some(verb) = verb.map(|verb| format!("{word}_{verb}")) else { return false };
        self.next += 1;
        self.verb(&verb);
        true
    }

    /// `/objects/contacts/batch/archive`: done to several of what the segment before names in the plural.
    pub(super) fn is_batch_of_item(&mut self, word: &str) -> bool {
        let at = self.next.checked_sub(1);
        let kind = at.and_then(|at| self.path.segments.get(at)?.word.clone());
        let Some(kind) = kind.filter(|kind| is_plural(kind)) else { return false };
        let is_done = self.method == "POST" && self.is_done_together(word);
        if is_done {
            let noun = super::singular(&kind);
            self.out.nodes.pop();
            self.out.nodes.push(Node { noun, plural: true, at, ..Node::default() });
        }
        is_done
    }

    /// Whether a word behind a collection is that of its items: `/spaces/space`.
    fn is_of_items(&self, word: &str, is_last: bool) -> bool {
        let is_own = self.out.nodes.last().is_some_and(|node| node.noun == word);
        let next = self.path.segments.get(self.next + 1);
        let is_before_id = || {
            let word = next.and_then(|next| next.word.as_deref());
            let is_other = |word: &str| is_verb(word) || is_part(word) || is_plural(word);
            self.next + 2 == self.path.segments.len() && !word.is_some_and(is_other)
        };
        is_own && if is_last { self.method == "POST" } else { is_before_id() }
    }

    /// `/models/model/delete?id=my-model`: what is done to one of them, which is named elsewhere.
    fn is_done_to_one(&mut self, word: &str) -> bool {
        let is_own = self.out.nodes.last().is_some_and(|node| node.noun == word);
        let [next] = self.path.segments.get(self.next + 1..).unwrap_or_default() else {
            return false;
        };
        let Some(verb) = next.word.as_deref().filter(|verb| is_own && is_verb(verb)) else {
            return false;
        };
        self.next += 1;
        self.verb(verb);
        true
    }

    /// `/users/update/password`: a verb, and the part of one of them that it changes.
    fn is_changed_part(&mut self, word: &str) -> bool {
        let [next] = self.path.segments.get(self.next + 1..).unwrap_or_default() else {
            return false;
        };
        let part = next.word.as_deref().filter(|part| CHANGES.contains(&word) && is_part(part));
        let is_changed = matches!(self.method, "POST" | "PUT" | "PATCH");
        let Some(part) = part.filter(|_| is_changed) else { return false };
        self.verb(word);
        self.next += 1;
        (self.out.part, self.out.part_at) = (Some(part.to_owned()), Some(self.next));
        true
    }

    /// `/stacks/create/standalone/string`: made, and how.
    fn is_made_so(&mut self, word: &str) -> bool {
        let rest = self.path.segments.get(self.next + 1..).unwrap_or_default();
        let is_how = |segment: &Segment| {
            segment.word.as_deref().is_some_and(|word| {
                !(is_verb(word)
                    || is_part(word)
                    || is_plural(word)
                    || is_thing(word)
                    || is_known_noun(word)
                    || OWN.contains(&word))
            })
        };
        if word != "create" || self.method != "POST" || rest.is_empty() {
            return false;
        }
        // `/orders/create/invoice`
        if let [Segment { word: Some(thing), .. }] = rest
            && is_known_noun(thing)
        {
            self.verb(word);
            self.next += 1;
            self.node(thing);
            return true;
        }
        if !rest.iter().all(is_how) {
            return false;
        }
        self.verb(word);
        self.next = self.path.segments.len();
        true
    }

    /// Whether a last word says that several are meant, which are told elsewhere: `DELETE /user/bulk`,
    /// `POST /users/batch_action`.
    pub(super) fn is_of_several_at_once(&mut self, word: &str) -> bool {
        let is_said = match self.method {
            "DELETE" | "PATCH" | "PUT" => matches!(word, "batch" | "bulk"),
            "POST" => ACTIONS.contains(&word),
            _ => false,
        };
        let node = self.out.nodes.last_mut().filter(|node| is_said && !node.is_item);
        let is_there = node.is_some();
        if let Some(node) = node {
            node.plural = true;
        }
        // What is done, a form says, or nothing.
        self.out.is_submitted |= is_there && self.method == "POST";
        is_there
    }

    /// Whether the path has words of its own with `_` before them, as Elasticsearch has.
    pub(super) fn is_elastic(&self) -> bool {
        self.path.segments.first().is_some_and(|first| first.text.starts_with('_'))
    }

    /// Whether a number with a point is a version of the API, rather than an item.
    pub(super) fn is_version_here(&self) -> bool {
        let Some(node) = self.out.nodes.last() else { return true };
        let last = node.noun.rsplit('_').next().unwrap_or_default();
        let next = self.path.segments.get(self.next + 1).and_then(|next| next.word.as_deref());
        let is_before_collection = next.is_some_and(is_plural);
        !VERSIONED.contains(&last) && (!node.is_collection() || is_before_collection)
    }
}

/// `/_index_template/logs`
fn word_of_template(nodes: &[Node]) -> bool {
    nodes.last().is_some_and(|node| node.noun.ends_with("_template"))
}

/// `58.0`
pub(super) fn is_decimal(text: &str) -> bool {
    let is_number = |text: &str| {
        (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    text.split_once('.').is_some_and(|(whole, part)| is_number(whole) && is_number(part))
}

/// Whether a word after a collection of this noun is a thing of its own: `registration_token`,
/// `password_change`.
pub(super) fn is_own_thing(word: &str, noun: &str) -> bool {
    let is_joined = word.rsplit_once('_').is_some_and(|(about, last)| {
        let is_change = is_verb(last) && (is_part(about) || known_category(about).is_some());
        // Of keys one may be called `my-key`.
        let is_other = known_category(last).is_some() && !noun.ends_with(last);
        is_change || is_other
    });
    is_joined || OWN.contains(&word) && word != noun || word.ends_with("ation") || is_abstract(word)
}

/// Whether hardly any item is called so: `/permissions/graph`, `/permissions/membership`.
pub(super) fn is_abstract(word: &str) -> bool {
    matches!(word, "graph" | "matrix" | "membership" | "ownership")
}
