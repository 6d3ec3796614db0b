//! Whatever is sent and answered: acts are bounded, end somehow, and say only what was said.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::naming::naming;
use super::super::tests::outcome;
use super::super::text::CHARS_MAX;
use super::super::{ACTS_MAX, Ended};
use super::gravity;
use crate::record::{self, Outcome, RequestRecord, ResponseRecord};

/// Documents that are nearly right.
fn document() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("deleteUser".to_owned()),
        Just("userCreate".to_owned()),
        Just("addUserToTeam".to_owned()),
        Just("users".to_owned()),
        Just("__typename".to_owned()),
        "[a-zA-Z_]{1,12}",
    ];
    let value = prop_oneof![
        Just("$id".to_owned()),
        Just("[1, $id, \"x\"]".to_owned()),
        Just("{id: 5, name: $name}".to_owned()),
        "[0-9]{1,5}",
        "\"[a-z ]{0,9}\"",
        "\\PC{0,5}",
    ];
    let field = (name, value, any::<bool>()).prop_map(|(name, value, alias)| {
        let alias = if alias { "k: " } else { "" };
        format!("{alias}{name}(id: {value}) {{ id }} ")
    });
    let fragment = prop_oneof![
        Just("...F ".to_owned()),
        Just("... on Mutation { lockUser(ids: [1, 2]) } ".to_owned()),
        Just("users { delete(id: 7) } ".to_owned()),
        Just("} { ".to_owned()),
    ];
    let body = prop::collection::vec(prop_oneof![4 => field, 1 => fragment], 0..8);
    (body, any::<bool>()).prop_map(|(fields, more)| {
        let fields = fields.concat();
        let more = if more { "fragment F on Mutation { ...F archiveKey(id: $id) }" } else { "" };
        format!("mutation M($id: ID) {{ {fields} }} {more}")
    })
}

fn answer() -> impl Strategy<Value = Value> {
    let result = prop_oneof![
        Just(Value::Null),
        Just(json!({"id": "r1", "name": "Ann"})),
        Just(json!({"success": false})),
        Just(json!({"userErrors": [{"code": "TAKEN"}]})),
    ];
    let key = prop_oneof![
        Just("k".to_owned()),
        Just("deleteUser".to_owned()),
        Just("lockUser".to_owned()),
        "[a-z]{1,4}"
    ];
    let data = prop_oneof![
        Just(Value::Null),
        prop::collection::btree_map(key.clone(), result, 0..4)
            .prop_map(|map| Value::Object(map.into_iter().collect())),
    ];
    let error = (key, any::<bool>()).prop_map(|(key, placed)| match placed {
        true => json!({"path": [key], "extensions": {"code": "FORBIDDEN"}}),
        false => json!({"message": "no"}),
    });
    (data, prop::collection::vec(error, 0..3))
        .prop_map(|(data, errors)| json!({"data": data, "errors": errors}))
}

fn check(acts: &[record::Act], known: &str) -> Result<(), TestCaseError> {
    prop_assert!(acts.len() != 1 && acts.len() <= ACTS_MAX);
    for act in acts {
        let targets = act.targets.iter().flat_map(|target| [&target.id, &target.name]);
        for text in targets.flatten() {
            let plain = text.replace('\u{fffd}', "");
            prop_assert!(known.contains(plain.trim()), "{text} is nowhere in {known}");
        }
        for text in [&act.action, &act.category, &act.description] {
            prop_assert!(!text.is_empty() && text.chars().count() <= CHARS_MAX);
            prop_assert!(!text.chars().any(char::is_control));
        }
        prop_assert!(
            act.action.split_once('.').is_some_and(|(noun, verb)| {
                let plain = |text: &str| {
                    text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
                };
                !noun.is_empty() && !verb.is_empty() && plain(noun) && plain(verb)
            }),
            "{}",
            act.action
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn acts_are_bounded_and_invent_nothing(
        documents in prop::collection::vec(document(), 1..4),
        answers in prop::collection::vec(answer(), 1..4),
        status in prop_oneof![Just(200_u16), Just(207), Just(403), any::<u16>()],
        batch in any::<bool>(),
    ) {
        let one = |document: &String| json!({"query": document, "variables": {"id": "v9", "name": "Bob"}});
        let (body, reply) = match batch {
            true => (documents.iter().map(one).collect::<Value>(), json!(answers)),
            false => (one(&documents[0]), answers[0].clone()),
        };
        let known = format!("{body} {reply}").replace("\\\"", "\"");
        let request = RequestRecord {
            method: "POST".to_owned(),
            path: "/graphql".to_owned(),
            body: Some(body.into()),
            ..RequestRecord::default()
        };
        let naming = naming(&request);
        check(&naming.acts(), &known)?;
        let response = ResponseRecord {
            status,
            headers: json!({}).into(),
            body: Some(reply.into()),
            ..ResponseRecord::default()
        };
        let verdict = outcome(&naming, Ended::Response(&response));
        check(&verdict.acts, &known)?;
        // Every act that was planned ended, and the whole is as bad as the worst of them.
        prop_assert_eq!(verdict.acts.len(), naming.acts().len());
        let worst = verdict.acts.iter().filter_map(|act| act.outcome).max_by_key(|it| gravity(*it));
        prop_assert!(verdict.acts.iter().all(|act| act.outcome.is_some()));
        prop_assert!(worst.is_none_or(|worst| worst == verdict.outcome));
        prop_assert!(verdict.outcome == Outcome::Success || verdict.reason.is_some());
    }
}
