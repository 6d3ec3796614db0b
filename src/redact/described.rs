//! Objects under the name of a secret that hold none: they say what it looks like, where it is, or
//! whose it is. Names are short, and mean other things as well.

use super::exceptions::Flag;
use super::glob::squash;
use super::memo::About;
use super::ordinary::is_ordinary;
use super::texts::nearest_name;
use super::walk::{Walk, is_one_of, scalar};
use crate::decode::{Node, Number};

/// JSON Schema (2020-12), where it tells nothing but the form of a value.
const SCHEMA: [&str; 9] = [
    "type",
    "format",
    "minLength",
    "maxLength",
    "nullable",
    "writeOnly",
    "readOnly",
    "required",
    "deprecated",
];

/// How OpenAPI says that a credential is sent, and the types of it.
const SCHEME: [&str; 8] =
    ["type", "scheme", "bearerFormat", "in", "name", "description", "flows", "openIdConnectUrl"];
const SCHEMES: [&str; 6] = ["http", "apiKey", "oauth2", "openIdConnect", "mutualTLS", "basic"];

/// What is granted on secrets, in an object of permissions.
const GRANTED: [&str; 8] = ["read", "write", "admin", "none", "maintain", "triage", "pull", "push"];

/// Where a pin is on a page.
const SIDES: [&str; 9] =
    ["top", "bottom", "left", "right", "center", "middle", "start", "end", "auto"];

/// How names end, squashed, under which a resource is named that holds the secret, and how the names of
/// annotations of Kubernetes begin that do so.
const NAMED: [&str; 4] = ["certificatesecret", "certificatessecret", "tlssecret", "pullsecret"];
const ANNOTATION: &str = "kubernetes.io/";
/// Longer labels are none (RFC 1123), nor is what has longer parts with digits in them.
const LABEL_BYTES_MAX: usize = 63;
const LABEL_PART_BYTES_MAX: usize = 6;

/// The types of JSON Schema.
const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "object", "array", "null"];

/// A volume of Kubernetes that shows a Secret.
const VOLUME: [&str; 4] = ["secretName", "defaultMode", "optional", "items"];

/// Which of its members are shown as which files.
const FILES: [&str; 3] = ["key", "path", "mode"];

/// A point, as pins on maps are.
const POINT: [&str; 8] = ["lat", "lng", "lon", "latitude", "longitude", "x", "y", "z"];

/// What tokens of language models are counted as.
const COUNTED: [&str; 16] = [
    "input",
    "output",
    "prompt",
    "completion",
    "total",
    "cached",
    "reasoning",
    "cache_read",
    "cache_write",
    "used",
    "limit",
    "remaining",
    "in",
    "out",
    "max",
    "avg",
];

/// Who, and where, without what with.
const ACCOUNT: [&str; 8] =
    ["username", "user", "host", "hostname", "port", "provider", "region", "database"];

/// No PIN has fewer digits.
const PIN_DIGITS_MIN: usize = 4;

/// Instructions and the names of shares are not longer.
const MNEMONIC_BYTES_MAX: usize = 10;

/// Longer words in addresses may be anything.
const PAGE_WORD_BYTES_MAX: usize = 15;

/// Longer words are no formats, and no names of objects.
const WORD_BYTES_MAX: usize = 63;

impl Walk<'_> {
    /// The rule for a value under a name, by the strictest one that selects it. What shipped rules do not
    /// mean a rule of an operator may.
    pub(super) fn meant(
        &self,
        first: usize,
        name: &str,
        found: &About,
        node: &Node<'_>,
    ) -> Option<usize> {
        if self.is_meant(first, name, node) {
            return Some(first);
        }
        let flag = found.stays.of(node).max(Flag::Shipped);
        self.policy.first_but(&found.rules, self.place, scalar(node).as_deref(), flag)
    }

    /// Whether a value is what a rule selects by its name: shipped ones mean no flags, descriptions,
    /// references and complaints.
    fn is_meant(&self, rule: usize, name: &str, node: &Node<'_>) -> bool {
        let is_other = || {
            is_flag_value(node) && self.policy.goes_in(rule)
                || is_ordinary_there(name, node)
                || is_postal(name, node) && is_of_address(nearest_name(&self.location))
                || is_granted(node) && nearest_name(&self.location).ends_with("ermissions")
                || is_described(name, node)
                || is_reference(name, node)
                || self.is_complaint(node)
                || self.is_error_code(name, node)
        };
        !(self.policy.is_shipped(rule) && is_other())
    }
}

/// Names of secrets that are names of something else as well, by what stands under them: what was tested,
/// where somebody works, an instruction of a machine; and the address of a page.
fn is_ordinary_there(name: &str, node: &Node<'_>) -> bool {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    match node {
        // No password and no PIN is a number of so few digits, and `0017` is none in JSON.
        Node::Number(Number::Integer(number)) if is("pass") || is("pin") => {
            number.to_string().len() < PIN_DIGITS_MIN
        }
        Node::String(text) if is("pwd") => is_directory(text),
        Node::String(text) if is("mnemonic") => {
            text.len() <= MNEMONIC_BYTES_MAX && text.bytes().all(|byte| byte.is_ascii_uppercase())
        }
        Node::String(text) if is("pin") => {
            text.split('-').all(|word| is_one_of(word, &SIDES)) && !text.is_empty()
        }
        // What a link is called.
        Node::String(text) if is("forgot_password") || is("forgotPassword") => {
            text.ends_with('?') && text.contains(' ') && is_ordinary(text, true)
        }
        Node::String(text) => is_page(text),
        _ => false,
    }
}

