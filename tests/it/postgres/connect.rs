//! TLS, passwords, and that neither is told to anybody.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};

use countersign::store::{PostgresTarget, PostgresTlsMode, Store};

use crate::conformance::{intent, postgres_options};
use crate::support::{Authority, Postgres, Programs};

/// A server that wants TLS and a password of the login `proxy`.
fn strict(authority: &Authority) -> (Postgres, String) {
    let server = Postgres::start();
    let database = server.ledger();
    let pair = authority.issue("localhost");
    for (from, name) in [(&pair.certificate, "server.crt"), (&pair.key, "server.key")] {
        let file = server.data().join(name);
        fs::copy(from, &file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        if rustix::process::geteuid().is_root() {
            chown(&file, Some(65534), Some(65534)).unwrap();
        }
    }
    fs::write(
        server.data().join("pg_hba.conf"),
        "hostssl all proxy all scram-sha-256\nhost all postgres,owner all trust\n",
    )
    .unwrap();
    server.sql("postgres", "ALTER SYSTEM SET ssl = on");
    server.sql("postgres", "ALTER ROLE proxy PASSWORD 'hunter2'");
    server.sql("postgres", "SELECT pg_reload_conf()");
    (server, database)
}

#[tokio::test]
async fn a_server_must_prove_who_it_is_and_so_must_we() {
    let (authority, other) = (Authority::new("ours"), Authority::new("another"));
    let (server, database) = strict(&authority);
    let home = tempfile::tempdir().unwrap();
    let url = |user: &str| format!("postgres://{user}@localhost:{}/{database}", server.port);
    let mut target = PostgresTarget::parse(&url("proxy:hunter2")).unwrap();
    // Mode, authority, host, password: what comes of it.
    let rows: [(PostgresTlsMode, Option<&Authority>, &str, &str); 6] = [
        (PostgresTlsMode::VerifyFull, Some(&authority), "hunter2", ""),
        (PostgresTlsMode::VerifyFull, Some(&other), "hunter2", "connect"),
        (PostgresTlsMode::VerifyFull, None, "hunter2", "connect"),
        (PostgresTlsMode::Require, None, "hunter2", ""),
        (PostgresTlsMode::Disable, None, "hunter2", "connect"),
        (PostgresTlsMode::VerifyFull, Some(&authority), "wrong_one", "connect"),
    ];
    for (mode, authority, password, expected) in rows {
        target.tls = mode;
        target.ca = authority.map(|authority| authority.certificate().to_owned());
        target.password =
            PostgresTarget::parse(&url(&format!("proxy:{password}"))).unwrap().password;
        let options = postgres_options(&target, home.path(), "w");
        match options.clone().opener()().await {
            Ok(mut store) => {
                assert_eq!(expected, "", "{mode:?}");
                let head = store.head("w").await.unwrap();
                store.append("w", head + 1, &[intent()]).await.unwrap();
                store.close().await.unwrap();
            }
            Err(error) => {
                assert_eq!(error.reason(), expected, "{mode:?}: {error:?}");
                let said = format!("{error} {error:?} {options:?}");
                assert!(!said.contains(password), "{said}");
            }
        }
    }
    // The name in the certificate counts.
    let by_address = url("proxy:hunter2").replace("localhost", "127.0.0.1");
    let mut target = PostgresTarget::parse(&by_address).unwrap();
    target.ca = Some(authority.certificate().to_owned());
    for (mode, expected) in
        [(PostgresTlsMode::VerifyFull, Some("connect")), (PostgresTlsMode::VerifyCa, None)]
    {
        target.tls = mode;
        let opened = postgres_options(&target, home.path(), "w").opener()().await;
        assert_eq!(opened.err().map(|error| error.reason()), expected, "{mode:?}");
    }
}

#[tokio::test]
async fn what_a_server_says_of_values_is_not_repeated() {
    let server = Postgres::with(&Programs::newest(), &[]);
    let database = server.ledger();
    let home = tempfile::tempdir().unwrap();
    let options = postgres_options(&server.target("proxy", &database), home.path(), "w");
    let mut store: Box<dyn Store> = options.opener()().await.unwrap();
    // A constraint whose violation PostgreSQL reports with the whole row.
    server.sql(
        &database,
        "ALTER TABLE countersign.entries ADD CHECK (doc NOT LIKE '%planted%') NOT VALID",
    );
    let mut entry = intent();
    entry.doc = countersign::redact::Redacted::system(r#"{"a":"planted"}"#.to_owned());
    let error = store.append("w", 1, &[entry]).await.unwrap_err();
    assert_eq!(error.reason(), "rejected");
    let mut said = format!("{error} {error:?}");
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        said.push_str(&format!(" {cause} {cause:?}"));
        source = cause.source();
    }
    assert!(said.contains("constraint") && !said.contains("planted"), "{said}");
}
