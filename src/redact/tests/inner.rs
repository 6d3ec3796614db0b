//! Strings that hold something else, and values that are told by where they stand.

use base64::Engine as _;

use super::*;

fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn body(value: &Value) -> Value {
    record("/", &[JSON], value.to_string().as_bytes()).body.unwrap().value()
}

#[test]
fn graphql_documents() {
    let rows = [
        (
            "mutation { login(user: \"bob\", password: \"hunter22\") { id } }",
            "mutation { login(user: \"bob\", password: \"***\") { id } }",
        ),
        ("{ login(password: \"hunter22\") }", "{ login(password: \"***\") }"),
        ("{login(in: {user: \"b\", pin: 1234})}", "{login(in: {user: \"b\", pin: \"***\"})}"),
        (
            "mutation($password: String = \"hunter22\") { a(b: $password) }",
            "mutation($password: String = \"***\") { a(b: $password) }",
        ),
        (
            "mutation { a(credentials: {user: \"bob\", x: [\"hunter22\"]}) }",
            "mutation { a(credentials: {user: \"***\", x: [\"***\"]}) }",
        ),
        (
            "mutation { setPassword(id: 7, value: \"hunter22\") }",
            "mutation { setPassword(id: 7, value: \"***\") }",
        ),
        (
            "mutation { a(url: \"amqp://u:hunter22@h\", c: \"{\\\"password\\\":\\\"x\\\"}\") }",
            "mutation { a(url: \"amqp://u:***@h\", c: \"{\\\"password\\\":{\\\"redacted\\\":\\\"credential.password\\\"}}\") }",
        ),
        ("# try password=hunter22\n{ a }", "# try password=***\n{ a }"),
        (
            "query { a(first: 10, after: \"x\") # ok\n }",
            "query { a(first: 10, after: \"x\") # ok\n }",
        ),
        ("mutation { login(password: \"***\") }", "mutation { login(password: \"***\") }"),
        ("mutation { login(password: \"hunter22\" }", "***"),
        ("{\"query\": \"mutation { a(b: 1 }\"}", "{\"query\":\"***\"}"),
        (
            "mutation { a(env: [{name: \"DB_PASSWORD\", value: \"hunter22\"}, {name: \"X\", value: \"y\"}]) }",
            "mutation { a(env: [{name: \"DB_PASSWORD\", value: \"***\"}, {name: \"X\", value: \"y\"}]) }",
        ),
        (
            "mutation { a(key: \"password\", values: [\"hunter22\"]) b(value: \"y\") }",
            "mutation { a(key: \"password\", values: [\"***\"]) b(value: \"y\") }",
        ),
        ("query the {database}", "query the {database}"),
        // No credential of a document, and words beside it that are looked at as words.
        ("{ a(b: \"x\") { password: hunter22 } }", "{ a(b: \"x\") { password: *** } }"),
        ("mutation { a(b: \"x\") } # password=hunter22", "mutation { a(b: \"x\") } # password=***"),
    ];
    for (document, expected) in rows {
        let sent = json!({"query": document, "variables": {"password": "x", "n": 1}});
        let password = json!({"redacted": "credential.password"});
        let recorded = json!({"query": expected, "variables": {"password": password, "n": 1}});
        assert_eq!(body(&sent), recorded, "{document}");
        // Recorded once more, nothing is left to redact.
        assert_eq!(body(&recorded), recorded, "{document}");
    }
    let graphql = ("content-type", "application/graphql");
    let record = record("/", &[graphql], b"{ login(password: \"hunter22\", note: \"hunter22\") }");
    assert_eq!(
        record.body.map(|body| body.value()),
        Some(json!("{ login(password: \"***\", note: \"***\") }"))
    );
    let receipts = [
        receipt("credential.password", "request.body.$", 1),
        receipt("credential.password", "request.body.$.password", 1),
    ];
    assert_eq!(record.receipts, receipts);
}

