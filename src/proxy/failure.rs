//! Why there is no response.

use pingora::{Error, ErrorType};

use super::body::BodyError;

/// Why there is no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The upstream was not reached: nothing was executed.
    NotSent,
    /// Nor in time.
    ConnectTimeout,
    /// The upstream was lost after it had the request.
    Lost,
    /// The upstream answered something that is no response, or one whose head is too large to be read.
    Invalid,
    /// The upstream did not answer in time.
    Timeout,
    /// The client broke off its request, so that the upstream never had the whole of it.
    ClientAborted(BodyError),
}

impl Failure {
    /// What an error of connecting means.
    pub(super) fn to_connect(error: &Error) -> Self {
        match error.etype() {
            ErrorType::ConnectTimedout | ErrorType::TLSHandshakeTimedout => Self::ConnectTimeout,
            _ => Self::NotSent,
        }
    }

    /// What an error of the upstream's connection means once the request is on its way.
    pub(super) fn after_sending(error: &Error) -> Self {
        match error.etype() {
            ErrorType::ReadTimedout | ErrorType::WriteTimedout => Self::Timeout,
            ErrorType::InvalidHTTPHeader => Self::Invalid,
            _ => Self::Lost,
        }
    }
}
