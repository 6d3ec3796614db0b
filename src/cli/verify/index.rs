//! The search index, held against the ledger.

use std::fmt::Write;
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::cli::export::{Progress, thousands};
use crate::cli::screen::printable;
use crate::follow::Heads;
use crate::index::{Compared, Disagreement, Index};
use crate::store::{INDEX_FILE, LedgerReader};

/// Disagreements that are told one by one.
const TOLD: usize = 20;

/// Holds the index in a directory against the ledger.
pub(super) async fn compared(
    dir: &Path,
    reader: &mut dyn LedgerReader,
) -> anyhow::Result<Compared> {
    let context = || {
        format!(
            "the search index `{}` cannot be compared; where there is none, or one of another version, \
             the proxy and `countersign query` make it",
            dir.join(INDEX_FILE).display()
        )
    };
    let mut index = Index::open_read_only(dir).await.with_context(context)?;
    let mut progress = Progress::new("entries of the index", 0);
    if progress.wants_total() {
        let heads = Heads::now(reader).await?;
        progress.total(heads.0.iter().map(|(_, head)| head).sum());
    }
    let mut tell = |entries| progress.at(entries, None);
    let compared = index.compare(reader, &mut tell).await;
    progress.end();
    compared.with_context(context)
}

pub(super) fn write_text(out: &mut String, compared: &Compared) -> std::fmt::Result {
    let state = if compared.count == 0 { "ok" } else { "WRONG" };
    write!(out, "search index: {state}, {} events compared", thousands(compared.events))?;
    if compared.behind > 0 {
        write!(out, ", {} entries behind the ledger", thousands(compared.behind))?;
    }
    writeln!(out)?;
    for disagreement in compared.disagreements.iter().take(TOLD) {
        writeln!(out, "  {}", printable(&text(disagreement)))?;
    }
    let more = compared.count.saturating_sub(TOLD as u64);
    if more > 0 {
        writeln!(out, "  and {} more", thousands(more))?;
    }
    if compared.count > 0 {
        writeln!(
            out,
            "  what readers are shown is read from the ledger, but what they find is not: stop what uses \
             `{INDEX_FILE}`, delete it, and it is built again"
        )?;
    }
    Ok(())
}

fn text(disagreement: &Disagreement) -> String {
    match &disagreement.event {
        Some(event) => format!(
            "event {} (entry {} of `{}`) {}",
            event.id, event.seq, event.writer, disagreement.what
        ),
        None => disagreement.what.to_string(),
    }
}

pub(super) fn json(compared: &Compared) -> Value {
    let disagreement = |disagreement: &Disagreement| {
        let event = disagreement.event.as_ref();
        json!({
            "id": event.map(|event| event.id.as_str()),
            "writer": event.map(|event| event.writer.as_str()),
            "seq": event.map(|event| event.seq),
            "text": text(disagreement),
        })
    };
    let told: Vec<Value> = compared.disagreements.iter().map(disagreement).collect();
    json!({
        "verdict": if compared.count == 0 { "agrees" } else { "wrong" },
        "events": compared.events,
        "behind": compared.behind,
        "count": compared.count,
        "wrong": told,
    })
}
