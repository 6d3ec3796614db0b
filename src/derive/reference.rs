//! What a request refers to that names nothing by its id: the thing itself under its noun, or under the
//! last words of that (`{"service": "web"}`, `DBInstanceIdentifier`, `user_id` of an `admin_user`); and
//! that of which the noun names a part (`KeyId` of a `key_deletion`, `RoleName` of a `role_policy`).

use super::body::{self, Members, Value, is_own};
use super::call::places;
use super::nouns::{is_known_noun, is_part, is_singleton};
use crate::record::Target;

/// What stands behind a noun in the name of a reference to it.
const ENDS: [&[u8]; 4] = [b"id", b"identifier", b"arn", b"name"];

/// So many shorter forms of a noun are looked for.
const WORDS_MAX: usize = 3;

/// Nouns, and what some call the same.
const SAME: [(&str, &str); 1] = [("conversation", "channel")];

/// What is written or set, and refers to nothing under its own name.
const VALUES: [&str; 16] = [
    "code",
    "command",
    "comment",
    "content",
    "description",
    "key",
    "message",
    "note",
    "query",
    "script",
    "sql",
    "statement",
    "text",
    "title",
    "token",
    "value",
];

/// The object of which a method of a managed object is one, as VMware's have it.
const THIS: &str = "_this";

/// The id of the thing with this noun, by its reference, and the member with that.
pub(super) fn own<'b>(body: &'b Value<'b>, noun: &str) -> Option<(String, &'b str)> {
    places(body).find_map(|place| own_in(place.members(), noun))
}

fn own_in<'b>(members: &'b Members<'b>, noun: &str) -> Option<(String, &'b str)> {
    let find = |is: &dyn Fn(&str) -> bool| {
        let (name, value) = members.iter().find(|(name, _)| is(name))?;
        Some((text(value)?, name.as_ref()))
    };
    let is_value = VALUES.contains(&noun) || is_part(noun) || is_singleton(noun);
    let bare = || find(&|name| is_own(name, noun, b"") && !is_value);
    let same = SAME.iter().find(|(known, _)| *known == noun).map(|(_, same)| *same);
    let tails = noun.match_indices('_').filter_map(|(at, _)| noun.get(at + 1..)).take(WORDS_MAX);
    let mut all = std::iter::once(noun).chain(same).chain(tails);
    let referred = |kind: &str| find(&|name| ENDS.iter().any(|end| is_own(name, kind, end)));
    let other = || find(&|name| same.is_some_and(|same| is_own(name, same, b"")));
    let is_typed = noun == "role" && members.len() == 1;
    let is_last = |name: &str| name == THIS || is_typed && name == "type";
    bare().or_else(other).or_else(|| all.find_map(referred)).or_else(|| find(&is_last))
}

/// That of which a noun names a part, if it is referred to; of what is made (`is_made`), the name may be
/// its own.
pub(super) fn whole(body: &Value<'_>, noun: &str, is_made: bool) -> Option<Target> {
    let mut heads = noun.rmatch_indices('_').filter_map(|(at, _)| noun.get(..at)).take(WORDS_MAX);
    heads.find_map(|kind| {
        let target = |id, name| Target { kind: kind.to_owned(), id, name };
        places(body).find_map(|place| {
            let find = |end: &[u8]| {
                let (_, value) =
                    place.members().iter().find(|(name, _)| is_own(name, kind, end))?;
                text(value)
            };
            let id = ENDS.iter().take(3).find_map(|end| find(end));
            match id {
                Some(id) => Some(target(Some(id), None)),
                None => {
                    let name = find(b"name").filter(|_| is_known_noun(kind) && !is_made);
                    name.map(|name| target(None, Some(name)))
                }
            }
        })
    })
}

/// A text or a number, or the text of an element with attributes.
fn text(value: &Value<'_>) -> Option<String> {
    match value {
        Value::Object(_) => body::scalar(value.get("#text")?),
        Value::Array(_) => None,
        value => body::scalar(value).filter(|text| !text.contains(char::is_whitespace)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thing_is_referred_to_under_its_noun_or_the_last_words_of_it() {
        let cases = [
            ("service", r#"{"cluster": "c1", "service": "web"}"#, Some("web")),
            ("db_instance", r#"{"DBInstanceIdentifier": "prod"}"#, Some("prod")),
            ("admin_user", r#"{"team_id": "T1", "user_id": "W1"}"#, Some("W1")),
            ("conversation", r#"{"channel": "C1"}"#, Some("C1")),
            ("role", r#"{"RoleArn": "arn:aws:iam::1:role/a"}"#, Some("arn:aws:iam::1:role/a")),
            ("vm", r##"{"_this": {"#text": "vm-16", "@type": "VirtualMachine"}}"##, Some("vm-16")),
            ("message", r#"{"message": "hello"}"#, None),
            ("status", r#"{"status": "open"}"#, None),
            ("service", r#"{"services": ["a", "b"], "owner_id": 5}"#, None),
        ];
        for (noun, sent, expected) in cases {
            let sent = crate::decode::json(sent).unwrap();
            let found = own(&sent, noun).map(|(id, _)| id);
            assert_eq!(found.as_deref(), expected, "{noun}");
        }
    }

    #[test]
    fn of_a_part_the_whole_is_referred_to() {
        let cases = [
            ("key_deletion", r#"{"KeyId": "k1"}"#, Some("key k1")),
            ("secret_value", r#"{"SecretId": "prod/db"}"#, Some("secret prod/db")),
            ("role_policy", r#"{"RoleName": "ci", "PolicyArn": "x"}"#, Some("role ci")),
            ("order", r#"{"user_id": 7}"#, None),
            ("order_item", r#"{"item_id": 7}"#, None),
        ];
        for (noun, sent, expected) in cases {
            let sent = crate::decode::json(sent).unwrap();
            let found = whole(&sent, noun, false);
            let told = found.map(|it| format!("{} {}", it.kind, it.id.or(it.name).unwrap()));
            assert_eq!(told.as_deref(), expected, "{noun}");
        }
    }
}
