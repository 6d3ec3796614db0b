//! Every mistake in a rule about events has its place and a remedy.

use std::fs;

use crate::rules::load;

/// The first problem of a file, as it is shown.
fn problem(text: &str) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.yaml"), text).unwrap();
    let problems = load(Some(dir.path()), &[]).err()?.0;
    assert!(problems[0].line > 0 && problems[0].column > 0, "{}", problems[0]);
    Some(problems[0].to_string())
}

fn rule(line: &str) -> String {
    format!(
        "events:\n  - id: a\n    match: {{ path: \"/x/{{id}}\" }}\n    action: x.do\n    {line}\n"
    )
}

fn path(path: &str) -> String {
    format!("events:\n  - id: a\n    match: {{ path: '{path}' }}\n    action: x.do\n")
}

/// Files, and what of the first problem and of its remedy must be told.
fn check(rows: Vec<(String, &str, &str)>) {
    for (text, expected, remedy) in rows {
        let shown = problem(&text).unwrap_or_default();
        assert!(shown.contains(expected) && shown.contains(remedy), "{text}\n{shown}");
    }
}

#[test]
fn mistakes_in_paths_and_words_are_told_with_place_and_remedy() {
    check(vec![
        (path("x"), "3:20: `x` in `path` of `a`: it does not begin with `/`", "first `/`"),
        (path("/x//y"), "it has an empty segment", "/admin/api-keys"),
        (path("/x/../y"), "it has an empty segment", "/admin/api-keys"),
        (path("/x?y=1"), "`?` cannot be in it", "query"),
        (path("/x/%2F"), "`%` cannot be in it", "the character"),
        (path("/x/{Id}"), "`{Id}` is no parameter", "as in"),
        (path("/x/{}"), "`{}` is no parameter", "as in"),
        (path("/x/{a}{b}"), "is no parameter", "as in"),
        (path("/x/a}"), "`a}` is no parameter", "as in"),
        (path("/x/{a"), "`{a` is no parameter", "as in"),
        (path("/{a}/{a}"), "`{a}` stands in it twice", "own name"),
        (path("/x/a*"), "`a*`: `*` stands for a whole segment", "as in"),
        (path("/**/x"), "`**` for the rest of the path, at its end", "as in"),
        (path(&"/x".repeat(33)), "more than 32 segments", "`**`"),
        (rule("read: perhaps"), "5:11: this should be `true` or `false`", "one of the two"),
        (rule("severity: worse"), "5:15: unknown value `worse`", "known here: `info`"),
        (rule("categroy: x"), "5:5: unknown key `categroy`", "did you mean `category`?"),
        (rule("category: Big Area"), "5:15: `Big Area` in `category`", "lower-case"),
        (rule("target: { type: A-B }"), "5:21: `A-B` in `target.type`", "lower-case"),
    ]);
}

#[test]
fn mistakes_in_templates_are_told_with_place_and_remedy() {
    check(vec![
        (rule("target: { id: '{path.id' }"), "5:19: `target.id` of `a`: a `{` or `}`", "as in"),
        (rule("target: { id: 'path.id}' }"), "a `{` or `}` has no other", "as in"),
        (rule("target: { id: '{}' }"), "`{}` names nothing", "as in"),
        (rule("target: { id: '{path.id | }' }"), "`{}` names nothing", "as in"),
        (
            rule("target: { id: '{pth.id}' }"),
            "`pth.id` is no place of an exchange; did you mean `path`?",
            "known are `path.x`",
        ),
        (rule("target: { id: '{id}' }"), "`id` is no place of an exchange", "known are"),
        (rule("target: { id: '{actor.age}' }"), "`actor.age` is no place", "known are"),
        (
            rule("target: { id: '{path.ids}' }"),
            "`path.ids`: `match.path` has no parameter of this name; did you mean `path.id`?",
            "a parameter of the path",
        ),
        (rule("target: { id: '{request.body:name}' }"), "`request.body:name`: ", "RFC 9535"),
        (rule("target: { id: '{request.body:$.a[}' }"), "`target.id` of `a`: ", "RFC 9535"),
        (
            rule("target: { name: 'a {response.body:$.a[*]}' }"),
            "may select several values",
            "positions only",
        ),
        (rule("target: { name: 'a {response.body:$..a}' }"), "several values", "positions only"),
        (rule("target: { name: '{target.id}' }"), "`target.id` is not known yet", "descriptions"),
        (
            rule("scope: { pool: '{response.body:$.pool}' }"),
            "5:20: `scope` of `a`: `response.body:$.pool` is not known yet",
            "in the request",
        ),
        (rule("scope: { Pool: '{path.id}' }"), "`Pool` in `scope` of `a`", "lower-case"),
    ]);
}

