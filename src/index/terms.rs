//! Terms: what an event can be found by. Each is a text of one kind, and has a number.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use foldhash::fast::RandomState;
use unicode_normalization::UnicodeNormalization;

use super::Row;
use super::metadata::Texts;

/// Characters of a word that count.
const WORD_CHARS: usize = 64;
/// Different words of one event.
const WORDS_MAX: usize = 512;
/// Words of one event that are in none of its fields, and their bytes.
const GATHERED_MAX: usize = 256;
const GATHERED_BYTES: usize = 4 * 1024;
/// Words of a search; more are ignored.
const SEARCH_WORDS: usize = 16;
/// Words of fewer letters are found only as they are, longer ones by their beginning, too.
const BEGINNING: usize = 3;

/// What a term is of. The numbers are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    /// Every row has this one.
    All = 0,
    Action = 1,
    Category = 2,
    ActorType = 3,
    Severity = 4,
    /// Empty while it is pending.
    Outcome = 5,
    ResourceType = 6,
    /// A JSON list of name and value.
    Scope = 7,
    /// A JSON list of id, name and address.
    Actor = 8,
    TargetId = 9,
    /// A JSON list of the names of all targets.
    TargetNames = 10,
    Word = 11,
    /// A JSON list of severity and outcome.
    Ending = 12,
    /// A JSON list of rule, method, route and action.
    Route = 13,
    /// The id of a target in the form in which names are looked for, where that is another.
    IdForm = 14,
}

impl Kind {
    /// What it is of, in words.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::All => "place among all",
            Self::Action => "action",
            Self::Category => "category",
            Self::ActorType => "actor type",
            Self::Severity => "severity",
            Self::Outcome => "outcome",
            Self::ResourceType => "resource type",
            Self::Scope => "scope",
            Self::Actor => "actor",
            Self::TargetId => "target id",
            Self::TargetNames => "target name",
            Self::Word => "words",
            Self::Ending => "severity and outcome",
            Self::Route => "route",
            Self::IdForm => "target id in any case",
        }
    }
}

/// The parts of a term that has several.
pub(super) type Parts = Vec<Option<String>>;

pub(super) fn joined(parts: &[Option<&str>]) -> String {
    serde_json::to_string(parts).unwrap_or_default()
}

/// What is not such a list has no parts.
pub(super) fn parts(value: &str) -> Parts {
    serde_json::from_str(value).unwrap_or_default()
}

/// Stands for any characters in the action that is asked for.
pub(super) const ANYTHING: char = '*';

/// Whether this is the action that is meant: the same, but for [`ANYTHING`].
pub(super) fn is_action(meant: &str, action: &str) -> bool {
    let Some((first, rest)) = meant.split_once(ANYTHING) else { return meant == action };
    let (between, last) = rest.rsplit_once(ANYTHING).unwrap_or(("", rest));
    let middle = action.strip_prefix(first).and_then(|action| action.strip_suffix(last));
    let Some(mut middle) = middle else { return false };
    between.split(ANYTHING).all(|part| match middle.split_once(part) {
        Some((_, rest)) => {
            middle = rest;
            true
        }
        None => false,
    })
}