fn is_granted(node: &Node<'_>) -> bool {
    node.as_str().is_some_and(|text| GRANTED.contains(&text))
}

/// Six digits, as posts of India have them: a PIN code that is written as one word.
fn is_postal(name: &str, node: &Node<'_>) -> bool {
    let digits = scalar(node);
    name.eq_ignore_ascii_case("pincode")
        && digits.is_some_and(|text| text.len() == 6 && text.bytes().all(|b| b.is_ascii_digit()))
}

fn is_of_address(name: &str) -> bool {
    name.to_ascii_lowercase().contains("address")
}

/// `/home/ada`: words between slashes.
fn is_directory(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(plain);
    let rest = text.strip_prefix('/').unwrap_or_default();
    rest.contains('/') && rest.split('/').all(is_part) && is_ordinary(text, true)
}

/// `https://acme.example/reset`: nothing in it is more than a word.
fn is_page(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |byte: u8| byte.is_ascii_lowercase() || b"./_-".contains(&byte);
    rest.is_some_and(|rest| {
        let words = rest.split(['.', '/', '_', '-']);
        rest.bytes().all(plain) && words.clone().all(|word| word.len() <= PAGE_WORD_BYTES_MAX)
    })
}

/// Yes, no, or nothing: no secret is so short.
fn is_flag_value(node: &Node<'_>) -> bool {
    matches!(node, Node::Bool(_) | Node::Null)
}

/// Whether an object under this name only describes a secret. What it holds is still looked at.
pub(super) fn is_described(name: &str, node: &Node<'_>) -> bool {
    let Node::Object(members) = node else { return false };
    let only = |names: &[&str]| members.iter().all(|(name, _)| is_one_of(name, names));
    if members.is_empty() {
        return false;
    }
    if name.to_ascii_lowercase().ends_with("tokens") && only(&COUNTED) {
        return members.iter().all(|(_, node)| is_number(node));
    }
    // Which key of a Secret holds what, as charts of Helm are told.
    if name == "secretKeys" {
        return members.iter().all(|(name, node)| is_reference(name, node));
    }
    if only(&POINT) {
        return members.len() > 1 && members.iter().all(|(_, node)| is_number(node));
    }
    if only(&SCHEMA) {
        return members.iter().any(|(name, node)| name == "type" && is_type(node))
            && members.iter().all(|(_, node)| is_plain(node));
    }
    if only(&SCHEME) {
        let is_scheme = |node: &Node<'_>| node.as_str().is_some_and(|text| SCHEMES.contains(&text));
        return members.iter().any(|(name, node)| name == "type" && is_scheme(node));
    }
    if only(&VOLUME) {
        return members.iter().all(|(name, node)| match node {
            Node::Array(files) if name == "items" => files.iter().all(is_file),
            _ => is_plain(node),
        });
    }
    name.to_ascii_lowercase().starts_with("credential") && only(&ACCOUNT)
}

/// Whether a value is the id of a secret, by its name or place, and not one: Secrets Manager's `SecretId`
/// is `prod/db`, and the `secret_id` of Vault, which lets one in, is a UUID.
pub(super) fn is_reference(name: &str, node: &Node<'_>) -> bool {
    let Node::String(text) = node else { return false };
    // What the jobs of GitHub may do with tokens.
    if name == "id-token" && is_one_of(text, &["read", "write", "none"]) {
        return true;
    }
    if is_label(text) && is_called(name, text) {
        return true;
    }
    let is_named = name == "SecretId" || name.eq_ignore_ascii_case("secret_id");
    let is_place = || name == "SecretId" || text.contains('/') || text.starts_with("arn:");
    is_named && !text.is_empty() && is_place() && is_ordinary(text, true)
}

/// Whether a name is that of what holds a secret, or of a key in that.
fn is_called(name: &str, text: &str) -> bool {
    if name.contains(ANNOTATION) {
        return true;
    }
    let mut squashed = String::new();
    squash(name, &mut squashed);
    NAMED.iter().any(|end| squashed.ends_with(end))
        || squashed.ends_with("passwordkey") && text.contains("password")
}

/// A name as Kubernetes gives it: small letters, digits and dashes, and nothing that is random.
fn is_label(text: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-./".contains(&byte);
    let is_word = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_lowercase()) || part.len() < LABEL_PART_BYTES_MAX
    };
    !text.is_empty()
        && text.len() <= LABEL_BYTES_MAX
        && text.bytes().all(plain)
        && text.split(['-', '.', '/']).all(is_word)
}

fn is_number(node: &Node<'_>) -> bool {
    matches!(node, Node::Number(Number::Double(_) | Number::Integer(_)))
}

/// A member of a Secret, and the file that shows it.
fn is_file(node: &Node<'_>) -> bool {
    let Node::Object(members) = node else { return false };
    members.iter().all(|(name, node)| {
        is_one_of(name, &FILES)
            && (is_number(node) || node.as_str().is_some_and(|text| is_ordinary(text, true)))
    })
}

fn is_type(node: &Node<'_>) -> bool {
    matches!(node, Node::String(text) if TYPES.contains(&text.as_ref()))
}

/// A flag, a number, or a word as formats and objects are named by.
fn is_plain(node: &Node<'_>) -> bool {
    match node {
        Node::String(text) => {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
            text.len() <= WORD_BYTES_MAX && text.bytes().all(plain)
        }
        Node::Bool(_) | Node::Null => true,
        _ => is_number(node),
    }
}
