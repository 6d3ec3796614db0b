//! Who gets what, wherever they ask: every role and scope at every endpoint with every parameter,
//! made from what the program says of itself, so that none can be forgotten.
//!
//! Two logs are asked the same: one holds what a scoped reader may see, the other besides what it may
//! not. Both must answer alike.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use countersign::clock::{Clock, SystemClock, Timestamp};
use countersign::record::{Entry, EntryKind, EventId, Scope};
use countersign::recorder::{Recorder, Settings};
use countersign::redact::Redacted;
use countersign::store::SqliteOptions;
use countersign::telemetry::Metrics;
use regex::Regex;
use serde_json::{Value, json};

use super::support::{Answer, Browser, Proxy, Reply, Setup, Upstream, exchange, wait_until};

/// What a path of the API is for; a path that is not here makes the test fail.
const ENDPOINTS: [(&str, Right); 11] = [
    ("/v1/admin/audit", Right::Read),
    ("/v1/admin/audit/facets", Right::Read),
    ("/v1/admin/audit/stats", Right::Read),
    ("/v1/admin/audit/coverage", Right::Everything),
    ("/v1/admin/audit/stream", Right::Tail),
    ("/v1/admin/audit/export", Right::Export),
    ("/v1/admin/audit/{id}", Right::Event),
    ("/v1/admin/audit/{id}/proof", Right::Proof),
    ("/v1/admin/audit/checkpoint", Right::Log),
    ("/v1/admin/audit/consistency", Right::Log),
    ("/v1/admin/audit/log/{writer}/{file}", Right::Tile),
];

/// Paths that are no part of the API's document, and tell nothing of the log. Pages below `/audit`
/// need not be here: they are asked as whoever has no session, and as scoped readers.
const OUTSIDE: [&str; 5] = ["/livez", "/readyz", "/metrics", "/openapi.json", "/api/openapi.json"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Right {
    Read,
    Tail,
    Export,
    Event,
    /// Tells of an event, and how many there are beside it: for those who see all.
    Proof,
    /// Tells how many events there are.
    Log,
    /// Hashes of the log: for owners alone.
    Tile,
    /// Of all scopes: for owners alone.
    Everything,
}

/// What an event says of its scope, so that it is known wherever it appears.
const WORDS: [(&str, &str); 3] = [("blue", "azurewhale"), ("red", "scarletfox"), ("", "greyrat")];

/// How a reader gets in.
struct Reader {
    name: String,
    /// The fields that it sends.
    fields: String,
    /// The scopes that it sees; none where it gets nothing.
    sees: Option<&'static [&'static str]>,
    exports: bool,
}

/// A log that is served, and what is to be known of it.
struct Log {
    proxy: Proxy,
    _upstream: Upstream,
}

/// An event of each scope, oldest first.
fn events() -> Vec<(&'static str, EventId, Value)> {
    let mut events = Vec::new();
    for (n, (pool, word)) in WORDS.iter().cycle().take(9).enumerate() {
        let time: Timestamp = format!("2026-07-09T12:00:{n:02}Z").parse().unwrap();
        let id = EventId::new(time);
        let scope = if pool.is_empty() { json!({}) } else { json!({"pool": pool}) };
        let doc = json!({
            "id": id, "time": time.to_rfc3339(), "action": format!("{word}.create"),
            "category": word, "description": format!("about {word}"), "outcome": "success",
            "severity": "info", "duration_ms": 1, "scope": scope,
            "actor": {"type": "user", "id": format!("{word}-u"), "name": word, "verified": true},
            "targets": [{"type": word, "id": format!("{word}-t"), "name": word}],
        });
        events.push((*pool, id, doc));
    }
    events
}

