//! Sentences that are the whole of an answer and say that what was asked for was not done: `Failed to
//! update user`, `Email already in use`.
//!
//! Answers tell of other things as well: an email that could not be sent, something that is no longer
//! there. So only what is stated of this very request is a failure. Where that is open, nobody knows;
//! where a sentence also says that it was done, it is believed in that.

mod lists;

use self::lists::{
    ALIKE, BEFORE, DONE, ERRORS, FIELDS, FIRST, IN_VAIN, NOT, OF_FIELDS, PASSIVES, SENT, TAKEN,
    THIS, WRONG,
};
use super::super::verbs::past;
use super::super::words::singular;
use super::texts::{BECAUSE, begins, first_sentence};
use crate::record::Outcome;

/// Longer texts are what was asked for.
const TEXT_BYTES_MAX: usize = 500;

/// Words of a sentence that states such a thing.
const WORDS_MAX: usize = 14;

/// What a text that is the whole answer states of this action, if it is not that it was done.
pub(in crate::derive) fn stated(text: &str, action: &str) -> Option<Outcome> {
    let text = text.trim();
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let text = text.to_ascii_lowercase().replace('’', "'");
    let asked = Asked::of(action);
    let told = asked.told(statement(&text))?;
    match (told, asked.is_done(&text)) {
        // What was done says more than what was not done besides.
        (Outcome::Unknown, true) => None,
        (_, true) => Some(Outcome::Unknown),
        (told, false) => Some(told),
    }
}

/// The first sentence, without what says nothing and without what explains it.
fn statement(text: &str) -> &str {
    let mut rest = text;
    while let Some(more) = BEFORE.iter().find_map(|before| rest.strip_prefix(before)) {
        rest = more.trim_start_matches([' ', ',', '!', '.', ':']);
    }
    let first = first_sentence(rest);
    let (head, why) = first.split_once([':', ',', '(']).unwrap_or((first, ""));
    // `invalid entries: 0`
    if !why.is_empty() && why.trim().bytes().all(|byte| byte.is_ascii_digit()) {
        return "";
    }
    head.split(" - ").next().unwrap_or(head).trim()
}

/// What was asked for: the noun and the verb of an action.
struct Asked<'a> {
    noun: &'a str,
    verb: &'a str,
}

impl<'a> Asked<'a> {
    fn of(action: &'a str) -> Self {
        let (noun, verb) = action.rsplit_once('.').unwrap_or(("", action));
        Self { noun, verb }
    }

    fn told(&self, head: &str) -> Option<Outcome> {
        let is_short = head.split(' ').nth(WORDS_MAX).is_none();
        if !is_short {
            return None;
        }
        if ERRORS.iter().any(|error| begins(head, error)) || is_of_field(head) || is_wrong(head) {
            return Some(Outcome::Failure);
        }
        self.taken(head)
            .or_else(|| self.in_vain(head))
            .or_else(|| self.passive(head))
            .or_else(|| self.failed(head))
    }

    /// `email already in use`, `duplicate entry 'x' for key 'name'`
    fn taken(&self, head: &str) -> Option<Outcome> {
        let ends = |end: &&str| {
            head.split_once(end).is_some_and(|(_, rest)| rest.is_empty() || is_more(rest))
        };
        let is_double = ["duplicate entry", "duplicate key", "duplicate name", "duplicate value"];
        let is_double = is_double.iter().any(|double| head.starts_with(double));
        if !is_double && !TAKEN.iter().any(ends) {
            return None;
        }
        // What is assigned twice is assigned.
        let verb = self.verb.split('_').next().unwrap_or_default();
        let is_made =
            matches!(verb, "create" | "update" | "register" | "rename" | "replace" | "invite");
        Some(if is_made { Outcome::Failure } else { Outcome::Unknown })
    }

    /// `failed to update user`, `error creating user`, `could not send email`
    fn in_vain(&self, head: &str) -> Option<Outcome> {
        let tried = IN_VAIN.iter().find_map(|begin| head.strip_prefix(begin));
        let tried = tried.or_else(|| {
            let rest = head.strip_prefix("error ").or_else(|| head.strip_prefix("failed "))?;
            // `error logging enabled`
            let (first, what) = rest.split_once(' ')?;
            (first.ends_with("ing") && !what.split(' ').any(is_past)).then_some(rest)
        })?;
        let (verb, what) = tried.split_once(' ').unwrap_or((tried, ""));
        let is_this = what.is_empty() || self.is_meant(what);
        Some(if is_this && self.is_asked(verb) { Outcome::Failure } else { Outcome::Unknown })
    }

