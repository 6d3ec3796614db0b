//! Where a rule says that the state of what a request is about is to be read.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::time::Duration;

use super::Facts;
use super::template::Template;
use crate::derive::changes::Unseen;
use crate::derive::naming::Naming;
use crate::derive::path::split;
use crate::record::{Actor, RequestRecord, ResponseRecord};
use crate::redact::JsonPath;
use crate::route::percent_decode;

/// How the state of what a request is about is read.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotRule {
    /// Path and query, for a GET.
    pub get: Template,
    /// Where the state stands in the answer; the whole of it if not given.
    pub at: Option<JsonPath>,
    /// What of the state is not compared.
    pub ignore: Vec<JsonPath>,
    /// How long each reading may take; as the configuration says if not given.
    pub timeout: Option<Duration>,
}

/// Where a state is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whereabouts {
    /// Nobody says.
    Unsaid,
    /// There: path and query.
    At(String),
    /// Only the response tells.
    WithResponse,
    /// The rule takes it from a value that is not there, that is redacted, or that could lead
    /// elsewhere.
    Untold,
    /// It is not read, for this reason.
    Unseen(Unseen),
    /// The path may be read in several ways, so that nobody can say which thing is meant.
    Ambiguous,
}

impl Naming {
    /// The rule's word on how the state is read.
    pub fn snapshot(&self) -> Option<&SnapshotRule> {
        self.matched.as_ref()?.rule.snapshot.as_ref()
    }

    /// Where the rule has the state read, by the request alone or with its response.
    pub fn whereabouts(
        &self,
        request: &RequestRecord,
        actor: &Actor,
        response: Option<&ResponseRecord>,
    ) -> Whereabouts {
        let (Some(matched), Some(snapshot)) = (&self.matched, self.snapshot()) else {
            return Whereabouts::Unsaid;
        };
        if !matched.as_sent || !is_plain(&request.path) {
            return Whereabouts::Ambiguous;
        }
        let body = response.and_then(|response| response.body.as_ref()).map(|body| body.tree());
        let known = response.map(|response| (response, body));
        let facts: Facts<'_> = self.facts(matched, request, actor, known);
        match snapshot.get.render_target(&facts) {
            Some(target) => Whereabouts::At(target),
            None if response.is_none() && snapshot.get.needs_response() => {
                Whereabouts::WithResponse
            }
            None => Whereabouts::Untold,
        }
    }

    /// Whether a GET of the same path shows the one thing that the request is about, by convention:
    /// it sets or removes an item.
    pub fn is_about_item(&self, request: &RequestRecord) -> bool {
        self.sets_item() && self.unseen_item(request).is_none()
    }

    /// Why the one thing that a request is about is not read by convention, though it sets or removes
    /// it; `None` if it is read, or if there is none.
    pub fn unseen_item(&self, request: &RequestRecord) -> Option<Unseen> {
        match request.method == self.method {
            _ if !self.sets_item() => None,
            false => Some(Unseen::Override),
            // It may say which thing is meant, and what is done with it.
            true => request.query.is_some().then_some(Unseen::NoPath),
        }
    }

    /// Whether it sets or removes an item, by the method that counts.
    fn sets_item(&self) -> bool {
        let reads = self.matched.as_ref().is_some_and(|matched| matched.rule.read);
        let sets = matches!(self.method.as_str(), "PUT" | "PATCH" | "DELETE");
        sets && self.is_item && !self.is_call && !reads
    }
}

/// Whether the rule saw the segments of a path as they were sent: nothing was resolved, cut off,
/// trimmed or left out.
fn is_plain(path: &str) -> bool {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    let sent = inner.split('/').map(|segment| percent_decode(segment.as_bytes()));
    let read = split(path).map(|(_, text)| text);
    !path.contains([';', '\\']) && sent.eq(read.map(|text| Cow::from(text.into_bytes())))
}
