//! Names of real APIs: those of secrets, and those that only look like them.

use super::*;

const SECRET: &str = "Umbrella7xSunriseemnuxvicq";

#[test]
fn secrets_stand_under_many_names() {
    let s = SECRET;
    for body in [
        json!({"adminPass": s, "n": {"bindpw": s, "bind_pw": s}}),
        json!({"cookie": format!("sid={s}")}),
        json!({"headers": {"Cookie": format!("x={s}"), "Set-Cookie": [format!("y={s}; Path=/")]}}),
        json!({"password_set": s, "must_change_password": [s], "require_password": {"a": s}}),
        json!({"homepage_token": s, "ratelimit_secret": s, "tokenizer_secret": s}),
        json!({"field": "password", "old_value": s, "newValue": s}),
        json!({"field": "password", "before": s, "after": format!("{s}2")}),
        json!({"property": "db_password", "from": s, "to": s}),
        json!({"name": "password", "default": s}),
        json!({"key": "client_secret", "content": s}),
        json!({"name": "password", "valueString": s}),
        json!({"title": "Password", "value": s}),
        json!({"attr": "userPassword", "values": [s]}),
        json!({"changes": {"x": ["password", format!("{s}!")]}}),
        json!({"headers": [["Authorization", format!("Basic {s}")], ["Accept", "a/b"]]}),
        json!({"u[0][name]": "password", "u[0][value]": s, "u[1][name]": "a", "u[1][value]": "b"}),
        json!({"key": "WHATEVER", "value": s, "masked": true}),
        json!({"outputs": {"x": {"sensitive": true, "type": "string", "value": s}}}),
        json!({"query": format!("mutation {{ changePassword(new: \"{s}\") {{ id }} }}")}),
        json!({"query": format!("mutation {{ setPassword(id: 1, to: \"{s}\") {{ id }} }}")}),
        json!({"query": format!("mutation {{ resetPassword(newPass: \"{s}\") {{ id }} }}")}),
        json!({"query": "mutation($x: String) { changePassword(new: $x) { id } }", "variables": {"x": s}}),
        json!({"jsonrpc": "2.0", "method": "importprivkey", "params": [s, "label"]}),
        json!({"kind": "SecretList", "items": [{"metadata": {"name": "db"}, "data": {"x": s}}]}),
        json!({"kind": "List", "items": [{"kind": "Secret", "data": {"x": s}, "stringData": {"y": s}}]}),
        json!({"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration":
            json!({"kind": "Secret", "metadata": {"name": "db"}, "stringData": {"x": s}}).to_string()}}}),
        json!({"passkey": s, "psk": s, "serverKey": s, "sms_code": "482913"}),
    ] {
        let record = record("/", &[JSON], body.to_string().as_bytes());
        let stored = stored(&record);
        assert!(!stored.contains(s) && !stored.contains("482913"), "{body}\n{stored}");
        let shown = record.body.unwrap().value();
        let again = super::record("/", &[JSON], shown.to_string().as_bytes());
        assert_eq!(again.body.unwrap().value(), shown, "{body}");
    }
    let form = format!("u[0][name]=password&u[0][value]={s}&u[1][name]=color&u[1][value]=red");
    let stored = stored(&record("/", &[FORM], form.as_bytes()));
    assert!(!stored.contains(s) && stored.contains("red"), "{stored}");
}

#[test]
fn headers_carry_keys_under_many_names() {
    for name in [
        "app-key",
        "fastly-key",
        "x-appwrite-key",
        "x-aio-key",
        "x-insert-key",
        "x-user-key",
        "x-newrelic-insert-key",
        "x-key",
        "x-pin",
        "x-access-code",
        "x-ssl-client-key",
    ] {
        let stored = stored(&record("/", &[(name, SECRET)], b""));
        assert!(!stored.contains(SECRET), "{name}");
    }
    // Copies are dropped; the fields themselves are taken apart.
    let record = record("/", &[("cookie", "sid=0123456789abcdef; lang=en")], b"");
    assert!(stored(&record).contains("sid="), "{}", stored(&record));
}

#[test]
fn what_signing_in_answers_is_a_session() {
    let hex = "0424bd59b807674191e7d77572075f33";
    for (path, content_type, body) in [
        ("/api_jsonrpc.php", JSON, json!({"jsonrpc": "2.0", "result": hex}).to_string()),
        (
            "/access/ticket",
            JSON,
            json!({"ticket": format!("PVE:root@pam:{hex}::AA==")}).to_string(),
        ),
        ("/login", JSON, json!({"data": hex}).to_string()),
        ("/v1/auth", ("content-type", "text/plain"), hex.to_owned()),
    ] {
        let (_, recorded) =
            exchange(&request(path, &[], b""), &response(&[content_type], body.as_bytes()));
        assert!(!stored_response(&recorded).contains(hex), "{path} {}", stored_response(&recorded));
    }
}

