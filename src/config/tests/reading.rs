//! How readers get in.

use super::{fine, load_text};
use crate::access::{Grant, Role};
use crate::config::PublicUrl;

fn reading(text: &str) -> String {
    format!("upstreams: {{a: \"http://a:1\"}}\nreading: {text}\n")
}

#[test]
fn where_browsers_find_the_log() {
    let rows = [
        ("https://audit.example.com", true, "audit.example.com", ""),
        ("HTTPS://Audit.example.com:443/", true, "audit.example.com", ""),
        ("https://example.com/a/log/", true, "example.com", "/a/log"),
        ("http://localhost:8090", false, "localhost:8090", ""),
        ("http://[::1]:80/x", false, "[::1]", "/x"),
    ];
    for (url, tls, authority, prefix) in rows {
        let config = fine(&reading(&format!("{{public_url: '{url}'}}")));
        let (authority, prefix) = (authority.to_owned(), prefix.to_owned());
        assert_eq!(config.reading.public_url, Some(PublicUrl { tls, authority, prefix }), "{url}");
    }
    let rows = [
        "audit.example.com",
        "ftp://a",
        "https://",
        "https://a b",
        "https://u:secret@a",
        "https://a/?x",
        "https://a/#x",
        "https://a//b",
        "https://a/../b",
        "https://a/\"",
        "https://a:0",
        "https://a?x",
    ];
    for url in rows {
        let problems = load_text(&reading(&format!("{{public_url: '{url}'}}"))).unwrap_err();
        assert_eq!(problems.0.len(), 1, "{url}: {problems}");
        assert_eq!(problems.0[0].line, 2, "{url}: {problems}");
        assert!(!problems.to_string().contains("secret"), "{problems}");
    }
}

#[test]
fn how_long_sessions_last() {
    for (text, why) in [
        ("{idle: 10s}", "out of range"),
        ("{total: 9000h}", "out of range"),
        ("{idle: 2h, total: 1h}", "shorter than `idle`"),
        ("{idel: 2h}", "unknown setting"),
    ] {
        let problems = load_text(&reading(&format!("{{sessions: {text}}}"))).unwrap_err();
        assert_eq!(problems.0.len(), 1, "{text}: {problems}");
        assert!(problems.to_string().contains(why), "{text}: {problems}");
    }
}

#[test]
fn who_says_who_somebody_is() {
    const HEADER: &str = "user: X-User, peers: 127.0.0.1";
    const OIDC: &str = "issuer: \"https://id.example\", client_id: c";
    const ALL: &str = "grants: [{group: \"*\", role: owner}]";
    let config = fine(&reading(&format!(
        "{{trusted_header: {{{HEADER}, groups: X-Groups, {ALL}}}, oidc: {{{OIDC}, scopes: openid, \
         claim: a.b, grants: [{{group: g, role: viewer, scopes: [pool=a, pool=b]}}]}}}}"
    )));
    let header = config.reading.trusted_header.unwrap();
    assert_eq!(header.groups.unwrap(), "x-groups");
    assert_eq!(header.grants[0].grant, Grant::owner());
    let oidc = config.reading.oidc.unwrap();
    assert_eq!((oidc.label.as_str(), oidc.scopes.len()), ("id.example", 0));
    let scopes = ["a", "b"].map(|value| ("pool".to_owned(), value.to_owned()));
    assert_eq!(oidc.grants[0].grant, Grant::within(Role::Viewer, scopes).unwrap());

    let header = |text: &str| format!("{{trusted_header: {{{text}}}}}");
    let oidc = |text: &str| format!("{{oidc: {{{text}}}}}");
    let rows = [
        (header(HEADER), "`grants` is missing"),
        (header(&format!("{HEADER}, grants: []")), "`grants` is missing or empty"),
        (header(&format!("peers: 127.0.0.1, {ALL}")), "`user` is missing"),
        (header(&format!("user: X-User, {ALL}")), "`peers` is missing"),
        (header(&format!("user: X-User, peers: [], {ALL}")), "`peers` is missing or empty"),
        (header(&format!("user: Cookie, peers: 127.0.0.1, {ALL}")), "cannot be `Cookie`"),
        (header(&format!("user: \"a b\", peers: 127.0.0.1, {ALL}")), "cannot be `a b`"),
        (header(&format!("user: X-User, peers: 0.0.0.0/0, {ALL}")), "trusts everybody"),
        (header(&format!("{HEADER}, grants: [{{group: a}}]")), "`role` is missing"),
        (header(&format!("{HEADER}, grants: [{{role: owner}}]")), "`group` is missing"),
        (header(&format!("{HEADER}, grants: [{{group: a, role: king}}]")), "unknown value `king`"),
        (header(&format!("{HEADER}, grants: [{{group: a, role: admin}}]")), "no scope is given"),
        (
            header(&format!("{HEADER}, grants: [{{group: a, role: owner, scopes: a=b}}]")),
            "an owner",
        ),
        (
            header(&format!(
                "{HEADER}, grants: [{{group: a, role: admin, scopes: a=b, all_scopes: true}}]"
            )),
            "not both",
        ),
        (
            header(&format!("{HEADER}, grants: [{{group: a, role: admin, scopes: blue}}]")),
            "no scope",
        ),
        (header(&format!("{HEADER}, {ALL}, secret_header: X-S")), "only one is given"),
        (
            header(&format!("{HEADER}, {ALL}, secret_header: X-S, secret_file: /no")),
            "cannot be read",
        ),
        (oidc(&format!("client_id: c, {ALL}")), "`issuer` is missing"),
        (oidc(&format!("issuer: \"https://a\", {ALL}")), "`client_id` is missing"),
        (oidc(&format!("issuer: \"http://a\", client_id: c, {ALL}")), "not protected by TLS"),
        (oidc(&format!("issuer: \"https://u:p@a\", client_id: c, {ALL}")), "no URL of a provider"),
        (oidc(&format!("issuer: id, client_id: c, {ALL}")), "no URL of a provider"),
        (oidc(&format!("{OIDC}, {ALL}, client_secret_env: NO_SUCH_SECRET")), "is not set"),
        (oidc(&format!("{OIDC}, {ALL}, client_secret_file: /no/such")), "cannot be read"),
        (
            oidc(&format!("{OIDC}, {ALL}, client_secret_file: a, client_secret_env: B")),
            "both `client_secret_file`",
        ),
        (oidc(&format!("{OIDC}, {ALL}, scopes: [\"a b\"]")), "no scope that a provider"),
        (oidc(&format!("{OIDC}, {ALL}, ca: /no/such.pem")), "`ca` cannot be read"),
        (oidc(&format!("{OIDC}, {ALL}, timeout: 1h")), "out of range"),
    ];
    for (text, why) in rows {
        let problems = load_text(&reading(&text)).unwrap_err();
        assert_eq!(problems.0.len(), 1, "{text}: {problems}");
        assert_eq!(problems.0[0].line, 2, "{text}: {problems}");
        assert!(problems.to_string().contains(why), "{text}: {problems}");
    }
}
