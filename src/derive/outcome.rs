//! How a request ended, from the redacted response.

use super::body::{self, Value};
use super::naming::Naming;
use super::path::Path;
use super::rule::Whose;
use super::sentence::Sentence;
use super::trace::{By, Field, Origin, Trace};
use super::walk::walk;
use crate::record::{Actor, BodyRecord, Outcome, RequestRecord, ResponseRecord, Severity, Target};

/// Longer error codes are no codes.
const CODE_BYTES_MAX: usize = 64;

/// How an exchange ended.
#[derive(Debug, Clone, Copy)]
pub enum Ended<'r> {
    /// With a response.
    Response(&'r ResponseRecord),
    /// The upstream was never reached.
    NotSent,
    /// The client left before its request was whole; the upstream never got all of it.
    ClientAborted,
    /// The connection to the upstream was lost after the request was sent.
    UpstreamLost,
    /// The upstream did not answer in time.
    UpstreamTimeout,
    /// The upstream answered something that is no HTTP response.
    UpstreamInvalid,
}

/// What the end of an exchange tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The action, where the response knows better than the request: a PUT that created.
    pub action: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// A machine-readable reason, for all but success.
    pub reason: Option<String>,
    /// How much it should worry.
    pub severity: Severity,
    /// What became of what the intent's description said.
    pub description: String,
    /// The targets, where the response tells more of them.
    pub targets: Option<Vec<Target>>,
}

/// Judges how the named request ended: by its rule, or else by convention.
pub fn outcome(
    naming: &Naming,
    request: &RequestRecord,
    actor: &Actor,
    ended: Ended<'_>,
) -> Verdict {
    outcome_traced(naming, request, actor, ended, &mut Trace::off())
}

/// The same, and where each field came from; the trace goes on where that of the naming ended.
pub fn outcome_traced(
    naming: &Naming,
    request: &RequestRecord,
    actor: &Actor,
    ended: Ended<'_>,
    trace: &mut Trace,
) -> Verdict {
    let mut verdict = ending(naming, request, actor, ended, trace);
    trace.note(Field::Severity, || (By::Convention("how it ended"), vec![event("outcome")]));
    if let Some(matched) = &naming.matched {
        let own = verdict.severity;
        verdict.severity = severity(&verdict, matched.rule.severity, matched.rule.read);
        if verdict.severity != own || matched.rule.severity == Some(own) {
            let key = if matched.rule.severity.is_some() { "severity" } else { "read" };
            trace.note(Field::Severity, || (matched.by(Whose::Rules, key), vec![event("outcome")]));
        }
    }
    verdict
}

fn event(name: &str) -> Origin {
    Origin::Event(name.to_owned())
}

/// What failed without having changed anything need not worry anybody; what was refused may.
fn severity(verdict: &Verdict, ruled: Option<Severity>, is_read: bool) -> Severity {
    let own = match verdict.outcome {
        Outcome::Failure | Outcome::Unknown if is_read => Severity::Info,
        _ => verdict.severity,
    };
    match (own, ruled) {
        (Severity::Fail, _) | (_, Some(Severity::Fail)) => Severity::Fail,
        (Severity::Warn, _) | (_, Some(Severity::Warn)) => Severity::Warn,
        _ => Severity::Info,
    }
}

fn ending(
    naming: &Naming,
    request: &RequestRecord,
    actor: &Actor,
    ended: Ended<'_>,
    trace: &mut Trace,
) -> Verdict {
    let (outcome, reason) = match ended {
        Ended::Response(response) => {
            return answered(naming, request, actor, response, trace);
        }
        Ended::NotSent => (Outcome::Failure, "not_sent"),
        Ended::ClientAborted => (Outcome::Failure, "client_aborted"),
        Ended::UpstreamLost => (Outcome::Unknown, "upstream_lost"),
        Ended::UpstreamTimeout => (Outcome::Unknown, "upstream_timeout"),
        Ended::UpstreamInvalid => (Outcome::Unknown, "upstream_invalid"),
    };
    for field in [Field::Outcome, Field::Reason] {
        let by = By::Convention("how the exchange broke off");
        trace.note(field, || (by, vec![Origin::NoResponse]));
    }
    without(naming, outcome, reason, trace)
}

