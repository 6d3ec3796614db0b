//! What the convention knows of nouns.

/// First segments that say nothing.
const PREFIXES: &[&str] = &[
    "_api",
    "admin",
    "administration",
    "ajax",
    "api",
    "backend",
    "backoffice",
    "console",
    "external",
    "internal",
    "json_api",
    "manage",
    "management",
    "mgmt",
    "private",
    "public",
    "rest",
    "web",
    "web_api",
];

/// First segments that say nothing where something follows.
const AREAS: &[&str] = &["auth", "oauth", "oauth2", "provisioning", "service", "sys"];

/// Words between a collection and an id that say what kind of id it is.
const MARKERS: &[&str] = &["acl", "id", "uid", "uuid", "by_id", "by_uid", "by_uuid", "by_name"];

/// Parts of which an item has one each, though some look like a collection.
const PARTS: &[&str] = &[
    "avatar",
    "client_secret",
    "config",
    "configuration",
    "content",
    "contents",
    "default",
    "description",
    "email",
    "image",
    "limit",
    "limits",
    "logo",
    "metadata",
    "owner",
    "password",
    "phone",
    "plan",
    "preferences",
    "profile",
    "protection",
    "quota",
    "role",
    "scale",
    "schedule",
    "secret",
    "settings",
    "spec",
    "state",
    "status",
    "visibility",
];

/// What there is one of: to POST it is to change it.
const SINGLETONS: &[&str] = &[
    "config",
    "configuration",
    "password",
    "preferences",
    "profile",
    "settings",
    "setting",
    "state",
    "status",
];

/// Common collections: a name of an item is hardly ever one of these.
const COLLECTIONS: &[&str] = &[
    "accounts",
    "api_keys",
    "comments",
    "events",
    "files",
    "groups",
    "invitations",
    "invites",
    "items",
    "jobs",
    "keys",
    "members",
    "permissions",
    "policies",
    "projects",
    "roles",
    "runs",
    "secrets",
    "sessions",
    "tags",
    "teams",
    "tokens",
    "users",
    "variables",
    "webhooks",
];

/// Nouns that say where something belongs, and the name in the scope.
const SCOPES: &[(&str, &str)] = &[
    ("account", "account"),
    ("cluster", "cluster"),
    ("environment", "environment"),
    ("namespace", "namespace"),
    ("organization", "organization"),
    ("pool", "pool"),
    ("project", "project"),
    ("realm", "realm"),
    ("repository", "repository"),
    ("site", "site"),
    ("team", "team"),
    ("tenant", "tenant"),
    ("vhost", "vhost"),
    ("workspace", "workspace"),
];

/// Areas of nouns; others are an area of their own.
const CATEGORIES: &[(&str, &[&str])] = &[
    ("api_key", &["api_key", "access_key", "token", "key", "service_account"]),
    (
        "security",
        &[
            "acl",
            "certificate",
            "client_secret",
            "credential",
            "mfa",
            "password",
            "permission",
            "policy",
            "role",
            "role_assignment",
            "role_binding",
            "cluster_role_binding",
            "role_mapping",
            "secret",
            "totp",
            "2fa",
            "firewall",
            "protection",
        ],
    ),
    (
        "billing",
        &[
            "billing",
            "budget",
            "charge",
            "coupon",
            "credit",
            "customer",
            "invoice",
            "payment",
            "payment_intent",
            "payment_method",
            "plan",
            "price",
            "refund",
            "subscription",
        ],
    ),
    ("member", &["group", "invitation", "invite", "member", "membership", "user", "person"]),
    ("sso", &["identity_provider", "ldap", "oidc", "saml", "sso", "idp"]),
    (
        "settings",
        &["config", "configuration", "feature_flag", "preferences", "setting", "settings"],
    ),
    ("provider", &["provider"]),
    ("resource_group", &["resource_group"]),
];

pub(super) fn is_prefix(word: &str) -> bool {
    PREFIXES.contains(&word)
}

pub(super) fn is_area(word: &str) -> bool {
    AREAS.contains(&word)
}

pub(super) fn is_marker(word: &str) -> bool {
    MARKERS.contains(&word)
}

pub(super) fn is_part(word: &str) -> bool {
    PARTS.contains(&word)
}

pub(super) fn is_singleton(noun: &str) -> bool {
    SINGLETONS.contains(&noun)
}

pub(super) fn is_common_collection(word: &str) -> bool {
    COLLECTIONS.contains(&word)
}

/// Whether a noun in the singular is one of the convention's.
pub(super) fn is_known_noun(noun: &str) -> bool {
    scope_name(noun).is_some()
        || CATEGORIES.iter().any(|(_, nouns)| nouns.contains(&noun))
        || COLLECTIONS.iter().any(|plural| plural.strip_suffix('s') == Some(noun))
}

/// The name in the scope of what a noun stands for.
pub(super) fn scope_name(noun: &str) -> Option<&'static str> {
    SCOPES.iter().find(|(known, _)| *known == noun).map(|(_, name)| *name)
}

/// Whether a word stands in the place of an id for whoever is signed in: `/users/me`.
pub(super) fn is_oneself(id: &str) -> bool {
    ["@me", "current", "me", "mine", "self"].contains(&id)
}

/// The area of a noun, by the whole of it or by its last word.
pub(super) fn known_category(noun: &str) -> Option<&'static str> {
    let find = |word: &str| {
        CATEGORIES.iter().find(|(_, nouns)| nouns.contains(&word)).map(|(category, _)| *category)
    };
    let by_last = || match noun.rsplit_once('_') {
        // `log_group`, of which nobody is a member.
        Some((of, "group")) if OF_THINGS.contains(&of.rsplit('_').next().unwrap_or(of)) => None,
        Some((_, last)) => find(last),
        None => None,
    };
    find(noun).or_else(by_last)
}

/// What groups are of in which nobody is.
const OF_THINGS: [&str; 16] = [
    "consumer",
    "device",
    "host",
    "instance",
    "log",
    "machine",
    "node",
    "option",
    "parameter",
    "placement",
    "rule",
    "scaling",
    "server",
    "subnet",
    "target",
    "volume",
];

/// The categories that have a name of their own; of other things the noun is the category.
pub fn categories() -> impl Iterator<Item = &'static str> {
    const OTHERS: [&str; 6] = ["audit", "document", "gateway", "graphql", "request", "session"];
    CATEGORIES.iter().map(|(category, _)| *category).chain(OTHERS)
}

/// The category of the things with this name, where that has another name.
pub fn category_of(noun: &str) -> Option<&'static str> {
    CATEGORIES.iter().find(|(_, nouns)| nouns.contains(&noun)).map(|(category, _)| *category)
}

/// The names of scopes that paths give without a rule.
pub fn scopes() -> impl Iterator<Item = &'static str> {
    const OTHERS: [&str; 2] = ["subscription", "resource_group"];
    SCOPES.iter().map(|(_, name)| *name).chain(OTHERS)
}

/// Whether a singular tail names a thing, rather than what is to be done.
pub(super) fn is_thing(word: &str) -> bool {
    ["ion", "ment", "ity", "ship", "er", "or", "key", "token", "ness"]
        .iter()
        .any(|end| word.ends_with(end))
        || is_part(word)
        || known_category(word).is_some()
}