#[test]
fn variables_of_documents() {
    let password = || json!({"redacted": "credential.password"});
    let document = "mutation($p: String!, $u: String) { login(user: $u, in: {password: $p}) }";
    let sent = json!({"query": document, "variables": {"p": "hunter22", "u": "bob"}});
    let shown = json!({"query": document, "variables": {"p": password(), "u": "bob"}});
    assert_eq!(body(&sent), shown);
    assert_eq!(body(&json!([sent, {"p": "x"}])), json!([shown, {"p": "x"}]));
    // The next object only: names of members further in are names of their own.
    let deep = json!({"variables": {"u": {"p": 1}}, "query": document, "p": 2});
    assert_eq!(body(&deep), deep);
    let not_an_object = json!({"query": document, "variables": null, "x": {"p": 1}});
    assert_eq!(body(&not_an_object), not_an_object);
    let form =
        format!("query={}&variables=%7B%22p%22:%22hunter22%22%7D", document.replace(' ', "+"));
    let record = record("/", &[FORM], form.as_bytes());
    assert!(!stored(&record).contains("hunter22"), "{}", stored(&record));
}

#[test]
fn encoded_strings() {
    let json_text = r#"{"password":"hunter22","z":1}"#;
    let shown = r#"{"password":{"redacted":"credential.password"},"z":1}"#;
    let percent = "%7B%22password%22%3A%22hunter22%22%2C%22z%22%3A1%7D";
    let url_safe = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json_text);
    let rows = [
        (base64(json_text), shown.to_owned()),
        (url_safe.clone(), shown.to_owned()),
        (percent.to_owned(), shown.to_owned()),
        (base64("user=bob&password=hunter22"), "user=bob&password=***".to_owned()),
        // Where the secret ends cannot be told.
        (base64("password=hunter22 and more"), "***".to_owned()),
        ("password%3Dhunter22%20and%20more".to_owned(), "***".to_owned()),
        (base64(&base64(json_text)), shown.to_owned()),
        (base64(percent), shown.to_owned()),
        (
            format!("data:application/json;base64,{}", base64(json_text)),
            format!("data:application/json;base64,{shown}"),
        ),
        (format!("https://h/?state={url_safe}&x=1"), "https://h/?state=***&x=1".to_owned()),
        (format!("https://h/?c={percent}&x=1"), "https://h/?c=***&x=1".to_owned()),
        ("https://h/?to=https%3A%2F%2Fu%3Ahunter22%40h".to_owned(), "https://h/?to=***".to_owned()),
        ("https%3A%2F%2Fu%3Ahunter22%40h".to_owned(), "https://u:***@h".to_owned()),
        ("https://h/?token=abc%20defgh&x=1".to_owned(), "https://h/?token=***&x=1".to_owned()),
        (
            "<a><password>hunter22</password><b>x</b></a>".to_owned(),
            r#"{"a":{"b":"x","password":{"redacted":"credential.password"}}}"#.to_owned(),
        ),
        (
            base64("<a password='hunter22'/>"),
            r#"{"a":{"@password":{"redacted":"credential.password"}}}"#.to_owned(),
        ),
        ("<a><b>x</b></a>".to_owned(), "<a><b>x</b></a>".to_owned()),
        ("<a><!-- password=hunter22 --></a>".to_owned(), "<a><!-- password=*** --></a>".to_owned()),
        ("<3 you".to_owned(), "<3 you".to_owned()),
        (base64("nothing to see here"), base64("nothing to see here")),
        ("a%20b".to_owned(), "a%20b".to_owned()),
    ];
    for (text, expected) in rows {
        let recorded = body(&json!({"x": text}));
        assert_eq!(recorded, json!({"x": expected}), "{text}");
        assert_eq!(body(&recorded), recorded, "{text}");
    }
    let note = record("/", &[JSON], json!({"x": base64(json_text)}).to_string().as_bytes()).notes;
    assert_eq!(note, ["decoded_text"]);
}

#[test]
fn what_was_seen_is_found_in_base64() {
    let encoded = base64("user:hunter22-xyz");
    let sent = json!({"password": "hunter22-xyz", "a": encoded, "b": format!("data:,x{}", "hunter22-xyz")});
    let recorded = body(&sent);
    assert_eq!(recorded["a"], json!("***"));
    assert_eq!(recorded["b"], json!("data:,x***"));
    // And the other way round: the value under the key is the base64 of what comes back.
    let sent = json!({"data": {"password": base64("hunter22-xyz")}, "echo": "is hunter22-xyz"});
    assert_eq!(body(&sent)["echo"], json!("is ***"));
}

