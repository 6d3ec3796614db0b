//! `countersign coverage`: what no rule names, with rules to paste, and rules that never matched.

mod show;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::check::DEFAULT_CONFIG;
use super::query::BadOption;
use super::query::open::{Patience, open};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::config::{Examined, examine};
use crate::derive::{EventRules, Kind, Place, named};
use crate::index::{Condition, Index, Row, Unnamed};
use crate::problem::Problems;
use crate::query::{self, EventError};
use crate::record::{Actor, ActorKind, RequestRecord};
use crate::rules::{self, Pack, RuleSet, Suggester};
use crate::store::LedgerReader;

/// Where the ledger is if nothing says so.
const DEFAULT_DATA: &str = "countersign-data";

/// More routes than this are not looked at.
const ROUTES_MAX: u32 = 2_000;

/// Show which mutations no rule names, with rules to paste, and which rules never matched
///
/// Looks at the events of a ledger, and at the rules in force now: a route that they name by now is
/// counted as such. Works while the proxy runs and when it does not.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The directory of the ledger [default: that of the configuration, or countersign-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The configuration that names the rules [default: config/countersign.yaml if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The rule files of this directory, instead of the one that the configuration names
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// From this time on: RFC 3339, or 1h, 24h, 7d, 30d, 90d ago
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this time: RFC 3339, or a span ago
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// At most so many routes
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// One JSON document
    #[arg(long, conflicts_with = "yaml")]
    json: bool,
    /// Only the rules to paste, as a rule file
    #[arg(long)]
    yaml: bool,
}

const AFTER_HELP: &str = "\
Examples:
  countersign coverage --since 7d
  countersign coverage --config config/countersign.yaml
  countersign coverage --yaml > rules.d/new.yaml; countersign rules check rules.d
  countersign coverage --json | jq -r '.never_matched[].id'

Exit codes: 0 shown; 1 the ledger, the configuration or the rules have problems; 2 the command line.";

/// What is known of a ledger and of the rules.
struct Coverage {
    /// Routes that no rule names.
    unnamed: Vec<Route>,
    /// Routes that no rule named when the events came, and one names now: the rule, and how many.
    named_now: BTreeMap<String, u64>,
    /// There are more than were looked at.
    more: bool,
    rules: usize,
    never: Vec<Never>,
    operations: usize,
    /// Of documents' operations so many named an event.
    operations_seen: usize,
    notes: Vec<String>,
}

/// A route that no rule names.
struct Route {
    seen: Unnamed,
    /// The id of its newest event.
    example: String,
    /// A rule for it, if one can be written that is not there already.
    yaml: Option<String>,
}

/// A rule that never matched.
struct Never {
    id: String,
    methods: Vec<String>,
    path: String,
    place: Option<(String, u64)>,
}

/// Runs the subcommand.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let conditions = conditions(args, SystemClock.now())?;
    let (rules, dir) = match in_force(args) {
        Ok(found) => found,
        Err(problems) => {
            writeln!(out, "{problems}")?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    let coverage = runtime.block_on(async {
        let (mut reader, mut index, note) = open(&dir, &Patience::DEFAULT).await?;
        let mut coverage = coverage(&mut reader, &mut index, &rules, &conditions, args.limit).await;
        if let Ok(coverage) = &mut coverage {
            coverage.notes.extend(note);
        }
        index.close().await.ok();
        reader.close().await.ok();
        coverage
    })?;
    if args.json {
        show::json(&coverage, out)?;
    } else {
        for note in &coverage.notes {
            eprintln!("note: {note}");
        }
        match args.yaml {
            true => show::yaml(&coverage, out)?,
            false => show::text(&coverage, out)?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn conditions(args: &Args, now: Timestamp) -> Result<Vec<Condition>, BadOption> {
    let given = [("since", &args.since), ("until", &args.until)];
    let given = given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    let search = query::parse(given, now).map_err(|error| BadOption(error.with_remedy()))?;
    Ok(search.conditions)
}

/// The rules, and the directory of the ledger.
fn in_force(args: &Args) -> Result<(RuleSet, PathBuf), Problems> {
    let default = Path::new(DEFAULT_CONFIG);
    let file = args.config.as_deref().or_else(|| default.exists().then_some(default));
    let config = match file.map(examine) {
        Some(Examined::Fine(config)) => Some(config),
        // What else is wrong with it is the business of `countersign check`.
        Some(Examined::Wrong { understood: Some(config), .. }) => Some(config),
        Some(Examined::Wrong { problems, understood: None }) => return Err(problems),
        None => None,
    };
    let (dir, packs, ledger) = match config {
        Some(config) => (config.rules_dir, config.packs, Some(config.ledger.dir)),
        None => (None, Pack::DEFAULT.to_vec(), None),
    };
    let rules = rules::load(args.rules.as_deref().or(dir.as_deref()), &packs)?;
    let data = args.data.clone().or(ledger);
    Ok((rules, data.unwrap_or_else(|| PathBuf::from(DEFAULT_DATA))))
}

async fn coverage(
    reader: &mut LedgerReader,
    index: &mut Index,
    rules: &RuleSet,
    conditions: &[Condition],
    limit: usize,
) -> anyhow::Result<Coverage> {
    let events = rules.events();
    let mut suggester = Suggester::beside(rules);
    let seen = index.unnamed(conditions, ROUTES_MAX + 1).await?;
    let mut more = seen.len() > ROUTES_MAX as usize;
    let mut unnamed = Vec::new();
    let mut named_now = BTreeMap::new();
    for seen in seen.into_iter().take(ROUTES_MAX as usize) {
        if unnamed.len() == limit {
            more = true;
            break;
        }
        let Some(row) = index.example(&seen, conditions).await? else { continue };
        let request = request(reader, &row).await?;
        match rule_for(&events, &request) {
            Some(rule) => *named_now.entry(rule).or_insert(0) += seen.events,
            None => {
                let yaml = suggester.suggest(&request);
                unnamed.push(Route { seen, example: row.id, yaml });
            }
        }
    }
    let named = index.named(conditions).await?;
    let matched =
        |id: &str| named.iter().any(|named| named.rule == id) || named_now.contains_key(id);
    let never = events.iter().filter(|rule| !matched(&rule.id)).map(|rule| Never {
        id: rule.id.clone(),
        methods: rule.methods.clone(),
        path: rule.path.as_str().to_owned(),
        place: rules.event(&rule.id).map(|(file, line)| (file.display().to_string(), line)),
    });
    let mut never: Vec<Never> = never.collect();
    never.sort_by(|a, b| (&a.place, &a.id).cmp(&(&b.place, &b.id)));
    let operations_seen = named.iter().filter(|named| named.rule.contains('#')).count();
    Ok(Coverage {
        unnamed,
        named_now,
        more,
        rules: events.len(),
        never,
        operations: events.operations(),
        operations_seen,
        notes: Vec::new(),
    })
}

/// The request of an event, as it is on record.
async fn request(reader: &mut LedgerReader, row: &Row) -> Result<RequestRecord, EventError> {
    Ok(RequestRecord::of_event(&query::event(reader, row).await?))
}

/// The rule that names such a request now.
fn rule_for(events: &EventRules, request: &RequestRecord) -> Option<String> {
    let actor = Actor::unknown(ActorKind::Anonymous);
    let host = request.headers.get("host").and_then(|host| host.as_str().map(ToOwned::to_owned));
    let host = host.unwrap_or_default();
    let place = Place { rules: events, host: &host, kind: Kind::Admin };
    named(request, &actor, &place).rule().map(ToOwned::to_owned)
}
