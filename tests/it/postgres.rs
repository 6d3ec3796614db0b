//! The ledger in PostgreSQL: the fault table with real faults, rights, claims, poolers, versions.

mod attacks;
mod claims;
mod commands;
mod connect;
mod cut;
mod failover;
mod faults;
mod fleet;
mod guard;
mod months;
mod pooler;
mod readers;
mod rights;
mod spool;
mod versions;

use serde_json::Value;

use crate::support::{Answer, Proxy, Setup, wait_until};

/// A proxy with its ledger at `url`. It says nothing to the database by itself in the time of a test.
fn setup(url: &str, more: &str) -> Setup {
    Setup {
        ledger: format!(
            "  timeout: 2s\n  writer: one\n  sweep_interval: 1h\n\
             \x20 postgres: {{url: \"{url}\", dead_after: 2h{more}}}"
        ),
        ..Setup::default()
    }
}

fn post(path: &str) -> Vec<u8> {
    let body = r#"{"name":"x"}"#;
    format!(
        "POST {path} HTTP/1.1\r\nHost: admin.example\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn wait_ready(proxy: &Proxy) {
    wait_until("the proxy is ready again", || proxy.read("/readyz").0 == 200);
}

#[track_caller]
fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.problem().as_deref(), Some("audit-unavailable"));
}

/// The events of requests to this path.
fn events_of(proxy: &Proxy, path: &str) -> Vec<Value> {
    proxy.events().into_iter().filter(|event| event["request"]["path"] == path).collect()
}
