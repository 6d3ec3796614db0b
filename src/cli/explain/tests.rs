//! Files in, accounts out; and no secret in any of them.

mod states;

use std::fs;
use std::path::Path;

use clap::Parser;
use serde_json::{Value, json};

use super::{Args, run};

const SECRET: &str = "hunter2-hunter2-Zx81";

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

pub(super) fn explain(dir: &Path, line: &[&str]) -> (bool, String) {
    let rules = dir.join("rules");
    fs::create_dir_all(&rules).unwrap();
    let config = dir.join("c.yaml");
    if !config.exists() {
        let data = dir.join("data").display().to_string();
        let text = format!(
            "upstreams: {{app: http://127.0.0.1:9}}\nledger: {{dir: {data}}}\nroutes:\n\
             - {{name: calls, paths: [/v1], upstream: app, kind: gateway}}\n\
             - {{name: models, paths: [/api], endpoints: generation, upstream: app, kind: gateway}}\n\
             - {{name: free, paths: [/free], upstream: app, kind: bypass}}\n\
             - {{name: small, paths: [/small], upstream: app, capture: {{request: 1KiB, response: 1KiB}}}}\n\
             - {{name: default, upstream: app}}\n"
        );
        fs::write(&config, text).unwrap();
    }
    let paths = line.iter().map(|word| match word.strip_prefix('@') {
        Some(name) => dir.join(name).display().to_string(),
        None => (*word).to_owned(),
    });
    let config = ["--config".to_owned(), config.display().to_string()];
    let all = std::iter::once("explain".to_owned()).chain(paths).chain(config);
    let args = Line::try_parse_from(all).unwrap().args;
    let mut out = Vec::new();
    let code = run(&args, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(!text.contains(SECRET), "{text}");
    (code == std::process::ExitCode::SUCCESS, text)
}

/// The accounts of a file, as programs read them.
fn accounts(name: &str, content: &[u8], more: &[&str]) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(name), content).unwrap();
    let file = format!("@{name}");
    let (_, text) = explain(dir.path(), &[&[file.as_str(), "--json"], more].concat());
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn har(entries: &Value) -> Vec<u8> {
    json!({"log": {"version": "1.2", "entries": entries}}).to_string().into_bytes()
}

fn entry(method: &str, path: &str, body: &str, response: Value) -> Value {
    json!({
        "startedDateTime": "2026-07-01T12:00:00.000Z", "time": 20,
        "request": {
            "method": method, "url": format!("https://h.example{path}"), "httpVersion": "HTTP/2",
            "headers": [{"name": ":authority", "value": "h.example"},
                        {"name": "Content-Type", "value": "application/json"}],
            "postData": {"mimeType": "application/json", "text": body},
        },
        "response": response,
    })
}

fn created(headers: Value, content: Value) -> Value {
    json!({"status": 201, "headers": headers, "content": content})
}

