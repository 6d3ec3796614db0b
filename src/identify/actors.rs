//! Who acts, by rules: the first rule that proves it decides.
//!
//! A proof counts for more than a claim, so that nobody hides behind what he adds to a request whose
//! credential is proved. Where no rule proves anybody, the first claim stands, and says so. What other
//! credentials claim is recorded beside the actor, with why it proves nothing.

mod asked;
mod claims;

use http::HeaderName;
use serde_json::{Value, json};

use self::asked::{introspected, signed_in};
use self::claims::Claims;
use super::actor::{claimed, known_as, of_request};
use super::credential::{Credential, credential, is_key_as_user};
use super::endpoint::KeySource;
use super::evidence::{Evidence, Fetched, Need};
use super::jws::KeySet;
use super::rule::{ActorRule, Carried, Introspection, ProofRule};
use super::token::{Proof, Proofs, Times, TokenKeys, TokenRule, Verdict, check};
use super::{ApiKeys, jwt, sign_in};
use crate::capture::Request;
use crate::record::{Actor, ActorKind, AuthMethod};
use crate::redact::{FingerprintKey, Redacted, SECRET_DOMAIN, is_guessable};

/// A credential is there more than once.
const REPEATED: &str = "actor_credential_repeated";
const OTHER_ISSUER: &str = "actor_token_other_issuer";
const UNKNOWN_KEY: &str = "actor_token_key_unknown";
const NOT_IN_TABLE: &str = "actor_key_unknown";
const NOT_NAMED: &str = "actor_not_named";
const REFUSED: &str = "actor_credential_refused";
/// Who vouches for the actor says that the e-mail address may be anybody's: it is not taken.
const UNVERIFIED_EMAIL: &str = "actor_email_unverified";
/// Another credential claims somebody, and nobody has proved it.
const BESIDE: &str = "actor_claimed_otherwise";
/// A header that only a trusted proxy may set came from somebody else, and was taken away.
const UNTRUSTED: &str = "actor_header_untrusted";

/// Who acts, and what a reader should know about how that was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    /// Who.
    pub actor: Actor,
    /// Notes for the record.
    pub notes: Vec<&'static str>,
    /// The position of the rule that read who it is; by convention if there is none.
    pub rule: Option<usize>,
}

/// All rules that say who acts, in their order.
#[derive(Debug, Default)]
pub struct Actors {
    rules: Vec<ActorRule>,
    sources: Vec<KeySource>,
    protected: Vec<HeaderName>,
    proofs: Proofs,
}

/// What a rule came to.
enum Attempt {
    Absent,
    Proved(Actor, Option<&'static str>),
    Claimed(Actor, Option<&'static str>),
}

/// What every rule looks at.
struct Scene<'a> {
    request: &'a Request,
    evidence: &'a Evidence<'a>,
    key: &'a FingerprintKey,
}

impl Actors {
    /// All rules, and the sources of keys that they name.
    pub fn new(rules: Vec<ActorRule>, sources: Vec<KeySource>) -> Self {
        let mut protected = Vec::new();
        for rule in &rules {
            let ProofRule::Header(name) = &rule.proof else { continue };
            protected.push(name.clone());
            let templates = [&rule.id, &rule.name, &rule.email].into_iter().flatten();
            let named = templates.flat_map(|template| template.members("header"));
            protected.extend(named.filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()));
        }
        Self { rules, sources, protected, proofs: Proofs::default() }
    }

    #[cfg(test)]
    pub(super) fn proofs(&self) -> &Proofs {
        &self.proofs
    }

