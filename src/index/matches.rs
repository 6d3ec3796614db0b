//! Whether a row is what was asked for: the meaning of conditions, row by row.
//!
//! Questions are answered with sets where they can be; this decides where there are none for it, and
//! tests compare both.

use super::terms;
use super::{Condition, Field, Row, View, schema};

pub(super) fn may_see(view: &View, row: &Row) -> bool {
    match view {
        View::Everything => true,
        View::Scopes(scopes) => {
            let holds = |(name, values): (&String, &std::collections::BTreeSet<String>)| {
                row.scope.get(name).is_some_and(|value| values.contains(value))
            };
            !scopes.is_empty() && scopes.iter().all(holds)
        }
    }
}

pub(super) fn meets(condition: &Condition, row: &Row) -> bool {
    match condition {
        Condition::AnyOf(field, values) => {
            let value = match field {
                Field::Action => &row.action,
                Field::Category => &row.category,
                Field::ActorType => &row.actor_type,
                Field::Severity => &row.severity,
            };
            value.as_ref().is_some_and(|value| match field {
                Field::Action => values.iter().any(|meant| terms::is_action(meant, value)),
                _ => values.contains(value),
            })
        }
        Condition::Outcome(outcomes) => outcomes.contains(&row.outcome),
        Condition::ResourceType(kinds) => {
            row.targets.iter().any(|target| kinds.contains(&target.kind))
        }
        Condition::Target(like) => {
            let mut targets = row.targets.iter();
            targets.any(|target| like.is(&target.id) || like.is_met_by(&target.name))
        }
        Condition::Actor(like) => {
            let parts = terms::actor_parts(row);
            parts.into_iter().flatten().any(|part| like.is_met_by(part))
        }
        Condition::Scope(name, values) => {
            row.scope.get(name).is_some_and(|value| values.contains(value))
        }
        Condition::Since(time) => schema::clamped(row.time_ms) >= *time,
        Condition::Until(time) => schema::clamped(row.time_ms) < *time,
        Condition::Text(text) => {
            let (words, ids) = (terms::words_of(row), terms::ids(row));
            let wanted = terms::wanted(text);
            !wanted.is_empty() && wanted.iter().all(|wanted| wanted.is_met_by(&words, &ids))
        }
        Condition::Id(id) => row.id == *id,
    }
}
