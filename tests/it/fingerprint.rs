//! `countersign fingerprint`: what crossed the proxy is found by its value, while the proxy runs.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::support::{Proxy, Reply, Upstream, exchange};

/// Exit code and output for a value on standard input.
fn fingerprint(proxy: &Proxy, value: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.args(["fingerprint", "--stdin", "--format", "ndjson", "--data"]).arg(proxy.data());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(value.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (out, err) = (text(output.stdout), text(output.stderr));
    assert!(value.is_empty() || !(out.contains(value) || err.contains(value)), "{out}{err}");
    (output.status.code(), out, err)
}

#[test]
fn a_secret_is_found_by_its_value_wherever_it_was() {
    let upstream = Upstream::start(|_| {
        Reply::response(
            "201 Created",
            "application/json",
            "{\"url\":\"https://h/?sig=Resp0nse-signature-1\"}",
        )
    });
    let proxy = Proxy::start(upstream.address);
    let send = |fields: &str, body: &str| {
        let request = format!(
            "POST /things HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{fields}\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let answer = exchange(proxy.address, request.as_bytes());
        answer.header("countersign-event").unwrap().to_owned()
    };
    let bearer = send("Authorization: Bearer Sw0rdfish-bearer-1\r\n", "{}");
    // ada:Sw0rdfish-basic-2
    let basic = send("Authorization: Basic YWRhOlN3MHJkZmlzaC1iYXNpYy0y\r\n", "{}");
    let cookie = send("Cookie: session=Sw0rdfish-cookie-3; theme=dark\r\n", "{}");
    let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let text = send("", &format!("{{\"note\":\"use {token} now\"}}"));
    let rows = [
        ("Bearer Sw0rdfish-bearer-1", &bearer, "request.header.authorization"),
        ("Sw0rdfish-bearer-1", &bearer, "actor.credential"),
        ("ada:Sw0rdfish-basic-2", &basic, "request.header.authorization"),
        ("ada:Sw0rdfish-basic-2\n", &basic, "actor.credential"),
        ("Sw0rdfish-cookie-3", &cookie, "request.header.cookie"),
        (token, &text, "request.body.$.note"),
    ];
    for (value, event, location) in rows {
        let (code, out, err) = fingerprint(&proxy, value);
        assert_eq!(code, Some(0), "{location}: {err}");
        let found: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
        assert_eq!((&found["id"], out.lines().count()), (&Value::from(event.as_str()), 1));
        let locations = found["locations"].as_array().unwrap();
        assert!(locations.contains(&location.into()), "{location}: {locations:?}");
        assert_eq!(found["action"], "thing.create");
    }
    // The signature in the answer was taken out, and left no fingerprint: it could have been this.
    let (code, _, error) = fingerprint(&proxy, "Sw0rdfish-of-nobody");
    assert_eq!(code, Some(2));
    assert!(error.contains("cannot be told"), "{error}");
    let (code, _, error) = fingerprint(&proxy, "4711");
    assert_eq!(code, Some(2));
    assert!(error.contains("never fingerprinted"), "{error}");
}
