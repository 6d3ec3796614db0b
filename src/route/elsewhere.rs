//! What a request asks for, and what else it may be taken for: fields by which it names another path or
//! another host.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::host::{host_matches, normal_host};

/// Header fields by which a front end names the path that it had, or wants.
const PATH_HEADERS: [&str; 13] = [
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
    "x-path-info",
    "path-info",
];

/// Header fields by which a front end names what of the path is not the application's.
const PREFIX_HEADERS: [&str; 2] = ["x-script-name", "script-name"];

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
    pub(crate) fn may_be_for<'p>(&self, patterns: impl Iterator<Item = &'p str> + Clone) -> bool {
        let is_named = |host: Cow<'_, str>| patterns.clone().any(|it| host_matches(it, &host));
        self.elsewhere.any_host || self.hosts().any(is_named)
    }

    /// Whether it can take it for no other.
    pub(super) fn is_for<'p>(&self, patterns: impl Iterator<Item = &'p str> + Clone) -> bool {
        let is_named = |host: Cow<'_, str>| patterns.clone().any(|it| host_matches(it, &host));
        !self.elsewhere.any_host && self.hosts().all(is_named)
    }

    /// The hosts that it may be for, as far as they are known.
    fn hosts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let others = self.elsewhere.hosts.iter().map(|host| Cow::Borrowed(host.as_str()));
        std::iter::once(normal_host(self.host)).chain(others)
    }
}

/// Whether a field of this name names another path, which some frameworks take in place of the
/// request's.
pub fn is_path_header(name: &str) -> bool {
    is_one_of(name, &PATH_HEADERS) || is_one_of(name, &PREFIX_HEADERS)
}

/// The paths that fields name in place of this one, as some frameworks and servers take them, or that they
/// make of it.
pub fn other_paths(path: &str, headers: &HeaderMap) -> Vec<String> {
    let mut others = Vec::new();
    for (name, value) in headers {
        let value = || String::from_utf8_lossy(value.as_bytes());
        if is_one_of(name.as_str(), &PATH_HEADERS) {
            others.push(path_of(&value()).to_owned());
        } else if is_one_of(name.as_str(), &PREFIX_HEADERS) {
            let prefix = value();
            others.extend(path.strip_prefix(prefix.as_ref()).map(str::to_owned));
            others.push([&prefix, path].concat());
        }
    }
    others
}

/// The path in what may be a whole URL.
fn path_of(url: &str) -> &str {
    let rest = url
        .split_once("://")
        .map_or(url, |(_, rest)| rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"));
    rest.split(['?', '#']).next().unwrap_or(rest)
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
