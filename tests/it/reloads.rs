//! Rules that change while the proxy runs: in force at once, on record with both digests, and all or
//! nothing.

use std::fs;

use serde_json::Value;

use super::support::{Proxy, Reply, Setup, Upstream, WriteLock, exchange, wait_until};

const BEFORE: &str = "redact:\n  - {id: acme.badge, keys: [badge], do: drop}\n";
const AFTER: &str = "redact:\n  - {id: acme.badge, keys: [badge], do: drop}\n  - {id: acme.locker, keys: [locker], do: mask}\n";

/// The reloads on record so far, oldest first.
fn reloads(proxy: &Proxy) -> Vec<Value> {
    let mut events = proxy.all_events();
    events.retain(|event| event["action"] == "audit.reload");
    events
}

/// The next reload after `known` others.
fn next(proxy: &Proxy, known: usize) -> Value {
    wait_until("a reload is on record", || reloads(proxy).len() > known);
    reloads(proxy).remove(known)
}

/// What is recorded of a request under both rules, and the digest of the rules with it.
fn recorded(proxy: &Proxy) -> (Value, Value, Value) {
    let body = "{\"badge\":\"B-77\",\"locker\":\"L-12\"}";
    let request = format!(
        "POST /doors HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(exchange(proxy.address, request.as_bytes()).status, 200);
    let event = proxy.events().pop().unwrap();
    let body = &event["request"]["body"];
    (body["badge"].clone(), body["locker"].clone(), event["observer"]["ruleset"].clone())
}

#[test]
fn a_change_of_rules_is_on_record_with_both_digests() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("acme.yaml");
    fs::write(&file, BEFORE).unwrap();
    let setup =
        Setup { more: format!("rules: {{dir: \"{}\"}}", dir.path().display()), ..Setup::default() };
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::with(upstream.address, &setup);
    let dropped = serde_json::json!({"redacted": "acme.badge"});
    let (badge, locker, first) = recorded(&proxy);
    assert_eq!((&badge, &locker), (&dropped, &"L-12".into()));

    // A changed file is noticed by itself.
    fs::write(&file, AFTER).unwrap();
    let event = next(&proxy, 0);
    assert_eq!((&event["category"], &event["outcome"]), (&"audit".into(), &"success".into()));
    assert_eq!(event["actor"]["type"], "system");
    assert_eq!(event["metadata"]["why"], "a file changed");
    let (badge, locker, second) = recorded(&proxy);
    assert_eq!((&badge, &locker), (&dropped, &"***".into()));
    assert_ne!(first, second);
    let digests = |event: &Value| {
        let metadata = &event["metadata"];
        (metadata["ruleset_before"].clone(), metadata["ruleset_after"].clone())
    };
    assert_eq!(digests(&event), (first, second.clone()));

    // Rules with problems stay out, and so do those beside them.
    fs::write(&file, "redact:\n  - {id: acme.badge, keys: [badge], do: dropp}\n").unwrap();
    let event = next(&proxy, 1);
    let failed = (&event["outcome"], &event["severity"], &event["reason"]);
    assert_eq!(failed, (&"failure".into(), &"fail".into(), &"invalid_configuration".into()));
    assert_eq!(digests(&event), (second.clone(), second.clone()));
    assert_eq!(event["metadata"]["problems"], 1);
    wait_until("the log says what is wrong, and where", || {
        proxy.log().contains("acme.yaml:2:41: unknown") && proxy.log().contains("stay in force")
    });
    assert_eq!(recorded(&proxy), (dropped.clone(), "***".into(), second.clone()));

    // SIGHUP asks for it at once, whether or not anything changed.
    fs::write(&file, BEFORE).unwrap();
    proxy.signal("HUP");
    let event = next(&proxy, 2);
    assert_eq!(event["outcome"], "success");
    let (badge, locker, third) = recorded(&proxy);
    assert_eq!((&badge, &locker), (&dropped, &"L-12".into()));
    assert_eq!(digests(&event), (second, third.clone()));
    proxy.signal("HUP");
    wait_until("it is on record", || {
        let asked = reloads(&proxy);
        asked.iter().any(|event| {
            event["metadata"]["why"] == "SIGHUP" && digests(event) == (third.clone(), third.clone())
        })
    });
    let metrics = proxy.read("/metrics").1;
    assert!(metrics.contains("countersign_reloads_total{reason=\"refused\"} 1"), "{metrics}");
}

#[test]
fn who_may_say_whose_request_it_is_changes_for_readers_too() {
    let setup = Setup { more: "trusted_proxies: [\"127.0.0.1\"]".to_owned(), ..Setup::default() };
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::with(upstream.address, &setup);
    let sources = |count: usize| {
        let request = "POST /audit/sign-in HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.7\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\
             Connection: close\r\n\r\ntoken=x";
        assert_eq!(exchange(proxy.reading, request.as_bytes()).status, 303);
        let refused = || {
            let mut events = proxy.all_events();
            events.retain(|event| event["action"] == "audit.sign_in");
            events
        };
        wait_until("it is on record", || refused().len() == count);
        refused().iter().map(|event| event["source"]["ip"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(sources(1), ["203.0.113.7"]);
    let config = fs::read_to_string(proxy.config()).unwrap();
    fs::write(proxy.config(), config.replace("[\"127.0.0.1\"]", "[\"192.0.2.1\"]")).unwrap();
    next(&proxy, 0);
    wait_until("it is in force", || {
        let known = sources_known(&proxy);
        sources(known + 1).contains(&"127.0.0.1".into())
    });
}

/// Attempts to sign in that are on record.
fn sources_known(proxy: &Proxy) -> usize {
    proxy.all_events().iter().filter(|event| event["action"] == "audit.sign_in").count()
}

#[test]
fn what_cannot_be_put_on_record_does_not_come_into_force() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("acme.yaml");
    fs::write(&file, BEFORE).unwrap();
    let rules = format!("rules: {{dir: \"{}\"}}", dir.path().display());
    let ledger = "  timeout: 200ms".to_owned();
    let setup = Setup { more: rules, ledger, ..Setup::default() };
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::with(upstream.address, &setup);
    let (_, locker, first) = recorded(&proxy);
    assert_eq!(locker, "L-12");
    let lock = WriteLock::take(&proxy.data());
    fs::write(&file, AFTER).unwrap();
    wait_until("it is tried in vain", || {
        let metrics = proxy.read("/metrics").1;
        metrics.contains("countersign_reloads_total{reason=\"unrecorded\"} 1")
    });
    assert!(proxy.log().contains("stay in force until it can"), "{}", proxy.log());
    assert!(!proxy.log().contains("were reloaded"), "{}", proxy.log());
    drop(lock);
    // Without anybody's doing.
    let event = next(&proxy, 0);
    assert_eq!(event["outcome"], "success");
    assert_eq!(event["metadata"]["ruleset_before"], first);
    wait_until("it is in force", || proxy.log().contains("were reloaded"));
    assert_eq!(recorded(&proxy).1, "***");
    assert_eq!(reloads(&proxy).len(), 1);
}
