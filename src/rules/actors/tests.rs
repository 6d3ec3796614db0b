//! Rules that say who acts: what is accepted, and every problem with its place.

use std::fs;

use crate::rules::load;

const JWKS: &str =
    r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

/// Loads a file `a.yaml` beside the files that rules name; its problems as `file:line:column: message`
/// without the directory, or the digest.
fn loaded(text: &str) -> Result<String, Vec<String>> {
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("rules");
    fs::create_dir(&rules).unwrap();
    for (name, text) in [
        ("rules/a.yaml", text),
        ("jwks.json", JWKS),
        ("empty.json", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}"),
        ("broken.json", "{"),
        ("secret", "a shared secret of many bytes\n"),
        ("short", "guess me\n"),
        ("ca.pem", "no certificate"),
        (
            "keys.yaml",
            "keys:\n- {sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, id: ci}\n\
             - {fingerprint: \"hmac:0123456789abcdef\", id: cd, type: webhook}\n",
        ),
        (
            "bad-keys.yaml",
            "keys:\n- {sha256: 9f86, id: a}\n- {id: b}\n- {fingerprint: \"hmac:1\", id: c}\n\
             - {sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, id: d}\n\
             - {sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, id: e}\n",
        ),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let base = dir.path().display().to_string();
    match load(Some(&rules), &[]) {
        Ok(rules) => Ok(format!("{} {}", rules.actors().len(), rules.digest())),
        Err(problems) => Err(problems
            .0
            .iter()
            .map(|problem| {
                assert!(!problem.remedy.is_empty());
                let text = problem.to_string();
                let (text, _) = text.split_once("\n").unwrap();
                text.replace(&format!("{base}/rules/"), "").replace(&format!("{base}/"), "")
            })
            .collect()),
    }
}

#[test]
fn what_is_right_is_accepted_in_every_form() {
    let rows = [
        "{from: jwt, keys: {file: ../jwks.json}}",
        "{from: jwt, cookie: access_token, keys: {secret_file: ../secret}, algorithms: [HS256]}",
        "{from: jwt, keys: {url: \"https://issuer.example/keys\", refresh: 5m, timeout: 500ms}, \
         issuer: [\"https://a\", \"https://b\"], audience: admin, leeway: 1m, \
         id: \"{claims.sub | claims.client_id}\", name: \"{claims['https://e.example/name']}\"}",
        "{from: jwt, keys: {url: \"http://[::1]:9/keys\"}}",
        "{from: jwt, keys: {url: \"http://keycloak:8080/keys\", insecure: true}}",
        "{from: basic, id: \"{user}\", type: user}",
        "{from: header, header: X-Forwarded-User, name: \"{value}\", email: \"{header.x-mail}\"}",
        "{from: api_key, table: ../keys.yaml}",
        "{from: api_key, header: authorization, table: ../keys.yaml, type: agent}",
        "{from: mtls}",
        "{from: mtls, id: \"{san.uri | subject.cn}\", name: \"{subject.ou}\", type: system}",
        "{from: mtls, id: \"{serial}@{issuer.cn}\", name: \"{san.dns | san.ip}\", email: \"{san.email | subject.email}\"}",
        "{from: introspect, get: /me, id: \"{body:$.id}\", timeout: 30s}",
        "{from: introspect, get: /api/me, id: \"{body:$.user.id}\", cookie: [sid, sess]}",
        "{from: introspect, server: {url: \"http://127.0.0.1:9/i\", client_id: c, secret_file: ../secret}}",
        "{from: sign_in, paths: [/login, \"/sso/*\"], id: \"{body:$.user[0].name}\"}",
        "{from: sign_in, paths: /login}",
    ];
    for row in rows {
        let loaded = loaded(&format!("actors:\n- {row}\n"));
        assert!(loaded.as_ref().is_ok_and(|it| it.starts_with("1 ")), "{row}: {loaded:?}");
    }
}

#[test]
fn every_problem_is_reported_with_its_place() {
    #[rustfmt::skip]
    let rows: &[(&str, &[&str])] = &[
        ("{from: jwt}", &["a.yaml:2:10: `from: jwt` needs `keys`"]),
        ("{from: jwt, keys: {}}", &["a.yaml:2:21: `keys` needs one source of keys"]),
        ("{from: jwt, keys: {file: a, secret_env: B}}", &["a.yaml:2:21: `keys` needs one source of keys"]),
        ("{from: jwt, keys: {file: no.json}}", &["a.yaml:2:28: `no.json` cannot be read: No such file or directory (os error 2)"]),
        ("{from: jwt, keys: {file: ../broken.json}}", &["a.yaml:2:28: `../broken.json`: it is no JSON Web Key Set"]),
        ("{from: jwt, keys: {file: ../empty.json}}", &["a.yaml:2:28: `../empty.json`: it holds no public key that can check signatures"]),
        ("{from: jwt, keys: {secret_file: ../short}}", &["a.yaml:2:35: the secret has less than 16 bytes, and could be guessed"]),
        ("{from: jwt, keys: {secret_env: COUNTERSIGN_TEST_UNSET}}", &["a.yaml:2:34: the environment variable `COUNTERSIGN_TEST_UNSET` is not set"]),
        ("{from: jwt, keys: {secret: abc}}", &["a.yaml:2:22: unknown key `secret`"]),
        ("{from: jwt, keys: {url: ftp://a/b}}", &["a.yaml:2:27: `ftp://a/b` is no URL of a server"]),
        ("{from: jwt, keys: {url: \"http://keycloak:8080/keys\"}}", &["a.yaml:2:27: `http://keycloak:8080/keys` is not protected by TLS"]),
        ("{from: jwt, keys: {url: \"https://u:p@a/b\"}}", &["a.yaml:2:27: this is no URL of a server"]),
        ("{from: jwt, keys: {url: \"https://a/b\", ca: ../ca.pem}}", &["a.yaml:2:46: `../ca.pem` holds no certificate"]),
        ("{from: jwt, keys: {url: \"https://a/b\", refresh: soon}}", &["a.yaml:2:51: `refresh` is no length of time: `soon`"]),
        ("{from: jwt, keys: {file: ../jwks.json, timeout: 1s}}", &["a.yaml:2:51: `timeout` means nothing without `url`"]),
        ("{from: jwt, keys: {file: ../jwks.json}, algorithms: [RS256, HS256]}", &["a.yaml:2:55: `HS256` is no algorithm for these keys"]),
        ("{from: jwt, keys: {secret_file: ../secret}, algorithms: RS256}", &["a.yaml:2:59: `RS256` is no algorithm for these keys"]),
        ("{from: jwt, keys: {file: ../jwks.json}, algorithms: none}", &["a.yaml:2:55: `none` is no algorithm for these keys"]),
        ("{from: jwt, keys: {file: ../jwks.json}, audience: []}", &["a.yaml:2:53: `audience` is an empty list"]),
        ("{from: jwt, keys: {file: ../jwks.json}, header: a, cookie: b}", &["a.yaml:2:62: the credential is either in a header or in a cookie"]),
        ("{from: jwt, keys: {file: ../jwks.json}, id: claims.sub}", &["a.yaml:2:47: `id`: it takes no value from the request"]),
        ("{from: jwt, keys: {file: ../jwks.json}, id: \"{user}\"}", &["a.yaml:2:47: `id`: `user` is not known here"]),
        ("{from: jwt, keys: {file: ../jwks.json}, id: \"{claims.}\"}", &["a.yaml:2:47: `id`: `claims.` is not the path of a value"]),
        ("{from: basic, keys: {file: a}, cache: 1s}", &["a.yaml:2:23: `keys` means nothing with `from: basic`", "a.yaml:2:41: `cache` means nothing with `from: basic`"]),
        ("{from: header}", &["a.yaml:2:10: `from: header` needs `header`"]),
        ("{from: header, header: Content-Length}", &["a.yaml:2:26: `content-length` is a field of HTTP itself, which says nobody's name"]),
        ("{from: header, header: \"a b\"}", &["a.yaml:2:26: `a b` cannot be the name of a header field"]),
        ("{from: api_key}", &["a.yaml:2:10: `from: api_key` needs `table`"]),
        ("{from: api_key, table: ../keys.yaml, id: \"{user}\"}", &["a.yaml:2:44: `id` means nothing with `from: api_key`"]),
        ("{from: api_key, table: ../bad-keys.yaml}", &[
            "../bad-keys.yaml:2:12: this is neither a SHA-256 nor a fingerprint",
            "../bad-keys.yaml:3:8: the entry needs one of `sha256` and `fingerprint`",
            "../bad-keys.yaml:4:17: this is neither a SHA-256 nor a fingerprint",
            "../bad-keys.yaml:6:12: this key has a holder already",
        ]),
        ("{from: introspect}", &["a.yaml:2:10: `introspect` needs somebody to ask"]),
        ("{from: introspect, get: api/me, id: \"{body:$.id}\"}", &["a.yaml:2:27: `api/me` is no path of the application"]),
        ("{from: introspect, get: /me}", &["a.yaml:2:27: the rule does not say where the id stands"]),
        ("{from: introspect, server: {url: \"https://a/b\", client_id: c}}", &["a.yaml:2:36: the client's secret is missing, or given twice"]),
        ("{from: sign_in}", &["a.yaml:2:10: `from: sign_in` needs `paths`"]),
        ("{from: sign_in, paths: login}", &["a.yaml:2:26: `login` is no path"]),
        ("{from: saml}", &["a.yaml:2:10: unknown value `saml`"]),
        ("{from: mtls, id: \"{subject.foo}\"}", &["a.yaml:2:20: `subject.foo` is nothing that is read of a certificate"]),
        ("{from: mtls, id: \"{subject.cn | san.emial}\"}", &["a.yaml:2:20: `san.emial` is nothing that is read of a certificate"]),
        ("{from: mtls, name: \"{issuer.c}\"}", &["a.yaml:2:22: `issuer.c` is nothing that is read of a certificate"]),
        ("{from: basic}\n- {from: basic, id: \"{user}\"}", &["a.yaml:3:10: a second rule with `from: basic` never decides"]),
        ("{from: introspect, get: /me, id: \"{body:$.id}\", timeout: 1h}", &["a.yaml:2:60: `timeout` is longer than 30s: requests would wait as long"]),
    ];
    let mut wrong = Vec::new();
    for (row, expected) in rows {
        let found = loaded(&format!("actors:\n- {row}\n")).unwrap_err();
        if found != *expected {
            wrong.push(format!("{row}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn problems_of_all_entries_are_reported_at_once() {
    let text =
        "redact:\n  - {id: A, keys: [a], do: drop}\nactors:\n  - {from: saml}\n  - {from: jwt}\n";
    let found = loaded(text).unwrap_err();
    assert_eq!(found.len(), 3, "{found:?}");
}

#[test]
fn the_digest_covers_rules_and_what_they_name() {
    let digest = |row: &str| loaded(&format!("actors:\n- {row}\n")).unwrap();
    let one = digest("{from: api_key, table: ../keys.yaml}");
    assert_eq!(one, digest("{from:   api_key, 'table': '../keys.yaml'}"));
    let others = [
        digest("{from: api_key, table: ../keys.yaml, type: agent}"),
        digest("{from: mtls}"),
        digest("{from: mtls, type: agent}"),
        digest("{from: jwt, keys: {file: ../jwks.json}}"),
        digest("{from: jwt, keys: {file: ../jwks.json}, audience: a}"),
        digest("{from: jwt, keys: {url: \"https://a/b\"}}"),
        digest("{from: jwt, keys: {url: \"https://a/c\"}}"),
    ];
    let all: std::collections::BTreeSet<_> = others.iter().chain([&one]).collect();
    assert_eq!(all.len(), 8);
}

#[test]
fn the_shipped_example_is_right() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("keys")).unwrap();
    for (name, text) in [
        ("actors.yaml", include_str!("../../../rules/examples/actors/actors.yaml")),
        ("keys/application.secret", "a shared secret of many bytes"),
        ("keys/api-keys.table", "keys: []\n"),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let rules = load(Some(dir.path()), &[]).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!((rules.actors().len(), rules.reads().len()), (8, 2));
}
