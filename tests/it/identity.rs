//! Who acts, by rules, through the whole program: what is proved is `verified`, everything else is a
//! claim that says why.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::support::{
    Authority, Issuer, Proxy, Reply, Seen, Setup, TlsFront, Upstream, exchange, wait_until,
};

/// A proxy with rules that say who acts.
struct Ruled {
    proxy: Proxy,
    rules: TempDir,
}

impl Ruled {
    fn start(upstream: SocketAddr, rules: &str, more: &str) -> Self {
        Self::with_files(upstream, rules, more, &[])
    }

    fn with_files(upstream: SocketAddr, rules: &str, more: &str, files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(dir.path().join(name), text).unwrap();
        }
        fs::write(dir.path().join("actors.yaml"), rules).unwrap();
        let more = format!("rules: {{dir: \"{}\"}}\n{more}", dir.path().display());
        let proxy = Proxy::with(upstream, &Setup { more, ..Setup::default() });
        Self { proxy, rules: dir }
    }

    /// Posts with these header fields; the event.
    fn post(&self, fields: &[(&str, &str)]) -> Value {
        self.post_to("/admin/users", fields, "name=ada")
    }

    fn post_to(&self, path: &str, fields: &[(&str, &str)], body: &str) -> Value {
        let fields: String =
            fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\n{fields}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = exchange(self.proxy.address, request.as_bytes());
        assert!(answer.status > 0, "no answer");
        let id = answer.header("countersign-event").unwrap().to_owned();
        self.proxy.events().into_iter().find(|event| event["id"] == id.as_str()).unwrap()
    }
}

/// `id auth verified|claimed notes`
fn shown(event: &Value) -> String {
    let actor = &event["actor"];
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let notes = event["request"]["notes"].as_array().cloned().unwrap_or_default();
    let notes: Vec<&str> = notes.iter().filter_map(Value::as_str).collect();
    let notes: Vec<&str> = notes.into_iter().filter(|note| note.starts_with("actor_")).collect();
    let verified = if actor["verified"] == true { "verified" } else { "claimed" };
    let line =
        format!("{} {} {verified} {}", text(&actor["id"]), text(&actor["auth"]), notes.join(","));
    line.trim().to_owned()
}

fn jwt_rule(url: &str, more: &str) -> String {
    format!(
        "actors:\n- from: jwt\n  keys: {{url: \"{url}\", {more}}}\n  \
         issuer: https://issuer.example\n  audience: admin\n"
    )
}

/// Every file below a directory.
fn files(dir: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(fs::read(path).unwrap()) }
    }
    found
}

