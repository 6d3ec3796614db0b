//! Who acts: meets the needs of `identify` by asking the servers that know.
//!
//! Invariants: nobody waits longer than the deadline of the rule, and what is not known by then is
//! recorded as a claim; what is remembered is bounded; a credential goes to nobody but the
//! application that it was sent to, or the authorization server that the rule names.

mod answers;
mod keys;
mod questions;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName};
use pingora::connectors::http::Connector;
use pingora::http::RequestHeader;
use tokio::sync::Semaphore;
use tokio::time::timeout_at;

use self::answers::{AnswerKey, Answers, Context};
use self::keys::Source;
use self::questions::Questions;
use super::fetch::{self, Answer, Application, FetchError, Room, ask_server};
use crate::capture::Request;
use crate::identify::{
    Actors, Asked, ClientCertificate, Endpoint, Evidence, Fetched, Identified, Introspected,
    Introspection, Need,
};
use crate::redact::{FingerprintKey, Redacted};

/// The largest answer of an introspection, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long a refusal holds at most: who signs in with the same session is soon known.
const REFUSAL: Duration = Duration::from_secs(5);
/// How long a server that failed about a credential is not asked about it again.
const FAILURE: Duration = Duration::from_secs(1);
/// Introspections at a time.
const CONCURRENT: usize = 64;

/// Some applications tie a session to where it came from, and with what.
const SHOWN: [HeaderName; 2] = [USER_AGENT, HeaderName::from_static("x-forwarded-for")];

const LATE: &str = "actor_introspection_timeout";
const FAILED: &str = "actor_introspection_failed";
const BUSY: &str = "actor_introspection_busy";
const NOT_ASKED: &str = "actor_not_asked";

/// The rules that say who acts, at work.
pub(super) struct Identity {
    actors: Arc<Actors>,
    sources: Vec<Arc<Source>>,
    answers: Answers,
    questions: Questions,
    /// Connections to servers that the rules name.
    connector: Arc<OnceLock<Connector>>,
    asking: Semaphore,
}

impl Identity {
    /// Puts rules to work. Keys of sources that `before` knew are taken over, others are fetched.
    pub(super) fn start(actors: Arc<Actors>, before: Option<&Self>) -> Self {
        let sources: Vec<Arc<Source>> = actors
            .key_sources()
            .iter()
            .map(|source| {
                let known = before.into_iter().flat_map(|before| &before.sources);
                let mut known = known.filter(|known| known.described == *source);
                known.next().cloned().unwrap_or_else(|| Arc::new(Source::new(source.clone())))
            })
            .collect();
        let identity = Self {
            actors,
            sources,
            answers: Answers::default(),
            questions: Questions::default(),
            connector: before.map(|before| Arc::clone(&before.connector)).unwrap_or_default(),
            asking: Semaphore::new(CONCURRENT),
        };
        for source in identity.sources.iter().filter(|source| source.is_due()) {
            identity.fetch_aside(source);
        }
        identity
    }

    /// The rules.
    pub(super) fn actors(&self) -> &Actors {
        &self.actors
    }

    /// Says who acts by what is known already; nobody is asked and nothing waited for.
    pub(super) fn known(
        &self,
        request: &Request,
        certificate: Option<&ClientCertificate>,
        now: i64,
        key: &FingerprintKey,
    ) -> Redacted<Identified> {
        let mut evidence = self.evidence(certificate, now);
        loop {
            match self.actors.identify(request, &evidence, key) {
                Ok(who) => return who,
                Err(need) => {
                    if let Need::Keys(source) = need
                        && let Some(source) = self.sources.get(source)
                    {
                        // For those who come later.
                        self.fetch_aside(source);
                    }
                    evidence.decline(need, NOT_ASKED);
                }
            }
        }
    }

    /// Says who acts, and asks whoever knows.
    pub(super) async fn ask(
        &self,
        request: &Request,
        certificate: Option<&ClientCertificate>,
        now: i64,
        key: &FingerprintKey,
        application: &Application<'_>,
    ) -> Redacted<Identified> {
        let mut evidence = self.evidence(certificate, now);
        loop {
            let need = match self.actors.identify(request, &evidence, key) {
                Ok(who) => return who,
                Err(need) => need,
            };
            match need {
                Need::Keys(source) => {
                    evidence.decline(need, NOT_ASKED);
                    if let Some(source) = self.sources.get(source) {
                        Box::pin(source.fetch(self.connector())).await;
                    }
                    for (fetched, source) in evidence.keys.iter_mut().zip(&self.sources) {
                        fetched.keys = source.keys();
                    }
                }
                Need::Introspection(rule) => {
                    let Some(introspection) = self.actors.introspection(rule) else {
                        evidence.decline(need, FAILED);
                        continue;
                    };
                    let passed = introspection.passed_on(&request.headers);
                    let place = answer_key(key, rule, application.upstream, &passed);
                    // On the heap: most requests need none of it.
                    let asking = Box::pin(self.introspect(
                        introspection,
                        (&place, key),
                        &passed,
                        request,
                        application,
                        now,
                    ));
                    let answer = asking.await;
                    evidence.introspected.push((rule, answer));
                }
            }
        }
    }

