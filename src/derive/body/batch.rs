//! Lists in requests that say that they are about several: by their verb, or as rows of a form.

use std::borrow::Cow;

use super::super::words::snake;
use super::{IDS, Listed, Many, Spot, TARGETS_MAX, Value, is_id_of, list, scalar, step};

/// Names of lists of ids, whatever they are ids of: everybody's, and those of Django's forms.
const ID_LISTS: [&str; 11] = [
    "ids",
    "ids[]",
    "id[]",
    "_selected_action",
    "selected_ids",
    "checked[]",
    "collection_selection[]",
    "hashes",
    "pk",
    "records[]",
    "resources[]",
];

/// Lists of those who come into a group, or leave it.
pub(in crate::derive) const MEMBERS: [&str; 4] = ["logins", "userIds", "user_ids", "usernames"];

/// Members with the id of those who are listed, where they have no other.
const OF_USERS: &[&str] = &["user_id", "userId"];

/// The fingerprint that stands in the place of a secret by which something is known, as in a path: a key
/// of a gateway.
pub(in crate::derive) fn fingerprint(value: &Value<'_>) -> Option<String> {
    value.get("redacted").and_then(|_| scalar(value.get("fingerprint")?))
}

/// Ids and names of several targets, and how many there are in all: of every list that there is, since
/// a client may send one along that is not read.
pub(in crate::derive) fn many<'b>(body: &'b Value<'b>, noun: &str, plural: &str) -> Many<'b> {
    // `{"members": [{"user_id": 7}]}`
    let is_of_people = matches!(noun, "customer" | "member");
    let ids = if is_of_people || noun == "user" { OF_USERS } else { &[] };
    if body.as_array().is_some() {
        return list(None, body, ids);
    }
    let own = |name: &str| {
        let bare = name.strip_suffix("[]").unwrap_or(name);
        let is_numbered = bare.rsplit_once('.').is_some_and(|(list, number)| {
            let list = list.strip_suffix(".member").unwrap_or(list);
            number.bytes().all(|byte| byte.is_ascii_digit()) && is_id_of(list, noun)
        });
        is_numbered
            || bare == plural
            || bare.strip_suffix('s').is_some_and(|name| is_id_of(name, noun))
            || bare.strip_suffix("_aliases") == Some(noun)
            || is_of_people && MEMBERS.contains(&bare)
            || matches!(noun, "member" | "owner") && bare == "users"
    };
    // `?userId=1&userId=2`, and `resources=1,2` of Laravel Nova.
    let is_several = |name: &str, value: &Value<'_>| match value {
        Value::Array(items) => items.len() > 1 && is_id_of(name, noun),
        Value::String(text) => name == "resources" && !Many::of_ids(text).is_empty(),
        _ => false,
    };
    let lists = body.members().iter().filter(|(name, value)| {
        ID_LISTS.contains(&name.as_ref()) || own(name) || is_several(name, value)
    });
    let mut all = Many::default();
    for (name, found) in lists {
        let own = list(Some(name.as_ref()), found, ids);
        // `usernames=ann,bob`
        let names = found.as_str().filter(|_| own.is_empty() && name == "usernames");
        all.join(names.map_or(own, |names| Many::of_names(name, names)));
    }
    all
}

/// Lists of what else things are known by, in a request whose verb says that there are several.
const OTHER_LISTS: [&str; 8] =
    ["emails", "keys", "logins", "names", "slugs", "uids", "usernames", "uuids"];

