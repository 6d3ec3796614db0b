//! The headers of a part.

use crate::decode::media::parameters_of;
use crate::decode::{Note, percent_decode_lossy};

/// Bytes of the headers of one part.
const HEADER_BYTES_MAX: usize = 8 * 1024;

/// Header fields of one part.
const FIELDS_MAX: usize = 16;

/// What the headers of a part tell.
#[derive(Default)]
pub(super) struct PartHeaders {
    /// The field's name.
    pub(super) name: Option<String>,
    /// The name of the file, which may be empty; `None` for what is no file.
    pub(super) filename: Option<String>,
    /// The media type, as sent.
    pub(super) content_type: Option<String>,
    /// The content is encoded in a way of mail, which nobody undoes on the web.
    pub(super) encoded: bool,
}

/// Splits a part into its headers and its content.
pub(super) fn part_headers(part: &[u8]) -> Result<(PartHeaders, &[u8]), Note> {
    let (head, content) = if let Some(content) = part.strip_prefix(b"\r\n") {
        (&[][..], content)
    } else {
        let limit = part.len().min(HEADER_BYTES_MAX);
        let searched = part.get(..limit).unwrap_or(part);
        let end = memchr::memmem::find(searched, b"\r\n\r\n").ok_or(Note::InvalidMultipart)?;
        let content = part.get(end + 4..).unwrap_or_default();
        (part.get(..end).unwrap_or_default(), content)
    };
    let head = std::str::from_utf8(head).map_err(|_| Note::InvalidUtf8)?;
    Ok((fields(head)?, content))
}

fn fields(head: &str) -> Result<PartHeaders, Note> {
    let mut headers = PartHeaders::default();
    let mut dispositions = 0;
    for (position, line) in head.split("\r\n").filter(|line| !line.is_empty()).enumerate() {
        let (name, value) = line.split_once(':').ok_or(Note::InvalidMultipart)?;
        let odd = name.is_empty()
            || !name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            || value.contains(['\r', '\n', '\0'])
            || position >= FIELDS_MAX;
        if odd {
            return Err(Note::InvalidMultipart);
        }
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-disposition" => {
                dispositions += 1;
                disposition(value, &mut headers)?;
            }
            "content-type" if headers.content_type.is_some() => return Err(Note::InvalidMultipart),
            "content-type" => headers.content_type = Some(value.to_owned()),
            "content-transfer-encoding" => {
                let plain = ["7bit", "8bit", "binary"];
                headers.encoded |= !plain.iter().any(|name| name.eq_ignore_ascii_case(value));
            }
            "content-encoding" => headers.encoded = true,
            _ => {}
        }
    }
    if dispositions > 1 { Err(Note::InvalidMultipart) } else { Ok(headers) }
}

/// `form-data; name="a"; filename="b"`. A name that is given twice, or in a form that only some
/// readers know, is as good as none.
fn disposition(value: &str, headers: &mut PartHeaders) -> Result<(), Note> {
    let (_, parameters) = value.split_once(';').unwrap_or((value, ""));
    let mut extended = None;
    for (name, value) in parameters_of(parameters).ok_or(Note::InvalidMultipart)? {
        let slot = match name.as_str() {
            "name" => &mut headers.name,
            "filename" => &mut headers.filename,
            "filename*" => &mut extended,
            _ if name.starts_with("name*") || name.starts_with("filename*") => {
                return Err(Note::InvalidMultipart);
            }
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(Note::InvalidMultipart);
        }
    }
    if let Some(extended) = extended {
        // RFC 8187: charset, language, and the escaped text.
        let text = extended.splitn(3, '\'').nth(2).unwrap_or(&extended);
        headers.filename = Some(percent_decode_lossy(text).into_owned());
    }
    Ok(())
}
