//! The log over time: cards with totals, and bars to zoom into.

use chrono::{DateTime, TimeDelta};

use super::moment::grouped;
use super::question::{Question, Window};
use crate::api::Stats;
use crate::clock::Timestamp;

/// Bars that are asked for.
pub(super) const BARS: i64 = 60;
/// Units of the drawing a bar is wide, and the drawing high.
const STEP: usize = 10;
const HEIGHT: f64 = 100.0;
/// The least height of what is there at all.
const LEAST: f64 = 2.0;
/// Labels below the drawing.
const TICKS: i32 = 4;

/// The drawing.
pub(super) struct Chart {
    pub(super) width: usize,
    /// When the first bar begins, in milliseconds since 1970, how long each is, and how many there
    /// are, with those that are empty.
    pub(super) begin_ms: i64,
    pub(super) step_ms: i64,
    pub(super) count: usize,
    /// Those that stand for anything.
    pub(super) bars: Vec<ChartBar>,
    pub(super) ticks: Vec<String>,
    /// The tallest bar stands for so many.
    pub(super) most: String,
    /// How long a bar is.
    pub(super) unit: String,
    /// The window twice as long, with this one in its middle, or at the end that is open; none where all is shown.
    pub(super) wider: Option<String>,
}

/// One bar.
pub(super) struct ChartBar {
    pub(super) x: usize,
    pub(super) parts: Vec<Part>,
    /// The same question, of this time alone.
    pub(super) link: String,
    /// What it says.
    pub(super) label: String,
    pub(super) when: String,
    pub(super) total: String,
    pub(super) warned: u64,
    pub(super) failed: u64,
}

/// A part of a bar, from below.
pub(super) struct Part {
    pub(super) tone: &'static str,
    pub(super) y: String,
    pub(super) height: String,
}

/// One number.
pub(super) struct Card {
    pub(super) name: &'static str,
    pub(super) number: String,
    pub(super) tone: &'static str,
    pub(super) icon: &'static str,
    /// The events that it counts.
    pub(super) link: Option<String>,
    /// These are what is shown.
    pub(super) is_on: bool,
}

impl Chart {
    pub(super) fn of(stats: &Stats, question: &Question) -> Option<Self> {
        let (since, until) = (time(&stats.since)?, time(&stats.until)?);
        let length = TimeDelta::milliseconds(stats.bar_ms);
        let most = stats.histogram.iter().map(|bar| bar.counts.total).max().unwrap_or(0);
        let bars = stats.histogram.iter().enumerate().filter_map(|(index, stretch)| {
            let counts = &stretch.counts;
            if counts.total == 0 {
                return None;
            }
            let from = time(&stretch.time)?;
            let to = from + length;
            let (link_from, link_to) = (iso(from), iso(to));
            let quiet = counts.total.saturating_sub(counts.warned + counts.failed);
            let parts = [("quiet", quiet), ("warn", counts.warned), ("bad", counts.failed)];
            let when = format!("{} – {}", from.format("%Y-%m-%d %H:%M"), shorter(from, to));
            Some(ChartBar {
                x: index * STEP,
                parts: stacked(parts, most),
                link: question.within(Some(&link_from), Some(&link_to)).link(),
                label: format!("{when} UTC: {}", said(counts.total, counts.warned, counts.failed)),
                when,
                total: grouped(counts.total),
                warned: counts.warned,
                failed: counts.failed,
            })
        });
        let begin = stats.histogram.first().and_then(|bar| time(&bar.time))?;
        let end = begin + length * i32::try_from(stats.histogram.len()).ok()?;
        Some(Self {
            width: stats.histogram.len().max(1) * STEP,
            begin_ms: begin.timestamp_millis(),
            step_ms: stats.bar_ms,
            count: stats.histogram.len(),
            bars: bars.collect(),
            ticks: ticks(begin, end),
            most: grouped(most),
            unit: unit(stats.bar_ms),
            wider: wider(question, since, until),
        })
    }
}

