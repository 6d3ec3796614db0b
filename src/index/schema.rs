//! The tables: their schema, and rows on their way in and out.

use chrono::DateTime;
use rusqlite::{Connection, OptionalExtension, Row as Record, params};

use super::bits::ROWS;
use super::terms::Kind;
use super::{IndexError, Row};

/// `n` of a row is its block and its number in the block: the block is the hour since 1970 in which the
/// request arrived, and which of that hour's blocks. So newer hours have higher numbers.
///
/// `postings.key` is a term and a block; `bits` are the rows of the block that have the term.
/// `columns` has numbers of each row (`columns.rs`), and `blocks.last` is when in the hour the latest row arrived.
/// `itself.name` tells this index from others, and from itself built again.
pub(super) const SCHEMA: &str = "
CREATE TABLE itself (
    name TEXT NOT NULL
) STRICT;
INSERT INTO itself (name) VALUES (lower(hex(randomblob(8))));

CREATE TABLE cursors (
    writer TEXT    NOT NULL PRIMARY KEY,
    seq    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    n           INTEGER PRIMARY KEY,
    writer      TEXT    NOT NULL,
    seq         INTEGER NOT NULL,
    act         INTEGER NOT NULL,
    completion  INTEGER,
    id          TEXT    NOT NULL,
    time_ms     INTEGER NOT NULL,
    action      TEXT,
    category    TEXT,
    description TEXT,
    actor_type  TEXT,
    actor_id    TEXT,
    actor_name  TEXT,
    actor_email TEXT,
    actor_verified INTEGER NOT NULL,
    source_ip   TEXT,
    route       TEXT,
    rule        TEXT,
    outcome     TEXT,
    severity    TEXT,
    reason      TEXT,
    request_id  TEXT,
    method      TEXT,
    path        TEXT,
    status      INTEGER,
    duration_ms INTEGER,
    targets     TEXT    NOT NULL,
    scope       TEXT    NOT NULL,
    words       TEXT    NOT NULL,
    acts        INTEGER NOT NULL,
    actor_credential TEXT
) STRICT;

