//! Objects that say themselves that a value in them is a secret: by a flag, or by what kind of value it
//! is.

use super::glob::squash;
use super::ordinary::is_prose;
use super::pattern::Validator;
use super::walk::{is_one_of, scalar};
use crate::decode::{Node, Number};

/// Members that say that the value beside them is a secret, where they are true.
const MARKS: [&str; 22] = [
    "sensitive",
    "masked",
    "masked_and_hidden",
    "secret",
    "secured",
    "encrypted",
    "confidential",
    "concealed",
    "writeOnly",
    "write_only",
    "isSecret",
    "is_secret",
    "isSecured",
    "is_secured",
    "isSensitive",
    "is_sensitive",
    "isEncrypted",
    "is_encrypted",
    "isPassword",
    "is_password",
    "isConfidential",
    "is_confidential",
];

/// Those that say it of other things as well: of fields of a form, of cookies, of branches.
const SOFT_MARKS: [&str; 6] = ["hidden", "isHidden", "is_hidden", "secure", "private", "protected"];

/// Members that tell what kind of value it is, and the kinds that are secrets, squashed.
const TYPES: [&str; 4] = ["type", "valueType", "value_type", "variableType"];
const SECRET_TYPES: [&str; 8] = [
    "encrypted",
    "sensitive",
    "securestring",
    "secured",
    "secrettext",
    "encryptedtext",
    "password",
    "secret",
];

/// Members that tell it as well, or how it is shown, of which an object may have one for another reason.
const SOFT_TYPES: [&str; 9] = [
    "kind",
    "format",
    "visibility",
    "inputType",
    "input_type",
    "fieldType",
    "field_type",
    "dataType",
    "data_type",
];

/// A type of fields that are not shown, and need not be secrets.
const HIDDEN: &str = "hidden";

/// Members that hold what such an object is about, where it has no `value`.
const HELD: [&str; 9] = [
    "default",
    "defaultValue",
    "default_value",
    "answer",
    "current",
    "content",
    "contents",
    "plain",
    "text",
];

/// Longer words are no types.
const TYPE_BYTES_MAX: usize = 32;

/// How certain it is that the value beside a member is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// It is, whatever it is.
    Any,
    /// If it is a text or a number.
    Scalar,
    /// If it is a text that is more than a word.
    Mixed,
}

impl Mark {
    /// What a member says of the value beside it, if anything.
    pub(super) fn of(last: &str, node: &Node<'_>) -> Option<Self> {
        if is_true(node) {
            if is_one_of(last, &MARKS) {
                return Some(Self::Any);
            }
            return is_one_of(last, &SOFT_MARKS).then_some(Self::Mixed);
        }
        let Node::String(text) = node else { return None };
        let is_firm = is_one_of(last, &TYPES);
        if text.len() > TYPE_BYTES_MAX || !is_firm && !is_one_of(last, &SOFT_TYPES) {
            return None;
        }
        let mut squashed = String::new();
        squash(text, &mut squashed);
        match SECRET_TYPES.contains(&squashed.as_str()) {
            true if is_firm => Some(Self::Any),
            true => Some(Self::Scalar),
            false => (squashed == HIDDEN).then_some(Self::Mixed),
        }
    }

    /// Whether it says so of this value.
    pub(super) fn holds_of(self, node: &Node<'_>) -> bool {
        let is_more = |text: &str| {
            Validator::NotWord.accepts(text) && text.bytes().any(|byte| !byte.is_ascii_digit())
        };
        match self {
            Self::Any => true,
            Self::Scalar => scalar(node).is_some(),
            Self::Mixed => scalar(node).is_some_and(|text| is_more(&text)),
        }
    }
}

/// Whether a member holds what an object that says so is about: a text, and no sentence.
pub(super) fn is_held(name: &str, node: &Node<'_>) -> bool {
    is_one_of(name, &HELD) && scalar(node).is_some_and(|text| !text.is_empty() && !is_prose(&text))
}

fn is_true(node: &Node<'_>) -> bool {
    match node {
        Node::Bool(flag) => *flag,
        Node::Number(Number::Integer(number)) => number.to_string() == "1",
        Node::String(text) => is_one_of(text, &["true", "yes", "1"]),
        _ => false,
    }
}
