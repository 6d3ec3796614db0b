//! The HTML side: the login, the settings page, and forms that stand in for `DELETE`.

use std::collections::BTreeMap;

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::App;
use super::access::{Caller, SESSION_COOKIE, session_token};
use super::data::{Kind, Row, put};
use super::failure::Failure;
use crate::cli::demo::planted;

/// The fields of a form.
pub(super) type Fields = BTreeMap<String, String>;

const LOGIN_PAGE: &str = "<!doctype html><title>Legacy admin</title>\
    <form method=\"post\" action=\"/login\"><input name=\"username\">\
    <input name=\"password\" type=\"password\"><button>Sign in</button></form>\n";

fn found(location: &'static str) -> Response {
    (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
}

/// `GET /login`.
pub(super) async fn login_page() -> Html<&'static str> {
    Html(LOGIN_PAGE)
}

/// `POST /login`: a session cookie and a way into the application, or 401.
pub(super) async fn login(State(app): State<App>, Form(fields): Form<Fields>) -> Response {
    let field = |name| fields.get(name).map(String::as_str);
    if (field("username"), field("password")) != (Some("anna"), Some(planted::ANNA_PASSWORD)) {
        return (StatusCode::UNAUTHORIZED, Html(LOGIN_PAGE)).into_response();
    }
    let Some(kind) = Kind::named("sessions") else {
        return Failure::not_found("sessions").into_response();
    };
    let mut row = Row::new();
    put(&mut row, "user", "anna@acme.example");
    let mut data = app.data();
    let id = data.insert(kind, row);
    let token = data.row(kind.name, &id).and_then(|row| super::data::text_of(row, "token"));
    let cookie =
        format!("{SESSION_COOKIE}={}; Path=/; HttpOnly; SameSite=Lax", token.unwrap_or_default());
    ([(header::SET_COOKIE, cookie)], found("/admin/settings")).into_response()
}

/// `POST /logout`.
pub(super) async fn logout(_: Caller, State(app): State<App>, headers: HeaderMap) -> Response {
    let mut data = app.data();
    let session =
        session_token(&headers).and_then(|token| data.find_id("sessions", "token", token));
    if let Some(id) = session {
        data.remove("sessions", &id);
    }
    let cookie = format!("{SESSION_COOKIE}=; Path=/; Max-Age=0");
    ([(header::SET_COOKIE, cookie)], found("/login")).into_response()
}

/// `GET /admin/settings`.
pub(super) async fn settings_page(_: Caller, State(app): State<App>) -> Html<String> {
    let fields: String = app
        .data()
        .settings
        .iter()
        .filter(|(name, _)| !name.contains("password"))
        .map(|(name, value)| format!("<dt>{}</dt><dd>{}</dd>", escape(name), escape(value)))
        .collect();
    Html(format!("<!doctype html><title>Settings</title><dl>{fields}</dl>\n"))
}

/// `POST /admin/settings`: saves the fields and goes back to the page.
pub(super) async fn save_settings(
    _: Caller,
    State(app): State<App>,
    Form(fields): Form<Fields>,
) -> Redirect {
    app.data().settings.extend(fields);
    Redirect::to("/admin/settings")
}

/// `POST /{kind}/{id}` with `_method=delete`, since HTML forms cannot say `DELETE`.
pub(super) async fn method_override(
    _: Caller,
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
    Form(fields): Form<Fields>,
) -> Result<Redirect, Failure> {
    let kind = Kind::named(&name).ok_or_else(|| Failure::not_found("collection"))?;
    if !fields.get("_method").is_some_and(|method| method.eq_ignore_ascii_case("delete")) {
        let message = "a form can only delete";
        return Err(Failure::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message));
    }
    app.data().remove(kind.name, &id).ok_or_else(|| Failure::not_found(kind.name))?;
    Ok(Redirect::to("/admin/settings"))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
