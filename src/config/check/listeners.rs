//! Where clients connect, and whose forwarding headers are believed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;

use super::Checker;
use super::values::Pem;
use crate::config::checked::{Address, Listener, ListenerTls};
use crate::config::file::{ListenerFile, ListenerTlsFile, OneOrMany};
use crate::config::setting::Setting;
use crate::config::tree::Place;

/// More listeners than this are a mistake.
const LISTENERS: usize = 64;

/// The longest path of a unix socket on Linux.
const UNIX_PATH_BYTES: usize = 107;

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

impl Checker<'_> {
    pub(super) fn listeners(
        &mut self,
        setting: &Setting<Vec<Setting<ListenerFile>>>,
    ) -> Vec<(Listener, Place)> {
        let Some((files, place)) = setting.given() else {
            let default = Listener { address: Address::Tcp(LISTEN), tls: None, http2: true };
            return vec![(default, Place::WHOLE)];
        };
        if files.is_empty() {
            self.problem(
                place,
                "`listeners` is empty: clients could not connect",
                format!("add an address, such as `{LISTEN}`, or remove `listeners`"),
            );
        }
        let mut listeners: Vec<(Listener, Place)> = Vec::new();
        for file in self.at_most(LISTENERS, "listeners", files, place) {
            let Some((listener, place)) = self.listener(file) else { continue };
            if let Some((other, _)) =
                listeners.iter().find(|(other, _)| collide(&other.address, &listener.address))
            {
                self.problem(
                    place,
                    format!(
                        "`{}` is in use by the listener `{}`",
                        show(&listener.address),
                        show(&other.address)
                    ),
                    "give each listener its own address",
                );
            }
            listeners.push((listener, place));
        }
        listeners
    }

    fn listener(&mut self, file: &Setting<ListenerFile>) -> Option<(Listener, Place)> {
        let (file, outer) = file.given()?;
        match file {
            ListenerFile::Text(text) => {
                let address = self.address(text, outer)?;
                Some((Listener { address, tls: None, http2: true }, outer))
            }
            ListenerFile::Mapping(file) => {
                let tls = self.listener_tls(&file.tls);
                if file.address.is_unset() {
                    self.problem(
                        outer,
                        "a listener has no `address`",
                        format!("add one, such as `address: \"{LISTEN}\"`"),
                    );
                }
                let (text, place) = file.address.given()?;
                let address = self.address(text, place)?;
                if matches!(address, Address::Unix(_)) && !file.tls.is_unset() {
                    self.problem(
                        file.tls.place_or(place),
                        "a unix socket has no `tls`",
                        "remove `tls`: who may connect is said by the permissions of the socket \
                         and its directory",
                    );
                }
                let http2 = file.http2.value().copied().unwrap_or(true);
                Some((Listener { address, tls, http2 }, place))
            }
        }
    }

    fn listener_tls(&mut self, setting: &Setting<ListenerTlsFile>) -> Option<ListenerTls> {
        let (file, place) = setting.given()?;
        let certificate =
            self.required_pem("certificate", &file.certificate, place, Pem::Certificates);
        let key = self.required_pem("key", &file.key, place, Pem::PrivateKey);
        let client_ca = self.pem("client_ca", &file.client_ca, Pem::Authorities);
        let place = file.key.place_or(place);
        let (certificate, key) = self.pair(["certificate", "key"], certificate, key, place)?;
        Some(ListenerTls { certificate, key, client_ca })
    }

    fn address(&mut self, text: &str, place: Place) -> Option<Address> {
        if let Some(path) = text.strip_prefix("unix:") {
            return self.unix_address(path, place);
        }
        match text.parse() {
            Ok(address) => Some(Address::Tcp(address)),
            Err(_) => {
                self.no_address(text, place);
                None
            }
        }
    }

    fn unix_address(&mut self, text: &str, place: Place) -> Option<Address> {
        let path = PathBuf::from(text.strip_prefix("//").unwrap_or(text));
        let dir = path.parent().unwrap_or(Path::new(""));
        if path.file_name().is_none()
            || text.contains('\0')
            || path.as_os_str().len() > UNIX_PATH_BYTES
        {
            self.problem(
                place,
                format!("`unix:{text}` cannot be the path of a socket"),
                format!("write `unix:` and a path of at most {UNIX_PATH_BYTES} bytes"),
            );
            return None;
        }
        if !dir.as_os_str().is_empty() && !dir.is_dir() {
            self.problem(
                place,
                format!("the directory of `unix:{text}` does not exist"),
                format!("make it: `mkdir -p {}`", dir.display()),
            );
            return None;
        }
        Some(Address::Unix(path))
    }

    pub(super) fn no_address(&mut self, text: &str, place: Place) {
        let (host, port) = text.rsplit_once(':').unwrap_or((text, "8080"));
        let port = port.parse::<u16>().unwrap_or(LISTEN.port());
        let remedy = match host {
            "" | "*" => format!("write `0.0.0.0:{port}` for every address of this machine"),
            "localhost" => format!("write `127.0.0.1:{port}`"),
            _ => "write an IP address and a port, such as `127.0.0.1:8080` or `[::1]:8080`, or \
                  `unix:` and a path"
                .to_owned(),
        };
        self.problem(place, format!("`{text}` is no address to listen on"), remedy);
    }

    pub(super) fn trusted_proxies(&mut self, setting: &Setting<OneOrMany>) -> Vec<IpNet> {
        let Some(file) = setting.value() else { return Vec::new() };
        let mut networks = Vec::new();
        for (text, place) in file.as_slice().iter().filter_map(Setting::given) {
            let network: IpNet = match (text.parse(), text.parse::<IpAddr>()) {
                (Ok(network), _) => network,
                (_, Ok(address)) => address.into(),
                _ => {
                    self.problem(
                        place,
                        format!("`{text}` is no network"),
                        "write a network such as `10.0.0.0/8`, or an address",
                    );
                    continue;
                }
            };
            if network.prefix_len() == 0 {
                self.problem(
                    place,
                    format!("`{text}` trusts everybody: any client could forge its address"),
                    "name the networks of your own proxies only",
                );
            } else if network != network.trunc() {
                self.problem(
                    place,
                    format!("`{text}` has bits beyond its prefix"),
                    format!("write `{}` or `{}`", network.trunc(), network.addr()),
                );
            }
            networks.push(network);
        }
        networks
    }
}

/// Whether the two cannot be bound at one time. Port 0 is any free port.
pub(super) fn collide(a: &Address, b: &Address) -> bool {
    match (a, b) {
        (Address::Tcp(a), Address::Tcp(b)) => {
            a.port() == b.port() && a.port() != 0 && overlap(a, b)
        }
        (Address::Unix(a), Address::Unix(b)) => a == b,
        (Address::Tcp(_), Address::Unix(_)) | (Address::Unix(_), Address::Tcp(_)) => false,
    }
}

fn overlap(a: &SocketAddr, b: &SocketAddr) -> bool {
    let covers = |wide: IpAddr, narrow: IpAddr| {
        // `[::]` takes IPv4 as well on Linux, unless it is told not to.
        wide.is_unspecified() && (wide.is_ipv6() || narrow.is_ipv4())
    };
    a.ip() == b.ip() || covers(a.ip(), b.ip()) || covers(b.ip(), a.ip())
}

/// The address as it is written in the file.
pub(super) fn show(address: &Address) -> String {
    match address {
        Address::Tcp(address) => address.to_string(),
        Address::Unix(path) => format!("unix:{}", path.display()),
    }
}
