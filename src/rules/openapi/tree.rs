//! A document as a tree that knows its lines, without the parts that name nothing.
//!
//! Invariants: at most [`NODES_MAX`] values, whatever aliases stand for, and [`DEPTH_MAX`] levels.

use std::collections::HashMap;

use serde_json::Value as Json;
use serde_saphyr::granit_parser::{Event, Options, Parser, StrInput};

/// More values are not read.
const NODES_MAX: usize = 1_000_000;

/// Deeper documents are not read.
const DEPTH_MAX: usize = 100;

/// Members that name nothing, and are most of a document.
const LEFT_OUT: &[&str] = &[
    "callbacks",
    "content",
    "definitions",
    "example",
    "examples",
    "requestBodies",
    "requestBody",
    "responses",
    "schema",
    "schemas",
    "webhooks",
    "x-codeSamples",
];

/// Members whose own members have names of the document's author.
const NAMED_BY_AUTHOR: &[&str] = &["parameters", "pathItems", "paths", "variables"];

/// A value, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// From 1; 0 where it is not known.
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) value: Value,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Any scalar, as it is written.
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// Why a text is no tree.
#[derive(Debug)]
pub(super) struct Unreadable {
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) message: String,
}

impl Node {
    /// The member of this name.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.members().iter().find(|(known, _)| known == name).map(|(_, node)| node)
    }

    pub(super) fn members(&self) -> &[(String, Self)] {
        if let Value::Map(members) = &self.value { members } else { &[] }
    }

    pub(super) fn items(&self) -> &[Self] {
        if let Value::List(items) = &self.value { items } else { &[] }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Value::Text(text) = &self.value { Some(text) } else { None }
    }

    /// How many values it is, and how deep.
    fn size(&self) -> (usize, usize) {
        let sizes: Vec<_> = match &self.value {
            Value::Text(_) => Vec::new(),
            Value::List(items) => items.iter().map(Self::size).collect(),
            Value::Map(members) => members.iter().map(|(_, node)| node.size()).collect(),
        };
        let count = sizes.iter().map(|(count, _)| count).sum::<usize>();
        (count + 1, sizes.iter().map(|(_, depth)| *depth).max().unwrap_or(0) + 1)
    }
}

/// Reads YAML or JSON.
pub(super) fn read(text: &str) -> Result<Node, Unreadable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let unreadable = match yaml(text) {
        Ok(node) => return Ok(node),
        Err(unreadable) => unreadable,
    };
    if !text.trim_start().starts_with('{') {
        return Err(unreadable);
    }
    // Not all that JSON may hold is YAML: pairs of escapes for one character are not.
    match serde_json::from_str(text) {
        Ok(json) => {
            let mut nodes = 0;
            json_node(json, "", &mut nodes).ok_or_else(|| too_large(0, 0))
        }
        Err(error) => Err(Unreadable {
            line: error.line() as u64,
            column: error.column() as u64,
            message: "it is no JSON from here on".to_owned(),
        }),
    }
}

fn too_large(line: u64, column: u64) -> Unreadable {
    let message = format!("it has more than {NODES_MAX} values, or {DEPTH_MAX} levels");
    Unreadable { line, column, message }
}

fn is_left_out(below: &str, name: &str) -> bool {
    LEFT_OUT.contains(&name) && !NAMED_BY_AUTHOR.contains(&below)
}

fn json_node(json: Json, below: &str, nodes: &mut usize) -> Option<Node> {
    *nodes += 1;
    if *nodes > NODES_MAX {
        return None;
    }
    let value = match json {
        Json::String(text) => Value::Text(text),
        Json::Array(items) => {
            let items = items.into_iter().map(|item| json_node(item, "", nodes));
            Value::List(items.collect::<Option<_>>()?)
        }
        Json::Object(members) => {
            let members = members.into_iter().filter(|(name, _)| !is_left_out(below, name));
            let members = members.map(|(name, member)| {
                let node = json_node(member, &name, nodes)?;
                Some((name, node))
            });
            Value::Map(members.collect::<Option<_>>()?)
        }
        scalar => Value::Text(scalar.to_string()),
    };
    Some(Node { line: 0, column: 0, value })
}

