//! What was a secret in the request comes back elsewhere in the exchange, where nothing tells that
//! it is one; under every way to record an exchange.

use serde_json::json;

use super::cases::{Case, Cases};
use super::message::{Charset, ENCODINGS, Encoding, Message};
use super::secrets::{KINDS, base64, percent, xml};

/// What the table of leaks calls it, and how a case is made whose secret is in the request's body.
type Echo = (&'static str, fn(&mut Case));

/// Routes of the proxy that record in different ways.
const MODES: [&str; 4] = ["metadata", "request", "streaming", "gateway"];

/// Adds the cases.
pub(super) fn add(cases: &mut Cases<'_>) {
    for kind in KINDS {
        for (name, make) in ECHOES {
            let case = cases.add(name, kind, "");
            case.plant();
            make(case);
        }
        for encoding in [Encoding::Identity].into_iter().chain(ENCODINGS) {
            let case = cases.add("echo in an error", kind, encoding.name());
            case.plant();
            case.fail(encoding);
        }
        for mode in MODES {
            let case = cases.add("echo in an error and everywhere", kind, mode);
            case.plant();
            case.fail(Encoding::Gzip);
            let escaped = percent(&case.secret.text);
            case.target = format!("/{mode}/things/{escaped}?note=a%20{escaped}");
            case.request = case.request.clone().with("X-Note", escaped.clone());
            case.response = case.response.clone().with("X-Note", escaped.clone());
            case.response = case.response.clone().with("Location", format!("/x/{escaped}"));
        }
    }
}

impl Case {
    /// Puts the secret into the request's body, under a name that tells.
    fn plant(&mut self) {
        let body = json!({self.name_of_it(): self.secret.text}).to_string();
        self.request = Message::text("application/json", &body);
    }

    fn name_of_it(&self) -> &'static str {
        if self.secret.key() == "remark" { "api_key" } else { self.secret.key() }
    }

    fn fail(&mut self, encoding: Encoding) {
        let error = format!("the value {} is too weak", self.secret.text);
        let body = json!({"error": {"message": error}}).to_string();
        let kind = "application/problem+json";
        self.response = Message::encoded(kind, &body, encoding, Charset::Utf8).unwrap();
        self.status = 422;
    }

    fn reply(&mut self, kind: &str, text: &str) {
        self.response = Message::text(kind, text);
    }
}

