//! Content encodings (RFC 9110, section 8.4.1), all through one capped reader.

use std::borrow::Cow;
use std::io::Read;

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

use super::Note;

/// Decompressed bytes of one body, at most.
pub const OUTPUT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Decompressed bytes for each compressed byte, at most. Repetitive JSON reaches about 50.
pub const OUTPUT_RATIO_MAX: usize = 200;

/// Decompressed bytes that are allowed whatever the ratio.
pub const OUTPUT_BYTES_FLOOR: usize = 64 * 1024;

/// Encodings stacked on one body, `identity` not counted.
pub const ENCODINGS_MAX: usize = 3;

/// A zstd window, at most (RFC 9659: 8 MiB): the decoder allocates what the frame asks for.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// The buffer of the Brotli reader, in bytes.
const BROTLI_BUFFER_BYTES: usize = 4096;

/// Decompressed bytes of a string that holds something compressed, at most, and for each byte of it.
const INNER_BYTES_MAX: usize = 1024 * 1024;
const INNER_RATIO_MAX: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    fn undecodable(self) -> Note {
        match self {
            Self::Gzip => Note::UndecodableGzip,
            Self::Deflate => Note::UndecodableDeflate,
            Self::Brotli => Note::UndecodableBr,
            Self::Zstd => Note::UndecodableZstd,
        }
    }
}

/// Undoes the content encodings that the headers name, in reverse order.
pub(super) fn decode<'a>(headers: &HeaderMap, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, Note> {
    let mut bytes = Cow::Borrowed(bytes);
    for coding in codings(headers)?.into_iter().rev() {
        bytes = Cow::Owned(decode_one(coding, &bytes)?);
    }
    Ok(bytes)
}

/// What bytes hold that say themselves that they are compressed, as long as it is little; `None` where
/// they are not, and why not where nobody can say what they hold.
pub(super) fn inflated(bytes: &[u8]) -> Result<Option<Vec<u8>>, Note> {
    let mut out: Option<Vec<u8>> = None;
    for _ in 0..ENCODINGS_MAX {
        match inflated_once(out.as_deref().unwrap_or(bytes))? {
            Some(inner) => out = Some(inner),
            None => return Ok(out),
        }
    }
    match inflated_once(out.as_deref().unwrap_or(bytes))? {
        Some(_) => Err(Note::TooManyEncodings),
        None => Ok(out),
    }
}

fn inflated_once(bytes: &[u8]) -> Result<Option<Vec<u8>>, Note> {
    let limit = bytes.len().saturating_mul(INNER_RATIO_MAX).min(INNER_BYTES_MAX);
    let output = |coding: Coding| Output { limit, undecodable: coding.undecodable() };
    match bytes {
        [0x1f, 0x8b, 8, ..] => output(Coding::Gzip).read(MultiGzDecoder::new(bytes)).map(Some),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => output(Coding::Zstd).unzstd(bytes).map(Some),
        // Two bytes are nothing that chance does not make.
        [0x78, ..] if has_zlib_header(bytes) => {
            match output(Coding::Deflate).read(ZlibDecoder::new(bytes)) {
                Err(Note::DecompressionLimit) => Err(Note::DecompressionLimit),
                read => Ok(read.ok()),
            }
        }
        _ => Ok(None),
    }
}

/// The encodings in the order in which they were applied.
fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, Note> {
    let mut codings = Vec::new();
    for value in headers.get_all(CONTENT_ENCODING) {
        let value = value.to_str().map_err(|_| Note::UnsupportedContentEncoding)?;
        for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let coding = match name.to_ascii_lowercase().as_str() {
                "identity" => continue,
                "gzip" | "x-gzip" => Coding::Gzip,
                "deflate" => Coding::Deflate,
                "br" => Coding::Brotli,
                "zstd" => Coding::Zstd,
                _ => return Err(Note::UnsupportedContentEncoding),
            };
            if codings.len() == ENCODINGS_MAX {
                return Err(Note::TooManyEncodings);
            }
            codings.push(coding);
        }
    }
    Ok(codings)
}

fn decode_one(coding: Coding, bytes: &[u8]) -> Result<Vec<u8>, Note> {
    let output = Output::of(bytes.len(), coding.undecodable());
    match coding {
        Coding::Gzip => output.read(MultiGzDecoder::new(bytes)),
        Coding::Deflate if has_zlib_header(bytes) => match output.read(ZlibDecoder::new(bytes)) {
            Err(Note::UndecodableDeflate) => output.read(DeflateDecoder::new(bytes)),
            result => result,
        },
        Coding::Deflate => output.read(DeflateDecoder::new(bytes)),
        // The large-window variant, which is not HTTP's `br`, may ask for a window of 1 GiB.
        Coding::Brotli if bytes.first().is_none_or(|byte| byte & 0x7f == 0x11) => {
            Err(Note::UndecodableBr)
        }
        Coding::Brotli => output.read(brotli::Decompressor::new(bytes, BROTLI_BUFFER_BYTES)),
        Coding::Zstd => output.unzstd(bytes),
    }
}

/// RFC 1950, section 2.2: method 8, and the check over both bytes. Many senders of `deflate` leave
/// the wrapper off.
pub(super) fn has_zlib_header(bytes: &[u8]) -> bool {
    match bytes {
        [first, second, ..] => {
            first & 0x0f == 8 && u16::from_be_bytes([*first, *second]).is_multiple_of(31)
        }
        _ => false,
    }
}

/// The capped reader: the only place where anything is decompressed.
#[derive(Clone, Copy)]
struct Output {
    limit: usize,
    undecodable: Note,
}

impl Output {
    fn of(input_bytes: usize, undecodable: Note) -> Self {
        let by_ratio = input_bytes.saturating_mul(OUTPUT_RATIO_MAX).max(OUTPUT_BYTES_FLOOR);
        Self { limit: by_ratio.min(OUTPUT_BYTES_MAX), undecodable }
    }

    fn unzstd(self, bytes: &[u8]) -> Result<Vec<u8>, Note> {
        let mut decoder =
            zstd::stream::read::Decoder::with_buffer(bytes).map_err(|_| self.undecodable)?;
        decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|_| self.undecodable)?;
        self.read(decoder)
    }

    fn read(self, decoder: impl Read) -> Result<Vec<u8>, Note> {
        let mut out = Vec::new();
        // One byte more than allowed tells a body at the limit from one beyond it.
        let mut capped = decoder.take(self.limit as u64 + 1);
        capped.read_to_end(&mut out).map_err(|_| self.undecodable)?;
        if out.len() > self.limit { Err(Note::DecompressionLimit) } else { Ok(out) }
    }
}
