//! The search for secrets in everything that is kept or shown.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use super::cases::Case;

/// Bytes by which a needle is looked up.
const HEAD: usize = 8;

/// Where a secret was found: case, spelling, place → what stands around it.
pub(super) type Leaks = BTreeMap<(String, &'static str, String), String>;

struct Needle {
    case: usize,
    spelling: &'static str,
    bytes: Vec<u8>,
}

/// All needles of all cases.
pub(super) struct Search<'c> {
    cases: &'c [Case],
    needles: Vec<Needle>,
    by_head: HashMap<u64, Vec<usize>>,
    /// Whether some needle may begin so; much faster than the map.
    filter: Vec<bool>,
}

fn slot(head: u64) -> usize {
    usize::try_from(head.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 42).unwrap()
}

fn head(bytes: &[u8]) -> u64 {
    bytes[..HEAD].iter().fold(0, |head, byte| (head << 8) | u64::from(*byte))
}

impl<'c> Search<'c> {
    pub(super) fn new(cases: &'c [Case]) -> Self {
        let mut needles = Vec::new();
        let mut by_head: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut filter = vec![false; 1 << 22];
        for (case, one) in cases.iter().enumerate() {
            for (spelling, bytes) in one.secret.needles() {
                let bytes = bytes.to_ascii_lowercase();
                let head = head(&bytes);
                filter[slot(head)] = true;
                by_head.entry(head).or_default().push(needles.len());
                needles.push(Needle { case, spelling, bytes });
            }
        }
        Self { cases, needles, by_head, filter }
    }

    /// Searches bytes, whatever the case of their letters.
    pub(super) fn look(&self, place: &str, bytes: &[u8], leaks: &mut Leaks) {
        let bytes = bytes.to_ascii_lowercase();
        let mut head: u64 = 0;
        for (end, byte) in bytes.iter().enumerate() {
            head = (head << 8) | u64::from(*byte);
            if end + 1 < HEAD || !self.filter[slot(head)] {
                continue;
            }
            let start = end + 1 - HEAD;
            for needle in self.by_head.get(&head).into_iter().flatten() {
                let needle = &self.needles[*needle];
                if bytes[start..].starts_with(&needle.bytes) {
                    let name = self.cases[needle.case].name.clone();
                    let until = (start + needle.bytes.len() + 40).min(bytes.len());
                    let around = &bytes[start.saturating_sub(80)..until];
                    let around = String::from_utf8_lossy(around).into_owned();
                    leaks.entry((name, needle.spelling, place.to_owned())).or_insert(around);
                }
            }
        }
    }

    /// Searches every file below a directory, byte for byte.
    pub(super) fn look_below(&self, when: &str, directory: &Path, leaks: &mut Leaks) {
        let mut found = 0;
        let mut waiting = vec![directory.to_owned()];
        while let Some(path) = waiting.pop() {
            if path.is_dir() {
                waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            } else {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                self.look(&format!("{name} {when}"), &fs::read(&path).unwrap(), leaks);
                found += 1;
            }
        }
        assert!(found > 2, "no files in {}", directory.display());
    }
}
