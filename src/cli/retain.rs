//! `countersign retain`: what is too old, by hand.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};

use super::check::DEFAULT_CONFIG;
use super::export::progress::thousands;
use super::place::Located;
use super::query::BadOption;
use super::query::open::{Patience, open};
use super::screen::cell;
use crate::archive::Place;
use crate::clock::{Clock, SystemClock};
use crate::config::{self, Config};
use crate::index::Index;
use crate::recorder::{Recorder, Settings};
use crate::retain::{Hold, KeptIn, Policy, Retention, Survey, require_right};
use crate::seal::Orders;
use crate::store::{create_dir, inherit_owner};
use crate::telemetry::Metrics;

/// How long the recorder may take to end.
const DRAIN: Duration = Duration::from_secs(10);

/// Archive and delete what is older than the policy allows
///
/// A proxy that runs does this by itself, every hour. By hand it can be done for a ledger that no proxy
/// writes to. With --dry-run nothing is written, and a proxy may run.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  countersign retain --config countersign.yaml --dry-run    what would be purged, and what is held
  countersign retain --config countersign.yaml              do it; no proxy may write to the ledger")]
pub struct Args {
    /// The configuration, whose section `retention` says what is too old
    #[arg(long, value_name = "FILE", default_value = DEFAULT_CONFIG)]
    config: PathBuf,
    /// Only tell what would be purged
    #[arg(long)]
    dry_run: bool,
    /// Purge though the clock is days ahead of the newest entry, or far from the database's
    #[arg(long)]
    clock_is_right: bool,
}

