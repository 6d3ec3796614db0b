//! Who is put into a group, and taken out of it. It is no user that comes or goes.
//!
//! The path says which group (`DELETE /groups/3/users/5`), or the query, as Jira has it
//! (`POST /group/user?groupname=admins`).

use super::super::body::{self, Value};
use super::super::nouns::{is_known_noun, known_category};
use super::super::trace::{By, Field, Origin, Trace};
use super::super::walk::{Node, Walked};
use super::super::words::{GROUPS, snake};
use super::relation::{GIVEN, right_given, right_meant};
use super::targets::{is_key, is_name};
use crate::record::{RequestRecord, Target, Tree};

/// Nouns of who is a member.
const MEMBERS: [&str; 3] = ["account", "member", "user"];

/// Nouns of those who are in what holds members, by a path.
pub(super) const PEOPLE: [&str; 2] = ["member", "user"];

/// Members by which somebody is meant who is there already.
const IDS: [&str; 17] = [
    "account_id",
    "delete",
    "id",
    "ids",
    "login",
    "member",
    "member_id",
    "member_ids",
    "members",
    "pk",
    "remove",
    "uid",
    "user",
    "user_id",
    "user_ids",
    "username",
    "users",
];

/// Members by which it is said as what, and for how long.
const AS_WHAT: [&str; 16] = [
    "access_level",
    "action",
    "cmd",
    "command",
    "disassociate",
    "dissociate",
    "expires_at",
    "op",
    "operation",
    "permission",
    "permissions",
    "role",
    "role_id",
    "role_ids",
    "roles",
    "type",
];

/// Members by which it is said which state of the group was seen.
const OF_STATES: [&str; 3] = ["etag", "revision", "version"];

/// Members in which it is said who.
const WHO: [&str; 6] = ["accountId", "account_id", "userId", "user_id", "username", "name"];

/// What the members belong to.
const NOUN: &str = "member";

/// The group of whose members the path tells, if the query says which one it is.
pub(super) fn group(
    walked: &Walked,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
) -> Option<Target> {
    let [.., outer, inner] = walked.nodes.as_slice() else { return None };
    let is_bare = !outer.is_item && !inner.is_item && walked.part.is_none();
    let fits = is_group(&outer.noun) && MEMBERS.contains(&inner.noun.as_str());
    let is_said = matches!(walked.verb.as_deref(), Some("create" | "delete" | "update"));
    // `POST /team/member_add {"team_id": 5, "member": …}`
    let sent = body.filter(|_| is_bare && fits && is_said).and_then(|body| {
        let is_id = |name: &str| snake(name) == format!("{}_id", outer.noun);
        let (_, id) = body.members().iter().find(|(name, _)| is_id(name))?;
        body::scalar(id)
    });
    if let Some(id) = sent {
        return Some(Target { kind: outer.noun.clone(), id: Some(id), name: None });
    }
    let query = request.query.as_ref().filter(|_| is_bare && fits && walked.verb.is_none())?;
    let noun = Some(outer.noun.as_str());
    let find = |is: fn(&str, Option<&str>) -> bool| {
        let (_, value) = query.node().members().iter().find(|(name, _)| is(name, noun))?;
        body::scalar(value)
    };
    let (id, name) = (find(is_key), find(is_name));
    (id.is_some() || name.is_some()).then(|| Target { kind: outer.noun.clone(), id, name })
}

/// Whether a path leads to who is in a group, and what is done is that they come or go: the verb.
pub(super) fn joined(
    walked: &Walked,
    method: &str,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
) -> Option<&'static str> {
    let [.., outer, inner] = walked.nodes.as_slice() else { return None };
    let is_bare = walked.part.is_none() && walked.verb.is_none();
    if !is_bare || !outer.is_item || !has_members(outer, inner) {
        return None;
    }
    let is_empty = is_empty(request, body);
    // A member is somebody who is there already, whatever else is said of them.
    let refers = |body: &Value<'_>| refers(body) || inner.noun == "member" && names_user(body);
    match (method, inner.is_item) {
        ("DELETE", true) => Some("delete"),
        ("PUT" | "POST", true) if is_empty => Some("create"),
        ("PATCH" | "POST" | "PUT", true) => body.is_some_and(says_as_what).then_some("update"),
        ("DELETE", false) if names_in_query(request) => Some("delete"),
        ("DELETE", false) => body.is_some_and(refers).then_some("delete"),
        ("POST", false) => {
            let refers = |body: &Value<'_>| refers(body) || body::referred(body).is_some();
            body.is_some_and(refers).then_some("create")
        }
        _ => None,
    }
}

/// Whether those are the members of this; the users of an organization may be its own.
pub(super) fn has_members(outer: &Node, inner: &Node) -> bool {
    let (holds, held) = (outer.noun.as_str(), inner.noun.as_str());
    let is_own = holds == "organization" && held == "user";
    is_group(holds) && PEOPLE.contains(&held) && !is_own
}

