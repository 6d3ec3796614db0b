//! How the API says no.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A failure, as clients see it: `{"error": {"code", "message"}}`.
pub(super) struct Failure {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl Failure {
    pub(super) fn new(
        status: StatusCode,
        code: &'static str,
        message: impl Into<String>,
    ) -> Failure {
        Failure { status, code, message: message.into() }
    }

    pub(super) fn not_found(what: &str) -> Failure {
        Failure::new(StatusCode::NOT_FOUND, "not_found", format!("no such {what}"))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": { "code": self.code, "message": self.message } }));
        match self.status {
            StatusCode::UNAUTHORIZED => {
                let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"legacy admin\"")];
                (self.status, challenge, body).into_response()
            }
            StatusCode::TOO_MANY_REQUESTS => {
                (self.status, [(header::RETRY_AFTER, "60")], body).into_response()
            }
            _ => (self.status, body).into_response(),
        }
    }
}
