//! Rule files: what is accepted, every problem with its place, and the shipped packs' examples.

use std::fs;
use std::path::Path;

use super::{Pack, load};
use crate::redact::{Engine, FingerprintKey, PathGlob, Seen};

#[test]
fn shipped_rules_load_and_meet_their_examples() {
    let rules = load(None, &Pack::ALL).unwrap_or_else(|problems| panic!("{problems}"));
    rules.test_examples().unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(rules.digest().len(), 16);
}

#[test]
fn shipped_examples_of_events_are_met() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/examples/rabbitmq");
    let rules = load(Some(Path::new(dir)), &Pack::DEFAULT).unwrap();
    let tried = rules.try_examples("rabbitmq.").unwrap();
    assert_eq!((tried.unmet, tried.without), (Vec::new(), Vec::new()));
    assert_eq!(tried.examples, 38);
}

#[test]
fn shipped_patterns_have_examples_of_both_kinds() {
    let rules = load(None, &Pack::ALL).unwrap();
    let patterns: Vec<_> =
        rules.rules.iter().filter(|checked| checked.rule.pattern.is_some()).collect();
    for checked in &patterns {
        let (hits, misses) = (checked.hits.len(), checked.misses.len());
        assert!(hits >= 2 && misses >= 2, "{}: {hits} hits, {misses} misses", checked.rule.id);
    }
    let tokens = patterns.iter().filter(|checked| checked.rule.id.starts_with("token."));
    assert!(tokens.count() >= 150);
    // Only what is one string has no name to try.
    for checked in &rules.rules {
        let named = !checked.hits.is_empty() && !checked.misses.is_empty();
        let id = &checked.rule.id;
        assert!(named || checked.rule.bare_body || id == "credential.cookie", "{id}");
    }
}

#[test]
fn a_hit_is_found_whole() {
    // What a rule finds in its examples leaves no long part of the secret beside it.
    let rules = load(None, &Pack::DEFAULT).unwrap();
    let engine = Engine::new(rules.redaction(), FingerprintKey::new(&[7; 32]));
    for checked in rules.rules.iter().filter(|checked| checked.rule.id.starts_with("token.")) {
        for hit in &checked.hits {
            let text = engine.text(hit.says.text(), &Seen::default()).into_inner();
            assert_ne!(text, hit.says.text());
            let rest = text
                .split(|c: char| !c.is_ascii_alphanumeric())
                .filter(|part| part.len() > 15 && !text.contains(&format!("hmac:{part}")));
            assert_eq!(rest.collect::<Vec<_>>(), Vec::<&str>::new(), "{}: {text}", checked.rule.id);
        }
    }
}

#[test]
fn no_rules_at_all_are_a_rule_set() {
    let rules = load(None, &[]).unwrap();
    assert_eq!(rules.redaction_rules(), 0);
    assert!(!rules.redaction().selects("password"));
}

/// Loads files of these names and texts; returns the problems as `file:line:column: message`.
fn problems(files: &[(&str, &str)]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    match load(Some(dir.path()), &[]) {
        Ok(_) => Vec::new(),
        Err(problems) => problems
            .0
            .iter()
            .map(|problem| {
                assert!(!problem.remedy.is_empty());
                let name = problem.file.file_name().unwrap().to_string_lossy();
                format!("{name}:{}:{}: {}", problem.line, problem.column, problem.message)
            })
            .collect(),
    }
}

