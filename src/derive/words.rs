//! English words as they occur in paths: snake case, singular, and how they are spoken.

/// What has members.
pub(super) const GROUPS: [&str; 10] = [
    "channel",
    "group",
    "organization",
    "project",
    "room",
    "space",
    "team",
    "user_group",
    "usergroup",
    "workspace",
];

/// Longer names are cut.
const NAME_BYTES_MAX: usize = 60;

/// Words that end like a plural and are none, or that have no singular.
const UNCHANGED: &[&str] = &[
    "access",
    "address",
    "alias",
    "analytics",
    "analysis",
    "aws",
    "basis",
    "bias",
    "bonus",
    "bus",
    "business",
    "campus",
    "canvas",
    "class",
    "consensus",
    "css",
    "dns",
    "gps",
    "https",
    "ios",
    "jenkins",
    "js",
    "k8s",
    "kubernetes",
    "lens",
    "news",
    "nfs",
    "devops",
    "ops",
    "os",
    "postgres",
    "preferences",
    "process",
    "progress",
    "redis",
    "rss",
    "s3s",
    "series",
    "settings",
    "sms",
    "species",
    "status",
    "success",
    "tls",
    "tps",
    "virus",
    "vps",
    "windows",
    "xss",
    "this",
    "chaos",
    "radius",
    "census",
    "prometheus",
    "ers",
];

/// Those of them that are collections all the same.
const COLLECTIVE: &[&str] = &["settings", "preferences", "news", "series", "analytics"];

/// Plurals that no rule below gets right.
const IRREGULAR: &[(&str, &str)] = &[
    ("people", "person"),
    ("children", "child"),
    ("indices", "index"),
    ("indexes", "index"),
    ("vertices", "vertex"),
    ("matrices", "matrix"),
    ("appendices", "appendix"),
    ("analyses", "analysis"),
    ("criteria", "criterion"),
    ("movies", "movie"),
    ("cookies", "cookie"),
    ("ties", "tie"),
    ("statuses", "status"),
    ("aliases", "alias"),
    ("biases", "bias"),
    ("canvases", "canvas"),
    ("viruses", "virus"),
    ("bonuses", "bonus"),
    ("campuses", "campus"),
    ("buses", "bus"),
    ("caches", "cache"),
    ("niches", "niche"),
    ("axes", "axis"),
    ("quizzes", "quiz"),
    ("heroes", "hero"),
    ("echoes", "echo"),
    ("lives", "life"),
    ("leaves", "leaf"),
    ("shelves", "shelf"),
];

/// Short or run-together nouns, and what they stand for.
const SYNONYMS: &[(&str, &str)] = &[
    ("apikey", "api_key"),
    ("acct", "account"),
    ("org", "organization"),
    ("organisation", "organization"),
    ("repo", "repository"),
    ("env", "environment"),
    ("ns", "namespace"),
    ("pull", "pull_request"),
    ("serviceaccount", "service_account"),
    ("clusterrole", "cluster_role"),
    ("clusterrolebinding", "cluster_role_binding"),
    ("configmap", "config_map"),
    ("rolebinding", "role_binding"),
    ("virtual_host", "vhost"),
    ("authorisation", "authorization"),
    ("pwd", "password"),
    ("passwd", "password"),
];

