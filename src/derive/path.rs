//! A recorded path as segments.

use crate::route::percent_decode;

use super::nouns::{is_area, is_known_noun, is_prefix};
use super::rule::{PathPattern, Piece, between};
use super::shape::{is_id, is_version};
use super::text::cut;
use super::verbs::{is_verb, leading_in};
use super::words::{singular, snake};

/// Longer paths name nothing.
const SEGMENTS_MAX: usize = 64;

/// The path has more segments than are looked at.
pub(super) const TOO_LONG: &str = "path_too_long";

/// Suffixes that say only how a resource is to be written.
const FORMATS: &[&str] =
    &["json", "xml", "yaml", "html", "php", "do", "action", "asp", "aspx", "cgi", "jsp"];

/// Last segments of OData's addresses, which say how the thing before them is meant.
const OF_ODATA: [&str; 2] = ["$ref", "$value"];

/// One segment of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// As recorded.
    pub(super) raw: String,
    /// Decoded once, without parameters, whole.
    pub(super) text: String,
    /// In snake case, if it may be a word.
    pub(super) word: Option<String>,
    /// A document says that it is a word.
    pub(super) is_literal: bool,
}

/// A path, and where its prefixes end.
#[derive(Debug, Default)]
pub(super) struct Path {
    pub(super) segments: Vec<Segment>,
    /// The index of the first segment that says something.
    pub(super) start: usize,
    /// A verb that the last segment had at its end, `:rotate`, or that a document says was behind it.
    pub(super) verb: Option<String>,
    /// The segment with it.
    pub(super) verb_at: Option<usize>,
    /// A last segment that names nothing, as recorded: `$ref`.
    pub(super) tail: Option<String>,
    /// It is too long to be read, and has no segments here.
    pub(super) is_cut: bool,
}

/// The segments of a path as recorded, and decoded once without parameters; empty ones do not count,
/// `.` and `..` are resolved.
pub(super) fn split(path: &str) -> impl Iterator<Item = (&str, String)> {
    let mut segments = Vec::new();
    for raw in path.split(['?', '#']).next().unwrap_or_default().split('/') {
        let bare = raw.split(';').next().unwrap_or_default();
        let decoded = percent_decode(bare.as_bytes());
        match String::from_utf8_lossy(&decoded).trim() {
            "" | "." => {}
            ".." => drop(segments.pop()),
            text => segments.push((raw, text.to_owned())),
        }
    }
    segments.into_iter()
}

impl Path {
    /// Reads a path; empty segments do not count, `.` and `..` are resolved.
    pub(super) fn read(path: &str) -> Self {
        let named: Vec<(&str, String)> = split(path).collect();
        let last = named.len().saturating_sub(1);
        let mut segments = Vec::new();
        for (index, (raw, text)) in named.into_iter().enumerate() {
            // What stands between others and names nothing, as GitLab's `/-/` does.
            if !matches!(text.as_str(), "-" | "~") || index == 0 || index == last {
                segments.push(Segment::new(raw, &text));
            }
        }
        if segments.len() > SEGMENTS_MAX {
            return Self { is_cut: true, ..Self::default() };
        }
        let mut path = Self { segments, ..Self::default() };
        path.split_last();
        path.start = path.prefixes();
        path
    }

    /// Reads a path that the pattern takes: parameters are ids, whatever they look like, and texts
    /// are words. `None` if it does not take the path as it is read here.
    pub(super) fn documented(path: &str, pattern: &PathPattern) -> Option<Self> {
        let pieces = pattern.pieces();
        let mut segments = Vec::new();
        let mut ids = pieces.len();
        for (index, (raw, text)) in split(path).enumerate() {
            let word = Some(snake(&text)).filter(|word| !word.is_empty());
            let segment = match pieces.get(index) {
                Some(Piece::Literal(known)) if known.eq_ignore_ascii_case(&text) => {
                    Segment { raw: cut(raw), text, word, is_literal: true }
                }
                Some(Piece::Param { prefix, suffix, .. }) => {
                    ids = ids.min(index);
                    let id = between(&text, prefix, suffix)?;
                    let text = id.to_owned();
                    Segment { raw: cut(raw), text, word: None, is_literal: false }
                }
                Some(Piece::Rest) | None if pieces.contains(&Piece::Rest) => {
                    Segment::new(raw, &text)
                }
                _ => return None,
            };
            segments.push(segment);
        }
        let count = pieces.iter().filter(|piece| **piece != Piece::Rest).count();
        if segments.len() < count || segments.len() > SEGMENTS_MAX {
            return None;
        }
        let mut path = Self { segments, ..Self::default() };
        match pieces.last() {
            Some(Piece::Param { suffix, .. }) => {
                let verb = suffix.strip_prefix(':').map(snake);
                path.verb = verb.filter(|verb| is_verb(verb.split('_').next().unwrap_or_default()));
                path.verb_at = path.segments.len().checked_sub(1);
            }
            _ if pattern.ends_in_verb() => {
                let last = path.segments.pop()?;
                (path.verb, path.tail) = (last.word, Some(last.raw));
                path.verb_at = Some(path.segments.len());
            }
            _ => path.split_last(),
        }
        path.start = path.prefixes().min(ids);
        Some(path)
    }

