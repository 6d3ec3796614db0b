//! The table of routes.

use super::Safety;
use super::elsewhere::Asked;
use super::generation::{self, Shape};
use super::host::normal_host;
use super::readings::Readings;

/// What a route takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pattern {
    /// Hosts, lower case and without port; `*.example.com` for any one label in front; any if
    /// empty.
    pub hosts: Vec<String>,
    /// Path prefixes of whole segments; any if empty.
    pub paths: Vec<String>,
    /// Methods, upper case; any if empty.
    pub methods: Vec<String>,
    /// Mutations on this route are audited with intent and completion. Anything less is `false`.
    pub audits: bool,
    /// Well-known endpoints of models only.
    pub generation: bool,
}

/// A route that takes a request if its body is that of a call to a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByBody {
    /// The route's index.
    pub route: usize,
    /// What the body has to have.
    pub shape: Shape,
}

/// The routes in the order in which they are tried.
#[derive(Debug, Clone, Default)]
pub struct RouteTable {
    routes: Vec<Route>,
}

#[derive(Debug, Clone)]
struct Route {
    hosts: Vec<String>,
    /// Without the final slash, so that `/` is the empty prefix.
    paths: Vec<Vec<u8>>,
    methods: Vec<String>,
    audits: bool,
    generation: bool,
}

impl RouteTable {
    /// A table of the patterns, to be tried in this order.
    pub fn new(patterns: Vec<Pattern>) -> Self {
        let route = |pattern: Pattern| Route {
            hosts: pattern.hosts.iter().map(|host| normal_host(host).into_owned()).collect(),
            paths: pattern
                .paths
                .iter()
                .map(|path| path.trim_end_matches('/').as_bytes().to_vec())
                .collect(),
            methods: pattern.methods,
            audits: pattern.audits,
            generation: pattern.generation,
        };
        Self { routes: patterns.into_iter().map(route).collect() }
    }

    /// The index of the first route that takes the request, with `safety` as [`super::safety()`] judges.
    pub fn select(&self, asked: &Asked<'_>, safety: Safety) -> Option<usize> {
        self.find(asked, safety, &mut || false)
    }

    /// The route before that one, if there is one, that takes the request once its body is seen to be
    /// that of a call to a model.
    pub fn by_body(&self, asked: &Asked<'_>, safety: Safety) -> Option<ByBody> {
        if asked.elsewhere.any_path
            || !self.routes.iter().any(|route| route.generation && !route.audits)
        {
            return None;
        }
        let shape = generation::endpoint(asked.target, asked.method, safety)?.shape();
        let mut was_asked = false;
        let mut takes = || {
            was_asked = true;
            true
        };
        let route = self.find(asked, safety, &mut takes)?;
        was_asked.then_some(ByBody { route, shape })
    }

    fn find(
        &self,
        asked: &Asked<'_>,
        safety: Safety,
        takes_body: &mut dyn FnMut() -> bool,
    ) -> Option<usize> {
        let any_path = asked.elsewhere.any_path;
        let read = || if any_path { Readings::any() } else { Readings::of(asked.path()) };
        let mut readings = None;
        self.routes.iter().position(|route| {
            route.takes_host(asked)
                && route.takes_method(asked.method, safety)
                && (route.paths.is_empty() || route.takes_path(readings.get_or_insert_with(read)))
                && (!route.generation
                    || if route.audits {
                        generation::is_plausible(readings.get_or_insert_with(read))
                    } else {
                        takes_body()
                    })
        })
    }
}

impl Route {
    fn takes_host(&self, asked: &Asked<'_>) -> bool {
        let hosts = self.hosts.iter().map(String::as_str);
        self.hosts.is_empty()
            || if self.audits { asked.may_be_for(hosts) } else { asked.is_for(hosts) }
    }

    fn takes_method(&self, method: &str, safety: Safety) -> bool {
        if self.methods.is_empty() {
            return true;
        }
        let overridden = safety == Safety::Override;
        if self.audits {
            overridden || self.methods.iter().any(|known| known.eq_ignore_ascii_case(method))
        } else {
            !overridden && self.methods.iter().any(|known| known == method)
        }
    }

    fn takes_path(&self, readings: &Readings) -> bool {
        if self.audits {
            self.paths.iter().any(|prefix| readings.any_under(prefix))
        } else {
            readings.all_under(&self.paths)
        }
    }
}
