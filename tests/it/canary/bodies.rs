//! Bodies of every format with a secret in them, and beside it something harmless that tells
//! whether the body was read at all.

use serde_json::{Value, json};

use super::secrets::{Kind, Secret, base64, percent, xml};

/// A body before its encodings.
pub(super) struct Text {
    /// The content type, without a charset.
    pub(super) kind: String,
    /// The body.
    pub(super) text: String,
}

/// A format, and how a body of it is made of a secret and something harmless.
pub(super) struct Format {
    /// What the table of leaks calls it.
    pub(super) name: &'static str,
    /// The kinds that it can hold.
    pub(super) fits: fn(Kind) -> bool,
    /// Makes the body.
    pub(super) make: fn(&Secret, &str) -> Text,
    /// What a reader of the record sees of a body in this format.
    pub(super) shown: Shown,
}

/// What is recorded of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Everything that is no secret.
    Harmless,
    /// That of requests; responses stream, and only their type is recorded.
    InRequests,
    /// Its type and size.
    Metadata,
}

pub(super) fn text(kind: &str, text: impl Into<String>) -> Text {
    Text { kind: kind.to_owned(), text: text.into() }
}

pub(super) fn json_text(value: &Value) -> Text {
    text("application/json", value.to_string())
}

/// A number where the secret is one.
pub(super) fn value(secret: &Secret) -> Value {
    match secret.text.parse::<u64>() {
        Ok(number) => Value::from(number),
        Err(_) => Value::from(secret.text.as_str()),
    }
}

pub(super) fn object(secret: &Secret, plain: &str) -> Value {
    json!({"name": plain, secret.key(): value(secret)})
}

pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

pub(super) const fn any(_: Kind) -> bool {
    true
}

pub(super) fn word(kind: Kind) -> bool {
    kind.is_word()
}

/// Kinds that stand under a name that tells.
pub(super) fn named(kind: Kind) -> bool {
    kind.key() != "remark"
}

/// Kinds that are found by what they look like.
pub(super) fn shaped(kind: Kind) -> bool {
    !named(kind)
}

const BOUNDARY: &str = "canary-boundary";

