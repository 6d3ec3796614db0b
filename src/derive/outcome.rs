//! How a request ended, from the redacted response.

use super::act::{self, End};
use super::answer;
use super::body::{self, Value};
use super::changes::Observed;
use super::code::{CODE_BYTES_MAX, code, is_refusal};
use super::graphql::Operation;
use super::naming::Naming;
use super::path::Path;
use super::rule::Facts;
use super::sentence::Sentence;
use super::signs::{Tells, is_error_inside, may_be_form_again, sent_to_sign_in};
use super::walk::walk;
use super::words::{plural, spoken};
use crate::record::{
    self, Actor, BodyRecord, Outcome, RequestRecord, ResponseRecord, Severity, Target,
};

/// How an exchange ended.
#[derive(Debug, Clone, Copy)]
pub enum Ended<'r> {
    /// With a response.
    Response(&'r ResponseRecord),
    /// With a response, and the states before and after are known, as far as they could be read.
    Observed(&'r ResponseRecord, &'r Observed),
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
    /// How each of several acts ended.
    pub acts: Vec<record::Act>,
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
    let rule = naming.matched.as_ref().map(|matched| &matched.rule);
    let read = rule.is_some_and(|rule| rule.read) || naming.graphql == Some(Operation::Query);
    let ruled = rule.and_then(|rule| rule.severity);
    if rule.is_some() || read {
        verdict.severity = severity(verdict.outcome, verdict.severity, ruled, read);
        for act in &mut verdict.acts {
            act.severity = act
                .outcome
                .zip(act.severity)
                .map(|(outcome, own)| severity(outcome, own, ruled, read));
        }
    }
    verdict
}

/// What failed without having changed anything need not worry anybody; what was refused may.
fn severity(outcome: Outcome, own: Severity, ruled: Option<Severity>, is_read: bool) -> Severity {
    let own = match outcome {
        Outcome::Failure | Outcome::Unknown if is_read => Severity::Info,
        _ => own,
    };
    match (own, ruled) {
        (Severity::Fail, _) | (_, Some(Severity::Fail)) => Severity::Fail,
        (Severity::Warn, _) | (_, Some(Severity::Warn)) => Severity::Warn,
        _ => Severity::Info,
    }
}

fn ending(naming: &Naming, request: &RequestRecord, actor: &Actor, ended: Ended<'_>) -> Verdict {
    let (response, observed) = match ended {
        Ended::Response(response) => (response, None),
        Ended::Observed(response, observed) => (response, Some(observed)),
        Ended::NotSent => return without(naming, Outcome::Failure, "not_sent"),
        Ended::ClientAborted => return without(naming, Outcome::Failure, "client_aborted"),
        Ended::UpstreamLost => return without(naming, Outcome::Unknown, "upstream_lost"),
        Ended::UpstreamTimeout => return without(naming, Outcome::Unknown, "upstream_timeout"),
        Ended::UpstreamInvalid => return without(naming, Outcome::Unknown, "upstream_invalid"),
    };
    let tree = response.body.as_ref().map(BodyRecord::tree);
    let body = tree.as_ref();
    let came = Came { response, body, observed };
    let facts = naming
        .matched
        .as_ref()
        .map(|matched| naming.facts(matched, request, actor, Some((response, body))));
    let rules = naming.matched.iter().flat_map(|matched| &matched.rule.outcomes);
    let ruled = rules.into_iter().find(|rule| rule.holds(response, body));
    let Some(rule) = ruled else {
        return by_convention(naming, request, came, facts);
    };
    if rule.is == Outcome::Success {
        return done(naming, came, facts);
    }
    let said = rule.reason.as_ref().zip(facts.as_ref());
    let said = said.and_then(|(reason, facts)| reason.render(facts, CODE_BYTES_MAX));
    let reason = said.or_else(|| code(body?, Some(response.status)));
    without(naming, rule.is, &reason.unwrap_or_else(|| format!("http_{}", response.status)))
}

/// What came of a request.
#[derive(Clone, Copy)]
struct Came<'a> {
    response: &'a ResponseRecord,
    body: Option<&'a Value<'a>>,
    observed: Option<&'a Observed>,
}

