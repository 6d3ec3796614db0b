//! The ledger in PostgreSQL.

use std::time::Duration;

use super::Checker;
use super::values::Pem;
use crate::config::checked::{Postgres, Spool};
use crate::config::file::{PostgresFile, PostgresTlsFile, PostgresTlsModeFile, SpoolFile};
use crate::config::setting::Setting;
use crate::config::tree::Place;
use crate::store::{PostgresTarget, PostgresTlsMode};

/// How long a writer may be silent, where nothing is said.
pub(in crate::config) const DEAD_AFTER: Duration = Duration::from_secs(30);
const SECOND: Duration = Duration::from_secs(1);
/// With a spool, a writer shows at least so often that it lives.
const PULSE: Duration = Duration::from_secs(10);
const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;
const DAY: Duration = Duration::from_secs(24 * 3600);

impl Checker<'_> {
    /// The database, where one is named.
    pub(super) fn postgres(
        &mut self,
        setting: &Setting<PostgresFile>,
        sweep_interval: Duration,
    ) -> Option<Postgres> {
        let (file, place) = setting.given()?;
        let Some((url, url_place)) = file.url.given() else {
            if file.url.is_unset() {
                let remedy = "write it such as `url: postgres://countersign@db.internal/audit`";
                self.problem(place, "`url` is missing", remedy);
            }
            return None;
        };
        let mut target = match PostgresTarget::parse(url) {
            Ok(target) => target,
            Err(remedy) => {
                self.problem(url_place, "`url` is no URL of a PostgreSQL database", remedy);
                return None;
            }
        };
        if let Some(password) = self.secret("password", &file.password_file, &file.password_env) {
            if target.password.is_some() {
                let remedy = "take it out of `url`";
                self.problem(url_place, "the password is given twice", remedy);
            }
            target.password = Some(password);
        }
        self.postgres_tls(&file.tls, &mut target);
        target.prepared_statements =
            file.prepared_statements.value().copied().unwrap_or(target.prepared_statements);
        let dead_after = self.duration("dead_after", &file.dead_after, DEAD_AFTER, SECOND..=DAY);
        if dead_after < 2 * sweep_interval {
            self.problem(
                file.dead_after.place_or(place),
                "`dead_after` is less than twice `sweep_interval`, with which writers show that \
                 they live",
                "raise `dead_after`, or lower `sweep_interval`",
            );
        }
        Some(Postgres { target, dead_after })
    }

    /// The spool, where one is wanted.
    pub(super) fn spool(
        &mut self,
        setting: &Setting<SpoolFile>,
        postgres: Option<&Postgres>,
        sweep_interval: Duration,
    ) -> Option<Spool> {
        let (file, place) = setting.given()?;
        let max_size = self.size("max_size", &file.max_size, GIB, MIB..=1024 * GIB);
        let silence = self.duration("silence", &file.silence, DAY, SECOND..=30 * DAY);
        let Some(postgres) = postgres else {
            let remedy = "leave it out: a file of this machine needs no spool";
            self.problem(place, "there is a `spool`, and no `postgres`", remedy);
            return None;
        };
        if silence < postgres.dead_after {
            self.problem(
                file.silence.place_or(place),
                "`silence` is less than `dead_after`",
                "raise it to the longest time that the database may be away",
            );
        }
        if sweep_interval > PULSE {
            self.problem(
                place,
                "there is a `spool`, and `sweep_interval` is more than 10s: readers would be told all \
                 the time that this proxy is silent, and what is spooled would drain late",
                "lower `sweep_interval`; its default is 5s",
            );
        }
        Some(Spool { max_size, silence })
    }

    fn postgres_tls(&mut self, setting: &Setting<PostgresTlsFile>, target: &mut PostgresTarget) {
        let none = PostgresTlsFile::default();
        let file = setting.value().unwrap_or(&none);
        if let Some(mode) = file.mode.value() {
            target.tls = match mode {
                PostgresTlsModeFile::Disable => PostgresTlsMode::Disable,
                PostgresTlsModeFile::Prefer => PostgresTlsMode::Prefer,
                PostgresTlsModeFile::Require => PostgresTlsMode::Require,
                PostgresTlsModeFile::VerifyCa => PostgresTlsMode::VerifyCa,
                PostgresTlsModeFile::VerifyFull => PostgresTlsMode::VerifyFull,
            };
        }
        if let Some(ca) = self.pem("ca", &file.ca, Pem::Certificates) {
            target.ca = Some(ca);
        }
        let certificate = self.pem("certificate", &file.certificate, Pem::Certificates);
        let key = self.pem("key", &file.key, Pem::PrivateKey);
        match (certificate, key) {
            (Some(certificate), Some(key)) => target.certificate = Some((certificate, key)),
            _ if file.certificate.is_unset() == file.key.is_unset() => {}
            _ => {
                let place = file.certificate.place_or(file.key.place_or(Place::WHOLE));
                let remedy = "give both, or neither";
                self.problem(place, "`certificate` and `key` go together", remedy);
            }
        }
    }
}