fn answered(
    naming: &Naming,
    request: &RequestRecord,
    actor: &Actor,
    response: &ResponseRecord,
    trace: &mut Trace,
) -> Verdict {
    let tree = response.body.as_ref().map(BodyRecord::tree);
    let body = tree.as_ref();
    let facts = || {
        let matched = naming.matched.as_ref()?;
        Some(naming.facts(matched, request, actor, Some((response, body))))
    };
    let rules = naming.matched.iter().flat_map(|matched| &matched.rule.outcomes);
    let ruled = rules.into_iter().enumerate().find(|(_, rule)| rule.holds(response, body));
    let error = body.filter(|_| naming.is_call).and_then(told_error);
    let by_convention = match response.status {
        101 | 200..=399 if error.is_some() => Outcome::Failure,
        101 | 200..=399 => Outcome::Success,
        401 | 403 | 407 => Outcome::Denied,
        400..=599 => Outcome::Failure,
        _ => Outcome::Unknown,
    };
    let outcome = ruled.map_or(by_convention, |(_, rule)| rule.is);
    let by_rule = |key: &str| {
        let (position, _) = ruled?;
        let by = naming.matched.as_ref()?.by(Whose::Rules, &format!("outcome[{position}]{key}"));
        Some(by)
    };
    trace.note(Field::Outcome, || match by_rule("") {
        Some(by) => (by, vec![Origin::Status]),
        None => match error.filter(|_| response.status < 400) {
            Some(path) => {
                let from = vec![Origin::Status, Origin::ResponseBody(path.to_owned())];
                (By::Convention("an error in the body of a successful call"), from)
            }
            None => (By::Convention("the class of the status"), vec![Origin::Status]),
        },
    });
    if outcome == Outcome::Success {
        return done(naming, request, actor, (response, body), trace);
    }
    let said = ruled.and_then(|(_, rule)| {
        rule.reason.as_ref()?.render_traced(&facts()?, CODE_BYTES_MAX, trace)
    });
    let reason = match (said, body.and_then(code)) {
        (Some((said, from)), _) => {
            if let Some(by) = by_rule(".reason") {
                trace.note(Field::Reason, || (by, from));
            }
            said
        }
        (None, Some((code, path))) => {
            let from = || vec![Origin::ResponseBody(path.to_owned())];
            trace.note(Field::Reason, || (By::Convention("the response's own code"), from()));
            code
        }
        (None, None) => {
            let by = By::Convention("the status");
            trace.note(Field::Reason, || (by, vec![Origin::Status]));
            match response.status {
                200..=399 if naming.is_call => "call_error".to_owned(),
                status => format!("http_{status}"),
            }
        }
    };
    without(naming, outcome, &reason, trace)
}

