//! GraphQL requests: what each of their mutations is called, upon what it is, and how grave the
//! whole is.
//!
//! One act a field of the mutation that is asked for: its name says verb and noun (`createUser`,
//! `userCreate`), its arguments and variables say which item. A document that could be two things
//! is the graver of them.

mod arguments;
mod document;
mod gravity;
mod names;
mod requests;

use std::borrow::Cow;
use std::collections::HashSet;

pub(super) use gravity::Operation;

use self::arguments::arguments;
use self::document::{Condition, Document, Field, Literal, Operation as Written, Selection};
use self::names::{acts, asks_for_token, is_led, is_of_many, named};
use self::requests::{requests, variables_beside};
use super::act::{ACTS_MAX, Act, Answer, More};
use super::alike::is_alike;
use super::body::{self, Value};
use super::call::{Calls, of_call, thing_meant};
use super::sentence::Sentence;
use super::text::bounded;
use super::verbs::canonical;
use super::words::{singular, snake};
use crate::decode::{is_operation, json};
use crate::record::Target;

/// The operation is known to the server by its hash or id, and is not in the request.
pub(super) const PERSISTED: &str = "graphql_persisted";

/// There are variables beside those of the body, with other values.
pub(super) const BESIDE: &str = "variables_beside";

/// Selections that are looked at.
const STEPS_MAX: usize = 100_000;

/// With more variables than these, none leaves anything out.
const VARIABLES_MAX: usize = 64;

/// Fragments within fragments in which it is looked for what a namespace does.
const SPACE_DEPTH_MAX: usize = 3;

/// Namespaces within each other.
const SPACES_MAX: usize = 2;

/// Longer names are no names of operations.
const NAME_BYTES_MAX: usize = 256;

/// The GraphQL operations of a request: on a path that ends in `graphql`, or in a body that says so.
pub(super) fn calls(
    path: &str,
    query: Option<&Value<'_>>,
    body: Option<&Value<'_>>,
) -> Option<Calls> {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let last = last.to_ascii_lowercase();
    let is_named = last.starts_with("graphql") || last == "gql";
    let is_asked = || {
        // By a GET, on whatever path calls are answered.
        let asked = query.filter(|_| body.is_none()).and_then(|query| text(query, "query"));
        asked.is_some_and(is_operation)
    };
    (is_named || is_operation_in(body) || is_asked()).then(|| read(query, body))
}

/// Whether a body can be nothing but GraphQL, whatever the path.
pub(super) fn is_operation_in(body: Option<&Value<'_>>) -> bool {
    let request = body.map(|body| body.as_array().and_then(<[_]>::first).unwrap_or(body));
    let members = request.into_iter().flat_map(Value::members);
    let mut texts = members.filter(|(name, _)| is_alike(name, "query"));
    texts.any(|(_, text)| text.as_str().is_some_and(is_operation))
}

/// How grave the GraphQL operations of a request are, if there are any.
pub(super) fn gravity(query: Option<&Value<'_>>, body: Option<&Value<'_>>) -> Option<Operation> {
    let within = within(body);
    let requests = requests(query, within.as_ref().or(body));
    requests
        .iter()
        .map(|(_, request)| written(request.as_ref()).map(|text| gravity::operation(text).0))
        .max()?
}

fn text<'b>(request: &'b Value<'_>, name: &str) -> Option<&'b str> {
    request.get(name).and_then(Value::as_str)
}

/// What a multipart request with files holds as text, under `operations`.
fn within<'b>(body: Option<&'b Value<'_>>) -> Option<Value<'b>> {
    json(text(body?, "operations")?).ok()
}