    /// Forgets what was answered about a request's credentials, whatever rule asked: its response changes
    /// sessions.
    pub(super) fn forget(&self, headers: &HeaderMap, upstream: &str, key: &FingerprintKey) {
        for rule in 0..self.actors.len() {
            if let Some(introspection) = self.actors.introspection(rule) {
                let passed = introspection.passed_on(headers);
                self.answers.forget(&answer_key(key, rule, upstream, &passed));
            }
        }
    }

    fn evidence<'a>(&self, certificate: Option<&'a ClientCertificate>, now: i64) -> Evidence<'a> {
        let keys = self.sources.iter().map(|source| {
            if source.is_due() && source.keys().is_some() {
                self.fetch_aside(source);
            }
            Fetched { keys: source.keys(), asked: false }
        });
        Evidence { now, certificate, keys: keys.collect(), introspected: Vec::new() }
    }

    /// Fetches keys while requests go on with those that are there.
    fn fetch_aside(&self, source: &Arc<Source>) {
        if !source.begin_aside() {
            return;
        }
        let (source, connector) = (Arc::clone(source), Arc::clone(&self.connector));
        tokio::spawn(async move {
            source.fetch(connector.get_or_init(|| Connector::new(None))).await;
            source.end_aside();
        });
    }

    fn connector(&self) -> &Connector {
        self.connector.get_or_init(|| Connector::new(None))
    }

    async fn introspect(
        &self,
        introspection: &Introspection,
        (place, key): (&AnswerKey, &FingerprintKey),
        passed: &HeaderMap,
        request: &Request,
        application: &Application<'_>,
        now: i64,
    ) -> Introspected {
        let context = match &introspection.asked {
            Asked::Application { .. } => context(key, request),
            // An authorization server is told of nothing but the token.
            Asked::Server(_) => Context::default(),
        };
        let deadline = Instant::now() + introspection.timeout;
        let known = || self.answers.find(place, &context, Instant::now());
        if let Some(answer) = known() {
            return answer;
        }
        // What nobody keeps, nobody can wait for.
        let question =
            (!introspection.cache.is_zero()).then(|| self.questions.join((*place, context)));
        let turn = async {
            let turn = match &question {
                Some(question) => Some(question.turn.lock().await),
                None => None,
            };
            match known() {
                Some(answer) => Err(answer),
                None => Ok((turn, self.asking.acquire().await)),
            }
        };
        let _turn = match timeout_at(deadline.into(), turn).await {
            Ok(Ok(turn)) => turn,
            Ok(Err(answer)) => return answer,
            Err(_) => return Introspected::Failed(BUSY),
        };
        let asked = async {
            match &introspection.asked {
                Asked::Application { path } => {
                    ask_application(path, passed, request, application).await
                }
                Asked::Server(endpoint) => match introspection.token(passed) {
                    Some(token) => ask_about(self.connector(), endpoint, token).await,
                    None => Err(FetchError::Request),
                },
            }
        };
        let asked = timeout_at(deadline.into(), asked).await;
        let asked = asked.unwrap_or(Err(FetchError::Late));
        let (answer, bytes) = match &introspection.asked {
            Asked::Application { .. } => by_application(asked),
            Asked::Server(_) => by_server(asked, now),
        };
        let holds = match &answer {
            Introspected::Known(body) if matches!(introspection.asked, Asked::Server(_)) => {
                introspection.cache.min(lasts(body, now))
            }
            Introspected::Known(_) => introspection.cache,
            Introspected::Refused => introspection.cache.min(REFUSAL),
            Introspected::Failed(_) => introspection.cache.min(FAILURE),
        };
        self.answers.keep((*place, context), answer.clone(), bytes, (Instant::now(), holds));
        answer
    }
}

/// Where an answer is kept: under what was shown, by which rule, to which application.
fn answer_key(key: &FingerprintKey, rule: usize, upstream: &str, passed: &HeaderMap) -> AnswerKey {
    let mut shown = format!("{rule}\0{upstream}\0").into_bytes();
    for (name, value) in passed {
        shown.extend_from_slice(name.as_str().as_bytes());
        shown.push(0);
        shown.extend_from_slice(value.as_bytes());
        shown.push(0);
    }
    key.digest("introspection", &shown)
}

