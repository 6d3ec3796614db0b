//! The OCSF export against the published schema: `tests/data/ocsf/api_activity.json` says where it is
//! from.

use std::net::IpAddr;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::Served;

const EVENTS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/ocsf/events.ndjson"));
const SCHEMA: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/ocsf/api_activity.json"));

/// Holds values against the schema, and collects what is wrong.
struct Validator {
    schema: Value,
    wrong: Vec<String>,
}

impl Validator {
    fn object(&mut self, rules: &Value, value: &Map<String, Value>, place: &str) {
        let attributes = rules["attributes"].as_object().unwrap();
        for (name, rule) in attributes {
            if rule["requirement"] == "required" && !value.contains_key(name) {
                self.wrong.push(format!("{place}.{name} is required"));
            }
        }
        for name in rules["constraints"]["at_least_one"].as_array().into_iter().flatten() {
            if value.contains_key(name.as_str().unwrap()) {
                break;
            }
            if name == rules["constraints"]["at_least_one"].as_array().unwrap().last().unwrap() {
                self.wrong.push(format!("{place} has none of the attributes that identify it"));
            }
        }
        for (name, value) in value {
            let place = format!("{place}.{name}");
            let Some(rule) = attributes.get(name) else {
                self.wrong.push(format!("{place} is not in the schema"));
                continue;
            };
            match (rule["is_array"] == true, value) {
                (true, Value::Array(values)) => {
                    for value in values {
                        self.attribute(rule, value, &place);
                    }
                }
                (true, _) => self.wrong.push(format!("{place} is no array")),
                (false, value) => self.attribute(rule, value, &place),
            }
        }
        self.siblings(attributes, value, place);
    }

    /// An id and its caption belong together; with "other", the caption is the source's.
    fn siblings(
        &mut self,
        attributes: &Map<String, Value>,
        value: &Map<String, Value>,
        place: &str,
    ) {
        for (name, rule) in attributes {
            let (Some(id), Some(sibling)) = (value.get(name), rule["sibling"].as_str()) else {
                continue;
            };
            let (id, caption) = (id.to_string(), value.get(sibling).and_then(Value::as_str));
            let expected = rule["enum"][&id].as_str();
            if id != "99" && expected.is_some() && caption != expected {
                self.wrong.push(format!("{place}.{sibling} is {caption:?}, not {expected:?}"));
            }
        }
    }

    fn attribute(&mut self, rule: &Value, value: &Value, place: &str) {
        let types = &self.schema["types"];
        // Those who made the schema list under its types only what is no object.
        let name = rule["type"].as_str().unwrap_or_default();
        let base = types[name]["type"].as_str().unwrap_or(name).to_owned();
        let (longest, pattern) = (types[name]["max_len"].as_u64(), types[name]["regex"].as_str());
        let fits = match base.as_str() {
            "string_t" => value.is_string(),
            "integer_t" => value.as_i64().is_some_and(|value| i32::try_from(value).is_ok()),
            "long_t" => value.is_i64() || value.is_u64(),
            "boolean_t" => value.is_boolean(),
            "json_t" => true,
            _ => value.is_object(),
        };
        if !fits {
            self.wrong.push(format!("{place} is no {name}"));
        }
        if let (Some(text), "string_t") = (value.as_str(), base.as_str()) {
            let longest = longest.or(types["string_t"]["max_len"].as_u64()).unwrap();
            let matches = match name {
                // The published pattern is one for engines that go back.
                "ip_t" => text.parse::<IpAddr>().is_ok(),
                _ => pattern.is_none_or(|pattern| Regex::new(pattern).unwrap().is_match(text)),
            };
            if text.len() as u64 > longest || !matches {
                self.wrong.push(format!("{place} is no {name}"));
            }
        }
        if let Some(values) = rule["enum"].as_object() {
            let key = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            // The classification of the class itself is checked apart.
            let is_class = place.ends_with(".category_uid") || place.ends_with(".class_uid");
            if !is_class && !values.contains_key(&key) {
                self.wrong.push(format!("{place} cannot be {key}"));
            }
        }
        let known = rule["object"].as_str().unwrap_or(name).to_owned();
        if let (Some(members), Some(rules)) =
            (value.as_object(), self.schema["objects"].get(&known).cloned())
        {
            self.object(&rules, members, place);
        } else if value.is_object() && !matches!(name, "json_t" | "object" | "object_t") {
            self.wrong.push(format!("{place} is a {known}, which is not among the objects"));
        }
    }
}