fn yaml(text: &str) -> Result<Node, Unreadable> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut parser = Parser::with_options(StrInput::new(text), options);
    let mut builder = Builder::default();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| Unreadable {
            line: error.marker().line() as u64,
            column: error.marker().col() as u64 + 1,
            message: "it is no YAML from here on".to_owned(),
        })?;
        let place = (span.start.line() as u64, span.start.col() as u64 + 1);
        if matches!(event, Event::DocumentEnd) && builder.root.is_some() {
            break;
        }
        builder.event(event, place)?;
    }
    builder.root.ok_or_else(|| Unreadable { line: 0, column: 0, message: "it is empty".to_owned() })
}

/// A document, while it is read.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    /// How many collections are open of what is left out.
    left_out: usize,
}

/// A collection that is not closed yet.
struct Open {
    node: Node,
    /// The name of the member that is next.
    name: Option<String>,
    /// The name of the member that this is.
    below: String,
    anchor: usize,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, (line, column): (u64, u64)) -> Result<(), Unreadable> {
        if self.left_out > 0 {
            match event {
                Event::SequenceStart(..) | Event::MappingStart(..) => self.left_out += 1,
                Event::SequenceEnd | Event::MappingEnd => self.left_out -= 1,
                _ => {}
            }
            return Ok(());
        }
        let node = |value| Node { line, column, value };
        match event {
            Event::Scalar(text, _, anchor, _) => {
                if let Some(open) = self.open.last_mut()
                    && matches!(open.node.value, Value::Map(_))
                    && open.name.is_none()
                {
                    open.name = Some(text.into_owned());
                    return Ok(());
                }
                self.add(node(Value::Text(text.into_owned())), anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.open(node(Value::List(Vec::new())), anchor),
            Event::MappingStart(_, anchor, _) => self.open(node(Value::Map(Vec::new())), anchor),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { node, anchor, .. }) => self.add(node, anchor),
                None => Ok(()),
            },
            Event::Alias(anchor) => {
                let known = self.anchors.get(&anchor).cloned();
                let Some(known) = known else { return Ok(()) };
                let (count, depth) = known.size();
                self.nodes += count;
                if self.nodes > NODES_MAX || self.open.len() + depth > DEPTH_MAX {
                    return Err(too_large(line, column));
                }
                self.add(known, 0)
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, node: Node, anchor: usize) -> Result<(), Unreadable> {
        let (line, column) = (node.line, node.column);
        let last = self.open.last();
        let in_map = last.is_some_and(|open| matches!(open.node.value, Value::Map(_)));
        let below = last.and_then(|open| open.name.clone());
        if in_map && below.is_none() {
            let message = "the name of a member is no text".to_owned();
            return Err(Unreadable { line, column, message });
        }
        if let (Some(open), Some(name)) = (self.open.last_mut(), &below)
            && is_left_out(&open.below, name)
        {
            open.name = None;
            self.left_out = 1;
            return Ok(());
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(too_large(line, column));
        }
        self.open.push(Open { node, name: None, below: below.unwrap_or_default(), anchor });
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Unreadable> {
        self.nodes += 1;
        if anchor != 0 {
            self.nodes += node.size().0;
            self.anchors.insert(anchor, node.clone());
        }
        if self.nodes > NODES_MAX {
            return Err(too_large(node.line, node.column));
        }
        let Some(open) = self.open.last_mut() else {
            self.root.get_or_insert(node);
            return Ok(());
        };
        match &mut open.node.value {
            Value::List(items) => items.push(node),
            Value::Map(members) => {
                if let Some(name) = open.name.take()
                    && !is_left_out(&open.below, &name)
                {
                    members.push((name, node));
                }
            }
            Value::Text(_) => {}
        }
        Ok(())
    }
}
