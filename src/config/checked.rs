//! The checked configuration, as the rest of the crate sees it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderName;
use ipnet::IpNet;

use crate::access::GroupGrant;
use crate::identify::Secret;
use crate::retain::Policy;
use crate::rules::Pack;
use crate::store::{
    LedgerSource, Opening, PostgresOptions, PostgresTarget, SpoolOptions, SpoolShared,
    SqliteOptions, spooled, unspooled,
};

mod seal;

pub use seal::{Seal, SealEndpoint, Witness};

/// Everything that a running proxy needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where clients connect. At least one.
    pub listeners: Vec<Listener>,
    /// The upstreams by name. At least one.
    pub upstreams: BTreeMap<String, Upstream>,
    /// The routes, in the order in which they are tried. The last one always matches.
    pub routes: Vec<Route>,
    /// Peers whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Timeouts.
    pub timeouts: Timeouts,
    /// Limits.
    pub limits: Limits,
    /// The ledger.
    pub ledger: Ledger,
    /// Checkpoints of it.
    pub seal: Seal,
    /// How long events stay in it.
    pub retention: Policy,
    /// The listener for operations and, later, for the API and the console.
    pub reading: Reading,
    /// Logs.
    pub telemetry: Telemetry,
    /// Rule files of the operator: a directory, or none; the shipped rules are built in.
    pub rules_dir: Option<PathBuf>,
    /// The shipped packs that are in force beside the operator's rules.
    pub packs: Vec<Pack>,
    /// Worker threads of the proxy.
    pub threads: usize,
    /// SHA-256 of the configuration's text, lower-case hex, first 16 digits.
    pub version: String,
}

impl Config {
    /// Upstreams of which any certificate is accepted.
    pub fn insecure(&self) -> impl Iterator<Item = &str> {
        let is_insecure =
            |upstream: &Upstream| upstream.tls.as_ref().is_some_and(|tls| tls.insecure);
        let named = self.upstreams.iter().filter(move |(_, upstream)| is_insecure(upstream));
        named.map(|(name, _)| name.as_str())
    }
}

/// Where clients connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The address.
    pub address: Address,
    /// TLS, or plain.
    pub tls: Option<ListenerTls>,
    /// HTTP/2: by ALPN where there is TLS, by prior knowledge (the connection preface) where not.
    pub http2: bool,
}

/// An address of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// TCP.
    Tcp(SocketAddr),
    /// A unix socket.
    Unix(PathBuf),
}

/// TLS of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerTls {
    /// The certificate chain, PEM.
    pub certificate: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
    /// A CA bundle, PEM: clients must present a certificate that it signed.
    pub client_ca: Option<PathBuf>,
}

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// `host:port`, as given; resolved again by the balancer while it runs.
    pub addresses: Vec<String>,
    /// TLS, or plain.
    pub tls: Option<UpstreamTls>,
    /// Which versions of HTTP are spoken.
    pub http: HttpVersions,
    /// How requests are spread over several addresses.
    pub balancing: Balancing,
    /// The health check, or none: then every address counts as healthy.
    pub health_check: Option<HealthCheck>,
}

/// TLS towards an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamTls {
    /// The name in SNI and in the certificate.
    pub server_name: String,
    /// A CA bundle, PEM; the system's roots if none.
    pub ca: Option<PathBuf>,
    /// Client certificate chain and key, PEM.
    pub client_certificate: Option<(PathBuf, PathBuf)>,
    /// Accept any certificate. For tests only.
    pub insecure: bool,
}

/// Versions of HTTP towards an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HttpVersions {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 only (prior knowledge without TLS).
    Http2,
    /// By ALPN, HTTP/2 preferred.
    Auto,
}

/// How requests are spread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balancing {
    /// In turn.
    RoundRobin,
    /// At random.
    Random,
    /// By the client's address, consistently.
    ClientIp,
}