#[test]
fn mistakes_in_outcomes_and_matches_are_told_with_place_and_remedy() {
    check(vec![
        (
            rule("outcome: [{ when: { status: 600 }, is: failure }]"),
            "5:33: `status` in `outcome` of `a` is no status",
            "`4xx`",
        ),
        (rule("outcome: [{ when: { status: 9xx }, is: failure }]"), "is no status", "`4xx`"),
        (rule("outcome: [{ when: { status: [] }, is: failure }]"), "is no status", "`4xx`"),
        (
            rule("outcome: [{ when: { body: { '$.a[*]': 1 } }, is: failure }]"),
            "`$.a[*]` in `outcome` of `a` may select several values",
            "positions only",
        ),
        (
            rule("outcome: [{ when: { body: { 'error': present } }, is: failure }]"),
            "`error` in `outcome` of `a`: ",
            "RFC 9535",
        ),
        (
            rule("outcome: [{ when: { body: { '$.a': [1] } }, is: failure }]"),
            "is no value",
            "`present`",
        ),
        (
            rule("outcome: [{ when: {}, is: failure }, { when: { status: 409 }, is: success }]"),
            "`outcome` of `a` holds for every response",
            "last",
        ),
        (
            "events:\n  - { id: a, match: { path: /x, method: [GET, HEAD] }, action: x.do }\n".to_owned(),
            "`a` is for reads, and reads are not recorded",
            "`audit: true`",
        ),
        (rule("outcome: [{ when: {}, is: fine }]"), "unknown value `fine`", "known here"),
        (rule("outcome: [{ is: failure }]"), "`when` is missing", "add `when`"),
        (
            "events:\n  - id: a\n    action: x.do\n".to_owned(),
            "`match` is missing",
            "add `match`: For which requests",
        ),
        (
            "events:\n  - id: a\n    match: { path: /x }\n    action: rotate\n".to_owned(),
            "4:13: `rotate` in `action` of `a` is no action",
            "a noun and a verb",
        ),
        (
            "events:\n  - id: a\n    match: { path: /x, method: 'GET /x' }\n".to_owned(),
            "3:32: `method` of `a` is no method",
            "write `POST`",
        ),
        (
            "events:\n  - id: a\n    match: { path: /x, host: 'http://x' }\n".to_owned(),
            "3:30: `http://x` in `host` of `a` is no host",
            "without port",
        ),
        (
            "events:\n  - { id: a, match: { path: /x } }\n  - { id: a, match: { path: /y } }\n"
                .to_owned(),
            "3:11: rule `a` was defined before, at ",
            "its own id",
        ),
        (
            "events:\n  - { id: a, match: { path: '/x/{a}' } }\n  - { id: b, match: { path: '/X/{b}/' } }\n"
                .to_owned(),
            "3:11: rule `b` can never match: `a`, at ",
            "limit the other one",
        ),
    ]);
}