#[test]
fn problems_have_their_place() {
    let rows: &[(&str, &str)] = &[
        (
            "redact:\n  - id: Bad Id\n    keys: [a]\n    do: drop\n",
            "a.yaml:2:9: `Bad Id` cannot be the id of a rule",
        ),
        ("redact:\n  - id: a\n    do: drop\n", "a.yaml:2:9: rule `a` selects nothing"),
        (
            "redact:\n  - id: a\n    keys: [x, \"[ab]*\"]\n    do: drop\n",
            "a.yaml:3:15: `[ab]*` in `keys` of `a`: the pattern has a `[`, which means nothing here",
        ),
        (
            "redact:\n  - id: a\n    keys: ['-']\n    do: drop\n",
            "a.yaml:3:12: `-` in `keys` of `a`: the pattern has no letter, digit or `*`",
        ),
        (
            "redact:\n  - id: a\n    headers:\n      - \"x-key:\"\n    do: mask\n",
            "a.yaml:4:9: `x-key:` in `headers` of `a` cannot exist",
        ),
        (
            "redact:\n  - id: url.userinfo\n    keys: [a]\n    do: mask\n",
            "a.yaml:2:9: the id `url.userinfo` is that of a rule which is always on",
        ),
        (
            "redact:\n  - id: a\n    keys: [a]\n    in: []\n    do: mask\n",
            "a.yaml:4:9: `in` of rule `a` is empty: it holds nowhere",
        ),
        (
            "redact:\n  - id: a\n    pattern: '[0-9]{9}'\n    do: mask\n",
            "a.yaml:3:14: `pattern` of `a`: it has no keyword, and not every match begins with 3 fixed characters",
        ),
        (
            "redact:\n  - id: a\n    pattern: 'abc('\n    do: mask\n",
            "a.yaml:3:14: `pattern` of `a`: it is no regular expression: unclosed group",
        ),
        (
            "redact:\n  - id: a\n    pattern: abc\n    keywords: [abc]\n    everywhere: why\n    do: mask\n",
            "a.yaml:5:17: `everywhere` of `a` needs a reason, and no `keywords` beside it",
        ),
        (
            "redact:\n  - id: a\n    keys: [x]\n    keywords: [abc]\n    do: mask\n",
            "a.yaml:4:16: `keywords` of `a` have no `pattern`",
        ),
        (
            "redact:\n  - id: a\n    keys: [x]\n    everywhere: so\n    do: mask\n",
            "a.yaml:4:17: `everywhere` of `a` has no `pattern`",
        ),
        (
            "redact:\n  - id: a\n    keys: [x]\n    value: '('\n    do: mask\n",
            "a.yaml:4:12: `value` of `a`: it is no regular expression: unclosed group",
        ),
        (
            "redact:\n  - id: a\n    keys: [x]\n    entropy: 9\n    do: mask\n",
            "a.yaml:4:14: `entropy` of `a` cannot be 9",
        ),
        (
            "redact:\n  - id: a\n    keys: [x]\n    under: ['a/{id}']\n    do: mask\n",
            "a.yaml:4:13: `a/{id}` in `under` of `a`: `{id}`: the pattern has a `{`, which means nothing here",
        ),
        (
            "redact:\n  - id: a\n    keys: [x]\n    do: {keep_ends: {first: 9, last: 9}}\n",
            "a.yaml:2:9: `keep_ends` of `a` would show 18 characters",
        ),
        ("keep:\n  - keys: []\n", "a.yaml:2:5: an exception under `keep` keeps nothing"),
    ];
    for (text, expected) in rows {
        assert_eq!(problems(&[("a.yaml", text)]), [*expected], "{text}");
    }
}

#[test]
fn mistakes_that_are_easily_made_are_told_where_they_are() {
    let rows: &[(&str, &str)] = &[
        (
            "redact:\n  - id: a\n    keys: [x]\n    under: ['https://h/users']\n    do: mask\n",
            "a.yaml:4:13: `https://h/users` in `under` of `a` is a URL",
        ),
        (
            "redact:\n  - id: a\n    keys: [x]\n    do: keep_ends\n  - id: b\n    keys: [y]\n    do: mask\n",
            "a.yaml:4:5: `keep_ends` says how many characters it keeps",
        ),
        (
            "redact:\n  - id: a\n    keys: [x]\n    do: keep_ends\n",
            "a.yaml:4:5: `keep_ends` says how many characters it keeps",
        ),
        (
            "redact:\n  - id: a\n    pattern: 'abc_(?<Secret>[0-9]{4})'\n    do: mask\n",
            "a.yaml:3:14: `pattern` of `a`: the group `Secret` is not the one that is the secret, which is called `secret`",
        ),
        (
            "redact:\n  - {id: a, keys: [x], do: mask}\n---\nredact: []\n",
            "a.yaml:4:1: the file goes on with a second document",
        ),
    ];
    for (text, expected) in rows {
        assert_eq!(problems(&[("a.yaml", text)]), [*expected], "{text}");
    }
}

