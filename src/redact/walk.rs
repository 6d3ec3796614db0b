//! The one walk over what was decoded: puts what is recorded in the place of what was captured, and
//! remembers what was secret.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::calls::Calling;
use super::carrier::Carrier;
use super::class::Class;
use super::exceptions::Stays;
use super::inner::{is_argument_flag, is_positional};
use super::key::FingerprintKey;
use super::memo::{Found, Fresh, Known, Role};
use super::only::Unlisted;
use super::pairs::Pairs;
use super::pattern::WORK_BYTES_MAX;
use super::policy::{Place, Policy, Scratch};
use super::receipts::Receipts;
use super::rule::Side;
use super::seen::{MASK, Search, Seen};
use super::selection::{Selection, WORK_MAX};
use super::settle::settle;
use super::sketch::Telling;
use super::within::Within;
use crate::decode::{Node, Note, Number, embedded, json};
use crate::record::BodyRecord;

/// Strings in strings are looked into so many times over.
pub(super) const NESTING_MAX: usize = 3;

/// Texts of which something was taken out are looked at again at most so many times.
const LOOKS_AGAIN_MAX: usize = 3;

/// Longer member names are not spelled out in receipts.
const LOCATION_NAME_BYTES_MAX: usize = 64;

/// The members of an object.
pub(super) type Members<'n> = [(Cow<'n, str>, Node<'n>)];

/// A walk over one half of an exchange.
pub(super) struct Walk<'e> {
    pub(super) policy: &'e Policy,
    pub(super) key: &'e FingerprintKey,
    pub(super) place: Place,
    pub(super) seen: &'e mut Seen,
    pub(super) receipts: Receipts,
    pub(super) notes: BTreeSet<Note>,
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
    /// There were strings that stand for other text.
    pub(super) encoded: bool,
    /// Something that is no text was taken out, which may have told how the exchange ended.
    pub(super) hides: bool,
    /// What is told of what is not recorded.
    pub(super) telling: Option<Telling>,
    /// Members of the next object that a GraphQL document uses as credentials.
    pub(super) variables: BTreeMap<String, usize>,
    /// It holds secrets under names that anybody gave them.
    holds_secrets: bool,
    /// What is known of names, from before and from this walk.
    pub(super) names: &'e Known,
    pub(super) fresh: Fresh,
    /// What is known of the names in the objects around, and behind them in those before.
    pub(super) found: Vec<Found<'e>>,
    /// How many names the objects around have.
    pub(super) open: usize,
    /// A buffer for names.
    pub(super) scratch: Scratch,
    /// What paths select in the body, or in the document inside of a text where the walk is.
    pub(super) selection: Selection,
    /// The steps that finding it in documents inside of texts may still take.
    pub(super) path_work: usize,
    /// By what the value where the walk is would not be recorded.
    pub(super) unlisted: Unlisted,
    /// In which object about a secret it is.
    pub(super) within: Option<Within>,
    /// What selects the value is that it stands there, and not what it is called.
    pub(super) by_place: bool,
    /// What is known of the call that it is in.
    pub(super) calling: Calling,
}

