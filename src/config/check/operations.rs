//! Timeouts, limits, the ledger, logs, rules, threads.

use std::path::PathBuf;
use std::time::Duration;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::Checker;
use crate::config::checked::{Ledger, Limits, LogFormat, Telemetry, Timeouts};
use crate::config::file::{
    self, FormatFile, LedgerFile, LimitsFile, RulesFile, TelemetryFile, Threads, TimeoutsFile,
};
use crate::config::setting::Setting;
use crate::config::tree::Place;
use crate::rules::Pack;

/// The name of this machine, as far as it can be a writer's.
pub(in crate::config) fn host_name() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let fits = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name: String = name.chars().filter(fits).take(64).collect();
    if name.is_empty() { "countersign".to_owned() } else { name }
}

const MILLISECOND: Duration = Duration::from_millis(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
const GIB: usize = 1 << 30;

/// What is captured of a body where nothing is said, in bytes.
const CAPTURE: usize = 256 << 10;

/// Of a body so much may be read at once, beyond what is captured of it.
const AT_ONCE: usize = 64 << 10;

impl Checker<'_> {
    pub(super) fn timeouts(&mut self, setting: &Setting<TimeoutsFile>) -> Timeouts {
        let none = TimeoutsFile::default();
        let file = setting.value().unwrap_or(&none);
        let mut timeout = |name: &str, setting: &Setting<file::Duration>, default: u64| {
            self.duration(name, setting, Duration::from_secs(default), MILLISECOND..=DAY)
        };
        let timeouts = Timeouts {
            request_head: timeout("request_head", &file.request_head, 10),
            request_body: timeout("request_body", &file.request_body, 30),
            request_body_total: timeout("request_body_total", &file.request_body_total, 120),
            client_write: timeout("client_write", &file.client_write, 30),
            client_idle: timeout("client_idle", &file.client_idle, 60),
            connect: timeout("connect", &file.connect, 5),
            upstream_read: timeout("upstream_read", &file.upstream_read, 60),
            upstream_write: timeout("upstream_write", &file.upstream_write, 30),
            upstream_idle: timeout("upstream_idle", &file.upstream_idle, 60),
            snapshot: timeout("snapshot", &file.snapshot, 1),
            shutdown: timeout("shutdown", &file.shutdown, 30),
        };
        if timeouts.request_body_total < timeouts.request_body {
            let outer = file.request_body.place_or(Place::WHOLE);
            self.problem(
                file.request_body_total.place_or(outer),
                "`request_body_total` is shorter than `request_body`, which then means nothing",
                "make `request_body_total` the longer of the two",
            );
        }
        timeouts
    }

    pub(super) fn limits(&mut self, setting: &Setting<LimitsFile>) -> Limits {
        let none = LimitsFile::default();
        let file = setting.value().unwrap_or(&none);
        let limits = Limits {
            head_bytes: self.size("head_bytes", &file.head_bytes, 64 * KIB, KIB..=MIB),
            head_fields: self.count("head_fields", &file.head_fields, 100, 8..=256),
            target_bytes: self.size("target_bytes", &file.target_bytes, 8 * KIB, 256..=MIB),
            connections: self.count("connections", &file.connections, 10_000, 1..=1_000_000),
            captured_bytes: self.size(
                "captured_bytes",
                &file.captured_bytes,
                32 * MIB,
                256 * KIB..=64 * GIB,
            ),
            snapshots: self.count("snapshots", &file.snapshots, 64, 1..=10_000),
        };
        if limits.target_bytes > limits.head_bytes {
            let outer = file.head_bytes.place_or(Place::WHOLE);
            self.problem(
                file.target_bytes.place_or(outer),
                "`target_bytes` is more than `head_bytes`, of which the target is a part",
                "make `head_bytes` the larger of the two",
            );
        }
        limits
    }

    pub(super) fn ledger(&mut self, setting: &Setting<LedgerFile>) -> Ledger {
        let none = LedgerFile::default();
        let file = setting.value().unwrap_or(&none);
        let dir = self.ledger_dir(&file.dir);
        let writer =
            file.writer.given().and_then(|(name, place)| self.name("a writer", name, place));
        let timeout = Duration::from_secs(5);
        let default_writer = match file.postgres.is_unset() {
            true => "countersign".to_owned(),
            false => host_name(),
        };
        let mut ledger = Ledger {
            dir,
            writer: writer.unwrap_or(default_writer),
            timeout: self.duration(
                "timeout",
                &file.timeout,
                timeout,
                Duration::from_millis(10)..=5 * MINUTE,
            ),
            queue: self.count("queue", &file.queue, 4096, 1..=1_000_000),
            batch: self.count("batch", &file.batch, 512, 1..=10_000),
            sweep_interval: self.duration(
                "sweep_interval",
                &file.sweep_interval,
                timeout,
                Duration::from_millis(100)..=HOUR,
            ),
            postgres: None,
            spool: None,
        };
        ledger.postgres = self.postgres(&file.postgres, ledger.sweep_interval);
        ledger.spool = self.spool(&file.spool, ledger.postgres.as_ref(), ledger.sweep_interval);
        if ledger.batch > ledger.queue {
            self.problem(
                file.batch.place_or(file.queue.place_or(Place::WHOLE)),
                format!(
                    "`batch` ({}) is more than `queue` ({}), so it can never be full",
                    ledger.batch, ledger.queue
                ),
                format!("lower `batch` to {} or raise `queue`", ledger.queue),
            );
        }
        ledger
    }

    fn ledger_dir(&mut self, setting: &Setting<String>) -> PathBuf {
        let dir = PathBuf::from(setting.value().map_or("countersign-data", String::as_str));
        let place = setting.place_or(Place::WHOLE);
        if dir.as_os_str().is_empty() {
            self.problem(place, "`dir` is empty", "name a directory, such as `countersign-data`");
        } else if dir.exists() && !dir.is_dir() {
            self.problem(
                place,
                format!("`{}` is not a directory", dir.display()),
                "name a directory; it is made if it is missing",
            );
        }
        dir
    }

    pub(super) fn telemetry(&mut self, setting: &Setting<TelemetryFile>) -> Telemetry {
        let none = TelemetryFile::default();
        let file = setting.value().unwrap_or(&none);
        let format = match file.format.value() {
            Some(FormatFile::Json) => LogFormat::Json,
            Some(FormatFile::Text) | None => LogFormat::Text,
        };
        let filter = file.filter.value().cloned().unwrap_or_else(|| "info".to_owned());
        if let Err(error) = EnvFilter::try_new(&filter) {
            self.problem(
                file.filter.place_or(Place::WHOLE),
                format!("the log filter `{filter}` cannot be understood: {error}"),
                "write a level such as `info`, or a list such as `info,countersign=debug`",
            );
        }
        let unknown = |part: &&str| !part.contains('=') && part.parse::<LevelFilter>().is_err();
        if filter.trim().is_empty() {
            self.problem(
                file.filter.place_or(Place::WHOLE),
                "the log filter is empty, so that nothing at all would be logged".to_owned(),
                "write a level such as `info`, or `off` for no log",
            );
        } else if let Some(part) = filter.split(',').map(str::trim).find(unknown) {
            // By itself the name of a module would stand for all that it says, and for nothing else.
            self.problem(
                file.filter.place_or(Place::WHOLE),
                format!("`{part}` in the log filter is no level"),
                "write `off`, `error`, `warn`, `info`, `debug` or `trace`, and for a module as in \
                 `info,countersign=debug`",
            );
        }
        Telemetry { format, filter }
    }

    pub(super) fn rules(&mut self, setting: &Setting<RulesFile>) -> (Option<PathBuf>, Vec<Pack>) {
        let none = RulesFile::default();
        let file = setting.value().unwrap_or(&none);
        let packs = match file.packs.value() {
            Some(packs) => packs.iter().filter_map(|pack| pack.value().copied()).collect(),
            None => Pack::DEFAULT.to_vec(),
        };
        let dir = file.dir.given().map(|(text, place)| (self.readable(text), place));
        if let Some((dir, place)) = &dir
            && !dir.is_dir()
        {
            self.problem(
                *place,
                format!("`{}` is not a directory", dir.display()),
                "name a directory of rule files; it is relative to the configuration file",
            );
        }
        if file.packs.value().is_some_and(Vec::is_empty) && file.dir.is_unset() {
            self.problem(
                file.packs.place_or(Place::WHOLE),
                "no rules are in force: there are no `packs`, and there is no `dir`",
                "leave out `packs`, name some, or name the directory of your own rules in `dir`",
            );
        }
        (dir.map(|(dir, _)| dir), packs)
    }

    pub(super) fn threads(&mut self, setting: &Setting<Threads>) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let Some((text, place)) = setting.given() else { return cores };
        match text.0.parse() {
            Ok(threads @ 1..=1024) => threads,
            _ if text.0 == "auto" => cores,
            _ => {
                self.problem(
                    place,
                    format!("`threads` cannot be `{}`", text.0),
                    "write a number from 1 to 1024, or `auto` for one a core",
                );
                cores
            }
        }
    }
}

/// What one request may capture: with more it would be refused, also where it is the only one.
pub(super) fn room(limits: &Limits) -> usize {
    limits.captured_bytes.saturating_sub(AT_ONCE)
}

/// What is captured of a body where nothing is said.
pub(super) fn usual_capture(limits: &Limits) -> usize {
    CAPTURE.min(room(limits) / 2)
}
