//! The name of a request, from the request alone.

mod asking;
mod by_path;
mod contrary;
mod delivery;
mod membership;
mod noted;
mod ordered;
mod owned;
mod patched;
mod relation;
mod signing;
mod targets;
mod upon;

use self::by_path::named_by_path;
pub(super) use self::relation::{GIVEN, is_right, right_given};
use self::signing::{by_route, note_routed};
pub(super) use self::targets::{are_claimed, plural_name, sets_name};
use super::act::{Act, Answer, are_told_alike, plan};
use super::acting::{self, Acted};
use super::alike::{self, NAMES_ALIKE};
use super::batch;
use super::body::{self, Value};
use super::call::Calls;
use super::commands;
use super::endpoint::{LOOKS_LIKE_CALL, READS, called, reads};
use super::graphql::{self, BESIDE, Operation};
use super::method::{IGNORED, Method, OTHER_PATH, meant};
use super::nouns::{is_known_noun, is_part};
use super::path::Path;
use super::queried;
use super::rule::{Matched, PathPattern};
use super::sentence::Sentence;
use super::trace::{By, Field, Origin, Trace};
use super::walk::{self, Node, Walked, walk};
use crate::record::{RequestRecord, Scope, Target, Tree};

/// More targets than are named.
pub(super) const TOO_MANY: &str = "targets_truncated";

/// What the request alone tells.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Naming {
    /// `noun.verb`.
    pub action: String,
    /// The area.
    pub category: String,
    /// Upon what: at least one, several for bulk requests and batches.
    pub targets: Vec<Target>,
    /// Where it belongs.
    pub scope: Scope,
    /// The route template.
    pub route: Option<String>,
    /// What is about to be done.
    pub description: String,
    pub(super) sentence: Sentence,
    /// The method that counts.
    pub(super) method: String,
    /// Something says that it may be another request than it looks like.
    pub(super) is_doubtful: bool,
    /// The path leads to one item, or to what there is one of, and to no action of it.
    pub(super) is_item: bool,
    /// What a reader should know of how it was named.
    pub notes: Vec<&'static str>,
    /// Its name is in the body, and arguments are no fields.
    pub(super) is_call: bool,
    /// Another application delivers it to a webhook.
    pub is_delivery: bool,
    /// It is called where calls are answered, by the name of the path.
    pub(super) is_at_endpoint: bool,
    /// What it calls: one act, which it is itself, or several.
    pub(super) acts: Vec<Act>,
    /// Where each of the requests belongs that are sent within this one.
    pub(super) within: Vec<Scope>,
    /// A rule names all of them at once.
    pub(super) is_one: bool,
    /// How several acts are called, with their number: `3 GraphQL mutations`.
    pub(super) acts_kind: String,
    /// It is GraphQL, the gravest of it this.
    pub(super) graphql: Option<Operation>,
    /// The rule that named it.
    pub(super) matched: Option<Matched>,
    /// The operation of a document that names what the rule does not.
    pub(super) documented: Option<Matched>,
}

impl Naming {
    /// The method that counts, upper case; empty if it is none.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Whether the body says what is done: GraphQL, JSON-RPC, a batch; or would, where the path is
    /// one at which calls are answered.
    pub fn is_call(&self) -> bool {
        let is_batch = matches!(self.action.as_str(), "resource.batch" | "resource.bulk");
        self.is_call || self.is_at_endpoint || is_batch
    }

    /// Whether the request may hold a GraphQL operation that is no mere query, on whatever path, or
    /// calls what is named as no read.
    pub(super) fn may_mutate(&self, request: &RequestRecord, body: Option<&Value<'_>>) -> bool {
        if self.graphql.is_none() && !self.acts.iter().all(reads) {
            return true;
        }
        let query = request.query.as_ref().map(Tree::node);
        let gravity = || graphql::gravity(query, body);
        match self.graphql {
            Some(operation) => operation != Operation::Query,
            None => {
                matches!(gravity(), Some(Operation::Mutation | Operation::Subscription))
            }
        }
    }
}

