//! What can go wrong in a store, and whether anything was written when it did.

use std::path::PathBuf;

use super::Damage;

/// What the database's library said.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failure of the store. No variant carries anything that was recorded.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else held the database's lock for too long. Nothing was written.
    #[error("the ledger is locked by another process")]
    Busy(#[source] Cause),
    /// There is no room: the disk, a quota or a file-size limit. Nothing was written.
    #[error("no room is left for what goes into the ledger")]
    DiskFull(#[source] Cause),
    /// A constraint of the ledger forbids what was to be appended. Nothing was written.
    #[error("the ledger refused an entry")]
    Rejected(#[source] Cause),
    /// Another process writes in the place of a writer, or has done so. Nothing was written.
    #[error("another process has taken over the writer `{writer}`")]
    Superseded {
        /// Which writer.
        writer: String,
    },
    /// What waits in the spool belongs to another writer.
    #[error(
        "the spool in `{}` holds entries of the writer `{owner}`, and this one is `{writer}`: give it \
         its old name until they are in the ledger, or a directory of its own", dir.display()
    )]
    Spooled {
        /// The spool's directory.
        dir: PathBuf,
        /// Whose entries they are.
        owner: String,
        /// The writer now.
        writer: String,
    },
    /// Something waits in a spool that is not used.
    #[error(
        "{entries} entries wait in the spool in `{}`, and would be lost behind what is written now: set \
         `ledger.spool`, and let a proxy run until they are in the ledger", dir.display()
    )]
    Waiting {
        /// The spool's directory.
        dir: PathBuf,
        /// How many there are.
        entries: u64,
    },
    /// What waits in the spool was changed there, so that nothing more drains. Nothing was written.
    #[error(
        "the spool in `{}` was changed: {damage}; keep its files and find out who did that; moved away, what \
         waits in it is not in the ledger", dir.display()
    )]
    SpoolDamaged {
        /// The spool's directory.
        dir: PathBuf,
        /// What is wrong, and with which entry.
        damage: Damage,
    },
    /// The ledger does not take entries, and the spool holds as many as it may. Nothing was written.
    #[error("the spool is full ({limit} bytes), and the ledger does not take entries")]
    SpoolFull {
        /// The limit.
        limit: u64,
    },
    /// The database took an entry and does not have it as it was given. Nothing was written.
    #[error(
        "the database took entry {seq} of writer `{writer}` and does not have it as it was given: a trigger or \
         a rule that is not countersign's sees to that; `countersign verify` names it, and it has to go"
    )]
    Swallowed {
        /// Whose log.
        writer: String,
        /// Which entry.
        seq: i64,
    },
    /// The operation failed; whether it took effect is not known.
    #[error("the ledger failed, and it is not known whether it wrote")]
    Uncertain(#[source] Cause),
    /// The operation failed. Nothing was written.
    #[error("the ledger failed")]
    Failed(#[source] Cause),
    /// The ledger does not answer, and entries go to the spool.
    #[error("the ledger does not answer; entries are spooled")]
    Away,
    /// There is no connection.
    #[error("the ledger is not open")]
    Closed,
    /// A file or directory of the ledger cannot be used.
    #[error("cannot {operation} `{}`", path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
    /// Another process is the writer.
    #[error(
        "`{}` is held by process {holder}: only one proxy may write to a ledger; stop that one or \
         give this one a directory of its own", path.display()
    )]
    Held {
        /// The lock file.
        path: PathBuf,
        /// The id of the process that holds it, as far as is known.
        holder: String,
    },
    /// Somebody else held the database's lock for as long as opening may wait. Nothing was written.
    #[error(
        "`{}` is locked by {holders}: end that, a backup or a database shell perhaps, or wait for \
         it, and start again", path.display()
    )]
    Locked {
        /// The database.
        path: PathBuf,
        /// Which processes, as far as the system tells.
        holders: String,
    },
    /// The file was written by a later version.
    #[error(
        "`{}` has schema version {found}, and this countersign knows versions up to {known}: \
         use the countersign that wrote it, or a later one", path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The database cannot promise that a commit survives a power loss.
    #[error(
        "`{}` cannot be written durably (journal `{journal}`, synchronous {synchronous}): put the \
         ledger on a local filesystem", path.display()
    )]
    NotDurable {
        /// The database.
        path: PathBuf,
        /// What it says of its journal.
        journal: String,
        /// What it says of its syncs.
        synchronous: i64,
    },
    /// The server cannot be reached.
    #[error("cannot connect to PostgreSQL at `{server}`")]
    Connect {
        /// Which server.
        server: String,
        /// Why.
        #[source]
        source: Cause,
    },
    /// The server takes no writes.
    #[error("PostgreSQL at `{server}` is a standby, which cannot be written to: name the primary")]
    Standby {
        /// Which server.
        server: String,
    },
    /// The login may not do what is needed. Nothing was written.
    #[error(
        "the login has not the rights that it needs: make it a member of `countersign_writer` to \
         run a proxy; to read, let the owner run `countersign migrate --reader LOGIN --all-scopes`; \
         `countersign migrate` needs the owner"
    )]
    Denied(#[source] Cause),
    /// The login does not see the whole log, and here nothing less will do. Nothing was read.
    #[error(
        "`{login}` does not see the whole log in `{database}`: let the owner run \
         `countersign migrate --reader {login} --all-scopes` for that database"
    )]
    NotAll {
        /// Which login.
        login: String,
        /// Where.
        database: String,
    },
    /// Prepared statements are gone with the next transaction. Nothing was written.
    #[error(
        "prepared statements do not last, as behind a pooler in transaction mode: set \
         `ledger.postgres.prepared_statements: false`, or end the URL of `--ledger` with \
         `?prepared_statements=false`"
    )]
    Pooled(#[source] Cause),
    /// A login that shall have scopes could read more, whatever they are. Nothing was written.
    #[error(
        "`{login}` can read the tables themselves, whatever its scopes, or come to that: it is a superuser, \
         the owner, one that may make roles or replicate, or it was given a right or a role (the \
         server's files and programs are such); take that from it first, \
         `REVOKE countersign_auditor, countersign_writer FROM ...` perhaps"
    )]
    Unlimited {
        /// Which login.
        login: String,
    },
    /// What shall read is a role that cannot log in, and scopes are those of a login. Nothing was written.
    #[error(
        "`{login}` is a role that cannot log in: scopes go by the login itself, so name each of its \
         members, or let it `ALTER ROLE ... LOGIN`"
    )]
    NoLogin {
        /// Which role.
        login: String,
    },
    /// What reads for logins with scopes cannot be made. Nothing was written.
    #[error(
        "`{database}` cannot have readers with scopes yet: the owner is no member of \
         `countersign_sight`; let a superuser run `GRANT countersign_sight TO ...` with the owner's name"
    )]
    NoSight {
        /// Which database.
        database: String,
    },
    /// Another process is the writer of this name.
    #[error(
        "the writer `{writer}` is held by {holder}, which was heard of {seconds} s ago: give this \
         proxy a name of its own in `ledger.writer`; if that one is gone, its claim ends \
         {}", claim_ends(*dead_after, *silence)
    )]
    Claimed {
        /// The writer's name.
        writer: String,
        /// Who holds it.
        holder: String,
        /// When its heart last beat.
        seconds: i64,
        /// After how many seconds without that it counts as gone.
        dead_after: u64,
        /// After how many if that is more, since it has a spool.
        silence: u64,
    },
    /// The server does not promise that a commit survives a power loss, or cannot hold every text.
    #[error(
        "`{database}` cannot hold a ledger: `{setting}` is `{value}` there, and must be `{wanted}`"
    )]
    NotDurableServer {
        /// Which database.
        database: String,
        /// Which of its settings.
        setting: &'static str,
        /// What it is.
        value: String,
        /// What it must be.
        wanted: &'static str,
    },
    /// The database has no ledger.
    #[error(
        "`{database}` has no ledger: make it with `countersign migrate`, as the login that shall own it"
    )]
    NoSchema {
        /// Which database.
        database: String,
    },
    /// The database's schema is an earlier one.
    #[error(
        "`{database}` has schema version {found}, and this countersign needs version {known}: \
         run `countersign migrate`; proxies of the version before go on working meanwhile"
    )]
    OlderSchema {
        /// Which database.
        database: String,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The database's schema is a later one, with which this version cannot work.
    #[error(
        "`{database}` has schema version {found}, and this countersign knows versions up to {known}: \
         use a later countersign"
    )]
    NewerSchema {
        /// Which database.
        database: String,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// There is no ledger where one was expected.
    #[error("there is no ledger at `{}`", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The ledger holds a row that no version of countersign writes.
    #[error("the ledger's entry {seq} of writer `{writer}` cannot be read")]
    Damaged {
        /// Whose log.
        writer: String,
        /// Which entry.
        seq: i64,
        /// The column that holds what the document does not say, where it is one alone.
        column: Option<&'static str>,
    },
}

