//! What an audited request costs before its intent is appended, without I/O: decoding, redaction,
//! identification, derivation, canonical bytes.
//!
//! The stage `identify` is who acts, by twenty rules and a table of a hundred keys, and with
//! derivation what happened; tokens were proved before.
//!
//! The stage `redact` is decoding and redaction alone, of bodies without secrets, against the same
//! without any rule, with as many token rules again, and against a loop over all patterns, which is
//! what scripts in proxies do.
//!
//! The stage `answer` is what is recorded of an answer, after a request with secrets, which are looked for
//! in it, and after one without.
//!
//! The stage `named by rules` is derivation alone, under none, ten and 500 rules for events.
//!
//! `cargo bench --bench stages`. The figures of the whole proxy come from `benches/run.sh`.

use std::hint::black_box;

use anyhow::Context as _;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use countersign::capture::{Body, Release, Request, Response};
use countersign::clock::{Clock as _, SystemClock};
use countersign::derive::{self, Kind, Place};
use countersign::identify::{
    ActorRule, Actors, Algorithm, ApiKeys, Carrier, Evidence, KeyHolder, KeySet, ProofRule,
    TokenKeys, TokenRule,
};
use countersign::pipeline::{Prepared, Stage};
use countersign::record::{ActorKind, EventId, Observer};
use countersign::redact::{Detail, Engine, FingerprintKey, Seen};
use countersign::rules;
use criterion::{BatchSize, Criterion, Throughput};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use regex::bytes::{Regex, RegexBuilder};
use ring::hmac;
use serde_json::json;

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    let rules = rules::load(None, &rules::Pack::DEFAULT)
        .map_err(anyhow::Error::from)
        .context("shipped rules")?;
    let engine = Engine::new(rules.redaction(), FingerprintKey::new(&[7; 32]));
    let events = rules.events();
    let stage = Stage {
        engine: &engine,
        events: &events,
        kind: Kind::Admin,
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

/// A list of ordinary objects, without secrets, of about so many bytes. No two are the same.
fn ordinary(bytes: usize) -> anyhow::Result<Bytes> {
    const WORDS: [&str; 12] = [
        "deploy",
        "password",
        "report",
        "the",
        "token",
        "of",
        "users",
        "was",
        "key",
        "changed",
        "disk-usage",
        "secret",
    ];
    // Knuth's linear congruential generator: the same body in every run.
    let mut state = 42_u64;
    let mut next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 11
    };
    let mut items = Vec::new();
    let mut size = 0;
    while size < bytes {
        let prose: Vec<&str> =
            (0..8).filter_map(|_| WORDS.get(next() as usize % 12).copied()).collect();
        let item = json!({
            "id": format!("{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}", next() as u32, next() & 0xffff,
                next() & 0xfff, next() & 0xfff, next() & 0xffff_ffff_ffff),
            "name": format!("user-{}", next() % 100_000),
            "email": format!("u{}@example.com", next() % 100_000),
            "commit": format!("{:016x}{:016x}{:08x}", next(), next(), next() as u32),
            "url": format!("https://admin.example.com/projects/{}/runs?page={}", next() % 1000, next() % 9),
            "note": prose.join(" "),
            "count": next() % 1000,
            "active": next() % 2 == 0,
        });
        size += item.to_string().len() + 1;
        items.push(item);
    }
    Ok(serde_json::to_vec(&items)?.into())
}

/// The shipped rules and so many more, each of a token with a prefix of its own.
fn twice_the_tokens(count: usize) -> anyhow::Result<rules::RuleSet> {
    let mut text = "redact:\n".to_owned();
    for number in 0..count {
        // As prefixes are: few letters, all over the alphabet.
        let letter = |by: usize| char::from(b'a' + u8::try_from(number * by % 26).unwrap_or(0));
        text.push_str(&format!(
            "  - {{id: more.t{number}, pattern: '\\b{}{}{number}_[0-9A-Za-z]{{30,40}}\\b', do: fingerprint}}\n",
            letter(7),
            letter(11),
        ));
    }
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("more.yaml"), text)?;
    rules::load(Some(dir.path()), &rules::Pack::DEFAULT).map_err(anyhow::Error::from)
}

