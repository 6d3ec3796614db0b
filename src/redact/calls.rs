//! Calls and commands that say in their method that a secret is set: of `user.setPassword` the
//! parameters `value`, `old` and `new` are passwords, though nothing of that stands in their names.

use std::collections::BTreeMap;

use super::carrier::Carrier;
use super::memo::{Role, Roles};
use super::pairs::role;
use super::pattern::Validator;
use super::rule::{Action, Side};
use super::walk::{Members, Walk, is_one_of, scalar};
use crate::decode::Node;

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
const CONTAINERS: [&str; 10] = [
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

/// Collections of secrets whose names are no such word.
const STORES: [&str; 4] = ["vault", "vaults", "keychain", "keyring"];

/// What is done with many, or with what is called so: then `from`, `value` and `data` are something else.
const OTHER: [&str; 10] = [
    "count", "list", "search", "find", "query", "filter", "rename", "transfer", "mint", "describe",
];

/// Longer methods are none.
const METHOD_BYTES_MAX: usize = 64;

/// Shorter texts are no keys of machines.
const KEY_BYTES_MIN: usize = 8;

impl Walk<'_> {
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
            self.called = called;
        }
        called.or_else(|| self.called.filter(|_| self.location.ends_with(".body.$")))
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
    fn rule_of_method(&mut self, method: &str) -> Option<usize> {
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._/:-".contains(&byte);
        if method.len() > METHOD_BYTES_MAX || !method.bytes().all(is_part) {
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
        match object {
            Some(object) => self.rule_of_noun(object),
            None => parts.next().and_then(|part| self.rule_of_noun(part)),
        }
    }

    fn rule_of_noun(&mut self, noun: &str) -> Option<usize> {
        let noun = if is_one_of(noun, &STORES) { "secret" } else { noun };
        self.rule_of_content(Carrier::Member, noun, None)
    }

    /// The members of the object where the walk is that are told by what is outside of it, or by the call
    /// that they are of, each with its rule.
    pub(super) fn variables_of(
        &mut self,
        called: Option<usize>,
        members: &Members<'_>,
    ) -> BTreeMap<String, usize> {
        let mut variables = std::mem::take(&mut self.variables);
        if let Some(rule) = called {
            variables.append(&mut self.held(rule, members, &CONTAINERS));
        }
        variables
    }

    /// The parameters among these members that hold what a call sets, each with its rule; of objects, but
    /// those that hold other parameters.
    fn held(&self, rule: usize, members: &Members<'_>, but: &[&str]) -> BTreeMap<String, usize> {
        let is_dropped = self.policy.action(rule) == Action::Drop;
        let is_it = |name: &str, node: &Node<'_>| {
            let is_value = role(name) == Role::Value;
            match node {
                Node::Object(_) | Node::Array(_) => is_value && is_dropped && !is_one_of(name, but),
                Node::Null | Node::Bool(_) => false,
                _ if !is_value && !is_one_of(name, &CHANGED) => false,
                _ if is_dropped => true,
                _ => scalar(node).is_some_and(|text| is_key(&text)),
            }
        };
        let held = members.iter().filter(|(name, node)| is_it(name, node));
        held.map(|(name, _)| (name.to_string(), rule)).collect()
    }

    /// The same of the members of a parameter that holds the others.
    pub(super) fn held_in(
        &self,
        rule: usize,
        name: &str,
        node: &Node<'_>,
    ) -> BTreeMap<String, usize> {
        match node {
            Node::Object(members) if is_one_of(name, &CONTAINERS) => self.held(rule, members, &[]),
            _ => BTreeMap::new(),
        }
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
