//! What reviewers would forget to look at: the order of modules, what each may name, the length
//! of files, their documentation, and words that mean "not finished".
//!
//! Sources are read as text. Lines that are comments do not count as uses; files of unit tests
//! (`tests.rs`, `tests/`) may name what they like.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use regex::Regex;

/// Lines that a file may have, if it is no test.
const MAX_LINES: usize = 450;

/// Uses against the order of `src/lib.rs` that are meant: user, used, why.
const AGAINST_THE_ORDER: &[(&str, &str, &str)] = &[(
    "redact",
    "record",
    "the engine writes the receipts and views that an event is made of; `record` in turn needs \
     only the type `Redacted`",
)];

/// Names that only some modules may use: pattern, where, why.
const CONFINED: &[(&str, &[&str], &str)] = &[
    (r"\bvouched\b", &["redact", "identify"], "nobody else may say what is free of secrets"),
    (r"\bpingora(::proxy|_proxy)\b", &["proxy"], "the exchange is the proxy's alone"),
    (r"\bpingora(_\w+)?::", &["proxy", "server"], "everything else must work without Pingora"),
    (r"\bsqlx::", &["store", "index"], "SQL is the store's and the search index's"),
    (
        r"\baxum::",
        &["api", "console", "server", "cli/demo"],
        "axum serves the reading side and the sample API",
    ),
    (
        r"\bserde_saphyr::",
        &["problem", "config", "rules", "decode"],
        "YAML is for what operators write, and for bodies",
    ),
    (r"\b(Utc|Local|SystemTime)::now\b", &["clock"], "time comes from `clock`"),
    (r"\bunbounded(_channel)?\(", &[], "everything that can grow has a named limit"),
    (r"\bprocess::(exit|abort)\b", &[], "`main` returns an exit code, so that all is drained"),
    (r"\bprintln!|\bprint!", &["cli"], "only the command line speaks to people"),
];

/// What a module must not know: modules, pattern, why.
const IGNORANT: &[(&[&str], &str, &str)] = &[
    (
        &["capture", "decode", "redact", "record", "identify", "derive", "pipeline"],
        r"\b(std::fs|tokio|std::thread|TcpStream|TcpListener)\b|\basync fn\b",
        "pure stages do no I/O and are synchronous",
    ),
    (
        &["record", "store", "recorder", "follow", "index"],
        r"\b(http|hyper|axum)::",
        "it must not know HTTP",
    ),
    // These may check names of header fields, with the types of `http`.
    (&["rules", "query"], r"\b(hyper|axum)::", "it must not know HTTP"),
    (&["capture"], r"\bSerialize\b", "what is captured is raw and must not be serialised"),
];

/// One source file.
struct Source {
    /// Relative to the crate, with slashes.
    path: String,
    text: String,
}

impl Source {
    /// The top-level module that the file belongs to; none for the roots.
    fn module(&self) -> Option<&str> {
        let below = self.path.strip_prefix("src/")?;
        let module = below.split('/').next()?.trim_end_matches(".rs");
        (module != "lib" && module != "main").then_some(module)
    }

    fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.ends_with("/tests.rs")
            || self.path.contains("/tests/")
    }

    fn is_within(&self, module: &str) -> bool {
        let root = format!("src/{module}");
        self.path == format!("{root}.rs") || self.path.starts_with(&format!("{root}/"))
    }

    /// How many modules deep the file's own module is: 1 for `src/clock.rs`.
    fn depth(&self) -> usize {
        let parts = self.path.split('/').count() - 1;
        if self.path.ends_with("/mod.rs") { parts - 1 } else { parts }
    }

    /// The lines that are not comments, numbered from 1.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate().map(|(index, line)| (index + 1, line));
        lines.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(below: &str) -> Vec<Source> {
    let mut found = Vec::new();
    let mut waiting = vec![root().join(below)];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            found.push(Source { path: relative, text: fs::read_to_string(&path).unwrap() });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no sources below {below}");
    found
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

fn no_problems(problems: &[String]) {
    let mut text = String::new();
    for problem in problems {
        writeln!(text, "  {problem}").unwrap();
    }
    assert!(problems.is_empty(), "\n{text}");
}

/// The modules, in the order of `src/lib.rs`.
fn order(lib: &str) -> Vec<String> {
    let module = pattern(r"(?m)^(?:pub )?mod (\w+);");
    module.captures_iter(lib).map(|found| found[1].to_owned()).collect()
}

/// Uses of a module by one that stands above it.
fn order_problems(order: &[String], sources: &[Source]) -> Vec<String> {
    let names = pattern(r"\bcrate::(\w+|\{)");
    let supers = pattern(r"\b(?:super::)+");
    let place = |module: &str| order.iter().position(|name| name == module);
    let mut problems = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let Some(user) = source.module() else { continue };
        let Some(user_place) = place(user) else {
            problems.push(format!("{}: `{user}` is not in src/lib.rs", source.path));
            continue;
        };
        for (line, code) in source.code() {
            let at = format!("{}:{line}", source.path);
            for used in names.captures_iter(code).map(|found| found[1].to_owned()) {
                if used == "{" {
                    problems.push(format!("{at}: write one `use crate::…` a module"));
                } else if place(&used).is_some_and(|used_place| used_place > user_place)
                    && !AGAINST_THE_ORDER.iter().any(|row| (row.0, row.1) == (user, &*used))
                {
                    problems.push(format!("{at}: `{user}` uses `{used}`, which stands below it"));
                }
            }
            for climb in supers.find_iter(code) {
                if climb.as_str().len() / "super::".len() >= source.depth() {
                    problems.push(format!("{at}: write `crate::…` for another module"));
                }
            }
        }
    }
    problems
}

