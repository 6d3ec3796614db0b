//! Strings that hold something else: GraphQL, base64, escapes, `data:` URLs; and values that are
//! told by where they stand: positional parameters, and bodies of a single value.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::calls::Use;
use super::carrier::Carrier;
use super::class::Class;
use super::memo::Role;
use super::pairs::role;
use super::seen::{MASK, Search, is_redacted_text};
use super::sign_in::signs_in;
use super::stores::is_map;
use super::text::is_break;
use super::texts::nearest_name;
use super::walk::{Members, NESTING_MAX, Walk, is_one_of, push_name, scalar};
use crate::decode::{Literal, Node, Note, Value};
use crate::decode::{
    aliases, base64_content, base64_text, data_url, embedded, graphql, is_operation, percent_text,
};

/// Methods whose parameters are credentials, by a part of their name.
pub(super) const LOGIN_METHODS: [&str; 5] = ["login", "logon", "signin", "authenticate", "unlock"];

/// Flags of commands are no longer.
const FLAG_BYTES_MAX: usize = 64;

/// How names end under which ids and places in lists are written in base64.
const ENCODED: [&str; 8] = ["id", "ids", "cursor", "before", "after", "etag", "offset", "page"];

/// What stands before them in that.
const OF_PLACES: [&str; 6] = ["id", "cursor", "offset", "after", "before", "key"];

/// What holds the parameters of a call.
pub(super) const PARAMETERS: [&str; 3] = ["params", "args", "arguments"];

/// What holds those of a call that signs in, and nothing else, as a list of values.
const DATA: &str = "data";

/// What the literals of one object say of each other, by the number of their group.
#[derive(Default)]
struct Groups {
    /// The rules for the values in objects that say in another member what they are about.
    named: BTreeMap<usize, usize>,
    /// Those that have a member for their value.
    valued: BTreeSet<usize>,
}

