//! Lists in requests that say that they are about several: by their verb, or as rows of a form.

use std::borrow::Cow;

use super::{Listed, Many, Spot, TARGETS_MAX, Value, list, scalar};

/// Lists of what else things are known by, in a request whose verb says that there are several.
const OTHER_LISTS: [&str; 8] =
    ["emails", "keys", "logins", "names", "slugs", "uids", "usernames", "uuids"];

/// What a request names that says by its verb that it is about several: `{"names": ["a", "b"]}`.
pub(in crate::derive) fn batch<'b>(body: &'b Value<'b>) -> Many<'b> {
    let is_list = |(name, value): &&'b (Cow<'b, str>, Value<'b>)| {
        let is_plain = |item: &Value<'_>| matches!(item, Value::String(_) | Value::Number(_));
        OTHER_LISTS.contains(&name.as_ref())
            && value.as_array().is_some_and(|items| items.iter().all(is_plain))
    };
    let mut lists = body.members().iter().filter(is_list);
    match (lists.next(), lists.next()) {
        (Some((name, found)), None) => list(Some(name.as_ref()), found),
        _ => Many::default(),
    }
}

/// The rows of a list that is edited at once, as Django's forms have them: `form-0-id`.
pub(in crate::derive) fn formset<'b>(body: &'b Value<'b>) -> Many<'b> {
    if body.get(FORMSET).is_none_or(|count| *count == Value::Null) {
        return Many::default();
    }
    let is_id = |name: &str| name.starts_with("form-") && name.ends_with("-id");
    let ids = || body.members().iter().filter(|(name, _)| is_id(name));
    let row = |(name, id): &'b (Cow<'b, str>, Value<'b>)| {
        Some(Listed::id(scalar(id)?, Spot::Member(name)))
    };
    let targets: Vec<_> = ids().take(TARGETS_MAX).filter_map(row).collect();
    let count = targets.len().max(ids().count());
    Many { member: None, targets, count }
}

/// The member that a form of several rows has.
const FORMSET: &str = "form-TOTAL_FORMS";
