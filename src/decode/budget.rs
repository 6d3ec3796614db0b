//! What reading one body may cost, all formats and nested texts together.

use super::{NODES_MAX, Note};

/// Bytes of text in the tree for each byte of the body, at most. Only what a format repeats by
/// reference (aliases of YAML, column names of CSV) makes a tree larger than its body.
pub const TEXT_RATIO_MAX: usize = 16;

/// Bytes of text that are allowed whatever the ratio.
pub const TEXT_BYTES_FLOOR: usize = 64 * 1024;

/// Bytes of text in one tree, whatever the body's size.
pub const TEXT_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Bytes looked at for each byte of the body, at most: once for every level of nesting.
pub const STEPS_RATIO_MAX: usize = 8;

/// What is left of the work that one body is worth.
#[derive(Debug)]
pub(super) struct Budget {
    nodes: usize,
    text_bytes: usize,
    text_allowed: usize,
    steps: usize,
}

/// What a tree, or a part of one, has cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spent {
    nodes: usize,
    text_bytes: usize,
}

impl Spent {
    /// What was spent since then.
    pub(super) fn since(&self, before: &Self) -> Self {
        Self { nodes: self.nodes - before.nodes, text_bytes: self.text_bytes - before.text_bytes }
    }
}

impl Budget {
    /// The budget for a body of this size.
    pub(super) fn of(body_bytes: usize) -> Self {
        let text_bytes = body_bytes.saturating_mul(TEXT_RATIO_MAX).max(TEXT_BYTES_FLOOR);
        let text_bytes = text_bytes.min(TEXT_BYTES_MAX.max(body_bytes));
        Self {
            nodes: NODES_MAX,
            text_bytes,
            text_allowed: text_bytes,
            steps: body_bytes.saturating_mul(STEPS_RATIO_MAX).max(TEXT_BYTES_FLOOR),
        }
    }

    /// One more value.
    pub(super) fn node(&mut self) -> Result<(), Note> {
        self.nodes = self.nodes.checked_sub(1).ok_or(Note::TooManyValues)?;
        Ok(())
    }

    /// So many more bytes of text in the tree.
    pub(super) fn text(&mut self, bytes: usize) -> Result<(), Note> {
        self.text_bytes = self.text_bytes.checked_sub(bytes).ok_or(Note::TooMuchText)?;
        Ok(())
    }

    /// What was spent so far.
    pub(super) fn spent(&self) -> Spent {
        Spent { nodes: NODES_MAX - self.nodes, text_bytes: self.text_allowed - self.text_bytes }
    }

    /// The same again.
    pub(super) fn spend(&mut self, cost: &Spent) -> Result<(), Note> {
        self.nodes = self.nodes.checked_sub(cost.nodes).ok_or(Note::TooManyValues)?;
        self.text(cost.text_bytes)
    }

    /// So many more bytes to look at.
    pub(super) fn look(&mut self, bytes: usize) -> Result<(), Note> {
        self.steps = self.steps.checked_sub(bytes).ok_or(Note::TooMuchWork)?;
        Ok(())
    }
}
