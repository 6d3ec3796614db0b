//! `countersign run`: the main job.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args as ClapArgs;

use crate::access::BOOTSTRAP_FILE;
use crate::config::{self, Address, Config, LogFormat, RouteKind};
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
    /// Where clients connect; port 0 takes a free one [default with --upstream: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS", requires = "upstream")]
    listen: Option<String>,
    /// Where the log is read, /v1/admin/audit, and where operations look: /livez, /readyz, /metrics
    /// [default with --upstream: 127.0.0.1:8090]
    #[arg(long, value_name = "ADDRESS", requires = "upstream")]
    reading: Option<String>,
    /// The directory of the ledger [default with --upstream: countersign-data]
    #[arg(long, value_name = "DIR", requires = "upstream")]
    data: Option<PathBuf>,
    /// A PostgreSQL database that holds the ledger, for example postgres://me@localhost/audit
    /// [default with --upstream: a file in the directory]
    #[arg(long, value_name = "URL", requires = "upstream")]
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
        let kind = match route.kind {
            RouteKind::Admin => "mutations are audited",
            RouteKind::Gateway => "rejections are recorded",
            RouteKind::Bypass => "nothing is recorded",
        };
        let paths = if route.paths.is_empty() { "/".to_owned() } else { route.paths.join(" ") };
        let what = match route.generation {
            true => format!("{paths} where models generate, as POST /v1/chat/completions"),
            false => paths,
        };
        lines.push(format!("  route      {}: {what} ({kind})", route.name));
    }
    let reading = config.reading.address;
    let dir = config.ledger.dir.display();
    lines.push(format!("  reading    http://{reading}/readyz  http://{reading}/metrics"));
    lines.push(format!("  console    http://{reading}/audit"));
    lines.push(format!("  log        http://{reading}/v1/admin/audit"));
    let token = config.ledger.dir.join(BOOTSTRAP_FILE);
    if token.is_file() {
        lines.push(format!(
            "  token      {} (owner; revoke it when you have others)",
            token.display()
        ));
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
