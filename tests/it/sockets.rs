//! Unix sockets as listeners: who may connect, and whose file it is.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::{Proxy, Reply, Setup, Upstream, curl, free_address, wait_until};

/// A directory whose path is short enough for a socket.
fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("proxy.sock");
    (dir, socket)
}

fn with_socket(upstream: &Upstream, socket: &Path) -> Proxy {
    let listeners = format!("- \"unix:{}\"", socket.display());
    Proxy::with(upstream.address, &Setup { listeners, ..Setup::default() })
}

/// Runs a proxy that cannot start; what it says.
fn refused(dir: &Path, socket: &Path) -> String {
    let config = dir.join("countersign.yaml");
    let yaml = format!(
        "listeners: [\"unix:{}\"]\nupstreams: {{app: \"http://127.0.0.1:9\"}}\n\
         ledger: {{dir: {}}}\nreading: {{address: \"{}\"}}\n",
        socket.display(),
        dir.join("data").display(),
        free_address(),
    );
    fs::write(&config, yaml).unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_countersign"));
    let mut process = run
        .args(["run", "--config"])
        .arg(&config)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut status = None;
    wait_until("the proxy refuses to start", || {
        status = process.try_wait().unwrap();
        status.is_some()
    });
    let mut error = String::new();
    process.stderr.take().unwrap().read_to_string(&mut error).unwrap();
    assert_eq!(status.and_then(|status| status.code()), Some(3), "{error}");
    assert!(error.contains(socket.to_str().unwrap()), "{error}");
    error
}

#[test]
fn a_mutation_through_a_unix_socket_is_on_record() {
    let upstream = Upstream::start(|_| Reply::ok());
    let (_dir, socket) = place();
    let proxy = with_socket(&upstream, &socket);
    let path = socket.to_str().unwrap();
    for http in ["--http1.1", "--http2-prior-knowledge"] {
        let call = [http, "--unix-socket", path, "-d", "name=ada", "http://admin.test/users"];
        let answer = curl(&call);
        assert_eq!(answer.status, 200, "{answer:?}");
        let events = proxy.events();
        let event = events.last().unwrap();
        assert_eq!(event["id"], answer.event);
        assert_eq!(event["action"], "user.create");
        assert_eq!(event["source"].get("ip"), None, "there is no address to record");
    }
    let seen = upstream.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].header("host"), Some("admin.test"));
    assert_eq!(seen[0].header("x-forwarded-for"), None);
}

#[test]
fn a_unix_socket_is_for_its_owner_and_group() {
    let upstream = Upstream::start(|_| Reply::ok());
    let (_dir, socket) = place();
    let _proxy = with_socket(&upstream, &socket);
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660, "{mode:o}");
}

#[test]
fn a_socket_that_a_dead_process_left_is_taken_over() {
    let upstream = Upstream::start(|_| Reply::ok());
    let (_dir, socket) = place();
    drop(UnixListener::bind(&socket).unwrap());
    assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
    let mut proxy = with_socket(&upstream, &socket);
    let post = ["--unix-socket", socket.to_str().unwrap(), "-d", "x", "http://a/users"];
    assert_eq!(curl(&post).status, 200);
    proxy.kill();
    assert!(socket.exists(), "a killed process cannot tidy up");
    proxy.restart();
    assert_eq!(curl(&post).status, 200);
    assert_eq!(proxy.events().len(), 2);
}

#[test]
fn a_socket_that_answers_is_somebody_elses() {
    let (dir, socket) = place();
    let owner = UnixListener::bind(&socket).unwrap();
    let error = refused(dir.path(), &socket);
    assert!(error.contains("in use"), "{error}");
    // The owner has lost nothing: the next client is its own, after the look that was taken.
    let mut client = UnixStream::connect(&socket).unwrap();
    client.write_all(b"x").unwrap();
    drop(client);
    let mut got = Vec::new();
    while got.is_empty() {
        owner.accept().unwrap().0.read_to_end(&mut got).unwrap();
    }
    assert_eq!(got, b"x");
}

#[test]
fn a_file_that_is_no_socket_is_not_removed() {
    let (dir, socket) = place();
    fs::write(&socket, "the only copy").unwrap();
    let error = refused(dir.path(), &socket);
    assert!(error.contains("no socket"), "{error}");
    assert_eq!(fs::read_to_string(&socket).unwrap(), "the only copy");
}
