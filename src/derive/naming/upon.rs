//! What a verb is done to that stands alone in its path, by what is sent: `POST /impersonate {"user_id": 5}`.

use super::super::body::Value;
use super::super::call::thing_meant;
use super::super::verbs::is_leading;
use super::super::walk::{Node, Walked};
use super::super::words::snake;

/// Verbs for what is done to people and to nothing else.
const TO_PEOPLE: [&str; 4] = ["ban", "impersonate", "kick", "unban"];

/// By what people are known.
const PEOPLE: [&str; 5] = ["email", "login", "user", "user_id", "username"];

/// Verbs that are done to nothing that there is already, or change nothing.
const TO_NONE: [&str; 9] =
    ["add", "create", "export", "generate", "get", "import", "list", "search", "validate"];

/// The node, or the one thing that is meant in its place, if it says nothing.
pub(super) fn thing(node: Node, walked: &Walked, body: Option<&Value<'_>>) -> Node {
    let is_nothing = node.noun == "resource" && node.at.is_none() && !node.is_item;
    let (Some(verb), Some(body)) = (walked.verb.as_deref(), body) else { return node };
    if !is_nothing || !walked.nodes.is_empty() || walked.part.is_some() {
        return node;
    }
    // `DELETE /api/delete {"model": "llama3"}`, as Ollama has it.
    if body.get("model").is_some_and(|model| model.as_str().is_some()) {
        return Node::named("model");
    }
    let is_to_people = TO_PEOPLE.contains(&verb);
    let is_person = |(name, _): &(_, _)| {
        let name: &std::borrow::Cow<'_, str> = name;
        PEOPLE.contains(&snake(name).as_str())
    };
    if is_to_people && body.members().iter().any(is_person) {
        return Node::named("user");
    }
    let is_done = is_to_people || is_leading(verb) && !TO_NONE.contains(&verb);
    thing_meant(body).filter(|_| is_done).map_or(node, |thing| Node::named(&thing))
}
