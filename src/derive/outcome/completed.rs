//! What a response tells of the targets: their ids and names.

use super::super::answer;
use super::super::body::{self, At, Value};
use super::super::naming::{Naming, sets_name};
use super::super::nouns::is_oneself;
use super::super::shown;
use super::super::trace::{By, Field, Origin, Trace};
use super::super::words::snake;
use super::Came;
use super::located::located;
use super::noted;
use crate::decode::percent_decode_lossy;
use crate::record::{BodyRecord, RequestRecord, Target};

/// Whether an answer says that what was put was not there before: `{"created": true}`, and
/// `{"role": {"created": true}}`, as Elasticsearch has them; not if the request says so itself.
pub(super) fn says_created(
    naming: &Naming,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
) -> bool {
    if !matches!(naming.method.as_str(), "POST" | "PUT") {
        return false;
    }
    let sent = request.body.as_ref().map(BodyRecord::tree);
    let is_sent = sent.is_some_and(|sent| sent.get("created").is_some());
    let Some(body) = body.filter(|_| !is_sent) else { return false };
    let says = |body: &Value<'_>| match body.members() {
        [(name, Value::Bool(true))] => name == "created",
        _ => false,
    };
    match body.members() {
        [(_, inner @ Value::Object(_))] => says(inner),
        _ => says(body),
    }
}

/// Whether a batch is sent what has no ids, and so is made by it, if the status says so.
pub(super) fn may_be_new(naming: &Naming) -> bool {
    let is_new = |target: &Target| target.id.is_none() && target.name.is_some();
    matches!(naming.sentence.verb.as_str(), "batch" | "bulk") && naming.targets.iter().all(is_new)
}

/// The target with the id and name that the response gives to it, or the name that is shown by its
/// states.
pub(super) fn completed(
    naming: &Naming,
    came: Came<'_>,
    verb: &str,
    trace: &mut Trace,
) -> Option<Vec<Target>> {
    let Came { request, response, body, observed, .. } = came;
    let [target] = naming.targets.as_slice() else {
        let is_made = matches!(verb, "batch" | "bulk" | "create" | "upload");
        return if is_made { all_completed(naming, body?, trace) } else { None };
    };
    if let Some(deleted) = body.filter(|_| verb == "delete").and_then(|it| listed(target, it)) {
        noted::targets(&deleted, &naming.targets, body, trace);
        return Some(deleted);
    }
    // What has no type has no id that could be told from others.
    let is_untyped = matches!(target.kind.as_str(), "resource" | "system")
        && !matches!(verb, "create" | "update" | "delete");
    if naming.is_call || naming.sentence.part.is_some() || is_untyped {
        return None;
    }
    let claimed = target.name.as_deref();
    // A job that will see to it is another thing, unless it was a job that was created.
    let is_run = verb == "create" && shown::is_run(&target.kind);
    let is_job = |body: &Value<'_>| {
        shown::is_operation(body, &target.kind)
            || (response.status == 202 && !is_run && !shown::is_same(body, &target.kind, claimed))
    };
    let body = body.filter(|body| !is_job(body) && !is_outer(naming, came, body));
    let inner =
        body.filter(|_| verb == "create").and_then(|body| body::created(body, &target.kind));
    let inner = inner.filter(|(inner, _)| !is_job(inner) && !is_outer(naming, came, inner));
    let (body, root) = match inner {
        Some((inner, root)) => (Some(inner), root),
        None => (body, "$".to_owned()),
    };
    let is_kind = |id: &String| verb == "create" && is_kind_of_made(naming, (target, id), body);
    let known = target.id.clone().filter(|id| !is_oneself(id) && !is_kind(id));
    let id = known.or_else(|| id_shown(naming, came, verb, (body, &root), trace));
    // Whoever is signed in is shown by the states, where the answer says nothing.
    let own = || {
        let id = observed.filter(|_| target.id.is_some())?.id(naming, &target.kind)?;
        trace.note(Field::Id(0), || (By::Convention("the id in the states"), vec![Origin::States]));
        Some(id)
    };
    let id = id.or_else(own).or_else(|| target.id.clone());
    let sent = id.is_none().then(|| sent_id(request, (verb, &target.kind), trace)).flatten();
    // What shows the item says how it is called; what the client says is a claim.
    // Who signs in is not called as the session is.
    let signs = naming.sentence.verb == "sign_in";
    let claimed = target.name.clone().filter(|_| signs || !is_name_shown(naming, came));
    let claimed = claimed.filter(|name| Some(name) != sent.as_ref());
    let id = id.or(sent);
    let name = claimed.or_else(|| {
        // What shows no id is the item where it was sent with a name, or has none itself.
        let is_new = target.id.is_none() && (verb == "create" || response.status == 201);
        let trusts = sets_name(verb) || is_new;
        let named = body.and_then(|body| shown::name_of(body, &target.kind, id.as_deref(), trusts));
        let named = named.map(|(name, at)| (name, Some(at)));
        let shown = || {
            let path = percent_decode_lossy(&request.path);
            let sent = id.as_deref().filter(|id| target.id.is_some() && !path.contains(id));
            Some((observed?.name(naming, &target.kind, sent)?, None))
        };
        let (name, at) = named.or_else(shown)?;
        if Some(&name) == id.as_ref() {
            return None;
        }
        trace.note(Field::Name(0), || match at {
            Some(at) => {
                let from = vec![Origin::ResponseBody(at_root(at, &root))];
                (By::Convention("the name in the response"), from)
            }
            None => (By::Convention("the name in the states"), vec![Origin::States]),
        });
        Some(name)
    });
    let completed = Target { kind: target.kind.clone(), id, name };
    (completed != *target).then(|| vec![completed])
}

