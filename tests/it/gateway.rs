//! A gateway before language models: what it lets through streams as it comes and leaves nothing, what
//! it refuses is on record without a word of what was asked.

mod streams;

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;
use serde_json::{Value, json};

use super::support::{
    Answer, Proxy, Reply, Setup, Upstream, WriteLock, completions, exchange, rows,
};

/// Stands in every prompt.
const PROMPT: &str = "the-quiet-prompt-of-canary-7d31";

/// A key as clients have them.
const KEY: &str = "sk-live-canary-4b8e1c";

/// As `countersign run --upstream` has it: no routes.
pub(super) fn unconfigured() -> Setup {
    Setup { routes: " []".to_owned(), ..Setup::default() }
}

fn post(proxy: &Proxy, path: &str, fields: &str, body: &str) -> Answer {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{fields}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    exchange(proxy.address, request.as_bytes())
}

fn chat(model: &str) -> String {
    json!({"model": model, "messages": [{"role": "user", "content": PROMPT}]}).to_string()
}

/// Everything that the proxy keeps or shows.
pub(super) fn kept(proxy: &Proxy) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![proxy.home.path().to_owned(), proxy.data()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.is_file() {
            found.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    found.push(("metrics".to_owned(), proxy.read("/metrics").1.into_bytes()));
    let events = serde_json::to_vec(&proxy.all_events()).unwrap();
    found.push(("events".to_owned(), events));
    found
}

pub(super) fn is_nowhere(proxy: &Proxy, needle: &str) {
    for (place, bytes) in kept(proxy) {
        let found = bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
        assert!(!found, "`{needle}` is in {place}");
    }
}

/// One kind of refusal, and what is on record of it.
#[derive(Clone, Deserialize)]
struct Refusal {
    path: String,
    status: u16,
    headers: BTreeMap<String, String>,
    body: Value,
    /// Action, outcome, severity, reason.
    told: String,
    #[serde(default)]
    detail: Value,
}

fn refusals() -> Vec<Refusal> {
    serde_json::from_str(include_str!("../data/gateway/refusals.json")).unwrap()
}

/// Answers a request with the refusal whose number its path has for a query.
fn refusing() -> Upstream {
    let refusals = refusals();
    Upstream::start(move |seen| {
        let number = seen.line().split(['=', ' ']).nth(2).and_then(|number| number.parse().ok());
        let Some(refusal) = number.and_then(|number: usize| refusals.get(number)) else {
            return Reply::ok();
        };
        let Refusal { status, headers, body, .. } = refusal;
        let fields: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let body = body.to_string();
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} No\r\nContent-Type: application/json\r\n{fields}\
             Content-Length: {length}"
        );
        Reply::Bytes(format!("{head}\r\n\r\n{body}").into_bytes())
    })
}

#[test]
fn refusals_of_all_kinds_are_on_record_without_what_was_asked() {
    let upstream = refusing();
    let dir = tempfile::tempdir().unwrap();
    // The digest of `KEY`, as `countersign actors hash` prints it.
    let digest = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(KEY));
    let table = format!("keys:\n- {{sha256: {digest}, id: ci, name: CI deploy}}\n");
    fs::write(dir.path().join("keys.table"), table).unwrap();
    let actors = "actors:\n- {from: api_key, header: authorization, table: keys.table}\n";
    fs::write(dir.path().join("actors.yaml"), actors).unwrap();
    let more = format!("rules: {{dir: \"{}\"}}", dir.path().display());
    let proxy = Proxy::with(upstream.address, &Setup { more, ..unconfigured() });
    let key = format!("Authorization: Bearer {KEY}\r\n");
    let refusals = refusals();
    let mut ids = Vec::new();
    for (number, refusal) in refusals.iter().enumerate() {
        let answer =
            post(&proxy, &format!("{}?api-version={number}", refusal.path), &key, &chat("m-1"));
        // The client gets the upstream's bytes.
        assert_eq!(answer.text(), refusal.body.to_string(), "{number}");
        assert_eq!(answer.status, refusal.status, "{number}");
        for (name, value) in &refusal.headers {
            let got = answer.header(&name.to_ascii_lowercase());
            assert_eq!(got, Some(value.as_str()), "{number}");
        }
        ids.push(answer.header("countersign-event").unwrap_or_default().to_owned());
    }
    let events = proxy.events();
    assert_eq!(events.len(), refusals.len(), "{events:#?}");
    let told: Vec<_> = events.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(told, ids, "the client is told which event it is");
    for (event, refusal) in events.iter().zip(&refusals) {
        let told =
            ["action", "outcome", "severity", "reason"].map(|name| event[name].as_str().unwrap());
        assert_eq!(told.join(" "), refusal.told, "{event:#}");
        assert_eq!(event["detail"], refusal.detail, "{event:#}");
        assert_eq!(event["category"], "gateway");
        assert_eq!(event["targets"], json!([{"type": "model", "id": "m-1"}]), "{event:#}");
        let actor = &event["actor"];
        assert_eq!((&actor["id"], &actor["auth"]), (&json!("ci"), &json!("api_key")), "{actor}");
        assert_eq!((&actor["name"], &actor["verified"]), (&json!("CI deploy"), &json!(true)));
        assert!(actor["credential"].as_str().unwrap().starts_with("hmac:"), "{actor}");
        assert!(event["response"].get("body").is_none() && event["request"].get("body").is_none());
        let description = event["description"].as_str().unwrap();
        assert!(description.starts_with("Request to model “m-1” "), "{description}");
    }
    let description = events[0]["description"].as_str().unwrap();
    let expected = "Request to model “m-1” rejected: rate limit exceeded";
    assert_eq!(description, expected);
    assert_eq!(events[0]["rule"], "gateway.rate-limit");
    // One entry each, and no intent.
    let rows = rows(&proxy.data());
    assert!(rows.len() == refusals.len() && rows.iter().all(|row| row.intent.is_none()));
    is_nowhere(&proxy, PROMPT);
    is_nowhere(&proxy, KEY);
}

