//! Paths into bodies, exceptions by every selector, and recording only what is listed.

use proptest::prelude::*;

use super::contents::engine_of;
use super::properties::any_json;
use super::*;

/// What is recorded of a request of this type under the rules.
fn recorded(engine: &Engine, target: &str, media_type: &str, body: &str) -> RequestRecord {
    let request = request(target, &[("content-type", media_type)], body.as_bytes());
    engine.request(&request, Detail::WithBody, &mut Seen::default()).into_inner()
}

fn body_of(engine: &Engine, media_type: &str, body: &str) -> Value {
    recorded(engine, "/", media_type, body).body.unwrap().value()
}

#[test]
fn paths_hold_in_every_format() {
    let engine = engine_of("redact:\n- {id: p, path: [$.a.x, '$..deep', '$[*].col'], do: drop}\n");
    let dropped = json!({"redacted": "p"});
    let part = "--b\r\nContent-Disposition: form-data; name=";
    let rows = [
        (
            "application/json",
            r#"{"a":{"x":"s1","y":1},"x":2}"#.to_owned(),
            json!({"a": {"x": dropped, "y": 1}, "x": 2}),
        ),
        (
            "application/yaml",
            "a:\n  x: s1\n  y: 1\n".to_owned(),
            json!({"a": {"x": dropped, "y": 1}}),
        ),
        (
            "application/toml",
            "[a]\nx = 's1'\ny = 1\n".to_owned(),
            json!({"a": {"x": dropped, "y": 1}}),
        ),
        (
            "application/xml",
            "<r><deep>s1</deep><y>1</y></r>".to_owned(),
            json!({"r": {"deep": dropped, "y": "1"}}),
        ),
        (
            "application/x-www-form-urlencoded",
            "deep=s1&y=1".to_owned(),
            json!({"deep": dropped, "y": "1"}),
        ),
        (
            "text/csv",
            "col,y\ns1,1\ns2,2\n".to_owned(),
            json!([{"col": dropped, "y": "1"}, {"col": dropped, "y": "2"}]),
        ),
        (
            "multipart/form-data; boundary=b",
            format!("{part}deep\r\n\r\ns1\r\n{part}y\r\n\r\n1\r\n--b--\r\n"),
            json!({"deep": dropped, "y": "1"}),
        ),
    ];
    for (media_type, text, expected) in rows {
        assert_eq!(body_of(&engine, media_type, &text), expected, "{media_type}");
    }
}

#[test]
fn paths_hold_in_each_document_of_a_list_of_them() {
    let engine = engine_of(
        "redact:\n\
         - {id: c, path: '$.choices[*].delta.content', do: drop}\n\
         - {id: w, path: '$[0].whole', do: mask}\n\
         - {id: d, path: '$[*].data.of', do: mask}\n",
    );
    let c = json!({"redacted": "c"});
    let line = r#"{"choices":[{"delta":{"content":"x"}}],"n":1}"#;
    let lines = format!("{line}\n{{\"whole\":1}}\n{line}\n");
    let expected = json!([{"choices": [{"delta": {"content": c}}], "n": 1}, {"whole": 1},
        {"choices": [{"delta": {"content": c}}], "n": 1}]);
    for media_type in ["application/x-ndjson", "application/json", "application/json-seq"] {
        assert_eq!(body_of(&engine, media_type, &lines), expected, "{media_type}");
    }
    let events =
        format!("event: x\ndata: {line}\n\ndata: {{\"of\":1}}\n\nid: 7\n\ndata: [DONE]\n\n");
    let expected = json!([{"event": "x", "data": {"choices": [{"delta": {"content": c}}], "n": 1}},
        {"data": {"of": "***"}}, {"id": "7"}, {"data": "[DONE]"}]);
    assert_eq!(body_of(&engine, "text/event-stream", &events), expected);
    // A list of one document is one document.
    let list = format!("[{line}]");
    assert_eq!(
        body_of(&engine, "application/json", &list),
        serde_json::from_str::<Value>(&list).unwrap()
    );
    let first = r#"[{"whole":"x"}]"#;
    assert_eq!(body_of(&engine, "application/json", first), json!([{"whole": "***"}]));
}

