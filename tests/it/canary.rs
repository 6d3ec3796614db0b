//! Canaries: random secrets in every carrier, every encoding and every nesting go through the
//! running proxy; then all that it keeps or shows is searched for them, in every spelling.
//!
//! One proxy serves all cases, one exchange each. A failure prints the table of all leaks. A run is
//! repeated with the seed that it printed, in the variable `CANARY_SEED`.

mod bodies;
mod cases;
mod echoes;
mod heads;
pub(crate) mod message;
mod odd;
mod prompts;
mod refusals;
mod search;
mod secrets;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use self::cases::Case;
use self::search::{Leaks, Search};
use self::secrets::Random;
use super::support::{Answer, Proxy, Reply, Seen, Setup, Upstream, exchange, wait_until};

/// The header field that says which case a request is.
const CASE: &str = "x-case";

/// Clients at one time.
const CLIENTS: usize = 6;

/// Cases, by a part of their name, that leak, and why. One that no longer leaks fails the test.
const KNOWN_LEAKS: &[(&str, &str)] = &[];

fn setup() -> Setup {
    let routes = "- {name: metadata, paths: [/metadata], level: metadata}\n\
                  - {name: request, paths: [/request], level: request}\n\
                  - {name: streaming, paths: [/streaming], streaming: true}\n\
                  - {name: gateway, paths: [/gateway], kind: gateway}\n\
                  - {name: default}";
    Setup {
        more: "telemetry: {filter: trace}".to_owned(),
        routes: routes.to_owned(),
        ..Setup::default()
    }
}

fn start_upstream(cases: &Arc<Vec<Case>>) -> Upstream {
    let cases = Arc::clone(cases);
    Upstream::start(move |seen| {
        let case = &cases[number(seen).unwrap()];
        Reply::Bytes(case.response.bytes(&format!("HTTP/1.1 {} Whatever", case.status)))
    })
}

fn number(seen: &Seen) -> Option<usize> {
    seen.header(CASE)?.parse().ok()
}

fn request(number: usize, case: &Case) -> Vec<u8> {
    let line = format!(
        "POST {} HTTP/1.1\r\nHost: admin.example\r\nConnection: close\r\n{CASE}: {number}",
        case.target
    );
    case.request.bytes(&line)
}

/// One exchange for each case, some at a time; the answers in the order of the cases.
fn send_all(proxy: &Proxy, cases: &[Case]) -> Vec<Answer> {
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(number) else { return };
                    let answer = exchange(proxy.address, &request(number, case));
                    answers.lock().unwrap().insert(number, answer);
                }
            });
        }
    });
    answers.into_inner().unwrap().into_values().collect()
}

/// What the upstream was sent and what the client was answered are what was meant.
fn check_passage(cases: &[Case], answers: &[Answer], seen: &[Seen]) -> Vec<String> {
    let mut wrong = Vec::new();
    let seen: BTreeMap<usize, &Seen> =
        seen.iter().filter_map(|seen| Some((number(seen)?, seen))).collect();
    for (number, (case, answer)) in cases.iter().zip(answers).enumerate() {
        let mut check = |what: &str, right: bool| {
            if !right {
                wrong.push(format!("{}: {what}", case.name));
            }
        };
        check("status", answer.status == case.status);
        check("the response's body", answer.body == case.response.body);
        for (name, value) in &case.response.headers {
            let found = answer.header(&name.to_ascii_lowercase());
            check(name, found == Some(value.as_str()));
        }
        let Some(seen) = seen.get(&number) else {
            check("never reached the upstream", false);
            continue;
        };
        check("request line", seen.line() == format!("POST {} HTTP/1.1", case.target));
        for (name, value) in &case.request.headers {
            check(name, is_passed_on(&seen.head, name, value));
        }
        let is_chunked = seen.header("transfer-encoding").is_some();
        let body = if is_chunked { message::dechunked(&seen.body) } else { seen.body.clone() };
        check("the request's body", body == case.request.body);
    }
    wrong
}

fn is_passed_on(head: &str, name: &str, value: &str) -> bool {
    let mut lines = head.split("\r\n").filter_map(|line| line.split_once(": "));
    lines.any(|(other, found)| {
        other.eq_ignore_ascii_case(name)
            && match name {
                // Two fields may become one.
                "Cookie" => found.contains(value),
                // The proxy says itself whom it forwards for.
                "X-Forwarded-For" => true,
                _ => found == value,
            }
    })
}

/// What is no secret is on record: a record of nothing would leak nothing.
fn check_record(cases: &[Case], events: &[Value]) -> Vec<String> {
    let mut wrong = Vec::new();
    let events: BTreeMap<&str, String> = events
        .iter()
        .filter_map(|event| Some((event["request"]["headers"][CASE].as_str()?, event.to_string())))
        .collect();
    for (number, case) in cases.iter().enumerate() {
        match (events.get(number.to_string().as_str()), &case.harmless) {
            (None, _) => wrong.push(format!("{}: not on record", case.name)),
            (Some(event), Some(harmless)) if !event.contains(harmless) => {
                wrong.push(format!("{}: its harmless part is not on record: {event}", case.name));
            }
            _ => {}
        }
    }
    wrong
}

