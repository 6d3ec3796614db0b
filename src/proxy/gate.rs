//! Decides, for each request, whether it is audited, and hands it on.

use std::sync::Arc;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bytes::Bytes;
use http::{StatusCode, Version, header};
use pingora::apps::HttpServerOptions;
use pingora::connectors::http::Connector;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::modules::http::HttpModules;
use pingora::prelude::HttpPeer;
use pingora::protocols::Digest;
use pingora::protocols::http::v2::server::default_h2_options;
use pingora::protocols::l4::socket::SocketAddr;
use pingora::proxy::{FailToProxy, HttpProxy, ProxyHttp, Session};
use pingora::server::configuration::ServerConf;
use pingora::{Error, ErrorSource, ErrorType};
use tokio::time::timeout;

use super::balance::Pool;
use super::body::BodyError;
use super::budget::{Budget, Flight, InFlight};
use super::caller::{forwarding, host_of};
use super::exchange::{self, ByBody, Plan};
use super::failure::Failure;
use super::forward;
use super::pass;
use super::plan::{self, Recording};
use super::problem;
use super::snapshot::{Routed, Snapshot};
use super::strict::{BAD_LENGTH, BAD_METHOD, LARGE_HEAD, LONG_TARGET, MANY_FIELDS, Refusal};
use super::upstream::CONNECTS;
use super::wire::{LINGER, Wire};
use crate::clock::Clock;
use crate::config::{Limits, Timeouts};
use crate::recorder::Recorder;
use crate::route::{Asked, Elsewhere, safety};
use crate::telemetry::{Metrics, ReasonLabel};

/// What frames of HTTP/2 that were not read yet may cost a connection beyond their bytes, for which
/// there are windows: 256 bytes each, less what is in them. The protocol's library closes a connection
/// that goes beyond. Frames of eight bytes and more come to the end of the window before.
const FRAMES: usize = 2 << 20;

/// So large a head of HTTP/2 comes to be judged here: larger ones the protocol's library answers, with
/// nothing but a status. Each field counts 32 bytes more there (RFC 9113, section 6.5.2).
fn head_list(limits: &Limits) -> u32 {
    let fields = limits.head_fields.saturating_mul(32);
    let bytes = limits.head_bytes.saturating_mul(2).saturating_add(fields);
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// What all requests of a process share.
pub struct Shared {
    /// The configuration in force; replaced whole on reload.
    pub snapshot: ArcSwap<Snapshot>,
    /// The one writer.
    pub recorder: Recorder,
    /// Connections to upstreams for audited exchanges.
    pub connector: Connector,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Metrics.
    pub metrics: Arc<Metrics>,
    /// Memory for captured bodies.
    pub budget: Arc<Budget>,
    /// Requests in flight.
    pub in_flight: Arc<InFlight>,
}

impl Shared {
    /// Counts a request that is not accepted as it is, and says so.
    pub(super) fn refuse(&self, refusal: &Refusal) -> problem::Problem {
        self.metrics.rejected.get_or_create(&ReasonLabel { reason: refusal.reason }).inc();
        problem::refused(refusal)
    }
}

/// The decision, as Pingora's callbacks.
pub struct Gate {
    shared: Arc<Shared>,
}

impl Gate {
    fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }
}

/// Pingora's proxy with our decisions in it, for the doors to hand requests to.
pub fn application(shared: Arc<Shared>, timeouts: &Timeouts) -> Arc<HttpProxy<Gate>> {
    exchange::count_unknown_from_zero(&shared.metrics);
    let mut proxy = HttpProxy::new(Gate::new(Arc::clone(&shared)), Arc::new(ServerConf::default()));
    proxy.handle_init_modules();
    let mut options = HttpServerOptions::default();
    options.h2c = true;
    options.h2_idle_timeout = Some(timeouts.client_idle);
    // It is refused here, with a reason.
    options.allow_connect_method_proxying = true;
    proxy.server_options = Some(options);
    let mut http2 = default_h2_options();
    http2.data_frame_budget(FRAMES);
    http2.max_header_list_size(head_list(&shared.snapshot.load().config.limits));
    proxy.h2_options = Some(http2);
    Arc::new(proxy)
}

/// What is known of one request.
pub struct Context {
    snapshot: Arc<Snapshot>,
    routed: Option<Arc<Routed>>,
    /// Addresses that could not be connected to.
    tried: Vec<SocketAddr>,
    /// The one that is tried next.
    next: Option<Box<HttpPeer>>,
    /// An upstream may have seen the request.
    sent: bool,
    _flight: Flight,
}

impl Context {
    /// Where the request goes.
    fn pool(&self) -> Option<&Pool> {
        self.snapshot.pool(&self.routed.as_ref()?.route.upstream)
    }
}

/// Path and query exactly as sent; the door lets only ASCII through.
pub(super) fn path_and_query(head: &RequestHeader) -> String {
    let raw = head.raw_path();
    if raw.starts_with(b"/") || raw == b"*" {
        return String::from_utf8_lossy(raw).into_owned();
    }
    head.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
}

