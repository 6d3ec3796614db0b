//! Objects under the name of a secret: a rule that lists `members_but` goes into them, and takes out
//! every value that is not under one of these names and that does not look like what machines make.
//!
//! `{"api_key": {"name": "ci", "scopes": ["read"]}}` is about a key, and holds none. What no list
//! names is taken out, so that a member that an API adds tomorrow is not recorded.

use std::borrow::Cow;
use std::net::IpAddr;

use super::exceptions::is_date;
use super::glob::squash;
use super::inside::is_plural;
use super::memo::Found;
use super::ordinary::{has_machine_made, is_code, is_hex_id, is_ordinary, is_prose, is_slug};
use super::policy::Policy;
use super::seen::MASK;
use super::texts::nearest_name;
use super::walk::{Walk, is_plain_name, push_name};
use crate::decode::{Node, Number};

/// Those of the names of collections of secrets whose names may be the secrets.
const LISTS: [&str; 1] = ["codes"];

impl Policy {
    /// Whether a rule goes into objects.
    pub(super) fn goes_in(&self, rule: usize) -> bool {
        self.members_but.iter().any(|members| members.rule == rule)
    }

    /// The rules that leave values under a squashed name where they are.
    pub(super) fn spared(&self, squashed: &str) -> Vec<usize> {
        let spare = self.members_but.iter().filter(|members| members.spares(squashed));
        spare.map(|members| members.rule).collect()
    }
}

/// Numbers of as many digits may be a PIN.
const COUNT_BYTES_MIN: usize = 4;

/// Where in such an object the walk is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Within {
    /// The rule that goes in.
    rule: usize,
    /// The names around are anybody's.
    is_map: bool,
    /// An id is what a session is known by, whatever it looks like.
    is_session: bool,
    /// What went wrong.
    is_error: bool,
    /// Words by which it is found.
    is_labels: bool,
    /// Somebody or something else.
    is_other: bool,
    /// The value is taken out as a whole.
    is_whole: bool,
}

