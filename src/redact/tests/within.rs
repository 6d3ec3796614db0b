//! Objects under names of secrets: what is secret in them is taken out, and what is about it stays.

use proptest::prelude::*;

use super::*;

const SECRET: &str = "q7Rt2xZp0Lm4Vb9K";

fn shown(body: &Value) -> Value {
    record("/", &[JSON], body.to_string().as_bytes()).body.unwrap().value()
}

fn form(body: &str) -> Value {
    record("/", &[FORM], body.as_bytes()).body.unwrap().value()
}

fn gone(rule: &str) -> Value {
    json!({"redacted": rule})
}

#[test]
fn what_an_object_says_about_a_secret_stays() {
    let about = json!({
        "id": 7, "name": "ci deploy", "description": "Deploys: the shop", "scopes": ["read", "write"],
        "expires_at": "2027-01-01T00:00:00Z", "created_by": {"id": "u-1", "email": "ada@example.com"},
        "enabled": true, "last_used_at": null, "ttl": 3600, "__typename": "ApiKey",
    });
    for name in ["api_key", "token", "password_reset", "client_secret", "credentials", "otp"] {
        let body = json!({name: about});
        assert_eq!(shown(&body), body, "{name}");
        let body = json!({"data": {name: [about, about]}});
        assert_eq!(shown(&body), body, "{name}");
    }
    let answer = json!({"data": {"storefrontAccessTokenCreate": {
        "storefrontAccessToken": null,
        "userErrors": [{"field": ["input", "title"], "code": "TAKEN", "message": "Title has been taken"}],
    }}});
    assert_eq!(shown(&answer), answer);
    for body in [
        json!({"data": {"personalAccessTokenCreate": {"errors": ["Name has already been taken"]}}}),
        json!({"data": {"apiKeyDelete": {"success": false, "code": "NOT_FOUND", "message": "There is none"}}}),
        json!({"deletePassword": {"__typename": "PasswordError", "message": "Too many attempts"}}),
        json!({"api_key": {"_id": "507f1f77bcf86cd799439011", "id": "key_01HZXV4G7Q2M3N4P5R6S7T8V9W"}}),
        json!({"token": {
            "user": {"id": "9f8e7d6c5b4a39281706f5e4d3c2b1a0", "domain": {"id": "default"}},
            "roles": [{"id": "0a1b2c3d4e5f60718293a4b5c6d7e8f9", "name": "admin"}],
        }}),
        json!({"credential": {"user_id": "9f8e7d6c5b4a39281706f5e4d3c2b1a0", "type": "ec2"}}),
        json!({"SecretId": "prod/db", "VersionStage": "AWSCURRENT"}),
        json!({"ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-4Wx2Yz", "Name": "prod/db"}),
        json!({"sid": "AC00112233445566778899aabbccddeeff", "friendly_name": "acme"}),
    ] {
        assert_eq!(shown(&body), body);
    }
    let path = "/2010-04-01/Accounts/AC00112233445566778899aabbccddeeff/Keys";
    let answer = json!({"sid": "SK00112233445566778899aabbccddeeff", "secret": SECRET});
    let (request, response) =
        exchange(&request(path, &[JSON], b"{}"), &response(&[JSON], answer.to_string().as_bytes()));
    assert_eq!(request.path, path);
    let stored = stored_response(&response);
    assert!(stored.contains("SK0011") && !stored.contains(SECRET), "{stored}");
}

#[test]
fn ids_of_whom_a_token_is_for_stay_where_tokens_are_made() {
    let id = "9f8e7d6c5b4a39281706f5e4d3c2b1a0";
    let answer = json!({"token": {"user": {"id": id}, "roles": [{"id": id}]}});
    let request = request("/v3/auth/tokens", &[JSON], b"{}");
    let (_, response) = exchange(&request, &response(&[JSON], answer.to_string().as_bytes()));
    assert_eq!(stored_response(&response).matches(id).count(), 2);
}

