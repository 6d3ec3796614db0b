//! Commands in JSON, where the path says of no thing that something is done to it:
//! `POST /api {"action": "deleteUser", "params": {"id": 5}}`, `POST /command {"command": "restart"}`.
//!
//! The body is the client's. It names a request only at an endpoint whose whole path says that it is one:
//! elsewhere an `action` may be anything, as what is allowed, or what was logged. What could be read in
//! two ways, or only reads, is submitted, and makes nothing.

use super::act::{Act, Answer};
use super::acting::is_bare;
use super::body::{self, Value};
use super::call::{Calls, of_call, thing_meant};
use super::endpoint::reads;
use super::path::Path;
use super::rpc;
use super::verbs::{compound, is_on_item, is_verb};
use super::walk::Walked;
use crate::record::{RequestRecord, Target};

/// What the calls are.
pub(super) const KIND: &str = "commands";

/// Last words of paths at which commands are taken.
const ENDPOINTS: [&str; 18] = [
    "ajax",
    "backend",
    "cmd",
    "command",
    "control",
    "controller",
    "dispatch",
    "dispatcher",
    "do",
    "endpoint",
    "exec",
    "execute",
    "handler",
    "invoke",
    "perform",
    "proxy",
    "run",
    "service",
];

/// Members with the command.
const COMMANDS: [&str; 10] =
    ["act", "action", "cmd", "command", "do", "func", "function", "method", "op", "operation"];

/// Members with what it is given.
const GIVEN: [&str; 8] =
    ["args", "arguments", "body", "data", "input", "parameters", "params", "payload"];

/// Members with what a command is for that says but what is done, and whether they say what kind that is.
const MEANT: [(&str, bool); 13] = [
    ("user", true),
    ("username", false),
    ("host", true),
    ("instance", true),
    ("server", true),
    ("service", true),
    ("job", true),
    ("container", true),
    ("node", true),
    ("target", false),
    ("resource", false),
    ("id", false),
    ("name", false),
];

/// Methods of HTTP, by which a proxy is told how to send what it is sent.
const METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// Longer texts are no commands.
const BYTES_MAX: usize = 80;

/// Whether commands are taken at a path, and one is sent.
pub(super) fn is_sent(
    path: &Path,
    walked: &Walked,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
) -> bool {
    takes(path, walked, request) && body.is_some_and(|body| commands(body).next().is_some())
}

/// The command in a body, if it can be read in one way and changes something.
pub(super) fn calls(
    path: &Path,
    walked: &Walked,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
) -> Option<Calls> {
    let body = body.filter(|_| takes(path, walked, request))?;
    let mut commands = commands(body);
    let command = commands.next().filter(|_| commands.next().is_none())?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte);
    let is_word = command.len() <= BYTES_MAX && command.bytes().all(is_name);
    if !is_word || METHODS.contains(&command) {
        return None;
    }
    let given = GIVEN.iter().filter_map(|name| body.get(name));
    let given = given.into_iter().find(|it| matches!(it, Value::Object(_) | Value::Array(_)));
    let act = act(command, given.unwrap_or(body))?;
    Some(Calls { acts: vec![act], count: 1, kind: KIND, ..Calls::default() })
}

/// Whether JSON is sent to an endpoint of commands; forms are those of scripts.
fn takes(path: &Path, walked: &Walked, request: &RequestRecord) -> bool {
    let is_json = request.content_type.as_deref().is_some_and(|kind| kind.contains("json"));
    let last = path.segments.last().and_then(|last| last.word.as_deref());
    let is_named = last.is_some_and(|word| ENDPOINTS.contains(&word));
    let is_open = walked.nodes.iter().all(|node| !node.is_item && !node.is_collection());
    is_json && (is_bare(path) || is_named && is_open && walked.part.is_none())
}

/// The commands in a body.
fn commands<'b>(body: &'b Value<'b>) -> impl Iterator<Item = &'b str> {
    COMMANDS.iter().filter_map(|name| body.get(name)?.as_str()).filter(|text| !text.is_empty())
}

fn act(command: &str, given: &Value<'_>) -> Option<Act> {
    let act = rpc::named(command, given, Answer::Rest);
    let (noun, verb) = act.action.rsplit_once('.')?;
    let first = verb.split('_').next().unwrap_or_default();
    let is_known = is_verb(first) || compound(verb).is_some() || is_on_item(verb);
    if !is_known || reads(&act) {
        return None;
    }
    if noun != "rpc" {
        return Some(act);
    }
    if let Some(thing) = thing_meant(given) {
        return Some(of_call(&thing, verb, given, Answer::Rest));
    }
    let meant = MEANT.iter().find_map(|(name, is_kind)| {
        let id = body::scalar(given.get(name)?)?;
        Some((if *is_kind { *name } else { "resource" }, id))
    });
    let (kind, id) = meant.map_or(("resource", None), |(kind, id)| (kind, Some(id)));
    let act = of_call(kind, verb, &Value::Null, Answer::Rest);
    Some(Act { targets: vec![Target { kind: kind.to_owned(), id, name: None }], ..act })
}
