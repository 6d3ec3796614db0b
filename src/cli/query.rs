//! `countersign query`: events as a table, JSON lines, or JSON.

mod changed;
pub(super) mod open;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde_json::Value;

use super::place::LedgerArgs;
use super::screen::{self, cell, json_text, printable};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::index::{Facet, Index, IndexedTarget, Page, Row, Search, View};
use crate::problem::nearest;
use crate::query;
use crate::record::Archived;
use crate::store::LedgerReader;
use open::{Patience, open};

/// An option has a value that it cannot have.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct BadOption(pub(super) String);

/// Show events of the audit log, newest first
///
/// Several filters must all hold; one that is given more than once means any of its values.
/// Works while the proxy runs and when it does not, and needs no right to write.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  countersign query --since 24h --outcome failure
  countersign query --action api_key.create --actor ada@example.com --since 30d
  countersign query -q 'ci deploy' --format ndjson | jq .request
  countersign query --id 0197c5a0-7b1e-7cc3-98c4-dc0c0c07398f")]
pub struct QueryArgs {
    /// The directory of the ledger
    #[arg(long, value_name = "DIR", default_value = "countersign-data", conflicts_with = "config")]
    pub data: PathBuf,
    /// A ledger elsewhere
    #[command(flatten)]
    pub at: LedgerArgs,
    /// Which events
    #[command(flatten)]
    pub filters: Filters,
    /// At most so many events [default: 50]
    #[arg(long, value_name = "N")]
    pub limit: Option<String>,
    /// Skip so many events first
    #[arg(long, value_name = "N")]
    pub offset: Option<String>,
    /// Go on where the page before ended
    #[arg(long)]
    pub cursor: Option<String>,
    /// How events are printed
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Which events are meant.
#[derive(Debug, Clone, Default, Args)]
pub struct Filters {
    /// One event in full, by its id (as in the response header Countersign-Event)
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// The action, such as api_key.create; * stands for any characters, as in '*.delete'
    #[arg(long)]
    pub action: Vec<String>,
    /// The category, such as api_key
    #[arg(long)]
    pub category: Vec<String>,
    /// The type of the target, such as api_key
    #[arg(long, value_name = "TYPE")]
    pub resource_type: Vec<String>,
    /// The target's id, or a part of its name ('"…"': all of it)
    #[arg(long)]
    pub target: Option<String>,
    /// A part of the actor's id, name or e-mail address ('"…"': all of it)
    #[arg(long)]
    pub actor: Option<String>,
    /// user, system, api, webhook, agent or anonymous
    #[arg(long, value_name = "TYPE")]
    pub actor_type: Vec<String>,
    /// success, failure, denied, unknown or pending
    #[arg(long)]
    pub outcome: Vec<String>,
    /// info, warn or fail
    #[arg(long)]
    pub severity: Vec<String>,
    /// A scope, such as pool=blue
    #[arg(long, value_name = "NAME=VALUE")]
    pub scope: Vec<String>,
    /// From this time on: RFC 3339, a day (2026-07-01, UTC), or 1h, 24h, 7d, 30d, 90d ago
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Before this time: RFC 3339, a day (its begin), or a span ago
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Words that all occur in the event
    #[arg(short = 'q', long = "text", value_name = "WORDS")]
    pub text: Option<String>,
}

impl Filters {
    /// The parameters that say the same to the grammar.
    pub(super) fn parameters(&self) -> Result<Vec<(String, String)>, BadOption> {
        let mut parameters = Vec::new();
        let repeated = [
            ("action", &self.action),
            ("category", &self.category),
            ("resource_type", &self.resource_type),
            ("actor_type", &self.actor_type),
            ("outcome", &self.outcome),
            ("severity", &self.severity),
        ];
        for (name, values) in repeated {
            parameters.extend(values.iter().map(|value| (name.to_owned(), value.clone())));
        }
        let single = [
            ("id", &self.id),
            ("target", &self.target),
            ("actor", &self.actor),
            ("since", &self.since),
            ("until", &self.until),
            ("q", &self.text),
        ];
        for (name, value) in single {
            parameters.extend(value.iter().map(|value| (name.to_owned(), value.clone())));
        }
        for scope in &self.scope {
            let Some((name, value)) = scope.split_once('=') else {
                let problem = "must have the form NAME=VALUE, such as pool=blue";
                return Err(BadOption(format!("`--scope {}` {problem}", printable(scope))));
            };
            parameters.push((format!("scope.{name}"), value.to_owned()));
        }
        Ok(parameters)
    }
}

/// How events are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// A table for people
    #[default]
    Table,
    /// One JSON object a line, events in full
    Ndjson,
    /// One JSON document, events in full
    Json,
}

