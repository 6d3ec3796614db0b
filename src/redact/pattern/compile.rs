//! One pattern: read and checked at once, compiled when it first runs.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::meta::{self, Regex};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Anchored, Input, PatternID, util::syntax};
use regex_syntax::hir::{Hir, HirKind, Look};

use super::conditions::{Conditions, what_is_wrong};
use super::follow::{Behind, Follow};
use super::held::can_hold;
use super::literals::{leading, words};
use super::onset::Onset;
use super::words::WORD_BYTES_MIN;

/// More keywords than this make a rule of several.
const KEYWORDS_MAX: usize = 128;

/// The longest keyword.
const KEYWORD_BYTES_MAX: usize = 64;

/// The longest pattern, as it is written.
const PATTERN_BYTES_MAX: usize = 4096;

/// What one pattern may come to, in characters that it counts one by one.
const SIZE_MAX: usize = 16 * 1024;

/// What its lazily built automaton may occupy, in bytes, for each thread that uses it. Of hundreds of
/// patterns few are ever used, and those stay far below it.
const CACHE_BYTES_MAX: usize = 512 * 1024;

/// What the table of a pattern that is tried at its keyword may occupy, in bytes, and what may be
/// used to make it. A pattern that needs more goes without.
const TABLE_BYTES_MAX: usize = 128 * 1024;

/// Larger counts make large tables.
const COUNT_MAX: u32 = 2;

/// What a pattern whose matches have no longest one sees from its keyword on, in bytes.
pub(super) const SIGHT_BYTES_MAX: usize = 8 * 1024;

/// How groups are called that are the secret, where the match is more than that: of several, the
/// one that takes part in the match counts.
const SECRET_GROUP: &str = "secret";

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Not a regular expression.
    #[error("it is no regular expression: {0}")]
    Syntax(String),
    /// Longer than 4096 bytes, or with counts that come to more than 16,384.
    #[error("it is too large")]
    TooLarge,
    /// It matches where nothing is.
    #[error("it matches the empty text")]
    MatchesNothing,
    /// Nothing says where it has to run.
    #[error("it has no keyword, and not every match begins with 3 fixed characters")]
    NoKeyword,
    /// Shorter than 3 or longer than 64 bytes.
    #[error("the keyword `{0}` must have from 3 to 64 bytes")]
    Keyword(String),
    /// A group that nearly is the one that is the secret.
    #[error("the group `{0}` is not the one that is the secret, which is called `secret`")]
    Group(String),
    /// The keyword of no match.
    #[error("none of its keywords can stand in what it matches, so that it finds nothing")]
    Apart,
    /// More than 128.
    #[error("it has more than 128 keywords")]
    TooManyKeywords,
    /// The keyword stands inside of matches that have no longest one.
    #[error(
        "its matches have no greatest length, and do not all begin with one of its keywords, so \
         that it is not known how far around a keyword to look"
    )]
    Unbounded,
}

/// A compiled pattern over texts. Cheap to clone.
///
/// It knows ASCII only: `\w`, `\d`, `\b` and `(?i)` mean ASCII letters, and `.` or `[^x]` one byte.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: Arc<str>,
    engine: Arc<Engine>,
    pub(super) reach: Reach,
    pub(super) keywords: Vec<String>,
    /// Keywords count in the case in which they are written.
    pub(super) cased: bool,
    pub(super) shortest: usize,
    pub(super) conditions: Conditions,
    pub(super) edge: Edge,
}

/// What must stand before a match, beyond what the pattern itself says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    /// Anything.
    Any,
    /// Something that is no part of a word.
    Word,
    /// The same, or `_`: the pattern begins with signs that words do not have.
    Distinct,
}

/// What runs. Few of many patterns ever do: each is compiled when it is needed.
#[derive(Debug)]
struct Engine {
    hir: Hir,
    compiled: OnceLock<Option<Compiled>>,
}

#[derive(Debug)]
struct Compiled {
    regex: Regex,
    /// Tells at once whether a match may begin at a place.
    table: Option<Table>,
    /// The groups named `secret…`.
    groups: Vec<usize>,
}

