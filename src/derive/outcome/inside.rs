//! What the body of a successful response tells of an error, or that nothing was done.

use super::super::answer::{self, item_id};
use super::super::body::Value;
use super::super::code::{code, is_refusal, word};
use super::super::endpoint::READS;
use super::super::naming::Naming;
use super::super::partly::{self, bare};
use super::super::shown;
use super::super::sign_in::{Step, is_second_factor};
use super::super::signs::{self, Refused, Sent, Tells, is_error_told};
use super::super::trace::{By, Field, Origin, Trace};
use super::super::words::snake;
use super::super::wrapped::{Told, error_within, is_result_false};
use super::streamed::{Said, streamed};
use super::{Came, Verdict, note_ending, noted};
use crate::record::{BodyRecord, Outcome, Severity};

/// Some of several things were not done, and nobody says which.
const SOME_FAILED: &str = "some_failed";

/// A text says that somebody may not.
const ACCESS_DENIED: &str = "access_denied";

/// The type of what tells of a problem, and of nothing else (RFC 9457).
const PROBLEM: &str = "application/problem+json";

/// Members that hold what a request has set going.
const OPERATIONS: [&str; 4] = ["action", "job", "operation", "task"];

/// The result of a call by which nothing was done.
const NO: Value<'static> = Value::Bool(false);

/// What the body of a successful response tells of an error, or that nothing was done; of a text that
/// consists of names and values these.
pub(super) fn told_inside(
    naming: &Naming,
    came: Came<'_>,
    body: &Value<'_>,
    trace: &mut Trace,
) -> Option<(Outcome, String)> {
    let is_read = READS.contains(&bare(&naming.sentence.verb));
    let text = body.as_str().filter(|_| !is_read && !Sent::of(came.request).is(body));
    let pairs = text.and_then(signs::in_pairs);
    let told = pairs.and_then(|pairs| told_in(naming, came, &pairs, trace));
    told.or_else(|| told_in(naming, came, body, trace))
        .or_else(|| told_by_refusal(naming, came, body, trace))
}

/// What is refused in a word, beside why.
fn told_by_refusal(
    naming: &Naming,
    came: Came<'_>,
    body: &Value<'_>,
    trace: &mut Trace,
) -> Option<(Outcome, String)> {
    let verb = naming.sentence.verb.as_str();
    let is_run = naming.targets.first().is_some_and(|target| shown::is_run(&target.kind));
    let told = signs::refused(verb, body, &Sent::of(came.request))
        .filter(|_| !is_run || item_id(body).is_none())?;
    let (outcome, reason) = match told {
        Refused::All(why) => (Outcome::Failure, why),
        Refused::Some => (Outcome::Unknown, SOME_FAILED.to_owned()),
    };
    noted::within(came, "a word of the answer that says that it was refused, beside why", trace);
    noted::reason(came, Some(&reason), trace);
    Some((outcome, reason))
}

