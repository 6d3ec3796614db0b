//! Whatever stands in a file or on the command line, nothing panics.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{load_text, shipped};
use crate::config::for_upstream;

/// Values of every shape, under keys of which many are known.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "(unix:|http://|https://|\\[)?[0-9a-z.:/*%@\\[\\]-]{0,20}(ms|s|KiB|MiB)?"
            .prop_map(Value::from),
        prop::sample::select(&["admin", "127.0.0.1:8080", "bypass", "none", "10s", "1", "/"][..])
            .prop_map(Value::from),
    ];
    let (_, text) = shipped();
    let key = regex::Regex::new(r"([a-z0-9_]+):").unwrap();
    let keys: Vec<String> = key.captures_iter(&text).map(|found| found[1].to_owned()).collect();
    leaf.prop_recursive(5, 64, 8, move |inner| {
        let key = prop_oneof![4 => prop::sample::select(keys.clone()), 1 => ".{0,8}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(key, inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Parts of the right shape with anything in them.
fn any_file() -> impl Strategy<Value = Value> {
    let value = any_value();
    let file = (any_value(), any_value(), any_value(), any_value(), any_value(), value).prop_map(
        |(upstream, route, listener, limits, timeouts, proxies)| {
            json!({
                "upstreams": { "admin": upstream, "other": "http://127.0.0.1:9000" },
                "routes": [route, { "name": "all", "upstream": "other" }],
                "listeners": [listener],
                "limits": limits,
                "timeouts": timeouts,
                "trusted_proxies": proxies,
            })
        },
    );
    prop_oneof![file, any_value()]
}

proptest! {
    #[test]
    fn random_text_never_panics(text in "(\\PC|\n|  |- |: |[a-z]+: |\\{|\\[|&a |\\*a |!!?[a-z]* |\\||>|#|\"|<<: ){0,40}") {
        let found = load_text(&text);
        prop_assert!(found.is_ok() || !found.unwrap_err().0.is_empty());
    }

    #[test]
    fn random_files_never_panic(file in any_file()) {
        let found = load_text(&file.to_string());
        prop_assert!(found.is_ok() || !found.unwrap_err().0.is_empty());
    }

    #[test]
    fn random_urls_never_panic(url in "\\PC{0,30}", listen in "\\PC{0,20}") {
        let found = for_upstream(&url, Some(&listen), None, None);
        prop_assert!(found.is_ok() || !found.unwrap_err().0.is_empty());
    }
}
