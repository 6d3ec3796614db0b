//! The follower that grows the trees and signs checkpoints of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tlog_tiles::Hash;
use tokio::task::spawn_blocking;

use super::kept::Kept;
use super::key::{SigningKey, VerifierKey};
use super::key_change::KeyChange;
use super::log::{Log, Look, Own, foreign_entries};
use super::published::published;
use super::state::{Disagreement, LogState, Sealed};
use super::tree::{Tree, leaf};
use super::{Checkpoint, SealError, key_file};
use crate::clock::Timestamp;
use crate::follow::{FollowError, Follower, Gap, Heads};
use crate::record::{Stored, Written};

const NAME: &str = "seal";

/// Keeps trees and checkpoints. What it does is done on a thread that may block.
#[derive(Clone)]
pub struct Sealer {
    core: Arc<Mutex<Core>>,
}

struct Core {
    dir: PathBuf,
    kept: Kept,
    key: SigningKey,
    /// The key before, which signs once more.
    retiring: Option<SigningKey>,
    logs: BTreeMap<String, Log>,
    /// The newest checkpoints that were published, by size.
    published: BTreeMap<String, (u64, Hash)>,
    /// The log that was looked at last.
    looked_at: Option<String>,
    recorder: Option<Attached>,
}

/// The recorder of this process.
struct Attached {
    /// What it has appended to its log.
    written: Arc<Written>,
    /// How much of that is known to be in the ledger.
    reached: Box<dyn Fn() -> u64 + Send>,
}

impl Sealer {
    /// Opens, or makes, `seal.db` and the key in the directory of the ledger.
    pub async fn open(dir: &Path, name: Option<&str>) -> Result<Self, SealError> {
        let (dir, name) = (dir.to_owned(), name.map(ToOwned::to_owned));
        let opened = spawn_blocking(move || -> Result<Core, SealError> {
            let kept = Kept::open(&dir)?;
            kept.require_key(&dir)?;
            let key = key_file::load_or_create(&dir, name.as_deref())?;
            Ok(Core {
                dir,
                kept,
                key,
                retiring: None,
                logs: BTreeMap::new(),
                published: BTreeMap::new(),
                looked_at: None,
                recorder: None,
            })
        });
        let core = opened.await.map_err(|_| SealError::Lost)??;
        Ok(Self { core: Arc::new(Mutex::new(core)) })
    }

    /// The public half of the key in force.
    pub async fn verifier(&self) -> Result<VerifierKey, SealError> {
        self.run(|core| Ok(core.key.verifier().clone())).await
    }

    /// Holds the logs against what was published in a file, before anything else.
    pub async fn hold_against(&self, file: &Path) -> Result<(), SealError> {
        let file = file.to_owned();
        self.run(move |core| {
            core.published = published(&file, core.key.verifier(), &core.kept)?;
            let writers: Vec<String> = core.published.keys().cloned().collect();
            writers.iter().try_for_each(|writer| core.log(writer).map(drop))
        })
        .await
    }

    /// Signs nothing of the log of this recorder that it has not written, nor of what has not `reached`
    /// the ledger, as far as that is known: what stands there in the place of what still waits elsewhere
    /// may be another proxy's.
    pub async fn attach(
        &self,
        written: Arc<Written>,
        reached: impl Fn() -> u64 + Send + 'static,
    ) -> Result<(), SealError> {
        self.run(move |core| {
            let (writer, base) = (written.writer(), written.base());
            core.log(&writer)?.own = Some(Own::after(base));
            core.recorder = Some(Attached { written, reached: Box::new(reached) });
            Ok(())
        })
        .await
    }

    /// Compares the heads of the ledger to what was sealed, and leaves out the logs of which nothing
    /// more is signed.
    pub async fn trusted(&self, heads: Heads) -> Result<Heads, SealError> {
        self.run(move |core| core.trusted(heads)).await
    }

    /// Entries that were sealed, of one log after the other, to be looked at once more: the newest, and
    /// the next few of all.
    pub(super) async fn next_look(&self) -> Result<Option<Look>, SealError> {
        self.run(|core| Ok(core.next_look())).await
    }

