//! Captured bytes → one tree, whatever they were encoded in.
//!
//! Owns content encodings, JSON, forms and query strings. Does not know rules, and neither keeps
//! nor prints what it reads.
//!
//! Invariants: decoding is pure and synchronous, never fails and never panics; what cannot be
//! decoded leaves a [`Note`] and no tree, so that only metadata is recorded. Everything is
//! bounded: output of decompression ([`OUTPUT_BYTES_MAX`], [`OUTPUT_RATIO_MAX`]), stacked
//! encodings ([`ENCODINGS_MAX`]), depth ([`DEPTH_MAX`]) and size ([`NODES_MAX`]) of the tree. No
//! length that a peer declares drives an allocation.

mod budget;
mod charset;
mod content;
mod csv;
mod encoding;
mod events;
mod form;
mod graphql;
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
pub use content::{Content, Decoded};
pub use csv::COLUMNS_MAX;
pub use encoding::{ENCODINGS_MAX, OUTPUT_BYTES_FLOOR, OUTPUT_BYTES_MAX, OUTPUT_RATIO_MAX};
pub use form::query;
pub use graphql::{Literal, Value, graphql, is_operation};
pub use json::{DEPTH_MAX, NODES_MAX, json};
pub use multipart::{MULTIPARTS_MAX, PARTS_MAX};
pub use node::{Node, Note};
pub use number::Number;
pub use percent::{percent_decode, percent_decode_lossy};
pub use strings::{BASE64_BYTES_MIN, base64_text, data_url, percent_text};
pub use xml::ATTRIBUTES_MAX;
