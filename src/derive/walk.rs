//! The walk along a path: which segments are collections, which ids, which a verb.

mod azure;
mod composite;
mod leading;
mod matrix;
mod members;
mod named;
mod places;
mod reference;
mod route;
mod service;
mod singular;
mod unnamed;
mod verb;

use self::named::is_own_of_people;
use self::route::route;
pub(super) use self::singular::ACTIONS;
use self::singular::{is_abstract, is_decimal, is_own_thing};
pub(super) use self::unnamed::take as unnamed;
use self::verb::{compound_tail, is_sign_out_of_all, noun_first};
use super::nouns::{is_common_collection, is_known_noun, is_marker, is_part, is_thing, scope_name};
use super::nouns::{is_singleton, known_category};
use super::path::{Path, Segment, keyed};
use super::text::{bounded, cut};
use super::verbs::{canonical, is_verb};
use super::words::{is_plural, singular, snake};

/// A noun on the way, with the id that followed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) noun: String,
    pub(super) id: Option<String>,
    /// An id followed, though it may not be shown.
    pub(super) is_item: bool,
    plural: bool,
    /// Things belong to it, though to others of this noun none do.
    is_scope: bool,
    /// The whole segment, if it has several ids in it, however long.
    pub(super) listed: Option<String>,
    /// The segments with the id.
    pub(super) slots: Vec<usize>,
    /// The segment with the noun.
    pub(super) at: Option<usize>,
}

/// What a path says.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) nodes: Vec<Node>,
    /// The part of the last node that is meant.
    pub(super) part: Option<String>,
    /// The segment with it.
    pub(super) part_at: Option<usize>,
    /// A verb in the path.
    pub(super) verb: Option<String>,
    /// The segment with it.
    pub(super) verb_at: Option<usize>,
    /// Somebody signs in or out.
    pub(super) signs: bool,
    /// A parameter says what is done, which the application may read or not.
    pub(super) is_unclear: bool,
    /// A script is sent something, and nothing says what for.
    pub(super) is_submitted: bool,
    /// The last node is what belongs to the one before it, as JSON:API has it.
    pub(super) is_relationship: bool,
    /// The last node is created with the ids that the path gives it.
    pub(super) creates: bool,
    /// What is sent there is created, or changed if it has an id.
    pub(super) saves: bool,
    /// The route template.
    pub(super) route: String,
}

/// Walks a path for a request with this method (as it counts: an override taken).
pub(super) fn walk(path: &Path, method: &str) -> Walked {
    let mut walk = Walk { path, method, out: Walked::default(), next: path.start };
    walk.composite();
    walk.file_system();
    walk.layout();
    walk.registry();
    walk.model();
    while let Some(segment) = path.segments.get(walk.next) {
        walk.step(segment);
        // What is created has no id yet.
        if method != "POST" || walk.next + 1 < path.segments.len() {
            matrix::take(&mut walk.out.nodes, segment, walk.next);
        }
        walk.next += 1;
    }
    let mut out = walk.out;
    azure::take(&mut out.nodes);
    unnamed::own(&mut out.nodes);
    reference::take(&mut out, path, method);
    if let Some(verb) = &path.verb {
        let signs = verb.starts_with("sign_in") || verb.starts_with("log_in") || verb == "login";
        if signs && out.nodes.last().is_none_or(|node| !node.is_item) {
            // `accounts:signInWithPassword`
            out.nodes = vec![Node::named("session")];
            (out.verb, out.signs) = (Some("create".to_owned()), true);
        } else {
            out.verb = Some(canonical(verb).to_owned());
        }
        out.verb_at = path.verb_at;
    }
    out.route = route(path, &out.nodes);
    out
}

struct Walk<'p> {
    path: &'p Path,
    method: &'p str,
    out: Walked,
    next: usize,
}

impl Node {
    /// Whether it is a collection, and none of its items is meant.
    pub(super) fn is_collection(&self) -> bool {
        self.plural && !self.is_item
    }

    /// Takes this for its id, which stands in this segment.
    pub(super) fn take_id(&mut self, id: &str, at: Option<usize>) {
        self.id = match (self.id.take(), bounded(id)) {
            (Some(id), Some(more)) => Some(cut(&format!("{id}/{more}"))),
            (id, more) => id.or(more),
        };
        self.is_item = true;
        self.slots.extend(at);
    }

    /// A thing by its name alone.
    pub(super) fn named(noun: &str) -> Self {
        Self { noun: noun.to_owned(), ..Self::default() }
    }
}

