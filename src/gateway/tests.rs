//! Patterns, limits, and errors in streams; rules are tried by the examples in them.

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::capture::{Body, Release, Request, Response};
use crate::record::Tree;

#[test]
fn patterns_take_whole_texts() {
    let rows = [
        ("budget", "Budget", true),
        ("budget", "no budget", false),
        ("*budget*", "No Budget left", true),
        ("*budget", "no budget", true),
        ("a*b*c", "a--b--c", true),
        ("a*b*c", "a--c--b", false),
        ("ab*ba", "aba", false),
        ("*", "", true),
        ("", "", true),
        ("", "x", false),
        ("*é*", "café au lait", true),
    ];
    for (pattern, text, expected) in rows {
        assert_eq!(TextPattern::new(pattern).matches(text), expected, "{pattern} {text}");
    }
}

#[test]
fn limits_are_those_of_which_nothing_is_left() {
    let rows = [
        (json!({}), json!({})),
        (json!({"retry-after": "20"}), json!({"retry_after": "20"})),
        (json!({"retry-after-ms": "350"}), json!({"retry_after": "350ms"})),
        (
            json!({
                "x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "59",
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-limit-tokens": "150000", "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "6m0s", "retry-after": "360",
            }),
            json!({"limit": "150000", "limit_by": "tokens", "remaining": "0", "reset": "6m0s", "retry_after": "360"}),
        ),
        (
            json!({
                "anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-requests-remaining": "0",
                "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:00Z",
                "anthropic-ratelimit-input-tokens-limit": "9", "anthropic-ratelimit-input-tokens-remaining": "8",
            }),
            json!({"limit": "50", "limit_by": "requests", "remaining": "0", "reset": "2026-01-01T00:00:00Z"}),
        ),
        (
            json!({"x-ai-ratelimit-limit-minute-openai": "100", "x-ai-ratelimit-remaining-minute-openai": "-3"}),
            json!({"limit": "100", "limit_by": "minute-openai", "remaining": "-3"}),
        ),
        (
            json!({"ratelimit-limit": "10", "ratelimit-remaining": "0", "ratelimit-reset": "7"}),
            json!({"limit": "10", "remaining": "0", "reset": "7"}),
        ),
        (
            json!({"x-litellm-key-max-budget": "0.01", "x-litellm-key-spend": "0.02"}),
            json!({"limit": "0.01", "limit_by": "budget", "spent": "0.02"}),
        ),
        (
            json!({"ratelimit": "limit=5, remaining=0, reset=30", "ratelimit-policy": "5;w=60"}),
            json!({"limit": "5", "remaining": "0", "reset": "30"}),
        ),
        (
            json!({"ratelimit": "\"day\";r=9;t=3000, \"default\";r=0;t=30", "ratelimit-policy": "\"day\";q=10;w=86400, \"default\";q=5;w=60"}),
            json!({"limit": "5", "limit_by": "default", "remaining": "0", "reset": "30"}),
        ),
        (
            json!({"ratelimit": "\"default\";r=0;t=30"}),
            json!({"limit_by": "default", "remaining": "0", "reset": "30"}),
        ),
        (json!({"ratelimit": "none, at all; really"}), json!({})),
        (
            json!({"x-rate-limit-limit": "5", "x-rate-limit-remaining": "0"}),
            json!({"limit": "5", "remaining": "0"}),
        ),
        (
            json!({"helicone-ratelimit-limit": "100", "helicone-ratelimit-remaining": "0", "helicone-ratelimit-policy": "100;w=60"}),
            json!({"limit": "100", "remaining": "0"}),
        ),
        // Neither prose nor lists are limits.
        (json!({"retry-after": "x".repeat(100)}), json!({})),
        (json!({"retry-after": ["1", "2"]}), json!({})),
        (json!({"retry-after": "\u{7f}"}), json!({})),
    ];
    for (headers, expected) in rows {
        let tree = Tree::from(headers.clone());
        assert_eq!(json!(texts(limit(&tree))), expected, "{headers}");
    }
}

fn texts(limit: Limit) -> std::collections::BTreeMap<&'static str, String> {
    limit.into_iter().map(|(name, part)| (name, part.text)).collect()
}

