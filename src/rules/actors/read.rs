//! The files that rules about actors name: keys, secrets, tables, certificates.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_saphyr::Spanned;
use sha2::{Digest, Sha256};

use super::file::{KeyHolderFile, KeyTableFile, KindFile};
use crate::identify::{ApiKeys, Endpoint, KeyHolder, KeySet, KeySetError, SECRET_BYTES_MIN};
use crate::problem::{Problem, parse_yaml};
use crate::record::ActorKind;
use crate::rules::check::Checked;

/// Requests wait no longer for anybody.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// The largest file that a rule names, in bytes.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

impl Checked {
    /// The bytes of a file that a rule names; relative paths begin where the rule's file is.
    pub(super) fn read(
        &mut self,
        file: &Path,
        named: &Spanned<String>,
    ) -> Option<(PathBuf, Vec<u8>)> {
        self.read_up_to(file, named, FILE_BYTES_MAX)
    }

    /// The bytes of a file that may be larger than most.
    pub(in crate::rules) fn read_up_to(
        &mut self,
        file: &Path,
        named: &Spanned<String>,
        bytes_max: u64,
    ) -> Option<(PathBuf, Vec<u8>)> {
        let path = file.parent().unwrap_or(Path::new("")).join(&named.value);
        self.reads.push(path.clone());
        let size = fs::metadata(&path).map(|metadata| metadata.len()).unwrap_or_default();
        let read = match size {
            size if size <= bytes_max => fs::read(&path).map_err(|error| error.to_string()),
            _ => Err(format!("it is larger than {bytes_max} bytes")),
        };
        match read {
            Ok(bytes) => Some((path, bytes)),
            Err(error) => {
                let message = format!("`{}` cannot be read: {error}", path.display());
                let remedy = "name a file; relative paths begin where this file of rules is";
                self.at(file, named, message, remedy);
                None
            }
        }
    }

    /// Public keys from a file.
    pub(super) fn key_set(&mut self, file: &Path, named: &Spanned<String>) -> Option<Arc<KeySet>> {
        let (path, bytes) = self.read(file, named)?;
        self.normal.push(format!("keys {}", hex::encode(Sha256::digest(&bytes))));
        match KeySet::from_jwks(&bytes) {
            Ok(keys) => Some(Arc::new(keys)),
            Err(error) => {
                let remedy = match error {
                    KeySetError::Form => {
                        "write `{\"keys\": […]}` as the issuer publishes it (RFC 7517)"
                    }
                    KeySetError::Empty => {
                        "give it an RSA, P-256, P-384 or Ed25519 key; for a shared secret write \
                         `secret_file`"
                    }
                    KeySetError::Many => "remove keys that are no longer used",
                };
                self.at(file, named, format!("`{}`: {error}", path.display()), remedy);
                None
            }
        }
    }

    /// A secret, from the one of both places that is given. Of what it says nothing is remembered
    /// beside it.
    pub(super) fn secret(
        &mut self,
        file: &Path,
        in_file: Option<&Spanned<String>>,
        in_environment: Option<&Spanned<String>>,
    ) -> Option<Vec<u8>> {
        if let Some(named) = in_file {
            let (_, bytes) = self.read(file, named)?;
            let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            return Some(text.strip_suffix(b"\r").unwrap_or(text).to_vec());
        }
        let named = in_environment?;
        match env::var(&named.value) {
            Ok(text) if !text.is_empty() => Some(text.into_bytes()),
            _ => {
                let message = format!("the environment variable `{}` is not set", named.value);
                self.at(file, named, message, "set it for countersign, or use `secret_file`");
                None
            }
        }
    }

    /// A shared secret that checks signatures.
    pub(super) fn shared_secret(
        &mut self,
        file: &Path,
        in_file: Option<&Spanned<String>>,
        in_environment: Option<&Spanned<String>>,
    ) -> Option<Arc<KeySet>> {
        let secret = self.secret(file, in_file, in_environment)?;
        let keys = KeySet::shared(&secret).map(Arc::new);
        if let (None, Some(place)) = (&keys, in_file.or(in_environment)) {
            let message =
                format!("the secret has less than {SECRET_BYTES_MIN} bytes, and could be guessed");
            self.at(file, place, message, "use one of 32 random bytes or more");
        }
        keys
    }

    /// A server by its URL.
    pub(super) fn endpoint(
        &mut self,
        file: &Path,
        url: &Spanned<String>,
        ca: Option<&Spanned<String>>,
        protection: Protection,
    ) -> Option<Endpoint> {
        let authorities = ca.map_or_else(Vec::new, |ca| self.authorities(file, ca));
        let Some(endpoint) = Endpoint::parse(&url.value) else {
            // What stands before an `@` may be a password.
            let message = match url.value.contains('@') {
                true => "this is no URL of a server".to_owned(),
                false => format!("`{}` is no URL of a server", url.value),
            };
            self.at(file, url, message, "write `https://host/path`, without user or fragment");
            return None;
        };
        if protection == Protection::Required && !endpoint.tls && !endpoint.is_here() {
            let message = format!("`{}` is not protected by TLS", url.value);
            self.at(file, url, message, "use `https`, or accept the risk with `insecure: true`");
            return None;
        }
        Some(Endpoint { authorities, ..endpoint })
    }

