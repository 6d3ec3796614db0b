//! The one walk over what was decoded: builds what is recorded, and remembers what was secret.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::inner::is_positional;
use super::key::FingerprintKey;
use super::marker::{dropped, is_redacted, marker};
use super::only::Unlisted;
use super::pattern::WORK_BYTES_MAX;
use super::policy::{Carrier, Place, Policy};
use super::receipts::Receipts;
use super::rule::Action;
use super::seen::{MASK, Search, Seen, ends, is_guessable, is_remembered};
use super::selection::Selection;
use crate::decode::{Node, Note, Number, base64_text, embedded, json};

/// The domain of fingerprints of secrets: one for all carriers, so that the same secret is
/// recognised in a header and in a body.
pub const DOMAIN: &str = "secret";

/// Strings in strings are looked into so many times over.
pub(super) const NESTING_MAX: usize = 3;

/// Longer member names are not spelled out in receipts.
const LOCATION_NAME_BYTES_MAX: usize = 64;

/// Members that name what their object is about: `{"name": "DB_PASSWORD", "value": …}`, and the
/// operations of a JSON Patch.
pub(super) const NAMING: [&str; 12] = [
    "name",
    "key",
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
];

/// Members that hold the value in such an object.
pub(super) const VALUED: [&str; 7] =
    ["value", "values", "val", "newValue", "new_value", "data", "#text"];

/// A walk over one half of an exchange.
pub(super) struct Walk<'e> {
    pub(super) policy: &'e Policy,
    pub(super) key: &'e FingerprintKey,
    pub(super) place: Place,
    pub(super) seen: &'e mut Seen,
    pub(super) receipts: Receipts,
    pub(super) notes: BTreeSet<Note>,
    /// A buffer for names.
    pub(super) scratch: String,
    /// Where the walk is.
    pub(super) location: String,
    /// How many strings it is in.
    pub(super) nesting: usize,
    /// Strings that were masked without a rule, since nobody can say what is in them.
    given_up: usize,
    /// What the patterns may still be given, in bytes.
    pub(super) work: usize,
    /// All secrets of the exchange so far, once they are known.
    pub(super) known: Option<&'e Search<'e>>,
    /// Some rule selects all texts but words.
    pub(super) only_words: bool,
    /// What is walked over is recorded: it is not only looked through for secrets.
    pub(super) recorded: bool,
    /// Something was taken out of a text.
    pub(super) cut: bool,
    /// Members of the next object that a GraphQL document uses as credentials.
    variables: BTreeMap<String, usize>,
    /// What paths select in the body.
    pub(super) selection: Selection,
    /// By what the value where the walk is would not be recorded.
    pub(super) unlisted: Unlisted,
}

impl<'e> Walk<'e> {
    pub(super) fn new(
        policy: &'e Policy,
        key: &'e FingerprintKey,
        place: Place,
        seen: &'e mut Seen,
    ) -> Self {
        Self {
            policy,
            key,
            place,
            seen,
            receipts: Receipts::default(),
            notes: BTreeSet::new(),
            scratch: String::new(),
            location: String::new(),
            nesting: 0,
            given_up: 0,
            work: WORK_BYTES_MAX,
            known: None,
            only_words: policy.has_texts_but_at(place),
            recorded: true,
            cut: false,
            variables: BTreeMap::new(),
            selection: Selection::default(),
            unlisted: 0,
        }
    }

    /// The rule for a name that is itself captured content.
    pub(super) fn rule_of_content(&mut self, name: &str, value: Option<&str>) -> Option<usize> {
        let scratch = &mut self.scratch;
        self.policy.rule_of_content(self.place, Carrier::Member, name, value, scratch)
    }

    /// Goes to a carrier: `header.cookie`, `query`, `body.$`.
    pub(super) fn enter(&mut self, carrier: &str) {
        self.location.clear();
        self.location.push_str(self.place.side.name());
        self.location.push('.');
        self.location.push_str(carrier);
    }

    pub(super) fn receipt(&mut self, rule: usize) {
        self.receipts.add(&self.location, rule);
    }

    /// Remembers a secret, so that it is removed wherever else it occurs.
    pub(super) fn remember(&mut self, text: &str, rule: usize) {
        if is_remembered(self.policy.action(rule)) {
            self.seen.add(text, rule);
        }
    }

    /// The parameters of a query: as an object, under the selectors for queries as well.
    pub(super) fn query(&mut self, node: &Node<'_>) -> Value {
        self.enter("query");
        self.unlisted = self.policy.unlisted(self.place);
        let shown = match node {
            Node::Object(members) => self.members(members, Carrier::Parameter),
            _ => self.value(node),
        };
        self.unlisted = 0;
        shown
    }

