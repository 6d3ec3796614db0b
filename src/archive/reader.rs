//! Archives as a ledger that can be read: the index, queries and exports work on them as on any other.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::DateTime;

use super::{ArchiveError, Contents, Manifest, Place, check, manifests};
use crate::index::Condition;
use crate::record::{EventId, Stored};
use crate::store::{LedgerReader, Purged, StoreError};

/// Archives that are kept in memory at one time: what is read next stands mostly in the same.
const OPEN: usize = 2;

/// The archives of one place. Each is read, and checked, when something of it is wanted.
pub struct ArchiveReader {
    place: Place,
    manifests: Vec<Manifest>,
    damaged: Vec<ArchiveError>,
    /// The last ones that were read, by their positions.
    open: Vec<(usize, Arc<Contents>)>,
}

impl ArchiveReader {
    /// Finds out what there is.
    pub async fn open(place: Place) -> Result<Self, ArchiveError> {
        let (manifests, damaged) = manifests(&place).await?;
        Ok(Self { place, manifests, damaged, open: Vec::new() })
    }

    /// Why some archives are not read: their manifests are none.
    pub fn damaged(&self) -> &[ArchiveError] {
        &self.damaged
    }

    /// What there is, oldest purge first.
    pub fn manifests(&self) -> &[Manifest] {
        &self.manifests
    }

    /// From here on only archives that may hold events which meet the conditions.
    pub fn only(&mut self, conditions: &[Condition]) {
        let ms =
            |time: &str| DateTime::parse_from_rfc3339(time).map(|it| it.timestamp_millis()).ok();
        let may_hold = |manifest: &Manifest, condition: &Condition| match condition {
            Condition::Since(time) => ms(&manifest.header.to).is_none_or(|to| to >= *time),
            Condition::Until(time) => ms(&manifest.header.from).is_none_or(|from| from < *time),
            _ => true,
        };
        self.open.clear();
        self.manifests.retain(|it| conditions.iter().all(|condition| may_hold(it, condition)));
    }

    async fn contents(&mut self, position: usize) -> Result<Arc<Contents>, StoreError> {
        if let Some((_, contents)) = self.open.iter().find(|(known, _)| *known == position) {
            return Ok(Arc::clone(contents));
        }
        let Some(manifest) = self.manifests.get(position) else { return Err(StoreError::Closed) };
        let contents = check(&self.place, manifest).await;
        let contents = Arc::new(contents.map_err(|error| StoreError::Failed(error.into()))?);
        if self.open.len() >= OPEN {
            self.open.remove(0);
        }
        self.open.push((position, Arc::clone(&contents)));
        Ok(contents)
    }

    /// Which archives have entries of `writer` after a number, and the first such number of each, in
    /// the order of these.
    fn after(&self, writer: &str, after: u64) -> Vec<(u64, usize)> {
        let first = |manifest: &Manifest| {
            let ranges = manifest.header.ranges.iter();
            ranges
                .filter(|range| *range.end() > after)
                .map(|it| *it.start().max(&(after + 1)))
                .min()
        };
        let archives = self.manifests.iter().enumerate();
        let mut found: Vec<(u64, usize)> = archives
            .filter(|(_, manifest)| manifest.header.writer == writer)
            .filter_map(|(position, manifest)| Some((first(manifest)?, position)))
            .collect();
        found.sort_unstable();
        found
    }

    async fn find(
        &mut self,
        writer: &str,
        seqs: &[u64],
    ) -> Result<BTreeMap<u64, Stored>, StoreError> {
        let mut found = BTreeMap::new();
        for position in 0..self.manifests.len() {
            let holds = |manifest: &Manifest| {
                let new =
                    |seq: &u64| !found.contains_key(seq) && manifest.header.ranges.contains(*seq);
                manifest.header.writer == writer && seqs.iter().any(new)
            };
            if !self.manifests.get(position).is_some_and(holds) {
                continue;
            }
            for entry in &self.contents(position).await?.entries {
                if seqs.contains(&entry.seq) {
                    found.insert(entry.seq, entry.clone());
                }
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl LedgerReader for ArchiveReader {
    async fn writers(&mut self) -> Result<Vec<String>, StoreError> {
        let writers: BTreeSet<&String> =
            self.manifests.iter().map(|manifest| &manifest.header.writer).collect();
        Ok(writers.into_iter().cloned().collect())
    }

    async fn head(&mut self, writer: &str) -> Result<u64, StoreError> {
        let of = self.manifests.iter().filter(|manifest| manifest.header.writer == writer);
        let ends = of.flat_map(|manifest| manifest.header.ranges.iter().map(|range| *range.end()));
        Ok(ends.max().unwrap_or(0))
    }

    async fn read_after(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        let archives = self.after(writer, after);
        // Archives may lie between each other, as their categories had other times; so only what comes
        // before another one begins is read in one go.
        let Some((first, position)) = archives.first().copied() else { return Ok(Vec::new()) };
        let other = archives.iter().find(|(begins, _)| *begins > first).map(|(begins, _)| *begins);
        let contents = self.contents(position).await?;
        let from = contents.entries.partition_point(|entry| entry.seq <= after);
        let entries = contents.entries.iter().skip(from).take(limit as usize);
        Ok(entries.take_while(|it| other.is_none_or(|other| it.seq < other)).cloned().collect())
    }

    async fn entry(&mut self, writer: &str, seq: u64) -> Result<Option<Stored>, StoreError> {
        Ok(self.find(writer, &[seq]).await?.remove(&seq))
    }

    async fn entries(&mut self, writer: &str, seqs: &[u64]) -> Result<Vec<Stored>, StoreError> {
        Ok(self.find(writer, seqs).await?.into_values().collect())
    }

    async fn ended(
        &mut self,
        _: &str,
        _: u64,
        _: Range<u64>,
        _: u32,
    ) -> Result<Vec<EventId>, StoreError> {
        // Nothing ends any more in an archive.
        Ok(Vec::new())
    }

    async fn purged_after(&mut self, _: &str, _: u64, _: u32) -> Result<Vec<Purged>, StoreError> {
        Ok(Vec::new())
    }

    async fn completion_of(
        &mut self,
        writer: &str,
        seq: u64,
    ) -> Result<Option<Stored>, StoreError> {
        let with: Vec<usize> = self
            .after(writer, seq.saturating_sub(1))
            .into_iter()
            .filter(|(first, _)| *first == seq)
            .map(|(_, position)| position)
            .collect();
        for position in with {
            let contents = self.contents(position).await?;
            let completion = contents.entries.iter().find(|entry| entry.intent == Some(seq));
            if let Some(completion) = completion {
                return Ok(Some(completion.clone()));
            }
        }
        Ok(None)
    }

    async fn close(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}
