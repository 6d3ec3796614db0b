//! Signing in and out, as browsers do it and as attackers do.

use serde_json::json;

use super::{Answer, Served};
use crate::access::{Access, Role};
use crate::api::Ways;
use crate::config::PublicUrl;

impl Served {
    /// Sends a form.
    pub(super) async fn post(&self, path: &str, form: &str, fields: &str) -> Answer {
        let kind = "Content-Type: application/x-www-form-urlencoded";
        // The line that ends the head comes behind the form, where it does not matter.
        let fields = format!("{kind}\r\nContent-Length: {}\r\n{fields}\r\n{form}", form.len());
        self.send("POST", path, &fields).await
    }

    /// Signs in; gives the cookie, as it is sent back.
    pub(super) async fn signed_in(&self, token: &str) -> String {
        let answer = self.post("/audit/sign-in", &format!("token={token}"), "").await;
        assert_eq!(answer.status, 303, "{answer:?}");
        cookie(&answer).unwrap_or_else(|| panic!("{answer:?}"))
    }

    pub(super) async fn ask_with(&self, cookie: &str, path: &str) -> Answer {
        self.send("GET", path, &format!("Cookie: {cookie}\r\n")).await
    }
}

pub(super) fn field<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")))
}

/// Heads are shown in lower case by the harness, but for cookies.
fn cookie(answer: &Answer) -> Option<String> {
    let cookie = answer.cookies.first()?;
    Some(cookie.split(';').next().unwrap().to_owned())
}

const CROSS_SITE: &str = "/audit/sign-in?error=csrf";
const LIST: &str = "/v1/admin/audit";