/// An automaton with all its states.
#[derive(Debug)]
struct Table {
    automaton: dense::DFA<Vec<u32>>,
    /// It tells too where the match ends; else it is one of a pattern that matches more.
    exact: bool,
    /// What else is known of matches.
    follow: Option<Follow>,
    /// What they begin with, where that is asked for.
    onset: OnceLock<Option<Onset>>,
}

/// The pattern cannot run: what it should look at may hold anything.
#[derive(Debug, Clone, Copy)]
pub(super) struct CannotRun;

/// Where a pattern runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Matches begin with a keyword. The bytes from there that a match may take.
    From(usize),
    /// A match holds a keyword somewhere. The bytes around that it may take.
    Around(usize),
    /// There is no keyword.
    Everywhere,
}

/// One match.
pub(super) struct Found {
    /// Of the whole match.
    pub(super) end: usize,
    /// Of the secret in it.
    pub(super) secret: (usize, usize),
}

impl Pattern {
    /// Compiles a pattern that runs where its keywords occur. Without `keywords`, they are what
    /// every match begins with.
    pub fn new(
        text: &str,
        keywords: &[String],
        conditions: Conditions,
    ) -> Result<Self, PatternError> {
        let hir = parse(text)?;
        let leading = leading(&hir);
        let told = words(&leading);
        let keywords = match (keywords, &told) {
            ([], Some(told)) if told.len() <= KEYWORDS_MAX => told.clone(),
            ([], _) => return Err(PatternError::NoKeyword),
            _ => keywords.to_vec(),
        };
        check_keywords(&keywords)?;
        let written: Vec<String> = keywords.iter().map(|word| word.to_ascii_lowercase()).collect();
        let begins = leading.iter().all(|l| written.iter().any(|word| l.starts_with(word)));
        let reach = match (begins, hir.properties().maximum_len()) {
            (true, longest) => Reach::From(longest.unwrap_or(SIGHT_BYTES_MAX)),
            (false, Some(longest)) => Reach::Around(longest),
            (false, None) => return Err(PatternError::Unbounded),
        };
        // Derived literals have lost their case.
        let cased = !text.contains("(?i") && told.as_ref() != Some(&keywords);
        let (hir, edge) = match reach {
            Reach::From(_) => without_edge(hir, &leading),
            _ => (hir, Edge::Any),
        };
        let found = |word: &String| size(&hir) > SIZE_MAX || can_hold(&hir, word);
        if !begins && !keywords.iter().any(found) {
            return Err(PatternError::Apart);
        }
        let pattern = Self::checked(text, hir, reach, keywords, cased, conditions)?;
        Ok(Self { edge, ..pattern })
    }

    /// Compiles a pattern that has no keyword and runs on every text.
    pub fn everywhere(text: &str, conditions: Conditions) -> Result<Self, PatternError> {
        let hir = parse(text)?;
        Self::checked(text, hir, Reach::Everywhere, Vec::new(), false, conditions)
    }

