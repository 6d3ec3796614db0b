//! Requests as they stand in events that are on record, read back.

use serde_json::Value;

use super::{BodyRecord, RequestRecord, Tree};

impl RequestRecord {
    /// What an event in full says of its request; what is not there, or is of another type, is absent.
    pub fn of_event(event: &Value) -> Self {
        let request = event.get("request").unwrap_or(&Value::Null);
        let text = |name: &str| request.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let some = |name: &str| request.get(name).filter(|value| !value.is_null());
        Self {
            body: some("body").and_then(BodyRecord::of_record),
            content_type: text("content_type"),
            headers: some("headers").map(Tree::of_record).unwrap_or_default(),
            method: text("method").unwrap_or_default(),
            path: text("path").unwrap_or_default(),
            query: some("query").map(Tree::of_record),
            ..Self::default()
        }
    }
}
