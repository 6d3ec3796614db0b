//! What is remembered of secrets, so that it is not recorded where it comes back; and what is not,
//! so that nobody hides what they do by sending it as a secret as well.

use ::base64::Engine as _;

use super::*;

/// What is recorded of both bodies.
fn bodies(request: &Value, answer: &Value) -> (Value, Value) {
    let (request, response) = exchange(
        &super::request("/users", &[JSON], request.to_string().as_bytes()),
        &response(&[JSON], answer.to_string().as_bytes()),
    );
    (request.body.unwrap().value(), response.body.unwrap().value())
}

#[test]
fn what_comes_back_of_a_secret() {
    let rows = [
        // A password that holds the name of a credential.
        (json!({"password": "correct-horse-password"}), "'correct-horse-password' is too common"),
        (json!({"password": "mysecretpassword"}), "'mysecretpassword' is too common"),
        (json!({"password": "sunshine"}), "'sunshine' is too common"),
        (json!({"password": "sunshine"}), "sunshine"),
        // Names of members.
        (json!({"tokens": {"Zq7rT2xLm9Zq7rT2": "admin"}}), "Zq7rT2xLm9Zq7rT2 exists"),
        // A code in groups.
        (json!({"otp": "946 201"}), "code 946201 is old"),
        (json!({"otp": 946_201}), "code 946201 is old"),
    ];
    for (sent, message) in rows {
        let (_, answer) = bodies(&sent, &json!({"error": message}));
        let shown = answer["error"].as_str().unwrap();
        assert!(shown.contains("***") && shown.len() < message.len(), "{sent}: {shown}");
    }
}

#[test]
fn what_comes_back_in_disguise() {
    let secret = "Wq7-Pelikän-48xy";
    let hex = hex::encode(secret);
    for echo in [
        "wq7-pelikän-48xy".to_owned(),
        "WQ7-PELIKÄN-48XY".to_owned(),
        "wQ7-pELIKäN-48XY".to_owned(),
        "yx84-näkileP-7qW".to_owned(),
        hex.to_ascii_uppercase(),
        hex,
    ] {
        for message in [format!("bad value {echo}"), echo.clone(), format!("x{echo}x")] {
            let (_, answer) = bodies(&json!({"password": secret}), &json!({"e": message}));
            assert!(!answer.to_string().contains(&echo), "{answer}");
        }
    }
    for before in ["", "a", "ab", "abc", "ada:"] {
        for after in ["", ";", "; x"] {
            let encoded =
                ::base64::prelude::BASE64_STANDARD.encode(format!("{before}{secret}{after}"));
            for message in [format!("bad value {encoded} here"), format!("'{encoded}'")] {
                let (_, answer) = bodies(&json!({"password": secret}), &json!({"e": message}));
                // Nothing of it but what stands beside it.
                let shown = answer["e"].as_str().unwrap();
                assert!(
                    shown.contains("***") && shown.len() + 16 < message.len(),
                    "{message}: {shown}"
                );
            }
        }
    }
    // A word is no disguise of one, and what is short means other things.
    let (_, answer) = bodies(&json!({"password": "Superadmin"}), &json!({"role": "superadmin"}));
    assert_eq!(answer, json!({"role": "superadmin"}));
    let (_, answer) = bodies(&json!({"password": "Zq7-rT2"}), &json!({"e": "zq7-rt2"}));
    assert_eq!(answer, json!({"e": "zq7-rt2"}));
}

#[test]
fn secrets_are_disguised_once_however_many_responses_there_are() {
    let (engine, mut seen) = (engine(), Seen::default());
    let body = json!({"password": "Wq7-Pelikan-48xy"}).to_string();
    engine.request(&request("/", &[JSON], body.as_bytes()), Detail::WithBody, &mut seen);
    let answer = response(&[JSON], b"{\"ok\":true}");
    engine.response(&answer, Detail::WithBody, &mut seen);
    let (known, secrets) = (seen.knowledge(), seen.secrets());
    for _ in 0..4 {
        engine.response(&answer, Detail::WithBody, &mut seen);
    }
    assert_eq!(seen.secrets(), secrets);
    assert!(!seen.has_learnt_since(known));
}

