//! Who signs in, where the path does not say that somebody does.

use super::super::body::{self, Value};
use super::super::trace::{Field, Trace};
use super::super::walk::{Node, Walked};
use crate::record::Target;

/// Whether a session is made with who one is: `POST /session`; Redfish has its sessions below a
/// service.
pub(super) fn says_who_signs_in(
    walked: &Walked,
    targets: &[Target],
    body: Option<&Value<'_>>,
) -> bool {
    let is_service = |node: &Node| matches!(node.noun.as_str(), "redfish" | "session_service");
    let is_named = targets.first().is_some_and(|target| target.name.is_some());
    walked.nodes.last().is_none_or(is_service) && is_named && body.is_some_and(body::says_who)
}

/// Of a token that is granted to somebody who gives a password: the token without that name, since whoever
/// is granted a token is not the token, and that user.
pub(super) fn granted(
    noun: &str,
    targets: Vec<Target>,
    owner: Option<Target>,
    body: Option<&Value<'_>>,
    trace: &mut Trace,
) -> (Vec<Target>, Option<Target>) {
    let has = |name: &str| body.is_some_and(|body| body.get(name).is_some());
    if noun != "token" || !has("grant_type") || !has("username") {
        return (targets, owner);
    }
    let [token @ Target { name: Some(name), .. }] = targets.as_slice() else {
        return (targets, owner);
    };
    trace.forget(|field| *field == Field::Name(0));
    let user = Target { kind: "user".to_owned(), id: None, name: Some(name.clone()) };
    (vec![Target { name: None, ..token.clone() }], Some(user))
}
