//! Tamper evidence, from the proxy to those who verify with nothing but a key.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::Value;

use super::support::{Answer, Proxy, Reply, Seen, Setup, Upstream, exchange, wait_until};

const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/cryptography/bin/python");
const CHECK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/seal/check.py");

fn countersign(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_countersign")).args(args).output().unwrap()
}

/// What it said, which must have ended like this.
fn said(args: &[&str], code: i32) -> String {
    let done = countersign(args);
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert_eq!(done.status.code(), Some(code), "{args:?}: {text}{}", errors(&done));
    text
}

fn errors(done: &Output) -> String {
    String::from_utf8_lossy(&done.stderr).into_owned()
}

fn post(proxy: &Proxy) -> String {
    let post = b"POST /admin/pools HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    exchange(proxy.address, post).header("countersign-event").unwrap().to_owned()
}

fn ask(proxy: &Proxy, token: &str, path: &str) -> Answer {
    let request = format!(
        "GET /v1/admin/audit{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\n\r\n"
    );
    exchange(proxy.reading, request.as_bytes())
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap()
}

fn owner(proxy: &Proxy) -> String {
    fs::read_to_string(proxy.data().join("bootstrap.token")).unwrap().trim().to_owned()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// What readiness says of the checkpoints.
fn sealing(proxy: &Proxy) -> Value {
    serde_json::from_str::<Value>(&proxy.read("/readyz").1).unwrap()["sealing"].clone()
}

/// The records that were published.
fn published(file: &Path) -> Vec<Value> {
    let text = fs::read_to_string(file).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A proxy that publishes to a file.
fn proxy(more: &str) -> (Upstream, Proxy, std::path::PathBuf) {
    let upstream = Upstream::start(|_| Reply::response("201 Created", "application/json", "{}"));
    let home = tempfile::tempdir().unwrap().keep();
    let file = home.join("checkpoints.jsonl");
    let more = format!(
        "seal: {{name: audit.example.com/test, interval: 100ms, file: \"{}\", {more}}}",
        file.display()
    );
    let proxy = Proxy::with(upstream.address, &Setup { more, ..Setup::default() });
    (upstream, proxy, file)
}

/// Waits until a checkpoint covers all that is on record.
fn sealed(proxy: &Proxy, file: &Path, event: &str) {
    let owner = owner(proxy);
    wait_until("the event is sealed", || {
        ask(proxy, &owner, &format!("/{event}/proof")).status == 200
    });
    assert!(!published(file).is_empty());
}

#[test]
fn an_event_is_proved_to_somebody_who_has_a_key_and_nothing_of_ours() {
    let (_upstream, proxy, file) = proxy("");
    let events: Vec<String> = (0..5).map(|_| post(&proxy)).collect();
    sealed(&proxy, &file, &events[4]);
    let (data, owner) = (text(&proxy.data()), owner(&proxy));
    let key = said(&["keys", "show", "--data", &data], 0);
    let of_log = said(&["keys", "show", "--logs", "--data", &data], 0);
    let proofs = tempfile::tempdir().unwrap();
    let (by_api, by_hand) = (proofs.path().join("api"), proofs.path().join("hand"));
    fs::write(&by_api, ask(&proxy, &owner, &format!("/{}/proof", events[2])).body).unwrap();
    fs::write(&by_hand, said(&["prove", &events[2], "--data", &data], 0)).unwrap();
    for proof in [&by_api, &by_hand] {
        let args = ["verify", "--key", key.trim(), "--proof", &text(proof)];
        assert!(said(&args, 0).contains("is in the log"));
        assert!(Path::new(PYTHON).exists(), "run `scripts/install-deps.sh test`");
        let checked =
            Command::new(PYTHON).arg(CHECK).arg(proof).arg(of_log.trim()).output().unwrap();
        assert!(checked.status.success(), "{}", errors(&checked));
        assert_eq!(String::from_utf8_lossy(&checked.stdout), "2 entries proven\n");
        // What was changed is proved to neither.
        let forged = fs::read_to_string(proof).unwrap().replacen("POST", "GET", 1);
        fs::write(proof, forged).unwrap();
        assert!(said(&args, 1).contains("proves nothing"));
        let checked =
            Command::new(PYTHON).arg(CHECK).arg(proof).arg(of_log.trim()).output().unwrap();
        assert!(errors(&checked).contains("another root"), "{}", errors(&checked));
    }
    // With one half alone it says so.
    let half = proofs.path().join("half");
    let mut proof: Value =
        serde_json::from_str(&said(&["prove", &events[2], "--data", &data], 0)).unwrap();
    proof["entries"].as_array_mut().unwrap().truncate(1);
    fs::write(&half, proof.to_string()).unwrap();
    let args = ["verify", "--key", key.trim(), "--proof", &text(&half)];
    assert!(said(&args, 0).contains("its intent alone is in the proof"));
    let growth = proofs.path().join("growth");
    fs::write(&growth, said(&["prove", "--from", "1", "--data", &data], 0)).unwrap();
    let args = ["verify", "--key", key.trim(), "--proof", &text(&growth)];
    assert!(said(&args, 0).contains("it has only grown"));
}

#[test]
fn a_bundle_is_verified_without_the_ledger() {
    let (_upstream, mut proxy, file) = proxy("");
    let events: Vec<String> = (0..4).map(|_| post(&proxy)).collect();
    sealed(&proxy, &file, &events[3]);
    let (data, home) = (text(&proxy.data()), tempfile::tempdir().unwrap());
    let key = said(&["keys", "show", "--data", &data], 0);
    let (url, token) =
        (format!("http://{}", proxy.reading), text(&proxy.data().join("bootstrap.token")));
    let verify = |file: &str, code| said(&["verify", file, "--key", key.trim()], code);
    let at = |name: &str| text(&home.path().join(name));
    let online = ["export", "--url", &url, "--token-file", &token, "--format", "bundle"];
    said(&[&online[..], &["-o", &at("all")]].concat(), 0);
    assert!(verify(&at("all"), 0).contains("Nothing is missing of these logs"));
    said(&[&online[..], &["-o", &at("some"), "--id", &events[1]]].concat(), 0);
    let some = verify(&at("some"), 0);
    assert!(
        some.contains("1 events of 2 entries are in the log")
            && some.contains("a part of these logs")
    );
    // Without a proxy, too.
    proxy.signal("TERM");
    proxy.wait();
    said(&["export", "--data", &data, "--format", "bundle", "-o", &at("local")], 0);
    assert!(verify(&at("local"), 0).contains("Nothing is missing of these logs"));
    let forged = fs::read_to_string(at("all")).unwrap().replacen("POST", "GET", 1);
    fs::write(at("all"), forged).unwrap();
    assert!(verify(&at("all"), 1).contains("is not in its log"));
}

#[test]
fn bundles_of_a_proxy_at_work_are_complete() {
    let (_upstream, proxy, file) = proxy("");
    let event = post(&proxy);
    sealed(&proxy, &file, &event);
    let (data, home) = (text(&proxy.data()), tempfile::tempdir().unwrap());
    let key = said(&["keys", "show", "--data", &data], 0);
    let bundle = home.path().join("bundle");
    let (url, token) =
        (format!("http://{}", proxy.reading), text(&proxy.data().join("bootstrap.token")));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                post(&proxy);
            }
        });
        for _ in 0..4 {
            said(
                &[
                    "export",
                    "--url",
                    &url,
                    "--token-file",
                    &token,
                    "--format",
                    "bundle",
                    "--force",
                    "-o",
                    &text(&bundle),
                ],
                0,
            );
            let shown = countersign(&["verify", &text(&bundle), "--key", key.trim()]);
            if shown.status.code() != Some(0) {
                stop.store(true, Ordering::Relaxed);
            }
            assert_eq!(shown.status.code(), Some(0), "{shown:?}");
        }
        stop.store(true, Ordering::Relaxed);
    });
    // Checkpoints that were published show that no log is missing, and that it goes on.
    let args = |file: &str| {
        let args = ["verify", &text(&bundle), "--key", key.trim(), "--checkpoint", file];
        args.map(ToOwned::to_owned)
    };
    let first = home.path().join("first");
    let records = fs::read_to_string(&file).unwrap();
    fs::write(&first, records.lines().next().unwrap()).unwrap();
    let first = args(&text(&first));
    let shown = said(&first.each_ref().map(String::as_str), 0);
    assert!(shown.contains("the same as the checkpoint of size"), "{shown}");
    let lines = fs::read_to_string(&bundle).unwrap();
    let mut head: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    head["checkpoints"] = serde_json::json!({});
    let end = serde_json::json!({"end": true, "events": 0, "entries": 0});
    fs::write(&bundle, format!("{head}\n{end}\n")).unwrap();
    let shown = said(&first.each_ref().map(String::as_str), 4);
    assert!(shown.contains("countersign: nothing of this log is in the bundle"), "{shown}");
    let shown = said(&["verify", &text(&bundle), "--key", key.trim()], 4);
    assert!(shown.contains("Nothing is proven"), "{shown}");
}

