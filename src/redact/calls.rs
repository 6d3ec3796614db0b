//! Calls and commands that say in their method that a secret is set: of `user.setPassword` the
//! parameters `value`, `old` and `new` are passwords, though nothing of that stands in their names.

use std::collections::BTreeMap;

use http::HeaderMap;

use super::bits::Bits;
use super::carrier::Carrier;
use super::inside::LABELS;
use super::memo::{Role, Roles};
use super::pairs::role;
use super::pattern::Validator;
use super::policy::{Place, Policy};
use super::rule::{Action, Side};
use super::stores::{is_map, is_store};
use super::walk::{Members, Walk, is_one_of, scalar};
use crate::decode::{Node, percent_decode_lossy};

/// Members that name what is to be done.
pub(super) const METHODS: [&str; 10] = [
    "method",
    "methodName",
    "target",
    "action",
    "command",
    "cmd",
    "operation",
    "op",
    "function",
    "procedure",
];

/// What the parameters stand in, if not beside the method.
const CONTAINERS: [&str; 11] = [
    "params",
    "parameters",
    "args",
    "arguments",
    "payload",
    "input",
    "body",
    "data",
    "request",
    "options",
    "json",
];

/// Parameters that are it before and after, besides those that are called its value.
const CHANGED: [&str; 12] = [
    "old",
    "new",
    "previous",
    "current",
    "next",
    "from",
    "to",
    "confirm",
    "confirmation",
    "repeat",
    "plain",
    "plaintext",
];

/// What is done with many, or with what is called so: then `from`, `value` and `data` are something else.
const OTHER: [&str; 10] = [
    "count", "list", "search", "find", "query", "filter", "rename", "transfer", "mint", "describe",
];

/// Longer methods are none.
const METHOD_BYTES_MAX: usize = 64;

/// Shorter texts are no keys of machines.
const KEY_BYTES_MIN: usize = 8;

/// So many calls of one request are told apart.
const CALLS_MAX: usize = 64;

/// What a walk knows of the call that it is in.
#[derive(Default)]
pub(super) struct Calling {
    /// The rule for what the call sets that the path or the query names.
    pub(super) called: Option<usize>,
    /// The rule for what the call sets in whose parameters the walk is.
    setting: Option<usize>,
    /// What a GraphQL document does with the members of the next object.
    pub(super) uses: BTreeMap<String, Use>,
}

/// What a GraphQL document does with a variable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    /// The rule for its value, if it is one.
    pub(super) rule: Option<usize>,
    /// It goes where a name says that; else the field says it, and an object has members that it sets.
    pub(super) is_named: bool,
    /// The rule for what the field sets.
    pub(super) sets: Option<usize>,
}

/// What variables and parameters are in the object where the walk is.
#[derive(Default)]
pub(super) struct Told {
    /// Members that are told by what is outside of the object, or by the call, each with its rule.
    pub(super) variables: BTreeMap<String, usize>,
    /// Those that hold what a call sets.
    inputs: BTreeMap<String, usize>,
}

impl Told {
    pub(super) fn is_empty(&self) -> bool {
        self.variables.is_empty() && self.inputs.is_empty()
    }
}

/// Where the walk was before it went into a member or an item.
pub(super) struct Outside {
    place: Place,
    setting: Option<usize>,
}

/// One of several calls that a path names.
#[derive(Debug)]
pub(super) struct Call {
    method: String,
    /// Where it is by itself.
    pub(super) below: Bits,
}

impl Policy {
    /// The calls that the last segment of a path names, if they are several: `user.get,user.setPassword`.
    pub(super) fn calls(&self, path: &str) -> Vec<Call> {
        let Some((folder, names)) = path.rsplit_once('/') else { return Vec::new() };
        if !names.contains([',', '%']) {
            return Vec::new();
        }
        let names = percent_decode_lossy(names);
        if !names.contains(',') || !names.split(',').all(|name| is_method(name.trim())) {
            return Vec::new();
        }
        let call = |name: &str| {
            let below = self.below(&[folder, "/", name.trim()].concat(), &HeaderMap::new());
            Call { method: name.trim().to_owned(), below }
        };
        names.split(',').take(CALLS_MAX).map(call).collect()
    }
}