/// Judges a response that no rule speaks of.
fn by_convention(
    naming: &Naming,
    request: &RequestRecord,
    came: Came<'_>,
    facts: Option<Facts<'_>>,
) -> Verdict {
    let Came { response, body, .. } = came;
    let status = response.status;
    let told = || body.and_then(|body| code(body, Some(status)));
    let reason = || told().unwrap_or_else(|| format!("http_{status}"));
    match status {
        101 | 200..=399 => {}
        401 | 403 | 407 => return without(naming, Outcome::Denied, &reason()),
        400..=599 => return without(naming, Outcome::Failure, &reason()),
        _ => return without(naming, Outcome::Unknown, &reason()),
    }
    if let Some(reason) = sent_to_sign_in(naming, request, response) {
        return without(naming, Outcome::Failure, reason);
    }
    if may_be_form_again(naming, request, response) {
        return without(naming, Outcome::Unknown, "page_after_sign_in");
    }
    if !naming.acts.is_empty() {
        let ends = answer::ends(&naming.acts, body);
        return match (ends.as_slice(), naming.acts.len()) {
            ([end], 1) if end.outcome != Outcome::Success => {
                without(naming, end.outcome, end.reason.as_deref().unwrap_or("call_error"))
            }
            (_, 1) => done(naming, came, facts),
            (ends, _)
                if naming.is_one && ends.iter().all(|end| end.outcome == Outcome::Success) =>
            {
                done(naming, came, facts)
            }
            _ => several(naming, &naming.acts, &ends, &naming.acts_kind),
        };
    }
    if let Some(verdict) = by_items(naming, response, body) {
        return verdict;
    }
    if body.is_some_and(|body| is_error_inside(body, Tells::Answer)) {
        let code = told();
        let outcome = match code.as_deref() {
            Some(code) if is_refusal(code) => Outcome::Denied,
            _ => Outcome::Failure,
        };
        return without(naming, outcome, &code.unwrap_or_else(|| "error_in_body".to_owned()));
    }
    done(naming, came, facts)
}

/// Sums up several acts: what the whole is said to have come to is the gravest of their ends.
fn several(naming: &Naming, acts: &[act::Act], ends: &[End], kind: &str) -> Verdict {
    let told: Vec<record::Act> = acts.iter().zip(ends).map(|(act, end)| act.ended(end)).collect();
    let gravest = ends.iter().max_by_key(|end| act::gravity(end.outcome));
    let (outcome, reason) =
        gravest.map_or((Outcome::Success, None), |end| (end.outcome, end.reason.clone()));
    let targets: Vec<Target> = told.iter().flat_map(|act| act.targets.clone()).collect();
    let targets: Vec<Target> = targets.into_iter().take(body::TARGETS_MAX).collect();
    let description = match outcome {
        Outcome::Success if act::are_alike(acts) || naming.is_one => naming.sentence.done(&targets),
        _ => act::summary(acts, &told, kind),
    };
    Verdict {
        action: None,
        acts: if naming.is_one { Vec::new() } else { told },
        outcome,
        reason,
        severity: match outcome {
            Outcome::Success => Severity::Info,
            Outcome::Denied => Severity::Warn,
            Outcome::Failure | Outcome::Unknown => Severity::Fail,
        },
        description,
        targets: (targets != naming.targets).then_some(targets),
    }
}

/// Judges an answer that tells of every item by itself, if not all items ended alike well.
fn by_items(
    naming: &Naming,
    response: &ResponseRecord,
    body: Option<&Value<'_>>,
) -> Option<Verdict> {
    let items = answer::items(body?);
    let is_bulk = naming.targets.len() > 1 && items.len() == naming.targets.len()
        || body.is_some_and(|body| body.get("errors") == Some(&Value::Bool(true)));
    if items.is_empty() || !(response.status == 207 || is_bulk) {
        return None;
    }
    let mut told = items.iter().take(answer::ITEMS_MAX).map(answer::of_item);
    if told.all(|end| end.is_none_or(|end| end.outcome == Outcome::Success)) {
        return None;
    }
    let act = |target: Target, answer| act::Act {
        action: naming.action.clone(),
        category: naming.category.clone(),
        targets: vec![target],
        sentence: naming.sentence.clone(),
        answer,
    };
    let kind = naming.targets.first().map(|target| target.kind.clone()).unwrap_or_default();
    let mut acts: Vec<act::Act> = if naming.targets.len() > 1 {
        let targets = naming.targets.iter().cloned().enumerate();
        targets.map(|(at, target)| act(target.clone(), act::Answer::Part(at, target.id))).collect()
    } else {
        let ids = items.iter().take(act::ACTS_MAX).map(answer::item_id).enumerate();
        ids.map(|(at, id)| {
            let target = Target { kind: kind.clone(), id: id.clone(), name: None };
            act(target, act::Answer::Part(at, id))
        })
        .collect()
    };
    let ends = answer::ends(&acts, body);
    if let ([act], [end]) = (acts.as_mut_slice(), ends.as_slice()) {
        let reason = end.reason.as_deref().unwrap_or("multi_status");
        let failed = Naming { targets: std::mem::take(&mut act.targets), ..naming.clone() };
        return Some(without(&failed, end.outcome, reason));
    }
    let kind = format!("{} {}", acts.len(), plural(&spoken(&kind)));
    Some(several(naming, &acts, &ends, &kind))
}

