//! Paths of documents as patterns.

use super::super::rule::{PathPattern, PatternError};
use super::super::words::snake;
use crate::route::percent_decode;

/// The pattern of a path of a document, behind the path of its server. What a pattern cannot say is
/// any one segment, or at the end the rest of the path.
pub fn documented_path(base: &str, path: &str) -> Result<PathPattern, PatternError> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let whole = format!("{base}/{path}");
    let segments: Vec<&str> = whole.split('/').filter(|segment| !segment.is_empty()).collect();
    let mut names: Vec<String> = Vec::new();
    let mut pattern = String::new();
    for (index, segment) in segments.iter().enumerate() {
        let decoded = percent_decode(segment.as_bytes());
        let segment = String::from_utf8_lossy(&decoded);
        pattern.push('/');
        pattern.push_str(&piece(&segment, index + 1 == segments.len(), &mut names));
    }
    if pattern.is_empty() {
        pattern.push('/');
    }
    PathPattern::new(&pattern)
}

fn piece(segment: &str, is_last: bool, names: &mut Vec<String>) -> String {
    let odd = |text: &str| {
        text.contains(['{', '}', '*', '%', '?', '#', ';', '/'])
            || text.chars().any(char::is_control)
    };
    let Some((prefix, rest)) = segment.split_once('{') else {
        let is_plain = !odd(segment) && !matches!(segment, "." | "..");
        return if is_plain { segment.to_owned() } else { "*".to_owned() };
    };
    let Some((inner, suffix)) = rest.rsplit_once('}') else { return "*".to_owned() };
    let is_rest = inner.contains("**") || inner.starts_with(['+', '*']) || inner.ends_with('*');
    if is_last && is_rest && prefix.is_empty() && suffix.is_empty() {
        return "**".to_owned();
    }
    // `{a}-{b}` is one parameter, for what both stand for.
    let mut name = snake(inner.split('=').next().unwrap_or_default());
    if odd(prefix) || odd(suffix) || name.is_empty() {
        return "*".to_owned();
    }
    let mut count = 1;
    while names.contains(&name) {
        count += 1;
        name = format!("{}_{count}", snake(inner));
    }
    names.push(name.clone());
    format!("{prefix}{{{name}}}{suffix}")
}
