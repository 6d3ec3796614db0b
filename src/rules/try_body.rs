//! Bodies as examples: what a rule makes of them, as it would be recorded.

use std::path::Path;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use serde_saphyr::Spanned;

use super::check::Checked;
use super::examples::{Example, Expected, Says};
use super::one_or_other::{BodyFile, ExampleFile};
use crate::capture::{Body, Release, Request, Response};
use crate::record::{BodyRecord, Receipt};
use crate::redact::{Detail, Engine, Seen, Sides};

/// What a body is if nothing is said.
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A body, and what must come of it.
#[derive(Debug, Clone)]
pub(super) struct BodyExample {
    pub(super) text: String,
    media_type: HeaderValue,
    gone: Vec<String>,
    stays: Vec<String>,
}

impl Checked {
    /// The examples of one kind.
    pub(super) fn examples(
        &mut self,
        file: &Path,
        expected: Expected,
        written: &[Spanned<ExampleFile>],
    ) -> Vec<Example> {
        let mut examples = Vec::with_capacity(written.len());
        for example in written {
            let says = match &example.value {
                ExampleFile::Text(text) => Some(Says::Text(text.clone())),
                ExampleFile::Body(body) => self.body(file, &expected, example, body),
            };
            let (line, column) = (example.referenced.line(), example.referenced.column());
            examples.extend(says.map(|says| Example { says, line, column }));
        }
        examples
    }

    fn body(
        &mut self,
        file: &Path,
        expected: &Expected,
        place: &Spanned<ExampleFile>,
        written: &BodyFile,
    ) -> Option<Says> {
        if *expected == Expected::Miss && !(written.gone.is_empty() && written.stays.is_empty()) {
            let message = "`gone` and `stays` under `miss`, where all of a body stays".to_owned();
            self.at(file, place, message, "remove them, or move the example to `hit`");
        }
        let media_type = match written.media_type.as_deref().map(HeaderValue::from_str) {
            None => JSON,
            Some(Ok(media_type)) => media_type,
            Some(Err(_)) => {
                let message = "the `type` of an example cannot be sent".to_owned();
                self.at(file, place, message, "write a media type, such as `text/event-stream`");
                return None;
            }
        };
        let text = match &written.body {
            Value::String(text) => text.clone(),
            body => body.to_string(),
        };
        let (gone, stays) = (written.gone.clone(), written.stays.clone());
        Some(Says::Body(BodyExample { text, media_type, gone, stays }))
    }
}

/// How a body would be recorded.
struct Recorded {
    body: Option<String>,
    receipts: Vec<Receipt>,
    notes: Vec<String>,
}

impl BodyExample {
    /// A body that is an object of one member.
    pub(super) fn member(name: &str) -> Self {
        let text = json!({ name: "a value" }).to_string();
        Self { text, media_type: JSON, gone: Vec::new(), stays: Vec::new() }
    }

    /// What is recorded of it, in the first half where that is not as it should be; `None` if it is
    /// as expected in each half where the rule holds.
    pub(super) fn unmet(
        &self,
        engine: &Engine,
        sides: Sides,
        expected: &Expected,
    ) -> Option<String> {
        let mut recorded = self.recorded(engine, sides);
        recorded.find(|recorded| !self.is_met(recorded, expected)).map(Recorded::shown)
    }

    /// What is recorded of it where something that should be gone is not, or nothing is.
    pub(super) fn still_there(&self, engine: &Engine, sides: Sides) -> Option<String> {
        let is_gone = |recorded: &Recorded| {
            let body = recorded.body.as_deref().unwrap_or_default();
            !recorded.receipts.is_empty()
                && !self.gone.iter().any(|text| body.contains(in_json(text).as_str()))
        };
        self.recorded(engine, sides).find(|recorded| !is_gone(recorded)).map(Recorded::shown)
    }

    /// What is recorded of it in each half where the rule holds.
    fn recorded(&self, engine: &Engine, sides: Sides) -> impl Iterator<Item = Recorded> {
        let request = (sides != Sides::Response).then(|| self.request(engine));
        let response = (sides != Sides::Request).then(|| self.response(engine));
        request.into_iter().chain(response)
    }

    fn is_met(&self, recorded: &Recorded, expected: &Expected) -> bool {
        let Some(body) = &recorded.body else { return false };
        let has = |text: &String| body.contains(in_json(text).as_str());
        match expected {
            Expected::Miss | Expected::Event(_) => recorded.receipts.is_empty(),
            Expected::Hit => {
                !recorded.receipts.is_empty()
                    && !self.gone.iter().any(has)
                    && self.stays.iter().all(has)
            }
        }
    }

    fn headers(&self) -> HeaderMap {
        HeaderMap::from_iter([(CONTENT_TYPE, self.media_type.clone())])
    }

    fn request(&self, engine: &Engine) -> Recorded {
        let request = Request {
            method: "POST".to_owned(),
            path_and_query: "/".to_owned(),
            host: String::new(),
            version: "1.1",
            headers: self.headers(),
            body: Body::whole(self.text.clone().into_bytes()),
            peer: None,
            peer_trusted: false,
        };
        let record = engine.request(&request, Detail::WithBody, &mut Seen::default()).into_inner();
        Recorded::of(record.body, record.receipts, record.notes)
    }

    fn response(&self, engine: &Engine) -> Recorded {
        let response = Response {
            status: 200,
            headers: self.headers(),
            body: Body::whole(self.text.clone().into_bytes()),
            release: Release::Held,
        };
        let record =
            engine.response(&response, Detail::WithBody, &mut Seen::default()).into_inner();
        Recorded::of(record.body, record.receipts, record.notes)
    }
}

impl Recorded {
    fn of(body: Option<BodyRecord>, receipts: Vec<Receipt>, notes: Vec<String>) -> Self {
        Self { body: body.map(|body| body.text().to_owned()), receipts, notes }
    }

    fn shown(self) -> String {
        self.body.unwrap_or_else(|| format!("(no body: {})", self.notes.join(", ")))
    }
}

/// The text as it stands in JSON, without quotes.
fn in_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(&quoted).to_owned()
}
