//! What is asked: every filter, with values that some events have, another one each time.

use std::collections::{BTreeMap, BTreeSet};

use countersign::index::{Condition, Field, Like, View};

use crate::events::{self, Dice, Events};

const HOUR_MS: i64 = 3_600_000;

/// The names of all filters.
pub(crate) const FILTERS: [&str; 22] = [
    "action",
    "action (rare)",
    "category",
    "resource_type",
    "target (id)",
    "target (part of a name)",
    "actor (id)",
    "actor (part of a name)",
    "actor_type",
    "outcome",
    "outcome=pending",
    "severity",
    "severity=info",
    "scope.tenant",
    "scope.pool",
    "since",
    "since and until",
    "q (rare word)",
    "q (common word)",
    "q (two words)",
    "q (beginning of a word)",
    "q (no hit)",
];

/// The conditions of a filter, with values of some event.
pub(crate) fn conditions(filter: &str, events: &Events, dice: &mut Dice) -> Vec<Condition> {
    let made = events.made(dice.below(events.count));
    let end = events.now();
    let any = |field, value: &str| vec![Condition::AnyOf(field, vec![value.to_owned()])];
    let text = |text: &str| vec![Condition::Text(text.to_owned())];
    let kind = made.action.split('.').next().unwrap_or_default();
    match filter {
        "action" => any(Field::Action, &made.action),
        "action (rare)" => any(Field::Action, "region.disable"),
        "category" => {
            let some = ["member", "api_key", "billing", "auth", "platform"];
            any(Field::Category, some[dice.below(5) as usize])
        }
        "resource_type" => vec![Condition::ResourceType(vec![kind.to_owned()])],
        "target (id)" => vec![Condition::Target(Like::Whole(made.target_id))],
        "target (part of a name)" => {
            let part: String = made.target_name.chars().skip(2).take(9).collect();
            vec![Condition::Target(Like::Part(part))]
        }
        "actor (id)" => {
            let id = events::actor(dice.skewed(events::ACTORS)).id;
            vec![Condition::Actor(Like::Whole(id))]
        }
        "actor (part of a name)" => {
            let name = events::actor(dice.below(400)).name;
            let part = name.split(' ').nth(dice.below(2) as usize).unwrap_or_default();
            vec![Condition::Actor(Like::Part(part.to_lowercase()))]
        }
        "actor_type" => {
            any(Field::ActorType, ["user", "api", "system", "agent"][dice.below(4) as usize])
        }
        "outcome" => {
            let outcome = ["success", "failure", "denied", "unknown"][dice.below(4) as usize];
            vec![Condition::Outcome(vec![Some(outcome.to_owned())])]
        }
        "outcome=pending" => vec![Condition::Outcome(vec![None])],
        "severity" => any(Field::Severity, ["warn", "fail"][dice.below(2) as usize]),
        "severity=info" => any(Field::Severity, "info"),
        "scope.tenant" => {
            let tenant = events::tenant(dice.skewed(events::TENANTS));
            vec![Condition::Scope("tenant".to_owned(), vec![tenant])]
        }
        "scope.pool" => {
            let pool = ["blue", "batch", "legacy"][dice.below(3) as usize];
            vec![Condition::Scope("pool".to_owned(), vec![pool.to_owned()])]
        }
        "since" => {
            let hours = [1, 24, 7 * 24, 30 * 24, 90 * 24][dice.below(5) as usize];
            vec![Condition::Since(end - hours * HOUR_MS)]
        }
        "since and until" => {
            let until = end - dice.below(30 * 24) as i64 * HOUR_MS - 17_000;
            vec![Condition::Since(until - 5 * HOUR_MS), Condition::Until(until)]
        }
        "q (rare word)" => text(&made.target_id),
        "q (common word)" => {
            text(["updated", "created", "user", "example", "north"][dice.below(5) as usize])
        }
        "q (two words)" => text(&format!("{kind} {}", made.target_name)),
        "q (beginning of a word)" => text(["updat", "shad", "jens", "usr"][dice.below(4) as usize]),
        "q (no hit)" => text(&format!("zzyzx{}", dice.below(1000))),
        _ => Vec::new(),
    }
}

/// Somebody who may see the events of a few tenants.
pub(crate) fn scoped(dice: &mut Dice) -> View {
    let tenants = (0..3).map(|_| events::tenant(dice.skewed(events::TENANTS)));
    let tenants: BTreeSet<String> = tenants.collect();
    View::Scopes(BTreeMap::from([("tenant".to_owned(), tenants)]))
}
