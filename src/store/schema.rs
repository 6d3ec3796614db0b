//! The schema and its forward-only migrations.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// The version of the schema, kept in `PRAGMA user_version`.
pub const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// Each step leads from the version that is its position to the next. Steps are never changed
/// once released.
const MIGRATIONS: &[&str] = &[VERSION_1, VERSION_2, VERSION_3];

const VERSION_1: &str = "
CREATE TABLE entries (
    writer TEXT    NOT NULL CHECK (writer <> ''),
    seq    INTEGER NOT NULL CHECK (seq > 0),
    kind   TEXT    NOT NULL CHECK (kind IN ('intent', 'completion')),
    id     TEXT    NOT NULL CHECK (length(id) = 36),
    intent INTEGER          CHECK (intent IS NULL
                                   OR (kind = 'completion' AND intent > 0 AND intent < seq)),
    scope  TEXT    NOT NULL CHECK (substr(scope, 1, 1) = '{'),
    doc    TEXT    NOT NULL CHECK (substr(doc, 1, 1) = '{'),
    leaf   BLOB    NOT NULL CHECK (length(leaf) = 32),
    PRIMARY KEY (writer, seq)
) STRICT;

CREATE UNIQUE INDEX entries_one_completion ON entries (writer, intent) WHERE intent IS NOT NULL;

CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: entries cannot be changed'); END;

CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: entries cannot be deleted'); END;

-- REPLACE deletes without firing the trigger above, so what it could replace is refused here.
CREATE TRIGGER entries_in_order BEFORE INSERT ON entries
WHEN NEW.seq <> 1 + coalesce((SELECT max(seq) FROM entries WHERE writer = NEW.writer), 0)
     OR EXISTS (SELECT 1 FROM entries WHERE rowid = NEW.rowid)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: the next entry comes after the last'); END;

CREATE TRIGGER entries_completion_of_intent BEFORE INSERT ON entries WHEN NEW.intent IS NOT NULL
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: this intent has its completion')
    WHERE EXISTS (SELECT 1 FROM entries WHERE writer = NEW.writer AND intent = NEW.intent);
    SELECT RAISE(ABORT, 'a completion must complete an intent of its own event')
    WHERE NOT EXISTS (SELECT 1 FROM entries
                      WHERE writer = NEW.writer AND seq = NEW.intent
                        AND kind = 'intent' AND id = NEW.id);
END;

CREATE TABLE writers (
    writer TEXT    NOT NULL PRIMARY KEY CHECK (writer <> ''),
    closed INTEGER NOT NULL CHECK (closed >= 0)
) STRICT, WITHOUT ROWID;
";

