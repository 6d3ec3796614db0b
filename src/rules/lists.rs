//! Lists that are no redaction rules: exceptions, and what alone is recorded.

use std::path::{Path, PathBuf};

use serde_saphyr::Spanned;

use super::check::Checked;
use super::content::Reach;
use super::examples::{Example, Expected, Says};
use super::file::{KeepFile, RecordOnlyFile};
use super::one_or_other::{ExampleFile, PathFile};
use super::try_body::BodyExample;
use crate::problem::Problem;
use crate::redact::{Exceptions, Glob, JsonPath, RECORD_ONLY_MAX, RecordOnly};

/// An entry of `record_only`, and the examples that it came with.
#[derive(Debug, Clone)]
pub(super) struct CheckedOnly {
    pub(super) only: RecordOnly,
    pub(super) file: PathBuf,
    pub(super) line: u64,
    pub(super) hits: Vec<Example>,
    pub(super) misses: Vec<Example>,
}

impl Checked {
    /// Checks a list of exceptions.
    pub(super) fn keep(&mut self, file: &Path, entry: &Spanned<KeepFile>) {
        let written = &entry.value;
        let names = [
            &written.keys,
            &written.flags,
            &written.counts,
            &written.headers,
            &written.cookies,
            &written.query,
        ];
        if names.iter().all(|names| names.is_empty()) && written.path.is_none() {
            self.at(
                file,
                entry,
                "an exception under `keep` keeps nothing".to_owned(),
                "give it `keys`, `flags`, `counts`, `headers`, `cookies`, `query` or `path`, or remove the entry",
            );
        }
        self.header_names(file, "keep", "headers", &written.headers);
        self.header_names(file, "keep", "cookies", &written.cookies);
        for name in names.into_iter().flatten() {
            if name.value.contains('*')
                && name.value.bytes().all(|byte| !byte.is_ascii_alphanumeric())
            {
                self.at(
                    file,
                    name,
                    format!("`{}` under `keep` excepts every name", name.value),
                    "name what is to be kept; to redact nothing below a path, limit rules by `under`",
                );
            }
        }
        let keys = self.globs(file, "keep", "keys", &written.keys);
        let flags = self.globs(file, "keep", "flags", &written.flags);
        let counts = self.globs(file, "keep", "counts", &written.counts);
        let exceptions = if self.shipping {
            let (shipped_keys, shipped_flags, shipped_counts) = (keys, flags, counts);
            Exceptions { shipped_keys, shipped_flags, shipped_counts, ..Exceptions::default() }
        } else {
            Exceptions { keys, flags, counts, ..Exceptions::default() }
        };
        let paths = self.json_paths(file, "keep", written.path.as_ref());
        self.paths_of_any_name(file, written.path.as_ref(), &paths);
        let exceptions = Exceptions {
            headers: self.globs(file, "keep", "headers", &written.headers),
            cookies: self.globs(file, "keep", "cookies", &written.cookies),
            query: self.globs(file, "keep", "query", &written.query),
            paths,
            ..exceptions
        };
        self.normal.push(format!("keep {exceptions:?}"));
        self.keep.extend(exceptions);
    }

    /// Exceptions by path that hold for members of any name are mistakes, as `keys: ["*"]` is.
    fn paths_of_any_name(
        &mut self,
        file: &Path,
        written: Option<&Spanned<PathFile>>,
        paths: &[JsonPath],
    ) {
        let Some(written) = written else { return };
        for path in paths.iter().filter(|path| path.selects_any_name()) {
            let text = path.as_str();
            let message = format!("`{text}` under `keep` excepts members of every name");
            let remedy = "name what is to be kept, as in `$.policy.password`; to redact nothing below a \
                          path of the API, limit rules by `under`";
            match &written.value {
                PathFile::Many(several) => {
                    for one in several.iter().filter(|one| one.value == text) {
                        self.at(file, one, message.clone(), remedy);
                    }
                }
                PathFile::One(_) => self.at(file, written, message, remedy),
            }
        }
    }

    /// Rules of which an exception leaves nothing are mistakes, in the one or the other.
    pub(super) fn excepted(&mut self) {
        let keep = &self.keep.keys;
        let is_kept = |name: &Glob| keep.iter().any(|kept| kept.covers(name));
        let lost = self.rules.iter().filter(|checked| {
            let rule = &checked.rule;
            let more = [&rule.headers, &rule.cookies, &rule.query, &rule.segments, &rule.texts_but];
            let by_keys_alone = more.iter().all(|names| names.is_empty())
                && rule.paths.is_empty()
                && rule.pattern.is_none()
                && !rule.bare_body;
            !rule.shipped && !rule.keys.is_empty() && by_keys_alone && rule.keys.iter().all(is_kept)
        });
        let problems = lost.map(|checked| Problem {
            file: checked.file.clone(),
            line: checked.line,
            column: checked.column,
            message: format!(
                "rule `{}` selects nothing: `keep` excepts all names of its `keys`",
                checked.rule.id
            ),
            remedy: "remove the names under `keep`, or the rule".to_owned(),
        });
        let problems: Vec<Problem> = problems.collect();
        self.problems.extend(problems);
    }

    /// Checks a list of what alone is recorded. It may be empty: then nothing is.
    pub(super) fn record_only(&mut self, file: &Path, written: &RecordOnlyFile) {
        self.id(file, &written.id);
        let id = &written.id.value;
        if self.record_only.len() == RECORD_ONLY_MAX {
            self.at(
                file,
                &written.id,
                format!(
                    "`{id}` is one entry too many under `record_only`: at most {RECORD_ONLY_MAX}"
                ),
                "join it with another that holds below the same paths",
            );
            return;
        }
        self.header_names(file, id, "headers", &written.headers);
        self.header_names(file, id, "cookies", &written.cookies);
        let only = RecordOnly {
            id: id.clone(),
            keys: self.globs(file, id, "keys", &written.keys),
            headers: self.globs(file, id, "headers", &written.headers),
            cookies: self.globs(file, id, "cookies", &written.cookies),
            query: self.globs(file, id, "query", &written.query),
            paths: self.json_paths(file, id, written.path.as_ref()),
            under: self.under(file, id, &written.under, Reach::Below),
            sides: self.sides(file, id, written.sides.as_ref()),
        };
        self.normal.push(format!("{only:?}"));
        let examples = &written.examples;
        let checked = CheckedOnly {
            only,
            file: file.to_owned(),
            line: written.id.referenced.line(),
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