#[test]
fn what_comes_back_of_a_cookie() {
    for (cookie, message, stays) in [
        ("sess=Tr0ubAb9", "session Tr0ubAb9 expired", false),
        ("x=Tr0ubAb9", "session Tr0ubAb9 expired", false),
        ("sid=Ab-9xy", "session Ab-9xy expired", false),
        ("theme=dark-mode", "theme dark-mode is gone", true),
        ("lang=en-US", "language en-US is gone", true),
    ] {
        let (_, answer) = exchange(
            &request("/", &[("cookie", cookie)], b""),
            &response(&[JSON], json!({ "error": message }).to_string().as_bytes()),
        );
        let shown = answer.body.unwrap().value();
        assert_eq!(shown == json!({ "error": message }), stays, "{cookie}: {shown}");
    }
}

#[test]
fn what_is_ordinary_is_not_hidden_by_being_sent_as_a_secret() {
    let rows = [
        (json!({"tokens": 100_000, "limit": 100_000}), "limit"),
        (json!({"token_status": "active", "status": "active"}), "status"),
        (json!({"token": "superadmin", "role": "superadmin"}), "role"),
        (json!({"password": "superadmin", "role": "superadmin"}), "role"),
        (json!({"password": "SUPERADMIN", "role": "SUPERADMIN"}), "role"),
        (json!({"password": "2026-11-21", "expires": "2026-11-21"}), "expires"),
        (json!({"token": "2026-11-21T10:00:00Z", "at": "2026-11-21T10:00:00Z"}), "at"),
        (json!({"password": "disabled", "state": "disabled"}), "state"),
        (json!({"password": 250_000, "quota": 250_000}), "quota"),
    ];
    for (sent, name) in rows {
        let (shown, _) = bodies(&sent, &json!({}));
        assert_eq!(shown[name], sent[name], "{sent}");
    }
    // What a machine made is no word: one that is says nothing in an answer either.
    let sent = json!({"token_status": "active", "token": "superadmin"});
    let answer = json!({"status": "active", "role": "superadmin", "note": "it is active"});
    assert_eq!(bodies(&sent, &answer).1, answer);
}

#[test]
fn secrets_that_are_no_words_are_hidden_wherever_they_are() {
    for secret in ["Tr0ubador", "correct-horse-battery", "946201", "3062203000", "two words"] {
        let sent = json!({"password": secret, "name": secret});
        let (shown, answer) = bodies(&sent, &json!({ "you_sent": secret }));
        assert!(!format!("{shown}{answer}").contains(secret), "{shown} {answer}");
    }
}

#[test]
fn what_comes_back_between_quotes_or_in_entities() {
    for (password, message) in [
        ("O'NeilAbc2024", "error near 'O''NeilAbc2024' at line 1"),
        ("O'NeilAbc2024", r"sh -c 'login O'\''NeilAbc2024' failed"),
        ("O\"NeilAbc2024", "1,\"O\"\"NeilAbc2024\",x"),
        ("ONe\"il\\2024xyz", "<b>ONe&quot;il\\2024xyz</b>"),
        ("ONéil%20abc\\x", "got ON&eacute;il%20abc\\x"),
        ("ON'e<il2024", "got ON&#39;e&lt;il2024"),
        ("a$b(c)2024", "got a&dollar;b&lpar;c&rpar;2024"),
        ("O'Ne\"il2024", "{\"q\": \"'O''Ne\\\"il2024'\"}"),
    ] {
        let (_, answer) = bodies(&json!({ "password": password }), &json!({ "message": message }));
        let shown = answer["message"].as_str().unwrap();
        assert!(shown.contains("***"), "{password}: {shown}");
        assert!(!shown.contains("il2024") && !shown.contains("NeilA"), "{password}: {shown}");
    }
    // What holds nothing of it stays.
    let (_, answer) = bodies(
        &json!({"password": "O'NeilAbc2024"}),
        &json!({"message": "Tom&eacute; isn''t here"}),
    );
    assert_eq!(answer["message"], "Tom&eacute; isn''t here");
}

