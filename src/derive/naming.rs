//! The name of a request, from the request alone.

use super::body::{self, Value};
use super::nouns::{is_singleton, known_category, scope_name};
use super::path::Path;
use super::rpc;
use super::rule::{Matched, PathPattern};
use super::sentence::Sentence;
use super::text::bounded;
use super::trace::{By, Field, Origin, Trace};
use super::walk::{Node, Walked, walk};
use super::words::{is_plural, snake};
use crate::record::{BodyRecord, RequestRecord, Scope, Target, Tree};

/// Longer methods are no methods.
const METHOD_BYTES_MAX: usize = 32;

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
    /// Errors are told in the body of a successful response.
    pub(super) is_call: bool,
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

    /// Whether the body says what is done: GraphQL, JSON-RPC.
    pub fn is_call(&self) -> bool {
        self.is_call
    }

    /// Whether the request may hold a GraphQL operation that is no mere query, on whatever path.
    pub(super) fn may_mutate(&self, request: &RequestRecord) -> bool {
        if self.action.starts_with("graphql.") {
            return self.action != "graphql.query";
        }
        let tree = request.body.as_ref().map(BodyRecord::tree);
        let call = rpc::graphql("graphql", request.query.as_ref().map(Tree::node), tree.as_ref());
        call.is_some_and(|call| ["mutate", "subscribe"].contains(&call.verb.as_str()))
    }
}

/// Names a request by convention.
#[cfg(test)]
pub(super) fn naming(request: &RequestRecord) -> Naming {
    naming_at(request, None, &mut Trace::off())
}

/// Names a request by convention; if its path is documented, it is known where its ids stand.
pub(super) fn naming_at(
    request: &RequestRecord,
    documented: Option<&PathPattern>,
    trace: &mut Trace,
) -> Naming {
    let tree = request.body.as_ref().map(BodyRecord::tree);
    let body = tree.as_ref();
    let method = method(request, body);
    let path = documented
        .and_then(|pattern| Path::documented(&request.path, pattern))
        .unwrap_or_else(|| Path::read(&request.path));
    let walked = walk(&path, &method);
    let query = request.query.as_ref().map(Tree::node);
    let call = rpc::graphql(&request.path, query, body).or_else(|| rpc::json_rpc(body));
    let mut naming = match call {
        Some(call) => {
            // Without arguments it is the path alone that says so.
            let is_sent = body.is_some() || query.is_some();
            let last = path.segments.len().checked_sub(1).map(Origin::Segment);
            let origin = last.filter(|_| !is_sent).unwrap_or(Origin::Call);
            named_by_call(call, &walked, origin, trace)
        }
        None => named_by_path(walked, request, body, &method, trace),
    };
    naming.description = naming.sentence.intent(&naming.targets);
    let said = By::Convention("a sentence of action, target and scope");
    trace.note(Field::Description, || (said, Vec::new()));
    naming.method = method;
    naming
}

fn named_by_call(call: rpc::Call, walked: &Walked, origin: Origin, trace: &mut Trace) -> Naming {
    trace_path(walked, trace);
    trace_call(&call, &origin, trace);
    let is_graphql = call.noun == "graphql";
    let kind = is_graphql.then(|| match call.verb.as_str() {
        "mutate" => "GraphQL mutation".to_owned(),
        "subscribe" => "GraphQL subscription".to_owned(),
        _ => "GraphQL operation".to_owned(),
    });
    let spoken_verb = if is_graphql { "run".to_owned() } else { call.verb.clone() };
    let scope = scope(&walked.nodes);
    Naming {
        action: format!("{}.{}", call.noun, call.verb),
        category: known_category(&call.noun).map_or_else(|| call.noun.clone(), str::to_owned),
        targets: call.targets,
        route: Some(walked.route.clone()),
        sentence: Sentence { verb: spoken_verb, kind, scope: scope.clone(), ..Sentence::default() },
        scope,
        is_call: true,
        ..Naming::default()
    }
}