#[test]
fn what_auditors_want_to_see_stays() {
    for body in [
        json!({"must_change_password": true, "disable_password_auth": "yes", "password_history": 5}),
        json!({"accessTokenLifespan": 300, "revokeRefreshToken": false, "otpPolicyType": "totp"}),
        json!({"otpPolicyAlgorithm": "HmacSHA1", "apiKeyRequired": true}),
        json!({"input_cost_per_token": 0.000003, "ClientRequestToken": "req-42"}),
        json!({"automountServiceAccountToken": false, "POSTGRES_PASSWORD_FILE": "/run/secrets/db"}),
        json!({"security_and_analysis": {"secret_scanning": {"status": "enabled"}}}),
        json!({"credentials": {"username": "ada", "host": "db.example"}}),
        json!({"pin": {"lat": 52.5, "lng": 13.4}}),
        json!({"volumes": [{"name": "tls", "secret": {"secretName": "web-tls", "defaultMode": 420}}]}),
        json!({"type": "object", "properties": {"password": {"type": "string", "minLength": 8}}}),
        json!({"required": ["password", "email"], "pair": ["password", "name"]}),
        json!({"name": "theme", "value": "dark", "from": "a", "to": "b", "sensitive": false}),
        json!({"kind": "ConfigMap", "data": {"x": "y"}}),
        json!({"data": {"kind": "Secret"}, "title": "x", "text": "y"}),
    ] {
        let record = record("/", &[JSON], body.to_string().as_bytes());
        assert_eq!(record.body.unwrap().value(), body);
    }
    for path in [
        "/verify/domain.example.com",
        "/unlock/door-12B",
        "/confirmation/ORD-2026-000123",
        "/activate/account-42",
        "/unsubscribe/newsletter1",
    ] {
        assert_eq!(record(path, &[], b"").path, path);
    }
    let policy = json!({"current": "strict", "value": "long"});
    let record = record("/password-policies/7", &[JSON], policy.to_string().as_bytes());
    assert_eq!(record.body.unwrap().value(), policy);
}

#[test]
fn tokens_are_found_behind_what_is_no_part_of_them() {
    let stripe = "sk_test_RY5cjqxELSZ6dkryFMT07els";
    let telegram = "123456789:AAEP0bmxIT4fqBMX8juFQ1cnyJU5grCNY9k";
    for text in [
        format!("line1\\n{stripe}"),
        format!("a\\t{stripe}\\n"),
        format!("x\\u0022{stripe}\\u0022"),
        format!("\u{1b}[31m{stripe}\u{1b}[0m"),
        format!("\\u001b[1;31m{stripe}"),
        format!("key_{stripe}"),
        format!("https://api.telegram.org/bot{telegram}/sendMessage"),
        format!("bot{telegram}"),
    ] {
        let stored = stored(&record("/", &[JSON], json!({"n": text}).to_string().as_bytes()));
        assert!(!stored.contains(stripe) && !stored.contains(telegram), "{text}\n{stored}");
    }
    let path = record(&format!("/bot{telegram}/sendMessage"), &[], b"").path;
    assert!(!path.contains(telegram) && path.ends_with("/sendMessage"), "{path}");
    let other = format!("ask{stripe}");
    assert!(
        stored(&record("/", &[JSON], json!({"n": other}).to_string().as_bytes())).contains(&other)
    );
}

/// A path, what is sent there, what is answered, what must not be on record, and what must.
type Row<'r> = (&'r str, Value, Value, &'r [&'r str], &'r [&'r str]);

#[test]
fn secrets_of_real_apis_are_gone_and_what_stands_beside_them_is_not() {
    let hex = "b00db39f948d13ea1e59b4d6fce56389";
    check_rows(&[
        (
            "/server/privileges",
            json!({"pma_pw": "pmaNew-2", "pma_pw2": "pmaNew-2", "generated_pw": "pmaGen-3", "hostname": "db-1"}),
            json!({}),
            &["pmaNew", "pmaGen"],
            &["db-1"],
        ),
        (
            "/job/deploy/buildWithParameters",
            json!({"BRANCH": "main", "DEPLOY_KEY": "jk-dk-9981", "SUDO_PW": "jk-sudo-1"}),
            json!({}),
            &["jk-dk", "jk-sudo"],
            &["main"],
        ),
        (
            "/containers/create",
            json!({"Env": ["MYSQL_PW=dkPw-2", "TZ=UTC"], "items": [{"key": "windows-pw", "value": "winPw-77a"}]}),
            json!({}),
            &["dkPw", "winPw"],
            &["TZ=UTC", "windows-pw"],
        ),
        (
            "/vpn_ipsec_phase1.php",
            json!({"pskey": "pfPsKey-77x", "rocommunity": "pfSnmpRo1", "trapstring": "pfTrap99", "iketype": "ikev2"}),
            json!({}),
            &["pfPsKey", "pfSnmp", "pfTrap"],
            &["ikev2"],
        ),
        (
            "/api/s/default/set/setting/mgmt",
            json!({"x_mgmt_key": "9f8e7d6c5b4a39281706f5e4d3c2b1a0", "x_iapp_key": hex, "key": "mgmt"}),
            json!({}),
            &["9f8e7d", hex],
            &["mgmt"],
        ),
    ]);
}

