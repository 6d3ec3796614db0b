//! XML (SOAP, XML-RPC, property lists): elements as members, attributes as `@name`, text beside
//! either as `#text`.
//!
//! Prefixes of namespaces are left off, so that `<wsse:Password>` is `Password` whatever prefix a
//! client chose. Nothing is ever expanded but characters: a document with a DTD is not read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion, escape};

use super::budget::Budget;
use super::{DEPTH_MAX, Node, Note};

/// Attributes of one element: each is compared with all others.
pub const ATTRIBUTES_MAX: usize = 256;

/// Reads one document.
pub(super) fn xml<'a>(text: &'a str, budget: &mut Budget) -> Result<Node<'a>, Note> {
    budget.look(text.len())?;
    let mut reader = Reader::from_str(text);
    let mut document = Document { open: Vec::new(), root: None, budget };
    loop {
        match reader.read_event().map_err(|_| Note::InvalidXml)? {
            Event::Start(tag) => document.start(&tag)?,
            Event::Empty(tag) => {
                document.start(&tag)?;
                document.end()?;
            }
            Event::End(_) => document.end()?,
            Event::Text(text) => document.text(text.xml_content(XmlVersion::Implicit1_0))?,
            Event::CData(text) => document.text(text.xml_content(XmlVersion::Implicit1_0))?,
            Event::GeneralRef(reference) => {
                let character = match reference.resolve_char_ref() {
                    Ok(Some(character)) => Cow::Owned(character.to_string()),
                    Ok(None) => escape::resolve_xml_entity(&reference)
                        .map(Cow::Borrowed)
                        .ok_or(Note::InvalidXml)?,
                    Err(_) => return Err(Note::InvalidXml),
                };
                document.text(character)?;
            }
            Event::DocType(_) => return Err(Note::XmlDoctype),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => return document.finish(),
        }
    }
}

/// A document, while it is read.
struct Document<'a, 'b> {
    open: Vec<Element<'a>>,
    root: Option<(Cow<'a, str>, Node<'a>)>,
    budget: &'b mut Budget,
}

/// An element that is not closed yet.
struct Element<'a> {
    name: Cow<'a, str>,
    members: Vec<(Cow<'a, str>, Node<'a>)>,
    text: Cow<'a, str>,
}

impl<'a> Document<'a, '_> {
    fn start(&mut self, tag: &BytesStart<'a>) -> Result<(), Note> {
        if self.root.is_some() {
            return Err(Note::InvalidXml);
        }
        // The object around the root is a level as well.
        if self.open.len() + 1 >= DEPTH_MAX {
            return Err(Note::TooDeep);
        }
        self.budget.node()?;
        let mut members = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|_| Note::InvalidXml)?;
            let name = attribute.key.as_ref();
            if name == "xmlns" || name.starts_with("xmlns:") {
                continue;
            }
            self.budget.node()?;
            if members.len() >= ATTRIBUTES_MAX {
                return Err(Note::TooManyValues);
            }
            let value = escape::unescape(&attribute.value).map_err(|_| Note::InvalidXml)?;
            let name = format!("@{}", attribute.key.local_name().as_ref());
            members.push((Cow::Owned(name), Node::String(Cow::Owned(value.into_owned()))));
        }
        let name = Cow::Owned(tag.local_name().as_ref().to_owned());
        self.open.push(Element { name, members, text: Cow::Borrowed("") });
        Ok(())
    }

    fn text(&mut self, text: Cow<'a, str>) -> Result<(), Note> {
        match self.open.last_mut() {
            Some(element) if element.text.is_empty() => element.text = text,
            Some(element) => element.text.to_mut().push_str(&text),
            None if text.trim_matches(is_blank).is_empty() => {}
            None => return Err(Note::InvalidXml),
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Note> {
        let element = self.open.pop().ok_or(Note::InvalidXml)?;
        let name = element.name.clone();
        let node = element.close();
        match self.open.last_mut() {
            Some(parent) => parent.members.push((name, node)),
            None => self.root = Some((name, node)),
        }
        Ok(())
    }

    fn finish(self) -> Result<Node<'a>, Note> {
        match self.root {
            Some(root) if self.open.is_empty() => Ok(Node::Object(vec![root])),
            _ => Err(Note::InvalidXml),
        }
    }
}

impl<'a> Element<'a> {
    fn close(mut self) -> Node<'a> {
        if self.members.is_empty() {
            return Node::String(self.text);
        }
        if !self.text.trim_matches(is_blank).is_empty() {
            self.members.push((Cow::Borrowed("#text"), Node::String(self.text)));
        }
        if self.name == "dict" && is_dictionary(&self.members) {
            return grouped(entries(self.members));
        }
        grouped(self.members)
    }
}

/// Whether these are the entries of a property list: `<key>name</key>` and then the value, over and
/// over.
fn is_dictionary(members: &[(Cow<'_, str>, Node<'_>)]) -> bool {
    let (entries, rest) = members.as_chunks::<2>();
    rest.is_empty()
        && entries.iter().all(|[(tag, key), _]| tag == "key" && matches!(key, Node::String(_)))
}

fn entries<'a>(members: Vec<(Cow<'a, str>, Node<'a>)>) -> Vec<(Cow<'a, str>, Node<'a>)> {
    let mut members = members.into_iter();
    let mut entries = Vec::new();
    while let (Some((_, Node::String(name))), Some((_, value))) = (members.next(), members.next()) {
        entries.push((name, value));
    }
    entries
}

/// Elements of the same name as a list, in the place of the first.
fn grouped<'a>(members: Vec<(Cow<'a, str>, Node<'a>)>) -> Node<'a> {
    let mut places: BTreeMap<Cow<'a, str>, usize> = BTreeMap::new();
    let mut groups: Vec<(Cow<'a, str>, Vec<Node<'a>>)> = Vec::with_capacity(members.len());
    for (name, node) in members {
        let place = *places.entry(name.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, nodes)) => nodes.push(node),
            None => groups.push((name, vec![node])),
        }
    }
    let members = groups.into_iter().map(|(name, mut nodes)| match nodes.len() {
        1 => (name, nodes.pop().unwrap_or(Node::Null)),
        _ => (name, Node::Array(nodes)),
    });
    Node::Object(members.collect())
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '\u{feff}')
}

/// The encoding that the XML declaration names. What can be read of it is ASCII.
pub(super) fn declared_encoding(bytes: &[u8]) -> Option<&str> {
    let end = memchr::memmem::find(bytes.get(..256).unwrap_or(bytes), b"?>")?;
    let declaration = std::str::from_utf8(bytes.get(..end)?).ok()?.strip_prefix("<?xml")?;
    let (_, after) = declaration.split_once("encoding")?;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.split(quote).nth(1)
}
