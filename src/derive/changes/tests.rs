//! Changes by tables: `tests/data/changes/*.json`, and what holds for all trees.

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{BYTES_MAX, CHANGES_MAX, Changes, Observed, Shown, Unseen, changes, diff};
use crate::derive::naming::naming;
use crate::derive::tests::outcome;
use crate::derive::{Ended, Kind, Place, named};
use crate::record::{
    Actor, ActorKind, BodyRecord, Change, ChangesSource, RequestRecord, ResponseRecord,
};

/// Two states, and what differs.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct States {
    what: String,
    before: Value,
    after: Value,
    changes: Vec<String>,
    #[serde(default)]
    hidden: Vec<String>,
    #[serde(default)]
    notes: Vec<String>,
}

/// A request with its response, and what it says to have changed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    #[serde(rename = "do")]
    line: String,
    #[serde(rename = "type", default = "json_type")]
    content_type: Option<String>,
    body: Option<Value>,
    size: Option<u64>,
    #[serde(default)]
    truncated: bool,
    #[serde(default = "ok")]
    status: u16,
    response: Option<Value>,
    changes: Vec<String>,
    #[serde(default)]
    notes: Vec<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "it is the default of an option")]
fn json_type() -> Option<String> {
    Some("application/json".to_owned())
}

fn ok() -> u16 {
    200
}

fn shown(changes: &[Change]) -> Vec<String> {
    let one = |change: &Change| {
        let mut text = format!("{} {}", change.op, change.path);
        if let Some(before) = &change.before {
            text += &format!(" {before}");
        }
        if let Some(after) = &change.after {
            text += &format!(" -> {after}");
        }
        text
    };
    changes.iter().map(one).collect()
}

/// What a PATCH is said to have changed whose states are known.
fn observed_of(set: Value, observed: &Observed) -> Changes {
    let request = RequestRecord {
        method: "PATCH".to_owned(),
        path: "/users/5".to_owned(),
        headers: json!({}).into(),
        body: Some(set.into()),
        ..RequestRecord::default()
    };
    let response =
        ResponseRecord { status: 200, headers: json!({}).into(), ..ResponseRecord::default() };
    let naming = naming(&request);
    let verdict = outcome(&naming, Ended::Observed(&response, observed));
    changes(&request, &naming, &verdict, Some(&response), Some(observed))
}

#[test]
fn fields_that_no_state_shows_are_not_known_to_have_changed() {
    let state = |body: Value| Shown::State(body.into());
    let rows = [
        // What is set, what there was, what there is, and the changes.
        (json!({"a": 2}), json!({"a": 1}), json!({"a": 2}), vec!["replace /a 1 -> 2"]),
        (json!({"a": 2}), json!({}), json!({}), vec!["/a"]),
        (json!({"a": 2}), json!({"a": 2}), json!({"a": 2}), vec![]),
        (json!({"a": null}), json!({}), json!({}), vec![]),
        (json!({"user": {"a": 2}}), json!({"a": 1}), json!({"a": 2}), vec!["replace /a 1 -> 2"]),
        (json!({"a": {"b": 2}}), json!({"a": {}}), json!({"a": {}}), vec!["/a/b"]),
        (json!({"aB": 2}), json!({"a_b": 2}), json!({"a_b": 2}), vec![]),
        (json!({"a": 2}), json!({"user": {"a": 2}}), json!({"user": {"a": 2}}), vec![]),
        (
            json!({"a": 2}),
            json!({"data": {"a": 2}, "b": 1}),
            json!({}),
            vec!["remove /b 1", "remove /data {\"a\":2}"],
        ),
        (json!({"user[a]": 2}), json!({"a": 2}), json!({"a": 2}), vec![]),
        (
            json!({"user[a][b]": 2}),
            json!({"a": {"c": 2}}),
            json!({"a": {"c": 2}}),
            vec!["/user[a][b]"],
        ),
        (json!({"a": {"b": 2}}), json!({"a": [1]}), json!({"a": [1]}), vec![]),
        (json!({"a": {"b": 2}}), json!({"a": null}), json!({"a": null}), vec![]),
        (
            json!({"a~/b": 2}),
            json!({"a~/b": 1}),
            json!({"a~/b": 2}),
            vec!["replace /a~0~1b 1 -> 2"],
        ),
    ];
    for (set, before, after, expected) in rows {
        let observed = Observed { before: state(before.clone()), after: state(after) };
        let found = observed_of(set.clone(), &observed);
        let told: Vec<String> = shown(&found.list).into_iter().chain(found.hidden).collect();
        assert_eq!(told, expected, "{set} over {before}");
        assert_eq!(found.source, ChangesSource::Observed);
    }
}