impl Walk<'_> {
    /// Takes note of the call that a path names: `/api/variables.set`.
    pub(super) fn called_by_path(&mut self, path: &str) {
        let last = path.rsplit('/').next().unwrap_or_default();
        if last.contains('.') && is_method(last) {
            self.calling.called = self.rule_of_method(last);
        }
    }

    /// Goes to a member, of which the call may say more.
    pub(super) fn go_into_call(
        &mut self,
        name: &str,
        called: Option<usize>,
        told: &Told,
        node: &Node<'_>,
    ) -> Outside {
        let outside = Outside { place: self.place, setting: self.calling.setting };
        if !self.seen.calls.is_empty() && self.location.ends_with(".body.$") {
            self.go_to_call(name.parse().ok());
        }
        if !matches!(node, Node::Object(_) | Node::Array(_)) {
            return outside;
        }
        if called.is_some() && is_one_of(name, &CONTAINERS) {
            self.calling.setting = called;
        } else if self.calling.setting.is_some() && is_one_of(name, &LABELS) {
            self.calling.setting = None;
        }
        if let Some(rule) = told.inputs.get(name) {
            self.calling.setting = Some(*rule);
        }
        outside
    }

    /// Goes to an item, which may be the answer to one of several calls.
    pub(super) fn go_into_answer(&mut self, at: usize) -> Outside {
        let outside = Outside { place: self.place, setting: self.calling.setting };
        if !self.seen.calls.is_empty() && self.location.ends_with(".body.$[*]") {
            self.go_to_call(Some(at));
        }
        outside
    }

    /// Goes back.
    pub(super) fn leave(&mut self, outside: &Outside) {
        self.place = outside.place;
        self.calling.setting = outside.setting;
    }

    /// Goes to what is of one call alone: rules that hold for others must hide nothing of it.
    fn go_to_call(&mut self, at: Option<usize>) {
        let Some(call) = at.and_then(|at| self.seen.calls.get(at)) else { return };
        for other in self.seen.calls.iter() {
            self.place.below.remove_all(&other.below);
        }
        self.place.below.add_all(&call.below);
        let method = call.method.clone();
        if self.place.side == Side::Request {
            self.calling.setting = self.rule_of_method(&method);
        }
    }

    /// The rule for what a call or a command sets, by its method, which may as well stand in the query.
    pub(super) fn called_by(
        &mut self,
        roles: Roles,
        carrier: Carrier,
        members: &Members<'_>,
    ) -> Option<usize> {
        if self.place.side != Side::Request {
            return None;
        }
        let called = if roles.has(Role::Method) { self.called_in(members) } else { None };
        if carrier == Carrier::Parameter {
            self.calling.called = called.or(self.calling.called);
        }
        let outside = || self.calling.called.filter(|_| self.location.ends_with(".body.$"));
        called.or_else(outside).or(self.calling.setting)
    }

    fn called_in(&mut self, members: &Members<'_>) -> Option<usize> {
        let method = members.iter().find_map(|(name, node)| match node {
            Node::String(text) if is_one_of(name, &METHODS) => Some(text),
            _ => None,
        })?;
        self.rule_of_method(method)
    }

    /// By the last part of it, without its verb, or, if that is all, by the part before: `setPin`,
    /// `user.set_password`, `secrets.create`.
    pub(super) fn rule_of_method(&mut self, method: &str) -> Option<usize> {
        if !is_method(method) {
            return None;
        }
        let mut parts = method.rsplit(['.', '/', ':']).filter(|part| !part.is_empty());
        let last = parts.next()?;
        let (verb, object) = split_verb(last);
        // `token_transfer` has it at the end.
        let end = last.rsplit(['_', '-']).next().unwrap_or_default();
        if is_one_of(verb, &OTHER) || is_one_of(end, &OTHER) {
            return None;
        }
        if let Some(rule) = self.rule_of_noun(last) {
            return Some(rule);
        }
        // Alone, `env` is one of several things that are set.
        let noun = object.or_else(|| parts.next())?;
        self.rule_of_noun(if is_map(noun) { "secret" } else { noun })
    }

    fn rule_of_noun(&mut self, noun: &str) -> Option<usize> {
        let noun = if is_store(noun) { "secret" } else { noun };
        self.rule_of_content(Carrier::Member, noun, None)
    }

    /// The members of the object where the walk is that are told by what is outside of it, or by the call
    /// that they are of.
    pub(super) fn told_by_call(&mut self, called: Option<usize>, members: &Members<'_>) -> Told {
        let mut told =
            Told { variables: std::mem::take(&mut self.variables), inputs: BTreeMap::new() };
        for (name, of) in std::mem::take(&mut self.calling.uses) {
            let node = members.iter().find(|(other, _)| *other == name).map(|(_, node)| node);
            if !of.is_named && node.is_some_and(has_members) {
                told.inputs.extend(of.sets.map(|rule| (name, rule)));
            } else if let Some(rule) = of.rule {
                told.variables.insert(name, rule);
            }
        }
        if let Some(rule) = called {
            let mut held = self.held(rule, members);
            told.variables.append(&mut held);
        }
        told
    }

    /// The parameters among these members that hold what a call sets, each with its rule; of objects, but
    /// those that hold other parameters.
    fn held(&self, rule: usize, members: &Members<'_>) -> BTreeMap<String, usize> {
        let is_dropped = self.policy.action(rule) == Action::Drop;
        let is_within = self.calling.setting.is_some();
        let is_it = |name: &str, node: &Node<'_>| {
            let is_value = role(name) == Role::Value;
            match node {
                Node::Object(_) | Node::Array(_) if !is_dropped => false,
                Node::Object(_) | Node::Array(_) if is_value => {
                    !is_one_of(name, &CONTAINERS) || is_within && !holds_value(node)
                }
                Node::Object(members) => {
                    let are_values = members.iter().all(|(_, node)| scalar(node).is_some());
                    are_values && !holds_value(node) && is_map(name)
                }
                Node::Array(_) | Node::Null | Node::Bool(_) => false,
                _ if !is_value && !is_one_of(name, &CHANGED) => false,
                _ if is_dropped => true,
                _ => scalar(node).is_some_and(|text| is_key(&text)),
            }
        };
        let held = members.iter().filter(|(name, node)| is_it(name, node));
        held.map(|(name, _)| (name.to_string(), rule)).collect()
    }
}

