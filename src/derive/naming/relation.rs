//! Things that are put into others and taken out of them, and are neither made nor deleted by that: a
//! repository of a team, a server behind a firewall, what is among somebody's favorites; and the groups
//! and roles that somebody is given.
//!
//! Such a thing is there before and after, so that the noun of the action is that of both:
//! `DELETE /teams/5/repos/acme/web` is `team_repository.delete`. A group that somebody comes into has a
//! member more.

use super::super::body::{self, Value};
use super::super::nouns::known_category;
use super::super::signs::squashed;
use super::super::verbs::{TOGETHER, canonical};
use super::super::walk::{Node, Walked};
use super::super::words::{plural, singular, spoken};
use super::membership::{self, PEOPLE, is_empty, says_as_what};
use crate::record::{RequestRecord, Target, Tree};

/// What holds things of its own kind of life, by the last word of its noun, and what it holds.
const HOLDS: [(&[&str], &[&str]); 7] = [
    (&["team"], &["repository"]),
    (&["secret", "variable"], &["project", "repository"]),
    (&["app", "application", "client"], &["group", "user"]),
    (&["role"], &["client", "group", "permission", "policy", "privilege", "team", "user"]),
    (&["policy", "permission"], &["account", "group", "role", "team", "user"]),
    (
        &["firewall", "load_balancer", "security_group", "target_group", "placement_group"],
        &["device", "droplet", "host", "instance", "machine", "node", "server", "vm"],
    ),
    (
        &["bookmark", "category", "favorite", "favourite", "label", "tag", "watchlist", "wishlist"],
        &[
            "device",
            "document",
            "host",
            "instance",
            "issue",
            "item",
            "post",
            "product",
            "project",
            "repository",
            "server",
            "user",
        ],
    ),
];

/// Lists of things that are elsewhere, by the last words of their nouns.
const LISTS: [&str; 14] = [
    "allowlist",
    "blacklist",
    "blocklist",
    "bookmark",
    "brute_force",
    "denylist",
    "favorite",
    "favourite",
    "lockout",
    "role",
    "role_mapping",
    "security_manager",
    "watchlist",
    "whitelist",
];

/// Members by which it is said how something is put there.
const HOW: [&str; 2] = ["profile", "scope"];

/// By what a thing is meant that is there already, behind its noun.
const OWN_KEYS: [&str; 4] = ["key", "name", "uid", "uuid"];

/// What somebody may be given, by its noun.
const RIGHTS: [&str; 4] = ["entitlement", "permission", "privilege", "role"];

/// Groups into which somebody may come.
const OF_PEOPLE: [&str; 3] = ["group", "organization", "team"];

/// Verbs by which a right is given and taken.
pub(in crate::derive) const GIVEN: [&str; 4] = ["assign", "grant", "revoke", "unassign"];

/// Whether a noun stands for what somebody may be given, which is there before and after.
pub(in crate::derive) fn is_right(noun: &str) -> bool {
    RIGHTS.contains(&noun)
}

/// What is done to a right that comes to somebody (`create`), or is taken from them (`delete`).
pub(in crate::derive) fn right_given(noun: &str, verb: &str) -> Option<&'static str> {
    match (noun, verb) {
        ("role", "create") => Some("assign"),
        ("role", "delete") => Some("unassign"),
        (_, "create") if is_right(noun) => Some("grant"),
        (_, "delete") if is_right(noun) => Some("revoke"),
        _ => None,
    }
}