fn told_in(
    naming: &Naming,
    came: Came<'_>,
    body: &Value<'_>,
    trace: &mut Trace,
) -> Option<(Outcome, String)> {
    let verb = naming.sentence.verb.as_str();
    // With a sentence beside it, a state is that of the request.
    let has_message = signs::MESSAGES.iter().any(|name| body.get(name).is_some());
    let sent = Sent::of(came.request).to(if has_message { "" } else { verb });
    let is_problem = came.response.content_type.as_deref() == Some(PROBLEM);
    let title = || word(body.get("title").filter(|_| is_problem)?.as_str()?, None);
    let told = code(body, Some(came.response.status)).or_else(title);
    let is_answer = !READS.contains(&bare(verb)) && !signs::STATES.contains(&bare(verb));
    let text = signs::whole_text(body, &sent).filter(|_| is_answer);
    let told_by_text =
        |text| signs::told_by_text(text).or_else(|| signs::stated(text, &naming.action));
    let (by, outcome, reason) = if let Some(outcome) = text.and_then(told_by_text) {
        let told = match outcome {
            Outcome::Denied => Some(ACCESS_DENIED.to_owned()),
            Outcome::Unknown => Some(SOME_FAILED.to_owned()),
            _ => None,
        };
        ("a text that is the whole of a successful response", outcome, told)
    } else if let Some(status) = signs::error_status(body, &sent) {
        let outcome = match status {
            401 | 403 | 407 => Outcome::Denied,
            _ => Outcome::Failure,
        };
        ("a status in the body of a successful response", outcome, told)
    } else if is_error_told(body, Tells::Answer, &sent)
        && (is_beside_items(body) || is_beside_count(naming, body))
    {
        let by = "errors in the body of a successful response, beside what was done";
        (by, Outcome::Unknown, Some(SOME_FAILED.to_owned()))
    } else if is_error_told(body, Tells::Answer, &sent)
        || is_problem
        || is_failed_operation(naming, body)
    {
        let (outcome, told) = refused(told, body);
        ("an error in the body of a successful response", outcome, told)
    } else if let Some((outcome, code)) = signs::told_by_code(body, &sent) {
        ("a code beside a sentence, and nothing else", outcome, Some(code))
    } else if let Some(Told { place, is_partly_done }) = error_within(body, &sent) {
        let told = told.or_else(|| code(place, None));
        let status = signs::error_status(place, &sent);
        let (outcome, told) = match (told, status) {
            (told, Some(401 | 403 | 407)) => (Outcome::Denied, told),
            (told, _) => refused(told, place),
        };
        let told = told.or_else(|| status.map(|status| format!("http_{status}")));
        let (outcome, told) = match is_partly_done {
            true => (Outcome::Unknown, Some(SOME_FAILED.to_owned())),
            false => (outcome, told),
        };
        ("an error within the body of a successful response", outcome, told)
    } else if is_answer && signs::is_partly_done(body) {
        let by = "a state in the body of a successful response";
        (by, Outcome::Unknown, Some(SOME_FAILED.to_owned()))
    } else if let Some(said) = streamed(naming, body, &sent) {
        let (outcome, told) = match (&said, code(said.error, None)) {
            (Said { is_last: false, .. }, _) => (Outcome::Unknown, Some(SOME_FAILED.to_owned())),
            (_, Some(code)) if is_refusal(&code) => (Outcome::Denied, Some(code)),
            (_, told) => (Outcome::Failure, told),
        };
        ("an error in one of the texts of the answer", outcome, told)
    } else {
        let reason = match is_no_row(came, body) {
            true => signs::NO_EFFECT,
            false => nothing_done(naming, body, &sent).filter(|_| !asks_in_xml(came))?,
        };
        let by = "the body of a successful response says that nothing was done";
        (by, Outcome::Failure, Some(reason.to_owned()))
    };
    let reason = reason.unwrap_or_else(|| match signs::error_status(body, &sent) {
        Some(status) => format!("http_{status}"),
        None => "error_in_body".to_owned(),
    });
    noted::within(came, by, trace);
    noted::reason(came, Some(&reason), trace);
    Some((outcome, reason))
}

/// What an error comes to, and its code: refused by its code, or by its sentence where it has none.
fn refused(code: Option<String>, error: &Value<'_>) -> (Outcome, Option<String>) {
    match code {
        Some(code) if is_refusal(&code) => (Outcome::Denied, Some(code)),
        None if signs::is_refused_in_words(error) => {
            (Outcome::Denied, Some(ACCESS_DENIED.to_owned()))
        }
        code => (Outcome::Failure, code),
    }
}

/// Whether a list of what was changed is asked for, as PostgREST has it, and is empty.
///
///   <https://docs.postgrest.org/en/stable/references/api/preferences.html#return-representation>
fn is_no_row(came: Came<'_>, body: &Value<'_>) -> bool {
    let preferred = came.request.headers.get("prefer").and_then(Value::as_str).unwrap_or_default();
    ["DELETE", "PATCH", "PUT"].contains(&came.request.method.as_str())
        && preferred.split([',', ';']).any(|it| it.trim() == "return=representation")
        && body.as_array().is_some_and(<[_]>::is_empty)
}

/// Whether a method that XML-RPC calls asks for what may be `false` itself.
fn asks_in_xml(came: Came<'_>) -> bool {
    let tree = came.request.body.as_ref().map(BodyRecord::tree);
    let call = tree.and_then(|tree| tree.get("methodCall")?.get("methodName")?.as_str());
    call.is_some_and(|name| {
        let name = snake(name.rsplit('.').next().unwrap_or(name));
        let verb = name.split('_').next().unwrap_or_default();
        READS.contains(&verb)
            || signs::STATES.contains(&verb)
            || ["can", "exists", "has"].contains(&verb)
    })
}

