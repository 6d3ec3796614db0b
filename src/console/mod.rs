//! The console: pages under `/audit` for those who may read the log.
//!
//! Owns templates, styles and the little script, all compiled into the binary, and what a page's
//! address means. Asks the log as the API does, with the same reader and the same filters. It must
//! not know Pingora or SQL.
//!
//! Invariants:
//! - The address is the state: whatever is filtered, opened or zoomed into can be shared and gone back
//!   to, and everything can be read and filtered without a script.
//! - What was captured reaches a page as `Shown` text alone, and the templates escape it.
//! - A page loads nothing from elsewhere, and nothing that is written into it runs.

mod assets;
mod chart;
mod coverage;
mod error;
mod event;
mod filters;
mod integrity;
mod list;
mod moment;
mod question;
mod row;
mod settings;
mod shell;
mod shown;
mod sign_in;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, Uri, header};
use axum::response::Response;
use axum::routing::get;
use axum::{Router, middleware};

use crate::api::Log;
use shell::Viewer;

pub use settings::{InForce, Settings};

/// What a page may do: show itself, with the styles and the script of this listener.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
                      img-src 'self' data:; connect-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// The pages.
pub fn router(log: Arc<Log>, settings: Settings) -> Router {
    let same = Arc::clone(&settings);
    let pages = Router::new()
        .route("/audit", get(list::list))
        .route("/audit/", get(list::without_slash))
        .route("/audit/events/{id}", get(event::event))
        .route("/audit/sign-in", get(sign_in::page))
        .route(
            "/audit/coverage",
            get(|State(log): State<Arc<Log>>, viewer: Viewer, uri: Uri| async move {
                coverage::page(&log, &viewer, same(), &uri).await
            }),
        )
        .route(
            "/audit/integrity",
            get(|State(log): State<Arc<Log>>, viewer: Viewer| async move {
                integrity::page(&log, &viewer).await
            }),
        )
        .route(
            "/audit/settings",
            get(|State(log): State<Arc<Log>>, viewer: Viewer| async move {
                settings::page(&log, &viewer, settings()).await
            }),
        )
        .route("/audit/{*rest}", get(error::no_page))
        .layer(middleware::map_response(guarded))
        .with_state(log);
    Router::new().route("/audit/assets/{name}", get(assets::asset)).merge(pages)
}

/// What holds for every page: nobody keeps it, frames it, or is told its address.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
