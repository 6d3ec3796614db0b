//! What a request asks for, and what else it may be taken for: fields by which it names another path or
//! another host.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::host::{host_matches, normal_host};

/// Header fields by which a front end names the path that it had, or wants, or what of it is not the
/// application's.
const PATH_HEADERS: [&str; 15] = [
    "x-original-url",
    "x-rewrite-url",
    "x-original-uri",
    "x-rewrite-uri",
    "x-override-url",
    "x-forwarded-uri",
    "x-forwarded-path",
    "x-http-path-override",
    "x-matched-path",
    "x-invoke-path",
    "x-middleware-rewrite",
    "x-script-name",
    "script-name",
    "x-path-info",
    "path-info",
];

/// Header fields by which a front end names the host that it was asked for.
const HOST_HEADERS: [&str; 5] =
    ["x-forwarded-host", "x-original-host", "x-host", "x-forwarded-server", "x-http-host-override"];

/// More hosts than this may be any.
const HOSTS_MAX: usize = 8;

/// What of a request tells which route takes it, as the client sent it.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'r> {
    /// The host that is asked for.
    pub host: &'r str,
    /// The path and the query.
    pub target: &'r str,
    /// The method.
    pub method: &'r str,
    /// What else it may be taken for.
    pub elsewhere: &'r Elsewhere,
}

/// What fields name that some frameworks and servers take in place of the request's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// The application may take the request for one of another path.
    pub any_path: bool,
    /// These hosts, as they are compared.
    hosts: Vec<String>,
    /// Any host.
    any_host: bool,
}

/// Of a request that can be taken for no other.
pub static NOWHERE: Elsewhere = Elsewhere { any_path: false, hosts: Vec::new(), any_host: false };

impl Elsewhere {
    /// What these fields name.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut all = Self::default();
        for (name, value) in headers {
            all.any_path |= is_path_header(name.as_str());
            if let Some(key) = key_of_hosts(name) {
                all.add_hosts(value, key);
            }
        }
        all
    }

    fn add_hosts(&mut self, value: &HeaderValue, key: Option<&str>) {
        let Ok(value) = value.to_str() else {
            self.any_host = true;
            return;
        };
        for part in value.split([',', ';']) {
            let host = match key {
                None => part,
                Some(key) => match part.split_once('=') {
                    Some((name, host)) if name.trim().eq_ignore_ascii_case(key) => host,
                    _ => continue,
                },
            };
            let host = host.trim();
            let host = host.strip_prefix('"').and_then(|it| it.strip_suffix('"')).unwrap_or(host);
            self.any_host |= host.contains(['"', '\\', '/', '@']) || self.hosts.len() >= HOSTS_MAX;
            let host = normal_host(host);
            if !self.any_host && !host.is_empty() && !self.hosts.iter().any(|it| *it == host) {
                self.hosts.push(host.into_owned());
            }
        }
    }
}

impl Asked<'_> {
    /// The path without the query.
    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// Whether the application may take the request for one of a host that a pattern names.
    pub(crate) fn may_be_for<'p>(&self, patterns: impl IntoIterator<Item = &'p str>) -> bool {
        self.elsewhere.any_host
            || patterns.into_iter().any(|pattern| self.hosts(pattern).any(|it| it))
    }

    /// Whether it can take it for no other.
    pub(super) fn is_for<'p>(&self, patterns: impl Iterator<Item = &'p str> + Clone) -> bool {
        let others = self.elsewhere.hosts.iter().map(String::as_str);
        !self.elsewhere.any_host
            && std::iter::once(normal_host(self.host).as_ref())
                .chain(others)
                .all(|host| patterns.clone().any(|pattern| host_matches(pattern, host)))
    }

    /// For each host it may be for, whether the pattern names it.
    fn hosts<'h>(&'h self, pattern: &'h str) -> impl Iterator<Item = bool> + 'h {
        let own = host_matches(pattern, &normal_host(self.host));
        let others = self.elsewhere.hosts.iter().map(move |host| host_matches(pattern, host));
        std::iter::once(own).chain(others)
    }
}

/// Whether a field of this name names another path, which some frameworks take in place of the
/// request's.
pub fn is_path_header(name: &str) -> bool {
    is_one_of(name, &PATH_HEADERS)
}

/// What fields say that some frameworks and servers take in place of the request's path.
pub fn other_paths(headers: &HeaderMap) -> impl Iterator<Item = &HeaderValue> {
    headers.iter().filter_map(|(name, value)| is_path_header(name.as_str()).then_some(value))
}

/// Whether a field of this name has hosts, and under which key of its own.
fn key_of_hosts(name: &HeaderName) -> Option<Option<&'static str>> {
    match *name == header::FORWARDED {
        true => Some(Some("host")),
        false => is_one_of(name.as_str(), &HOST_HEADERS).then_some(None),
    }
}

/// Header names are lower case here; gateways that speak CGI take `_` for `-`.
pub(super) fn is_one_of(name: &str, list: &[&str]) -> bool {
    let same = |(a, b): (u8, u8)| a == b || (a == b'_' && b == b'-');
    list.iter().any(|known| known.len() == name.len() && name.bytes().zip(known.bytes()).all(same))
}
