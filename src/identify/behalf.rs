//! For whom a request is sent, as the one who sends it says.

use std::borrow::Cow;

use super::text::bounded;
use crate::decode::Node;
use crate::record::{ActorKind, Claim, RequestRecord};
use crate::redact::Redacted;

/// Header fields that say so: of Kubernetes, GitLab, Discourse and Redmine.
///
///   <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation>
///   <https://docs.gitlab.com/api/rest/authentication/#sudo>
const FOR_WHOM: [&str; 4] = ["impersonate-user", "sudo", "api-username", "x-redmine-switch-user"];

/// The request is sent for somebody else, as a header field says.
const ON_BEHALF: &str = "actor_on_behalf";

/// For whom a request is sent, as a header field says that applications know. Whether the one who sends it
/// may do so only they decide, so that it is a claim, and never who acts. It is shown as the field is.
pub fn on_behalf(recorded: &Redacted<RequestRecord>) -> Redacted<Option<Claim>> {
    recorded.as_ref().map(|record| {
        let value = FOR_WHOM.iter().find_map(|name| record.headers.get(name))?;
        // Of one that is there twice nobody knows which counts.
        let value = match value {
            Node::Array(values) => {
                Cow::from(values.iter().filter_map(Node::as_str).collect::<Vec<_>>().join(", "))
            }
            value => Cow::from(value.as_str()?),
        };
        let (id, kind) = (Some(bounded(value.trim())?), ActorKind::User);
        let notes = vec![ON_BEHALF];
        Some(Claim { auth: None, credential: None, email: None, id, name: None, notes, kind })
    })
}
