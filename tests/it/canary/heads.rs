//! Carriers in heads: targets and header fields of requests and responses.

use serde_json::json;

use super::cases::Case;
use super::message::Message;
use super::secrets::{Kind, base64, percent};

/// What the table of leaks calls it, the kinds that it can hold, and how a case is made of it.
type Head = (&'static str, fn(Kind) -> bool, fn(&mut Case));

fn any(_: Kind) -> bool {
    true
}

fn word(kind: Kind) -> bool {
    kind.is_word()
}

fn shaped(kind: Kind) -> bool {
    kind.key() == "remark"
}

fn line(kind: Kind) -> bool {
    kind != Kind::Pem
}

fn token(kind: Kind) -> bool {
    kind.is_word() && kind != Kind::Pin
}

fn named(kind: Kind) -> bool {
    !shaped(kind)
}

impl Case {
    fn ask(&mut self, name: &str, value: impl Into<String>) {
        self.request = self.request.clone().with(name, value);
    }

    fn answer(&mut self, name: &str, value: impl Into<String>) {
        self.response = self.response.clone().with(name, value);
    }

    fn redirect(&mut self, place: String) {
        self.status = 302;
        self.response = Message::default().with("Location", place);
    }

    fn escaped(&self) -> String {
        percent(&self.secret.text)
    }

    fn pair(&self) -> String {
        format!("{}={}", self.secret.key(), self.escaped())
    }

    fn object(&self) -> String {
        json!({self.secret.key(): self.secret.text}).to_string()
    }
}

/// All of them.
pub(super) const HEADS: &[Head] = &[
    ("Authorization: Bearer", word, |c| {
        c.ask("Authorization", format!("Bearer {}", c.secret.text))
    }),
    ("Authorization: Basic", line, |c| {
        c.ask("Authorization", format!("Basic {}", base64(&format!("ada:{}", c.secret.text))));
    }),
    ("Authorization, no scheme", word, |c| c.ask("Authorization", c.secret.text.clone())),
    ("X-Api-Key", line, |c| c.ask("X-Api-Key", c.secret.text.clone())),
    ("X-Auth-Token of the response", line, |c| c.answer("X-Auth-Token", c.secret.text.clone())),
    ("Bearer in another field", word, |c| c.ask("X-Upstream", format!("Bearer {}", c.secret.text))),
    ("Cookie", any, |c| c.ask("Cookie", format!("theme=dark; sid={}; lang=en", c.escaped()))),
    ("Cookie, JSON", any, |c| c.ask("Cookie", format!("state={}", percent(&c.object())))),
    ("Set-Cookie", any, |c| c.answer("Set-Cookie", format!("sid={}; Path=/; Secure", c.escaped()))),
    ("Set-Cookie, another name", any, |c| {
        c.answer("Set-Cookie", format!("remember={}; HttpOnly", c.escaped()));
    }),
    ("query", any, |c| c.target = format!("/users/7?a=1&{}", c.pair())),
    (
        "query, raw specials",
        |kind| matches!(kind, Kind::Unicode | Kind::Latin),
        |c| {
            c.target = format!("/users/7?a=1&{}={}", c.secret.key(), percent(&c.secret.text));
        },
    ),
    ("query, nested name", any, |c| {
        c.target = format!("/users/7?user%5B{}%5D={}", c.secret.key(), c.escaped());
    }),
    ("query, JSON", any, |c| c.target = format!("/users/7?filter={}", percent(&c.object()))),
    ("query, base64 of JSON", any, |c| {
        c.target = format!("/users/7?state={}", percent(&base64(&c.object())));
    }),
    ("query, URL in it", any, |c| {
        let url = format!("https://b.example/?{}", c.pair());
        c.target = format!("/users/7?next={}", percent(&url));
    }),
    ("query, access_token", any, |c| c.target = format!("/x?access_token={}", c.escaped())),
    ("query, signature", word, |c| c.target = format!("/x?X-Amz-Signature={}", c.escaped())),
    ("path, after a segment", named, |c| {
        let segment = if c.secret.kind == Kind::Token { "tokens" } else { "password" };
        c.target = format!("/users/7/{segment}/{}", c.escaped());
    }),
    ("path, by its looks", shaped, |c| c.target = format!("/x/{}/y", c.secret.text)),
    ("path, matrix parameter", any, |c| c.target = format!("/users;{}/7", c.pair())),
    ("path, last matrix parameter", any, |c| c.target = format!("/users/7;v=1;{}", c.pair())),
    ("Referer", any, |c| c.ask("Referer", format!("https://a.example/x?b=1&{}", c.pair()))),
    ("Referer, userinfo", any, |c| {
        c.ask("Referer", format!("https://ada:{}@a.example/x", c.escaped()));
    }),
    ("User-Agent", shaped, |c| c.ask("User-Agent", format!("robot/1.0 ({})", c.secret.text))),
    ("User-Agent, pair", any, |c| c.ask("User-Agent", format!("robot/1.0 {}", c.pair()))),
    ("X-Callback, userinfo", any, |c| {
        c.ask("X-Callback", format!("https://ada:{}@a.example/x", c.escaped()));
    }),
    ("X-Forwarded-For", shaped, |c| c.ask("X-Forwarded-For", c.secret.text.clone())),
    ("X-Forwarded-User", shaped, |c| c.ask("X-Forwarded-User", c.secret.text.clone())),
    ("X-Request-Id", shaped, |c| c.ask("X-Request-Id", c.secret.text.clone())),
    ("traceparent", shaped, |c| c.ask("traceparent", c.secret.text.clone())),
    ("Idempotency-Key", shaped, |c| c.ask("Idempotency-Key", c.secret.text.clone())),
    ("X-HTTP-Method-Override", shaped, |c| c.ask("X-HTTP-Method-Override", c.secret.text.clone())),
    ("Content-Type", shaped, |c| {
        c.request.headers[0].1 = format!("application/json; x={}", c.secret.text);
    }),
    ("Location, query", any, |c| c.redirect(format!("https://a.example/x?b=1&{}", c.pair()))),
    ("Location, fragment", any, |c| c.redirect(format!("https://a.example/x#b=1&{}", c.pair()))),
    ("Location, code", word, |c| c.redirect(format!("https://a.example/cb?code={}", c.escaped()))),
    ("Location, path", shaped, |c| c.redirect(format!("/x/{}", c.secret.text))),
    ("Link", any, |c| c.answer("Link", format!("<https://a.example/?{}>; rel=next", c.pair()))),
    ("WWW-Authenticate", shaped, |c| {
        c.answer("WWW-Authenticate", format!("Bearer realm=\"{}\"", c.secret.text));
    }),
    ("Basic, the secret is the user", token, |c| {
        c.ask("Authorization", format!("Basic {}", base64(&format!("{}:", c.secret.text))));
    }),
    ("Basic, the secret is the user of a filler", token, |c| {
        let text = format!("{}:x-oauth-basic", c.secret.text);
        c.ask("Authorization", format!("Basic {}", base64(&text)));
    }),
    ("Authorization: Token", word, |c| {
        c.ask("Authorization", format!("Token token=\"{}\", nonce=\"x\"", c.secret.text));
    }),
    ("Authorization, another scheme", word, |c| {
        c.ask("Authorization", format!("Odd {}", c.secret.text));
    }),
    ("Authorization, Digest", word, |c| {
        let digest = format!("Digest username=\"ada\", uri=\"/x\", response=\"{}\"", c.secret.text);
        c.ask("Authorization", digest);
    }),
    ("two Cookies", any, |c| {
        c.ask("Cookie", "a=b");
        c.ask("Cookie", format!("auth={}", c.escaped()));
    }),
    ("Cookie, quoted", word, |c| c.ask("Cookie", format!("sid=\"{}\"", c.secret.text))),
    ("Cookie, name", shaped, |c| c.ask("Cookie", format!("{}=1", c.secret.text))),
    ("Set-Cookie, Path", shaped, |c| {
        c.answer("Set-Cookie", format!("a=b; Path=/x/{}", c.secret.text));
    }),
    (
        "name of a field",
        |kind| kind == Kind::Gitlab,
        |c| {
            c.ask(&format!("X-{}", c.secret.text), "1");
        },
    ),
    ("query, name", shaped, |c| c.target = format!("/x?{}=1&b", c.secret.text)),
    ("query, alone", shaped, |c| c.target = format!("/x?{}", c.secret.text)),
    ("query, escaped twice", any, |c| {
        let inner = percent(&format!("/y?{}", c.pair()));
        c.target = format!("/x?next={}", percent(&format!("/z?to={inner}")));
    }),
    ("query, all escaped", any, |c| {
        let all: String = c.secret.text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        c.target = format!("/x?{}={all}", c.secret.key());
    }),
    ("query, semicolons", any, |c| c.target = format!("/x?a=1;{};b=2", c.pair())),
    ("query, GraphQL", any, |c| {
        let query =
            format!("mutation {{ add({}: {}) {{ id }} }}", c.secret.key(), json!(c.secret.text));
        c.target = format!("/graphql?query={}", percent(&query));
    }),
    ("path, escaped", shaped, |c| {
        let all: String = c.secret.text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        c.target = format!("/x/{all}/y");
    }),
    ("path, pair in a segment", any, |c| c.target = format!("/x/{}/y", c.pair())),
    ("path, URL in it", named, |c| {
        c.target = format!("/proxy/https://ada:{}@a.example/x", c.escaped());
    }),
    (
        "path, last segment of invitations",
        |kind| kind == Kind::Token,
        |c| {
            c.target = format!("/invitations/{}/accept", c.secret.text);
        },
    ),
    ("User-Agent, userinfo", any, |c| {
        c.ask("User-Agent", format!("bot (+https://ada:{}@a.example/)", c.escaped()));
    }),
    ("X-Original-Url", any, |c| c.ask("X-Original-Url", format!("/x?{}", c.pair()))),
    ("X-Config, JSON", line, |c| {
        c.ask("X-Config", json!({c.secret.key(): c.escaped()}).to_string());
    }),
    ("X-Config, base64 of JSON", any, |c| c.ask("X-Config", base64(&c.object()))),
    ("Forwarded", shaped, |c| c.ask("X-Real-Ip", c.secret.text.clone())),
    ("Origin", any, |c| c.ask("Origin", format!("https://ada:{}@a.example", c.escaped()))),
    ("If-Match", shaped, |c| c.ask("If-Match", format!("\"{}\"", c.secret.text))),
    ("Content-Disposition", shaped, |c| {
        c.answer("Content-Disposition", format!("attachment; filename=\"{}.txt\"", c.secret.text));
    }),
    ("Refresh", any, |c| c.answer("Refresh", format!("0; url=https://a.example/?{}", c.pair()))),
    ("Location, userinfo", any, |c| {
        c.redirect(format!("https://ada:{}@a.example/x", c.escaped()));
    }),
    ("Location, escaped twice", any, |c| {
        c.redirect(format!("https://a.example/x?to={}", percent(&format!("/y?{}", c.pair()))));
    }),
    ("ETag", shaped, |c| c.answer("ETag", format!("\"{}\"", c.secret.text))),
    ("Warning", shaped, |c| c.answer("Warning", format!("199 a \"bad {}\"", c.secret.text))),
];
