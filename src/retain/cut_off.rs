//! A purge that is on record, and of which not everything is done.

use std::collections::BTreeMap;

use super::find::{Going, marked};
use super::{Policy, RetainError, Verdict};
use crate::clock::Timestamp;
use crate::index::{Condition, Field, Index, Row, Search, View};
use crate::record::{PURGE_ACTION, Purge, Stored};
use crate::store::LedgerReader;

/// Events about purges that are looked at.
const PURGES: u32 = 1_000;
/// Entries that are read in one go.
const READ: u32 = 1_000;

/// What the last purge of a log names and is still there.
pub(super) struct CutOff {
    /// The number of its event.
    pub(super) by: u64,
    pub(super) purge: Purge,
    /// What is to go.
    pub(super) going: Vec<Going>,
    /// What is held by now and so stays, by the name of the hold.
    pub(super) held: BTreeMap<String, u64>,
}

impl CutOff {
    /// Looks at the last purge of the log of `writer`, if there is one.
    pub(super) async fn find(
        writer: &str,
        reader: &mut dyn LedgerReader,
        index: &mut Index,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Option<Self>, RetainError> {
        let Some((by, purge)) = last_purge(writer, reader, index).await? else { return Ok(None) };
        let mut found = Self { by, purge, going: Vec::new(), held: BTreeMap::new() };
        for event in left(writer, reader, &found.purge).await?.into_values() {
            let rows = Row::of(&event.first, event.second.as_ref());
            match policy.verdict(&rows, now) {
                Verdict::Held(hold) => *found.held.entry(hold.name.clone()).or_default() += 1,
                _ => found.going.push(event),
            }
        }
        Ok(Some(found))
    }
}

/// The last purge of a log, with the number of its event.
async fn last_purge(
    writer: &str,
    reader: &mut dyn LedgerReader,
    index: &mut Index,
) -> Result<Option<(u64, Purge)>, RetainError> {
    let search = Search {
        view: View::Everything,
        conditions: vec![Condition::AnyOf(Field::Action, vec![PURGE_ACTION.to_owned()])],
        after: None,
        offset: 0,
        limit: PURGES,
    };
    let mut last: Option<(u64, Purge)> = None;
    for row in index.search(&search).await?.rows {
        if row.writer != writer || last.as_ref().is_some_and(|(seq, _)| *seq > row.seq) {
            continue;
        }
        let entry = reader.entry(writer, row.seq).await?;
        if let Some(purge) = entry.as_ref().and_then(Purge::of) {
            last = Some((row.seq, purge));
        }
    }
    Ok(last)
}

/// The events that a purge names and that are there, by the numbers of their first entries.
async fn left(
    writer: &str,
    reader: &mut dyn LedgerReader,
    purge: &Purge,
) -> Result<BTreeMap<u64, Going>, RetainError> {
    let mut events: BTreeMap<u64, Going> = BTreeMap::new();
    for range in purge.ranges.iter() {
        let mut after = *range.start() - 1;
        while after < *range.end() {
            let limit = u32::try_from(range.end() - after).unwrap_or(u32::MAX).min(READ);
            let found = reader.read_after(writer, after, limit).await?;
            let Some(last) = found.last() else { break };
            after = last.seq;
            let is_named = |entry: &Stored| purge.ranges.contains(entry.seq);
            for entry in found.into_iter().filter(is_named) {
                match entry.intent.and_then(|intent| events.get_mut(&intent)) {
                    Some(event) => event.second = Some(entry),
                    None => drop(events.insert(entry.seq, Going { first: entry, second: None })),
                }
            }
        }
    }
    let second = |event: &Going| event.second.as_ref().map(|second| second.seq);
    let seqs: Vec<u64> =
        events.iter().flat_map(|(seq, event)| [Some(*seq), second(event)]).flatten().collect();
    let marked = marked(writer, reader, seqs.iter()).await?;
    events.retain(|seq, event| {
        !marked.contains(seq) && second(event).is_none_or(|seq| !marked.contains(&seq))
    });
    Ok(events)
}
