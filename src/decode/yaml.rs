//! YAML 1.2, with the types of its JSON schema; what stands behind an alias is copied, as long as
//! the budget lasts.
//!
//! The parser gives events and expands nothing, so that a document of aliases to aliases costs
//! what is built of it, and no more.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, StrInput, Tag};

use super::budget::{Budget, Spent};
use super::number::is_json_number;
use super::{DEPTH_MAX, Node, Note, Number};

/// Reads one document, or several of them as a list.
pub(super) fn yaml<'a>(text: &'a str, budget: &mut Budget) -> Result<Node<'a>, Note> {
    budget.look(text.len())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut documents = Vec::new();
    let mut tree = Tree { open: Vec::new(), root: None, anchors: BTreeMap::new(), budget };
    let mut parser = Parser::with_options(StrInput::new(text), options);
    while let Some(event) = parser.next_event() {
        let (event, _) = event.map_err(|_| Note::InvalidYaml)?;
        match event {
            Event::DocumentEnd => {
                tree.anchors.clear();
                documents.extend(tree.root.take());
            }
            event => tree.event(event)?,
        }
    }
    match documents.len() {
        0 => Err(Note::InvalidYaml),
        1 => documents.pop().ok_or(Note::InvalidYaml),
        _ => Ok(Node::Array(documents)),
    }
}

/// A document, while it is read.
struct Tree<'a, 'b> {
    open: Vec<Open<'a>>,
    root: Option<Node<'a>>,
    /// What aliases stand for, and what it cost to build it.
    anchors: BTreeMap<usize, (Node<'a>, Spent)>,
    budget: &'b mut Budget,
}

/// A collection that is not closed yet.
struct Open<'a> {
    items: Items<'a>,
    anchor: usize,
    before: Spent,
}

enum Items<'a> {
    Sequence(Vec<Node<'a>>),
    /// The members, and the name whose value is next.
    Mapping(Vec<(Cow<'a, str>, Node<'a>)>, Option<Cow<'a, str>>),
}

impl<'a> Tree<'a, '_> {
    fn event(&mut self, event: Event<'a>) -> Result<(), Note> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let before = self.budget.spent();
                self.budget.node()?;
                self.budget.text(text.len())?;
                let node = if self.is_name_due() {
                    Node::String(text)
                } else {
                    scalar(text, style, tag.as_deref())
                };
                self.anchor(anchor, &node, before)?;
                self.add(node)
            }
            Event::SequenceStart(_, anchor, _) => self.open(Items::Sequence(Vec::new()), anchor),
            Event::MappingStart(_, anchor, _) => {
                self.open(Items::Mapping(Vec::new(), None), anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Open { items, anchor, before } = self.open.pop().ok_or(Note::InvalidYaml)?;
                let node = match items {
                    Items::Sequence(items) => Node::Array(items),
                    Items::Mapping(members, _) => Node::Object(members),
                };
                self.anchor(anchor, &node, before)?;
                self.add(node)
            }
            Event::Alias(anchor) => {
                let (node, cost) = self.anchors.get(&anchor).ok_or(Note::InvalidYaml)?;
                self.budget.spend(cost)?;
                let node = node.clone();
                if self.open.len() + node.depth() > DEPTH_MAX {
                    return Err(Note::TooDeep);
                }
                self.add(node)
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, items: Items<'a>, anchor: usize) -> Result<(), Note> {
        if self.open.len() >= DEPTH_MAX {
            return Err(Note::TooDeep);
        }
        // What is no scalar cannot be a name in JSON.
        if self.is_name_due() {
            return Err(Note::InvalidYaml);
        }
        let before = self.budget.spent();
        self.budget.node()?;
        self.open.push(Open { items, anchor, before });
        Ok(())
    }

    /// Keeps what an anchor names, at its price; 0 is no anchor.
    fn anchor(&mut self, anchor: usize, node: &Node<'a>, before: Spent) -> Result<(), Note> {
        if anchor == 0 {
            return Ok(());
        }
        let cost = self.budget.spent().since(&before);
        self.budget.spend(&cost)?;
        self.anchors.insert(anchor, (node.clone(), cost));
        Ok(())
    }

    fn is_name_due(&self) -> bool {
        matches!(self.open.last(), Some(Open { items: Items::Mapping(_, None), .. }))
    }

    fn add(&mut self, node: Node<'a>) -> Result<(), Note> {
        match self.open.last_mut().map(|open| &mut open.items) {
            None => self.root = Some(node),
            Some(Items::Sequence(items)) => items.push(node),
            Some(Items::Mapping(members, name)) => match (name.take(), node) {
                (Some(name), node) => members.push((name, node)),
                (None, Node::String(text)) => *name = Some(text),
                // An alias of something that is no text.
                (None, _) => return Err(Note::InvalidYaml),
            },
        }
        Ok(())
    }
}

/// Only plain scalars have a type; what JSON has no number for stays text.
fn scalar<'a>(text: Cow<'a, str>, style: ScalarStyle, tag: Option<&Tag>) -> Node<'a> {
    if style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.core_suffix() == Some("str")) {
        return Node::String(text);
    }
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => Node::Null,
        "true" | "True" | "TRUE" => Node::Bool(true),
        "false" | "False" | "FALSE" => Node::Bool(false),
        number if is_json_number(number) => Node::Number(Number::of_cow(text)),
        _ => Node::String(text),
    }
}
