//! What is fuzzed, by name. The fuzz targets and the test that replays their corpus share it.

use std::fs;
use std::sync::OnceLock;

use countersign::capture::{Body, Release, Request, Response};
use countersign::decode::{self, Content};
use countersign::redact::{Detail, Engine, FingerprintKey, JsonPath, Seen};
use countersign::rules;
use countersign::seal::verify::Evidence;
use countersign::seal::{
    BundleCheck, ConsistencyProof, EventProof, SigningKey, VerifierKey, parse_tlog_proof,
};
use http::{HeaderMap, HeaderValue};

/// Bodies: the target's name, and the type under which its input is sent.
const BODIES: [(&str, &str); 13] = [
    ("json", "application/json"),
    ("ndjson", "application/x-ndjson"),
    ("form", "application/x-www-form-urlencoded"),
    ("multipart", "multipart/form-data; boundary=b"),
    ("xml", "application/xml"),
    ("yaml", "application/yaml"),
    ("toml", "application/toml"),
    ("events", "text/event-stream"),
    ("csv", "text/csv"),
    ("graphql", "application/graphql"),
    ("text", "text/plain"),
    ("undeclared", ""),
    ("charset_utf16", "application/json; charset=utf-16"),
];

const CHARSETS: [&str; 6] =
    ["windows-1252", "shift_jis", "gb18030", "iso-2022-jp", "utf-16be", "no-such"];

/// The key that signed what is in the corpus of `seal`.
const SEAL_KEY: &str =
    "audit.example.com/test+1f924a11+AZrH2mJfT7cqjnlu6xctI4BBw/K4FLHishhvolPqietK";

const ENCODINGS: [&str; 6] = ["gzip", "deflate", "br", "zstd", "gzip, gzip", "br, deflate"];

/// The names of all targets.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    BODIES
        .into_iter()
        .map(|(name, _)| name)
        .chain(["charset", "encoding", "strings", "query", "jsonpath", "seal", "rules"])
}

/// Runs one input of a target; nothing may panic, and what is recorded must be text.
pub(crate) fn run(target: &str, data: &[u8]) {
    assert!(names().any(|name| name == target), "no fuzz target `{target}`");
    if let Some((_, content_type)) = BODIES.iter().find(|(name, _)| *name == target) {
        return record(&[("content-type", content_type)], "/", data);
    }
    let (first, rest) = data.split_first().map_or((0, data), |(first, rest)| (*first, rest));
    let pick = |names: &[&'static str]| names[usize::from(first) % names.len()];
    match target {
        "charset" => {
            let content_type = format!("text/plain; charset={}", pick(&CHARSETS));
            record(&[("content-type", &content_type)], "/", rest);
        }
        "encoding" => {
            let encoding = pick(&ENCODINGS);
            let fields = [("content-type", "application/json"), ("content-encoding", encoding)];
            record(&fields, "/", rest);
        }
        "strings" => {
            let text = String::from_utf8_lossy(data);
            drop((decode::base64_text(&text), decode::percent_text(&text)));
            drop((decode::data_url(&text), decode::graphql(&text)));
            let body = serde_json::Value::from(text.as_ref()).to_string();
            record(&[("content-type", "application/json")], "/", body.as_bytes());
        }
        "query" => {
            let text = String::from_utf8_lossy(data);
            record(&[("cookie", &text), ("authorization", &text)], &format!("/{text}"), b"");
        }
        "seal" => seal(&String::from_utf8_lossy(data)),
        "jsonpath" => json_path(&String::from_utf8_lossy(data)),
        _ => rule_file(data),
    }
}

/// Whatever somebody may give to `countersign verify`. The key under what is in the corpus is trusted.
fn seal(text: &str) {
    let key: VerifierKey = SEAL_KEY.parse().unwrap();
    let keys = [key];
    let mut evidence = Evidence::new(keys.to_vec());
    evidence.add_file("file", text);
    let evidence = evidence.judged();
    assert!(evidence.writers().all(|writer| !evidence.of(writer).is_empty()));
    drop((text.parse::<VerifierKey>(), SigningKey::parse(text), parse_tlog_proof(text)));
    drop(serde_json::from_str::<EventProof>(text).map(|proof| proof.verify(&keys)));
    drop(serde_json::from_str::<ConsistencyProof>(text).map(|proof| proof.verify(&keys)));
    let mut check = BundleCheck::new(Evidence::new(keys.to_vec()));
    if text.lines().try_for_each(|line| check.line(line)).is_ok() {
        drop(check.end());
    }
}

/// Evaluates the first line as a path, in the rest as a document, and in one that is always there.
fn json_path(text: &str) {
    const STEPS: usize = 20_000;
    let (path, document) = text.split_once('\n').unwrap_or((text, ""));
    let path = match JsonPath::new(path) {
        Ok(path) => path,
        Err(error) => {
            assert!((1..=path.chars().count() + 1).contains(&error.at), "{error}");
            return;
        }
    };
    for document in [document, r#"{"a":[1,"b",{"a":null,"b":[true,"c"]}],"b":{"a":"b"}}"#] {
        let Ok(node) = decode::json(document) else { continue };
        let mut work = STEPS;
        let selected = path.select(&node, &mut work).map(|nodes| nodes.len());
        assert!(work <= STEPS && selected.unwrap_or_default() <= STEPS);
    }
}

/// Records an exchange with this body both ways, whole and cut.
fn record(fields: &[(&'static str, &str)], target: &str, bytes: &[u8]) {
    let mut headers = HeaderMap::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(*name, value);
        }
    }
    for truncated in [false, true] {
        let body = Body { truncated, ..Body::whole(bytes.to_vec()) };
        let content = Content::of(&headers, &body);
        let decoded = content.read();
        let said = decoded.node.is_some() || !decoded.notes.is_empty() || bytes.is_empty();
        assert!(said, "neither a tree nor a note");
        drop(decoded);
        let request = Request {
            method: "POST".to_owned(),
            path_and_query: target.to_owned(),
            host: String::new(),
            version: "1.1",
            headers: headers.clone(),
            body: body.clone(),
            peer: None,
            peer_trusted: false,
        };
        let response =
            Response { status: 200, headers: headers.clone(), body, release: Release::Held };
        let mut seen = Seen::default();
        let request = engine().request(&request, Detail::WithBody, &mut seen).into_inner();
        let response = engine().response(&response, Detail::WithBody, &mut seen).into_inner();
        serde_json::to_string(&request).expect("a record is JSON");
        serde_json::to_string(&response).expect("a record is JSON");
    }
}

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let rules = rules::load(None, &rules::Pack::ALL).expect("the shipped rules are good");
        Engine::new(rules.redaction(), FingerprintKey::new(&[7; 32]))
    })
}

/// Loads the input as the one rule file of a directory. Problems are shown, as to an operator.
fn rule_file(data: &[u8]) {
    static DIR: OnceLock<tempfile::TempDir> = OnceLock::new();
    let dir = DIR.get_or_init(|| tempfile::tempdir().expect("a temporary directory"));
    fs::write(dir.path().join("fuzz.yaml"), data).expect("a temporary file");
    match rules::load(Some(dir.path()), &[]) {
        Ok(rules) => drop(rules.test_examples()),
        Err(problems) => assert!(!problems.to_string().is_empty()),
    }
}
