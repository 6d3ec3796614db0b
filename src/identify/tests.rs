//! Actors and sources by tables.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use proptest::prelude::*;
use serde_json::{Value, json};

mod issuer;
mod rules;
mod tokens;

use super::*;
use crate::capture::{Body, Request};
use crate::record::{Actor, RequestRecord, Source};
use crate::redact::{FingerprintKey, Redacted};

fn key() -> FingerprintKey {
    FingerprintKey::new(&[7; 32])
}

fn request(headers: &[(&str, &str)]) -> Request {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        map.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    Request {
        method: "POST".to_owned(),
        path_and_query: "/".to_owned(),
        host: String::new(),
        version: "1.1",
        headers: map,
        body: Body::default(),
        peer: Some("10.0.0.1".parse().unwrap()),
        peer_trusted: true,
    }
}

fn acts(headers: &[(&str, &str)]) -> Actor {
    actor(&request(headers), &key()).into_inner()
}

fn basic(pair: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

fn jwt(payload: &Value) -> String {
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("Bearer {}.{}.c2lnbmF0dXJl", part(&json!({"alg": "HS256"})), part(payload))
}

/// The actor without its fingerprint, which is compared by whether it is there.
fn shown(actor: Actor) -> (Value, bool) {
    let has_print = actor.credential.is_some();
    (json!(Actor { credential: None, ..actor }), has_print)
}

#[test]
fn actors_by_convention() {
    let user =
        |id: &str, auth: &str| json!({"type": "user", "id": id, "auth": auth, "verified": false});
    let api = |auth: &str| json!({"type": "api", "auth": auth, "verified": false});
    let nobody = json!({"type": "anonymous", "verified": false});
    let session = json!({"type": "user", "auth": "session", "verified": false});
    let other = json!({"type": "api", "verified": false});
    let claims = json!({"sub": "u-1", "email": "a@b.example", "name": "Al", "exp": 1});
    let claimed = json!({"type": "user", "id": "u-1", "name": "Al", "email": "a@b.example",
        "auth": "jwt", "verified": false});
    #[rustfmt::skip]
    let rows: Vec<(&str, String, Value, bool)> = vec![
        ("authorization", basic("alice:correct horse"), user("alice", "basic"), true),
        ("authorization", basic("guest:guest"), user("guest", "basic"), false),
        ("authorization", basic("alice:a:b:c:d:e"), user("alice", "basic"), true),
        ("authorization", basic("a\u{7}b:correct horse"), user("a\u{fffd}b", "basic"), true),
        ("authorization", basic("admin:"), user("admin", "basic"), false),
        ("authorization", basic("sk_live_0123456789abcdef:"), api("basic"), true),
        ("authorization", basic("0123456789abcdef0123456789abcdef01234567:x-oauth-basic"), api("basic"), true),
        ("authorization", basic("no colon"), other.clone(), true),
        ("authorization", "Basic ???".to_owned(), other.clone(), false),
        ("authorization", "basic".to_owned(), api("api_key"), false),
        ("authorization", "Bearer tok-0123456789".to_owned(), api("bearer"), true),
        ("authorization", "bearer  tok-0123456789 ".to_owned(), api("bearer"), true),
        ("authorization", "Bearer a.b.c".to_owned(), api("bearer"), false),
        ("authorization", "Bearer ....".to_owned(), api("bearer"), false),
        ("authorization", jwt(&claims), claimed, true),
        ("authorization", jwt(&json!({"sub": 42})), user("42", "jwt"), true),
        ("authorization", jwt(&json!({"sub": ["x"], "email": null})), json!({"type": "user", "auth": "jwt", "verified": false}), true),
        ("authorization", jwt(&json!({"sub": "svc", "gty": "client-credentials"})), json!({"type": "api", "id": "svc", "auth": "jwt", "verified": false}), true),
        ("authorization", jwt(&json!([1])), api("bearer"), true),
        ("authorization", "ApiKey 0123456789".to_owned(), api("api_key"), false),
        ("authorization", "ApiKey k-0123456789".to_owned(), api("api_key"), true),
        ("authorization", "Token k-0123456789".to_owned(), api("bearer"), true),
        ("authorization", "Digest username=\"bob\", realm=\"r\"".to_owned(), json!({"type": "user", "id": "bob", "verified": false}), true),
        ("authorization", "Negotiate YIIJvwYGKwYBBQUC".to_owned(), other, true),
        ("x-api-key", "k-0123456789".to_owned(), api("api_key"), true),
        ("x-litellm-key", "k-0123456789".to_owned(), api("api_key"), true),
        ("x-bf-vk", "k-0123456789".to_owned(), api("api_key"), true),
        ("x-portkey-virtual-key", "k-0123456789".to_owned(), api("api_key"), true),
        ("helicone-auth", "Bearer k-0123456789".to_owned(), api("bearer"), true),
        ("cf-aig-authorization", "bearer k-0123456789".to_owned(), api("bearer"), true),
        ("proxy-authorization", "Bearer k-0123456789".to_owned(), nobody.clone(), false),
        ("x-no-auth", "required by k-0123456789".to_owned(), nobody.clone(), false),
        ("api-key", "k-0123456789".to_owned(), api("api_key"), true),
        ("private-token", "glpat-0123456789".to_owned(), api("api_key"), true),
        ("x-auth-token", "k-0123456789".to_owned(), api("api_key"), true),
        ("x-vault-token", "hvs.0123456789".to_owned(), api("api_key"), true),
        ("x-jfrog-art-api", "AKCp8k0123456789".to_owned(), api("api_key"), true),
        ("x-pan-key", "LUFRPT1k0123456789".to_owned(), api("api_key"), true),
        ("x-ha-access", "k-0123456789".to_owned(), api("api_key"), true),
        ("x-metabase-session", "38f4939c-ad7f-4cbe-ae54-30946daf8593".to_owned(), session.clone(), true),
        ("x-ftl-sid", "vFA-EP4MQ5JJvJg-3Q2Jnw".to_owned(), session.clone(), true),
        ("session-token", "83af7e620c83a50a18d3eac2f6ed05a3".to_owned(), session.clone(), true),
        ("x-restsvcsessionid", "NDRjZmJkYmUtNWE5NS00MTU2".to_owned(), session.clone(), true),
        ("x-csrf-session-token", "k-0123456789".to_owned(), nobody.clone(), false),
        ("cookie", "unifises=0123456789abcdef".to_owned(), session.clone(), true),
        ("cookie", "theme=dark; KEYCLOAK_IDENTITY=0123456789abcdef".to_owned(), session.clone(), true),
        ("cookie", ".AspNetCore.Culture=c%3Den%7Cuic%3Den".to_owned(), nobody.clone(), false),
        ("cookie", "theme=dark; JSESSIONID=0123456789abcdef".to_owned(), session.clone(), true),
        ("cookie", "connect.sid=s%3A0123456789".to_owned(), session.clone(), true),
        ("cookie", "csrftoken=0123456789abc; auth_token=0123456789abc".to_owned(), session, true),
        ("cookie", "csrftoken=0123456789abc; theme=dark".to_owned(), nobody.clone(), false),
        ("cookie", "; =; session=; ;;".to_owned(), nobody.clone(), false),
        ("authorization", String::new(), nobody.clone(), false),
        ("authorization", "\u{e9}\u{80}".to_owned(), nobody, false),
    ];
    for (name, value, expected, has_print) in rows {
        assert_eq!(shown(acts(&[(name, &value)])), (expected, has_print), "{name}: {value}");
    }
}

#[test]
fn a_key_in_the_query_is_a_credential_where_no_field_has_one() {
    let of = |query: &str, headers: &[(&str, &str)]| {
        let path_and_query = format!("/keys?{query}");
        shown(actor(&Request { path_and_query, ..request(headers) }, &key()).into_inner())
    };
    let api = json!({"type": "api", "auth": "api_key", "verified": false});
    let nobody = json!({"type": "anonymous", "verified": false});
    assert_eq!(of("a=1&api_key=k-0123456789", &[]), (api.clone(), true));
    assert_eq!(of("api-version=1&subscription-key=k-0123456789", &[]), (api.clone(), true));
    assert_eq!(of("Access_Token=k-0123456789", &[]), (api, true));
    // A parameter of a common name may be anything.
    assert_eq!(of("key=k-0123456789", &[]), (nobody.clone(), false));
    assert_eq!(of("api_key=", &[]), (nobody, false));
    let both = of("api_key=k-0123456789", &[("authorization", &basic("al:long password"))]);
    assert_eq!(both.0["id"], "al");
}

#[test]
fn the_surest_credential_names_the_actor() {
    let both =
        acts(&[("cookie", "sid=0123456789abcdef"), ("authorization", &basic("al:long password"))]);
    assert_eq!(both.id.as_deref(), Some("al"));
    let cookies =
        acts(&[("cookie", "token=0123456789abcdef"), ("cookie", "app_session=fedcba9876543210")]);
    let alone = acts(&[("cookie", "app_session=fedcba9876543210")]);
    assert_eq!(cookies, alone);
}

#[test]
fn fingerprints_are_those_of_the_engine() {
    let token = acts(&[("authorization", "Bearer tok-0123456789")]).credential;
    assert_eq!(token, Some(key().fingerprint("secret", b"tok-0123456789")));
    let header = acts(&[("x-api-key", "tok-0123456789")]).credential;
    assert_eq!(header, token);
    let one = acts(&[("authorization", &basic("alice:correct horse"))]).credential;
    let two = acts(&[("authorization", &basic("bob:correct horse"))]).credential;
    assert_ne!(one, two);
}

#[test]
fn what_is_signed_with_one_key_has_one_fingerprint() {
    const AWS: &str = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu/s3/aws4_request, \
                       SignedHeaders=host, Signature=";
    let print = |id: &str| Some(key().fingerprint("secret", id.as_bytes()));
    let rows = [
        (format!("{AWS}aa11"), "AKIAIOSFODNN7EXAMPLE"),
        (format!("{AWS}bb22"), "AKIAIOSFODNN7EXAMPLE"),
        (AWS.replace(", ", ","), "AKIAIOSFODNN7EXAMPLE"),
        ("SharedKey shop:c2lnbmF0dXJl=".to_owned(), "shop"),
        ("AWS AKIAIOSFODNN7EXAMPLE:c2ln".to_owned(), "AKIAIOSFODNN7EXAMPLE"),
        (
            "OAuth oauth_consumer_key=\"ck1\", oauth_token=\"tk1\", oauth_signature=\"x\""
                .to_owned(),
            "tk1",
        ),
        (
            "OAuth oauth_consumer_key=\"ck1\",oauth_token=\"\",oauth_signature=\"x\"".to_owned(),
            "ck1",
        ),
        (
            "Signature keyId=\"https://a.example/u#key\",headers=\"host date\",signature=\"x=\""
                .to_owned(),
            "https://a.example/u#key",
        ),
        ("Hawk id=\"dh37\", ts=\"1\", nonce=\"n\", mac=\"x\"".to_owned(), "dh37"),
        // Of what names no key for certain, all that was sent.
        ("Other credential=abcdefgh".to_owned(), "credential=abcdefgh"),
        ("SharedKey c2lnbmF0dXJl".to_owned(), "c2lnbmF0dXJl"),
    ];
    for (sent, id) in rows {
        assert_eq!(acts(&[("authorization", &sent)]).credential, print(id), "{sent}");
    }
    let signed = |query: &str| {
        let path_and_query = format!("/bucket/file?{query}");
        actor(&Request { path_and_query, ..request(&[]) }, &key()).into_inner().credential
    };
    let query = "X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Feu&X-Amz-Signature=";
    assert_eq!(signed(&format!("{query}aa11")), print("AKIAIOSFODNN7EXAMPLE"));
    assert_eq!(signed("X-Amz-Signature=aa11"), None);
}

/// Headers, the address, the chain.
type ForwardedRow = (&'static [(&'static str, &'static str)], &'static str, Option<&'static str>);

#[test]
fn sources_by_what_trusted_proxies_say() {
    const XFF: &str = "x-forwarded-for";
    let trusted: Vec<IpNet> =
        ["10.0.0.0/8", "fd00::/8"].iter().map(|net| net.parse().unwrap()).collect();
    #[rustfmt::skip]
    let rows: &[ForwardedRow] = &[
        (&[], "10.0.0.1", None),
        (&[(XFF, "1.2.3.4")], "1.2.3.4", Some("1.2.3.4")),
        (&[(XFF, "6.6.6.6, 1.2.3.4, 10.0.0.9")], "1.2.3.4", Some("6.6.6.6, 1.2.3.4, 10.0.0.9")),
        (&[(XFF, "6.6.6.6"), (XFF, "1.2.3.4")], "1.2.3.4", Some("6.6.6.6, 1.2.3.4")),
        (&[(XFF, "10.0.0.8, 10.0.0.9")], "10.0.0.8", Some("10.0.0.8, 10.0.0.9")),
        (&[(XFF, "1.2.3.4, sk_live_secret, 10.0.0.9")], "10.0.0.9", Some("1.2.3.4, unknown, 10.0.0.9")),
        (&[(XFF, "garbage")], "10.0.0.1", Some("unknown")),
        (&[(XFF, "1.2.3.4:5678")], "1.2.3.4", Some("1.2.3.4")),
        (&[(XFF, "[2001:db8::1]:80")], "2001:db8::1", Some("2001:db8::1")),
        (&[(XFF, "2001:db8::1")], "2001:db8::1", Some("2001:db8::1")),
        (&[(XFF, "::ffff:1.2.3.4")], "1.2.3.4", Some("1.2.3.4")),
        (&[(XFF, "::ffff:10.0.0.3"), (XFF, "")], "10.0.0.1", Some("10.0.0.3, unknown")),
        (&[("forwarded", "for=1.2.3.4")], "1.2.3.4", Some("1.2.3.4")),
        (&[("forwarded", "For=\"[2001:db8:cafe::17]:4711\";proto=http")], "2001:db8:cafe::17", Some("2001:db8:cafe::17")),
        (&[("forwarded", "for=192.0.2.43, for=\"[fd00::17]\"")], "192.0.2.43", Some("192.0.2.43, fd00::17")),
        (&[("forwarded", "by=\"a,b;c\";for=\"1.2.3.4:_port\"")], "1.2.3.4", Some("1.2.3.4")),
        (&[("forwarded", "for=_hidden, for=10.0.0.2")], "10.0.0.2", Some("unknown, 10.0.0.2")),
        (&[("forwarded", "for=unknown")], "10.0.0.1", Some("unknown")),
        (&[("forwarded", "proto=https")], "10.0.0.1", Some("unknown")),
        (&[("forwarded", "for=\"unterminated")], "10.0.0.1", Some("unknown")),
        (&[("forwarded", "for=9.9.9.9;host=\"a, for=1.2.3.4")], "10.0.0.1", Some("unknown")),
        (&[("forwarded", "for=9.9.9.9;x=\", for=\"[2001:db8::1]\";proto=https")], "10.0.0.1", Some("unknown")),
        (&[("forwarded", "for=9.9.9.9;host=\"a"), ("forwarded", "for=1.2.3.4")], "1.2.3.4", Some("unknown, 1.2.3.4")),
        (&[("forwarded", "for=1.2.3.4"), (XFF, "1.2.3.4")], "1.2.3.4", Some("1.2.3.4; 1.2.3.4")),
        (&[("forwarded", "for=6.6.6.6"), (XFF, "1.2.3.4")], "10.0.0.1", Some("6.6.6.6; 1.2.3.4")),
    ];
    for (headers, ip, forwarded) in rows {
        let found =
            source(&request(headers), &trusted, &Redacted::system(RequestRecord::default()));
        let expected = Source {
            ip: Some((*ip).to_owned()),
            forwarded: forwarded.map(str::to_owned),
            user_agent: None,
        };
        assert_eq!(found.into_inner(), expected, "{headers:?}");
    }
}

#[test]
fn an_untrusted_peer_is_not_believed() {
    let request = Request { peer_trusted: false, ..request(&[("x-forwarded-for", "1.2.3.4")]) };
    let found = source(&request, &[], &Redacted::system(RequestRecord::default())).into_inner();
    assert_eq!(found, Source { ip: Some("10.0.0.1".to_owned()), ..Source::default() });
}

#[test]
fn user_agents_come_from_the_record() {
    let request = request(&[("user-agent", "raw secret")]);
    for (recorded, expected) in [
        (json!({"user-agent": "curl/8\u{7}"}), Some("curl/8\u{fffd}".to_owned())),
        (json!({"user-agent": "x".repeat(999)}), Some("x".repeat(256))),
        (json!({"user-agent": {"redacted": "r"}}), None),
        (json!({}), None),
    ] {
        let record = RequestRecord { headers: recorded.into(), ..RequestRecord::default() };
        let found = source(&request, &[], &Redacted::system(record)).into_inner();
        assert_eq!(found.user_agent, expected);
    }
}

fn check(actor: &Actor) {
    for text in [&actor.id, &actor.name, &actor.email].into_iter().flatten() {
        assert!(text.chars().count() <= 256 && !text.chars().any(char::is_control), "{text:?}");
    }
    assert!(!actor.verified);
}

proptest! {
    #[test]
    fn anything_is_identified_without_a_panic(
        scheme in "(Basic|Bearer|ApiKey|Digest|[!-~]{0,9})",
        value in "[ -~]{0,400}",
        user in ".{0,400}",
        payload in "[ -~]{0,90}",
        forwarded in "(for=|[0-9a-f:.]{0,9}|\\[|\\]|\"|,|;|_| ){0,20}",
    ) {
        let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let values = [
            format!("{scheme} {value}"),
            basic(&user),
            format!("Bearer {}.{}.{}", part("{}"), part(&payload), part(&user)),
            jwt(&json!({"sub": user, "email": value, "name": payload})),
        ];
        for value in &values {
            check(&acts(&[("authorization", value)]));
        }
        check(&acts(&[("cookie", &value)]));
        let headers = [("forwarded", forwarded.as_str()), ("x-forwarded-for", &forwarded)];
        source(&request(&headers), &[], &Redacted::system(RequestRecord::default()));
    }

    #[test]
    fn no_credential_is_told(
        user in "[a-z]{3,8}",
        password in "[A-Z][!-9;-~]{7,40}",
        token in "[A-Za-z0-9_-]{12,80}",
    ) {
        let told = |headers: &[(&str, &str)]| json!(acts(headers)).to_string();
        let sent = basic(&format!("{user}:{password}"));
        prop_assert!(!told(&[("authorization", &sent)]).contains(&password));
        for (name, value) in [
            ("authorization", format!("Bearer {token}")),
            ("authorization", token.clone()),
            ("authorization", format!("Basic {token}")),
            ("authorization", format!("Foo {token}")),
            ("x-api-key", token.clone()),
            ("cookie", format!("session={token}")),
            ("x-forwarded-for", token.clone()),
            ("authorization", basic(&format!("{token}:"))),
        ] {
            prop_assert!(!told(&[(name, &value)]).contains(&token), "{}", value);
        }
    }
}
