//! Connections that this process makes as a client beside the proxy: to an object store, to a proxy that
//! runs. Trusted is what the system trusts; `SSL_CERT_FILE` and `SSL_CERT_DIR` name other certificates.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, crypto::ring};

/// A connection, with TLS, may take this long.
const CONNECT: Duration = Duration::from_secs(10);

/// What HTTP is spoken over.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Makes connections, with TLS or without.
#[derive(Clone)]
pub struct Dialer(TlsConnector);

impl Dialer {
    /// One that trusts what the system trusts.
    pub fn new() -> Result<Self, rustls::Error> {
        let mut roots = RootCertStore::empty();
        for certificate in rustls_native_certs::load_native_certs().unwrap_or_default() {
            // One that cannot be read is not trusted.
            roots.add(certificate).ok();
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Connects to a host, which may be an address in brackets.
    pub async fn dial(&self, host: &str, port: u16, tls: bool) -> io::Result<Box<dyn Stream>> {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let dialed = timeout(CONNECT, async {
            let plain = TcpStream::connect((host, port)).await?;
            Ok::<Box<dyn Stream>, io::Error>(match tls {
                false => Box::new(plain),
                true => {
                    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
                    Box::new(self.0.connect(name, plain).await?)
                }
            })
        });
        dialed.await.map_err(io::Error::other)?
    }
}
