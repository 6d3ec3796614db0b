//! Requests and responses as they are on the wire: content encodings, charsets, framing.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

/// What is done to a body before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Gzip,
    Brotli,
    Zstd,
    Deflate,
    /// Brotli, then gzip.
    Stacked,
}

/// All that change the bytes.
pub(super) const ENCODINGS: [Encoding; 5] =
    [Encoding::Gzip, Encoding::Brotli, Encoding::Zstd, Encoding::Deflate, Encoding::Stacked];

impl Encoding {
    /// The value of `Content-Encoding`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Deflate => "deflate",
            Self::Stacked => "br, gzip",
        }
    }

    fn encode(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Identity => bytes.to_vec(),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(bytes).unwrap();
                encoder.finish().unwrap()
            }
            Self::Brotli => {
                let mut out = Vec::new();
                let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 5, 20);
                encoder.write_all(bytes).unwrap();
                drop(encoder);
                out
            }
            Self::Zstd => zstd::encode_all(bytes, 3).unwrap(),
            Self::Stacked => Self::Gzip.encode(&Self::Brotli.encode(bytes)),
        }
    }
}

/// How text becomes bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    Utf8,
    /// Little-endian, with a byte order mark.
    Utf16,
    Latin1,
}

impl Charset {
    /// The parameter of the content type, and the bytes; `None` if the text has other characters.
    fn encode(self, text: &str) -> Option<(&'static str, Vec<u8>)> {
        match self {
            Self::Utf8 => Some(("", text.as_bytes().to_vec())),
            Self::Utf16 => {
                let units = std::iter::once(0xfeff).chain(text.encode_utf16());
                Some(("; charset=utf-16", units.flat_map(u16::to_le_bytes).collect()))
            }
            Self::Latin1 => {
                let bytes = text.chars().map(|c| u8::try_from(u32::from(c)).ok());
                Some(("; charset=iso-8859-1", bytes.collect::<Option<Vec<u8>>>()?))
            }
        }
    }
}

/// Header fields and a body.
#[derive(Debug, Clone, Default)]
pub(super) struct Message {
    /// Fields beside those of the framing.
    pub(super) headers: Vec<(String, String)>,
    /// The bytes of the body, encoded.
    pub(super) body: Vec<u8>,
    /// Chunks rather than a length.
    pub(super) chunked: bool,
}

impl Message {
    /// A message with a body of text.
    pub(super) fn text(kind: &str, text: &str) -> Self {
        Self::encoded(kind, text, Encoding::Identity, Charset::Utf8).unwrap()
    }

    /// A message with a body of encoded text; `None` if the charset has not all its characters.
    pub(super) fn encoded(
        kind: &str,
        text: &str,
        encoding: Encoding,
        charset: Charset,
    ) -> Option<Self> {
        let (parameter, bytes) = charset.encode(text)?;
        let mut message = Self::default().with("Content-Type", format!("{kind}{parameter}"));
        if encoding != Encoding::Identity {
            message = message.with("Content-Encoding", encoding.name());
        }
        message.body = encoding.encode(&bytes);
        Some(message)
    }

    /// With one more header field.
    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// As it is on the wire.
    pub(super) fn bytes(&self, first_line: &str) -> Vec<u8> {
        let mut out = format!("{first_line}\r\n").into_bytes();
        for (name, value) in &self.headers {
            out.extend(format!("{name}: {value}\r\n").bytes());
        }
        if !self.chunked {
            out.extend(format!("Content-Length: {}\r\n\r\n", self.body.len()).bytes());
            out.extend(&self.body);
            return out;
        }
        out.extend(b"Transfer-Encoding: chunked\r\n\r\n");
        for chunk in self.body.chunks(self.body.len().div_ceil(3).max(1)) {
            out.extend(format!("{:x}\r\n", chunk.len()).bytes());
            out.extend(chunk);
            out.extend(b"\r\n");
        }
        out.extend(b"0\r\n\r\n");
        out
    }
}

/// A body out of its chunks.
pub(crate) fn dechunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") {
        let size = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        out.extend(&bytes[end + 2..end + 2 + size]);
        bytes = &bytes[end + 2 + size + 2..];
        if size == 0 {
            break;
        }
    }
    out
}
