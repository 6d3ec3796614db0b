//! The requests in a body and an address, in each of the ways in which servers read them.

use std::borrow::Cow;

use super::super::alike::in_any_case;
use super::super::body::Value;
use crate::decode::json;

/// The members of a request that servers read.
const MEMBERS: [&str; 4] = ["query", "variables", "operationName", "extensions"];

/// A request of a body, with its position in a batch, in one of the ways in which it can be read.
pub(super) type Request<'b, 'n> = (Option<usize>, Cow<'b, Value<'n>>);

/// The requests of a body, and each again as those read it who take names in any case; and what the
/// query asks beside a body, since servers differ in which of the two they take.
pub(super) fn requests<'b, 'n>(
    query: Option<&'b Value<'n>>,
    body: Option<&'b Value<'n>>,
) -> Vec<Request<'b, 'n>> {
    let all = body.or(query);
    let batch = all.and_then(Value::as_array);
    let one = all.filter(|_| batch.is_none()).map(|one| (None, one));
    let several = batch.into_iter().flatten().enumerate().map(|(at, one)| (Some(at), one));
    let mut requests = Vec::new();
    for (at, request) in one.into_iter().chain(several) {
        let others = in_any_case(request, &MEMBERS);
        // What has no query but under another name is read by those alone who know that name.
        if others.is_empty() || request.get("query").is_some() {
            requests.push((at, Cow::Borrowed(request)));
        }
        requests.extend(others.into_iter().map(|other| (at, Cow::Owned(other))));
    }
    if let Some(own) = variables_beside(query, body) {
        let others = body.into_iter().flat_map(Value::members);
        let others = others.filter(|(name, _)| name != "variables").cloned();
        let own = (Cow::Borrowed("variables"), own.clone());
        requests.push((None, Cow::Owned(Value::Object(others.chain([own]).collect()))));
    }
    let beside = query.filter(|query| body.is_some() && query.get("query").is_some());
    requests.extend(beside.map(|query| (None, Cow::Borrowed(query))));
    requests
}

/// The variables of an address, where they are not those of the request in its body.
pub(super) fn variables_beside<'b, 'n>(
    query: Option<&'b Value<'n>>,
    request: Option<&Value<'_>>,
) -> Option<&'b Value<'n>> {
    let own = query?.get("variables")?;
    let read = own.as_str().and_then(|text| json(text).ok());
    let is_some = !read.as_ref().unwrap_or(own).members().is_empty();
    let known = request?.get("variables");
    let known_read = known.and_then(Value::as_str).and_then(|text| json(text).ok());
    let is_same = known_read.as_ref().or(known) == Some(read.as_ref().unwrap_or(own));
    (is_some && !is_same).then_some(own)
}