const ECHOES: &[Echo] = &[
    ("echo in text", |c| {
        c.reply("text/plain", &format!("the value {} is too weak\n", c.secret.text));
    }),
    ("echo in text without blanks", |c| {
        c.reply("text/plain", &format!("weak:x{}x\n", c.secret.text));
    }),
    ("echo in HTML", |c| c.reply("text/html", &format!("<p>no: {}</p>", xml(&c.secret.text)))),
    ("echo in XML", |c| {
        c.reply("application/xml", &format!("<e><m>no: {}</m></e>", xml(&c.secret.text)));
    }),
    ("echo in an XML attribute", |c| {
        c.reply("application/xml", &format!("<e m=\"no: {}\"/>", xml(&c.secret.text)));
    }),
    ("echo as base64", |c| {
        c.reply("application/json", &json!({"blob": base64(&c.secret.text)}).to_string());
    }),
    ("echo in base64", |c| {
        let text = format!("ada and {} are no friends", c.secret.text);
        c.reply("application/json", &json!({"blob": base64(&text)}).to_string());
    }),
    ("echo in JSON in a string", |c| {
        let inner = json!({"message": format!("no: {}", c.secret.text)}).to_string();
        c.reply("application/json", &json!({"body": inner}).to_string());
    }),
    ("echo in JSON in JSON in a string", |c| {
        let inner = json!({"message": format!("no: {}", c.secret.text)}).to_string();
        let outer = json!({"body": inner}).to_string();
        c.reply("application/json", &json!({"body": outer}).to_string());
    }),
    ("echo, percent-encoded in text", |c| {
        c.reply("text/plain", &format!("see /x/{} for more\n", percent(&c.secret.text)));
    }),
    ("echo in a form", |c| {
        let form = format!("message=no%3A+{}", percent(&c.secret.text));
        c.reply("application/x-www-form-urlencoded", &form);
    }),
    ("echo in YAML", |c| {
        c.reply("application/yaml", &format!("message: {}\n", json!(c.secret.text)));
    }),
    ("echo in CSV", |c| {
        let secret = c.secret.text.replace('"', "\"\"");
        c.reply("text/csv", &format!("id,message\r\n1,\"no: {secret}\"\r\n"));
    }),
    ("echo as a member's name", |c| {
        c.reply("application/json", &json!({"errors": {c.secret.text.as_str(): 1}}).to_string());
    }),
    ("echo as id and name", |c| {
        let body = json!({"id": c.secret.text, "name": c.secret.text, "pool_id": c.secret.text});
        c.reply("application/json", &body.to_string());
        c.status = 201;
    }),
    ("echo as the error's code", |c| {
        let body = json!({"error": {"code": c.secret.text, "type": c.secret.text}});
        c.reply("application/json", &body.to_string());
        c.status = 409;
    }),
    ("echo as error and reason", |c| {
        let body = json!({"error": c.secret.text, "reason": c.secret.text, "code": c.secret.text});
        c.reply("application/json", &body.to_string());
        c.status = 403;
    }),
    ("echo beside it", |c| {
        let secret = c.secret.text.as_str();
        let body = json!({"name": secret, "id": secret, c.name_of_it(): secret, "email": secret});
        c.request = Message::text("application/json", &body.to_string());
    }),
    ("echo in Location", |c| {
        c.response = Message::default().with("Location", format!("/x/{}", percent(&c.secret.text)));
        c.status = 303;
    }),
    ("echo in Set-Cookie", |c| {
        let cookie = format!("flash={}; Path=/", percent(&format!("no {}", c.secret.text)));
        c.response = c.response.clone().with("Set-Cookie", cookie);
    }),
    ("echo in the path", |c| c.target = format!("/things/{}/x", percent(&c.secret.text))),
    ("echo in the last segment", |c| c.target = format!("/things/{}", percent(&c.secret.text))),
    ("echo in a segment", |c| c.target = format!("/things/a-{}-b/x", percent(&c.secret.text))),
    ("echo in the query", |c| c.target = format!("/x?note=a%20{}", percent(&c.secret.text))),
    ("echo as a parameter's name", |c| c.target = format!("/x?{}=1", percent(&c.secret.text))),
    ("echo in a field", |c| {
        c.request = c.request.clone().with("X-Note", percent(&c.secret.text));
    }),
    ("echo in User-Agent and ids", |c| {
        let escaped = percent(&c.secret.text);
        for name in ["User-Agent", "X-Request-Id", "traceparent", "X-Forwarded-User", "X-Tenant"] {
            c.request = c.request.clone().with(name, escaped.clone());
        }
    }),
    ("echo as the user of Basic", |c| {
        let basic = base64(&format!("{}:other-password-7", c.secret.text));
        c.request = c.request.clone().with("Authorization", format!("Basic {basic}"));
    }),
    ("echo as hex", |c| {
        c.reply("application/json", &json!({"blob": hex::encode(&c.secret.text)}).to_string());
    }),
    ("echo in upper case", |c| {
        let body = json!({"message": format!("NO: {}", c.secret.text.to_uppercase())});
        c.reply("application/json", &body.to_string());
    }),
    ("echo reversed", |c| {
        let reversed: String = c.secret.text.chars().rev().collect();
        c.reply("application/json", &json!({"message": reversed}).to_string());
    }),
    ("echo of a malformed request", |c| {
        let body = json!({"name": "ada", c.name_of_it(): c.secret.text, "x": 1}).to_string();
        c.request = Message::text("application/json", body.trim_end_matches('}'));
        c.reply(
            "application/json",
            &json!({"error": format!("bad {}", c.secret.text)}).to_string(),
        );
    }),
    ("echo of a request of an unknown type", |c| {
        let body = json!({"name": "ada", c.name_of_it(): c.secret.text, "x": 1}).to_string();
        c.request = Message::text("application/x-unknown", &body);
        c.reply(
            "application/json",
            &json!({"error": format!("bad {}", c.secret.text)}).to_string(),
        );
    }),
    ("echo of a request that is too long", |c| {
        let body = json!({c.name_of_it(): c.secret.text, "x": "lorem ipsum ".repeat(25_000)});
        c.request = Message::text("application/json", &body.to_string());
        c.reply(
            "application/json",
            &json!({"error": format!("bad {}", c.secret.text)}).to_string(),
        );
    }),
];
