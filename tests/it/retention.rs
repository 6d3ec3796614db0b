//! Retention as an operator meets it: the real binary, with events that are months old.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use countersign::clock::Timestamp;
use countersign::record::{Entry, EntryKind, EventId, Scope, canonical};
use countersign::redact::Redacted;
use countersign::store::SqliteOptions;
use serde_json::{Value, json};

use super::support::{
    Postgres, Proxy, Reply, Seen, Setup, Upstream, exchange, free_address, rows_after, wait_until,
};

/// Writes events of these ages, by this actor: category, actor, days ago.
fn write(data: &Path, events: &[(&str, &str, i64)]) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let timeout = std::time::Duration::from_secs(5);
        let mut store = SqliteOptions::new(data, "countersign", timeout).opener()().await.unwrap();
        let mut ids = Vec::new();
        for (category, actor, days) in events {
            let seq = store.head("countersign").await.unwrap() + 1;
            let now: Timestamp = countersign::clock::Clock::now(&countersign::clock::SystemClock);
            let time = now - chrono::TimeDelta::days(*days);
            let id = EventId::new(time);
            let doc = |doc: Value| canonical(&Redacted::system(doc)).unwrap();
            let intent = doc(json!({
                "id": id, "time": time, "action": format!("{category}.create"),
                "category": category, "actor": {"type": "user", "id": actor}, "scope": {},
                "description": format!("{category} created"),
            }));
            let entry = Entry {
                kind: EntryKind::Intent,
                id,
                intent: None,
                scope: Scope::new(),
                doc: intent,
            };
            let end = doc(json!({"id": id, "outcome": "success", "completed_at": time}));
            let end =
                Entry { kind: EntryKind::Completion, intent: Some(seq), doc: end, ..entry.clone() };
            store.append("countersign", seq, &[entry, end]).await.unwrap();
            ids.push(id.to_string());
        }
        store.close().await.unwrap();
        ids
    })
}

fn countersign(home: &Path, args: &[&str]) -> (Output, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
    let output = command.args(args).current_dir(home).output().unwrap();
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    (output, text)
}

fn config(home: &Path, retention: &str) {
    config_at(home, "dir: data", retention);
}

fn config_at(home: &Path, ledger: &str, retention: &str) {
    let text = format!(
        "upstreams: {{app: \"http://127.0.0.1:9\"}}\nledger: {{{ledger}}}\nretention: {retention}\n"
    );
    std::fs::write(home.join("c.yaml"), text).unwrap();
}

#[test]
fn by_hand_it_tells_first_and_then_archives_purges_and_reads_back() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let events = [
        ("member", "ada", 400),
        ("gateway", "ada", 40),
        ("member", "eve", 400),
        ("member", "ada", 40),
    ];
    let ids = write(&home.join("data"), &events);
    config(
        home,
        "{days: 365, categories: {gateway: 30}, archive: kept, \
         holds: [{name: case-7, filter: actor=eve, reason: a lawsuit}]}",
    );
    let before = rows_after(&home.join("data"), 0).len();
    let (output, text) = countersign(home, &["retain", "--config", "c.yaml", "--dry-run"]);
    assert!(output.status.success(), "{output:?}");
    for part in [
        "would purge 2 events",
        "1  gateway",
        "1  member",
        "/kept",
        "held by case-7 (actor=eve): a lawsuit: 1 events",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let note = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(note.contains("note: nothing was purged, since the clock may be wrong"), "{note}");
    assert_eq!(rows_after(&home.join("data"), 0).len(), before);
    // The newest entry is 40 days old: the clock may be wrong.
    let (output, _) = countersign(home, &["retain", "--config", "c.yaml"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("40 days ahead") && error.contains("--clock-is-right"), "{error}");
    assert_eq!(rows_after(&home.join("data"), 0).len(), before);
    let sure = ["retain", "--config", "c.yaml", "--clock-is-right"];
    let (output, text) = countersign(home, &sure);
    assert!(output.status.success(), "{output:?}");
    assert!(text.contains("purged 2 events, 4 entries"), "{text}");
    let (_, text) = countersign(home, &["query", "--data", "data"]);
    assert!(
        text.contains("eve") && text.contains("audit.purge") && !text.contains("gateway"),
        "{text}"
    );
    let (_, text) = countersign(
        home,
        &["archive", "query", "--from", "kept", "--category", "gateway", "--format", "ndjson"],
    );
    let event: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (event["id"].as_str(), event["outcome"].as_str()),
        (Some(ids[1].as_str()), Some("success"))
    );
    let (_, text) = countersign(home, &["archive", "query", "--from", "kept", "--id", &ids[0]]);
    assert!(text.contains("member.create"), "{text}");
    let (_, text) = countersign(home, &["archive", "query", "--from", "kept", "--since", "30d"]);
    assert_eq!(text, "no events\n");
    let (_, text) = countersign(home, &["archive", "list", "--from", "kept"]);
    assert!(text.contains("countersign") && text.contains(".ndjson.zst"), "{text}");
}

