//! Words of a path that say what is done.

use super::super::nouns::{is_singleton, is_thing};
use super::super::path::Segment;
use super::super::shape::{is_version, is_word_of_digits};
use super::super::verbs::{
    asking_of, canonical, compound, inverse, is_adverb, is_asking, is_leading, is_of_several,
    is_on_item, is_verb,
};
use super::super::words::{is_plural, singular, snake};
use super::{Node, Walk, is_people};

/// Verbs that hardly any item is called, so that they say of a collection what a PUT does to it.
pub(super) const PLAINLY_DONE: [&str; 19] = [
    "activate",
    "deactivate",
    "delete",
    "deregister",
    "destroy",
    "disable",
    "enable",
    "purge",
    "reactivate",
    "remove",
    "renew",
    "revoke",
    "rotate",
    "suspend",
    "terminate",
    "unban",
    "unblock",
    "unlock",
    "unsuspend",
];

/// Verbs that take something away themselves, so that a DELETE of them is no way back.
const REMOVING: [&str; 8] =
    ["cancel", "invalidate", "purge", "revoke", "terminate", "uninstall", "wipe", "withdraw"];

/// Verbs of what is done to some of a collection, and elsewhere are nouns.
const ON_COLLECTIONS: [&str; 4] = ["claim", "unclaim", "unyank", "yank"];

/// Verbs behind a collection that say again what a DELETE does.
const SAID_AGAIN: [&str; 7] =
    ["delete", "destroy", "purge", "remove", "revoke", "terminate", "yank"];

/// Nouns of what may be called like a verb.
const OF_VERBS: [&str; 10] = [
    "action",
    "command",
    "event",
    "operation",
    "permission",
    "policy",
    "privilege",
    "role",
    "scope",
    "verb",
];

/// Verbs for what is done to a machine as a whole.
const POWER: [&str; 8] =
    ["pause", "reboot", "restart", "resume", "shutdown", "start", "stop", "suspend"];

/// Verbs that stand before a plural in a name of two words and more.
const BEFORE_PLURALS: [&str; 5] = ["list", "regenerate", "reset", "rotate", "sync"];

