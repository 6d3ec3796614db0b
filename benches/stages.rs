//! What an audited request costs before its intent is appended, without I/O: decoding, redaction,
//! identification, derivation, canonical bytes.
//!
//! `cargo bench --bench stages`. The figures of the whole proxy come from `benches/run.sh`.

use std::hint::black_box;

use anyhow::Context as _;
use bytes::Bytes;
use countersign::capture::{Body, Request};
use countersign::clock::{Clock as _, SystemClock};
use countersign::pipeline::{Prepared, Stage};
use countersign::record::{EventId, Observer};
use countersign::redact::{Detail, Engine, FingerprintKey};
use countersign::rules;
use criterion::{Criterion, Throughput};
use http::{HeaderMap, HeaderValue, header};

/// A user of an admin API, 1 KiB of JSON with a password and a key in it.
const USER: &[u8] = include_bytes!("create-user.json");

/// Users in the large body: 64 KiB.
const IMPORTED: usize = 64;

fn request(path: &str, body: Bytes) -> Request {
    let mut headers = HeaderMap::new();
    headers.insert(header::HOST, HeaderValue::from_static("admin.example.com"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static("admin-cli/3.4.1"));
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    let credential = HeaderValue::from_static("Bearer bench-5f2d81c09a7e4b36");
    headers.insert(header::AUTHORIZATION, credential);
    Request {
        method: "POST".to_owned(),
        path_and_query: path.to_owned(),
        host: "admin.example.com".to_owned(),
        version: "1.1",
        headers,
        body: Body::whole(body),
        peer: Some([127, 0, 0, 1].into()),
        peer_trusted: false,
    }
}

/// An array of users, each with a name of its own.
fn import() -> anyhow::Result<Bytes> {
    let user: serde_json::Value = serde_json::from_slice(USER)?;
    let users = (0..IMPORTED).map(|number| {
        let mut user = user.clone();
        if let Some(members) = user.as_object_mut() {
            members.insert("username".to_owned(), format!("user-{number:011}").into());
        }
        user
    });
    Ok(serde_json::to_vec(&users.collect::<Vec<_>>())?.into())
}

fn observer() -> Observer {
    Observer {
        upstream: Some("admin".to_owned()),
        config_version: "0123456789abcdef".to_owned(),
        ruleset: "0123456789abcdef".to_owned(),
    }
}

fn intents(criterion: &mut Criterion) -> anyhow::Result<()> {
    let rules = rules::load(None, true).map_err(anyhow::Error::from).context("shipped rules")?;
    let engine = Engine::new(rules.redaction(), FingerprintKey::new(&[7; 32]));
    let stage = Stage {
        engine: &engine,
        trusted: &[],
        request: Detail::WithBody,
        response: Detail::WithBody,
    };
    let cases = [
        ("1 KiB", request("/api/v1/users", Bytes::from_static(USER))),
        ("64 KiB", request("/api/v1/users/import", import()?)),
    ];
    let mut group = criterion.benchmark_group("intent");
    for (name, request) in &cases {
        group.throughput(Throughput::Bytes(request.body.bytes.len() as u64));
        group.bench_function(*name, |bencher| {
            bencher.iter(|| {
                let now = SystemClock.now();
                let id = EventId::new(now);
                let prepared = Prepared::new(&stage, id, now, observer(), black_box(request));
                prepared.intent().map(|entry| black_box(entry).doc.get().len())
            });
        });
    }
    group.finish();
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    intents(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}
