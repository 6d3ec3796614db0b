//! Rules and exceptions of operators, beside those that are shipped.

use super::*;

/// What is recorded of a body under the shipped rules and these.
fn recorded(rules: &str, body: &Value) -> Value {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.yaml"), rules).unwrap();
    let rules = crate::rules::load(Some(dir.path()), &crate::rules::Pack::DEFAULT).unwrap();
    rules.test_examples().unwrap();
    let engine = Engine::new(rules.redaction(), FingerprintKey::new(&[7; 32]));
    let request = request("/", &[JSON], body.to_string().as_bytes());
    let record = engine.request(&request, Detail::WithBody, &mut Seen::default()).into_inner();
    record.body.unwrap().value()
}

fn problems(rules: &str) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.yaml"), rules).unwrap();
    let error = crate::rules::load(Some(dir.path()), &crate::rules::Pack::DEFAULT).unwrap_err();
    error.0.into_iter().map(|it| format!("{}:{}: {}", it.line, it.column, it.message)).collect()
}

#[test]
fn exceptions_that_are_shipped_do_not_touch_rules_of_operators() {
    let rules = "redact:\n- {id: own, keys: [token_id, secret_name, continuation_token, must_change_password], do: mask}\n";
    let body = json!({
        "token_id": "a", "secretName": "b", "continuationToken": "c", "must_change_password": true,
        "next_page_token": "d", "password_set": true,
    });
    let shown = json!({
        "token_id": "***", "secretName": "***", "continuationToken": "***",
        "must_change_password": "***", "next_page_token": "d", "password_set": true,
    });
    assert_eq!(recorded(rules, &body), shown);
}

#[test]
fn exceptions_of_operators_hold_for_all_rules() {
    let rules = "redact:\n- {id: own, keys: [own, flag], do: mask}\n\
         keep:\n- {keys: [my_password], flags: [flag, our_secret]}\n";
    let body = json!({
        "my_password": "a", "own": "b", "flag": true, "our_secret": "2026-11-21",
        "x": {"flag": "c", "our_secret": "d", "a": [{"our_secret": [1]}]},
    });
    let dropped = json!({"redacted": "credential.secret"});
    let shown = json!({
        "my_password": "a", "own": "***", "flag": true, "our_secret": "2026-11-21",
        "x": {"flag": "***", "our_secret": dropped, "a": [{"our_secret": dropped}]},
    });
    assert_eq!(recorded(rules, &body), shown);
}

#[test]
fn exceptions_that_leave_nothing_are_problems_of_whom_wrote_them() {
    assert_eq!(problems("keep:\n- keys: ['*']\n"), ["2:10: `*` under `keep` excepts every name"]);
    assert_eq!(
        problems(
            "redact:\n- {id: own, keys: [a_b, c], do: mask}\n- {id: two, keys: [a_b, d], do: mask}\n\
             keep:\n- keys: [c, 'a*']\n"
        ),
        ["2:8: rule `own` selects nothing: `keep` excepts all names of its `keys`"]
    );
}

#[test]
fn a_rule_of_operators_takes_the_whole_of_an_object_unless_it_lists_members() {
    let body = json!({"api_key": {"name": "ci", "x": "y"}, "badge": {"name": "ci", "x": "y"}});
    let dropped = json!({"redacted": "credential.token"});
    let rules = "redact:\n- {id: own, keys: [api_key], do: keep_ends: {first: 1, last: 1}}\n";
    let rules = rules.replace("do: keep_ends: {first: 1, last: 1}", "do: drop");
    let shown = json!({"api_key": {"redacted": "own"}, "badge": {"name": "ci", "x": "y"}});
    assert_eq!(recorded(&rules, &body), shown);
    // As strict as the stricter of both, and as whole.
    let rules = "redact:\n- {id: own, keys: [api_key], do: {keep_ends: {first: 1, last: 1}}}\n";
    let shown = json!({"api_key": dropped, "badge": {"name": "ci", "x": "y"}});
    assert_eq!(recorded(rules, &body), shown);
    let rules = "redact:\n- {id: own, keys: [badge], members_but: [name], do: mask}\n";
    let shown =
        json!({"api_key": {"name": "ci", "x": dropped}, "badge": {"name": "ci", "x": "***"}});
    assert_eq!(recorded(rules, &body), shown);
    let rules = "keep:\n- path: [$.api_key.x]\n";
    assert_eq!(recorded(rules, &body), body);
    assert_eq!(
        problems("redact:\n- {id: own, headers: [x], members_but: [name], do: mask}\n"),
        ["2:8: rule `own` has `members_but` without `keys`"]
    );
}