/// Words that are spoken otherwise than they are written.
const SPOKEN: &[(&str, &str)] = &[
    ("api", "API"),
    ("sso", "SSO"),
    ("url", "URL"),
    ("uri", "URI"),
    ("vpc", "VPC"),
    ("ip", "IP"),
    ("dns", "DNS"),
    ("tls", "TLS"),
    ("ssl", "SSL"),
    ("ssh", "SSH"),
    ("gpg", "GPG"),
    ("oauth", "OAuth"),
    ("oauth2", "OAuth 2"),
    ("saml", "SAML"),
    ("oidc", "OIDC"),
    ("ldap", "LDAP"),
    ("mfa", "MFA"),
    ("totp", "TOTP"),
    ("2fa", "2FA"),
    ("otp", "OTP"),
    ("http", "HTTP"),
    ("sql", "SQL"),
    ("json", "JSON"),
    ("id", "ID"),
    ("vm", "VM"),
    ("acl", "ACL"),
    ("iam", "IAM"),
    ("scim", "SCIM"),
    ("kms", "KMS"),
    ("cpu", "CPU"),
    ("gpu", "GPU"),
    ("llm", "LLM"),
    ("ai", "AI"),
    ("cdn", "CDN"),
    ("pdf", "PDF"),
    ("csv", "CSV"),
    ("ui", "UI"),
    ("sms", "SMS"),
    ("graphql", "GraphQL"),
    ("rpc", "RPC"),
    ("soap", "SOAP"),
    ("jwt", "JWT"),
    ("idp", "IdP"),
    ("cors", "CORS"),
    ("csr", "CSR"),
    ("db", "database"),
];

/// The text in lower snake case, of ASCII letters, digits and single underscores; empty if nothing
/// of the text is such.
pub(super) fn snake(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(NAME_BYTES_MAX));
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if out.len() >= NAME_BYTES_MAX {
            break;
        }
        let starts_word = c.is_ascii_uppercase()
            && (before.is_ascii_lowercase()
                || before.is_ascii_digit()
                || (before.is_ascii_uppercase()
                    && chars.peek().is_some_and(char::is_ascii_lowercase)));
        if (starts_word || !c.is_ascii_alphanumeric()) && !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    out.truncate(out.trim_end_matches('_').len());
    out
}

/// The singular of a name in snake case: that of its last word.
pub(super) fn singular(name: &str) -> String {
    let (head, last) = match name.rsplit_once('_') {
        Some((head, last)) => (Some(head), last),
        None => (None, name),
    };
    let last = singular_word(last);
    let whole = head.map_or_else(|| last.clone(), |head| format!("{head}_{last}"));
    SYNONYMS.iter().find(|(from, _)| *from == whole).map_or(whole, |(_, to)| (*to).to_owned())
}

/// Whether a name in snake case is that of a collection.
pub(super) fn is_plural(name: &str) -> bool {
    let last = name.rsplit('_').next().unwrap_or(name);
    COLLECTIVE.contains(&last) || singular_word(last) != last
}

fn singular_word(word: &str) -> String {
    if let Some((_, singular)) = IRREGULAR.iter().find(|(plural, _)| *plural == word) {
        return (*singular).to_owned();
    }
    if UNCHANGED.contains(&word) || word.len() < 3 {
        return word.to_owned();
    }
    let Some(stem) = word.strip_suffix('s') else { return word.to_owned() };
    if stem.ends_with(['s', 'u', 'i']) {
        return word.to_owned();
    }
    if let Some(stem) = stem.strip_suffix("ie").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    let sibilant = ["sse", "xe", "che", "she", "zze"].iter().any(|end| stem.ends_with(end));
    match stem.strip_suffix('e') {
        Some(shorter) if sibilant => shorter.to_owned(),
        _ => stem.to_owned(),
    }
}

/// A name in snake case as it is spoken: `api_key` → `API key`.
pub(super) fn spoken(name: &str) -> String {
    let word = |word: &str| {
        let known = SPOKEN.iter().find(|(from, _)| *from == word);
        known.map_or_else(|| word.to_owned(), |(_, to)| (*to).to_owned())
    };
    name.split('_').map(word).collect::<Vec<_>>().join(" ")
}

/// The plural, for sentences.
pub(super) fn plural(spoken: &str) -> String {
    if COLLECTIVE.iter().any(|word| spoken.ends_with(word)) {
        return spoken.to_owned();
    }
    match spoken.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if ["s", "x", "ch", "sh"].iter().any(|end| spoken.ends_with(end)) => {
            format!("{spoken}es")
        }
        _ => format!("{spoken}s"),
    }
}
