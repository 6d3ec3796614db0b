//! A sample legacy admin API: what countersign is put in front of in the demo and in tests.
//!
//! An in-memory application in the old style that knows nothing of auditing: users, API keys,
//! providers, budgets, pools and sessions, JSON and HTML forms, a login, and an LLM gateway that
//! turns requests away. Its ids and secrets count upwards, so that a script can name them; it is
//! no model of how to make secrets. Knows nothing of the proxy.

mod access;
mod admin;
mod data;
mod events;
mod failure;
mod forms;
mod gateway;

use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::watch;

use data::Data;

/// How long open connections may go on once the API is told to stop.
const GRACE: Duration = Duration::from_millis(500);

/// The application's state, shared by its handlers.
#[derive(Clone)]
struct App(Arc<Mutex<Data>>);

impl App {
    fn data(&self) -> MutexGuard<'_, Data> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The API with fresh sample data.
pub fn router() -> Router {
    let resources = Router::new()
        .route("/{kind}", get(admin::list).post(admin::create))
        .route(
            "/{kind}/{id}",
            get(admin::read)
                .post(forms::method_override)
                .put(admin::replace)
                .patch(admin::change)
                .delete(admin::remove),
        )
        .route("/{kind}/{id}/{verb}", post(admin::act));
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/login", get(forms::login_page).post(forms::login))
        .route("/logout", post(forms::logout))
        .route("/admin/me", get(access::me))
        .route("/admin/settings", get(forms::settings_page).post(forms::save_settings))
        .route("/admin/users/import", post(admin::import))
        .route("/admin/maintenance/reindex", post(admin::reindex))
        .nest("/admin", resources.clone())
        .route("/api/v1/events", get(events::stream))
        .nest("/api/v1", resources)
        .route("/v1/models", get(gateway::models))
        .route("/v1/chat/completions", post(gateway::chat))
        .with_state(App(Arc::new(Mutex::new(Data::sample()))))
}

/// Serves a fresh API on `listener` until `shutdown` resolves; open streams are cut soon after.
pub async fn serve(
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (stop, mut stopped) = watch::channel(false);
    tokio::spawn(async move {
        shutdown.await;
        stop.send_replace(true);
    });
    let mut told = stopped.clone();
    let server = axum::serve(listener, router()).with_graceful_shutdown(async move {
        // An error means that the sender is gone, which is a reason to stop as well.
        drop(told.wait_for(|stop| *stop).await);
    });
    tokio::select! {
        result = server.into_future() => result,
        () = async {
            drop(stopped.wait_for(|stop| *stop).await);
            tokio::time::sleep(GRACE).await;
        } => Ok(()),
    }
}

#[cfg(test)]
mod tests;