    /// Signs a checkpoint of every log that has grown.
    pub async fn seal(&self, now: Timestamp) -> Result<Vec<Sealed>, SealError> {
        self.run(move |core| core.seal(now)).await
    }

    /// Signs nothing more of a log.
    pub(super) async fn disagree(
        &self,
        writer: &str,
        disagreement: Disagreement,
    ) -> Result<(), SealError> {
        let writer = writer.to_owned();
        self.run(move |core| core.disagree(&writer, disagreement)).await
    }

    /// The change to a key that waits to take over.
    pub async fn waiting_key(&self) -> Result<Option<KeyChange>, SealError> {
        self.run(|core| {
            let next = key_file::read_next(&core.dir)?;
            next.map(|next| Ok(KeyChange::sign(&core.key, &next)?)).transpose()
        })
        .await
    }

    /// Lets the key that waits take over. The next checkpoints are signed by both.
    pub async fn take_over(&self, change: KeyChange, now: Timestamp) -> Result<(), SealError> {
        self.run(move |core| {
            let Some(next) = key_file::read_next(&core.dir)? else { return Ok(()) };
            if *next.verifier() != change.new {
                return Ok(());
            }
            core.kept.keep_key_change(now.timestamp_millis(), &change.note)?;
            key_file::take_over(&core.dir)?;
            core.retiring = Some(std::mem::replace(&mut core.key, next));
            Ok(())
        })
        .await
    }

    /// Adds the signature of a witness to a checkpoint that is kept.
    pub async fn cosign(&self, writer: &str, size: u64, lines: String) -> Result<(), SealError> {
        let writer = writer.to_owned();
        self.run(move |core| {
            let kept = core.kept.at_least(&writer, size)?;
            let Some(kept) = kept.filter(|kept| kept.size == size) else { return Ok(()) };
            let signed = Checkpoint::parse(&kept.note)?.with_signatures(&lines)?;
            core.kept.keep(&writer, kept.at_ms, &signed)
        })
        .await
    }

    /// The proof that a log of `old` entries is the beginning of that of `size`; no hashes for a log of
    /// none.
    pub async fn consistency(
        &self,
        writer: &str,
        old: u64,
        size: u64,
    ) -> Result<Vec<Hash>, SealError> {
        let writer = writer.to_owned();
        self.run(move |core| match old {
            0 => Ok(Vec::new()),
            old => core.kept.consistency(&writer, old, size),
        })
        .await
    }

    /// How it stands with each log.
    pub async fn states(&self) -> Result<BTreeMap<String, LogState>, SealError> {
        self.run(|core| {
            let mut states: BTreeMap<String, LogState> =
                core.logs.iter().map(|(writer, log)| (writer.clone(), log.state())).collect();
            if let Some(Attached { written, .. }) = &core.recorder
                && let Some(own) = states.get_mut(&written.writer())
            {
                own.head = own.head.max(written.head());
            }
            Ok(states)
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Core) -> Result<T, SealError> + Send + 'static,
    ) -> Result<T, SealError> {
        let core = Arc::clone(&self.core);
        let done =
            spawn_blocking(move || work(&mut core.lock().unwrap_or_else(PoisonError::into_inner)));
        done.await.map_err(|_| SealError::Lost)?
    }
}

#[async_trait]
impl Follower for Sealer {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn cursor(&mut self, writer: &str) -> Result<u64, FollowError> {
        let writer = writer.to_owned();
        self.run(move |core| Ok(core.log(&writer)?.cursor())).await.map_err(failed)
    }

    async fn apply(&mut self, entries: Vec<Stored>) -> Result<(), FollowError> {
        self.run(move |core| {
            let Some(first) = entries.first() else { return Ok(()) };
            // The hash is made anew: what the database says of it is not believed.
            let leaf_of = |entry: &Stored| {
                let leaf = leaf(&entry.doc);
                (entry.seq, leaf, leaf.0.as_slice() == entry.leaf)
            };
            let leaves: Vec<(u64, Hash, bool)> = entries.iter().map(leaf_of).collect();
            core.grow(&first.writer, &leaves)?;
            // Another proxy's key was replaced: what it signed before is still to be known.
            for entry in &entries {
                if let Some(change) = KeyChange::told_by(entry) {
                    core.kept.keep_key_change(entry.id.time_ms().unwrap_or(0), &change.note)?;
                }
            }
            Ok(())
        })
        .await
        .map_err(failed)
    }