/// Writes events into a new ledger, as the proxy would.
fn write(dir: &Path, events: &[&(&str, EventId, Value)]) {
    fs::create_dir_all(dir).unwrap();
    let second = Duration::from_secs(5);
    let settings = Settings { timeout: second, queue: 64, batch: 16, sweep_interval: second };
    let opener = SqliteOptions::new(dir, "countersign", second).opener();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let metrics = Arc::new(Metrics::default());
    let (recorder, thread) = Recorder::start(opener, settings, clock, metrics).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (_, id, doc) in events {
        let scope: Scope = serde_json::from_value(doc["scope"].clone()).unwrap();
        let doc = Redacted::system(doc.to_string());
        let entry = Entry { kind: EntryKind::Completion, id: *id, intent: None, scope, doc };
        runtime.block_on(recorder.event(entry)).unwrap();
    }
    drop(recorder);
    thread.join(second).unwrap();
}

impl Log {
    fn start(dir: PathBuf, events: &[&(&str, EventId, Value)]) -> Self {
        write(&dir, events);
        let upstream = Upstream::start(|_| Reply::ok());
        let proxy = Proxy::with(upstream.address, &Setup { data: Some(dir), ..Setup::default() });
        Self { proxy, _upstream: upstream }
    }

    fn tokens(&self, args: &[&str]) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.arg("tokens").args(args).arg("--data").arg(self.proxy.data());
        let done = command.output().unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// Every kind of reader; of each that gets in, by a token and by a session.
    fn readers(&self) -> Vec<Reader> {
        const ALL: &[&str] = &["blue", "red", ""];
        type Kind =
            (&'static str, &'static str, &'static [&'static str], &'static [&'static str], bool);
        let kinds: [Kind; 6] = [
            ("owner", "owner", &[], ALL, true),
            ("admin-all", "admin", &["--all-scopes"], ALL, true),
            ("viewer-all", "viewer", &["--all-scopes"], ALL, false),
            ("admin-blue", "admin", &["--scope", "pool=blue"], &["blue"], true),
            ("viewer-blue", "viewer", &["--scope", "pool=blue"], &["blue"], false),
            ("viewer-none", "viewer", &["--scope", "pool=green"], &[], false),
        ];
        let mut readers = Vec::new();
        for (name, role, scopes, sees, exports) in kinds {
            let args = [&["create", "--name", name, "--role", role], scopes].concat();
            let token = self.tokens(&args);
            let bearer = format!("Authorization: Bearer {token}\r\n");
            let mut browser = Browser::new(self.proxy.reading);
            let answer = browser.post("/audit/sign-in", &format!("token={token}"));
            let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
            for (way, fields) in [("token", bearer), ("session", format!("Cookie: {cookie}\r\n"))] {
                let name = format!("{name} by {way}");
                readers.push(Reader { name, fields, sees: Some(sees), exports });
            }
        }
        let over = self.tokens(&["create", "--name", "over", "--role", "owner"]);
        let mut browser = Browser::new(self.proxy.reading);
        let answer = browser.post("/audit/sign-in", &format!("token={over}"));
        let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        self.tokens(&["revoke", "over"]);
        for (name, fields) in [
            ("nobody", String::new()),
            ("a revoked token", format!("Authorization: Bearer {over}\r\n")),
            ("its session", format!("Cookie: {cookie}\r\n")),
            ("a guess", format!("Authorization: Bearer countersign_{}\r\n", "A".repeat(43))),
            ("a guessed session", format!("Cookie: countersign_session={}\r\n", "A".repeat(43))),
            ("somebody's word", "X-Forwarded-User: ada\r\n".to_owned()),
        ] {
            let name = name.to_owned();
            readers.push(Reader { name, fields, sees: None, exports: false });
        }
        readers
    }

    fn ask(&self, reader: &Reader, path: &str) -> (u16, String) {
        ask(self.proxy.reading, &reader.fields, path)
    }
}

fn ask(address: SocketAddr, fields: &str, path: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{fields}\r\n");
    if path.contains("/stream") {
        let mut answer = beginning(address, &request);
        // Tails that were left a moment ago may still be counted.
        wait_until("there is room for a tail", || {
            if answer.0 == 503 {
                answer = beginning(address, &request);
            }
            answer.0 != 503
        });
        return answer;
    }
    let answer: Answer = exchange(address, request.as_bytes());
    (answer.status, answer.text())
}

