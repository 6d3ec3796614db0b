//! The section `seal`, checked.

use std::path::PathBuf;
use std::time::Duration;

use crate::identify::{Endpoint, Secret};
use crate::seal::VerifierKey;

/// Checkpoints of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// Whether there are any.
    pub enabled: bool,
    /// The name of the installation; the key's if there is none.
    pub name: Option<String>,
    /// The shortest time between two of one log.
    pub interval: Duration,
    /// Where they are appended.
    pub file: Option<PathBuf>,
    /// Whether they are logged.
    pub log: bool,
    /// Where they are posted.
    pub endpoint: Option<SealEndpoint>,
    /// Who signs them too.
    pub witnesses: Vec<Witness>,
}

/// A server that takes checkpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealEndpoint {
    /// Where.
    pub endpoint: Endpoint,
    /// The bearer token that is sent along.
    pub token: Option<Secret>,
}

/// Somebody who signs checkpoints too, having seen that the log only grew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// Where it is asked.
    pub endpoint: Endpoint,
    /// Its key.
    pub key: VerifierKey,
}
