//! Where a database is, and as whom it is used.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;

use form_urlencoded::parse;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::identify::Secret;

const PORT: u16 = 5432;

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostgresHost {
    /// Over TCP: a name or an address, and a port.
    Tcp(String, u16),
    /// Over a unix socket: its directory, and the port in its name.
    Socket(PathBuf, u16),
}

impl fmt::Display for PostgresHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Socket(dir, port) => write!(f, "{}/.s.PGSQL.{port}", dir.display()),
        }
    }
}

impl PostgresHost {
    /// Nobody else can listen in on the way there.
    fn is_local(&self) -> bool {
        match self {
            Self::Socket(..) => true,
            Self::Tcp(host, _) => {
                host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
            }
        }
    }
}

/// Whether the connection is encrypted, and whether the server must prove who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostgresTlsMode {
    /// Never encrypted.
    Disable,
    /// Encrypted where the server offers it. Stops nobody who can change what is on the wire.
    Prefer,
    /// Encrypted; with whom, nobody checks.
    Require,
    /// The certificate must be of a trusted authority.
    VerifyCa,
    /// And be for this host.
    VerifyFull,
}

impl PostgresTlsMode {
    /// Its name, as libpq has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Disable, Self::Prefer, Self::Require, Self::VerifyCa, Self::VerifyFull]
            .into_iter()
            .find(|mode| mode.as_str() == name)
    }
}

/// A PostgreSQL database, and how to come to it. Neither `Debug` nor `Display` prints the password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresTarget {
    /// The servers; the first that can be written to is taken. At least one.
    pub hosts: Vec<PostgresHost>,
    /// The database.
    pub database: String,
    /// The login.
    pub user: String,
    /// Its password, where it has one.
    pub password: Option<Secret>,
    /// TLS; by default `verify-full`, and `prefer` where all servers are on this machine.
    pub tls: PostgresTlsMode,
    /// Authorities that are trusted in place of the system's, PEM.
    pub ca: Option<PathBuf>,
    /// A certificate and its key to prove who we are, PEM.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Prepared statements outlive a transaction. Not so behind a pooler that gives every
    /// transaction another connection.
    pub prepared_statements: bool,
}

impl fmt::Display for PostgresTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "postgres://{}@", self.user)?;
        for (n, host) in self.hosts.iter().enumerate() {
            write!(f, "{}{host}", if n > 0 { "," } else { "" })?;
        }
        write!(f, "/{}", self.database)
    }
}

impl PostgresTarget {
    /// Whether a text begins as such a URL does.
    pub fn is_url(text: &str) -> bool {
        text.starts_with("postgres://") || text.starts_with("postgresql://")
    }

    /// Reads `postgres://user:password@host:port,host:port/database?sslmode=…`, or says what is
    /// wrong with it, in words that hold nothing of it.
    pub fn parse(url: &str) -> Result<Self, String> {
        let rest = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
            .ok_or("begin with `postgres://`: `postgres://user@host/database`")?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = user
            .split_once(':')
            .map_or((user, None), |(user, password)| (user, Some(decoded(password))));
        let (user, database) = (decoded(user), decoded(database));
        if user.is_empty() {
            return Err(
                "name the login before the host: `postgres://user@host/database`".to_owned()
            );
        }
        let mut target = Self {
            hosts: Vec::new(),
            database: if database.is_empty() { user.clone() } else { database },
            user,
            password: password.map(Secret::new),
            tls: PostgresTlsMode::Prefer,
            ca: None,
            certificate: None,
            prepared_statements: true,
        };
        for host in hosts.split(',').filter(|host| !host.is_empty()) {
            target.hosts.push(tcp(host)?);
        }
        let tls = target.take_parameters(query)?;
        if target.hosts.is_empty() {
            target.hosts.push(PostgresHost::Tcp("localhost".to_owned(), PORT));
        }
        target.tls = tls.unwrap_or_else(|| target.default_tls());
        Ok(target)
    }

    /// What holds where nothing is said: nothing that others could listen in on goes unprotected.
    pub fn default_tls(&self) -> PostgresTlsMode {
        if self.hosts.iter().all(PostgresHost::is_local) {
            PostgresTlsMode::Prefer
        } else {
            PostgresTlsMode::VerifyFull
        }
    }