impl QueryArgs {
    /// The newest `limit` events of `data` as a table.
    pub fn newest(data: &Path, limit: &str) -> Self {
        Self {
            data: data.to_owned(),
            at: LedgerArgs::default(),
            filters: Filters::default(),
            limit: Some(limit.to_owned()),
            offset: None,
            cursor: None,
            format: Format::default(),
        }
    }
}

/// Runs the subcommand.
pub fn run(args: &QueryArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let search = search(args, SystemClock.now())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start")?;
    runtime.block_on(async {
        let located = args.at.locate(&args.data)?;
        let (mut reader, mut index, notes) = open(&located, &Patience::DEFAULT).await?;
        for note in notes {
            eprintln!("note: {note}");
        }
        doubt(&search);
        if let Some(note) = query::purged_in(&mut index, &search).await {
            eprintln!("note: {note}");
        }
        let page = index.search(&search).await?;
        let printed = print(args, &mut *reader, &mut index, &page, out).await;
        // When this returns, nothing of it is left in the directory. It was only read.
        index.close().await.ok();
        reader.close().await.ok();
        printed
    })
}

/// Says what finds nothing whatever is on record.
pub(super) fn doubt(search: &Search) {
    for doubt in query::doubts_at(search, SystemClock.now()) {
        eprintln!("note: {doubt}");
    }
}

/// Shows what the newest of these events that set something has changed.
pub fn show_changes(args: &QueryArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let search = search(args, SystemClock.now())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let located = args.at.locate(&args.data)?;
        let (mut reader, mut index, _) = open(&located, &Patience::DEFAULT).await?;
        for row in &index.search(&search).await?.rows {
            if changed::print(&query::event(&mut *reader, row).await?, out)? {
                break;
            }
        }
        index.close().await.ok();
        reader.close().await.ok();
        Ok(())
    })
}

/// Answers from elsewhere than a directory's ledger: `data` is not looked at.
pub(super) async fn answer(
    args: &QueryArgs,
    search: &Search,
    reader: &mut dyn LedgerReader,
    index: &mut Index,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let page = index.search(search).await?;
    print(args, reader, index, &page, out).await
}

