//! Endpoints by path, and by what the body says.

use super::super::{Pattern, RouteTable, Safety, safety};
use super::*;
use http::HeaderMap;

fn table() -> RouteTable {
    let generation = Pattern { generation: true, ..Pattern::default() };
    RouteTable::new(vec![generation, Pattern { audits: true, ..Pattern::default() }])
}

/// `generation`, `by body` or `audited`.
fn taken(method: &str, target: &str) -> &'static str {
    let judged = safety(method, target, &HeaderMap::new(), true);
    let table = table();
    let selected = table.select("h", target, method, judged, false);
    let by_body = table.by_body("h", target, method, judged, false);
    match (selected, by_body) {
        (Some(0), None) => "generation",
        (Some(1), Some(ByBody { route: 0, .. })) => "by body",
        (Some(1), None) => "audited",
        other => panic!("{other:?}"),
    }
}

use super::super::ByBody;

#[test]
fn what_is_not_certain_is_audited() {
    let rows = [
        ("POST", "/v1/chat/completions", "generation"),
        ("POST", "/v1/chat/completions?api-version=1", "generation"),
        (
            "POST",
            "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
            "generation",
        ),
        ("POST", "/v1beta/models/gemini-2.5-flash:generateContent", "generation"),
        ("POST", "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse", "generation"),
        ("POST", "/model/anthropic.claude-3-haiku-20240307-v1:0/converse", "generation"),
        ("POST", "/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke", "generation"),
        ("POST", "/v1/acct/gate/openai/chat/completions", "generation"),
        ("POST", "/v1/messages", "by body"),
        ("POST", "/v1/responses", "by body"),
        ("POST", "/v1/completions", "by body"),
        ("POST", "/v1/embeddings", "by body"),
        ("POST", "/api/chat", "by body"),
        ("POST", "/api/generate", "by body"),
        // Administration of models, files and what belongs to them.
        ("POST", "/v1/files", "audited"),
        ("POST", "/v1/fine_tuning/jobs", "audited"),
        ("POST", "/v1/batches", "audited"),
        ("POST", "/v1/messages/batches", "audited"),
        ("POST", "/v1/assistants", "audited"),
        ("POST", "/v1/responses/resp_1/cancel", "audited"),
        ("POST", "/v1/chat/completions/c1", "audited"),
        ("DELETE", "/v1/responses/resp_1", "audited"),
        ("POST", "/api/create", "audited"),
        ("POST", "/api/pull", "audited"),
        ("DELETE", "/api/delete", "audited"),
        ("POST", "/v1beta/models/m:delete", "audited"),
        ("POST", "/v1beta/models/:generateContent", "audited"),
        ("POST", "/v1beta/cachedContents", "audited"),
        ("POST", "/admin/keys", "audited"),
        ("POST", "/admin/v1/messages", "audited"),
        // Other methods, and what may stand for them.
        ("PUT", "/v1/chat/completions", "audited"),
        ("post", "/v1/chat/completions", "audited"),
        ("POST", "/v1/chat/completions?_method=DELETE", "audited"),
        // Paths that lead elsewhere in some reading.
        ("POST", "/v1/chat/completions/", "audited"),
        ("POST", "/V1/chat/completions", "audited"),
        ("POST", "/v1/chat/completions/../../../admin/keys", "audited"),
        ("POST", "/v1/../admin/keys;/../../v1/chat/completions", "audited"),
        ("POST", "/v1/chat%2fcompletions", "audited"),
        ("POST", "/v1//chat/completions", "audited"),
        ("POST", "/model/..%2f..%2fadmin%2fkeys/invoke", "audited"),
        ("POST", "/model/%2e%2e/invoke", "audited"),
        ("POST", "/model/../invoke", "audited"),
        ("POST", "/v1beta/models/..%2f..%2fadmin%3f:generateContent", "audited"),
        ("POST", "/v1beta/models/x;:generateContent", "audited"),
        ("POST", "/v1/chat/completions%00", "audited"),
        ("POST", "/v1/messages;x", "audited"),
    ];
    for (method, target, expected) in rows {
        assert_eq!(taken(method, target), expected, "{method} {target}");
    }
    // Another path may be meant.
    let elsewhere = table().select("h", "/v1/chat/completions", "POST", Safety::Method, true);
    assert_eq!(elsewhere, Some(1));
    assert_eq!(table().by_body("h", "/v1/messages", "POST", Safety::Method, true), None);
}