fn me(seen: &Seen) -> Option<Reply> {
    let json = |status: &str, text: &str| Some(Reply::response(status, "application/json", text));
    if !seen.line().starts_with("GET /api/me ") {
        return None;
    }
    match seen.header("cookie").unwrap_or_default() {
        cookie if cookie.contains("session-of-grace") => {
            json("200 OK", r#"{"user":{"id":7,"mail":"grace@example.com"}}"#)
        }
        _ => json("401 Unauthorized", "{}"),
    }
}

#[test]
fn every_kind_of_proof_is_verified_and_no_credential_is_kept() {
    let issuer = Issuer::start();
    let upstream = Upstream::start(|seen| me(seen).unwrap_or_else(Reply::ok));
    let key = "ci-key-9f86d081884c7d65";
    let table = format!(
        "keys:\n- {{sha256: {}, id: ci-deploy, name: CI deploy, type: agent}}\n",
        hex::encode(Sha256::digest(key))
    );
    let rules = jwt_rule(&issuer.url(), "")
        + "- {from: sign_in, paths: [/login], id: \"{body:$.user}\"}\n\
           - {from: header, header: x-forwarded-user, email: \"{header.x-forwarded-email}\"}\n\
           - {from: api_key, table: keys.table}\n\
           - {from: basic}\n\
           - {from: introspect, get: /api/me, cookie: sid, id: \"{body:$.user.id}\", \
              email: \"{body:$.user.mail}\"}\n";
    let ruled = Ruled::with_files(
        upstream.address,
        &rules,
        "trusted_proxies: [127.0.0.0/8]",
        &[("keys.table", &table)],
    );
    let (good, old) = (issuer.token("ada", 600), issuer.token("ada", -600));
    let bearer = format!("Bearer {good}");
    let expired = format!("Bearer {old}");
    let (grace, stranger) = ("sid=session-of-grace-1f2e3d4c", "sid=session-of-nobody-1f2e3d4c");
    // alice:correct horse battery
    let basic = "Basic YWxpY2U6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5";
    let rows: &[(&[(&str, &str)], &str)] = &[
        (&[("Authorization", &bearer)], "ada jwt verified"),
        (&[("Authorization", &bearer)], "ada jwt verified"),
        (&[("Authorization", &expired)], "ada jwt claimed actor_token_expired"),
        (
            &[("X-Forwarded-User", "lin"), ("X-Forwarded-Email", "l@example.com")],
            "lin header verified",
        ),
        (&[("X-Api-Key", key)], "ci-deploy api_key verified"),
        (&[("X-Api-Key", "another-key-0123456789")], "- api_key claimed actor_key_unknown"),
        (&[("Authorization", basic)], "alice basic claimed"),
        (&[("Cookie", grace)], "7 session verified"),
        (&[("Cookie", stranger)], "- session claimed actor_credential_refused"),
        (&[], "- - claimed"),
    ];
    for (fields, expected) in rows {
        let event = ruled.post(fields);
        assert_eq!(shown(&event), *expected);
    }
    let signed_in = ruled.post_to("/login", &[], "user=mallory&password=hunter2-hunter2");
    assert_eq!(shown(&signed_in), "mallory sign_in claimed");
    let events = ruled.proxy.events();
    let email = |position: usize| events[position]["actor"]["email"].as_str().unwrap();
    assert_eq!(
        (email(0), email(3), email(7)),
        ("ada@example.com", "l@example.com", "grace@example.com")
    );
    assert_eq!(events[4]["actor"]["type"], "agent");
    assert_eq!(events[0]["actor"]["credential"], events[1]["actor"]["credential"]);

    let signature = |token: &str| token.rsplit('.').next().unwrap().to_owned();
    let secrets = [
        signature(&good),
        signature(&old),
        key.to_owned(),
        "another-key-0123456789".to_owned(),
        "session-of-grace-1f2e3d4c".to_owned(),
        "session-of-nobody-1f2e3d4c".to_owned(),
        "correct horse battery".to_owned(),
        basic.split_once(' ').unwrap().1.to_owned(),
        "hunter2-hunter2".to_owned(),
        hex::encode(Sha256::digest(key)),
    ];
    for content in files(ruled.proxy.home.path()) {
        for secret in &secrets {
            let found = content.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "`{secret}` is kept");
        }
    }
}

#[test]
fn the_word_of_a_peer_that_is_not_trusted_goes_nowhere() {
    let upstream = Upstream::start(|_| Reply::ok());
    let rules = "actors:\n- {from: header, header: x-forwarded-user, \
                 email: \"{header.x-forwarded-email}\"}\n";
    let ruled = Ruled::start(upstream.address, rules, "");
    let spoofed = [("X-Forwarded-User", "root"), ("X_Forwarded_User", "root")];
    for name in ["X-Forwarded-User", "X-FORWARDED-EMAIL", "X_Forwarded_User"] {
        let event = ruled.post(&[(name, "root")]);
        assert_eq!(shown(&event), "- - claimed actor_header_untrusted", "{name}");
    }
    let read = "GET /admin/users HTTP/1.1\r\nHost: a\r\nX-Forwarded-User: root\r\n\r\n";
    assert_eq!(exchange(ruled.proxy.address, read.as_bytes()).status, 200);
    // One that Pingora's own pipeline carries.
    let read = "HEAD /admin/users HTTP/1.0\r\nHost: a\r\nX-Forwarded-User: root\r\n\r\n";
    assert_eq!(exchange(ruled.proxy.address, read.as_bytes()).status, 200);
    let seen = upstream.seen();
    assert_eq!(seen.len(), 5);
    for request in seen {
        let head = request.head.to_lowercase();
        assert!(!head.contains("root") && !head.contains("forwarded-user"), "{head}");
    }
    drop(ruled);

    let trusted = "trusted_proxies: [127.0.0.0/8]";
    let ruled = Ruled::start(upstream.address, rules, trusted);
    let event = ruled.post(&spoofed);
    assert_eq!(shown(&event), "root header verified actor_header_untrusted");
    let seen = upstream.seen();
    let last = seen.last().unwrap();
    assert_eq!(
        (last.header("x-forwarded-user"), last.header("x_forwarded_user")),
        (Some("root"), None)
    );
}

