//! Secrets that are told by what stands beside them: names, types, columns, words of a command; and
//! inside of YAML and GraphQL.

use super::*;

const SECRET: &str = "Zq7rT2xLm9";

fn gone(target: &str, body: &Value) -> String {
    let record = record(target, &[JSON], body.to_string().as_bytes());
    let stored = stored(&record);
    assert!(!stored.contains(SECRET), "{body}: {stored}");
    stored
}

#[test]
fn names_and_values() {
    for body in [
        json!({"fieldName": "password", "newValue": SECRET, "oldValue": SECRET}),
        json!({"field": "password", "newVal": SECRET, "oldVal": SECRET}),
        json!({"p": [{"ParameterKey": "DBPassword", "ParameterValue": SECRET}]}),
        json!({"p": [{"OptionName": "DB_PASSWORD", "Value": SECRET}]}),
        json!({"configKey": "smtp.password", "configValue": SECRET}),
        json!({"settingName": "apiToken", "settingValue": SECRET}),
        json!({"param-name": "db.password", "param-value": SECRET}),
        json!({"headerName": "Authorization", "headerValue": SECRET}),
        json!({"key": "FOO", "value": SECRET, "secured": true}),
        json!({"key": "FOO", "value": SECRET, "type": "encrypted"}),
        json!({"Name": "/prod/dsn", "Value": SECRET, "Type": "SecureString"}),
        json!({"key": "FOO", "value": SECRET, "type": "secret_text"}),
        json!({"key": "FOO", "value": SECRET, "IsSensitive": true}),
        json!({"x": format!(
            "<Attribute Name=\"userPassword\"><AttributeValue>{SECRET}</AttributeValue></Attribute>"
        )}),
        json!({"key": "L2FwcC9kYl9wYXNzd29yZA==", "value": SECRET}),
        json!({"success": [{"requestPut": {"key": "YXBpL3NpZ25pbmdfc2VjcmV0", "value": SECRET}}]}),
        json!({"columns": ["id", "password"], "rows": [[1, SECRET], [2, SECRET]]}),
        json!({"fields": [{"name": "api_token"}, {"name": "id"}], "data": [[SECRET, 1]]}),
        json!({"args": ["curl", "-u", format!("ada:{SECRET}"), "https://h"]}),
        json!({"args": ["mysql", "-h", "db", format!("-p{SECRET}")]}),
        json!({"displayName": "VPN password", "omaUri": "./Vendor/p/Password", "value": SECRET}),
        json!({"x": format!("<p><name value=\"password\"/><valueString value=\"{SECRET}\"/></p>")}),
    ] {
        gone("/x", &body);
    }
    for body in [
        json!({"fieldName": "title", "newValue": "new", "oldValue": "old"}),
        json!({"ParameterKey": "Size", "ParameterValue": "t3.large"}),
        json!({"key": "L2FwcC9kYl9uYW1lLzE=", "value": "Zm9vYmFyYmF6cXV4"}),
        json!({"columns": ["id", "name"], "rows": [[1, "Zoe"]]}),
        json!({"key": "FOO", "value": "x y", "type": "string", "secured": false}),
        json!({"displayName": "VPN server", "omaUri": "./Vendor/p/Servers", "value": "vpn-1"}),
        json!({"name": {"value": "color"}, "valueString": {"value": "teal"}}),
        json!({"args": ["docker", "run", "--user", "1000:1000", "-p", "8080:80", "nginx"]}),
    ] {
        let record = record("/x", &[JSON], body.to_string().as_bytes());
        assert_eq!(record.body.map(|record| record.value()), Some(body));
    }
}

