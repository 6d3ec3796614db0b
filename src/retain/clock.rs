//! Whether the clock can be believed: what is too old is told by it, and what was purged does not come back.
//!
//! A database that others use as well has a clock of its own, and a clock that is far from that one is not
//! believed. Elsewhere the ledger itself says how late it was. A clock that is days ahead of what came before may
//! be right, since the proxy did not run, and may be wrong. It is told, and believed after a day in which it
//! went as clocks go: so long somebody has to see it.

use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::RetainError;
use crate::clock::Timestamp;
use crate::store::{LedgerReader, StoreError};

/// So far a clock may be from that of the database.
const SKEW: TimeDelta = TimeDelta::minutes(1);
/// So far it may be ahead of what came before: a weekend, and some.
const AHEAD: TimeDelta = TimeDelta::days(3);
/// After so long it is believed.
const WAIT: TimeDelta = TimeDelta::days(1);

/// What the ledger says of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Record {
    /// Nothing against it.
    Plain,
    /// So far it is from the clock of the database.
    Skewed(TimeDelta),
    /// The ledger ended at the one time, and goes on, if it does, at the other one, days later.
    Ahead {
        /// The newest before.
        before: Timestamp,
        /// The first one after that.
        since: Option<Timestamp>,
    },
}

impl Record {
    /// Asks a ledger.
    pub(super) async fn of(
        reader: &mut dyn LedgerReader,
        writer: &str,
        now: Timestamp,
    ) -> Result<Self, StoreError> {
        if let Some(time) = reader.time().await? {
            let skew = (now - time).abs();
            return Ok(if skew > SKEW { Self::Skewed(skew) } else { Self::Plain });
        }
        let head = reader.head(writer).await?;
        // The first entry of the last day, by halving: times grow with numbers, but for a little.
        let (mut low, mut high) = (0, head);
        let mut since = None;
        while low < high {
            let middle = low + (high - low) / 2;
            match time_after(reader, writer, middle).await? {
                Some(time) if time <= now - WAIT => low = middle + 1,
                time => (high, since) = (middle, time),
            }
        }
        let Some(last) = high.checked_sub(1) else { return Ok(Self::Plain) };
        let before = time_after(reader, writer, last).await?.unwrap_or(now);
        // What is later than now was written by a clock that was wrong then.
        match since.unwrap_or(now).min(now) - before > AHEAD {
            true => Ok(Self::Ahead { before, since }),
            false => Ok(Self::Plain),
        }
    }
}

/// When the first entry after this number began.
async fn time_after(
    reader: &mut dyn LedgerReader,
    writer: &str,
    seq: u64,
) -> Result<Option<Timestamp>, StoreError> {
    let next = reader.read_after(writer, seq, 1).await?;
    let time = next.first().and_then(|entry| entry.id.time_ms());
    Ok(time.and_then(Timestamp::from_timestamp_millis))
}

/// Fails where a clock may be wrong, as far as the ledger alone can tell.
pub async fn require_right(
    reader: &mut dyn LedgerReader,
    writer: &str,
    now: Timestamp,
) -> Result<(), RetainError> {
    match Record::of(reader, writer, now).await? {
        Record::Plain => Ok(()),
        Record::Skewed(skew) => Err(skewed(skew)),
        Record::Ahead { before, .. } => Err(ahead(now - before)),
    }
}

fn skewed(by: TimeDelta) -> RetainError {
    RetainError::Skewed { seconds: by.num_seconds() }
}

fn ahead(by: TimeDelta) -> RetainError {
    RetainError::Ahead { days: by.num_days() }
}

/// What the clock said at a moment that the machine measures otherwise.
#[derive(Debug, Clone, Copy)]
struct Moment(Timestamp, Instant);

impl Moment {
    /// What it should say at another one.
    fn expected(self, at: Instant) -> Timestamp {
        let passed = at.saturating_duration_since(self.1);
        self.0 + TimeDelta::from_std(passed).unwrap_or(TimeDelta::MAX / 4)
    }
}

/// Watches the clock of a process.
#[derive(Debug, Default)]
pub(super) struct ClockWatch {
    believed: Option<Moment>,
    doubted: Option<Moment>,
}

