//! Values that something beside their object says to be secrets, by where they are in it: Terraform's
//! trees of flags and lists of paths, and the mark that Pulumi puts into an object.
//!
//! Plans: <https://developer.hashicorp.com/terraform/internals/json-format>.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::carrier::Carrier;
use super::walk::{Members, Walk, is_one_of, push_name};
use crate::decode::Node;

/// Members that have the form of another one, with `true` where that has a secret, and the other one.
const TREES: [(&str, &str); 4] = [
    ("before_sensitive", "before"),
    ("after_sensitive", "after"),
    ("sensitive_values", "values"),
    ("sensitive_attributes", "attributes"),
];

/// What Pulumi marks an object with, and as what: a secret.
const SIGNATURE: (&str, &str) =
    ("4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270");
/// Members of such an object that hold the secret.
const SIGNED: [&str; 2] = ["plaintext", "value"];

/// Where more paths are listed, all of the value is taken out.
const PATHS_MAX: usize = 64;

/// Whether a member of this name says something of the values of others.
pub(super) fn may_flag(name: &str) -> bool {
    name == SIGNATURE.0 || TREES.iter().any(|(flags, _)| *flags == name)
}

impl Walk<'_> {
    /// Takes out what a tree of flags, a list of paths or a mark beside it says to be a secret.
    pub(super) fn flagged(&mut self, members: &mut Members<'_>) {
        let Some(rule) = self.rule(Carrier::Member, "secret", None) else { return };
        for (flags, values) in TREES {
            let Some(node) = member(members, flags) else { continue };
            let tree = std::mem::replace(node, Node::Null);
            if let Some(node) = member(members, values) {
                self.told_by_flags(values, &tree, node, rule);
            }
            if let Some(node) = member(members, flags) {
                *node = tree;
            }
        }
        let mark = member(members, SIGNATURE.0).and_then(|node| node.as_str());
        if mark == Some(SIGNATURE.1) {
            for (name, node) in members.iter_mut().filter(|(name, _)| is_one_of(name, &SIGNED)) {
                self.flag(name, node, rule);
            }
        }
    }

    /// Takes out what is `true` in a tree of the same form, or where a path of a list leads.
    fn told_by_flags(&mut self, name: &str, flags: &Node<'_>, node: &mut Node<'_>, rule: usize) {
        let length = self.location.len();
        push_name(&mut self.location, name);
        match (flags, &mut *node) {
            (Node::Object(flags), Node::Object(members)) => {
                let flags: BTreeMap<&str, &Node<'_>> =
                    flags.iter().map(|(name, flag)| (name.as_ref(), flag)).collect();
                for (name, node) in members {
                    match flags.get(name.as_ref()) {
                        Some(Node::Bool(true)) => self.flag(name, node, rule),
                        Some(flags) => self.told_by_flags(name, flags, node, rule),
                        None => {}
                    }
                }
            }
            (Node::Array(flags), Node::Array(items)) => {
                for (flags, item) in flags.iter().zip(items) {
                    match flags {
                        Node::Bool(true) => self.flag("*", item, rule),
                        flags => self.told_by_flags("*", flags, item, rule),
                    }
                }
            }
            (Node::Array(paths), Node::Object(members)) => {
                for path in paths.iter().take(PATHS_MAX) {
                    let Node::Array(steps) = path else { continue };
                    self.told_by_path(steps, members, rule);
                }
                if paths.len() > PATHS_MAX {
                    members.iter_mut().for_each(|(name, node)| self.flag(name, node, rule));
                }
            }
            _ => {}
        }
        self.location.truncate(length);
    }

    /// `[{"type": "get_attr", "value": "password"}]`. What is behind the first step goes as a whole, where
    /// that leads into a list.
    fn told_by_path(&mut self, steps: &[Node<'_>], members: &mut Members<'_>, rule: usize) {
        let Some((step, rest)) = steps.split_first() else { return };
        let name = step.get("value").unwrap_or(step).as_str();
        let Some(node) = name.and_then(|name| member(members, name)) else { return };
        let name = name.unwrap_or_default();
        match node {
            Node::Object(inner) if !rest.is_empty() => {
                let length = self.location.len();
                push_name(&mut self.location, name);
                self.told_by_path(rest, inner, rule);
                self.location.truncate(length);
            }
            node => self.flag(name, node, rule),
        }
    }

    fn flag(&mut self, name: &str, node: &mut Node<'_>, rule: usize) {
        if matches!(node, Node::Null | Node::Bool(_)) {
            return;
        }
        let (length, within) = (self.location.len(), self.within);
        push_name(&mut self.location, name);
        self.take_whole(rule, node);
        self.secret(node, rule);
        self.within = within;
        self.location.truncate(length);
    }
}

fn member<'n, 'b>(
    members: &'n mut [(Cow<'b, str>, Node<'b>)],
    name: &str,
) -> Option<&'n mut Node<'b>> {
    members.iter_mut().find(|(other, _)| other == name).map(|(_, node)| node)
}
