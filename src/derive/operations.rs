//! Operations that are named beside their arguments: by `X-Amz-Target`, as the JSON protocols of AWS
//! have it, by `type` beside `args`, as Hasura has it, or by the element in the body of an envelope, as
//! SOAP has it.

use super::act::{Act, Answer};
use super::body::{self, Value};
use super::call::{Calls, noun_and_verb, of_call};
use super::path::Path;
use super::words::{singular, snake};
use crate::record::{RequestRecord, Target};

/// The field with the name of an operation.
const TARGET: &str = "x-amz-target";

/// Types of bodies of such operations.
const TYPES: &str = "application/x-amz-json-";

/// What operations of SOAP are called.
pub(super) const SOAP: &str = "SOAP operations";

/// Last segments of paths at which operations are sent as `type` and `args`.
const ENDPOINTS: [&str; 2] = ["metadata", "query"];

/// Members of such a body.
const MEMBERS: [&str; 5] = ["args", "resource_version", "source", "type", "version"];

/// What stands before an operation, and says for whom or on which database it is.
const BEFORE: [&str; 6] = ["admin", "bigquery", "citus", "cockroach", "mssql", "pg"];

/// Verbs that other names do not begin with, and what they are.
const VERBS: [(&str, &str); 4] =
    [("describe", "get"), ("put", "put"), ("track", "track"), ("untrack", "untrack")];

/// What an element may have behind the name of its operation.
const WRAPS: [&str; 4] = ["", "Request", "Input", "_Task"];

/// Kinds of requests that are made as things are: `CreateServiceRequest`.
const REQUESTS: [&str; 10] = [
    "access", "change", "feature", "leave", "merge", "order", "pull", "purchase", "service",
    "support",
];

/// Operations by which somebody signs in.
const SIGN_INS: [&str; 2] = ["initiate_auth", "respond_to_auth_challenge"];

/// The operation of a request, if it is named so.
pub(super) fn calls(
    request: &RequestRecord,
    body: Option<&Value<'_>>,
    path: &Path,
) -> Option<Calls> {
    if let Some(act) = of_soap(request, body) {
        return Some(Calls { acts: vec![act], count: 1, kind: SOAP, ..Calls::default() });
    }
    let acts = of_target(request, body, path).or_else(|| of_type(body?, path))?;
    let count = acts.len();
    Some(Calls { acts, count, kind: "operations", ..Calls::default() })
}

/// Whether a body is a SOAP envelope that was sent as such: another type of body is not read as one.
pub(super) fn is_envelope(request: &RequestRecord, body: Option<&Value<'_>>) -> bool {
    is_xml(request) && body.is_some_and(|body| body.get("Envelope").is_some())
}

fn is_xml(request: &RequestRecord) -> bool {
    request.content_type.as_deref().is_some_and(|kind| kind.contains("xml"))
}

/// The operation of a SOAP envelope: the element of its body, of several that which `SOAPAction` names, or
/// else the first; where none is on record, the name at the end of `SOAPAction`.
fn of_soap(request: &RequestRecord, body: Option<&Value<'_>>) -> Option<Act> {
    let inner = body.and_then(|body| body.get("Envelope")?.get("Body"));
    let elements = inner.into_iter().flat_map(Value::members);
    // What elements refer to may stand beside them.
    let elements = elements.filter(|(name, _)| !name.starts_with(['@', '#']) && name != "multiRef");
    let asked = request.headers.get("soapaction").and_then(Value::as_str);
    let asked = asked.and_then(|action| action.trim_matches('"').rsplit(['/', '#', ':']).next());
    let asked = asked.filter(|asked| is_name(asked));
    let is_asked = |name: &str| {
        asked.is_some_and(|asked| name.strip_prefix(asked).is_some_and(|end| WRAPS.contains(&end)))
    };
    let found =
        elements.clone().find(|(name, _)| is_asked(name)).or_else(|| elements.clone().next());
    let (name, arguments) = match (found, body) {
        (Some((name, arguments)), _) => (name.as_ref(), arguments),
        (None, None) if is_xml(request) => (asked?, &Value::Null),
        _ => return None,
    };
    // `PowerOffVM_Task`, as VMware calls what takes its time.
    let name = name.strip_suffix("_Task").unwrap_or(name);
    let name = bare(name, asked).unwrap_or(name);
    is_name(name).then(|| {
        let is_known = noun_and_verb(name).is_some();
        match is_known {
            true => act(name, arguments),
            false => of_call("soap", &snake(name), arguments, Answer::Rest),
        }
    })
}

