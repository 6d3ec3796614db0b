//! Bodies as they were on the wire.
//!
//! Files have them without their content encodings, while the header still names those. What the
//! proxy records is made of both, so that the encodings are done again.

use std::io::Write;

use encoding_rs::Encoding;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use serde::Deserialize;

/// Whether the content encodings of a body are undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// They should be.
    Decoded,
    /// Nobody knows.
    Unknown,
}

/// A field of a form, or a file, as an archive lists it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Param {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    file_name: Option<String>,
    #[serde(default)]
    content_type: Option<String>,
}

/// The body in the encodings that its header names.
pub(super) fn as_sent(headers: &HeaderMap, body: Vec<u8>, found: Found) -> Vec<u8> {
    let looks_packed = body.starts_with(b"\x1f\x8b") || body.starts_with(b"\x28\xb5\x2f\xfd");
    let text = || std::str::from_utf8(&body).is_ok();
    if body.is_empty() || looks_packed || (found == Found::Unknown && !text()) {
        return body;
    }
    let named = headers.get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut packed = body;
    for encoding in named.flat_map(|value| value.split(',')) {
        match pack(&encoding.trim().to_ascii_lowercase(), &packed) {
            Ok(bytes) => packed = bytes,
            // Writing to memory does not fail.
            Err(_) => return packed,
        }
    }
    packed
}

/// The bytes in one encoding; as they are in one that is not known, which is not undone either.
fn pack(encoding: &str, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    match encoding {
        "gzip" | "x-gzip" => {
            let mut out = GzEncoder::new(Vec::new(), Compression::fast());
            out.write_all(bytes)?;
            out.finish()
        }
        "deflate" => {
            let mut out = ZlibEncoder::new(Vec::new(), Compression::fast());
            out.write_all(bytes)?;
            out.finish()
        }
        "br" => {
            let mut out = Vec::new();
            let mut writer = brotli::CompressorWriter::new(&mut out, 4096, 3, 20);
            writer.write_all(bytes)?;
            drop(writer);
            Ok(out)
        }
        "zstd" => zstd::encode_all(bytes, 1),
        _ => Ok(bytes.to_vec()),
    }
}

/// The text in the charset that its header declares: files have it as Unicode.
pub(super) fn in_charset(text: &str, headers: &HeaderMap) -> Vec<u8> {
    let declared = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let charset = declared.and_then(|value| parameter(value, "charset"));
    let encoding = charset.and_then(|label| Encoding::for_label(label.as_bytes()));
    match encoding {
        Some(encoding) if !text.is_ascii() && encoding.output_encoding() == encoding => {
            encoding.encode(text).0.into_owned()
        }
        _ => text.as_bytes().to_vec(),
    }
}

/// A parameter of a media type.
fn parameter<'t>(media_type: &'t str, name: &str) -> Option<&'t str> {
    media_type.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

/// A form, of which only the fields are known.
pub(super) fn of_params(params: &[Param], media_type: &str) -> Vec<u8> {
    let value = |param: &Param| param.value.clone().unwrap_or_default();
    let Some(boundary) = parameter(media_type, "boundary") else {
        let pair = |param: &Param| format!("{}={}", escaped(&param.name), escaped(&value(param)));
        return params.iter().map(pair).collect::<Vec<_>>().join("&").into_bytes();
    };
    let mut body = String::new();
    for param in params {
        let name = quoted(&param.name);
        body.push_str(&format!("--{boundary}\r\nContent-Disposition: form-data; name={name}"));
        if let Some(file) = &param.file_name {
            body.push_str(&format!("; filename={}", quoted(file)));
        }
        if let Some(media_type) = &param.content_type {
            let media_type: String = media_type.chars().filter(|c| !c.is_control()).collect();
            body.push_str(&format!("\r\nContent-Type: {media_type}"));
        }
        body.push_str(&format!("\r\n\r\n{}\r\n", value(param)));
    }
    body.push_str(&format!("--{boundary}--\r\n"));
    body.into_bytes()
}

/// As browsers quote names in multipart bodies.
fn quoted(name: &str) -> String {
    let name = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    format!("\"{name}\"")
}

/// Archives have the fields of forms decoded, or as they were sent: what is encoded stays so.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~%+*".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
