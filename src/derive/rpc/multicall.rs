//! Several calls in one, as XML-RPC has them, and what took its ways over (aria2): `system.multicall`.
//!
//!   <https://mirrors.talideon.com/articles/multicall.html>

use super::super::act::{ACTS_MAX, Act, Answer, More};
use super::super::body::Value;
use super::super::call::Calls;
use super::{named, xml};

/// What such a call is called.
const METHOD: &str = "system.multicall";

/// The calls within a call of this method with these arguments, of which one at least can be read.
pub(super) fn calls(method: &str, params: &Value<'_>) -> Option<Calls> {
    let params = params.as_array().filter(|_| method == METHOD)?;
    // Some take the calls themselves for arguments.
    let within = match params {
        [Value::Array(within)] => within.as_slice(),
        params => params,
    };
    within.iter().any(|call| called(call).is_some()).then_some(())?;
    let mut calls = Calls { kind: "calls", ..Calls::default() };
    let mut more = More::default();
    for (at, call) in within.iter().enumerate() {
        match calls.acts.len() > ACTS_MAX {
            true => more.take(Answer::Within(at)),
            false => calls.acts.push(act(call, at)),
        }
    }
    calls.limit(more, "rpc.batch", "rpc");
    Some(calls)
}

fn act(call: &Value<'_>, at: usize) -> Act {
    let (method, params) = called(call).unwrap_or(("call", &Value::Null));
    named(method, params, Answer::Within(at))
}

/// What a call within calls, and with which arguments; nothing if it says so twice.
fn called<'b, 'n>(call: &'b Value<'n>) -> Option<(&'b str, &'b Value<'n>)> {
    let mut names = call.members().iter().filter(|(name, _)| name == "methodName");
    let (Some((_, name)), None) = (names.next(), names.next()) else { return None };
    Some((name.as_str()?, call.get("params").unwrap_or(&Value::Null)))
}

/// What an answer says of one of several calls within one.
pub(in crate::derive) enum Told<'b, 'n> {
    Result(&'b Value<'n>),
    Fault(&'b Value<'n>),
}

/// What an answer says of each of several calls within one.
pub(in crate::derive) fn results<'n>(body: &Value<'n>) -> Option<Value<'n>> {
    xml::result(body).or_else(|| body.get("result").cloned())
}

/// What it says of the call at this position: a list with its result, or a fault.
pub(in crate::derive) fn told<'b, 'n>(results: &'b Value<'n>, at: usize) -> Option<Told<'b, 'n>> {
    match results.as_array()?.get(at)? {
        Value::Array(result) => match result.as_slice() {
            [only] => Some(Told::Result(only)),
            _ => None,
        },
        fault @ Value::Object(_) => Some(Told::Fault(fault)),
        _ => None,
    }
}
