//! Requests whose body turns into its contrary what method and path say: that something is taken out and
//! not put in, or deleted and not changed.

use super::super::body::{self, Value};
use super::super::text::bounded;
use super::super::walk::{Node, Walked};

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

/// Takes what the body says to be done, and the method with which that is said as well.
pub(super) fn take<'m>(walked: &mut Walked, method: &'m str, body: Option<&Value<'_>>) -> &'m str {
    deletes(walked, method, body);
    if takes_away(walked, method, body) { "DELETE" } else { method }
}

/// Whether what is sent to a list of something's own is taken out of it:
/// `POST /teams/3/users {"id": 5, "disassociate": true}`.
fn takes_away(walked: &Walked, method: &str, body: Option<&Value<'_>>) -> bool {
    let Some(body) = body.filter(|_| method == "POST" && walked.verb.is_none()) else {
        return false;
    };
    let is_below = matches!(walked.nodes.as_slice(), [.., outer, list]
        if outer.is_item && list.is_collection());
    is_below && TAKEN.iter().any(|name| body.get(name).is_some_and(is_true))
}

/// Takes what is deleted by its body for deleted.
fn deletes(walked: &mut Walked, method: &str, body: Option<&Value<'_>>) {
    let Some(body) = body else { return };
    let noun = walked.nodes.last().map(|node| node.noun.as_str()).unwrap_or_default();
    if method == "POST" && noun == "bulk_doc" && walked.verb.is_none() {
        return documents(walked, body);
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
