//! How a request ended, from the redacted response.

mod acts;
mod completed;
mod dry_run;
mod fielded;
mod inside;
mod items;
mod located;
mod moved;
mod noted;
mod parts;
mod streamed;
mod undone;
mod unread;

use self::acts::by_acts;
use self::completed::completed;
use self::dry_run::{DRY_RUN, asks_dry_run};
use self::fielded::fielded;
use self::inside::{challenged, told_inside};
use self::items::{MULTI_STATUS, by_items, is_unclear};
use self::parts::by_parts;
use self::undone::{all_ended, broken, note_ending, without};
use self::unread::{is_unread_graphql, unread};
use super::act::{self, End};
use super::answer;
use super::body::Value;
use super::changes::Observed;
use super::code::{CODE_BYTES_MAX, code, fault_code, field_code, is_refusal};
use super::graphql::Operation;
use super::naming::Naming;
use super::redirect::redirected;
use super::rpc::xml_fault;
use super::rule::{Facts, Matched, Whose};
use super::sentence::Sentence;
use super::shown;
use super::sign_in;
use super::signs;
use super::text::cut;
use super::trace::{By, Field, Origin, Trace};
use crate::decode::REDACTED_BY_VALUE;
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
    let own = verdict.severity;
    let rule = naming.matched.as_ref().map(|matched| &matched.rule);
    let read = rule.is_some_and(|rule| rule.read) || naming.graphql == Some(Operation::Query);
    let ruled = rule.and_then(|rule| rule.severity);
    let is_hidden = request.notes.iter().any(|note| note == REDACTED_BY_VALUE);
    // Whoever hides what is done by calling it a secret, or another method, does not do so unseen.
    let is_hidden = is_hidden || naming.is_disguised() || is_unread_graphql(naming, request);
    let ruled = if is_hidden { ruled.max(Some(Severity::Warn)) } else { ruled };
    if rule.is_some() || read || is_hidden {
        verdict.severity = severity(verdict.outcome, verdict.severity, ruled, read);
        for act in &mut verdict.acts {
            act.severity = act
                .outcome
                .zip(act.severity)
                .map(|(outcome, own)| severity(outcome, own, ruled, read));
        }
    }
    trace.note(Field::Severity, || {
        let is_ruled = verdict.severity != own || ruled == Some(own);
        let by = match naming.matched.as_ref().filter(|_| is_ruled) {
            Some(matched) if ruled.is_some() => matched.by(Whose::Rules, "severity"),
            Some(matched) if matched.rule.read => matched.by(Whose::Rules, "read"),
            _ if is_hidden => By::Convention(
                "what says what was done was sent as a credential, or as something else",
            ),
            _ if is_ruled => By::Convention("a query that failed has changed nothing"),
            _ => By::Convention("how it ended"),
        };
        (by, vec![noted::event("outcome")])
    });
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

fn ending(
    naming: &Naming,
    request: &RequestRecord,
    actor: &Actor,
    ended: Ended<'_>,
    trace: &mut Trace,
) -> Verdict {
    let (response, observed) = match ended {
        Ended::Response(response) => (response, None),
        Ended::Observed(response, observed) => (response, Some(observed)),
        Ended::NotSent => return broken(naming, Outcome::Failure, "not_sent", trace),
        Ended::ClientAborted => return broken(naming, Outcome::Failure, "client_aborted", trace),
        Ended::UpstreamLost => return broken(naming, Outcome::Unknown, "upstream_lost", trace),
        Ended::UpstreamTimeout => {
            return broken(naming, Outcome::Unknown, "upstream_timeout", trace);
        }
        Ended::UpstreamInvalid => {
            return broken(naming, Outcome::Unknown, "upstream_invalid", trace);
        }
    };
    let body = response.body.as_ref().map(BodyRecord::tree);
    let sketch = response.sketch.as_ref().map(BodyRecord::tree);
    let came = Came { request, actor, response, body, says: sketch.or(body), sketch, observed };
    let ruled = naming.matched.as_ref().and_then(|matched| {
        let mut rules = matched.rule.outcomes.iter().enumerate();
        let (position, rule) = rules.find(|(_, rule)| rule.holds(response, came.says))?;
        Some((matched, position, rule))
    });
    let Some((matched, position, rule)) = ruled else {
        return by_convention(naming, came, trace);
    };
    let by = |key: &str| matched.by(Whose::Rules, &format!("outcome[{position}]{key}"));
    trace.note(Field::Outcome, || (by(""), vec![Origin::Status]));
    if rule.is == Outcome::Success {
        return done(naming, came, trace);
    }
    let said = rule.reason.as_ref().and_then(|reason| {
        reason.render_traced(&came.facts(naming, matched), CODE_BYTES_MAX, trace)
    });
    let reason = match said {
        Some((said, from)) => {
            trace.note(Field::Reason, || (by(".reason"), from));
            said
        }
        None => {
            let told = came.reason();
            noted::reason(came, Some(&told), trace);
            told
        }
    };
    without(naming, rule.is, &reason, trace)
}

