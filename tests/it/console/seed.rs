//! A log with some history, which an auditor has questions about.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use countersign::clock::{Clock, SystemClock, Timestamp};
use countersign::record::{Entry, EntryKind, EventId, Scope};
use countersign::recorder::{Recorder, Settings};
use countersign::redact::Redacted;
use countersign::store::SqliteOptions;
use countersign::telemetry::Metrics;
use serde_json::{Value, json};

use crate::support::{Answer, Proxy, Reply, Setup, Upstream, exchange, wait_until};

/// A proxy with a history, and the first token to read it.
pub(super) struct Story {
    pub(super) proxy: Proxy,
    pub(super) token: String,
    /// When the history ends.
    pub(super) now: Timestamp,
    /// Two o'clock of the night when something went wrong.
    pub(super) two: Timestamp,
    _upstream: Upstream,
    _data: tempfile::TempDir,
}

impl Story {
    pub(super) fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let now = SystemClock.now();
        write(data.path(), &history(now));
        let upstream =
            Upstream::start(|_| Reply::response("201 Created", "application/json", "{}"));
        let setup = Setup { data: Some(data.path().to_owned()), ..Setup::default() };
        let proxy = Proxy::with(upstream.address, &setup);
        let token = fs::read_to_string(data.path().join("bootstrap.token")).unwrap();
        let token = token.trim().to_owned();
        let two = two_at_night(now);
        let story = Self { proxy, token, now, two, _upstream: upstream, _data: data };
        wait_until("the history is found", || {
            let oldest = story.get("/v1/admin/audit?q=beginning");
            oldest.text().contains("beginning")
        });
        story
    }

    /// Where the pages are.
    pub(super) fn base(&self) -> String {
        format!("http://{}", self.proxy.reading)
    }

    /// Asks for a path with the token.
    pub(super) fn get(&self, path: &str) -> Answer {
        ask(self.proxy.reading, path, &format!("Authorization: Bearer {}\r\n", self.token))
    }

    /// Lets something happen now.
    pub(super) fn post(&self, path: &str) {
        let request = format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(exchange(self.proxy.address, request.as_bytes()).status, 201);
    }
}

/// Asks for a path with header fields.
pub(super) fn ask(address: SocketAddr, path: &str, fields: &str) -> Answer {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{fields}\r\n");
    exchange(address, request.as_bytes())
}

/// Somebody: kind, id, name, address.
type Who = (&'static str, &'static str, &'static str, &'static str);

const ANNA: Who = ("user", "anna", "Anna Berg", "anna@acme.example");
const BELA: Who = ("user", "bela", "Béla Kovács", "bela@acme.example");
const TERRAFORM: Who = ("api", "terraform", "Terraform", "");
const AGENT: Who = ("agent", "night-agent", "Night agent", "");
const CARLA: Who = ("user", "carla", "Carla Díaz", "carla@acme.example");

