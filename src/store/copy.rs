//! Carrying a log over from one ledger to another: same writers, same numbers, same leaves, and what
//! was purged as well. It goes on where it was interrupted, and compares everything at its end.

use super::{LedgerReader, Purged, Store, StoreError};
use crate::record::{Entry, Stored, leaf_hash};

/// Entries that are read in one go.
const READ: u32 = 1_000;
/// Entries that are appended in one transaction, at most.
const BATCH: usize = 256;

/// Why a log is not carried over.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The ledger that is read fails.
    #[error("cannot read the ledger that is copied")]
    From(#[source] StoreError),
    /// The ledger that is written fails.
    #[error("cannot write the copy")]
    To(#[source] StoreError),
    /// The target has a log that the source does not have.
    #[error(
        "the target has a log of writer `{0}`, which the source does not have: copy into an empty one"
    )]
    OtherWriter(String),
    /// The target has entries that are not those of the source.
    #[error(
        "entry {seq} of writer `{writer}` is another one in the target: copy into an empty one"
    )]
    OtherEntry {
        /// Whose log.
        writer: String,
        /// Which entry.
        seq: u64,
    },
    /// The target goes on where the source ends.
    #[error(
        "the log of writer `{writer}` has {target} entries in the target, and {source_head} in the source: the \
         target is the longer one, written to since it was copied, or no copy of it; copy into an empty one"
    )]
    Longer {
        /// Whose log.
        writer: String,
        /// How many entries the source has.
        source_head: u64,
        /// How many the target has.
        target: u64,
    },
    /// The source lacks an entry, and does not say that it was purged.
    #[error("the source has no entry {seq} of writer `{writer}`, and it was not purged")]
    Missing {
        /// Whose log.
        writer: String,
        /// Which entry.
        seq: u64,
    },
    /// An entry of the source is not what its hash says.
    #[error("entry {seq} of writer `{writer}` is damaged: its hash is another one")]
    Damaged {
        /// Whose log.
        writer: String,
        /// Which entry.
        seq: u64,
    },
}

/// What was carried over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Whose log.
    pub writer: String,
    /// How far it reaches.
    pub head: u64,
    /// How many of all are of entries that were purged.
    pub purged: u64,
}

/// One number of a log.
enum Place {
    Entry(Box<Stored>),
    Purged(Purged),
}

impl Place {
    fn seq(&self) -> u64 {
        match self {
            Self::Entry(entry) => entry.seq,
            Self::Purged(purged) => purged.seq,
        }
    }

    fn leaf(&self) -> &[u8] {
        match self {
            Self::Entry(entry) => &entry.leaf,
            Self::Purged(purged) => &purged.leaf,
        }
    }
}

/// Carries the logs of all writers over, to where [`compare`] finds nothing else. `told` hears how far
/// each is.
pub async fn copy(
    from: &mut dyn LedgerReader,
    to: &mut dyn Store,
    told: &mut (dyn FnMut(&str, u64, u64) + Send),
) -> Result<(), CopyError> {
    let writers = from.writers().await.map_err(CopyError::From)?;
    for writer in &writers {
        let head = from.head(writer).await.map_err(CopyError::From)?;
        let mut reached = to.head(writer).await.map_err(CopyError::To)?;
        if reached > head {
            let (writer, target) = (writer.clone(), reached);
            return Err(CopyError::Longer { writer, source_head: head, target });
        }
        if reached > 0 {
            require_same(from, to, writer, reached).await?;
        }
        to.mark_closed(writer, 0).await.map_err(CopyError::To)?;
        while reached < head {
            let places = places(from, writer, reached, head).await.map_err(CopyError::From)?;
            require_dense(writer, reached, head, &places)?;
            reached = places.last().map_or(head, Place::seq);
            write(to, writer, places).await?;
            told(writer, reached, head);
        }
    }
    Ok(())
}

/// What the target has was copied from there: its last entry tells, and all else is compared later.
async fn require_same(
    from: &mut dyn LedgerReader,
    to: &mut dyn Store,
    writer: &str,
    seq: u64,
) -> Result<(), CopyError> {
    let ours = to.read_after(writer, seq - 1, 1).await.map_err(CopyError::To)?;
    let theirs = places(from, writer, seq - 1, seq).await.map_err(CopyError::From)?;
    match (ours.first(), theirs.first()) {
        (Some(ours), Some(theirs)) if ours.leaf != theirs.leaf() => {
            Err(CopyError::OtherEntry { writer: writer.to_owned(), seq })
        }
        _ => Ok(()),
    }
}

