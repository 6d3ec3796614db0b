//! Whether a keyword can stand in what a pattern matches.

use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

/// Whether some match may hold the keyword, in whatever case; the keyword has at most 64 bytes. What
/// looks around (`\b`) is taken to hold.
pub(super) fn can_hold(hir: &Hir, keyword: &str) -> bool {
    let word = keyword.to_ascii_lowercase().into_bytes();
    let whole = 1_u128.checked_shl(u32::try_from(word.len()).unwrap_or(u32::MAX));
    let search = Search { word, whole: whole.unwrap_or_default() };
    search.after(hir, NOTHING) & search.whole != 0
}

/// How much of the keyword may have been read: a bit for each number of bytes. Nothing of it may
/// always have been.
type Read = u128;

const NOTHING: Read = 1;

struct Search {
    word: Vec<u8>,
    /// All of it was read.
    whole: Read,
}

impl Search {
    /// What may have been read after a match of this, if `read` had been before it.
    fn after(&self, hir: &Hir, read: Read) -> Read {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => read,
            HirKind::Literal(literal) => literal.0.iter().fold(read, |read, byte| {
                self.step(read, |wanted| byte.eq_ignore_ascii_case(&wanted))
            }),
            HirKind::Class(class) => self.step(read, |wanted| has(class, wanted)),
            HirKind::Capture(capture) => self.after(&capture.sub, read),
            HirKind::Concat(parts) => parts.iter().fold(read, |read, part| self.after(part, read)),
            HirKind::Alternation(parts) => {
                parts.iter().fold(0, |all, part| all | self.after(part, read))
            }
            HirKind::Repetition(repetition) => self.repeated(repetition, read),
        }
    }

    fn repeated(&self, repetition: &Repetition, mut read: Read) -> Read {
        for _ in 0..repetition.min {
            let next = self.after(&repetition.sub, read);
            if next == read {
                break;
            }
            read = next;
        }
        // From here on it only grows.
        for _ in repetition.min..repetition.max.unwrap_or(u32::MAX) {
            let next = read | self.after(&repetition.sub, read);
            if next == read {
                break;
            }
            read = next;
        }
        read
    }

    /// One byte more, of which `may_be` tells what it may be.
    fn step(&self, read: Read, may_be: impl Fn(u8) -> bool) -> Read {
        let mut next = NOTHING | read & self.whole;
        for (at, wanted) in self.word.iter().enumerate() {
            if read >> at & 1 != 0 && may_be(*wanted) {
                next |= 2 << at;
            }
        }
        next
    }
}

/// Whether a letter, in whatever case, is one of a class.
fn has(class: &Class, letter: u8) -> bool {
    let within = |low: u32, high: u32| {
        [letter, letter.to_ascii_uppercase()].iter().any(|c| (low..=high).contains(&u32::from(*c)))
    };
    match class {
        Class::Unicode(class) => {
            class.iter().any(|range| within(range.start().into(), range.end().into()))
        }
        Class::Bytes(class) => {
            class.iter().any(|range| within(range.start().into(), range.end().into()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_in_matches_or_cannot_be() {
        for (pattern, keyword, can) in [
            ("abc[0-9]{3}", "zzz", false),
            ("abc[0-9]{3}", "abc", true),
            ("abc[0-9]{3}", "ABC12", true),
            ("abc[0-9]{3}", "c1234", false),
            ("[a-z]{2}", "abc", false),
            ("[A-Z]{3}", "abc", true),
            ("(?:ab){1,2}c", "ababc", true),
            ("(?:ab){1,2}c", "bababc", false),
            ("(?:ab)+c", "bababc", true),
            ("(?:x|key)=?[0-9]", "key1", true),
            ("(?:x|key)=[0-9]", "key1", false),
            ("[0-9]{8}:AAx", ":aax", true),
            (r"\bid\b.{0,5}", "id=", true),
            ("aab", "aab", true),
            ("a{3}b", "aab", true),
            (".{1,100}", &"z".repeat(64), true),
            ("(?:[0-9]{4}-){3}", "4-4-", false),
        ] {
            let hir = regex_syntax::parse(pattern).unwrap();
            assert_eq!(can_hold(&hir, keyword), can, "{pattern} {keyword}");
        }
    }
}
