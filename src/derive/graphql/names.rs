//! What the names of fields say: what is done, to what, and to how many.

use super::super::body::Value;
use super::super::call::noun_and_verb;
use super::super::endpoint::READS;
use super::super::verbs::is_verb;
use super::super::words::{is_plural, snake};

/// Verbs of the mutations that are made of tables, as by Hasura and Prisma.
const COUNTED: [&str; 5] = ["create", "delete", "insert", "update", "upsert"];

/// What they say of how many things they are for.
const COUNTS: [&str; 2] = ["many_", "one_"];
const COUNTS_AT_END: [&str; 3] = ["_by_pk", "_many", "_one"];

/// Noun and verb of a name; of one that says how many things it is for (`insert_users_one`,
/// `delete_users_by_pk`, `createOneUser`), of what these are.
pub(super) fn named(name: &str) -> Option<(String, String)> {
    let snake = snake(name);
    let Some((verb, about)) = snake.split_once('_').filter(|(verb, _)| COUNTED.contains(verb))
    else {
        return noun_and_verb(name);
    };
    let about = COUNTS.iter().find_map(|count| about.strip_prefix(count)).unwrap_or(about);
    let ends = COUNTS_AT_END.iter().find_map(|count| about.strip_suffix(count));
    let about = ends.unwrap_or(about);
    let verb = if verb == "insert" { "create" } else { verb };
    noun_and_verb(&format!("{verb}_{about}"))
}

/// Whether a name says that it is for as many things as there are: `delete_users`, `deleteManyUser`.
pub(super) fn is_of_many(name: &str) -> bool {
    let snake = snake(name);
    let Some((_, about)) = snake.split_once('_').filter(|(verb, _)| COUNTED.contains(verb)) else {
        return false;
    };
    let is_one = about.starts_with("one_") || about.ends_with("_one") || about.ends_with("_by_pk");
    !is_one && (about.starts_with("many_") || about.ends_with("_many") || is_plural(about))
}

/// Whether a name begins with a verb: `delete`, `deleteUser`.
pub(super) fn is_led(name: &str) -> bool {
    is_verb(snake(name).split('_').next().unwrap_or_default())
}

/// Noun and verb of a name that says by itself what is done to what: `userDelete`.
pub(super) fn acts(name: &str) -> Option<(String, String)> {
    let (noun, verb) = named(name).filter(|_| !is_led(name))?;
    let is_read = READS.contains(&verb.split('_').next().unwrap_or_default());
    (!noun.is_empty() && !is_read).then_some((noun, verb))
}

/// Whether a field gives a token to somebody who says who they are, and the password:
/// `tokenAuth(username: …, password: …)`.
pub(super) fn asks_for_token(name: &str, arguments: &Value<'_>) -> bool {
    let name = snake(name);
    let mut words = name.split('_');
    let is_token = words.clone().any(|word| matches!(word, "auth" | "jwt" | "token"));
    let others = [
        "change", "confirm", "password", "refresh", "register", "reset", "revoke", "set", "verify",
    ];
    if !is_token || words.any(|word| others.contains(&word)) {
        return false;
    }
    let places = [Some(arguments), arguments.get("input")];
    let has = |name: &str| places.iter().flatten().any(|place| place.get(name).is_some());
    has("password") && ["email", "login", "user", "username"].iter().any(|name| has(name))
}