/// A field that `Connection` names is for the proxy alone (RFC 9110, section 7.6.1).
#[test]
fn nobody_acts_or_is_named_by_a_field_that_the_application_does_not_get() {
    let upstream = Upstream::start(|_| Reply::ok());
    let key = "ci-key-9f86d081884c7d65";
    let digest = hex::encode(Sha256::digest(key));
    let table = format!("keys:\n- {{sha256: {digest}, id: ci, name: CI, type: agent}}\n");
    let rules = "actors:\n- {from: api_key, table: keys.table}\n\
                 - {from: header, header: x-forwarded-user}\n- {from: basic}\n";
    let ruled = Ruled::with_files(
        upstream.address,
        rules,
        "trusted_proxies: [\"127.0.0.1\"]\n",
        &[("keys.table", &table)],
    );
    let basic = ("Authorization", "Basic cm9vdDpwdw==");
    let rows = [
        (vec![("X-Api-Key", key)], "ci api_key verified"),
        (vec![("X-Api-Key", key), ("Connection", "x-API-key")], "root basic claimed"),
        (vec![("X-Api-Key", key), ("Connection", "close, x-api-key ,b")], "root basic claimed"),
        (vec![("X-Forwarded-User", "ann")], "ann header verified"),
        (
            vec![("X-Forwarded-User", "ann"), ("Connection", "X-Forwarded-User")],
            "root basic claimed",
        ),
        (vec![("Connection", "authorization")], "root basic claimed"),
    ];
    for (mut fields, expected) in rows {
        fields.push(basic);
        let event = ruled.post(&fields);
        assert_eq!(shown(&event), expected, "{fields:?}");
        let seen = upstream.seen().pop().unwrap();
        let gets = |name: &str| seen.header(name).is_some();
        assert!(gets("authorization"), "{fields:?}");
        assert_eq!(gets("x-api-key"), event["actor"]["id"] == "ci", "{fields:?}");
        assert_eq!(gets("x-forwarded-user"), event["actor"]["id"] == "ann", "{fields:?}");
    }
    for (connection, action) in
        [("close", "user.delete"), ("x-http-method-override", "user.create")]
    {
        let fields = [("X-HTTP-Method-Override", "DELETE"), ("Connection", connection)];
        assert_eq!(ruled.post(&fields)["action"], action);
    }
}

#[test]
fn keys_of_an_issuer_are_fetched_again_when_they_change() {
    let mut issuer = Issuer::start();
    let upstream = Upstream::start(|_| Reply::ok());
    let rules = jwt_rule(&issuer.url(), "refresh: 10ms");
    let ruled = Ruled::start(upstream.address, &rules, "");
    let post = |token: &str| {
        let bearer = format!("Bearer {token}");
        shown(&ruled.post(&[("Authorization", &bearer)]))
    };
    let first = issuer.token("ada", 600);
    assert_eq!(post(&first), "ada jwt verified");
    issuer.rotate("second");
    let second = issuer.token("bob", 600);
    wait_until("the new key is known", || post(&second) == "bob jwt verified");
    // The old one was taken back, whatever was proved with it before.
    assert_eq!(post(&first), "ada jwt claimed actor_token_key_unknown");
    // An issuer that is gone takes nobody's identity away at once.
    issuer.answer(Reply::Close);
    assert_eq!(post(&second), "bob jwt verified");
    let log = fs::read_to_string(ruled.proxy.home.path().join("log")).unwrap();
    assert!(!log.contains(&second), "{log}");
}