#[test]
fn an_archive_is_explained_entry_by_entry() {
    let body = format!("{{\"name\":\"ci\",\"password\":\"{SECRET}\"}}");
    let content = json!({"text": format!("{{\"id\":\"k1\",\"said\":\"{SECRET}\"}}")});
    let json_type = json!([{"name": "content-type", "value": "application/json"}]);
    let entries = json!([
        entry("GET", "/users", "", Value::Null),
        entry("POST", "/api-keys?pool=blue", &body, created(json_type, content)),
        entry("DELETE", "/free/1", "", Value::Null),
    ]);
    let all = accounts("a.har", &har(&entries), &["--all"]);
    let summary: Vec<_> =
        all.iter().map(|a| (a["request"].clone(), a["recorded"].clone())).collect();
    let expected = [
        ("GET /users", "nothing"),
        ("POST /api-keys", "intent and completion"),
        ("DELETE /free/1", "nothing"),
    ];
    assert_eq!(summary, expected.map(|(a, b)| (json!(a), json!(b))));
    let shown = accounts("a.har", &har(&entries), &[]);
    assert_eq!(shown.iter().map(|a| &a["entry"]).collect::<Vec<_>>(), [2, 3]);
    let one = accounts("a.har", &har(&entries), &["--entry", "2"]).remove(0);
    assert_eq!(one["intent"]["action"], "api_key.create");
    assert_eq!(one["intent"]["time"], "2026-07-01T12:00:00.000Z");
    assert_eq!(one["completion"]["duration_ms"], 20);
    assert_eq!(one["completion"]["response"]["body"], json!({"id": "k1", "said": "***"}));
    let receipts: Vec<_> = one["redactions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|receipt| {
            assert!(receipt["file"].as_str().unwrap().contains("credentials.yaml"), "{receipt}");
            assert!(receipt["line"].as_u64().unwrap() > 1, "{receipt}");
            ["location", "rule", "selector", "action"]
                .map(|name| receipt[name].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(
        receipts,
        [
            ["request.body.$.password", "credential.password", "keys", "drop"],
            ["response.body.$.said", "credential.password", "other", "drop"],
        ]
    );
    let from = |field: &str| {
        let derived = one["derived"].as_array().unwrap();
        derived.iter().find(|row| row["field"] == field).map(|row| row["from"].clone())
    };
    assert_eq!(
        from("targets[0].id"),
        Some(json!("convention: the id in the response; response.body $.id"))
    );
    assert_eq!(
        from("targets[0].name"),
        Some(json!("convention: the name that is sent; request.body $.name"))
    );
    assert_eq!(
        from("action"),
        Some(json!(
            "convention: the last collection of the path, and the method; request.path segment 1, request.method"
        ))
    );
    assert!(from("changes").unwrap().as_str().unwrap().starts_with("request.body"));
}

#[test]
fn bodies_are_taken_as_they_were_on_the_wire() {
    let text = format!("{{\"token\":\"{SECRET}\",\"n\":\"naïve\"}}");
    let base64 = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(&text)
    };
    let plain = json!({"text": text});
    let packed = json!({"text": base64, "encoding": "base64"});
    let headers = |encoding: &str, media_type: &str| {
        json!([{"name": "Content-Type", "value": media_type},
               {"name": "Content-Encoding", "value": encoding}])
    };
    let rows = [
        (headers("gzip", "application/json"), &plain),
        (headers("br", "application/json"), &packed),
        (headers("zstd", "application/json"), &plain),
        (headers("deflate", "application/json"), &packed),
        (headers("gzip, br", "application/json"), &plain),
        (headers("identity", "application/json"), &packed),
        (headers("gzip", "application/json; charset=iso-8859-1"), &plain),
    ];
    for (headers, content) in rows {
        let entries = json!([entry("POST", "/x", "{}", created(headers.clone(), content.clone()))]);
        let account = accounts("a.har", &har(&entries), &[]).remove(0);
        let response = &account["completion"]["response"];
        let body = json!({"token": {"redacted": "credential.token"}, "n": "naïve"});
        let recorded = &response["body"];
        assert_eq!(recorded["n"], body["n"], "{headers}: {account}");
        assert!(recorded["token"].is_object(), "{headers}: {account}");
        assert!(response["headers"]["content-encoding"].is_string());
    }
}

#[test]
fn forms_are_put_together_from_their_parameters() {
    let request = |mime: &str| {
        json!({"request": {
            "method": "POST", "url": "https://h.example/login",
            "headers": [{"name": "content-type", "value": mime}],
            "postData": {"mimeType": mime, "text": null, "params": [
                {"name": "user", "value": "ada l"}, {"name": "password", "value": SECRET},
                {"name": "file", "fileName": "a.txt", "contentType": "text/plain", "value": "x"},
            ]},
        }})
    };
    for mime in ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"] {
        let account = accounts("a.har", &har(&json!([request(mime)])), &[]).remove(0);
        let body = &account["intent"]["request"]["body"];
        assert_eq!(
            (&body["user"], body["password"].is_object()),
            (&json!("ada l"), true),
            "{mime}"
        );
        assert_eq!(account["recorded"], "an intent; the response is not known");
    }
}

