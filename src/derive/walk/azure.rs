//! Paths of Azure's resource manager: a subscription, a group of resources, and the namespace of whoever
//! provides the type of a resource, which holds nothing.
//!
//!   <https://learn.microsoft.com/en-us/azure/azure-resource-manager/management/overview>

use super::super::nouns::scope_name;
use super::Node;

impl Node {
    /// The name in the scope of what it is, if that is where other things belong.
    pub(in crate::derive) fn scope_name(&self) -> Option<&str> {
        scope_name(&self.noun).or_else(|| self.is_scope.then_some(self.noun.as_str()))
    }
}

/// Takes subscription and group for the scope, and leaves the namespace out.
pub(super) fn take(nodes: &mut Vec<Node>) {
    let is_subscription =
        nodes.first().is_some_and(|node| node.noun == "subscription" && node.id.is_some());
    // `Microsoft.Compute`, behind which stands what it provides.
    let provides = |node: &Node| {
        node.noun == "provider" && node.id.as_deref().is_some_and(|id| id.contains('.'))
    };
    let inner = nodes.len().saturating_sub(1);
    let at = nodes.iter().take(inner).position(provides);
    let is_group = |node: &Node| node.noun == "resource_group" && node.id.is_some();
    if !is_subscription || at.is_none() && !nodes.iter().any(is_group) {
        return;
    }
    if let Some(at) = at {
        nodes.remove(at);
    }
    for (position, node) in nodes.iter_mut().enumerate() {
        node.is_scope = position == 0 || is_group(node);
    }
}
