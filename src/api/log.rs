//! What handlers read with: own connections that only read, few at a time, each with a deadline.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

use super::SealStates;
use super::changes::record_changes;
use super::fresh::{Fresh, fresh};
use super::origin::Origin;
use super::problem::Problem;
use super::refusals::Refusals;
use super::shares::{Share, Shares};
use super::shown::{Shown, Used};
use super::sign_in;
use super::views::Views;
use super::ways::Ways;
use crate::access::{Access, AccessError, Failure, Kept, Reader, Throttle};
use crate::clock::Clock;
use crate::index::{Index, IndexError, View};
use crate::recorder::{Later, Recorder};
use crate::redact::Redacted;
use crate::store::{Fleet, LedgerReader, LedgerSource, SpoolShared};
use crate::telemetry::Metrics;

/// Questions that are answered at one time.
const READS: usize = 8;
/// Exports at one time, of all readers and of one.
const EXPORTS: (usize, usize) = (4, 2);
/// Live tails at one time, of all readers and of one.
const TAILS: (usize, usize) = (32, 8);
/// How long a question may wait for its turn.
const TURN: Duration = Duration::from_secs(2);
/// How long a question may take.
const READ: Duration = Duration::from_secs(10);
/// Clocks that differ by more than this are told of.
const SKEW: Duration = Duration::from_secs(1);

/// Makes a text fit to be recorded.
pub type Redaction = Box<dyn Fn(&str) -> Redacted<String> + Send + Sync>;

/// What the API reads, and where it records that it was read.
pub struct Log {
    /// The directory of the ledger.
    pub dir: PathBuf,
    /// Where the ledger is.
    pub source: LedgerSource,
    /// What waits for a database that is away.
    pub spool: SpoolShared,
    /// Who may read.
    pub access: Mutex<Access>,
    /// How readers get in.
    pub ways: Ways,
    /// The present moment.
    pub clock: Arc<dyn Clock>,
    /// Where exports are recorded.
    pub recorder: Recorder,
    /// Where everything else is that need not be on record before it is done.
    pub later: Arc<Later>,
    /// Metrics.
    pub metrics: Arc<Metrics>,
    /// By the rules in force.
    pub redact: Redaction,
    /// How it stands with the checkpoints of each log; none where none are made.
    pub seal: Option<SealStates>,
    /// The process is stopping.
    pub stopping: watch::Receiver<bool>,
    /// How it stood with the proxies that share the ledger when last asked.
    pub fleet: Mutex<Fleet>,
    /// How much may be done at one time.
    pub turns: Turns,
    /// How long an answer waits for the search index to have what is on record; see [`super::PATIENCE`].
    /// Where it is not to wait, it is not looked at either.
    pub patience: Duration,
}

/// How much may be done at one time, and how often may be failed.
#[derive(Debug)]
pub struct Turns {
    reads: Arc<Semaphore>,
    exports: Arc<Semaphore>,
    tails: Arc<Semaphore>,
    exporters: Shares,
    followers: Shares,
    throttle: Throttle,
    /// Who is known, and asks for what they may not have.
    pub(super) refusals: Refusals,
    /// Apart, so that every one of them that is answered is on record.
    pub(super) sign_ins: Throttle,
    /// One records what was done to tokens.
    pub(super) changes: tokio::sync::Mutex<()>,
    /// Who claims to be somebody, and gets nowhere by it.
    pub(super) strays: Throttle,
    /// Who is known to read.
    pub(super) views: Views,
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            reads: Arc::new(Semaphore::new(READS)),
            exports: Arc::new(Semaphore::new(EXPORTS.0)),
            tails: Arc::new(Semaphore::new(TAILS.0)),
            exporters: Shares::default(),
            followers: Shares::default(),
            throttle: Throttle::default(),
            refusals: Refusals::default(),
            sign_ins: Throttle::default(),
            changes: tokio::sync::Mutex::default(),
            strays: Throttle::default(),
            views: Views::default(),
        }
    }
}

impl Turns {
    /// The same, where views are recorded so.
    pub fn recording(views: Views) -> Self {
        Self { views, ..Self::default() }
    }
}

/// A connection to the index for one question. When it is dropped, the question is given up.
pub(crate) struct Session {
    pub(crate) index: Index,
    pub(crate) fresh: Fresh,
    pub(crate) turn: Turn,
}

/// One of the few that are answered at one time. When it is dropped, its question is given up.
pub(crate) struct Turn {
    gone: Gone,
    deadline: Option<Instant>,
    share: Option<Share>,
    _permit: OwnedSemaphorePermit,
}

