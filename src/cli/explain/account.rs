//! What would be recorded of an exchange, and why: made by the same stages as in the proxy.

use std::sync::Arc;

use anyhow::Context;
use serde_json::{Value, json};

use super::derived::{Derived, Known, derived};
use super::exchange::Exchange;
use crate::capture::Response;
use crate::clock::Timestamp;
use crate::config::{AuditLevel, Config, Route, RouteKind};
use crate::derive::{EventRules, Trace, Whereabouts};
use crate::gateway::{self, Watch};
use crate::identify::Evidence;
use crate::pipeline::{End, Prepared, Timing};
use crate::proxy::{self, Recording};
use crate::record::{CanonicalError, Entry, EventId, Observer, meaning};
use crate::redact::{Action, Engine};
use crate::route::{Call, Elsewhere, RouteTable, Safety};
use crate::rules::RuleSet;

/// What the stages work with.
pub(super) struct Setup {
    pub(super) config: Config,
    pub(super) rules: RuleSet,
    pub(super) engine: Engine,
    pub(super) events: Arc<EventRules>,
    pub(super) table: RouteTable,
}

/// What would be recorded of one exchange, and why. Nothing in it is raw.
pub(super) struct Account {
    pub(super) number: usize,
    pub(super) line: u64,
    /// Method and path, redacted.
    pub(super) request: String,
    pub(super) status: Option<u16>,
    /// `intent and completion`, or why there is less.
    pub(super) recorded: &'static str,
    /// Why it is audited, or not.
    pub(super) because: &'static str,
    pub(super) route: String,
    pub(super) kind: &'static str,
    pub(super) level: &'static str,
    pub(super) intent: Option<Value>,
    pub(super) completion: Option<Value>,
    pub(super) receipts: Vec<Receipt>,
    pub(super) notes: Vec<Noted>,
    pub(super) derived: Vec<Derived>,
    /// In what the file is not what was on the wire.
    pub(super) file_notes: Vec<&'static str>,
}

/// A value that was replaced: where, by which rule, and how.
pub(super) struct Receipt {
    pub(super) location: String,
    pub(super) rule: String,
    /// File and line of the rule.
    pub(super) place: Option<(String, u64)>,
    pub(super) selector: &'static str,
    pub(super) action: String,
    pub(super) count: u64,
}

/// A note on one half.
pub(super) struct Noted {
    pub(super) half: &'static str,
    pub(super) note: String,
    pub(super) meaning: &'static str,
}

impl Setup {
    /// Whether an exchange is provably without effect, and no rule wants it recorded.
    fn safety(&self, exchange: &Exchange) -> Safety {
        let elsewhere = Elsewhere::of(&exchange.headers);
        self.events.judge(exchange.safety(), &exchange.asked(&elsewhere))
    }

    /// The route that takes an exchange, by its head or by its body.
    fn route(&self, exchange: &Exchange, safety: Safety) -> Option<&Route> {
        let elsewhere = Elsewhere::of(&exchange.headers);
        let asked = exchange.asked(&elsewhere);
        let routes = &self.config.routes;
        let index = self.table.select(&asked, safety);
        let route = index.and_then(|index| routes.get(index)).or_else(|| routes.last())?;
        let by_body = self.table.by_body(&asked, safety);
        let by_body = by_body.filter(|by_body| {
            let (request, _) = exchange.captured(route);
            !exchange.upgrade() && Call::of(&request).has(by_body.shape)
        });
        by_body.map_or(Some(route), |by_body| routes.get(by_body.route))
    }
}

impl Account {
    /// Whether the exchange is one of those that are shown unless others are asked for.
    pub(super) fn is_mutation(setup: &Setup, exchange: &Exchange) -> bool {
        !setup.safety(exchange).is_safe() || exchange.upgrade()
    }

    /// Takes the exchange through the stages; `now` is for files that do not say when it was.
    pub(super) fn of(setup: &Setup, exchange: &Exchange, now: Timestamp) -> anyhow::Result<Self> {
        let (safety, upgrade) = (setup.safety(exchange), exchange.upgrade());
        let route = setup.route(exchange, safety).context("the configuration has no route")?;
        let (because, refused) = reason(route, safety, upgrade, &exchange.method);
        let recording = match refused {
            true => Recording::Nothing,
            false => proxy::recording(route, safety, upgrade),
        };
        let halves = halves(setup, exchange, route, recording, now)?;
        let status = exchange.reply.as_ref().map(|reply| reply.status);
        let recorded = match (recording, &halves.intent, &halves.completion) {
            _ if refused => "nothing: the request is refused",
            (Recording::Everything, _, Some(_)) => "intent and completion",
            (Recording::Everything, _, None) => "an intent; the response is not known",
            (Recording::Rejections, _, Some(_)) => "a completion alone: a rejection",
            (Recording::Rejections, _, None) => "nothing: it is no rejection",
            (Recording::Nothing, ..) => "nothing",
        };
        let documents = [&halves.intent, &halves.completion];
        let receipts = documents.into_iter().flatten().flat_map(|doc| receipts(setup, doc));
        let notes = [("request", &halves.intent), ("response", &halves.completion)];
        Ok(Self {
            number: exchange.number,
            line: exchange.line,
            request: halves.shown,
            status,
            recorded,
            because,
            route: route.name.clone(),
            kind: kind(route.kind),
            level: level(route.level),
            receipts: receipts.collect(),
            notes: notes.into_iter().flat_map(|(half, doc)| noted(half, doc.as_ref())).collect(),
            derived: derived(
                setup,
                &Known {
                    intent: halves.intent.as_ref(),
                    completion: halves.completion.as_ref(),
                    trace: &halves.trace,
                    actor: halves.actor,
                },
            ),
            intent: halves.intent,
            completion: halves.completion,
            file_notes: exchange.notes.clone(),
        })
    }

