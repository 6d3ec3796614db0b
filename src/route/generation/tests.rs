//! Endpoints by path, and by what the body says.

use super::super::{Asked, Elsewhere, NOWHERE, Pattern, RouteTable, Safety, safety};
use super::*;
use crate::capture::{Body, Request};
use http::{HeaderMap, HeaderName, HeaderValue};

fn table() -> RouteTable {
    let generation = Pattern { generation: true, ..Pattern::default() };
    RouteTable::new(vec![generation, Pattern { audits: true, ..Pattern::default() }])
}

/// `generation`, if the body says so as well, or `audited`.
fn taken(method: &str, target: &str) -> &'static str {
    let judged = safety(method, target, &HeaderMap::new(), true);
    let table = table();
    let asked = Asked { host: "h", target, method, elsewhere: &NOWHERE };
    let (selected, by_body) = (table.select(&asked, judged), table.by_body(&asked, judged));
    match (selected, by_body) {
        (Some(1), Some(ByBody { route: 0, .. })) => "generation",
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
        ("POST", "/v1/messages", "generation"),
        ("POST", "/v1/responses", "generation"),
        ("POST", "/v1/completions", "generation"),
        ("POST", "/v1/embeddings", "generation"),
        ("POST", "/api/chat", "generation"),
        ("POST", "/api/generate", "generation"),
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
        // Parameters that may say what is to be done.
        ("POST", "/v1/chat/completions?rest_route=/wp/v2/users/1", "audited"),
        ("POST", "/v1/chat/completions?api-version=1&action=delete", "audited"),
        ("POST", "/v1/chat/completions?alt=sse;task=user.delete", "audited"),
        ("POST", "/v1/chat/completions??r=user/delete", "audited"),
        ("POST", "/v1/chat/completions?%61lt=sse", "audited"),
        ("POST", "/v1/messages?action=delete", "audited"),
        ("POST", "/v1/messages?beta=true", "generation"),
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
    let fields = [(HeaderName::from_static("script_name"), HeaderValue::from_static("/v1"))];
    let elsewhere = &Elsewhere::of(&HeaderMap::from_iter(fields));
    for target in ["/v1/chat/completions", "/v1/messages"] {
        let asked = Asked { host: "h", target, method: "POST", elsewhere };
        assert_eq!(table().select(&asked, Safety::Method), Some(1));
        assert_eq!(table().by_body(&asked, Safety::Method), None);
    }
}

