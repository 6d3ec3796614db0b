//! Archives as they are made, and as somebody else might have made them.

use std::collections::BTreeMap;

use serde_json::json;

use super::format::{FORMAT, Header};
use super::{ArchiveError, ArchiveReader, Made, Manifest, Place, check, is_there, keep, manifests};
use crate::clock::Timestamp;
use crate::record::{EntryKind, EventId, Ranges, Stored, leaf_hash};
use crate::store::LedgerReader;

fn now() -> Timestamp {
    "2026-03-04T05:06:07.089Z".parse().unwrap()
}

fn entry(writer: &str, seq: u64) -> Stored {
    let id = EventId::new(now());
    let doc = format!(r#"{{"id":"{id}","text":"ä\n{{}}","seq":{seq}}}"#);
    Stored {
        writer: writer.to_owned(),
        seq,
        kind: EntryKind::Completion,
        id,
        intent: None,
        scope: r#"{"pool":"blue"}"#.to_owned(),
        leaf: leaf_hash(&doc).to_vec(),
        doc,
    }
}

fn made(writer: &str, seqs: &[u64]) -> (Made, Vec<Stored>) {
    let entries: Vec<Stored> = seqs.iter().map(|seq| entry(writer, *seq)).collect();
    (Made::of(header(writer, seqs), &entries, now()).unwrap(), entries)
}

fn header(writer: &str, seqs: &[u64]) -> Header {
    Header {
        countersign_archive: FORMAT,
        made_by: "0".to_owned(),
        made_at: "2026-03-04T05:06:07.089Z".to_owned(),
        writer: writer.to_owned(),
        ranges: seqs.iter().copied().collect::<Ranges>(),
        entries: seqs.len() as u64,
        events: seqs.len() as u64,
        from: "2025-03-04T00:00:00Z".to_owned(),
        to: "2025-03-05T00:00:00Z".to_owned(),
        categories: BTreeMap::new(),
        policy: json!({"days": 365}),
    }
}

#[tokio::test]
async fn what_is_kept_is_read_back_to_the_letter() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::from(dir.path().join("a/b").as_path());
    let (made, entries) = made("w", &[3, 4, 9]);
    let archived = keep(&place, made.clone()).await.unwrap();
    assert_eq!(archived.object, "20260304T050607089Z.w.000000000003-000000000009.ndjson.zst");
    assert_eq!(manifests(&place).await.unwrap().0, [made.manifest]);
    assert_eq!(is_there(&place, &archived).await.unwrap().entries, entries);
    let mut reader = ArchiveReader::open(place).await.unwrap();
    assert_eq!(reader.head("w").await.unwrap(), 9);
    assert_eq!(reader.entries("w", &[4, 5, 9]).await.unwrap(), entries[1..]);
    // For their owner alone, and nothing half-written beside them.
    use std::os::unix::fs::PermissionsExt;
    for file in std::fs::read_dir(dir.path().join("a/b")).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!file.file_name().to_string_lossy().starts_with('.'));
    }
}

#[tokio::test]
async fn an_archive_without_a_manifest_is_none_and_several_are_one_log() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::from(dir.path());
    let mut all = Vec::new();
    // Between each other, as those of categories with other times are, and one of them twice.
    for seqs in [&[1, 2, 8, 20][..], &[3, 4, 9], &[3, 4, 9], &[5, 6, 7]] {
        let (made, entries) = made("w", seqs);
        keep(&place, made).await.unwrap();
        all.extend(entries);
    }
    std::fs::write(dir.path().join("20260304T050607089Z.w.1-2.ndjson.zst"), b"cut off").unwrap();
    let mut reader = ArchiveReader::open(place).await.unwrap();
    let mut read: Vec<u64> = Vec::new();
    loop {
        let after = read.last().copied().unwrap_or(0);
        let some = reader.read_after("w", after, 2).await.unwrap();
        if some.is_empty() {
            break;
        }
        read.extend(some.iter().map(|entry| entry.seq));
    }
    assert_eq!(read, [1, 2, 3, 4, 5, 6, 7, 8, 9, 20]);
}

/// Lines, compressed, with a manifest that says what it must.
fn forged(lines: &[String], change: impl Fn(&mut Manifest)) -> (Vec<u8>, Manifest) {
    let (mut made, _) = made("w", &[1, 2]);
    let text = lines.join("");
    let bytes = zstd::stream::encode_all(text.as_bytes(), 1).unwrap();
    made.manifest.text_bytes = text.len() as u64;
    made.manifest.bytes = bytes.len() as u64;
    made.manifest.sha256 = super::object::digest(&bytes);
    change(&mut made.manifest);
    (bytes, made.manifest)
}

