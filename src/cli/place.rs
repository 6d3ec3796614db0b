//! Where a command finds the ledger: the file of a directory, or a database.

use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::query::BadOption;
use crate::config;
use crate::store::{LEDGER_FILE, LedgerSource, PostgresTarget};

/// Where a command finds a ledger that is not the file of a directory.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct LedgerArgs {
    /// A PostgreSQL database that holds the ledger: postgres://login@host/database
    #[arg(long, value_name = "URL")]
    pub ledger: Option<String>,
    /// The configuration of the proxy, which says where its ledger is
    #[arg(long, value_name = "FILE", conflicts_with = "ledger")]
    pub config: Option<PathBuf>,
}

/// A ledger, and the directory of what is kept beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Located {
    /// The directory: index, keys.
    pub(super) dir: PathBuf,
    /// Where the ledger can be read.
    pub(super) source: LedgerSource,
    /// The file in which its checkpoints are published, where a configuration names one.
    pub(super) published: Option<PathBuf>,
}

impl Located {
    /// Whether the index in the directory can be this ledger's: beside a ledger's file it is that
    /// one's.
    pub(super) fn may_have_index(&self) -> bool {
        self.dir.is_dir() && (!self.source.is_shared() || !self.dir.join(LEDGER_FILE).exists())
    }
}

impl LedgerArgs {
    /// What is meant, where `dir` is the directory that the command line names.
    pub(super) fn locate(&self, dir: &Path) -> anyhow::Result<Located> {
        if let Some(file) = &self.config {
            let config = config::load(file).map_err(|problems| anyhow!("{problems}"))?;
            let source = config.ledger.source();
            let published = config.seal.file.filter(|_| config.seal.enabled);
            return Ok(Located { dir: config.ledger.dir, source, published });
        }
        self.locate_url(LedgerSource::directory(dir), dir)
    }

    /// The same where a configuration was read already.
    pub(super) fn locate_url(
        &self,
        otherwise: LedgerSource,
        dir: &Path,
    ) -> anyhow::Result<Located> {
        let source = match &self.ledger {
            Some(url) => LedgerSource::Postgres(Box::new(target("--ledger", url)?)),
            None => otherwise,
        };
        Ok(Located { dir: dir.to_owned(), source, published: None })
    }
}

/// The database of a URL on the command line, after this option.
pub(super) fn target(option: &str, url: &str) -> Result<PostgresTarget, BadOption> {
    PostgresTarget::parse(url).map_err(|remedy| {
        BadOption(format!("`{option}` is no URL of a PostgreSQL database: {remedy}"))
    })
}