#[test]
fn what_cannot_be_told_is_not_said_to_be_right_or_wrong() {
    let (_upstream, mut proxy, file) = proxy("");
    let event = post(&proxy);
    sealed(&proxy, &file, &event);
    let (data, home) = (text(&proxy.data()), tempfile::tempdir().unwrap());
    let key = said(&["keys", "show", "--data", &data], 0);
    proxy.signal("TERM");
    proxy.wait();
    // The power failed while a checkpoint was published.
    let torn = fs::read_to_string(&file).unwrap() + "{\"time\":\"2026-";
    fs::write(&file, torn).unwrap();
    let before = fs::read_to_string(&file).unwrap().lines().count();
    proxy.respawn();
    wait_until("it is there again", || proxy.read("/readyz").0 == 200);
    let event = post(&proxy);
    wait_until("the event is published", || {
        fs::read_to_string(&file).unwrap().lines().count() > before && {
            let owner = owner(&proxy);
            ask(&proxy, &owner, &format!("/{event}/proof")).status == 200
        }
    });
    proxy.signal("TERM");
    proxy.wait();
    let text_of = |args: &[&str], code| {
        let done = countersign(args);
        let all = String::from_utf8_lossy(&done.stdout).into_owned() + &errors(&done);
        assert_eq!(done.status.code(), Some(code), "{args:?}: {all}");
        all
    };
    let file = text(&file);
    let with = ["verify", "--data", &data, "--key", key.trim(), "--checkpoint", &file];
    let shown = text_of(&with, 0);
    assert!(shown.contains(&format!("WARNING: what stands in `{file}`, line {before}")), "{shown}");
    // A key of another installation, an empty one, a file without checkpoints.
    let at = |name: &str| text(&home.path().join(name));
    fs::write(at("empty"), "\n").unwrap();
    assert!(text_of(&["verify", "--data", &data, "--key", &at("empty")], 3).contains("no key in"));
    let other = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let shown = text_of(&["verify", "--data", &data, "--key", other], 3);
    assert!(shown.contains("the key of another ledger") && !shown.contains("ok,"), "{shown}");
    let none = ["verify", "--data", &data, "--key", key.trim(), "--checkpoint", &at("empty")];
    assert!(text_of(&none, 3).contains("there is no checkpoint in"));
    // A database of which nothing is said is held against nothing that lies about.
    let shown = text_of(&["verify", "--ledger", "postgres://a@127.0.0.1:1/b"], 3);
    assert!(shown.contains("--data with the directory"), "{shown}");
    // A configuration names the directory.
    let config = at("c.yaml");
    let yaml = format!(
        "listeners: [\"127.0.0.1:0\"]\nupstreams: {{admin: \"http://127.0.0.1:9\"}}\n\
         ledger: {{dir: \"{data}\"}}\n"
    );
    fs::write(&config, yaml).unwrap();
    assert_eq!(text_of(&["keys", "show", "--config", &config], 0), key);
    assert!(text_of(&["tokens", "list", "--config", &config], 0).contains("bootstrap"));
    text_of(&["keys", "rotate", "--config", &config], 0);
    assert!(Path::new(&data).join("signing.key.next").exists());
    fs::remove_file(Path::new(&data).join("signing.key.next")).unwrap();
    // A lost key begins no new log.
    let lost = at("lost.key");
    fs::rename(Path::new(&data).join("signing.key"), &lost).unwrap();
    let shown = text_of(&["run", "--config", &config], 3);
    assert!(shown.contains("put the key back from a backup"), "{shown}");
    fs::rename(&lost, Path::new(&data).join("signing.key")).unwrap();
    // Nothing is left.
    let conn = rusqlite::Connection::open(Path::new(&data).join("ledger.db")).unwrap();
    conn.execute_batch(
        "DROP TRIGGER entries_no_delete; DROP TRIGGER IF EXISTS writers_no_delete;
         DELETE FROM entries; DELETE FROM writers",
    )
    .unwrap();
    drop(conn);
    fs::remove_file(Path::new(&data).join("seal.db")).unwrap();
    let shown = text_of(&["verify", "--data", &data, "--key", key.trim()], 4);
    assert!(shown.contains("nothing is proven") && !shown.contains("ok,"), "{shown}");
}

