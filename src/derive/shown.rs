//! Whether what a response shows is the thing that was acted upon.
//!
//! A response may show anything: the thing, a job that will see to it, a copy, whoever it was given
//! to. Its name is the target's only if the same object has the target's id.

use super::body::{self, Found, Members, Value, scalar};
use super::text::letters;
use super::words::{singular, snake};
use crate::record::Target;

/// Members that hold an id of the object they are in, whatever else it is called.
const IDS: [&str; 5] = ["id", "_id", "uuid", "uid", "Id"];

/// Members by which an object may be known in a path as well.
const KEYS: [&str; 7] = ["key", "name", "slug", "username", "login", "email", "displayName"];

/// Members by which what holds the target is known in a path.
const OUTER: [&str; 11] =
    ["id", "_id", "uuid", "uid", "Id", "ID", "number", "iid", "key", "slug", "name"];

/// Members by which things are called.
const CALLED: [&str; 7] =
    ["name", "displayName", "display_name", "title", "slug", "username", "login"];

/// Values of one level of what was sent that are looked at, and levels.
const SENT_MAX: usize = 100;
const SENT_DEPTH: usize = 2;

/// Members that say what an object is.
const KINDS: [&str; 6] = ["@type", "kind", "object", "resourceType", "resource_type", "type"];

/// What stands for something that is still to be done.
const OPERATIONS: [&str; 6] = ["execution", "job", "operation", "run", "task", "workflow"];

/// Its states before it is carried out.
const WAITING: [&str; 6] =
    ["accepted", "in_progress", "pending", "processing", "queued", "running"];

/// Its states when it was.
const ENDED: [&str; 5] = ["completed", "done", "finished", "succeeded", "success"];

/// Whether an object is the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    It,
    Another,
    /// It says nothing of which one it is.
    Unsaid,
}

/// Whether things of this kind end by themselves, well or not: jobs, runs, tasks.
pub(super) fn is_run(kind: &str) -> bool {
    OPERATIONS.contains(&kind.rsplit('_').next().unwrap_or(kind))
}

/// Whether a body is an operation, a job or a status rather than a thing of this kind.
pub(super) fn is_operation(body: &Value<'_>, kind: &str) -> bool {
    let is = is_run;
    if is(kind) {
        return false;
    }
    let named = |name: &&str| Some(snake(body.get(name)?.as_str()?));
    let is_done = matches!(body.get("done"), Some(Value::Bool(_)));
    let is_under = |name: &str| name.starts_with("operations/") || name.contains("/operations/");
    is_done
        || is_called_so(body)
        || KINDS.iter().filter_map(named).any(|own| is(&own) || own == "status")
        || body.get("name").and_then(Value::as_str).is_some_and(is_under)
}

/// Whether a body is named as an operation is, and has its state: `{"name": "op-17", "status": "PENDING"}`.
fn is_called_so(body: &Value<'_>) -> bool {
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default();
    let is_name = name.split_once(['-', '_']).is_some_and(|(first, rest)| {
        (first == "op" || OPERATIONS.contains(&first))
            && rest.bytes().any(|byte| byte.is_ascii_digit())
    });
    let is_state = |state: &str| {
        let state = snake(state);
        WAITING.contains(&state.as_str()) || ENDED.contains(&state.as_str())
    };
    let mut states = ["state", "status"].iter().filter_map(|it| body.get(it)?.as_str());
    is_name && states.any(is_state)
}

/// Members with the id of what will see to it.
const OPERATION_IDS: [&str; 6] = ["job", "job_id", "operation", "operation_id", "task", "task_id"];

/// What stands beside such an id, where nothing is shown of what was made.
const BESIDE: [&str; 7] = ["message", "msg", "ok", "state", "status", "success", "url"];

/// What ids of tasks of Proxmox begin with: <https://pve.proxmox.com/wiki/Proxmox_VE_API>
const TASK: &str = "UPID:";

