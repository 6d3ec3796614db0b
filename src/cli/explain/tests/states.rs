//! States before and after, from files.

use std::fs;

use serde_json::{Value, json};

use super::{SECRET, explain};

#[test]
fn states_are_compared_as_the_proxy_does() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    fs::create_dir(dir.path().join("rules")).unwrap();
    file(
        "rules/own.yaml",
        "events:\n  - id: key.set\n    match: { method: PATCH, path: '/keys/{id}' }\n    \
         snapshot: { get: '/keys/{path.id}', at: $.data, ignore: ['$.hits'] }\n",
    );
    let rules = dir.path().join("rules").display().to_string();
    let body = r#"{"limit":2}"#;
    let head = "Host: a\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n";
    file("x.http", &format!("PATCH /keys/7 HTTP/1.1\r\n{head}{body}"));
    file("y.txt", "HTTP/1.1 200 OK\r\n\r\n");
    let state = |limit: u8, secret: &str| {
        let state = json!({"data": {"limit": limit, "hits": limit, "license_key": secret}});
        format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{state}")
    };
    file("old.txt", &state(1, SECRET));
    file("new.txt", &state(2, &format!("{SECRET}-new")));
    file("odd.txt", "HTTP/1.1 500 Oops\r\n\r\n");
    let explained = |more: &[&str]| -> Value {
        let line = ["@x.http", "@y.txt", "--json", "--rules", &rules];
        let (_, text) = explain(dir.path(), &[&line, more].concat());
        serde_json::from_str(&text).unwrap()
    };
    let both = explained(&["--before", "@old.txt", "--after", "@new.txt"]);
    let completion = &both["completion"];
    assert_eq!(completion["changes_source"], "observed", "{both}");
    let paths = completion["changes"].as_array().unwrap().iter().map(|change| &change["path"]);
    assert_eq!(paths.collect::<Vec<_>>(), ["/license_key", "/limit"]);
    let created = explained(&["--after", "@new.txt"]);
    assert_eq!(created["completion"]["action"], "key.create", "{created}");
    let failed = explained(&["--before", "@odd.txt", "--after", "@new.txt"]);
    assert_eq!(failed["completion"]["changes_source"], "request");
    assert_eq!(
        failed["completion"]["changes_notes"],
        json!(["before_unavailable", "snapshot_status"])
    );
    file("a.har", r#"{"log":{"version":"1.2","entries":[]}}"#);
    let (good, text) = explain(dir.path(), &["@a.har", "--before", "@old.txt"]);
    assert!(!good && text.contains("`--before` and `--after` are for one"), "{text}");
}