/// What has no end, or no beginning, has none when it is wider.
fn wider(question: &Question, since: Timestamp, until: Timestamp) -> Option<String> {
    let (begins, ends) = match question.window() {
        Window::Everything => return None,
        Window::Last(_) => (true, false),
        Window::Between(begin, end) => (begin.is_some(), end.is_some()),
    };
    let more = if begins && ends { (until - since) / 2 } else { until - since };
    let (since, until) = (iso(since - more), iso(until + more));
    Some(question.within(begins.then_some(&*since), ends.then_some(&*until)).link())
}

/// The cards; `actors` is how many there are, if that is known.
pub(super) fn cards(stats: &Stats, question: &Question, actors: Option<String>) -> Vec<Card> {
    let total = &stats.total;
    let severe = |severity| {
        let is_on = question.values("severity").eq([severity]);
        let link = match is_on {
            true => question.without("severity"),
            false => question.with("severity", severity),
        };
        (Some(link.link()), is_on)
    };
    let card = |name, number, tone, icon, (link, is_on)| Card {
        name,
        number: grouped(number),
        tone,
        icon,
        link,
        is_on,
    };
    let mut cards = vec![
        card("Events", total.total, "plain", "list", (None, false)),
        card("Failed", total.failed, "bad", "cross", severe("fail")),
        card("Warnings", total.warned, "warn", "alert", severe("warn")),
    ];
    if total.pending > 0 {
        let link = Some(question.with("outcome", "pending").link());
        cards.push(card("Pending", total.pending, "quiet", "clock", (link, false)));
    }
    if let Some(number) = actors {
        let (name, tone, icon) = ("Actors", "plain", "person");
        cards.push(Card { name, number, tone, icon, link: None, is_on: false });
    }
    cards
}

fn stacked(parts: [(&'static str, u64); 3], most: u64) -> Vec<Part> {
    let mut top = HEIGHT;
    let parts = parts.into_iter().filter(|(_, count)| *count > 0).map(|(tone, count)| {
        // Counts are far below what the type cannot hold exactly.
        let height = (count as f64 / most.max(1) as f64 * HEIGHT).max(LEAST);
        top = (top - height).max(0.0);
        Part { tone, y: format!("{top:.1}"), height: format!("{height:.1}") }
    });
    parts.collect()
}

fn said(total: u64, warned: u64, failed: u64) -> String {
    let mut text = match total {
        1 => "1 event".to_owned(),
        _ => format!("{} events", grouped(total)),
    };
    if failed > 0 {
        text.push_str(&format!(", {failed} failed"));
    }
    if warned > 0 {
        let plural = if warned == 1 { "" } else { "s" };
        text.push_str(&format!(", {warned} warning{plural}"));
    }
    text
}

fn ticks(since: Timestamp, until: Timestamp) -> Vec<String> {
    let span = until - since;
    let format = match span.num_hours() {
        _ if span.num_seconds() < 10 => "%H:%M:%S%.3f",
        _ if span.num_minutes() < 5 => "%H:%M:%S",
        ..=26 => "%H:%M",
        27..=96 => "%a %H:%M",
        97..=3000 => "%b %-d",
        _ => "%b %Y",
    };
    (0..=TICKS).map(|tick| (since + span / TICKS * tick).format(format).to_string()).collect()
}

fn unit(ms: i64) -> String {
    let parts = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")];
    let fits = parts.into_iter().find(|(length, _)| ms >= *length && ms % length == 0);
    match fits.map(|(length, name)| (ms / length, name)) {
        Some((1, name)) => format!("1 {name}"),
        Some((count, name)) => format!("{count} {name}s"),
        None => format!("{ms} ms"),
    }
}

fn shorter(from: Timestamp, to: Timestamp) -> String {
    let seconds = (to - from).num_seconds() % 60 != 0;
    let format = match from.date_naive() == to.date_naive() {
        _ if seconds => "%H:%M:%S",
        true => "%H:%M",
        false => "%Y-%m-%d %H:%M",
    };
    to.format(format).to_string()
}

fn time(text: &str) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc())
}

fn iso(time: Timestamp) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}