    pub(super) fn value(&mut self, node: &Node<'_>) -> Value {
        if self.unlisted != 0
            && let Some(shown) = self.unlisted(node)
        {
            return shown;
        }
        match node {
            Node::Null => Value::Null,
            Node::Bool(value) => Value::Bool(*value),
            Node::Number(number) => self.number(number),
            Node::String(text) => self.string(node, text),
            Node::Array(items) => {
                let length = self.location.len();
                self.location.push_str("[*]");
                let items = items.iter().map(|item| self.under(None, item)).collect();
                self.location.truncate(length);
                Value::Array(items)
            }
            Node::Object(members) => self.members(members, Carrier::Member),
        }
    }

    fn number(&mut self, number: &Number<'_>) -> Value {
        if self.policy.patterns().any_everywhere()
            && let Some(text) = scalar_number(number)
            && let Some(shown) = self.plain(&text)
        {
            return Value::from(shown);
        }
        match number {
            Number::Integer(value) => Value::from(*value),
            Number::Double(value) => Value::from(*value),
            Number::Text(text) => {
                self.notes.insert(Note::NumbersAsText);
                Value::from(text.as_ref())
            }
        }
    }

    fn members(&mut self, members: &[(Cow<'_, str>, Node<'_>)], carrier: Carrier) -> Value {
        let mut object = Map::new();
        let mut lists = BTreeSet::new();
        let named = self.named(members);
        let positional = self.positional(members);
        let variables = std::mem::take(&mut self.variables);
        for (name, node) in members {
            let length = self.location.len();
            // Before the receipts: a name such as `{"pin":1}` must not stand in a location.
            let unlisted = self.list(carrier, name, Some(node));
            let shown = self.name(name);
            push_name(&mut self.location, &shown);
            let text = scalar(node);
            let scratch = &mut self.scratch;
            let mut rule = self.policy.rule(self.place, carrier, name, text.as_deref(), scratch);
            if rule.is_none() && named.is_some() && is_one_of(name, &VALUED) {
                rule = named;
            }
            if rule.is_none() && positional.is_some() && is_positional(name, node) {
                rule = positional;
            }
            rule = rule.or_else(|| variables.get(name.as_ref()).copied());
            if name == "variables" {
                self.variables = self.variables(members);
            }
            let value = self.under(rule, node);
            self.variables.clear();
            self.unlisted = unlisted;
            self.location.truncate(length);
            insert(&mut object, &mut lists, shown, value);
        }
        if !lists.is_empty() && self.location.contains(".body.") {
            self.notes.insert(Note::RepeatedNames);
        }
        Value::Object(object)
    }

    /// A member name, without the credentials in it. What looks like a part of JSON and is none may
    /// be anything.
    fn name(&mut self, name: &str) -> String {
        if self.hides_name(name) {
            return MASK.to_owned();
        }
        if !name.contains(['{', '[', '=', ':']) {
            return self.plain(name).unwrap_or_else(|| name.to_owned());
        }
        match self.text(name) {
            Some(shown) => shown,
            None if name.contains('{') && name.contains('"') && json(name).is_err() => {
                MASK.to_owned()
            }
            None => name.to_owned(),
        }
    }

    /// The rule for the value in an object such as `{"name": "DB_PASSWORD", "value": …}`.
    fn named(&mut self, members: &[(Cow<'_, str>, Node<'_>)]) -> Option<usize> {
        if members.len() < 2 || !members.iter().any(|(name, _)| is_one_of(name, &VALUED)) {
            return None;
        }
        let value = members.iter().find(|(name, _)| is_one_of(name, &VALUED));
        let value = value.and_then(|(_, node)| scalar(node));
        let names = members.iter().filter(|(name, _)| is_one_of(name, &NAMING));
        names
            .filter_map(|(_, node)| {
                let Node::String(name) = node else { return None };
                // A document is no name, whatever names are in it.
                let document = embedded(name).is_some();
                if document { None } else { self.rule_of_content(name, value.as_deref()) }
            })
            .min()
    }

    /// Text under no rule: without the credentials in it, or `None` if there are none.
    pub(super) fn text(&mut self, text: &str) -> Option<String> {
        if let Some(node) = embedded(text) {
            if self.nesting >= NESTING_MAX {
                return Some(self.give_up(Note::TooDeep));
            }
            let before = self.receipts.total() + self.given_up;
            self.nesting += 1;
            let value = self.value(&node);
            self.nesting -= 1;
            let edited = self.receipts.total() + self.given_up > before;
            // What the tree of XML leaves out (comments) may still hold something.
            if edited || !text.starts_with('<') {
                return edited.then(|| value.to_string());
            }
        }
        match self.inner(text) {
            Some(shown) => shown,
            None => self.plain(text).or_else(|| self.escaped(text)),
        }
    }

    /// Text that cannot be looked into is not recorded.
    pub(super) fn give_up(&mut self, why: Note) -> String {
        self.notes.insert(why);
        self.given_up += 1;
        MASK.to_owned()
    }

