//! Places where one signs in.

use super::words;
use crate::record::RequestRecord;

/// Words in a path that lead to where one signs in.
const SIGN_IN: [&str; 30] = [
    "login",
    "signin",
    "sign_in",
    "log_in",
    "logon",
    "signon",
    "authenticate",
    "login_error",
    "login_failed",
    "login_form",
    "login_page",
    "loginerror",
    "wp_login",
    "user_login",
    "admin_login",
    "account_login",
    "service_login",
    "session_expired",
    "session_timeout",
    "sessionexpired",
    "sessiontimeout",
    "j_security_check",
    // In other languages.
    "anmelden",
    "anmeldung",
    "connexion",
    "iniciar_sesion",
    "iniciarsesion",
    "inloggen",
    "logowanie",
    "zaloguj",
];

/// Words of those that let somebody sign in for others.
const PROVIDERS: [&str; 4] = ["oauth", "oauth2", "oidc", "openid"];

/// What such a word stands before where one is sent to sign in.
const STARTS: [&str; 5] = ["authorization", "authorize", "login", "start", "sign_in"];

/// Parts of a word for a place where one signs in, if it is said where to go on.
const AUTHENTICATION: [&str; 4] = ["authentication", "authn", "login", "signin"];

/// Whether a path is one where one signs in: `returns` says that it is told where to go on, and `asks`
/// that somebody else is asked to let one sign in.
pub(super) fn leads_to_sign_in(
    path: &str,
    returns: bool,
    asks: bool,
    request: &RequestRecord,
) -> bool {
    let words = words(path);
    let last = words.last().map(String::as_str).unwrap_or_default();
    let is_auth = matches!(last, "auth" | "sso" | "oauth" | "ls")
        || last.starts_with("authoriz")
        || last.split('_').any(|part| AUTHENTICATION.contains(&part));
    let is_auth = is_auth && (returns || asks);
    let is_saml = |word: &String| word.starts_with("saml");
    let own = request.path.to_ascii_lowercase();
    // Whoever changes what SAML is set to stays there.
    let is_saml = words.iter().any(is_saml) && !own.contains("saml");
    is_form(&words) || is_auth || is_saml || is_provider(&words) && !own.contains("auth")
}

/// `/oauth2/authorization/keycloak`, as Spring Security has it, and `/auth/google_oauth2`, as OmniAuth.
fn is_provider(words: &[String]) -> bool {
    let is_start = |pair: &[String]| {
        matches!(pair, [provider, start] if PROVIDERS.contains(&provider.as_str())
            && STARTS.contains(&start.as_str()))
    };
    let is_one = |word: &str| word.split('_').any(|part| PROVIDERS.contains(&part));
    words.windows(2).any(is_start)
        || matches!(words, [.., auth, provider] if auth == "auth" && is_one(provider))
}

/// Whether words lead to the form where one signs in.
pub(in crate::derive) fn is_form(words: &[String]) -> bool {
    let is_new = matches!(words, [.., session, new]
        if matches!(session.as_str(), "session" | "sessions") && new == "new");
    is_new || words.iter().rev().take(2).any(|word| SIGN_IN.contains(&word.as_str()))
}
