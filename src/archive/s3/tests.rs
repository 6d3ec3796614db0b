//! A bucket of these tests' own, on loopback.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What the bucket holds, and how it answers.
#[derive(Default)]
struct State {
    objects: BTreeMap<String, Vec<u8>>,
    /// Answers that are errors of the server, before it works.
    errors: usize,
    /// Every request is refused.
    denies: bool,
    requests: Vec<String>,
    signed: bool,
}

#[derive(Clone, Default)]
struct Fake(Arc<Mutex<State>>);

impl Fake {
    async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let fake = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(fake.clone().serve(stream));
            }
        });
        address
    }

    async fn serve(self, stream: TcpStream) {
        let mut stream = BufStream::new(stream);
        let (mut line, mut length, mut signed) = (String::new(), 0_usize, false);
        stream.read_line(&mut line).await.unwrap();
        let request = line.trim().trim_end_matches(" HTTP/1.1").to_owned();
        loop {
            line.clear();
            stream.read_line(&mut line).await.unwrap();
            let field = line.to_ascii_lowercase();
            if let Some(value) = field.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            signed |= field.starts_with("authorization: aws4-hmac-sha256 credential=key/");
            if line.trim().is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        let (status, answer) = self.answer(&request, body, signed);
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nETag: \"e\"\r\nConnection: close\r\n\
             Last-Modified: Wed, 01 Jan 2025 00:00:00 GMT\r\n\r\n",
            answer.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&answer).await.unwrap();
        stream.flush().await.unwrap();
    }

    fn answer(&self, request: &str, body: Vec<u8>, signed: bool) -> (&'static str, Vec<u8>) {
        let mut state = self.0.lock().unwrap();
        state.requests.push(request.to_owned());
        state.signed = signed;
        if state.denies {
            return ("403 Forbidden", b"<Error><Code>AccessDenied</Code></Error>".to_vec());
        }
        if state.errors > 0 {
            state.errors -= 1;
            return ("503 Slow Down", Vec::new());
        }
        let (method, target) = request.split_once(' ').unwrap();
        if target.contains("list-type=2") {
            let objects: String = state.objects.iter().map(|(name, bytes)| format!(
                "<Contents><Key>{}</Key><LastModified>2025-01-01T00:00:00.000Z</LastModified>\
                 <ETag>\"e\"</ETag><Size>{}</Size></Contents>",
                name.trim_start_matches("/bucket/"), bytes.len())).collect();
            let text = format!(
                "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>false</IsTruncated>\
                 {objects}</ListBucketResult>"
            );
            return ("200 OK", text.into_bytes());
        }
        match method {
            "PUT" => {
                state.objects.insert(target.to_owned(), body);
                ("200 OK", Vec::new())
            }
            _ => match state.objects.get(target) {
                Some(bytes) => ("200 OK", bytes.clone()),
                None => ("404 Not Found", b"<Error><Code>NoSuchKey</Code></Error>".to_vec()),
            },
        }
    }
}

fn bucket(address: SocketAddr) -> Bucket {
    let builder = AmazonS3Builder::new()
        .with_endpoint(format!("http://{address}"))
        .with_allow_http(true)
        .with_access_key_id("key")
        .with_secret_access_key("secret")
        .with_region("here");
    Bucket::of(builder, "bucket", "audit/log").unwrap()
}

#[tokio::test]
async fn objects_are_put_and_found_with_a_signature() {
    let fake = Fake::default();
    let bucket = bucket(fake.start().await);
    bucket.put("one.ndjson.zst", vec![7; 100_000]).await.unwrap();
    bucket.put("one.json", b"{}".to_vec()).await.unwrap();
    assert_eq!(bucket.get("one.ndjson.zst").await.unwrap(), vec![7; 100_000]);
    assert_eq!(bucket.list().await.unwrap(), ["one.json", "one.ndjson.zst"]);
    assert!(bucket.get("two.json").await.is_err());
    let state = fake.0.lock().unwrap();
    assert!(state.signed);
    assert_eq!(state.requests[0], "PUT /bucket/audit/log/one.ndjson.zst");
}

#[tokio::test]
async fn what_fails_for_a_moment_is_tried_again_and_what_is_denied_is_not() {
    let fake = Fake::default();
    let bucket = bucket(fake.start().await);
    fake.0.lock().unwrap().errors = 2;
    bucket.put("one.json", b"{}".to_vec()).await.unwrap();
    assert_eq!(fake.0.lock().unwrap().requests.len(), 3);
    fake.0.lock().unwrap().denies = true;
    assert!(bucket.put("one.json", b"{}".to_vec()).await.is_err());
    assert_eq!(fake.0.lock().unwrap().requests.len(), 4);
}
