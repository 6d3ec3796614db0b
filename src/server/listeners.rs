//! The proxy's listeners: plain, TLS, mutual TLS, unix sockets.

use std::any::Any;
use std::fs::{self, Permissions};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use pingora::listeners::tls::{Acceptor, TlsSettings};
use pingora::listeners::{L4BufferSettings, ListenerConfig, TlsAccept};
use pingora::protocols::tls::TlsRef;
use pingora::services::listening::Service;
use pingora::tls::{RootCertStore, WebPkiClientVerifier};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::net;
use tokio::task::JoinHandle;

use super::ServerError;
use crate::config::{Address, Listener, ListenerTls};
use crate::identify::ClientCertificate;
use crate::proxy::Door;

/// How long a listener may take to open.
const OPENING: Duration = Duration::from_secs(5);

/// Finds out, before anything is started, whether the addresses can be had; Pingora would panic.
/// A port 0 becomes the free port that the system chooses.
pub(super) fn probe(listeners: &mut [Listener]) -> Result<(), ServerError> {
    // Held together, so that no two get the same free port.
    let mut bound = Vec::new();
    for listener in listeners {
        match &mut listener.address {
            Address::Tcp(address) => {
                let listener = bind(&address.to_string())?;
                *address = local_address(&listener)?;
                bound.push(listener);
            }
            Address::Unix(path) => socket_path(path)?,
        }
    }
    Ok(())
}

/// The address that a listener really has.
pub(super) fn local_address(listener: &TcpListener) -> Result<SocketAddr, ServerError> {
    let address = "a TCP port".to_owned();
    listener.local_addr().map_err(|source| ServerError::Listen { address, source })
}

/// A socket that a dead process left behind is removed; one that answers is somebody else's, and
/// so is a file that is no socket, which Pingora would remove unasked.
fn socket_path(path: &Path) -> Result<(), ServerError> {
    let refused = |source| ServerError::Listen { address: path.display().to_string(), source };
    let taken = |kind, text| Err(refused(io::Error::new(kind, text)));
    match fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            let text =
                "a file of this name is there, and is no socket: move it away, or listen elsewhere";
            return taken(io::ErrorKind::AlreadyExists, text);
        }
        Ok(_) => match UnixStream::connect(path) {
            Ok(_) => {
                let text =
                    "the socket is in use by another process: stop that one, or listen elsewhere";
                return taken(io::ErrorKind::AddrInUse, text);
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(path).map_err(refused)?;
            }
            Err(error) => return Err(refused(error)),
        },
        Err(_) => {}
    }
    // Says what Pingora would panic on: a directory that is missing or may not be written to.
    UnixListener::bind(path).map_err(refused)?;
    fs::remove_file(path).map_err(refused)
}

/// The certificate of a listener, which may be renewed while it listens.
pub(super) struct Secured {
    address: String,
    tls: ListenerTls,
    http2: bool,
    acceptor: Arc<ArcSwap<Acceptor>>,
}

impl Secured {
    /// What is in the files now; none for a listener without TLS.
    fn of(address: &str, listener: &Listener) -> Result<Option<Self>, ServerError> {
        let Some(tls) = listener.tls.clone() else { return Ok(None) };
        let address = address.to_owned();
        let acceptor = ArcSwap::new(acceptor(&address, &tls, listener.http2)?);
        Ok(Some(Self { address, tls, http2: listener.http2, acceptor: Arc::new(acceptor) }))
    }

    /// Its files.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let ListenerTls { certificate, key, client_ca } = &self.tls;
        [Some(certificate), Some(key), client_ca.as_ref()]
            .into_iter()
            .flatten()
            .map(PathBuf::as_path)
    }

    /// What is in them by now, not in use yet.
    pub(super) fn renewed(&self) -> Result<Arc<Acceptor>, ServerError> {
        acceptor(&self.address, &self.tls, self.http2)
    }

    /// Has clients that come from now on see it.
    pub(super) fn renew(&self, acceptor: Arc<Acceptor>) {
        self.acceptor.store(acceptor);
    }
}

fn acceptor(address: &str, tls: &ListenerTls, http2: bool) -> Result<Arc<Acceptor>, ServerError> {
    match tls_settings(tls, http2) {
        Ok(settings) => Ok(Arc::new(settings.build())),
        Err(reason) => Err(ServerError::Tls { address: address.to_owned(), reason }),
    }
}