fn named_by_path(
    mut walked: Walked,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
    method: &str,
    trace: &mut Trace,
) -> Naming {
    trace_path(&walked, trace);
    trace_action(&walked, trace);
    let scope = scope(&walked.nodes);
    let node = walked.nodes.pop().unwrap_or_else(|| Node::named("resource"));
    let has_item = node.is_item || walked.part.is_some() || is_singleton(&node.noun);
    let verb = walked.verb.take().unwrap_or_else(|| {
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
    let targets = targets(&node, walked.part.is_some(), &verb, (request, body), trace);
    let owner = walked.nodes.last().filter(|outer| outer.id.is_some());
    let owner = owner.filter(|outer| scope_name(&outer.noun).is_none()).map(|outer| Target {
        kind: outer.noun.clone(),
        id: outer.id.clone(),
        name: None,
    });
    let sentence =
        Sentence { verb: verb.clone(), kind: None, part: walked.part, owner, scope: scope.clone() };
    Naming {
        action: format!("{noun}.{verb}"),
        category,
        targets,
        scope,
        route: Some(walked.route),
        sentence,
        ..Naming::default()
    }
}

/// The targets: the item of the path, or what the body and the query name.
fn targets(
    node: &Node,
    is_part: bool,
    verb: &str,
    (request, body): (&RequestRecord, Option<&Value<'_>>),
    trace: &mut Trace,
) -> Vec<Target> {
    let kind = node.noun.clone();
    if !node.is_item
        && let Some(body) = body
    {
        let plural = plural_name(&kind);
        let many = body::many(body, &plural);
        if !many.is_empty() {
            trace_many(node, &many, trace);
            let text = |found: Option<(String, _)>| found.map(|(text, _)| text);
            let target = |listed: body::Listed<'_>| Target {
                kind: kind.clone(),
                id: text(listed.id),
                name: text(listed.name),
            };
            return many.into_iter().map(target).collect();
        }
    }
    trace_kind(node, 0, trace);
    let name = body.filter(|_| !is_part).and_then(|body| body::name_at(body, &kind));
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
            let slots = || node.slots.iter().map(|slot| Origin::Segment(*slot)).collect();
            trace.note(Field::Id(0), || (By::Convention("the item in the path"), slots()));
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
    vec![Target { kind, id, name }]
}

/// Notes what a path says, whatever the body does.
fn trace_path(walked: &Walked, trace: &mut Trace) {
    if !trace.is_on() {
        return;
    }
    let template = By::Convention("the path, with ids replaced");
    let segments = walked.nodes.iter().flat_map(|node| &node.slots);
    let segments = segments.map(|slot| Origin::Segment(*slot)).collect();
    trace.note(Field::Route, || (template, segments));
    for node in &walked.nodes {
        if let (Some(name), Some(_)) = (scope_name(&node.noun), &node.id) {
            let slots = node.slots.iter().map(|slot| Origin::Segment(*slot)).collect();
            let by = By::Convention("an outer collection of the path, and its id");
            trace.note(Field::Scope(name.to_owned()), || (by, slots));
        }
    }
}

fn trace_action(walked: &Walked, trace: &mut Trace) {
    let noun = walked.nodes.last().and_then(|node| node.at);
    let noun = || noun.or(walked.verb_at).map(Origin::Segment);
    trace.note(Field::Action, || {
        let verb = walked.verb_at.map_or(Origin::Method, Origin::Segment);
        let parts = noun().into_iter().chain(walked.part_at.map(Origin::Segment)).chain([verb]);
        let by = match walked.verb_at {
            Some(_) => "the last collection of the path, and the verb in it",
            None => "the last collection of the path, and the method",
        };
        (By::Convention(by), parts.collect())
    });
    let by = By::Convention("the area of the action's noun");
    trace.note(Field::Category, || (by, noun().into_iter().collect()));
}

fn trace_kind(node: &Node, position: usize, trace: &mut Trace) {
    let origin = || node.at.map(Origin::Segment).into_iter().collect();
    let by = match node.at {
        Some(_) => "the last collection of the path",
        None => "there is no collection in the path",
    };
    trace.note(Field::Kind(position), || (By::Convention(by), origin()));
}

fn trace_many(node: &Node, many: &[body::Listed<'_>], trace: &mut Trace) {
    if !trace.is_on() {
        return;
    }
    for (position, listed) in many.iter().enumerate() {
        trace_kind(node, position, trace);
        let sent = [(Field::Id(position), &listed.id), (Field::Name(position), &listed.name)];
        for (field, found) in sent {
            if let Some((_, member)) = found {
                let origin = vec![Origin::RequestBody(listed.path(*member))];
                let by = By::Convention("an item of the list that is sent");
                trace.note(field, || (by, origin));
            }
        }
    }
}

fn trace_call(call: &rpc::Call, origin: &Origin, trace: &mut Trace) {
    if !trace.is_on() {
        return;
    }
    let by = match call.noun.as_str() {
        "graphql" => "the GraphQL operation",
        _ => "the method of the JSON-RPC call",
    };
    for field in [Field::Action, Field::Category] {
        trace.note(field, || (By::Convention(by), vec![origin.clone()]));
    }
    for (position, target) in call.targets.iter().enumerate() {
        let fields = [
            (Field::Kind(position), true),
            (Field::Id(position), target.id.is_some()),
            (Field::Name(position), target.name.is_some()),
        ];
        for (field, _) in fields.into_iter().filter(|(_, is_there)| *is_there) {
            trace.note(field, || (By::Convention(by), vec![origin.clone()]));
        }
    }
}

fn plural_name(noun: &str) -> String {
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
