//! The log over HTTP, of a proxy that runs.

use std::fs;
use std::process::Command;

use serde_json::Value;

use super::support::{Answer, Proxy, Reply, Upstream, WriteLock, exchange, wait_until};

fn ask(proxy: &Proxy, token: &str, query: &str) -> Answer {
    let request = format!(
        "GET /v1/admin/audit{query} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    );
    exchange(proxy.reading, request.as_bytes())
}

fn tokens(proxy: &Proxy, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.arg("tokens").args(args).arg("--data").arg(proxy.data());
    let done = command.output().unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

#[test]
fn what_passed_the_proxy_is_read_with_a_token() {
    let upstream = Upstream::start(|_| Reply::response("201 Created", "application/json", "{}"));
    let proxy = Proxy::start(upstream.address);
    let post = b"POST /admin/pools HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    let event = exchange(proxy.address, post).header("countersign-event").unwrap().to_owned();
    let owner = fs::read_to_string(proxy.data().join("bootstrap.token")).unwrap();
    let owner = owner.trim();
    assert_eq!(
        ask(&proxy, owner, &format!("/{event}")).status,
        200,
        "what is answered can be read"
    );
    let one: Value =
        serde_json::from_slice(&ask(&proxy, owner, &format!("/{event}")).body).unwrap();
    assert_eq!((&one["action"], &one["outcome"]), (&"pool.create".into(), &"success".into()));

    // Tokens that are made while it runs hold, and end, at once.
    let create = ["create", "--name", "b", "--role", "viewer", "--scope", "pool=blue"];
    let viewer = tokens(&proxy, &create);
    let list: Value = serde_json::from_slice(&ask(&proxy, &viewer, "").body).unwrap();
    assert_eq!(list["events"], Value::Array(Vec::new()), "no event has this scope");
    assert_eq!(ask(&proxy, &viewer, &format!("/{event}")).status, 404);
    assert_eq!(tokens(&proxy, &["revoke", "b"]), "revoked");
    assert_eq!(ask(&proxy, &viewer, "").status, 401);

    let export = ask(&proxy, owner, "/export?format=csv&category=pool");
    assert!(export.text().contains(&format!("\"{event}\"")), "{}", export.text());
    let query = "?action=audit.export";
    wait_until("the export is on record", || {
        let list: Value = serde_json::from_slice(&ask(&proxy, owner, query).body).unwrap();
        list["events"][0]["outcome"] == "success"
    });
    assert!(!proxy.log().contains(owner), "a token never reaches the log");
}

#[test]
fn who_reads_while_the_ledger_is_locked_is_on_record_afterwards() {
    let upstream = Upstream::start(|_| Reply::ok());
    let proxy = Proxy::start(upstream.address);
    let owner = fs::read_to_string(proxy.data().join("bootstrap.token")).unwrap();
    let owner = owner.trim();
    // Before that, it lets nobody in.
    wait_until("the making of the token is on record", || {
        proxy.all_events().iter().any(|event| event["action"] == "audit.token_create")
    });
    let lock = WriteLock::take(&proxy.data());
    let post = b"POST /admin/pools HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(exchange(proxy.address, post).status, 503);
    let sign_in =
        b"POST /audit/sign-in HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 7\r\n\
                    Content-Type: application/x-www-form-urlencoded\r\n\r\ntoken=x";
    for _ in 0..2 {
        assert_eq!(ask(&proxy, owner, "").status, 200);
    }
    assert_eq!(exchange(proxy.reading, sign_in).status, 303);
    drop(lock);
    for query in ["?action=audit.view", "?action=audit.sign_in&outcome=denied"] {
        wait_until("it is on record", || {
            let list: Value = serde_json::from_slice(&ask(&proxy, owner, query).body).unwrap();
            list["events"].as_array().is_some_and(|events| events.len() == 1)
        });
    }
}
