//! Sums over digits, and the schemes that are digits alone.

/// Without separators, in upper case.
pub(super) fn compact(value: &str) -> String {
    value
        .chars()
        .filter(|c| !" -./()\u{a0}\u{202f}".contains(*c))
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

pub(super) fn digits(text: &str) -> Option<Vec<u32>> {
    text.chars().map(|c| c.to_digit(10)).collect()
}

pub(super) fn at(digits: &[u32], position: usize) -> u32 {
    digits.get(position).copied().unwrap_or_default()
}

pub(super) fn starts(digits: &[u32], with: &[u32]) -> bool {
    digits.starts_with(with)
}

/// The digits as one number; at most 18 of them.
pub(super) fn number(digits: &[u32]) -> u64 {
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(*digit))
}

/// Not one digit over and over.
pub(super) fn varied(digits: &[u32]) -> bool {
    digits.windows(2).any(|pair| pair.first() != pair.last())
}

pub(super) fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

pub(super) fn mod_11(digits: &[u32], weights: &[u32]) -> bool {
    weighted(digits, weights).is_multiple_of(11)
}

pub(super) fn weigh_in_turn(digits: &[u32], weights: &[u32], modulus: u32) -> bool {
    let weights = weights.iter().cycle();
    let sum: u32 = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum();
    sum.is_multiple_of(modulus)
}

/// ISO/IEC 7812-1, annex B.
pub(super) fn luhn(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let digits = digits.iter().rev().enumerate();
    let sum: u32 = digits
        .map(|(position, digit)| if position % 2 == 1 { doubled(*digit) } else { *digit })
        .sum();
    sum.is_multiple_of(10) && sum > 0
}

/// How a month is written in a date at the front of a number, `YYMMDD`.
#[derive(Clone, Copy)]
pub(super) enum Months {
    Plain,
    /// The century is added to it.
    Polish,
    /// 20, 50 or 70 may be added to it.
    Czech,
}

pub(super) fn date(digits: &[u32], months: Months) -> bool {
    let (month, day) = (at(digits, 2) * 10 + at(digits, 3), at(digits, 4) * 10 + at(digits, 5));
    let month = match months {
        Months::Plain => month,
        Months::Polish => month % 20,
        Months::Czech if month > 70 => month - 70,
        Months::Czech if month > 50 => month - 50,
        Months::Czech if month > 20 => month - 20,
        Months::Czech => month,
    };
    (1..=12).contains(&month) && (1..=31).contains(&day)
}

/// A country and a subscriber, 8 to 15 digits, with the prefix 00 or without one.
pub(super) fn phone(digits: &[u32]) -> bool {
    let digits = digits.strip_prefix(&[0, 0]).unwrap_or(digits);
    (8..=15).contains(&digits.len()) && varied(digits) && !starts(digits, &[0])
}

/// Visa, Mastercard, American Express, Discover, Diners Club, JCB, UnionPay, Maestro, Mir, RuPay, Elo, Troy.
pub(super) fn card(digits: &[u32]) -> bool {
    let four = digits.get(..4).map_or(0, number);
    let in_range = match digits.len() {
        13 | 19 => {
            four / 1000 == 4
                || matches!(four, 5018 | 5020 | 5038 | 6304 | 6759 | 6761..=6763 | 6200..=6299)
        }
        14 => matches!(four, 3000..=3059 | 3095 | 3600..=3699 | 3800..=3999),
        15 => matches!(four, 3400..=3499 | 3700..=3799),
        16 => matches!(
            four,
            4000..=4999 | 5100..=5599 | 2221..=2720 | 2200..=2204 | 3528..=3589 | 5018 | 5020 | 5038
                | 3000..=3059 | 3095 | 3600..=3699 | 3800..=3999 | 5041 | 5066..=5067 | 5090 | 6277 | 6362..=6363 | 9792
                | 6011 | 6440..=6599 | 6200..=6299 | 6304 | 6759 | 6761..=6763 | 6000..=6099 | 8100..=8171
        ),
        _ => false,
    };
    in_range && varied(digits) && luhn(digits)
}