fn read(query: Option<&Value<'_>>, body: Option<&Value<'_>>) -> Calls {
    let within = within(body);
    let body = within.as_ref().or(body);
    let mut calls = Calls { kind: "GraphQL mutations", ..Calls::default() };
    let mut whole = Vec::new();
    let mut gravest = None;
    let mut more = More::default();
    if variables_beside(query, body).is_some() {
        calls.note(BESIDE);
    }
    for (position, request) in &requests(query, body) {
        let (position, request) = (*position, request.as_ref());
        let (operation, named) =
            written(request).map_or((Operation::Unknown, None), gravity::operation);
        gravest = gravest.max(Some(operation));
        // Servers differ in which of two names they take.
        let beside = query.filter(|_| position.is_none()).and_then(|it| text(it, "operationName"));
        let asked = text(request, "operationName").and_then(bounded);
        let id = persisted(request);
        if id.is_some() && written(request).is_none() {
            calls.note(PERSISTED);
        }
        let target = Target { kind: "operation".to_owned(), id, name: asked.or(named) };
        // Of those that are too many one is kept, so that it is seen that they are.
        if operation >= Operation::Unknown && calls.acts.len() > ACTS_MAX {
            more.take(Answer::Graphql(position, Vec::new()));
        } else if operation >= Operation::Unknown {
            let is_told = operation == Operation::Mutation
                && mutations(request, (position, beside), &mut calls.acts, &mut more);
            if !is_told {
                let mut act = anonymous(operation, vec![target.clone()], position);
                if operation == Operation::Mutation && asks_for_another(request) {
                    act.sentence = run("GraphQL operation");
                }
                calls.acts.push(act);
            }
        }
        if whole.len() < body::TARGETS_MAX {
            whole.push(target);
        }
    }
    let gravest = gravest.unwrap_or(Operation::Unknown);
    calls.graphql = Some(gravest);
    if calls.acts.is_empty() {
        if whole.is_empty() {
            whole.push(Target { kind: "operation".to_owned(), ..Target::default() });
        }
        calls.acts.push(anonymous(gravest, whole, None));
    }
    calls.limit(more, "graphql.mutate", "operation");
    calls
}

/// The document: the body itself is one where it is of type `application/graphql`.
fn written<'b>(request: &'b Value<'_>) -> Option<&'b str> {
    request.as_str().or_else(|| text(request, "query"))
}

/// The id or hash of an operation that the server knows.
fn persisted(request: &Value<'_>) -> Option<String> {
    let own = ["documentId", "doc_id", "queryId", "id"].iter().find_map(|name| request.get(name));
    let parsed = text(request, "extensions").and_then(|text| json(text).ok());
    let extensions = parsed.as_ref().or_else(|| request.get("extensions"));
    let hash = extensions.and_then(|all| all.get("persistedQuery")?.get("sha256Hash"));
    body::scalar(hash.or(own)?)
}

/// An operation by its name alone.
fn anonymous(operation: Operation, targets: Vec<Target>, position: Option<usize>) -> Act {
    let (verb, kind) = match operation {
        Operation::Mutation => ("mutate", "GraphQL mutation"),
        Operation::Subscription => ("subscribe", "GraphQL subscription"),
        Operation::Query => ("query", "GraphQL operation"),
        Operation::Unknown => ("execute", "GraphQL operation"),
    };
    Act {
        action: format!("graphql.{verb}"),
        category: "graphql".to_owned(),
        targets,
        sentence: run(kind),
        answer: Answer::Graphql(position, Vec::new()),
    }
}

fn run(kind: &str) -> Sentence {
    Sentence { verb: "run".to_owned(), kind: Some(kind.to_owned()), ..Sentence::default() }
}

/// Whether the operation that is asked for is no mutation, though there is one beside it.
fn asks_for_another(request: &Value<'_>) -> bool {
    let asked = text(request, "operationName");
    let document = written(request).and_then(Document::read);
    let operations = document.map(|document| document.operations).unwrap_or_default();
    let mut named = operations.iter().filter(|operation| operation.name == asked);
    asked.is_some() && named.next().is_some_and(|operation| operation.kind != "mutation")
}

