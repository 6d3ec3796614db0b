//! An answer as rules about rejections see it.

use http::HeaderMap;

use crate::capture::{Request, Response};
use crate::decode::{Content, Decoded, Node, Number, percent_decode_lossy};
use crate::route::{Call, is_model};

/// What a request was answered.
pub struct Answer<'a> {
    pub(super) path: &'a str,
    pub(super) status: u16,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: Option<&'a Node<'a>>,
}

impl Answer<'_> {
    /// Reads the answer to a request for this path, and gives it to whoever wants to know something.
    /// An error in a list of one is that error; one in a stream that has begun well has the status
    /// that it names itself.
    pub fn read<T>(path: &str, response: &Response, look: impl FnOnce(&Answer<'_>) -> T) -> T {
        let content = Content::of(&response.headers, &response.body);
        let Decoded { node, .. } = content.read();
        let body = match node.as_ref() {
            Some(Node::Array(items)) => items.first(),
            body => body,
        };
        let status = if response.status < 400 {
            body.and_then(own_status).unwrap_or(response.status)
        } else {
            response.status
        };
        look(&Answer { path, status, headers: &response.headers, body })
    }
}

/// The status that an error names.
fn own_status(body: &Node<'_>) -> Option<u16> {
    let error = body.get("error").unwrap_or(body);
    let code = match error.get("code").or_else(|| error.get("status_code"))? {
        Node::Number(Number::Integer(code)) => u16::try_from(*code).ok()?,
        Node::String(code) => code.parse().ok()?,
        _ => return None,
    };
    (400..600).contains(&code).then_some(code)
}

/// The model that a path names, if it is one by which a call goes to it:
/// `/models/{model}:generateContent`, `/deployments/{model}/…`, `/model/{model}/converse`.
fn model_of_path(path: &str) -> Option<String> {
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_verb = match segment {
            "models" | "tunedModels" => true,
            "deployments" | "engines" | "model" => false,
            _ => continue,
        };
        let model = percent_decode_lossy(segments.next()?);
        let named = model.rsplit_once(':').filter(|(_, verb)| {
            let is_last = segments.clone().all(str::is_empty);
            is_verb && is_last && verb.starts_with(|c: char| c.is_ascii_lowercase())
        });
        return match (named, is_verb) {
            (Some((model, _)), _) => Some(model.to_owned()),
            // What lists models, or makes one of them known, is no call.
            (None, true) => None,
            (None, false) => segments.peek().is_some().then(|| model.into_owned()),
        };
    }
    None
}

/// The model that a request asks for, as sent. Where the path names one, the call goes to that,
/// whatever the body says.
pub fn model(request: &Request) -> Option<String> {
    match model_of_path(request.path()) {
        Some(model) => Some(model).filter(|model| is_model(model)),
        None => Call::of(request).model().map(ToOwned::to_owned),
    }
}
