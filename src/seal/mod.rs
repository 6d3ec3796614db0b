//! Tamper evidence: a Merkle tree over the entries of each writer, signed checkpoints of it, proofs
//! from it, and the verification of all that without trust in the database.
//!
//! Owns `seal.db` and `signing.key` beside the ledger. Knows nothing of HTTP: what is signed is handed
//! to whoever publishes it.
//!
//! Invariants:
//! - Entry `seq` of a writer is leaf `seq - 1` of its tree; the leaf is hashed from the document, and never
//!   taken from the database.
//! - Nothing is signed that disagrees with what was signed before; once it does, nothing more is.
//! - The private key is in its file and in memory, and nowhere else.
//! - Nothing here is on the way of a request.
//! - What verifies takes texts and rows as an attacker may have made them: no panic, bounded memory.

mod bundle;
mod checkpoint;
mod cosignature;
mod keep;
mod kept;
mod key;
mod key_change;
pub mod key_file;
mod leaves;
mod log;
mod order;
mod proof;
mod published;
mod sealer;
mod state;
mod told;
mod tree;
pub mod verify;

#[cfg(test)]
mod tests;

pub use bundle::{BUNDLE, BundleCheck, BundleFault, BundleLog, BundleShown, Bundler};
pub use checkpoint::{Checkpoint, NoteError, signers};
pub use cosignature::{Cosignature, cosignature};
pub use keep::{Keeping, keep};
pub use kept::{Kept, KeptCheckpoint};
pub(crate) use key::is_random_name;
pub use key::{KeyError, SigningKey, VerifierKey};
pub use key_change::{KeyChange, ROTATE, predecessors, successors};
pub use key_file::{KeyFileError, NEXT_KEY_FILE, SIGNING_KEY_FILE};
pub use order::Orders;
pub use proof::{HASHES_MAX, is_consistent, is_included};
pub use published::end_of;
pub use sealer::Sealer;
pub use state::{Disagreement, LogState, Sealed};
pub use tlog_tiles::Hash;
pub use told::{
    ConsistencyProof, EntryProof, EventProof, Halves, ProofFault, Shown, parse_tlog_proof,
    tlog_proof,
};
pub use tree::{TILE_HEIGHT, TILE_WIDTH, Tree, leaf};

use crate::store::StoreError;

/// The database of tiles and checkpoints, in the directory of the ledger.
pub const SEAL_FILE: &str = "seal.db";

/// What can go wrong with sealing. No variant carries anything that was recorded.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// `seal.db` cannot be made.
    #[error("`{SEAL_FILE}` cannot be made")]
    File(#[source] StoreError),
    /// The file in which it publishes cannot be read.
    #[error("the checkpoints of `seal.file` cannot be read")]
    Published(#[source] StoreError),
    /// `seal.db` cannot be used.
    #[error("`{SEAL_FILE}` cannot be used")]
    Database(#[from] rusqlite::Error),
    /// `seal.db` is of another version.
    #[error(
        "`{SEAL_FILE}` is of another version: use the countersign that wrote it, or a later one"
    )]
    Version,
    /// The key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// What was signed cannot be understood, or nothing can be signed.
    #[error("a checkpoint in `{SEAL_FILE}`: {0}")]
    Note(#[from] NoteError),
    /// What was sealed was not sealed with the key that is there, or there is none.
    #[error(
        "the checkpoints in `{SEAL_FILE}` were not signed with `{}`, which is {}: put the key back from \
         a backup; if it is lost for good, move `{SEAL_FILE}` and the file of `seal.file` away as well and keep them, to \
         begin with a new key (whoever trusts the old one has to be told)",
        path.display(),
        if *is_missing { "missing" } else { "another one, and did not take over from the one before" }
    )]
    OtherKey {
        /// The key's file.
        path: std::path::PathBuf,
        /// There is none.
        is_missing: bool,
    },
    /// The ledger is not what was sealed.
    #[error("the ledger is not what was sealed")]
    Disagreement,
    /// An entry is not what was sealed, and so must stay to show it.
    #[error(
        "entry {seq} of writer `{writer}` is not what was put on record: `countersign verify` says more"
    )]
    NotSealed {
        /// Whose log.
        writer: String,
        /// Which entry.
        seq: u64,
    },
    /// There is no proof of this, or its tiles are missing.
    #[error("there is no proof of this")]
    NoProof,
    /// The work was lost with its thread.
    #[error("sealing stopped working on it")]
    Lost,
}
