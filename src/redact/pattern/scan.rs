//! Many patterns at once over one text.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

use regex_automata::Anchored;

use super::Pattern;
use super::compile::{CannotRun, Reach, SIGHT_BYTES_MAX};
use super::follow::Behind;
use super::words::Words;

/// What all patterns together may be given for one half of an exchange, in bytes: an attempt
/// counts as long as its longest match. At some hundred megabytes a second this bounds the time.
pub(crate) const WORK_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Fewer or more patterns of one keyword are told one by one whether they are worth trying.
const SEVERAL: usize = 2;
const MANY: usize = 64;

/// From this length on, a secret is taken to go on over all that base64 is made of.
const LONG_BYTES_MIN: usize = 200;

/// Many patterns, compiled for one search.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    entries: Vec<Entry>,
    /// Finds the keywords.
    words: Option<Words>,
    /// What they are of.
    uses: Vec<Uses>,
    /// Some keyword has no character but those of numbers, digests, ids and dates.
    any_hex: bool,
    everywhere: Vec<usize>,
    /// No match of any pattern is shorter.
    shortest: usize,
}

/// One pattern.
#[derive(Debug)]
struct Entry {
    pattern: Pattern,
    /// The position of its rule in the policy.
    rule: usize,
}

/// What a keyword is of.
#[derive(Debug, Default)]
struct Uses {
    users: Vec<User>,
    /// The number of a word that is looked for besides.
    other: Option<usize>,
    /// Which of its patterns are worth trying, made when it is found for the first time.
    worth: OnceLock<Option<Worth>>,
}

/// Which of several patterns may go on behind a keyword of theirs.
#[derive(Debug)]
struct Worth {
    /// By the byte behind the keyword.
    next: Box<[u64; 256]>,
    /// By the byte behind the blanks there.
    beyond: Box<[u64; 256]>,
}

/// A pattern that a keyword is of.
#[derive(Debug)]
struct User {
    entry: usize,
    /// The keyword in the case that counts.
    exact: Option<Box<[u8]>>,
}

/// What is done where a word stands that is looked for besides, by its number and place; what that
/// takes is deducted from the work.
pub(crate) type Other<'f> = &'f mut dyn FnMut(usize, usize, &mut usize) -> Result<(), Unfinished>;

/// Which rules hold where a text stands.
pub(crate) trait Scope {
    /// Whether this rule does.
    fn holds(&self, rule: usize) -> bool;
}

/// A secret in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    /// Where it stands; on boundaries of characters.
    pub(crate) range: Range<usize>,
    /// The position of its rule in the policy.
    pub(crate) rule: usize,
}

/// The text could not be searched to its end: it may hold anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unfinished;

impl From<CannotRun> for Unfinished {
    fn from(_: CannotRun) -> Self {
        Self
    }
}

/// One search of one text.
struct Search<'s> {
    text: &'s str,
    work: &'s mut usize,
    matches: Vec<Match>,
    /// Up to where a pattern is done with the text, for those that matched.
    done: Vec<(usize, usize)>,
    /// Where patterns that do not begin with their keyword have to run.
    windows: Vec<(usize, Range<usize>)>,
}

impl Patterns {
    /// Compiles patterns, each with the position of its rule, and words that are looked for in the
    /// same go, each with its number.
    pub(crate) fn new(
        patterns: impl IntoIterator<Item = (Pattern, usize)>,
        others: impl IntoIterator<Item = (String, usize)>,
    ) -> Self {
        let mut all = Self::default();
        let mut words: BTreeMap<String, Uses> = BTreeMap::new();
        for (entry, (pattern, rule)) in patterns.into_iter().enumerate() {
            for keyword in &pattern.keywords {
                let exact = pattern.cased.then(|| keyword.as_bytes().into());
                let uses = words.entry(keyword.to_ascii_lowercase()).or_default();
                uses.users.push(User { entry, exact });
            }
            if pattern.reach == Reach::Everywhere {
                all.everywhere.push(entry);
            }
            all.entries.push(Entry { pattern, rule });
        }
        let lengths = all.entries.iter().map(|entry| entry.pattern.shortest);
        all.shortest = lengths.min().unwrap_or_default();
        for (word, number) in others {
            words.entry(word.to_ascii_lowercase()).or_default().other = Some(number);
        }
        if !words.is_empty() {
            all.words = Some(Words::new(words.keys().map(String::as_str)));
            all.any_hex = words.iter().any(|(word, uses)| {
                let hex = |user: &User| is_hex(user.exact.as_deref().unwrap_or(word.as_bytes()));
                uses.users.iter().any(hex)
            });
            all.uses = words.into_values().collect();
        }
        all
    }

    /// Whether any pattern runs without a keyword, on numbers too.
    pub(crate) fn any_everywhere(&self) -> bool {
        !self.everywhere.is_empty()
    }

