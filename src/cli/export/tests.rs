//! Where events begin and end, and what is told.

use std::time::Duration;

use super::progress::{line, size, thousands};
use super::records::Records;
use crate::export::Format;

const ID: &str = "0197c5a0-7b1e-7cc3-98c4-dc0c0c07398f";

/// A file of two events whose texts look like the ends of events.
fn file(format: Format) -> String {
    let event = |more: &str| {
        format!("{{\"id\":\"{ID}\",\"time\":\"2026-07-09T10:00:00.001Z\",\"x\":\"]\\n}},\"{more}}}")
    };
    let row = |act: &str| {
        format!("\"{ID}\",\"{act}\",\"2026-07-09T10:00:00.001Z\",\"a \"\"b\"\"\r\n\"\"\n,\"\r\n")
    };
    let activity =
        |uid: &str| format!("{{\"metadata\":{{\"uid\":\"{ID}{uid}\"}},\"time\":1783591200001}}\n");
    let act = ",\"act\":{\"number\":2,\"of\":3}";
    match format {
        Format::Csv => {
            format!("\u{feff}\"id\",\"act\",\"time\",\"a\r\nb\"\r\n{}{}", row(""), row("2"))
        }
        Format::Json => format!("[\n{},\n{}\n]\n", event(""), event(act)),
        Format::Ndjson => format!("{}\n{}\n", event(""), event(act)),
        Format::Ocsf => format!("{}{}", activity(""), activity(".2")),
        // What interrupted one cannot go on.
        Format::Bundle => String::new(),
    }
}

#[test]
fn events_are_whole_or_not_wherever_a_file_is_cut() {
    for format in Format::ALL {
        let file = file(format).into_bytes();
        let mut whole = vec![0];
        for end in 0..=file.len() {
            let mut records = Records::new(format);
            // In one piece, or in several.
            for piece in file[..end].chunks(1 + end % 7) {
                records.take(piece);
            }
            let last = records.last().map(|last| last.to_string());
            let expected = match records.rows() {
                0 => None,
                1 => Some(format!("1783591200001.{ID}")),
                _ => Some(format!("1783591200001.{ID}.2")),
            };
            assert_eq!(last, expected, "{format:?} {end}");
            assert!(records.whole() as usize <= end, "{format:?} {end}");
            if whole.last() != Some(&records.whole()) {
                whole.push(records.whole());
            }
        }
        assert_eq!(whole.len(), 3, "{format:?}: {whole:?}");
        let separator = if format == Format::Json { b",\n{" as &[u8] } else { b"" };
        assert!(file[whole[1] as usize..].starts_with(separator), "{format:?}");
    }
}

#[test]
fn a_file_without_events_has_no_last_one() {
    for (format, text) in [
        (Format::Csv, "\"id\",\"act\"\r\n\"half"),
        (Format::Json, "[\n]\n"),
        (Format::Ndjson, "{\"id\":\"half"),
        (Format::Ocsf, ""),
    ] {
        let mut records = Records::new(format);
        records.take(text.as_bytes());
        assert_eq!((records.rows(), records.whole()), (0, 0), "{format:?}");
        assert!(records.last().is_none());
    }
}

#[test]
fn what_is_told() {
    let second = Duration::from_secs(1);
    let rows = [
        (line("events", 0, Some(0), 0, Duration::ZERO, None), "0 events · 0 B · 0/s"),
        (line("events", 1500, Some(2048), 500, second, None), "1,500 events · 2.0 KiB · 500/s"),
        (
            line("events", 500, Some(3 << 20), 500, second, Some(1000)),
            "████████████░░░░░░░░░░░░ 50% · 500 of 1,000 events · 3.0 MiB · 500/s · 1 s left",
        ),
        (line("entries", 1500, None, 1500, second, None), "1,500 entries · 1,500/s"),
        // More than there were said to be.
        (line("events", 7, Some(0), 7, second, Some(5)), "7 events · 0 B · 7/s"),
        (line("events", 0, Some(0), 0, second, Some(0)), "0 events · 0 B · 0/s"),
    ];
    for (told, expected) in rows {
        assert_eq!(told, expected);
    }
    let numbers = [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")];
    for (number, expected) in numbers {
        assert_eq!(thousands(number), expected);
    }
    for (bytes, expected) in [(1023, "1023 B"), (1024, "1.0 KiB"), (u64::MAX, "1677721.5 TiB")] {
        assert_eq!(size(bytes), expected);
    }
}
