//! Who calls, and whether they may.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::json;

use super::App;
use super::data::Data;
use super::failure::Failure;
use crate::cli::demo::planted;

/// The cookie that carries a session.
pub(super) const SESSION_COOKIE: &str = "legacy_session";

/// A caller who has proved who they are and may do what the method says.
pub(super) struct Caller;

impl FromRequestParts<App> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let role = role(&parts.headers, &app.data()).ok_or_else(|| {
            Failure::new(StatusCode::UNAUTHORIZED, "unauthenticated", "sign in first")
        })?;
        if role == Role::Viewer && !parts.method.is_safe() {
            let message = "viewers may not change anything";
            return Err(Failure::new(StatusCode::FORBIDDEN, "forbidden", message));
        }
        Ok(Self)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Admin,
    Viewer,
}

fn role(headers: &HeaderMap, data: &Data) -> Option<Role> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(authorization) = text("authorization") {
        return match authorization {
            planted::BELA_BASIC => Some(Role::Admin),
            planted::CAROL_BASIC => Some(Role::Viewer),
            _ => bearer(authorization)
                .filter(|token| *token == planted::TERRAFORM_TOKEN)
                .map(|_| Role::Admin),
        };
    }
    if let Some(key) = text("x-api-key") {
        return (key == planted::PIPELINE_KEY).then_some(Role::Admin);
    }
    let token = session_token(headers)?;
    data.find("sessions", "token", token).map(|_| Role::Admin)
}

/// `GET /admin/me`: whose the caller's credential is.
pub(super) async fn me(
    caller: Caller,
    State(app): State<App>,
    headers: HeaderMap,
) -> Json<serde_json::Value> {
    let Caller = caller;
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let person = |id: &str, name: &str| json!({ "id": id, "name": name, "email": format!("{id}@acme.example") });
    let who = match (text("authorization"), text("x-api-key")) {
        (Some(planted::BELA_BASIC), _) => person("bela", "Béla Kovács"),
        (Some(planted::CAROL_BASIC), _) => person("carol", "Carol Nguyen"),
        (Some(_), _) => json!({ "id": "terraform", "name": "Terraform" }),
        (None, Some(_)) => json!({ "id": "deploy-pipeline", "name": "Deployment pipeline" }),
        (None, None) => {
            let data = app.data();
            let token = session_token(&headers).unwrap_or_default();
            let id = data.find_id("sessions", "token", token).unwrap_or_default();
            let user = data.row("sessions", &id).and_then(|row| super::data::text_of(row, "user"));
            person(user.unwrap_or_default().split('@').next().unwrap_or_default(), "Anna Berg")
        }
    };
    Json(who)
}

/// The token of an `Authorization: Bearer` header.
pub(super) fn bearer(authorization: &str) -> Option<&str> {
    authorization.strip_prefix("Bearer ").map(str::trim)
}

/// The session's token in the `Cookie` header.
pub(super) fn session_token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    cookies.split(';').find_map(|cookie| {
        let (name, value) = cookie.trim().split_once('=')?;
        (name == SESSION_COOKIE).then_some(value)
    })
}