/// The first piece of an answer that does not end.
fn beginning(address: SocketAddr, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).unwrap();
        bytes.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        if count == 0 || body.contains("\n\n") {
            let status = head.split(' ').nth(1).unwrap().parse().unwrap();
            let status_is_good = status == 200;
            return (status, if status_is_good { body.to_owned() } else { String::new() });
        }
    }
}

/// What the program says of its API.
fn document(log: &Log) -> Value {
    let (status, text) = log.proxy.read("/openapi.json");
    assert_eq!(status, 200);
    serde_json::from_str(&text).unwrap()
}

/// Values of a parameter that would single out what is hidden; a parameter that is not here makes the
/// test fail.
fn values(name: &str, schema: &Value, hidden: EventId, cursor: &str) -> Vec<String> {
    if let Some(all) = schema["enum"].as_array() {
        return all.iter().map(|value| value.as_str().unwrap().to_owned()).collect();
    }
    let values: &[&str] = match name {
        "action" => &["scarletfox.create"],
        "category" | "resource_type" => &["scarletfox"],
        "target" => &["scarletfox", "scarletfox-t"],
        "actor" => &["scarletfox", "scarletfox-u"],
        "actor_type" => &["user"],
        "outcome" => &["success"],
        "severity" => &["info"],
        "since" | "until" => &["2026-07-09T12:00:04Z"],
        "q" => &["scarletfox", "about", "\"greyrat\""],
        "id" => return vec![hidden.to_string()],
        "scope" => &["red", "blue"],
        "limit" => &["1", "1000"],
        "offset" => &["1", "5"],
        "cursor" => return vec![cursor.to_owned()],
        "bars" | "routes" => &["3"],
        "writer" => &["countersign", "other"],
        "old" | "new" => &["1"],
        // An export that this reader has not begun.
        "resume" => return vec![format!("{hidden},1783598400001,{hidden}")],
        "Last-Event-ID" => return vec![hidden.to_string()],
        other => panic!("the matrix has no value for the parameter `{other}`: add one"),
    };
    values.iter().map(|value| (*value).to_owned()).collect()
}

/// A question: what for, and the path with its query.
fn questions(document: &Value, hidden: EventId, cursor: &str) -> Vec<(Right, String)> {
    let mut questions = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let right = ENDPOINTS.iter().find(|(known, _)| known == path);
        let (_, right) = right.unwrap_or_else(|| panic!("the matrix does not know `{path}`"));
        assert_eq!(item.as_object().unwrap().keys().collect::<Vec<_>>(), ["get"], "{path}");
        let needed = match right {
            Right::Export => "format=ndjson&",
            // Otherwise what is answered depends on the moment.
            _ if path.ends_with("/stats") || path.ends_with("/facets") => {
                "since=2026-07-09T00:00:00Z&until=2026-07-10T00:00:00Z&"
            }
            _ => "",
        };
        if matches!(right, Right::Event | Right::Proof) {
            questions.push((*right, path.replace("{id}", &hidden.to_string())));
            continue;
        }
        if *right == Right::Tile {
            let of = path.replace("{writer}", "countersign");
            for file in ["checkpoint", "tile/0/000.p/9", "tile%2F0%2F000.p%2F9", "tile/0/000", "x"]
            {
                questions.push((*right, of.replace("{file}", file)));
            }
            continue;
        }
        questions.push((*right, format!("{path}?{needed}")));
        for parameter in item["get"]["parameters"].as_array().unwrap() {
            let name = parameter["name"].as_str().unwrap();
            for value in values(name, &parameter["schema"], hidden, cursor) {
                let value = encoded(&value);
                questions.push(match name {
                    "scope" => (*right, format!("{path}?{needed}scope.pool={value}")),
                    "format" => (*right, format!("{path}?format={value}")),
                    "since" | "until" if !needed.is_empty() && *right == Right::Read => continue,
                    _ => (*right, format!("{path}?{needed}{name}={value}")),
                });
            }
        }
    }
    questions
}

fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// Nothing was given.
const REFUSED: &[u16] = &[403];

fn expected(reader: &Reader, right: Right, path: &str) -> &'static [u16] {
    match (reader.sees, right) {
        (None, _) => &[401, 429],
        (Some(_), Right::Export) if !reader.exports => REFUSED,
        (Some(_), Right::Everything | Right::Tile) if !reader.name.starts_with("owner") => REFUSED,
        (Some(_), Right::Tile) if path.ends_with("/000") || path.ends_with("/x") => &[404],
        // Until the first checkpoint is there.
        (Some(_), Right::Tile) => &[200, 404],
        (Some(sees), Right::Proof) if !sees.contains(&"red") => &[404],
        (Some(sees), Right::Proof | Right::Log) if sees.len() < WORDS.len() => REFUSED,
        (Some(_), Right::Proof | Right::Log) => &[200, 400, 404],
        (Some(sees), Right::Export) if path.contains("=bundle") && sees.len() < WORDS.len() => {
            REFUSED
        }
        (Some(_), Right::Export) if path.contains("resume=") => &[400, 404, 409],
        (Some(sees), Right::Event) if !sees.contains(&"red") => &[404],
        (Some(_), _) => &[200],
    }
}

fn two_logs(dir: &Path) -> (Log, Log, EventId) {
    let events = events();
    let all: Vec<_> = events.iter().collect();
    let blue: Vec<_> = events.iter().filter(|(pool, ..)| *pool == "blue").collect();
    let full = Log::start(dir.join("full"), &all);
    let less = Log::start(dir.join("less"), &blue);
    let (_, hidden, _) = events.iter().rfind(|(pool, ..)| *pool == "red").unwrap();
    (full, less, *hidden)
}

#[test]
fn every_reader_at_every_endpoint_with_every_parameter() {
    let dir = tempfile::tempdir().unwrap();
    let (full, less, hidden) = two_logs(dir.path());
    let (readers, same) = (full.readers(), less.readers());
    for (log, readers) in [(&full, &readers), (&less, &same)] {
        wait_until("all is indexed", || {
            log.ask(&readers[0], "/v1/admin/audit?q=about").1.contains("azurewhale")
        });
    }
    // Of an owner's page, whose next one begins behind what is hidden.
    let (_, page) = full.ask(&readers[0], "/v1/admin/audit?limit=2&q=about");
    let page: Value = serde_json::from_str(&page).unwrap();
    let cursor = page["next_cursor"].as_str().unwrap();
    let questions = questions(&document(&full), hidden, cursor);
    assert!(questions.len() > 60, "{questions:?}");
    for (reader, twin) in readers.iter().zip(&same) {
        for (right, path) in &questions {
            let (status, body) = full.ask(reader, path);
            let about = format!("{} {path}: {status} {body}", reader.name);
            assert!(expected(reader, *right, path).contains(&status), "{about}");
            let sees = reader.sees.unwrap_or_default();
            for (pool, word) in WORDS {
                let is_asked = status != 200 && path.contains(word);
                assert!(sees.contains(&pool) || is_asked || !body.contains(word), "{about}");
            }
            if sees == ["blue"] {
                let (other, without) = less.ask(twin, path);
                if REFUSED.contains(&status) && REFUSED.contains(&other) {
                    continue;
                }
                assert_eq!((status, &body), (other, &without), "{} {path}", reader.name);
            }
        }
        // Nothing is so because nothing is ever seen.
        if let Some(sees) = reader.sees {
            let (_, body) = full.ask(reader, "/v1/admin/audit?q=about");
            for (pool, word) in WORDS {
                assert_eq!(body.contains(word), sees.contains(&pool), "{}: {body}", reader.name);
            }
        }
    }
    // What was refused is on record, with who it was.
    let refused: BTreeSet<String> = full
        .proxy
        .all_events()
        .iter()
        .filter(|event| event["category"] == "audit" && event["reason"] == "role")
        .map(|event| event["actor"]["name"].as_str().unwrap().to_owned())
        .collect();
    // Of too many in one minute not every one is.
    assert!(!refused.is_empty() && !refused.contains("owner"), "{refused:?}");
    assert_eq!(tokens_on_record(&full), 8, "the first one, and those that were made here");
}