#[test]
fn paths_select_values_of_every_kind_and_the_strictest_rule_counts() {
    let engine = engine_of(
        "redact:\n\
         - {id: s, path: '$.s', do: summarize}\n\
         - {id: f, path: '$.f', do: fingerprint}\n\
         - {id: d, path: ['$.both', '$.d[*]', '$.n.*'], do: drop}\n\
         - {id: k, keys: [both, kept], do: mask}\n\
         - {id: v, path: '$.v[*]', value: '[0-9]{4}', do: mask}\n\
         - {id: r, in: [response], path: $.r, do: mask}\n\
         - {id: u, under: [/a/*], path: $.u, do: mask}\n\
         keep:\n- {path: ['$.keep.both', $.d]}\n",
    );
    let d = json!({"redacted": "d"});
    let body = json!({
        "s": "four", "f": "0123456789abcdef", "both": "x", "d": [1, "x", null, true, {"x": 1}, [1]],
        "v": ["1234", 5678, "12345", true, {"x": "1234"}], "r": 1, "u": 1, "n": {"password": "p"},
        "keep": {"both": "stays", "x": {"both": "goes"}}, "kept": 1,
    });
    let expected = json!({
        "s": {"redacted": "s", "chars": 4},
        "f": {"redacted": "f", "fingerprint": fingerprint("0123456789abcdef")},
        "both": d, "d": [d, d, d, d, d, d], "v": ["***", "***", "12345", true, {"x": "1234"}],
        "r": 1, "u": 1, "n": {"password": d},
        "keep": {"both": "stays", "x": {"both": "***"}}, "kept": "***",
    });
    assert_eq!(body_of(&engine, "application/json", &body.to_string()), expected);
    let record = recorded(&engine, "/a/b", "application/json", r#"{"u":1}"#);
    assert_eq!(record.body.unwrap(), json!({"u": "***"}));
    assert_eq!(record.receipts, [receipt("u", "request.body.$.u", 1)]);
    // The whole document, and members of one name.
    let engine = engine_of("redact:\n- {id: p, path: [$, $.a], do: summarize}\n");
    assert_eq!(body_of(&engine, "application/json", "[1,2]"), json!({"redacted": "p", "items": 2}));
    assert_eq!(body_of(&engine, "text/plain", "text"), json!({"redacted": "p", "chars": 4}));
    let engine = engine_of("redact:\n- {id: p, path: $.a, do: mask}\n");
    let record = recorded(&engine, "/", "application/json", r#"{"a":1,"b":2,"a":3}"#);
    assert_eq!(record.body.unwrap(), json!({"a": ["***", "***"], "b": 2}));
}

#[test]
fn what_a_path_selects_is_removed_where_it_comes_back() {
    let engine = engine_of(
        "redact:\n- {id: p, path: '$.items[?@.kind == \"Secret\"].data', do: drop}\n\
         - {id: s, path: $.prompt, do: summarize}\n- {id: k, keys: [password], do: drop}\n",
    );
    let body = json!({
        "items": [{"kind": "Secret", "data": {"x": "hidden-value-1"}}, {"kind": "Map", "data": {"x": "shown-value-1"}}],
        "prompt": {"text": "a long text", "password": "hidden-value-2"},
    });
    let mut seen = Seen::default();
    let request = request(
        "/x/hidden-value-1",
        &[JSON, ("x-note", "hidden-value-1")],
        body.to_string().as_bytes(),
    );
    let record = engine.request(&request, Detail::WithBody, &mut seen).into_inner();
    assert!(!stored(&record).contains("hidden"), "{}", stored(&record));
    assert!(stored(&record).contains("shown-value-1"));
    let answer = response(
        &[JSON],
        br#"{"error":"no hidden-value-1, hidden-value-2; shown-value-1; a long text"}"#,
    );
    let record = engine.response(&answer, Detail::WithBody, &mut seen).into_inner();
    // A summarised text is no secret, but what is one inside of it stays one.
    assert_eq!(record.body.unwrap(), json!({"error": "no ***, ***; shown-value-1; a long text"}));
}

#[test]
fn a_path_that_takes_too_much_work_leaves_metadata() {
    let engine = engine_of(
        "redact:\n- {id: p, path: '$..[?count($..*) > 1]', do: drop}\n- {id: k, keys: [password], do: drop}\n",
    );
    let body =
        json!({"a": vec![json!({"x": [1, 2]}); 3000], "password": "hidden-value-3"}).to_string();
    let mut seen = Seen::default();
    let record = engine.request(
        &request("/hidden-value-3", &[JSON], body.as_bytes()),
        Detail::WithBody,
        &mut seen,
    );
    let record = record.into_inner();
    assert_eq!(
        (record.body.as_ref(), record.notes.as_slice()),
        (None, &["path_limit".to_owned()][..])
    );
    assert_eq!((record.path.as_str(), record.unread), ("/***", Some("path_limit")));
    // It could repeat what was not found.
    let record = engine
        .response(&response(&[JSON], br#"{"a":1}"#), Detail::WithBody, &mut seen)
        .into_inner();
    assert_eq!(record.body, None);
    assert_eq!((record.notes, record.unread), (vec!["path_limit".to_owned()], Some("path_limit")));
    // The next exchange is none the worse.
    assert_eq!(body_of(&engine, "application/json", r#"{"a":1}"#), json!({"a": 1}));
}

#[test]
fn large_bodies_are_not_too_much_for_the_shipped_paths() {
    let flags: serde_json::Map<_, _> = (0..12_000).map(|n| (format!("f{n}"), json!(n))).collect();
    let texts: serde_json::Map<_, _> =
        (0..4000).map(|n| (format!("page.text-{n}"), json!(format!("Text {n}")))).collect();
    for body in [json!(flags), json!(texts), json!({"code": flags, "model": "m", "type": "x"})] {
        let record = record("/flags", &[JSON], body.to_string().as_bytes());
        assert_eq!(record.notes, Vec::<String>::new());
        assert_eq!(record.body.unwrap(), body);
    }
}

#[test]
fn exceptions_by_header_cookie_and_parameter() {
    let engine = engine_of(
        "redact:\n- {id: k, keys: ['*secret*'], headers: [x-own], cookies: ['*'], query: [q], do: mask}\n\
         keep:\n- {headers: [x-secret-kind, x-own]}\n- {cookies: [theme], query: [secret-count, q]}\n",
    );
    let fields = [
        JSON,
        ("x-secret-kind", "a"),
        ("x-secret", "b"),
        ("x-own", "c"),
        ("cookie", "theme=d; secret=e"),
    ];
    let body = br#"{"x-secret-kind":1,"theme_secret":2,"secret_count":3,"q":4}"#;
    let request = request("/?secret-count=7&secret=8&q=9&x_secret_kind=0", &fields, body);
    let record = engine.request(&request, Detail::WithBody, &mut Seen::default()).into_inner();
    let shown = |name: &str| record.headers.value()[name].as_str().unwrap().to_owned();
    assert_eq!(
        [shown("x-secret-kind"), shown("x-secret"), shown("x-own"), shown("cookie")],
        ["a", "***", "c", "theme=d; secret=***"]
    );
    assert_eq!(
        record.query.unwrap(),
        json!({"secret-count": "7", "secret": "***", "q": "9", "x_secret_kind": "***"})
    );
    assert_eq!(
        record.body.unwrap(),
        json!({"x-secret-kind": "***", "theme_secret": "***", "secret_count": "***", "q": 4})
    );
}

const ONLY: &str = "record_only:\n\
     - {id: only.people, under: [/people/**], keys: [id, status], headers: [x-tenant], cookies: [theme],\n  \
        query: [page], path: ['$.tags[0]', '$.open']}\n\
     redact:\n- {id: k, keys: [pin], do: drop}\n- {id: e, keys: [serial], do: {keep_ends: {first: 2, last: 2}}}\n\
     - {id: t, pattern: 'tok-[a-z0-9]{8,20}', do: mask}\n";

#[test]
fn only_what_is_listed_is_recorded() {
    let engine = engine_of(ONLY);
    let chars = |n: usize| json!({"redacted": "only.people", "chars": n});
    let kind = |kind: &str| json!({"redacted": "only.people", "type": kind});
    let body = json!({
        "id": 7, "status": {"code": "ok", "by": ["x", 1]}, "name": "Ada Lovelace", "age": 36, "vip": true,
        "spouse": null, "tags": ["first", "second"], "open": {"x": "y", "pin": 1}, "pin": 1234,
        "notes": [1, 2, 3], "empty": [], "none": {}, "list": [{"id": 1, "mail": "ada@example.com"}],
        "ada@example.com": {"id": 2, "x": 1}, "serial": "0123456789abcdef", "user[id]": 5,
    });
    let expected = json!({
        "id": 7, "status": {"code": "ok", "by": ["x", 1]}, "name": chars(12), "age": kind("number"),
        "vip": kind("boolean"), "spouse": kind("null"), "tags": ["first", chars(6)],
        "open": {"x": "y", "pin": {"redacted": "k"}}, "pin": {"redacted": "k"},
        "notes": {"redacted": "only.people", "items": 3}, "empty": [], "none": {},
        "list": [{"id": 1, "mail": chars(15)}], "***": {"id": 2, "x": kind("number")},
        "serial": {"redacted": "e"}, "user[id]": 5,
    });
    let record = recorded(&engine, "/people/1", "application/json", &body.to_string());
    assert_eq!(record.body.as_ref().unwrap(), &expected);
    let at = |location: &str| {
        record
            .receipts
            .iter()
            .any(|receipt| receipt.rule == "only.people" && receipt.location == location)
    };
    assert!(
        at("request.body.$.name") && at("request.body.$.tags[*]") && at("request.body.$['***'].x")
    );
    assert!(!at("request.body.$.id") && !at("request.body.$.pin"));
    assert_eq!(record.query, None);
    // Elsewhere it does not hold.
    let elsewhere = recorded(
        &engine,
        "/other",
        "application/json",
        r#"{"name":"Ada","serial":"0123456789abcdef"}"#,
    );
    assert_eq!(
        elsewhere.body.unwrap(),
        json!({"name": "Ada", "serial": {"redacted": "e", "ends": "01…ef"}})
    );
}

#[test]
fn only_what_is_listed_is_recorded_of_heads_queries_and_other_formats() {
    let engine = engine_of(ONLY);
    let chars = |n: usize| json!({"redacted": "only.people", "chars": n});
    let fields = [
        JSON,
        ("x-tenant", "blue"),
        ("x-person", "Ada Lovelace"),
        ("user-agent", "curl"),
        ("referer", "/ada"),
        ("cookie", "theme=dark; who=ada"),
        ("pin", "1234"),
        ("x-http-method-override", "DELETE"),
    ];
    let text = r#"{"x":"see tok-abcdefgh"}"#;
    let request = request("/people/1?page=2&name=ada&pin=99&a@b=c", &fields, text.as_bytes());
    let mut seen = Seen::default();
    let record = engine.request(&request, Detail::WithBody, &mut seen).into_inner();
    assert_eq!(
        record.headers,
        json!({
            "content-type": "application/json", "x-tenant": "blue", "x-person": chars(12), "user-agent": "curl",
            "referer": chars(4), "cookie": "theme=dark; who=***", "pin": {"redacted": "k"},
            "x-http-method-override": "DELETE",
        })
    );
    assert_eq!(
        record.query.unwrap(),
        json!({"page": "2", "name": chars(3), "pin": {"redacted": "k"}, "***": chars(1)})
    );
    assert_eq!(record.body.unwrap(), json!({"x": chars(16)}));
    // Secrets in what is not recorded are still removed where they come back.
    let fields = [
        JSON,
        ("location", "/people/ada"),
        ("set-cookie", "who=ada; Path=/"),
        ("x-tenant", "tok-abcdefgh"),
    ];
    let answer = response(&fields, br#"{"status":"tok-abcdefgh is known","name":"Ada"}"#);
    let record = engine.response(&answer, Detail::WithBody, &mut seen).into_inner();
    assert_eq!(record.body.unwrap(), json!({"status": "*** is known", "name": chars(3)}));
    assert_eq!(record.headers.value()["location"], chars(11));
    assert_eq!(record.headers.value()["set-cookie"], "who=***; Path=/");
    assert_eq!(record.headers.value()["x-tenant"], "***");
    let rows = [
        ("text/plain", "Ada Lovelace", chars(12)),
        (
            "application/x-www-form-urlencoded",
            "id=7&name=Ada",
            json!({"id": "7", "name": chars(3)}),
        ),
        (
            "application/xml",
            "<p id='7'><name>Ada</name></p>",
            json!({"p": {"@id": "7", "name": chars(3)}}),
        ),
        (
            "application/x-ndjson",
            "{\"id\":7,\"name\":\"Ada\"}\n{\"open\":1}\n",
            json!([{"id": 7, "name": chars(3)}, {"open": 1}]),
        ),
        ("application/graphql", "mutation { x(name: \"Ada\") { id } }", chars(34)),
    ];
    for (media_type, text, expected) in rows {
        assert_eq!(
            recorded(&engine, "/people/1", media_type, text).body.unwrap(),
            expected,
            "{media_type}"
        );
    }
}

#[test]
fn what_several_entries_hold_for_must_be_on_each_list() {
    let engine = engine_of(
        "record_only:\n- {id: a, keys: [x, y]}\n- {id: b, keys: [y, z], in: [request]}\n- {id: c, under: [/c]}\n",
    );
    let text = r#"{"w":1,"x":1,"y":1,"z":1,"o":{"x":{"y":2}}}"#;
    let by = |id: &str| json!({"redacted": id, "type": "number"});
    let request = body_of(&engine, "application/json", text);
    assert_eq!(
        request,
        json!({"w": by("a"), "x": by("b"), "y": 1, "z": by("a"), "o": {"x": {"y": 2}}})
    );
    let answer = response(&[JSON], text.as_bytes());
    let record = engine.response(&answer, Detail::WithBody, &mut Seen::default()).into_inner();
    assert_eq!(
        record.body.unwrap(),
        json!({"w": by("a"), "x": 1, "y": 1, "z": by("a"), "o": {"x": {"y": 2}}})
    );
    let record = recorded(&engine, "/c", "application/json", text);
    assert_eq!(record.body.unwrap().value()["y"], by("c"));
}

#[test]
fn the_head_that_is_always_recorded_is_in_order() {
    assert!(only::HEADERS.is_sorted());
    assert!(only::is_always_recorded("content-type") && !only::is_always_recorded("authorization"));
}

/// Every text and number in a tree.
fn leaves(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Null | Value::Bool(_) => {}
        Value::Number(number) => out.push(number.to_string()),
        Value::String(text) => out.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, out)),
        Value::Object(members) => members.values().for_each(|item| leaves(item, out)),
    }
}

proptest! {
    #[test]
    fn where_nothing_is_listed_no_value_is_recorded(body in any_json()) {
        let engine = engine_of("record_only:\n- {id: o}\nredact:\n- {id: k, keys: [password], do: drop}\n");
        let recorded = body_of(&engine, "application/json", &body.to_string());
        let (mut before, mut after) = (Vec::new(), Vec::new());
        leaves(&body, &mut before);
        leaves(&recorded, &mut after);
        // What is left are ids of rules, kinds, and sizes.
        for leaf in after {
            let size = leaf.parse::<usize>().is_ok_and(|size| size <= 200);
            let ours = ["o", "k", "url.userinfo", "number", "boolean", "null", "***"];
            prop_assert!(size || ours.contains(&leaf.as_str()), "{} of {:?}", leaf, before);
        }
    }

    #[test]
    fn what_a_path_selects_is_not_recorded(body in any_json(), secret in "[A-Z][a-z]{5}[0-9]{6}") {
        let engine = engine_of("redact:\n- {id: p, path: '$..[?@.mark].value', do: drop}\n");
        let body = json!([body, {"x": {"mark": 1, "value": secret}}, {"value": "beside"}, format!("see {secret}")]);
        let recorded = body_of(&engine, "application/json", &body.to_string());
        prop_assert!(!recorded.to_string().contains(&secret));
        prop_assert_eq!(&recorded[1], &json!({"x": {"mark": 1, "value": {"redacted": "p"}}}));
        prop_assert_eq!(&recorded[2], &json!({"value": "beside"}));
    }
}

#[test]
fn names_in_escapes_and_in_full_width() {
    for (target, content_type, body) in [
        ("/?p%2561ssword=Zq7-horse", "application/json", ""),
        ("/?p%252561ssword=Zq7-horse", "application/json", ""),
        ("/", "application/x-www-form-urlencoded", "pass%2577ord=Zq7-horse"),
        ("/", "application/x-www-form-urlencoded", "p%25u0061ssword=Zq7-horse"),
        ("/", "application/json", r#"{"ｐａｓｓｗｏｒｄ": "Zq7-horse"}"#),
        ("/", "application/json", r#"{"%70assword": "Zq7-horse"}"#),
    ] {
        let text = stored(&record(target, &[("content-type", content_type)], body.as_bytes()));
        assert!(!text.contains("horse"), "{text}");
    }
}
