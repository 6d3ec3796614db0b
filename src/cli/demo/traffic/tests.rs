use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;

use super::{Sender, script, send};
use crate::cli::demo::PLANTED;

/// Looking for a secret that was never sent would prove nothing.
#[tokio::test]
async fn every_planted_secret_is_really_sent() {
    let sender = Sender {
        base: "http://127.0.0.1:1".to_owned(),
        client: Client::builder(TokioExecutor::new()).build_http(),
        session: Some(http::HeaderValue::from_static("legacy_session=planted-session-00000001")),
    };
    let mut sent = String::new();
    for step in script::steps() {
        let request = sender.request(&step).unwrap();
        sent.push_str(&format!("{request:?}"));
        sent.push_str(std::str::from_utf8(&step.body.bytes()).unwrap());
    }
    // These two cross the wire in base64, which is in the list as well.
    let encoded = |text: &str| text.starts_with("planted-basic-password-");
    for text in PLANTED.iter().filter(|text| !encoded(text)) {
        assert!(sent.contains(text), "{text} is not in the script");
    }
}

#[tokio::test]
async fn a_base_url_that_is_none_is_an_error() {
    assert!(send("not a url", 0).await.is_err());
}

#[tokio::test]
async fn requests_without_a_response_are_counted_as_unexpected() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    let tally = send(&format!("http://{closed}"), 0).await.unwrap();
    assert_eq!(tally.unexpected.len(), tally.sent);
    assert!(tally.by_status.is_empty());
}
