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

/// Reads YAML text of `file` into `T`; the problem says where the text does not fit, and `remedy`
/// unless there is a better one.
pub fn parse_yaml<T: DeserializeOwned>(
    file: &Path,
    text: &str,
    remedy: &str,
) -> Result<T, Problem> {
    serde_saphyr::from_str(text).map_err(|error| {
        let error = error.without_snippet();
        let (line, column) =
            error.location().map_or((0, 0), |location| (location.line(), location.column()));
        let (message, remedy) = in_our_words(&error.to_string(), remedy);
        Problem { file: file.to_owned(), line, column, message, remedy }
    })
}

/// The YAML library speaks to programmers.
fn in_our_words(message: &str, remedy: &str) -> (String, String) {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    let repeated = message
        .strip_prefix("duplicate mapping key: ")
        .map(|rest| rest.split_once(", set ").map_or(rest, |(key, _)| key));
    let (message, remedy) = match repeated {
        Some(key) => (&*format!("`{key}` is given twice"), "remove or rename one of the two"),
        None if message.starts_with("multiple YAML documents") => {
            let remedy = "remove the line `---`, and give each section once, with all its entries";
            ("the file goes on with a second document", remedy)
        }
        None => (message, remedy),
    };
    (message.to_owned(), remedy.to_owned())
}

/// More pieces than this are not looked at one by one.
const PIECES: usize = 500;

/// The text in pieces, cut before each line that `begins` one, so that a syntax error in one does
/// not hide the others. In each piece, everything stands on the line where it stands in the text.
pub fn pieces(text: &str, mut begins: impl FnMut(&str) -> bool) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for (number, line) in text.split_inclusive('\n').enumerate() {
        if begins(line) && pieces.len() < PIECES {
            pieces.push("\n".repeat(number));
        }
        if let Some(piece) = pieces.last_mut() {
            piece.push_str(line);
        }
    }
    pieces
}

/// The bytes of `file` as text; the problem says where they are none.
pub fn utf8(file: &Path, bytes: Vec<u8>) -> Result<String, Problem> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..valid).unwrap_or_default();
        let lines = before.iter().filter(|byte| **byte == b'\n').count();
        let last = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        Problem {
            file: file.to_owned(),
            line: lines as u64 + 1,
            column: String::from_utf8_lossy(last).chars().count() as u64 + 1,
            message: "the file is not UTF-8 from here on".to_owned(),
            remedy: "save it as UTF-8 (`iconv -f latin1 -t utf-8` if it is Latin-1)".to_owned(),
        }
    })
}

/// The name of `all` that was probably meant.
pub fn nearest<'a>(given: &str, all: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase().replace('-', "_");
    all.into_iter()
        .map(|name| (strsim::jaro_winkler(&given, name), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}
