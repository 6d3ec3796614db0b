//! Documents that are indexed, changed and deleted by one request, a line each, as Elasticsearch and
//! OpenSearch have it.
//!
//!   <https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk>

use super::act::{ACTS_MAX, Act, Answer, More};
use super::body::{self, Value};
use super::call::Calls;
use super::path::Path;
use super::sentence::Sentence;
use super::text::bounded;
use crate::record::Target;

/// How several of them are called.
pub(super) const KIND: &str = "operations on documents";

/// The last segment of such a path.
const LAST: &str = "_bulk";

/// What is done to a document.
const DOCUMENT: &str = "document";

/// The operations of a body on a path that ends in `_bulk`; none if it is not whole.
pub(super) fn calls(path: &Path, body: Option<&Value<'_>>) -> Option<Calls> {
    let [outer @ .., last] = path.segments.as_slice() else { return None };
    let lines = body?.as_array().filter(|_| last.text == LAST)?;
    let index = outer.last().map(|index| index.text.as_str());
    let mut calls = Calls { kind: KIND, ..Calls::default() };
    let mut more = More::default();
    let mut lines = lines.iter();
    let mut position = 0_usize;
    while let Some(line) = lines.next() {
        let (operation, about) = operation(line)?;
        if operation != "delete" {
            // The document, or what is changed of it.
            lines.next()?;
        }
        match calls.acts.len() > ACTS_MAX {
            true => more.take(Answer::Part(position, None)),
            false => calls.acts.push(act((operation, about), index, position)),
        }
        position += 1;
    }
    calls.acts.first()?;
    calls.limit(more, "document.bulk", DOCUMENT);
    calls.whole = Some(("document.bulk".to_owned(), DOCUMENT.to_owned()));
    Some(calls)
}

/// What a line says is done, and to which document.
fn operation<'b>(line: &'b Value<'b>) -> Option<(&'b str, &'b Value<'b>)> {
    let [(name, about @ Value::Object(_))] = line.members() else { return None };
    let is_known = matches!(name.as_ref(), "create" | "delete" | "index" | "update");
    is_known.then_some((name.as_ref(), about))
}

fn act((operation, about): (&str, &Value<'_>), index: Option<&str>, position: usize) -> Act {
    let id = about.get("_id").and_then(body::scalar);
    let verb = match (operation, &id) {
        // What has an id may be there already.
        ("index", Some(_)) => "save",
        ("index", None) => "create",
        (operation, _) => operation,
    };
    let own = about.get("_index").and_then(body::scalar);
    let index = own.or_else(|| bounded(index?));
    let owner = index.map(|id| Target { kind: "index".to_owned(), id: Some(id), name: None });
    Act {
        action: format!("{DOCUMENT}.{verb}"),
        category: DOCUMENT.to_owned(),
        targets: vec![Target { kind: DOCUMENT.to_owned(), id, name: None }],
        sentence: Sentence { verb: verb.to_owned(), owner, ..Sentence::default() },
        answer: Answer::Part(position, None),
    }
}
