//! Properties that hold for any input.

use http::HeaderValue;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        "[a-z]{1,6}",
        Just("password".to_owned()),
        Just("apiKey".to_owned()),
        Just("value".to_owned()),
        Just("name".to_owned()),
        "\\PC{0,8}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-1_000_000_000_i64..1_000_000_000).prop_map(Value::from),
        "[a-z0-9 ]{0,12}".prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!("https://user:secret-pw@host/?token=abcdefgh&x=1")),
        Just(json!("{\"password\": \"inner-secret\"}")),
        Just(json!("eyJwYXNzd29yZCI6ICJpbm5lci1zZWNyZXQifQ==")),
        Just(json!("%7B%22password%22%3A%20%22inner-secret%22%7D")),
        Just(json!("data:,password=inner-secret&x=1")),
        Just(json!("mutation { login(password: \"inner-secret\", x: \"a=b\") }")),
        Just(json!("mutation { login(password: \"inner-secret\" }")),
        Just(json!("<a><password>inner-secret</password><b>a=b</b></a>")),
        Just(json!("cGFzc3dvcmQ9aW5uZXItc2VjcmV0IGFuZCBtb3Jl")),
        Just(json!({"method": "login", "params": ["inner-secret"]})),
        Just(json!("see ghp_0123456789abcdefghijABCDEFGHIJ012345, password: hunter22 and more")),
        Just(json!("Authorization: Bearer abcdef0123456789; api_key = \"abc123def456ghi\"")),
        Just(json!(
            "https://h/?token=ghp_0123456789abcdefghijABCDEFGHIJ012345&x=eyJhbGciOiJIUzI1NiJ9.e30.abc"
        )),
        "(password|token|secret|pwd|key)[ :='\"]{1,3}[a-z0-9'\" ]{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((name.clone(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// What is left of them reads differently from what they were.
#[test]
fn what_is_left_of_a_text_is_looked_at_again() {
    for text in ["pwd= \"'\"0", "password= 'a' token= \"'b'\" c"] {
        let once = record("/", &[JSON], json!({ "note": text }).to_string().as_bytes());
        let once = once.body.unwrap().text().to_owned();
        let twice = record("/", &[JSON], once.as_bytes());
        assert_eq!((twice.body.unwrap().text(), twice.receipts), (once.as_str(), vec![]), "{text}");
    }
}

/// Lists of secrets are lists of what is recorded of them.
#[test]
fn what_is_left_of_a_list_stays_a_list() {
    let name = "Authorization: Bearer abcdef0123456789; api_key = \"abc123def456ghi\"";
    for value in [json!([""]), json!(["Zq7-horse-91"]), json!(["a1b2c3d4e5f6a7b8", "***"])] {
        for body in [json!({ "name": name, "value": value }), json!({ "api_keys": value })] {
            let once = record("/", &[JSON], body.to_string().as_bytes());
            let once = once.body.unwrap().text().to_owned();
            let twice = record("/", &[JSON], once.as_bytes());
            assert_eq!(
                (twice.body.unwrap().text(), twice.receipts),
                (once.as_str(), vec![]),
                "{body}"
            );
        }
    }
}

proptest! {
    #[test]
    fn redaction_is_idempotent(body in any_json()) {
        let once = record("/", &[JSON], body.to_string().as_bytes());
        let text = once.body.unwrap().value().to_string();
        let twice = record("/", &[JSON], text.as_bytes());
        prop_assert_eq!(twice.body.unwrap().value().to_string(), text);
        prop_assert_eq!(twice.receipts, vec![]);
    }

    #[test]
    fn a_planted_secret_is_never_recorded(
        secret in "[A-Za-z0-9!/+=\"\\\\é]{4}[A-Z][0-9][a-z]{3}[0-9]{3}",
        key in prop_oneof![Just("password"), Just("client_secret"), Just("apiKey"), Just("session-id"), Just("AUTHORIZATION")],
        kind in 0..3usize,
        carrier in 0..4usize,
    ) {
        let value = [json!(secret), json!([secret]), json!({"x": {"y": secret}})][kind].clone();
        let other = json!({"echo": format!("<{secret}>")});
        let body = json!({"deep": [{"er": {key: value}}], "other": other, secret.clone(): 1});
        let encoded: String = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let (target, fields, body) = match carrier {
            0 => ("/".to_owned(), JSON, body.to_string()),
            1 => ("/".to_owned(), FORM, format!("a=1&{key}={encoded}&echo={encoded}")),
            2 => (format!("/x/{encoded}?{key}={encoded}"), JSON, String::new()),
            _ => (format!("/?q={}", encoded), JSON, json!({key: secret}).to_string()),
        };
        let answer = other.to_string();
        let (request, response) = exchange(
            &request(&target, &[fields], body.as_bytes()),
            &response(&[JSON], answer.as_bytes()),
        );
        let needle: String = secret.chars().skip(4).collect();
        prop_assert!(!stored(&request).contains(&needle), "{}", stored(&request));
        prop_assert!(!stored_response(&response).contains(&needle));
    }

    #[test]
    fn unrelated_fields_stay(name in "[b-n]{1,6}", text in "[ -~]{0,20}", number in any::<i32>()) {
        prop_assume!(!text.contains(['=', '{', '[']) && !text.contains("://"));
        // Some texts name a credential by chance.
        let lower = text.to_ascii_lowercase();
        prop_assume!(!["pw:", "pwd:", "pass:", "cred"].iter().any(|name| lower.contains(name)));
        let body = json!({"password": "x", "o": {"q": [{"zz": text}, number, null, true, 1.5]}, name: text});
        let record = record("/", &[JSON], body.to_string().as_bytes());
        let mut expected = body;
        expected["password"] = json!({"redacted": "credential.password"});
        prop_assert_eq!(record.body.unwrap().value(), expected);
    }

    #[test]
    fn no_input_panics(target in "/\\PC{0,30}", value in proptest::collection::vec(32..=255_u8, 0..30), body in proptest::collection::vec(any::<u8>(), 0..60), form in any::<bool>()) {
        let mut request = request(&target, &[if form { FORM } else { JSON }], &body);
        for name in ["authorization", "cookie", "referer", "x-api-key"] {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                request.headers.append(name, value);
            }
        }
        let mut seen = Seen::default();
        let _ = engine().request(&request, Detail::WithBody, &mut seen);
    }
}