/// Errors in answers that began well are recorded by the proxy as rejections, and told here as such.
#[test]
fn errors_in_successful_answers_of_a_gateway_are_rejections() {
    let limited = r#"{"type":"error","error":{"type":"rate_limit_error","message":"x"}}"#;
    let rows = [
        ("application/json", limited.to_owned(), Some("gateway.rate_limit_exceeded")),
        (
            "text/event-stream",
            format!("data: {{\"choices\":[]}}\n\nevent: error\ndata: {limited}\n\n"),
            Some("gateway.rate_limit_exceeded"),
        ),
        ("application/json", r#"{"choices":[],"error":null}"#.to_owned(), None),
        ("text/plain", limited.to_owned(), None),
    ];
    for (kind, body, action) in rows {
        let response = json!({
            "status": 200, "headers": [{"name": "content-type", "value": kind}],
            "content": {"mimeType": kind, "text": body},
        });
        let entry = entry("POST", "/v1/chat/completions", r#"{"model":"m-1"}"#, response);
        let account = accounts("a.har", &har(&json!([entry])), &[]).remove(0);
        let expected = match action {
            Some(_) => "a completion alone: a rejection",
            None => "nothing: it is no rejection",
        };
        assert_eq!(account["recorded"], expected, "{kind}: {account}");
        assert_eq!(account["completion"]["action"].as_str(), action, "{kind}: {account}");
        let because = "the route is of kind `gateway`, of which rejections are recorded";
        assert_eq!(account["because"], because);
    }
}

#[test]
fn routes_and_limits_are_those_of_the_configuration() {
    let rejected = json!({"status": 429, "headers": [], "content": {}});
    let long = "x".repeat(4096);
    let rows = [
        (
            entry("POST", "/v1/chat", "{}", rejected.clone()),
            "a completion alone: a rejection",
            "calls",
        ),
        (
            entry("POST", "/v1/chat", "{}", created(json!([]), json!({}))),
            "nothing: it is no rejection",
            "calls",
        ),
        // The path says it, or the body.
        (
            entry("POST", "/api/v1/chat/completions", "{}", rejected.clone()),
            "a completion alone: a rejection",
            "models",
        ),
        (
            entry("POST", "/api/chat", r#"{"model":"m","messages":[]}"#, rejected.clone()),
            "a completion alone: a rejection",
            "models",
        ),
        (
            entry("POST", "/api/chat", r#"{"room":5}"#, rejected.clone()),
            "intent and completion",
            "default",
        ),
        (entry("POST", "/free/../x", "{}", rejected), "intent and completion", "default"),
        (entry("TRACE", "/x", "", Value::Null), "nothing: the request is refused", "default"),
        (
            entry("GET", "/x?_method=delete", "", Value::Null),
            "an intent; the response is not known",
            "default",
        ),
        (
            entry(
                "POST",
                "/small",
                &format!("\"{long}\""),
                created(json!([]), json!({"text": long})),
            ),
            "intent and completion",
            "small",
        ),
    ];
    for (entry, recorded, route) in rows {
        let account = accounts("a.har", &har(&json!([entry])), &["--all"]).remove(0);
        let got = (account["recorded"].as_str(), account["route"]["name"].as_str());
        assert_eq!(got, (Some(recorded), Some(route)), "{account}");
        if route == "small" {
            assert_eq!(account["intent"]["request"]["truncated"], true);
            assert_eq!(account["completion"]["request_body"]["size"], 4098);
            assert_eq!(account["completion"]["response"]["release"], "streaming");
            let notes: Vec<_> = account["notes"].as_array().unwrap().iter().collect();
            assert_eq!(
                (notes[0]["note"].as_str(), notes[1]["half"].as_str()),
                (Some("truncated"), Some("response"))
            );
        }
    }
}

#[test]
fn what_is_wrong_with_an_archive_has_its_place_and_none_of_its_contents() {
    let inner = |text: &str| {
        let file = format!("{{\"log\":{{\n \"entries\":[\n  {text}\n]}}}}");
        accounts("a.har", file.as_bytes(), &[])
    };
    let url = format!("\"url\":\"https://h/{SECRET}\"");
    let rows = [
        (
            format!("{{\"request\":{{\"method\":\"POST\",\n\"url\":[\"{SECRET}\"]}}}}"),
            4,
            "there should be a string",
        ),
        (format!("{{\"requests\":\"{SECRET}\"}}"), 3, "it lacks `request`"),
        (
            format!("{{\"request\":{{\"method\":\"POST\",\"url\":\"{SECRET}\"}}}}"),
            3,
            "no `http://`",
        ),
        (
            format!(
                "{{\"request\":{{\"method\":\"POST\",{url},\"postData\":{{\"text\":\"{SECRET}!\",\"encoding\":\"base64\"}}}}}}"
            ),
            3,
            "is not",
        ),
        (
            format!(
                "{{\"request\":{{\"method\":\"POST\",{url},\"postData\":{{\"text\":\"x\",\"encoding\":\"{SECRET}\"}}}}}}"
            ),
            3,
            "does not have",
        ),
        (format!("{{\"request\":\"{SECRET}\", expected"), 3, "not JSON from here on"),
    ];
    for (text, line, expected) in rows {
        let problem = inner(&text).remove(0)["problem"].clone();
        assert_eq!(problem["line"], line, "{text}: {problem}");
        assert!(problem["message"].as_str().unwrap().contains(expected), "{problem}");
        assert!(!problem["remedy"].as_str().unwrap().is_empty());
    }
    let broken = accounts("a.har", b"{\"log\":{\"entries\":[{}", &[]).remove(0);
    assert!(
        broken["problem"]["message"].as_str().unwrap().contains("ends in the middle"),
        "{broken}"
    );
    let one = accounts("a.http", b"POST /users HTTP/1.1\nHost: a\n\n", &["--entry", "1"]).remove(0);
    assert!(one["problem"]["message"].as_str().unwrap().contains("for HAR files"), "{one}");
    let none = accounts("a.har", &har(&json!([])), &["--entry", "1"]).remove(0);
    assert!(none["problem"]["message"].as_str().unwrap().contains("there is no entry 1"), "{none}");
    // One that is broken hides no other.
    let mixed = json!([{"request": 5}, entry("POST", "/x", "{}", Value::Null)]);
    let both = accounts("a.har", &har(&mixed), &[]);
    assert_eq!((both.len(), &both[1]["request"]), (2, &json!("POST /x")));
}

#[test]
fn messages_as_tools_save_them() {
    let body = format!("{{\"password\":\"{SECRET}\"}}");
    let answer = format!("{{\"id\":7,\"echo\":\"{SECRET}\"}}");
    let plain = format!(
        "POST /users HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let http = format!(
        "# make a user\n@base = x\n\nPOST https://h/users\nContent-Type: application/json\n\n{body}\n"
    );
    let response = format!(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/2 201\r\ncontent-type: application/json\r\n\r\n{answer}"
    );
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("response"), &response).unwrap();
    let both = format!("{http}\n{response}");
    for (name, request, response) in [
        ("request", plain.as_str(), Some("@response")),
        ("a.http", http.as_str(), Some("@response")),
        ("both.http", both.as_str(), None),
    ] {
        fs::write(dir.path().join(name), request).unwrap();
        let file = format!("@{name}");
        let arguments: Vec<&str> = [file.as_str()].into_iter().chain(response).collect();
        let (fine, text) = explain(dir.path(), &[&arguments[..], &["--json"]].concat());
        let account: Value = serde_json::from_str(&text).unwrap();
        assert!(fine);
        assert_eq!(account["request"], "POST /users");
        assert!(account["intent"]["request"]["body"]["password"].is_object(), "{account}");
        assert_eq!(account["completion"]["response"]["body"], json!({"id": 7, "echo": "***"}));
        assert_eq!(account["completion"]["response"]["status"], 201);
    }
    let (_, text) = explain(dir.path(), &["@request", "@response"]);
    for expected in
        ["#1 (line 1): POST /users -> 201", "credential.password", "RULE IS AT", "\nintent\n{"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn files_with_more_requests_and_other_lengths_are_told_so() {
    let several = "### create\n# @name x\nPOST https://h/users\nContent-Type: application/json\n\n\
                   {\"x\":1}\n\n### second\nDELETE https://h/users/7\n";
    let more = "the file has more requests, behind `###`: only the first is explained";
    for name in ["a.http", "a.txt"] {
        let account = accounts(name, several.as_bytes(), &[]).remove(0);
        assert_eq!(account["intent"]["request"]["body"], json!({"x": 1}), "{name}");
        assert_eq!(account["file_notes"], json!([more]), "{name}");
    }
    let markdown = "POST /pages HTTP/1.1\nContent-Type: text/plain\n\n# A\n\n### B\n\nText";
    let account = accounts("request", markdown.as_bytes(), &[]).remove(0);
    assert_eq!(account["intent"]["request"]["body"], json!("# A\n\n### B\n\nText"));
    for length in [6, 8] {
        let cut = format!("POST /x HTTP/1.1\nContent-Length: {length}\n\n{{\"x\":1}} and more");
        let cut = if length == 8 { cut.replace(" and more", "") } else { cut };
        let account = accounts("request", cut.as_bytes(), &[]).remove(0);
        let note = "the request's body in the file is not as long as its Content-Length says";
        assert_eq!(account["file_notes"], json!([note]), "{length}");
    }
}

#[test]
fn a_transcript_of_curl() {
    let transcript = format!(
        "* Connected to h (127.0.0.1) port 80\n> PUT /users/7 HTTP/1.1\r\n> Host: h\r\n\
         > Authorization: Bearer {SECRET}\r\n> Content-Length: 5\r\n> \n* upload completely sent\n\
         < HTTP/1.1 100 Continue\r\n< \r\n< HTTP/1.1 409 Conflict\r\n< Content-Type: application/json\r\n\
         < \n{{ [72 bytes data]\n{{\"error\":\"no {SECRET}\"}}* Connection #0 to host h left intact\n"
    );
    let account = accounts("curl.txt", transcript.as_bytes(), &[]).remove(0);
    assert_eq!((&account["request"], &account["status"]), (&json!("PUT /users/7"), &json!(409)));
    assert_eq!(account["line"], 2);
    assert_eq!(account["completion"]["response"]["body"], json!({"error": "no ***"}));
    assert_eq!(account["file_notes"], json!(["the file does not have the request's body"]));
}

#[test]
fn what_is_wrong_with_a_message_has_its_place() {
    let rows: [(&[u8], u64, &str); 8] = [
        (b"http POST h/api/users name=ada\n", 1, "a request begins with"),
        (b"Invoke-RestMethod -Method Post -Uri https://h/x\n", 1, "a request begins with"),
        (b"http https://h/api/users name=ada\n", 1, "a request begins with"),
        (b"", 1, "no HTTP message"),
        (b"\n\nhello\n", 3, "a request begins with"),
        (b"POST /x HTTP/1.1\nHost: h\nhunter2-hunter2-Zx81\n\n", 3, "no header field"),
        (b"POST /x HTTP/1.1\n\xff\xfe\n\n", 2, "no head of an HTTP message"),
        (b"\xff\xfe\xfd", 1, "no head of an HTTP message"),
    ];
    for (content, line, expected) in rows {
        let problem = accounts("r", content, &[]).remove(0)["problem"].clone();
        assert_eq!(problem["line"], line, "{problem}");
        assert!(problem["message"].as_str().unwrap().contains(expected), "{problem}");
    }
    let dir = tempfile::tempdir().unwrap();
    let (fine, text) = explain(dir.path(), &["@missing"]);
    assert!(!fine && text.contains("cannot be read"), "{text}");
    fs::write(dir.path().join("r"), "POST /x HTTP/1.1\n\n").unwrap();
    fs::write(dir.path().join("s"), "hello").unwrap();
    let (fine, text) = explain(dir.path(), &["@r", "@s"]);
    assert!(!fine && text.contains("s:1:1: a response begins with"), "{text}");
}

#[test]
fn odd_values_never_panic() {
    let values = [
        json!({"request": {"method": "", "url": "https://"}}),
        json!({"request": {"method": "P O", "url": "http://h/ä b#f", "httpVersion": null, "headers": null, "postData": null}}),
        json!({"time": -5, "request": {"method": "POST", "url": "http://u:p@h"}, "response": {"status": 99999, "content": null}}),
        json!({"time": 1e18, "startedDateTime": "+262142-12-31T23:59:59Z", "request": {"method": "POST", "url": "http://h"}, "response": {"status": 200}}),
        json!({"time": 1e300, "startedDateTime": "never", "request": {"method": "POST", "url": "http://h"}, "response": {"status": -1}}),
        json!({"request": {"method": "POST", "url": "http://h", "headers": [{"name": "a b", "value": "\u{0}"}, {"name": "", "value": null}]}}),
        json!({"request": {"method": "POST", "url": "http://h", "bodySize": 5}, "response": {"status": 101, "headers": []}}),
    ];
    for value in values {
        let accounts = accounts("a.har", &har(&json!([value])), &["--all"]);
        assert_eq!(accounts.len(), 1);
        assert!(accounts[0].get("problem").is_none(), "{}", accounts[0]);
    }
}

#[test]
fn a_file_that_is_too_large_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = fs::File::create(dir.path().join("big")).unwrap();
    file.set_len(super::FILE_BYTES_MAX + 1).unwrap();
    let (fine, text) = explain(dir.path(), &["@big"]);
    assert!(!fine && text.contains("larger than 256 MiB"), "{text}");
}

#[test]
fn a_command_of_curl_is_the_request_that_it_sends() {
    let command = format!(
        "curl -X PUT 'http://h/users/7' -H 'X-Api-Key: {SECRET}' --json '{{\"password\":\"{SECRET}\"}}'\n"
    );
    let told = accounts("a.txt", command.as_bytes(), &[]).remove(0);
    assert_eq!(told["request"], "PUT /users/7");
    assert!(!told.to_string().contains(SECRET), "{told}");
    let told = accounts("a.txt", b"curl -T x http://h/users/7", &[]).remove(0);
    let message = told["problem"]["message"].as_str().unwrap();
    assert!(message.contains("`-T` is not read here"), "{told}");
}
