//! HTTP archives (HAR 1.2), as browsers and proxies export them.
//!
//! Entries are found first and read one by one, so that a broken one hides no other. What an error
//! says of a file never repeats what stands in it.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::body::{self, Found};
use super::exchange::{Exchange, Reply, fields, split_target};
use crate::problem::Problem;

/// More entries than a person can read are a mistake, and a hostile file has millions.
const ENTRIES_MAX: usize = 100_000;

const REMEDY: &str = "export the traffic as HAR 1.2 (browser: developer tools, Network, save all as \
                      HAR; mitmproxy: `save.har`)";

/// The entries of an archive, unread.
pub(super) struct Archive<'f> {
    file: &'f Path,
    text: &'f str,
    entries: Vec<&'f RawValue>,
}

#[derive(Deserialize)]
struct File<'f> {
    #[serde(borrow)]
    log: Log<'f>,
}

#[derive(Deserialize)]
struct Log<'f> {
    #[serde(borrow, deserialize_with = "bounded")]
    entries: Vec<&'f RawValue>,
}

fn bounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'de RawValue>, D::Error> {
    struct Bounded;
    impl<'de> Visitor<'de> for Bounded {
        type Value = Vec<&'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {ENTRIES_MAX} entries")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = list.next_element()? {
                if entries.len() == ENTRIES_MAX {
                    return Err(serde::de::Error::invalid_length(ENTRIES_MAX + 1, &self));
                }
                entries.push(entry);
            }
            Ok(entries)
        }
    }
    deserializer.deserialize_seq(Bounded)
}

