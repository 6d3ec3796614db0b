//! Certificates of authorities that nobody else knows, and TLS before a plain server.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use pingora::tls::{
    CertificateDer, PrivateKeyDer, RootCertStore, ServerConfig, TlsAcceptor, WebPkiClientVerifier,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls_pki_types::pem::PemObject;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

/// A certificate and its key, as PEM files.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    /// The certificate.
    pub(crate) certificate: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
}

impl Pair {
    /// The pair as YAML: `certificate: …, key: …`.
    pub(crate) fn yaml(&self) -> String {
        format!("certificate: {}, key: {}", self.certificate.display(), self.key.display())
    }
}

/// An authority that issues certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: PathBuf,
    files: TempDir,
}

impl Authority {
    /// An authority of its own, even where the name is another's.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let files = tempfile::tempdir().unwrap();
        let certificate = files.path().join("ca.pem");
        fs::write(&certificate, params.self_signed(&key).unwrap().pem()).unwrap();
        Self { issuer: Issuer::new(params, key), certificate, files }
    }

    /// The file with the authority's own certificate.
    pub(crate) fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// A certificate for `name`.
    pub(crate) fn issue(&self, name: &str) -> Pair {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let file = |ending: &str| self.files.path().join(format!("{name}.{ending}"));
        let pair = Pair { certificate: file("pem"), key: file("key") };
        fs::write(&pair.certificate, certificate.pem()).unwrap();
        fs::write(&pair.key, key.serialize_pem()).unwrap();
        pair
    }
}

/// A server that speaks TLS and hands the plain bytes to another one.
pub(crate) struct TlsFront {
    /// Its address.
    pub(crate) address: SocketAddr,
    handshakes: Arc<AtomicUsize>,
}

impl TlsFront {
    /// Starts one with `pair` before `behind`, which offers `alpn` and, with `clients`, asks for a
    /// certificate that this authority issued.
    pub(crate) fn start(
        behind: SocketAddr,
        pair: &Pair,
        alpn: &[&str],
        clients: Option<&Authority>,
    ) -> Self {
        let config = Arc::new(server_config(pair, alpn, clients));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let handshakes = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&handshakes);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        thread::spawn(move || {
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                let acceptor = TlsAcceptor::from(config);
                while let Ok((stream, _)) = listener.accept().await {
                    let (acceptor, count) = (acceptor.clone(), Arc::clone(&count));
                    tokio::spawn(async move {
                        let Ok(mut secure) = acceptor.accept(stream).await else { return };
                        count.fetch_add(1, Ordering::SeqCst);
                        let mut plain = TcpStream::connect(behind).await.unwrap();
                        plain.set_nodelay(true).unwrap();
                        tokio::io::copy_bidirectional(&mut secure, &mut plain).await.ok();
                    });
                }
            });
        });
        Self { address, handshakes }
    }

    /// Handshakes that succeeded so far.
    pub(crate) fn handshakes(&self) -> usize {
        self.handshakes.load(Ordering::SeqCst)
    }
}

fn server_config(pair: &Pair, alpn: &[&str], clients: Option<&Authority>) -> ServerConfig {
    pingora::tls::install_default_crypto_provider();
    let builder = match clients {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(authority.certificate()).unwrap() {
                roots.add(certificate.unwrap()).unwrap();
            }
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
            ServerConfig::builder().with_client_cert_verifier(verifier)
        }
        None => ServerConfig::builder().with_no_client_auth(),
    };
    let chain = CertificateDer::pem_file_iter(&pair.certificate).unwrap();
    let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(&pair.key).unwrap();
    let mut config = builder.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}