struct Gone(Arc<AtomicBool>);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Log {
    /// Waits for a turn to ask one question, and until what is on record by then can be found.
    pub(crate) async fn read(&self) -> Result<Session, Problem> {
        let waiting = Arc::clone(&self.turns.reads).acquire_owned();
        match timeout(TURN, waiting).await {
            Ok(Ok(turn)) => {
                let mut session = self.open(turn, Some(Instant::now() + READ)).await?;
                if self.patience.is_zero() {
                    return Ok(session);
                }
                // Opening is waited for no longer than the rest: the disk may hang.
                let ledger = timeout(self.patience, self.source.reader()).await;
                session.fresh = match ledger {
                    Ok(Ok(mut ledger)) => {
                        self.look_for_others(&mut *ledger).await;
                        fresh(&mut session.index, &mut *ledger, self.patience).await
                    }
                    _ => Fresh::Unknown,
                };
                Ok(session)
            }
            _ => Err(Problem::busy()),
        }
    }

    /// A turn for an export, which may take as long as its client goes on reading.
    pub(super) async fn export(&self, reader: &Reader) -> Result<Session, Problem> {
        let share = self.turns.exporters.take(reader.id(), EXPORTS.1);
        let turn = Arc::clone(&self.turns.exports).try_acquire_owned();
        let share = share.ok_or_else(|| Problem::many("exports", EXPORTS.1))?;
        let mut session = self.open(turn.map_err(|_| Problem::busy())?, None).await?;
        session.turn.share = Some(share);
        Ok(session)
    }

    /// A turn for a live tail.
    pub(super) async fn tail(&self, reader: &Reader) -> Result<Session, Problem> {
        let share = self.turns.followers.take(reader.id(), TAILS.1);
        let turn = Arc::clone(&self.turns.tails).try_acquire_owned();
        let share = share.ok_or_else(|| Problem::many("live tails", TAILS.1))?;
        let mut session = self.open(turn.map_err(|_| Problem::busy())?, None).await?;
        session.turn.share = Some(share);
        Ok(session)
    }

