//! Media types with their parameters (RFC 9110, section 8.3), and what is read of each.

use std::fmt;

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use super::Note;

/// The longest media type that is believed, in bytes (RFC 6838, section 4.2).
const MEDIA_TYPE_BYTES_MAX: usize = 255;

/// Parameters that are looked at.
const PARAMETERS_MAX: usize = 16;

/// Suffixes of what is made of lines of JSON: `application/vnd.elasticsearch+x-ndjson`.
const LINES: [&str; 5] = ["+ndjson", "+x-ndjson", "+jsonl", "+json-seq", "+jsonlines"];

/// How a body is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Json,
    JsonLines,
    Form,
    Multipart,
    Xml,
    Yaml,
    Toml,
    Events,
    Graphql,
    Csv,
    /// Only the end of it can be read.
    GrpcWeb,
    /// Plain text: clients send JSON under this type as well.
    Text,
    /// The text of a field.
    PlainText,
    /// A page, which may be JSON all the same.
    Page,
    Unsupported,
    Undeclared,
}

/// A media type: the essence in lower case, and the parameters as sent.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct MediaType {
    essence: String,
    parameters: Vec<(String, String)>,
}

impl fmt::Debug for MediaType {
    /// Without the parameters, which are as sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaType")
            .field("parameters", &self.parameters.len())
            .finish_non_exhaustive()
    }
}

impl MediaType {
    /// The `Content-Type` of a message; `None` where there is none, more than one, or no such thing.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(CONTENT_TYPE).iter();
        let value = values.next()?.to_str().ok()?;
        if values.next().is_some() { None } else { Self::parse(value) }
    }

    /// Reads the value of a `Content-Type` field.
    pub(super) fn parse(value: &str) -> Option<Self> {
        let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
        let parameters = parameters_of(parameters)?;
        let essence = essence.trim();
        let (kind, subtype) = essence.split_once('/')?;
        let well_formed = essence.len() <= MEDIA_TYPE_BYTES_MAX
            && [kind, subtype]
                .iter()
                .all(|part| !part.is_empty() && part.bytes().all(is_name_byte));
        well_formed.then(|| Self { essence: essence.to_ascii_lowercase(), parameters })
    }

    /// Type and subtype, lower case.
    pub(super) fn essence(&self) -> &str {
        &self.essence
    }

    /// The value of a parameter. Where it is given twice and differently, readers disagree on it.
    pub(super) fn parameter(&self, name: &str) -> Result<Option<&str>, Note> {
        let mut values = self.parameters.iter().filter(|(other, _)| other == name);
        let first = values.next().map(|(_, value)| value.as_str());
        if values.any(|(_, value)| Some(value.as_str()) != first) {
            return Err(Note::UnsupportedContentType);
        }
        Ok(first)
    }

    /// How a body of this type is read.
    pub(super) fn kind(&self) -> Kind {
        match self.essence.as_str() {
            // Columns without names.
            "text/csv" if self.parameter("header") == Ok(Some("absent")) => Kind::Unsupported,
            "application/x-www-form-urlencoded" => Kind::Form,
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/jsonlines"
            | "application/json-seq"
            | "application/json-lines"
            | "application/x-json-lines"
            | "application/x-jsonl"
            | "application/x-json-stream"
            | "application/x-ldjson"
            | "text/jsonl"
            | "text/x-ndjson"
            | "application/stream+json" => Kind::JsonLines,
            name if LINES.iter().any(|suffix| name.ends_with(suffix)) => Kind::JsonLines,
            "application/json"
            | "text/json"
            | "application/x-json"
            | "text/x-json"
            // JSON-RPC over HTTP: https://www.simple-is-better.org/json-rpc/transport_http.html
            | "application/json-rpc"
            | "application/jsonrpc"
            | "application/jsonrequest"
            // What browsers report.
            | "application/csp-report"
            | "application/expect-ct-report"
            // Signed manifests of container images.
            | "application/vnd.docker.distribution.manifest.v1+prettyjws" => Kind::Json,
            "text/plain" => Kind::Text,
            "text/html" => Kind::Page,
            "multipart/form-data" | "multipart/mixed" | "multipart/related" => Kind::Multipart,
            "application/xml" | "text/xml" => Kind::Xml,
            name if name.ends_with("+xml") => Kind::Xml,
            "application/yaml" | "application/x-yaml" | "text/yaml" | "text/x-yaml"
            | "text/vnd.yaml" => Kind::Yaml,
            name if name.ends_with("+yaml") => Kind::Yaml,
            "application/toml" | "text/toml" | "text/x-toml" => Kind::Toml,
            "text/event-stream" => Kind::Events,
            "text/csv" | "application/csv" | "text/tab-separated-values" => Kind::Csv,
            "application/graphql" => Kind::Graphql,
            name if name.starts_with("application/grpc-web") => Kind::GrpcWeb,
            // The protocols of AWS (`application/x-amz-json-1.1`), and what Google has besides.
            name if name.ends_with("+json")
                || name.starts_with("application/x-amz-json-")
                || name.starts_with("application/json+") =>
            {
                Kind::Json
            }
            _ => Kind::Unsupported,
        }
    }
}

/// RFC 6838, section 4.2.
fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte)
}

/// `name=value` and `name="value"`; words without a value are passed over. `None` where readers
/// could differ: too many of them, quotes that are not closed, text behind a quoted value.
pub(super) fn parameters_of(text: &str) -> Option<Vec<(String, String)>> {
    let mut parameters = Vec::new();
    let mut rest = text;
    while !rest.trim().is_empty() {
        if parameters.len() >= PARAMETERS_MAX {
            return None;
        }
        let end = rest.find(['=', ';']).unwrap_or(rest.len());
        let (name, after) = rest.split_at_checked(end)?;
        let Some(after) = after.strip_prefix('=') else {
            rest = after.strip_prefix(';').unwrap_or_default();
            continue;
        };
        let (value, after) = value_of(after.trim_start_matches([' ', '\t']))?;
        rest = after;
        parameters.push((name.trim().to_ascii_lowercase(), value));
    }
    Some(parameters)
}

/// A token or a quoted string, and what stands behind the next semicolon.
fn value_of(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(';').unwrap_or((text, ""));
        return Some((value.trim().to_owned(), rest));
    };
    let mut value = String::new();
    let mut chars = quoted.chars();
    loop {
        match chars.next()? {
            '"' => break,
            '\\' => value.push(chars.next()?),
            c => value.push(c),
        }
    }
    let (between, rest) = chars.as_str().split_once(';').unwrap_or((chars.as_str(), ""));
    between.trim().is_empty().then_some((value, rest))
}
