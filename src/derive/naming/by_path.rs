//! The name of a request by its path, where no call names it.

use super::super::body::{self, Value};
use super::super::holders::{Holders, holders};
use super::super::nouns::{is_part, is_prefix, is_singleton, known_category};
use super::super::sentence::Sentence;
use super::super::text::bounded;
use super::super::trace::Trace;
use super::super::verbs::{canonical, compound, of_action};
use super::super::walk::{Node, Walked};
use super::super::words::snake;
use super::relation::{self, Related};
use super::signing::{granted, says_who_signs_in};
use super::targets::{are_claimed, plural_name, targets};
use super::{Naming, TOO_MANY, asking, contrary, membership, noted, ordered, patched, scope, upon};
use crate::record::{RequestRecord, Target};

/// The name by the path, and by what is sent there.
pub(super) fn named_by_path(
    mut walked: Walked,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
    method: &str,
    trace: &mut Trace,
) -> Naming {
    let method = contrary::take(&mut walked, method, body);
    let ordered = ordered::take(&mut walked, method, body);
    let (method, said) = relation::said(&mut walked, method);
    membership::of_members(&mut walked, method, request, body);
    said_otherwise(&mut walked, body);
    let chosen = chosen_verb(body);
    let sent = chosen.as_ref().filter(|_| walked.verb.is_none()).map(|(_, place)| *place);
    let asked = asking::asked(&walked, method, body);
    let scope = scope(&walked.nodes);
    let group = membership::group(&walked, request, body);
    let (related, method) = relation::related(&mut walked, (method, said), request, body);
    let is_list = is_list_replaced(&walked, method, body);
    if let Some(list) = walked.nodes.pop_if(|_| is_list) {
        (walked.part, walked.part_at) = (Some(list.noun), list.at);
        walked.verb = Some("replace".to_owned());
    }
    noted::action(&walked, sent, trace);
    ordered::note(ordered, trace);
    let node = walked.nodes.pop().unwrap_or_else(|| Node::named("resource"));
    let node = if is_whole(&walked, &node, request) { Node::named("system") } else { node };
    let node = upon::thing(node, &walked, body);
    let has_item = node.is_item || walked.part.is_some() || is_singleton(&node.noun);
    let is_item = is_about_one(&walked, &node, method);
    let joined = related.as_ref().map(|related| related.verb.to_owned());
    let chosen = joined.or(chosen.map(|(verb, _)| verb));
    let verb = walked.verb.take().or(chosen);
    let verb = verb.unwrap_or_else(|| verb_of(&walked, &node, body, method, has_item));
    let (noun, category) = noun_and_area(&walked, &node);
    let meant = if related.is_some() { IS_THERE } else { verb.as_str() };
    let (targets, count) = targets(&node, walked.part.is_some(), meant, (request, body), trace);
    let (noun, category, targets) = match (&group, &related) {
        (Some(_), _) => membership::members(targets, request, body, trace),
        (None, Some(related)) => match related.noun(&node.noun) {
            Some((noun, category)) => (noun, category, targets),
            None => membership::joining(targets, body, trace),
        },
        (None, None) => (noun, category, targets),
    };
    let is_session = noun == "session" && verb == "create";
    let signs = walked.signs || is_session && says_who_signs_in(&walked, &targets, body);
    let spoken = spoken(&verb, signs, group.is_some(), related.as_ref());
    let holders = holders_of(&walked, group, related, ((&noun, &targets), &verb), body);
    let (targets, holders) = granted((&noun, &walked), targets, holders, body, trace);
    let spoken = holders.come_to(&verb).unwrap_or(spoken);
    let is_open = body.is_some_and(selects_all);
    let count = Some(count).filter(|count| *count > targets.len());
    let is_cut = count.is_some() || is_open;
    let is_whole = node.is_collection() && walked.part.is_none() && verb == "delete";
    let mut sentence = Sentence {
        verb: spoken,
        outer: outer_of(&walked.nodes),
        part: walked.part.map(|part| if is_list { plural_name(&part) } else { part }),
        is_claimed: are_claimed(&targets),
        is_whole,
        is_open,
        count,
        scope: scope.clone(),
        ..Sentence::default()
    };
    holders.tell(&mut sentence);
    let naming = Naming {
        action: format!("{noun}.{}", of_action(&verb)),
        category,
        targets,
        scope,
        route: Some(walked.route),
        sentence,
        is_item,
        notes: if is_cut { vec![TOO_MANY] } else { Vec::new() },
        ..Naming::default()
    };
    match asked {
        Some(asked) => asked.named(naming, trace),
        None => naming,
    }
}

/// What is done to who comes or goes, and is there already.
const IS_THERE: &str = "refer";

/// So many things are told to which a target belongs.
const OUTER_MAX: usize = 4;