/// What the door checks for HTTP/1 and HTTP/2 still has to be asked.
fn http2_refusal(head: &RequestHeader, snapshot: &Snapshot) -> Option<Refusal> {
    let limits = &snapshot.config.limits;
    let bytes: usize = head.headers.iter().map(|(n, v)| n.as_str().len() + v.len() + 4).sum();
    let refusal = |status, reason, detail| Some(Refusal { status, reason, detail });
    if head.headers.len() > limits.head_fields {
        return Some(MANY_FIELDS);
    }
    if bytes > limits.head_bytes {
        return Some(LARGE_HEAD);
    }
    if head.raw_path().len() > limits.target_bytes {
        return Some(LONG_TARGET);
    }
    let method = head.method.as_str();
    if ["TRACE", "CONNECT"].iter().any(|refused| method.eq_ignore_ascii_case(refused)) {
        return Some(BAD_METHOD);
    }
    if head.headers.get_all(header::CONTENT_LENGTH).iter().nth(1).is_some() {
        return Some(BAD_LENGTH);
    }
    let path = head.uri.path();
    let asterisk = path == "*" && head.method == http::Method::OPTIONS;
    if !path.starts_with('/') && !asterisk {
        return refusal(
            StatusCode::BAD_REQUEST,
            "target",
            "the request target must be a path in visible ASCII without a fragment",
        );
    }
    let host = head.headers.get(header::HOST).map(|host| host.as_bytes());
    let authority = head.uri.authority().map(|authority| authority.as_str().as_bytes());
    if let (Some(host), Some(authority)) = (host, authority)
        && !host.eq_ignore_ascii_case(authority)
    {
        return refusal(StatusCode::BAD_REQUEST, "host", "Host and :authority disagree");
    }
    None
}

/// Listens a little longer to a client of HTTP/2 that is answered and still sends its body: it would be
/// told to stop (RFC 9113, section 8.1), and some then throw the answer away. [`Wire`] does this for
/// HTTP/1.
async fn hear_out(session: &mut Session) {
    let client = session.as_downstream_mut();
    if client.response_written().is_none() || client.is_body_done() {
        return;
    }
    if timeout(LINGER, client.drain_request_body()).await.is_err() {
        tracing::debug!("a client went on sending behind its answer");
    }
}

#[async_trait]
impl ProxyHttp for Gate {
    type CTX = Context;

    fn new_ctx(&self) -> Context {
        Context {
            snapshot: self.shared.snapshot.load_full(),
            routed: None,
            tried: Vec::new(),
            next: None,
            sent: false,
            _flight: self.shared.in_flight.enter(),
        }
    }

    /// None: what countersign does to a request it does itself.
    fn init_downstream_modules(&self, _modules: &mut HttpModules) {}

    async fn request_filter(
        &self,
        session: &mut Session,
        ctx: &mut Context,
    ) -> pingora::Result<bool> {
        let snapshot = Arc::clone(&ctx.snapshot);
        let has_body = !session.as_downstream_mut().is_body_empty();
        forward::of_the_clients_connection(session.req_header_mut());
        let upgrade = session.is_upgrade_req().then(|| {
            let head = session.req_header();
            plan::upgrade(head.version, &head.headers)
        });
        if let Some(None) = upgrade {
            forward::decline_upgrade(session.req_header_mut());
        }
        let upgrade = upgrade.flatten();
        let head = session.req_header();
        if head.version == Version::HTTP_2
            && let Some(refusal) = http2_refusal(head, &snapshot)
        {
            problem::send(session, &self.shared.refuse(&refusal)).await?;
            return Ok(true);
        }
        let target = path_and_query(head);
        let method = head.method.as_str();
        let elsewhere = Elsewhere::of(&head.headers);
        let safety = safety(method, &target, &head.headers, has_body);
        let asked = Asked { host: host_of(head), target: &target, method, elsewhere: &elsewhere };
        let safety = snapshot.events.judge(safety, &asked);
        let routed = snapshot.route(&asked, safety).cloned();
        let Some(routed) = routed else {
            return Error::e_explain(ErrorType::InternalError, "no route");
        };
        let by_body = snapshot
            .route_by_body(&asked, safety)
            .filter(|_| upgrade.is_none())
            .map(|(routed, shape)| ByBody { routed: Arc::clone(routed), shape });
        let route = &routed.route;
        let recording = plan::recording(route, safety, upgrade.is_some());
        let audited = recording == Recording::Everything;
        session.as_downstream_mut().set_read_timeout(Some(snapshot.config.timeouts.request_body));
        session.as_downstream_mut().set_write_timeout(Some(snapshot.config.timeouts.client_write));
        if audited && upgrade.is_some() && !route.upgrades {
            routed.requests.inc();
            self.shared.metrics.rejected.get_or_create(&ReasonLabel { reason: "upgrade" }).inc();
            problem::send(session, &problem::upgrade_refused()).await?;
            return Ok(true);
        }
        if recording != Recording::Nothing || upgrade.is_some() || by_body.is_some() {
            let plan = Plan { target, safety, recording, upgrade, by_body };
            // On the heap, so that requests which need none of it do not carry its size around.
            Box::pin(exchange::run(&self.shared, &snapshot, &routed, session, plan)).await?;
            return Ok(true);
        }
        routed.requests.inc();
        if pass::takes(session.req_header(), has_body) {
            Box::pin(pass::pass(&self.shared, &snapshot, &routed, session)).await?;
            return Ok(true);
        }
        ctx.routed = Some(routed);
        Ok(false)
    }

