//! Where a response sends to: by a redirection, or by a field or a member that a script of the page
//! follows.

use std::borrow::Cow;

use super::super::body::Value;
use super::super::signs::{Sent, squashed};
use crate::decode::json;
use crate::record::ResponseRecord;

/// Fields that a script of the page follows: of htmx, Remix and Next.
///
///   <https://htmx.org/headers/hx-redirect/>, <https://htmx.org/headers/hx-location/>
const FIELDS: [&str; 4] = ["hx-redirect", "hx-location", "x-remix-redirect", "x-action-redirect"];

/// Members with where to go, squashed.
const PLACES: [&str; 3] = ["redirect", "redirectto", "redirecturl"];

/// Components of an answer that are looked at.
const COMPONENTS_MAX: usize = 100;

/// Where a response sends to.
pub(in crate::derive) fn location(response: &ResponseRecord) -> Option<Cow<'_, str>> {
    let field = location_field(response);
    let text = response.headers.get(field).and_then(Value::as_str)?;
    match response.status {
        200..=299 if text.starts_with('{') => {
            Some(Cow::Owned(json(text).ok()?.get("path")?.as_str()?.to_owned()))
        }
        // Of Next, with how to go there behind it.
        200..=303 if field == "x-action-redirect" => text.split(';').next().map(Cow::Borrowed),
        200..=303 | 307 | 308 if response.status != 300 => Some(Cow::Borrowed(text)),
        _ => None,
    }
}

/// The field in which a response says where it sends to.
pub(in crate::derive) fn location_field(response: &ResponseRecord) -> &'static str {
    let is_there = |name: &&&str| response.headers.get(name).is_some();
    match response.status {
        200..=299 => FIELDS.iter().find(is_there).copied().unwrap_or("hx-location"),
        303 if !is_there(&&"location") => {
            FIELDS.iter().find(is_there).copied().unwrap_or("location")
        }
        _ => "location",
    }
}

/// Where the body of a successful response sends a script to: `{"redirect": "/login"}`,
/// `{"type": "redirect", "location": "/login"}` of SvelteKit, the effects of a component of Livewire,
/// and the partial response of Jakarta Faces. What has an id, or was sent, is a setting of a thing, and
/// where another host is named one may be sent on because it was done.
pub(super) fn place_in<'b>(body: &'b Value<'_>, sent: &Sent<'_>) -> Option<&'b str> {
    let named = |place: &'b Value<'_>| {
        let mut members = place.members().iter();
        members.find_map(|(name, value)| {
            let is_place = PLACES.contains(&squashed(name).as_str()) && !sent.echoes(name, value);
            value.as_str().filter(|_| is_place)
        })
    };
    let is_redirect = body.get("type").and_then(Value::as_str) == Some("redirect");
    let told = || body.get("location").filter(|_| is_redirect)?.as_str();
    let faces = || body.get("partial-response")?.get("redirect")?.get("@url")?.as_str();
    let components = || {
        let components = body.get("components").and_then(Value::as_array).unwrap_or_default();
        let mut components = components.iter().take(COMPONENTS_MAX);
        components.find_map(|component| named(component.get("effects")?))
    };
    let is_setting = body.get("id").is_some();
    let own = named(body).filter(|place| !is_setting && place.starts_with('/'));
    let place = own.or_else(told).or_else(faces).or_else(components);
    place.filter(|place| place.starts_with('/') || place.contains("://"))
}

/// Whether a body says besides that it went well.
pub(super) fn is_well(body: &Value<'_>) -> bool {
    let is_said = |name: &&str| body.get(name) == Some(&Value::Bool(true));
    ["ok", "success", "succeeded"].iter().any(is_said)
        || body
            .get("status")
            .and_then(Value::as_str)
            .is_some_and(|it| it == "success" || it == "ok")
}