/// Everything that the row can be found by, each once.
pub(super) fn terms(row: &Row) -> Vec<(Kind, Cow<'_, str>)> {
    let mut terms: Vec<(Kind, Cow<'_, str>)> = vec![(Kind::All, Cow::Borrowed(""))];
    for (kind, value) in [
        (Kind::Action, &row.action),
        (Kind::Category, &row.category),
        (Kind::ActorType, &row.actor_type),
        (Kind::Severity, &row.severity),
    ] {
        terms.extend(value.as_deref().map(|value| (kind, value.into())));
    }
    terms.push((Kind::Outcome, row.outcome.as_deref().unwrap_or_default().into()));
    let ending = joined(&[row.severity.as_deref(), row.outcome.as_deref()]);
    terms.push((Kind::Ending, ending.into()));
    let kinds = row.targets.iter().map(|target| (Kind::ResourceType, target.kind.as_str()));
    let ids = row.targets.iter().map(|target| (Kind::TargetId, target.id.as_str()));
    let targets: BTreeSet<(Kind, &str)> = kinds.chain(ids).collect();
    terms.extend(targets.into_iter().map(|(kind, value)| (kind, value.into())));
    let forms = row.targets.iter().map(|target| (&target.id, name_form(&target.id)));
    let forms: BTreeSet<Cow<'_, str>> =
        forms.filter(|(id, form)| *id != form).map(|(_, form)| form).collect();
    terms.extend(forms.into_iter().map(|form| (Kind::IdForm, form)));
    for (name, value) in &row.scope {
        terms.push((Kind::Scope, joined(&[Some(name), Some(value)]).into()));
    }
    terms.extend(actor(row).map(|value| (Kind::Actor, value.into())));
    terms.extend(target_names(row).map(|value| (Kind::TargetNames, value.into())));
    // Of several acts the event is counted once.
    if row.act < 2 && (row.rule.is_some() || row.route.is_some()) {
        let parts = [&row.rule, &row.method, &row.route, &row.action];
        terms.push((Kind::Route, joined(&parts.map(Option::as_deref)).into()));
    }
    terms.extend(words_of(row).into_iter().map(|word| (Kind::Word, word)));
    terms
}

/// Ids that hardly two rows have in common: these are no terms, they are looked up by [`key`].
pub(super) fn ids(row: &Row) -> Vec<String> {
    let own = [Some(&row.id), row.request_id.as_ref()];
    own.into_iter().flatten().filter(|id| is_id(id)).map(|id| folded(id).into_owned()).collect()
}

fn is_id(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

/// The first half of an id. Ids of the same time stand together.
pub(super) fn key(id: &str) -> Option<i64> {
    let id = uuid::Uuid::try_parse(id).ok()?;
    id.as_bytes().first_chunk::<8>().map(|half| i64::from_be_bytes(*half))
}

pub(super) fn actor(row: &Row) -> Option<String> {
    let parts = actor_parts(row);
    parts.iter().any(Option::is_some).then(|| joined(&parts))
}

/// Who acted: id, name and e-mail address. Of whom nothing is known but the credential, its fingerprint is the id.
pub(super) fn actor_parts(row: &Row) -> [Option<&str>; 3] {
    let parts = [&row.actor_id, &row.actor_name, &row.actor_email];
    match parts.iter().all(|part| part.is_none()) {
        true => [row.actor_credential.as_deref(), None, None],
        false => parts.map(|part| part.as_deref()),
    }
}

pub(super) fn target_names(row: &Row) -> Option<String> {
    let names: BTreeSet<&str> = row.targets.iter().map(|target| target.name.as_str()).collect();
    let names: Vec<Option<&str>> =
        names.into_iter().filter(|name| !name.is_empty()).map(Some).collect();
    (!names.is_empty()).then(|| joined(&names))
}

/// The words that full-text search finds the row by, each once.
pub(super) fn words_of(row: &Row) -> Vec<Cow<'_, str>> {
    let (text, ids) = (row.text(), ids(row));
    let own = words(&text).map(|word| Cow::Owned(word.into_owned()));
    let own = own.filter(|word: &Cow<'_, str>| !ids.iter().any(|id| id == word));
    let gathered = row.words.split(' ').filter(|word| !word.is_empty()).map(Cow::Borrowed);
    let mut seen = Words::default();
    own.chain(gathered).filter(|word| seen.insert(word.clone())).take(WORDS_MAX).collect()
}

/// Words that were met.
type Words<'t> = HashSet<Cow<'t, str>, RandomState>;

/// The words of these texts and those that there are, each once.
pub(super) fn gathered(there: &str, texts: &[&Texts]) -> String {
    let mut all = there.to_owned();
    let mut seen: Words<'_> =
        there.split(' ').filter(|word| !word.is_empty()).map(Cow::Borrowed).collect();
    for word in texts.iter().flat_map(|texts| words(texts.as_str())) {
        if seen.len() >= GATHERED_MAX || all.len() + word.len() >= GATHERED_BYTES {
            break;
        }
        if seen.contains(&word) {
            continue;
        }
        if !all.is_empty() {
            all.push(' ');
        }
        all.push_str(&word);
        seen.insert(word);
    }
    all
}

/// What may be an id, or words.
fn chunks(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '-' || is_accent(c)))
}

/// Letters and digits that stand together, see [`plain_letters`]. An id in the form of a UUID is one word.
/// Where words are written without blanks, each two letters are one, and so is the last.
fn words(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    chunks(text).flat_map(|chunk| {
        let whole = is_id(chunk);
        let pieces = chunk.split(move |c: char| c == '-' && !whole);
        pieces.filter(|piece| !piece.is_empty()).flat_map(words_of_piece)
    })
}

fn words_of_piece(piece: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let (whole, parts) = match piece.is_ascii() || !piece.chars().any(is_unspaced) {
        true => (Some(folded(piece)), Vec::new()),
        false => (None, parts_of_unspaced(piece)),
    };
    whole.into_iter().chain(parts.into_iter().map(Cow::Owned))
}

