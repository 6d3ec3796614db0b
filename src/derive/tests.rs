//! The convention by tables: `tests/data/derive/*.json`.

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::graphql::Operation;
use super::naming::naming;
use super::text::CHARS_MAX;
use super::words::{plural, singular, snake};
use super::{Ended, Naming, Rejected, Verdict, rejected};
use crate::record::{
    Actor, ActorKind, Outcome, RequestRecord, ResponseRecord, Scope, Severity, Target,
};

/// A request, and what is expected of its name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    #[serde(rename = "do")]
    line: String,
    #[serde(default)]
    headers: Value,
    query: Option<Value>,
    content_type: Option<String>,
    body: Option<Value>,
    action: String,
    route: Option<String>,
    /// `type|id|name`, several by commas.
    target: String,
    #[serde(default)]
    scope: Scope,
    category: Option<String>,
    says: Option<String>,
}

fn request(line: &str) -> RequestRecord {
    let (method, path) = line.split_once(' ').expect("a method and a path");
    RequestRecord { method: method.to_owned(), path: path.to_owned(), ..RequestRecord::default() }
}

fn shown(targets: &[Target]) -> String {
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let one = |target: &Target| {
        let text = format!("{}|{}|{}", target.kind, part(&target.id), part(&target.name));
        text.trim_end_matches('|').to_owned()
    };
    targets.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Judged without a rule.
pub(super) fn outcome(naming: &Naming, ended: Ended<'_>) -> Verdict {
    super::outcome(naming, &RequestRecord::default(), &nobody(), ended)
}

fn nobody() -> Actor {
    Actor::unknown(ActorKind::Anonymous)
}

#[test]
fn requests_are_named_by_convention() {
    let tables = [
        include_str!("../../tests/data/derive/rabbitmq.json"),
        include_str!("../../tests/data/derive/conventions.json"),
        include_str!("../../tests/data/derive/known-apis.json"),
    ];
    let mut wrong = Vec::new();
    for row in tables.iter().flat_map(|text| serde_json::from_str::<Vec<Row>>(text).unwrap()) {
        let naming = naming(&RequestRecord {
            headers: row.headers.into(),
            query: row.query.map(Into::into),
            content_type: row.content_type,
            body: row.body.map(Into::into),
            ..request(&row.line)
        });
        let mut check = |what: &str, is: &str, expected: &str| {
            if is != expected {
                wrong.push(format!("{}: {what} is `{is}`, expected `{expected}`", row.line));
            }
        };
        check("action", &naming.action, &row.action);
        check("target", &shown(&naming.targets), &row.target);
        check("scope", &json!(naming.scope).to_string(), &json!(row.scope).to_string());
        if let Some(route) = &row.route {
            check("route", naming.route.as_deref().unwrap_or_default(), route);
        }
        if let Some(category) = &row.category {
            check("category", &naming.category, category);
        }
        if let Some(says) = &row.says {
            check("description", &naming.description, says);
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn named(line: &str, body: Value) -> Naming {
    let body = (!body.is_null()).then(|| body.into());
    naming(&RequestRecord { body, ..request(line) })
}

fn response(status: u16, body: Value) -> ResponseRecord {
    let body = (!body.is_null()).then(|| body.into());
    ResponseRecord { status, body, headers: json!({}).into(), ..ResponseRecord::default() }
}

#[test]
fn outcomes_follow_the_response() {
    let key = || named("POST /pools/blue/api-keys", json!({"name": "ci deploy"}));
    #[rustfmt::skip]
    let rows = [
        (101, Value::Null, Outcome::Success, None, "API key “ci deploy” created in pool blue"),
        (200, Value::Null, Outcome::Success, None, "API key “ci deploy” created in pool blue"),
        (204, Value::Null, Outcome::Success, None, "API key “ci deploy” created in pool blue"),
        (302, Value::Null, Outcome::Unknown, Some("redirect_unclear"), "Create API key “ci deploy”: outcome unknown (redirect_unclear)"),
        (304, Value::Null, Outcome::Unknown, Some("http_304"), "Create API key “ci deploy”: outcome unknown (http_304)"),
        (400, json!({"error": {"code": "name_taken"}}), Outcome::Failure, Some("name_taken"), "API key “ci deploy” could not be created (name_taken)"),
        (400, json!({"error": "bad_request", "reason": "no"}), Outcome::Failure, Some("bad_request"), "API key “ci deploy” could not be created (bad_request)"),
        (400, json!({"error": "This is a sentence."}), Outcome::Failure, Some("http_400"), "API key “ci deploy” could not be created (http_400)"),
        (409, Value::Null, Outcome::Failure, Some("http_409"), "API key “ci deploy” could not be created (http_409)"),
        (409, json!({"code": "409"}), Outcome::Failure, Some("http_409"), "API key “ci deploy” could not be created (http_409)"),
        (401, Value::Null, Outcome::Denied, Some("http_401"), "Create API key “ci deploy”: refused (http_401)"),
        (403, Value::Null, Outcome::Denied, Some("http_403"), "Create API key “ci deploy”: refused (http_403)"),
        (407, Value::Null, Outcome::Denied, Some("http_407"), "Create API key “ci deploy”: refused (http_407)"),
        (429, Value::Null, Outcome::Failure, Some("http_429"), "API key “ci deploy” could not be created (http_429)"),
        (500, Value::Null, Outcome::Failure, Some("http_500"), "API key “ci deploy” could not be created (http_500)"),
        (999, Value::Null, Outcome::Unknown, Some("http_999"), "Create API key “ci deploy”: outcome unknown (http_999)"),
    ];
    for (status, body, expected, reason, says) in rows {
        let verdict = outcome(&key(), Ended::Response(&response(status, body)));
        assert_eq!(verdict.outcome, expected, "{status}");
        assert_eq!(verdict.reason.as_deref(), reason, "{status}");
        assert_eq!(verdict.description, says, "{status}");
        let severity = match expected {
            Outcome::Success => Severity::Info,
            Outcome::Denied => Severity::Warn,
            Outcome::Failure | Outcome::Unknown => Severity::Fail,
        };
        assert_eq!(verdict.severity, severity, "{status}");
    }
}

#[test]
fn outcomes_without_a_response() {
    let rows = [
        (Ended::NotSent, Outcome::Failure, "not_sent"),
        (Ended::ClientAborted, Outcome::Failure, "client_aborted"),
        (Ended::UpstreamLost, Outcome::Unknown, "upstream_lost"),
        (Ended::UpstreamTimeout, Outcome::Unknown, "upstream_timeout"),
        (Ended::UpstreamInvalid, Outcome::Unknown, "upstream_invalid"),
    ];
    let naming = named("DELETE /users/5", Value::Null);
    for (ended, expected, reason) in rows {
        let verdict = outcome(&naming, ended);
        assert_eq!((verdict.outcome, verdict.reason.as_deref()), (expected, Some(reason)));
        assert_eq!(verdict.severity, Severity::Fail);
    }
    let verdict = outcome(&naming, Ended::UpstreamLost);
    assert_eq!(verdict.description, "Delete user 5: outcome unknown (upstream_lost)");
}

#[test]
fn responses_complete_the_target() {
    let located = |status, location: &str| ResponseRecord {
        headers: json!({"location": location}).into(),
        ..response(status, Value::Null)
    };
    #[rustfmt::skip]
    let rows = [
        ("POST /api-keys", response(201, json!({"id": "key_1", "name": "ci"})), Some("api_key|key_1|ci"), None, "API key “ci” created"),
        ("POST /api-keys", response(201, json!({"data": {"id": 7}})), Some("api_key|7"), None, "API key 7 created"),
        ("POST /users", located(201, "https://h.example/api/users/alice"), Some("user|alice"), None, "User “alice” created"),
        ("POST /admin/auth/user/add/", located(302, "/admin/auth/user/5/change/"), Some("user|5"), None, "User 5 created"),
        ("POST /users", located(302, "/welcome"), None, None, "User created"),
        ("PUT /api/users/alice", response(201, Value::Null), None, Some("user.create"), "User “alice” created"),
        ("PUT /api/users/alice", response(204, Value::Null), None, None, "User “alice” updated"),
        ("DELETE /users/5", response(200, json!({"id": 5, "name": "Al"})), Some("user|5|Al"), None, "User “Al” deleted"),
        ("POST /users/5/reset-password", response(200, Value::Null), None, None, "Password of user 5 reset"),
        ("POST /jobs/5/stop", response(200, Value::Null), None, None, "Job 5 stopped"),
        ("PUT /pulls/5/merge", response(200, Value::Null), None, None, "Pull request 5 merged"),
        ("DELETE /users", response(200, Value::Null), None, None, "Users deleted"),
    ];
    for (line, response, targets, action, says) in rows {
        let verdict = outcome(&named(line, Value::Null), Ended::Response(&response));
        assert_eq!(verdict.targets.as_deref().map(shown).as_deref(), targets, "{line}");
        assert_eq!(verdict.action.as_deref(), action, "{line}");
        assert_eq!(verdict.description, says, "{line}");
    }
}

#[test]
fn calls_that_fail_within_a_success() {
    let graphql = named("POST /graphql", json!({"query": "mutation A { a }"}));
    let rpc = named("POST /rpc", json!({"jsonrpc": "2.0", "method": "user.create"}));
    #[rustfmt::skip]
    let rows = [
        (&graphql, json!({"data": {"a": 1}}), Outcome::Success, None),
        (&graphql, json!({"data": {"a": 1}, "errors": [{}]}), Outcome::Success, None),
        (&graphql, json!({"data": null, "errors": [{"extensions": {"code": "forbidden"}}]}), Outcome::Denied, Some("forbidden")),
        (&graphql, json!({"errors": [{"message": "no"}]}), Outcome::Failure, Some("call_error")),
        (&rpc, json!({"jsonrpc": "2.0", "error": {"code": -32601}}), Outcome::Failure, Some("method_not_found")),
        (&rpc, json!({"jsonrpc": "2.0", "result": {}}), Outcome::Success, None),
    ];
    for (naming, body, expected, reason) in rows {
        let verdict = outcome(naming, Ended::Response(&response(200, body.clone())));
        assert_eq!((verdict.outcome, verdict.reason.as_deref()), (expected, reason), "{body}");
    }
}

/// Whoever may see an event sees all that it holds, the requests within it as well.
#[test]
fn the_scope_of_a_batch_is_what_all_of_it_shares() {
    let acme = json!({"organization": "acme"});
    let rows = [
        (vec!["DELETE users/5", "DELETE users/6"], acme.clone()),
        (vec!["DELETE users/5", "GET users/6"], acme.clone()),
        (vec!["DELETE /orgs/acme/users/5", "DELETE users/6"], acme.clone()),
        (vec!["DELETE https://h.example/orgs/acme/users/5"], acme),
        (vec!["DELETE /orgs/acme/users/5", "DELETE /orgs/beta/users/6"], json!({})),
        (vec!["DELETE users/5", "DELETE orgs/beta/users/6"], json!({})),
        (vec!["DELETE users/5", "GET /orgs/beta/secrets"], json!({})),
        (vec!["DELETE users/5", "DELETE /users/6"], json!({})),
        (vec!["DELETE users/5", "DELETE ../beta/users/6"], json!({})),
        (vec!["DELETE users/5", "?"], json!({})),
    ];
    for (requests, expected) in rows {
        let request = |line: &&str| match line.split_once(' ') {
            Some((method, url)) => json!({"method": method, "url": url}),
            None => json!({"url": line}),
        };
        let requests: Vec<Value> = requests.iter().map(request).collect();
        let naming = named("POST /orgs/acme/$batch", json!({"requests": requests.clone()}));
        assert_eq!(json!(naming.scope), expected, "{requests:?}");
    }
    // Those that are not told apart count as well.
    let many = vec![json!({"method": "DELETE", "url": "users/5"}); 150];
    let other = json!({"method": "GET", "url": "/orgs/beta/secrets"});
    let naming = named("POST /orgs/acme/$batch", json!({"requests": many.clone()}));
    assert_eq!(naming.scope.len(), 1);
    let many: Vec<Value> = many.into_iter().chain([other]).collect();
    let naming = named("POST /orgs/acme/$batch", json!({"requests": many}));
    assert_eq!(naming.scope.len(), 0);
}

#[test]
fn words_are_counted() {
    #[rustfmt::skip]
    let rows = [
        ("keys", "key"), ("api_keys", "api_key"), ("policies", "policy"), ("statuses", "status"),
        ("addresses", "address"), ("boxes", "box"), ("branches", "branch"), ("classes", "class"),
        ("databases", "database"), ("releases", "release"), ("people", "person"), ("status", "status"),
        ("news", "news"), ("aliases", "alias"), ("indices", "index"), ("series", "series"),
        ("caches", "cache"), ("hashes", "hash"), ("processes", "process"), ("quizzes", "quiz"),
        ("houses", "house"), ("queues", "queue"), ("orgs", "organization"), ("data", "data"),
    ];
    for (many, one) in rows {
        assert_eq!(singular(many), one, "{many}");
    }
    for (one, many) in [("key", "keys"), ("policy", "policies"), ("box", "boxes"), ("day", "days")]
    {
        assert_eq!(plural(one), many);
    }
    for (text, name) in [
        ("apiKeys", "api_keys"),
        ("API-Keys", "api_keys"),
        ("APIKeys", "api_keys"),
        ("__x--y__", "x_y"),
        ("é", ""),
    ] {
        assert_eq!(snake(text), name, "{text}");
    }
}

#[test]
fn graphql_documents_hide_no_mutation() {
    #[rustfmt::skip]
    let rows = [
        ("mutation A { a }", Operation::Mutation),
        ("query A { a(x: \"{{{\") } mutation B { b }", Operation::Mutation),
        ("query A { a(x: \"\"\"{\"{ \"\"\") } mutation B { b }", Operation::Mutation),
        ("query A { a(x: \"\\\"{\") } mutation B { b }", Operation::Mutation),
        ("# {\nmutation B { b }", Operation::Mutation),
        ("#a\n#b\nmutation#c\nB { b }", Operation::Mutation),
        ("mutation B @live(if: true) { b }", Operation::Mutation),
        ("fragment F on User { id } mutation { b }", Operation::Mutation),
        ("query mutation { b }", Operation::Query),
        ("{ mutation { b } }", Operation::Query),
        ("subscription S { s }", Operation::Subscription),
        ("", Operation::Unknown),
    ];
    for (document, gravity) in rows {
        let naming = named("POST /graphql", json!({"query": document}));
        assert_eq!(naming.graphql, Some(gravity), "{document}");
        let may_mutate = gravity != Operation::Query;
        assert_eq!(naming.may_mutate(&request("POST /graphql"), None), may_mutate, "{document}");
        assert_eq!(naming.action == "graphql.query", !may_mutate, "{document}");
    }
    let padded = format!("{{ {} }} mutation M {{ m }}", "a ".repeat(600_000));
    assert_eq!(named("POST /graphql", json!({"query": padded})).action, "graphql.execute");
}

fn check_bounds(naming: &Naming, descriptions: &[&str]) {
    let targets = naming.targets.iter().flat_map(|target| {
        [Some(&target.kind), target.id.as_ref(), target.name.as_ref()].into_iter().flatten()
    });
    let texts = [&naming.action, &naming.category, &naming.description]
        .into_iter()
        .chain(&naming.route)
        .chain(naming.scope.values())
        .chain(targets)
        .map(String::as_str)
        .chain(descriptions.iter().copied());
    for text in texts {
        assert!(text.chars().count() <= CHARS_MAX, "{text}");
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
    assert!(!naming.targets.is_empty());
    let action = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let (noun, verb) = naming.action.split_once('.').expect("noun and verb");
    assert!(!noun.is_empty() && noun.bytes().all(action), "{}", naming.action);
    assert!(!verb.is_empty() && verb.bytes().all(action), "{}", naming.action);
}

fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("name".to_owned()),
        Just("id".to_owned()),
        Just("query".to_owned()),
        Just("method".to_owned()),
        Just("jsonrpc".to_owned()),
        Just("error".to_owned()),
        Just("code".to_owned()),
        ".{0,8}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        ".{0,300}".prop_map(Value::from),
        "(mutation|query)? ?[a-z]{0,9}[({]{0,3}.{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn anything_gets_a_bounded_name(
        method in "(GET|POST|PUT|DELETE|[!-~]{0,40})",
        path in "(/(api|v1|users|queues|bindings|e|repos|graphql|:|[.]{1,3}|%2[fF]|%00|[a-z]{0,300}|.{0,9})){0,12}",
        body in any_json(),
        answer in any_json(),
        location in ".{0,40}",
        status in any::<u16>(),
    ) {
        let request =
            RequestRecord { method, path, body: Some(body.into()), ..RequestRecord::default() };
        let naming = naming(&request);
        let response = ResponseRecord {
            status,
            headers: json!({"location": location}).into(),
            body: Some(answer.into()),
            ..ResponseRecord::default()
        };
        let verdict = outcome(&naming, Ended::Response(&response));
        check_bounds(&naming, &[&verdict.description]);
        if let Some(targets) = verdict.targets {
            check_bounds(&Naming { targets, ..naming }, &[]);
        }
    }
}

#[test]
fn a_token_that_is_an_empty_text_signs_nobody_in() {
    let signing =
        || named("POST /api/auth/login", json!({"email": "a@example.com", "password": "x"}));
    let rows = [
        (json!({"access_token": ""}), Outcome::Unknown),
        (json!({"access_token": "abc"}), Outcome::Success),
    ];
    for (body, expected) in rows {
        let verdict = outcome(&signing(), Ended::Response(&response(200, body.clone())));
        assert_eq!(verdict.outcome, expected, "{body}");
    }
}

#[test]
fn an_error_in_an_answer_of_a_model_has_the_status_that_it_says() {
    let naming = named("POST /v1/chat/completions", json!({"model": "m"}));
    let known = Rejected {
        action: "gateway.rate_limit_exceeded".to_owned(),
        outcome: Outcome::Denied,
        severity: Severity::Warn,
        model: None,
        rule: None,
        model_at: None,
        told_by: Vec::new(),
        limit: Vec::new(),
        code: None,
    };
    let rows = [
        (json!({"error": {"code": 429, "message": "slow down"}}), "http_429"),
        (json!({"error": {"status": 503}}), "http_503"),
        (json!({"error": {"code": "rate_limited"}}), "rate_limited"),
        (json!({"error": "a sentence"}), "stream_error"),
    ];
    for (body, expected) in rows {
        let verdict = rejected(&naming, &known, Ended::Response(&response(200, body.clone())));
        assert_eq!(verdict.reason.as_deref(), Some(expected), "{body}");
    }
}

#[test]
fn what_ended_unseen_says_so_as_others_do() {
    let rows = [
        (Outcome::Unknown, "proxy_restarted", "Delete user 5: outcome unknown (proxy_restarted)"),
        (Outcome::Failure, "not_sent", "Delete user 5: failed (not_sent)"),
    ];
    for (outcome, reason, says) in rows {
        assert_eq!(super::unseen("delete user 5", outcome, reason), says);
    }
}
