//! The plausible readings of a path.

use super::percent::percent_decode;

/// More different readings than this are not told apart: then every path is plausible.
const READINGS_MAX: usize = 32;

/// Longer paths that need more than one reading are not read at all: every path is plausible.
const PATH_BYTES_MAX: usize = 8 * 1024;

/// One thing that some software does to a path and other software does not.
type Step = fn(&[u8]) -> Option<Vec<u8>>;

/// What servers, frameworks and applications do to a path before they compare it. They do so in
/// different orders, and some of it more than once: the readings are all that can come out.
const STEPS: [Step; 7] =
    [decode, decode_overlong, slash_backslashes, drop_parameters, collapse, resolve, cut];

/// All the paths that an application might take a request's path for, as sent among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readings {
    known: Vec<Vec<u8>>,
    complete: bool,
}

impl Readings {
    /// The readings of a path of which nothing is known.
    pub(super) fn any() -> Self {
        Self { known: Vec::new(), complete: false }
    }

    /// The readings of a path, given as sent and without its query.
    pub fn of(path: &str) -> Self {
        Self::by(path, false)
    }

    /// Those of them that are known, and what software makes of a path that leaves out of it what belongs in
    /// none. For what must be decided one way or the other: where neither to take a path for all nor to take
    /// it for none would be safe.
    pub fn likely(path: &str) -> Self {
        Self::by(path, true)
    }

    fn by(path: &str, likely: bool) -> Self {
        let path = path.as_bytes();
        let mut readings = Self { known: vec![path.to_vec()], complete: true };
        if is_ordinary(path) {
            return readings;
        }
        if path.len() > PATH_BYTES_MAX {
            readings.complete = false;
            return readings;
        }
        let mut next = 0;
        while let Some(reading) = readings.known.get(next).cloned() {
            next += 1;
            let tidied: &[Step] = match is_beyond_telling(&reading) {
                false => &[],
                true if likely => &[tidy],
                true => {
                    readings.complete = false;
                    return readings;
                }
            };
            for step in STEPS.iter().chain(tidied) {
                let Some(other) = step(&reading) else { continue };
                if readings.known.contains(&other) {
                    continue;
                }
                if readings.known.len() == READINGS_MAX {
                    readings.complete = false;
                    return readings;
                }
                readings.known.push(other);
            }
        }
        readings
    }

    /// Those that are known, the path as sent first.
    pub fn each(&self) -> impl Iterator<Item = &[u8]> {
        self.known.iter().map(Vec::as_slice)
    }

    /// Whether no other is plausible.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// Whether some reading lies at or under the prefix, however it is cased; a suffix for the
    /// format (`/users.json`) and a verb (`/users:purge`) count as under it.
    pub(super) fn any_under(&self, prefix: &[u8]) -> bool {
        !self.complete || self.known.iter().any(|reading| is_loosely_under(reading, prefix))
    }

    /// Whether it is certain that the path lies at or under one of the prefixes, exactly as cased.
    pub(super) fn all_under(&self, prefixes: &[Vec<u8>]) -> bool {
        self.complete
            && self
                .known
                .iter()
                .all(|reading| prefixes.iter().any(|prefix| is_under(reading, prefix)))
    }
}

/// Whether all software reads the path alike.
fn is_ordinary(path: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !br"%\;?#".contains(byte);
    path.iter().all(plain)
        && !path.windows(2).any(|pair| pair == b"//" || pair == b"/.")
        && path.starts_with(b"/")
}

/// Letters that some software turns into `.`, `/` and `\\` (compatibility forms and look-alikes).
const LOOK_ALIKES: &str = "\u{2024}\u{2025}\u{2026}\u{2044}\u{2215}\u{2216}\u{29f8}\u{29f9}\u{fe52}\u{fe68}\u{ff0e}\u{ff0f}\u{ff3c}";

/// Whether software is known to make things of such a path that no step here does: it strips
/// control characters, accepts over-long or broken UTF-8 and `%uff0e`, folds look-alikes, and on
/// some systems drops blanks and dots from the end of a segment.
fn is_beyond_telling(path: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(path) else {
        return true;
    };
    let lower = text.to_ascii_lowercase();
    let dots = |segment: &str| {
        segment.len() > 1
            && !matches!(segment, "..")
            && segment.starts_with('.')
            && segment.bytes().all(|byte| b". ".contains(&byte))
    };
    text.chars().any(|letter| letter.is_control() || LOOK_ALIKES.contains(letter))
        || lower.contains("%u")
        || text.split(['/', '\\', ';']).any(dots)
}

