//! What is wrong with a path.

/// A path that cannot be used: where, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{expected} at character {at}")]
pub struct JsonPathError {
    /// The character of the path where it goes wrong, from 1.
    pub at: usize,
    /// What should be there.
    pub expected: Expected,
}

/// What should be where a path goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Expected {
    /// A path starts with the document.
    #[error("a path must begin with `$`,")]
    Start,
    /// A path without rests.
    #[error("a `.name`, a `[…]` or the end is missing")]
    Segment,
    /// A name behind a dot.
    #[error("a name or `*` is missing")]
    Name,
    /// A selector in brackets.
    #[error("a quoted name, a number, a slice, `*` or `?` is missing")]
    Selector,
    /// A sign that must be there.
    #[error("a `{0}` is missing")]
    Sign(char),
    /// An integer in the form and the range that RFC 9535 has.
    #[error("a whole number without leading zeroes, up to 2^53 - 1, is missing")]
    Integer,
    /// A number of JSON.
    #[error("a number of JSON is missing")]
    Number,
    /// A character that a string may have.
    #[error("the closing quote, or a character that a quoted text may hold, is missing")]
    Text,
    /// An escape that a string may have.
    #[error("an escape of JSON (of quotes, the same as around the text) is missing")]
    Escape,
    /// A value, a query or a function.
    #[error("a value, a query (`@…`, `$…`) or a function is missing")]
    Operand,
    /// A function that exists.
    #[error("one of the functions `length`, `count`, `match`, `search`, `value` is missing")]
    Function,
    /// Something that holds or does not.
    #[error("a value is no condition: a comparison is missing")]
    Condition,
    /// A value to compare.
    #[error("a condition is no value: a text, a number or a query is missing")]
    Value,
    /// A query that finds one node at most.
    #[error("a query for one node (names and indices alone) is missing")]
    Singular,
    /// A query, as the argument of `count` and `value`.
    #[error("a query is missing")]
    Query,
    /// A regular expression.
    #[error(
        "an I-Regexp (RFC 9485: no `\\d`, `\\w`, `\\b`, lazy or named parts; use `[0-9]`) is missing"
    )]
    Regexp,
    /// A smaller one.
    #[error("a smaller regular expression is missing")]
    SmallRegexp,
    /// Less nesting.
    #[error("it is nested more than 12 deep")]
    Shallower,
    /// A shorter path.
    #[error("it is longer than 2048 bytes")]
    Shorter,
}
