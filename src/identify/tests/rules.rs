//! Which credential counts, by rules.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderName, HeaderValue};
use proptest::prelude::*;
use serde_json::json;

use super::issuer::{part, shared};
use super::{basic, key, request};
use crate::capture::{Body, Request};
use crate::identify::jws::KeySet;
use crate::identify::{
    ActorRule, Actors, Algorithm, ApiKeys, Asked, Carrier, ClientCertificate, Evidence, Identified,
    Introspected, Introspection, KeyHolder, Need, ProofRule, Template, TokenKeys, TokenRule,
};
use crate::record::ActorKind;

const SECRET: &[u8] = b"a shared secret of many bytes";
const API_KEY: &str = "key-0123456789abcdef";
const FINGERPRINTED: &str = "key-of-which-only-the-fingerprint-is-known";

fn rule(proof: ProofRule) -> ActorRule {
    ActorRule { proof, id: None, name: None, email: None, kind: None }
}

fn named(proof: ProofRule, root: &str, id: &str, email: &str) -> ActorRule {
    let template = |text: &str| Template::parse(text, &[root, "header"]).ok();
    ActorRule { id: template(id), email: template(email), ..rule(proof) }
}

fn jwt() -> ActorRule {
    rule(ProofRule::Jwt(
        Carrier::Header(AUTHORIZATION),
        TokenRule {
            keys: TokenKeys::Here(KeySet::shared(SECRET).unwrap().into()),
            algorithms: vec![Algorithm::Hs256],
            issuers: vec![],
            audiences: vec![],
            leeway: 0,
        },
    ))
}

fn api_keys() -> ActorRule {
    let mut table = ApiKeys::default();
    let holder = |id: &str, kind| KeyHolder {
        id: Some(id.to_owned()),
        name: Some("CI deploy".to_owned()),
        email: None,
        kind,
    };
    assert!(table.add_digest(ApiKeys::digest(API_KEY), holder("ci", ActorKind::Agent)));
    assert!(!table.add_digest(ApiKeys::digest(API_KEY), holder("ci", ActorKind::Agent)));
    let print = key().fingerprint("secret", FINGERPRINTED.as_bytes());
    assert!(table.add_fingerprint(print, holder("cd", ActorKind::Webhook)));
    rule(ProofRule::ApiKey(Carrier::Header(HeaderName::from_static("x-api-key")), table))
}

fn introspect() -> ActorRule {
    let introspection = Introspection {
        asked: Asked::Application { path: "/api/me".to_owned() },
        with: vec![AUTHORIZATION, COOKIE],
        cookies: vec!["sid".to_owned()],
        cache: std::time::Duration::from_secs(60),
        timeout: std::time::Duration::from_secs(1),
    };
    named(ProofRule::Introspect(introspection), "body", "{body:$.id}", "{body:$.mail}")
}

fn forwarded() -> ActorRule {
    let proof = ProofRule::Header(HeaderName::from_static("x-forwarded-user"));
    named(proof, "value", "{value}", "{header.x-forwarded-email}")
}

fn token(subject: &str, expires: i64) -> String {
    format!("Bearer {}", shared("HS256", SECRET, &json!({"sub": subject, "exp": expires})))
}

fn identify(actors: &Actors, request: &Request, answer: Option<Introspected>) -> Identified {
    let mut evidence = Evidence { now: 100, ..Evidence::default() };
    loop {
        match actors.identify(request, &evidence, &key()) {
            Ok(who) => return who.into_inner(),
            Err(Need::Introspection(rule)) => {
                let answer = answer.clone().unwrap_or(Introspected::Refused);
                evidence.introspected.push((rule, answer));
            }
            Err(Need::Keys(_)) => panic!("there are no sources"),
        }
    }
}

fn shown(found: &Identified) -> String {
    let actor = &found.actor;
    let auth = actor.auth.map_or("-".to_owned(), |auth| json!(auth).as_str().unwrap().to_owned());
    let verified = if actor.verified { "verified" } else { "claimed" };
    let who = format!(
        "{} {auth} {verified} {}",
        actor.id.as_deref().unwrap_or("-"),
        found.notes.join(",")
    );
    let claims = actor.claimed.iter().map(|claim| {
        let auth = json!(claim.auth);
        let (id, auth) = (claim.id.as_deref().unwrap_or("-"), auth.as_str().unwrap_or("-"));
        format!("; {id} {auth} {}", claim.notes.join(",")).trim_end().to_owned()
    });
    [who.trim().to_owned()].into_iter().chain(claims).collect()
}