#[test]
fn endpoints_of_providers_are_told_from_what_stands_beside_them() {
    let rows = [
        ("POST", "/engines/gpt-4o/chat/completions", "generation"),
        ("POST", "/models/chat/completions?api-version=2024-05-01-preview", "generation"),
        ("POST", "/compatible-mode/v1/chat/completions", "generation"),
        ("POST", "/api/chat/completions", "generation"),
        ("POST", "/serving-endpoints/chat/invocations", "generation"),
        ("POST", "/ml/v1/text/chat?version=2024-05-01", "generation"),
        ("POST", "/v2/models/m/generate", "generation"),
        ("POST", "/client/v4/accounts/a1/ai/run/@cf/meta/llama-3-8b-instruct", "generation"),
        ("POST", "/client/v4/accounts/a1/ai/run/@cf/meta/llama:8b", "generation"),
        ("POST", "/v1/projects/p/locations/l/publishers/google/models/i@006:predict", "generation"),
        ("POST", "/client/v4/accounts/a1/ai/run/@cf/meta", "audited"),
        ("POST", "/client/v4/accounts/a1/ai/run/@cf/meta/..", "audited"),
        ("POST", "/client/v4/accounts/a1/ai/run/@cf/meta/..%2f..%2f..%2f..%2fworkers", "audited"),
        ("POST", "/client/v4/accounts/a1/ai/models/@cf/meta/x", "audited"),
        ("POST", "/admin/chat/completions", "audited"),
        ("POST", "/serving-endpoints", "audited"),
        ("PUT", "/serving-endpoints/chat/config", "audited"),
        ("POST", "/v2/repository/models/m/load", "audited"),
        ("POST", "/v1/projects/p/locations/l/endpoints/5:deployModel", "audited"),
        ("POST", "/ml/v1/text/chat?version=1&action=delete", "audited"),
    ];
    for (method, target, expected) in rows {
        assert_eq!(taken(method, target), expected, "{method} {target}");
    }
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
        let asked = Asked { host: "h", target: path, method: "POST", elsewhere: &NOWHERE };
        assert_eq!(table.select(&asked, Safety::Method), Some(route), "{path}");
        assert_eq!(table.by_body(&asked, Safety::Method), None, "{path}");
    }
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const CHAT: &str = "/v1/chat/completions";

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
        // Where the path says enough, any object will do, but not what says to do something else.
        (CHAT, JSON, r#"{"model":"m","messages":[]}"#, false, true),
        (CHAT, JSON, "{}", false, true),
        (CHAT, "", r#"{"messages":[{"content":"aaaa"#, true, true),
        (CHAT, FORM, r#"{"messages":[]}"#, false, true),
        (CHAT, FORM, r#"{"messages":["&id=3&action=delete"]}"#, false, false),
        (CHAT, FORM, "_method=DELETE&id=3", false, false),
        (CHAT, JSON, "", false, false),
        (CHAT, JSON, "[]", false, false),
        (CHAT, JSON, r#"{"messages":[NaN]}"#, false, false),
        (CHAT, "text/xml", "<deleteUser/>", false, false),
        (CHAT, JSON, r#"{"jsonrpc":"2.0","method":"user.delete","id":1}"#, false, false),
        (CHAT, JSON, r#"{"JsonRPC":"2.0","messages":[],"model":"m"}"#, false, false),
        (CHAT, JSON, r#"{"messages":[],"quer\u0079":"mutation{deleteUser(id:3)}"}"#, false, false),
        (CHAT, JSON, r#"{"action":"delete","messages":["aaaa"#, true, false),
        ("/v1/messages", JSON, r#"{"model":"m","messages":[],"jsonrpc":"2.0"}"#, false, false),
        ("/v1/messages", FORM, r#"{"model":"m","messages":[],"x":"&to=1&text=y"}"#, false, false),
        ("/v1/rerank", JSON, r#"{"model":"m","query":"q","documents":[]}"#, false, true),
        ("/v1/responses", JSON, r#"{"model":"m","input":"hello"}"#, false, true),
        ("/v1/responses", JSON, r#"{"survey":5,"answers":["yes"]}"#, false, false),
        ("/v1/completions", JSON, r#"{"course":5,"user":"ada"}"#, false, false),
        ("/api/generate", JSON, r#"{"model":"llama3","prompt":"hello"}"#, false, true),
        ("/api/generate", JSON, r#"{"report":"monthly"}"#, false, false),
        ("/serving-endpoints/x/invocations", JSON, r#"{"inputs":["hello"]}"#, false, true),
        ("/serving-endpoints/x/invocations", JSON, r#"{"name":"x"}"#, false, false),
        ("/ml/v1/text/chat", JSON, r#"{"model_id":"ibm/granite","messages":[]}"#, false, true),
        ("/ml/v1/text/chat", JSON, r#"{"model_id":"ibm/granite","x":"aaaa"#, true, false),
        ("/v2/models/m/generate", JSON, r#"{"text_input":"hello"}"#, false, true),
        ("/v2/models/m/generate", JSON, r#"{"count":5}"#, false, false),
        ("/v2/models/m/infer", JSON, r#"{"inputs":[{"name":"text"}]}"#, false, true),
        ("/v2/models/m/infer", JSON, r#"{"name":"text"}"#, false, false),
        ("/v1/audio/transcriptions", "multipart/form-data; boundary=b", form, false, true),
        ("/v1/audio/transcriptions", "Multipart/Form-Data", "name=\"model\"", false, false),
        ("/v1/moderations", JSON, r#"{"post":5,"reason":"spam"}"#, false, false),
    ];
    for (path, kind, body, is_cut, expected) in rows {
        let shape = endpoint(path, "POST", Safety::Method).unwrap().shape();
        let call = Call::read(kind, body.as_bytes(), *is_cut);
        assert_eq!(call.has(shape), *expected, "{path} {body}");
    }
}

#[test]
fn however_a_part_is_named_it_says_what_is_to_be_done() {
    let model = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n\
                 --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nRIFF\r\n";
    let names = [
        "name=_method",
        "name='action'",
        "NAME=\"action\"",
        "name = \"action\"",
        "name*=utf-8''action",
        "name=action; x=y",
    ];
    let kind = "multipart/form-data; boundary=b";
    let is_call = |body: &str| {
        let call = Call::read(kind, body.as_bytes(), false);
        let endpoint = endpoint("/v1/audio/transcriptions", "POST", Safety::Method);
        call.has(endpoint.unwrap().shape())
    };
    assert!(is_call(model));
    for name in names {
        let part = format!("--b\r\nContent-Disposition: form-data; {name}\r\n\r\nDELETE\r\n--b--");
        assert!(!is_call(&format!("{model}{part}")), "{name}");
    }
    let many: String =
        (0..300).map(|n| format!("--b\r\nX: form-data; name=\"m{n}\"\r\n\r\n1\r\n")).collect();
    assert!(!is_call(&format!("{model}{many}")), "more parts than are looked at");
}

#[test]
fn a_field_that_says_what_is_to_be_done_makes_it_no_call() {
    for name in ["soapaction", "x-amz-target", "accept"] {
        let mut headers = HeaderMap::new();
        headers.insert(name, "Directory.DeleteUser".parse().unwrap());
        let request = Request {
            method: "POST".to_owned(),
            path_and_query: CHAT.to_owned(),
            host: String::new(),
            version: "1.1",
            headers,
            body: Body::whole(b"{}".to_vec()),
            peer: None,
            peer_trusted: false,
        };
        assert_eq!(Call::of(&request).has(ANY), name == "accept", "{name}");
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
