//! What a response tells of how it ended where it is not recorded, and that it tells no secret.

use super::*;

/// The sketch of a response, if there is one.
fn sketch(engine: &Engine, body: &str, detail: Detail) -> Option<String> {
    let mut seen = Seen::default();
    let response = response(&[JSON], body.as_bytes());
    let record = engine.response(&response, detail, &mut seen).into_inner();
    assert!(!serde_json::to_string(&record).unwrap().contains("sketch"));
    record.sketch.map(|sketch| sketch.text().to_owned())
}

#[test]
fn what_is_not_recorded_tells_how_it_ended() {
    let hidden = r#"{"redacted":"credential.token"}"#;
    let rows = [
        // Nothing is hidden but a text.
        (r#"{"id": 5, "token": "k9fQ2xLmZ7"}"#, None),
        (
            r#"{"tokenCreate": {"ok": false, "n": 404, "pin": 4711, "none": null, "text": "k9fQ2x"}}"#,
            Some(format!(
                r#"{{"tokenCreate":{{"n":404,"none":null,"ok":false,"pin":{hidden},"text":{hidden}}}}}"#
            )),
        ),
        // A code of an error, and not one that opens something.
        (
            r#"{"tokens": {"codes": [{"code": "HUNTERZWEI"}], "errors": [{"code": "TOO_MANY", "message": "k9"}]}}"#,
            Some(format!(
                r#"{{"tokens":{{"codes":[{{"code":{hidden}}}],"errors":[{{"code":"TOO_MANY","message":{hidden}}}]}}}}"#
            )),
        ),
        (
            r#"{"tokens": {"errors": [{"code": "correcthorse"}, {"code": "a1_b2"}], "status": "Failed"}}"#,
            Some(format!(
                r#"{{"tokens":{{"errors":[{{"code":{hidden}}},{{"code":{hidden}}}],"status":"failed"}}}}"#
            )),
        ),
        // A name may be a secret as well.
        (
            r#"{"tokens": {"k9fQ2xLmZ7aB4c": true, "ada@acme.io": 1}}"#,
            Some(r#"{"tokens":{"***":[true,1]}}"#.to_owned()),
        ),
    ];
    for (body, expected) in rows {
        assert_eq!(sketch(&engine(), body, Detail::WithBody), expected, "{body}");
    }
}

#[test]
fn of_a_body_that_is_not_recorded_no_text_is_told() {
    let body =
        r#"{"success": false, "id": 81234, "error": {"code": "TOO_SHORT", "type": "Failure"}}"#;
    let none = r#"{"redacted":"body"}"#;
    let expected =
        format!(r#"{{"error":{{"code":{none},"type":"failure"}},"id":{none},"success":false}}"#);
    assert_eq!(sketch(&engine(), body, Detail::Metadata), Some(expected));
}

proptest::proptest! {
    #[test]
    fn no_text_below_a_secret_name_is_told(text in "[a-z]{3,12}[A-Z0-9]{1,8}", name in "[a-z]{1,8}") {
        let body = json!({"apiTokens": [{name.as_str(): text.as_str(), "errors": [{"message": text.as_str()}]}]});
        for detail in [Detail::WithBody, Detail::Metadata] {
            let told = sketch(&engine(), &body.to_string(), detail);
            proptest::prop_assert!(!told.is_some_and(|told| told.contains(&text)));
        }
    }
}
