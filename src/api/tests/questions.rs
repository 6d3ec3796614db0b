//! Lists, one event, counts: what is answered, and what is refused how.

use serde_json::{Value, json};

use super::{Served, ids};
use crate::access::{Access, Grant, Role};
use crate::clock::Clock;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_served_without_a_token_that_holds() {
    let served = Served::new().await;
    let id = served.event("2026-07-09T12:00:00Z", json!({})).await;
    served.indexed().await;
    let one = format!("/v1/admin/audit/{id}");
    let paths = [
        "/v1/admin/audit",
        "/v1/admin/audit/facets",
        "/v1/admin/audit/stats",
        "/v1/admin/audit/export?format=csv",
        "/v1/admin/audit/stream",
        one.as_str(),
    ];
    let revoked = served.token("gone", Grant::owner());
    assert!(Access::open(served.path()).unwrap().revoke("gone", served.clock.now()).unwrap());
    let fields = [
        String::new(),
        format!("Authorization: Bearer {revoked}\r\n"),
        format!("Authorization: Basic {}\r\n", served.owner),
        // A token more or less is no token.
        format!("Authorization: Bearer {0}\r\nAuthorization: Bearer {0}\r\n", served.owner),
    ];
    for path in paths {
        for fields in &fields[..3] {
            let answer = served.send("GET", path, fields).await;
            assert!(matches!(answer.status, 401 | 429), "{path} {fields}: {answer:?}");
            assert!(answer.head.contains("application/problem+json"), "{answer:?}");
            assert!(!answer.body.contains("api_key.create"), "{answer:?}");
        }
    }
    // By now this address has failed often; whoever has a token still gets in.
    let twice = served.send("GET", paths[0], &fields[3]).await;
    let more = served.send("GET", paths[0], "").await;
    let many = [twice, more, served.send("GET", paths[0], "").await];
    assert!(many.iter().any(|answer| answer.status == 429), "{many:?}");
    assert!(many.iter().all(|answer| answer.status != 200));
    let answer = served.ask("/v1/admin/audit").await;
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("cache-control: no-store"), "{answer:?}");
    assert_eq!(ids(&answer.json()), [id]);
    // What operations need is as open as it was.
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(served.send("GET", path, "").await.status, 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_find_what_they_say() {
    let served = Served::new().await;
    let old = served.event("2026-06-01T00:00:00Z", json!({"action": "budget.update"})).await;
    let new = served
        .event(
            "2026-07-09T23:30:00Z",
            json!({
                "outcome": "failure", "severity": "fail", "scope": {"pool": "blue"},
                "actor": {"type": "agent", "id": "a%_b", "email": "x@example.com"},
                "targets": [{"type": "pool", "id": "p1", "name": "it's \"quoted\""}],
            }),
        )
        .await;
    served.indexed().await;
    let both = vec![new.clone(), old.clone()];
    let (new, old, none) = (vec![new], vec![old], vec![]);
    let rows: Vec<(String, &Vec<String>)> = [
        ("", &both),
        ("action=budget.update", &old),
        ("action=budget.update&action=api_key.create", &both),
        ("action=*.create", &new),
        ("action=budget.*&severity=info", &old),
        ("action=*_key*e", &new),
        ("action=*", &both),
        (
            "action=*.c&action=reate*&action=*api_key.create.*&action=budget.update*budget.update",
            &none,
        ),
        ("category=*", &none),
        ("since=1h", &new),
        ("until=30d", &old),
        ("since=2026-07-01T00:00:00Z&until=2026-08-01T00:00:00Z", &new),
        ("outcome=failure&severity=fail", &new),
        ("actor=a%25_b", &new),
        ("actor=a__b", &none),
        ("actor_type=agent", &new),
        ("target=quoted", &new),
        ("resource_type=pool", &new),
        ("scope.pool=blue", &new),
        ("scope.pool=blue%27%20OR%201%3D1--", &none),
        ("q=made", &both),
        ("q=made%20budget", &old),
        // Nothing of these is syntax, for SQL or for full-text search.
        ("q=%22%20OR%20*%20NEAR(%20AND%20NOT%20)%20text%3A", &none),
        ("q=made*%20-%22", &both),
        ("q=zz%00b", &none),
        ("action=%27%3B%20DROP%20TABLE%20events%3B--", &none),
        ("category=%ff%fe", &none),
        ("target=%25", &none),
        ("target=_", &none),
        ("limit=1", &new),
        ("limit=1&offset=1", &old),
        ("offset=4294967295", &none),
    ]
    .map(|(query, expected)| (format!("/v1/admin/audit?{query}"), expected))
    .to_vec();
    for (path, expected) in rows {
        let answer = served.ask(&path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(&ids(&answer.json()), expected, "{path}");
        assert_eq!(answer.json()["warnings"], json!([]), "{path}");
    }
    let warned = served.ask("/v1/admin/audit?colour=red&limit=5000&scope.=x").await.json();
    assert_eq!(warned["warnings"].as_array().unwrap().len(), 3, "{warned}");
    assert_eq!(ids(&warned), both);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_understood_is_named_with_a_remedy() {
    let served = Served::new().await;
    let long = format!("/v1/admin/audit?q={}", "x".repeat(1025));
    let many = format!("/v1/admin/audit?{}", "action=a&".repeat(257));
    let rows = [
        ("/v1/admin/audit?since=yesterday", 400, Some("since")),
        ("/v1/admin/audit?until=99999999999999999999d", 400, Some("until")),
        ("/v1/admin/audit?outcome=ok", 400, Some("outcome")),
        ("/v1/admin/audit?severity=", 400, Some("severity")),
        ("/v1/admin/audit?limit=0", 400, Some("limit")),
        ("/v1/admin/audit?offset=-1", 400, Some("offset")),
        ("/v1/admin/audit?cursor=abc", 400, Some("cursor")),
        ("/v1/admin/audit?id=5", 400, Some("id")),
        (long.as_str(), 400, Some("q")),
        (many.as_str(), 400, None),
        ("/v1/admin/audit/stats?bars=0", 400, Some("bars")),
        ("/v1/admin/audit/stats?bars=1&bars=2", 400, Some("bars")),
        ("/v1/admin/audit/facets?since=x", 400, Some("since")),
        ("/v1/admin/audit/export", 400, Some("format")),
        ("/v1/admin/audit/export?format=xlsx", 400, Some("format")),
        ("/v1/admin/audit/export?format=csv&bom=1", 400, Some("bom")),
        ("/v1/admin/audit/export?format=csv&colour=red", 400, Some("colour")),
        ("/v1/admin/audit/export?format=csv&limit=5", 400, Some("limit")),
        ("/v1/admin/audit/stream?outcome=ok", 400, Some("outcome")),
        ("/v1/admin/audit/nonsense", 404, None),
        ("/v1/admin/audit/%00%ff", 404, None),
        ("/v1/admin/audit/0197c5a0-7b1e-7cc3-98c4-dc0c0c07398f", 404, None),
        ("/v1/admin", 404, None),
    ];
    for (path, status, parameter) in rows {
        let answer = served.ask(path).await;
        let shown = path.chars().take(60).collect::<String>();
        assert_eq!(answer.status, status, "{shown}: {answer:?}");
        if path.contains("%ff") {
            continue;
        }
        assert!(answer.head.contains("content-type: application/problem+json"), "{shown}");
        let problem = answer.json();
        assert_eq!(problem["parameter"].as_str(), parameter, "{shown}: {problem}");
        for member in ["type", "title", "detail", "remedy"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{shown}");
        }
        let text = |member: &str| problem[member].as_str().unwrap();
        assert!(!text("detail").contains(text("remedy")), "said once: {problem}");
    }
    for method in ["POST", "DELETE", "PUT", "PATCH"] {
        let field = format!("Authorization: Bearer {}\r\nContent-Length: 0\r\n", served.owner);
        let answer = served.send(method, "/v1/admin/audit", &field).await;
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.head.contains("\nallow: get,head\r"), "{}", answer.head);
    }
    for (method, path, allowed) in [
        ("PUT", "/audit/sign-in", "post"),
        ("HEAD", "/v1/admin/audit/export", "get"),
        ("PUT", "/v1/admin/audit/export", "get"),
        ("HEAD", "/v1/admin/audit/stream", "get"),
    ] {
        let answer = served.send(method, path, "Content-Length: 0\r\n").await;
        assert_eq!((answer.status, answer.field("allow")), (405, Some(allowed)), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_by_cursor_do_not_move_while_events_arrive() {
    let served = Served::new().await;
    let mut expected = Vec::new();
    for n in 0..7 {
        expected.insert(0, served.event(&format!("2026-07-09T10:00:0{n}Z"), json!({})).await);
    }
    served.indexed().await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = served.ask(&format!("/v1/admin/audit?limit=2{cursor}")).await.json();
        seen.extend(ids(&page));
        served.event("2026-07-09T11:00:00Z", json!({})).await;
        served.indexed().await;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_event_is_shown_whole() {
    let served = Served::new().await;
    let id = served.event("2026-07-09T10:00:00Z", json!({"scope": {"pool": "blue"}})).await;
    served.indexed().await;
    let event = served.ask(&format!("/v1/admin/audit/{id}")).await.json();
    assert_eq!(event["request"]["body"], json!({"deep": 1}));
    assert_eq!((&event["seq"], &event["writer"]), (&json!(1), &json!("w")));
    // Those who see some events only are not told how many others there are.
    let viewer = served.scoped("v", Role::Viewer, "blue");
    let event = served.ask_as(&viewer, &format!("/v1/admin/audit/{id}")).await.json();
    assert_eq!(event["id"], json!(id));
    assert_eq!(
        (&event["seq"], &event["writer"], &event["intent"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_of_the_window_and_of_its_parts() {
    let served = Served::new().await;
    for (time, more) in [
        ("2026-07-08T00:00:00Z", json!({"action": "too.old"})),
        ("2026-07-09T00:10:00Z", json!({"outcome": "denied", "severity": "warn"})),
        ("2026-07-09T00:20:00Z", json!({"outcome": "failure", "severity": "fail"})),
        ("2026-07-09T23:59:00Z", json!({"action": "budget.update", "scope": {"pool": "blue"}})),
    ] {
        served.event(time, more).await;
    }
    served.indexed().await;
    let stats = served.ask("/v1/admin/audit/stats").await.json();
    assert_eq!(stats["total"], json!(3), "{stats}");
    assert_eq!(
        (&stats["warned"], &stats["failed"], &stats["pending"]),
        (&json!(1), &json!(1), &json!(0))
    );
    let bars = stats["histogram"].as_array().unwrap();
    assert_eq!((bars.len(), &stats["bar_ms"]), (49, &json!(1_800_000)), "{stats}");
    assert_eq!((&bars[0]["total"], &bars[47]["total"]), (&json!(2), &json!(1)));
    let day = "since=2026-07-09T00:00:00Z&until=2026-07-10T00:00:00Z";
    for (query, bars, total) in [
        (format!("{day}&bars=24"), 24, 3),
        (format!("{day}&bars=1"), 1, 3),
        (format!("{day}&severity=fail"), 48, 1),
        ("since=1970-01-01T00:00:00Z".to_owned(), 46, 4),
        ("since=2026-07-09T00:00:00Z&until=2026-07-01T00:00:00Z".to_owned(), 0, 0),
        ("since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59Z&bars=500".to_owned(), 493, 4),
    ] {
        let stats = served.ask(&format!("/v1/admin/audit/stats?{query}")).await.json();
        assert_eq!(stats["total"], json!(total), "{query}");
        let histogram = stats["histogram"].as_array().unwrap();
        assert!(
            histogram.len().abs_diff(bars) < 10 && histogram.len() <= 500,
            "{query}: {}",
            histogram.len()
        );
        let sum: u64 = histogram.iter().map(|bar| bar["total"].as_u64().unwrap()).sum();
        assert_eq!(sum, total, "{query}");
    }

    let facets = served.ask("/v1/admin/audit/facets?action=budget.update").await.json();
    let facets = &facets["facets"];
    let count = |value: &str, count: u64| json!({"value": value, "count": count});
    // Of its own field, the other values are still shown.
    assert_eq!(facets["action"], json!([count("api_key.create", 2), count("budget.update", 1)]));
    assert_eq!(facets["outcome"], json!([count("success", 1)]));
    assert_eq!(facets["resource_type"], json!([count("api_key", 1)]));
    assert_eq!(facets["actor"], json!([{"value": "u1", "label": "Ada", "count": 1}]));
    assert_eq!(facets["scope"], json!([{"value": "pool", "label": "blue", "count": 1}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_find_nothing_is_said() {
    let served = Served::new().await;
    let order = "`since` is not before `until`: there is no time between them";
    let scope = |name: &str| {
        format!(
            "no event has a scope `{name}`: names of scopes have lower-case letters, digits and \
             underscores"
        )
    };
    let wordless = "`q` has neither letters nor digits, of which words are made: it finds nothing";
    let (lower, upper) = ("2026-07-09T02:00:00Z", "2026-07-09T03:00:00Z");
    let rows = [
        (format!("since={upper}&until={lower}"), vec![order.to_owned()]),
        (format!("since={lower}&until={lower}"), vec![order.to_owned()]),
        ("since=1h&until=2h".to_owned(), vec![order.to_owned()]),
        (format!("since={lower}&until={upper}"), vec![]),
        ("since=2h&until=1h".to_owned(), vec![]),
        ("q=%00%01%7f".to_owned(), vec![wordless.to_owned()]),
        ("q=%22*(%F0%9F%98%80".to_owned(), vec![wordless.to_owned()]),
        ("q=(1)".to_owned(), vec![]),
        (
            "scope.POOL=blue&scope.pool-x=blue&scope.pool_2=blue".to_owned(),
            vec![scope("POOL"), scope("pool-x")],
        ),
    ];
    for (query, warnings) in rows {
        for path in ["", "/facets", "/stats"] {
            let answer = served.ask(&format!("/v1/admin/audit{path}?{query}")).await.json();
            assert_eq!(answer["warnings"], json!(warnings), "{path}?{query}");
        }
    }
    // A plus that is not encoded arrives as a blank.
    let answer = served.ask("/v1/admin/audit?since=2026-07-09T02:00:00+02:00").await.json();
    assert!(answer["remedy"].as_str().unwrap().contains("%2B"), "{answer}");
    for name in ["limit", "offset", "cursor"] {
        let path = format!("/v1/admin/audit/export?format=csv&{name}=5");
        let answer = served.ask(&path).await.json();
        assert_eq!((&answer["status"], &answer["parameter"]), (&json!(400), &json!(name)));
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.contains("every event that the filters mean"), "{answer}");
    }
    let answer = served.ask("/v1/admin/audit/export?format=csv&colour=red").await.json();
    let remedy = answer["remedy"].as_str().unwrap();
    assert!(remedy.ends_with("since, until, q, id"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn acts_have_the_same_shape_in_lists_and_exports() {
    let served = Served::new().await;
    let act = |action: &str| json!({"action": action});
    served.event("2026-07-09T10:00:00Z", json!({"acts": [act("a.do"), act("b.do")]})).await;
    served.event("2026-07-09T09:00:00Z", json!({})).await;
    served.indexed().await;
    let list = served.ask("/v1/admin/audit").await.json();
    let export = served.ask("/v1/admin/audit/export?format=json").await.json();
    let acts = |events: &Value| -> Vec<Value> {
        events.as_array().unwrap().iter().map(|event| event["act"].clone()).collect()
    };
    let act = |number: u32| json!({"number": number, "of": 2});
    assert_eq!(acts(&list["events"]), [act(2), act(1), Value::Null]);
    assert_eq!(acts(&export), acts(&list["events"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn actors_are_called_by_the_name_that_is_seen_most() {
    let served = Served::new().await;
    let who = |id: &str, name: &str, email: &str| {
        let mut actor = json!({"type": "user", "id": id, "verified": true});
        for (field, value) in [("name", name), ("email", email)] {
            if value != "-" {
                actor[field] = json!(value);
            }
        }
        json!({"actor": actor, "category": "renamed"})
    };
    let rows = [
        // An id that comes behind the name in the alphabet, with which it is seen more often.
        ("anna", "-", "-"),
        ("anna", "-", "-"),
        ("anna", "Anna Berg", "-"),
        ("sam", "Sam Blue", "sam@example.com"),
        ("sam", "Sam Blue", "-"),
        ("sam", "Zoe Red", "-"),
        ("sam", "", "-"),
        ("sam", " ", "-"),
        ("sam", "", "zam@example.com"),
        ("zoe", "", "zoe@example.com"),
        ("zoe", "-", "-"),
        ("id", "-", "-"),
    ];
    for (n, (id, name, email)) in rows.into_iter().enumerate() {
        served.event(&format!("2026-07-09T10:00:{n:02}Z"), who(id, name, email)).await;
    }
    served.indexed().await;
    let facets = served.ask("/v1/admin/audit/facets?category=renamed").await.json();
    let actor =
        |id: &str, label: &str, count: u64| json!({"value": id, "label": label, "count": count});
    let expected = json!([
        actor("sam", "Sam Blue", 6),
        actor("anna", "Anna Berg", 3),
        actor("zoe", "zoe@example.com", 2),
        actor("id", "id", 1),
    ]);
    assert_eq!(facets["facets"]["actor"], expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_tells_what_there_is() {
    let served = Served::new().await;
    let references =
        regex::Regex::new("\"#(/components/(?:schemas|responses)/[A-Za-z]+)\"").unwrap();
    let document = served.send("GET", "/openapi.json", "").await.json();
    assert_eq!(document, served.send("GET", "/api/openapi.json", "").await.json());
    assert_eq!(document["openapi"], json!("3.1.0"));
    for (path, item) in document["paths"].as_object().unwrap() {
        let asked = path.replace("{id}", "0197c5a0-7b1e-7cc3-98c4-dc0c0c07398f");
        assert_eq!(served.send("GET", &asked, "").await.status, 401, "{path}");
        for parameter in item["get"]["parameters"].as_array().unwrap() {
            assert!(parameter["name"].is_string() && parameter["schema"].is_object());
        }
    }
    // Every reference leads somewhere.
    let text = document.to_string();
    let mut found = 0;
    for reference in references.captures_iter(&text) {
        assert!(document.pointer(&reference[1]).is_some(), "{}", &reference[1]);
        found += 1;
    }
    assert!(found > 5, "{text}");
    assert!(text.matches("\"$ref\"").count() == found, "{text}");
    for name in super::super::openapi::filter_names() {
        assert!(crate::query::use_of(name).is_some(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn coverage_is_for_owners() {
    let served = Served::new().await;
    let route = |n: usize, rule: Option<&str>| json!({"rule": rule, "request": {"method": "POST", "route": format!("/r{n}"), "path": "/"}});
    let mut pending = Vec::new();
    for (n, rule) in [(1, None), (2, None), (2, None), (3, Some("pool.create"))] {
        let time = format!("2026-07-09T10:00:0{n}Z");
        pending.push(served.pending(&time, route(n, rule)).await);
    }
    served.indexed().await;
    let path = "/v1/admin/audit/coverage";
    let coverage = served.ask(path).await.json();
    let routes: Vec<_> = coverage["unnamed"].as_array().unwrap().iter().collect();
    let found = |n: usize| (routes[n]["route"].clone(), routes[n]["events"].clone());
    assert_eq!([found(0), found(1)], [(json!("/r2"), json!(2)), (json!("/r1"), json!(1))]);
    assert_eq!(routes[0]["last"], json!("2026-07-09T10:00:02.000Z"));
    let rule = json!({"rule": "pool.create", "events": 1, "last": "2026-07-09T10:00:03.000Z"});
    assert_eq!((&coverage["rules"], &coverage["more"]), (&json!([rule]), &json!(false)));
    let some = served.ask(&format!("{path}?routes=1&until=2026-07-09T10:00:03Z")).await.json();
    assert_eq!((some["unnamed"].as_array().unwrap().len(), &some["more"]), (1, &json!(true)));
    assert_eq!(some["rules"], json!([]));
    for routes in ["0", "2001", "x", "-1", ""] {
        let answer = served.ask(&format!("{path}?routes={routes}")).await;
        assert_eq!((answer.status, &answer.json()["parameter"]), (400, &json!("routes")));
    }
    // Others learn nothing, and that they tried is on record.
    let tokens = [
        served.scoped("admin", Role::Admin, "blue"),
        served.token("viewer", Grant::everything(Role::Viewer)),
    ];
    for token in &tokens {
        let answer = served.ask_as(token, path).await;
        assert_eq!((answer.status, &answer.json()["type"]), (403, &forbidden()), "{answer:?}");
        assert!(!answer.body.contains("/r1"), "{answer:?}");
    }
    let recorded = served.recorded("audit.view").await;
    // Within one millisecond, the order is by chance.
    let mut found: Vec<_> =
        recorded.iter().map(|event| event["actor"]["name"].as_str().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, ["admin", "viewer"]);
    assert!(recorded.iter().all(|event| event["outcome"] == "denied"), "{recorded:?}");
}

fn forbidden() -> Value {
    json!("urn:countersign:problem:forbidden")
}
