//! A provider that lies, or somebody in its place.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use countersign::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};

use super::{GRANTS, location};
use crate::support::{Browser, Issuer, Proxy, Reply, Seen, Setup, Upstream, wait_until};

/// Changes an answer.
type Lie = Arc<dyn Fn(&mut Value) + Send + Sync>;

#[derive(Clone)]
struct Lies {
    discovery: Lie,
    claims: Lie,
    /// In the place of the answer with the tokens.
    token: Option<Reply>,
    /// Changes the signed token.
    signed: Arc<dyn Fn(String) -> String + Send + Sync>,
    /// What comes back with the browser, beside `code`.
    back: fn(state: &str, issuer: &str) -> String,
}

impl Lies {
    fn none() -> Self {
        let nothing: Lie = Arc::new(|_| {});
        Self {
            discovery: Arc::clone(&nothing),
            claims: nothing,
            token: None,
            signed: Arc::new(|token| token),
            back: |state, _| format!("code=c&state={state}"),
        }
    }
}

struct Liar {
    server: Upstream,
    lies: Arc<Mutex<Lies>>,
    nonce: Arc<Mutex<String>>,
}

fn json_reply(value: &Value) -> Reply {
    Reply::response("200 OK", "application/json", &value.to_string())
}

impl Liar {
    fn start() -> Self {
        let lies = Arc::new(Mutex::new(Lies::none()));
        let nonce = Arc::new(Mutex::new(String::new()));
        let (told, asked) = (Arc::clone(&lies), Arc::clone(&nonce));
        let issuer = Mutex::new(Issuer::start());
        let server = Upstream::start(move |seen| {
            let lies = told.lock().unwrap().clone();
            answer(seen, &lies, &asked.lock().unwrap(), &issuer.lock().unwrap())
        });
        Self { server, lies, nonce }
    }
}

fn answer(seen: &Seen, lies: &Lies, nonce: &str, issuer: &Issuer) -> Reply {
    let base = format!("http://{}", seen.header("host").unwrap());
    let path = seen.line().split(' ').nth(1).unwrap();
    match path {
        "/.well-known/openid-configuration" => {
            let mut discovery = json!({
                "issuer": base, "authorization_endpoint": format!("{base}/auth"),
                "token_endpoint": format!("{base}/token"), "jwks_uri": format!("{base}/keys"),
                "userinfo_endpoint": format!("{base}/me"),
            });
            (lies.discovery)(&mut discovery);
            json_reply(&discovery)
        }
        "/keys" => json_reply(&issuer.jwks()),
        "/me" => json_reply(&json!({"sub": "mallory", "groups": ["audit-owners"]})),
        "/token" => {
            let now = SystemClock.now().timestamp();
            let mut claims = json!({"iss": base, "aud": "c", "sub": "ada", "nonce": nonce,
                "iat": now, "exp": now + 300, "groups": ["audit-owners"]});
            (lies.claims)(&mut claims);
            let token = (lies.signed)(issuer.sign(&claims));
            let tokens = json!({"id_token": token, "access_token": "at", "token_type": "Bearer"});
            lies.token.clone().unwrap_or_else(|| json_reply(&tokens))
        }
        _ => Reply::response("404 Not Found", "text/plain", "no"),
    }
}

fn value_of<'u>(url: &'u str, name: &str) -> &'u str {
    let (_, rest) = url.split_once(&format!("{name}=")).unwrap();
    rest.split('&').next().unwrap()
}

/// Goes to the provider and back; gives where the browser ends up.
fn round(proxy: SocketAddr, liar: &Liar) -> String {
    let mut browser = Browser::new(proxy);
    let there = browser.get("/audit/oidc/start");
    let there = location(&there).to_owned();
    if there.starts_with("/audit") {
        return there;
    }
    value_of(&there, "nonce").clone_into(&mut liar.nonce.lock().unwrap());
    let back = liar.lies.lock().unwrap().back;
    let issuer = format!("http://{}", liar.server.address);
    let query = back(value_of(&there, "state"), &issuer);
    location(&browser.get(&format!("/audit/oidc/callback?{query}"))).to_owned()
}

/// Puts a token together anew, with another head.
fn headed(token: &str, head: &Value) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", BASE64URL.encode(head.to_string()))
}

fn claims(lie: impl Fn(&mut Value) + Send + Sync + 'static) -> Lies {
    Lies { claims: Arc::new(lie), ..Lies::none() }
}

fn signed(lie: impl Fn(String) -> String + Send + Sync + 'static) -> Lies {
    Lies { signed: Arc::new(lie), ..Lies::none() }
}

fn token(reply: Reply) -> Lies {
    Lies { token: Some(reply), ..Lies::none() }
}

