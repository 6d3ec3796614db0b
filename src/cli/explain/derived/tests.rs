//! Each field of an event is shown with where it came from.

use std::fs;

use serde_json::Value;

use super::super::tests::explain;

/// The value of each field of an exchange under the shipped rules, and where it came from.
fn traced(request: &str, answer: &str) -> impl Fn(&str) -> String {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("r.http"), request).unwrap();
    fs::write(dir.path().join("a.http"), answer).unwrap();
    let (_, shown) = explain(dir.path(), &["@r.http", "@a.http", "--json"]);
    let account: Value = serde_json::from_str(shown.lines().next().unwrap()).unwrap();
    let rows = account["derived"].as_array().unwrap().clone();
    move |field| {
        let row = rows.iter().find(|row| row["field"] == field);
        row.map(|row| format!("{} <- {}", row["value"], row["from"])).unwrap_or_default()
    }
}

#[test]
fn fields_are_traced_to_the_rule_that_named_the_event() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("own");
    fs::create_dir_all(&rules).unwrap();
    let text = "events:\n  - id: key.rotate\n    match: { method: POST, path: '/keys/{id}/rotate' }\n    \
                action: api_key.rotate\n    target: { type: api_key, id: '{path.id}' }\n    \
                scope: { pool: '{query.pool}' }\n";
    fs::write(rules.join("a.yaml"), text).unwrap();
    let request = "POST /keys/7/rotate?pool=blue HTTP/1.1\r\nHost: a.example\r\n\r\n";
    fs::write(dir.path().join("r.http"), request).unwrap();
    let (_, shown) = explain(dir.path(), &["@r.http", "--json", "--rules", "@own"]);
    let account: Value = serde_json::from_str(shown.lines().next().unwrap()).unwrap();
    assert_eq!(account["intent"]["rule"], "key.rotate", "{shown}");
    let from = |field: &str| {
        let rows = account["derived"].as_array().unwrap();
        rows.iter().find(|row| row["field"] == field).map(|row| row["from"].to_string())
    };
    let rows = [
        ("action", "a.yaml:2"),
        ("rule", "`/keys/{id}/rotate`"),
        ("route", "match.path `/keys/{id}/rotate`"),
        ("targets[0].type", "a.yaml:2"),
        ("targets[0].id", "`{path.id}`"),
        ("scope.pool", "`{query.pool}`"),
        ("targets[0].id", "request.path {id}"),
        ("scope.pool", "request.query.pool"),
        ("category", "convention"),
        ("description", "convention"),
        ("actor.type", "convention: the request names nobody"),
    ];
    for (field, expected) in rows {
        let from = from(field).unwrap_or_default();
        assert!(from.contains(expected), "{field}: {from}");
    }
}

#[test]
fn fields_are_traced_to_documents_actors_and_responses() {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("own");
    fs::create_dir_all(&rules).unwrap();
    let text = "openapi: [{ id: api, file: api.yaml.txt }]\nactors:\n  - { from: basic, name: '{user}!' }\n\
                events:\n  - id: own\n    match: { path: '/x/{id}' }\n    outcome:\n      \
                - { when: { status: 200, body: { '$.ok': false } }, is: failure, reason: '{response.body:$.why}' }\n";
    fs::write(rules.join("a.yaml"), text).unwrap();
    let document =
        "openapi: 3.0.0\npaths: { '/pools/{pool}/keys': { post: { operationId: issueKey } } }\n";
    fs::write(rules.join("api.yaml.txt"), document).unwrap();
    let all = |request: &str, response: &str| {
        let message = |head: &str, body: &str| {
            let length = body.len();
            format!(
                "{head}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            )
        };
        let (head, body) = request.split_once('|').unwrap();
        let head = format!("{head} HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YWRhOnB3");
        fs::write(dir.path().join("r.http"), message(&head, body)).unwrap();
        let (head, body) = response.split_once('|').unwrap();
        fs::write(dir.path().join("a.http"), message(&format!("HTTP/1.1 {head}"), body)).unwrap();
        let line = ["@r.http", "@a.http", "--json", "--rules", "@own"];
        let (_, shown) = explain(dir.path(), &line);
        let account: Value = serde_json::from_str(shown.lines().next().unwrap()).unwrap();
        let rows = account["derived"].as_array().unwrap();
        let shown = |row: &Value| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            format!("{} = {} <- {}", text("field"), text("value"), text("from"))
        };
        let root = rules.display().to_string();
        rows.iter().map(|row| shown(row).replace(&root, "own")).collect::<Vec<_>>()
    };
    let issued = all(
        "POST /pools/blue/keys|{}",
        "201 Created\r\nLocation: /pools/blue/keys/k1|{\"name\": \"ci\"}",
    );
    for expected in [
        "action = key.issue <- document api#issueKey (own/api.yaml.txt): operationId, tags and summary",
        "route = /pools/{pool}/keys <- document api#issueKey (own/api.yaml.txt): path",
        "rule = api#issueKey <- no rule takes it; this operation of a document does",
        "targets[0].type = key <- convention: the last collection of the path; request.path segment 3",
        "targets[0].id = k1 <- convention: the item that is located; response.header.location",
        "targets[0].name = ci <- convention: the name in the response; response.body $.name",
        "scope.pool = blue <- convention: an outer collection of the path, and its id; request.path segment 2",
        "outcome = success <- convention: the class of the status; response.status",
        "severity = info <- convention: how it ended; outcome",
        "actor.name = ada! <- actors rule `from: basic` at own/a.yaml:3: name `{user}!`; not proved",
    ] {
        assert!(issued.iter().any(|row| row == expected), "{expected}\n{issued:#?}");
    }
    let failed = all("PUT /x/5|{}", "200 OK|{\"ok\": false, \"why\": \"busy\"}");
    for expected in [
        "outcome = failure <- rule own at own/a.yaml:5: outcome[0]; response.status",
        "reason = busy <- rule own at own/a.yaml:5: outcome[0].reason `{response.body:$.why}`; response.body $.why",
        "action = x.update <- convention: the last collection of the path, and the method; request.path segment 1, request.method",
    ] {
        assert!(failed.iter().any(|row| row == expected), "{expected}\n{failed:#?}");
    }
    let several = all(
        "POST /graphql|{\"query\": \"mutation { a: deleteUser(id: 1) b: createTeam(name: \\\"x\\\") }\"}",
        "200 OK|{\"data\": {\"a\": {\"id\": 1}, \"b\": {\"id\": 2}}}",
    );
    let from = |field: &str| several.iter().find(|row| row.starts_with(field)).cloned();
    assert!(!from("targets[1].name = x").unwrap().contains("response"), "{several:#?}");
    assert!(from("targets[1].id = 2").unwrap().contains("response"), "{several:#?}");
    let member = all("DELETE /group/user?groupname=admins&accountId=5b10|{}", "200 OK|{}");
    let expected =
        "targets[0].id = 5b10 <- convention: the id that is sent; request.query.accountId";
    assert!(member.iter().any(|row| row == expected), "{member:#?}");
    let refused = all("DELETE /y/5|{}", "409 Conflict|{\"error\": {\"code\": \"in_use\"}}");
    let expected =
        "reason = in_use <- convention: the response's own code; response.body $.error.code";
    assert!(refused.iter().any(|row| row == expected), "{refused:#?}");
}

