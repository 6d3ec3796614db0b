//! Which mutations have no rule, and which rules named events: for owners, since it is of all scopes.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use chrono::{DateTime, SecondsFormat};
use schemars::JsonSchema;
use serde::Serialize;

use super::asked::{Allowed, Asked, Who};
use super::log::Log;
use super::origin::Origin;
use super::problem::Problem;
use super::views::What;
use crate::access::Role;
use crate::index::{Named, Unnamed};

const COVERAGE: Allowed = Allowed { own: &["routes"], page: false, strict: false };
/// Routes that are shown, unless the question says otherwise, and at most.
const ROUTES: u32 = 100;
pub(super) const ROUTES_MAX: u32 = 2_000;

/// What rules name, and what they do not.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Coverage {
    /// Mutations that were named by convention, since no rule named them: those with the most events
    /// first.
    unnamed: Vec<Route>,
    /// There are more of them.
    more: bool,
    /// Rules that named events.
    rules: Vec<Rule>,
    /// What was not taken into account.
    warnings: Vec<String>,
}

/// Mutations of one method and route.
#[derive(Debug, Serialize, JsonSchema)]
struct Route {
    method: String,
    /// The route template.
    route: String,
    /// What they are called by convention.
    action: String,
    /// How many there are.
    events: u64,
    /// When the last arrived.
    last: String,
}

/// A rule that named events.
#[derive(Debug, Serialize, JsonSchema)]
struct Rule {
    /// Its id.
    rule: String,
    /// How many it named.
    events: u64,
    /// When the last arrived.
    last: String,
}

impl From<Unnamed> for Route {
    fn from(unnamed: Unnamed) -> Self {
        let Unnamed { method, route, action, events, last_ms } = unnamed;
        Self { method, route, action, events, last: time(last_ms) }
    }
}

impl From<Named> for Rule {
    fn from(named: Named) -> Self {
        Self { rule: named.rule, events: named.events, last: time(named.last_ms) }
    }
}

pub(super) async fn coverage(
    State(log): State<Arc<Log>>,
    who: Who,
    request: Request,
) -> Result<Json<Coverage>, Problem> {
    let from = Origin::of(request.extensions());
    if who.0.grant().role() != Role::Owner {
        log.forbidden(&who.0, What::Coverage, &from).await;
        return Err(Problem::not_owner());
    }
    let mut asked = Asked::of(request.uri(), &who, COVERAGE, log.clock.now())?;
    let routes = routes(asked.own("routes")?)?;
    let mut session = log.read().await?;
    let mut unnamed = session.index.unnamed(&asked.search.conditions, routes + 1).await?;
    let more = unnamed.len() > routes as usize;
    unnamed.truncate(routes as usize);
    let named = session.index.named(&asked.search.conditions).await?;
    log.warn_of_lag(who.0.grant().view(), session.fresh, &mut asked.warnings);
    Ok(Json(Coverage {
        unnamed: unnamed.into_iter().map(Route::from).collect(),
        more,
        rules: named.into_iter().map(Rule::from).collect(),
        warnings: asked.warnings,
    }))
}

fn routes(text: Option<&str>) -> Result<u32, Problem> {
    let Some(text) = text else { return Ok(ROUTES) };
    text.parse().ok().filter(|routes| (1..=ROUTES_MAX).contains(routes)).ok_or_else(|| {
        let remedy = "give a whole number from 1 to 2,000";
        Problem::parameter("routes", "`routes` is not a number of routes to show", remedy)
    })
}

fn time(ms: i64) -> String {
    let time = DateTime::from_timestamp_millis(ms).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
