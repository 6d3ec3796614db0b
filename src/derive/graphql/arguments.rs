//! The arguments of a field, with variables in their places.

use std::borrow::Cow;

use super::document::{Field, Literal};
use crate::decode::{Node, Number};

/// Levels of arguments in which ids and names are looked for.
const DEPTH_MAX: usize = 4;

/// Items of a list and members of an object that are looked at.
const ITEMS_MAX: usize = 101;

/// The arguments as an object. Texts are borrowed; what is deep or long is left out.
pub(super) fn arguments<'a>(field: &'a Field<'_>, variables: &'a Node<'a>) -> Node<'a> {
    let member = |(name, literal): &'a (&str, Literal<'_>)| {
        Some((Cow::Borrowed(*name), value(literal, variables, DEPTH_MAX)?))
    };
    Node::Object(field.arguments.iter().take(ITEMS_MAX).filter_map(member).collect())
}

fn value<'a>(literal: &'a Literal<'_>, variables: &'a Node<'a>, depth: usize) -> Option<Node<'a>> {
    let inner = depth.checked_sub(1)?;
    Some(match literal {
        Literal::Variable(name) => shallow(variables.get(name)?, depth)?,
        Literal::Text(text) => Node::String(Cow::Borrowed(text)),
        Literal::Number(text) => Node::String(Cow::Borrowed(text)),
        Literal::Name("null") => Node::Null,
        Literal::Name("true") => Node::Bool(true),
        Literal::Name("false") => Node::Bool(false),
        Literal::Name(name) => Node::String(Cow::Borrowed(name)),
        Literal::List(items) => {
            let items = items.iter().take(ITEMS_MAX);
            Node::Array(items.filter_map(|item| value(item, variables, inner)).collect())
        }
        Literal::Object(members) => {
            let members = members.iter().take(ITEMS_MAX).filter_map(|(name, literal)| {
                Some((Cow::Borrowed(*name), value(literal, variables, inner)?))
            });
            Node::Object(members.collect())
        }
    })
}

/// The upper levels of a tree, borrowed.
fn shallow<'a>(node: &'a Node<'_>, depth: usize) -> Option<Node<'a>> {
    let inner = depth.checked_sub(1)?;
    Some(match node {
        Node::Null => Node::Null,
        Node::Bool(value) => Node::Bool(*value),
        Node::Number(Number::Integer(value)) => Node::Number(Number::Integer(*value)),
        Node::Number(Number::Double(value)) => Node::Number(Number::Double(*value)),
        Node::Number(Number::Text(text)) => Node::Number(Number::Text(Cow::Borrowed(text))),
        Node::String(text) => Node::String(Cow::Borrowed(text)),
        Node::Array(items) => {
            let items = items.iter().take(ITEMS_MAX);
            Node::Array(items.filter_map(|item| shallow(item, inner)).collect())
        }
        Node::Object(members) => {
            let members = members.iter().take(ITEMS_MAX).filter_map(|(name, node)| {
                Some((Cow::Borrowed(name.as_ref()), shallow(node, inner)?))
            });
            Node::Object(members.collect())
        }
    })
}
