//! The name of a request, from the request alone.

mod noted;

use self::noted::Held;
use super::act::{Act, Answer, are_alike, plan};
use super::batch;
use super::body::{self, Listed, Many, Value};
use super::call::Calls;
use super::graphql::{self, Operation};
use super::nouns::{is_singleton, known_category, scope_name};
use super::path::Path;
use super::rpc;
use super::rule::{Matched, PathPattern};
use super::sentence::Sentence;
use super::text::bounded;
use super::trace::{By, Field, Origin, Trace};
use super::verbs::{canonical, compound};
use super::walk::{Node, Walked, walk};
use super::words::{is_plural, snake};
use crate::record::{RequestRecord, Scope, Target, Tree};

/// Longer methods are no methods.
const METHOD_BYTES_MAX: usize = 32;

/// More targets than are named.
pub(super) const TOO_MANY: &str = "targets_truncated";

/// Header fields by which a client names another method.
const OVERRIDE_HEADERS: [&str; 3] =
    ["x-http-method-override", "x-http-method", "x-method-override"];

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
    /// The path leads to one item, and to no part or action of it.
    pub(super) is_item: bool,
    /// What a reader should know of how it was named.
    pub notes: Vec<&'static str>,
    /// Its name is in the body, and arguments are no fields.
    pub(super) is_call: bool,
    /// What it calls: one act, which it is itself, or several.
    pub(super) acts: Vec<Act>,
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

    /// Whether the body says what is done: GraphQL, JSON-RPC, a batch.
    pub fn is_call(&self) -> bool {
        self.is_call
    }

    /// Whether the request may hold a GraphQL operation that is no mere query, on whatever path.
    pub(super) fn may_mutate(&self, request: &RequestRecord, body: Option<&Value<'_>>) -> bool {
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
    naming_at(request, body.as_ref(), None, &mut Trace::off())
}

/// Names a request with this body by convention; if its path is documented, it is known where its ids stand.
pub(super) fn naming_at(
    request: &RequestRecord,
    body: Option<&Value<'_>>,
    documented: Option<&PathPattern>,
    trace: &mut Trace,
) -> Naming {
    let method = method(request, body);
    let path = documented
        .and_then(|pattern| Path::documented(&request.path, pattern))
        .unwrap_or_else(|| Path::read(&request.path));
    let walked = walk(&path, &method);
    let query = request.query.as_ref().map(Tree::node);
    let calls = graphql::calls(&request.path, query, body)
        .or_else(|| rpc::calls(body))
        .or_else(|| batch::calls(&request.path, body));
    noted::path(&walked, trace);
    let mut naming = match calls {
        Some(calls) => {
            // Without arguments it is the path alone that says so.
            let is_sent = body.is_some() || query.is_some();
            let last = path.segments.len().checked_sub(1).map(Origin::Segment);
            let origin = last.filter(|_| !is_sent).unwrap_or(Origin::Call);
            noted::calls(&calls, &origin, trace);
            named_by_calls(calls, &walked)
        }
        None => named_by_path(walked, request, body, &method, trace),
    };
    naming.describe();
    let said = By::Convention("a sentence of action, target and scope");
    trace.note(Field::Description, || (said, Vec::new()));
    naming.method = method;
    naming
}

fn named_by_calls(mut calls: Calls, walked: &Walked) -> Naming {
    let (action, category) = calls.action();
    let scope = scope(&walked.nodes);
    for act in &mut calls.acts {
        // Requests within this one have their own.
        let own = std::mem::take(&mut act.sentence.scope);
        act.sentence.scope = scope.iter().map(|(k, v)| (k.clone(), v.clone())).chain(own).collect();
    }
    let targets = calls.acts.iter().flat_map(|act| &act.targets).take(body::TARGETS_MAX);
    let targets = targets.cloned().collect();
    let sentence = calls.acts.first().map(|act| act.sentence.clone()).unwrap_or_default();
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

    /// Whether it does several things that have no sentence in common.
    pub(super) fn is_mixed(&self) -> bool {
        self.acts.len() > 1 && !self.is_one && !are_alike(&self.acts)
    }
}