    /// As one document for programs.
    pub(super) fn json(&self) -> Value {
        let receipts = self.receipts.iter().map(|receipt| {
            let (file, line) = receipt.place.clone().unzip();
            json!({
                "location": receipt.location, "rule": receipt.rule, "count": receipt.count,
                "file": file, "line": line,
                "selector": receipt.selector, "action": receipt.action,
            })
        });
        let notes = self
            .notes
            .iter()
            .map(|noted| json!({"half": noted.half, "note": noted.note, "meaning": noted.meaning}));
        let derived = self.derived.iter().map(|derived| {
            let Derived { field, value, from, rule, places } = derived;
            json!({"field": field, "value": value, "from": from, "rule": rule, "places": places})
        });
        json!({
            "entry": self.number, "line": self.line,
            "request": self.request, "status": self.status,
            "recorded": self.recorded, "because": self.because,
            "route": {"name": self.route, "kind": self.kind, "level": self.level},
            "intent": self.intent, "completion": self.completion,
            "redactions": receipts.collect::<Vec<_>>(),
            "notes": notes.collect::<Vec<_>>(),
            "derived": derived.collect::<Vec<_>>(),
            "file_notes": self.file_notes,
        })
    }
}

/// The documents, and method and path as they are recorded.
struct Halves {
    shown: String,
    intent: Option<Value>,
    completion: Option<Value>,
    trace: Trace,
    /// The position of the rule that said who acts.
    actor: Option<usize>,
}

fn halves(
    setup: &Setup,
    exchange: &Exchange,
    route: &Route,
    recording: Recording,
    now: Timestamp,
) -> Result<Halves, CanonicalError> {
    let stage = proxy::stage(&setup.engine, &setup.events, &setup.config.trusted_proxies, route);
    let time = exchange.time.unwrap_or(now);
    let observer = Observer {
        config_version: setup.config.version.clone(),
        ruleset: setup.rules.digest().to_owned(),
        upstream: Some(route.upstream.clone()),
    };
    let (request, later) = exchange.captured(route);
    let evidence = Evidence { now: time.timestamp(), ..Evidence::default() };
    let (actors, key) = (setup.rules.actors(), setup.engine.key());
    let who = actors.identify_without_asking(&request, evidence, key, "actor_not_asked");
    let actor = who.get().rule;
    let mut prepared = Prepared::traced(&stage, EventId::new(time), time, observer, &request, who);
    let intent = document(&prepared.intent()?)?;
    let text = |pointer| intent.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let shown = format!("{} {}", text("/request/method"), text("/request/path"));
    let target = match prepared.whereabouts() {
        Whereabouts::At(target) => target,
        _ => exchange.target.clone(),
    };
    let is_full = recording == Recording::Everything && route.level == AuditLevel::Full;
    let states = exchange.states(route, &target).filter(|_| is_full);
    let took = chrono::TimeDelta::from_std(exchange.duration).ok();
    let timing = Timing {
        completed_at: took.and_then(|took| time.checked_add_signed(took)).unwrap_or(time),
        duration: exchange.duration,
        upstream: Some(exchange.duration),
        client_gone: false,
        request_body: later.as_ref(),
        states: states.as_ref(),
    };
    let reply = exchange.reply.as_ref();
    let response = reply.map(|reply| reply.captured(route, &exchange.method));
    // What began well is looked at while it passes.
    let found = response.as_ref().zip(reply).filter(|_| recording == Recording::Rejections);
    let found = found.filter(|(response, _)| !proxy::is_rejection(response.status));
    let found = found.and_then(|(response, reply)| error_within(response, &reply.body));
    let completion = match (&response, recording) {
        (Some(_), Recording::Rejections) if found.is_some() => {
            let end = found.as_ref().map_or(End::UpstreamLost, End::Response);
            Some(prepared.rejection(&stage, end, &timing)?)
        }
        (Some(response), Recording::Everything) => {
            Some(prepared.completion(&stage, End::Response(response), &timing)?)
        }
        (Some(response), Recording::Rejections) if proxy::is_rejection(response.status) => {
            Some(prepared.rejection(&stage, End::Response(response), &timing)?)
        }
        _ => None,
    };
    let completion = completion.as_ref().map(document).transpose()?;
    let intent = Some(intent).filter(|_| recording == Recording::Everything);
    let trace = prepared.trace().clone();
    Ok(Halves { shown, intent, completion, trace, actor })
}

