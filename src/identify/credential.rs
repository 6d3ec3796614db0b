//! The credential that a request carries, by the conventions of HTTP APIs.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use http::{HeaderMap, HeaderName};

use super::signed;

/// A credential, raw: it has neither `Debug` nor `Serialize`.
pub(super) enum Credential<'r> {
    /// HTTP Basic: what was sent, and the user and password in it.
    Basic { sent: &'r str, user: String, password: String },
    /// A bearer token.
    Bearer(&'r str),
    /// An API key.
    ApiKey(&'r str),
    /// The value of a session cookie.
    Session(&'r str),
    /// The id of a key that signs, which is no secret: each request has another signature.
    Signed(&'r str),
    /// `Authorization` in a scheme of which only the user, if anything, can be told.
    Other { sent: &'r str, user: Option<&'r str> },
}

/// Lenient: a padding or stray bits more or less decide nothing here.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

/// Longer credentials are fingerprinted, but not looked into.
pub(super) const LOOKED_INTO_BYTES_MAX: usize = 16 * 1024;

/// Header fields that carry a key or a token of the caller.
const KEY_HEADERS: [HeaderName; 26] = [
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("apikey"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("private-token"),
    HeaderName::from_static("job-token"),
    HeaderName::from_static("x-auth-token"),
    HeaderName::from_static("x-auth-key"),
    HeaderName::from_static("x-access-token"),
    HeaderName::from_static("x-api-token"),
    HeaderName::from_static("x-session-token"),
    HeaderName::from_static("x-subject-token"),
    HeaderName::from_static("x-vault-token"),
    HeaderName::from_static("x-consul-token"),
    HeaderName::from_static("x-nomad-token"),
    HeaderName::from_static("x-redmine-api-key"),
    HeaderName::from_static("x-shopify-access-token"),
    HeaderName::from_static("x-functions-key"),
    HeaderName::from_static("x-rapidapi-key"),
    HeaderName::from_static("ocp-apim-subscription-key"),
    HeaderName::from_static("dd-api-key"),
    HeaderName::from_static("fastly-key"),
    HeaderName::from_static("x-litellm-key"),
    HeaderName::from_static("x-jfrog-art-api"),
    HeaderName::from_static("x-pan-key"),
    HeaderName::from_static("x-ha-access"),
];

/// Ends of the names of such fields that applications have of their own. Virtual keys, of gateways before
/// language models, come last: they may be those of a provider.
const KEY_ENDS: [&str; 14] = [
    "-access-key",
    "-access-token",
    "-admin-key",
    "-admin-secret",
    "-admin-token",
    "-api-key",
    "-api-secret",
    "-api-session-id",
    "-api-token",
    "-apikey",
    "-auth-key",
    "-auth-token",
    "-virtual-key",
    "-vk",
];

/// Ends of the names of fields that carry what `Authorization` does: `Helicone-Auth`,
/// `cf-aig-authorization`.
const AUTHORIZATION_ENDS: [&str; 2] = ["-authorization", "-auth"];

/// Parameters of a query that carry one, wherever they are.
const KEY_PARAMETERS: [&str; 7] = [
    "access_token",
    "api-key",
    "api_key",
    "apikey",
    "auth_token",
    "private_token",
    "subscription-key",
];

/// What the names of session cookies contain, the surest first.
const SESSION_COOKIES: [&str; 12] = [
    "sess",
    "sid",
    "auth",
    "token",
    "logged_in_",
    "jwt",
    "phpmyadmin",
    "unifises",
    "i_like_gitea",
    ".aspnetcore.cookies",
    "_identity",
    ".identity",
];

/// Ends of the names of fields that carry a session, squashed: `X-Metabase-Session`, `X-FTL-SID`.
const SESSION_ENDS: [&str; 4] = ["session", "sessionid", "sessiontoken", "-sid"];

/// The key or token in a query, undecoded, for whoever has named no other credential.
pub(super) fn queried(query: &str) -> Option<&str> {
    query.split('&').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_key = KEY_PARAMETERS.iter().any(|known| name.eq_ignore_ascii_case(known));
        (is_key && !value.is_empty()).then_some(value)
    })
}

/// The credential of a request: `Authorization`, else an API key, else what is authorized under another
/// name, else a session cookie, else a session in a field of its own.
pub(super) fn credential(headers: &HeaderMap) -> Option<Credential<'_>> {
    if let Some(text) = text(headers, &AUTHORIZATION) {
        return Some(authorization(text));
    }
    if let Some(key) = KEY_HEADERS.iter().find_map(|name| text(headers, name)) {
        return Some(Credential::ApiKey(key));
    }
    if let Some(key) = own_key(headers) {
        return Some(Credential::ApiKey(key));
    }
    if let Some(text) = other_authorization(headers) {
        return Some(authorization(text));
    }
    session(headers).or_else(|| session_field(headers)).map(Credential::Session)
}

/// A session that is no cookie. It comes last: some count their visitors so.
fn session_field(headers: &HeaderMap) -> Option<&str> {
    let is_session = |name: &&HeaderName| {
        let name = name.as_str();
        let bare = name.replace("session-", "session");
        SESSION_ENDS.iter().any(|end| bare.ends_with(end)) && !is_forgery_token(name)
    };
    headers.keys().filter(is_session).find_map(|name| text(headers, name))
}

/// The key in a field that an application has called so itself: `X-N8N-API-KEY`.
fn own_key(headers: &HeaderMap) -> Option<&str> {
    named_so(headers, &KEY_ENDS).find_map(|name| text(headers, name))
}

/// A bearer token, or a user with a password, in a field that is not `Authorization`.
fn other_authorization(headers: &HeaderMap) -> Option<&str> {
    let is_known = |text: &&str| {
        let scheme = text.split([' ', '\t']).next().filter(|scheme| scheme.len() < text.len());
        scheme.is_some_and(|scheme| {
            scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("basic")
        })
    };
    let mut names =
        named_so(headers, &AUTHORIZATION_ENDS).filter(|name| **name != PROXY_AUTHORIZATION);
    names.find_map(|name| text(headers, name).filter(is_known))
}

/// The fields whose names end so, in the order of the ends.
fn named_so<'r>(
    headers: &'r HeaderMap,
    ends: &'static [&'static str],
) -> impl Iterator<Item = &'r HeaderName> {
    let named = |end: &'static str| {
        let names = headers.keys().filter(move |name| name.as_str().ends_with(end));
        names.filter(|name| !is_forgery_token(name.as_str()))
    };
    ends.iter().flat_map(move |end| named(end))
}

