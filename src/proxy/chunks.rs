//! Is a chunked body beyond doubt? Pure and incremental: bytes in, verdict out.
//!
//! What RFC 9112, section 7.1 allows and every parser reads alike passes; anything else is refused:
//! bare CR or LF, space around a size, a size without digits or too long for any machine, data
//! without its CR LF, folded or forbidden trailer fields. The verdict does not depend on how the
//! bytes were split, and no byte behind the end of the body is looked at.

use http::StatusCode;

use super::strict::{Refusal, is_token_byte, is_value_byte};

/// Digits of a size; fewer than would overflow.
const SIZE_DIGITS: u8 = 15;
/// Chunk extensions of one body, in bytes: nobody needs them, and each costs work.
const EXTENSION_BYTES: usize = 16 * 1024;
/// All trailer fields of one body, in bytes.
const TRAILER_BYTES: usize = 8 * 1024;
/// Bytes of a trailer field's name that can matter: the longest forbidden one has fewer.
const NAME_BYTES: usize = 24;

/// Fields that decide about framing, routing, access or meaning, and so may not come as trailers
/// (RFC 9110, section 6.5.1).
const FORBIDDEN: [&[u8]; 20] = [
    b"authorization",
    b"cache-control",
    b"connection",
    b"content-encoding",
    b"content-length",
    b"content-range",
    b"content-type",
    b"cookie",
    b"expect",
    b"forwarded",
    b"host",
    b"keep-alive",
    b"proxy-authorization",
    b"proxy-connection",
    b"range",
    b"set-cookie",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
];

const fn refuse(detail: &'static str) -> Refusal {
    Refusal { status: StatusCode::BAD_REQUEST, reason: "chunked_body", detail }
}

const BAD_SIZE: Refusal =
    refuse("a chunk must begin with its size in plain hexadecimal digits, and CR LF behind it");
const BAD_EXTENSION: Refusal =
    refuse("chunk extensions must be short and in visible ASCII, and end in CR LF");
const BAD_END: Refusal = refuse("every chunk must end in CR LF");
const BAD_TRAILER: Refusal = refuse(
    "trailer fields must be few and well-formed, and must not be about the message's framing",
);

/// What the next byte belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Size { digits: u8, size: u64 },
    Extension { size: u64 },
    SizeEnd { size: u64 },
    Data { left: u64 },
    DataEnd,
    DataEndLf,
    Line,
    Name,
    Value,
    ValueEnd,
    LastLf,
    Done,
}

/// Where a body stands.
#[derive(Debug)]
pub(super) struct Chunks {
    at: At,
    extensions: usize,
    trailers: usize,
    name: [u8; NAME_BYTES],
    name_length: usize,
    /// The lines of the trailer fields.
    lines: Vec<u8>,
}

impl Chunks {
    /// Before the first chunk.
    pub(super) fn new() -> Self {
        Self {
            at: At::Size { digits: 0, size: 0 },
            extensions: 0,
            trailers: 0,
            name: [0; NAME_BYTES],
            name_length: 0,
            lines: Vec::new(),
        }
    }

    /// Whether the body has ended.
    pub(super) fn is_done(&self) -> bool {
        self.at == At::Done
    }

    /// The lines of the trailer fields, each with its end, of a body that has ended.
    pub(super) fn into_trailers(self) -> Option<Vec<u8>> {
        (self.at == At::Done && !self.lines.is_empty()).then_some(self.lines)
    }

    /// Judges the next bytes; how many of them belong to the body.
    pub(super) fn judge(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        let mut rest = bytes;
        while !self.is_done() {
            if let At::Data { left } = self.at {
                let taken = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                let left = left - taken as u64;
                self.at = if left == 0 { At::DataEnd } else { At::Data { left } };
                rest = rest.get(taken..).unwrap_or_default();
            }
            let Some((byte, more)) = rest.split_first() else { break };
            self.at = self.next(*byte)?;
            rest = more;
        }
        Ok(bytes.len() - rest.len())
    }

    fn next(&mut self, byte: u8) -> Result<At, Refusal> {
        match (self.at, byte) {
            (At::Size { digits: 1.., size }, b'\r') => Ok(At::SizeEnd { size }),
            (At::Size { digits: 1.., size }, b';') => Ok(At::Extension { size }),
            (At::Size { digits, size }, byte) => {
                let digit = char::from(byte).to_digit(16).ok_or(BAD_SIZE)?;
                if digits == SIZE_DIGITS {
                    return Err(BAD_SIZE);
                }
                Ok(At::Size { digits: digits + 1, size: size * 16 + u64::from(digit) })
            }
            (At::Extension { size }, b'\r') => Ok(At::SizeEnd { size }),
            (At::Extension { size }, b'\t' | b' '..=b'~') => {
                self.extensions += 1;
                if self.extensions > EXTENSION_BYTES {
                    return Err(BAD_EXTENSION);
                }
                Ok(At::Extension { size })
            }
            (At::Extension { .. }, _) => Err(BAD_EXTENSION),
            (At::SizeEnd { size: 0 }, b'\n') => Ok(At::Line),
            (At::SizeEnd { size }, b'\n') => Ok(At::Data { left: size }),
            (At::SizeEnd { .. }, _) => Err(BAD_SIZE),
            (At::DataEnd, b'\r') => Ok(At::DataEndLf),
            (At::DataEndLf, b'\n') => Ok(At::Size { digits: 0, size: 0 }),
            (At::DataEnd | At::DataEndLf, _) => Err(BAD_END),
            (At::LastLf, b'\n') => Ok(At::Done),
            (At::Line | At::Name | At::Value | At::ValueEnd, byte) => self.trailer(byte),
            // `judge` never asks about data or what is behind the end.
            (At::LastLf | At::Data { .. } | At::Done, _) => Err(BAD_TRAILER),
        }
    }

    fn trailer(&mut self, byte: u8) -> Result<At, Refusal> {
        self.trailers += 1;
        if self.trailers > TRAILER_BYTES {
            return Err(BAD_TRAILER);
        }
        if (self.at, byte) == (At::Line, b'\r') {
            return Ok(At::LastLf);
        }
        self.lines.push(byte);
        match (self.at, byte) {
            (At::Line, byte) if is_token_byte(byte) => {
                self.name_length = 0;
                self.remember(byte);
                Ok(At::Name)
            }
            (At::Name, b':') if !self.is_forbidden() => Ok(At::Value),
            (At::Name, byte) if is_token_byte(byte) => {
                self.remember(byte);
                Ok(At::Name)
            }
            (At::Value, b'\r') => Ok(At::ValueEnd),
            (At::Value, byte) if is_value_byte(byte) => Ok(At::Value),
            (At::ValueEnd, b'\n') => Ok(At::Line),
            _ => Err(BAD_TRAILER),
        }
    }

    fn remember(&mut self, byte: u8) {
        if let Some(place) = self.name.get_mut(self.name_length) {
            *place = byte.to_ascii_lowercase();
        }
        self.name_length += 1;
    }

    fn is_forbidden(&self) -> bool {
        let name = self.name.get(..self.name_length).unwrap_or_default();
        is_forbidden(name)
    }
}

/// Whether a field of this name, in small letters, may not come as a trailer.
pub(super) fn is_forbidden(name: &[u8]) -> bool {
    FORBIDDEN.contains(&name)
}

#[cfg(test)]
mod tests;
