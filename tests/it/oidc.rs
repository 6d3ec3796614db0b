//! Signing in with an identity provider: a real one, and one that lies.

mod hostile;

use std::fs;
use std::net::SocketAddr;

use serde_json::{Value, json};

use super::support::{
    Answer, Browser, CLIENT_SECRET, Provider, Proxy, Reply, Setup, Upstream, free_address,
    wait_until,
};

const GRANTS: &str = "grants: [{group: audit-owners, role: owner}, \
                      {group: team-blue, role: viewer, scopes: [\"pool=blue\"]}]";

/// A proxy, and the provider that it asks.
struct Site {
    proxy: Proxy,
    provider: Provider,
    _upstream: Upstream,
}

impl Site {
    fn start(ways: &[&str]) -> Self {
        let upstream = Upstream::start(|_| Reply::ok());
        let secrets = tempfile::tempdir().unwrap();
        let secret = secrets.path().join("secret");
        fs::write(&secret, format!("{CLIENT_SECRET}\n")).unwrap();
        let at = free_address();
        let reading = format!(
            "oidc: {{issuer: \"http://{at}\", client_id: countersign, client_secret_file: \
             \"{}\", {GRANTS}}}",
            secret.display()
        );
        let proxy = Proxy::with(upstream.address, &Setup { reading, ..Setup::default() });
        let callback = format!("http://{}/audit/oidc/callback", proxy.reading);
        let provider = Provider::start(at, &callback, ways);
        Self { proxy, provider, _upstream: upstream }
    }

    /// Goes to the provider and back, where `tamper` may change the way there.
    fn sign_in(&self, user: &str, tamper: impl Fn(String) -> String) -> (Browser, Answer) {
        let mut browser = Browser::new(self.proxy.reading);
        let answer = browser.get("/audit/oidc/start?next=%2Faudit%3Faction%3Da.b");
        assert_eq!(answer.status, 303, "{}\n{}", answer.text(), self.proxy.log());
        let there = tamper(answer.header("location").unwrap().to_owned());
        let back = self.provider.sign_in(&there, user);
        let answer = browser.get(path(&back, self.proxy.reading));
        (browser, answer)
    }

    /// The newest event about signing in.
    fn recorded(&self) -> Value {
        self.proxy
            .all_events()
            .into_iter()
            .rev()
            .find(|event| event["action"] == "audit.sign_in")
            .unwrap()
    }
}

fn path(url: &str, reading: SocketAddr) -> &str {
    url.strip_prefix(&format!("http://{reading}")).unwrap_or_else(|| panic!("{url}"))
}

fn location(answer: &Answer) -> &str {
    answer.header("location").unwrap_or_else(|| panic!("{}", answer.text()))
}

#[test]
fn groups_of_the_provider_become_roles() {
    for ways in [&[][..], &["groups-in-userinfo"]] {
        let site = Site::start(ways);
        let (mut browser, answer) = site.sign_in("ada", |there| there);
        assert_eq!(location(&answer), "/audit?action=a.b", "{ways:?} {}", site.proxy.log());
        let list = browser.get("/v1/admin/audit?action=audit.sign_in");
        assert_eq!(list.status, 200, "{}", list.text());
        assert_eq!(browser.get("/v1/admin/audit/export?format=csv").status, 200, "an owner");
        let event = site.recorded();
        assert_eq!(event["actor"]["name"], "ada of the test", "{event}");
        assert_eq!(
            (&event["actor"]["type"], &event["actor"]["id"]),
            (&json!("user"), &json!("ada"))
        );
        assert_eq!(event["metadata"], json!({"role": "owner", "way": "oidc"}));

        let (mut browser, answer) = site.sign_in("bob", |there| there);
        assert_eq!(location(&answer), "/audit?action=a.b");
        let list = browser.get("/v1/admin/audit");
        let list: Value = serde_json::from_slice(&list.body).unwrap();
        assert_eq!(list["events"], json!([]), "nothing of the blue pool has happened");
        assert_eq!(browser.get("/v1/admin/audit/export?format=csv").status, 403, "a viewer");
        assert!(!site.proxy.log().contains(CLIENT_SECRET));
    }
}

#[test]
fn what_the_provider_says_does_not_always_count() {
    let site = Site::start(&[]);
    // Known there, and in no group that may read here.
    let (mut browser, answer) = site.sign_in("mallory", |there| there);
    assert_eq!(location(&answer), "/audit/sign-in?error=role&next=%2Faudit%3Faction%3Da.b");
    assert_eq!(browser.get("/v1/admin/audit").status, 401);
    let event = site.recorded();
    assert_eq!((&event["reason"], &event["actor"]["id"]), (&json!("role"), &json!("mallory")));
    // A token that was made for another sign-in.
    let other_nonce = |there: String| there.replace("nonce=", "nonce=x");
    let (_, answer) = site.sign_in("ada", other_nonce);
    assert_eq!(location(&answer), "/audit/sign-in?error=oidc&next=%2Faudit%3Faction%3Da.b");
    wait_until("it is logged", || site.proxy.log().contains("its `nonce` is not the one"));
    assert_eq!(site.recorded()["reason"], "oidc_token");
    // A code that was asked for with another verifier, which the provider finds.
    let other_verifier = |there: String| {
        let (before, rest) = there.split_once("code_challenge=").unwrap();
        let (_, rest) = rest.split_at(43);
        format!("{before}code_challenge={}{rest}", "A".repeat(43))
    };
    let (_, answer) = site.sign_in("ada", other_verifier);
    assert_eq!(location(&answer), "/audit/sign-in?error=oidc&next=%2Faudit%3Faction%3Da.b");
    wait_until("it is logged", || site.proxy.log().contains("with `invalid_grant`"));
    // Somebody else's browser, or no browser's at all.
    let (_, answer) = site.sign_in("ada", |there| there.replace("state=", "state=x"));
    assert_eq!(location(&answer), "/audit/sign-in?error=oidc&next=%2Faudit%3Faction%3Da.b");
    assert_eq!(site.recorded()["reason"], "oidc_state");
    let mut first = Browser::new(site.proxy.reading);
    let there = first.get("/audit/oidc/start");
    let back = site.provider.sign_in(location(&there), "ada");
    let back = path(&back, site.proxy.reading);
    let mut other = Browser::new(site.proxy.reading);
    other.get("/audit/oidc/start");
    assert_eq!(location(&other.get(back)), "/audit/sign-in?error=oidc");
    assert_eq!(location(&first.get(back)), "/audit", "it still counts where it began");
    assert_eq!(location(&first.get(back)), "/audit/sign-in?error=oidc", "and once");
}

#[test]
fn a_token_that_is_over_does_not_count() {
    let site = Site::start(&["an-hour-ago"]);
    let (_, answer) = site.sign_in("ada", |there| there);
    assert_eq!(location(&answer), "/audit/sign-in?error=oidc&next=%2Faudit%3Faction%3Da.b");
    let log = || site.proxy.log();
    wait_until("it is logged", || log().contains("actor_token_expired"));
    assert_eq!(site.recorded()["reason"], "oidc_token");
}