    fn take_parameters(&mut self, query: &str) -> Result<Option<PostgresTlsMode>, String> {
        let (mut tls, mut socket, mut port) = (None, None, PORT);
        let (mut certificate, mut key) = (None, None);
        for (name, value) in parse(query.as_bytes()) {
            match name.as_ref() {
                "sslmode" => {
                    let mode = PostgresTlsMode::named(&value).ok_or(
                        "`sslmode` is one of disable, prefer, require, verify-ca, verify-full",
                    )?;
                    tls = Some(mode);
                }
                "sslrootcert" => self.ca = Some(PathBuf::from(value.as_ref())),
                "sslcert" => certificate = Some(PathBuf::from(value.as_ref())),
                "sslkey" => key = Some(PathBuf::from(value.as_ref())),
                "host" if value.starts_with('/') => socket = Some(PathBuf::from(value.as_ref())),
                "host" => self.hosts.push(tcp(&value)?),
                "prepared_statements" => {
                    self.prepared_statements =
                        value.parse().map_err(|_| "`prepared_statements` is `true` or `false`")?;
                }
                "port" => port = value.parse().map_err(|_| "`port` is no port")?,
                _ => {
                    return Err("of parameters, only `sslmode`, `sslrootcert`, `sslcert`, \
                                `sslkey`, `host`, `port` and `prepared_statements` are understood"
                        .to_owned());
                }
            }
        }
        if let Some(dir) = socket {
            self.hosts.push(PostgresHost::Socket(dir, port));
        }
        self.certificate = match (certificate, key) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err("`sslcert` and `sslkey` go together".to_owned()),
        };
        Ok(tls)
    }

    /// What sqlx needs to connect to one of the hosts.
    pub(super) fn options(&self, host: &PostgresHost) -> PgConnectOptions {
        let options = PgConnectOptions::new_without_pgpass()
            .username(&self.user)
            .database(&self.database)
            .application_name("countersign")
            // Poolers know no such parameter, and no floats are read.
            .extra_float_digits(None)
            .statement_cache_capacity(if self.prepared_statements { 64 } else { 0 })
            .ssl_mode(match self.tls {
                PostgresTlsMode::Disable => PgSslMode::Disable,
                PostgresTlsMode::Prefer => PgSslMode::Prefer,
                PostgresTlsMode::Require => PgSslMode::Require,
                PostgresTlsMode::VerifyCa => PgSslMode::VerifyCa,
                PostgresTlsMode::VerifyFull => PgSslMode::VerifyFull,
            })
            .disable_statement_logging();
        let options = match host {
            PostgresHost::Tcp(host, port) => options.host(host).port(*port),
            PostgresHost::Socket(dir, port) => options.socket(dir).port(*port),
        };
        let options = match &self.password {
            Some(password) => options.password(password.expose()),
            None => options,
        };
        let options = match &self.ca {
            Some(ca) => options.ssl_root_cert(ca),
            None => options,
        };
        match &self.certificate {
            Some((certificate, key)) => options.ssl_client_cert(certificate).ssl_client_key(key),
            None => options,
        }
    }
}

/// `host`, `host:port` or `[address]:port`.
fn tcp(text: &str) -> Result<PostgresHost, String> {
    let wrong = || "write each host as `host` or `host:port`".to_owned();
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or_else(wrong)?;
            host.parse::<Ipv6Addr>().map_err(|_| wrong())?;
            (host, rest.strip_prefix(':'))
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?,
        None => PORT,
    };
    let host = decoded(host);
    if host.is_empty() {
        return Err(wrong());
    }
    Ok(match host.starts_with('/') {
        true => PostgresHost::Socket(PathBuf::from(host), port),
        false => PostgresHost::Tcp(host, port),
    })
}

/// A part of a URL without its percent signs. A `+` is a `+` here.
fn decoded(text: &str) -> String {
    let text = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    parse(text.as_bytes()).next().map(|(text, _)| text.into_owned()).unwrap_or_default()
}
