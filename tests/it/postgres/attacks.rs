//! What somebody does who has every right in the database, and what `verify` says of it, with the seals
//! beside the proxy.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use countersign::seal::SigningKey;

use super::{post, setup, wait_ready};
use crate::support::{Postgres, Proxy, Reply, Upstream, exchange, wait_until};

/// A ledger that was written and sealed by a proxy that has stopped.
struct Sealed {
    server: Postgres,
    database: String,
    home: tempfile::TempDir,
    /// The last number.
    head: u64,
}

impl Sealed {
    fn new() -> Self {
        let server = Postgres::start();
        let database = server.ledger();
        let home = tempfile::tempdir().unwrap();
        let upstream = Upstream::start(|_| {
            Reply::response("201 Created", "application/json", r#"{"state":"made"}"#)
        });
        let mut setup = setup(&server.url("proxy", &database), "");
        setup.more = format!("seal: {{file: \"{}\"}}", home.path().join("published").display());
        let mut proxy = Proxy::with(upstream.address, &setup);
        for n in 0..8 {
            assert_eq!(exchange(proxy.address, &post(&format!("/things/{n}"))).status, 201);
        }
        let published = home.path().join("published");
        wait_until("something is sealed", || published.exists());
        // The rest is, at its end.
        proxy.signal("TERM");
        proxy.wait();
        let files = [proxy.data(), home.path().join("data")];
        let copied = Command::new("cp").arg("-a").args(files).status();
        assert!(copied.unwrap().success());
        let sql = "SELECT max(seq) FROM countersign.entries WHERE writer = 'one'";
        let head = server.sql(&database, sql).parse().unwrap();
        Self { server, database, home, head }
    }

    /// A copy of the database in which nothing hinders anybody, and of what it held.
    fn copy(&self) -> String {
        let copy = self.server.database();
        self.server.sql("postgres", &format!("DROP DATABASE {copy}"));
        self.server.sql("postgres", &format!("CREATE DATABASE {copy} TEMPLATE {}", self.database));
        self.server.sql(
            &copy,
            "DO $$ DECLARE c record; BEGIN \
               FOR c IN SELECT conname FROM pg_constraint \
                        WHERE conrelid = 'countersign.entries'::regclass AND contype IN ('c', 'p') \
               LOOP EXECUTE format('ALTER TABLE countersign.entries DROP CONSTRAINT %I', c.conname); \
               END LOOP; \
               FOR c IN SELECT attname FROM pg_attribute \
                        WHERE attrelid = 'countersign.entries'::regclass AND attnotnull AND attnum > 0 \
               LOOP EXECUTE format('ALTER TABLE countersign.entries ALTER %I DROP NOT NULL', c.attname); \
               END LOOP; END $$; \
             DROP INDEX countersign.entries_one_completion; \
             CREATE TABLE entries AS SELECT * FROM countersign.entries; \
             CREATE TABLE writers AS SELECT * FROM countersign.writers;",
        );
        copy
    }

    /// Makes these changes to such a copy, and none from before.
    fn attack(&self, copy: &str, sql: &str) {
        let anew = "SET session_replication_role = replica; \
            TRUNCATE countersign.entries, countersign.writers, countersign.purged; \
            INSERT INTO countersign.entries SELECT * FROM entries; \
            INSERT INTO countersign.writers SELECT * FROM writers;";
        self.server.sql(copy, &format!("{anew} {sql}"));
    }

    /// What verification says of a database: code and text, with these arguments.
    fn verify(&self, database: &str, more: &[&str]) -> (Option<i32>, String) {
        let url = self.server.url("proxy", database);
        let data = self.path("data");
        let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["verify", "--ledger", &url, "--data", data.to_str().unwrap()])
            .args(more)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// The number of an entry of the middle that is of this kind.
    fn one(&self, condition: &str) -> u64 {
        let sql = format!(
            "SELECT min(seq) FROM countersign.entries WHERE writer = 'one' AND seq > 6 AND {condition}"
        );
        self.server.sql(&self.database, &sql).parse().unwrap()
    }
}

/// Writes the right hash beside every document.
const REHASH: &str =
    "UPDATE countersign.entries SET leaf = sha256('\\x00'::bytea || convert_to(doc, 'UTF8'));";

/// What can be done to one entry: statements, and how it is named.
fn attacks_on(sealed: &Sealed, seq: u64) -> Vec<(String, String)> {
    let mut attacks = Vec::new();
    for change in [
        "writer = 'somebody else'",
        "seq = 1000",
        "kind = CASE kind WHEN 'intent' THEN 'completion' ELSE 'intent' END",
        "kind = 'neither'",
        "id = '01234567-0123-7123-8123-0123456789ab'",
        "intent = CASE WHEN intent IS NULL THEN 3 END",
        "scope = '{\"pool\":\"mine\"}'",
        "doc = doc || ' '",
        "doc = NULL",
        "scope = NULL",
        "kind = NULL",
        "leaf = NULL",
        "doc = replace(doc, '20', '21')",
        "leaf = decode(repeat('00', 32), 'hex')",
        "leaf = ''",
        "at = at - interval '1 year'",
        "at = at - interval '1 hour'",
        "id = gen_random_uuid()",
    ] {
        let sql = format!(
            "UPDATE countersign.entries SET {change} WHERE writer = 'one' AND seq = {seq};"
        );
        let named = match change.split_once(" = ") {
            Some((column @ ("id" | "at" | "scope" | "kind"), value)) if value != "NULL" => {
                format!("entry {seq}: the column `{column}` does not say what the document says")
            }
            _ => format!("entry {seq}"),
        };
        attacks.push((sql, named));
    }
    let delete = format!("DELETE FROM countersign.entries WHERE writer = 'one' AND seq = {seq};");
    attacks.push((delete.clone(), format!("entry {seq} is missing")));
    let rewritten = format!(
        "UPDATE countersign.entries SET doc = replace(doc, 'e', 'E') WHERE seq = {seq}; {REHASH}"
    );
    attacks.push((rewritten, format!("entry {seq}")));
    // Said to be purged, which no event of a purge says.
    let purged = format!(
        "INSERT INTO countersign.purged SELECT writer, seq, leaf, {} FROM countersign.entries \
         WHERE writer = 'one' AND seq = {seq}; {delete}",
        sealed.head
    );
    attacks.push((purged, seq.to_string()));
    attacks
}

/// What can be done to the order of entries.
fn attacks_on_order(sealed: &Sealed, one: u64) -> Vec<(String, String)> {
    let mut attacks = Vec::new();
    let (head, last) = (sealed.head, sealed.head - 1);
    attacks.push((
        format!(
            "DELETE FROM countersign.entries WHERE writer = 'one' AND seq > {last}; \
             UPDATE countersign.writers SET head = {last};"
        ),
        format!("entry {head} is missing"),
    ));
    attacks.push((
        "TRUNCATE countersign.entries; DELETE FROM countersign.writers;".to_owned(),
        format!("entries 1 to {head} are missing"),
    ));
    let other = sealed.one(&format!("kind = 'intent' AND seq > {one}"));
    attacks.push((
        format!(
            "UPDATE countersign.entries SET seq = {one} + {other} - seq WHERE seq IN ({one}, {other}); \
             UPDATE countersign.entries SET intent = {one} + {other} - intent \
                 WHERE intent IN ({one}, {other});"
        ),
        format!("entry {one}"),
    ));
    attacks.push((
        format!(
            "UPDATE countersign.entries SET seq = seq + 1 WHERE seq > {one}; \
             UPDATE countersign.entries SET intent = intent + 1 WHERE intent > {one}; \
             UPDATE countersign.writers SET head = head + 1; \
             INSERT INTO countersign.entries (writer, seq, kind, id, intent, scope, doc, leaf, at) \
             SELECT writer, {one} + 1, kind, id, intent, scope, doc, leaf, at \
             FROM countersign.entries WHERE seq = {one};"
        ),
        format!("entry {}", one + 1),
    ));
    attacks
}

#[test]
fn every_change_that_an_owner_of_the_database_makes_is_found_and_named() {
    let sealed = Sealed::new();
    let (code, text) = sealed.verify(&sealed.database, &[]);
    assert_eq!(code, Some(0), "{text}");
    let kinds =
        [sealed.one("kind = 'intent'"), sealed.one("kind = 'completion' AND intent IS NOT NULL")];
    let attacks = kinds.into_iter().flat_map(|seq| attacks_on(&sealed, seq));
    let attacks: Vec<_> = attacks
        .chain(attacks_on_order(&sealed, kinds[0]))
        .chain(inserted(kinds[0], sealed.head))
        .collect();
    let copy = sealed.copy();
    for (sql, named) in attacks {
        sealed.attack(&copy, &sql);
        let (code, text) = sealed.verify(&copy, &[]);
        assert_eq!(code, Some(1), "{sql}: {text}");
        let mut parts = text.split(&named).skip(1);
        let is_named = parts.any(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()));
        assert!(is_named, "{sql}: {named}: {text}");
    }
}

