//! Questions that are being asked: whoever comes with the same one waits for its answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as Turn;

use super::answers::{AnswerKey, Context};

type Asked = (AnswerKey, Context);

/// Questions with somebody at them. Bounded by the requests that are being answered.
#[derive(Default)]
pub(super) struct Questions(Mutex<HashMap<Asked, Arc<Turn<()>>>>);

/// A question that somebody has.
pub(super) struct Question<'q> {
    questions: &'q Questions,
    asked: Asked,
    /// Whoever holds it asks.
    pub(super) turn: Arc<Turn<()>>,
}

impl Questions {
    /// Joins whoever has the same question.
    pub(super) fn join(&self, asked: Asked) -> Question<'_> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = Arc::clone(all.entry(asked).or_default());
        Question { questions: self, asked, turn }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        let mut all = self.questions.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Its own and that in the map: nobody joins while the map is held.
        if Arc::strong_count(&self.turn) == 2 {
            all.remove(&self.asked);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_asks_at_a_time_and_nothing_is_left() {
        let questions = Questions::default();
        let (one, other) = (([1; 32], [0; 32]), ([1; 32], [1; 32]));
        let first = questions.join(one);
        let turn = first.turn.lock().await;
        let second = questions.join(one);
        let third = questions.join(other);
        assert!(second.turn.try_lock().is_err());
        assert!(third.turn.try_lock().is_ok());
        assert_eq!(questions.len(), 2);
        drop(turn);
        drop(first);
        assert!(second.turn.try_lock().is_ok());
        drop((second, third));
        assert_eq!(questions.len(), 0);
    }
}
