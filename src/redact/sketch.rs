//! What a value that is not recorded tells all the same of how a request ended.
//!
//! An API says what came of a request in flags, states, codes and errors, which may stand below a
//! name that sounds like a secret (`personalAccessTokenCreate`, `tokens`). What is not recorded is
//! therefore told apart from what was never said: structure and names, yes and no, small numbers,
//! and of texts only that there are some, but for a few words that every API has in common. What
//! an error of the application is called is told where a shipped rule has guessed that a value is
//! secret by its name; a rule of the operator knows.
//!
//! Nothing of it is recorded but a reason, and only once it has gone through the patterns and the
//! search for what is secret, as everything else that is recorded.

use std::borrow::Cow;

use super::Detail;
use super::engine::{Engine, walk_response};
use super::glob::squash;
use super::looks::is_random;
use super::only::is_identifier;
use super::policy::Place;
use super::rule::Side;
use super::secret::dropped;
use super::seen::MASK;
use super::seen::Seen;
use super::walk::Walk;
use crate::capture::Response;
use crate::decode::{Content, Layout, Node, Number};
use crate::record::BodyRecord;

/// Words that say of a request how it ended, or of a value that there is none.
const WORDS: [&str; 17] = [
    "denied",
    "error",
    "errors",
    "fail",
    "failed",
    "failure",
    "false",
    "forbidden",
    "ko",
    "nok",
    "not_found",
    "ok",
    "pending",
    "success",
    "true",
    "unauthenticated",
    "unauthorized",
];

/// Parts of the words for a second factor, and the word that stands for all of them.
const SECOND_FACTORS: [&str; 6] = ["2fa", "mfa", "otp", "secondfactor", "twofactor", "twostep"];
const SECOND_FACTOR: &str = "mfa";

/// Ends of the types of a union that stand for errors.
const ERROR_TYPES: [&str; 10] = [
    "Denied",
    "Error",
    "Errors",
    "Exception",
    "Failed",
    "Failure",
    "Forbidden",
    "NotFound",
    "Problem",
    "Unauthorized",
];

/// Members that hold errors, squashed.
const ERRORS: [&str; 4] = ["error", "errors", "exception", "fault"];

/// Members of an error that hold its code, squashed.
const CODES: [&str; 5] = ["code", "errorcode", "errorkey", "reason", "type"];

/// Numbers from here on may be a PIN. Codes of JSON-RPC are not.
const COUNT_MAX: i64 = 999;
const RPC_CODES: std::ops::RangeInclusive<i64> = -32_768..=-32_000;

/// Longer codes are none.
const CODE_BYTES_MAX: usize = 64;

/// Longer texts are no states.
const WORD_BYTES_MAX: usize = 24;

/// What of a response the walk tells, where it is not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Telling {
    /// What rules take out of it.
    Hidden,
    /// All of it: the body is not recorded at all.
    All,
}

/// The end of a type's name that stands for an error in a union, if it has one.
pub fn error_type(name: &str) -> Option<&'static str> {
    ERROR_TYPES.iter().copied().find(|end| name.ends_with(end))
}

impl Telling {
    /// What is to be told of a body of which nothing is recorded, or of which rules hide something.
    pub(super) fn of(is_unrecorded: bool, is_hidden: bool) -> Option<Self> {
        is_unrecorded.then_some(Self::All).or(is_hidden.then_some(Self::Hidden))
    }
}

/// Where a value stands in what is not recorded.
#[derive(Clone, Copy)]
struct Within<'n> {
    /// The member that holds it, or the list of which it is an item.
    name: &'n str,
    /// It is an error, or stands in one.
    is_error: bool,
    /// A shipped rule has guessed that it is secret.
    is_guess: bool,
}

impl Engine {
    /// What the body of a response tells of how the exchange ended, with what is not recorded of it.
    pub(super) fn sketch(
        &self,
        hides: Option<Telling>,
        response: &Response,
        content: &Content<'_>,
        seen: &Seen,
    ) -> Option<BodyRecord> {
        let telling = if seen.overflowed() { Telling::All } else { hides? };
        let place = Place { side: Side::Response, below: seen.below };
        let names = self.policy.memo().known(place.side);
        let search = seen.search(place.side);
        let mut again = seen.again();
        let mut walk = Walk::new(&self.policy, &self.key, place, &mut again, &names);
        walk.known = search.as_ref();
        walk.telling = Some(telling);
        let half = walk_response(walk, response, content, Detail::WithBody);
        self.scrub(half, place.side, seen, content).body
    }
}