#[test]
fn yaml_and_ldif_in_strings() {
    for text in [
        format!("auth:\n  apiToken: {SECRET}\n"),
        format!("# values\n---\nauth:\n  env:\n  - name: DB_PASSWORD\n    value: {SECRET}\n"),
        format!("services:\n  w:\n    environment:\n      JWT_SECRET: {SECRET}\n"),
        format!("apiVersion: v1\nkind: Secret\nstringData:\n  x: {SECRET}\n"),
        format!("a: 1\ndb:\n  password: |\n    {SECRET}\n    {SECRET}\n"),
        format!("dn: cn=ada\nuserPassword: {SECRET}\n"),
        format!("say userPassword:: {SECRET}"),
    ] {
        gone("/x", &json!({ "content": text }));
    }
    // Of what is base64 in LDIF, lines may be folded.
    let folded = "dn: cn=ada\ncn: ada\nuserPassword:: YWJjZGVmZ2\n hpamtsbW5v\n";
    let record = record("/x", &[JSON], json!({ "content": folded }).to_string().as_bytes());
    let shown = record.body.unwrap().value();
    let inner: Value = serde_json::from_str(shown["content"].as_str().unwrap()).unwrap();
    assert_eq!(
        inner,
        json!({"cn": "ada", "dn": "cn=ada", "userPassword": {"redacted": "credential.password"}})
    );
    let text = "auth:\n  policy:   strict # of 2025\n  names: [a, b]\n";
    let body = json!({ "content": text });
    let record = super::record("/x", &[JSON], body.to_string().as_bytes());
    assert_eq!(record.body.map(|record| record.value()), Some(body));
}

#[test]
fn graphql_defaults_aliases_and_answers() {
    let default =
        format!("mutation($p: String = \"{SECRET}\") {{ setUser(password: $p) {{ id }} }}");
    gone("/graphql", &json!({ "query": default }));
    let long = "q7Rt2xZp0Lm4Vb9Kq7Rt2xZp0Lm4";
    for (query, answer, shown) in [
        (
            "mutation { login(user: \"a\") { t: accessToken } }",
            json!({"login": {"t": long}}),
            false,
        ),
        ("mutation { k: createKey { v: secret } }", json!({"k": {"v": long}}), false),
        ("mutation { login(user: \"a\") }", json!({"login": long}), false),
        ("{ t: title }", json!({"t": long}), true),
    ] {
        let body = json!({ "query": query }).to_string();
        let (_, answer) = exchange(
            &request("/graphql", &[JSON], body.as_bytes()),
            &response(&[JSON], json!({ "data": answer }).to_string().as_bytes()),
        );
        assert_eq!(stored_response(&answer).contains(long), shown, "{query}");
    }
}

#[test]
fn calls_that_sign_in_are_answered_with_a_session() {
    let xml = ("content-type", "text/xml");
    let call = |name: &str| {
        format!(
            "<methodCall><methodName>{name}</methodName><params><param><value>ada</value></param>\
             </params></methodCall>"
        )
    };
    let answer = |value: &str| {
        format!(
            "<methodResponse><params><param><value>{value}</value></param></params></methodResponse>"
        )
    };
    let session = "200x7f4b21c9";
    let status = "<struct><member><name>Status</name><value>Success7</value></member>\
                  <member><name>Value</name><value>200x7f4b21c9</value></member></struct>";
    for (name, value, shown) in [
        ("auth.login", "<string>200x7f4b21c9</string>", false),
        ("login", session, false),
        ("session.login_with_password", status, false),
        ("system.getVersion", session, true),
    ] {
        let (_, answered) = exchange(
            &request("/rpc", &[xml], call(name).as_bytes()),
            &response(&[xml], answer(value).as_bytes()),
        );
        let text = stored_response(&answered);
        assert_eq!(text.contains(session), shown, "{name} {text}");
        assert_eq!(text.contains("Success7"), value == status, "{name} {text}");
    }
    for (method, result, shown) in [
        ("session.login", json!("OpaqueRef:0f8fad5b-d9cb-469f-a165-70867728950e"), false),
        ("auth.login", json!(true), true),
        ("auth.login", json!("welcome back"), true),
        ("item.get", json!("OpaqueRef:0f8fad5b-d9cb-469f-a165-70867728950e"), true),
    ] {
        let sent = json!({"method": method, "params": ["ada", "x"]}).to_string();
        let answered = json!({"result": result}).to_string();
        let (_, answered) = exchange(
            &request("/jsonrpc", &[JSON], sent.as_bytes()),
            &response(&[JSON], answered.as_bytes()),
        );
        let text = stored_response(&answered);
        let kept = text.contains(result.as_str().unwrap_or("true"));
        assert_eq!(kept, shown, "{method} {text}");
    }
}

