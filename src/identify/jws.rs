//! Signatures of JSON Web Tokens (RFC 7515, 7518, 8037) and the keys that check them (RFC 7517).
//!
//! Invariant: what a key may check is decided by the key, never by the token. A public key cannot
//! become a shared secret, and there is no algorithm `none`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{hmac, signature};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// Keys that a set may hold.
pub const KEYS_MAX: usize = 128;
/// Keys that are tried for a token that names none.
const TRIES_MAX: usize = 8;
/// The shortest shared secret, in bytes.
pub const SECRET_BYTES_MIN: usize = 16;

/// An algorithm of signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of RFC 7518 and 8037")]
pub enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    /// All that are known, by name.
    pub const NAMES: [(&'static str, Self); 12] = [
        ("HS256", Self::Hs256),
        ("HS384", Self::Hs384),
        ("HS512", Self::Hs512),
        ("RS256", Self::Rs256),
        ("RS384", Self::Rs384),
        ("RS512", Self::Rs512),
        ("PS256", Self::Ps256),
        ("PS384", Self::Ps384),
        ("PS512", Self::Ps512),
        ("ES256", Self::Es256),
        ("ES384", Self::Es384),
        ("EdDSA", Self::EdDsa),
    ];

    /// The algorithm of that name; names are case-sensitive.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, algorithm)| *algorithm)
    }

    /// Whether its key is a shared secret.
    pub fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }
}

/// What a key is made of. Without `Debug`: some of it is secret.
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
    Secret(Vec<u8>),
}

struct Key {
    id: Option<String>,
    algorithm: Option<Algorithm>,
    material: Material,
}

/// Keys of one issuer.
pub struct KeySet {
    keys: Vec<Key>,
    version: u64,
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySet({} keys)", self.keys.len())
    }
}

/// Why a text is no set of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeySetError {
    /// It is no JSON document with a list `keys`.
    #[error("it is no JSON Web Key Set")]
    Form,
    /// None of its keys can check signatures.
    #[error("it holds no public key that can check signatures")]
    Empty,
    /// It holds too many.
    #[error("it holds more than {KEYS_MAX} keys")]
    Many,
}

/// How a signature was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signature {
    Right,
    Wrong,
    /// The token names a key that is not in the set.
    UnknownKey,
}

#[derive(Deserialize)]
struct JwksFile {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct JwkFile {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl KeySet {
    /// Reads a JSON Web Key Set. Keys of kinds that are not known are passed over, and so are shared
    /// secrets, which have no place in a public document.
    pub fn from_jwks(text: &[u8]) -> Result<Self, KeySetError> {
        let file: JwksFile = serde_json::from_slice(text).map_err(|_| KeySetError::Form)?;
        if file.keys.len() > KEYS_MAX {
            return Err(KeySetError::Many);
        }
        let keys: Vec<Key> = file
            .keys
            .into_iter()
            .filter_map(|value| key(serde_json::from_value(value).ok()?))
            .collect();
        if keys.is_empty() {
            return Err(KeySetError::Empty);
        }
        let digest = Sha256::digest(text);
        let version = digest.iter().take(8).fold(0, |all, byte| all << 8 | u64::from(*byte));
        Ok(Self { keys, version })
    }

    /// A shared secret; none if it is too short to be one.
    pub fn shared(secret: &[u8]) -> Option<Self> {
        let material = Material::Secret(secret.to_vec());
        let key = Key { id: None, algorithm: None, material };
        (secret.len() >= SECRET_BYTES_MIN).then(|| Self { keys: vec![key], version: 0 })
    }

