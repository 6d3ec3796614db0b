//! `countersign query` where nothing may be written: on a mount that refuses it, in a namespace
//! that nobody else sees.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::support::{Proxy, Reply, Upstream, exchange};

/// Runs a program that sees `data` as read-only, apart from the rest of the system by `unshare`.
fn apart(unshare: &str, data: &Path, program: &[&str]) -> Output {
    let mount = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args([unshare, "sh", "-c", mount]).arg(data).args(program).output().unwrap()
}

/// A command of countersign that sees `data` as read-only; none where the system refuses that.
fn read_only(data: &Path, args: &[&str]) -> Option<Output> {
    // With a user namespace for everybody, without one for root.
    let possible = |way: &&str| apart(way, data, &["true"]).status.success();
    let Some(way) = ["-Urm", "-m"].into_iter().find(possible) else {
        assert!(std::env::var_os("CI").is_none(), "in CI, a read-only mount must be possible");
        println!("NOT TRIED: this system does not let us mount a directory read-only");
        return None;
    };
    let refused = apart(way, data, &["touch", data.join("x").to_str().unwrap()]);
    assert!(!refused.status.success(), "the mount is not read-only");
    Some(apart(way, data, &[&[env!("CARGO_BIN_EXE_countersign")], args].concat()))
}

/// The paths of the events that a query shows, newest first, and what it says beside.
fn query(data: &Path) -> Option<(Vec<String>, String)> {
    let args = ["query", "--format", "json", "--data"];
    let output = read_only(data, &[&args[..], &[data.to_str().unwrap()]].concat())?;
    let notes = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{notes}");
    let page: Value = serde_json::from_slice(&output.stdout).unwrap();
    // Events of countersign itself have no request.
    let path = |event: &Value| event["request"]["path"].as_str().map(ToOwned::to_owned);
    Some((page["events"].as_array().unwrap().iter().filter_map(path).collect(), notes))
}

fn post(proxy: &Proxy, target: &str) {
    let bytes = format!(
        "POST {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    );
    assert_eq!(exchange(proxy.address, bytes.as_bytes()).status, 200);
}

#[test]
fn query_works_where_nothing_may_be_written() {
    let upstream = Upstream::start(|_| Reply::ok());
    let mut proxy = Proxy::start(upstream.address);
    let data = proxy.data();
    post(&proxy, "/users/1");
    let Some((paths, notes)) = query(&data) else { return };
    assert_eq!((paths, notes.as_str()), (vec!["/users/1".to_owned()], ""), "while it runs");

    proxy.kill();
    let (paths, notes) = query(&data).unwrap();
    assert_eq!((paths, notes.as_str()), (vec!["/users/1".to_owned()], ""), "after a crash");

    proxy.restart();
    proxy.signal("TERM");
    assert_eq!(proxy.wait(), Some(0));
    let left = |suffix: &str| data.join(format!("ledger.db-{suffix}")).exists();
    assert!(!left("wal") && !left("shm"), "a clean end leaves nothing open");
    let (paths, notes) = query(&data).unwrap();
    assert_eq!((paths, notes.as_str()), (vec!["/users/1".to_owned()], ""), "after a clean end");

    // An index that is behind, here because it is of a time before the second event.
    let (index, kept) = (data.join("index.db"), data.join("kept"));
    fs::copy(&index, &kept).unwrap();
    proxy.restart();
    post(&proxy, "/users/2");
    proxy.signal("TERM");
    assert_eq!(proxy.wait(), Some(0));
    fs::copy(&kept, &index).unwrap();
    let (paths, notes) = query(&data).unwrap();
    assert_eq!(paths, ["/users/2", "/users/1"]);
    assert!(notes.contains("made for this query alone"), "{notes}");

    fs::remove_file(&index).unwrap();
    let (paths, notes) = query(&data).unwrap();
    assert_eq!(paths, ["/users/2", "/users/1"]);
    assert!(notes.contains("made for this query alone"), "{notes}");
}