/// Without what [`is_beyond_telling`] looks for.
fn tidy(path: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(path);
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        let letter = match (letter, rest.as_str().split_at_checked(5)) {
            ('%', Some((code, after))) => {
                let digits = code.strip_prefix(['u', 'U']);
                let coded = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
                let coded = coded.and_then(char::from_u32);
                if coded.is_some() {
                    rest = after.chars();
                }
                coded.unwrap_or(letter)
            }
            _ => letter,
        };
        match letter {
            '\u{2024}' | '\u{fe52}' | '\u{ff0e}' => plain.push('.'),
            '\u{2025}' => plain.push_str(".."),
            '\u{2026}' => plain.push_str("..."),
            '\u{2044}' | '\u{2215}' | '\u{29f8}' | '\u{ff0f}' => plain.push('/'),
            '\u{2216}' | '\u{29f9}' | '\u{fe68}' | '\u{ff3c}' => plain.push('\\'),
            char::REPLACEMENT_CHARACTER => {}
            letter if letter.is_control() => {}
            letter => plain.push(letter),
        }
    }
    let segments: Vec<&str> = plain
        .split('/')
        .map(|segment| match segment {
            "." | ".." => segment,
            _ => segment.trim_end_matches(['.', ' ']),
        })
        .collect();
    let tidied = segments.join("/").into_bytes();
    (tidied != path).then_some(tidied)
}

fn is_under(path: &[u8], prefix: &[u8]) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
}

fn is_loosely_under(path: &[u8], prefix: &[u8]) -> bool {
    let ascii = path
        .get(..prefix.len())
        .zip(path.get(prefix.len()..))
        .filter(|(head, _)| head.eq_ignore_ascii_case(prefix));
    if let Some((_, rest)) = ascii {
        return is_loose_rest(rest);
    }
    if path.is_ascii() && prefix.is_ascii() {
        return false;
    }
    // Letters beyond ASCII whose lower case is within it, such as the Kelvin sign.
    let (path, prefix) = (lower(path), lower(prefix));
    path.strip_prefix(prefix.as_slice()).is_some_and(is_loose_rest)
}

fn is_loose_rest(rest: &[u8]) -> bool {
    match rest.split_first() {
        None | Some((b'/' | b':' | b' ' | b'\t' | b'~', _)) => true,
        Some((b'.', format)) => format.len() <= 5 && format.iter().all(u8::is_ascii_alphabetic),
        Some(_) => false,
    }
}

fn lower(path: &[u8]) -> Vec<u8> {
    std::str::from_utf8(path)
        .map_or_else(|_| path.to_ascii_lowercase(), |text| text.to_lowercase().into_bytes())
}

fn decode(path: &[u8]) -> Option<Vec<u8>> {
    path.contains(&b'%').then(|| percent_decode(path).into_owned())
}

/// Dots and slashes as over-long UTF-8, which old decoders accept, and as `%u002f`.
fn decode_overlong(path: &[u8]) -> Option<Vec<u8>> {
    const ODD: [(&[u8], u8); 6] = [
        (&[0xc0, 0xae], b'.'),
        (&[0xc0, 0xaf], b'/'),
        (&[0xc1, 0x9c], b'\\'),
        (b"%u002e", b'.'),
        (b"%u002f", b'/'),
        (b"%u005c", b'\\'),
    ];
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&first, after)) = rest.split_first() {
        let odd = ODD.iter().find(|(bytes, _)| {
            rest.get(..bytes.len()).is_some_and(|head| head.eq_ignore_ascii_case(bytes))
        });
        match odd {
            Some((bytes, plain)) => {
                out.push(*plain);
                rest = rest.get(bytes.len()..).unwrap_or_default();
            }
            None => {
                out.push(first);
                rest = after;
            }
        }
    }
    (out.len() < path.len()).then_some(out)
}

fn slash_backslashes(path: &[u8]) -> Option<Vec<u8>> {
    path.contains(&b'\\')
        .then(|| path.iter().map(|&byte| if byte == b'\\' { b'/' } else { byte }).collect())
}

fn drop_parameters(path: &[u8]) -> Option<Vec<u8>> {
    path.contains(&b';').then(|| {
        let bare = |segment: &[u8]| {
            segment.split(|&byte| byte == b';').next().unwrap_or_default().to_vec()
        };
        path.split(|&byte| byte == b'/').map(bare).collect::<Vec<_>>().join(&b'/')
    })
}

fn collapse(path: &[u8]) -> Option<Vec<u8>> {
    let mut out = path.to_vec();
    out.dedup_by(|a, b| *a == b'/' && *b == b'/');
    if !out.starts_with(b"/") {
        out.insert(0, b'/');
    }
    (out != path).then_some(out)
}

/// `.` and `..` as segments, resolved.
fn resolve(path: &[u8]) -> Option<Vec<u8>> {
    let mut out: Vec<&[u8]> = Vec::new();
    let mut dots = false;
    for segment in path.strip_prefix(b"/").unwrap_or(path).split(|&byte| byte == b'/') {
        match segment {
            b"." => dots = true,
            b".." => {
                dots = true;
                out.pop();
            }
            _ => out.push(segment),
        }
    }
    dots.then(|| [b"/".as_slice(), &out.join(&b'/')].concat())
}

/// What ends a path for some: a question mark or hash that was encoded, and a zero byte.
fn cut(path: &[u8]) -> Option<Vec<u8>> {
    let end = path.iter().position(|byte| b"?#\0".contains(byte))?;
    path.get(..end).map(<[u8]>::to_vec)
}