#[test]
fn an_unreachable_model_is_a_failed_one() {
    let upstream = Upstream::start(|seen| match seen.line().contains("lost") {
        true => Reply::Close,
        false => {
            Reply::BytesThenClose(b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n".to_vec())
        }
    });
    let proxy = Proxy::with(upstream.address, &unconfigured());
    for path in ["/v1/chat/completions?alt=lost", "/v1/chat/completions"] {
        post(&proxy, path, &format!("X-Api-Key: {KEY}\r\n"), &chat("m-1"));
    }
    let events = proxy.events();
    let told: Vec<_> = events
        .iter()
        .map(|event| (&event["action"], &event["outcome"], &event["reason"]))
        .collect();
    let (action, outcome) = (&json!("gateway.upstream_failed"), &json!("failure"));
    let (lost, status) = (&json!("upstream_lost"), &json!("http_503"));
    assert_eq!(told, [(action, outcome, lost), (action, outcome, status)]);
    assert!(events.iter().all(|event| event["actor"]["credential"].is_string()));
    is_nowhere(&proxy, PROMPT);
    is_nowhere(&proxy, KEY);
}

#[test]
fn a_secret_in_the_place_of_a_model_is_none() {
    let upstream =
        Upstream::start(|_| Reply::response("404 No", "application/json", "{\"error\":{}}"));
    let proxy = Proxy::with(upstream.address, &unconfigured());
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let key = format!("Authorization: Bearer {KEY}\r\n");
    for model in [token, KEY, PROMPT, "tell me all about it"] {
        post(&proxy, "/v1/chat/completions", &key, &chat(model));
    }
    post(&proxy, &format!("/v1beta/models/{token}:generateContent"), &key, "{}");
    let events = proxy.events();
    assert!(events.len() == 5 && events.iter().all(|event| event["targets"][0]["id"] != token));
    is_nowhere(&proxy, token);
    is_nowhere(&proxy, KEY);
    is_nowhere(&proxy, "tell me all about it");
}

#[test]
fn a_refusal_waits_for_its_entry_and_a_success_for_nothing() {
    let upstream =
        Upstream::start(|seen| match String::from_utf8_lossy(&seen.body).contains("refuse") {
            true => Reply::response("429 No", "application/json", r#"{"error":{}}"#),
            false => Reply::ok(),
        });
    let setup = Setup { ledger: "  timeout: 300ms".to_owned(), ..unconfigured() };
    let proxy = Proxy::with(upstream.address, &setup);
    // What is alerted on is there before it happens, and what leaves no event is not counted as recorded.
    let counted = |result: &str| {
        let metrics = proxy.read("/metrics").1;
        let name =
            format!("countersign_exchanges_total{{route=\"generation\",result=\"{result}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(name.as_str()));
        line.map(ToOwned::to_owned)
    };
    for result in ["recorded", "refused", "incomplete"] {
        assert_eq!(counted(result).as_deref(), Some("0"), "{result}");
    }
    let lock = WriteLock::take(&proxy.data());
    let success = post(&proxy, "/v1/chat/completions", "", &chat("m-1"));
    assert_eq!(success.status, 200, "no entry is needed");
    assert_eq!(success.header("countersign-event"), None, "and there is none");
    let refusal = post(&proxy, "/v1/chat/completions", "", &chat("refuse"));
    assert_eq!((refusal.status, refusal.problem().as_deref()), (503, Some("audit-incomplete")));
    drop(lock);
    let counts = ["recorded", "refused", "incomplete"].map(counted);
    assert_eq!(counts.map(Option::unwrap), ["0", "0", "1"]);
}

/// Gemini takes keys in the query; there they are as secret as anywhere, and say as much of who calls.
#[test]
fn a_key_in_the_query_tells_who_calls() {
    let upstream =
        Upstream::start(|_| Reply::response("403 No", "application/json", "{\"error\":{}}"));
    let proxy = Proxy::with(upstream.address, &unconfigured());
    let path = "/v1beta/models/m-1:generateContent";
    post(&proxy, &format!("{path}?alt=sse&key={KEY}"), "", "{}");
    post(&proxy, path, &format!("x-goog-api-key: {KEY}\r\n"), "{}");
    let events = proxy.events();
    let credential = |at: usize| events[at]["actor"]["credential"].as_str().unwrap();
    assert_eq!(credential(0), credential(1));
    assert_eq!((&events[0]["actor"]["auth"], events.len()), (&json!("api_key"), 2));
    is_nowhere(&proxy, KEY);
}

#[test]
fn without_configuration_only_what_is_certainly_a_call_to_a_model_is_let_past() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::with(upstream.address, &unconfigured());
    let answer = |input: &str| json!({"model": "m-1", "input": input}).to_string();
    let rpc = json!({"jsonrpc": "2.0", "method": "user.delete", "params": [7], "messages": []});
    let rows: Vec<(&str, String, bool)> = vec![
        ("/v1/chat/completions", chat("m-1"), false),
        ("/v1/messages", chat("m-1"), false),
        ("/v1/responses", answer("hello"), false),
        ("/v1/embeddings", answer("hello"), false),
        ("/v1beta/models/m-1:streamGenerateContent?alt=sse", "{}".to_owned(), false),
        ("/api/chat", chat("m-1"), false),
        // The same paths of other applications.
        ("/v1/messages", json!({"to": "+15550100", "text": "see you"}).to_string(), true),
        ("/v1/responses", json!({"survey": 5, "answers": [1, 2]}).to_string(), true),
        ("/api/generate", json!({"report": "monthly"}).to_string(), true),
        // Other paths, and other readings of these.
        ("/v1/fine_tuning/jobs", chat("m-1"), true),
        ("/admin/keys", chat("m-1"), true),
        ("/v1/chat/completions/../../../admin/keys", chat("m-1"), true),
        ("/v1/chat%2fcompletions", chat("m-1"), true),
        ("/v1/chat/completions?_method=DELETE", chat("m-1"), true),
        // What applications that do not go by the path take for something else.
        ("/v1/chat/completions?rest_route=/users/7", chat("m-1"), true),
        ("/v1/chat/completions", rpc.to_string(), true),
    ];
    for (path, body, is_audited) in &rows {
        let before = completions(&proxy.data()).len();
        let answer = post(&proxy, path, "", body);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("countersign-event").is_some(), *is_audited, "{path} {body}");
        let recorded = completions(&proxy.data()).len() - before;
        assert_eq!(recorded, usize::from(*is_audited), "{path} {body}");
    }
    let field = "X-Original-URL: /admin/keys\r\n";
    let answer = post(&proxy, "/v1/chat/completions", field, &chat("m-1"));
    assert!(answer.header("countersign-event").is_some());
    // It can be seen, and counted.
    assert!(proxy.log().contains("generation: / where models generate"), "{}", proxy.log());
    let metrics = proxy.read("/metrics").1;
    let calls = metrics.lines().find(|line| line.contains("route=\"generation\""));
    assert!(
        calls.is_some_and(|line| line.contains("gateway") && line.ends_with(" 6")),
        "{metrics}"
    );
    is_nowhere(&proxy, PROMPT);
}

#[test]
fn what_models_are_asked_is_audited_if_the_configuration_says_so() {
    let upstream = Upstream::start(|_| Reply::ok());
    let setups =
        [Setup { more: "generation: admin".to_owned(), ..unconfigured() }, Setup::default()];
    for setup in setups {
        let proxy = Proxy::with(upstream.address, &setup);
        let answer = post(&proxy, "/v1/chat/completions", "", &chat("m-1"));
        assert!(answer.header("countersign-event").is_some(), "{setup:?}");
        let rows = rows(&proxy.data());
        let kinds: Vec<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
        assert_eq!(kinds, ["intent", "completion"], "{setup:?}");
        is_nowhere(&proxy, PROMPT);
    }
}

#[test]
fn rules_of_the_operator_name_rejections_as_well() {
    let body = json!({"fault": {"code": "pool_empty", "message": PROMPT}}).to_string();
    let upstream = Upstream::start(move |_| Reply::response("429 Busy", "application/json", &body));
    let dir = tempfile::tempdir().unwrap();
    let rules = "rejections:\n- id: acme.pool\n  when: {status: 4xx, body: {$.fault.code: 'pool_*'}}\n  \
                 action: pool.exhaust\n  outcome: failure\n  severity: info\n";
    fs::write(dir.path().join("acme.yaml"), rules).unwrap();
    let more = format!("rules: {{dir: \"{}\"}}", dir.path().display());
    let routes = "- {name: llm, paths: [/llm], kind: gateway, upstream: app}".to_owned();
    let proxy = Proxy::with(upstream.address, &Setup { more, routes, ..Setup::default() });
    post(&proxy, "/llm/ask", "", &chat("m-1"));
    let event = proxy.events().remove(0);
    let told = ["action", "outcome", "severity", "rule"].map(|name| event[name].as_str().unwrap());
    assert_eq!(told, ["pool.exhaust", "failure", "info", "acme.pool"]);
    // This path is nobody's whose prompts are known; nothing of them is recorded all the same.
    is_nowhere(&proxy, PROMPT);
}