/// How often these bytes stand in the files of a directory, whatever these say that they hold.
fn occurrences(dir: &Path, bytes: &str) -> usize {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.is_file())
        .map(|path| {
            let text = std::fs::read(&path).unwrap().to_ascii_lowercase();
            memchr::memmem::find_iter(&text, bytes).count()
        })
        .sum()
}

#[test]
fn what_is_purged_is_gone_from_every_file_of_the_ledger() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let data = home.join("data");
    config(home, "{days: 365, archive: none}");
    // Of several sizes, and more than a page of each, indexed as they come.
    let long = "zanzibar".repeat(20);
    for round in 0..6 {
        let old = [("member", "zanzibarqq", 400), ("member", long.as_str(), 401 + round)];
        let new = [("member", "ada", 400 - round * 80), ("gateway", "eve", 2)];
        let events: Vec<_> = (0..30).flat_map(|n| if n % 3 == 0 { new } else { old }).collect();
        write(&data, &events);
        assert!(countersign(home, &["query", "--data", "data"]).0.status.success());
    }
    assert!(occurrences(&data, "zanzibar") > 100);
    let (output, text) = countersign(home, &["retain", "--config", "c.yaml", "--clock-is-right"]);
    assert!(output.status.success() && text.contains("purged"), "{output:?}");
    assert_eq!(occurrences(&data, "zanzibar"), 0);
    let (_, text) = countersign(home, &["query", "--data", "data", "--limit", "1000"]);
    assert!(text.contains("ada") && text.contains("eve") && !text.contains("zanzibar"), "{text}");
    let (output, text) = countersign(home, &["verify", "--data", "data", "--index"]);
    assert_eq!(output.status.code(), Some(4), "{text}");
    assert!(text.contains("search index: ok"), "{text}");
    assert_eq!(occurrences(&data, "zanzibar"), 0);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the archive is this test's own")]
fn an_archive_that_was_changed_or_is_gone_is_missed() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    write(&home.join("data"), &[("member", "ada", 400)]);
    config(home, "{days: 365, archive: kept}");
    let retain = ["retain", "--config", "c.yaml", "--clock-is-right"];
    assert!(countersign(home, &retain).0.status.success());
    let verify = ["archive", "verify", "--from", "kept", "--data", "data"];
    let (output, text) = countersign(home, &verify);
    assert!(
        output.status.success() && text.contains("1 archives are as they should be, 0 are not"),
        "{text}"
    );
    let (output, _) = countersign(home, &["archive", "list", "--from", "elsewhere"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "a place that is not there has not no archives");
    assert!(said.contains("cannot list the archives at `elsewhere`"), "{said}");
    // What is not an archive, under the name of one's manifest, hides nothing.
    let foreign = home.join("kept/20200101T000000000Z.w.000000000001-000000000002.json");
    std::fs::write(&foreign, "{}").unwrap();
    let (output, text) = countersign(home, &["archive", "list", "--from", "kept"]);
    assert!(!output.status.success() && text.contains(".ndjson.zst"), "{text}");
    let (output, text) = countersign(home, &verify);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains("no manifest") && text.contains("1 archives are as they should be, 1"),
        "{text}"
    );
    std::fs::remove_file(foreign).unwrap();
    // One that was compressed anew, or taken away, is not what the purge made.
    let files = || std::fs::read_dir(home.join("kept")).unwrap().map(|it| it.unwrap().path());
    let kept: Vec<_> = files().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    for (path, bytes) in &kept {
        if path.extension().unwrap() == "zst" {
            let plain = zstd::decode_all(&bytes[..]).unwrap();
            let again = zstd::encode_all(&plain[..], 1).unwrap();
            assert_ne!(&again, bytes);
            std::fs::write(path, &again).unwrap();
            let manifest = path.with_extension("").with_extension("json");
            let mut value: Value =
                serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
            value["sha256"] =
                hex::encode(ring::digest::digest(&ring::digest::SHA256, &again)).into();
            value["bytes"] = again.len().into();
            std::fs::write(&manifest, value.to_string()).unwrap();
        }
    }
    let (output, text) = countersign(home, &verify);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("another file than the purge made"), "{text}");
    files().for_each(|path| std::fs::remove_file(path).unwrap());
    let (output, text) = countersign(home, &verify);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("it is not there any more"), "{text}");
    kept.iter().for_each(|(path, bytes)| std::fs::write(path, bytes).unwrap());
    // One byte of one archive.
    let archive = files().find(|path| path.extension().unwrap() == "zst").unwrap();
    let mut bytes = std::fs::read(&archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&archive, bytes).unwrap();
    let (output, text) = countersign(home, &verify);
    assert_eq!(output.status.code(), Some(1));
    assert!(text.contains("SHA-256"), "{text}");
    let query = ["archive", "query", "--from", "kept"];
    let (output, _) = countersign(home, &query);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("is damaged") && !error.contains("ledger"), "{error}");
}

