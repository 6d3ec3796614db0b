//! Prompts and generated content in the payloads of providers: a random word in the place of each.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::cases::{Case, bare};
use super::message::{Charset, ENCODINGS, Encoding, Message};
use super::secrets::{Kind, Random, Secret};

/// What stands for content in the payloads, and for what is about the call.
const CONTENT: &str = "CANARYPROMPT";
const KEPT: &str = "KEEPME";

/// One case for each payload, and one more for each that is a stream, on a route that streams.
pub(super) fn all(random: &mut Random) -> Vec<Case> {
    let mut cases = Vec::new();
    for (provider, sample) in samples() {
        let path = sample["path"].as_str().unwrap();
        let media_type = sample["type"].as_str().unwrap();
        let streamed = media_type == "text/event-stream" && path.starts_with("/v1");
        for prefix in if streamed { &["", "/streaming"][..] } else { &[""] } {
            let name = format!("{provider}: {} {prefix}{path}", sample["name"]);
            let target = format!("{prefix}{path}");
            cases.push(case(name, target, &sample, random, cases.len()));
        }
    }
    cases
}

fn case(name: String, target: String, sample: &Value, random: &mut Random, number: usize) -> Case {
    let secret = Secret { kind: Kind::Token, text: random.word() };
    let harmless = format!("harmless-{number}x");
    let body = &sample["body"];
    let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    // Streams of events are passed on as they come: nothing of their bodies is recorded.
    let shown = text.contains(KEPT) && sample["type"] != "text/event-stream";
    let text = text.replace(CONTENT, &secret.text).replace(KEPT, &harmless);
    let encodings = [[Encoding::Identity; 5], ENCODINGS].concat();
    let encoding = encodings[number % encodings.len()];
    let media_type = sample["type"].as_str().unwrap();
    let mut message = Message::encoded(media_type, &text, encoding, Charset::Utf8).unwrap();
    message.chunked = number.is_multiple_of(2);
    let mut case = bare(name, secret);
    case.target = target;
    case.harmless = shown.then_some(harmless);
    if sample["side"] == "request" {
        case.request = message;
    } else {
        case.response = message;
        let failed = sample["name"].as_str().unwrap().contains("error");
        case.status = if failed { 400 } else { 200 };
        case.request = Message::text("application/json", r#"{"stream":true}"#);
    }
    case
}

fn samples() -> Vec<(String, Value)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/prompts");
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let read =
        |path: &Path| -> Vec<Value> { serde_json::from_slice(&fs::read(path).unwrap()).unwrap() };
    files
        .iter()
        .flat_map(|path| {
            let provider = path.file_stem().unwrap().to_str().unwrap().to_owned();
            read(path).into_iter().map(move |sample| (provider.clone(), sample))
        })
        .collect()
}
