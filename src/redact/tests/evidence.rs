//! What a client calls a secret takes neither the evidence of its own request away nor the sense of
//! ordinary records; and what could not be read, or looked for, is not repeated.

use super::*;

/// What hides in a request with these header fields.
fn with(method: &str, path: &str, fields: &[(&str, &str)], body: &[u8]) -> RequestRecord {
    let request = Request { method: method.to_owned(), ..request(path, fields, body) };
    engine().request(&request, Detail::WithBody, &mut Seen::default()).into_inner()
}

#[test]
fn methods_and_words_of_routes_stay() {
    let fields = [("x-auth-token", "DELETE"), ("x-api-key", "victim99")];
    let record = with("DELETE", "/api/users/victim99", &fields, b"");
    assert_eq!(record.method, "DELETE");
    assert_eq!(record.path, "/api/users/victim99");
    assert_eq!(record.notes, ["secret_in_path"]);
    assert_eq!(record.headers.value()["x-api-key"], fingerprint("victim99"));
    let random = "q7Rt2xZp0Lm4Vb9K";
    let record = with("DELETE", &format!("/users/{random}"), &[("x-api-key", random)], b"");
    assert_eq!(record.path, format!("/users/{}", fingerprint(random)));
    assert_eq!(record.notes, ["redacted_by_value"]);
    assert!(!stored(&record).contains(random));

    let rows = [
        ("superadmin/grant", "/roles/superadmin/grant", "/roles/superadmin/grant"),
        ("roles/9f2c81/grant", "/roles/9f2c81/grant", "/roles/***/grant"),
        ("S3cr3t!x", "/keys/S3cr3t!x/rotate", "/keys/***/rotate"),
        ("S3cr3t!xy", "/keys/aS3cr3t!xyb/rotate", "/keys/***/rotate"),
        ("resetPassword", "/user/resetPassword", "/user/resetPassword"),
    ];
    for (secret, path, shown) in rows {
        let body = json!({ "password": secret }).to_string();
        assert_eq!(record_path(path, &body), shown, "{secret}");
    }
}

fn record_path(path: &str, body: &str) -> String {
    record(path, &[JSON], body.as_bytes()).path
}

#[test]
fn names_of_who_acts_stay_where_they_are_words_and_nothing_else() {
    // The looks of a token are made of letters alone here.
    let token = format!("sk_live_{}", "aBcDeFgHjKmNpQrStUvWxYzb");
    let fields =
        [("x-api-key", "mallory"), ("x-auth-token", "mallory99"), ("x-access-token", &token)];
    let mut seen = Seen::default();
    engine().request(&request("/users", &fields, b""), Detail::WithBody, &mut seen);
    let shown = |name: &str| {
        let (shown, is_secret) = engine().identity(name, &seen);
        (shown.into_inner(), is_secret)
    };
    assert_eq!(shown("mallory"), ("mallory".to_owned(), false));
    assert_eq!(shown("mallory99"), (fingerprint("mallory99"), true));
    assert_eq!(shown("ada"), ("ada".to_owned(), false));
    assert!(!shown(&token).0.contains("aBcDeFgH"));
}

#[test]
fn segments_that_rules_name_stay() {
    let dir = tempfile::tempdir().unwrap();
    let rule = "events:\n  - {id: a, match: {path: '/v1beta2/OAuth2Client/{id}'}, action: a.b}\n";
    std::fs::write(dir.path().join("events.yaml"), rule).unwrap();
    let rules = crate::rules::load(Some(dir.path()), &crate::rules::Pack::DEFAULT).unwrap();
    let engine = Engine::new(rules.redaction(), FingerprintKey::new(&[7; 32]));
    let fields = [("x-api-key", "v1beta2"), ("x-auth-token", "OAuth2Client")];
    let request = request("/v1beta2/OAuth2Client/7", &fields, b"");
    let record = engine.request(&request, Detail::WithBody, &mut Seen::default()).into_inner();
    assert_eq!(record.path, "/v1beta2/OAuth2Client/7");
}

