//! The table of routes.

use super::Safety;
use super::generation::{self, Shape};
use super::host::{host_matches, normal_host};
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

    /// The index of the first route that takes the request: `host` and `path_and_query` as the
    /// client sent them, `safety` as [`super::safety()`] judges; `any_path` says that the
    /// application may take the request for one of another path.
    pub fn select(
        &self,
        host: &str,
        path_and_query: &str,
        method: &str,
        safety: Safety,
        any_path: bool,
    ) -> Option<usize> {
        self.find(host, path_and_query, (method, safety, any_path), &mut || false)
    }

    /// The route before that one, if there is one, that takes the request once its body is seen to be
    /// that of a call to a model.
    pub fn by_body(
        &self,
        host: &str,
        path_and_query: &str,
        method: &str,
        safety: Safety,
        any_path: bool,
    ) -> Option<ByBody> {
        if any_path || !self.routes.iter().any(|route| route.generation && !route.audits) {
            return None;
        }
        let shape = generation::endpoint(path_and_query, method, safety)?.shape();
        let how = (method, safety, any_path);
        let mut was_asked = false;
        let mut takes = || {
            was_asked = true;
            true
        };
        let route = self.find(host, path_and_query, how, &mut takes)?;
        was_asked.then_some(ByBody { route, shape })
    }

    fn find(
        &self,
        host: &str,
        path_and_query: &str,
        (method, safety, any_path): (&str, Safety, bool),
        takes_body: &mut dyn FnMut() -> bool,
    ) -> Option<usize> {
        let host = normal_host(host);
        let path = path_and_query.split('?').next().unwrap_or_default();
        let read = || if any_path { Readings::any() } else { Readings::of(path) };
        let mut readings = None;
        self.routes.iter().position(|route| {
            route.takes_host(&host)
                && route.takes_method(method, safety)
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
    fn takes_host(&self, host: &str) -> bool {
        self.hosts.is_empty() || self.hosts.iter().any(|pattern| host_matches(pattern, host))
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