/// Rows where no count looks, and a second one of a number that is there.
fn inserted(one: u64, head: u64) -> Vec<(String, String)> {
    let rows = [
        ("'nobody'", "1".to_owned(), "at", "a row with the number 1".to_owned()),
        ("writer", "-3".to_owned(), "at", "a row with the number -3".to_owned()),
        ("writer", (head + 1).to_string(), "at", format!("a row with the number {}", head + 1)),
        (
            "writer",
            "seq".to_owned(),
            "at - interval '1 hour'",
            format!("entry {one}: the column `at` does not say"),
        ),
    ];
    let insert = |(writer, seq, at, named): (&str, String, &str, String)| {
        let sql = format!(
            "INSERT INTO countersign.entries (writer, seq, kind, id, intent, scope, doc, leaf, at) \
             SELECT {writer}, {seq}, kind, id, intent, scope, doc, leaf, {at} \
             FROM countersign.entries WHERE writer = 'one' AND seq = {one};"
        );
        (sql, named)
    };
    rows.into_iter().map(insert).collect()
}

#[test]
fn a_changed_count_is_named_and_accuses_no_entry() {
    let sealed = Sealed::new();
    let copy = sealed.copy();
    let head = sealed.head;
    let (more, less, far) = (head + 2, head - 2, head + 90);
    let far_row = format!(
        "INSERT INTO countersign.entries (writer, seq, kind, id, intent, scope, doc, leaf, at) \
         SELECT writer, {far}, kind, id, intent, scope, doc, leaf, at \
         FROM countersign.entries WHERE writer = 'one' AND seq = {head};"
    );
    let rows = [
        (
            "DELETE FROM countersign.writers WHERE writer = 'one';".to_owned(),
            "the table `writers` counts 0 entries".to_owned(),
        ),
        (
            format!("UPDATE countersign.writers SET head = {less} WHERE writer = 'one';"),
            format!("the table `writers` counts {less} entries"),
        ),
        (
            format!("UPDATE countersign.writers SET head = {more} WHERE writer = 'one';"),
            format!("counts {more} entries of this log, but there are {head}"),
        ),
        (far_row, format!("a row with the number {far} is in no log")),
    ];
    for (sql, named) in rows {
        sealed.attack(&copy, &sql);
        let (code, text) = sealed.verify(&copy, &[]);
        assert_eq!(code, Some(1), "{sql}: {text}");
        assert!(text.contains(&named), "{sql}: {named}: {text}");
        assert!(!text.contains("missing"), "{sql}: {text}");
    }
    // Both the count and the rows at the end: these are missed.
    let cut = format!(
        "DELETE FROM countersign.entries WHERE writer = 'one' AND seq > {less}; \
         DELETE FROM countersign.writers WHERE writer = 'one';"
    );
    sealed.attack(&copy, &cut);
    let (code, text) = sealed.verify(&copy, &[]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&format!("entries {} to {head} are missing", less + 1)), "{text}");
}