#[test]
fn calls_keep_their_names_and_lose_their_secrets() {
    let document = r#"mutation { deleteUser(id: 7, note: "deleteUser") { id } }"#;
    let body = json!({"query": document, "password": "deleteUser"});
    let shown = stored(&record("/graphql", &[JSON], body.to_string().as_bytes()));
    assert!(shown.contains("***"), "{shown}");
    let clean =
        json!({"query": document.replace("\"deleteUser\"", "\"x\""), "password": "deleteUser"});
    let shown = stored(&record("/graphql", &[JSON], clean.to_string().as_bytes()));
    assert!(shown.contains("mutation { deleteUser(id: 7"), "{shown}");
    let body =
        json!({"jsonrpc": "2.0", "id": 1, "method": "user.delete", "params": {"x": "user.delete"}});
    let shown =
        stored(&record("/rpc", &[JSON, ("x-api-key", "user.delete")], body.to_string().as_bytes()));
    assert!(
        shown.contains(r#""method":"user.delete""#) && shown.contains(r#""x":"***""#),
        "{shown}"
    );
}

#[test]
fn words_of_ordinary_records_stay() {
    let rows = [
        json!({"permissions": ["password:update", "user:update"], "status": "update"}),
        json!({"note": "password: required", "status": "required"}),
        json!({"credentials": {"username": "administrator", "host": "db.example.com"},
               "name": "administrator", "db": "db.example.com"}),
        json!({"secretKey": "password", "kind": "a password store"}),
        json!({"secret": {"secretName": "web-tls"}, "name": "web-tls"}),
    ];
    for row in rows {
        let body = record("/things", &[JSON], row.to_string().as_bytes()).body.unwrap();
        let shown: Value = serde_json::from_str(body.text()).unwrap();
        for name in ["status", "name", "db", "kind"] {
            assert_eq!(shown.get(name), row.get(name), "{row}");
        }
    }
}

/// The request's fields and body, and what of them must not come back.
type Echo = (&'static [(&'static str, &'static str)], &'static str, &'static str);

#[test]
fn parts_of_credentials_do_not_come_back() {
    const BASIC: (&str, &str) = ("authorization", "Basic dGVzdF81MUh4UXo5TGs6"); // test_51HxQz9Lk:
    let rows: [Echo; 14] = [
        (&[("authorization", "Token token=\"Umbrellax7\"")], "", "Umbrellax7"),
        (&[("authorization", "Acme Umbrellax7")], "", "Umbrellax7"),
        (&[("authorization", "ApiKey ada:Umbrellax7")], "", "Umbrellax7"),
        (&[("authorization", "PVEAPIToken=ada@pam!x=Umbrellax7")], "", "Umbrellax7"),
        (&[("authorization", "Bearer: Umbrellax7")], "", "Umbrellax7"),
        (&[BASIC], "", "test_51HxQz9Lk"),
        (&[JSON], r#"{"connection_string":"Server=x;Password=Umbrellax7;"}"#, "Umbrellax7"),
        (&[JSON], r#"{"secret":"postgres://ada:Umbrellax7@h/db"}"#, "Umbrellax7"),
        (&[JSON], r#"{"credentials":"{\"password\":\"Umbrellax7\"}"}"#, "Umbrellax7"),
        (&[JSON], r#"{"auth":"YWRhOlVtYnJlbGxheDc="}"#, "Umbrellax7"),
        (&[JSON], r#"{"note":"password: Umbrellax7."}"#, "Umbrellax7"),
        (&[JSON], r#"{"password":9182736455463728}"#, "9182736455463728"),
        (&[JSON], r#"{"password":12345678.25}"#, "12345678.25"),
        (&[("cookie", "session={\"password\":\"Umbrellax7\",\"n\":1}")], "", "Umbrellax7"),
    ];
    for (fields, body, secret) in rows {
        let echo = json!({"error": {"message": format!("refused value {secret} today")}});
        let answer = response(&[JSON, ("x-error", secret)], echo.to_string().as_bytes());
        let (sent, answer) = exchange(&request("/things", fields, body.as_bytes()), &answer);
        for shown in [stored(&sent), stored_response(&answer)] {
            assert!(!shown.contains(secret), "{fields:?} {body}\n{shown}");
        }
        assert!(stored_response(&answer).contains("refused value *** today"), "{fields:?} {body}");
    }
}

/// The request's fields and body.
type Sent<'s> = (&'s [(&'s str, &'s str)], &'s [u8]);

#[test]
fn what_could_not_be_read_does_not_come_back() {
    let form = ("content-type", "application/x-www-form-urlencoded");
    let image = ("content-type", "image/png");
    let rows: [Sent; 9] = [
        (&[JSON], b"{\"password\":{\"new\":\"Umbrellax7\"},}"),
        (&[JSON], b"{\"password\":[\"a\",\"Umbrellax7\"],}"),
        (&[JSON], b"{\"seed_phrase\":\"Umbrellax7\",}"),
        (&[JSON], b"{/*x*/\"password\"/*y*/:/*z*/\"Umbrellax7\"}"),
        (&[JSON], b"{\"x\":\"\xff\",\"mdp\":\"Umbrellax7\"}"),
        (&[form], b"mdp=Umbrellax7&x=%FF%"),
        (&[("content-type", "multipart/form-data; boundary=a")], b"--b\r\n\r\nUmbrellax7\r\n--b--"),
        (&[image], b"{\"a\":{\"mdp\":\"Umbrellax7\"}}"),
        (&[JSON], b"U\0m\0b\0r\0e\0l\0l\0a\0x\x007\0"),
    ];
    for (fields, body) in rows {
        let echo = json!({"error": "cannot read Umbrellax7 at 12", "at": ["Umbrellax7"]});
        let fields_back = [JSON, ("location", "/e?v=Umbrellax7")];
        let answer = response(&fields_back, echo.to_string().as_bytes());
        let (sent, answer) = exchange(&request("/things", fields, body), &answer);
        if sent.body.is_some() {
            continue;
        }
        let shown = stored_response(&answer);
        assert!(!shown.contains("Umbrellax7"), "{}\n{shown}", String::from_utf8_lossy(body));
        assert!(shown.contains("cannot read *** at 12"), "{shown}");
    }
}

#[test]
fn with_too_many_secrets_only_words_of_the_route_are_left() {
    let mut items: Vec<Value> =
        (0..4600).map(|n| json!({"password": format!("pw{n:06}x")})).collect();
    items.push(json!({"password": "Umbrellax7"}));
    let body = json!(items).to_string();
    let fields = [JSON, ("x-e", "Umbrellax7"), ("referer", "/x?n=Umbrellax7")];
    let request = request("/users/Umbrellax7/rename?n=Umbrellax7", &fields, body.as_bytes());
    let answer = response(&[JSON, ("location", "/x?n=Umbrellax7")], b"{\"e\":\"Umbrellax7\"}");
    let (sent, answer) = exchange(&request, &answer);
    assert_eq!(sent.path, "/users/***/rename");
    for shown in [stored(&sent), stored_response(&answer)] {
        assert!(!shown.contains("Umbrellax7"), "{shown}");
    }
}