#[test]
fn the_first_rule_that_proves_an_actor_decides() {
    let actors = Actors::new(
        vec![forwarded(), jwt(), rule(ProofRule::Basic), api_keys(), introspect()],
        vec![],
    );
    let (good, expired) = (token("ada", 200), token("ada", 50));
    let (alice, foreign) = (basic("alice:correct horse"), "Bearer opaque-0123456789".to_owned());
    let auth = |value: &str| ("authorization", value.to_owned());
    let api_key = || ("x-api-key", API_KEY.to_owned());
    let session = || ("cookie", "theme=dark; sid=0123456789abcdef".to_owned());
    let user = |name: &str| ("x-forwarded-user", name.to_owned());
    type Headers = Vec<(&'static str, String)>;
    #[rustfmt::skip]
    let rows: Vec<(Headers, bool, &str)> = vec![
        (vec![], true, "- - claimed"),
        (vec![auth(&good)], true, "ada jwt verified"),
        (vec![auth(&good), api_key(), session()], true, "ada jwt verified"),
        // What is proved counts for more than what is claimed before it, and that is recorded too.
        (vec![auth(&expired), api_key()], true, "ci api_key verified actor_claimed_otherwise; ada jwt actor_token_expired"),
        (vec![auth(&good), auth(&good)], true, "ada jwt claimed actor_credential_repeated"),
        (vec![auth(&expired), auth(&good)], true, "ada jwt claimed actor_credential_repeated"),
        (vec![auth(&alice), api_key()], true, "ci api_key verified actor_claimed_otherwise; alice basic"),
        (vec![auth(&alice), session()], true, "alice basic claimed actor_credential_refused"),
        (vec![api_key()], true, "ci api_key verified"),
        (vec![api_key(), session()], true, "ci api_key verified"),
        (vec![api_key(), api_key()], true, "ci api_key claimed actor_credential_repeated"),
        (vec![("x-api-key", FINGERPRINTED.to_owned())], true, "cd api_key verified"),
        (vec![("x-api-key", "key-0123456789abcdeF".to_owned())], true, "- api_key claimed actor_key_unknown"),
        (vec![session()], true, "- session claimed actor_credential_refused"),
        (vec![auth(&foreign)], true, "- bearer claimed actor_credential_refused"),
        (vec![user("eve"), auth(&good)], true, "eve header verified"),
        (vec![user("eve"), auth(&good)], false, "ada jwt verified actor_header_untrusted"),
        (vec![user("eve")], false, "- - claimed actor_header_untrusted"),
        (vec![user("eve"), user("root")], true, "eve header claimed actor_credential_repeated"),
        (vec![user("")], true, "- - claimed"),
        (vec![("x-forwarded-email", "eve@example.com".to_owned())], false, "- - claimed actor_header_untrusted"),
        (vec![("x_forwarded_user", "eve".to_owned())], true, "- - claimed actor_header_untrusted"),
        (vec![("x-forwarded_user", "eve".to_owned())], false, "- - claimed actor_header_untrusted"),
    ];
    for (headers, trusted, expected) in rows {
        let named: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let request = Request { peer_trusted: trusted, ..request(&named) };
        let found = identify(&actors, &request, None);
        let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(shown(&found), expected, "{names:?}, trusted: {trusted}");
        let told = json!(found.actor).to_string();
        for secret in [API_KEY, FINGERPRINTED, "correct horse", "0123456789abcdef"] {
            assert!(!told.contains(secret), "{names:?}");
        }
    }
}

/// Somebody with a session or a certificate of their own once hid behind any header field of a rule before.
#[test]
fn nobody_hides_behind_a_claim() {
    let session_only = || {
        let mut rule = introspect();
        if let ProofRule::Introspect(introspection) = &mut rule.proof {
            introspection.with = vec![COOKIE];
        }
        rule
    };
    let bearer = |subject: &str, secret: &[u8]| {
        let claims = json!({"sub": subject, "name": "The Boss", "exp": 200});
        ("authorization", format!("Bearer {}", shared("HS256", secret, &claims)))
    };
    let forged = || bearer("boss", b"another secret of many bytes");
    let genuine = || bearer("ada", SECRET);
    let junk = || ("x-api-key", "x".to_owned());
    let cookie = || ("cookie", "sid=0123456789abcdef".to_owned());
    let signing_in = named(ProofRule::SignIn(vec!["/".to_owned()]), "body", "{body:$.user}", "");
    let known = || Introspected::Known(json!({"id": 7}).into());
    let late = || Introspected::Failed("actor_introspection_timeout");
    let refused = || Introspected::Refused;
    type Row<'r> = (Vec<ActorRule>, Vec<(&'static str, String)>, Introspected, &'r str);
    let all = || vec![jwt(), api_keys(), session_only(), rule(ProofRule::Mtls)];
    #[rustfmt::skip]
    let rows: Vec<Row<'_>> = vec![
        (all(), vec![cookie()], known(), "7 session verified"),
        (all(), vec![forged(), cookie()], known(), "7 session verified actor_claimed_otherwise; boss jwt actor_token_signature"),
        (all(), vec![junk(), cookie()], known(), "7 session verified actor_claimed_otherwise; - api_key actor_key_unknown"),
        (all(), vec![forged(), junk(), cookie()], known(), "7 session verified actor_claimed_otherwise; boss jwt actor_token_signature; - api_key actor_key_unknown"),
        // Nothing behind the rule that proves is looked at.
        (all(), vec![genuine(), junk(), cookie()], known(), "ada jwt verified"),
        // Whoever could not be asked does not go unmentioned.
        (all(), vec![cookie()], late(), "- mtls verified actor_claimed_otherwise; - session actor_introspection_timeout"),
        (all(), vec![junk()], refused(), "- mtls verified actor_claimed_otherwise; - api_key actor_key_unknown"),
        (vec![jwt(), session_only()], vec![forged(), cookie()], late(), "boss jwt claimed actor_token_signature,actor_claimed_otherwise; - session actor_introspection_timeout"),
        // One credential of two that somebody was shown: nobody knows which it was.
        (vec![jwt(), introspect()], vec![forged(), cookie()], known(), "7 jwt verified actor_claimed_otherwise; boss jwt actor_token_signature"),
        (vec![jwt(), introspect()], vec![bearer("7", b"another secret of many bytes"), cookie()], known(), "7 jwt verified"),
        (vec![jwt(), introspect()], vec![forged()], known(), "7 jwt verified"),
        // Somebody else's session may still be there.
        (vec![signing_in, session_only()], vec![cookie()], known(), "boss sign_in claimed"),
    ];
    let certificate = ClientCertificate::of(b"no certificate");
    for (rules, headers, answer, expected) in rows {
        let named: Vec<(&str, &str)> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let request = Request {
            method: "POST".to_owned(),
            path_and_query: "/".to_owned(),
            body: Body::whole(br#"{"user": "boss"}"#.to_vec()),
            ..request(&[&named[..], &[("content-type", "application/json")]].concat())
        };
        let actors = Actors::new(rules, vec![]);
        let (mut asked, certificate) = (0, Some(&certificate));
        let mut evidence = Evidence { now: 100, certificate, ..Evidence::default() };
        let found = loop {
            match actors.identify(&request, &evidence, &key()) {
                Ok(who) => break who.into_inner(),
                Err(Need::Introspection(rule)) => {
                    asked += 1;
                    evidence.introspected.push((rule, answer.clone()));
                }
                Err(Need::Keys(_)) => panic!("there are no sources"),
            }
        };
        assert_eq!(shown(&found), expected);
        assert!(asked <= 1, "{expected}");
        assert!(asked == 0 || found.actor.id.as_deref() != Some("ada"), "{expected}");
        assert!(!json!(found.actor).to_string().contains("0123456789abcdef"));
    }
}