#[test]
fn checkpoints_and_tiles_are_the_owners() {
    let (_upstream, proxy, file) = proxy("");
    let event = post(&proxy);
    sealed(&proxy, &file, &event);
    let data = text(&proxy.data());
    let make = |args: &[&str]| {
        let args = [&["tokens", "create", "--data", &data][..], args].concat();
        said(&args, 0).trim().to_owned()
    };
    let (owner, scoped) =
        (owner(&proxy), make(&["--name", "a", "--role", "admin", "--scope", "pool=x"]));
    let all = make(&["--name", "b", "--role", "viewer", "--all-scopes"]);
    let hidden = format!("/{event}/proof");
    let rows = [
        ("/checkpoint", [200, 200, 403]),
        ("/checkpoint?writer=countersign", [200, 200, 403]),
        ("/checkpoint?writer=other", [404, 404, 403]),
        ("/checkpoint?wrong=1", [400, 400, 403]),
        ("/consistency?writer=countersign&old=1", [200, 200, 403]),
        ("/consistency?writer=countersign&old=0", [400, 400, 403]),
        ("/consistency?writer=countersign&old=999999", [404, 404, 403]),
        ("/consistency?writer=countersign", [400, 400, 403]),
        ("/consistency?writer=countersign&from=1", [400, 400, 403]),
        ("/consistency?writer=countersign&old=2&new=1", [404, 404, 403]),
        ("/consistency?writer=other&old=1", [404, 404, 403]),
        ("/log/countersign/checkpoint", [200, 403, 403]),
        ("/log/countersign/tile/0/000.p/2", [200, 403, 403]),
        ("/log/countersign/tile/0/000.p/0", [404, 403, 403]),
        ("/log/countersign/tile/0/000", [404, 403, 403]),
        ("/log/countersign/tile/64/000.p/1", [404, 403, 403]),
        ("/log/countersign/tile/0/x999/999", [404, 403, 403]),
        ("/log/other/checkpoint", [404, 403, 403]),
        (&hidden, [200, 200, 404]),
        ("/01234567-0123-7123-8123-0123456789ab/proof", [404, 404, 404]),
    ];
    // Whoever is refused too often is told to come back later.
    let mut refused = 0;
    for (path, statuses) in rows {
        for (token, status) in [&owner, &all, &scoped].into_iter().zip(statuses) {
            refused += usize::from(status == 403);
            if status == 403 && refused > 15 {
                continue;
            }
            let answer = ask(&proxy, token, path);
            assert_eq!(answer.status, status, "{path}: {}", answer.text());
        }
    }
    let asked = |path: &str| ask(&proxy, &owner, path).text();
    assert!(asked("/consistency?from=4").contains("`writer`, `old`, `new`"));
    assert!(asked("/consistency?writer=other&old=1").contains("no checkpoint of a log of this"));
    assert!(asked("/consistency?writer=countersign&old=9999").contains("the newest checkpoint of"));
    let tile = ask(&proxy, &owner, "/log/countersign/tile/0/000.p/2").body;
    assert_eq!(tile.len(), 64);
    let note = ask(&proxy, &owner, "/log/countersign/checkpoint").text();
    assert!(note.starts_with("audit.example.com/test/countersign\n"), "{note}");
}

