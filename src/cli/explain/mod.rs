//! `countersign explain`: what would be recorded of an exchange, and which rule did what.
//!
//! Routes, redaction, derivation and the documents are those of the proxy; here, files are read and
//! accounts written. Nothing that was captured is shown but the redacted record.

mod account;
mod body;
mod curl;
mod derived;
mod exchange;
mod har;
mod message;
mod show;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use self::account::{Account, Setup};
use self::exchange::{Exchange, Reply};
use self::har::Archive;
use super::check::DEFAULT_CONFIG;
use super::screen::json_text;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Examined, examine, for_upstream};
use crate::problem::{Problem, Problems, utf8};
use crate::proxy;
use crate::redact::Engine;
use crate::rules;
use crate::server;

/// A larger file is not read, in bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Show what would be recorded of an exchange, and which rule did what
///
/// The exchange comes from a HAR file, as browsers and mitmproxy export it, or from a file with a
/// request (and one with its response): HTTP messages as `curl -i` saves them, an `.http` file, or
/// the transcript of `curl -v`, or the command of curl itself. Nothing is sent, nothing is recorded, and of the secrets in the
/// files nothing is shown.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// A HAR file, or a file with a request
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The response to the request
    #[arg(value_name = "RESPONSE")]
    response: Option<PathBuf>,
    /// What a GET of the state was answered before the request, as `curl -i` saves it. If only the
    /// state after is given, there was nothing
    #[arg(long, value_name = "FILE")]
    before: Option<PathBuf>,
    /// What it was answered after. If only the state before is given, there is nothing any more
    #[arg(long, value_name = "FILE")]
    after: Option<PathBuf>,
    /// Only this entry of a HAR file, from 1; may be given more than once
    #[arg(long, value_name = "N")]
    entry: Vec<usize>,
    /// All entries; those without effect are left out else
    #[arg(long)]
    all: bool,
    /// The configuration, for routes, levels and limits [default: config/countersign.yaml if it
    /// exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The rule files of this directory, instead of the one that the configuration names
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// One JSON object a line for each exchange
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  countersign explain session.har
  countersign explain session.har --entry 7 --rules rules.d
  curl -v -X DELETE http://127.0.0.1:8080/users/7 > x.txt 2>&1; countersign explain x.txt
  countersign explain create-key.http response.txt --json | jq .redactions
  countersign explain patch.http response.txt --before old.txt --after new.txt

Ids are made up. Fingerprints are those of the installation if its key can be read (`ledger.dir` of
the configuration), else of a key for this run alone.

Exit codes: 0 explained; 1 a file, the configuration or the rules have problems.";

/// Runs the subcommand.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let (setup, own_key) = match setup(args) {
        Ok(setup) => setup,
        Err(problems) => {
            // What is read by a program is one object a line.
            match args.json {
                true => writeln!(std::io::stderr(), "{problems}")?,
                false => writeln!(out, "{problems}")?,
            }
            return Ok(ExitCode::FAILURE);
        }
    };
    if !own_key && !args.json {
        writeln!(
            out,
            "note: the installation's key is not there or cannot be read; fingerprints below are \
             made with a key for this run alone\n"
        )?;
    }
    let mut writer = Writer { args, setup: &setup, out, shown: 0, left_out: 0, problems: 0 };
    match writer.files() {
        Ok(Ok(())) => {}
        Ok(Err(problem)) => writer.problem(None, &problem)?,
        Err(error) => return Err(error),
    }
    writer.end()
}

/// Rules, routes and key; and whether the key is the installation's.
fn setup(args: &Args) -> Result<(Setup, bool), Problems> {
    let default = Path::new(DEFAULT_CONFIG);
    let file = args.config.as_deref().or_else(|| default.exists().then_some(default));
    let config: Config = match file.map(examine) {
        Some(Examined::Fine(config)) => config,
        Some(Examined::Wrong { problems, .. }) => return Err(problems),
        // What `run --upstream` does.
        None => for_upstream("http://127.0.0.1:9000", None, None, None)?,
    };
    let dir = args.rules.as_deref().or(config.rules_dir.as_deref());
    let rules = rules::load(dir, &config.packs)?;
    let installed = server::read_key(&config.ledger.dir.join(server::KEY_FILE)).ok();
    let own = installed.is_some();
    let key = match installed {
        Some(key) => key,
        None => server::passing_key().map_err(|error| {
            Problems(vec![Problem {
                file: PathBuf::from("/dev/urandom"),
                line: 0,
                column: 0,
                message: format!("no random key can be made: {error}"),
                remedy: "look at the device's permissions".to_owned(),
            }])
        })?,
    };
    let engine = Engine::new(rules.redaction(), key);
    let events = rules.events();
    let table = proxy::table(&config.routes);
    Ok((Setup { config, rules, engine, events, table }, own))
}

/// Goes through the files and writes accounts.
struct Writer<'a> {
    args: &'a Args,
    setup: &'a Setup,
    out: &'a mut dyn Write,
    shown: usize,
    left_out: usize,
    problems: usize,
}

