//! Header fields, cookies and credentials with a scheme.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::header::{CONTENT_LOCATION, COOKIE, LOCATION, PROXY_AUTHENTICATE, SET_COOKIE};
use http::header::{HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL, WWW_AUTHENTICATE};

use super::carrier::Carrier;
use super::ids::is_id_of_cookie;
use super::only::{Unlisted, is_always_recorded};
use super::pattern::Validator;
use super::rule::Action;
use super::secret::{DOMAIN, dropped, marker};
use super::seen::{MASK, ends, is_guessable, is_redacted_text};
use super::walk::Walk;
use crate::decode::{Node, Note, percent_decode_lossy};

/// Fields as they are recorded.
pub(super) type Fields = Vec<(Cow<'static, str>, Node<'static>)>;

/// Authentication schemes (IANA registry, and what providers use): a first word that is none of
/// these may be part of the secret.
const SCHEMES: [&str; 22] = [
    "Basic",
    "Bearer",
    "Digest",
    "DPoP",
    "GNAP",
    "HOBA",
    "Mutual",
    "Negotiate",
    "NTLM",
    "OAuth",
    "PrivateToken",
    "SCRAM-SHA-1",
    "SCRAM-SHA-256",
    "vapid",
    "Token",
    "ApiKey",
    "Api-Key",
    "Key",
    "Hawk",
    "AWS4-HMAC-SHA256",
    "SharedKey",
    "Bot",
];

/// Cookies that no key selects (languages, themes) are looked for elsewhere only from this length,
/// or from a lesser one if they are no words, and a shorter one yet under the name of a session.
const COOKIE_SECRET_BYTES_MIN: usize = 16;
const COOKIE_MIXED_BYTES_MIN: usize = 8;

/// What names of sessions are made of.
const SESSIONS: [&str; 6] = ["sess", "sid", "auth", "login", "remember", "user"];

/// The rule for fields that only their name says to be keys.
const KEY_RULE: &str = "credential.key_field";

/// How names of fields end that are keys to nothing: what a request, a cache or a partition is known by.
const ORDINARY_KEYS: [&str; 14] = [
    "idempotency-key",
    "sec-websocket-key",
    "surrogate-key",
    "cache-key",
    "partition-key",
    "routing-key",
    "public-key",
    "sort-key",
    "object-key",
    "request-key",
    "message-key",
    "dedup-key",
    "deduplication-key",
    "trace-key",
];

/// Names of fields are looked at from this length: no token is shorter.
const TOKEN_NAME_BYTES_MIN: usize = 20;

pub(super) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The scheme, if the text begins with one, and the credential.
pub(super) fn without_scheme(text: &str) -> (Option<&'static str>, &str) {
    let text = text.trim();
    if let Some((first, rest)) = text.split_once(' ')
        && let Some(scheme) = SCHEMES.iter().find(|scheme| scheme.eq_ignore_ascii_case(first))
    {
        return (Some(scheme), rest.trim_start());
    }
    (None, text)
}

/// Whether a text is the name of a scheme.
pub(super) fn is_scheme(text: &str) -> bool {
    SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(text))
}

/// Credentials of schemes whose names are words as well are taken for ones only from this length.
const CREDENTIAL_BYTES_MIN: usize = 16;

/// A scheme and one word after it that is no part of a sentence (`Basic plan`).
fn has_credential(text: &str) -> bool {
    let (Some(scheme), rest) = without_scheme(text) else { return false };
    // RFC 9110, section 11.2.
    let token = rest.trim_end_matches('=');
    let is_token68 = !token.is_empty()
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte));
    let is_long = || {
        rest.len() >= CREDENTIAL_BYTES_MIN && token.bytes().any(|byte| !byte.is_ascii_lowercase())
    };
    let is_pair = || BASE64.decode(rest).is_ok_and(|pair| pair.contains(&b':'));
    is_token68
        && match scheme {
            "Bearer" | "DPoP" | "Negotiate" | "NTLM" => true,
            "Basic" => is_pair() || is_long(),
            _ => is_long(),
        }
}

/// The names of subprotocols as one list, if they stand on several lines (RFC 6455, section 11.3.4): what one
/// line ends with says what the next one is.
fn one_list(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    if name != SEC_WEBSOCKET_PROTOCOL {
        return None;
    }
    let mut lines = headers.get_all(name).iter();
    let first = lines.next()?;
    let mut list = first.as_bytes().to_vec();
    for line in lines {
        list.extend_from_slice(b", ");
        list.extend_from_slice(line.as_bytes());
    }
    (list.len() > first.len()).then(|| HeaderValue::from_bytes(&list).ok()).flatten()
}