/// Compares a copy with what was copied: every number, every leaf, and the hash of every entry. It has no
/// other logs, be they of writers that live.
pub async fn compare(
    from: &mut dyn LedgerReader,
    to: &mut dyn LedgerReader,
) -> Result<Vec<Copied>, CopyError> {
    let mut all = Vec::new();
    let writers = from.writers().await.map_err(CopyError::From)?;
    let heads = to.heads().await.map_err(CopyError::To)?;
    let is_other = |(name, head): &(String, u64)| *head > 0 && !writers.contains(name);
    if let Some((other, _)) = heads.into_iter().find(is_other) {
        return Err(CopyError::OtherWriter(other));
    }
    for writer in writers {
        // What came since is not in the copy.
        let head = to.head(&writer).await.map_err(CopyError::To)?;
        let source_head = from.head(&writer).await.map_err(CopyError::From)?;
        if head > source_head {
            return Err(CopyError::Longer { writer, source_head, target: head });
        }
        let (mut at, mut purged) = (0, 0);
        while at < head {
            let ours = places(to, &writer, at, head).await.map_err(CopyError::To)?;
            require_dense(&writer, at, head, &ours)?;
            let end = ours.last().map_or(head, Place::seq);
            let mut theirs = Vec::new();
            let mut read = at;
            while read < end {
                let some = places(from, &writer, read, end).await.map_err(CopyError::From)?;
                require_dense(&writer, read, end, &some)?;
                read = some.last().map_or(end, Place::seq);
                theirs.extend(some);
            }
            for (our, their) in ours.iter().zip(&theirs) {
                let (writer, seq) = (writer.clone(), our.seq());
                if our.seq() != their.seq() || our.leaf() != their.leaf() {
                    return Err(CopyError::OtherEntry { writer, seq });
                }
                match our {
                    Place::Purged(_) => purged += 1,
                    Place::Entry(entry) if leaf_hash(&entry.doc) != *entry.leaf => {
                        return Err(CopyError::Damaged { writer, seq });
                    }
                    Place::Entry(_) => {}
                }
            }
            at = end;
        }
        all.push(Copied { writer, head, purged });
    }
    Ok(all)
}

/// Some of the numbers after one, in order, up to another: entries, and what was purged.
async fn places(
    reader: &mut dyn LedgerReader,
    writer: &str,
    after: u64,
    up_to: u64,
) -> Result<Vec<Place>, StoreError> {
    let entries = reader.read_after(writer, after, READ).await?;
    // Read later, so what is purged meanwhile is in one of both.
    let purged = reader.purged_after(writer, after, READ).await?;
    let is_full = |count: usize| count >= READ as usize;
    let mut end = up_to;
    if let Some(last) = entries.last() {
        // There may be more than could be read in one go.
        end = end.min(last.seq);
    }
    if let Some(last) = purged.last().filter(|_| is_full(purged.len())) {
        end = end.min(last.seq);
    }
    let entries = entries.into_iter().map(|entry| Place::Entry(Box::new(entry)));
    let mut places: Vec<Place> = entries.chain(purged.into_iter().map(Place::Purged)).collect();
    places.retain(|place| place.seq() <= end);
    places.sort_by_key(Place::seq);
    places.dedup_by_key(|place| place.seq());
    Ok(places)
}

fn require_dense(writer: &str, after: u64, head: u64, places: &[Place]) -> Result<(), CopyError> {
    let missing = |seq| CopyError::Missing { writer: writer.to_owned(), seq };
    if places.is_empty() && after < head {
        return Err(missing(after + 1));
    }
    match (after + 1..).zip(places).find(|(seq, place)| place.seq() != *seq) {
        Some((seq, _)) => Err(missing(seq)),
        None => Ok(()),
    }
}

/// Writes consecutive numbers, in runs of entries and of what was purged.
async fn write(to: &mut dyn Store, writer: &str, places: Vec<Place>) -> Result<(), CopyError> {
    let (mut entries, mut purged): (Vec<Entry>, Vec<Purged>) = (Vec::new(), Vec::new());
    let mut first = 0;
    for place in places {
        let seq = place.seq();
        match place {
            Place::Entry(entry) => {
                flush_purged(to, writer, &mut purged).await?;
                let damaged = || CopyError::Damaged { writer: writer.to_owned(), seq };
                if leaf_hash(&entry.doc) != *entry.leaf {
                    return Err(damaged());
                }
                if entries.is_empty() {
                    first = seq;
                }
                entries.push(entry.into_entry().ok_or_else(damaged)?);
            }
            Place::Purged(it) => {
                flush(to, writer, first, &mut entries).await?;
                purged.push(it);
            }
        }
        if entries.len() >= BATCH {
            flush(to, writer, first, &mut entries).await?;
        }
        if purged.len() >= BATCH {
            flush_purged(to, writer, &mut purged).await?;
        }
    }
    flush(to, writer, first, &mut entries).await?;
    flush_purged(to, writer, &mut purged).await
}

async fn flush(
    to: &mut dyn Store,
    writer: &str,
    first: u64,
    entries: &mut Vec<Entry>,
) -> Result<(), CopyError> {
    if !entries.is_empty() {
        to.append(writer, first, entries).await.map_err(CopyError::To)?;
        entries.clear();
    }
    Ok(())
}

async fn flush_purged(
    to: &mut dyn Store,
    writer: &str,
    purged: &mut Vec<Purged>,
) -> Result<(), CopyError> {
    if !purged.is_empty() {
        to.purge(writer, purged).await.map_err(CopyError::To)?;
        purged.clear();
    }
    Ok(())
}