#[test]
fn positional_parameters() {
    let password = || json!({"redacted": "credential.password"});
    let rows = [
        (json!({"method": "setPassword", "params": ["bob", "x"]}), password()),
        (json!({"method": "user.login", "params": ["bob", "x"], "id": 1}), password()),
        (json!({"method": "walletpassphrase", "params": ["x", 60]}), password()),
        (json!({"method": "personal_unlockAccount", "params": ["x", 60]}), password()),
        (json!({"method": "login", "params": {"user": "bob"}}), json!({"user": "bob"})),
        (json!({"method": "login", "params": {"password": "x"}}), json!({"password": password()})),
        (json!({"method": "getPasswordPolicy", "params": ["bob"]}), json!(["bob"])),
        (json!({"method": "users.list", "params": [10, 0]}), json!([10, 0])),
        (json!({"method": "POST", "params": ["a"]}), json!(["a"])),
    ];
    for (sent, expected) in rows {
        assert_eq!(body(&sent)["params"], expected, "{sent}");
        assert_eq!(body(&json!([sent]))[0]["params"], expected, "{sent}");
    }
    let call = "<methodCall><methodName>login</methodName><params><param><value>bob</value></param>\
                <param><value>hunter22</value></param></params></methodCall>";
    let record = record("/", &[("content-type", "text/xml")], call.as_bytes());
    assert_eq!(record.body.unwrap().value()["methodCall"]["params"], password());
}

#[test]
fn bodies_of_one_value() {
    let text = ("content-type", "text/plain");
    let rows: [(&str, _, &[u8], Option<Value>); 10] = [
        ("/users/7/password", text, b"hunter22", None),
        ("/users/7/password", JSON, b"\"hunter22\"", None),
        ("/users/7/pin", JSON, b"1234", None),
        ("/users/7/password/", text, b"hunter22", None),
        ("/_node/_local/_config/admins/anna", JSON, b"\"lqu4lD63Vyhr\"", None),
        ("/_node/_local/_config/chttpd_auth/secret", JSON, b"\"abc\"", None),
        ("/_node/_local/_config/log/level", JSON, b"\"debug\"", Some(json!("debug"))),
        ("/users/7/name", text, b"bob", Some(json!("bob"))),
        ("/users/7/password", JSON, b"{\"user\":\"bob\"}", Some(json!({"user": "bob"}))),
        ("/users/7/name", text, b"password", Some(json!("password"))),
    ];
    for (target, field, body, expected) in rows {
        let recorded = record(target, &[field], body).body.unwrap().value();
        match expected {
            Some(expected) => assert_eq!(recorded, expected, "{target}"),
            None => assert!(recorded["redacted"].is_string(), "{target}: {recorded}"),
        }
    }
}

#[test]
fn strings_in_strings_end_where_they_should() {
    let nested = |depth: usize| {
        (0..depth).fold(
            json!({"password": "hunter22", "z": 1}),
            |inner, _| json!({"x": inner.to_string()}),
        )
    };
    for depth in 0..=3 {
        let shown = body(&nested(depth)).to_string();
        assert!(!shown.contains("hunter22") && shown.contains("\"z"), "{depth} {shown}");
    }
    for depth in [4, 8] {
        let record = record("/", &[JSON], nested(depth).to_string().as_bytes());
        assert!(!stored(&record).contains("hunter22"));
        assert_eq!(record.notes, ["too_deep"], "{depth}");
    }
}

#[test]
fn encodings_of_encodings_end_where_they_should() {
    let percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let object = json!({"password": "hunter22", "z": 1}).to_string();
    let mut text = object.clone();
    for level in 1..=8 {
        text = if level % 2 == 0 { percent(&text) } else { base64(&text) };
        let record = record("/", &[JSON], json!({"x": text}).to_string().as_bytes());
        let shown = record.body.unwrap().value()["x"].as_str().unwrap().to_owned();
        // The document is a string as well: the third, in two encodings.
        let expected = match level {
            1 | 2 => r#"{"password":{"redacted":"credential.password"},"z":1}"#,
            _ => "***",
        };
        assert_eq!(shown, expected, "{level} {:?}", record.notes);
    }
}

