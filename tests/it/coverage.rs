//! What no rule names is shown with rules that can be pasted, and documents of the API name the rest.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::support::{Proxy, Reply, Setup, Upstream, exchange, wait_until};

const DOCUMENT: &str = r#"
openapi: 3.0.3
servers: [{ url: "https://example.com/admin" }]
paths:
  /pools/{pool}/api-keys/{key}:
    delete: { operationId: revokeApiKey, summary: Revoke an API key }
"#;

const RULES: &str = "\
events:
  - { id: used, match: { method: PUT, path: \"/used/{id}\" }, action: used.set }
  - { id: unused, match: { path: /unused } }
openapi:
  - { id: admin, file: ../openapi.yaml }
";

fn run(command: &[&str], data: &Path, rules: &Path) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(command)
        .arg("--data")
        .arg(data)
        .arg("--rules")
        .arg(rules)
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

fn send(proxy: &Proxy, line: &str) -> String {
    let request = format!(
        "{line} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\
         Connection: close\r\n\r\n{{}}"
    );
    let answer = exchange(proxy.address, request.as_bytes());
    answer.header("countersign-event").unwrap_or_default().to_owned()
}

#[test]
fn what_no_rule_names_is_shown_with_rules_to_paste() {
    let home = tempfile::tempdir().unwrap();
    let rules = home.path().join("rules");
    fs::create_dir(&rules).unwrap();
    fs::write(home.path().join("openapi.yaml"), DOCUMENT).unwrap();
    fs::write(rules.join("own.yaml"), RULES).unwrap();
    let upstream = Upstream::start(|_| Reply::response("200 OK", "application/json", "{}"));
    let more = format!("rules: {{dir: \"{}\"}}", rules.display());
    let proxy = Proxy::with(upstream.address, &Setup { more, ..Setup::default() });

    let lines =
        ["PATCH /v1/widgets/5", "PATCH /v1/widgets/6", "POST /keys/7:rotate", "PUT /used/1"];
    let ids = lines.map(|line| send(&proxy, line));
    let documented = send(&proxy, "DELETE /admin/pools/blue/api-keys/latest");
    let mut event = None;
    wait_until("the event is in the index", || {
        event = proxy.events().into_iter().find(|event| event["id"] == documented.as_str());
        event.is_some()
    });
    let event = event.unwrap();
    assert_eq!(event["rule"], "admin#revokeApiKey");
    assert_eq!(event["action"], "api_key.revoke");
    assert_eq!(event["targets"][0]["id"], "latest");
    assert_eq!(event["scope"]["pool"], "blue");
    assert_eq!(event["description"], "Revoke an API key: latest");

    let (good, text) = run(&["coverage", "--json"], &proxy.data(), &rules);
    let document: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
    assert!(good);
    let rows = document["unnamed"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "{text}");
    assert_eq!((&rows[0]["route"], &rows[0]["events"]), (&"/v1/widgets/{id}".into(), &2.into()));
    assert_eq!(rows[0]["example"], ids[1].as_str());
    assert_eq!(document["never_matched"].as_array().unwrap().len(), 1);
    assert_eq!(document["never_matched"][0]["id"], "unused");
    assert_eq!((&document["operations"], &document["operations_seen"]), (&1.into(), &1.into()));

    // What is suggested passes the checks beside the other rules, and names what had no name.
    let (_, yaml) = run(&["coverage", "--yaml"], &proxy.data(), &rules);
    fs::write(rules.join("pasted.yaml"), &yaml).unwrap();
    let check = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["rules", "check"])
        .arg(&rules)
        .output()
        .unwrap();
    assert!(check.status.success(), "{yaml}\n{}", String::from_utf8_lossy(&check.stdout));
    let (_, text) = run(&["coverage"], &proxy.data(), &rules);
    assert!(text.contains("every mutation on record is named"), "{text}");
    assert!(text.contains("3 events had no rule when they came"), "{text}");
    let by_config = Command::new(env!("CARGO_BIN_EXE_countersign"))
        .args(["coverage", "--json", "--config"])
        .arg(proxy.config())
        .output()
        .unwrap();
    let document: Value = serde_json::from_slice(&by_config.stdout).unwrap();
    assert_eq!(document["named_now"]["widget.update"], 2, "{document}");
    let (_, text) = run(&["coverage", "--json", "--until", "90d"], &proxy.data(), &rules);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["never_matched"].as_array().unwrap().len(), 4, "{text}");

    // A document is watched like the rules that name it; one that is wrong changes nothing.
    fs::write(home.path().join("openapi.yaml"), DOCUMENT.replace("revoke", "burn")).unwrap();
    proxy.signal("HUP");
    wait_until("the new document is in force", || {
        let id = send(&proxy, "DELETE /admin/pools/blue/api-keys/latest");
        let mut events = proxy.events().into_iter();
        events.any(|event| event["id"] == id.as_str() && event["rule"] == "admin#burnApiKey")
    });
}