#[test]
fn selectors_of_another_version_are_unknown_keys() {
    let text = "redact:\n  - id: a\n    sparkle: x\n    do: drop\n";
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.yaml"), text).unwrap();
    let problem = load(Some(dir.path()), &[]).unwrap_err().0.remove(0);
    assert_eq!((problem.line, problem.column), (3, 5));
    assert!(problem.message.contains("sparkle"), "{}", problem.message);
    for known in ["id", "keys", "headers", "cookies", "query", "segments", "in", "do", "examples"] {
        assert!(problem.remedy.contains(known), "{}", problem.remedy);
    }
}

#[test]
fn problems_of_all_files_are_reported_together() {
    let found = problems(&[
        ("b.yaml", "redact:\n  - id: a\n    keys: [a]\n    do: drop\n"),
        ("a.yaml", "redact:\n  - id: a\n    keys: [a]\n    do: drop\n  - id: b\n    do: drop\n"),
        ("c.yml", "redact: 5\n"),
        ("d.txt", "not a rule file"),
        ("e.yaml", "# nothing yet\n"),
    ]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("a.yaml:5:9: rule `b` selects nothing"), "{found:?}");
    assert!(found[1].starts_with("b.yaml:2:9: rule `a` was defined before"), "{found:?}");
    assert!(found[2].starts_with("c.yml:1:9:"), "{found:?}");
}

#[test]
fn a_missing_directory_is_a_problem() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.yaml");
    fs::write(&file, "").unwrap();
    let problems = load(Some(&file), &Pack::DEFAULT).unwrap_err();
    assert!(problems.0[0].message.starts_with("this is a file"), "{problems}");
    let problems = load(Some(Path::new("no/such/directory")), &Pack::DEFAULT).unwrap_err();
    assert_eq!(problems.0.len(), 1);
}

#[test]
fn examples_that_are_redacted_otherwise_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let text = "redact:\n  - id: a\n    keys: [pin]\n    do: drop\n    examples:\n      hit:\n        - body: {pin: 1234, x: horse}\n          gone: [horse]\n";
    fs::write(dir.path().join("a.yaml"), text).unwrap();
    let problems = load(Some(dir.path()), &[]).unwrap().test_examples().unwrap_err().0;
    let said = "is selected, but not as its `gone` and `stays` say; it is recorded as `{\"pin\":{";
    assert!(problems[0].message.contains(said), "{}", problems[0].message);
}

#[test]
fn examples_that_are_not_met_have_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let text = "redact:\n  - id: a\n    keys: [pin]\n    do: drop\n    examples:\n      hit: [pin, spin]\n      miss: [PIN]\n";
    fs::write(dir.path().join("a.yaml"), text).unwrap();
    let problems = load(Some(dir.path()), &[]).unwrap().test_examples().unwrap_err().0;
    let places: Vec<_> = problems.iter().map(|problem| (problem.line, problem.column)).collect();
    assert_eq!(places, [(6, 18), (7, 14)]);
}

#[test]
fn the_digest_tells_what_rules_say_and_not_how_files_are_laid_out() {
    let digest = |text: &str| {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.yaml"), text).unwrap();
        load(Some(dir.path()), &[]).unwrap().digest().to_owned()
    };
    let one = digest("redact:\n  - id: a\n    keys: [api_key]\n    do: drop\n");
    assert_eq!(one, digest("# note\nredact: [{id: a, do: drop, keys: [apiKey]}]\n"));
    assert_ne!(one, digest("redact:\n  - id: a\n    keys: [api_key]\n    do: mask\n"));
}

