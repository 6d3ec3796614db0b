//! The API over a real socket, a real ledger and a real index.

mod exports;
mod header;
mod ocsf;
mod questions;
mod scopes;
mod sign_in;
mod tails;
mod tokens;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::{Log, Operations, Turns, Views, Ways, router, serve};
use crate::access::{Access, Grant, NewToken, Role};
use crate::clock::{Clock, ManualClock, Timestamp};
use crate::follow::{Heads, catch_up};
use crate::index::Index;
use crate::record::{Entry, EntryKind, EventId, Scope};
use crate::recorder::{Later, OpenIntent, Recorder, Settings};
use crate::redact::Redacted;
use crate::store::{LedgerSource, SpoolShared, SqliteOptions};
use crate::telemetry::Metrics;

/// A log that is served.
pub(crate) struct Served {
    dir: tempfile::TempDir,
    address: std::net::SocketAddr,
    recorder: Recorder,
    clock: Arc<ManualClock>,
    stop: watch::Sender<bool>,
    owner: String,
}

/// What came back.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    pub(crate) head: String,
    cookies: Vec<String>,
    pub(crate) body: String,
}

impl Answer {
    /// A field of the head.
    fn field(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

const NOW: &str = "2026-07-10T00:00:00Z";

impl Served {
    async fn new() -> Self {
        Self::with(Ways::default()).await
    }

    async fn with(ways: Ways) -> Self {
        Self::beside(ways, |_| Router::new()).await
    }

    /// One whose answers wait for the search index.
    async fn patient() -> Self {
        Self::built(Ways::default(), Duration::from_secs(30), |_| Router::new()).await
    }

    /// With further routes on the same listener.
    pub(crate) async fn beside(ways: Ways, more: impl FnOnce(Arc<Log>) -> Router) -> Self {
        // Nothing follows but when a test says so.
        Self::built(ways, Duration::ZERO, more).await
    }

    async fn built(ways: Ways, patience: Duration, more: impl FnOnce(Arc<Log>) -> Router) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(NOW.parse().unwrap()));
        let metrics = Arc::new(Metrics::default());
        let second = Duration::from_secs(5);
        let settings = Settings { timeout: second, queue: 64, batch: 16, sweep_interval: second };
        let opener = SqliteOptions::new(dir.path(), "w", second).opener();
        let (recorder, _thread) = Recorder::start(
            opener,
            settings,
            Arc::<ManualClock>::clone(&clock),
            Arc::clone(&metrics),
        )
        .unwrap();
        let (stop, stopping) = watch::channel(false);
        let log = Arc::new(Log {
            dir: dir.path().to_owned(),
            source: LedgerSource::directory(dir.path()),
            access: Access::open(dir.path()).unwrap().into(),
            ways,
            clock: Arc::<ManualClock>::clone(&clock),
            recorder: recorder.clone(),
            later: Later::new(recorder.clone(), LedgerSource::directory(dir.path()), "w").into(),
            metrics: Arc::clone(&metrics),
            redact: Box::new(|text| Redacted::system(text.replace("hunter2", "[gone]"))),
            seal: None,
            stopping: stopping.clone(),
            spool: SpoolShared::default(),
            fleet: Mutex::default(),
            turns: Turns::recording(Views::off()),
            patience,
        });
        let operations = Operations {
            retention: crate::retain::RetainStatus::default(),
            recorder: recorder.clone(),
            metrics,
            captured_bytes: Arc::new(|| 0),
            seal: None,
            spool: SpoolShared::default(),
            stopping,
        };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stopping = operations.stopping.clone();
        let router = router(operations, Arc::clone(&log)).merge(more(log));
        // Whoever comes from elsewhere comes through a proxy.
        let trusted = Arc::new(|| vec!["127.0.0.1/32".parse().unwrap()]);
        tokio::spawn(async move { serve(listener, router, trusted, stopping).await });
        let mut served = Self { dir, address, recorder, clock, stop, owner: String::new() };
        served.owner = served.token("owner", Grant::owner());
        served.indexed().await;
        served
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn token(&self, name: &str, grant: Grant) -> String {
        let token = self.unrecorded(name, grant);
        // The tests count events; these are not what they are about.
        let mut access = Access::open(self.path()).unwrap();
        for change in access.to_record().unwrap() {
            access.recorded(change.id).unwrap();
        }
        token
    }

    /// A token of which nothing is on record yet.
    fn unrecorded(&self, name: &str, grant: Grant) -> String {
        let new = NewToken { name: name.to_owned(), grant, expires: None };
        let token = Access::open(self.path()).unwrap().create(&new, self.clock.now()).unwrap();
        token.reveal().to_owned()
    }

    pub(crate) fn scoped(&self, name: &str, role: Role, scope: &str) -> String {
        let scopes = [("pool".to_owned(), scope.to_owned())];
        self.token(name, Grant::within(role, scopes).unwrap())
    }

    /// Appends an event of one entry; gives its id.
    pub(crate) async fn event(&self, time: &str, more: Value) -> String {
        let time: Timestamp = time.parse().unwrap();
        let id = EventId::new(time);
        let mut doc = json!({
            "id": id, "time": time.to_rfc3339(), "action": "api_key.create",
            "category": "api_key", "description": "made", "outcome": "success",
            "severity": "info", "duration_ms": 1, "scope": {},
            "actor": {"type": "user", "id": "u1", "name": "Ada", "verified": true},
            "targets": [{"type": "api_key", "id": "k1", "name": "one"}],
            "request": {"method": "POST", "path": "/keys", "body": {"deep": 1}},
        });
        doc.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let scope: Scope = serde_json::from_value(doc["scope"].clone()).unwrap();
        let doc = Redacted::system(doc.to_string());
        let entry = Entry { kind: EntryKind::Completion, id, intent: None, scope, doc };
        self.recorder.event(entry).await.unwrap();
        id.to_string()
    }

    /// Appends an event that has not ended. It ends when this is dropped.
    async fn pending(&self, time: &str, more: Value) -> OpenIntent {
        let time: Timestamp = time.parse().unwrap();
        let id = EventId::new(time);
        let mut doc = json!({
            "id": id, "time": time.to_rfc3339(), "action": "api_key.create", "scope": {},
            "actor": {"type": "user", "id": "u1", "verified": true}, "targets": [],
        });
        doc.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let doc = Redacted::system(doc.to_string());
        let scope = Scope::new();
        let entry = Entry { kind: EntryKind::Intent, id, intent: None, scope, doc };
        self.recorder.intent(entry).await.unwrap()
    }

    /// Waits until no more events of this outcome are added.
    async fn settled(&self, outcome: &str) {
        let path = format!("/v1/admin/audit?outcome={outcome}");
        let known = self.ask(&path).await.json()["events"].as_array().unwrap().len();
        loop {
            self.indexed().await;
            let found = self.ask(&path).await.json()["events"].as_array().unwrap().len();
            if found > known {
                return;
            }
        }
    }

    /// Brings the index up to date.
    pub(crate) async fn indexed(&self) {
        let mut reader = LedgerSource::directory(self.path()).reader().await.unwrap();
        let heads = Heads::now(&mut *reader).await.unwrap();
        let mut index = Index::open(self.path()).await.unwrap();
        catch_up(&mut *reader, &mut index, &heads).await.unwrap();
        index.close().await.unwrap();
    }

    pub(crate) async fn ask(&self, path: &str) -> Answer {
        self.ask_as(&self.owner, path).await
    }

    pub(crate) async fn ask_as(&self, token: &str, path: &str) -> Answer {
        self.send("GET", path, &format!("Authorization: Bearer {token}\r\n")).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, fields: &str) -> Answer {
        self.send_to("a", method, path, fields).await
    }

    async fn send_to(&self, host: &str, method: &str, path: &str, fields: &str) -> Answer {
        let mut stream = self.begin_at(host, method, path, fields).await;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
        let body = if chunked { unchunked(body) } else { body.to_owned() };
        let cookies = head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
        let cookies = cookies.map(str::to_owned).collect();
        Answer { status, head: head.to_lowercase(), cookies, body }
    }

    async fn begin(&self, method: &str, path: &str, fields: &str) -> TcpStream {
        self.begin_at("a", method, path, fields).await
    }

    async fn begin_at(&self, host: &str, method: &str, path: &str, fields: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{fields}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    /// The whole events that are on record of this action, by the API.
    pub(crate) async fn recorded(&self, action: &str) -> Vec<Value> {
        self.indexed().await;
        let list = self.ask(&format!("/v1/admin/audit?action={action}")).await.json();
        let mut events = Vec::new();
        for event in list["events"].as_array().unwrap() {
            let id = event["id"].as_str().unwrap();
            events.push(self.ask(&format!("/v1/admin/audit/{id}")).await.json());
        }
        events
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}

/// The body, which must be whole.
fn unchunked(mut text: &str) -> String {
    let mut body = String::new();
    loop {
        let (size, rest) = text.split_once("\r\n").expect("a chunk");
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return body;
        }
        let (chunk, rest) = rest.split_at(size);
        body.push_str(chunk);
        text = rest.strip_prefix("\r\n").unwrap();
    }
}

fn ids(list: &Value) -> Vec<String> {
    let events = list["events"].as_array().unwrap();
    events.iter().map(|event| event["id"].as_str().unwrap().to_owned()).collect()
}