    /// `user could not be updated`, `changes were not saved`, `user not updated`
    fn passive(&self, head: &str) -> Option<Outcome> {
        let first = |rest: &'_ str| rest.split(' ').next().map(ToOwned::to_owned);
        let plain = || {
            let (what, rest) = head.split_once(" not ")?;
            Some((what, first(rest).filter(|it| it == &past(self.verb))?))
        };
        let split = |it: &&str| {
            let (what, rest) = head.split_once(it)?;
            Some((what, first(rest).filter(|it| is_past(it))?))
        };
        let (what, verb) = PASSIVES.iter().find_map(split).or_else(plain)?;
        let is_this = self.is_meant(what) && self.is_asked(&verb);
        Some(if is_this { Outcome::Failure } else { Outcome::Unknown })
    }

    /// `update failed`, `user creation failed`, `payment failed`; `2 of 5 invitations failed`
    fn failed(&self, head: &str) -> Option<Outcome> {
        let (what, rest) = head.split_once(" failed")?;
        let what = what.strip_suffix(" has").unwrap_or(what);
        let words = || what.split(' ');
        let is_told = |word: &str| {
            ["0", "as", "be", "is", "last", "marked", "no", "none", "not", "previous", "to"]
                .contains(&word)
        };
        let is_other = words().any(is_told) || !(rest.is_empty() || is_more(rest));
        // What was to fail has.
        if is_other || self.verb.contains("fail") || words().count() > 4 {
            return None;
        }
        let last = words().next_back().unwrap_or_default();
        let is_one = !what.contains(|c: char| c.is_ascii_digit()) && !last.ends_with('s');
        let is_this = is_one && (self.is_asked(last) || self.is_meant(last));
        Some(if is_this { Outcome::Failure } else { Outcome::Unknown })
    }

    /// Whether some of these words stand for what it was to be done to.
    fn is_meant(&self, what: &str) -> bool {
        what.split([' ', '-', '\'', '"']).filter(|word| !word.is_empty()).any(|word| {
            let word = singular(word);
            THIS.contains(&word.as_str()) || self.noun.split('_').any(|noun| noun == word)
        })
    }

    /// Whether a word, in whatever form, says what was to be done, or what comes before that.
    fn is_asked(&self, word: &str) -> bool {
        let (word, verb) = (stem(word), stem(self.verb.split('_').next().unwrap_or_default()));
        let is_alike =
            |alike: &&[&str]| alike.contains(&word.as_str()) && alike.contains(&verb.as_str());
        word == verb || ALIKE.iter().any(is_alike) || FIRST.iter().any(|first| stem(first) == word)
    }

    /// Whether a text says somewhere that it was done, or something was.
    fn is_done(&self, text: &str) -> bool {
        // What is said alike of the future says nothing: `reset`.
        let past = Some(past(self.verb)).filter(|past| past != self.verb);
        let is_end = |c: char| !c.is_alphanumeric() && c != '\'';
        let mut is_denied = 0_u8;
        text.split(is_end).filter(|word| !word.is_empty()).any(|word| {
            is_denied = if NOT.contains(&word) { 3 } else { is_denied.saturating_sub(1) };
            is_denied == 0 && (DONE.contains(&word) || past.as_deref() == Some(word))
        })
    }
}

/// Whether what follows a statement goes on with it.
fn is_more(rest: &str) -> bool {
    let word = rest.trim_start().split(' ').next().unwrap_or_default();
    rest.starts_with(' ') && (BECAUSE.contains(&word) || ["at", "in", "with"].contains(&word))
}

/// `email is invalid`, `name is required`, `the password must be at least 8 characters`
fn is_of_field(head: &str) -> bool {
    let is_required = || {
        let end = [" is required", " are required"];
        let what = end.iter().find_map(|end| head.strip_suffix(end)).unwrap_or_default();
        FIELDS.contains(&what.rsplit(' ').next().unwrap_or_default())
    };
    OF_FIELDS.iter().any(|it| match it.ends_with(' ') {
        true => head.contains(it),
        false => head.ends_with(it),
    }) || is_required()
}

/// `invalid email address`, `missing required field`; `invalid sessions removed` is none.
fn is_wrong(head: &str) -> bool {
    let Some((how, what)) = head.split_once(' ') else { return false };
    let mut words = what.split(' ');
    let is_plain = |word: &str| !is_past(word) && !word.bytes().all(|it| it.is_ascii_digit());
    WRONG.contains(&how)
        && words.all(|word| SENT.contains(&word) || is_plain(word))
        && what.split(' ').count() <= 5
}