#[test]
fn the_schema_knows_every_selector() {
    let schema = serde_json::to_string(&super::schema()).unwrap();
    for name in [
        "\"redact\"",
        "\"keep\"",
        "\"segments\"",
        "\"fingerprint\"",
        "\"do\"",
        "\"in\"",
        "\"pattern\"",
        "\"keywords\"",
        "\"everywhere\"",
        "\"value\"",
        "\"entropy\"",
        "\"validate\"",
        "\"under\"",
        "\"bare_body\"",
        "\"keep_ends\"",
        "\"github_crc\"",
        "\"path\"",
        "\"record_only\"",
        "\"gone\"",
        "\"stays\"",
    ] {
        assert!(schema.contains(name), "{name}");
    }
}

#[test]
fn what_cannot_be_read_hides_nothing_else() {
    let files = [
        ("a.yaml", "redact:\n  - id: [x\n  - id: Bad Id\n    keys: [a]\n    do: drop\n"),
        (
            "b.yaml",
            "# no quote\nredact:\n- id: \"x\n\n- id: b\n  do: drp\n  keys: [b]\nkeep:\n- keys: [\n",
        ),
        ("c.yaml", "redact:\n  - id: c\n    nope: 1\n    do: drop\n  - id: d\n    do: drop\n"),
        ("d.yaml", "redact: [{id: e, do: drop, keys: [x}]\nkeep: {}\n"),
        (
            "e.yaml",
            "redact:\n- {id: f, keys: [f], do: drop}\nredact:\n- {id: g, keys: [g], do: drop}\n",
        ),
        (
            "f.yaml",
            "redact:\n- {id: h, keis: [h], do: drop}\nactors: []\nredact: # more\n- {id: i, nope: 1}\n",
        ),
    ];
    let found: Vec<String> = problems(&files)
        .iter()
        .map(|problem| problem.splitn(4, ':').take(2).collect::<Vec<_>>().join(":"))
        .collect();
    let expected = [
        "a.yaml:2", "a.yaml:3", "b.yaml:3", "b.yaml:6", "b.yaml:9", "c.yaml:3", "c.yaml:5",
        "d.yaml:1", "e.yaml:3", "f.yaml:4", "f.yaml:2", "f.yaml:5",
    ];
    assert_eq!(found, expected, "{:#?}", problems(&files));
}

#[test]
fn a_file_that_is_not_utf8_is_told_with_the_place() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.yaml"), b"redact:\n  - id: caf\xe9\n").unwrap();
    let problems = load(Some(dir.path()), &[]).unwrap_err().0;
    assert_eq!((problems.len(), problems[0].line, problems[0].column), (1, 2, 12));
    assert!(problems[0].remedy.contains("UTF-8"));
}

#[test]
fn tokens_are_found_whatever_stands_around_them() {
    const AROUND: [(&str, &str); 13] = [
        ("", ""),
        ("'", "'"),
        ("(", ")"),
        ("[", "], "),
        ("see ", "."),
        ("x=", "&y=1"),
        ("x:", ";"),
        ("https://h.example/", "/x"),
        ("{\"a\":\"", "\"}"),
        ("\n", "\r\n"),
        ("é", "é"),
        ("<", ">"),
        ("a, ", " b"),
    ];
    let rules = load(None, &Pack::DEFAULT).unwrap();
    let engine = Engine::new(rules.redaction(), FingerprintKey::new(&[7; 32]));
    for checked in rules.rules.iter().filter(|checked| checked.rule.id.starts_with("token.")) {
        let Some(hit) = checked.hits.first() else { continue };
        for (before, after) in AROUND {
            let text = format!("{before}{}{after}", hit.says.text());
            let shown = engine.text(&text, &Seen::default()).into_inner();
            assert!(!shown.contains(hit.says.text()), "{}: {shown}", checked.rule.id);
        }
    }
}