/// The answer of a gateway that began well, as it is told by the error in it, if there is one.
fn error_within(response: &Response, body: &[u8]) -> Option<Response> {
    let mut watch = Watch::over(&response.headers)?;
    let error = watch.passed(body).or_else(|| watch.ended())?;
    Some(gateway::told(response.status, response.headers.clone(), error))
}

/// The text of an entry as JSON again.
fn document(entry: &Entry) -> Result<Value, CanonicalError> {
    Ok(serde_json::from_str(entry.doc.get())?)
}

/// Why a request is audited, or is not; and whether it is refused.
fn reason(route: &Route, safety: Safety, upgrade: bool, method: &str) -> (&'static str, bool) {
    if ["TRACE", "CONNECT"].iter().any(|name| method.eq_ignore_ascii_case(name)) {
        return ("TRACE and CONNECT are not passed on", true);
    }
    let recording = proxy::recording(route, safety, upgrade);
    if recording == Recording::Everything && upgrade && !route.upgrades {
        return ("it offers an upgrade, which the route does not permit", true);
    }
    let because = match (route.kind, safety) {
        (RouteKind::Bypass, _) => "the route is of kind `bypass`",
        (RouteKind::Admin, _) if route.level == AuditLevel::None => "the route has level `none`",
        (RouteKind::Admin, Safety::Safe) if upgrade => "it offers an upgrade",
        (RouteKind::Gateway, _) if !safety.is_safe() => {
            "the route is of kind `gateway`, of which rejections are recorded"
        }
        (_, Safety::Safe) => "it is provably without effect: a safe method without a body",
        (_, Safety::Method) => "its method is not provably without effect",
        (_, Safety::Override) => "something in it may stand for another method",
        (_, Safety::Body) => "it has a safe method, and a body",
        (_, Safety::Declared) => "a rule with `audit` is for it",
    };
    (because, false)
}

fn receipts(setup: &Setup, doc: &Value) -> Vec<Receipt> {
    let list = doc["redactions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |receipt: &Value, name: &str| {
        receipt[name].as_str().map(ToOwned::to_owned).unwrap_or_default()
    };
    list.iter()
        .map(|receipt| {
            let (location, rule) = (text(receipt, "location"), text(receipt, "rule"));
            let written = setup.rules.rule(&rule);
            let listed = setup.rules.listed(&rule).filter(|_| written.is_none());
            let place = written.map(|written| (written.file, written.line)).or(listed);
            let (selector, done) = match (written, listed) {
                (Some(written), _) => {
                    (written.rule.selector(&location).as_str(), action(written.rule.action))
                }
                (None, Some(_)) => ("not listed", action(Action::Summarize)),
                (None, None) => ("built in", action(Action::Mask)),
            };
            Receipt {
                place: place.map(|(file, line)| (file.display().to_string(), line)),
                selector,
                action: done,
                count: receipt["count"].as_u64().unwrap_or(1),
                location,
                rule,
            }
        })
        .collect()
}

fn noted(half: &'static str, doc: Option<&Value>) -> Vec<Noted> {
    // A rejection is both halves in one document.
    let halves: &[&'static str] = match (half, doc) {
        ("response", Some(doc)) if doc.get("request").is_some() => &["request", "response"],
        ("response", _) => &["response"],
        _ => &["request"],
    };
    let of = |half: &'static str| {
        let list = doc.and_then(|doc| doc.pointer(&format!("/{half}/notes"))?.as_array());
        let names = list.into_iter().flatten().filter_map(Value::as_str);
        names.map(move |note| Noted { half, note: note.to_owned(), meaning: meaning(note) })
    };
    halves.iter().flat_map(|half| of(half)).collect()
}

fn action(action: Action) -> String {
    match action {
        Action::Drop => "drop".to_owned(),
        Action::Mask => "mask".to_owned(),
        Action::Summarize => "summarize".to_owned(),
        Action::Fingerprint => "fingerprint".to_owned(),
        Action::KeepEnds { first, last } => format!("keep_ends {first}, {last}"),
    }
}

fn kind(kind: RouteKind) -> &'static str {
    match kind {
        RouteKind::Admin => "admin",
        RouteKind::Gateway => "gateway",
        RouteKind::Bypass => "bypass",
    }
}

fn level(level: AuditLevel) -> &'static str {
    match level {
        AuditLevel::None => "none",
        AuditLevel::Metadata => "metadata",
        AuditLevel::Request => "request",
        AuditLevel::Full => "full",
    }
}
