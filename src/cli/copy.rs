//! `countersign copy`: a log from one ledger to another.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};

use super::export::progress::thousands;
use super::query::BadOption;
use super::screen::cell;
use crate::store::{
    LedgerSource, PostgresOptions, PostgresTarget, SqliteOptions, Store, StoreError, compare, copy,
};

/// How long the target may take for one step.
const TIMEOUT: Duration = Duration::from_secs(30);
/// A directory of this command's own.
const OWN: &str = "copy";

/// Carry a log over to another ledger, and verify it there
///
/// Every writer's entries keep their numbers and their hashes; of what was purged, the hashes go along.
/// When it is interrupted, the same command goes on. At the end every number and every hash is
/// compared. A target that has anything else is refused. No proxy may write to the target; one that
/// writes to the source makes entries that the next run carries over.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  countersign copy --from sqlite:countersign-data --to postgres://audit@db.internal/audit
  countersign copy --from sqlite:countersign-data --to sqlite:/mnt/new/countersign-data

In a PostgreSQL database `countersign migrate` makes the tables first; the login must be one that may write.
Keys, checkpoints, tokens and sessions are files of the directory and are not copied. Before a proxy starts
at the new place, take along: signing.key and seal.db, or a new key begins and the log cannot be verified with
the old one; fingerprint.key, or the same secret gets another fingerprint; access.db, or there are no tokens.
Exit codes: 0 copied and the same; 1 failed; 2 the command line.")]
pub struct Args {
    /// The ledger that is copied: sqlite:DIR or postgres://login@host/database
    #[arg(long, value_name = "LEDGER")]
    from: String,
    /// Where it is copied to: sqlite:DIR or postgres://login@host/database
    #[arg(long, value_name = "LEDGER")]
    to: String,
}

/// A ledger that the command line names.
fn ledger(name: &str, text: &str) -> Result<LedgerSource, BadOption> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        let target = PostgresTarget::parse(text).map_err(|remedy| {
            BadOption(format!("`--{name}` is no URL of a PostgreSQL database: {remedy}"))
        })?;
        return Ok(LedgerSource::Postgres(Box::new(target)));
    }
    match text.strip_prefix("sqlite:") {
        Some(dir) if !dir.is_empty() => Ok(LedgerSource::directory(dir)),
        // It may be a URL with a password.
        _ => Err(BadOption(format!(
            "`--{name}` names no ledger: write `sqlite:DIR`, with the directory of the ledger, or \
             `postgres://login@host/database`"
        ))),
    }
}

/// Whether both are one ledger, as far as that can be told.
fn are_same(one: &LedgerSource, other: &LedgerSource) -> bool {
    let real = |source: &LedgerSource| match source {
        LedgerSource::Sqlite(dir) => dir.canonicalize().ok(),
        LedgerSource::Postgres(_) => None,
    };
    one == other || real(one).is_some_and(|one| real(other) == Some(one))
}

/// Runs the subcommand.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let (from, to) = (ledger("from", &args.from)?, ledger("to", &args.to)?);
    if are_same(&from, &to) {
        return Err(BadOption("`--from` and `--to` are the same ledger".to_owned()).into());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    runtime.block_on(carry_over(&from, &to, out))?;
    Ok(ExitCode::SUCCESS)
}

/// The target, to be written as one of the writers that it gets, so that it has no other.
async fn open(
    to: &LedgerSource,
    from: &LedgerSource,
    writer: String,
) -> Result<Box<dyn Store>, StoreError> {
    match to {
        LedgerSource::Sqlite(dir) => SqliteOptions::new(dir, writer, TIMEOUT).opener()().await,
        LedgerSource::Postgres(target) => {
            // What tells the database that it is the same process which goes on.
            let dir = match from {
                LedgerSource::Sqlite(dir) => dir.join(OWN),
                LedgerSource::Postgres(_) => PathBuf::from(format!("countersign-{OWN}")),
            };
            let target = (**target).clone();
            let (timeout, dead_after) = (TIMEOUT, TIMEOUT);
            PostgresOptions { target, dir, writer, timeout, dead_after, silence: Duration::ZERO }
                .opener()()
            .await
        }
    }
}

async fn carry_over(
    from: &LedgerSource,
    to: &LedgerSource,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut source = from.reader().await.context("the ledger that is to be copied")?;
    let Some(writer) = source.writers().await?.into_iter().next() else {
        bail!("there is nothing to copy: the ledger has no log of any writer");
    };
    match to.reader().await {
        // What an interrupted run has left must be a part of the source.
        Ok(mut begun) => drop(compare(&mut *source, &mut *begun).await?),
        Err(StoreError::Missing { .. }) if !to.is_shared() => {}
        Err(error) => return Err(error).context("the target"),
    }
    let mut store = open(to, from, writer).await.context("the target")?;
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
    let mut written = to.reader().await?;
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
