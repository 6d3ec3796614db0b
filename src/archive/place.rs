//! Where archives are: a directory.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::format::Manifest;
use super::{ArchiveError, dir};

/// One operation may take this long.
const TIMEOUT: Duration = Duration::from_secs(60);
/// An object that is larger is none of ours, in bytes.
pub(super) const OBJECT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Where archives are put and found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A directory of this machine, or what is mounted there.
    Directory(PathBuf),
}

/// A text that names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct PlaceError {
    problem: &'static str,
    remedy: &'static str,
}

impl PlaceError {
    /// What to do.
    pub fn remedy(&self) -> &'static str {
        self.remedy
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(dir) => write!(f, "{}", dir.display()),
        }
    }
}

impl Place {
    /// A directory, as a path or a URL (`file:///var/archive`).
    pub fn parse(text: &str) -> Result<Self, PlaceError> {
        let wrong = |problem, remedy| Err(PlaceError { problem, remedy });
        if let Some(path) = text.strip_prefix("file://") {
            return match path.starts_with('/') && path.len() > 1 {
                true => Ok(Self::Directory(PathBuf::from(path))),
                false => wrong(
                    "the URL names no directory of this machine",
                    "write it with three slashes: `file:///var/lib/countersign-archive`",
                ),
            };
        }
        match text.split_once("://") {
            Some(_) => wrong(
                "archives cannot be put there",
                "write a directory, such as `countersign-archive`",
            ),
            None if text.is_empty() => {
                wrong("it is empty", "write a directory, such as `countersign-archive`")
            }
            None => Ok(Self::Directory(PathBuf::from(text))),
        }
    }

    /// Puts an object there. When this returns, it is durable, whole, and for its owner alone.
    pub(super) async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), ArchiveError> {
        let work = async {
            match self {
                Self::Directory(path) => {
                    let (path, name) = (path.clone(), name.to_owned());
                    blocking(move || dir::put(&path, &name, &bytes)).await
                }
            }
        };
        self.in_time("write", name, work).await
    }

    /// Gets an object.
    pub(super) async fn get(&self, name: &str) -> Result<Vec<u8>, ArchiveError> {
        let work = async {
            match self {
                Self::Directory(path) => {
                    let (path, name) = (path.clone(), name.to_owned());
                    blocking(move || dir::get(&path, &name)).await
                }
            }
        };
        self.in_time("read", name, work).await
    }

    /// The names of all manifests, in order.
    pub(super) async fn list(&self) -> Result<Vec<String>, ArchiveError> {
        let work = async {
            match self {
                Self::Directory(path) => {
                    let path = path.clone();
                    blocking(move || dir::list(&path)).await
                }
            }
        };
        let mut names = self.in_time("list", "*", work).await?;
        names.retain(|name| Manifest::is_name(name));
        names.sort();
        Ok(names)
    }

    async fn in_time<T>(
        &self,
        operation: &'static str,
        name: &str,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, ArchiveError> {
        match tokio::time::timeout(TIMEOUT, work).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(source)) => Err(ArchiveError::Place {
                operation,
                name: name.to_owned(),
                location: self.to_string(),
                source,
            }),
            Err(_) => Err(ArchiveError::Hangs { location: self.to_string(), limit: TIMEOUT }),
        }
    }
}

/// Why a place did not do as it was told.
pub(super) type Fault = Box<dyn std::error::Error + Send + Sync>;

/// On a thread that may block. One that hangs is left behind.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(Into::into),
        Err(error) => Err(error.into()),
    }
}

impl From<&Path> for Place {
    fn from(path: &Path) -> Self {
        Self::Directory(path.to_owned())
    }
}
