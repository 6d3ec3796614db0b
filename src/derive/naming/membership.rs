//! Who is put into a group, and taken out of it, where the query says which: as Jira has it,
//! `POST /group/user?groupname=admins`. It is no user that comes or goes.

use super::super::body::{self, Value};
use super::super::nouns::known_category;
use super::super::walk::Walked;
use super::targets::{is_key, is_name};
use crate::record::{RequestRecord, Target, Tree};

/// Nouns of what has members.
const GROUPS: [&str; 5] = ["group", "organization", "project", "role", "team"];

/// Nouns of who is a member.
const MEMBERS: [&str; 3] = ["account", "member", "user"];

/// Members in which it is said who.
const WHO: [&str; 6] = ["accountId", "account_id", "userId", "user_id", "username", "name"];

/// What the members belong to.
const NOUN: &str = "member";

/// The group of whose members the path tells, if the query says which one it is.
pub(super) fn group(walked: &Walked, request: &RequestRecord) -> Option<Target> {
    let [.., outer, inner] = walked.nodes.as_slice() else { return None };
    let is_bare = !outer.is_item && !inner.is_item && walked.part.is_none();
    let fits = GROUPS.contains(&outer.noun.as_str()) && MEMBERS.contains(&inner.noun.as_str());
    let query = request.query.as_ref().filter(|_| is_bare && fits && walked.verb.is_none())?;
    let noun = Some(outer.noun.as_str());
    let find = |is: fn(&str, Option<&str>) -> bool| {
        let (_, value) = query.node().members().iter().find(|(name, _)| is(name, noun))?;
        body::scalar(value)
    };
    let (id, name) = (find(is_key), find(is_name));
    (id.is_some() || name.is_some()).then(|| Target { kind: outer.noun.clone(), id, name })
}

/// The noun, the area, and those who are members.
pub(super) fn members(
    targets: Vec<Target>,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
) -> (String, String, Vec<Target>) {
    let places = || body.into_iter().chain(request.query.as_ref().map(Tree::node));
    let who =
        || places().find_map(|place| WHO.iter().find_map(|name| body::scalar(place.get(name)?)));
    let member = |target: Target| {
        let is_known = target.id.is_some() || target.name.is_some();
        let id = target.id.or_else(|| if is_known { None } else { who() });
        Target { kind: NOUN.to_owned(), id, name: target.name }
    };
    let targets = targets.into_iter().map(member).collect();
    (NOUN.to_owned(), known_category(NOUN).unwrap_or(NOUN).to_owned(), targets)
}
