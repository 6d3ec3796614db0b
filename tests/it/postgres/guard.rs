//! What guards the ledger, when the owner or somebody with a proxy's password works against it.

use countersign::record::{Entry, EntryKind, Stored};
use countersign::redact::Redacted;
use countersign::store::{Breach, LedgerReader, LedgerSource, Purged, Store, Unguarded, migrate};

use crate::conformance::{completion, intent, postgres_options};
use crate::support::Postgres;

async fn reader(server: &Postgres, database: &str) -> Box<dyn LedgerReader> {
    LedgerSource::Postgres(Box::new(server.target("proxy", database))).reader().await.unwrap()
}

fn found(all: &[Unguarded]) -> Vec<(Breach, &str)> {
    all.iter().map(|it| (it.breach, it.name.as_str())).collect()
}

#[tokio::test]
async fn an_append_that_a_trigger_swallows_is_refused_and_triggers_are_told() {
    let server = Postgres::start();
    let database = server.ledger();
    let home = tempfile::tempdir().unwrap();
    let options = postgres_options(&server.target("proxy", &database), home.path(), "w");
    let mut store: Box<dyn Store> = options.opener()().await.unwrap();
    let mut reader = reader(&server, &database).await;
    assert_eq!(store.guard().await.unwrap(), []);
    let swallow = "CREATE FUNCTION public.evil() RETURNS trigger LANGUAGE plpgsql AS $$ \
                   BEGIN IF NEW.kind = 'intent' THEN RETURN NULL; END IF; RETURN NEW; END $$; \
                   CREATE TRIGGER aaa BEFORE INSERT ON countersign.entries \
                   FOR EACH ROW EXECUTE FUNCTION public.evil()";
    let change = "CREATE OR REPLACE FUNCTION public.evil() RETURNS trigger LANGUAGE plpgsql AS $$ \
                  BEGIN NEW.scope := '{}'; NEW.doc := '{}'; RETURN NEW; END $$";
    for sql in [swallow, change] {
        server.sql(&database, sql);
        let first = intent();
        for batch in [vec![first.clone()], vec![intent(), first]] {
            let error = store.append("w", 1, &batch).await.unwrap_err();
            assert_eq!(error.reason(), "swallowed", "{error:?}");
            assert!(error.effect_is_known() && !error.is_conflict());
            assert_eq!(store.head("w").await.unwrap(), 0);
        }
    }
    let guards = reader.unguarded().await.unwrap();
    assert!(found(&guards).contains(&(Breach::Foreign, "entries.aaa")), "{guards:?}");
    assert_eq!(store.guard().await.unwrap(), guards);
    server.sql(&database, "DROP TRIGGER aaa ON countersign.entries");
    store.append("w", 1, &[intent()]).await.unwrap();
    for (sql, breach, name) in [
        ("DROP TRIGGER no_update ON countersign.entries", Breach::Missing, "entries.no_update"),
        (
            "ALTER TABLE countersign.purged DISABLE TRIGGER no_change",
            Breach::Missing,
            "purged.no_change",
        ),
        (
            "CREATE RULE gone AS ON INSERT TO countersign.purged DO INSTEAD NOTHING",
            Breach::Foreign,
            "purged.gone",
        ),
    ] {
        server.sql(&database, sql);
        let guards = store.guard().await.unwrap();
        assert!(found(&guards).contains(&(breach, name)), "{sql}: {guards:?}");
    }
    store.close().await.unwrap();
}

