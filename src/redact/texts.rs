//! Rules that select every text of a body but words under some names: where people write what they
//! like, names that are not known yet must not keep anything.

use super::glob::squash;
use super::policy::{Place, Policy};
use super::seen::is_redacted_text;
use super::walk::Walk;

/// Longer texts are no words.
const WORD_BYTES_MAX: usize = 128;

impl Policy {
    /// The rule for a text under a squashed name, by what it is not.
    fn rule_of_text(&self, place: Place, squashed: &str, is_word: bool) -> Option<usize> {
        let mut rules = self.texts_but.iter().filter(|texts| self.holds_at(texts.rule, place));
        let rule = rules.find(|texts| !(is_word && texts.spares(squashed)));
        rule.map(|texts| texts.rule)
    }

    /// Whether some rule selects all texts but words there.
    pub(super) fn has_texts_but_at(&self, place: Place) -> bool {
        self.texts_but.iter().any(|texts| self.holds_at(texts.rule, place))
    }
}

impl Walk<'_> {
    /// The rule for a text that no name selects.
    pub(super) fn rule_of_text(&mut self, text: &str) -> Option<usize> {
        if !self.only_words || text.is_empty() || !self.recorded || !self.is_in_body() {
            return None;
        }
        let name = nearest_name(&self.location);
        // What the engine itself put there, in an earlier pass.
        if is_redacted_text(text) || (name == "redacted" && self.policy.has_rule(text)) {
            return None;
        }
        let mut squashed = String::new();
        squash(name, &mut squashed);
        self.policy.rule_of_text(self.place, &squashed, is_word(text))
    }

    fn is_in_body(&self) -> bool {
        let carrier = self.location.strip_prefix(self.place.side.name());
        carrier.is_some_and(|carrier| carrier.starts_with(".body."))
    }
}

/// The name of the member that a location is at, or in a list of; empty where there is none.
pub(super) fn nearest_name(location: &str) -> &str {
    let mut member = location;
    while let Some(outer) = member.strip_suffix("[*]") {
        member = outer;
    }
    // What is odd is written in quotes, and then it is none of the names.
    if member.ends_with(']') { "" } else { member.rsplit(['.', '$']).next().unwrap_or_default() }
}

/// What names something: a model, an id, a kind, a date. Prose has blanks.
pub(super) fn is_word(text: &str) -> bool {
    text.len() <= WORD_BYTES_MAX
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:/@+-[];=".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::nearest_name;

    #[test]
    fn nearest_names() {
        for (location, name) in [
            ("request.body.$", ""),
            ("request.body.$[*]", ""),
            ("request.body.$.model", "model"),
            ("request.body.$[*].data.choices[*].stop[*][*]", "stop"),
            ("request.body.$['odd name']", ""),
            ("request.body.$.a['x.model']", ""),
            ("request.body.$['…'][*]", ""),
        ] {
            assert_eq!(nearest_name(location), name, "{location}");
        }
    }
}