impl ClockWatch {
    /// Whether the clock, which says `now` at the moment `at`, can be believed. What came before the process
    /// is told by `record`.
    pub(super) fn judge(
        &mut self,
        record: Record,
        now: Timestamp,
        at: Instant,
    ) -> Result<(), RetainError> {
        let is_first = self.believed.is_none() && self.doubted.is_none();
        match record {
            Record::Skewed(skew) => return Err(skewed(skew)),
            Record::Ahead { before, since } if is_first => {
                let since = since.unwrap_or(now);
                let known = (now - since).to_std().unwrap_or(Duration::ZERO);
                self.believed = Some(Moment(before, at));
                self.doubted = Some(Moment(since, at.checked_sub(known).unwrap_or(at)));
            }
            Record::Plain if is_first => self.believed = Some(Moment(now, at)),
            Record::Plain | Record::Ahead { .. } => {}
        }
        let before = self.believed.map_or(now, |believed| believed.expected(at));
        if now - before <= AHEAD {
            self.doubted = None;
            // A clock that was put back is not believed less when it is put right again.
            self.believed = Some(Moment(now.max(before), at));
            return Ok(());
        }
        match self.doubted {
            Some(doubted) if now - doubted.expected(at) <= AHEAD => {
                let seen = TimeDelta::from_std(at.saturating_duration_since(doubted.1));
                if seen.is_ok_and(|seen| seen < WAIT) {
                    return Err(ahead(now - before));
                }
                *self = Self { believed: Some(Moment(now, at)), doubted: None };
                Ok(())
            }
            _ => {
                self.doubted = Some(Moment(now, at));
                Err(ahead(now - before))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn day(day: i64) -> Timestamp {
        let first: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        first + TimeDelta::days(day)
    }

    #[test]
    fn a_clock_that_goes_as_clocks_go_is_believed_however_little_is_recorded() {
        let (mut watch, begun) = (ClockWatch::default(), Instant::now());
        for hours in 0..2000_u32 {
            let now = day(0) + TimeDelta::hours(i64::from(hours));
            assert!(watch.judge(Record::Plain, now, begun + HOUR * hours).is_ok(), "{hours}");
        }
        // Put back, and right again.
        assert!(watch.judge(Record::Plain, day(1), begun + HOUR * 2000).is_ok());
        assert!(watch.judge(Record::Plain, day(84), begun + HOUR * 2001).is_ok());
    }

    #[test]
    fn a_start_days_after_the_newest_entry_waits_for_a_day() {
        let (mut watch, begun) = (ClockWatch::default(), Instant::now());
        let record = Record::Ahead { before: day(0), since: Some(day(400)) };
        for hours in 0..24_u32 {
            let now = day(400) + TimeDelta::hours(i64::from(hours));
            let error = watch.judge(record, now, begun + HOUR * hours).unwrap_err();
            assert_eq!(error.reason(), "clock", "{hours}");
            assert!(error.to_string().contains("400 days"), "{error}");
        }
        assert!(watch.judge(Record::Plain, day(401), begun + HOUR * 24).is_ok());
        assert!(watch.judge(Record::Plain, day(402), begun + HOUR * 48).is_ok());
        // Put right before, it is believed at once.
        let (mut watch, begun) = (ClockWatch::default(), Instant::now());
        assert!(watch.judge(record, day(400), begun).is_err());
        assert!(watch.judge(Record::Plain, day(0), begun + HOUR).is_ok());
        assert!(watch.judge(Record::Plain, day(400), begun + HOUR * 2).is_err());
    }

    #[test]
    fn a_clock_that_jumps_while_the_process_runs_is_not_believed_for_a_day() {
        let (mut watch, begun) = (ClockWatch::default(), Instant::now());
        assert!(watch.judge(Record::Plain, day(0), begun).is_ok());
        assert!(watch.judge(Record::Plain, day(2), begun + HOUR).is_ok(), "a machine that slept");
        assert!(watch.judge(Record::Plain, day(30), begun + HOUR * 2).is_err());
        // Every jump begins a day of its own.
        assert!(watch.judge(Record::Plain, day(60), begun + HOUR * 25).is_err());
        assert!(watch.judge(Record::Plain, day(61), begun + HOUR * 48).is_err());
        assert!(watch.judge(Record::Plain, day(61), begun + HOUR * 49).is_ok());
    }
}
