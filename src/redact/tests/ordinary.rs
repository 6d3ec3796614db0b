//! Precision: what is ordinary in the payloads of admin APIs stays as it is.

use serde_json::json;

use super::*;

/// One field a line: `kind`, `name`, `value`. None of them is a secret.
const FIELDS: &str = include_str!("../../../tests/data/redact/ordinary.jsonl");

/// Of a hundred fields, so many may be redacted.
const PERCENT_MAX: usize = 1;

#[test]
fn ordinary_values_are_not_taken_for_secrets() {
    check(&engine(), |_| false);
}

#[test]
fn ordinary_values_are_not_taken_for_personal_data() {
    let rules = crate::rules::load(None, &[crate::rules::Pack::Pii]).unwrap();
    let engine = Engine::new(rules.redaction(), FingerprintKey::new(&[7; 32]));
    check(&engine, |value| value.as_str().is_some_and(|text| text.contains('@')));
}

/// All fields but those of a kind.
fn check(engine: &Engine, except: fn(&Value) -> bool) {
    let fields: Vec<Value> =
        FIELDS.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(fields.len() >= 500, "{}", fields.len());
    let mut taken = Vec::new();
    for field in fields.iter().filter(|field| !except(&field["value"])) {
        // Under a name that no rule selects: it is about contents.
        let body = json!({"x": field["value"]}).to_string();
        let request = request("/", &[JSON], body.as_bytes());
        let record = engine.request(&request, Detail::WithBody, &mut Seen::default()).into_inner();
        if !record.receipts.is_empty()
            || record.body.map(|body| body.value()) != Some(json!({"x": field["value"]}))
        {
            taken.push(format!("{} {:?}: {:?}", field["kind"], record.receipts, field["value"]));
        }
    }
    assert!(taken.len() * 100 <= fields.len() * PERCENT_MAX, "{}", taken.join("\n"));
}

#[test]
fn numbers_stay_where_the_name_counts_and_texts_of_digits_do_not() {
    let stay = [
        json!({"tokens": 9999}),
        json!({"usage": {"tokens": 1_234_567, "tokens_issued": 4321}}),
        json!({"token_rate_limit": 5000, "token_bucket_size": 10_000, "api_key_limit": 12_000}),
        json!({"token_refresh_count": 12_000, "secrets_rotated": 1024, "password_resets": 2048}),
        json!({"password_hash_iterations": 600_000, "otp_sent": 3, "api_keys": 2048}),
        json!({"api_key": {"name": "ci", "tokens_revoked": 123_456}}),
    ];
    for body in stay {
        let record = record("/teams/5", &[JSON], body.to_string().as_bytes());
        assert_eq!(record.body.unwrap().value(), body);
    }
    for (name, value) in [
        ("tokens", json!("839174")),
        ("tokens", json!("Zq7rT2xLm9")),
        ("tokens", json!(["839174"])),
        ("password_resets", json!("839174")),
        ("otp_sent", json!(839_174)),
        ("otp", json!(839_174)),
        ("pin", json!(8391)),
        ("password", json!(839_174)),
        ("recovery_codes", json!(839_174)),
        ("token", json!(839_174)),
    ] {
        let body = json!({ name: value }).to_string();
        let record = record("/teams/5", &[JSON], body.as_bytes());
        assert!(!stored(&record).contains("8391") && !stored(&record).contains("Zq7r"), "{body}");
    }
}

#[test]
fn what_an_error_is_called_stays_where_credentials_are_made() {
    for (path, body, stays) in [
        ("/api/v1/tokens", json!({"error": {"code": "E11000_DUPLICATE"}}), true),
        ("/api/v1/tokens", json!({"errors": [{"extensions": {"code": "QuotaExceeded2"}}]}), true),
        ("/v2/credentials", json!({"error": {"result": "TOKEN_LIMIT_2"}}), true),
        ("/api/v1/tokens", json!({"code": "TOKEN_LIMIT_2"}), true),
        ("/api/v1/tokens", json!({"error": {"code": "q7Rt2xZp0Lm4Vb9K"}}), false),
        ("/api/v1/tokens", json!({"error": {"key": "q7x8y9z0"}}), false),
        ("/api/v1/tokens", json!({"code": "q7x8y9z0"}), false),
        ("/api/v1/tokens", json!({"key": "abcd-1234-efgh-5678"}), false),
        ("/api/v1/tokens", json!({"value": "amber-falcon-2024"}), false),
    ] {
        let (_, answer) = exchange(
            &request(path, &[JSON], b"{}"),
            &response(&[JSON], body.to_string().as_bytes()),
        );
        let shown = answer.body.unwrap().value();
        assert_eq!(shown == body, stays, "{path} {body}: {shown}");
    }
}