fn done(
    naming: &Naming,
    request: &RequestRecord,
    actor: &Actor,
    (response, body): (&ResponseRecord, Option<&Value<'_>>),
    trace: &mut Trace,
) -> Verdict {
    let created = response.status == 201 && naming.sentence.verb == "update";
    let sentence = if created {
        trace.note(Field::Action, || (By::Convention("201 says created"), vec![Origin::Status]));
        &Sentence { verb: "create".to_owned(), ..naming.sentence.clone() }
    } else {
        &naming.sentence
    };
    let noun = naming.action.rsplit_once('.').map_or(naming.action.as_str(), |(noun, _)| noun);
    let facts = |matched| naming.facts(matched, request, actor, Some((response, body)));
    let mut targets = completed(naming, response, body, &sentence.verb, trace);
    let sources = [(&naming.documented, Whose::Document), (&naming.matched, Whose::Rules)];
    for (matched, whose) in sources {
        let Some(matched) = matched else { continue };
        let known = targets.as_deref().unwrap_or(&naming.targets);
        let ruled = naming.ruled_targets(matched, whose, &facts(matched), known, trace);
        targets = (ruled != naming.targets).then_some(ruled);
    }
    let known = targets.as_ref().unwrap_or(&naming.targets);
    let ruled = sources.into_iter().rev().find_map(|(matched, whose)| {
        let matched = matched.as_ref()?;
        let facts = facts(matched);
        let (text, from) =
            naming.ruled_description(matched, facts, &sentence.verb, known, trace)?;
        trace.note(Field::Description, || (matched.by(whose, "description"), from));
        Some(text)
    });
    let description = ruled.unwrap_or_else(|| sentence.done(known));
    Verdict {
        action: created.then(|| format!("{noun}.create")),
        outcome: Outcome::Success,
        reason: None,
        severity: Severity::Info,
        description,
        targets,
    }
}

fn without(naming: &Naming, outcome: Outcome, reason: &str, trace: &mut Trace) -> Verdict {
    trace.note(Field::Description, || {
        let by = By::Convention("a sentence of action, target and how it ended");
        (by, vec![event("outcome"), event("reason")])
    });
    let (sentence, targets) = (&naming.sentence, naming.targets.as_slice());
    let (severity, description) = match outcome {
        Outcome::Denied => (Severity::Warn, sentence.refused(targets, reason)),
        Outcome::Unknown => (Severity::Fail, sentence.unknown(targets, reason)),
        _ => (Severity::Fail, sentence.failed(targets, reason)),
    };
    let reason = Some(reason.to_owned());
    Verdict { action: None, outcome, reason, severity, description, targets: None }
}

/// The target with the id and name that the response gives to it.
fn completed(
    naming: &Naming,
    response: &ResponseRecord,
    body: Option<&Value<'_>>,
    verb: &str,
    trace: &mut Trace,
) -> Option<Vec<Target>> {
    let [target] = naming.targets.as_slice() else { return None };
    if naming.is_call || naming.sentence.part.is_some() {
        return None;
    }
    let id = target.id.clone().or_else(|| {
        let is_created = verb == "create" || naming.method == "POST";
        if let Some(id) = located(response, &target.kind) {
            let from = || vec![Origin::ResponseHeader("location".to_owned())];
            trace.note(Field::Id(0), || (By::Convention("the item that is located"), from()));
            return Some(id);
        }
        let body = body.filter(|_| is_created)?;
        let (id, at) = body::created_id_at(body, &target.kind)?;
        let from = || vec![Origin::ResponseBody(at.to_string())];
        trace.note(Field::Id(0), || (By::Convention("the id in the response"), from()));
        Some(id)
    });
    let name = target.name.clone().or_else(|| {
        let (name, at) = body::name_at(body?, &target.kind)?;
        if Some(&name) == id.as_ref() {
            return None;
        }
        let from = || vec![Origin::ResponseBody(at.to_string())];
        trace.note(Field::Name(0), || (By::Convention("the name in the response"), from()));
        Some(name)
    });
    let completed = Target { kind: target.kind.clone(), id, name };
    (completed != *target).then(|| vec![completed])
}

/// The id in `Location`, if it leads to such an item.
fn located(response: &ResponseRecord, kind: &str) -> Option<String> {
    let location = response.headers.get("location")?.as_str()?;
    let path = match location.split_once("://") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..))?,
        None => location,
    };
    let last = walk(&Path::read(path), "GET").nodes.pop()?;
    (last.noun == kind).then_some(last.id).flatten()
}

/// Where a GraphQL or JSON-RPC response tells of an error and of nothing done.
fn told_error(body: &Value<'_>) -> Option<&'static str> {
    let is_some = |name: &str| body.get(name).is_some_and(|value| *value != Value::Null);
    let errors = body.get("errors").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    match is_some("error") {
        true => Some("$.error"),
        false => (errors && !is_some("data")).then_some("$.errors"),
    }
}

/// The upstream's own code, if it is a short token, and where it stands.
fn code(body: &Value<'_>) -> Option<(String, &'static str)> {
    let error = body.get("error");
    let first = body.get("errors").and_then(|errors| errors.as_array()?.first());
    let places = [
        (error.and_then(|error| error.get("code")), "$.error.code"),
        (error.and_then(|error| error.get("type")), "$.error.type"),
        (body.get("code"), "$.code"),
        (error, "$.error"),
        (
            first.and_then(|first| first.get("extensions")?.get("code")),
            "$.errors[0].extensions.code",
        ),
        (first.and_then(|first| first.get("code")), "$.errors[0].code"),
    ];
    places.into_iter().find_map(|(value, path)| {
        let code = value?.as_str().filter(|code| is_code(code))?;
        Some((code.to_owned(), path))
    })
}

fn is_code(code: &str) -> bool {
    code.len() <= CODE_BYTES_MAX
        && code.bytes().any(|byte| byte.is_ascii_lowercase())
        && code.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte)
        })
}
