//! What the engine records, as tables: carriers, names, kinds of values; and properties.

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};

use super::*;
use crate::capture::{Body, Release, Request, Response};
use crate::record::{Receipt, RequestRecord, ResponseRecord};

mod answers;
mod beside;
mod calls;
mod commands;
mod contents;
mod echoes;
mod evidence;
mod extents;
mod formats;
mod inner;
mod issued;
mod known;
mod loose;
mod nested;
mod operators;
mod ordinary;
mod paths;
mod prompts;
mod properties;
mod selectors;
mod sketches;
mod told;
mod within;

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn engine() -> Engine {
    static RULES: std::sync::OnceLock<Engine> = std::sync::OnceLock::new();
    RULES
        .get_or_init(|| {
            let rules = crate::rules::load(None, &crate::rules::Pack::DEFAULT).unwrap();
            Engine::new(rules.redaction(), FingerprintKey::new(&[7; 32]))
        })
        .clone()
}

fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn request(target: &str, fields: &[(&str, &str)], body: &[u8]) -> Request {
    Request {
        method: "POST".to_owned(),
        path_and_query: target.to_owned(),
        host: String::new(),
        version: "1.1",
        headers: headers(fields),
        body: Body::whole(body.to_vec()),
        peer: None,
        peer_trusted: false,
    }
}

fn response(fields: &[(&str, &str)], body: &[u8]) -> Response {
    Response {
        status: 200,
        headers: headers(fields),
        body: Body::whole(body.to_vec()),
        release: Release::Held,
    }
}

fn record(target: &str, fields: &[(&str, &str)], body: &[u8]) -> RequestRecord {
    let request = request(target, fields, body);
    engine().request(&request, Detail::WithBody, &mut Seen::default()).into_inner()
}

fn exchange(request: &Request, response: &Response) -> (RequestRecord, ResponseRecord) {
    let mut seen = Seen::default();
    let request = engine().request(request, Detail::WithBody, &mut seen).into_inner();
    let response = engine().response(response, Detail::WithBody, &mut seen).into_inner();
    (request, response)
}

/// Everything that is stored of a request, receipts included.
fn stored(record: &RequestRecord) -> String {
    format!("{} {:?}", serde_json::to_string(record).unwrap(), record.receipts)
}

fn stored_response(record: &ResponseRecord) -> String {
    format!("{} {:?}", serde_json::to_string(record).unwrap(), record.receipts)
}

fn receipt(rule: &str, location: &str, count: u32) -> Receipt {
    Receipt { rule: rule.to_owned(), location: location.to_owned(), count }
}

fn fingerprint(secret: &str) -> String {
    engine().key().fingerprint(secret::DOMAIN, secret.as_bytes())
}

