//! An event as an auditor reads it, a line a field.

use serde_json::Value;

/// So many acts and changes are shown.
const SHOWN_MAX: usize = 6;

/// Both halves as text.
pub(super) fn shown(intent: &str, completion: &str) -> String {
    let intent: Value = serde_json::from_str(intent).unwrap();
    let end: Value = serde_json::from_str(completion).unwrap();
    let either = |name: &str| if end[name].is_null() { &intent[name] } else { &end[name] };
    let mut out = String::new();
    let mut line = |name: &str, text: String| {
        if !text.is_empty() {
            out.push_str(&format!("{name:<9}{text}\n"));
        }
    };
    line("says", text(either("description")));
    line("planned", text(&intent["description"]));
    line("action", format!("{} in {}", text(either("action")), text(&intent["category"])));
    line("by", actor(&intent["actor"]));
    for claim in intent["actor"]["claimed"].as_array().into_iter().flatten() {
        let notes: Vec<String> =
            claim["notes"].as_array().into_iter().flatten().map(text).collect();
        line("claimed", words(&[actor(claim), notes.join(", ")]));
    }
    line("upon", targets(either("targets")));
    line("where", members(&intent["scope"]));
    line("route", text(&intent["request"]["route"]));
    line("rule", text(&intent["rule"]));
    line("ended", ended(&end));
    let acts = either("acts").as_array().map(Vec::as_slice).unwrap_or_default();
    for act in acts.iter().take(SHOWN_MAX) {
        line("- act", act_line(act));
    }
    if let Some(last) = acts.last().filter(|_| acts.len() > SHOWN_MAX) {
        line("- …", format!("{} acts in all, the last one:", acts.len()));
        line("- act", act_line(last));
    }
    let changes = end["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    for change in changes.iter().take(SHOWN_MAX) {
        let side = |name: &str| change.get(name).map(Value::to_string).unwrap_or_default();
        let both = format!("{} → {}", side("before"), side("after"));
        line(
            "changes",
            format!("{} {} {}", text(&change["op"]), text(&change["path"]), both.trim()),
        );
    }
    if changes.len() > SHOWN_MAX {
        line("changes", format!("… and {} more", changes.len() - SHOWN_MAX));
    }
    let hidden: Vec<String> =
        end["changes_hidden"].as_array().into_iter().flatten().map(text).collect();
    line("hidden", hidden.join(" "));
    let why = end["changes_notes"].as_array().into_iter().flatten().map(text);
    line("changes", why.map(|note| format!("({note})")).collect::<Vec<_>>().join(" "));
    let noted = [&intent["request"]["notes"], &end["response"]["notes"], &end["notes"]];
    let notes: Vec<String> =
        noted.iter().filter_map(|list| list.as_array()).flatten().map(text).collect();
    line("notes", notes.join(", "));
    out
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn words(parts: &[String]) -> String {
    let parts: Vec<&str> =
        parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}

fn actor(actor: &Value) -> String {
    let name = match actor["name"].as_str() {
        Some(name) => format!("“{name}”"),
        None => String::new(),
    };
    let email = actor["email"].as_str().map(|email| format!("<{email}>")).unwrap_or_default();
    let auth = actor["auth"].as_str().map(|auth| format!("by {auth}")).unwrap_or_default();
    let verified = if actor["verified"] == true { "verified" } else { "" }.to_owned();
    words(&[text(&actor["type"]), text(&actor["id"]), name, email, auth, verified])
}

fn target(target: &Value) -> String {
    let name = target["name"].as_str().map(|name| format!("“{name}”")).unwrap_or_default();
    words(&[text(&target["type"]), text(&target["id"]), name])
}

fn targets(list: &Value) -> String {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut shown: Vec<String> = list.iter().take(SHOWN_MAX).map(target).collect();
    if list.len() > SHOWN_MAX {
        shown.push(format!("… {} in all", list.len()));
    }
    shown.join(", ")
}

fn members(object: &Value) -> String {
    let pairs = object.as_object().into_iter().flatten();
    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={}", text(value))).collect();
    pairs.join(" ")
}

fn ended(of: &Value) -> String {
    words(&[text(&of["outcome"]), text(&of["severity"]), text(&of["reason"])])
}

fn act_line(act: &Value) -> String {
    format!(
        "{} in {} | {} | {} | {}",
        text(&act["action"]),
        text(&act["category"]),
        targets(&act["targets"]),
        ended(act),
        text(&act["description"])
    )
}
