//! Joins the demo with the server and the query printing.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::demo::{self, DemoArgs, RunningProxy};
use super::query::{self, QueryArgs};
use crate::access::BOOTSTRAP_FILE;
use crate::config::{self, Address, AuditLevel, RouteKind, Snapshots};
use crate::server::Server;
use crate::telemetry;

/// A port that the system chooses.
const FREE: &str = "127.0.0.1:0";

/// Runs the demo; its exit code says whether all went as it should.
pub(super) fn run(args: &DemoArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    telemetry::init_logs("warn", false)?;
    let report = demo::run(args, out, start_proxy, show)?;
    for unexpected in &report.tally.unexpected {
        writeln!(out, "not as without a proxy: {unexpected}")?;
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Who acts: the sample API is asked.
const ACTORS: &str = "\
actors:
  - {from: sign_in, paths: /login}
  - from: introspect
    get: /admin/me
    with: [authorization, x-api-key, cookie]
    cookie: legacy_session
    id: \"{body:$.id}\"
    name: \"{body:$.name}\"
    email: \"{body:$.email}\"
";

/// The proxy as `countersign run --upstream` would start it, on free ports, with one route more,
/// since generation requests are gateway traffic, and rules that say who acts.
fn start_proxy(upstream: &str, dir: &Path) -> anyhow::Result<RunningProxy> {
    let mut config = config::for_upstream(upstream, Some(FREE), Some(dir), Some(FREE))?;
    // Its GETs change nothing, so that what its requests change can be observed.
    for route in &mut config.routes {
        route.snapshots = Snapshots::Convention;
    }
    let general = config.routes.first().context("a configuration has a route")?.clone();
    let mut gateway = general;
    gateway.name = "generation".to_owned();
    gateway.paths = vec!["/v1/chat".to_owned()];
    gateway.kind = RouteKind::Gateway;
    gateway.level = AuditLevel::Metadata;
    config.routes.insert(0, gateway);
    let rules = dir.join("rules");
    fs::create_dir_all(&rules).context("the rules cannot be written")?;
    fs::write(rules.join("actors.yaml"), ACTORS).context("the rules cannot be written")?;
    config.rules_dir = Some(rules);
    let server = Server::start(config, None)?;
    let config = server.config();
    let Some(Address::Tcp(address)) = config.listeners.first().map(|listener| &listener.address)
    else {
        bail!("the proxy has no TCP listener");
    };
    let url = format!("http://{address}");
    let console = format!("http://{}/audit", config.reading.address);
    let token = config.ledger.dir.join(BOOTSTRAP_FILE);
    let stop = Box::new(move || {
        server.stop();
        Ok(())
    });
    Ok(RunningProxy { url, console, token, stop })
}

/// The newest rows, as `countersign query` prints them.
fn show(dir: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    let args = QueryArgs::newest(dir, "200");
    query::run(&args, out)?;
    query::show_changes(&args, out)?;
    writeln!(out, "\nmore: countersign query --data {} --help", dir.display())?;
    Ok(())
}