/// Whether a body is an operation that has yet to be carried out, or no more than its id.
pub(super) fn is_pending(verb: &str, body: &Value<'_>, targets: &[Target]) -> bool {
    let Some(target) = targets.first() else { return false };
    if is_queued(verb, body, target) {
        return true;
    }
    if let [(name, value)] = body.members()
        && !is_run(&target.kind)
    {
        let name = snake(name);
        let is_id = OPERATION_IDS.contains(&name.as_str())
            && scalar(value).is_some_and(|id| name.ends_with("_id") || body::is_plain_id(&id));
        let is_task = value.as_str().is_some_and(|text| text.starts_with(TASK));
        let is_accepted = name == "accepted" && *value == Value::Bool(true) && verb != "accept";
        if is_id || is_task || is_accepted {
            return true;
        }
    }
    // What an action is told of that was ordered, as DigitalOcean has it.
    if let [(name, action @ Value::Object(_))] = body.members()
        && name == "action"
    {
        return is_waiting(action);
    }
    let is_open = body.get("done") == Some(&Value::Bool(false)) || is_waiting(body);
    is_open && is_operation(body, &target.kind)
}

/// Whether the state of an operation is that it has yet to be carried out.
fn is_waiting(operation: &Value<'_>) -> bool {
    is_in_state(operation, "status")
}

fn is_in_state(operation: &Value<'_>, name: &str) -> bool {
    let state = operation.get(name).and_then(Value::as_str).map(snake);
    state.is_some_and(|state| WAITING.contains(&state.as_str()))
}

/// Whether a body says that something waits which will see to it, and is no such thing that was made:
/// `{"status": "queued", "job_id": "j1"}`, `{"job": {"id": "j1", "status": "queued"}}`,
/// `{"id": 17, "name": "stop-job", "state": "queued"}`.
fn is_queued(verb: &str, body: &Value<'_>, target: &Target) -> bool {
    let waits = |it: &Value<'_>| is_waiting(it) || is_in_state(it, "state");
    let is_it = |it: &Value<'_>| is_same(it, &target.kind, target.name.as_deref());
    if is_run(&target.kind) {
        return false;
    }
    if let [(name, operation @ Value::Object(_))] = body.members() {
        let name = snake(name);
        let is_operation = is_run(name.strip_suffix("_status").unwrap_or(&name));
        return is_operation && waits(operation) && !is_it(operation);
    }
    if !waits(body) || is_it(body) {
        return false;
    }
    let is_id = |name: &str| name.ends_with("_id") && OPERATION_IDS.contains(&name);
    // What was made may belong to a task.
    let is_beside = |name: &str| is_id(name) || BESIDE.contains(&name);
    let names = || body.members().iter().map(|(name, _)| snake(name));
    match body.get("id").and_then(scalar) {
        None => {
            names().any(|name| is_id(&name))
                && (verb != "create" || names().all(|name| is_beside(&name)))
        }
        Some(id) => {
            let name = body.get("name").and_then(Value::as_str).map(snake).unwrap_or_default();
            let is_called_so = name.contains('_') && is_run(&name);
            is_called_so && !matches!(verb, "create" | "update") && target.id.as_ref() != Some(&id)
        }
    }
}

/// The name that a body gives to the target with this id, and where it stands; `trusts` says that an
/// object without an id is it.
pub(super) fn name_of<'b>(
    body: &'b Value<'b>,
    kind: &'b str,
    id: Option<&str>,
    trusts: bool,
) -> Option<Found<'b>> {
    if is_operation(body, kind) {
        return None;
    }
    body::objects(body, kind).find_map(|(outer, object)| {
        let fits = match which(body::whole(body, outer, object), kind, id) {
            Is::It => true,
            Is::Unsaid => trusts,
            Is::Another => false,
        };
        body::name_in(outer, object, kind).filter(|_| fits)
    })
}

/// Whether a body shows what holds the target with this id rather than the target: it has an id or the
/// name of that, and repeats nothing of what was sent.
pub(super) fn is_outer(
    body: &Value<'_>,
    (kind, id): (&str, Option<&str>),
    outer: &[&str],
    sent: Option<&Value<'_>>,
) -> bool {
    let has = |object: &Members<'_>, ids: &[&str]| {
        let mut own = OUTER.iter().filter_map(|name| scalar(member(object, name)?));
        own.any(|own| ids.contains(&own.as_str()))
    };
    let is_known =
        |(_, object): &(_, &Members<'_>)| OUTER.iter().any(|name| member(object, name).is_some());
    let Some((_, object)) = body::objects(body, kind).find(is_known) else { return false };
    // `{"id": 1, "user_id": 1}` is what the user has.
    let refers = || {
        object.iter().any(|(name, value)| {
            let is_id = !OUTER.contains(&name.as_ref()) && snake(name).ends_with("_id");
            is_id && scalar(value).is_some_and(|own| outer.contains(&own.as_str()))
        })
    };
    let repeats = || {
        let sent = sent.into_iter().flat_map(|sent| body::objects(sent, kind));
        sent.flat_map(|(_, sent)| sent).any(|(name, value)| {
            let same = |own: &Value<'_>| scalar(own).is_some() && scalar(own) == scalar(value);
            member(object, name).is_some_and(same)
                || snake(name).ends_with("id") && member(object, "id").is_some_and(same)
        })
    };
    let is_it = || id.is_some() && which(object, kind, id) == Is::It;
    let is_called = || sent.is_some_and(|sent| is_called_as(object, outer, sent));
    (has(object, outer) || is_called()) && !is_it() && !refers() && !repeats()
}

