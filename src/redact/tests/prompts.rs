//! Prompts and generated content, in payloads of the shapes that providers document: none of either
//! is recorded, and what is about the call is.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::*;

/// In every piece of a prompt or of generated content.
const CONTENT: &str = "canaryprompt";

/// In everything else that is text.
const KEPT: &str = "KEEPME";

#[derive(Deserialize)]
struct Sample {
    name: String,
    path: String,
    side: String,
    #[serde(rename = "type")]
    media_type: String,
    /// A document, or text as it is sent.
    body: Value,
}

fn samples() -> Vec<(String, Sample)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/prompts");
    let mut samples = Vec::new();
    for file in fs::read_dir(dir).unwrap() {
        let path = file.unwrap().path();
        let provider = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let all: Vec<Sample> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        samples.extend(all.into_iter().map(|sample| (provider.clone(), sample)));
    }
    samples
}

impl Sample {
    fn text(&self) -> String {
        self.body.as_str().map_or_else(|| self.body.to_string(), str::to_owned)
    }

    /// All that is stored of the half that it is.
    fn stored(&self) -> (String, Vec<String>) {
        let text = self.text();
        let fields = [("content-type", self.media_type.as_str())];
        match self.side.as_str() {
            "request" => {
                let record = record(&self.path, &fields, text.as_bytes());
                (stored(&record), record.notes)
            }
            _ => {
                let request = request(&self.path, &[], b"");
                let (_, record) = exchange(&request, &response(&fields, text.as_bytes()));
                (stored_response(&record), record.notes)
            }
        }
    }
}

