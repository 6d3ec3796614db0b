//! `countersign verify`: whether a ledger is what was sealed, and the search index what the ledger says.

mod bundle;
mod index;
mod proof;
mod report;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::export::Progress;
use super::place::LedgerArgs;
use super::query::open::reader;
use super::screen::printable;
use crate::follow::Heads;
use crate::index::Compared;
use crate::seal::verify::{Evidence, Found, Report, verify};
use crate::seal::{Kept, SIGNING_KEY_FILE, VerifierKey, end_of, key_file};

/// Where the ledger is, if nothing else is said.
const DATA: &str = "countersign-data";
/// The largest file of checkpoints that is read, in bytes.
const FILE_BYTES: u64 = 1 << 30;

/// Find out whether the ledger is what was sealed: changed, removed, inserted or cut off entries
///
/// Every entry is hashed anew and compared to its columns, to the other half of its event, and to every
/// signed checkpoint that is known: those beside the ledger, and those of --checkpoint. The database is
/// not trusted, but what it is held against has to come from elsewhere: the key (--key) and a checkpoint
/// (--checkpoint) that were kept where nobody who can write to the database could change them. Of each
/// writer's log the first thing that is wrong is named.
///
/// Works while the proxy runs and when it does not, and needs no right to write.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  countersign verify
  countersign verify --key audit.example.com+51a90c7b+AS5n… --checkpoint /mnt/worm/checkpoints.jsonl
  countersign verify --index
  countersign verify --key countersign.vkey audit.bundle.ndjson
  countersign verify --key countersign.vkey event.proof.json

Exit codes: 0 all is as it was sealed; 1 something is wrong, with --index also in the search index; 2 the command line has problems;
3 it cannot be told: the ledger, or what it is held against, could not be read or is another one's, or
the keys of other proxies are wanted (--key);
4 nothing is wrong, but nothing is proven, or not all of it: there is no entry, or a log that no
checkpoint covers.")]
pub struct Args {
    /// The directory of the ledger; with --ledger, that of the proxy whose checkpoints and key it is held
    /// against [default: countersign-data; with --ledger none]
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    data: Option<PathBuf>,
    #[command(flatten)]
    at: LedgerArgs,
    /// A verifier key that is trusted, as `countersign keys show` printed it, or a file with some; keys
    /// that took over from it are trusted as well [default: the key beside the ledger]
    #[arg(long, value_name = "KEY|FILE")]
    key: Vec<String>,
    /// A file with checkpoints that were published: what `seal.file` names (with --config, that is read
    /// anyhow), or one checkpoint; a bundle is
    /// held against them too, and must have each log that they name
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// Verify this file alone, without the ledger: a bundle, as `countersign export --format bundle` wrote
    /// it, or a proof, as `countersign prove` or the API gave it; needs --key
    #[arg(value_name = "FILE", requires = "key")]
    file: Option<PathBuf>,
    /// The same as FILE, for a proof
    #[arg(long, value_name = "FILE", requires = "key", conflicts_with_all = ["checkpoint", "file"])]
    proof: Option<PathBuf>,
    /// Hold the search index against the ledger as well: whether every event is in it, as the ledger has
    /// it, and found by all that it can be searched by. It is no evidence, but it decides what readers see
    #[arg(long, conflicts_with_all = ["proof", "file"])]
    index: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// What was found out about a ledger.
struct Verified {
    report: Report,
    evidence: Evidence,
    trust: Trust,
    /// If that was asked for.
    index: Option<Compared>,
}

impl Verified {
    fn is_sound(&self) -> bool {
        self.report.is_sound() && self.is_index_sound()
    }

    fn is_index_sound(&self) -> bool {
        self.index.as_ref().is_none_or(|index| index.count == 0)
    }