#[test]
fn what_cannot_be_is_said_with_line_and_remedy() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let retention = r#"
  days: 0
  categories: {gateway: soon, member: 30}
  interval: 2d
  holds:
  - {name: a, filter: "actr=ada"}
  - {name: b, filter: "since=30d"}
  - {filter: actor=ada}
  - {name: c, filter: ""}
  - {name: d, filter: actor=a, until: soon}
  - {name: d, filter: actor=b}
  archive: "ftp://x""#;
    config(home, retention);
    let (output, text) = countersign(home, &["check", "--config", "c.yaml"]);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for (line, message, remedy) in [
        (4, "`0` is no number of days", "from 1 to 36500"),
        (5, "`soon` is no number of days", "forever"),
        (6, "`interval` is", "1h"),
        (8, "`actr` is not a filter", "leave it out"),
        (9, "`since` has no place", "RFC 3339"),
        (10, "`name` is missing", "case-7"),
        (11, "`filter`", ""),
        (12, "`until` is no time", "RFC 3339"),
        (13, "two holds have the name `d`", "its own name"),
        (14, "`archive` cannot be `ftp://x`", "directory"),
    ] {
        let at = format!("c.yaml:{line}:");
        let found = text.split("\n\n").flat_map(|it| it.split("c.yaml:").skip(1));
        let found: Vec<String> = found.map(|it| format!("c.yaml:{it}")).collect();
        let problem = found.iter().find(|it| it.starts_with(&at) && it.contains(message));
        assert!(problem.is_some_and(|it| it.contains(remedy)), "{line} {message}: {text}");
    }
    config(home, "{days: 30}");
    let (_, text) = countersign(home, &["check", "--config", "c.yaml"]);
    assert!(text.contains("c.yaml:3:") && text.contains("archive: none"), "{text}");
    config(home, "{}");
    let (output, _) = countersign(home, &["retain", "--config", "c.yaml"]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(error.contains("everything stays"), "{error}");
}

/// An event by its id, to whoever has this token.
fn event(reading: SocketAddr, token: &str, id: &str) -> (u16, String) {
    read_with(reading, token, &format!("/v1/admin/audit/{id}"))
}

fn read_with(reading: SocketAddr, token: &str, path: &str) -> (u16, String) {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {reading}\r\nAuthorization: Bearer {}\r\n\
         Connection: close\r\n\r\n",
        token.trim()
    );
    let answer = exchange(reading, request.as_bytes());
    (answer.status, answer.text())
}

/// A token that sees one pool alone.
fn scoped_token(home: &Path) -> String {
    let whose = ["--name", "blue", "--role", "viewer", "--scope", "pool=blue"];
    let arguments = [&["tokens", "create", "--data", "data"][..], &whose].concat();
    String::from_utf8(countersign(home, &arguments).0.stdout).unwrap()
}