async fn print(
    args: &QueryArgs,
    reader: &mut dyn LedgerReader,
    index: &mut Index,
    page: &Page,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    if args.filters.id.is_some() {
        return one(reader, index, page, args, out).await;
    }
    match args.format {
        Format::Table if page.rows.is_empty() => {
            writeln!(out, "no events")?;
            for hint in hints(&args.filters, index).await? {
                writeln!(out, "{hint}")?;
            }
        }
        Format::Table => table(page, out)?,
        Format::Ndjson => {
            for row in &page.rows {
                let event = query::event(reader, row).await?;
                writeln!(out, "{}", json_text(&serde_json::to_string(&event)?))?;
            }
        }
        Format::Json => {
            write!(out, "{{\"events\":[")?;
            for (position, row) in page.rows.iter().enumerate() {
                let event = query::event(reader, row).await?;
                let separator = if position == 0 { "\n" } else { ",\n" };
                write!(out, "{separator}{}", json_text(&serde_json::to_string(&event)?))?;
            }
            let next = page.next.as_ref().map(ToString::to_string);
            writeln!(out, "\n],\"next_cursor\":{}}}", Value::from(next))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn search(args: &QueryArgs, now: Timestamp) -> Result<Search, BadOption> {
    let mut parameters = args.filters.parameters()?;
    let page = [("limit", &args.limit), ("offset", &args.offset), ("cursor", &args.cursor)];
    for (name, value) in page {
        parameters.extend(value.iter().map(|value| (name.to_owned(), value.clone())));
    }
    let parameters = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    query::parse(parameters, now).map_err(|error| BadOption(error.with_remedy()))
}

/// What is to be added where an event is not there.
pub(super) async fn gone(reader: &mut dyn LedgerReader, index: &mut Index, id: &str) -> String {
    let Ok(id) = id.parse() else { return String::new() };
    let Some((when, purge)) = query::purge_at(index, reader, id).await else {
        return String::new();
    };
    let archive = match purge.archive {
        Some(Archived { location, .. }) => {
            format!(": try `countersign archive query --from {} --id {id}`", cell(&location))
        }
        None => String::new(),
    };
    format!("; events of its time were purged by the retention policy on {when}{archive}")
}

async fn one(
    reader: &mut dyn LedgerReader,
    index: &mut Index,
    page: &Page,
    args: &QueryArgs,
    out: &mut dyn Write,
) -> anyhow::Result<ExitCode> {
    let Some(row) = page.rows.first() else {
        let id = args.filters.id.as_deref().unwrap_or_default();
        // Other filters may leave out what is there.
        let alone = query::parse([("id", id)], SystemClock.now())?;
        if !index.search(&alone).await?.rows.is_empty() {
            bail!(
                "the event `{id}` is in this ledger, but not what the other filters ask for; leave them out"
            );
        }
        bail!("no event `{id}` is in this ledger{}", gone(reader, index, id).await);
    };
    let event = query::whole(reader, row).await?;
    let text = match args.format {
        Format::Ndjson => serde_json::to_string(&event)?,
        Format::Table | Format::Json => serde_json::to_string_pretty(&event)?,
    };
    writeln!(out, "{}", json_text(&text))?;
    Ok(ExitCode::SUCCESS)
}

/// What no event of the ledger has, of what was asked for, and what was probably meant.
async fn hints(filters: &Filters, index: &mut Index) -> anyhow::Result<Vec<String>> {
    let asked = [
        ("action", Facet::Action, &filters.action),
        ("category", Facet::Category, &filters.category),
        ("resource type", Facet::ResourceType, &filters.resource_type),
    ];
    let mut hints = Vec::new();
    for (name, facet, values) in asked {
        // Not of a pattern.
        let values: Vec<&String> = values.iter().filter(|value| !value.contains('*')).collect();
        if values.is_empty() {
            continue;
        }
        let known = index.facet(facet, &View::Everything, &[], u32::MAX).await?;
        let known: Vec<&str> = known.iter().filter_map(|it| it.value.as_deref()).collect();
        for value in values.into_iter().filter(|value| !known.contains(&value.as_str())) {
            let meant = nearest(value, known.iter().copied());
            let meant =
                meant.map_or_else(String::new, |it| format!("; did you mean `{}`?", cell(it)));
            hints.push(format!("no event has the {name} `{}`{meant}", cell(value)));
        }
    }
    Ok(hints)
}

fn table(page: &Page, out: &mut dyn Write) -> anyhow::Result<()> {
    let head = ["TIME", "ACTION", "ACTOR", "TARGET", "OUTCOME", "DESCRIPTION"];
    writeln!(out, "{}", screen::table(head, page.rows.iter().map(cells)))?;
    if let Some(next) = &page.next {
        writeln!(out, "\nolder events: --cursor {next}")?;
    }
    Ok(())
}

fn cells(row: &Row) -> [String; 6] {
    let time = chrono::DateTime::from_timestamp_millis(row.time_ms).unwrap_or_default();
    let actor = [&row.actor_name, &row.actor_email, &row.actor_id, &row.actor_credential];
    let actor = actor.into_iter().chain([&row.actor_type]);
    let outcome = row.outcome.as_deref().unwrap_or(query::PENDING);
    let outcome = match &row.reason {
        Some(reason) => format!("{outcome} ({reason})"),
        None => outcome.to_owned(),
    };
    [
        time.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        cell(row.action.as_deref().unwrap_or("-")),
        actor_cell(actor.flatten().next(), row.actor_verified),
        cell(&target(&row.targets)),
        cell(&outcome),
        cell(row.description.as_deref().unwrap_or("-")),
    ]
}

/// Who acted; a check mark says that it was proved. What a client chose cannot look like one.
fn actor_cell(actor: Option<&String>, verified: bool) -> String {
    let is_mark = |c| matches!(c, '\u{221a}' | '\u{2600}'..='\u{27bf}' | '\u{1f300}'..='\u{1faff}');
    let mut text = String::new();
    for c in cell(actor.map_or("-", String::as_str)).chars() {
        if is_mark(c) { text.extend(c.escape_unicode()) } else { text.push(c) }
    }
    if verified { format!("{text} ✓") } else { text }
}

fn target(targets: &[IndexedTarget]) -> String {
    let Some(first) = targets.first() else { return "-".to_owned() };
    let name = if first.name.is_empty() { &first.id } else { &first.name };
    let text = format!("{} {name}", first.kind);
    match targets.len() {
        1 => text.trim().to_owned(),
        count => format!("{} +{}", text.trim(), count - 1),
    }
}

#[cfg(test)]
mod tests;
