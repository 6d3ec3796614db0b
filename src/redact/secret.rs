//! What is done to a value under a rule.

use std::borrow::Cow;

use super::exceptions::{is_date, is_flag_word};
use super::looks::{is_around, is_kind, is_mixed, is_plain_word, is_random, is_round};
use super::ordinary::is_slug;
use super::pattern::Validator;
use super::rule::Action;
use super::seen::{
    ENDS_CHARS_MAX, MASK, Weight, ends, is_fingerprint, is_guessable, is_redacted_text,
    is_remembered,
};
use super::sketch::{is_error, is_schema};
use super::walk::{Walk, is_one_of};
use crate::decode::{Node, Number, base64_text};

/// The domain of fingerprints of secrets: one for all carriers, so that the same secret is
/// recognised in a header and in a body.
pub const DOMAIN: &str = "secret";

/// Members of a credential that say whose it is and what for.
const BESIDE: [&str; 16] = [
    "user",
    "username",
    "user_name",
    "login",
    "email",
    "name",
    "host",
    "hostname",
    "server",
    "port",
    "type",
    "kind",
    "database",
    "region",
    "description",
    "format",
];

/// Schemes whose parameters are about the request, and a signature that holds for it alone.
const SIGNING: [&str; 5] = ["Digest", "AWS4", "Signature", "Hawk", "HOBA"];

/// Begins and ends keys and certificates in text (RFC 7468).
const PEM: &str = "-----BEGIN ";
/// Shorter lines of them are not remembered by themselves.
const PEM_LINE_BYTES_MIN: usize = 24;

/// So long are words that may as well be a role, a state or a name.
const WORD_BYTES_MAX: usize = 15;

/// Secrets of longer lists are not told apart.
const LISTED_MAX: usize = 32;

/// Where a secret stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// It is the value under the selected name.
    Selected,
    /// It is a member inside of that value.
    Inner,
    /// It is a member of an error inside of that value.
    Error,
}

