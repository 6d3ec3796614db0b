//! How readers get in.

use super::{fine, load_text};
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
