//! API documents (OpenAPI 3, Swagger 2): their form, their checks, and the operations in them.
//!
//! Owns the reading of documents; what an operation says of a request is the business of `derive`.
//! Nothing is fetched: references are followed inside of the file, a few times.

pub(super) mod file;

mod document;
#[cfg(test)]
mod tests;
mod tree;

use std::path::Path;

use sha2::{Digest, Sha256};

use self::document::{About, operations};
use self::file::OpenapiFile;
use super::check::Checked;
use crate::problem::{Problem, utf8};

/// The largest document, in bytes.
const DOCUMENT_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Of a document so many problems are shown.
const PROBLEMS_MAX: usize = 20;

impl Checked {
    /// Reads a document, and takes its operations.
    pub(super) fn openapi(&mut self, file: &Path, written: &OpenapiFile) {
        self.id(file, &written.id);
        let id = &written.id.value;
        let host = self.host(file, id, written.host.as_ref());
        if let Some(base) = &written.base
            && (!base.value.starts_with('/') || base.value.contains(['?', '#', '*', ' ']))
        {
            let message = format!("`{}` in `base` of `{id}` is no path", base.value);
            self.at(file, base, message, "write a path such as `/api/v2`, or `/` for none");
        }
        let Some((path, bytes)) = self.read_up_to(file, &written.file, DOCUMENT_BYTES_MAX) else {
            return;
        };
        let base = written.base.as_ref().map(|base| base.value.as_str());
        let digest = hex::encode(Sha256::digest(&bytes));
        self.normal.push(format!("openapi {id:?} {base:?} {host:?} {digest}"));
        let text = match utf8(&path, bytes) {
            Ok(text) => text,
            Err(problem) => return self.problems.push(problem),
        };
        let about = About { id, base, host: host.as_deref() };
        let problem = |line, column, message, remedy: &str| Problem {
            file: path.clone(),
            line,
            column,
            message,
            remedy: remedy.to_owned(),
        };
        match tree::read(&text) {
            Ok(root) => {
                let (found, wrong) = operations(&root, &about);
                let wrong = wrong.into_iter().take(PROBLEMS_MAX);
                let wrong = wrong.map(|it| problem(it.line, it.column, it.message, it.remedy));
                self.problems.extend(wrong);
                self.operations.extend(found);
                self.documents.push((id.clone(), path.clone()));
            }
            Err(it) => {
                let remedy = "name a document of OpenAPI 3.0, 3.1 or Swagger 2, in YAML or JSON";
                self.problems.push(problem(it.line, it.column, it.message, remedy));
            }
        }
    }
}
