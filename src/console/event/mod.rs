//! One event: who did what to what, when, from where, how it ended, and what is on record of it.

mod facts;
mod message;

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde_json::Value;

use super::error;
use super::moment::Moment;
use super::question::{ALL, Question};
use super::row::{self, ActorView, Badge, TargetView};
use super::shell::{Page, Section, Shell, Viewer, render};
use super::shown::Shown;
use crate::api::integrity::may_prove;
use crate::api::{Log, Problem, one_of};
use crate::clock::Timestamp;
use crate::query::{SummaryActor, SummaryTarget};
use crate::record::meaning;
use facts::Fact;
use message::Message;

/// Where the API has events.
const API: &str = "/v1/admin/audit";

#[derive(Template)]
#[template(path = "event.html")]
struct EventPage {
    shell: Shell,
    id: String,
    description: Shown,
    action: Option<Shown>,
    action_icon: &'static str,
    outcome: Badge,
    severity: Badge,
    reason: Option<Shown>,
    arrived: Moment,
    actor: ActorView,
    targets: Vec<TargetView>,
    facts: Vec<Fact>,
    acts: Vec<ActView>,
    changes: Changes,
    messages: Vec<Message>,
    redactions: Vec<Receipt>,
    observer: Vec<Fact>,
    notes: Vec<Shown>,
    /// The event by the API.
    api: String,
    curl: String,
    /// The proof that it is in the log, for those who may have it.
    proof: Option<String>,
    /// What else happened around it.
    around: Option<String>,
}

impl Page for EventPage {
    fn shell(&self) -> &Shell {
        &self.shell
    }
}

/// One of several things that the request did.
struct ActView {
    number: usize,
    action: Shown,
    icon: &'static str,
    description: Shown,
    outcome: Badge,
    reason: Option<Shown>,
    targets: Vec<TargetView>,
}

/// What was different afterwards.
struct Changes {
    rows: Vec<Change>,
    /// How it is known, and what that means.
    source: &'static str,
    explained: &'static str,
    /// What could not be compared.
    hidden: Vec<Shown>,
    notes: Vec<Shown>,
}

struct Change {
    path: Shown,
    op: &'static str,
    before: Option<Shown>,
    after: Option<Shown>,
}

struct Receipt {
    rule: Shown,
    location: Shown,
    count: u64,
}

pub(super) async fn event(
    State(log): State<Arc<Log>>,
    viewer: Viewer,
    id: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let found = match id {
        Ok(Path(id)) => one_of(&log, &viewer.who, &id).await,
        Err(_) => Err(Problem::no_event()),
    };
    match found {
        Ok(event) => {
            let page = page(&viewer, &event, host(&headers), log.clock.now());
            render(StatusCode::OK, &page)
        }
        Err(problem) => error::page(Some(&viewer), &problem),
    }
}

/// Where the reader reaches this listener, if it can be told without doubt.
fn host(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:-[]".contains(&byte);
    (!host.is_empty() && host.bytes().all(plain)).then_some(host)
}

fn page(viewer: &Viewer, event: &Value, host: Option<&str>, now: Timestamp) -> EventPage {
    let id = text(event, "id").unwrap_or_default().to_owned();
    let action = text(event, "action");
    let description = text(event, "description").or(action).unwrap_or("Event");
    let all = Question::default().with("since", ALL);
    let arrived = text(event, "time").or_else(|| text(event, "completed_at")).unwrap_or_default();
    let api = format!("{API}/{id}");
    let base = host.map(|host| format!("http://{host}")).unwrap_or_default();
    EventPage {
        shell: Shell::new(Shown::line(description).to_string(), Section::Events, Some(viewer)),
        description: Shown::line(description),
        action_icon: row::action_icon(action.unwrap_or_default()),
        action: action.map(Shown::line),
        outcome: row::outcome(text(event, "outcome")),
        severity: row::severity(text(event, "severity")),
        reason: text(event, "reason").map(Shown::line),
        around: around(arrived),
        arrived: Moment::parse(arrived, now),
        actor: ActorView::of(&actor(event), &all),
        targets: targets(event, &all),
        facts: facts::of(event, now),
        acts: acts(event, &all),
        changes: changes(event),
        messages: message::of(event),
        redactions: list(event, "redactions").map(receipt).collect(),
        observer: facts::observer(event),
        notes: noted(event, "notes"),
        proof: may_prove(&viewer.who).then(|| format!("{api}/proof")),
        curl: format!("curl -H \"Authorization: Bearer $TOKEN\" {base}{api}"),
        api,
        id,
    }
}

