//! What a query says is meant of the thing in the path, or done to it, where the protocol is known by
//! more than the query: a part of a bucket or an object of S3, an operation of WebHDFS.
//!
//! Invariant: a query alone names nothing. It is the client's, who could have a deletion look like less.

use super::body::Value;
use super::nouns::is_known_noun;
use super::path::Path;
use super::walk::{Node, Walked};
use super::words::snake;
use crate::record::{RequestRecord, Tree};

/// Parts of buckets and objects, which are parameters without a value.
///
///   <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations.html>
const PARTS: [&str; 20] = [
    "accelerate",
    "acl",
    "analytics",
    "cors",
    "encryption",
    "inventory",
    "legal-hold",
    "lifecycle",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "publicAccessBlock",
    "replication",
    "retention",
    "tagging",
    "versioning",
    "website",
];

/// Fields and parameters with which requests to S3 are signed.
const SIGNS: [&str; 3] = ["x-amz-content-sha256", "x-amz-date", "x-amz-signature"];

/// The scheme of such fields for credentials.
const SCHEME: &str = "AWS4-";

/// Operations of WebHDFS that are one verb.
const OPERATIONS: [&str; 7] =
    ["append", "concat", "create", "delete", "open", "rename", "truncate"];

/// Verbs before what they are about, without a sign between: `DELETESNAPSHOT`.
const BEFORE: [&str; 14] = [
    "allow", "check", "create", "delete", "disable", "disallow", "enable", "get", "list", "modify",
    "remove", "rename", "set", "unset",
];

/// Takes from the query what the path leaves open.
pub(super) fn take(walked: &mut Walked, path: &Path, request: &RequestRecord, method: &str) {
    let Some(query) = request.query.as_ref().map(Tree::node) else { return };
    if walked.verb.is_some() || walked.part.is_some() {
        return;
    }
    let is_files = path.segments.first().is_some_and(|first| first.text == "webhdfs")
        && walked.nodes.last().is_some_and(|node| node.noun == "file" && node.is_item);
    if is_files {
        operate(walked, query);
    } else if is_signed(request, query) && is_plain(walked, path) {
        take_part(walked, path, query, method);
    }
}

/// An operation of WebHDFS.
fn operate(walked: &mut Walked, query: &Value<'_>) {
    let named = query.members().iter().filter(|(name, _)| name.eq_ignore_ascii_case("op"));
    let mut named = named.filter_map(|(_, value)| value.as_str());
    let (Some(operation), None) = (named.next(), named.next()) else { return };
    let operation = operation.to_ascii_lowercase();
    let led = || {
        BEFORE.iter().find_map(|verb| {
            let about = operation.strip_prefix(verb).filter(|about| !about.is_empty())?;
            about.bytes().all(|byte| byte.is_ascii_lowercase()).then(|| format!("{verb}_{about}"))
        })
    };
    walked.verb = match operation.as_str() {
        "mkdirs" => {
            if let Some(node) = walked.nodes.last_mut() {
                "directory".clone_into(&mut node.noun);
            }
            Some("create".to_owned())
        }
        known if OPERATIONS.contains(&known) => Some(known.to_owned()),
        _ => led().or(Some("submit".to_owned())),
    };
}

/// A part of a bucket or an object, or what else is done to it.
fn take_part(walked: &mut Walked, path: &Path, query: &Value<'_>, method: &str) {
    let is_bare = |value: &Value<'_>| matches!(value, Value::Null) || value.as_str() == Some("");
    let bare = |name: &str| query.get(name).is_some_and(is_bare);
    let part = PARTS.iter().find(|part| bare(part)).map(|part| snake(part));
    let verb = match method {
        "DELETE" if query.get("uploadId").is_some() => Some("abort_upload"),
        "PUT" if query.get("uploadId").is_some() => Some("upload_part"),
        "POST" if query.get("uploadId").is_some() => Some("complete_upload"),
        "POST" if bare("uploads") => Some("start_upload"),
        "POST" if bare("delete") => Some("delete"),
        "POST" if bare("restore") => Some("restore"),
        "POST" if bare("select") => Some("query"),
        _ => None,
    };
    match (verb, part) {
        (Some(verb), _) => walked.verb = Some(verb.to_owned()),
        (None, Some(part)) if matches!(method, "PUT" | "DELETE") => walked.part = Some(part),
        (None, None) if method == "DELETE" && query.get("versionId").is_some() => {
            walked.part = Some("version".to_owned());
        }
        _ => return,
    }
    // `POST /bucket/big.iso`: what is there already, and no thing that is made.
    let last = path.segments.len().checked_sub(1);
    let is_last = |node: &mut Node| !node.is_item && node.at == last;
    if verb.is_some() && walked.nodes.len() > 1 && path.segments.len() > 1 {
        let popped = walked.nodes.pop_if(is_last).and_then(|_| path.segments.last());
        if let (Some(own), Some(node)) = (popped, walked.nodes.last_mut()) {
            node.take_id(&own.text, last);
        }
    }
}

fn is_signed(request: &RequestRecord, query: &Value<'_>) -> bool {
    let headers = request.headers.node().members().iter();
    let mut names = headers.chain(query.members()).map(|(name, _)| name.to_ascii_lowercase());
    let signed = request.headers.get("authorization").and_then(Value::as_str);
    names.any(|name| SIGNS.contains(&name.as_str()))
        || signed.is_some_and(|field| field.starts_with(SCHEME))
}

/// Whether a path has nothing in it that the convention knows: no prefix, and no item of a thing of which
/// applications have many.
fn is_plain(walked: &Walked, path: &Path) -> bool {
    path.start == 0 && !walked.nodes.iter().any(|node| node.is_item && is_known_noun(&node.noun))
}
