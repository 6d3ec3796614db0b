//! XML-RPC: a call by its element `methodCall`, and the result in the answer to it.
//!
//!   <http://xmlrpc.com/spec.md>

use std::borrow::Cow;

use super::super::body::Value;

/// Values within values that are read.
const DEPTH_MAX: usize = 8;

/// What a body calls: the name, and the arguments in their order.
pub(super) fn called<'b, 'n>(body: &'b Value<'n>) -> Option<(&'b str, Value<'n>)> {
    let [(_, call)] = body.members() else { return None };
    let call = body.get("methodCall").filter(|known| std::ptr::eq(*known, call))?;
    let name = text(call.get("methodName")?)?;
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:/".contains(&byte);
    (!name.is_empty() && name.bytes().all(is_name)).then(|| (name, params(call)))
}

/// The result of a call, if an answer has one.
pub(in crate::derive) fn result<'n>(body: &Value<'n>) -> Option<Value<'n>> {
    let Value::Array(mut all) = params(body.get("methodResponse")?) else { return None };
    all.pop()
}

/// The fault of a call, if an answer tells of one.
pub(in crate::derive) fn fault<'n>(body: &Value<'n>) -> Option<Value<'n>> {
    Some(value(body.get("methodResponse")?.get("fault")?.get("value")?, DEPTH_MAX))
}

fn params<'n>(holder: &Value<'n>) -> Value<'n> {
    let all = holder.get("params").and_then(|params| params.get("param"));
    let read = |param: &Value<'n>| Some(value(param.get("value")?, DEPTH_MAX));
    Value::Array(listed(all).iter().filter_map(read).collect())
}

/// Elements of one name: several are a list.
fn listed<'b, 'n>(all: Option<&'b Value<'n>>) -> &'b [Value<'n>] {
    all.map(|all| all.as_array().unwrap_or_else(|| std::slice::from_ref(all))).unwrap_or_default()
}

/// A value, which has its type as an element, or is a text.
fn value<'n>(node: &Value<'n>, depth: usize) -> Value<'n> {
    let is_own = |(name, _): &&(Cow<'_, str>, Value<'n>)| !name.starts_with(['@', '#']);
    let (Some((kind, inner)), Some(depth)) =
        (node.members().iter().find(is_own), depth.checked_sub(1))
    else {
        return node.clone();
    };
    match kind.as_ref() {
        "boolean" => Value::Bool(text(inner).is_some_and(|text| text.trim() == "1")),
        "nil" => Value::Null,
        "array" => {
            let all = inner.get("data").and_then(|data| data.get("value"));
            Value::Array(listed(all).iter().map(|item| value(item, depth)).collect())
        }
        "struct" => {
            let member = |member: &Value<'n>| {
                let name = text(member.get("name")?)?.to_owned();
                Some((Cow::Owned(name), value(member.get("value")?, depth)))
            };
            Value::Object(listed(inner.get("member")).iter().filter_map(member).collect())
        }
        _ => inner.clone(),
    }
}

/// The text of an element, beside attributes or alone.
fn text<'b>(node: &'b Value<'_>) -> Option<&'b str> {
    node.as_str().or_else(|| node.get("#text")?.as_str())
}
