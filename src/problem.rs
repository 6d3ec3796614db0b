//! What is wrong with a file that an operator wrote, where, and what to do about it.
//!
//! Problems are collected, never thrown one at a time: an operator sees all of them at once.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// One problem in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the operator named it.
    pub file: PathBuf,
    /// Line from 1; 0 where the problem is the file itself.
    pub line: u64,
    /// Column from 1; 0 where it is not known.
    pub column: u64,
    /// What is wrong: lower case, names in backticks.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        write!(f, ": {}\n  remedy: {}", self.message, self.remedy)
    }
}

/// All the problems that were found; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}")?;
        }
        let noun = if self.0.len() == 1 { "problem" } else { "problems" };
        write!(f, "{} {noun}", self.0.len())
    }
}

impl std::error::Error for Problems {}

/// Reads YAML text of `file` into `T`; the problem says where the text does not fit.
pub fn parse_yaml<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T, Problem> {
    serde_saphyr::from_str(text).map_err(|error| {
        let error = error.without_snippet();
        let (line, column) =
            error.location().map_or((0, 0), |location| (location.line(), location.column()));
        Problem {
            file: file.to_owned(),
            line,
            column,
            message: error.to_string(),
            remedy: "compare with the JSON Schema that `countersign schema` prints".to_owned(),
        }
    })
}
