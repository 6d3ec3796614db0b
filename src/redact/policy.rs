//! All rules together, compiled for looking up.

mod asked;
mod limits;

use http::HeaderMap;

use super::Conditions;
use super::bits::Bits;
use super::but::But;
use super::calls::METHODS;
pub(super) use super::carrier::Carrier;
use super::carrier::Selectors;
use super::commands;
use super::escapes::spelled_out;
use super::exceptions::{Exceptions, Flag, Kept, Stays};
use super::flagged::may_flag;
use super::glob::squash;
use super::inside::{Inner, last_part};
use super::memo::{About, Memo, Role};
use super::only::{ENTRIES_MAX, Listed, RecordOnly};
use super::pairs::{parts, role};
use super::pattern::{Patterns, Scope};
use super::queries::PARAMETERS;
use super::quiet::{Quiet, Quietly};
use super::routes::RouteWords;
use super::rule::{Action, Rule, Side, Sides, UNSEARCHED_RULE, USERINFO_RULE};
use super::selection::Paths;
use super::tables::{COLUMNS, SCHEMAS};
use super::under::{Lists, PLACES_MAX, Places};
use super::walk::{is_one_of, is_plain_name};

/// Where a value stands, as far as it matters to rules.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) side: Side,
    /// The lists of paths that the request's path is below.
    pub(super) below: Bits,
}

/// All rules, compiled. Cheap to look names up in, immutable.
#[derive(Debug)]
pub struct Policy {
    rules: Vec<Head>,
    userinfo: usize,
    unsearched: usize,
    keep: Kept,
    listed: Vec<Listed>,
    places: Places,
    patterns: Patterns,
    pub(super) texts_but: Vec<But>,
    pub(super) members_but: Vec<But>,
    bare_body: Vec<usize>,
    paths: Paths,
    request: Selectors,
    response: Selectors,
    memo: Memo,
    route_words: RouteWords,
}

#[derive(Debug)]
struct Head {
    id: String,
    action: Action,
    sides: Sides,
    conditions: Conditions,
    /// The numbers of what it is limited to, if it is: a list of paths, requests, bodies.
    limits: [Option<usize>; 3],
    /// Exceptions to shipped rules hold for it.
    shipped: bool,
    /// It stands in no rule file.
    built_in: bool,
}

impl Head {
    fn built_in(id: &str, action: Action) -> Self {
        let (conditions, sides) = (Conditions::default(), Sides::Both);
        let id = id.to_owned();
        let (limits, shipped, built_in) = ([None; 3], false, true);
        Self { id, action, sides, conditions, limits, shipped, built_in }
    }

    fn holds_at(&self, place: Place) -> bool {
        let side = match place.side {
            Side::Request => self.sides != Sides::Response,
            Side::Response => self.sides != Sides::Request,
        };
        side && self.limits.iter().flatten().all(|number| place.below.has(*number))
    }
}

/// Rules that cannot be used together.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// More names or keywords than an automaton can hold.
    #[error("the redaction rules cannot be compiled")]
    Automaton(#[from] aho_corasick::BuildError),
    /// More than 512.
    #[error("the rules have more than {PLACES_MAX} different lists of paths under `under`")]
    Places,
    /// More than 512.
    #[error("there are more than {ENTRIES_MAX} entries under `record_only`")]
    RecordOnly,
}

