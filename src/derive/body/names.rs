//! Members that hold a name.

use super::super::path::keyed;
use super::super::text::bounded;
use super::super::words::{singular, snake};
use super::{At, Found, Members, Value, scalar};

/// The parameter by which OData's reference to one of several is taken away.
pub(in crate::derive) const REFERRED: &str = "$id";

/// The id at the end of an address.
pub(in crate::derive) fn last_id(address: &str) -> Option<String> {
    let last = address.trim_end_matches('/').rsplit('/').next()?;
    bounded(keyed(last).map_or(last, |(_, key)| key))
}

/// Members that hold a name, the best first.
pub(super) const NAMES: &[&str] =
    &["name", "display_name", "displayName", "title", "Name", "email", "username", "slug"];

/// The same, but for those of people.
const NAMES_OF_THINGS: &[&str] = &["name", "display_name", "displayName", "title", "Name", "slug"];

/// The same of people, of whom one member tells who they are, and another one what (Redfish).
const NAMES_OF_PEOPLE: &[&str] = &[
    "name",
    "display_name",
    "displayName",
    "title",
    "UserName",
    "Name",
    "email",
    "username",
    "slug",
    "login",
];

/// Members in which those who sign in say who they are, where no name is sent.
pub(super) const SIGN_IN_NAMES: [&str; 12] = [
    "login",
    "user",
    "UserName",
    "log",
    "j_username",
    "user_name",
    "userName",
    "userid",
    "account",
    "identifier",
    "identity",
    "principal",
];

/// Members around who signs in: Devise's, and Matrix's.
pub(super) const SIGN_IN_OBJECTS: [&str; 6] =
    ["user", "identifier", "credentials", "account", "params", "attributes"];

/// What tells in them who it is.
pub(super) const SIGN_IN_INNER: [&str; 7] =
    ["login", "username", "email", "user", "userName", "address", "login_name"];

/// Members of forms, squashed, in which those who sign in say who they are.
pub(super) const FORM_NAMES: [&str; 10] = [
    "email",
    "emailaddress",
    "username",
    "login",
    "userid",
    "user",
    "loginid",
    "loginname",
    "usr",
    "osusername",
];

/// Nouns of what people are, have, or sign in with: who is named in it is it, or its.
const PEOPLE: [&str; 38] = [
    "account",
    "admin",
    "administrator",
    "agent",
    "applicant",
    "assignee",
    "attendee",
    "author",
    "collaborator",
    "contact",
    "contributor",
    "customer",
    "employee",
    "follower",
    "guest",
    "identity",
    "invitation",
    "invite",
    "lead",
    "login",
    "manager",
    "member",
    "membership",
    "moderator",
    "operator",
    "owner",
    "participant",
    "password",
    "person",
    "principal",
    "profile",
    "recipient",
    "registration",
    "session",
    "subscriber",
    "subscription",
    "user",
    "verification",
];

/// Nouns of what people get who say beside it who they are, and their password.
const TICKETS: [&str; 2] = ["ticket", "token"];

/// The members of an object that may hold its name. Neither whoever has made a thing, nor the user of
/// a credential with which something else is reached, is the name of that.
pub(super) fn names_of(object: &Members<'_>, noun: &str) -> &'static [&'static str] {
    let is_password = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["password", "passwd", "passphrase", "pwd"].iter().any(|word| name.contains(word))
    };
    let last = noun.rsplit('_').next().unwrap_or(noun);
    let has_password = || object.iter().any(|(name, _)| is_password(name));
    match last {
        _ if PEOPLE.contains(&last) || last.ends_with("acct") => NAMES_OF_PEOPLE,
        _ if TICKETS.contains(&last) && has_password() => NAMES,
        _ => NAMES_OF_THINGS,
    }
}

/// Nouns of what is written, asked or answered: under them stands that, and no name.
const WRITTEN: [&str; 33] = [
    "alert",
    "answer",
    "assertion",
    "challenge",
    "code",
    "comment",
    "content",
    "count",
    "credential",
    "data",
    "description",
    "feedback",
    "key",
    "message",
    "note",
    "otp",
    "password",
    "pin",
    "prompt",
    "query",
    "question",
    "rating",
    "reason",
    "reply",
    "review",
    "score",
    "search",
    "secret",
    "session",
    "state",
    "status",
    "text",
    "token",
];

/// A name under what a thing is called itself, where it is sent to be made: `{"realm": "shop"}`; under a
/// part of that (`snapname` of a snapshot), and under `alias`.
pub(in crate::derive) fn called_by_noun<'b>(body: &'b Value<'b>, noun: &str) -> Option<Found<'b>> {
    let last = noun.rsplit('_').next().unwrap_or(noun);
    let is_short = |name: &str| {
        let stem = name.strip_suffix("name").map(|stem| stem.trim_end_matches('_'));
        stem.is_some_and(|stem| {
            let is_part = stem.len() > 3 && last.starts_with(stem);
            stem == last || is_part && last == noun
        })
    };
    let is_own = |name: &str| {
        let name = snake(name);
        let is_noun = || singular(&name) == noun && !WRITTEN.contains(&last);
        is_noun() || is_short(&name)
    };
    let find = |is: &dyn Fn(&str) -> bool| {
        let (name, value) = body.members().iter().find(|(name, _)| is(name))?;
        let text = value.as_str().filter(|text| !text.contains(char::is_whitespace))?;
        Some((bounded(text)?, At::Outer(name)))
    };
    find(&is_own).or_else(|| find(&|name| name == "alias"))
}

