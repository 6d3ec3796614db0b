//! What needs no server; the rest is tested on real ones.

use super::super::files::DirLock;
use super::instance::Instance;
use super::{PostgresHost, PostgresTarget, PostgresTlsMode, sqlstate};

#[test]
fn errors_are_sorted_by_what_is_known_of_their_effect() {
    // Code, whether it ended the session, the reason, whether the effect is known.
    let rows: [(Option<&str>, bool, &str, bool); 27] = [
        (None, false, "uncertain", false),
        (Some("08006"), false, "uncertain", false),
        (Some("08P01"), true, "uncertain", false),
        (Some("40003"), false, "uncertain", false),
        (Some("57P01"), true, "uncertain", false),
        (Some("57P02"), true, "uncertain", false),
        (Some("57P01"), false, "uncertain", false),
        (Some("XX000"), false, "uncertain", false),
        (Some("25P03"), true, "uncertain", false),
        (Some("53100"), true, "uncertain", false),
        (Some("40001"), false, "busy", true),
        (Some("40P01"), false, "busy", true),
        (Some("55P03"), false, "busy", true),
        (Some("57014"), false, "busy", true),
        (Some("53100"), false, "disk_full", true),
        (Some("23505"), false, "rejected", true),
        (Some("23514"), false, "rejected", true),
        (Some("22P05"), false, "rejected", true),
        (Some("54000"), false, "rejected", true),
        (Some("P0001"), false, "rejected", true),
        (Some("42501"), false, "denied", true),
        (Some("CS001"), false, "superseded", true),
        (Some("25006"), false, "failed", true),
        (Some("53300"), false, "failed", true),
        (Some("26000"), false, "pooled", true),
        (Some("42P01"), false, "failed", true),
        (Some("?"), false, "failed", true),
    ];
    for (code, fatal, reason, known) in rows {
        let error = sqlstate::of_code(code, fatal, "".into());
        let found = (error.reason(), error.effect_is_known());
        assert_eq!(found, (reason, known), "{code:?}, fatal: {fatal}");
    }
    let lost = || sqlx::Error::Io(std::io::Error::other("lost"));
    assert!(!sqlstate::sort(lost(), true).effect_is_known(), "it may have been committed");
    assert!(sqlstate::sort(lost(), false).effect_is_known(), "it was not");
}

#[test]
fn a_url_says_that_nothing_lasts_longer_than_a_transaction() {
    for (url, lasts) in [
        ("postgres://me@db/x", true),
        ("postgres://me@db/x?prepared_statements=false", false),
        ("postgres://me@db/x?sslmode=disable&prepared_statements=true", true),
    ] {
        assert_eq!(PostgresTarget::parse(url).unwrap().prepared_statements, lasts, "{url}");
    }
    assert!(PostgresTarget::parse("postgres://me@db/x?prepared_statements=no").is_err());
}

#[test]
fn urls_that_are_understood() {
    let tcp = |host: &str, port| PostgresHost::Tcp(host.to_owned(), port);
    let socket = |port| PostgresHost::Socket("/run/postgresql".into(), port);
    let rows = [
        ("postgres://me@db/audit", vec![tcp("db", 5432)], "audit", None),
        ("postgresql://me:p%40s+s@db:6000", vec![tcp("db", 6000)], "me", Some("p@s+s")),
        (
            "postgres://me@a,b:1,[::1]:2/x",
            vec![tcp("a", 5432), tcp("b", 1), tcp("::1", 2)],
            "x",
            None,
        ),
        ("postgres://me@/x?host=/run/postgresql&port=7", vec![socket(7)], "x", None),
        ("postgres://me@%2Frun%2Fpostgresql/x", vec![socket(5432)], "x", None),
        ("postgres://me@", vec![tcp("localhost", 5432)], "me", None),
    ];
    for (url, hosts, database, password) in rows {
        let target = PostgresTarget::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(target.hosts, hosts, "{url}");
        assert_eq!((target.user.as_str(), target.database.as_str()), ("me", database), "{url}");
        let found = target.password.as_ref().map(|password| password.expose());
        assert_eq!(found, password, "{url}");
        let shown = format!("{target} {target:?}");
        assert!(!shown.contains("p@s+s") && !shown.contains("p%40"), "{shown}");
    }
}

#[test]
fn what_others_could_listen_in_on_is_protected_unless_said_otherwise() {
    use PostgresTlsMode::{Disable, Prefer, Require, VerifyCa, VerifyFull};
    for (url, expected) in [
        ("postgres://me@db/x", VerifyFull),
        ("postgres://me@localhost,db/x", VerifyFull),
        ("postgres://me@10.0.0.1/x", VerifyFull),
        ("postgres://me@localhost/x", Prefer),
        ("postgres://me@127.0.0.1,[::1]/x", Prefer),
        ("postgres://me@/x?host=/run/postgresql", Prefer),
        ("postgres://me@db/x?sslmode=disable", Disable),
        ("postgres://me@db/x?sslmode=require", Require),
        ("postgres://me@localhost/x?sslmode=verify-ca&sslrootcert=ca.pem", VerifyCa),
    ] {
        assert_eq!(PostgresTarget::parse(url).unwrap().tls, expected, "{url}");
    }
}

#[test]
fn urls_that_are_not_understood_are_not_repeated() {
    for url in [
        "mysql://me:hunter2@db/x",
        "me:hunter2@db/x",
        "postgres://db/hunter2",
        "postgres://:hunter2@db/x",
        "postgres://me:hunter2@db:x/y",
        "postgres://me:hunter2@db:0/y",
        "postgres://me:hunter2@[db]:1/y",
        "postgres://me:hunter2@db/y?sslmode=sometimes",
        "postgres://me:hunter2@db/y?options=-cx",
        "postgres://me:hunter2@db/y?sslcert=a",
        "postgres://me:hunter2@db/y?port=hunter2",
    ] {
        let error = PostgresTarget::parse(url).unwrap_err();
        assert!(!error.contains("hunter2") && !error.is_empty(), "{url}: {error}");
    }
}

#[test]
fn tokens_of_earlier_processes_count_until_the_claim_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let lock = DirLock::acquire(dir.path()).unwrap();
    let mut first = Instance::begin(dir.path(), &lock).unwrap();
    assert_eq!(first.known, [first.token.clone()]);
    first.claimed().unwrap();
    // One that ended before it could claim.
    let second = Instance::begin(dir.path(), &lock).unwrap();
    assert_eq!(second.known, [second.token.clone(), first.token.clone()]);
    let mut third = Instance::begin(dir.path(), &lock).unwrap();
    assert_eq!(third.known, [third.token.clone(), second.token, first.token]);
    third.claimed().unwrap();
    let fourth = Instance::begin(dir.path(), &lock).unwrap();
    assert_eq!(fourth.known, [fourth.token.clone(), third.token]);
    std::fs::write(dir.path().join("instance"), "anything\nelse").unwrap();
    assert_eq!(Instance::begin(dir.path(), &lock).unwrap().known.len(), 1);
}