#[test]
fn secrets_come_back_in_the_escapes_of_other_programs() {
    let secret = "pä55/wört&<horse>";
    let sent = json!({"password": secret}).to_string();
    for escaped in [
        // Documents in messages, as Python, PHP and Go write them, and pages.
        r#"bad: {"user": "b", "value": "p\u00e455/w\u00f6rt&<horse>"}"#,
        r#"bad: {"value":"pä55\/wört&<horse>"}"#,
        r#"bad: {"value":"pä55/wört\u0026\u003chorse\u003e"}"#,
        r#"bad: {\"value\":\"p\\u00e455\\/w\\u00f6rt&<horse>\"}"#,
        "<p>pä55/wört&amp;&lt;horse&gt;</p>",
        "p&#228;55/w&#xf6;rt&<horse>",
        "p%C3%A455/w%C3%B6rt&<%68orse>",
        "at /x?v=p%25C3%25A455%252Fw%25C3%25B6rt%2526%253Chorse%253E",
        r#"{"x": "p\u00e455/w\u00f6rt&<horse>"}"#,
        "mutation { a(b: \"p\\u00e455/w\\u00f6rt&<horse>\") }",
    ] {
        let answers = [json!({ "error": escaped }), json!({ escaped: "error" })];
        for answer in answers.map(|answer| answer.to_string()) {
            let (_, record) = exchange(
                &request("/users", &[JSON], sent.as_bytes()),
                &response(&[JSON, ("x-note", escaped)], answer.as_bytes()),
            );
            let text = stored_response(&record);
            assert!(!text.contains("55") && !text.contains("rse"), "{escaped}: {text}");
        }
    }
    // Of what only looks like it, all stays.
    let answer = json!({"error": r"C:\horse & 55 % \u0041"}).to_string();
    let (_, record) = exchange(
        &request("/users", &[JSON], sent.as_bytes()),
        &response(&[JSON], answer.as_bytes()),
    );
    assert_eq!(record.body.unwrap().text(), answer);
}

#[test]
fn numbers_of_toml_are_recognised_however_they_are_spelled() {
    let toml = ("content-type", "application/toml");
    let target = "/users?password=1234567890";
    for number in ["1234567890", "1_234_567_890", "0x499602d2", "+1234567890"] {
        let text = stored(&record(target, &[toml], format!("a = {number}\n").as_bytes()));
        assert!(!text.contains("1234567890"), "{number}: {text}");
    }
}

#[test]
fn words_of_commands_under_one_name() {
    let xml = ("content-type", "application/xml");
    for (text, shown) in [
        ("command=app&command=--password&command=Secr3tX9", "app --password {}"),
        ("command=mysql&command=-pSecr3tX9&container=c", "mysql -p***"),
        ("arg=curl&arg=-u&arg=ada%3ASecr3tX9", "curl -u ada:***"),
        ("args[]=--db-password&args[]=Secr3tX9&args[]=-v", "--db-password {} -v"),
        ("a[0]=--api-key&b=1&a[1]=Secr3tX9", "{}"),
        ("m.1=--token&m.2=Secr3tX9", "{}"),
        ("a=--password&a=--verbose&a=Secr3tX9", "Secr3tX9"),
        ("a=--page-token&a=Secr3tX9", "Secr3tX9"),
        ("a=--password&b=Secr3tX9", "Secr3tX9"),
        ("a=--name&a=Secr3tX9&b=-5&b=-token", "Secr3tX9"),
    ] {
        let secret = !shown.contains("Secr3tX9");
        let form = record("/x", &[FORM], text.as_bytes());
        let query = record(&format!("/x?{text}"), &[], b"");
        let tree = serde_json::to_value(query.query.as_ref().unwrap()).unwrap();
        let trees = [form.body.as_ref().unwrap().value(), tree];
        for node in trees {
            let words: Vec<String> = (node.as_object().unwrap().values())
                .flat_map(|value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]))
                .map(|word| word.as_str().map_or("{}".to_owned(), str::to_owned))
                .collect();
            assert!(words.join(" ").contains(shown), "{text}: {node}");
        }
        for record in [form, query] {
            assert_eq!(stored(&record).contains("Secr3tX9"), !secret, "{text}");
            assert_eq!(!record.receipts.is_empty(), secret, "{text}");
        }
    }
    let body = "<job><arg>--password</arg><arg>Secr3tX9</arg><arg>more</arg></job>";
    let text = stored(&record("/x", &[xml], body.as_bytes()));
    assert!(!text.contains("Secr3tX9") && text.contains("more"), "{text}");
}

