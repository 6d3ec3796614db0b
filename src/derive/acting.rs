//! What a parameter says is to be done: `action=delete`, as scripts have it.
//!
//! A parameter is the client's, so that it counts only where the path is that of a script and says
//! nothing else; anywhere it is a reason to take nothing for a read.

use super::body::{Value, scalar, step};
use super::call::noun_and_verb;
use super::endpoint::READS;
use super::nouns::{is_known_noun, is_part};
use super::path::{Path, parted};
use super::shape::is_version;
use super::text::bounded;
use super::trace::Origin;
use super::verbs::{canonical, is_verb};
use super::walk::{ACTIONS, Walked};
use super::words::{singular, snake};
use crate::record::{RequestRecord, Tree};

/// Names of such parameters, in any case.
const PARAMETERS: [&str; 10] = [
    "action",
    "act",
    "batch_action",
    "bulk_action",
    "cmd",
    "do",
    "method",
    "op",
    "operation",
    "task",
];

/// Names of buttons of a form, whose text counts where it takes something away.
const BUTTONS: [&str; 4] = ["btn", "button", "submit", "_submit"];

/// What a button that is called as what it does sends: `delete=yes`.
const PRESSED: [&str; 5] = ["1", "on", "true", "y", "yes"];

/// Longer words are not taken apart.
const WORD_BYTES_MAX: usize = 40;

/// How servlets are called.
const SERVLET: &str = "servlet";

/// Verbs that say of what is sent what its method says.
const AS_SENT: [&str; 10] =
    ["add", "apply", "create", "edit", "insert", "login", "logout", "save", "submit", "update"];

/// Ends of scripts.
const SCRIPTS: [&str; 10] =
    ["action", "ashx", "asp", "aspx", "cfm", "cgi", "do", "jsp", "php", "pl"];

/// Names of scripts to which all requests of an application go.
const FRONTS: [&str; 6] = ["admin", "app", "default", "home", "index", "main"];

/// What is graver than the rest.
const GRAVE: [&str; 9] =
    ["delete", "destroy", "drop", "purge", "remove", "revoke", "terminate", "uninstall", "wipe"];

/// Values of one parameter that are looked at.
const VALUES_MAX: usize = 10;

/// What a parameter says.
#[derive(Debug)]
pub(super) struct Acted {
    /// To what, if it says so.
    pub(super) noun: Option<String>,
    pub(super) verb: String,
    pub(super) origin: Origin,
}

/// The gravest of what query and body say is to be done, reads left out.
pub(super) fn acted(request: &RequestRecord, body: Option<&Value<'_>>) -> Option<Acted> {
    let query = request.query.as_ref().map(Tree::node).into_iter();
    let query = query.flat_map(Value::members).map(|member| (true, member));
    // In JSON an `action` may be anything: what is searched for, what is allowed.
    let is_form = request.content_type.as_deref().is_some_and(|kind| {
        kind.starts_with("application/x-www-form-urlencoded") || kind.starts_with("multipart/")
    });
    let body = body.filter(|_| is_form).into_iter();
    let body = body.flat_map(|body| body.members()).map(|member| (false, member));
    let mut found: Option<Acted> = None;
    for (is_query, (name, value)) in query.chain(body) {
        let is_button = !is_query && is_one_of(name, &BUTTONS);
        let is_pressed = !is_query && is_one_of(name, &GRAVE) && is_pressed(name, value);
        if !is_button && !is_pressed && !is_one_of(name, &PARAMETERS) {
            continue;
        }
        let values = value.as_array().unwrap_or_else(|| std::slice::from_ref(value));
        let said = |value| scalar(value).filter(|_| !is_pressed);
        let own = is_pressed.then(|| name.to_string());
        for text in values.iter().take(VALUES_MAX).filter_map(said).chain(own) {
            let Some((noun, verb)) = said_by(&text) else { continue };
            let verb = canonical(&verb).to_owned();
            let is_better = found.as_ref().is_none_or(|it| is_grave(&verb) && !is_grave(&it.verb));
            // `method=post` is one of HTTP, and who signs in by a method is told elsewhere.
            let is_method = is_one_of(name, &["method", "task"]);
            let is_of_http =
                || text.eq_ignore_ascii_case("post") || matches!(&*verb, "login" | "logout");
            let is_other = is_button && !is_grave(&verb) || is_method && is_of_http();
            if READS.contains(&first(&verb)) || !is_better || is_other {
                continue;
            }
            let origin = match is_query {
                true => Origin::Query(name.to_string()),
                false => Origin::RequestBody(format!("${}", step(name))),
            };
            // `<commit></commit>`, `activate-selected`
            let is_named = |noun: &String| !noun.is_empty() && *noun != verb && noun != "selected";
            let noun = Some(noun).filter(is_named);
            found = Some(Acted { noun, verb, origin });
        }
    }
    found
}

