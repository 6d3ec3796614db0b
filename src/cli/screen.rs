//! Text that was captured, or may have been, made fit for a terminal.

use comfy_table::{ContentArrangement, Table, presets};

/// A table without lines, as wide as the terminal, whose cells are fit for it.
pub(super) fn table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(head)
        .add_rows(rows);
    table.trim_fmt()
}

/// Whether the terminal could take the character for more than what it shows: controls, marks that
/// reorder or hide text, and line separators.
pub(super) fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// Characters of a captured text that a table shows.
const CELL: usize = 80;

/// The text for one cell of a table: short, and with every hostile character written out. The whole
/// of it is in the other formats.
pub(super) fn cell(text: &str) -> String {
    if text.chars().count() <= CELL {
        return printable(text);
    }
    let start: String = text.chars().take(CELL).collect();
    format!("{}…", printable(&start))
}

/// The text with every hostile character written out.
pub(super) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hostile(c) { safe.extend(c.escape_unicode()) } else { safe.push(c) }
    }
    safe
}

/// JSON text with every hostile character as a JSON escape. Such characters can only be inside
/// strings there, apart from the line breaks of pretty printing. All of them are below U+10000.
pub(super) fn json_text(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if is_hostile(c) && c != '\n' {
            safe.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Goes on to a member in a location: `.name`, or `['odd name']`, as receipts write it.
pub(super) fn push_name(location: &mut String, name: &str) {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !name.is_empty() && name.bytes().all(plain) {
        location.push('.');
        location.push_str(name);
    } else {
        location.push_str("['");
        location.push_str(name);
        location.push_str("']");
    }
}
