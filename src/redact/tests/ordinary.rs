//! Precision: what is ordinary in the payloads of admin APIs stays as it is.

use serde_json::json;

use super::*;

/// One field a line: `kind`, `name`, `value`. None of them is a secret.
const FIELDS: &str = include_str!("../../../tests/data/redact/ordinary.jsonl");

/// Of a hundred fields, so many may be redacted.
const PERCENT_MAX: usize = 1;

#[test]
fn ordinary_values_are_not_taken_for_secrets() {
    check(&engine(), |_| false);
}

#[test]
fn ordinary_values_are_not_taken_for_personal_data() {
    let rules = crate::rules::load(None, &[crate::rules::Pack::Pii]).unwrap();
    let engine = Engine::new(rules.redaction(), FingerprintKey::new(&[7; 32]));
    check(&engine, |value| value.as_str().is_some_and(|text| text.contains('@')));
}

/// All fields but those of a kind.
fn check(engine: &Engine, except: fn(&Value) -> bool) {
    let fields: Vec<Value> =
        FIELDS.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(fields.len() >= 500, "{}", fields.len());
    let mut taken = Vec::new();
    for field in fields.iter().filter(|field| !except(&field["value"])) {
        // Under a name that no rule selects: it is about contents.
        let body = json!({"x": field["value"]}).to_string();
        let request = request("/", &[JSON], body.as_bytes());
        let record = engine.request(&request, Detail::WithBody, &mut Seen::default()).into_inner();
        if !record.receipts.is_empty()
            || record.body.map(|body| body.value()) != Some(json!({"x": field["value"]}))
        {
            taken.push(format!("{} {:?}: {:?}", field["kind"], record.receipts, field["value"]));
        }
    }
    assert!(taken.len() * 100 <= fields.len() * PERCENT_MAX, "{}", taken.join("\n"));
}
