//! Commands in JSON, where the path says of no thing that something is done to it:
//! `POST /api {"action": "deleteUser", "params": {"id": 5}}`, `POST /command {"command": "restart"}`.
//!
//! The body is the client's. It names a request only at an endpoint whose whole path says that it is one:
//! elsewhere an `action` may be anything, as what is allowed, or what was logged. What could be read in
//! two ways, or only reads, is submitted, and makes nothing.

use std::borrow::Cow;

use super::act::{ACTS_MAX, Act, Answer};
use super::acting::is_bare;
use super::body::{self, Value};
use super::call::{Calls, noun_and_verb, of_call, thing_meant};
use super::endpoint::reads;
use super::nouns::is_known_noun;
use super::path::Path;
use super::rpc;
use super::signs::MEMBERS_MAX;
use super::verbs::{compound, is_on_item, is_verb};
use super::walk::Walked;
use super::words::{is_plural, singular, snake};
use crate::record::{RequestRecord, Target};

/// What the calls are.
pub(super) const KIND: &str = "commands";

/// Last words of paths at which commands are taken.
const ENDPOINTS: [&str; 19] = [
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
    "rpc",
    "run",
    "service",
];

/// Members with the command.
const COMMANDS: [&str; 10] =
    ["act", "action", "cmd", "command", "do", "func", "function", "method", "op", "operation"];

/// Members that may have it where there is none of those, if it says what is done to what:
/// `{"type": "DELETE_USER"}`.
const OTHERS: [&str; 2] = ["request", "type"];

/// Members that say what kind of thing is meant, and whether that alone is what they say.
const KINDS: [(&str, bool); 10] = [
    ("resource", true),
    ("resource_type", true),
    ("entity", true),
    ("entity_type", true),
    ("model", true),
    ("object", true),
    ("table", true),
    ("collection", true),
    ("type", false),
    ("kind", false),
];

/// Members with what it is given.
const GIVEN: [&str; 8] =
    ["args", "arguments", "body", "data", "input", "parameters", "params", "payload"];

/// Members with what a command is for that says but what is done, and whether they say what kind that is.
const MEANT: [(&str, bool); 14] = [
    ("mbean", true),
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

/// Segments before the last one below which commands are taken: `/cmd/devmgr`.
const FOLDERS: [&str; 3] = ["cmd", "command", "commands"];

/// Longer texts are no commands.
const BYTES_MAX: usize = 80;

/// Takes what is sent where commands are taken for submitted, if it may be one: at the path of an API as a
/// whole nothing is made.
pub(super) fn submit(
    walked: &mut Walked,
    path: &Path,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
) {
    let is_whole = is_bare(path);
    let is_open = is_whole && request.method == "POST";
    walked.is_submitted |= takes(path, walked, request)
        && body.is_some_and(|body| is_open || commands(body).next().is_some());
    // `/api/v1`, of which no version is made.
    if let ([node], true) = (walked.nodes.as_mut_slice(), is_whole) {
        "api".clone_into(&mut node.noun);
    }
}

/// The command in a body, if it can be read in one way and changes something.
pub(super) fn calls(
    path: &Path,
    walked: &Walked,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
) -> Option<Calls> {
    let body = body.filter(|body| {
        let first = body.as_array().and_then(<[_]>::first).unwrap_or(body);
        takes(path, walked, request) || is_json(request) && of_protocol(first).is_some()
    })?;
    let acts = match body.as_array() {
        // Of more than are told apart nothing is told.
        Some(several) if several.len() <= ACTS_MAX => {
            let own =
                |at: usize| if several.len() > 1 { Answer::Part(at, None) } else { Answer::Rest };
            let each = several.iter().enumerate().map(|(at, body)| called(body, own(at)));
            each.collect::<Option<Vec<Act>>>()?
        }
        Some(_) => return None,
        None => vec![called(body, Answer::Rest)?],
    };
    let count = acts.len();
    (count > 0).then(|| Calls { acts, count, kind: KIND, ..Calls::default() })
}

/// The one command of an object.
fn called(body: &Value<'_>, answer: Answer) -> Option<Act> {
    if let Some((command, given)) = of_protocol(body) {
        return act(&command, given, body, answer);
    }
    let mut commands = commands(body);
    let (command, is_plain) = match commands.next() {
        Some(command) => (command, commands.next().is_none()),
        None => {
            let mut others = OTHERS.iter().filter_map(|name| body.get(name)?.as_str());
            (others.find(|name| says_to_what(name))?, true)
        }
    };
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte);
    let is_word = command.len() <= BYTES_MAX && command.bytes().all(is_name);
    if !is_plain || !is_word || METHODS.contains(&command) {
        return None;
    }
    let given = GIVEN.iter().filter_map(|name| body.get(name));
    let given = given.into_iter().find(|it| matches!(it, Value::Object(_) | Value::Array(_)));
    act(command, given.unwrap_or(body), body, answer)
}