/// Whether this may have members.
fn is_group(noun: &str) -> bool {
    GROUPS.contains(&noun) || noun == "role"
}

/// Whether a body names a user by the id, and none that is made.
fn names_user(body: &Value<'_>) -> bool {
    let has = |names: &[&str]| {
        body.members().iter().any(|(name, _)| names.contains(&snake(name).as_str()))
    };
    has(&["user_id", "user_ids"]) && !has(&["email", "password"])
}

/// Takes a verb of a group for what it does to its members, if the body says to whom:
/// `POST /teams/5/kick {"user_id": 7}`, `/orgs/acme/invite {"email": …}`.
pub(super) fn of_members(
    walked: &mut Walked,
    method: &str,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
) {
    if matches!(method, "POST" | "PUT") && is_empty(request, body) || method == "DELETE" {
        return given(walked, method);
    }
    let (Some(node), Some(body), "POST") = (walked.nodes.last(), body, method) else { return };
    let is_one = is_group(&node.noun) && node.is_item && walked.part.is_none();
    let has_address = || {
        let names = ["email", "emails", "user_email"];
        body.members().iter().any(|(name, _)| names.contains(&snake(name).as_str()))
    };
    // `POST /users/7/grant {"role": "admin"}`
    let is_said = || body.get(&node.noun).is_some_and(|who| who.as_str().is_some());
    let is_person = PEOPLE.contains(&node.noun.as_str()) && walked.part.is_none();
    let is_person = is_person && (node.is_item || is_said());
    let is_given = walked.verb.as_deref().is_some_and(|verb| GIVEN.contains(&verb));
    if let Some(right) = (is_person && is_given).then(|| right_meant(body)).flatten() {
        walked.nodes.push(Node::named(right));
        return;
    }
    // `POST /invite {"email": …}`
    let is_alone = node.noun == "resource" && node.at.is_none();
    if is_alone && walked.verb.as_deref() == Some("invite") && has_address() {
        walked.nodes = vec![Node::named("invitation")];
        walked.verb = Some("create".to_owned());
        return;
    }
    let (noun, verb) = match walked.verb.as_deref() {
        Some("invite") if has_address() => ("invitation", "create"),
        _ => return,
    };
    if is_one {
        walked.nodes.push(Node::named(noun));
        walked.verb = Some(verb.to_owned());
    }
}

/// Takes the second word behind a group for a part of what it is called, as npm has it:
/// `DELETE /-/team/acme/dev/user {"user": "ann"}`.
pub(super) fn of_two_words(walked: &mut Walked) {
    let [.., group, second, people] = walked.nodes.as_slice() else { return };
    let is_word = |id: &str| id.bytes().any(|byte| byte.is_ascii_alphabetic());
    let is_named = is_group(&group.noun) && group.id.as_deref().is_some_and(is_word);
    let is_more = !second.is_item && !second.is_collection() && !is_known_noun(&second.noun);
    let is_one =
        PEOPLE.contains(&people.noun.as_str()) && !people.is_item && !people.is_collection();
    let at = walked.nodes.len().checked_sub(2);
    if let Some(at) = at.filter(|_| is_named && is_more && is_one && walked.part.is_none()) {
        let second = walked.nodes.remove(at);
        if let Some(group) = walked.nodes.iter_mut().rev().nth(1) {
            group.take_id(&second.noun, second.at);
        }
    }
}

/// Takes what is put to somebody, and nothing of it said, for what they are given:
/// `PUT /users/5/groups/7` is who comes into a group, `PUT /members/5/roles/7` who gets a role; a DELETE
/// takes it from them again.
fn given(walked: &mut Walked, method: &str) {
    let [.., outer, inner] = walked.nodes.as_mut_slice() else { return };
    let is_said = walked.verb.is_some() || walked.part.is_some();
    // What is deleted of an account may be its own.
    let people = if method == "DELETE" { PEOPLE.as_slice() } else { MEMBERS.as_slice() };
    if is_said || !outer.is_item || !inner.is_item || !people.contains(&outer.noun.as_str()) {
        return;
    }
    match inner.noun.as_str() {
        "group" | "team" => std::mem::swap(outer, inner),
        right => {
            let verb = if method == "DELETE" { "delete" } else { "create" };
            walked.verb = right_given(right, verb).map(ToOwned::to_owned);
        }
    }
}

/// Whether the query says who: `?usernames=a,b`, `?user_id=5`.
fn names_in_query(request: &RequestRecord) -> bool {
    let Some(query) = request.query.as_ref().map(Tree::node) else { return false };
    let mut names = query.members().iter().map(|(name, _)| name.as_ref());
    names.any(|name| body::MEMBERS.contains(&name)) || names_user(query)
}

