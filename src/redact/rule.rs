//! One rule: what it selects, and what is done about it.

use super::{Conditions, Glob, JsonPath, PathGlob, Pattern};

/// The rule id of what is always on: passwords in URLs (`scheme://user:password@host`).
pub const USERINFO_RULE: &str = "url.userinfo";

/// The rule id of what is always on: a text that could not be searched to its end is dropped.
pub const UNSEARCHED_RULE: &str = "text.unsearched";

/// What is done to a selected value. The order is that of strictness: a value under two rules gets
/// the greater. Drop and mask tell nothing of the value (drop tells which rule), a summary tells
/// its length, a fingerprint that two values are the same, ends a few characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// `{"redacted": id, "ends": "abc…wxyz"}`. Values of which that would show more than a third,
    /// and lists and objects, are dropped instead.
    KeepEnds {
        /// Characters at the front that stay.
        first: u8,
        /// Characters at the end that stay.
        last: u8,
    },
    /// `{"redacted": id, "fingerprint": "hmac:…"}`. Values that could be guessed one by one
    /// (short strings, digits, numbers, booleans) and lists and objects are dropped instead.
    Fingerprint,
    /// `{"redacted": id, "chars": n}`.
    Summarize,
    /// `"***"`.
    Mask,
    /// `{"redacted": id}`.
    Drop,
}

/// Which half of an exchange a rule is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sides {
    /// Requests.
    Request,
    /// Responses.
    Response,
    /// Both.
    Both,
}

/// One half of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Request,
    Response,
}

impl Side {
    /// How locations begin.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

/// One rule: what it selects, and what is done.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its id, as in receipts.
    pub id: String,
    /// Names of members, fields, parameters and headers, at any depth, in any carrier.
    pub keys: Vec<Glob>,
    /// Names of header fields.
    pub headers: Vec<Glob>,
    /// Names of cookies, in `Cookie` and `Set-Cookie`.
    pub cookies: Vec<Glob>,
    /// Names of query parameters.
    pub query: Vec<Glob>,
    /// Path segments whose next segment is the value, unless that is a plain word.
    pub segments: Vec<Glob>,
    /// Values in bodies, by where they stand.
    pub paths: Vec<JsonPath>,
    /// Secrets in any text, by what they look like.
    pub pattern: Option<Pattern>,
    /// Every text of a body but words under these names; none if there are no names.
    pub texts_but: Vec<Glob>,
    /// Of an object under `keys`, or a list of them: all but values under these names that are not
    /// random. The whole of it if there are no names.
    pub members_but: Vec<Glob>,
    /// A body that is one string or number.
    pub bare_body: bool,
    /// What must hold of values that names select.
    pub conditions: Conditions,
    /// Paths below which it holds; everywhere if there are none.
    pub under: Vec<PathGlob>,
    /// Only in answers to what has something at one of these places; everywhere if there are none.
    pub answering: Vec<JsonPath>,
    /// Only in bodies that have something at one of these places; everywhere if there are none.
    pub having: Vec<JsonPath>,
    /// Where it holds.
    pub sides: Sides,
    /// What is done.
    pub action: Action,
    /// It came with the program: exceptions that did so too hold for it.
    pub shipped: bool,
}

impl Rule {
    /// A rule for both halves that selects nothing yet.
    pub fn new(id: String, action: Action) -> Self {
        Self {
            id,
            keys: Vec::new(),
            headers: Vec::new(),
            cookies: Vec::new(),
            query: Vec::new(),
            segments: Vec::new(),
            paths: Vec::new(),
            pattern: None,
            texts_but: Vec::new(),
            members_but: Vec::new(),
            bare_body: false,
            conditions: Conditions::default(),
            under: Vec::new(),
            answering: Vec::new(),
            having: Vec::new(),
            sides: Sides::Both,
            action,
            shipped: false,
        }
    }
}
