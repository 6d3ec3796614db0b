//! An account, for people.

use std::io::{self, Write};

use super::super::screen::{cell, json_text, printable, table};
use super::account::{Account, Receipt};

/// Writes an account.
pub(super) fn show(account: &Account, out: &mut dyn Write) -> io::Result<()> {
    let status = account.status.map_or("no response".to_owned(), |status| status.to_string());
    let Account { number, line, request, recorded, because, route, kind, level, .. } = account;
    writeln!(out, "#{number} (line {line}): {} -> {status}", printable(request))?;
    writeln!(out, "  recorded  {recorded}; {because}")?;
    writeln!(out, "  route     {route} (kind {kind}, level {level})")?;
    for note in &account.file_notes {
        writeln!(out, "  the file  {note}")?;
    }
    if !account.receipts.is_empty() {
        let rows = account.receipts.iter().map(receipt);
        let head = ["REDACTED", "TIMES", "RULE", "DONE", "BY", "RULE IS AT"];
        writeln!(out, "\n{}", table(head, rows))?;
    } else if account.intent.is_some() || account.completion.is_some() {
        writeln!(out, "\n  no rule found anything to redact")?;
    }
    if !account.notes.is_empty() {
        let rows = account.notes.iter();
        let rows =
            rows.map(|noted| [noted.half.to_owned(), noted.note.clone(), noted.meaning.to_owned()]);
        writeln!(out, "\n{}", table(["HALF", "NOTE", "MEANS"], rows))?;
    }
    if !account.derived.is_empty() {
        let rows = account.derived.iter();
        let rows = rows.map(|row| [row.field.clone(), cell(&row.value), printable(&row.from)]);
        writeln!(out, "\n{}", table(["FIELD", "VALUE", "FROM"], rows))?;
    }
    for (name, document) in [("intent", &account.intent), ("completion", &account.completion)] {
        if let Some(document) = document {
            let text = serde_json::to_string_pretty(document)?;
            writeln!(out, "\n{name}\n{}", json_text(&text))?;
        }
    }
    writeln!(out)
}

fn receipt(receipt: &Receipt) -> [String; 6] {
    let place = receipt.place.as_ref();
    [
        printable(&receipt.location),
        receipt.count.to_string(),
        receipt.rule.clone(),
        receipt.action.clone(),
        match receipt.selector {
            "other" => "a value seen elsewhere, or a name beside it".to_owned(),
            selector => selector.to_owned(),
        },
        place.map_or("always on".to_owned(), |(file, line)| format!("{file}:{line}")),
    ]
}
