//! How a request ended, from the redacted response.

use super::body::{self, Value};
use super::naming::Naming;
use super::path::Path;
use super::sentence::Sentence;
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
    let mut verdict = ending(naming, request, actor, ended);
    if let Some(matched) = &naming.matched {
        verdict.severity = severity(&verdict, matched.rule.severity, matched.rule.read);
    }
    verdict
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

fn ending(naming: &Naming, request: &RequestRecord, actor: &Actor, ended: Ended<'_>) -> Verdict {
    let response = match ended {
        Ended::Response(response) => response,
        Ended::NotSent => return without(naming, Outcome::Failure, "not_sent"),
        Ended::ClientAborted => return without(naming, Outcome::Failure, "client_aborted"),
        Ended::UpstreamLost => return without(naming, Outcome::Unknown, "upstream_lost"),
        Ended::UpstreamTimeout => return without(naming, Outcome::Unknown, "upstream_timeout"),
        Ended::UpstreamInvalid => return without(naming, Outcome::Unknown, "upstream_invalid"),
    };
    let tree = response.body.as_ref().map(BodyRecord::tree);
    let body = tree.as_ref();
    let facts = || {
        let matched = naming.matched.as_ref()?;
        Some(naming.facts(matched, request, actor, Some((response, body))))
    };
    let rules = naming.matched.iter().flat_map(|matched| &matched.rule.outcomes);
    let ruled = rules.into_iter().find(|rule| rule.holds(response, body));
    let by_convention = match response.status {
        101 | 200..=399 if naming.is_call && is_error(body) => Outcome::Failure,
        101 | 200..=399 => Outcome::Success,
        401 | 403 | 407 => Outcome::Denied,
        400..=599 => Outcome::Failure,
        _ => Outcome::Unknown,
    };
    let outcome = ruled.map_or(by_convention, |rule| rule.is);
    if outcome != Outcome::Success {
        let said = ruled.and_then(|rule| rule.reason.as_ref()?.render(&facts()?, CODE_BYTES_MAX));
        let code = said.or_else(|| body.and_then(code));
        let reason = code.unwrap_or_else(|| match response.status {
            200..=399 if naming.is_call => "call_error".to_owned(),
            status => format!("http_{status}"),
        });
        return without(naming, outcome, &reason);
    }
    done(naming, request, actor, (response, body))
}

fn done(
    naming: &Naming,
    request: &RequestRecord,
    actor: &Actor,
    (response, body): (&ResponseRecord, Option<&Value<'_>>),
) -> Verdict {
    let created = response.status == 201 && naming.sentence.verb == "update";
    let sentence = if created {
        &Sentence { verb: "create".to_owned(), ..naming.sentence.clone() }
    } else {
        &naming.sentence
    };
    let noun = naming.action.rsplit_once('.').map_or(naming.action.as_str(), |(noun, _)| noun);
    let facts = |matched| naming.facts(matched, request, actor, Some((response, body)));
    let mut targets = completed(naming, response, body, &sentence.verb);
    for matched in [&naming.documented, &naming.matched].into_iter().flatten() {
        let known = targets.as_deref().unwrap_or(&naming.targets);
        let ruled = naming.ruled_targets(matched, &facts(matched), known);
        targets = (ruled != naming.targets).then_some(ruled);
    }
    let known = targets.as_ref().unwrap_or(&naming.targets);
    let mut sources = [&naming.matched, &naming.documented].into_iter().flatten();
    let ruled = sources.find_map(|matched| {
        naming.ruled_description(matched, facts(matched), &sentence.verb, known)
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

fn without(naming: &Naming, outcome: Outcome, reason: &str) -> Verdict {
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
) -> Option<Vec<Target>> {
    let [target] = naming.targets.as_slice() else { return None };
    if naming.is_call || naming.sentence.part.is_some() {
        return None;
    }
    let id = target.id.clone().or_else(|| {
        let is_created = verb == "create" || naming.method == "POST";
        located(response, &target.kind).or_else(|| {
            body.filter(|_| is_created).and_then(|body| body::created_id(body, &target.kind))
        })
    });
    let name = target.name.clone().or_else(|| {
        let named = body.and_then(|body| body::name(body, &target.kind));
        named.filter(|name| Some(name) != id.as_ref())
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

/// Whether a GraphQL or JSON-RPC response tells of an error and of nothing done.
fn is_error(body: Option<&Value<'_>>) -> bool {
    let Some(body) = body else { return false };
    let is_some = |name: &str| body.get(name).is_some_and(|value| *value != Value::Null);
    let errors = body.get("errors").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    is_some("error") || (errors && !is_some("data"))
}

/// The upstream's own code, if it is a short token.
fn code(body: &Value<'_>) -> Option<String> {
    let error = body.get("error");
    let first = body.get("errors").and_then(|errors| errors.as_array()?.first());
    [
        error.and_then(|error| error.get("code")),
        error.and_then(|error| error.get("type")),
        body.get("code"),
        error,
        first.and_then(|first| first.get("extensions")?.get("code")),
        first.and_then(|first| first.get("code")),
    ]
    .into_iter()
    .flatten()
    .filter_map(Value::as_str)
    .find(|code| is_code(code))
    .map(str::to_owned)
}

fn is_code(code: &str) -> bool {
    code.len() <= CODE_BYTES_MAX
        && code.bytes().any(|byte| byte.is_ascii_lowercase())
        && code.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte)
        })
}
