//! Where requests go.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::Checker;
use super::listeners::show;
use super::values::Pem;
use crate::config::checked::{
    Address, Balancing, HealthCheck, HttpVersions, Listener, Reading, Upstream, UpstreamTls,
};
use crate::config::file::{
    BalancingFile, HealthCheckFile, HttpFile, UpstreamFile, UpstreamMapping, UpstreamTlsFile,
};
use crate::config::setting::Setting;
use crate::config::tree::Place;
use crate::config::url::{HostPort, parse_upstream};

pub(super) type UpstreamFiles = Setting<BTreeMap<String, Setting<UpstreamFile>>>;

/// More addresses of one upstream than this are a mistake.
const ADDRESSES: usize = 256;

const EXAMPLE: &str = "upstreams:\n    admin: http://127.0.0.1:9000";

impl Checker<'_> {
    pub(super) fn upstreams(&mut self, setting: &UpstreamFiles) -> BTreeMap<String, Upstream> {
        let place = setting.place_or(Place::WHOLE);
        if setting.is_unset() || setting.value().is_some_and(BTreeMap::is_empty) {
            self.problem(
                place,
                "there is no upstream: requests would have nowhere to go",
                format!("add one:\n  {EXAMPLE}"),
            );
        }
        let mut upstreams = BTreeMap::new();
        for (name, file) in setting.value().into_iter().flatten() {
            let Some((file, place)) = file.given() else { continue };
            let name = self.name("an upstream", name, place);
            let upstream = match file {
                UpstreamFile::Text(url) => self.upstream_url(url, place),
                UpstreamFile::Mapping(file) => self.upstream(file, place),
            };
            if let (Some(name), Some(upstream)) = (name, upstream) {
                upstreams.insert(name, upstream);
            }
        }
        upstreams
    }

    fn upstream_url(&mut self, url: &str, place: Place) -> Option<Upstream> {
        match parse_upstream(url) {
            Ok(upstream) => Some(upstream),
            Err((message, remedy)) => {
                self.problem(place, message, remedy);
                None
            }
        }
    }

    fn upstream(&mut self, file: &UpstreamMapping, outer: Place) -> Option<Upstream> {
        let addresses = self.addresses(file, outer);
        let tls = file
            .tls
            .given()
            .and_then(|(tls, place)| self.upstream_tls(tls, place, addresses.first()));
        let http = match file.http.value() {
            Some(HttpFile::Http2) => HttpVersions::Http2,
            Some(HttpFile::Auto) => HttpVersions::Auto,
            Some(HttpFile::Http1) | None => HttpVersions::Http1,
        };
        if http == HttpVersions::Auto && file.tls.is_unset() {
            self.problem(
                file.http.place_or(outer),
                "`http: auto` needs TLS, which is where the version is agreed on",
                "write `\"1\"` or `\"2\"`, or add `tls: {}`",
            );
        }
        let balancing = match file.balancing.value() {
            Some(BalancingFile::Random) => Balancing::Random,
            Some(BalancingFile::ClientIp) => Balancing::ClientIp,
            Some(BalancingFile::RoundRobin) | None => Balancing::RoundRobin,
        };
        let health_check = file.health_check.value().map(|check| self.health_check(check));
        if addresses.is_empty() {
            return None;
        }
        Some(Upstream {
            addresses: addresses.iter().map(ToString::to_string).collect(),
            tls,
            http,
            balancing,
            health_check,
        })
    }

    fn addresses(&mut self, file: &UpstreamMapping, outer: Place) -> Vec<HostPort> {
        let place = file.addresses.place_or(outer);
        let given = file.addresses.value().map(|list| list.as_slice()).unwrap_or_default();
        if file.addresses.is_unset() || (file.addresses.value().is_some() && given.is_empty()) {
            self.problem(
                place,
                "an upstream has no `addresses`",
                "add at least one: `addresses: [\"127.0.0.1:9000\"]`",
            );
        }
        let mut addresses: Vec<HostPort> = Vec::new();
        let given = self.at_most(ADDRESSES, "addresses", given, place);
        for (text, place) in given.iter().filter_map(Setting::given) {
            match HostPort::parse(text, None) {
                Ok(address) if addresses.contains(&address) => self.problem(
                    place,
                    format!("`{text}` is given twice"),
                    "name each address once",
                ),
                Ok(address) => addresses.push(address),
                Err(remedy) => {
                    self.problem(place, format!("`{text}` is no address of a server"), remedy);
                }
            }
        }
        addresses
    }

    fn upstream_tls(
        &mut self,
        file: &UpstreamTlsFile,
        place: Place,
        first: Option<&HostPort>,
    ) -> Option<UpstreamTls> {
        let insecure = file.insecure.value().copied().unwrap_or(false);
        let ca = self.pem("ca", &file.ca, Pem::Authorities);
        let certificate =
            self.pem("client_certificate", &file.client_certificate, Pem::Certificates);
        let key = self.pem("client_key", &file.client_key, Pem::PrivateKey);
        if file.client_certificate.is_unset() != file.client_key.is_unset() {
            self.problem(
                file.client_certificate.place_or(file.client_key.place_or(place)),
                "`client_certificate` and `client_key` belong together",
                "give both or neither",
            );
        }
        let names = ["client_certificate", "client_key"];
        let pair_place = file.client_key.place_or(place);
        let client_certificate = self.pair(names, certificate, key, pair_place);
        let server_name = match file.server_name.given() {
            Some((name, place)) if !is_host(name) => {
                self.problem(
                    place,
                    format!("`{name}` is no name of a server"),
                    "write a host name without a port, such as `admin.example.com`",
                );
                return None;
            }
            Some((name, _)) => name.clone(),
            None => first?.host.clone(),
        };
        Some(UpstreamTls { server_name, ca, client_certificate, insecure })
    }

    fn health_check(&mut self, file: &HealthCheckFile) -> HealthCheck {
        if let Some((path, place)) = file.path.given()
            && (!path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic()))
        {
            self.problem(
                place,
                format!("`{path}` is no path"),
                "write a path that begins with `/`, such as `/health`",
            );
        }
        let seconds = Duration::from_secs;
        HealthCheck {
            path: file.path.value().cloned(),
            interval: self.duration(
                "interval",
                &file.interval,
                seconds(10),
                Duration::from_millis(100)..=seconds(3600),
            ),
            healthy_after: self.count("healthy_after", &file.healthy_after, 2, 1..=100),
            unhealthy_after: self.count("unhealthy_after", &file.unhealthy_after, 3, 1..=100),
        }
    }

    /// An upstream that is the proxy itself would send each request round for ever.
    pub(super) fn no_loops(
        &mut self,
        files: &UpstreamFiles,
        upstreams: &BTreeMap<String, Upstream>,
        listeners: &[(Listener, Place)],
        reading: &Reading,
    ) {
        let reading = Address::Tcp(reading.address);
        let own: Vec<&Address> =
            listeners.iter().map(|(listener, _)| &listener.address).chain([&reading]).collect();
        let mut reported = BTreeSet::new();
        for (name, upstream) in upstreams {
            let Some(file) = files.value().and_then(|files| files.get(name)) else { continue };
            for address in &upstream.addresses {
                let hit = own.iter().find(|own| reaches(address, own));
                if let Some(own) = hit
                    && reported.insert(name)
                {
                    self.problem(
                        file.place_or(Place::WHOLE),
                        format!("the upstream `{name}` is countersign itself: `{}`", show(own)),
                        "name the address of the server behind, or listen elsewhere",
                    );
                }
            }
        }
    }
}

/// Whether a connection to `address` surely ends at our own listener.
fn reaches(address: &str, own: &Address) -> bool {
    let Address::Tcp(own) = own else { return false };
    let address = address.replacen("localhost:", "127.0.0.1:", 1);
    let Ok(address) = address.parse::<SocketAddr>() else { return false };
    let any = own.ip().is_unspecified() && address.ip().is_loopback();
    own.port() != 0 && address.port() == own.port() && (any || address.ip() == own.ip())
}

/// A host name or an IP address, without a port.
pub(in crate::config) fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    text.parse::<IpAddr>().is_ok() || (text.len() <= 253 && text.split('.').all(label))
}