/// What is told, and what the log says then.
fn lies() -> Vec<(Lies, &'static str)> {
    let set = |name: &'static str, value: Value| claims(move |claims| claims[name] = value.clone());
    let without = |name: &'static str| {
        claims(move |claims| drop(claims.as_object_mut().unwrap().remove(name)))
    };
    let now = SystemClock.now().timestamp();
    let huge = "x".repeat(700_000);
    let refused = |body: &str| Reply::response("400 Bad Request", "application/json", body);
    vec![
        (set("iss", json!("http://evil.example")), "`iss` is not the issuer"),
        (without("iss"), "`iss` is not the issuer"),
        (set("aud", json!("another")), "`aud` and `azp`"),
        (set("aud", json!(["c", "another"])), "`aud` and `azp`"),
        (set("azp", json!("another")), "`aud` and `azp`"),
        (set("exp", json!(now - 120)), "actor_token_expired"),
        (without("exp"), "actor_token_without_expiry"),
        (set("nbf", json!(now + 3600)), "actor_token_not_yet_valid"),
        (set("iat", json!(now - 7200)), "`iat` is missing"),
        (set("iat", json!(now + 7200)), "`iat` is missing"),
        (set("iat", json!("now")), "`iat` is missing"),
        (without("iat"), "`iat` is missing"),
        (set("nonce", json!("other")), "`nonce` is not"),
        (without("nonce"), "`nonce` is not"),
        (without("sub"), "(`sub`)"),
        (set("sub", json!("")), "(`sub`)"),
        // The groups are asked for elsewhere, where they are somebody else's.
        (without("groups"), "(`sub`)"),
        (signed(|token| headed(&token, &json!({"alg": "none"}))), "actor_token_unsigned"),
        (
            signed(|token| headed(&token, &json!({"alg": "HS256", "kid": "first"}))),
            "actor_token_algorithm",
        ),
        (
            signed(|token| token.split_at(token.len() - 4).0.to_owned() + "AAAA"),
            "actor_token_signature",
        ),
        (signed(|token| token.rsplit_once('.').unwrap().0.to_owned()), "no JSON Web Token"),
        (signed(|_| "x".repeat(100_000)), "no JSON Web Token"),
        (token(json_reply(&json!({"access_token": "at"}))), "not what the specification"),
        (token(json_reply(&json!([]))), "not what the specification"),
        (token(Reply::response("200 OK", "text/html", "<html>")), "not what the specification"),
        (token(Reply::response("200 OK", "application/json", &huge)), "too large"),
        (token(refused(r#"{"error":"invalid_client"}"#)), "status 400, with `invalid_client`"),
        (token(refused(r#"{"error":"<b>\nfake line"}"#)), "the answer has the status 400"),
        (token(Reply::Close), "the connection broke off"),
        (token(Reply::Later(Duration::from_secs(600), Vec::new())), "no answer in time"),
        (
            Lies { back: |state, _| format!("error=access_denied&state={state}"), ..Lies::none() },
            "the provider refused, with `access_denied`",
        ),
        (Lies { back: |state, _| format!("state={state}"), ..Lies::none() }, "without a code"),
        (
            Lies { back: |state, _| format!("code=a&code=b&state={state}"), ..Lies::none() },
            "without a code",
        ),
        (
            Lies { back: |state, _| format!("code=a&state={state}&iss=http://x"), ..Lies::none() },
            "came back from another issuer",
        ),
    ]
}

fn start(liar: &Liar) -> (Upstream, Proxy) {
    let upstream = Upstream::start(|_| Reply::ok());
    let issuer = liar.server.address;
    let reading =
        format!("oidc: {{issuer: \"http://{issuer}\", client_id: c, timeout: 1s, {GRANTS}}}");
    let proxy = Proxy::with(upstream.address, &Setup { reading, ..Setup::default() });
    (upstream, proxy)
}

#[test]
fn whoever_lies_lets_nobody_in() {
    let liar = Liar::start();
    let (_upstream, proxy) = start(&liar);
    assert_eq!(round(proxy.reading, &liar), "/audit", "the truth {}", proxy.log());
    for (lie, said) in lies() {
        *liar.lies.lock().unwrap() = lie;
        let before = proxy.log().len();
        let end = round(proxy.reading, &liar);
        assert!(
            ["oidc", "throttled"].iter().any(|code| end == format!("/audit/sign-in?error={code}")),
            "{said}: {end}"
        );
        wait_until(said, || proxy.log().get(before..).unwrap_or_default().contains(said));
        assert!(!proxy.log().contains("eyJ"), "no token is logged");
        assert!(!proxy.log().contains("fake line"));
    }
    *liar.lies.lock().unwrap() =
        Lies { back: |state, issuer| format!("code=c&state={state}&iss={issuer}"), ..Lies::none() };
    assert_eq!(round(proxy.reading, &liar), "/audit", "the truth again");
    // The client is public: what ties the code to it is the verifier.
    let asked = liar.server.seen().into_iter().find(|seen| seen.line().contains("/token")).unwrap();
    let form = String::from_utf8(asked.body).unwrap();
    assert!(form.contains("code_verifier=") && form.contains("client_id=c"), "{form}");
    assert!(asked.head.lines().all(|line| !line.starts_with("authorization")), "{}", asked.head);
}

#[test]
fn a_provider_that_describes_itself_wrongly_is_not_asked() {
    let set = |name: &'static str, value: &'static str| -> Lie {
        Arc::new(move |discovery| discovery[name] = json!(value))
    };
    let rows = [
        (set("issuer", "http://evil.example"), "one of another issuer"),
        (set("authorization_endpoint", "javascript:alert(1)"), "no address that may be asked"),
        (set("authorization_endpoint", "http://evil.example/"), "no address that may be asked"),
        (set("token_endpoint", "file:///etc/passwd"), "no address that may be asked"),
        (set("jwks_uri", "http://192.0.2.1/"), "no address that may be asked"),
        (Arc::new(|all: &mut Value| *all = json!({})) as Lie, "not what the specification"),
    ];
    for (discovery, said) in rows {
        let liar = Liar::start();
        liar.lies.lock().unwrap().discovery = discovery;
        let (_upstream, proxy) = start(&liar);
        assert_eq!(round(proxy.reading, &liar), "/audit/sign-in?error=oidc", "{said}");
        wait_until(said, || proxy.log().contains(said));
    }
}