    /// A turn to ask something that is not in the index.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let waiting = Arc::clone(&self.turns.reads).acquire_owned();
        match timeout(TURN, waiting).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Problem::busy()),
        }
    }

    async fn open(
        &self,
        permit: OwnedSemaphorePermit,
        deadline: Option<Instant>,
    ) -> Result<Session, Problem> {
        let turn = Turn { gone: Gone(Arc::default()), deadline, share: None, _permit: permit };
        let index = self.index(&turn).await?;
        Ok(Session { index, fresh: Fresh::Current, turn })
    }

    /// A connection to the index, of the same turn.
    pub(super) async fn index(&self, turn: &Turn) -> Result<Index, IndexError> {
        let mut index = Index::open_read_only(&self.dir).await?;
        let (gone, deadline) = (Arc::clone(&turn.gone.0), turn.deadline);
        let is_late = move || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        index.give_up_when(move || gone.load(Ordering::Relaxed) || is_late()).await?;
        Ok(index)
    }

    /// Finds out whether another proxy on a shared ledger may have spooled what is not shown yet, or
    /// has another time.
    async fn look_for_others(&self, ledger: &mut dyn LedgerReader) {
        if let Ok(Ok(fleet)) = timeout(self.patience, ledger.fleet()).await {
            *self.fleet.lock().unwrap_or_else(PoisonError::into_inner) = fleet;
        }
    }

    /// A connection to the ledger.
    pub(crate) async fn ledger(&self) -> Result<Box<dyn LedgerReader>, Problem> {
        self.source.reader().await.map_err(|error| {
            tracing::error!(%error, "the ledger cannot be opened to read");
            Problem::unavailable("the ledger cannot be read")
        })
    }

    /// Who asks; a failure counts against the address.
    pub(super) async fn authenticate(
        self: &Arc<Self>,
        headers: &HeaderMap,
        used: Used,
        from: &Origin,
    ) -> Result<Reader, Problem> {
        let shown = Shown::of(headers, &self.ways, from.peer);
        if let Some(reader) = self.reader(&shown, used).await? {
            return Ok(reader);
        }
        sign_in::note(self, &shown, headers, from).await;
        let now = Instant::now();
        let failure = from.client.map(|client| self.turns.throttle.failed(client, now));
        Err(match (&*shown, failure.and_then(Failure::wait)) {
            (Shown::Stranger(_), _) => Problem::no_role(),
            (_, Some(wait)) => Problem::throttled(wait),
            (_, None) => Problem::unauthorized(),
        })
    }

    /// Whose what was shown is, now.
    pub(super) async fn reader(
        self: &Arc<Self>,
        shown: &Arc<Shown>,
        used: Used,
    ) -> Result<Option<Reader>, Problem> {
        match &**shown {
            Shown::Nothing | Shown::Wrong | Shown::Stranger(_) => return Ok(None),
            Shown::Person(reader) => return Ok(Some(reader.clone())),
            Shown::Token(_) | Shown::Session(_) => {}
        }
        let found = self.find(shown, used).await?;
        if found.is_some() || !matches!(&**shown, Shown::Token(_)) {
            return Ok(found);
        }
        // A token of which only its making is not yet on record holds as soon as that is. Somebody else
        // may have recorded it since.
        record_changes(self).await?;
        self.find(shown, used).await
    }

    async fn find(
        self: &Arc<Self>,
        shown: &Arc<Shown>,
        used: Used,
    ) -> Result<Option<Reader>, Problem> {
        let (shown, now) = (Arc::clone(shown), self.clock.now());
        self.access(move |access, ways| match (&*shown, used) {
            (Shown::Token(token), _) => access.reader(token, now),
            (Shown::Session(id), Used::Now) => access.session(id, &ways.sessions, now),
            (Shown::Session(id), Used::Before) => access.idle_session(id, &ways.sessions, now),
            _ => Ok(None),
        })
        .await
    }

    /// The tokens that are in force; what is kept of them is no secret.
    pub(crate) async fn tokens(self: &Arc<Self>) -> Result<Vec<Kept>, Problem> {
        let now = self.clock.now();
        let kept = self.access(|access, _| access.list()).await?;
        Ok(kept.into_iter().filter(|kept| kept.holds(now)).collect())
    }

    /// Asks the database of tokens and sessions, beside the event loop.
    pub(super) async fn access<T: Send + 'static>(
        self: &Arc<Self>,
        ask: impl FnOnce(&mut Access, &Ways) -> Result<T, AccessError> + Send + 'static,
    ) -> Result<T, Problem> {
        let log = Arc::clone(self);
        let asked = tokio::task::spawn_blocking(move || {
            let mut access = log.access.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            ask(&mut access, &log.ways)
        });
        match asked.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "nobody can be let in");
                Err(Problem::unavailable("tokens cannot be checked"))
            }
            Err(_) => Err(Problem::unavailable("tokens cannot be checked")),
        }
    }

    /// What a reader who sees this should know about how current the answer is, how sure its times are, and
    /// whether the ledger is what was sealed.
    pub(crate) fn warn_of_lag(&self, view: &View, fresh: Fresh, warnings: &mut Vec<String>) {
        if self.is_not_as_sealed() {
            let text = "the ledger is not what was sealed, as this proxy has found: `countersign verify` \
                        tells what was changed; nothing that came since can be proven";
            warnings.push(text.to_owned());
        }
        warnings.extend(self.what_may_be_missing(view, fresh));
        let skew = self.fleet.lock().unwrap_or_else(PoisonError::into_inner).skew;
        if skew > SKEW {
            warnings.push(format!(
                "the clock of a proxy is {:.1} s from the database's: so far off are times, and the order \
                 of events of different proxies",
                skew.as_secs_f64()
            ));
        }
    }

    /// Whether this proxy has found that the ledger is not what was sealed.
    pub(super) fn is_not_as_sealed(&self) -> bool {
        self.seal.as_ref().is_some_and(|states| {
            states.logs.borrow().values().any(|log| log.disagreement.is_some())
        })
    }

    /// Why an event that is on record may not be shown yet.
    pub(super) fn what_may_be_missing(&self, view: &View, fresh: Fresh) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.spool.get().entries > 0 {
            let text = "the database was away: the newest events of this proxy wait in its spool, and \
                        are not shown yet";
            warnings.push(text.to_owned());
        }
        let fleet = self.fleet.lock().unwrap_or_else(PoisonError::into_inner);
        warnings.extend(fleet.warning(*view == View::Everything));
        drop(fleet);
        let text = match fresh {
            Fresh::Unknown => {
                "the ledger cannot be asked at the moment what is on record: the newest events may be \
                 missing"
            }
            Fresh::Behind => "the search index is behind: the newest events may be missing",
            Fresh::Current => return warnings,
        };
        warnings.push(text.to_owned());
        warnings
    }
}
