//! URLs: the short form of an upstream, and where browsers find the log.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::check::is_host;
use super::checked::{Balancing, HttpVersions, PublicUrl, Upstream, UpstreamTls};

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostPort {
    /// A name or an IP address, lower case, IPv6 without brackets.
    pub(super) host: String,
    /// The port; never 0.
    pub(super) port: u16,
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl HostPort {
    /// Reads `host:port`, where the port may be left out if there is a default, or says what to do.
    pub(super) fn parse(text: &str, default_port: Option<u16>) -> Result<Self, String> {
        if text.contains("://") {
            return Err("leave out the scheme: write `host:port`, and `tls: {}` for TLS".to_owned());
        }
        let (host, port) = if let Some(rest) = text.strip_prefix('[') {
            let (host, rest) = rest.split_once(']').ok_or("close the bracket: `[::1]:9000`")?;
            host.parse::<Ipv6Addr>().map_err(|_| "write an IPv6 address in the brackets")?;
            let port =
                if rest.is_empty() { None } else { Some(rest.strip_prefix(':').unwrap_or("")) };
            (host, port)
        } else if text.parse::<Ipv6Addr>().is_ok() {
            return Err(format!("put brackets around it: `[{text}]:9000`"));
        } else {
            text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port)))
        };
        if host.is_empty() {
            return Err("name the host: `127.0.0.1:9000`".to_owned());
        }
        let dotted_number = host.bytes().all(|b| b.is_ascii_digit() || b == b'.')
            && host.parse::<IpAddr>().is_err();
        if dotted_number || !is_host(host) {
            return Err("write a host name or an IP address, and a port".to_owned());
        }
        let port = match port {
            Some(port) => port.parse().ok().filter(|port| *port > 0),
            None => Some(default_port.ok_or_else(|| format!("add the port: `{text}:8080`"))?),
        };
        let port = port.ok_or("write a port from 1 to 65535")?;
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }
}

/// Reads `http://host:port` or `https://host:port`, or says what is wrong and what to do.
pub(super) fn parse_upstream(url: &str) -> Result<Upstream, (String, String)> {
    let shown = without_password(url);
    let wrong = |remedy: String| (format!("`{shown}` is no URL of an upstream"), remedy);
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(wrong("remove the space from it".to_owned()));
    }
    let Some((scheme, rest)) = url.split_once("://") else {
        return Err(wrong(format!("begin with `http://` or `https://`: `http://{shown}`")));
    };
    let (tls, port) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (false, 80),
        "https" => (true, 443),
        _ => return Err(wrong("begin with `http://` or `https://`".to_owned())),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    if authority.contains('@') {
        return Err((
            "the URL of an upstream carries a user or a password".to_owned(),
            "remove what stands before the `@`: clients send their own credentials".to_owned(),
        ));
    }
    if !matches!(path, "" | "/") {
        return Err((
            format!("`{shown}` has a path, and countersign passes paths on as they are"),
            format!("write `{scheme}://{authority}`"),
        ));
    }
    // What is shown as right is one here too.
    let whole = |remedy: String| wrong(remedy.replacen(": `", &format!(": `{scheme}://"), 1));
    let address = HostPort::parse(authority, Some(port)).map_err(whole)?;
    let tls = tls.then(|| UpstreamTls {
        server_name: address.host.clone(),
        ca: None,
        client_certificate: None,
        insecure: false,
    });
    Ok(Upstream {
        addresses: vec![address.to_string()],
        tls,
        http: HttpVersions::Http1,
        balancing: Balancing::RoundRobin,
        health_check: None,
    })
}

/// Reads `https://host[:port][/path]`, or says what is wrong and what to do.
pub(super) fn parse_public(url: &str) -> Result<PublicUrl, (String, String)> {
    let shown = without_password(url);
    let wrong = |remedy: String| (format!("`{shown}` is no URL that browsers could open"), remedy);
    let remedy = || wrong("write it such as `https://audit.example.com`".to_owned());
    let (scheme, rest) = url.split_once("://").ok_or_else(remedy)?;
    let tls = match scheme.to_ascii_lowercase().as_str() {
        "http" => false,
        "https" => true,
        _ => return Err(remedy()),
    };
    let (authority, path) =
        rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or((rest, ""));
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    if !path.chars().all(is_plain) || path.contains("//") || path.contains("/.") {
        return Err(wrong("leave out what is no plain path, such as a query".to_owned()));
    }
    let default = if tls { 443 } else { 80 };
    let address = HostPort::parse(authority, Some(default)).map_err(wrong)?;
    let shown = address.to_string();
    let authority = match shown.strip_suffix(&format!(":{default}")) {
        Some(host) => host.to_owned(),
        None => shown,
    };
    Ok(PublicUrl { tls, authority, prefix: path.trim_end_matches('/').to_owned() })
}

/// What may be shown of a URL: a password in it is nobody's business.
fn without_password(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((before, after)) => {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            format!("{scheme}://…@{after}")
        }
        None => url.to_owned(),
    }
}