fn lists_tell_of_purges(reading: SocketAddr, owner: &str, scoped: &str) {
    let told = |token: &str, rest: &str| {
        let (status, text) = read_with(reading, token, &format!("/v1/admin/audit{rest}"));
        assert_eq!(status, 200, "{text}");
        text.contains("events of this time, up to 2")
    };
    for page in ["?since=500d", "/stats?since=500d", "/facets?since=500d", ""] {
        assert!(told(owner, page) && !told(scoped, page), "{page}");
    }
    assert!(!told(owner, "?since=1h"));
}

/// What is gone may have held what is asked for.
fn commands_tell_of_purges(home: &Path) {
    let mut asking = Command::new(env!("CARGO_BIN_EXE_countersign"));
    asking.args(["fingerprint", "--stdin", "--data", "data"]).current_dir(home);
    asking.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut asking = asking.spawn().unwrap();
    asking.stdin.take().unwrap().write_all(b"Sw0rdfish-of-long-ago").unwrap();
    let output = asking.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("2 entries were purged") && told.contains("archive query --from"),
        "{told}"
    );
    let (output, _) = countersign(home, &["query", "--data", "data", "--since", "500d"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("note: events of this time, up to 2"), "{told}");
}

#[test]
fn a_proxy_that_runs_does_it_by_itself_and_says_where_an_event_went() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let ids = write(&data, &[("member", "ada", 400), ("member", "ada", 2)]);
    let archive = home.path().join("kept");
    // Something else has the name: what cannot be archived is not deleted, and that is said.
    std::fs::write(&archive, b"").unwrap();
    let retention =
        format!("retention: {{days: 90, archive: \"{}\", interval: 1s}}", archive.display());
    let upstream = Upstream::start(|_| Reply::ok());
    let setup = Setup { data: Some(data.clone()), more: retention, ..Setup::default() };
    let mut proxy = Proxy::with(upstream.address, &setup);
    wait_until("retention says that it fails", || {
        let (status, text) = proxy.read("/readyz");
        status == 200 && text.contains("retention: archive")
    });
    assert!(
        proxy.read("/metrics").1.contains("countersign_retention_errors_total{reason=\"archive\"}")
    );
    assert!(rows_after(&data, 0).iter().any(|row| row.id == ids[0]));
    let answer_to = |token: &str, id: &str| event(proxy.reading, token, id);
    let owner = std::fs::read_to_string(data.join("bootstrap.token")).unwrap();
    let answer = |id: &str| answer_to(&owner, id);
    assert_eq!(answer(&ids[0]).0, 200);
    std::fs::remove_file(&archive).unwrap();
    wait_until("the old event is purged", || {
        !rows_after(&data, 0).iter().any(|row| row.id == ids[0])
    });
    let (status, text) = answer(&ids[0]);
    assert_eq!(status, 404);
    assert!(
        text.contains("purged by the retention policy") && text.contains("archive query"),
        "{text}"
    );
    // Who sees some scopes alone does not learn when something of others was purged.
    let scoped = scoped_token(home.path());
    lists_tell_of_purges(proxy.reading, &owner, &scoped);
    let other = answer_to(&scoped, "00000000-0000-7000-8000-000000000000");
    assert_eq!(answer_to(&scoped, &ids[0]), (404, other.1));
    assert_eq!(answer(&ids[1]).0, 200);
    wait_until("retention works again", || !proxy.read("/readyz").1.contains("retention"));
    let purges = proxy.all_events().into_iter().filter(|event| event["action"] == "audit.purge");
    let purges: Vec<Value> = purges.collect();
    assert_eq!(purges.len(), 1);
    assert_eq!(purges[0]["metadata"]["purge"]["ranges"], "1-2");
    assert!(proxy.read("/metrics").1.contains("countersign_purged_entries_total 2"));
    // Its proof is said to be gone as the event is.
    let (status, text) = answer(&format!("{}/proof", ids[0]));
    assert!(status == 404 && text.contains("purged by the retention policy"), "{text}");
    // A bundle is whole by what is left and the hashes of what is not.
    let (_, key) = countersign(home.path(), &["keys", "show", "--data", "data"]);
    let (url, token) = (format!("http://{}", proxy.reading), data.join("bootstrap.token"));
    let online = ["--url", &url, "--token-file", token.to_str().unwrap()];
    let is_whole = |source: &[&str]| {
        let export = [&["export", "--format", "bundle", "-o", "bundle"], source].concat();
        let (output, _) = countersign(home.path(), &export);
        assert!(output.status.success(), "{output:?}");
        let (output, text) = countersign(home.path(), &["verify", "bundle", "--key", key.trim()]);
        assert!(
            output.status.success()
                && text.contains("Nothing is missing of these logs")
                && text.contains("2 entries were purged by policy"),
            "{text}"
        );
        std::fs::remove_file(home.path().join("bundle")).unwrap();
    };
    is_whole(&online);
    proxy.signal("TERM");
    proxy.wait();
    is_whole(&["--data", "data"]);
    commands_tell_of_purges(home.path());
}