impl<'f> Archive<'f> {
    /// Finds the entries.
    pub(super) fn open(file: &'f Path, text: &'f str) -> Result<Self, Problem> {
        // Some tools begin their files with a byte order mark.
        let text = text.trim_start_matches('\u{feff}');
        match serde_json::from_str::<File<'f>>(text) {
            Ok(found) => Ok(Self { file, text, entries: found.log.entries }),
            Err(error) => Err(problem(file, &error, (1, 1), "the file is no HTTP archive")),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The entries in their order, each read when its turn comes.
    pub(super) fn entries(&self) -> impl Iterator<Item = (usize, Result<Exchange, Problem>)> {
        let mut place = (0, 1, 1);
        self.entries.iter().enumerate().map(move |(position, entry)| {
            let offset =
                (entry.get().as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize);
            place = moved(self.text, place, offset);
            let (_, line, column) = place;
            (position + 1, self.read(position + 1, entry, (line, column)))
        })
    }

    fn read(&self, number: usize, raw: &RawValue, at: (u64, u64)) -> Result<Exchange, Problem> {
        let what = format!("entry {number} cannot be understood");
        let entry: Entry = serde_json::from_str(raw.get())
            .map_err(|error| problem(self.file, &error, at, &what))?;
        entry.exchange(number, at.0).map_err(|(message, remedy)| Problem {
            file: self.file.to_owned(),
            line: at.0,
            column: at.1,
            message: format!("entry {number}: {message}"),
            remedy: remedy.to_owned(),
        })
    }
}

/// Goes on from an offset, whose line and column are known, to a later one.
fn moved(text: &str, (from, line, column): (usize, u64, u64), to: usize) -> (usize, u64, u64) {
    let between = text.get(from..to).unwrap_or_default();
    match between.rsplit_once('\n') {
        Some((before, last)) => {
            let lines = before.bytes().filter(|byte| *byte == b'\n').count() as u64 + 1;
            (to, line + lines, last.chars().count() as u64 + 1)
        }
        None => (to, line, column + between.chars().count() as u64),
    }
}

/// What is wrong, without what stands there: the library quotes the values that it did not expect.
fn problem(file: &Path, error: &serde_json::Error, at: (u64, u64), what: &str) -> Problem {
    let (line, column) = match (error.line() as u64, error.column() as u64) {
        (0, _) => at,
        (1, column) => (at.0, at.1 + column.saturating_sub(1)),
        (line, column) => (at.0 + line - 1, column),
    };
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let why = if error.is_data() {
        match (text.starts_with("missing field"), text.rsplit_once(", expected ")) {
            (true, _) => text.replace("missing field", "it lacks"),
            (false, Some((_, expected))) => format!("there should be {expected}"),
            (false, None) => "a value is of another type than it should be".to_owned(),
        }
    } else if error.is_eof() {
        "it ends in the middle".to_owned()
    } else {
        "it is not JSON from here on".to_owned()
    };
    let message = format!("{what}: {why}");
    Problem { file: file.to_owned(), line, column, message, remedy: REMEDY.to_owned() }
}

/// Tools write `null` where the format wants nothing.
fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default, deserialize_with = "nullable")]
    started_date_time: String,
    #[serde(default, deserialize_with = "nullable")]
    time: f64,
    request: HarRequest,
    #[serde(default)]
    response: Option<HarResponse>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarRequest {
    method: String,
    url: String,
    #[serde(default, deserialize_with = "nullable")]
    http_version: String,
    #[serde(default, deserialize_with = "nullable")]
    headers: Vec<Pair>,
    #[serde(default)]
    post_data: Option<PostData>,
    #[serde(default, deserialize_with = "nullable")]
    body_size: f64,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    #[serde(default, deserialize_with = "nullable")]
    value: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    #[serde(default, deserialize_with = "nullable")]
    mime_type: String,
    #[serde(default)]
    text: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    encoding: String,
    #[serde(default, deserialize_with = "nullable")]
    params: Vec<body::Param>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HarResponse {
    #[serde(default, deserialize_with = "nullable")]
    status: f64,
    #[serde(default, deserialize_with = "nullable")]
    headers: Vec<Pair>,
    #[serde(default, deserialize_with = "nullable")]
    content: Content,
    #[serde(default, deserialize_with = "nullable")]
    body_size: f64,
}

#[derive(Default, Deserialize)]
struct Content {
    #[serde(default)]
    text: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    encoding: String,
    #[serde(default, deserialize_with = "nullable")]
    size: f64,
}

/// What is wrong, and what to do about it.
type Fault = (&'static str, &'static str);

impl Entry {
    fn exchange(self, number: usize, line: u64) -> Result<Exchange, Fault> {
        let mut notes = Vec::new();
        let (host, target) = target(&self.request.url)?;
        let named = self.request.headers.iter().find(|pair| {
            pair.name.eq_ignore_ascii_case("host") || pair.name.eq_ignore_ascii_case(":authority")
        });
        let host = named.map_or(host, |pair| pair.value.clone());
        let headers = pairs(&self.request.headers, &mut notes);
        let body = self.request.body(&headers, &mut notes)?;
        let reply = match self.response {
            Some(response) if response.status >= 100.0 => Some(response.reply(&mut notes)?),
            _ => {
                notes.push("there is no response: the request was blocked, or broken off");
                None
            }
        };
        let version = self.request.http_version.to_ascii_lowercase();
        Ok(Exchange {
            before: None,
            after: None,
            number,
            line,
            time: self.started_date_time.parse().ok(),
            duration: Duration::try_from_secs_f64(self.time / 1000.0).unwrap_or_default(),
            method: self.request.method,
            target,
            host,
            version: match version.as_str() {
                "http/1.0" => "1.0",
                "h2" | "http/2" | "http/2.0" | "h3" | "http/3" => "2",
                _ => "1.1",
            },
            headers,
            body,
            reply,
            notes,
        })
    }
}

impl HarRequest {
    fn body(&self, headers: &HeaderMap, notes: &mut Vec<&'static str>) -> Result<Vec<u8>, Fault> {
        let Some(post) = &self.post_data else {
            if self.body_size > 0.0 {
                notes.push("the file does not have the request's body");
            }
            return Ok(Vec::new());
        };
        let text = post.text.as_deref().unwrap_or_default();
        if text.is_empty() && !post.params.is_empty() {
            notes.push("the request's body was put together from its parameters");
            let bytes = body::of_params(&post.params, &post.mime_type);
            return Ok(body::as_sent(headers, bytes, Found::Decoded));
        }
        let (bytes, found) = contents(text, &post.encoding, headers)?;
        Ok(body::as_sent(headers, bytes, found))
    }
}

impl HarResponse {
    fn reply(&self, notes: &mut Vec<&'static str>) -> Result<Reply, Fault> {
        let headers = pairs(&self.headers, notes);
        let text = self.content.text.as_deref().unwrap_or_default();
        if text.is_empty() && self.content.size > 0.0 {
            notes.push("the file does not have the response's body");
        }
        let (bytes, found) = contents(text, &self.content.encoding, &headers)?;
        let body = body::as_sent(&headers, bytes, found);
        let size = headers.contains_key(CONTENT_ENCODING).then_some(self.body_size);
        let size = size.filter(|size| *size > 0.0).map(|size| size as u64);
        Ok(Reply { status: whole(self.status).unwrap_or(0), headers, body, size })
    }
}

fn pairs(pairs: &[Pair], notes: &mut Vec<&'static str>) -> HeaderMap {
    fields(pairs.iter().map(|pair| (pair.name.as_str(), pair.value.as_bytes())), notes)
}

/// The bytes of a text, and whether content encodings are undone in them: browsers undo them, and
/// leave the field that names them.
fn contents(text: &str, encoding: &str, headers: &HeaderMap) -> Result<(Vec<u8>, Found), Fault> {
    match encoding.to_ascii_lowercase().as_str() {
        "base64" => {
            let packed: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            let bytes = STANDARD.decode(packed).map_err(|_| {
                ("a body is said to be base64 and is not", "export the traffic once more")
            })?;
            Ok((bytes, Found::Decoded))
        }
        "" => Ok((body::in_charset(text, headers), Found::Decoded)),
        _ => Err((
            "a body is in an encoding that HAR does not have",
            "`encoding` may be `base64`, or be left out",
        )),
    }
}

fn whole(number: f64) -> Option<u16> {
    (0.0..=999.0).contains(&number).then(|| number.round().to_string().parse().ok()).flatten()
}

/// Host, and path with query, of a URL.
fn target(url: &str) -> Result<(String, String), Fault> {
    let fault = ("its URL has no `http://` or `https://`", "`request.url` must be an absolute URL");
    let (scheme, rest) = url.split_once("://").ok_or(fault)?;
    if !matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https" | "ws" | "wss") {
        return Err(fault);
    }
    Ok(split_target(rest))
}