    fn checked(
        text: &str,
        hir: Hir,
        reach: Reach,
        keywords: Vec<String>,
        cased: bool,
        conditions: Conditions,
    ) -> Result<Self, PatternError> {
        let shortest = hir.properties().minimum_len().unwrap_or_default();
        if shortest == 0 {
            return Err(PatternError::MatchesNothing);
        }
        if let Some(name) = misnamed_group(&hir) {
            return Err(PatternError::Group(name));
        }
        if size(&hir) > SIZE_MAX {
            return Err(PatternError::TooLarge);
        }
        let (text, engine) = (text.into(), Arc::new(Engine { hir, compiled: OnceLock::new() }));
        let edge = Edge::Any;
        Ok(Self { text, engine, reach, keywords, cased, shortest, conditions, edge })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its keywords; empty if it runs everywhere.
    pub fn keywords(&self) -> &[String] {
        &self.keywords
    }

    /// What else must hold of what it finds.
    pub fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// Whether a match that holds a keyword can have this behind it.
    pub(super) fn may_have_behind(&self, behind: Behind) -> Result<bool, CannotRun> {
        let next = self.may_go_on(behind.next)?.0;
        Ok(next && behind.beyond.map_or(Ok(true), |byte| Ok(self.may_go_on(byte)?.1))?)
    }

    /// Whether it can have this byte behind the keyword, and whether it can have it behind blanks there.
    pub(super) fn may_go_on(&self, byte: u8) -> Result<(bool, bool), CannotRun> {
        let follow = self.table()?.and_then(|table| table.follow.as_ref());
        Ok(follow.map_or((true, true), |follow| follow.allows(byte)))
    }

    /// Where in this range of a text the first match may begin.
    pub(super) fn may_begin(
        &self,
        text: &str,
        range: Range<usize>,
    ) -> Result<Option<usize>, CannotRun> {
        let onset = self.table()?.and_then(|table| {
            table.onset.get_or_init(|| Onset::of(&table.automaton, self.shortest)).as_ref()
        });
        Ok(onset.map_or(Some(range.start), |onset| onset.find(text.as_bytes(), range)))
    }

    fn compiled(&self) -> Result<&Compiled, CannotRun> {
        self.engine.compiled(&self.keywords, matches!(self.reach, Reach::From(_)))
    }

    fn table(&self) -> Result<Option<&Table>, CannotRun> {
        Ok(self.compiled()?.table.as_ref())
    }

    /// The first match in these bytes of the text; what stands around them counts for `\b`.
    pub(super) fn find(
        &self,
        text: &str,
        start: usize,
        end: usize,
        anchored: Anchored,
    ) -> Result<Option<Found>, CannotRun> {
        let Compiled { regex, table, groups } = self.compiled()?;
        // Automata look for what ends a run beyond the span, so that there must be nothing but the
        // byte that `\b` looks at: else every attempt would cost as much as the text is long.
        let seen = text.as_bytes().get(..end.saturating_add(1)).unwrap_or(text.as_bytes());
        let input = Input::new(seen).span(start..end).anchored(anchored);
        if anchored == Anchored::Yes
            && let Some(table) = table
            && let Ok(found) = table.automaton.try_search_fwd(&input)
        {
            let Some(half) = found else { return Ok(None) };
            if groups.is_empty() && table.exact {
                let end = half.offset();
                return Ok(Some(Found { end, secret: (start, end) }));
            }
        }
        if groups.is_empty() {
            let found = regex.search(&input);
            let whole = |found: regex_automata::Match| (found.start(), found.end());
            return Ok(found.map(|found| Found { end: found.end(), secret: whole(found) }));
        }
        // Most attempts fail: groups are asked for only of what matches.
        if regex.search_half(&input).is_none() {
            return Ok(None);
        }
        let mut captures = regex.create_captures();
        regex.search_captures(&input, &mut captures);
        Ok(captures.get_match().map(|whole| {
            let secret = groups.iter().find_map(|group| captures.get_group(*group));
            let secret = secret.unwrap_or_else(|| whole.span());
            Found { end: whole.end(), secret: (secret.start, secret.end) }
        }))
    }
}

impl Engine {
    fn compiled(&self, keywords: &[String], begins: bool) -> Result<&Compiled, CannotRun> {
        let compiled = self.compiled.get_or_init(|| {
            let config =
                meta::Config::new().utf8_empty(false).hybrid_cache_capacity(CACHE_BYTES_MAX);
            let regex = Regex::builder().configure(config).build_from_hir(&self.hir).ok()?;
            let names = regex.group_info().pattern_names(PatternID::ZERO).enumerate();
            let groups = names
                .filter(|(_, name)| name.is_some_and(|name| name.starts_with(SECRET_GROUP)))
                .map(|(group, _)| group)
                .collect();
            Some(Compiled { regex, table: table(&self.hir, keywords, begins), groups })
        });
        compiled.as_ref().ok_or(CannotRun)
    }
}

/// The automaton of the pattern from its beginning on, if it is a small one; else that of the
/// pattern without its counts.
fn table(hir: &Hir, keywords: &[String], begins: bool) -> Option<Table> {
    let exact = automaton(hir).map(|automaton| (automaton, true));
    let (automaton, exact) =
        exact.or_else(|| automaton(&uncounted(hir)).map(|automaton| (automaton, false)))?;
    let follow = Follow::of(&automaton, keywords, begins);
    Some(Table { automaton, exact, follow, onset: OnceLock::new() })
}

fn automaton(hir: &Hir) -> Option<dense::DFA<Vec<u32>>> {
    let nfa = thompson::Config::new()
        .utf8(false)
        .which_captures(WhichCaptures::None)
        .nfa_size_limit(Some(TABLE_BYTES_MAX));
    let nfa = thompson::Compiler::new().configure(nfa).build_from_hir(hir).ok()?;
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .dfa_size_limit(Some(TABLE_BYTES_MAX))
        .determinize_size_limit(Some(TABLE_BYTES_MAX));
    dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()
}

/// The pattern with large counts made `{2,}` at most: it matches wherever the pattern does.
fn uncounted(hir: &Hir) -> Hir {
    let all = |parts: &[Hir]| parts.iter().map(uncounted).collect();
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) | HirKind::Literal(_) => hir.clone(),
        HirKind::Capture(capture) => uncounted(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(all(parts)),
        HirKind::Alternation(parts) => Hir::alternation(all(parts)),
        HirKind::Repetition(repetition) => {
            let mut other = repetition.with(uncounted(&repetition.sub));
            if other.min > COUNT_MAX || other.max.is_none_or(|max| max > COUNT_MAX) {
                (other.min, other.max) = (other.min.min(COUNT_MAX), None);
            }
            Hir::repetition(other)
        }
    }
}

