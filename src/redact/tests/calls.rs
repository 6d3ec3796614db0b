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
        ("/rpc", call("updateCredentials", json!({"id": 1, "value": SECRET}))),
        ("/rpc", call("variables.set", json!({"name": "DB", "value": SECRET}))),
        ("/rpc", call("setEnvVars", json!({"project": 5, "vars": {"DB": SECRET}}))),
        ("/rpc", call("saveEnvVars", json!([{"key": "DB", "value": SECRET}]))),
        ("/rpc", call("secrets.create", json!({"items": [{"name": "DB", "value": SECRET}]}))),
        ("/api/variables.set", json!({"name": "DB", "value": SECRET})),
        ("/api/trpc/env_vars.upsert", json!({"json": {"key": "DB", "value": SECRET}})),
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
        ("/rpc", call("createTemplateVariable", json!({"name": "env", "value": "prod-1"}))),
        ("/rpc", call("variables.list", json!({"value": "prod-1", "from": "a"}))),
        (
            "/rpc",
            call("secrets.create", json!({"name": "DB", "labels": [{"key": "a", "value": "b1"}]})),
        ),
        ("/api/settings.theme", json!({"name": "theme", "value": "dark"})),
        ("/audit", json!({"action": "token_refreshed", "value": "ok", "to": "ada@example.com"})),
    ] {
        let record = record(target, &[JSON], body.to_string().as_bytes());
        assert_eq!(record.body.map(|shown| shown.value()).as_ref(), Some(&body), "{target}");
    }
}

/// A request of GraphQL for a mutation with one input.
fn mutation(field: &str, input: Value) -> Value {
    let query = format!("mutation M($input: I!) {{ {field}(input: $input) {{ id }} }}");
    json!({"query": query, "variables": {"input": input}})
}

#[test]
fn inputs_of_mutations_are_gone_into() {
    for (field, input) in [
        ("createApiToken", json!({"name": "ci", "scopes": ["repo:read"], "ttl": 60})),
        ("deleteSecret", json!({"name": "DB_URL", "environment": "prod"})),
        ("sendPasswordResetEmail", json!({"userId": "u_7"})),
        (
            "createApiKey",
            json!({"name": "ci", "role": "admin", "tags": [{"key": "a", "value": "b"}]}),
        ),
        ("createTemplateVariable", json!({"name": "env", "value": "prod-1"})),
    ] {
        let body = mutation(field, input);
        let record = record("/graphql", &[JSON], body.to_string().as_bytes());
        assert_eq!(record.body.map(|shown| shown.value()).as_ref(), Some(&body), "{field}");
    }
    for (field, input) in [
        ("createSecret", json!({"name": "DB_URL", "value": SECRET})),
        ("createSecret", json!({"secrets": [{"name": "DB_URL", "value": SECRET}], "id": "DB_URL"})),
        ("variableUpsert", json!({"projectId": "DB_URL", "value": SECRET})),
        ("variableCollectionUpsert", json!({"projectId": "DB_URL", "variables": {"A": SECRET}})),
        ("setEnvironmentVariables", json!([{"name": "DB_URL", "value": SECRET}])),
        ("changePassword", json!({"userId": "DB_URL", "old": "x9", "new": SECRET})),
    ] {
        let body = mutation(field, input);
        let stored = stored(&record("/graphql", &[JSON], body.to_string().as_bytes()));
        assert!(!stored.contains(SECRET) && stored.contains("DB_URL"), "{field}\n{stored}");
    }
}

#[test]
fn literals_of_mutations_are_told_as_their_inputs_are() {
    for query in [
        r#"mutation { variableUpsert(input: {projectId: "p1", name: "DB_URL", value: "hunter2x9K"}) }"#,
        r#"mutation { setEnvVars(projectId: "p1", vars: {DB_URL: "hunter2x9K"}) }"#,
        r#"mutation { setEnvVars(id: "p1", vars: [{key: "DB_URL", value: "hunter2x9K"}]) }"#,
    ] {
        let body = json!({"query": query}).to_string();
        let stored = stored(&record("/graphql", &[JSON], body.as_bytes()));
        assert!(!stored.contains(SECRET) && stored.contains("DB_URL"), "{query}\n{stored}");
    }
}

#[test]
fn calls_of_a_batch_are_told_apart() {
    let body = json!({"0": {"json": {"userId": 5, "value": SECRET}}, "1": {"json": {"id": 5, "value": "x-7"}}});
    for path in ["user.setPassword,user.setTheme", "secret.create%2Cproject.update"] {
        let target = format!("/api/trpc/{path}?batch=1");
        let shown = record(&target, &[JSON], body.to_string().as_bytes()).body.unwrap().value();
        assert!(!shown.to_string().contains(SECRET), "{path} {shown}");
        assert_eq!(shown["0"]["json"]["userId"], 5);
        assert_eq!(shown["1"], body["1"], "{path}");
    }
    let other = json!({"0": {"value": "x-7"}});
    let record = record("/api/tags/blue,green", &[JSON], other.to_string().as_bytes());
    assert_eq!(record.body.map(|shown| shown.value()), Some(other));
}

#[test]
fn commands_in_lists_are_read_as_those_in_texts() {
    for command in [
        json!(["AUTH", "ada", SECRET]),
        json!({"command": ["ACL", "SETUSER", "ada", "on", format!(">{SECRET}")]}),
        json!({"args": ["CONFIG", "SET", "requirepass", SECRET]}),
    ] {
        let stored = stored(&record("/api/command", &[JSON], command.to_string().as_bytes()));
        assert!(!stored.contains(SECRET), "{stored}");
    }
    let roles = json!(["ACL", "READ", "WRITE"]);
    let record = record("/api/roles", &[JSON], roles.to_string().as_bytes());
    assert_eq!(record.body.map(|shown| shown.value()), Some(roles));
}
