//! All files → one rule set.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::Schema;
use sha2::{Digest, Sha256};

use super::actors::WrittenActor;
use super::check::{Checked, CheckedRule};
use super::doubts::is_rule_file;
use super::events::CheckedEvent;
use super::file::RulesFile;
use super::lists::CheckedOnly;
use super::packs::Pack;
use super::rejections::CheckedRejection;
use crate::derive::EventRules;
use crate::identify::Actors;
use crate::problem::{Problem, Problems, utf8};
use crate::redact::{Exceptions, Policy, PolicyError, RecordOnly, Rule};

/// The largest rule file, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Checked rules from all files.
#[derive(Debug, Clone)]
pub struct RuleSet {
    pub(super) rules: Vec<CheckedRule>,
    pub(super) keep: Exceptions,
    pub(super) record_only: Vec<CheckedOnly>,
    pub(super) written: Vec<CheckedEvent>,
    pub(super) rejections: Vec<CheckedRejection>,
    pub(super) events: Arc<EventRules>,
    digest: String,
    redaction: Arc<Policy>,
    actors: Arc<Actors>,
    actors_written: Vec<WrittenActor>,
    documents: Vec<(String, PathBuf)>,
    reads: Vec<PathBuf>,
    doubts: Vec<String>,
}

/// A rule, and where it was written.
#[derive(Debug, Clone, Copy)]
pub struct Written<'r> {
    /// The rule.
    pub rule: &'r Rule,
    /// Its file, as the operator named it.
    pub file: &'r Path,
    /// The line of its id, from 1.
    pub line: u64,
}

/// Loads the operator's files (`*.yaml`, `*.yml`) from a directory in the order of their names,
/// and before them these shipped packs, in an order of their own.
pub fn load(dir: Option<&Path>, packs: &[Pack]) -> Result<RuleSet, Problems> {
    let mut checked = Checked::default();
    checked.shipping = true;
    for pack in Pack::ALL.into_iter().filter(|pack| packs.contains(pack)) {
        checked.file(Path::new(pack.file()), pack.text());
    }
    checked.shipping = false;
    checked.shipped_rejections = checked.rejections.len();
    if let Some(dir) = dir {
        for file in files(dir, &mut checked.problems) {
            match read(&file) {
                Ok(text) => checked.file(&file, &text),
                Err(problem) => checked.problems.push(problem),
            }
        }
        checked.doubt_directories(dir);
    }
    RuleSet::of(checked)
}

/// The JSON Schema of a rule file.
pub fn schema() -> Schema {
    schemars::schema_for!(RulesFile)
}

impl RuleSet {
    fn of(mut checked: Checked) -> Result<Self, Problems> {
        checked.excepted();
        let rejections = checked.all_rejections();
        let events = Arc::new(checked.compiled().with_rejections(rejections));
        if !checked.problems.is_empty() {
            return Err(Problems(checked.problems));
        }
        let mut digest = Sha256::new();
        for line in &checked.normal {
            digest.update((line.len() as u64).to_be_bytes());
            digest.update(line.as_bytes());
        }
        let mut digest = hex::encode(digest.finalize());
        digest.truncate(16);
        let rules = checked.rules.iter().map(|checked| checked.rule.clone()).collect();
        let only: Vec<RecordOnly> =
            checked.record_only.iter().map(|checked| checked.only.clone()).collect();
        let policy = compile(rules, &checked.keep, &only)?;
        let redaction = Arc::new(policy.with_route_words(events.literals().collect()));
        let Checked {
            rules,
            keep,
            record_only,
            events: written,
            rejections,
            actors,
            sources,
            reads,
            actors_written,
            documents,
            doubts,
            ..
        } = checked;
        let actors = Arc::new(Actors::new(actors, sources));
        Ok(Self {
            rules,
            keep,
            record_only,
            written,
            rejections,
            events,
            digest,
            redaction,
            actors,
            actors_written,
            documents,
            reads,
            doubts,
        })
    }

    /// SHA-256 over what the rules say, whatever their files' layout: lower-case hex, the first 16
    /// digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The redaction rules, compiled.
    pub fn redaction(&self) -> Arc<Policy> {
        Arc::clone(&self.redaction)
    }

