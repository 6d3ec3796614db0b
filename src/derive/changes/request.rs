//! A request as changes, by its method, its verb and the type of its body.

use super::Note;
use super::hidden::is_hidden;
use super::items;
use super::list::{List, down};
use super::{patch, scim};
use crate::decode::Node;
use crate::derive::naming::Naming;
use crate::derive::outcome::Verdict;
use crate::derive::verbs::canonical;
use crate::record::{BodyRecord, RequestRecord};

/// Fields of forms that are the browser's and the framework's own.
const CONTROLS: [&str; 14] = [
    "__requestverificationtoken",
    "__viewstate",
    "_addanother",
    "_continue",
    "_csrf",
    "_method",
    "_popup",
    "_save",
    "_token",
    "authenticity_token",
    "commit",
    "csrf_token",
    "csrfmiddlewaretoken",
    "utf8",
];

/// Parts of names under which forms show that they were made for the one who sends them; without `_`, `-` and `.`.
/// What is not redacted there is a field: `csrf_protection=on`.
const FORGERY: [&str; 13] = [
    "ajaxnonce",
    "antiforgery",
    "crumb",
    "csrf",
    "formbuildid",
    "formhash",
    "formkey",
    "formtoken",
    "sesskey",
    "verificationtoken",
    "viewstate",
    "wpnonce",
    "xsrf",
];

/// Longer names are not looked at.
const CONTROL_BYTES_MAX: usize = 64;

/// What Django keeps about the rows of a list that is edited at once: `form-TOTAL_FORMS`.
const FORMSET_CONTROLS: [&str; 4] =
    ["-TOTAL_FORMS", "-INITIAL_FORMS", "-MIN_NUM_FORMS", "-MAX_NUM_FORMS"];

/// A type of patches that is neither a JSON Merge Patch nor a JSON Patch.
const OTHER_PATCH: &str = "application/json-seq";

/// Kubernetes': a merge patch that goes into lists, by what their items are called.
///   <https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/>
const STRATEGIC: &str = "application/strategic-merge-patch+json";

/// Kubernetes': the fields that somebody wants to own, with lists that are merged alike.
///   <https://kubernetes.io/docs/reference/using-api/server-side-apply/>
const APPLIED: &str = "application/apply-patch+yaml";

/// JSON:API's, in which a resource says beside its fields which one it is.
const JSON_API: (&str, [&str; 2]) = ("application/vnd.api+json", ["/data/id", "/data/type"]);

/// Verbs by which something comes to be as it is sent.
const CREATING: [&str; 4] = ["create", "generate", "provision", "register"];

/// Verbs by which fields are set as they are sent.
const SETTING: [&str; 8] =
    ["configure", "patch", "put", "rename", "replace", "set", "update", "upsert"];

/// Verbs by which something is gone.
const REMOVING: [&str; 4] = ["delete", "destroy", "purge", "remove"];

/// What fields of a whole resource have become.
#[derive(Clone, Copy)]
enum Whole {
    /// They came to be with it.
    Created,
    /// They were set.
    Set,
}

/// Reads the request.
pub(super) fn read(
    request: &RequestRecord,
    naming: &Naming,
    verdict: &Verdict,
    list: &mut List,
) -> Result<(), Note> {
    let method = naming.method.as_str();
    if naming.is_call {
        return Err(Note::Call);
    }
    let method = match method {
        // One that is named as what it is.
        "MERGE" if naming.sentence.verb != "merge" => "PATCH",
        method => method,
    };
    match method {
        "DELETE" => return Err(Note::Deletion),
        "PATCH" | "PUT" | "POST" => {}
        _ => return Err(bodiless(request, naming)),
    }
    // What is set by signing in, or by an action, is not what was sent with it.
    let verb = naming.sentence.verb.as_str();
    let first = canonical(verb).split('_').next().unwrap_or_default();
    let creates = CREATING.contains(&first) || verdict.action.is_some();
    if !(creates || SETTING.contains(&first)) || naming.action == "session.create" {
        return Err(Note::Parameters);
    }
    let tree = request.body.as_ref().map(BodyRecord::tree).ok_or_else(|| absent(request))?;
    let kind = request.content_type.as_deref().unwrap_or_default();
    if kind == "application/json-patch+json" {
        return patch::read(list, tree);
    }
    if is_form(kind) {
        let set = if creates { Whole::Created } else { Whole::Set };
        fields(list, tree, set, |name, node| !is_control(name, node));
        return Ok(());
    }
    if let Some(operations) = scim::operations(tree) {
        scim::read(list, operations);
        return Ok(());
    }
    if method == "PATCH" {
        return partial(list, tree, kind);
    }
    let whole = match creates {
        true => Whole::Created,
        false => {
            if method == "PUT" {
                list.note(Note::WholeReplaced);
            }
            Whole::Set
        }
    };
    fields(list, tree, whole, |_, _| true);
    Ok(())
}

/// Why nothing is known of a request with a method that sets no fields.
fn bodiless(request: &RequestRecord, naming: &Naming) -> Note {
    let verb = canonical(&naming.sentence.verb).split('_').next().unwrap_or_default();
    match absent(request) {
        Note::NoBody if request.body.is_none() && REMOVING.contains(&verb) => Note::Deletion,
        Note::NoBody if request.body.is_none() => Note::NoBody,
        _ => Note::UnknownForm,
    }
}

