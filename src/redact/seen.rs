//! The secrets of one exchange, so that they can be removed wherever else they occur in it.

use std::cell::LazyCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, OnceLock};

use foldhash::fast::RandomState;

use super::bits::Bits;
use super::calls::Call;
use super::heard::Heard;
use super::ids::stands_as_id;
use super::needles::{NEEDLE_BYTES_MIN, Needles};
use super::rule::{Action, Side};
use super::spellings::{base64_cores, disguises, in_cases, spellings};
use super::text::mask;
use super::unread::Unread;
use crate::decode::Note;

/// Shorter secrets are not searched for: they occur by chance.
pub(super) const SECRET_BYTES_MIN: usize = NEEDLE_BYTES_MIN;

/// Secrets of one exchange, in all spellings.
const SECRETS_MAX: usize = 4096;

/// Bytes of all of them.
const SECRETS_BYTES_MAX: usize = 256 * 1024;

/// Secrets beyond which none is disguised.
const DISGUISED_MAX: usize = SECRETS_MAX / 2;

/// Ways in which most secrets are disguised.
const DISGUISES: usize = 10;

/// The letters of base64 that stand for three bytes.
const GROUP_LETTERS: usize = 4;

/// A text in which secrets stand more often is not recorded at all: they lie one over the other.
const HITS_MAX: usize = 100_000;

/// Shorter secrets are not searched for backwards or in other cases: in small letters they would be words.
/// Nor are shorter letters of base64.
const DISGUISED_BYTES_MIN: usize = 8;

/// Characters of a secret that `keep_ends` may show.
pub(super) const ENDS_CHARS_MAX: usize = 12;

/// What stands for a secret inside of a text.
pub(super) const MASK: &str = "***";

/// The raw secrets of one exchange, in memory only, from its request to the end of its response.
#[derive(Default)]
pub struct Seen {
    pub(super) secrets: Vec<Secret>,
    /// Where each of them is in the list.
    pub(super) known: Known,
    bytes: usize,
    /// What searches for all of them, once somebody does.
    needles: OnceLock<Needles>,
    /// So many of them were disguised, or are a disguise.
    disguised: usize,
    /// Why not all secrets can be searched for.
    overflow: Option<Note>,
    /// Prose that was summarized.
    pub(super) heard: Heard,
    /// Names in the answer to a GraphQL document that stand for those of credentials.
    pub(super) aliases: BTreeMap<String, usize>,
    /// The request is a call that signs in.
    pub(super) signs_in: bool,
    /// What could not be read.
    pub(super) unread: Unread,
    /// Where the exchange is, for rules that hold below some paths only.
    pub(super) below: Bits,
    /// The calls that its path names, if they are several.
    pub(super) calls: Arc<[Call]>,
    /// The path of the request, without its secrets.
    pub(super) path: String,
}

/// Where a secret is searched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// Anywhere.
    Everywhere,
    /// It is a word, which means other things as well: it counts where it stands in a sentence, and,
    /// if somebody typed it, where an answer repeats it. Else whoever sends a request could hide
    /// what it does, by sending the same word as a password.
    Word {
        /// Somebody typed it in this half.
        typed: Option<Side>,
    },
    /// It is an id, which says what a request is for: it counts where it does not stand as one.
    Id,
    /// The same of a credential that is an id by its form: who acts is not called by it.
    IdAlso,
}

impl Weight {
    fn is_of_id(self) -> bool {
        matches!(self, Self::Id | Self::IdAlso)
    }
}

/// Where each secret is in the list. They are few, so that nobody can make this slow.
pub(super) type Known = HashMap<Arc<str>, usize, RandomState>;

pub(super) struct Secret {
    pub(super) text: Arc<str>,
    pub(super) rule: usize,
    pub(super) weight: Weight,
    /// Digits alone: then it counts only where no digit stands beside it.
    digits: bool,
    /// The letters of base64 that stand for nothing but it: those beside them stand for parts of it.
    is_core: bool,
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seen(…)")
    }
}

