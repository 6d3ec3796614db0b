//! Tokens that prove, and the many that do not.

use std::sync::Arc;

use serde_json::{Value, json};

use super::issuer::{Issuer, part, shared};
use super::request;
use crate::identify::jws::KeySet;
use crate::identify::token::{Proof, Proofs, Times};
use crate::identify::{
    ActorRule, Actors, Algorithm, Carrier, Evidence, Fetched, Identified, KeySource, Need,
    ProofRule, Template, TokenKeys, TokenRule,
};
use crate::record::{Actor, ActorKind};

const NOW: i64 = 1_800_000_000;
const LATER: i64 = NOW + 600;
const SECRET: &[u8] = b"a shared secret of many bytes";

fn every(symmetric: bool) -> Vec<Algorithm> {
    let all = Algorithm::NAMES.iter().map(|(_, algorithm)| *algorithm);
    all.filter(|algorithm| algorithm.is_symmetric() == symmetric).collect()
}

fn key_set(jwks: &Value) -> Arc<KeySet> {
    Arc::new(KeySet::from_jwks(jwks.to_string().as_bytes()).unwrap())
}

fn token_rule(keys: TokenKeys, symmetric: bool) -> TokenRule {
    TokenRule {
        keys,
        algorithms: every(symmetric),
        issuers: vec!["https://issuer.example".to_owned()],
        audiences: vec!["admin".to_owned(), "other".to_owned()],
        leeway: 30,
    }
}

fn jwt_rule(rule: TokenRule) -> ActorRule {
    let carrier = Carrier::Header(http::header::AUTHORIZATION);
    let proof = ProofRule::Jwt(carrier, rule);
    ActorRule { proof, id: None, name: None, email: None, kind: None }
}

fn who(actors: &Actors, evidence: &Evidence<'_>, token: &str) -> Identified {
    let request = request(&[("authorization", &format!("Bearer {token}"))]);
    actors.identify(&request, evidence, &super::key()).unwrap().into_inner()
}

fn now(at: i64) -> Evidence<'static> {
    Evidence { now: at, ..Evidence::default() }
}

fn good() -> Value {
    json!({"sub": "ada", "iss": "https://issuer.example", "aud": ["x", "admin"], "exp": LATER})
}

