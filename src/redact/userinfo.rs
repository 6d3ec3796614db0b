//! Passwords in URLs: what stands before the `@` of an authority, even where it has signs in it that
//! should have been escaped.

use memchr::memmem;

use super::seen::is_redacted_text;
use super::text::{Edit, is_break, tokens};
use super::walk::Walk;
use crate::decode::percent_decode_lossy;

/// A user name in a URL without a password, from here on, is taken for a token.
const TOKEN_USER_BYTES_MIN: usize = 20;

/// So far, a password with blanks or quotes in it is looked for its end.
const BEYOND_BYTES_MAX: usize = 256;

/// So many blanks may stand in one.
const BLANKS_MAX: usize = 3;

/// Longer users are none, where nothing but their form tells.
const USER_BYTES_MAX: usize = 64;

/// Schemes whose URLs have a path after a port, in which an `@` may stand.
const WEB: [&str; 6] = ["http", "https", "ws", "wss", "ftp", "git"];

/// What two slashes stand after.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slashes {
    /// `scheme:`.
    Scheme,
    /// Nothing: `//user:password@host`.
    None,
}

impl Walk<'_> {
    /// The password of every `scheme://user:password@host` in a text, and of `user:password@host:1`.
    /// Each part between two `//` is looked at once, so that the time stays linear.
    pub(super) fn userinfo(&mut self, text: &str, edits: &mut Vec<Edit>) {
        self.authorities(text, "//", edits);
        // As in JSON inside of a string.
        if text.contains(r":\/\/") {
            self.authorities(text, r"\/\/", edits);
        }
        for (start, token) in tokens(text, |byte| is_break(char::from(byte))) {
            if token.contains('@')
                && !token.contains("//")
                && !token.contains(r"\/")
                && let Some((user, password)) = proxy(token)
            {
                self.password(start + user, password, edits);
            }
        }
    }

    fn authorities(&mut self, text: &str, slashes: &str, edits: &mut Vec<Edit>) {
        let mut found = memmem::find_iter(text.as_bytes(), slashes).peekable();
        while let Some(at) = found.next() {
            let from = at + slashes.len();
            let next = found.peek().copied().unwrap_or(text.len()).max(from);
            let (Some(before), Some(part)) = (text.get(..at), text.get(from..next)) else {
                continue;
            };
            let kind = match before.chars().next_back() {
                Some(':') => Slashes::Scheme,
                None => Slashes::None,
                Some(c) if is_break(c) || "=(,".contains(c) => Slashes::None,
                Some(_) => continue,
            };
            let Some(userinfo) = userinfo_of(part, kind, scheme_of(before)) else { continue };
            let (user, secret) = match userinfo.split_once(':') {
                Some((user, password)) => (user.len() + 1, password),
                None if kind == Slashes::Scheme && userinfo.len() >= TOKEN_USER_BYTES_MIN => {
                    (0, userinfo)
                }
                None => continue,
            };
            self.password(from + user, secret, edits);
        }
    }

    fn password(&mut self, start: usize, secret: &str, edits: &mut Vec<Edit>) {
        if secret.is_empty() || is_redacted_text(secret) {
            return;
        }
        let rule = self.policy.userinfo();
        self.remember(&percent_decode_lossy(secret), rule);
        self.receipt(rule);
        edits.push(Edit::masked(start..start + secret.len(), rule));
    }
}

/// What stands before the colon of `scheme:`, at the end of a text.
fn scheme_of(before: &str) -> &str {
    let before = before.strip_suffix(':').unwrap_or(before);
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || "+.-".contains(c);
    let bare = before.trim_end_matches(is_scheme);
    before.get(bare.len()..).unwrap_or_default()
}

/// What stands before the `@` of an authority.
///
/// A password with a raw `/`, quote or blank in it ends the authority early: then what should be a
/// port is no number, or is followed by what follows no port.
fn userinfo_of<'t>(part: &'t str, kind: Slashes, scheme: &str) -> Option<&'t str> {
    let ends = |c: char| is_break(c) || "/?#\\".contains(c);
    let authority = part.split(ends).next().unwrap_or(part);
    if let Some((userinfo, host)) = authority.rsplit_once('@') {
        return (kind == Slashes::Scheme || is_pair(userinfo) && is_host(host)).then_some(userinfo);
    }
    let (user, port) = authority.split_once(':')?;
    if kind == Slashes::None || !is_user(user) {
        return None;
    }
    let token = part.split(is_break).next().unwrap_or(part);
    if !is_port(port) {
        let in_token = token.rsplit_once('@').map(|(userinfo, _)| userinfo);
        return in_token.or_else(|| beyond(part));
    }
    let (userinfo, host) = token.split_once('@')?;
    let after = token.get(authority.len()..userinfo.len())?;
    let is_password = match after.bytes().next() {
        Some(b'#') => true,
        Some(b'?') => !after.contains('='),
        Some(b'/') => {
            !WEB.contains(&scheme) && !after.contains('=') && !after.trim_matches('/').contains('/')
        }
        _ => false,
    };
    (is_password && is_host(host)).then_some(userinfo)
}

