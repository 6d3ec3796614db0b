//! Calls and commands whose method says that a secret is set.

use super::*;

const SECRET: &str = "hunter2x9K";

fn call(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

#[test]
fn methods_name_what_their_parameters_are() {
    let token = "Zk9xQ2pLw8Tr";
    let commands = json!({"action": "set_secret", "data": {"name": "DB", "value": SECRET}});
    for (target, body) in [
        ("/rpc", call("user.setPassword", json!({"user": 5, "value": SECRET}))),
        ("/rpc", call("changePassword", json!({"user": 5, "old": "x", "new": SECRET}))),
        ("/rpc", call("auth.changePassword", json!({"from": "x", "to": SECRET}))),
        ("/rpc", call("user.password.change", json!({"value": SECRET}))),
        ("/rpc", call("secret.set", json!({"name": "DB", "value": SECRET}))),
        ("/rpc", call("secrets.create", json!({"name": "DB", "data": SECRET}))),
        ("/rpc", call("secrets.create", json!({"name": "DB", "data": {"x": SECRET}}))),
        ("/rpc", call("vault.write", json!({"path": "a", "value": SECRET}))),
        ("/rpc", call("set_pin", json!({"user": 5, "new": SECRET}))),
        ("/rpc", call("user.update", json!([5, "password", SECRET]))),
        (
            "/rpc",
            json!([call("user.setName", json!({})), call("setPin", json!({"value": SECRET}))]),
        ),
        ("/api", json!({"action": "setPassword", "user": 5, "value": SECRET})),
        ("/api", commands),
        ("/api?method=setPassword", json!({"user": 5, "value": SECRET})),
        ("/api?cmd=set_secret&value=hunter2x9K", json!({})),
    ] {
        let stored = stored(&record(target, &[JSON], body.to_string().as_bytes()));
        assert!(!stored.contains(SECRET), "{target} {body}\n{stored}");
    }
    for (method, params) in [
        ("setApiKey", json!({"provider": "openai", "value": token})),
        ("token.revoke", json!({"value": token})),
        ("updateCredentials", json!({"id": 1, "value": token})),
    ] {
        let record = record("/rpc", &[JSON], call(method, params).to_string().as_bytes());
        let value = &record.body.unwrap().value()["params"]["value"];
        assert_eq!(value["fingerprint"], fingerprint(token), "{method} {value}");
    }
    let form = format!("action=setPassword&user=5&value={SECRET}");
    assert!(!stored(&record("/api", &[FORM], form.as_bytes())).contains(SECRET));
}

#[test]
fn parameters_of_other_calls_stay() {
    for (target, body) in [
        ("/rpc", call("token.list", json!({"from": "2026-01-01", "to": "2026-02-01"}))),
        ("/rpc", call("apiKey.rename", json!({"id": 5, "old": "ci", "new": "ci-deploy-2"}))),
        ("/rpc", call("apiKey.setName", json!({"id": 5, "value": "ci-deploy"}))),
        ("/rpc", call("token.setTtl", json!({"value": 3600}))),
        ("/rpc", call("tokens.count", json!({"value": "hunter2x9K", "text": "Hello you"}))),
        ("/rpc", call("user.setPasswordPolicy", json!({"value": "strict-2026"}))),
        ("/rpc", call("secrets.create", json!({"name": "DB", "description": "Of the shop"}))),
        ("/rpc", call("user.setName", json!({"value": "Ada"}))),
        ("/rpc", call("user.update", json!([5, "password_policy", "strict1"]))),
        ("/rpc", call("user.update", json!([5, "name", "Ada 2"]))),
        ("/rpc", call("token_transfer", json!({"to": "bob2026abcd", "value": "0xde0b6b3a764"}))),
        ("/hooks", json!({"action": "token.created", "data": {"id": 5, "name": "ci"}})),
        ("/hooks", json!({"action": "password.changed", "text": "It was changed", "user": 5})),
        ("/api", json!({"action": "deleteUser", "params": {"id": 5, "value": "x1"}})),
        ("/api", json!({"op": "replace", "path": "/name", "value": "Ada"})),
        ("/api?action=setTheme", json!({"value": "dark"})),
        ("/audit", json!({"action": "token_refreshed", "value": "ok", "to": "ada@example.com"})),
    ] {
        let record = record(target, &[JSON], body.to_string().as_bytes());
        assert_eq!(record.body.map(|shown| shown.value()).as_ref(), Some(&body), "{target}");
    }
}