fn with(change: Value) -> Value {
    let mut claims = good();
    for (name, value) in change.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

#[test]
fn tokens_of_other_libraries_are_proved() {
    let file = include_str!("../../../tests/data/identity/vectors.json");
    let vectors: Value = serde_json::from_str(file).unwrap();
    let keys = key_set(&vectors["jwks"]);
    let secret = b"a secret that other libraries know, of more than 64 bytes, for HS512";
    let secret = Arc::new(KeySet::shared(secret).unwrap());
    let tokens = vectors["tokens"].as_object().unwrap();
    assert_eq!(tokens.len(), Algorithm::NAMES.len());
    for (algorithm, token) in tokens {
        let symmetric = algorithm.starts_with("HS");
        let keys = TokenKeys::Here(if symmetric { secret.clone() } else { keys.clone() });
        let rule = TokenRule { issuers: vec![], audiences: vec![], ..token_rule(keys, symmetric) };
        let actors = Actors::new(vec![jwt_rule(rule)], vec![]);
        let found = who(&actors, &now(NOW), token.as_str().unwrap());
        assert!(found.actor.verified, "{algorithm}: {found:?}");
        assert_eq!(found.actor.id.as_deref(), Some("vector"));
    }
}

#[test]
fn only_what_is_signed_issued_meant_for_us_and_timely_is_proof() {
    let issuer = Issuer::new();
    let keys = TokenKeys::Here(key_set(&issuer.jwks()));
    let actors = Actors::new(vec![jwt_rule(token_rule(keys, false))], vec![]);
    let rsa = |claims: &Value| issuer.token(&json!({"alg": "RS256", "kid": "rsa"}), claims);
    let headed = |header: Value| issuer.token(&header, &good());
    let forged = {
        let token = rsa(&good());
        let (header, rest) = token.split_once('.').unwrap();
        let (_, signature) = rest.split_once('.').unwrap();
        format!("{header}.{}.{signature}", part(&with(json!({"sub": "root"}))))
    };
    // The public key as a shared secret: the confusion of RS256 with HS256.
    let public = issuer.jwks()["keys"][0]["n"].as_str().unwrap().to_owned();
    #[rustfmt::skip]
    let rows: Vec<(&str, String, Option<&str>)> = vec![
        ("as it should be", rsa(&good()), None),
        ("one audience", rsa(&with(json!({"aud": "other"}))), None),
        ("a key is not named", headed(json!({"alg": "RS256"})), None),
        ("PSS", headed(json!({"alg": "PS512", "kid": "rsa"})), None),
        ("P-256", headed(json!({"alg": "ES256", "kid": "p256"})), None),
        ("P-384", headed(json!({"alg": "ES384", "kid": "p384"})), None),
        ("Ed25519", headed(json!({"alg": "EdDSA", "kid": "ed"})), None),
        ("expired, within the leeway", rsa(&with(json!({"exp": NOW - 29}))), None),
        ("not begun, within the leeway", rsa(&with(json!({"nbf": NOW + 29}))), None),
        ("times with fractions", rsa(&with(json!({"exp": NOW as f64 + 0.5}))), None),
        ("expired", rsa(&with(json!({"exp": NOW - 31}))), Some("actor_token_expired")),
        ("not begun", rsa(&with(json!({"nbf": NOW + 31}))), Some("actor_token_not_yet_valid")),
        ("no end", rsa(&with(json!({"exp": null}))), Some("actor_token_times")),
        ("an end that is text", rsa(&with(json!({"exp": "4102444800"}))), Some("actor_token_times")),
        ("a beginning that is text", rsa(&with(json!({"nbf": "1"}))), Some("actor_token_times")),
        ("another audience", rsa(&with(json!({"aud": ["x"]}))), Some("actor_token_audience")),
        ("no audience", rsa(&with(json!({"aud": null}))), Some("actor_token_audience")),
        ("another issuer", rsa(&with(json!({"iss": "https://issuer.example.evil"}))), Some("actor_token_other_issuer")),
        ("two issuers", rsa(&with(json!({"iss": ["https://issuer.example"]}))), Some("actor_token_other_issuer")),
        ("none", headed(json!({"alg": "none"})), Some("actor_token_unsigned")),
        ("None", headed(json!({"alg": "nOnE", "kid": "rsa"})), Some("actor_token_unsigned")),
        ("no signature", headed(json!({"alg": "RS384", "kid": "rsa"})), Some("actor_token_unsigned")),
        ("claims changed", forged, Some("actor_token_signature")),
        ("key confusion", shared("HS256", public.as_bytes(), &good()), Some("actor_token_algorithm")),
        ("secret of the key set", shared("HS256", &[7; 32], &good()), Some("actor_token_algorithm")),
        ("another key's algorithm", headed(json!({"alg": "RS256", "kid": "p256"})), Some("actor_token_signature")),
        ("a key for encryption", headed(json!({"alg": "RS256", "kid": "encrypts"})), Some("actor_token_key_unknown")),
        ("an unknown key", headed(json!({"alg": "RS256", "kid": "new"})), Some("actor_token_key_unknown")),
        ("an extension", headed(json!({"alg": "RS256", "kid": "rsa", "crit": ["b64"], "b64": false})), Some("actor_token_critical")),
        ("no algorithm", format!("{}.{}.AAAA", part(&json!({})), part(&good())), Some("actor_token_algorithm")),
    ];
    for (what, token, note) in rows {
        for again in ["first", "again"] {
            let found = who(&actors, &now(NOW), &token);
            let notes: Vec<&str> = note.into_iter().collect();
            assert_eq!(
                (found.actor.verified, found.notes),
                (note.is_none(), notes),
                "{what}, {again}"
            );
            assert_eq!(found.actor.kind, ActorKind::User);
            assert!(found.actor.id.is_some(), "{what}: the claim is shown");
        }
    }
}

#[test]
fn an_address_of_which_nobody_has_made_sure_is_nobodys() {
    let issuer = Issuer::new();
    let keys = || TokenKeys::Here(key_set(&issuer.jwks()));
    let by_sub = Actors::new(vec![jwt_rule(token_rule(keys(), false))], vec![]);
    let by_email = ActorRule {
        id: Template::parse("{claims.email}", &["claims"]).ok(),
        ..jwt_rule(token_rule(keys(), false))
    };
    let by_email = Actors::new(vec![by_email], vec![]);
    let (sure, root) = (true, Some("root@b.example"));
    let rows = [
        (json!(false), !sure),
        (json!("False"), !sure),
        (json!(0), !sure),
        (json!(true), sure),
        (json!("true"), sure),
        (json!(null), sure),
    ];
    for (said, is_sure) in rows {
        let claims = with(json!({"email": "root@b.example", "email_verified": said}));
        let token = issuer.token(&json!({"alg": "ES256", "kid": "p256"}), &claims);
        for again in ["first", "again"] {
            let found = who(&by_sub, &now(NOW), &token);
            let actor = found.actor;
            let notes: &[&str] = if is_sure { &[] } else { &["actor_email_unverified"] };
            assert_eq!(
                (actor.verified, actor.id.as_deref()),
                (true, Some("ada")),
                "{said}, {again}"
            );
            assert_eq!(actor.email.as_deref(), root.filter(|_| is_sure), "{said}, {again}");
            assert_eq!(found.notes, notes, "{said}, {again}");
        }
        let found = who(&by_email, &now(NOW), &token).actor;
        assert_eq!((found.verified, found.id.as_deref()), (is_sure, root.filter(|_| is_sure)));
    }
}

#[test]
fn a_token_without_end_never_counts() {
    let issuer = Issuer::new();
    let keys = TokenKeys::Here(key_set(&issuer.jwks()));
    let actors = Actors::new(vec![jwt_rule(token_rule(keys, false))], vec![]);
    let mut claims = good();
    claims.as_object_mut().unwrap().remove("exp");
    let token = issuer.token(&json!({"alg": "ES256", "kid": "p256"}), &claims);
    let found = who(&actors, &now(NOW), &token);
    assert_eq!((found.actor.verified, found.notes), (false, vec!["actor_token_without_expiry"]));
}

#[test]
fn shared_secrets() {
    let rule = |secret: &[u8]| {
        let keys = TokenKeys::Here(Arc::new(KeySet::shared(secret).unwrap()));
        Actors::new(vec![jwt_rule(token_rule(keys, true))], vec![])
    };
    let token = shared("HS256", SECRET, &good());
    assert!(who(&rule(SECRET), &now(NOW), &token).actor.verified);
    let other = who(&rule(b"another secret of many bytes"), &now(NOW), &token);
    assert_eq!((other.actor.verified, other.notes), (false, vec!["actor_token_signature"]));
    let issuer = Issuer::new();
    let signed = issuer.token(&json!({"alg": "RS256"}), &good());
    let other = who(&rule(SECRET), &now(NOW), &signed);
    assert_eq!((other.actor.verified, other.notes), (false, vec!["actor_token_algorithm"]));
    assert!(KeySet::shared(b"guessable").is_none());
    assert_eq!(format!("{:?}", KeySet::shared(SECRET)), "Some(KeySet(1 keys))");
}

#[test]
fn what_was_proved_is_remembered_until_it_ends_or_its_keys_change() {
    let (first, second) = (Issuer::new(), Issuer::new());
    let source = || KeySource {
        endpoint: crate::identify::Endpoint {
            tls: false,
            host: "issuer.example".to_owned(),
            port: 80,
            path: "/".to_owned(),
            authorities: vec![],
            client: None,
        },
        refresh: std::time::Duration::from_secs(1),
        timeout: std::time::Duration::from_secs(1),
    };
    let rule = jwt_rule(token_rule(TokenKeys::Source(0), false));
    let actors = Actors::new(vec![rule], vec![source()]);
    let evidence = |at: i64, keys: Option<&Issuer>, asked: bool| Evidence {
        now: at,
        keys: vec![Fetched { keys: keys.map(|issuer| key_set(&issuer.jwks())), asked }],
        ..Evidence::default()
    };
    let token = first.token(&json!({"alg": "ES256", "kid": "p256"}), &good());
    let request = request(&[("authorization", &format!("Bearer {token}"))]);
    let identify = |evidence: &Evidence<'_>| {
        actors.identify(&request, evidence, &super::key()).map(|who| who.into_inner())
    };
    // Nothing is known yet: somebody has to ask, once.
    assert_eq!(identify(&Evidence { now: NOW, ..Evidence::default() }), Err(Need::Keys(0)));
    assert_eq!(identify(&evidence(NOW, None, false)), Err(Need::Keys(0)));
    let found = identify(&evidence(NOW, None, true)).unwrap();
    assert_eq!((found.actor.verified, found.notes), (false, vec!["actor_token_key_unknown"]));
    let mut declined = Evidence { now: NOW, ..Evidence::default() };
    declined.decline(Need::Keys(0), "x");
    assert!(!identify(&declined).unwrap().actor.verified);

    for _ in 0..2 {
        assert!(identify(&evidence(NOW, Some(&first), false)).unwrap().actor.verified);
    }
    assert_eq!(actors.proofs().len(), 1);
    let found = identify(&evidence(LATER + 30, Some(&first), false)).unwrap();
    assert_eq!((found.actor.verified, found.notes), (false, vec!["actor_token_expired"]));
    // The issuer took the key back: the same token is no proof any more.
    let found = identify(&evidence(NOW, Some(&second), true)).unwrap();
    assert_eq!((found.actor.verified, found.notes), (false, vec!["actor_token_signature"]));
    // A key that is not there may be new.
    let unknown = first.token(&json!({"alg": "ES256", "kid": "next"}), &good());
    let request = super::request(&[("authorization", &format!("Bearer {unknown}"))]);
    let need = actors.identify(&request, &evidence(NOW, Some(&first), false), &super::key());
    assert_eq!(need.err(), Some(Need::Keys(0)));
}