    /// The rules, in their order.
    pub fn rules(&self) -> &[ActorRule] {
        &self.rules
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Where keys are fetched.
    pub fn key_sources(&self) -> &[KeySource] {
        &self.sources
    }

    /// The introspection of the rule with this position.
    pub fn introspection(&self, rule: usize) -> Option<&Introspection> {
        match &self.rules.get(rule)?.proof {
            ProofRule::Introspect(introspection) => Some(introspection),
            _ => None,
        }
    }

    /// Header fields that are believed, and passed on, only if they come from a trusted proxy.
    pub fn protected(&self) -> &[HeaderName] {
        &self.protected
    }

    /// Whether a field, from somebody who is trusted or not, must not be passed on. Many servers
    /// take `_` in a name for `-`, so a name that differs in that alone is always somebody's attempt.
    pub fn is_withheld(&self, name: &HeaderName, peer_trusted: bool) -> bool {
        let same = |known: &HeaderName| {
            let bytes = |name: &HeaderName| {
                let name = name.as_str().as_bytes();
                name.iter().map(|b| if *b == b'_' { b'-' } else { *b }).collect::<Vec<u8>>()
            };
            known.as_str().len() == name.as_str().len() && bytes(known) == bytes(name)
        };
        if super::credential::is_of_http(name) {
            return false;
        }
        let exact = peer_trusted && self.protected.contains(name);
        !exact && self.protected.iter().any(same)
    }

    /// Who acts, or what has to be found out before that can be said.
    pub fn identify(
        &self,
        request: &Request,
        evidence: &Evidence<'_>,
        key: &FingerprintKey,
    ) -> Result<Redacted<Identified>, Need> {
        let scene = Scene { request, evidence, key };
        let mut claims = Claims::default();
        let mut decided = None;
        for (position, rule) in self.rules.iter().enumerate() {
            match self.attempt(position, rule, &scene)? {
                Attempt::Absent => {}
                // Whoever signs in says so by that, whose session there may still be.
                Attempt::Claimed(actor, note) if !matches!(rule.proof, ProofRule::SignIn(_)) => {
                    claims.add(actor, note, (rule, position));
                }
                Attempt::Claimed(actor, note) | Attempt::Proved(actor, note) => {
                    claims.settle(rule, &actor, &request.headers);
                    decided = Some((actor, note.into_iter().collect(), position));
                    break;
                }
            }
        }
        let (mut actor, mut notes, rule) = match decided.or_else(|| claims.first()) {
            Some((actor, notes, rule)) => (actor, notes, Some(rule)),
            None => (of_request(request, key), Vec::new(), None),
        };
        actor.claimed = claims.beside();
        notes.extend((!actor.claimed.is_empty()).then_some(BESIDE));
        let withheld = |name: &HeaderName| self.is_withheld(name, request.peer_trusted);
        if !self.protected.is_empty() && request.headers.keys().any(withheld) {
            notes.push(UNTRUSTED);
        }
        // Safe: what rules select of a credential says who, and is never the credential itself; the
        // pipeline redacts it again by what the redaction rules know.
        Ok(Redacted::vouched(Identified { actor, notes, rule }))
    }

    fn attempt(
        &self,
        position: usize,
        rule: &ActorRule,
        scene: &Scene<'_>,
    ) -> Result<Attempt, Need> {
        let headers = &scene.request.headers;
        match &rule.proof {
            ProofRule::Jwt(carrier, token) => match carrier.find(headers) {
                Some(carried) => self.token(position, rule, token, &carried, scene),
                None => Ok(Attempt::Absent),
            },
            ProofRule::Basic => Ok(basic(rule, scene)),
            ProofRule::Header(name) => Ok(header(rule, name, scene)),
            ProofRule::ApiKey(carrier, table) => Ok(match carrier.find(headers) {
                Some(carried) => api_key(rule, table, &carried, scene),
                None => Attempt::Absent,
            }),
            ProofRule::Mtls => Ok(certificate(rule, scene)),
            ProofRule::Introspect(introspection) => {
                introspected(position, rule, introspection, scene)
            }
            ProofRule::SignIn(paths) => Ok(match sign_in::document(paths, scene.request) {
                Some(body) => signed_in(rule, body),
                None => Attempt::Absent,
            }),
        }
    }

    fn token(
        &self,
        position: usize,
        rule: &ActorRule,
        wanted: &TokenRule,
        carried: &Carried<'_>,
        scene: &Scene<'_>,
    ) -> Result<Attempt, Need> {
        let fetched = match &wanted.keys {
            TokenKeys::Here(keys) => Fetched { keys: Some(keys.clone()), asked: true },
            TokenKeys::Source(source) => {
                scene.evidence.keys.get(*source).cloned().unwrap_or_default()
            }
        };
        let keys = fetched.keys.as_deref();
        let digest = scene.key.digest(SECRET_DOMAIN, carried.text.as_bytes());
        let place = (position, digest);
        let version = keys.map(KeySet::version);
        if !carried.ambiguous
            && let Some(proof) = self.proofs.find(&place)
            && Some(proof.version) == version
        {
            return Ok(timely(&proof, scene, wanted));
        }
        let Some(mut token) = jwt::parse(carried.text) else { return Ok(Attempt::Absent) };
        let verdict = check(wanted, keys, &token);
        if let (Verdict::UnknownKey, TokenKeys::Source(source)) = (verdict, &wanted.keys)
            && !fetched.asked
        {
            return Err(Need::Keys(*source));
        }
        let is_doubted = jwt::doubts_email(&token.claims);
        token.claims.retain(|name, _| !(is_doubted && name == "email"));
        let who = jwt::who(&token.claims);
        let times = Times::of(&token.claims);
        let kind = if who.program { ActorKind::Api } else { ActorKind::User };
        let print = shown(carried.text, &digest);
        let mut actor = known_as(kind, Some(AuthMethod::Jwt), print);
        (actor.id, actor.name, actor.email) = (who.id, who.name, who.email);
        let claims = Value::Object(token.claims);
        let actor =
            rule.fill(&Value::Object([("claims".to_owned(), claims)].into_iter().collect()), actor);
        if carried.ambiguous {
            return Ok(Attempt::Claimed(actor, Some(REPEATED)));
        }
        let note = match (verdict, times) {
            // Whose word counts has not said who it is.
            (Verdict::Proved, Ok(_)) if !rule.names(&actor) => NOT_NAMED,
            (Verdict::Proved, Ok(times)) => {
                let actor = Actor { verified: true, ..actor };
                let note = is_doubted.then_some(UNVERIFIED_EMAIL);
                let proof = Proof { actor, note, times, version: version.unwrap_or_default() };
                let timely = timely(&proof, scene, wanted);
                if version.is_some() {
                    self.proofs.add(place, proof);
                }
                return Ok(timely);
            }
            (Verdict::Proved, Err(note)) | (Verdict::Refused(note), _) => note,
            (Verdict::OtherIssuer, _) => OTHER_ISSUER,
            (Verdict::UnknownKey, _) => UNKNOWN_KEY,
        };
        Ok(Attempt::Claimed(actor, Some(note)))
    }
}

/// A token that was proved, now.
fn timely(proof: &Proof, scene: &Scene<'_>, wanted: &TokenRule) -> Attempt {
    let actor = proof.actor.clone();
    match proof.times.refusal(scene.evidence.now, wanted.leeway) {
        None => Attempt::Proved(actor, proof.note),
        Some(note) => Attempt::Claimed(Actor { verified: false, ..actor }, Some(note)),
    }
}

fn basic(rule: &ActorRule, scene: &Scene<'_>) -> Attempt {
    match credential(&scene.request.headers) {
        Some(credential @ Credential::Basic { .. }) => {
            let actor = claimed(&credential, scene.key);
            let Credential::Basic { user, password, .. } = &credential else {
                return Attempt::Absent;
            };
            // What may be a key is not shown, whatever the rule says.
            let actor = match is_key_as_user(user, password) {
                true => actor,
                false => rule.fill(&json!({ "user": user }), actor),
            };
            Attempt::Claimed(actor, None)
        }
        _ => Attempt::Absent,
    }
}

fn header(rule: &ActorRule, name: &HeaderName, scene: &Scene<'_>) -> Attempt {
    let headers = &scene.request.headers;
    if !scene.request.peer_trusted {
        return Attempt::Absent;
    }
    let values = |name: &HeaderName| {
        let values = headers.get_all(name).iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).trim().to_owned())
    };
    let mut all = values(name);
    let Some(value) = all.next().filter(|value| !value.is_empty()) else { return Attempt::Absent };
    let mut ambiguous = all.next().is_some();
    let mut others = serde_json::Map::new();
    for template in [&rule.id, &rule.name, &rule.email].into_iter().flatten() {
        for member in template.members("header") {
            let Ok(name) = HeaderName::from_bytes(member.as_bytes()) else { continue };
            let found: Vec<String> = values(&name).collect();
            ambiguous |= found.len() > 1;
            others.extend(found.into_iter().next().map(|text| (member.to_owned(), text.into())));
        }
    }
    let mut base = known_as(ActorKind::User, Some(AuthMethod::Header), None);
    base.id = super::text::bounded(&value);
    let actor = rule.fill(&json!({ "value": value, "header": others }), base);
    if ambiguous {
        return Attempt::Claimed(actor, Some(REPEATED));
    }
    Attempt::Proved(Actor { verified: true, ..actor }, None)
}