/// Work that grows with the square of these lengths takes minutes.
#[test]
fn secrets_that_repeat_themselves_are_looked_for_in_one_go() {
    let mut body: serde_json::Map<String, Value> =
        (0..20).map(|n| (format!("password{n}"), json!(format!("Zq7-horse-{n}")))).collect();
    body.insert("api_key".to_owned(), json!("A".repeat(150_000)));
    body.insert("img".to_owned(), json!("A".repeat(100_000)));
    let shown = stored(&record("/", &[JSON], Value::Object(body).to_string().as_bytes()));
    assert!(!shown.contains("horse"), "{shown}");
    // So many that lie one over the other.
    let mut body: serde_json::Map<String, Value> =
        (6..500).map(|n| (format!("password{n}"), json!("b!".repeat(n)))).collect();
    body.insert("img".to_owned(), json!("b!".repeat(50_000)));
    let shown = stored(&record("/", &[JSON], Value::Object(body).to_string().as_bytes()));
    assert!(!shown.contains("b!b!"), "{}", shown.len());
}

#[test]
fn secrets_that_the_answer_makes_come_back_in_disguise_too() {
    let secret = "Wq7-Pelikan-48xy";
    let hex = hex::encode(secret);
    for echo in ["WQ7-PELIKAN-48XY", "Wq7-Pelikan-48Xy", &hex] {
        let (_, answer) =
            bodies(&json!({}), &json!({"token": secret, "msg": format!("keep {echo}"), echo: 1}));
        assert!(!answer.to_string().contains(echo), "{answer}");
    }
    let request = request("/users", &[JSON], b"{}");
    let answer = json!({"x": secret.to_uppercase()}).to_string();
    let tag = format!("\"{hex}\"");
    let fields = [JSON, ("set-cookie", "sid=Wq7-Pelikan-48xy; Path=/"), ("etag", tag.as_str())];
    let (_, record) = exchange(&request, &response(&fields, answer.as_bytes()));
    let stored = stored_response(&record);
    assert!(!stored.contains(&hex) && !stored.contains("PELIKAN"), "{stored}");
}

#[test]
fn words_come_back_in_quotes_and_behind_names() {
    let word = "tzxdybtl";
    for message in ["ada:tzxdybtl", "'tzxdybtl'", "v=tzxdybtl;", "[tzxdybtl]", "bad TZXDYBTL"] {
        let (_, answer) = bodies(&json!({"password": word}), &json!({"e": message}));
        assert!(answer.to_string().contains("***"), "{message}: {answer}");
    }
    // What an answer's own names are made of stays, and so does what it calls in other letters.
    for message in ["/users/tzxdybtl/2", "tzxdybtl-2", "x.tzxdybtl", "TZXDYBTL"] {
        let (_, answer) = bodies(&json!({"password": word}), &json!({"e": message}));
        assert_eq!(answer, json!({"e": message}));
    }
    // What is short is looked for where letters cannot stand for anything else.
    for message in ["a3h3Z3B5", "6b7877677079"] {
        let (_, answer) = bodies(&json!({"password": "kxwgpy"}), &json!({"e": message}));
        assert_eq!(answer, json!({"e": "***"}));
    }
}

#[test]
fn secrets_behind_the_capture_limit_come_back() {
    let secret = "Wq7-Pelikan-48xy";
    let pad = "x ".repeat(500);
    let rows = [
        (JSON, json!({"pad": pad, "password": secret}).to_string()),
        (FORM, format!("pad={}&password={secret}", pad.replace(' ', "+"))),
        (("content-type", "text/csv"), format!("name,password\n{pad}\nbob,{secret}")),
    ];
    for (media_type, body) in rows {
        for chunk in [7, 100, 4096] {
            let mut capture = crate::capture::BodyCapture::of_request(600);
            let mut request = request("/users", &[media_type], b"");
            for bytes in body.as_bytes().chunks(chunk) {
                if capture.push(bytes) && !request.body.truncated {
                    // What is told before the rest goes by.
                    request.body = capture.so_far(None);
                }
            }
            let answer =
                json!({"error": format!("bad {secret}"), "id": "job-2026-0042"}).to_string();
            let (_, record) = exchange(&request, &response(&[JSON], answer.as_bytes()));
            let shown = record.body.unwrap().value();
            assert_eq!(shown, json!({"error": "bad ***", "id": "job-2026-0042"}));
        }
    }
}