/// Members, without signs and in small letters, in which those who sign in say who they are.
const IDENTITIES: [&str; 3] = ["email", "user", "username"];

/// Whether those who sign in say that they are different people: which of them counts, only the
/// application knows.
pub(super) fn are_several(body: &Value<'_>) -> bool {
    let is_identity = |name: &str| IDENTITIES.iter().any(|of| is_field_of_form(name, of));
    let differ = |object: &Members<'_>| {
        let own = object.iter().filter(|(name, _)| is_identity(name));
        let mut said = own.filter_map(|(_, value)| value.as_str()).filter(|text| !text.is_empty());
        said.next().is_some_and(|first| said.any(|other| other != first))
    };
    differ(body.members()) || body.members().iter().any(|(_, inner)| differ(inner.members()))
}

/// Whether a text is the first of several in a member: of a field that is there more than once; or the one
/// of a list, which is no name.
pub(super) fn is_one_of_several(body: &Value<'_>, text: &str) -> bool {
    let is_of = |value: &Value<'_>| {
        let items = value.as_array().unwrap_or_default();
        let own = |item: &Value<'_>| item.as_str() == Some(text);
        items.first().is_some_and(own) && (items.len() == 1 || !items.iter().all(own))
    };
    let members = || body.members().iter().map(|(_, value)| value);
    members().chain(members().flat_map(|it| it.members().iter().map(|(_, it)| it))).any(is_of)
}

/// Whether a field is called so, in any case, as a part of what its form is bound to: `Input.Email`.
pub(super) fn is_field_of_form(name: &str, of: &str) -> bool {
    let last =
        name.strip_suffix(']').unwrap_or(name).rsplit(['.', '[', '$']).next().unwrap_or(name);
    let plain = last.bytes().filter(|byte| !b"_-".contains(byte));
    plain.map(|byte| byte.to_ascii_lowercase()).eq(of.bytes())
}

/// Whether a member is called `user_id`, `userId` or `UserIdentifier`, for the noun `user`.
pub(super) fn is_id_of(name: &str, noun: &str) -> bool {
    is_own(name, noun, b"id") || is_own(name, noun, b"identifier")
}

/// Whether a member is called as the noun, with this behind it.
pub(in crate::derive) fn is_own(name: &str, noun: &str, what: &[u8]) -> bool {
    let plain = |text: &str| text.bytes().filter(|byte| !b"_-".contains(byte)).count();
    name.len() + 2 > noun.len()
        && plain(name) == plain(noun) + what.len()
        && name
            .bytes()
            .filter(|byte| !b"_-".contains(byte))
            .map(|byte| byte.to_ascii_lowercase())
            .eq(noun.bytes().filter(|byte| *byte != b'_').chain(what.iter().copied()))
}

/// Members with what somebody shows who signs in.
const PASSWORDS: [&str; 6] = ["@password", "passwd", "password", "pw", "pwd", "secret"];

/// Members with who that is, beside it.
const BESIDE_PASSWORDS: [&str; 4] = ["@name", "name", "userName", "username"];

/// Levels of a body in which it is looked for.
pub(super) const PASSWORD_DEPTH_MAX: usize = 6;

/// The name beside a password, however deep it stands in what holds nothing else of its kind:
/// `{"auth": {"identity": {"password": {"user": {"name": "ann", "password": "x"}}}}}`.
pub(super) fn beside_password<'b>(body: &'b Value<'b>) -> Option<Found<'b>> {
    let mut place = body;
    let mut steps = [""; PASSWORD_DEPTH_MAX];
    for at in 0..PASSWORD_DEPTH_MAX - 1 {
        let mut inner = place.members().iter().filter(|(_, it)| matches!(it, Value::Object(_)));
        let (outer, object) = inner.next().filter(|_| inner.next().is_none())?;
        *steps.get_mut(at)? = outer.as_ref();
        place = object;
        let mut named = BESIDE_PASSWORDS.iter();
        if PASSWORDS.iter().any(|name| object.get(name).is_some_and(is_secret))
            && let Some((who, name)) =
                named.find_map(|name| Some((scalar(object.get(name)?)?, *name)))
        {
            *steps.get_mut(at + 1)? = name;
            return Some((who, At::Deep(steps)));
        }
    }
    None
}

/// Whether a value is a text, or stands for what is not recorded.
fn is_secret(value: &Value<'_>) -> bool {
    value.as_str().is_some() || value.get("redacted").is_some()
}