#[test]
fn a_row_that_is_put_behind_the_log_of_a_running_proxy_is_never_sealed() {
    let server = Postgres::start();
    let database = server.ledger();
    let upstream = Upstream::start(|_| Reply::response("201 Created", "application/json", "{}"));
    let proxy = Proxy::with(upstream.address, &setup(&server.url("proxy", &database), ""));
    assert_eq!(exchange(proxy.address, &post("/things/1")).status, 201);
    let sealing = || {
        serde_json::from_str::<serde_json::Value>(&proxy.read("/readyz").1).unwrap()["sealing"]
            .clone()
    };
    wait_until("all is sealed", || sealing()["unsealed"] == 0);
    server.sql(
        &database,
        "SET session_replication_role = replica; \
         INSERT INTO countersign.entries (writer, seq, kind, id, intent, scope, doc, leaf, at) \
         SELECT e.writer, w.head + 1, e.kind, e.id, e.intent, e.scope, e.doc, e.leaf, e.at \
         FROM countersign.entries e JOIN countersign.writers w USING (writer) WHERE e.seq = 1; \
         UPDATE countersign.writers SET head = head + 1;",
    );
    exchange(proxy.address, &post("/things/2"));
    wait_until("it is noticed", || sealing()["state"] == "foreign");
    wait_ready(&proxy);
    assert_eq!(exchange(proxy.address, &post("/things/3")).status, 201);
    let url = server.url("proxy", &database);
    let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["verify", "--ledger", &url, "--data", proxy.data().to_str().unwrap()])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("of the same event as entry 1, and not its completion"), "{text}");
    assert!(text.contains("is not what the proxy has written whose log it is"), "{text}");
}

