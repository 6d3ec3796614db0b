//! Calls of JSON-RPC whose method only says that something is called: what, their parameters say.
//! Odoo's have a model, a method and ids; those of OpenWrt's ubus a session, an object and a method.

use super::super::act::{Act, Answer};
use super::super::body::{self, TARGETS_MAX, Value};
use super::super::call::of_call;
use super::super::verbs::{canonical, is_verb};
use super::super::words::{singular, snake};
use crate::record::Target;

/// What is called within a call.
pub(super) struct Inner<'b> {
    object: &'b str,
    method: &'b str,
    arguments: &'b Value<'b>,
    /// The first argument by position: ids.
    ids: &'b [Value<'b>],
}

/// Verbs of Odoo's own.
const VERBS: [(&str, &str); 3] =
    [("search_read", "search"), ("unlink", "delete"), ("write", "update")];

/// What is called within a call of this method.
pub(super) fn called<'b>(method: &str, params: &'b Value<'b>) -> Option<Inner<'b>> {
    if matches!(method, "execute" | "execute_kw") {
        return of_object(method, params.as_array()?)?.checked();
    }
    if method != "call" {
        return None;
    }
    if let Some([_session, object, method, arguments]) = params.as_array() {
        let (object, method) = (object.as_str()?, method.as_str()?);
        return Inner { object, method, arguments, ids: &[] }.checked();
    }
    let arguments = params.get("args").unwrap_or(&Value::Null);
    let method = params.get("method")?.as_str()?;
    let positions = arguments.as_array().unwrap_or_default();
    match (params.get("service").and_then(Value::as_str), method) {
        (Some("object"), "execute_kw" | "execute") => of_object(method, positions)?.checked(),
        (None, method) => of_model(params.get("model")?.as_str()?, method, positions).checked(),
        _ => None,
    }
}

/// A method of an object, behind the database, who calls, and with which password.
fn of_object<'b>(method: &str, positions: &'b [Value<'b>]) -> Option<Inner<'b>> {
    let [_, _, _, object, called, positions @ ..] = positions else { return None };
    let positions = match positions.first() {
        Some(Value::Array(inner)) if method == "execute_kw" => inner.as_slice(),
        _ => positions,
    };
    Some(of_model(object.as_str()?, called.as_str()?, positions))
}

/// A method of a model with its arguments by position.
fn of_model<'b>(object: &'b str, method: &'b str, positions: &'b [Value<'b>]) -> Inner<'b> {
    let (ids, values) = match positions {
        [Value::Array(ids), rest @ ..] => (ids.as_slice(), rest.first()),
        [id @ Value::Number(_), rest @ ..] => (std::slice::from_ref(id), rest.first()),
        rest => (&[][..], rest.first()),
    };
    Inner { object, method, arguments: values.unwrap_or(&Value::Null), ids }
}

/// As whom somebody signs in to Odoo, if that is what is called.
pub(super) fn signs_in(method: &str, params: &Value<'_>) -> Option<Option<String>> {
    let text = |name: &str| params.get(name).and_then(Value::as_str);
    let is_sign_in = method == "call"
        && text("service") == Some("common")
        && matches!(text("method"), Some("authenticate" | "login"));
    // The database stands before it; all of them may be recorded as one secret.
    let name = || body::scalar(params.get("args")?.as_array()?.get(1)?);
    is_sign_in.then(name)
}

/// The noun of a model of Odoo, and the verb of its method: `res.partner`, `unlink`.
pub(in crate::derive) fn of_odoo(model: &str, method: &str) -> (String, String) {
    let noun = singular(&snake(&model.replace(['.', '-'], "_")));
    let verb = snake(method);
    // `action_confirm`, as buttons are called.
    let bare = ["action_", "button_"].iter().find_map(|it| verb.strip_prefix(it));
    let verb = bare.filter(|bare| is_verb(bare)).unwrap_or(&verb);
    let own = VERBS.iter().find(|(own, _)| *own == verb).map(|(_, meant)| *meant);
    (noun, own.unwrap_or_else(|| canonical(verb)).to_owned())
}

impl<'b> Inner<'b> {
    /// Names are what programs are written in, and nothing else.
    fn checked(self) -> Option<Self> {
        let is_name = |text: &str| {
            (1..=64).contains(&text.len())
                && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        (is_name(self.object) && is_name(self.method)).then_some(self)
    }
}

pub(super) fn act(inner: &Inner<'_>, answer: Answer) -> Act {
    let (noun, verb) = of_odoo(inner.object, inner.method);
    let mut act = of_call(&noun, &verb, inner.arguments, answer);
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_id = |value: &&Value<'_>| match value {
        Value::Number(_) => true,
        // In XML.
        value => value.as_str().is_some_and(is_digits),
    };
    if !inner.ids.is_empty() && inner.ids.iter().all(|id| is_id(&id)) {
        let name = act.targets.first().and_then(|target| target.name.clone());
        let name = name.filter(|_| inner.ids.len() == 1);
        let kind = act.targets.first().map(|target| target.kind.clone()).unwrap_or_default();
        let target = |id| Target { kind: kind.clone(), id: body::scalar(id), name: name.clone() };
        act.sentence.count = (inner.ids.len() > TARGETS_MAX).then_some(inner.ids.len());
        act.targets = inner.ids.iter().take(TARGETS_MAX).map(target).collect();
    }
    act
}