#[test]
fn what_is_in_a_value_is_shown_as_little_as_its_own_rule_wants() {
    let body = |value: &str| json!({"dsn": value});
    let ends = "redact:\n- {id: own, keys: [dsn], do: {keep_ends: {first: 6, last: 6}}}\n";
    for value in [
        "https://a.example/path/longer/u?x=1&password=hunter2xy",
        "{\"a\":\"1\",\"filler\":\"some long text to pass a third\",\"password\":\"Zq81k\"}",
        "mysql --host db.internal.example --user ada --password Zq81kxPq",
    ] {
        let shown = recorded(ends, &body(value));
        assert!(shown["dsn"].get("ends").is_none(), "{shown}");
    }
    let plain = "one of very many values without a secret";
    let shown = json!({"dsn": {"redacted": "own", "ends": "one of…secret"}});
    assert_eq!(recorded(ends, &body(plain)), shown);
    let token = format!("ghp_{}", "a1B2".repeat(9));
    let shown = recorded(ends, &body(&token));
    assert!(shown["dsn"]["fingerprint"].is_string(), "{shown}");
    // A value under two rules, one of which selects its name and one its looks.
    for (action, expected) in [("drop", json!({"redacted": "looks"})), ("mask", json!("***"))] {
        let rules = format!(
            "redact:\n- {{id: looks, pattern: 'acme_[0-9a-z]{{8}}', do: {action}}}\n\
             - {{id: own, keys: [dsn], headers: [x-dsn], do: fingerprint}}\n"
        );
        assert_eq!(recorded(&rules, &body("acme_01234567")), json!({"dsn": expected}));
        let engine = contents::engine_of(&rules);
        let request = request("/x?dsn=acme_01234567", &[("x-dsn", "acme_01234567")], b"");
        let record = engine.request(&request, Detail::WithBody, &mut Seen::default()).into_inner();
        assert_eq!(record.query.unwrap(), json!({"dsn": expected}));
        assert_eq!(record.headers.value()["x-dsn"], expected);
        let more = recorded(&rules, &body("acme_01234567 and more"));
        assert!(more["dsn"]["fingerprint"].is_string(), "{more}");
    }
}

#[test]
fn stars_of_operators_stand_for_anything_and_those_of_shipped_rules_end_at_words() {
    let body =
        json!({"name": "Berlin office", "has_location": "Berlin", "nowe_haslo": "Sommer77x"});
    let shown = json!({
        "name": "Berlin office", "has_location": "Berlin",
        "nowe_haslo": {"redacted": "credential.password"},
    });
    assert_eq!(recorded("", &body), shown);
    let shown = json!({
        "name": "*** office", "has_location": "***",
        "nowe_haslo": {"redacted": "credential.password"},
    });
    let own = "redact:\n- {id: own, keys: ['*haslo*'], do: mask}\n";
    assert_eq!(recorded(own, &body), shown);
}

/// What is recorded under the shipped rules and these, without a look at their examples.
fn shown_by(rules: &str) -> impl Fn(&Value) -> Value + use<> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.yaml"), rules).unwrap();
    let rules = crate::rules::load(Some(dir.path()), &crate::rules::Pack::DEFAULT).unwrap();
    let engine = Engine::new(rules.redaction(), FingerprintKey::new(&[7; 32]));
    move |body| {
        let request = request("/", &[JSON], body.to_string().as_bytes());
        let record = engine.request(&request, Detail::WithBody, &mut Seen::default()).into_inner();
        record.body.unwrap().value()
    }
}