    /// Takes format and verb from the end of the last segment.
    fn split_last(&mut self) {
        let is_tail = |last: &mut Segment| OF_ODATA.contains(&last.text.as_str());
        if self.segments.len() > 1 {
            self.tail = self.segments.pop_if(is_tail).map(|last| last.raw);
        }
        self.split_all();
        let Some(last) = self.segments.last_mut() else { return };
        if let Some((stem, format)) = last.text.rsplit_once('.')
            && !stem.is_empty()
            && FORMATS.contains(&format)
        {
            *last = Segment::new(&last.raw, stem);
        }
        if let Some((stem, verb)) = last.text.rsplit_once(':')
            && !stem.is_empty()
            && !stem.contains(':')
            && verb.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_".contains(&byte))
        {
            // `signInWithPassword`: what is written so is called, and names nothing.
            let is_called = verb.starts_with(|first: char| first.is_ascii_lowercase())
                && verb.bytes().any(|byte| byte.is_ascii_uppercase());
            let (text, verb) = (verb, snake(verb));
            // `r_1234567890:set-grants`; of what is no id, a part of its name may be written so.
            let is_whole = !text.contains(['-', '_']) || is_id(stem);
            if is_called || is_whole && is_verb(verb.split('_').next().unwrap_or_default()) {
                self.verb = Some(verb);
                *last = Segment::new(&last.raw, stem);
                self.verb_at = self.segments.len().checked_sub(1);
            }
        }
    }

    /// Takes `all` behind a verb for a part of it: `/sessions/revoke/all` is as `/sessions/revoke-all`.
    fn split_all(&mut self) {
        let [.., before, last] = self.segments.as_mut_slice() else { return };
        let verb = before.word.as_deref().filter(|_| last.text.eq_ignore_ascii_case("all"));
        let word = match verb {
            Some(verb) if is_verb(verb) => format!("{verb}_all"),
            Some(state @ ("read" | "seen" | "unread")) => format!("mark_as_{state}"),
            _ => return,
        };
        before.word = Some(word);
        self.tail = self.segments.pop().map(|last| last.raw);
    }

    /// How many segments in front say nothing. The last one always says something.
    fn prefixes(&self) -> usize {
        let words: Vec<&str> = self.segments.iter().map(|segment| segment.text.as_str()).collect();
        if let ["apis", _group, version, _, ..] = words.as_slice()
            && is_version(version, false)
        {
            return 3;
        }
        let mut start = match words.as_slice() {
            // `/wiki/rest/api/content`: below the name of the application, as Atlassian's have it.
            [_, "rest", "api", _, ..] => 3,
            // `/ocs/v1.php/cloud/users`, as Nextcloud has it.
            ["ocs", script, _, ..] if script.ends_with(".php") => 2,
            // `/services/data/v58.0/query`, as Salesforce has it.
            ["services", "data", version, _, ..] if is_version(version, false) => 3,
            // `/1/cards`, `/2/files`: a digit in front of a word is a version.
            [first, next, ..]
                if first.len() == 1
                    && first.bytes().all(|it| it.is_ascii_digit())
                    && !is_id(next) =>
            {
                1
            }
            // `/app/rest/buildQueue`: below the name of the application.
            ["app", "rest", _, ..] => 2,
            // `/_synapse/admin/v1`: the application's name before what others begin with.
            [first, next, _, ..] if first.starts_with('_') && is_prefix(&snake(next)) => 2,
            _ => 0,
        };
        let mut after_prefix = start > 0;
        while let Some([word, next, ..]) = words.get(start..) {
            let name = snake(word);
            // `/sys/auth/github` is what Vault has mounted there.
            let is_mount =
                name == "auth" && words.get(..start).is_some_and(|it| it.ends_with(&["sys"]));
            let area = is_area(&name) && !is_id(next) && !is_mount;
            if !(is_prefix(&name) || area || *word == "-" || is_version(word, after_prefix)) {
                break;
            }
            after_prefix = true;
            start += 1;
        }
        start
    }

    /// Whether the segment with this index is a version in the middle of a path.
    pub(super) fn is_inner_version(&self, index: usize) -> bool {
        self.is_version(index) && index <= self.start + 1
    }

    /// Whether it is a version, or looks like one, and something follows.
    pub(super) fn is_version(&self, index: usize) -> bool {
        self.segments.get(index).is_some_and(|segment| is_version(&segment.text, false))
            && index + 1 < self.segments.len()
    }
}

/// A collection and the key of an item behind it, as OData has them: `Users('bob')`, `Orders(5)`.
pub(super) fn keyed(text: &str) -> Option<(&str, &str)> {
    let (name, key) = text.strip_suffix(')')?.split_once('(')?;
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let key = key.strip_prefix('\'').and_then(|key| key.strip_suffix('\'')).unwrap_or(key);
    let is_one = !key.trim().is_empty() && !key.contains(['(', ')']);
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic());
    (is_one && starts && name.bytes().all(is_word)).then_some((name, key))
}

impl Segment {
    fn new(raw: &str, text: &str) -> Self {
        // `$batch`, `$value`
        let plain = text.strip_prefix('$').unwrap_or(text);
        let word = (!is_id(plain)).then(|| parted(snake(plain))).filter(|word| !word.is_empty());
        Self { raw: cut(raw), text: text.to_owned(), word, is_literal: false }
    }
}

/// A verb and a thing that the convention knows, written as one: `deleteusers` → `delete_users`.
pub(super) fn parted(word: String) -> String {
    // `un-archive`, `re-open`
    if let Some((before @ ("de" | "dis" | "re" | "un"), rest)) = word.split_once('_')
        && is_verb(&format!("{before}{rest}"))
    {
        return format!("{before}{rest}");
    }
    if word.contains('_') || is_verb(&word) {
        return word;
    }
    let known = leading_in(&word).find(|(_, about)| is_known_noun(&singular(about)));
    known.map(|(verb, about)| format!("{verb}_{about}")).unwrap_or(word)
}
