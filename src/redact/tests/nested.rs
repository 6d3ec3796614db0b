//! Documents in strings, however they stand there.

use std::io::Write as _;

use base64::Engine as _;

use super::*;

const SECRET: &str = "UmbrellaxSunriseemnuxvicq";

fn base64(bytes: impl AsRef<[u8]>) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn wrapped(text: &str, end: &str) -> String {
    let lines: Vec<&[u8]> = text.as_bytes().chunks(64).collect();
    String::from_utf8(lines.join(end.as_bytes())).unwrap()
}

#[test]
fn documents_are_found_behind_what_may_stand_before_them() {
    let nested = json!({"password": {"v": SECRET}, "note": "which is long enough to be wrapped"});
    let nested = nested.to_string();
    let pretty = serde_json::to_string_pretty(&json!({"a": {"client_secret": [SECRET]}})).unwrap();
    let wide: Vec<u8> = nested.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked: Vec<u8> =
        [&[0xfe, 0xff][..], &nested.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>()]
            .concat();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(nested.as_bytes()).unwrap();
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    zlib.write_all(nested.as_bytes()).unwrap();
    for text in [
        format!("\n{nested}"),
        format!(" {nested} "),
        format!("\u{feff}{nested}"),
        format!("\r\n\u{feff}{nested}\0"),
        format!("\n{pretty}\n"),
        format!(r#" {{"name":"password","value":"{SECRET}"}}"#),
        quoted(&nested),
        format!(" {}\n", quoted(&pretty)),
        quoted(&quoted(&nested)),
        quoted(&format!("{{\"recovery_codes\":[\"{SECRET}\"]}}")),
        format!("{nested}\n{{\"a\":1}}\n"),
        format!("{{\"a\":1}}\n{nested}\n"),
        format!("{{\"a\":1}}\u{1e}{nested}"),
        format!(")]}}',\n{nested}"),
        format!("for(;;);{nested}"),
        format!("cb({nested});"),
        format!("2026-11-21 INFO body={nested} done"),
        format!("INFO body={} done", quoted(&nested)),
        format!("INFO [1] {{x}} {{\"a\":1}} args=[[\"--password\",\"{SECRET}\"]]"),
        format!("\n<user mdp=\"{SECRET}\"/>"),
        format!("<a>\n  {pretty}\n</a>"),
        format!("<a><![CDATA[\n  {nested}\n]]></a>"),
        format!(" data:application/json;base64,{}", base64(&nested)),
        base64(format!("{nested}\0\0")),
        format!("\n  {}\n", wrapped(&base64(&nested), "\r\n    ")),
        wrapped(&base64(&nested), "\n\t"),
        base64(&wide),
        base64(&marked),
        base64(gzip.finish().unwrap()),
        base64(zlib.finish().unwrap()),
    ] {
        let record = record("/", &[JSON], json!({"n": text}).to_string().as_bytes());
        assert!(!stored(&record).contains(SECRET), "{text}\n{}", stored(&record));
        assert!(!stored(&record).contains(&base64(SECRET)), "{text}");
        let shown = record.body.unwrap().value();
        assert_ne!(shown, json!({"n": text}), "{text}");
        let again = super::record("/", &[JSON], shown.to_string().as_bytes());
        assert_eq!(again.body.unwrap().value(), shown, "{text}");
    }
}

#[test]
fn texts_with_documents_stay_as_they_are() {
    for text in [
        "\n{\"a\": 1}",
        "\"{\\\"a\\\": 1}\"",
        "\"quoted\"",
        "\"a\" and \"b\"",
        "INFO body={\"a\": [1, 2]} done {\"b\":",
        "{\"a\": 1}\n{\"b\":  2}\n",
        ")]}',\n{\"a\": 1}",
        "\n<a b=\"c\"/>",
        "dear {name}, [\"a\"] and {\"b\"}",
    ] {
        let body = json!({"n": text});
        let record = record("/", &[JSON], body.to_string().as_bytes());
        assert_eq!(record.body.unwrap().value(), body, "{text}");
        assert!(record.receipts.is_empty() && record.notes.is_empty(), "{text}");
    }
}

#[test]
fn what_stands_around_a_document_is_looked_at_too() {
    let text = format!("password=hunter22 body={{\"pin\":\"{SECRET}\"}} token=abcdefgh x");
    let record = record("/", &[JSON], json!({"n": text}).to_string().as_bytes());
    let shown = "password=*** body={\"pin\":{\"redacted\":\"credential.one_time\"}} token=*** x";
    assert_eq!(record.body.unwrap().value(), json!({"n": shown}));
}

#[test]
fn what_is_too_much_work_is_not_recorded() {
    let text = format!("x {}", "{\"a\":".repeat(50_000));
    let record = record("/", &[JSON], json!({"n": text}).to_string().as_bytes());
    assert_eq!(record.body.unwrap().value(), json!({"n": "***"}));
    assert_eq!(record.notes, ["pattern_limit"]);
}

#[test]
fn escapes_in_escapes_beyond_the_bound_are_not_recorded() {
    let mut text = json!({"name": "ada", "password": "Wq7-Pelikan-48xy"}).to_string();
    let mut pair = "password=Wq7-Pelikan-48xy".to_owned();
    for depth in 1..9 {
        for text in [&mut text, &mut pair] {
            *text = text.bytes().fold(String::new(), |out, byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => {
                    out + &char::from(byte).to_string()
                }
                _ => out + &format!("%{byte:02X}"),
            });
            let body = json!({ "p": text }).to_string();
            let stored = stored(&record("/", &[JSON], body.as_bytes()));
            assert!(!stored.contains("Pelikan"), "{depth} {stored}");
            let form = format!("p={text}");
            let stored = super::stored(&record("/", &[FORM], form.as_bytes()));
            assert!(!stored.contains("Pelikan"), "{depth} {stored}");
        }
    }
}