    /// Whether all that is wrong may be right by the key of another proxy: of one that was not given, where
    /// nobody said which keys there are.
    fn wants_other_keys(&self) -> bool {
        let Report { logs, evidence, .. } = &self.report;
        let mut found = logs.iter().filter_map(|log| log.found.as_ref()).peekable();
        self.trust.may_want_others
            && self.is_index_sound()
            && evidence.is_empty()
            && found.peek().is_some()
            && found.all(Found::may_be_of_others)
    }
}

/// Where the trust comes from.
struct Trust {
    keys: Vec<VerifierKey>,
    /// The key is the one beside the ledger.
    is_beside: bool,
    /// There may be other proxies, whose keys nobody has given.
    may_want_others: bool,
    /// Checkpoints were given.
    has_checkpoints: bool,
}

/// Verifies, and writes what was found out.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    if let Some(path) = args.file.as_ref().or(args.proof.as_ref()) {
        return verify_file(path, args, out);
    }
    let verified = match verified(args) {
        Ok(done) => done,
        Err(error) => {
            eprintln!("countersign: {error:#}");
            return Ok(ExitCode::from(3));
        }
    };
    let written = match args.json {
        true => report::json(&verified),
        false => report::text(&verified),
    };
    writeln!(out, "{written}")?;
    Ok(match (verified.is_sound(), verified.report.is_proven()) {
        (false, _) if verified.wants_other_keys() => ExitCode::from(3),
        (false, _) => ExitCode::from(1),
        (true, true) => ExitCode::SUCCESS,
        (true, false) => ExitCode::from(4),
    })
}

fn verify_file(path: &Path, args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let verified = given_keys(&args.key).and_then(|keys| match bundle::is_one(path)? {
        true => {
            let evidence = with_files(Evidence::new(keys), &args.checkpoint)?;
            bundle::verify(path, evidence, args.json)
        }
        false if !args.checkpoint.is_empty() => {
            bail!("a proof has its checkpoint in it: verify it without --checkpoint")
        }
        false => Ok(proof::verify(path, &read(path)?, &keys, args.json)),
    });
    match verified {
        Ok((text, code)) => {
            writeln!(out, "{text}")?;
            Ok(code)
        }
        Err(error) => {
            eprintln!("countersign: {error:#}");
            Ok(ExitCode::from(3))
        }
    }
}

/// Adds what was published to `seal.file`; whether that is anything.
fn with_published(evidence: &mut Evidence, path: &Path) -> anyhow::Result<bool> {
    let name = path.display().to_string();
    let text = end_of(path, FILE_BYTES);
    let text = text.with_context(|| format!("`{name}`, of `seal.file`, cannot be read"))?;
    let has_any = text.is_some_and(|text| evidence.add_published(&name, &text));
    if !has_any {
        eprintln!(
            "WARNING: no checkpoint is in `{name}`, of `seal.file`: unless none was ever published there, \
             what was is gone, and the ledger is not held against it"
        );
    }
    Ok(has_any)
}

