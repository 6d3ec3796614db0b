//! Operations of API documents (OpenAPI): what they say of requests, between rules and convention.
//!
//! An operation becomes a rule like those of rule files, found by the same tree. Its path says which
//! segments are parameters, so that the convention need not guess; its id, its summary and its tag
//! say what is done. Does not know how documents are written.
//!
//! Invariant: an operation only names. It never makes a request a read, nor unaudited.

mod ending;
mod path;
#[cfg(test)]
mod tests;

pub use path::documented_path;

use super::endpoint::READS;
use super::naming::{Known, Naming, naming_at};
use super::nouns::{is_prefix, scope_name};
use super::rule::{EventRule, PathPattern, Piece, TargetRule, Template, Uses};
use super::shape::is_version;
use super::trace::Trace;
use super::verbs::{canonical, is_adverb, is_verb, of_action};
use super::words::{is_plural, singular, snake};
use crate::record::RequestRecord;

/// Of a summary so many characters are told.
const SUMMARY_CHARS_MAX: usize = 160;

/// Nouns of more words say too much to be one.
const NOUN_WORDS_MAX: usize = 3;

/// What frameworks put behind the name of a resource.
const LAYERS: &[&str] = &[
    "api",
    "client",
    "controller",
    "endpoint",
    "handler",
    "resource",
    "server",
    "service",
    "view",
    "viewset",
];

/// Words after which no noun goes on.
const PREPOSITIONS: &[&str] =
    &["and", "at", "by", "for", "from", "in", "into", "of", "on", "to", "using", "with"];

/// Words that say nothing in a noun.
const FILLERS: &[&str] = &["a", "all", "an", "many", "new", "one", "the"];

/// Nouns that the convention uses where it knows none.
const GENERIC: &[&str] = &["resource", "system"];

/// Verbs by which sessions of somebody are ended.
const ENDS: &[&str] = &["expire", "invalidate", "revoke", "terminate"];

/// Verbs of reads, besides those by which calls are told.
const OTHER_READS: &[&str] = &["check", "fetch", "lookup", "preview", "retrieve", "show", "view"];

/// Names of parameters that say no more than that they are ids.
const ID_NAMES: &[&str] = &["id", "key", "name", "slug", "uid", "uuid"];

/// An operation of a document: what is done by a method on a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// As events show it, in the place of a rule's id: `admin-api#rotateKey`.
    pub id: String,
    /// The method, upper case.
    pub method: String,
    /// The path, with what stands before those of the document.
    pub path: PathPattern,
    /// The path as the document has it.
    pub written: String,
    /// The host, lower case; any if not given.
    pub host: Option<String>,
    /// `noun.verb`, where the document says so itself.
    pub action: Option<String>,
    /// Its id in the document.
    pub operation_id: Option<String>,
    /// Its first tag.
    pub tag: Option<String>,
    /// What it does, in a few words.
    pub summary: Option<String>,
    /// Parameters of the query that it cannot do without.
    pub query: Vec<String>,
}

/// What an operation's id says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    noun: Option<String>,
    verb: Option<String>,
}

impl Operation {
    /// As a rule.
    pub(super) fn rule(&self) -> EventRule {
        let (sample, ids) = self.sample();
        let request =
            RequestRecord { method: self.method.clone(), path: sample, ..RequestRecord::default() };
        let path = self.path.clone();
        let path = if self.ends_in_verb() { path.ending_in_verb() } else { path };
        let known = Known { documented: Some(&path), is_routed: true, ..Known::default() };
        let naming = naming_at(&request, None, known, &mut Trace::off());
        let item = naming.targets.first().and_then(|target| target.id.clone());
        let noun = naming.action.split_once('.').map_or("", |(noun, _)| noun);
        let said = self.said(noun);
        let params: Vec<&str> = self.path.names().collect();
        let template = |text: &str, uses| Template::new(text, uses, &params).ok();
        let known = naming.scope.values().map(String::as_str).chain(item.as_deref());
        let known: Vec<&str> = known.flat_map(|id| id.split('/')).collect();
        let outer = ids.iter().filter(|(_, _, id)| !known.contains(&id.as_str()));
        let scope = outer.filter_map(|(name, noun, _)| {
            Some((noun.clone(), template(&format!("{{path.{name}}}"), Uses::Request)?))
        });
        let scope = scope.collect();
        let queried = item.is_none().then(|| self.queried(noun)).flatten();
        let queried =
            queried.and_then(|name| template(&format!("{{query.{name}}}"), Uses::Exchange));
        let action = self.action.clone().or_else(|| self.action_of(&naming, &said));
        let stated = action.as_deref().and_then(|action| action.split_once('.'));
        let kind = stated.filter(|(stated, _)| item.is_none() && !is_same(stated, noun));
        // `user_role` of a user is that user's role, and no other thing.
        let is_owned = |stated: &str| {
            let owner = naming.sentence.owner.as_ref();
            owner.is_some_and(|owner| stated == format!("{}_{noun}", owner.kind))
        };
        let kind = kind.filter(|(stated, _)| !is_owned(stated));
        let kind = kind.filter(|_| naming.sentence.part.is_none());
        EventRule {
            id: self.id.clone(),
            methods: vec![self.method.clone()],
            path,
            host: self.host.clone(),
            kind: None,
            category: None,
            target: TargetRule {
                kind: kind.map(|(noun, _)| noun.to_owned()),
                id: queried,
                name: None,
            },
            action,
            scope,
            description: self.sentence().and_then(|text| template(&text, Uses::Event)),
            outcomes: Vec::new(),
            severity: None,
            snapshot: None,
            read: false,
            audit: false,
        }
    }