/// Whether an object has another name than anything that was sent, and one that is written like what holds the
/// target: `Core team`, of the members of `core`, and `Operations`, of those of `ops`.
fn is_called_as(object: &Members<'_>, outer: &[&str], sent: &Value<'_>) -> bool {
    let is_like = |name: &str| outer.iter().any(|outer| is_short_for(outer, name));
    let names = || CALLED.iter().filter_map(|name| member(object, name)?.as_str());
    names().any(is_like) && !names().any(|name| is_sent(sent, name, SENT_DEPTH))
}

/// Whether a text was sent, as it is or written otherwise.
fn is_sent(sent: &Value<'_>, text: &str, depth: usize) -> bool {
    let inner = |value: &Value<'_>| depth > 0 && is_sent(value, text, depth - 1);
    match sent {
        Value::String(own) => letters(own).eq(letters(text)),
        Value::Array(items) => items.iter().take(SENT_MAX).any(inner),
        sent => sent.members().iter().take(SENT_MAX).any(|(_, value)| inner(value)),
    }
}

/// Whether all letters of a word stand in a name, in their order, and both begin alike.
fn is_short_for(word: &str, name: &str) -> bool {
    let is_word = word.len() > 1 && word.bytes().any(|byte| byte.is_ascii_alphabetic());
    let is_alike = letters(word).next() == letters(name).next();
    let mut rest = letters(name);
    is_word && is_alike && letters(word).all(|letter| rest.any(|other| other == letter))
}

/// Whether a body shows the target with this id, or one where none is known, and its name.
pub(super) fn is_named(body: &Value<'_>, kind: &str, id: Option<&str>) -> bool {
    !is_operation(body, kind)
        && body::objects(body, kind).any(|(outer, object)| {
            let whole = body::whole(body, outer, object);
            let has_id = IDS.iter().any(|name| member(whole, name).is_some());
            let fits = match id {
                Some(_) => which(whole, kind, id) == Is::It,
                None => has_id || body::has_id_of(whole, kind),
            };
            // A slug is made of the name that was sent.
            let is_name = |(_, at): &Found<'_>| !at.to_string().ends_with("slug");
            fits && body::name_in(outer, object, kind).as_ref().is_some_and(is_name)
        })
}

/// Whether a body shows a thing of this name, or says that it is one of this kind.
pub(super) fn is_same(body: &Value<'_>, kind: &str, name: Option<&str>) -> bool {
    let shown = body::name_at(body, kind).map(|(name, _)| name);
    let is_kind = |own: &str| singular(&snake(own)) == kind;
    (name.is_some() && shown.as_deref() == name)
        || KINDS.iter().filter_map(|name| body.get(name)?.as_str()).any(is_kind)
}

fn which(object: &Members<'_>, kind: &str, id: Option<&str>) -> Is {
    let own = |name: &str| member(object, name).and_then(scalar);
    let ids = || IDS.iter().filter_map(|name| own(name)).chain(body::own_id(object, kind));
    match id {
        Some(id) if ids().chain(KEYS.iter().filter_map(|name| own(name))).any(|it| it == id) => {
            Is::It
        }
        Some(_) if ids().next().is_some() => Is::Another,
        Some(_) => Is::Unsaid,
        None => Is::It,
    }
}

fn member<'b>(object: &'b Members<'b>, name: &str) -> Option<&'b Value<'b>> {
    object.iter().find(|(other, _)| other == name).map(|(_, value)| value)
}
