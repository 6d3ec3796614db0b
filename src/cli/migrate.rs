//! `countersign migrate`: the schema of a ledger in PostgreSQL, and who may read it with SQL.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};

use super::place::target;
use super::scopes;
use crate::config;
use crate::store::{self, PostgresTarget, StoreError};

/// Make or update the schema of a ledger in PostgreSQL
///
/// Run it as the login that shall own the tables, which is not the one of the proxies. Goes forward
/// only, one step in one transaction, and proxies of the version before may go on running. Besides, it
/// makes the roles `countersign_writer`, `countersign_auditor`, `countersign_reader` and
/// `countersign_sight`, if the login may make roles; grant the first to the logins of proxies.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
#[command(group = clap::ArgGroup::new("where").required(true).args(["url", "config", "print"]))]
pub(super) struct Args {
    /// The database: postgres://owner@host/database
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The configuration whose `ledger.postgres` names the database
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only print the SQL of all of it
    #[arg(long, conflicts_with = "reader")]
    print: bool,
    /// Let this login read with SQL; it must exist. Again with other scopes, those hold
    #[arg(long, value_name = "LOGIN")]
    reader: Option<String>,
    /// With --reader: only events of this scope, such as pool=blue; of one name any of the values, of
    /// several names all
    #[arg(long, value_name = "NAME=VALUE", requires = "reader")]
    scope: Vec<String>,
    /// With --reader: every event, and the state of the proxies
    #[arg(long, requires = "reader", conflicts_with = "scope")]
    all_scopes: bool,
}

const AFTER_HELP: &str = "\
Examples:
  countersign migrate --url postgres://audit_owner@db.internal/audit
  psql -c \"CREATE ROLE proxy LOGIN PASSWORD '…' IN ROLE countersign_writer\" audit
  countersign migrate --url postgres://audit_owner@db.internal/audit --reader ada --scope pool=blue
  countersign migrate --print | less

The password can stand in the variable PGPASSWORD.";

/// Runs the subcommand.
pub(super) fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<()> {
    if args.print {
        write!(out, "{}", store::print_schema())?;
        return Ok(());
    }
    let target = database(args)?;
    let reader = match &args.reader {
        Some(login) => Some((login, wanted(args)?)),
        None => None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(store::migrate(&target)).context("the schema is as it was")?;
    match done.from == done.to {
        true => writeln!(out, "the schema is at version {} already", done.to)?,
        false => writeln!(out, "the schema is at version {}; it was at {}", done.to, done.from)?,
    }
    for mended in &done.mended {
        writeln!(out, "mended: {mended}; find out who did that, and run `countersign verify`")?;
    }
    for foreign in &done.foreign {
        writeln!(out, "WARNING: {foreign}; it is left alone: if nobody needs it, drop it")?;
    }
    if !done.roles {
        writeln!(
            out,
            "this login may not make roles, so only it can use the ledger: let a superuser run\n\
             CREATE ROLE countersign_writer; CREATE ROLE countersign_auditor;\n\
             CREATE ROLE countersign_reader; CREATE ROLE countersign_sight ROLE {};\n\
             and run this again",
            target.user
        )?;
    }
    let Some((reader, scopes)) = reader else { return Ok(()) };
    runtime.block_on(store::set_reader(&target, reader, scopes.as_ref())).map_err(|error| {
        let remedy = match error {
            StoreError::Unlimited { .. }
            | StoreError::NoSight { .. }
            | StoreError::NoLogin { .. } => "",
            _ => "; the login must exist",
        };
        anyhow::Error::from(error).context(format!("`{reader}` cannot be made a reader{remedy}"))
    })?;
    match scopes {
        Some(_) => writeln!(
            out,
            "`{reader}` may read what its scopes allow: SELECT * FROM countersign.visible_entries()"
        )?,
        None => writeln!(out, "`{reader}` may read everything with SQL, and with `--ledger`")?,
    }
    Ok(())
}

fn database(args: &Args) -> anyhow::Result<PostgresTarget> {
    if let Some(url) = &args.url {
        return Ok(target("--url", url)?);
    }
    let file = args.config.as_deref().context("name the database with --url or --config")?;
    let config = config::load(file).map_err(|problems| anyhow!("{problems}"))?;
    let postgres = config.ledger.postgres.with_context(|| {
        format!("`{}` has no `ledger.postgres`, so there is no schema to make", file.display())
    })?;
    Ok(postgres.target)
}

/// What a reader shall see; none is everything.
fn wanted(args: &Args) -> anyhow::Result<Option<BTreeMap<String, BTreeSet<String>>>> {
    if args.all_scopes {
        return Ok(None);
    }
    let mut scopes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, value) in scopes::parse(&args.scope)? {
        scopes.entry(name).or_default().insert(value);
    }
    if scopes.is_empty() {
        bail!("with `--reader`, give `--scope NAME=VALUE` or `--all-scopes`");
    }
    Ok(Some(scopes))
}
