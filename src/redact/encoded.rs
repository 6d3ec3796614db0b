//! Documents in base64 that stand in the middle of a text: `the state is eyJhIjoxfQ now`.

use super::pattern::Unfinished;
use super::text::Edit;
use super::walk::Walk;
use crate::decode::{BASE64_BYTES_MIN, Note, base64_text};

/// How base64 of JSON begins: of `{"` and of `[{"`.
pub(super) const BEGINNINGS: [&str; 2] = ["eyJ", "W3si"];

impl Walk<'_> {
    /// Takes a document out of a text, of which the beginning was found, if there is a credential in it.
    /// What it takes is deducted from the work that is allowed.
    pub(super) fn told_in_base64(
        &mut self,
        text: &str,
        at: usize,
        work: &mut usize,
        edits: &mut Vec<Edit>,
    ) -> Result<(), Unfinished> {
        let Some((before, rest)) = text.split_at_checked(at) else { return Ok(()) };
        // In the middle of a word, or of a token, it is none; and each is looked at once.
        let goes_on =
            before.bytes().next_back().is_some_and(|byte| is_base64(byte) || byte == b'.');
        if goes_on || !BEGINNINGS.iter().any(|beginning| rest.starts_with(beginning)) {
            return Ok(());
        }
        let length = rest.bytes().take_while(|byte| is_base64(*byte) || *byte == b'=').count();
        // What is nothing else was looked into already.
        if length < BASE64_BYTES_MIN || length == text.len() {
            return Ok(());
        }
        *work = work.checked_sub(length).ok_or(Unfinished)?;
        let Some(decoded) = rest.get(..length).and_then(base64_text) else { return Ok(()) };
        self.encoded = true;
        if self.look_into(&decoded).is_some() {
            self.notes.insert(Note::DecodedText);
            edits.push(Edit::masked(at..at + length, self.policy.unsearched()));
        }
        Ok(())
    }
}

/// The letters of either alphabet.
fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)
}