/// The one kind of right that a body names, of which a verb says what is done to it: `{"role": "admin"}`.
pub(super) fn right_meant(body: &Value<'_>) -> Option<&'static str> {
    let has = |noun: &str| body.members().iter().any(|(name, _)| says_one(name, noun));
    let mut meant = RIGHTS.iter().copied().filter(|noun| has(noun));
    meant.next().filter(|_| meant.next().is_none())
}

/// What a request does to what is in something else.
#[derive(Debug, Default)]
pub(super) struct Related {
    /// `create`, `update`, `replace` or `delete`.
    pub(super) verb: &'static str,
    /// The noun of both; none for members.
    pub(super) noun: Option<String>,
    /// The groups that somebody comes into, where the body says which.
    pub(super) owners: Vec<Target>,
    /// What the thing is in, if that is no item: `favorites`.
    pub(super) list: Option<String>,
}

/// Whether a request puts something into something else, or takes it out; and the method that counts: what
/// was said by a verb is given back where it says something else.
pub(super) fn related<'m>(
    walked: &mut Walked,
    (method, said): (&'m str, Option<Said>),
    request: &RequestRecord,
    body: Option<&Value<'_>>,
) -> (Option<Related>, &'m str) {
    let related = relates(walked, method, request, body);
    let Some(said) = said.filter(|_| related.is_none() && walked.verb.is_none()) else {
        return (related, method);
    };
    walked.verb = Some(said.verb);
    walked.nodes.pop_if(|_| said.is_pushed);
    (None, SAID_BY)
}

/// Whether it does, by the method alone.
fn relates(
    walked: &mut Walked,
    method: &str,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
) -> Option<Related> {
    if let Some(verb) = membership::joined(walked, method, request, body) {
        return Some(Related { verb, ..Related::default() });
    }
    if walked.verb.is_some() || walked.part.is_some() {
        return None;
    }
    given(walked, method, request, body).or_else(|| held(walked, method, request, body))
}

/// `POST /users/5/groups {"group_id": 7}`: somebody comes into a group, and none is made;
/// `POST /users/5/roles` gives them roles that there are.
fn given(
    walked: &mut Walked,
    method: &str,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
) -> Option<Related> {
    let [.., outer, inner] = walked.nodes.as_mut_slice() else { return None };
    // Keycloak's, of people and of groups.
    if inner.noun == "role_mapping" && outer.is_item && !inner.is_item && body.is_some() {
        let verb = match method {
            "POST" => "create",
            "DELETE" => "delete",
            _ => return None,
        };
        "role".clone_into(&mut inner.noun);
        walked.verb = right_given(&inner.noun, verb).map(ToOwned::to_owned);
        return None;
    }
    if !outer.is_item || inner.is_item || !PEOPLE.contains(&outer.noun.as_str()) {
        return None;
    }
    let is_meant = |body: &&Value<'_>| {
        // `POST /users/5/roles {"type": "SUPER_ADMIN"}`
        let is_typed = || {
            inner.noun == "role"
                && matches!(body.members(), [(name, it)] if name == "type" && it.as_str().is_some())
        };
        refers(body, &inner.noun)
            || is_right(&inner.noun) && says_which(body, &inner.noun)
            || is_typed()
    };
    let referred = walked.is_relationship.then(|| reference(request, body)).flatten();
    // `DELETE /users/5/groups?group_id=7`
    let query = request.query.as_ref().map(Tree::node);
    let query = query.filter(|query| method == "DELETE" && says_which(query, &inner.noun));
    let body = body.filter(is_meant).or(query);
    if body.is_none() && referred.is_none() {
        return None;
    }
    let verb = match method {
        "POST" => "create",
        "DELETE" => "delete",
        _ => return None,
    };
    if let Some(verb) = right_given(&inner.noun, verb) {
        walked.verb = Some(verb.to_owned());
        walked.is_relationship = false;
        return None;
    }
    if !OF_PEOPLE.contains(&inner.noun.as_str()) {
        return None;
    }
    let group = walked.nodes.pop()?;
    let ids = match referred {
        Some(id) => vec![id],
        None => meant(body?, &group.noun),
    };
    let owner = |id| Target { kind: group.noun.clone(), id: Some(id), name: None };
    Some(Related { verb, owners: ids.into_iter().map(owner).collect(), ..Related::default() })
}

/// The method of requests whose path says what is done.
const SAID_BY: &str = "POST";

/// What a verb of a path says as a method would.
pub(super) struct Said {
    verb: String,
    /// It says as well what comes or goes.
    is_pushed: bool,
}

