//! Secrets in paths, by the segment before them, however the path is written and wherever it stands.

use base64::Engine as _;

use super::*;

const SECRET: &str = "UmbrellaxSunriseemnuxvicq7";

#[test]
fn segments_are_told_in_every_reading_of_a_path() {
    let encoded: String = SECRET.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for path in [
        "/users/1/password/S",
        "/users/1/password/./S",
        "/users/1/password//S",
        "/users/1/password/x/../S",
        "/users/1/password/x/%2e%2e/S",
        "/users/1/password%2FS",
        "/users/1/password%2fS/more",
        "/users/1/password%252FS",
        "/users/1/password;v=1/S",
        "/users/1/password/S;v=1",
        "/users/1/passw%256Frd/S",
        "/users/1/password%5CS",
        "/users/1/password/%00/S",
        "/users/1/password/E",
        "/users/1/x/%2e./password/./E",
        "/x/%7B%22password%22:%22S%22%7D",
        "/x/%7B%22a%22:%7B%22secrets%22:%5B%22S%22%5D%7D%7D/y",
    ] {
        let path = path.replace('S', SECRET).replace('E', &encoded);
        let record = record(&path, &[JSON], json!({"note": SECRET}).to_string().as_bytes());
        let stored = stored(&record);
        assert!(!stored.contains(SECRET) && !stored.contains(&encoded), "{path}\n{stored}");
        let again = super::record(&record.path, &[], b"");
        assert_eq!(again.path, record.path, "{path}");
    }
    let json = json!({"a": {"client_secret": SECRET}}).to_string();
    let packed = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
    assert_eq!(record(&format!("/x/{packed}/y"), &[], b"").path, "/x/***/y");
    // What is short is found by where it stands, and what cannot be read is not recorded.
    assert_eq!(record("/users/1/pin/./1234", &[], b"").path, "/users/1/pin/./***");
    assert_eq!(record("/users/1234/pin;a=b/1234", &[], b"").path, "/users/***/pin;a=b/***");
    let beyond_telling = record("/users/1/password/%25u002e/Abc1x", &[], b"").path;
    assert!(!beyond_telling.contains("Abc1x"), "{beyond_telling}");
}

#[test]
fn ordinary_paths_stay_in_every_reading() {
    for path in [
        "/users/1/password/./reset",
        "/users/1/password%2Freset",
        "/a;b=c/d%20e/../f//g",
        "/files/%2e%2e/a%2fb;v=1",
        "/x/eyJhIjp7ImIiOiJjIn19/y",
    ] {
        let record = record(path, &[], b"");
        assert_eq!((record.path.as_str(), record.receipts.as_slice()), (path, &[][..]));
    }
}