fn string(text: String) -> Node<'static> {
    Node::String(Cow::Owned(text))
}

impl Walk<'_> {
    /// All header fields as an object of name → value, a list where a field is repeated.
    pub(super) fn headers(&mut self, headers: &HeaderMap) -> Fields {
        let mut object = Vec::with_capacity(headers.keys_len() + 1);
        for name in headers.keys() {
            self.enter("header");
            let shown = Some(name.as_str()).filter(|name| name.len() >= TOKEN_NAME_BYTES_MIN);
            let shown = shown.and_then(|name| self.plain(name));
            let shown = shown.unwrap_or_else(|| name.as_str().to_owned());
            self.location.push('.');
            self.location.push_str(&shown);
            let mut values: Vec<Node<'static>> = match one_list(headers, name) {
                Some(list) => vec![self.listed_field(name, &list)],
                None => {
                    let values = headers.get_all(name).iter();
                    values.map(|value| self.listed_field(name, value)).collect()
                }
            };
            let value = match (values.len(), values.pop()) {
                (1, Some(value)) => value,
                (_, last) => {
                    values.extend(last);
                    Node::Array(values)
                }
            };
            object.push((Cow::Owned(shown), value));
        }
        object
    }

    /// A field, unless only others are to be recorded.
    fn listed_field(&mut self, name: &HeaderName, value: &HeaderValue) -> Node<'static> {
        self.unlisted = self.policy.unlisted(self.place);
        if is_always_recorded(name.as_str()) {
            self.unlisted = Unlisted::default();
        }
        self.list_name(Carrier::Header, name.as_str());
        let shown = self.field(name, value);
        self.unlisted = Unlisted::default();
        shown
    }

    fn field(&mut self, name: &HeaderName, value: &HeaderValue) -> Node<'static> {
        let Ok(text) = std::str::from_utf8(value.as_bytes()) else {
            self.notes.insert(Note::InvalidUtf8);
            return Node::Object(vec![(Cow::Borrowed("bytes"), Node::count(value.len()))]);
        };
        if let Some(rule) = self.rule_of_field(name, text) {
            return self.credential(text, rule);
        }
        let is_challenge = name == WWW_AUTHENTICATE || name == PROXY_AUTHENTICATE;
        // Whatever the field is called, it carries what `Authorization` does.
        if !is_challenge
            && has_credential(text)
            && let Some(rule) = self.rule(Carrier::Header, "authorization", Some(text))
        {
            return self.credential(text, rule);
        }
        if name == COOKIE {
            let cookies: Vec<String> = text.split(';').map(|piece| self.cookie(piece)).collect();
            return string(cookies.join("; "));
        }
        if name == SET_COOKIE {
            let (cookie, attributes) = text.split_once(';').unwrap_or((text, ""));
            let mut out = self.cookie(cookie);
            if !attributes.is_empty() {
                out.push(';');
                let shown = self.plain(attributes);
                out.push_str(shown.as_deref().unwrap_or(attributes));
            }
            return string(out);
        }
        let named = if name == SEC_WEBSOCKET_PROTOCOL { self.subprotocols(text) } else { None };
        let mut shown = string(named.as_deref().unwrap_or(text).to_owned());
        if self.withhold(&mut shown) || named.is_some() {
            return shown;
        }
        let is_path = text.starts_with('/') || name == LOCATION || name == CONTENT_LOCATION;
        let pathless = if is_path { self.path_in_field(text) } else { None };
        match self.text(pathless.as_deref().unwrap_or(text)).or(pathless) {
            Some(text) => string(text),
            None => shown,
        }
    }

    /// The rule for a field. What is shipped takes cookies apart, and drops copies of them elsewhere, takes
    /// names of subprotocols apart, and leaves keys to nothing; rules of operators do not.
    fn rule_of_field(&mut self, name: &HeaderName, text: &str) -> Option<usize> {
        let rule = self.rule(Carrier::Header, name.as_str(), Some(text))?;
        let is_apart = name == COOKIE || name == SET_COOKIE || name == SEC_WEBSOCKET_PROTOCOL;
        let is_ordinary = || {
            self.policy.id(rule) == KEY_RULE
                && ORDINARY_KEYS.iter().any(|end| name.as_str().ends_with(end))
        };
        match self.policy.is_shipped(rule) && (is_apart || is_ordinary()) {
            true => self.own_rule(Carrier::Header, name.as_str(), text),
            false => Some(rule),
        }
    }

    /// A header value under a rule.
    fn credential(&mut self, text: &str, rule: usize) -> Node<'static> {
        let (scheme, secret) = without_scheme(text);
        if secret.is_empty() || is_redacted_text(secret) || self.is_redacted_basic(scheme, secret) {
            return string(text.to_owned());
        }
        self.remember(secret, rule);
        self.remember_pieces(text, rule);
        let basic = self.basic(scheme, secret, rule);
        let inner = self.look_through(&mut string(secret.to_owned()));
        let rule = self.outdone(rule, inner, secret).unwrap_or(rule);
        self.receipt(rule);
        let id = self.policy.id(rule);
        match self.policy.action(rule) {
            action if self.shows_too_much(action) => dropped(id),
            Action::Drop => dropped(id),
            Action::Mask => string(MASK.to_owned()),
            Action::KeepEnds { first, last } => match ends(secret, first, last) {
                Some(shown) => marker(id, "ends", string(shown)),
                None => dropped(id),
            },
            Action::Summarize => marker(id, "chars", Node::count(text.chars().count())),
            Action::Fingerprint => {
                let password = basic.as_ref().map(|basic| basic.password.as_str());
                let guessable = is_guessable(password.unwrap_or(secret));
                let shown = match guessable {
                    true => MASK.to_owned(),
                    false => self.key.fingerprint(DOMAIN, secret.as_bytes()),
                };
                let user = basic.as_ref().and_then(|basic| basic.shown.as_deref());
                match (scheme, user) {
                    (None, _) if guessable => dropped(id),
                    (None, _) => string(shown),
                    (Some(scheme), None) => string(format!("{scheme} {shown}")),
                    (Some(scheme), Some(user)) => string(format!("{scheme} {user} {shown}")),
                }
            }
        }
    }

    /// One `name=value` of `Cookie` or `Set-Cookie`: the name stays.
    fn cookie(&mut self, piece: &str) -> String {
        let piece = piece.trim();
        let (name, value) = piece.split_once('=').unwrap_or(("", piece));
        let Some(rule) = self.rule(Carrier::Cookie, name, Some(value)) else {
            let unlisted = self.list_name(Carrier::Cookie, name);
            let withheld = self.withhold(&mut string(value.to_owned()));
            let shown = match withheld {
                true if name.is_empty() => MASK.to_owned(),
                true => format!("{}={MASK}", self.plain(name).as_deref().unwrap_or(name)),
                false => self.text(piece).unwrap_or_else(|| piece.to_owned()),
            };
            self.unlisted = unlisted;
            return shown;
        };
        let shown_name = self.plain(name).unwrap_or_else(|| name.to_owned());
        if value.is_empty() || is_redacted_text(value) {
            return piece.replacen(name, &shown_name, 1);
        }
        let secret = value.trim_matches('"');
        let keyed = self.rule(Carrier::Member, name, Some(value)).is_some();
        if keyed || is_cookie_secret(name, secret) {
            let decoded = percent_decode_lossy(secret);
            if !keyed && self.policy.is_shipped(rule) && is_id_of_cookie(name, secret) {
                self.remember_id(secret, rule);
            } else {
                self.remember(secret, rule);
                self.remember(&decoded, rule);
            }
            self.look_through(&mut Node::String(decoded));
        }
        self.receipt(rule);
        let fingerprinted =
            self.policy.action(rule) == Action::Fingerprint && !is_guessable(secret);
        let shown = if fingerprinted {
            self.key.fingerprint(DOMAIN, secret.as_bytes())
        } else {
            MASK.to_owned()
        };
        if name.is_empty() { shown } else { format!("{shown_name}={shown}") }
    }
}

/// Whether a cookie that no key selects is one that a session may be known by.
fn is_cookie_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_word = || value.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_".contains(&byte));
    value.len() >= COOKIE_SECRET_BYTES_MIN
        || (value.len() >= COOKIE_MIXED_BYTES_MIN && Validator::Mixed.accepts(value))
        || (SESSIONS.iter().any(|part| name.contains(part)) && !is_word())
}