impl Walk<'_> {
    /// Takes a value out as a whole, since what selects it is not its name.
    pub(super) fn take_whole(&mut self, rule: usize, node: &Node<'_>) {
        if is_made_of_others(node) && !self.is_of_secrets(rule, node) {
            let rule = self.within.map_or(rule, |within| rule.min(within.rule));
            self.within = Some(Within { rule, is_whole: true, ..Within::default() });
        }
    }

    /// Whether the value is taken out as a whole because of where it stands; forgets that.
    pub(super) fn takes_whole(&mut self) -> bool {
        self.within.take_if(|within| within.is_whole).is_some()
    }

    /// Whether a rule goes into this value.
    pub(super) fn goes_into(&self, rule: usize, node: &Node<'_>) -> bool {
        let has_members =
            |node: &Node<'_>| matches!(node, Node::Object(members) if !members.is_empty());
        let is_open = match node {
            Node::Array(items) => items.iter().any(has_members),
            _ => has_members(node),
        };
        is_open && self.policy.goes_in(rule)
    }

    /// Takes the secrets out of an object, or of the objects in a list.
    pub(super) fn go_in(&mut self, node: &mut Node<'_>, rule: usize) {
        let name = nearest_name(&self.location);
        let within = Within {
            rule,
            is_map: matches!(node, Node::Object(_)) && is_plural(name),
            is_session: is_of_session(name),
            ..Within::default()
        };
        let before = self.within.replace(within);
        self.value(node);
        self.within = before;
    }

    /// What is to be done with a member that `rule` is for, inside of such an object or in a name such
    /// as `api_key[name]`. Sets where the walk is in its value; the caller puts that back.
    pub(super) fn step_in(
        &mut self,
        name: &str,
        found: &Found<'_>,
        rule: Option<usize>,
        node: &Node<'_>,
    ) -> Option<usize> {
        let within = match (self.within, rule) {
            (Some(within), Some(rule)) => {
                self.within = self.within.filter(|within| within.is_whole);
                let is_plain = matches!(node, Node::Null | Node::Bool(_))
                    || is_id_of_other(within, found, node);
                if is_plain && self.policy.is_shipped(rule) {
                    return None;
                }
                let rule = rule.min(within.rule);
                if self.is_whole(found) {
                    self.take_whole(rule, node);
                }
                return Some(rule);
            }
            (Some(within), None) => within,
            (None, Some(rule)) => match self.unwrapped(name, found, rule, node) {
                Some(within) => within,
                None => return Some(rule),
            },
            (None, None) => return None,
        };
        let inner = Within {
            is_map: false,
            is_error: within.is_error || found.inner.is_error,
            is_labels: found.inner.labels && !within.is_map,
            is_other: within.is_other || found.inner.is_other,
            ..within
        };
        if self.is_left(within, found, node)
            && (found.inner.kept || self.stays_ordinary(within, node))
        {
            self.within = None;
            None
        } else if is_made_of_others(node) && !found.inner.holds {
            self.within = Some(inner);
            None
        } else {
            self.within = Some(Within { is_whole: true, ..inner });
            Some(within.rule)
        }
    }

    /// Where a member is that a rule selects by its name: in an object, if that is written in the name,
    /// and as a whole, if another rule says so.
    fn unwrapped(
        &mut self,
        name: &str,
        found: &Found<'_>,
        rule: usize,
        node: &Node<'_>,
    ) -> Option<Within> {
        if !self.policy.goes_in(rule) {
            return None;
        }
        let (is_map, is_session) = (found.inner.is_map, is_of_session(name));
        let within = Within { rule, is_map, is_session, ..Within::default() };
        let is_whole = self.is_whole(found);
        let is_of_others = is_made_of_others(node) && !self.is_of_secrets(rule, node);
        if is_of_others && (is_whole || is_list(name)) {
            self.within = Some(Within { is_whole: true, ..within });
            return None;
        }
        (found.inner.is_wrapped && !is_whole).then_some(within)
    }

    /// Whether some rule for this name takes out the whole of an object.
    fn is_whole(&self, found: &Found<'_>) -> bool {
        let mut rules = found.rules.iter().filter(|rule| !self.policy.goes_in(**rule));
        rules.any(|rule| self.policy.holds(*rule, self.place, None))
    }

    /// Whether a value inside of such an object stays as it is.
    fn is_left(&self, within: Within, found: &Found<'_>, node: &Node<'_>) -> bool {
        if self.is_redacted(node) {
            return true;
        }
        let inner = &found.inner;
        // Operators say themselves what stays.
        let is_ours = self.policy.is_shipped(within.rule);
        let named = inner.kept || (inner.spared.contains(&within.rule) && !within.is_map);
        match node {
            Node::Null | Node::Bool(_) | Node::Number(Number::Double(_)) => true,
            Node::Number(_) if inner.is_code && !within.is_error => false,
            Node::Number(number) => {
                named
                    || is_ours && is_count(number)
                    || inner.spared.contains(&within.rule)
                    || within.is_error
                    || found.stays.spares(node)
            }
            Node::String(text) if inner.holds => text.is_empty(),
            Node::String(_) if inner.kept || found.stays.spares(node) => true,
            Node::String(text) => {
                let text = text.as_ref();
                let named = named && (!inner.is_code || within.is_error || is_code(text));
                let named = named
                    || is_ours && !within.is_map && (is_date(text) || is_network(text))
                    || is_ours && within.is_labels && is_slug(text);
                let told = within.is_error && (inner.of_error || is_prose(text));
                let is_plain =
                    is_ordinary(text, within.is_session) || is_id_of_other(within, found, node);
                text.is_empty() || (named || told) && is_plain
            }
            Node::Array(items) if !inner.holds => {
                !items.is_empty()
                    && !is_made_of_others(node)
                    && items.iter().all(|item| self.is_left(within, found, item))
            }
            Node::Array(_) | Node::Object(_) => false,
        }
    }

    /// Whether what will be recorded of a text that is left is as ordinary as the text: in that, or in
    /// what it is an encoding of, there may be a document with a secret.
    fn stays_ordinary(&mut self, within: Within, node: &Node<'_>) -> bool {
        match node {
            Node::String(text) => {
                let receipts = std::mem::take(&mut self.receipts);
                self.within = None;
                let shown = self.text(text);
                self.receipts = receipts;
                shown.is_none_or(|shown| is_ordinary(&shown, within.is_session))
            }
            Node::Array(items) => items.iter().all(|item| self.stays_ordinary(within, item)),
            _ => true,
        }
    }

    /// The rule for an item of a list inside of such an object, among others that are objects.
    pub(super) fn rule_of_item(&mut self, node: &Node<'_>) -> Option<usize> {
        let within = self.within?;
        if self.is_redacted(node) {
            self.within = None;
            return None;
        }
        if says_nothing(node) || is_made_of_others(node) {
            return None;
        }
        self.within = Some(Within { is_whole: true, ..within });
        Some(within.rule)
    }

    /// Goes to a member, before there are receipts: a name such as `{"pin":1}` must not stand in a
    /// location.
    pub(super) fn go_to(
        &mut self,
        name: &mut Cow<'_, str>,
        found: &Found<'_>,
        within: Option<Within>,
    ) {
        if self.hides_name(name) || self.hides_inner_name(within, name, found) {
            *name = Cow::Borrowed(MASK);
            push_name(&mut self.location, name);
        } else if !found.clean
            && let Some(shown) = self.name(name)
        {
            *name = Cow::Owned(shown);
            push_name(&mut self.location, name);
        } else if found.plain {
            self.location.push('.');
            self.location.push_str(name);
        } else {
            push_name(&mut self.location, name);
        }
    }

    /// Whether a name inside of such an object may itself be a secret, which is then remembered.
    pub(super) fn hides_inner_name(
        &mut self,
        within: Option<Within>,
        name: &str,
        found: &Found<'_>,
    ) -> bool {
        let Some(within) = within else { return false };
        let is_known =
            !found.rules.is_empty() || found.inner.kept || !found.inner.spared.is_empty();
        if is_known || name == MASK {
            return false;
        }
        let bare = name.trim_start_matches(['@', '#', '$', '_']);
        let has_digit = name.bytes().any(|byte| byte.is_ascii_digit());
        let hidden = !is_plain_name(bare) && !bare.is_empty() && !bare.contains(':')
            || has_digit
            || has_machine_made(name);
        if hidden && has_machine_made(name) {
            self.remember(name, within.rule);
        }
        hidden
    }
}