/// The noun and the verb of a text, be they written as one (`createuser`), or with a word before them that
/// says nothing (`dodelete`).
fn said_by(text: &str) -> Option<(String, String)> {
    let said = noun_and_verb(text).filter(|(noun, _)| noun != "do");
    said.or_else(|| {
        let word = parted(snake(&bounded(text)?));
        let bare = word.strip_prefix("do").map(|rest| rest.trim_start_matches('_'));
        let said = noun_and_verb(bare.filter(|rest| is_verb(rest)).unwrap_or(&word));
        said.or_else(|| of_one_word(&word))
    })
}

/// `changepassword`: a verb and a thing that is known.
fn of_one_word(word: &str) -> Option<(String, String)> {
    if word.len() > WORD_BYTES_MAX {
        return None;
    }
    let mut ways = (3..word.len()).filter_map(|at| word.split_at_checked(at));
    let is_said = |(verb, about): &(&str, &str)| {
        is_verb(verb) && (is_part(about) || is_known_noun(about) || is_known_noun(&singular(about)))
    };
    ways.find(is_said).map(|(verb, about)| (about.to_owned(), verb.to_owned()))
}

fn is_one_of(name: &str, known: &[&str]) -> bool {
    known.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether a button that is called as what it does was pressed: `delete=yes`, `delete=Delete`.
fn is_pressed(name: &str, value: &Value<'_>) -> bool {
    *value == Value::Bool(true)
        || scalar(value)
            .is_some_and(|text| is_one_of(&text, &PRESSED) || text.eq_ignore_ascii_case(name))
}

/// Whether a request is one of AWS's query protocol, whose path is that of a queue or of nothing:
/// `Action=SendMessage&Version=2012-11-05`.
pub(super) fn is_query_protocol(request: &RequestRecord, body: Option<&Value<'_>>) -> bool {
    let is_action = |text: &str| {
        text.starts_with(|first: char| first.is_ascii_uppercase())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let is_date = |text: &str| {
        text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    };
    let text = |place: &Value<'_>, name: &str, is: fn(&str) -> bool| {
        place.get(name).and_then(Value::as_str).is_some_and(is)
    };
    let places = request.query.as_ref().map(Tree::node).into_iter().chain(body);
    places
        .into_iter()
        .any(|place| text(place, "Action", is_action) && text(place, "Version", is_date))
}

/// Whether it is open what is done: the query alone says it, by a verb without a value (`?delete`) or an
/// action, or what is sent says besides that something else is done than is made. The application may read
/// it or not, so that neither it nor the method says what is done.
pub(super) fn is_asked(
    request: &RequestRecord,
    body: Option<&Value<'_>>,
    acted: Option<&Acted>,
    walked: &Walked,
) -> bool {
    let is_empty = body.is_none() && request.size.is_none_or(|size| size == 0);
    let is_item = walked.part.is_none() && walked.nodes.last().is_some_and(|node| node.is_item);
    let is_other = |acted: &&Acted| {
        // `?action=changepassword` is said of a part of it.
        let is_part = acted.verb == "update" && acted.noun.is_some();
        let is_part = is_part && matches!(acted.origin, Origin::Query(_));
        let is_known = AS_SENT.contains(&first(&acted.verb)) && !is_part;
        // What is sent to one thing changes it, whatever a form says besides.
        (is_grave(&acted.verb) || !is_known) && !is_item
    };
    if acted.filter(is_other).is_some() {
        return true;
    }
    let Some(query) = &request.query else { return false };
    let is_bare = |(name, value): &(std::borrow::Cow<'_, str>, Value<'_>)| {
        let is_empty = matches!(value, Value::Null) || value.as_str() == Some("");
        is_empty && is_verb(&name.to_ascii_lowercase())
    };
    query.node().members().iter().any(is_bare)
        || is_empty && acted.is_some_and(|acted| matches!(acted.origin, Origin::Query(_)))
}

/// What else is done at the page where one signs in to WordPress, as its parameter says; what another
/// page makes of such a parameter nobody knows.
///
///   <https://developer.wordpress.org/reference/files/wp-login.php/>
pub(super) fn beside_sign_in(request: &RequestRecord, path: &Path) -> Option<Acted> {
    path.segments.last().filter(|last| last.raw == "wp-login.php")?;
    let action = request.query.as_ref()?.get("action").and_then(scalar)?;
    let (noun, verb) = match action.as_str() {
        "lostpassword" | "retrievepassword" => ("password", "request_reset"),
        "resetpass" | "rp" => ("password", "reset"),
        "register" => ("user", "register"),
        _ => return None,
    };
    let origin = Origin::Query("action".to_owned());
    Some(Acted { noun: Some(noun.to_owned()), verb: verb.to_owned(), origin })
}

/// Whether somebody signs in at one of several providers, as Rancher has it:
/// `POST /v3-public/localProviders/local?action=login`. Elsewhere the parameter would hide what is
/// done with a user and a password.
pub(super) fn signs_in_at_provider(
    walked: &Walked,
    acted: Option<&Acted>,
    body: Option<&Value<'_>>,
) -> bool {
    let is_login = acted.is_some_and(|acted| {
        matches!(acted.origin, Origin::Query(_)) && acted.noun.is_none() && acted.verb == "login"
    });
    let node = walked.nodes.last();
    let is_provider = node.is_some_and(|node| node.is_item && node.noun.ends_with("_provider"));
    let has_password = || body.is_some_and(|body| body.get("password").is_some());
    is_login && is_provider && walked.verb.is_none() && walked.part.is_none() && has_password()
}

fn first(verb: &str) -> &str {
    verb.split('_').next().unwrap_or_default()
}

pub(super) fn is_grave(verb: &str) -> bool {
    verb.split('_').any(|word| GRAVE.contains(&word))
}

/// Whether a path is that of the one script of an application, which says nothing of what is done, or
/// none.
pub(super) fn is_front(path: &Path) -> bool {
    let Some(last) = path.segments.last() else { return !path.is_cut };
    let stem = last.raw.split('.').next().unwrap_or_default();
    FRONTS.iter().any(|known| stem.eq_ignore_ascii_case(known))
}

/// Whether a path is that of a script, or none.
pub(super) fn is_script(path: &Path) -> bool {
    let Some(last) = path.segments.last() else { return !path.is_cut };
    let bare = last.raw.split(';').next().unwrap_or_default();
    is_servlet(bare)
        || bare.rsplit_once('.').is_some_and(|(stem, end)| {
            !stem.is_empty() && SCRIPTS.iter().any(|known| end.eq_ignore_ascii_case(known))
        })
}

/// Whether a segment is called as servlets are: `UserServlet`.
fn is_servlet(text: &str) -> bool {
    let stem = text.len().checked_sub(SERVLET.len()).and_then(|at| text.split_at_checked(at));
    stem.is_some_and(|(stem, end)| !stem.is_empty() && end.eq_ignore_ascii_case(SERVLET))
}

/// Takes what a servlet is for as its noun: `user` of `UserServlet`.
pub(super) fn name_servlet(walked: &mut Walked) {
    let Some(node) = walked.nodes.last_mut().filter(|node| !node.is_item) else { return };
    let Some(stem) = node.noun.strip_suffix(SERVLET) else { return };
    let stem = stem.trim_end_matches('_');
    node.noun = if stem.is_empty() { "resource" } else { stem }.to_owned();
}

/// Whether a path is that of an API as a whole, which says nothing of what is done: `/api/`, `/api/v1`.
pub(super) fn is_bare(path: &Path) -> bool {
    match path.segments.as_slice() {
        [only] => only.text.eq_ignore_ascii_case("api"),
        [api, version] => api.text.eq_ignore_ascii_case("api") && is_version(&version.text, true),
        _ => false,
    }
}

/// Whether a path ends where a form is sent that says itself what is done to which of a list:
/// `/admin/users/batch_action`.
pub(super) fn is_of_list(path: &Path, walked: &Walked) -> bool {
    let [.., _, last] = path.segments.as_slice() else { return false };
    let is_open = walked.verb.is_none() && walked.part.is_none();
    is_open && last.word.as_deref().is_some_and(|word| ACTIONS.contains(&word))
}

/// The name of a queue of SQS, by its account and its name: `/123456789012/jobs`.
///
///   <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html>
pub(super) fn queue(path: &Path) -> Option<&str> {
    let [account, queue] = path.segments.as_slice() else { return None };
    let is_account = account.text.len() == 12 && account.text.bytes().all(|it| it.is_ascii_digit());
    is_account.then_some(queue.text.as_str())
}
