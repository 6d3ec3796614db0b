//! Joins the demo with the server and the query printing.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;

use super::demo::{self, DemoArgs, RunningProxy};
use super::query::{self, QueryArgs};
use crate::config::{self, AuditLevel, RouteKind};
use crate::server::Server;
use crate::telemetry;

/// Runs the demo; its exit code says whether all went as it should.
pub(super) fn run(args: &DemoArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    telemetry::init_logs("warn", false)?;
    let report = demo::run(args, out, start_proxy, show)?;
    for unexpected in &report.tally.unexpected {
        writeln!(out, "not as without a proxy: {unexpected}")?;
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The proxy as `countersign run --upstream` would start it, on free ports, with one route more:
/// generation requests are gateway traffic.
fn start_proxy(upstream: &str, dir: &Path) -> anyhow::Result<RunningProxy> {
    let (listen, reading) = (free_address()?, free_address()?);
    let mut config = config::for_upstream(upstream, Some(&listen), Some(dir), Some(&reading))?;
    let general = config.routes.first().context("a configuration has a route")?.clone();
    let mut gateway = general;
    gateway.name = "generation".to_owned();
    gateway.paths = vec!["/v1/chat".to_owned()];
    gateway.kind = RouteKind::Gateway;
    gateway.level = AuditLevel::Metadata;
    config.routes.insert(0, gateway);
    let server = Server::start(config, None)?;
    let url = format!("http://{listen}");
    let stop = Box::new(move || {
        server.stop();
        Ok(())
    });
    Ok(RunningProxy { url, stop })
}

fn free_address() -> anyhow::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.to_string())
}

/// The newest rows, as `countersign query` prints them.
fn show(dir: &Path, out: &mut dyn Write) -> anyhow::Result<()> {
    let args = QueryArgs::newest(dir, "200");
    query::run(&args, out)?;
    writeln!(out, "\nmore: countersign query --data {} --help", dir.display())?;
    Ok(())
}
