//! What is in force: the configuration and the rules, for owners to look at.
//!
//! Every value that is shown is named here, so that no secret of a later section is shown by itself.

mod naming;
mod readers;

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::SecondsFormat;

use super::error;
use super::moment::grouped;
use super::shell::{Page, Section, Shell, Viewer, render};
use super::shown::Shown;
use crate::api::{Log, What};
use crate::config::{
    Address, AuditLevel, Balancing, Config, HttpVersions, Listener, LogFormat, Route, RouteKind,
    Seal, Snapshots, Telemetry, Upstream,
};
use crate::derive::EventRules;
use crate::identify::Endpoint;
use crate::redact::Action as RedactionAction;
use crate::retain::{Hold, Keep, KeptIn, Policy};
use crate::rules::Pack;
use naming::Rule;
use readers::TokenView;

/// Rules that are listed.
const RULES: usize = 2_000;

/// What is in force at this moment.
pub struct InForce {
    /// The configuration.
    pub config: Config,
    /// The rules that name events.
    pub events: Arc<EventRules>,
    /// The rules that redact: the id, what is done, and whether it is a shipped one.
    pub redaction: Vec<(String, RedactionAction, bool)>,
    /// The rules that say who acts, in their order.
    pub actors: Vec<String>,
    /// The digest of all rules.
    pub ruleset: String,
}