/// The id that an answer gives to what the request does not name, or only as whoever is signed in.
fn id_shown(
    naming: &Naming,
    came: Came<'_>,
    verb: &str,
    (body, root): (Option<&Value<'_>>, &str),
    trace: &mut Trace,
) -> Option<String> {
    let [target] = naming.targets.as_slice() else { return None };
    let is_own = target.id.is_some();
    // What an export or an import answers with is its own.
    let is_created = verb == "create"
        || (naming.method == "POST" && !matches!(verb, "export" | "import" | "search"));
    let led = || led_to(naming, came, trace);
    if let Some(id) = (!is_own).then(led).flatten() {
        return Some(id);
    }
    let is_put = || body.is_some_and(|body| is_put_alone(naming, body));
    let body = body.filter(|_| is_created || is_own || is_about_own(naming) || is_put())?;
    let found = match target.kind.as_str() {
        // What a session is called is not its id.
        "session" => body::id_at(body, "session"),
        kind => body::created_id_at(body, kind, target.name.as_deref()),
    };
    let found = found.map(|(id, at)| (id, at_root(at, root)));
    let alone = || Some((bare_id(body)?, "$".to_owned()));
    let (id, at) = found.or_else(|| alone().filter(|_| came.response.status == 201))?;
    let from = || vec![Origin::ResponseBody(at)];
    trace.note(Field::Id(0), || (By::Convention("the id in the response"), from()));
    Some(id)
}

/// A place below what an answer shows.
fn at_root(at: At<'_>, root: &str) -> String {
    at.to_string().replacen('$', root, 1)
}

/// Whether what there is one of was changed, of which the path says neither which it is nor where:
/// `PATCH /me`.
fn is_about_own(naming: &Naming) -> bool {
    let is_alone = naming.sentence.owner.is_none() && naming.scope.is_empty();
    naming.is_item && is_alone && matches!(naming.method.as_str(), "PATCH" | "PUT")
}

/// The item that a field of the response leads to.
fn led_to(
    naming: &Naming,
    Came { request, response, .. }: Came<'_>,
    trace: &mut Trace,
) -> Option<String> {
    let target = naming.targets.first()?;
    // What was created may be shown, and not led to (RFC 9110, 15.3.2).
    let fields = ["location", "content-location"];
    let fields = fields.iter().filter(|field| **field == "location" || response.status == 201);
    for field in fields {
        let known = (target.kind.as_str(), target.name.as_deref());
        if let Some(id) = located(request, response, field, known) {
            let from = || vec![Origin::ResponseHeader((*field).to_owned())];
            trace.note(Field::Id(0), || (By::Convention("the item that is located"), from()));
            return Some(id);
        }
    }
    None
}

/// Whether the last word of a path is what kind of thing is made, and no id: the request calls it otherwise,
/// and the answer has another id and nothing like the word. `POST /users/human`, as Zitadel has it.
fn is_kind_of_made(
    naming: &Naming,
    (target, word): (&Target, &str),
    body: Option<&Value<'_>>,
) -> bool {
    let is_called = target.name.as_deref().is_some_and(|name| name != word);
    let Some(body) = body.filter(|_| naming.method == "POST" && is_called) else { return false };
    let is_other = body::id(body, &target.kind).is_some_and(|id| id != word);
    is_other && body::place_of(body, "$", word).is_none()
}

/// Whether an answer shows what was put to no item, under the name that was sent:
/// `PUT /v1/acl/policy {"Name": "ops"}`.
fn is_put_alone(naming: &Naming, body: &Value<'_>) -> bool {
    let [target] = naming.targets.as_slice() else { return false };
    let is_alone = naming.sentence.owner.is_none() && naming.scope.is_empty();
    let is_same = target.name.is_some() && body::name(body, &target.kind) == target.name;
    naming.method == "PUT" && is_alone && is_same
}

/// The id that a client gives to what it makes, where it is given no other one.
fn sent_id(
    request: &RequestRecord,
    (verb, kind): (&str, &str),
    trace: &mut Trace,
) -> Option<String> {
    let sent = request.body.as_ref().filter(|_| verb == "create").map(BodyRecord::tree)?;
    let (id, at) = body::known_as(sent, kind)?;
    let from = || vec![Origin::RequestBody(at)];
    trace.note(Field::Id(0), || (By::Convention("the id that is sent"), from()));
    Some(id)
}

/// What was deleted of a collection, as Kubernetes lists it in its answer.
///
///   <https://kubernetes.io/docs/reference/using-api/api-concepts/>
fn listed(target: &Target, body: &Value<'_>) -> Option<Vec<Target>> {
    let kind = body.get("kind")?.as_str()?.strip_suffix("List")?;
    if target.id.is_some() || snake(kind) != target.kind {
        return None;
    }
    let name = |item: &Value<'_>| body::scalar(item.get("metadata")?.get("name")?);
    let items = body.get("items")?.as_array()?.iter().take(body::TARGETS_MAX);
    let of_id = |id| Target { kind: target.kind.clone(), id: Some(id), name: None };
    let items: Vec<Target> = items.filter_map(name).map(of_id).collect();
    (!items.is_empty()).then_some(items)
}

/// The id that is all that an answer to a creation says: a number, or a text that is none but an id.
fn bare_id(body: &Value<'_>) -> Option<String> {
    let id = body::scalar(body).filter(|_| matches!(body, Value::Number(_) | Value::String(_)))?;
    body::is_plain_id(&id).then_some(id)
}

/// Whether the response shows the one item, and its name.
pub(super) fn is_name_shown(naming: &Naming, came: Came<'_>) -> bool {
    let ([target], Some(body)) = (naming.targets.as_slice(), came.body) else { return false };
    shown::is_named(body, &target.kind, target.id.as_deref()) && !is_outer(naming, came, body)
}

/// Whether the response shows what holds the target, and not the target.
fn is_outer(naming: &Naming, came: Came<'_>, body: &Value<'_>) -> bool {
    let [target] = naming.targets.as_slice() else { return false };
    let owner = naming.sentence.owner.iter().flat_map(|owner| [&owner.id, &owner.name]);
    let outer = naming.scope.values().chain(owner.flatten()).map(String::as_str);
    let sent = came.request.body.as_ref().map(BodyRecord::tree);
    let target = (target.kind.as_str(), target.id.as_deref());
    shown::is_outer(body, target, &outer.collect::<Vec<_>>(), sent)
}

/// Several targets with the ids that the response gives to them, in the order of the request.
fn all_completed(naming: &Naming, body: &Value<'_>, trace: &mut Trace) -> Option<Vec<Target>> {
    let is_all = |items: &&[Value<'_>]| items.len() == naming.targets.len();
    let kind = &naming.targets.first()?.kind;
    let items = Some(answer::items(body)).filter(is_all);
    let items = items.or_else(|| body::under_own_name(body, kind).filter(is_all))?;
    let complete = |(position, (target, item)): (usize, (&Target, &Value<'_>))| {
        let name = body::name(item, &target.kind);
        let same = target.name.is_none() || name.is_none() || target.name == name;
        let id = target.id.clone().or_else(|| {
            let id = body::id(item, &target.kind).filter(|_| same)?;
            let at = || body::place_of(body, "$", &id).unwrap_or_else(|| "$".to_owned());
            let from = || vec![Origin::ResponseBody(at())];
            let by = By::Convention("the id in the answer's item of the same position");
            trace.note(Field::Id(position), || (by, from()));
            Some(id)
        });
        Target { id, ..target.clone() }
    };
    let targets = naming.targets.iter().zip(items).enumerate().map(complete);
    let targets: Vec<Target> = targets.collect();
    (targets != naming.targets).then_some(targets)
}