#[test]
fn a_cookie_does_not_hide_what_a_request_is_for() {
    let ids = [
        "0f8fad5b-d9cb-469f-a165-70867728950e",
        "507f1f77bcf86cd799439011",
        "01HZXV4G7Q2M3N4P5R6S7T8V9W",
        "org_2fjA9sKq7Rt2xZp0Lm4Vb9Kw1Xy",
    ];
    for id in ids {
        let path = format!("/api/projects/{id}/members");
        let body = json!({
            "id": id, "project_id": id, "ids": [id, "b"], "url": format!("https://h.example{path}"),
            "query": format!("mutation {{ deleteProject(id: \"{id}\") {{ id }} }}"),
            "name": id, "note": format!("it is {id}"),
        });
        for (name, hides) in [
            ("tenant_id", false),
            ("selectedProject", false),
            ("ajs_user_id", false),
            ("zz", false),
            ("session_id", id.contains("_2f")),
            ("connect.sid", id.contains("_2f")),
            ("JSESSIONID", id.contains("_2f")),
        ] {
            let cookie = format!("{name}={id}");
            let fields = [JSON, ("cookie", cookie.as_str()), ("x-project-id", id)];
            let (request, answer) = exchange(
                &request(&format!("{path}?project={id}"), &fields, body.to_string().as_bytes()),
                &response(&[JSON], body.to_string().as_bytes()),
            );
            assert_eq!(request.path.contains(id), !hides, "{cookie}: {}", request.path);
            assert_eq!(request.headers.value()["x-project-id"] == id, !hides, "{cookie}");
            assert_ne!(request.query.unwrap(), json!({"project": id}), "{cookie}");
            for shown in [request.body.unwrap().value(), answer.body.unwrap().value()] {
                for name in ["id", "project_id", "ids", "url", "query"] {
                    assert_eq!(shown[name] == body[name], !hides, "{cookie}: {shown}");
                }
                for name in ["name", "note"] {
                    assert_ne!(shown[name], body[name], "{cookie}: {shown}");
                }
            }
        }
    }
    // Who acts is called by it as well; and what is a secret elsewhere is one here.
    let mut seen = Seen::default();
    let cookie = format!("ajs_user_id={}", ids[0]);
    engine().request(
        &request("/", &[("cookie", cookie.as_str())], b""),
        Detail::WithBody,
        &mut seen,
    );
    let (name, was_secret) = engine().identity(ids[0], &seen);
    assert_eq!((name.get().as_str(), was_secret), (ids[0], false));
    let fields = [JSON, ("cookie", cookie.as_str())];
    let body = json!({"password": ids[3]}).to_string();
    let record = record(&format!("/projects/{}", ids[3]), &fields, body.as_bytes());
    assert!(!stored(&record).contains(ids[3]), "{}", stored(&record));
}

