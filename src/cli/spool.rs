//! `countersign spool`: what waits on this machine for the database.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};

use crate::config;
use crate::record::Stored;
use crate::store::waiting;

/// Print what waits in the spool of a proxy, one entry a line, as JSON
///
/// Changes nothing, and works while the proxy runs and when it does not. A spool that a proxy calls
/// `conflict` cannot go to the database any more: keep what this prints, and the file itself, before the
/// directory is used again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  countersign spool --config countersign.yaml | wc -l
  countersign spool --config countersign.yaml > spool.ndjson
  jq .doc spool.ndjson")]
pub(super) struct Args {
    /// The directory of the proxy's files
    #[arg(long, value_name = "DIR", default_value = "countersign-data", conflicts_with = "config")]
    data: PathBuf,
    /// The configuration of the proxy, which says where its files are
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs the subcommand.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let dir = match &args.config {
        Some(file) => {
            config::load(file).map_err(|problems| anyhow!("{problems}"))?.ledger.dir.clone()
        }
        None => args.data.clone(),
    };
    if !dir.is_dir() {
        bail!("there is no directory `{}`, and so no spool", dir.display());
    }
    let mut after = 0;
    loop {
        let entries = waiting(&dir, after)
            .with_context(|| format!("the spool in `{}` cannot be read", dir.display()))?;
        let Some(last) = entries.last() else {
            if after == 0 {
                eprintln!("note: nothing waits in a spool in `{}`", dir.display());
            }
            return Ok(());
        };
        after = last.seq;
        for entry in &entries {
            writeln!(out, "{}", line(entry)?)?;
        }
    }
}

/// Scope and document stand there as they were hashed.
fn line(entry: &Stored) -> serde_json::Result<String> {
    let Stored { seq, kind, id, intent, scope, doc, .. } = entry;
    let writer = serde_json::to_string(&entry.writer)?;
    let (kind, intent) = (kind.as_str(), serde_json::to_string(intent)?);
    Ok(format!(
        "{{\"writer\":{writer},\"seq\":{seq},\"kind\":\"{kind}\",\"id\":\"{id}\",\"intent\":{intent},\
         \"scope\":{scope},\"doc\":{doc}}}"
    ))
}
