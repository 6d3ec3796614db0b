//! Requests whose body turns into its contrary what method and path say: that something is taken out and
//! not put in, or deleted and not changed.

use super::super::body::{self, Value};
use super::super::signs::MEMBERS_MAX;
use super::super::text::bounded;
use super::super::walk::{Node, Walked};
use super::super::words::{singular, snake};
use super::{membership, relation};

/// Members that say so with `true`.
///
///   <https://docs.ansible.com/automation-controller/latest/html/controllerapi/>
const TAKEN: [&str; 2] = ["disassociate", "dissociate"];

/// Parameters of a form by which what is written is deleted, as Proxmox has it for its access lists.
const DELETED: [&str; 1] = ["delete"];

/// The verb with which lists of what is written and what is deleted are sent.
const COMMANDED: &str = "update";

/// Items of a list that are looked at.
const ITEMS_MAX: usize = 1000;

/// Members that say what is done to what is held.
const ORDERS: [&str; 6] = ["action", "cmd", "command", "op", "operation", "type"];

/// First words of what they say where it is taken out.
const AWAY: [&str; 12] = [
    "delete",
    "detach",
    "disassociate",
    "dissociate",
    "kick",
    "leave",
    "remove",
    "removed",
    "revoke",
    "unassign",
    "ungrant",
    "unlink",
];

/// Members with those that are taken out, and with those that are put in.
const LISTED_OUT: [&str; 4] = ["delete", "deletes", "remove", "removes"];
const LISTED_IN: [&str; 6] = ["add", "adds", "create", "insert", "write", "writes"];

/// Takes what the body says to be done, and the method with which that is said as well.
pub(super) fn take<'m>(walked: &mut Walked, method: &'m str, body: Option<&Value<'_>>) -> &'m str {
    membership::of_two_words(walked);
    deletes(walked, method, body);
    if takes_away(walked, method, body) { "DELETE" } else { method }
}

/// Whether what is sent to a list of something's own is taken out of it:
/// `POST /teams/3/users {"id": 5, "disassociate": true}`, `/groups/5/members {"op": "remove", "id": 7}`.
fn takes_away(walked: &mut Walked, method: &str, body: Option<&Value<'_>>) -> bool {
    let is_open = method == "POST" && walked.verb.is_none() && walked.part.is_none();
    let Some(body) = body.filter(|_| is_open) else { return false };
    let [.., outer, list] = walked.nodes.as_slice() else { return false };
    if !outer.is_item || !(list.is_item || list.is_collection()) {
        return false;
    }
    let is_held = relation::may_hold(outer, list);
    if TAKEN.iter().any(|name| body.get(name).is_some_and(is_true)) {
        // What is taken out of something that is not known to hold it is there afterwards as well.
        walked.is_relationship |= !is_held;
        return true;
    }
    if !is_held {
        return false;
    }
    match (lists(body, &LISTED_OUT), lists(body, &LISTED_IN)) {
        (true, true) => {
            walked.verb = Some("update".to_owned());
            false
        }
        (is_out, _) => is_out || is_ordered_away(&list.noun, body),
    }
}

/// Whether a member says that what is meant is taken out; of a right an action may be what it allows, so
/// that it has to say as well which one.
fn is_ordered_away(noun: &str, body: &Value<'_>) -> bool {
    let is_told = !relation::is_right(noun) || relation::says_which(body, noun);
    let orders = |(name, value): &(_, Value<'_>)| {
        let name: &std::borrow::Cow<'_, str> = name;
        ORDERS.iter().any(|order| name.eq_ignore_ascii_case(order))
            && value.as_str().is_some_and(is_away)
    };
    is_told && body.members().iter().take(MEMBERS_MAX).any(orders)
}

/// `remove`, `removeUser`
fn is_away(text: &str) -> bool {
    bounded(text).is_some_and(|text| AWAY.contains(&snake(&text).split('_').next().unwrap_or("")))
}

/// Whether something is listed under one of these names.
fn lists(body: &Value<'_>, names: &[&str]) -> bool {
    let is_some = |value: &Value<'_>| match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        // `[8]`, as a form has it.
        Value::String(text) => text.starts_with('[') && text.len() > 2,
        _ => false,
    };
    names.iter().any(|name| body.get(name).is_some_and(is_some))
}

