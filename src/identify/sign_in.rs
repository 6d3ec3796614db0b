//! The body of a request that signs in, as far as it says who.

use serde_json::{Map, Value};

use crate::capture::Request;
use crate::decode::{Content, Node, Number};

/// The decoded body of a request that signs in at one of the paths.
pub(super) fn document(paths: &[String], request: &Request) -> Option<Value> {
    let path = request.path();
    let here = paths.iter().any(|known| match known.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => path == known || path.strip_suffix('/') == Some(known),
    });
    let method = &request.method;
    if !here || !(method.eq_ignore_ascii_case("POST") || method.eq_ignore_ascii_case("PUT")) {
        return None;
    }
    let content = Content::of(&request.headers, &request.body);
    let node = content.read().node?;
    matches!(node, Node::Object(_)).then(|| value(&node))
}

fn value(node: &Node<'_>) -> Value {
    match node {
        Node::Null => Value::Null,
        Node::Bool(value) => (*value).into(),
        Node::Number(Number::Integer(value)) => (*value).into(),
        Node::Number(Number::Double(value)) => (*value).into(),
        Node::Number(Number::Text(text)) => text.as_ref().into(),
        Node::String(text) => text.as_ref().into(),
        Node::Array(items) => items.iter().map(value).collect(),
        Node::Object(members) => {
            let mut object = Map::new();
            for (name, node) in members {
                add(&mut object, name, value(node));
            }
            Value::Object(object)
        }
    }
}

/// Adds a member; what is there with another value as well becomes a list, as in a form.
fn add(object: &mut Map<String, Value>, name: &str, value: Value) {
    match object.get_mut(name) {
        None => {
            object.insert(name.to_owned(), value);
        }
        Some(known) if *known == value => {}
        Some(Value::Array(items)) => items.push(value),
        Some(known) => *known = Value::Array(vec![known.take(), value]),
    }
}
