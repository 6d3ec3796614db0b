//! What a walk knows of names: of members, parameters, fields and cookies.

use std::sync::Arc;

use super::carrier::Carrier;
use super::exceptions::Flag;
use super::memo::{Found, Role, Roles};
use super::tables::is_flag_word;
use super::walk::{Members, Walk};

impl<'e> Walk<'e> {
    /// What this walk found out about names is known from now on.
    pub(super) fn teach(&mut self) {
        self.policy.memo().learn(self.place.side, std::mem::take(&mut self.fresh));
    }

    /// What is known of a name.
    pub(super) fn about(&mut self, carrier: Carrier, name: &str) -> Found<'e> {
        if let Some(about) = self.names.get(carrier, name) {
            return Found::Known(about);
        }
        if let Some(about) = self.fresh.get(carrier, name) {
            return Found::Fresh(about);
        }
        let about = self.policy.about(self.place.side, carrier, name, &mut self.scratch);
        let about = Arc::new(about);
        self.fresh.add(carrier, name, &about);
        Found::Fresh(about)
    }

    /// The rule for the value under `name`; what is known of the value, if it is text.
    pub(super) fn rule(
        &mut self,
        carrier: Carrier,
        name: &str,
        value: Option<&str>,
    ) -> Option<usize> {
        let about = self.about(carrier, name);
        self.policy.first_but(&about.rules, self.place, value, about.stays.of_text(value))
    }

    /// The same, of rules of operators alone.
    pub(super) fn own_rule(&mut self, carrier: Carrier, name: &str, value: &str) -> Option<usize> {
        let about = self.about(carrier, name);
        let flag = about.stays.of_text(Some(value)).max(Flag::Shipped);
        self.policy.first_but(&about.rules, self.place, Some(value), flag)
    }

    /// The rule for a name that is itself captured content.
    pub(super) fn rule_of_content(
        &mut self,
        carrier: Carrier,
        name: &str,
        value: Option<&str>,
    ) -> Option<usize> {
        self.policy.rule_of_content(self.place, carrier, name, value, &mut self.scratch)
    }

    /// The rule for the path segment `value` after the one that is named `name`.
    pub(super) fn rule_after_segment(&mut self, name: &str, value: &str) -> Option<usize> {
        self.policy.after_segment(self.place, name, Some(value), &mut self.scratch)
    }

    /// Finds out about the names of an object, from `base` on in what is known of the objects
    /// around. The object before had the same names, as a rule, and what was found out is still there.
    pub(super) fn find_out(
        &mut self,
        base: usize,
        carrier: Carrier,
        members: &Members<'_>,
    ) -> Roles {
        let mut roles = Roles::default();
        for (position, (name, node)) in members.iter().enumerate() {
            let at = base + position;
            if is_flag_word(node) {
                roles.add(Role::Flag);
            }
            if let Some(found) = self.found.get(at).filter(|found| found.is_of(carrier, name)) {
                roles.add(found.role);
                continue;
            }
            let found = self.about(carrier, name);
            roles.add(found.role);
            match self.found.get_mut(at) {
                Some(place) => *place = found,
                None => self.found.push(found),
            }
        }
        roles
    }
}
