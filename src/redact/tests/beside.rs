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
    ] {
        gone("/x", &body);
    }
    for body in [
        json!({"fieldName": "title", "newValue": "new", "oldValue": "old"}),
        json!({"ParameterKey": "Size", "ParameterValue": "t3.large"}),
        json!({"key": "L2FwcC9kYl9uYW1lLzE=", "value": "Zm9vYmFyYmF6cXV4"}),
        json!({"columns": ["id", "name"], "rows": [[1, "Zoe"]]}),
        json!({"key": "FOO", "value": "x y", "type": "string", "secured": false}),
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
    let text = "auth:\n  policy:   strict # of 2025\n  names: [a, b]\n";
    let body = json!({ "content": text });
    let record = record("/x", &[JSON], body.to_string().as_bytes());
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
