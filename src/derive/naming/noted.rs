//! What is noted of a request's name: where each part of it stands in the request.

use super::super::body::Many;
use super::super::call::Calls;
use super::super::trace::{By, Field, Origin, Trace};
use super::super::walk::{Node, Walked};

/// What holds several targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    /// The item of the path.
    Path,
    /// A parameter of the query.
    Query,
    /// The body, below this place.
    Body(&'static str),
}

/// Notes what a path says, whatever the body does.
pub(super) fn path(walked: &Walked, trace: &mut Trace) {
    if !trace.is_on() {
        return;
    }
    let template = By::Convention("the path, with ids replaced");
    let segments = walked.nodes.iter().flat_map(|node| &node.slots);
    let segments = segments.map(|slot| Origin::Segment(*slot)).collect();
    trace.note(Field::Route, || (template, segments));
    for node in walked.nodes.iter().filter(|node| !super::is_several(node)) {
        if let (Some(name), Some(_)) = (node.scope_name(), &node.id) {
            let by = By::Convention("an outer collection of the path, and its id");
            trace.note(Field::Scope(name.to_owned()), || (by, slots(node)));
        }
    }
}

/// Notes the action and the area; the verb may be `chosen` by the body.
pub(super) fn action(walked: &Walked, chosen: Option<&'static str>, trace: &mut Trace) {
    let noun = walked.nodes.last().and_then(|node| node.at);
    let noun = || noun.or(walked.verb_at).map(Origin::Segment);
    trace.note(Field::Action, || {
        let (by, verb) = match (walked.verb_at, chosen) {
            (Some(at), _) => {
                ("the last collection of the path, and the verb in it", Origin::Segment(at))
            }
            (None, Some(place)) => (
                "the last collection of the path, and what is chosen in a form",
                Origin::RequestBody(place.to_owned()),
            ),
            (None, None) => ("the last collection of the path, and the method", Origin::Method),
        };
        let parts = noun().into_iter().chain(walked.part_at.map(Origin::Segment)).chain([verb]);
        (By::Convention(by), parts.collect())
    });
    let by = By::Convention("the area of the action's noun");
    trace.note(Field::Category, || (by, noun().into_iter().collect()));
}

/// Notes the type of the target with this position.
pub(super) fn kind(node: &Node, position: usize, trace: &mut Trace) {
    let origin = || node.at.map(Origin::Segment).into_iter().collect();
    let by = match node.at {
        Some(_) => "the last collection of the path",
        None => "there is no collection in the path",
    };
    trace.note(Field::Kind(position), || (By::Convention(by), origin()));
}

/// The segments with the id of a node.
pub(super) fn slots(node: &Node) -> Vec<Origin> {
    node.slots.iter().map(|slot| Origin::Segment(*slot)).collect()
}

/// Notes several targets.
pub(super) fn many(node: &Node, many: &Many<'_>, held: Held, trace: &mut Trace) {
    if !trace.is_on() {
        return;
    }
    for (position, listed) in many.targets.iter().enumerate() {
        kind(node, position, trace);
        let (by, id, name) = match held {
            Held::Path => ("several items in the path", slots(node), slots(node)),
            Held::Query => {
                let parameter =
                    Origin::Query(listed.member.or(many.member).unwrap_or("id").to_owned());
                ("several ids in the query", vec![parameter.clone()], vec![parameter])
            }
            Held::Body(root) => {
                let (id, name) = many.places(root, listed);
                let by = "an item of the list that is sent";
                (by, vec![Origin::RequestBody(id)], vec![Origin::RequestBody(name)])
            }
        };
        if listed.id.is_some() {
            trace.note(Field::Id(position), || (By::Convention(by), id));
        }
        if listed.name.is_some() {
            trace.note(Field::Name(position), || (By::Convention(by), name));
        }
    }
}

/// Notes what one or several calls say.
pub(super) fn calls(calls: &Calls, origin: &Origin, trace: &mut Trace) {
    if !trace.is_on() {
        return;
    }
    let by = match (calls.graphql.is_some(), calls.kind, calls.acts.len()) {
        (true, _, 0 | 1) => "the GraphQL operation",
        (true, ..) => "the GraphQL operations",
        (false, super::super::operations::SOAP, _) => "the operation in the SOAP envelope",
        (false, "requests", _) => "the requests of the batch",
        (false, super::super::elastic::KIND, _) => "the lines of the body",
        (false, super::super::lists::KIND, _) => "the lists in the body",
        (false, super::super::atomic::KIND, _) => "the operations in the body",
        (false, _, 0 | 1) => "the method of the JSON-RPC call",
        _ => "the methods of the JSON-RPC calls",
    };
    let from = || vec![origin.clone()];
    for field in [Field::Action, Field::Category] {
        trace.note(field, || (By::Convention(by), from()));
    }
    let targets = calls.acts.iter().flat_map(|act| &act.targets);
    for (position, target) in targets.take(super::body::TARGETS_MAX).enumerate() {
        let fields = [
            (Field::Kind(position), true),
            (Field::Id(position), target.id.is_some()),
            (Field::Name(position), target.name.is_some()),
        ];
        for (field, _) in fields.into_iter().filter(|(_, is_there)| *is_there) {
            trace.note(field, || (By::Convention(by), from()));
        }
    }
}