/// The check that decides which addresses get requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthCheck {
    /// A path to GET, expecting a 2xx; a TCP connect if none.
    pub path: Option<String>,
    /// How often.
    pub interval: Duration,
    /// Successes after which an address counts as healthy again.
    pub healthy_after: usize,
    /// Failures after which it does not.
    pub unhealthy_after: usize,
}

/// Which requests go where, and how they are recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The name in logs and metrics.
    pub name: String,
    /// Hosts (without port, lower case), `*.example.com` for any one label in front; any if empty.
    pub hosts: Vec<String>,
    /// Path prefixes, matched by whole segments on the normalised path; any if empty.
    pub paths: Vec<String>,
    /// Methods, upper case; any if empty.
    pub methods: Vec<String>,
    /// Only well-known endpoints of models.
    pub generation: bool,
    /// The upstream's name.
    pub upstream: String,
    /// What kind of traffic it is.
    pub kind: RouteKind,
    /// How much of an event is recorded.
    pub level: AuditLevel,
    /// Captured of a request body, in bytes.
    pub capture_request: usize,
    /// Captured of a response body, in bytes.
    pub capture_response: usize,
    /// Responses of mutations are released at their head, after the completion.
    pub streaming: bool,
    /// Upgrades (WebSocket) are allowed on audited requests.
    pub upgrades: bool,
    /// Whether what is changed is read before and after.
    pub snapshots: Snapshots,
    /// The `Host` sent upstream; the client's if none.
    pub host_header: Option<String>,
}

/// Where what is changed is read before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Snapshots {
    /// Nowhere.
    None,
    /// Where a rule says how.
    Rules,
    /// And besides for `PUT`, `PATCH` and `DELETE` of an item.
    Convention,
}

/// What kind of traffic a route carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteKind {
    /// Mutations are audited: intent, then completion.
    Admin,
    /// Only rejections are recorded.
    Gateway,
    /// Nothing is recorded.
    Bypass,
}

/// How much of an event is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AuditLevel {
    /// No event.
    None,
    /// No bodies.
    Metadata,
    /// The request's body.
    Request,
    /// Both bodies.
    Full,
}

/// Timeouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a whole request head, from its first byte, and for a TLS handshake.
    pub request_head: Duration,
    /// Between two reads of a request body.
    pub request_body: Duration,
    /// For a whole request body up to the capture limit.
    pub request_body_total: Duration,
    /// Between two writes to the client.
    pub client_write: Duration,
    /// An idle connection of a client is kept this long.
    pub client_idle: Duration,
    /// For a connection to the upstream, TLS included.
    pub connect: Duration,
    /// For the upstream's response head, and between two reads of its body.
    pub upstream_read: Duration,
    /// Between two writes to the upstream.
    pub upstream_write: Duration,
    /// An idle connection to the upstream is kept this long.
    pub upstream_idle: Duration,
    /// For the state before a request, or after it, where it is read.
    pub snapshot: Duration,
    /// For the requests in flight, when the process is told to stop.
    pub shutdown: Duration,
}

/// Limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A request head, in bytes.
    pub head_bytes: usize,
    /// Fields in a request head.
    pub head_fields: usize,
    /// A request target, in bytes.
    pub target_bytes: usize,
    /// Connections of clients at one time.
    pub connections: usize,
    /// Memory for captured bodies at one time, in bytes; beyond it requests are answered 503.
    pub captured_bytes: usize,
    /// States that are read at one time; beyond it requests go on without.
    pub snapshots: usize,
}

/// The ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// The directory of the database files and of the installation's key.
    pub dir: PathBuf,
    /// The name of this writer.
    pub writer: String,
    /// The deadline of an append.
    pub timeout: Duration,
    /// Entries that may wait to be appended; beyond it requests fail at once.
    pub queue: usize,
    /// Entries that are appended in one transaction.
    pub batch: usize,
    /// How often orphaned intents are looked for.
    pub sweep_interval: Duration,
    /// The database that holds it, if that is not a file in `dir`.
    pub postgres: Option<Postgres>,
    /// Where entries wait while the database does not take them, if they may.
    pub spool: Option<Spool>,
}

