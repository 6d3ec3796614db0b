//! By which of its selectors a rule came to a place, as far as the place tells.
//!
//! For explanations only: nothing is redacted by what is found here.

use super::glob::{Glob, squash};
use super::rule::Rule;

/// What of a rule selected a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selector {
    /// `keys`: the name of the value.
    Keys,
    /// `headers`.
    Headers,
    /// `cookies`.
    Cookies,
    /// `query`.
    Query,
    /// `segments`: the path segment before the value.
    Segments,
    /// `bare_body`.
    BareBody,
    /// `pattern`: what the value looks like.
    Pattern,
    /// Another selector; or a name inside of the text or beside the value; or the same value, which
    /// the rule selected elsewhere in the exchange.
    Other,
}

impl Selector {
    /// The name in rule files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Headers => "headers",
            Self::Cookies => "cookies",
            Self::Query => "query",
            Self::Segments => "segments",
            Self::BareBody => "bare_body",
            Self::Pattern => "pattern",
            Self::Other => "other",
        }
    }
}

impl Rule {
    /// The selector that explains a receipt of this rule at `location`.
    pub fn selector(&self, location: &str) -> Selector {
        let (_, below) = location.split_once('.').unwrap_or_default();
        let end = below.find(['.', '[']).unwrap_or(below.len());
        let (carrier, rest) = below.split_at_checked(end).unwrap_or_default();
        let rest = rest.trim_start_matches('.');
        let name = last_name(rest);
        let cookie = matches!(rest, "cookie" | "set-cookie");
        let any = |globs: &[Glob]| globs.iter().any(|glob| selects(glob, name));
        match carrier {
            "header" if any(&self.headers) => Selector::Headers,
            "header" if cookie && !self.cookies.is_empty() => Selector::Cookies,
            "query" if any(&self.query) => Selector::Query,
            "header" | "query" | "body" if any(&self.keys) => Selector::Keys,
            "body" if rest == "$" && self.bare_body => Selector::BareBody,
            "header" if cookie && !self.keys.is_empty() => Selector::Keys,
            _ if self.pattern.is_some() => Selector::Pattern,
            "path" if !self.segments.is_empty() => Selector::Segments,
            _ => Selector::Other,
        }
    }
}

/// The last name of `$.a[*].b`, or of `$.a['odd name']`.
fn last_name(path: &str) -> &str {
    let path = path.trim_end_matches("[*]");
    if let Some(quoted) = path.strip_suffix("']") {
        return quoted.rsplit_once("['").map_or(quoted, |(_, name)| name);
    }
    path.rsplit_once('.').map_or(path, |(_, name)| name)
}

/// Whether the name as a whole, or a part of one such as `user[password]`, is selected.
fn selects(glob: &Glob, name: &str) -> bool {
    std::iter::once(name).chain(name.split(['[', ']', '.', '/', ':'])).any(|part| {
        let mut squashed = String::new();
        squash(part, &mut squashed);
        !squashed.is_empty() && glob.matches(&squashed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redact::{Action, Conditions, Pattern};

    fn globs(names: &[&str]) -> Vec<Glob> {
        names.iter().map(|name| Glob::new(name).unwrap()).collect()
    }

    #[test]
    fn the_place_tells_the_selector() {
        let named = Rule {
            keys: globs(&["*password*"]),
            headers: globs(&["x-key"]),
            cookies: globs(&["sid"]),
            query: globs(&["sig"]),
            segments: globs(&["tokens"]),
            bare_body: true,
            ..Rule::new("named".to_owned(), Action::Drop)
        };
        let pattern = Pattern::new("abc[0-9]+", &[], Conditions::default()).unwrap();
        let looks = Rule { pattern: Some(pattern), ..Rule::new("looks".to_owned(), Action::Mask) };
        let rows = [
            (&named, "request.header.x-key", Selector::Headers),
            (&named, "request.header.cookie", Selector::Cookies),
            (&named, "response.header.set-cookie", Selector::Cookies),
            (&named, "request.header.x-password", Selector::Keys),
            (&named, "request.query.sig", Selector::Query),
            (&named, "request.query['user[password]']", Selector::Keys),
            (&named, "request.body.$.user.newPassword", Selector::Keys),
            (&named, "request.body.$.items[*].passwords[*]", Selector::Keys),
            (&named, "request.body.$['my password!']", Selector::Keys),
            (&named, "request.body.$", Selector::BareBody),
            (&named, "request.path", Selector::Segments),
            (&named, "response.body.$.message", Selector::Other),
            (&looks, "request.path", Selector::Pattern),
            (&looks, "response.body.$.message", Selector::Pattern),
            (&looks, "", Selector::Pattern),
        ];
        for (rule, location, expected) in rows {
            assert_eq!(rule.selector(location), expected, "{} {location}", rule.id);
        }
    }
}