/// Tells what is in force.
pub type Settings = Arc<dyn Fn() -> InForce + Send + Sync>;

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    shell: Shell,
    groups: Vec<Group>,
    rules: Vec<Rule>,
    more: usize,
    /// Those in force; none where they cannot be read.
    tokens: Option<Vec<TokenView>>,
    /// Rules that say who acts, in their order.
    actors: Vec<Shown>,
    /// Rules of the operator that redact.
    own: Vec<(Shown, &'static str)>,
    /// Those that are shipped.
    shipped: Vec<(Shown, &'static str)>,
}

impl Page for SettingsPage {
    fn shell(&self) -> &Shell {
        &self.shell
    }
}

/// Settings that belong together.
struct Group {
    name: Shown,
    facts: Vec<(&'static str, Shown)>,
}

pub(super) async fn page(log: &Arc<Log>, viewer: &Viewer, in_force: InForce) -> Response {
    if !viewer.is_owner() {
        return error::for_owners(log, viewer, What::Settings).await;
    }
    let rules = in_force.events.iter().take(RULES).map(Rule::of);
    let redacting = |are_shipped: bool| {
        let rules = in_force.redaction.iter().filter(move |(.., shipped)| *shipped == are_shipped);
        rules.map(|(id, action, _)| (Shown::line(id), done(*action))).take(RULES).collect()
    };
    let page = SettingsPage {
        shell: Shell::new("Settings", Section::Settings, Some(viewer)),
        groups: groups(&in_force),
        rules: rules.collect(),
        more: in_force.events.len().saturating_sub(RULES),
        tokens: readers::tokens(log).await,
        actors: in_force.actors.iter().map(|rule| Shown::line(rule)).collect(),
        own: redacting(false),
        shipped: redacting(true),
    };
    render(StatusCode::OK, &page)
}

fn groups(in_force: &InForce) -> Vec<Group> {
    let config = &in_force.config;
    let mut groups = vec![in_short(in_force)];
    groups.extend(config.listeners.iter().map(listener));
    groups.extend(config.upstreams.iter().map(|(name, upstream)| of_upstream(name, upstream)));
    groups.extend(config.routes.iter().map(route));
    groups.extend(readers::groups(&config.reading));
    groups.push(ledger(config));
    groups.push(retention(&config.retention));
    groups.extend(config.retention.holds.iter().map(hold));
    groups.push(seal(&config.seal));
    groups.push(limits(config));
    groups.push(timeouts(config));
    groups.push(telemetry(&config.telemetry));
    groups
}

fn group(name: &str, facts: Vec<(&'static str, String)>) -> Group {
    let facts = facts.into_iter().filter(|(_, value)| !value.is_empty());
    let facts = facts.map(|(name, value)| (name, Shown::line(&value))).collect();
    Group { name: Shown::line(name), facts }
}

fn in_short(in_force: &InForce) -> Group {
    let config = &in_force.config;
    let packs: Vec<String> =
        config.packs.iter().map(|pack: &Pack| format!("{pack:?}").to_lowercase()).collect();
    let dir = config.rules_dir.as_ref().map(|dir| dir.display().to_string());
    let trusted: Vec<String> = config.trusted_proxies.iter().map(ToString::to_string).collect();
    group(
        "In short",
        vec![
            ("Version", env!("CARGO_PKG_VERSION").to_owned()),
            ("Configuration", config.version.clone()),
            ("Rules", in_force.ruleset.clone()),
            ("Rule files", dir.unwrap_or_else(|| "the shipped ones only".to_owned())),
            ("Shipped packs", packs.join(", ")),
            ("Trusted proxies", none(trusted.join(", "))),
            ("Threads", config.threads.to_string()),
        ],
    )
}

fn listener(listener: &Listener) -> Group {
    let address = match &listener.address {
        Address::Tcp(address) => address.to_string(),
        Address::Unix(path) => format!("unix:{}", path.display()),
    };
    let tls = match &listener.tls {
        None => "no".to_owned(),
        Some(tls) => match &tls.client_ca {
            None => format!("certificate {}", tls.certificate.display()),
            Some(ca) => {
                let certificate = tls.certificate.display();
                format!("certificate {certificate}; clients need one of {}", ca.display())
            }
        },
    };
    group(
        &format!("Listener {address}"),
        vec![("TLS", tls), ("HTTP/2", yes(listener.http2).to_owned())],
    )
}

fn of_upstream(name: &str, upstream: &Upstream) -> Group {
    let http = match upstream.http {
        HttpVersions::Http1 => "1.1",
        HttpVersions::Http2 => "2",
        HttpVersions::Auto => "2 or 1.1",
    };
    let balancing = match upstream.balancing {
        Balancing::RoundRobin => "in turn",
        Balancing::Random => "at random",
        Balancing::ClientIp => "by the client's address",
    };
    let tls = upstream.tls.as_ref().map_or("no".to_owned(), |tls| match tls.insecure {
        true => format!("{}; any certificate is accepted", tls.server_name),
        false => tls.server_name.clone(),
    });
    let health = upstream.health_check.as_ref().map_or("none".to_owned(), |check| {
        let what = check.path.as_deref().unwrap_or("a connection");
        format!("{what}, every {}", span(check.interval))
    });
    group(
        &format!("Upstream {name}"),
        vec![
            ("Addresses", upstream.addresses.join(", ")),
            ("TLS", tls),
            ("HTTP", http.to_owned()),
            ("Spread", balancing.to_owned()),
            ("Health check", health),
        ],
    )
}

fn route(route: &Route) -> Group {
    let kind = match route.kind {
        RouteKind::Admin => "mutations are audited",
        RouteKind::Gateway => "rejections are recorded",
        RouteKind::Bypass => "nothing is recorded",
    };
    let level = match (route.kind, route.level) {
        (RouteKind::Bypass, _) | (_, AuditLevel::None) => "no event",
        (RouteKind::Gateway, _) | (_, AuditLevel::Metadata) => "no bodies",
        (_, AuditLevel::Request) => "the request's body",
        (_, AuditLevel::Full) => "both bodies",
    };
    let paths = match route.generation {
        true => format!("well-known endpoints of models; {}", any(route.paths.join(", "))),
        false => any(route.paths.join(", ")),
    };
    let snapshots = match route.snapshots {
        Snapshots::None => "nowhere",
        Snapshots::Rules => "where a rule says how",
        Snapshots::Convention => "for PUT, PATCH and DELETE as well",
    };
    group(
        &format!("Route {}", route.name),
        vec![
            ("Hosts", any(route.hosts.join(", "))),
            ("Paths", paths),
            ("Methods", any(route.methods.join(", "))),
            ("Upstream", route.upstream.clone()),
            ("Kind", kind.to_owned()),
            ("Recorded", level.to_owned()),
            ("Captured of requests", bytes(route.capture_request)),
            ("Captured of responses", bytes(route.capture_response)),
            ("Before and after", snapshots.to_owned()),
        ],
    )
}

fn ledger(config: &Config) -> Group {
    let ledger = &config.ledger;
    let database = ledger.postgres.as_ref().map(|postgres| postgres.target.to_string());
    group(
        "Ledger",
        vec![
            ("Directory", ledger.dir.display().to_string()),
            ("Database", database.unwrap_or_default()),
            ("Writer", ledger.writer.clone()),
            ("Deadline", span(ledger.timeout)),
            ("Queue", grouped(ledger.queue as u64)),
            ("Batch", grouped(ledger.batch as u64)),
            ("Sweep", span(ledger.sweep_interval)),
        ],
    )
}

fn retention(policy: &Policy) -> Group {
    let keep = |keep: &Keep| match keep {
        Keep::Days(days) => format!("{days} days"),
        Keep::Forever => "forever".to_owned(),
    };
    let others: Vec<String> =
        policy.categories.iter().map(|(name, days)| format!("{name}: {}", keep(days))).collect();
    let archive = match &policy.archive {
        _ if !policy.purges() => String::new(),
        KeptIn::Archive(place) => place.to_string(),
        KeptIn::Nothing => "none: what is too old is gone".to_owned(),
    };
    group(
        "Retention",
        vec![
            ("Events stay", keep(&policy.default)),
            ("Categories", others.join(", ")),
            ("Archive", archive),
            (
                "Looked for every",
                if policy.purges() { span(policy.interval) } else { String::new() },
            ),
        ],
    )
}

fn hold(hold: &Hold) -> Group {
    let until = hold.until.map(|until| until.to_rfc3339_opts(SecondsFormat::Secs, true));
    group(
        &format!("Hold {}", hold.name),
        vec![
            ("Events", hold.filter.clone()),
            ("Why", hold.reason.clone()),
            ("Until", until.unwrap_or_else(|| "it is lifted".to_owned())),
        ],
    )
}

fn seal(seal: &Seal) -> Group {
    if !seal.enabled {
        return group("Checkpoints", vec![("Made", "no".to_owned())]);
    }
    let at = |server: &Endpoint| {
        let scheme = if server.tls { "https" } else { "http" };
        format!("{scheme}://{}:{}", server.host, server.port)
    };
    let witnesses: Vec<String> =
        seal.witnesses.iter().map(|witness| at(&witness.endpoint)).collect();
    let file = seal.file.as_ref().map(|file| file.display().to_string());
    group(
        "Checkpoints",
        vec![
            ("Made", format!("every {} at most", span(seal.interval))),
            ("Installation", seal.name.clone().unwrap_or_default()),
            ("Appended to", none(file.unwrap_or_default())),
            ("Logged", yes(seal.log).to_owned()),
            (
                "Posted to",
                none(seal.endpoint.as_ref().map(|it| at(&it.endpoint)).unwrap_or_default()),
            ),
            ("Witnesses", none(witnesses.join(", "))),
        ],
    )
}

fn telemetry(telemetry: &Telemetry) -> Group {
    let format = match telemetry.format {
        LogFormat::Text => "text",
        LogFormat::Json => "JSON",
    };
    group("Logs", vec![("Format", format.to_owned()), ("Filter", telemetry.filter.clone())])
}

fn limits(config: &Config) -> Group {
    let limits = &config.limits;
    group(
        "Limits",
        vec![
            ("Request head", bytes(limits.head_bytes)),
            ("Header fields", grouped(limits.head_fields as u64)),
            ("Request target", bytes(limits.target_bytes)),
            ("Connections", grouped(limits.connections as u64)),
            ("Captured bodies", bytes(limits.captured_bytes)),
            ("States read", grouped(limits.snapshots as u64)),
        ],
    )
}

fn timeouts(config: &Config) -> Group {
    let timeouts = &config.timeouts;
    let facts = [
        ("Request head", timeouts.request_head),
        ("Request body", timeouts.request_body),
        ("Whole request body", timeouts.request_body_total),
        ("Client write", timeouts.client_write),
        ("Client idle", timeouts.client_idle),
        ("Connect", timeouts.connect),
        ("Upstream read", timeouts.upstream_read),
        ("Upstream write", timeouts.upstream_write),
        ("Upstream idle", timeouts.upstream_idle),
        ("States", timeouts.snapshot),
        ("Shutdown", timeouts.shutdown),
    ];
    group("Timeouts", facts.into_iter().map(|(name, time)| (name, span(time))).collect())
}

/// What a rule does with what it selects.
fn done(action: RedactionAction) -> &'static str {
    match action {
        RedactionAction::KeepEnds { .. } => "its ends are kept",
        RedactionAction::Fingerprint => "a fingerprint is kept",
        RedactionAction::Summarize => "its size is kept",
        RedactionAction::Mask => "masked",
        RedactionAction::Drop => "dropped",
    }
}

fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

fn any(list: String) -> String {
    if list.is_empty() { "any".to_owned() } else { list }
}

fn none(list: String) -> String {
    if list.is_empty() { "none".to_owned() } else { list }
}

fn bytes(count: usize) -> String {
    const UNITS: [(usize, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let fits = UNITS.into_iter().find(|(unit, _)| count >= *unit && count.is_multiple_of(*unit));
    match fits {
        Some((unit, name)) => format!("{} {name}", count / unit),
        None => format!("{} bytes", grouped(count as u64)),
    }
}

fn span(time: Duration) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "d"), (3_600, "h"), (60, "min")];
    let seconds = time.as_secs();
    let fits =
        UNITS.into_iter().find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    match fits {
        Some((unit, name)) => format!("{} {name}", seconds / unit),
        None if time.subsec_millis() == 0 => format!("{seconds} s"),
        None => format!("{} ms", time.as_millis()),
    }
}
