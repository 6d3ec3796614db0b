//! What the integration tests share: the real binary, an upstream that records every byte, and a
//! client that sends exactly what it is told. All on loopback, on ports chosen free.

mod client;
mod curl;
mod django;
mod frames;
mod http2;
mod issuer;
mod ledger;
mod model;
mod postgres;
mod provider;
mod proxy;
mod rabbitmq;
mod tls;
mod upstream;

pub(crate) use client::{Answer, exchange, exchange_on, read_answer};
pub(crate) use curl::{Curl, curl};
pub(crate) use django::{Browser, Django};
pub(crate) use frames::Frames;
pub(crate) use http2::{Http2Reply, Http2Upstream, http2_exchange};
pub(crate) use issuer::Issuer;
pub(crate) use ledger::{Row, WriteLock, completions, look_at, rows, rows_after};
pub(crate) use model::Model;
pub(crate) use postgres::{Postgres, Programs};
pub(crate) use provider::{CLIENT_SECRET, Provider};
pub(crate) use proxy::{Proxy, Running, Setup, free_address};
pub(crate) use rabbitmq::RabbitMq;
pub(crate) use tls::{Authority, TlsFront};
pub(crate) use upstream::{Reply, Seen, Upstream};

use std::time::{Duration, Instant};

/// Waits until `ready` holds; panics with `what` if it never does.
pub(crate) fn wait_until(what: &str, mut ready: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !ready() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