    /// What is recorded of a value under a rule.
    pub(super) fn secret(&mut self, node: &Node<'_>, rule: usize) -> Value {
        if is_redacted(node, self.policy) {
            return self.value(node);
        }
        if is_remembered(self.policy.action(rule)) {
            self.remember_all(node, rule, Depth::Selected);
        } else {
            let unlisted = std::mem::take(&mut self.unlisted);
            self.look_through(node);
            self.unlisted = unlisted;
        }
        self.receipt(rule);
        let id = self.policy.id(rule);
        match (self.policy.action(rule), node) {
            (action, _) if self.shows_too_much(action) => dropped(id),
            (Action::Mask, _) => Value::from(MASK),
            (Action::KeepEnds { first, last }, Node::String(text)) => {
                match ends(text, first, last) {
                    Some(shown) => marker(id, "ends", shown.into()),
                    None => dropped(id),
                }
            }
            (Action::Summarize, Node::String(text)) => {
                marker(id, "chars", text.chars().count().into())
            }
            (Action::Summarize, Node::Array(items)) => marker(id, "items", items.len().into()),
            (Action::Summarize, Node::Object(items)) => marker(id, "items", items.len().into()),
            (Action::Fingerprint, Node::String(text)) => {
                let secret = super::headers::without_scheme(text).1;
                if is_guessable(secret) {
                    return dropped(id);
                }
                let fingerprint = self.key.fingerprint(DOMAIN, secret.as_bytes());
                marker(id, "fingerprint", fingerprint.into())
            }
            _ => dropped(id),
        }
    }

    /// Remembers the secrets in what is not recorded.
    pub(super) fn look_through(&mut self, node: &Node<'_>) {
        let receipts = std::mem::take(&mut self.receipts);
        let (notes, given_up) = (self.notes.clone(), self.given_up);
        let recorded = std::mem::replace(&mut self.recorded, false);
        self.value(node);
        self.recorded = recorded;
        (self.receipts, self.notes, self.given_up) = (receipts, notes, given_up);
    }

    /// Remembers the secret, or all of them inside of a list or an object.
    fn remember_all(&mut self, node: &Node<'_>, rule: usize, depth: Depth) {
        match node {
            Node::String(text) if depth == Depth::Inner && self.is_kind(text) => {}
            Node::String(text) => {
                self.remember(text, rule);
                if let Some(decoded) = base64_text(text) {
                    self.remember(&decoded, rule);
                }
                let (scheme, secret) = super::headers::without_scheme(text);
                if scheme.is_some() {
                    self.remember(secret, rule);
                }
            }
            Node::Number(Number::Integer(number)) => self.remember(&number.to_string(), rule),
            Node::Number(Number::Text(text)) => self.remember(text, rule),
            Node::Array(items) => {
                items.iter().for_each(|item| self.remember_all(item, rule, depth));
            }
            Node::Object(members) => {
                members.iter().for_each(|(_, item)| self.remember_all(item, rule, Depth::Inner));
            }
            Node::Null | Node::Bool(_) | Node::Number(Number::Double(_)) => {}
        }
    }

    /// A word that only says what kind of credential it is: `{"type": "password", …}`.
    fn is_kind(&mut self, text: &str) -> bool {
        text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-')
            && self.rule_of_content(text, None).is_some()
    }
}

/// A string or a number, as text: what conditions of rules are tried on.
pub(super) fn scalar<'n>(node: &'n Node<'_>) -> Option<Cow<'n, str>> {
    match node {
        Node::String(text) => Some(Cow::Borrowed(text)),
        Node::Number(number) => scalar_number(number),
        _ => None,
    }
}

/// Integers, as text: secrets are no fractions.
fn scalar_number<'n>(number: &'n Number<'_>) -> Option<Cow<'n, str>> {
    match number {
        Number::Integer(number) => Some(Cow::Owned(number.to_string())),
        Number::Text(text) => Some(Cow::Borrowed(text)),
        Number::Double(_) => None,
    }
}

/// Where a secret stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// It is the value under the selected name.
    Selected,
    /// It is a member inside of that value.
    Inner,
}

/// A second member of the same name makes a list of both.
fn insert(
    object: &mut Map<String, Value>,
    lists: &mut BTreeSet<String>,
    name: String,
    value: Value,
) {
    let Some(slot) = object.get_mut(&name) else {
        object.insert(name, value);
        return;
    };
    if !lists.contains(&name) {
        *slot = Value::Array(vec![slot.take()]);
        lists.insert(name);
    }
    if let Value::Array(values) = slot {
        values.push(value);
    }
}

pub(super) fn is_one_of(name: &str, names: &[&str]) -> bool {
    // Attributes of XML are `@name`.
    let name = name.strip_prefix('@').unwrap_or(name);
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// `.name`, or `['odd name']`.
pub(super) fn push_name(location: &mut String, name: &str) {
    if name.len() > LOCATION_NAME_BYTES_MAX {
        location.push_str("['…']");
    } else if !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    {
        location.push('.');
        location.push_str(name);
    } else {
        location.push_str("['");
        location.push_str(name);
        location.push_str("']");
    }
}