/// A group that is called as the secret is, but for the case of its name.
fn misnamed_group(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) | HirKind::Literal(_) => None,
        HirKind::Repetition(repetition) => misnamed_group(&repetition.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().find_map(misnamed_group)
        }
        HirKind::Capture(capture) => {
            let is_wrong = |name: &&str| {
                let head = name.get(..SECRET_GROUP.len()).unwrap_or_default();
                head.eq_ignore_ascii_case(SECRET_GROUP) && head != SECRET_GROUP
            };
            let name = capture.name.as_deref().filter(is_wrong);
            name.map(str::to_owned).or_else(|| misnamed_group(&capture.sub))
        }
    }
}

/// How many characters a pattern comes to when its counts are written out.
fn size(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Capture(capture) => size(&capture.sub).saturating_add(1),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(size).fold(1, usize::saturating_add)
        }
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min.saturating_add(1));
            let times = usize::try_from(times).unwrap_or(usize::MAX);
            size(&repetition.sub).saturating_mul(times).saturating_add(1)
        }
    }
}

/// A pattern without the `\b` that it begins with, if a word follows, and what it asks for.
fn without_edge(hir: Hir, leading: &[String]) -> (Hir, Edge) {
    let HirKind::Concat(parts) = hir.kind() else { return (hir, Edge::Any) };
    let Some((first, rest)) = parts.split_first() else { return (hir, Edge::Any) };
    let is_word =
        |literal: &String| literal.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if *first.kind() != HirKind::Look(Look::WordAscii) || !leading.iter().all(is_word) {
        return (hir, Edge::Any);
    }
    let is_sign = |byte: u8| !byte.is_ascii_alphanumeric();
    let is_distinct =
        |literal: &String| literal.len() >= WORD_BYTES_MIN && literal.bytes().any(is_sign);
    let edge = if leading.iter().all(is_distinct) { Edge::Distinct } else { Edge::Word };
    (Hir::concat(rest.to_vec()), edge)
}

fn parse(text: &str) -> Result<Hir, PatternError> {
    if text.len() > PATTERN_BYTES_MAX {
        return Err(PatternError::TooLarge);
    }
    let config = syntax::Config::new().unicode(false).utf8(false);
    syntax::parse_with(text, &config).map_err(|error| PatternError::Syntax(what_is_wrong(&error)))
}

fn check_keywords(keywords: &[String]) -> Result<(), PatternError> {
    if keywords.len() > KEYWORDS_MAX {
        return Err(PatternError::TooManyKeywords);
    }
    for word in keywords {
        let sound = (WORD_BYTES_MIN..=KEYWORD_BYTES_MAX).contains(&word.len());
        if !sound {
            return Err(PatternError::Keyword(word.clone()));
        }
    }
    Ok(())
}
