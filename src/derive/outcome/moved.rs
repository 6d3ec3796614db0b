//! What an answer says in so many words that somebody came into something or left it, where the request
//! looks as if they were made or deleted: `DELETE /api/org/users/5`, `User removed from organization`, as
//! Grafana has it.

use super::super::body::Value;
use super::super::naming::Naming;
use super::super::sentence::Sentence;
use super::super::signs::MESSAGES;
use super::super::trace::{By, Field, Origin, Trace};
use super::super::words::GROUPS;
use super::Came;

/// Those who come and go.
const PEOPLE: [&str; 3] = ["account", "member", "user"];

/// The sentence of a request, with what the answer says in the place of its verb.
pub(super) fn turned(
    naming: &Naming,
    came: Came<'_>,
    sentence: &Sentence,
    trace: &mut Trace,
) -> Option<Sentence> {
    let verb = told(naming, came, trace)?.to_owned();
    Some(Sentence { verb, ..sentence.clone() })
}

/// The verb that an answer says in the place of that of the request, which nobody else has named.
fn told(naming: &Naming, came: Came<'_>, trace: &mut Trace) -> Option<&'static str> {
    let [target] = naming.targets.as_slice() else { return None };
    let (verb, told) = match naming.sentence.verb.as_str() {
        "create" => ("add", "added to"),
        "delete" => ("remove", "removed from"),
        _ => return None,
    };
    let is_ruled = naming.matched.is_some() || naming.documented.is_some() || naming.is_call();
    if is_ruled || naming.sentence.part.is_some() || !PEOPLE.contains(&target.kind.as_str()) {
        return None;
    }
    let body = came.body?;
    let (name, text) =
        MESSAGES.iter().find_map(|name| Some((name, body.get(name).and_then(Value::as_str)?)))?;
    let text = text.trim().trim_end_matches(['.', '!']).to_ascii_lowercase();
    let group = text.strip_prefix(&format!("{} {told} ", target.kind))?;
    // From a system nobody is removed without being deleted.
    if !group.split(' ').any(|word| GROUPS.contains(&word)) {
        return None;
    }
    trace.note(Field::Action, || {
        let by = By::Convention("what the answer says became of who is meant");
        (by, vec![Origin::ResponseBody(format!("$.{name}"))])
    });
    Some(verb)
}

/// The action of what then was done.
pub(super) fn action(turned: &Sentence) -> String {
    format!("member.{}", if turned.verb == "add" { "create" } else { "delete" })
}
