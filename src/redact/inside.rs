//! What a name says inside of an object about a secret: whether it holds it, tells of something else, or of
//! what went wrong.

use super::glob::squash;
use super::memo::Role;
use super::policy::Policy;
use super::walk::is_one_of;

/// Members that hold the secret, whatever the names in them are.
const HOLDING: [&str; 14] = [
    "payload",
    "content",
    "contents",
    "plaintext",
    "raw",
    "body",
    "json",
    "vars",
    "variables",
    "env",
    "environment_variables",
    "parameters",
    "params",
    "answers",
];

/// What went wrong: its members are about that, and not about the secret.
const ERRORS: [&str; 11] = [
    "error",
    "errors",
    "user_errors",
    "userErrors",
    "field_errors",
    "fieldErrors",
    "fault",
    "exception",
    "problems",
    "violations",
    "warnings",
];

/// What its members are.
const OF_ERRORS: [&str; 12] = [
    "code", "message", "msg", "field", "path", "reason", "detail", "details", "title", "argument",
    "rule", "pointer",
];

/// What else an object about a secret tells of, squashed: whose it is, and what it is good for.
const OTHERS: [&str; 20] = [
    "account",
    "catalog",
    "domain",
    "endpoint",
    "endpoints",
    "group",
    "groups",
    "org",
    "organization",
    "owner",
    "project",
    "region",
    "role",
    "roles",
    "service",
    "services",
    "team",
    "tenant",
    "user",
    "users",
];

/// How names end, squashed, under which the members of one object are secrets by names that anybody
/// gave them.
const MAPS: [&str; 5] = ["secrets", "passwords", "tokens", "keys", "codes"];

/// Words by which things are found, whatever their names are.
pub(super) const LABELS: [&str; 4] = ["labels", "annotations", "tags", "metadata"];

/// What is known of a name inside of such an object.
#[derive(Debug, Default)]
pub(super) struct Inner {
    /// The rules that leave its values.
    pub(super) spared: Vec<usize>,
    /// An exception to rules.
    pub(super) kept: bool,
    /// It holds the secret.
    pub(super) holds: bool,
    /// It says what went wrong, or is a member of that.
    pub(super) is_error: bool,
    pub(super) of_error: bool,
    pub(super) is_code: bool,
    /// It is about somebody or something else, or the id of that: `user`, `user_id`.
    pub(super) is_other: bool,
    pub(super) is_id_of_other: bool,
    pub(super) is_id: bool,
    /// The name is `api_key[name]`, of which no rule selects the last part.
    pub(super) is_wrapped: bool,
    /// Its members are words by which it is found, under names that anybody gave them.
    pub(super) labels: bool,
    /// And `secrets[name]`, where that is anybody's.
    pub(super) is_map: bool,
}

impl Inner {
    /// Whether the name says only that something is in it.
    pub(super) fn holds(&self) -> bool {
        self.holds
    }

    /// By the part of a name that tells what it is, and those before it.
    pub(super) fn of(policy: &Policy, name: &str, role: Role) -> Self {
        let mut squashed = String::new();
        let last = last_part(name);
        let parts: Vec<&str> = name.split(['[', ']']).filter(|part| !part.is_empty()).collect();
        let outer = match parts.split_last() {
            Some((_, outer)) if last.len() < name.len() => outer,
            _ => &[],
        };
        squash(last, &mut squashed);
        let holding =
            |part: &&str| super::pairs::role(part) == Role::Value || is_one_of(part, &HOLDING);
        Self {
            spared: policy.spared(&squashed),
            kept: false,
            holds: role == Role::Value || holding(&last) || outer.iter().skip(1).any(holding),
            is_error: is_one_of(last, &ERRORS),
            of_error: is_one_of(last, &OF_ERRORS),
            is_code: is_one_of(last, &["code"]),
            is_other: OTHERS.contains(&squashed.as_str()),
            is_id_of_other: squashed.strip_suffix("id").is_some_and(|of| OTHERS.contains(&of)),
            is_id: squashed == "id",
            is_wrapped: false,
            labels: is_one_of(last, &LABELS),
            is_map: outer.len() == 1 && outer.first().is_some_and(|name| is_plural(name)),
        }
    }
}

/// The part of a name that tells what it is: `name` of `api_key[name]`, `scopes` of `api_key[scopes][]`.
pub(super) fn last_part(name: &str) -> &str {
    let inner = name.ends_with(']').then(|| name.rsplit(['[', ']']).find(|part| !part.is_empty()));
    inner.flatten().unwrap_or(name)
}

/// Whether a location is in what went wrong.
pub(super) fn is_of_errors(location: &str) -> bool {
    location.split(['.', '[', ']']).any(|part| is_one_of(part, &ERRORS))
}

/// Whether what stands under a name are secrets, by names that anybody gave them.
pub(super) fn is_plural(name: &str) -> bool {
    let mut squashed = String::new();
    squash(name, &mut squashed);
    squashed.is_empty() || MAPS.iter().any(|end| squashed.ends_with(end))
}