/// So small a number is nothing that anybody guesses at.
fn is_count(number: &Number<'_>) -> bool {
    number.to_string().len() < COUNT_BYTES_MIN
}

/// An address with the length of its prefix: `10.0.0.0/8`.
fn is_network(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, bits)| {
        address.parse::<IpAddr>().is_ok() && bits.parse::<u8>().is_ok()
    })
}

/// Whether this is the id of whose a secret is, or of what it is good for, that looks as a token might.
fn is_id_of_other(within: Within, found: &Found<'_>, node: &Node<'_>) -> bool {
    let inner = &found.inner;
    let is_id = inner.is_id_of_other || inner.is_id && within.is_other;
    is_id && matches!(node, Node::String(text) if is_hex_id(text))
}

/// A list of which something has members, or an object.
fn is_made_of_others(node: &Node<'_>) -> bool {
    match node {
        Node::Object(_) => true,
        Node::Array(items) => items.iter().any(is_made_of_others),
        _ => false,
    }
}

/// What is no secret in whatever place.
fn says_nothing(node: &Node<'_>) -> bool {
    match node {
        Node::Null | Node::Bool(_) | Node::Number(Number::Double(_)) => true,
        Node::String(text) => text.is_empty(),
        Node::Array(items) => !items.is_empty() && items.iter().all(says_nothing),
        Node::Number(_) | Node::Object(_) => false,
    }
}

fn is_list(name: &str) -> bool {
    let mut squashed = String::new();
    squash(name, &mut squashed);
    LISTS.iter().any(|end| squashed.ends_with(end))
}

fn is_of_session(name: &str) -> bool {
    name.to_ascii_lowercase().contains("session")
}
