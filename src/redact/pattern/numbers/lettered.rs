//! The schemes with letters in them.

use std::ops::RangeInclusive;

use super::digits::{Months, date, digits, number, weighted};

/// Digits, the last of which may be a letter that stands for ten.
pub(super) fn with_x(
    text: &str,
    ten: char,
    lengths: RangeInclusive<usize>,
    check: impl Fn(&[u32]) -> bool,
) -> bool {
    let last = text.chars().count().saturating_sub(1);
    let digits: Option<Vec<u32>> = text
        .chars()
        .enumerate()
        .map(|(position, c)| if position == last && c == ten { Some(10) } else { c.to_digit(10) })
        .collect();
    digits.is_some_and(|digits| lengths.contains(&digits.len()) && check(&digits))
}

pub(super) fn cl_rut(digits: &[u32]) -> bool {
    let Some((check, body)) = digits.split_last() else { return false };
    let sum: u32 =
        body.iter().rev().zip((2..=7).cycle()).map(|(digit, weight)| digit * weight).sum();
    (11 - sum % 11) % 11 == *check
}

/// ISO 7064, MOD 11-2.
pub(super) fn cn_id(digits: &[u32]) -> bool {
    let dated = digits.get(8..14).is_some_and(|digits| date(digits, Months::Plain));
    dated && digits.iter().fold(0, |sum, digit| (sum * 2 + digit) % 11) == 1
}

fn nth(text: &str, position: u64) -> Option<char> {
    text.chars().nth(usize::try_from(position).ok()?)
}

pub(super) fn es_nif(text: &str) -> bool {
    let (head, letter) = text.split_at_checked(8).unwrap_or_default();
    // The letter of a foreigner's number stands for a digit.
    let head = match head.chars().next() {
        Some('X') => head.replacen('X', "0", 1),
        Some('Y') => head.replacen('Y', "1", 1),
        Some('Z') => head.replacen('Z', "2", 1),
        _ => head.to_owned(),
    };
    let Some(digits) = digits(&head).filter(|digits| digits.len() == 8) else { return false };
    letter.len() == 1
        && letter.chars().next() == nth("TRWAGMYFPDXBNJZSQVHLCKE", number(&digits) % 23)
}

/// `DDMMYYCZZZQ`, where `C` tells the century.
pub(super) fn fi_hetu(value: &str) -> bool {
    let value = value.trim();
    let (Some(date), Some(rest)) = (value.get(..6), value.get(7..10)) else { return false };
    let (Some(day), Some(rest)) = (digits(date), digits(rest)) else { return false };
    let remainder = (number(&day) * 1000 + number(&rest)) % 31;
    let check = nth("0123456789ABCDEFHJKLMNPRSTUVWXY", remainder);
    let century = value.chars().nth(6).is_some_and(|c| "+-YXWVUABCDEF".contains(c));
    value.len() == 11 && century && value.chars().nth(10).map(|c| c.to_ascii_uppercase()) == check
}

/// 97 minus the remainder; the departments of Corsica are written `2A` and `2B`.
pub(super) fn fr_nir(text: &str) -> bool {
    let (head, key) = text.split_at_checked(13).unwrap_or_default();
    let head = match head.get(5..7) {
        Some("2A") => head.replacen("2A", "19", 1),
        Some("2B") => head.replacen("2B", "18", 1),
        _ => head.to_owned(),
    };
    let (Some(head), Some(key)) = (digits(&head), digits(key)) else { return false };
    head.len() == 13
        && key.len() == 2
        && matches!(head.first(), Some(1..=4 | 7 | 8))
        && 97 - number(&head) % 97 == number(&key)
}

/// Prefixes that are not given out (HMRC, NIM39110).
pub(super) fn gb_nino(text: &str) -> bool {
    let (prefix, rest) = text.split_at_checked(2).unwrap_or_default();
    let (number, suffix) = rest.split_at_checked(6).unwrap_or_default();
    let mut letters = prefix.chars();
    letters.next().is_some_and(|c| c.is_ascii_uppercase() && !"DFIQUV".contains(c))
        && letters.next().is_some_and(|c| c.is_ascii_uppercase() && !"DFIOQUV".contains(c))
        && !["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"].contains(&prefix)
        && digits(number).is_some()
        && matches!(suffix, "A" | "B" | "C" | "D")
}

/// Characters at odd places count by a table.
pub(super) fn it_cf(text: &str) -> bool {
    const ODD: &str = "BAFHJNPRTVCESULDGIMOQKWZYX";
    let value = |c: char| {
        let base = if c.is_ascii_digit() { '0' } else { 'A' };
        u32::from(c).checked_sub(u32::from(base))
    };
    let sum = text.chars().take(15).enumerate().try_fold(0, |sum, (position, c)| {
        let plain = value(c)?;
        let counted = if position % 2 == 0 {
            let letter = nth(ODD, u64::from(plain))?;
            value(letter)?
        } else {
            plain
        };
        Some(sum + counted)
    });
    let shape = |(position, c): (usize, char)| match position {
        0..=5 | 8 | 11 | 15 => c.is_ascii_uppercase(),
        // Digits may be replaced by letters where two people had the same code.
        _ => c.is_ascii_digit() || "LMNPQRSTUV".contains(c),
    };
    text.len() == 16
        && text.chars().enumerate().all(shape)
        && sum.and_then(|sum| char::from_u32(u32::from('A') + sum % 26)) == text.chars().last()
}

pub(super) fn mx_curp(text: &str) -> bool {
    const ALPHABET: &str = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ";
    let sum = text.chars().take(17).zip((2..=18).rev()).try_fold(0, |sum, (c, weight)| {
        let value = ALPHABET.chars().position(|other| other == c)?;
        Some(sum + u32::try_from(value).ok()? * weight)
    });
    let check = sum.map(|sum| (10 - sum % 10) % 10);
    let dated = text.get(4..10).and_then(digits).is_some_and(|digits| date(&digits, Months::Plain));
    text.chars().count() == 18 && dated && text.chars().last().and_then(|c| c.to_digit(10)) == check
}

pub(super) fn sg_nric(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let Some(digits) = text.get(1..8).and_then(digits) else { return false };
    let offset = if "TG".contains(first) { 4 } else { 0 };
    let sum = u64::from(offset + weighted(&digits, &[2, 7, 6, 5, 4, 3, 2]));
    let letters = match first {
        'S' | 'T' => "JZIHGFEDCBA",
        'F' | 'G' => "XWUTRQPNMLK",
        _ => return false,
    };
    text.len() == 9 && text.chars().last() == nth(letters, sum % 11)
}
