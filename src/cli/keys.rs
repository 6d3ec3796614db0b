//! `countersign keys`: the key that signs checkpoints.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::place::{LedgerArgs, Located};
use super::query::open::reader;
use crate::seal::{
    Kept, KeyChange, NEXT_KEY_FILE, SIGNING_KEY_FILE, SigningKey, key_file, predecessors,
};

/// Show the key that signs checkpoints, or have another one take over
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  countersign keys show > countersign.vkey    keep this where nobody can change it
  countersign verify --key countersign.vkey
  countersign keys rotate")]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Print the verifier key, with which anybody can check what was signed; it is no secret
    Show(ShowArgs),
    /// Make a new key, which takes over at once if a proxy runs, else when one starts
    ///
    /// The next checkpoints are signed by both keys; that one took over from the other is on record, and
    /// signed by both. Whoever trusts the old key can therefore trust the new one.
    Rotate(RotateArgs),
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    at: LedgerArgs,
    /// Print the key under the name of each log, as other implementations of C2SP tlog-checkpoint and
    /// witnesses want it
    #[arg(long)]
    logs: bool,
    /// Print the keys that were in force before, too, oldest first
    #[arg(long)]
    all: bool,
}

#[derive(Debug, clap::Args)]
struct RotateArgs {
    #[command(flatten)]
    data: DataArgs,
    /// The configuration of the proxy, which says where its directory is
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    config: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct DataArgs {
    /// The directory of the ledger
    #[arg(long = "data", value_name = "DIR", default_value = "countersign-data")]
    dir: PathBuf,
}

/// Shows or rotates.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    match &args.what {
        What::Show(args) => show(args, out),
        What::Rotate(args) => {
            let at = LedgerArgs { config: args.config.clone(), ..LedgerArgs::default() };
            rotate(&at.locate(&args.data.dir)?.dir, out)
        }
    }
}

fn in_force(dir: &Path) -> anyhow::Result<SigningKey> {
    key_file::read(dir)?.with_context(|| {
        format!(
            "there is no signing key at `{}`: name the ledger's directory with --data, or start \
             `countersign run` first, which makes one",
            dir.join(SIGNING_KEY_FILE).display()
        )
    })
}

fn show(args: &ShowArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let located = args.at.locate(&args.data.dir)?;
    let dir = located.dir.as_path();
    let key = in_force(dir)?;
    let mut keys = Vec::new();
    if args.all
        && let Some(kept) = Kept::open_read_only(dir)?
    {
        let changes = kept.key_changes()?;
        let changes: Vec<_> = changes.iter().filter_map(|note| KeyChange::parse(note)).collect();
        keys.extend(predecessors(std::slice::from_ref(key.verifier()), &changes));
        keys.reverse();
    }
    keys.push(key.verifier().clone());
    let names = match args.logs {
        true => writers(&located)?.iter().map(|writer| key.origin(writer)).collect(),
        false => vec![key.verifier().name().to_owned()],
    };
    for name in names {
        for key in &keys {
            writeln!(out, "{}", key.named(&name))?;
        }
    }
    Ok(())
}

fn writers(located: &Located) -> anyhow::Result<Vec<String>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut reader = reader(located).await.with_context(|| {
            format!(
                "which logs there are stands in the ledger: if that is not in `{}` but in PostgreSQL, name \
                 it with --config FILE, or with --ledger URL beside --data",
                located.dir.display()
            )
        })?;
        let writers = reader.writers().await?;
        reader.close().await?;
        Ok(writers)
    })
}

fn rotate(dir: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    let key = in_force(dir)?;
    if let Some(next) = key_file::read_next(dir)? {
        bail!(
            "`{}` waits to take over already ({}); it does when a proxy runs",
            dir.join(NEXT_KEY_FILE).display(),
            next.verifier()
        );
    }
    let next = SigningKey::generate(key.verifier().name())?;
    key_file::write_next(dir, &next)?;
    writeln!(out, "{}", next.verifier())?;
    eprintln!(
        "note: this key takes over within seconds if a proxy runs, else when one starts; whoever \
         trusts {} trusts it from then on",
        key.verifier()
    );
    Ok(())
}
