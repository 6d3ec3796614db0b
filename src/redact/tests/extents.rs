//! Secrets inside of texts are taken out to where they end, whatever signs are in them.

use super::*;

/// The halves of a secret with signs in it that end words elsewhere.
const HALVES: [&str; 2] = ["Sum9", "Zq7rT2xLm"];

#[test]
fn assignments_and_urls_with_signs_in_the_secret() {
    let rows = [
        ("#,;&?\"'<` ", "POSTGRES_PASSWORD=Sum9%Zq7rT2xLm", ""),
        ("#,;&?\"'<` ", "password=Sum9%Zq7rT2xLm", ""),
        ("#,;&?\"'<` ", "MODE=prod\nDB_PASSWORD=Sum9%Zq7rT2xLm\nHOME=/srv", "MODE=prod"),
        ("#,;&?\"'<` ", "env:\n  - DB_PASSWORD=Sum9%Zq7rT2xLm\n  - HOME=/srv", "HOME=/srv"),
        ("#,;&?\"'<` ", "Server=db;User Id=sa;Password=Sum9%Zq7rT2xLm;Database=d", "Database=d"),
        ("#,;&?\"'<` ", "Driver={x};Uid=sa;Pwd={Sum9%Zq7rT2xLm};Port=1433", "Port=1433"),
        ("#,;&?\"'<` ", "jdbc:sqlserver://h:1433;user=sa;password=Sum9%Zq7rT2xLm", "h:1433"),
        (",;?'", "jdbc:postgresql://h/db?user=sa&password=Sum9%Zq7rT2xLm&ssl=true", "ssl=true"),
        ("#,;&?\"'<", "host=db password=Sum9%Zq7rT2xLm dbname=shop", "dbname=shop"),
        ("#,;&?'<` ", "host=db password=\"Sum9%Zq7rT2xLm\" dbname=shop", "dbname=shop"),
        ("#,;&?\"'<", "the password: Sum9%Zq7rT2xLm is known", "is known"),
        ("#?'\"<` /:@", "postgres://ada:Sum9%Zq7rT2xLm@db.example/shop", "db.example/shop"),
        ("#", "postgres://ada:2024%Zq7rT2xLm@db.example/shop", "db.example/shop"),
        (":@.", r"https:\/\/ada:Sum9%Zq7rT2xLm@db.example\/shop", r"db.example\/shop"),
        (":@.", "//ada:Sum9%Zq7rT2xLm@db.example/shop", "db.example/shop"),
        (":@.#", "ada:Sum9%Zq7rT2xLm@proxy.example:3128", "proxy.example:3128"),
        ("#,.@", "jdbc:oracle:thin:scott/Sum9%Zq7rT2xLm@db.example:1521/shop", "db.example"),
    ];
    for (signs, form, stays) in rows {
        for sign in signs.chars() {
            let text = form.replacen('%', &sign.to_string(), 1);
            let body = json!({ "x": text }).to_string();
            let stored = stored(&record("/", &[JSON], body.as_bytes()));
            for half in HALVES {
                assert!(!stored.contains(half), "{text}: {stored}");
            }
            let stays = Value::from(stays).to_string();
            assert!(stored.contains(stays.trim_matches('"')), "{text}: {stored}");
        }
    }
}

#[test]
fn what_only_looks_like_userinfo_stays() {
    for text in [
        "git@github.com:acme/shop.git",
        "mailto:ada@example.com",
        "user:ada@example.com may read",
        "https://localhost:4873/@scope/name",
        "see https://example.com:8443 or mail ada@example.com",
        "redis://h:6379', 'ada@example.com",
        "nginx:1.25@sha256:6f1b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b",
        "// todo: ask ada@example.com",
    ] {
        let body = json!({ "x": text }).to_string();
        let record = record("/", &[JSON], body.as_bytes());
        assert_eq!(record.body.map(|body| body.value()), Some(json!({ "x": text })));
    }
}

#[test]
fn long_json_web_tokens() {
    use base64::Engine as _;
    let encode = |text: String| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text);
    for (header, payload) in [(10, 10), (3000, 10), (10, 3900), (10, 9000), (10, 30_000)] {
        let token = format!(
            "{}.{}.{}",
            encode(json!({"alg": "RS256", "x5c": "Ab9".repeat(header / 3)}).to_string()),
            encode(json!({"sub": "ada", "g": "Cd8".repeat(payload / 3)}).to_string()),
            "Sig0".repeat(86),
        );
        for text in [token.clone(), format!("curl with {token} fails")] {
            let body = json!({ "note": text }).to_string();
            let stored = stored(&record("/", &[JSON], body.as_bytes()));
            assert!(!stored.contains("Sig0Sig0"), "{header} {payload}: {stored}");
            assert!(!stored.contains(&token[20..60]), "{header} {payload}");
        }
    }
}

#[test]
fn links_that_work_once() {
    let token = "cabcde-0123456789abcdef0123456789abcdef";
    for path in [
        format!("/accounts/reset/MQ/{token}/"),
        format!("/accounts/password/reset/key/1-{token}/"),
        format!("/users/activate/MQ/{token}/"),
        format!("/password_resets/q7Rt2xZp0Lm4Vb9K{token}"),
    ] {
        let body = json!({ "text": format!("Go to https://app.example{path} now") }).to_string();
        let stored = stored(&record(&path, &[JSON], body.as_bytes()));
        assert!(!stored.contains("0123456789abcdef"), "{path}: {stored}");
    }
    for path in ["/devices/reset/device-42a", "/docs/reset/config-v2", "/x?key=user:42:profile"] {
        let record = record(path, &[], b"");
        assert!(record.receipts.is_empty(), "{path}: {:?}", record.receipts);
    }
}