/// Takes the verb of a path for the method that would say the same of what is in something else, and what
/// it names for that: `POST /groups/3/users/5/remove` is `DELETE /groups/3/users/5`, and
/// `POST /users/5/addRole` is `POST /users/5/roles`.
pub(super) fn said<'m>(walked: &mut Walked, method: &'m str) -> (&'m str, Option<Said>) {
    let none = (method, None);
    let Some(verb) = walked.verb.as_deref().filter(|_| method == SAID_BY) else { return none };
    if walked.part.is_some() {
        return none;
    }
    let bare = TOGETHER.iter().find_map(|how| verb.strip_prefix(how)?.strip_prefix('_'));
    let bare = bare.unwrap_or(verb);
    let (first, about) = bare.split_once('_').unwrap_or((bare, ""));
    let about = if bare == "kick" { "member" } else { about };
    let meant = match canonical(first) {
        "create" => "POST",
        "delete" | "kick" => "DELETE",
        _ => return none,
    };
    let is_pushed = match (about, walked.nodes.as_slice()) {
        ("" | "many" | "multiple", [.., outer, inner]) => {
            if !outer.is_item || !may_hold(outer, inner) {
                return none;
            }
            false
        }
        (_, [.., node]) if node.is_item && matches!(first, "add" | "kick" | "remove") => {
            let way = about.strip_prefix("to_").or_else(|| about.strip_prefix("from_"));
            let inner = Node::named(&singular(way.unwrap_or(about)));
            if !may_hold(node, &inner) {
                return none;
            }
            walked.nodes.push(inner);
            true
        }
        _ => return none,
    };
    (meant, walked.verb.take().map(|verb| Said { verb, is_pushed }))
}

/// Whether those may come to this and go from it, and be there before and after.
pub(super) fn may_hold(outer: &Node, inner: &Node) -> bool {
    let is_given = |noun: &str| OF_PEOPLE.contains(&noun) || is_right(noun);
    membership::has_members(outer, inner)
        || holds(outer, inner)
        || PEOPLE.contains(&outer.noun.as_str()) && is_given(&inner.noun)
}

/// The thing to which a reference leads: `{"@odata.id": "…/Groups(3)"}`, `?$id=…/Groups(3)`.
fn reference(request: &RequestRecord, body: Option<&Value<'_>>) -> Option<String> {
    let sent = body.and_then(body::referred).map(|(id, _)| id);
    let asked = || request.query.as_ref()?.get(body::REFERRED)?.as_str().and_then(body::last_id);
    sent.or_else(asked)
}

/// `DELETE /teams/5/repos/acme/web`, `/firewalls/f1/droplets`, `/favorites/projects/5`.
fn held(
    walked: &Walked,
    method: &str,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
) -> Option<Related> {
    let [.., outer, inner] = walked.nodes.as_slice() else { return None };
    if walked.is_relationship {
        let verb = match method {
            "DELETE" => "delete",
            "PATCH" | "PUT" => "replace",
            "POST" => "create",
            _ => return None,
        };
        let noun = Some(format!("{}_{}", outer.noun, inner.noun));
        return Some(Related { verb, noun, ..Related::default() });
    }
    let is_list = !outer.is_item && LISTS.iter().any(|list| ends_with(&outer.noun, list));
    if !(is_list || outer.is_item && holds(outer, inner)) {
        return None;
    }
    let refers = || body.is_some_and(|body| refers(body, &inner.noun));
    let verb = match (method, inner.is_item) {
        ("DELETE", true) => "delete",
        ("DELETE", false) if is_list || refers() => "delete",
        ("POST" | "PUT", true) if is_empty(request, body) => "create",
        ("PATCH" | "POST" | "PUT", true) if body.is_some_and(says_as_what) => "update",
        ("POST", true) if is_list => "create",
        ("POST", false) if refers() => "create",
        _ => return None,
    };
    let list = is_list.then(|| match outer.is_collection() {
        true => plural(&spoken(&outer.noun)),
        false => spoken(&outer.noun),
    });
    let noun = Some(format!("{}_{}", outer.noun, inner.noun));
    Some(Related { verb, noun, list, owners: Vec::new() })
}

fn holds(outer: &Node, inner: &Node) -> bool {
    HOLDS.iter().any(|(holders, held)| {
        holders.iter().any(|holder| ends_with(&outer.noun, holder))
            && held.contains(&inner.noun.as_str())
    })
}