/// A request within another, as an act.
pub(super) fn named_alone(method: &str, path: &str, body: Option<&Value<'_>>) -> Act {
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

fn named_by_path(
    mut walked: Walked,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
    method: &str,
    trace: &mut Trace,
) -> Naming {
    let chosen = chosen_verb(body);
    let sent = chosen.as_ref().filter(|_| walked.verb.is_none()).map(|(_, place)| *place);
    noted::action(&walked, sent, trace);
    let scope = scope(&walked.nodes);
    let node = walked.nodes.pop().unwrap_or_else(|| Node::named("resource"));
    let has_item = node.is_item || walked.part.is_some() || is_singleton(&node.noun);
    let is_item = node.is_item && walked.part.is_none() && walked.verb.is_none();
    let chosen = chosen.map(|(verb, _)| verb);
    let verb = walked.verb.take().or(chosen).unwrap_or_else(|| {
        let is_part_known = walked.part.as_deref().is_none_or(super::nouns::is_part);
        method_verb(method, has_item && is_part_known && !walked.creates)
    });
    let noun = match &walked.part {
        Some(part) if part.starts_with(&format!("{}_", node.noun)) => part.clone(),
        Some(part) => format!("{}_{part}", node.noun),
        None => node.noun.clone(),
    };
    let category = walked
        .part
        .as_deref()
        .and_then(known_category)
        .or_else(|| known_category(&node.noun))
        .map_or_else(|| node.noun.clone(), str::to_owned);
    let (targets, count) = targets(&node, walked.part.is_some(), &verb, (request, body), trace);
    let owner = walked.nodes.last().filter(|outer| outer.id.is_some());
    let owner = owner.filter(|outer| scope_name(&outer.noun).is_none()).map(|outer| Target {
        kind: outer.noun.clone(),
        id: outer.id.clone(),
        name: None,
    });
    let spoken = match (walked.signs, verb.as_str()) {
        (true, "create") => "sign_in".to_owned(),
        (true, "delete") => "sign_out".to_owned(),
        _ => verb.clone(),
    };
    let known = targets.len();
    let is_cut = count > known;
    let sentence = Sentence {
        verb: spoken,
        kind: None,
        part: walked.part,
        owner,
        count: is_cut.then_some(count),
        scope: scope.clone(),
    };
    Naming {
        action: format!("{noun}.{verb}"),
        category,
        targets,
        scope,
        route: Some(walked.route),
        sentence,
        is_item,
        notes: if is_cut { vec![TOO_MANY] } else { Vec::new() },
        ..Naming::default()
    }
}

/// The verb that a form chooses, and where it does so.
fn chosen_verb(body: Option<&Value<'_>>) -> Option<(String, &'static str)> {
    let body = body?;
    let chosen = chosen_action(body).map(|verb| (verb, "$.action"));
    chosen.or_else(|| {
        let is_list = !body::formset(body).is_empty();
        is_list.then(|| ("update".to_owned(), "$['form-TOTAL_FORMS']"))
    })
}

/// What is done to the rows that a list's form has selected, as Django's admin has it.
fn chosen_action(body: &Value<'_>) -> Option<String> {
    body.get("_selected_action")?;
    let action = snake(&body::scalar(body.get("action")?)?);
    let verb = compound(&action).filter(|(_, about)| *about == "selected");
    let verb = verb.map_or(action.as_str(), |(verb, _)| verb);
    bounded(canonical(verb))
}

/// The targets: the item of the path, or what the body and the query name; and how many there are.
fn targets(
    node: &Node,
    is_part: bool,
    verb: &str,
    (request, body): (&RequestRecord, Option<&Value<'_>>),
    trace: &mut Trace,
) -> (Vec<Target>, usize) {
    let kind = node.noun.clone();
    let (several, held) = several(node, verb, request, body);
    if !several.is_empty() {
        noted::many(node, &several, held, trace);
        let target =
            |listed: Listed<'_>| Target { kind: kind.clone(), id: listed.id, name: listed.name };
        return (several.targets.into_iter().map(target).collect(), several.count);
    }
    noted::kind(node, 0, trace);
    let file = || body.filter(|_| matches!(verb, "create" | "upload")).and_then(body::file_name);
    let name = body.filter(|_| !is_part);
    let name = name.and_then(|body| body::name_at(body, &kind).or_else(file));
    let found = || {
        let queried = request.query.as_ref().and_then(|query| body::scalar(query.get("id")?));
        if let Some(queried) = queried {
            return Some((queried, None));
        }
        // What is being created has no id yet that a client could know by that name.
        let (id, at) =
            body.filter(|_| verb != "create").and_then(|body| body::id_at(body, &kind))?;
        Some((id, Some(at)))
    };
    let id = match (&node.id, node.is_item) {
        (Some(id), _) => {
            let by = By::Convention("the item in the path");
            trace.note(Field::Id(0), || (by, noted::slots(node)));
            Some(id.clone())
        }
        (None, true) => None,
        (None, false) => found().map(|(id, at)| {
            let origin = || match at {
                Some(at) => Origin::RequestBody(at.to_string()),
                None => Origin::Query("id".to_owned()),
            };
            trace.note(Field::Id(0), || (By::Convention("the id that is sent"), vec![origin()]));
            id
        }),
    };
    let name = name.filter(|(name, _)| Some(name) != id.as_ref()).map(|(name, at)| {
        let origin = || vec![Origin::RequestBody(at.to_string())];
        trace.note(Field::Name(0), || (By::Convention("the name that is sent"), origin()));
        name
    });
    (vec![Target { kind, id, name }], 1)
}

/// What a bulk request names: `/users/1,2,3`, `?ids=1,2,3`, `{"ids": [1, 2, 3]}`; and what holds it.
fn several<'b>(
    node: &Node,
    verb: &str,
    request: &'b RequestRecord,
    body: Option<&'b Value<'b>>,
) -> (Many<'b>, Held) {
    if let Some(id) = &node.id {
        return (Many::of_ids(id), Held::Path);
    }
    if node.is_item {
        return (Many::default(), Held::Path);
    }
    let plural = plural_name(&node.noun);
    // What is created with a name is one thing, and the items in it are its own.
    let is_one = |body: &&Value<'_>| {
        let has_items = body.get("items").is_some() || body::name(body, &node.noun).is_some();
        verb == "create" && body.as_array().is_none() && has_items
    };
    if let Some(body) = body.filter(|body| !is_one(body)) {
        let (within, root) = within(body, &node.noun, &plural);
        if !within.is_empty() {
            return (within, Held::Body(root));
        }
    }
    let Some(query) = &request.query else { return (Many::default(), Held::Query) };
    let queried = body::many(query.node(), &node.noun, &plural);
    if !queried.is_empty() {
        return (queried, Held::Query);
    }
    let queried = match query.get("id") {
        Some(Value::String(ids)) => Many::of_ids(ids),
        Some(ids @ Value::Array(_)) => body::many(ids, &node.noun, &plural),
        _ => Many::default(),
    };
    (queried, Held::Query)
}

