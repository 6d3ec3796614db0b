//! What templates may use: the redacted record, and nothing else.

use super::super::body::{self, Many, TARGETS_MAX, Value};
use super::super::text::{CHARS_MAX, MASK, bounded};
use super::super::verbs::past;
use super::join::{Item, Taken};
use super::template::Source;
use crate::record::{Actor, BodyRecord, RequestRecord, ResponseRecord, Scope, Target};
use crate::redact::JsonPath;

/// Steps that finding one value may take.
const WORK_MAX: usize = 100_000;

/// How a fingerprint begins, where one stands in a text.
const FINGERPRINT: &str = "hmac:";

/// An exchange as far as it is known.
pub(crate) struct Facts<'r> {
    pub(super) request: &'r RequestRecord,
    pub(super) response: Option<&'r ResponseRecord>,
    pub(super) response_body: Option<&'r Value<'r>>,
    pub(super) params: &'r [(String, String)],
    pub(super) actor: &'r Actor,
    pub(super) target: Option<Target>,
    pub(super) scope: &'r Scope,
    pub(super) verb: String,
    /// The API has taken it on, and not yet done it.
    pub(super) is_accepted: bool,
}

impl<'r> Facts<'r> {
    /// The request's body.
    fn sent(&self) -> Option<&'r Value<'r>> {
        self.request.body.as_ref().map(BodyRecord::tree)
    }

    /// The value at a place: a text, a number or a boolean, bounded.
    pub(super) fn value(&self, source: &Source) -> Option<String> {
        let target = self.target.as_ref();
        match source {
            Source::Path(name) => {
                let (_, value) = self.params.iter().find(|(other, _)| other == name)?;
                bounded(value)
            }
            Source::Query(name) => body::scalar(self.request.query.as_ref()?.get(name)?),
            Source::Header(name) => body::scalar(self.request.headers.get(name)?),
            Source::RequestBody(path) => one(path, self.sent()?),
            Source::ResponseBody(path) => one(path, self.response_body?),
            Source::ResponseHeader(name) => body::scalar(self.response?.headers.get(name)?),
            Source::Actor("id") => bounded(self.actor.id.as_deref()?),
            Source::Actor("email") => bounded(self.actor.email.as_deref()?),
            // By what the actor is called, if by nothing else than an id.
            Source::Actor(_) => {
                let Actor { name, email, id, .. } = self.actor;
                [name, email, id].into_iter().flatten().find_map(|text| bounded(text))
            }
            Source::Target("id") => target?.id.clone(),
            Source::Target("name") => target?.name.clone(),
            Source::Target(_) => bounded(&target?.kind),
            Source::Scope(name) => self.scope.get(name).cloned(),
            Source::Verb => bounded(&self.verb.replace('_', " ")),
            Source::Done if self.is_accepted => {
                bounded(&format!("{} accepted", self.verb.replace('_', " ")))
            }
            Source::Done => bounded(&past(&self.verb)),
            Source::Literal(text) => bounded(text),
        }
    }

