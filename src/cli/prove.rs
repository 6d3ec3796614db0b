//! `countersign prove`: proofs for others, who check them without the ledger.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, bail};

use super::place::{LedgerArgs, Located};
use super::query::gone;
use super::query::open::{Patience, open};
use crate::index::{Condition, Search};
use crate::record::{EventId, Stored};
use crate::seal::{ConsistencyProof, EventProof, Kept, SealError};

/// Print the proof that an event is in the log, or that the log has only grown
///
/// The proof is JSON: the documents of the event's entries exactly as they were hashed, and for each the
/// path to a signed checkpoint, in the form of C2SP tlog-proof. Whoever has the verifier key checks it
/// with `countersign verify --proof`, or with another implementation.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  countersign prove 0197c5a0-7b1e-7cc3-98c4-dc0c0c07398f > event.proof.json
  countersign prove --from 1200 > growth.proof.json
  countersign verify --proof event.proof.json --key countersign.vkey")]
pub struct Args {
    /// The event's id
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    id: Option<EventId>,
    /// Prove that the log has only grown since its first checkpoint of at least this size
    #[arg(long, value_name = "SIZE")]
    from: Option<u64>,
    /// Up to the first checkpoint of at least this size [default: the newest]
    #[arg(long, value_name = "SIZE", requires = "from")]
    to: Option<u64>,
    /// Whose log [default: the only one]
    #[arg(long, requires = "from")]
    writer: Option<String>,
    /// The directory of the ledger
    #[arg(long, value_name = "DIR", default_value = "countersign-data")]
    data: PathBuf,
    #[command(flatten)]
    at: LedgerArgs,
}

/// Proves, and writes the proof.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let located = args.at.locate(&args.data)?;
    let kept = Kept::open_read_only(&located.dir)?;
    let kept = kept.with_context(|| {
        format!("nothing was sealed yet in `{}`: start `countersign run`", located.dir.display())
    })?;
    let proof = match (args.id, args.from) {
        (Some(id), _) => serde_json::to_string_pretty(&event(&located, &kept, id)?)?,
        (None, Some(from)) => serde_json::to_string_pretty(&growth(args, &kept, from)?)?,
        (None, None) => bail!("name an event, or give --from"),
    };
    writeln!(out, "{proof}")?;
    Ok(())
}

fn event(located: &Located, kept: &Kept, id: EventId) -> anyhow::Result<EventProof> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let entries = runtime.block_on(entries(located, id))?;
    EventProof::of(kept, &entries).map_err(|error| match error {
        SealError::NoProof => anyhow::anyhow!(
            "no checkpoint covers the event yet: they are made within a second while a proxy runs"
        ),
        SealError::Disagreement => anyhow::anyhow!(
            "the event is not what was sealed; run `countersign verify --data {}`",
            located.dir.display()
        ),
        error => error.into(),
    })
}

async fn entries(located: &Located, id: EventId) -> anyhow::Result<Vec<Stored>> {
    let (mut reader, mut index, notes) = open(located, &Patience::DEFAULT).await?;
    for note in notes {
        eprintln!("note: {note}");
    }
    let conditions = vec![Condition::Id(id.to_string())];
    let page = index.search(&Search { conditions, limit: 1, ..Search::default() }).await?;
    let Some(row) = page.rows.first() else {
        let gone = gone(&mut *reader, &mut index, &id.to_string()).await;
        bail!("no event `{id}` is on record{gone}");
    };
    let mut entries = Vec::new();
    for seq in [Some(row.seq), row.completion.filter(|seq| *seq != row.seq)].into_iter().flatten() {
        entries.extend(reader.entry(&row.writer, seq).await?);
    }
    Ok(entries)
}

fn growth(args: &Args, kept: &Kept, from: u64) -> anyhow::Result<ConsistencyProof> {
    let newest = kept.newest_of_all()?;
    let writer = match (&args.writer, newest.as_slice()) {
        (Some(writer), _) => writer.clone(),
        (None, [only]) => only.writer.clone(),
        (None, _) => bail!("there are several logs: name one with --writer"),
    };
    let of_size = |size| -> anyhow::Result<_> {
        let found = kept.at_least(&writer, size)?;
        found.with_context(|| format!("`{writer}` has no checkpoint of size {size} or more"))
    };
    let old = of_size(from)?;
    let new = match args.to {
        Some(to) => of_size(to)?,
        None => kept.newest(&writer)?.context("there is no checkpoint")?,
    };
    Ok(ConsistencyProof::of(kept, &writer, &old.note, &new.note)?)
}
