//! Which requests go where, and how they are recorded.

use std::collections::BTreeSet;

use super::Checker;
use super::operations::{room, usual_capture};
use super::upstreams::{UpstreamFiles, is_host};
use crate::config::checked::{AuditLevel, Limits, Route, RouteKind, Snapshots};
use crate::config::file::{
    CaptureFile, ConfigFile, GenerationFile, KindFile, LevelFile, OneOrMany, RouteFile,
    SnapshotsFile,
};
use crate::config::setting::Setting;
use crate::config::tree::Place;
use crate::config::url::HostPort;
use crate::problem::nearest;

/// More routes, or hosts, paths and methods of one, than this are a mistake.
const ITEMS: usize = 1000;

/// Methods that are refused at the door, so that no route can be for them.
const REFUSED: [&str; 2] = ["TRACE", "CONNECT"];

impl Checker<'_> {
    pub(super) fn routes(&mut self, file: &ConfigFile, limits: &Limits) -> Vec<Route> {
        let (setting, upstreams) = (&file.routes, &file.upstreams);
        let place = setting.place_or(Place::WHOLE);
        let files = setting.value().map(Vec::as_slice).unwrap_or_default();
        let files = self.at_most(ITEMS, "routes", files, place);
        let mut routes: Vec<(Route, Place)> = Vec::new();
        let mut whole = !matches!(setting, Setting::Wrong);
        for file in files {
            let checked = file
                .given()
                .map(|(file, place)| (self.route(file, place, upstreams, limits), place));
            match checked {
                Some((Some(route), place)) => {
                    self.beside(&route, place, &routes);
                    routes.push((route, place));
                }
                _ => whole = false,
            }
        }
        let mut routes: Vec<Route> = routes.into_iter().map(|(route, _)| route).collect();
        // What is missing cannot be told while some of it could not be read.
        if whole {
            let generation = &file.generation;
            self.catch_all(&mut routes, place, upstreams, limits, generation);
            self.audited(&routes, place);
        }
        routes
    }

    /// The new route beside those before it.
    fn beside(&mut self, route: &Route, place: Place, before: &[(Route, Place)]) {
        if before.iter().any(|(other, _)| other.name == route.name) {
            self.problem(
                place,
                format!("there are two routes named `{}`", route.name),
                "give each route its own name: it tells them apart in logs and metrics",
            );
        }
        let Some((cover, _)) = before.iter().find(|(other, _)| covers(other, route)) else {
            return;
        };
        self.problem(
            place,
            format!(
                "the route `{}` is never reached: `{}` before it matches all that it matches",
                route.name, cover.name
            ),
            format!("move it before `{}`, or remove it", cover.name),
        );
    }

    /// The last route matches everything, or else one is added.
    fn catch_all(
        &mut self,
        routes: &mut Vec<Route>,
        place: Place,
        upstreams: &UpstreamFiles,
        limits: &Limits,
        generation: &Setting<GenerationFile>,
    ) {
        let wanted = generation.value() != Some(&GenerationFile::Admin);
        if routes.last().is_some_and(matches_all) {
            if let Some((GenerationFile::Gateway, place)) = generation.given() {
                self.problem(
                    place,
                    "`generation: gateway` has no effect: the last of `routes` matches everything",
                    "remove it, and write a route with `endpoints: generation` and `kind: gateway`",
                );
            }
            return;
        }
        let Some(upstream) = only_upstream(upstreams) else {
            if upstreams.value().is_some_and(|all| all.len() > 1) {
                self.problem(
                    place,
                    "no route matches what all the others leave: with several upstreams it is not \
                     known where that should go",
                    "add a last route with a `name` and an `upstream`, without `hosts`, `paths` \
                     and `methods`",
                );
            }
            return;
        };
        let free = |wanted: &str| {
            let mut name = wanted.to_owned();
            while routes.iter().any(|route| route.name == name) {
                name.push_str("-rest");
            }
            name
        };
        let rest =
            Route { name: free("default"), upstream: upstream.clone(), ..plain_route(limits) };
        let generation = Route {
            name: free("generation"),
            upstream,
            kind: RouteKind::Gateway,
            generation: true,
            ..plain_route(limits)
        };
        routes.extend(wanted.then_some(generation));
        routes.push(rest);
    }

    fn audited(&mut self, routes: &[Route], place: Place) {
        let records =
            |route: &Route| route.kind != RouteKind::Bypass && route.level != AuditLevel::None;
        if !routes.is_empty() && !routes.iter().any(records) {
            self.problem(
                place,
                "nothing would be audited: every route is `kind: bypass` or `level: none`",
                "make a route `kind: admin` for what changes something",
            );
        }
    }

    fn route(
        &mut self,
        file: &RouteFile,
        place: Place,
        upstreams: &UpstreamFiles,
        limits: &Limits,
    ) -> Option<Route> {
        let name = self.route_name(&file.name, place);
        let hosts = self.each(&file.hosts, "hosts", Self::host);
        let paths = self.each(&file.paths, "paths", Self::path);
        let methods = self.each(&file.methods, "methods", Self::method);
        let upstream = self.route_upstream(&file.upstream, place, upstreams);
        let kind = match file.kind.value() {
            Some(KindFile::Gateway) => RouteKind::Gateway,
            Some(KindFile::Bypass) => RouteKind::Bypass,
            Some(KindFile::Admin) | None => RouteKind::Admin,
        };
        let level = match file.level.value() {
            Some(LevelFile::None) => AuditLevel::None,
            Some(LevelFile::Metadata) => AuditLevel::Metadata,
            Some(LevelFile::Request) => AuditLevel::Request,
            Some(LevelFile::Full) | None => AuditLevel::Full,
        };
        let snapshots = match file.snapshots.value() {
            Some(SnapshotsFile::None) => Snapshots::None,
            Some(SnapshotsFile::Rules) | None => Snapshots::Rules,
            Some(SnapshotsFile::Convention) => Snapshots::Convention,
        };
        if kind == RouteKind::Bypass {
            self.no_effect(file);
        } else if snapshots != Snapshots::None {
            self.no_snapshots(file, kind, level);
        }
        let none = CaptureFile::default();
        let capture = file.capture.value().unwrap_or(&none);
        let most = room(limits);
        let usual = usual_capture(limits);
        let capture_request = self.size("capture.request", &capture.request, usual, 0..=most);
        let capture_response = self.size("capture.response", &capture.response, usual, 0..=most);
        let fits = capture_request.checked_add(capture_response).is_some_and(|sum| sum <= most);
        if !fits {
            self.problem(
                capture.response.place_or(capture.request.place_or(place)),
                format!(
                    "`limits.captured_bytes` has no room for one request: `capture` of request and \
                     response together is more than {most} bytes, which are left of it beside what is \
                     read at once"
                ),
                "lower `capture`, or raise `limits.captured_bytes`",
            );
        }
        Some(Route {
            kind,
            level,
            capture_request,
            capture_response,
            generation: file.endpoints.value().is_some(),
            streaming: file.streaming.value().copied().unwrap_or(false),
            upgrades: file.upgrades.value().copied().unwrap_or(false),
            snapshots,
            host_header: self.host_header(&file.host_header),
            name: name?,
            hosts: hosts?,
            paths: paths?,
            methods: methods?,
            upstream: upstream?,
        })
    }

    fn no_effect(&mut self, file: &RouteFile) {
        let places = [
            ("level", file.level.given().map(|(_, place)| place)),
            ("capture", file.capture.given().map(|(_, place)| place)),
            ("streaming", file.streaming.given().map(|(_, place)| place)),
            ("upgrades", file.upgrades.given().map(|(_, place)| place)),
            ("snapshots", file.snapshots.given().map(|(_, place)| place)),
        ];
        for (name, place) in places {
            let Some(place) = place else { continue };
            self.problem(
                place,
                format!("`{name}` has no effect on a route of `kind: bypass`"),
                format!("remove `{name}`, or choose `kind: admin`"),
            );
        }
    }

    /// Says where states are asked for that nobody would read.
    fn no_snapshots(&mut self, file: &RouteFile, kind: RouteKind, level: AuditLevel) {
        let Some((_, place)) = file.snapshots.given() else { return };
        let (message, remedy) = if kind == RouteKind::Gateway {
            (
                "`snapshots` has no effect on a route of `kind: gateway`",
                "remove `snapshots`, or choose `kind: admin`",
            )
        } else if level != AuditLevel::Full {
            (
                "`snapshots` has no effect below `level: full`: a state is a response's body",
                "remove `snapshots`, or choose `level: full`",
            )
        } else {
            return;
        };
        self.problem(place, message, remedy);
    }

    fn route_name(&mut self, setting: &Setting<String>, outer: Place) -> Option<String> {
        if setting.is_unset() {
            self.problem(
                outer,
                "a route has no `name`",
                "add one, such as `name: admin`: it appears in logs and metrics",
            );
        }
        let (name, place) = setting.given()?;
        self.name("a route", name, place)
    }

    fn route_upstream(
        &mut self,
        setting: &Setting<String>,
        outer: Place,
        upstreams: &UpstreamFiles,
    ) -> Option<String> {
        // What is wrong about the upstreams has been said.
        let all = upstreams.value()?;
        let known: Vec<&str> = all.keys().map(String::as_str).collect();
        let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        match setting.given() {
            Some((name, _)) if all.contains_key(name) => return Some(name.clone()),
            Some((name, place)) => {
                let remedy = match nearest(name, known.iter().copied()) {
                    Some(meant) => format!("did you mean `{meant}`? known: {list}"),
                    None => format!("name one of {list}, or add it to `upstreams`"),
                };
                self.problem(place, format!("there is no upstream `{name}`"), remedy);
            }
            None if setting.is_unset() => {
                if let Some(only) = only_upstream(upstreams) {
                    return Some(only);
                }
                if known.len() > 1 {
                    self.problem(
                        outer,
                        "a route has no `upstream`, and there are several",
                        format!("add `upstream:` with one of {list}"),
                    );
                }
            }
            None => {}
        }
        None
    }

    /// Every item of a list, checked; `None` if one of them is wrong. An empty list is wrong too,
    /// since it would match everything.
    fn each(
        &mut self,
        setting: &Setting<OneOrMany>,
        name: &str,
        check: fn(&mut Self, &str, Place) -> Option<String>,
    ) -> Option<Vec<String>> {
        let (list, place) = match setting {
            Setting::Unset => return Some(Vec::new()),
            Setting::Wrong => return None,
            Setting::Given(list, place) => (list.as_slice(), *place),
        };
        if list.is_empty() {
            self.problem(
                place,
                format!("`{name}` is empty"),
                format!("name some, or remove `{name}` to match any"),
            );
            return None;
        }
        let checked: Vec<Option<String>> = self
            .at_most(ITEMS, name, list, place)
            .iter()
            .map(|item| item.given().and_then(|(text, place)| check(self, text, place)))
            .collect();
        checked.into_iter().collect()
    }

    fn host(&mut self, text: &str, place: Place) -> Option<String> {
        let name = text.strip_prefix("*.").unwrap_or(text);
        if is_host(name) {
            return Some(text.to_ascii_lowercase());
        }
        let remedy = match text.rsplit_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() && is_host(host) => {
                format!("leave out the port: `{host}`")
            }
            _ if text == "*" => "remove `hosts` to match any host".to_owned(),
            _ => "write a host name such as `admin.example.com` or `*.example.com`".to_owned(),
        };
        self.problem(place, format!("`{text}` is no host to match"), remedy);
        None
    }

    fn path(&mut self, text: &str, place: Place) -> Option<String> {
        let remedy = if !text.starts_with('/') {
            Some(format!("begin with a slash: `/{text}`"))
        } else if text.contains(['*', '{', '}']) {
            Some("write a plain prefix: it matches all that lies below".to_owned())
        } else if text.contains(['?', '#', ';', '\\', '%'])
            || !text.bytes().all(|byte| byte.is_ascii_graphic())
        {
            Some("write a path without query, parameters, escapes and spaces".to_owned())
        } else if text.contains("//")
            || text.split('/').any(|segment| matches!(segment, "." | ".."))
        {
            Some(
                "write it without `//`, `/./` and `/../`: paths are compared normalised".to_owned(),
            )
        } else {
            None
        };
        if let Some(remedy) = remedy {
            self.problem(place, format!("`{text}` is no path to match"), remedy);
            return None;
        }
        let trimmed = text.trim_end_matches('/');
        Some(if trimmed.is_empty() { "/" } else { trimmed }.to_owned())
    }

    fn method(&mut self, text: &str, place: Place) -> Option<String> {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let method = text.to_ascii_uppercase();
        let remedy = if REFUSED.contains(&method.as_str()) {
            "remove it: `TRACE` and `CONNECT` are refused at the door"
        } else if text == "*" {
            "remove `methods` to match any"
        } else if text.is_empty() || text.len() > 32 || !text.bytes().all(token) {
            "write a method such as `POST`"
        } else {
            return Some(method);
        };
        self.problem(place, format!("`{text}` is no method to match"), remedy);
        None
    }

    fn host_header(&mut self, setting: &Setting<String>) -> Option<String> {
        let (text, place) = setting.given()?;
        // The port may be left out, so any will do for the check.
        if HostPort::parse(text, Some(80)).is_err() {
            self.problem(
                place,
                format!("`{text}` cannot be a `Host`"),
                "write a host, or a host and a port: `admin.internal:8080`",
            );
        }
        Some(text.clone())
    }
}