/// What the schema has against an activity.
fn wrong(activity: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let class = schema["class"].clone();
    let mut validator = Validator { schema, wrong: Vec::new() };
    validator.object(&class, activity.as_object().unwrap(), "");
    let schema = &validator.schema;
    for name in ["category_uid", "category_name", "class_uid", "class_name"] {
        if activity[name] != schema[name] {
            validator.wrong.push(format!("{name} is not {}", schema[name]));
        }
    }
    if activity["metadata"]["version"] != schema["version"] {
        validator.wrong.push("another version of the schema".to_owned());
    }
    let number = |name: &str| activity[name].as_u64().unwrap_or_default();
    if number("type_uid") != number("class_uid") * 100 + number("activity_id") {
        validator.wrong.push("type_uid".to_owned());
    }
    validator.wrong
}

async fn exported() -> (Served, Vec<Value>) {
    let served = Served::new().await;
    for line in EVENTS.lines() {
        // Longer than any text of the schema.
        let line = line.replace("TOO-LONG", &"x".repeat(70_000));
        let event: Value = serde_json::from_str(&line).unwrap();
        let time = event["time"].as_str().unwrap().to_owned();
        served.event(&time, event).await;
    }
    served.indexed().await;
    let answer = served.ask("/v1/admin/audit/export?format=ocsf").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let activities = answer.body.lines().map(|line| serde_json::from_str(line).unwrap());
    let activities = activities.collect();
    (served, activities)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_an_activity_of_the_published_schema() {
    let (_served, activities) = exported().await;
    // One of the events is two acts.
    assert_eq!(activities.len(), EVENTS.lines().count() + 1);
    for activity in &activities {
        assert_eq!(wrong(activity), Vec::<String>::new(), "{activity}");
    }
    let of = |kind: &str| {
        let found = activities.iter().filter(|activity| activity["activity_name"] == kind);
        found.collect::<Vec<_>>()
    };
    assert!(!of("Create").is_empty() && !of("Update").is_empty());
    assert_eq!(of("rotate")[0]["type_uid"], 600_399);
    let denied = of("Delete").into_iter().find(|activity| activity["status_detail"] == "no");
    let denied = denied.unwrap();
    assert_eq!(
        (&denied["status_id"], &denied["unmapped"]["outcome"]),
        (&json!(2), &"denied".into())
    );
    assert_eq!(denied["unmapped"]["act"], json!({"number": 2, "of": 2}));
    assert!(denied["metadata"]["uid"].as_str().unwrap().ends_with(".2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_event_is_lost() {
    let (served, activities) = exported().await;
    let whole = served.ask("/v1/admin/audit/export?format=ndjson").await;
    for (line, activity) in whole.body.lines().zip(&activities) {
        let event: Value = serde_json::from_str(line).unwrap();
        let text = activity.to_string();
        let (mut leaves, mut open) = (Vec::new(), vec![&event]);
        while let Some(value) = open.pop() {
            match value {
                Value::Object(members) => open.extend(members.values()),
                Value::Array(values) => open.extend(values),
                Value::String(leaf) if leaf.parse::<IpAddr>().is_err() => leaves.push(leaf),
                _ => {}
            }
        }
        for leaf in leaves {
            let shown = leaf.chars().take(40).collect::<String>();
            // These are said in the schema's words.
            let said = ["success", "failure", "unknown", "info", "warn", "fail", "user", "system"];
            let time = chrono::DateTime::parse_from_rfc3339(leaf);
            let time = time.map(|time| time.timestamp_millis().to_string());
            let found = text.contains(&Value::from(leaf.as_str()).to_string())
                || said.contains(&leaf.as_str())
                || time.is_ok_and(|time| text.contains(&time));
            assert!(found, "{shown} of {} is not in {text}", event["action"]);
        }
    }
}

#[test]
fn the_validator_sees_what_is_wrong() {
    let text = json!({"class_uid": 6003, "actor": {}, "time": "now", "colour": "red"});
    let wrong = wrong(&text).join("\n");
    for expected in ["colour", "actor has none", "time is no", "metadata is required", "type_uid"] {
        assert!(wrong.contains(expected), "{expected}: {wrong}");
    }
}
