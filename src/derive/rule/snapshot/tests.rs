//! Where states are read, by tables.

use std::fs;

use proptest::prelude::*;
use serde_json::json;

use super::Whereabouts;
use crate::derive::{Kind, Naming, Place, Unseen, named};
use crate::record::{Actor, ActorKind, RequestRecord, ResponseRecord};
use crate::route::Readings;
use crate::rules::{RuleSet, load};

const RULES: &str = r#"
events:
  - id: rotate
    match: { method: POST, path: "/keys/{id}/rotate" }
    snapshot: { get: "/keys/{path.id}?view={query.view | 'full'}" }
  - id: create
    match: { method: POST, path: /keys }
    snapshot: { get: "/keys/{request.body:$.id | response.body:$.id}" }
  - id: rename
    match: { method: POST, path: "/keys/{id}/rename" }
    snapshot: { get: "/keys/{request.body:$.name}" }
  - id: search
    match: { method: PUT, path: "/searches/{id}" }
    read: true
  - id: plain
    match: { method: POST, path: /plain }
"#;

fn rules() -> RuleSet {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.yaml"), RULES).unwrap();
    load(Some(dir.path()), &[]).unwrap_or_else(|problems| panic!("{problems}"))
}

fn nobody() -> Actor {
    Actor::unknown(ActorKind::Anonymous)
}

fn request(line: &str, body: serde_json::Value) -> RequestRecord {
    let (method, target) = line.split_once(' ').unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = query.split_once('=').map(|(name, value)| json!({name: value}).into());
    RequestRecord {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: json!({}).into(),
        query,
        body: (!body.is_null()).then(|| body.into()),
        ..RequestRecord::default()
    }
}

fn name(request: &RequestRecord, rules: &RuleSet) -> Naming {
    let place = Place { rules: &rules.events(), host: "a", kind: Kind::Admin };
    named(request, &nobody(), &place)
}

#[test]
fn rules_say_where_states_are() {
    let at = |target: &str| Whereabouts::At(target.to_owned());
    let long = "x".repeat(256);
    #[rustfmt::skip]
    let rows = [
        ("POST /plain", json!(null), Whereabouts::Unsaid),
        ("POST /other", json!(null), Whereabouts::Unsaid),
        ("POST /keys/7/rotate", json!(null), at("/keys/7?view=full")),
        ("POST /keys/7/rotate?view=a", json!(null), at("/keys/7?view=a")),
        ("POST /keys/7/rotate?view=a&b#c", json!(null), at("/keys/7?view=a%26b%23c")),
        ("POST /keys/a%20b/rotate", json!(null), at("/keys/a%20b?view=full")),
        ("POST /keys/%C3%BC/rotate", json!(null), at("/keys/%C3%BC?view=full")),
        ("POST /keys/%2F/rotate", json!(null), at("/keys/%2F?view=full")),
        ("POST /keys/..%2F8/rotate", json!(null), Whereabouts::Untold),
        ("POST /keys/8%5C..%5C9/rotate", json!(null), Whereabouts::Untold),
        ("POST /keys/%252e%252e%252f8/rotate", json!(null), Whereabouts::Untold),
        ("POST /keys/7%0A/rotate", json!(null), Whereabouts::Ambiguous),
        ("POST /keys/%FF/rotate", json!(null), Whereabouts::Ambiguous),
        ("POST /keys/***/rotate", json!(null), Whereabouts::Untold),
        ("POST /keys/hmac:0123456789abcdef/rotate", json!(null), Whereabouts::Untold),
        ("POST /keys/7%20/rotate", json!(null), Whereabouts::Ambiguous),
        ("POST /keys/7;a=b/rotate", json!(null), Whereabouts::Ambiguous),
        ("POST //keys/7/rotate", json!(null), Whereabouts::Ambiguous),
        ("POST /keys/7/rotate/", json!(null), at("/keys/7?view=full")),
        ("POST /keys/7/x/../rotate", json!(null), Whereabouts::Ambiguous),
        ("POST /keys", json!({"id": 7}), at("/keys/7")),
        ("POST /keys", json!({"name": "x"}), Whereabouts::WithResponse),
        ("POST /keys/7/rename", json!({"name": "ci deploy"}), at("/keys/ci%20deploy")),
        ("POST /keys/7/rename", json!({"name": {"redacted": "r"}}), Whereabouts::Untold),
        ("POST /keys/7/rename", json!({"name": ".."}), Whereabouts::Untold),
        ("POST /keys/7/rename", json!({"name": long}), Whereabouts::Untold),
        ("POST /keys/7/rename", json!(null), Whereabouts::Untold),
    ];
    let rules = rules();
    for (line, body, expected) in rows {
        let request = request(line, body);
        let found = name(&request, &rules).whereabouts(&request, &nobody(), None);
        assert_eq!(found, expected, "{line}");
    }
}

