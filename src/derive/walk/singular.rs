//! Items that follow a singular: `/users/root@pam/token/ci`, `/_security/user/ann/_password`; and
//! segments that look like items and are none.

use super::super::nouns::{is_part, known_category};
use super::super::path::Segment;
use super::super::verbs::is_verb;
use super::super::words::is_plural;
use super::Walk;

/// Of what an item has several, some APIs say one.
const OF_ITEMS: [&str; 6] = ["api_key", "group", "key", "role", "token", "user"];

/// What versions are of.
const VERSIONED: [&str; 7] = ["build", "image", "package", "release", "revision", "tag", "version"];

/// What there may be one of for a collection, and is hardly ever what an item is called.
const OWN: [&str; 6] = ["code", "key", "link", "secret", "ticket", "token"];

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
        let is_of_item = OF_ITEMS.contains(&before) && nodes.next().is_some_and(|it| it.is_item);
        let is_before_own = || next.is_none_or(|next| next.text.starts_with('_'));
        !is_word && (is_of_item && next.is_none() || self.is_elastic() && is_before_own())
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
fn word_of_template(nodes: &[super::Node]) -> bool {
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
    is_joined || OWN.contains(&word) && word != noun || word.ends_with("ation")
}