#[test]
fn what_a_path_of_operators_selects_goes_as_a_whole_where_another_rule_would_go_in() {
    let about = json!({"name": "sommerregen", "description": "the horse battery", "x": true});
    let own = [
        ("password", "drop"),
        ("secret", "mask"),
        ("otp", "fingerprint"),
        ("client_secret", "summarize"),
        ("credentials", "{keep_ends: {first: 1, last: 1}}"),
        ("token", "fingerprint"),
    ];
    let rule = |(name, action)| format!("- {{id: own.{name}, path: '$..{name}', do: {action}}}\n");
    let mut rules: String = own.iter().copied().map(rule).collect();
    rules.push_str(
        "- {id: in, keys: [box, bag, crate], members_but: [name], do: mask}\n\
         - {id: box, path: $.box, do: summarize}\n\
         - {id: bag, path: $.bag.x, do: drop}\n\
         - {id: crate, keys: [crate], do: summarize}\n",
    );
    let shown = shown_by(&format!("redact:\n{rules}"));
    for (name, _) in own {
        for body in [
            json!({name: about}),
            json!({name: [about]}),
            json!({name: ["sommerregen", about]}),
            json!({"api_key": {"user": {name: about}}}),
            json!({"session": {name: about}}),
        ] {
            let shown = shown(&body).to_string();
            assert!(!shown.contains("sommer") && !shown.contains("horse"), "{body}\n{shown}");
            assert!(shown.contains("redacted") || shown.contains("***"), "{body}\n{shown}");
        }
    }
    // As strict as the stricter of both, and as whole as the one that does not go in.
    let body = json!({"box": {"name": "a", "x": "b"}, "bag": {"name": "a", "x": "b", "y": 1}});
    let expected =
        json!({"box": "***", "bag": {"name": "a", "x": {"redacted": "bag"}, "y": "***"}});
    assert_eq!(shown(&body), expected);
    let body =
        json!({"box": {"crate": {"name": "a"}}, "bag": {"crate": {"name": "a"}}, "name": "a"});
    assert_eq!(shown(&body), json!({"box": "***", "bag": {"crate": "***"}, "name": "a"}));
}

#[test]
fn what_says_nothing_is_taken_out_by_rules_of_operators_alone() {
    let shown = shown_by("redact:\n- {id: own, keys: [password], do: drop}\n");
    for value in [json!(true), json!(false), json!(null)] {
        let body =
            json!({"password": value, "secret": value, "api_key": {"password": value, "x": value}});
        let own = json!({"redacted": "own"});
        let expected =
            json!({"password": own, "secret": value, "api_key": {"password": own, "x": value}});
        assert_eq!(shown(&body), expected);
    }
    let inner = json!({"api_key": {"name": "a", "password": {"name": "b", "description": "c"}}});
    let expected =
        json!({"api_key": {"name": "a", "password": {"redacted": "credential.password"}}});
    assert_eq!(shown(&inner), expected);
}

#[test]
fn fields_that_shipped_rules_leave_are_taken_by_rules_of_operators() {
    let fields = [
        ("x-partition-key", "Zq7rT2xLm9k4ppQw"),
        ("x-cache-key", "Wb3nY6cVj8h5ssDf"),
        ("cookie", "theme=dark; lang=en"),
    ];
    let dir = tempfile::tempdir().unwrap();
    let text = "redact:\n- {id: own, headers: [x-partition-key, cookie], do: fingerprint}\n";
    std::fs::write(dir.path().join("a.yaml"), text).unwrap();
    let rules = crate::rules::load(Some(dir.path()), &crate::rules::Pack::DEFAULT).unwrap();
    let engine = Engine::new(rules.redaction(), FingerprintKey::new(&[7; 32]));
    let request = request("/", &fields, b"");
    let record = engine.request(&request, Detail::WithBody, &mut Seen::default()).into_inner();
    let shown = record.headers.value();
    assert_eq!(shown["x-partition-key"], fingerprint(fields[0].1));
    assert_eq!(shown["x-cache-key"], fields[1].1);
    assert_eq!(shown["cookie"], fingerprint(fields[2].1));
}