#[test]
fn the_response_tells_where_what_was_made_is() {
    let rules = rules();
    let request = request("POST /keys", json!({"name": "x"}));
    let naming = name(&request, &rules);
    let response = |body: serde_json::Value| ResponseRecord {
        status: 201,
        headers: json!({}).into(),
        body: Some(body.into()),
        ..ResponseRecord::default()
    };
    for (body, expected) in [
        (json!({"id": "key/9"}), Whereabouts::At("/keys/key%2F9".to_owned())),
        (json!({"id": null}), Whereabouts::Untold),
    ] {
        let found = naming.whereabouts(&request, &nobody(), Some(&response(body)));
        assert_eq!(found, expected);
    }
}

#[test]
fn items_are_told_from_what_has_no_state_of_its_own() {
    let rules = rules();
    for (line, is_item) in [
        ("PATCH /api/keys/7", true),
        ("PUT /v1/pools/blue/keys/ci-deploy", true),
        ("DELETE /users/42", true),
        ("POST /users/42", false),
        ("DELETE /users", false),
        ("PUT /users/42/password", false),
        ("PUT /users/42/enable", false),
        ("PATCH /users/42:disable", false),
        ("PATCH /users/42?tenant=a", false),
        ("PATCH /users/42?_method=DELETE", false),
        ("PUT /searches/7", false),
        ("PUT /settings", true),
        ("PATCH /me", true),
        ("PUT /c/settings", true),
        ("PUT /orgs/acme/settings", true),
        ("POST /settings", false),
        ("PUT /users", false),
        ("PATCH /users", false),
    ] {
        let request = request(line, json!(null));
        assert_eq!(name(&request, &rules).is_about_item(&request), is_item, "{line}");
    }
}

#[test]
fn it_is_said_why_the_state_of_an_item_is_not_read() {
    let rules = rules();
    for (line, body, why) in [
        ("PATCH /api/keys/7", json!(null), None),
        ("PATCH /users/42?tenant=a", json!(null), Some(Unseen::NoPath)),
        ("POST /users/42", json!({"_method": "put"}), Some(Unseen::Override)),
        ("POST /users/42", json!({"a": 1}), None),
        ("DELETE /users?id=5", json!(null), None),
    ] {
        let request = request(line, body);
        assert_eq!(name(&request, &rules).unseen_item(&request), why, "{line}");
    }
}

/// Whether what is read for such a request stays where the rule says.
fn stays(id: &str, view: &str) -> Result<(), TestCaseError> {
    let rules = rules();
    let path = format!("POST /keys/{id}/rotate");
    let mut request = request(path.split('?').next().unwrap(), json!(null));
    request.query = Some(json!({"view": view}).into());
    let found = name(&request, &rules).whereabouts(&request, &nobody(), None);
    if let Whereabouts::At(target) = found {
        let (path, query) = target.split_once('?').unwrap();
        prop_assert!(target.is_ascii() && !target.contains(['#', ' ', '\\']), "{}", target);
        prop_assert!(query.starts_with("view=") && !query.contains('&'), "{}", target);
        let segments: Vec<&str> = path.split('/').collect();
        prop_assert_eq!(segments.len(), 3, "{}", target);
        let readings = Readings::of(path);
        prop_assert!(readings.is_complete(), "{}", target);
        for reading in readings.each() {
            prop_assert!(reading.starts_with(b"/keys/"), "{}", target);
        }
    }
    Ok(())
}

#[test]
fn ids_that_some_software_reads_as_a_way_up_are_not_read() {
    stays("%2F", "").unwrap();
    for id in [". .", ".. ", " ..", "..;", ".%20.", "..%20", "%2e%2e", "..;x"] {
        stays(id, "").unwrap();
    }
}

proptest! {
    #[test]
    fn nothing_in_a_request_leads_elsewhere(
        id in "[a-z0-9./%;?#\\\\ \u{e9}]{1,12}",
        view in "[a-z./&=#\\\\]{0,8}",
    ) {
        stays(&id, &view)?;
    }
}
