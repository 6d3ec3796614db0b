//! A request as changes, by its method, its verb and the type of its body.

use super::Note;
use super::hidden::is_hidden;
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

/// What Django keeps about the rows of a list that is edited at once: `form-TOTAL_FORMS`.
const FORMSET_CONTROLS: [&str; 4] =
    ["-TOTAL_FORMS", "-INITIAL_FORMS", "-MIN_NUM_FORMS", "-MAX_NUM_FORMS"];

/// Types of patches that are neither a JSON Merge Patch nor a JSON Patch.
const OTHER_PATCHES: [&str; 2] = ["application/strategic-merge-patch+json", "application/json-seq"];

/// Verbs by which something comes to be as it is sent.
const CREATING: [&str; 4] = ["create", "generate", "provision", "register"];

/// Verbs by which fields are set as they are sent.
const SETTING: [&str; 8] =
    ["configure", "patch", "put", "rename", "replace", "set", "update", "upsert"];

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
    match method {
        "DELETE" => return Err(Note::Deletion),
        "PATCH" | "PUT" | "POST" => {}
        _ => return Err(Note::UnknownForm),
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
        return patch::read(list, &tree);
    }
    if is_form(kind) {
        let set = if creates { Whole::Created } else { Whole::Set };
        fields(list, &tree, set, |name| !is_control(name));
        return Ok(());
    }
    if let Some(operations) = scim::operations(&tree) {
        scim::read(list, operations);
        return Ok(());
    }
    if method == "PATCH" {
        return partial(list, &tree, kind);
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
    fields(list, &tree, whole, |_| true);
    Ok(())
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

fn is_control(name: &str) -> bool {
    (name.len() <= 32 && CONTROLS.contains(&name.to_ascii_lowercase().as_str()))
        || FORMSET_CONTROLS.iter().any(|end| name.ends_with(end))
}

/// The body of a PATCH. Many APIs take either patch under the type of JSON.
fn partial(list: &mut List, tree: &Node<'_>, kind: &str) -> Result<(), Note> {
    let is_json = matches!(kind, "" | "application/json" | "text/json") || kind.ends_with("+json");
    if !is_json || OTHER_PATCHES.contains(&kind) {
        return Err(Note::UnknownForm);
    }
    if patch::is_patch(tree) {
        return patch::read(list, tree);
    }
    merge(list, &mut String::new(), tree);
    Ok(())
}

/// A JSON Merge Patch (RFC 7386): members are set, null removes, objects are gone into.
fn merge(list: &mut List, path: &mut String, patch: &Node<'_>) {
    match patch {
        Node::Object(members) if !is_hidden(patch) => {
            for (name, node) in members {
                if list.is_full() {
                    return;
                }
                let length = down(path, name);
                match node {
                    Node::Null => list.remove(path, None),
                    node => merge(list, path, node),
                }
                path.truncate(length);
            }
        }
        other => list.replace(path, None, Some(other)),
    }
}

/// The fields of a whole resource; what is no object is one value.
fn fields(list: &mut List, tree: &Node<'_>, whole: Whole, is_field: impl Fn(&str) -> bool) {
    let mut put = |path: &str, node: &Node<'_>| match whole {
        Whole::Created => list.add(path, Some(node)),
        Whole::Set => list.replace(path, None, Some(node)),
    };
    match tree {
        Node::Object(members) if !is_hidden(tree) => {
            let mut path = String::new();
            for (name, node) in members.iter().filter(|(name, _)| is_field(name)) {
                let length = down(&mut path, name);
                put(&path, node);
                path.truncate(length);
            }
        }
        other => put("", other),
    }
}
