//! Errors of the server, sorted by what is known of their effect.

use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::store::{Cause, StoreError};

/// What the server said, without what it may have repeated of the data.
#[derive(Debug, thiserror::Error)]
#[error("{message} (SQLSTATE {code})")]
struct Said {
    code: String,
    message: String,
}

/// The error as it may be shown.
pub(super) fn cause(error: sqlx::Error) -> Cause {
    match error.as_database_error().and_then(|said| said.try_downcast_ref::<PgDatabaseError>()) {
        Some(said) => Box::new(shown(said)),
        // The library names its own variant, which nobody knows who sets up a server.
        None if error.to_string().contains("CaUsedAsEndEntity") => {
            "the server shows the certificate of an authority (`CA:TRUE`, as `openssl req -x509` makes it): \
             give it one of its own, signed by that authority, and name the authority's in `tls.ca`"
                .into()
        }
        None => error.into(),
    }
}

/// Details quote rows, and messages about values and constraints may quote values.
fn shown(said: &PgDatabaseError) -> Said {
    let code = said.code().to_owned();
    let message = match said.constraint() {
        Some(constraint) => format!("the constraint `{constraint}` is violated"),
        None if code.starts_with("22") => "a value is not acceptable".to_owned(),
        None => said.message().to_owned(),
    };
    Said { code, message }
}

/// Sorts an error. Where nothing was being committed, nothing has been written.
pub(super) fn sort(error: sqlx::Error, committing: bool) -> StoreError {
    let said =
        error.as_database_error().and_then(|said| said.try_downcast_ref::<PgDatabaseError>());
    let fatal = said.is_some_and(|said| {
        matches!(PgDatabaseError::severity(said), PgSeverity::Fatal | PgSeverity::Panic)
    });
    let code = said.map(|said| said.code().to_owned());
    let sorted = of_code(code.as_deref(), fatal, cause(error));
    match sorted {
        StoreError::Uncertain(cause) if !committing => StoreError::Failed(cause),
        sorted => sorted,
    }
}

/// Classes and codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>. An error of
/// the level ERROR means that the transaction was rolled back, unless it says otherwise; one that also
/// ends the session may have come after the commit.
pub(super) fn of_code(code: Option<&str>, fatal: bool, cause: Cause) -> StoreError {
    let Some(code) = code else { return StoreError::Uncertain(cause) };
    let class = code.get(..2).unwrap_or_default();
    match (class, code) {
        // Nobody knows: statement_completion_unknown, connection_exception, internal_error.
        (_, "40003") | ("08" | "XX", _) => StoreError::Uncertain(cause),
        _ if fatal => StoreError::Uncertain(cause),
        // Ours: the claim is somebody else's.
        (_, "CS001") => StoreError::Superseded { writer: String::new() },
        // Ours: what was inserted is not there.
        (_, "CS002") => StoreError::Swallowed { writer: String::new(), seq: 0 },
        // lock_not_available, query_canceled (a limit of ours), deadlock, serialization_failure.
        (_, "55P03" | "57014") | ("40", _) => StoreError::Busy(cause),
        // disk_full.
        (_, "53100") => StoreError::DiskFull(cause),
        // Data and constraints, limits of one row, raise_exception.
        ("22" | "23" | "54", _) | (_, "P0001") => StoreError::Rejected(cause),
        // invalid_sql_statement_name, duplicate_prepared_statement.
        (_, "26000" | "42P05") => StoreError::Pooled(cause),
        // insufficient_privilege.
        (_, "42501") => StoreError::Denied(cause),
        // admin_shutdown and its like as plain errors.
        ("57", _) => StoreError::Uncertain(cause),
        _ => StoreError::Failed(cause),
    }
}