    /// The rules that say who acts.
    pub fn actors(&self) -> Arc<Actors> {
        Arc::clone(&self.actors)
    }

    /// Where the rule with this position, that says who acts, is written.
    pub fn actor(&self, position: usize) -> Option<&WrittenActor> {
        self.actors_written.get(position)
    }

    /// The document of an operation with this id.
    pub fn document(&self, operation: &str) -> Option<&Path> {
        let (id, _) = operation.split_once('#')?;
        let found = self.documents.iter().find(|(known, _)| known == id);
        found.map(|(_, file)| file.as_path())
    }

    /// Files that the rules name: keys, tables, secrets.
    pub fn reads(&self) -> &[PathBuf] {
        &self.reads
    }

    /// The rules that name events, compiled.
    pub fn events(&self) -> Arc<EventRules> {
        Arc::clone(&self.events)
    }

    /// Where the rule of this id, that names events, is written: its file and the line of its id.
    pub fn event(&self, id: &str) -> Option<(&Path, u64)> {
        let found = self.written.iter().find(|checked| checked.rule.id == id)?;
        Some((&found.file, found.line))
    }

    /// What stands in the operator's files that can match nothing, or not what is meant.
    pub fn doubts(&self) -> &[String] {
        &self.doubts
    }

    /// The patterns over texts, as they were written.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().filter_map(|checked| Some(checked.rule.pattern.as_ref()?.as_str()))
    }

    /// The rule of this id, if it is in a file.
    pub fn rule(&self, id: &str) -> Option<Written<'_>> {
        let found = self.rules.iter().find(|checked| checked.rule.id == id)?;
        Some(Written { rule: &found.rule, file: &found.file, line: found.line })
    }

    /// Where the entry of `record_only` with this id is written: its file and the line of its id.
    pub fn listed(&self, id: &str) -> Option<(&Path, u64)> {
        let found = self.record_only.iter().find(|checked| checked.only.id == id)?;
        Some((&found.file, found.line))
    }

    /// How many redaction rules there are.
    pub fn redaction_rules(&self) -> usize {
        self.rules.len()
    }
}

/// Compiles rules and exceptions.
pub(super) fn compile(
    rules: Vec<Rule>,
    keep: &Exceptions,
    record_only: &[RecordOnly],
) -> Result<Policy, Problems> {
    Policy::new(rules, keep, record_only).map_err(|error| {
        let remedy = match error {
            PolicyError::Places => {
                "give rules the same list of paths where you can, in the same order"
            }
            PolicyError::RecordOnly => "join entries that hold below the same paths",
            PolicyError::Automaton(_) => "split the rules, or use fewer `*`",
        };
        Problems(vec![of_file(Path::new("rules"), error.to_string(), remedy)])
    })
}

fn files(dir: &Path, problems: &mut Vec<Problem>) -> Vec<PathBuf> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(_) if dir.is_file() => {
            let message = "this is a file, and rules are read from a directory".to_owned();
            problems.push(of_file(dir, message, "name the directory that it is in"));
            return Vec::new();
        }
        Err(error) => {
            let message = format!("the directory of rules cannot be read: {error}");
            problems.push(of_file(dir, message, "create it, or correct `rules` in the config"));
            return Vec::new();
        }
    };
    let mut files = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => files.push(entry.path()),
            Err(error) => {
                let message = format!("the directory of rules cannot be read: {error}");
                problems.push(of_file(dir, message, "look at the directory's permissions"));
            }
        }
    }
    files.retain(|file| file.is_file() && is_rule_file(file));
    files.sort();
    files
}

fn read(file: &Path) -> Result<String, Problem> {
    let size = fs::metadata(file).map(|metadata| metadata.len()).unwrap_or_default();
    if size > FILE_BYTES_MAX {
        let message = format!("the file has {size} bytes; at most {FILE_BYTES_MAX} are read");
        return Err(of_file(file, message, "split it"));
    }
    let bytes = fs::read(file).map_err(|error| {
        let message = format!("the file cannot be read: {error}");
        of_file(file, message, "look at its permissions")
    })?;
    utf8(file, bytes)
}

fn of_file(file: &Path, message: String, remedy: &str) -> Problem {
    Problem { file: file.to_owned(), line: 0, column: 0, message, remedy: remedy.to_owned() }
}
