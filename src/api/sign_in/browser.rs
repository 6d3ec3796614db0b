//! What is said to browsers, and what they say: cookies, where to go next, which site asks.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use form_urlencoded::byte_serialize;

use super::Refusal;
use crate::access::SessionId;
use crate::api::ways::Ways;

/// The first page.
const HOME: &str = "/audit";
const SIGN_IN: &str = "/audit/sign-in";
/// The longest place to go to, in bytes.
const NEXT_MAX: usize = 4096;
/// Nobody wants to go there after signing in.
const NO_PAGES: [&str; 3] = [SIGN_IN, "/audit/sign-out", "/audit/oidc"];

/// A page of the console: a path below `/audit` with a query, and nothing that a browser could take
/// for another host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Next(String);

impl Next {
    /// The page, or the first one if it is none.
    pub(super) fn of(text: &str) -> Self {
        Self(if is_page(text) { text } else { HOME }.to_owned())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_page(text: &str) -> bool {
    let (path, _) = text.split_once('?').unwrap_or((text, ""));
    let below = path.strip_prefix(HOME);
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\\\"<>#".contains(&byte);
    below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        && text.len() <= NEXT_MAX
        && text.bytes().all(is_plain)
        && !path.contains("//")
        && !path.contains('%')
        && path.split('/').all(|part| part != "." && part != "..")
        && !NO_PAGES.iter().any(|page| path.starts_with(page))
}

/// Sends a browser to a page.
pub(super) fn go_to(ways: &Ways, next: &Next) -> Response {
    redirect(&format!("{}{}", ways.prefix(), next.as_str()))
}

/// Sends a browser to the page that asks for signing in.
pub(super) fn ask_to_sign_in(ways: &Ways, refusal: Option<Refusal>, next: &Next) -> Response {
    let mut target = format!("{}{SIGN_IN}", ways.prefix());
    let mut mark = '?';
    let error = refusal.map(|refusal| ("error", refusal.code()));
    let next = (next.as_str() != HOME).then_some(("next", next.as_str()));
    for (name, value) in error.into_iter().chain(next) {
        target.push(mark);
        target.push_str(name);
        target.push('=');
        target.extend(byte_serialize(value.as_bytes()));
        mark = '&';
    }
    redirect(&target)
}

/// Nobody keeps it, and with GET.
pub(super) fn redirect(target: &str) -> Response {
    match HeaderValue::from_str(target) {
        Ok(target) => (StatusCode::SEE_OTHER, [(header::LOCATION, target)]).into_response(),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

/// The same answer, with the session's cookie; without a session, it takes the cookie away.
pub(super) fn with_session(
    mut response: Response,
    ways: &Ways,
    session: Option<&SessionId>,
) -> Response {
    let age = session.map_or(0, |_| ways.sessions.total.as_secs());
    let value = session.map_or("", SessionId::reveal);
    set_cookie(&mut response, ways, ways.cookie(), value, age);
    response
}

/// Sets a cookie that no script can read, and that other sites send along with links only.
pub(super) fn set_cookie(
    response: &mut Response,
    ways: &Ways,
    name: &str,
    value: &str,
    seconds: u64,
) {
    let secure = if ways.is_secure() { "; Secure" } else { "" };
    let cookie =
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Whether a request that changes something comes from our own pages, or from no browser. What
/// browsers say of it themselves counts first (`Sec-Fetch-Site`), since a page's policy may hide the
/// origin.
pub(super) fn is_own_request(headers: &HeaderMap, ways: &Ways) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        (None, Some(origin)) => ways.is_own_origin(origin, text("host")),
        (None, None) => true,
    }
}
