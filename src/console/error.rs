//! Pages that say no, why, and what to do next.

use std::sync::Arc;

use askama::Template;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use super::question::Question;
use super::shell::{Page, Section, Shell, Viewer, render};
use super::shown::Shown;
use crate::api::{Log, Problem, What};

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    shell: Shell,
    status: u16,
    title: String,
    detail: Shown,
    remedy: Option<Shown>,
    /// The same question without the parameter that is wrong.
    without: Option<(Shown, String)>,
}

impl Page for ErrorPage {
    fn shell(&self) -> &Shell {
        &self.shell
    }
}

/// A page about a problem.
pub(super) fn page(viewer: Option<&Viewer>, problem: &Problem) -> Response {
    of_question(viewer, problem, None)
}

/// A page about a problem with a question.
pub(super) fn of_question(
    viewer: Option<&Viewer>,
    problem: &Problem,
    question: Option<&Question>,
) -> Response {
    let told = problem.told();
    let without = told
        .parameter
        .zip(question)
        .map(|(name, question)| (Shown::line(name), question.without(name).link()));
    let page = ErrorPage {
        shell: Shell::new(told.title, Section::Other, viewer),
        status: told.status.as_u16(),
        title: told.title.to_owned(),
        detail: Shown::line(told.detail),
        remedy: told.remedy.map(Shown::line),
        without,
    };
    render(told.status, &page)
}

/// What is shown is the owners' alone. That somebody else asked for it is on record.
pub(super) async fn for_owners(log: &Arc<Log>, viewer: &Viewer, what: What) -> Response {
    log.forbidden(&viewer.who.0, what, &viewer.from).await;
    let shown = ErrorPage {
        shell: Shell::new("Not allowed", Section::Other, Some(viewer)),
        status: StatusCode::FORBIDDEN.as_u16(),
        title: "This page is for owners".to_owned(),
        detail: Shown::line("It shows more than the events of your scopes."),
        remedy: Some(Shown::line("Ask an owner, or sign in with a token of the role owner.")),
        without: None,
    };
    render(StatusCode::FORBIDDEN, &shown)
}

/// There is nothing at this address.
pub(super) async fn no_page(viewer: Viewer, _uri: Uri) -> Response {
    let page = ErrorPage {
        shell: Shell::new("No such page", Section::Other, Some(&viewer)),
        status: StatusCode::NOT_FOUND.as_u16(),
        title: "There is no such page".to_owned(),
        detail: Shown::line("Nothing is at this address."),
        remedy: Some(Shown::line("Begin with the list of events.")),
        without: None,
    };
    render(StatusCode::NOT_FOUND, &page)
}
