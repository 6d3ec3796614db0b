//! What calls that sign in, or that make or read a secret, are answered with, where nothing but the call
//! says so: a text alone, or under a name that says nothing.

use super::carrier::Carrier;
use super::exceptions::is_date;
use super::glob::squash;
use super::inner::{LOGIN_METHODS, PARAMETERS};
use super::pattern::Validator;
use super::routes::is_call;
use super::rule::Side;
use super::walk::{Members, Walk, is_one_of};
use crate::decode::Node;

/// Shorter answers are no sessions.
const SESSION_BYTES_MIN: usize = 8;

/// Methods that are called so make, or read, what rules select by its name: `auth.getToken`. Calls that
/// end it, or only look at it, are answered with something else.
const ABOUT: [&str; 12] = [
    "delete",
    "remove",
    "revoke",
    "destroy",
    "invalidate",
    "expire",
    "disable",
    "verify",
    "validate",
    "check",
    "count",
    "exists",
];

/// Members of an answer that hold what was made.
const MADE: [&str; 12] = [
    "key",
    "value",
    "code",
    "data",
    "result",
    "plain",
    "plaintext",
    "raw",
    "full_key",
    "fullKey",
    "generated",
    "items",
];

/// What was made stands no deeper in an answer.
const DEPTH_MAX: usize = 4;

impl Walk<'_> {
    /// Keeps in mind that the request is a call that is answered with a secret.
    pub(super) fn signs_in(&mut self) {
        self.seen.signs_in |= self.place.side == Side::Request;
    }

    /// The same, where the name of the method says so: it is that of a secret.
    pub(super) fn asks_for_secret(&mut self, members: &Members<'_>, method: &str) {
        let holds = |name: &str| is_one_of(name, &PARAMETERS);
        if self.place.side != Side::Request
            || self.seen.signs_in
            || !is_call(members) && !members.iter().any(|(name, _)| holds(name))
        {
            return;
        }
        let mut squashed = String::new();
        squash(method, &mut squashed);
        if !ABOUT.iter().any(|word| squashed.contains(word))
            && (signs_in(&squashed)
                || squashed.ends_with("session")
                || self.rule_of_content(Carrier::Member, method, None).is_some())
        {
            self.signs_in();
        }
    }

    /// What such a call was answered with, and the rule for it.
    pub(super) fn sessions<'n, 'b>(
        &mut self,
        body: &'n Node<'b>,
    ) -> Option<(Vec<&'n Node<'b>>, usize)> {
        if self.place.side != Side::Response || !self.seen.signs_in {
            return None;
        }
        let mut sessions = Vec::new();
        // Several calls at once are answered in a list.
        let answers = match body {
            Node::Array(items) => items.as_slice(),
            _ => std::slice::from_ref(body),
        };
        for answer in answers {
            match member(answer, &["result"]) {
                Some(result) if is_session(result) => sessions.push(result),
                Some(result) => made(result, DEPTH_MAX, &mut sessions),
                None => sessions.extend(returned(answer)),
            }
        }
        self.rule(Carrier::Member, "session_token", None).map(|rule| (sessions, rule))
    }
}

/// Whether a method that is called so, squashed, signs in.
pub(super) fn signs_in(squashed: &str) -> bool {
    LOGIN_METHODS.iter().any(|name| squashed.contains(name)) && !squashed.contains("unlock")
}

/// What stands in lists, and under names that say nothing.
fn made<'n, 'b>(node: &'n Node<'b>, depth: usize, found: &mut Vec<&'n Node<'b>>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    match node {
        Node::String(text) if is_session(node) && Validator::NotLabel.accepts(text) => {
            found.push(node);
        }
        Node::Array(items) => items.iter().for_each(|item| made(item, depth, found)),
        Node::Object(members) => {
            let members = members.iter().filter(|(name, _)| is_one_of(name, &MADE));
            members.for_each(|(_, node)| made(node, depth, found));
        }
        _ => {}
    }
}

/// What an XML-RPC call returns: `<methodResponse><params><param><value>x</value>…`, or the member
/// `Value` of a structure.
fn returned<'n, 'b>(body: &'n Node<'b>) -> Option<&'n Node<'b>> {
    let mut node = body;
    for name in ["methodResponse", "params", "param", "value"] {
        node = member(node, &[name])?;
    }
    if let Some(Node::Array(members)) =
        member(node, &["struct"]).and_then(|node| member(node, &["member"]))
    {
        let named = |node: &&Node<'_>| {
            let name = member(node, &["name"]).and_then(Node::as_str);
            name.is_some_and(|name| is_one_of(name, &["Value", "session", "token"]))
        };
        node = members.iter().find(named).and_then(|node| member(node, &["value"]))?;
    }
    let text = member(node, &["string"]).unwrap_or(node);
    is_session(text).then_some(text)
}

fn member<'n, 'b>(node: &'n Node<'b>, names: &[&str]) -> Option<&'n Node<'b>> {
    let Node::Object(members) = node else { return None };
    members.iter().find(|(name, _)| is_one_of(name, names)).map(|(_, node)| node)
}

/// A text that is no word, and in one piece.
fn is_session(node: &Node<'_>) -> bool {
    node.as_str().is_some_and(|text| {
        text.len() >= SESSION_BYTES_MIN
            && !text.contains(char::is_whitespace)
            && !is_date(text)
            && Validator::Mixed.accepts(text)
    })
}
