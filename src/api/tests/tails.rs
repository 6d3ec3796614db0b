//! The live tail.

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::Served;
use crate::access::{Access, Role};
use crate::clock::Clock;

/// A tail, and all that has come of it.
struct Tail {
    stream: TcpStream,
    text: String,
}

impl Tail {
    /// Reads until `text` has come; gives all that has.
    async fn until(&mut self, text: &str) -> &str {
        let mut bytes = [0; 4096];
        while !self.text.contains(text) {
            let read = self.stream.read(&mut bytes).await.unwrap();
            assert_ne!(read, 0, "the tail ended: {}", self.text);
            self.text.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
        }
        &self.text
    }

    fn ids(&self) -> Vec<&str> {
        self.text.lines().filter_map(|line| line.strip_prefix("id: ")).collect()
    }
}

async fn tail(served: &Served, token: &str, query: &str, last: Option<&str>) -> Tail {
    let last = last.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
    let fields = format!("Authorization: Bearer {token}\r\n{last}");
    let path = format!("/v1/admin/audit/stream{query}");
    let stream = served.begin("GET", &path, &fields).await;
    let mut tail = Tail { stream, text: String::new() };
    tail.until(": ok").await;
    tail
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_as_they_end_and_a_tail_goes_on_where_it_was() {
    let served = Served::new().await;
    served.event("2026-07-09T10:00:00Z", json!({"action": "before.do"})).await;
    served.indexed().await;
    let mut stream = tail(&served, &served.owner, "?category=api_key", None).await;
    let first = served.event("2026-07-09T10:00:01Z", json!({"description": "a\nb"})).await;
    served.event("2026-07-09T10:00:01Z", json!({"category": "other"})).await;
    let second = served.event("2026-07-09T09:00:00Z", json!({"action": "late.do"})).await;
    served.indexed().await;
    stream.until("late.do").await;
    assert_eq!(stream.ids(), [first.as_str(), second.as_str()], "{}", stream.text);
    assert!(stream.text.contains(r#""description":"a\nb""#), "{}", stream.text);
    drop(stream);
    let third = served.event("2026-07-09T10:00:03Z", json!({})).await;
    served.indexed().await;
    for (last, expected) in [(&first, vec![&second, &third]), (&second, vec![&third])] {
        let mut stream = tail(&served, &served.owner, "?category=api_key", Some(last)).await;
        stream.until(&third).await;
        assert_eq!(stream.ids(), expected, "{}", stream.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_shows_its_scope_alone_and_ends_with_its_token() {
    let served = Served::new().await;
    let viewer = served.scoped("v", Role::Viewer, "blue");
    let hidden = served.event("2026-07-09T10:00:00Z", json!({"scope": {"pool": "red"}})).await;
    served.indexed().await;
    // A place that may not be seen is as unknown as one that there is not.
    let absent = "0197c5a0-7b1e-7cc3-98c4-dc0c0c07398f";
    for last in [hidden.as_str(), absent, "", "x.y", "é"] {
        let mut stream = tail(&served, &viewer, "", Some(last)).await;
        stream.until("event: reset").await;
    }
    let mut stream = tail(&served, &viewer, "", None).await;
    served
        .event("2026-07-09T10:00:01Z", json!({"scope": {"pool": "red"}, "action": "red.do"}))
        .await;
    served
        .event("2026-07-09T10:00:02Z", json!({"scope": {"pool": "blue"}, "action": "blue.do"}))
        .await;
    served.indexed().await;
    let text = stream.until("blue.do").await;
    assert!(!text.contains("red"), "{text}");
    Access::open(served.path()).unwrap().revoke("v", served.clock.now()).unwrap();
    served
        .event("2026-07-09T10:00:03Z", json!({"scope": {"pool": "blue"}, "action": "next.do"}))
        .await;
    served.indexed().await;
    let mut rest = String::new();
    stream.stream.read_to_string(&mut rest).await.unwrap();
    assert!(!rest.contains("next.do"), "{rest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_stops_does_not_wait_for_tails() {
    let served = Served::new().await;
    let mut stream = tail(&served, &served.owner, "", None).await;
    served.stop.send_replace(true);
    let mut rest = String::new();
    stream.stream.read_to_string(&mut rest).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_a_tail_makes_room_at_once() {
    let served = Served::new().await;
    let mut tails = Vec::new();
    for _ in 0..8 {
        tails.push(tail(&served, &served.owner, "", None).await);
    }
    let path = "/v1/admin/audit/stream";
    assert_eq!(served.ask(path).await.status, 503);
    tails.clear();
    // Long before anything would be sent to those that left.
    let again = async {
        for _ in 0..8 {
            let fields = format!("Authorization: Bearer {}\r\n", served.owner);
            loop {
                let mut stream = served.begin("GET", path, &fields).await;
                let mut status = [0; 12];
                stream.read_exact(&mut status).await.unwrap();
                if status.ends_with(b"200") {
                    tails.push(Tail { stream, text: String::new() });
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), again).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_all_tails_for_themselves() {
    let served = Served::new().await;
    let mut tails = Vec::new();
    for _ in 0..8 {
        tails.push(tail(&served, &served.owner, "", None).await);
    }
    let answer = served.ask("/v1/admin/audit/stream").await;
    assert_eq!(answer.status, 503, "{answer:?}");
    let other = served.token("other", crate::access::Grant::owner());
    tail(&served, &other, "", None).await;
}
