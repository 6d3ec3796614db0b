//! Replays the corpus of the fuzz targets (`fuzz/corpus/TARGET/*`), and every prefix of it.
//!
//! What a fuzzer has found is put there, so that it is tested ever after.

#[path = "fuzz/targets.rs"]
mod targets;

use std::fs;
use std::path::PathBuf;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// The inputs of a target, in the order of their names.
fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let dir = root().join("corpus").join(target);
    let entries = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

#[test]
fn every_target_has_a_corpus_and_a_program() {
    for target in targets::names() {
        assert!(!corpus(target).is_empty(), "fuzz/corpus/{target} is empty");
        let program = root().join("fuzz_targets").join(format!("{target}.rs"));
        let text = fs::read_to_string(&program).unwrap();
        assert!(text.contains(&format!("run(\"{target}\", data)")), "{}", program.display());
        let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
        assert!(manifest.contains(&format!("name = \"{target}\"")), "{target} is not built");
    }
    for entry in fs::read_dir(root().join("corpus")).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(targets::names().any(|target| name == *target), "{name:?} is no target");
    }
}

#[test]
fn the_corpus_breaks_nothing() {
    for target in targets::names() {
        for (path, input) in corpus(target) {
            let shown = path.display().to_string();
            let replay = std::panic::catch_unwind(|| targets::run(target, &input));
            assert!(replay.is_ok(), "{shown}");
            // Rule files are read from disk: every prefix would take long, and tell little.
            let step = if target == "rules" { 16 } else { 1 };
            for end in (0..input.len().min(600)).step_by(step) {
                let prefix = input.get(..end).unwrap_or_default();
                let replay = std::panic::catch_unwind(|| targets::run(target, prefix));
                assert!(replay.is_ok(), "the first {end} bytes of {shown}");
            }
        }
    }
}