#[test]
fn what_is_not_as_it_should_be_is_found() {
    let lines = |entries: &[Stored]| -> Vec<String> {
        let head = serde_json::to_string(&header("w", &[1, 2])).unwrap();
        let line = |it: &Stored| serde_json::to_string(&super::format::Line::of(it).unwrap());
        let rest = entries.iter().map(|it| format!("{}\n", line(it).unwrap()));
        std::iter::once(format!("{head}\n")).chain(rest).collect()
    };
    let (one, two) = (entry("w", 1), entry("w", 2));
    let good = lines(&[one.clone(), two.clone()]);
    let changed = |line: usize, from: &str, to: &str| {
        let mut lines = good.clone();
        lines[line] = lines[line].replace(from, to);
        lines
    };
    let none = |_: &mut Manifest| {};
    let (bytes, manifest) = forged(&good, none);
    assert_eq!(super::object::read(&bytes, &manifest).unwrap().entries.len(), 2);
    type Case = (&'static str, Vec<String>, fn(&mut Manifest));
    let cases: [Case; 12] = [
        ("it has format 2", good.clone(), |it| it.header.countersign_archive = 2),
        ("SHA-256", good.clone(), |it| it.sha256 = "00".repeat(32)),
        ("SHA-256", good.clone(), |it| it.bytes += 1),
        ("line 3 is no entry", good.clone(), |it| it.text_bytes -= 3),
        ("not what its manifest says", good.clone(), |it| it.header.policy = json!({})),
        ("no header", changed(0, "{", "["), none),
        ("line 2 is no entry", changed(1, "completion", "conclusion"), none),
        ("entry 1 does not have its hash", changed(1, r#"\n{}"#, "?"), none),
        ("line 3 is an entry that does not belong", lines(&[one.clone(), entry("v", 2)]), none),
        ("line 3 is an entry that does not belong", lines(&[two.clone(), one.clone()]), none),
        ("line 3 is an entry that does not belong", lines(&[one.clone(), entry("w", 7)]), none),
        ("it has 1 entries, and should have 2", lines(std::slice::from_ref(&one)), none),
    ];
    for (problem, lines, change) in cases {
        let (bytes, manifest) = forged(&lines, change);
        let error = super::object::read(&bytes, &manifest).unwrap_err();
        assert!(matches!(error, ArchiveError::Damaged { .. }), "{problem}: {error}");
        assert!(error.to_string().contains(problem), "{problem}: {error}");
    }
}

#[test]
fn what_swells_when_it_is_decompressed_ends_at_a_limit() {
    let head = serde_json::to_string(&header("w", &[1, 2])).unwrap();
    let lines = [format!("{head}\n"), " ".repeat(140 * 1024 * 1024)];
    let (bytes, manifest) = forged(&lines, |_| {});
    assert!(bytes.len() < 1 << 20);
    let error = super::object::read(&bytes, &manifest).unwrap_err();
    assert!(error.to_string().contains("line 2"), "{error}");
}

#[tokio::test]
async fn a_manifest_leads_to_no_other_file() {
    let dir = tempfile::tempdir().unwrap();
    let place = Place::from(dir.path());
    let (made, _) = made("w", &[1]);
    keep(&place, made.clone()).await.unwrap();
    let path = dir.path().join(Manifest::name_for(&made.manifest.object));
    let text = std::fs::read_to_string(&path).unwrap();
    for object in ["/etc/passwd", "../x.ndjson.zst", "other.ndjson.zst"] {
        std::fs::write(&path, text.replace(&made.manifest.object, object)).unwrap();
        let error = manifests(&place).await.unwrap().1.remove(0);
        assert!(error.to_string().contains("another archive"), "{object}: {error}");
    }
    std::fs::write(&path, "{}").unwrap();
    let other = made.manifest.object.replace("000000000001", "000000000002");
    let other = Manifest { object: other, ..made.manifest.clone() };
    let beside = dir.path().join(Manifest::name_for(&other.object));
    std::fs::write(beside, serde_json::to_vec(&other).unwrap()).unwrap();
    // One that is damaged hides no other.
    let (good, damaged) = manifests(&place).await.unwrap();
    assert_eq!(good, [other]);
    assert!(damaged[0].to_string().contains("no manifest"));
    std::fs::remove_file(&path).unwrap();
    let (good, damaged) = manifests(&place).await.unwrap();
    assert_eq!((good.len(), damaged.len()), (1, 1));
    assert!(damaged[0].to_string().contains("its manifest is not there"), "{}", damaged[0]);
    std::fs::write(&path, &text).unwrap();
    std::fs::remove_file(dir.path().join(&made.manifest.object)).unwrap();
    assert_eq!(check(&place, &made.manifest).await.unwrap_err().reason(), "archive");
}

#[test]
fn an_entry_that_is_not_what_its_leaf_says_is_not_archived() {
    let good = entry("w", 1);
    for bad in [
        Stored { leaf: vec![7; 32], ..good.clone() },
        Stored { doc: "{\n}".to_owned(), leaf: leaf_hash("{\n}").to_vec(), ..good.clone() },
        Stored { doc: "no json".to_owned(), leaf: leaf_hash("no json").to_vec(), ..good.clone() },
        Stored { scope: "{".to_owned(), ..good },
    ] {
        let error = Made::of(header("w", &[1]), &[bad], now()).unwrap_err();
        assert_eq!(error.reason(), "damaged_entry");
    }
}

#[test]
fn places_are_directories_and_buckets() {
    for (text, shown) in [
        ("kept", "kept"),
        ("/var/kept", "/var/kept"),
        ("file:///var/kept", "/var/kept"),
        ("s3://audit-log", "s3://audit-log"),
        ("s3://audit-log/a/b=c/", "s3://audit-log/a/b=c"),
    ] {
        assert_eq!(Place::parse(text).unwrap().to_string(), shown);
    }
    for text in [
        "",
        "file://",
        "file://host/x",
        "s3://",
        "s3://A",
        "s3://ab",
        "s3://abc/../d",
        "s3://abc/d?e",
        "http://x",
    ] {
        assert!(Place::parse(text).is_err(), "{text}");
    }
}

#[tokio::test]
async fn a_place_that_hangs_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let (made, _) = made("w", &[1]);
    let pipe = dir.path().join(&made.manifest.object);
    // To open one for reading waits for somebody who writes.
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let error = check(&Place::from(dir.path()), &made.manifest).await.unwrap_err();
    assert_eq!(error.reason(), "archive_timeout");
    std::fs::OpenOptions::new().write(true).open(&pipe).unwrap();
}
