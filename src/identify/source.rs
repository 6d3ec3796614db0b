//! Where a request came from, by the peer's address and what trusted proxies say
//! (`Forwarded`, RFC 7239, and `X-Forwarded-For`).

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::FORWARDED;
use ipnet::IpNet;

use super::text::bounded;
use crate::capture::Request;
use crate::record::{RequestRecord, Source};
use crate::redact::Redacted;

const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// Of a longer chain the entries nearest to us are read.
const HOPS_MAX: usize = 32;

/// One entry of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hop {
    Address(IpAddr),
    /// `unknown`, an obfuscated identifier, or what cannot be read.
    Hidden,
}

/// The source of a request. Forwarding headers count only if the peer is trusted; then the client
/// is the right-most address that is not itself in `trusted`. The user agent is taken from the
/// request as it is recorded, so that no secret in it survives.
///
/// A proxy that writes one forwarding header commonly passes the client's own version of the
/// other on. So where both are there and disagree, neither is believed and the peer's address
/// stays; the chains are recorded either way.
pub fn source(
    request: &Request,
    trusted: &[IpNet],
    recorded: &Redacted<RequestRecord>,
) -> Redacted<Source> {
    let user_agent = recorded.as_ref().map(|record| {
        record.headers.get("user-agent").and_then(|value| value.as_str()).and_then(bounded)
    });
    let origin = match request.peer_trusted {
        true => Origin::told(&request.headers, request.peer, trusted),
        false => Origin { ip: request.peer, forwarded: None },
    };
    // Safe: addresses that were parsed, nothing that was sent as text.
    Redacted::vouched(origin).and(user_agent).map(|(Origin { ip, forwarded }, user_agent)| Source {
        ip: ip.map(|ip| ip.to_canonical().to_string()),
        forwarded,
        user_agent,
    })
}

/// Whose request it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address, as far as it is known.
    pub ip: Option<IpAddr>,
    /// The chain as trusted proxies told it: addresses alone.
    pub forwarded: Option<String>,
}

impl Origin {
    /// As a peer tells it that is a trusted proxy, as [`source`] has it.
    pub fn told(headers: &HeaderMap, peer: Option<IpAddr>, trusted: &[IpNet]) -> Self {
        let mut ip = peer;
        let chains: Vec<Vec<Hop>> = [forwarded_for(headers), x_forwarded_for(headers)]
            .into_iter()
            .filter(|chain| !chain.is_empty())
            .collect();
        let clients: Vec<Option<IpAddr>> =
            chains.iter().map(|chain| client(chain, trusted)).collect();
        if let Some(first) = clients.first()
            && clients.iter().all(|client| client == first)
        {
            ip = first.or(ip);
        }
        let chains: Vec<String> = chains.iter().map(|chain| shown(chain)).collect();
        let forwarded = (!chains.is_empty()).then(|| chains.join("; "));
        Self { ip, forwarded }
    }
}

/// The right-most address that is not trusted, or the left-most if all are. A hidden hop ends the
/// walk: what lies beyond it was told by nobody we know.
fn client(chain: &[Hop], trusted: &[IpNet]) -> Option<IpAddr> {
    let mut last = None;
    for hop in chain.iter().rev() {
        let Hop::Address(address) = hop else { break };
        last = Some(*address);
        if !trusted.iter().any(|net| net.contains(address)) {
            break;
        }
    }
    last
}

fn shown(chain: &[Hop]) -> String {
    let hop = |hop: &Hop| match hop {
        Hop::Address(address) => address.to_string(),
        Hop::Hidden => "unknown".to_owned(),
    };
    chain.iter().map(hop).collect::<Vec<_>>().join(", ")
}

fn x_forwarded_for(headers: &HeaderMap) -> Vec<Hop> {
    let values = headers.get_all(X_FORWARDED_FOR);
    let hops = values
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .map(|entry| std::str::from_utf8(entry).map_or(Hop::Hidden, hop));
    nearest(hops)
}

/// The `for` parameters of the elements; an element without one is a hidden hop. A field in which a
/// quote stays open is one as a whole: a client may have opened it to hide what a proxy appends.
fn forwarded_for(headers: &HeaderMap) -> Vec<Hop> {
    let values = headers.get_all(FORWARDED);
    let hops = values.iter().flat_map(|value| match value.to_str() {
        Ok(text) if text.bytes().filter(|byte| *byte == b'"').count() % 2 == 0 => {
            split_unquoted(text, ',').into_iter().map(element).collect()
        }
        Ok(_) | Err(_) => vec![Hop::Hidden],
    });
    nearest(hops)
}

fn nearest(hops: impl Iterator<Item = Hop>) -> Vec<Hop> {
    let mut hops: Vec<Hop> = hops.collect();
    hops.drain(..hops.len().saturating_sub(HOPS_MAX));
    hops
}

fn element(text: &str) -> Hop {
    split_unquoted(text, ';')
        .into_iter()
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))
        .map_or(Hop::Hidden, |(_, node)| hop(node))
}

/// A node, quoted or not, with or without a port.
fn hop(node: &str) -> Hop {
    let node = node.trim();
    let node = node.strip_prefix('"').and_then(|node| node.strip_suffix('"')).unwrap_or(node);
    let bare = node.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let address = match bare {
        Some((address, port)) if port.is_empty() || port.starts_with(':') => address.parse().ok(),
        Some(_) => None,
        None => node.parse().ok().or_else(|| node.parse().ok().map(|node: SocketAddr| node.ip())),
    };
    // RFC 7239 allows obfuscated ports beside an address.
    let address = address.or_else(|| {
        let (address, port) = node.split_once(':')?;
        port.starts_with('_').then(|| address.parse().ok()).flatten()
    });
    address.map_or(Hop::Hidden, |address: IpAddr| Hop::Address(address.to_canonical()))
}

fn split_unquoted(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c: char| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
    .collect()
}