fn api_key(rule: &ActorRule, table: &ApiKeys, carried: &Carried<'_>, scene: &Scene<'_>) -> Attempt {
    let digest = scene.key.digest(SECRET_DOMAIN, carried.text.as_bytes());
    let print = shown(carried.text, &digest);
    let base = known_as(rule.kind.unwrap_or(ActorKind::Api), Some(AuthMethod::ApiKey), print);
    match table.find(carried.text, &digest) {
        None => Attempt::Claimed(base, Some(NOT_IN_TABLE)),
        Some(holder) => {
            let holder = holder.clone();
            let actor = Actor {
                id: holder.id,
                name: holder.name,
                email: holder.email,
                kind: holder.kind,
                ..base
            };
            match carried.ambiguous {
                true => Attempt::Claimed(actor, Some(REPEATED)),
                false => Attempt::Proved(Actor { verified: true, ..actor }, None),
            }
        }
    }
}

fn certificate(rule: &ActorRule, scene: &Scene<'_>) -> Attempt {
    let Some(certificate) = scene.evidence.certificate else { return Attempt::Absent };
    let print = scene.key.fingerprint("certificate", &certificate.digest);
    let base = known_as(ActorKind::Api, Some(AuthMethod::Mtls), Some(print));
    let actor = rule.fill(&certificate.names, base);
    Attempt::Proved(Actor { verified: true, ..actor }, None)
}

/// The fingerprint of a secret, unless trying all values would turn it back.
fn shown(secret: &str, digest: &[u8; 32]) -> Option<String> {
    (!is_guessable(secret)).then(|| FingerprintKey::shown(digest))
}

impl ActorRule {
    /// Whether somebody is named as the rule asks for: by an id where it says which, else by anything.
    fn names(&self, actor: &Actor) -> bool {
        let is_named = || actor.name.is_some() || actor.email.is_some();
        actor.id.is_some() || self.id.is_none() && is_named()
    }

    /// The actor as the rule's templates say, and by convention where it has none.
    fn fill(&self, document: &Value, base: Actor) -> Actor {
        let part = |template: &Option<super::Template>, base: Option<String>| match template {
            Some(template) => template.fill(document),
            None => base,
        };
        Actor {
            id: part(&self.id, base.id),
            name: part(&self.name, base.name),
            email: part(&self.email, base.email),
            kind: self.kind.unwrap_or(base.kind),
            ..base
        }
    }
}