#[tokio::test(flavor = "multi_thread")]
async fn a_session_reads_what_its_token_reads_until_it_is_signed_out() {
    let served = Served::new().await;
    let scope = json!({"scope": {"pool": "blue"}});
    let seen = served.event("2026-07-09T12:00:00Z", scope).await;
    let hidden = served.event("2026-07-09T12:00:01Z", json!({})).await;
    served.indexed().await;
    let token = served.scoped("ada", Role::Viewer, "blue");
    let form = format!("token={token}&next=%2Faudit%3Faction%3Da");
    let answer = served.post("/audit/sign-in", &form, "").await;
    assert_eq!((answer.status, field(&answer, "location")), (303, Some("/audit?action=a")));
    let whole = answer.cookies.first().unwrap();
    assert!(whole.ends_with("; Path=/; HttpOnly; SameSite=Lax; Max-Age=43200"), "{whole}");
    let cookie = cookie(&answer).unwrap();
    assert!(!cookie.contains(&token));
    for (path, status) in [(format!("{LIST}/{seen}"), 200), (format!("{LIST}/{hidden}"), 404)] {
        assert_eq!(served.ask_with(&cookie, &path).await.status, status, "{path}");
    }
    assert_eq!(served.ask_with(&cookie, &format!("{LIST}/export?format=csv")).await.status, 403);

    // Whoever has no session, or half of one, changes nothing.
    let id = cookie.split_once('=').unwrap().1;
    let csrf = crate::access::SessionId::parse(id).unwrap().csrf();
    let sent = format!("Cookie: {cookie}\r\n");
    for (form, more) in [
        ("csrf=", ""),
        ("", ""),
        (&*format!("csrf={id}"), ""),
        (&format!("csrf={csrf}"), "Sec-Fetch-Site: cross-site\r\n"),
        (&format!("csrf={csrf}"), "Origin: http://evil.example\r\n"),
    ] {
        let answer = served.post("/audit/sign-out", form, &format!("{sent}{more}")).await;
        assert_eq!(answer.status, 403, "{form} {more}");
    }
    assert_eq!(served.ask_with(&cookie, LIST).await.status, 200);
    let answer = served.post("/audit/sign-out", &format!("csrf={csrf}"), &sent).await;
    assert_eq!((answer.status, field(&answer, "location")), (303, Some("/audit/sign-in")));
    assert!(answer.cookies[0].starts_with("countersign_session=; "), "{answer:?}");
    assert_eq!(served.ask_with(&cookie, LIST).await.status, 401);

    let signed_in = served.recorded("audit.sign_in").await.remove(0);
    assert_eq!(signed_in["actor"]["name"], json!("ada"));
    assert_eq!(
        (&signed_in["outcome"], &signed_in["source"]["ip"]),
        (&json!("success"), &json!("127.0.0.1"))
    );
    assert_eq!(signed_in["metadata"], json!({"role": "viewer", "way": "token"}));
    let signed_out = served.recorded("audit.sign_out").await.remove(0);
    assert_eq!(signed_out["actor"]["auth"], json!("session"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_token_with_time_and_with_the_next() {
    let served = Served::new().await;
    let minutes = |count| chrono::TimeDelta::minutes(count);
    let list = async |cookie: &str| served.ask_with(cookie, LIST).await.status;
    // Nobody uses it.
    let idle = served.signed_in(&served.owner).await;
    served.clock.advance(minutes(29));
    assert_eq!(list(&idle).await, 200);
    served.clock.advance(minutes(29));
    assert_eq!(list(&idle).await, 200, "it was used");
    served.clock.advance(minutes(30));
    assert_eq!(list(&idle).await, 401);
    // A page asks by itself.
    let live = served.signed_in(&served.owner).await;
    let fields = format!("Cookie: {live}\r\nCountersign-Live: 1\r\n");
    served.clock.advance(minutes(20));
    assert_eq!(served.send("GET", LIST, &fields).await.status, 200);
    served.clock.advance(minutes(10));
    assert_eq!(served.send("GET", LIST, &fields).await.status, 401, "nobody used it");
    // It is used all the time.
    let used = served.signed_in(&served.owner).await;
    for _ in 0..28 {
        served.clock.advance(minutes(25));
        assert_eq!(list(&used).await, 200);
    }
    served.clock.advance(minutes(25));
    assert_eq!(list(&used).await, 401, "12 hours have passed");
    // The token is revoked.
    let token = served.scoped("eve", Role::Viewer, "blue");
    let cookie = served.signed_in(&token).await;
    assert_eq!(list(&cookie).await, 200);
    let now = crate::clock::Clock::now(&*served.clock);
    assert!(Access::open(served.path()).unwrap().revoke("eve", now).unwrap());
    assert_eq!(list(&cookie).await, 401);
    // Somebody signs in again: there is a new secret, and the old one is of no use.
    let first = served.signed_in(&served.owner).await;
    let sent = format!("Cookie: {first}\r\n");
    let answer = served.post("/audit/sign-in", &format!("token={}", served.owner), &sent).await;
    let second = cookie_of(&answer);
    assert_ne!(first, second);
    assert_eq!((list(&first).await, list(&second).await), (401, 200));
}

fn cookie_of(answer: &Answer) -> String {
    cookie(answer).unwrap_or_else(|| panic!("{answer:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_get_in() {
    let served = Served::new().await;
    let token = &served.owner;
    let rows = [
        ("token=", "", 303, Some("/audit/sign-in?error=token")),
        (
            "token=countersign_x&next=/audit/x",
            "",
            303,
            Some("/audit/sign-in?error=token&next=%2faudit%2fx"),
        ),
        ("next=/audit", "", 400, None),
        (&format!("token={token}"), "Origin: https://evil.example\r\n", 303, Some(CROSS_SITE)),
        (&format!("token={token}"), "Origin: null\r\n", 303, Some(CROSS_SITE)),
        (&format!("token={token}"), "Sec-Fetch-Site: same-site\r\n", 303, Some(CROSS_SITE)),
    ];
    for (form, fields, status, location) in rows {
        let answer = served.post("/audit/sign-in", form, fields).await;
        assert_eq!((answer.status, field(&answer, "location")), (status, location), "{form}");
        assert!(answer.cookies.is_empty(), "{answer:?}");
    }
    // A page's policy may hide its origin from us, but not that it is our own.
    for fields in ["Origin: http://a\r\n", "Origin: null\r\nSec-Fetch-Site: same-origin\r\n"] {
        let answer = served.post("/audit/sign-in", &format!("token={token}"), fields).await;
        assert_eq!(field(&answer, "location"), Some("/audit"), "{fields}");
    }
    // Two cookies of one name: one of them was planted.
    let good = served.signed_in(token).await;
    let two = format!("{good}; countersign_session={}", "A".repeat(43));
    assert_eq!(served.ask_with(&two, LIST).await.status, 401);
    // A wrong token is not made up for by a right cookie.
    let fields = format!("Cookie: {good}\r\nAuthorization: Bearer countersign_x\r\n");
    assert_eq!(served.send("GET", LIST, &fields).await.status, 401);
    for attempt in 6..40 {
        let answer = served.post("/audit/sign-in", "token=x", "").await;
        let code = if attempt <= 20 { "token" } else { "throttled" };
        let expected = format!("/audit/sign-in?error={code}");
        assert_eq!(field(&answer, "location"), Some(&*expected), "{attempt}");
    }
    // Who comes from elsewhere, by what the proxy in front says, is counted for themselves.
    let elsewhere = "X-Forwarded-For: 203.0.113.9\r\n";
    let answer = served.post("/audit/sign-in", "token=x", elsewhere).await;
    assert_eq!(field(&answer, "location"), Some("/audit/sign-in?error=token"));
    // Too many are counted, and a right token gets in all the same.
    served.signed_in(token).await;
    let recorded = served.recorded("audit.sign_in").await;
    let reason =
        |reason: &str| recorded.iter().filter(|event| event["reason"] == json!(reason)).count();
    // The one at the API among them.
    assert_eq!((reason("token"), reason("cross_site"), reason("throttled")), (19, 3, 1));
    let sources = recorded.iter().map(|event| &event["source"]);
    let told = json!({"ip": "203.0.113.9", "forwarded": "203.0.113.9"});
    assert_eq!(sources.filter(|source| **source == told).count(), 1);
    let ledger = std::fs::read(served.file("ledger.db-wal")).unwrap();
    assert!(!ledger.windows(token.len()).any(|part| part == token.as_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_sent_elsewhere() {
    let served = Served::new().await;
    let long = format!("/audit?{}", "x".repeat(5000));
    for next in [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "/audit//evil.example",
        "/audit/../v1",
        "/audit/%2e%2e/x",
        "/auditor",
        "/v1/admin/audit",
        "/audit\r\nX: y",
        "/audit/./",
        "/audit/sign-in",
        "/audit/sign-out",
        "/audit/oidc/start",
        "javascript:alert(1)",
        "/audit\\x",
        &long,
    ] {
        let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let form = format!("token={}&next={next}", served.owner);
        let answer = served.post("/audit/sign-in", &form, "").await;
        assert_eq!((answer.status, field(&answer, "location")), (303, Some("/audit")), "{next}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_with_tls_the_cookie_is_the_hosts_alone() {
    let public =
        PublicUrl { tls: true, authority: "b.example".to_owned(), prefix: "/log".to_owned() };
    let served = Served::with(Ways { public: Some(public), ..Ways::default() }).await;
    let form = format!("token={}&next=/audit/x", served.owner);
    let answer = served.post("/audit/sign-in", &form, "Origin: https://b.example\r\n").await;
    assert_eq!(field(&answer, "location"), Some("/log/audit/x"));
    let whole = &answer.cookies[0];
    assert!(
        whole.starts_with("__Host-countersign_session=") && whole.ends_with("; Secure"),
        "{whole}"
    );
    let plain = cookie_of(&answer).replace("__Host-", "");
    assert_eq!(served.ask_with(&plain, LIST).await.status, 401);
    assert_eq!(served.ask_with(&cookie_of(&answer), LIST).await.status, 200);
    let http = served.post("/audit/sign-in", &form, "Origin: http://b.example\r\n").await;
    let refused = Some("/log/audit/sign-in?error=csrf&next=%2faudit%2fx");
    assert_eq!(field(&http, "location"), refused, "that is another origin");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_session_without_a_record_of_it() {
    let served = Served::new().await;
    let raw = rusqlite::Connection::open(served.file("ledger.db")).unwrap();
    raw.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'full'); END",
    )
    .unwrap();
    let form = format!("token={}", served.owner);
    let answer = served.post("/audit/sign-in", &form, "").await;
    assert_eq!(field(&answer, "location"), Some("/audit/sign-in?error=unavailable"));
    assert!(answer.cookies.is_empty(), "{answer:?}");
    let raw = rusqlite::Connection::open(served.file("access.db")).unwrap();
    let count: i64 = raw.query_row("SELECT count(*) FROM sessions", [], |row| row.get(0)).unwrap();
    assert_eq!(count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_site_exports_nothing_with_a_readers_session() {
    let served = Served::new().await;
    let token = served.token("olga", crate::access::Grant::everything(Role::Owner));
    let answer = served.post("/audit/sign-in", &format!("token={token}"), "").await;
    let cookie = cookie(&answer).unwrap();
    let export = format!("{LIST}/export?format=csv");
    for (site, status) in [("cross-site", 403), ("same-origin", 200), ("none", 200)] {
        let fields = format!("Cookie: {cookie}\r\nSec-Fetch-Site: {site}\r\n");
        assert_eq!(served.send("GET", &export, &fields).await.status, status, "{site}");
    }
    // A program says itself who it is.
    let fields = format!("Authorization: Bearer {token}\r\nSec-Fetch-Site: cross-site\r\n");
    assert_eq!(served.send("GET", &export, &fields).await.status, 200);
    assert_eq!(served.recorded("audit.export").await.len(), 3);
}
