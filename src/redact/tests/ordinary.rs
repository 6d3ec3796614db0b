//! Precision: what is ordinary in the payloads of admin APIs stays as it is.

use serde_json::json;

use super::*;

/// One field a line: `kind`, `name`, `value`. None of them is a secret.
const FIELDS: &str = include_str!("../../../tests/data/redact/ordinary.jsonl");

/// Of a hundred fields, so many may be redacted.
const PERCENT_MAX: usize = 1;

#[test]
fn ordinary_values_are_not_taken_for_secrets() {
    let fields: Vec<Value> =
        FIELDS.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(fields.len() >= 500, "{}", fields.len());
    let mut taken = Vec::new();
    for field in &fields {
        // Under a name that no rule selects: it is about contents.
        let record = record("/", &[JSON], json!({"x": field["value"]}).to_string().as_bytes());
        if !record.receipts.is_empty()
            || record.body.map(|body| body.value()) != Some(json!({"x": field["value"]}))
        {
            taken.push(format!("{} {:?}: {:?}", field["kind"], record.receipts, field["value"]));
        }
    }
    assert!(taken.len() * 100 <= fields.len() * PERCENT_MAX, "{}", taken.join("\n"));
}
