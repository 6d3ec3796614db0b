//! Rules that name events, in words.

use super::any;
use crate::console::shown::Shown;
use crate::derive::{EventRule, Expectation, OutcomeRule, Statuses, TargetRule, Template};
use crate::record::Outcome;

/// What a rule leaves out.
const CONVENTION: &str = "by convention";

/// A rule.
pub(super) struct Rule {
    pub(super) id: Shown,
    pub(super) methods: String,
    /// With the host, where the rule is for one.
    pub(super) path: Shown,
    pub(super) action: Shown,
    pub(super) target: Shown,
    pub(super) scope: Shown,
    /// How responses are understood, the first that holds; the convention where none does.
    pub(super) outcomes: Vec<Shown>,
}

impl Rule {
    pub(super) fn of(rule: &EventRule) -> Self {
        let path = format!("{}{}", rule.host.as_deref().unwrap_or_default(), rule.path.as_str());
        let scope = rule.scope.iter().map(|(name, value)| format!("{name}={}", value.as_str()));
        Self {
            id: Shown::line(&rule.id),
            methods: any(rule.methods.join(", ")),
            path: Shown::line(&path),
            action: Shown::line(rule.action.as_deref().unwrap_or(CONVENTION)),
            target: target(&rule.target),
            scope: or_convention(&scope.collect::<Vec<_>>().join(", ")),
            outcomes: rule.outcomes.iter().map(outcome).collect(),
        }
    }
}

fn or_convention(text: &str) -> Shown {
    Shown::line(if text.is_empty() { CONVENTION } else { text })
}

fn target(target: &TargetRule) -> Shown {
    let parts = [
        ("type", target.kind.as_deref()),
        ("id", target.id.as_ref().map(Template::as_str)),
        ("name", target.name.as_ref().map(Template::as_str)),
    ];
    let said = parts.iter().filter_map(|(name, value)| Some(format!("{name} {}", (*value)?)));
    or_convention(&said.collect::<Vec<_>>().join(", "))
}

fn outcome(rule: &OutcomeRule) -> Shown {
    let statuses = rule.statuses.iter().map(|Statuses(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}–{last}"),
    });
    let statuses = statuses.collect::<Vec<_>>().join(", ");
    let body = rule.body.iter().map(|(path, expected)| {
        let path = path.as_str();
        match expected {
            Expectation::Present => format!("{path} is there"),
            Expectation::Absent => format!("{path} is not there"),
            Expectation::Is(value) => format!("{path} is {value}"),
        }
    });
    let when = Some(statuses).filter(|statuses| !statuses.is_empty()).into_iter().chain(body);
    let when = any(when.collect::<Vec<_>>().join(" and "));
    let is = match rule.is {
        Outcome::Success => "success",
        Outcome::Failure => "failure",
        Outcome::Denied => "denied",
        Outcome::Unknown => "unknown",
    };
    let reason = rule.reason.as_ref().map(|reason| format!(" ({})", reason.as_str()));
    Shown::line(&format!("{when}: {is}{}", reason.unwrap_or_default()))
}
