//! Opening the ledger and its index for a query, also where nothing may or can be written.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::cli::place::Located;
use crate::follow::{Follower, Heads, catch_up, lag};
use crate::index::Index;
use crate::store::{LedgerReader, LedgerSource};

/// What is done for a query where the index cannot be written.
pub(in crate::cli) struct Patience {
    /// How long to wait for somebody else to bring the index up to date: a proxy that runs.
    pub(in crate::cli) wait: Duration,
    /// Up to so many entries, an index is made for the query alone.
    pub(in crate::cli) entries: u64,
}

impl Patience {
    /// Some seconds, all in all.
    pub(in crate::cli) const DEFAULT: Self =
        Self { wait: Duration::from_secs(2), entries: 100_000 };
}

/// The ledger, and the index as it must be to show all that was on record a moment ago. The texts
/// say what is not as it should be.
pub(in crate::cli) async fn open(
    located: &Located,
    patience: &Patience,
) -> anyhow::Result<(Box<dyn LedgerReader>, Index, Vec<String>)> {
    let dir = located.dir.as_path();
    if !located.source.is_shared() && !dir.is_dir() {
        bail!(
            "there is no directory `{}`: name the ledger's directory with --data, or start \
             `countersign run` first",
            dir.display()
        );
    }
    let mut reader = reader(located).await?;
    let heads = Heads::now(&mut *reader).await?;
    // A command reads all that there is.
    let mut notes: Vec<String> = reader.fleet().await?.warning(true).into_iter().collect();
    if !located.may_have_index() {
        let mut index = Index::temporary().await?;
        catch_up(&mut *reader, &mut index, &heads).await?;
        return Ok((reader, index, notes));
    }
    if located.source.is_shared() && is_of_another(dir, &mut *reader).await {
        let mut index = Index::temporary().await?;
        catch_up(&mut *reader, &mut index, &heads).await?;
        notes.push(format!(
            "the search index in `{}` is that of another ledger: one was made for this command alone; \
             with --data and a directory of this ledger's own it is kept",
            dir.display()
        ));
        return Ok((reader, index, notes));
    }
    let (index, note) = match up_to_date(dir, &mut *reader, &heads).await {
        Ok(index) => (index, None),
        Err(error) => as_it_is(dir, &mut *reader, &heads, &error, patience).await?,
    };
    notes.extend(note);
    Ok((reader, index, notes))
}

/// Whether the index there follows another ledger. That one may be at work with it.
async fn is_of_another(dir: &Path, reader: &mut dyn LedgerReader) -> bool {
    match Index::open_read_only(dir).await {
        Ok(mut index) => matches!(index.is_of(reader).await, Ok(false)),
        Err(_) => false,
    }
}

/// A connection to read the ledger.
pub(in crate::cli) async fn reader(located: &Located) -> anyhow::Result<Box<dyn LedgerReader>> {
    let reader = located.source.reader().await;
    match &located.source {
        LedgerSource::Sqlite(dir) => reader.with_context(|| {
            format!("`{}` cannot be read as the directory of a ledger", dir.display())
        }),
        LedgerSource::Postgres(_) => reader.context("the ledger cannot be read"),
    }
}

async fn up_to_date(
    dir: &Path,
    reader: &mut dyn LedgerReader,
    heads: &Heads,
) -> anyhow::Result<Index> {
    let mut index = Index::open(dir).await?;
    catch_up(reader, &mut index, heads).await?;
    // Who only reads needs no memory for what is written, and keeps nobody from writing.
    index.close().await?;
    Ok(Index::open_read_only(dir).await?)
}

/// The index where it cannot be written, for want of the right or of room: as somebody else keeps
/// it, else one for this query alone, else as it is.
pub(super) async fn as_it_is(
    dir: &Path,
    reader: &mut dyn LedgerReader,
    heads: &Heads,
    error: &anyhow::Error,
    patience: &Patience,
) -> anyhow::Result<(Index, Option<String>)> {
    let entries: u64 = heads.0.iter().map(|(_, head)| head).sum();
    let mut kept = match Index::open_read_only(dir).await {
        Ok(mut index) => index.is_of(reader).await?.then_some(index),
        Err(_) => None,
    };
    let behind = match &mut kept {
        Some(index) => still_behind(index, heads, patience.wait).await?,
        None => entries,
    };
    match kept {
        Some(index) if behind == 0 => Ok((index, None)),
        Some(index) if entries > patience.entries => {
            let note = format!(
                "the newest {behind} entries of the ledger are not in the search index, and not \
                 shown: {error:#}"
            );
            Ok((index, Some(note)))
        }
        _ => {
            let mut index = Index::temporary().await?;
            catch_up(reader, &mut index, heads).await?;
            let note = format!("a search index was made for this query alone: {error:#}");
            Ok((index, Some(note)))
        }
    }
}

/// By how many entries the index is behind, when the time has passed or there are none.
async fn still_behind(index: &mut Index, heads: &Heads, wait: Duration) -> anyhow::Result<u64> {
    let began = Instant::now();
    loop {
        let behind = lag(index, heads).await?;
        if behind == 0 || began.elapsed() >= wait {
            return Ok(behind);
        }
        tokio::time::sleep(wait / 20).await;
    }
}
