//! Keys that an answer issues, under names that say no more, and those of gateways before models.

use super::*;

const UUID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

fn answered(target: &str, sent: &Value, answer: &Value) -> String {
    let request = request(target, &[JSON], sent.to_string().as_bytes());
    let (one, other) = exchange(&request, &response(&[JSON], answer.to_string().as_bytes()));
    format!("{} {}", stored(&one), stored_response(&other))
}

#[test]
fn keys_that_are_issued() {
    let named = json!({"name": "ci"});
    for (target, answer, secret) in [
        ("/api/keys", json!({"id": 5, "name": "ci", "key": UUID}), UUID),
        ("/keys", json!({"data": {"id": 5, "key": "ak_live_9fK2mP7qR4"}}), "9fK2mP7qR4"),
        ("/v1/keys", json!({"id": 5, "key": "sk-9fK2mP7qR4xZ"}), "9fK2mP7qR4xZ"),
        ("/keys", json!({"id": 5, "key": "ABCD-EFGH-1234-5678"}), "EFGH-1234"),
        ("/users/5/keys", json!({"id": 5, "value": UUID}), UUID),
        ("/trpc/keys.create", json!({"result": {"data": {"json": {"id": 5, "key": UUID}}}}), UUID),
        ("/virtual-keys", json!([{"key_id": "k1", "key": "vk_9fK2mP7qR4"}]), "9fK2mP7qR4"),
        ("/key/generate", json!({"key": UUID, "key_name": "sk-...0ae7"}), UUID),
    ] {
        let stored = answered(target, &named, &answer);
        assert!(!stored.contains(secret) && stored.contains("hmac:"), "{target} {stored}");
    }
}

#[test]
fn keys_of_gateways_in_calls_about_them() {
    let url_safe = "sk-Ty4Qwb8Dw_kNhFdn-XsiVp";
    let of_uuid = format!("sk-{UUID}");
    for secret in [url_safe, of_uuid.as_str(), "sk-team-blue-prod", "ak_live_9fK2mP7qR4tY8wE2"] {
        for (target, sent) in [
            ("/key/delete", json!({"keys": [secret]})),
            ("/key/block", json!({"key": secret})),
            ("/key/generate", json!({"key": secret, "key_alias": "ci"})),
        ] {
            let stored = answered(target, &sent, &json!({"deleted_keys": [secret]}));
            assert!(!stored.contains(secret), "{target} {stored}");
        }
    }
    for text in [url_safe, &of_uuid, "sk-helicone-q7rt2xz-p0lm4vb-9kx1tyc-w3e5r7u"] {
        let stored = answered("/notes", &json!({"note": format!("use {text} here")}), &json!({}));
        assert!(!stored.contains(text), "{stored}");
        let stored = answered(&format!("/key/{text}/regenerate"), &json!({}), &json!({}));
        assert!(!stored.contains(text), "{stored}");
    }
}

#[test]
fn other_keys_stay() {
    let set = json!({"keys": [{"kid": "2026-11", "kty": "EC", "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"}]});
    for (target, body) in [
        ("/rest/api/3/project", json!({"id": 5, "key": "PROJ"})),
        ("/api/keys", json!({"id": 5, "key": "theme", "value": "dark"})),
        ("/api/keys", json!({"id": 5, "key": "uploads/2026/a.png"})),
        ("/i18n/keys", json!({"id": 5, "key": "home.index.headline2"})),
        ("/i18n/keys", json!({"id": 5, "key": "checkoutStep2Title"})),
        ("/i18n/keys", json!({"id": 5, "key": "order-confirmation-2026"})),
        ("/user/keys", json!({"id": 1, "key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKn ci"})),
        ("/hotkeys", json!({"id": 1, "key": "ctrl+shift+k2"})),
        ("/oauth/keys", set),
        ("/keys", json!({"id": UUID, "key": UUID})),
        ("/key/update", json!({"key": "theme", "value": "dark"})),
        ("/key/delete", json!({"keys": ["theme", "home.title"]})),
        ("/notes", json!({"note": "sk-folding-cube2, sk-backup-2026-EU-Node and sk-SK"})),
    ] {
        let stored = answered(target, &body, &body);
        assert!(!stored.contains("redacted") && !stored.contains("hmac:"), "{target} {stored}");
    }
}