#[test]
fn what_a_request_is_for_is_not_hidden_by_a_credential_of_the_same_value() {
    let (uuid, random) = ("0f8fad5b-d9cb-469f-a165-70867728950e", "Zq7rT2xLm9k4ppQw8nVb");
    let ids = [
        uuid,
        "507f1f77bcf86cd799439011",
        "01HZXV4G7Q2M3N4P5R6S7T8V9W",
        "blue-2026",
        "cus_8812",
        "ada@example.com",
    ];
    for id in ids {
        let path = format!("/api/users/{id}/lock");
        let bearer = format!("Bearer {id}");
        let body = json!({"password": id, "user": {"id": id}, "note": format!("it is {id}.")});
        let fields =
            [JSON, ("x-api-key", id), ("authorization", &bearer), ("x-part", "users/blue-20")];
        let (request, answer) = exchange(
            &request(&format!("{path}?token={id}"), &fields, body.to_string().as_bytes()),
            &response(&[JSON], json!({"id": id, "e": format!("{id}!")}).to_string().as_bytes()),
        );
        assert_eq!(request.path, path);
        assert_eq!(request.notes, ["secret_in_path"]);
        let shown = request.body.unwrap().value();
        assert_eq!(shown["user"]["id"], id);
        assert_eq!(shown["note"], "it is ***.");
        assert_ne!(request.query.unwrap().value()["token"], id);
        assert_eq!(answer.body.unwrap().value(), json!({"id": id, "e": "***!"}));
    }
    // A number is one where it is sent as a key; as a PIN it is that.
    let number = "4711123";
    let path = format!("/api/users/{number}/lock");
    assert_eq!(record(&path, &[("x-api-key", number)], b"").path, path);
    for body in [r#"{"pin":"4711123","id":"4711123"}"#, r#"{"password":"4711123"}"#] {
        let pinned = record(&path, &[JSON, ("x-api-key", number)], body.as_bytes());
        assert!(!stored(&pinned).contains(number), "{body}");
    }
    // Nor by one that spans it, or is a part of it, if it is an id by its form.
    for part in ["users/0f8fad5b", "0f8fad5b-d9cb", "70867728950e"] {
        let path = format!("/api/users/{uuid}");
        assert_eq!(record(&path, &[("x-api-key", part)], b"").path, path);
    }
    // What lets somebody in by itself is gone, and so is what is no id.
    for (path, value) in
        [("/users", random), ("/sessions", uuid), ("/access-tokens", uuid), ("/u/tokens", uuid)]
    {
        let path = format!("{path}/{value}");
        let record = record(&path, &[("x-api-key", value)], b"");
        assert!(!stored(&record).contains(value), "{path}: {}", stored(&record));
    }
    // An answer that issues a credential may call it an id.
    let (_, answer) = bodies(&json!({}), &json!({"id": uuid, "token": uuid}));
    assert!(!answer.to_string().contains(uuid), "{answer}");
}

#[test]
fn what_is_taken_out_by_where_it_stands_is_no_secret_elsewhere_if_it_is_a_name() {
    let encoded = ::base64::prelude::BASE64_STANDARD.encode("prod-eu1");
    let rows = [
        ("/apps/web-42", json!({"credentials": {"zap": "web-42"}, "x": "web-42"})),
        ("/secret/data/web-42", json!({"data": {"app": "web-42", "n": 47_111}, "x": "web-42"})),
        ("/projects/web-42/variables", json!({"key": "STAGE", "value": "web-42", "x": "web-42"})),
        ("/projects/web-42/variables", json!({"key": "STAGE", "value": "4711123", "x": "4711123"})),
        (
            "/n",
            json!({"kind": "Secret", "data": {"ns": encoded, "o": "d2ViLTQy"}, "x": "prod-eu1"}),
        ),
    ];
    for (path, body) in rows {
        let path = format!("/api/v4{path}");
        let record = record(&path, &[JSON], body.to_string().as_bytes());
        assert_eq!((record.path.as_str(), record.notes.len()), (path.as_str(), 0), "{body}");
        let shown = record.body.unwrap().value();
        assert_eq!(shown["x"], body["x"], "{shown}");
        assert_ne!(shown, body);
    }
    // What it is called says that it is one.
    for body in [
        json!({"credentials": {"password": "web-4242"}, "x": "web-4242"}),
        json!({"key": "DB_PASSWORD", "value": "web-4242", "x": "web-4242"}),
        json!({"kind": "Secret", "data": {"password": "d2ViLTQyNDI="}, "x": "web-4242"}),
        json!({"kind": "Secret", "stringData": {"o": "Zq7rT2xLm9"}, "x": "Zq7rT2xLm9"}),
    ] {
        for path in ["/x", "/api/v4/projects/7/variables"] {
            let record = record(path, &[JSON], body.to_string().as_bytes());
            assert_eq!(record.body.unwrap().value()["x"], "***", "{body}");
        }
    }
}
