//! `countersign run`: the main job.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args as ClapArgs;

use crate::access::{Access, BOOTSTRAP_FILE, BOOTSTRAP_NAME};
use crate::config::{self, Address, AuditLevel, Config, LogFormat, RouteKind};
use crate::server::{Server, ServerError};
use crate::telemetry;

/// Run the proxy in front of an API
///
/// Says where everything is when it is ready, and runs until SIGINT or SIGTERM: then requests in
/// flight are finished. SIGHUP loads configuration and rules again.
#[derive(Debug, ClapArgs)]
#[command(after_help = AFTER_HELP)]
#[command(group = clap::ArgGroup::new("source").required(true).args(["upstream", "config"]))]
pub(super) struct Args {
    /// The API to stand in front of, for example http://10.0.0.5:8080; needs nothing else
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// A configuration file; see config/countersign.yaml for every option
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where clients connect; port 0 takes a free one [default: 127.0.0.1:8080]
    ///
    /// With --config the file says so, as it does for the other options here.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "config")]
    listen: Option<String>,
    /// Where the log is read, /v1/admin/audit, and where operations look: /livez, /readyz, /metrics
    /// [default: 127.0.0.1:8090]
    #[arg(long, value_name = "ADDRESS", conflicts_with = "config")]
    reading: Option<String>,
    /// The directory of the ledger [default: countersign-data]
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    data: Option<PathBuf>,
    /// A PostgreSQL database that holds the ledger, for example postgres://me@localhost/audit
    /// [default: a file in the directory]
    #[arg(long, value_name = "URL", conflicts_with = "config")]
    ledger: Option<String>,
}

const AFTER_HELP: &str = "\
Examples:
  countersign run --upstream http://127.0.0.1:9000
  curl -d name=ada http://127.0.0.1:8080/users     a mutation, through the proxy
  countersign query                                what is on record of it
  countersign run --config countersign.yaml        everything else: TLS, routes, limits, rules

Exit codes: 0 stopped; 1 failed; 2 problems in command line, configuration or rules; 3 the ledger,
the key, an address, TLS or an upstream could not be had.";

/// Exit code: problems in the configuration or the rules.
const PROBLEMS: u8 = 2;
/// Exit code: a resource could not be had.
const RESOURCE: u8 = 3;

/// Runs until it is told to stop.
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let loaded = match (&args.config, &args.upstream) {
        (Some(file), _) => config::load(file),
        (None, Some(url)) => config::for_upstream(
            url,
            args.listen.as_deref(),
            args.data.as_deref(),
            args.reading.as_deref(),
        )
        .and_then(|config| match &args.ledger {
            Some(url) => config::on_postgres(config, url),
            None => Ok(config),
        }),
        (None, None) => return Ok(ExitCode::from(PROBLEMS)),
    };
    let config = match loaded {
        Ok(config) => config,
        Err(problems) => {
            say(&problems);
            return Ok(ExitCode::from(PROBLEMS));
        }
    };
    telemetry::init_logs(&config.telemetry.filter, config.telemetry.format == LogFormat::Json)?;
    match Server::start(config, args.config) {
        Ok(server) => {
            say(&banner(&server.config()));
            server.run_until_signal();
            Ok(ExitCode::SUCCESS)
        }
        Err(ServerError::Rules(problems)) => {
            say(&problems);
            Ok(ExitCode::from(PROBLEMS))
        }
        Err(error) => {
            say(&format_args!("countersign: {:#}", anyhow::Error::from(error)));
            Ok(ExitCode::from(RESOURCE))
        }
    }
}

/// Writes to standard error. That it cannot be written to (a full disk, a closed pipe) is no reason
/// to end.
fn say(text: &dyn Display) {
    writeln!(io::stderr(), "{text}").ok();
}

