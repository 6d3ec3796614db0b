//! What the integration tests share: the real binary, an upstream that records every byte, and a
//! client that sends exactly what it is told. All on loopback, on ports chosen free.

mod client;
mod proxy;
mod rabbitmq;
mod upstream;

pub use client::{Answer, exchange, exchange_on, read_answer};
pub use proxy::{Proxy, Setup};
pub use rabbitmq::RabbitMq;
pub use upstream::{Reply, Seen, Upstream};

use std::time::{Duration, Instant};

/// Waits until `ready` holds; panics with `what` if it never does.
pub fn wait_until(what: &str, mut ready: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !ready() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