#[test]
fn mistakes_in_snapshots_are_told_with_place_and_remedy() {
    let get = |get: &str| rule(&format!("snapshot: {{ get: '{get}' }}"));
    let with = |more: &str| rule(&format!("snapshot: {{ get: '/x/{{path.id}}', {more} }}"));
    check(vec![
        (rule("snapshot: {}"), "`get` is missing", "add `get`: Path and query"),
        (rule("snapshot: { path: /x }"), "5:17: unknown key `path`", "known here: "),
        (get("x/{path.id}"), "5:22: `get` of `a` does not begin with one `/`", "in braces is"),
        (get("//x/{path.id}"), "`get` of `a` does not begin with one `/`", "as a client would"),
        (get("{path.id}"), "`get` of `a` does not begin with one `/`", "as a client would"),
        (get("/x y/{path.id}"), "characters that stand in no request line", "as a client would"),
        (get("/x/{path.id}#a"), "characters that stand in no request line", "as a client would"),
        (get("/x/../{path.id}"), "has `.` or `..` for a segment", "as a client would"),
        (get("/x/{path.ids}"), "5:22: `get` of `a`: `path.ids`: ", "a parameter of the path"),
        (get("/x/{target.id}"), "`target.id` is not known yet when this is written", "use what is"),
        (with("at: '$.a[*]'"), "5:42: `$.a[*]` in `at` of `a` may select several", "positions only"),
        (with("at: 'data'"), "`data` in `at` of `a`: ", "RFC 9535"),
        (with("ignore: ['$.a', 'b']"), "5:54: `b` in `ignore` of `a`: ", "into the state"),
        (with("timeout: soon"), "5:47: `timeout` is no length of time: `soon`", "`30s`"),
        (with("timeout: 0s"), "`timeout` is no length of time: `0s`", "`30s`"),
        (with("timeout: 31s"), "`timeout` of `a` is longer than 30s", "`500ms`"),
        (
            rule("snapshot: { get: /x }\n    read: true"),
            "`snapshot` of `a` means nothing: the request changes nothing",
            "remove `snapshot`",
        ),
        (
            "events:\n  - id: a\n    match: { path: /x, kind: gateway }\n    snapshot: { get: /x }\n"
                .to_owned(),
            "4:22: `snapshot` of `a` means nothing: the request is on `gateway` routes only",
            "remove `snapshot`",
        ),
        (
            "events:\n  - { id: a, match: { path: '/x/{id}', method: PUT }, snapshot: { get: '/y/{path.id}' } }\n  \
             - { id: b, match: { path: '/y/*', method: GET }, audit: true }\n"
                .to_owned(),
            "2:11: the state of `a` would never be read",
            "read it elsewhere",
        ),
    ]);
}

#[test]
fn a_rule_is_unreachable_only_if_another_takes_all_that_it_would() {
    let rows = [
        ("method: POST", "method: POST", true),
        ("method: [POST, PUT]", "method: POST", true),
        ("method: POST", "method: [POST, PUT]", false),
        ("method: POST", "method: PUT", false),
        ("method: POST, host: a.example", "method: POST", false),
        ("method: POST", "method: POST, host: a.example", false),
        ("method: POST, kind: admin", "method: POST, kind: gateway", false),
        ("method: POST, kind: admin", "method: POST, kind: admin", true),
        ("host: a.example", "host: a.example", true),
    ];
    for (first, second, is_problem) in rows {
        let text = format!(
            "events:\n  - {{ id: a, match: {{ path: /x, {first} }} }}\n  - {{ id: b, match: {{ path: /x, {second} }} }}\n"
        );
        assert_eq!(problem(&text).is_some(), is_problem, "{text}");
    }
}

#[test]
fn what_a_rule_says_is_in_the_digest() {
    let digest = |text: &str| {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.yaml"), text).unwrap();
        load(Some(dir.path()), &[]).unwrap().digest().to_owned()
    };
    let one = digest(&rule("target: { id: '{path.id}' }"));
    assert_eq!(one, digest(&format!("# a remark\n{}", rule("target: {id: \"{path.id}\"}"))));
    for other in [
        "target: { id: '{path.id}x' }",
        "target: { name: '{path.id}' }",
        "read: true",
        "snapshot: { get: /x }",
    ] {
        assert_ne!(one, digest(&rule(other)), "{other}");
    }
}