/// Why there is no body on record.
fn absent(request: &RequestRecord) -> Note {
    match (request.truncated, request.size, &request.content_type) {
        (true, ..) => Note::BodyTruncated,
        (false, Some(0), _) | (false, None, None) => Note::NoBody,
        _ => Note::BodyNotRecorded,
    }
}

fn is_form(kind: &str) -> bool {
    kind == "application/x-www-form-urlencoded" || kind.starts_with("multipart/")
}

fn is_control(name: &str, node: &Node<'_>) -> bool {
    if name.len() > CONTROL_BYTES_MAX {
        return false;
    }
    let name_in_small = name.to_ascii_lowercase();
    let is_forgery = |name: &str| FORGERY.iter().any(|part| name.contains(part));
    CONTROLS.contains(&name_in_small.as_str())
        || FORMSET_CONTROLS.iter().any(|end| name.ends_with(end))
        || (is_hidden(node) && is_forgery(&name_in_small.replace(['_', '-', '.'], "")))
}

/// The body of a PATCH. Many APIs take either patch under the type of JSON.
fn partial(list: &mut List, tree: &Node<'_>, kind: &str) -> Result<(), Note> {
    let is_json = matches!(kind, "" | "application/json" | "text/json") || kind.ends_with("+json");
    if !(is_json || kind == APPLIED) || kind == OTHER_PATCH {
        return Err(Note::UnknownForm);
    }
    if patch::is_patch(tree) {
        return patch::read(list, tree);
    }
    // Of a list of items each is changed as it says itself: `[{"id": 10, "status": "active"}]`.
    if let Some(items) = tree.as_array().filter(|_| kind != JSON_API.0)
        && let Some(names) = items::names(items).filter(|_| items.iter().all(is_object))
    {
        for (name, item) in names.iter().zip(items) {
            let mut path = String::new();
            down(&mut path, name);
            let key = name.trim_start_matches('[').split('=').next();
            merge_but(list, &mut path, item, (kind, key));
        }
        return Ok(());
    }
    // Of a relationship that is all there is.
    let has_fields = || {
        let data = tree.get("data");
        ["attributes", "relationships"]
            .iter()
            .any(|name| data.and_then(|it| it.get(name)).is_some())
    };
    let kind = if kind == JSON_API.0 && !has_fields() { "" } else { kind };
    merge(list, &mut String::new(), tree, kind);
    Ok(())
}

fn is_object(item: &Node<'_>) -> bool {
    matches!(item, Node::Object(_)) && !is_hidden(item)
}

/// A JSON Merge Patch (RFC 7386): members are set, null removes, objects are gone into.
fn merge(list: &mut List, path: &mut String, patch: &Node<'_>, kind: &str) {
    merge_but(list, path, patch, (kind, None));
}

/// The same, but for the member by which an item is known.
fn merge_but(
    list: &mut List,
    path: &mut String,
    patch: &Node<'_>,
    (kind, key): (&str, Option<&str>),
) {
    if list.is_full() || kind == JSON_API.0 && JSON_API.1.contains(&path.as_str()) {
        return;
    }
    let is_strategic = [STRATEGIC, APPLIED].contains(&kind);
    match patch {
        node if is_hidden(node) => list.replace(path, None, Some(node)),
        Node::Object(_) if is_strategic && is_deletion(patch) => list.remove(path, None),
        Node::Object(members) => {
            let is_directive = |name: &str| is_strategic && name.starts_with('$');
            let is_field = |name: &str| !is_directive(name) && key != Some(name);
            for (name, node) in members.iter().filter(|(name, _)| is_field(name)) {
                let length = down(path, name);
                match node {
                    Node::Null => list.remove(path, None),
                    node => merge(list, path, node, kind),
                }
                path.truncate(length);
            }
        }
        Node::Array(items) if is_strategic && !items.is_empty() => match items::names(items) {
            Some(names) => {
                for (name, item) in names.iter().zip(items) {
                    let length = down(path, name);
                    let key = name.trim_start_matches('[').split('=').next();
                    merge_but(list, path, item, (kind, key));
                    path.truncate(length);
                }
            }
            None => list.replace(path, None, Some(patch)),
        },
        other => list.replace(path, None, Some(other)),
    }
}

/// `{"$patch": "delete", "name": "web"}`
fn is_deletion(patch: &Node<'_>) -> bool {
    patch.get("$patch").and_then(Node::as_str) == Some("delete")
}

/// The fields of a whole resource; what is no object is one value.
fn fields(
    list: &mut List,
    tree: &Node<'_>,
    whole: Whole,
    is_field: impl Fn(&str, &Node<'_>) -> bool,
) {
    let mut put = |path: &str, node: &Node<'_>| match whole {
        Whole::Created => list.add(path, Some(node)),
        Whole::Set => list.replace(path, None, Some(node)),
    };
    match tree {
        Node::Object(members) if !is_hidden(tree) => {
            let mut path = String::new();
            for (name, node) in members.iter().filter(|(name, node)| is_field(name, node)) {
                let length = down(&mut path, name);
                put(&path, node);
                path.truncate(length);
            }
        }
        other => put("", other),
    }
}