fn parts_of_unspaced(piece: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let letters: Vec<char> = piece.nfc().collect();
    for run in letters.chunk_by(|one, other| is_unspaced(*one) == is_unspaced(*other)) {
        match run.first().copied().is_some_and(is_unspaced) {
            true => {
                parts.extend(run.windows(2).map(|pair| pair.iter().collect::<String>()));
                parts.extend(run.last().map(char::to_string));
            }
            false => parts.push(folded(&run.iter().collect::<String>()).into_owned()),
        }
    }
    parts
}

/// Letters of scripts that put no blanks between words: Thai, Lao, Burmese, Khmer, Kana and Han.
fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{323af}')
}

/// Marks over and under letters (Combining Diacritical Marks).
fn is_accent(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036f}')
}

/// Letters in lower case, without their accents.
fn plain_letters(text: &str) -> impl Iterator<Item = char> {
    text.nfd().flat_map(char::to_lowercase).nfd().filter(|c| !is_accent(*c)).nfc()
}

fn folded(word: &str) -> Cow<'_, str> {
    let is_folded = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    match word.len() <= WORD_CHARS && word.bytes().all(is_folded) {
        true => Cow::Borrowed(word),
        false => Cow::Owned(plain_letters(word).take(WORD_CHARS).collect()),
    }
}

/// A word that is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) word: String,
    /// Words that begin with it count as well.
    pub(super) beginning: bool,
    /// It is of what may be the beginning of an id: ids that begin so count as well.
    pub(super) id: Option<String>,
}

impl Wanted {
    fn new(word: String) -> Self {
        Self { word, beginning: false, id: None }
    }

    pub(super) fn is_met_by(&self, words: &[Cow<'_, str>], ids: &[String]) -> bool {
        let has_beginning = |beginning: &str| words.iter().any(|word| word.starts_with(beginning));
        let is_begun = |id: &String| {
            ids.iter().any(|whole| whole.starts_with(id)) || has_beginning(id.as_str())
        };
        ids.contains(&self.word)
            || words.iter().any(|word| *word == self.word)
            || self.beginning && has_beginning(&self.word)
            || self.id.as_ref().is_some_and(is_begun)
    }
}

/// Whether this is the beginning of an id in the form of a UUID, at least its first group, but not all
/// of it.
fn is_begun_id(text: &str) -> bool {
    let fits = |(place, c): (usize, char)| match place {
        8 | 13 | 18 | 23 => c == '-',
        _ => c.is_ascii_hexdigit(),
    };
    (8..36).contains(&text.len()) && text.chars().enumerate().all(fits)
}

/// The keys of ids that begin so: the first and the last.
pub(super) fn keys_of_begun(id: &str) -> Option<(i64, i64)> {
    let digits: String = id.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    let key = |digits: String| {
        u64::from_str_radix(&digits, 16).ok().map(|key| i64::from_be_bytes(key.to_be_bytes()))
    };
    key(format!("{digits:0<16}")).zip(key(format!("{digits:f<16}")))
}

/// What is looked for by a text: every word, and the last one of those that stand together without
/// space between them perhaps unfinished, as a word or as an id. Nothing in it is syntax.
pub(super) fn wanted(text: &str) -> Vec<Wanted> {
    let mut all = Vec::new();
    for chunk in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        let begin = all.len();
        all.extend(words(chunk).map(|word| Wanted::new(word.into_owned())));
        let own = all.get_mut(begin..).unwrap_or_default();
        if let Some(last) = own.last_mut() {
            last.beginning = last.word.chars().count() >= BEGINNING || !last.word.is_ascii();
        }
        let id = chunks(chunk).filter(|chunk| !chunk.is_empty()).last();
        if let Some(id) = id.filter(|id| is_begun_id(id)) {
            // Its groups are words as well.
            for wanted in own.iter_mut().rev().take(words(id).count()) {
                wanted.id = Some(folded(id).into_owned());
            }
        }
    }
    all.truncate(SEARCH_WORDS);
    all
}

/// Whether the name contains the other text, whatever the case, and with accents or without.
pub(super) fn contains(name: &str, wanted: &str) -> bool {
    if name.is_ascii() && wanted.is_ascii() {
        let (name, wanted) = (name.as_bytes(), wanted.as_bytes());
        return wanted.is_empty()
            || name.windows(wanted.len()).any(|window| window.eq_ignore_ascii_case(wanted));
    }
    name_form(name).contains(&*name_form(wanted))
}

/// The form in which parts of names are looked for, see [`plain_letters`].
pub(super) fn name_form(name: &str) -> Cow<'_, str> {
    match name.is_ascii() {
        true if name.bytes().all(|byte| !byte.is_ascii_uppercase()) => Cow::Borrowed(name),
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Owned(plain_letters(name).collect()),
    }
}