#[test]
fn problems_of_paths_have_their_place() {
    let rows: &[(&str, &str)] = &[
        (
            "redact:\n  - id: a\n    path: $.a[\n    do: drop\n",
            "a.yaml:3:11: `$.a[` in `path` of `a`: a quoted name, a number, a slice, `*` or `?` is \
             missing at character 5",
        ),
        (
            "redact:\n  - id: a\n    path:\n      - $.a\n      - \"$[?@.b =~ 'c']\"\n    do: drop\n",
            "a.yaml:5:9: `$[?@.b =~ 'c']` in `path` of `a`: a `]` is missing at character 8",
        ),
        ("redact:\n  - id: a\n    path: []\n    do: drop\n", "a.yaml:3:11: `path` of `a` is empty"),
        (
            "redact:\n  - id: a\n    path: $.a\n    do: drop\n    examples:\n      miss: [{body: 1, gone: [x]}]\n",
            "a.yaml:6:14: `gone` and `stays` under `miss`, where all of a body stays",
        ),
        (
            "redact:\n  - id: a\n    path: $.a\n    do: drop\n    examples:\n      hit: [{body: 1, type: \"a\\nb\"}]\n",
            "a.yaml:6:13: the `type` of an example cannot be sent",
        ),
        (
            "redact:\n  - id: a\n    path: $.a\n    do: drop\n    examples:\n      hit: [007]\n",
            "a.yaml:6:13: invalid type: floating point `7.0`, expected a text (in quotes if it is a \
             number or a word of YAML) or a `body`",
        ),
    ];
    for (text, expected) in rows {
        assert_eq!(problems(&[("a.yaml", text)]), [*expected], "{text}");
    }
}

#[test]
fn paths_and_bodies_as_examples() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"redact:
  - id: prompt.chat
    in: [request]
    under: ["/v1/**"]
    path: "$.messages[*].content"
    do: summarize
    examples:
      hit:
        - body: '{"messages": [{"role": "user", "content": "hello there"}]}'
        - body: {messages: [{role: user, content: [{type: text, text: hello there}]}]}
          gone: [hello there]
          stays: [user]
      miss:
        - body: {message: {content: hello}}
        - content
  - id: prompt.answer
    path: ["$.choices[*].delta.content", "$.choices[*]['message']['content']"]
    do: drop
    examples:
      hit:
        - type: text/event-stream
          body: "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\"}}]}\n\ndata: [DONE]\n\n"
          gone: [hello]
          stays: [index, DONE]
        - type: application/x-ndjson
          body: "{\"choices\":[{\"message\":{\"content\":\"hello\"}}]}\n{\"model\":\"m\"}\n"
          gone: [hello]
          stays: [model]
"#;
    fs::write(dir.path().join("a.yaml"), text).unwrap();
    let rules = load(Some(dir.path()), &[]).unwrap_or_else(|problems| panic!("{problems}"));
    rules.test_examples().unwrap_or_else(|problems| panic!("{problems}"));
    // None of them is met by chance.
    for (from, to) in [
        ("hello there\"}]}'\n", "hello there\"}}'\n"),
        ("gone: [hello there]", "gone: [user]"),
        ("stays: [user]", "stays: [hello]"),
        ("body: {message: {content: hello}}", "body: {messages: [{content: hello}]}"),
        ("stays: [index, DONE]", "stays: [other]"),
        ("- type: application/x-ndjson", "- type: application/octet-stream"),
        ("- content\n", "- body: '{'\n"),
    ] {
        assert!(text.contains(from), "{from}");
        let text = text.replacen(from, to, 1);
        fs::write(dir.path().join("a.yaml"), text).unwrap();
        let rules = load(Some(dir.path()), &[]).unwrap_or_else(|problems| panic!("{problems}"));
        assert!(rules.test_examples().is_err(), "{to}");
    }
}

