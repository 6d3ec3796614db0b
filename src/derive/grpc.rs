//! How a call of gRPC ended.

use super::body::{Value, scalar};
use crate::record::{Outcome, ResponseRecord};

/// gRPC's codes, from 1 on.
const GRPC: [&str; 16] = [
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
];

/// The answer shows no status: it came after the body, where it is not seen.
const NO_RESULT: &str = "no_result";

/// The field with the status, which gRPC-Web has in a frame at the end of the body.
///
///   <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses>
///   <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md>
pub(super) const STATUS: &str = "grpc-status";

/// What gRPC says, in a field or at the end of the body, unless it is that all is well.
pub(super) fn ended(
    response: &ResponseRecord,
    body: Option<&Value<'_>>,
) -> Option<(Outcome, &'static str)> {
    let kind = response.content_type.as_deref().unwrap_or_default();
    let is_call = kind.starts_with("application/grpc");
    let within = || scalar(body.filter(|_| is_call)?.get(STATUS)?);
    let status = response.headers.get(STATUS).and_then(scalar).or_else(within);
    let reason = match status.as_deref().map(str::trim) {
        None if is_call => return Some((Outcome::Unknown, NO_RESULT)),
        None | Some("0") => return None,
        Some(status) => {
            let code = status.parse::<usize>().ok().and_then(|at| GRPC.get(at.checked_sub(1)?));
            code.copied().unwrap_or("grpc_error")
        }
    };
    let outcome = match reason {
        "permission_denied" | "unauthenticated" => Outcome::Denied,
        _ => Outcome::Failure,
    };
    Some((outcome, reason))
}