#[test]
fn an_old_copy_and_another_key_are_found_with_what_was_kept_elsewhere() {
    let sealed = Sealed::new();
    let data = sealed.path("data");
    let shown = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["keys", "show", "--data", data.to_str().unwrap()])
        .output()
        .unwrap();
    let trusted = String::from_utf8(shown.stdout).unwrap().trim().to_owned();
    let published = sealed.path("published");
    let published = published.to_str().unwrap();
    // The whole database of yesterday, with the seals of then: in itself that is whole.
    let old = sealed.copy();
    let cut =
        "DELETE FROM countersign.entries WHERE seq > 4; UPDATE countersign.writers SET head = 4;";
    sealed.attack(&old, cut);
    fs::remove_file(data.join("seal.db")).unwrap();
    let (code, text) = sealed.verify(&old, &["--key", &trusted]);
    assert!(code != Some(0) || !text.contains("proven"), "{text}");
    let (code, text) = sealed.verify(&old, &["--key", &trusted, "--checkpoint", published]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("entries 5 to ") || text.contains("truncated"), "{text}");
    // What was published is enough to know that nothing has changed.
    let (code, text) =
        sealed.verify(&sealed.database, &["--key", &trusted, "--checkpoint", published]);
    assert_eq!(code, Some(0), "{text}");
    // Another key, in the place of the one that signed.
    let other = SigningKey::generate("another.example.com").unwrap();
    fs::write(data.join("signing.key"), other.text().as_bytes()).unwrap();
    let (code, text) = sealed.verify(&sealed.database, &["--checkpoint", published]);
    assert_eq!(code, Some(1), "{text}");
}

#[test]
fn a_replaced_key_is_found_by_what_stands_in_the_published_file() {
    let sealed = Sealed::new();
    let config = sealed.path("c.yaml");
    let text = format!(
        "upstreams: {{app: \"http://127.0.0.1:9\"}}\nledger:\n  dir: \"{}\"\n  postgres: {{url: \"{}\"}}\n\
         seal: {{file: \"{}\"}}\n",
        sealed.path("data").display(),
        sealed.server.url("proxy", &sealed.database),
        sealed.path("published").display(),
    );
    fs::write(&config, text).unwrap();
    let verify = || {
        let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
            .args(["verify", "--config", config.to_str().unwrap()])
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let (code, text) = verify();
    assert_eq!(code, Some(0), "{text}");
    // Nobody has chosen a name, so that the other key has another one.
    let name = SigningKey::random_name().unwrap();
    let other = SigningKey::generate(&name).unwrap();
    fs::write(sealed.path("data/signing.key"), other.text().as_bytes()).unwrap();
    fs::remove_file(sealed.path("data/seal.db")).unwrap();
    let (code, text) = verify();
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("the key was replaced"), "{text}");
}
