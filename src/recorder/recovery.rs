//! When the store fails: find out what it did before going on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::AppendError;
use super::aside::Loss;
use super::batch::{Batch, Inbox, Reply};
use super::found::{self, Found};
use super::sweep::SWEEP_BATCH;
use super::writer::{Open, Writer};
use crate::store::{Opening, Orphan, Store, StoreError};
use crate::telemetry::ReasonLabel;

/// The first pause between two attempts to recover; it doubles up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// What found no room is tried again up to this size, in bytes: where this much has room, small entries have.
const ROOM_BYTES_MAX: usize = 256 * 1024;

impl<F> Writer<F>
where
    F: FnMut() -> Opening + Send + 'static,
{
    /// One entry of the batch is not acceptable; the others must not suffer for it.
    async fn write_one_by_one(&mut self, mut batch: Batch, inbox: &mut Inbox) {
        while batch.len() > 0 {
            let rest = batch.split_off(1);
            let mut single = std::mem::replace(&mut batch, rest);
            single.first = self.head + 1;
            match self.append(&single).await {
                Ok(()) => self.landed(single),
                Err(error) => self.failed(error, single, inbox).await,
            }
        }
    }

    /// The ledger refused the batch: somebody else wrote in our place, or an entry is not
    /// acceptable.
    pub(super) async fn refused(&mut self, error: StoreError, mut batch: Batch, inbox: &mut Inbox) {
        let shared = Arc::clone(&self.shared);
        let head = match &mut self.store {
            Some(store) => inbox.refuse_while(&shared, store.head(&self.name)).await.ok(),
            None => None,
        };
        if head == Some(self.head) && batch.len() > 1 {
            self.write_one_by_one(batch, inbox).await;
        } else if head == Some(self.head) {
            self.failed(error, batch, inbox).await;
        } else {
            self.report(&error);
            batch.refuse(AppendError::Unavailable { reason: error.reason() });
            batch.give_back(&self.shared);
            self.recover(inbox).await;
        }
    }

    /// The batch failed: answers, keeps what is due, and comes back when the store works again.
    pub(super) async fn failed(&mut self, error: StoreError, mut batch: Batch, inbox: &mut Inbox) {
        self.report(&error);
        let reason = error.reason();
        batch.refuse(AppendError::Unavailable { reason });
        if let StoreError::DiskFull(_) = error {
            self.short_of = Some(batch.size().min(ROOM_BYTES_MAX));
        }
        match error {
            StoreError::Rejected(_) => self.rejected(batch),
            error if error.effect_is_known() => batch.give_back(&self.shared),
            _ => self.in_doubt = Some(batch),
        }
        self.recover(inbox).await;
    }

    /// The ledger will never accept this entry. If it completes an intent, its outcome is lost.
    fn rejected(&mut self, batch: Batch) {
        for (entry, reply) in batch.entries.into_iter().zip(batch.replies) {
            match (reply, entry.intent) {
                (Reply::Owed | Reply::RefusedCompletion, Some(intent)) => {
                    self.shared.lose(intent, Loss::Completion)
                }
                // That cannot be, so nothing is concluded from it: it stays open, nothing is marked
                // as closed beyond it, and the next start looks at it again.
                (Reply::Closing(_), Some(seq)) => {
                    tracing::error!(seq, "the ledger refused to close an intent");
                }
                _ => {}
            }
        }
    }

    pub(super) fn report(&mut self, error: &StoreError) {
        let reason = error.reason();
        self.shared.metrics.store_errors.get_or_create(&ReasonLabel { reason }).inc();
        if self.shared.failing() != Some(reason) {
            tracing::error!(reason, error = %chain(error), "the ledger fails; entries are refused");
        }
        self.shared.set_failing(Some(reason));
        self.suspect |= !matches!(
            error,
            StoreError::Busy(_) | StoreError::DiskFull(_) | StoreError::Rejected(_)
        );
    }

    /// Tries until the store works again and nothing is in doubt. Gives up only when nobody is
    /// left and a whole deadline has passed since.
    pub(super) async fn recover(&mut self, inbox: &mut Inbox) {
        let shared = Arc::clone(&self.shared);
        loop {
            // A store that takes the small write of an attempt may yet fail at what is due, so the
            // pause grows until something has landed.
            if !self.pause.is_zero() {
                inbox.refuse_while(&shared, sleep(self.pause)).await;
            }
            self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LAST_PAUSE);
            match inbox.refuse_while(&shared, self.attempt()).await {
                Ok(()) => break,
                Err(error) => self.report(&error),
            }
            if inbox.closed {
                let timeout = self.settings.timeout;
                let at = *self.give_up_at.get_or_insert_with(|| Instant::now() + timeout);
                if Instant::now() >= at {
                    return;
                }
            }
        }
        // What was set aside is written first; only then is the store known to work.
        if !shared.has_aside() {
            self.works_again();
        }
    }

    pub(super) fn works_again(&self) {
        self.shared.set_failing(None);
        tracing::info!(head = self.head, "the ledger works again");
    }

    /// Replaces the connection where it is suspect, settles what is in doubt, and makes a durable
    /// write to see that writing works. Where there was no room, it is as large as what had none: a
    /// smaller one may still fit, or need no room at all, as a mark that does not move.
    async fn attempt(&mut self) -> Result<(), StoreError> {
        if self.suspect
            && let Some(store) = self.store.take()
            && let Err(error) = store.close().await
        {
            tracing::warn!(reason = error.reason(), "the ledger did not close cleanly");
        }
        if self.store.is_none() {
            self.store = Some((self.opener)().await?);
        }
        self.suspect = false;
        self.settle().await?;
        self.mark().await?;
        if let (Some(bytes), Some(store)) = (self.short_of, &mut self.store) {
            store.has_room(bytes).await?;
            self.short_of = None;
        }
        Ok(())
    }

    /// Compares heads, and finds out what became of the batch in doubt.
    pub(super) async fn settle(&mut self) -> Result<(), StoreError> {
        let Some(store) = &mut self.store else { return Ok(()) };
        let head = store.head(&self.name).await?;
        if let Some(batch) = &self.in_doubt {
            let ours = count_written(store.as_mut(), &self.name, batch, head).await?;
            if let Some(mut batch) = self.in_doubt.take() {
                let rest = batch.split_off(ours);
                if batch.len() > 0 {
                    self.landed(batch);
                }
                rest.give_back(&self.shared);
            }
        }
        if head == self.head { Ok(()) } else { self.adopt(head).await }
    }

    /// The head is not where this recorder left it: this writer was taken for gone, and another
    /// one has closed its intents; or somebody else has written. To go on, what is there is accepted as
    /// it is, and intents that nobody here knows are closed as unknown; but it is vouched for only where
    /// another proxy may have written it.
    async fn adopt(&mut self, head: u64) -> Result<(), StoreError> {
        let Some(store) = &mut self.store else { return Ok(()) };
        let found = found::between(store.as_mut(), &self.name, self.head, head, &self.open).await?;
        match found {
            Found::Closings(leaves) => {
                tracing::warn!(
                    expected = self.head,
                    found = head,
                    "the ledger's head has moved: another proxy took this one for gone, and has closed \
                     its intents"
                );
                self.shared.written.add(leaves);
            }
            Found::Foreign(entries) => {
                tracing::error!(
                    expected = self.head,
                    found = head,
                    first = entries.start(),
                    "the ledger's head has moved: what is there is not what this proxy has written"
                );
                self.shared.written.disown(entries, head);
            }
        }
        let mut after = self.marked;
        let mut open = BTreeMap::new();
        loop {
            let orphans = store.orphans(&self.name, after, SWEEP_BATCH).await?;
            let Some(last) = orphans.last() else { break };
            after = last.seq;
            for Orphan { seq, id, scope } in orphans {
                let scope = serde_json::from_str(&scope).unwrap_or_default();
                open.insert(seq, Open { id, scope });
            }
        }
        for seq in open.keys().filter(|seq| !self.open.contains_key(seq)) {
            self.shared.lose(*seq, Loss::Exchange);
        }
        self.open = open;
        self.head = head;
        self.shared.set_head(head);
        self.shared.set_open(self.open.len());
        Ok(())
    }

    async fn mark(&mut self) -> Result<(), StoreError> {
        let closed = self.open.first_key_value().map_or(self.head, |(seq, _)| seq - 1);
        let Some(store) = &mut self.store else { return Ok(()) };
        store.mark_closed(&self.name, closed).await?;
        self.marked = closed;
        Ok(())
    }

    /// On the timer: lets the next start skip what is closed. The process knows all of its open
    /// intents, and each of them either has an owner or is in what was set aside, so the database
    /// need not be searched for orphans here.
    pub(super) async fn remember_progress(&mut self, inbox: &mut Inbox) {
        let closed = self.open.first_key_value().map_or(self.head, |(seq, _)| seq - 1);
        if closed <= self.marked {
            return;
        }
        self.shared.work_begins();
        let result = self.mark().await;
        self.shared.work_ends();
        if let Err(error) = result {
            self.report(&error);
            self.recover(inbox).await;
        }
    }
}

/// How many entries of the batch are in the ledger, in their place.
async fn count_written(
    store: &mut dyn Store,
    writer: &str,
    batch: &Batch,
    head: u64,
) -> Result<usize, StoreError> {
    let mut ours = 0;
    while batch.first + ours as u64 <= head {
        let after = batch.first - 1 + ours as u64;
        let rest = batch.entries.get(ours..).unwrap_or_default();
        let limit = u32::try_from(rest.len()).unwrap_or(u32::MAX);
        let rows = store.read_after(writer, after, limit).await?;
        let same = rows
            .iter()
            .zip(rest)
            .take_while(|(row, entry)| row.id == entry.id && row.doc == *entry.doc.get())
            .count();
        ours += same;
        if same == 0 || same < rows.len() {
            break;
        }
    }
    Ok(ours)
}

fn chain(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
