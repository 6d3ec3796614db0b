//! Why there is no response.

use pingora::{Error, ErrorType};

use super::body::BodyError;

/// Why there is no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The upstream was not reached, or has said that it did nothing: nothing was executed.
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

/// Whether an HTTP/2 server has said that it did nothing with the request (RFC 9113, section 8.7): as one does that
/// is about to stop.
fn is_unprocessed(error: &Error) -> bool {
    let Some(cause) = &error.cause else { return false };
    match (cause.downcast_ref::<Box<Error>>(), cause.downcast_ref::<h2::Error>()) {
        (Some(inner), _) => is_unprocessed(inner),
        // Of a connection that is left, only streams are told that were not begun.
        (_, Some(error)) => {
            error.is_remote()
                && (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM))
        }
        (None, None) => false,
    }
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
            _ if is_unprocessed(error) => Self::NotSent,
            ErrorType::ReadTimedout | ErrorType::WriteTimedout => Self::Timeout,
            ErrorType::InvalidHTTPHeader => Self::Invalid,
            _ => Self::Lost,
        }
    }
}
