//! `countersign export`, as somebody at a terminal uses it.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use super::support::{Authority, Proxy, Reply, Running, TlsFront, Upstream, exchange, wait_until};

const FORMATS: [&str; 4] = ["csv", "json", "ndjson", "ocsf"];

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    command.arg("export").args(args).env_remove("COUNTERSIGN_TOKEN").stdin(Stdio::null());
    command
}

/// What it said, which must have gone well.
fn export(args: &[&str]) -> String {
    let done = command(args).output().unwrap();
    assert!(done.status.success(), "{args:?}: {}", errors(&done));
    String::from_utf8(done.stdout).unwrap()
}

/// What it said to an end that is not a good one.
fn refused(args: &[&str], code: i32) -> String {
    let done = command(args).output().unwrap();
    assert_eq!(done.status.code(), Some(code), "{args:?}: {done:?}");
    errors(&done)
}

fn errors(done: &Output) -> String {
    String::from_utf8_lossy(&done.stderr).into_owned()
}

/// A proxy that has recorded some events.
fn proxy(events: usize) -> (Upstream, Proxy) {
    let upstream = Upstream::start(|_| Reply::response("201 Created", "application/json", "{}"));
    let proxy = Proxy::start(upstream.address);
    for n in 0..events {
        let post = format!(
            "POST /admin/pools/p{n} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
             Content-Length: 17\r\n\r\n{{\"note\":\"=1+1\\n\"}}"
        );
        assert_eq!(exchange(proxy.address, post.as_bytes()).status, 201);
    }
    (upstream, proxy)
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn rows(format: &str, file: &str) -> usize {
    match format {
        // The texts of these events have no line breaks but escaped ones.
        "csv" => file.lines().count() - 1,
        "json" => serde_json::from_str::<Vec<Value>>(file).unwrap().len(),
        _ => {
            let events = file.lines().map(serde_json::from_str::<Value>);
            events.collect::<Result<Vec<_>, _>>().unwrap().len()
        }
    }
}

/// The newest event of this action, by its id.
fn last(data: &str, action: &str) -> Value {
    let mut query = Command::new(env!("CARGO_BIN_EXE_countersign"));
    query.args(["query", "--data", data, "--action", action, "--format", "json", "--limit", "1"]);
    let done = query.output().unwrap();
    let mut list: Value = serde_json::from_slice(&done.stdout).unwrap();
    list["events"][0].take()
}

#[test]
fn a_file_has_its_name_when_all_of_it_is_there_and_on_record() {
    let (_upstream, mut proxy) = proxy(5);
    let (data, home) = (proxy.data(), tempfile::tempdir().unwrap());
    let (data, url) = (text(&data), format!("http://{}", proxy.reading));
    let token = proxy.data().join("bootstrap.token");
    let file = |name: &str| home.path().join(name);
    wait_until("all is in the index", || {
        let out = file("probe");
        let args = ["--url", &url, "--token-file", text(&token), "--format", "csv", "--force"];
        let done = command(&args).args(["--output", text(&out), "--category", "pool"]).output();
        done.unwrap().status.success()
            && rows("csv", &fs::read_to_string(&out).unwrap_or_default()) == 5
    });
    for format in FORMATS {
        let out = file(format);
        let args = ["--url", &url, "--token-file", text(&token), "--format", format];
        let args = [&args[..], &["--output", text(&out), "--category", "pool"]].concat();
        let said = export(&args);
        assert!(said.starts_with("5 events, "), "{said}");
        assert_eq!(rows(format, &fs::read_to_string(&out).unwrap()), 5, "{format}");
        let said = refused(&args, 1);
        assert!(said.contains("is there already") && said.contains("--force"), "{said}");
        export(&[&args[..], &["--force"]].concat());
    }
    // The ledger is the proxy's while it runs.
    let out = file("local");
    let local =
        ["--data", data, "--format", "ndjson", "--output", text(&out), "--category", "pool"];
    let said = refused(&local, 1);
    assert!(said.contains("--url") && said.contains("nothing was written"), "{said}");
    proxy.kill();
    assert!(export(&local).starts_with("5 events, "));
    assert_eq!(fs::read(&out).unwrap(), fs::read(file("ndjson")).unwrap());
    let event = last(data, "audit.export");
    assert_eq!(event["metadata"]["rows"], 5);
    assert_eq!(event["metadata"]["filters"], json!([["category", "pool"]]));
    let begun = last(data, "audit.export_begin");
    assert_eq!(event["metadata"]["export"], begun["id"]);
    // Nothing else is left.
    let left = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut left: Vec<_> = left.map(|name| name.into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, ["csv", "json", "local", "ndjson", "ocsf", "probe"]);
}

#[test]
fn a_proxy_behind_tls_is_asked_if_its_certificate_is_trusted() {
    let (_upstream, proxy) = proxy(1);
    let (authority, home) = (Authority::new("ours"), tempfile::tempdir().unwrap());
    let front = TlsFront::start(proxy.reading, &authority.issue("localhost"), &[], None);
    let (token, out) = (proxy.data().join("bootstrap.token"), home.path().join("out"));
    let run = |url: &str, trusted: &Path| {
        let args = ["--url", url, "--token-file", text(&token), "--format", "ndjson", "--force"];
        let args = [&args[..], &["--output", text(&out), "--category", "pool"]].concat();
        command(&args).env("SSL_CERT_FILE", trusted).output().unwrap()
    };
    let url = format!("https://localhost:{}", front.address.port());
    wait_until("it is in the index", || {
        let done = run(&url, authority.certificate());
        assert!(done.status.success(), "{}", errors(&done));
        !errors(&done).contains("in the clear")
            && rows("ndjson", &fs::read_to_string(&out).unwrap()) == 1
    });
    let whole = front.handshakes();
    let other = Authority::new("theirs");
    let address = format!("https://127.0.0.1:{}", front.address.port());
    for (url, trusted) in [(&url, &other), (&address, &authority)] {
        let done = run(url, trusted.certificate());
        assert_eq!(done.status.code(), Some(1));
        assert!(errors(&done).contains("certificate"), "{}", errors(&done));
    }
    assert_eq!(front.handshakes(), whole, "nothing was asked, so no token was sent");
    let done = run("http://ada:hunter2@127.0.0.1:1", authority.certificate());
    assert!(errors(&done).contains("--token-file") && !errors(&done).contains("hunter2"));
}

/// Makes it look as if the export `id` had been interrupted after so many bytes.
fn interrupt(whole: &Path, bytes: usize, id: &str, from: &str, format: &str) -> PathBuf {
    let out = whole.with_extension("again");
    let part = fs::read(whole).unwrap();
    fs::write(out.with_extension("again.part"), &part[..bytes]).unwrap();
    let wanted = json!({"format": format, "bom": false, "filters": [["category", "pool"]],
        "from": from});
    let note = json!({"version": 1, "export": id, "wanted": wanted});
    fs::write(out.with_extension("again.resume"), note.to_string()).unwrap();
    out
}

#[test]
fn an_interrupted_export_goes_on_wherever_it_was_cut() {
    let (_upstream, mut proxy) = proxy(3);
    let (data, home) = (proxy.data(), tempfile::tempdir().unwrap());
    let (data, url) = (text(&data).to_owned(), format!("http://{}", proxy.reading));
    let token = proxy.data().join("bootstrap.token");
    let remote = ["--url", &url, "--token-file", text(&token)];
    let local = ["--data", &data];
    let cut = |source: &[&str], from: &str, action: &str, format: &str| {
        let whole = home.path().join(format);
        let args = [source, &["--format", format, "--category", "pool", "--output"]].concat();
        export(&[&args[..], &[text(&whole), "--force"]].concat());
        let id = match last(&data, action)["metadata"]["export"].as_str() {
            Some(begun) => begun.to_owned(),
            None => last(&data, action)["id"].as_str().unwrap().to_owned(),
        };
        let length = fs::read(&whole).unwrap().len();
        for bytes in [0, 1, length / 3, length / 2, length - 2, length] {
            let out = interrupt(&whole, bytes, &id, from, format);
            let said = refused(&[&args[..], &[text(&out)]].concat(), 1);
            assert!(said.contains("--resume"), "{said}");
            let said = export(&[&args[..], &[text(&out), "--resume"]].concat());
            assert!(said.starts_with("3 events, "), "{said}");
            assert!(fs::read(&out).unwrap() == fs::read(&whole).unwrap(), "{format} {bytes}");
            fs::remove_file(&out).unwrap();
        }
        // Another question is not gone on with.
        let out = interrupt(&whole, length / 2, &id, from, format);
        let said =
            refused(&[&args[..], &[text(&out), "--resume", "--outcome", "success"]].concat(), 1);
        assert!(said.contains("outcome=success") && said.contains("--force"), "{said}");
        export(&[&args[..], &[text(&out), "--force"]].concat());
        fs::remove_file(&out).unwrap();
        let said = refused(&[&args[..], &[text(&home.path().join("no")), "--resume"]].concat(), 1);
        assert!(said.contains("nothing to go on with"), "{said}");
    };
    wait_until("all is in the index", || {
        proxy.events().len() == 3
            && proxy.events().iter().all(|event| event["outcome"] != "pending")
    });
    for format in FORMATS {
        cut(&remote, &url, "audit.export", format);
    }
    proxy.kill();
    for format in FORMATS {
        cut(&local, &data, "audit.export", format);
    }
}

/// Answers one request with the beginning of an export, and no more.
fn stub() -> (SocketAddr, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let line = "{\"id\":\"0197c5a0-7b1e-7cc3-98c4-dc0c0c07398f\"}\n{\"id\":";
        let answer = format!(
            "HTTP/1.1 200 OK\r\nCountersign-Export: e\r\nTransfer-Encoding: chunked\r\n\r\n\
             {:x}\r\n{line}\r\n",
            line.len()
        );
        stream.write_all(answer.as_bytes()).unwrap();
        // Until the client has left.
        stream.read_to_end(&mut head).ok();
    });
    (address, answering)
}

/// What it says when Ctrl-C comes as some of an export to `out` is there.
fn interrupted(args: &[&str], out: &Path, secret: &str) -> String {
    let mut child = command(args)
        .env("COUNTERSIGN_TOKEN", secret)
        .stderr(Stdio::piped())
        .spawn()
        .map(Running)
        .unwrap();
    let part = out.with_extension("part");
    wait_until("some of it is there", || fs::read(&part).is_ok_and(|part| part.len() > 50));
    let pid = child.0.id().to_string();
    assert!(Command::new("kill").args(["-s", "INT", &pid]).status().unwrap().success());
    assert_eq!(child.0.wait().unwrap().code(), Some(130));
    let mut said = String::new();
    child.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    said
}

#[test]
fn ctrl_c_leaves_a_file_that_can_go_on() {
    let (address, answering) = stub();
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let secret = format!("countersign_{}", "A".repeat(43));
    let url = format!("http://{address}");
    let args = ["--url", &url, "--format", "ndjson", "--output", text(&out)];
    let said = interrupted(&args, &out, &secret);
    assert!(said.contains("1 events are in") && said.contains("--resume"), "{said}");
    assert!(!said.contains(&secret) && !out.exists());
    let note = fs::read_to_string(home.path().join("out.resume")).unwrap();
    assert!(note.contains("\"export\":\"e\"") && !note.contains(&secret), "{note}");
    answering.join().unwrap();
}

#[test]
fn a_bundle_that_was_interrupted_is_begun_anew() {
    let (address, answering) = stub();
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let secret = format!("countersign_{}", "A".repeat(43));
    let url = format!("http://{address}");
    let args = ["--url", &url, "--format", "bundle", "--output", text(&out)];
    let said = interrupted(&args, &out, &secret);
    assert!(said.contains("nothing was written"), "{said}");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    let said = refused(&[&args[..], &["--resume"]].concat(), 2);
    assert!(said.contains("in one go"), "{said}");
    answering.join().unwrap();
}

#[test]
fn what_cannot_be_exported_says_why() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out");
    let file = home.path().join("token");
    fs::write(&file, b"no token \xff").unwrap();
    let closed = format!("http://{}", super::support::free_address());
    let args = ["--format", "csv", "--output", text(&out)];
    let secret = format!("countersign_{}", "A".repeat(43));
    let rows: [(&[&str], Option<&str>, i32, &str); 6] = [
        (&["--url", &closed], None, 1, "--token-file"),
        (&["--url", &closed, "--token-file", text(&file)], None, 1, "has no token"),
        (&["--url", &closed], Some(&secret), 1, "cannot reach"),
        (&["--url", "ftp://a"], Some(&secret), 1, "is not the URL"),
        (&["--data", "/nowhere"], None, 1, "there is no directory"),
        (&["--since", "soon"], None, 2, "`since` cannot be `soon`: give a time"),
    ];
    for (more, token, code, expected) in rows {
        let mut command = command(&[&args[..], more].concat());
        if let Some(token) = token {
            command.env("COUNTERSIGN_TOKEN", token);
        }
        let done = command.output().unwrap();
        let said = errors(&done);
        assert_eq!(done.status.code(), Some(code), "{more:?}: {said}");
        assert!(said.contains(expected) && !said.contains(&secret), "{more:?}: {said}");
        assert!(!out.exists() && !home.path().join("out.part").exists(), "{more:?}");
    }
}