    fn wants_leaves(&self) -> bool {
        true
    }

    async fn pass_over(&mut self, writer: &str, gap: &Gap) -> Result<(), FollowError> {
        // Of what was purged the leaf is all that there is; the next checkpoint tells whether it is right.
        let mut leaves = Vec::with_capacity(gap.purged.len());
        for purged in &gap.purged {
            // What is no hash agrees with nothing.
            let leaf = purged.leaf.as_slice().try_into().unwrap_or_default();
            leaves.push((purged.seq, Hash(leaf), true));
        }
        let writer = writer.to_owned();
        self.run(move |core| core.grow(&writer, &leaves)).await.map_err(failed)
    }

    async fn start_over(&mut self) -> Result<(), FollowError> {
        // What was signed cannot be unsigned; `trusted` says what is wrong.
        Err(failed(SealError::Disagreement))
    }
}

fn failed(error: SealError) -> FollowError {
    FollowError::Follower { name: NAME, source: Box::new(error) }
}

impl Core {
    /// A log as it was left, or an empty one.
    fn log(&mut self, writer: &str) -> Result<&mut Log, SealError> {
        if !self.logs.contains_key(writer) {
            let log = self.open_log(writer)?;
            self.logs.insert(writer.to_owned(), log);
        }
        self.logs.get_mut(writer).ok_or(SealError::Lost)
    }

    fn open_log(&mut self, writer: &str) -> Result<Log, SealError> {
        let sealed = match self.kept.newest(writer)? {
            Some(newest) => {
                let checkpoint = Checkpoint::parse(&newest.note)?;
                Some((checkpoint.size, checkpoint.root))
            }
            None => None,
        };
        // What was published counts for more than what stands beside the ledger.
        let published = self.published.get(writer).copied().into_iter();
        let sealed = sealed.into_iter().chain(published).max_by_key(|(size, _)| *size);
        let mut tree = self.kept.tree(writer)?;
        let mut is_compared = sealed.is_none();
        if let Some((size, root)) = sealed
            && size <= tree.size()
        {
            let kept = &self.kept;
            let then = Tree::restore(size, |level, number| {
                kept.tile(writer, level, number).unwrap_or_default()
            });
            is_compared = then.is_some_and(|then| then.root() == root);
        }
        if !is_compared {
            // The tiles are not what was signed; the ledger will tell whether it still is.
            self.kept.forget_tiles(writer)?;
            tree = Tree::default();
        }
        let foreign = self.kept.foreign()?.into_iter().find(|(it, _)| it == writer);
        let mut log = Log {
            tree,
            head: 0,
            sealed,
            is_compared,
            is_resumed: false,
            disagreement: None,
            own: None,
            looked: 0,
        };
        if let Some((_, entries)) = foreign {
            log.disagree(writer, foreign_entries(&entries));
        }
        Ok(log)
    }

    /// Signs nothing more of a log. That somebody else has written in it is remembered: the next start
    /// would take what it finds for its own.
    fn disagree(&mut self, writer: &str, disagreement: Disagreement) -> Result<(), SealError> {
        self.log(writer)?.disagree(writer, disagreement);
        match disagreement {
            Disagreement::Foreign { first, last } => self.kept.keep_foreign(writer, first, last),
            _ => Ok(()),
        }
    }

    fn trusted(&mut self, heads: Heads) -> Result<Heads, SealError> {
        let mut heads: BTreeMap<String, u64> = heads.0.into_iter().collect();
        // A log that the ledger does not know any more ends before its first entry.
        for writer in self.logs.keys() {
            heads.entry(writer.clone()).or_insert(0);
        }
        let mut trusted = Vec::new();
        for (writer, head) in heads {
            let log = self.log(&writer)?;
            log.head = head;
            let (sealed, entries) = (log.sealed.map_or(0, |(size, _)| size), log.tree.size());
            if head < sealed.max(entries) {
                self.disagree(&writer, Disagreement::Truncated { head, sealed })?;
            }
            let goal = self.own_goal(&writer, head)?;
            if self.log(&writer)?.disagreement.is_none() {
                trusted.push((writer, goal));
            }
        }
        Ok(Heads(trusted))
    }

