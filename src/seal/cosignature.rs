//! Signatures of witnesses (C2SP tlog-cosignature, cosignature/v1): each says that, at some time, it had
//! seen no other version of the log.

use ring::signature::{ED25519, UnparsedPublicKey};
use signed_note::Verifier;

use super::checkpoint::{Checkpoint, verified};
use super::key::VerifierKey;

/// A witness's signature that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// Whose.
    pub key: VerifierKey,
    /// When it was made, in seconds since 1970.
    pub time: u64,
}

/// The signature of a witness under a checkpoint, if there is one and it holds.
pub fn cosignature(checkpoint: &Checkpoint, key: &VerifierKey) -> Option<Cosignature> {
    let signature = verified(&checkpoint.note, &Witness(key))?;
    let (time, _) = timestamp(signature.signature())?;
    Some(Cosignature { key: key.clone(), time })
}

fn timestamp(signature: &[u8]) -> Option<(u64, &[u8])> {
    let (time, signature) = signature.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*time), signature))
}

struct Witness<'k>(&'k VerifierKey);

impl Verifier for Witness<'_> {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn key_id(&self) -> u32 {
        self.0.id()
    }

    fn verify(&self, text: &[u8], signature: &[u8]) -> bool {
        let Some((time, signature)) = timestamp(signature) else { return false };
        let mut message = format!("cosignature/v1\ntime {time}\n").into_bytes();
        message.extend_from_slice(text);
        self.0.is_witness()
            && UnparsedPublicKey::new(&ED25519, self.0.public()).verify(&message, signature).is_ok()
    }
}
