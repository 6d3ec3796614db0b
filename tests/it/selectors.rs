//! Rules that select by path, and routes of which only what is listed is recorded, through the
//! running proxy: what goes past them is on no page of any file.

use std::fs;

use serde_json::{Value, json};

use super::support::{Proxy, Reply, Setup, Upstream, exchange, wait_until};

const RULES: &str = r#"
redact:
  - id: own.prompt
    path: ["$.notes[*].line", "$.rows[*].delta.line"]
    do: summarize
  - id: own.data
    path: "$.items[?@.kind == 'Secret'].data"
    do: drop
record_only:
  - id: own.people
    under: ["/people/**"]
    keys: [id, status]
    headers: [x-tenant]
    query: [page]
"#;

fn post(target: &str, content_type: &str, fields: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {target} HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\n{fields}\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A proxy with the rules, before an upstream that answers with what it gets.
fn proxy(rules: &tempfile::TempDir) -> (Upstream, Proxy) {
    fs::write(rules.path().join("own.yaml"), RULES).unwrap();
    let upstream = Upstream::start(|seen| {
        let content_type = seen.header("content-type").unwrap_or_default();
        Reply::response("200 OK", content_type, &String::from_utf8_lossy(&seen.body))
    });
    let more = format!("rules: {{dir: \"{}\"}}", rules.path().display());
    let proxy = Proxy::with(upstream.address, &Setup { more, ..Setup::default() });
    (upstream, proxy)
}

/// Sends a request, which must come back as it was; gives its event, of which no file may hold a
/// text.
fn recorded(proxy: &Proxy, request: &[u8], body: &str, gone: &[&str]) -> Value {
    let answer = exchange(proxy.address, request);
    assert_eq!((answer.status, answer.text().as_str()), (200, body));
    let id = answer.header("countersign-event").unwrap().to_owned();
    let mut event = None;
    wait_until("the event is in the index", || {
        event = proxy.events().into_iter().find(|event| event["id"] == id.as_str());
        event.is_some()
    });
    let mut looked = 0;
    for entry in fs::read_dir(proxy.data()).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = fs::read(&path) else { continue };
        looked += bytes.len();
        for text in gone {
            let found = memchr::memmem::find(&bytes, text.as_bytes());
            assert_eq!(found, None, "{text} in {}", path.display());
        }
    }
    assert!(looked > 1000);
    for text in gone {
        assert!(!proxy.log().contains(text), "{text} in the log");
    }
    event.unwrap()
}

#[test]
fn what_paths_select_passes_and_is_not_recorded() {
    let rules = tempfile::tempdir().unwrap();
    let (upstream, proxy) = proxy(&rules);
    let body = json!({
        "model": "m-1", "notes": [{"role": "user", "line": "Grunewald-7731"}],
        "items": [{"kind": "Secret", "data": {"x": "Spandau-4402"}}, {"kind": "Map", "data": {"x": "Mitte-1188"}}],
    })
    .to_string();
    let request = post("/v1/things", "application/json", "X-Note: Spandau-4402\r\n", &body);
    let event = recorded(&proxy, &request, &body, &["Grunewald-7731", "Spandau-4402"]);
    let expected = json!({
        "model": "m-1", "notes": [{"role": "user", "line": {"redacted": "own.prompt", "chars": 14}}],
        "items": [{"kind": "Secret", "data": {"redacted": "own.data"}}, {"kind": "Map", "data": {"x": "Mitte-1188"}}],
    });
    for half in ["request", "response"] {
        assert_eq!(event[half]["body"], expected, "{half}");
    }
    assert_eq!(event["request"]["headers"]["x-note"], "***");
    let receipts = event["redactions"].to_string();
    assert!(receipts.contains("own.data") && receipts.contains("request.body.$.notes[*].line"));
    assert_eq!(String::from_utf8_lossy(&upstream.seen()[0].body), body);

    let lines =
        "{\"rows\":[{\"delta\":{\"line\":\"Wannsee-9020\"},\"index\":3}]}\n{\"end\":true}\n";
    let request = post("/v1/things", "application/x-ndjson", "", lines);
    let event = recorded(&proxy, &request, lines, &["Wannsee-9020"]);
    let summary = json!({"redacted": "own.prompt", "chars": 12});
    let expected = json!([{"rows": [{"delta": {"line": summary}, "index": 3}]}, {"end": true}]);
    assert_eq!(event["request"]["body"], expected);
}

#[test]
fn of_a_record_only_route_nothing_else_is_in_any_file() {
    let rules = tempfile::tempdir().unwrap();
    let (_upstream, proxy) = proxy(&rules);
    let body = json!({
        "id": 7, "status": "new", "name": "Ada Lovelace-Byron", "born": 18151210_i64, "vip": true,
        "notes": ["Marylebone-55", "Ockham-Park-3"], "ada@lovelace.example": {"x": "Somerset-81"},
        "deep": [{"id": 8, "mail": "ada@analytical.example"}],
    })
    .to_string();
    let fields = "X-Tenant: blue-tenant\r\nX-Person: Babbage-Charles\r\nCookie: who=Menabrea-Luigi\r\n\
                  Referer: http://h/Difference-Engine-2\r\n";
    let request = post("/people/7?page=2&q=Countess-King", "application/json", fields, &body);
    let gone = [
        "Lovelace",
        "18151210",
        "Marylebone",
        "Ockham",
        "lovelace.example",
        "Somerset",
        "analytical",
        "Babbage",
        "Menabrea",
        "Difference-Engine",
        "Countess",
    ];
    let event = recorded(&proxy, &request, &body, &gone);
    let chars = |n: usize| json!({"redacted": "own.people", "chars": n});
    let expected = json!({
        "id": 7, "status": "new", "name": chars(18), "born": {"redacted": "own.people", "type": "number"},
        "vip": {"redacted": "own.people", "type": "boolean"}, "notes": {"redacted": "own.people", "items": 2},
        "***": {"x": chars(11)}, "deep": [{"id": 8, "mail": chars(22)}],
    });
    for half in ["request", "response"] {
        assert_eq!(event[half]["body"], expected, "{half}");
    }
    let headers = &event["request"]["headers"];
    assert_eq!(headers["x-tenant"], "blue-tenant");
    assert_eq!(headers["x-person"], chars(15));
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(event["request"]["query"], json!({"page": "2", "q": chars(13)}));
    // Elsewhere everything is recorded.
    let elsewhere = json!({"name": "Sophia-Frend"}).to_string();
    let request = post("/places/7", "application/json", "", &elsewhere);
    let event = recorded(&proxy, &request, &elsewhere, &[]);
    assert_eq!(event["request"]["body"], json!({"name": "Sophia-Frend"}));
}
