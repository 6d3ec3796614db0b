//! How far an export, or a verification, is: a bar on a terminal, else a line now and then.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often a terminal is told.
const REDRAW: Duration = Duration::from_millis(100);
/// How often a log is told.
const LINE: Duration = Duration::from_secs(10);
/// Characters of a bar.
const BAR: u64 = 24;

/// Tells how far it is, on standard error.
pub(in crate::cli) struct Progress {
    began: Instant,
    told: Instant,
    /// What is counted, in the plural.
    counted: &'static str,
    /// Events that were there before.
    before: u64,
    total: Option<u64>,
    is_terminal: bool,
    drawn: bool,
}

impl Progress {
    pub(in crate::cli) fn new(counted: &'static str, before: u64) -> Self {
        let now = Instant::now();
        let is_terminal = io::stderr().is_terminal();
        Self { began: now, told: now, counted, before, total: None, is_terminal, drawn: false }
    }

    /// Whether it is worth to ask how many events there will be.
    pub(in crate::cli) fn wants_total(&self) -> bool {
        self.is_terminal
    }

    /// So many events there will be.
    pub(in crate::cli) fn total(&mut self, total: u64) {
        self.total = Some(total);
    }

    /// So many are there, with so many bytes, if those are counted.
    pub(in crate::cli) fn at(&mut self, rows: u64, bytes: Option<u64>) {
        let pause = if self.is_terminal { REDRAW } else { LINE };
        if self.told.elapsed() < pause {
            return;
        }
        self.told = Instant::now();
        let since = self.began.elapsed();
        let new = rows.saturating_sub(self.before);
        let text = line(self.counted, rows, bytes, new, since, self.total);
        let told = match self.is_terminal {
            true => write!(io::stderr(), "\r\u{1b}[2K{text}"),
            false => writeln!(io::stderr(), "{text}"),
        };
        // Nobody has to watch.
        told.and_then(|()| io::stderr().flush()).ok();
        self.drawn = self.is_terminal;
    }

    /// Makes room for what is said next.
    pub(in crate::cli) fn end(&self) {
        if self.drawn {
            write!(io::stderr(), "\r\u{1b}[2K").ok();
        }
    }
}

/// What is told: of `new` ones since the beginning.
pub(super) fn line(
    counted: &str,
    rows: u64,
    bytes: Option<u64>,
    new: u64,
    since: Duration,
    total: Option<u64>,
) -> String {
    let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX).max(1);
    let rate = new.saturating_mul(1000) / millis;
    let bytes = bytes.map(|bytes| format!("{} · ", size(bytes))).unwrap_or_default();
    let told = format!("{bytes}{}/s", thousands(rate));
    // Events that were added since are not in the export; without one there is no share.
    let Some(total) = total.filter(|total| *total >= rows && *total > 0) else {
        return format!("{} {counted} · {told}", thousands(rows));
    };
    let full = usize::try_from(rows.saturating_mul(BAR) / total).unwrap_or_default();
    let empty = usize::try_from(BAR).unwrap_or_default().saturating_sub(full);
    let bar = format!("{}{}", "█".repeat(full), "░".repeat(empty));
    let left = match rate {
        0 => String::new(),
        rate => format!(" · {} left", span((total - rows) / rate)),
    };
    format!(
        "{bar} {}% · {} of {} {counted} · {told}{left}",
        rows.saturating_mul(100) / total,
        thousands(rows),
        thousands(total)
    )
}

fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}

/// `12,345`.
pub(in crate::cli) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1.2 MiB`.
pub(in crate::cli) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let mut tenths = bytes.saturating_mul(10);
    let mut unit = "B";
    for next in UNITS {
        if tenths < 10_240 {
            break;
        }
        (tenths, unit) = (tenths / 1024, next);
    }
    match unit {
        "B" => format!("{bytes} B"),
        unit => format!("{}.{} {unit}", tenths / 10, tenths % 10),
    }
}
