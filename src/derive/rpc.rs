//! JSON-RPC and XML-RPC: calls by their methods, alone and in batches. Those of version 1.0 do not say that they are
//! such, so that they are taken for calls only where calls are answered.

mod multicall;
mod within;
mod xml;

use std::borrow::Cow;

pub(super) use self::multicall::{Told, results, told};
pub(super) use self::within::of_odoo;
pub(super) use self::xml::{fault as xml_fault, result as xml_result};
use super::act::{ACTS_MAX, Act, Answer, More};
use super::alike::in_any_case;
use super::body::{self, Value};
use super::call::{Calls, noun_and_verb, of_call, places};
use super::holders::{named as named_in, referred};
use super::naming::is_right;
use super::text::bounded;
use super::verbs::{canonical, compound};
use super::words::{GROUPS, singular, snake};
use crate::record::Target;

/// The members of a call of version 1.0, and of some that are between the two.
const OF_FIRST: [&str; 8] =
    ["arguments", "auth", "id", "method", "params", "session", "tag", "version"];

/// The members of a call that servers read.
const MEMBERS: [&str; 4] = ["id", "jsonrpc", "method", "params"];

/// The calls in a body, if it holds any; `is_endpoint` says that calls are answered there.
pub(super) fn calls(body: Option<&Value<'_>>, is_endpoint: bool) -> Option<Calls> {
    let body = body?;
    if let Some((method, params)) = xml::called(body) {
        if let Some(calls) = multicall::calls(method, &params) {
            return Some(calls);
        }
        let acts = vec![named(method, &params, Answer::Xml)];
        return Some(Calls { acts, count: 1, kind: "calls", ..Calls::default() });
    }
    let batch = body.as_array().unwrap_or_else(|| std::slice::from_ref(body));
    let readings: Vec<Cow<'_, Value<'_>>> = batch.iter().flat_map(readings).collect();
    let batch = || readings.iter().map(Cow::as_ref);
    let mut calls = Calls { kind: "calls", ..Calls::default() };
    let is_first = |call: &Value<'_>| {
        let is_known = |name: &str| OF_FIRST.contains(&name);
        is_endpoint
            && (call.get("arguments").is_some()
                || ["id", "params"].iter().all(|name| call.get(name).is_some()))
            && call.get("method").and_then(Value::as_str).is_some_and(|it| {
                // Fortinet's have methods of these names, and their arguments in a list.
                !is_http(it) || call.get("params").and_then(Value::as_array).is_some()
            })
            && call.members().iter().all(|(name, _)| is_known(name))
    };
    let is_call = |call: &Value<'_>| {
        call.get("jsonrpc").is_some() && call.get("method").is_some() || is_first(call)
    };
    // Something else in a batch is answered with an error, and hides no call.
    batch().any(is_call).then_some(())?;
    if let [call] = readings.as_slice()
        && let (Some(method), Some(params)) =
            (call.get("method").and_then(Value::as_str), call.get("params"))
        && let Some(calls) = multicall::calls(method, params)
    {
        return Some(calls);
    }
    let mut more = More::default();
    for call in batch() {
        if calls.acts.len() > ACTS_MAX {
            more.take(Answer::Rpc(call.get("id").and_then(id)));
            continue;
        }
        let method = call.get("method").filter(|_| is_call(call)).and_then(Value::as_str);
        calls.acts.push(act(call, method.unwrap_or("call")));
    }
    calls.limit(more, "rpc.batch", "rpc");
    Some(calls)
}

/// The ways in which a call can be read: as it is, and as those read it who take names in any case.
fn readings<'b, 'n>(call: &'b Value<'n>) -> impl Iterator<Item = Cow<'b, Value<'n>>> {
    let others = in_any_case(call, &MEMBERS);
    // What has no method but under another name is read by those alone who know that name.
    let own = Some(call).filter(|_| others.is_empty() || call.get("method").is_some());
    own.map(Cow::Borrowed).into_iter().chain(others.into_iter().map(Cow::Owned))
}

/// Whether a body is a call of version 1.0 and nothing else: a method, arguments by position, and an id.
pub(super) fn is_bare_call(body: Option<&Value<'_>>) -> bool {
    let Some(body) = body.filter(|body| body.members().len() == 3) else { return false };
    let is_name = |text: &str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte))
    };
    body.get("method").and_then(Value::as_str).is_some_and(|it| is_name(it) && !is_http(it))
        && body.get("params").is_some_and(|params| params.as_array().is_some())
        && body.get("id").is_some()
}

/// Whether a method is one of HTTP: the member is that of a request within another.
fn is_http(method: &str) -> bool {
    let methods = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];
    methods.iter().any(|known| method.eq_ignore_ascii_case(known))
}

fn act(call: &Value<'_>, method: &str) -> Act {
    let params = call.get("params").or_else(|| call.get("arguments")).unwrap_or(&Value::Null);
    named(method, params, Answer::Rpc(call.get("id").and_then(id)))
}