/// What came of a request.
#[derive(Clone, Copy)]
struct Came<'a> {
    request: &'a RequestRecord,
    actor: &'a Actor,
    response: &'a ResponseRecord,
    /// What is recorded of the body: ids and names come from here.
    body: Option<&'a Value<'a>>,
    /// What tells how it ended, which may stand where it is not recorded.
    says: Option<&'a Value<'a>>,
    /// The same, if it is not what is recorded.
    sketch: Option<&'a Value<'a>>,
    observed: Option<&'a Observed>,
}

impl<'a> Came<'a> {
    fn facts(&self, naming: &'a Naming, matched: &'a Matched) -> Facts<'a> {
        naming.facts(matched, self.request, self.actor, Some((self.response, self.body)))
    }

    /// The response's own code, in its body or a field of it, or else its status.
    fn reason(&self) -> String {
        let status = self.response.status;
        let told = self.says.and_then(|body| code(body, Some(status)));
        let told = told.or_else(|| Some(field_code(self.response)?.0));
        told.unwrap_or_else(|| format!("http_{status}"))
    }
}

/// Judges a response that no rule speaks of.
fn by_convention(naming: &Naming, came: Came<'_>, trace: &mut Trace) -> Verdict {
    let Came { request, response, says, .. } = came;
    noted::status(trace);
    let refused = match response.status {
        101 | 200..=303 | 305..=399 => None,
        401 | 403 | 407 => Some(Outcome::Denied),
        status if is_of_an_intermediary(status) => Some(Outcome::Unknown),
        400..=599 => Some(Outcome::Failure),
        _ => Some(Outcome::Unknown),
    };
    if let Some(outcome) = refused {
        let reason = came.reason();
        noted::reason(came, Some(&reason), trace);
        return without(naming, outcome, &reason, trace);
    }
    match sign_in::told(naming, request, response, says) {
        Some(sign_in::Told::Asked(step)) => return challenged(naming, step, came, trace),
        Some(sign_in::Told::Ended(outcome, reason)) => {
            noted::signing(came, &reason, trace);
            return without(naming, outcome, &reason, trace);
        }
        None => {}
    }
    if let Some((outcome, reason)) = redirected(naming, request, response, says) {
        noted::sent_away(response, trace);
        return without(naming, outcome, &reason, trace);
    }
    if let Some((outcome, reason, field)) = fielded(response, says) {
        noted::field(field, trace);
        return without(naming, outcome, &reason, trace);
    }
    if says.is_some_and(|body| signs::is_fault(body, response)) {
        let reason = says.and_then(|body| code(body, Some(response.status)));
        let fault = || says.and_then(xml_fault).and_then(|fault| fault_code(&fault));
        let reason = reason.or_else(fault).unwrap_or_else(|| "fault".to_owned());
        // Of XML-RPC with the numbers of HTTP.
        let is_denied = is_refusal(&reason) || matches!(&*reason, "error_401" | "error_403");
        let outcome = if is_denied { Outcome::Denied } else { Outcome::Failure };
        noted::within(came, "a fault in the body of a successful response", trace);
        noted::reason(came, Some(&reason), trace);
        return without(naming, outcome, &reason, trace);
    }
    if let Some(reason) = signs::unexpected_page(naming, request, response) {
        noted::page(trace);
        return without(naming, Outcome::Unknown, reason, trace);
    }
    // An operation that its body or a field names is answered as any other request.
    if naming.acts.iter().any(|act| act.answer.is_own()) {
        return by_acts(naming, came, trace);
    }
    let told = by_parts(naming, came, trace).or_else(|| by_items(naming, came, trace));
    if let Some(verdict) = told.or_else(|| unread(naming, came, trace)) {
        return verdict;
    }
    match says.and_then(|body| told_inside(naming, came, body, trace)) {
        Some((outcome, reason)) => without(naming, outcome, &reason, trace),
        None if asks_dry_run(request) => {
            noted::dry_run(trace);
            without(naming, Outcome::Unknown, DRY_RUN, trace)
        }
        None if is_unclear(naming, came) => {
            noted::within(came, "an answer with many statuses, of which none is understood", trace);
            noted::reason(came, Some(MULTI_STATUS), trace);
            without(naming, Outcome::Unknown, MULTI_STATUS, trace)
        }
        None => done(naming, came, trace),
    }
}