impl Walk<'_> {
    /// Whether a word after a collection is a verb: for a PUT or a DELETE it names an item, unless
    /// it can hardly be a name.
    pub(super) fn is_acting_on_all(&self, word: &str) -> bool {
        // `bulk_delete`, `destroy_many`
        let is_bulk = compound_tail(word)
            .is_some_and(|(verb, about)| verb.contains('_') || is_of_several(about));
        // An item may be called `logout`; `sign_out` is where people of some frameworks do so.
        let is_session = self.method == "DELETE"
            && word == "sign_out"
            && self.out.nodes.last().is_some_and(is_people);
        match self.method {
            "POST" | "GET" => {
                let asks = || is_asking(word) || self.method == "POST" && asking_of(word).is_some();
                let is_done = self.method == "POST" && ON_COLLECTIONS.contains(&word);
                is_verb(word) || compound_tail(word).is_some() || is_done || asks()
            }
            "PUT" | "PATCH" => {
                is_bulk
                    || self.is_plainly_done(word)
                    || self.is_change_of_one(word)
                    || ON_COLLECTIONS.contains(&word)
            }
            _ => is_bulk || is_session || SAID_AGAIN.contains(&word) && !self.is_of_verbs(),
        }
    }

    /// Whether what is there may be called like a verb.
    fn is_of_verbs(&self) -> bool {
        let noun = self.out.nodes.last().map(|node| node.noun.as_str()).unwrap_or_default();
        OF_VERBS.contains(&noun.rsplit('_').next().unwrap_or(noun))
    }

    /// Whether hardly any item would be called so: `/keys/revoke`, but not `/permissions/delete`.
    fn is_plainly_done(&self, word: &str) -> bool {
        PLAINLY_DONE.contains(&word) && !self.is_of_verbs()
    }

    /// Whether what there is one of is changed: `PUT /settings/update`, `/config/patch`.
    pub(super) fn is_change_of_one(&self, word: &str) -> bool {
        let noun = self.out.nodes.last().map(|node| node.noun.as_str()).unwrap_or_default();
        let is_changed = word == "patch" || canonical(word) == "update";
        is_changed && is_singleton(noun) && matches!(self.method, "PATCH" | "POST" | "PUT")
    }

    /// Whether a word below a thing is a verb by the place where it stands, or by how it is written:
    /// `/lifecycle/reset_factors`, `/listKeys`.
    fn is_called(&self, word: &str) -> bool {
        let before = self.next.checked_sub(1).and_then(|at| self.path.segments.get(at));
        let folder = before.map(|before| before.text.to_ascii_lowercase()).unwrap_or_default();
        let is_below = matches!(folder.as_str(), "lifecycle" | "actions" | "action");
        let text = self.path.segments.get(self.next).map_or("", |segment| &segment.text);
        let is_camel = text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().any(|byte| byte.is_ascii_uppercase());
        let verb = compound(word).map(|(verb, _)| verb);
        self.method == "POST"
            && verb.is_some_and(|verb| is_below || (is_camel && BEFORE_PLURALS.contains(&verb)))
    }

    /// Whether a state is followed by what changes that of the whole thing.
    pub(super) fn is_before_power(&self, word: &str) -> bool {
        let next = self.path.segments.get(self.next + 1).and_then(|next| next.word.as_deref());
        matches!(word, "state" | "status")
            && self.method == "POST"
            && next.is_some_and(|next| POWER.contains(&next))
    }

    pub(super) fn is_acting(&self, word: &str) -> bool {
        // `/wp-admin/post.php`: a script is called as what it is for.
        let own = self.path.segments.get(self.next);
        let is_script = word == "post" && own.is_some_and(|own| own.raw.contains('.'));
        let is_known = !is_script && is_verb(word) || matches!(word, "eviction");
        if self.method == "DELETE" {
            return inverse(canonical(word)).is_some() && is_known
                || matches!(canonical(word), "delete" | "logout")
                || REMOVING.contains(&word);
        }
        is_known
            || compound_tail(word).is_some()
            || is_sign_out_of_all(word)
            || self.is_change_of_one(word)
            || self.is_called(word)
    }

    /// Whether a word stands in a folder of verbs below an item, whatever it is: `/servers/42/actions/poweroff`.
    pub(super) fn is_act(&self, word: &str) -> bool {
        let before = self.next.checked_sub(1).and_then(|at| self.path.segments.get(at));
        let is_below =
            before.is_some_and(|before| matches!(before.text.as_str(), "action" | "actions"));
        is_below && self.method == "POST" && !is_plural(word) && !is_thing(word)
    }

    /// Whether a word behind an item is a verb that says what is done to it.
    pub(super) fn is_acting_on_one(&self, word: &str) -> bool {
        let noun = self.out.nodes.last().map(|node| node.noun.as_str()).unwrap_or_default();
        // Elsewhere a plan is what somebody pays for.
        let is_planned = word == "plan" && matches!(noun, "job" | "run" | "stack" | "workspace");
        let is_queried = word == "queries" && noun == "index" && self.method == "POST";
        match self.method {
            "POST" => is_on_item(word) || is_planned || is_queried || asking_of(word).is_some(),
            "PUT" | "PATCH" => is_on_item(word),
            _ => false,
        }
    }

    /// `/db/_find`, `/user/detail`, `/messages/count_tokens`, `/kv/range`: what is asked for behind a
    /// word, or as the only one.
    pub(super) fn asks(&mut self, segment: &Segment, word: &str) -> bool {
        if self.method != "POST" || self.out.part.is_some() {
            return false;
        }
        let Some(node) = self.out.nodes.last() else {
            let Some((verb, about)) = asking_of(word) else { return false };
            self.node(about);
            (self.out.verb, self.out.verb_at) = (Some(verb.to_owned()), Some(self.next));
            return true;
        };
        // etcd's, which are answered to a POST.
        let of_store = match word {
            "deleterange" => Some("delete"),
            "range" => Some("get"),
            _ => None,
        };
        if let Some(verb) = of_store.filter(|_| node.noun == "kv") {
            (self.out.verb, self.out.verb_at) = (Some(verb.to_owned()), Some(self.next));
            return true;
        }
        // Of one thing a page, a filter or a check may be made.
        let may_be_made = matches!(word, "check" | "filter" | "page" | "ids" | "parse");
        let is_asked = is_asking(word) && (segment.text.starts_with('_') || !may_be_made);
        let is_asked = is_asked || asking_of(word).is_some();
        if is_asked {
            self.verb(word);
        }
        is_asked
    }

    /// Whether a word that is alone in its path says what is done: `POST /shutdown`, `DELETE /delete`.
    pub(super) fn is_act_alone(&self, word: &str) -> bool {
        match self.method {
            // Models and images are pulled; a pull request is among others.
            "POST" => {
                is_verb(word)
                    || word == "pull"
                    || compound(word).is_some_and(|(_, about)| about.is_empty())
            }
            "DELETE" => matches!(canonical(word), "delete"),
            // Vault's, which is sealed as a whole.
            "PUT" => matches!(word, "seal" | "unseal"),
            _ => false,
        }
    }

    /// A verb that the path ends with.
    pub(super) fn verb(&mut self, word: &str) {
        self.out.verb_at = Some(self.next);
        let verb = canonical(word);
        let verb = match inverse(verb) {
            Some(inverse) if self.method == "DELETE" => inverse,
            _ => verb,
        };
        let has_item = self.out.nodes.last().is_some_and(|node| node.is_item);
        let is_of_all = self.out.nodes.is_empty() && is_sign_out_of_all(word);
        if matches!(verb, "login" | "logout") && !has_item || is_of_all {
            self.out.nodes.push(Node::named("session"));
            let verb = if verb == "login" { "create" } else { "delete" };
            self.out.verb = Some(verb.to_owned());
            self.out.signs = true;
            return;
        }
        match compound_tail(word) {
            Some((verb, about)) if self.out.nodes.is_empty() && !about.is_empty() => {
                self.node(about);
                self.out.verb = Some(canonical(verb).to_owned());
            }
            Some((verb, about)) if self.is_last_noun(about) => {
                self.out.verb = Some(canonical(verb).to_owned());
            }
            _ if self.out.nodes.is_empty() => {
                let noun = if verb == "register" { "user" } else { "session" };
                self.out.nodes.push(Node::named(noun));
                self.out.verb = Some(verb.to_owned());
            }
            _ => self.out.verb = Some(verb.to_owned()),
        }
    }

    /// `/users/5/reset-2fa`, `/clusters/5/upgrade-k8s`: a verb with what has a digit in it, which looks
    /// like an id.
    pub(super) fn is_done_with(&mut self, segment: &Segment) -> bool {
        let Some(node) = self.out.nodes.last() else { return false };
        let word = snake(&segment.text);
        let is_written =
            segment.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let is_fit = match self.method {
            "POST" => true,
            "PUT" | "PATCH" => node.is_item,
            _ => false,
        };
        let is_done = compound(&word).is_some_and(|(verb, about)| {
            // Of what is no item yet, one may be called `release-v2`.
            let is_verb = node.is_item || is_leading(verb) || is_adverb(first(verb));
            is_verb && !about.is_empty() && about.split('_').all(is_word_with_digits)
        });
        let has_item = node.is_item;
        let is_done = is_fit && is_written && is_done;
        if is_done {
            // `delete_v2`: the version is that of the call.
            let versioned = word.rsplit_once('_').filter(|(_, last)| is_version(last, false));
            let verb = versioned.map(|(verb, _)| verb).filter(|verb| is_verb(verb));
            self.verb(verb.filter(|_| !has_item).unwrap_or(&word));
        }
        is_done
    }

    /// `/users/5/step-2`: which of several of an item, whatever they are; that something was sent there
    /// is all that is known.
    pub(super) fn is_step(&mut self, segment: &Segment) -> bool {
        let has_item = self.out.nodes.last().is_some_and(|node| node.is_item && node.id.is_some());
        let is_numbered = segment.text.rsplit_once(['-', '_']).is_some_and(|(word, number)| {
            (3..=20).contains(&word.len())
                && word.bytes().all(|byte| byte.is_ascii_lowercase())
                && number.len() <= 2
                && number.bytes().all(|byte| byte.is_ascii_digit())
        });
        let is_step = has_item && is_numbered && self.method == "POST" && self.out.part.is_none();
        if is_step {
            self.out.part = Some(snake(&segment.text));
            self.out.part_at = Some(self.next);
            self.out.verb = Some("submit".to_owned());
        }
        is_step
    }

    fn is_last_noun(&self, about: &str) -> bool {
        self.out.nodes.last().is_some_and(|node| node.noun == singular(about))
    }
}