/// Takes an act for each field of the mutation that is asked for, and what is left out; whether there is one.
fn mutations(
    request: &Value<'_>,
    (position, beside): (Option<usize>, Option<&str>),
    acts: &mut Vec<Act>,
    left: &mut More,
) -> bool {
    let Some(document) = written(request).and_then(Document::read) else { return false };
    let asked = text(request, "operationName");
    let is_mutation = |operation: &&Written<'_>| operation.kind == "mutation";
    let named = |name: Option<&str>| {
        let operations = || document.operations.iter();
        operations().find(|operation| name.is_some() && operation.name == name)
    };
    let chosen: Vec<&Written<'_>> = match named(asked) {
        // Whoever asks for the query of a document that holds a mutation gets the graver name, and what
        // is asked for beside it.
        Some(operation) => {
            let other = named(beside).filter(|other| other.name != asked);
            std::iter::once(operation).chain(other).filter(is_mutation).collect()
        }
        None => document.operations.iter().filter(is_mutation).collect(),
    };
    let parsed = text(request, "variables").and_then(|text| json(text).ok());
    let none = Value::Null;
    let variables = parsed.as_ref().or_else(|| request.get("variables")).unwrap_or(&none);
    left.count += document.more;
    left.is_cut |= document.is_cut;
    let known = acts.len();
    let mut walk = Fields {
        document: &document,
        variables,
        position,
        acts,
        known,
        is_told: false,
        left,
        steps: 0,
    };
    for operation in chosen {
        walk.all(&operation.selections);
    }
    walk.is_told
}

struct Fields<'a, 'd> {
    document: &'a Document<'d>,
    variables: &'a Value<'a>,
    position: Option<usize>,
    acts: &'a mut Vec<Act>,
    /// So many of them are of other requests, or of this one in another reading.
    known: usize,
    /// There is an act of this request.
    is_told: bool,
    left: &'a mut More,
    /// Selections looked at.
    steps: usize,
}

/// Fields in which others stand, the outermost first: at most [`SPACES_MAX`].
type Spaces<'a, 'd> = Vec<&'a Field<'d>>;

/// Selections, and the fields in which they stand.
type Level<'a, 'd> = (std::slice::Iter<'a, Selection<'d>>, Spaces<'a, 'd>);

