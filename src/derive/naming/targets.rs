//! Upon what a request acts: the item of its path, or what its body and its query name.

use super::super::body::{self, Listed, Many, Value};
use super::super::reference;
use super::super::trace::{By, Field, Origin, Trace};
use super::super::walk::Node;
use super::super::words::{is_plural, plural, singular, snake};
use super::noted::{self, Held};
use crate::record::{RequestRecord, Target, Tree};

/// Nouns of those who are known by more than an id.
const PEOPLE: [&str; 2] = ["member", "user"];

/// By what they are known.
const OF_PEOPLE: [&str; 7] =
    ["account_id", "email", "email_address", "login", "mail", "user_id", "username"];

/// The targets: the item of the path, or what the body and the query name; and how many there are.
pub(super) fn targets(
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
        let target = |listed: Listed<'_>| {
            let is_claim = listed.id.is_some() && !sets_name(verb);
            let name = listed.name.filter(|_| !is_claim);
            Target { kind: kind.clone(), id: listed.id, name }
        };
        return (several.targets.into_iter().map(target).collect(), several.count);
    }
    noted::kind(node, 0, trace);
    let file = || body.filter(|_| matches!(verb, "create" | "upload")).and_then(body::file_name);
    // Of what is in the path, a client can set the name, and else only claim one.
    let name = body.filter(|_| !is_part && (!node.is_item || sets_name(verb)));
    let name = name.and_then(|body| {
        let is_open = !node.is_item && sets_name(verb);
        let own = || body::called_by_noun(body, &kind).filter(|_| is_open);
        body::name_at(body, &kind).or_else(file).or_else(own)
    });
    let signs = body.filter(|_| kind == "session" && verb == "create");
    let name = name.or_else(|| body::signs_in_as(signs?));
    // `?project=web`, as some have it where the path ends with a verb; the name of what a part is of is
    // not set.
    let by_noun = (is_part || !sets_name(verb)).then_some(kind.as_str());
    let found = || {
        let query = request.query.as_ref();
        if let Some((id, name)) = query.and_then(|query| queried(query, by_noun, verb)) {
            return Some((id, Held::Query, name));
        }
        // `?$id=https://…/users(5)`, and `{"@odata.id": "https://…/users/5"}`: what is there already, and
        // is referred to.
        let asked = query.and_then(|query| query.get(body::REFERRED)).and_then(Value::as_str);
        if let Some(id) = asked.and_then(body::last_id) {
            return Some((id, Held::Query, body::REFERRED.to_owned()));
        }
        if let Some(found) = body.and_then(body::referred) {
            return Some((found.0, Held::Body("$"), found.1.to_string()));
        }
        // What is being created has no id yet that a client could know by that name.
        let body = body.filter(|_| verb != "create")?;
        let own = || {
            let (name, value) = body.members().iter().find(|(name, _)| is_key(name, by_noun))?;
            Some((body::scalar(value)?, format!("${}", body::step(name))))
        };
        let is_open = !is_part && name.is_none();
        let (id, at) = body::id_at(body, &kind)
            .map(|(id, at)| (id, at.to_string()))
            .or_else(own)
            .or_else(|| referred(body, by_noun.filter(|_| is_open)?))?;
        Some((id, Held::Body("$"), at))
    };
    let id = match (&node.id, node.is_item) {
        (Some(id), _) => {
            let by = By::Convention("the item in the path");
            trace.note(Field::Id(0), || (by, noted::slots(node)));
            Some(id.clone())
        }
        (None, true) => None,
        (None, false) => found().map(|(id, held, at)| {
            let origin = || match held {
                Held::Query => Origin::Query(at),
                _ => Origin::RequestBody(at),
            };
            trace.note(Field::Id(0), || (By::Convention("the id that is sent"), vec![origin()]));
            id
        }),
    };
    let name = name.map(|(name, at)| (name, Origin::RequestBody(at.to_string())));
    let name = name.or_else(|| made_as(request, verb).filter(|_| id.is_none()));
    // By what somebody is known who is made: `userid=Frank`.
    let known = || {
        let (id, at) = body::known_as(body.filter(|_| !is_part && verb == "create")?, &kind)?;
        Some((id, Origin::RequestBody(at)))
    };
    let name = name.or_else(|| known().filter(|_| id.is_none()));
    let name = name.filter(|(name, _)| Some(name) != id.as_ref()).map(|(name, at)| {
        let origin = || vec![at];
        trace.note(Field::Name(0), || (By::Convention("the name that is sent"), origin()));
        name
    });
    (vec![Target { kind, id, name }], 1)
}

