//! What a body says is to be done, where the path says only that something is:
//! `POST /droplets/5/actions {"type": "reboot"}`, `/servers/5/action {"os-stop": null}`,
//! `/users/bulk {"action": "disable"}`.
//!
//! The body is the client's, but here the application has nothing else to go by. What could be read in
//! two ways names the graver of the two, or nothing.

use std::borrow::Cow;

use super::super::acting::is_grave;
use super::super::body::{self, Value, step};
use super::super::call::noun_and_verb;
use super::super::endpoint::READS;
use super::super::signs::MEMBERS_MAX;
use super::super::text::bounded;
use super::super::trace::{By, Field, Origin, Trace};
use super::super::verbs::{canonical, compound, is_verb};
use super::super::walk::{Node, Walked};
use super::super::words::{singular, snake};

/// Members that say what is to be done.
const NAMES: [&str; 4] = ["action", "op", "operation", "type"];

/// Members that say so where a state is sent to: `POST /nodes/pve/status command=reboot`.
const COMMANDS: [&str; 2] = ["action", "command"];

/// The same where several are changed at once: `POST /documents/bulk_edit {"method": "delete"}`.
const METHODS: [&str; 3] = ["action", "method", "operation"];

/// The last word of a path behind a thing of which the body says what is done:
/// `POST /user/manage {"username": "ann", "action": "disable"}`.
const MANAGED: &str = "manage";

/// Values of one member that are looked at.
const VALUES_MAX: usize = 10;

/// Verbs by which a thing gets the name that is sent beside them; beside others it is the name of an
/// action that is made.
const NAMING: [&str; 3] = ["create", "rename", "snapshot"];

/// Takes for the verb what the body says, if the path leaves it open; and where noun and verb stand.
pub(super) fn take(
    walked: &mut Walked,
    method: &str,
    body: Option<&Value<'_>>,
) -> Option<Vec<Origin>> {
    let body = body.filter(|_| method == "POST")?;
    let Node { at, noun, .. } = walked.nodes.last()?;
    let (at, noun) = (*at, noun.as_str());
    let several = walked.verb.clone().filter(|verb| matches!(verb.as_str(), "batch" | "bulk"));
    let is_edit = matches!(walked.verb.as_deref(), Some("bulk_edit" | "bulk_update"));
    let several = several.or(is_edit.then(|| "bulk".to_owned()));
    let is_item = walked.nodes.last()?.is_item;
    let (verb, place) = match (&several, &walked.verb, walked.part.as_deref()) {
        (Some(_), _, None) if is_edit => said(body, noun, &METHODS)?,
        (Some(_), _, None) => said(body, noun, &NAMES)?,
        (None, None, Some("action")) if is_item => {
            said(body, noun, &NAMES).or_else(|| called(body))?
        }
        (None, None, Some("state" | "status")) if is_item => said(body, noun, &COMMANDS)?,
        (None, None, None) if noun == MANAGED && walked.nodes.len() > 1 => {
            said(body, noun, &NAMES)?
        }
        (None, None, None) if is_folder(walked) => {
            said(body, noun, &NAMES).or_else(|| called(body))?
        }
        _ => return None,
    };
    if several.is_none() && walked.part.take().is_none() {
        walked.nodes.pop();
    }
    walked.part_at = None;
    walked.verb = Some(several.map_or_else(|| verb.clone(), |how| format!("{how}_{verb}")));
    Some(at.map(Origin::Segment).into_iter().chain([Origin::RequestBody(place)]).collect())
}

/// Notes where the action then stands.
pub(super) fn note(places: Option<Vec<Origin>>, trace: &mut Trace) {
    let Some(places) = places else { return };
    let by = By::Convention("the last collection of the path, and what the body says is done");
    trace.note(Field::Action, || (by, places));
}

/// `/servers/5/actions`, `/users/actions`
fn is_folder(walked: &Walked) -> bool {
    let [.., outer, last] = walked.nodes.as_slice() else { return false };
    last.noun == "action" && !last.is_item && (outer.is_item || outer.is_collection())
}

/// The verb in a member that says what is to be done, and where it stands.
fn said(body: &Value<'_>, noun: &str, names: &[&str]) -> Option<(String, String)> {
    let members = body.members().iter().take(MEMBERS_MAX);
    let members = members.filter(|(name, _)| names.iter().any(|it| name.eq_ignore_ascii_case(it)));
    let mut found: Option<(String, String)> = None;
    for (name, value) in members {
        let values = value.as_array().unwrap_or_else(|| std::slice::from_ref(value));
        for text in values.iter().take(VALUES_MAX).filter_map(body::scalar) {
            // `{"action": "delete", "type": "user"}`, which says as well to what.
            if name.eq_ignore_ascii_case("type") && singular(&snake(&text)) == noun {
                continue;
            }
            let verb = verb_of(&text)?;
            match &found {
                Some((known, _)) if *known == verb || is_grave(known) => {}
                Some(_) if !is_grave(&verb) => return None,
                _ => found = Some((verb, format!("${}", step(name)))),
            }
        }
    }
    let has_name = body.get("name").is_some();
    found.filter(|(verb, _)| !has_name || NAMING.contains(&verb.as_str()))
}

/// The verb that is the only name in a body, as OpenStack has it: `{"os-stop": null}`.
///
///   <https://docs.openstack.org/api-ref/compute/#servers-run-an-action-servers-action>
fn called(body: &Value<'_>) -> Option<(String, String)> {
    let [(name, _)]: &[(Cow<'_, str>, Value<'_>)] = body.members() else { return None };
    let bare = name.strip_prefix("os-").unwrap_or(name);
    Some((verb_of(bare)?, format!("${}", step(name))))
}

/// A text that begins with a verb which changes something, as one.
fn verb_of(text: &str) -> Option<String> {
    let word = snake(text);
    let is_read = READS.contains(&word.split('_').next().unwrap_or_default());
    if is_read || !is_verb(&word) && compound(&word).is_none() {
        return None;
    }
    let bare = word.strip_suffix("_selected").unwrap_or(&word);
    let verb = match noun_and_verb(bare) {
        Some((noun, verb)) if noun.is_empty() => verb,
        _ => canonical(bare).to_owned(),
    };
    bounded(&verb)
}