/// Retention: what was purged, by number and leaf. An entry may be deleted only when it stands there.
///
/// Into `purged` comes an entry that is there, with its own leaf, by a later event of one entry in
/// the same log, and of an intent only one that is complete; or the next number of a log that is
/// carried over from elsewhere, where the entry itself was purged.
const VERSION_2: &str = r#"
CREATE TABLE purged (
    writer TEXT    NOT NULL CHECK (writer <> ''),
    seq    INTEGER NOT NULL CHECK (seq > 0),
    leaf   BLOB    NOT NULL CHECK (length(leaf) = 32),
    "by"   INTEGER NOT NULL CHECK ("by" > seq),
    PRIMARY KEY (writer, seq)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER purged_no_update BEFORE UPDATE ON purged
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: what is purged cannot be changed'); END;

CREATE TRIGGER purged_no_delete BEFORE DELETE ON purged
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: what is purged stays purged'); END;

CREATE TRIGGER purged_by_an_event BEFORE INSERT ON purged
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: this entry is purged already')
    WHERE EXISTS (SELECT 1 FROM purged WHERE writer = NEW.writer AND seq = NEW.seq);
    SELECT RAISE(ABORT, 'an entry can be purged only with its leaf, and only when it is complete')
    WHERE EXISTS (SELECT 1 FROM entries WHERE writer = NEW.writer AND seq = NEW.seq
                  AND (leaf <> NEW.leaf OR kind = 'intent' AND NOT EXISTS
                       (SELECT 1 FROM entries WHERE writer = NEW.writer AND intent = NEW.seq)));
    SELECT RAISE(ABORT, 'an entry can be purged only by a later event of the same log')
    WHERE EXISTS (SELECT 1 FROM entries WHERE writer = NEW.writer AND seq = NEW.seq)
      AND NOT EXISTS (SELECT 1 FROM entries WHERE writer = NEW.writer AND seq = NEW."by"
                      AND kind = 'completion' AND intent IS NULL);
    SELECT RAISE(ABORT, 'the ledger is append-only: the next entry comes after the last')
    WHERE NOT EXISTS (SELECT 1 FROM entries WHERE writer = NEW.writer AND seq = NEW.seq)
      AND NEW.seq <> 1 + max(
          coalesce((SELECT max(seq) FROM entries WHERE writer = NEW.writer), 0),
          coalesce((SELECT max(seq) FROM purged WHERE writer = NEW.writer), 0));
END;

DROP TRIGGER entries_no_delete;
CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries
WHEN NOT EXISTS (SELECT 1 FROM purged
                 WHERE writer = OLD.writer AND seq = OLD.seq AND leaf = OLD.leaf)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: entries cannot be deleted'); END;

DROP TRIGGER entries_in_order;
CREATE TRIGGER entries_in_order BEFORE INSERT ON entries
WHEN NEW.seq <> 1 + max(
         coalesce((SELECT max(seq) FROM entries WHERE writer = NEW.writer), 0),
         coalesce((SELECT max(seq) FROM purged WHERE writer = NEW.writer), 0))
     OR EXISTS (SELECT 1 FROM entries WHERE rowid = NEW.rowid)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only: the next entry comes after the last'); END;
"#;

/// Only an event about a purge purges. Its document is canonical JSON, in which `action` comes first.
const VERSION_3: &str = r#"
DROP TRIGGER IF EXISTS purged_by_an_event;
CREATE TRIGGER purged_by_an_event BEFORE INSERT ON purged
BEGIN
    SELECT RAISE(ABORT, 'the ledger is append-only: this entry is purged already')
    WHERE EXISTS (SELECT 1 FROM purged WHERE writer = NEW.writer AND seq = NEW.seq);
    SELECT RAISE(ABORT, 'an entry can be purged only with its leaf, and only when it is complete')
    WHERE EXISTS (SELECT 1 FROM entries WHERE writer = NEW.writer AND seq = NEW.seq
                  AND (leaf <> NEW.leaf OR kind = 'intent' AND NOT EXISTS
                       (SELECT 1 FROM entries WHERE writer = NEW.writer AND intent = NEW.seq)));
    SELECT RAISE(ABORT, 'an entry can be purged only by a later event about a purge in the same log')
    WHERE EXISTS (SELECT 1 FROM entries WHERE writer = NEW.writer AND seq = NEW.seq)
      AND NOT EXISTS (SELECT 1 FROM entries WHERE writer = NEW.writer AND seq = NEW."by"
                      AND kind = 'completion' AND intent IS NULL
                      AND substr(doc, 1, 24) = '{"action":"audit.purge",');
    SELECT RAISE(ABORT, 'the ledger is append-only: the next entry comes after the last')
    WHERE NOT EXISTS (SELECT 1 FROM entries WHERE writer = NEW.writer AND seq = NEW.seq)
      AND NEW.seq <> 1 + max(
          coalesce((SELECT max(seq) FROM entries WHERE writer = NEW.writer), 0),
          coalesce((SELECT max(seq) FROM purged WHERE writer = NEW.writer), 0));
END;
"#;

/// The steps that lead to a version.
pub(super) fn steps(version: i64) -> impl Iterator<Item = &'static str> {
    (0..version).zip(MIGRATIONS).map(|(_, step)| *step)
}

/// Refuses a schema that a later version made.
pub(super) fn known(found: i64, path: &Path) -> Result<i64, StoreError> {
    if found > SCHEMA_VERSION {
        return Err(StoreError::Newer { path: path.to_owned(), found, known: SCHEMA_VERSION });
    }
    Ok(found)
}

/// Brings the schema to [`SCHEMA_VERSION`], each step in a transaction of its own.
pub(super) fn migrate(conn: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found = conn
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(StoreError::from_rusqlite)?;
    let found = known(found, path)?;
    for (from, step) in (0_i64..).zip(MIGRATIONS).skip_while(|(from, _)| *from < found) {
        let mut migrated = || -> rusqlite::Result<()> {
            let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "user_version", from + 1)?;
            transaction.commit()
        };
        migrated().map_err(StoreError::from_rusqlite)?;
    }
    Ok(())
}
