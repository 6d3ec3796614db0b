//! The one field of a limit with its parts inside: `RateLimit: "default";r=0;t=30`, and before that
//! `RateLimit: limit=5, remaining=0, reset=30`; the limit itself may stand in `RateLimit-Policy`.

use std::collections::BTreeMap;

use super::{AMOUNT_BYTES_MAX, Limit, Part, Place, VALUE_BYTES_MAX, is_none};

const FIELD: &str = "ratelimit";
const POLICY: &str = "ratelimit-policy";

/// Longer fields are not looked at.
const FIELD_BYTES_MAX: usize = 1024;

/// What parts are called, in either way.
const PARTS: [(&str, [&str; 2]); 3] =
    [("limit", ["limit", "q"]), ("remaining", ["remaining", "r"]), ("reset", ["reset", "t"])];

/// What the fields say: of several limits the one of which nothing remains, else the first.
pub(super) fn limit(fields: &BTreeMap<&str, &str>, at: &dyn Fn(&str) -> Place) -> Option<Limit> {
    let text = |field| fields.get(field).copied().filter(|text| text.len() <= FIELD_BYTES_MAX);
    let told = text(FIELD)?;
    let is_old =
        told.trim_start().starts_with(|c: char| c.is_ascii_alphabetic()) && !told.contains(';');
    let items: Vec<&str> = if is_old { vec![told] } else { told.split(',').collect() };
    let spent = |item: &&&str| part(item, ["remaining", "r"]).is_some_and(is_none);
    let item = items.iter().find(spent).or(items.first())?;
    let mut limit = Limit::new();
    let add = |limit: &mut Limit, name, text: &str, field| {
        limit.insert(name, Part { text: text.to_owned(), place: at(field) });
    };
    for (name, keys) in PARTS {
        if let Some(value) = part(item, keys) {
            add(&mut limit, name, value, FIELD);
        }
    }
    let name = called(item);
    let of_name = |policy: &&str| items.len() == 1 || called(policy) == name;
    let policy = text(POLICY).and_then(|text| text.split(',').find(of_name));
    if let (false, Some(policy)) = (limit.contains_key("limit"), policy) {
        let bare = || amount(policy.split(';').next().unwrap_or_default().trim());
        if let Some(most) = part(policy, ["q", "limit"]).or_else(bare) {
            add(&mut limit, "limit", most, POLICY);
        }
    }
    if let Some(name) = name.filter(|_| !limit.is_empty()) {
        add(&mut limit, "limit_by", name, FIELD);
    }
    (limit.contains_key("limit") || limit.contains_key("remaining")).then_some(limit)
}

/// The amount under one of these keys.
fn part<'t>(item: &'t str, keys: [&str; 2]) -> Option<&'t str> {
    let mut parts = item.split([';', ',']).filter_map(|part| part.split_once('='));
    let (_, value) =
        parts.find(|(key, _)| keys.contains(&key.trim().to_ascii_lowercase().as_str()))?;
    amount(value.trim())
}

fn amount(text: &str) -> Option<&str> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && text.len() <= AMOUNT_BYTES_MAX).then_some(text)
}

/// What a limit is called, in quotation marks, if it is one word.
fn called(item: &str) -> Option<&str> {
    let name = item.trim().strip_prefix('"')?.split_once('"')?.0;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    let is_word = !name.is_empty() && name.len() <= VALUE_BYTES_MAX && name.bytes().all(is_plain);
    is_word.then_some(name)
}
