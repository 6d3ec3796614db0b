//! Answers to introspections, kept for a while under keyed digests of the credentials.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::identify::Introspected;

/// A keyed digest of the credential, and of whom it was shown to.
pub(super) type AnswerKey = [u8; 32];

/// A keyed digest of what else was shown when it was asked: the answer may depend on that.
pub(super) type Context = [u8; 32];

/// Answers that are kept, at most twice as many.
const ANSWERS: usize = 4096;
/// Bytes of answers that are kept, at most twice as many.
const BYTES: usize = 8 * 1024 * 1024;

/// Answers by credential. Bounded: of two halves the older is forgotten when the younger is full.
#[derive(Default)]
pub(super) struct Answers(Mutex<Halves>);

#[derive(Default)]
struct Halves {
    young: HashMap<AnswerKey, Kept>,
    young_bytes: usize,
    old: HashMap<AnswerKey, Kept>,
}

struct Kept {
    answer: Introspected,
    context: Context,
    until: Instant,
}

impl Answers {
    /// The answer that still holds, in this context.
    pub(super) fn find(
        &self,
        key: &AnswerKey,
        context: &Context,
        now: Instant,
    ) -> Option<Introspected> {
        let halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = halves.young.get(key).or_else(|| halves.old.get(key))?;
        (now < kept.until && kept.context == *context).then(|| kept.answer.clone())
    }

    /// Keeps an answer of so many bytes, in the place of that in another context.
    pub(super) fn keep(
        &self,
        (key, context): (AnswerKey, Context),
        answer: Introspected,
        bytes: usize,
        (now, holds): (Instant, Duration),
    ) {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if halves.young.len() >= ANSWERS || halves.young_bytes + bytes > BYTES {
            halves.old = std::mem::take(&mut halves.young);
            halves.young_bytes = 0;
        }
        halves.young_bytes += bytes;
        halves.young.insert(key, Kept { answer, context, until: now + holds });
    }

    /// Forgets what was answered about a credential.
    pub(super) fn forget(&self, key: &AnswerKey) {
        let mut halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        halves.young.remove(key);
        halves.old.remove(key);
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        let halves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        halves.young.len() + halves.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Context = [0; 32];

    fn key(number: usize) -> AnswerKey {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&number.to_be_bytes());
        key
    }

    #[test]
    fn answers_end_and_are_bounded_in_number_and_size() {
        let (answers, now) = (Answers::default(), Instant::now());
        let holds = Duration::from_secs(60);
        for number in 0..3 * ANSWERS {
            answers.keep((key(number), HERE), Introspected::Refused, 10, (now, holds));
        }
        assert!(answers.len() <= 2 * ANSWERS);
        let last = key(3 * ANSWERS - 1);
        assert!(answers.find(&last, &HERE, now).is_some());
        assert!(answers.find(&last, &[1; 32], now).is_none());
        assert!(answers.find(&last, &HERE, now + holds).is_none());
        assert!(answers.find(&key(0), &HERE, now).is_none());
        answers.forget(&last);
        assert!(answers.find(&last, &HERE, now).is_none());
        for number in 0..100 {
            answers.keep((key(number), HERE), Introspected::Refused, BYTES / 4, (now, holds));
        }
        assert!(answers.len() <= 8 + ANSWERS, "{}", answers.len());
        answers.keep((key(1), HERE), Introspected::Refused, BYTES, (now, holds));
        answers.keep((key(2), HERE), Introspected::Refused, BYTES, (now, holds));
        assert_eq!(answers.len(), 2);
    }
}
