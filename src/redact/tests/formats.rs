//! Every format from end to end: what stands under a key is not recorded, what stands beside it is.

use super::*;

const SECRET: &str = "Sw0rdfish-é-99";
const BESIDE: &str = "keep me 77";

/// Records a body and checks that the secret is nowhere and its neighbour is there.
fn check(content_type: &str, body: &[u8]) -> RequestRecord {
    let record = record("/", &[("content-type", content_type)], body);
    let stored = stored(&record);
    let shown = String::from_utf8_lossy(body);
    for needle in [SECRET, "Sw0rdfish", "U3cwcmRmaXNo", "537730726466697368"] {
        assert!(!stored.contains(needle), "{content_type}: {shown}: {stored}");
    }
    assert!(record.body.is_some(), "{content_type}: {shown}: {:?}", record.notes);
    assert!(stored.contains(BESIDE), "{content_type}: {shown}: {stored}");
    assert!(!record.receipts.is_empty(), "{content_type}: {shown}: no receipt");
    record
}

#[test]
fn charsets() {
    let json = format!(r#"{{"password": "{SECRET}", "x": ["{BESIDE}", "a {SECRET} b"]}}"#);
    check("application/json", json.as_bytes());
    let utf16: Vec<u8> = json.encode_utf16().flat_map(u16::to_le_bytes).collect();
    check("application/json; charset=utf-16", &utf16);
    check("application/json", &utf16);
    let latin: Vec<u8> = json.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    check("application/json; charset=iso-8859-1", &latin);
    check(
        "application/x-www-form-urlencoded; charset=iso-8859-1",
        b"password=Sw0rdfish-%E9-99&x=keep+me+77&y=Sw0rdfish-\xe9-99",
    );
}