impl Seen {
    /// For a second look at the same half: nothing was seen yet, but what the request called things.
    pub(super) fn again(&self) -> Self {
        let (aliases, calls) = (self.aliases.clone(), Arc::clone(&self.calls));
        Self { aliases, calls, signs_in: self.signs_in, ..Self::default() }
    }

    /// Remembers a secret in the spellings in which it may come back.
    pub(super) fn add(&mut self, text: &str, rule: usize, weight: Weight) {
        let text = text.trim().trim_matches('"');
        if text.len() < SECRET_BYTES_MIN || is_redacted_text(text) {
            return;
        }
        if let Some(position) = self.known.get(text) {
            if let Some(secret) = self.secrets.get_mut(*position)
                && (weight == Weight::Everywhere || secret.weight.is_of_id())
            {
                secret.weight = weight;
            }
            return;
        }
        if text.len() > SECRETS_BYTES_MAX {
            self.overflow.get_or_insert(Note::TooManySecrets);
            return;
        }
        self.add_one(text.to_owned(), rule, weight, false);
        // It may have been cut out of JSON that was not read as such.
        if text.contains('\\')
            && let Ok(plain) = serde_json::from_str::<String>(&format!("\"{text}\""))
        {
            self.add(&plain, rule, weight);
        }
        for spelling in spellings(text) {
            if !self.known.contains_key(spelling.as_str()) {
                self.add_one(spelling, rule, weight, false);
            }
        }
    }

    /// A response may repeat secrets, those that it makes itself as well, in other cases, backwards, in
    /// hex or in base64. Where there are very many secrets, some are searched for as they are only.
    pub(super) fn expect_echoes(&mut self) {
        let more = ((self.secrets.len() - self.disguised) * DISGUISES).min(DISGUISED_MAX);
        self.known.reserve(more);
        self.secrets.reserve(more);
        for position in self.disguised..self.secrets.len() {
            let Some(Secret { text, rule, weight, .. }) = self.secrets.get(position) else {
                break;
            };
            let rule = *rule;
            let cased = match *weight {
                Weight::Word { .. } => Weight::Word { typed: None },
                weight => weight,
            };
            // In another case a word is one still, and an answer's own where it stands alone. Where ids are
            // written in base64, they say what is meant as well.
            let (is_short, is_id) = (text.len() < DISGUISED_BYTES_MIN, cased.is_of_id());
            let cases = if is_short { Vec::new() } else { in_cases(text).into() };
            let (mut plain, mut cores) = (Vec::new(), Vec::new());
            if !is_id {
                plain = disguises(text).into_iter().skip(usize::from(is_short)).collect();
                cores = base64_cores(text);
                cores.retain(|core| !is_short || core.len() >= DISGUISED_BYTES_MIN);
            }
            let cases = cases.into_iter().map(|text| (text, cased, false));
            let plain = plain.into_iter().map(|text| (text, Weight::Everywhere, false));
            let cores = cores.into_iter().map(|text| (text, Weight::Everywhere, true));
            for (disguise, weight, is_core) in cases.chain(plain).chain(cores) {
                let room = self.secrets.len() < DISGUISED_MAX
                    && self.bytes + disguise.len() < SECRETS_BYTES_MAX / 2;
                if room && !self.known.contains_key(disguise.as_str()) {
                    self.add_one(disguise, rule, weight, is_core);
                }
            }
        }
        self.disguised = self.secrets.len();
    }

    fn add_one(&mut self, text: String, rule: usize, weight: Weight, is_core: bool) {
        // In other cases a text may be shorter.
        if text.len() < SECRET_BYTES_MIN {
            return;
        }
        if self.secrets.len() >= SECRETS_MAX || self.bytes + text.len() > SECRETS_BYTES_MAX {
            self.overflow.get_or_insert(Note::TooManySecrets);
            return;
        }
        self.bytes += text.len();
        self.needles.take();
        let text: Arc<str> = text.into();
        self.known.insert(Arc::clone(&text), self.secrets.len());
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        self.secrets.push(Secret { text, rule, weight, digits, is_core });
    }