#[test]
fn names_beside_values_in_validations_and_settings() {
    for body in [
        json!([{"loc": ["body", "password"], "msg": "too short", "input": SECRET}]),
        json!([{"field": "password", "rejectedValue": SECRET}]),
        json!([{"instancePath": "/password", "data": SECRET}]),
        json!([{"identifier": "password", "input": SECRET}]),
        json!([{"env": "DB_PASSWORD", "val": SECRET}]),
        json!([{"n": "password", "v": SECRET}]),
    ] {
        gone("/x", &body);
    }
    for body in [
        json!([{"loc": ["body", "age"], "msg": "too small", "input": 3}]),
        json!([{"loc": ["body", "password"], "msg": "missing", "input": {"user": "ada"}}]),
        json!([{"env": "production", "val": "x1y2z3"}]),
        json!([{"n": "lines", "v": "12"}]),
    ] {
        let record = record("/x", &[JSON], body.to_string().as_bytes());
        assert_eq!(record.body.map(|record| record.value()), Some(body));
    }
}

/// What is recorded of a body is the body.
fn stays(target: &str, body: Value) {
    let record = record(target, &[JSON], body.to_string().as_bytes());
    assert_eq!(record.body.map(|record| record.value()), Some(body));
}

#[test]
fn flags_and_types_say_that_a_value_is_secret() {
    for (name, said) in [
        ("hidden", json!(true)),
        ("secure", json!(true)),
        ("writeOnly", json!(true)),
        ("is_secret", json!(1)),
        ("secret", json!("yes")),
        ("isPassword", json!(true)),
        ("private", json!("true")),
        ("masked_and_hidden", json!(true)),
        ("visibility", json!("SECRET")),
        ("kind", json!("secret")),
        ("inputType", json!("password")),
        ("type", json!("hidden")),
    ] {
        gone("/x", &json!({"key": "FOO", "value": SECRET, name: said}));
    }
    for held in ["defaultValue", "answer", "current", "content"] {
        gone("/x", &json!({"name": "FOO", "type": "password", held: SECRET}));
    }
    stays("/x", json!({"key": "FOO", "value": "Berlin", "hidden": true}));
    stays("/x", json!({"key": "FOO", "value": 8443, "secure": true}));
    stays("/x", json!({"key": "FOO", "value": SECRET, "hidden": false}));
    stays("/x", json!({"visibility": "private", "value": "v1.2.0", "key": "FOO"}));
    stays("/x", json!({"type": "password", "text": "Enter your new password", "name": "p"}));
    stays("/x", json!({"encrypted": true, "from": "ada", "to": "bob", "subject": "Hi"}));
}

#[test]
fn names_beside_values_under_other_words() {
    for (name, value) in [
        ("variable", "contents"),
        ("meta_key", "meta_value"),
        ("column", "value"),
        ("field_id", "value"),
        ("internal_name", "value"),
        ("var", "value"),
        ("tag", "value"),
        ("header", "value"),
    ] {
        gone("/x", &json!({"items": [{name: "smtp_password", value: SECRET}]}));
    }
    gone("/x", &json!([{"attribute": "password", "previousValue": SECRET, "newValue": SECRET}]));
    gone("/x", &json!([{"path": "db.password", "before": SECRET, "after": SECRET}]));
    stays("/x", json!([{"path": "src/token.rs", "before": "0a1b2c3d", "after": "4e5f6a7b"}]));
    stays("/x", json!([{"op": "move", "path": "/db/host", "from": "/db/old-host"}]));
}

#[test]
fn columns_beside_above_and_inside_of_rows() {
    for body in [
        json!({"schema": {"fields": [{"name": "user"}, {"name": "password"}]}, "data": [["ada", SECRET]]}),
        json!({"fields": ["user", "password"], "values": ["ada", SECRET]}),
        json!({"range": "A1:B2", "values": [["user", "password"], ["ada", SECRET]]}),
        json!({"values": [["password", "user", "id"], [SECRET, "ada", 1]]}),
    ] {
        assert!(gone("/x", &body).contains("ada"));
    }
    stays("/x", json!({"values": [["alice", "secrets", "read"], ["bob", "tokens", "write"]]}));
    stays("/x", json!({"values": [["a", "b"], ["c", "d"]], "fields": ["x", "y"]}));
}