/// When the claim of a process that is gone ends.
fn claim_ends(dead_after: u64, silence: u64) -> String {
    if silence <= dead_after {
        return format!("{dead_after} s after it was last heard of");
    }
    format!(
        "{silence} s after it was last heard of, since it has a spool (`ledger.spool.silence`): start it \
         again with its own `ledger.dir`, which need not wait; if that is gone with its machine, see \
         \"A proxy that does not come back\" in docs/postgres.md"
    )
}

impl StoreError {
    /// Whether it is certain that nothing was written.
    pub fn effect_is_known(&self) -> bool {
        !matches!(self, Self::Uncertain(_))
    }

    /// Whether somebody else wrote at the same place at the same time.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Rejected(_) | Self::Superseded { .. })
    }

    /// A code from a closed set, for metrics and readiness.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Busy(_) | Self::Locked { .. } => "busy",
            Self::DiskFull(_) => "disk_full",
            Self::Rejected(_) => "rejected",
            Self::Superseded { .. } => "superseded",
            Self::Spooled { .. } => "spooled",
            Self::Swallowed { .. } => "swallowed",
            Self::SpoolDamaged { .. } => "spool_damaged",
            Self::SpoolFull { .. } => "spool_full",
            Self::Waiting { .. } => "spool_waiting",
            Self::Uncertain(_) => "uncertain",
            Self::Failed(_) => "failed",
            Self::Closed => "closed",
            Self::Away => "away",
            Self::File { .. } => "file",
            Self::Held { .. } => "held",
            Self::Newer { .. } | Self::NewerSchema { .. } => "newer_schema",
            Self::OlderSchema { .. } => "older_schema",
            Self::NotDurable { .. } | Self::NotDurableServer { .. } => "not_durable",
            Self::Missing { .. } | Self::NoSchema { .. } => "missing",
            Self::Connect { .. } => "connect",
            Self::Standby { .. } => "read_only",
            Self::Denied(_)
            | Self::NotAll { .. }
            | Self::Unlimited { .. }
            | Self::NoLogin { .. }
            | Self::NoSight { .. } => "denied",
            Self::Pooled(_) => "pooled",
            Self::Claimed { .. } => "claimed",
            Self::Damaged { .. } => "damaged",
        }
    }

    /// Sorts an error of rusqlite by what is known of its effect.
    /// Result codes: <https://www.sqlite.org/rescode.html>. Whatever is not on the list of
    /// failures after which SQLite has certainly rolled back counts as uncertain.
    pub(super) fn from_rusqlite(error: rusqlite::Error) -> Self {
        let code = match &error {
            rusqlite::Error::SqliteFailure(failure, _) => failure.extended_code.cast_unsigned(),
            // Nothing ran: a value that has no form in SQLite, or a row of another shape.
            _ => return Self::Failed(error.into()),
        };
        let error = error.into();
        match (code & 0xff, code) {
            // BUSY, LOCKED.
            (5 | 6, _) => Self::Busy(error),
            // FULL.
            (13, _) => Self::DiskFull(error),
            // CONSTRAINT, MISMATCH, TOOBIG, RANGE.
            (19 | 20 | 18 | 25, _) => Self::Rejected(error),
            // IOERR_READ, IOERR_SHORT_READ, IOERR_WRITE, IOERR_SHMOPEN, IOERR_SHMSIZE,
            // IOERR_SHMMAP, IOERR_NOMEM, IOERR_LOCK: all before a commit frame is complete.
            (10, 266 | 522 | 778 | 4618 | 4874 | 5386 | 3082 | 3850) => Self::Failed(error),
            // ERROR, PERM, NOMEM, READONLY, CORRUPT, CANTOPEN, PROTOCOL, NOTADB.
            (1 | 3 | 7 | 8 | 11 | 14 | 15 | 26, _) => Self::Failed(error),
            _ => Self::Uncertain(error),
        }
    }
}
