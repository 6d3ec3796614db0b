//! A body as far as the capture limit, with the size and digest of all of it.

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};

use super::passed::{Passed, Splitter};

/// What was kept of a word that goes on behind the limit is no longer.
const TAIL_BYTES: usize = 256;

/// What was captured of a body.
#[derive(Clone, Default)]
pub struct Body {
    /// The captured bytes: all of the body unless `truncated`.
    pub bytes: Bytes,
    /// The body is longer than what was captured.
    pub truncated: bool,
    /// Size of the whole body in bytes, where known; of one that broke off, of what came of it.
    pub size: Option<u64>,
    /// SHA-256 of the whole body, lower-case hex; only for truncated bodies that were seen to
    /// their end.
    pub sha256: Option<String>,
    /// Which words went by behind what was captured, and still do while the body goes on; of requests only.
    pub passed: Option<Arc<Passed>>,
}

impl Body {
    /// A body that was captured whole.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let size = Some(bytes.len() as u64);
        Self { bytes, truncated: false, size, sha256: None, passed: None }
    }

    /// Whether the size is only what was said of it: nobody has seen the body's end yet.
    pub fn is_size_declared(&self) -> bool {
        self.truncated && self.sha256.is_none() && self.size.is_some()
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("captured", &self.bytes.len())
            .field("truncated", &self.truncated)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Collects a body chunk by chunk: keeps at most `limit` bytes and, once it is longer than that,
/// counts and digests the whole of it.
pub struct BodyCapture {
    kept: BytesMut,
    limit: usize,
    size: u64,
    digest: Option<Sha256>,
    /// The words of what is not kept are told.
    tells_words: bool,
    words: Option<Splitter>,
}

impl BodyCapture {
    /// Starts a capture of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        let kept = BytesMut::new();
        Self { kept, limit, size: 0, digest: None, tells_words: false, words: None }
    }

    /// The same, of a request: it is known which words are in what is not kept.
    pub fn of_request(limit: usize) -> Self {
        Self { tells_words: true, ..Self::new(limit) }
    }

    /// Takes the next chunk; returns whether the limit is now passed.
    pub fn push(&mut self, chunk: &[u8]) -> bool {
        self.size += chunk.len() as u64;
        if let Some(digest) = &mut self.digest {
            digest.update(chunk);
            if let Some(words) = &mut self.words {
                words.push(chunk);
            }
            return true;
        }
        if self.size <= self.limit as u64 {
            self.kept.extend_from_slice(chunk);
            return false;
        }
        let mut digest = Sha256::new();
        digest.update(&self.kept);
        digest.update(chunk);
        self.digest = Some(digest);
        if self.tells_words {
            let mut words = Splitter::new();
            let from = self.kept.len().saturating_sub(TAIL_BYTES);
            words.push(self.kept.get(from..).unwrap_or_default());
            words.push(chunk);
            self.words = Some(words);
        }
        let room = self.limit - self.kept.len();
        self.kept.extend_from_slice(chunk.get(..room).unwrap_or(chunk));
        true
    }

    /// Bytes seen so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The bytes kept so far.
    pub fn kept(&self) -> Bytes {
        Bytes::copy_from_slice(&self.kept)
    }

    /// What is known while the body goes on: `declared` is its Content-Length, if it has one.
    pub fn so_far(&self, declared: Option<u64>) -> Body {
        let passed = self.passed();
        Body { bytes: self.kept(), truncated: true, size: declared, sha256: None, passed }
    }

    fn passed(&self) -> Option<Arc<Passed>> {
        self.words.as_ref().map(Splitter::passed)
    }

    /// What came of a body that broke off, or of which the rest was not asked for.
    pub fn cut(self) -> Body {
        Body { sha256: None, truncated: true, ..self.finish() }
    }

    /// The finished capture.
    pub fn finish(self) -> Body {
        Body {
            passed: self.passed(),
            bytes: self.kept.freeze(),
            truncated: self.digest.is_some(),
            size: Some(self.size),
            sha256: self.digest.map(|digest| hex::encode(digest.finalize())),
        }
    }
}
