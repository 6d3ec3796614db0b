//! Items with several ids, by their own shapes.

use super::super::path::Segment;
use super::super::text::{bounded, cut};
use super::super::words::{singular, snake};
use super::{Node, Walk};

/// What a literal or an id stands for in a path of more ids than one.
#[derive(Debug, Clone, Copy)]
enum Piece {
    /// The id of an outer node.
    Scope(&'static str),
    /// A part of the id.
    Id,
    /// A literal word, not part of the id.
    Word,
}

/// Collections directly under `/api` whose items have several ids: the shapes of RabbitMQ's
/// management API. Many an application has collections of these names.
const COMPOSITE: &[(&str, &[Piece])] = &[
    ("queues", &[Piece::Scope("vhost"), Piece::Id]),
    ("exchanges", &[Piece::Scope("vhost"), Piece::Id]),
    ("bindings", &[Piece::Scope("vhost"), Piece::Word, Piece::Id, Piece::Word, Piece::Id]),
    ("permissions", &[Piece::Scope("vhost"), Piece::Id]),
    ("topic-permissions", &[Piece::Scope("vhost"), Piece::Id]),
    ("policies", &[Piece::Scope("vhost"), Piece::Id]),
    ("operator-policies", &[Piece::Scope("vhost"), Piece::Id]),
    ("vhost-limits", &[Piece::Scope("vhost"), Piece::Id]),
    ("parameters", &[Piece::Id, Piece::Scope("vhost"), Piece::Id]),
];

impl Walk<'_> {
    /// Items with several ids, by their own shapes.
    pub(super) fn composite(&mut self) {
        let start = self.path.start;
        let segments = &self.path.segments;
        let (Some(collection), 1) = (segments.get(start), start) else { return };
        if segments.first().is_none_or(|first| first.text != "api") {
            return;
        }
        let Some((name, pieces)) = COMPOSITE.iter().find(|(name, _)| *name == collection.text)
        else {
            return;
        };
        let rest = segments.get(start + 1..).unwrap_or_default();
        let is_sure = is_of_broker(name, pieces, rest);
        if !is_sure && !may_be_of_broker(pieces, rest) {
            return;
        }
        let is_item = rest.len() >= pieces.len();
        let is_scope_only = rest.len() == 1 && matches!(pieces, [Piece::Scope(_), ..]);
        let is_written = matches!(self.method, "PUT" | "DELETE") || rest.len() > pieces.len();
        if !(is_item && (is_written || *name == "bindings")) && !is_scope_only {
            return;
        }
        let mut item =
            Node { noun: singular(&snake(name)), plural: true, at: Some(start), ..Node::default() };
        for (offset, (piece, segment)) in pieces.iter().zip(rest).enumerate() {
            let index = start + 1 + offset;
            match piece {
                Piece::Word => {}
                // Whose it is, is not certain; what it is called, is.
                Piece::Scope(_) if !is_sure => item.slots.push(index),
                Piece::Scope(noun) => self.out.nodes.push(Node {
                    noun: (*noun).to_owned(),
                    id: bounded(&segment.text),
                    is_item: true,
                    is_scope: false,
                    plural: true,
                    listed: None,
                    slots: vec![index],
                    at: Some(start),
                }),
                Piece::Id => {
                    item.id = match (item.id.take(), bounded(&segment.text)) {
                        (Some(id), Some(more)) => Some(cut(&format!("{id}/{more}"))),
                        (id, more) => id.or(more),
                    };
                    item.is_item = true;
                    item.slots.push(index);
                }
            }
        }
        self.out.nodes.push(item);
        self.out.creates = *name == "bindings" && rest.len() == pieces.len();
        self.next = start + 1 + rest.len().min(pieces.len());
        if *name == "bindings" && rest.len() > pieces.len() {
            // The key of the binding among those of the same two ends.
            if let Some(segment) = segments.get(self.next) {
                self.id(segment);
                self.next += 1;
            }
        }
    }
}

/// What things of these names have in other software: `/api/exchanges/binance/credentials`.
const PARTS: [&str; 16] = [
    "agents",
    "config",
    "credentials",
    "grants",
    "keys",
    "members",
    "messages",
    "permissions",
    "policies",
    "roles",
    "rules",
    "settings",
    "status",
    "tokens",
    "users",
    "versions",
];

/// Whether a path may be one of RabbitMQ's: a name in something with a name. Things with numbers have
/// others of their own.
fn may_be_of_broker(pieces: &[Piece], rest: &[Segment]) -> bool {
    let ([Piece::Scope(_), Piece::Id], [outer, inner, ..]) = (pieces, rest) else { return false };
    let is_name = outer.text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !outer.text.contains(|c: char| c.is_ascii_digit());
    is_name && !PARTS.contains(&inner.text.as_str())
}

/// Whether a path shows that it is one of RabbitMQ's: by its first vhost, which is called `/`, or another one
/// with that in its name, as only they have it there; by the words between the ends of a binding, or since it is about the limits of vhosts. All others are
/// named by the rules for it.
fn is_of_broker(name: &str, pieces: &[Piece], rest: &[Segment]) -> bool {
    let text = |at: usize| rest.get(at).map(|segment| segment.text.as_str());
    let vhost = pieces.iter().position(|piece| matches!(piece, Piece::Scope(_)));
    let is_binding = || {
        name == "bindings"
            && text(1) == Some("e")
            && text(3).is_some_and(|it| it == "e" || it == "q")
    };
    let is_vhost = |text: &str| text.contains('/');
    name == "vhost-limits" || vhost.and_then(text).is_some_and(is_vhost) || is_binding()
}
