//! What is shown of coverage, for people and for programs.

use clap::Parser;

use super::*;
use crate::coverage::{Coverage, Never, Route};
use crate::index::Unnamed;
use crate::rules::WhyNot;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn args(line: &[&str]) -> Args {
    Line::try_parse_from([&["coverage"], line].concat()).unwrap().args
}

fn sample() -> Coverage {
    let seen = Unnamed {
        method: "POST".to_owned(),
        route: "/x/{id}\u{1b}[2J".to_owned(),
        action: "x.update".to_owned(),
        events: 3,
        last_ms: 1_782_907_200_000,
    };
    let yaml = Some("  - id: x.update\n    match: { path: \"/x/{id}\" }\n".to_owned());
    let place = Some(("rules/a.yaml".to_owned(), 4));
    let (id, path) = ("old".to_owned(), "/old".to_owned());
    Coverage {
        unnamed: vec![
            Route { seen: seen.clone(), example: "e1".to_owned(), yaml, why_not: None },
            Route {
                seen: Unnamed { route: "/rpc".to_owned(), ..seen },
                example: "e2".to_owned(),
                yaml: None,
                why_not: Some(WhyNot::SaidInside),
            },
        ],
        named_now: [("new".to_owned(), 7)].into_iter().collect(),
        more: true,
        rules: 2,
        never: vec![Never { id, methods: Vec::new(), path, place }],
        operations: 9,
        operations_seen: 1,
    }
}

#[test]
fn tables_for_people() {
    let mut out = Vec::new();
    show::text(&sample(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    for expected in [
        "EVENTS  LAST SEEN             METHOD  ROUTE                BY CONVENTION  EXAMPLE",
        "3       2026-07-01T12:00:00Z  POST    /x/{id}\\u{1b}[2J  x.update       e1",
        "there are more: raise --limit, or narrow the time with --since",
        "events:",
        "POST /rpc the request's body or query says what is done, which one rule cannot name",
        "- id: x.update",
        "7 events had no rule when they came, and would have one now: new",
        "1 of 2 rules never matched:",
        "old   any     /old  rules/a.yaml:4",
        "1 of 9 operations of documents named an event",
    ] {
        let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            lines.iter().any(|line| squeezed(line) == squeezed(expected)),
            "{expected}\n{text}"
        );
    }
}

#[test]
fn a_document_for_programs() {
    let mut out = Vec::new();
    show::json(&sample(), Some("the index is behind"), &mut out).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(document["unnamed"][0]["events"], 3);
    assert_eq!(document["unnamed"][0]["example"], "e1");
    assert!(document["unnamed"][0]["yaml"].as_str().unwrap().starts_with("events:\n  - id: x"));
    assert_eq!(document["never_matched"][0]["line"], 4);
    assert_eq!(document["notes"][0], "the index is behind");
    assert!(!out.contains(&0x1b));
}

#[test]
fn options_that_cannot_be_are_told() {
    assert!(conditions(&args(&["--since", "7d"]), SystemClock.now()).is_ok());
    let error = conditions(&args(&["--since", "soon"]), SystemClock.now()).unwrap_err();
    assert!(error.to_string().contains("`since` cannot be `soon`"), "{error}");
}
