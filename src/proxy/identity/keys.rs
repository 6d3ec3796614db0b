//! Keys of issuers, fetched, kept, and fetched again when they are old or when a token names one
//! that is not among them.
//!
//! A source that fails keeps the keys it had, up to a limit of age: an issuer that cannot be reached
//! for an hour does not make every actor a claim, one that is gone for a day does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use pingora::connectors::http::Connector;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::identify::{KeySet, KeySource};
use crate::proxy::fetch::{FetchError, ask_server, head};

/// The largest key set, in bytes.
const BYTES_MAX: usize = 512 * 1024;
/// Keys older than this are no longer used.
const AGE_MAX: Duration = Duration::from_secs(86_400);
/// How long after one try there is another at the earliest, whoever asks, unless keys are to be
/// fetched more often than that.
const PAUSE: Duration = Duration::from_secs(10);

/// A source of keys at work.
pub(super) struct Source {
    pub(super) described: KeySource,
    known: ArcSwapOption<Known>,
    /// When the last try began. Whoever holds it tries.
    tried: Mutex<Option<Instant>>,
    /// Somebody fetches beside the requests.
    aside: AtomicBool,
}

struct Known {
    keys: Arc<KeySet>,
    since: Instant,
}

impl Source {
    pub(super) fn new(described: KeySource) -> Self {
        Self {
            described,
            known: ArcSwapOption::empty(),
            tried: Mutex::new(None),
            aside: AtomicBool::new(false),
        }
    }

    /// Whether this caller is the one to fetch beside the requests.
    pub(super) fn begin_aside(&self) -> bool {
        !self.aside.swap(true, Ordering::AcqRel)
    }

    /// Fetching beside the requests has ended.
    pub(super) fn end_aside(&self) {
        self.aside.store(false, Ordering::Release);
    }

    /// The keys, if there are any that are not too old.
    pub(super) fn keys(&self) -> Option<Arc<KeySet>> {
        let known = self.known.load();
        let known = known.as_ref().filter(|known| known.since.elapsed() < AGE_MAX)?;
        Some(Arc::clone(&known.keys))
    }

    /// Whether the keys should be fetched again by now.
    pub(super) fn is_due(&self) -> bool {
        let known = self.known.load();
        known.as_ref().is_none_or(|known| known.since.elapsed() >= self.described.refresh)
    }

    /// Fetches the keys, unless that was tried a moment ago; who comes while somebody fetches waits
    /// for what comes of it. Takes no longer than the source's timeout.
    pub(super) async fn fetch(&self, connector: &Connector) {
        let (limit, pause) = (self.described.timeout, PAUSE.min(self.described.refresh));
        let came = Instant::now();
        let Ok(mut tried) = timeout(limit, self.tried.lock()).await else { return };
        if tried.is_some_and(|tried| tried > came || tried.elapsed() < pause) {
            return;
        }
        *tried = Some(Instant::now());
        let fetched = timeout(limit.saturating_sub(came.elapsed()), self.ask(connector)).await;
        match fetched.unwrap_or(Err(FetchError::Late)) {
            Ok(keys) => {
                let known = Known { keys: Arc::new(keys), since: Instant::now() };
                self.known.store(Some(Arc::new(known)));
            }
            Err(error) => {
                let host = &self.described.endpoint.host;
                tracing::warn!(host, %error, "the keys of an issuer could not be fetched; actors with tokens of new keys are recorded as not verified");
            }
        }
    }

    async fn ask(&self, connector: &Connector) -> Result<KeySet, FetchError> {
        let endpoint = &self.described.endpoint;
        let head = head("GET", endpoint)?;
        let answer = ask_server(connector, endpoint, &head, &Bytes::new(), BYTES_MAX).await?;
        if answer.status != 200 {
            return Err(FetchError::Unusable);
        }
        KeySet::from_jwks(&answer.body).map_err(|_| FetchError::Unusable)
    }
}
