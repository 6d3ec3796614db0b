//! What calls that sign in answer, where nothing but the call says so: a text alone.

use super::carrier::Carrier;
use super::pattern::Validator;
use super::rule::Side;
use super::walk::{Walk, is_one_of};
use crate::decode::Node;

/// Shorter answers are no sessions.
const SESSION_BYTES_MIN: usize = 8;

impl Walk<'_> {
    /// Keeps in mind that the request is a call that signs in.
    pub(super) fn signs_in(&mut self) {
        self.seen.signs_in |= self.place.side == Side::Request;
    }

    /// The session that such a call was answered with, and the rule for it.
    pub(super) fn session<'n, 'b>(&mut self, body: &'n Node<'b>) -> Option<(&'n Node<'b>, usize)> {
        if self.place.side != Side::Response || !self.seen.signs_in {
            return None;
        }
        let session = member(body, &["result"]).filter(|node| is_session(node));
        let session = session.or_else(|| returned(body))?;
        self.rule(Carrier::Member, "session_token", None).map(|rule| (session, rule))
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
            && Validator::Mixed.accepts(text)
    })
}