fn redaction(criterion: &mut Criterion) -> anyhow::Result<()> {
    let key = || FingerprintKey::new(&[7; 32]);
    let shipped = rules::load(None, &rules::Pack::DEFAULT)
        .map_err(anyhow::Error::from)
        .context("shipped rules")?;
    let none = rules::load(None, &[]).map_err(anyhow::Error::from).context("no rules")?;
    let more = twice_the_tokens(shipped.patterns().count())?;
    let engines = [
        ("shipped rules", Engine::new(shipped.redaction(), key())),
        ("twice the token rules", Engine::new(more.redaction(), key())),
        ("no rules", Engine::new(none.redaction(), key())),
    ];
    let loop_over: Vec<Regex> = shipped
        .patterns()
        .map(|pattern| RegexBuilder::new(pattern).unicode(false).build())
        .collect::<Result<_, _>>()?;
    let mut group = criterion.benchmark_group("redact");
    group.sample_size(20);
    let sizes =
        [("1 KiB", 800), ("64 KiB", 65_536), ("1 MiB", 1_048_576), ("16 MiB", 16 * 1_048_576)];
    for (name, bytes) in sizes {
        let body = ordinary(bytes)?;
        group.throughput(Throughput::Bytes(body.len() as u64));
        let request = request("/api/v1/users/import", body.clone());
        for (rules, engine) in &engines {
            group.bench_function(format!("{name}, {rules}"), |bencher| {
                bencher.iter(|| {
                    let mut seen = Seen::default();
                    engine.request(black_box(&request), Detail::WithBody, &mut seen)
                });
            });
        }
        // It takes minutes over a mebibyte.
        if bytes < 1_000_000 {
            group.bench_function(format!("{name}, loop over all patterns"), |bencher| {
                bencher.iter(|| {
                    loop_over.iter().filter(|pattern| pattern.is_match(black_box(&body))).count()
                });
            });
        }
    }
    group.finish();
    Ok(())
}

/// Answers, after a request whose secrets are looked for in them, in disguise too, and after one
/// without any.
fn answers(criterion: &mut Criterion) -> anyhow::Result<()> {
    let rules = rules::load(None, &rules::Pack::DEFAULT)
        .map_err(anyhow::Error::from)
        .context("shipped rules")?;
    let engine = Engine::new(rules.redaction(), FingerprintKey::new(&[7; 32]));
    let secrets = request("/api/v1/users", Bytes::from_static(USER));
    let mut none = request("/api/v1/users", ordinary(800)?);
    none.headers.remove(header::AUTHORIZATION);
    let mut group = criterion.benchmark_group("answer");
    for (name, bytes) in [("1 KiB", 800), ("64 KiB", 65_536)] {
        let body = ordinary(bytes)?;
        group.throughput(Throughput::Bytes(body.len() as u64));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let (body, release) = (Body::whole(body), Release::Held);
        let answer = Response { status: 200, headers, body, release };
        for (after, request) in [("with secrets", &secrets), ("without", &none)] {
            group.bench_function(format!("{name}, after a request {after}"), |bencher| {
                let asked = || {
                    let mut seen = Seen::default();
                    engine.request(request, Detail::WithBody, &mut seen);
                    seen
                };
                bencher.iter_batched(
                    asked,
                    |mut seen| {
                        engine
                            .response(black_box(&answer), Detail::WithBody, &mut seen)
                            .into_inner()
                    },
                    BatchSize::SmallInput,
                );
            });
        }
    }
    group.finish();
    Ok(())
}

/// A shared secret that signs the bench's tokens.
const SECRET: &[u8] = b"a secret of the bench, which is no secret";

/// A token of `subject` that ends in the year 2100.
fn token(subject: &str) -> String {
    let part = |value: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({"alg": "HS256", "typ": "JWT"}));
    let claims = part(json!({"sub": subject, "email": format!("{subject}@example.com"),
        "iss": "https://issuer.example", "aud": ["admin"], "exp": 4_102_444_800_u64}));
    let signed = format!("{header}.{claims}");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), signed.as_bytes());
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

/// Twenty rules: issuers whose tokens these are not, one whose they are, a hundred keys.
fn actors() -> anyhow::Result<Actors> {
    let jwt = |issuer: String| -> anyhow::Result<ActorRule> {
        let keys = KeySet::shared(SECRET).context("the secret is long enough")?;
        let token = TokenRule {
            keys: TokenKeys::Here(keys.into()),
            algorithms: vec![Algorithm::Hs256],
            issuers: vec![issuer],
            audiences: vec!["admin".to_owned()],
            leeway: 30,
        };
        let proof = ProofRule::Jwt(Carrier::Header(header::AUTHORIZATION), token);
        Ok(ActorRule { proof, id: None, name: None, email: None, kind: None })
    };
    let mut rules = vec![jwt("https://issuer.example".to_owned())?];
    for number in 0..18 {
        rules.push(jwt(format!("https://issuer-{number}.example"))?);
    }
    let mut table = ApiKeys::default();
    for number in 0..100 {
        let holder = KeyHolder {
            id: Some(format!("program-{number}")),
            name: None,
            email: None,
            kind: ActorKind::Api,
        };
        table.add_digest(ApiKeys::digest(&format!("key-of-program-{number:04}")), holder);
    }
    let carrier = Carrier::Header(HeaderName::from_static("x-api-key"));
    let proof = ProofRule::ApiKey(carrier, table);
    rules.push(ActorRule { proof, id: None, name: None, email: None, kind: None });
    Ok(Actors::new(rules, Vec::new()))
}

