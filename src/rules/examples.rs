//! The examples inside of rules are tests of them.

use super::check::{CheckedRule, Example};
use super::load::{RuleSet, compile};
use crate::problem::{Problem, Problems};

impl RuleSet {
    /// Tries every example of every rule; fails with one problem for each that is not met.
    pub fn test_examples(&self) -> Result<(), Problems> {
        let mut problems = Vec::new();
        for checked in &self.rules {
            // The rule alone, so that no other one can make its examples true.
            let keep = if checked.rule.keys.is_empty() { Vec::new() } else { self.keep.clone() };
            let policy = match compile(vec![checked.rule.clone()], keep) {
                Ok(policy) => policy,
                Err(Problems(more)) => {
                    problems.extend(more);
                    continue;
                }
            };
            for example in checked.hits.iter().filter(|example| !policy.selects(&example.name)) {
                problems.push(unmet(checked, example, "is not selected", "widen a selector"));
            }
            for example in checked.misses.iter().filter(|example| policy.selects(&example.name)) {
                let remedy = "narrow a selector, or except the name under `keep`";
                problems.push(unmet(checked, example, "is selected", remedy));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(Problems(problems)) }
    }
}

fn unmet(checked: &CheckedRule, example: &Example, what: &str, remedy: &str) -> Problem {
    Problem {
        file: checked.file.clone(),
        line: example.line,
        column: example.column,
        message: format!("example `{}` of rule `{}` {what}", example.name, checked.rule.id),
        remedy: format!("{remedy}, or correct the example"),
    }
}
