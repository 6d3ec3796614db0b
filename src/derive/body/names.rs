//! Members that hold a name.

use super::Members;

/// Members that hold a name, the best first.
pub(super) const NAMES: &[&str] =
    &["name", "display_name", "displayName", "title", "Name", "email", "username", "slug"];

/// The same, but for those of people.
const NAMES_OF_THINGS: &[&str] = &["name", "display_name", "displayName", "title", "Name", "slug"];

/// Nouns of what people are, have, or sign in with: who is named beside a password is it, or its.
const PEOPLE: [&str; 22] = [
    "account",
    "admin",
    "administrator",
    "contact",
    "customer",
    "employee",
    "identity",
    "invitation",
    "invite",
    "login",
    "member",
    "operator",
    "owner",
    "password",
    "person",
    "principal",
    "profile",
    "registration",
    "session",
    "ticket",
    "token",
    "user",
];

/// The members of an object that may hold its name. The user of a credential, with which something
/// else is reached, is not the name of that.
pub(super) fn names_of(object: &Members<'_>, noun: &str) -> &'static [&'static str] {
    let is_password = |name: &str| {
        let name = name.to_ascii_lowercase();
        ["password", "passwd", "passphrase", "pwd"].iter().any(|word| name.contains(word))
    };
    let last = noun.rsplit('_').next().unwrap_or(noun);
    match !PEOPLE.contains(&last) && object.iter().any(|(name, _)| is_password(name)) {
        true => NAMES_OF_THINGS,
        false => NAMES,
    }
}
