//! Batches as OData and Google have them: requests of HTTP in the parts of a body, and their answers
//! in those of another.
//!
//!   <https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_MultipartBatchFormat>
//!   <https://developers.google.com/workspace/drive/api/guides/performance#batch-requests>

use super::super::answer::{NO_RESULT, is_unread};
use super::super::body::Value;
use super::super::code::status_in;
use super::super::naming::Naming;
use super::super::trace::Trace;
use super::{Came, Verdict, noted, without};
use crate::record::{BodyRecord, Outcome};

/// Parts that are looked at.
const PARTS_MAX: usize = 4096;

/// Judges a batch by the parts of its answer, unless all were done, or none could change anything.
pub(super) fn by_parts(naming: &Naming, came: Came<'_>, trace: &mut Trace) -> Option<Verdict> {
    let is_mixed =
        |kind: Option<&str>| kind.is_some_and(|kind| kind.starts_with("multipart/mixed"));
    let (request, response) = (came.request, came.response);
    let is_answered = is_mixed(response.content_type.as_deref()) || is_unread(response);
    if !is_mixed(request.content_type.as_deref()) || !is_answered {
        return None;
    }
    let sent = request.body.as_ref().map(BodyRecord::tree);
    let sent = sent.map(parts).unwrap_or_default();
    let is_read = |part: &&Value<'_>| {
        part.get("method").and_then(Value::as_str).is_some_and(|it| matches!(it, "GET" | "HEAD"))
    };
    if !sent.is_empty() && sent.iter().all(is_read) {
        return None;
    }
    let parts = came.says.map(parts).unwrap_or_default();
    let statuses: Option<Vec<u16>> =
        parts.iter().map(|part| status_in(part.get("status")?)).collect();
    let statuses = statuses.unwrap_or_default();
    let bad: Vec<u16> = statuses.iter().copied().filter(|status| *status >= 400).collect();
    let (outcome, reason) = match (bad.first(), bad.len() == statuses.len()) {
        (None, false) => return None,
        (None, true) => (Outcome::Unknown, NO_RESULT.to_owned()),
        (Some(401 | 403 | 407), true) => (Outcome::Denied, format!("http_{}", bad.first()?)),
        (Some(status), true) => (Outcome::Failure, format!("http_{status}")),
        (Some(_), false) => (Outcome::Unknown, "some_failed".to_owned()),
    };
    noted::within(came, "the statuses in the parts of the answer", trace);
    noted::reason(came, Some(&reason), trace);
    Some(without(naming, outcome, &reason, trace))
}

/// The parts of a body, those of change sets within it as well.
fn parts<'b>(body: &'b Value<'b>) -> Vec<&'b Value<'b>> {
    let items = body.as_array().unwrap_or_default().iter().take(PARTS_MAX);
    let each = items.flat_map(|item| match item.as_array() {
        Some(inner) => inner.iter().take(PARTS_MAX).collect(),
        None => vec![item],
    });
    each.take(PARTS_MAX).collect()
}
