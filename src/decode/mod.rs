//! Captured bytes → one tree, whatever they were encoded in.
//!
//! Owns content encodings, charsets, and the formats of bodies: JSON and lines of it, forms,
//! queries, multipart, XML, YAML, TOML, event streams, CSV, GraphQL, text. Owns what strings can
//! hold as well: base64, escapes, `data:` URLs, GraphQL documents. Does not know rules, and neither
//! keeps nor prints what it reads.
//!
//! Invariants: decoding is pure and synchronous, never fails and never panics; what cannot be
//! decoded, or what readers could take apart differently, leaves a [`Note`] and no tree, so that
//! only metadata is recorded. Nothing is expanded or fetched. Everything is bounded: output of
//! decompression ([`OUTPUT_BYTES_MAX`], [`OUTPUT_RATIO_MAX`]), stacked encodings
//! ([`ENCODINGS_MAX`]), depth of the tree ([`DEPTH_MAX`]), and, by one budget for all parts of a
//! body, its values ([`NODES_MAX`]), its text ([`TEXT_RATIO_MAX`]) and the bytes that are looked at
//! ([`STEPS_RATIO_MAX`]). No length that a peer declares drives an allocation.

mod budget;
mod charset;
mod content;
mod csv;
mod encoding;
mod events;
mod form;
mod fragments;
mod graphql;
mod grpc_web;
mod json;
mod media;
mod multipart;
mod node;
mod number;
mod percent;
mod strings;
mod toml;
mod xml;
mod yaml;
#[cfg(test)]
mod tests;

pub use budget::{STEPS_RATIO_MAX, TEXT_BYTES_FLOOR, TEXT_BYTES_MAX, TEXT_RATIO_MAX};
pub use content::{Content, Decoded, Layout};
pub use csv::{COLUMNS_MAX, embedded_csv};
pub use encoding::{ENCODINGS_MAX, OUTPUT_BYTES_FLOOR, OUTPUT_BYTES_MAX, OUTPUT_RATIO_MAX};
pub use form::query;
pub use fragments::{Fragment, Fragments};
pub(crate) use graphql::{Lexer as GraphqlLexer, Token as GraphqlToken};
pub use graphql::{Literal, Value, aliases, graphql, is_operation};
pub use json::{DEPTH_MAX, NODES_MAX, json};
pub(crate) use json::{json_of_record, plain_length};
pub use multipart::{MULTIPARTS_MAX, PARTS_MAX, embedded_multipart};
pub use node::{Node, Note, REDACTED_BY_VALUE};
pub use number::Number;
pub use percent::{percent_decode, percent_decode_lossy};
pub use strings::{
    BASE64_BYTES_MIN, base64_content, base64_text, data_url, embedded, embedded_yaml, percent_text,
};
pub use toml::TOML_BYTES_MAX;
pub use xml::ATTRIBUTES_MAX;
