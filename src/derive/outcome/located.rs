//! The id of what was created, by the place to which the response leads.
//!
//! An API leads to the thing itself: `/users/ann`. An application leads to one of its pages, whose name
//! stands beside the id (`/Users/Details/8`) or in its place (`/users/index`).

use super::super::path::{Path, Segment};
use super::super::redirect::{placed, split};
use super::super::text::bounded;
use super::super::walk::walk;
use super::super::words::{is_plural, singular, snake};
use crate::decode::percent_decode_lossy;
use crate::record::{RequestRecord, ResponseRecord};

/// Pages that show one item, whose id stands behind their name, or in the query.
const OF_ONE: [&str; 12] = [
    "detail", "details", "display", "edit", "info", "overview", "profile", "show", "summary",
    "update", "view", "viewer",
];

/// Pages that say that it was done. An id may stand behind their name.
const OF_NONE: [&str; 15] = [
    "complete",
    "completed",
    "confirmation",
    "created",
    "done",
    "finish",
    "finished",
    "receipt",
    "result",
    "saved",
    "success",
    "successful",
    "thank_you",
    "thanks",
    "welcome",
];

/// Pages of many items. A number behind their name is that of a page.
const OF_MANY: [&str; 14] = [
    "all",
    "browse",
    "dashboard",
    "home",
    "index",
    "list",
    "listing",
    "main",
    "manage",
    "offset",
    "p",
    "page",
    "results",
    "search",
];

/// Parameters of a page that are looked at.
const PARAMETERS_MAX: usize = 64;

/// The id in `Location`, or another field, if it leads to such an item; `name` is how the client called it.
pub(super) fn located(
    request: &RequestRecord,
    response: &ResponseRecord,
    field: &str,
    (kind, name): (&str, Option<&str>),
) -> Option<String> {
    let location = response.headers.get(field)?.as_str()?;
    let (place, query) = split(placed(location).1);
    let mut path = match place.starts_with('/') || place.is_empty() {
        true => Path::read(place),
        // `view.php?id=8`: beside where the form was sent.
        false => {
            let beside = request.path.rsplit_once('/').map_or("", |(beside, _)| beside);
            Path::read(&format!("{beside}/{place}"))
        }
    };
    // Behind a collection: the first word that says something is none of these.
    let first = path.start + 1;
    let is_one_of = |segment: &Segment, words: &[&str]| {
        segment.word.as_deref().is_some_and(|word| words.contains(&word) && singular(word) != kind)
    };
    let is_own = |segment: &Segment| name == Some(segment.text.as_str());
    let behind = path.segments.get(first..).unwrap_or_default();
    let leads_to_none = match behind {
        [.., page, number] if number.word.is_none() => is_one_of(page, &OF_MANY),
        [.., last] => {
            let is_page = is_one_of(last, &OF_MANY) || is_one_of(last, &OF_NONE);
            // `/users/8/success` tells of one all the same.
            let before = behind.len().checked_sub(2).and_then(|at| behind.get(at));
            let is_behind_all =
                before.is_none_or(|before| before.word.as_deref().is_some_and(is_plural));
            is_page && is_behind_all && !is_own(last)
        }
        [] => false,
    };
    if leads_to_none {
        return None;
    }
    let count = path.segments.len();
    let mut at = 0;
    path.segments.retain(|segment| {
        at += 1;
        let is_page = is_one_of(segment, &OF_ONE) || is_one_of(segment, &OF_NONE);
        at <= first || is_own(segment) || !is_page
    });
    let is_page = path.segments.len() < count;
    let node = walk(&path, "GET").nodes.pop().filter(|node| node.noun == kind)?;
    match node.is_item {
        true => node.id,
        false => is_page.then(|| queried(query, kind)).flatten(),
    }
}

/// The id in the query of a page that shows one item.
fn queried(query: &str, kind: &str) -> Option<String> {
    let is_id = |name: &str| {
        let name = snake(name);
        name == "id" || name.strip_suffix("_id") == Some(kind)
    };
    let pairs = query.split('&').take(PARAMETERS_MAX).filter_map(|pair| pair.split_once('='));
    let value = pairs.into_iter().find(|(name, _)| is_id(name)).map(|(_, value)| value)?;
    bounded(&percent_decode_lossy(value))
}
