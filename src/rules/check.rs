//! One file → checked rules, or its problems.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use http::HeaderName;
use serde::de::IgnoredAny;
use serde_saphyr::Spanned;

use super::actors::WrittenActor;
use super::content::Reach;
use super::events::CheckedEvent;
use super::examples::{Example, Expected};
use super::file::{RedactFile, RulesFile, SideFile};
use super::lists::CheckedOnly;
use super::rejections::CheckedRejection;
use super::wording::in_words;
use crate::derive::Operation;
use crate::identify::{ActorRule, KeySource};
use crate::problem::{Problem, parse_yaml, pieces};
use crate::redact::{Exceptions, Glob, PathGlob, Rule, Sides, UNSEARCHED_RULE, USERINFO_RULE};

/// What to do about text that does not fit.
pub(super) const REMEDY: &str = "compare with `countersign rules reference`";

/// The sections of a file, as their first lines are written.
const SECTIONS: [&str; 7] =
    ["redact:", "keep:", "record_only:", "actors:", "events:", "openapi:", "rejections:"];

/// The longest rule id.
const ID_CHARS_MAX: usize = 64;

/// Rules and exceptions of the files checked so far.
#[derive(Default)]
pub(super) struct Checked {
    pub(super) rules: Vec<CheckedRule>,
    pub(super) keep: Exceptions,
    /// The files that are being checked are shipped.
    pub(super) shipping: bool,
    pub(super) record_only: Vec<CheckedOnly>,
    /// The different lists of paths that rules are limited to.
    pub(super) places: Vec<Vec<PathGlob>>,
    pub(super) events: Vec<CheckedEvent>,
    /// The operations of documents.
    pub(super) operations: Vec<Operation>,
    /// The documents, by their ids.
    pub(super) documents: Vec<(String, PathBuf)>,
    pub(super) rejections: Vec<CheckedRejection>,
    /// So many of them, the first, are shipped.
    pub(super) shipped_rejections: usize,
    /// Every file's rules as they were understood: what the digest is made of.
    pub(super) normal: Vec<String>,
    pub(super) problems: Vec<Problem>,
    /// Rules that say who acts, and where keys are fetched for them.
    pub(super) actors: Vec<ActorRule>,
    pub(super) sources: Vec<KeySource>,
    /// Where those rules are written.
    pub(super) actors_written: Vec<WrittenActor>,
    /// Files that rules name, read or not.
    pub(super) reads: Vec<PathBuf>,
    /// Where the entry begins that is being checked.
    pub(super) entry: (u64, u64),
    /// What operators wrote that can match nothing, or not what is meant.
    pub(super) doubts: Vec<String>,
    /// Where each id was first used.
    ids: BTreeMap<String, (PathBuf, u64)>,
}

/// A rule, and the examples that it came with.
#[derive(Debug, Clone)]
pub(super) struct CheckedRule {
    pub(super) rule: Rule,
    pub(super) file: PathBuf,
    /// Where its id stands, from 1.
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) hits: Vec<Example>,
    pub(super) misses: Vec<Example>,
}