/// The id of what is meant, by a reference to it, and where that stands.
fn referred(body: &Value<'_>, noun: &str) -> Option<(String, String)> {
    let (id, name) = reference::own(body, noun)?;
    Some((id, format!("${}", body::step(name))))
}

/// The name that a query gives to what is made: `POST /createItem?name=web`.
fn made_as(request: &RequestRecord, verb: &str) -> Option<(String, Origin)> {
    let is_made = matches!(verb, "create" | "upload");
    let name = request.query.as_ref().filter(|_| is_made)?.get("name")?;
    Some((body::scalar(name)?, Origin::Query("name".to_owned())))
}

/// The id in a query, and the parameter that has it; or by what else somebody is deleted.
fn queried(query: &Tree, noun: Option<&str>, verb: &str) -> Option<(String, String)> {
    if let Some(id) = query.get("id").and_then(body::scalar) {
        return Some((filtered(id)?, "id".to_owned()));
    }
    let is_own = |name: &str| is_key(name, noun) || is_name(name, noun);
    let is_person = noun.is_some_and(|noun| PEOPLE.contains(&noun));
    let is_of_person = |name: &str| is_person && OF_PEOPLE.contains(&snake(name).as_str());
    let is_deleted = |name: &str| verb == "delete" && name == "name";
    let find = |is: &dyn Fn(&str) -> bool| {
        let (name, value) = query.node().members().iter().find(|(name, _)| is(name))?;
        Some((body::scalar(value)?, name.to_string()))
    };
    find(&is_own).or_else(|| {
        let (id, name) = find(&is_of_person).or_else(|| find(&is_deleted))?;
        Some((filtered(id)?, name))
    })
}

/// The id that a filter leaves, as PostgREST has them: `eq.5`; none if it leaves what nobody knows.
///
///   <https://docs.postgrest.org/en/stable/references/api/tables_views.html#operators>
fn filtered(id: String) -> Option<String> {
    let Some((operator, value)) = id.split_once('.') else { return Some(id) };
    let is_other = ["gt", "gte", "ilike", "is", "like", "lt", "lte", "neq", "not"];
    match operator {
        "eq" => Some(value.to_owned()),
        "in" if value.starts_with('(') => {
            let only = value.strip_prefix('(').and_then(|value| value.strip_suffix(')'));
            only.filter(|only| !only.is_empty() && !only.contains(',')).map(ToOwned::to_owned)
        }
        known if is_other.contains(&known) => None,
        _ => Some(id),
    }
}

/// Whether a member is called as the noun, or as its id or key.
pub(super) fn is_key(name: &str, noun: Option<&str>) -> bool {
    let Some(noun) = noun else { return false };
    let name = snake(name);
    let rest = name.strip_prefix(noun);
    rest.is_some_and(|rest| matches!(rest, "" | "_id" | "_key" | "_uid" | "_uuid"))
}

/// Whether a parameter is called as the name of the noun: `username`, and `login` for people.
pub(super) fn is_name(name: &str, noun: Option<&str>) -> bool {
    let Some(noun) = noun else { return false };
    let name = snake(name);
    let is_own = name.strip_prefix(noun).is_some_and(|rest| matches!(rest, "name" | "_name"));
    is_own || noun == "user" && name == "login"
}

/// Parameters with an id, or with several of them.
const IDS_IN: [&str; 5] = ["id", "id:in", "id__in", "id[in]", "id.in"];

