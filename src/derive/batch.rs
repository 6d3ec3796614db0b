//! Several HTTP requests in one: OData's `$batch` and that of Microsoft Graph, SCIM's `/Bulk`,
//! Salesforce's `/composite`, and others of their form. Every request in it that is no read is an act, named as it would be alone.

use super::act::{ACTS_MAX, Act, Answer, More};
use super::body::{self, Value};
use super::call::Calls;
use super::naming::{named_alone, scope};
use super::path::Path;
use super::sentence::Sentence;
use super::shape::is_version;
use super::walk::walk;
use crate::record::{Scope, Target};

/// Members that hold the requests.
const LISTS: [&str; 5] = ["requests", "batchRequests", "Operations", "operations", "batch"];

/// Members of a request in which its path is.
const PATHS: [&str; 5] = ["path", "url", "relative_url", "uri", "href"];

/// Members of a request in which its body is.
const BODIES: [&str; 4] = ["body", "data", "payload", "richInput"];

/// Methods of requests that are no acts.
const READS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// The member that holds those of a composite.
const COMPOSITE: &str = "compositeRequest";

/// The requests in a body, on a path that ends in `batch`, `bulk` or `composite`.
pub(super) fn calls(path: &str, body: Option<&Value<'_>>) -> Option<Calls> {
    // `/batch/v1`, as WordPress has it.
    let mut segments = path.trim_end_matches('/').rsplit('/');
    let last = segments.find(|segment| !is_version(segment, false)).unwrap_or_default();
    let last = last.to_ascii_lowercase();
    let body = body?;
    let composite = body.get(COMPOSITE).filter(|_| last == "composite").and_then(Value::as_array);
    if !(last.ends_with("batch") || last.ends_with("bulk") || composite.is_some()) {
        return None;
    }
    let list = composite
        .or_else(|| body.as_array())
        .or_else(|| LISTS.iter().find_map(|name| body.get(name).and_then(Value::as_array)))?;
    let mut calls = Calls { kind: "requests", ..Calls::default() };
    let mut more = More::default();
    let request_of = |request: &Value<'_>| {
        let method = request.get("method").and_then(Value::as_str)?.to_ascii_uppercase();
        let path = PATHS.iter().find_map(|name| request.get(name).and_then(Value::as_str))?;
        Some((method, path.to_owned()))
    };
    // What is none of them may be anything, which hides none of the others.
    list.iter().any(|request| request_of(request).is_some()).then_some(())?;
    for (position, request) in list.iter().enumerate() {
        let Some((method, path)) = request_of(request) else {
            calls.within.push(Within::default());
            calls.acts.push(unclear(position));
            continue;
        };
        let path = path.as_str();
        // Reads have no act, and their answers are on record with the rest.
        calls.within.push(Within::of(path));
        if READS.contains(&method.as_str()) {
            continue;
        }
        if calls.acts.len() > ACTS_MAX {
            more.take(Answer::Part(position, part_id(request)));
            continue;
        }
        calls.acts.push(act(request, &method, path, position));
    }
    calls.acts.first()?;
    calls.limit(more, "request.batch", "request");
    Some(calls)
}

/// Where a request within another belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Within {
    /// By its own path.
    own: Scope,
    /// Its path begins where that of the whole does, so that it belongs there as well.
    is_relative: bool,
}

impl Within {
    fn of(path: &str) -> Self {
        let is_relative = !path.starts_with('/') && !path.contains("..") && !path.contains("://");
        let walked = walk(&Path::read(bare(path)), "GET");
        Self { own: scope(&walked.nodes), is_relative }
    }

    /// The scope of a request, in one with this scope.
    fn in_scope(&self, outer: &Scope) -> Scope {
        let outer = outer.iter().filter(|_| self.is_relative);
        outer.chain(&self.own).map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

/// Where all requests within one belong, and where each does: who may see the one may see the whole.
pub(super) fn shared(outer: &Scope, within: &[Within]) -> (Scope, Vec<Scope>) {
    let each: Vec<Scope> = within.iter().map(|within| within.in_scope(outer)).collect();
    let mut shared = each.first().cloned().unwrap_or_default();
    shared.retain(|name, value| each.iter().all(|own| own.get(name) == Some(value)));
    (shared, each)
}

/// A request that cannot be read.
fn unclear(position: usize) -> Act {
    Act {
        action: "request.call".to_owned(),
        category: "request".to_owned(),
        targets: vec![Target { kind: "request".to_owned(), ..Target::default() }],
        sentence: Sentence { verb: "run".to_owned(), ..Sentence::default() },
        answer: Answer::Part(position, None),
    }
}

/// The path of an address, without its query.
fn bare(path: &str) -> &str {
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => path,
    };
    path.split(['?', '#']).next().unwrap_or_default()
}

fn act(request: &Value<'_>, method: &str, path: &str, position: usize) -> Act {
    let path = bare(path);
    let body = BODIES.iter().find_map(|name| request.get(name));
    let named = named_alone(method, path, body);
    Act { answer: Answer::Part(position, part_id(request)), ..named }
}

/// The id of a request within another, by which its answer is found.
fn part_id(request: &Value<'_>) -> Option<String> {
    ["id", "bulkId", "referenceId"].iter().find_map(|name| body::scalar(request.get(name)?))
}
