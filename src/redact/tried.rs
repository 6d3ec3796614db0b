//! Rules with a condition on the value, where that stands in a list under the name, or is a member of
//! an object that only adds something to it.

use super::carrier::Carrier;
use super::exceptions::Stays;
use super::inside::is_of_errors;
use super::memo::Role;
use super::ordinary::{has_machine_made, is_ordinary, is_prose};
use super::rule::Side;
use super::walk::{Walk, is_one_of, push_name};
use crate::decode::Node;

/// Numbers in what is said of a value are not longer.
const DIGITS_MAX: usize = 3;

/// Longer texts are no codes of errors.
const CODE_BYTES_MAX: usize = 64;

/// What holds the code of an error, in it.
const CODES: [&str; 7] = ["code", "error_code", "errorCode", "reason", "result", "status", "type"];

impl Walk<'_> {
    /// Tries the rules for a name on what stands in a list or in an object under it.
    pub(super) fn tried(
        &mut self,
        carrier: Carrier,
        (rules, stays): (&[usize], Stays),
        node: &mut Node<'_>,
    ) {
        let length = self.location.len();
        match node {
            Node::Array(items) => {
                self.location.push_str("[*]");
                items.iter_mut().for_each(|item| self.tried_on(carrier, (rules, stays), item));
            }
            Node::Object(members) => {
                for (name, item) in members {
                    if self.about(carrier, name).role == Role::Value {
                        push_name(&mut self.location, name);
                        self.tried_on(carrier, (rules, stays), item);
                        self.location.truncate(length);
                    }
                }
            }
            _ => {}
        }
        self.location.truncate(length);
    }

    fn tried_on(
        &mut self,
        carrier: Carrier,
        (rules, stays): (&[usize], Stays),
        node: &mut Node<'_>,
    ) {
        if matches!(node, Node::Array(_) | Node::Object(_)) {
            return self.tried(carrier, (rules, stays), node);
        }
        if !self.mark(node).kept
            && let Some(rule) = self.first_spared(rules, node, stays)
        {
            self.secret(node, rule);
        }
    }

    /// Whether a value is what an error is called: `{"error": {"code": "E11000_DUPLICATE"}}`.
    pub(super) fn is_error_code(&self, name: &str, node: &Node<'_>) -> bool {
        self.place.side == Side::Response
            && is_one_of(name, &CODES)
            && is_of_errors(&self.location)
            && node.as_str().is_some_and(is_called)
    }

    /// Whether a value says what is wrong with another one, in an object of errors:
    /// `{"errors": {"password": ["is too short"]}}`.
    pub(super) fn is_complaint(&self, node: &Node<'_>) -> bool {
        let says = |node: &Node<'_>| node.as_str().is_some_and(is_said);
        is_of_errors(&self.location)
            && match node {
                Node::Array(items) => !items.is_empty() && items.iter().all(says),
                _ => says(node),
            }
    }
}

/// A name as programs have it, in which nothing is random.
fn is_called(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte);
    text.len() <= CODE_BYTES_MAX
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(is_part)
        && !has_machine_made(text)
}

/// Words that people read, and in them nothing that a password has.
fn is_said(text: &str) -> bool {
    let is_word = |word: &str| {
        let word = word.trim_matches(|c: char| "()\"'.,;:!".contains(c));
        let is_number = word.len() <= DIGITS_MAX && word.bytes().all(|byte| byte.is_ascii_digit());
        let is_letter = |c: char| c.is_alphabetic() || c == '\'' || c == '’' || c == '-';
        let small = word.chars().skip(1).all(|c| !c.is_uppercase());
        is_number || small && word.chars().all(is_letter)
    };
    let begins = text.split_whitespace().any(|word| COMMON.contains(&word));
    (is_prose(text) || text == "can't be blank")
        && begins
        && is_ordinary(text, true)
        && text.split_whitespace().all(is_word)
}

/// Words of what is said of values.
const COMMON: [&str; 20] = [
    "is", "be", "must", "can't", "cannot", "not", "too", "should", "has", "at", "least", "does",
    "doesn't", "may", "was", "are", "and", "contain", "required", "invalid",
];