    /// All secrets in the text, in no order; they may overlap. What it takes is deducted from
    /// `work`.
    pub(crate) fn find(
        &self,
        text: &str,
        scope: &impl Scope,
        work: &mut usize,
    ) -> Result<Vec<Match>, Unfinished> {
        self.find_with(text, scope, work, &mut |_, _, _| Ok(()))
    }

    /// The same; where other words stand, `other` is called, unless no pattern fits into so short a
    /// text, or it has no letters beyond `f`.
    pub(crate) fn find_with(
        &self,
        text: &str,
        scope: &impl Scope,
        work: &mut usize,
        other: Other<'_>,
    ) -> Result<Vec<Match>, Unfinished> {
        if text.len() < self.shortest {
            return Ok(Vec::new());
        }
        let mut search =
            Search { text, work, matches: Vec::new(), done: Vec::new(), windows: Vec::new() };
        self.keywords(&mut search, scope, other)?;
        if !search.windows.is_empty() {
            for (entry, range) in merged(std::mem::take(&mut search.windows)) {
                if let Some(entry) = self.entries.get(entry) {
                    search.window(entry, range)?;
                }
            }
        }
        for entry in &self.everywhere {
            if let Some(entry) = self.entries.get(*entry)
                && scope.holds(entry.rule)
            {
                search.window(entry, 0..text.len())?;
            }
        }
        Ok(search.matches)
    }

    /// Finds all keywords, and tries their patterns.
    fn keywords(
        &self,
        search: &mut Search<'_>,
        scope: &impl Scope,
        other: Other<'_>,
    ) -> Result<(), Unfinished> {
        let text = search.text.as_bytes();
        match &self.words {
            Some(words) if self.any_hex || !is_hex(text) => words.each(text, |word, at| {
                let Some(uses) = self.uses.get(word) else { return Ok(()) };
                if let Some(number) = uses.other {
                    other(number, at.start, search.work)?;
                }
                self.tried(search, scope, uses, &at)
            }),
            _ => Ok(()),
        }
    }

    /// Tries the patterns of a keyword that stands here.
    fn tried(
        &self,
        search: &mut Search<'_>,
        scope: &impl Scope,
        uses: &Uses,
        at: &Range<usize>,
    ) -> Result<(), Unfinished> {
        let behind = search.text.as_bytes().get(at.end..).and_then(Behind::at);
        if let Some(behind) = behind
            && (SEVERAL..=MANY).contains(&uses.users.len())
        {
            let worth = uses.worth.get_or_init(|| self.worth(&uses.users));
            let mut left = worth.as_ref().ok_or(Unfinished)?.of(behind);
            while left != 0 {
                if let Some(user) = uses.users.get(left.trailing_zeros() as usize) {
                    self.tried_by(search, scope, user, at)?;
                }
                left &= left - 1;
            }
            return Ok(());
        }
        for user in &uses.users {
            if let (Some(entry), Some(behind)) = (self.entries.get(user.entry), behind)
                && !entry.pattern.may_have_behind(behind)?
            {
                continue;
            }
            self.tried_by(search, scope, user, at)?;
        }
        Ok(())
    }

    fn tried_by(
        &self,
        search: &mut Search<'_>,
        scope: &impl Scope,
        user: &User,
        at: &Range<usize>,
    ) -> Result<(), Unfinished> {
        let Some(entry) = self.entries.get(user.entry) else { return Ok(()) };
        let written = search.text.as_bytes().get(at.clone());
        let other_case = user.exact.as_deref().is_some_and(|exact| written != Some(exact));
        if other_case || !scope.holds(entry.rule) {
            return Ok(());
        }
        search.keyword(user.entry, entry, at.clone())
    }

    /// `None` if one of the patterns cannot run.
    fn worth(&self, users: &[User]) -> Option<Worth> {
        let mut worth = Worth { next: Box::new([0; 256]), beyond: Box::new([0; 256]) };
        for (place, user) in users.iter().enumerate() {
            let pattern = &self.entries.get(user.entry)?.pattern;
            for byte in 0..=u8::MAX {
                let (next, beyond) = pattern.may_go_on(byte).ok()?;
                let at = usize::from(byte);
                *worth.next.get_mut(at)? |= u64::from(next) << place;
                *worth.beyond.get_mut(at)? |= u64::from(beyond) << place;
            }
        }
        Some(worth)
    }
}

impl Worth {
    /// Those that have this behind their keyword, a bit for each.
    fn of(&self, behind: Behind) -> u64 {
        let at = |table: &[u64; 256], byte: u8| table.get(usize::from(byte)).copied().unwrap_or(0);
        let next = at(&self.next, behind.next);
        behind.beyond.map_or(next, |byte| next & at(&self.beyond, byte))
    }
}

