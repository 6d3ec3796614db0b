//! Secrets that are found by what they look like, in every carrier of text.

use serde_json::json;

use super::*;

/// A token of GitHub's form that nobody issued.
const TOKEN: &str = "ghp_0123456789abcdefghijABCDEFGHIJ012345";

fn shown() -> String {
    fingerprint(TOKEN)
}

#[test]
fn values_names_and_numbers_of_bodies() {
    let body = json!({
        "note": format!("use {TOKEN} until Friday"),
        "list": [TOKEN, {"deep": format!("x{TOKEN}")}],
        TOKEN: 1,
        "nested": format!("{{\"a\": \"{TOKEN}\"}}"),
        "other": "ghp_short",
    });
    let record = record("/", &[JSON], body.to_string().as_bytes());
    let expected = json!({
        "note": format!("use {} until Friday", shown()),
        "list": [shown(), {"deep": format!("x{}", shown())}],
        shown(): 1,
        "nested": format!("{{\"a\":\"{}\"}}", shown()),
        "other": "ghp_short",
    });
    assert_eq!(record.body.map(|body| body.value()), Some(expected));
    assert_eq!(
        record.receipts,
        [
            receipt("token.github.token", "request.body.$", 1),
            receipt("token.github.token", "request.body.$.list[*]", 1),
            receipt("token.github.token", "request.body.$.list[*].deep", 1),
            receipt("token.github.token", "request.body.$.nested.a", 1),
            receipt("token.github.token", "request.body.$.note", 1),
        ]
    );
}