    /// How many are remembered, in all spellings.
    pub(super) fn secrets(&self) -> usize {
        self.secrets.len()
    }

    /// Not all secrets could be found out: what comes later is not recorded either.
    pub(super) fn give_up(&mut self, why: Note) {
        self.overflow.get_or_insert(why);
    }

    /// There were secrets that cannot be searched for: more than can be, or not all were found.
    pub(super) fn overflowed(&self) -> bool {
        self.overflow.is_some()
    }

    /// Why they cannot be.
    pub(super) fn overflow(&self) -> Option<Note> {
        self.overflow
    }

    /// What searches this half for the secrets; `None` if there are none.
    pub(super) fn search(&self, side: Side) -> Option<Search<'_>> {
        if self.secrets.is_empty() {
            return None;
        }
        let needles = self.needles.get_or_init(|| Needles::new(&self.secrets));
        Some(Search { secrets: &self.secrets, known: &self.known, side, needles })
    }
}

/// A search for all secrets.
pub(super) struct Search<'s> {
    secrets: &'s [Secret],
    known: &'s Known,
    side: Side,
    needles: &'s Needles,
}

/// A text without secrets, and the rule of the first one that was in it.
pub(super) struct Scrubbed {
    pub(super) text: String,
    pub(super) rule: usize,
}

