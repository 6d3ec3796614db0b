//! Text inside of strings.

use super::*;

#[test]
fn base64_that_is_text() {
    let rows = [
        ("eyJhIjogMX0", None),
        ("eyJwYXNzIjogMX0=", Some("{\"pass\": 1}")),
        ("eyJwYXNzIjogMX0", Some("{\"pass\": 1}")),
        (" eyJwYXNzIjogMX0=\n", Some("{\"pass\": 1}")),
        ("Pz8/Pj4+w7/Dvz8/", Some("???>>>ÿÿ??")),
        ("Pz8_Pj4-w7_Dvz8_", Some("???>>>ÿÿ??")),
        ("Pz8_Pj4+w7_Dvz8/", None),
        ("internationalization", None),
        ("0123456789abcdef0123456789abcdef", None),
        ("9f86d081-884c-4d63-a0b1-1c2d3e4f5a6b", None),
        ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk", None),
        ("AAECAwQFBgcICQoLDA0ODw==", None),
        ("eyJwYXNzIjog\r\nMX0=\n", Some("{\"pass\": 1}")),
        ("internationalization\nof words", None),
        ("not base64 at all", None),
        ("====================", None),
    ];
    for (text, expected) in rows {
        assert_eq!(base64_text(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn long_strings_are_probed_first() {
    use base64::Engine as _;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let text = "é".repeat(100_000);
    assert_eq!(base64_text(&encode(text.as_bytes())), Some(text.clone()));
    assert_eq!(base64_text(&encode(&[text.as_bytes(), b"\xff"].concat())), None);
    assert_eq!(base64_text(&encode(&vec![0; 1_000_000])), None);
}

#[test]
fn escapes_and_data_urls() {
    let rows = [
        ("%7B%22a%22%3A1%7D", Some("{\"a\":1}")),
        ("100%", None),
        ("%ff", None),
        ("%00", None),
        ("plain", None),
    ];
    for (text, expected) in rows {
        assert_eq!(percent_text(text).as_deref(), expected, "{text}");
    }
    let rows = [
        ("data:,a%20b", Some(("data:", "a b"))),
        (
            "DATA:application/json;base64,eyJwYXNzIjogMX0=",
            Some(("DATA:application/json;base64", "{\"pass\": 1}")),
        ),
        (
            "data:text/plain;base64,eyJwYXNzIjogMX0%3D",
            Some(("data:text/plain;base64", "{\"pass\": 1}")),
        ),
        ("data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==", None),
        ("data:text/plain;base64,***", None),
        ("data:text/plain", None),
        ("database", None),
        ("dat", None),
        ("datä:", None),
    ];
    for (text, expected) in rows {
        let found = data_url(text);
        assert_eq!(found.as_ref().map(|(head, text)| (*head, text.as_str())), expected, "{text}");
    }
}