#[test]
fn bodies_are_tried_with_all_rules_as_they_are_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"redact:
  - id: own.box
    path: $.box
    under: ["/boxes/**"]
    do: drop
    examples:
      hit:
        - body: {box: {name: Ada}}
          gone: [Ada]
      miss: [bag]
  - id: own.bag
    keys: [bag]
    members_but: [name]
    do: drop
    examples:
      hit:
        - body: {bag: {name: Ada, x: Bob}}
          gone: [Bob]
          stays: [Ada]
"#;
    let unmet = |text: &str| {
        fs::write(dir.path().join("a.yaml"), text).unwrap();
        let rules = load(Some(dir.path()), &[]).unwrap_or_else(|problems| panic!("{problems}"));
        let tried = rules.try_examples("own.").unwrap();
        assert_eq!((tried.rules, tried.examples), (2, 3));
        tried.unmet.into_iter().map(|unmet| (unmet.line, unmet.redacted)).collect::<Vec<_>>()
    };
    assert_eq!(unmet(text), []);
    // What another rule takes as well is gone, and stays by the rule alone.
    assert_eq!(
        unmet(&text.replace("$.box", "[$.box, $.bag]").replace("gone: [Ada]", "gone: []")),
        []
    );
    // What paths select is excepted by no path.
    assert_eq!(unmet(&format!("{text}keep:\n  - path: $.box\n")), []);
    let recorded = Some(r#"{"bag":{"name":"Ada","x":"Bob"}}"#.to_owned());
    assert_eq!(unmet(&format!("{text}keep:\n  - path: $.bag.x\n")), [(17, recorded)]);
}

#[test]
fn too_many_lists_of_paths_are_told_with_their_place() {
    let rules = |count: usize, name: &str| {
        let rule =
            |n| format!("- {{id: a.{name}{n}, keys: [k{n}], under: [/{name}{n}], do: drop}}\n");
        std::iter::once("redact:\n".to_owned()).chain((0..count).map(rule)).collect::<String>()
    };
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.yaml"), rules(400, "p")).unwrap();
    load(Some(dir.path()), &Pack::ALL).unwrap_or_else(|problems| panic!("{problems}"));

    let entry = |n| format!("- {{id: only{n}, under: [/only{n}]}}\n");
    let more: String = (0..3).map(entry).collect();
    let more = format!("{}record_only:\n{more}", rules(510, "p"));
    let problems = problems(&[("a.yaml", &more)]);
    assert_eq!(problems.len(), 1, "{problems:?}");
    let expected = "a.yaml:515:23: `under` of `only2` is one list of paths too many";
    assert!(problems[0].starts_with(expected), "{problems:?}");
}

#[test]
fn too_many_entries_of_record_only_are_told_with_their_place() {
    let text: String = (0..514).map(|n| format!("- {{id: only{n}}}\n")).collect();
    let problems = problems(&[("a.yaml", &format!("record_only:\n{text}"))]);
    assert_eq!(problems.len(), 2, "{problems:?}");
    let expected = "a.yaml:514:8: `only512` is one entry too many under `record_only`: at most 512";
    assert!(problems[0].starts_with(expected), "{problems:?}");
}

#[test]
fn exceptions_for_every_name_are_mistakes() {
    let keep = |path: &str| problems(&[("a.yaml", &format!("keep:\n- path: {path}\n"))]);
    for path in [
        "$..*",
        "$..[*]",
        "$[*]..*",
        "$.*",
        "$[*]",
        "$.*.*",
        "$..[?@ != 'x']",
        "$..[::]..*",
        "$[*].*",
        "$..[?@.kind != 'Secret']",
        "[$.a, $..*]",
    ] {
        let problems =
            keep(&if path.starts_with('[') { path.to_owned() } else { format!("\"{path}\"") });
        assert_eq!(problems.len(), 1, "{path}: {problems:?}");
        assert!(problems[0].contains("under `keep` excepts members of every name"), "{problems:?}");
    }
    for path in [
        "$.policy.password",
        "$..password",
        "$.policy.*",
        "$.policy..*",
        "$.items[*].token",
        "$",
        "$..[?@.kind == 'Policy'].*",
        "$[?@ == 'none']",
        "$[0]",
    ] {
        assert_eq!(keep(&format!("\"{path}\"")), Vec::<String>::new(), "{path}");
    }
}

