//! Structured logs, text or JSON, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// A filter that cannot be understood.
#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    /// The filter does not parse.
    #[error("the log filter `{filter}` cannot be understood")]
    Filter {
        /// The filter.
        filter: String,
        /// Why.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// Logs were started before.
    #[error("logs have been started before")]
    Started(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Starts logging: `json` for machines, text for people. Pingora writes to the `log` crate, which
/// is left unconnected on purpose: its lines may carry request targets and heads.
pub fn init(filter: &str, json: bool) -> Result<(), LogsError> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|source| LogsError::Filter { filter: filter.to_owned(), source })?;
    // A log that cannot be written (a full disk, a closed pipe) must never end a thread.
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .log_internal_errors(false);
    if json { logs.json().try_init() } else { logs.with_target(false).try_init() }
        .map_err(LogsError::Started)
}