#[test]
fn ids_of_tokens_may_be_the_tokens() {
    for token in [
        json!({"id": "9f8e7d6c5b4a39281706f5e4d3c2b1a0"}),
        json!({"audit_id": "9f8e7d6c5b4a39281706f5e4d3c2b1a0"}),
        json!({"user": {"name": "9f8e7d6c5b4a39281706f5e4d3c2b1a0"}}),
    ] {
        let stored = shown(&json!({"token": token})).to_string();
        assert!(!stored.contains("9f8e7d6c"), "{stored}");
    }
}

#[test]
fn what_is_secret_in_an_object_does_not() {
    for body in [
        json!({"password": {"value": SECRET}}),
        json!({"password": {"current": SECRET, "new": [SECRET, 1]}}),
        json!({"secret": {"data": {"name": SECRET, "type": "horse7x"}}}),
        json!({"secret": {"stringData": {"role": SECRET}, "metadata": {"labels": {"x": SECRET}}}}),
        json!({"secret": {"payload": {"id": SECRET}}}),
        json!({"secrets": {"name": SECRET, "role": "horse7x"}}),
        json!({"tokens": {SECRET: {"name": "ci"}}}),
        json!({"passwords": {"hunter27": true}}),
        json!({"recovery_codes": {"kqwertzu-abcd": {"used": false}}}),
        json!({"token": {"id": SECRET}}),
        json!({"token": {"id": "b00db39f948d13ea1e59b4d6fce56389", "user": {"id": 5}}}),
        json!({"session_token": {"id": "0f8fad5b-d9cb-469f-a165-70867728950e"}}),
        json!({"token": {"name": format!("the key is {SECRET}")}}),
        json!({"token": {"url": format!("https://x.example/?c={SECRET}")}}),
        json!({"token": {"url": "https://x.example/?c=horse7x"}}),
        json!({"token": {"description": "{\"x\": \"horse7x\"}"}}),
        json!({"token": {"code": "482913"}}),
        json!({"otp": {"code": 482_913}}),
        json!({"otp": {"code": "KWXYZT"}}),
        json!({"pin": {"number": 482_913}}),
        json!({"credentials": {"username": "ada", "password": "horse7x"}}),
        json!({"credentials": {"username": "ada", "extra": {"deep": [{"x": ["horse7x"]}]}}}),
        json!({"token": ["horse7x", {"name": "ci"}, ["horse7x"]]}),
        json!({"token": {"errors": [{"value": "horse7x", "message": "is taken"}]}}),
        json!({"api_key": {"token": {"name": "ci", "plain": "horse7x"}}}),
        json!({"api_key": {"scopes": ["read", SECRET]}}),
        json!({"secret_id": "0f8fad5b-d9cb-469f-a165-70867728950e"}),
        json!({"secret_id": "horse7x"}),
        json!({"SecretId": SECRET}),
        json!({"sid": "AC00112233445566778899aabbccddeefg"}),
        json!({"sid": "Ac00112233445566778899aabbccddeeff"}),
    ] {
        let once = shown(&body);
        let text = once.to_string();
        let secrets = [
            SECRET,
            "horse7x",
            "hunter27",
            "kqwertzu",
            "482913",
            "KWXYZT",
            "b00db3",
            "0f8fad5b",
            "c00112233",
            "C00112233",
        ];
        for secret in secrets {
            assert!(!text.contains(secret), "{body}\n{text}");
        }
        let twice = record("/", &[JSON], text.as_bytes());
        assert_eq!(twice.body.unwrap().value(), once, "{body}");
        assert_eq!(twice.receipts, [], "{body}");
    }
}

#[test]
fn what_was_taken_out_of_an_object_does_not_come_back() {
    let sent =
        json!({"api_key": {"name": "ci", "plain": SECRET}, "note": format!("it is {SECRET}, ci")});
    let stored = stored(&record("/", &[JSON], sent.to_string().as_bytes()));
    assert!(!stored.contains(SECRET) && stored.contains("it is ***"), "{stored}");
    assert!(stored.contains(", ci\""), "{stored}");
}