#[test]
fn a_form_of_values_that_fits_nothing_is_a_mistake() {
    for value in ["''", "'^$'", "'(?:)'"] {
        let text = format!("redact:\n- {{id: a, keys: [b], value: {value}, do: drop}}\n");
        let problems = problems(&[("a.yaml", &text)]);
        assert!(
            problems.len() == 1 && problems[0].contains("the empty text alone"),
            "{problems:?}"
        );
    }
}

#[test]
fn entries_of_record_only_are_tried() {
    let dir = tempfile::tempdir().unwrap();
    let text = r#"record_only:
  - id: only.people
    under: ["/people/**"]
    keys: [id, "*_at"]
    path: $.items[*].state
    examples:
      hit:
        - email
        - body: {id: 7, name: Ada, items: [{state: new, x: y}]}
          gone: [Ada]
          stays: ["7", new]
      miss:
        - created_at
        - body: {items: [{state: new}]}
"#;
    let unmet = |text: &str| {
        fs::write(dir.path().join("a.yaml"), text).unwrap();
        let rules = load(Some(dir.path()), &[]).unwrap_or_else(|problems| panic!("{problems}"));
        let tried = rules.try_examples("only.").unwrap();
        assert_eq!((tried.rules, tried.examples), (1, 4));
        tried.unmet.iter().map(|unmet| unmet.line).collect::<Vec<_>>()
    };
    assert_eq!(unmet(text), Vec::<u64>::new());
    assert_eq!(unmet(&text.replace("- email", "- id")), [8]);
    assert_eq!(unmet(&text.replace("[id, \"*_at\"]", "[id, email, name]")), [8, 9, 13]);
    assert_eq!(unmet(&text.replace("    path: $.items[*].state\n", "")), [8, 13]);
    let wrong = [
        ("record_only:\n- {id: a, in: []}\n", "a.yaml:2:15: `in` of rule `a` is empty"),
        ("record_only:\n- {id: a}\n- {id: a}\n", "a.yaml:3:8: rule `a` was defined before"),
        ("record_only:\n- {id: a, path: $x}\n", "a.yaml:2:17: `$x` in `path` of `a`"),
        ("record_only:\n- {id: a, do: drop}\n", "a.yaml:2:11: unknown key `do`"),
        ("record_only:\n- {id: a, headers: ['x y']}\n", "a.yaml:2:21: `x y` in `headers` of `a`"),
    ];
    for (text, expected) in wrong {
        let problems = problems(&[("a.yaml", text)]);
        assert!(problems.len() == 1 && problems[0].starts_with(expected), "{problems:?}");
    }
}

#[test]
fn paths_of_operators_reach_below_them() {
    let dir = tempfile::tempdir().unwrap();
    let text = "redact:\n- {id: a.b, keys: [x1x], under: [users], do: drop}\n\
                record_only:\n- {id: a.r, under: [/patients, '/rooms/*'], keys: [id]}\n";
    fs::write(dir.path().join("a.yaml"), text).unwrap();
    let rules = load(Some(dir.path()), &Pack::ALL).unwrap_or_else(|problems| panic!("{problems}"));
    let paths = |paths: &[&str]| -> Vec<PathGlob> {
        paths.iter().map(|path| PathGlob::new(path).unwrap()).collect()
    };
    let own = rules.rules.iter().find(|checked| checked.rule.id == "a.b").unwrap();
    assert_eq!(own.rule.under, paths(&["/users/**"]));
    // What alone is recorded holds below all of them.
    assert_eq!(rules.record_only[0].only.under, paths(&["/patients/**", "/rooms/*/**"]));
    // Those of shipped rules say themselves how far they reach.
    let login = rules.rules.iter().find(|checked| checked.rule.id == "credential.login").unwrap();
    assert_eq!(login.rule.under[0], paths(&["**/login"])[0]);
}