#[test]
fn what_a_rule_ignores_is_shown_all_the_same() {
    let (before, after) = (json!({"id": 5, "v": 1, "w": 1}), json!({"id": 5, "v": 2, "w": 2}));
    let [before, after] = [before, after].map(|state| Shown::State(state.into()));
    let observed = Observed { before, after };
    let request = RequestRecord {
        method: "PATCH".to_owned(),
        path: "/users/5".to_owned(),
        headers: json!({}).into(),
        body: Some(json!({"v": 2, "w": 2, "x": 2}).into()),
        ..RequestRecord::default()
    };
    let dir = tempfile::tempdir().unwrap();
    let rules = "events:\n  - id: a\n    match: { path: '/users/{id}' }\n    \
                 snapshot: { get: '/users/{path.id}', ignore: ['$.v'] }\n";
    std::fs::write(dir.path().join("a.yaml"), rules).unwrap();
    let rules = crate::rules::load(Some(dir.path()), &[]).unwrap();
    let events = rules.events();
    let place = Place { rules: &events, host: "a.example", kind: Kind::Admin };
    let naming = named(&request, &Actor::unknown(ActorKind::User), &place);
    let response =
        ResponseRecord { status: 200, headers: json!({}).into(), ..ResponseRecord::default() };
    let verdict = outcome(&naming, Ended::Observed(&response, &observed));
    let found = changes(&request, &naming, &verdict, Some(&response), Some(&observed));
    assert_eq!(shown(&found.list), ["replace /w 1 -> 2"]);
    assert_eq!((found.hidden, found.notes), (vec!["/x".to_owned()], vec!["not_shown".to_owned()]));
}

#[test]
fn secrets_that_are_set_and_shown_masked_may_have_changed() {
    let state = |body: &Value| Shown::State(body.clone().into());
    let secret = |digest: &str| json!({"redacted": "secrets", "sealed": digest});
    let rows = [
        // What is set, what there is before and after, and what is told.
        (json!({"token": secret("a")}), json!({"token": "********"}), vec!["/token"]),
        (json!({"token": secret("a")}), json!({"token": ""}), vec!["/token"]),
        (json!({"token": secret("a")}), json!({"token": null}), vec!["/token"]),
        (json!({"token": secret("a")}), json!({"token": true}), vec!["/token"]),
        (json!({"token": secret("a")}), json!({"token": "sk-****1234"}), vec!["/token"]),
        (json!({"token": secret("a")}), json!({"token": secret("b")}), vec!["/token"]),
        (json!({"token": secret("a")}), json!({"data": {"token": ""}}), vec!["/token"]),
        (json!({"apiToken": secret("a")}), json!({"api_token": true}), vec!["/apiToken"]),
        (
            json!({"smtp": {"password": secret("a")}}),
            json!({"smtp": {"password": ""}}),
            vec!["/smtp/password"],
        ),
        (json!({"smtp": {"password": secret("a")}}), json!({"smtp": {}}), vec!["/smtp/password"]),
        (json!({"user[token]": secret("a")}), json!({"token": ""}), vec!["/user[token]"]),
        (
            json!({"keys": [{"id": 1, "token": secret("a")}]}),
            json!({"keys": [{"id": 1, "token": ""}]}),
            vec!["/keys/[id=1]/token"],
        ),
        // The API shows that it is the one that was sent.
        (json!({"token": secret("a")}), json!({"token": secret("a")}), vec![]),
        // No secret.
        (json!({"token": "x"}), json!({"token": true}), vec![]),
    ];
    for (set, before, expected) in rows {
        let observed = Observed { before: state(&before), after: state(&before) };
        let found = observed_of(set.clone(), &observed);
        assert_eq!(found.hidden, expected, "{set} over {before}");
        assert!(found.list.is_empty(), "{set} over {before}");
        let is_noted = found.notes.iter().any(|note| note == "hidden" || note == "not_shown");
        assert_eq!(is_noted, !expected.is_empty(), "{set} over {before}: {:?}", found.notes);
    }
    // What shows as changed is told once.
    let observed = Observed {
        before: state(&json!({"token": "****1234", "secret": ""})),
        after: state(&json!({"token": "****5678", "secret": ""})),
    };
    let set = json!({"token": secret("a"), "secret": secret("b")});
    let found = observed_of(set, &observed);
    assert_eq!(shown(&found.list), ["replace /token \"****1234\" -> \"****5678\""]);
    assert_eq!(found.hidden, ["/secret"]);
}