/// Whether a text has no character but those of numbers, digests, ids and dates.
fn is_hex(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-' | b':' | b'.'))
}

impl Search<'_> {
    /// A keyword of the pattern stands here.
    fn keyword(&mut self, index: usize, entry: &Entry, at: Range<usize>) -> Result<(), Unfinished> {
        match entry.pattern.reach {
            Reach::Everywhere => Ok(()),
            Reach::Around(longest) => {
                let from = at.end.saturating_sub(longest);
                let to = at.start.saturating_add(longest).min(self.text.len());
                self.windows.push((index, from..to));
                Ok(())
            }
            Reach::From(sight) => {
                let ended = self.done.iter().find(|(done, _)| *done == index);
                if ended.is_some_and(|(_, end)| at.start < *end) {
                    return Ok(());
                }
                let to = at.start.saturating_add(sight).min(self.text.len());
                self.attempt(index, entry, at.start..to)
            }
        }
    }

    fn attempt(
        &mut self,
        index: usize,
        entry: &Entry,
        span: Range<usize>,
    ) -> Result<(), Unfinished> {
        if span.len() < entry.pattern.shortest || !entry.pattern.edge.holds(self.text, span.start) {
            return Ok(());
        }
        self.spend(span.len())?;
        let found = entry.pattern.find(self.text, span.start, span.end, Anchored::Yes)?;
        let Some(found) = found else { return Ok(()) };
        // It might go on where the pattern's sight ends.
        if found.end == span.end && span.len() == SIGHT_BYTES_MAX && span.end < self.text.len() {
            return Err(Unfinished);
        }
        if let Some(end) = self.accept(entry, found.secret)? {
            self.done.retain(|(done, _)| *done != index);
            self.done.push((index, end.max(found.end)));
        }
        Ok(())
    }

    /// All matches inside of a window.
    fn window(&mut self, entry: &Entry, window: Range<usize>) -> Result<(), Unfinished> {
        if window.len() < entry.pattern.shortest {
            return Ok(());
        }
        self.spend(window.len())?;
        let mut from = window.start;
        while let Some(start) = entry.pattern.may_begin(self.text, from..window.end)? {
            let found = entry.pattern.find(self.text, start, window.end, Anchored::No)?;
            let Some(found) = found else { break };
            let end = self.accept(entry, found.secret)?.unwrap_or_default();
            // Matches are never empty, but be sure to get on.
            from = found.end.max(end).max(from + 1);
            if from >= window.end {
                break;
            }
        }
        Ok(())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Unfinished> {
        let rest = self.work.checked_sub(bytes);
        *self.work = rest.unwrap_or_default();
        rest.map(|_| ()).ok_or(Unfinished)
    }

    /// Where the secret ends, if it is one. What is found is widened to whole words and characters.
    fn accept(
        &mut self,
        entry: &Entry,
        (start, end): (usize, usize),
    ) -> Result<Option<usize>, Unfinished> {
        let start = self.text.floor_char_boundary(start);
        let more = rest_of_word(self.text, start, end);
        self.spend(more)?;
        let end = self.text.ceil_char_boundary(end + more);
        let Some(secret) = self.text.get(start..end).filter(|secret| !secret.is_empty()) else {
            return Ok(None);
        };
        let holds = entry.pattern.conditions.hold(secret);
        if holds {
            self.matches.push(Match { range: start..end, rule: entry.rule });
        }
        Ok(holds.then_some(end))
    }
}

/// How many bytes a secret goes on after what was found of it: none ends inside of a word, and long
/// ones, which a pattern counts up to some length, not inside of base64 or the like.
fn rest_of_word(text: &str, start: usize, end: usize) -> usize {
    let long = end - start >= LONG_BYTES_MIN;
    let goes_on = |byte: &&u8| {
        byte.is_ascii_alphanumeric() || **byte == b'_' || (long && b"+/=-.~%".contains(byte))
    };
    let Some((found, rest)) = text.as_bytes().split_at_checked(end) else { return 0 };
    match found.last() {
        Some(last) if goes_on(&last) => rest.iter().take_while(goes_on).count(),
        _ => 0,
    }
}

/// Windows of the same pattern that touch, as one: no byte is searched twice.
fn merged(mut windows: Vec<(usize, Range<usize>)>) -> Vec<(usize, Range<usize>)> {
    windows.sort_by_key(|(entry, range)| (*entry, range.start));
    let mut out: Vec<(usize, Range<usize>)> = Vec::with_capacity(windows.len());
    for (entry, range) in windows {
        match out.last_mut() {
            Some((last, before)) if *last == entry && range.start <= before.end => {
                before.end = before.end.max(range.end);
            }
            _ => out.push((entry, range)),
        }
    }
    out
}