/// Whether nothing is sent.
pub(super) fn is_empty(request: &RequestRecord, body: Option<&Value<'_>>) -> bool {
    match body {
        Some(body) => matches!(body, Value::Object(members) if members.is_empty()),
        None => request.size.is_none_or(|size| size == 0),
    }
}

/// Whether a body says as what somebody is a member, and nothing of who it is.
pub(super) fn says_as_what(body: &Value<'_>) -> bool {
    let mut names = body.members().iter().map(|(name, _)| snake(name)).peekable();
    names.peek().is_some() && names.all(|name| is_as_what(&name))
}

/// Whether it says of a member as what it is one.
pub(super) fn is_as_what(name: &str) -> bool {
    let name = snake(name);
    // `workspace_role`
    AS_WHAT.contains(&name.as_str()) || name.ends_with("_role")
}

/// What identifies things and says nothing else of them, as JSON:API has it: `{"data": {"id": "5", "type":
/// "users"}}`, or a list of such.
pub(super) fn identified<'b, 'n>(body: &'b Value<'n>) -> &'b Value<'n> {
    let is_plain = |item: &Value<'_>| match item.members() {
        [(one, _), (other, _)] => {
            matches!((one.as_ref(), other.as_ref()), ("id", "type") | ("type", "id"))
        }
        _ => false,
    };
    match body.members() {
        [(name, data)] if name == "data" => match data.as_array() {
            Some(items) if !items.is_empty() && items.iter().all(is_plain) => data,
            None if is_plain(data) => data,
            _ => body,
        },
        _ => body,
    }
}

/// Whether a body says who is meant, of those that there are, and nothing else of them.
fn refers(body: &Value<'_>) -> bool {
    let body = identified(body);
    let body = match body.members() {
        [(name, inner @ Value::Object(_))] if name == "data" => inner,
        _ => body,
    };
    let says = |body: &Value<'_>| {
        let mut names = body.members().iter().map(|(name, _)| snake(name)).peekable();
        names.peek().is_some()
            && names.all(|name| {
                IDS.contains(&name.as_str())
                    || is_as_what(&name)
                    || OF_STATES.contains(&name.as_str())
            })
            && body.members().iter().any(|(name, _)| IDS.contains(&snake(name).as_str()))
    };
    match body.as_array() {
        Some(items) => {
            !items.is_empty() && items.iter().all(|item| says(item) || body::scalar(item).is_some())
        }
        None => says(body),
    }
}

/// The noun, the area, and those who come or go; the body may say who they are in its own way:
/// `{"user_id": 5}`.
pub(super) fn joining(
    mut targets: Vec<Target>,
    body: Option<&Value<'_>>,
    trace: &mut Trace,
) -> (String, String, Vec<Target>) {
    let category = known_category(NOUN).unwrap_or(NOUN).to_owned();
    let [target @ Target { id: None, name: None, .. }] = targets.as_mut_slice() else {
        return (NOUN.to_owned(), category, targets);
    };
    let members = body.into_iter().flat_map(Value::members);
    let mut of_user =
        members.filter(|(name, _)| matches!(snake(name).as_str(), "user" | "user_id"));
    if let Some((name, id)) = of_user.next()
        && let Some(id) = body::scalar(id)
    {
        let from = || vec![Origin::RequestBody(format!("${}", body::step(name)))];
        trace.note(Field::Id(0), || (By::Convention("the id that is sent"), from()));
        *target = Target { kind: "user".to_owned(), id: Some(id), name: None };
    }
    (NOUN.to_owned(), category, targets)
}

/// The noun, the area, and those who are members.
pub(super) fn members(
    targets: Vec<Target>,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
    trace: &mut Trace,
) -> (String, String, Vec<Target>) {
    let find = |place: &Value<'_>| {
        WHO.iter().find_map(|name| Some((body::scalar(place.get(name)?)?, *name)))
    };
    let sent = body.and_then(find);
    let who = sent.map(|(id, name)| (id, Origin::RequestBody(format!("${}", body::step(name)))));
    let who = who.or_else(|| {
        let (id, name) = find(body?.get(NOUN)?)?;
        Some((id, Origin::RequestBody(format!("${}{}", body::step(NOUN), body::step(name)))))
    });
    let asked = || find(request.query.as_ref().map(Tree::node)?);
    let who = who.or_else(|| asked().map(|(id, name)| (id, Origin::Query(name.to_owned()))));
    let mut member = |(at, target): (usize, Target)| {
        let is_known = target.id.is_some() || target.name.is_some();
        let found = who.clone().filter(|_| !is_known).map(|(id, origin)| {
            trace.note(Field::Id(at), || (By::Convention("the id that is sent"), vec![origin]));
            id
        });
        Target { kind: NOUN.to_owned(), id: target.id.or(found), name: target.name }
    };
    let targets = targets.into_iter().enumerate().map(&mut member).collect();
    (NOUN.to_owned(), known_category(NOUN).unwrap_or(NOUN).to_owned(), targets)
}
