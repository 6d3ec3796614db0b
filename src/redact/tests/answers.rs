//! What answers a prompt that is told by its form alone, and what is about models and asks nothing.

use super::*;

const ANSWER: &str = "The patient should see an oncologist";

/// A media type and a body.
type Answer<'a> = (&'a str, String);

fn recorded(method: &str, target: &str, sent: &Value, (kind, body): &Answer<'_>) -> String {
    let mut request = request(target, &[JSON], sent.to_string().as_bytes());
    method.clone_into(&mut request.method);
    let answer = response(&[("content-type", kind)], body.as_bytes());
    stored_response(&exchange(&request, &answer).1)
}

fn json(answer: &Value) -> Answer<'static> {
    (JSON.1, answer.to_string())
}

#[test]
fn answers_to_prompts_are_generated() {
    let asked = json!({"model": "m", "messages": [{"role": "user", "content": "A lump, you say"}]});
    let parts = json!({"id": "c", "messages": [{"role": "user", "parts": [{"text": "A lump"}]}]});
    let prompted = json!({"model": "m", "prompt": "x y"});
    for sent in [&asked, &parts, &prompted] {
        for answer in [
            json(&json!({"content": ANSWER})),
            json(&json!({"title": ANSWER, "id": "KEEPME"})),
            json(&json!({"a": {"b": ["oncologist"]}})),
            json(&json!(ANSWER)),
            ("text/plain", "0:\"The patient\"\n0:\" oncologist\"\n".to_owned()),
            ("text/event-stream", "data: The\n\ndata: oncologist\n\n".to_owned()),
        ] {
            let stored = recorded("POST", "/api/playground", sent, &answer);
            assert!(!stored.contains("oncologist"), "{sent} {stored}");
            assert_eq!(stored.contains("KEEPME"), answer.1.contains("KEEPME"), "{stored}");
        }
    }
}

#[test]
fn what_went_wrong_is_no_answer() {
    let asked = json!({"messages": [{"role": "user", "content": "A lump, you say"}]});
    let request = request("/api/ask", &[JSON], asked.to_string().as_bytes());
    let answer = response(&[JSON], b"{\"error\": \"Too many calls\"}");
    let stored = stored_response(&exchange(&request, &Response { status: 503, ..answer }).1);
    assert!(stored.contains("Too many calls"), "{stored}");
}

#[test]
fn answers_to_settings_stay() {
    let messages = json!([{"role": "user", "content": "A lump, you say"}]);
    for (method, target, sent) in [
        ("POST", "/bots", json!({"name": "b", "model": "m", "prompt": "You are a clerk"})),
        ("PATCH", "/bots/5", json!({"model": "m", "prompt": "You are a clerk"})),
        ("POST", "/devices", json!({"model": "X200", "prompt": "consent"})),
        ("POST", "/talks", json!({"title": "t", "messages": messages})),
        ("POST", "/talks/5/messages", json!({"role": "user", "content": "A lump"})),
        ("POST", "/mails", json!({"messages": [{"role": "editor", "content": "A page"}]})),
    ] {
        let answer = json(&json!({"id": 5, "label": "Of the hall", "owner": "Ada Lovelace"}));
        let stored = recorded(method, target, &sent, &answer);
        assert!(stored.contains("Of the hall") && stored.contains("Ada Lovelace"), "{stored}");
    }
}

#[test]
fn servers_of_tools_are_managed_on_record() {
    let server = json!({"server_name": "github", "url": "https://mcp.example.com/sse",
        "transport": "sse", "description": "Issues of ours", "allowed_tools": ["list_issues"]});
    for target in ["/v1/mcp/server", "/api/mcp-servers", "/mcp/servers"] {
        let record = record(target, &[JSON], server.to_string().as_bytes());
        assert_eq!(record.body.map(|shown| shown.value()).as_ref(), Some(&server), "{target}");
    }
    let call = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {"name": "get", "arguments": {"city": "Paris"}, "why": "Paris it is"}});
    for target in ["/mcp", "/mcp/github", "/v1/mcp/server"] {
        for body in [call.clone(), json!([call])] {
            let stored = stored(&record(target, &[JSON], body.to_string().as_bytes()));
            assert!(!stored.contains("Paris") && stored.contains("tools/call"), "{stored}");
        }
    }
}