/// The list, five minutes before to five minutes after.
fn around(time: &str) -> Option<String> {
    let time = chrono::DateTime::parse_from_rfc3339(time).ok()?.to_utc();
    let span = chrono::TimeDelta::minutes(5);
    let iso = |time: Timestamp| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let (since, until) = (iso(time - span), iso(time + span));
    Some(Question::default().within(Some(&since), Some(&until)).link())
}

fn text<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    of.get(name)?.as_str().filter(|text| !text.is_empty())
}

fn list<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn actor(event: &Value) -> SummaryActor {
    let none = Value::Null;
    let actor = event.get("actor").unwrap_or(&none);
    let owned = |name| text(actor, name).map(ToOwned::to_owned);
    SummaryActor {
        kind: owned("type"),
        id: owned("id"),
        name: owned("name"),
        email: owned("email"),
        credential: owned("credential"),
        verified: actor.get("verified").and_then(Value::as_bool).unwrap_or(false),
    }
}

fn targets(of: &Value, question: &Question) -> Vec<TargetView> {
    let target = |target: &Value| {
        let owned = |name| text(target, name).unwrap_or_default().to_owned();
        let target = SummaryTarget { kind: owned("type"), id: owned("id"), name: owned("name") };
        TargetView::of(&target, question)
    };
    list(of, "targets").map(target).collect()
}

fn acts(event: &Value, question: &Question) -> Vec<ActView> {
    let act = |(index, act): (usize, &Value)| {
        let action = text(act, "action").unwrap_or_default();
        let ended = text(act, "outcome").or_else(|| text(event, "outcome"));
        ActView {
            number: index + 1,
            action: Shown::line(action),
            icon: row::action_icon(action),
            description: Shown::line(text(act, "description").unwrap_or_default()),
            outcome: row::outcome(ended),
            reason: text(act, "reason").map(Shown::line),
            targets: targets(act, question),
        }
    };
    list(event, "acts").enumerate().map(act).collect()
}

fn changes(event: &Value) -> Changes {
    let (source, explained) = match text(event, "changes_source") {
        Some("observed") => ("observed", "Read from the application before and after."),
        Some("request") => ("request", "What the request asked for; what was before is not known."),
        _ => ("none", ""),
    };
    let row = |change: &Value| {
        let op = match text(change, "op") {
            Some("add") => "added",
            Some("remove") => "removed",
            _ => "changed",
        };
        let value = |name| change.get(name).map(|value| Shown::block(&message::pretty(value)));
        let path = Shown::line(text(change, "path").unwrap_or("/"));
        Change { path, op, before: value("before"), after: value("after") }
    };
    let texts = |name| list(event, name).filter_map(Value::as_str).map(Shown::line).collect();
    Changes {
        rows: list(event, "changes").map(row).collect(),
        source,
        explained,
        hidden: texts("changes_hidden"),
        notes: noted(event, "changes_notes"),
    }
}

/// What the notes of a list say; one of which that is not known is shown as it is.
fn noted(of: &Value, name: &str) -> Vec<Shown> {
    let said = |note| match meaning(note) {
        "" => Shown::line(note),
        said => Shown::line(said),
    };
    list(of, name).filter_map(Value::as_str).map(said).collect()
}

fn receipt(of: &Value) -> Receipt {
    Receipt {
        rule: Shown::line(text(of, "rule").unwrap_or_default()),
        location: Shown::line(text(of, "location").unwrap_or_default()),
        count: of.get("count").and_then(Value::as_u64).unwrap_or(1),
    }
}