/// Verbs that are done to the whole of an application, if nothing says to what.
const OF_WHOLE: [&str; 8] =
    ["quiet_down", "reboot", "reload", "restart", "safe_restart", "seal", "shutdown", "unseal"];

/// Whether nothing but such a verb is sent: `POST /restart`.
fn is_whole(walked: &Walked, node: &Node, request: &RequestRecord) -> bool {
    let is_verb = walked.verb.as_deref().is_some_and(|verb| OF_WHOLE.contains(&verb));
    let is_alone = walked.nodes.is_empty() && node.noun == "resource" && node.at.is_none();
    let is_empty = request.query.is_none() && request.size.is_none_or(|size| size == 0);
    // A key is sent with it.
    let is_empty = is_empty || walked.verb.as_deref() == Some("unseal");
    is_verb && is_alone && !node.is_item && is_empty
}

/// Whether the path leads to one item, or to what there is one of: `PUT /settings`, `PATCH /me`.
fn is_about_one(walked: &Walked, node: &Node, method: &str) -> bool {
    let is_alone = !node.is_item && !node.is_collection() && matches!(method, "PUT" | "PATCH");
    let is_alone = is_alone || is_singleton(&node.noun);
    let has_state = |part: &String| is_singleton(part) && part != "password";
    let is_whole = walked.part.is_none() && (node.is_item || is_alone);
    walked.verb.is_none()
        && walked.verb_at.is_none()
        && (is_whole || walked.part.as_ref().is_some_and(has_state))
}

/// How the verb is told, where somebody signs in or out, is a member, or is put somewhere.
fn spoken(verb: &str, signs: bool, is_member: bool, related: Option<&Related>) -> String {
    match (signs, verb) {
        (true, "create") => "sign_in".to_owned(),
        (true, "delete") => "sign_out".to_owned(),
        _ if related.is_some() => related.map(Related::spoken).unwrap_or_default(),
        (_, "create") if is_member => "add".to_owned(),
        (_, "delete") if is_member => "remove".to_owned(),
        _ => verb.to_owned(),
    }
}

/// Takes what a body says of the verb.
fn said_otherwise(walked: &mut Walked, body: Option<&Value<'_>>) {
    saved_as_new(walked, body);
    of_versions(walked, body);
    unmade(walked, body);
}

/// `make-admin` with `{"status": false}` makes nobody an admin.
fn unmade(walked: &mut Walked, body: Option<&Value<'_>>) {
    let Some(what) = walked.verb.as_deref().and_then(|verb| verb.strip_prefix("make_")) else {
        return;
    };
    let mut values = body.into_iter().flat_map(Value::members);
    if values.any(|(_, value)| matches!(value, Value::Bool(false))) {
        walked.verb = Some(format!("set_{what}"));
    }
}

/// Whether all of what an item has is replaced by the list that is sent, so that none of the list is
/// meant: `PUT /things/5/roles`.
fn is_list_replaced(walked: &Walked, method: &str, body: Option<&Value<'_>>) -> bool {
    let [.., outer, list] = walked.nodes.as_slice() else { return false };
    let is_bare = walked.verb.is_none() && walked.part.is_none();
    let is_list = outer.is_item && list.is_collection() && is_bare;
    // `{"members": [1, 2]}`
    let is_sent = |body: &Value<'_>| match body.members() {
        [(name, own)] => own.as_array().is_some() && relation::is_id_of(name, &list.noun),
        _ => body.as_array().is_some(),
    };
    method == "PUT" && is_list && body.is_some_and(is_sent)
}

/// The noun of the action, and its area.
fn noun_and_area(walked: &Walked, node: &Node) -> (String, String) {
    let noun = match &walked.part {
        Some(part) if part.starts_with(&format!("{}_", node.noun)) => part.clone(),
        Some(part) => format!("{}_{part}", node.noun),
        None => node.noun.clone(),
    };
    let area = walked.part.as_deref().and_then(known_category);
    let area = area.or_else(|| known_category(&node.noun));
    (noun, area.map_or_else(|| node.noun.clone(), str::to_owned))
}

/// To what the targets belong: the group that somebody comes into, the item before them in the path, and
/// whose they are by what is sent.
fn holders_of(
    walked: &Walked,
    group: Option<Target>,
    related: Option<Related>,
    (named, verb): ((&str, &[Target]), &str),
    body: Option<&Value<'_>>,
) -> Holders {
    // `POST /permissions/membership {"group_id": 2, "user_id": 5}`: what it ties, is sent.
    let is_part = walked.part.as_deref().is_some_and(|part| part != "membership");
    let is_known = group.is_some() || related.is_some() || is_part || walked.signs;
    let mut owners: Vec<Target> = group.into_iter().collect();
    owners.extend(related.into_iter().flat_map(|related| related.owners));
    if owners.is_empty() {
        owners = owners_of(&walked.nodes);
    }
    let sent = body.filter(|_| !is_known).map(|body| holders(named, verb, body, false));
    let mut sent = sent.unwrap_or_default().without(named.1);
    sent.outer.extend(patched::members(named.0, body));
    let Some(kind) = owners.first().map(|owner| owner.kind.clone()) else { return sent };
    // Whoever the body names beside the one of the path is claimed.
    let others = sent.owners.into_iter().chain(sent.outer).filter(|other| other.kind != kind);
    Holders { owners, outer: others.collect() }
}