    /// A path that this operation takes, and of each parameter its name, the noun that it is the id
    /// of, and the id that the path has there.
    fn sample(&self) -> (String, Vec<(String, String, String)>) {
        let mut path = String::new();
        let mut ids = Vec::new();
        let mut before: Option<&str> = None;
        for (position, piece) in self.path.pieces().iter().enumerate() {
            path.push('/');
            match piece {
                Piece::Literal(text) => {
                    path.push_str(text);
                    before = Some(text);
                }
                Piece::Param { prefix, name, suffix } => {
                    let id = format!("{:07}", position + 1);
                    path.push_str(&format!("{prefix}{id}{suffix}"));
                    if let Some(name) = name {
                        ids.push((name.clone(), outer_noun(name, before.take()), id));
                    }
                }
                Piece::Rest => {}
            }
        }
        (path, ids)
    }

    /// The one parameter of the query that can only be the id of what is meant.
    fn queried(&self, noun: &str) -> Option<&str> {
        let is_id = |name: &&String| {
            let name = snake(name);
            ["id", "uuid"].contains(&name.as_str())
                || name.strip_suffix("_id").is_some_and(|stem| is_same(stem, noun))
        };
        let is_plain =
            |name: &&String| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        let mut all = self.query.iter().filter(is_id).filter(is_plain);
        let first = all.next()?;
        all.next().is_none().then_some(first)
    }

