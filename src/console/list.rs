//! The list of events: what happened, newest first, with everything to narrow it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};

use super::chart::{self, Card, Chart};
use super::error;
use super::filters::Filters;
use super::moment::{Moment, grouped};
use super::question::{ALL, LIST, OWN, Question, Window};
use super::row::RowView;
use super::shell::{Page, Section, Shell, Viewer, render};
use super::shown::Shown;
use crate::access::Right;
use crate::api::{
    Allowed, Asked, Facets, HEARTBEAT, Log, Problem, Session, Stats, facets_of, stats_of,
};
use crate::clock::Timestamp;
use crate::index::{Condition, Search, View};
use crate::query::Summary;

const ALLOWED: Allowed = Allowed { own: OWN, page: true, strict: false };
/// Only the rows are wanted: the rest of the page is there already.
const ROWS: &str = "rows";
/// A day, in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A live tail that misses so many signs of life is dead.
const SIGNS_MISSED: u64 = 3;
/// Most actors that are counted.
const ACTORS: usize = 100;

/// What the log can be taken away as.
const EXPORTS: [(&str, &str); 5] = [
    ("CSV", "format=csv"),
    ("CSV for Excel", "format=csv&bom=true"),
    ("JSON", "format=json"),
    ("NDJSON", "format=ndjson"),
    ("OCSF", "format=ocsf"),
];

#[derive(Template)]
#[template(path = "list.html")]
struct ListPage {
    shell: Shell,
    filters: Filters,
    cards: Vec<Card>,
    chart: Option<Chart>,
    heading: String,
    rows: Vec<RowView>,
    warnings: Vec<Shown>,
    empty: Option<Empty>,
    next: Option<String>,
    /// The first page, where this is another.
    first: Option<String>,
    /// The query of the same question to the API.
    api: String,
    /// It ends at a time that is past: nothing new shows up in it.
    ended: bool,
    /// After so many seconds without a sign of life, a live tail is dead.
    silence: u64,
    /// Where the same comes as a file, unless that is not allowed.
    exports: bool,
    /// The page's own address, which can be shared.
    own: String,
}

impl Page for ListPage {
    fn shell(&self) -> &Shell {
        &self.shell
    }
}

#[derive(Template)]
#[template(path = "rows.html")]
struct RowsPart {
    shell: Shell,
    rows: Vec<RowView>,
}

impl Page for RowsPart {
    fn shell(&self) -> &Shell {
        &self.shell
    }
}

