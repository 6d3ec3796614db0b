//! What is done to tokens is on record, once, whatever happens.

use serde_json::json;

use super::Served;
use crate::access::{Access, Grant, Role};
use crate::clock::Clock as _;

const LIST: &str = "/v1/admin/audit";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_on_record_before_it_lets_anybody_in() {
    let served = Served::new().await;
    let grant = Grant::within(Role::Admin, [("pool".to_owned(), "blue".to_owned())]).unwrap();
    let token = served.unrecorded("ci", grant);
    let raw = rusqlite::Connection::open(served.file("ledger.db")).unwrap();
    let refuse =
        "CREATE TRIGGER full BEFORE INSERT ON entries BEGIN SELECT RAISE(ABORT, 'full'); END";
    raw.execute_batch(refuse).unwrap();
    assert_eq!(served.ask_as(&token, LIST).await.status, 503, "it cannot be recorded");
    assert_eq!(served.ask(LIST).await.status, 200, "others read on");
    raw.execute_batch("DROP TRIGGER full").unwrap();
    assert_eq!(served.ask_as(&token, LIST).await.status, 200);
    let now = served.clock.now();
    assert!(Access::open(served.path()).unwrap().revoke("ci", now).unwrap());
    assert_eq!(served.ask_as(&token, LIST).await.status, 401);

    let made = served.recorded("audit.token_create").await;
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(made[0]["targets"][0]["name"], json!("ci"));
    assert_eq!(made[0]["metadata"]["scopes"], json!({"pool": ["blue"]}));
    assert!(made[0]["actor"]["id"].as_str().unwrap().starts_with("uid:"));
    let revoked = served.recorded("audit.token_revoke").await;
    assert_eq!((revoked.len(), &revoked[0]["outcome"]), (1, &json!("success")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_between_ledger_and_note_records_nothing_twice() {
    let served = Served::new().await;
    let token = served.unrecorded("ci", Grant::owner());
    assert_eq!(served.ask_as(&token, LIST).await.status, 200);
    // As it is where the process ended before it could take note.
    let raw = rusqlite::Connection::open(served.file("access.db")).unwrap();
    raw.execute("UPDATE changes SET recorded = 0 WHERE tried IS NOT NULL", []).unwrap();
    assert_eq!(served.ask_as(&token, LIST).await.status, 200);
    assert_eq!(served.recorded("audit.token_create").await.len(), 1);
    let left: i64 = raw
        .query_row("SELECT count(*) FROM changes WHERE recorded = 0", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
}
