//! Default-deny: where only what is listed is recorded, and of the rest type and size.
//!
//! What several entries hold for is recorded only if each of them lists it. An entry is a number; the
//! walk carries the set of the entries that hold where it is and have listed nothing on the way to
//! there. Whatever redaction rules select is redacted, listed or not.

use std::rc::Rc;

use super::bits::{BITS, Bits};
use super::carrier::Carrier;
use super::glob::squash;
use super::names::Names;
use super::policy::{Place, Policy};
use super::rule::{Action, Sides};
use super::secret::{marker, type_marker};
use super::walk::Walk;
use super::{Glob, JsonPath, PathGlob};
use crate::decode::Node;

/// Entries in one policy.
pub const ENTRIES_MAX: usize = BITS;

/// The entries by which a value would not be recorded: nearly always none, and copied at each step of
/// a walk.
#[derive(Debug, Clone, Default)]
pub(super) struct Unlisted(Option<Rc<Bits>>);

impl Unlisted {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn has(&self, entry: usize) -> bool {
        self.0.as_ref().is_some_and(|bits| bits.has(entry))
    }

    pub(super) fn add(&mut self, entry: usize) {
        Rc::make_mut(self.0.get_or_insert_default()).add(entry);
    }

    pub(super) fn remove_all(&mut self, others: &Self) {
        let (Some(bits), Some(others)) = (&mut self.0, &others.0) else { return };
        Rc::make_mut(bits).remove_all(others);
        if bits.is_empty() {
            self.0 = None;
        }
    }

    fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().flat_map(|bits| bits.iter())
    }
}

/// Fields of the head that are recorded whatever is listed: they say of what kind a message is and
/// how it came, and name the event.
pub(super) const HEADERS: [&str; 27] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "allow",
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-type",
    "date",
    "expect",
    "forwarded",
    "host",
    "retry-after",
    "server",
    "te",
    "traceparent",
    "transfer-encoding",
    "user-agent",
    "vary",
    "via",
    "x-forwarded-for",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-request-id",
];

/// Longer member names are data.
const NAME_CHARS_MAX: usize = 64;

/// A list of what may be recorded somewhere.
#[derive(Debug, Clone)]
pub struct RecordOnly {
    /// Its id, as in receipts.
    pub id: String,
    /// Names of members, fields, parameters, headers and cookies, at any depth.
    pub keys: Vec<Glob>,
    /// Names of header fields.
    pub headers: Vec<Glob>,
    /// Names of cookies.
    pub cookies: Vec<Glob>,
    /// Names of query parameters.
    pub query: Vec<Glob>,
    /// Values in bodies.
    pub paths: Vec<JsonPath>,
    /// Paths below which it holds; everywhere if there are none.
    pub under: Vec<PathGlob>,
    /// Where it holds.
    pub sides: Sides,
}

/// A compiled list.
#[derive(Debug)]
pub(super) struct Listed {
    /// Its position among the rules of the policy.
    pub(super) rule: usize,
    keys: Names,
    headers: Names,
    cookies: Names,
    query: Names,
}

impl Listed {
    pub(super) fn new(only: &RecordOnly, rule: usize) -> Result<Self, aho_corasick::BuildError> {
        let names = |globs: &[Glob]| Names::new(globs.iter().map(|glob| (glob.clone(), rule)));
        Ok(Self {
            rule,
            keys: names(&only.keys)?,
            headers: names(&only.headers)?,
            cookies: names(&only.cookies)?,
            query: names(&only.query)?,
        })
    }

    /// Whether it lists a squashed name.
    pub(super) fn lists(&self, carrier: Carrier, squashed: &str) -> bool {
        let carried = match carrier {
            Carrier::Member => None,
            Carrier::Parameter => Some(&self.query),
            Carrier::Header => Some(&self.headers),
            Carrier::Cookie => Some(&self.cookies),
        };
        self.keys.selects(squashed) || carried.is_some_and(|names| names.selects(squashed))
    }
}

