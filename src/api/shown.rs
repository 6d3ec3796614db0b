//! What a request shows of who sends it.

use std::sync::Arc;

use axum::http::{HeaderMap, header};

use super::ways::Ways;
use crate::access::{SessionId, Token};

/// What was shown. A request that shows a token is that token's, whatever else it shows.
#[derive(Debug)]
pub(super) enum Shown {
    /// Nothing that could be right.
    Nothing,
    /// A token, in the field for it.
    Token(Token),
    /// A session, in its cookie.
    Session(SessionId),
}

/// Whether it was shown by somebody just now.
#[derive(Debug, Clone, Copy)]
pub(super) enum Used {
    /// By the request at hand.
    Now,
    /// By one that is still being answered.
    Before,
}

impl Shown {
    /// What these fields show.
    pub(super) fn of(headers: &HeaderMap, ways: &Ways) -> Arc<Self> {
        let shown = if headers.contains_key(header::AUTHORIZATION) {
            bearer(headers).map(Self::Token)
        } else {
            session(headers, ways).map(Self::Session)
        };
        Arc::new(shown.unwrap_or(Self::Nothing))
    }
}

/// The one bearer token of a request.
fn bearer(headers: &HeaderMap) -> Option<Token> {
    let mut fields = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else { return None };
    let (scheme, token) = field.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Token::parse(token.trim()))?
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
