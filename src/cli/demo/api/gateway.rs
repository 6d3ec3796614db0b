//! The LLM gateway: answers from a tin, and the rejections that such gateways really give.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::App;
use super::access::bearer;
use super::data::{Data, put, text_of};
use super::events::server_sent;
use super::failure::Failure;

/// What a call costs.
const PRICE_CENTS: u64 = 5;

/// The time over which a pool's calls are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// Beginnings of what the gateway takes for a secret in a prompt.
const SECRET_MARKS: [&str; 2] = ["ghp_", "AKIA"];

/// `GET /v1/models`.
pub(super) async fn models(State(app): State<App>) -> Json<Value> {
    let data = app.data();
    let models: Vec<Value> =
        served(&data).map(|model| json!({ "id": model, "object": "model" })).collect();
    Json(json!({ "object": "list", "data": models }))
}

fn served(data: &Data) -> impl Iterator<Item = &str> {
    data.all("providers")
        .filter_map(|provider| provider.get("models").and_then(Value::as_array))
        .flatten()
        .filter_map(Value::as_str)
}

/// `POST /v1/chat/completions`.
pub(super) async fn chat(
    State(app): State<App>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Result<Response, Failure> {
    let model = body.get("model").and_then(Value::as_str).unwrap_or_default();
    {
        let mut data = app.data();
        let pool = pool_of(&data, &headers)?;
        check_request(&data, model, &body)?;
        spend(&mut data, &pool)?;
    }
    let words = ["Certainly", ": ", "the ", "answer ", "is ", "forty", "-two", "."];
    if body.get("stream").and_then(Value::as_bool) == Some(true) {
        let model = model.to_owned();
        let pieces = words.into_iter().map(move |word| {
            let delta = json!({
                "object": "chat.completion.chunk",
                "model": model,
                "choices": [{ "index": 0, "delta": { "content": word } }],
            });
            format!("data: {delta}\n\n")
        });
        let pieces = pieces.chain(std::iter::once("data: [DONE]\n\n".to_owned()));
        return Ok(server_sent(pieces, Duration::from_millis(20)));
    }
    let answer = json!({
        "object": "chat.completion",
        "model": model,
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": words.concat() },
            "finish_reason": "stop",
        }],
        "usage": { "prompt_tokens": 21, "completion_tokens": 8, "total_tokens": 29 },
    });
    Ok(Json(answer).into_response())
}

/// The pool whose key the caller has.
fn pool_of(data: &Data, headers: &HeaderMap) -> Result<String, Failure> {
    let secret = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(bearer)
        .unwrap_or_default();
    let key = data.find("api-keys", "secret", secret).ok_or_else(|| {
        Failure::new(StatusCode::UNAUTHORIZED, "invalid_api_key", "this API key is not known")
    })?;
    match text_of(key, "status") {
        Some("active") => Ok(text_of(key, "pool").unwrap_or_default().to_owned()),
        _ => {
            let message = "this API key is paused or revoked";
            Err(Failure::new(StatusCode::FORBIDDEN, "key_inactive", message))
        }
    }
}

fn check_request(data: &Data, model: &str, body: &Value) -> Result<(), Failure> {
    if !served(data).any(|known| known == model) {
        let message = "the model does not exist or you have no access to it";
        return Err(Failure::new(StatusCode::NOT_FOUND, "model_not_found", message));
    }
    let messages = body.get("messages").and_then(Value::as_array).ok_or_else(|| {
        Failure::new(StatusCode::BAD_REQUEST, "invalid_request", "`messages` is missing")
    })?;
    let leaks = messages
        .iter()
        .filter_map(|message| message.get("content").and_then(Value::as_str))
        .any(|content| SECRET_MARKS.iter().any(|mark| content.contains(mark)));
    if leaks {
        let message = "the prompt contains what looks like a credential";
        return Err(Failure::new(StatusCode::BAD_REQUEST, "secret_blocked", message));
    }
    Ok(())
}

/// Counts a call against the pool's rate limit, then against its budget.
fn spend(data: &mut Data, pool: &str) -> Result<(), Failure> {
    let number = |row: Option<&super::data::Row>, field: &str| {
        row.and_then(|row| row.get(field)).and_then(Value::as_u64)
    };
    let limit = number(data.find("pools", "name", pool), "requests_per_minute").unwrap_or(u64::MAX);
    let calls = data.calls.entry(pool.to_owned()).or_default();
    while calls.front().is_some_and(|first| first.elapsed() >= WINDOW) {
        calls.pop_front();
    }
    if calls.len() as u64 >= limit {
        let message = format!("pool {pool} may make {limit} requests a minute");
        return Err(Failure::new(StatusCode::TOO_MANY_REQUESTS, "rate_limit_exceeded", message));
    }
    calls.push_back(Instant::now());

    let Some(id) = data.find_id("budgets", "pool", pool) else { return Ok(()) };
    let budget = data.row("budgets", &id);
    let spent = number(budget, "spent_cents").unwrap_or(0) + PRICE_CENTS;
    if number(budget, "limit_cents").is_some_and(|limit| spent > limit) {
        let message = format!("the budget of pool {pool} is used up");
        return Err(Failure::new(StatusCode::PAYMENT_REQUIRED, "budget_exceeded", message));
    }
    if let Some(budget) = data.row_mut("budgets", &id) {
        put(budget, "spent_cents", spent);
    }
    Ok(())
}