/// A userinfo with blanks or quotes in it, as far as its line goes.
fn beyond(part: &str) -> Option<&str> {
    let line = part.lines().next()?;
    let near = line.get(..line.floor_char_boundary(BEYOND_BYTES_MAX))?;
    let (userinfo, _) = near.split_once('@')?;
    let host = line.get(userinfo.len() + 1..)?;
    let blanks = userinfo.bytes().filter(u8::is_ascii_whitespace).count();
    let (_, password) = userinfo.split_once(':')?;
    let begins = !password.starts_with(is_break);
    (begins && blanks <= BLANKS_MAX && is_host(host)).then_some(userinfo)
}

/// `user:password@host:3128` in one word: the position of the password, and the password.
fn proxy(token: &str) -> Option<(usize, &str)> {
    let (left, host) = token.rsplit_once('@')?;
    let (name, rest) = host.split_once(':')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let ends = rest.as_bytes().get(digits).is_none_or(|byte| b"/,;)".contains(byte));
    if !is_host(name) || !(2..=5).contains(&digits) || !ends {
        return None;
    }
    let (user, password) = left.split_once(':')?;
    let bare = user.rsplit(|c: char| !is_user_char(c)).next()?;
    let is_named = bare.chars().any(char::is_alphabetic);
    let is_one = is_named && is_user(bare) && !password.is_empty();
    is_one.then_some((user.len() + 1, password))
}

fn is_pair(userinfo: &str) -> bool {
    userinfo.split_once(':').is_some_and(|(user, _)| !user.is_empty() && is_user(user))
}

fn is_user_char(c: char) -> bool {
    c.is_alphanumeric() || "._~%+$-".contains(c)
}

fn is_user(user: &str) -> bool {
    user.len() <= USER_BYTES_MAX && user.chars().all(is_user_char)
}

fn is_host(host: &str) -> bool {
    host.starts_with(|c: char| c.is_alphanumeric() || "[_{$".contains(c))
}

fn is_port(port: &str) -> bool {
    port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{Slashes, proxy, userinfo_of};

    #[test]
    fn passwords_with_signs_of_their_own() {
        for (part, expected) in [
            ("ada:pw@db/shop", Some("ada:pw")),
            ("ada:p@w@db/shop", Some("ada:p@w")),
            ("ada:a/b@db/shop", Some("ada:a/b")),
            ("ada:2024#Zq7@db/shop", Some("ada:2024#Zq7")),
            ("ada:2024?Zq7@db/shop", Some("ada:2024?Zq7")),
            ("ada:2024/Zq7@db/shop", Some("ada:2024/Zq7")),
            ("ada:Sum9'Zq\"7<x`y@db/shop", Some("ada:Sum9'Zq\"7<x`y")),
            ("ada:Sum9 Zq7@db/shop", Some("ada:Sum9 Zq7")),
            (":pw@db", Some(":pw")),
            ("db:5432/shop", None),
            ("db:5432/shop?mail=ada@example.com", None),
            ("db:5432?mail=ada@example.com", None),
            ("db:5432', 'ada@example.com", None),
            ("db:5432 or mail ada@example.com", None),
            ("example.com: mail ada@example.com", None),
            ("h/~ada@example.com", None),
            ("[::1]:80/a@b", None),
        ] {
            assert_eq!(userinfo_of(part, Slashes::Scheme, "postgres"), expected, "{part}");
        }
        assert_eq!(userinfo_of("h:4873/@scope/name", Slashes::Scheme, "http"), None);
        assert_eq!(userinfo_of("ada:pw@h/x", Slashes::None, ""), Some("ada:pw"));
        for comment in [" todo: ask ada@h", "todo:ada", "ada@h", "h:80/a@b"] {
            assert_eq!(userinfo_of(comment, Slashes::None, ""), None, "{comment}");
        }
    }

    #[test]
    fn proxies_without_a_scheme() {
        for (token, expected) in [
            ("ada:pw@proxy:3128", Some((4, "pw"))),
            ("--proxy=ada:p@w@proxy:3128/", Some((12, "p@w"))),
            ("git@github.com:22", None),
            ("10:30@12:40", None),
            ("user:ada@example.com", None),
            ("nginx:1.25@sha256:00112233445566778899aabb", None),
            ("git@github.com:ada/shop", None),
        ] {
            assert_eq!(proxy(token), expected, "{token}");
        }
    }
}
