//! What is secret and what is done about it: rules, compiled.

use super::Glob;
use super::glob::squash;
use super::memo::Memo;
use super::names::Names;

/// The rule id of what is always on: passwords in URLs (`scheme://user:password@host`).
pub const USERINFO_RULE: &str = "url.userinfo";

/// What is done to a selected value. The order is that of strictness: a value under two rules gets
/// the greater. Drop and mask tell nothing of the value (drop tells which rule), a summary tells
/// its length, a fingerprint that two values are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
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
    /// Where it holds.
    pub sides: Sides,
    /// What is done.
    pub action: Action,
}

/// All rules, compiled. Cheap to look names up in, immutable.
#[derive(Debug)]
pub struct Policy {
    rules: Vec<Head>,
    userinfo: usize,
    keep: Names,
    request: Selectors,
    response: Selectors,
}

#[derive(Debug)]
struct Head {
    id: String,
    action: Action,
}

#[derive(Debug)]
struct Selectors {
    keys: Names,
    headers: Names,
    cookies: Names,
    query: Names,
    segments: Names,
    memos: Memos,
}

/// One for each way to look a name up.
#[derive(Debug, Default)]
struct Memos {
    keys: Memo,
    headers: Memo,
    cookies: Memo,
    query: Memo,
}

/// More rules than an automaton can hold.
#[derive(Debug, thiserror::Error)]
#[error("the redaction rules cannot be compiled")]
pub struct PolicyError(#[source] aho_corasick::BuildError);

impl Policy {
    /// Compiles rules; names that `keep` matches are never selected by `keys`.
    pub fn new(mut rules: Vec<Rule>, keep: Vec<Glob>) -> Result<Self, PolicyError> {
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.action));
        let mut heads: Vec<Head> =
            rules.iter().map(|rule| Head { id: rule.id.clone(), action: rule.action }).collect();
        let userinfo = heads.len();
        heads.push(Head { id: USERINFO_RULE.to_owned(), action: Action::Mask });
        let keep = Names::new(keep.into_iter().map(|glob| (glob, 0))).map_err(PolicyError)?;
        Ok(Self {
            rules: heads,
            userinfo,
            keep,
            request: Selectors::new(&rules, Side::Request).map_err(PolicyError)?,
            response: Selectors::new(&rules, Side::Response).map_err(PolicyError)?,
        })
    }

    /// Whether any selector of any rule selects the name, in either half.
    pub fn selects(&self, name: &str) -> bool {
        let mut scratch = String::new();
        [Side::Request, Side::Response].into_iter().any(|side| {
            self.parameter(side, name, &mut scratch).is_some()
                || self.header(side, name, &mut scratch).is_some()
                || self.cookie(side, name, &mut scratch).is_some()
                || self.after_segment(side, name, &mut scratch).is_some()
        })
    }

    pub(super) fn id(&self, rule: usize) -> &str {
        self.rules.get(rule).map_or("", |head| &head.id)
    }

    /// Unknown positions are treated as strictly as can be.
    pub(super) fn action(&self, rule: usize) -> Action {
        self.rules.get(rule).map_or(Action::Drop, |head| head.action)
    }

    pub(super) fn userinfo(&self) -> usize {
        self.userinfo
    }

    /// Whether this is the id of a rule: then a value that names it may be our own output.
    pub(super) fn has_rule(&self, id: &str) -> bool {
        self.rules.iter().any(|head| head.id == id)
    }

    /// The rule for the value under `name`. `scratch` is a buffer to work in.
    pub(super) fn key(&self, side: Side, name: &str, scratch: &mut String) -> Option<usize> {
        let selectors = self.side(side);
        selectors.memos.keys.rule(name, || self.by_name(&selectors.keys, name, scratch))
    }

    /// The rule for a query parameter.
    pub(super) fn parameter(&self, side: Side, name: &str, scratch: &mut String) -> Option<usize> {
        let selectors = self.side(side);
        let find = || self.key_or(side, &selectors.query, name, scratch);
        selectors.memos.query.rule(name, find)
    }

    /// The rule for a header field.
    pub(super) fn header(&self, side: Side, name: &str, scratch: &mut String) -> Option<usize> {
        let selectors = self.side(side);
        let find = || self.key_or(side, &selectors.headers, name, scratch);
        selectors.memos.headers.rule(name, find)
    }

    /// The rule for a cookie.
    pub(super) fn cookie(&self, side: Side, name: &str, scratch: &mut String) -> Option<usize> {
        let selectors = self.side(side);
        let find = || self.key_or(side, &selectors.cookies, name, scratch);
        selectors.memos.cookies.rule(name, find)
    }

    /// The rule for the path segment after the one that is named `name`.
    pub(super) fn after_segment(
        &self,
        side: Side,
        name: &str,
        scratch: &mut String,
    ) -> Option<usize> {
        let selectors = self.side(side);
        squashed(name, scratch);
        selectors.segments.find(scratch)
    }

    /// The rule for a value that names what it is about. Values are not remembered.
    pub(super) fn named(&self, side: Side, value: &str, scratch: &mut String) -> Option<usize> {
        self.by_name(&self.side(side).keys, value, scratch)
    }

    /// By `keys`, or by the names of one carrier.
    fn key_or(&self, side: Side, names: &Names, name: &str, scratch: &mut String) -> Option<usize> {
        let key = self.key(side, name, scratch);
        squashed(name, scratch);
        stricter(key, names.find(scratch))
    }

    fn side(&self, side: Side) -> &Selectors {
        match side {
            Side::Request => &self.request,
            Side::Response => &self.response,
        }
    }

    /// By the whole name, or by a part of one such as `user[password]` or `db.pin`.
    fn by_name(&self, names: &Names, name: &str, scratch: &mut String) -> Option<usize> {
        squashed(name, scratch);
        if self.keep.find(scratch).is_some() {
            return None;
        }
        let mut best = names.find(scratch);
        if name.contains(PART_ENDS) {
            for part in name.split(PART_ENDS).filter(|part| !part.is_empty()) {
                squashed(part, scratch);
                if self.keep.find(scratch).is_none() {
                    best = stricter(best, names.find(scratch));
                }
            }
        }
        best
    }
}

/// Where a name falls into parts.
const PART_ENDS: [char; 5] = ['[', ']', '.', '/', ':'];

/// Rules stand in the order of their strictness.
fn stricter(left: Option<usize>, right: Option<usize>) -> Option<usize> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (left, right) => left.or(right),
    }
}

fn squashed(name: &str, scratch: &mut String) {
    scratch.clear();
    squash(name, scratch);
}

impl Selectors {
    fn new(rules: &[Rule], side: Side) -> Result<Self, aho_corasick::BuildError> {
        let of = |globs: fn(&Rule) -> &Vec<Glob>| {
            let selected = rules.iter().enumerate().filter(|(_, rule)| match side {
                Side::Request => rule.sides != Sides::Response,
                Side::Response => rule.sides != Sides::Request,
            });
            Names::new(selected.flat_map(|(position, rule)| {
                globs(rule).iter().cloned().map(move |glob| (glob, position))
            }))
        };
        Ok(Self {
            keys: of(|rule| &rule.keys)?,
            headers: of(|rule| &rule.headers)?,
            cookies: of(|rule| &rule.cookies)?,
            query: of(|rule| &rule.query)?,
            segments: of(|rule| &rule.segments)?,
            memos: Memos::default(),
        })
    }
}
