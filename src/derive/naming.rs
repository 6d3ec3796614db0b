//! The name of a request, from the request alone.

use super::body::{self, Value};
use super::nouns::{is_singleton, known_category, scope_name};
use super::path::Path;
use super::rpc;
use super::rule::{Matched, PathPattern};
use super::sentence::Sentence;
use super::text::bounded;
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
pub(super) fn naming(request: &RequestRecord) -> Naming {
    naming_at(request, None)
}

/// Names a request by convention; if its path is documented, it is known where its ids stand.
pub(super) fn naming_at(request: &RequestRecord, documented: Option<&PathPattern>) -> Naming {
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
        Some(call) => named_by_call(call, &walked),
        None => named_by_path(walked, request, body, &method),
    };
    naming.description = naming.sentence.intent(&naming.targets);
    naming.method = method;
    naming
}

fn named_by_call(call: rpc::Call, walked: &Walked) -> Naming {
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
) -> Naming {
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
    let targets = targets(&node, walked.part.is_some(), &verb, request, body);
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
    request: &RequestRecord,
    body: Option<&Value<'_>>,
) -> Vec<Target> {
    let kind = node.noun.clone();
    if !node.is_item
        && let Some(body) = body
    {
        let many = body::many(body, &plural_name(&kind));
        if !many.is_empty() {
            let target = |(id, name)| Target { kind: kind.clone(), id, name };
            return many.into_iter().map(target).collect();
        }
    }
    let name = body.filter(|_| !is_part).and_then(|body| body::name(body, &kind));
    let id = node.id.clone().or_else(|| {
        if node.is_item {
            return None;
        }
        let queried = request.query.as_ref().and_then(|query| body::scalar(query.get("id")?));
        // What is being created has no id yet that a client could know by that name.
        queried.or_else(|| body.filter(|_| verb != "create").and_then(|body| body::id(body, &kind)))
    });
    let name = name.filter(|name| Some(name) != id.as_ref());
    vec![Target { kind, id, name }]
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