fn read(exchange: &Exchange) -> Changes {
    let (method, path) = exchange.line.split_once(' ').unwrap();
    let has_body = exchange.body.is_some() || exchange.size.is_some();
    let request = RequestRecord {
        method: method.to_owned(),
        path: path.to_owned(),
        headers: json!({}).into(),
        content_type: exchange.content_type.clone().filter(|_| has_body),
        body: exchange.body.clone().map(Into::into),
        size: exchange.size,
        truncated: exchange.truncated,
        ..RequestRecord::default()
    };
    let headers = if exchange.status == 302 { json!({"location": "/"}) } else { json!({}) };
    let response = ResponseRecord {
        status: exchange.status,
        headers: headers.into(),
        body: exchange.response.clone().map(Into::into),
        ..ResponseRecord::default()
    };
    let naming = naming(&request);
    let verdict = outcome(&naming, Ended::Response(&response));
    changes(&request, &naming, &verdict, Some(&response), None)
}

#[test]
fn two_states_are_compared() {
    let rows: Vec<States> =
        serde_json::from_str(include_str!("../../../tests/data/changes/diff.json")).unwrap();
    let mut wrong = Vec::new();
    for row in rows {
        let (before, after) = (BodyRecord::from(row.before), BodyRecord::from(row.after));
        let found = diff(before.tree(), after.tree());
        let found = (shown(&found.changes), found.hidden, found.notes);
        let expected = (row.changes, row.hidden, row.notes);
        if found != expected {
            wrong.push(format!("{}: {found:?}, expected {expected:?}", row.what));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn requests_are_read_as_changes() {
    let rows: Vec<Exchange> =
        serde_json::from_str(include_str!("../../../tests/data/changes/requests.json")).unwrap();
    let mut wrong = Vec::new();
    for row in rows {
        let found = read(&row);
        let known = found.source == ChangesSource::Request;
        let reasons = ["accepted", "multi_status", "whole_replaced"];
        if known != row.notes.iter().all(|note| reasons.contains(&note.as_str())) {
            wrong.push(format!("{}: the source is {:?}", row.line, found.source));
        }
        let found = (shown(&found.list), found.notes);
        let expected = (row.changes, row.notes);
        if found != expected {
            wrong.push(format!("{}: {found:?}, expected {expected:?}", row.line));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_can_be_read_of_a_patch_is_told() {
    let body = json!([
        {"op": "test", "path": "/a", "value": 1},
        {"op": "increment", "path": "/a"},
        {"op": "replace", "path": "/a", "value": 3}
    ]);
    let found = patched(body, "application/json-patch+json");
    assert_eq!(shown(&found.list), ["replace /a -> 3"]);
    assert_eq!(
        (found.source, found.notes),
        (ChangesSource::Request, vec!["invalid_patch".to_owned()])
    );
}

#[test]
fn what_else_changes_by_itself_is_compared_where_the_request_sets_it() {
    let rows = [
        (
            json!({"updated_at": "2001"}),
            json!({"updated_at": "2026"}),
            json!({"updated_at": "2001"}),
            vec!["replace /updated_at \"2026\" -> \"2001\""],
        ),
        (
            json!({"etag": {"role": "b"}}),
            json!({"etag": {"role": "a"}}),
            json!({"etag": {"role": "b"}}),
            vec!["replace /etag/role \"a\" -> \"b\""],
        ),
        (
            json!({"issue": {"updated-at": "1"}}),
            json!({"updatedAt": "2"}),
            json!({"updatedAt": "1"}),
            vec!["replace /updatedAt \"2\" -> \"1\""],
        ),
        (
            json!({"issue[updated_at]": "1"}),
            json!({"updated_at": 2}),
            json!({"updated_at": 1}),
            vec!["replace /updated_at 2 -> 1"],
        ),
        (
            json!([{"op": "replace", "path": "/updated_at", "value": "1"}]),
            json!({"updated_at": "2"}),
            json!({"updated_at": "1"}),
            vec!["replace /updated_at \"2\" -> \"1\""],
        ),
        // Who sends a whole resource back sends what there was.
        (
            json!({"a": 2, "updated_at": 7, "version": {"etag": "x"}}),
            json!({"a": 1, "updated_at": "7", "version": {"etag": "x"}}),
            json!({"a": 2, "updated_at": "8", "version": {"etag": "y"}}),
            vec!["replace /a 1 -> 2"],
        ),
        (
            json!({"a": 2}),
            json!({"a": 1, "updated_at": "7"}),
            json!({"a": 2, "updated_at": "8"}),
            vec!["replace /a 1 -> 2"],
        ),
    ];
    for (set, before, after, expected) in rows {
        let observed =
            Observed { before: Shown::State(before.into()), after: Shown::State(after.into()) };
        let found = observed_of(set.clone(), &observed);
        assert_eq!(
            (shown(&found.list), found.source),
            (expected.iter().map(ToString::to_string).collect(), ChangesSource::Observed),
            "{set}"
        );
    }
}

#[test]
fn what_is_there_after_its_deletion_is_noted() {
    let state = || Shown::State(json!({"id": 5, "name": "z", "updated_at": "1"}).into());
    let other = Shown::State(json!({"id": 5, "deleted": true}).into());
    let rows = [
        ("DELETE", "/users/5", 204, state(), vec!["still_there"]),
        ("DELETE", "/users/5", 202, state(), vec!["accepted"]),
        ("DELETE", "/users/5", 204, other, vec![]),
        ("DELETE", "/users/5", 204, Shown::Absent, vec![]),
        ("DELETE", "/teams/5/members", 204, state(), vec![]),
        ("POST", "/users/5/delete", 204, state(), vec![]),
    ];
    for (method, path, status, after, notes) in rows {
        let request = RequestRecord {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: json!({}).into(),
            ..RequestRecord::default()
        };
        let response =
            ResponseRecord { status, headers: json!({}).into(), ..ResponseRecord::default() };
        let observed = Observed { before: state(), after };
        let naming = naming(&request);
        let verdict = outcome(&naming, Ended::Observed(&response, &observed));
        let found = changes(&request, &naming, &verdict, Some(&response), Some(&observed));
        assert_eq!(found.notes, notes, "{method} {path} {status}");
    }
}

#[test]
fn an_exchange_without_a_response_has_no_changes() {
    let request = RequestRecord {
        method: "PATCH".to_owned(),
        path: "/users/5".to_owned(),
        body: Some(json!({"a": 1}).into()),
        ..RequestRecord::default()
    };
    let naming = naming(&request);
    let rows = [
        (Ended::NotSent, "not_done"),
        (Ended::ClientAborted, "not_done"),
        (Ended::UpstreamLost, "outcome_unknown"),
        (Ended::UpstreamTimeout, "outcome_unknown"),
    ];
    for (ended, note) in rows {
        let found = changes(&request, &naming, &outcome(&naming, ended), None, None);
        assert_eq!((found.source, found.notes), (ChangesSource::None, vec![note.to_owned()]));
        assert!(found.list.is_empty());
    }
}

#[test]
fn what_failed_is_not_said_to_have_changed_nothing() {
    let rows = [
        (400, "not_done"),
        (403, "not_done"),
        (409, "not_done"),
        (500, "failed"),
        (501, "not_done"),
        (507, "failed"),
    ];
    for (status, note) in rows {
        let request = RequestRecord {
            method: "PATCH".to_owned(),
            path: "/users/5".to_owned(),
            body: Some(json!({"a": 1}).into()),
            ..RequestRecord::default()
        };
        let response =
            ResponseRecord { status, headers: json!({}).into(), ..ResponseRecord::default() };
        let naming = naming(&request);
        let verdict = outcome(&naming, Ended::Response(&response));
        let found = changes(&request, &naming, &verdict, Some(&response), None);
        assert_eq!(found.notes, [note], "{status}");
    }
}

fn patch(body: Value) -> Changes {
    patched(body, "application/json")
}

fn patched(body: Value, kind: &str) -> Changes {
    read(&Exchange {
        line: "PATCH /users/5".to_owned(),
        content_type: Some(kind.to_owned()),
        body: Some(body),
        size: None,
        truncated: false,
        status: 200,
        response: None,
        changes: Vec::new(),
        notes: Vec::new(),
    })
}

#[test]
fn lists_are_bounded() {
    let many: Map<String, Value> =
        (0..2 * CHANGES_MAX).map(|n| (n.to_string(), n.into())).collect();
    let found = patch(Value::Object(many));
    assert_eq!(
        (found.list.len(), found.notes),
        (CHANGES_MAX, vec!["changes_truncated".to_owned()])
    );

    let long = "x".repeat(3000);
    let found = patch(json!({"a": long, "b": {"c": [long]}}));
    assert_eq!(
        shown(&found.list),
        [
            "replace /a -> {\"bytes\":3002,\"truncated\":\"string\"}",
            "replace /b/c -> {\"bytes\":3005,\"truncated\":\"array\"}"
        ]
    );
    assert_eq!(found.notes, ["values_truncated"]);

    let middling = "x".repeat(1000);
    let some: Map<String, Value> = (0..200).map(|n| (n.to_string(), json!(middling))).collect();
    let found = patch(Value::Object(some));
    let values: usize = found.list.iter().map(|change| json!(change.after).to_string().len()).sum();
    assert!(values < BYTES_MAX + 50 * CHANGES_MAX, "{values}");
    assert!(found.notes.contains(&"values_truncated".to_owned()));

    let found = patch(json!({"n".repeat(5000): 1}));
    assert_eq!((found.list.len(), found.notes), (0, vec!["changes_truncated".to_owned()]));
}

/// RFC 7386, section 2.
fn merged(target: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut target = match target {
        Value::Object(target) => target,
        _ => Map::new(),
    };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            let before = target.remove(name).unwrap_or(Value::Null);
            target.insert(name.clone(), merged(before, value));
        }
    }
    Value::Object(target)
}

/// Carries out a change, making the objects on its way.
fn apply(node: &mut Value, path: &[String], change: &Change) {
    let Some((name, rest)) = path.split_first() else {
        *node = change.after.clone().unwrap();
        return;
    };
    if !node.is_object() {
        *node = json!({});
    }
    let members = node.as_object_mut().unwrap();
    if rest.is_empty() && change.op == "remove" {
        members.remove(name);
    } else {
        apply(members.entry(name.clone()).or_insert(Value::Null), rest, change);
    }
}

fn names(path: &str) -> Vec<String> {
    let name = |name: &str| name.replace("~1", "/").replace("~0", "~");
    path.split('/').skip(1).map(name).collect()
}

fn tree() -> impl Strategy<Value = Value> {
    let hidden = prop_oneof![Just(json!("***")), Just(json!({"redacted": "r"}))];
    tree_of(prop_oneof![4 => leaf(), 1 => hidden])
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..4_i32).prop_map(Value::from),
        "[a-c/~]{0,2}".prop_map(Value::from),
    ]
}

fn tree_of(leaf: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map("id|key|[a-c~/]{1,2}", inner, 1..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn object() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-c~/]{1,2}", tree_of(leaf()), 1..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()))
}

#[test]
fn an_answer_that_tells_of_an_error_is_no_state() {
    let shown = |body: Value| {
        let body = Some(BodyRecord::from(body));
        Shown::of(&ResponseRecord { status: 200, body, ..ResponseRecord::default() })
    };
    let error = shown(json!({"success": false, "error": "not logged in"}));
    assert_eq!(error, Shown::Unseen(Unseen::Status));
    for body in [
        json!({"status": 404, "message": "no such thing"}),
        json!({"statusCode": 404, "error": "Not Found"}),
        json!({"status": 500}),
    ] {
        assert_eq!(shown(body), Shown::Unseen(Unseen::Status));
    }
    for body in [
        json!({"id": 5, "error": "exit 1"}),
        json!({"limit": 5, "status": "failed"}),
        json!({"id": 5, "status": 404, "message": "as the page was last seen"}),
        json!({"status": 404, "limit": 5}),
    ] {
        assert!(matches!(shown(body), Shown::State(_)));
    }
}

proptest! {
    #[test]
    fn what_is_equal_has_no_changes(one in tree()) {
        let record = BodyRecord::from(one);
        prop_assert_eq!(diff(record.tree(), record.tree()).changes, Vec::new());
    }

    #[test]
    fn what_differs_is_changed_or_hidden(one in tree(), other in tree()) {
        let (before, after) = (BodyRecord::from(one.clone()), BodyRecord::from(other.clone()));
        let found = diff(before.tree(), after.tree());
        let again = diff(before.tree(), after.tree());
        prop_assert_eq!(&found, &again);
        if one != other {
            let told = found.changes.len() + found.hidden.len() + found.notes.len();
            prop_assert!(told > 0, "{one} {other}");
        }
    }

    #[test]
    fn the_changes_of_a_merge_patch_do_what_it_does(before in object(), with in object()) {
        let found = patch(with.clone());
        let mut after = before.clone();
        for change in &found.list {
            apply(&mut after, &names(&change.path), change);
        }
        prop_assert_eq!(after, merged(before, &with));
    }

    #[test]
    fn states_are_compared_as_trees_are(one in tree(), other in tree(), set in object()) {
        let (before, after) = (BodyRecord::from(one), BodyRecord::from(other));
        let expected = diff(before.tree(), after.tree());
        let shown = |body: BodyRecord| Shown::of(&ResponseRecord {
            status: 200,
            body: Some(body),
            ..ResponseRecord::default()
        });
        let observed = Observed { before: shown(before), after: shown(after) };
        let found = observed_of(set, &observed);
        let is_known = |shown: &Shown| matches!(shown, Shown::State(_));
        if is_known(&observed.before) && is_known(&observed.after) {
            prop_assert_eq!(found.source, ChangesSource::Observed);
            prop_assert_eq!(&found.list, &expected.changes);
            prop_assert!(found.hidden.starts_with(&expected.hidden));
            let is_more = found.hidden.len() > expected.hidden.len();
            prop_assert!(!is_more || found.notes.iter().any(|note| note == "not_shown"));
        } else {
            prop_assert_eq!(found.source, ChangesSource::Request);
        }
    }

    #[test]
    fn any_body_is_read(body in tree(), of in 0..3_usize) {
        let kinds = ["application/json-patch+json", "application/json", "multipart/form-data"];
        for line in ["PATCH /users/5", "PUT /users/5", "POST /users"] {
            let found = read(&Exchange {
                line: line.to_owned(),
                content_type: Some(kinds[of].to_owned()),
                ..serde_json::from_value(json!({"do": "", "body": body, "changes": []})).unwrap()
            });
            prop_assert!(found.list.len() <= CHANGES_MAX);
        }
    }
}