#[test]
fn modules_use_only_what_stands_above_them() {
    let order = order(&fs::read_to_string(root().join("src/lib.rs")).unwrap());
    assert!(order.len() > 15, "{order:?}");
    no_problems(&order_problems(&order, &sources("src")));
}

#[test]
fn the_exceptions_to_the_order_are_still_needed() {
    let sources = sources("src");
    for (user, used, _) in AGAINST_THE_ORDER {
        let name = pattern(&format!(r"\bcrate::{used}\b"));
        let needed = sources
            .iter()
            .filter(|source| source.is_within(user) && !source.is_test())
            .any(|source| source.code().any(|(_, code)| name.is_match(code)));
        assert!(needed, "`{user}` no longer uses `{used}`: strike the exception");
    }
}

#[test]
fn names_stay_where_they_belong() {
    let mut problems = Vec::new();
    let sources = sources("src");
    let sources = || sources.iter().filter(|source| !source.is_test());
    for (text, within, why) in CONFINED {
        let pattern = pattern(text);
        for source in sources().filter(|source| !within.iter().any(|name| source.is_within(name))) {
            let uses = source.code().filter(|(_, code)| pattern.is_match(code));
            problems.extend(uses.map(|(line, _)| format!("{}:{line}: {why}", source.path)));
        }
    }
    for (modules, text, why) in IGNORANT {
        let pattern = pattern(text);
        for source in sources().filter(|source| modules.iter().any(|name| source.is_within(name))) {
            let uses = source.code().filter(|(_, code)| pattern.is_match(code));
            problems.extend(uses.map(|(line, _)| format!("{}:{line}: {why}", source.path)));
        }
    }
    no_problems(&problems);
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut problems = Vec::new();
    for source in sources("src").iter().filter(|source| !source.is_test()) {
        let lines = source.text.lines().count();
        if lines > MAX_LINES {
            problems.push(format!("{}: {lines} lines, {MAX_LINES} at most", source.path));
        }
        let opening = source.text.lines().next().unwrap_or_default();
        if !opening.starts_with("//! ") {
            problems.push(format!("{}: does not open with what it is (`//! …`)", source.path));
        }
    }
    no_problems(&problems);
}

#[test]
fn nothing_is_left_unfinished_or_waved_through() {
    // Written so that this file does not find itself.
    let unfinished =
        pattern(r"\b(T[O]DO|F[I]XME|X[X]X)\b|\bt[o]do!|\bu[n]implemented!|\(b[e]ing built\)");
    let waved_through = pattern(r"#!?\[allow\(");
    let mut problems = Vec::new();
    for source in sources("src").iter().chain(&sources("tests")) {
        for (index, line) in source.text.lines().enumerate() {
            let at = format!("{}:{}", source.path, index + 1);
            if unfinished.is_match(line) {
                problems.push(format!("{at}: not finished"));
            }
            if waved_through.is_match(line) && source.path != "tests/it/tidy.rs" {
                problems.push(format!("{at}: use `#[expect(…, reason = \"…\")]`"));
            }
        }
    }
    no_problems(&problems);
}

#[test]
fn every_integration_test_is_run() {
    let dir = root().join("tests/it");
    let main = fs::read_to_string(dir.join("main.rs")).unwrap();
    let declared = order(&main);
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let is_module = path.is_dir() || path.extension().is_some_and(|e| e == "rs");
        if name != "main" && is_module && path.file_name().unwrap() != "snapshots" {
            assert!(declared.iter().any(|module| module == name), "`mod {name};` is missing");
        }
    }
}

/// The checker must see what it is there for.
#[test]
fn uses_against_the_order_are_seen() {
    let order: Vec<String> = ["clock", "record", "store"].map(str::to_owned).to_vec();
    let rows: &[(&str, &str, usize)] = &[
        ("src/store/sqlite.rs", "use crate::record::Entry;", 0),
        ("src/record/event.rs", "use crate::store::Store;", 1),
        ("src/record/event.rs", "// unlike crate::store::Store", 0),
        ("src/record/tests.rs", "use crate::store::Store;", 0),
        ("src/record/event.rs", "use crate::{clock, store};", 1),
        ("src/record/event.rs", "use super::ids::EventId;", 0),
        ("src/record/event.rs", "use super::super::store::Store;", 1),
        ("src/record/mod.rs", "use super::store::Store;", 1),
        ("src/clock.rs", "fn f() -> crate::record::EventId {}", 1),
        ("src/unheard_of.rs", "", 1),
        ("src/main.rs", "use crate::store::Store;", 0),
    ];
    for (path, text, expected) in rows {
        let source = Source { path: (*path).to_owned(), text: (*text).to_owned() };
        let problems = order_problems(&order, &[source]);
        assert_eq!(problems.len(), *expected, "{path}: {text}: {problems:?}");
    }
}