#[test]
fn paths_in_urls_and_fields_are_read_as_those_of_requests_are() {
    let rows = [
        ("https://x.example/reset/S", "https://x.example/reset/***"),
        ("https://x.example/reset-password/S?a=b#c", "https://x.example/reset-password/***?a=b#c"),
        ("https://x.example/invite/S.", "https://x.example/invite/***."),
        ("see https://x.example/app#/invite/S now", "see https://x.example/app#/invite/*** now"),
        ("a http://h/password/./S, b", "a http://h/password/./***, b"),
        ("http://h:80/a/password%2FS", "http://h:80/a/***"),
        ("<a href=\"https://h/magic-link/S/x\">", "<a href=\"https://h/magic-link/***/x\">"),
        ("https://h/users/password/reset", "https://h/users/password/reset"),
        ("https://h/a//b/../c", "https://h/a//b/../c"),
        ("/reset/S", "/reset/***"),
        ("/invite/S?x=1", "/invite/***?x=1"),
        ("//h/invite/S", "//h/invite/***"),
        ("open /invite/S, then", "open /invite/***, then"),
        ("[open](/invite/S) or ./reset/S", "[open](/invite/***) or ./reset/***"),
        ("<a href='/magic-link/S'>", "<a href='/magic-link/***'>"),
        ("/invite/friends and /reset", "/invite/friends and /reset"),
        (
            "/reset-password/:token or /password/{newToken}",
            "/reset-password/:token or /password/{newToken}",
        ),
        ("and/or /x // y </reset>", "and/or /x // y </reset>"),
    ];
    for (text, shown) in rows {
        let text = text.replace('S', SECRET);
        let body = json!({"reset_url": text, "notes": [text]});
        let recorded = record("/", &[JSON], body.to_string().as_bytes());
        let body = recorded.body.unwrap().value();
        assert_eq!(body, json!({"reset_url": shown, "notes": [shown]}), "{text}");
        let again = record("/", &[JSON], body.to_string().as_bytes());
        assert_eq!(again.body.unwrap().value(), body, "{text}");
        if text.contains(' ') || text.starts_with('<') {
            continue;
        }
        for field in ["location", "content-location", "referer", "x-original-url"] {
            let response = response(&[(field, &text)], b"");
            let recorded = engine().response(&response, Detail::WithBody, &mut Seen::default());
            let recorded = serde_json::to_value(&recorded.into_inner().headers).unwrap();
            assert_eq!(recorded, json!({field: shown}), "{text}");
        }
    }
    let relative = response(&[("location", &format!("reset/{SECRET}"))], b"");
    let recorded = engine().response(&relative, Detail::WithBody, &mut Seen::default());
    assert!(!stored_response(&recorded.into_inner()).contains(SECRET));
}

#[test]
fn rules_of_operators_are_read_in_every_reading() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("a.yaml"),
        "redact:\n- {id: a, segments: [vouchers], do: mask}\n",
    )
    .unwrap();
    let rules = crate::rules::load(Some(dir.path()), &[]).unwrap();
    let engine = Engine::new(rules.redaction(), FingerprintKey::new(&[7; 32]));
    for path in ["/vouchers/x/../S", "/vouchers;a=b/S", "/vouchers%2fS", "/vouchers/S1"] {
        let request = request(&path.replace('S', SECRET), &[], b"");
        let record = engine.request(&request, Detail::WithBody, &mut Seen::default()).into_inner();
        assert!(!stored(&record).contains(SECRET), "{}", record.path);
    }
}

#[test]
fn secrets_behind_ids_in_paths() {
    let token = "f3Kq9ZpL2vXw8RtY5nBdc7HmQp4TzX0sLkVb9WeJ";
    let digest = "9f3a1c77b2e84d5590aa61fe3b7c2d18";
    for path in [
        "/api/webhooks/223704706495545344/S",
        "/api/webhooks/223704706495545344/S/github",
        "/reset/MQ/S",
        "/accounts/password/reset/key/1-S/",
        "/verify-email/7/S",
        "/invite/7/S",
        "/unsubscribe/7/S",
        "/share/7/S",
        "/account/activate/1/S-1404219120",
        "/hooks/64f1a2b3c4d5e6f7a8b9c0d1/S",
        "/webhooks/catch/12/S",
        "/rest/1/S/crm.lead.add",
        "/api/push/S",
    ] {
        let shown = record(&path.replace('S', token), &[], b"").path;
        assert!(!shown.contains(token), "{shown}");
    }
    let stored = stored(&record(
        "/account/activate/1/x",
        &[],
        json!({"url": format!("https://a.example/account/activate/1/{digest}-1404219120")})
            .to_string()
            .as_bytes(),
    ));
    assert!(!stored.contains(digest), "{stored}");
    for path in [
        "/hooks/12/deliveries/0f8fad5b-d9cb-469f-a165-70867728950e",
        "/webhooks/507f1f77bcf86cd799439011/events/507f1f77bcf86cd799439012",
        "/share/7/507f1f77bcf86cd799439011",
        "/invite/7/01HZXV4G7Q2M3N4P5R6S7T8V9W",
        "/rest/v1/customers2026",
        "/webhooks/we_1Mr5jULkdIwHu7ix",
    ] {
        assert_eq!(record(path, &[], b"").path, path);
    }
}
