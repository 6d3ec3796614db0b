//! Work on the store that no request waits for. It is done between batches, when nothing waits or has
//! waited for its turn long enough, in pieces so small that no append waits noticeably.

use tokio::sync::oneshot;

use super::batch::Inbox;
use super::writer::Writer;
use super::{AppendError, Recorder};
use crate::record::{Entry, EntryKind};
use crate::store::{Opening, Purged, StoreError};

/// Chores that may wait.
pub(super) const CHORES: usize = 4;
/// After so many batches a chore has its turn, whatever waits.
pub(super) const BATCHES: u32 = 32;

/// Entries that can be purged in one go: a few milliseconds on a slow disk.
pub const PURGE_ENTRIES: usize = 256;
/// Their documents should not be more than this together, in bytes; the recorder does not know them.
pub const PURGE_BYTES: usize = 512 * 1024;

type Reply<T> = oneshot::Sender<Result<T, AppendError>>;

/// What there is to do.
pub(super) enum Chore {
    /// Tell for whom this process may append.
    Writers(Reply<Vec<String>>),
    /// Append an event to the log of a writer that is gone.
    Event(String, Entry, Reply<u64>),
    /// Take entries out.
    Purge(String, Vec<Purged>, Reply<()>),
}

impl Recorder {
    /// Every writer that this process may append for: this one first, then those that are gone.
    pub async fn writers(&self) -> Result<Vec<String>, AppendError> {
        let (reply, answer) = oneshot::channel();
        self.chore(Chore::Writers(reply), answer).await
    }

    /// Appends an event of one entry to the log of a writer that is gone, and returns its number. When
    /// it fails, it may be there nevertheless.
    pub async fn event_for(&self, writer: &str, mut entry: Entry) -> Result<u64, AppendError> {
        entry.kind = EntryKind::Completion;
        entry.intent = None;
        let (reply, answer) = oneshot::channel();
        self.chore(Chore::Event(writer.to_owned(), entry, reply), answer).await
    }

    /// Takes at most [`PURGE_ENTRIES`] entries out of a log, all or none, as soon as there is quiet.
    /// When it fails, they may be gone nevertheless; it can be done again.
    pub async fn purge(&self, writer: &str, purged: Vec<Purged>) -> Result<(), AppendError> {
        let (reply, answer) = oneshot::channel();
        self.chore(Chore::Purge(writer.to_owned(), purged, reply), answer).await
    }

    async fn chore<T>(
        &self,
        chore: Chore,
        answer: oneshot::Receiver<Result<T, AppendError>>,
    ) -> Result<T, AppendError> {
        self.0.chores.send(chore).await.map_err(|_| AppendError::Closed)?;
        answer.await.unwrap_or(Err(AppendError::Closed))
    }
}

impl<F> Writer<F>
where
    F: FnMut() -> Opening + Send + 'static,
{
    /// Does one chore. Whoever asked may have left.
    pub(super) async fn attend(&mut self, chore: Chore, inbox: &mut Inbox) {
        match chore {
            Chore::Writers(reply) => {
                let writers = self.known_writers().await;
                reply.send(self.done(writers, inbox).await).ok();
            }
            Chore::Event(writer, entry, reply) => {
                let seq = self.append_for(&writer, entry).await;
                reply.send(self.done(seq, inbox).await).ok();
            }
            Chore::Purge(writer, mut purged, reply) => {
                purged.truncate(PURGE_ENTRIES);
                let gone = self.take_out(&writer, &purged).await;
                reply.send(self.done(gone, inbox).await).ok();
            }
        }
    }

    async fn known_writers(&mut self) -> Result<Vec<String>, StoreError> {
        let Some(store) = &mut self.store else { return Err(StoreError::Closed) };
        let mut writers = store.writers().await?;
        writers.retain(|writer| *writer != self.name);
        writers.insert(0, self.name.clone());
        Ok(writers)
    }

    async fn append_for(&mut self, writer: &str, entry: Entry) -> Result<u64, StoreError> {
        let Some(store) = &mut self.store else { return Err(StoreError::Closed) };
        self.shared.work_begins();
        let appended = match store.head(writer).await {
            Ok(head) => store.append(writer, head + 1, &[entry]).await.map(|()| head + 1),
            Err(error) => Err(error),
        };
        self.shared.work_ends();
        appended
    }

    async fn take_out(&mut self, writer: &str, purged: &[Purged]) -> Result<(), StoreError> {
        let Some(store) = &mut self.store else { return Err(StoreError::Closed) };
        self.shared.work_begins();
        let gone = store.purge(writer, purged).await;
        self.shared.work_ends();
        gone
    }

    /// A chore that failed says nothing of appends, unless the connection may be broken: then it is
    /// found out first whether the store works.
    async fn done<T>(
        &mut self,
        result: Result<T, StoreError>,
        inbox: &mut Inbox,
    ) -> Result<T, AppendError> {
        let error = match result {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let reason = error.reason();
        match error {
            StoreError::Busy(_)
            | StoreError::DiskFull(_)
            | StoreError::Rejected(_)
            | StoreError::Superseded { .. }
            | StoreError::Away
            | StoreError::Closed => {
                tracing::warn!(reason, "the ledger did not do what retention asked of it");
            }
            error => {
                self.report(&error);
                self.recover(inbox).await;
            }
        }
        Err(AppendError::Unavailable { reason })
    }
}
