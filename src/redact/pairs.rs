//! Values whose name stands beside them: `{"name": "DB_PASSWORD", "value": …}`, `["password", …]`, and
//! objects that say of themselves that they are a secret.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::carrier::Carrier;
use super::glob::squash;
use super::memo::Role;
use super::routes::is_route_word;
use super::walk::{Members, Walk, is_one_of, is_plain_name, scalar};
use crate::decode::{Node, base64_text, embedded};

/// Members that name what their object is about, and the operations of a JSON Patch.
const NAMING: [&str; 27] = [
    "name",
    "key",
    "k",
    "label",
    "path",
    "type",
    "field",
    "property",
    "attribute",
    "variable",
    "param",
    "parameter",
    "setting",
    "id",
    "title",
    "slug",
    "code",
    "attr",
    "option",
    "macro",
    "env",
    "n",
    "identifier",
    "loc",
    "instancePath",
    "dataPath",
    "propertyPath",
];

/// Those of them that name nothing but a field: what changed is told by these alone.
const FIELDS: [&str; 18] = [
    "name",
    "key",
    "k",
    "field",
    "fieldName",
    "property",
    "attribute",
    "variable",
    "param",
    "parameter",
    "setting",
    "attr",
    "option",
    "identifier",
    "loc",
    "instancePath",
    "dataPath",
    "propertyPath",
];

/// Members that hold the value in such an object.
const VALUED: [&str; 19] = [
    "value",
    "values",
    "val",
    "v",
    "newValue",
    "new_value",
    "oldValue",
    "old_value",
    "newVal",
    "oldVal",
    "stringValue",
    "string_value",
    "valueString",
    "stringData",
    "string_data",
    "data",
    "#text",
    "rejectedValue",
    "rejected_value",
];

/// Those of them that stand beside others, and are about something else then.
const BESIDE: [&str; 2] = ["env", "n"];

/// Members that hold it before and after a change, or that may hold other things as well.
const CHANGES: [&str; 19] = [
    "before",
    "after",
    "from",
    "to",
    "old",
    "new",
    "previous",
    "current",
    "confirm",
    "confirmation",
    "repeat",
    "default",
    "defaultValue",
    "default_value",
    "content",
    "text",
    "with",
    "plain",
    "input",
];

/// What stands before `Name` or `Key`, and `Value`, in the names of such members.
const STEMS: [&str; 13] = [
    "attribute",
    "attr",
    "config",
    "env",
    "field",
    "header",
    "item",
    "option",
    "parameter",
    "param",
    "property",
    "setting",
    "variable",
];

/// Members that say that the value beside them is a secret, where they are true.
const MARKS: [&str; 12] = [
    "sensitive",
    "masked",
    "secret",
    "secured",
    "encrypted",
    "isSecret",
    "is_secret",
    "isSecured",
    "isSensitive",
    "is_sensitive",
    "isEncrypted",
    "is_encrypted",
];

/// Members that tell what kind of value it is, and the kinds that are secrets, squashed.
const TYPES: [&str; 4] = ["type", "valueType", "value_type", "variableType"];
const SECRET_TYPES: [&str; 6] =
    ["encrypted", "sensitive", "securestring", "secured", "secrettext", "encryptedtext"];

/// Longer words in the place of a value are no names of fields.
const FIELD_BYTES_MAX: usize = 32;

/// Longer texts are not taken for names, nor are words with longer numbers.
const WORDED_BYTES_MAX: usize = 64;
const WORD_DIGITS_MAX: usize = 4;

/// What the members of one object say of each other.
#[derive(Default)]
pub(super) struct Pairs {
    /// By what stands before the last part of the members' names: `u[0]` of `u[0][value]`.
    named: BTreeMap<String, Pair>,
    /// The object is a Secret of Kubernetes.
    pub(super) are_a_secret: bool,
}

/// The rules for the values of one name.
#[derive(Default)]
struct Pair {
    value: Option<usize>,
    change: Option<usize>,
}

impl Pairs {
    /// The rule for the value under this member.
    pub(super) fn rule(&self, name: &str, role: Role) -> Option<usize> {
        if self.named.is_empty() {
            return None;
        }
        let (prefix, _) = parts(name);
        let pair = self.named.get(prefix)?;
        if role == Role::Value { pair.value } else { pair.change }
    }

    fn add(&mut self, prefix: &str, value: Option<usize>, change: Option<usize>) {
        if value.is_none() && change.is_none() {
            return;
        }
        let stricter =
            |one: Option<usize>, other: Option<usize>| one.into_iter().chain(other).min();
        let pair = self.named.entry(prefix.to_owned()).or_default();
        pair.value = stricter(pair.value, value);
        pair.change = stricter(pair.change, change);
    }
}

/// The values of an object that may have names beside them, by what stands before: of each the first.
#[derive(Default)]
struct Beside<'m> {
    values: BTreeMap<&'m str, &'m Node<'m>>,
    changes: BTreeMap<&'m str, &'m Node<'m>>,
}

impl<'m> Beside<'m> {
    fn of(members: &'m Members<'m>) -> Self {
        let mut beside = Self::default();
        for (name, node) in members {
            let (prefix, last) = parts(name);
            match role(last) {
                Role::Value => drop(beside.values.entry(prefix).or_insert(node)),
                // What a validation was given may be all of the body.
                Role::Change if is_one_of(last, &["input"]) && scalar(node).is_none() => {}
                Role::Change => drop(beside.changes.entry(prefix).or_insert(node)),
                _ => {}
            }
        }
        beside
    }
}

