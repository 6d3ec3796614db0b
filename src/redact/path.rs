//! Paths: segments that are secrets, and `name=value` in segments.

use super::seen::{MASK, is_redacted_text};
use super::walk::Walk;
use crate::decode::percent_decode_lossy;

impl Walk<'_> {
    /// The path without the secrets that its own form tells: the segment after one that a rule
    /// selects, unless it is a plain word (`/password/reset`), and matrix parameters.
    pub(super) fn path(&mut self, path: &str) -> String {
        self.enter("path");
        let mut out = String::with_capacity(path.len());
        let mut before = String::new();
        for (position, segment) in path.split('/').enumerate() {
            if position > 0 {
                out.push('/');
            }
            if segment.is_empty() {
                continue;
            }
            let decoded = percent_decode_lossy(segment);
            match self.rule_after_segment(&before, &decoded) {
                Some(rule) if !is_word(&decoded) && !is_redacted_text(&decoded) => {
                    self.remember(&decoded, rule);
                    self.receipt(rule);
                    out.push_str(&self.inline(&decoded, rule));
                }
                _ => match self.authority(&out, segment).or_else(|| self.plain(segment)) {
                    Some(masked) => out.push_str(&masked),
                    // Only its escapes hid what it is.
                    None if decoded != segment && self.plain(&decoded).is_some() => {
                        out.push_str(MASK);
                    }
                    None => out.push_str(segment),
                },
            }
            before = decoded.into_owned();
        }
        out
    }
}

impl Walk<'_> {
    /// The segment without its password, if it is the authority of a URL in the path. Some servers
    /// make one slash of two.
    fn authority(&mut self, before: &str, segment: &str) -> Option<String> {
        let scheme = before.trim_end_matches('/');
        if !scheme.ends_with(':') || !segment.contains('@') {
            return None;
        }
        let url = self.plain(&format!("x://{segment}"))?;
        url.strip_prefix("x://").map(ToOwned::to_owned)
    }
}

/// A word as routes are made of.
fn is_word(segment: &str) -> bool {
    segment.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte == b'_')
}