/// What somebody with the owner's rights may do to what guards the ledger, and how it is told.
fn breaches<'n>(month: &str, truncate: &'n str) -> [(String, Breach, &'n str); 13] {
    [
        (
            "CREATE OR REPLACE FUNCTION countersign.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ \
             BEGIN RETURN new; END $$"
                .to_owned(),
            Breach::Changed,
            "refuse()",
        ),
        (
            "ALTER FUNCTION countersign.delete_only_purged() SECURITY INVOKER".to_owned(),
            Breach::Changed,
            "delete_only_purged()",
        ),
        (
            "CREATE OR REPLACE FUNCTION countersign.my_view() RETURNS jsonb LANGUAGE sql STABLE \
             SECURITY DEFINER AS $$ SELECT '\"everything\"'::jsonb $$"
                .to_owned(),
            Breach::Function,
            "my_view()",
        ),
        ("DROP FUNCTION countersign.drop_empty_partitions".to_owned(), Breach::Function, "drop_empty_partitions()"),
        (
            "ALTER FUNCTION countersign.visible_entries OWNER TO owner".to_owned(),
            Breach::Function,
            "visible_entries()",
        ),
        (
            "DROP TRIGGER no_update ON countersign.entries".to_owned(),
            Breach::Missing,
            "entries.no_update",
        ),
        (
            "DROP TRIGGER no_update ON countersign.entries; CREATE TRIGGER no_update BEFORE UPDATE ON \
             countersign.entries FOR EACH ROW WHEN (old.seq < 0) EXECUTE FUNCTION countersign.refuse()"
                .to_owned(),
            Breach::Changed,
            "entries.no_update",
        ),
        (
            "DROP TRIGGER no_going_back ON countersign.writers; CREATE TRIGGER no_going_back BEFORE UPDATE ON \
             countersign.writers FOR EACH ROW WHEN (new.head < 0) EXECUTE FUNCTION countersign.refuse()"
                .to_owned(),
            Breach::Changed,
            "writers.no_going_back",
        ),
        (
            "ALTER TABLE countersign.entries DISABLE TRIGGER no_delete".to_owned(),
            Breach::Missing,
            "entries.no_delete",
        ),
        (
            format!("DROP TRIGGER no_truncate ON countersign.{month}"),
            Breach::Missing,
            truncate,
        ),
        (
            "ALTER TABLE countersign.entries DISABLE ROW LEVEL SECURITY".to_owned(),
            Breach::RowSecurity,
            "entries",
        ),
        (
            "ALTER POLICY by_scope ON countersign.entries USING (true)".to_owned(),
            Breach::RowSecurity,
            "entries.by_scope",
        ),
        (
            "DROP POLICY everything ON countersign.writers".to_owned(),
            Breach::RowSecurity,
            "writers.everything",
        ),
    ]
}

#[tokio::test]
async fn what_guards_the_ledger_is_watched_and_the_owner_makes_it_again() {
    let server = Postgres::start();
    let database = server.ledger();
    let home = tempfile::tempdir().unwrap();
    let options = postgres_options(&server.target("proxy", &database), home.path(), "w");
    let mut store: Box<dyn Store> = options.opener()().await.unwrap();
    let month = server.sql(
        &database,
        "SELECT min(relname) FROM pg_class WHERE relname ~ '^entries_[0-9]{4}_[0-9]{2}$' \
         AND relkind = 'r' AND relnamespace = 'countersign'::regnamespace",
    );
    let truncate = format!("{month}.no_truncate");
    let owner = server.target("owner", &database);
    for (sql, breach, name) in breaches(&month, &truncate) {
        assert_eq!(store.guard().await.unwrap(), [], "before {sql}");
        server.sql(&database, &sql);
        let guards = store.guard().await.unwrap();
        assert!(found(&guards).contains(&(breach, name)), "{sql}: {guards:?}");
        let done = migrate(&owner).await.unwrap();
        assert_eq!(done.mended, guards, "{sql}");
        assert_eq!(done.foreign, [], "{sql}");
    }
    assert_eq!(store.guard().await.unwrap(), []);
    let update = "UPDATE countersign.entries SET scope = '{}'";
    store.append("w", 1, &[intent()]).await.unwrap();
    assert!(server.try_sql("owner", &database, update).is_err());
    // What is not the schema's own is told and left alone.
    server.sql(&database, "CREATE POLICY wide ON countersign.entries FOR SELECT USING (true)");
    let done = migrate(&owner).await.unwrap();
    assert_eq!(found(&done.foreign), [(Breach::RowSecurity, "entries.wide")]);
    assert_eq!(done.mended, []);
    store.close().await.unwrap();
}

#[tokio::test]
async fn only_an_event_about_a_purge_that_names_an_entry_takes_it_out() {
    let server = Postgres::start();
    let database = server.ledger();
    let home = tempfile::tempdir().unwrap();
    let options = postgres_options(&server.target("proxy", &database), home.path(), "w");
    let mut store: Box<dyn Store> = options.opener()().await.unwrap();
    let begun = intent();
    store.append("w", 1, &[begun.clone(), completion(&begun, 1)]).await.unwrap();
    let event = |doc: &str| Entry {
        kind: EntryKind::Completion,
        doc: Redacted::system(doc.to_owned()),
        ..intent()
    };
    let purge = |actor: &str, ranges: &str| {
        event(&format!(
            r#"{{"action":"audit.purge","actor":{{"type":"{actor}"}},"metadata":{{"purge":{{"ranges":"{ranges}"}}}}}}"#
        ))
    };
    let wrong = [
        event(r#"{"action":"audit.view","actor":{"type":"system"}}"#),
        event(r#"{"action":"audit.purge","actor":{"type":"system"}}"#),
        event(r#"{"a":{"action":"audit.purge"},"metadata":{"purge":{"ranges":"1-2"}}}"#),
        purge("user", "1-2"),
        purge("system", ""),
        purge("system", "1"),
        purge("system", "3-9,11"),
        purge("system", "1-x"),
    ];
    store.append("w", 3, &wrong).await.unwrap();
    store.append("w", 11, &[purge("system", "1-2,5,7-9")]).await.unwrap();
    let rows: Vec<Stored> = store.read_after("w", 0, 99).await.unwrap();
    let out = |by: u64| -> Vec<Purged> {
        let two = rows.iter().take(2);
        two.map(|row| Purged { seq: row.seq, leaf: row.leaf.clone(), by }).collect()
    };
    for by in 3..11 {
        let error = store.purge("w", &out(by)).await.unwrap_err();
        assert_eq!(error.reason(), "rejected", "by {by}: {error:?}");
    }
    let mut reader = reader(&server, &database).await;
    assert!(reader.said_to_be_purged("w", 1..=99, 9).await.unwrap().is_empty());
    store.purge("w", &out(11)).await.unwrap();
    assert!(reader.said_to_be_purged("w", 1..=99, 9).await.unwrap().is_empty());
    let forged = "INSERT INTO countersign.purged SELECT writer, seq, leaf, 11 \
                  FROM countersign.entries WHERE seq = 3";
    server.sql(&database, forged);
    assert_eq!(reader.said_to_be_purged("w", 1..=99, 9).await.unwrap(), [3]);
    store.close().await.unwrap();
}
