//! A disk that is really full: the ledger on a small file system of its own, mounted where nobody
//! else sees it. What fills it stands beside the ledger and is removed again.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::support::{
    Answer, Proxy, Reply, Setup, Upstream, completions, exchange, rows, wait_until,
};

/// Tells the test inside where its small file system is.
const PLACE: &str = "COUNTERSIGN_TEST_SMALL_DISK";

/// The ways to a small file system: a name, what runs a program apart from the rest of the
/// system, and the mount, of `$0`.
const WAYS: [(&str, &[&str], &str); 2] = [
    ("tmpfs", &["unshare", "-Urm"], "mount -t tmpfs -o size=8m,mode=700 tmpfs \"$0\""),
    (
        "ext4",
        &["unshare", "-m"],
        "truncate -s 16M \"$0.image\" && mkfs.ext4 -q -m 0 \"$0.image\" \
         && mount -o loop \"$0.image\" \"$0\"",
    ),
];

/// Runs a program where `place` is a small file system.
fn apart((_, apart, mount): (&str, &[&str], &str), place: &Path) -> Command {
    let mut command = Command::new(apart[0]);
    command.args(&apart[1..]).args(["sh", "-c", &format!("{mount} && exec \"$@\"")]);
    command.arg(place).env(PLACE, place);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}

#[test]
fn a_disk_that_is_really_full_refuses_mutations_and_is_recovered_from() {
    let mut tried = 0;
    for way in WAYS {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("small");
        fs::create_dir(&place).unwrap();
        let possible = apart(way, &place).arg("true").output().unwrap();
        if !possible.status.success() {
            let why = String::from_utf8_lossy(&possible.stderr).into_owned();
            println!("NOT TRIED on {}: this system does not let us mount it: {why}", way.0);
            continue;
        }
        let mut inside = apart(way, &place);
        inside.arg(std::env::current_exe().unwrap());
        inside.args(["--exact", "disk::inside_of_the_small_file_system", "--ignored"]);
        let output = inside.arg("--nocapture").output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{}: {text}\n{errors}", way.0);
        assert!(text.contains("1 passed"), "{}: {text}", way.0);
        tried += 1;
    }
    let required = std::env::var_os("CI").is_some();
    assert!(tried > 0 || !required, "in CI, at least one small file system must be possible");
}

#[test]
#[ignore = "is run by the test above, on a small file system"]
fn inside_of_the_small_file_system() {
    let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else { return };
    full_while_a_request_is_executed(&place);
    full_at_the_start(&place);
}

/// What takes up all the room that is left.
struct Ballast(PathBuf);

impl Ballast {
    fn fill(place: &Path) -> Self {
        let path = place.join("ballast");
        let mut file = File::create(&path).unwrap();
        for size in [64 * 1024, 4096, 512] {
            while file.write_all(&vec![0; size]).and_then(|()| file.sync_data()).is_ok() {}
        }
        Self(path)
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}

fn send(method: &str, target: &str, body: &str) -> Vec<u8> {
    format!(
        "{method} {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn post(proxy: &Proxy, target: &str) -> Answer {
    // More than the pages at hand can take.
    let body = json!({ "text": "lorem ipsum ".repeat(2000) }).to_string();
    exchange(proxy.address, &send("POST", target, &body))
}

fn reasons(proxy: &Proxy) -> (u16, Value) {
    let (status, body) = proxy.read("/readyz");
    (status, serde_json::from_str::<Value>(&body).unwrap()["reasons"].take())
}

fn full_while_a_request_is_executed(place: &Path) {
    let ballast = Arc::new(Mutex::new(None));
    let (holder, room) = (Arc::clone(&ballast), place.to_owned());
    let upstream = Upstream::start(move |seen| {
        if seen.line().starts_with("POST /fill ") {
            *holder.lock().unwrap() = Some(Ballast::fill(&room));
        }
        let body = format!(r#"{{"id":"n_1","text":"{}"}}"#, "dolor sit ".repeat(2000));
        Reply::response("201 Created", "application/json", &body)
    });
    let setup = Setup { data: Some(place.join("data")), ..Setup::default() };
    let proxy = Proxy::with(upstream.address, &setup);
    let pid = proxy.pid();
    assert_eq!(post(&proxy, "/notes").status, 201);

    let withheld = post(&proxy, "/fill");
    assert_eq!(withheld.problem().as_deref(), Some("audit-incomplete"), "{withheld:?}");
    assert!(!withheld.text().contains("dolor"), "the response is withheld");
    let id = withheld.header("countersign-event").unwrap().to_owned();
    let executed = upstream.seen().len();
    for _ in 0..3 {
        let refused = post(&proxy, "/notes");
        assert_eq!(
            (refused.status, refused.problem().as_deref()),
            (503, Some("audit-unavailable"))
        );
        assert!(refused.text().contains("disk_full"), "{}", refused.text());
        assert_eq!(refused.header("content-type"), Some("application/problem+json"));
        assert_eq!(reasons(&proxy), (503, json!(["disk_full"])));
    }
    assert_eq!(upstream.seen().len(), executed, "the upstream saw nothing of what was refused");
    assert_eq!(exchange(proxy.address, &send("GET", "/notes", "")).status, 201, "reads pass");
    assert_eq!((rows(&proxy.data()).len(), completions(&proxy.data()).len()), (3, 1));

    let shown = proxy.events();
    assert_eq!(shown.len(), 2, "what is on record can be read");
    assert_eq!(shown[1]["outcome"], "pending", "its outcome is not on record yet");

    drop(ballast.lock().unwrap().take());
    wait_until("it is ready again by itself", || reasons(&proxy).0 == 200);
    wait_until("what is owed is on record", || completions(&proxy.data()).len() == 2);
    assert_eq!(post(&proxy, "/notes").status, 201);
    assert_eq!(proxy.pid(), pid);
    let events = proxy.events();
    assert_eq!(events.len(), 3);
    for event in &events {
        assert_eq!(
            (&event["outcome"], &event["response"]["status"]),
            (&json!("success"), &json!(201))
        );
    }
    assert_eq!(events[1]["id"], id.as_str());
}

fn full_at_the_start(place: &Path) {
    let upstream = Upstream::start(|_| Reply::ok());
    let setup = Setup { data: Some(place.join("second")), ..Setup::default() };
    let mut proxy = Proxy::with(upstream.address, &setup);
    assert_eq!(post(&proxy, "/notes").status, 200);
    proxy.kill();
    let ballast = Ballast::fill(place);
    proxy.respawn();
    assert_eq!(proxy.wait(), Some(3), "{}", proxy.log());
    assert!(proxy.log().contains("no room"), "{}", proxy.log());
    drop(ballast);
    proxy.restart();
    assert_eq!(post(&proxy, "/notes").status, 200);
    assert_eq!(proxy.events().len(), 2);
}