impl Policy {
    /// Compiles rules with their exceptions, and where only what is listed is recorded.
    pub fn new(
        mut rules: Vec<Rule>,
        keep: &Exceptions,
        record_only: &[RecordOnly],
    ) -> Result<Self, PolicyError> {
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.action));
        let mut lists = Lists::default();
        let mut heads = Vec::with_capacity(rules.len() + 2);
        for rule in &rules {
            let limits = lists.limits(rule)?;
            let (id, action, sides) = (rule.id.clone(), rule.action, rule.sides);
            let conditions = rule.conditions.clone();
            let (shipped, built_in) = (rule.shipped, false);
            heads.push(Head { id, action, sides, conditions, limits, shipped, built_in });
        }
        let userinfo = heads.len();
        heads.push(Head::built_in(USERINFO_RULE, Action::Mask));
        let unsearched = heads.len();
        heads.push(Head::built_in(UNSEARCHED_RULE, Action::Drop));
        let patterns = rules
            .iter()
            .enumerate()
            .filter_map(|(position, rule)| rule.pattern.clone().map(|pattern| (pattern, position)));
        if record_only.len() > ENTRIES_MAX {
            return Err(PolicyError::RecordOnly);
        }
        let mut listed = Vec::with_capacity(record_only.len());
        for only in record_only {
            listed.push(Listed::new(only, heads.len())?);
            let limits = [lists.add(&only.under)?, None, None];
            heads.push(Head {
                limits,
                sides: only.sides,
                ..Head::built_in(&only.id, Action::Summarize)
            });
        }
        Ok(Self {
            paths: Paths::of(&rules, keep, record_only),
            listed,
            patterns: Patterns::new(patterns, commands::words()),
            texts_but: But::all(&rules, |rule| &rule.texts_but)?,
            members_but: But::all(&rules, |rule| &rule.members_but)?,
            rules: heads,
            userinfo,
            unsearched,
            keep: Kept::new(keep)?,
            places: Places::new(lists)?,
            bare_body: (0..rules.len())
                .filter(|position| rules.get(*position).is_some_and(|rule| rule.bare_body))
                .collect(),
            request: Selectors::new(&rules, Side::Request)?,
            response: Selectors::new(&rules, Side::Response)?,
            memo: Memo::default(),
            route_words: RouteWords::default(),
        })
    }

    /// The same, with segments of paths that rules and documents name.
    #[must_use]
    pub fn with_route_words(self, route_words: RouteWords) -> Self {
        Self { route_words, ..self }
    }

    /// Segments of paths that rules and documents name.
    pub(super) fn route_words(&self) -> &RouteWords {
        &self.route_words
    }

    /// Where the values of an exchange stand, by its request.
    pub(super) fn below(&self, path: &str, headers: &HeaderMap) -> Bits {
        self.places.below(path, headers)
    }

    /// The patterns over texts.
    pub(super) fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// The paths into bodies.
    pub(super) fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Whether the rule holds there.
    pub(super) fn holds_at(&self, rule: usize, place: Place) -> bool {
        self.rules.get(rule).is_none_or(|head| head.holds_at(place))
    }

    /// Where only what is listed is recorded.
    pub(super) fn listed(&self) -> &[Listed] {
        &self.listed
    }

    /// Which rules hold there.
    pub(super) fn at(&self, place: Place) -> impl Scope {
        Here { policy: self, place }
    }

    pub(super) fn id(&self, rule: usize) -> &str {
        self.rules.get(rule).map_or("", |head| &head.id)
    }

    /// Unknown positions are treated as strictly as can be.
    pub(super) fn action(&self, rule: usize) -> Action {
        self.rules.get(rule).map_or(Action::Drop, |head| head.action)
    }

    pub(super) fn userinfo(&self) -> usize {
        self.userinfo
    }

    pub(super) fn unsearched(&self) -> usize {
        self.unsearched
    }

    /// Whether this is the id of a rule: then a value that names it may be our own output.
    pub(super) fn has_rule(&self, id: &str) -> bool {
        self.rules.iter().any(|head| head.id == id)
    }

    /// What was found out about names so far.
    pub(super) fn memo(&self) -> &Memo {
        &self.memo
    }

    /// What is to be known of a name that carries a value. `scratch` is a buffer to work in.
    pub(super) fn about(
        &self,
        side: Side,
        carrier: Carrier,
        name: &str,
        scratch: &mut Scratch,
    ) -> About {
        let mut work = super::pattern::WORK_BYTES_MAX;
        let found = self.patterns.find(name, &Everywhere, &mut work);
        let role = match name {
            "variables" => Role::Variables,
            _ if is_one_of(name, &METHODS) => Role::Method,
            _ if is_one_of(name, &PARAMETERS) => Role::Parameters,
            _ if may_flag(name) => Role::Flags,
            _ if is_one_of(name, &COLUMNS) || is_one_of(name, &SCHEMAS) => Role::Columns,
            _ => role(parts(name).1),
        };
        About {
            carrier,
            name: name.into(),
            stays: self.stays(name, scratch),
            rules: self.rules(side, carrier, &spelled_out(name), scratch).to_vec(),
            inner: self.inner(side, name, role, scratch),
            role,
            clean: !name.contains(['{', '[', '=', ':', '%'])
                && found.is_ok_and(|found| found.is_empty()),
            plain: is_plain_name(name),
        }
    }

    /// What a name says inside of an object about a secret, and whether it says itself that it is there.
    fn inner(&self, side: Side, name: &str, role: Role, scratch: &mut Scratch) -> Inner {
        let mut inner = Inner::of(self, name, role);
        let last = last_part(name);
        into_squashed(last, &mut scratch.squashed);
        inner.kept = self.keep.spares_from_keys(&scratch.squashed)
            || self.keep.spares_from_shipped(&scratch.squashed);
        inner.is_wrapped =
            last.len() < name.len() && self.rules(side, Carrier::Member, last, scratch).is_empty();
        inner
    }

    /// What is excepted under a name, or under a part of it.
    fn stays(&self, name: &str, scratch: &mut Scratch) -> Stays {
        let squashed = &mut scratch.squashed;
        let parts = name.split(PART_ENDS).filter(|part| part.len() < name.len());
        std::iter::once(name).chain(parts).fold(Stays::default(), |stays, part| {
            into_squashed(part, squashed);
            stays.or(self.keep.stays(squashed))
        })
    }

    /// All rules for a name, by `keys` or by the names of its carrier, the strictest first.
    fn rules<'s>(
        &self,
        side: Side,
        carrier: Carrier,
        name: &str,
        scratch: &'s mut Scratch,
    ) -> &'s [usize] {
        let selectors = self.side(side);
        let Scratch { squashed, rules, .. } = scratch;
        rules.clear();
        into_squashed(name, squashed);
        if self.keep.spares(carrier, squashed) {
            return rules;
        }
        if let Some(names) = selectors.of(carrier) {
            names.add(squashed, rules);
        }
        if !self.keep.spares_from_keys(squashed) {
            self.add_by_keys(selectors, name, squashed, rules);
            self.add_by_parts(selectors, name, squashed, rules);
        }
        rules.sort_unstable();
        rules
    }

    /// Adds the rules whose `keys` select a name, but shipped ones if it is excepted from those, or
    /// if the name only has the same letters in a row.
    fn add_by_keys(&self, all: &Selectors, name: &str, squashed: &str, rules: &mut Vec<usize>) {
        let before = rules.len();
        all.keys.add_in_words(name, squashed, |rule| self.is_shipped(rule), rules);
        if rules.len() > before && self.keep.spares_from_shipped(squashed) {
            let mut position = 0;
            rules.retain(|rule| {
                position += 1;
                position <= before || !self.is_shipped(*rule)
            });
        }
    }

    /// Whether the rule came with the program.
    pub(super) fn is_shipped(&self, rule: usize) -> bool {
        self.rules.get(rule).is_some_and(|head| head.shipped)
    }

    /// The first of these rules that holds there, for this value.
    pub(super) fn first(
        &self,
        rules: &[usize],
        place: Place,
        value: Option<&str>,
    ) -> Option<usize> {
        rules.iter().copied().find(|rule| self.holds(*rule, place, value))
    }

    /// The first of these rules for a value that is excepted from all, from shipped ones, or from none.
    pub(super) fn first_but(
        &self,
        rules: &[usize],
        place: Place,
        value: Option<&str>,
        flag: Flag,
    ) -> Option<usize> {
        let spared = |rule| match flag {
            Flag::None => false,
            Flag::Shipped => self.is_shipped(rule),
            Flag::All => true,
        };
        let mut rules = rules.iter().copied();
        rules.find(|rule| !spared(*rule) && self.holds(*rule, place, value))
    }

    /// The rules of the rule files: the id, what is done, and whether it is a shipped one.
    pub(super) fn written(&self) -> impl Iterator<Item = (&str, Action, bool)> {
        let written = self.rules.iter().filter(|head| !head.built_in);
        written.map(|head| (head.id.as_str(), head.action, head.shipped))
    }

    /// The rule for the path segment `value` after the one that is named `name`.
    pub(super) fn after_segment(
        &self,
        place: Place,
        name: &str,
        value: Option<&str>,
        scratch: &mut Scratch,
    ) -> Option<usize> {
        let Scratch { squashed, rules, quiet } = scratch;
        if quiet.has(Quietly::Segment(place.side), name) {
            return None;
        }
        rules.clear();
        into_squashed(name, squashed);
        self.side(place.side).segments.add(squashed, rules);
        if rules.is_empty() {
            quiet.add(Quietly::Segment(place.side), name);
        }
        rules.sort_unstable();
        self.first(rules, place, value)
    }

    /// The rule for a body that is one string or number.
    pub(super) fn bare_body(&self, place: Place, value: &str) -> Option<usize> {
        self.bare_body.iter().copied().find(|rule| self.holds(*rule, place, Some(value)))
    }

    /// Whether the rule holds there and for this value. A value of which nothing is known meets no
    /// conditions.
    pub(super) fn holds(&self, rule: usize, place: Place, value: Option<&str>) -> bool {
        self.rules.get(rule).is_none_or(|head| {
            head.holds_at(place)
                && (head.conditions.is_empty()
                    || value.is_some_and(|value| head.conditions.hold(value)))
        })
    }

    fn side(&self, side: Side) -> &Selectors {
        match side {
            Side::Request => &self.request,
            Side::Response => &self.response,
        }
    }
}

/// The rules that hold at one place.
struct Here<'p> {
    policy: &'p Policy,
    place: Place,
}

impl Scope for Here<'_> {
    fn holds(&self, rule: usize) -> bool {
        self.policy.holds_at(rule, self.place)
    }
}

/// All rules, wherever they hold.
struct Everywhere;

impl Scope for Everywhere {
    fn holds(&self, _: usize) -> bool {
        true
    }
}

/// Where a name falls into parts.
const PART_ENDS: [char; 5] = ['[', ']', '.', '/', ':'];

fn into_squashed(name: &str, squashed: &mut String) {
    squashed.clear();
    squash(name, squashed);
}

/// Buffers to look names up with.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    squashed: String,
    rules: Vec<usize>,
    quiet: Quiet,
}
