//! What no rule names, with rules to paste, and rules that never matched: of the events on record and
//! of the rules as they are now. Knows nothing of HTTP.

use std::collections::{BTreeMap, BTreeSet};

use crate::derive::{EventRules, Kind, Place, named};
use crate::index::{Condition, Index, IndexError, Row, Unnamed};
use crate::query::{self, EventError};
use crate::record::{Actor, ActorKind, RequestRecord};
use crate::rules::{RuleSet, Suggester, WhyNot};
use crate::store::LedgerReader;

/// More routes than this are not looked at.
const ROUTES_MAX: u32 = 2_000;

/// Why nobody can say.
#[derive(Debug, thiserror::Error)]
pub enum CoverageError {
    /// The index cannot be asked.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// An event cannot be read.
    #[error(transparent)]
    Event(#[from] EventError),
}

/// What is known of a ledger and of the rules.
pub struct Coverage {
    /// Routes that no rule names.
    pub unnamed: Vec<Route>,
    /// Routes that no rule named when the events came, and one names now: the rule, and how many.
    pub named_now: BTreeMap<String, u64>,
    /// There are more than were looked at.
    pub more: bool,
    /// Rules that name events.
    pub rules: usize,
    /// Of them, those that never did.
    pub never: Vec<Never>,
    /// Operations of documents that name events.
    pub operations: usize,
    /// Of them, so many did.
    pub operations_seen: usize,
}

/// A route that no rule names.
pub struct Route {
    /// What is on record of it.
    pub seen: Unnamed,
    /// The id of its newest event.
    pub example: String,
    /// A rule for it, if one can be written that is not there already.
    pub yaml: Option<String>,
    /// Why there is none.
    pub why_not: Option<WhyNot>,
}

/// A rule that never matched.
pub struct Never {
    /// Its id.
    pub id: String,
    /// Its methods; any if there are none.
    pub methods: Vec<String>,
    /// Its path.
    pub path: String,
    /// File and line where it is written.
    pub place: Option<(String, u64)>,
}

/// Looks at the events that fulfil the conditions, and at so many routes at most.
pub async fn look(
    reader: &mut dyn LedgerReader,
    index: &mut Index,
    rules: &RuleSet,
    conditions: &[Condition],
    limit: usize,
) -> Result<Coverage, CoverageError> {
    let events = rules.events();
    let mut suggester = Suggester::beside(rules);
    let seen = index.unnamed(conditions, ROUTES_MAX + 1).await?;
    let mut more = seen.len() > ROUTES_MAX as usize;
    let mut unnamed = Vec::new();
    let mut named_now = BTreeMap::new();
    let several = several(&seen);
    for seen in seen.into_iter().take(ROUTES_MAX as usize) {
        if unnamed.len() == limit {
            more = true;
            break;
        }
        let Some(row) = index.example(&seen, conditions).await? else { continue };
        let request = request(reader, &row).await?;
        match rule_for(&events, &request) {
            Some(rule) => *named_now.entry(rule).or_insert(0) += seen.events,
            None => {
                let suggested = match several.contains(&(seen.method.clone(), seen.route.clone())) {
                    true => Err(WhyNot::SeveralActions),
                    false => suggester.suggest(&request),
                };
                let (yaml, why_not) = match suggested {
                    Ok(yaml) => (Some(yaml), None),
                    Err(why_not) => (None, Some(why_not)),
                };
                unnamed.push(Route { seen, example: row.id, yaml, why_not });
            }
        }
    }
    let named = index.named(conditions).await?;
    let matched =
        |id: &str| named.iter().any(|named| named.rule == id) || named_now.contains_key(id);
    let never = events.iter().filter(|rule| !matched(&rule.id)).map(|rule| Never {
        id: rule.id.clone(),
        methods: rule.methods.clone(),
        path: rule.path.as_str().to_owned(),
        place: rules.event(&rule.id).map(|(file, line)| (file.display().to_string(), line)),
    });
    let mut never: Vec<Never> = never.collect();
    never.sort_by(|a, b| (&a.place, &a.id).cmp(&(&b.place, &b.id)));
    let operations_seen = named.iter().filter(|named| named.rule.contains('#')).count();
    Ok(Coverage {
        unnamed,
        named_now,
        more,
        rules: events.len(),
        never,
        operations: events.operations(),
        operations_seen,
    })
}

/// Methods and routes on which several things are done. What a PUT has made and what it has changed
/// is one, and so is a sign-in whether a second factor was asked for or not.
fn several(seen: &[Unnamed]) -> BTreeSet<(String, String)> {
    let mut actions: BTreeMap<(&str, &str), BTreeSet<String>> = BTreeMap::new();
    for Unnamed { method, route, action, .. } in seen {
        let action = match action.rsplit_once('.') {
            Some((noun, "create")) if method == "PUT" => format!("{noun}.update"),
            Some(("session", "challenge")) => "session.create".to_owned(),
            _ => action.clone(),
        };
        actions.entry((method, route)).or_default().insert(action);
    }
    let several = actions.into_iter().filter(|(_, actions)| actions.len() > 1);
    several.map(|((method, route), _)| (method.to_owned(), route.to_owned())).collect()
}

/// The request of an event, as it is on record.
async fn request(reader: &mut dyn LedgerReader, row: &Row) -> Result<RequestRecord, EventError> {
    Ok(RequestRecord::of_event(&query::event(reader, row).await?))
}

/// The rule that names such a request now.
fn rule_for(events: &EventRules, request: &RequestRecord) -> Option<String> {
    let actor = Actor::unknown(ActorKind::Anonymous);
    let host = request.headers.get("host").and_then(|host| host.as_str().map(ToOwned::to_owned));
    let host = host.unwrap_or_default();
    let place = Place { rules: events, host: &host, kind: Kind::Admin };
    named(request, &actor, &place).rule().map(ToOwned::to_owned)
}