#[test]
fn tokens_of_unknown_keys_do_not_flood_the_issuer() {
    let mut issuer = Issuer::start();
    let upstream = Upstream::start(|_| Reply::ok());
    let ruled = Ruled::start(upstream.address, &jwt_rule(&issuer.url(), ""), "");
    let good = format!("Bearer {}", issuer.token("ada", 600));
    assert_eq!(shown(&ruled.post(&[("Authorization", &good)])), "ada jwt verified");
    for number in 0..12 {
        issuer.rotate(&format!("unknown-{number}"));
        let token = format!("Bearer {}", issuer.token("eve", 600));
        ruled.post(&[("Authorization", &token)]);
    }
    assert!(issuer.asked() < 6, "{}", issuer.asked());
}

#[test]
fn an_issuer_that_fails_makes_claims_and_no_failures() {
    let upstream = Upstream::start(|_| Reply::ok());
    let huge = format!("{{\"keys\":[{}]}}", " ".repeat(600 * 1024));
    let replies = [
        Reply::Close,
        Reply::Later(Duration::from_secs(3600), Vec::new()),
        Reply::response("500 Internal Server Error", "application/json", "{}"),
        Reply::response("200 OK", "application/json", "{\"keys\":"),
        Reply::response("200 OK", "application/json", "{\"keys\":[]}"),
        Reply::response("200 OK", "application/json", &huge),
        Reply::response("302 Found", "text/plain", ""),
    ];
    let issuers: Vec<Issuer> = replies.iter().map(|_| Issuer::start()).collect();
    let mut rules = "actors:\n".to_owned();
    for (number, (issuer, reply)) in issuers.iter().zip(&replies).enumerate() {
        issuer.answer(reply.clone());
        let url = issuer.url();
        let rule = format!(
            "- {{from: jwt, cookie: token{number}, keys: {{url: \"{url}\", timeout: 200ms}}}}\n"
        );
        rules.push_str(&rule);
    }
    let ruled = Ruled::start(upstream.address, &rules, "");
    for (number, issuer) in issuers.iter().enumerate() {
        let cookie = format!("token{number}={}", issuer.token("ada", 600));
        let event = ruled.post(&[("Cookie", &cookie)]);
        assert_eq!(shown(&event), "ada jwt claimed actor_token_key_unknown", "{number}");
        assert_eq!(event["outcome"], "success", "{number}");
        assert!(issuer.asked() > 0, "{number}");
    }
}

const INTROSPECT: &str = "actors:\n- {from: introspect, get: /api/me, cookie: sid, \
                          id: \"{body:$.id}\", timeout: 300ms}\n";