CREATE TABLE pending (
    writer TEXT    NOT NULL,
    seq    INTEGER NOT NULL,
    n      INTEGER NOT NULL,
    PRIMARY KEY (writer, seq, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE arrivals (
    number INTEGER PRIMARY KEY,
    n      INTEGER NOT NULL UNIQUE
) STRICT;

CREATE TABLE ids (
    key INTEGER NOT NULL,
    n   INTEGER NOT NULL,
    PRIMARY KEY (key, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE blocks (
    block INTEGER PRIMARY KEY,
    last  INTEGER NOT NULL
) STRICT;

CREATE TABLE columns (
    key     INTEGER PRIMARY KEY,
    numbers BLOB    NOT NULL
) STRICT;

CREATE TABLE terms (
    id    INTEGER PRIMARY KEY,
    kind  INTEGER NOT NULL,
    value TEXT    NOT NULL,
    UNIQUE (kind, value)
) STRICT;

CREATE TABLE postings (
    key  INTEGER PRIMARY KEY,
    bits BLOB    NOT NULL
) STRICT;

CREATE TABLE purges (
    writer  TEXT    NOT NULL,
    seq     INTEGER NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms   INTEGER NOT NULL,
    PRIMARY KEY (writer, seq)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE actor_names USING fts5(
    text, tokenize = 'trigram', content = '', detail = 'none'
);

CREATE VIRTUAL TABLE target_names USING fts5(
    text, tokenize = 'trigram', content = '', detail = 'none'
);
INSERT INTO actor_names (actor_names, rank) VALUES ('secure-delete', 1);
INSERT INTO target_names (target_names, rank) VALUES ('secure-delete', 1);
";

pub(super) const DROP: &str = "
DROP TABLE IF EXISTS itself;
DROP TABLE IF EXISTS cursors;
DROP TABLE IF EXISTS events;
DROP TABLE IF EXISTS pending;
DROP TABLE IF EXISTS arrivals;
DROP TABLE IF EXISTS ids;
DROP TABLE IF EXISTS blocks;
DROP TABLE IF EXISTS columns;
DROP TABLE IF EXISTS terms;
DROP TABLE IF EXISTS postings;
DROP TABLE IF EXISTS actor_names;
DROP TABLE IF EXISTS target_names;
DROP TABLE IF EXISTS names;
DROP TABLE IF EXISTS purges;
DROP TABLE IF EXISTS targets;
DROP TABLE IF EXISTS scopes;
DROP TABLE IF EXISTS texts;
";

/// The table in which terms of a kind are looked up by parts of the names that they stand for.
pub(super) fn names_table(kind: u8) -> Option<&'static str> {
    let tables = [(Kind::Actor, "actor_names"), (Kind::TargetNames, "target_names")];
    tables.into_iter().find(|(known, _)| *known as u8 == kind).map(|(_, table)| table)
}

const READ: &str = "SELECT writer, seq, act, completion, id, time_ms, action, category, description, \
    actor_type, actor_id, actor_name, actor_email, actor_verified, route, rule, outcome, severity, \
    reason, request_id, method, path, status, duration_ms, targets, scope, source_ip, \
    words, acts, actor_credential, n FROM events WHERE n BETWEEN ?1 AND ?2 ORDER BY n";

const WRITE: &str = "INSERT OR REPLACE INTO events (n, writer, seq, act, completion, id, time_ms, \
    action, category, description, actor_type, actor_id, actor_name, actor_email, actor_verified, \
    route, rule, outcome, severity, reason, request_id, method, path, status, duration_ms, targets, \
    scope, source_ip, words, acts, actor_credential) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, \
    ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31)";

/// Rows that are no further from each other are read in one go, with what is between them.
const NEAR: i64 = 3;

pub(super) const HOUR_MS: i64 = 3_600_000;
/// Hours that have a number: up to the year 2089. What lies outside counts as the first or last one.
const HOURS: i64 = 1 << 20;
/// The highest number of a block.
pub(super) const LAST_BLOCK: i64 = 0xffff_ffff;
/// Blocks of one hour.
pub(super) const HOUR_BLOCKS: i64 = 1 << 12;

/// The time as it is sorted by.
pub(super) fn clamped(time_ms: i64) -> i64 {
    time_ms.clamp(0, HOURS * HOUR_MS - 1)
}

pub(super) fn hour_of(time_ms: i64) -> i64 {
    clamped(time_ms) / HOUR_MS
}

/// Milliseconds since the hour began.
pub(super) fn within_hour(time_ms: i64) -> u32 {
    u32::try_from(clamped(time_ms) % HOUR_MS).unwrap_or_default()
}

/// The time of a text in RFC 3339.
pub(super) fn milliseconds(time: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(time).ok().map(|time| time.timestamp_millis())
}

/// The first and the last block of the hour of a time.
pub(super) fn blocks_of_hour_at(time_ms: i64) -> (i64, i64) {
    let first = hour_of(time_ms) * HOUR_BLOCKS;
    (first, first + HOUR_BLOCKS - 1)
}

pub(super) fn hour_begins(hour: i64) -> i64 {
    hour.saturating_mul(HOUR_MS)
}

/// The hour of a block.
pub(super) fn hour_of_block(block: i64) -> i64 {
    block / HOUR_BLOCKS
}

pub(super) fn number(block: i64, row: u16) -> i64 {
    block * i64::from(ROWS) + i64::from(row)
}

/// Block, and number in the block.
pub(super) fn place(n: i64) -> (i64, u16) {
    let row = u16::try_from(n.rem_euclid(i64::from(ROWS))).unwrap_or_default();
    (n.div_euclid(i64::from(ROWS)), row)
}

pub(super) fn key(term: u32, block: i64) -> i64 {
    i64::from(term) << 32 | block
}

pub(super) fn block_of_key(key: i64) -> i64 {
    key & 0xffff_ffff
}

pub(super) fn read(conn: &Connection, n: i64) -> Result<Option<Row>, IndexError> {
    let mut statement = conn.prepare_cached(READ).map_err(IndexError::of_search)?;
    let row = statement.query_row([n, n], |record| Ok(row(record))).optional();
    row.map_err(IndexError::of_search)?.transpose()
}

/// Rows whose numbers are given in order, with their numbers. Those that lie by each other are read in one go.
pub(super) fn read_all(conn: &Connection, numbers: &[i64]) -> Result<Vec<(i64, Row)>, IndexError> {
    let mut statement = conn.prepare_cached(READ).map_err(IndexError::of_search)?;
    let mut rows = Vec::with_capacity(numbers.len());
    for near in numbers.chunk_by(|one, next| next - one <= NEAR) {
        let (Some(first), Some(last)) = (near.first(), near.last()) else { continue };
        let mut found = statement.query([first, last]).map_err(IndexError::of_search)?;
        while let Some(record) = found.next().map_err(IndexError::of_search)? {
            let n = record.get(30).map_err(IndexError::of_search)?;
            if near.binary_search(&n).is_ok() {
                rows.push((n, row(record)?));
            }
        }
    }
    Ok(rows)
}

fn row(record: &Record<'_>) -> Result<Row, IndexError> {
    let text = |column: usize| record.get::<_, Option<String>>(column);
    let number = |column: usize| record.get::<_, Option<i64>>(column);
    let json = |column: usize| {
        record.get_ref(column).and_then(|value| Ok(value.as_str()?)).map_err(IndexError::of_search)
    };
    let targets = serde_json::from_str(json(24)?).map_err(IndexError::Row)?;
    let scope = serde_json::from_str(json(25)?).map_err(IndexError::Row)?;
    let read = || -> rusqlite::Result<Row> {
        Ok(Row {
            writer: record.get(0)?,
            seq: unsigned(number(1)?).unwrap_or_default(),
            act: record.get(2)?,
            completion: unsigned(number(3)?),
            id: record.get(4)?,
            time_ms: record.get(5)?,
            action: text(6)?,
            category: text(7)?,
            description: text(8)?,
            actor_type: text(9)?,
            actor_id: text(10)?,
            actor_name: text(11)?,
            actor_email: text(12)?,
            actor_verified: record.get(13)?,
            route: text(14)?,
            rule: text(15)?,
            outcome: text(16)?,
            severity: text(17)?,
            reason: text(18)?,
            request_id: text(19)?,
            method: text(20)?,
            path: text(21)?,
            status: number(22)?.and_then(|status| u16::try_from(status).ok()),
            duration_ms: unsigned(number(23)?),
            targets,
            scope,
            source_ip: text(26)?,
            words: record.get(27)?,
            acts: record.get(28)?,
            actor_credential: text(29)?,
        })
    };
    read().map_err(IndexError::of_search)
}

pub(super) fn write(conn: &Connection, n: i64, row: &Row) -> Result<(), IndexError> {
    let targets = serde_json::to_string(&row.targets).map_err(IndexError::Row)?;
    let scope = serde_json::to_string(&row.scope).map_err(IndexError::Row)?;
    let mut statement = conn.prepare_cached(WRITE).map_err(IndexError::Update)?;
    let values = params![
        n,
        row.writer,
        signed(row.seq),
        row.act,
        row.completion.map(signed),
        row.id,
        row.time_ms,
        row.action,
        row.category,
        row.description,
        row.actor_type,
        row.actor_id,
        row.actor_name,
        row.actor_email,
        row.actor_verified,
        row.route,
        row.rule,
        row.outcome,
        row.severity,
        row.reason,
        row.request_id,
        row.method,
        row.path,
        row.status,
        row.duration_ms.map(signed),
        targets,
        scope,
        row.source_ip,
        row.words,
        row.acts,
        row.actor_credential,
    ];
    statement.execute(values).map(drop).map_err(IndexError::Update)
}

/// Numbers stay below 2^63.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn unsigned(number: Option<i64>) -> Option<u64> {
    number.and_then(|number| u64::try_from(number).ok())
}