/// The command of a body that says by its members which protocol it is of, and what that is given: of
/// Ext.Direct, and of Jolokia.
///
///   <https://docs.sencha.com/extjs/7.0.0/guides/backend_connectors/direct/specification.html>
///   <https://jolokia.org/reference/html/manual/jolokia_protocol.html#exec>
fn of_protocol<'b>(body: &'b Value<'b>) -> Option<(String, &'b Value<'b>)> {
    let text = |name: &str| body.get(name)?.as_str().filter(|text| text.len() <= BYTES_MAX);
    match text("type")? {
        "rpc" if body.get("tid").is_some() => {
            let command = format!("{}.{}", text("action")?, text("method")?);
            Some((command, body.get("data").unwrap_or(body)))
        }
        "exec" if body.get("mbean").is_some() => {
            Some((text("operation")?.split('(').next()?.to_owned(), body))
        }
        _ => None,
    }
}

/// Whether a text says what is done to what: `DELETE_USER`.
fn says_to_what(text: &str) -> bool {
    noun_and_verb(text).is_some_and(|(noun, _)| !noun.is_empty())
}

/// Whether JSON is sent to an endpoint of commands; forms are those of scripts.
fn takes(path: &Path, walked: &Walked, request: &RequestRecord) -> bool {
    let last = path.segments.last().and_then(|last| last.word.as_deref());
    let is_named = last.is_some_and(|word| ENDPOINTS.contains(&word));
    let before = path.segments.len().checked_sub(2).and_then(|at| path.segments.get(at));
    let before = before.and_then(|before| before.word.as_deref());
    let is_named = is_named || before.is_some_and(|word| FOLDERS.contains(&word));
    let is_open = walked.nodes.iter().all(|node| !node.is_item && !node.is_collection());
    is_json(request) && (is_bare(path) || is_named && is_open && walked.part.is_none())
}

fn is_json(request: &RequestRecord) -> bool {
    request.content_type.as_deref().is_some_and(|kind| kind.contains("json"))
}

/// The commands in a body.
fn commands<'b>(body: &'b Value<'b>) -> impl Iterator<Item = &'b str> {
    COMMANDS.iter().filter_map(|name| body.get(name)?.as_str()).filter(|text| !text.is_empty())
}

fn act(command: &str, given: &Value<'_>, body: &Value<'_>, answer: Answer) -> Option<Act> {
    let act = rpc::named(command, given, answer.clone());
    let (noun, verb) = act.action.rsplit_once('.')?;
    let first = verb.split('_').next().unwrap_or_default();
    let is_known = is_verb(first) || compound(verb).is_some() || is_on_item(verb);
    if !is_known || reads(&act) {
        return None;
    }
    if noun != "rpc" {
        return Some(act);
    }
    if let Some(kind) = kind_meant(given).or_else(|| kind_meant(body)) {
        let mut act = of_call(&kind, verb, given, answer);
        if let [target @ Target { id: None, .. }] = act.targets.as_mut_slice() {
            target.id = body::id(body, &kind);
        }
        return Some(act);
    }
    if let Some(thing) = thing_meant(given) {
        return Some(of_call(&thing, verb, given, answer));
    }
    let meant = MEANT.iter().find_map(|(name, is_kind)| {
        let id = body::scalar(given.get(name)?)?;
        Some((if *is_kind { *name } else { "resource" }, id))
    });
    let (kind, id) = meant.map_or(("resource", None), |(kind, id)| (kind, Some(id)));
    let act = of_call(kind, verb, &Value::Null, answer);
    Some(Act { targets: vec![Target { kind: kind.to_owned(), id, name: None }], ..act })
}

/// The kind of thing that is said beside a command, if it is more than one of them, or an id beside it says
/// which: `{"action": "delete", "resource": "users", "id": 5}`.
fn kind_meant(place: &Value<'_>) -> Option<String> {
    let has_id = ["id", "ids", "uuid"].iter().any(|name| place.get(name).is_some());
    let said = |(name, value): &(Cow<'_, str>, Value<'_>)| {
        let name = snake(name);
        let (_, is_plain) = KINDS.iter().find(|(known, _)| *known == name)?;
        let word = snake(value.as_str().filter(|word| word.len() <= BYTES_MAX)?);
        let is_word = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let kind = singular(&word);
        let is_kind = is_word && !is_verb(&word) && (*is_plain || is_known_noun(&kind));
        (is_kind && !kind.is_empty() && (has_id || is_plural(&word))).then_some(kind)
    };
    let mut kinds = place.members().iter().take(MEMBERS_MAX).filter_map(said);
    kinds.next().filter(|_| kinds.next().is_none())
}