impl Checked {
    /// Checks the text of one file.
    pub(super) fn file(&mut self, file: &Path, text: &str) {
        if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
            return;
        }
        if let Some(at) = text.lines().position(is_document) {
            self.problems.push(Problem {
                file: file.to_owned(),
                line: u64::try_from(at + 1).unwrap_or_default(),
                column: 1,
                message: "this is a document of an API (OpenAPI), and no rules".to_owned(),
                remedy: "move it out of this directory, and name it in a file of rules: \
                         `openapi: [{ id: api, file: ../api.yaml }]`"
                    .to_owned(),
            });
            return;
        }
        match read(file, text) {
            Ok(rules) => self.entries(file, &rules),
            Err(problem) => {
                let before = self.problems.len();
                self.problems.extend(repeated(file, text));
                for entry in entries(text) {
                    self.entry(file, &entry);
                }
                if self.problems.len() == before {
                    self.problems.push(in_words(problem, text));
                }
            }
        }
    }

    fn entries(&mut self, file: &Path, rules: &RulesFile) {
        for rule in &rules.redact {
            self.redact(file, rule);
        }
        for keep in &rules.keep {
            self.keep(file, keep);
        }
        for only in &rules.record_only {
            self.record_only(file, only);
        }
        for actor in &rules.actors {
            self.actor(file, actor);
        }
        for event in &rules.events {
            self.event(file, event);
        }
        for document in &rules.openapi {
            self.openapi(file, document);
        }
        for rejection in &rules.rejections {
            self.rejection(file, rejection);
        }
    }

    /// Checks one entry of a file that as a whole cannot be read.
    fn entry(&mut self, file: &Path, text: &str) {
        match read(file, text) {
            Ok(rules) => self.entries(file, &rules),
            Err(problem) => {
                let problem = in_words(problem, text);
                let remedy = format!("{}; the rest of this entry is not checked", problem.remedy);
                self.problems.push(Problem { remedy, ..problem });
            }
        }
    }

    fn redact(&mut self, file: &Path, written: &RedactFile) {
        let id = &written.id;
        self.id(file, id);
        let before = self.problems.len();
        let keys = self.globs(file, &id.value, "keys", &written.keys);
        let headers = self.globs(file, &id.value, "headers", &written.headers);
        let cookies = self.globs(file, &id.value, "cookies", &written.cookies);
        let query = self.globs(file, &id.value, "query", &written.query);
        let segments = self.globs(file, &id.value, "segments", &written.segments);
        let texts_but = self.globs(file, &id.value, "texts_but", &written.texts_but);
        let members_but = self.members_but(file, written);
        self.header_names(file, &id.value, "headers", &written.headers);
        self.header_names(file, &id.value, "cookies", &written.cookies);
        let conditions = self.conditions(file, written);
        let pattern = self.pattern(file, written, &conditions);
        let under = self.under(file, &id.value, &written.under, Reach::AsWritten);
        let paths = self.json_paths(file, &id.value, written.path.as_ref());
        let answering = self.json_paths(file, &id.value, written.answering.as_ref());
        let having = self.json_paths(file, &id.value, written.having.as_ref());
        let lists = [&keys, &headers, &cookies, &query, &segments, &texts_but];
        let none = lists.iter().all(|list| list.is_empty())
            && written.pattern.is_none()
            && written.path.is_none()
            && !written.bare_body;
        if none && self.problems.len() == before {
            self.at(
                file,
                id,
                format!("rule `{}` selects nothing", id.value),
                "give it at least one of `keys`, `headers`, `cookies`, `query`, `segments`, \
                 `texts_but`, `path`, `pattern`, `bare_body`",
            );
        }
        let sides = self.sides(file, &id.value, written.sides.as_ref());
        let action = self.action(file, written);
        let text = pattern.as_ref().map(|pattern| (pattern.as_str(), pattern.keywords()));
        let more = (text, written.value.as_ref().map(|value| &value.value), &under);
        let so = (written.entropy.as_ref().map(|entropy| entropy.value), &written.validate);
        let bare_body = written.bare_body;
        self.normal.push(format!(
            "redact {:?} {lists:?} {sides:?} {action:?} {more:?} {so:?} {bare_body} {paths:?} \
             {members_but:?} {answering:?} {having:?}",
            id.value
        ));
        let rule = Rule {
            id: id.value.clone(),
            keys,
            headers,
            cookies,
            query,
            segments,
            paths,
            pattern,
            texts_but,
            members_but,
            bare_body,
            conditions,
            under,
            answering,
            having,
            sides,
            action,
            shipped: self.shipping,
        };
        let checked = CheckedRule {
            rule,
            file: file.to_owned(),
            line: written.id.referenced.line(),
            column: written.id.referenced.column(),
            hits: self.examples(file, Expected::Hit, &written.examples.hit),
            misses: self.examples(file, Expected::Miss, &written.examples.miss),
        };
        self.rules.push(checked);
    }

    /// The names under which values in objects stay.
    fn members_but(&mut self, file: &Path, written: &RedactFile) -> Vec<Glob> {
        let id = &written.id;
        if !written.members_but.is_empty() && written.keys.is_empty() {
            self.at(
                file,
                id,
                format!("rule `{}` has `members_but` without `keys`", id.value),
                "give it `keys`, the names of objects that it goes into, or remove `members_but`",
            );
        }
        self.globs(file, &id.value, "members_but", &written.members_but)
    }

    pub(super) fn id(&mut self, file: &Path, id: &Spanned<String>) {
        let name = &id.value;
        let well_formed = !name.is_empty()
            && name.len() <= ID_CHARS_MAX
            && name.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte)
            });
        if !well_formed {
            self.at(
                file,
                id,
                format!("`{name}` cannot be the id of a rule"),
                "use up to 64 lower-case letters, digits, `.`, `-` and `_`",
            );
        } else if [USERINFO_RULE, UNSEARCHED_RULE].contains(&name.as_str()) {
            self.at(
                file,
                id,
                format!("the id `{name}` is that of a rule which is always on"),
                "choose another id",
            );
        } else if let Some((first, line)) = self.ids.get(name) {
            let message =
                format!("rule `{name}` was defined before, at {}:{line}", first.display());
            self.at(file, id, message, "give every rule its own id");
        } else {
            self.ids.insert(name.clone(), (file.to_owned(), id.referenced.line()));
        }
    }

    pub(super) fn sides(
        &mut self,
        file: &Path,
        rule: &str,
        written: Option<&Spanned<Vec<SideFile>>>,
    ) -> Sides {
        let Some(sides) = written else { return Sides::Both };
        let request = sides.value.contains(&SideFile::Request);
        let response = sides.value.contains(&SideFile::Response);
        match (request, response) {
            (true, false) => Sides::Request,
            (false, true) => Sides::Response,
            (true, true) => Sides::Both,
            (false, false) => {
                self.at(
                    file,
                    sides,
                    format!("`in` of rule `{rule}` is empty: it holds nowhere"),
                    "write `in: [request]`, `in: [response]`, or leave it out for both",
                );
                Sides::Both
            }
        }
    }

    pub(super) fn globs(
        &mut self,
        file: &Path,
        rule: &str,
        selector: &str,
        written: &[Spanned<String>],
    ) -> Vec<Glob> {
        let mut globs = Vec::with_capacity(written.len());
        for name in written {
            self.doubt_name(rule, selector, &name.value);
            match Glob::new(&name.value) {
                Ok(glob) => globs.push(glob),
                Err(error) => self.at(
                    file,
                    name,
                    format!("`{}` in `{selector}` of `{rule}`: {error}", name.value),
                    "write a name, with `*` where anything may stand",
                ),
            }
        }
        globs
    }

    /// Names of headers and cookies are tokens (RFC 9110, section 5.6.2).
    pub(super) fn header_names(
        &mut self,
        file: &Path,
        rule: &str,
        selector: &str,
        written: &[Spanned<String>],
    ) {
        for name in written {
            let token = name.value.replace('*', "x");
            if Glob::new(&name.value).is_ok() && HeaderName::from_bytes(token.as_bytes()).is_err() {
                self.at(
                    file,
                    name,
                    format!("`{}` in `{selector}` of `{rule}` cannot exist", name.value),
                    "use letters, digits and `-`, without a colon or spaces",
                );
            }
        }
    }

    pub(super) fn at<T>(&mut self, file: &Path, place: &Spanned<T>, message: String, remedy: &str) {
        self.problems.push(Problem {
            file: file.to_owned(),
            line: place.referenced.line(),
            column: place.referenced.column(),
            message,
            remedy: remedy.to_owned(),
        });
    }
}

