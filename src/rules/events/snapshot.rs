//! How a rule has states read, checked.

use std::path::Path;
use std::time::Duration;

use super::file::{EventFile, RouteKindFile, SnapshotFile};
use super::{Checked, CheckedEvent};
use crate::derive::{EventRules, SnapshotRule, Uses};
use crate::problem::Problem;
use crate::redact::JsonPath;
use crate::route::{Asked, NOWHERE, Safety};

/// A request waits for no state longer than this.
const TIMEOUT_MAX: Duration = Duration::from_secs(30);

/// More paths that are not compared are a mistake.
const IGNORED_MAX: usize = 32;

impl Checked {
    /// How states are read.
    pub(super) fn snapshot(
        &mut self,
        file: &Path,
        written: &EventFile,
        params: &[&str],
    ) -> Option<SnapshotRule> {
        let id = &written.id.value;
        let snapshot = written.snapshot.as_ref()?;
        let no_use = match written.matching.kind {
            Some(RouteKindFile::Gateway) => Some("is on `gateway` routes only, where nothing is"),
            _ if written.read => Some("changes nothing"),
            _ => None,
        };
        if let Some(why) = no_use {
            let message = format!("`snapshot` of `{id}` means nothing: the request {why}");
            self.at(file, &snapshot.get, message, "remove `snapshot`");
        }
        let get = self.event_template(file, id, "get", &snapshot.get, Uses::Exchange, params);
        let sample = get.as_ref().map(|get| get.sample()).unwrap_or_else(|| "/".to_owned());
        if let Some(wrong) = wrong_target(&sample) {
            let message = format!("`get` of `{id}` {wrong}");
            let remedy = "write path and query as a client would, such as \
                          `/admin/api-keys/{path.id}`; what stands in braces is encoded";
            self.at(file, &snapshot.get, message, remedy);
        }
        let at = self.place_of_state(file, id, snapshot);
        let ignore = self.ignored(file, id, snapshot);
        let timeout = snapshot.timeout.as_ref().map(|timeout| {
            let length = self.time(file, "timeout", Some(timeout), TIMEOUT_MAX);
            if length > TIMEOUT_MAX {
                let message = format!("`timeout` of `{id}` is longer than 30s");
                let remedy = "write how long a request may wait for it, such as `500ms`";
                self.at(file, timeout, message, remedy);
            }
            length
        });
        Some(SnapshotRule { get: get?, at, ignore, timeout })
    }

    fn place_of_state(
        &mut self,
        file: &Path,
        id: &str,
        written: &SnapshotFile,
    ) -> Option<JsonPath> {
        let at = written.at.as_ref()?;
        match JsonPath::new(&at.value) {
            Ok(path) if path.is_singular() => return Some(path),
            Ok(_) => {
                let message = format!("`{}` in `at` of `{id}` may select several values", at.value);
                self.at(file, at, message, "use names and positions only: `$.data.item`");
            }
            Err(error) => {
                let message = format!("`{}` in `at` of `{id}`: {error}", at.value);
                let remedy = "write a JSONPath (RFC 9535) to one value, such as `$.data`";
                self.at(file, at, message, remedy);
            }
        }
        None
    }

    fn ignored(&mut self, file: &Path, id: &str, written: &SnapshotFile) -> Vec<JsonPath> {
        let mut paths = Vec::with_capacity(written.ignore.len());
        for path in &written.ignore {
            match JsonPath::new(&path.value) {
                Ok(path) => paths.push(path),
                Err(error) => {
                    let message = format!("`{}` in `ignore` of `{id}`: {error}", path.value);
                    let remedy = "write a JSONPath (RFC 9535) into the state, such as `$.stats` or `$..hits`";
                    self.at(file, path, message, remedy);
                }
            }
        }
        if let Some(first) = written.ignore.get(IGNORED_MAX) {
            let message = format!("`ignore` of `{id}` has more than {IGNORED_MAX} paths");
            self.at(file, first, message, "give the part that is compared by `at`");
        }
        paths
    }

    /// States whose reading is itself to be recorded, and which are therefore never read.
    pub(super) fn recorded_snapshots(&mut self, rules: &EventRules) {
        let recorded = |event: &&CheckedEvent| {
            event.rule.snapshot.as_ref().is_some_and(|snapshot| {
                let (host, sample) = (event.rule.host.as_deref(), snapshot.get.sample());
                let (host, target) = (host.unwrap_or_default(), sample.as_str());
                let asked = Asked { host, target, method: "GET", elsewhere: &NOWHERE };
                !rules.judge(Safety::Safe, &asked).is_safe()
            })
        };
        let problems = self.events.iter().filter(recorded).map(|event| Problem {
            file: event.file.clone(),
            line: event.line,
            column: event.column,
            message: format!(
                "the state of `{}` would never be read: a rule with `audit` has a GET there recorded",
                event.rule.id
            ),
            remedy: "read it elsewhere, or remove `snapshot`".to_owned(),
        });
        let problems: Vec<Problem> = problems.collect();
        self.problems.extend(problems);
    }
}

/// What is wrong with a path and query.
fn wrong_target(sample: &str) -> Option<&'static str> {
    let path = sample.split('?').next().unwrap_or_default();
    if !sample.starts_with('/') || sample.starts_with("//") {
        return Some("does not begin with one `/`");
    }
    if !sample.bytes().all(|byte| byte.is_ascii_graphic()) || sample.contains(['#', '\\', '"']) {
        return Some("has characters that stand in no request line");
    }
    let climbs = path.split('/').any(|segment| matches!(segment, "." | ".."));
    climbs.then_some("has `.` or `..` for a segment")
}