/// One thing that happened.
struct Happened {
    time: Timestamp,
    who: Who,
    action: &'static str,
    target: (&'static str, String, String),
    description: String,
    outcome: (&'static str, Option<&'static str>),
    more: Value,
}

fn history(now: Timestamp) -> Vec<Happened> {
    let ago = |hours: i64| now - TimeDelta::hours(hours);
    let mut history = vec![happened(ago(24 * 45), CARLA, "settings.update", "beginning")];
    for (days, who, name) in [
        (40, CARLA, "before"),
        (26, ANNA, "ci deploy"),
        (12, TERRAFORM, "billing"),
        (2, BELA, "laptop"),
    ] {
        let mut made = happened(ago(24 * days), who, "api_key.create", name);
        made.description = format!("API key “{name}” created in pool blue");
        history.push(made);
    }
    history.push(happened(ago(24 * 20), ANNA, "project.create", "apollo"));
    let mut deleted = happened(ago(24 * 6 + 3), BELA, "project.delete", "apollo");
    deleted.description = "Project “apollo” deleted".to_owned();
    deleted.more = json!({
        "changes_source": "observed",
        "changes": [
            {"path": "/name", "op": "remove", "before": "apollo"},
            {"path": "/members", "op": "remove", "before": ["anna", "carla"]},
        ],
        "redactions": [
            {"rule": "credential.header", "location": "request.header.authorization", "count": 1},
        ],
    });
    history.push(deleted);
    history.extend(at_night(now));
    history.extend(everyday(now));
    history.sort_by_key(|happened| happened.time);
    history
}

/// Last night's, or the one before while it is night.
fn two_at_night(now: Timestamp) -> Timestamp {
    let mut two = (now - TimeDelta::days(1)).date_naive().and_hms_opt(2, 0, 0).unwrap().and_utc();
    if now - two < TimeDelta::hours(3) {
        two -= TimeDelta::days(1);
    }
    two
}

/// The night when something went wrong.
fn at_night(now: Timestamp) -> Vec<Happened> {
    let at = |minutes| two_at_night(now) + TimeDelta::minutes(minutes);
    let mut limit = happened(at(1), AGENT, "budget.update", "research");
    limit.description = "Budget “research” raised to 10,000".to_owned();
    limit.more = json!({
        "changes_source": "observed",
        "changes": [{"path": "/limit_cents", "op": "replace", "before": 1500, "after": 1_000_000}],
    });
    let mut off = happened(at(3), AGENT, "alert.disable", "spend");
    off.description = "Alert “spend” switched off".to_owned();
    let mut refused = happened(at(4), AGENT, "key.rotate", "master");
    refused.description = "Rotation of key “master”: refused".to_owned();
    refused.outcome = ("denied", Some("http_403"));
    vec![limit, off, refused]
}

/// What happens every day, always the same.
fn everyday(now: Timestamp) -> Vec<Happened> {
    const ACTIONS: [(&str, &str, &str); 8] = [
        ("pool.update", "pool-eu", "changed"),
        ("member.invite", "dev-team", "invited"),
        ("webhook.create", "deploys", "created"),
        ("budget.update", "research", "changed"),
        ("session.create", "console", "opened"),
        ("provider.update", "openai", "changed"),
        ("member.remove", "dev-team", "removed"),
        ("settings.update", "retention", "changed"),
    ];
    let people = [ANNA, BELA, TERRAFORM, CARLA, AGENT];
    let event = |number: usize| {
        let (action, name, verb) = ACTIONS[number * 5 % 8];
        let ago = TimeDelta::minutes((number * number * 7 + number * 31 + 5) as i64);
        let mut event = happened(now - ago, people[number * 3 % 5], action, name);
        let noun = action.split('.').next().unwrap();
        event.description = format!("The {noun} “{name}” was {verb}");
        event.outcome = match number % 17 {
            3 => ("failure", Some("http_409")),
            8 | 12 => ("denied", Some("http_403")),
            15 => ("unknown", Some("upstream_timeout")),
            _ => ("success", None),
        };
        event
    };
    (0..75).map(event).collect()
}

fn happened(time: Timestamp, who: Who, action: &'static str, name: &str) -> Happened {
    let kind = action.split('.').next().unwrap();
    Happened {
        time,
        who,
        action,
        target: (kind, format!("{kind}_{name}").replace(' ', "_"), name.to_owned()),
        description: format!("{kind} {name}: {action}"),
        outcome: ("success", None),
        more: json!({}),
    }
}

impl Happened {
    fn ip(&self) -> &'static str {
        match self.who.1 {
            "anna" => "10.4.7.21",
            "bela" => "10.4.7.38",
            "terraform" => "10.9.0.4",
            "carla" => "2001:db8::7f",
            _ => "10.9.0.11",
        }
    }

    fn entry(&self) -> Entry {
        let id = EventId::new(self.time);
        let time = self.time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
        let severity = match self.outcome.0 {
            "success" => "info",
            "denied" => "warn",
            _ => "fail",
        };
        let (kind, actor, name, email) = self.who;
        let mut doc = json!({
            "id": id, "time": time, "completed_at": time, "duration_ms": 12,
            "action": self.action, "category": self.target.0, "description": self.description,
            "outcome": self.outcome.0, "severity": severity, "scope": {"pool": "blue"},
            "actor": {"type": kind, "id": actor, "name": name, "verified": kind != "agent"},
            "source": {"ip": self.ip(), "user_agent": "curl/8.14.1"},
            "targets": [{"type": self.target.0, "id": self.target.1, "name": self.target.2}],
            "request": {"method": "POST", "path": format!("/api/{}", self.target.0), "headers": {}},
        });
        if !email.is_empty() {
            doc["actor"]["email"] = json!(email);
        }
        if let Some(reason) = self.outcome.1 {
            doc["reason"] = json!(reason);
        }
        doc.as_object_mut().unwrap().extend(self.more.as_object().unwrap().clone());
        let scope: Scope = serde_json::from_value(doc["scope"].clone()).unwrap();
        let doc = Redacted::system(doc.to_string());
        Entry { kind: EntryKind::Completion, id, intent: None, scope, doc }
    }
}

fn write(dir: &Path, history: &[Happened]) {
    let second = Duration::from_secs(20);
    let settings = Settings { timeout: second, queue: 1024, batch: 64, sweep_interval: second };
    let opener = SqliteOptions::new(dir, "history", second).opener();
    let metrics = Arc::new(Metrics::default());
    let (recorder, thread) =
        Recorder::start(opener, settings, Arc::new(SystemClock), metrics).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for happened in history {
            recorder.event(happened.entry()).await.unwrap();
        }
    });
    drop(recorder);
    thread.join(second).unwrap();
}