/// There is nothing to show: why, and where to look instead.
struct Empty {
    title: String,
    /// The newest event that there is at all.
    newest: Option<Moment>,
    /// Nothing is on record.
    is_new: bool,
    ways: Vec<(&'static str, String)>,
}

/// The page has one address.
pub(super) async fn without_slash(State(log): State<Arc<Log>>, uri: Uri) -> Redirect {
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Redirect::to(&format!("{}{LIST}{query}", log.ways.prefix()))
}

pub(super) async fn list(State(log): State<Arc<Log>>, viewer: Viewer, uri: Uri) -> Response {
    let (question, other) = Question::of(uri.query());
    if other {
        let address = format!("{}{}", viewer.prefix, question.link());
        return Redirect::to(&address).into_response();
    }
    match answer(&log, &viewer, &question).await {
        Ok(response) => response,
        Err(problem) => error::of_question(Some(&viewer), &problem, Some(&question)),
    }
}

async fn answer(log: &Log, viewer: &Viewer, question: &Question) -> Result<Response, Problem> {
    let now = log.clock.now();
    let effective = question.effective();
    let uri = effective.link().parse::<Uri>();
    let uri =
        uri.map_err(|_| Problem::parameters("the address is too long", "use fewer filters"))?;
    let mut asked = Asked::of(&uri, &viewer.who, ALLOWED, now)?;
    let mut session = log.read().await?;
    let page = session.index.search(&asked.search).await?;
    let rows = page.rows.into_iter().map(Summary::from);
    let rows: Vec<RowView> = rows.map(|row| RowView::of(row, question, now)).collect();
    let shell = Shell::new("Events", Section::Events, Some(viewer));
    if asked.own("part")? == Some(ROWS) {
        return Ok(render(StatusCode::OK, &RowsPart { shell, rows }));
    }
    let (stats, facets) = counted(&mut session, &asked.search, now, &mut asked.warnings).await?;
    let warnings = asked.warned(log, &mut session.index, session.fresh).await;
    let facets = facets.map(|facets| facets.facets);
    let filters = Filters::of(question, facets.as_ref());
    let empty = match rows.is_empty() {
        true => Some(empty(&mut session, &asked.search.view, question, &filters, now).await?),
        false => None,
    };
    // Facets of actors do not regard which actors were asked for.
    let counted = facets.as_ref().filter(|_| question.first("actor").is_none());
    let actors = counted.map(|facets| match facets.actor.len() {
        ACTORS.. => format!("{ACTORS}+"),
        count => count.to_string(),
    });
    let asked_of_api = effective.filters();
    let page = ListPage {
        shell,
        cards: stats
            .as_ref()
            .map(|stats| chart::cards(stats, question, actors))
            .unwrap_or_default(),
        chart: stats.as_ref().and_then(|stats| Chart::of(stats, question)),
        heading: heading(stats.as_ref(), &filters.window),
        rows,
        warnings: warnings.iter().map(|warning| Shown::line(warning)).collect(),
        empty,
        next: page.next.map(|next| question.after(&next.to_string()).link()),
        first: question.first("cursor").map(|_| question.first_page().link()),
        api: asked_of_api.query(),
        ended: asked.search.conditions.iter().any(|condition| {
            matches!(condition, Condition::Until(until) if *until <= now.timestamp_millis())
        }),
        silence: SIGNS_MISSED * HEARTBEAT.as_secs(),
        exports: viewer.who.0.grant().role().allows(Right::Export),
        own: question.link(),
        filters,
    };
    Ok(render(StatusCode::OK, &page))
}

fn heading(stats: Option<&Stats>, window: &str) -> String {
    match stats.map(|stats| stats.total.total) {
        Some(1) => format!("1 event {window}"),
        Some(total) => format!("{} events {window}", grouped(total)),
        None => format!("Events {window}"),
    }
}

/// What is counted beside the rows. Where that takes too long, the rows are shown without.
async fn counted(
    session: &mut Session,
    search: &Search,
    now: Timestamp,
    warnings: &mut Vec<String>,
) -> Result<(Option<Stats>, Option<Facets>), Problem> {
    let mut search = Search {
        view: search.view.clone(),
        conditions: search.conditions.clone(),
        ..Search::default()
    };
    let begins = |condition: &Condition| matches!(condition, Condition::Since(_));
    if !search.conditions.iter().any(begins) {
        // Everything is drawn from the first day that has an event.
        search.conditions.push(Condition::Since(0));
        let days = session.index.histogram(&search.view, &search.conditions, 0, DAY_MS).await?;
        search.conditions.pop();
        let first = days.first().and_then(|bar| i64::try_from(bar.number).ok());
        let first = first.map_or_else(|| now.timestamp_millis(), |day| day * DAY_MS);
        search.conditions.push(Condition::Since(first));
    }
    let stats = stats_of(session, search.clone(), chart::BARS, now).await.ok();
    let facets = facets_of(session, search, now).await.ok();
    if stats.is_none() || facets.is_none() {
        let text =
            "not everything could be counted in time: choose a shorter time, or filter by more";
        warnings.push(text.to_owned());
    }
    Ok((stats, facets))
}

async fn empty(
    session: &mut Session,
    view: &View,
    question: &Question,
    filters: &Filters,
    now: Timestamp,
) -> Result<Empty, Problem> {
    if question.first("cursor").is_some() {
        let ways = vec![("Go to the newest", question.first_page().link())];
        let title = "There is nothing older".to_owned();
        return Ok(Empty { title, newest: None, is_new: false, ways });
    }
    let search = Search { view: view.clone(), limit: 1, ..Search::default() };
    let newest = session.index.search(&search).await?.rows.into_iter().next();
    let newest = newest.map(|row| Moment::of_ms(row.time_ms, now));
    let mut ways = Vec::new();
    let is_new = newest.is_none();
    if !is_new {
        if question.window() != Window::Everything {
            ways.push(("Look at all times", question.within(Some(ALL), None).link()));
        }
        if !filters.chips.is_empty() {
            ways.push(("Clear all filters", filters.cleared.clone()));
        }
    }
    let title = match (is_new, filters.chips.is_empty()) {
        (true, _) => "Nothing is on record yet".to_owned(),
        (false, true) => format!("Nothing happened {}", filters.window),
        (false, false) => format!("No event {} matches these filters", filters.window),
    };
    Ok(Empty { title, newest, is_new, ways })
}
