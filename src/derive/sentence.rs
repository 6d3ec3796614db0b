//! One sentence for people.

use super::shape::is_id;
use super::text::{cut, unquoted};
use super::verbs::{asking_of, compound, is_of_several, past};
use super::words::{plural, spoken};
use crate::record::{Outcome, Scope, Target};

/// In a sentence a name is cut here, so that what became of it is still read.
const NAME_CHARS_MAX: usize = 80;

/// So many names of the scope are told.
const SCOPES_MAX: usize = 2;

/// What a sentence needs besides the targets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sentence {
    /// The verb as in the action.
    pub(super) verb: String,
    /// What kind of thing, if it is not said by the target's type.
    pub(super) kind: Option<String>,
    /// The part of the target that is meant.
    pub(super) part: Option<String>,
    /// The item to which the target belongs.
    pub(super) owner: Option<Target>,
    /// To whom that belongs, the nearest first; it is not told.
    pub(super) outer: Vec<Target>,
    /// The first so many of those are what the target belongs to, where it is several.
    pub(super) owners: usize,
    /// The name is what the client wants it to be: the id is told as well.
    pub(super) is_claimed: bool,
    /// It is done to all of a collection.
    pub(super) is_whole: bool,
    /// There are more targets than those, and nobody knows how many.
    pub(super) is_open: bool,
    /// How many targets there are, if they are not all known.
    pub(super) count: Option<usize>,
    /// Where.
    pub(super) scope: Scope,
    /// Ids of other things that a call names. They are not told.
    pub(super) others: Vec<String>,
}

/// Words in a verb that say where to, where from, or by what.
const WAYS: [&str; 6] = ["_to_", "_from_", "_into_", "_with_", "_as_", "_by_"];

/// Words about several things, of which is told how many there are.
const SEVERAL: [&str; 5] = ["batch", "bulk", "many", "multiple", "selected"];

/// What is done to all of a collection, if no item is named.
const ON_ALL: [&str; 13] = [
    "aggregate",
    "count",
    "download",
    "export",
    "filter",
    "find",
    "import",
    "list",
    "lookup",
    "query",
    "read",
    "reorder",
    "search",
];

/// A verb in its parts.
struct Spoken<'s> {
    verb: &'s str,
    about: Option<&'s str>,
    /// With a space before it, if there is one.
    way: String,
}

impl Sentence {
    /// What is about to be done: `create API key “ci deploy”`.
    pub(super) fn intent(&self, targets: &[Target]) -> String {
        if let Some(signing) = self.signing(targets) {
            return signing;
        }
        let Spoken { way, .. } = self.spoken();
        cut(&format!("{}{way}{}", self.intent_short(targets), self.place(targets)))
    }

    /// What was done: `API key “ci deploy” created`.
    pub(super) fn done(&self, targets: &[Target]) -> String {
        if let Some(signing) = self.signing(targets) {
            return format!("Signed{}", signing.strip_prefix("sign").unwrap_or_default());
        }
        let Spoken { verb, about, way } = self.spoken();
        let object = capital(&self.object(targets, about));
        cut(&format!("{object} {}{way}{}", past(verb), self.place(targets)))
    }

    /// What has only begun: somebody who signs in is to give a second factor, or what else is asked.
    pub(super) fn challenged(&self, targets: &[Target], what: &str) -> String {
        cut(&format!("{}: {what} asked for", capital(&self.intent_short(targets))))
    }

    /// What the API has taken on, and not yet done.
    pub(super) fn accepted(&self, targets: &[Target]) -> String {
        cut(&format!("{}: accepted", capital(&self.intent(targets))))
    }

    /// What was not done.
    pub(super) fn failed(&self, targets: &[Target], reason: &str) -> String {
        if let Some(signing) = self.signing(targets) {
            return cut(&format!("{}: failed ({reason})", capital(&signing)));
        }
        let Spoken { verb, about, way } = self.spoken();
        let object = capital(&self.object(targets, about));
        cut(&format!("{object} could not be {}{way} ({reason})", past(verb)))
    }

    /// What was refused.
    pub(super) fn refused(&self, targets: &[Target], reason: &str) -> String {
        cut(&format!("{}: refused ({reason})", capital(&self.intent_short(targets))))
    }

    /// What nobody knows.
    pub(super) fn unknown(&self, targets: &[Target], reason: &str) -> String {
        unknown(&self.intent_short(targets), reason)
    }

    fn intent_short(&self, targets: &[Target]) -> String {
        if let Some(signing) = self.signing(targets) {
            return signing;
        }
        let Spoken { verb, about, .. } = self.spoken();
        // Whoever has forgotten a password asks for one, and has reset nothing yet.
        let spoken = match verb {
            "request_reset" => "request reset of".to_owned(),
            verb => verb.replace('_', " "),
        };
        format!("{spoken} {}", self.object(targets, about))
    }

    /// To sign in, and as whom, or out.
    fn signing(&self, targets: &[Target]) -> Option<String> {
        match self.verb.as_str() {
            "sign_in" => {
                let name = targets.first().and_then(|it| it.name.as_deref().or(it.id.as_deref()));
                let name = name.map(|name| format!(" as “{}”", short(name))).unwrap_or_default();
                Some(cut(&format!("sign in{name}")))
            }
            "sign_out" => Some("sign out".to_owned()),
            _ => None,
        }
    }

