//! Who comes into a group and leaves it by a patch of SCIM, which is one of the group.
//!
//!   <https://www.rfc-editor.org/rfc/rfc7644#section-3.5.2>

use super::super::body::{self, Value};
use super::super::words::GROUPS;
use crate::record::Target;

/// Operations and members that are looked at.
const ITEMS_MAX: usize = body::TARGETS_MAX;

/// The users whom the operations name that are about the members of a group.
pub(super) fn members(noun: &str, body: Option<&Value<'_>>) -> Vec<Target> {
    let patch = body.filter(|_| GROUPS.contains(&noun));
    let operations = patch.and_then(|patch| patch.get("Operations")?.as_array());
    let all = operations.unwrap_or_default().iter().take(ITEMS_MAX).flat_map(named);
    let target = |id| Target { kind: "user".to_owned(), id: Some(id), name: None };
    all.take(ITEMS_MAX).map(target).collect()
}

fn named(operation: &Value<'_>) -> Vec<String> {
    let path = operation.get("path").and_then(Value::as_str).unwrap_or_default();
    let Some(filter) = path.strip_prefix("members") else { return Vec::new() };
    // `members[value eq "U8"]`
    if let Some(filter) = filter.strip_prefix("[value eq \"") {
        let id = filter.split('"').next().map(|id| Value::String(id.into()));
        return id.as_ref().and_then(body::scalar).into_iter().collect();
    }
    let value = operation.get("value");
    let values = value.and_then(Value::as_array).unwrap_or_default().iter().take(ITEMS_MAX);
    values.filter_map(|one| body::scalar(one.get("value").unwrap_or(one))).collect()
}
