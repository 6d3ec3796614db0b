//! The health check of a path: it goes the way that requests go, with the same TLS and version of HTTP.

use async_trait::async_trait;
use http::header;
use pingora::connectors::http::Connector;
use pingora::http::RequestHeader;
use pingora::lb::Backend;
use pingora::lb::health_check::HealthCheck;
use pingora::protocols::http::client::HttpSession;
use pingora::upstreams::peer::HttpPeer;
use pingora::{Error, ErrorType};

use super::forward;

/// Interim responses (1xx) before the final one.
const INTERIMS: usize = 8;

/// A path that a healthy server answers with a success.
pub(super) struct PathCheck {
    connector: Connector,
    template: HttpPeer,
    host: String,
    path: String,
    healthy_after: usize,
    unhealthy_after: usize,
}

impl PathCheck {
    /// Asks `host` for `path`. How long connecting and the answer may take, the template says.
    pub(super) fn new(
        host: String,
        path: String,
        template: HttpPeer,
        (healthy_after, unhealthy_after): (usize, usize),
    ) -> Self {
        let connector = Connector::new(None);
        Self { connector, template, host, path, healthy_after, unhealthy_after }
    }
}

#[async_trait]
impl HealthCheck for PathCheck {
    async fn check(&self, target: &Backend) -> pingora::Result<()> {
        let mut peer = self.template.clone();
        peer._address = target.addr.clone();
        let (mut session, _) = self.connector.get_http_session(&peer).await?;
        session.set_read_timeout(peer.options.read_timeout);
        session.set_write_timeout(peer.options.write_timeout);
        let mut question = Box::new(RequestHeader::build("GET", self.path.as_bytes(), None)?);
        question.insert_header(header::HOST, &self.host)?;
        let question = match &session {
            HttpSession::H2(_) => forward::over_http2(question, peer.is_tls()),
            _ => question,
        };
        session.write_request_header(question).await?;
        session.finish_request_body().await?;
        let mut status = 0;
        for _ in 0..INTERIMS {
            session.read_response_header().await?;
            status = session.response_header().map_or(0, |head| head.status.as_u16());
            if status >= 200 {
                break;
            }
        }
        // The connection is not given back, so that each check shows that one is possible.
        session.shutdown().await;
        match status {
            200..=299 => Ok(()),
            _ => Error::e_explain(
                ErrorType::CustomCode("unhealthy", 0),
                format!("the answer was {status}"),
            ),
        }
    }

    fn health_threshold(&self, success: bool) -> usize {
        if success { self.healthy_after } else { self.unhealthy_after }
    }
}