    /// The value for a path, if it is known whole: not cut, with nothing redacted in it, and with
    /// nothing by which some software would come to another path.
    pub(super) fn whole_value(&self, source: &Source) -> Option<String> {
        let value = match source {
            // As it stands in the path, blanks at its ends included.
            Source::Path(name) => {
                let (_, value) = self.params.iter().find(|(other, _)| other == name)?;
                value.clone()
            }
            _ => self.value(source)?,
        };
        let is_whole = !value.is_empty()
            && value.chars().count() < CHARS_MAX
            && !value.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER)
            && !value.contains('%')
            && !value.split(['/', '\\']).any(|segment| matches!(segment, "." | ".."))
            && !value.contains(MASK)
            && !value.contains(FINGERPRINT);
        is_whole.then_some(value)
    }

    /// All values at a place that may hold several, a list of ids between commas included; and how
    /// many there are, if not all of them are given.
    pub(super) fn values(&self, source: &Source) -> (Vec<Taken>, Option<usize>) {
        let listed = |name: &str, text: Option<&str>| {
            let text = text.unwrap_or_default();
            let many = Many::of_ids(text);
            // What is called `ids` holds several, whatever they look like.
            let (ids, count): (Vec<String>, usize) = match many.is_empty() && is_plural(name) {
                true => {
                    let ids = || text.split(',').filter_map(bounded);
                    (ids().take(TARGETS_MAX).collect(), ids().count())
                }
                false if many.is_empty() => return (only(bounded(text)), None),
                false => {
                    let ids = many.targets.into_iter().filter_map(|listed| listed.id);
                    (ids.collect(), many.count)
                }
            };
            let listed = |text| Taken { text, item: Item::Unknown };
            (ids.into_iter().map(listed).collect(), (count > TARGETS_MAX).then_some(count))
        };
        let tree = match source {
            Source::Path(name) => {
                let own = self.params.iter().find(|(other, _)| other == name);
                return listed(name, own.map(|(_, value)| value.as_str()));
            }
            Source::Query(name) => {
                match self.request.query.as_ref().and_then(|all| all.get(name)) {
                    Some(Value::Array(items)) => return in_list(items),
                    Some(Value::String(text)) => return listed(name, Some(text)),
                    _ => return (only(self.value(source)), None),
                }
            }
            Source::RequestBody(path) => Some(path).zip(self.sent()),
            Source::ResponseBody(path) => Some(path).zip(self.response_body),
            _ => return (only(self.value(source)), None),
        };
        let mut work = WORK_MAX;
        let found = tree.and_then(|(path, document)| {
            Some((path, path.select_in_items(document, &mut work).ok()?))
        });
        match found {
            Some((_, found)) if let [(_, Value::Array(items))] = found.as_slice() => in_list(items),
            Some((path, found)) => of_items(path, &found),
            None => (Vec::new(), None),
        }
    }
}

fn only(text: Option<String>) -> Vec<Taken> {
    text.map(|text| Taken { text, item: Item::None }).into_iter().collect()
}

/// The scalars in a list, no more than are named as targets.
fn in_list(items: &[Value<'_>]) -> (Vec<Taken>, Option<usize>) {
    let items: Vec<_> = items.iter().map(|item| (Item::Unknown, item)).collect();
    scalars(&items)
}

/// The scalars that a path has found, with the items that they stand in; where it has found two in
/// one item, as with a member of the same name twice, none of them is the item's own.
fn of_items(path: &JsonPath, found: &[(&Value<'_>, &Value<'_>)]) -> (Vec<Taken>, Option<usize>) {
    let is_several = !path.is_singular();
    let runs = found.chunk_by(|(item, _), (other, _)| std::ptr::eq(*item, *other));
    let items: Vec<_> = runs
        .flat_map(|run| {
            let item = |item: &Value<'_>| match run.len() {
                1 if is_several => Item::At(std::ptr::from_ref(item).addr()),
                1 => Item::None,
                _ => Item::Unknown,
            };
            run.iter().map(move |(within, value)| (item(within), *value))
        })
        .collect();
    scalars(&items)
}

/// The scalars among values, no more than are named as targets.
fn scalars(items: &[(Item, &Value<'_>)]) -> (Vec<Taken>, Option<usize>) {
    let values = items.iter().take(TARGETS_MAX).filter_map(|(item, value)| match value {
        Value::Array(_) => None,
        value => Some(Taken { text: body::scalar(value)?, item: *item }),
    });
    (values.collect(), (items.len() > TARGETS_MAX).then_some(items.len()))
}

/// Whether a name says that there are several: `ids`, `user_ids`, `userIds`.
fn is_plural(name: &str) -> bool {
    name == "ids" || name.ends_with("_ids") || name.ends_with("Ids")
}

/// The one value at a path.
fn one(path: &JsonPath, document: &Value<'_>) -> Option<String> {
    let mut work = WORK_MAX;
    let found = path.select(document, &mut work).ok()?;
    match found.first()? {
        Value::Bool(value) => Some(value.to_string()),
        // Of a list no item is meant more than another.
        Value::Array(_) => None,
        value => body::scalar(value),
    }
}