/// The name of an operation without what says that it is asked for, if it is not what it is about:
/// `DeleteAccountRequest`, but `CreateServiceRequest` where it is called so.
fn bare<'b>(name: &'b str, asked: Option<&str>) -> Option<&'b str> {
    let bare = name.strip_suffix("Request").filter(|_| asked != Some(name))?;
    let about = noun_and_verb(bare).map(|(noun, _)| noun).filter(|noun| !noun.is_empty())?;
    let is_kind = REQUESTS.contains(&about.rsplit('_').next().unwrap_or(&about));
    (!is_kind || asked == Some(bare)).then_some(bare)
}

fn of_target(request: &RequestRecord, body: Option<&Value<'_>>, path: &Path) -> Option<Vec<Act>> {
    let is_typed = request.content_type.as_deref().is_some_and(|kind| kind.starts_with(TYPES));
    if !is_typed || !path.segments.is_empty() || path.is_cut {
        return None;
    }
    // Sent twice, it is a list, and says nothing.
    let target = request.headers.get(TARGET)?.as_str()?;
    let operation = target.rsplit('.').next().filter(|operation| is_name(operation))?;
    Some(vec![act(operation, body.unwrap_or(&Value::Null))])
}

fn of_type(body: &Value<'_>, path: &Path) -> Option<Vec<Act>> {
    let is_there = path.segments.last().is_some_and(|last| ENDPOINTS.contains(&last.text.as_str()));
    let is_operation =
        |(name, _): &(std::borrow::Cow<'_, str>, Value<'_>)| MEMBERS.contains(&name.as_ref());
    if !is_there || !body.members().iter().all(is_operation) {
        return None;
    }
    let operation = body.get("type")?.as_str().filter(|operation| is_name(operation))?;
    let arguments = body.get("args")?;
    match (operation, arguments.as_array()) {
        // Several of them: told apart where each says what it is.
        ("bulk", Some(items)) => {
            let each = items.iter().take(super::act::ACTS_MAX).map(|item| of_type(item, path));
            let each: Option<Vec<Vec<Act>>> = each.collect();
            let acts: Vec<Act> = each?.into_iter().flatten().collect();
            (!acts.is_empty() && items.len() < super::act::ACTS_MAX).then_some(acts)
        }
        _ => Some(vec![act(operation, arguments)]),
    }
}

/// `CreateSecret`, `pg_add_source`
fn is_name(operation: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (1..=64).contains(&operation.len())
        && operation.bytes().all(is_plain)
        && operation.starts_with(|first: char| first.is_ascii_alphabetic())
}

fn act(operation: &str, arguments: &Value<'_>) -> Act {
    let name = snake(operation);
    let bare = match name.split_once('_') {
        Some((before, rest)) if BEFORE.contains(&before) => rest,
        _ => name.as_str(),
    };
    if SIGN_INS.contains(&bare) {
        return of_call("", "login", arguments, Answer::Rest);
    }
    let led = VERBS.iter().find_map(|(verb, meant)| {
        let about = bare.strip_prefix(verb)?.strip_prefix('_')?;
        Some((singular(about), (*meant).to_owned()))
    });
    let (noun, verb) =
        led.or_else(|| noun_and_verb(bare)).unwrap_or_else(|| (String::new(), bare.to_owned()));
    // A verb alone is done to what is sent: `Encrypt`.
    let noun = if noun.is_empty() { "data".to_owned() } else { noun };
    let mut act = of_call(&noun, &verb, arguments, Answer::Rest);
    // Whose part it is, they say by name.
    if let (Some(_), [target @ Target { id: None, .. }]) =
        (&act.sentence.part, act.targets.as_mut_slice())
    {
        let own = target.name.take();
        target.name = own.or_else(|| body::name(arguments, &target.kind));
    }
    act
}
