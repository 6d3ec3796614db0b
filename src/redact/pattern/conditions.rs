//! What must hold of a value beyond its name or its pattern.

use regex_automata::meta::{self, Regex};
use regex_automata::util::syntax;

use super::validate::Validator;

/// The longest form of a value, as it is written.
const SHAPE_BYTES_MAX: usize = 1024;

/// What the compiled form may occupy, in bytes.
const COMPILED_BYTES_MAX: usize = 256 * 1024;

/// Longer values are not tried: they count as ones that fit.
const VALUE_BYTES_MAX: usize = 8 * 1024;

/// A form of values that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// Not a regular expression.
    #[error("it is no regular expression: {0}")]
    Syntax(String),
    /// It fits nothing but a text without characters.
    #[error("it fits the empty text alone, and so no secret")]
    Empty,
    /// Too long, or too large once it is compiled.
    #[error("it is too large")]
    TooLarge,
}

/// Conditions of a rule on the values that it selects. All must hold.
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    shape: Option<Regex>,
    entropy: Option<f64>,
    validators: Vec<Validator>,
}

impl Conditions {
    /// A least entropy in bits a character, and validators.
    pub fn new(entropy: Option<f64>, validators: Vec<Validator>) -> Self {
        Self { shape: None, entropy, validators }
    }

    /// Adds the form, a regular expression, that the whole value must have.
    pub fn shaped(mut self, shape: &str) -> Result<Self, ShapeError> {
        if shape.len() > SHAPE_BYTES_MAX {
            return Err(ShapeError::TooLarge);
        }
        let syntax = syntax::Config::new().unicode(false).utf8(false);
        // By itself first: `)(` must not come to mean something.
        let alone = syntax::parse_with(shape, &syntax)
            .map_err(|error| ShapeError::Syntax(what_is_wrong(&error)))?;
        if alone.properties().maximum_len() == Some(0) {
            return Err(ShapeError::Empty);
        }
        let whole = format!(r"\A(?:{shape})\z");
        let hir = syntax::parse_with(&whole, &syntax)
            .map_err(|error| ShapeError::Syntax(what_is_wrong(&error)))?;
        let config = meta::Config::new().utf8_empty(false).nfa_size_limit(Some(COMPILED_BYTES_MAX));
        let regex = Regex::builder().configure(config).build_from_hir(&hir);
        self.shape = Some(regex.map_err(|_| ShapeError::TooLarge)?);
        Ok(self)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.shape.is_none() && self.entropy.is_none() && self.validators.is_empty()
    }

    /// Whether all hold of the value.
    pub fn hold(&self, value: &str) -> bool {
        if value.len() > VALUE_BYTES_MAX {
            return true;
        }
        self.entropy.is_none_or(|least| entropy(value) >= least)
            // Blanks around a value are no part of its form.
            && self.shape.as_ref().is_none_or(|shape| {
                shape.is_match(value) || shape.is_match(value.trim())
            })
            && self.validators.iter().all(|validator| validator.accepts(value))
    }
}

/// The parser draws the place in several lines: its last one says what is wrong.
pub(super) fn what_is_wrong(error: &regex_syntax::Error) -> String {
    let drawn = error.to_string();
    let last = drawn.lines().last().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}

/// Shannon's entropy of the bytes, in bits a byte.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of bytes in a short text are far below what a double holds exactly"
)]
pub(super) fn entropy(text: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count += 1;
        }
    }
    let total = text.len() as f64;
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / total);
    shares.map(|share| -share * share.log2()).sum()
}
