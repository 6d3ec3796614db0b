//! Rules and entries of them that are never asked.

use std::path::Path;

use super::super::check::Checked;
use super::file::EventFile;

/// Methods whose requests are not recorded for their own sake.
const SAFE: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

impl Checked {
    /// Tells of a rule for reads that has none recorded, and of outcomes that another one hides.
    pub(super) fn reached(&mut self, file: &Path, written: &EventFile, methods: &[String]) {
        let id = &written.id.value;
        let is_gateway = written.matching.kind.is_some();
        let are_safe =
            !methods.is_empty() && methods.iter().all(|method| SAFE.contains(&method.as_str()));
        if are_safe && !written.audit && !written.read && !is_gateway {
            let message = format!("`{id}` is for reads, and reads are not recorded");
            self.at(file, &written.id, message, "add `audit: true` to have them recorded");
        }
        let hides = |when: &super::file::WhenFile| when.status.is_none() && when.body.is_empty();
        let all = written.outcome.iter().position(|entry| hides(&entry.when));
        if all.is_some_and(|at| at + 1 < written.outcome.len()) {
            let message = format!(
                "an entry of `outcome` of `{id}` holds for every response: those after it are never asked"
            );
            self.at(file, &written.id, message, "put the entry with `when: {}` last");
        }
    }
}
