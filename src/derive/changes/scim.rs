//! A SCIM PatchOp (RFC 7644, section 3.5.2): operations on attributes, without JSON Pointers.

use super::hidden::is_hidden;
use super::list::{List, down};
use crate::decode::Node;

/// The schema by which one is known.
const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The operations, if a body is one.
pub(super) fn operations<'n>(tree: &'n Node<'n>) -> Option<&'n [Node<'n>]> {
    let schemas = tree.get("schemas")?.as_array()?;
    schemas.iter().any(|schema| schema.as_str() == Some(PATCH_OP)).then_some(())?;
    ["Operations", "operations"].iter().find_map(|name| tree.get(name)?.as_array())
}

/// Lists what the operations do.
pub(super) fn read(list: &mut List, operations: &[Node<'_>]) {
    for operation in operations {
        if list.is_full() {
            return;
        }
        let op = operation.get("op").and_then(Node::as_str).unwrap_or_default();
        let op = op.to_ascii_lowercase();
        let path = operation.get("path").and_then(Node::as_str).map(pointer);
        let value = operation.get("value");
        match (path, value) {
            (Some(path), value) => put(list, &op, &path, value),
            // Without a path the value is an object with attributes.
            (None, Some(Node::Object(members))) if !value.is_some_and(is_hidden) => {
                for (name, value) in members {
                    put(list, &op, &pointer(name), Some(value));
                }
            }
            (None, value) => put(list, &op, "", value),
        }
    }
}

fn put(list: &mut List, op: &str, path: &str, value: Option<&Node<'_>>) {
    match op {
        "add" => list.add(path, value),
        "remove" => list.remove(path, None),
        _ => list.replace(path, None, value),
    }
}

/// `name.familyName` as a pointer; what stands in brackets, and the name of a schema, has no parts.
fn pointer(path: &str) -> String {
    let mut pointer = String::new();
    let (schema, rest) = match path.starts_with("urn:").then(|| path.rsplit_once(':')).flatten() {
        Some((schema, rest)) => (Some(schema), rest),
        None => (None, path),
    };
    if let Some(schema) = schema {
        down(&mut pointer, schema);
    }
    let mut depth = 0_usize;
    let parts = rest.split(|c| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '.' && depth == 0
    });
    for part in parts.filter(|part| !part.is_empty()) {
        down(&mut pointer, part);
    }
    pointer
}
