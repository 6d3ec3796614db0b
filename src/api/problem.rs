//! Answers that say no: problem details (RFC 9457), which name the parameter and the remedy.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::index::IndexError;
use crate::query::FilterError;
use crate::record::Archived;

/// What the problem types begin with (docs/reading.md lists them).
const TYPES: &str = "urn:countersign:problem:";
const MEDIA_TYPE: &str = "application/problem+json";
/// When to come back, if nothing better is known.
const SOON: Duration = Duration::from_secs(1);

/// Problem details.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Problem {
    /// What kind of problem: a URN that stays the same.
    #[serde(rename = "type", serialize_with = "urn")]
    #[schemars(with = "String")]
    kind: &'static str,
    /// The kind in words.
    title: &'static str,
    /// The status code.
    status: u16,
    /// What is wrong this time.
    detail: String,
    /// Which parameter is.
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<Box<str>>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
    #[serde(skip)]
    retry_after: Option<Duration>,
}

/// A problem, for those who show it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    pub(crate) detail: &'a str,
    pub(crate) parameter: Option<&'a str>,
    pub(crate) remedy: Option<&'a str>,
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            title,
            status: status.as_u16(),
            detail: detail.into(),
            parameter: None,
            remedy: None,
            retry_after: None,
        }
    }

    fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    fn later(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// What pages say of it.
    pub(crate) fn told(&self) -> Told<'_> {
        Told {
            status: StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST),
            title: self.title,
            detail: &self.detail,
            parameter: self.parameter.as_deref(),
            remedy: self.remedy.as_deref(),
        }
    }

    /// Nobody, or somebody whose token does not hold.
    pub(crate) fn unauthorized() -> Self {
        let detail = "the request has no token that is in force";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "Authentication is needed", detail)
            .remedy(
                "send `Authorization: Bearer TOKEN`; a token is made by `countersign tokens create`",
            )
    }

    /// Too many wrong tokens.
    pub(crate) fn throttled(wait: Duration) -> Self {
        let detail = "too many requests from this address had no token in force";
        let status = StatusCode::TOO_MANY_REQUESTS;
        Self::new(status, "too-many-failures", "Too many failures", detail)
            .remedy("send a token that is in force, or come back later")
            .later(wait)
    }

    /// The role does not allow it.
    pub(crate) fn forbidden() -> Self {
        let detail = "the role of this token does not allow it";
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
            .remedy("exports need a token of the role owner or admin")
    }

    /// Somebody who is known, and in no group that may read.
    pub(super) fn no_role() -> Self {
        let detail = "whoever you are, none of your groups has a role here";
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
            .remedy("ask an owner to give one of your groups a role")
    }

    /// Another site may have made the request.
    pub(super) fn cross_site() -> Self {
        let detail =
            "the request does not come from a page of this log, or from one that is too old";
        Self::new(StatusCode::FORBIDDEN, "cross-site", "Not from here", detail)
            .remedy("open the page again, and try once more")
    }

    /// A form lacks a field, or is none.
    pub(super) fn form(field: &str) -> Self {
        let detail = "the body is no form with the field that is needed";
        let status = StatusCode::BAD_REQUEST;
        let mut problem = Self::new(status, "invalid-form", "The form is not understood", detail);
        problem.parameter = Some(field.into());
        problem.remedy("send it as application/x-www-form-urlencoded, at most 16 KiB")
    }

    /// There is none, or none for this reader.
    pub(crate) fn no_event() -> Self {
        let detail = "no event of this id is on record, or it is not yours to see";
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail).remedy(
            "look for the event in the list; what happened a moment ago may not be in it yet",
        )
    }

    /// The same, with what else should be known.
    pub(super) fn but(mut self, notes: &[String]) -> Self {
        for note in notes {
            self.detail = format!("{}; {note}", self.detail);
        }
        self
    }

    /// There is none, and those of its time have left the log.
    pub(super) fn purged(when: &str, archive: Option<&Archived>) -> Self {
        let detail = format!(
            "no event of this id is on record, or it is not yours to see; events of its time were \
             purged by the retention policy on {when}"
        );
        let problem = Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail);
        match archive {
            Some(Archived { location, object, .. }) => problem.remedy(format!(
                "look for it in the archives, such as `{object}`: `countersign archive query --from \
                 {location} --id ID`"
            )),
            None => problem.remedy("ask an owner of the log whether it was archived"),
        }
    }

    /// No export can go on like this. Whatever the reason: nobody learns of others' exports.
    pub(super) fn no_export() -> Self {
        let detail =
            "no export of yours with this id had this format, these filters and these rights";
        let mut problem = Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail);
        problem.parameter = Some("resume".into());
        problem.remedy("begin a new export")
    }

    /// Only owners see all of the log.
    pub(super) fn not_owner() -> Self {
        let detail = "the role of this token does not allow it";
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
            .remedy("this needs a token of the role owner")
    }

    /// Only those who see every event may.
    pub(super) fn not_everything() -> Self {
        let detail = "where an event stands in the log tells how many others there are";
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
            .remedy("this needs a token that sees every scope, and for tiles the role owner")
    }

    /// Metrics, for somebody who sees a part.
    pub(super) fn of_operations() -> Self {
        let detail = "metrics are about all scopes";
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
            .remedy("this needs a token that sees every scope; on the machine itself it needs none")
    }

    /// No checkpoint covers it yet, or there are none.
    pub(super) fn not_sealed() -> Self {
        let detail = "no checkpoint covers this, or none are made here";
        Self::new(StatusCode::NOT_FOUND, "not-sealed", "Not sealed", detail)
            .remedy("ask again in a moment; checkpoints are made within a second, unless seal.enabled is false")
    }

    /// The ledger is not what was sealed: there is nothing to wait for.
    pub(super) fn not_as_sealed() -> Self {
        let detail = "this cannot be proven: the ledger is not what was sealed";
        Self::new(StatusCode::CONFLICT, "not-as-sealed", "Not as it was sealed", detail)
            .remedy("run `countersign verify`, which tells what was changed, and keep the files as they are")
    }

    /// The same, where it is known which parameter it is about.
    pub(super) fn about(mut self, parameter: &str) -> Self {
        self.parameter = Some(parameter.into());
        self
    }

    /// There is no checkpoint of this log, or of this size.
    pub(super) fn no_checkpoint(detail: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-sealed", "Not sealed", detail)
            .remedy("`/v1/admin/audit/checkpoint` has the newest checkpoint of each log")
    }

    /// There is nothing at this path.
    pub(crate) fn no_route() -> Self {
        let detail = "there is nothing at this path";
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
            .remedy("paths begin with /v1/admin/audit")
    }

    /// Not so: the field `Allow` says how.
    pub(crate) fn method() -> Self {
        let detail = "this path does not take this method: the log can only be read";
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self::new(status, "method-not-allowed", "Method not allowed", detail)
            .remedy("use one of the methods in the field `Allow`")
    }

    /// A parameter cannot be what it is.
    pub(crate) fn parameter(name: &str, detail: impl Into<String>, remedy: &str) -> Self {
        let status = StatusCode::BAD_REQUEST;
        let mut problem =
            Self::new(status, "invalid-parameter", "A parameter is not understood", detail);
        problem.parameter = (!name.is_empty()).then(|| name.into());
        problem.remedy(remedy)
    }

    /// The parameters as a whole.
    pub(crate) fn parameters(detail: &str, remedy: &str) -> Self {
        let status = StatusCode::BAD_REQUEST;
        Self::new(status, "invalid-parameter", "The parameters are not understood", detail)
            .remedy(remedy)
    }

    /// As many read as may at one time.
    pub(super) fn busy() -> Self {
        let detail = "as many questions are being answered as may at one time";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Busy", detail)
            .remedy("ask again in a moment")
            .later(SOON)
    }

    /// One reader has as many of what lasts as one may.
    pub(super) fn many(what: &str, most: usize) -> Self {
        let detail = format!(
            "{what} of this reader are under way already: {most}, as many as may at one time"
        );
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Busy", detail)
            .remedy("end one of them, or give others tokens of their own")
            .later(SOON)
    }

    /// The question was given up.
    pub(super) fn too_slow() -> Self {
        let detail = "the answer took longer than it may";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too-slow", "The answer took too long", detail)
            .remedy("narrow the time with `since` and `until`, or filter by more")
            .later(SOON)
    }

    /// Something that is read or written here fails; the log has the reason.
    pub(crate) fn unavailable(what: &'static str) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, "unavailable", "The log cannot be read at present", what)
            .remedy("ask again in a moment; the log of the process says more")
            .later(SOON)
    }

    /// What is left of an export is not what it was.
    pub(super) fn moved() -> Self {
        let detail = "events that were pending when the export began have ended since";
        Self::new(StatusCode::CONFLICT, "moved", "The export cannot go on", detail)
            .remedy("begin a new export")
    }

    /// What must be on record could not be recorded, and so is not done.
    pub(super) fn unrecorded() -> Self {
        let detail = "nothing was exported: that it is could not be recorded";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, "audit-unavailable", "The audit log cannot be written", detail)
            .remedy("ask again in a moment; /readyz says what is wrong")
            .later(SOON)
    }
}

fn urn<S: Serializer>(kind: &'static str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{TYPES}{kind}"))
}

impl From<FilterError> for Problem {
    fn from(error: FilterError) -> Self {
        Self::parameter(error.parameter(), error.to_string(), &error.remedy())
    }
}

impl From<IndexError> for Problem {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::GivenUp => Self::too_slow(),
            IndexError::Open(_)
            | IndexError::Damaged(_)
            | IndexError::Version
            | IndexError::Create(_) => {
                tracing::debug!(%error, "the search index cannot be opened to read");
                Self::unavailable("the search index is not there yet, or is being built again")
            }
            error => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "the search index cannot be read");
                Self::unavailable("the search index cannot be read")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        let wait = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(wait) = wait {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"countersign\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
