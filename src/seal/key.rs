//! Keys: the one that signs, made once and kept beside the ledger, and those that verify.
//!
//! Both are texts as in C2SP signed-note. The name of a key is that of its installation; under the
//! name of each log (its origin) the same key has another id, as the format asks for.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use signed_note::{StandardSigner, StandardVerifier, is_key_name_valid, key_id};
use zeroize::Zeroizing;

/// The first byte of an Ed25519 key.
const ED25519: u8 = 1;
/// The first byte of a key of a witness (C2SP tlog-cosignature).
pub(super) const COSIGNATURE: u8 = 4;
/// How names begin that nobody has chosen, and how many digits follow.
const RANDOM_NAME: &str = "countersign-";
const RANDOM_DIGITS: usize = 12;

/// Whether nobody has chosen this name of an installation.
pub(crate) fn is_random_name(name: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let digits = name.strip_prefix(RANDOM_NAME);
    digits.is_some_and(|digits| digits.len() == RANDOM_DIGITS && digits.bytes().all(is_digit))
}

/// A text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not the form of a verifier key.
    #[error("it is not a verifier key: `NAME+ID+KEY`, as `countersign keys show` prints it")]
    Verifier,
    /// Not the form of a signing key.
    #[error("it is not a signing key: `PRIVATE+KEY+NAME+ID+KEY`, with an Ed25519 key")]
    Signing,
    /// The id is of another key or name.
    #[error("its id is not the one of its name and key")]
    Id,
    /// Not a name that a key may have.
    #[error("a name must not be empty, and have no spaces and no `+`")]
    Name,
    /// No random bytes.
    #[error("no random bytes can be had")]
    Random,
}

/// Who may check: the public half of a key, under a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerifierKey {
    name: String,
    algorithm: u8,
    public: [u8; 32],
}

impl VerifierKey {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its id under its name.
    pub fn id(&self) -> u32 {
        key_id(&self.name, &self.encoded())
    }

    /// Whether it is a witness's.
    pub fn is_witness(&self) -> bool {
        self.algorithm == COSIGNATURE
    }

    /// The same key under another name.
    pub fn named(&self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self.clone() }
    }

    /// Whether it speaks for a log: the one of its own name, or one of its installation.
    pub fn covers(&self, origin: &str) -> bool {
        let rest = origin.strip_prefix(&self.name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    pub(super) fn public(&self) -> &[u8; 32] {
        &self.public
    }

    fn encoded(&self) -> Vec<u8> {
        [&[self.algorithm], self.public.as_slice()].concat()
    }

    /// What checks signatures under its name. None for a witness's.
    pub(super) fn standard(&self) -> Option<StandardVerifier> {
        StandardVerifier::new(&self.to_string()).ok()
    }
}

impl Display for VerifierKey {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "{}+{:08x}+{}", self.name, self.id(), BASE64_STANDARD.encode(self.encoded()))
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut parts = text.trim().splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Verifier);
        };
        if !is_key_name_valid(name) {
            return Err(KeyError::Name);
        }
        let key = BASE64_STANDARD.decode(key).map_err(|_| KeyError::Verifier)?;
        let Some((&algorithm @ (ED25519 | COSIGNATURE), public)) = key.split_first() else {
            return Err(KeyError::Verifier);
        };
        let public = public.try_into().map_err(|_| KeyError::Verifier)?;
        let key = Self { name: name.to_owned(), algorithm, public };
        // A point that is none could never have signed.
        if algorithm == ED25519 && key.standard().is_none() {
            return Err(KeyError::Verifier);
        }
        match id.len() == 8 && u32::from_str_radix(id, 16) == Ok(key.id()) {
            true => Ok(key),
            false => Err(KeyError::Id),
        }
    }
}

/// The key that signs. Its `Debug` says nothing of it.
pub struct SigningKey {
    seed: Zeroizing<[u8; 32]>,
    verifier: VerifierKey,
}

impl SigningKey {
    /// A new key under the name of an installation.
    pub fn generate(name: &str) -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        SystemRandom::new().fill(seed.as_mut_slice()).map_err(|_| KeyError::Random)?;
        Self::of_seed(name, seed)
    }

    /// A name for an installation that has none.
    pub fn random_name() -> Result<String, KeyError> {
        let mut bytes = [0; RANDOM_DIGITS / 2];
        SystemRandom::new().fill(&mut bytes).map_err(|_| KeyError::Random)?;
        Ok(format!("{RANDOM_NAME}{}", hex::encode(bytes)))
    }

    /// A key from its text, `PRIVATE+KEY+NAME+ID+KEY`.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let rest = text.trim().strip_prefix("PRIVATE+KEY+").ok_or(KeyError::Signing)?;
        let mut parts = rest.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(KeyError::Signing);
        };
        let key = BASE64_STANDARD.decode(key).map(Zeroizing::new).map_err(|_| KeyError::Signing)?;
        let Some((&ED25519, seed)) = key.split_first() else { return Err(KeyError::Signing) };
        let seed = seed.try_into().map(Zeroizing::new).map_err(|_| KeyError::Signing)?;
        let key = Self::of_seed(name, seed)?;
        match id.len() == 8 && u32::from_str_radix(id, 16) == Ok(key.verifier.id()) {
            true => Ok(key),
            false => Err(KeyError::Id),
        }
    }

    fn of_seed(name: &str, seed: Zeroizing<[u8; 32]>) -> Result<Self, KeyError> {
        if !is_key_name_valid(name) {
            return Err(KeyError::Name);
        }
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice());
        let pair = pair.map_err(|_| KeyError::Signing)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| KeyError::Signing)?;
        let verifier = VerifierKey { name: name.to_owned(), algorithm: ED25519, public };
        Ok(Self { seed, verifier })
    }

    /// Its public half, under the name of the installation.
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// Its text.
    pub fn text(&self) -> Zeroizing<String> {
        self.text_under(&self.verifier.name)
    }

    fn text_under(&self, name: &str) -> Zeroizing<String> {
        let id = self.verifier.named(name).id();
        let key = Zeroizing::new([&[ED25519], self.seed.as_slice()].concat());
        let key = Zeroizing::new(BASE64_STANDARD.encode(key.as_slice()));
        Zeroizing::new(format!("PRIVATE+KEY+{name}+{id:08x}+{}", key.as_str()))
    }

    /// The log of `writer`.
    pub fn origin(&self, writer: &str) -> String {
        format!("{}/{writer}", self.verifier.name)
    }

    /// What signs under a name.
    pub(super) fn signer(&self, name: &str) -> Result<StandardSigner, KeyError> {
        StandardSigner::new(&self.text_under(name)).map_err(|_| KeyError::Name)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write!(out, "SigningKey({})", self.verifier)
    }
}
