//! With which literals every match of a pattern begins.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::words::WORD_BYTES_MIN;

/// More literals than this are not followed up.
const LITERALS_MAX: usize = 64;

/// Longer literals tell no more.
const LITERAL_BYTES_MAX: usize = 32;

/// What stands between words: what `\s` is.
const BLANKS: [char; 6] = [' ', '\t', '\n', '\r', '\u{b}', '\u{c}'];

/// Larger classes of characters, of digits say, are not spelled out.
const CLASS_CHARS_MAX: usize = 6;

/// The literals, in lower case, one of which stands at the beginning of every match. Cut off where
/// the pattern begins to vary too much; an empty one means that matches may begin with anything.
pub(super) fn leading(hir: &Hir) -> Vec<String> {
    let mut literals: Vec<String> = walk(hir).into_iter().map(|prefix| prefix.text).collect();
    literals.sort();
    literals.dedup();
    literals
}

/// The words that such literals are or begin with; `None` if one is too short. What blank follows is of
/// no matter: there are many.
pub(super) fn words(literals: &[String]) -> Option<Vec<String>> {
    let word = |literal: &String| {
        let word = literal.trim_end_matches(BLANKS);
        let word = if word.len() < WORD_BYTES_MIN { literal } else { word };
        (word.len() >= WORD_BYTES_MIN).then(|| word.to_owned())
    };
    let mut words = literals.iter().map(word).collect::<Option<Vec<_>>>()?;
    words.dedup();
    Some(words)
}

/// The beginning of a match.
#[derive(Clone)]
struct Prefix {
    text: String,
    /// Nothing is known of what follows.
    cut: bool,
}

impl Prefix {
    fn new(text: String, cut: bool) -> Self {
        Self { text, cut }
    }
}

fn walk(hir: &Hir) -> Vec<Prefix> {
    let unknown = || vec![Prefix::new(String::new(), true)];
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => vec![Prefix::new(String::new(), false)],
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => vec![Prefix::new(text.to_ascii_lowercase(), false)],
            Err(_) => unknown(),
        },
        HirKind::Class(class) => chars(class).map_or_else(unknown, |chars| {
            chars.into_iter().map(|c| Prefix::new(c.to_string(), false)).collect()
        }),
        HirKind::Capture(capture) => walk(&capture.sub),
        HirKind::Alternation(branches) => {
            let all: Vec<Prefix> = branches.iter().flat_map(walk).collect();
            if all.len() > LITERALS_MAX { unknown() } else { all }
        }
        HirKind::Concat(parts) => concat(parts),
        HirKind::Repetition(repetition) if repetition.max == Some(1) && repetition.min == 0 => {
            let mut all = walk(&repetition.sub);
            all.push(Prefix::new(String::new(), false));
            all
        }
        HirKind::Repetition(repetition) if repetition.min > 0 => {
            let mut first = walk(&repetition.sub);
            if repetition.max != Some(1) {
                first.iter_mut().for_each(|prefix| prefix.cut = true);
            }
            first
        }
        HirKind::Repetition(_) => unknown(),
    }
}

fn concat(parts: &[Hir]) -> Vec<Prefix> {
    let mut whole = vec![Prefix::new(String::new(), false)];
    for part in parts {
        if whole.iter().all(|prefix| prefix.cut) {
            break;
        }
        let next = walk(part);
        let open = whole.iter().filter(|prefix| !prefix.cut).count();
        if open * next.len() + whole.len() > LITERALS_MAX {
            whole.iter_mut().for_each(|prefix| prefix.cut = true);
            break;
        }
        whole = whole.into_iter().flat_map(|prefix| extended(prefix, &next)).collect();
    }
    whole
}

fn extended(prefix: Prefix, next: &[Prefix]) -> Vec<Prefix> {
    if prefix.cut || prefix.text.len() >= LITERAL_BYTES_MAX {
        return vec![Prefix::new(prefix.text, true)];
    }
    next.iter().map(|more| Prefix::new(format!("{}{}", prefix.text, more.text), more.cut)).collect()
}

/// The few characters of a class, in lower case; `None` if there are many or odd ones.
fn chars(class: &Class) -> Option<Vec<char>> {
    let mut chars = Vec::new();
    let mut push = |low: u32, high: u32| {
        if low.abs_diff(high) as usize > CLASS_CHARS_MAX {
            return false;
        }
        for c in (low..=high).filter_map(char::from_u32) {
            let c = c.to_ascii_lowercase();
            if !c.is_ascii() {
                return false;
            }
            if !chars.contains(&c) {
                chars.push(c);
            }
        }
        chars.len() <= CLASS_CHARS_MAX
    };
    let few = match class {
        Class::Unicode(class) => {
            class.iter().all(|range| push(range.start().into(), range.end().into()))
        }
        Class::Bytes(class) => {
            class.iter().all(|range| push(range.start().into(), range.end().into()))
        }
    };
    few.then_some(chars)
}
