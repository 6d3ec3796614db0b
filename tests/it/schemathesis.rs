//! The reading API against its own OpenAPI document: schemathesis makes requests that fit the document
//! and requests that do not, and looks whether the answers are what it says.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::support::{Proxy, Reply, Upstream, exchange, wait_until};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/schemathesis/bin/schemathesis");

/// Questions that have a run of their own: too many without a token are answered 429.
const PROOFS: &str = "checkpoint|consistency|proof|log/";

#[test]
fn answers_are_what_the_document_says() {
    check(&["--exclude-path-regex", PROOFS]);
}

#[test]
fn proofs_are_what_the_document_says() {
    check(&["--include-path-regex", PROOFS]);
}

fn check(operations: &[&str]) {
    assert!(
        Path::new(PROGRAM).exists(),
        "schemathesis is not installed: scripts/install-deps.sh test"
    );
    let upstream = Upstream::start(|_| Reply::response("201 Created", "application/json", "{}"));
    let proxy = Proxy::start(upstream.address);
    for n in 0..5 {
        let post =
            format!("POST /admin/pools/p{n} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        assert_eq!(exchange(proxy.address, post.as_bytes()).status, 201);
    }
    wait_until("all is in the index", || proxy.events().len() == 5);
    let token = fs::read_to_string(proxy.data().join("bootstrap.token")).unwrap();
    let home = tempfile::tempdir().unwrap();
    // A URI that is too long is refused as well.
    let refusals = "[checks.negative_data_rejection]\nexpected-statuses = [\"4xx\"]\n";
    fs::write(home.path().join("schemathesis.toml"), refusals).unwrap();
    let done = Command::new(PROGRAM)
        .current_dir(home.path())
        .arg("run")
        .arg(format!("http://{}/openapi.json", proxy.reading))
        .args(["--header", &format!("Authorization: Bearer {}", token.trim())])
        .args(operations)
        // A live tail has no end.
        .args(["--exclude-path", "/v1/admin/audit/stream"])
        .args(["--phases", "examples,coverage,fuzzing", "--checks", "all"])
        .args(["--max-examples", "10", "--seed", "1", "--no-color", "--continue-on-failure"])
        .args(["--request-timeout", "20"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}\n{}", String::from_utf8_lossy(&done.stderr));
    assert!(!proxy.log().contains("panicked") && !proxy.log().contains(" ERROR "));
}