#[test]
fn parameters_of_queries() {
    let sql = "UPDATE users SET password = ? WHERE id = ?";
    for body in [
        json!([[sql, SECRET, 7]]),
        json!([["INSERT INTO u (name, password) VALUES (:n, :p)", {"n": "ada", "p": SECRET}]]),
        json!({"stmt": {"sql": sql, "args": [{"type": "text", "value": SECRET}, {"type": "integer", "value": "7"}]}}),
        json!({"sql": sql, "params": [SECRET, "7"]}),
        json!({"sql": sql, "params": [[SECRET, "7"], [SECRET, "8"]]}),
        json!({"sql": "UPDATE u SET password = :p", "parameters": [{"name": "p", "value": {"stringValue": SECRET}}]}),
        json!({"statement": sql, "bindings": {"1": {"type": "TEXT", "value": SECRET}}}),
        json!({"statement": "CREATE (u {password:$p})", "parameters": {"n": "ada", "p": SECRET}}),
        json!({"query": "UPDATE '7' WITH {password: @p} IN users", "bindVars": {"p": SECRET}}),
        json!({"UpdateExpression": "SET password = :v", "ExpressionAttributeValues": {":v": {"S": SECRET}}}),
        json!({"script": {"source": "ctx._source.password = params.p", "params": {"p": SECRET}}}),
    ] {
        gone("/x", &body);
    }
    stays("/x", json!({"sql": "UPDATE users SET city = ? WHERE id = ?", "params": ["Berlin", 7]}));
    stays("/x", json!(["SELECT * FROM t WHERE city = ?", "Berlin"]));
    stays("/x", json!(["select a colour", "blue"]));
}

#[test]
fn calls_without_names_for_what_they_are_given() {
    gone("/hub", &json!({"type": 1, "target": "Login", "arguments": ["ada", SECRET]}));
    gone("/r", &json!({"action": "Auth", "method": "login", "data": ["ada", SECRET], "tid": 1}));
    gone("/login", &json!(["ada", SECRET]));
    gone("/settings/password", &json!([SECRET, SECRET]));
    stays("/x", json!({"target": "tokens/sync", "args": ["a", "b"]}));
    stays("/x", json!({"method": "tokens.list", "data": ["a", "b"]}));
}

#[test]
fn users_and_passwords_in_base64() {
    use base64::Engine as _;
    let pair = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    gone(
        "/x",
        &json!({"entry": pair(&format!("ada:{SECRET}")), "note": format!("it is {SECRET}")}),
    );
    let encoded = pair("ada:Zq7rT2xLm9");
    let record = record("/x", &[JSON], json!({ "entry": encoded }).to_string().as_bytes());
    assert!(!stored(&record).contains(&encoded));
    for (name, text) in [
        ("node", "User:42ab7cD9"),
        ("owner_id", "user:V1StGXR8Z5jdHi6B"),
        ("endCursor", "cursor:Zq7rT2xLm9"),
        ("at", "created:2026-01-01"),
        ("x", "post:clx9abcd1234"),
    ] {
        stays("/x", json!({name: pair(text)}));
    }
}

#[test]
fn passwords_that_come_back_in_one_case() {
    for shown in ["ZQ7RT2XLM9", "zq7rt2xlm9"] {
        let (_, answer) = exchange(
            &request("/x", &[JSON], json!({ "password": SECRET }).to_string().as_bytes()),
            &response(&[JSON], json!({"error": format!("{shown} refused")}).to_string().as_bytes()),
        );
        assert!(!stored_response(&answer).contains(shown), "{shown}");
    }
}

#[test]
fn fields_that_are_called_keys() {
    let key = "Zq7rT2xLm9k4ppQw8nVb";
    for (name, shown) in [
        ("x-acme-key", false),
        ("key", false),
        ("x-original-cookie", true),
        ("authorisation", false),
        ("idempotency-key", true),
        ("x-idempotency-key", true),
        ("sec-websocket-key", true),
    ] {
        let record = record("/x", &[(name, key)], b"");
        assert_eq!(stored(&record).contains(key), shown, "{name}");
    }
    let record = record("/x", &[("x-original-cookie", "theme=Zq7rT2xLm9k4ppQw8nVb")], b"");
    assert!(!stored(&record).contains(key));
}

