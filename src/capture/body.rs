//! A body as far as the capture limit, with the size and digest of all of it.

use std::fmt;

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};

/// What was captured of a body.
#[derive(Clone, Default)]
pub struct Body {
    /// The captured bytes: all of the body unless `truncated`.
    pub bytes: Bytes,
    /// The body is longer than what was captured.
    pub truncated: bool,
    /// Size of the whole body in bytes, where known.
    pub size: Option<u64>,
    /// SHA-256 of the whole body, lower-case hex; only for truncated bodies that were seen to
    /// their end.
    pub sha256: Option<String>,
}

impl Body {
    /// A body that was captured whole.
    pub fn whole(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let size = Some(bytes.len() as u64);
        Self { bytes, truncated: false, size, sha256: None }
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
}

impl BodyCapture {
    /// Starts a capture of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { kept: BytesMut::new(), limit, size: 0, digest: None }
    }

    /// Takes the next chunk; returns whether the limit is now passed.
    pub fn push(&mut self, chunk: &[u8]) -> bool {
        self.size += chunk.len() as u64;
        if let Some(digest) = &mut self.digest {
            digest.update(chunk);
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
        Body { bytes: self.kept(), truncated: true, size: declared, sha256: None }
    }

    /// The finished capture.
    pub fn finish(self) -> Body {
        Body {
            bytes: self.kept.freeze(),
            truncated: self.digest.is_some(),
            size: Some(self.size),
            sha256: self.digest.map(|digest| hex::encode(digest.finalize())),
        }
    }
}
