//! The command line: one file a subcommand. The only place with `anyhow`, and the only one that
//! writes to standard output.
//!
//! Exit codes: 0 done · 1 failed, or `check` found problems · 2 the command line, or what `run` was
//! given, has problems · 3 the ledger, an address or another resource could not be had.

pub mod actors;
pub mod archive;
pub mod check;
pub mod copy;
pub mod coverage;
pub mod demo;
pub mod explain;
pub mod export;
pub mod fingerprint;
mod interrupt;
pub mod keys;
mod migrate;
mod place;
pub mod prove;
pub mod query;
pub mod retain;
pub mod rules;
mod run;
pub mod schema;
mod scopes;
mod screen;
mod spool;
pub mod tokens;
mod try_out;
pub mod verify;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::problem::Problems;
use crate::retain::Given;
use crate::rules::Pack;

/// An audit proxy: put it in front of an API, and no mutation happens that is not on record.
#[derive(Debug, Parser)]
#[command(name = "countersign", version, max_term_width = 100, after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Try it:
  countersign demo                                   a sample admin API with the proxy in front
  countersign run --upstream http://127.0.0.1:9000   your own API; then send it a POST to :8080
  countersign query --since 1h                       what happened
  countersign coverage                               what has no rule yet, with rules to paste
  countersign verify                                 whether the ledger is what was sealed

Exit codes: 0 done; 1 failed, or `check` found problems; 2 the command line, or the configuration
or rules that `run` was given, have problems; 3 a resource (ledger, address, TLS) could not be had.";

/// What each command does is said by its arguments' type.
#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Check(check::Args),
    Rules(rules::Args),
    Actors(actors::Args),
    Schema(schema::Args),
    Query(Box<query::QueryArgs>),
    Export(Box<export::Args>),
    Retain(retain::Args),
    Archive(archive::Args),
    Copy(copy::Args),
    Coverage(coverage::Args),
    Explain(explain::Args),
    Fingerprint(fingerprint::Args),
    Tokens(tokens::Args),
    Migrate(migrate::Args),
    Verify(verify::Args),
    Prove(prove::Args),
    Keys(keys::Args),
    Spool(spool::Args),
    Demo(demo::DemoArgs),
    /// Print shell completions
    #[command(after_help = COMPLETIONS_HELP)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

const COMPLETIONS_HELP: &str = "\
For this session, in bash: source <(countersign completions bash)
For good, in zsh:          countersign completions zsh > ~/.zfunc/_countersign
In fish:                   countersign completions fish > ~/.config/fish/completions/countersign.fish";

/// Runs the command line and returns the process's exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut out = io::stdout().lock();
    let done = match cli.command {
        Command::Run(args) => run::run(args),
        Command::Check(args) => check::run(&args, &check_rules, &mut out)
            .map(|verdict| ExitCode::from(verdict as u8))
            .map_err(Into::into),
        Command::Rules(args) => rules::run(&args, &mut out)
            .map(|verdict| ExitCode::from(verdict as u8))
            .map_err(Into::into),
        Command::Actors(args) => actors::run(&args, &mut out).map(|()| ExitCode::SUCCESS),
        Command::Schema(args) => schema::run(&args, crate::rules::schema, &mut out)
            .map(|()| ExitCode::SUCCESS)
            .map_err(Into::into),
        Command::Query(args) => query::run(&args, &mut out),
        Command::Export(args) => export::run(&args, &mut out),
        Command::Retain(args) => retain::run(&args, &mut out),
        Command::Archive(args) => archive::run(&args, &mut out),
        Command::Copy(args) => copy::run(&args, &mut out),
        Command::Coverage(args) => coverage::run(&args, &mut out),
        Command::Explain(args) => explain::run(&args, &mut out),
        Command::Fingerprint(args) => fingerprint::run(&args, &mut out),
        Command::Tokens(args) => tokens::run(&args, &mut out).map(|()| ExitCode::SUCCESS),
        Command::Migrate(args) => migrate::run(&args, &mut out).map(|()| ExitCode::SUCCESS),
        Command::Verify(args) => verify::run(&args, &mut out),
        Command::Prove(args) => prove::run(&args, &mut out).map(|()| ExitCode::SUCCESS),
        Command::Keys(args) => keys::run(&args, &mut out).map(|()| ExitCode::SUCCESS),
        Command::Spool(args) => spool::run(&args, &mut out).map(|()| ExitCode::SUCCESS),
        Command::Demo(args) => try_out::run(&args, &mut out),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "countersign", &mut script);
            out.write_all(&script).map(|()| ExitCode::SUCCESS).map_err(Into::into)
        }
    };
    done.unwrap_or_else(|error| {
        let closed = error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
        if closed {
            return ExitCode::SUCCESS;
        }
        eprintln!("countersign: {error:#}");
        // As where clap finds out.
        if error.is::<query::BadOption>() { ExitCode::from(2) } else { ExitCode::FAILURE }
    })
}

/// Checks rule files and the examples in them.
fn check_rules(dir: Option<&Path>, packs: &[Pack]) -> Result<check::Sound, Problems> {
    let rules = crate::rules::load(dir, packs)?;
    rules.test_examples()?;
    let (redaction, actors) = (rules.redaction_rules(), rules.actors().len());
    Ok(check::Sound {
        text: format!("{redaction} redaction rules, {actors} about actors"),
        given: Given::of(&rules.events()),
    })
}