#[test]
fn what_lets_somebody_in_once_is_gone() {
    let ticket = "gSkPd7YWDjwDgFqcDN7RrjSYGUmPRT4D";
    check_rows(&[
        (
            "/api/v2/tickets/password-change",
            json!({"user_id": "auth0|507f1f77bcf86cd799439020"}),
            json!({"ticket": format!("https://acme.auth0.com/lo/reset?ticket={ticket}#")}),
            &[ticket],
            &["auth0|507f1f77bcf86cd799439020"],
        ),
        (
            "/api/v10/applications/123456789012345678/bot/reset",
            json!({"code": "481922"}),
            json!({"ok": true}),
            &["481922"],
            &["\"ok\":true"],
        ),
        (
            "/api/auth/magic-link",
            json!({"email": "jo@x.example"}),
            json!({"link": "https://app.acme.example/m/3nX9fQ2mZ8kLw4tYvB7j", "expires_in": 600}),
            &["3nX9fQ2mZ8"],
            &["jo@x.example", "600"],
        ),
        (
            "/api/v2/organizations/org_1/invitations",
            json!({"inviter": {"name": "Jane"}}),
            json!({"id": "uinv_1", "ticket_id": "XzAbCdEf9hIjKlMnOpQr",
                "invitation_url": "https://acme.io/login?invitation=XzAbCdEf9hIjKlMnOpQr&organization=org_1"}),
            &["XzAbCdEf9hIj"],
            &["Jane", "uinv_1"],
        ),
        (
            "/api/v2/guardian/enrollments/ticket",
            json!({"user_id": "u-1"}),
            json!({"ticket_id": "u2x2-u2x2-u2x2-u2x2", "ticket_url": "https://g.example/enroll?ticket=QkT8mN2wLp4s"}),
            &["u2x2", "QkT8mN2w"],
            &["u-1"],
        ),
        (
            "/v1/accounts:sendOobCode",
            json!({"requestType": "PASSWORD_RESET", "email": "jo@acme.io"}),
            json!({"oobCode": "ABCxyz123oobLink", "oobLink": "https://acme.example/action?oobCode=ABCxyz123oobLink"}),
            &["ABCxyz123"],
            &["PASSWORD_RESET", "jo@acme.io"],
        ),
        (
            "/v1.0/users/jo/authentication/temporaryAccessPassMethods",
            json!({"isUsableOnce": true}),
            json!({"id": "6f1967b7", "temporaryAccessPass": "TAPRocks!1"}),
            &["TAPRocks"],
            &["6f1967b7"],
        ),
        (
            "/",
            json!({"KeyId": "alias/prod", "Plaintext": "a21zLXBsYWluLTc3"}),
            json!({"KeyId": "arn:x", "Plaintext": "VdzKNHGzUAzJeRBVY+uUmofUGGiDzyB3+i9fVkh3piw="}),
            &["a21zLXBs", "VdzKNHGz"],
            &["alias/prod", "arn:x"],
        ),
        (
            "/v2/Services/VA1/VerificationCheck",
            json!({"To": "+15017122661", "Code": "739104"}),
            json!({"status": "approved"}),
            &["739104"],
            &["+15017122661", "approved"],
        ),
    ]);
}

