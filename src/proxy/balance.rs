//! Upstreams: resolved, health-checked and balanced by Pingora's load balancing.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora::lb::discovery::ServiceDiscovery;
use pingora::lb::health_check::{HealthCheck as Check, TcpHealthCheck};
use pingora::lb::prelude::RoundRobin;
use pingora::lb::selection::{BackendIter, BackendSelection, Consistent, Random};
use pingora::lb::{Backend, Backends, Extensions, LoadBalancer};
use pingora::protocols::l4::socket::SocketAddr;
use pingora::server::ShutdownWatch;
use pingora::services::background::BackgroundService;
use pingora::upstreams::peer::{HttpPeer, PeerOptions};
use pingora::utils::tls::{CertKey, WrappedX509, parse_x509};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::health::PathCheck;
use super::reach::{Checked, Reach, Unresolved};
use crate::config::{Balancing, HealthCheck, HttpVersions, Timeouts, Upstream};
use crate::telemetry::Metrics;

/// How often host names are resolved again.
const RESOLVE_INTERVAL: Duration = Duration::from_secs(30);
/// How many addresses are tried to find a healthy one.
const MAX_PICKS: usize = 64;
/// Streams at a time on one HTTP/2 connection to an upstream.
const H2_STREAMS: usize = 100;

/// An upstream that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// A PEM file cannot be used.
    #[error("upstream `{upstream}`: `{file}` holds nothing usable")]
    Pem {
        /// The upstream's name.
        upstream: String,
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
}

/// One upstream at work.
pub struct Pool {
    balancer: Balancer,
    template: HttpPeer,
    reach: Reach,
}

type BoxedCheck = Box<dyn Check + Send + Sync>;

enum Balancer {
    RoundRobin(Arc<LoadBalancer<RoundRobin>>),
    Random(Arc<LoadBalancer<Random>>),
    ClientIp(Arc<LoadBalancer<Consistent>>),
}

impl Pool {
    /// Sets the upstream up, resolves its names once, and starts what keeps it current; that ends
    /// when `stop` says so.
    pub async fn start(
        name: &str,
        upstream: &Upstream,
        timeouts: &Timeouts,
        version: &str,
        metrics: &Metrics,
        stop: ShutdownWatch,
    ) -> Result<Self, UpstreamError> {
        let template = template(name, upstream, timeouts, version)?;
        let check = upstream.health_check.as_ref().map(|check| {
            let check = health_check(check, upstream, &template, timeouts.connect);
            Box::new(Checked::new(check, name, metrics)) as BoxedCheck
        });
        let balancer = match upstream.balancing {
            Balancing::RoundRobin => Balancer::RoundRobin(run(name, upstream, check, stop).await),
            Balancing::Random => Balancer::Random(run(name, upstream, check, stop).await),
            Balancing::ClientIp => Balancer::ClientIp(run(name, upstream, check, stop).await),
        };
        Ok(Self { balancer, template, reach: Reach::new(name, metrics) })
    }

    /// The next address for a client, as a peer, and none of those that this request has `tried` in
    /// vain. None if no other is healthy, or none resolves.
    pub fn pick(&self, client: &[u8], tried: &[SocketAddr]) -> Option<HttpPeer> {
        let backend = self.select(client, tried)?;
        let mut peer = self.template.clone();
        peer._address = backend.addr;
        Some(peer)
    }

    /// Whether it depends on the client where its requests go.
    pub(super) fn is_by_client(&self) -> bool {
        matches!(self.balancer, Balancer::ClientIp(_))
    }

    /// What keeps the upstream from being reached.
    pub(super) fn reach(&self) -> &Reach {
        &self.reach
    }

    fn select(&self, client: &[u8], tried: &[SocketAddr]) -> Option<Backend> {
        let accept = |backend: &Backend, healthy| healthy && !tried.contains(&backend.addr);
        match &self.balancer {
            Balancer::RoundRobin(balancer) => balancer.select_with(client, MAX_PICKS, accept),
            Balancer::Random(balancer) => balancer.select_with(client, MAX_PICKS, accept),
            Balancer::ClientIp(balancer) => balancer.select_with(client, MAX_PICKS, accept),
        }
    }
}

async fn run<S>(
    name: &str,
    upstream: &Upstream,
    check: Option<BoxedCheck>,
    stop: ShutdownWatch,
) -> Arc<LoadBalancer<S>>
where
    S: BackendSelection + Send + Sync + 'static,
    S::Iter: BackendIter,
    S::Config: Send + Sync,
{
    let mut backends = Backends::new(Box::new(Resolver::new(name, upstream)));
    if let Some(check) = check {
        backends.set_health_check(check);
    }
    let mut balancer = LoadBalancer::<S>::from_backends(backends);
    balancer.update_frequency = Some(RESOLVE_INTERVAL);
    balancer.health_check_frequency =
        Some(upstream.health_check.as_ref().map_or(RESOLVE_INTERVAL, |check| check.interval));
    balancer.parallel_health_check = true;
    // What does not resolve was told, and is tried again.
    balancer.update().await.ok();
    let balancer = Arc::new(balancer);
    let background = Arc::clone(&balancer);
    tokio::spawn(async move { background.start(stop).await });
    balancer
}