#[test]
fn what_the_application_says_is_kept_and_forgotten() {
    let upstream = Upstream::start(|seen| match seen.line() {
        line if line.starts_with("GET /api/me") => {
            Reply::response("200 OK", "application/json", "{\"id\":\"grace\"}")
        }
        line if line.contains("/login") => {
            Reply::Bytes(b"HTTP/1.1 204 No Content\r\nSet-Cookie: sid=next\r\n\r\n".to_vec())
        }
        _ => Reply::ok(),
    });
    let ruled = Ruled::start(upstream.address, INTROSPECT, "");
    let asked = || {
        let seen = upstream.seen();
        seen.into_iter().filter(|seen| seen.line().starts_with("GET /api/me")).collect::<Vec<_>>()
    };
    for cookie in ["sid=0123456789; a=1", "a=2; sid=0123456789"] {
        assert_eq!(shown(&ruled.post(&[("Cookie", cookie)])), "grace session verified");
    }
    assert_eq!(asked().len(), 1);
    let question = asked().remove(0);
    assert_eq!(question.header("cookie"), Some("sid=0123456789"));
    assert_eq!(question.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(question.header("host"), Some("a"));
    ruled.post_to("/login", &[("Cookie", "sid=0123456789")], "user=b");
    assert_eq!(asked().len(), 1);
    // The session may be another's now.
    ruled.post(&[("Cookie", "sid=0123456789")]);
    assert_eq!(asked().len(), 2);
    ruled.post(&[("Cookie", "sid=9876543210")]);
    assert_eq!(asked().len(), 3);
    // To somebody else, or on another site, the application might say something else.
    for _ in 0..2 {
        ruled.post(&[("Cookie", "sid=9876543210"), ("User-Agent", "other")]);
        assert_eq!(asked().len(), 4);
    }
    let read = "GET /admin/users HTTP/1.1\r\nHost: a\r\nCookie: sid=unheard-of\r\n\r\n";
    assert_eq!(exchange(ruled.proxy.address, read.as_bytes()).status, 200);
    assert_eq!(asked().len(), 4, "a read is nobody's");
}

#[test]
fn signing_in_and_out_has_the_session_asked_about_again() {
    let upstream = Upstream::start(|seen| match seen.line() {
        line if line.starts_with("GET /api/me") => {
            Reply::response("200 OK", "application/json", "{\"id\":\"grace\"}")
        }
        _ => Reply::ok(),
    });
    // Where another rule says who signs in, nothing has to be asked for that.
    let named = INTROSPECT.replace(
        "actors:\n",
        "actors:\n- {from: sign_in, paths: [/admin/login], id: \"{body:$.user}\"}\n",
    );
    for rules in [INTROSPECT, &named] {
        let before = upstream.seen().len();
        let ruled = Ruled::start(upstream.address, rules, "");
        let asked = || {
            let seen = upstream.seen();
            let seen = seen.iter().skip(before);
            seen.filter(|seen| seen.line().starts_with("GET /api/me")).count()
        };
        let session = ("Cookie", "sid=0123456789");
        let rows = [
            ("/users", 1),
            ("/logout", 1),
            ("/users", 2),
            ("/login", 2),
            ("/users", 3),
            ("/users/7/impersonate", 3),
            ("/users", 4),
            ("/impersonate/stop", 4),
            ("/users", 5),
        ];
        for (path, questions) in rows {
            ruled.post_to(path, &[session], "user=bob&password=x");
            assert_eq!(asked(), questions, "{path}");
        }
    }
}

#[test]
fn who_comes_together_is_asked_about_once_and_nobody_is_left_out() {
    let pause = Duration::from_millis(200);
    let upstream = Upstream::start(move |seen| match seen.line() {
        line if line.starts_with("GET /api/me") => {
            let body = "{\"id\":\"grace\"}";
            let head =
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n";
            Reply::Later(pause, format!("{head}\r\n{body}").into_bytes())
        }
        _ => Reply::ok(),
    });
    let rules = INTROSPECT.replace("300ms", "20s");
    let ruled = Ruled::start(upstream.address, &rules, "");
    let together = |cookies: Vec<String>| {
        thread::scope(|scope| {
            for cookie in cookies {
                let ruled = &ruled;
                scope.spawn(move || {
                    let fields = format!("Cookie: {cookie}\r\nContent-Length: 0\r\n\r\n");
                    let request = format!("POST /admin/users HTTP/1.1\r\nHost: a\r\n{fields}");
                    assert_eq!(exchange(ruled.proxy.address, request.as_bytes()).status, 200);
                });
            }
        });
        let seen = upstream.seen();
        seen.iter().filter(|seen| seen.line().starts_with("GET /api/me")).count()
    };
    assert_eq!(together(vec!["sid=0123456789".to_owned(); 20]), 1);
    // More than may be asked about at a time.
    let callers = 70;
    let cookies = (0..callers).map(|number| format!("sid=0123456789{number:02}")).collect();
    assert_eq!(together(cookies), 1 + callers);
    let events = ruled.proxy.events();
    assert_eq!(events.len(), 20 + callers);
    for event in events {
        assert_eq!(shown(&event), "grace session verified");
    }
}

#[test]
fn an_application_that_does_not_say_makes_claims_and_no_failures() {
    let huge = format!("{{\"id\":\"{}\"}}", "x".repeat(100 * 1024));
    let json = |status: &str, text: &str| Reply::response(status, "application/json", text);
    let rows = [
        (json("401 Unauthorized", "{}"), "actor_credential_refused"),
        (json("403 Forbidden", "{}"), "actor_credential_refused"),
        (json("200 OK", "{}"), "actor_not_named"),
        (json("200 OK", "{\"id\":null}"), "actor_not_named"),
        (json("200 OK", "[1]"), "actor_introspection_failed"),
        (json("200 OK", "{\"id\":"), "actor_introspection_failed"),
        (json("200 OK", &huge), "actor_introspection_failed"),
        (json("500 Internal Server Error", "{\"id\":\"eve\"}"), "actor_introspection_failed"),
        (json("302 Found", "{\"id\":\"eve\"}"), "actor_introspection_failed"),
        (Reply::Close, "actor_introspection_failed"),
        (Reply::Later(Duration::from_secs(3600), Vec::new()), "actor_introspection_timeout"),
    ];
    let replies: Vec<Reply> = rows.iter().map(|(reply, _)| reply.clone()).collect();
    let upstream = Upstream::start(move |seen| {
        let session =
            seen.header("cookie").and_then(|cookie| cookie.rsplit('-').next()?.parse().ok());
        match session {
            Some(number) if seen.line().starts_with("GET /api/me") => {
                replies.get::<usize>(number).cloned().unwrap()
            }
            _ => Reply::ok(),
        }
    });
    let ruled = Ruled::start(upstream.address, INTROSPECT, "");
    for (number, (_, note)) in rows.iter().enumerate() {
        let cookie = format!("sid=session-{number}");
        let event = ruled.post(&[("Cookie", &cookie)]);
        assert_eq!(shown(&event), format!("- session claimed {note}"), "{number}");
        assert_eq!(event["outcome"], "success", "{number}");
    }
}

#[test]
fn authorization_servers_are_asked_about_tokens() {
    let server = Upstream::start(|seen| {
        let json = |text: &str| Reply::response("200 OK", "application/json", text);
        let body = String::from_utf8_lossy(&seen.body).into_owned();
        // countersign:a secret/of ours, with form encoding before base64
        let ours = "Basic Y291bnRlcnNpZ246YSUyMHNlY3JldCUyRm9mJTIwb3Vycw==";
        match (seen.header("authorization"), body.as_str()) {
            (Some(given), "token=opaque%2Btoken-1&token_type_hint=access_token")
                if given == ours =>
            {
                json(r#"{"active":true,"sub":"ada","username":"Ada L.","client_id":"cli"}"#)
            }
            (_, body) if body.contains("ended") => json(r#"{"active":true,"sub":"eve","exp":1}"#),
            _ => json(r#"{"active":false,"sub":"eve"}"#),
        }
    });
    let upstream = Upstream::start(|_| Reply::ok());
    let rules = format!(
        "actors:\n- {{from: introspect, with: authorization, server: {{url: \"http://{}/introspect\", \
         client_id: countersign, secret_file: client.secret}}}}\n",
        server.address
    );
    let files = [("client.secret", "a secret/of ours\n")];
    let ruled = Ruled::with_files(upstream.address, &rules, "", &files);
    let event = ruled.post(&[("Authorization", "Bearer opaque+token-1")]);
    assert_eq!(shown(&event), "ada bearer verified");
    assert_eq!(event["actor"]["name"], "Ada L.");
    let event = ruled.post(&[("Authorization", "Bearer opaque+token-2")]);
    assert_eq!(shown(&event), "- bearer claimed actor_credential_refused");
    let event = ruled.post(&[("Authorization", "Bearer token-that-ended")]);
    assert_eq!(shown(&event), "- bearer claimed actor_credential_refused");
    assert_eq!(server.seen().len(), 3);
    assert!(upstream.seen().iter().all(|seen| seen.line().starts_with("POST ")));
}

#[test]
fn a_key_that_is_added_to_the_table_counts_without_a_restart() {
    let upstream = Upstream::start(|_| Reply::ok());
    let rules = "actors:\n- {from: api_key, table: keys.table}\n";
    let files = [("keys.table", "keys: []\n")];
    let ruled = Ruled::with_files(upstream.address, rules, "", &files);
    let post = || ruled.post(&[("X-Api-Key", "ci-key-9f86d081884c7d65")]);
    let event = post();
    assert_eq!(shown(&event), "- api_key claimed actor_key_unknown");
    // As an operator would: the key by its fingerprint in the event.
    let fingerprint = event["actor"]["credential"].as_str().unwrap();
    let table = format!("keys:\n- {{fingerprint: \"{fingerprint}\", id: ci}}\n");
    fs::write(ruled.rules.path().join("keys.table"), table).unwrap();
    let before = event["observer"]["ruleset"].clone();
    wait_until("the table is read again", || shown(&post()) == "ci api_key verified");
    assert_ne!(post()["observer"]["ruleset"], before);
}

#[test]
fn keys_come_over_tls_from_whom_the_rule_trusts() {
    let issuer = Issuer::start();
    let upstream = Upstream::start(|_| Reply::ok());
    let (authority, other) = (Authority::new("servers"), Authority::new("servers"));
    let front =
        TlsFront::start(issuer.address(), &authority.issue("localhost"), &["http/1.1"], None);
    let url = format!("https://localhost:{}/keys", front.address.port());
    let token = format!("Bearer {}", issuer.token("ada", 600));
    for (trusted, expected) in
        [(&authority, "ada jwt verified"), (&other, "ada jwt claimed actor_token_key_unknown")]
    {
        let more = format!("ca: {}", trusted.certificate().display());
        let ruled = Ruled::start(upstream.address, &jwt_rule(&url, &more), "");
        assert_eq!(shown(&ruled.post(&[("Authorization", &token)])), expected);
    }
}

#[test]
fn rejections_of_gateways_are_nobody_elses_business() {
    let upstream = Upstream::start(|seen| match seen.line() {
        line if line.starts_with("GET /api/me") => {
            Reply::response("200 OK", "application/json", "{\"id\":\"grace\"}")
        }
        _ => Reply::response("429 Too Many Requests", "application/json", "{}"),
    });
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("actors.yaml"), INTROSPECT).unwrap();
    let setup = Setup {
        routes: "- {name: llm, kind: gateway, upstream: app}".to_owned(),
        more: format!("rules: {{dir: \"{}\"}}", dir.path().display()),
        ..Setup::default()
    };
    let proxy = Proxy::with(upstream.address, &setup);
    let request = "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nCookie: sid=0123456789\r\n\
                   Content-Length: 0\r\n\r\n";
    assert_eq!(exchange(proxy.address, request.as_bytes()).status, 429);
    let event = proxy.events().remove(0);
    assert_eq!(shown(&event), "- session claimed actor_not_asked");
    assert_eq!(upstream.seen().len(), 1, "the application is not asked");
}

#[test]
fn connections_that_the_application_closes_take_no_identity_away() {
    let upstream = Upstream::start(|seen| {
        let text = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n\
                    {\"id\":\"grace\"}";
        match seen.line() {
            line if line.starts_with("GET /api/me") => {
                Reply::BytesThenClose(text.as_bytes().to_vec())
            }
            _ => Reply::BytesThenClose(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        }
    });
    let ruled = Ruled::start(upstream.address, INTROSPECT, "");
    for number in 0..8 {
        let cookie = format!("sid=session-{number}");
        let event = ruled.post(&[("Cookie", &cookie), ("User-Agent", "browser/1")]);
        assert_eq!(shown(&event), "grace session verified", "{number}");
    }
    let seen = upstream.seen();
    let questions: Vec<&Seen> =
        seen.iter().filter(|seen| seen.line().starts_with("GET ")).collect();
    assert!(questions.iter().all(|seen| seen.header("user-agent") == Some("browser/1")));
}
