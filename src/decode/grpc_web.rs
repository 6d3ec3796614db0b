//! The end of a body of gRPC-Web: the frame with what gRPC has in trailers. The messages before it are
//! in a format that only who has their schema can read.
//!
//!   <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md>

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::budget::Budget;
use super::{Node, Note, Number};

/// Bytes before what a frame holds: flags, and how long that is.
const HEAD_BYTES: usize = 5;

/// The flags of a frame of trailers that are not compressed.
const TRAILERS: u8 = 0x80;

/// Trailers that are read.
const TRAILERS_MAX: usize = 64;

/// Characters of base64 that are decoded together.
const QUANTUM: usize = 4;

/// The trailers of a body, of which a text is in base64.
pub(super) fn trailers(
    bytes: &[u8],
    is_text: bool,
    budget: &mut Budget,
) -> Result<Node<'static>, Note> {
    let decoded;
    let mut rest = match is_text {
        true => {
            decoded = of_text(bytes)?;
            decoded.as_slice()
        }
        false => bytes,
    };
    while let Some((head, behind)) = rest.split_first_chunk::<HEAD_BYTES>() {
        let [flags, length @ ..] = head;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let frame = behind.split_at_checked(length).ok_or(Note::UnsupportedContentType)?;
        if *flags == TRAILERS {
            return fields(frame.0, budget);
        }
        rest = frame.1;
    }
    Err(Note::UnsupportedContentType)
}

/// What a text holds, which may be several encodings one after the other, each with its own padding.
fn of_text(bytes: &[u8]) -> Result<Vec<u8>, Note> {
    let plain: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let mut decoded = Vec::with_capacity(plain.len());
    for quantum in plain.chunks(QUANTUM) {
        let read = STANDARD.decode_vec(quantum, &mut decoded);
        read.map_err(|_| Note::UnsupportedContentType)?;
    }
    Ok(decoded)
}

fn fields(frame: &[u8], budget: &mut Budget) -> Result<Node<'static>, Note> {
    budget.look(frame.len())?;
    let text = std::str::from_utf8(frame).map_err(|_| Note::InvalidUtf8)?;
    let mut members = Vec::new();
    for (name, value) in text.lines().filter_map(|line| line.split_once(':')).take(TRAILERS_MAX) {
        budget.node()?;
        budget.text(value.len())?;
        let name = name.trim().to_ascii_lowercase();
        let value = match value.trim().parse() {
            Ok(number) if name == "grpc-status" => Node::Number(Number::Integer(number)),
            _ => Node::String(Cow::Owned(value.trim().to_owned())),
        };
        members.push((Cow::Owned(name), value));
    }
    Ok(Node::Object(members))
}
