//! Where the log is read, and how readers get in.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::Checker;
use super::listeners::{collide, show};
use crate::config::checked::{Address, Listener, PublicUrl, Reading, Sessions};
use crate::config::file::{ReadingFile, SessionsFile};
use crate::config::setting::Setting;
use crate::config::tree::Place;
use crate::config::url::parse_public;

const READING: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8090);

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

impl Checker<'_> {
    pub(super) fn reading(
        &mut self,
        setting: &Setting<ReadingFile>,
        listeners: &[(Listener, Place)],
    ) -> Reading {
        let none = ReadingFile::default();
        let file = setting.value().unwrap_or(&none);
        Reading {
            address: self.reading_address(&file.address, listeners),
            public_url: self.public_url(&file.public_url),
            sessions: self.sessions(&file.sessions),
            trusted_header: self.trusted_header(&file.trusted_header),
            oidc: self.oidc(&file.oidc),
        }
    }

    fn reading_address(
        &mut self,
        setting: &Setting<String>,
        listeners: &[(Listener, Place)],
    ) -> SocketAddr {
        let place = setting.place_or(Place::WHOLE);
        let address = match setting.value().map(|text| (text, text.parse::<SocketAddr>())) {
            Some((_, Ok(address))) => address,
            Some((text, Err(_))) => {
                self.no_address(text, place);
                return READING;
            }
            None => READING,
        };
        if !address.ip().is_loopback() {
            self.problem(
                place,
                format!(
                    "`{address}` is reachable from elsewhere, and the reading listener speaks \
                     plain HTTP: tokens could be read on their way"
                ),
                format!(
                    "write `127.0.0.1:{}`, and reach it through a tunnel or a reverse proxy with \
                     TLS",
                    address.port()
                ),
            );
        }
        let collision = listeners
            .iter()
            .find(|(listener, _)| collide(&listener.address, &Address::Tcp(address)));
        if let Some((listener, listener_place)) = collision {
            let at = if setting.is_unset() { *listener_place } else { place };
            self.problem(
                at,
                format!(
                    "the reading listener `{address}` and the listener `{}` are in each other's \
                     way",
                    show(&listener.address)
                ),
                "give `reading.address` a port of its own: it must never be the proxy's",
            );
        }
        address
    }

    fn public_url(&mut self, setting: &Setting<String>) -> Option<PublicUrl> {
        let (text, place) = setting.given()?;
        match parse_public(text) {
            Ok(url) => Some(url),
            Err((message, remedy)) => {
                self.problem(place, message, remedy);
                None
            }
        }
    }

    fn sessions(&mut self, setting: &Setting<SessionsFile>) -> Sessions {
        let none = SessionsFile::default();
        let file = setting.value().unwrap_or(&none);
        let sessions = Sessions {
            idle: self.duration("idle", &file.idle, 30 * MINUTE, MINUTE..=24 * HOUR),
            total: self.duration("total", &file.total, 12 * HOUR, 5 * MINUTE..=720 * HOUR),
        };
        if sessions.total < sessions.idle {
            let outer = file.idle.place_or(Place::WHOLE);
            self.problem(
                file.total.place_or(outer),
                "`total` is shorter than `idle`, which then means nothing",
                "make `total` the longer of the two",
            );
        }
        sessions
    }
}
