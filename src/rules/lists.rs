//! Lists that are no redaction rules: exceptions, and what alone is recorded.

use std::path::{Path, PathBuf};

use serde_saphyr::Spanned;

use super::check::Checked;
use super::examples::{Example, Expected, Says};
use super::file::{KeepFile, RecordOnlyFile};
use super::one_or_other::ExampleFile;
use super::try_body::BodyExample;
use crate::redact::{Exceptions, RecordOnly};

/// An entry of `record_only`, and the examples that it came with.
#[derive(Debug, Clone)]
pub(super) struct CheckedOnly {
    pub(super) only: RecordOnly,
    pub(super) file: PathBuf,
    pub(super) hits: Vec<Example>,
    pub(super) misses: Vec<Example>,
}

impl Checked {
    /// Checks a list of exceptions.
    pub(super) fn keep(&mut self, file: &Path, entry: &Spanned<KeepFile>) {
        let written = &entry.value;
        let names = [&written.keys, &written.headers, &written.cookies, &written.query];
        if names.iter().all(|names| names.is_empty()) && written.path.is_none() {
            self.at(
                file,
                entry,
                "an exception under `keep` keeps nothing".to_owned(),
                "give it `keys`, `headers`, `cookies`, `query` or `path`, or remove the entry",
            );
        }
        self.header_names(file, "keep", "headers", &written.headers);
        self.header_names(file, "keep", "cookies", &written.cookies);
        let exceptions = Exceptions {
            keys: self.globs(file, "keep", "keys", &written.keys),
            headers: self.globs(file, "keep", "headers", &written.headers),
            cookies: self.globs(file, "keep", "cookies", &written.cookies),
            query: self.globs(file, "keep", "query", &written.query),
            paths: self.json_paths(file, "keep", written.path.as_ref()),
        };
        self.normal.push(format!("keep {exceptions:?}"));
        self.keep.extend(exceptions);
    }

    /// Checks a list of what alone is recorded. It may be empty: then nothing is.
    pub(super) fn record_only(&mut self, file: &Path, written: &RecordOnlyFile) {
        self.id(file, &written.id);
        let id = &written.id.value;
        self.header_names(file, id, "headers", &written.headers);
        self.header_names(file, id, "cookies", &written.cookies);
        let only = RecordOnly {
            id: id.clone(),
            keys: self.globs(file, id, "keys", &written.keys),
            headers: self.globs(file, id, "headers", &written.headers),
            cookies: self.globs(file, id, "cookies", &written.cookies),
            query: self.globs(file, id, "query", &written.query),
            paths: self.json_paths(file, id, written.path.as_ref()),
            under: self.under(file, id, &written.under),
            sides: self.sides(file, id, written.sides.as_ref()),
        };
        self.normal.push(format!("{only:?}"));
        let examples = &written.examples;
        let checked = CheckedOnly {
            only,
            file: file.to_owned(),
            hits: self.members(file, Expected::Hit, &examples.hit),
            misses: self.members(file, Expected::Miss, &examples.miss),
        };
        self.record_only.push(checked);
    }

    /// Examples of what has no patterns: names are those of members of a body.
    fn members(
        &mut self,
        file: &Path,
        expected: Expected,
        written: &[Spanned<ExampleFile>],
    ) -> Vec<Example> {
        let mut examples = self.examples(file, expected, written);
        for example in &mut examples {
            if let Says::Text(name) = &example.says {
                example.says = Says::Body(BodyExample::member(name));
            }
        }
        examples
    }
}
