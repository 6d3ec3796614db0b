//! What each role may do, and what nobody may.

use countersign::record::{Entry, Scope};
use countersign::store::{Store, migrate, set_reader};

use crate::conformance::{completion, intent, postgres_options};
use crate::support::Postgres;

/// A ledger with three events: of the pools blue and green, and of none.
pub(super) async fn filled(server: &Postgres) -> String {
    let database = server.ledger();
    let home = tempfile::tempdir().unwrap();
    let options = postgres_options(&server.target("proxy", &database), home.path(), "w");
    let mut store: Box<dyn Store> = options.opener()().await.unwrap();
    let scopes = ["blue", "green", "\0"].map(|pool| [("pool".to_owned(), pool.to_owned())]);
    let mut entries: Vec<Entry> =
        scopes.into_iter().map(|scope| Entry { scope: Scope::from(scope), ..intent() }).collect();
    entries.push(intent());
    let done = completion(&entries[0], 1);
    entries.push(done);
    store.append("w", 1, &entries).await.unwrap();
    store.close().await.unwrap();
    database
}

/// Statements by which somebody would change or lose what is on record.
const FORBIDDEN: [&str; 14] = [
    "UPDATE countersign.entries SET doc = '{}'",
    "UPDATE countersign.entries SET seq = 7 WHERE seq = 1",
    "DELETE FROM countersign.entries",
    "DELETE FROM countersign.entries WHERE seq = 5",
    "TRUNCATE countersign.entries",
    "TRUNCATE countersign.entries_rest",
    "TRUNCATE countersign.entries CASCADE",
    "DELETE FROM countersign.writers",
    "TRUNCATE countersign.writers",
    "UPDATE countersign.writers SET head = head - 1",
    "UPDATE countersign.writers SET closed = -1",
    "INSERT INTO countersign.entries SELECT * FROM countersign.entries ON CONFLICT DO NOTHING; \
     UPDATE countersign.entries SET doc = doc",
    "MERGE INTO countersign.entries e USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
    "WITH gone AS (DELETE FROM countersign.entries RETURNING *) SELECT count(*) FROM gone",
];

/// And others that only the owner could.
const FOR_THE_OWNER_ALONE: [&str; 16] = [
    "DROP TABLE countersign.entries",
    "ALTER TABLE countersign.entries DISABLE TRIGGER ALL",
    "ALTER TABLE countersign.entries DETACH PARTITION countersign.entries_rest",
    "ALTER TABLE countersign.entries DISABLE ROW LEVEL SECURITY",
    "DROP TRIGGER no_update ON countersign.entries",
    "CREATE TABLE countersign.mine (n int)",
    "CREATE FUNCTION countersign.sees(text) RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "INSERT INTO countersign.writers VALUES ('x', 0, 0, 1, '', '', '', now())",
    "INSERT INTO countersign.purged VALUES ('w', 1, decode(repeat('00', 32), 'hex'), 1)",
    "INSERT INTO countersign.readers VALUES (session_user, NULL)",
    "UPDATE countersign.readers SET scopes = NULL",
    "INSERT INTO countersign.migrations VALUES (9, 9)",
    "UPDATE countersign.writers SET epoch = epoch + 1",
    "SET session_replication_role = replica",
    "SET ROLE owner",
    "SET SESSION AUTHORIZATION owner",
];

#[tokio::test]
async fn no_role_changes_or_deletes_what_is_on_record() {
    let server = Postgres::start();
    let database = filled(&server).await;
    server.sql("postgres", "CREATE ROLE ada LOGIN; CREATE ROLE stranger LOGIN");
    set_reader(&server.target("owner", &database), "ada", None).await.unwrap();
    let all = "SELECT md5(string_agg(e::text, ',' ORDER BY seq)) FROM countersign.entries e";
    let before = server.sql(&database, all);
    for sql in FORBIDDEN {
        for login in ["owner", "proxy", "ada", "stranger"] {
            let error = server.try_sql(login, &database, sql).unwrap_err();
            let said = match login {
                "owner" => ["append-only", "violates", "is not supported"],
                _ => ["permission denied", "must be owner", "is not supported"],
            };
            // MERGE is younger than the oldest version.
            let said = said.iter().any(|text| error.contains(text)) || error.contains("MERGE");
            assert!(said, "{login}: {sql}: {error}");
        }
    }
    for sql in FOR_THE_OWNER_ALONE {
        for login in ["proxy", "ada", "stranger"] {
            let error = server.try_sql(login, &database, sql).unwrap_err();
            assert!(error.contains("ERROR"), "{login}: {sql}: {error}");
        }
    }
    assert_eq!(server.sql(&database, all), before);
    // A reader cannot do what a proxy can, and a stranger nothing at all.
    for (login, function) in [
        ("ada", "claim('x', '{}', 'x', 'x', 'x', 0, 0)"),
        ("ada", "take_over('w', 0)"),
        ("ada", "beat('w', 1, 5, 0)"),
        ("ada", "release('w', 1)"),
        ("ada", "make_partitions(9)"),
        ("ada", "append('w', 2, 5, '{}', '{}', '{}', '{}', '{}', '{}')"),
        ("stranger", "my_view()"),
    ] {
        let sql = format!("SELECT countersign.{function}");
        let error = server.try_sql(login, &database, &sql).unwrap_err();
        assert!(error.contains("permission denied"), "{login}: {sql}: {error}");
    }
    let error = server.try_sql("stranger", &database, "SELECT * FROM countersign.entries");
    assert!(error.unwrap_err().contains("permission denied"));
}