    /// Of the own log no more is taken in than what the recorder says it has written.
    fn own_goal(&mut self, writer: &str, head: u64) -> Result<u64, SealError> {
        let own = self.recorder.as_ref().filter(|it| it.written.writer() == writer);
        let Some(Attached { written, reached }) = own else { return Ok(head) };
        let (written, head) = (Arc::clone(written), head.min(reached()));
        if let Some(entries) = written.foreign()
            && self.log(writer)?.disagreement.is_none()
        {
            self.disagree(writer, foreign_entries(&entries))?;
        }
        let Some(own) = &mut self.log(writer)?.own else { return Ok(head) };
        own.runs.extend(written.take(head));
        Ok(head.min(own.limit()))
    }

    fn grow(&mut self, writer: &str, leaves: &[(u64, Hash, bool)]) -> Result<(), SealError> {
        let log = self.log(writer)?;
        let (mut tree, mut full) = (log.tree.clone(), Vec::new());
        let (sealed, size) = (log.sealed, log.tree.size());
        let (mut own, mut found) = (log.own.clone(), None);
        let limit = own.as_ref().map_or(u64::MAX, Own::limit);
        for (seq, leaf, is_beside) in leaves.iter().take_while(|(seq, ..)| *seq <= limit) {
            if *seq <= size {
                if self.kept.is_changed(writer, *seq, *leaf, sealed)? {
                    found = Some(Disagreement::Changed { seq: *seq });
                }
            } else if *seq != tree.size() + 1 {
                found = Some(Disagreement::Gap { seq: tree.size() + 1 });
            } else if !is_beside {
                found = Some(Disagreement::Leaf { seq: *seq });
            } else {
                tree.push(*leaf, |tile| full.push(tile));
                if sealed.is_some_and(|(at, root)| at == tree.size() && root != tree.root()) {
                    found = Some(Disagreement::Root { size: tree.size() });
                }
                found = found.or(own.as_mut().and_then(|own| own.next(*seq, leaf)));
            }
            if found.is_some() {
                break;
            }
        }
        if found.is_none() && tree.size() > size {
            self.kept.grow(writer, &full, &tree)?;
        }
        match found {
            Some(disagreement) => {
                self.disagree(writer, disagreement)?;
                Err(SealError::Disagreement)
            }
            None => {
                let log = self.log(writer)?;
                log.own = own;
                log.is_compared |= sealed.is_some_and(|(at, _)| tree.size() >= at);
                (log.tree, log.is_resumed) = (tree, true);
                Ok(())
            }
        }
    }

    fn next_look(&mut self) -> Option<Look> {
        let is_next = |it: &&String| self.looked_at.as_ref().is_none_or(|last| *it > last);
        let writer = self.logs.keys().find(is_next).or_else(|| self.logs.keys().next())?.clone();
        self.looked_at = Some(writer.clone());
        let look = self.logs.get_mut(&writer)?.look()?;
        Some(Look { writer, ..look })
    }

    fn seal(&mut self, now: Timestamp) -> Result<Vec<Sealed>, SealError> {
        let mut done = Vec::new();
        let keys: Vec<&SigningKey> = self.retiring.iter().chain([&self.key]).collect();
        for (writer, log) in &mut self.logs {
            let sealed = log.sealed.map_or(0, |(size, _)| size);
            let is_due = log.tree.size() > sealed || (self.retiring.is_some() && sealed > 0);
            if !is_due || !log.is_compared || log.disagreement.is_some() {
                continue;
            }
            let (size, root) = (log.tree.size(), log.tree.root());
            let checkpoint = Checkpoint::sign(&self.key.origin(writer), size, root, &keys)?;
            self.kept.keep(writer, now.timestamp_millis(), &checkpoint)?;
            log.sealed = Some((size, root));
            done.push(Sealed { writer: writer.clone(), at: now, checkpoint });
        }
        self.retiring = None;
        Ok(done)
    }
}
