//! References between things, as OData has them: `/Users(5)/Groups/$ref` is whether somebody is in a group,
//! and no group.
//!
//!   <https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_ModifyingRelationshipsbetweenEntities>

use super::super::path::{Path, Segment};
use super::{Node, Walk, Walked};

/// The segment behind what is referred to.
const BEHIND: &str = "$ref";

/// The segment before it, of versions that are older.
const BEFORE: &str = "$links";

impl Walk<'_> {
    /// `/Users(5)/$links/Groups(3)`
    pub(super) fn linked(&mut self, segment: &Segment) -> bool {
        let has_item = self.out.nodes.last().is_some_and(|node| node.is_item);
        let is_link = segment.text == BEFORE && has_item;
        self.out.is_relationship |= is_link;
        is_link
    }
}

/// Takes what a reference leads to for what is referred to, and not for what is made or deleted.
pub(super) fn take(out: &mut Walked, path: &Path, method: &str) {
    let is_changed = matches!(method, "DELETE" | "POST" | "PUT");
    if path.tail.as_deref() != Some(BEHIND) || out.verb.is_some() || !is_changed {
        return;
    }
    // `/Users(5)/Manager/$ref`
    if let Some(part) = out.part.take() {
        out.nodes.push(Node { at: out.part_at.take(), ..Node::named(&part) });
    }
    out.is_relationship = out.nodes.len() > 1;
}
