//! The object itself: entries → compressed lines, and back, with every check.

use std::io::{BufRead, BufReader, Read, Write};

use sha2::{Digest, Sha256};

use super::ArchiveError;
use super::format::{ENTRIES_MAX, FORMAT, Header, Line, Manifest, TEXT_BYTES_MAX, name};
use crate::clock::Timestamp;
use crate::record::{Stored, leaf_hash};

/// How hard zstd tries.
const LEVEL: i32 = 6;
/// The window that decompressing may need, as a power of two.
const WINDOW_LOG_MAX: u32 = 23;
/// What an archive may come to, in bytes, however it is compressed: its documents, one that is larger
/// than all, and what else stands in the lines.
const OUTPUT_MAX: u64 = 8 * TEXT_BYTES_MAX as u64;

/// An archive that is ready to be put somewhere.
#[derive(Debug, Clone)]
pub struct Made {
    /// What must be in it.
    pub manifest: Manifest,
    /// The object.
    pub bytes: Vec<u8>,
}

/// What an archive holds, checked.
#[derive(Debug, Clone)]
pub struct Contents {
    /// The entries, in the order of their numbers.
    pub entries: Vec<Stored>,
}

impl Made {
    /// Compresses entries of one writer, which come in the order of their numbers. One whose document
    /// is not what its leaf says is refused: it shows that somebody changed it, and must stay.
    pub fn of(
        header: Header,
        entries: &[Stored],
        made_at: Timestamp,
    ) -> Result<Self, ArchiveError> {
        let mut encoder =
            zstd::stream::write::Encoder::new(Vec::new(), LEVEL).map_err(ArchiveError::Compress)?;
        encoder.include_checksum(true).map_err(ArchiveError::Compress)?;
        let mut text_bytes = 0_u64;
        let mut line = |text: Vec<u8>| {
            text_bytes += text.len() as u64 + 1;
            encoder
                .write_all(&text)
                .and_then(|()| encoder.write_all(b"\n"))
                .map_err(ArchiveError::Compress)
        };
        line(serde_json::to_vec(&header)?)?;
        for entry in entries {
            let damaged = || ArchiveError::Entry { writer: entry.writer.clone(), seq: entry.seq };
            if entry.leaf != leaf_hash(&entry.doc) {
                return Err(damaged());
            }
            line(serde_json::to_vec(&Line::of(entry).ok_or_else(damaged)?)?)?;
        }
        let bytes = encoder.finish().map_err(ArchiveError::Compress)?;
        let (first, last) = (entries.first(), entries.last());
        let number = |entry: Option<&Stored>| entry.map_or(0, |entry| entry.seq);
        let manifest = Manifest {
            object: name(made_at, &header.writer, number(first), number(last)),
            sha256: digest(&bytes),
            bytes: bytes.len() as u64,
            text_bytes,
            header,
        };
        Ok(Self { manifest, bytes })
    }
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Takes an archive apart, as far as it is what its manifest says.
pub(super) fn read(bytes: &[u8], manifest: &Manifest) -> Result<Contents, ArchiveError> {
    let name = manifest.object.as_str();
    let damaged = |problem: String| ArchiveError::damaged(name, problem);
    if manifest.header.countersign_archive != FORMAT {
        let version = manifest.header.countersign_archive;
        return Err(damaged(format!(
            "it has format {version}, and this countersign knows {FORMAT}"
        )));
    }
    if bytes.len() as u64 != manifest.bytes || digest(bytes) != manifest.sha256 {
        return Err(damaged("its bytes are not those of its manifest (SHA-256)".to_owned()));
    }
    let unreadable = |error: std::io::Error| damaged(format!("it cannot be decompressed: {error}"));
    let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes).map_err(unreadable)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(unreadable)?;
    let mut lines = BufReader::new(decoder.take(OUTPUT_MAX.min(manifest.text_bytes)));
    let mut line = String::new();
    let mut next = |line: &mut String| {
        line.clear();
        lines.read_line(line).map_err(unreadable)
    };
    next(&mut line)?;
    let header: Header = serde_json::from_str(&line)
        .map_err(|error| damaged(format!("its first line is no header: {error}")))?;
    if header != manifest.header {
        return Err(damaged("its first line is not what its manifest says".to_owned()));
    }
    let mut entries: Vec<Stored> = Vec::new();
    while next(&mut line)? > 0 {
        let number = entries.len() + 2;
        let entry: Option<Stored> =
            serde_json::from_str::<Line<'_>>(&line).ok().and_then(Line::stored);
        let entry = entry.ok_or_else(|| damaged(format!("line {number} is no entry")))?;
        let expected = entries.last().is_none_or(|last| last.seq < entry.seq)
            && entry.writer == header.writer
            && header.ranges.contains(entry.seq);
        if !expected {
            return Err(damaged(format!("line {number} is an entry that does not belong there")));
        }
        if entry.leaf != leaf_hash(&entry.doc) {
            return Err(damaged(format!("entry {} does not have its hash", entry.seq)));
        }
        if entries.len() >= ENTRIES_MAX.saturating_mul(2) {
            return Err(damaged("it has more entries than an archive can have".to_owned()));
        }
        entries.push(entry);
    }
    if entries.len() as u64 != header.entries {
        let (found, wanted) = (entries.len(), header.entries);
        return Err(damaged(format!("it has {found} entries, and should have {wanted}")));
    }
    Ok(Contents { entries })
}