#[test]
fn names_of_secrets_that_name_other_things() {
    stays("/x", json!({"results": {"pass": 120, "fail": 3}}));
    stays("/x", json!({"device": "relay", "pin": 17, "mode": "out"}));
    stays("/x", json!({"address": {"city": "Bengaluru", "pincode": "560001"}}));
    stays("/x", json!({"mnemonic": "ADD", "pwd": "/home/ada"}));
    stays("/x", json!({"passwordResetUrl": "https://x.example/reset"}));
    let words = "legal winner thank year wave sausage worth useful legal winner thank yellow";
    for body in [
        json!({"pin": 4711, "x": 1}),
        json!({"pincode": "560001"}),
        json!({"pwd": "/Zq7rT2xLm9"}),
        json!({"mnemonic": words}),
        json!({"pass": "120"}),
        json!({"passwordResetUrl": "https://x.example/reset/Zq7rT2xLm9"}),
    ] {
        let record = record("/x", &[JSON], body.to_string().as_bytes());
        assert_ne!(record.body.map(|record| record.value()), Some(body));
    }
}

#[test]
fn calls_that_make_a_secret_are_answered_with_it() {
    let (hex, made) = ("0424bd59b807674191e7d77572075f33", "f3Kq9ZpL2vXw8RtY5nBd");
    for (method, params, result, shown) in [
        ("user.login", json!({"username": "Admin", "password": "zabbixpw1"}), json!(hex), false),
        ("auth.getToken", json!([]), json!(made), false),
        ("createToken", json!({"name": "x"}), json!(made), false),
        ("auth.generate_token", json!([60]), json!(made), false),
        ("core.get_session", json!([]), json!(hex), false),
        ("getSecret", json!(["x"]), json!(made), false),
        ("generatePassword", Value::Null, json!(made), false),
        ("addApiKey", json!({}), json!({"key": made}), false),
        ("apikey.create", json!({}), json!({"id": 7, "data": {"value": made}}), false),
        ("generateTokens", json!({"count": 2}), json!([made]), false),
        ("createToken", json!({}), json!("2026-11-22T10:00:00Z"), true),
        ("deleteToken", json!({}), json!(made), true),
        ("user.get", json!({}), json!(hex), true),
        ("addApiKey", json!({}), json!({"key": "ci-deploy-2026", "id": hex}), true),
    ] {
        let mut sent = json!({"jsonrpc": "2.0", "id": 1, "method": method});
        if params != Value::Null {
            sent["params"] = params;
        }
        let one = json!({"jsonrpc": "2.0", "id": 1, "result": result});
        for (sent, answer) in
            [(sent.clone(), one.clone()), (json!([sent, sent]), json!([{"result": 1}, one]))]
        {
            let (_, recorded) = exchange(
                &request("/rpc", &[JSON], sent.to_string().as_bytes()),
                &response(&[JSON], answer.to_string().as_bytes()),
            );
            let body = recorded.body.as_ref().map(|body| body.value());
            assert_eq!(body == Some(answer), shown, "{method} {}", stored_response(&recorded));
            let text = stored_response(&recorded);
            assert!(shown || !text.contains(hex) && !text.contains(made), "{text}");
        }
    }
}

#[test]
fn rows_and_values_are_told_by_the_names_before_them() {
    let gone = json!({"redacted": "credential.password"});
    for (body, expected) in [
        (
            json!({"data": [["user", "password"], ["ada", "Winter2026!"]]}),
            json!({"data": [["user", "password"], ["ada", gone]]}),
        ),
        (
            json!({"keys": ["user", "password"], "values": ["ada", "Winter2026!"]}),
            json!({"keys": ["user", "password"], "values": ["ada", gone]}),
        ),
        (
            json!({"keys": ["user", "password"], "values": [["ada", "Winter2026!"]]}),
            json!({"keys": ["user", "password"], "values": [["ada", gone]]}),
        ),
    ] {
        let shown = record("/", &[JSON], body.to_string().as_bytes()).body.unwrap().value();
        assert_eq!(shown, expected);
    }
    for body in [
        json!({"data": [["day", "count"], ["2026-11-22", 5]]}),
        json!({"data": [["password", "secret"], ["read", "write"]]}),
        json!({"data": [["password_policy", "min_length"], ["strict", "12"]]}),
        json!({"keys": ["user", "city"], "values": ["ada", "Bern 2026!"]}),
        json!({"keys": ["password"], "values": ["ada", "Bern 2026!"]}),
    ] {
        let shown = record("/", &[JSON], body.to_string().as_bytes()).body.unwrap().value();
        assert_eq!(shown, body);
    }
}
