//! Calls of JSON-RPC whose method only says that something is called: what, their parameters say.
//! Odoo's have a model, a method and ids; those of OpenWrt's ubus a session, an object and a method.

use super::super::act::{Act, Answer};
use super::super::body::{self, TARGETS_MAX, Value};
use super::super::call::of_call;
use super::super::verbs::canonical;
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
    let (object, method, positions) = match (params.get("service").and_then(Value::as_str), method)
    {
        // The database, who calls and with which password stand before it.
        (Some("object"), "execute_kw" | "execute") => {
            let [_, _, _, object, method, positions @ ..] = positions else { return None };
            let positions = match positions.first() {
                Some(Value::Array(inner))
                    if params.get("method")?.as_str() == Some("execute_kw") =>
                {
                    inner.as_slice()
                }
                _ => positions,
            };
            (object.as_str()?, method.as_str()?, positions)
        }
        (None, method) => (params.get("model")?.as_str()?, method, positions),
        _ => return None,
    };
    let (ids, values) = match positions {
        [Value::Array(ids), rest @ ..] => (ids.as_slice(), rest.first()),
        [id @ Value::Number(_), rest @ ..] => (std::slice::from_ref(id), rest.first()),
        rest => (&[][..], rest.first()),
    };
    Inner { object, method, arguments: values.unwrap_or(&Value::Null), ids }.checked()
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
    let noun = singular(&snake(&inner.object.replace(['.', '-'], "_")));
    let verb = snake(inner.method);
    let own = VERBS.iter().find(|(own, _)| *own == verb).map(|(_, meant)| *meant);
    let verb = own.unwrap_or_else(|| canonical(&verb)).to_owned();
    let mut act = of_call(&noun, &verb, inner.arguments, answer);
    let is_id = |value: &&Value<'_>| matches!(value, Value::Number(_));
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