#[test]
fn a_rejection_is_traced_to_its_rule() {
    let body = r#"{"model":"m-1","messages":[]}"#;
    let head = format!(
        "Host: a\r\nX-Api-Key: k-0123456789\r\nX-Request-Id: r-1\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    let request = format!("POST /v1/chat/completions HTTP/1.1\r\n{head}{body}");
    let answer = "HTTP/1.1 429 No\r\nContent-Type: application/json\r\nRetry-After: 20\r\n\r\n\
                  {\"error\":{\"code\":\"rate_limit_exceeded\"}}";
    let from = traced(&request, answer);
    for (field, expected) in [
        ("action", "`rejections`: gateway.rate-limit"),
        ("action", "response.body $..['code', 'type', 'status', 'error']"),
        ("outcome", "response.body $..['code', 'type', 'status', 'error']"),
        (
            "detail.retry_after",
            "\"20\" <- \"convention: what the answer says of the limit; response.header.retry-after",
        ),
        ("actor.auth", "\"api_key\" <- "),
        ("actor.credential", "; request.header.x-api-key"),
        ("actor.verified", "\"false\" <- \"convention: no rule"),
        ("request_id", "\"r-1\" <- \"convention: the client's word; request.header.x-request-id"),
        ("rule", "this rule of `rejections`"),
        ("category", "\"gateway\" <- \"convention"),
        ("reason", "response.body $.error.code"),
        ("targets[0].id", "\"m-1\" <- \"convention: the model that is asked for"),
    ] {
        let from = from(field);
        assert!(from.contains(expected), "{field}: {from}");
    }
}

#[test]
fn each_field_of_an_act_is_traced() {
    let body = r#"{"query":"mutation{a:deleteUser(id:1){id} b:createTeam(name:\"x\"){id}}"}"#;
    let head = format!(
        "Host: a\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let request = format!("POST /graphql HTTP/1.1\r\n{head}{body}");
    let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n\
                  {\"data\":{\"a\":{\"id\":1},\"b\":null},\"errors\":[{\"path\":[\"b\"],\
                  \"message\":\"no\",\"extensions\":{\"code\":\"FORBIDDEN\"}}]}";
    let from = traced(&request, answer);
    for (field, expected) in [
        (
            "acts[0].action",
            "\"user.delete\" <- \"convention: what this part of the request asks for",
        ),
        (
            "acts[0].outcome",
            "\"success\" <- \"convention: what the answer tells of it; response.body $.data.a",
        ),
        ("acts[1].outcome", "response.body $.data.b, response.body $.errors"),
        ("acts[1].reason", "\"FORBIDDEN\" <- \"convention: what the answer tells of it"),
        ("acts[1].severity", "acts[1].outcome"),
        ("acts[1].description", "a sentence of action, targets and outcome"),
    ] {
        let from = from(field);
        assert!(from.contains(expected), "{field}: {from}");
    }
}