/// The check goes the way that requests go: same TLS, same version of HTTP. Connecting and the
/// answer may each take as long as a connection may.
fn health_check(
    check: &HealthCheck,
    upstream: &Upstream,
    template: &HttpPeer,
    patience: Duration,
) -> BoxedCheck {
    let Some(path) = &check.path else {
        let mut tcp = TcpHealthCheck::new();
        tcp.consecutive_success = check.healthy_after;
        tcp.consecutive_failure = check.unhealthy_after;
        tcp.peer_template.options.connection_timeout = Some(patience);
        return tcp;
    };
    let host = upstream.tls.as_ref().map(|tls| tls.server_name.clone());
    let host = host.or_else(|| upstream.addresses.first().cloned()).unwrap_or_default();
    let mut peer = template.clone();
    peer.options.read_timeout = Some(patience);
    peer.options.write_timeout = Some(patience);
    // So each check makes a connection of its own: none is kept for the next.
    peer.options.max_h2_streams = 1;
    let thresholds = (check.healthy_after, check.unhealthy_after);
    Box::new(PathCheck::new(host, path.clone(), peer, thresholds))
}

/// Everything about a peer but its address.
fn template(
    name: &str,
    upstream: &Upstream,
    timeouts: &Timeouts,
    version: &str,
) -> Result<HttpPeer, UpstreamError> {
    let mut options = PeerOptions::new();
    options.connection_timeout = Some(timeouts.connect);
    options.total_connection_timeout = Some(timeouts.connect);
    options.read_timeout = Some(timeouts.upstream_read);
    options.write_timeout = Some(timeouts.upstream_write);
    options.idle_timeout = Some(timeouts.upstream_idle);
    options.max_h2_streams = H2_STREAMS;
    match upstream.http {
        HttpVersions::Http1 => options.set_http_version(1, 1),
        HttpVersions::Http2 => options.set_http_version(2, 2),
        HttpVersions::Auto => options.set_http_version(2, 1),
    }
    let server_name = upstream.tls.as_ref().map(|tls| tls.server_name.clone()).unwrap_or_default();
    let mut peer = HttpPeer::new(
        std::net::SocketAddr::from(([127, 0, 0, 1], 0)),
        upstream.tls.is_some(),
        server_name,
    );
    if let Some(tls) = &upstream.tls {
        options.verify_cert = !tls.insecure;
        options.verify_hostname = !tls.insecure;
        if let Some(file) = &tls.ca {
            let authorities: Vec<WrappedX509> =
                certificates(name, file)?.into_iter().map(wrapped).collect();
            options.ca = Some(authorities.into());
        }
        if let Some((chain, key)) = &tls.client_certificate {
            let chain = certificates(name, chain)?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|source| pem(name, key, source))?;
            let pair = CertKey::new(chain, key.secret_der().to_vec());
            peer.client_cert_key = Some(Arc::new(pair));
        }
    }
    peer.options = options;
    // Connections made under another configuration are never used again.
    let mut hasher = DefaultHasher::new();
    (name, version).hash(&mut hasher);
    peer.group_key = hasher.finish();
    Ok(peer)
}

fn wrapped(der: Vec<u8>) -> WrappedX509 {
    WrappedX509::new(der, parse_x509)
}

fn certificates(upstream: &str, file: &Path) -> Result<Vec<Vec<u8>>, UpstreamError> {
    CertificateDer::pem_file_iter(file)
        .and_then(|found| found.map(|der| der.map(|der| der.to_vec())).collect())
        .map_err(|source| pem(upstream, file, source))
}

fn pem(upstream: &str, file: &Path, source: rustls_pki_types::pem::Error) -> UpstreamError {
    UpstreamError::Pem { upstream: upstream.to_owned(), file: file.display().to_string(), source }
}

/// Resolves `host:port` texts with the system's resolver.
struct Resolver {
    upstream: String,
    addresses: Vec<String>,
    unresolved: Unresolved,
}

impl Resolver {
    fn new(name: &str, upstream: &Upstream) -> Self {
        let (upstream, addresses) = (name.to_owned(), upstream.addresses.clone());
        Self { upstream, addresses, unresolved: Unresolved::default() }
    }
}

#[async_trait]
impl ServiceDiscovery for Resolver {
    async fn discover(&self) -> pingora::Result<(BTreeSet<Backend>, HashMap<u64, bool>)> {
        let mut found = BTreeSet::new();
        let mut failed = None;
        for address in &self.addresses {
            let resolved = tokio::net::lookup_host(address).await;
            self.unresolved.note(&self.upstream, address, resolved.as_ref().err());
            match resolved {
                Ok(addresses) => found.extend(addresses.map(|address| Backend {
                    addr: SocketAddr::Inet(address),
                    weight: 1,
                    ext: Extensions::new(),
                })),
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            Some(error) if found.is_empty() => pingora::Error::e_because(
                pingora::ErrorType::ConnectError,
                "no address resolves",
                error,
            ),
            _ => Ok((found, HashMap::new())),
        }
    }
}
