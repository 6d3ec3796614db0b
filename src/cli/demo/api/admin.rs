//! The JSON endpoints for rows of every kind, under `/admin` and `/api/v1` alike.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::App;
use super::access::Caller;
use super::data::{Data, Kind, Row, put, text_of};
use super::failure::Failure;

fn kind(name: &str) -> Result<&'static Kind, Failure> {
    Kind::named(name).ok_or_else(|| Failure::not_found("collection"))
}

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", message)
}

fn object(body: Value) -> Result<Row, Failure> {
    match body {
        Value::Object(row) => Ok(row),
        _ => Err(invalid("the body must be a JSON object")),
    }
}

/// `GET /{kind}`.
pub(super) async fn list(
    _: Caller,
    State(app): State<App>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Failure> {
    let kind = kind(&name)?;
    let rows: Vec<Value> = app.data().all(kind.name).map(|row| kind.shown(row)).collect();
    Ok(Json(json!({ "total": rows.len(), "items": rows })))
}

/// `GET /{kind}/{id}`.
pub(super) async fn read(
    _: Caller,
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Json<Value>, Failure> {
    let kind = kind(&name)?;
    let data = app.data();
    let row = data.row(kind.name, &id).ok_or_else(|| Failure::not_found(kind.name))?;
    Ok(Json(kind.shown(row)))
}

/// `POST /{kind}`: the answer is the one place where an API key's secret is shown.
pub(super) async fn create(
    _: Caller,
    State(app): State<App>,
    Path(name): Path<String>,
    Json(body): Json<Value>,
) -> Result<Response, Failure> {
    let kind = kind(&name)?;
    let row = object(body)?;
    let mut data = app.data();
    check_new(kind, &data, &row)?;
    let id = data.insert(kind, row);
    let row = data.row(kind.name, &id).ok_or_else(|| Failure::not_found(kind.name))?;
    let mut shown = kind.shown(row);
    if let (Some(shown), Some(secret)) = (shown.as_object_mut(), text_of(row, "secret")) {
        put(shown, "secret", secret);
    }
    let location = [(header::LOCATION, format!("/admin/{}/{id}", kind.name))];
    Ok((StatusCode::CREATED, location, Json(shown)).into_response())
}

fn check_new(kind: &Kind, data: &Data, row: &Row) -> Result<(), Failure> {
    if let Some(missing) = kind.required.iter().find(|field| !row.contains_key(**field)) {
        return Err(invalid(format!("`{missing}` is missing")));
    }
    let taken = text_of(row, kind.unique)
        .is_some_and(|text| data.find(kind.name, kind.unique, text).is_some());
    if taken {
        let message = format!("this `{}` is taken", kind.unique);
        return Err(Failure::new(StatusCode::CONFLICT, "conflict", message));
    }
    Ok(())
}

/// `PUT /{kind}/{id}`.
pub(super) async fn replace(
    _: Caller,
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, Failure> {
    let kind = kind(&name)?;
    let mut new = object(body)?;
    if let Some(missing) = kind.required.iter().find(|field| !new.contains_key(**field)) {
        return Err(invalid(format!("`{missing}` is missing")));
    }
    let mut data = app.data();
    let row = data.row_mut(kind.name, &id).ok_or_else(|| Failure::not_found(kind.name))?;
    put(&mut new, "id", id);
    *row = new;
    Ok(Json(kind.shown(row)))
}

/// `PATCH /{kind}/{id}`.
pub(super) async fn change(
    _: Caller,
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Result<Json<Value>, Failure> {
    let kind = kind(&name)?;
    let changes = object(body)?;
    if changes.get("limit_cents").is_some_and(|limit| limit.as_u64().is_none()) {
        return Err(invalid("`limit_cents` must be a whole number, not below zero"));
    }
    let mut data = app.data();
    let row = data.row_mut(kind.name, &id).ok_or_else(|| Failure::not_found(kind.name))?;
    row.extend(changes);
    put(row, "id", id);
    Ok(Json(kind.shown(row)))
}

/// `DELETE /{kind}/{id}`.
pub(super) async fn remove(
    _: Caller,
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
) -> Result<StatusCode, Failure> {
    let kind = kind(&name)?;
    app.data().remove(kind.name, &id).ok_or_else(|| Failure::not_found(kind.name))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /{kind}/{id}/{verb}`: a revoked row stays as it is.
pub(super) async fn act(
    _: Caller,
    State(app): State<App>,
    Path((name, id, verb)): Path<(String, String, String)>,
) -> Result<Json<Value>, Failure> {
    let kind = kind(&name)?;
    let status = kind.status_after(&verb).ok_or_else(|| Failure::not_found("action"))?;
    let mut data = app.data();
    let row = data.row_mut(kind.name, &id).ok_or_else(|| Failure::not_found(kind.name))?;
    if text_of(row, "status") == Some("revoked") {
        let message = "a revoked key cannot be used again";
        return Err(Failure::new(StatusCode::CONFLICT, "revoked", message));
    }
    put(row, "status", status);
    let mut shown = kind.shown(row);
    if verb == "rotate" {
        let secret = data.rotate(&id).ok_or_else(|| Failure::not_found(kind.name))?;
        if let Some(shown) = shown.as_object_mut() {
            put(shown, "secret", secret);
        }
    }
    Ok(Json(shown))
}

/// `POST /admin/users/import`: one user a line, `email,name,password`.
pub(super) async fn import(
    _: Caller,
    State(app): State<App>,
    body: String,
) -> Result<Json<Value>, Failure> {
    let kind = kind("users")?;
    let mut data = app.data();
    let mut imported = 0;
    for line in body.lines() {
        let mut fields = line.split(',').map(str::trim);
        let (Some(email), Some(name)) = (fields.next(), fields.next()) else {
            return Err(invalid("a line is not `email,name,password`"));
        };
        let mut row = Row::new();
        put(&mut row, "email", email);
        put(&mut row, "name", name);
        put(&mut row, "password", fields.next().unwrap_or_default());
        check_new(kind, &data, &row)?;
        data.insert(kind, row);
        imported += 1;
    }
    Ok(Json(json!({ "imported": imported })))
}

/// `POST /admin/maintenance/reindex`: broken since anybody can remember.
pub(super) async fn reindex(_: Caller) -> Failure {
    let message = "reindex: NullPointerException at SearchIndex.java:214";
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
}
