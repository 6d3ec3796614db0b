//! What the file says → a [`Config`], every default filled, or every problem.

use std::path::Path;

use super::checked::Config;
use super::file::ConfigFile;
use super::tree::{Findings, Place};

mod listeners;
mod operations;
mod postgres;
mod reading;
mod retention;
mod routes;
mod seal;
mod sign_in;
mod upstreams;
mod values;

pub(super) use operations::host_name;
pub(super) use postgres::DEAD_AFTER;
pub(super) use upstreams::is_host;

/// Checks one file.
pub(super) struct Checker<'a> {
    findings: &'a mut Findings,
    /// Files to read are relative to this.
    base: &'a Path,
}

/// What is left of a file whose version is still to be told.
pub(super) fn check(
    file: &ConfigFile,
    base: &Path,
    version: String,
    findings: &mut Findings,
) -> Config {
    let mut checker = Checker { findings, base };
    let listeners = checker.listeners(&file.listeners);
    let upstreams = checker.upstreams(&file.upstreams);
    let limits = checker.limits(&file.limits);
    let routes = checker.routes(file, &limits);
    let reading = checker.reading(&file.reading, &listeners);
    checker.no_loops(&file.upstreams, &upstreams, &listeners, &reading);
    let (rules_dir, packs) = checker.rules(&file.rules);
    Config {
        trusted_proxies: checker.trusted_proxies(&file.trusted_proxies),
        timeouts: checker.timeouts(&file.timeouts),
        ledger: checker.ledger(&file.ledger),
        seal: checker.seal(&file.seal),
        retention: checker.retention(&file.retention),
        telemetry: checker.telemetry(&file.telemetry),
        threads: checker.threads(&file.threads),
        listeners: listeners.into_iter().map(|(listener, _)| listener).collect(),
        upstreams,
        routes,
        limits,
        reading,
        rules_dir,
        packs,
        version,
    }
}

impl Checker<'_> {
    fn problem(&mut self, place: Place, message: impl Into<String>, remedy: impl Into<String>) {
        self.findings.add(place, message.into(), remedy);
    }
}