#[test]
fn a_later_rule_may_prove_the_same_credential() {
    let known = || Some(Introspected::Known(json!({"id": 7, "mail": "ada@example.com"}).into()));
    // A token that the first rule cannot prove, and Basic, which no rule alone can.
    let actors = Actors::new(vec![jwt(), rule(ProofRule::Basic), introspect()], vec![]);
    let foreign = format!(
        "Bearer {}",
        shared("HS256", b"another secret of many bytes", &json!({"sub": "x", "exp": 200}))
    );
    for (sent, expected) in [
        (basic("alice:correct horse"), "7 basic verified"),
        (foreign, "7 jwt verified"),
        ("Bearer opaque-0123456789".to_owned(), "7 bearer verified"),
    ] {
        let found = identify(&actors, &request(&[("authorization", &sent)]), known());
        assert_eq!(shown(&found), expected);
        assert_eq!(found.actor.email.as_deref(), Some("ada@example.com"));
        assert_eq!(found.actor.name, None);
        assert!(found.actor.credential.is_some());
    }
    let sid = "theme=dark; sid=0123456789abcdef; other=1";
    let found = identify(&actors, &request(&[("cookie", sid)]), known());
    assert_eq!(shown(&found), "7 session verified");
    let other = identify(&actors, &request(&[("cookie", "sid=0123456789abcdef")]), known());
    assert_eq!(found.actor, other.actor, "other cookies make no difference");
    for (answer, note) in [
        (Introspected::Refused, "actor_credential_refused"),
        (Introspected::Failed("actor_introspection_timeout"), "actor_introspection_timeout"),
    ] {
        let found = identify(&actors, &request(&[("cookie", sid)]), Some(answer));
        assert_eq!((found.actor.verified, found.notes), (false, vec![note]));
    }
    // An answer that names nobody proves nothing.
    for nobody in [
        json!({"user": null}),
        json!({"id": null, "mail": "nobody@example.com"}),
        json!({"id": 7, "mail": "ada@example.com", "is_authenticated": false}),
        json!({"id": 0, "isAnonymous": true}),
        json!({"id": ["a", "b"], "mail": "ada@example.com"}),
        json!({"id": 7, "loggedIn": false}),
        json!({"id": 7, "guest": true}),
        json!({"id": 7, "is_guest": "1"}),
        json!({"id": 7, "success": false}),
        json!({"id": 7, "authenticated": "false"}),
        json!({"id": 7, "error": "session expired"}),
        json!({"id": 7, "errors": [{"code": "SESSION_EXPIRED"}]}),
        json!({"id": 7, "status": 401}),
        json!({"id": 7, "status": "error", "message": "no session"}),
        json!({"id": 7, "user": {"isAuthenticated": false}}),
        json!({"id": "anonymousUser"}),
        json!({"id": 0, "name": "Guest"}),
        json!({"id": "-1", "name": "anonymous"}),
        json!({"id": 7, "code": 401, "msg": "not login"}),
        json!({"id": 7, "code": -1}),
        json!({"id": 7, "active": false}),
        json!({"id": 7, "data": {"isLogin": false}}),
    ] {
        let answer = Some(Introspected::Known(nobody.into()));
        let found = identify(&actors, &request(&[("cookie", sid)]), answer);
        assert_eq!(shown(&found), "- session claimed actor_not_named");
        assert_eq!(found.actor.email, None);
    }
}