/// The output of `countersign query` in a format, page after page.
fn query(proxy: &Proxy, format: &str) -> Vec<u8> {
    let mut all = Vec::new();
    for page in 0.. {
        let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["query", "--limit", "500", "--format", format])
            .args(["--offset", &(page * 500).to_string(), "--data"])
            .arg(proxy.data())
            .output()
            .unwrap();
        all.extend_from_slice(&output.stdout);
        all.extend_from_slice(&output.stderr);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        if output.stdout.len() < 1000 {
            return all;
        }
    }
    all
}

/// Everything that the proxy keeps and shows, while it runs and after it has ended.
fn search_all(proxy: &mut Proxy, search: &Search<'_>, answers: &[Answer]) -> Leaks {
    let mut leaks = Leaks::new();
    search.look_below("running", &proxy.data(), &mut leaks);
    search.look("/metrics", proxy.read("/metrics").1.as_bytes(), &mut leaks);
    search.look("/readyz", proxy.read("/readyz").1.as_bytes(), &mut leaks);
    for format in ["table", "ndjson", "json"] {
        search.look(&format!("query {format}"), &query(proxy, format), &mut leaks);
    }
    for answer in answers {
        search.look("problem response", &answer.body, &mut leaks);
        for (name, value) in &answer.headers {
            search.look("problem response", format!("{name}: {value}").as_bytes(), &mut leaks);
        }
    }
    proxy.signal("TERM");
    assert_eq!(proxy.wait(), Some(0));
    search.look_below("stopped", &proxy.data(), &mut leaks);
    search.look("log", proxy.log().as_bytes(), &mut leaks);
    leaks
}

/// Fails with the table of all leaks but the known ones.
fn judge(leaks: &Leaks, known: &[(&str, &str)], mut wrong: Vec<String>) {
    let mut unmet: BTreeSet<&str> = known.iter().map(|(part, _)| *part).collect();
    let mut table: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (case, spelling, place) in leaks.keys() {
        match known.iter().find(|(part, _)| case.contains(part)) {
            Some((part, _)) => {
                unmet.remove(part);
            }
            None => {
                table.entry(case).or_default().insert(format!("{place} ({spelling})"));
            }
        }
    }
    wrong.extend(unmet.iter().map(|part| format!("{part}: known as a leak, but it is none")));
    let mut text = String::new();
    for (case, places) in &table {
        let around = leaks.iter().find(|((name, ..), _)| name == case).map(|(_, around)| around);
        let places: Vec<&str> = places.iter().map(String::as_str).collect();
        writeln!(text, "{case} | {} | {}", places.join(", "), around.unwrap()).unwrap();
    }
    assert!(table.is_empty(), "{} leaks:\n{text}\n{}", table.len(), wrong.join("\n"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_secret_is_in_anything_that_is_kept_or_shown() {
    no_leaks(cases::all(&mut Random::fresh()), KNOWN_LEAKS);
}

#[test]
fn no_prompt_is_in_anything_that_is_kept_or_shown() {
    no_leaks(prompts::all(&mut Random::fresh()), &[]);
}

/// The events; of one that is several acts, one of them.
fn events(proxy: &Proxy) -> Vec<Value> {
    let mut events = proxy.events();
    events.dedup_by(|one, other| one["id"] == other["id"]);
    events
}

fn no_leaks(cases: Vec<Case>, known: &[(&str, &str)]) {
    let cases = Arc::new(cases);
    eprintln!("{} cases", cases.len());
    let upstream = start_upstream(&cases);
    let mut proxy = Proxy::with(upstream.address, &setup());
    let answers = send_all(&proxy, &cases);
    let mut wrong = check_passage(&cases, &answers, &upstream.seen());
    wait_until("all events are in the index", || events(&proxy).len() == cases.len());
    wrong.extend(check_record(&cases, &events(&proxy)));
    let leaks = search_all(&mut proxy, &Search::new(&cases), &[]);
    judge(&leaks, known, wrong);
}

#[test]
fn every_place_is_searched_and_every_spelling_is_found() {
    let mut cases = cases::all(&mut Random::fresh());
    cases.retain(|case| case.name.starts_with("Request JSON, deep"));
    let cases = Arc::new(cases);
    let upstream = start_upstream(&cases);
    let rules = tempfile::tempdir().unwrap();
    fs::write(rules.path().join("own.yaml"), "redact: [{id: own.x, keys: [x], do: drop}]\n")
        .unwrap();
    let more = format!("rules: {{packs: [], dir: \"{}\"}}", rules.path().display());
    let unarmed = Setup { more, ..Setup::default() };
    let mut proxy = Proxy::with(upstream.address, &unarmed);
    let answers = send_all(&proxy, &cases);
    wait_until("all events are in the index", || events(&proxy).len() == cases.len());
    let search = Search::new(&cases);
    let leaks = search_all(&mut proxy, &search, &answers);
    let places: BTreeSet<&str> = leaks.keys().map(|(.., place)| place.as_str()).collect();
    for place in ["ledger.db stopped", "query json", "query ndjson"] {
        assert!(places.contains(place), "no secret was found in {place}: {places:?}");
    }
    for case in cases.iter() {
        for (spelling, needle) in case.secret.needles() {
            let mut leaks = Leaks::new();
            search.look("", &[b"..", needle.as_slice(), b".."].concat(), &mut leaks);
            let found =
                leaks.keys().any(|(name, found, _)| (name, *found) == (&case.name, spelling));
            assert!(found, "{}: {spelling}", case.name);
        }
    }
}