#[test]
fn json_bodies() {
    let token = fingerprint("tok-0123456789");
    let password = || json!({"redacted": "credential.password"});
    let rows = [
        (json!({"password": "hunter2", "name": "x"}), json!({"password": password(), "name": "x"})),
        (json!({"a": [{"newPassword": 1234}]}), json!({"a": [{"newPassword": password()}]})),
        (json!({"user-passwd": null}), json!({"user-passwd": null})),
        (json!({"PASSWORD": true}), json!({"PASSWORD": true})),
        (
            json!({"passwords": ["a", {"b": "c"}]}),
            json!({"passwords": [password(), {"b": password()}]}),
        ),
        (json!({"password": {"value": "x"}}), json!({"password": {"value": password()}})),
        (
            json!({"api_key": "tok-0123456789"}),
            json!({"api_key": {"redacted": "credential.token", "fingerprint": token}}),
        ),
        (
            json!({"authorization": "Bearer tok-0123456789"}),
            json!({"authorization": {"redacted": "credential.token", "fingerprint": token}}),
        ),
        (json!({"token": "short"}), json!({"token": {"redacted": "credential.token"}})),
        (json!({"token": "0123456789"}), json!({"token": {"redacted": "credential.token"}})),
        (
            json!({"token": 12345678901_i64}),
            json!({"token": {"redacted": "credential.token", "fingerprint": "hmac:de867f3ff6a7e168"}}),
        ),
        (
            json!({"max_tokens": 5, "tokens_per_minute": 9}),
            json!({"max_tokens": 5, "tokens_per_minute": 9}),
        ),
        (
            json!({"env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "HOME", "value": "/x"}]}),
            json!({"env": [{"name": "DB_PASSWORD", "value": password()}, {"name": "HOME", "value": "/x"}]}),
        ),
        (
            json!([{"op": "replace", "path": "/user/password", "value": "hunter2"}]),
            json!([{"op": "replace", "path": "/user/password", "value": password()}]),
        ),
        (
            json!({"credentials": "x", "type": "password", "value": "hunter2"}),
            json!({"credentials": {"redacted": "credential.token"}, "type": "password", "value": password()}),
        ),
        (
            json!({"config": "{\"db\":{\"password\":\"hunter2\"}}"}),
            json!({"config": "{\"db\":{\"password\":{\"redacted\":\"credential.password\"}}}"}),
        ),
        (json!({"config": "{\"a\":  1}"}), json!({"config": "{\"a\":  1}"})),
        (
            json!({"url": "amqp://guest:hunter22@rabbit:5672/%2f"}),
            json!({"url": "amqp://guest:***@rabbit:5672/%2f"}),
        ),
        (
            json!({"dsn": "Server=db;User Id=sa;Password=hunter22;Timeout=3"}),
            json!({"dsn": "Server=db;User Id=sa;Password=***;Timeout=3"}),
        ),
        (
            json!({"hook": "https://h.example/x?token=tok-0123456789&page=2"}),
            json!({"hook": "https://h.example/x?token=***&page=2"}),
        ),
        (json!("plain"), json!("plain")),
        (json!("password= \" "), json!("password= \" ")),
        (json!("secret= ' 0ab\"1"), json!("secret= '***")),
        (json!("secret= '***"), json!("secret= '***")),
        (json!({"redacted": "credential.password"}), json!({"redacted": "credential.password"})),
    ];
    for (body, expected) in rows {
        let record = record("/", &[JSON], body.to_string().as_bytes());
        assert_eq!(record.body.map(|body| body.value()), Some(expected), "{body}");
        assert_eq!(record.notes, Vec::<String>::new(), "{body}");
    }
}

#[test]
fn what_json_values_cannot_hold_is_recorded_without_loss() {
    let record = record(
        "/",
        &[JSON],
        br#"{"a":1,"a":[2],"a":3,"n":12345678901234567890,"password":"x1","password":"x2"}"#,
    );
    let dropped = json!({"redacted": "credential.password"});
    let expected =
        json!({"a": [1, [2], 3], "n": "12345678901234567890", "password": [dropped, dropped]});
    assert_eq!(record.body.map(|body| body.value()), Some(expected));
    assert_eq!(record.notes, ["repeated_names", "numbers_as_text"]);
    assert_eq!(record.receipts, [receipt("credential.password", "request.body.$.password", 2)]);
}

#[test]
fn header_values() {
    let token = fingerprint("tok-0123456789");
    let basic = fingerprint("YWRtaW46aHVudGVyLTIyMjI=");
    let rows: [(&str, &str, Value); 22] = [
        ("authorization", "Bearer tok-0123456789", json!(format!("Bearer {token}"))),
        ("authorization", "bearer tok-0123456789", json!(format!("Bearer {token}"))),
        ("authorization", "tok-0123456789", json!(token)),
        ("authorization", "Basic YWRtaW46aHVudGVyLTIyMjI=", json!(format!("Basic admin {basic}"))),
        ("authorization", "Basic YWRtaW46cHc=", json!("Basic admin ***")),
        ("authorization", "Bearer short", json!("Bearer ***")),
        ("proxy-authorization", "Bearer tok-0123456789", json!(format!("Bearer {token}"))),
        ("x-api-key", "tok-0123456789", json!(token)),
        ("x-api-key", "1234", json!({"redacted": "credential.header"})),
        ("x-some-secret", "tok-0123456789", json!({"redacted": "credential.secret"})),
        ("x-ratelimit-remaining-tokens", "10", json!("10")),
        ("www-authenticate", "Bearer realm=\"token\"", json!("Bearer realm=\"token\"")),
        (
            "www-authenticate",
            "Digest realm=\"x\", opaque=\"ghp_KV6hsDOZalwHS3epALW7itEP0bmxIT4fqBMX\"",
            json!(format!(
                "Digest realm=\"x\", opaque=\"{}\"",
                fingerprint("ghp_KV6hsDOZalwHS3epALW7itEP0bmxIT4fqBMX")
            )),
        ),
        ("cookie", "sid=tok-0123456789; lang=en", json!(format!("sid={token}; lang=***"))),
        ("cookie", "bare-value-0123456789", json!(fingerprint("bare-value-0123456789"))),
        (
            "referer",
            "https://u:hunter22@h/a?token=tok-0123456789#x",
            json!("https://u:***@h/a?token=***#x"),
        ),
        (
            "location",
            "/cb#access_token=tok-0123456789&state=1",
            json!("/cb#access_token=***&state=1"),
        ),
        ("destination", "https://h:8080/@home", json!("https://h:8080/@home")),
        (
            "x-repo",
            "https://ghp_01234567890123456789@github.com/a",
            json!("https://***@github.com/a"),
        ),
        ("accept", "text/html;q=0.9, */*;q=0.1", json!("text/html;q=0.9, */*;q=0.1")),
        ("x-name", "Zoë", json!("Zoë")),
        ("authorization", "", json!("")),
    ];
    for (name, value, expected) in rows {
        let record = record("/", &[(name, value)], b"");
        assert_eq!(record.headers.value()[name], expected, "{name}: {value}");
    }
}

#[test]
fn repeated_and_undecodable_headers() {
    let mut request = request("/", &[("x-a", "1"), ("x-a", "2")], b"");
    request.host = "example.com".to_owned();
    request.headers.insert("x-latin", HeaderValue::from_bytes(b"caf\xe9").unwrap());
    let record = engine().request(&request, Detail::WithBody, &mut Seen::default()).into_inner();
    assert_eq!(
        record.headers,
        json!({"x-a": ["1", "2"], "x-latin": {"bytes": 4}, "host": "example.com"})
    );
    assert_eq!(record.notes, ["invalid_utf8"]);
}

#[test]
fn set_cookie_keeps_names_and_attributes() {
    let fields = [
        ("set-cookie", "sid=tok-0123456789; Path=/; HttpOnly; SameSite=Lax"),
        ("set-cookie", "gone=; Max-Age=0"),
        ("set-cookie", "a=; Path=/ghp_KV6hsDOZalwHS3epALW7itEP0bmxIT4fqBMX"),
        ("x-glpat-kv6hsdozalwhs3epalw7", "1"),
    ];
    let (_, record) = exchange(&request("/", &[], b""), &response(&fields, b""));
    let sid = format!("sid={}; Path=/; HttpOnly; SameSite=Lax", fingerprint("tok-0123456789"));
    let name = format!("x-{}", fingerprint("glpat-kv6hsdozalwhs3epalw7"));
    let expected = json!({"set-cookie": [sid, "gone=; Max-Age=0", "a=; Path=***"], name: "1"});
    assert_eq!(record.headers, expected);
    let place = "response.header.set-cookie";
    assert!(record.receipts.contains(&receipt("credential.cookie", place, 1)));
}

#[test]
fn paths_and_queries() {
    let rows = [
        ("/users/5/password/reset", "/users/5/password/reset"),
        ("/users/5/password/hunter2", "/users/5/password/***"),
        ("/reset-password/Zm9vYmFy", "/reset-password/***"),
        ("/api-keys/42/rotate", "/api-keys/42/rotate"),
        ("/secrets/my-secret-1", "/secrets/my-secret-1"),
        ("/a;token=tok-0123456789/b;v=1", "/a;token=***/b;v=1"),
        ("/a/password=hunter22/b", "/a/password=***/b"),
        ("//a//b/", "//a//b/"),
        ("/proxy/https://ada:hunter22@h/x", "/proxy/https://ada:***@h/x"),
        ("/proxy/https:/ada:hunter22@h/x", "/proxy/https:/ada:***@h/x"),
        ("/proxy/https://h:80/@x:y", "/proxy/https://h:80/@x:y"),
        ("/caf%C3%A9/%2e%2e", "/caf%C3%A9/%2e%2e"),
        ("*", "*"),
    ];
    for (path, expected) in rows {
        assert_eq!(record(path, &[], b"").path, expected);
    }
    let token =
        json!({"redacted": "credential.token", "fingerprint": fingerprint("tok 0123456789")});
    let dropped = json!({"redacted": "credential.password"});
    let rows = [
        ("/?", json!({})),
        ("/?a=1&b=x%20y&a=2", json!({"a": ["1", "2"], "b": "x y"})),
        ("/?access_token=tok+0123456789", json!({"access_token": token})),
        ("/?user[password]=hunter2", json!({"user[password]": dropped})),
        ("/?a=1;password=hunter2", json!({"a": "1", "password": dropped})),
        ("/?code=SUMMER24", json!({"code": "SUMMER24"})),
        (
            "/?code=0123456789abc",
            json!({"code": {"redacted": "credential.url_code", "fingerprint": fingerprint("0123456789abc")}}),
        ),
        (
            "/?filter=%7B%22password%22%3A%22hunter2%22%7D",
            json!({"filter": "{\"password\":{\"redacted\":\"credential.password\"}}"}),
        ),
        (
            "/?%7B%22password%22%3A%22hunter2%22%7D",
            json!({"{\"password\":{\"redacted\":\"credential.password\"}}": {"redacted": "credential.password"}}),
        ),
        ("/?next=https%3A%2F%2Fh%2F%3Ftoken%3Dx1", json!({"next": "https://h/?token=***"})),
    ];
    for (target, expected) in rows {
        assert_eq!(record(target, &[], b"").query, Some(expected.into()), "{target}");
    }
    assert_eq!(record("/", &[], b"").query, None);
}

#[test]
fn forms() {
    let body = b"user=admin&user%5Bpassword%5D=hunter2&api_key=tok-0123456789&a=1&a=2";
    let record = record("/", &[FORM], body);
    let expected = json!({
        "user": "admin",
        "user[password]": {"redacted": "credential.password"},
        "api_key": {"redacted": "credential.token", "fingerprint": fingerprint("tok-0123456789")},
        "a": ["1", "2"],
    });
    assert_eq!(record.body.map(|body| body.value()), Some(expected));
    assert_eq!(record.content_type.as_deref(), Some("application/x-www-form-urlencoded"));
}

#[test]
fn a_secret_is_removed_wherever_else_it_occurs() {
    let secret = "c0rrect/horse\"battery é";
    let escaped = "c0rrect%2Fhorse%22battery%20%C3%A9";
    let target = format!("/users/{escaped}/keys?q=is%20{escaped}&{escaped}=1");
    let body = json!({
        "password": secret,
        "note": format!("my password is {secret}!"),
        "list": [secret],
        secret: 1,
        "nested": format!("{{\"x\": {}}}", json!(secret)),
    });
    let fields = [JSON, ("x-note", &format!("at https://h/{escaped}"))];
    let answer =
        json!({"error": format!("bad password: {secret}"), format!("k {secret}"): [{"x": secret}]});
    let (request, response) = exchange(
        &request(&target, &fields, body.to_string().as_bytes()),
        &response(&[JSON, ("location", &format!("/u/{escaped}"))], answer.to_string().as_bytes()),
    );
    for text in [stored(&request), stored_response(&response)] {
        for part in ["c0rrect", "battery"] {
            assert!(!text.contains(part), "{text}");
        }
    }
    assert_eq!(request.path, "/users/***/keys");
    assert_eq!(
        response.body.map(|body| body.value()),
        Some(json!({"error": "bad password: ***", "k ***": [{"x": "***"}]}))
    );
    // One rule knows the secret, another what stands before it.
    let mut places: Vec<_> =
        response.receipts.iter().map(|receipt| receipt.location.as_str()).collect();
    places.dedup();
    assert_eq!(
        places,
        [
            "response.body.$",
            "response.body.$.error",
            "response.body.$['k ***'][*].x",
            "response.header.location"
        ]
    );
}

#[test]
fn of_basic_credentials_the_user_is_shown_unless_it_may_be_the_secret() {
    use base64::Engine as _;
    let base64 = |pair: &str| base64::engine::general_purpose::STANDARD.encode(pair);
    let hash = |pair: &str| fingerprint(&base64(pair));
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let shown = [
        ("ada:lovelace-1815", "ada"),
        ("ada@example.com:lovelace-1815", "ada@example.com"),
        (
            "acme.example\\ada-of-the-17th-department:lovelace-1815",
            "acme.example\\ada-of-the-17th-department",
        ),
        ("ci-deploy-of-the-platform-team:lovelace-1815", "ci-deploy-of-the-platform-team"),
    ];
    let pair = |pair: &str, user: &str| (pair.to_owned(), format!("Basic {user} {}", hash(pair)));
    let mut rows: Vec<(String, String)> =
        shown.iter().map(|(text, user)| pair(text, user)).collect();
    rows.extend([
        ("ada:1234".to_owned(), "Basic ada ***".to_owned()),
        ("ada:".to_owned(), "Basic ada ***".to_owned()),
    ]);
    // Keys in the place of users, fillers, and what is no name.
    for text in [
        format!("{token}:x-oauth-basic"),
        format!("{token}:lovelace-1815"),
        "k3y-of-an-api-0123456789:lovelace-1815".to_owned(),
        "lovelace-1815:lovelace-1815".to_owned(),
        "ada lovelace:lovelace-1815".to_owned(),
        ":lovelace-1815".to_owned(),
    ] {
        let password = text.split_once(':').unwrap().1;
        let rest = if is_guessable(password) { "***".to_owned() } else { hash(&text) };
        rows.push((text, format!("Basic {rest}")));
    }
    rows.push(("sk-short-key-1:".to_owned(), "Basic ***".to_owned()));
    for (text, expected) in rows {
        let first = record("/", &[("authorization", &format!("Basic {}", base64(&text)))], b"");
        assert_eq!(first.headers.value()["authorization"], json!(expected), "{text}");
        // What was recorded is recorded as it is.
        let again = record("/", &[("authorization", &expected)], b"");
        assert_eq!(again.headers.value()["authorization"], json!(expected), "{text}");
    }
    // A user that is a secret elsewhere in the exchange.
    let header = format!("Basic {}", base64("sesame-open:lovelace-1815"));
    let first = record("/?password=sesame-open", &[("authorization", &header)], b"");
    assert!(
        !first.headers.value()["authorization"].to_string().contains("sesame"),
        "{:?}",
        first.headers.value()
    );
    // Nobody can have a word shown by putting a mask behind it.
    let first = record("/", &[("authorization", &format!("Basic {token} ***"))], b"");
    assert!(!first.headers.value()["authorization"].to_string().contains(token));
}

#[test]
fn secrets_of_headers_come_back_in_bodies() {
    let rows = [
        ("authorization", "Bearer tok-0123456789", "tok-0123456789"),
        ("authorization", "Basic YWRtaW46aHVudGVyLTIyMjI=", "hunter-2222"),
        ("cookie", "session_id=abcdef12", "abcdef12"),
        ("x-api-key", "\"quoted-key-1\"", "quoted-key-1"),
        ("referer", "https://u:hunter%2D22@h/", "hunter-22"),
    ];
    for (name, value, secret) in rows {
        let answer = json!({"message": format!("<{secret}>")}).to_string();
        let (record, answer) =
            exchange(&request("/", &[(name, value)], b""), &response(&[JSON], answer.as_bytes()));
        assert!(!stored(&record).contains(secret), "{name}: {value}");
        assert_eq!(
            answer.body.map(|body| body.value()),
            Some(json!({"message": "<***>"})),
            "{name}: {value}"
        );
    }
}

#[test]
fn overlapping_secrets_leave_nothing_between_them() {
    let body = json!({"password": "abcdefg1", "secret": "efg1ijkl", "x": "..abcdefg1ijkl.."});
    let record = record("/", &[JSON], body.to_string().as_bytes());
    assert_eq!(record.body.unwrap().value()["x"], json!("..***.."));
}

#[test]
fn digits_count_only_as_whole_numbers() {
    let body =
        json!({"pin": "123456", "a": "0123456", "b": 123456, "c": "no 123456.", "d": 1234567});
    let record = record("/", &[JSON], body.to_string().as_bytes());
    let expected = json!({
        "pin": {"redacted": "credential.one_time"}, "a": "0123456", "b": "***", "c": "no ***.", "d": 1234567,
    });
    assert_eq!(record.body.map(|body| body.value()), Some(expected));
}

#[test]
fn words_for_kinds_of_credentials_are_no_secrets() {
    let body =
        json!({"credentials": [{"type": "password", "value": "hunter-2222"}], "x": "hunter-2222"});
    let record = record("/reset-password", &[JSON], body.to_string().as_bytes());
    assert_eq!(record.path, "/reset-password");
    assert_eq!(record.body.unwrap().value()["x"], json!("***"));
}

#[test]
fn metadata_records_no_body_but_knows_its_secrets() {
    let request = request("/u/hunter!2", &[JSON], br#"{"password":"hunter!2"}"#);
    let record = engine().request(&request, Detail::Metadata, &mut Seen::default()).into_inner();
    assert_eq!(
        (record.body.as_ref(), record.path.as_str(), record.size),
        (None, "/u/***", Some(23))
    );
    assert_eq!(record.receipts, [receipt("credential.password", "request.path", 1)]);
}

#[test]
fn receipts_tell_rule_place_and_count() {
    let body =
        json!({"users": [{"password": "x"}, {"password": "y"}], "odd name": {"api-key": "z"}});
    let fields = [JSON, ("authorization", "Bearer tok-0123456789")];
    let record = record("/?token=abc", &fields, body.to_string().as_bytes());
    assert_eq!(
        record.receipts,
        [
            receipt("credential.password", "request.body.$.users[*].password", 2),
            receipt("credential.token", "request.body.$['odd name'].api-key", 1),
            receipt("credential.header", "request.header.authorization", 1),
            receipt("credential.token", "request.query.token", 1),
        ]
    );
}

#[test]
fn too_many_secrets_or_places_are_bounded() {
    let tokens: Vec<_> = (0..5000).map(|n| json!({"token": format!("token-{n}-x")})).collect();
    let over = record("/", &[JSON], json!(tokens).to_string().as_bytes());
    assert_eq!((over.body, over.notes), (None, vec!["too_many_secrets".to_owned()]));
    let many: serde_json::Map<_, _> =
        (0..500).map(|n| (format!("password{n}"), json!("x"))).collect();
    let record = record("/", &[JSON], json!(many).to_string().as_bytes());
    assert_eq!(record.receipts.len(), 257);
    assert_eq!(record.receipts.iter().map(|receipt| receipt.count).sum::<u32>(), 500);
}

/// Headers, body, note.
type Row = (&'static [(&'static str, &'static str)], &'static [u8], &'static str);

#[test]
fn what_cannot_be_decoded_is_metadata_only() {
    let rows: [Row; 4] = [
        (&[JSON], b"{\"password\":\"hunter2\"", "invalid_json"),
        (&[JSON, ("content-encoding", "gzip")], b"hunter2", "undecodable_gzip"),
        (&[("content-type", "text/html")], b"<p>hunter2</p>", "unsupported_content_type"),
        (&[], b"password: hunter2", "no_content_type"),
    ];
    for (fields, body, note) in rows {
        let record = record("/", fields, body);
        assert_eq!((record.body.as_ref(), record.notes.as_slice()), (None, &[note.to_owned()][..]));
        assert!(!stored(&record).contains("hunter2"));
        assert_eq!(record.size, Some(body.len() as u64));
    }
}

#[test]
fn a_short_secret_in_a_member_name_stood_in_the_receipt() {
    for target in
        ["/?%7B%22pin%22%3A%22z9k%22%7D=1", "/?pin%3Dz9k=1", "/?x[%7B%22pin%22:%22z9k%22%7D]"]
    {
        let record = record(target, &[], b"");
        assert!(!stored(&record).contains("z9k"), "{}", stored(&record));
    }
}

#[test]
fn actions_and_sides() {
    let glob = |pattern: &str| vec![Glob::new(pattern).unwrap()];
    let rule = |id: &str, pattern: &str, sides, action| Rule {
        keys: glob(pattern),
        sides,
        ..Rule::new(id.to_owned(), action)
    };
    let rules = vec![
        rule("f", "*", Sides::Response, Action::Fingerprint),
        rule("s", "prompt", Sides::Both, Action::Summarize),
        rule("m", "card", Sides::Both, Action::Mask),
        rule("m2", "*both", Sides::Both, Action::Mask),
        rule("d", "both*", Sides::Both, Action::Drop),
        rule("s2", "bothboth", Sides::Both, Action::Summarize),
    ];
    let keep = Exceptions { keys: glob("kept"), ..Exceptions::default() };
    let policy = Policy::new(rules, &keep, &[]).unwrap();
    let engine = Engine::new(policy, FingerprintKey::new(&[1; 32]));
    let body =
        json!({"prompt": "four", "card": 1, "both": 1, "bothboth": 1, "other": "z", "kept": 1});
    let text = body.to_string();
    let mut seen = Seen::default();
    let record =
        engine.request(&request("/", &[JSON], text.as_bytes()), Detail::WithBody, &mut seen);
    let dropped = json!({"redacted": "d"});
    let expected = json!({
        "prompt": {"redacted": "s", "chars": 4}, "card": "***", "both": dropped, "bothboth": dropped,
        "other": "z", "kept": 1,
    });
    assert_eq!(record.get().body.as_ref(), Some(&expected.into()));
    let record = engine.response(&response(&[JSON], text.as_bytes()), Detail::WithBody, &mut seen);
    assert_eq!(record.get().body.as_ref().unwrap().value()["other"], json!({"redacted": "f"}));
    assert_eq!(record.get().body.as_ref().unwrap().value()["kept"], json!(1));
    // What has no size has a type; a long number can be told again.
    for (value, expected) in [
        (json!(4), json!({"redacted": "s", "type": "number"})),
        (json!(true), json!({"redacted": "s", "type": "boolean"})),
        (json!(null), json!({"redacted": "s", "type": "null"})),
        (json!([4]), json!({"redacted": "s", "items": 1})),
    ] {
        let body = json!({ "prompt": value }).to_string();
        let sent = request("/", &[JSON], body.as_bytes());
        let record = engine.request(&sent, Detail::WithBody, &mut Seen::default());
        assert_eq!(record.get().body.as_ref().unwrap().value()["prompt"], expected);
    }
    let digits = "48219301847712345678";
    let body = format!(r#"{{"a": {digits}, "b": "{digits}", "c": 4821930184}}"#);
    let answer = response(&[JSON], body.as_bytes());
    let record = engine.response(&answer, Detail::WithBody, &mut Seen::default());
    let shown = record.get().body.as_ref().unwrap().value();
    assert!(shown["a"]["fingerprint"].is_string(), "{shown}");
    assert_eq!((&shown["a"], &shown["c"]), (&shown["b"], &json!({"redacted": "f"})));
}

#[test]
fn globs_match_names_however_words_are_joined() {
    let rows = [
        ("api_key", "apiKey", true),
        ("api_key", "x-api-key", false),
        ("*api_key*", "X-Api-Key-2", true),
        ("session*id", "sessionTokenId", true),
        ("session*id", "sessionid", true),
        ("session*id", "idsession", false),
        ("a*a", "a", false),
        ("a*b*c", "axbxc", true),
        ("a*b*c", "acb", false),
        ("a**c", "abc", true),
        ("*", "anything", true),
        ("*é", "CAFÉ", true),
    ];
    for (pattern, name, expected) in rows {
        let glob = Glob::new(pattern).unwrap();
        let names = names::Names::new([(glob.clone(), 0)]).unwrap();
        let mut squashed = String::new();
        glob::squash(name, &mut squashed);
        assert_eq!(glob.matches(&squashed), expected, "{pattern} {name}");
        assert_eq!(names.selects(&squashed), expected, "{pattern} {name}");
    }
    for pattern in ["", "-", "a?", "[ab]", "{a}"] {
        assert!(Glob::new(pattern).is_err(), "{pattern}");
    }
}

#[test]
fn text_beside_the_record() {
    let mut seen = Seen::default();
    seen.add("hunter22", 0, seen::Weight::Everywhere);
    let text = engine().text("agent hunter22 (+https://u:pw1@h/?token=x )", &seen);
    assert_eq!(text.get(), "agent *** (+https://u:***@h/?token=*** )");
    assert_eq!(format!("{seen:?}"), "Seen(…)");
}