impl<'n> Walk<'_> {
    /// What is recorded of a decoded body, or what is told of it.
    pub(super) fn body_or_sketch(&mut self, body: Node<'n>, layout: Layout) -> Option<Node<'n>> {
        match self.telling {
            Some(Telling::All) => Some(self.sketch_alone(&body)),
            _ => self.body_of(body, layout),
        }
    }

    /// What is told of a value under a rule; `None` if it is recorded as it is.
    pub(super) fn sketch(&mut self, node: &Node<'_>, rule: usize) -> Option<Node<'static>> {
        self.telling?;
        let policy = self.policy;
        let within = Within { name: "", is_error: false, is_guess: policy.is_shipped(rule) };
        match node {
            Node::String(text) if !text.trim().is_empty() => None,
            _ => Some(self.tell(node, policy.id(rule), within)),
        }
    }

    /// What is told of a value that is not listed.
    pub(super) fn sketch_unlisted(
        &mut self,
        node: &Node<'_>,
        rule: usize,
    ) -> Option<Node<'static>> {
        self.telling?;
        let policy = self.policy;
        let location = std::mem::take(&mut self.location);
        let name = location.rsplit('.').next().unwrap_or_default().trim_end_matches("[*]");
        let within = Within { name, is_error: false, is_guess: false };
        let told = self.tell(node, policy.id(rule), within);
        self.location = location;
        Some(told)
    }

    /// What is told of a body of which nothing is recorded.
    fn sketch_alone(&mut self, node: &Node<'_>) -> Node<'static> {
        self.tell(node, "body", Within { name: "", is_error: false, is_guess: false })
    }

    fn tell(&mut self, node: &Node<'_>, id: &str, within: Within<'_>) -> Node<'static> {
        match node {
            Node::Null => Node::Null,
            Node::Bool(value) => Node::Bool(*value),
            Node::Number(Number::Integer(number))
                if (-COUNT_MAX..=COUNT_MAX).contains(number) || RPC_CODES.contains(number) =>
            {
                Node::Number(Number::Integer(*number))
            }
            Node::Number(_) => dropped(id),
            Node::String(text) => match self.word(text, within) {
                Some(word) => Node::String(word),
                None => dropped(id),
            },
            Node::Array(items) => {
                Node::Array(items.iter().map(|item| self.tell(item, id, within)).collect())
            }
            Node::Object(members) => {
                let mut told = Vec::with_capacity(members.len());
                for (name, node) in members {
                    let is_error = within.is_error || is_error(name);
                    let value = self.tell(node, id, Within { name, is_error, ..within });
                    let is_plain = is_identifier(name) && !is_random(name);
                    let name = Some(name.as_ref()).filter(|_| is_plain);
                    let name = name.and_then(|name| self.unpatterned(name)).unwrap_or(MASK);
                    told.push((Cow::Owned(name.to_owned()), value));
                }
                Node::Object(told)
            }
        }
    }

    /// What is told of a text.
    fn word(&mut self, text: &str, within: Within<'_>) -> Option<Cow<'static, str>> {
        let text = text.trim();
        if text.is_empty() {
            return Some(Cow::Borrowed(""));
        }
        if text.len() > CODE_BYTES_MAX {
            return None;
        }
        let is_count = text.len() <= 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_type = within.name == "__typename";
        let is_code = within.is_guess && is_code_in(within.name, text, within.is_error);
        let is_step = within.name == "path" && is_identifier(text);
        if is_count || is_code || is_step || is_type && within.is_guess && is_identifier(text) {
            return self.unpatterned(text).map(|text| Cow::Owned(text.to_owned()));
        }
        if let Some(word) = WORDS.iter().find(|word| word.eq_ignore_ascii_case(text)) {
            return Some(Cow::Borrowed(word));
        }
        if is_type {
            return error_type(text).map(Cow::Borrowed);
        }
        let mut squashed = String::new();
        squash(text, &mut squashed);
        let is_factor = text.len() <= WORD_BYTES_MAX
            && SECOND_FACTORS.iter().any(|factor| squashed.contains(factor))
            && text.bytes().all(|byte| byte.is_ascii_alphabetic() || b"_-2".contains(&byte));
        is_factor.then_some(Cow::Borrowed(SECOND_FACTOR))
    }

    /// The text, if no pattern takes anything out of it.
    fn unpatterned<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        self.plain(text).is_none().then_some(text)
    }
}

/// Whether a member holds errors: `errors`, `userErrors`, `token_errors`.
pub(super) fn is_error(name: &str) -> bool {
    let mut squashed = String::new();
    squash(name, &mut squashed);
    ERRORS.iter().any(|error| squashed.ends_with(error))
}

/// Whether a text is what an error is called, by where it stands: `TOO_SHORT`, not `correcthorse`.
pub(super) fn is_code_in(name: &str, text: &str, is_in_error: bool) -> bool {
    let mut squashed = String::new();
    squash(name, &mut squashed);
    let is_place = CODES.contains(&squashed.as_str()) || is_error(name);
    let has_parts = text.contains(['_', '-', '.']);
    let is_loud = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let is_joined =
        has_parts && text.bytes().all(|byte| byte.is_ascii_lowercase() || b"_-.".contains(&byte));
    is_in_error && is_place && text.len() <= CODE_BYTES_MAX && (is_loud || is_joined)
}

/// Whether a text of a schema stands here: what something is, and no value.
pub(super) fn is_schema(name: &str, text: &str, is_in_error: bool) -> bool {
    name == "__typename" && is_identifier(text) || is_code_in(name, text, is_in_error)
}
