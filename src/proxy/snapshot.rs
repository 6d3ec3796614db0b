//! What a request sees of the configuration: taken once at its start, replaced whole on reload.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipnet::IpNet;
use pingora::server::ShutdownWatch;
use prometheus_client::metrics::counter::Counter;

use super::balance::{Pool, UpstreamError};
use super::plan;
use crate::config::{Config, Route, RouteKind};
use crate::derive::EventRules;
use crate::record::Observer;
use crate::redact::Engine;
use crate::route::{RouteTable, Safety};
use crate::telemetry::{Metrics, RequestLabels};

/// A route at work.
pub struct Routed {
    /// The route.
    pub route: Route,
    /// Its requests.
    pub requests: Counter,
}

/// The configuration and the rules in force.
pub struct Snapshot {
    /// The configuration.
    pub config: Config,
    /// The redaction engine.
    pub engine: Engine,
    /// The rules that name events.
    pub events: Arc<EventRules>,
    /// Digest of the rules.
    pub ruleset: String,
    table: RouteTable,
    routes: Vec<Arc<Routed>>,
    pools: BTreeMap<String, Pool>,
}

impl Snapshot {
    /// Builds everything; `stop` ends what runs in its background.
    pub async fn start(
        config: Config,
        (engine, events, ruleset): (Engine, Arc<EventRules>, String),
        metrics: &Metrics,
        stop: ShutdownWatch,
    ) -> Result<Self, UpstreamError> {
        let mut pools = BTreeMap::new();
        for (name, upstream) in &config.upstreams {
            let (timeouts, version) = (&config.timeouts, &config.version);
            let pool =
                Pool::start(name, upstream, timeouts, version, metrics, stop.clone()).await?;
            pools.insert(name.clone(), pool);
        }
        let table = plan::table(&config.routes);
        let routes = config.routes.iter().map(|route| Arc::new(routed(route, metrics))).collect();
        Ok(Self { config, engine, events, ruleset, table, routes, pools })
    }

    /// The route of a request. The configuration's last route always matches.
    pub fn route(
        &self,
        host: &str,
        path_and_query: &str,
        method: &str,
        safety: Safety,
        any_path: bool,
    ) -> Option<&Arc<Routed>> {
        let index = self.table.select(host, path_and_query, method, safety, any_path);
        index.and_then(|index| self.routes.get(index)).or_else(|| self.routes.last())
    }

    /// The pool of an upstream.
    pub fn pool(&self, upstream: &str) -> Option<&Pool> {
        self.pools.get(upstream)
    }

    /// Peers whose forwarding headers are believed.
    pub fn trusted(&self) -> &[IpNet] {
        &self.config.trusted_proxies
    }

    /// What events say about the proxy that saw them.
    pub fn observer(&self, route: &Route) -> Observer {
        Observer {
            upstream: Some(route.upstream.clone()),
            config_version: self.config.version.clone(),
            ruleset: self.ruleset.clone(),
        }
    }
}

fn routed(route: &Route, metrics: &Metrics) -> Routed {
    let kind = match route.kind {
        RouteKind::Admin => "admin",
        RouteKind::Gateway => "gateway",
        RouteKind::Bypass => "bypass",
    };
    let labels = RequestLabels { route: route.name.clone(), kind };
    Routed { route: route.clone(), requests: metrics.requests.get_or_create_owned(&labels) }
}