#[test]
fn two_words_in_a_list_are_no_name_and_value() {
    for body in [
        json!({"rules": [{"resources": ["secrets", "serviceaccounts/token"], "verbs": ["create"]}]}),
        json!({"resources": ["secrets", "pods/exec"], "permissions": ["credentials", "iam:PassRole"]}),
        json!({"p": ["secret", "kms:Decrypt2"], "q": ["tokens", "keys/v2"], "r": ["token", "*"]}),
        json!({"allowed_scopes": ["token", "billing2:read"], "sort": ["api_token", "created_at:desc"]}),
        json!({"c": ["token", "v1/users"], "d": ["credentials", "s3:PutObject"]}),
        json!({"names": ["db-secret", "config-map2"], "fields": ["password", "user.email"]}),
    ] {
        let record = record("/roles", &[JSON], body.to_string().as_bytes());
        assert_eq!(record.body.unwrap().value(), body);
    }
    for body in [
        json!({"x": ["password", "Secr3tX9"]}),
        json!({"x": ["requirepass", "ab1-Secr3tX9"]}),
        json!({"x": ["token", "keys/q7Rt2xZp0L"]}),
        json!({"x": [["password", "red:house7"], ["user", "ada"]]}),
    ] {
        let text = stored(&record("/x", &[JSON], body.to_string().as_bytes()));
        for secret in ["Secr3tX9", "q7Rt2xZp0L", "red:house7"] {
            assert!(!text.contains(secret), "{body}: {text}");
        }
    }
}

#[test]
fn values_that_stand_after_what_names_them() {
    for (given, recorded) in [
        (json!({"cmd": ["db", "--password", "hunter2x", "-v"]}), Some("credential.password")),
        (json!({"args": ["-password", "hunter2x"]}), Some("credential.password")),
        (json!({"k": "password", "v": "hunter2x"}), Some("credential.password")),
        (json!({"label": "Password", "value": "hunter2x"}), Some("credential.password")),
        (json!({"key": "password", "stringValue": "hunter2x"}), Some("credential.password")),
        (json!({"cmd": ["db", "--password", "--hunter2x", "y"]}), None),
        (json!({"cmd": ["--page-token", "hunter2x"], "label": "Colour", "value": "x"}), None),
    ] {
        let record = record("/jobs", &[JSON], given.to_string().as_bytes());
        let rules: Vec<&str> = record.receipts.iter().map(|receipt| &*receipt.rule).collect();
        assert_eq!(rules, Vec::from_iter(recorded), "{given}");
        let kept = recorded != Some("credential.password");
        assert_eq!(stored(&record).contains("hunter2x"), kept, "{given}");
    }
}

#[test]
fn what_is_compressed_in_base64_is_read_or_not_recorded() {
    use std::io::Write as _;
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let zlib = |bytes: &[u8]| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let plain = json!({"password": "Zq7-horse-staple", "user": "ada"}).to_string();
    let padded = json!({"password": "Zq7-horse-staple", "pad": "a".repeat(9000)}).to_string();
    let cut = gzip(plain.as_bytes());
    let cut = cut.get(..cut.len() - 4).unwrap();
    let zstd = zstd::encode_all(plain.as_bytes(), 3).unwrap();
    for (name, bytes, note) in [
        ("read", gzip(plain.as_bytes()), None),
        ("twice", gzip(&gzip(plain.as_bytes())), None),
        ("zstd", zstd.clone(), None),
        ("padded", gzip(padded.as_bytes()), Some("decompression_limit")),
        ("padded", zlib(padded.as_bytes()), Some("decompression_limit")),
        ("cut", cut.to_vec(), Some("undecodable_gzip")),
        ("cut", zstd.get(..zstd.len() - 4).unwrap().to_vec(), Some("undecodable_zstd")),
        (
            "five times",
            (0..5).fold(plain.clone().into_bytes(), |bytes, _| gzip(&bytes)),
            Some("too_many_encodings"),
        ),
    ] {
        let encoded = ::base64::prelude::BASE64_STANDARD.encode(&bytes);
        let body = json!({"x": encoded}).to_string();
        let record = record("/", &[JSON], body.as_bytes());
        let text = stored(&record);
        assert!(!text.contains(&encoded) && !text.contains("horse"), "{name}: {text}");
        if let Some(note) = note {
            assert!(record.notes.iter().any(|it| it == note), "{name}: {:?}", record.notes);
        }
    }
    // Bytes that begin as zlib does by chance, and are nothing.
    let chance =
        ::base64::prelude::BASE64_STANDARD.encode([&[0x78, 0x9c][..], &[0xff; 40][..]].concat());
    let body = json!({"x": chance}).to_string();
    assert!(stored(&record("/", &[JSON], body.as_bytes())).contains(&chance));
}

