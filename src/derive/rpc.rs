//! Calls whose name is in the body: GraphQL and JSON-RPC 2.0.

use super::body::{self, TARGETS_MAX, Value};
use super::text::bounded;
use super::verbs::{canonical, compound, is_verb};
use super::words::{singular, snake};
use crate::record::Target;

/// Of a GraphQL document so many bytes are read.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;

/// A call that a body names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) noun: String,
    pub(super) verb: String,
    pub(super) targets: Vec<Target>,
}

/// GraphQL's kinds of operations; the greater decides what a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Operation {
    Query,
    Subscription,
    /// Not told: a persisted query, or a text that was not recorded.
    Unknown,
    Mutation,
}

/// The GraphQL operations in a body, on a path that ends in `graphql`.
pub(super) fn graphql(
    path: &str,
    query: Option<&Value<'_>>,
    body: Option<&Value<'_>>,
) -> Option<Call> {
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if !last.to_ascii_lowercase().starts_with("graphql") {
        return None;
    }
    let requests: Vec<&Value<'_>> = match body.or(query) {
        Some(Value::Array(requests)) => requests.iter().take(TARGETS_MAX).collect(),
        Some(request) => vec![request],
        None => Vec::new(),
    };
    let mut verb = None;
    let mut targets = Vec::new();
    for request in requests {
        let text = |name: &str| request.get(name).and_then(Value::as_str);
        let asked = text("operationName").and_then(bounded);
        let (operation, written) = text("query").map_or((Operation::Unknown, None), operation);
        verb = verb.max(Some(operation));
        targets.push(Target { kind: "operation".to_owned(), id: None, name: asked.or(written) });
    }
    if targets.is_empty() {
        targets.push(Target { kind: "operation".to_owned(), ..Target::default() });
    }
    let verb = match verb.unwrap_or(Operation::Unknown) {
        Operation::Mutation => "mutate",
        Operation::Subscription => "subscribe",
        Operation::Query => "query",
        Operation::Unknown => "execute",
    };
    Some(Call { noun: "graphql".to_owned(), verb: verb.to_owned(), targets })
}

/// The gravest operation of a document, and its name.
fn operation(document: &str) -> (Operation, Option<String>) {
    let end = document.floor_char_boundary(DOCUMENT_BYTES_MAX);
    let (text, rest) = document.split_at_checked(end).unwrap_or((document, ""));
    let mut found = (!rest.is_empty()).then_some((Operation::Unknown, None));
    let mut depth = 0_usize;
    let mut words: Vec<String> = Vec::new();
    let mut in_word = false;
    for c in Significant(text) {
        let is_word = c.is_ascii_alphanumeric() || c == '_';
        if depth == 0 && is_word {
            match words.last_mut().filter(|_| in_word) {
                Some(word) => word.push(c),
                None => words.push(c.to_string()),
            }
        }
        in_word = is_word;
        match c {
            '{' | '(' => {
                if depth == 0 && !(c == '{' && words.is_empty() && found.is_some()) {
                    found = found.max(Some(headed(&words)));
                    words.clear();
                }
                depth += 1;
            }
            '}' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found.map_or((Operation::Unknown, None), |(operation, name)| {
        (operation, name.as_deref().and_then(bounded))
    })
}

/// The characters of a GraphQL document without those in strings and comments.
struct Significant<'d>(&'d str);

impl Iterator for Significant<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        if let Some(rest) = self.0.strip_prefix('#') {
            self.0 = rest.trim_start_matches(|c| !matches!(c, '\n' | '\r'));
        } else if let Some(rest) = self.0.strip_prefix("\"\"\"") {
            // A block string; `\"""` in one ends it here, which misreads no honest document.
            self.0 = rest.split_once("\"\"\"").map_or("", |(_, rest)| rest);
        } else if let Some(rest) = self.0.strip_prefix('"') {
            self.0 = after_string(rest);
        }
        let mut chars = self.0.chars();
        let next = chars.next();
        let is_hidden = matches!(next, Some('"' | '#'));
        if is_hidden {
            // Another string or comment begins at once: what stands between two words is a space.
            return Some(' ');
        }
        self.0 = chars.as_str();
        next
    }
}

/// What follows the end of a string, which is its quotation mark or the end of its line.
fn after_string(text: &str) -> &str {
    let mut escaped = false;
    let end = text.char_indices().find(|&(_, c)| {
        let ends = !escaped && c == '"' || matches!(c, '\n' | '\r');
        escaped = !escaped && c == '\\';
        ends
    });
    end.and_then(|(at, c)| text.get(at + c.len_utf8()..)).unwrap_or_default()
}

fn headed(words: &[String]) -> (Operation, Option<String>) {
    let name = words.get(1).cloned();
    match words.first().map(String::as_str) {
        Some("mutation") => (Operation::Mutation, name),
        Some("subscription") => (Operation::Subscription, name),
        _ => (Operation::Query, name.filter(|_| words.first().is_some_and(|word| word == "query"))),
    }
}

/// The JSON-RPC calls in a body.
pub(super) fn json_rpc(body: Option<&Value<'_>>) -> Option<Call> {
    let body = body?;
    let calls: Vec<&Value<'_>> = match body {
        Value::Array(calls) => calls.iter().take(TARGETS_MAX).collect(),
        call => vec![call],
    };
    let mut named = Vec::new();
    for call in calls {
        call.get("jsonrpc")?;
        let method = call.get("method").and_then(Value::as_str)?;
        let (noun, verb) = noun_and_verb(method);
        let params = call.get("params").unwrap_or(&Value::Null);
        let target = Target {
            id: body::id(params, &noun),
            name: body::name(params, &noun),
            kind: noun.clone(),
        };
        named.push((noun, verb, target));
    }
    let (noun, verb, _) = named.first()?;
    let alike = named.iter().all(|(other, way, _)| other == noun && way == verb);
    let (noun, verb) =
        if alike { (noun.clone(), verb.clone()) } else { ("rpc".to_owned(), "batch".to_owned()) };
    Some(Call { noun, verb, targets: named.into_iter().map(|(_, _, target)| target).collect() })
}

/// `user.create`, `users/delete`, `createUser`, `eth_sendTransaction`.
fn noun_and_verb(method: &str) -> (String, String) {
    let or_call = |verb: String| if verb.is_empty() { "call".to_owned() } else { verb };
    if let Some((noun, verb)) = method.rsplit_once(['.', '/', ':']) {
        let noun = singular(&snake(noun.rsplit(['.', '/', ':']).next().unwrap_or(noun)));
        let verb = snake(verb);
        let noun = if noun.is_empty() { "rpc".to_owned() } else { noun };
        return match compound(&verb) {
            Some((first, about)) if singular(about) == noun => (noun, canonical(first).to_owned()),
            _ => (noun, or_call(canonical(&verb).to_owned())),
        };
    }
    let name = snake(method);
    match compound(&name) {
        Some((verb, about)) if !about.is_empty() => (singular(about), canonical(verb).to_owned()),
        _ => match name.split_once('_') {
            Some((noun, verb)) if verb.split('_').any(is_verb) => (singular(noun), verb.to_owned()),
            _ => ("rpc".to_owned(), or_call(name)),
        },
    }
}
