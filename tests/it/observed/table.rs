//! One exchange a row: what the application shows before and after, and what is on record of it.

use std::io::Write as _;
use std::sync::OnceLock;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{Answers, Application, event, json, lines, proxy, request};
use crate::support::Reply;

const RULES: &str = r#"
events:
  - id: key.create
    match: { method: POST, path: /ruled/keys }
    snapshot: { get: "/ruled/keys/{response.body:$.id}" }
  - id: key.rotate
    match: { method: POST, path: "/ruled/keys/{id}/rotate" }
    snapshot:
      get: "/ruled/keys/{path.id}?view={query.view | 'full'}"
      at: "$.data"
      ignore: ["$.stats", "$..hits"]
  - id: key.slow
    match: { method: PATCH, path: "/ruled/slow/{id}" }
    snapshot: { get: "/ruled/slow/{path.id}", timeout: 50ms }
  - id: key.late
    match: { method: PATCH, path: "/ruled/late/{id}" }
    snapshot: { get: "/ruled/late/{path.id}", timeout: 2s }
  - id: key.set
    match: { method: PATCH, path: "/ruled/keys/{id}" }
    snapshot: { get: "/ruled/keys/{path.id}" }
  - id: token.set
    match: { method: PUT, path: "/ruled/tokens/{id}" }
    snapshot: { get: "/ruled/held/{header.x-api-key}" }
  - id: legacy
    match: { method: GET, path: /ruled/delete }
    audit: true
    action: record.delete
    snapshot: { get: "/ruled/records/{query.id}" }
  - id: export
    match: { method: GET, path: "/plain/exports/{id}" }
    audit: true
    action: export.read
"#;

const ROUTES: &str = "- {name: ruled, paths: [/ruled], upstream: app}\n\
    - {name: quiet, paths: [/quiet], upstream: app, level: request}\n\
    - {name: unread, paths: [/off], upstream: app, snapshots: none}\n\
    - {name: model, paths: [/model], upstream: app, kind: gateway}\n\
    - {name: small, paths: [/small], upstream: app, snapshots: convention, capture: {response: 2KiB}}\n\
    - {name: default, upstream: app, snapshots: convention}\n";

/// Nothing of what is not about deadlines may meet one.
const PATIENCE: &str = "timeouts: {snapshot: 30s}";

struct Row {
    what: &'static str,
    line: &'static str,
    fields: &'static str,
    body: &'static str,
    /// Where the state is; the request's own path if empty.
    at: &'static str,
    before: Reply,
    done: Reply,
    after: Reply,
    /// `action source`, the changes and the notes.
    is: &'static str,
    changes: &'static [&'static str],
    notes: &'static [&'static str],
    /// What arrived where the state is.
    arrived: &'static [&'static str],
}

/// The body of a request that is not held whole.
static LONG: OnceLock<String> = OnceLock::new();

const OLD: &str = r#"{"id":"7","limit":100,"updated_at":"1"}"#;
const NEW: &str = r#"{"id":"7","limit":500,"updated_at":"2"}"#;
const SET: &str = r#"{"limit":500}"#;

/// A request that raises a limit, and is observed by convention.
fn row(what: &'static str, line: &'static str) -> Row {
    Row {
        what,
        line,
        fields: "",
        body: SET,
        at: "",
        before: json("200 OK", OLD),
        done: json("200 OK", "{}"),
        after: json("200 OK", NEW),
        is: "key.update observed",
        changes: &["replace /limit 100 -> 500"],
        notes: &[],
        arrived: &["before", "PATCH", "after"],
    }
}

/// The same, where the state before cannot be had, for this reason.
fn blind(
    what: &'static str,
    line: &'static str,
    before: Reply,
    notes: &'static [&'static str],
) -> Row {
    Row {
        before,
        is: "key.update request",
        changes: &["replace /limit -> 500"],
        notes,
        arrived: &["before", "PATCH"],
        ..row(what, line)
    }
}

/// The same, where nothing may be read.
fn unread(what: &'static str, line: &'static str, notes: &'static [&'static str]) -> Row {
    Row { arrived: &["PATCH"], ..blind(what, line, Reply::Close, notes) }
}

fn never() -> Reply {
    Reply::Later(Duration::from_secs(3600), Vec::new())
}

fn gzipped(body: &str) -> Reply {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body.as_bytes()).unwrap();
    let body = encoder.finish().unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    Reply::Bytes([head.as_bytes(), &body].concat())
}

