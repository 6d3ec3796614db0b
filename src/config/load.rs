//! The ways to a [`Config`]: a file, or the command line alone.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

use schemars::Schema;
use sha2::{Digest, Sha256};

use super::check::{DEAD_AFTER, check, host_name};
use super::checked::{Config, Postgres};
use super::file::{ConfigFile, LedgerFile, ListenerFile, ReadingFile, UpstreamFile};
use super::reader::read;
use super::setting::Setting;
use super::tree::{Findings, Place, Value, parse, parse_sections};
use crate::problem::{Problem, Problems, utf8};
use crate::store::PostgresTarget;

/// A configuration larger than this is none, in bytes.
const FILE_BYTES: u64 = 1 << 20;

/// What can be said about a file.
#[derive(Debug)]
pub enum Examined {
    /// There is nothing wrong with it.
    Fine(Config),
    /// It must not be run.
    Wrong {
        /// Every problem.
        problems: Problems,
        /// The configuration as far as it is understood, with defaults where it is not; `None`
        /// where the file cannot be read at all.
        understood: Option<Config>,
    },
}

/// Loads and checks a file: the configuration, or every problem in it.
pub fn load(path: &Path) -> Result<Config, Problems> {
    match examine(path) {
        Examined::Fine(config) => Ok(config),
        Examined::Wrong { problems, .. } => Err(problems),
    }
}

/// Loads and checks a file, and tells what is understood of it whatever is wrong.
pub fn examine(path: &Path) -> Examined {
    match read_bytes(path) {
        Ok(bytes) => match utf8(path, bytes) {
            Ok(text) => examine_text(path, &text),
            Err(problem) => unreadable(problem),
        },
        Err(error) => unreadable(Problem {
            file: path.to_owned(),
            line: 0,
            column: 0,
            message: format!("cannot be read: {error}"),
            remedy: "name a configuration file of at most 1 MiB that this user may read".to_owned(),
        }),
    }
}

fn unreadable(problem: Problem) -> Examined {
    Examined::Wrong { problems: Problems(vec![problem]), understood: None }
}

/// Checks the text of the file `path`, whose directory is where relative paths begin.
pub(super) fn examine_text(path: &Path, text: &str) -> Examined {
    let mut findings = Findings::new(path);
    let tree = match parse(path, text) {
        Ok(tree) => tree,
        Err(problem) => match parse_sections(path, text, &sections()) {
            Some((tree, problems)) => {
                findings.extend(problems);
                tree
            }
            None => return unreadable(problem),
        },
    };
    let setting = match tree.value {
        Value::Null => Setting::Unset,
        _ => read::<ConfigFile>(&tree, &mut findings),
    };
    let empty = ConfigFile::default();
    let file = setting.value().unwrap_or(&empty);
    let base = path.parent().unwrap_or(Path::new(""));
    let config = check(file, base, version(&[text]), &mut findings);
    match findings.into_problems() {
        None => Examined::Fine(config),
        Some(problems) => Examined::Wrong { problems, understood: Some(config) },
    }
}

/// What `countersign run --upstream URL` means: all defaults, and what the command line says; only
/// upgrades are permitted, which a file must ask for.
///
/// `listen` is an address as in `listeners`, `data` the ledger's directory, `reading` the address
/// of the reading listener. Problems name the flag instead of a file.
pub fn for_upstream(
    url: &str,
    listen: Option<&str>,
    data: Option<&Path>,
    reading: Option<&str>,
) -> Result<Config, Problems> {
    let upstream = Place::Flag("--upstream");
    let listen_at = Place::Flag("--listen");
    let given = |text: &str, flag| Setting::Given(text.to_owned(), Place::Flag(flag));
    let upstreams = BTreeMap::from([(
        "admin".to_owned(),
        Setting::Given(UpstreamFile::Text(url.to_owned()), upstream),
    )]);
    let mut file =
        ConfigFile { upstreams: Setting::Given(upstreams, upstream), ..ConfigFile::default() };
    if let Some(listen) = listen {
        let listener = Setting::Given(ListenerFile::Text(listen.to_owned()), listen_at);
        file.listeners = Setting::Given(vec![listener], listen_at);
    }
    if let Some(reading) = reading {
        let at = Place::Flag("--reading");
        let address = given(reading, "--reading");
        file.reading = Setting::Given(ReadingFile { address, ..ReadingFile::default() }, at);
    }
    let data_text = data.map(|data| data.display().to_string());
    if let Some(data) = &data_text {
        let ledger = LedgerFile { dir: given(data, "--data"), ..LedgerFile::default() };
        file.ledger = Setting::Given(ledger, Place::Flag("--data"));
    }
    let text = [
        url,
        listen.unwrap_or_default(),
        data_text.as_deref().unwrap_or_default(),
        reading.unwrap_or_default(),
    ];
    let mut findings = Findings::new(Path::new("the command line"));
    let mut config = check(&file, Path::new(""), version(&text), &mut findings);
    if let Some(data) = data {
        data.clone_into(&mut config.ledger.dir);
    }
    // Nobody has said where WebSocket is spoken, and what works without a proxy must work behind
    // one that is started without a file. That an upgrade happened is on record all the same.
    for route in &mut config.routes {
        route.upgrades = true;
    }
    findings.into_problems().map_or(Ok(config), Err)
}

/// The same with its ledger in the database of a URL, as of `--ledger`.
pub fn on_postgres(mut config: Config, url: &str) -> Result<Config, Problems> {
    let mut findings = Findings::new(Path::new("the command line"));
    match PostgresTarget::parse(url) {
        Ok(target) => {
            config.ledger.postgres = Some(Postgres { target, dead_after: DEAD_AFTER });
            config.ledger.writer = host_name();
        }
        Err(remedy) => findings.add(
            Place::Flag("--ledger"),
            "this is no URL of a PostgreSQL database".to_owned(),
            remedy,
        ),
    }
    findings.into_problems().map_or(Ok(config), Err)
}

/// The JSON Schema of the configuration file.
pub fn schema() -> Schema {
    schemars::schema_for!(ConfigFile)
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let read = fs::File::open(path)?.take(FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if read as u64 > FILE_BYTES {
        return Err(Error::from(ErrorKind::FileTooLarge));
    }
    Ok(bytes)
}

/// The names of the file's sections.
fn sections() -> Vec<String> {
    let schema = schema();
    let properties = schema.get("properties").and_then(serde_json::Value::as_object);
    properties.map(|properties| properties.keys().cloned().collect()).unwrap_or_default()
}

/// SHA-256 of all parts, first 16 hex digits.
fn version(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            hash.update([0]);
        }
        hash.update(part);
    }
    let digest = hash.finalize();
    hex::encode(digest.get(..8).unwrap_or(&digest))
}