#[test]
fn a_key_takes_over_while_the_proxy_runs_and_is_on_record() {
    let (_upstream, proxy, file) = proxy("");
    // Twice, so that there is a checkpoint which the next key does not sign again.
    for _ in 0..2 {
        let event = post(&proxy);
        sealed(&proxy, &file, &event);
    }
    let data = text(&proxy.data());
    let first = said(&["keys", "show", "--data", &data], 0);
    let next = said(&["keys", "rotate", "--data", &data], 0);
    wait_until("the key takes over", || said(&["keys", "show", "--data", &data], 0) == next);
    wait_until("that is published", || {
        published(&file).iter().any(|record| record["new_key"] == next.trim())
    });
    let event = post(&proxy);
    sealed(&proxy, &file, &event);
    assert_eq!(said(&["keys", "show", "--all", "--data", &data], 0), format!("{first}{next}"));
    let changed = proxy.all_events().into_iter().find(|it| it["action"] == "audit.key_rotate");
    assert!(changed.is_some(), "it is on record");
    for key in [&first, &next] {
        let args = ["verify", "--data", &data, "--key", key.trim(), "--checkpoint", &text(&file)];
        let verified = said(&args, 0);
        assert!(verified.contains(first.trim()) && verified.contains(next.trim()), "{verified}");
    }
}

/// A server that takes checkpoints, and a witness, in one.
struct Witness {
    key: Ed25519KeyPair,
    /// The largest tree that it has seen.
    seen: Mutex<u64>,
}

impl Witness {
    const NAME: &str = "witness.example.com";

    fn encoded(&self) -> Vec<u8> {
        [&[4], self.key.public_key().as_ref()].concat()
    }

