//! Pages in answer to what did not ask for one, and in answer to forms.

use super::super::body::Value;
use super::super::endpoint::READS;
use super::super::naming::Naming;
use crate::record::{RequestRecord, ResponseRecord};

/// Fields by which a script says that it takes a part of a page for the answer.
const SCRIPTED: [&str; 4] = ["hx-request", "turbo-frame", "x-pjax", "x-requested-with"];

/// The type of pages that are XML, which is read.
const XHTML: &str = "application/xhtml+xml";

/// Methods by which a page is asked for, whatever they do.
const ASKING: [&str; 2] = ["GET", "HEAD"];

/// Whether the answer is a page that tells nothing of how the request ended, and the reason. That may
/// be, in answer to a form, the form once more, as after a wrong password or a value that is not
/// taken, or a page that says that it was done; in answer to what did not ask for a page, the one
/// where one signs in, that of a firewall, or an application's shell.
pub(in crate::derive) fn unexpected_page(
    naming: &Naming,
    request: &RequestRecord,
    response: &ResponseRecord,
) -> Option<&'static str> {
    let is = |kind: Option<&str>, known: &str| {
        kind.and_then(|kind| kind.get(..known.len()))
            .is_some_and(|kind| kind.eq_ignore_ascii_case(known))
    };
    let sent = request.content_type.as_deref();
    let is_form = is(sent, "application/x-www-form-urlencoded") || is(sent, "multipart/form-data");
    let kind = response.content_type.as_deref();
    // JSON may be sent as a page, and a plain text, which says no more in answer to a form than a page.
    let is_read = match &response.body {
        Some(body) => !(is_form && body.tree().as_str().is_some()),
        None => response.sketch.is_some() && !is_form,
    };
    let is_page = response.status == 200 && (is(kind, XHTML) || is(kind, "text/html") && !is_read);
    if !is_page || !is_form && is_page_asked_for(naming, request, response) {
        return None;
    }
    if naming.action == "session.create" && is_form {
        return Some("page_after_sign_in");
    }
    let is_script = request
        .headers
        .node()
        .members()
        .iter()
        .any(|(name, _)| SCRIPTED.iter().any(|known| name.eq_ignore_ascii_case(known)));
    let verb = naming.action.rsplit_once('.').map_or("", |(_, verb)| verb);
    let is_answered = READS.contains(&verb)
        || matches!(verb, "preview" | "validate")
        || naming.action == "session.delete";
    match is_form {
        _ if is_answered => None,
        true => (!is_script).then_some("page_after_form"),
        false => Some("unexpected_page"),
    }
}

/// Whether a page is what was asked for, or nothing at all is what came, or what was called is judged
/// by its result, which a page does not have.
fn is_page_asked_for(naming: &Naming, request: &RequestRecord, response: &ResponseRecord) -> bool {
    let field = |name: &str| request.headers.get(name).and_then(Value::as_str);
    let accepts = field("accept").unwrap_or_default().to_ascii_lowercase();
    let is_accepted = accepts.contains("html");
    let has = |name: &&str| request.headers.get(name).is_some();
    let is_fragment = match SCRIPTED.iter().find(|name| has(name)) {
        // jQuery and its like say so of whatever they ask for.
        Some(&"x-requested-with") => !accepts.contains("json"),
        field => field.is_some(),
    };
    response.size == Some(0)
        || is_accepted
        || is_fragment
        || ASKING.contains(&request.method.as_str())
        || naming.acts.iter().any(|act| act.answer.is_own())
}