/// Takes what is deleted by its body for deleted.
fn deletes(walked: &mut Walked, method: &str, body: Option<&Value<'_>>) {
    let Some(body) = body else { return };
    let noun = walked.nodes.last().map(|node| node.noun.as_str()).unwrap_or_default();
    if method == "POST" && noun == "bulk_doc" && walked.verb.is_none() {
        return documents(walked, body);
    }
    if method == "POST" && walked.verb.is_none() && walked.part.is_none() {
        if is_marked_deleted(body) {
            walked.verb = Some("delete".to_owned());
            return;
        }
        if noun == "write" {
            return written(walked, body);
        }
    }
    let is_commanded = walked.verb.as_deref() == Some(COMMANDED) && walked.part.is_none();
    if method == "POST" && is_commanded && deletes_alone(body) {
        return of_core(walked);
    }
    // `POST /_aliases {"actions": [{"remove": …}]}`, as Elasticsearch has it, makes none.
    let has_actions = || body.get("actions").is_some_and(|list| list.as_array().is_some());
    if method == "POST" && noun == "alias" && walked.verb.is_none() && has_actions() {
        walked.verb = Some("update".to_owned());
        return;
    }
    let is_list = noun == "acl" && method == "PUT" && walked.verb.is_none();
    let is_deleted = DELETED.iter().any(|name| body.get(name).is_some_and(is_true));
    if is_list && is_deleted {
        walked.verb = Some("delete".to_owned());
    }
}

/// Whether the one object that is sent is marked as deleted, as Cisco's are:
/// `{"fvTenant": {"attributes": {"name": "x", "status": "deleted"}}}`.
///
///   <https://www.cisco.com/c/en/us/td/docs/dcn/aci/apic/all/apic-rest-api-configuration-guide/cisco-apic-rest-api-configuration-guide-42x-and-later/m_using_the_rest_api.html>
fn is_marked_deleted(body: &Value<'_>) -> bool {
    let [(name, object)] = body.members() else { return false };
    let status = object.get("attributes").and_then(|own| own.get("status"));
    name != "data" && status.and_then(Value::as_str) == Some("deleted")
}

/// What is written is deleted where nothing but that is listed: `{"deletes": {"tuple_keys": […]}}`.
fn written(walked: &mut Walked, body: &Value<'_>) {
    if !lists(body, &LISTED_OUT) || lists(body, &LISTED_IN) {
        return;
    }
    walked.verb = Some("delete".to_owned());
    let listed = LISTED_OUT.iter().find_map(|name| body.get(name));
    if let (Some([(name, Value::Array(_))]), Some(node)) =
        (listed.map(Value::members), walked.nodes.last_mut())
    {
        node.noun = bounded(&singular(&snake(name))).unwrap_or_else(|| "item".to_owned());
    }
}

/// The documents of `_bulk_docs`, as CouchDB has it: those with `_deleted` are.
///
///   <https://docs.couchdb.org/en/stable/api/database/bulk-api.html#db-bulk-docs>
fn documents(walked: &mut Walked, body: &Value<'_>) {
    let docs = body.get("docs").and_then(Value::as_array).unwrap_or_default();
    if let Some(node) = walked.nodes.last_mut() {
        "doc".clone_into(&mut node.noun);
    }
    let is_deleted = |doc: &&Value<'_>| doc.get("_deleted").is_some_and(is_true);
    let deleted = docs.iter().take(ITEMS_MAX).filter(is_deleted).count();
    if deleted > 0 {
        let is_all = deleted == docs.len();
        walked.verb = Some(if is_all { "delete" } else { "update" }.to_owned());
    }
}

/// Takes the documents of a core for what is deleted, and not the core.
fn of_core(walked: &mut Walked) {
    let name = walked.route.rsplit('/').nth(1).and_then(bounded);
    if let Some(core) = walked.nodes.last_mut().filter(|core| !core.is_item) {
        "core".clone_into(&mut core.noun);
        (core.id, core.is_item) = (name, true);
    }
    walked.nodes.push(Node::named("document"));
    walked.verb = Some("delete".to_owned());
}

/// Whether nothing but a command to delete is sent, as Solr has it:
/// `POST /solr/core1/update {"delete": {"query": "*:*"}}`.
fn deletes_alone(body: &Value<'_>) -> bool {
    let mut names = body.members().iter().map(|(name, _)| name.as_ref()).peekable();
    let is_command = |name: &str| matches!(name, "commit" | "delete" | "optimize");
    body.get("delete").is_some() && names.all(is_command)
}

/// `true`, `1`
fn is_true(value: &Value<'_>) -> bool {
    *value == Value::Bool(true)
        || body::scalar(value).is_some_and(|text| matches!(text.as_str(), "1" | "true"))
}