/// What a body names, and below which place of it.
fn within<'b>(body: &'b Value<'b>, noun: &str, plural: &str) -> (Many<'b>, &'static str) {
    let many = body::many(body, noun, plural);
    let items = body.get("items").filter(|_| many.is_empty());
    match items {
        Some(items) => (body::many(items, noun, plural), "$.items"),
        None if many.is_empty() => (body::formset(body), "$"),
        None => (many, "$"),
    }
}

pub(super) fn plural_name(noun: &str) -> String {
    if is_plural(noun) { noun.to_owned() } else { super::words::plural(noun) }
}

fn scope(nodes: &[Node]) -> Scope {
    let pair = |node: &Node| Some((scope_name(&node.noun)?.to_owned(), node.id.clone()?));
    nodes.iter().filter_map(pair).collect()
}

/// The method that counts: an override, wherever it is, or else the method as sent; upper case.
fn method(request: &RequestRecord, body: Option<&Value<'_>>) -> String {
    let header = OVERRIDE_HEADERS.iter().find_map(|name| request.headers.get(name));
    let query = || request.query.as_ref()?.get("_method");
    let form = || {
        let is_form = request.content_type.as_deref().is_some_and(|kind| {
            kind.starts_with("application/x-www-form-urlencoded") || kind.starts_with("multipart/")
        });
        body.filter(|_| is_form)?.get("_method")
    };
    let given = header
        .or_else(query)
        .or_else(form)
        .and_then(body::scalar)
        .filter(|method| is_token(method))
        .unwrap_or_else(|| request.method.clone());
    if is_token(&given) { given.to_ascii_uppercase() } else { String::new() }
}

fn is_token(method: &str) -> bool {
    !method.is_empty()
        && method.len() <= METHOD_BYTES_MAX
        && method.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// The verb of a method, on an item (or a thing there is one of) or on a collection.
fn method_verb(method: &str, on_item: bool) -> String {
    let verb = match method {
        "POST" if on_item => "update",
        "POST" | "MKCOL" | "MKCALENDAR" => "create",
        "PUT" | "PATCH" | "PROPPATCH" => "update",
        "DELETE" => "delete",
        "GET" | "HEAD" => "read",
        other => &snake(other),
    };
    bounded(verb).unwrap_or_else(|| "request".to_owned())
}
