//! Where archives are: a directory, or a part of a bucket.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::format::Manifest;
use super::s3::Bucket;
use super::{ArchiveError, dir};

/// One operation may take this long.
const TIMEOUT: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 60 });
/// An object that is larger is none of ours, in bytes.
pub(super) const OBJECT_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Where archives are put and found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A directory of this machine, or what is mounted there.
    Directory(PathBuf),
    /// A bucket of an object store that speaks S3.
    S3 {
        /// Its name.
        bucket: String,
        /// What stands before every name, without a slash at its ends; mostly empty.
        prefix: String,
    },
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
            Self::S3 { bucket, prefix } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3 { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

impl Place {
    /// A directory, as a path or a URL (`file:///var/archive`), or a bucket (`s3://bucket/prefix`).
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
        if let Some(rest) = text.strip_prefix("s3://") {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let prefix = prefix.trim_end_matches('/');
            let is_name =
                |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-_".contains(c);
            let is_part = |part: &str| {
                let plain = |c: char| c.is_ascii_alphanumeric() || "._-=".contains(c);
                !part.is_empty() && part != "." && part != ".." && part.chars().all(plain)
            };
            return match (3..=63).contains(&bucket.len())
                && bucket.chars().all(is_name)
                && (prefix.is_empty() || prefix.split('/').all(is_part))
            {
                true => Ok(Self::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() }),
                false => wrong(
                    "the URL names no bucket, or no plain prefix in it",
                    "write it as `s3://bucket/prefix`; where it is and who may write there is said by \
                     AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
                ),
            };
        }
        match text.split_once("://") {
            Some(_) => wrong(
                "archives cannot be put there",
                "write a directory, such as `countersign-archive`, or `s3://bucket/prefix`",
            ),
            None if text.is_empty() => {
                wrong("it is empty", "write a directory, such as `countersign-archive`")
            }
            None => Ok(Self::Directory(PathBuf::from(text))),
        }
    }

    /// The same place, whatever directory is asked from: what is put on record must be found later.
    pub fn absolute(self) -> Self {
        match self {
            Self::Directory(dir) => Self::Directory(std::path::absolute(&dir).unwrap_or(dir)),
            bucket => bucket,
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
                Self::S3 { bucket, prefix } => Bucket::open(bucket, prefix)?.put(name, bytes).await,
            }
        };
        self.in_time(work, |source| self.refused("write", name, source)).await
    }

    /// Gets an object.
    pub(super) async fn get(&self, name: &str) -> Result<Vec<u8>, ArchiveError> {
        let work = async {
            match self {
                Self::Directory(path) => {
                    let (path, name) = (path.clone(), name.to_owned());
                    blocking(move || dir::get(&path, &name)).await
                }
                Self::S3 { bucket, prefix } => Bucket::open(bucket, prefix)?.get(name).await,
            }
        };
        self.in_time(work, |source| self.refused("read", name, source)).await
    }

    /// The names of all archives and manifests, in order.
    pub(super) async fn list(&self) -> Result<Vec<String>, ArchiveError> {
        let work = async {
            match self {
                Self::Directory(path) => {
                    let path = path.clone();
                    blocking(move || dir::list(&path)).await
                }
                Self::S3 { bucket, prefix } => Bucket::open(bucket, prefix)?.list().await,
            }
        };
        let refused = |source| ArchiveError::List { location: self.to_string(), source };
        let mut names = self.in_time(work, refused).await?;
        names.retain(|name| Manifest::is_name(name) || Manifest::is_of(name));
        names.sort();
        Ok(names)
    }

    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, Fault>>,
        refused: impl FnOnce(Fault) -> ArchiveError,
    ) -> Result<T, ArchiveError> {
        match tokio::time::timeout(TIMEOUT, work).await {
            Ok(done) => done.map_err(refused),
            Err(_) => Err(ArchiveError::Hangs { location: self.to_string(), limit: TIMEOUT }),
        }
    }

    fn refused(&self, operation: &'static str, name: &str, source: Fault) -> ArchiveError {
        let (name, location) = (name.to_owned(), self.to_string());
        ArchiveError::Place { operation, name, location, source }
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