impl Walk<'_> {
    /// Puts in the place of a value under a rule what is recorded of it.
    pub(super) fn secret(&mut self, node: &mut Node<'_>, rule: usize) {
        let is_whole = self.takes_whole();
        if self.is_redacted(node) {
            return self.value(node);
        }
        if !is_whole && self.telling.is_none() && self.goes_into(rule, node) {
            self.hides = true;
            return self.go_in(node, rule);
        }
        if !is_whole && self.telling.is_none() && self.is_of_secrets(rule, node) {
            return self.each_secret(node, rule);
        }
        let mut shown = self.sketch(node, rule).unwrap_or_else(|| self.shown(node, rule));
        let mut rule = rule;
        self.hides |= !matches!(node, Node::String(text) if !text.trim().is_empty());
        if is_remembered(self.policy.action(rule)) {
            let is_named = !is_whole && !std::mem::take(&mut self.by_place);
            let depth = if is_named { Depth::Selected } else { Depth::Inner };
            self.remember_all(node, rule, depth);
            let text = match node {
                Node::String(text) if is_machine_made(self.policy.action(rule)) => text.clone(),
                _ => Cow::default(),
            };
            let inner = self.look_through(node);
            if let Some(stricter) = self.outdone(rule, inner, &text) {
                rule = stricter;
                shown = self.shown(&Node::String(text), rule);
            }
        } else {
            self.seen.heard.add(node, rule);
            self.look_through(node);
        }
        self.receipt(rule);
        *node = shown;
    }

    /// Whether a value is a short list of texts under a rule that fingerprints: of each is told which one
    /// it is. What stands in the place of one tells it already.
    pub(super) fn is_of_secrets(&self, rule: usize, node: &Node<'_>) -> bool {
        let Node::Array(items) = node else { return false };
        self.policy.action(rule) == Action::Fingerprint
            && (1..=LISTED_MAX).contains(&items.len())
            && items.iter().all(|item| matches!(item, Node::String(_)) || self.is_redacted(item))
    }

    /// Puts in the place of each text of a list what is recorded of it.
    fn each_secret(&mut self, node: &mut Node<'_>, rule: usize) {
        let Node::Array(items) = node else { return };
        let length = self.location.len();
        self.location.push_str("[*]");
        items.iter_mut().for_each(|item| self.secret(item, rule));
        self.location.truncate(length);
    }

    fn shown(&self, node: &Node<'_>, rule: usize) -> Node<'static> {
        let id = self.policy.id(rule);
        match (self.policy.action(rule), node) {
            (action, _) if self.shows_too_much(action) => dropped(id),
            (Action::Mask, _) => Node::String(Cow::Borrowed(MASK)),
            (Action::KeepEnds { first, last }, Node::String(text)) => {
                match ends(text, first, last) {
                    Some(shown) => marker(id, "ends", Node::String(shown.into())),
                    None => dropped(id),
                }
            }
            (Action::Summarize, Node::String(text)) => {
                marker(id, "chars", Node::count(text.chars().count()))
            }
            (Action::Summarize, Node::Array(items)) => {
                marker(id, "items", Node::count(items.len()))
            }
            (Action::Summarize, Node::Object(items)) => {
                marker(id, "items", Node::count(items.len()))
            }
            (Action::Summarize, _) => type_marker(id, node).unwrap_or_else(|| dropped(id)),
            (Action::Fingerprint, Node::String(text)) => {
                self.fingerprint_of(super::headers::without_scheme(text).1, id)
            }
            (Action::Fingerprint, Node::Number(number)) => {
                self.fingerprint_of(&number.to_string(), id)
            }
            _ => dropped(id),
        }
    }

    fn fingerprint_of(&self, secret: &str, id: &str) -> Node<'static> {
        if is_guessable(secret) {
            return dropped(id);
        }
        let fingerprint = self.key.fingerprint(DOMAIN, secret.as_bytes());
        marker(id, "fingerprint", Node::String(fingerprint.into()))
    }

    /// The rule that is stricter with a text than the one that selects it, by the strictest one for
    /// what is in it: ends would show parts of a secret inside of it, and what is a secret by its
    /// looks is one under any name.
    pub(super) fn outdone(
        &mut self,
        rule: usize,
        inner: Option<usize>,
        text: &str,
    ) -> Option<usize> {
        match self.policy.action(rule) {
            Action::KeepEnds { .. } => inner,
            Action::Fingerprint if inner.is_some() => {
                let scope = self.policy.at(self.place);
                let found = self.policy.patterns().find(text, &scope, &mut self.work).ok()?;
                let whole = found.iter().filter(|found| found.range == (0..text.len()));
                whole.map(|found| found.rule).min()
            }
            _ => None,
        }
        .filter(|stricter| *stricter < rule)
    }

    /// Remembers the secrets in what is not recorded, and tells the strictest of their rules. Nothing
    /// in it is of use afterwards.
    pub(super) fn look_through(&mut self, node: &mut Node<'_>) -> Option<usize> {
        let receipts = std::mem::take(&mut self.receipts);
        let unlisted = std::mem::take(&mut self.unlisted);
        let notes = self.notes.clone();
        let recorded = std::mem::replace(&mut self.recorded, false);
        self.value(node);
        let strictest = self.receipts.strictest();
        self.recorded = recorded;
        (self.receipts, self.unlisted, self.notes) = (receipts, unlisted, notes);
        strictest
    }

    /// Remembers a secret, so that it is removed wherever else it occurs.
    pub(super) fn remember(&mut self, text: &str, rule: usize) {
        if is_remembered(self.policy.action(rule))
            && let Some(weight) = self.weight(text, rule)
        {
            self.seen.add(text, rule, weight);
        }
    }

    /// Remembers an id that a cookie holds.
    pub(super) fn remember_id(&mut self, text: &str, rule: usize) {
        if is_remembered(self.policy.action(rule)) && self.weight(text, rule).is_some() {
            self.seen.add(text, rule, Weight::Id);
        }
    }

    /// Where a secret is looked for besides; `None` if nowhere, since it is none that can be told
    /// from what is ordinary: a count, a date, a flag. Rules of operators say what is secret.
    fn weight(&self, text: &str, rule: usize) -> Option<Weight> {
        let text = text.trim().trim_matches('"');
        if !self.policy.is_shipped(rule) {
            return Some(Weight::Everywhere);
        }
        let typed = !is_machine_made(self.policy.action(rule));
        if is_flag_word(text) || is_kind(text.trim_matches(is_around)) {
            return None;
        }
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let counts = if typed { is_round(text) } else { is_guessable(text) };
            return (!counts).then_some(Weight::Everywhere);
        }
        let side = typed.then_some(self.place.side);
        if is_date(text) {
            return typed.then_some(Weight::Word { typed: side });
        }
        if text.len() > WORD_BYTES_MAX || Validator::NotWord.accepts(text) {
            return Some(Weight::Everywhere);
        }
        (typed || !is_guessable(text)).then_some(Weight::Word { typed: side })
    }

    /// Remembers what stands in a credential of whatever scheme: `Token token="…"`, `ApiKey ada:…`.
    pub(super) fn remember_pieces(&mut self, credential: &str, rule: usize) {
        let scheme = credential.split([' ', '\t', '-']).next().unwrap_or_default();
        if is_one_of(scheme, &SIGNING) {
            return;
        }
        let between = |c: char| c.is_whitespace() || ",;=:\"'".contains(c);
        for piece in credential.split(between).filter(|piece| is_mixed(piece)) {
            self.remember(piece, rule);
        }
    }

    /// Remembers the secret, or all of them inside of a list or an object.
    fn remember_all(&mut self, node: &Node<'_>, rule: usize, depth: Depth) {
        match node {
            // What is inside of it is not all secret: words there would be masked everywhere, and names.
            Node::String(text) if depth != Depth::Selected && self.says_what(text, rule) => {}
            Node::String(text) if is_kind(text) => {}
            Node::String(text) => self.remember_parts(text, rule),
            Node::Number(_) if depth != Depth::Selected && self.policy.is_shipped(rule) => {}
            Node::Number(number) => self.remember(&number.to_string(), rule),
            Node::Array(items) => {
                items.iter().for_each(|item| self.remember_all(item, rule, depth));
            }
            Node::Object(members) => {
                for (name, item) in members {
                    if is_random(name) {
                        self.remember(name, rule);
                    }
                    let is_error = depth == Depth::Error || is_error(name);
                    // What an error is called is said elsewhere too.
                    let is_said = self.policy.is_shipped(rule)
                        && item.as_str().is_some_and(|text| is_schema(name, text, is_error));
                    if !is_one_of(name, &BESIDE) && !is_said {
                        let depth = if is_error { Depth::Error } else { Depth::Inner };
                        self.remember_all(item, rule, depth);
                    }
                }
            }
            Node::Null | Node::Bool(_) => {}
        }
    }

    /// Whether a text is a word or, under a rule that did not ask for it by its name, a name, which may be
    /// written in base64.
    fn says_what(&self, text: &str, rule: usize) -> bool {
        let is_name = || is_slug(text) || base64_text(text).is_some_and(|text| is_slug(&text));
        is_plain_word(text) || self.policy.is_shipped(rule) && is_name()
    }

    /// Remembers a secret, and the same without what may only stand around it.
    pub(super) fn remember_bare(&mut self, text: &str, rule: usize) {
        self.remember(text, rule);
        let bare = text.trim_matches(is_around);
        if bare != text {
            self.remember(bare, rule);
        }
    }

    /// Remembers a secret, and those parts of it that by themselves are one.
    pub(super) fn remember_parts(&mut self, text: &str, rule: usize) {
        self.remember_bare(text, rule);
        if text.contains(' ') && !text.contains('\n') {
            self.remember_pieces(text, rule);
        }
        // A code is written in groups: `946 201`.
        let digits = |c: char| c.is_ascii_digit() || c == ' ' || c == '-';
        if text.contains([' ', '-']) && text.chars().all(digits) {
            self.remember(&text.replace([' ', '-'], ""), rule);
        }
        if let Some(decoded) = base64_text(text) {
            self.remember(&decoded, rule);
            // What registries call `auth`.
            if let Some((_, password)) = decoded.split_once(':') {
                self.remember(password, rule);
            }
        }
        let (scheme, secret) = super::headers::without_scheme(text);
        if scheme.is_some() {
            self.remember(secret, rule);
            self.basic(scheme, secret, rule);
        }
        if text.contains(PEM) {
            for line in text.lines().filter(|line| line.len() >= PEM_LINE_BYTES_MIN) {
                self.remember(line, rule);
            }
        }
    }

    /// Whether the value is what the engine itself puts in the place of one.
    pub(super) fn is_redacted(&self, node: &Node<'_>) -> bool {
        match node {
            Node::String(text) => is_redacted_text(text),
            Node::Object(members) => {
                members.len() <= 2
                    && members.iter().any(|(name, _)| name == "redacted")
                    && members.iter().all(|(name, value)| match (name.as_ref(), value) {
                        ("redacted", Node::String(id)) => self.policy.has_rule(id),
                        ("fingerprint", Node::String(text)) => is_fingerprint(text),
                        ("ends", Node::String(text)) => is_ends(text),
                        ("chars" | "items", Node::Number(Number::Integer(_))) => true,
                        ("type", Node::String(text)) => is_type(text),
                        _ => false,
                    })
            }
            _ => false,
        }
    }
}