/// Names a request by convention.
#[cfg(test)]
pub(super) fn naming(request: &RequestRecord) -> Naming {
    let body = request.body.as_ref().map(crate::record::BodyRecord::tree);
    naming_at(request, body, Known::default(), &mut Trace::off())
}

/// What is known of a path besides itself.
#[derive(Clone, Copy, Default)]
pub(super) struct Known<'k> {
    /// It is documented: where its ids stand.
    pub(super) documented: Option<&'k PathPattern>,
    /// A rule or a document is for it.
    pub(super) is_routed: bool,
    /// Somebody is known to send it who is no webhook.
    pub(super) is_somebodys: bool,
}

/// What a path says; of what a document names, and what is sent to it, nothing is guessed.
fn walked(
    path: &Path,
    method: &str,
    known: Known<'_>,
    (request, body): (&RequestRecord, Option<&Value<'_>>),
) -> Walked {
    let mut walked = walk(path, method);
    if known.documented.is_none() && membership::is_empty(request, body) {
        walk::unnamed(&mut walked, path, method);
    }
    walked
}

/// Names a request with this body by convention.
pub(super) fn naming_at(
    request: &RequestRecord,
    body: Option<&Value<'_>>,
    known: Known<'_>,
    trace: &mut Trace,
) -> Naming {
    let mut method = Method::of(request, body);
    let path = known
        .documented
        .and_then(|pattern| Path::documented(&request.path, pattern))
        .unwrap_or_else(|| Path::read(&request.path));
    let mut walked = walked(&path, meant(&method.name, body), known, (request, body));
    let called = called(request, body, &method, (&path, &walked), known.is_routed);
    let is_sent = body.is_some() || request.query.is_some();
    noted::path(&walked, trace);
    if called.calls.is_some() && method.name != method.sent {
        // Calls are answered whatever the method.
        method.name.clone_from(&method.sent);
        method.notes.retain(|note| *note == OTHER_PATH);
        method.notes.push(IGNORED);
    }
    let acted = acting::acted(request, body);
    let beside = acting::beside_sign_in(request, &path);
    let at_provider = acting::signs_in_at_provider(&walked, acted.as_ref(), body)
        || signing::shows_who(&path, body);
    let is_doubtful = acted.is_some();
    let is_asked = acting::is_asked(request, body, acted.as_ref(), &walked);
    let is_script = acting::is_script(&path) && walked.verb.is_none() && walked.part.is_none();
    let is_script = is_script || acting::is_query_protocol(request, body);
    let is_acted = is_script || acting::is_bare(&path) || acting::queue(&path).is_some();
    let is_acted = is_acted || acting::is_of_list(&path, &walked);
    let acted = acted.filter(|_| is_acted && matches!(method.name.as_str(), "POST" | "GET"));
    walked.signs &= beside.is_none();
    let mut acted = beside.or(acted);
    let may_be_routed = is_script && method.name == "POST" && known.documented.is_none();
    let is_front = may_be_routed && acting::is_front(&path);
    let routed = by_route(&mut walked, &mut acted, request, body.filter(|_| is_front));
    signing::take(&mut walked, &path, &method.name, at_provider);
    walked.is_submitted |= acted.is_none() && may_be_routed;
    commands::submit(&mut walked, &path, request, body);
    walked.is_unclear = !is_script && method.name == "POST" && is_asked;
    of_part(&mut walked);
    let mut naming = match called.calls {
        Some(calls) => {
            // Without arguments it is the path alone that says so.
            let last = path.segments.len().checked_sub(1).map(Origin::Segment);
            let origin = last.filter(|_| !is_sent).unwrap_or(Origin::Call);
            noted::calls(&calls, &origin, trace);
            let naming = named_by_calls(calls, &walked);
            let is_gone = |name: &str| !naming.scope.contains_key(name);
            trace.forget(|field| matches!(field, Field::Scope(name) if is_gone(name)));
            naming
        }
        None => {
            take(&mut walked, acted.as_ref(), &path);
            queried::take(&mut walked, &path, request, meant(&method.name, body));
            let meant = meant(&method.name, body);
            let naming = delivery::named(walked, (request, body), meant, known, trace);
            note_acted(acted, trace);
            note_routed(routed, trace);
            naming
        }
    };
    naming.notes.extend(path.is_cut.then_some(super::path::TOO_LONG));
    naming.notes.extend(called.is_ignored.then_some(LOOKS_LIKE_CALL));
    naming.notes.extend(alike::note(body));
    let asks = || request.query.as_ref().is_some_and(|query| asks_mutation(query.node()));
    if method.is_unclear
        || called.may_act
        || is_doubtful
        || (!naming.is_call && method.name == "GET" && asks())
    {
        naming.may_be_no_read();
    }
    naming.connects(request, &method.name, trace);
    naming.is_at_endpoint = called.is_at_endpoint;
    // A call that only reads agrees with a rule that says so.
    naming.is_doubtful = method.is_doubtful || called.is_ignored && called.may_act || is_doubtful;
    naming.notes.append(&mut method.notes);
    naming.describe();
    let said = By::Convention("a sentence of action, target and scope");
    trace.note(Field::Description, || (said, Vec::new()));
    naming.method = method.name;
    naming
}

/// Takes a part for the thing that is meant, if it is one: `POST /company/12/invoice?operation=delete`, which
/// makes none.
fn of_part(walked: &mut Walked) {
    let is_unclear = walked.is_unclear;
    let is_thing = |part: &mut String| is_unclear && is_known_noun(part) && !is_part(part);
    let Some(thing) = walked.part.take_if(is_thing) else { return };
    let mut node = Node::named(&thing);
    node.at = walked.part_at.take();
    walked.nodes.push(node);
}

/// What connections are upgraded to over which HTTP goes on.
const OTHER_HTTP: [&str; 4] = ["h2", "h2c", "http", "tls"];

/// Whether a request opens a connection for something else than HTTP, such as a WebSocket: what is said
/// there nobody records, and it is no read.
fn opens(request: &RequestRecord, method: &str) -> bool {
    let asked = request.headers.get("upgrade").and_then(Value::as_str).unwrap_or_default();
    let mut asked = asked.split(',').map(str::trim).filter(|name| !name.is_empty());
    let is_http = |name: &str| OTHER_HTTP.iter().any(|it| name.eq_ignore_ascii_case(it));
    method == "GET" && asked.any(|name| !is_http(name.split('/').next().unwrap_or(name)))
}

/// What a parameter says, in the place of what the path does not.
fn take(walked: &mut Walked, acted: Option<&Acted>, path: &Path) {
    let Some(Acted { noun, verb, .. }) = acted else { return };
    walked.verb = Some(verb.clone());
    acting::name_servlet(walked);
    if let Some(name) = acting::queue(path) {
        let mut queue = Node::named("queue");
        queue.take_id(name, Some(1));
        let other = noun.as_deref().filter(|noun| *noun != "queue").map(Node::named);
        walked.nodes = std::iter::once(queue).chain(other).collect();
        return;
    }
    if noun.is_none() && acting::is_bare(path) && !path.segments.is_empty() {
        walked.nodes = vec![Node::named("resource")];
    }
    if let Some(noun) = noun {
        walked.nodes.pop();
        walked.nodes.push(Node::named(noun));
    }
}

fn note_acted(acted: Option<Acted>, trace: &mut Trace) {
    let Some(Acted { noun, origin, .. }) = acted else { return };
    let by = By::Convention("what a parameter of a script says");
    let kind = noun.map(|_| [Field::Category, Field::Kind(0)]);
    for field in [Field::Action].into_iter().chain(kind.into_iter().flatten()) {
        trace.note(field, || (by.clone(), vec![origin.clone()]));
    }
}

/// Whether a query holds a GraphQL document that changes something.
fn asks_mutation(query: &Value<'_>) -> bool {
    query.get("query").and_then(Value::as_str).is_some_and(|text| {
        crate::decode::is_operation(text)
            && graphql::gravity(Some(query), None) == Some(Operation::Mutation)
    })
}

fn named_by_calls(mut calls: Calls, walked: &Walked) -> Naming {
    let (action, category) = calls.action();
    let outer = scope(&walked.nodes);
    let (scope, within) = match calls.within.as_slice() {
        [] => (outer, Vec::new()),
        within => batch::shared(&outer, within),
    };
    for act in &mut calls.acts {
        // Requests within this one have their own.
        let own = std::mem::take(&mut act.sentence.scope);
        act.sentence.scope = scope.iter().map(|(k, v)| (k.clone(), v.clone())).chain(own).collect();
    }
    let targets = calls.acts.iter().flat_map(|act| &act.targets).take(body::TARGETS_MAX);
    let targets = targets.cloned().collect();
    let sentence = calls.acts.first().map(|act| act.sentence.clone()).unwrap_or_default();
    let sentence = Sentence { scope: scope.clone(), ..sentence };
    Naming {
        action,
        category,
        targets,
        route: Some(walked.route.clone()),
        sentence,
        scope,
        notes: calls.notes,
        is_call: true,
        acts: calls.acts,
        within,
        acts_kind: format!("{} {}", calls.count, calls.kind),
        graphql: calls.graphql,
        ..Naming::default()
    }
}

impl Naming {
    /// Says what is about to be done.
    pub(super) fn describe(&mut self) {
        self.description = match self.is_mixed() {
            true => plan(&self.acts, &self.acts_kind),
            false => self.sentence.intent(&self.targets),
        };
    }

    /// Whether the client named another method or path, or said something twice, which is not what is recorded.
    pub(super) fn is_disguised(&self) -> bool {
        let is_disguise = |note: &&str| [IGNORED, OTHER_PATH, NAMES_ALIKE, BESIDE].contains(note);
        self.notes.iter().any(is_disguise)
    }

    /// What looks like a read is not called one.
    fn may_be_no_read(&mut self) {
        let Some((noun, verb)) = self.action.rsplit_once('.') else { return };
        if READS.contains(&verb) {
            self.action = format!("{noun}.request");
            "request".clone_into(&mut self.sentence.verb);
        }
    }

    /// What would be a read opens a connection.
    fn connects(&mut self, request: &RequestRecord, method: &str, trace: &mut Trace) {
        let Some((noun, "read" | "request")) = self.action.rsplit_once('.') else { return };
        if !opens(request, method) {
            return;
        }
        self.action = format!("{noun}.connect");
        "open".clone_into(&mut self.sentence.verb);
        let by = By::Convention("the connection is to be upgraded");
        trace.note(Field::Action, || (by, vec![Origin::RequestHeader("upgrade".to_owned())]));
    }

    /// Whether it does several things that have no sentence in common.
    pub(super) fn is_mixed(&self) -> bool {
        self.acts.len() > 1 && !self.is_one && !are_told_alike(&self.acts)
    }
}

/// A request within another, as an act.
pub(super) fn named_alone(method: &str, path: &str, body: Option<&Value<'_>>) -> Act {
    let method = meant(method, body);
    let walked = walk(&Path::read(path), method);
    let naming = named_by_path(walked, &RequestRecord::default(), body, method, &mut Trace::off());
    Act {
        action: naming.action,
        category: naming.category,
        targets: naming.targets,
        sentence: naming.sentence,
        answer: Answer::Rest,
    }
}

/// Whether a node has the ids of several items, of which none holds the others.
fn is_several(node: &Node) -> bool {
    node.listed.as_deref().is_some_and(|listed| !body::Many::of_ids(listed).is_empty())
}

/// Where nodes say that something belongs.
pub(super) fn scope(nodes: &[Node]) -> Scope {
    let pair = |node: &Node| Some((node.scope_name()?.to_owned(), node.id.clone()?));
    nodes.iter().filter(|node| !is_several(node)).filter_map(pair).collect()
}