impl<'a, 'd> Fields<'a, 'd> {
    /// Takes all fields at the top, and in namespaces, in their order; each fragment is followed once
    /// for each place, as servers do.
    fn all(&mut self, selections: &'a [Selection<'d>]) {
        let document = self.document;
        let mut followed: HashSet<(&str, Option<*const Field<'d>>)> = HashSet::new();
        let mut levels: Vec<Level<'a, 'd>> = vec![(selections.iter(), Vec::new())];
        while let Some((selections, spaces)) = levels.last_mut() {
            let Some(selection) = selections.next() else {
                levels.pop();
                continue;
            };
            let spaces = spaces.clone();
            self.steps += 1;
            if self.steps > STEPS_MAX {
                self.left.is_cut = true;
                return;
            }
            match selection {
                Selection::Inline(inner) => levels.push((inner.iter(), spaces)),
                Selection::If(conditions, _) if self.leaves_out(conditions) => {}
                Selection::If(_, inner) => {
                    levels.push((std::slice::from_ref(&**inner).iter(), spaces));
                }
                Selection::Spread(name) => {
                    let space = spaces.last().map(|space| std::ptr::from_ref(*space));
                    if followed.insert((*name, space)) {
                        let named = document.fragments.get(name).into_iter().flatten();
                        levels.extend(named.map(|inner| (inner.iter(), spaces.clone())));
                    }
                }
                Selection::Field(field) if field.name.starts_with("__") => {}
                Selection::Field(field)
                    if spaces.len() < SPACES_MAX && self.is_namespace(field) =>
                {
                    let inner = spaces.into_iter().chain([field]).collect();
                    levels.push((field.selections.iter(), inner));
                }
                // Of those that are too many one is kept, so that it is seen that they are.
                Selection::Field(field) if self.acts.len() > ACTS_MAX => {
                    self.left.take(self.answer(field, &spaces));
                }
                Selection::Field(field) => {
                    let act = self.act(field, &spaces);
                    self.take(act);
                }
            }
        }
    }

    /// Takes an act, unless it is there: the same key twice is one field. Where this request is another
    /// reading of one before, upon what it acts is not known if the two differ.
    fn take(&mut self, act: Act) {
        self.is_told = true;
        let mut alike = self.acts.iter_mut().enumerate();
        let alike = alike.find(|(at, known)| {
            known.answer == act.answer && (*at >= self.known || known.action == act.action)
        });
        match alike {
            Some((at, known)) if at < self.known && known.targets != act.targets => {
                let kind = known.targets.first().map(|target| target.kind.clone());
                let target = Target { kind: kind.unwrap_or_default(), ..Target::default() };
                known.targets = vec![target];
            }
            Some(_) => {}
            None => self.acts.push(act),
        }
    }

    /// Whether conditions leave a field out, so that it is not run: by what they say, or by a variable
    /// that has no second value.
    fn leaves_out(&self, conditions: &[Condition<'d>]) -> bool {
        let is_true = |value: &Literal<'d>| match value {
            Literal::Name("true") => Some(true),
            Literal::Name("false") => Some(false),
            Literal::Variable(name) => {
                let all = self.variables.members();
                let all = Some(all).filter(|all| all.len() <= VARIABLES_MAX)?.iter();
                let mut given = all.filter(|(other, _)| other == name);
                match (given.next()?, given.next()) {
                    ((_, Value::Bool(is_true)), None) => Some(*is_true),
                    _ => None,
                }
            }
            _ => None,
        };
        conditions.iter().any(|condition| is_true(&condition.value) == Some(condition.is_skip))
    }

    /// Whether a field holds others that act: `users { delete(id: 5) }`.
    fn is_namespace(&self, field: &Field<'d>) -> bool {
        field.arguments.is_empty()
            && named(field.name).is_none()
            && self.acts_within(&field.selections, SPACE_DEPTH_MAX)
    }

    fn acts_within(&self, selections: &[Selection<'d>], depth: usize) -> bool {
        let Some(inner_depth) = depth.checked_sub(1) else { return false };
        selections.iter().any(|selection| match selection {
            Selection::Field(inner) => {
                let is_act = is_led(inner.name) || acts(inner.name).is_some();
                let is_space = || {
                    named(inner.name).is_none()
                        && self.acts_within(&inner.selections, inner_depth.min(1))
                };
                if inner.arguments.is_empty() { is_space() } else { is_act }
            }
            Selection::Inline(inner) => self.acts_within(inner, inner_depth),
            Selection::If(_, inner) => self.acts_within(std::slice::from_ref(&**inner), depth),
            Selection::Spread(name) => {
                let named = self.document.fragments.get(name).into_iter().flatten();
                named.take(1).any(|inner| self.acts_within(inner, inner_depth))
            }
        })
    }

    /// Where the response tells of a field.
    fn answer(&self, field: &Field<'d>, spaces: &[&Field<'d>]) -> Answer {
        let path = spaces.iter().copied().chain([field]).map(|field| cut_name(field.key)).collect();
        Answer::Graphql(self.position, path)
    }

    fn act(&self, field: &Field<'d>, spaces: &[&Field<'d>]) -> Act {
        let arguments = arguments(field, self.variables);
        let answer = self.answer(field, spaces);
        if asks_for_token(field.name, &arguments) {
            return of_call("", "login", &arguments, answer);
        }
        let named = match spaces.last() {
            Some(_) if acts(field.name).is_some() => acts(field.name),
            Some(space) => {
                let noun = singular(snake(space.name).trim_end_matches("_mutations"));
                Some((noun, canonical(&snake(field.name)).to_owned()))
            }
            None => named(field.name),
        };
        let says = |noun: &str, verb: &str| {
            !noun.is_empty() || matches!(verb, "login" | "logout" | "register")
        };
        // `impersonate(userId: 5)`
        let named = named.and_then(|(noun, verb)| match says(&noun, &verb) {
            true => Some((noun, verb)),
            false => Some((thing_meant(&arguments)?, verb)),
        });
        if let Some((noun, verb)) = named {
            let mut act = of_call(&noun, &verb, &arguments, answer);
            // Of how many it is, nobody knows.
            act.sentence.is_whole = is_of_many(field.name);
            return act;
        }
        let name = snake(field.name);
        let name = if name.is_empty() { "mutate".to_owned() } else { name };
        let id = body::id(&arguments, &name);
        let target = Target { kind: "operation".to_owned(), id, name: bounded(field.name) };
        Act {
            action: format!("graphql.{name}"),
            category: "graphql".to_owned(),
            targets: vec![target],
            sentence: run("GraphQL mutation"),
            answer,
        }
    }
}

fn cut_name(name: &str) -> String {
    let end = name.floor_char_boundary(NAME_BYTES_MAX);
    Cow::Borrowed(name.get(..end).unwrap_or_default()).into_owned()
}
