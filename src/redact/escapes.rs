//! Text in which escapes stand for characters: those of JSON and of programs (`\u00e4`, `\/`), of
//! URLs (`%2F`), of XML and HTML (`&amp;`), several times over. A document in a message is escaped as
//! its program likes.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use super::entities::entity;
use super::seen::Search;
use crate::decode::percent_decode_lossy;

/// Escapes in escapes are undone so many times over.
const TIMES: usize = 3;

/// The signs of ASCII in full width, and how far they stand from those.
const WIDE: RangeInclusive<char> = '\u{ff01}'..='\u{ff5e}';
const WIDE_OFFSET: u32 = 0xfee0;

/// No reference to a character is longer.
const REFERENCE_BYTES_MAX: usize = 10;

/// Whether something in a text may stand for something else.
pub(super) fn may_have_escapes(text: &[u8]) -> bool {
    text.iter().fold(false, |found, byte| found | matches!(byte, b'\\' | b'%' | b'&'))
}

/// The rule of a secret that was seen and is in the text that this one stands for. Escapes of one kind
/// may stand beside what only looks like another kind: each is undone alone, and all of them together.
pub(super) fn find_escaped(text: &str, search: &Search<'_>) -> Option<usize> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..TIMES {
        if !may_have_escapes(text.as_bytes()) {
            return None;
        }
        let mut all: Option<String> = None;
        for undo in [backslashes, percents, references] {
            if all.is_some()
                && let Some(rule) = undo(&text).and_then(|plain| search.find(&plain))
            {
                return Some(rule);
            }
            let Some(plain) = undo(all.as_deref().unwrap_or(&text)) else { continue };
            if let Some(rule) = search.find(&plain) {
                return Some(rule);
            }
            all = Some(plain);
        }
        text = Cow::Owned(all?);
    }
    None
}

/// A name without escapes of URLs, in letters of ordinary width: some APIs read names so.
pub(super) fn spelled_out(name: &str) -> Cow<'_, str> {
    let mut told = Cow::Borrowed(name);
    if name.contains('%') {
        told = Cow::Owned(name.replace("%u00", "%"));
        for _ in 0..TIMES {
            told = Cow::Owned(percent_decode_lossy(&told).into_owned());
        }
    }
    if told.chars().any(|c| WIDE.contains(&c)) {
        let narrow = |c: char| match WIDE.contains(&c) {
            true => char::from_u32(u32::from(c) - WIDE_OFFSET).unwrap_or(c),
            false => c,
        };
        told = Cow::Owned(told.chars().map(narrow).collect());
    }
    told
}

fn percents(text: &str) -> Option<String> {
    match percent_decode_lossy(text) {
        Cow::Owned(plain) if plain != text => Some(plain),
        _ => None,
    }
}

/// `\uXXXX`, `\xXX`, `\n` and its like; any other character after a backslash is itself.
fn backslashes(text: &str) -> Option<String> {
    if !text.contains('\\') {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut chars = after.chars();
        let (plain, left) = match chars.next() {
            Some('u') => unicode(chars.as_str()).unwrap_or(('u', chars.as_str())),
            Some('x') => digits(chars.as_str(), 2)
                .and_then(|(code, left)| char::from_u32(code).map(|plain| (plain, left)))
                .unwrap_or(('x', chars.as_str())),
            Some('n') => ('\n', chars.as_str()),
            Some('r') => ('\r', chars.as_str()),
            Some('t') => ('\t', chars.as_str()),
            Some(other) => (other, chars.as_str()),
            None => ('\\', ""),
        };
        out.push(plain);
        rest = left;
    }
    out.push_str(rest);
    Some(out)
}

/// What stands behind `\u`: four digits, twice if the first are half a character.
fn unicode(text: &str) -> Option<(char, &str)> {
    let (high, rest) = digits(text, 4)?;
    if !(0xd800..0xdc00).contains(&high) {
        return char::from_u32(high).map(|plain| (plain, rest));
    }
    let (low, rest) = digits(rest.strip_prefix("\\u")?, 4)?;
    let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + low).map(|plain| (plain, rest))
}

/// A number of so many hex digits, and what follows.
fn digits(text: &str, count: usize) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(count)?;
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok().map(|code| (code, rest))
}

/// `&amp;`, `&#39;`, `&#x27;`; what else begins with `&` stays.
fn references(text: &str) -> Option<String> {
    if !text.contains('&') {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let end = after.bytes().take(REFERENCE_BYTES_MAX).position(|byte| byte == b';');
        let name = end.and_then(|end| after.get(..end)).unwrap_or_default();
        let left = end.and_then(|end| after.get(end + 1..));
        match (reference(name), left) {
            (Some(plain), Some(left)) => {
                out.push(plain);
                rest = left;
            }
            _ => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    Some(out)
}

fn reference(name: &str) -> Option<char> {
    let Some(number) = name.strip_prefix('#') else {
        return match name {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "quot" => Some('"'),
            "apos" => Some('\''),
            _ => entity(name),
        };
    };
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    code.ok().and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::{backslashes, percents, references};

    #[test]
    fn escapes_are_undone_and_nothing_else() {
        for (text, plain) in [
            (r"a\u00e4\u0026\/\n\x41", "aä&/\nA"),
            (r"\ud83d\ude00\ud83d\u0041\u12", "😀ud83dAu12"),
            (r"\\u0041 C:\dir\", "\\u0041 C:dir\\"),
            (r"\xzz\u", "xzzu"),
        ] {
            assert_eq!(backslashes(text).as_deref(), Some(plain), "{text}");
        }
        for (text, plain) in [
            ("&lt;a&#39;&#x42;&amp;lt;&gt;", "<a'B&lt;>"),
            ("&eacute;&Eacute;&euro;&nbsp;&dollar;&NewLine;&nothing;", "éÉ€\u{a0}$\n&nothing;"),
            (
                "a && b &c; &#; &#xffffffff; &#1114112; &ä; &",
                "a && b &c; &#; &#xffffffff; &#1114112; &ä; &",
            ),
        ] {
            assert_eq!(references(text).as_deref(), Some(plain), "{text}");
        }
        assert_eq!(percents("100 % a%41%zz").as_deref(), Some("100 % aA%zz"));
        assert!(
            percents("100 %").is_none() && backslashes("a").is_none() && references("a").is_none()
        );
    }
}
