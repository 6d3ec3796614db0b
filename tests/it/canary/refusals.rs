//! Secrets in what is refused, fails, or is cut short: neither the answer nor anything that is
//! kept has them.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use serde_json::json;

use super::cases::{self, Case};
use super::search::{Leaks, Search};
use super::secrets::{Kind, Random, base64};
use super::{judge, search_all};
use crate::support::{
    Answer, Proxy, Reply, Setup, Upstream, WriteLock, exchange, free_address, read_answer,
    wait_until,
};

/// Where the secret stands in a template.
const PLACE: &str = "{secret}";

/// Heads that are refused at the door: what is wrong, and the request.
const HEADS: &[(&str, &str)] = &[
    ("no colon", "POST / HTTP/1.1\r\nHost: a\r\n{secret}\r\n\r\n"),
    ("space in a name", "POST / HTTP/1.1\r\nHost: a\r\nX {secret}: y\r\n\r\n"),
    ("control character", "POST / HTTP/1.1\r\nHost: a\r\nX: {secret}\x01\r\n\r\n"),
    ("fold", "POST / HTTP/1.1\r\nHost: a\r\nX: y\r\n {secret}\r\n\r\n"),
    ("bare LF", "POST / HTTP/1.1\r\nHost: a\r\nX: y\n{secret}: y\r\n\r\n"),
    ("no URI", "DELETE /a<{secret}>`c HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("fragment", "DELETE /a#{secret} HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("no version", "GET /{secret}\r\n\r\n"),
    ("no method", "(GET{secret} / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("another protocol", "GET / {secret}/1.1\r\nHost: a\r\n\r\n"),
    ("userinfo", "DELETE http://ada:{secret}@a/x HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("odd host", "DELETE /x HTTP/1.1\r\nHost: ada:{secret}@a\r\n\r\n"),
    ("other host", "DELETE http://{secret}/x HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("no host", "DELETE /{secret} HTTP/1.1\r\nX-Api-Key: {secret}\r\n\r\n"),
    ("TRACE", "TRACE /{secret} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {secret}\r\n\r\n"),
    ("version", "DELETE /{secret} HTTP/3.3\r\nHost: a\r\nX-Api-Key: {secret}\r\n\r\n"),
    ("length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {secret}\r\n\r\n"),
    ("coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {secret}\r\n\r\n"),
    (
        "two lengths",
        "POST /?pin={secret} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\nX-Api-Key: {secret}\r\n\r\n{secret}",
    ),
    (
        "upgrade",
        "POST /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {secret}\r\nContent-Length: 0\r\n\r\n",
    ),
    ("chunk size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{secret}\r\n"),
    (
        "chunk extension",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;x={secret}\r\na\r\n0\r\n\r\n",
    ),
    (
        "chunk end",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na{secret}\r\n0\r\n\r\n",
    ),
    (
        "trailer",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Api-Key: {secret}\r\n\r\n",
    ),
    (
        "bad trailer",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n{secret}\r\n\r\n",
    ),
];

/// Places where nothing tells that a secret stands there but its own looks.
const UNTOLD: &[(&str, &str)] = &[
    ("escape", "POST /a/%zz/{secret} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
    ("dots", "POST /a/%2e%2e/{secret} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
    ("expectation", "POST / HTTP/1.1\r\nHost: a\r\nExpect: {secret}\r\nContent-Length: 0\r\n\r\n"),
    ("method", "X{secret} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
];

/// What an exchange does after the door, by the first segment of its path.
const ENDS: [&str; 6] = ["dead", "close", "garbage", "short", "huge", "ok"];

/// Kinds that every place takes as they are.
const KINDS: [Kind; 3] = [Kind::Github, Kind::Token, Kind::Pin];

/// Requests with a secret, each on its own connection.
struct Requests {
    cases: Vec<Case>,
    bytes: Vec<Vec<u8>>,
    random: Random,
}

impl Requests {
    fn add(&mut self, name: &str, kind: Kind, bytes: impl FnOnce(&str) -> Vec<u8>) {
        let secret = kind.make(&mut self.random);
        self.bytes.push(bytes(&secret.text));
        self.cases.push(cases::bare(format!("{name} | {kind:?}"), secret));
    }

    fn door(&mut self) {
        for (name, template) in HEADS {
            for kind in KINDS {
                self.add(name, kind, |secret| template.replace(PLACE, secret).into_bytes());
            }
        }
        for (name, template) in UNTOLD {
            self.add(name, Kind::Github, |secret| template.replace(PLACE, secret).into_bytes());
        }
        for kind in KINDS {
            self.add("long target", kind, |secret| {
                let target = format!("/?pin={secret}&password={secret}&a={}", "b".repeat(9000));
                format!("POST {target} HTTP/1.1\r\nHost: a\r\n\r\n").into_bytes()
            });
            self.add("big head", kind, |secret| {
                let cookie = format!("sid={secret}; x={}", "b".repeat(70_000));
                format!("POST / HTTP/1.1\r\nHost: a\r\nCookie: {cookie}\r\n\r\n").into_bytes()
            });
            self.add("many fields", kind, |secret| {
                let fields = format!("X-Api-Key: {secret}\r\n").repeat(120);
                format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").into_bytes()
            });
        }
    }

    /// Requests with the secret in every part of them.
    fn whole(&mut self, start: &str) {
        for kind in KINDS {
            self.add(start, kind, |secret| whole(start, secret, ""));
        }
    }

    /// Requests whose bodies cannot be recorded.
    fn unreadable(&mut self) {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let long = "x".repeat(400_000);
        for (name, padding) in [("deep", deep), ("long", format!("\"{long}\""))] {
            for kind in KINDS {
                self.add(name, kind, |secret| whole("ok", secret, &padding));
            }
        }
    }
}

fn whole(start: &str, secret: &str, padding: &str) -> Vec<u8> {
    let fields = json!({"password": secret, "pin": secret, "api_key": secret}).to_string();
    let body = match padding {
        "" => fields,
        padding => format!("{{\"a\":{fields},\"b\":{padding},\"c\":{fields}}}"),
    };
    let basic = base64(&format!("ada:{secret}"));
    format!(
        "POST /{start}/otp/{secret}?password={secret} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
         Authorization: Basic {basic}\r\nX-Api-Key: {secret}\r\nCookie: sid={secret}; a=b\r\n\
         Referer: https://ada:{secret}@a.example/?token={secret}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The secret of a request that reached the upstream.
fn echoed(head: &str) -> String {
    let rest = head.split_once("/otp/").unwrap_or_default().1;
    rest.split(['?', ' ']).next().unwrap_or_default().to_owned()
}

fn start_upstream(
    place: &Arc<OnceLock<PathBuf>>,
    lock: &Arc<Mutex<Option<WriteLock>>>,
) -> Upstream {
    let (place, lock) = (Arc::clone(place), Arc::clone(lock));
    Upstream::start(move |seen| {
        let secret = echoed(&seen.head);
        let bytes = |text: String| Reply::BytesThenClose(text.into_bytes());
        match seen.line().split('/').nth(1).unwrap_or_default() {
            "close" => Reply::Close,
            "garbage" => bytes(format!("{secret} HTTP/1.1 200\r\n{secret}\r\n\r\n{secret}")),
            "short" => bytes(format!(
                "HTTP/1.1 200 OK\r\nX-Auth-Token: {secret}\r\nContent-Length: 900\r\n\r\n{secret}"
            )),
            "huge" => bytes(format!(
                "HTTP/1.1 200 OK\r\nX: {}\r\nX-Auth-Token: {secret}\r\n\r\n",
                "y".repeat(300_000)
            )),
            "lock" => {
                let mut lock = lock.lock().unwrap();
                lock.get_or_insert_with(|| WriteLock::take(place.get().unwrap()));
                let body = format!("{{\"error\":\"{secret} is weak\",\"token\":\"{secret}\"}}");
                Reply::response("200 OK", "application/json", &body)
            }
            _ => Reply::ok(),
        }
    })
}

/// Sends all at the same time.
fn send(proxy: &Proxy, requests: &[Vec<u8>], client: fn(&Proxy, &[u8]) -> Answer) -> Vec<Answer> {
    thread::scope(|scope| {
        let started: Vec<_> =
            requests.iter().map(|bytes| scope.spawn(move || client(proxy, bytes))).collect();
        started.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

fn patient(proxy: &Proxy, bytes: &[u8]) -> Answer {
    exchange(proxy.address, bytes)
}

/// Sends a request and says that nothing more follows.
fn brief(proxy: &Proxy, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(proxy.address).unwrap();
    stream.write_all(bytes).ok();
    stream.shutdown(Shutdown::Write).ok();
    read_answer(&mut stream)
}

fn wait_ready(proxy: &Proxy) {
    wait_until("the proxy is ready again", || proxy.read("/readyz").0 == 200);
}

fn setup() -> Setup {
    let dead = free_address();
    Setup {
        more: "telemetry: {filter: trace}\ntimeouts: {request_body: 1s}".to_owned(),
        ledger: "  timeout: 1s".to_owned(),
        // A second upstream, where nobody listens.
        upstream: format!("}}, dead: {{addresses: [\"{dead}\"]"),
        routes: "- {name: dead, paths: [/dead], upstream: dead}\n- {name: app, upstream: app}"
            .to_owned(),
        ..Setup::default()
    }
}

#[test]
fn no_secret_is_in_a_refusal_or_in_what_a_failure_leaves() {
    let mut requests = Requests { cases: Vec::new(), bytes: Vec::new(), random: Random::fresh() };
    requests.door();
    let door = requests.bytes.len();
    ENDS.iter().for_each(|end| requests.whole(end));
    requests.unreadable();
    let executed = requests.bytes.len();
    requests.whole("refused");
    let refused = requests.bytes.len();
    requests.whole("lock");

    let (place, lock) = (Arc::default(), Arc::default());
    let upstream = start_upstream(&place, &lock);
    let mut proxy = Proxy::with(upstream.address, &setup());
    place.set(proxy.data()).unwrap();
    let mut answers = send(&proxy, &requests.bytes[..door], brief);
    answers.extend(send(&proxy, &requests.bytes[door..executed], patient));
    let held = WriteLock::take(&proxy.data());
    let unavailable = send(&proxy, &requests.bytes[executed..refused], patient);
    drop(held);
    for answer in &unavailable {
        assert_eq!(answer.problem().as_deref(), Some("audit-unavailable"), "{answer:?}");
    }
    answers.extend(unavailable);
    wait_ready(&proxy);
    let incomplete = send(&proxy, &requests.bytes[refused..], patient);
    drop(lock.lock().unwrap().take());
    let kinds: Vec<_> = incomplete.iter().filter_map(Answer::problem).collect();
    assert!(kinds.iter().any(|kind| kind == "audit-incomplete"), "{kinds:?}");
    answers.extend(incomplete);
    wait_ready(&proxy);
    // What the door refused is no event; all else is one, failed or not.
    wait_until("all events are in the index", || proxy.events().len() >= executed - door);

    // What the upstream answered is for the client.
    answers.retain(|answer| answer.problem().is_some());
    assert!(answers.len() > door / 2);
    let search = Search::new(&requests.cases);
    let mut leaks = Leaks::new();
    proxy.kill();
    search.look_below("killed", &proxy.data(), &mut leaks);
    proxy.restart();
    leaks.extend(search_all(&mut proxy, &search, &answers));
    judge(&leaks, &[], Vec::new());
}
