//! `countersign fingerprint`: whether a secret occurs in the log, and where, though the log does not
//! have it; and where it does.

mod clear;
mod prompt;
mod search;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use self::clear::Clear;
use self::prompt::Secret;
use self::search::{Found, Looked, search};
use super::place::LedgerArgs;
use super::query::open::reader;
use super::screen::{cell, json_text, printable, table};
use crate::query::PENDING;
use crate::redact::{Print, Unprinted, prints};
use crate::server::{self, KeyError};

/// Tell whether and where a secret occurs in the log
///
/// Asks for the value at the terminal and does not show it, makes the installation's keyed
/// fingerprint of it, and lists the events that hold it: in headers, bodies, paths, and as the
/// actor's credential. Events that hold the value itself, since no rule has taken it out, are listed as
/// well, and marked. Of Basic credentials give `user:password`. The value is never an argument,
/// since other users can see those. Works while the proxy runs and when it does not.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The directory of the ledger
    #[arg(long, value_name = "DIR", default_value = "countersign-data")]
    data: PathBuf,
    #[command(flatten)]
    at: LedgerArgs,
    /// The installation's key, where it is kept apart [default: fingerprint.key in the ledger's
    /// directory]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Read the value from standard input
    #[arg(long)]
    stdin: bool,
    /// At most so many events, the newest [default: 50 for a table, else all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// How events are printed
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const AFTER_HELP: &str = "\
Examples:
  countersign fingerprint                             a leaked token: who used it, and when?
  pass show ci/token | countersign fingerprint --stdin --format ndjson | jq -r .id

What is found are fingerprints, and the value where it stands in clear (from 4 characters on; as it is,
and in the escapes of JSON, URLs, SQL and CSV). A secret that a rule drops or masks leaves no
fingerprint, as passwords do, nor does one of less than 8 characters or of at most 10 digits. So \"not found\" is said only of a log in
which nothing was dropped, masked or shortened; of others it is said by which rules.

Exit codes, as with grep: 0 found; 1 not found; 2 it cannot be told (a rule may have taken the value, or
its events were purged, fingerprints were made with another key as well, the value is too short, or key, ledger or value cannot be read).";

/// How events are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Format {
    /// A table for people
    #[default]
    Table,
    /// One JSON object a line, the oldest first
    Ndjson,
}

/// Rows of a table, unless said otherwise.
const ROWS: usize = 50;

/// So many rules are named that leave no fingerprints.
const RULES_SHOWN: usize = 5;

/// It cannot be told whether the value occurs.
const UNKNOWN: u8 = 2;

/// Runs the subcommand.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let value = || match args.stdin && !io::stdin().is_terminal() {
        true => prompt::read_stdin(),
        false => prompt::ask("Value (it is not shown): "),
    };
    match look_for(args, || value().map_err(Into::into), out) {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::FAILURE),
        Err(error) if broken_pipe(&error) => Err(error),
        Err(error) => {
            eprintln!("countersign: {error:#}");
            Ok(ExitCode::from(UNKNOWN))
        }
    }
}

fn broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

/// Whether the value was found. It is asked for when everything else is there.
fn look_for(
    args: &Args,
    value: impl FnOnce() -> anyhow::Result<Secret>,
    out: &mut dyn Write,
) -> anyhow::Result<bool> {
    let located = args.at.locate(&args.data)?;
    if !located.source.is_shared() && !located.dir.is_dir() {
        bail!("there is no directory `{}`: name the ledger's with --data", located.dir.display());
    }
    let file = args.key.clone().unwrap_or_else(|| located.dir.join(server::KEY_FILE));
    let key = server::read_key(&file).map_err(|error| explained(error, &file))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut reader = runtime.block_on(reader(&located))?;
    let sought = {
        let value = value()?;
        let text = std::str::from_utf8(&value).ok().context("the value is not UTF-8")?;
        Sought::of(server::key_id(&key), prints(&key, text), Clear::of(text))?
    };
    let mut report = Report::new(args, out);
    let take = |found| report.take(found, sought.clear.as_ref());
    let looked =
        runtime.block_on(search(&mut *reader, &sought.prints, sought.clear.as_ref(), take))?;
    runtime.block_on(reader.close()).ok();
    report.end(&sought, &looked)
}

/// What is looked for.
struct Sought {
    /// The name of the key by which it is looked for.
    key: String,
    /// None, if the value is too short for them.
    prints: Vec<Print>,
    /// None, if the value is too short for that as well.
    clear: Option<Clear>,
}

