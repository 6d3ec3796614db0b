//! Names of subprotocols, among which browsers send tokens: they have no other field for one.
//!
//! The names stay. What follows one that names a credential is one, whatever it looks like; else what
//! looks like no name is (`bearer.q7Rt2x…`, `graphql-ws, q7Rt2x…`).

use http::header::SEC_WEBSOCKET_PROTOCOL;

use super::carrier::Carrier;
use super::headers::{is_scheme, without_scheme};
use super::letters::are_random;
use super::looks::is_kind;
use super::pattern::Validator;
use super::rule::Action;
use super::secret::DOMAIN;
use super::seen::{MASK, is_guessable, is_redacted_text};
use super::walk::Walk;
use crate::decode::{Node, percent_decode_lossy};

/// What stands between the parts of a name, before what may be a token.
const JOINS: [char; 5] = ['.', ':', '=', '|', ' '];

/// Names of protocols have no longer words.
const WORD_BYTES_MAX: usize = 24;

/// What has fewer letters is no name, if it has more digits than a version.
const LETTERS_MIN: usize = 2;
const VERSION_DIGITS_MAX: usize = 5;

/// Digits of a number in a name (`v20240101`), and of one inside of a word (`base64url`, `mqttv311`).
const NUMBER_DIGITS_MAX: usize = 8;
const INNER_DIGITS_MAX: usize = 4;

/// What announces a credential besides the kinds of credentials, and how many words of a name are looked at.
const MORE_KINDS: [&str; 5] = ["auth", "csrf", "sessionid", "sid", "ticket"];
const KIND_WORDS_MAX: usize = 3;

/// Parts that stay behind one that names a credential, whatever they are: `io`, `v1`, `k8s`.
const SHORT_BYTES_MAX: usize = 3;

impl Walk<'_> {
    /// The names without what is a credential; `None` if nothing is.
    pub(super) fn subprotocols(&mut self, text: &str) -> Option<String> {
        let rule = self.rule(Carrier::Header, SEC_WEBSOCKET_PROTOCOL.as_str(), Some(text))?;
        let mut shown = String::with_capacity(text.len());
        let mut done = 0;
        for (start, secret) in credentials(text) {
            if is_redacted_text(secret) {
                continue;
            }
            shown.push_str(text.get(done..start).unwrap_or_default());
            shown.push_str(&self.subprotocol(secret, rule));
            done = start + secret.len();
        }
        shown.push_str(text.get(done..).unwrap_or_default());
        (done > 0).then_some(shown)
    }

    /// What stands for a credential.
    fn subprotocol(&mut self, secret: &str, rule: usize) -> String {
        let decoded = percent_decode_lossy(secret);
        self.remember(secret, rule);
        self.remember(&decoded, rule);
        self.remember_pieces(&decoded, rule);
        self.look_through(&mut Node::String(decoded));
        self.receipt(rule);
        match self.policy.action(rule) == Action::Fingerprint && !is_guessable(secret) {
            true => self.key.fingerprint(DOMAIN, secret.as_bytes()),
            false => MASK.to_owned(),
        }
    }
}

/// Whether there is a credential in a list of names.
pub(super) fn has_credential(list: &str) -> bool {
    credentials(list).next().is_some()
}

/// The credentials in a list of names, and where they begin.
fn credentials(list: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_announced = false;
    let mut at = 0;
    list.split(',').filter_map(move |piece| {
        let name = piece.trim();
        let begins = at + piece.len() - piece.trim_start().len();
        at += piece.len() + 1;
        if name.is_empty() {
            return None;
        }
        let follows = std::mem::take(&mut is_announced) && !is_label(name);
        let start = if follows { Some(0) } else { start(name) };
        is_announced = start.is_none() && announces(name);
        let (_, secret) = without_scheme(name.get(start?..)?);
        (!secret.is_empty()).then(|| (begins + name.len() - secret.len(), secret))
    })
}