#[test]
fn tokens_without_a_rule_remain_claims_and_memory_is_bounded() {
    let issuer = Issuer::new();
    let token = issuer.token(&json!({"alg": "ES256", "kid": "p256"}), &good());
    let found = who(&Actors::default(), &now(NOW), &token);
    assert_eq!((found.actor.verified, found.actor.id.as_deref()), (false, Some("ada")));

    let proofs = Proofs::default();
    let times = Times::of(good().as_object().unwrap()).unwrap();
    let actor = Actor { credential: None, ..found.actor };
    for number in 0..10_000_usize {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_be_bytes());
        proofs.add((0, digest), Proof { actor: actor.clone(), note: None, times, version: 0 });
    }
    assert!(proofs.len() <= 4096, "{}", proofs.len());
}

#[test]
fn templates_take_claims_by_their_paths() {
    let claims = json!({"claims": {"sub": "u-1", "realm": {"name": "blue", "ids": [7, 8]},
        "https://example.com/email": "a@b.example", "empty": "", "no": null, "long": "x".repeat(999)}});
    let rows: &[(&str, Option<&str>)] = &[
        ("{claims.sub}", Some("u-1")),
        ("{claims.realm.name}", Some("blue")),
        ("{claims:$.realm.name}", Some("blue")),
        ("{claims.realm.ids}", None),
        ("{claims.realm.ids[1]}", Some("8")),
        ("{claims.realm.ids[2]}", None),
        ("{claims[\"https://example.com/email\"]}", Some("a@b.example")),
        ("{claims['https://example.com/email']}", Some("a@b.example")),
        ("{claims.empty | claims.no | claims.missing | claims.sub}", Some("u-1")),
        ("{claims.realm}", None),
        ("svc:{claims.sub}@{claims.realm.name}", Some("svc:u-1@blue")),
        ("svc:{claims.no}", None),
    ];
    for (text, expected) in rows {
        let template = Template::parse(text, &["claims"]).unwrap();
        assert_eq!(template.fill(&claims).as_deref(), *expected, "{text}");
    }
    let long = Template::parse("{claims.long}", &["claims"]).unwrap();
    assert_eq!(long.fill(&claims).unwrap().len(), 256);
    for text in [
        "",
        "claims.sub",
        "{claims.sub",
        "claims.sub}",
        "{}",
        "{claims..sub}",
        "{claims.sub|}",
        "{body.sub}",
        "{claims[}",
        "{claims[\"a}",
        "{claims[x]}",
        "{.sub}",
        "{claims sub}",
    ] {
        assert!(Template::parse(text, &["claims"]).is_err(), "{text}");
    }
}

#[test]
fn a_key_is_used_for_its_own_algorithm_alone() {
    let issuer = Issuer::new();
    for (only, verified) in [("RS256", true), ("RS512", false), ("unheard-of", false)] {
        let mut jwks = issuer.jwks();
        jwks["keys"][0]["alg"] = only.into();
        let keys = TokenKeys::Here(key_set(&jwks));
        let actors = Actors::new(vec![jwt_rule(token_rule(keys, false))], vec![]);
        let token = issuer.token(&json!({"alg": "RS256", "kid": "rsa"}), &good());
        assert_eq!(who(&actors, &now(NOW), &token).actor.verified, verified, "{only}");
    }
}