pub(super) fn multipart(parts: &[(&str, &str)]) -> Text {
    let mut body = String::new();
    for (head, content) in parts {
        body.push_str(&format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n"));
        body.push_str(content);
        body.push_str("\r\n");
    }
    body.push_str(&format!("--{BOUNDARY}--\r\n"));
    text(&format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

pub(super) const fn format(
    name: &'static str,
    fits: fn(Kind) -> bool,
    make: fn(&Secret, &str) -> Text,
) -> Format {
    Format { name, fits, make, shown: Shown::Harmless }
}

pub(super) const fn opaque(
    name: &'static str,
    fits: fn(Kind) -> bool,
    make: fn(&Secret, &str) -> Text,
) -> Format {
    Format { name, fits, make, shown: Shown::Metadata }
}

/// JSON and what is carried in it.
pub(super) const JSON: &[Format] = &[
    format("JSON", any, |s, p| json_text(&object(s, p))),
    format("JSON, deep", any, |s, p| {
        json_text(&json!({"name": p, "a": {"b": [1, {"c": {"d": [object(s, p)]}}]}}))
    }),
    format("JSON, list", named, |s, p| {
        json_text(&json!({"name": p, s.key(): [value(s), {"x": value(s)}]}))
    }),
    format("JSON, object", named, |s, p| {
        json_text(&json!({"name": p, s.key(): {"x": {"y": [value(s)]}}}))
    }),
    format("JSON, list of providers' tokens", shaped, |s, p| {
        json_text(&json!([p, [s.text], {"x": [s.text]}]))
    }),
    format("JSON, member name", shaped, |s, p| json_text(&json!({"name": p, s.text.as_str(): 1}))),
    format("JSON, name and value", named, |s, p| {
        json_text(&json!({"label": p, "env": [{"name": s.key(), "value": s.text}]}))
    }),
    format("JSON Patch", named, |s, p| {
        let path = format!("/user/{}", s.key());
        let patch = json!([
            {"op": "add", "path": "/user/name", "value": p},
            {"op": "replace", "path": path, "value": value(s)},
        ]);
        text("application/json-patch+json", patch.to_string())
    }),
    format("JSON in a string", any, |s, p| {
        json_text(&json!({"name": p, "payload": object(s, p).to_string()}))
    }),
    format("JSON in a string in a string", any, |s, p| {
        let inner = json!({"payload": object(s, p).to_string()}).to_string();
        json_text(&json!({"name": p, "payload": inner}))
    }),
    format("base64 in JSON", any, |s, p| {
        json_text(&json!({"name": p, "blob": base64(&object(s, p).to_string())}))
    }),
    format("percent-encoded JSON in JSON", any, |s, p| {
        json_text(&json!({"name": p, "blob": percent(&object(s, p).to_string())}))
    }),
    format("data: URL in JSON", any, |s, p| {
        let url = format!("data:application/json;base64,{}", base64(&object(s, p).to_string()));
        json_text(&json!({"name": p, "blob": url}))
    }),
    format("form in JSON", any, |s, p| {
        let form = format!("x=1&{}={}", s.key(), percent(&s.text));
        json_text(&json!({"name": p, "blob": form}))
    }),
    format("URL userinfo in JSON", named, |s, p| {
        let url = format!("https://ada:{}@db.example/x", percent(&s.text));
        json_text(&json!({"name": p, "url": url}))
    }),
    format("query of a URL in JSON", any, |s, p| {
        let url = format!("https://db.example/x?a=1&{}={}#top", s.key(), percent(&s.text));
        json_text(&json!({"name": p, "url": url}))
    }),
    format("connection string in JSON", named, |s, p| {
        let text = format!("Server=db;User Id=ada;Password={};Pooling=true", percent(&s.text));
        json_text(&json!({"name": p, "dsn": text}))
    }),
    format("sentence in JSON", shaped, |s, p| {
        json_text(&json!({"name": p, "description": format!("rotated {}, see the wiki", s.text)}))
    }),
    format("header in JSON", word, |s, p| {
        let curl = format!("curl -H 'Authorization: Bearer {}' https://x.example/", s.text);
        json_text(&json!({"name": p, "description": curl}))
    }),
    format(
        "PEM anywhere in JSON",
        |kind| kind == Kind::Pem,
        |s, p| json_text(&json!({"name": p, "remark": format!("my key: {}", s.text)})),
    ),
    format("NDJSON", any, |s, p| {
        text("application/x-ndjson", format!("{}\n{}\n", json!({"name": p}), object(s, p)))
    }),
    format("JSON-RPC", any, |s, p| {
        json_text(&json!({"jsonrpc": "2.0", "id": 1, "method": "user.add", "params": object(s, p)}))
    }),
    format("JSON-RPC by position", named, |s, _| {
        let params = json!(["ada", value(s)]);
        json_text(&json!({"jsonrpc": "2.0", "id": 1, "method": "user.login", "params": params}))
    }),
    format("GraphQL variables", any, |s, p| {
        let query = "mutation M($i: UserInput!) { addUser(input: $i) { id } }";
        json_text(&json!({"query": query, "variables": {"i": object(s, p)}}))
    }),
    format("GraphQL literal in JSON", any, |s, p| {
        let query = format!(
            "mutation {{ addUser(name: {}, {}: {}) {{ id }} }}",
            quoted(p),
            s.key(),
            value(s)
        );
        json_text(&json!({"query": query}))
    }),
    format("GraphQL", any, |s, p| {
        let query = format!(
            "mutation {{ addUser(input: {{name: {}, {}: {}}}) {{ id }} }}",
            quoted(p),
            s.key(),
            value(s)
        );
        text("application/graphql", query)
    }),
];

/// All other formats.
pub(super) const OTHERS: &[Format] = &[
    format("form", any, |s, p| {
        let form = format!("name={p}&{}={}", s.key(), percent(&s.text));
        text("application/x-www-form-urlencoded", form)
    }),
    format("form, nested names", any, |s, p| {
        let form = format!("user[name]={p}&user%5Bx%5D[{}]={}", s.key(), percent(&s.text));
        text("application/x-www-form-urlencoded", form)
    }),
    format("JSON in a form", any, |s, p| {
        let form = format!("name={p}&data={}", percent(&object(s, p).to_string()));
        text("application/x-www-form-urlencoded", form)
    }),
    format("base64 of JSON in a form", any, |s, p| {
        let form = format!("name={p}&data={}", percent(&base64(&object(s, p).to_string())));
        text("application/x-www-form-urlencoded", form)
    }),
    format("multipart field", any, |s, p| {
        multipart(&[("name=\"name\"", p), (&format!("name=\"{}\"", s.key()), s.text.as_str())])
    }),
    format("JSON in a multipart field", any, |s, p| {
        multipart(&[("name=\"name\"", p), ("name=\"data\"", &object(s, p).to_string())])
    }),
    format("multipart file", any, |s, p| {
        let content = format!("secret {}", s.text);
        multipart(&[("name=\"name\"", p), ("name=\"file\"; filename=\"a.bin\"", &content)])
    }),
    format("XML element", any, |s, p| {
        let (key, secret) = (s.key(), xml(&s.text));
        text("application/xml", format!("<user><name>{p}</name><{key}>{secret}</{key}></user>"))
    }),
    format("XML attribute", any, |s, p| {
        let (key, secret) = (s.key(), xml(&s.text));
        text("text/xml", format!("<user name=\"{p}\"><login {key}=\"{secret}\"/></user>"))
    }),
    format("XML CDATA", any, |s, p| {
        let (key, secret) = (s.key(), s.text.replace(']', "x"));
        let secret = if secret == s.text { secret } else { xml(&s.text) };
        let (open, close) = if secret == s.text { ("<![CDATA[", "]]>") } else { ("", "") };
        let element = format!("<{key}>{open}{secret}{close}</{key}>");
        text("application/xml", format!("<user><name>{p}</name>{element}</user>"))
    }),
    format("SOAP", named, |s, p| {
        let secret = xml(&s.text);
        let body = format!(
            "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" \
             xmlns:wsse=\"urn:wsse\"><s:Header><wsse:Security><wsse:UsernameToken>\
             <wsse:Username>ada</wsse:Username><wsse:Password Type=\"urn:t#PasswordText\">{secret}\
             </wsse:Password></wsse:UsernameToken></wsse:Security></s:Header><s:Body>\
             <AddUser><name>{p}</name></AddUser></s:Body></s:Envelope>"
        );
        text("application/soap+xml", body)
    }),
    format("YAML", any, |s, p| {
        let secret = quoted(&s.text);
        text("application/yaml", format!("name: {p}\nlogin:\n  - {}: {secret}\n", s.key()))
    }),
    format("YAML, plain", word, |s, p| {
        text("application/yaml", format!("name: {p}\nlogin: {{{}: {}}}\n", s.key(), s.text))
    }),
    format("YAML, block", any, |s, p| {
        let block = s.text.trim_end().replace('\n', "\n    ");
        text("application/yaml", format!("name: {p}\n{}: |\n    {block}\n", s.key()))
    }),
    format("TOML", any, |s, p| {
        let secret = quoted(&s.text);
        text("application/toml", format!("name = \"{p}\"\n[login]\n{} = {secret}\n", s.key()))
    }),
    format("CSV", any, |s, p| {
        let secret = s.text.replace('"', "\"\"");
        text("text/csv", format!("name,{}\r\n{p},\"{secret}\"\r\n", s.key()))
    }),
    format(
        "text, name and colon",
        |kind| named(kind) && kind.is_word(),
        |s, p| text("text/plain", format!("user {p}\n{}: {}\n", s.key(), s.text)),
    ),
    format("text, Authorization", word, |s, p| {
        text("text/plain", format!("name {p}\nAuthorization: Bearer {}\n", s.text))
    }),
    format("text, sentence", shaped, |s, p| {
        text("text/plain", format!("{p}: we use {} for this.\n", s.text))
    }),
    format(
        "text, PEM",
        |kind| kind == Kind::Pem,
        |s, p| text("text/plain", format!("name {p}\n{}", s.text)),
    ),
    format("text, URL userinfo", named, |s, p| {
        text("text/plain", format!("{p} at postgres://ada:{}@db.example/x\n", percent(&s.text)))
    }),
    Format {
        name: "SSE",
        fits: any,
        make: |s, p| {
            let events = format!("event: add\ndata: {}\n\ndata: [DONE]\n\n", object(s, p));
            text("text/event-stream", events)
        },
        shown: Shown::InRequests,
    },
    opaque("bytes", any, |s, _| text("application/octet-stream", s.text.clone())),
    opaque("protobuf", any, |s, _| text("application/x-protobuf", format!("\n\u{10}{}", s.text))),
    opaque("malformed JSON", any, |s, p| {
        text("application/json", format!("{{\"name\":\"{p}\",\"{}\":{}", s.key(), value(s)))
    }),
    opaque("malformed XML", any, |s, p| {
        text("application/xml", format!("<a name=\"{p}\"><b>{}</a>", xml(&s.text)))
    }),
];
