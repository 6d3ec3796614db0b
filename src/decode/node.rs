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

impl<'a> Node<'a> {
    /// The first member of this name.
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.members().iter().find(|(other, _)| other == name).map(|(_, node)| node)
    }

    /// The members of an object; nothing has none.
    pub fn members(&self) -> &[(Cow<'a, str>, Self)] {
        if let Self::Object(members) = self { members } else { &[] }
    }

    /// The items, of a list.
    pub fn as_array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The text, of a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// A number of bytes or of items.
    pub(crate) fn count(count: usize) -> Self {
        i64::try_from(count).map_or(Self::Null, |count| Self::Number(Number::Integer(count)))
    }

    /// Levels of lists and objects.
    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Array(items) => 1 + items.iter().map(Node::depth).max().unwrap_or(0),
            Self::Object(members) => {
                1 + members.iter().map(|(_, node)| node.depth()).max().unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// The same tree, borrowing nothing.
    pub(crate) fn into_owned(self) -> Node<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Null => Node::Null,
            Self::Bool(value) => Node::Bool(value),
            Self::Number(Number::Integer(value)) => Node::Number(Number::Integer(value)),
            Self::Number(Number::Double(value)) => Node::Number(Number::Double(value)),
            Self::Number(Number::Text(text)) => Node::Number(Number::Text(own(text))),
            Self::String(text) => Node::String(own(text)),
            Self::Array(items) => Node::Array(items.into_iter().map(Node::into_owned).collect()),
            Self::Object(members) => {
                let own = members.into_iter().map(|(name, node)| (own(name), node.into_owned()));
                Node::Object(own.collect())
            }
        }
    }
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
    /// The body went past the capture limit. A part is not parsed, but for lists of lines and
    /// events, of which those that are complete are.
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
    /// Not a multipart body, or one that readers could take apart differently.
    InvalidMultipart,
    /// Not XML, or with entities that are not XML's own.
    InvalidXml,
    /// XML with a document type, which could define anything.
    XmlDoctype,
    /// Not YAML, or with names that are no text, or with aliases of what they stand in.
    InvalidYaml,
    /// Not TOML.
    InvalidToml,
    /// Not CSV, or without a row of names.
    InvalidCsv,
    /// Not GraphQL.
    InvalidGraphql,
    /// Not UTF-8.
    InvalidUtf8,
    /// A `charset` that is not known here.
    UnsupportedCharset,
    /// Bytes that the declared `charset` does not have.
    InvalidCharset,
    /// Nested deeper than [`super::DEPTH_MAX`].
    TooDeep,
    /// More values than [`super::NODES_MAX`].
    TooManyValues,
    /// The tree would hold more text than [`super::TEXT_RATIO_MAX`] allows.
    TooMuchText,
    /// Reading it would take more steps than [`super::STEPS_RATIO_MAX`] allows, or it is TOML of
    /// more than [`super::TOML_BYTES_MAX`].
    TooMuchWork,
    /// Members of the same name in one object are recorded as a list.
    RepeatedNames,
    /// Numbers that a double cannot hold exactly are recorded as strings.
    NumbersAsText,
    /// A string that was encoded, with a secret in it, is recorded decoded.
    DecodedText,
    /// More secrets than the engine can look for elsewhere: the body is not recorded.
    TooManySecrets,
    /// What the client sent as a credential stands in the path or names who acts as well.
    RedactedByValue,
    /// What stands in the path as an id or a name was sent as a credential as well.
    SecretInPath,
    /// Searching for what looks like a secret took too much work: texts are not recorded.
    PatternLimit,
    /// Finding what the paths of rules select took too much work: the body is not recorded.
    PathLimit,
    /// The size is the one that was declared: the body goes on when this is recorded.
    SizeDeclared,
}

/// See [`Note::RedactedByValue`].
pub const REDACTED_BY_VALUE: &str = "redacted_by_value";

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
            Self::InvalidMultipart => "invalid_multipart",
            Self::InvalidXml => "invalid_xml",
            Self::XmlDoctype => "xml_doctype",
            Self::InvalidYaml => "invalid_yaml",
            Self::InvalidToml => "invalid_toml",
            Self::InvalidCsv => "invalid_csv",
            Self::InvalidGraphql => "invalid_graphql",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::UnsupportedCharset => "unsupported_charset",
            Self::InvalidCharset => "invalid_charset",
            Self::TooDeep => "too_deep",
            Self::TooManyValues => "too_many_values",
            Self::TooMuchText => "too_much_text",
            Self::TooMuchWork => "too_much_work",
            Self::RepeatedNames => "repeated_names",
            Self::NumbersAsText => "numbers_as_text",
            Self::DecodedText => "decoded_text",
            Self::TooManySecrets => "too_many_secrets",
            Self::RedactedByValue => REDACTED_BY_VALUE,
            Self::SecretInPath => "secret_in_path",
            Self::PatternLimit => "pattern_limit",
            Self::PathLimit => "path_limit",
            Self::SizeDeclared => "size_declared",
        }
    }
}