/// The status that the client gets, whatever comes of the states.
fn status(done: &Reply) -> u16 {
    let Reply::Bytes(bytes) = done else { return 502 };
    let text = String::from_utf8_lossy(bytes);
    text.split(' ').nth(1).unwrap().parse().unwrap()
}

fn check(rows: Vec<Row>) {
    let application = Application::start();
    let (proxy, _rules) = proxy(&application, RULES, ROUTES, PATIENCE);
    let mut wrong = Vec::new();
    for row in rows {
        let own = row.line.split(' ').nth(1).unwrap().split('?').next().unwrap();
        let at = if row.at.is_empty() { own } else { row.at };
        let nowhere = json("404 Not Found", "{}");
        let done = Answers { before: nowhere.clone(), done: row.done.clone(), after: nowhere };
        application.at(own, done);
        let own_status = status(&row.done);
        application.at(at, Answers { before: row.before, done: row.done, after: row.after });
        let (answered, event) = event(&proxy, &request(row.line, row.fields, row.body));
        if answered != own_status {
            wrong.push(format!("{}: answered with {answered}", row.what));
        }
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let is = format!("{} {}", text("action"), text("changes_source"));
        let notes = event["changes_notes"].as_array().cloned().unwrap_or_default();
        let notes: Vec<&str> = notes.iter().filter_map(|note| note.as_str()).collect();
        let found = (is.as_str(), lines(&event), notes, application.arrived(at));
        let owned = |list: &[&str]| list.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let expected = (row.is, owned(row.changes), row.notes.to_vec(), owned(row.arrived));
        if found != expected {
            wrong.push(format!("{}: {found:?}\n  expected {expected:?}", row.what));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn states_are_compared() {
    check(vec![
        row("a field by convention", "PATCH /plain/keys/1"),
        row("and by rule", "PATCH /ruled/keys/1"),
        Row {
            after: json("200 OK", &OLD.replace("\"1\"", "\"2\"")),
            changes: &[],
            ..row("no change but a volatile one", "PATCH /plain/keys/2")
        },
        Row { before: gzipped(OLD), ..row("compressed", "PATCH /plain/keys/3") },
        Row {
            before: json("200 OK", r#"{"rules":[{"id":1,"max":5},{"id":2,"max":6}]}"#),
            after: json("200 OK", r#"{"rules":[{"id":2,"max":9},{"id":1,"max":5}]}"#),
            body: r#"{"rules":[]}"#,
            changes: &["replace /rules/[id=2]/max 6 -> 9"],
            notes: &["reordered"],
            ..row("lists by their ids", "PATCH /plain/keys/6")
        },
        Row {
            body: r#"{"limit":500,"quota":{"day":3},"gone":null}"#,
            changes: &["replace /limit 100 -> 500"],
            notes: &["not_shown"],
            ..row("a field that the API does not show", "PATCH /plain/keys/7")
        },
        Row {
            body: LONG
                .get_or_init(|| format!("{{\"limit\":500,\"text\":\"{}\"}}", "x".repeat(400_000))),
            notes: &[],
            ..row("a request over the capture limit", "PATCH /plain/keys/19")
        },
    ]);
}

#[test]
fn what_comes_and_goes_and_what_actions_do_is_observed() {
    check(vec![
        Row {
            before: json("404 Not Found", "{}"),
            is: "key.create observed",
            changes: &["add /id -> \"7\"", "add /limit -> 500"],
            arrived: &["before", "PUT", "after"],
            ..row("a PUT that creates", "PUT /plain/keys/4")
        },
        Row {
            body: "",
            after: json("410 Gone", ""),
            done: Reply::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
            is: "key.delete observed",
            changes: &["remove /id \"7\"", "remove /limit 100"],
            arrived: &["before", "DELETE", "after"],
            ..row("a deletion", "DELETE /plain/keys/5")
        },
        Row {
            at: "/ruled/keys/8",
            before: json("200 OK", r#"{"data":{"n":1,"stats":{"a":1},"sub":{"hits":1}}}"#),
            after: json("200 OK", r#"{"data":{"n":2,"stats":{"a":2},"sub":{"hits":2}}}"#),
            is: "key.rotate observed",
            changes: &["replace /n 1 -> 2"],
            arrived: &["before", "after"],
            ..row("an action, in an envelope", "POST /ruled/keys/8/rotate")
        },
        Row {
            at: "/ruled/keys/key_9",
            done: json("201 Created", r#"{"id":"key_9"}"#),
            is: "key.create observed",
            changes: &["add /id -> \"7\"", "add /limit -> 500"],
            arrived: &["after"],
            ..row("a creation, whose id only the response tells", "POST /ruled/keys")
        },
        Row {
            at: "/ruled/records/5",
            body: "",
            after: json("404 Not Found", "{}"),
            is: "record.delete observed",
            changes: &["remove /id \"7\"", "remove /limit 100"],
            arrived: &["before", "after"],
            ..row("a deletion by GET", "GET /ruled/delete?id=5")
        },
        Row {
            done: json("202 Accepted", "{}"),
            after: json("200 OK", OLD),
            changes: &[],
            notes: &["accepted"],
            ..row("what is not done yet", "PATCH /plain/keys/10")
        },
        Row {
            body: r#"{"display_name":"New name"}"#,
            done: Reply::Bytes(
                b"HTTP/1.1 303 See Other\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n".to_vec(),
            ),
            before: json("200 OK", r#"{"display_name":"Old name"}"#),
            after: json("200 OK", r#"{"display_name":"New name"}"#),
            changes: &["replace /display_name \"Old name\" -> \"New name\""],
            ..row("a form's redirect", "PATCH /plain/keys/11")
        },
    ]);
}

fn html() -> Reply {
    Reply::response("200 OK", "text/html", "<p>sign in</p>")
}

fn failed(status: &str) -> Reply {
    json(status, r#"{"error":"no"}"#)
}

fn moved() -> Reply {
    let text = "HTTP/1.1 302 Found\r\nLocation: /plain/elsewhere\r\nContent-Length: 0\r\n\r\n";
    Reply::Bytes(text.as_bytes().to_vec())
}

fn large() -> Reply {
    json("200 OK", &format!("{{\"text\":\"{}\"}}", "x".repeat(10_000)))
}

fn bomb() -> Reply {
    gzipped(&format!("{{\"text\":\"{}\"}}", " ".repeat(64 << 20)))
}

/// A request that is observed by convention, where the state after cannot be had.
fn lost(
    what: &'static str,
    line: &'static str,
    after: Reply,
    notes: &'static [&'static str],
) -> Row {
    Row {
        after,
        is: "key.update request",
        changes: &["replace /limit -> 500"],
        notes,
        ..row(what, line)
    }
}

#[test]
fn what_cannot_be_read_before_is_said_and_changes_nothing() {
    check(vec![
        // The first of all: a connection that had served before would be replaced by another.
        blind(
            "a lost connection",
            "PATCH /plain/keys/5",
            Reply::Close,
            &["before_unavailable", "snapshot_unreachable"],
        ),
        blind(
            "500",
            "PATCH /plain/keys/1",
            failed("500 Oops"),
            &["before_unavailable", "snapshot_status"],
        ),
        blind(
            "401",
            "PATCH /plain/keys/2",
            failed("401 No"),
            &["before_unavailable", "snapshot_refused"],
        ),
        blind(
            "405",
            "PATCH /plain/keys/3",
            failed("405 No"),
            &["before_unavailable", "snapshot_status"],
        ),
        blind(
            "a redirect",
            "PATCH /plain/keys/4",
            moved(),
            &["before_unavailable", "snapshot_redirected"],
        ),
        blind(
            "too large",
            "PATCH /small/keys/6",
            large(),
            &["before_unavailable", "snapshot_too_large"],
        ),
        blind(
            "too late",
            "PATCH /ruled/slow/7",
            never(),
            &["before_unavailable", "snapshot_timeout"],
        )
        .noted("slow.update request"),
        Row {
            arrived: &["before", "PATCH", "after"],
            ..blind(
                "no JSON",
                "PATCH /plain/keys/8",
                html(),
                &["before_unavailable", "snapshot_unreadable"],
            )
        },
        Row {
            arrived: &["before", "PATCH", "after"],
            ..blind(
                "no object",
                "PATCH /plain/keys/9",
                json("200 OK", "17"),
                &["before_unavailable", "snapshot_unreadable"],
            )
        },
        Row {
            arrived: &["before", "PATCH", "after"],
            ..blind(
                "a bomb",
                "PATCH /plain/keys/10",
                bomb(),
                &["before_unavailable", "snapshot_unreadable"],
            )
        },
    ]);
}

#[test]
fn what_cannot_be_read_after_is_said_and_changes_nothing() {
    check(vec![
        lost(
            "500 after",
            "PATCH /plain/keys/11",
            failed("500 Oops"),
            &["after_unavailable", "snapshot_status"],
        ),
        lost(
            "no JSON after",
            "PATCH /plain/keys/12",
            html(),
            &["after_unavailable", "snapshot_unreadable"],
        ),
        lost(
            "too late after",
            "PATCH /ruled/late/13",
            never(),
            &["after_unavailable", "snapshot_timeout"],
        )
        .noted("late.update request"),
        Row {
            before: failed("404 No"),
            ..lost(
                "nothing before and after",
                "PATCH /plain/keys/14",
                failed("404 No"),
                &["not_found"],
            )
        },
        Row {
            done: failed("409 Conflict"),
            is: "key.update none",
            changes: &[],
            notes: &["not_done"],
            arrived: &["before", "PATCH"],
            ..row("refused", "PATCH /plain/keys/15")
        },
        Row {
            at: "/ruled/keys/16",
            before: json("200 OK", r#"{"n":1}"#),
            is: "key.rotate none",
            changes: &[],
            notes: &["parameters", "before_unavailable", "snapshot_no_state"],
            arrived: &["before", "after"],
            ..row("`at` leads nowhere", "POST /ruled/keys/16/rotate")
        },
        Row {
            done: large(),
            is: "key.update request",
            changes: &["replace /limit -> 500"],
            notes: &["after_unavailable", "snapshot_streaming"],
            arrived: &["before", "PATCH"],
            ..row("a response that streams", "PATCH /small/keys/18")
        },
        Row {
            done: Reply::Close,
            is: "key.update none",
            changes: &[],
            notes: &["outcome_unknown"],
            arrived: &["before", "PATCH"],
            ..row("nobody knows", "PATCH /plain/keys/17")
        },
    ]);
}

#[test]
fn what_is_not_to_be_read_is_not() {
    let digest = "Authorization: Digest username=\"a\", nc=00000001\r\n";
    check(vec![
        unread("no rule", "PATCH /ruled/users/1", &[]).of("user"),
        unread("switched off", "PATCH /off/keys/2", &[]),
        unread("a level without responses", "PATCH /quiet/keys/3", &[]),
        unread("a query", "PATCH /plain/keys/4?a=b", &["before_unavailable", "snapshot_no_path"]),
        unread("an action", "PATCH /plain/keys/5/password", &[])
            .noted("key_password.update request"),
        unread(
            "a path of two readings",
            "PATCH /plain/keys/a%2F6",
            &["before_unavailable", "snapshot_ambiguous_path"],
        ),
        unread(
            "a GET that is on record",
            "PATCH /plain/exports/7",
            &["before_unavailable", "snapshot_not_a_read"],
        )
        .of("export"),
        Row {
            fields: digest,
            ..unread(
                "a credential for one request",
                "PATCH /plain/keys/8",
                &["before_unavailable", "snapshot_bound_credential"],
            )
        },
        Row {
            fields: "DPoP: x\r\n",
            ..unread(
                "and another",
                "PATCH /plain/keys/9",
                &["before_unavailable", "snapshot_bound_credential"],
            )
        },
        Row {
            fields: "X-Rewrite-Url: /x\r\n",
            ..unread(
                "another path",
                "PATCH /ruled/keys/10",
                &["before_unavailable", "snapshot_override"],
            )
        },
        Row {
            fields: "X-HTTP-Method-Override: PATCH\r\n",
            ..unread(
                "another method",
                "PATCH /ruled/keys/11",
                &["before_unavailable", "snapshot_override"],
            )
        },
        Row {
            fields: "X-Api-Key: hunter2-hunter2-Zx81\r\n",
            at: "/ruled/held/hunter2-hunter2-Zx81",
            notes: &["whole_replaced", "before_unavailable", "snapshot_no_path"],
            arrived: &[],
            ..unread("a secret in the path", "PUT /ruled/tokens/12", &[]).of("token")
        },
        unread(
            "a way to climb",
            "PATCH /ruled/keys/..%2f13",
            &["before_unavailable", "snapshot_no_path"],
        ),
    ]);
}

impl Row {
    /// The same, upon another thing.
    fn of(self, noun: &str) -> Self {
        let is = match noun {
            "user" => "user.update request",
            "export" => "export.update request",
            _ => "token.update request",
        };
        Self { is, ..self }
    }

    fn noted(self, is: &'static str) -> Self {
        Self { is, ..self }
    }
}