#[test]
fn a_start_with_a_clock_that_is_far_ahead_purges_nothing_and_says_so() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    // As it looks to a machine whose clock is 400 days ahead.
    let ids = write(&data, &[("member", "ada", 400), ("member", "eve", 400)]);
    let upstream = Upstream::start(|_| Reply::ok());
    let more = "retention: {days: 365, archive: none, interval: 1s}".to_owned();
    let setup = Setup { data: Some(data.clone()), more, ..Setup::default() };
    let mut proxy = Proxy::with(upstream.address, &setup);
    // The second start as well, to which the first one's events are not so old.
    for _ in 0..2 {
        wait_until("it is told", || {
            let (status, text) = proxy.read("/readyz");
            status == 200 && text.contains("retention: clock")
        });
        assert!(rows_after(&data, 0).iter().any(|row| row.id == ids[0]));
        proxy.kill();
        proxy.restart();
    }
}

/// A bucket on loopback, which the real binary finds by its environment.
fn bucket() -> Upstream {
    let objects: Mutex<BTreeMap<String, Vec<u8>>> = Mutex::default();
    Upstream::start(move |seen| {
        let mut objects = objects.lock().unwrap();
        let line = seen.line().to_owned();
        let mut parts = line.split(' ');
        let (method, target) = (parts.next().unwrap(), parts.next().unwrap().to_owned());
        let answer = |body: &[u8]| {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: \"e\"\r\n\
                 Last-Modified: Wed, 01 Jan 2025 00:00:00 GMT\r\n\r\n"
            );
            Reply::Bytes([head.as_bytes(), body].concat())
        };
        if target.contains("list-type=2") {
            let object = |(name, bytes): (&String, &Vec<u8>)| {
                format!(
                    "<Contents><Key>{}</Key><LastModified>2025-01-01T00:00:00.000Z</LastModified>\
                     <ETag>e</ETag><Size>{}</Size></Contents>",
                    name.trim_start_matches("/audit/"),
                    bytes.len()
                )
            };
            let objects: String = objects.iter().map(object).collect();
            let text = format!(
                "<ListBucketResult><IsTruncated>false</IsTruncated>{objects}</ListBucketResult>"
            );
            return answer(text.as_bytes());
        }
        match method {
            "PUT" => {
                objects.insert(target, seen.body.clone());
                answer(b"")
            }
            _ => match objects.get(&target) {
                Some(bytes) => answer(bytes),
                None => Reply::response("404 Not Found", "text/plain", ""),
            },
        }
    })
}