    /// `noun.verb`, if the operation says more than its path and method do.
    fn action_of(&self, naming: &Naming, said: &Said) -> Option<String> {
        let (noun, verb) = naming.action.split_once('.')?;
        if noun == "session" {
            // Whose sessions they are stands before them, so that nobody signs out.
            let ends = said.verb.as_deref().filter(|verb| ENDS.contains(verb));
            let ends = ends.filter(|_| naming.sentence.owner.is_some());
            return ends.map(|verb| format!("session.{verb}"));
        }
        let by_summary = || {
            let is_by_method = ["create", "update", "delete"].contains(&verb);
            self.said_summary().filter(|_| is_by_method).and_then(first_verb)
        };
        let stated = said.verb.clone().or_else(by_summary);
        let tagged = || {
            let tag = singular(&snake(self.tag.as_deref()?));
            (GENERIC.contains(&noun) && !tag.is_empty()).then_some(tag)
        };
        let other = said.noun.clone().filter(|other| !is_same(other, noun)).or_else(tagged);
        let other = other.filter(|_| naming.sentence.part.is_none());
        if stated.is_none() && other.is_none() {
            return None;
        }
        let is_item = naming.targets.iter().any(|target| target.id.is_some());
        let is_item = is_item || other.as_deref().is_some_and(|other| other != "user");
        match stated.as_deref() {
            Some("login") if !is_item => return Some("session.create".to_owned()),
            Some("logout") if !is_item => return Some("session.delete".to_owned()),
            _ => {}
        }
        let verb = of_action(stated.as_deref().unwrap_or(verb));
        let action = format!("{}.{verb}", other.as_deref().unwrap_or(noun));
        action.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase()).then_some(action)
    }

    /// The words of what stands before the last name in the operation's id, and of that.
    fn called(&self) -> Option<(Option<Vec<String>>, Vec<String>)> {
        let id = self.operation_id.as_deref()?;
        let mut parts: Vec<&str> =
            id.split(['.', '/', ':', '#', ' ']).filter(|part| !part.is_empty()).collect();
        let last = parts.pop()?;
        let (layer, last) = match last.split_once('_') {
            Some((layer, rest)) if without_layer(layer).is_some() => (Some(layer), rest),
            _ => (parts.last().copied(), last),
        };
        let layer = layer.map(|layer| without_layer(layer).unwrap_or_else(|| words_of(layer)));
        Some((layer, words_of(last)))
    }

    /// What the operation's id says; `noun` is what the convention takes it to be about.
    fn said(&self, noun: &str) -> Said {
        let Some((layer, mut words)) = self.called() else { return Said::default() };
        self.drop_route(&mut words);
        let mut said = said_by(&words);
        // Before what is meant can only stand what is done to it.
        if let (None, Some((verb, rest))) = (&said.verb, words.split_first())
            && noun_of(rest).is_some_and(|about| about == noun)
            && !FILLERS.contains(&verb.as_str())
            && verb.bytes().all(|byte| byte.is_ascii_lowercase())
        {
            said.verb = Some(verb.clone());
        }
        let method = self.method.to_ascii_lowercase();
        if said.verb.as_ref() == Some(&method)
            && ["post", "put", "patch"].contains(&method.as_str())
        {
            return Said::default();
        }
        said.verb = said.verb.map(|verb| canonical(&verb).to_owned());
        said.verb.take_if(|verb| self.changes() && is_read(verb));
        if said.noun.is_none() && said.verb.is_some() {
            said.noun = layer.and_then(|words| noun_of(&words));
        }
        said
    }

    /// Some frameworks append path and method to what the operation is called.
    fn drop_route(&self, words: &mut Vec<String>) {
        let mut route = words_of(&self.written.replace(['/', '{', '}'], "_"));
        route.push(self.method.to_ascii_lowercase());
        if words.len() > route.len() && words.ends_with(&route) {
            words.truncate(words.len() - route.len());
        }
    }

    /// Whether its method changes what the path names, whatever it is called.
    fn changes(&self) -> bool {
        matches!(self.method.as_str(), "PUT" | "PATCH" | "DELETE")
    }

    /// The summary, unless it says of a change that it is a read.
    fn said_summary(&self) -> Option<&str> {
        let is_read = |text: &str| first_verb(text).is_some_and(|verb| is_read(&verb));
        self.summary.as_deref().filter(|text| !(self.changes() && is_read(text)))
    }

    /// The summary as a template.
    fn sentence(&self) -> Option<String> {
        let summary = self.said_summary()?;
        let flat: Vec<&str> = summary.split_whitespace().collect();
        let text: String = flat.join(" ").chars().take(SUMMARY_CHARS_MAX).collect();
        let text = text.trim_end_matches(['.', ':', ' ']).replace('{', "{{").replace('}', "}}");
        (!text.is_empty()).then(|| format!("{text}: {{target.name | target.id}}"))
    }
}

/// Whether a verb says that nothing is changed.
fn is_read(verb: &str) -> bool {
    let first = verb.split('_').next().unwrap_or_default();
    READS.contains(&first) || OTHER_READS.contains(&first)
}

/// The words of a name, in whatever case it is written.
fn words_of(name: &str) -> Vec<String> {
    let pieces = name.split(['_', '-']).map(snake);
    pieces
        .flat_map(|piece| piece.split('_').map(ToOwned::to_owned).collect::<Vec<_>>())
        .filter(|word| !word.is_empty())
        .collect()
}

/// `UsersController` → users.
fn without_layer(name: &str) -> Option<Vec<String>> {
    let mut words = words_of(name);
    let layer = words.pop()?;
    (LAYERS.contains(&layer.as_str()) && !words.is_empty()).then_some(words)
}

