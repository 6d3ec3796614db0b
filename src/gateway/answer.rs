//! An answer as rules about rejections see it.

use http::HeaderMap;

use super::limit::{Limit, limit_within};
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

    /// What its error says of a limit. Raw, but amounts and words alone.
    pub fn limit(&self) -> Limit {
        limit_within(self.body)
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

/// A model that is asked for, as sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// The segment of the path with it, empty ones not counted; none if the body names it.
    pub segment: Option<usize>,
}

/// The model that a path names, if it is one by which a call goes to it
/// (`/models/{model}:generateContent`, `/deployments/{model}/…`, `/model/{model}/converse`), and its segment.
fn model_of_path(path: &str) -> Option<(String, usize)> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty()).enumerate();
    let (at, segment) = segments.find(|(_, segment)| {
        const BEFORE: [&str; 6] =
            ["deployments", "engines", "model", "models", "serving-endpoints", "tunedModels"];
        BEFORE.contains(segment)
    })?;
    let model = percent_decode_lossy(segments.next()?.1);
    let is_last = segments.next().is_none();
    let model = match segment {
        // What lists models, or tells of one, is no call.
        "models" | "tunedModels" => {
            let is_verb = |verb: &str| verb.starts_with(|c: char| c.is_ascii_lowercase());
            let (model, _) = model.rsplit_once(':').filter(|(_, verb)| is_last && is_verb(verb))?;
            model.to_owned()
        }
        _ => Some(model.into_owned()).filter(|_| !is_last)?,
    };
    Some((model, at + 1))
}

/// The model that a request asks for. Where the path names one, the call goes to that, whatever the
/// body says.
pub fn model(request: &Request) -> Option<Model> {
    let (name, segment) = match model_of_path(request.path()) {
        // What stands where nothing should is told by nobody alike.
        Some(_) if request.path().contains("//") => return None,
        Some((name, segment)) => (name, Some(segment)),
        None => (Call::of(request).model()?.to_owned(), None),
    };
    is_model(&name).then_some(Model { name, segment })
}
