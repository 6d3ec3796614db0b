//! Whether a request may be a call, whose name is in its body.
//!
//! A body is the client's: whoever deletes a user can send a JSON-RPC member along. So the body
//! names a request only where the path does not: at an endpoint of calls, or where the path says of
//! no thing what is done to it. Elsewhere the path counts, and it is noted.

use super::body::Value;
use super::call::Calls;
use super::graphql::{self, Operation};
use super::method::Method;
use super::nouns::{is_part, is_singleton, known_category};
use super::path::Path;
use super::walk::Walked;
use super::{atomic, batch, commands, elastic, lists, operations, rpc, trpc};
use crate::record::{RequestRecord, Tree};

/// The body looks like a call, and is not taken for one.
pub(super) const LOOKS_LIKE_CALL: &str = "call_in_body";

/// Last segments of paths at which calls are answered.
const ENDPOINTS: [&str; 10] =
    ["api", "api_jsonrpc", "gql", "graphql", "json_rpc", "jsonrpc", "mcp", "rpc", "rpc2", "xmlrpc"];

/// Segments below which calls are answered.
const FOLDERS: [&str; 2] = ["call_kw", "call_button"];

/// Verbs of calls that say that nothing is changed.
pub(super) const READS: [&str; 8] =
    ["count", "export", "find", "get", "list", "query", "read", "search"];

/// What a body calls, and whether it looks like a call without being one.
#[derive(Default)]
pub(super) struct Called {
    pub(super) calls: Option<Calls>,
    pub(super) is_ignored: bool,
    /// And as a call it would be no read.
    pub(super) may_act: bool,
    /// Calls are answered there.
    pub(super) is_at_endpoint: bool,
}

/// The calls of a request; `is_routed` says that a rule or a document is for its path.
pub(super) fn called(
    request: &RequestRecord,
    body: Option<&Value<'_>>,
    method: &Method,
    (path, walked): (&Path, &Walked),
    is_routed: bool,
) -> Called {
    let query = request.query.as_ref().map(Tree::node);
    let is_endpoint = is_endpoint(path, walked);
    let is_post = method.sent == "POST";
    let is_called = is_endpoint || is_post && rpc::is_bare_call(body) && !is_known(walked);
    let is_get = matches!(method.sent.as_str(), "GET" | "HEAD");
    let calls = graphql::calls(&request.path, query, body)
        .filter(|_| is_endpoint || graphql::is_operation_in(body))
        .or_else(|| rpc::calls(body, is_called || path.segments.is_empty() && !path.is_cut))
        .or_else(|| trpc::calls(&request.path, query, body).filter(|_| is_post))
        .or_else(|| trpc::function(&request.path, body).filter(|_| is_post && !is_routed))
        .or_else(|| batch::calls(&request.path, body))
        .or_else(|| atomic::calls(body))
        .or_else(|| lists::calls(walked, body))
        .or_else(|| elastic::calls(path, body))
        .or_else(|| operations::calls(request, body, path))
        .or_else(|| commands::calls(path, walked, request, body).filter(|_| is_post && !is_routed));
    let Some(calls) = calls else {
        return Called { is_at_endpoint: is_endpoint, ..Called::default() };
    };
    let says_nothing = || !is_routed && !says_what(walked);
    let is_one = match (calls.graphql, calls.kind) {
        (Some(_), _) if is_endpoint => is_post || is_get,
        // Whoever says that it is but a query is believed only where queries are answered.
        (Some(operation), _) => is_post && says_nothing() && operation != Operation::Query,
        (None, "requests") => is_post && !walked.nodes.iter().any(|node| node.is_collection()),
        (None, lists::KIND | trpc::KIND | trpc::FUNCTIONS | commands::KIND) => is_post,
        (None, elastic::KIND) => is_post || method.sent == "PUT",
        (None, "operations" | atomic::KIND) => is_post && !is_routed,
        (None, operations::SOAP) => {
            let is_service =
                || operations::is_envelope(request, body) && may_be_service(path, walked);
            is_post && !is_routed && (is_service() || says_nothing())
        }
        (None, _) if is_endpoint => is_post,
        (None, _) if is_called && !is_routed => is_post && !calls.acts.iter().any(reads),
        (None, _) => is_post && says_nothing() && !calls.acts.iter().any(reads),
    };
    let may_act = match calls.graphql {
        Some(operation) => operation != Operation::Query,
        None => !calls.acts.iter().all(reads),
    };
    match is_one {
        true => Called { calls: Some(calls), is_at_endpoint: is_endpoint, ..Called::default() },
        false => {
            Called { is_ignored: true, may_act, is_at_endpoint: is_endpoint, ..Called::default() }
        }
    }
}

/// Whether a call is named as one that changes nothing.
pub(super) fn reads(act: &super::act::Act) -> bool {
    let verb = act.action.rsplit_once('.').map_or("", |(_, verb)| verb);
    READS.contains(&verb.split('_').next().unwrap_or_default())
}

/// Whether calls are answered at a path, by its name; an item may have any name.
fn is_endpoint(path: &Path, walked: &Walked) -> bool {
    let Some(at) = path.segments.len().checked_sub(1) else { return false };
    let is_item = walked.nodes.iter().any(|node| node.slots.contains(&at));
    let word = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let last = path.segments.last().map(|last| word(&last.text)).unwrap_or_default();
    let before = at.checked_sub(1).and_then(|at| path.segments.get(at));
    let before = before.map(|before| word(&before.text)).unwrap_or_default();
    let is_named = |word: &str| ENDPOINTS.contains(&word) || word.starts_with("graphql");
    let is_below = path.segments.iter().any(|it| FOLDERS.contains(&it.text.as_str()));
    is_below || (!is_item && (is_named(&last) || before == "graphql"))
}

/// Whether a path may be that of a service which is sent envelopes: it says neither what is done nor, by
/// a number, to which thing. `/ws/users`, `/services/UserService`.
fn may_be_service(path: &Path, walked: &Walked) -> bool {
    let slots = walked.nodes.iter().flat_map(|node| &node.slots);
    let is_word =
        |slot: &usize| path.segments.get(*slot).is_some_and(|segment| segment.word.is_some());
    walked.verb.is_none() && walked.part.is_none() && slots.into_iter().all(is_word)
}

/// Whether a path says what is done, or upon which kind of thing that is known.
fn is_known(walked: &Walked) -> bool {
    let is_kind =
        |noun: &str| is_singleton(noun) || is_part(noun) || known_category(noun).is_some();
    walked.verb.is_some()
        || walked.part.is_some()
        || walked.nodes.last().is_some_and(|node| is_kind(&node.noun))
}

/// Whether a path says what is done to which thing.
fn says_what(walked: &Walked) -> bool {
    let Some(node) = walked.nodes.last() else { return false };
    // `/v1/query`, `/execute`: that something is asked, and nothing else.
    let is_asked = node.noun == "resource"
        && matches!(walked.verb.as_deref(), Some("query" | "execute" | "run" | "invoke"));
    if is_asked {
        return false;
    }
    walked.verb.is_some()
        || walked.part.is_some()
        || node.is_item
        || node.is_collection()
        || is_singleton(&node.noun)
        || is_part(&node.noun)
        || known_category(&node.noun).is_some()
}
