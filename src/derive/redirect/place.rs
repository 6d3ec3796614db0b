//! The parts of the places to which one is sent: host, path, query, words.

use super::super::path::Path;
use super::super::words::snake;

/// Ends of pages.
const PAGES: [&str; 10] =
    [".php", ".jsp", ".xhtml", ".html", ".htm", ".aspx", ".asp", ".do", ".cgi", ".jsf"];

/// Path and query of a place.
pub(in crate::derive) fn split(place: &str) -> (&str, &str) {
    let place = place.split('#').next().unwrap_or_default();
    place.split_once('?').unwrap_or((place, ""))
}

/// The words of a path, without the ends of pages.
pub(in crate::derive) fn words(path: &str) -> Vec<String> {
    let word = |text: &str| {
        let stem = PAGES.iter().find_map(|end| text.strip_suffix(end)).unwrap_or(text);
        snake(stem)
    };
    Path::read(path).segments.iter().map(|segment| word(&segment.text)).collect()
}

/// Whether two hosts are one; a port that only one of them has was lost on the way.
pub(super) fn is_same_host(one: &str, other: &str) -> bool {
    let parts = |host: &str| match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit()) => {
            (name.to_ascii_lowercase(), Some(port.to_owned()))
        }
        _ => (host.to_ascii_lowercase(), None),
    };
    let ((one, port), (other, other_port)) = (parts(one), parts(other));
    one == other && (port == other_port || port.is_none() || other_port.is_none())
}

/// Whether two places have the same path, or are the same as a whole.
pub(super) fn is_same_page(one: &str, other: &str, is_whole: bool) -> bool {
    let path = |place: &str| {
        let path = place.split(['?', '#']).next().unwrap_or_default();
        path.trim_end_matches('/').to_owned()
    };
    one == other || !is_whole && path(one) == path(other)
}

/// The host of a location, if it has one, and the path with its query.
pub(in crate::derive) fn placed(location: &str) -> (Option<&str>, &str) {
    let scheme = location.split_once("://");
    let scheme = scheme.filter(|(scheme, _)| scheme.bytes().all(|it| it.is_ascii_alphanumeric()));
    let rest = scheme.map(|(_, rest)| rest).or_else(|| location.strip_prefix("//"));
    let Some(rest) = rest else { return (None, location) };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    (Some(host), path)
}
