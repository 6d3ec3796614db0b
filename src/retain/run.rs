//! A run: everything that is due, piece by piece, in the order that loses nothing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::SecondsFormat;
use serde_json::json;

use super::clock::Record;
use super::cut_off::CutOff;
use super::find::{Find, Going, Piece};
use super::memory::Memory;
use super::{KeptIn, Policy, RetainError, Survey};
use crate::archive::{self, FORMAT, Made};
use crate::clock::{Clock, Timestamp};
use crate::follow::{Heads, catch_up};
use crate::index::Index;
use crate::record::{Archived, Outcome as Ending, Purge, Scope, Stored, SystemEvent, system_entry};
use crate::recorder::{PURGE_BYTES, PURGE_ENTRIES, Recorder};
use crate::seal::Orders;
use crate::store::{LedgerReader, LedgerSource, Purged};

/// Between two steps of deleting it rests for as many times as long as the step took, so that appends
/// have the disk.
const REST: u32 = 4;
/// And at most this long.
const REST_MAX: Duration = Duration::from_millis(250);

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What was due and is gone, and what stays.
    pub survey: Survey,
    /// Purges that were put on record.
    pub purges: u64,
    /// Entries that are gone, with those of a purge that was cut off.
    pub entries: u64,
}

/// What retention works with.
pub struct Retention {
    source: LedgerSource,
    recorder: Recorder,
    pub(super) clock: Arc<dyn Clock>,
    orders: Orders,
    memory: Memory,
}

impl Retention {
    /// Retention of a ledger, through the recorder that writes to it, by signed orders.
    pub fn new(
        source: LedgerSource,
        recorder: Recorder,
        clock: Arc<dyn Clock>,
        orders: Orders,
    ) -> Self {
        Self { source, recorder, clock, orders, memory: Memory::default() }
    }

    /// What the ledger says of this process's clock.
    pub(super) async fn clock_on_record(&self) -> Result<Record, RetainError> {
        let mut reader = self.source.reader().await?;
        let writers = self.recorder.writers().await?;
        let Some(own) = writers.first() else { return Ok(Record::Plain) };
        let record = Record::of(&mut *reader, own, self.clock.now()).await?;
        reader.close().await?;
        Ok(record)
    }

    /// Does all that is due by a policy, with an index that it brings up to date.
    pub async fn run(&self, policy: &Policy, index: &mut Index) -> Result<Outcome, RetainError> {
        let mut outcome = Outcome::default();
        let mut reader = self.source.reader().await?;
        let writers = self.recorder.writers().await?;
        for (position, writer) in writers.iter().enumerate() {
            bring_up(&mut *reader, index).await?;
            let log = Log { retention: self, policy, writer, is_own: position == 0 };
            match log.run(&mut *reader, index, &mut outcome).await {
                // Of a writer that is gone somebody else takes care at the same time, or it lives again.
                Err(RetainError::Recorder(error)) if position > 0 && error.is_conflict() => {}
                done => done?,
            }
        }
        reader.close().await?;
        Ok(outcome)
    }
}

impl Policy {
    /// What would be purged of a ledger. Nothing is written.
    pub async fn survey(
        &self,
        reader: &mut dyn LedgerReader,
        index: &mut Index,
        now: Timestamp,
    ) -> Result<Survey, RetainError> {
        let mut survey = Survey::default();
        for writer in reader.writers().await? {
            if let Some(cut_off) = CutOff::find(&writer, reader, index, self, now).await? {
                let CutOff { going, held, .. } = cut_off;
                survey.add(Survey { cut_off: going.len() as u64, held, ..Survey::default() });
            }
            for mut window in Memory::default().windows(&writer, self, now) {
                loop {
                    let mut find =
                        Find { index, reader: &mut *reader, policy: self, now, keeps: false };
                    let piece = find.piece(&writer, window).await?;
                    survey.add(piece.survey);
                    let Some(next) = piece.next else { break };
                    window.from = next;
                }
            }
        }
        Ok(survey)
    }
}

async fn bring_up(reader: &mut dyn LedgerReader, index: &mut Index) -> Result<(), RetainError> {
    let heads = Heads::now(reader).await?;
    Ok(catch_up(reader, index, &heads).await?)
}

/// The log of one writer.
struct Log<'a> {
    retention: &'a Retention,
    policy: &'a Policy,
    writer: &'a str,
    /// It is the log of this process, which goes on meanwhile.
    is_own: bool,
}