/// Whether the first token of all is revoked.
fn is_revoked(dir: &Path) -> bool {
    let tokens = Access::open(dir).and_then(|access| access.list()).unwrap_or_default();
    let first = tokens.iter().filter(|token| token.name == BOOTSTRAP_NAME);
    first.min_by_key(|token| token.created).is_some_and(|token| token.revoked.is_some())
}

/// Where everything is.
fn banner(config: &Config) -> String {
    let mut lines = vec![format!("countersign {}", env!("CARGO_PKG_VERSION"))];
    for listener in &config.listeners {
        let scheme = if listener.tls.is_some() { "https" } else { "http" };
        lines.push(match &listener.address {
            Address::Tcp(address) => format!("  proxy      {scheme}://{address}"),
            Address::Unix(path) => format!("  proxy      unix:{}", path.display()),
        });
    }
    for (name, upstream) in &config.upstreams {
        let scheme = if upstream.tls.is_some() { "https" } else { "http" };
        lines.push(format!("  upstream   {name}: {scheme}://{}", upstream.addresses.join(", ")));
    }
    for route in &config.routes {
        let kind = match (route.kind, route.level) {
            (RouteKind::Bypass, _) | (_, AuditLevel::None) => "nothing is recorded",
            (RouteKind::Admin, _) => "mutations are audited",
            (RouteKind::Gateway, _) => "rejections are recorded",
        };
        let paths = if route.paths.is_empty() { "/".to_owned() } else { route.paths.join(" ") };
        let what = match route.generation {
            true => format!("{paths} where models generate, as POST /v1/chat/completions"),
            false => paths,
        };
        let only = [route.hosts.join(" "), route.methods.join(" ")];
        let only = only.iter().filter(|only| !only.is_empty());
        let only: String = only.map(|only| format!(" {only}")).collect();
        lines.push(format!("  route      {}:{only} {what} ({kind})", route.name));
    }
    let reading = config.reading.address;
    let dir = config.ledger.dir.display();
    lines.push(format!("  reading    http://{reading}/readyz  http://{reading}/metrics"));
    lines.push(format!("  console    http://{reading}/audit"));
    lines.push(format!("  log        http://{reading}/v1/admin/audit"));
    let token = config.ledger.dir.join(BOOTSTRAP_FILE);
    if token.is_file() {
        let said = match is_revoked(&config.ledger.dir) {
            true => "it is revoked, and its file can go",
            false => "owner; revoke it when you have others",
        };
        lines.push(format!("  token      {} ({said})", token.display()));
    }
    let (ledger, events) = match &config.ledger.postgres {
        Some(postgres) => (postgres.target.to_string(), format!("{dir} --ledger URL")),
        None => (format!("{dir}/ledger.db"), dir.to_string()),
    };
    lines.push(format!("  ledger     {ledger} (writer `{}`)", config.ledger.writer));
    lines.push(match &config.rules_dir {
        Some(rules) => format!("  rules      {} and the shipped ones", rules.display()),
        None => "  rules      the shipped ones".to_owned(),
    });
    lines.push(format!("  events     countersign query --data {events}"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::bootstrap;
    use crate::clock::{Clock, SystemClock};

    #[test]
    fn the_banner_does_not_offer_a_token_that_is_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let data = Some(dir.path());
        let config = config::for_upstream("http://127.0.0.1:1", None, data, None).unwrap();
        let said = || {
            let lines = banner(&config);
            lines.lines().find(|line| line.starts_with("  token")).map(str::to_owned)
        };
        assert_eq!(said(), None);
        let now = SystemClock.now();
        let mut access = Access::open(dir.path()).unwrap();
        let file = bootstrap(&mut access, dir.path(), now).unwrap().unwrap();
        let line = |state| Some(format!("  token      {} ({state})", file.display()));
        assert_eq!(said(), line("owner; revoke it when you have others"));
        access.revoke(BOOTSTRAP_NAME, now).unwrap();
        assert_eq!(said(), line("it is revoked, and its file can go"));
    }
}