#[test]
fn answers_about_somebody_who_is_signed_in_name_them() {
    let actors = Actors::new(vec![introspect()], vec![]);
    for body in [
        json!({"id": 7, "success": true, "error": null, "errors": []}),
        json!({"id": 7, "authenticated": "true", "guest": false, "anonymous": 0}),
        json!({"id": 7, "error": {"code": 0, "message": "success"}, "status": 200}),
        json!({"id": 7, "error": "", "status": "active", "result": "ok"}),
        json!({"id": 7, "user": {"active": false}, "role": "guest", "locked": false, "verified": false}),
        json!({"id": 7, "active": true, "code": 0, "user": {"code": 404}}),
        json!({"id": 7, "friends": [{"id": 8, "guest": true}], "settings": {"auth": false}}),
        json!({"id": 7, "user": {"status": "online", "error": null}}),
    ] {
        let answer = Introspected::read(body.to_string().as_bytes());
        let request = request(&[("cookie", "sid=0123456789abcdef")]);
        assert_eq!(shown(&identify(&actors, &request, answer)), "7 session verified", "{body}");
    }
    for body in [r#"{"id":7,"id":8}"#, r#"{"id":7,"a":{"b":1,"b":2}}"#, "[7]", "7", ""] {
        assert!(Introspected::read(body.as_bytes()).is_none(), "{body}");
    }
}