/// Whether a text may be the name of a call.
fn is_method(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._/:-".contains(&byte);
    text.len() <= METHOD_BYTES_MAX && !text.is_empty() && text.bytes().all(is_part)
}

/// Whether an object, or one in a list, has a member for its value.
fn holds_value(node: &Node<'_>) -> bool {
    match node {
        Node::Object(members) => members.iter().any(|(name, _)| role(name) == Role::Value),
        Node::Array(items) => items.iter().any(holds_value),
        _ => false,
    }
}

/// Whether a value is made of members, or a list of such.
fn has_members(node: &Node<'_>) -> bool {
    match node {
        Node::Object(_) => true,
        Node::Array(items) => items.iter().any(has_members),
        _ => false,
    }
}

/// What machines make: no word, no name, no number.
fn is_key(text: &str) -> bool {
    text.len() >= KEY_BYTES_MIN
        && !text.contains(char::is_whitespace)
        && Validator::Mixed.accepts(text)
        && Validator::NotLabel.accepts(text)
}

/// The first word of a name, and the rest: `set` and `Password`, `set` and `pin`.
fn split_verb(name: &str) -> (&str, Option<&str>) {
    let begins = || name.char_indices().skip(1).find(|(_, c)| c.is_ascii_uppercase());
    let end = name.find(['_', '-']).or_else(|| begins().map(|(at, _)| at));
    let Some((verb, rest)) = end.and_then(|end| name.split_at_checked(end)) else {
        return (name, None);
    };
    let rest = rest.trim_start_matches(['_', '-']);
    // What is in capitals throughout is one word.
    let is_word = !rest.is_empty() && verb.len() > 1;
    if is_word { (verb, Some(rest)) } else { (name, None) }
}

#[cfg(test)]
mod tests {
    use super::split_verb;

    #[test]
    fn verbs_stand_before_what_is_set() {
        for (name, expected) in [
            ("setPassword", ("set", Some("Password"))),
            ("set_pin", ("set", Some("pin"))),
            ("set-api-key", ("set", Some("api-key"))),
            ("SetApiKey", ("Set", Some("ApiKey"))),
            ("SET_PIN", ("SET", Some("PIN"))),
            ("PIN", ("PIN", None)),
            ("set", ("set", None)),
            ("set_", ("set_", None)),
            ("", ("", None)),
            ("é_x", ("é", Some("x"))),
        ] {
            assert_eq!(split_verb(name), expected, "{name}");
        }
    }
}