/// Whether a name says that a credential follows: `bearer`, `access_token`, `acme-api-key`.
fn announces(name: &str) -> bool {
    let mut ends = name.match_indices(['-', '_']).rev().take(KIND_WORDS_MAX);
    is_label(name) || ends.any(|(at, _)| name.get(at + 1..).is_some_and(is_kind_of))
}

/// Whether a name is nothing but what a credential is called.
fn is_label(name: &str) -> bool {
    is_scheme(name) || is_kind_of(name)
}

fn is_kind_of(name: &str) -> bool {
    name.len() <= WORD_BYTES_MAX
        && (is_kind(&name.to_ascii_lowercase())
            || MORE_KINDS.iter().any(|kind| name.eq_ignore_ascii_case(kind)))
}

/// Where in a name something begins that is none.
fn start(name: &str) -> Option<usize> {
    if !Validator::NotUuid.accepts(name) || !has_letters(name) {
        return Some(0);
    }
    let mut is_announced = false;
    let mut at = 0;
    for part in name.split(JOINS) {
        let is_odd = !is_of_words(part) || is_announced && !stays_behind(part);
        if is_odd && !part.is_empty() {
            return Some(at);
        }
        is_announced = is_announced || announces(part);
        at += part.len() + 1;
    }
    None
}

/// Whether there is more in it than a number.
fn has_letters(name: &str) -> bool {
    let count = |is: fn(&u8) -> bool| name.bytes().filter(is).count();
    count(u8::is_ascii_alphabetic) >= LETTERS_MIN || count(u8::is_ascii_digit) <= VERSION_DIGITS_MAX
}

/// Whether a part may stand behind one that names a credential, and be none: a plain word or a version.
fn stays_behind(part: &str) -> bool {
    part.len() <= SHORT_BYTES_MAX
        || part.len() <= WORD_BYTES_MAX && part.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Whether a part of a name is made of words, versions and numbers: `graphql-transport-ws`, `k8s`, `v10`.
fn is_of_words(part: &str) -> bool {
    let mut words = part.split(|c: char| !c.is_ascii_alphanumeric());
    part.is_ascii() && !are_random(part) && words.all(is_word)
}

fn is_word(word: &str) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let before = word.bytes().take_while(u8::is_ascii_alphabetic).count();
    let is_number = before + digits == word.len();
    let is_together = word.bytes().skip(before).take(digits).all(|byte| byte.is_ascii_digit());
    let digits_max = if is_number && before <= 1 { NUMBER_DIGITS_MAX } else { INNER_DIGITS_MAX };
    word.len() <= WORD_BYTES_MAX && is_together && digits <= digits_max
}

#[cfg(test)]
mod tests {
    use super::{JOINS, has_letters, is_of_words};

    #[test]
    fn names_of_protocols_are_told_from_tokens() {
        let is_name = |name: &str| has_letters(name) && name.split(JOINS).all(is_of_words);
        for name in [
            "graphql-transport-ws",
            "mqtt",
            "mqttv3.1",
            "v4.channel.k8s.io",
            "base64.binary.k8s.io",
            "SPDY/3.1+portforward.k8s.io",
            "v1.acme.chat",
            "v12.stomp",
            "wamp.2.msgpack.batched",
            "ocpp2.0.1",
            "actioncable-v1-json",
            "json.reliable.webpubsub.azure.v1",
            "openai-beta.realtime-v1",
            "MBWS.huawei.com",
            "jsonRpcOverWebSocket",
            "13",
            "acme-2026-01-01",
        ] {
            assert!(is_name(name), "{name}");
        }
        for token in [
            "fe4207663fc56d8d",
            "9c1fTokQQ7aazx81PPq",
            "Yhc8rgyrWYCXK5fD",
            "sess_9f3a7c21be04",
            "4111222233334444",
            "rKfXwPqTzLmNbVcDgHjs",
            "SVOKHQTXBAFJOKZV",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI1In0.c2lnbmF0dXJl",
            "geheimnis-\u{fc}ber",
        ] {
            assert!(!is_name(token), "{token}");
        }
    }
}
