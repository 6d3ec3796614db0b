//! `countersign actors`: for those who say who acts.

use std::fs::File;
use std::io::{self, BufRead, Read, Write};
use std::os::fd::AsFd;

use anyhow::bail;
use rustix::termios::{LocalModes, OptionalActions, isatty, tcgetattr, tcsetattr};

use crate::identify::ApiKeys;

/// The shortest key, in bytes: the digest of a shorter one can be turned back by trying.
const KEY_BYTES_MIN: usize = 16;
/// The longest.
const KEY_BYTES_MAX: u64 = 16 * 1024;

/// Helps to say who acts
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Make the entry of an API key for the table of a rule `from: api_key`
    ///
    /// The key is read from standard input, or typed unseen, never given as an argument, which other
    /// users of the machine could read. The entry holds its SHA-256. What is written begins a table
    /// (`keys:`), unless it is appended to a file that has something in it: `>> api-keys.table`.
    Hash(HashArgs),
}

#[derive(Debug, clap::Args)]
struct HashArgs {
    /// The holder's id, as events will show it
    #[arg(long)]
    id: String,
    /// The holder's name
    #[arg(long)]
    name: Option<String>,
    /// What kind of actor: user, system, api, webhook or agent
    #[arg(long = "type", value_name = "TYPE", default_value = "api",
        value_parser = ["user", "system", "api", "webhook", "agent"])]
    kind: String,
}

/// Runs the subcommand and writes what it made to `out`.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    let What::Hash(args) = &args.what;
    let stdin = io::stdin();
    let key = if isatty(&stdin) {
        typed(&stdin)?
    } else {
        let mut text = String::new();
        stdin.lock().take(KEY_BYTES_MAX).read_to_string(&mut text)?;
        text
    };
    let place = if is_appended(&io::stdout()) { Place::InTable } else { Place::First };
    hash(args, &key, place, out)
}

/// Where an entry comes to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// It begins a table.
    First,
    /// A table has begun before.
    InTable,
}

/// Whether what is written goes to a file behind what is there.
fn is_appended(out: &io::Stdout) -> bool {
    let file = out.as_fd().try_clone_to_owned().map(File::from);
    let about = file.and_then(|file| file.metadata());
    about.is_ok_and(|about| about.is_file() && about.len() > 0)
}

fn hash(args: &HashArgs, key: &str, place: Place, out: &mut dyn Write) -> anyhow::Result<()> {
    let key = key.trim_end_matches(['\r', '\n']);
    if key.len() < KEY_BYTES_MIN {
        bail!(
            "the key has less than {KEY_BYTES_MIN} bytes: it could be found from its digest by \
             trying; give the program a longer one"
        );
    }
    if key.contains(char::is_whitespace) {
        bail!("the key has a space or a line break in it: give one key alone");
    }
    if place == Place::First {
        eprintln!(
            "a table of a rule `from: api_key`; in one that there is, what is below `keys:`:"
        );
        writeln!(out, "keys:")?;
    }
    // JSON strings are YAML strings.
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    writeln!(out, "- sha256: {}", hex::encode(ApiKeys::digest(key)))?;
    writeln!(out, "  id: {}", quoted(&args.id))?;
    if let Some(name) = &args.name {
        writeln!(out, "  name: {}", quoted(name))?;
    }
    writeln!(out, "  type: {}", args.kind)?;
    Ok(())
}

/// A line that a person types and nobody sees.
fn typed(stdin: &io::Stdin) -> anyhow::Result<String> {
    eprint!("API key: ");
    let before = tcgetattr(stdin)?;
    let mut unseen = before.clone();
    unseen.local_modes.remove(LocalModes::ECHO);
    tcsetattr(stdin, OptionalActions::Flush, &unseen)?;
    let mut line = String::new();
    let read = stdin.lock().take(KEY_BYTES_MAX).read_line(&mut line);
    tcsetattr(stdin, OptionalActions::Flush, &before)?;
    eprintln!();
    read?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(key: &str, place: Place) -> anyhow::Result<String> {
        let args = HashArgs {
            id: "ci: \"deploy\"".to_owned(),
            name: Some("CI".to_owned()),
            kind: "agent".to_owned(),
        };
        let mut out = Vec::new();
        hash(&args, key, place, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn entries_hold_the_digest_and_never_the_key() {
        let entry = "- sha256: 97b2173c4f5d679e391a4dc4abfeb971a53b80d7bea16a92216fdc74a428905d\n  id: \"ci: \\\"deploy\\\"\"\n  \
             name: \"CI\"\n  type: agent\n";
        let appended = made("key-0123456789abcdef\n", Place::InTable).unwrap();
        assert_eq!(appended, entry);
        let first = made("key-0123456789abcdef\n", Place::First).unwrap();
        assert_eq!(first, format!("keys:\n{entry}"));
        assert!(made("short", Place::First).is_err());
        assert!(made("key-0123456789 abcdef", Place::First).is_err());
    }
}
