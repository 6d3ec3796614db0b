use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::serve;
use crate::cli::demo::{PLANTED, planted};

async fn start() -> (String, oneshot::Sender<()>, tokio::task::JoinHandle<std::io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(serve(listener, async { drop(stopped.await) }));
    (address, stop, task)
}

#[tokio::test]
async fn stops_soon_although_a_stream_is_open() {
    let (address, stop, task) = start().await;
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let request = format!(
        "GET /api/v1/events HTTP/1.1\r\nHost: {address}\r\nX-Api-Key: {}\r\n\r\n",
        planted::PIPELINE_KEY
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    let began = Instant::now();
    drop(stop);
    task.await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn the_secret_of_a_key_is_shown_once() {
    let (address, _stop, _task) = start().await;
    let ask = |request: String| {
        let address = address.clone();
        async move {
            let mut stream = TcpStream::connect(&address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        }
    };
    let head = format!("Host: x\r\nConnection: close\r\nX-Api-Key: {}\r\n", planted::PIPELINE_KEY);
    let body = r#"{"name":"new","pool":"batch"}"#;
    let created = ask(format!(
        "POST /admin/api-keys HTTP/1.1\r\n{head}Content-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    assert!(created.starts_with("HTTP/1.1 201") && created.contains(planted::SECRET_PREFIX));
    let listed = ask(format!("GET /admin/api-keys HTTP/1.1\r\n{head}\r\n")).await;
    assert!(listed.starts_with("HTTP/1.1 200") && !listed.contains(planted::SECRET_PREFIX));
}

#[test]
fn planted_secrets_survive_every_encoding_unchanged() {
    for text in PLANTED {
        assert!(text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{text}");
        assert!(text.len() >= 16, "{text} is too short to be looked for");
    }
}