/// Chats are told by their form, whatever holds the document that they are in.
#[test]
fn chats_inside_of_strings_and_fields_are_summarized() {
    let prompt = "Please tell Mrs Miller that her contract ends";
    let chat = json!({"messages": [{"role": "user", "content": prompt}]}).to_string();
    let encoded = ::base64::Engine::encode(&::base64::prelude::BASE64_STANDARD, &chat);
    let escaped: String = chat.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let part = format!(
        "--B\r\nContent-Disposition: form-data; name=\"request\"\r\n\r\n{chat}\r\n--B--\r\n"
    );
    let cell = format!("id,request\n1,\"{}\"\n", chat.replace('"', "\"\""));
    let variables =
        json!({"query": "mutation($x: String!) { add(x: $x) { id } }", "variables": {"x": chat}});
    let form = format!("payload={escaped}");
    let csv = ("content-type", "text/csv");
    let multipart = ("content-type", "multipart/form-data; boundary=B");
    for (fields, body) in [
        (JSON, json!({"body": chat}).to_string()),
        (JSON, json!({"body": json!({"inner": chat}).to_string()}).to_string()),
        (JSON, json!({"isBase64Encoded": true, "body": encoded}).to_string()),
        (JSON, variables.to_string()),
        (FORM, form),
        (multipart, part),
        (csv, cell),
        (("content-type", "text/plain"), format!("sent: {chat}")),
    ] {
        let record = record("/things", &[fields], body.as_bytes());
        let stored = stored(&record);
        assert!(
            !stored.contains("Miller") && !stored.contains(encoded.get(24..60).unwrap()),
            "{stored}"
        );
        assert!(stored.contains("prompt.form"), "{stored}");
    }
    let in_query = record(&format!("/things?x={escaped}"), &[("x-data", &chat)], b"");
    let stored = stored(&in_query);
    assert!(!stored.contains("Miller"), "{stored}");
}