/// The items to which the target belongs, if they are no scope: behind them may stand what there is one of,
/// `/users/7/mfa/totp`, `/endpoints/2/docker/containers/5`.
fn owners_of(outer: &[Node]) -> Vec<Target> {
    let is_hidden = |node: &&Node| node.is_item && node.id.is_none();
    let is_people = |node: &&Node| known_category(&node.noun) == Some("member");
    let is_item = |node: &&Node| node.id.is_some() || is_hidden(node);
    // What stands before the prefix of an API is where it is.
    let is_one = |node: &Node| !node.is_collection() && !is_prefix(&node.noun);
    let outer = match outer.last().filter(is_item) {
        None => {
            let at = outer.iter().rposition(|node| is_item(&node));
            let is_within = |at: &usize| outer.iter().skip(at + 1).all(is_one);
            at.and_then(|at| outer.get(at).filter(|node| is_people(node) || is_within(&at)))
        }
        last => last,
    };
    let Some(outer) = outer.filter(|outer| outer.scope_name().is_none()) else { return Vec::new() };
    let owner = |id| Target { kind: outer.noun.clone(), id: Some(id), name: None };
    let listed = outer.listed.as_deref().map(body::Many::of_ids).unwrap_or_default();
    let ids = listed.targets.into_iter().filter_map(|listed| listed.id);
    let several: Vec<Target> = ids.map(owner).collect();
    match several.is_empty() {
        true => outer.id.clone().map(owner).into_iter().collect(),
        false => several,
    }
}

/// To whom the owner belongs: `/users/7/devices/5/tokens`.
fn outer_of(nodes: &[Node]) -> Vec<Target> {
    let is_people =
        |node: &&Node| known_category(&node.noun) == Some("member") || node.noun == "client";
    let outer = nodes.iter().rev().skip(1).filter(is_people);
    outer.flat_map(|node| owners_of(std::slice::from_ref(node))).take(OUTER_MAX).collect()
}

/// The verb, where neither the path nor the body says one.
fn verb_of(
    walked: &Walked,
    node: &Node,
    body: Option<&Value<'_>>,
    method: &str,
    has_item: bool,
) -> String {
    if walked.is_unclear || walked.is_submitted && !has_item {
        return "submit".to_owned();
    }
    let is_part_known = walked.part.as_deref().is_none_or(is_part);
    let is_saved = walked.saves && body.is_some_and(|body| has_own_id(body, &node.noun));
    method_verb(method, has_item && is_part_known && !walked.creates || is_saved)
}

/// Whether what is sent under the name of the noun has an id already: it is saved again.
fn has_own_id(body: &Value<'_>, noun: &str) -> bool {
    body.get(noun).and_then(|own| body::scalar(own.get("id")?)).is_some()
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

/// Whether a form of Django's admin selects all rows of a list, of which it has but those of one page.
fn selects_all(body: &Value<'_>) -> bool {
    let all = body.get("select_across").and_then(body::scalar);
    all.as_deref() == Some("1") && body.get("_selected_action").is_some()
}

/// Takes the item of a form of Django's admin for what is new, if it is saved as that: it is not
/// changed itself.
fn saved_as_new(walked: &mut Walked, body: Option<&Value<'_>>) {
    let is_saved = body.is_some_and(|body| body.get("_saveasnew").is_some());
    let is_changed = walked.verb.as_deref() == Some("update") && walked.part.is_none();
    if let Some(node) = walked.nodes.last_mut().filter(|_| is_saved && is_changed) {
        (node.id, node.is_item) = (None, false);
        walked.verb = Some("create".to_owned());
    }
}

/// Takes some versions of an item for what is deleted or comes back, if nothing else is sent:
/// `POST /secret/destroy/app {"versions": [1, 2]}`.
fn of_versions(walked: &mut Walked, body: Option<&Value<'_>>) {
    let is_sent = body.is_some_and(|body| match body.members() {
        [(name, versions)] => name == "versions" && versions.as_array().is_some(),
        _ => false,
    });
    let is_said = matches!(walked.verb.as_deref(), Some("delete" | "undelete"));
    let has_item = walked.nodes.last().is_some_and(|node| node.is_item);
    if is_sent && is_said && has_item && walked.part.is_none() {
        walked.part = Some("versions".to_owned());
    }
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
