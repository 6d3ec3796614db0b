//! What changed, as read before and after requests by the running proxy.

mod order;
mod table;

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;

use super::support::{Proxy, Reply, Seen, Setup, Upstream, exchange};

/// What an application answers at a path: before, to the request itself, and after.
#[derive(Clone)]
struct Answers {
    before: Reply,
    done: Reply,
    after: Reply,
}

fn json(status: &str, body: &str) -> Reply {
    Reply::response(status, "application/json", body)
}

/// An application that answers as it is told, path by path.
struct Application {
    upstream: Upstream,
    answers: Arc<Mutex<BTreeMap<String, Answers>>>,
}

/// The path of a request that arrived, without its query.
fn path(seen: &Seen) -> String {
    let target = seen.line().split(' ').nth(1).unwrap_or_default();
    target.split('?').next().unwrap_or_default().to_owned()
}

impl Application {
    fn start() -> Self {
        let answers: Arc<Mutex<BTreeMap<String, Answers>>> = Arc::default();
        let told = Arc::clone(&answers);
        let upstream = Upstream::start(move |seen| {
            let found = told.lock().unwrap().get(&path(seen)).cloned();
            let Some(answers) = found else { return json("404 Not Found", "{}") };
            match seen.header("countersign-snapshot") {
                Some("before") => answers.before,
                Some("after") => answers.after,
                _ => answers.done,
            }
        });
        Self { upstream, answers }
    }

    fn at(&self, path: &str, answers: Answers) {
        self.answers.lock().unwrap().insert(path.to_owned(), answers);
    }

    /// What arrived for a path, in its order: `before`, the method, `after`.
    fn arrived(&self, at: &str) -> Vec<String> {
        let seen = self.upstream.seen();
        let seen = seen.iter().filter(|seen| path(seen) == at);
        seen.map(|seen| match seen.header("countersign-snapshot") {
            Some(moment) => moment.to_owned(),
            None => seen.line().split(' ').next().unwrap_or_default().to_owned(),
        })
        .collect()
    }
}

/// A proxy with these rules and routes that lead to the application.
fn proxy(application: &Application, rules: &str, routes: &str, more: &str) -> (Proxy, TempDir) {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("own.yaml"), rules).unwrap();
    let more = format!("rules: {{dir: \"{}\"}}\n{more}", home.path().display());
    let setup = Setup { routes: routes.to_owned(), more, ..Setup::default() };
    (Proxy::with(application.upstream.address, &setup), home)
}

/// The bytes of a request; `fields` end each with a line break.
fn request(line: &str, fields: &str, body: &str) -> Vec<u8> {
    let length = if body.is_empty() {
        String::new()
    } else {
        format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len())
    };
    let head = format!("{line} HTTP/1.1\r\nHost: a\r\n{fields}{length}Connection: close\r\n\r\n");
    [head.as_bytes(), body.as_bytes()].concat()
}

/// The event of a request, and the status of its answer.
fn event(proxy: &Proxy, bytes: &[u8]) -> (u16, Value) {
    let answer = exchange(proxy.address, bytes);
    let id = answer.header("countersign-event").unwrap_or_default().to_owned();
    let found = proxy.events().into_iter().find(|event| event["id"] == id.as_str());
    (answer.status, found.unwrap_or_default())
}

/// The changes as lines: `replace /limit 1 -> 2`.
pub(crate) fn lines(event: &Value) -> Vec<String> {
    let changes = event["changes"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let line = |change: Value| {
        let mut line = format!("{} {}", text(&change["op"]), text(&change["path"]));
        if let Some(before) = change.get("before") {
            line += &format!(" {before}");
        }
        if let Some(after) = change.get("after") {
            line += &format!(" -> {after}");
        }
        line
    };
    changes.into_iter().map(line).collect()
}
