//! `countersign export`: the log, or a part of it, in a file.
//!
//! The file has its name only when all of it is there, and when that is on record. Until then it is
//! `FILE.part`, with what is needed to go on in `FILE.resume` beside it.

mod file;
mod local;
pub(super) mod progress;
mod records;
mod remote;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::interrupt::Interrupt;
use super::place::{LedgerArgs, Located};
use super::query::{BadOption, Filters, doubt};
use crate::access::Token;
use crate::clock::{Clock, SystemClock};
use crate::export::{Format, Mark};
use crate::index::Cursor;
use crate::query;
use crate::store::LedgerSource;
use file::Draft;
use local::Local;
pub(in crate::cli) use progress::{Progress, thousands};
use records::Records;
use remote::Remote;

/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Write events of the audit log to a file: CSV, JSON, NDJSON or OCSF
///
/// The filters are those of `query`; there is no limit of rows. The file shows what was on record when
/// the export began, and has its name only when all of it is there. The export itself is on record,
/// with its filters and the number of rows.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// How events are written
    #[arg(long, value_enum)]
    format: FormatArg,
    /// The file to write; one that is there is never replaced without --force
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// CSV: begin with a byte order mark, which some spreadsheets need
    #[arg(long)]
    bom: bool,
    /// Go on with an export to this file that was interrupted
    #[arg(long)]
    resume: bool,
    /// Replace the file, and begin anew what was interrupted
    #[arg(long, conflicts_with = "resume")]
    force: bool,
    /// The ledger's directory, of a proxy that does not run
    #[arg(long, value_name = "DIR", default_value = "countersign-data", conflicts_with = "url")]
    data: PathBuf,
    /// The reading listener of a proxy that runs, such as http://127.0.0.1:8090, or https:// where one with
    /// TLS stands before it (SSL_CERT_FILE names an authority that the system does not trust)
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    at: LedgerArgs,
    /// With --url: the file that holds the token [default: the variable COUNTERSIGN_TOKEN]
    #[arg(long, value_name = "FILE", requires = "url")]
    token_file: Option<PathBuf>,
    #[command(flatten)]
    filters: Filters,
}

const AFTER_HELP: &str = "\
Examples:
  countersign export --url http://127.0.0.1:8090 --token-file countersign-data/bootstrap.token \\
      --format csv --output audit.csv --since 30d
  countersign export --format ocsf -o audit.ocsf.ndjson       no proxy runs: from ./countersign-data
  countersign export --format csv -o audit.csv --resume       after Ctrl-C, or a lost connection
  countersign export --format bundle -o audit.bundle.ndjson   with proofs, to be verified elsewhere

While a proxy runs, the ledger is its own, and an export goes through it, with --url and a token of
the role owner or admin. Exit codes: 0 written; 1 failed; 2 the command line; 130 interrupted.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatArg {
    /// A row an event, for spreadsheets
    Csv,
    /// One array of events in full
    Json,
    /// An event in full a line
    Ndjson,
    /// An OCSF API Activity a line
    Ocsf,
    /// The ledger's entries with their proofs, for `countersign verify FILE --key KEY`
    Bundle,
}

/// What is to be in the file, and from where. What was interrupted goes on only with the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Wanted {
    format: String,
    bom: bool,
    filters: Vec<(String, String)>,
    /// A directory or a URL.
    from: String,
}

impl Wanted {
    fn of(args: &Args, located: &Located) -> Result<Self, BadOption> {
        if args.output.as_os_str() == "-" {
            let text = "an export is written to a file, so that it can go on after an interruption, \
                        and `-` is none: name one, or read `/v1/admin/audit/export` with curl";
            return Err(BadOption(text.to_owned()));
        }
        if args.bom && args.format.format() != Format::Csv {
            let text =
                "--bom is for `--format csv` alone: leave it out, in JSON there must be none";
            return Err(BadOption(text.to_owned()));
        }
        let filters = args.filters.parameters()?;
        let pairs = filters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let search = query::parse(pairs, SystemClock.now());
        doubt(&search.map_err(|error| BadOption(error.with_remedy()))?);
        let from = match &args.url {
            Some(url) => url.clone(),
            None => match &located.source {
                LedgerSource::Sqlite(dir) => dir.display().to_string(),
                LedgerSource::Postgres(target) => target.to_string(),
            },
        };
        Ok(Self { format: args.format.format().as_str().to_owned(), bom: args.bom, filters, from })
    }

    fn mark(&self) -> Mark {
        if self.bom { Mark::Bom } else { Mark::None }
    }
}