/// A service that lets a listener's connections in through `door`, and its certificate.
pub(super) fn service(
    listener: &Listener,
    door: Door,
) -> Result<(Service<Door>, Option<Secured>), ServerError> {
    // Who reads has room of its own; Pingora's would be held by every connection while it is open.
    let buffer = L4BufferSettings::default().read(0);
    match &listener.address {
        Address::Tcp(address) => {
            let address = address.to_string();
            let endpoint = ListenerConfig::tcp(address.clone()).l4_buffer(buffer);
            let secured = Secured::of(&address, listener)?;
            let door = match &secured {
                None => door,
                Some(secured) => door.secured(Arc::clone(&secured.acceptor)),
            };
            let mut service = Service::new(address, door);
            service.add_listener(endpoint);
            Ok((service, secured))
        }
        Address::Unix(path) => {
            let path = path.display().to_string();
            let mut service = Service::new(path.clone(), door);
            let endpoint = ListenerConfig::uds(path).l4_buffer(buffer);
            service.add_listener(endpoint.permissions(Permissions::from_mode(0o660)));
            Ok((service, None))
        }
    }
}

/// Waits until a listener takes connections. Pingora does not tell, and panics in its own task
/// where it cannot open one.
pub(super) async fn opened(address: &Address, running: &JoinHandle<()>) -> Result<(), ServerError> {
    let deadline = Instant::now() + OPENING;
    loop {
        let connected = match address {
            Address::Tcp(address) => net::TcpStream::connect(reachable(*address)).await.map(drop),
            Address::Unix(path) => net::UnixStream::connect(path).await.map(drop),
        };
        match connected {
            Ok(()) => return Ok(()),
            Err(source) if running.is_finished() || Instant::now() > deadline => {
                let address = match address {
                    Address::Tcp(address) => address.to_string(),
                    Address::Unix(path) => path.display().to_string(),
                };
                return Err(ServerError::Listen { address, source });
            }
            Err(_) => tokio::time::sleep(OPENING / 1000).await,
        }
    }
}

/// Where this machine reaches a listener that may listen on all of its addresses.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        let loopback = match address.ip() {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        };
        address.set_ip(loopback);
    }
    address
}

fn tls_settings(tls: &ListenerTls, http2: bool) -> Result<TlsSettings, String> {
    let text = |path: &Path| path.display().to_string();
    // Pingora panics later on what it cannot load; find out now.
    load_pair(&tls.certificate, &tls.key)?;
    let mut settings =
        TlsSettings::with_callbacks(Box::new(Clients)).map_err(|error| error.to_string())?;
    settings
        .set_certificate_chain_file(&text(&tls.certificate))
        .and_then(|()| settings.set_private_key_file(&text(&tls.key)))
        .map_err(|error| error.to_string())?;
    if http2 {
        settings.enable_h2();
    }
    if let Some(file) = &tls.client_ca {
        let mut roots = RootCertStore::empty();
        let unusable = |error: &dyn std::fmt::Display| format!("`{}`: {error}", file.display());
        for certificate in CertificateDer::pem_file_iter(file).map_err(|e| unusable(&e))? {
            let certificate = certificate.map_err(|e| unusable(&e))?;
            roots.add(certificate).map_err(|e| unusable(&e))?;
        }
        let verifier =
            WebPkiClientVerifier::builder(Arc::new(roots)).build().map_err(|e| unusable(&e))?;
        settings.set_client_cert_verifier(verifier);
    }
    Ok(settings)
}

/// Remembers, with a connection, the certificate that its client was let in with.
struct Clients;

#[async_trait]
impl TlsAccept for Clients {
    async fn handshake_complete_callback(
        &self,
        tls: &TlsRef,
    ) -> Option<Arc<dyn Any + Send + Sync>> {
        let certificate = ClientCertificate::of(tls.peer_certificate_der()?);
        Some(Arc::new(certificate))
    }
}

fn load_pair(certificate: &Path, key: &Path) -> Result<(), String> {
    let pair = pingora::tls::load_certs_and_key_files(
        &certificate.display().to_string(),
        &key.display().to_string(),
    );
    let (chain, secret) = match pair {
        Ok(Some(pair)) => pair,
        Ok(None) => return Err("the certificate or key file holds nothing usable".to_owned()),
        Err(error) => return Err(error.to_string()),
    };
    pingora::tls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map(drop)
        .map_err(|error| format!("certificate and key do not fit: {error}"))
}

/// Binds a TCP address for the reading listener, or to see whether it can be had.
pub(super) fn bind(address: &str) -> Result<TcpListener, ServerError> {
    TcpListener::bind(address)
        .map_err(|source| ServerError::Listen { address: address.to_owned(), source })
}
