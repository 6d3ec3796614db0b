use std::fs;

use super::{CHUNK, search};

#[test]
fn finds_texts_wherever_they_lie() {
    let rows: &[(&str, Vec<u8>, usize)] = &[
        ("nothing", b"all clear".to_vec(), 0),
        ("a dot is no wildcard", b"plantedXone".to_vec(), 0),
        ("whole file", b"planted.one".to_vec(), 1),
        ("amid bytes that are no text", b"\xff\x00planted.one\xfe".to_vec(), 1),
        ("twice counts once", b"planted.one planted.one".to_vec(), 1),
        ("two texts", b"planted.one planted-two".to_vec(), 2),
        ("across two chunks", [vec![b'.'; CHUNK - 4], b"planted.one".to_vec()].concat(), 1),
        ("beyond the first chunk", [vec![b'.'; CHUNK + 9], b"planted-two".to_vec()].concat(), 1),
    ];
    for (name, bytes, expected) in rows {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("below")).unwrap();
        fs::write(dir.path().join("below/file.db-wal"), bytes).unwrap();
        let findings = search(dir.path(), &["planted.one", "planted-two"]).unwrap();
        assert_eq!(findings.found.len(), *expected, "{name}");
        assert_eq!((findings.files, findings.bytes), (1, bytes.len() as u64), "{name}");
    }
}

#[test]
fn a_missing_directory_is_an_error_and_not_a_clean_result() {
    let dir = tempfile::tempdir().unwrap();
    assert!(search(&dir.path().join("missing"), &["planted"]).is_err());
}