/// Where entries wait for a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spool {
    /// Documents that may wait, in bytes.
    pub max_size: usize,
    /// How long others wait before they take this writer for gone.
    pub silence: Duration,
}

/// The ledger in PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgres {
    /// The database.
    pub target: PostgresTarget,
    /// A writer that was not heard of for so long is gone.
    pub dead_after: Duration,
}

impl Ledger {
    /// A maker of connections to write to it.
    pub fn opener(&self) -> Box<dyn FnMut() -> Opening + Send> {
        match &self.postgres {
            None => Box::new(SqliteOptions::new(&self.dir, &self.writer, self.timeout).opener()),
            Some(postgres) => {
                Box::new(unspooled(self.database(postgres).opener(), self.dir.clone()))
            }
        }
    }

    /// The same, with the spool in front where there is one.
    pub fn spooling_opener(&self, status: SpoolShared) -> Box<dyn FnMut() -> Opening + Send> {
        let (Some(spool), Some(postgres)) = (self.spool, &self.postgres) else {
            return self.opener();
        };
        let max_bytes = spool.max_size as u64;
        let (dir, writer) = (self.dir.clone(), self.writer.clone());
        let options = SpoolOptions { dir, writer, max_bytes, timeout: self.timeout };
        Box::new(spooled(self.database(postgres).opener(), options, status))
    }

    fn database(&self, postgres: &Postgres) -> PostgresOptions {
        PostgresOptions {
            target: postgres.target.clone(),
            dir: self.dir.clone(),
            writer: self.writer.clone(),
            timeout: self.timeout,
            dead_after: postgres.dead_after,
            silence: self.spool.map_or(Duration::ZERO, |spool| spool.silence),
        }
    }

    /// Where it can be read.
    pub fn source(&self) -> LedgerSource {
        match &self.postgres {
            Some(postgres) => LedgerSource::Postgres(Box::new(postgres.target.clone())),
            None => LedgerSource::directory(&self.dir),
        }
    }
}

/// The reading listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Its address.
    pub address: SocketAddr,
    /// Where browsers find it, if that is elsewhere.
    pub public_url: Option<PublicUrl>,
    /// How long sessions of browsers last.
    pub sessions: Sessions,
    /// A proxy in front that says who somebody is.
    pub trusted_header: Option<TrustedHeader>,
    /// A provider that says who somebody is.
    pub oidc: Option<Oidc>,
}

/// A proxy in front that says who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedHeader {
    /// The field with the user's name.
    pub user: HeaderName,
    /// The field with the names of their groups, separated by commas.
    pub groups: Option<HeaderName>,
    /// Who may say it.
    pub peers: Vec<IpNet>,
    /// A field that must hold a secret, where there is one.
    pub secret: Option<(HeaderName, Secret)>,
    /// What groups may do; the first that fits holds.
    pub grants: Vec<GroupGrant>,
}

/// An OpenID Connect provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Oidc {
    /// Its issuer, to the letter.
    pub issuer: String,
    /// As what countersign is known there.
    pub client_id: String,
    /// Its secret; none for a public client.
    pub client_secret: Option<Secret>,
    /// By what people know it.
    pub label: String,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// The claim with the names of groups.
    pub claim: String,
    /// What groups may do; the first that fits holds.
    pub grants: Vec<GroupGrant>,
    /// Authorities that are trusted in place of the system's, as DER.
    pub authorities: Vec<Vec<u8>>,
    /// How long it may take to answer.
    pub timeout: Duration,
}

/// Where browsers find the reading listener, behind a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// Over TLS.
    pub tls: bool,
    /// `host` or `host:port`, as browsers send it.
    pub authority: String,
    /// What stands before every path, without a slash at its end; mostly empty.
    pub prefix: String,
}

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sessions {
    /// Without anybody using them.
    pub idle: Duration,
    /// At most.
    pub total: Duration,
}

/// Logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// Text or JSON.
    pub format: LogFormat,
    /// A `tracing` filter: `info`, `countersign=debug`, …
    pub filter: String,
}

/// The format of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
}
