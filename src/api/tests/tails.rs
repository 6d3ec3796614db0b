//! The live tail.

use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::Served;
use crate::access::{Access, Role};
use crate::clock::Clock;
use crate::follow::Follower;
use crate::index::Index;

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

    /// Of its events, without the name of the index.
    fn ids(&self) -> Vec<&str> {
        self.places().into_iter().map(|place| place.rsplit_once('.').unwrap().0).collect()
    }

    /// By which a client goes on.
    fn places(&self) -> Vec<&str> {
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
    let places: Vec<String> = stream.places().into_iter().map(str::to_owned).collect();
    drop(stream);
    let third = served.event("2026-07-09T10:00:03Z", json!({})).await;
    served.indexed().await;
    for (last, expected) in [(&places[0], vec![&second, &third]), (&places[1], vec![&third])] {
        let mut stream = tail(&served, &served.owner, "?category=api_key", Some(last)).await;
        stream.until(&third).await;
        assert_eq!(stream.ids(), expected, "{}", stream.text);
        assert!(!stream.text.contains("event: reset"), "{}", stream.text);
    }
    // As another index has it, and as none says it.
    let elsewhere = format!("{first}.0123456789abcdef");
    for last in [&first, &format!("{first}.0"), &elsewhere, &format!("{}.0", places[0])] {
        let mut stream = tail(&served, &served.owner, "", Some(last)).await;
        stream.until("event: reset").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_built_again_under_a_tail_is_told_of() {
    let served = Served::new().await;
    served.event("2026-07-09T10:00:00Z", json!({})).await;
    served.indexed().await;
    let mut stream = tail(&served, &served.owner, "", None).await;
    let mut index = Index::open(served.path()).await.unwrap();
    index.start_over().await.unwrap();
    stream.until("event: reset").await;
    let next = served.event("2026-07-09T10:00:01Z", json!({})).await;
    served.indexed().await;
    stream.until(&next).await;
    let place = (*stream.places().last().unwrap()).to_owned();
    let later = served.event("2026-07-09T10:00:02Z", json!({})).await;
    served.indexed().await;
    let mut again = tail(&served, &served.owner, "", Some(&place)).await;
    again.until(&later).await;
    assert!(!again.text.contains("event: reset"), "{}", again.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_says_what_of_the_question_it_leaves_out() {
    let served = Served::new().await;
    let query = "?colour=red&x%0Aevent%3A+audit%0D%0A%0A=1&limit=3&category=api_key";
    let mut stream = tail(&served, &served.owner, query, None).await;
    stream.until("event: warning\ndata: [").await;
    let made = served.event("2026-07-09T10:00:01Z", json!({})).await;
    served.indexed().await;
    let text = stream.until(&made).await.to_owned();
    let comment = ": `colour` is not a filter here, and was ignored\n: `x event: audit   ` is not";
    assert!(text.contains(comment), "{text}");
    let data = text.split_once("event: warning\ndata: ").unwrap().1.lines().next().unwrap();
    let warnings: Vec<String> = serde_json::from_str(data).unwrap();
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings[2].contains("`limit`"), "{warnings:?}");
    assert_eq!(stream.ids(), [made.as_str()], "{text}");
    let mut stream = tail(&served, &served.owner, "?category=api_key", None).await;
    let next = served.event("2026-07-09T10:00:02Z", json!({})).await;
    served.indexed().await;
    let text = stream.until(&next).await;
    assert!(!text.contains("warning"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_shows_its_scope_alone_and_ends_with_its_token() {
    let served = Served::new().await;
    let viewer = served.scoped("v", Role::Viewer, "blue");
    let hidden = served.event("2026-07-09T10:00:00Z", json!({"scope": {"pool": "red"}})).await;
    served.indexed().await;
    // A place that may not be seen is as unknown as one that there is not.
    let absent = "0197c5a0-7b1e-7cc3-98c4-dc0c0c07398f";
    let index = Index::open_read_only(served.path()).await.unwrap().latest().await.unwrap();
    let [hidden, absent] = [&hidden, absent].map(|id| format!("{id}.{}", index.index()));
    for last in [hidden.as_str(), &absent, "", "x.y", "é"] {
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
