//! Closing intents that nobody completes any more: what an earlier run left, and what writers left
//! that are gone.

use super::aside::Loss;
use super::batch::Inbox;
use super::system::{closing, said};
use super::writer::{Writer, made};
use crate::clock::Timestamp;
use crate::record::Entry;
use crate::store::{Opening, Orphan, Store, StoreError};

/// Orphans that are closed in one transaction.
pub(super) const SWEEP_BATCH: u32 = 256;

/// Entries before the one up to which all is said to be closed, that are looked through at a start all the
/// same: what says so is a number in the database, which somebody may have changed.
const LOOK_BACK: u64 = 10_000;

/// What a step of a sweep came to.
struct Step {
    /// The head after it.
    head: u64,
    /// The last intent that it closed; none where there was nothing left to close.
    last: Option<u64>,
    closed: usize,
}

impl<F> Writer<F>
where
    F: FnMut() -> Opening + Send + 'static,
{
    /// Closes whatever is open, of this writer and of those that are gone: whoever owned it does not
    /// live any more.
    pub(super) async fn sweep_at_start(&mut self) -> Result<(), StoreError> {
        let Some(store) = &mut self.store else { return Ok(()) };
        for name in store.writers().await? {
            let loss = if name == self.name { Loss::Restart } else { Loss::Writer };
            let mut head = store.head(&name).await?;
            let closed = store.closed_up_to(&name).await?;
            let mut after = closed.min(head).saturating_sub(LOOK_BACK);
            loop {
                // Each step has its own time.
                self.shared.work_begins();
                let step = step(store.as_mut(), &name, head, after, loss, self.clock.now()).await;
                // Of another writer's intents somebody else takes care at the same time.
                let step = match step {
                    Err(error) if name != self.name && error.is_conflict() => break,
                    step => step?,
                };
                head = step.head;
                self.shared.count_unknown(loss, step.closed);
                let Some(last) = step.last else {
                    store.mark_closed(&name, head).await?;
                    break;
                };
                after = last;
                tracing::warn!(
                    count = step.closed,
                    writer = name,
                    "closed open intents as unknown"
                );
            }
            if name == self.name {
                self.head = head;
                self.marked = head;
            }
        }
        self.shared.written.begin(&self.name, self.head);
        self.shared.set_head(self.head);
        // What an earlier run left is looked through: a spool can drain.
        if let Some(store) = &mut self.store {
            store.heartbeat().await?;
        }
        self.look_at_guards().await
    }

    /// Says what was found wrong with what guards the ledger in the database.
    async fn look_at_guards(&mut self) -> Result<(), StoreError> {
        let Some(store) = &mut self.store else { return Ok(()) };
        for unguarded in store.guard().await? {
            if self.shared.note_unguarded(&unguarded) {
                let code = unguarded.breach.code();
                tracing::error!(
                    code,
                    "{unguarded}: somebody has changed the database's schema; run `countersign verify`"
                );
            }
        }
        Ok(())
    }

    /// On the timer: shows that this writer lives, looks whether its log still ends where it should, and
    /// closes some of what writers left that have gone since. Says whether there may be more of it.
    pub(super) async fn look_around(&mut self, inbox: &mut Inbox) -> bool {
        self.shared.work_begins();
        let result = match self.sweep_others().await {
            Ok(more) => self.settle().await.map(|()| more),
            Err(error) => Err(error),
        };
        self.shared.work_ends();
        match result {
            Ok(more) => more,
            Err(error) => {
                self.report(&error);
                self.recover(inbox).await;
                false
            }
        }
    }

    /// One step for every writer that is gone, so that no append of our own waits for long.
    async fn sweep_others(&mut self) -> Result<bool, StoreError> {
        let Some(store) = &mut self.store else { return Ok(false) };
        store.heartbeat().await?;
        self.look_at_guards().await?;
        let Some(store) = &mut self.store else { return Ok(false) };
        let mut more = false;
        for name in store.writers().await? {
            if name == self.name {
                continue;
            }
            match sweep_other(store.as_mut(), &name, self.clock.now()).await {
                Ok(0) => {}
                Ok(closed) => {
                    self.shared.count_unknown(Loss::Writer, closed);
                    tracing::warn!(
                        count = closed,
                        writer = name,
                        "closed intents as unknown: the proxy that recorded them is gone"
                    );
                    more = true;
                }
                // It lives again, or somebody else was faster, or there is nothing to be swept now.
                Err(StoreError::Away) => {}
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(more)
    }
}

/// Closes some of what a writer that is gone left open; how much.
async fn sweep_other(
    store: &mut dyn Store,
    writer: &str,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let head = store.head(writer).await?;
    let after = store.closed_up_to(writer).await?;
    if after >= head {
        return Ok(0);
    }
    let step = step(store, writer, head, after, Loss::Writer, now).await?;
    if step.last.is_none() {
        store.mark_closed(writer, step.head).await?;
    }
    Ok(step.closed)
}

/// Closes some of the intents of `writer` after `after` that are open.
async fn step(
    store: &mut dyn Store,
    writer: &str,
    head: u64,
    after: u64,
    loss: Loss,
    now: Timestamp,
) -> Result<Step, StoreError> {
    let orphans = store.orphans(writer, after, SWEEP_BATCH).await?;
    let last = orphans.last().map(|orphan| orphan.seq);
    let mut entries: Vec<Entry> = Vec::with_capacity(orphans.len());
    for Orphan { seq, id, scope } in orphans {
        let scope = serde_json::from_str(&scope).unwrap_or_default();
        let intent = said(store, writer, seq).await?;
        entries.extend(made(closing(seq, id, scope, loss, intent.as_deref(), now)));
    }
    let closed = entries.len();
    if closed > 0 {
        store.append(writer, head + 1, &entries).await?;
    }
    Ok(Step { head: head + closed as u64, last, closed })
}