fn said_by(words: &[String]) -> Said {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let is_generic = |word: &str| ["create", "update", "delete", "destroy"].contains(&word);
    let noun = |words: &[&str]| noun_of(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>());
    if let [first, "or", second, rest @ ..] = words.as_slice()
        && is_either(first, second)
    {
        return Said { noun: noun(rest), verb: Some("update".to_owned()) };
    }
    if let [adverb, verb, rest @ ..] = words.as_slice()
        && is_adverb(adverb)
        && is_verb(verb)
    {
        return Said { noun: noun(rest), verb: Some(format!("{adverb}_{}", canonical(verb))) };
    }
    if let ["cancel" | "prevent" | "undo", done, rest @ ..] = words.as_slice()
        && is_generic(done)
    {
        let verb = format!("{}_{done}", words.first().copied().unwrap_or_default());
        return Said { noun: noun(rest), verb: Some(verb) };
    }
    match words.as_slice() {
        [rest @ .., "partial", "update"] | [rest @ .., "create", "or", "update"]
            if !rest.is_empty() =>
        {
            let rest = rest.iter().chain(&["update"]).map(|word| (*word).to_owned());
            said_by(&rest.collect::<Vec<_>>())
        }
        [rest @ .., adverb, last] if is_adverb(adverb) && is_verb(last) => {
            Said { noun: noun(rest), verb: Some(format!("{adverb}_{}", canonical(last))) }
        }
        [first, .., last] if is_verb(first) && (is_generic(first) || !is_generic(last)) => {
            Said { noun: noun(words.get(1..).unwrap_or_default()), verb: Some((*first).to_owned()) }
        }
        [rest @ .., last] if is_verb(last) => {
            // `api_v1_users_create`
            let says = |word: &&str| !is_prefix(word) && !is_version(word, false);
            let start = rest.iter().position(says).unwrap_or_default();
            let rest = rest.get(start..).unwrap_or_default();
            Said { noun: noun(rest), verb: Some((*last).to_owned()) }
        }
        _ => Said::default(),
    }
}

/// The words of a noun as one, if they are one.
fn noun_of(words: &[String]) -> Option<String> {
    let mut noun: Vec<&str> = Vec::new();
    for word in words {
        // What begins with one is no noun: `login_for_access_token`.
        if PREPOSITIONS.contains(&word.as_str()) {
            break;
        }
        // `DeleteCustomersCustomer`: the collection, and one of it.
        noun.pop_if(|collection| is_plural(collection) && singular(collection) == *word);
        if !FILLERS.contains(&word.as_str()) {
            noun.push(word);
        }
    }
    let starts = noun.first()?.starts_with(|first: char| first.is_ascii_lowercase());
    let is_one = noun.len() <= NOUN_WORDS_MAX && !noun.iter().any(|word| is_version(word, false));
    (starts && is_one).then(|| singular(&noun.join("_")))
}

/// Whether a noun says no more than the one that is known.
fn is_same(noun: &str, known: &str) -> bool {
    noun == known || known.ends_with(&format!("_{noun}"))
}

/// The verb that a summary begins with: `Rotates a key`.
fn first_verb(summary: &str) -> Option<String> {
    let mut words = summary.split_whitespace().map(str::to_ascii_lowercase);
    let word = words.next()?;
    if words.next().as_deref() == Some("or")
        && words.next().is_some_and(|second| is_either(stem_of(&word), stem_of(&second)))
    {
        return Some("update".to_owned());
    }
    let bare = || word.strip_suffix("es").filter(|bare| is_verb(bare));
    let verb = Some(word.as_str()).filter(|word| is_verb(word));
    let verb =
        verb.or_else(|| word.strip_suffix('s').filter(|bare| is_verb(bare))).or_else(bare)?;
    Some(canonical(verb).to_owned())
}

/// Whether something is made or changed, whichever it takes: `create or replace`.
fn is_either(first: &str, second: &str) -> bool {
    let makes = |verb: &str| canonical(verb) == "create" || verb == "insert";
    let changes = |verb: &str| canonical(verb) == "update" || matches!(verb, "replace" | "set");
    makes(first) && changes(second) || changes(first) && makes(second)
}

/// `creates` → `create`
fn stem_of(word: &str) -> &str {
    word.strip_suffix('s').unwrap_or(word)
}

/// What a parameter is the id of: by the collection before it, or else by its own name.
fn outer_noun(param: &str, before: Option<&str>) -> String {
    let stem = |name: &str| {
        let ending = ID_NAMES.iter().find_map(|id| name.strip_suffix(id)?.strip_suffix('_'));
        ending.unwrap_or(name).to_owned()
    };
    let noun = match before.map(|text| singular(&snake(text))).filter(|noun| !noun.is_empty()) {
        Some(noun) => noun,
        None => singular(&stem(param)),
    };
    scope_name(&noun).map_or(noun, ToOwned::to_owned)
}