#[test]
fn forms_in_parts_inside_of_strings() {
    let form = |lines: &[&str]| lines.join("\r\n");
    let whole = form(&[
        "--b1",
        "Content-Disposition: form-data; name=\"password\"",
        "",
        "Zq7-horse-staple",
        "--b1",
        "Content-Type: text/plain",
        "content-disposition: form-data; name=\"f\"; filename=\"a.txt\"",
        "",
        "hush",
        "--b1--",
        "",
    ]);
    let encoded = ::base64::prelude::BASE64_STANDARD.encode(&whole);
    let broken = whole.replace("--b1--", "");
    for body in [&whole, &encoded, &broken] {
        let record = record("/", &[JSON], json!({ "body": body }).to_string().as_bytes());
        let text = stored(&record);
        for secret in ["horse", "hush"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(!text.contains(&encoded), "{text}");
        let given_up = record.notes.iter().any(|note| note == "invalid_multipart");
        assert_eq!(given_up, *body == broken, "{:?}", record.notes);
    }
    let record = record("/", &[JSON], json!({ "body": whole }).to_string().as_bytes());
    let shown = record.body.unwrap().value();
    let fields: Value = serde_json::from_str(shown["body"].as_str().unwrap()).unwrap();
    assert_eq!(fields["password"], json!({"redacted": "credential.password"}));
    assert_eq!(fields["f"]["filename"], json!("a.txt"));
    // A list, and a rule between paragraphs.
    for text in ["--\r\na: b", "-- x\n-- y\n", "--b\nContent-Length: 4\n\nabc"] {
        let record = super::record("/", &[JSON], json!({ "body": text }).to_string().as_bytes());
        assert_eq!(record.body.unwrap().value(), json!({ "body": text }));
    }
}

#[test]
fn documents_in_base64_in_the_middle_of_a_text() {
    let encode = |text: &str| ::base64::prelude::BASE64_STANDARD.encode(text);
    let secret = encode(r#"{"user":"ada","password":"Zq7-horse-staple"}"#);
    let list = encode(r#"[{"password":"Zq7-horse-staple"}]"#);
    let bare = secret.trim_end_matches('=');
    for text in [
        format!("payload: {secret}"),
        format!("the state is {bare} now"),
        format!("{secret},{list}"),
        format!("[{list}]"),
        format!("('{bare}')"),
    ] {
        let body = json!({"x": text, "error": "Zq7-horse-staple is known"}).to_string();
        let text = stored(&record("/", &[JSON], body.as_bytes()));
        assert!(!text.contains("eyJ") && !text.contains("W3si"), "{text}");
        assert!(!text.contains("horse"), "{text}");
    }
    // Without a credential in it, it stays; and many of them take no longer.
    let kept = format!("cursor {} of {}", encode(r#"{"page":2}"#), encode(r#"[{"a":"b"}]"#));
    let record = record("/", &[JSON], json!({ "x": kept }).to_string().as_bytes());
    assert_eq!(record.body.unwrap().value(), json!({ "x": kept }));
    for flood in ["eyJ".repeat(60_000), "eyJh ".repeat(40_000), format!("{secret} ").repeat(1_000)]
    {
        let body = json!({ "x": format!("a {flood}") }).to_string();
        super::record("/", &[JSON], body.as_bytes());
    }
}
