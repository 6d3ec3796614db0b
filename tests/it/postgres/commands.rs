//! The command line on a ledger in PostgreSQL.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::{post, setup};
use crate::support::{Postgres, Proxy, Reply, Setup, Upstream, exchange};

fn countersign(args: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_countersign")).args(args).current_dir(dir).output().unwrap()
}

#[track_caller]
fn fine(args: &[&str], dir: &Path) -> String {
    let output = countersign(args, dir);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_that_reads_finds_a_ledger_in_postgresql() {
    let server = Postgres::start();
    let database = server.ledger();
    let upstream = Upstream::start(|_| Reply::ok());
    let url = server.url("proxy", &database);
    let proxy = Proxy::with(upstream.address, &setup(&url, ""));
    assert_eq!(exchange(proxy.address, &post("/users")).status, 200);
    let home = tempfile::tempdir().unwrap();
    let config = proxy.config();
    let config = config.to_str().unwrap();
    for at in [["--ledger", &url], ["--config", config]] {
        let events = fine(
            &["query", "--format", "ndjson", "--action", "user.create", at[0], at[1]],
            home.path(),
        );
        assert_eq!(events.lines().count(), 1, "{at:?}: {events}");
        let coverage = fine(&["coverage", "--json", at[0], at[1]], home.path());
        assert!(coverage.contains("/users"), "{at:?}: {coverage}");
        let file = format!("{}.ndjson", at[0]);
        fine(
            &["export", "--format", "ndjson", "--output", &format!("./{file}"), at[0], at[1]],
            home.path(),
        );
        let exported = fs::read_to_string(home.path().join(&file)).unwrap();
        assert!(exported.contains("\"/users\""), "{exported}");
    }
    let exports = fine(&["query", "--action", "audit.export", "--ledger", &url], home.path());
    assert_eq!(exports.matches("audit.export").count(), 2, "they are on record: {exports}");
    // A ledger's own index in the directory is not taken for another's.
    fs::create_dir(home.path().join("other")).unwrap();
    fs::write(home.path().join("other/ledger.db"), "").unwrap();
    let args = ["query", "--format", "ndjson", "--data", "other", "--ledger", &url];
    assert!(fine(&args, home.path()).lines().count() > 1);
    assert!(!home.path().join("other/index.db").exists());
    // What is wrong is said without the password.
    for (wrong, remedy) in [
        ("postgres://me:hunter2@127.0.0.1:1/x", "cannot connect"),
        ("postgres://me:hunter2@127.0.0.1:x/x", "host:port"),
        ("mysql://me:hunter2@127.0.0.1/x", "postgres://"),
    ] {
        let output = countersign(&["query", "--ledger", wrong], home.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(remedy), "{said}");
        assert!(!said.contains("hunter2"), "{said}");
    }
    let args = ["export", "--format", "csv", "-o", "x.csv", "--url", "http://a", "--ledger", &url];
    assert_eq!(countersign(&args, home.path()).status.code(), Some(2));
}

#[test]
fn a_schema_is_made_printed_and_given_to_readers() {
    let server = Postgres::start();
    let home = tempfile::tempdir().unwrap();
    let database = server.database();
    let owner = server.url("owner", &database);
    let first = fine(&["migrate", "--url", &owner], home.path());
    assert!(first.contains("version 1; it was at 0"), "{first}");
    let again = fine(&["migrate", "--url", &owner], home.path());
    assert!(again.contains("already"), "{again}");
    // The SQL that is printed makes the same.
    let printed = server.database();
    let sql = home.path().join("schema.sql");
    fs::write(&sql, fine(&["migrate", "--print"], home.path())).unwrap();
    let made = Command::new("psql")
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &server.url("owner", &printed), "-f"])
        .arg(&sql)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let shape = "SELECT string_agg(concat_ws(' ', table_name, column_name, data_type), ',' \
                 ORDER BY table_name, column_name) FROM information_schema.columns \
                 WHERE table_schema = 'countersign'";
    assert_eq!(server.sql(&database, shape), server.sql(&printed, shape));
    let grants = "SELECT string_agg(concat_ws(' ', grantee, table_name, privilege_type), ',' ORDER BY \
                  grantee, table_name, privilege_type) FROM information_schema.role_table_grants \
                  WHERE table_schema = 'countersign'";
    assert_eq!(server.sql(&database, grants), server.sql(&printed, grants));
    // Readers.
    server.sql("postgres", "CREATE ROLE ada LOGIN");
    let reader = ["migrate", "--url", &owner, "--reader", "ada"];
    assert!(!countersign(&reader, home.path()).status.success(), "of what?");
    for wrong in ["blue", "=blue", "pool=", "Pool=blue"] {
        let output = countersign(&[&reader[..], &["--scope", wrong]].concat(), home.path());
        assert!(String::from_utf8_lossy(&output.stderr).contains("--scope"), "{output:?}");
        assert!(output.stdout.is_empty(), "nothing was done: {output:?}");
    }
    fine(&[&reader[..], &["--scope", "pool=blue", "--scope", "pool=red"]].concat(), home.path());
    let scopes = "SELECT scopes FROM countersign.readers WHERE login = 'ada'";
    assert_eq!(server.sql(&database, scopes), r#"{"pool": ["blue", "red"]}"#);
    fine(&[&reader[..], &["--all-scopes"]].concat(), home.path());
    assert_eq!(server.sql(&database, scopes), "");
    // An export is on record, which a login that only reads cannot see to.
    let ada = server.url("ada", &database);
    fine(&["query", "--ledger", &ada], home.path());
    let output =
        countersign(&["export", "--format", "csv", "-o", "x", "--ledger", &ada], home.path());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("cannot record it"), "{said}");
    assert!(!home.path().join("x").exists());
    for wrong in ["mysql://me:hunter2@127.0.0.1/x", "audit", "postgres://me:hunter2@127.0.0.1:x/x"]
    {
        let output = countersign(&["migrate", "--url", wrong], home.path());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("`--url`") && !said.contains("hunter2"), "{said}");
    }
    server
        .sql("postgres", "CREATE DATABASE latin OWNER owner ENCODING 'LATIN1' TEMPLATE template0");
    let output = countersign(&["migrate", "--url", &server.url("owner", "latin")], home.path());
    assert!(String::from_utf8_lossy(&output.stderr).contains("server_encoding"), "{output:?}");
    assert_eq!(server.sql("latin", "SELECT to_regnamespace('countersign')"), "");
    let nobody = ["migrate", "--url", &owner, "--reader", "nobody", "--all-scopes"];
    let output = countersign(&nobody, home.path());
    assert!(String::from_utf8_lossy(&output.stderr).contains("must exist"));
}