/// What a bulk request names: `/users/1,2,3`, `?ids=1,2,3`, `{"ids": [1, 2, 3]}`; and what holds it.
fn several<'b>(
    node: &Node,
    verb: &str,
    request: &'b RequestRecord,
    body: Option<&'b Value<'b>>,
) -> (Many<'b>, Held) {
    if node.id.is_some() {
        let listed = node.listed.as_deref();
        return (listed.map(Many::of_ids).unwrap_or_default(), Held::Path);
    }
    if node.is_item {
        return (Many::default(), Held::Path);
    }
    let plural = plural_name(&node.noun);
    let is_invited = verb == "invite" || node.noun == "invitation" && verb == "create";
    let invited = body.filter(|_| is_invited).map(body::addresses).unwrap_or_default();
    if !invited.is_empty() {
        return (invited, Held::Body("$"));
    }
    // What is created with a name is one thing, and the items in it are its own.
    let is_one = |body: &&Value<'_>| {
        let has_items = body.get("items").is_some() || body::name(body, &node.noun).is_some();
        verb == "create" && body.as_array().is_none() && has_items
    };
    if let Some(body) = body.filter(|body| !is_one(body)) {
        let (within, root) = within(body, (&node.noun, verb), &plural);
        // What items of a batch are called says nothing of what is not known to be one.
        let is_untyped = node.at.is_none() && matches!(verb, "batch" | "bulk");
        let has_id = |listed: &Listed<'_>| listed.id.is_some();
        let within = Some(within).filter(|it| !is_untyped || it.targets.iter().all(has_id));
        let within = within.unwrap_or_default();
        if !within.is_empty() {
            return (within, Held::Body(root));
        }
        let is_batch = verb.starts_with("batch_") || verb.starts_with("bulk_");
        let others = match verb {
            _ if is_batch => body::batch(body, &plural),
            "create" | "upload" => body::files(body, &node.noun),
            "update" => body::keyed(body),
            _ => Many::default(),
        };
        if !others.is_empty() {
            return (others, Held::Body("$"));
        }
    }
    let Some(query) = &request.query else { return (Many::default(), Held::Query) };
    let queried = body::many(query.node(), &node.noun, &plural);
    if !queried.is_empty() {
        return (queried, Held::Query);
    }
    let listed = (node.noun == "member").then(|| {
        let members = query.node().members().iter();
        let mut named = members.filter(|(name, _)| body::MEMBERS.contains(&name.as_ref()));
        named.find_map(|(name, text)| Some(Many::of_names(name, text.as_str()?)))
    });
    if let Some(listed) = listed.flatten() {
        return (listed, Held::Query);
    }
    // `?q=!(1,2,3)`, a list as Superset has it, in Rison.
    let listed = query.get("q").filter(|_| verb == "delete").and_then(Value::as_str);
    let listed = listed.and_then(|list| list.strip_prefix("!(")?.strip_suffix(')'));
    if let Some(listed) = listed.map(Many::of_ids).filter(|listed| !listed.is_empty()) {
        return (listed, Held::Query);
    }
    let listed = IDS_IN.iter().find_map(|name| query.get(name));
    let queried = match listed {
        Some(Value::String(ids)) => {
            // `?id=in.(1,2,3)`
            let inner = ids.strip_prefix("in.(").and_then(|inner| inner.strip_suffix(')'));
            Many::of_ids(inner.unwrap_or(ids))
        }
        Some(ids @ Value::Array(_)) => body::many(ids, &node.noun, &plural),
        _ => Many::default(),
    };
    (queried, Held::Query)
}

/// What a body names, and below which place of it.
fn within<'b>(
    body: &'b Value<'b>,
    (noun, verb): (&str, &str),
    plural: &str,
) -> (Many<'b>, &'static str) {
    let many = body::many(body, noun, plural);
    // `{"data": [{"type": "comments", "id": "12"}]}`: those of a relationship, in JSON:API.
    let is_of_noun = |item: &Value<'_>| {
        let kind = item.get("type").and_then(Value::as_str);
        kind.is_some_and(|kind| singular(&snake(kind)) == noun)
    };
    let data = body.get("data").filter(|data| {
        data.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(is_of_noun))
    });
    // `{"data": {"members": "1,2"}}`, as Asana has it.
    let inner = body
        .get("data")
        .filter(|data| noun == "member" && body.members().len() == 1 && data.as_array().is_none());
    if let Some(inner) = inner {
        return (body::many(inner, noun, plural), "$.data");
    }
    let items = body.get("items").map(|items| (items, "$.items"));
    // What is selected of a list, as its form sends it.
    let selected = body.get("selected").filter(|_| verb != "create" && verb != "update");
    let selected = selected.map(|selected| (selected, "$.selected"));
    let action = body.get("bulk_action").map(|action| (action, "$.bulk_action"));
    let items = items.or(action).or(data.map(|data| (data, "$.data"))).or(selected);
    match items.filter(|_| many.is_empty()) {
        Some((items, root)) => (body::many(items, noun, plural), root),
        None if many.is_empty() => (body::formset(body), "$"),
        None => (many, "$"),
    }
}

/// Whether the name in a request is the one that its target gets.
pub(in crate::derive) fn sets_name(verb: &str) -> bool {
    let first = verb.split('_').next().unwrap_or_default();
    matches!(
        first,
        "create"
            | "update"
            | "register"
            | "rename"
            | "replace"
            | "upsert"
            | "upload"
            | "import"
            | "invite"
            | "provision"
            | "set"
    )
}

/// Whether targets have a name that the client gives them, beside the id that they have.
pub(in crate::derive) fn are_claimed(targets: &[Target]) -> bool {
    targets.iter().any(|target| target.id.is_some() && target.name.is_some())
}

/// The plural of a noun in the singular.
pub(in crate::derive) fn plural_name(noun: &str) -> String {
    if is_plural(noun) { noun.to_owned() } else { plural(noun) }
}
