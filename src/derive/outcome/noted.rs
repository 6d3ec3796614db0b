//! What is noted of an outcome: by which part of the response it is told.

use super::super::act::{Act, Answer, End};
use super::super::body::{self, Value};
use super::super::code::{code_at, field_code, json_path};
use super::super::redirect::location_field;
use super::super::trace::{By, Field, Origin, Trace};
use super::Came;
use crate::record::{Outcome, ResponseRecord, Target};

/// Another field of the event.
pub(super) fn event(name: &str) -> Origin {
    Origin::Event(name.to_owned())
}

/// The status tells it.
pub(super) fn status(trace: &mut Trace) {
    trace
        .note(Field::Outcome, || (By::Convention("the class of the status"), vec![Origin::Status]));
}

/// There is no response.
pub(super) fn broken(trace: &mut Trace) {
    for field in [Field::Outcome, Field::Reason] {
        let by = By::Convention("how the exchange broke off");
        trace.note(field, || (by, vec![Origin::NoResponse]));
    }
}

/// A redirection tells it.
pub(super) fn sent_away(response: &ResponseRecord, trace: &mut Trace) {
    for field in [Field::Outcome, Field::Reason] {
        let by = By::Convention("where a redirection leads to");
        let place = match location_field(response) {
            name if response.headers.get(name).is_some() => {
                Some(Origin::ResponseHeader(name.to_owned()))
            }
            // A member that a script follows, or no place at all.
            _ => (response.status < 300).then(|| Origin::ResponseBody("$".to_owned())),
        };
        let from = || [Some(Origin::Status), place.clone()].into_iter().flatten().collect();
        trace.note(field, || (by, from()));
    }
}

/// What the answer to somebody who signs in says.
pub(super) fn signing(came: Came<'_>, told: &str, trace: &mut Trace) {
    if (300..400).contains(&came.response.status) {
        return sent_away(came.response, trace);
    }
    within(came, "what the answer to a sign-in says", trace);
    reason(came, Some(told), trace);
}

/// The request asks for nothing to be done.
pub(super) fn dry_run(trace: &mut Trace) {
    for field in [Field::Outcome, Field::Reason] {
        let by = By::Convention("a dry run was asked for, of which the answer tells nothing");
        trace.note(field, || (by, vec![Origin::Status]));
    }
}

/// A field of the response tells it.
pub(super) fn field(name: &str, trace: &mut Trace) {
    for field in [Field::Outcome, Field::Reason] {
        let by = By::Convention("the status that a field gives");
        trace.note(field, || (by, vec![Origin::ResponseHeader(name.to_owned())]));
    }
}

/// A page in answer to a form, or to what did not ask for one, tells nothing.
pub(super) fn page(trace: &mut Trace) {
    for field in [Field::Outcome, Field::Reason] {
        let by = By::Convention("a page in answer to a form, or to what did not ask for one");
        let from = || vec![Origin::Status, Origin::ResponseHeader("content-type".to_owned())];
        trace.note(field, || (by, from()));
    }
}

/// What would tell it could not be read.
pub(super) fn unread(trace: &mut Trace) {
    for field in [Field::Outcome, Field::Reason] {
        let by =
            By::Convention("an answer that says by its body alone how it ended, and was not read");
        let from = || vec![Origin::Status, Origin::ResponseHeader("content-type".to_owned())];
        trace.note(field, || (by, from()));
    }
}

/// The body tells it, whatever the status.
pub(super) fn within(came: Came<'_>, by: &'static str, trace: &mut Trace) {
    trace.note(Field::Outcome, || {
        let place = came.says.map(|body| error_place(body).unwrap_or("$").to_owned());
        let from = [Some(Origin::Status), place.map(Origin::ResponseBody)];
        (By::Convention(by), from.into_iter().flatten().collect())
    });
}

/// Notes where an answer tells of each of several acts.
pub(super) fn acts((acts, ends): (&[Act], &[End]), came: Came<'_>, trace: &mut Trace) {
    if !trace.is_on() {
        return;
    }
    for (position, (act, end)) in acts.iter().zip(ends).enumerate() {
        let from = match came.says.or(came.body) {
            Some(_) => places(&act.answer, end.outcome),
            None => vec![Origin::Status],
        };
        let by = By::Convention("what the answer tells of it");
        let fields = [Some("outcome"), end.reason.as_ref().map(|_| "reason")];
        for name in fields.into_iter().flatten() {
            trace.note(Field::Act(position, name), || (by.clone(), from.clone()));
        }
    }
}

/// Where an answer tells of an act.
fn places(answer: &Answer, outcome: Outcome) -> Vec<Origin> {
    let path = match answer {
        Answer::Graphql(at, names) => {
            let root = at.map_or_else(|| "$".to_owned(), |at| format!("$[{at}]"));
            let data = Origin::ResponseBody(format!("{root}.data.{}", names.join(".")));
            let errors = Origin::ResponseBody(format!("{root}.errors"));
            let errors = Some(errors).filter(|_| outcome != Outcome::Success);
            return [Some(data), errors].into_iter().flatten().collect();
        }
        Answer::Rpc(Some(id)) => format!("$[?@.id == {id}]"),
        Answer::Rpc(None) | Answer::Xml => "$".to_owned(),
        Answer::Within(at) => format!("call {}", at.saturating_add(1)),
        Answer::Listed(name, at) => format!("$.{name}[{at}]"),
        Answer::Part(at, _) => format!("part {}", at.saturating_add(1)),
        Answer::Rest | Answer::Others(_) | Answer::More(_) => {
            "where it tells of no other".to_owned()
        }
    };
    vec![Origin::ResponseBody(path)]
}

