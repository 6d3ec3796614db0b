//! What rules name, and what they do not: for owners, since it is of all scopes.

use std::sync::Arc;

use askama::Template;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use super::error;
use super::moment::{Moment, grouped};
use super::question::{ALL, Question, SPANS};
use super::settings::InForce;
use super::shell::{Page, Section, Shell, Viewer, render};
use super::shown::Shown;
use crate::api::{Log, Problem, What};
use crate::clock::Timestamp;
use crate::config::Config;
use crate::coverage::{Coverage, CoverageError, Never, Route, look};
use crate::query;
use crate::rules::{self, RuleSet, SUGGESTIONS, WhyNot};

/// Routes that are shown.
const ROUTES: usize = 100;
/// Rules that never matched, that are shown.
const NEVER: usize = 500;
/// The time that is looked at if none is given.
const DEFAULT_SPAN: &str = "30d";

#[derive(Template)]
#[template(path = "coverage.html")]
struct CoveragePage {
    shell: Shell,
    spans: Vec<Span>,
    routes: Vec<RouteView>,
    more: bool,
    /// Events that would have a rule now.
    named_now: String,
    /// All rules that are suggested, as a file.
    yaml: Option<Shown>,
    rules: usize,
    never: Vec<NeverView>,
    never_more: usize,
    operations: Option<(usize, usize)>,
}

impl Page for CoveragePage {
    fn shell(&self) -> &Shell {
        &self.shell
    }
}

struct Span {
    name: &'static str,
    title: &'static str,
    link: String,
    is_on: bool,
}

struct RouteView {
    method: Shown,
    route: Shown,
    action: Shown,
    events: String,
    last: Moment,
    /// Its newest event.
    example: String,
    /// The events of this action.
    link: String,
    yaml: Option<Shown>,
    /// Why no rule is suggested.
    why_not: Option<&'static str>,
}

struct NeverView {
    id: Shown,
    methods: String,
    path: Shown,
    place: Option<Shown>,
}

pub(super) async fn page(
    log: &Arc<Log>,
    viewer: &Viewer,
    in_force: InForce,
    uri: &Uri,
) -> Response {
    if !viewer.is_owner() {
        return error::for_owners(log, viewer, What::Coverage).await;
    }
    let (question, _) = Question::of(uri.query());
    let now = log.clock.now();
    match answer(log, in_force.config, &question, now).await {
        Ok(coverage) => render(StatusCode::OK, &written(viewer, coverage, &question, now)),
        Err(problem) => error::page(Some(viewer), &problem),
    }
}

async fn answer(
    log: &Log,
    config: Config,
    question: &Question,
    now: Timestamp,
) -> Result<Coverage, Problem> {
    let since = question.first("since").unwrap_or(DEFAULT_SPAN);
    let since = Some(("since", since)).filter(|(_, since)| *since != ALL);
    let conditions = query::parse(since, now)?.conditions;
    // The files as they are now: rules that were just written count.
    let loaded = tokio::task::spawn_blocking(move || load(&config)).await;
    let unreadable = "the rule files have problems: `countersign check` lists them";
    let Ok(Some(rules)) = loaded else { return Err(Problem::unavailable(unreadable)) };
    let mut session = log.read().await?;
    let mut ledger = log.ledger().await?;
    let found = look(&mut *ledger, &mut session.index, &rules, &conditions, ROUTES).await;
    found.map_err(|error| match error {
        CoverageError::Index(error) => error.into(),
        CoverageError::Event(error) => {
            tracing::error!(%error, "coverage cannot be shown");
            Problem::unavailable("the ledger cannot be read")
        }
    })
}

fn load(config: &Config) -> Option<RuleSet> {
    rules::load(config.rules_dir.as_deref(), &config.packs).ok()
}

fn written(
    viewer: &Viewer,
    coverage: Coverage,
    question: &Question,
    now: Timestamp,
) -> CoveragePage {
    let entries: Vec<&str> =
        coverage.unnamed.iter().filter_map(|route| route.yaml.as_deref()).collect();
    let yaml = format!("{SUGGESTIONS}{}", entries.concat());
    let since = question.first("since").unwrap_or(DEFAULT_SPAN);
    let spans = SPANS.into_iter().skip(1).map(|(name, title)| Span {
        name: if name == ALL { "All" } else { name },
        title,
        link: format!("/audit/coverage?since={name}"),
        is_on: since == name,
    });
    let named_now: u64 = coverage.named_now.values().sum();
    let operations = (coverage.operations_seen, coverage.operations);
    CoveragePage {
        shell: Shell::new("Coverage", Section::Coverage, Some(viewer)),
        spans: spans.collect(),
        yaml: (!entries.is_empty()).then(|| Shown::block(&yaml)),
        more: coverage.more,
        named_now: if named_now > 0 { grouped(named_now) } else { String::new() },
        rules: coverage.rules,
        never_more: coverage.never.len().saturating_sub(NEVER),
        never: coverage.never.into_iter().take(NEVER).map(never).collect(),
        operations: Some(operations).filter(|(_, all)| *all > 0),
        routes: coverage.unnamed.into_iter().map(|of| route(of, since, now)).collect(),
    }
}

fn route(of: Route, since: &str, now: Timestamp) -> RouteView {
    let Route { seen, example, yaml, why_not } = of;
    let events = Question::default().within(Some(since), None);
    RouteView {
        link: events.with("action", &seen.action).link(),
        method: Shown::line(&seen.method),
        route: Shown::line(&seen.route),
        action: Shown::line(&seen.action),
        events: grouped(seen.events),
        last: Moment::of_ms(seen.last_ms, now),
        yaml: yaml.as_deref().map(Shown::block),
        why_not: why_not.filter(|why| *why != WhyNot::Taken).map(WhyNot::as_str),
        example,
    }
}

fn never(of: Never) -> NeverView {
    NeverView {
        id: Shown::line(&of.id),
        methods: if of.methods.is_empty() { "any".to_owned() } else { of.methods.join(", ") },
        path: Shown::line(&of.path),
        place: of.place.map(|(file, line)| Shown::line(&format!("{file}:{line}"))),
    }
}