/// Whether a body says that nothing was done, and the reason.
fn nothing_done(naming: &Naming, body: &Value<'_>, sent: &Sent<'_>) -> Option<&'static str> {
    let verb = naming.sentence.verb.as_str();
    let within = ["data", "result"].iter().filter_map(|name| body.get(name));
    let mut places = std::iter::once(body).chain(within);
    let is_factor = naming.targets.first().is_some_and(|target| is_second_factor(&target.kind));
    let told = places.find_map(|it| {
        let is_wrong = || is_factor && is_found_invalid(verb, it);
        signs::nothing_done(verb, it, sent).or_else(|| is_wrong().then_some(signs::NOT_DONE))
    });
    // What has no past is called: `isLocked`.
    let action = naming.action.rsplit_once('.').map_or("", |(_, verb)| verb);
    let is_false = || is_result_false(body) && signs::nothing_done(verb, &NO, sent).is_some();
    told.or_else(|| is_false().then(|| signs::nothing_done(action, &NO, sent)).flatten())
}

/// Whether a code that was to be verified is not: `{"valid": false}`.
fn is_found_invalid(verb: &str, body: &Value<'_>) -> bool {
    matches!(bare(verb), "check" | "validate" | "verify")
        && item_id(body).is_none()
        && body.get("valid") == Some(&Value::Bool(false))
}

/// Whether a list of errors stands beside one of things with ids: those were done.
fn is_beside_items(body: &Value<'_>) -> bool {
    let is_error = |name: &str| name.to_ascii_lowercase().contains("error");
    let is_thing =
        |item: &Value<'_>| item_id(item).is_some() && answer::of_item("", item).is_none();
    let has_things = |(name, value): &(std::borrow::Cow<'_, str>, Value<'_>)| {
        !is_error(name) && value.as_array().is_some_and(|items| items.iter().any(is_thing))
    };
    body.get("errors").is_some_and(|errors| errors.as_array().is_some())
        && body.members().iter().any(has_things)
}

/// Whether errors stand beside a number of things, or their list, that were done.
fn is_beside_count(naming: &Naming, body: &Value<'_>) -> bool {
    let kind = naming.targets.first().map_or("", |target| target.kind.as_str());
    partly::lists(&naming.sentence.verb, kind, body).is_some_and(|lists| lists.has_done())
}

/// Whether what was to be done is an operation that has ended with an error; it has an id, as things
/// have whose errors are their own.
fn is_failed_operation(naming: &Naming, body: &Value<'_>) -> bool {
    let kind = naming.targets.first().map_or("", |target| target.kind.as_str());
    let is_done = body.get("status").and_then(Value::as_str) == Some("DONE")
        || body.get("done") == Some(&Value::Bool(true));
    let has_error = || body.get("error").is_some_and(|error| !error.members().is_empty());
    if is_done && shown::is_operation(body, kind) && has_error() {
        return true;
    }
    let is_read = READS.contains(&bare(&naming.sentence.verb));
    !is_read && (signs::is_provisioning_failed(body) || holds_failed_operation(kind, body))
}

/// Whether the one thing in an answer is an operation that has failed, and what it was done to is none
/// itself: `{"task": {"status": "FAILURE"}}`.
fn holds_failed_operation(kind: &str, body: &Value<'_>) -> bool {
    let [(name, operation)] = body.members() else { return false };
    let is_failed = |name: &&str| {
        let state = operation.get(name).and_then(Value::as_str);
        state.is_some_and(|state| signs::is_one_of(state, &signs::FAILURES))
    };
    signs::is_one_of(name, &OPERATIONS)
        && !shown::is_run(kind)
        && !kind.ends_with("action")
        && ["state", "status"].iter().any(is_failed)
}

/// Whoever signs in has yet to give a second factor, or what else is asked: nobody is signed in.
pub(super) fn challenged(
    naming: &Naming,
    step: Step,
    came: Came<'_>,
    trace: &mut Trace,
) -> Verdict {
    let by = By::Convention(match step {
        Step::SecondFactor => "a second factor is asked for",
        Step::NewPassword => "a new password is asked for",
        Step::Other => "another step is asked for",
    });
    let from = match came.says {
        Some(_) => Origin::ResponseBody("$".to_owned()),
        None => Origin::ResponseHeader("location".to_owned()),
    };
    trace.note(Field::Action, || (by, vec![from]));
    note_ending(trace);
    Verdict {
        action: Some("session.challenge".to_owned()),
        acts: Vec::new(),
        outcome: Outcome::Success,
        reason: None,
        severity: Severity::Info,
        description: naming.sentence.challenged(&naming.targets, step.spoken()),
        targets: None,
    }
}