#[test]
fn run_makes_the_schema_in_an_empty_database_of_its_own_and_tells_no_password() {
    let server = Postgres::start();
    let database = server.database();
    let upstream = Upstream::start(|_| Reply::ok());
    let url = server.url("owner:hunter2", &database);
    let ledger = format!("  postgres: {{url: \"{url}\"}}");
    let proxy = Proxy::with(upstream.address, &Setup { ledger, ..Setup::default() });
    assert_eq!(exchange(proxy.address, &post("/users")).status, 200);
    assert_eq!(proxy.events().len(), 1);
    assert!(proxy.log().contains("made the ledger's schema"), "{}", proxy.log());
    assert!(proxy.log().contains(&format!("postgres://owner@127.0.0.1:{}", server.port)));
    assert!(!proxy.log().contains("hunter2"));
    let metrics = proxy.read("/metrics").1;
    assert!(!metrics.contains("hunter2"));
    let token = fs::read_to_string(proxy.data().join("bootstrap.token")).unwrap();
    let request = format!(
        "GET /audit/settings HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
         Connection: close\r\n\r\n",
        proxy.reading,
        token.trim()
    );
    let page = exchange(proxy.reading, request.as_bytes()).text();
    assert!(page.contains("postgres://owner@"), "{page}");
    assert!(!page.contains("hunter2"));
    // A proxy that finds no schema where it may make none says what to do.
    let empty = server.database();
    let home = tempfile::tempdir().unwrap();
    let args = ["run", "--upstream", "http://127.0.0.1:1", "--listen", "127.0.0.1:0"];
    let args = [&args[..], &["--reading", "127.0.0.1:0", "--ledger", &server.url("proxy", &empty)]];
    let output = countersign(&args.concat(), home.path());
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("countersign migrate"), "{said}");
}
