//! Points in time, as people read them.

use chrono::DateTime;

use crate::clock::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// Beyond so many days a date says more than their number.
const DAYS_SHOWN: i64 = 30;

/// A point in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// For programs: RFC 3339.
    pub(super) iso: String,
    /// In full, in UTC.
    pub(super) absolute: String,
    /// Seen from now.
    pub(super) relative: String,
    /// In short, in UTC.
    pub(super) clock: String,
}

impl Moment {
    /// Of RFC 3339; what is none is shown as it is.
    pub(super) fn parse(text: &str, now: Timestamp) -> Self {
        match DateTime::parse_from_rfc3339(text) {
            Ok(time) => Self::of(time.to_utc(), now),
            Err(_) => {
                let (text, clock) = (text.to_owned(), String::new());
                Self { iso: String::new(), absolute: text.clone(), relative: text, clock }
            }
        }
    }

    /// Of a time in milliseconds since 1970.
    pub(super) fn of_ms(ms: i64, now: Timestamp) -> Self {
        Self::of(DateTime::from_timestamp_millis(ms).unwrap_or_default(), now)
    }

    fn of(time: Timestamp, now: Timestamp) -> Self {
        Self {
            iso: time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            absolute: time.format("%Y-%m-%d %H:%M:%S%.3f UTC").to_string(),
            relative: relative(time, now),
            clock: clock(time, now),
        }
    }
}

fn relative(time: Timestamp, now: Timestamp) -> String {
    let seconds = (now - time).num_seconds();
    match seconds {
        // Clocks of several machines differ a little.
        ..-5 => time.format("%Y-%m-%d %H:%M").to_string(),
        -5..10 => "just now".to_owned(),
        10..MINUTE => format!("{seconds} s ago"),
        MINUTE..HOUR => format!("{} min ago", seconds / MINUTE),
        HOUR..DAY => format!("{} h ago", seconds / HOUR),
        _ if seconds < DAYS_SHOWN * DAY => format!("{} d ago", seconds / DAY),
        _ => time.format("%Y-%m-%d").to_string(),
    }
}

fn clock(time: Timestamp, now: Timestamp) -> String {
    let format = match time.format("%Y").to_string() == now.format("%Y").to_string() {
        _ if time.date_naive() == now.date_naive() => "%H:%M:%S",
        true => "%b %-d, %H:%M:%S",
        false => "%Y-%m-%d %H:%M",
    };
    time.format(format).to_string()
}

/// A whole number with its digits in groups.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
