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
use super::state::{Disagreement, LogState};
use super::tree::{TILE_WIDTH, Tree, leaf};
use super::{Checkpoint, SealError, key_file};
use crate::clock::Timestamp;
use crate::follow::{FollowError, Follower, Gap, Heads};
use crate::record::Stored;

const NAME: &str = "seal";

/// A checkpoint that was just signed.
#[derive(Debug, Clone, PartialEq)]
pub struct Sealed {
    /// Whose log.
    pub writer: String,
    /// When.
    pub at: Timestamp,
    /// The checkpoint.
    pub checkpoint: Checkpoint,
}

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
}

struct Log {
    tree: Tree,
    /// Where the ledger ended when it was last asked.
    head: u64,
    /// What the newest checkpoint says.
    sealed: Option<(u64, Hash)>,
    /// The newest checkpoint was reached, or there is none.
    is_compared: bool,
    /// Its last entry was compared to the ledger's.
    is_resumed: bool,
    disagreement: Option<Disagreement>,
}

impl Sealer {
    /// Opens, or makes, `seal.db` and the key in the directory of the ledger.
    pub async fn open(dir: &Path, name: Option<&str>) -> Result<Self, SealError> {
        let (dir, name) = (dir.to_owned(), name.map(ToOwned::to_owned));
        let opened = spawn_blocking(move || -> Result<Core, SealError> {
            let kept = Kept::open(&dir)?;
            // Another key would be another log, and nobody may begin one without being noticed.
            let known = key_file::read(&dir)?;
            if !kept.is_signed_by(known.as_ref().map(SigningKey::verifier))? {
                let path = dir.join(key_file::SIGNING_KEY_FILE);
                return Err(SealError::OtherKey { path, is_missing: known.is_none() });
            }
            let key = key_file::load_or_create(&dir, name.as_deref())?;
            Ok(Core { dir, kept, key, retiring: None, logs: BTreeMap::new() })
        });
        let core = opened.await.map_err(|_| SealError::Lost)??;
        Ok(Self { core: Arc::new(Mutex::new(core)) })
    }

    /// The public half of the key in force.
    pub async fn verifier(&self) -> Result<VerifierKey, SealError> {
        self.run(|core| Ok(core.key.verifier().clone())).await
    }

    /// Compares the heads of the ledger to what was sealed, and leaves out the logs of which nothing
    /// more is signed.
    pub async fn trusted(&self, heads: Heads) -> Result<Heads, SealError> {
        self.run(move |core| core.trusted(heads)).await
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
        self.run(move |core| {
            core.log(&writer)?.disagree(&writer, disagreement);
            Ok(())
        })
        .await
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
            let states = core.logs.iter().map(|(writer, log)| (writer.clone(), log.state()));
            Ok(states.collect())
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
        Ok(Log { tree, head: 0, sealed, is_compared, is_resumed: false, disagreement: None })
    }

    fn trusted(&mut self, heads: Heads) -> Result<Heads, SealError> {
        let mut trusted = Vec::new();
        for (writer, head) in heads.0 {
            let log = self.log(&writer)?;
            log.head = head;
            let (sealed, entries) = (log.sealed.map_or(0, |(size, _)| size), log.tree.size());
            if head < sealed.max(entries) {
                log.disagree(&writer, Disagreement::Truncated { head, sealed });
            }
            if log.disagreement.is_none() {
                trusted.push((writer, head));
            }
        }
        Ok(Heads(trusted))
    }

    fn grow(&mut self, writer: &str, leaves: &[(u64, Hash, bool)]) -> Result<(), SealError> {
        let log = self.log(writer)?;
        let (mut tree, mut full) = (log.tree.clone(), Vec::new());
        let (sealed, size) = (log.sealed, log.tree.size());
        let mut found = None;
        for (seq, leaf, is_beside) in leaves {
            if *seq <= size {
                if self.kept.leaf(writer, *seq)? != Some(*leaf) {
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
            }
            if found.is_some() {
                break;
            }
        }
        if found.is_none() && tree.size() > size {
            self.kept.grow(writer, &full, &tree)?;
        }
        let log = self.log(writer)?;
        match found {
            Some(disagreement) => {
                log.disagree(writer, disagreement);
                Err(SealError::Disagreement)
            }
            None => {
                log.is_compared |= sealed.is_some_and(|(at, _)| tree.size() >= at);
                (log.tree, log.is_resumed) = (tree, true);
                Ok(())
            }
        }
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

impl Log {
    /// The last entry is asked for once more when a log is resumed.
    fn cursor(&self) -> u64 {
        let size = self.tree.size();
        if self.is_resumed { size } else { size.saturating_sub(1) }
    }

    fn disagree(&mut self, writer: &str, disagreement: Disagreement) {
        if self.disagreement.replace(disagreement) != Some(disagreement) {
            tracing::error!(
                writer,
                code = disagreement.code(),
                "the ledger is not what was sealed: {disagreement}; nothing more of it is signed; \
                 run `countersign verify`"
            );
        }
    }

    fn state(&self) -> LogState {
        LogState {
            head: self.head.max(self.tree.size()),
            entries: self.tree.size(),
            sealed: self.sealed.map_or(0, |(size, _)| size),
            disagreement: self.disagreement,
        }
    }
}

impl Kept {
    /// The leaf of an entry.
    pub fn leaf(&self, writer: &str, seq: u64) -> Result<Option<Hash>, SealError> {
        let Some(index) = seq.checked_sub(1) else { return Ok(None) };
        let width = TILE_WIDTH as u64;
        let hashes = self.tile(writer, 0, index / width)?;
        let position = usize::try_from(index % width).unwrap_or(usize::MAX);
        Ok(hashes.get(position).copied())
    }
}