/// What an application is shown besides the credential, see [`ask_application`], and by whom.
fn context(key: &FingerprintKey, request: &Request) -> Context {
    let mut shown = format!("{:?}\0{}\0", request.peer, request.host).into_bytes();
    for name in SHOWN {
        for value in request.headers.get_all(&name) {
            shown.extend_from_slice(value.as_bytes());
            shown.push(0);
        }
        shown.push(0);
    }
    key.digest("introspection context", &shown)
}

/// Asks the application, with what the caller showed.
async fn ask_application(
    path: &str,
    passed: &HeaderMap,
    request: &Request,
    application: &Application<'_>,
) -> Result<Answer, FetchError> {
    let wrong = |_| FetchError::Request;
    let mut head = RequestHeader::build("GET", path.as_bytes(), None).map_err(wrong)?;
    head.insert_header("Host", request.host.as_str()).map_err(wrong)?;
    head.insert_header("Accept", "application/json").map_err(wrong)?;
    for name in SHOWN {
        for value in request.headers.get_all(&name) {
            head.append_header(name.clone(), value.clone()).map_err(wrong)?;
        }
    }
    for (name, value) in passed {
        head.append_header(name.clone(), value.clone()).map_err(wrong)?;
    }
    application.ask(head, Room::of(ANSWER_BYTES_MAX)).await
}

/// Asks an authorization server about a token (RFC 7662, section 2.1).
async fn ask_about(
    connector: &Connector,
    endpoint: &Endpoint,
    token: &str,
) -> Result<Answer, FetchError> {
    let wrong = |_| FetchError::Request;
    let body = format!("token={}&token_type_hint=access_token", escaped(token));
    let mut head = fetch::head("POST", endpoint)?;
    head.insert_header("Content-Type", "application/x-www-form-urlencoded").map_err(wrong)?;
    head.insert_header("Content-Length", body.len()).map_err(wrong)?;
    if let Some(client) = &endpoint.client {
        let pair = format!("{}:{}", escaped(&client.id), escaped(client.secret.expose()));
        let basic = format!("Basic {}", BASE64_STANDARD.encode(pair));
        head.insert_header("Authorization", basic).map_err(wrong)?;
    }
    ask_server(connector, endpoint, &head, &body.into(), ANSWER_BYTES_MAX).await
}

/// Form encoding, of everything but letters, digits, `-`, `.` and `_`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// What the application's answer says, and its size.
fn by_application(asked: Result<Answer, FetchError>) -> (Introspected, usize) {
    match asked {
        Ok(Answer { status: 401 | 403, .. }) => (Introspected::Refused, 0),
        other => understood(other),
    }
}

/// What an authorization server's answer says: it may know the token, and say that it has ended.
fn by_server(asked: Result<Answer, FetchError>, now: i64) -> (Introspected, usize) {
    let (answer, bytes) = understood(asked);
    match answer {
        Introspected::Known(body)
            if body.get("active") != Some(&true.into())
                || lasts(&body, now).is_zero()
                || !has_begun(&body, now) =>
        {
            (Introspected::Refused, 0)
        }
        other => (other, bytes),
    }
}

fn understood(asked: Result<Answer, FetchError>) -> (Introspected, usize) {
    let failed = |note| (Introspected::Failed(note), 0);
    match asked {
        Ok(Answer { status: 200..=299, body, .. }) => match Introspected::read(&body) {
            Some(answer) => (answer, body.len()),
            None => failed(FAILED),
        },
        Err(FetchError::Late) => failed(LATE),
        Ok(_) | Err(_) => failed(FAILED),
    }
}

/// Whether a token may be used already (`nbf`); clocks may differ by a little.
fn has_begun(answer: &serde_json::Value, now: i64) -> bool {
    const LEEWAY_SECS: i64 = 60;
    let begins = answer.get("nbf").and_then(serde_json::Value::as_i64);
    begins.is_none_or(|begins| begins <= now.saturating_add(LEEWAY_SECS))
}

/// How long an answer says that its token lasts (`exp`); very long if it does not say.
fn lasts(answer: &serde_json::Value, now: i64) -> Duration {
    match answer.get("exp").and_then(serde_json::Value::as_i64) {
        Some(ends) => Duration::from_secs(u64::try_from(ends.saturating_sub(now)).unwrap_or(0)),
        None => Duration::MAX,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::has_begun;

    #[test]
    fn tokens_that_hold_later_do_not_hold_yet() {
        for (answer, expected) in [
            (json!({"active": true}), true),
            (json!({"active": true, "nbf": 900}), true),
            (json!({"active": true, "nbf": 1_030}), true),
            (json!({"active": true, "nbf": 2_000}), false),
        ] {
            assert_eq!(has_begun(&answer, 1_000), expected, "{answer}");
        }
    }
}