/// Whether these are the last words of a noun.
fn ends_with(noun: &str, words: &str) -> bool {
    noun.strip_suffix(words).is_some_and(|before| before.is_empty() || before.ends_with('_'))
}

impl Related {
    /// How the verb is told: who comes or goes is there already.
    pub(super) fn spoken(&self) -> String {
        match (self.verb, &self.list) {
            ("create", Some(list)) => format!("add_to_{}", list.replace(' ', "_")),
            ("create", None) => "add".to_owned(),
            ("delete", Some(list)) => format!("remove_from_{}", list.replace(' ', "_")),
            ("delete", None) => "remove".to_owned(),
            (verb, _) => verb.to_owned(),
        }
    }

    /// The noun of both, and its area, which is that of the inner thing.
    pub(super) fn noun(&self, inner: &str) -> Option<(String, String)> {
        let noun = self.noun.clone()?;
        Some((noun, known_category(inner).unwrap_or(inner).to_owned()))
    }
}

/// Whether a body says which things of this noun are meant, of those that there are, and no more than
/// how.
fn refers(body: &Value<'_>, noun: &str) -> bool {
    let body = membership::identified(body);
    let says = |item: &Value<'_>| {
        let mut is_meant = false;
        let is_known = item.members().iter().all(|(name, _)| {
            let is_id = is_id_of(name, noun);
            is_meant |= is_id;
            is_id || HOW.contains(&name.as_ref()) || membership::is_as_what(name)
        });
        is_known && is_meant
    };
    match body.as_array() {
        Some(items) => {
            !items.is_empty() && items.iter().all(|item| says(item) || body::scalar(item).is_some())
        }
        None => says(body),
    }
}

/// Whether a body says which thing of this noun is meant under its own name, whatever else it says, and
/// nothing by which one would be made: `{"role": "admin", "user_id": 9}`.
pub(super) fn says_which(body: &Value<'_>, noun: &str) -> bool {
    let has = |is: &dyn Fn(&str) -> bool| body.members().iter().any(|(name, _)| is(name));
    let is_made = |name: &str| ["description", "name", "permissions", "title"].contains(&name);
    has(&|name| says_one(name, noun)) && !has(&is_made)
}

/// Whether a member says which thing of this noun is meant, under its own name: `role`, `role_ids`,
/// `roleName`, `roleUid`.
fn says_one(name: &str, noun: &str) -> bool {
    let (name, noun) = (squashed(name), squashed(noun));
    let key = name.strip_prefix(&noun);
    key.is_some_and(|key| OWN_KEYS.contains(&key))
        || name.starts_with(&noun) && is_id_of(&name, &noun)
}

/// `id`, `ids`, `group`, `group_id`, `groupid`, `groups`, `group_ids`
pub(super) fn is_id_of(name: &str, noun: &str) -> bool {
    let name = squashed(name);
    let bare = name.strip_suffix("ids").or_else(|| name.strip_suffix("id")).unwrap_or(&name);
    bare.is_empty() || bare == squashed(noun) || bare == squashed(&plural(noun))
}

/// The things of this noun that a body means: `{"group_id": 1}`, `{"groups": [{"id": 1}]}`, `[1, 2]`.
fn meant(body: &Value<'_>, noun: &str) -> Vec<String> {
    let body = membership::identified(body);
    let own = |item: &Value<'_>| match item {
        Value::Object(members) => {
            let (_, id) = members.iter().find(|(name, _)| is_id_of(name, noun))?;
            body::scalar(id)
        }
        item => body::scalar(item),
    };
    let all = |list: &Value<'_>| match list.as_array() {
        Some(items) => items.iter().take(body::TARGETS_MAX).filter_map(own).collect(),
        None => own(list).into_iter().collect::<Vec<String>>(),
    };
    if body.as_array().is_some() {
        return all(body);
    }
    let mut named = body.members().iter().filter(|(name, _)| is_id_of(name, noun));
    match (named.next(), named.next()) {
        (Some((_, value)), None) => all(value),
        _ => Vec::new(),
    }
}
