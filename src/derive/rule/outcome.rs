//! How a rule wants responses to be understood.

use serde_json::Value as Json;

use super::super::body::Value;
use super::template::Template;
use crate::decode::Number;
use crate::record::{Outcome, ResponseRecord};
use crate::redact::JsonPath;

/// Steps that finding one value may take.
const WORK_MAX: usize = 100_000;

/// Statuses from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statuses(pub u16, pub u16);

/// What a value of a body must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    /// There, and not `null`.
    Present,
    /// Not there, or `null`.
    Absent,
    /// This text, number or boolean.
    Is(Json),
}

/// When a response holds for it, the exchange ended so.
#[derive(Debug, Clone, PartialEq)]
pub struct OutcomeRule {
    /// One of these; any if empty.
    pub statuses: Vec<Statuses>,
    /// All of these.
    pub body: Vec<(JsonPath, Expectation)>,
    /// How it ended.
    pub is: Outcome,
    /// Why, in a word.
    pub reason: Option<Template>,
}

impl OutcomeRule {
    /// Whether it speaks of this response.
    pub(in crate::derive) fn holds(
        &self,
        response: &ResponseRecord,
        body: Option<&Value<'_>>,
    ) -> bool {
        let within = |range: &Statuses| (range.0..=range.1).contains(&response.status);
        (self.statuses.is_empty() || self.statuses.iter().any(within))
            && self.body.iter().all(|(path, expected)| expected.holds(path, body))
    }
}

impl Expectation {
    fn holds(&self, path: &JsonPath, body: Option<&Value<'_>>) -> bool {
        let mut work = WORK_MAX;
        let found = match body.map(|body| path.select(body, &mut work)) {
            Some(Ok(found)) => found.into_iter().find(|value| **value != Value::Null),
            None => None,
            // What could not be found out holds neither way.
            Some(Err(_)) => return false,
        };
        match (self, found) {
            (Self::Present, found) => found.is_some(),
            (Self::Absent, found) => found.is_none(),
            (Self::Is(Json::String(expected)), Some(Value::String(text))) => expected == text,
            (Self::Is(Json::Bool(expected)), Some(Value::Bool(value))) => expected == value,
            (Self::Is(Json::Number(expected)), Some(Value::Number(number))) => {
                same(expected, number)
            }
            _ => false,
        }
    }
}

fn same(expected: &serde_json::Number, number: &Number<'_>) -> bool {
    match (expected.as_i64(), number) {
        (Some(expected), Number::Integer(value)) => expected == *value,
        _ => {
            let value = number.to_string().parse::<f64>();
            value.is_ok_and(|value| expected.as_f64() == Some(value))
        }
    }
}