impl Search<'_> {
    /// The text with every secret masked; `None` if there is none in it.
    pub(super) fn scrub(&self, text: &str) -> Option<Scrubbed> {
        let hits = self.hits(text);
        let rule = hits.first().map(|(_, rule)| *rule)?;
        let text = mask(text, hits.into_iter().map(|(range, _)| range).collect());
        Some(Scrubbed { text, rule })
    }

    /// The rule of a secret in the text.
    pub(super) fn find(&self, text: &str) -> Option<usize> {
        self.hits(text).first().map(|(_, rule)| *rule)
    }

    /// Whether the text is a secret, and nothing else.
    pub(super) fn is_one(&self, text: &str) -> bool {
        self.known.contains_key(text)
    }

    /// Whether the text is an id, which is a secret only where it does not stand as one.
    pub(super) fn is_id(&self, text: &str) -> bool {
        let secret = self.known.get(text).and_then(|position| self.secrets.get(*position));
        secret.is_some_and(|secret| secret.weight.is_of_id())
    }

    /// Whether it is one, and no credential.
    pub(super) fn is_no_credential(&self, text: &str) -> bool {
        let secret = self.known.get(text).and_then(|position| self.secrets.get(*position));
        secret.is_some_and(|secret| secret.weight == Weight::Id)
    }

    /// Whether any secret may be somewhere in these bytes.
    pub(super) fn may_occur(&self, bytes: &[u8]) -> bool {
        let mut may = false;
        self.needles.each(self.secrets, bytes, |_, _| {
            may = true;
            ControlFlow::Break(())
        });
        may
    }

    /// All occurrences, overlapping ones too, from the first on.
    pub(super) fn hits(&self, text: &str) -> Vec<(Range<usize>, usize)> {
        let mut hits: Vec<(Range<usize>, usize)> = Vec::new();
        // Looked for once, and only where a hit depends on it.
        let has_blanks = LazyCell::new(|| is_sentence(text));
        self.needles.each(self.secrets, text.as_bytes(), |number, start| {
            if let Some(secret) = self.secrets.get(number) {
                secret.push_hit(text, &has_blanks, self.side, start, &mut hits);
            }
            if hits.len() > HITS_MAX { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        hits.sort_by_key(|(range, _)| (range.start, range.end));
        match &hits[..] {
            [(_, rule), ..] if hits.len() > HITS_MAX => vec![(0..text.len(), *rule)],
            _ => hits,
        }
    }
}

impl AsRef<str> for Secret {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl Secret {
    fn push_hit(
        &self,
        text: &str,
        has_blanks: &LazyCell<bool, impl FnOnce() -> bool>,
        side: Side,
        start: usize,
        hits: &mut Vec<(Range<usize>, usize)>,
    ) {
        let end = start + self.text.len();
        let bytes = text.as_bytes();
        let beside = |is: fn(&u8) -> bool| {
            let of = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(is);
            of(start.checked_sub(1)) || of(Some(end))
        };
        let counts = match self.weight {
            _ if self.digits && beside(u8::is_ascii_digit) => false,
            Weight::Id | Weight::IdAlso => !stands_as_id(text, start, end),
            _ if self.digits => true,
            Weight::Everywhere => true,
            Weight::Word { .. } if beside(u8::is_ascii_alphanumeric) => false,
            Weight::Word { typed } => {
                **has_blanks
                    || (side == Side::Response
                        && typed == Some(Side::Request)
                        && is_quoted(text, start..end))
            }
        };
        if counts {
            let range = if self.is_core { with_ends(bytes, start..end) } else { start..end };
            hits.push((range, self.rule));
        }
    }
}

/// The range with the letters of base64 beside it that may stand for parts of the same secret.
fn with_ends(text: &[u8], range: Range<usize>) -> Range<usize> {
    let is_letter = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    let (before, after) = (text.get(..range.start), text.get(range.end..));
    let letters = |bytes: &mut dyn Iterator<Item = &u8>| {
        bytes.take(GROUP_LETTERS).take_while(is_letter).count()
    };
    let start = range.start - letters(&mut before.unwrap_or_default().iter().rev());
    start..range.end + letters(&mut after.unwrap_or_default().iter())
}

/// Whether nothing stands beside a part of a text, or what puts one in quotes or joins it to a name: what
/// makes longer names (`-`, `_`, `.`, `/`) does not.
fn is_quoted(text: &str, range: Range<usize>) -> bool {
    let joins = |byte: Option<&u8>| byte.is_none_or(|byte| b"\"'`()[]{}<>:=;,|@".contains(byte));
    let before = range.start.checked_sub(1).map(|at| text.as_bytes().get(at));
    before.is_none_or(joins) && joins(text.as_bytes().get(range.end))
}

/// Whether there are blanks in a text.
fn is_sentence(text: &str) -> bool {
    text.trim().bytes().any(|byte| byte.is_ascii_whitespace())
}

/// What the engine itself puts in the place of a secret, inside of a text.
pub(super) fn is_redacted_text(text: &str) -> bool {
    text == MASK || is_fingerprint(text)
}

/// Whether what looks like a secret is what the engine itself put there, perhaps with punctuation
/// after it.
pub(super) fn begins_redacted(text: &str) -> bool {
    let fingerprint = || {
        let (head, rest) = text.split_at_checked(FINGERPRINT_BYTES)?;
        is_fingerprint(head).then_some(rest)
    };
    let rest = text.strip_prefix(MASK).or_else(fingerprint);
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// The first and last characters of a secret, where they show less than a third of it.
pub(super) fn ends(secret: &str, first: u8, last: u8) -> Option<String> {
    let (first, last) = (usize::from(first), usize::from(last));
    let chars: Vec<char> = secret.chars().collect();
    if chars.len() < 3 * (first + last) + 1 {
        return None;
    }
    let (head, tail) = (chars.get(..first)?, chars.get(chars.len() - last..)?);
    Some(head.iter().chain(&['…']).chain(tail).collect())
}

/// `hmac:` and 16 digits.
const FINGERPRINT_BYTES: usize = 21;

/// `hmac:` and 16 lower-case hex digits.
pub(super) fn is_fingerprint(text: &str) -> bool {
    text.strip_prefix("hmac:").is_some_and(|digits| {
        digits.len() == 16
            && digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

/// Whether a fingerprint of the value could be turned back by trying all values.
pub fn is_guessable(text: &str) -> bool {
    let chars = text.chars().count();
    chars < 8 || (chars <= 10 && text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether secrets under this action are looked for elsewhere: a summarised text is not a secret
/// that comes back word for word.
pub(super) fn is_remembered(action: Action) -> bool {
    action != Action::Summarize
}