    fn id(&self) -> Vec<u8> {
        let text = [Self::NAME.as_bytes(), b"\n", &self.encoded()].concat();
        digest(&SHA256, &text).as_ref()[..4].to_vec()
    }

    fn vkey(&self) -> String {
        let (id, key) = (hex::encode(self.id()), BASE64_STANDARD.encode(self.encoded()));
        format!("{}+{id}+{key}", Self::NAME)
    }

    /// `add-checkpoint` of C2SP tlog-witness, without a look at the proof.
    fn answer(&self, request: &Seen) -> Reply {
        let body = String::from_utf8_lossy(&request.body);
        let (head, note) = body.split_once("\n\n").unwrap();
        let old: u64 = head.lines().next().unwrap().strip_prefix("old ").unwrap().parse().unwrap();
        let mut seen = self.seen.lock().unwrap();
        if old != *seen {
            return Reply::response("409 Conflict", "text/x.tlog.size", &format!("{seen}\n"));
        }
        let (text, _) = note.split_once("\n\n").unwrap();
        *seen = text.lines().nth(1).unwrap().parse().unwrap();
        let time = 1_763_755_200_u64;
        let message = format!("cosignature/v1\ntime {time}\n{text}\n");
        let signature = self.key.sign(message.as_bytes());
        let line = [&self.id()[..], &time.to_be_bytes(), signature.as_ref()].concat();
        let line = format!("— {} {}\n", Self::NAME, BASE64_STANDARD.encode(line));
        Reply::response("200 OK", "text/plain", &line)
    }
}

#[test]
fn checkpoints_go_to_a_server_and_witnesses_sign_them() {
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    // It has seen a checkpoint of this log before, of which the proxy knows nothing any more.
    let witness = Witness { key, seen: Mutex::new(1) };
    let vkey = witness.vkey();
    let outside = Upstream::start(move |request| match request.line() {
        line if line.starts_with("POST /w/add-checkpoint ") => witness.answer(request),
        _ => Reply::response("204 No Content", "text/plain", ""),
    });
    let (_upstream, proxy, file) = proxy(&format!(
        "endpoint: {{url: \"http://{0}/c\"}}, witnesses: [{{url: \"http://{0}/w\", key: \"{vkey}\"}}]",
        outside.address
    ));
    let event = post(&proxy);
    sealed(&proxy, &file, &event);
    let posted = || {
        let seen = outside.seen();
        let posts = seen.iter().filter(|request| request.line().starts_with("POST /c "));
        posts.map(|it| serde_json::from_slice::<Value>(&it.body).unwrap()).collect::<Vec<_>>()
    };
    let newest = published(&file).pop().unwrap();
    wait_until("the newest is posted", || posted().last() == Some(&newest));
    let owner = owner(&proxy);
    wait_until("the witness has signed it", || {
        let checkpoints = json(&ask(&proxy, &owner, "/checkpoint"));
        checkpoints["checkpoints"][0]["signers"].as_array().unwrap().len() == 2
    });
    let verified = said(&["verify", "--data", &text(&proxy.data())], 0);
    assert!(verified.contains("The ledger is what was sealed."), "{verified}");
    let page = format!(
        "GET /audit/integrity HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
                        Authorization: Bearer {owner}\r\n\r\n",
        proxy.reading
    );
    let page = exchange(proxy.reading, page.as_bytes()).text();
    assert!(
        page.contains("witness.example.com+") && page.contains("audit.example.com/test"),
        "{page}"
    );
}

