//! Every version of PostgreSQL that is supported, from packages of its programs.

use std::path::Path;

use super::readers::readers_come_and_go;
use crate::conformance::{Ledger, cases};
use crate::support::{Postgres, Programs};

async fn conforms(version: u32) {
    let dir = Path::new("target/postgres").join(version.to_string()).join("native");
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    assert!(
        dir.join("bin/postgres").exists(),
        "PostgreSQL {version} is missing: run `scripts/install-deps.sh test`"
    );
    let server = Postgres::with(&Programs::of_package(&dir), &[]);
    let known = server.sql("postgres", "SHOW server_version_num");
    assert_eq!(known.parse::<u32>().unwrap() / 10_000, version);
    cases::all(&|| Ledger::postgres(server.target("proxy", &server.ledger()))).await;
    readers_come_and_go(&server).await;
}

#[tokio::test]
async fn postgresql_14() {
    conforms(14).await;
}

#[tokio::test]
async fn postgresql_15() {
    conforms(15).await;
}

#[tokio::test]
async fn postgresql_16() {
    conforms(16).await;
}

#[tokio::test]
async fn postgresql_17() {
    conforms(17).await;
}
