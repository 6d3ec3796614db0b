//! What gateways before language models refuse: which rejection an answer is, and what of a stream
//! is an error.
//!
//! Owns the compiled `rejections:` rules and how one is found, what is known of limits, and the watch
//! over streams. Does not know rule files, stores, or the proxy.
//!
//! Rules look at the answer as it came, since what tells rejections apart is often a sentence, and
//! sentences are redacted at these endpoints. What comes out is one of the rules, a code that it names, and the amounts of a
//! limit, and nothing else: neither the answer's text nor the prompt's can leave this module.
//!
//! Invariants: no work grows with more than the product of an answer and the rules; a watch keeps at
//! most [`watch::LINE_BYTES_MAX`] bytes.

mod answer;
mod frames;
mod limit;
mod pattern;
mod rule;
#[cfg(test)]
mod tests;
mod watch;

pub use answer::{Answer, Model, model};
pub use limit::{Limit, Part, Place, limit};
pub use pattern::TextPattern;
pub use rule::{Expected, RejectionRule, Rejections, When};
pub use watch::{LINE_BYTES_MAX, Watch, told};
