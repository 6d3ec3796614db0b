//! Values whose name stands beside them: `{"name": "DB_PASSWORD", "value": …}`, `["password", …]`, and
//! objects that say of themselves that they are a secret.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::carrier::Carrier;
use super::glob::squash;
use super::inner::PARAMETERS;
use super::marked::{Mark, is_held};
use super::memo::Role;
use super::routes::is_route_word;
use super::texts::nearest_name;
use super::walk::{Members, Walk, is_one_of, is_plain_name, scalar};
use crate::decode::{Node, base64_text, embedded};

/// Members that name what their object is about, and the operations of a JSON Patch.
const NAMING: [&str; 39] = [
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
    "column",
    "var",
    "tag",
    "entry",
    "header",
    "field_id",
    "fieldId",
    "internal_name",
    "internalName",
    "displayName",
    "display_name",
    "omaUri",
];

/// Those of them that name nothing but a field: what changed is told by these alone.
const FIELDS: [&str; 24] = [
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
    "column",
    "var",
    "field_id",
    "fieldId",
    "internal_name",
    "internalName",
];

/// Members that hold the value in such an object.
const VALUED: [&str; 24] = [
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
    "previousValue",
    "previous_value",
    "prevValue",
    "currentValue",
    "current_value",
];

/// Those of them that stand beside others, and are about something else then.
const BESIDE: [&str; 2] = ["env", "n"];

/// Members that hold it before and after a change, or that may hold other things as well.
const CHANGES: [&str; 21] = [
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
    "contents",
    "answer",
    "text",
    "with",
    "plain",
    "input",
];

/// What stands before `Name` or `Key`, and `Value`, in the names of such members.
const STEMS: [&str; 14] = [
    "attribute",
    "attr",
    "config",
    "env",
    "field",
    "header",
    "item",
    "meta",
    "option",
    "parameter",
    "param",
    "property",
    "setting",
    "variable",
];

/// Members that hold it before and after a change, where nothing but the place of a field tells its name.
const STATES: [&str; 5] = ["before", "after", "old", "new", "previous"];
const POINTERS: [&str; 3] = ["path", "pointer", "propertyPath"];

/// What stands between a name and its value in a condition that is a list.
const OPERATORS: [&str; 16] = [
    "=", "==", "===", "!=", "<>", "eq", "ne", "equals", "is", "in", "not in", "like", "ilike",
    "=like", "=ilike", "contains",
];

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
#[derive(Default, Clone, Copy)]
struct Pair {
    value: Option<usize>,
    change: Option<usize>,
    /// What it was and is, by the place of it.
    state: Option<usize>,
    /// The object says that it is a secret.
    marked: Option<(Mark, usize)>,
}

impl Pairs {
    /// The rule for the value under this member.
    pub(super) fn rule(&self, name: &str, role: Role, node: &Node<'_>) -> Option<usize> {
        if self.named.is_empty() {
            return None;
        }
        let (prefix, last) = parts(name);
        let pair = self.named.get(prefix)?;
        let marked = pair.marked.filter(|(mark, _)| mark.holds_of(node));
        let by_mark = |is_meant: bool| marked.filter(|_| is_meant).map(|(_, rule)| rule);
        // Nothing is no secret.
        if *node == Node::Null {
            return None;
        }
        if role == Role::Value {
            return stricter(pair.value, by_mark(true));
        }
        let is_certain = marked.is_some_and(|(mark, _)| mark != Mark::Mixed);
        let by_mark = by_mark(is_certain && is_held(last, node));
        stricter(stricter(pair.change, pair.state.filter(|_| is_one_of(last, &STATES))), by_mark)
    }

    fn add(&mut self, prefix: &str, more: Pair) {
        let Pair { value, change, state, marked } = more;
        if value.or(change).or(state).is_none() && marked.is_none() {
            return;
        }
        let pair = self.named.entry(prefix.to_owned()).or_default();
        pair.value = stricter(pair.value, value);
        pair.change = stricter(pair.change, change);
        pair.state = stricter(pair.state, state);
        pair.marked = pair.marked.into_iter().chain(marked).min();
    }
}