#[test]
fn archives_in_a_bucket_are_found_by_the_environment() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let ids = write(&home.join("data"), &[("member", "ada", 40), ("member", "ada", 1)]);
    config(home, "{days: 30, archive: \"s3://audit/log\"}");
    let bucket = bucket();
    let run = |args: &[&str], endpoint: SocketAddr| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_countersign"));
        command.args(args).current_dir(home).env("AWS_ENDPOINT_URL", format!("http://{endpoint}"));
        for (name, value) in [
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "key"),
            ("AWS_SECRET_ACCESS_KEY", "the-secret-of-the-bucket"),
            ("AWS_REGION", "here"),
        ] {
            command.env(name, value);
        }
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    // Nobody is there, or it says no: nothing is deleted.
    let denied = Upstream::start(|_| Reply::response("403 Forbidden", "text/plain", ""));
    for endpoint in [free_address(), denied.address] {
        let (code, text) = run(&["retain", "--config", "c.yaml"], endpoint);
        assert_eq!(code, Some(1), "{text}");
        assert!(text.contains("could not be archived"), "{text}");
        assert!(!text.contains("the-secret-of-the-bucket"), "{text}");
        assert!(rows_after(&home.join("data"), 0).iter().any(|row| row.id == ids[0]));
    }
    let (code, text) = run(&["retain", "--config", "c.yaml"], bucket.address);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("archive: s3://audit/log"), "{text}");
    assert!(
        bucket.seen().iter().all(|seen| seen.line().contains("/audit/log/")),
        "{:?}",
        bucket.seen()
    );
    let signed = |seen: &Seen| {
        seen.header("authorization")
            .is_some_and(|it| it.starts_with("AWS4-HMAC-SHA256 Credential=key/"))
    };
    assert!(bucket.seen().iter().all(signed));
    let query = ["archive", "query", "--from", "s3://audit/log", "--id", &ids[0]];
    let (_, text) = run(&query, bucket.address);
    assert!(text.contains("member.create"), "{text}");
    let (code, text) =
        run(&["archive", "verify", "--from", "s3://audit/log", "--data", "data"], bucket.address);
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn a_ledger_is_carried_over_with_what_was_purged() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    write(&home.join("data"), &[("member", "ada", 40), ("member", "eve", 1)]);
    config(home, "{days: 30, archive: none}");
    assert!(countersign(home, &["retain", "--config", "c.yaml"]).0.status.success());
    for _ in 0..2 {
        let (output, text) =
            countersign(home, &["copy", "--from", "sqlite:data", "--to", "sqlite:new"]);
        assert!(output.status.success(), "{output:?}");
        assert!(
            text.contains("countersign: 5 entries, 2 of them purged; all hashes are the same"),
            "{text}"
        );
    }
    let shown = |data: &str| countersign(home, &["query", "--data", data, "--format", "json"]).1;
    assert!(shown("new").contains("eve"));
    assert_eq!(shown("new"), shown("data"));
    write(&home.join("other"), &[("member", "ada", 1)]);
    for (from, to, code, problem) in [
        ("sqlite:data", "sqlite:other", 1, "copy into an empty one"),
        ("sqlite:data", "sqlite:./data", 2, "the same ledger"),
        ("data", "sqlite:x", 2, "write `sqlite:DIR`"),
        ("sqlite:data", "postgres://host", 2, "no URL of a PostgreSQL database"),
        ("sqlite:nowhere", "sqlite:x", 1, "there is no ledger"),
    ] {
        let (output, _) = countersign(home, &["copy", "--from", from, "--to", to]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{from} {to}: {error}");
        assert!(error.contains(problem), "{from} {to}: {error}");
    }
}

#[test]
fn in_postgresql_it_is_the_same_and_a_log_goes_there_and_back() {
    let postgres = Postgres::start();
    let url = postgres.url("proxy", &postgres.ledger());
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let ids = write(
        &home.join("data"),
        &[("member", "ada", 400), ("member", "eve", 200), ("member", "ada", 1)],
    );
    config(home, "{days: 365, archive: first}");
    assert!(countersign(home, &["retain", "--config", "c.yaml"]).0.status.success());
    let carry_over = |from: &str, to: &str| {
        let (output, text) = countersign(home, &["copy", "--from", from, "--to", to]);
        assert!(output.status.success(), "{output:?}");
        text
    };
    for _ in 0..2 {
        let text = carry_over("sqlite:data", &url);
        assert!(text.contains("countersign: 7 entries, 2 of them purged"), "{text}");
    }
    // What was purged before, and what becomes due there.
    config_at(
        home,
        &format!("dir: pg, postgres: {{url: \"{url}\"}}"),
        "{days: 90, archive: second}",
    );
    let (output, text) = countersign(home, &["retain", "--config", "c.yaml", "--dry-run"]);
    assert!(text.contains("would purge 1 events"), "{text} {output:?}");
    let (output, text) = countersign(home, &["retain", "--config", "c.yaml"]);
    assert!(output.status.success(), "{output:?}");
    assert!(text.contains("purged 1 events, 2 entries"), "{text}");
    let (_, text) = countersign(home, &["query", "--config", "c.yaml"]);
    assert!(text.contains("ada ") && !text.contains("eve "), "{text}");
    let query = ["archive", "query", "--from", "second", "--id", &ids[1]];
    assert!(countersign(home, &query).1.contains("member.create"));
    for place in ["first", "second"] {
        let verify = ["archive", "verify", "--from", place, "--config", "c.yaml"];
        let (output, text) = countersign(home, &verify);
        assert!(output.status.success(), "{text}");
    }
    let text = carry_over(&url, "sqlite:back");
    assert!(text.contains("countersign: 8 entries, 4 of them purged"), "{text}");
}