impl<'e> Walk<'e> {
    pub(super) fn new(
        policy: &'e Policy,
        key: &'e FingerprintKey,
        place: Place,
        seen: &'e mut Seen,
        names: &'e Known,
    ) -> Self {
        Self {
            policy,
            key,
            place,
            seen,
            receipts: Receipts::default(),
            notes: BTreeSet::new(),
            location: String::new(),
            nesting: 0,
            given_up: 0,
            work: WORK_BYTES_MAX,
            known: None,
            only_words: policy.has_texts_but_at(place),
            recorded: true,
            cut: false,
            encoded: false,
            hides: false,
            telling: None,
            variables: BTreeMap::new(),
            holds_secrets: false,
            names,
            fresh: Fresh::default(),
            found: Vec::new(),
            open: 0,
            scratch: Scratch::default(),
            selection: Selection::default(),
            path_work: WORK_MAX,
            unlisted: Unlisted::default(),
            within: None,
            by_place: false,
            calling: Calling::default(),
        }
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

    /// The parameters of a query: as an object, under the selectors for queries as well.
    pub(super) fn query(&mut self, node: &mut Node<'_>) {
        self.enter("query");
        self.unlisted = self.policy.unlisted(self.place);
        match node {
            Node::Object(members) => self.members(members, Carrier::Parameter),
            Node::Null => {}
            _ => self.value(node),
        }
        self.unlisted = Unlisted::default();
        settle(node);
    }

    pub(super) fn value(&mut self, node: &mut Node<'_>) {
        if !self.unlisted.is_empty() && self.withhold(node) {
            return;
        }
        match node {
            Node::Null | Node::Bool(_) => {}
            Node::Number(number) => {
                if let Some(shown) = self.number(number) {
                    *node = Node::String(Cow::Owned(shown));
                }
            }
            Node::String(text) => match self.rule_of_text(text) {
                Some(rule) => self.secret(node, rule),
                None => {
                    if let Some(shown) = self.text(text) {
                        *text = Cow::Owned(shown);
                    }
                }
            },
            Node::Array(items) => {
                let length = self.location.len();
                self.location.push_str("[*]");
                self.query_in_list(items);
                let pair = self.pair_in_list(items);
                let mut flagged = None;
                for (place, item) in items.iter_mut().enumerate() {
                    let paired = pair.filter(|(of, _)| *of == place).map(|(_, rule)| rule);
                    let rule = flagged.or(paired).filter(|_| !is_argument_flag(item));
                    flagged = self.rule_after_flag(item);
                    let within = self.within;
                    let outside = self.go_into_answer(place);
                    let rule = self.rule_of_item(item).or(rule);
                    if rule.is_none() {
                        self.element(item);
                    }
                    self.under(rule, item);
                    self.within = within;
                    self.leave(&outside);
                }
                self.command(items);
                self.labelled(items);
                self.location.truncate(length);
            }
            Node::Object(members) => self.members(members, Carrier::Member),
        }
    }

    /// A number without what looks like a credential in it, if it does.
    fn number(&mut self, number: &Number<'_>) -> Option<String> {
        if let Number::Text(_) = number {
            self.notes.insert(Note::NumbersAsText);
        }
        if !self.policy.patterns().any_everywhere() {
            return None;
        }
        self.plain(&scalar_number(number)?)
    }

    fn members(&mut self, members: &mut Members<'_>, carrier: Carrier) {
        let base = self.open;
        self.open += members.len();
        let roles = self.find_out(base, carrier, members);
        let values = roles.has(Role::Value) || roles.has(Role::Change) && roles.has(Role::Naming);
        let pairs = if values { self.pairs(members) } else { Pairs::default() };
        self.told_by_place(roles, members);
        let positional = if roles.has(Role::Method) { self.positional(members) } else { None };
        let words = self.arguments(roles, members);
        let called = self.called_by(roles, carrier, members);
        let told = self.told_by_call(called, members);
        let holds_secrets = std::mem::take(&mut self.holds_secrets);
        let has_variables = roles.has(Role::Variables);
        let mut inner = if has_variables { self.variables(members) } else { BTreeMap::new() };
        let is_ordinary = positional.is_none() && told.is_empty() && words.is_empty();
        let is_ordinary = is_ordinary && called.is_none() && self.is_anywhere();
        for (position, (name, node)) in members.iter_mut().enumerate() {
            let Some(found) = self.found.get(base + position) else { continue };
            let length = self.location.len();
            // Most members are no more than what they hold.
            if is_ordinary && found.says_nothing() {
                self.location.push('.');
                self.location.push_str(name);
                self.under(None, node);
                self.location.truncate(length);
                continue;
            }
            let found = found.clone();
            let rules = (!found.rules.is_empty()).then_some(&found.rules);
            let mut rule = rules.and_then(|rules| self.first_spared(rules, node, found.stays));
            let unmet = rule.is_none();
            rule = rule.and_then(|rule| self.meant(rule, name, &found, node));
            let named = rule;
            // Of a `value` its pair may say more.
            let is_apart = || pairs.rule(name, found.role, node).is_none();
            let by_place = rule.map_or(holds_secrets, |_| found.inner.holds() && is_apart());
            if matches!(found.role, Role::Value | Role::Change) {
                rule = rule.or_else(|| pairs.rule(name, found.role, node));
            }
            if positional.is_some() && is_positional(name, node) {
                rule = rule.or(positional);
            }
            rule = rule.or_else(|| words.rule(position));
            rule = rule.or_else(|| told.variables.get(name.as_ref()).copied());
            let within = self.within;
            if let Some(rule) = rule.filter(|_| named.is_none()) {
                self.take_whole(rule, node);
            }
            rule = rule.or_else(|| self.alias(name));
            let outside = self.go_into_call(name, called, &told, node);
            let unlisted = self.list(carrier, name, node);
            let rule = self.step_in(name, &found, rule, node);
            self.go_to(name, &found, within);
            if found.role == Role::Variables {
                self.calling.uses = std::mem::take(&mut inner);
            } else if found.role == Role::Value && pairs.are_a_secret {
                self.variables = self.secret_members(name, node);
                self.holds_secrets = true;
            }
            if let (None, Some(rules), true) = (rule, rules, unmet) {
                self.tried(carrier, (rules, found.stays), node);
            }
            self.by_place = by_place;
            self.under(rule, node);
            self.by_place = false;
            self.within = within;
            self.unlisted = unlisted;
            self.variables.clear();
            self.calling.uses.clear();
            self.leave(&outside);
            self.holds_secrets = false;
            self.location.truncate(length);
        }
        self.commands(words, members);
        self.open = base;
    }

    /// Whether no more is known of where the walk is than that it is in a half.
    fn is_anywhere(&self) -> bool {
        let renames = self.place.side == Side::Response && !self.seen.aliases.is_empty();
        let is_told = renames || !self.seen.calls.is_empty();
        self.within.is_none() && self.unlisted.is_empty() && !is_told
    }

    /// The rule for a name that a GraphQL document gave to what it asked for.
    fn alias(&self, name: &str) -> Option<usize> {
        let aliases = (self.place.side == Side::Response).then_some(&self.seen.aliases);
        aliases?.get(name).copied()
    }

    /// The first of these rules for a value under a name under which some values stay.
    pub(super) fn first_spared(
        &self,
        rules: &[usize],
        node: &Node<'_>,
        stays: Stays,
    ) -> Option<usize> {
        self.policy.first_but(rules, self.place, scalar(node).as_deref(), stays.of(node))
    }

    /// A member name without the credentials in it; `None` if there are none. What looks like a part
    /// of JSON and is none may be anything.
    pub(super) fn name(&mut self, name: &str) -> Option<String> {
        if !name.contains(['{', '[', '=', ':']) {
            return self.plain(name);
        }
        self.text(name).or_else(|| {
            let broken = name.contains('{') && name.contains('"') && json(name).is_err();
            broken.then(|| MASK.to_owned())
        })
    }

    /// Text under no rule: without the credentials in it, or `None` if there are none. What is left
    /// is looked at again: without a value, a quote or a bracket of it, it may read differently.
    pub(super) fn text(&mut self, text: &str) -> Option<String> {
        let mut shown = self.text_once(text)?;
        for _ in 0..LOOKS_AGAIN_MAX {
            match self.text_once(&shown) {
                Some(less) if less != shown => shown = less,
                _ => return Some(shown),
            }
        }
        Some(self.give_up(Note::PatternLimit))
    }

    /// What one look at a text takes out of it.
    fn text_once(&mut self, text: &str) -> Option<String> {
        let class = Class::of(text);
        let mut is_read = false;
        if (class.has_bracket() || text.starts_with('"'))
            && let Some(mut node) = embedded(text)
        {
            if self.nesting >= NESTING_MAX {
                return Some(self.give_up(Note::TooDeep));
            }
            let edited = self.edits(&mut node);
            // What the tree of XML leaves out (comments) may still hold something.
            if edited
                || !text.trim_start_matches([' ', '\t', '\r', '\n', '\u{feff}']).starts_with('<')
            {
                return edited.then(|| written(&mut node));
            }
            is_read = true;
        }
        match self.inner(text, class) {
            Some(shown) => shown,
            None => match self.parts(text, class, is_read) {
                Some(shown) => Some(self.plain(&shown).unwrap_or(shown)),
                None => self
                    .plain_of(text, class)
                    .or_else(|| if class.has_percent() { self.escaped(text) } else { None }),
            },
        }
    }

    /// Takes the credentials out of a document inside of a text, and tells whether there were any.
    pub(super) fn edits(&mut self, node: &mut Node<'_>) -> bool {
        let before = self.receipts.total() + self.given_up;
        self.nesting += 1;
        self.document_inside(node);
        self.nesting -= 1;
        self.receipts.total() + self.given_up > before
    }

    /// Text that cannot be looked into is not recorded.
    pub(super) fn give_up(&mut self, why: Note) -> String {
        self.notes.insert(why);
        self.given_up += 1;
        MASK.to_owned()
    }
}

/// The text of a document inside of a string.
pub(super) fn written(node: &mut Node<'_>) -> String {
    settle(node);
    BodyRecord::new(node, 0).map_or_else(|_| MASK.to_owned(), |body| body.text().to_owned())
}

/// A string or a number, as text: what conditions of rules are tried on.
pub(super) fn scalar<'n>(node: &'n Node<'_>) -> Option<Cow<'n, str>> {
    match node {
        Node::String(text) => Some(Cow::Borrowed(text)),
        Node::Number(number) => scalar_number(number),
        _ => None,
    }
}

/// Whole numbers, as they are recorded: secrets are no fractions.
fn scalar_number<'n>(number: &'n Number<'_>) -> Option<Cow<'n, str>> {
    match number {
        Number::Double(double) if double.fract() == 0.0 => Some(Cow::Owned(number.to_string())),
        Number::Integer(number) => Some(Cow::Owned(number.to_string())),
        Number::Text(text) => Some(Cow::Borrowed(text)),
        Number::Double(_) => None,
    }
}

pub(super) fn is_one_of(name: &str, names: &[&str]) -> bool {
    // Attributes of XML are `@name`.
    let name = name.strip_prefix('@').unwrap_or(name);
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// Whether a name stands in locations as it is.
pub(super) fn is_plain_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= LOCATION_NAME_BYTES_MAX
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// `.name`, or `['odd name']`.
pub(super) fn push_name(location: &mut String, name: &str) {
    if name.len() > LOCATION_NAME_BYTES_MAX {
        location.push_str("['…']");
    } else if is_plain_name(name) {
        location.push('.');
        location.push_str(name);
    } else {
        location.push_str("['");
        location.push_str(name);
        location.push_str("']");
    }
}