/// What rules with this action select was made by a machine, and can be told from other values.
pub(super) fn is_machine_made(action: Action) -> bool {
    matches!(action, Action::Fingerprint | Action::KeepEnds { .. })
}

/// A few characters, `…`, a few characters: no secret is so short.
fn is_ends(text: &str) -> bool {
    text.split_once('…')
        .is_some_and(|(first, last)| first.chars().count() + last.chars().count() <= ENDS_CHARS_MAX)
}

/// What is recorded of a value that is neither text nor made of others.
pub(super) fn is_type(text: &str) -> bool {
    matches!(text, "number" | "boolean" | "null")
}

/// `{"redacted": id, "type": "number"}`, and so on; `None` for what has a size.
pub(super) fn type_marker(id: &str, node: &Node<'_>) -> Option<Node<'static>> {
    let name = match node {
        Node::Number(_) => "number",
        Node::Bool(_) => "boolean",
        Node::Null => "null",
        Node::String(_) | Node::Array(_) | Node::Object(_) => return None,
    };
    Some(marker(id, "type", Node::String(Cow::Borrowed(name))))
}

/// `{"redacted": id}`.
pub(super) fn dropped(id: &str) -> Node<'static> {
    Node::Object(vec![redacted(id)])
}

/// `{"redacted": id, name: value}`.
pub(super) fn marker(id: &str, name: &'static str, value: Node<'static>) -> Node<'static> {
    Node::Object(vec![redacted(id), (Cow::Borrowed(name), value)])
}

fn redacted(id: &str) -> (Cow<'static, str>, Node<'static>) {
    (Cow::Borrowed("redacted"), Node::String(Cow::Owned(id.to_owned())))
}