/// The stricter of two rules.
fn stricter(one: Option<usize>, other: Option<usize>) -> Option<usize> {
    one.into_iter().chain(other).min()
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
            let is_kubernetes = name == "kind" && node.as_str() == Some("Secret");
            if let Some(mark) = Mark::of(last, node).filter(|_| !is_kubernetes) {
                let marked = self.rule(Carrier::Member, "secret", None).map(|rule| (mark, rule));
                pairs.add(prefix, Pair { marked, ..Pair::default() });
            }
            // The place of what is wrong may be a list: `["body", "password"]`.
            let node = match node {
                Node::Array(items) if is_one_of(last, &["loc"]) => items.last().unwrap_or(node),
                _ => node,
            };
            let Some(text) = unwrapped(node).as_str() else { continue };
            pairs.are_a_secret |= is_kubernetes;
            // A document is no name, whatever names are in it.
            let is_document = || matches!(embedded(text), Some(Node::Object(_) | Node::Array(_)));
            if role(last) != Role::Naming || is_document() {
                continue;
            }
            let beside = beside.get_or_init(|| Beside::of(members));
            let is_pointer = is_one_of(last, &POINTERS);
            let mut rule = |of: &BTreeMap<&str, &Node<'_>>, is_pointed: bool| {
                let value = scalar(unwrapped(of.get(prefix)?));
                // In `pwd=x` there is a name as well, whatever is recorded of `x`.
                let named = text.split('=').next().unwrap_or_default();
                // What stands before the last name is where that is.
                let end = named.rsplit(['.', '/', '[', ']']).find(|part| !part.is_empty());
                let named = if is_pointed { end.unwrap_or_default() } else { named };
                self.rule_of_content(Carrier::Member, named, value.as_deref()).or_else(|| {
                    // Stores whose keys are bytes, such as etcd, write them in base64.
                    let text = base64_text(text)?;
                    self.rule_of_content(Carrier::Member, &text, value.as_deref())
                })
            };
            let value = rule(&beside.values, false);
            let names_a_field = is_one_of(last, &FIELDS) || stemmed(last) == Role::Naming;
            let change = if names_a_field { rule(&beside.changes, false) } else { None };
            let state = if is_pointer { rule(&beside.changes, true) } else { None };
            pairs.add(prefix, Pair { value, change, state, marked: None });
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

    /// The rule for the second of two in a list, `["password", "x"]`, or the third of a condition,
    /// `["password", "=", "x"]`, and its place. Lists of names have two as well, such as
    /// `["secrets", "pods/exec"]`, but not those that stand in a list of pairs.
    pub(super) fn pair_in_list(&mut self, items: &[Node<'_>]) -> Option<(usize, usize)> {
        let (name, value) = match items {
            [Node::String(name), value] => (name, value),
            // Of a call: whose, which, and what it is to be.
            [_, Node::String(name), value]
                if is_one_of(nearest_name(&self.location), &PARAMETERS) =>
            {
                (name, value)
            }
            [Node::String(name), Node::String(operator), value]
                if is_one_of(operator.trim(), &OPERATORS) =>
            {
                let told = scalar(value);
                if !is_plain_name(name) || matches!(value, Node::Null | Node::Bool(_)) {
                    return None;
                }
                let rule = self.rule_of_content(Carrier::Member, name, told.as_deref());
                return rule.map(|rule| (2, rule));
            }
            _ => return None,
        };
        let is_alone = !self.location.ends_with("[*][*]");
        let is_name = |text: &str| {
            text.len() <= FIELD_BYTES_MAX
                && text.bytes().all(|byte| byte.is_ascii_alphabetic() || b"-_.".contains(&byte))
        };
        let value = scalar(value).filter(|value| !is_name(value))?;
        if !is_plain_name(name) || is_alone && is_worded(&value) {
            return None;
        }
        let rule = self.rule_of_content(Carrier::Member, name, Some(&value))?;
        Some((items.len() - 1, rule))
    }
}

/// The one attribute that an element of XML is, as in FHIR: `<name value="password"/>`.
fn unwrapped<'n>(node: &'n Node<'n>) -> &'n Node<'n> {
    match node {
        Node::Object(members) => {
            let mut of = members.iter();
            match (of.next(), of.next()) {
                (Some((name, only)), None) if name == "@value" => only,
                _ => node,
            }
        }
        _ => node,
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

/// What stands before the last part of a name, and that part: `u[0]` and `value` of `u[0][value]`.
pub(super) fn parts(name: &str) -> (&str, &str) {
    let inner = name.strip_suffix(']').and_then(|name| name.rsplit_once('['));
    inner.or_else(|| name.rsplit_once('.')).unwrap_or(("", name))
}