fn tokens_on_record(log: &Log) -> usize {
    let events = log.proxy.all_events();
    events.iter().filter(|event| event["action"] == "audit.token_create").count()
}

/// The paths that the sources give to the reading listener, and whether they are read.
fn routes() -> Vec<(String, bool)> {
    let route = Regex::new(r#"\.route\(\s*"([^"]+)",\s*(\w+)\("#).unwrap();
    let mut waiting: Vec<PathBuf> = ["src/api", "src/console"]
        .map(|dir| Path::new(env!("CARGO_MANIFEST_DIR")).join(dir))
        .into();
    let mut routes = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let found = route.captures_iter(&text);
            routes.extend(found.map(|found| (found[1].to_owned(), &found[2] == "get")));
            let all = text.matches(".route(").count();
            assert_eq!(route.captures_iter(&text).count(), all, "{}", path.display());
        }
    }
    routes
}

#[test]
fn no_path_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let (full, _, hidden) = two_logs(dir.path());
    let readers = full.readers();
    let list = "/v1/admin/audit?q=about";
    wait_until("all is indexed", || full.ask(&readers[0], list).1.contains("azurewhale"));
    let document = document(&full);
    let routes = routes();
    assert!(routes.len() > 10, "{routes:?}");
    let part = Regex::new(r"\{[^}]*\}").unwrap();
    for (path, is_read) in routes {
        let is_page = path == "/audit" || path.starts_with("/audit/");
        // What may have slashes is one part in the document.
        let said = path.replace("{*", "{");
        let is_known = OUTSIDE.contains(&&*path) || document["paths"].get(&said).is_some();
        assert!(is_page || is_known, "`{path}` is neither in the API's document nor in the matrix");
        let asked = part.replace_all(&path, hidden.to_string());
        if !is_read || path.ends_with("/stream") {
            continue;
        }
        for reader in readers.iter().filter(|reader| reader.sees.is_none_or(|sees| sees.len() < 3))
        {
            let (status, body) = full.ask(reader, &asked);
            let about = format!("{} {asked}: {status} {body}", reader.name);
            let sees = reader.sees.unwrap_or_default();
            for (pool, word) in WORDS {
                assert!(sees.contains(&pool) || !body.contains(word), "{about}");
            }
            assert!(status < 500 || asked == "/readyz", "{about}");
        }
    }
}

#[test]
fn what_changes_a_session_is_not_done_for_other_sites() {
    let dir = tempfile::tempdir().unwrap();
    let full = Log::start(dir.path().join("full"), &[]);
    let readers = full.readers();
    let session = readers.iter().find(|reader| reader.name == "owner by session").unwrap();
    let changing = routes().into_iter().filter(|(_, is_read)| !is_read);
    let mut count = 0;
    for (path, _) in changing {
        for more in ["Origin: https://evil.example\r\n", "Sec-Fetch-Site: cross-site\r\n", ""] {
            let request = format!(
                "POST {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: \
                 application/x-www-form-urlencoded\r\nContent-Length: 11\r\n{}{more}\r\ncsrf=a&to=b",
                session.fields
            );
            let answer = exchange(full.proxy.reading, request.as_bytes());
            let turned_away = answer.header("set-cookie").is_none()
                && (matches!(answer.status, 400 | 403) || answer.status == 303);
            assert!(turned_away, "{path} {more}: {} {}", answer.status, answer.text());
            count += 1;
        }
    }
    assert!(count >= 6);
    assert_eq!(full.ask(session, "/v1/admin/audit").0, 200, "the session goes on");
}