fn plain_route(limits: &Limits) -> Route {
    Route {
        name: String::new(),
        hosts: Vec::new(),
        paths: Vec::new(),
        methods: Vec::new(),
        generation: false,
        upstream: String::new(),
        kind: RouteKind::Admin,
        level: AuditLevel::Full,
        capture_request: usual_capture(limits),
        capture_response: usual_capture(limits),
        streaming: false,
        upgrades: false,
        snapshots: Snapshots::Rules,
        host_header: None,
    }
}

fn only_upstream(upstreams: &UpstreamFiles) -> Option<String> {
    let mut names = upstreams.value()?.keys();
    names.next().filter(|_| names.next().is_none()).cloned()
}

fn matches_all(route: &Route) -> bool {
    let any_path = route.paths.is_empty() || route.paths.iter().any(|path| path == "/");
    route.hosts.is_empty() && any_path && route.methods.is_empty() && !route.generation
}

/// Whether `wide` surely matches all that `narrow` matches.
fn covers(wide: &Route, narrow: &Route) -> bool {
    let subset = |wide: &[String], narrow: &[String]| {
        let wide: BTreeSet<&String> = wide.iter().collect();
        wide.is_empty() || (!narrow.is_empty() && narrow.iter().all(|one| wide.contains(one)))
    };
    let below = |prefix: &str, path: &str| {
        prefix == "/"
            || path
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let any_path = |route: &Route| route.paths.is_empty() || route.paths.iter().any(|p| p == "/");
    let paths = any_path(wide)
        || (!any_path(narrow)
            && narrow.paths.iter().all(|path| wide.paths.iter().any(|prefix| below(prefix, path))));
    (!wide.generation || narrow.generation && wide.kind == narrow.kind)
        && paths
        && subset(&wide.hosts, &narrow.hosts)
        && subset(&wide.methods, &narrow.methods)
}
