//! `countersign copy`: a log from one ledger to another.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};

use super::export::progress::thousands;
use super::query::BadOption;
use super::screen::cell;
use crate::store::{LedgerSource, SqliteOptions, StoreError, compare, copy};

/// How long the target may take for one step.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Carry a log over to another ledger, and verify it there
///
/// Every writer's entries keep their numbers and their hashes; of what was purged, the hashes go along.
/// When it is interrupted, the same command goes on. At the end every number and every hash is
/// compared. A target that has anything else is refused. No proxy may write to the target; one that
/// writes to the source makes entries that the next run carries over.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  countersign copy --from sqlite:countersign-data --to sqlite:/mnt/new/countersign-data

The installation's key, tokens and sessions are files of the directory and are not copied: take
fingerprint.key along, or the same secret gets another fingerprint from then on.
Exit codes: 0 copied and the same; 1 failed; 2 the command line.")]
pub struct Args {
    /// The ledger that is copied: sqlite:DIR
    #[arg(long, value_name = "LEDGER")]
    from: String,
    /// Where it is copied to: sqlite:DIR
    #[arg(long, value_name = "LEDGER")]
    to: String,
}

fn directory(name: &str, text: &str) -> Result<PathBuf, BadOption> {
    match text.strip_prefix("sqlite:") {
        Some(dir) if !dir.is_empty() => Ok(PathBuf::from(dir)),
        _ => {
            let problem = "names no ledger: write `sqlite:DIR`, with the directory of the ledger";
            Err(BadOption(format!("`--{name} {}` {problem}", cell(text))))
        }
    }
}

/// Runs the subcommand.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let (from, to) = (directory("from", &args.from)?, directory("to", &args.to)?);
    let same = |one: &PathBuf, other: &PathBuf| {
        one == other
            || matches!((one.canonicalize(), other.canonicalize()), (Ok(a), Ok(b)) if a == b)
    };
    if same(&from, &to) {
        return Err(BadOption("`--from` and `--to` are the same ledger".to_owned()).into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    runtime.block_on(carry_over(&LedgerSource::directory(from), &to, out))?;
    Ok(ExitCode::SUCCESS)
}

async fn carry_over(from: &LedgerSource, to: &PathBuf, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut source = from.reader().await.context("the ledger that is to be copied")?;
    // The target is opened as one of the writers that it gets, so that it has no other.
    let Some(writer) = source.writers().await?.into_iter().next() else {
        bail!("there is nothing to copy: the ledger has no log of any writer");
    };
    let target = LedgerSource::directory(to);
    match target.reader().await {
        // What an interrupted run has left must be a part of the source.
        Ok(mut begun) => drop(compare(&mut *source, &mut *begun).await?),
        Err(StoreError::Missing { .. }) => {}
        Err(error) => return Err(error).context("the target"),
    }
    let mut store =
        SqliteOptions::new(to, writer, TIMEOUT).opener()().await.context("the target")?;
    let shows = std::io::stderr().is_terminal();
    let mut told = |writer: &str, at: u64, head: u64| {
        if shows {
            let text = format!("{}: {} of {}", cell(writer), thousands(at), thousands(head));
            write!(std::io::stderr(), "\r{text:<78}").ok();
        }
    };
    let copied = copy(&mut *source, store.as_mut(), &mut told).await;
    store.close().await.context("the target")?;
    if shows {
        writeln!(std::io::stderr()).ok();
    }
    copied?;
    let mut written = target.reader().await?;
    for log in compare(&mut *source, &mut *written).await? {
        let (writer, head) = (cell(&log.writer), thousands(log.head));
        let purged = thousands(log.purged);
        writeln!(
            out,
            "{writer}: {head} entries, {purged} of them purged; all hashes are the same"
        )?;
    }
    Ok(())
}
