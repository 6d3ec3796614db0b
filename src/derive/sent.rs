//! What a request holds, where an answer only repeats it.

use std::cell::OnceCell;

use super::body::{Value, scalar};
use super::signs::{MEMBERS_MAX, is_one_of};
use super::verbs::past;
use crate::record::{BodyRecord, RequestRecord};

/// Levels of a request in which it is looked for what a response repeats.
const ECHO_DEPTH_MAX: usize = 4;

/// Members with a state that may have been asked for.
const STATES: [&str; 3] = ["result", "state", "status"];

/// What the client sent; it is read when it is asked for, which it seldom is.
#[derive(Default)]
pub(super) struct Sent<'r> {
    body: Option<&'r BodyRecord>,
    /// What was to be done, which may be to set a state: `fail`, `mark_error`.
    verb: &'r str,
    /// Its GraphQL, without what stands between the words.
    documents: OnceCell<Vec<String>>,
}

impl<'r> Sent<'r> {
    pub(super) fn of(request: &'r RequestRecord) -> Self {
        Self { body: request.body.as_ref(), ..Self::default() }
    }

    /// The same, of a request that was to do this.
    pub(super) fn to(self, verb: &'r str) -> Self {
        Self { verb, ..self }
    }

    /// Whether it is this.
    pub(super) fn is(&self, value: &Value<'_>) -> bool {
        self.body.is_some_and(|body| body.tree() == value)
    }

    /// Whether it calls ubus, whose results begin with how the call ended.
    ///
    ///   <https://openwrt.org/docs/techref/ubus#access_to_ubus_over_http>
    pub(super) fn calls_ubus(&self) -> bool {
        let Some(body) = self.body else { return false };
        let tree = body.tree();
        let is_call = |call: &Value<'_>| {
            let params = call.get("params").and_then(Value::as_array).unwrap_or_default();
            call.get("method").and_then(Value::as_str) == Some("call")
                && matches!(params, [_, Value::String(_), Value::String(_), Value::Object(_)])
        };
        let calls = tree.as_array().unwrap_or_else(|| std::slice::from_ref(tree));
        calls.iter().take(MEMBERS_MAX).any(is_call)
    }

    /// Whether it holds this member with this value.
    pub(super) fn echoes(&self, name: &str, value: &Value<'_>) -> bool {
        if self.sets(name, value) {
            return true;
        }
        let Some(body) = self.body else { return false };
        let tree = body.tree();
        echoes(tree, name, value, ECHO_DEPTH_MAX) || self.writes(tree, name, value)
    }

    /// Whether it was asked for that this state be set: `failed`, after `/jobs/5/fail`. `error` and `fail`
    /// are what answers have.
    fn sets(&self, name: &str, value: &Value<'_>) -> bool {
        let Some(state) = value.as_str().filter(|_| is_one_of(name, &STATES)) else { return false };
        let last = self.verb.rsplit('_').next().unwrap_or_default();
        state.ends_with("ed") && is_one_of(state, &[last, &past(last)])
    }

    /// Whether a GraphQL document in it has an argument of this name with this value.
    fn writes(&self, tree: &Value<'_>, name: &str, value: &Value<'_>) -> bool {
        let documents = self.documents.get_or_init(|| {
            let mut found = Vec::new();
            documents(tree, &mut found, ECHO_DEPTH_MAX);
            found
        });
        let Some(value) = scalar(value).filter(|_| !documents.is_empty()) else { return false };
        let argument = format!("{name}:{value}");
        documents.iter().any(|document| document.contains(&argument))
    }
}

/// Whether a request holds this member with this value.
fn echoes(sent: &Value<'_>, name: &str, value: &Value<'_>, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    if let Some(items) = sent.as_array() {
        return items.iter().take(MEMBERS_MAX).any(|item| echoes(item, name, value, depth));
    }
    let mut members = sent.members().iter();
    members.any(|(other, own)| {
        (other == name && is_same(own, value)) || echoes(own, name, value, depth)
    })
}

/// Whether two values are one; those of a form are all texts.
fn is_same(sent: &Value<'_>, value: &Value<'_>) -> bool {
    let spelled = match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    sent == value || sent.as_str().zip(spelled).is_some_and(|(sent, value)| sent == value)
}

/// The GraphQL documents in a request.
fn documents(sent: &Value<'_>, found: &mut Vec<String>, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let items = sent.as_array().unwrap_or_default();
    items.iter().take(MEMBERS_MAX).for_each(|item| documents(item, found, depth));
    for (name, own) in sent.members() {
        match own.as_str().filter(|_| name == "query") {
            Some(text) => {
                let plain = text.chars().filter(|c| !c.is_whitespace() && *c != '"');
                found.push(plain.collect());
            }
            None => documents(own, found, depth),
        }
    }
}