#[test]
fn readiness_says_where_checkpoints_do_not_get_until_they_do() {
    let (_upstream, proxy, file) = proxy("");
    let event = post(&proxy);
    sealed(&proxy, &file, &event);
    let warned = || {
        let (status, answer) = proxy.read("/readyz");
        assert_eq!(status, 200, "{answer}");
        answer.contains(r#""warnings":["checkpoints: file"]"#)
    };
    let count = |count: &str| {
        let line =
            format!("countersign_unpublished_checkpoints_total{{reason=\"file\"}} {count}\n");
        proxy.read("/metrics").1.contains(&line)
    };
    assert!(!warned() && count("0"), "{}", proxy.read("/metrics").1);
    // Nothing can be appended to a directory.
    fs::rename(&file, file.with_extension("aside")).unwrap();
    fs::create_dir(&file).unwrap();
    post(&proxy);
    wait_until("it is said", warned);
    assert!(!count("0"));
    fs::remove_dir(&file).unwrap();
    fs::rename(file.with_extension("aside"), &file).unwrap();
    let event = post(&proxy);
    sealed(&proxy, &file, &event);
    wait_until("it is over", || !warned());
    assert!(proxy.log().contains("checkpoints are published again"), "{}", proxy.log());
}

#[test]
fn a_proxy_whose_ledger_was_changed_goes_on_and_signs_no_more() {
    let (_upstream, mut proxy, file) = proxy("");
    let event = post(&proxy);
    sealed(&proxy, &file, &event);
    proxy.signal("TERM");
    proxy.wait();
    let conn = rusqlite::Connection::open(proxy.data().join("ledger.db")).unwrap();
    conn.execute_batch(
        "DROP TRIGGER entries_no_delete; DELETE FROM entries WHERE seq = (SELECT max(seq) FROM entries)",
    )
    .unwrap();
    drop(conn);
    let before = published(&file).len();
    proxy.respawn();
    wait_until("it is noticed", || {
        proxy.read("/readyz").0 == 200 && sealing(&proxy)["state"] == "changed"
    });
    post(&proxy);
    assert!(proxy.read("/metrics").1.contains("countersign_seal_disagreements 1"));
    assert!(proxy.log().contains("run `countersign verify`"), "{}", proxy.log());
    assert_eq!(published(&file).len(), before);
    // The entry that was written since took the place of the one that is gone.
    let verified = said(&["verify", "--data", &text(&proxy.data())], 1);
    assert!(verified.contains("is another one than was sealed"), "{verified}");
}

/// A row at the end of the log, as somebody inserts it who can write to the database: a whole event that is
/// there, under another id.
fn insert_at_the_end(proxy: &Proxy) -> i64 {
    let conn = rusqlite::Connection::open(proxy.data().join("ledger.db")).unwrap();
    let copied =
        "SELECT seq, id, doc FROM entries WHERE kind = 'completion' AND intent IS NULL LIMIT 1";
    let (seq, id, doc): (i64, String, String) =
        conn.query_row(copied, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    let other = format!("{}beef", id.get(..32).unwrap());
    let doc = doc.replace(&id, &other);
    let leaf = digest(&SHA256, format!("\0{doc}").as_bytes());
    conn.query_row(
        "INSERT INTO entries (writer, seq, kind, id, intent, scope, doc, leaf) \
         SELECT writer, (SELECT max(seq) + 1 FROM entries), kind, ?2, NULL, scope, ?3, ?4 \
         FROM entries WHERE seq = ?1 RETURNING seq",
        rusqlite::params![seq, other, doc, leaf.as_ref()],
        |row| row.get(0),
    )
    .unwrap()
}

#[test]
fn a_row_that_the_proxy_did_not_write_is_not_signed_now_nor_after_a_restart() {
    let (_upstream, mut proxy, file) = proxy("");
    let event = post(&proxy);
    sealed(&proxy, &file, &event);
    let inserted = insert_at_the_end(&proxy);
    // Noticed on the timer, or by the next append, which finds its place taken; then it goes on.
    let request = b"POST /admin/pools HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    exchange(proxy.address, request);
    wait_until("it is noticed", || sealing(&proxy)["state"] == "foreign");
    wait_until("the proxy goes on", || proxy.read("/readyz").0 == 200);
    post(&proxy);
    assert!(proxy.read("/metrics").1.contains("countersign_seal_disagreements 1"));
    proxy.signal("TERM");
    proxy.wait();
    proxy.respawn();
    wait_until("it is remembered", || {
        proxy.read("/readyz").0 == 200 && sealing(&proxy)["state"] == "foreign"
    });
    post(&proxy);
    let last = published(&file).pop().unwrap()["size"].as_i64().unwrap();
    assert!(last < inserted, "a checkpoint of size {last} covers entry {inserted}");
    let verified = said(&["verify", "--data", &text(&proxy.data())], 1);
    let named = format!("entry {inserted} is not what the proxy has written");
    assert!(verified.contains(&named), "{verified}");
}

#[test]
fn what_is_not_sealed_is_counted_as_soon_as_it_is_on_record() {
    let (_upstream, proxy, file) = proxy("");
    let event = post(&proxy);
    sealed(&proxy, &file, &event);
    let size = |record: Option<Value>| record.map_or(0, |it| it["size"].as_i64().unwrap());
    for _ in 0..10 {
        post(&proxy);
        let unsealed = sealing(&proxy)["unsealed"].as_i64().unwrap();
        // Either it is counted, or a checkpoint has covered it meanwhile.
        let conn = rusqlite::Connection::open(proxy.data().join("ledger.db")).unwrap();
        let head: i64 =
            conn.query_row("SELECT max(seq) FROM entries", [], |row| row.get(0)).unwrap();
        assert!(unsealed > 0 || size(published(&file).pop()) == head, "{head}");
    }
    wait_until("all is sealed", || sealing(&proxy)["unsealed"] == 0);
    assert_eq!(sealing(&proxy)["state"], "ok");
}

#[test]
fn a_running_proxy_notices_a_change_of_what_it_has_sealed() {
    let (_upstream, proxy, file) = proxy("");
    let event = post(&proxy);
    sealed(&proxy, &file, &event);
    let conn = rusqlite::Connection::open(proxy.data().join("ledger.db")).unwrap();
    conn.execute_batch(
        "DROP TRIGGER entries_no_update; \
         UPDATE entries SET doc = replace(doc, 'POST', 'GETT') WHERE kind = 'intent'",
    )
    .unwrap();
    wait_until("it is noticed", || sealing(&proxy)["state"] == "changed");
}

fn copy_files(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn a_directory_that_was_put_back_is_found_by_what_was_published() {
    let (_upstream, mut proxy, file) = proxy("");
    sealed(&proxy, &file, &post(&proxy));
    proxy.signal("TERM");
    proxy.wait();
    let older = tempfile::tempdir().unwrap();
    copy_files(&proxy.data(), older.path());
    proxy.respawn();
    wait_until("it serves", || proxy.read("/readyz").0 == 200);
    for _ in 0..4 {
        sealed(&proxy, &file, &post(&proxy));
    }
    proxy.signal("TERM");
    proxy.wait();
    let config = proxy.config();
    assert!(said(&["verify", "--config", &text(&config)], 0).contains("is what was sealed"));
    fs::remove_dir_all(proxy.data()).unwrap();
    copy_files(older.path(), &proxy.data());
    let before = published(&file).len();
    assert!(said(&["verify", "--config", &text(&config)], 1).contains("NOT what was sealed"));
    proxy.respawn();
    wait_until("it is noticed", || {
        proxy.read("/readyz").0 == 200 && sealing(&proxy)["state"] == "truncated"
    });
    for _ in 0..12 {
        post(&proxy);
    }
    proxy.signal("TERM");
    proxy.wait();
    proxy.respawn();
    wait_until("it is noticed again", || {
        proxy.read("/readyz").0 == 200 && sealing(&proxy)["state"] == "root"
    });
    assert_eq!(published(&file).len(), before, "no second version is signed");
    said(&["verify", "--config", &text(&config)], 1);
}

#[test]
fn a_swallowed_entry_is_not_acknowledged_and_changed_triggers_are_told() {
    let (_upstream, mut proxy, file) = proxy("");
    sealed(&proxy, &file, &post(&proxy));
    let conn = rusqlite::Connection::open(proxy.data().join("ledger.db")).unwrap();
    conn.execute_batch(
        "CREATE TRIGGER evil BEFORE INSERT ON entries WHEN NEW.kind = 'intent' \
         BEGIN SELECT RAISE(IGNORE); END",
    )
    .unwrap();
    let request = b"POST /admin/pools HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    for _ in 0..3 {
        let answer = exchange(proxy.address, request);
        assert_eq!(answer.status, 503);
        assert!(answer.header("countersign-event").is_none());
    }
    assert!(said(&["verify", "--data", &text(&proxy.data())], 0).contains("a trigger `evil`"));
    proxy.signal("TERM");
    proxy.wait();
    conn.execute_batch("DROP TRIGGER evil; DROP TRIGGER entries_no_update").unwrap();
    proxy.respawn();
    wait_until("it serves", || proxy.read("/readyz").0 == 200);
    let readiness: Value = serde_json::from_str(&proxy.read("/readyz").1).unwrap();
    assert_eq!(readiness["warnings"], serde_json::json!(["ledger: trigger_missing"]));
    assert!(proxy.log().contains("the trigger `entries_no_update`"), "{}", proxy.log());
    assert!(conn.execute("UPDATE entries SET doc = '{}'", []).is_err());
    post(&proxy);
}

/// Makes another key, as somebody does who has taken away the one that signed, and all that it had.
fn with_another_key(proxy: &mut Proxy) {
    for name in ["signing.key", "seal.db", "seal.db-wal", "seal.db-shm"] {
        fs::remove_file(proxy.data().join(name)).ok();
    }
    proxy.respawn();
    wait_until("it serves", || proxy.read("/readyz").0 == 200);
    wait_until("all is sealed anew", || sealing(proxy)["unsealed"] == 0);
    proxy.signal("TERM");
    proxy.wait();
}

#[test]
fn a_replaced_key_is_found_by_what_its_proxy_had_published() {
    let (_upstream, mut proxy, file) = proxy("");
    for _ in 0..4 {
        sealed(&proxy, &file, &post(&proxy));
    }
    proxy.signal("TERM");
    proxy.wait();
    let old = fs::read_to_string(&file).unwrap();
    let config = text(&proxy.config());
    said(&["verify", "--config", &config], 0);
    // Of others who publish to the same file, nothing is said of this log.
    let stranger = countersign::seal::SigningKey::generate("audit.example.com/other").unwrap();
    let root = countersign::seal::leaf("{}");
    let other = countersign::seal::Checkpoint::sign(
        "audit.example.com/other/countersign",
        9,
        root,
        &[&stranger],
    );
    let line = serde_json::json!({"checkpoint": other.unwrap().note});
    fs::write(&file, format!("{old}{line}\n")).unwrap();
    said(&["verify", "--config", &config], 0);
    fs::write(&file, &old).unwrap();
    let conn = rusqlite::Connection::open(proxy.data().join("ledger.db")).unwrap();
    conn.execute_batch(
        "DROP TRIGGER entries_no_update; \
         UPDATE entries SET doc = replace(doc, 'POST', 'GETT') WHERE seq = 5",
    )
    .unwrap();
    let doc: String =
        conn.query_row("SELECT doc FROM entries WHERE seq = 5", [], |row| row.get(0)).unwrap();
    let leaf = digest(&SHA256, format!("\0{doc}").as_bytes());
    conn.execute("UPDATE entries SET leaf = ?1 WHERE seq = 5", [leaf.as_ref()]).unwrap();
    drop(conn);
    with_another_key(&mut proxy);
    assert!(fs::read_to_string(&file).unwrap().starts_with(&old));
    let verified = said(&["verify", "--config", &config], 1);
    assert!(verified.contains("the key was replaced"), "{verified}");
    assert!(verified.contains("NOT what was sealed"), "{verified}");
    // Without anything changed as well, and where it is meant once the file is moved away.
    with_another_key(&mut proxy);
    said(&["verify", "--config", &config], 1);
    fs::remove_file(&file).unwrap();
    with_another_key(&mut proxy);
    said(&["verify", "--config", &config], 0);
}

#[test]
fn readers_of_a_ledger_that_was_put_back_are_told() {
    let (_upstream, mut proxy, file) = proxy("");
    sealed(&proxy, &file, &post(&proxy));
    proxy.signal("TERM");
    proxy.wait();
    let older = tempfile::tempdir().unwrap();
    copy_files(&proxy.data(), older.path());
    proxy.respawn();
    wait_until("it serves", || proxy.read("/readyz").0 == 200);
    for _ in 0..4 {
        sealed(&proxy, &file, &post(&proxy));
    }
    let warnings = |proxy: &Proxy| json(&ask(proxy, &owner(proxy), "?limit=1"))["warnings"].clone();
    assert_eq!(warnings(&proxy), serde_json::json!([]));
    proxy.signal("TERM");
    proxy.wait();
    // The ledger alone, as it was before.
    for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
        fs::remove_file(proxy.data().join(name)).ok();
        fs::copy(older.path().join(name), proxy.data().join(name)).ok();
    }
    proxy.respawn();
    wait_until("it is noticed", || {
        proxy.read("/readyz").0 == 200 && sealing(&proxy)["state"] == "truncated"
    });
    let event = post(&proxy);
    wait_until("it can be found", || {
        ask(&proxy, &owner(&proxy), &format!("/{event}")).status == 200
    });
    let warned = warnings(&proxy).to_string();
    assert!(warned.contains("the ledger is not what was sealed"), "{warned}");
    for path in [format!("/{event}/proof"), "/stats".to_owned(), "/facets".to_owned()] {
        let answer = ask(&proxy, &owner(&proxy), &path);
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(body.contains("not what was sealed"), "{path}: {body}");
        assert!(!body.contains("in a moment"), "{path}: {body}");
    }
    let (url, token) = (format!("http://{}", proxy.reading), proxy.data().join("bootstrap.token"));
    for format in ["bundle", "csv"] {
        let output = text(&proxy.home.path().join(format));
        let done = countersign(&[
            "export",
            "--url",
            &url,
            "--token-file",
            &text(&token),
            "--format",
            format,
            "-o",
            &output,
        ]);
        let told = errors(&done);
        assert!(done.status.success() && told.contains("not what was sealed"), "{format}: {told}");
    }
}
