//! What a request shows of who sends it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, header};

use super::sign_in::is_same;
use super::ways::Ways;
use crate::access::{GroupGrant, Reader, SessionId, Token, Way};
use crate::config::TrustedHeader;

/// What was shown. A token of ours counts before what a trusted proxy says, and that before a session:
/// one that does not hold is made up for by neither. Somebody else's token beside what a trusted proxy says
/// is that proxy's own; a session does not make up for it.
#[derive(Debug)]
pub(super) enum Shown {
    /// Nothing.
    Nothing,
    /// A token that cannot be one.
    Wrong,
    /// A token, in the field for it.
    Token(Token),
    /// A session, in its cookie.
    Session(SessionId),
    /// A trusted proxy says who it is.
    Person(Reader),
    /// A trusted proxy says who it is, and they may do nothing.
    Stranger(String),
}

/// A page that asks by itself, because something happened, says so in this field.
const BY_ITSELF: &str = "countersign-live";

/// Whether it was shown by somebody just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Used {
    /// By the request at hand.
    Now,
    /// By one that is still being answered, or that a page sends without its reader: nobody uses a session
    /// by that.
    Before,
}

impl Used {
    /// By this request. A live tail is asked for again and again, also where nobody looks.
    pub(super) fn by(headers: &HeaderMap, path: &str) -> Self {
        match headers.contains_key(BY_ITSELF) || path.ends_with("/audit/stream") {
            true => Self::Before,
            false => Self::Now,
        }
    }
}

impl Shown {
    /// What these fields show, sent by `peer`.
    pub(super) fn of(headers: &HeaderMap, ways: &Ways, peer: Option<IpAddr>) -> Arc<Self> {
        let bearer = bearer(headers);
        let person = || person(headers, ways, peer);
        Arc::new(match bearer {
            Bearer::Token(token) => Self::Token(token),
            Bearer::Wrong => Self::Wrong,
            Bearer::Others => person().unwrap_or(Self::Wrong),
            Bearer::None => {
                let session = || session(headers, ways).map(Self::Session);
                person().or_else(session).unwrap_or(Self::Nothing)
            }
        })
    }

    /// Whether the request says who it is in a way that only a trusted proxy may, and is not believed.
    pub(super) fn is_stray(&self, headers: &HeaderMap, ways: &Ways) -> bool {
        let believed = matches!(self, Self::Token(_) | Self::Person(_) | Self::Stranger(_));
        let trusted = ways.header.as_ref();
        let mut claims = trusted.into_iter().flat_map(|trusted| headers.get_all(&trusted.user));
        !believed && claims.any(|claim| !claim.is_empty())
    }
}

enum Bearer {
    None,
    /// It says that it is one of ours, and cannot be.
    Wrong,
    /// Somebody else's, or several.
    Others,
    Token(Token),
}

/// The one bearer token of a request.
fn bearer(headers: &HeaderMap) -> Bearer {
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    let field = match (fields.next(), fields.next()) {
        (None, _) => return Bearer::None,
        (Some(field), None) => field,
        (Some(_), Some(_)) => return Bearer::Others,
    };
    match field.to_str().ok().and_then(|field| field.split_once(' ')) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            let token = token.trim();
            let other = if Token::is_named(token) { Bearer::Wrong } else { Bearer::Others };
            Token::parse(token).map_or(other, Bearer::Token)
        }
        // What a proxy in front asked for, and not we.
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("basic") => Bearer::None,
        _ => Bearer::Others,
    }
}

/// Whom a trusted proxy names.
fn person(headers: &HeaderMap, ways: &Ways, peer: Option<IpAddr>) -> Option<Shown> {
    let trusted = ways.header.as_ref()?;
    let peer = peer?.to_canonical();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    if !trusted.peers.iter().any(|network| network.contains(&peer)) || !ways.is_own_host(host) {
        return None;
    }
    if let Some((field, secret)) = &trusted.secret {
        let mut sent = texts(headers, field);
        let is_right = |sent: &str| is_same(sent, secret.expose());
        if !(sent.next().flatten().is_some_and(is_right) && sent.next().is_none()) {
            return None;
        }
    }
    let mut users = texts(headers, &trusted.user);
    let (Some(Some(user)), None) = (users.next(), users.next()) else { return None };
    // Nobody has signed in there.
    let user = Some(user.trim()).filter(|user| !user.is_empty())?;
    let grant = GroupGrant::first(&trusted.grants, &groups(headers, trusted)?);
    let reader = grant.and_then(|grant| Reader::person(user, None, grant, Way::Header));
    Some(reader.map_or_else(|| Shown::Stranger(user.chars().take(64).collect()), Shown::Person))
}

/// The groups that the proxy names; none at all where the field is there twice, as one of them may be the
/// client's own.
fn groups(headers: &HeaderMap, trusted: &TrustedHeader) -> Option<Vec<String>> {
    let Some(field) = &trusted.groups else { return Some(Vec::new()) };
    let mut sent = texts(headers, field);
    let names = sent.next().flatten().unwrap_or_default().split(',');
    let names = names.map(str::trim).filter(|name| !name.is_empty());
    sent.next().is_none().then(|| names.map(ToOwned::to_owned).collect())
}

fn texts<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = Option<&'h str>> {
    headers.get_all(name).iter().map(|field| std::str::from_utf8(field.as_bytes()).ok())
}

/// The one session of a request.
pub(super) fn session(headers: &HeaderMap, ways: &Ways) -> Option<SessionId> {
    cookie(headers, ways.cookie()).and_then(SessionId::parse)
}

/// The value of a cookie that is there once. Where there are several of one name, one of them was
/// planted.
pub(super) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let fields = headers.get_all(header::COOKIE).iter().filter_map(|field| field.to_str().ok());
    let pairs = fields.flat_map(|field| field.split(';')).filter_map(|pair| pair.split_once('='));
    let mut values = pairs.filter(|(known, _)| known.trim() == name).map(|(_, value)| value.trim());
    match (values.next(), values.next()) {
        (value, None) => value,
        (_, Some(_)) => None,
    }
}