/// Reads the text of a file. Where it is no YAML, that is the problem, and not what seems to be missing
/// before.
fn read(file: &Path, text: &str) -> Result<RulesFile, Problem> {
    parse_yaml(file, text, REMEDY).map_err(|problem| {
        let syntax = parse_yaml::<IgnoredAny>(file, text, REMEDY).err();
        syntax.unwrap_or(problem)
    })
}

/// Whether a line begins a document of an API: `openapi: 3.0.3`.
fn is_document(line: &str) -> bool {
    let version = ["openapi:", "swagger:"].iter().find_map(|key| line.strip_prefix(key));
    let version = version.map(|rest| rest.trim().trim_start_matches(['"', '\'']));
    version.is_some_and(|version| version.starts_with(|first: char| first.is_ascii_digit()))
}

/// The section whose entries stand on the lines behind this one.
fn opens(line: &str) -> Option<&'static str> {
    SECTIONS.into_iter().find(|section| {
        let behind = line.strip_prefix(section).map(str::trim_start);
        behind.is_some_and(|behind| behind.is_empty() || behind.starts_with('#'))
    })
}

/// The sections that are there a second time.
fn repeated(file: &Path, text: &str) -> Vec<Problem> {
    let mut known = BTreeMap::new();
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.starts_with("---") {
            // Another document, which is a mistake of its own.
            known.clear();
        }
        let Some(section) = SECTIONS.iter().find(|section| line.starts_with(**section)) else {
            continue;
        };
        let Some(first) = known.insert(section, number) else { continue };
        problems.push(Problem {
            file: file.to_owned(),
            line: number,
            column: 1,
            message: format!("`{}` is given twice", section.trim_end_matches(':')),
            remedy: format!("put both into the one on line {first}"),
        });
    }
    problems
}

/// The entries of a file, each as a file of its own in which it stands where it stood.
fn entries(text: &str) -> Vec<String> {
    let mut section = None;
    let mut indent = None;
    let mut sections = Vec::new();
    let pieces = pieces(text, |line| {
        let content = line.trim();
        let depth = line.len() - line.trim_start().len();
        if let Some(begun) = opens(line) {
            (section, indent) = (Some(begun), None);
        } else if section.is_none()
            || !content.starts_with("- ")
            || *indent.get_or_insert(depth) != depth
        {
            return false;
        }
        sections.push(section.filter(|_| indent.is_some()));
        true
    });
    let sections = std::iter::once(None).chain(sections);
    let blank = |line: &str| line.trim().is_empty() || opens(line).is_some();
    pieces
        .iter()
        .zip(sections)
        .filter(|(piece, _)| !piece.lines().all(|l| blank(l) || l.trim().starts_with('#')))
        .map(|(piece, section)| match section {
            // The line before an entry is free for the name of its section.
            Some(section) => piece.replacen("\n", &format!("{section}\n"), 1),
            None => piece.clone(),
        })
        .collect()
}