impl Walk<'_> {
    /// The rules for the values in an object such as `{"name": "DB_PASSWORD", "value": …}`.
    pub(super) fn pairs(&mut self, members: &Members<'_>) -> Pairs {
        let mut pairs = Pairs::default();
        let beside = OnceCell::new();
        for (name, node) in members {
            let (prefix, last) = parts(name);
            if is_true(node) && is_one_of(last, &MARKS) {
                let rule = self.rule(Carrier::Member, "secret", None);
                pairs.add(prefix, rule, None);
            }
            // The place of what is wrong may be a list: `["body", "password"]`.
            let node = match node {
                Node::Array(items) if is_one_of(last, &["loc"]) => items.last().unwrap_or(node),
                _ => node,
            };
            let Node::String(text) = node else { continue };
            if is_one_of(last, &TYPES) && is_secret_type(text) {
                let rule = self.rule(Carrier::Member, "secret", None);
                pairs.add(prefix, rule, None);
            }
            pairs.are_a_secret |= name == "kind" && text == "Secret";
            // A document is no name, whatever names are in it.
            let is_document = || matches!(embedded(text), Some(Node::Object(_) | Node::Array(_)));
            if role(last) != Role::Naming || is_document() {
                continue;
            }
            let beside = beside.get_or_init(|| Beside::of(members));
            let mut rule = |of: &BTreeMap<&str, &Node<'_>>| {
                let value = scalar(of.get(prefix)?);
                // In `pwd=x` there is a name as well, whatever is recorded of `x`.
                let named = text.split('=').next().unwrap_or_default();
                self.rule_of_content(Carrier::Member, named, value.as_deref()).or_else(|| {
                    // Stores whose keys are bytes, such as etcd, write them in base64.
                    let text = base64_text(text)?;
                    self.rule_of_content(Carrier::Member, &text, value.as_deref())
                })
            };
            let value = rule(&beside.values);
            let names_a_field = is_one_of(last, &FIELDS) || stemmed(last) == Role::Naming;
            let change = if names_a_field { rule(&beside.changes) } else { None };
            pairs.add(prefix, value, change);
        }
        pairs
    }

    /// The members of a Secret's data, each with the rule for secrets: their names are anybody's.
    pub(super) fn secret_members(
        &mut self,
        name: &str,
        node: &Node<'_>,
    ) -> BTreeMap<String, usize> {
        let (true, Node::Object(members)) = (is_one_of(name, &["data", "stringData"]), node) else {
            return BTreeMap::new();
        };
        let Some(rule) = self.rule(Carrier::Member, "secret", None) else { return BTreeMap::new() };
        members.iter().map(|(name, _)| (name.to_string(), rule)).collect()
    }

    /// The rule for the second of two in a list: `["password", "x"]`. Lists of names have two as well,
    /// such as `["secrets", "pods/exec"]`, but not those that stand in a list of pairs.
    pub(super) fn pair_in_list(&mut self, items: &[Node<'_>]) -> Option<usize> {
        let [Node::String(name), value] = items else { return None };
        let is_alone = !self.location.ends_with("[*][*]");
        let is_name = |text: &str| {
            text.len() <= FIELD_BYTES_MAX
                && text.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_.".contains(&byte))
        };
        let value = scalar(value).filter(|value| !is_name(value))?;
        if !is_plain_name(name) || is_alone && is_worded(&value) {
            return None;
        }
        self.rule_of_content(Carrier::Member, name, Some(&value))
    }
}

/// What the last part of a name says of its object.
pub(super) fn role(last: &str) -> Role {
    if is_one_of(last, &VALUED) {
        Role::Value
    } else if is_one_of(last, &CHANGES) {
        Role::Change
    } else if is_one_of(last, &NAMING) {
        Role::Naming
    } else {
        stemmed(last)
    }
}

/// Whether a member that names its object may stand beside another one that does.
pub(super) fn may_be_beside(name: &str) -> bool {
    is_one_of(name, &BESIDE)
}

/// `ParameterKey`, `option-name`, `saml:AttributeValue`.
fn stemmed(last: &str) -> Role {
    let last = last.rsplit(':').next().unwrap_or(last);
    if last.len() > FIELD_BYTES_MAX {
        return Role::None;
    }
    let mut squashed = String::new();
    squash(last, &mut squashed);
    let ends = |end: &str| squashed.strip_suffix(end).is_some_and(|stem| STEMS.contains(&stem));
    if ends("name") || ends("key") {
        Role::Naming
    } else if ends("value") {
        Role::Value
    } else {
        Role::None
    }
}

fn is_secret_type(text: &str) -> bool {
    let mut squashed = String::new();
    if text.len() <= FIELD_BYTES_MAX {
        squash(text, &mut squashed);
    }
    SECRET_TYPES.contains(&squashed.as_str())
}

/// Words, as names of fields, of resources and of permissions are made of: `user.email`, `pods/exec`,
/// `s3:PutObject`. One of them may have a number.
fn is_worded(text: &str) -> bool {
    let is_join = |c: char| "/:._-*".contains(c);
    let bare = |word: &str| word.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let is_word = |word: &str| {
        let (letters, digits) = word.split_at(bare(word));
        digits.len() <= WORD_DIGITS_MAX && is_route_word(letters)
    };
    text.len() <= WORDED_BYTES_MAX
        && text.contains(is_join)
        && text.split(is_join).all(is_word)
        && text.split(is_join).filter(|word| bare(word) < word.len()).count() <= 1
}

fn is_true(node: &Node<'_>) -> bool {
    match node {
        Node::Bool(flag) => *flag,
        Node::String(text) => text == "true",
        _ => false,
    }
}

/// What stands before the last part of a name, and that part: `u[0]` and `value` of `u[0][value]`.
pub(super) fn parts(name: &str) -> (&str, &str) {
    let inner = name.strip_suffix(']').and_then(|name| name.rsplit_once('['));
    inner.or_else(|| name.rsplit_once('.')).unwrap_or(("", name))
}
