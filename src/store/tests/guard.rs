//! What guards the ledger in the database, when somebody takes it away or adds to it.

use super::{TIMEOUT, completion, intent, open, raw};
use crate::store::{Breach, LedgerSource, SqliteOptions, Unguarded};

fn found(all: &[Unguarded]) -> Vec<(Breach, &str)> {
    all.iter().map(|it| (it.breach, it.name.as_str())).collect()
}

#[tokio::test]
async fn an_append_is_told_only_where_the_database_has_it_as_it_was_given() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).await.unwrap();
    let first = intent();
    store.append("w", 1, std::slice::from_ref(&first)).await.unwrap();
    let mut other = raw(dir.path()).await;
    let takes_the_end = "INSERT INTO purged VALUES (NEW.writer, NEW.seq, NEW.leaf, NEW.seq + 1); \
                         DELETE FROM entries WHERE writer = NEW.writer AND seq = NEW.seq";
    for (case, trigger, lifts) in [
        ("swallowed", "BEFORE INSERT ON entries BEGIN SELECT RAISE(IGNORE); END".to_owned(), ""),
        (
            "some are swallowed",
            "BEFORE INSERT ON entries WHEN NEW.kind = 'intent' BEGIN SELECT RAISE(IGNORE); END"
                .into(),
            "",
        ),
        (
            "taken away again",
            format!("AFTER INSERT ON entries BEGIN {takes_the_end}; END"),
            "DROP TRIGGER purged_by_an_event;",
        ),
        (
            "changed",
            "AFTER INSERT ON entries BEGIN UPDATE entries SET doc = '{}' WHERE seq = NEW.seq; END"
                .into(),
            "DROP TRIGGER entries_no_update;",
        ),
    ] {
        let evil = format!("{lifts} CREATE TRIGGER evil {trigger}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(evil)).execute(&mut other).await.unwrap();
        for batch in [vec![intent()], vec![completion(&first, 1), intent()]] {
            let error = store.append("w", 2, &batch).await.unwrap_err();
            assert!(error.effect_is_known(), "{case}: {error:?}");
            assert!(!error.is_conflict() || case == "some are swallowed", "{case}: {error:?}");
            assert_eq!(store.read_after("w", 0, 9).await.unwrap().len(), 1, "{case}");
            assert_eq!(store.head("w").await.unwrap(), 1, "{case}");
            // Known by now, and there all the same.
            let is_old = lifts.is_empty() && batch.len() == 2;
            assert_eq!(store.guard().await.unwrap().is_empty(), is_old, "{case}");
            sqlx::raw_sql(sqlx::AssertSqlSafe(lifts)).execute(&mut other).await.unwrap();
        }
        sqlx::raw_sql("DROP TRIGGER evil").execute(&mut other).await.unwrap();
        store.guard().await.unwrap();
    }
    store.append("w", 2, &[completion(&first, 1)]).await.unwrap();
}

#[tokio::test]
async fn triggers_that_are_gone_or_changed_are_made_again_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).await.unwrap();
    store.append("w", 1, &[intent()]).await.unwrap();
    assert_eq!(store.guard().await.unwrap(), []);
    let mut other = raw(dir.path()).await;
    let attack = "DROP TRIGGER entries_no_update; DROP TRIGGER purged_no_delete; \
                  CREATE TRIGGER purged_no_delete BEFORE DELETE ON purged BEGIN SELECT 1; END; \
                  CREATE TRIGGER extra AFTER INSERT ON writers BEGIN SELECT 1; END";
    let wanted = [
        (Breach::Missing, "entries_no_update"),
        (Breach::Changed, "purged_no_delete"),
        (Breach::Foreign, "extra"),
    ];
    sqlx::raw_sql(attack).execute(&mut other).await.unwrap();
    let mut reader = LedgerSource::directory(dir.path()).reader().await.unwrap();
    assert_eq!(found(&reader.unguarded().await.unwrap()), wanted);
    // While it is open.
    assert_eq!(found(&store.guard().await.unwrap()), wanted);
    assert_eq!(found(&reader.unguarded().await.unwrap()), wanted[2..]);
    let refused = sqlx::raw_sql("UPDATE entries SET doc = '{}'").execute(&mut other).await;
    assert!(refused.unwrap_err().to_string().contains("append-only"));
    assert_eq!(store.guard().await.unwrap(), []);
    store.close().await.unwrap();
    // And when it is opened.
    sqlx::raw_sql("DROP TRIGGER extra; DROP TRIGGER entries_no_delete")
        .execute(&mut other)
        .await
        .unwrap();
    let mut store = SqliteOptions::new(dir.path(), "w", TIMEOUT).opener()().await.unwrap();
    assert_eq!(found(&store.guard().await.unwrap()), [(Breach::Missing, "entries_no_delete")]);
    assert_eq!(reader.unguarded().await.unwrap(), []);
}

#[tokio::test]
async fn of_names_that_others_gave_a_line_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = open(dir.path()).await.unwrap();
    let mut other = raw(dir.path()).await;
    let name = format!("\n\u{1b}[2J{}", "x".repeat(100_000));
    let made = format!("CREATE TRIGGER \"{name}\" AFTER INSERT ON entries BEGIN SELECT 1; END");
    sqlx::raw_sql(sqlx::AssertSqlSafe(made)).execute(&mut other).await.unwrap();
    let all = store.guard().await.unwrap();
    let [told] = &all[..] else { panic!("{all:?}") };
    assert_eq!(told.breach, Breach::Foreign);
    assert!(told.name.starts_with("\\n\\u{1b}[2Jxxx") && told.name.ends_with('…'), "{told}");
    assert!(told.name.len() < 200 && !told.name.contains(char::is_control), "{told}");
}
