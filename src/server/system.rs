//! Events that countersign writes about itself.

use serde_json::{Value, json};

use super::Server;
use super::key::{Kept, key_id};
use crate::record::{Outcome, Scope};
pub(super) use crate::record::{SystemEvent, system_entry as entry};

impl Server {
    /// Writes an event about the process.
    pub(super) fn note(&self, verb: &'static str, description: &'static str) {
        let snapshot = self.shared.snapshot.load();
        let metadata = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "config": snapshot.config.version,
            "ruleset": snapshot.ruleset,
            "fingerprint_key": key_id(snapshot.engine.key()),
        });
        self.record(verb, description, metadata);
    }

    /// Writes that the ledger was written with another key, if it was.
    pub(super) fn note_key(&self, replaced: Option<Value>, kept: &Kept) {
        if let Some(metadata) = replaced {
            let description = "fingerprints are made with another key than before";
            self.record("fingerprint_key_replace", description, metadata);
        }
        kept.remember();
    }

    /// A failure is logged, since nobody waits for it.
    fn record(&self, verb: &'static str, description: &'static str, metadata: Value) {
        let event = SystemEvent { verb, outcome: Outcome::Success, description, reason: None };
        let Ok(entry) = entry(&*self.shared.clock, event, Scope::new(), metadata) else { return };
        if !self.side.block_on(self.later.record(entry)) {
            tracing::error!(verb, "an event about countersign itself could not be recorded yet");
        }
    }
}