/// Runs the subcommand.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let config = match config::load(&args.config) {
        Ok(config) => config,
        Err(problems) => {
            eprintln!("{problems}");
            return Ok(ExitCode::from(2));
        }
    };
    if !config.retention.purges() {
        let problem = "says that everything stays: there is nothing to purge; write `days` or \
                       `categories` in its section `retention`";
        return Err(BadOption(format!("`{}` {problem}", args.config.display())).into());
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?;
    match args.dry_run {
        true => runtime.block_on(dry_run(&config, out))?,
        false => runtime.block_on(purge(&config, args.clock_is_right, out))?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn dry_run(config: &Config, out: &mut dyn Write) -> anyhow::Result<()> {
    let policy = &config.retention;
    let (dir, source) = (config.ledger.dir.clone(), config.ledger.source());
    let located = Located { dir, source, published: None };
    let (mut reader, mut index, notes) = open(&located, &Patience::DEFAULT).await?;
    for note in notes {
        eprintln!("note: {note}");
    }
    if let Err(error) = require_right(&mut *reader, &config.ledger.writer, SystemClock.now()).await
    {
        eprintln!("note: {error}");
    }
    let survey = policy.survey(&mut *reader, &mut index, SystemClock.now()).await?;
    index.close().await.ok();
    reader.close().await.ok();
    match survey.events() {
        0 => writeln!(out, "nothing is due")?,
        events => {
            let (oldest, newest) = (survey.oldest(), survey.newest());
            writeln!(out, "would purge {} events, {oldest} to {newest}", thousands(events))?;
            categories(&survey, out)?;
            writeln!(out, "{}", whereto(policy))?;
        }
    }
    if survey.cut_off > 0 {
        let count = thousands(survey.cut_off);
        writeln!(out, "would end a purge that was cut off and is on record: {count} events")?;
    }
    what_stays(policy, &survey, out)
}

/// By hand there is nobody who has watched the clock.
async fn require_clock(config: &Config) -> anyhow::Result<()> {
    // What cannot be opened is told by who opens it to write.
    let Ok(mut reader) = config.ledger.source().reader().await else { return Ok(()) };
    let checked = require_right(&mut *reader, &config.ledger.writer, SystemClock.now()).await;
    reader.close().await.ok();
    checked.map_err(|error| match error.reason() {
        "clock" => anyhow!("{error}; if the clock is right, add --clock-is-right"),
        _ => error.into(),
    })
}

/// A directory that root makes for archives belongs to whom the ledger's does.
fn make_archive(config: &Config) -> anyhow::Result<()> {
    let KeptIn::Archive(Place::Directory(dir)) = &config.retention.archive else { return Ok(()) };
    if dir.exists() || !config.ledger.dir.is_dir() {
        return Ok(());
    }
    create_dir(dir)?;
    std::fs::File::open(dir)
        .and_then(|made| inherit_owner(&made, &config.ledger.dir))
        .with_context(|| format!("`{}` cannot be given to the ledger's owner", dir.display()))
}

async fn purge(config: &Config, clock_is_right: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let ledger = &config.ledger;
    if !ledger.source().is_shared() && !ledger.dir.is_dir() {
        bail!("there is no directory `{}`, and so no ledger", ledger.dir.display());
    }
    if !clock_is_right {
        require_clock(config).await?;
    }
    let settings = Settings {
        timeout: ledger.timeout,
        queue: ledger.queue,
        batch: ledger.batch,
        sweep_interval: ledger.sweep_interval,
    };
    make_archive(config)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let opener = ledger.opener();
    let started =
        Recorder::start(opener, settings, Arc::clone(&clock), Arc::new(Metrics::default()));
    let (recorder, thread) = started.context(
        "a purge by hand needs a ledger that no proxy writes to; a proxy that runs purges by itself",
    )?;
    let done = async {
        let mut index = Index::open(&ledger.dir).await?;
        let orders = Orders::new(&ledger.dir);
        let retention = Retention::new(ledger.source(), recorder, clock, orders);
        let outcome = retention.run(&config.retention, &mut index).await?;
        index.close().await?;
        anyhow::Ok(outcome)
    };
    let done = done.await;
    thread.join(DRAIN).context("the ledger was not closed in time")?;
    let outcome = done?;
    match outcome.entries {
        0 => writeln!(out, "nothing was due")?,
        entries => {
            let survey = &outcome.survey;
            let events = thousands(survey.events() + survey.cut_off);
            writeln!(out, "purged {events} events, {} entries", thousands(entries))?;
            categories(survey, out)?;
            if survey.cut_off > 0 {
                let count = thousands(survey.cut_off);
                writeln!(out, "  {count:>9}  of a purge that was cut off and is on record")?;
            }
            writeln!(out, "{}", whereto(&config.retention))?;
        }
    }
    what_stays(&config.retention, &outcome.survey, out)
}

fn categories(survey: &Survey, out: &mut dyn Write) -> std::io::Result<()> {
    survey
        .due
        .iter()
        .try_for_each(|(name, count)| writeln!(out, "  {:>9}  {}", thousands(*count), cell(name)))
}

fn whereto(policy: &Policy) -> String {
    match &policy.archive {
        KeptIn::Archive(place) => format!("archive: {place}"),
        KeptIn::Nothing => "archive: none; what is purged is gone for good".to_owned(),
    }
}

/// What is old enough and stays, and every hold, whether it keeps something or not.
fn what_stays(policy: &Policy, survey: &Survey, out: &mut dyn Write) -> anyhow::Result<()> {
    if survey.open > 0 {
        writeln!(out, "not complete, and so not purged: {} events", thousands(survey.open))?;
    }
    let now = SystemClock.now();
    for Hold { name, filter, until, reason, .. } in &policy.holds {
        let count = survey.held.get(name).copied().unwrap_or(0);
        let until = match until {
            Some(until) if *until <= now => ", which has ended".to_owned(),
            Some(until) => format!(", until {until:?}"),
            None => String::new(),
        };
        let reason = if reason.is_empty() { String::new() } else { format!(": {}", cell(reason)) };
        let (name, filter) = (cell(name), cell(filter));
        writeln!(out, "held by {name} ({filter}{until}){reason}: {} events", thousands(count))?;
    }
    Ok(())
}
