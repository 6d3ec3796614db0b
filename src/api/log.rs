//! What handlers read with: own connections that only read, few at a time, each with a deadline.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, header};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::problem::Problem;
use crate::access::{Access, Reader, Throttle, Token};
use crate::clock::Clock;
use crate::index::Index;
use crate::recorder::Recorder;
use crate::redact::Redacted;
use crate::store::LedgerReader;
use crate::telemetry::Metrics;

/// Questions that are answered at one time.
const READS: usize = 8;
/// Exports at one time.
const EXPORTS: usize = 2;
/// Live tails at one time.
const TAILS: usize = 32;
/// How long a question may wait for its turn.
const TURN: Duration = Duration::from_secs(2);
/// How long a question may take.
const READ: Duration = Duration::from_secs(10);
/// Behind by more entries than this, the index is said to be behind.
const LAG: i64 = 1_000;

/// Makes a text fit to be recorded.
pub type Redaction = Box<dyn Fn(&str) -> Redacted<String> + Send + Sync>;

/// What the API reads, and where it records that it was read.
pub struct Log {
    /// The directory of the ledger.
    pub dir: PathBuf,
    /// Who may read.
    pub access: Mutex<Access>,
    /// The present moment.
    pub clock: Arc<dyn Clock>,
    /// Where exports are recorded.
    pub recorder: Recorder,
    /// Metrics.
    pub metrics: Arc<Metrics>,
    /// By the rules in force.
    pub redact: Redaction,
    /// The process is stopping.
    pub stopping: watch::Receiver<bool>,
    /// How much may be done at one time.
    pub turns: Turns,
}

/// How much may be done at one time, and how often may be failed.
#[derive(Debug)]
pub struct Turns {
    reads: Arc<Semaphore>,
    exports: Arc<Semaphore>,
    tails: Arc<Semaphore>,
    throttle: Throttle,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            reads: Arc::new(Semaphore::new(READS)),
            exports: Arc::new(Semaphore::new(EXPORTS)),
            tails: Arc::new(Semaphore::new(TAILS)),
            throttle: Throttle::default(),
        }
    }
}

/// A connection to the index for one question. When it is dropped, the question is given up.
pub(crate) struct Session {
    pub(crate) index: Index,
    _gone: Gone,
    _turn: OwnedSemaphorePermit,
}

struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Log {
    /// Waits for a turn to ask one question.
    pub(crate) async fn read(&self) -> Result<Session, Problem> {
        let waiting = Arc::clone(&self.turns.reads).acquire_owned();
        match timeout(TURN, waiting).await {
            Ok(Ok(turn)) => self.open(turn, Some(Instant::now() + READ)).await,
            _ => Err(Problem::busy()),
        }
    }

    /// A turn for an export, which may take as long as its client goes on reading.
    pub(super) async fn export(&self) -> Result<Session, Problem> {
        let turn = Arc::clone(&self.turns.exports).try_acquire_owned();
        self.open(turn.map_err(|_| Problem::busy())?, None).await
    }

    /// A turn for a live tail.
    pub(super) async fn tail(&self) -> Result<Session, Problem> {
        let turn = Arc::clone(&self.turns.tails).try_acquire_owned();
        self.open(turn.map_err(|_| Problem::busy())?, None).await
    }

    async fn open(
        &self,
        turn: OwnedSemaphorePermit,
        deadline: Option<Instant>,
    ) -> Result<Session, Problem> {
        let mut index = Index::open_read_only(&self.dir).await?;
        let gone = Arc::new(AtomicBool::new(false));
        let is_gone = Arc::clone(&gone);
        let is_late = move || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        index.give_up_when(move || is_gone.load(Ordering::Relaxed) || is_late()).await?;
        Ok(Session { index, _gone: Gone(gone), _turn: turn })
    }

    /// A connection to the ledger.
    pub(crate) async fn ledger(&self) -> Result<LedgerReader, Problem> {
        LedgerReader::open(&self.dir).await.map_err(|error| {
            tracing::error!(%error, "the ledger cannot be opened to read");
            Problem::unavailable("the ledger cannot be read")
        })
    }

    /// Who asks; a failure counts against the address.
    pub(super) async fn authenticate(
        self: &Arc<Self>,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
    ) -> Result<Reader, Problem> {
        let found = match bearer(headers) {
            Some(token) => self.reader(token).await?,
            None => None,
        };
        found.ok_or_else(|| {
            let now = Instant::now();
            match peer.and_then(|peer| self.turns.throttle.failed(peer, now)) {
                Some(wait) => Problem::throttled(wait),
                None => Problem::unauthorized(),
            }
        })
    }

    /// Who holds the token now.
    pub(super) async fn reader(self: &Arc<Self>, token: Token) -> Result<Option<Reader>, Problem> {
        let log = Arc::clone(self);
        let now = self.clock.now();
        let asked = tokio::task::spawn_blocking(move || {
            let access = log.access.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            access.reader(&token, now)
        });
        match asked.await {
            Ok(Ok(reader)) => Ok(reader),
            Ok(Err(error)) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "nobody can be let in");
                Err(Problem::unavailable("tokens cannot be checked"))
            }
            Err(_) => Err(Problem::unavailable("tokens cannot be checked")),
        }
    }

    /// What a reader should know about how current the answer is.
    pub(crate) fn warn_of_lag(&self, warnings: &mut Vec<String>) {
        if self.metrics.index_lag.get() > LAG {
            warnings
                .push("the search index is behind: the newest events may be missing".to_owned());
        }
    }
}

/// The one bearer token of a request.
pub(super) fn bearer(headers: &HeaderMap) -> Option<Token> {
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else { return None };
    let (scheme, token) = field.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Token::parse(token.trim()))?
}
