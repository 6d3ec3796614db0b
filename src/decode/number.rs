//! Numbers, without loss.
//!
//! A record is RFC 8785 canonical JSON, whose numbers are IEEE 754 doubles. A number whose decimal
//! value does not survive the way through a double is kept as its text.

use std::borrow::Cow;
use std::fmt;

/// The integers up to here, of either sign, are exact in a double (2^53).
const EXACT_INTEGER_MAX: i64 = 1 << 53;

/// Decimal digits of which every integer is below [`EXACT_INTEGER_MAX`].
const EXACT_DIGITS: usize = 15;

/// A number of a body.
#[derive(Clone, PartialEq)]
pub enum Number<'a> {
    /// An integer within ±2^53.
    Integer(i64),
    /// A double whose shortest decimal form has the same value as the body's text.
    Double(f64),
    /// The text of any other number.
    Text(Cow<'a, str>),
}

impl<'a> Number<'a> {
    /// As [`Number::of`], for text that may be owned.
    pub(super) fn of_cow(text: Cow<'a, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::of(text),
            Cow::Owned(text) => match Number::of(&text) {
                Number::Integer(value) => Self::Integer(value),
                Number::Double(value) => Self::Double(value),
                Number::Text(_) => Self::Text(Cow::Owned(text)),
            },
        }
    }

    /// Reads text that has the form of a JSON number.
    pub(super) fn of(text: &'a str) -> Self {
        let integral = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        if integral
            && text.len() <= EXACT_DIGITS + 2
            && let Ok(integer) = text.parse::<i64>()
            && (-EXACT_INTEGER_MAX..=EXACT_INTEGER_MAX).contains(&integer)
        {
            return Self::Integer(integer);
        }
        match text.parse::<f64>() {
            Ok(double) if is_short(text) => Self::Double(double),
            Ok(double) if double.is_finite() && same_value(text, double) => Self::Double(double),
            _ => Self::Text(Cow::Borrowed(text)),
        }
    }
}

impl fmt::Display for Number<'_> {
    /// As it is recorded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Double(value) if value.is_finite() => {
                f.write_str(ryu_js::Buffer::new().format_finite(*value))
            }
            Self::Double(value) => value.fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Whether the text has the form of a JSON number.
pub(super) fn is_json_number(text: &str) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

/// Whether a number has so few digits that a double tells it from all others that have as few (C's
/// `DBL_DIG`), and no exponent.
fn is_short(text: &str) -> bool {
    text.len() <= EXACT_DIGITS && text.bytes().all(|byte| !matches!(byte, b'e' | b'E'))
}

/// Whether the shortest decimal form of `double` has the value that `text` has.
fn same_value(text: &str, double: f64) -> bool {
    match (decimal(text), decimal(&format!("{double:e}"))) {
        (Some(left), Some(right)) => left == right,
        _ => false,
    }
}

/// Sign, digits without zeroes at either end, and the exponent of the last digit. `None` where
/// the exponent is beyond anything a double has.
fn decimal(text: &str) -> Option<(bool, Vec<u8>, i64)> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i64 = i64::from(exponent.trim_start_matches('+').parse::<i32>().ok()?);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let (negative, whole) = whole.strip_prefix('-').map_or((false, whole), |rest| (true, rest));
    let mut digits: Vec<u8> =
        whole.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0').collect();
    let mut exponent = exponent - i64::try_from(fraction.len()).ok()?;
    while digits.last() == Some(&b'0') {
        digits.pop();
        exponent += 1;
    }
    if digits.is_empty() {
        return Some((false, digits, 0));
    }
    Some((negative, digits, exponent))
}
