//! `access.db`: tokens by their hashes. Sessions are in there too, see `session`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::DateTime;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};

use super::changes::{Done, note};
use super::{Grant, GrantError, Reader, Role, Token, Way};
use crate::clock::Timestamp;
use crate::index::View;
use crate::record::EventId;
use crate::store::{ACCESS_FILE, StoreError, create_file};

/// The version of the schema, kept in `PRAGMA user_version`.
const VERSION: i64 = 2;
/// How long to wait for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest name of a token, in characters.
const NAME_MAX: usize = 64;

/// Rows are never deleted, so that an id in the log can always be looked up.
const SCHEMA: &str = "
CREATE TABLE tokens (
    id         TEXT    NOT NULL PRIMARY KEY,
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    name       TEXT    NOT NULL CHECK (name <> ''),
    role       TEXT    NOT NULL CHECK (role IN ('owner', 'admin', 'viewer')),
    scopes     TEXT             CHECK (scopes IS NULL OR role <> 'owner'),
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER,
    revoked_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX tokens_name ON tokens (name) WHERE revoked_ms IS NULL;
";

/// Added by version 2. Who comes by a token has its name and grant, as they are when it is asked for;
/// who comes by a provider has what the provider said.
const SESSIONS: &str = "
CREATE TABLE sessions (
    hash     BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    token    TEXT             REFERENCES tokens (id),
    provider TEXT,
    subject  TEXT,
    name     TEXT,
    role     TEXT             CHECK (role IN ('owner', 'admin', 'viewer')),
    scopes   TEXT,
    began_ms INTEGER NOT NULL,
    seen_ms  INTEGER NOT NULL,
    CHECK ((token IS NULL) = (provider IS NOT NULL)),
    CHECK ((provider IS NULL) = (subject IS NULL)),
    CHECK ((provider IS NULL) = (name IS NULL)),
    CHECK ((provider IS NULL) = (role IS NULL))
) STRICT;
";

/// Also added by version 2: what was done to tokens, and whether it is on record. Of the tokens that
/// were there before, their making is recorded late.
const CHANGES: &str = "
CREATE TABLE changes (
    n        INTEGER PRIMARY KEY,
    id       TEXT    NOT NULL UNIQUE CHECK (length(id) = 36),
    token    TEXT    NOT NULL REFERENCES tokens (id),
    done     TEXT    NOT NULL CHECK (done IN ('made', 'revoked')),
    user     INTEGER NOT NULL,
    at_ms    INTEGER NOT NULL,
    tried    INTEGER,
    recorded INTEGER NOT NULL DEFAULT 0 CHECK (recorded IN (0, 1)),
    UNIQUE (token, done)
) STRICT;
CREATE INDEX changes_to_record ON changes (n) WHERE recorded = 0;
INSERT INTO changes (id, token, done, user, at_ms) SELECT id, id, 'made', 0, created_ms FROM tokens;
";

/// What [`kept`] reads.
pub(super) const KEPT: &str = "tokens.id, tokens.name, tokens.role, tokens.scopes, \
    tokens.created_ms, tokens.expires_ms, tokens.revoked_ms";

/// Whether the making of a token is on record.
pub(super) const ON_RECORD: &str = "EXISTS (SELECT 1 FROM changes \
    WHERE changes.token = tokens.id AND changes.done = 'made' AND changes.recorded = 1)";

/// What can go wrong. No variant carries a token.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The file cannot be created.
    #[error("cannot create the database of tokens")]
    Create(#[source] StoreError),
    /// The database refuses.
    #[error("cannot use the database of tokens `{file}`")]
    Database {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: rusqlite::Error,
    },
    /// Another version of countersign made it.
    #[error("`{file}` was made by a later version of countersign: use that one")]
    Version {
        /// The file.
        file: PathBuf,
    },
    /// The system gives no random bytes.
    #[error("no random bytes can be had")]
    Random(#[source] std::io::Error),
    /// The file with the first token cannot be written.
    #[error("the first token cannot be written to `{file}`")]
    Bootstrap {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It cannot be a name.
    #[error("a token's name has 1 to 64 characters, none of them a control character")]
    Name,
    /// The name is taken.
    #[error("a token of this name is in force: choose another name, or revoke that one first")]
    NameTaken,
    /// The token would hold for nothing, or for too much.
    #[error(transparent)]
    Grant(#[from] GrantError),
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// By which people know it.
    pub name: String,
    /// What it allows.
    pub grant: Grant,
    /// When it ends to hold, if ever.
    pub expires: Option<Timestamp>,
}

/// What is kept of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// By which the log knows it.
    pub id: String,
    /// By which people know it.
    pub name: String,
    /// What it allows.
    pub grant: Grant,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends to hold, if ever.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

impl Kept {
    /// Whether it holds at `now`.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }
}

/// The database of tokens.
pub struct Access {
    pub(super) conn: Connection,
    file: PathBuf,
}

impl Access {
    /// Opens the database in `dir`, which must exist; makes it if there is none.
    pub fn open(dir: &Path) -> Result<Self, AccessError> {
        let file = dir.join(ACCESS_FILE);
        create_file(&file).map_err(AccessError::Create)?;
        let opened = Connection::open(&file).and_then(prepare);
        match opened {
            Ok((conn, version)) if version == VERSION => Ok(Self { conn, file }),
            Ok(_) => Err(AccessError::Version { file }),
            Err(source) => Err(AccessError::Database { file, source }),
        }
    }

    /// Makes a token. It can be read from what this returns, and never again.
    pub fn create(&mut self, new: &NewToken, now: Timestamp) -> Result<Token, AccessError> {
        let token = Token::random().map_err(AccessError::Random)?;
        self.keep(&token, new, now)?;
        Ok(token)
    }

    pub(super) fn keep(
        &mut self,
        token: &Token,
        new: &NewToken,
        now: Timestamp,
    ) -> Result<(), AccessError> {
        let length = new.name.chars().count();
        if length == 0 || length > NAME_MAX || new.name.chars().any(char::is_control) {
            return Err(AccessError::Name);
        }
        let id = EventId::new(now).to_string();
        match self.insert(&id, token, new, now) {
            Ok(()) => Ok(()),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                Err(AccessError::NameTaken)
            }
            Err(source) => Err(self.failed(source)),
        }
    }

    fn insert(
        &mut self,
        id: &str,
        token: &Token,
        new: &NewToken,
        now: Timestamp,
    ) -> rusqlite::Result<()> {
        let transaction = self.conn.transaction()?;
        transaction.execute(
            "INSERT INTO tokens (id, hash, name, role, scopes, created_ms, expires_ms) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                id,
                token.hash(),
                new.name,
                new.grant.role().as_str(),
                written(&new.grant),
                now.timestamp_millis(),
                new.expires.map(|time| time.timestamp_millis()),
            ],
        )?;
        note(&transaction, id, Done::Made, now)?;
        transaction.commit()
    }

    /// Who holds the token, if it holds at `now` and its making is on record.
    pub fn reader(&self, token: &Token, now: Timestamp) -> Result<Option<Reader>, AccessError> {
        let sql = format!("SELECT {KEPT} FROM tokens WHERE hash = ?1 AND {ON_RECORD}");
        let found = self
            .conn
            .prepare_cached(&sql)
            .and_then(|mut found| found.query_row([token.hash()], kept).optional())
            .map_err(|source| self.failed(source))?;
        let kept = found.flatten().filter(|kept| kept.holds(now));
        Ok(kept.map(|kept| Reader::new(kept.id, kept.name, kept.grant, Way::Token)))
    }

    /// Every token that there is or was, oldest first.
    pub fn list(&self) -> Result<Vec<Kept>, AccessError> {
        let sql = format!("SELECT {KEPT} FROM tokens ORDER BY created_ms, id");
        let list = || -> rusqlite::Result<Vec<Option<Kept>>> {
            self.conn.prepare(&sql)?.query_map([], kept)?.collect()
        };
        let list = list().map_err(|source| self.failed(source))?;
        Ok(list.into_iter().flatten().collect())
    }

    /// Ends a token, by its id or by the name of one that is not revoked; gives whether there was one.
    pub fn revoke(&mut self, which: &str, now: Timestamp) -> Result<bool, AccessError> {
        let mut revoke = || -> rusqlite::Result<bool> {
            let transaction = self.conn.transaction()?;
            let id: Option<String> = transaction
                .query_row(
                    "UPDATE tokens SET revoked_ms = ?2 \
                     WHERE revoked_ms IS NULL AND (id = ?1 OR name = ?1) RETURNING id",
                    params![which, now.timestamp_millis()],
                    |row| row.get(0),
                )
                .optional()?;
            if let Some(id) = &id {
                note(&transaction, id, Done::Revoked, now)?;
            }
            transaction.commit()?;
            Ok(id.is_some())
        };
        revoke().map_err(|source| self.failed(source))
    }

    /// Whether there is or was a token.
    pub(super) fn has_any(&self) -> Result<bool, AccessError> {
        self.conn
            .query_row("SELECT EXISTS (SELECT 1 FROM tokens)", [], |row| row.get(0))
            .map_err(|source| self.failed(source))
    }

    pub(super) fn failed(&self, source: rusqlite::Error) -> AccessError {
        AccessError::Database { file: self.file.clone(), source }
    }
}

/// Sets a connection up, makes the tables where there are none, and tells their version.
fn prepare(mut conn: Connection) -> rusqlite::Result<(Connection, i64)> {
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.pragma_update(None, "journal_mode", "wal")?;
    conn.pragma_update(None, "synchronous", "full")?;
    let transaction = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let mut version: i64 =
        transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == 0 {
        transaction.execute_batch(SCHEMA)?;
        version = 1;
    }
    if version == 1 {
        transaction.execute_batch(SESSIONS)?;
        transaction.execute_batch(CHANGES)?;
        version = VERSION;
        transaction.pragma_update(None, "user_version", version)?;
    }
    transaction.commit()?;
    Ok((conn, version))
}

/// A row, unless it cannot be understood.
pub(super) fn kept(row: &Row<'_>) -> rusqlite::Result<Option<Kept>> {
    let time = |column: usize| -> rusqlite::Result<Option<Timestamp>> {
        let milliseconds: Option<i64> = row.get(column)?;
        // A date that there is not has passed.
        Ok(milliseconds.map(|time| DateTime::from_timestamp_millis(time).unwrap_or_default()))
    };
    let role: String = row.get(2)?;
    let scopes: Option<String> = row.get(3)?;
    let (Some(grant), Some(created)) = (granted(&role, scopes.as_deref()), time(4)?) else {
        return Ok(None);
    };
    let (id, name) = (row.get(0)?, row.get(1)?);
    Ok(Some(Kept { id, name, grant, created, expires: time(5)?, revoked: time(6)? }))
}

/// The scopes of a grant, as they are kept.
pub(super) fn written(grant: &Grant) -> Option<String> {
    match grant.view() {
        View::Everything => None,
        View::Scopes(scopes) => Some(serde_json::to_string(scopes).unwrap_or_default()),
    }
}

/// What is kept of a grant, unless it cannot be understood.
pub(super) fn granted(role: &str, scopes: Option<&str>) -> Option<Grant> {
    let role: Role = role.parse().ok()?;
    let Some(scopes) = scopes else { return Some(Grant::everything(role)) };
    let scopes: BTreeMap<String, Vec<String>> = serde_json::from_str(scopes).ok()?;
    let each = scopes
        .into_iter()
        .flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)));
    Grant::within(role, each).ok()
}
