//! What a request sees of the configuration: taken once at its start, replaced whole on reload.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use pingora::proxy::Session;
use pingora::server::ShutdownWatch;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::Semaphore;

use super::balance::{Pool, UpstreamError};
use super::caller::client_ip;
use super::identity::Identity;
use super::patience::Patience;
use super::plan;
use crate::config::{Config, Route, RouteKind};
use crate::derive::EventRules;
use crate::identify::{Actors, Origin};
use crate::record::Observer;
use crate::redact::Engine;
use crate::route::{Asked, RouteTable, Safety, Shape};
use crate::telemetry::{AuditResult, ExchangeLabels, Metrics, RequestLabels};

/// A route at work.
pub struct Routed {
    /// The route.
    pub route: Route,
    /// Its requests.
    pub requests: Counter,
}

/// What the rules come to.
pub struct Ruled {
    /// The redaction engine.
    pub engine: Engine,
    /// What events are called.
    pub events: Arc<EventRules>,
    /// Digest of the rules.
    pub ruleset: String,
    /// Who acts.
    pub actors: Arc<Actors>,
    /// Files that the rules name.
    pub reads: Vec<PathBuf>,
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
    /// Files that the rules name, to be watched.
    pub rule_reads: Vec<PathBuf>,
    identity: Identity,
    observing: Semaphore,
    patience: Patience,
    table: RouteTable,
    routes: Vec<Arc<Routed>>,
    pools: BTreeMap<String, Pool>,
}

impl Snapshot {
    /// Builds everything; `stop` ends what runs in its background. What the snapshot `before` has
    /// learnt of issuers is taken over.
    pub async fn start(
        config: Config,
        ruled: Ruled,
        metrics: &Metrics,
        stop: ShutdownWatch,
        before: Option<&Self>,
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
        let Ruled { engine, events, ruleset, actors, reads } = ruled;
        let observing = Semaphore::new(config.limits.snapshots);
        let identity = Identity::start(actors, before.map(|before| &before.identity));
        Ok(Self {
            config,
            engine,
            events,
            ruleset,
            rule_reads: reads,
            identity,
            observing,
            patience: Patience::default(),
            table,
            routes,
            pools,
        })
    }

    /// The route of a request. The configuration's last route always matches.
    pub fn route(&self, asked: &Asked<'_>, safety: Safety) -> Option<&Arc<Routed>> {
        let index = self.table.select(asked, safety);
        index.and_then(|index| self.routes.get(index)).or_else(|| self.routes.last())
    }

    /// The route that takes the request instead, if its body has the shape of a call to a model.
    pub fn route_by_body(
        &self,
        asked: &Asked<'_>,
        safety: Safety,
    ) -> Option<(&Arc<Routed>, Shape)> {
        let found = self.table.by_body(asked, safety)?;
        Some((self.routes.get(found.route)?, found.shape))
    }

    /// The pool of an upstream.
    pub fn pool(&self, upstream: &str) -> Option<&Pool> {
        self.pools.get(upstream)
    }

    /// What an upstream is called: the name in its certificate, or its first address.
    pub(super) fn name_of(&self, upstream: &str) -> Option<&str> {
        let upstream = self.config.upstreams.get(upstream)?;
        let name = upstream.tls.as_ref().map(|tls| tls.server_name.as_str());
        name.or_else(|| upstream.addresses.first().map(String::as_str))
    }

    /// Whose request it is, where a pool goes by that: the client that is on record.
    pub(super) fn balanced(&self, session: &Session, pool: &Pool) -> Vec<u8> {
        if !pool.is_by_client() {
            return Vec::new();
        }
        let peer = client_ip(session);
        let ip = match self.trusts(peer) {
            true => Origin::told(&session.req_header().headers, peer, self.trusted()).ip,
            false => peer,
        };
        ip.map(|ip| ip.to_canonical().to_string()).unwrap_or_default().into_bytes()
    }

    /// Peers whose forwarding headers are believed.
    pub fn trusted(&self) -> &[IpNet] {
        &self.config.trusted_proxies
    }

    /// Whether a peer's forwarding headers, and its word on who acts, are believed.
    pub(super) fn trusts(&self, peer: Option<IpAddr>) -> bool {
        peer.is_some_and(|peer| is_within(self.trusted(), peer))
    }

    /// The rules that say who acts, told to people.
    pub fn actor_rules(&self) -> Vec<String> {
        self.identity.actors().rules().iter().map(ToString::to_string).collect()
    }

    /// Who acts.
    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Permits to read a state.
    pub(super) fn observing(&self) -> &Semaphore {
        &self.observing
    }

    /// Where readings of states are not answered.
    pub(super) fn patience(&self) -> &Patience {
        &self.patience
    }

    /// Fields that say who acts, from a peer that may not say so.
    pub(super) fn withheld(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> Vec<HeaderName> {
        let actors = self.identity.actors();
        if actors.protected().is_empty() {
            return Vec::new();
        }
        let trusted = self.trusts(peer);
        headers.keys().filter(|name| actors.is_withheld(name, trusted)).cloned().collect()
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

/// Whether an address is in one of the networks. A listener for both versions of IP sees an IPv4
/// peer as one of IPv6.
fn is_within(networks: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

fn routed(route: &Route, metrics: &Metrics) -> Routed {
    let kind = match route.kind {
        RouteKind::Admin => "admin",
        RouteKind::Gateway => "gateway",
        RouteKind::Bypass => "bypass",
    };
    if route.kind != RouteKind::Bypass {
        // An alert sees a count grow only from one that it has seen.
        for result in [AuditResult::Recorded, AuditResult::Refused, AuditResult::Incomplete] {
            let labels = ExchangeLabels { route: route.name.clone(), result };
            drop(metrics.exchanges.get_or_create(&labels));
        }
    }
    let labels = RequestLabels { route: route.name.clone(), kind };
    Routed { route: route.clone(), requests: metrics.requests.get_or_create_owned(&labels) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv4_peers_of_a_listener_for_both_versions_are_found() {
        let networks: Vec<IpNet> =
            ["10.0.0.0/8", "fd00::/8"].iter().map(|net| net.parse().unwrap()).collect();
        for (address, within) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("::ffff:11.1.2.3", false),
            ("fd00::1", true),
            ("::1", false),
        ] {
            assert_eq!(is_within(&networks, address.parse().unwrap()), within, "{address}");
        }
    }
}