/// Notes where the reason stands that an answer gives.
pub(super) fn reason(came: Came<'_>, reason: Option<&str>, trace: &mut Trace) {
    let Some(reason) = reason else {
        return trace.forget(|field| *field == Field::Reason);
    };
    trace.note(Field::Reason, || {
        let told = came.says.and_then(|body| {
            let codes = [Some(came.response.status), None];
            let mut codes = codes.into_iter().filter_map(|status| code_at(body, status));
            let (_, place) = codes.find(|(code, _)| code == reason)?;
            Some(json_path(body, place))
        });
        match (told, came.says) {
            (Some(place), _) => {
                (By::Convention("the response's own code"), vec![Origin::ResponseBody(place)])
            }
            (None, _)
                if let Some((_, name)) = field_code(came.response).filter(|it| it.0 == reason) =>
            {
                let from = vec![Origin::ResponseHeader(name.to_owned())];
                (By::Convention("the response's own code"), from)
            }
            (None, _) if reason == format!("http_{}", came.response.status) => {
                (By::Convention("the status"), vec![Origin::Status])
            }
            (None, Some(body)) => {
                let place = error_place(body).unwrap_or("$").to_owned();
                (By::Convention("what the body tells"), vec![Origin::ResponseBody(place)])
            }
            (None, None) => (By::Convention("the status"), vec![Origin::Status]),
        }
    });
}

/// Notes what a result tells of the target of a call.
pub(super) fn told(
    known: &[Target],
    told: Option<&[Target]>,
    body: Option<&Value<'_>>,
    trace: &mut Trace,
) {
    let (Some(told), true) = (told, trace.is_on()) else { return };
    for (position, target) in told.iter().enumerate() {
        let known = known.get(position);
        let is_new = |member: fn(&Target) -> Option<&String>| {
            member(target).is_some() && known.and_then(member) != member(target)
        };
        let fields = [
            (Field::Id(position), is_new(|target| target.id.as_ref())),
            (Field::Name(position), is_new(|target| target.name.as_ref())),
        ];
        for (field, _) in fields.into_iter().filter(|(_, is_new)| *is_new) {
            let by = By::Convention("what the result of the call shows");
            let value = match field {
                Field::Id(_) => &target.id,
                _ => &target.name,
            };
            trace.note(field, || (by, vec![shown(body, value.as_deref())]));
        }
    }
}

/// Where a response shows this.
fn shown(body: Option<&Value<'_>>, value: Option<&str>) -> Origin {
    let place = body.zip(value).and_then(|(body, value)| body::place_of(body, "$", value));
    Origin::ResponseBody(place.unwrap_or_else(|| "$".to_owned()))
}

/// Notes targets that are told by the whole of an answer; what was `known` before came from elsewhere.
pub(super) fn targets(
    targets: &[Target],
    known: &[Target],
    body: Option<&Value<'_>>,
    trace: &mut Trace,
) {
    if !trace.is_on() {
        return;
    }
    let kinds: Vec<_> = (0..targets.len())
        .map_while(|position| trace.of(&Field::Kind(position)).cloned())
        .collect();
    let is_same = |at: usize, member: fn(&Target) -> Option<&String>| {
        let before = known.get(at).and_then(member);
        before.is_some() && before == targets.get(at).and_then(member)
    };
    trace.forget(|field| match field {
        Field::Kind(_) => true,
        Field::Id(at) => !is_same(*at, |target| target.id.as_ref()),
        Field::Name(at) => !is_same(*at, |target| target.name.as_ref()),
        _ => false,
    });
    for (position, target) in targets.iter().enumerate() {
        let by = By::Convention("what the response tells of each");
        let told = || (by.clone(), vec![shown(None, None)]);
        let shows = |value: &Option<String>| (by.clone(), vec![shown(body, value.as_deref())]);
        let kind = kinds.get(position).or(kinds.first());
        let kind = kind.map(|kind| (kind.by.clone(), kind.from.clone()));
        trace.note(Field::Kind(position), || kind.unwrap_or_else(told));
        if target.id.is_some() && trace.of(&Field::Id(position)).is_none() {
            trace.note(Field::Id(position), || shows(&target.id));
        }
        if target.name.is_some() && trace.of(&Field::Name(position)).is_none() {
            trace.note(Field::Name(position), || shows(&target.name));
        }
    }
}

/// Where a response tells of an error.
fn error_place(body: &Value<'_>) -> Option<&'static str> {
    let is_some = |name: &str| match body.get(name) {
        None | Some(Value::Null) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    };
    match is_some("error") {
        true => Some("$.error"),
        false => is_some("errors").then_some("$.errors"),
    }
}