impl Sought {
    fn of(
        key: String,
        prints: Result<Vec<Print>, Unprinted>,
        clear: Option<Clear>,
    ) -> anyhow::Result<Self> {
        match prints {
            Ok(prints) => Ok(Self { key, prints, clear }),
            Err(Unprinted::Guessable) if clear.is_some() => {
                Ok(Self { key, prints: Vec::new(), clear })
            }
            Err(why @ Unprinted::Guessable) => bail!(
                "{why}; and values of less than {} characters are not looked for as text, since they \
                 are everywhere by chance",
                clear::CHARS_MIN
            ),
            Err(why) => Err(why.into()),
        }
    }
}

/// What to do about a key that cannot be read.
fn explained(error: KeyError, file: &Path) -> anyhow::Error {
    let kind = match &error {
        KeyError::Io { source, .. } => Some(source.kind()),
        KeyError::Length { .. } => None,
    };
    let remedy = match kind {
        Some(ErrorKind::NotFound) => {
            "without the installation's key no fingerprint can be compared: name the ledger's \
             directory with --data, or the key's file with --key"
        }
        Some(ErrorKind::PermissionDenied) => {
            "the key is for the user alone that runs the proxy: run this as that user (`sudo -u`)"
        }
        _ => return error.into(),
    };
    anyhow::Error::from(error).context(format!("`{}`: {remedy}", file.display()))
}

/// What was found, as it is printed.
struct Report<'a> {
    format: Format,
    limit: usize,
    out: &'a mut dyn Write,
    /// The newest, as many as are shown.
    kept: VecDeque<Value>,
    events: u64,
    /// Those of them that have the value in clear.
    clear: u64,
    /// A rule that would have taken it out of the first of these.
    rule: Option<String>,
}

impl<'a> Report<'a> {
    fn new(args: &Args, out: &'a mut dyn Write) -> Self {
        let limit = match args.format {
            Format::Table => args.limit.unwrap_or(ROWS),
            Format::Ndjson => args.limit.unwrap_or(usize::MAX),
        };
        Self {
            format: args.format,
            limit,
            out,
            kept: VecDeque::new(),
            events: 0,
            clear: 0,
            rule: None,
        }
    }

    fn take(&mut self, found: Found, value: Option<&Clear>) -> anyhow::Result<()> {
        self.events += 1;
        self.clear += u64::from(!found.clear.is_empty());
        if self.rule.is_none() {
            self.rule = found.clear.iter().find_map(|location| clear::rule_for(location));
        }
        let mut row = row(&found);
        if let Some(value) = value {
            value.hide(&mut row);
        }
        // Without a limit nothing is kept.
        if self.limit == usize::MAX {
            writeln!(self.out, "{}", json_text(&row.to_string()))?;
            return Ok(());
        }
        self.kept.push_back(row);
        if self.kept.len() > self.limit {
            self.kept.pop_front();
        }
        Ok(())
    }

    /// Prints what was kept; whether anything was found.
    fn end(self, sought: &Sought, looked: &Looked) -> anyhow::Result<bool> {
        let Self { format, out, kept, events, clear, rule, .. } = self;
        if events == 0 && sought.prints.is_empty() {
            bail!("{}; it does not stand there in clear", Unprinted::Guessable);
        }
        let others: Vec<&str> =
            looked.keys.iter().map(String::as_str).filter(|key| *key != sought.key).collect();
        if events == 0 && !others.is_empty() {
            bail!("{}{}", by_others(&others, &sought.key), besides(looked, sought));
        }
        if events == 0 && looked.untold > 0 {
            bail!("{}{}", untold(looked), besides(looked, sought));
        }
        if events == 0 && looked.purged > 0 {
            bail!("{}", purged(looked, sought));
        }
        if format == Format::Ndjson {
            for row in kept {
                writeln!(out, "{}", json_text(&row.to_string()))?;
            }
            return Ok(events > 0);
        }
        let fingerprints: Vec<&str> =
            sought.prints.iter().map(|print| print.fingerprint.as_str()).collect();
        let fingerprints = fingerprints.join(", ");
        if events == 0 {
            let entries = looked.entries;
            writeln!(
                out,
                "not found: no event of {entries} entries holds {fingerprints}, or the value"
            )?;
            return Ok(false);
        }
        let head = ["TIME", "ACTION", "ACTOR", "OUTCOME", "WHERE", "EVENT"];
        let shown = kept.len();
        writeln!(out, "{}\n", table(head, kept.iter().rev().map(cells)))?;
        let count = if events == 1 { "1 event".to_owned() } else { format!("{events} events") };
        let rest = if events > shown as u64 {
            format!(", the newest {shown} shown")
        } else {
            String::new()
        };
        let colon = if fingerprints.is_empty() { "" } else { ": " };
        writeln!(out, "found in {count}{rest}{colon}{fingerprints}")?;
        if clear > 0 {
            writeln!(out, "\n{}", in_clear(clear, rule.as_deref()))?;
        }
        Ok(true)
    }
}