#[test]
fn properties_of_keys_are_no_keys() {
    let stay = json!({
        "private_key_type": "rsa", "privateKeyType": "TYPE_GOOGLE_CREDENTIALS_FILE",
        "private_key_bits": 4096, "signing_key_size": 2048, "secret_length": 24, "secret_format": "hex",
        "secret_description": "of the shop", "secretComment": "for ci", "encryption_key_source": "kms",
        "apiKeyScopes": ["read"], "api_key_role": "viewer", "api_key_owner": "ada",
        "apiKeyDescription": "of ci", "access_token_format": "opaque",
        "token_auth_method": "client_secret_basic", "credential_name": "openai",
        "checksum/secret": "0f8fad5bd9cb469fa16570867728950e0f8fad5bd9cb469fa16570867728950e",
        "password.error": "Wrong password", "password_input_type": "superadmin-2",
        "title": "superadmin-2 page", "token": {"methods": ["password"]},
        "credentials": {"recovery_question": {"question": "Who was it?"}},
        "secret": {"secretName": "s", "defaultMode": 420, "items": [{"key": "tls.crt", "path": "tls.crt"}]},
    });
    let shown = record("/x", &[JSON], stay.to_string().as_bytes());
    assert_eq!(shown.body.unwrap().value(), stay);
    let gone = json!({
        "private_key": "zap-1", "secret": {"items": [{"key": "k", "value": "zap-1"}]},
        "client/secret": "zap-1", "token": {"methods": ["password"], "value": "zap-1"},
        "password.old": "zap-1", "secret.items": "zap-1", "question": {"secret_answer": "zap-1"},
    });
    let shown = record("/x", &[JSON], gone.to_string().as_bytes());
    assert!(!stored(&shown).contains("zap-1"), "{}", stored(&shown));
}

#[test]
fn grants_names_and_schemes_are_no_secrets() {
    for body in [
        json!({"permissions": {"contents": "read", "secrets": "read"}}),
        json!({"attributes": {"password_wo_version": 2,
            "master_user_secret": [{"secret_status": "active", "kms_key_id": "alias/aws/rds"}]}}),
        json!({"auth": {"secretKeys": {"adminPasswordKey": "postgres-password"}}}),
        json!({"tls": {"certificatesSecret": "web-tls"}}),
        json!({"annotations": {"nginx.ingress.kubernetes.io/auth-secret": "basic-auth"}}),
        json!({"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"},
            "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}}),
        json!({"attributes": {"token.response.type.bearer.lower-case": "false"}}),
        json!({"columns": [{"name": "api_token", "type": "text", "default": null}]}),
        json!({"login": {"forgot_password": "Forgot password?"}, "pin": "top-left"}),
    ] {
        let record = record("/", &[JSON], body.to_string().as_bytes());
        assert_eq!(record.body.map(|body| body.value()), Some(body));
    }
    let secret = "f3kq9zpl2vxw8rty5nbd";
    for body in [
        json!({"permissions": {"secrets": secret}, "adminPasswordKey": secret}),
        json!({"SecretID": format!("{secret}{secret}"), "certificatesSecret": secret}),
        json!({"nginx.ingress.kubernetes.io/auth-secret": secret, "kms_key_secret": secret}),
        json!({"apiKey": {"type": "apiKey", "in": "header", "value": secret}}),
        json!({"columns": [{"name": "api_token", "default": secret}], "pin": secret}),
        json!({"forgot_password": format!("{secret} ?"), "secret": "read"}),
    ] {
        let stored = stored(&record("/", &[JSON], body.to_string().as_bytes()));
        let is_grant = stored.contains(r#""secret":"read""#);
        assert!(!stored.contains(secret) && !is_grant, "{stored}");
    }
}