/// What a request names that says by its verb that it is about several: `{"names": ["a", "b"]}`,
/// `projects=a,b`.
pub(in crate::derive) fn batch<'b>(body: &'b Value<'b>, plural: &str) -> Many<'b> {
    let named = body.members().iter().find(|(name, _)| name == plural);
    let text = named.and_then(|(name, list)| Some((name, list.as_str()?)));
    if let Some((name, text)) = text.filter(|(_, text)| text.contains(',')) {
        return Many::of_names(name, text);
    }
    let is_list = |(name, value): &&'b (Cow<'b, str>, Value<'b>)| {
        let is_plain = |item: &Value<'_>| matches!(item, Value::String(_) | Value::Number(_));
        OTHER_LISTS.contains(&name.as_ref())
            && value.as_array().is_some_and(|items| items.iter().all(is_plain))
    };
    let mut lists = body.members().iter().filter(is_list);
    match (lists.next(), lists.next()) {
        (Some((name, found)), None) => list(Some(name.as_ref()), found, &[]),
        (None, _) => rows(body),
        _ => Many::default(),
    }
}

/// Lists of what a batch is of, whatever that is, each with its id: `{"inputs": [{"id": "1"}]}`.
const ROWS: [&str; 4] = ["entries", "inputs", "objects", "records"];

fn rows<'b>(body: &'b Value<'b>) -> Many<'b> {
    let has_id = |row: &Value<'_>| IDS.iter().any(|id| row.get(id).is_some());
    let is_list = |(name, value): &&'b (Cow<'b, str>, Value<'b>)| {
        let rows = value.as_array().unwrap_or_default();
        ROWS.contains(&name.as_ref()) && !rows.is_empty() && rows.iter().all(has_id)
    };
    let found = body.members().iter().find(is_list);
    found.map(|(name, rows)| list(Some(name.as_ref()), rows, &[])).unwrap_or_default()
}

/// The keys of what is changed in the same way: `{"keys": [1, 2], "data": {…}}`, as Directus has it.
pub(in crate::derive) fn keyed<'b>(body: &'b Value<'b>) -> Many<'b> {
    let is_shared = matches!(body.get("data"), Some(Value::Object(_)));
    let keys = body.members().iter().find(|(name, _)| is_shared && name == "keys");
    keys.map(|(name, keys)| list(Some(name.as_ref()), keys, &[])).unwrap_or_default()
}

/// Addresses of those who are invited at once: `email=a@x.example,b@x.example`, `{"emails": ["a@x.example"]}`.
pub(in crate::derive) fn addresses<'b>(body: &'b Value<'b>) -> Many<'b> {
    let is_address = |text: &str| text.contains('@') && !text.contains(' ');
    let is_list = |text: &str| text.contains(',') && text.split(',').all(is_address);
    let is_one = |item: &Value<'_>| item.as_str().is_some_and(is_address);
    let read = |name: &'b str, value: &'b Value<'b>| match value {
        Value::Array(items) if items.iter().all(is_one) => Some(list(Some(name), value, &[])),
        value => Some(Many::of_names(name, value.as_str().filter(|text| is_list(text))?)),
    };
    let own = body.members().iter();
    let mut own = own.filter(|(name, _)| matches!(name.as_ref(), "email" | "emails"));
    own.find_map(|(name, value)| read(name, value)).unwrap_or_default()
}

/// Members by which machines of Proxmox are known, and their nouns.
const OF_MACHINES: (&str, [&str; 2]) = ("vmid", ["lxc", "qemu"]);

/// The id that a client gives to what it makes, and where it stands: `userid=Frank`,
/// `{"Job": {"ID": "web"}}`.
pub(in crate::derive) fn known_as(body: &Value<'_>, noun: &str) -> Option<(String, String)> {
    let is_own =
        |name: &str| is_id_of(name, noun) || name == OF_MACHINES.0 && OF_MACHINES.1.contains(&noun);
    let own = body.members().iter().find(|(name, _)| is_own(name));
    if let Some((name, value)) = own {
        return Some((scalar(value)?, format!("${}", step(name))));
    }
    let is_thing = |name: &str| name.starts_with(char::is_uppercase) && snake(name) == noun;
    let (outer, inner) = body.members().iter().find(|(name, _)| is_thing(name))?;
    let (name, id) =
        inner.members().iter().find(|(name, _)| matches!(name.as_ref(), "ID" | "Id"))?;
    Some((scalar(id)?, format!("${}{}", step(outer), step(name))))
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
