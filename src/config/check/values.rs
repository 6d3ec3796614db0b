//! Single values: durations, sizes, counts, names, files.

use std::fs;
use std::io::{ErrorKind, Read};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::sign::CertifiedKey;

use super::Checker;
use crate::config::file::{self, Size};
use crate::config::setting::Setting;
use crate::config::tree::Place;

/// A PEM file larger than this is none.
const PEM_FILE_BYTES: u64 = 4 << 20;

/// What a PEM file must hold.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pem {
    /// At least one certificate.
    Certificates,
    /// Certificates of authorities.
    Authorities,
    /// A private key.
    PrivateKey,
}

impl Checker<'_> {
    /// A duration from `range`.
    pub(super) fn duration(
        &mut self,
        name: &str,
        setting: &Setting<file::Duration>,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Duration {
        let Some((text, place)) = setting.given() else { return default };
        match text.parse() {
            Ok(duration) if range.contains(&duration) => return duration,
            Ok(_) => self.problem(
                place,
                format!("`{name}` is out of range: `{}`", text.0),
                format!("choose from {} to {}", human(*range.start()), human(*range.end())),
            ),
            Err(remedy) => {
                self.problem(place, format!("`{name}` is no duration: `{}`", text.0), remedy);
            }
        }
        default
    }

    /// A number of bytes from `range`.
    pub(super) fn size(
        &mut self,
        name: &str,
        setting: &Setting<Size>,
        default: usize,
        range: RangeInclusive<usize>,
    ) -> usize {
        let Some((text, place)) = setting.given() else { return default };
        match text.parse() {
            Ok(size) if range.contains(&size) => return size,
            Ok(_) => self.problem(
                place,
                format!("`{name}` is out of range: `{}`", text.0),
                format!("choose from {} to {}", bytes(*range.start()), bytes(*range.end())),
            ),
            Err(remedy) => {
                self.problem(place, format!("`{name}` is no size: `{}`", text.0), remedy);
            }
        }
        default
    }

    /// A count from `range`.
    pub(super) fn count(
        &mut self,
        name: &str,
        setting: &Setting<usize>,
        default: usize,
        range: RangeInclusive<usize>,
    ) -> usize {
        let Some((count, place)) = setting.given() else { return default };
        if range.contains(count) {
            return *count;
        }
        self.problem(
            place,
            format!("`{name}` is out of range: `{count}`"),
            format!("choose from {} to {}", range.start(), range.end()),
        );
        default
    }

    /// The items, unless there are more than `most`.
    pub(super) fn at_most<'i, T>(
        &mut self,
        most: usize,
        name: &str,
        items: &'i [T],
        place: Place,
    ) -> &'i [T] {
        if items.len() <= most {
            return items;
        }
        self.problem(
            place,
            format!("`{name}` has {} items", items.len()),
            format!("give at most {most}"),
        );
        &[]
    }

    /// A name for logs, metrics and records; `None` and a problem if it is not one.
    pub(super) fn name(&mut self, what: &str, name: &str, place: Place) -> Option<String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if !name.is_empty() && name.len() <= 64 && name.chars().all(fits) {
            return Some(name.to_owned());
        }
        self.problem(
            place,
            format!("`{name}` cannot be the name of {what}"),
            "use 1 to 64 letters, digits, `.`, `_` and `-`",
        );
        None
    }

    /// The path of a file that is read, relative to the configuration file's directory.
    pub(super) fn readable(&self, path: &str) -> PathBuf {
        self.base.join(path)
    }

    /// The file that a required setting names.
    pub(super) fn required_pem(
        &mut self,
        name: &str,
        setting: &Setting<String>,
        outer: Place,
        holds: Pem,
    ) -> Option<PathBuf> {
        if setting.is_unset() {
            self.problem(outer, format!("`{name}` is missing"), "name the file, PEM");
        }
        self.pem(name, setting, holds)
    }

    /// The file that a setting names, when it holds what it should.
    pub(super) fn pem(
        &mut self,
        name: &str,
        setting: &Setting<String>,
        holds: Pem,
    ) -> Option<PathBuf> {
        let (text, place) = setting.given()?;
        let path = self.readable(text);
        let mut pem = Vec::new();
        // To open a pipe would wait for its writer.
        let pipe = fs::metadata(&path).is_ok_and(|file| !file.is_file() && !file.is_dir());
        let opened = if pipe { Err(ErrorKind::InvalidInput.into()) } else { fs::File::open(&path) };
        let read = opened.and_then(|file| file.take(PEM_FILE_BYTES).read_to_end(&mut pem));
        if let Err(error) = read {
            self.problem(
                place,
                format!("`{name}` cannot be read: `{}`: {error}", path.display()),
                "name a file that this user may read; it is relative to the configuration file",
            );
            return None;
        }
        let (found, wanted) = match holds {
            Pem::Certificates => {
                let mut chain = CertificateDer::pem_slice_iter(&pem).peekable();
                (chain.peek().is_some() && chain.all(|one| one.is_ok()), "a certificate")
            }
            Pem::Authorities => {
                let mut chain = CertificateDer::pem_slice_iter(&pem).peekable();
                let mut roots = RootCertStore::empty();
                let usable = chain.peek().is_some()
                    && chain.all(|one| one.is_ok_and(|one| roots.add(one).is_ok()));
                (usable, "a certificate")
            }
            Pem::PrivateKey => (PrivateKeyDer::from_pem_slice(&pem).is_ok(), "a private key"),
        };
        if !found {
            self.problem(
                place,
                format!("`{name}` holds no {}: `{}`", &wanted.replace("a ", ""), path.display()),
                format!("name a PEM file with {wanted}, not encrypted"),
            );
        }
        found.then_some(path)
    }

    /// A certificate and its key, loaded as whoever uses them will; both files were read before.
    pub(super) fn pair(
        &mut self,
        names: [&str; 2],
        certificate: Option<PathBuf>,
        key: Option<PathBuf>,
        place: Place,
    ) -> Option<(PathBuf, PathBuf)> {
        let (certificate, key) = certificate.zip(key)?;
        if let Err(why) = load_pair(&certificate, &key) {
            let [first, second] = names;
            let (shown, shown_key) = (certificate.display(), key.display());
            self.problem(
                place,
                format!("`{first}` and `{second}` do not fit: `{shown}`, `{shown_key}`: {why}"),
                "name a certificate, first in its file, and the key that it was made for",
            );
            return None;
        }
        Some((certificate, key))
    }
}

fn load_pair(certificate: &Path, key: &Path) -> Result<(), String> {
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain: Vec<_> = chain.map_err(|error| error.to_string())?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| error.to_string())?;
    let loaded = CertifiedKey::from_der(chain, key, &ring::default_provider());
    loaded.map(drop).map_err(|error| error.to_string())
}

fn human(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    match milliseconds {
        ms if ms % 3_600_000 == 0 => format!("`{}h`", ms / 3_600_000),
        ms if ms % 60_000 == 0 => format!("`{}m`", ms / 60_000),
        ms if ms % 1000 == 0 => format!("`{}s`", ms / 1000),
        ms => format!("`{ms}ms`"),
    }
}

fn bytes(count: usize) -> String {
    match count {
        0 => "`0`".to_owned(),
        n if n % (1 << 30) == 0 => format!("`{}GiB`", n >> 30),
        n if n % (1 << 20) == 0 => format!("`{}MiB`", n >> 20),
        n if n % (1 << 10) == 0 => format!("`{}KiB`", n >> 10),
        n => format!("`{n}`"),
    }
}