#[test]
fn an_answer_may_doubt_the_address_that_it_gives() {
    let rule = ActorRule {
        email: Template::parse("{body:$.email | body:$.user.email}", &["body"]).ok(),
        ..introspect()
    };
    let actors = Actors::new(vec![rule], vec![]);
    for (body, notes, email) in [
        (json!({"id": 7, "email": "a@b.example"}), &[][..], Some("a@b.example")),
        (
            json!({"id": 7, "email": "a@b.example", "email_verified": true}),
            &[],
            Some("a@b.example"),
        ),
        (
            json!({"id": 7, "email": "a@b.example", "email_verified": false}),
            &["actor_email_unverified"],
            None,
        ),
        (
            json!({"id": 7, "user": {"email": "a@b.example", "emailVerified": false}}),
            &["actor_email_unverified"],
            None,
        ),
    ] {
        let answer = Introspected::read(body.to_string().as_bytes());
        let request = request(&[("cookie", "sid=0123456789abcdef")]);
        let found = identify(&actors, &request, answer);
        assert_eq!((found.actor.verified, found.notes), (true, notes.to_vec()), "{body}");
        assert_eq!(found.actor.email.as_deref(), email, "{body}");
    }
}

#[test]
fn a_token_that_names_nobody_or_two_proves_nobody() {
    let signed = |claims: &str| {
        let head = format!("{}.{}", part(&json!({"alg": "HS256"})), BASE64URL.encode(claims));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET);
        let signature = BASE64URL.encode(ring::hmac::sign(&key, head.as_bytes()).as_ref());
        format!("Bearer {head}.{signature}")
    };
    let subject = ActorRule { id: Template::parse("{claims.sub}", &["claims"]).ok(), ..jwt() };
    let any = Actors::new(vec![jwt()], vec![]);
    let by_subject = Actors::new(vec![subject], vec![]);
    #[rustfmt::skip]
    let rows: &[(&str, &str, &str)] = &[
        (r#"{"sub":"ada","exp":200}"#, "ada jwt verified", "ada jwt verified"),
        (r#"{"exp":200}"#, "- jwt claimed actor_not_named", "- jwt claimed actor_not_named"),
        (r#"{"sub":"","exp":200}"#, "- jwt claimed actor_not_named", "- jwt claimed actor_not_named"),
        (r#"{"sub":{"a":1},"exp":200}"#, "- jwt claimed actor_not_named", "- jwt claimed actor_not_named"),
        (r#"{"sub":["ada","eve"],"exp":200}"#, "- jwt claimed actor_not_named", "- jwt claimed actor_not_named"),
        (r#"{"sub":["ada"],"exp":200}"#, "ada jwt verified", "- jwt claimed actor_not_named"),
        (r#"{"name":"Ada","exp":200}"#, "- jwt claimed actor_not_named", "- jwt verified"),
        (r#"{"sub":"ada","sub":"eve","exp":200}"#, "eve jwt claimed actor_token_repeats", "eve jwt claimed actor_token_repeats"),
        (r#"{"sub":"ada","exp":50,"exp":200}"#, "ada jwt claimed actor_token_repeats", "ada jwt claimed actor_token_repeats"),
        (r#"{"sub":"ada","realm":{"a":1,"a":2},"exp":200}"#, "ada jwt claimed actor_token_repeats", "ada jwt claimed actor_token_repeats"),
    ];
    for (claims, of_subject, of_any) in rows {
        let request = request(&[("authorization", &signed(claims))]);
        for again in ["first", "again"] {
            assert_eq!(
                shown(&identify(&by_subject, &request, None)),
                *of_subject,
                "{claims} {again}"
            );
            assert_eq!(shown(&identify(&any, &request, None)), *of_any, "{claims} {again}");
        }
    }
}

#[test]
fn only_the_cookies_of_the_rule_are_passed_on() {
    let ProofRule::Introspect(introspection) = introspect().proof else { unreachable!() };
    let request = request(&[
        ("cookie", "a=1; sid=x; b=2"),
        ("authorization", "Bearer t"),
        ("x-api-key", "k"),
    ]);
    let passed = introspection.passed_on(&request.headers);
    assert_eq!(passed.get(COOKIE), Some(&HeaderValue::from_static("sid=x")));
    assert_eq!(passed.get(AUTHORIZATION), Some(&HeaderValue::from_static("Bearer t")));
    assert_eq!(passed.len(), 2);
    assert_eq!(introspection.token(&request.headers), Some("t"));
}

#[test]
fn headers_of_others_are_withheld() {
    let actors = Actors::new(vec![forwarded()], vec![]);
    for (name, from_trusted, from_others) in [
        ("x-forwarded-user", false, true),
        ("x-forwarded-email", false, true),
        ("x_forwarded_user", true, true),
        ("x-forwarded-for", false, false),
        ("x-forwarded-users", false, false),
    ] {
        let name = HeaderName::from_static(name);
        let found = (actors.is_withheld(&name, true), actors.is_withheld(&name, false));
        assert_eq!(found, (from_trusted, from_others), "{name}");
    }
}

#[test]
fn certificates_name_their_holders() {
    let mut params =
        rcgen::CertificateParams::new(vec!["ada.example".to_owned(), "10.0.0.7".to_owned()])
            .unwrap();
    for (kind, text) in [
        (rcgen::DnType::CommonName, "Ada"),
        (rcgen::DnType::OrganizationName, "Example"),
        (rcgen::DnType::OrganizationalUnitName, "Operations"),
    ] {
        params.distinguished_name.push(kind, text);
    }
    let mail = rcgen::string::Ia5String::try_from("ada@example.com").unwrap();
    params.subject_alt_names.push(rcgen::SanType::Rfc822Name(mail));
    let der = params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
    let certificate = ClientCertificate::of(der.der());
    let template = |text: &str| Template::parse(text, &["subject", "san"]).ok();
    let rows: &[(&str, Option<&str>)] = &[
        ("{subject.cn}", Some("Ada")),
        ("{subject.ou}@{subject.o}", Some("Operations@Example")),
        ("{san.dns}", Some("ada.example")),
        ("{san.ip}", Some("10.0.0.7")),
        ("{san.email}", Some("ada@example.com")),
        ("{san.uri}", None),
    ];
    for (id, expected) in rows {
        let mtls = ActorRule { id: template(id), ..rule(ProofRule::Mtls) };
        let actors = Actors::new(vec![mtls], vec![]);
        let evidence = Evidence { certificate: Some(&certificate), ..Evidence::default() };
        let found = actors.identify(&request(&[]), &evidence, &key()).unwrap().into_inner();
        assert_eq!(found.actor.id.as_deref(), *expected, "{id}");
        assert!(found.actor.verified && found.actor.credential.is_some());
        assert_eq!(found.actor.kind, ActorKind::Api);
    }
    let unreadable = ClientCertificate::of(b"no certificate");
    let evidence = Evidence { certificate: Some(&unreadable), ..Evidence::default() };
    let actors = Actors::new(vec![rule(ProofRule::Mtls)], vec![]);
    let found = actors.identify(&request(&[]), &evidence, &key()).unwrap().into_inner();
    assert_eq!((found.actor.verified, found.actor.id), (true, None));
}

#[test]
fn signing_in_tells_the_user_name() {
    let paths = vec!["/login".to_owned(), "/sso/*".to_owned()];
    let rule = named(ProofRule::SignIn(paths), "body", "{body:$.username | body:$.user.mail}", "");
    let actors = Actors::new(vec![rule], vec![]);
    let form = "application/x-www-form-urlencoded";
    let json = "application/json";
    let rows: &[(&str, &str, &str, &str, &str)] = &[
        ("POST", "/login", form, "username=ada&password=x", "ada sign_in claimed"),
        ("POST", "/login/", json, r#"{"username":"ada"}"#, "ada sign_in claimed"),
        (
            "POST",
            "/login?next=/",
            json,
            r#"{"user":{"mail":"a@b.example"}}"#,
            "a@b.example sign_in claimed",
        ),
        ("POST", "/sso/blue", json, r#"{"username":7}"#, "7 sign_in claimed"),
        // Which of two counts is not ours to say.
        (
            "POST",
            "/login",
            form,
            "username=ada&username=eve",
            "- sign_in claimed actor_credential_repeated",
        ),
        ("POST", "/login", form, "username=ada&username=ada", "ada sign_in claimed"),
        (
            "POST",
            "/login",
            json,
            r#"{"username":["ada","eve"]}"#,
            "- sign_in claimed actor_credential_repeated",
        ),
        (
            "POST",
            "/login",
            json,
            r#"{"username":"ada","username":"eve"}"#,
            "- sign_in claimed actor_credential_repeated",
        ),
        ("POST", "/login", json, r#"{"username":["ada"]}"#, "ada sign_in claimed"),
        ("POST", "/login", json, r#"{"other":7}"#, "- - claimed"),
        ("POST", "/login", json, "[1]", "- - claimed"),
        ("POST", "/login", json, "{", "- - claimed"),
        ("POST", "/logins", json, r#"{"username":"ada"}"#, "- - claimed"),
        ("GET", "/login", json, r#"{"username":"ada"}"#, "- - claimed"),
    ];
    for (method, path, kind, body, expected) in rows {
        let request = Request {
            method: (*method).to_owned(),
            path_and_query: (*path).to_owned(),
            body: Body::whole(body.as_bytes().to_vec()),
            ..request(&[("content-type", kind)])
        };
        assert_eq!(shown(&identify(&actors, &request, None)), *expected, "{path} {body}");
    }
}

#[test]
fn basic_shows_no_key_in_the_place_of_a_user() {
    let proof = named(ProofRule::Basic, "user", "{user}", "");
    let actors = Actors::new(vec![proof], vec![]);
    let rows: Vec<(String, &str)> = vec![
        (basic("alice:correct horse"), "alice basic claimed"),
        (basic("sk_live_0123456789abcdef:"), "- basic claimed"),
        ("Digest username=\"bob\"".to_owned(), "bob - claimed"),
    ];
    for (sent, expected) in rows {
        let found = identify(&actors, &request(&[("authorization", &sent)]), None);
        assert_eq!(shown(&found), expected);
    }
}

#[test]
fn secrets_have_no_debug_form() {
    let secret = crate::identify::Secret::new("hunter2".to_owned());
    let all = format!("{secret:?} {:?} {:?}", jwt(), api_keys());
    for part in ["hunter2", "shared secret", API_KEY] {
        assert!(!all.contains(part), "{all}");
    }
}

proptest! {
    #[test]
    fn hostile_credentials_prove_nothing_and_never_panic(
        text in "[ -~]{0,300}",
        any in ".{0,60}",
        claims in "\\{(\"(sub|exp|nbf|iss|aud)\":(\"[ -~&&[^\"\\\\]]{0,9}\"|-?[0-9]{1,25}|\\[\\]|null|\\{\\}),?){0,5}",
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let claims = format!("{}}}", claims.trim_end_matches(','));
        let (header, claims) = (part(&json!({"alg": "HS256"})), BASE64URL.encode(claims));
        let signed = format!("{header}.{claims}");
        let actors =
            Actors::new(vec![forwarded(), jwt(), rule(ProofRule::Basic), api_keys(), introspect()], vec![]);
        for value in [
            text.clone(),
            format!("Bearer {text}"),
            format!("Bearer {signed}.{}", BASE64URL.encode(&bytes)),
            format!("Bearer {signed}.{}", any.replace(char::is_control, "")),
            format!("sid={text}; sid={any}"),
        ] {
            let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) else { continue };
            for name in [AUTHORIZATION, COOKIE, HeaderName::from_static("x-api-key")] {
                let mut request = Request { peer_trusted: false, ..request(&[]) };
                request.headers.append(name, value.clone());
                let found = identify(&actors, &request, None);
                prop_assert!(!found.actor.verified);
                super::check(&found.actor);
            }
        }
        KeySet::from_jwks(&bytes).ok();
        ClientCertificate::of(&bytes);
        Template::parse(&text, &["claims"]).ok();
    }

    #[test]
    fn key_sets_of_any_form_never_panic(
        kty in "(RSA|EC|OKP|oct)", crv in "(P-256|P-384|Ed25519|X)", x in "[A-Za-z0-9_-]{0,90}",
        n in "[A-Za-z0-9_-]{0,400}",
    ) {
        let jwks = json!({"keys": [{"kty": kty, "crv": crv, "x": x, "y": x, "n": n, "e": "AQAB"}]});
        if let Ok(keys) = KeySet::from_jwks(jwks.to_string().as_bytes()) {
            for (_, algorithm) in Algorithm::NAMES {
                let found = keys.verify(algorithm, None, b"signed", n.as_bytes());
                prop_assert!(found != crate::identify::jws::Signature::Right);
            }
        }
    }
}