impl Log<'_> {
    async fn run(
        &self,
        reader: &mut dyn LedgerReader,
        index: &mut Index,
        outcome: &mut Outcome,
    ) -> Result<(), RetainError> {
        self.finish_what_was_cut_off(reader, index, outcome).await?;
        match self.policy.purges() {
            true => self.purge_all(reader, index, outcome).await,
            false => Ok(()),
        }
    }

    async fn purge_all(
        &self,
        reader: &mut dyn LedgerReader,
        index: &mut Index,
        outcome: &mut Outcome,
    ) -> Result<(), RetainError> {
        let now = self.retention.clock.now();
        let windows = self.retention.memory.windows(self.writer, self.policy, now);
        for window in &windows {
            let mut window = *window;
            loop {
                let mut find =
                    Find { index, reader: &mut *reader, policy: self.policy, now, keeps: true };
                let piece = find.piece(self.writer, window).await?;
                let next = piece.next;
                if !piece.events.is_empty() {
                    outcome.entries += self.purge(&piece, reader, index).await?;
                    outcome.purges += 1;
                }
                outcome.survey.add(piece.survey);
                let Some(next) = next else { break };
                window.from = next;
            }
        }
        self.retention.memory.done(self.writer, self.policy, &windows, now);
        Ok(())
    }

    /// The whole way of one piece. Returns how many entries are gone.
    async fn purge(
        &self,
        piece: &Piece,
        reader: &mut dyn LedgerReader,
        index: &mut Index,
    ) -> Result<u64, RetainError> {
        let mut entries: Vec<Stored> = Vec::new();
        for event in &piece.events {
            entries.push(event.first.clone());
            entries.extend(event.second.clone());
        }
        entries.sort_unstable_by_key(|entry| entry.seq);
        let mut purge = Purge {
            ranges: entries.iter().map(|entry| entry.seq).collect(),
            entries: entries.len() as u64,
            events: piece.events.len() as u64,
            categories: piece.survey.due.clone(),
            from: piece.survey.oldest(),
            to: piece.survey.newest(),
            policy: self.policy.on_record(),
            archive: None,
            order: None,
        };
        self.retention.orders.check(self.writer, &entries)?;
        purge.archive = self.archive(&purge, &entries).await?;
        purge.order = self.retention.orders.sign(self.writer, &purge)?;
        drop(entries);
        let by = self.record(&purge).await?;
        tracing::info!(
            writer = self.writer,
            seq = by,
            events = purge.events,
            from = purge.from,
            to = purge.to,
            archive = purge.archive.as_ref().map(|archive| &archive.object),
            "events are purged by the retention policy"
        );
        // Nobody finds any more what is about to go.
        bring_up(reader, index).await?;
        self.take_out(by, &piece.events).await?;
        Ok(purge.entries)
    }

    async fn archive(
        &self,
        purge: &Purge,
        entries: &[Stored],
    ) -> Result<Option<Archived>, RetainError> {
        let KeptIn::Archive(place) = &self.policy.archive else { return Ok(None) };
        let now = self.retention.clock.now();
        let header = archive::Header {
            countersign_archive: FORMAT,
            made_by: env!("CARGO_PKG_VERSION").to_owned(),
            made_at: now.to_rfc3339_opts(SecondsFormat::Millis, true),
            writer: self.writer.to_owned(),
            ranges: purge.ranges.clone(),
            entries: purge.entries,
            events: purge.events,
            from: purge.from.clone(),
            to: purge.to.clone(),
            categories: purge.categories.clone(),
            policy: purge.policy.clone(),
        };
        let made = Made::of(header, entries, now)?;
        Ok(Some(archive::keep(place, made).await?))
    }

    /// Puts the purge on record, in the log that it is of.
    async fn record(&self, purge: &Purge) -> Result<u64, RetainError> {
        let count = purge.events;
        let description = format!("{count} events purged by the retention policy");
        let event = SystemEvent {
            verb: "purge",
            outcome: Ending::Success,
            description: &description,
            reason: None,
        };
        let entry =
            system_entry(&*self.retention.clock, event, Scope::new(), json!({ "purge": purge }))?;
        let recorder = &self.retention.recorder;
        Ok(match self.is_own {
            true => recorder.event(entry).await?,
            false => recorder.event_for(self.writer, entry).await?,
        })
    }

    /// Takes the entries out, in small steps; of an event both halves in the same.
    async fn take_out(&self, by: u64, events: &[Going]) -> Result<(), RetainError> {
        let mut step: Vec<Purged> = Vec::new();
        let mut bytes = 0;
        for event in events {
            let halves = [Some(&event.first), event.second.as_ref()];
            for entry in halves.into_iter().flatten() {
                bytes += entry.doc.len();
                step.push(Purged { seq: entry.seq, leaf: entry.leaf.clone(), by });
            }
            if step.len() + 2 > PURGE_ENTRIES || bytes >= PURGE_BYTES {
                self.step(std::mem::take(&mut step)).await?;
                bytes = 0;
            }
        }
        if step.is_empty() { Ok(()) } else { self.step(step).await }
    }

    async fn step(&self, purged: Vec<Purged>) -> Result<(), RetainError> {
        let began = Instant::now();
        self.retention.recorder.purge(self.writer, purged).await?;
        tokio::time::sleep(REST_MAX.min(began.elapsed() * REST)).await;
        Ok(())
    }

    /// What the last purge names and is still there goes now. Its archive is looked at again before.
    async fn finish_what_was_cut_off(
        &self,
        reader: &mut dyn LedgerReader,
        index: &mut Index,
        outcome: &mut Outcome,
    ) -> Result<(), RetainError> {
        let now = self.retention.clock.now();
        let cut_off = CutOff::find(self.writer, reader, index, self.policy, now).await?;
        let Some(CutOff { by, purge, going, held }) = cut_off else { return Ok(()) };
        if !held.is_empty() {
            let (count, writer): (u64, _) = (held.values().sum(), self.writer);
            tracing::warn!(
                writer,
                seq = by,
                held = count,
                "a hold keeps events of a purge that was cut off"
            );
            outcome.survey.add(Survey { held, ..Survey::default() });
        }
        if going.is_empty() {
            return Ok(());
        }
        let halves = || going.iter().flat_map(|it| [Some(&it.first), it.second.as_ref()]).flatten();
        self.retention.orders.check(self.writer, halves())?;
        if let (Some(archived), KeptIn::Archive(place)) = (&purge.archive, &self.policy.archive)
            && archive::Place::parse(&archived.location).is_ok_and(|it| it.absolute() == *place)
        {
            archive::is_there(place, archived).await?;
        }
        let entries = halves().count() as u64;
        tracing::info!(writer = self.writer, seq = by, entries, "a purge that was cut off goes on");
        self.take_out(by, &going).await?;
        outcome.entries += entries;
        outcome.survey.cut_off += going.len() as u64;
        Ok(())
    }
}
