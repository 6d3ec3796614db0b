//! The tree, and what can be said about how it was come by.

use std::borrow::Cow;
use std::fmt;

use super::Number;

/// One value of a decoded body. Strings are borrowed from the body where nothing was escaped.
#[derive(Clone, PartialEq)]
pub enum Node<'a> {
    /// JSON `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number, exactly.
    Number(Number<'a>),
    /// Text.
    String(Cow<'a, str>),
    /// A list.
    Array(Vec<Self>),
    /// Members in the order of the body; a name may occur more than once.
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl fmt::Debug for Node<'_> {
    /// Prints the shape only: the values are raw.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Bool(_) => f.write_str("Bool"),
            Self::Number(_) => f.write_str("Number"),
            Self::String(text) => write!(f, "String({} bytes)", text.len()),
            Self::Array(items) => write!(f, "Array({})", items.len()),
            Self::Object(members) => write!(f, "Object({})", members.len()),
        }
    }
}

/// What a reader should know about how a body was decoded, or why it was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Note {
    /// The body went past the capture limit: a part is not parsed.
    Truncated,
    /// There are bytes, but they decode to nothing.
    Empty,
    /// Not gzip, or cut short.
    UndecodableGzip,
    /// Not deflate, or cut short.
    UndecodableDeflate,
    /// Not Brotli, or cut short, or of the large-window variant.
    UndecodableBr,
    /// Not zstd, or cut short, or with a window over 8 MiB.
    UndecodableZstd,
    /// A `Content-Encoding` that is not known here.
    UnsupportedContentEncoding,
    /// More stacked encodings than [`super::ENCODINGS_MAX`].
    TooManyEncodings,
    /// The decompressed body is larger than is allowed.
    DecompressionLimit,
    /// A `Content-Type` whose contents are not looked into.
    UnsupportedContentType,
    /// No `Content-Type`, and it does not look like JSON.
    NoContentType,
    /// Not JSON.
    InvalidJson,
    /// Not a form.
    InvalidForm,
    /// Not UTF-8.
    InvalidUtf8,
    /// Nested deeper than [`super::DEPTH_MAX`].
    TooDeep,
    /// More values than [`super::NODES_MAX`].
    TooManyValues,
    /// Members of the same name in one object are recorded as a list.
    RepeatedNames,
    /// Numbers that a double cannot hold exactly are recorded as strings.
    NumbersAsText,
    /// More secrets than the engine can look for elsewhere: the body is not recorded.
    TooManySecrets,
    /// Searching for what looks like a secret took too much work: texts are not recorded.
    PatternLimit,
}

impl Note {
    /// The name in the record; stable.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Empty => "empty",
            Self::UndecodableGzip => "undecodable_gzip",
            Self::UndecodableDeflate => "undecodable_deflate",
            Self::UndecodableBr => "undecodable_br",
            Self::UndecodableZstd => "undecodable_zstd",
            Self::UnsupportedContentEncoding => "unsupported_content_encoding",
            Self::TooManyEncodings => "too_many_encodings",
            Self::DecompressionLimit => "decompression_limit",
            Self::UnsupportedContentType => "unsupported_content_type",
            Self::NoContentType => "no_content_type",
            Self::InvalidJson => "invalid_json",
            Self::InvalidForm => "invalid_form",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::TooDeep => "too_deep",
            Self::TooManyValues => "too_many_values",
            Self::RepeatedNames => "repeated_names",
            Self::NumbersAsText => "numbers_as_text",
            Self::TooManySecrets => "too_many_secrets",
            Self::PatternLimit => "pattern_limit",
        }
    }
}
