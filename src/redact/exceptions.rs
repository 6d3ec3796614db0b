//! What rules do not select, whatever they say.

use super::names::Names;
use super::policy::Carrier;
use super::{Glob, JsonPath};

/// Exceptions, by the selectors of rules.
#[derive(Debug, Clone, Default)]
pub struct Exceptions {
    /// Names that no `keys` select.
    pub keys: Vec<Glob>,
    /// Header fields that neither `keys` nor `headers` select.
    pub headers: Vec<Glob>,
    /// Cookies that neither `keys` nor `cookies` select.
    pub cookies: Vec<Glob>,
    /// Query parameters that neither `keys` nor `query` select.
    pub query: Vec<Glob>,
    /// Values in bodies that neither `keys` nor `bare_body` select.
    pub paths: Vec<JsonPath>,
}

impl Exceptions {
    /// The same and more.
    pub fn extend(&mut self, more: Self) {
        self.keys.extend(more.keys);
        self.headers.extend(more.headers);
        self.cookies.extend(more.cookies);
        self.query.extend(more.query);
        self.paths.extend(more.paths);
    }
}

/// Exceptions by name, compiled.
#[derive(Debug)]
pub(super) struct Kept {
    keys: Names,
    headers: Names,
    cookies: Names,
    query: Names,
}

impl Kept {
    pub(super) fn new(exceptions: &Exceptions) -> Result<Self, aho_corasick::BuildError> {
        let names = |globs: &[Glob]| Names::new(globs.iter().map(|glob| (glob.clone(), 0)));
        Ok(Self {
            keys: names(&exceptions.keys)?,
            headers: names(&exceptions.headers)?,
            cookies: names(&exceptions.cookies)?,
            query: names(&exceptions.query)?,
        })
    }

    /// Whether `keys` do not select a squashed name.
    pub(super) fn spares_from_keys(&self, squashed: &str) -> bool {
        self.keys.selects(squashed)
    }

    /// Whether nothing selects a squashed name in this carrier.
    pub(super) fn spares(&self, carrier: Carrier, squashed: &str) -> bool {
        match carrier {
            Carrier::Member => false,
            Carrier::Parameter => self.query.selects(squashed),
            Carrier::Header => self.headers.selects(squashed),
            Carrier::Cookie => self.cookies.selects(squashed),
        }
    }
}
