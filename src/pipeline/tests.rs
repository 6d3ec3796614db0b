//! Exchanges and their events: `tests/data/exchanges/*.http` through all stages, into `*.events`.
//!
//! `tests/data/exchanges/README.md` says how a case is written. `UPDATE=1` writes the events anew.

mod case;
mod shown;

use std::path::{Path, PathBuf};
use std::{env, fs};

use case::{Case, File};
use shown::shown;

use super::{End, Prepared, Reading, Stage, States, Timing};
use crate::capture::{Body, Release, Request, Response};
use crate::derive::Kind;
use crate::identify::{Evidence, Introspected, Need};
use crate::record::{BodyRecord, EventId, Observer};
use crate::redact::{Detail, Engine, FingerprintKey};
use crate::rules::{self, Pack, RuleSet};

/// The least number of cases that there must be.
const CASES_MIN: usize = 150;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What is recorded of a case, as text.
fn run(case: &Case, rules: &RuleSet, engine: &Engine) -> String {
    let events = rules.events();
    let detail = if case.metadata { Detail::Metadata } else { Detail::WithBody };
    let stage = Stage {
        engine,
        trusted: &[],
        events: &events,
        kind: if case.gateway { Kind::Gateway } else { Kind::Admin },
        request: detail,
        response: detail,
    };
    let time = case::time();
    let actors = rules.actors();
    let mut evidence = Evidence { now: time.timestamp(), ..Evidence::default() };
    let who = match actors.len() {
        0 => None,
        _ => Some(loop {
            match actors.identify(&case.request, &evidence, engine.key()) {
                Ok(who) => break who,
                Err(Need::Introspection(rule)) => {
                    let told = case.introspected.clone();
                    let told = told.unwrap_or(Introspected::Failed("actor_not_asked"));
                    evidence.introspected.push((rule, told));
                }
                Err(need) => evidence.decline(need, "actor_not_asked"),
            }
        }),
    };
    let id = EventId::new(time);
    let (observer, request) = (Observer::default(), &case.request);
    let mut prepared = match who {
        Some(who) => Prepared::of_actor(&stage, id, time, observer, request, who),
        None => Prepared::new(&stage, id, time, observer, request),
    };
    let intent = prepared.intent().unwrap();
    let end = match (&case.response, case.end) {
        (Some(response), _) => End::Response(response),
        (None, end) => end,
    };
    let timing = Timing {
        completed_at: time,
        duration: std::time::Duration::from_millis(12),
        upstream: None,
        client_gone: false,
        request_body: None,
        states: case.states.as_ref(),
    };
    let completion = prepared.completion(&stage, end, &timing).unwrap();
    shown(intent.doc.get(), completion.doc.get())
}

fn check(path: &Path) -> (usize, Option<String>) {
    let file = File::read(path);
    let dir = file.rules.as_ref().map(|rules| here("tests/data/exchanges").join(rules));
    let rules = rules::load(dir.as_deref(), &Pack::DEFAULT);
    let rules = rules.unwrap_or_else(|problems| panic!("{}: {problems}", path.display()));
    let engine = Engine::new(rules.redaction(), FingerprintKey::new(&[7; 32]));
    let mut text = String::new();
    for case in &file.cases {
        text.push_str(&format!("### {}\n{}\n", case.name, run(case, &rules, &engine)));
    }
    let expected = path.with_extension("events");
    let known = fs::read_to_string(&expected).unwrap_or_default();
    if known == text {
        return (file.cases.len(), None);
    }
    if env::var_os("UPDATE").is_some() {
        fs::write(&expected, text).unwrap();
        return (file.cases.len(), None);
    }
    let differ = known.lines().zip(text.lines()).position(|(known, is)| known != is);
    let at = differ.unwrap_or_else(|| known.lines().count().min(text.lines().count()));
    let line = |text: &str| text.lines().nth(at).unwrap_or("(the end)").to_owned();
    let case = text.lines().take(at + 1).filter(|line| line.starts_with("###")).last();
    let wrong = format!(
        "{}:{}: {}\n  is       {}\n  expected {}",
        expected.display(),
        at + 1,
        case.unwrap_or_default(),
        line(&text),
        line(&known),
    );
    (file.cases.len(), Some(wrong))
}

#[test]
fn exchanges_become_the_events_beside_them() {
    let mut files: Vec<PathBuf> = fs::read_dir(here("tests/data/exchanges"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "http"))
        .collect();
    files.sort();
    let (counts, wrong): (Vec<usize>, Vec<Option<String>>) =
        files.iter().map(|path| check(path)).unzip();
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "UPDATE=1 writes what is\n{}", wrong.join("\n"));
    let count: usize = counts.iter().sum();
    assert!(count >= CASES_MIN, "{count} cases, fewer than there were");
}

/// The upstream and the store are waited for with the text of a large body, and not with its tree.
#[test]
fn trees_of_large_bodies_are_not_kept_while_others_are_waited_for() {
    let rules = rules::load(None, &Pack::DEFAULT).unwrap();
    let engine = Engine::new(rules.redaction(), FingerprintKey::new(&[7; 32]));
    let events = rules.events();
    let (request, response) = (Detail::WithBody, Detail::WithBody);
    let (trusted, kind) = (&[][..], Kind::Admin);
    let stage = Stage { engine: &engine, trusted, events: &events, kind, request, response };
    let body = serde_json::json!({ "name": "Ada", "note": "so it was ".repeat(1_000) }).to_string();
    let json = || {
        let kind = http::HeaderValue::from_static("application/json");
        http::HeaderMap::from_iter([(http::header::CONTENT_TYPE, kind)])
    };
    let request = Request {
        method: "POST".to_owned(),
        path_and_query: "/users".to_owned(),
        host: "a".to_owned(),
        version: "1.1",
        headers: json(),
        body: Body::whole(body),
        peer: None,
        peer_trusted: false,
    };
    let response = Response {
        status: 201,
        headers: json(),
        body: Body::whole(r#"{"id":5,"name":"Ada"}"#),
        release: Release::Held,
    };
    let time = case::time();
    let (id, observer) = (EventId::new(time), Observer::default());
    let mut prepared = Prepared::new(&stage, id, time, observer, &request);
    let is_read = |prepared: &Prepared| {
        prepared.intent.get().request.body.as_ref().is_some_and(BodyRecord::is_read)
    };
    assert!(!is_read(&prepared));
    let timing = Timing {
        completed_at: time,
        duration: std::time::Duration::from_millis(12),
        upstream: None,
        client_gone: false,
        request_body: None,
        states: None,
    };
    let completion = prepared.completion(&stage, End::Response(&response), &timing).unwrap();
    assert!(completion.doc.get().contains("/name"), "it was read for the changes");
    assert!(!is_read(&prepared));
}