#[test]
fn fields_of_forms_are_members_too() {
    let rule = "credential.token";
    for (body, expected) in [
        (
            "api_key[name]=ci&api_key[scopes][]=read",
            json!({"api_key[name]": "ci", "api_key[scopes][]": "read"}),
        ),
        ("api_key[value]=horse7x", json!({"api_key[value]": gone(rule)})),
        ("api_key[data][name]=horse7x", json!({"api_key[data][name]": gone(rule)})),
        ("tokens[name]=horse7x", json!({"tokens[name]": gone(rule)})),
        ("tokens[]=horse7x", json!({"tokens[]": gone(rule)})),
        ("tokens[0]=horse7x", json!({"tokens[0]": gone(rule)})),
        (
            "user[password]=horse7x&user[name]=ada",
            json!({"user[name]": "ada", "user[password]": gone("credential.password")}),
        ),
        ("password[hint]=horse7x", json!({"password[hint]": gone("credential.password")})),
    ] {
        assert_eq!(form(body), expected, "{body}");
    }
}

#[test]
fn xml_answers_keep_what_is_about_a_key() {
    let xml = format!(
        "<CreateAccessKeyResponse xmlns=\"https://iam.example/doc/2010-05-08/\"><CreateAccessKeyResult>\
         <AccessKey><UserName>ada</UserName><AccessKeyId>AKIAIOSFODNN7EXAMPLE</AccessKeyId>\
         <Status>Active</Status><SecretAccessKey>{SECRET}/x</SecretAccessKey></AccessKey>\
         </CreateAccessKeyResult><ResponseMetadata><RequestId>7a62c49f-347e-4fc4-9331-6e8eEXAMPLE\
         </RequestId></ResponseMetadata></CreateAccessKeyResponse>"
    );
    let (_, response) = exchange(
        &request("/", &[JSON], b"{}"),
        &response(&[("content-type", "text/xml")], xml.as_bytes()),
    );
    let stored = stored_response(&response);
    assert!(stored.contains("\"ada\"") && stored.contains("Active"), "{stored}");
    assert!(!stored.contains(SECRET), "{stored}");
}

proptest! {
    #[test]
    fn nothing_random_is_recorded_of_an_object_about_a_secret(
        key in prop_oneof![Just("api_key"), Just("password"), Just("client_secret"), Just("otp"), Just("tokens")],
        names in proptest::collection::vec(
            prop_oneof![
                Just("name".to_owned()), Just("id".to_owned()), Just("errors".to_owned()),
                Just("message".to_owned()), Just("value".to_owned()), Just("scopes".to_owned()),
                Just("user".to_owned()), Just("url".to_owned()), Just("data".to_owned()), "[a-z]{2,8}",
            ],
            1..5,
        ),
        secret in "[a-z][0-9][A-Z][a-z]{2}[0-9]{2}[A-Z][0-9][a-z][A-Z][0-9]",
        around in prop_oneof![Just(""), Just("it is "), Just("https://x.example/i/"), Just("{\"x\": \"")],
        listed in any::<bool>(),
    ) {
        let leaf = json!(format!("{around}{secret}"));
        let leaf = if listed { json!([leaf, 1]) } else { leaf };
        let body = names.iter().rev().fold(leaf, |inner, name| json!({name: inner, "kind": "ci"}));
        let record = record("/", &[JSON], json!({key: body}).to_string().as_bytes());
        prop_assert!(!stored(&record).contains(&secret), "{}", stored(&record));
        let shown = record.body.unwrap().value();
        let again = super::record("/", &[JSON], shown.to_string().as_bytes());
        prop_assert_eq!(again.body.unwrap().value(), shown);
        prop_assert_eq!(again.receipts, vec![]);
    }
}