const EXAMPLE: &str = r#"
events:
  - id: key.rotate
    match: { method: POST, path: "/keys/{id}/rotate" }
    action: api_key.rotate
    target: { type: api_key, id: "{path.id}", name: "{response.body:$.name}" }
    scope: { pool: "{query.pool}", zone: "{header.x-zone}" }
    description: "{target.name} rotated by {actor.name}"
    severity: warn
    outcome: [{ when: { body: { "$.error": present } }, is: failure, reason: "{response.body:$.error}" }]
    examples:
      - request: POST /keys/k1/rotate?pool=blue
        headers: { x-zone: eu }
        body: { password: hunter2 }
        status: 202
        response: { name: ci }
        actor: ada
        event:
          action: api_key.rotate
          category: api_key
          target: { type: api_key, id: k1, name: ci }
          scope: { pool: blue, zone: eu }
          route: /keys/{id}/rotate
          outcome: success
          severity: warn
          description: ci rotated by ada
      - { request: POST /keys/k1/rotate, response: { error: busy }, event: { outcome: failure, reason: busy } }
  - { id: other, match: { path: "/keys/{id}/{any}" } }
"#;

#[test]
fn examples_of_events_are_met_field_by_field() {
    let dir = tempfile::tempdir().unwrap();
    let tried = |text: &str| {
        fs::write(dir.path().join("a.yaml"), text).unwrap();
        let rules = load(Some(dir.path()), &[]).unwrap_or_else(|problems| panic!("{problems}"));
        rules.test_examples().map_err(|problems| problems.0[0].to_string())
    };
    tried(EXAMPLE).unwrap();
    for (from, to, expected) in [
        (
            "action: api_key.rotate\n          category",
            "action: x.y\n          category",
            "`action` is `api_key.rotate`, not `x.y`",
        ),
        ("category: api_key", "category: keys", "`category` is `api_key`, not `keys`"),
        ("id: k1, name", "id: k2, name", "`target.id` is `k1`, not `k2`"),
        ("name: ci }\n          scope", "name: cd }\n          scope", "`target.name` is `ci`"),
        (
            "zone: eu }\n          route",
            "zone: us }\n          route",
            "`scope.zone` is `eu`, not `us`",
        ),
        ("headers: { x-zone: eu }", "headers: {}", "`scope.zone` is `nothing`"),
        ("route: /keys/{id}/rotate", "route: /x", "`route` is `/keys/{id}/rotate`"),
        ("outcome: success", "outcome: denied", "`outcome` is `success`, not `denied`"),
        (
            "severity: warn\n          desc",
            "severity: fail\n          desc",
            "`severity` is `warn`",
        ),
        ("rotated by ada", "rotated by bob", "`description` is `ci rotated by ada`"),
        ("reason: busy }", "reason: no }", "`reason` is `busy`, not `no`"),
        ("status: 202", "status: 409", "`outcome` is `failure`"),
        ("POST /keys/k1/rotate,", "PUT /keys/k1/rotate,", "`rule` is `other`, not `key.rotate`"),
    ] {
        assert!(EXAMPLE.contains(from), "{from}");
        let error = tried(&EXAMPLE.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(expected) && error.contains("a.yaml:"), "{to}: {error}");
    }
    // What redaction takes away, an example does not see either.
    let secret = EXAMPLE.replace("response.body:$.name", "request.body:$.password");
    fs::write(dir.path().join("a.yaml"), secret).unwrap();
    let rules = load(Some(dir.path()), &crate::rules::Pack::DEFAULT).unwrap();
    let problems = rules.test_examples().unwrap_err().to_string();
    assert!(problems.contains("`target.name` is `nothing`"), "{problems}");
}

#[test]
fn mistakes_in_examples_are_told_with_place_and_remedy() {
    let example = |line: &str| rule(&format!("examples: [{{ {line} }}]"));
    check(vec![
        (example("request: /x"), "5:27: `/x` in `examples` of `a` is no request", "POST /keys"),
        (example("request: POST x"), "is no request", "method and path"),
        (example("request: \"POST /x y\""), "is no request", "as they are sent"),
        (
            example("request: POST /x, status: 99"),
            "`status` in `examples` of `a` cannot be 99",
            "100",
        ),
        (example("request: POST /x, headers: { \"a b\": c }"), "cannot be sent", "one line"),
        (
            example("request: POST /x, event: { target: { kind: x } }"),
            "`kind` in `target`",
            "`type`",
        ),
        (example("request: POST /x, event: { outcome: good }"), "unknown value `good`", "success"),
        (example("request: POST /x, even: { }"), "unknown key `even`", "event"),
        (example("status: 200"), "`request` is missing", "Method, path"),
    ]);
}