/// Target, header fields, body.
type Carried = (String, Vec<(&'static str, String)>, String);

#[test]
fn every_carrier() {
    let encoded = TOKEN.replace('_', "%5f");
    let rows: [Carried; 12] = [
        (format!("/x/{TOKEN}/y"), vec![], String::new()),
        (format!("/x/{encoded}/y"), vec![], String::new()),
        (format!("/x;v={TOKEN}/y"), vec![], String::new()),
        (format!("/x?q=is+{TOKEN}"), vec![], String::new()),
        (format!("/x?q={encoded}&{TOKEN}=1&{encoded}"), vec![], String::new()),
        ("/".to_owned(), vec![("x-note", format!("see {TOKEN}"))], String::new()),
        ("/".to_owned(), vec![("cookie", format!("{TOKEN}=1; a={TOKEN}"))], String::new()),
        ("/".to_owned(), vec![("cookie", format!("{TOKEN}="))], String::new()),
        ("/".to_owned(), vec![("content-type", format!("application/{TOKEN}"))], "{}".to_owned()),
        ("/".to_owned(), vec![("referer", format!("https://h/{TOKEN}"))], String::new()),
        ("/".to_owned(), vec![("user-agent", format!("cli ({TOKEN})"))], String::new()),
        (
            "/".to_owned(),
            vec![(FORM.0, FORM.1.to_owned())],
            format!("a={encoded}&b=x{TOKEN}&{TOKEN}=1"),
        ),
    ];
    for (target, fields, body) in rows {
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut request = request(&target, &fields, body.as_bytes());
        request.method = format!("POST{TOKEN}");
        request.host = format!("{TOKEN}.example.com");
        let mut seen = Seen::default();
        let record = engine().request(&request, Detail::WithBody, &mut seen).into_inner();
        let text = stored(&record);
        assert!(!text.contains("0123456789abc"), "{target} {fields:?} {body}: {text}");
        assert!(!record.receipts.is_empty());
        let beside = engine().text(&format!("agent {TOKEN}"), &Seen::default());
        assert_eq!(beside.get(), &format!("agent {}", shown()));
    }
}

#[test]
fn what_is_found_in_a_request_is_removed_from_its_response() {
    let (_, answer) = exchange(
        &request("/", &[JSON], json!({"note": TOKEN}).to_string().as_bytes()),
        &response(
            &[JSON],
            json!({"error": format!("no such key: x{TOKEN}x")}).to_string().as_bytes(),
        ),
    );
    assert!(!stored_response(&answer).contains("0123456789abc"), "{}", stored_response(&answer));
}

pub(super) fn engine_of(yaml: &str) -> Engine {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.yaml"), yaml).unwrap();
    let rules = crate::rules::load(Some(dir.path()), &[]);
    let rules = rules.unwrap_or_else(|problems| panic!("{problems}"));
    Engine::new(rules.redaction(), FingerprintKey::new(&[7; 32]))
}

fn bodies(engine: &Engine, target: &str, body: &Value) -> (Option<Value>, Option<Value>) {
    let mut seen = Seen::default();
    let text = body.to_string();
    let request =
        engine.request(&request(target, &[JSON], text.as_bytes()), Detail::WithBody, &mut seen);
    let response =
        engine.response(&response(&[JSON], text.as_bytes()), Detail::WithBody, &mut seen);
    (
        request.into_inner().body.map(|body| body.value()),
        response.into_inner().body.map(|body| body.value()),
    )
}

#[test]
fn of_a_list_of_secrets_each_has_its_fingerprint() {
    let engine = engine_of(
        "redact:\n- {id: k, keys: [codes], do: fingerprint}\n- {id: d, keys: [pins], do: drop}\n",
    );
    let (one, other) = ("a1b2c3d4e5f60718", "18f7e6d5c4b3a291");
    let key = FingerprintKey::new(&[7; 32]);
    let shown = |text: &str| json!({"redacted": "k", "fingerprint": key.fingerprint("secret", text.as_bytes())});
    let many = vec![one; 33];
    for (body, expected) in [
        (json!({"codes": [one, other]}), json!({"codes": [shown(one), shown(other)]})),
        (json!({"codes": [one, "x"]}), json!({"codes": [shown(one), {"redacted": "k"}]})),
        (json!({"codes": []}), json!({"codes": {"redacted": "k"}})),
        (json!({"codes": [one, 7]}), json!({"codes": {"redacted": "k"}})),
        (json!({"codes": many}), json!({"codes": {"redacted": "k"}})),
        (json!({"pins": [one, other]}), json!({"pins": {"redacted": "d"}})),
        // What was in the list is looked for elsewhere.
        (
            json!({"codes": [one], "note": format!("is {one}")}),
            json!({"codes": [shown(one)], "note": "is ***"}),
        ),
    ] {
        let (found, _) = bodies(&engine, "/", &body);
        let found = found.map(|found| match body.get("note") {
            Some(_) => json!({"codes": found["codes"], "note": if found["note"].to_string().contains(one) { "in clear" } else { "is ***" }}),
            None => found,
        });
        assert_eq!(found, Some(expected), "{body}");
    }
}

#[test]
fn actions_inside_of_texts() {
    let engine = engine_of(
        "redact:\n\
         - {id: f, pattern: 'fff-[a-z0-9]+', do: fingerprint}\n\
         - {id: e, pattern: 'eee-[a-z0-9]+', do: {keep_ends: {first: 5, last: 2}}}\n\
         - {id: d, pattern: 'ddd-(?<secret>[a-z0-9]+)', do: drop}\n\
         - {id: m, pattern: 'mmm-[a-z0-9]+', in: [response], do: mask}\n\
         - {id: k, keys: [k], do: {keep_ends: {first: 2, last: 2}}}\n\
         - {id: n, pattern: '\\b[0-9]{16}\\b', everywhere: no fixed part, validate: [luhn], do: mask}\n",
    );
    let body = json!({
        "a": "fff-abcdefgh, eee-0123456789abcdefgh. ddd-x mmm-1",
        "b": "eee-0123", "k": "0123456789abcdef", "c": 4111111111111111_u64, "d": 4111111111111112_u64,
        "e": {"k": "short"},
    });
    let found = fingerprint("fff-abcdefgh");
    let expected = |last: &str| {
        json!({
            "a": format!("{found}, eee-0…gh. ddd-*** {last}"),
            "b": "***", "k": {"redacted": "k", "ends": "01…ef"}, "c": "***", "d": 4111111111111112_u64,
            "e": {"k": {"redacted": "k"}},
        })
    };
    assert_eq!(bodies(&engine, "/", &body), (Some(expected("mmm-1")), Some(expected("***"))));
    let (again, _) = bodies(&engine, "/", &expected("mmm-1"));
    assert_eq!(again, Some(expected("mmm-1")));
}

#[test]
fn overlapping_finds_show_what_the_stricter_rule_does() {
    let engine = engine_of(
        "redact:\n\
         - {id: f, pattern: 'tok-[a-z0-9]+', do: fingerprint}\n\
         - {id: m, pattern: '(?i)key: (?<secret>\\S+)', do: mask}\n\
         - {id: g, pattern: 'sec:(?<secret>\\S+)', do: fingerprint}\n",
    );
    let tok = fingerprint("tok-abcdefgh");
    let body = json!(["key: tok-abcdefgh", "key: xtok-abcdefgh!", "sec:tok-abcdefgh"]);
    let (shown, _) = bodies(&engine, "/", &body);
    assert_eq!(shown, Some(json!(["key: ***", "key: ***", format!("sec:{tok}")])));
}

#[test]
fn what_only_looks_redacted_is_redacted() {
    let rows = [
        ("password: ***hunter2", "password: ***"),
        ("password: hmac:0123456789abcdefhunter2", "password: ***"),
        ("password: ***", "password: ***"),
        ("password: ***, then", "password: ***, then"),
        ("password: hmac:0123456789abcdef.", "password: hmac:0123456789abcdef."),
    ];
    for (text, expected) in rows {
        let shown = engine().text(text, &Seen::default()).into_inner();
        assert_eq!(shown, expected, "{text}");
    }
}

#[test]
fn rules_below_paths() {
    let engine = engine_of(
        "redact:\n\
         - {id: a, keys: [value], under: ['**/api-keys', '/v1/*/tokens/*'], do: drop}\n\
         - {id: b, bare_body: true, under: ['**/password'], in: [request], do: drop}\n\
         - {id: c, pattern: 'xyz-[0-9]+', under: ['**/api-keys'], do: drop}\n",
    );
    let body = json!({"value": "xyz-1"});
    let dropped = json!({"value": {"redacted": "a"}});
    let rows = [
        ("/api/apiKeys", true),
        ("/api/Api%2DKeys/", true),
        ("/api/api_keys;v=1?x", true),
        ("/api/api-keys/5", true),
        ("/v1/users/tokens", false),
        ("/v1/users/tokens/5", true),
        ("/v1/users/tokens/5/rotate", false),
        ("/v1/tokens", false),
        ("/", false),
    ];
    for (target, holds) in rows {
        let expected = if holds { &dropped } else { &body };
        assert_eq!(
            bodies(&engine, target, &body),
            (Some(expected.clone()), Some(expected.clone())),
            "{target}"
        );
    }
    let text = json!({"x": "xyz-1"});
    assert_eq!(bodies(&engine, "/api-keys", &text).0, Some(json!({"x": "***"})));
    assert_eq!(bodies(&engine, "/", &text).0, Some(text));
    let bare = json!("hunter2");
    let dropped = json!({"redacted": "b"});
    assert_eq!(
        bodies(&engine, "/users/5/password", &bare),
        (Some(dropped.clone()), Some(json!("***")))
    );
    assert_eq!(bodies(&engine, "/users/5/password", &json!(123456)).0, Some(dropped));
    assert_eq!(bodies(&engine, "/users/5/name", &bare).0, Some(bare));
}

#[test]
fn conditions_on_values() {
    let engine = engine_of(
        "redact:\n\
         - {id: a, keys: [seed], query: [q], segments: [reset], value: '[a-z0-9]{8,}', validate: [mixed], do: drop}\n",
    );
    let body = json!([
        {"seed": "abcd1234"}, {"seed": "abcdefgh"}, {"seed": 12345678}, {"seed": ["zyxw1234x"]},
        {"name": "seed", "value": "qwer1234"}, {"name": "seed", "value": "no"},
    ]);
    let dropped = json!({"redacted": "a"});
    let expected = json!([
        {"seed": dropped}, {"seed": "abcdefgh"}, {"seed": 12345678}, {"seed": [dropped]},
        {"name": "seed", "value": dropped}, {"name": "seed", "value": "no"},
    ]);
    assert_eq!(bodies(&engine, "/", &body).0, Some(expected));
    let mut seen = Seen::default();
    let request =
        request("/reset/abcd1235/reset/short?q=zxcv1234&x=https://h/%3Fseed=asdf1234", &[], b"");
    let record = engine.request(&request, Detail::WithBody, &mut seen).into_inner();
    assert_eq!(record.path, "/reset/***/reset/short");
    assert_eq!(
        record.query.map(|query| query.value()),
        Some(json!({"q": {"redacted": "a"}, "x": "https://h/?seed=***"}))
    );
}

#[test]
fn a_text_that_cannot_be_searched_is_dropped() {
    let engine = engine_of("redact:\n- {id: a, pattern: 'tok-[a-z]+', do: fingerprint}\n");
    let long = format!("tok-{}", "x".repeat(9000));
    let nested = json!({"inner": long}).to_string();
    let body = json!({"a": long, "b": "tok-abcdefgh", "c": nested, long.clone(): 1}).to_string();
    let mut seen = Seen::default();
    let request = request("/", &[JSON], body.as_bytes());
    let record = engine.request(&request, Detail::WithBody, &mut seen).into_inner();
    let text = stored(&record);
    assert!(!text.contains("xxxx"), "{}", text.len());
    assert_eq!(record.notes, ["pattern_limit"]);
    assert_eq!(record.body.unwrap().value()["b"], json!(fingerprint("tok-abcdefgh")));
    assert!(record.receipts.contains(&receipt("text.unsearched", "request.body.$.a", 1)));
}

#[test]
fn a_part_that_looks_like_a_secret_does_not_hide_the_rest_of_it() {
    // The password holds a space, so that what is found after `password:` is a part of it.
    let secret = "c0rrect horse battery";
    for body in [
        json!({"a": format!("password: {secret}"), "password": secret}),
        json!({"password": secret, "a": format!("password: {secret}")}),
        json!({"a": format!("?pw=c0rrect horse battery&x=https://u:{secret}@h/"), "password": secret}),
        json!({"a": format!("{{\"b\": \"password: {secret}\"}}"), "password": secret}),
    ] {
        let answer = json!({"error": format!("wrong password: {secret}!")});
        let (request, response) = exchange(
            &request("/", &[JSON], body.to_string().as_bytes()),
            &response(&[JSON], answer.to_string().as_bytes()),
        );
        for text in [stored(&request), stored_response(&response)] {
            assert!(!text.contains("horse") && !text.contains("battery"), "{text}");
        }
    }
    let mut seen = Seen::default();
    seen.add(secret, 0, seen::Weight::Everywhere);
    let beside = engine().text(&format!("agent password: {secret}"), &seen);
    assert_eq!(beside.get(), "agent password: ***");
}

/// Target, header fields, body of the request, body of the response, what must not be recorded.
type Leak = (&'static str, (&'static str, &'static str), Value, Value, &'static str);

#[test]
fn names_that_mean_a_secret_at_some_places() {
    let none = ("x-none", "1");
    let rows: [Leak; 32] = [
        ("/api-keys", none, json!({}), json!({"id": "key_1", "key": "q7Rt2xZp0Lm4"}), "q7Rt2x"),
        ("/api/v1/tokens", none, json!({}), json!({"value": "q7rt2xzp0lm4"}), "q7rt2x"),
        ("/tokens", none, json!({}), json!("q7rt2xzp0lm4"), "q7rt2x"),
        ("/tokens", none, json!({}), json!({"id": "00112233445566778899aabbccddeeff"}), "00112233"),
        (
            "/sessions",
            none,
            json!({}),
            json!({"id": "0f8fad5b-d9cb-469f-a165-70867728950e"}),
            "0f8fad5b",
        ),
        ("/v1/secrets/db", none, json!({"value": "x1"}), json!({"data": {"a": "q7Rt"}}), "q7Rt"),
        ("/secrets/db", none, json!("tiny1"), json!({}), "tiny1"),
        (
            "/me/password",
            none,
            json!({"current": "hunter2", "new": "h", "confirm": "h"}),
            json!({}),
            "hunter2",
        ),
        ("/me/change_password", none, json!({"old": 123_456}), json!({}), "123456"),
        ("/users/5/password", none, json!("hunter2"), json!({}), "hunter2"),
        ("/mfa/verify", none, json!({"code": "987654"}), json!({}), "987654"),
        ("/mfa/verify", none, json!({"code": 987_654}), json!({}), "987654"),
        ("/", none, json!({"session": "q7Rt2xZp0Lm4Vb9K"}), json!({}), "q7Rt2x"),
        ("/", none, json!({"sid": "q7Rt2xZp0Lm4Vb9K"}), json!({}), "q7Rt2x"),
        (
            "/",
            none,
            json!({"csrf_token": "q7Rt2xZp", "_csrf": "q7Rt2xZp0Lm4Vb9K"}),
            json!({}),
            "q7Rt2x",
        ),
        ("/", none, json!({"xsrf": "q7Rt2xZp0Lm4Vb9K"}), json!({}), "q7Rt2x"),
        ("/", none, json!({"auth": "ada:hunter2"}), json!({}), "hunter2"),
        ("/", none, json!({"psw": "hunter2", "userpw": "hunter2"}), json!({}), "hunter2"),
        (
            "/users/5",
            none,
            json!({"hash": "00112233445566778899aabbccddeeff"}),
            json!({}),
            "00112233",
        ),
        ("/", none, json!({"seed": "JBSWY3DPEHPK3PXP"}), json!({}), "JBSWY3"),
        ("/", ("cookie2", "q7Rt2xZp0Lm4"), json!({}), json!({}), "q7Rt2x"),
        ("/", ("x-session-key", "q7Rt2xZp0Lm4"), json!({}), json!({}), "q7Rt2x"),
        ("/", ("x-jwt-assertion", "q7Rt2xZp0Lm4"), json!({}), json!({}), "q7Rt2x"),
        ("/", ("signature", "sig1=:q7Rt2xZp0Lm4:"), json!({}), json!({}), "q7Rt2x"),
        (
            "/",
            ("sec-websocket-protocol", "bearer, q7Rt2xZp0Lm4Vb9Kx1y2"),
            json!({}),
            json!({}),
            "q7Rt2x",
        ),
        ("/", ("x-anything", "Bearer hunters-word"), json!({}), json!({}), "hunters"),
        ("/", ("x-anything", "Basic YWRhOmxvdmVsYWNl"), json!({}), json!({}), "YWRhOm"),
        ("/", ("x-anything", "Token q7Rt2xZp0Lm4Vb9K"), json!({}), json!({}), "q7Rt2x"),
        ("/tokens/q7Rt2xZp0Lm4Vb9K/revoke", none, json!({}), json!({}), "q7Rt2x"),
        ("/reset/q7rt2xzp", none, json!({}), json!({}), "q7rt2x"),
        ("/invite/0f8fad5b-d9cb-469f-a165-70867728950e", none, json!({}), json!({}), "0f8fad5b"),
        ("/verify/123456", none, json!({}), json!({}), "123456"),
    ];
    for (target, field, sent, answered, secret) in rows {
        let (request, response) = exchange(
            &request(target, &[JSON, field], sent.to_string().as_bytes()),
            &response(&[JSON], answered.to_string().as_bytes()),
        );
        let text = format!("{}{}", stored(&request), stored_response(&response));
        assert!(!text.contains(secret), "{target} {field:?}: {text}");
    }
}

#[test]
fn tokens_among_names_of_subprotocols() {
    const NAME: &str = "sec-websocket-protocol";
    let rows: [(&[&str], &str, &str); 12] = [
        (&["access_token, 9c1fTokQQ7aazx81PPq"], "9c1fTok", "access_token, "),
        (&["Bearer,fe4207663fc56d8d"], "fe42", "Bearer,"),
        (&["authorization, ann-2024-Passphrase, mqtt"], "ann-2024", ", mqtt"),
        (&["token, 4111222233334444"], "41112222", "token, "),
        (&["token", "sess_9f3a7c21be04"], "9f3a7c", "token, "),
        (&["authorization, Bearer, plainwords"], "plainwords", "authorization, Bearer, "),
        (&["graphql-ws, Yhc8rgyrWYCXK5fD"], "Yhc8rg", "graphql-ws, "),
        (&["bearer.ann-2024-Passphrase, v1.acme.chat"], "ann-2024", ", v1.acme.chat"),
        (
            &["base64url.bearer.authorization.k8s.io.ZmU0MjA3NjYzZmM1NmQ4ZA, base64.binary.k8s.io"],
            "ZmU0",
            "base64url.bearer.authorization.k8s.io.",
        ),
        (
            &["realtime, openai-insecure-api-key.ek-7Rt2xZp0Lm4, openai-beta.realtime-v1"],
            "7Rt2x",
            "realtime, openai-insecure-api-key.",
        ),
        (&["0f8fad5b-d9cb-469f-a165-70867728950e"], "0f8fad5b", ""),
        (&["mqtt, Bearer%20q7Rt2xZp0Lm4Vb9K"], "q7Rt2x", "mqtt, "),
    ];
    for (lines, secret, stays) in rows {
        let fields: Vec<_> = lines.iter().map(|line| (NAME, *line)).collect();
        let record = record("/live", &fields, b"");
        let text = serde_json::to_string(&record.headers).unwrap();
        assert!(!text.contains(secret) && text.contains(stays), "{lines:?}: {text}");
        assert!(!record.receipts.is_empty(), "{lines:?}");
    }
    for names in [
        "graphql-transport-ws",
        "graphql-ws, graphql-transport-ws",
        "mqtt",
        "v4.channel.k8s.io, v5.channel.k8s.io",
        "base64.binary.k8s.io",
        "v1.acme.chat",
        "v1.token.acme.chat",
        "access_token",
    ] {
        let record = record("/live", &[(NAME, names)], b"");
        let text = serde_json::to_string(&record.headers).unwrap();
        assert!(text.contains(&format!("\"{names}\"")), "{names}: {text}");
        assert_eq!(record.receipts, [], "{names}");
    }
}

#[test]
fn names_that_mean_no_secret_elsewhere() {
    let rows = [
        ("/tokens/42/revoke", json!({"id": 42, "name": "ci", "expires_at": "2026-01-01"})),
        ("/api-keys", json!({"id": "key_01HZXV4G7Q", "name": "production", "key": "production"})),
        ("/api-keys/0f8fad5b-d9cb-469f-a165-70867728950e", json!({"value": 5, "data": []})),
        (
            "/users/5",
            json!({"session": "active", "sid": "5", "auth": "required", "hash": "sha256"}),
        ),
        ("/models", json!({"seed": 42, "hash": "00112233445566778899aabbccddeeff", "d": 1.5})),
        (
            "/commits",
            json!({"hash": "4f2a91b", "new": "a", "old": "b", "current": 3, "value": "x y"}),
        ),
        ("/users/5/verify", json!({"answer": "all is well, and has been for a long time"})),
        ("/clients/5", json!({"data": "abc12345", "ticket": "https://t.example.com/OPS-1834"})),
        ("/calls", json!({"account_sid": "AC00112233445566778899aabbccddeeff"})),
        ("/settings", json!({"csrf": true, "session": {"timeout": 30}, "auth": {"kind": "oidc"}})),
    ];
    for (target, body) in rows {
        let fields = [JSON, ("sec-websocket-protocol", "graphql-ws"), ("x-plan", "Basic premium")];
        let record = record(target, &fields, body.to_string().as_bytes());
        assert_eq!(record.body.map(|body| body.value()), Some(body), "{target}");
        assert_eq!(record.path, target);
        assert_eq!(record.receipts, [], "{target}");
    }
}