fn identification(criterion: &mut Criterion) -> anyhow::Result<()> {
    let (actors, key) = (actors()?, FingerprintKey::new(&[7; 32]));
    let rules = rules::load(None, &rules::Pack::DEFAULT)
        .map_err(anyhow::Error::from)
        .context("shipped rules")?;
    let engine = Engine::new(rules.redaction(), key.clone());
    let with = |name: HeaderName, value: &str| -> anyhow::Result<Request> {
        let mut request = request("/api/v1/users", Bytes::from_static(USER));
        request.headers.remove(header::AUTHORIZATION);
        request.headers.insert(name, HeaderValue::from_str(value)?);
        Ok(request)
    };
    let bearer = format!("Bearer {}", token("ada"));
    let cases = [
        ("token", with(header::AUTHORIZATION, &bearer)?),
        ("API key", with(HeaderName::from_static("x-api-key"), "key-of-program-0042")?),
    ];
    let evidence = Evidence { now: 1_800_000_000, ..Evidence::default() };
    let mut group = criterion.benchmark_group("identify");
    for (name, request) in &cases {
        let verified =
            actors.identify(request, &evidence, &key).map(|who| who.get().actor.verified);
        anyhow::ensure!(verified == Ok(true), "{name}: not verified");
        group.bench_function(*name, |bencher| {
            bencher.iter(|| actors.identify(black_box(request), &evidence, &key).is_ok());
        });
        let record = engine.request(request, Detail::WithBody, &mut Seen::default()).into_inner();
        let events = rules.events();
        let place = Place { rules: &events, host: "admin.example.com", kind: Kind::Admin };
        group.bench_function(format!("{name}, with derivation"), |bencher| {
            bencher.iter(|| {
                let who = actors.identify(black_box(request), &evidence, &key).ok();
                who.map(|who| derive::named(black_box(&record), &who.get().actor, &place))
            });
        });
    }
    group.finish();
    Ok(())
}

/// So many rules that name events.
const EVENT_RULES: usize = 500;

/// Naming a request by rules: how much it costs must not follow from how many there are.
fn naming(criterion: &mut Criterion) -> anyhow::Result<()> {
    let mut group = criterion.benchmark_group("named by rules");
    let none = rules::load(None, &[]).map_err(anyhow::Error::from)?;
    let engine = Engine::new(none.redaction(), FingerprintKey::new(&[7; 32]));
    let request = request("/api/v1/orgs/acme/things-7/42/rotate", Bytes::from_static(USER));
    let record = engine.request(&request, Detail::WithBody, &mut Seen::default()).into_inner();
    let actor = countersign::record::Actor {
        id: Some("ann".to_owned()),
        ..countersign::record::Actor::unknown(ActorKind::User)
    };
    for count in [0, 10, EVENT_RULES] {
        let dir = tempfile::tempdir()?;
        let entry = |number: usize| {
            format!(
                "  - id: rule-{number}\n    match: {{method: POST, path: '/api/v1/orgs/{{org}}/things-{number}/{{id}}/rotate'}}\n    action: thing.rotate\n    target: {{type: thing, id: '{{path.id}}', name: '{{request.body:$.username}}'}}\n    scope: {{org: '{{path.org}}'}}\n"
            )
        };
        let entries: String = (0..count).map(entry).collect();
        let text = if count == 0 { String::new() } else { format!("events:\n{entries}") };
        std::fs::write(dir.path().join("events.yaml"), text)?;
        let rules = rules::load(Some(dir.path()), &[]).map_err(anyhow::Error::from)?.events();
        let place = Place { rules: &rules, host: "admin.example.com", kind: Kind::Admin };
        group.bench_function(format!("{count} rules"), |bencher| {
            bencher.iter(|| derive::named(black_box(&record), &actor, &place));
        });
    }
    group.finish();
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    intents(&mut criterion)?;
    identification(&mut criterion)?;
    redaction(&mut criterion)?;
    answers(&mut criterion)?;
    naming(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}
