//! Whether the last text of a path says what is done to the item before it: `/pets/{pet_id}/vaccinate`. Which verbs
//! there are in the trade of an API, its document alone knows.

use super::super::nouns::{is_known_noun, is_part, is_thing};
use super::super::rule::Piece;
use super::super::words::{is_plural, singular, snake};
use super::{FILLERS, Operation, noun_of, words_of};

impl Operation {
    /// Whether the document says so: by the action that it states, by the operation's id, or by the summary.
    pub(super) fn ends_in_verb(&self) -> bool {
        let [.., Piece::Literal(of), Piece::Param { suffix, .. }, Piece::Literal(last)] =
            self.path.pieces()
        else {
            return false;
        };
        let is_changing = matches!(self.method.as_str(), "POST" | "PUT" | "PATCH");
        if !is_changing || suffix.starts_with(':') {
            return false;
        }
        let (of, last) = (singular(&snake(of)), snake(last));
        if let Some((noun, _)) = self.action.as_deref().and_then(|action| action.split_once('.')) {
            return noun == of;
        }
        let is_noun = is_plural(&last) || is_part(&last) || is_thing(&last) || is_known_noun(&last);
        !is_noun && (self.is_called(&last, &of) || self.is_summed_up(&last, &of))
    }

    /// Whether the operation is called by the verb, and what it is done to: `vaccinatePet`, `PetController_vaccinate`.
    fn is_called(&self, verb: &str, noun: &str) -> bool {
        let Some((layer, mut words)) = self.called() else { return false };
        self.drop_route(&mut words);
        let verb = words_of(verb);
        match words.strip_prefix(verb.as_slice()) {
            Some([]) => layer.is_some_and(|layer| noun_of(&layer).as_deref() == Some(noun)),
            Some(rest) => noun_of(rest).as_deref() == Some(noun),
            None => false,
        }
    }

    /// Whether the summary begins with the verb, and goes on with what it is done to: `Vaccinate a pet`.
    fn is_summed_up(&self, verb: &str, noun: &str) -> bool {
        let words: Vec<String> = self.summary.as_deref().map(words_of_text).unwrap_or_default();
        let rest = words.strip_prefix(words_of(verb).as_slice()).unwrap_or_default();
        let is_filler = |word: &&String| FILLERS.contains(&word.as_str());
        rest.iter().find(|word| !is_filler(word)).is_some_and(|word| singular(word) == noun)
    }
}

/// The words of a text, in small letters.
fn words_of_text(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}
