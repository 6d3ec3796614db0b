//! `countersign archive`: what retention took out of the ledger, read back.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail, ensure};

use super::export::progress::{size, thousands};
use super::place::LedgerArgs;
use super::query::{self, BadOption, Filters, Format, QueryArgs};
use super::screen::{cell, printable, table};
use crate::archive::{ArchiveError, ArchiveReader, Manifest, Place, check, manifests};
use crate::clock::{Clock, SystemClock};
use crate::follow::{Heads, catch_up};
use crate::index::Index;
use crate::record::{Archived, Purge};
use crate::store::LedgerReader;

/// Purged entries of the ledger that are compared in one go.
const COMPARED: usize = 1_000;

/// List, query and verify the archives that retention has made
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  countersign archive list --from countersign-archive
  countersign archive query --from countersign-archive --actor ada@example.com --since 2025-01-01T00:00:00Z
  countersign archive verify --from countersign-archive --data countersign-data")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Show what archives there are
    List(From),
    /// Show archived events, newest first, with the filters and formats of `query`
    Query(Box<QueryOf>),
    /// Check every archive: its bytes, and the hash of every entry
    ///
    /// With --data, --config or --ledger the ledger is asked too: whether each archive that a purge names
    /// is there and is the same file, and has the same hashes.
    /// Exit codes: 0 all is well, 1 something is not.
    Verify(Verify),
}

#[derive(Debug, clap::Args)]
struct From {
    /// Where the archives are: what `retention.archive` says in the configuration
    #[arg(long, value_name = "PLACE")]
    from: String,
}

#[derive(Debug, clap::Args)]
struct QueryOf {
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    filters: Filters,
    /// At most so many events [default: 50]
    #[arg(long, value_name = "N")]
    limit: Option<String>,
    /// Skip so many events first
    #[arg(long, value_name = "N")]
    offset: Option<String>,
    /// Go on where the page before ended
    #[arg(long)]
    cursor: Option<String>,
    /// How events are printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, clap::Args)]
struct Verify {
    #[command(flatten)]
    from: From,
    /// The directory of the ledger from which they were taken
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    #[command(flatten)]
    at: LedgerArgs,
}

impl From {
    fn place(&self) -> Result<Place, BadOption> {
        Place::parse(&self.from).map_err(|error| {
            BadOption(format!("`--from {}`: {error}: {}", cell(&self.from), error.remedy()))
        })
    }
}

/// Runs the subcommand.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    match &args.what {
        What::List(from) => runtime.block_on(list(&from.place()?, out)),
        What::Query(question) => runtime.block_on(ask(question, out)),
        What::Verify(args) => runtime.block_on(verify(args, out)),
    }
}

async fn list(place: &Place, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let (manifests, damaged) = manifests(place).await?;
    warn(&damaged);
    let code = if damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    if manifests.is_empty() {
        writeln!(out, "no archives")?;
        return Ok(code);
    }
    let head = ["MADE", "WRITER", "EVENTS", "FROM", "TO", "SIZE", "NAME"];
    let rows = manifests.iter().map(|it| {
        let header = &it.header;
        let (events, bytes) = (thousands(header.events), size(it.bytes));
        let texts = [
            &header.made_at,
            &header.writer,
            &events,
            &header.from,
            &header.to,
            &bytes,
            &it.object,
        ];
        texts.map(|text| cell(text))
    });
    writeln!(out, "{}", table(head, rows))?;
    Ok(code)
}

/// Says which archives cannot be told of.
fn warn(damaged: &[ArchiveError]) {
    for error in damaged {
        eprintln!("WARNING: {}", printable(&with_causes(error)));
    }
}