#[test]
fn a_route_that_audits_generation_takes_what_may_be_one() {
    let audited = Pattern { generation: true, audits: true, ..Pattern::default() };
    let table = RouteTable::new(vec![audited, Pattern::default()]);
    let rows = [
        ("/v1/chat/completions", 0),
        ("/V1/Chat/Completions/", 0),
        ("/v1/chat%2Fcompletions", 0),
        ("/v1/messages", 0),
        ("/v1/keys", 1),
    ];
    for (path, route) in rows {
        let selected = table.select("h", path, "POST", Safety::Method, false);
        assert_eq!(selected, Some(route), "{path}");
        assert_eq!(table.by_body("h", path, "POST", Safety::Method, false), None, "{path}");
    }
}

const JSON: &str = "application/json";

#[test]
fn a_body_says_whether_it_is_a_call() {
    let form = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b\r\n\
                Content-Disposition: form-data; name=\"file\"; filename=\"model\"\r\n\r\nRIFF\r\n";
    let rows: &[(&str, &str, &str, bool, bool)] = &[
        ("/v1/messages", JSON, r#"{"model":"m","max_tokens":1,"messages":[]}"#, false, true),
        ("/v1/messages", JSON, r#"{"to":"+1555","text":"see you"}"#, false, false),
        ("/v1/messages", JSON, r#"{"model":null,"messages":[]}"#, false, false),
        ("/v1/messages", JSON, r#"{"model":"m","messages":[]"#, false, false),
        ("/v1/messages", JSON, r#"{"model":"m","messages":[]} x"#, false, false),
        ("/v1/messages", JSON, r#"[{"model":"m","messages":[]}]"#, false, false),
        ("/v1/messages", JSON, "model=m&messages=1", false, false),
        ("/v1/messages", JSON, "", false, false),
        ("/v1/messages", JSON, r#"{"_method":"DELETE","model":"m","messages":[]}"#, false, false),
        // Cut: what has not been seen may follow.
        ("/v1/messages", JSON, r#"{"messages":[{"role":"user","content":"aaaa"#, true, true),
        ("/v1/messages", JSON, r#"{"stream":true,"other":"aaaa"#, true, false),
        ("/v1/messages", JSON, r#"{"model":"m","other":"aaaa"#, true, false),
        ("/v1/responses", JSON, r#"{"model":"m","input":"hello"}"#, false, true),
        ("/v1/responses", JSON, r#"{"survey":5,"answers":["yes"]}"#, false, false),
        ("/v1/completions", JSON, r#"{"course":5,"user":"ada"}"#, false, false),
        ("/api/generate", JSON, r#"{"model":"llama3","prompt":"hello"}"#, false, true),
        ("/api/generate", JSON, r#"{"report":"monthly"}"#, false, false),
        ("/v1/audio/transcriptions", "multipart/form-data; boundary=b", form, false, true),
        ("/v1/audio/transcriptions", "Multipart/Form-Data", "name=\"model\"", false, false),
        ("/v1/moderations", JSON, r#"{"post":5,"reason":"spam"}"#, false, false),
    ];
    for (path, kind, body, is_cut, expected) in rows {
        let shape = endpoint(path, "POST", Safety::Method).unwrap().shape().unwrap();
        let call = Call::read(kind, body.as_bytes(), *is_cut);
        assert_eq!(call.has(shape), *expected, "{path} {body}");
    }
}

#[test]
fn the_model_is_a_name_or_nothing() {
    let form = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b";
    let rows: &[(&str, &str, Option<&str>)] = &[
        (JSON, r#"{"model":"gpt-4o-mini"}"#, Some("gpt-4o-mini")),
        (
            JSON,
            r#"{"messages":[{"model":"inner"}],"model":"meta-llama/Llama-3:70b"}"#,
            Some("meta-llama/Llama-3:70b"),
        ),
        (JSON, r#"{"model":"tell me a story"}"#, None),
        (JSON, r#"{"model":{"name":"x"}}"#, None),
        (JSON, r#"{"model":7}"#, None),
        (JSON, "{}", None),
        ("multipart/form-data; boundary=b", form, Some("whisper-1")),
        ("multipart/form-data", "name=\"model\"", None),
    ];
    for (kind, body, expected) in rows {
        assert_eq!(Call::read(kind, body.as_bytes(), false).model(), *expected, "{body}");
    }
    let long = format!(r#"{{"model":"{}"}}"#, "m".repeat(200));
    assert_eq!(Call::read(JSON, long.as_bytes(), false).model(), None);
}
