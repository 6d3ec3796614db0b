//! Looks for the planted secrets in the bytes of every file below a directory.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use regex::bytes::Regex;

/// Bytes read at a time.
const CHUNK: usize = 1 << 20;

/// Why a search could not be made. A search that fails has found nothing out.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// A file or directory could not be read.
    #[error("`{path}` cannot be read")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The texts do not make a pattern.
    #[error("the texts cannot be searched for")]
    Pattern(#[from] regex::Error),
}

/// What a search found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Files that were searched.
    pub files: usize,
    /// Bytes that were searched.
    pub bytes: u64,
    /// Each text that was found, once a file.
    pub found: Vec<(PathBuf, String)>,
}

/// Searches every file below `dir` for the texts.
pub fn search(dir: &Path, texts: &[&str]) -> Result<Findings, SearchError> {
    let alternatives: Vec<String> = texts.iter().map(|text| regex::escape(text)).collect();
    let pattern = Regex::new(&alternatives.join("|"))?;
    let overlap = texts.iter().map(|text| text.len()).max().unwrap_or(0);
    let mut findings = Findings::default();
    let mut waiting = vec![dir.to_owned()];
    while let Some(path) = waiting.pop() {
        let failed = |source| SearchError::Read { path: path.clone(), source };
        let kind = fs::symlink_metadata(&path).map_err(failed)?.file_type();
        if kind.is_dir() {
            for entry in fs::read_dir(&path).map_err(failed)? {
                waiting.push(entry.map_err(failed)?.path());
            }
        } else if kind.is_file() {
            let found = search_file(&path, &pattern, overlap, &mut findings).map_err(failed)?;
            findings.found.extend(found.into_iter().map(|text| (path.clone(), text)));
        }
    }
    findings.found.sort();
    Ok(findings)
}

fn search_file(
    path: &Path,
    pattern: &Regex,
    overlap: usize,
    findings: &mut Findings,
) -> io::Result<Vec<String>> {
    let mut file = File::open(path)?;
    let mut window = Vec::with_capacity(CHUNK + overlap);
    let mut found = Vec::new();
    findings.files += 1;
    loop {
        let read = file.by_ref().take(CHUNK as u64).read_to_end(&mut window)?;
        if read == 0 {
            found.sort();
            found.dedup();
            return Ok(found);
        }
        findings.bytes += read as u64;
        for hit in pattern.find_iter(&window) {
            found.push(String::from_utf8_lossy(hit.as_bytes()).into_owned());
        }
        found.sort();
        found.dedup();
        // A text may lie across two chunks: the end of this one is searched again.
        window.drain(..window.len().saturating_sub(overlap));
    }
}

#[cfg(test)]
mod tests;