#[tokio::test]
async fn a_purged_entry_can_be_deleted_and_only_with_its_own_leaf() {
    let server = Postgres::start();
    let database = filled(&server).await;
    let purge = |leaf: &str| {
        format!(
            "INSERT INTO countersign.purged SELECT writer, seq, {leaf}, 9 \
             FROM countersign.entries WHERE seq = 2"
        )
    };
    let delete = "DELETE FROM countersign.entries WHERE seq = 2";
    server.sql(&database, &purge("decode(repeat('00', 32), 'hex')"));
    let error = server.try_sql("owner", &database, delete).unwrap_err();
    assert!(error.contains("append-only"), "{error}");
    let database = filled(&server).await;
    server.sql(&database, &purge("leaf"));
    server.sql(&database, delete);
    let left = "SELECT string_agg(seq::text, ',' ORDER BY seq) FROM countersign.entries";
    assert_eq!(server.sql(&database, left), "1,3,4,5");
    for sql in ["UPDATE countersign.purged SET by = 1", "DELETE FROM countersign.purged"] {
        let error = server.try_sql("owner", &database, sql).unwrap_err();
        assert!(error.contains("append-only"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn migrations_are_made_once_and_what_does_not_fit_is_refused() {
    let server = Postgres::start();
    let database = server.database();
    let (owner, proxy) = (server.target("owner", &database), server.target("proxy", &database));
    let home = tempfile::tempdir().unwrap();
    let options = postgres_options(&proxy, home.path(), "w");
    let error = options.clone().opener()().await.err().unwrap();
    assert_eq!(error.reason(), "missing");
    assert!(error.to_string().contains("countersign migrate"), "{error}");
    // All at once, as several that are started together.
    let together = tokio::join!(migrate(&owner), migrate(&owner), migrate(&owner), migrate(&owner));
    let done = [together.0, together.1, together.2, together.3].map(Result::unwrap);
    assert_eq!(done.iter().filter(|done| done.from == 0).count(), 1, "{done:?}");
    assert!(done.iter().all(|done| done.to == 1 && done.roles), "{done:?}");
    let error = options.clone().opener()().await.err().unwrap();
    assert_eq!(error.reason(), "denied", "{error}");
    assert!(error.to_string().contains("countersign_writer"), "{error}");
    server.sql(&database, "GRANT countersign_writer TO proxy");
    options.clone().opener()().await.unwrap().close().await.unwrap();
    for (version, compatible, reason) in [(2, 1, None), (3, 3, Some("newer_schema"))] {
        let sql = format!("INSERT INTO countersign.migrations VALUES ({version}, {compatible})");
        server.sql(&database, &sql);
        let opened = options.clone().opener()().await;
        assert_eq!(opened.err().map(|error| error.reason()), reason, "{version}");
        assert_eq!(migrate(&owner).await.err().map(|error| error.reason()), reason, "{version}");
    }
    server.sql(&database, "DELETE FROM countersign.migrations");
    let error = options.clone().opener()().await.err().unwrap();
    assert_eq!(error.reason(), "older_schema", "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_keep_its_promises_is_refused() {
    let server = Postgres::start();
    let database = server.ledger();
    let home = tempfile::tempdir().unwrap();
    for (prepared_statements, commit) in [(true, "off"), (false, "off"), (true, "local")] {
        server.sql(&database, &format!("ALTER ROLE proxy SET synchronous_commit = {commit}"));
        let mut target = server.target("proxy", &database);
        target.prepared_statements = prepared_statements;
        let options = postgres_options(&target, home.path(), "w");
        let mut store = options.opener()().await.unwrap();
        server.sql(
            &database,
            "CREATE TABLE IF NOT EXISTS said (commit text); GRANT INSERT ON said TO PUBLIC; \
             CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 INSERT INTO public.said VALUES (current_setting('synchronous_commit')); \
                 RETURN NULL; END $$; \
             CREATE OR REPLACE TRIGGER note AFTER INSERT ON countersign.entries \
                 EXECUTE FUNCTION note()",
        );
        let head = store.head("w").await.unwrap();
        store.append("w", head + 1, &[intent()]).await.unwrap();
        store.close().await.unwrap();
    }
    assert_eq!(server.sql(&database, "SELECT DISTINCT commit FROM said"), "on");
    server.sql("postgres", "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0");
    let options = postgres_options(&server.target("postgres", "latin"), home.path(), "w");
    let error = options.opener()().await.err().unwrap();
    assert!(error.to_string().contains("server_encoding"), "{error}");
    drop(server);
    let programs = crate::support::Programs::newest();
    let careless = Postgres::with(&programs, &["fsync=off"]);
    let target = careless.target("proxy", &careless.ledger());
    let options = postgres_options(&target, home.path(), "w");
    let error = options.opener()().await.err().unwrap();
    assert_eq!(error.reason(), "not_durable");
    assert!(error.to_string().contains("fsync"), "{error}");
}