/// A call by its method, and what it is given.
pub(super) fn named(method: &str, params: &Value<'_>, answer: Answer) -> Act {
    if let Some(name) = within::signs_in(method, params) {
        let mut act = of_call("", "login", &Value::Null, answer);
        act.targets.iter_mut().for_each(|target| target.name.clone_from(&name));
        return act;
    }
    if let Some(inner) = within::called(method, params) {
        return within::act(&inner, answer);
    }
    let (noun, verb) = noun_and_verb_of(method);
    // `{"method": "delete", "params": [{"url": "/dvmdb/adom/a"}]}`, as Fortinet's have it.
    if let (Some([only]), true) = (params.as_array(), noun.is_empty())
        && let Some(url) = only.get("url").and_then(Value::as_str)
    {
        let mut act = of_call("object", &verb, &Value::Null, answer);
        act.targets = vec![Target { kind: "object".to_owned(), id: bounded(url), name: None }];
        return act;
    }
    // `[{"Id": 42}]`: the one argument has names.
    let arguments = match params.as_array() {
        Some([only @ Value::Object(_)]) => only,
        _ => params,
    };
    let (noun, verb) = of_members(arguments, noun, verb);
    let mut act = of_call(&noun, &verb, arguments, answer);
    // Who signs in says who it is, and then the password.
    if let (Some([name, _, ..]), [target], "session.create") =
        (params.as_array(), act.targets.as_mut_slice(), act.action.as_str())
    {
        target.name = target.name.take().or_else(|| body::scalar(name));
    }
    // `[["bob"], {}]`: names, and options, as FreeIPA's have it.
    if let (Some([Value::Array(names), options @ Value::Object(_)]), [target]) =
        (params.as_array(), act.targets.as_mut_slice())
        && let [name @ Value::String(_)] = names.as_slice()
        && target.id.is_none()
    {
        if ["add_", "remove_"].iter().any(|put| verb.starts_with(put)) {
            act.sentence.outer.extend(named_in(options));
        }
        match verb.as_str() {
            "create" => target.name = body::scalar(name),
            _ => (target.id, target.name) = (body::scalar(name), None),
        }
    }
    // The one argument by position says which one, unless it is only being made.
    if let (Some([only]), [target]) = (params.as_array(), act.targets.as_mut_slice())
        && target.id.is_none()
        && target.name.is_none()
        && verb != "create"
    {
        target.id = body::scalar(only).filter(|_| !matches!(only, Value::Array(_)));
    }
    // Several numbers are the ids of several: `host.delete`, as Zabbix has it.
    let is_number = |value: &Value<'_>| match value {
        Value::Number(_) => true,
        Value::String(text) => !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit()),
        _ => false,
    };
    // `system.deleteSystem(KEY, 1000010000)`: who calls, and the one number behind it.
    if let (Some([Value::String(key), rest @ ..]), [target]) =
        (params.as_array(), act.targets.as_mut_slice())
        && target.id.is_none()
        && target.name.is_none()
        && matches!(verb.as_str(), "delete" | "disable" | "enable" | "lock" | "reboot" | "unlock")
        && !key.bytes().all(|it| it.is_ascii_digit())
        && let mut numbers = rest.iter().filter(|value| is_number(value))
        && let (Some(only), None) = (numbers.next(), numbers.next())
    {
        target.id = body::scalar(only);
    }
    if let (Some(ids @ [_, _, ..]), "delete") = (params.as_array(), verb.as_str())
        && ids.iter().all(is_number)
    {
        let kind = act.targets.first().map(|target| target.kind.clone()).unwrap_or_default();
        let target = |id| Target { kind: kind.clone(), id: body::scalar(id), name: None };
        act.sentence.count = (ids.len() > body::TARGETS_MAX).then_some(ids.len());
        act.targets = ids.iter().take(body::TARGETS_MAX).map(target).collect();
    }
    act
}

/// Noun and verb of what is done to who is in a group, or to what somebody is given, where the arguments say
/// of whom: `team.addMember` of `{"teamId": 3, "userId": 7}`, which is no team that is made.
fn of_members(arguments: &Value<'_>, noun: String, verb: String) -> (String, String) {
    let mut puts = ["add", "remove"].into_iter();
    let put = puts.find_map(|put| Some((put, verb.strip_prefix(put)?.strip_prefix('_')?)));
    let Some((put, about)) = put else { return (noun, verb) };
    let about = singular(about);
    let is_referred = |kind: &str| referred(arguments, kind).is_some();
    let is_member = GROUPS.contains(&noun.as_str()) && matches!(about.as_str(), "member" | "user");
    if is_member && is_referred(&noun) && places(arguments).any(|it| names_people(it)) {
        return ("member".to_owned(), canonical(put).to_owned());
    }
    let is_given = matches!(noun.as_str(), "member" | "user") && is_right(&about);
    match is_given && is_referred(&noun) && is_referred(&about) {
        true => (about, put.to_owned()),
        false => (noun, verb),
    }
}

fn names_people(place: &Value<'_>) -> bool {
    let names = ["member_id", "member_ids", "user_id", "user_ids"];
    place.members().iter().any(|(name, _)| names.contains(&snake(name).as_str()))
}

/// The id of a call, as text: a number and the same text are told apart.
pub(super) fn id(id: &Value<'_>) -> Option<String> {
    match id {
        Value::String(text) => bounded(text).map(|text| format!("“{text}”")),
        Value::Number(number) => bounded(&number.to_string()),
        _ => None,
    }
}

/// `user.create`, `users/delete`, `createUser`, `eth_sendTransaction`.
fn noun_and_verb_of(method: &str) -> (String, String) {
    let or_call = |verb: String| if verb.is_empty() { "call".to_owned() } else { verb };
    if let Some((noun, verb)) = method.rsplit_once(['.', '/', ':']) {
        let noun = singular(&snake(noun.rsplit(['.', '/', ':']).next().unwrap_or(noun)));
        let verb = snake(verb);
        let noun = if noun.is_empty() { "rpc".to_owned() } else { noun };
        return match compound(&verb) {
            Some((first, about)) if singular(about) == noun => (noun, canonical(first).to_owned()),
            _ => (noun, or_call(canonical(&verb).to_owned())),
        };
    }
    noun_and_verb(method).unwrap_or_else(|| ("rpc".to_owned(), or_call(snake(method))))
}