fn with_causes(error: &ArchiveError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

async fn ask(question: &QueryOf, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let args = QueryArgs {
        data: PathBuf::new(),
        at: LedgerArgs::default(),
        filters: question.filters.clone(),
        limit: question.limit.clone(),
        offset: question.offset.clone(),
        cursor: question.cursor.clone(),
        format: question.format,
    };
    let search = query::search(&args, SystemClock.now())?;
    let mut archives = ArchiveReader::open(question.from.place()?).await?;
    warn(archives.damaged());
    let is_all = archives.damaged().is_empty();
    archives.only(&search.conditions);
    // An index for this question alone, of those archives that may have the answer.
    let mut index = Index::temporary().await?;
    let heads = Heads::now(&mut archives).await?;
    let read = catch_up(&mut archives, &mut index, &heads).await;
    read.map_err(|error| of_archive(error.into()))?;
    let code = query::answer(&args, &search, &mut archives, &mut index, out).await;
    let code = code.map_err(of_archive)?;
    // What could not be read may have the answer.
    Ok(if is_all { code } else { ExitCode::FAILURE })
}

/// What is wrong with an archive, and not that it is read as a ledger is.
fn of_archive(error: anyhow::Error) -> anyhow::Error {
    let causes = error.chain().skip_while(|cause| !cause.is::<ArchiveError>());
    let causes: Vec<String> = causes.map(ToString::to_string).collect();
    if causes.is_empty() { error } else { anyhow!(causes.join(": ")) }
}

async fn verify(args: &Verify, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let place = args.from.place()?;
    let elsewhere = args.at.ledger.is_some() || args.at.config.is_some();
    let mut ledger = match &args.data {
        None if !elsewhere => None,
        dir => {
            let located = args.at.locate(dir.as_deref().unwrap_or(Path::new("")))?;
            Some(located.source.reader().await?)
        }
    };
    let mut named = match &mut ledger {
        Some(ledger) => named(&mut **ledger).await?,
        None => BTreeMap::new(),
    };
    let (manifests, damaged) = manifests(&place).await?;
    let (mut good, mut bad) = (0, damaged.len() as u64);
    for error in &damaged {
        writeln!(out, "{}", printable(&with_causes(error)))?;
    }
    let mut places = BTreeSet::from([place.to_string()]);
    for manifest in manifests {
        let purge = named.remove(&manifest.object);
        places.extend(purge.as_ref().map(|archived| archived.location.clone()));
        let checked = match &mut ledger {
            Some(ledger) => compare(&place, &manifest, &mut **ledger, purge.as_ref()).await,
            None => check(&place, &manifest).await.map(|_| Named::Yes).map_err(Into::into),
        };
        let name = cell(&manifest.object);
        match checked {
            Ok(Named::Yes) => good += 1,
            Ok(Named::No) => {
                good += 1;
                let what = "no purge that has taken something names it: it is a copy that a run left, or of \
                            a purge that was cut off and goes on with the next run, so keep it";
                writeln!(out, "{name}: as it should be; {what}")?;
            }
            Err(error) => {
                bad += 1;
                writeln!(out, "{name}: {error:#}")?;
            }
        }
    }
    // Where nothing is left, it can be none of another place.
    let is_nothing = good + bad == 0;
    let is_here = |at: &str| is_nothing || places.contains(at) || are_same(&place, at);
    bad += gone(named, &is_here, out)?;
    let (all, wrong) = (thousands(good), thousands(bad));
    writeln!(out, "{all} archives are as they should be, {wrong} are not")?;
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says which archives that purges name are not there; those of another place may be there.
fn gone(
    named: BTreeMap<String, Archived>,
    is_here: &dyn Fn(&str) -> bool,
    out: &mut dyn Write,
) -> anyhow::Result<u64> {
    let (mut gone, mut elsewhere) = (0, BTreeSet::new());
    for (object, archived) in named {
        if is_here(&archived.location) {
            gone += 1;
            writeln!(out, "{}: it is not there any more, though a purge names it", cell(&object))?;
        } else {
            elsewhere.insert(archived.location);
        }
    }
    for location in elsewhere {
        let location = cell(&location);
        writeln!(out, "note: purges name archives at {location} too: verify these with --from")?;
    }
    Ok(gone)
}

/// Whether a location on record is this directory under another name.
fn are_same(place: &Place, location: &str) -> bool {
    let real = |place: &Place| match place {
        Place::Directory(dir) => dir.canonicalize().ok(),
        Place::S3 { .. } => None,
    };
    let named = Place::parse(location).ok();
    named.is_some_and(|named| real(&named).is_some() && real(&named) == real(place))
}

/// The archives that purges of the ledger name, by object. Only of purges that have taken something.
async fn named(ledger: &mut dyn LedgerReader) -> anyhow::Result<BTreeMap<String, Archived>> {
    let mut named = BTreeMap::new();
    for writer in ledger.writers().await? {
        let (mut after, mut events) = (0, BTreeSet::new());
        loop {
            let purged = ledger.purged_after(&writer, after, COMPARED as u32).await?;
            let Some(last) = purged.last() else { break };
            after = last.seq;
            events.extend(purged.into_iter().map(|it| it.by));
        }
        for by in events {
            let event = ledger.entry(&writer, by).await?;
            let archive = event.as_ref().and_then(Purge::of).and_then(|purge| purge.archive);
            named.extend(archive.map(|archive| (archive.object.clone(), archive)));
        }
    }
    Ok(named)
}

/// Whether a purge names an archive.
enum Named {
    Yes,
    No,
}

/// Checks an archive, and whether the ledger has or had the same entries.
async fn compare(
    place: &Place,
    manifest: &Manifest,
    ledger: &mut dyn LedgerReader,
    purge: Option<&Archived>,
) -> anyhow::Result<Named> {
    let contents = check(place, manifest).await?;
    let writer = &manifest.header.writer;
    for entries in contents.entries.chunks(COMPARED) {
        let mut known = BTreeMap::new();
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { continue };
        let mut after = first.seq - 1;
        while after < last.seq {
            let purged = ledger.purged_after(writer, after, COMPARED as u32).await?;
            let Some(end) = purged.last() else { break };
            after = end.seq;
            known.extend(purged.into_iter().map(|it| (it.seq, it.leaf)));
        }
        for entry in entries {
            if !known.contains_key(&entry.seq)
                && let Some(kept) = ledger.entry(writer, entry.seq).await?
            {
                known.insert(kept.seq, kept.leaf);
            }
            let seq = entry.seq;
            let Some(leaf) = known.remove(&seq) else {
                bail!("the ledger of writer `{writer}` never had an entry {seq}");
            };
            ensure!(leaf == entry.leaf, "the ledger has another hash of entry {seq}");
        }
    }
    let Some(purge) = purge else { return Ok(Named::No) };
    ensure!(
        purge.sha256 == manifest.sha256,
        "it is another file than the purge made: the SHA-256 on record is {}",
        purge.sha256
    );
    Ok(Named::Yes)
}