    /// Changes with what the set holds.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Checks a signature with the key that the token names, or with all that fit if it names none.
    pub(super) fn verify(
        &self,
        algorithm: Algorithm,
        key_id: Option<&str>,
        signed: &[u8],
        sent: &[u8],
    ) -> Signature {
        let named = |key: &&Key| match (key_id, &key.id) {
            (Some(wanted), Some(id)) => wanted == id,
            // A shared secret, or a set of one key, has no name.
            (Some(_), None) => self.keys.len() == 1,
            (None, _) => true,
        };
        let mut known = false;
        let candidates = self.keys.iter().filter(named).inspect(|_| known = true);
        let right = candidates
            .filter(|key| key.algorithm.is_none_or(|only| only == algorithm))
            .filter(|key| key.material.fits(algorithm))
            .take(TRIES_MAX)
            .any(|key| key.material.verify(algorithm, signed, sent));
        match (right, known) {
            (true, _) => Signature::Right,
            (false, true) if key_id.is_some() || self.keys.len() == 1 => Signature::Wrong,
            // Without a name, the key may be one that was added since.
            (false, _) => Signature::UnknownKey,
        }
    }
}

impl Material {
    fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{EdDsa, Es256, Es384, Hs256, Hs384, Hs512};
        match self {
            Self::Secret(_) => matches!(algorithm, Hs256 | Hs384 | Hs512),
            Self::P256(_) => algorithm == Es256,
            Self::P384(_) => algorithm == Es384,
            Self::Ed25519(_) => algorithm == EdDsa,
            Self::Rsa { .. } => {
                !algorithm.is_symmetric() && !matches!(algorithm, Es256 | Es384 | EdDsa)
            }
        }
    }

    fn verify(&self, algorithm: Algorithm, signed: &[u8], sent: &[u8]) -> bool {
        let point = |how: &'static dyn signature::VerificationAlgorithm, key: &[u8]| {
            signature::UnparsedPublicKey::new(how, key).verify(signed, sent).is_ok()
        };
        match self {
            Self::Secret(secret) => {
                let how = match algorithm {
                    Algorithm::Hs256 => hmac::HMAC_SHA256,
                    Algorithm::Hs384 => hmac::HMAC_SHA384,
                    Algorithm::Hs512 => hmac::HMAC_SHA512,
                    _ => return false,
                };
                hmac::verify(&hmac::Key::new(how, secret), signed, sent).is_ok()
            }
            Self::P256(key) => point(&signature::ECDSA_P256_SHA256_FIXED, key),
            Self::P384(key) => point(&signature::ECDSA_P384_SHA384_FIXED, key),
            Self::Ed25519(key) => point(&signature::ED25519, key),
            Self::Rsa { modulus, exponent } => {
                let how = match algorithm {
                    Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
                    Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                    Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                    Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
                    Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
                    Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
                    _ => return false,
                };
                signature::RsaPublicKeyComponents { n: modulus, e: exponent }
                    .verify(how, signed, sent)
                    .is_ok()
            }
        }
    }
}

/// A key that may check signatures, if that is what it is for and its kind is known.
fn key(file: JwkFile) -> Option<Key> {
    let for_signing = file.purpose.as_deref().is_none_or(|purpose| purpose == "sig")
        && file.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    if !for_signing {
        return None;
    }
    let algorithm = match &file.alg {
        Some(name) => Some(Algorithm::named(name)?),
        None => None,
    };
    let bytes = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_ref()?).ok();
    let unpadded =
        |bytes: Vec<u8>| bytes.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
    let point = || {
        let (x, y) = (bytes(&file.x)?, bytes(&file.y)?);
        Some([vec![4], x, y].concat())
    };
    let material = match (file.kty.as_str(), file.crv.as_deref()) {
        ("RSA", _) => Material::Rsa {
            modulus: unpadded(bytes(&file.n)?),
            exponent: unpadded(bytes(&file.e)?),
        },
        ("EC", Some("P-256")) => Material::P256(point()?),
        ("EC", Some("P-384")) => Material::P384(point()?),
        ("OKP", Some("Ed25519")) => Material::Ed25519(bytes(&file.x)?),
        _ => return None,
    };
    let fits = algorithm.is_none_or(|algorithm| material.fits(algorithm));
    fits.then_some(Key { id: file.kid, algorithm, material })
}
