//! Deliveries of other applications: `POST /webhooks/github` with `X-GitHub-Event`. A webhook receives
//! them, and is not changed by them.
//!
//! The fields are the sender's. They count only at a webhook, and neither where what is sent says where a
//! webhook leads, as its settings do, nor beside credentials of somebody who may change it.

use super::super::body::Value;
use super::super::trace::Trace;
use super::super::walk::{Node, Walked};
use super::super::words::{snake, spoken};
use super::{Known, Naming, named_by_path};
use crate::record::RequestRecord;

/// Fields of those who deliver: what happened, or by what they show that it is from them.
const FIELDS: [&str; 24] = [
    "linear-signature",
    "paypal-transmission-sig",
    "sentry-hook-resource",
    "sentry-hook-signature",
    "stripe-signature",
    "svix-signature",
    "webhook-signature",
    "x-event-key",
    "x-gitea-event",
    "x-github-event",
    "x-gitlab-event",
    "x-gogs-event",
    "x-hook-signature",
    "x-hub-signature",
    "x-hub-signature-256",
    "x-line-signature",
    "x-pagerduty-signature",
    "x-shopify-hmac-sha256",
    "x-shopify-topic",
    "x-slack-signature",
    "x-square-hmacsha256-signature",
    "x-twilio-signature",
    "x-wc-webhook-signature",
    "x-webhook-signature",
];

/// Members of what a webhook is set to.
const SETTINGS: [&str; 12] = [
    "active",
    "callback_url",
    "config",
    "enabled",
    "endpoint",
    "endpoint_url",
    "is_active",
    "secret",
    "subscriptions",
    "target_url",
    "url",
    "webhook",
];

/// Fields with credentials, which webhooks are called without.
const CREDENTIALS: [&str; 4] = ["api-key", "authorization", "cookie", "x-api-key"];

/// Names a request by its path, or as what it delivers.
pub(super) fn named(
    mut walked: Walked,
    (request, body): (&RequestRecord, Option<&Value<'_>>),
    method: &str,
    known: Known<'_>,
    trace: &mut Trace,
) -> Naming {
    let is_delivery = !known.is_somebodys && take(&mut walked, method, request, body);
    let mut naming = named_by_path(walked, request, body, method, trace);
    naming.is_delivery = is_delivery;
    let target = naming.targets.first().filter(|_| is_delivery);
    let told = target.map(|target| format!("delivery to {}", spoken(&target.kind)));
    naming.sentence.kind = told.or(naming.sentence.kind);
    naming
}

/// Takes what is delivered to a webhook for received by it, and says whether it was.
fn take(
    walked: &mut Walked,
    method: &str,
    request: &RequestRecord,
    body: Option<&Value<'_>>,
) -> bool {
    let is_webhook = |node: &Node| matches!(node.noun.rsplit('_').next(), Some("hook" | "webhook"));
    let is_open = method == "POST" && walked.verb.is_none() && walked.part.is_none();
    let Some(at) = walked.nodes.iter().position(is_webhook).filter(|_| is_open) else {
        return false;
    };
    // `/webhooks/incoming/github`: what follows says whose it is.
    let is_whose = |node: &Node| node.id.is_none() && !node.is_collection();
    let has = |field: &&str| request.headers.get(field).is_some();
    let is_delivered = walked.nodes.iter().skip(at + 1).all(is_whose)
        && FIELDS.iter().any(has)
        && !CREDENTIALS.iter().any(has);
    let mut members = body.into_iter().flat_map(Value::members);
    if !is_delivered || members.any(|(name, value)| is_setting(&snake(name), value)) {
        return false;
    }
    walked.nodes.truncate(at + 1);
    walked.verb = Some("receive".to_owned());
    true
}

/// Whether a member says to what a webhook is set. What happened is told as objects, and what a webhook is
/// to be told by name.
fn is_setting(name: &str, value: &Value<'_>) -> bool {
    let are_names = || {
        let items = value.as_array().unwrap_or_default();
        !items.is_empty() && items.iter().all(|item| item.as_str().is_some())
    };
    SETTINGS.contains(&name) || name == "events" && are_names()
}