impl Writer<'_> {
    /// Explains what is in the files; the inner problem is one that ends it.
    fn files(&mut self) -> anyhow::Result<Result<(), Problem>> {
        let file = self.args.file.as_path();
        let bytes = match read(file) {
            Ok(bytes) => bytes,
            Err(problem) => return Ok(Err(problem)),
        };
        let content = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes).trim_ascii_start();
        if content.starts_with(b"{") {
            if self.args.before.is_some() || self.args.after.is_some() {
                return Ok(Err(Problem {
                    file: file.to_owned(),
                    line: 0,
                    column: 0,
                    message:
                        "a HAR file has many requests, and `--before` and `--after` are for one"
                            .to_owned(),
                    remedy: "save the request and its response as files of their own".to_owned(),
                }));
            }
            return match utf8(file, bytes) {
                Ok(text) => self.archive(file, &text),
                Err(problem) => Ok(Err(problem)),
            };
        }
        if !self.args.entry.is_empty() {
            return Ok(Err(Problem {
                file: file.to_owned(),
                line: 0,
                column: 0,
                message: "`--entry` is for HAR files, and this is one request".to_owned(),
                remedy: "leave `--entry` out".to_owned(),
            }));
        }
        let response = match self.args.response.as_deref().map(|file| (file, read(file))) {
            Some((_, Err(problem))) => return Ok(Err(problem)),
            Some((file, Ok(bytes))) => Some((file, bytes)),
            None => None,
        };
        let response = response.as_ref().map(|(file, bytes)| (*file, bytes.as_slice()));
        let exchange = message::read((file, &bytes), response).and_then(|mut exchange| {
            exchange.before = state(self.args.before.as_deref())?;
            exchange.after = state(self.args.after.as_deref())?;
            Ok(exchange)
        });
        match exchange {
            Ok(exchange) => self.exchange(&exchange).map(Ok),
            Err(problem) => Ok(Err(problem)),
        }
    }

    fn archive(&mut self, file: &Path, text: &str) -> anyhow::Result<Result<(), Problem>> {
        let archive = match Archive::open(file, text) {
            Ok(archive) => archive,
            Err(problem) => return Ok(Err(problem)),
        };
        let wanted = &self.args.entry;
        let is_wanted = |number| wanted.is_empty() || wanted.contains(&number);
        let count = archive.len();
        if let Some(missing) = wanted.iter().find(|number| !(1..=count).contains(*number)) {
            let problem = Problem {
                file: file.to_owned(),
                line: 0,
                column: 0,
                message: format!("there is no entry {missing}: the file has {count}"),
                remedy: "entries are counted from 1; `--all` shows every one".to_owned(),
            };
            return Ok(Err(problem));
        }
        for (number, entry) in archive.entries().filter(|(number, _)| is_wanted(*number)) {
            match entry {
                Ok(entry) if self.is_shown(&entry) => self.exchange(&entry)?,
                Ok(_) => self.left_out += 1,
                Err(problem) => self.problem(Some(number), &problem)?,
            }
        }
        Ok(Ok(()))
    }

    fn is_shown(&self, exchange: &Exchange) -> bool {
        self.args.all || !self.args.entry.is_empty() || Account::is_mutation(self.setup, exchange)
    }

    fn exchange(&mut self, exchange: &Exchange) -> anyhow::Result<()> {
        let account = Account::of(self.setup, exchange, SystemClock.now())?;
        self.shown += 1;
        if self.args.json {
            let text = serde_json::to_string(&account.json())?;
            writeln!(self.out, "{}", json_text(&text))?;
        } else {
            show::show(&account, self.out)?;
        }
        Ok(())
    }

    fn problem(&mut self, entry: Option<usize>, problem: &Problem) -> anyhow::Result<()> {
        self.problems += 1;
        if self.args.json {
            let Problem { file, line, column, message, remedy } = problem;
            let problem = json!({
                "file": file.display().to_string(), "line": line, "column": column,
                "message": message, "remedy": remedy,
            });
            writeln!(self.out, "{}", json!({"entry": entry, "problem": problem}))?;
        } else {
            writeln!(self.out, "{problem}\n")?;
        }
        Ok(())
    }

    fn end(self) -> anyhow::Result<ExitCode> {
        if !self.args.json {
            if self.left_out > 0 {
                let left_out = self.left_out;
                writeln!(self.out, "{left_out} entries without effect are not shown (`--all`)")?;
            } else if self.shown == 0 && self.problems == 0 {
                writeln!(self.out, "the file has no entries")?;
            }
        }
        Ok(if self.problems == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// The answer in a file that tells a state.
fn state(file: Option<&Path>) -> Result<Option<Reply>, Problem> {
    file.map(|file| message::state(file, &read(file)?)).transpose()
}

/// A file, up to a size.
fn read(file: &Path) -> Result<Vec<u8>, Problem> {
    let problem = |message: String, remedy: &str| Problem {
        file: file.to_owned(),
        line: 0,
        column: 0,
        message,
        remedy: remedy.to_owned(),
    };
    let unreadable = |error: std::io::Error| {
        problem(format!("the file cannot be read: {error}"), "name a file that this user may read")
    };
    let mut bytes = Vec::new();
    let opened = fs::File::open(file).map_err(unreadable)?;
    opened.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let message = format!("the file is larger than {} MiB", FILE_BYTES_MAX >> 20);
        return Err(problem(message, "export fewer requests, or a part of them"));
    }
    Ok(bytes)
}