    fn authorities(&mut self, file: &Path, named: &Spanned<String>) -> Vec<Vec<u8>> {
        let Some((path, bytes)) = self.read(file, named) else { return Vec::new() };
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        match found {
            Ok(found) if !found.is_empty() => found.into_iter().map(|der| der.to_vec()).collect(),
            _ => {
                let message = format!("`{}` holds no certificate", path.display());
                self.at(file, named, message, "name a file with certificates in PEM");
                Vec::new()
            }
        }
    }

    /// The holders of API keys. Problems show the place in the table.
    pub(super) fn api_keys(
        &mut self,
        file: &Path,
        named: &Spanned<String>,
        default: ActorKind,
    ) -> ApiKeys {
        let mut table = ApiKeys::default();
        let Some((path, bytes)) = self.read(file, named) else { return table };
        self.normal.push(format!("table {}", hex::encode(Sha256::digest(&bytes))));
        let remedy = "write `keys: [{sha256: …, id: …, name: …}]`";
        let parsed = crate::problem::utf8(&path, bytes)
            .and_then(|text| parse_yaml::<KeyTableFile>(&path, &text, remedy));
        match parsed {
            Ok(written) => {
                for holder in &written.keys {
                    self.holder(&path, holder, default, &mut table);
                }
            }
            Err(problem) => self.problems.push(problem),
        }
        table
    }

    fn holder(
        &mut self,
        file: &Path,
        written: &KeyHolderFile,
        default: ActorKind,
        table: &mut ApiKeys,
    ) {
        let holder = KeyHolder {
            id: Some(written.id.value.clone()),
            name: written.name.clone(),
            email: written.email.clone(),
            kind: written.kind.map_or(default, kind),
        };
        let remedy = "`countersign actors hash` makes the entry of a key";
        let (place, added) = match (&written.sha256, &written.fingerprint) {
            (Some(place), None) => {
                let mut digest = [0; 32];
                let right = hex::decode_to_slice(&place.value, &mut digest).is_ok();
                (place, right.then(|| table.add_digest(digest, holder)))
            }
            (None, Some(place)) => {
                let right = is_fingerprint(&place.value);
                (place, right.then(|| table.add_fingerprint(place.value.clone(), holder)))
            }
            _ => {
                let message = "the entry needs one of `sha256` and `fingerprint`".to_owned();
                self.at(file, &written.id, message, remedy);
                return;
            }
        };
        match added {
            Some(true) => {}
            Some(false) => {
                let message = "this key has a holder already".to_owned();
                self.at(file, place, message, "keep one of the two entries");
            }
            None => {
                let message = "this is neither a SHA-256 nor a fingerprint".to_owned();
                self.at(file, place, message, remedy);
            }
        }
    }

    /// A length of time from 1 ms to a day.
    pub(in crate::rules) fn time(
        &mut self,
        file: &Path,
        name: &str,
        written: Option<&Spanned<String>>,
        default: Duration,
    ) -> Duration {
        let Some(written) = written else { return default };
        match duration(&written.value) {
            Some(duration) if duration <= Duration::from_secs(86_400) => duration,
            _ => {
                let message = format!("`{name}` is no length of time: `{}`", written.value);
                self.at(file, written, message, "write a number and `ms`, `s`, `m` or `h`: `30s`");
                default
            }
        }
    }

    /// How long requests wait for an answer.
    pub(super) fn wait(
        &mut self,
        file: &Path,
        written: Option<&Spanned<String>>,
        default: Duration,
    ) -> Duration {
        let length = self.time(file, "timeout", written, default);
        if let Some(written) = written.filter(|_| length > WAIT_MAX) {
            let message = "`timeout` is longer than 30s: requests would wait as long".to_owned();
            self.at(file, written, message, "write a shorter one");
        }
        length
    }

    /// A problem of a file as a whole.
    pub(super) fn of_place(
        &mut self,
        file: &Path,
        place: (u64, u64),
        message: String,
        remedy: &str,
    ) {
        self.problems.push(Problem {
            file: file.to_owned(),
            line: place.0,
            column: place.1,
            message,
            remedy: remedy.to_owned(),
        });
    }
}

/// Whether what passes between two machines must be protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protection {
    /// By TLS.
    Required,
    /// The operator accepts the risk.
    Waived,
}

impl Protection {
    pub(super) fn unless(insecure: bool) -> Self {
        if insecure { Self::Waived } else { Self::Required }
    }
}

/// Whether a host is this machine.
/// What kind of actor.
pub(super) fn kind(written: KindFile) -> ActorKind {
    match written {
        KindFile::User => ActorKind::User,
        KindFile::System => ActorKind::System,
        KindFile::Api => ActorKind::Api,
        KindFile::Webhook => ActorKind::Webhook,
        KindFile::Agent => ActorKind::Agent,
        KindFile::Anonymous => ActorKind::Anonymous,
    }
}

fn is_fingerprint(text: &str) -> bool {
    text.strip_prefix("hmac:").is_some_and(|digits| {
        digits.len() == 16
            && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    })
}

fn duration(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(end)?;
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    match unit.trim() {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        "h" => Some(Duration::from_secs(number.checked_mul(3600)?)),
        _ => None,
    }
}
