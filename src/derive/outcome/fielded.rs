//! Fields of a response that say how it ended, whatever its status and its body.

use super::super::body::Value;
use super::super::code::{code, word};
use super::super::grpc;
use crate::record::{Outcome, ResponseRecord};

/// The field by which AWS says that a function has failed, beside 200 and whatever the function returned.
///
///   <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_ResponseSyntax>
const FUNCTION_ERROR: &str = "x-amz-function-error";

/// What a field says that is no success, the reason, and the field.
pub(super) fn fielded(
    response: &ResponseRecord,
    says: Option<&Value<'_>>,
) -> Option<(Outcome, String, &'static str)> {
    if let Some((outcome, reason)) = grpc::ended(response, says) {
        return Some((outcome, reason.to_owned(), grpc::STATUS));
    }
    let told = response.headers.get(FUNCTION_ERROR)?;
    let own = says.and_then(|body| code(body, Some(response.status)));
    let own = own.or_else(|| word(told.as_str()?, None));
    let reason = own.unwrap_or_else(|| "function_error".to_owned());
    Some((Outcome::Failure, reason, FUNCTION_ERROR))
}