impl Policy {
    /// The entries by which nothing is recorded there unless it is listed.
    pub(super) fn unlisted(&self, place: Place) -> Unlisted {
        let holds = |(_, listed): &(usize, &Listed)| self.holds_at(listed.rule, place);
        let mut unlisted = Unlisted::default();
        self.listed().iter().enumerate().filter(holds).for_each(|(entry, _)| unlisted.add(entry));
        unlisted
    }

    /// Those of some entries that list a name, or a part of one such as `user[email]`.
    pub(super) fn lists(&self, some: &Unlisted, carrier: Carrier, name: &str) -> Unlisted {
        let mut lists = Unlisted::default();
        let mut squashed = String::new();
        let parts = name.split(['[', ']']).filter(|part| !part.is_empty());
        for part in std::iter::once(name).chain(parts) {
            squashed.clear();
            squash(part, &mut squashed);
            let listed = |entry: &usize| {
                self.listed().get(*entry).is_some_and(|listed| listed.lists(carrier, &squashed))
            };
            some.iter().filter(listed).for_each(|entry| lists.add(entry));
        }
        lists
    }
}

/// Whether a field of the head is recorded whatever is listed.
pub(super) fn is_always_recorded(header: &str) -> bool {
    HEADERS.binary_search(&header).is_ok()
}

/// The id of the first entry by which a value is not recorded.
fn first(policy: &Policy, unlisted: &Unlisted) -> Option<usize> {
    policy.listed().get(unlisted.iter().next()?).map(|listed| listed.rule)
}

/// A name as programs give them: what is none may be somebody's address.
pub(super) fn is_identifier(name: &str) -> bool {
    let name = name.strip_prefix(['@', '#', '$']).unwrap_or(name);
    name.len() <= NAME_CHARS_MAX
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.:[]/".contains(&byte))
}

impl Walk<'_> {
    /// Narrows what is not listed to what this name does not list either; gives what it was.
    pub(super) fn list_name(&mut self, carrier: Carrier, name: &str) -> Unlisted {
        let before = self.unlisted.clone();
        if !before.is_empty() {
            self.unlisted.remove_all(&self.policy.lists(&before, carrier, name));
        }
        before
    }

    /// The same for a member.
    pub(super) fn list(&mut self, carrier: Carrier, name: &str, node: &Node<'_>) -> Unlisted {
        let before = self.list_name(carrier, name);
        if !before.is_empty() {
            self.unlisted.remove_all(&self.mark(node).listed);
        }
        before
    }

    /// Whether the name of a member is not recorded.
    pub(super) fn hides_name(&self, name: &str) -> bool {
        !self.unlisted.is_empty() && !is_identifier(name)
    }

    /// Puts type and size in the place of a value that is not listed. Tells whether it did: lists and
    /// objects keep their structure, but for lists of nothing but texts, numbers and the like.
    pub(super) fn withhold(&mut self, node: &mut Node<'_>) -> bool {
        let Some(rule) = first(self.policy, &self.unlisted) else { return false };
        let id = self.policy.id(rule);
        let is_scalar = |node: &Node<'_>| !matches!(node, Node::Array(_) | Node::Object(_));
        let shown = match node {
            Node::String(text) => marker(id, "chars", Node::count(text.chars().count())),
            // Unless one of them is listed, or redacted, by itself.
            Node::Array(items)
                if !items.is_empty()
                    && items.iter().all(|item| is_scalar(item) && self.mark(item).is_none()) =>
            {
                marker(id, "items", Node::count(items.len()))
            }
            _ => match type_marker(id, node) {
                Some(shown) => shown,
                None => return false,
            },
        };
        let shown = self.sketch_unlisted(node, rule).unwrap_or(shown);
        self.hides = true;
        self.look_through(node);
        self.receipt(rule);
        *node = shown;
        true
    }

    /// Whether an action would show more of a value that is not listed than may be shown.
    pub(super) fn shows_too_much(&self, action: Action) -> bool {
        !self.unlisted.is_empty() && matches!(action, Action::KeepEnds { .. })
    }
}
