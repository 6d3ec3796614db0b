//! Retention of a process that runs: at intervals, beside everything else.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::clock::ClockWatch;
use super::{Policy, RetainError, Retention};
use crate::clock::Timestamp;
use crate::index::Index;
use crate::telemetry::{Metrics, ReasonLabel};

/// After a start the first run waits this long, unless the interval is shorter: a start has other
/// things to do.
const FIRST: Duration = Duration::from_secs(60);
/// After a run that failed the next one waits no longer than this.
const AGAIN: Duration = Duration::from_secs(30);

/// How retention is, for readiness.
#[derive(Debug, Clone, Default)]
pub struct RetainStatus(Arc<Mutex<State>>);

#[derive(Debug, Clone, Copy, Default)]
struct State {
    failing: Option<&'static str>,
    last: Option<Timestamp>,
}

impl RetainStatus {
    /// Why the last run did not do its work; none if it did, or there was none.
    pub fn failing(&self) -> Option<&'static str> {
        self.state(|state| state.failing)
    }

    /// When the last run that did its work ended.
    pub fn last(&self) -> Option<Timestamp> {
        self.state(|state| state.last)
    }

    fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Keeps to the policy until the process stops. The policy is asked for before every run.
pub async fn keep_to(
    retention: Retention,
    policy: impl Fn() -> Policy + Send,
    dir: PathBuf,
    status: RetainStatus,
    metrics: Arc<Metrics>,
    mut stopping: watch::Receiver<bool>,
) {
    let mut wait = policy().interval.min(FIRST);
    let mut watch = ClockWatch::default();
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stopping.wait_for(|stop| *stop) => return,
        }
        let now = policy();
        wait = now.interval;
        let done = tokio::select! {
            done = one_run(&retention, &now, &dir, &mut watch) => done,
            _ = stopping.wait_for(|stop| *stop) => return,
        };
        match done {
            Ok(entries) => {
                metrics.purged_entries.inc_by(entries);
                let time = retention.clock.now();
                metrics.retention_last_run.set(time.timestamp());
                if status.state(|state| {
                    state.last = Some(time);
                    state.failing.take().is_some()
                }) {
                    tracing::info!("retention works again");
                }
            }
            Err(error) => {
                wait = wait.min(AGAIN);
                if now.keeps_all() {
                    status.state(|state| state.failing = None);
                    tracing::debug!(error = %chain(&error), "there was nothing to purge anyway");
                    continue;
                }
                let reason = error.reason();
                metrics.retention_errors.get_or_create(&ReasonLabel { reason }).inc();
                let before = status.state(|state| state.failing.replace(reason));
                match error {
                    // That stays so for a day.
                    RetainError::Skewed { .. } | RetainError::Ahead { .. }
                        if before == Some(reason) => {}
                    RetainError::Ahead { .. } => tracing::error!(
                        reason,
                        %error,
                        "nothing is purged for a day: set the clock right if it is wrong"
                    ),
                    _ => tracing::error!(
                        reason,
                        error = %chain(&error),
                        "retention failed; nothing is lost"
                    ),
                }
            }
        }
    }
}

/// The index is opened for the run only: most of the time there is nothing to do.
async fn one_run(
    retention: &Retention,
    policy: &Policy,
    dir: &std::path::Path,
    watch: &mut ClockWatch,
) -> Result<u64, RetainError> {
    if policy.purges() {
        let record = retention.clock_on_record().await?;
        watch.judge(record, retention.clock.now(), Instant::now())?;
    }
    let mut index = Index::open(dir).await?;
    let outcome = retention.run(policy, &mut index).await?;
    index.close().await?;
    Ok(outcome.entries)
}

fn chain(error: &RetainError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