/// `all`, `2fa`, `v2`
fn is_word_with_digits(word: &str) -> bool {
    let is_letters = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_letters || is_word_of_digits(word) || is_version(word, false)
}

fn first(verb: &str) -> &str {
    verb.split('_').next().unwrap_or_default()
}

/// A compound verb that is not a collection: `reset-password`, but not `test-results`.
pub(super) fn compound_tail(word: &str) -> Option<(&str, &str)> {
    let (verb, about) = compound(word)?;
    (!is_plural(word) || verb.contains('_') || is_bare(verb)).then_some((verb, about))
}

/// `logout_all`, `logoutall`, `sign_out_everywhere`: out of all sessions that one has.
pub(super) fn is_sign_out_of_all(word: &str) -> bool {
    let verb = ["all", "everywhere"].iter().find_map(|all| word.strip_suffix(all));
    verb.is_some_and(|verb| canonical(verb.trim_end_matches('_')) == "logout")
}

/// Verbs that are hardly ever the first half of a noun.
fn is_bare(verb: &str) -> bool {
    matches!(
        verb,
        "activate"
            | "add"
            | "create"
            | "deactivate"
            | "delete"
            | "destroy"
            | "disable"
            | "enable"
            | "get"
            | "remove"
            | "revoke"
            | "send"
            | "suspend"
            | "terminate"
            | "update"
    )
}

/// `user_edit`: a noun, and what is done to it.
pub(super) fn noun_first(word: &str) -> Option<(&str, &str)> {
    word.rsplit_once('_').filter(|(noun, verb)| {
        matches!(*verb, "create" | "update" | "delete" | "add" | "remove" | "edit" | "save")
            && !noun.is_empty()
            && !is_verb(noun)
    })
}