    async fn upstream_peer(
        &self,
        session: &mut Session,
        ctx: &mut Context,
    ) -> pingora::Result<Box<HttpPeer>> {
        let peer = match ctx.next.take() {
            Some(peer) => Some(peer),
            None => {
                let pool = ctx.pool();
                let peer =
                    pool.and_then(|pool| pool.pick(&ctx.snapshot.balanced(session, pool), &[]));
                if let (None, Some(pool)) = (&peer, pool) {
                    pool.reach().no_address();
                }
                peer.map(Box::new)
            }
        };
        peer.ok_or_else(|| {
            Error::explain(ErrorType::ConnectNoRoute, "no healthy address of the upstream")
        })
    }

    fn fail_to_connect(
        &self,
        session: &mut Session,
        peer: &HttpPeer,
        ctx: &mut Context,
        mut error: Box<Error>,
    ) -> Box<Error> {
        ctx.tried.push(peer._address.clone());
        let mut next = None;
        if let Some(pool) = ctx.pool() {
            pool.reach().refused(&peer._address, &error);
            // Nothing was sent: another address may be better.
            if ctx.tried.len() < CONNECTS {
                next = pool.pick(&ctx.snapshot.balanced(session, pool), &ctx.tried).map(Box::new);
            }
        }
        error.set_retry(next.is_some());
        ctx.next = next;
        error
    }

    async fn connected_to_upstream(
        &self,
        _session: &mut Session,
        _reused: bool,
        _peer: &HttpPeer,
        _fd: std::os::fd::RawFd,
        _digest: Option<&Digest>,
        ctx: &mut Context,
    ) -> pingora::Result<()> {
        ctx.sent = true;
        Ok(())
    }

    /// An empty frame at the end of a body is no chunk: written as one it would be a second end, and
    /// the beginning of the next request.
    async fn request_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        _ctx: &mut Context,
    ) -> pingora::Result<()> {
        if end_of_stream {
            body.take_if(|last| last.is_empty());
        }
        Ok(())
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        head: &mut RequestHeader,
        ctx: &mut Context,
    ) -> pingora::Result<()> {
        forward::origin_form(head)?;
        // Trailers of requests are not passed on, so they are not promised either.
        head.remove_header(&header::TRAILER);
        if let Some(routed) = &ctx.routed {
            forward::stamp(head, &forwarding(session, &ctx.snapshot, &routed.route))?;
        }
        Ok(())
    }

    async fn response_filter(
        &self,
        session: &mut Session,
        head: &mut ResponseHeader,
        _ctx: &mut Context,
    ) -> pingora::Result<()> {
        let interim = head.status.is_informational() && head.status != 101;
        if interim {
            return Ok(());
        }
        let client = session.req_header().version;
        Wire::keep_date(session.as_downstream().stream(), &head.headers);
        forward::of_this_connection(head);
        forward::unpromise_trailers(head, client);
        if client == Version::HTTP_10 {
            // Nobody told this client about chunks; its body ends with the connection.
            head.remove_header(&header::TRANSFER_ENCODING);
        }
        Ok(())
    }

    /// The last that is done with a session.
    async fn logging(&self, session: &mut Session, error: Option<&Error>, _ctx: &mut Context) {
        if error.is_none() && session.req_header().version == Version::HTTP_2 {
            hear_out(session).await;
        }
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        ctx: &mut Context,
    ) -> FailToProxy {
        let answer = match error.esource() {
            ErrorSource::Downstream => match BodyError::of(error) {
                BodyError::Refused(refusal) => self.shared.refuse(&refusal),
                // Nobody will read it.
                BodyError::Gone | BodyError::NoMemory => problem::lost(),
            },
            _ => match (error.etype(), ctx.sent) {
                (ErrorType::ConnectTimedout, false) => problem::out_of_reach(),
                (_, false) => problem::unreached(),
                (_, true) => match Failure::after_sending(error) {
                    Failure::Timeout => problem::late(),
                    Failure::Invalid => problem::unreadable(),
                    _ => problem::lost(),
                },
            },
        };
        if session.response_written().is_none()
            && let Err(error) = problem::send(session, &answer).await
        {
            tracing::debug!(%error, "a client left before its answer");
        } else if session.req_header().version != Version::HTTP_2 {
            // What happens to the session next is that it is dropped, in the face of its client.
            session.as_downstream_mut().shutdown().await;
        } else {
            hear_out(session).await;
        }
        FailToProxy { error_code: answer.status().as_u16(), can_reuse_downstream: false }
    }
}
