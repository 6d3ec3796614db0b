//! `countersign coverage`: what no rule names, with rules to paste, and rules that never matched.

mod show;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::check::DEFAULT_CONFIG;
use super::place::LedgerArgs;
use super::query::BadOption;
use super::query::open::{Patience, open};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::config::{Examined, examine};
use crate::coverage::look;
use crate::index::Condition;
use crate::problem::Problems;
use crate::query;
use crate::rules::{self, Pack, RuleSet};
use crate::store::LedgerSource;

/// Where the ledger is if nothing says so.
const DEFAULT_DATA: &str = "countersign-data";

/// Show which mutations no rule names, with rules to paste, and which rules never matched
///
/// Looks at the events of a ledger, and at the rules in force now: a route that they name by now is
/// counted as such. Works while the proxy runs and when it does not.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The directory of the ledger [default: that of the configuration, or countersign-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// A PostgreSQL database that holds the ledger: postgres://login@host/database
    #[arg(long, value_name = "URL")]
    ledger: Option<String>,
    /// The configuration that names the rules [default: config/countersign.yaml if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The rule files of this directory, instead of the one that the configuration names
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// From this time on: RFC 3339, or 1h, 24h, 7d, 30d, 90d ago
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this time: RFC 3339, or a span ago
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// At most so many routes
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// One JSON document
    #[arg(long, conflicts_with = "yaml")]
    json: bool,
    /// Only the rules to paste, as a rule file
    #[arg(long)]
    yaml: bool,
}

const AFTER_HELP: &str = "\
Examples:
  countersign coverage --since 7d
  countersign coverage --config config/countersign.yaml
  countersign coverage --yaml > rules.d/new.yaml; countersign rules check rules.d
  countersign coverage --json | jq -r '.never_matched[].id'

Exit codes: 0 shown; 1 the ledger, the configuration or the rules have problems; 2 the command line.";

/// Runs the subcommand.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let conditions = conditions(args, SystemClock.now())?;
    let (rules, dir, source) = match in_force(args) {
        Ok(found) => found,
        Err(problems) => {
            writeln!(out, "{problems}")?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let at = LedgerArgs { ledger: args.ledger.clone(), config: None };
    let located = at.locate_url(source, &dir)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let (coverage, notes) = runtime.block_on(async {
        let (mut reader, mut index, notes) = open(&located, &Patience::DEFAULT).await?;
        let coverage = look(&mut *reader, &mut index, &rules, &conditions, args.limit).await;
        index.close().await.ok();
        reader.close().await.ok();
        anyhow::Ok((coverage?, notes))
    })?;
    let note = (!notes.is_empty()).then(|| notes.join("; "));
    if args.json {
        show::json(&coverage, note.as_deref(), out)?;
    } else {
        if let Some(note) = &note {
            eprintln!("note: {note}");
        }
        match args.yaml {
            true => show::yaml(&coverage, out)?,
            false => show::text(&coverage, out)?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn conditions(args: &Args, now: Timestamp) -> Result<Vec<Condition>, BadOption> {
    let given = [("since", &args.since), ("until", &args.until)];
    let given = given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    let search = query::parse(given, now).map_err(|error| BadOption(error.with_remedy()))?;
    Ok(search.conditions)
}

/// The rules, and the ledger.
fn in_force(args: &Args) -> Result<(RuleSet, PathBuf, LedgerSource), Problems> {
    let default = Path::new(DEFAULT_CONFIG);
    let file = args.config.as_deref().or_else(|| default.exists().then_some(default));
    let config = match file.map(examine) {
        Some(Examined::Fine(config)) => Some(config),
        // What else is wrong with it is the business of `countersign check`.
        Some(Examined::Wrong { understood: Some(config), .. }) => Some(config),
        Some(Examined::Wrong { problems, understood: None }) => return Err(problems),
        None => None,
    };
    let (dir, packs, ledger) = match config {
        Some(config) => (config.rules_dir, config.packs, Some(config.ledger)),
        None => (None, Pack::DEFAULT.to_vec(), None),
    };
    let rules = rules::load(args.rules.as_deref().or(dir.as_deref()), &packs)?;
    Ok(match (&args.data, ledger) {
        (None, Some(ledger)) => {
            let source = ledger.source();
            (rules, ledger.dir, source)
        }
        (data, _) => {
            let dir = data.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_DATA));
            (rules, dir.clone(), LedgerSource::directory(dir))
        }
    })
}
