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
    assert_eq!(record.body, Some(expected));
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

fn engine_of(yaml: &str) -> Engine {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.yaml"), yaml).unwrap();
    let rules = crate::rules::load(Some(dir.path()), false);
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
    (request.into_inner().body, response.into_inner().body)
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
fn rules_below_paths() {
    let engine = engine_of(
        "redact:\n\
         - {id: a, keys: [value], under: ['**/api-keys', '/v1/*/tokens/**'], do: drop}\n\
         - {id: b, bare_body: true, under: ['**/password'], in: [request], do: drop}\n\
         - {id: c, pattern: 'xyz-[0-9]+', under: ['**/api-keys'], do: drop}\n",
    );
    let body = json!({"value": "xyz-1"});
    let dropped = json!({"value": {"redacted": "a"}});
    let rows = [
        ("/api/apiKeys", true),
        ("/api/Api%2DKeys/", true),
        ("/api/api_keys;v=1?x", true),
        ("/api/api-keys/5", false),
        ("/v1/users/tokens", true),
        ("/v1/users/tokens/5/rotate", true),
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
        {"seed": dropped}, {"seed": "abcdefgh"}, {"seed": 12345678}, {"seed": ["zyxw1234x"]},
        {"name": "seed", "value": dropped}, {"name": "seed", "value": "no"},
    ]);
    assert_eq!(bodies(&engine, "/", &body).0, Some(expected));
    let mut seen = Seen::default();
    let request =
        request("/reset/abcd1235/reset/short?q=zxcv1234&x=https://h/%3Fseed=asdf1234", &[], b"");
    let record = engine.request(&request, Detail::WithBody, &mut seen).into_inner();
    assert_eq!(record.path, "/reset/***/reset/short");
    assert_eq!(record.query, Some(json!({"q": {"redacted": "a"}, "x": "https://h/?seed=***"})));
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
    assert_eq!(record.body.unwrap()["b"], json!(fingerprint("tok-abcdefgh")));
    assert!(record.receipts.contains(&receipt("text.unsearched", "request.body.$.a", 1)));
}
