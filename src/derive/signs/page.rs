//! Pages in answer to forms.

use super::super::body::Value;
use super::super::endpoint::READS;
use super::super::naming::Naming;
use crate::record::{RequestRecord, ResponseRecord};

/// Fields by which a script says that it is one.
const SCRIPTED: [&str; 4] = ["hx-request", "turbo-frame", "x-pjax", "x-requested-with"];

/// Whether the answer to a form is a page: that may be the form once more, as after a wrong password
/// or a value that is not taken, or a page that says that it was done. The reason.
pub(in crate::derive) fn may_be_form_again(
    naming: &Naming,
    request: &RequestRecord,
    response: &ResponseRecord,
) -> Option<&'static str> {
    let is = |kind: Option<&str>, known: &str| {
        kind.and_then(|kind| kind.get(..known.len()))
            .is_some_and(|kind| kind.eq_ignore_ascii_case(known))
    };
    let sent = request.content_type.as_deref();
    let is_page = response.status == 200
        && is(response.content_type.as_deref(), "text/html")
        // JSON may be sent as a page.
        && response.body.is_none()
        && (is(sent, "application/x-www-form-urlencoded") || is(sent, "multipart/form-data"));
    if !is_page {
        return None;
    }
    if naming.action == "session.create" {
        return Some("page_after_sign_in");
    }
    // A script of a page takes a part of one for the answer.
    let is_script = |(name, _): &(std::borrow::Cow<'_, str>, Value<'_>)| {
        SCRIPTED.iter().any(|known| name.eq_ignore_ascii_case(known))
    };
    let verb = naming.action.rsplit_once('.').map_or("", |(_, verb)| verb);
    let is_answered = READS.contains(&verb)
        || matches!(verb, "preview" | "validate")
        || naming.action == "session.delete"
        || request.headers.node().members().iter().any(is_script);
    (!is_answered).then_some("page_after_form")
}