impl FormatArg {
    fn format(self) -> Format {
        match self {
            Self::Csv => Format::Csv,
            Self::Json => Format::Json,
            Self::Ndjson => Format::Ndjson,
            Self::Ocsf => Format::Ocsf,
            Self::Bundle => Format::Bundle,
        }
    }
}

/// What an interrupted export goes on from.
struct Last {
    /// The event on record of the export.
    export: String,
    /// The last event of which all is there.
    event: Cursor,
    /// So many events are there.
    rows: u64,
}

/// Where events come from.
enum Source {
    Local(Box<Local>),
    Remote(Remote),
}

impl Source {
    /// By this an interrupted export can go on.
    fn export(&self) -> &str {
        match self {
            Self::Local(local) => local.export(),
            Self::Remote(remote) => remote.export(),
        }
    }

    /// The next bytes of the file; none at the end.
    async fn piece(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        match self {
            Self::Local(local) => local.piece().await,
            Self::Remote(remote) => remote.piece().await,
        }
    }

    /// Puts on record how it ended, where nobody else does.
    async fn done(self, rows: u64) -> anyhow::Result<()> {
        match self {
            Self::Local(local) => local.done(rows).await,
            Self::Remote(_) => Ok(()),
        }
    }
}

/// How it ended.
enum Ended {
    Whole,
    Interrupted,
}

/// Runs the subcommand.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    if args.url.is_some() && (args.at.ledger.is_some() || args.at.config.is_some()) {
        let problem = "`--url` goes through a proxy, `--ledger` and `--config` do not: give one";
        return Err(BadOption(problem.to_owned()).into());
    }
    let is_bundle = args.format.format() == Format::Bundle;
    if args.resume && is_bundle {
        let problem = "a bundle is made in one go, of one moment: begin anew, without `--resume`";
        return Err(BadOption(problem.to_owned()).into());
    }
    let located = args.at.locate(&args.data)?;
    let wanted = Wanted::of(args, &located)?;
    let token = match &args.url {
        Some(_) => Some(remote::token(args.token_file.as_deref())?),
        None => None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let mut draft = match (args.resume, args.force) {
        (true, _) => Draft::reopen(&args.output, &wanted)?,
        (false, true) => Draft::replace(&args.output)?,
        (false, false) => Draft::create(&args.output)?,
    };
    let mut records = Records::new(args.format.format());
    let last = draft.keep_whole(&mut records)?;
    let mut progress = Progress::new("events", records.rows());
    let ended: anyhow::Result<Ended> = runtime.block_on(async {
        let mut interrupt = Interrupt::listen().context("cannot start")?;
        let begun = tokio::select! {
            biased;
            () = interrupt.comes() => return Ok(Ended::Interrupted),
            source = begin((args, &located), &wanted, token, last.as_ref(), &mut progress) => source,
        };
        let mut source = begun?;
        if !is_bundle {
            draft.note(&wanted, source.export())?;
        }
        let written = tokio::select! {
            biased;
            () = interrupt.comes() => Ended::Interrupted,
            written = write(&mut source, &mut draft, &mut records, &mut progress) => {
                written?;
                Ended::Whole
            }
        };
        if let Ended::Whole = written {
            draft.sync()?;
            source.done(records.rows()).await?;
        }
        Ok(written)
    });
    progress.end();
    match ended {
        Ok(Ended::Whole) => {
            let bytes = draft.finish(args.force)?;
            let (rows, size) = (thousands(records.rows()), progress::size(bytes));
            writeln!(out, "{rows} events, {size}, in {}", args.output.display())?;
            Ok(ExitCode::SUCCESS)
        }
        Ok(Ended::Interrupted) => {
            eprintln!("interrupted; {}", draft.leave(records.rows()));
            Ok(ExitCode::from(INTERRUPTED))
        }
        Err(error) => Err(error.context(draft.leave(records.rows()))),
    }
}

async fn begin(
    (args, located): (&Args, &Located),
    wanted: &Wanted,
    token: Option<Token>,
    last: Option<&Last>,
    progress: &mut Progress,
) -> anyhow::Result<Source> {
    match (&args.url, token) {
        (Some(url), Some(token)) => {
            let remote = Remote::begin(url, token, wanted, last, progress).await?;
            Ok(Source::Remote(remote))
        }
        _ => {
            let format = args.format.format();
            let local = Local::begin(located, format, wanted, last, progress).await?;
            Ok(Source::Local(Box::new(local)))
        }
    }
}

async fn write(
    source: &mut Source,
    draft: &mut Draft,
    records: &mut Records,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    while let Some(piece) = source.piece().await? {
        draft.write(&piece)?;
        records.take(&piece);
        progress.at(records.rows(), Some(draft.bytes()));
        // Whoever wants to end this is heard between two pieces.
        tokio::task::yield_now().await;
    }
    Ok(())
}
