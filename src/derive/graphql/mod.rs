//! GraphQL requests: what each of their mutations is called, upon what it is, and how grave the
//! whole is.
//!
//! One act a field of the mutation that is asked for: its name says verb and noun (`createUser`,
//! `userCreate`), its arguments and variables say which item. A document that could be two things
//! is the graver of them.

mod arguments;
mod document;
mod gravity;

use std::borrow::Cow;
use std::collections::HashSet;

pub(super) use gravity::Operation;

use self::arguments::arguments;
use self::document::{Condition, Document, Field, Literal, Operation as Written, Selection};
use super::act::{ACTS_MAX, Act, Answer, More};
use super::body::{self, Value};
use super::call::{Calls, noun_and_verb, of_call};
use super::endpoint::READS;
use super::sentence::Sentence;
use super::text::bounded;
use super::verbs::{canonical, is_verb};
use super::words::{is_plural, singular, snake};
use crate::decode::{is_operation, json};
use crate::record::Target;

/// The operation is known to the server by its hash or id, and is not in the request.
pub(super) const PERSISTED: &str = "graphql_persisted";

/// Selections that are looked at.
const STEPS_MAX: usize = 100_000;

/// With more variables than these, none leaves anything out.
const VARIABLES_MAX: usize = 64;

/// Fragments within fragments in which it is looked for what a namespace does.
const SPACE_DEPTH_MAX: usize = 3;

/// Verbs of the mutations that are made of tables, as by Hasura and Prisma.
const COUNTED: [&str; 5] = ["create", "delete", "insert", "update", "upsert"];

/// What they say of how many things they are for.
const COUNTS: [&str; 2] = ["many_", "one_"];
const COUNTS_AT_END: [&str; 3] = ["_by_pk", "_many", "_one"];

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
    (is_named || is_operation_in(body)).then(|| read(query, body))
}

/// Whether a body can be nothing but GraphQL, whatever the path.
pub(super) fn is_operation_in(body: Option<&Value<'_>>) -> bool {
    let request = body.map(|body| body.as_array().and_then(<[_]>::first).unwrap_or(body));
    request.and_then(|request| text(request, "query")).is_some_and(is_operation)
}

/// How grave the GraphQL operations of a request are, if there are any.
pub(super) fn gravity(query: Option<&Value<'_>>, body: Option<&Value<'_>>) -> Option<Operation> {
    let within = within(body);
    let requests = requests(query, within.as_ref().or(body));
    requests
        .iter()
        .map(|(_, request)| written(request).map(|text| gravity::operation(text).0))
        .max()?
}

fn text<'b>(request: &'b Value<'_>, name: &str) -> Option<&'b str> {
    request.get(name).and_then(Value::as_str)
}

/// The document: the body itself is one where it is of type `application/graphql`.
fn written<'b>(request: &'b Value<'_>) -> Option<&'b str> {
    request.as_str().or_else(|| text(request, "query"))
}

/// What a multipart request with files holds as text, under `operations`.
fn within<'b>(body: Option<&'b Value<'_>>) -> Option<Value<'b>> {
    json(text(body?, "operations")?).ok()
}

/// The requests of a body, each with its position in a batch; and what the query asks beside a body,
/// since servers differ in which of the two they take.
fn requests<'b, 'n>(
    query: Option<&'b Value<'n>>,
    body: Option<&'b Value<'n>>,
) -> Vec<(Option<usize>, &'b Value<'n>)> {
    let mut requests = match body.or(query) {
        Some(Value::Array(batch)) => {
            batch.iter().enumerate().map(|(at, one)| (Some(at), one)).collect()
        }
        Some(one) => vec![(None, one)],
        None => Vec::new(),
    };
    let beside = query.filter(|query| body.is_some() && query.get("query").is_some());
    requests.extend(beside.map(|query| (None, query)));
    requests
}

