//! Things that are created, changed and deleted by one request, each kind in a list of its own:
//! `POST /products/batch {"create": […], "update": […], "delete": [5]}`, as WooCommerce and others have it.

use std::borrow::Cow;

use super::act::{ACTS_MAX, Answer, More};
use super::body::Value;
use super::call::{Calls, of_call};
use super::nouns::known_category;
use super::walk::Walked;

/// How several of them are called.
pub(super) const KIND: &str = "items";

/// The lists, and what is done to what is in them.
const LISTS: [(&str, &str); 7] = [
    ("create", "create"),
    ("insert", "create"),
    ("add", "create"),
    ("update", "update"),
    ("upsert", "upsert"),
    ("delete", "delete"),
    ("remove", "delete"),
];

/// What a body holds for a collection and its batch, if there is nothing else in it.
pub(super) fn calls(walked: &Walked, body: Option<&Value<'_>>) -> Option<Calls> {
    let node = walked.nodes.last().filter(|node| node.is_collection())?;
    if !matches!(walked.verb.as_deref(), Some("batch" | "bulk")) || walked.part.is_some() {
        return None;
    }
    let members = body?.members();
    let verb = |name: &str| LISTS.iter().find(|(known, _)| *known == name).map(|(_, verb)| *verb);
    let is_list = |(name, value): &(Cow<'_, str>, Value<'_>)| {
        verb(name).is_some() && value.as_array().is_some()
    };
    if !members.iter().all(is_list) {
        return None;
    }
    let mut calls = Calls { kind: KIND, ..Calls::default() };
    let mut more = More::default();
    for (name, list) in members {
        let (Some(verb), Some(items)) = (verb(name), list.as_array()) else { continue };
        for (position, item) in items.iter().enumerate() {
            let answer = Answer::Listed(name.to_string(), position);
            if calls.acts.len() > ACTS_MAX {
                more.take(answer);
                continue;
            }
            let bare = (!matches!(item, Value::Object(_)))
                .then(|| Value::Object(vec![(Cow::Borrowed("id"), item.clone())]));
            let item = bare.as_ref().unwrap_or(item);
            calls.acts.push(of_call(&node.noun, verb, item, answer));
        }
    }
    calls.acts.first()?;
    let action = format!("{}.batch", node.noun);
    let category = known_category(&node.noun).unwrap_or(&node.noun).to_owned();
    calls.limit(more, &action, &node.noun);
    calls.whole = Some((action, category));
    Some(calls)
}
