//! Lists of errors that are called otherwise than most, beside nothing that was done:
//! `{"customer": null, "customerUserErrors": [{"message": "…"}]}`.

use super::super::body::Value;
use super::{MEMBERS_MAX, MESSAGES, Sent, codes, is_good_news, is_no_error, is_one_of};

/// How names of lists of errors end.
const ENDING: &[u8] = b"errors";

/// What a list is called that holds errors where something else is `null`.
const PROBLEMS: &str = "problems";

/// Members that GraphQL clients have answered, whatever is done.
const ECHOED: &str = "clientMutationId";

/// Whether an answer lists errors, and shows nothing beside them.
pub(super) fn lists_errors(body: &Value<'_>, sent: &Sent<'_>) -> bool {
    let members = || body.members().iter().take(MEMBERS_MAX);
    let has_null = || members().any(|(_, value)| *value == Value::Null);
    let is_of_errors =
        |name: &str| ends_in_errors(name) || name.eq_ignore_ascii_case(PROBLEMS) && has_null();
    let mut is_told = false;
    let is_all = members().all(|(name, value)| {
        let is_listed = is_of_errors(name) && !is_none(value) && !sent.echoes(name, value);
        is_told |= is_listed;
        is_listed || says_nothing(name, value)
    });
    is_told && is_all && body.members().len() <= MEMBERS_MAX
}

fn ends_in_errors(name: &str) -> bool {
    let end = name.len().checked_sub(ENDING.len()).and_then(|at| name.as_bytes().get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(ENDING))
}

/// Whether a list, or an object with a member for each field, holds no error.
fn is_none(value: &Value<'_>) -> bool {
    match value {
        Value::Array(items) => items.iter().all(is_blank) || is_no_error(value),
        Value::Object(members) => {
            members.iter().all(|(_, inner)| is_blank(inner)) || is_no_error(value)
        }
        _ => true,
    }
}

/// Whether a member beside the errors shows nothing that was done.
fn says_nothing(name: &str, value: &Value<'_>) -> bool {
    let is_sentence =
        || is_one_of(name, &MESSAGES) && value.as_str().is_some_and(|text| !is_good_news(text));
    is_blank(value)
        || name.starts_with("__")
        || name == ECHOED
        || is_sentence()
        || codes::says_nothing(name, value)
}

fn is_blank(value: &Value<'_>) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Whether the result of a call has members for what was done, and all of them are `null`. Of errors that
/// is good news.
pub(in crate::derive) fn shows_none(result: &Value<'_>) -> bool {
    let is_told = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.contains("error") || is_one_of(&name, &MESSAGES)
    };
    let mut is_asked = false;
    let is_bare = result.members().iter().all(|(name, value)| {
        let is_other = name.starts_with("__") || name == ECHOED;
        let is_null = *value == Value::Null && !is_told(name);
        is_asked |= is_null && !is_other;
        is_other || is_null
    });
    is_bare && is_asked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_listed(text: &str) -> bool {
        lists_errors(&crate::decode::json(text).unwrap(), &Sent::default())
    }

    #[test]
    fn errors_are_listed_beside_nothing() {
        for text in [
            r#"{"job": null, "orderCancelUserErrors": [{"message": "x"}]}"#,
            r#"{"media": [], "mediaUserErrors": [{"message": "x"}], "userErrors": []}"#,
            r#"{"user": null, "validationErrors": [{"field": "email"}]}"#,
            r#"{"fieldErrors": {"email": "taken"}}"#,
            r#"{"message": "Check the form", "field_errors": {"email": ["taken"]}}"#,
            r#"{"__typename": "P", "clientMutationId": "1", "accountErrors": ["taken"]}"#,
            r#"{"user": null, "problems": [{"message": "x"}]}"#,
        ] {
            assert!(is_listed(text), "{text}");
        }
        for text in [
            r#"{"user": {"id": 5}, "validationErrors": [{"field": "email"}]}"#,
            r#"{"id": 5, "recentErrors": ["x"]}"#,
            r#"{"user": null, "customerUserErrors": []}"#,
            r#"{"fieldErrors": {}}"#,
            r#"{"fieldErrors": {"email": null, "name": []}}"#,
            r#"{"message": "User created", "fieldErrors": {"phone": "ignored"}}"#,
            r#"{"valid": false, "validationErrors": [{"field": "email"}]}"#,
            r#"{"problems": [{"line": 5}]}"#,
            r#"{"maxErrors": 3}"#,
        ] {
            assert!(!is_listed(text), "{text}");
        }
    }

    #[test]
    fn what_is_asked_for_and_null_was_not_done() {
        let shows = |text: &str| shows_none(&crate::decode::json(text).unwrap());
        assert!(shows(r#"{"user": null}"#));
        assert!(shows(r#"{"__typename": "DeleteUserPayload", "user": null}"#));
        for text in [
            r#"{"clientMutationId": null}"#,
            r#"{"errors": null}"#,
            r#"{"user": null, "errors": []}"#,
            r#"{"user": null, "ok": true}"#,
            r#"{"__typename": "DeleteUserPayload"}"#,
            "{}",
        ] {
            assert!(!shows(text), "{text}");
        }
    }
}