impl Walk<'_> {
    fn step(&mut self, segment: &Segment) {
        let is_last = self.next + 1 == self.path.segments.len();
        let is_method = is_last && (self.acts_below(segment) || self.method_of_service(segment));
        if is_method || self.document(segment) {
            return;
        }
        let Some(word) = segment.word.as_deref() else {
            let is_other = is_last && (self.is_done_with(segment) || self.is_step(segment));
            if !is_other {
                self.id(segment);
            }
            return;
        };
        if self.path.is_inner_version(self.next) || self.is_below_areas() {
            return;
        }
        if is_last && self.dotted(segment) {
            return;
        }
        if self.special(segment, word, is_last) {
            return;
        }
        match self.out.nodes.last() {
            Some(node) if node.plural && !node.is_item => {
                self.after_collection(segment, word, is_last);
            }
            Some(node) if node.is_item && is_last && self.is_key(word) => self.id(segment),
            Some(node) if node.is_item => self.after_item(word, is_last),
            _ => self.after_word(segment, word, is_last),
        }
    }

    /// A segment that can only be an id.
    fn id(&mut self, segment: &Segment) {
        let index = self.next;
        if is_decimal(&segment.text) && self.is_version_here() {
            return;
        }
        if let Some((name, key)) = keyed(&segment.text).filter(|_| !self.is_named_next()) {
            self.node(&snake(name));
            if let Some(node) = self.out.nodes.last_mut() {
                (node.id, node.is_item, node.plural) = (bounded(key), true, true);
                node.slots.push(index);
            }
            return;
        }
        match self.out.nodes.last_mut() {
            Some(node) => {
                node.listed = segment.text.contains(',').then(|| segment.text.clone());
                node.listed.take_if(|_| node.id.is_some());
                // Text that may not be shown names an item all the same.
                node.take_id(&segment.text, Some(index));
            }
            None => {
                self.out.nodes.push(Node::named("resource"));
                self.id(segment);
            }
        }
    }

    /// Whether the next segment can only be the id of an item, whatever it looks like.
    fn is_named_next(&self) -> bool {
        self.out.nodes.last().is_some_and(Node::is_collection)
    }

    fn node(&mut self, word: &str) {
        let (noun, plural) = (singular(word), is_plural(word));
        // `/storage/v1/b/photos`; the first of all may be a bucket that is called so.
        let noun = if word == "b" && self.next > 0 { "bucket".to_owned() } else { noun };
        let node = Node { noun, plural, at: Some(self.next), ..Node::default() };
        self.out.nodes.push(node);
    }

    /// After a plural comes an id, unless the segment can only be something else.
    fn after_collection(&mut self, segment: &Segment, word: &str, is_last: bool) {
        let next = self.path.segments.get(self.next + 1);
        let next_word = next.and_then(|next| next.word.as_deref());
        let next_is_id = next.is_some() && next_word.is_none();
        let is_pair = self.is_pair();
        if is_pair && next_word.is_some_and(|next| self.is_of_format(next)) {
            return;
        }
        if is_pair && let Some(second) = next {
            self.id(segment);
            self.next += 1;
            return self.id(second);
        }
        if self.revokes(word, is_last) || self.is_of_realm(word) || self.is_fixed(word, is_last) {
            return;
        }
        if let (true, Some(next)) = (is_marker(word), next) {
            // The next segment is the id, whatever it looks like.
            self.next += 1;
            return self.id(next);
        }
        // Grafana's dashboards, which are created at this place.
        if is_last && word == "db" && self.method == "POST" {
            self.out.saves = true;
            return;
        }
        if is_last && self.is_acting_on_all(word) {
            return self.verb(word);
        }
        // `/users/delete/5`, as old applications have it.
        if next_is_id && self.next + 2 == self.path.segments.len() && is_verb(word) {
            return self.verb(word);
        }
        // `/users/password`: one's own; `/users/password/reset`.
        let acts = self.next + 2 == self.path.segments.len() && next_word.is_some_and(is_verb);
        let is_own = (is_last || acts) && is_part(word);
        let is_own = is_own && self.out.nodes.last().is_some_and(is_people);
        // `/users/confirmation`: what people of some frameworks have before they are signed in.
        if is_last && is_before_session(word) && self.out.nodes.last().is_some_and(is_people) {
            return self.node(word);
        }
        if is_own {
            self.out.part = Some(word.to_owned());
            self.out.part_at = Some(self.next);
            return;
        }
        // `/users/tokens/provision`, `/users/authorization/changePassword`: no item is called so.
        let is_acted_on = self.next + 2 == self.path.segments.len()
            && next_word.is_some_and(|next| is_verb(next) || compound_tail(next).is_some());
        if self.method == "POST" && is_acted_on && self.is_list_of_own(word) {
            return self.node(word);
        }
        let noun = self.noun();
        // `/users/service_account`
        if self.method == "POST" && is_last && word.contains('_') && is_known_noun(word) {
            return self.node(word);
        }
        let is_sent =
            self.method == "POST" || matches!(self.method, "PATCH" | "PUT") && is_abstract(word);
        if is_sent && is_last && is_own_thing(word, noun) {
            self.out.part = Some(word.to_owned());
            self.out.part_at = Some(self.next);
            return;
        }
        // Salesforce's types of things, and Directus's.
        if noun == "sobject" || noun == "item" && is_last && is_plural(word) {
            return self.node(word);
        }
        let is_collection = is_plural(word)
            && segment.text.bytes().all(|byte| !byte.is_ascii_uppercase())
            && match next {
                None => self.method == "POST" && !self.is_named_by_people(word),
                Some(_) => {
                    next_is_id
                        || (is_common_collection(word)
                            && next_word.is_some_and(|next| {
                                !is_plural(next) && !is_verb(next) && !is_part(next)
                            }))
                }
            };
        let is_literal = segment.is_literal && !matches!(word, "current" | "me" | "mine" | "self");
        if is_collection || is_literal { self.node(word) } else { self.id(segment) }
    }

    /// The noun of the last node.
    fn noun(&self) -> &str {
        self.out.nodes.last().map(|node| node.noun.as_str()).unwrap_or_default()
    }

    /// `/repositories/maven/proxy/central`, as Nexus has them: a format, a kind, and the one.
    fn is_of_format(&mut self, kind: &str) -> bool {
        let is_kind = ["group", "hosted", "proxy"].contains(&kind) && self.method != "GET";
        if is_kind {
            self.next += 2;
            match self.path.segments.get(self.next) {
                Some(own) => self.id(own),
                None => self.out.creates = true,
            }
        }
        is_kind
    }

    fn after_item(&mut self, word: &str, is_last: bool) {
        if self.is_batch_of_item(word) {
            return;
        }
        let verb_is_next = self.next + 2 == self.path.segments.len()
            && self
                .path
                .segments
                .get(self.next + 1)
                .and_then(|next| next.word.as_deref())
                .is_some_and(is_verb);
        if is_last && (self.is_acting(word) || self.is_acting_on_one(word) || self.is_act(word)) {
            self.verb(word);
        } else if verb_is_next && self.is_before_power(word) {
            // `/qemu/100/status/stop`: what is done to the machine.
        } else if is_part(word) && (is_last || verb_is_next) {
            self.out.part = Some(word.to_owned());
            self.out.part_at = Some(self.next);
        } else if !is_last && matches!(word, "actions" | "action" | "lifecycle") {
            // A folder of verbs.
        } else if word == "relationships" && self.next + 2 == self.path.segments.len() {
            self.out.is_relationship = true;
        } else if is_plural(word) || !is_last || self.are_members(word) {
            self.node(word);
        } else if self.method == "POST" && (!is_thing(word) || self.is_made_in_one(word)) {
            // What is no verb is a thing, which is made.
            self.node(word);
        } else {
            self.out.part = Some(singular(word));
            self.out.part_at = Some(self.next);
        }
    }

    /// After nothing, or after a singular without an id.
    fn after_word(&mut self, segment: &Segment, word: &str, is_last: bool) {
        let before = self.out.nodes.last().map(|node| node.noun.clone());
        if is_last && self.is_acting(word) && (before.is_some() || is_session_verb(word)) {
            return self.verb(word);
        }
        if is_last && self.asks(segment, word) {
            return;
        }
        if is_last && before.is_none() && compound_tail(word).is_some_and(|(_, it)| !it.is_empty())
        {
            return self.verb(word);
        }
        let Some(before) = before else { return self.first(word, is_last) };
        if self.is_django_item() || self.is_done_next() {
            return self.id(segment);
        }
        // `/user/id/41`
        if let (true, Some(next)) =
            (self.is_marker_here(word), self.path.segments.get(self.next + 1))
        {
            self.next += 1;
            return self.id(next);
        }
        if is_last && self.is_of_several_at_once(word) {
            return;
        }
        if self.is_name_behind(segment, word) {
            self.out.creates = self.method == "POST" && is_last;
            return self.id(segment);
        }
        if let Some((noun, verb)) = noun_first(word).filter(|_| is_last && self.method == "POST") {
            self.node(noun);
            self.out.verb = Some(canonical(verb).to_owned());
            return;
        }
        // `/_security/user/ann`
        let is_changed = matches!(self.method, "PUT" | "PATCH" | "DELETE");
        if is_last
            && is_changed
            && matches!(before.as_str(), "user" | "role" | "policy" | "api_key")
            && !(before == "user" && is_own_of_people(word))
            && !is_part(word)
            && !is_plural(word)
            && known_category(word).is_none()
        {
            self.id(segment);
        } else if self.is_named_item(segment, word) {
            self.out.creates = self.method == "POST" && is_last && !self.is_elastic();
            self.id(segment);
        } else if self.out.part.is_some() {
            self.node(word);
        } else if is_last && is_part(word) && !is_singleton(&before) {
            self.out.part = Some(word.to_owned());
            self.out.part_at = Some(self.next);
        } else if scope_name(&before).is_some()
            && before != "account"
            && (before != "pool" || self.method != "POST")
            && !is_plural(word)
            && !is_part(word)
            && !is_verb(word)
            && known_category(word).is_none()
            && !self.is_before_marker()
        {
            self.id(segment);
        } else {
            self.node(word);
        }
    }
}

fn is_people(node: &Node) -> bool {
    matches!(node.noun.as_str(), "user" | "account")
}

/// What somebody asks for who cannot sign in yet.
fn is_before_session(word: &str) -> bool {
    matches!(word, "activation" | "confirmation" | "registration" | "unlock" | "verification")
}

fn is_session_verb(word: &str) -> bool {
    matches!(canonical(word), "login" | "logout" | "register" | "refresh")
        || is_sign_out_of_all(word)
}
