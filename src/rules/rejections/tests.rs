//! Problems in rules about rejections, their order, and their examples.

use std::fs;

use crate::rules::{self, Pack};

fn problems(rule: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.yaml"), format!("rejections:\n  - {rule}\n")).unwrap();
    match rules::load(Some(dir.path()), &[Pack::Gateway]) {
        Ok(_) => String::new(),
        Err(problems) => problems.to_string(),
    }
}

#[test]
fn every_problem_is_told() {
    let rows = [
        ("{id: a, when: {status: 429}, action: gateway.limit}", ""),
        ("{id: a, when: {}, action: gateway.limit}", "holds for every answer"),
        ("{id: a, when: {path: /x}, action: gateway.limit}", "holds for every answer"),
        ("{id: a, when: {status: 42}, action: gateway.limit}", "is no status"),
        ("{id: a, when: {status: 429}, action: limit}", "`limit` in `action` of `a` is no action"),
        ("{id: gateway.budget, when: {status: 429}, action: a.b}", "was defined before"),
        ("{id: a, when: {headers: {'a b': present}}, action: a.b}", "`a b` in `headers` of `a`"),
        ("{id: a, when: {body: {'error.code': present}}, action: a.b}", "`error.code` in `body`"),
        ("{id: a, when: {body: {$.error: {code: x}}}, action: a.b}", "is no value"),
        ("{id: a, when: {body: {$.error: []}}, action: a.b}", "is no value"),
        ("{id: a, when: {status: 429, provider: x}, action: a.b}", "provider"),
        ("{id: a, when: {status: 429}, action: a.b, outcome: refused}", "refused"),
        ("{id: a, when: {status: 429}, action: a.b, outcome: success}", "write `denied` or"),
        ("{id: a, when: {status: 429}, action: a.b, outcome: failure}", ""),
    ];
    for (rule, expected) in rows {
        let told = problems(rule);
        assert!(
            told.contains(expected) && told.is_empty() == expected.is_empty(),
            "{rule}: {told}"
        );
    }
}

#[test]
fn rules_that_never_hold_are_problems() {
    let rows = [
        ("{status: 4xx}", "{status: 429}", true),
        ("{status: [402, 4xx]}", "{status: 402, body: {$.a: x}}", true),
        ("{status: 4xx, body: {$.a: x}}", "{status: 429, body: {$.a: x, $.b: y}}", true),
        ("{headers: {x-a: present}}", "{status: 429, headers: {x-a: present}}", true),
        ("{status: 429}", "{status: 4xx}", false),
        ("{status: 4xx, path: /x}", "{status: 429}", false),
        ("{status: 4xx, body: {$.a: x}}", "{status: 429, body: {$.a: y}}", false),
        ("{status: 4xx}", "{body: {$.a: x}}", false),
    ];
    for (first, second, hides) in rows {
        let told = problems(&format!(
            "{{id: a, when: {first}, action: x.y}}\n  - {{id: b, when: {second}, action: x.z}}"
        ));
        let expected = "rule `b` can never hold: `a`";
        assert_eq!((told.contains(expected), told.is_empty()), (hides, !hides), "{second}: {told}");
    }
}

#[test]
fn the_operators_rules_come_first() {
    let dir = tempfile::tempdir().unwrap();
    let own =
        "rejections:\n  - {id: own, when: {status: 429, path: '/acme/*'}, action: acme.slow}\n";
    fs::write(dir.path().join("a.yaml"), own).unwrap();
    let rules = rules::load(Some(dir.path()), &Pack::DEFAULT).unwrap().events();
    let first = rules.rejections().iter().next().map(|rule| rule.id.as_str());
    assert_eq!(first, Some("own"));
}

#[test]
fn examples_are_tried_among_all_rules() {
    let dir = tempfile::tempdir().unwrap();
    let own = "\
rejections:
  - id: own
    when: {status: 429, body: {$.error.code: [1301, '13*7']}}
    action: gateway.rate_limit_exceeded
    examples:
      hit:
        - {status: 429, body: {error: {code: 1301}}}
        - {status: 429, body: {error: {code: '1307'}}}
        - {status: 429, body: {error: {code: 5}}}
      miss:
        - {status: 400, body: {error: {code: 1301}}}
        - {status: 429, body: {error: {code: 1301}}}
";
    fs::write(dir.path().join("a.yaml"), own).unwrap();
    let tried = rules::load(Some(dir.path()), &Pack::DEFAULT).unwrap().try_examples("own").unwrap();
    assert_eq!((tried.rules, tried.examples), (1, 5));
    let unmet: Vec<(u64, Option<&str>)> =
        tried.unmet.iter().map(|unmet| (unmet.line, unmet.redacted.as_deref())).collect();
    let taken = "the rule `gateway.rate-limit.status` is taken";
    assert_eq!(unmet, [(9, Some(taken)), (12, Some("the rule `own` is taken"))]);
}

#[test]
fn a_rule_of_an_operator_makes_no_shipped_example_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let own =
        "rejections:\n  - {id: r, when: {status: 429}, action: gateway.rate_limit_exceeded}\n";
    fs::write(dir.path().join("a.yaml"), own).unwrap();
    let tried = rules::load(Some(dir.path()), &Pack::DEFAULT).unwrap().try_examples("").unwrap();
    assert_eq!(tried.unmet, []);
}