#[test]
fn values_that_stores_of_secrets_are_given_are_gone() {
    check_rows(&[
        (
            "/SecretServer/api/v1/items",
            json!({"items": [{"fieldName": "Username", "itemValue": "app"}, {"fieldName": "Password", "itemValue": "del-Val-1"}]}),
            json!({}),
            &["del-Val"],
            &["\"app\""],
        ),
        (
            "/update-secret-val",
            json!({"name": "/prod/db", "value": "aky-Val-1"}),
            json!({}),
            &["aky-Val"],
            &["/prod/db"],
        ),
        (
            "/api_jsonrpc.php",
            json!({"method": "usermacro.create", "params": {"macro": "{$SNMP_PASS}", "value": "zbxMac-1"}}),
            json!({}),
            &["zbxMac"],
            &["{$SNMP_PASS}"],
        ),
        (
            "/v1/totp/keys/jo",
            json!({"issuer": "acme"}),
            json!({"data": {"barcode": "iVBORw0"}}),
            &["iVBORw0"],
            &["acme"],
        ),
        (
            "/v1/auth/token/create",
            json!({"id": "custom-Tok3n-id", "policies": ["web"]}),
            json!({}),
            &["custom-Tok3n"],
            &["web"],
        ),
        (
            "/v1/sys/wrapping/unwrap",
            json!({}),
            json!({"data": {"zip": "zap-71-bing"}}),
            &["zap-71"],
            &[],
        ),
        (
            "/teams/4/invites",
            json!({"email": "jo@x.example"}),
            json!({"id": 3, "signup_url": "https://app.acme.example/signup?invite=3nX9fQ2mZ8kLw4tYvB7g",
                "url": "https://app.acme.example/join/3nX9fQ2mZ8kLw4tYvB7e"}),
            &["3nX9fQ2mZ8"],
            &["jo@x.example"],
        ),
        (
            "/settings",
            json!({"password_authentication_enabled_for_web": true, "secret_push_protection_available": false,
                "enforce_token_expiry": "yes", "token": null}),
            json!({"revokeToken": false}),
            &["redacted"],
            &[
                "\"secret_push_protection_available\":false",
                "\"token\":null",
                "\"revokeToken\":false",
            ],
        ),
    ]);
}

#[test]
fn sessions_and_prompts_told_to_others_are_gone() {
    let hex = "b00db39f948d13ea1e59b4d6fce56389";
    check_rows(&[
        ("/api/session", json!({}), json!(hex), &[hex], &[]),
        ("/rest/com/vmware/cis/session", json!({}), json!({"value": hex}), &[hex], &[]),
        (
            "/api/public/ingestion",
            json!({"batch": [
                {"id": "e1", "type": "generation-create", "body": {"name": "chat", "model": "gpt-4o",
                    "input": [{"role": "user", "content": "the copper lynx"}],
                    "output": {"role": "assistant", "content": "copper lynx answer"}}},
                {"id": "e2", "type": "trace-create", "body": {"name": "t", "input": "olive heron text"}},
            ]}),
            json!({"successes": [{"id": "e1", "status": 201}], "errors": []}),
            &["copper lynx", "olive heron"],
            &["e1", "generation-create", "gpt-4o", "successes"],
        ),
        (
            "/collect",
            json!({"batch": [{"id": "e2", "type": "trace-create", "body": {"input": "olive heron text"}}]}),
            json!({}),
            &["olive heron"],
            &["trace-create"],
        ),
    ]);
    let head = record(
        "/enroll?ticket=QkT8mN2wLp4s&page=2",
        &[("jenkins-crumb", "8a9f0b1c2d3e4f5a"), ("x-page", "2")],
        b"",
    );
    let head = stored(&head);
    assert!(!head.contains("QkT8mN2w") && !head.contains("8a9f0b1c"), "{head}");
    let calls =
        json!({"jsonrpc": "2.0", "method": "user.login", "params": {"password": "zbxPw-1"}});
    let call = record(
        "/api_jsonrpc.php",
        &[("content-type", "application/json-rpc")],
        calls.to_string().as_bytes(),
    );
    let call = stored(&call);
    assert!(!call.contains("zbxPw") && call.contains("user.login"), "{call}");
}

fn check_rows(rows: &[Row<'_>]) {
    for (path, sent, answered, secrets, ordinary) in rows {
        let (request, response) = exchange(
            &request(path, &[JSON], sent.to_string().as_bytes()),
            &response(&[JSON], answered.to_string().as_bytes()),
        );
        let stored = format!("{}{}", stored(&request), stored_response(&response));
        for secret in *secrets {
            assert!(!stored.contains(secret), "{path} {secret}: {stored}");
        }
        for text in *ordinary {
            assert!(stored.contains(text), "{path} {text}: {stored}");
        }
    }
}

#[test]
fn a_key_that_is_the_body_is_gone() {
    let text = ("content-type", "text/plain");
    let key = "14m9cf91wfsesv1kkhevg12cdywm2wvqy6s8sk53z1ngtazp1t9tykc";
    let stored = stored(&record("/authn/acme/host%2Fapp/authenticate", &[text], key.as_bytes()));
    assert!(!stored.contains("14m9cf91"), "{stored}");
}
