//! Several HTTP requests in one: OData's `$batch` and that of Microsoft Graph, SCIM's `/Bulk`, and
//! others of their form. Every request in it that is no read is an act, named as it would be alone.

use super::act::{ACTS_MAX, Act, Answer};
use super::body::{self, Value};
use super::call::Calls;
use super::naming::named_alone;

/// Members that hold the requests.
const LISTS: [&str; 4] = ["requests", "Operations", "operations", "batch"];

/// Members of a request in which its path is.
const PATHS: [&str; 5] = ["path", "url", "relative_url", "uri", "href"];

/// Members of a request in which its body is.
const BODIES: [&str; 3] = ["body", "data", "payload"];

/// Methods of requests that are no acts.
const READS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// The requests in a body, on a path that ends in `batch` or `bulk`.
pub(super) fn calls(path: &str, body: Option<&Value<'_>>) -> Option<Calls> {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let last = last.to_ascii_lowercase();
    if !(last.ends_with("batch") || last.ends_with("bulk")) {
        return None;
    }
    let body = body?;
    let list = body
        .as_array()
        .or_else(|| LISTS.iter().find_map(|name| body.get(name).and_then(Value::as_array)))?;
    let mut calls = Calls { kind: "requests", ..Calls::default() };
    let mut more = 0;
    for (position, request) in list.iter().enumerate() {
        let method = request.get("method").and_then(Value::as_str)?.to_ascii_uppercase();
        let path = PATHS.iter().find_map(|name| request.get(name).and_then(Value::as_str))?;
        if READS.contains(&method.as_str()) {
            continue;
        }
        if calls.acts.len() > ACTS_MAX {
            more += 1;
            continue;
        }
        calls.acts.push(act(request, &method, path, position));
    }
    calls.acts.first()?;
    calls.limit(more, false, "request.batch", "request");
    Some(calls)
}

fn act(request: &Value<'_>, method: &str, path: &str, position: usize) -> Act {
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => path,
    };
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let body = BODIES.iter().find_map(|name| request.get(name));
    let id = ["id", "bulkId"].iter().find_map(|name| body::scalar(request.get(name)?));
    let named = named_alone(method, path, body);
    Act { answer: Answer::Part(position, id), ..named }
}
