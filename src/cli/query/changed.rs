//! What one event changed, as lines for people.

use std::io::Write;

use serde_json::Value;

use super::super::screen::{cell, printable};

/// So many changes are shown; the others are in the event.
const SHOWN_MAX: usize = 10;

/// Prints what an event changed; gives whether there was something that it set to another value.
pub(super) fn print(event: &Value, out: &mut dyn Write) -> anyhow::Result<bool> {
    let changes = event["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !changes.iter().any(|change| change["op"] == "replace") {
        return Ok(false);
    }
    let text = |name: &str| printable(event[name].as_str().unwrap_or_default());
    writeln!(out, "\n{} (known from: {})", cell(&text("description")), text("changes_source"))?;
    for change in changes.iter().take(SHOWN_MAX) {
        let part = |name: &str| change[name].as_str().map(cell).unwrap_or_default();
        let value = |name: &str| change.get(name).map(|value| cell(&value.to_string()));
        let before = value("before").map(|before| format!(" {before}")).unwrap_or_default();
        let after = value("after").map(|after| format!(" → {after}")).unwrap_or_default();
        writeln!(out, "  {:7} {}{before}{after}", part("op"), part("path"))?;
    }
    if changes.len() > SHOWN_MAX {
        writeln!(out, "  … and {} more", changes.len() - SHOWN_MAX)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_lines_without_what_a_terminal_would_obey() {
        let event = json!({
            "description": "User 5 updated", "changes_source": "request",
            "changes": [
                {"op": "remove", "path": "/old", "before": 1},
                {"op": "replace", "path": "/na\u{1b}[31mme", "before": "a", "after": "b"},
            ],
        });
        let mut out = Vec::new();
        assert!(print(&event, &mut out).unwrap());
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\nUser 5 updated (known from: request)\n  remove  /old 1\n  \
             replace /na\\u{1b}[31mme \"a\" → \"b\"\n"
        );
        for nothing in [json!({}), json!({"changes": [{"op": "add", "path": "/a"}]})] {
            let mut out = Vec::new();
            assert!(!print(&nothing, &mut out).unwrap() && out.is_empty());
        }
    }
}