fn verified(args: &Args) -> anyhow::Result<Verified> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let located = args.at.locate(args.data.as_deref().unwrap_or(Path::new(DATA)))?;
    // Beside a database of which nothing else is said there is no directory that would be its own.
    let beside = (args.data.is_some() || args.at.ledger.is_none()).then_some(located.dir.as_path());
    if beside.is_none() && args.key.is_empty() {
        bail!(
            "with --ledger it must be said what the ledger is held against: --data with the directory \
             of the proxy that writes to it, or --key and --checkpoint"
        );
    }
    let mut kept = match beside {
        Some(dir) => Kept::open_read_only(dir)
            .with_context(|| format!("the checkpoints in `{}` cannot be read", dir.display()))?,
        None => None,
    };
    let (keys, is_beside) = match (args.key.as_slice(), beside) {
        ([], Some(dir)) => (key_beside(dir)?, true),
        (given, _) => (given_keys(given)?, false),
    };
    let mut evidence = Evidence::new(keys.clone());
    if let Some(kept) = &kept {
        evidence.add_kept(kept)?;
    }
    let mut evidence = with_files(evidence, &args.checkpoint)?;
    let mut has_checkpoints = !args.checkpoint.is_empty();
    if let Some(path) = &located.published {
        has_checkpoints |= with_published(&mut evidence, path)?;
    }
    let evidence = evidence.judged();
    if !is_beside && evidence.is_of_others() {
        let (_, found) = evidence.faults().first().context("no checkpoint")?;
        bail!(
            "no checkpoint was signed by a key that was given: it is the key of another ledger, or that \
             of this one was replaced and all that it had signed is gone; compare it with the key that \
             was kept elsewhere ({})",
            printable(&found.to_string())
        );
    }
    if let Some(name) = evidence.foreign_files().next().filter(|_| !is_beside) {
        bail!(
            "of the checkpoints in `{}`, none was signed by a key that was given: it is a file of another \
             ledger, or its keys have to be given as well",
            printable(name)
        );
    }
    let may_want_others = is_beside && located.source.is_shared();
    let trust = Trust { keys, is_beside, may_want_others, has_checkpoints };
    let (report, index) = runtime.block_on(async {
        let mut reader = reader(&located).await?;
        let mut progress = Progress::new("entries", 0);
        if progress.wants_total() {
            let heads = Heads::now(&mut *reader).await?;
            progress.total(heads.0.iter().map(|(_, head)| head).sum());
        }
        let mut tell = |entries| progress.at(entries, None);
        let report = verify(&mut *reader, &evidence, kept.as_mut(), &mut tell).await;
        progress.end();
        let report = report.context("the ledger cannot be read")?;
        let index = match (args.index, beside) {
            (true, Some(dir)) => Some(index::compared(dir, &mut *reader).await?),
            (true, None) => {
                bail!("with --ledger and --index, --data must name the index's directory")
            }
            (false, _) => None,
        };
        Ok((report, index))
    })?;
    Ok(Verified { report, evidence, trust, index })
}

/// With the checkpoints of files, of which each must have some.
fn with_files(mut evidence: Evidence, files: &[PathBuf]) -> anyhow::Result<Evidence> {
    for file in files {
        let text = read(file)?;
        evidence.add_file(&file.display().to_string(), &text);
    }
    if let Some(file) = evidence.empty_files().next() {
        bail!("there is no checkpoint in `{file}`: it is empty, damaged, or another file");
    }
    Ok(evidence)
}

/// The key beside the ledger; none where nothing was ever sealed.
fn key_beside(dir: &Path) -> anyhow::Result<Vec<VerifierKey>> {
    let key = key_file::read(dir).with_context(|| {
        format!("without --key, the key `{}` is needed", dir.join(SIGNING_KEY_FILE).display())
    })?;
    let Some(key) = key else { return Ok(Vec::new()) };
    // Who trusts this key trusts those before it, which it took over from.
    Ok(vec![key.verifier().clone()])
}

/// Keys as they are, or in files, one a line.
fn given_keys(given: &[String]) -> anyhow::Result<Vec<VerifierKey>> {
    let mut keys = Vec::new();
    for given in given {
        if let Ok(key) = given.parse::<VerifierKey>() {
            keys.push(key);
            continue;
        }
        let path = Path::new(given);
        if !path.is_file() {
            let error = given.parse::<VerifierKey>().err();
            let error = error.map(|error| error.to_string()).unwrap_or_default();
            bail!("`--key {given}` is neither a verifier key ({error}) nor a file with one");
        }
        let text = read(path)?;
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let key = line.parse::<VerifierKey>();
            keys.push(key.with_context(|| format!("`{given}` has a line that is no key"))?);
        }
        if keys.is_empty() {
            bail!("there is no key in `{given}`");
        }
    }
    Ok(keys)
}

fn read(path: &Path) -> anyhow::Result<String> {
    let context = || format!("`{}` cannot be read", path.display());
    let size = std::fs::metadata(path).with_context(context)?.len();
    if size > FILE_BYTES {
        bail!(
            "`{}` is larger than 1 GiB; give a part of it, such as the newest lines",
            path.display()
        );
    }
    std::fs::read_to_string(path).with_context(context)
}