/// What to do about a value that is in the log.
fn in_clear(events: u64, rule: Option<&str>) -> String {
    let count = if events == 1 { "1 event".to_owned() } else { format!("{events} events") };
    let rule = match rule {
        Some(rule) => format!(", such as this one:\n\n{rule}"),
        None => " (`countersign rules reference`)".to_owned(),
    };
    format!(
        "In {count} the value itself is on record, at what is marked `(in clear)`: no rule has taken it \
         out. Put it out of use, since what is on record stays there until it is purged, and write a \
         rule by which the next one is not recorded{rule}"
    )
}

/// Why what was not found may be in the log all the same.
fn untold(looked: &Looked) -> String {
    let names: Vec<String> =
        looked.rules.iter().take(RULES_SHOWN).map(|id| format!("`{id}`")).collect();
    let more = match looked.rules.len().saturating_sub(RULES_SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let rules =
        if names.is_empty() { String::new() } else { format!(" ({}{more})", names.join(", ")) };
    format!(
        "no event has its fingerprint, nor the value in clear, but it cannot be told whether it occurs: of {} of {} entries \
         something was dropped, masked or shortened{rules}, which leaves none",
        looked.untold, looked.entries
    )
}

/// By which keys it may have been marked that are not this one.
fn by_others(others: &[&str], own: &str) -> String {
    format!(
        "no event has its fingerprint by this key (`{own}`), nor the value in clear, but it cannot be told \
         whether it occurs: fingerprints of this ledger were made with other keys as well (`{}`); look with \
         each of them: `--key FILE`",
        others.join("`, `")
    )
}

/// Where what was not found may be.
fn purged(looked: &Looked, sought: &Sought) -> String {
    format!(
        "no event on record holds it, but it cannot be told whether it occurred: {} entries were purged; {}",
        looked.purged,
        in_archives(looked, sought)
    )
}

/// The same, where other entries leave it open already.
fn besides(looked: &Looked, sought: &Sought) -> String {
    match looked.purged {
        0 => String::new(),
        purged => {
            format!("; besides, {purged} entries were purged: {}", in_archives(looked, sought))
        }
    }
}

fn in_archives(looked: &Looked, sought: &Sought) -> String {
    let print = sought.prints.first().map_or("hmac:…", |print| print.fingerprint.as_str());
    match &looked.archive {
        Some(archive) => format!(
            "look there as well: `countersign archive query --from {} --text {print}`",
            printable(archive)
        ),
        None => "look in the archives, if there are any".to_owned(),
    }
}

/// What is said of an event.
fn row(found: &Found) -> Value {
    let event = &found.event;
    let of = |name: &str| event.get(name).cloned().unwrap_or(Value::Null);
    json!({
        "id": of("id"), "time": of("time"), "action": of("action"), "outcome": of("outcome"),
        "actor": of("actor"), "locations": found.locations, "clear": found.clear,
        "forms": found.forms,
    })
}

fn cells(row: &Value) -> [String; 6] {
    let text = |pointer: &str| row.pointer(pointer).and_then(Value::as_str);
    let actor = ["/actor/name", "/actor/email", "/actor/id", "/actor/type"];
    let actor = actor.into_iter().find_map(text).unwrap_or("-");
    let texts = |name: &str| {
        let list = row.get(name).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect::<Vec<&str>>()
    };
    let clear = texts("clear");
    let shown = |location: &str| {
        let mark = if clear.contains(&location) { " (in clear)" } else { "" };
        format!("{}{mark}", printable(location))
    };
    let locations: Vec<String> = texts("locations").into_iter().map(shown).collect();
    [
        text("/time").unwrap_or("-").to_owned(),
        cell(text("/action").unwrap_or("-")),
        cell(actor),
        text("/outcome").unwrap_or(PENDING).to_owned(),
        locations.join("\n"),
        text("/id").unwrap_or("-").to_owned(),
    ]
}
