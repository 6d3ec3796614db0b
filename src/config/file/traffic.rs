//! The parts of the file that tell where requests come from and go to.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Duration, OneOrMany, Size};
use crate::config::setting::Setting;

/// A listener: its address alone, or a mapping.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(untagged)]
pub(in crate::config) enum ListenerFile {
    /// `127.0.0.1:8080` or `unix:/run/countersign.sock`.
    Text(String),
    /// With more settings.
    Mapping(Box<ListenerMapping>),
}

/// Where clients connect.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["address"]))]
pub(in crate::config) struct ListenerMapping {
    /// An IP address and a port (`127.0.0.1:8080`, `[::]:443`), or `unix:` and the path of a
    /// socket, relative to the working directory. Required.
    pub(in crate::config) address: Setting<String>,
    /// Speak HTTP/2: by ALPN where there is TLS, by prior knowledge where not. Default: true.
    #[schemars(extend("default" = true))]
    pub(in crate::config) http2: Setting<bool>,
    /// Speak TLS. Default: plain.
    pub(in crate::config) tls: Setting<ListenerTlsFile>,
}

/// TLS of a listener.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["certificate", "key"]))]
pub(in crate::config) struct ListenerTlsFile {
    /// The file of the certificate chain, PEM. Required.
    pub(in crate::config) certificate: Setting<String>,
    /// The file of the private key, PEM. Required.
    pub(in crate::config) key: Setting<String>,
    /// The file of a CA bundle, PEM: clients must present a certificate that it signed. Default:
    /// clients need no certificate.
    pub(in crate::config) client_ca: Setting<String>,
}

/// An upstream: its URL alone, or a mapping.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(untagged)]
pub(in crate::config) enum UpstreamFile {
    /// `http://10.0.0.5:8080` or `https://admin.example.com`, without a path.
    Text(String),
    /// With more settings.
    Mapping(Box<UpstreamMapping>),
}

/// Where requests go.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["addresses"]))]
pub(in crate::config) struct UpstreamMapping {
    /// `host:port` of each server: one, or a list. Required.
    pub(in crate::config) addresses: Setting<OneOrMany>,
    /// Speak TLS; `{}` for TLS with the system's roots. Default: plain.
    pub(in crate::config) tls: Setting<UpstreamTlsFile>,
    /// `"1"` for HTTP/1.1, `"2"` for HTTP/2 only, `auto` for what TLS agrees on. Default: `"1"`.
    #[schemars(extend("default" = "1"))]
    pub(in crate::config) http: Setting<HttpFile>,
    /// How requests are spread over several addresses: `round_robin` (in turn), `random`,
    /// `client_ip` (by the client's address, consistently). Default: `round_robin`.
    #[schemars(extend("default" = "round_robin"))]
    pub(in crate::config) balancing: Setting<BalancingFile>,
    /// A check that takes addresses out while they fail. Default: none; every address counts as
    /// healthy.
    pub(in crate::config) health_check: Setting<HealthCheckFile>,
}

/// TLS towards an upstream.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct UpstreamTlsFile {
    /// The name in SNI and in the certificate. Default: the host of the first address.
    pub(in crate::config) server_name: Setting<String>,
    /// The file of a CA bundle, PEM. Default: the system's roots.
    pub(in crate::config) ca: Setting<String>,
    /// The file of a client certificate chain, PEM; needs `client_key`. Default: none.
    pub(in crate::config) client_certificate: Setting<String>,
    /// The file of the client certificate's private key, PEM. Default: none.
    pub(in crate::config) client_key: Setting<String>,
    /// Accept any certificate. For tests only. Default: false.
    #[schemars(extend("default" = false))]
    pub(in crate::config) insecure: Setting<bool>,
}

/// Versions of HTTP towards an upstream.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum HttpFile {
    /// HTTP/1.1.
    #[serde(rename = "1")]
    Http1,
    /// HTTP/2 only; by prior knowledge without TLS.
    #[serde(rename = "2")]
    Http2,
    /// By ALPN, HTTP/2 preferred; needs TLS.
    Auto,
}

/// How requests are spread.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum BalancingFile {
    /// In turn.
    RoundRobin,
    /// At random.
    Random,
    /// By the client's address, consistently.
    ClientIp,
}

/// The check that decides which addresses get requests.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct HealthCheckFile {
    /// A path to GET, expecting a 2xx. Default: only a TCP connection is tried.
    pub(in crate::config) path: Setting<String>,
    /// How often. Default: `10s`.
    #[schemars(extend("default" = "10s"))]
    pub(in crate::config) interval: Setting<Duration>,
    /// Successes after which an address counts as healthy again. Default: 2.
    #[schemars(extend("default" = 2))]
    pub(in crate::config) healthy_after: Setting<usize>,
    /// Failures after which an address no longer counts as healthy. Default: 3.
    #[schemars(extend("default" = 3))]
    pub(in crate::config) unhealthy_after: Setting<usize>,
}