/// Bodies, and what of a limit is told of each.
fn are_told(rows: &[(Value, Value)]) {
    for (body, expected) in rows {
        let response = Response {
            status: 429,
            headers: headers("application/json"),
            body: Body::whole(body.to_string()),
            release: Release::Held,
        };
        let found = Answer::read("/", &response, |answer| answer.limit());
        assert_eq!(json!(texts(found)), *expected, "{body}");
    }
}

#[test]
fn limits_are_told_by_errors() {
    let message = |text: &str| json!({"error": {"message": text}});
    let violation = json!({"quotaId": "GenerateRequestsPerDay-FreeTier", "quotaValue": "50"});
    let rows = [
        (json!({"error": "no"}), json!({})),
        (
            json!({"error": {"metadata": {"headers": {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0"}}}}),
            json!({"limit": "20", "remaining": "0"}),
        ),
        (
            json!({"error": {"details": [{"violations": [violation]}, {"retryDelay": "29s"}]}}),
            json!({"limit": "50", "limit_by": "GenerateRequestsPerDay-FreeTier", "retry_after": "29s"}),
        ),
        (
            message("Budget has been exceeded! Current cost: 0.0005, Max budget: 0.0001"),
            json!({"limit": "0.0001", "limit_by": "budget", "spent": "0.0005"}),
        ),
        (
            message("ExceededBudget: User=u over budget. Spend=1.2, Budget=1.0."),
            json!({"limit": "1.0", "limit_by": "budget", "spent": "1.2"}),
        ),
        (
            message(
                "Rate limit reached for m on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000.",
            ),
            json!({"limit": "30000", "spent": "29000"}),
        ),
        (
            message(
                "Limit type: requests. Current limit: 1, Remaining: 0. Limit resets at: 2025-01-01",
            ),
            json!({"limit": "1", "remaining": "0"}),
        ),
        (
            message("Rate limits exceeded: [token limit exceeded (1500/1000, resets every 1h)]"),
            json!({"limit": "1000", "spent": "1500"}),
        ),
        (message("a limit of some kind (and/or another, which resets)"), json!({})),
        // What is neither an amount nor a time is not told.
        (message("max budget: tell me all"), json!({})),
        (message(&"max budget: 1".repeat(2000)), json!({"limit": "1", "limit_by": "budget"})),
        (message(&"é".repeat(2000)), json!({})),
        (json!({"error": {"metadata": {"headers": {"x-ratelimit-limit": "tell me"}}}}), json!({})),
        (json!({"error": {"details": [{"violations": [{"quotaValue": "tell me"}]}]}}), json!({})),
        (json!({"error": {"details": [{"retryDelay": {"a": 1}}]}}), json!({})),
    ];
    are_told(&rows);
}

#[test]
fn limits_are_told_by_what_errors_are_made_of() {
    let message = |text: &str| json!({"error": {"message": text}});
    let rows = [
        (
            message("Current spend for token: 7.2e-05; Max Budget for Token: 2e-07"),
            json!({"limit": "2e-07", "limit_by": "budget", "spent": "7.2e-05"}),
        ),
        (
            message(
                "Hit limit for api_key: x. tpm_limit: 10, current_tpm 4 , rpm_limit: 5 current rpm: 5",
            ),
            json!({"limit": "5", "limit_by": "rpm", "spent": "5"}),
        ),
        (message("Crossed it. tpm_limit: 10"), json!({"limit": "10", "limit_by": "tpm"})),
        (
            json!({"error": {"code": "rate_limit_exceeded", "limit": 60, "retryAfter": 12, "window": "x"}}),
            json!({"limit": "60", "retry_after": "12"}),
        ),
        (
            json!({"error": {"code": "budget_exceeded", "limit_usd": 100, "spent_usd": 101.2}}),
            json!({"limit": "100", "limit_by": "budget", "spent": "101.2"}),
        ),
        (
            json!({"error": {"limit": "tell me all", "remaining": null, "retry_after": {}}}),
            json!({}),
        ),
    ];
    are_told(&rows);
}

fn headers(kind: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))])
}

/// The errors that are seen in an answer that comes in such pieces.
fn seen(kind: &'static str, pieces: &[&[u8]]) -> Vec<Value> {
    let Some(mut watch) = Watch::over(&headers(kind)) else { return Vec::new() };
    let mut errors: Vec<Vec<u8>> = pieces.iter().filter_map(|piece| watch.passed(piece)).collect();
    errors.extend(watch.ended());
    errors.iter().map(|error| serde_json::from_slice(error).unwrap()).collect()
}

const EVENTS: &str = "text/event-stream; charset=utf-8";

#[test]
fn errors_in_streams_are_seen_however_they_are_cut() {
    let rate = json!({"error": {"code": 429, "message": "slow"}});
    let over = json!({"type": "error", "error": {"type": "overloaded_error"}});
    let rows: Vec<(&'static str, String, Vec<Value>)> = vec![
        (EVENTS, format!("data: {{\"choices\":[]}}\n\ndata: {rate}\n\ndata: [DONE]\n\n"), vec![rate.clone()]),
        (EVENTS, format!("event: ping\ndata: {{}}\n\nevent: error\r\ndata: {over}\r\n\r\n"), vec![over.clone()]),
        (EVENTS, "event: error\ndata: {\"message\":\"x\"}\n\n".to_owned(), vec![json!({"message": "x"})]),
        (EVENTS, format!("data: {rate}"), vec![rate.clone()]),
        (
            EVENTS,
            "data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\"}}}\n\n".to_owned(),
            vec![json!({"error": {"code": "server_error"}})],
        ),
        // Data of several lines, a mark of the order of bytes, lines that end in carriage returns, and a
        // name behind the data.
        (EVENTS, "data: {\"type\": \"error\",\ndata: \"error\": {\"type\": \"overloaded_error\"}}\n\n".to_owned(), vec![over.clone()]),
        (EVENTS, "data: {\"type\": \"error\",\r\ndata: \"error\": {\"type\": \"overloaded_error\"}}".to_owned(), vec![over.clone()]),
        (EVENTS, format!("\u{feff}data: {over}\n\n"), vec![over.clone()]),
        (EVENTS, format!("event: ping\rdata: {{}}\r\revent: error\rdata: {over}\r\r"), vec![over.clone()]),
        (EVENTS, "data: {\"message\":\"x\"}\nevent: error\n\n".to_owned(), vec![json!({"message": "x"})]),
        (EVENTS, "event: error\n\ndata: {\"a\":\ndata: 1}\n\n".to_owned(), vec![]),
        // Once is enough.
        (EVENTS, format!("data: {rate}\n\ndata: {rate}\n\n"), vec![rate.clone()]),
        ("application/x-ndjson", "{\"response\":\"a\"}\n{\"error\":\"boom\"}\n".to_owned(), vec![json!({"error": "boom"})]),
        ("application/json", rate.to_string(), vec![rate.clone()]),
        ("application/json", format!("[{{\"candidates\":[]}},{rate}]"), vec![rate]),
        (
            "application/json",
            "{\"choices\":[{\"finish_reason\":\"error\",\"error\":{\"code\":502}}]}".to_owned(),
            vec![json!({"error": {"code": 502}})],
        ),
        ("application/json", "{\"choices\":[{\"error\":null}]}".to_owned(), vec![]),
        // What models say about errors is none.
        (EVENTS, "data: {\"delta\":{\"content\":\"{\\\"error\\\": 1}\"}}\n\n".to_owned(), vec![]),
        (EVENTS, "data: {\"error\":null,\"output\":[]}\n\n".to_owned(), vec![]),
        (EVENTS, ": \"error\"\nid: \"error\"\ndata: {\"a\":{\"error\":1}}\n\n".to_owned(), vec![]),
        (EVENTS, "event: error\n\ndata: {\"a\":1}\n\n".to_owned(), vec![]),
        ("application/json", "{\"id\":1,\"error\":null}".to_owned(), vec![]),
        ("text/html", "{\"error\":1}".to_owned(), vec![]),
    ];
    for (kind, text, expected) in rows {
        let bytes = text.as_bytes();
        assert_eq!(seen(kind, &[bytes]), expected, "{text}");
        for size in [1, 2, 3, 7] {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(seen(kind, &pieces), expected, "{size}: {text}");
        }
    }
}

/// A message of a binary stream, with checksums that nobody looks at.
fn frame(headers: &[(&str, &str)], payload: &str) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(u8::try_from(name.len()).unwrap());
        head.extend_from_slice(name.as_bytes());
        head.push(7);
        head.extend_from_slice(&u16::try_from(value.len()).unwrap().to_be_bytes());
        head.extend_from_slice(value.as_bytes());
    }
    let length = u32::try_from(16 + head.len() + payload.len()).unwrap();
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend_from_slice(&u32::try_from(head.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(payload.as_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes
}

#[test]
fn exceptions_in_binary_streams_are_seen() {
    let event = frame(&[(":message-type", "event"), (":event-type", "chunk")], r#"{"error":1}"#);
    let long = frame(&[(":exception-type", "x")], &"y".repeat(LINE_BYTES_MAX));
    let exception = frame(
        &[(":message-type", "exception"), (":exception-type", "throttlingException")],
        r#"{"message":"slow"}"#,
    );
    let expected = json!({"type": "throttlingException", "error": {"message": "slow"}});
    let kind = "application/vnd.amazon.eventstream";
    for before in [vec![], event.clone(), [event.clone(), long].concat()] {
        let bytes = [before, exception.clone(), event.clone()].concat();
        for size in [1, 5, 64, 4096, bytes.len()] {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            assert_eq!(seen(kind, &pieces), std::slice::from_ref(&expected), "{size}");
        }
    }
    assert_eq!(seen(kind, &[&event]), [] as [Value; 0]);
    // Lengths that lie.
    for bytes in [[0; 40].as_slice(), &[0xff; 40], b"not a frame at all, but text of some length"] {
        assert_eq!(seen(kind, &[bytes, bytes]), [] as [Value; 0]);
    }
}

#[test]
fn what_cannot_be_looked_into_passes() {
    let mut encoded = headers(EVENTS);
    encoded.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    assert!(Watch::over(&encoded).is_none());
    // A line that is too long is left out, and the next is read.
    let long = format!("data: \"{}\"\ndata: {{\"error\":1}}\n", "x".repeat(LINE_BYTES_MAX));
    let pieces: Vec<&[u8]> = long.as_bytes().chunks(1000).collect();
    assert_eq!(seen(EVENTS, &pieces), [json!({"error": 1})]);
    assert_eq!(seen("application/json", &[long.as_bytes()]), [] as [Value; 0]);
}

fn request(path: &str, kind: &'static str, body: &'static str) -> Request {
    Request {
        method: "POST".to_owned(),
        path_and_query: path.to_owned(),
        host: String::new(),
        version: "1.1",
        headers: headers(kind),
        body: Body::whole(body),
        peer: None,
        peer_trusted: false,
    }
}

#[test]
fn the_model_stands_in_the_body_or_in_the_path() {
    let rows = [
        ("/v1/chat/completions", r#"{"model":"gpt-4o"}"#, Some("gpt-4o")),
        ("/v1/chat/completions", "{}", None),
        (
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
            "{}",
            Some("gemini-2.5-pro"),
        ),
        ("/openai/deployments/mine/chat/completions", "{}", Some("mine")),
        ("/openai/deployments/mine/chat/completions", r#"{"model":"m"}"#, Some("mine")),
        (
            "/v1beta/models/gemini-2.5-pro:generateContent",
            r#"{"model":"m"}"#,
            Some("gemini-2.5-pro"),
        ),
        ("/v1/tunedModels/own:generateContent", r#"{"model":"m"}"#, Some("own")),
        ("/model/claude/converse", r#"{"model":"m"}"#, Some("claude")),
        ("/model/tell%20me%20all/converse", r#"{"model":"m"}"#, None),
        ("/v1/engines/davinci/completions", r#"{"model":"m"}"#, Some("davinci")),
        ("/openai/deployments//chat/completions", r#"{"model":"m"}"#, None),
        ("/serving-endpoints/mine/invocations", "{}", Some("mine")),
        // What only looks like it: the body says.
        ("/ml/v1/text/chat", r#"{"model_id":"ibm/granite"}"#, Some("ibm/granite")),
        ("/v1/chat/completions", r#"{"model_id":"a","model":"m"}"#, Some("m")),
        ("/models/chat/completions", r#"{"model":"m"}"#, Some("m")),
        ("/models/chat/completions", "{}", None),
        ("/v1/models/gpt-4o", r#"{"model":"m"}"#, Some("m")),
        ("/deployments", r#"{"model":"m"}"#, Some("m")),
        ("/deployments/mine", r#"{"model":"m"}"#, Some("m")),
        ("/model/anthropic.claude-v2%3A1/invoke", "{}", Some("anthropic.claude-v2:1")),
        ("/model/anthropic.claude-v2:1/invoke", "{}", Some("anthropic.claude-v2:1")),
        ("/model/tell%20me%20all/invoke", "{}", None),
        ("/v1/models", "{}", None),
    ];
    for (path, body, expected) in rows {
        let found = model(&request(path, "application/json", body));
        let is_in_path = found.as_ref().is_some_and(|model| model.segment.is_some());
        let in_body = expected.is_some_and(|name| body.contains(&format!("\"{name}\"")));
        assert_eq!(is_in_path, expected.is_some() && !in_body, "{path} {body}");
        assert_eq!(found.map(|model| model.name).as_deref(), expected, "{path} {body}");
    }
}

#[test]
fn a_rule_that_cannot_be_evaluated_does_not_hold() {
    let rule = |path: &str, expected: Expected| RejectionRule {
        id: "r".to_owned(),
        when: When {
            body: vec![(crate::redact::JsonPath::new(path).unwrap(), expected)],
            ..When::default()
        },
        action: "a.b".to_owned(),
        outcome: crate::record::Outcome::Denied,
        severity: crate::record::Severity::Warn,
    };
    let deep = format!("{}1{}", "[".repeat(40), "]".repeat(40));
    for body in ["not json", "", "{\"error\":", deep.as_str()] {
        let response = Response {
            status: 429,
            headers: headers("application/json"),
            body: Body::whole(body.to_owned()),
            release: Release::Held,
        };
        let holds =
            |rule: &RejectionRule| Answer::read("/", &response, |answer| rule.holds(answer));
        assert!(!holds(&rule("$.error.code", Expected::Present)), "{body}");
        assert!(holds(&rule("$.error.code", Expected::Absent)), "{body}");
    }
}

#[test]
fn a_code_alone_is_told_if_the_rule_names_it() {
    let patterns = ["*budget_exceeded", "quota_*"].map(TextPattern::new).to_vec();
    let rule = RejectionRule {
        id: "r".to_owned(),
        when: When {
            body: vec![(
                crate::redact::JsonPath::new("$..['code', 'error']").unwrap(),
                Expected::AnyOf(patterns),
            )],
            ..When::default()
        },
        action: "a.b".to_owned(),
        outcome: crate::record::Outcome::Denied,
        severity: crate::record::Severity::Warn,
    };
    for (body, expected) in [
        (json!({"error": "budget_exceeded"}), Some("budget_exceeded")),
        // What a star stands for is anybody's.
        (json!({"error": "quota_zebra"}), None),
        (json!({"error": "zebra_budget_exceeded"}), None),
        (json!({"error": "zebra", "code": "budget_exceeded"}), None),
        (json!({"error": {"code": "budget_exceeded"}}), None),
        (json!({"code": "budget_exceeded"}), None),
    ] {
        let response = Response {
            status: 429,
            headers: headers("application/json"),
            body: Body::whole(body.to_string()),
            release: Release::Held,
        };
        let code = Answer::read("/", &response, |answer| rule.code(answer));
        assert_eq!(code.as_deref(), expected, "{body}");
    }
}

proptest! {
    #[test]
    fn nothing_panics(
        kind in prop_oneof![Just(EVENTS), Just("application/json"), Just("application/x-ndjson"), Just("application/vnd.amazon.eventstream")],
        pieces in prop::collection::vec(
            prop_oneof![
                Just(b"data: {\"error\":1}\n".to_vec()), Just(b"event: error\n".to_vec()),
                Just(b"\r\n".to_vec()), prop::collection::vec(any::<u8>(), 0..40),
            ],
            0..12,
        ),
        text in "\\PC{0,30}",
        pattern in "[a-z*é]{0,8}",
    ) {
        let mut watch = Watch::over(&headers(kind)).unwrap();
        let errors = pieces.iter().filter_map(|piece| watch.passed(piece)).count();
        prop_assert!(errors + usize::from(watch.ended().is_some()) <= 1);
        TextPattern::new(&pattern).matches(&text);
        if let Ok(value) = HeaderValue::from_str(&text) {
            let name = HeaderName::from_static("x-x");
            let headers = HeaderMap::from_iter([(name, value)]);
            let response = Response { status: 400, headers, body: Body::whole(pieces.concat()), release: Release::Held };
            Answer::read(&text, &response, |answer| Rejections::default().find(answer).is_none());
        }
    }
}
