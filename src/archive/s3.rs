//! Objects in a bucket, at Amazon or at whatever speaks the same.
//!
//! Who may write there, and where it is, says the environment, in the variables that everything for S3
//! reads: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL` and others.

use std::time::Duration;

use async_trait::async_trait;
use http::header::HOST;
use http::{HeaderValue, Uri};
use http_body_util::BodyExt;
use hyper_util::rt::TokioIo;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    ClientOptions, HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::path::Path;
use object_store::{ObjectStoreExt, RetryConfig};

use super::place::{Fault, OBJECT_BYTES_MAX};
use crate::dial::Dialer;

/// What fails for the moment is tried again so often, and for so long.
const TRIES: usize = 3;
const TRYING: Duration = Duration::from_secs(30);

/// A part of a bucket.
pub(super) struct Bucket {
    store: AmazonS3,
    prefix: Path,
}

impl Bucket {
    /// The bucket as the environment says.
    pub(super) fn open(bucket: &str, prefix: &str) -> Result<Self, Fault> {
        Self::of(AmazonS3Builder::from_env(), bucket, prefix)
    }

    fn of(builder: AmazonS3Builder, bucket: &str, prefix: &str) -> Result<Self, Fault> {
        let retry =
            RetryConfig { max_retries: TRIES, retry_timeout: TRYING, ..RetryConfig::default() };
        let store = builder
            .with_bucket_name(bucket)
            .with_retry(retry)
            .with_http_connector(Connector)
            .build()?;
        Ok(Self { store, prefix: Path::parse(prefix)? })
    }

    fn path(&self, name: &str) -> Path {
        self.prefix.clone().join(name)
    }

    pub(super) async fn put(&self, name: &str, bytes: Vec<u8>) -> Result<(), Fault> {
        self.store.put(&self.path(name), bytes.into()).await?;
        Ok(())
    }

    pub(super) async fn get(&self, name: &str) -> Result<Vec<u8>, Fault> {
        let found = self.store.get(&self.path(name)).await?;
        if found.meta.size > OBJECT_BYTES_MAX {
            return Err("it is larger than an archive can be".into());
        }
        Ok(found.bytes().await?.into())
    }

    pub(super) async fn list(&self) -> Result<Vec<String>, Fault> {
        use object_store::ObjectStore;
        let found = self.store.list_with_delimiter(Some(&self.prefix)).await?;
        let names = found.objects.iter().filter_map(|object| object.location.filename());
        Ok(names.map(ToOwned::to_owned).collect())
    }
}

/// Makes clients that speak through this crate's own TLS.
#[derive(Debug)]
struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let dialer = Dialer::new()
            .map_err(|error| object_store::Error::Generic { store: "S3", source: error.into() })?;
        Ok(HttpClient::new(Client(dialer)))
    }
}

/// A connection for every request: an archive is made once an hour.
struct Client(Dialer);

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

#[async_trait]
impl HttpService for Client {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let uri = request.uri().clone();
        let authority = uri.authority().ok_or_else(|| failed("the URL has no host"))?;
        let tls = uri.scheme_str() == Some("https");
        let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
        if !request.headers().contains_key(HOST) {
            let value = HeaderValue::from_str(authority.as_str()).map_err(failed)?;
            request.headers_mut().insert(HOST, value);
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        *request.uri_mut() = path.parse::<Uri>().map_err(failed)?;
        let stream = self.0.dial(authority.host(), port, tls).await.map_err(unreachable)?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(unreachable)?;
        // It ends with the body of the answer; an error of it is one of the answer.
        tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(failed)?;
        Ok(response.map(|body| HttpResponseBody::new(body.map_err(failed))))
    }
}

fn unreachable(error: impl std::error::Error + Send + Sync + 'static) -> HttpError {
    HttpError::new(HttpErrorKind::Connect, error)
}

fn failed(error: impl Into<Fault>) -> HttpError {
    HttpError::new_boxed(HttpErrorKind::Request, error.into())
}

#[cfg(test)]
mod tests;
