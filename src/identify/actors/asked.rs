//! Who acts as somebody else says: whoever is asked about a credential, or whoever signs in.

use std::borrow::Cow;

use http::HeaderMap;
use serde_json::{Value, json};

use super::super::actor::{by_convention, known_as};
use super::super::answer::{is_of_nobody, says_nobody};
use super::super::evidence::{Introspected, Need};
use super::super::jwt;
use super::super::rule::{ActorRule, Asked, Introspection};
use super::{Attempt, NOT_NAMED, REFUSED, REPEATED, Scene, UNVERIFIED_EMAIL, shown};
use crate::record::{Actor, ActorKind, AuthMethod};
use crate::redact::{FingerprintKey, SECRET_DOMAIN};

/// Who acts, as whoever was asked about the credential says.
pub(super) fn introspected(
    position: usize,
    rule: &ActorRule,
    introspection: &Introspection,
    scene: &Scene<'_>,
) -> Result<Attempt, Need> {
    let passed = introspection.passed_on(&scene.request.headers);
    let Some(secret) = introspection.secret(&passed) else { return Ok(Attempt::Absent) };
    if introspection.is_repeated(&scene.request.headers) {
        return Ok(Attempt::Claimed(presented(&passed, &secret, scene.key), Some(REPEATED)));
    }
    let answers = &scene.evidence.introspected;
    let Some((_, answer)) = answers.iter().find(|(rule, _)| *rule == position) else {
        return Err(Need::Introspection(position));
    };
    let base = presented(&passed, &secret, scene.key);
    Ok(match answer {
        Introspected::Refused => Attempt::Claimed(base, Some(REFUSED)),
        Introspected::Failed(note) => Attempt::Claimed(base, Some(note)),
        Introspected::Known(body) => {
            let mut base = Actor { id: None, name: None, email: None, ..base };
            let (body, is_doubted) = undoubted(body);
            let body = body.as_ref();
            if matches!(introspection.asked, Asked::Server(_))
                && let Value::Object(claims) = body
            {
                let who = jwt::who(claims);
                (base.id, base.name, base.email) = (who.id, who.name, who.email);
            }
            let actor = rule.fill(&json!({ "body": body }), base);
            let has_no_id = rule.id.is_some() && actor.id.is_none();
            if says_nobody(body) || has_no_id || actor.id.as_deref().is_some_and(is_of_nobody) {
                // A name without the id that the rule asks for: `AnonymousUser`.
                let actor = Actor { id: None, name: None, email: None, ..actor };
                return Ok(Attempt::Claimed(actor, Some(NOT_NAMED)));
            }
            match actor.id.is_some() || actor.name.is_some() || actor.email.is_some() {
                true => Attempt::Proved(
                    Actor { verified: true, ..actor },
                    is_doubted.then_some(UNVERIFIED_EMAIL),
                ),
                // Applications answer so to somebody who is not signed in.
                false => Attempt::Claimed(actor, Some(NOT_NAMED)),
            }
        }
    })
}

/// What was said of somebody, and of what it holds, without e-mail addresses of which it says that nobody
/// has made sure whose they are; and whether there were any.
fn undoubted(body: &Value) -> (Cow<'_, Value>, bool) {
    let doubts = |value: &Value| value.as_object().is_some_and(jwt::doubts_email);
    let inner = body.as_object().into_iter().flat_map(|members| members.values());
    if !(doubts(body) || inner.into_iter().any(doubts)) {
        return (Cow::Borrowed(body), false);
    }
    let mut body = body.clone();
    let leave_out = |value: &mut Value| {
        if doubts(value)
            && let Value::Object(members) = value
        {
            members.remove("email");
        }
    };
    leave_out(&mut body);
    if let Value::Object(members) = &mut body {
        members.values_mut().for_each(leave_out);
    }
    (Cow::Owned(body), true)
}

/// Who a request that signs in says it is, if it says so.
pub(super) fn signed_in(rule: &ActorRule, body: Value) -> Attempt {
    let base = known_as(ActorKind::User, Some(AuthMethod::SignIn), None);
    let document = json!({ "body": body });
    let actor = rule.fill(&document, base);
    let mut templates = [&rule.id, &rule.name, &rule.email].into_iter().flatten();
    if templates.any(|template| template.is_ambiguous(&document)) {
        return Attempt::Claimed(actor, Some(REPEATED));
    }
    match actor.id.is_some() || actor.name.is_some() || actor.email.is_some() {
        true => Attempt::Claimed(actor, None),
        false => Attempt::Absent,
    }
}

/// The actor of a credential of which only the form is known.
fn presented(passed: &HeaderMap, secret: &str, key: &FingerprintKey) -> Actor {
    let by_form = by_convention(passed, key);
    if by_form.kind != ActorKind::Anonymous {
        return by_form;
    }
    let print = shown(secret, &key.digest(SECRET_DOMAIN, secret.as_bytes()));
    known_as(ActorKind::User, Some(AuthMethod::Session), print)
}