#[test]
fn no_prompt_is_recorded_and_what_is_about_the_call_is() {
    let samples = samples();
    assert!(samples.len() >= 60, "{}", samples.len());
    let mut wrong = Vec::new();
    for (provider, sample) in &samples {
        let (stored, notes) = sample.stored();
        let title = format!("{provider}: {} ({} {})", sample.name, sample.side, sample.path);
        if stored.to_lowercase().contains(CONTENT) {
            wrong.push(format!("{title}: content is on record\n  {stored}"));
        }
        let (sent, kept) = (sample.text().matches(KEPT).count(), stored.matches(KEPT).count());
        if kept < sent {
            wrong.push(format!("{title}: {kept} of {sent} are on record\n  {stored}"));
        }
        if !notes.is_empty() {
            wrong.push(format!("{title}: {notes:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
}

/// What admin APIs send under names that prompts have as well.
#[test]
fn what_is_no_prompt_stays() {
    let rows = [
        (
            "/api/pages",
            json!({"title": "Imprint", "content": "We are at home.", "text": "As such."}),
        ),
        (
            "/api/messages",
            json!({"messages": [{"id": 1, "content": "The queue is full", "text": "x y"}]}),
        ),
        (
            "/admin/models",
            json!({"name": "gpt-4o mini", "description": "A small model", "input": ["text"], "output": "text only"}),
        ),
        (
            "/admin/providers/7",
            json!({"arguments": ["-v", "--dry run"], "parameters": {"region": "eu central"}, "response": "all is well"}),
        ),
        (
            "/api/surveys/3",
            json!({"choices": [{"text": "Yes, please"}, {"text": "No, thanks"}], "message": "Thank you all"}),
        ),
        (
            "/api/templates/9",
            json!({"template": "Dear {{name}}", "system": "billing and more", "context": {"page": 1}}),
        ),
        ("/oauth/authorize", json!({"prompt": "select_account consent", "scope": "openid email"})),
        ("/graphql", json!({"data": {"content": [{"text": "One of two"}], "embedding": [1, 2]}})),
        (
            "/api/rpc",
            json!({"jsonrpc": "2.0", "id": 1, "method": "page.move", "params": {"content": "Two words"}}),
        ),
        (
            "/api/rpc",
            json!({"jsonrpc": "2.0", "id": 1, "result": {"content": [{"id": 1, "name": "Blue one"}]}}),
        ),
        (
            "/v1/files",
            json!({"purpose": "a batch", "input": "two words", "documents": ["one two"]}),
        ),
        ("/api/jobs/7/generate", json!({"text": "the report of May", "prompt": "monthly"})),
        ("/admin/settings/chat", json!({"text": "Ask us here", "image": "a cat", "query": "x y"})),
    ];
    for (path, body) in rows {
        let record = record(path, &[JSON], body.to_string().as_bytes());
        assert_eq!(record.body.map(|body| body.value()), Some(body), "{path}");
        assert_eq!(record.receipts, [], "{path}");
    }
}

/// Prompts that are kept as settings are found by their names, wherever they are.
#[test]
fn prompts_in_settings() {
    let body = json!({"name": "clerk", "systemPrompt": "You are a clerk.", "limit": 3});
    let record = record("/admin/bots/7", &[JSON], body.to_string().as_bytes());
    let shown = json!({"redacted": "prompt.setting", "chars": 16});
    let expected = json!({"name": "clerk", "systemPrompt": shown, "limit": 3});
    assert_eq!(record.body.map(|body| body.value()), Some(expected));
}

/// What was redacted once stays as it is.
#[test]
fn prompts_that_are_redacted_already() {
    for (provider, sample) in samples() {
        if !sample.media_type.ends_with("json") || sample.side != "request" {
            continue;
        }
        let fields = [("content-type", sample.media_type.as_str())];
        let once = record(&sample.path, &fields, sample.text().as_bytes()).body.unwrap().value();
        let twice =
            record(&sample.path, &[JSON], once.to_string().as_bytes()).body.unwrap().value();
        assert_eq!(once, twice, "{provider}: {}", sample.name);
    }
}

/// An API repeats a prompt where nothing tells that it is one.
#[test]
fn prompts_that_come_back() {
    let prompt = "Greet the owner of the boat by name, then ask for the ticket.";
    let body = json!({"name": "clerk", "systemPrompt": prompt}).to_string();
    let error = json!({
        "error": {"code": "too_long", "message": format!("`{prompt}` has more than 40 characters")},
        "hint": "Use fewer words, or split it.",
        "bot": "clerk",
    });
    let request = request("/admin/bots", &[JSON], body.as_bytes());
    let fields = [JSON, ("x-note", "cannot greet the owner of the boat, sorry")];
    let (_, response) = exchange(&request, &response(&fields, error.to_string().as_bytes()));
    let stored = stored_response(&response);
    assert!(!stored.contains("boat"), "{stored}");
    for kept in ["too_long", "Use fewer words, or split it.", "clerk"] {
        assert!(stored.contains(kept), "{kept}: {stored}");
    }
    let locations = ["response.body.$.error.message", "response.header.x-note"];
    assert_eq!(response.receipts, locations.map(|at| receipt("prompt.setting", at, 1)));
}

#[test]
fn prompts_that_stand_in_the_head_or_in_names_as_well() {
    let prompt = "Greet the owner of the boat by name, then ask for the ticket.";
    let piece = "Greet the owner of the boat by name";
    let escaped = piece.replace(' ', "%20");
    let target = format!("/v1/chat/completions/{escaped}?q={escaped}&{escaped}=1&limit=7");
    let messages = json!([{"role": "user", "content": prompt}]);
    let body = json!({"model": "m", "messages": messages, piece: "x y z"});
    let request = request(&target, &[JSON], body.to_string().as_bytes());
    let error = json!({"error": {piece: "x y z"}}).to_string();
    let (record, answer) = exchange(&request, &response(&[JSON], error.as_bytes()));
    assert_eq!(record.path, "/v1/chat/completions/***");
    for stored in [stored(&record), stored_response(&answer)] {
        assert!(!stored.contains("boat"), "{stored}");
    }
    assert!(stored(&record).contains(r#""limit":"7""#));
}

#[test]
fn endpoints_are_told_however_their_path_is_written() {
    let body = format!(r#"{{"model":"{KEPT}","input":"{CONTENT} and more"}}"#);
    for path in [
        "/v1/embeddings",
        "/V1//Embeddings/",
        "/v1;a=b/embeddings;c",
        "/v1%2fembeddings",
        "/v1%252Fembeddings",
        "/v1/./embeddings",
        "/v1/a/../embeddings",
        "/v1\\embeddings",
        "/%76%31/embeddings",
        "/v1/embeddings.json",
        "/v1/embeddings:search",
        "/v1/embeddings%00.json",
        "/v1/embed%0adings",
        "/v1%e2%88%95embed%ffdings%20",
        "/%u0076%u0031/embeddings",
        "/a%09/../v1;%0d/embeddings%250a",
    ] {
        let stored = stored(&record(path, &[JSON], body.as_bytes()));
        assert!(stored.contains(KEPT) && !stored.contains(CONTENT), "{path}: {stored}");
    }
    for value in ["/v1/embeddings?a=b", "https://example.com/v1/embeddings", "/v1%2fembeddings"] {
        let fields = [JSON, ("x-original-url", value)];
        let stored = stored(&record("/", &fields, body.as_bytes()));
        assert!(stored.contains(KEPT) && !stored.contains(CONTENT), "{value}: {stored}");
    }
    // A part that a front end puts before a path, or takes from it.
    for (path, part) in
        [("/embeddings", "/v1"), ("/v1/embeddings", "/other"), ("/a/v1/embeddings", "/a")]
    {
        let fields = [JSON, ("script_name", part)];
        let stored = stored(&record(path, &fields, body.as_bytes()));
        assert!(!stored.contains(CONTENT), "{path} {part}: {stored}");
    }
    // Nobody hides what is done by a path or a field that is odd.
    for path in
        ["/items%0a", "/%0a/../items", "/items;%0d", "/%ff/items", "/items%00", "/items\u{2026}"]
    {
        let stored = stored(&record(path, &[JSON, ("script_name", "/odd\u{e4}")], body.as_bytes()));
        assert!(stored.contains(CONTENT), "{path}: {stored}");
    }
    // Elsewhere an input may be anything.
    let fields = [JSON, ("x-original-url", "/items?next=/v1/embeddings")];
    assert!(stored(&record("/items", &fields, body.as_bytes())).contains(CONTENT));
}