fn done(naming: &Naming, came: Came<'_>, facts: Option<Facts<'_>>) -> Verdict {
    let Came { response, body, observed } = came;
    let is_created = response.status == 201 || observed.is_some_and(Observed::is_creation);
    let created = is_created && naming.sentence.verb == "update";
    let sentence = if created {
        &Sentence { verb: "create".to_owned(), ..naming.sentence.clone() }
    } else {
        &naming.sentence
    };
    let noun = naming.action.rsplit_once('.').map_or(naming.action.as_str(), |(noun, _)| noun);
    let shown = |kind: &str| observed?.name(naming, kind);
    let mut targets = match naming.acts.as_slice() {
        [act] => answer::ends(std::slice::from_ref(act), body).pop().and_then(|end| end.targets),
        _ => completed(naming, response, body, &sentence.verb, &shown),
    };
    if let (Some(matched), Some(facts)) = (&naming.matched, &facts) {
        let known = targets.as_deref().unwrap_or(&naming.targets);
        let ruled = naming.ruled_targets(matched, facts, known);
        targets = (ruled != naming.targets).then_some(ruled);
    }
    let known = targets.as_ref().unwrap_or(&naming.targets);
    let ruled = facts.and_then(|facts| naming.ruled_description(facts, &sentence.verb, known));
    let description = ruled.unwrap_or_else(|| match response.status {
        _ if naming.is_mixed() => act::plan(&naming.acts, &naming.acts_kind),
        202 => sentence.accepted(known),
        _ => sentence.done(known),
    });
    Verdict {
        action: created.then(|| format!("{noun}.create")),
        acts: all_ended(naming, &End::of(Outcome::Success, None)),
        outcome: Outcome::Success,
        reason: None,
        severity: Severity::Info,
        description,
        targets,
    }
}

fn without(naming: &Naming, outcome: Outcome, reason: &str) -> Verdict {
    let (sentence, targets) = (&naming.sentence, naming.targets.as_slice());
    let severity = if outcome == Outcome::Denied { Severity::Warn } else { Severity::Fail };
    let description = match outcome {
        _ if naming.is_mixed() => {
            let what = match outcome {
                Outcome::Denied => "refused",
                Outcome::Unknown => "outcome unknown",
                _ => "not done",
            };
            act::plan(&naming.acts, &format!("{}: {what} ({reason})", naming.acts_kind))
        }
        Outcome::Denied => sentence.refused(targets, reason),
        Outcome::Unknown => sentence.unknown(targets, reason),
        _ => sentence.failed(targets, reason),
    };
    let reason = Some(reason.to_owned());
    let acts = all_ended(naming, &End::of(outcome, reason.clone()));
    Verdict { action: None, acts, outcome, reason, severity, description, targets: None }
}

/// Several acts that all ended alike.
fn all_ended(naming: &Naming, end: &End) -> Vec<record::Act> {
    match naming.acts.len() {
        0 | 1 => Vec::new(),
        _ if naming.is_one => Vec::new(),
        _ => naming.acts.iter().map(|act| act.ended(end)).collect(),
    }
}

/// The target with the id and name that the response gives to it, or the name that is `shown` by its
/// states.
fn completed(
    naming: &Naming,
    response: &ResponseRecord,
    body: Option<&Value<'_>>,
    verb: &str,
    shown: &dyn Fn(&str) -> Option<String>,
) -> Option<Vec<Target>> {
    let [target] = naming.targets.as_slice() else {
        return if verb == "create" { all_completed(naming, body?) } else { None };
    };
    if naming.is_call || naming.sentence.part.is_some() {
        return None;
    }
    let id = target.id.clone().or_else(|| {
        // What an export or an import answers with is its own.
        let is_created = verb == "create"
            || (naming.method == "POST" && !matches!(verb, "export" | "import" | "search"));
        located(response, &target.kind).or_else(|| {
            body.filter(|_| is_created).and_then(|body| body::created_id(body, &target.kind))
        })
    });
    let name = target.name.clone().or_else(|| {
        let named = body.and_then(|body| body::name(body, &target.kind));
        let named = named.or_else(|| shown(&target.kind));
        named.filter(|name| Some(name) != id.as_ref())
    });
    let completed = Target { kind: target.kind.clone(), id, name };
    (completed != *target).then(|| vec![completed])
}

/// Several targets with the ids that the response gives to them, in the order of the request.
fn all_completed(naming: &Naming, body: &Value<'_>) -> Option<Vec<Target>> {
    let items = answer::items(body);
    if items.len() != naming.targets.len() {
        return None;
    }
    let complete = |(target, item): (&Target, &Value<'_>)| {
        let name = body::name(item, &target.kind);
        let same = target.name.is_none() || name.is_none() || target.name == name;
        let id = target.id.clone().or_else(|| body::id(item, &target.kind).filter(|_| same));
        Target { id, ..target.clone() }
    };
    let targets: Vec<Target> = naming.targets.iter().zip(items).map(complete).collect();
    (targets != naming.targets).then_some(targets)
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