fn text<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Option<&'r str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
}

fn authorization(text: &str) -> Credential<'_> {
    let (scheme, sent) = text.split_once([' ', '\t']).unwrap_or(("", text));
    let sent = sent.trim();
    match scheme.to_ascii_lowercase().as_str() {
        "basic" => basic(sent).unwrap_or(Credential::Other { sent, user: None }),
        "bearer" | "dpop" | "token" | "bot" => Credential::Bearer(sent),
        "apikey" | "api-key" | "key" => Credential::ApiKey(sent),
        "digest" => {
            let user = sent.split_once("username=\"").and_then(|(_, rest)| rest.split_once('"'));
            Credential::Other { sent, user: user.map(|(user, _)| user) }
        }
        // One word alone is what some APIs take as a key.
        "" => Credential::ApiKey(sent),
        scheme => match signed::key_id(scheme, sent) {
            Some(id) => Credential::Signed(id),
            None => Credential::Other { sent, user: None },
        },
    }
}

fn basic(sent: &str) -> Option<Credential<'_>> {
    let sent_bytes = Some(sent).filter(|sent| sent.len() <= LOOKED_INTO_BYTES_MAX)?;
    let pair = BASE64.decode(sent_bytes).ok()?;
    let pair = String::from_utf8_lossy(&pair);
    let (user, password) = pair.split_once(':')?;
    Some(Credential::Basic { sent, user: user.to_owned(), password: password.to_owned() })
}

fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = || {
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|cookie| cookie.split_once('='))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
            .filter(|(name, value)| !value.is_empty() && !is_forgery_token(name))
    };
    SESSION_COOKIES
        .iter()
        .find_map(|part| cookies().find(|(name, _)| name.contains(part)).map(|(_, value)| value))
}

/// Tokens against cross-site requests say nothing of who acts.
fn is_forgery_token(name: &str) -> bool {
    name.contains("csrf") || name.contains("xsrf") || name.contains("forgery")
}

/// Whether a user name in Basic credentials may be the secret itself, as with APIs that take a key
/// for a user and nothing, or a filler, for a password.
pub(super) fn is_key_as_user(user: &str, password: &str) -> bool {
    let filler = matches!(password.to_ascii_lowercase().as_str(), "" | "x" | "x-oauth-basic");
    let long_mix = user.len() >= 20
        && !user.contains(['@', ' ', '.', '\\'])
        && user.bytes().any(|byte| byte.is_ascii_digit())
        && user.bytes().any(|byte| byte.is_ascii_alphabetic());
    filler || long_mix
}

/// Whether a field is of HTTP itself, or what every request may carry: it says nobody's name, and
/// without it the request would be another one.
pub fn is_of_http(name: &HeaderName) -> bool {
    const FIELDS: [&str; 20] = [
        "accept",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "date",
        "expect",
        "forwarded",
        "host",
        "keep-alive",
        "origin",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "via",
    ];
    FIELDS.binary_search(&name.as_str()).is_ok()
}