/// Whether a word looks like the past of a verb.
fn is_past(word: &str) -> bool {
    word.len() > 4 && word.ends_with("ed")
        || ["done", "found", "made", "reset", "sent", "set"].contains(&word)
}

/// What the forms of a verb have in common: `updating`, `deletion`, `saved`.
fn stem(word: &str) -> String {
    let ends = ["ing", "ion", "ed", "al"];
    let long = word.len() > 4;
    let bare = ends.iter().find_map(|end| word.strip_suffix(end).filter(|_| long)).unwrap_or(word);
    let bare = bare.strip_suffix('e').unwrap_or(bare);
    if let Some(bare) = bare.strip_suffix('i') {
        return format!("{bare}y");
    }
    let mut chars = bare.chars().rev();
    let is_double = chars.next().is_some_and(|last| chars.next() == Some(last) && last != 's');
    let mut bare = bare.to_owned();
    if is_double {
        bare.pop();
    }
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_states_that_this_was_not_done() {
        let (not, open) = (Some(Outcome::Failure), Some(Outcome::Unknown));
        let rows = [
            ("Failed to update user", "user.update", not),
            ("Failed to update user 5.", "user.update", not),
            ("Unable to save changes", "user.update", not),
            ("We were unable to process your request.", "user.update", not),
            ("Oops! Something went wrong. Please try again.", "user.update", not),
            ("Could not update user", "user.update", not),
            ("Sorry, the user could not be created.", "user.create", not),
            ("User not updated", "user.update", not),
            ("Update failed", "user.update", not),
            ("User update failed: email is taken", "user.update", not),
            ("User deletion failed", "user.delete", not),
            ("Payment failed", "payment.create", not),
            ("Password reset failed", "user_password.reset", not),
            ("Internal server error", "user.update", not),
            ("An unexpected error occurred", "user.update", not),
            ("Validation failed", "user.update", not),
            ("Validation failed for field email", "user.update", not),
            ("Invalid email", "user.update", not),
            ("Missing required field: name", "user.create", not),
            ("Email already in use", "user.update", not),
            ("User already exists", "user.create", not),
            ("User with this email already exists.", "user.create", not),
            ("Error creating user", "user.create", not),
            ("There was an error while saving the user", "user.update", not),
            ("Email is required", "user.create", not),
            ("Password must be at least 8 characters", "user.create", not),
            // Of something else, or of some.
            ("Failed to send email", "user.create", open),
            ("Failed to update search index", "user.update", open),
            ("Error sending notification", "user.create", open),
            ("Email could not be sent", "user.create", open),
            ("2 of 5 invitations failed", "invitation.create", open),
            ("Update failed for 2 users, 3 users updated", "user.update", open),
            ("Member already exists", "role.assign", open),
            ("Synchronisation failed", "user.update", open),
            // That it was done, or nothing of how it ended.
            ("User updated", "user.update", None),
            ("User created, but failed to send email", "user.create", None),
            ("Failed to send email, but the user was created", "user.create", None),
            ("Failed logins cleared", "user.update", None),
            ("Failed jobs retried", "job.retry", None),
            ("Job failed", "job.fail", None),
            ("Job marked as failed", "job.update", None),
            ("0 failed", "user.update", None),
            ("2 invitations failed last week", "user.update", None),
            ("Last sync failed", "integration.update", None),
            ("Error logging enabled", "setting.update", None),
            ("Error reporting disabled", "setting.update", None),
            ("Error page updated", "page.update", None),
            ("Invalid sessions removed", "session.delete", None),
            ("Invalid entries: 0", "user.update", None),
            ("Missing translations added", "page.update", None),
            ("Restart is required", "setting.update", None),
            ("Approval is required", "setting.update", None),
            ("The server must be restarted", "setting.update", None),
            ("User is already active", "user.activate", None),
            ("Duplicate removed", "contact.merge", None),
            ("Duplicate created", "page.duplicate", None),
            ("The user can not log in any more", "user.disable", None),
            ("Settings saved. Unable to reach the mail server", "setting.update", None),
            ("Password is not shared with anybody", "user.update", None),
        ];
        let wrong = rows.iter().filter(|(text, action, told)| stated(text, action) != *told);
        assert_eq!(wrong.collect::<Vec<_>>(), Vec::<&(&str, &str, Option<Outcome>)>::new());
    }
}
