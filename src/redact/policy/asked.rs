//! What rules select by a name that need not be one: it is captured content, or an example.

use super::{Bits, Carrier, PART_ENDS, Place, Policy, Scratch, Selectors, into_squashed};
use crate::redact::pattern::WORK_BYTES_MAX;
use crate::redact::quiet::Quietly;
use crate::redact::rule::Side;

/// How the ids of rules about people begin.
const ABOUT_PEOPLE: &str = "pii.";

impl Policy {
    /// The rule for a name that is itself captured content, such as a member `name` or what stands
    /// before a `=` in a text: those are not remembered.
    pub(in crate::redact) fn rule_of_content(
        &self,
        place: Place,
        carrier: Carrier,
        name: &str,
        value: Option<&str>,
        scratch: &mut Scratch,
    ) -> Option<usize> {
        let quiet = Quietly::Name(place.side, carrier);
        if scratch.quiet.has(quiet, name) {
            return None;
        }
        let rules = self.rules(place.side, carrier, name, scratch);
        let rule = self.first(rules, place, value);
        if rules.is_empty() {
            scratch.quiet.add(quiet, name);
        }
        if rule.is_none() {
            return rule;
        }
        let flag = self.stays(name, scratch).of_text(value);
        let rules = self.rules(place.side, carrier, name, scratch);
        self.first_but(rules, place, value, flag)
    }

    /// Adds the rules for a part of a name such as `user[password]` or `db.pin`. What a name in dots is
    /// about its last part says: `token.endpoint.auth.signing.alg`. Slashes stand in annotations:
    /// `checksum/secret`.
    pub(super) fn add_by_parts(
        &self,
        selectors: &Selectors,
        name: &str,
        squashed: &mut String,
        rules: &mut Vec<usize>,
    ) {
        let Some((_, last)) = name.rsplit_once(PART_ENDS) else { return };
        let is_about = !name.contains('[') && self.keep.spares_from_shipped(squashed);
        let parts = name.split(PART_ENDS).filter(|part| !part.is_empty());
        for part in parts {
            into_squashed(part, squashed);
            if self.keep.spares_from_keys(squashed) {
                continue;
            }
            let before = rules.len();
            self.add_by_keys(selectors, part, squashed, rules);
            if is_about && (part != last || name.contains('/')) {
                let mut position = 0;
                rules.retain(|rule| {
                    position += 1;
                    position <= before || !self.is_shipped(*rule)
                });
            }
        }
    }

    /// Whether any selector of any rule selects what an example shows, in either half, whatever the
    /// path: a name, a `name=value`, or a text that a pattern finds something in.
    pub fn selects(&self, example: &str) -> bool {
        let mut scratch = Scratch::default();
        let (name, value) = match example.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (example, None),
        };
        [Side::Request, Side::Response].into_iter().any(|side| {
            let place = Place { side, below: Bits::ALL };
            let mut named = |name, value| {
                [Carrier::Parameter, Carrier::Header, Carrier::Cookie].into_iter().any(|carrier| {
                    self.rule_of_content(place, carrier, name, value, &mut scratch).is_some()
                }) || self.after_segment(place, name, value, &mut scratch).is_some()
            };
            (value.is_none() && named(example, None))
                || (value.is_some() && named(name, value))
                || self.finds(place, example)
        })
    }

    /// Whether what a rule selects is a secret because it lets somebody in. What operators select, and what
    /// is about people, may be told by itself.
    pub(in crate::redact) fn is_credential(&self, rule: usize) -> bool {
        rule == self.userinfo || self.is_shipped(rule) && !self.id(rule).starts_with(ABOUT_PEOPLE)
    }

    /// Whether a word is the name of something secret.
    pub(in crate::redact) fn is_name(&self, word: &str) -> bool {
        let place = Place { side: Side::Request, below: Bits::ALL };
        let mut scratch = Scratch::default();
        self.rule_of_content(place, Carrier::Member, word, None, &mut scratch).is_some()
    }

    fn finds(&self, place: Place, text: &str) -> bool {
        let mut work = WORK_BYTES_MAX;
        self.patterns
            .find(text, &self.at(place), &mut work)
            .is_ok_and(|matches| !matches.is_empty())
    }
}