/// The check digit at a position: weights from 2 upwards, from the right, beginning anew after `top`.
pub(super) fn br(digits: &[u32], position: usize, top: u32) -> bool {
    let weights = (2..=top).cycle();
    let before = digits.iter().take(position).rev();
    let sum: u32 = before.zip(weights).map(|(digit, weight)| digit * weight).sum();
    let check = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    check == at(digits, position)
}

/// 97 minus the remainder; for those born from 2000 on, with a 2 before the number.
pub(super) fn be_nn(digits: &[u32]) -> bool {
    let (Some(head), Some(tail)) = (digits.get(..9), digits.get(9..11)) else { return false };
    let (head, check) = (number(head), number(tail));
    digits.len() == 11
        && date(digits, Months::Polish)
        && (97 - head % 97 == check || 97 - (2_000_000_000 + head) % 97 == check)
}

/// ISO 7064, MOD 11,10; of the first ten digits one occurs twice or three times.
pub(super) fn de_steuer_id(digits: &[u32]) -> bool {
    if digits.len() != 11 || starts(digits, &[0]) {
        return false;
    }
    let product = digits.iter().take(10).fold(10, |product, digit| {
        let sum = match (product + digit) % 10 {
            0 => 10,
            sum => sum,
        };
        sum * 2 % 11
    });
    let head = || digits.iter().take(10);
    let repeated =
        (0..10).filter(|digit| (2..=3).contains(&head().filter(|other| *other == digit).count()));
    (11 - product) % 10 == at(digits, 10) && repeated.count() == 1
}

/// Verhoeff's check over the dihedral group of order ten.
pub(super) fn verhoeff(digits: &[u32]) -> bool {
    const STEPS: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let step = |digit: u32| {
        STEPS.get(usize::try_from(digit).unwrap_or_default()).copied().unwrap_or_default()
    };
    let join = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a - 5 + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let check = digits.iter().rev().enumerate().fold(0, |check, (position, digit)| {
        join(check, (0..position % 8).fold(*digit, |digit, _| step(digit)))
    });
    check == 0
}

/// Weights 2 to 7 from the right, beginning anew.
pub(super) fn jp_my_number(digits: &[u32]) -> bool {
    let sum: u32 = digits
        .iter()
        .take(11)
        .rev()
        .zip((2..=7).cycle())
        .map(|(digit, weight)| digit * weight)
        .sum();
    let check = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    check == at(digits, 11)
}

pub(super) fn pt_nif(digits: &[u32]) -> bool {
    let rest = weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { 0 } else { 11 - rest };
    check == at(digits, 8) && !starts(digits, &[0]) && !starts(digits, &[4])
}

pub(super) fn ro_cnp(digits: &[u32]) -> bool {
    let rest = weighted(digits, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]) % 11;
    let check = if rest == 10 { 1 } else { rest };
    let dated = digits.get(1..7).is_some_and(|digits| date(digits, Months::Plain));
    check == at(digits, 12) && dated && !starts(digits, &[0])
}

/// Luhn over the last ten digits; days of coordination numbers are 60 more.
pub(super) fn se_pnr(digits: &[u32]) -> bool {
    let ten = match digits.len() {
        10 => Some(digits),
        12 => digits.get(2..),
        _ => None,
    };
    ten.is_some_and(|digits| {
        let (month, day) = (at(digits, 2) * 10 + at(digits, 3), at(digits, 4) * 10 + at(digits, 5));
        (1..=12).contains(&month) && (1..=31).contains(&(day % 60)) && luhn(digits)
    })
}

pub(super) fn tr_tckn(digits: &[u32]) -> bool {
    let odd: u32 = digits.iter().take(9).step_by(2).sum();
    let even: u32 = digits.iter().take(8).skip(1).step_by(2).sum();
    let all: u32 = digits.iter().take(10).sum();
    !starts(digits, &[0])
        && (odd * 7 + 9 * even) % 10 == at(digits, 9)
        && all % 10 == at(digits, 10)
}

/// No area 000, 666 or from 900 on, no group 00, no serial 0000.
pub(super) fn us_ssn(digits: &[u32]) -> bool {
    let part = |from: usize, to: usize| digits.get(from..to).map_or(0, number);
    let (area, group, serial) = (part(0, 3), part(3, 5), part(5, 9));
    (1..900).contains(&area) && area != 666 && group > 0 && serial > 0
}
