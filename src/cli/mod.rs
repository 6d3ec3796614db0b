//! The command line: one file a subcommand.

pub mod check;
pub mod schema;

use std::process::ExitCode;

/// Runs the command line and returns the process's exit code.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