/// Whether a status is that of somebody who waited for an answer in vain (RFC 9110, 15.6.3 and 15.6.5; 520 and
/// 524 are Cloudflare's): whoever was asked may have done it all the same.
fn is_of_an_intermediary(status: u16) -> bool {
    matches!(status, 502 | 504 | 520 | 524)
}

fn noun(action: &str) -> &str {
    action.rsplit_once('.').map_or(action, |(noun, _)| noun)
}

/// The action, where the answer knows better than the request.
fn action(naming: &Naming, turned: Option<&Sentence>, is_created: bool) -> Option<String> {
    let created = || is_created.then(|| format!("{}.create", noun(&naming.action)));
    turned.map(moved::action).or_else(created)
}

/// Whether what is put somewhere may be made by that.
fn may_make(naming: &Naming) -> bool {
    let verb = naming.sentence.verb.as_str();
    let is_set = matches!(verb, "put" | "replace" | "save" | "set" | "upsert");
    is_set && naming.method == "PUT" || completed::may_be_new(naming)
}

fn done(naming: &Naming, came: Came<'_>, trace: &mut Trace) -> Verdict {
    let Came { request, response, body, observed, .. } = came;
    let is_told = completed::says_created(naming, request, body);
    let is_created =
        response.status == 201 || is_told || observed.is_some_and(Observed::is_creation);
    let may_make = may_make(naming);
    let created = is_created && (may_make || naming.sentence.verb == "update");
    let sentence = if created {
        trace.note(Field::Action, || match response.status {
            201 => (By::Convention("201 says created"), vec![Origin::Status]),
            _ if is_told => (By::Convention("the answer says created"), Vec::new()),
            _ => (By::Convention("there was nothing before"), vec![Origin::States]),
        });
        &Sentence { verb: "create".to_owned(), ..naming.sentence.clone() }
    } else {
        &naming.sentence
    };
    // What the response shows as the name is one.
    let is_shown = naming.sentence.is_claimed && completed::is_name_shown(naming, came);
    let named;
    let sentence = match is_shown {
        true => {
            named = Sentence { is_claimed: false, ..sentence.clone() };
            &named
        }
        false => sentence,
    };
    let turned = moved::turned(naming, came, sentence, trace);
    let sentence = turned.as_ref().unwrap_or(sentence);
    let mut targets = match naming.acts.as_slice() {
        [act] => {
            let told =
                answer::ends(std::slice::from_ref(act), body, None, (request, response)).pop();
            let told = told.and_then(|end| end.targets);
            noted::told(&naming.targets, told.as_deref(), body, trace);
            told
        }
        _ => completed(naming, came, &sentence.verb, trace),
    };
    let sources = [(&naming.documented, Whose::Document), (&naming.matched, Whose::Rules)];
    for (matched, whose) in sources {
        let Some(matched) = matched else { continue };
        let known = targets.as_deref().unwrap_or(&naming.targets);
        let facts = came.facts(naming, matched);
        let ruled = naming.ruled_targets(matched, whose, &facts, known, trace);
        targets = (ruled != naming.targets).then_some(ruled);
    }
    let known = targets.as_ref().unwrap_or(&naming.targets);
    let is_pending = |body: &Value<'_>| shown::is_pending(&sentence.verb, body, &naming.targets);
    let is_accepted = response.status == 202 || body.is_some_and(is_pending);
    let said = (sentence.verb.as_str(), is_accepted);
    let ruled = sources.into_iter().rev().find_map(|(matched, whose)| {
        // What a document calls a change was none.
        let matched = matched.as_ref().filter(|_| !created || whose == Whose::Rules)?;
        let facts = came.facts(naming, matched);
        let (text, from) = naming.ruled_description(matched, facts, said, known, trace)?;
        trace.note(Field::Description, || (matched.by(whose, "description"), from));
        // A document's summary says what is meant to be done, and the operator's rule what was.
        Some(match (response.status, whose) {
            (202, Whose::Document) => cut(&format!("{text} (accepted)")),
            _ => text,
        })
    });
    let description = ruled.unwrap_or_else(|| match response.status {
        _ if naming.is_mixed() => act::plan(&naming.acts, &naming.acts_kind),
        _ if is_accepted => sentence.accepted(known),
        _ => sentence.done(known),
    });
    Verdict {
        action: action(naming, turned.as_ref(), created),
        acts: all_ended(naming, &End::of(Outcome::Success, None)),
        outcome: Outcome::Success,
        reason: None,
        severity: Severity::Info,
        description,
        targets,
    }
}