fn read(query: Option<&Value<'_>>, body: Option<&Value<'_>>) -> Calls {
    let within = within(body);
    let body = within.as_ref().or(body);
    let mut calls = Calls { kind: "GraphQL mutations", ..Calls::default() };
    let mut whole = Vec::new();
    let mut gravest = None;
    let mut more = More::default();
    for (position, request) in requests(query, body) {
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
            let before = calls.acts.len();
            if operation == Operation::Mutation {
                mutations(request, (position, beside), &mut calls.acts, &mut more);
            }
            if calls.acts.len() == before {
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

/// Takes an act for each field of the mutation that is asked for, and what is left out.
fn mutations(
    request: &Value<'_>,
    (position, beside): (Option<usize>, Option<&str>),
    acts: &mut Vec<Act>,
    left: &mut More,
) {
    let Some(document) = written(request).and_then(Document::read) else { return };
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
    let mut walk = Fields { document: &document, variables, position, acts, left, steps: 0 };
    for operation in chosen {
        walk.all(&operation.selections);
    }
}

struct Fields<'a, 'd> {
    document: &'a Document<'d>,
    variables: &'a Value<'a>,
    position: Option<usize>,
    acts: &'a mut Vec<Act>,
    left: &'a mut More,
    /// Selections looked at.
    steps: usize,
}

/// Selections, and the field in which they stand.
type Level<'a, 'd> = (std::slice::Iter<'a, Selection<'d>>, Option<&'a Field<'d>>);

impl<'a, 'd> Fields<'a, 'd> {
    /// Takes all fields at the top, and in namespaces, in their order; each fragment is followed once
    /// for each place, as servers do.
    fn all(&mut self, selections: &'a [Selection<'d>]) {
        let document = self.document;
        let mut followed: HashSet<(&str, Option<*const Field<'d>>)> = HashSet::new();
        let mut levels: Vec<Level<'a, 'd>> = vec![(selections.iter(), None)];
        while let Some((selections, space)) = levels.last_mut() {
            let space = *space;
            let Some(selection) = selections.next() else {
                levels.pop();
                continue;
            };
            self.steps += 1;
            if self.steps > STEPS_MAX {
                self.left.is_cut = true;
                return;
            }
            match selection {
                Selection::Inline(inner) => levels.push((inner.iter(), space)),
                Selection::If(conditions, _) if self.leaves_out(conditions) => {}
                Selection::If(_, inner) => {
                    levels.push((std::slice::from_ref(&**inner).iter(), space));
                }
                Selection::Spread(name) => {
                    if followed.insert((*name, space.map(std::ptr::from_ref))) {
                        let named = document.fragments.get(name).into_iter().flatten();
                        levels.extend(named.map(|inner| (inner.iter(), space)));
                    }
                }
                Selection::Field(field) if field.name.starts_with("__") => {}
                Selection::Field(field) if space.is_none() && self.is_namespace(field) => {
                    levels.push((field.selections.iter(), Some(field)));
                }
                // Of those that are too many one is kept, so that it is seen that they are.
                Selection::Field(field) if self.acts.len() > ACTS_MAX => {
                    self.left.take(self.answer(field, space));
                }
                Selection::Field(field) => {
                    let act = self.act(field, space);
                    // The same key twice is one field.
                    if self.acts.iter().all(|known| known.answer != act.answer) {
                        self.acts.push(act);
                    }
                }
            }
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
                !inner.arguments.is_empty() && (is_led(inner.name) || acts(inner.name).is_some())
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
    fn answer(&self, field: &Field<'d>, space: Option<&Field<'d>>) -> Answer {
        let path = space.into_iter().chain([field]).map(|field| cut_name(field.key)).collect();
        Answer::Graphql(self.position, path)
    }

    fn act(&self, field: &Field<'d>, space: Option<&Field<'d>>) -> Act {
        let arguments = arguments(field, self.variables);
        let answer = self.answer(field, space);
        let named = match space {
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
        let named = named.filter(|(noun, verb)| says(noun, verb));
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

/// Noun and verb of a name; of one that says how many things it is for (`insert_users_one`,
/// `delete_users_by_pk`, `createOneUser`), of what these are.
fn named(name: &str) -> Option<(String, String)> {
    let snake = snake(name);
    let Some((verb, about)) = snake.split_once('_').filter(|(verb, _)| COUNTED.contains(verb))
    else {
        return noun_and_verb(name);
    };
    let about = COUNTS.iter().find_map(|count| about.strip_prefix(count)).unwrap_or(about);
    let ends = COUNTS_AT_END.iter().find_map(|count| about.strip_suffix(count));
    let about = ends.unwrap_or(about);
    let verb = if verb == "insert" { "create" } else { verb };
    noun_and_verb(&format!("{verb}_{about}"))
}

/// Whether a name says that it is for as many things as there are: `delete_users`, `deleteManyUser`.
fn is_of_many(name: &str) -> bool {
    let snake = snake(name);
    let Some((_, about)) = snake.split_once('_').filter(|(verb, _)| COUNTED.contains(verb)) else {
        return false;
    };
    let is_one = about.starts_with("one_") || about.ends_with("_one") || about.ends_with("_by_pk");
    !is_one && (about.starts_with("many_") || about.ends_with("_many") || is_plural(about))
}

/// Whether a name begins with a verb: `delete`, `deleteUser`.
fn is_led(name: &str) -> bool {
    is_verb(snake(name).split('_').next().unwrap_or_default())
}

/// Noun and verb of a name that says by itself what is done to what: `userDelete`.
fn acts(name: &str) -> Option<(String, String)> {
    let (noun, verb) = named(name).filter(|_| !is_led(name))?;
    let is_read = READS.contains(&verb.split('_').next().unwrap_or_default());
    (!noun.is_empty() && !is_read).then_some((noun, verb))
}

fn cut_name(name: &str) -> String {
    let end = name.floor_char_boundary(NAME_BYTES_MAX);
    Cow::Borrowed(name.get(..end).unwrap_or_default()).into_owned()
}