/// Which requests go where, and how they are recorded. A route matches where all of `hosts`,
/// `paths` and `methods` do; one that is left out matches anything.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["name"]))]
pub(in crate::config) struct RouteFile {
    /// The name in logs and metrics: letters, digits, `.`, `_`, `-`, at most 64. Required, unique.
    #[schemars(regex(pattern = r"^[A-Za-z0-9._-]{1,64}$"))]
    pub(in crate::config) name: Setting<String>,
    /// Hosts without port; `*.example.com` for any one label in front. Default: any.
    pub(in crate::config) hosts: Setting<OneOrMany>,
    /// Path prefixes, matched by whole segments: `/admin` matches `/admin` and `/admin/keys`, not
    /// `/administrator`. Default: any.
    pub(in crate::config) paths: Setting<OneOrMany>,
    /// Methods. Default: any.
    pub(in crate::config) methods: Setting<OneOrMany>,
    /// `generation`: of all that, only well-known endpoints at which models generate, such as
    /// `/v1/chat/completions`; where a path alone could be anybody's (`/v1/messages`), only requests
    /// whose body is a call to a model. Default: any.
    pub(in crate::config) endpoints: Setting<EndpointsFile>,
    /// The name of the upstream. Default: the only one.
    pub(in crate::config) upstream: Setting<String>,
    /// `admin`: mutations are recorded before and after they execute. `gateway`: only rejections
    /// are recorded. `bypass`: nothing is. Default: `admin`.
    #[schemars(extend("default" = "admin"))]
    pub(in crate::config) kind: Setting<KindFile>,
    /// How much of an event is recorded: `none` (no event), `metadata` (no bodies), `request` (the
    /// request's body), `full` (both bodies). Default: `full`.
    #[schemars(extend("default" = "full"))]
    pub(in crate::config) level: Setting<LevelFile>,
    /// How much of bodies is captured.
    pub(in crate::config) capture: Setting<CaptureFile>,
    /// Release responses of mutations at their head, after the completion. Default: false.
    #[schemars(extend("default" = false))]
    pub(in crate::config) streaming: Setting<bool>,
    /// Allow upgrades (WebSocket) on audited requests. Default: false.
    #[schemars(extend("default" = false))]
    pub(in crate::config) upgrades: Setting<bool>,
    /// Whether what is changed is read before and after, with the caller's own credentials: `none`,
    /// `rules` (where a rule has a `snapshot`), `convention` (and besides for `PUT`, `PATCH` and
    /// `DELETE` of an item, by a `GET` of its path). At `level: full` only. Default: `rules`.
    #[schemars(extend("default" = "rules"))]
    pub(in crate::config) snapshots: Setting<SnapshotsFile>,
    /// The `Host` that is sent upstream. Default: the client's.
    pub(in crate::config) host_header: Setting<String>,
}

/// How much of bodies is captured; what is beyond is passed on, counted and hashed.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct CaptureFile {
    /// Of a request body, in bytes. Default: `256KiB`, or what `limits.captured_bytes` has room for
    /// if that is less.
    #[schemars(extend("default" = "256KiB"))]
    pub(in crate::config) request: Setting<Size>,
    /// Of a response body, in bytes. Default: `256KiB`, or what `limits.captured_bytes` has room for
    /// if that is less.
    #[schemars(extend("default" = "256KiB"))]
    pub(in crate::config) response: Setting<Size>,
}

/// Endpoints that are known by what they do.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum EndpointsFile {
    /// Models generate there.
    Generation,
}

/// What becomes of well-known endpoints of models that no route names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum GenerationFile {
    /// Only rejections are recorded.
    Gateway,
    /// They are audited as everything else.
    Admin,
}

/// What kind of traffic a route carries.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum KindFile {
    /// Mutations are recorded: intent, then completion.
    Admin,
    /// Only rejections are recorded.
    Gateway,
    /// Nothing is recorded.
    Bypass,
}

/// How much of an event is recorded.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum LevelFile {
    /// No event.
    None,
    /// No bodies.
    Metadata,
    /// The request's body.
    Request,
    /// Both bodies.
    Full,
}

/// Where what is changed is read before and after.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum SnapshotsFile {
    /// Nowhere.
    None,
    /// Where a rule says how.
    Rules,
    /// And besides for `PUT`, `PATCH` and `DELETE` of an item.
    Convention,
}
