//! Forms (`application/x-www-form-urlencoded`) and query strings.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

use super::budget::Budget;
use super::percent::component;
use super::{Decoded, Layout, Node, Note};

/// The parameters of a query, as an object. Bytes that are not UTF-8 become U+FFFD.
pub fn query(text: &str) -> Decoded<'_> {
    match pairs(text, UTF_8, &mut Budget::of(text.len())) {
        Ok((members, lossy)) => Decoded {
            node: Some(Node::Object(members)),
            notes: if lossy { vec![Note::InvalidUtf8] } else { Vec::new() },
            layout: Layout::One,
        },
        Err(note) => Decoded { notes: vec![note], ..Decoded::default() },
    }
}

/// The fields of a form, as an object.
///
/// A body of one nameless value is no form: what such clients send (curl's `-d` with any text) may
/// be anything. What is escaped is text in the encoding of the form.
pub(super) fn form<'a>(
    text: &'a str,
    encoding: &'static Encoding,
    budget: &mut Budget,
) -> Result<Node<'a>, Note> {
    budget.look(text.len())?;
    let (members, lossy) = pairs(text, encoding, budget)?;
    if lossy {
        return Err(Note::InvalidUtf8);
    }
    if !text.contains('=') || members.iter().any(|(name, _)| name.starts_with(['{', '[', '<'])) {
        return Err(Note::InvalidForm);
    }
    Ok(Node::Object(members))
}

/// Members in order, and whether any was not UTF-8.
type Pairs<'a> = (Vec<(Cow<'a, str>, Node<'a>)>, bool);

fn pairs<'a>(
    text: &'a str,
    encoding: &'static Encoding,
    budget: &mut Budget,
) -> Result<Pairs<'a>, Note> {
    let mut members = Vec::new();
    let mut any_lossy = false;
    for piece in text.split('&').flat_map(by_semicolon).filter(|piece| !piece.is_empty()) {
        budget.node()?;
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        let (name, lossy_name) = component(name, encoding);
        let (value, lossy_value) = component(value, encoding);
        any_lossy |= lossy_name || lossy_value;
        members.push((name, Node::String(value)));
    }
    Ok((members, any_lossy))
}

/// Some servers end a parameter at `;` too. A piece is split there only where a `name=` follows, so
/// that a secret cannot hide in its neighbour's value and ordinary values stay whole.
fn by_semicolon(piece: &str) -> impl Iterator<Item = &str> {
    let split = piece.contains(';') && piece.split(';').skip(1).all(|part| part.contains('='));
    piece.split(move |c| split && c == ';')
}