impl Walk<'_> {
    /// What is recorded of text that holds something else with a credential in it; `Some(None)`
    /// where all of it was looked into and may stay, `None` where it is just text.
    pub(super) fn inner(&mut self, text: &str, class: Class) -> Option<Option<String>> {
        if self.nesting >= NESTING_MAX {
            let encoded = class.may_be_base64() && base64_text(text).is_some();
            return encoded.then(|| Some(self.give_up(Note::TooDeep)));
        }
        // Most strings are told to be none of this by their first byte.
        let first = *text.as_bytes().first()?;
        if may_begin_document(first) && (text.trim_start().starts_with('{') || is_operation(text)) {
            match graphql(text) {
                // Without literals it may as well be something else: `{password: x}`.
                Ok(literals) => {
                    self.aliases(text);
                    let shown = self.document(text, literals);
                    if shown.is_some() || is_operation(text) {
                        return Some(shown);
                    }
                }
                Err(_) if is_operation(text) && text.contains('(') && text.contains(':') => {
                    return Some(Some(self.give_up(Note::InvalidGraphql)));
                }
                Err(_) => {}
            }
        }
        if class.has_colon()
            && let Some((head, decoded)) = data_url(text)
        {
            self.encoded = true;
            return self.decoded(&decoded).map(|shown| Some(format!("{head},{shown}")));
        }
        if !class.may_be_base64() {
            return None;
        }
        let decoded = match base64_content(text) {
            Ok(decoded) => decoded?,
            Err(why) => return Some(Some(self.give_up(why))),
        };
        self.encoded = true;
        if let Some(password) = self.pair_of(&decoded)
            && let Some(rule) = self.rule(Carrier::Member, "password", Some(password))
        {
            self.remember(password, rule);
            self.receipt(rule);
            self.cut = true;
            return Some(Some(MASK.to_owned()));
        }
        self.decoded(&decoded).map(Some)
    }

    /// The password of `user:password`, which somebody wrote in base64: letters of both cases and digits,
    /// after a name in small letters. Ids and places in lists are written so as well, under names that
    /// say so, or after the name of a type.
    fn pair_of<'t>(&self, decoded: &'t str) -> Option<&'t str> {
        let (user, password) = decoded.split_once(':')?;
        let is_user = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._@+-".contains(&byte)
        };
        let has = |is: fn(&u8) -> bool| password.as_bytes().iter().any(is);
        let is_mixed =
            has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase) && has(u8::is_ascii_digit);
        let is_pair = user.starts_with(|c: char| c.is_ascii_lowercase())
            && user.bytes().all(is_user)
            && !OF_PLACES.contains(&user)
            && is_mixed
            && password.bytes().all(|byte| byte.is_ascii_graphic() && !b":/".contains(&byte));
        let name = nearest_name(&self.location).to_ascii_lowercase();
        (is_pair && !ENCODED.iter().any(|end| name.ends_with(end))).then_some(password)
    }

    /// What is recorded of text with escapes that hide a credential; `None` if there is none.
    pub(super) fn escaped(&mut self, text: &str) -> Option<String> {
        let decoded = percent_text(text)?;
        if self.nesting < NESTING_MAX {
            return self.decoded(&decoded);
        }
        // What is looked through no deeper may hold a name, or more of the same.
        let holds_more = percent_text(&decoded).is_some()
            || embedded(&decoded).is_some()
            || base64_text(&decoded).is_some()
            || self.plain(&decoded).is_some();
        holds_more.then(|| self.give_up(Note::TooDeep))
    }

    /// What is recorded of the text that a string stood for; `None` if there is no credential in
    /// it. Where decoding made blanks, nobody can say where the credential ends.
    fn decoded(&mut self, text: &str) -> Option<String> {
        let shown = self.look_into(text)?;
        let structured = || embedded(text).is_some() || graphql(text).is_ok();
        if text.contains(is_break) && !structured() {
            return Some(MASK.to_owned());
        }
        self.notes.insert(Note::DecodedText);
        Some(shown)
    }

    /// Text that was inside of other text, without the credentials in it.
    pub(super) fn look_into(&mut self, text: &str) -> Option<String> {
        if self.nesting >= NESTING_MAX {
            return None;
        }
        self.nesting += 1;
        let shown = self.text(text);
        self.nesting -= 1;
        shown
    }

    /// Remembers the names that fields which are credentials have in the answer.
    fn aliases(&mut self, text: &str) {
        for (alias, field) in aliases(text) {
            if let Some(rule) = self.rule(Carrier::Member, field, None) {
                self.seen.aliases.insert(alias.to_owned(), rule);
            }
        }
    }

    /// A GraphQL document without the credentials in it; `None` if there are none.
    fn document(&mut self, text: &str, literals: Vec<Literal<'_>>) -> Option<String> {
        let mut edits: Vec<(Range<usize>, String)> = Vec::new();
        let groups = self.groups(&literals);
        let used = self.used_variables(&literals, &groups);
        self.nesting += 1;
        for literal in literals {
            let length = self.location.len();
            for name in &literal.names {
                push_name(&mut self.location, name);
            }
            if let Some(shown) = self.literal(&literal, &groups, &used) {
                edits.push((literal.range, shown));
            }
            self.location.truncate(length);
        }
        self.nesting -= 1;
        if edits.is_empty() { None } else { Some(splice(text, edits)) }
    }

    /// What is written in the place of a literal; `None` if it stays.
    fn literal(
        &mut self,
        literal: &Literal<'_>,
        groups: &Groups,
        used: &BTreeMap<String, Use>,
    ) -> Option<String> {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let value = match &literal.value {
            Value::Comment(text) => {
                let shown = self.text(text)?;
                return Some(format!("#{}", shown.replace(['\r', '\n'], " ")));
            }
            Value::Variable(_) => return None,
            Value::String(text) => text.as_ref(),
            Value::Number(text) | Value::Name(text) => *text,
        };
        let is_text = matches!(literal.value, Value::String(_));
        // The default of a variable that is used as a credential.
        let default = || used.get(*literal.names.first()?)?.rule;
        let Some((rule, _)) =
            self.literal_rule(literal, groups).or_else(|| Some((default()?, true)))
        else {
            return if is_text { self.text(value).map(|shown| quoted(&shown)) } else { None };
        };
        if is_redacted_text(value) || value == "null" {
            return None;
        }
        // The name of an enumerated value is a word of the schema.
        if !matches!(literal.value, Value::Name(_)) {
            self.remember(value, rule);
        }
        self.receipt(rule);
        Some(quoted(MASK))
    }

    /// By one of its names, by what stands beside it (`name: "DB_PASSWORD", value: "x"`), or by the
    /// field (`setPassword(value: "x")`); and whether a name or what is beside has told it.
    fn literal_rule(&mut self, literal: &Literal<'_>, groups: &Groups) -> Option<(usize, bool)> {
        let names = literal.names.iter();
        let value = match &literal.value {
            Value::String(text) => Some(text.as_ref()),
            Value::Number(text) | Value::Name(text) => Some(*text),
            Value::Comment(_) | Value::Variable(_) => None,
        };
        let by_name = names.filter_map(|name| self.rule(Carrier::Member, name, value)).min();
        if by_name.is_some() {
            return by_name.map(|rule| (rule, true));
        }
        let (last, around) = literal.names.split_last()?;
        let is_value = matches!(role(last), Role::Value | Role::Change)
            || around.last().is_some_and(|name| is_map(name))
                && !groups.valued.contains(&literal.group);
        if !is_value {
            return None;
        }
        let beside = groups.named.get(&literal.group).copied();
        let by_field = self.rule_of_call_field(literal.field, value);
        let is_named = beside.is_some();
        by_field.into_iter().chain(beside).min().map(|rule| (rule, is_named))
    }

    /// The rule for what a field sets: by all of its name, or as that of a call.
    fn rule_of_call_field(&mut self, field: &str, value: Option<&str>) -> Option<usize> {
        self.rule(Carrier::Member, field, value).or_else(|| self.rule_of_method(field))
    }

    /// What the literals of one object say of each other.
    fn groups(&mut self, literals: &[Literal<'_>]) -> Groups {
        let mut groups = Groups::default();
        for literal in literals {
            let Some(role) = literal.names.last().map(|name| role(name)) else { continue };
            if role == Role::Value {
                groups.valued.insert(literal.group);
            }
            let (Role::Naming, Value::String(text)) = (role, &literal.value) else { continue };
            if let Some(rule) = self.rule_of_content(Carrier::Member, text, None) {
                let slot = groups.named.entry(literal.group).or_insert(rule);
                *slot = rule.min(*slot);
            }
        }
        groups
    }

    /// The variables of a request `{"query": …, "variables": …}` whose value goes where a rule
    /// selects it, `login(password: $p)`, or into a field that sets what one selects.
    pub(super) fn variables(&mut self, members: &Members<'_>) -> BTreeMap<String, Use> {
        let mut variables = BTreeMap::new();
        for (name, node) in members {
            let ("query", Node::String(text)) = (name.as_ref(), node) else { continue };
            let Ok(literals) = graphql(text) else { continue };
            let groups = self.groups(&literals);
            variables.append(&mut self.used_variables(&literals, &groups));
        }
        variables
    }

    fn used_variables(
        &mut self,
        literals: &[Literal<'_>],
        groups: &Groups,
    ) -> BTreeMap<String, Use> {
        let mut variables = BTreeMap::new();
        for literal in literals {
            let Value::Variable(name) = literal.value else { continue };
            let (rule, is_named) = match self.literal_rule(literal, groups) {
                Some((rule, is_named)) => (Some(rule), is_named),
                None => (None, false),
            };
            let sets = self.rule_of_call_field(literal.field, None);
            if rule.or(sets).is_some() {
                variables.insert(name.to_owned(), Use { rule, is_named, sets });
            }
        }
        variables
    }

    /// The rule for what follows in a list of arguments: `["--password", "x"]`.
    pub(super) fn rule_after_flag(&mut self, node: &Node<'_>) -> Option<usize> {
        let Node::String(text) = node else { return None };
        let name = text.strip_prefix('-')?;
        let name = name.strip_prefix('-').unwrap_or(name);
        let is_name = name.len() <= FLAG_BYTES_MAX
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if is_name { self.rule_of_content(Carrier::Member, name, None) } else { None }
    }

    /// The rule for the parameters of a call such as `{"method": "login", "params": [...]}`, where
    /// they have no names of their own.
    pub(super) fn positional(&mut self, members: &Members<'_>) -> Option<usize> {
        let named = |names: &[&str]| {
            members.iter().find_map(|(name, node)| match node {
                Node::String(text) if names.contains(&name.as_ref()) => Some(text),
                _ => None,
            })
        };
        // A target is as often a thing as a method.
        let method = named(&["method", "methodName", "Method"]);
        let is_target = method.is_none();
        let method = method.or_else(|| named(&["target"]))?;
        if !is_target {
            self.asks_for_secret(members, method);
        }
        if !members.iter().any(|(name, node)| is_positional(name, node)) {
            return None;
        }
        let squashed: String = method.chars().filter(char::is_ascii_alphanumeric).collect();
        let squashed = squashed.to_ascii_lowercase();
        let logs_in = LOGIN_METHODS.iter().any(|name| squashed.contains(name));
        let is_listed = || members.iter().any(|(name, _)| is_one_of(name, &PARAMETERS));
        if !logs_in && (is_target || !is_listed()) {
            return None;
        }
        let by_name = self.rule_of_content(Carrier::Member, method, None);
        if signs_in(&squashed) {
            self.signs_in();
        }
        match by_name {
            None if logs_in => self.rule(Carrier::Member, "password", None),
            rule => rule,
        }
    }
}

/// Whether a document of GraphQL may begin so: with a brace, a keyword, or what may stand before either.
fn may_begin_document(byte: u8) -> bool {
    matches!(byte, b'{' | b'q' | b'm' | b's' | b'f' | b' ' | b'\t' | b'\r' | b'\n' | b',' | 0xef)
}

/// Whether this is a flag among arguments, and not the value of one.
pub(super) fn is_argument_flag(node: &Node<'_>) -> bool {
    matches!(node, Node::String(text) if text.starts_with("--"))
}

/// Whether a member holds parameters without names: a list, or what XML makes of one.
pub(super) fn is_positional(name: &str, node: &Node<'_>) -> bool {
    let unnamed = match node {
        Node::Array(_) => true,
        Node::Object(members) => members.iter().all(|(name, _)| name == "param"),
        _ => false,
    };
    let is_data = || match node {
        Node::Array(items) => name == DATA && items.iter().all(|item| scalar(item).is_some()),
        _ => false,
    };
    unnamed && is_one_of(name, &PARAMETERS) || is_data()
}

/// The rule of a secret that was seen and is in the text that a string of base64 stands for.
pub(super) fn find_encoded(text: &str, search: &Search<'_>) -> Option<usize> {
    let decoded = match data_url(text) {
        Some((_, decoded)) => decoded,
        None => base64_text(text)?,
    };
    search.find(&decoded)
}

/// The text with other text in the place of each range; the ranges are in order.
fn splice(text: &str, edits: Vec<(Range<usize>, String)>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut end = 0;
    for (range, shown) in edits {
        out.push_str(text.get(end..range.start).unwrap_or_default());
        out.push_str(&shown);
        end = range.end;
    }
    out.push_str(text.get(end..).unwrap_or_default());
    out
}