    /// `reset_password` → to reset, the password; `add_to_team` → to add, to team.
    fn spoken(&self) -> Spoken<'_> {
        let way = match self.verb.contains('_') {
            true => WAYS.iter().filter_map(|way| self.verb.find(way)).min(),
            false => None,
        };
        let (verb, way) = match way.and_then(|at| self.verb.split_at_checked(at)) {
            Some((verb, way)) => match self.holder() {
                Some(told) => (verb, format!("{} {told}", way.replace('_', " "))),
                None => (verb, way.replace('_', " ")),
            },
            None => match marked(&self.verb) {
                Some(what) => ("mark", format!(" as {}", what.replace('_', " "))),
                None => (self.verb.as_str(), String::new()),
            },
        };
        // `login_as`, of whoever it is.
        match compound(verb).filter(|(_, about)| *about != "as").or_else(|| asking_of(verb)) {
            Some((verb, about)) => {
                let says = !about.is_empty() && !SEVERAL.contains(&about);
                Spoken { verb, about: says.then_some(about), way }
            }
            None => Spoken { verb, about: None, way },
        }
    }

    fn object(&self, targets: &[Target], about: Option<&str>) -> String {
        let is_bare = matches!(targets, [Target { id: None, name: None, .. }]);
        // `rotate_all` of a collection, and not of an item: all of it.
        let is_all = is_bare && self.part.is_none() && about == Some("all");
        let is_whole = self.is_whole || is_all || self.verb.ends_with("_by_query");
        let about = about.filter(|_| !is_all);
        let whole = match targets {
            [] => "resource".to_owned(),
            [Target { kind, id: None, name: None }]
                if self.kind.is_none() && (is_whole || ON_ALL.contains(&self.verb.as_str())) =>
            {
                plural(&spoken(kind))
            }
            [first, ..] if self.is_open => plural(&self.kind_of(first)),
            [target] => self.named(target),
            [first, ..] => {
                let count = self.count.unwrap_or(targets.len());
                format!("{count} {}", plural(&self.kind_of(first)))
            }
        };
        let whole = match &self.owner {
            _ if self.holder().is_some() => whole,
            Some(owner) => format!("{whole} of {}", Self::default().named(owner)),
            None => match self.outer.first().filter(|_| self.owners > 1) {
                Some(one) => format!("{whole} of {} {}", self.owners, plural(&spoken(&one.kind))),
                None => whole,
            },
        };
        let whole = match &self.part {
            Some(part) => format!("{} of {whole}", spoken(part)),
            None => whole,
        };
        match about {
            Some(about) => format!("{} of {whole}", spoken(about)),
            None => whole,
        }
    }

    /// What something is put into or taken out of, of which the verb tells: `add_to_team`.
    fn holder(&self) -> Option<String> {
        let owner = self.owner.as_ref()?;
        let way = self.verb.strip_suffix(owner.kind.as_str())?;
        let is_told = ["_to_", "_from_", "_into_", "_with_"].iter().any(|it| way.ends_with(it));
        let name = || owner.name.as_deref().map(|name| format!("“{}”", short(name)));
        owner.id.as_deref().map(identified).or_else(name).filter(|_| is_told)
    }

    fn kind_of(&self, target: &Target) -> String {
        self.kind.clone().unwrap_or_else(|| spoken(&target.kind))
    }

    fn named(&self, target: &Target) -> String {
        let kind = self.kind_of(target);
        match (&target.name, &target.id) {
            (Some(name), Some(id)) if self.is_claimed => {
                format!("{kind} {} (“{}”)", identified(id), short(name))
            }
            (Some(name), _) => format!("{kind} “{}”", short(name)),
            (None, Some(id)) => format!("{kind} {}", identified(id)),
            (None, None) => kind,
        }
    }

    /// Where it belongs.
    fn place(&self, targets: &[Target]) -> String {
        let mut place = String::new();
        let is_target = |name: &str, value: &str| {
            targets
                .iter()
                .chain(&self.owner)
                .any(|target| target.kind == name && target.id.as_deref() == Some(value))
        };
        let outer = self.scope.iter().filter(|(name, value)| !is_target(name, value));
        for (name, value) in outer.take(SCOPES_MAX) {
            place.push_str(&format!(" in {} {}", spoken(name), short(value)));
        }
        place
    }
}

/// What something is marked as, of which the verb says no more: `mark_read`.
fn marked(verb: &str) -> Option<&str> {
    verb.strip_prefix("mark_").filter(|what| !is_of_several(what) && *what != "as")
}

/// An id, in quotation marks if it could be a word.
fn identified(id: &str) -> String {
    match is_id(id) && id.bytes().all(is_plain) {
        true => short(id),
        false => format!("“{}”", short(id)),
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)
}

fn short(text: &str) -> String {
    if text.is_ascii() && text.len() <= NAME_CHARS_MAX {
        return cut(text);
    }
    let text = unquoted(text);
    if text.chars().count() <= NAME_CHARS_MAX {
        return cut(&text);
    }
    let head: String = text.chars().take(NAME_CHARS_MAX).collect();
    format!("{}…", cut(&head))
}

/// What nobody knows of what was about to be done: `create API key “ci”`.
fn unknown(intent: &str, reason: &str) -> String {
    cut(&format!("{}: outcome unknown ({reason})", capital(intent)))
}

/// The sentence of what ended and was not seen to, made of the one that said what was about to be done.
pub fn unseen(intent: &str, outcome: Outcome, reason: &str) -> String {
    match outcome {
        Outcome::Unknown => unknown(intent, reason),
        _ => cut(&format!("{}: failed ({reason})", capital(intent))),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
