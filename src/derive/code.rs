//! The upstream's own error codes, as common APIs give them.

use super::body::{Value, scalar, step};
use crate::decode::Number;
use crate::record::ResponseRecord;

/// Longer error codes are no codes.
pub(super) const CODE_BYTES_MAX: usize = 64;

/// Codes that say that somebody may not, letters and digits alone.
const REFUSALS: [&str; 22] = [
    "accessdenied",
    "accessdeniedexception",
    "accesserror",
    "authenticationrequired",
    "authfailureunauthorizedoperation",
    "forbidden",
    "insufficientpermissions",
    "insufficientscope",
    "invalidauth",
    "missingscope",
    "nopermission",
    "notauthed",
    "notauthenticated",
    "notauthorized",
    "notpermitted",
    "permissiondenied",
    "permissionerror",
    "sessionexpired",
    "sessionexpiredexception",
    "unauthenticated",
    "unauthorized",
    "unauthorizedoperation",
];

/// Codes of JSON-RPC 2.0, section 5.1.
const RPC_CODES: [(i64, &str); 5] = [
    (-32700, "parse_error"),
    (-32600, "invalid_request"),
    (-32601, "method_not_found"),
    (-32602, "invalid_params"),
    (-32603, "internal_error"),
];

/// Where error codes stand, the best place first.
///
/// `error.code` and its like are everybody's; `error.status` and `error.details[].reason` are
/// Google's, `errors[].extensions.code` GraphQL's, `type` of RFC 9457, `__type` and `Error.Code` of
/// AWS, `reason` of Kubernetes and CouchDB.
const PLACES: [&[&str]; 64] = [
    &["error", "code"],
    &["error", "type"],
    &["error", "details", "reason"],
    &["error", "status"],
    &["error", "reason"],
    &["error", "name"],
    &["error", "data", "code"],
    &["error", "data", "reason"],
    &["error", "data", "type"],
    &["error", "data", "name"],
    &["error", "json", "data", "code"],
    &["error", "errors", "code"],
    &["extensions", "code"],
    &["code"],
    &["error"],
    &["error_code"],
    &["error_type"],
    &["errorType"],
    &["errorCode"],
    &["errors", "extensions", "code"],
    &["errors", "code"],
    &["errors", "errorCode"],
    &["errors", "statusCode"],
    &["errors", "reason"],
    &["errors", "type"],
    &["responseResult", "slug"],
    &["userErrors", "code"],
    &["__type"],
    &["Error", "Code"],
    &["ErrorResponse", "Error", "Code"],
    &["Response", "Errors", "Error", "Code"],
    &["Response", "Error", "Code"],
    &["result", "error", "code"],
    &["result", "error"],
    &["data", "error", "code"],
    &["fault", "code"],
    &["Envelope", "Body", "Fault", "Detail", "Error", "Code"],
    &["Envelope", "Body", "Fault", "Code", "Subcode", "Subcode", "Value"],
    &["Envelope", "Body", "Fault", "Code", "Subcode", "Value"],
    &["Envelope", "Body", "Fault", "Code", "Value"],
    &["Envelope", "Body", "Fault", "faultcode"],
    &["ErrorCode"],
    &["err"],
    &["retcode"],
    &["ret_code"],
    &["Code"],
    &["type"],
    &["reason"],
    &["scimType"],
    &["errcode"],
    &["errorcode"],
    &["err_code"],
    &["errors"],
    &["ret"],
    &["returnCode"],
    &["status", "error", "error_code"],
    &["status", "error", "code"],
    &["status", "code"],
    &["properties", "error", "code"],
    &["ResponseStatus", "ErrorCode"],
    &["responseStatus", "errorCode"],
    &["ResponseCode"],
    &["messagecode"],
    &["odata.error", "code"],
];

/// The names under which a code stands.
pub(super) type Place = &'static [&'static str];

/// Where the name of an error stands.
const NAME: Place = &["name"];

/// The code of an error; of a list of errors the first one's. `status` is that of the response.
pub(super) fn code(body: &Value<'_>, status: Option<u16>) -> Option<String> {
    code_at(body, status).map(|(code, _)| code)
}

/// The same, and where it stands.
pub(super) fn code_at(body: &Value<'_>, status: Option<u16>) -> Option<(String, Place)> {
    let at = |place: &[&str]| {
        place.iter().try_fold(first(body), |value, name| Some(first(value.get(name)?)))
    };
    // The type of a message is that of no error in it.
    let has = |name: &str| first(body).get(name).is_some();
    // And what has an id and an error has a type of its own.
    let is_message = ["data", "result", "tid"].into_iter().any(has) || has("id") && has("error");
    let of_word = |place: &Place| {
        if is_message && *place == ["type"] {
            return None;
        }
        let text = at(place)?.as_str()?;
        let word = match place.first() {
            Some(&"Envelope") => fault_word(text)?,
            _ => word(text, status)?,
        };
        Some((word, *place))
    };
    let words = PLACES.iter().find_map(of_word);
    let named = || {
        let named = name_of_error(first(body), status).map(|name| (name, NAME));
        named.or_else(|| of_message(body, status))
    };
    words.or_else(named).or_else(|| {
        PLACES.iter().filter(|place| place.last() != Some(&"status")).find_map(|place| {
            let code = match at(place)? {
                Value::Number(Number::Integer(number)) => numbered(*number, status, place)?,
                Value::String(text) => in_digits(text, status, place)?,
                _ => return None,
            };
            Some((code, *place))
        })
    })
}

/// The name of an error of which the status tells already, beside a sentence: what looks like a code or
/// a type is one (`INSUFFICIENT_FUNDS`, `ValidationError`), and another may be a thing's.
fn name_of_error(body: &Value<'_>, status: Option<u16>) -> Option<String> {
    status.filter(|status| *status >= 400)?;
    body.get("message").and_then(Value::as_str)?;
    let text = body.get("name")?.as_str()?;
    let is_loud =
        text.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_');
    let is_type = text.ends_with("Error") || text.ends_with("Exception");
    word(text, status).filter(|_| is_loud || is_type)
}

/// Where the kind of an error stands beside a sentence, of which the status tells already.
const OF_MESSAGES: [Place; 2] = [&["kind"], &["status"]];

/// The kind of an error beside a sentence (`{"kind": "InvalidArgument"}`, `{"status": "version-mismatch"}`),
/// or the code before it (`["ERROR_GLPI_ADD", "…"]`).
fn of_message(body: &Value<'_>, status: Option<u16>) -> Option<(String, Place)> {
    status.filter(|status| *status >= 400)?;
    if let Some([Value::String(code), Value::String(_)]) = body.as_array() {
        let is_loud = |it: u8| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_';
        let is_code = code.contains('_') && code.bytes().all(is_loud);
        return word(code, status).filter(|_| is_code).map(|code| (code, &[][..]));
    }
    body.get("message").and_then(Value::as_str)?;
    OF_MESSAGES.into_iter().find_map(|place| {
        let text = place.iter().find_map(|name| body.get(name)?.as_str())?;
        // Of several words: `Status` is what the answer is, and `error` says nothing.
        let humps = text.bytes().filter(u8::is_ascii_uppercase).count();
        let is_camel = humps > 1 && text.bytes().any(|it| it.is_ascii_lowercase());
        let is_joined = text.contains('-') && text.bytes().all(|it| !it.is_ascii_uppercase());
        Some((word(text, status).filter(|_| is_camel || is_joined)?, place))
    })
}

/// Fields with the code of an error: those of AWS, with an address behind it, and of Azure.
///
///   <https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization>
///   <https://learn.microsoft.com/en-us/rest/api/storageservices/status-and-error-codes2>
const FIELDS: [&str; 2] = ["x-amzn-errortype", "x-ms-error-code"];

/// The code of an error in a field of the response, and the field.
pub(super) fn field_code(response: &ResponseRecord) -> Option<(String, &'static str)> {
    FIELDS.iter().find_map(|name| {
        let text = response.headers.get(name)?.as_str()?;
        Some((word(text.split(':').next()?, Some(response.status))?, *name))
    })
}

/// The code of a fault of SOAP, without its namespace, if it says more than whose fault it is.
fn fault_word(text: &str) -> Option<String> {
    let text = text.trim();
    let own = text.rsplit_once(':').map_or(text, |(_, own)| own);
    let says = !["Client", "Receiver", "Sender", "Server"].contains(&own);
    word(own, None).filter(|_| says)
}

/// A place of a code as a JSONPath.
pub(super) fn json_path(body: &Value<'_>, place: Place) -> String {
    let mut path = "$".to_owned();
    let mut value = Some(body);
    for name in std::iter::once(None).chain(place.iter().map(Some)) {
        if let Some(name) = name {
            path.push_str(&step(name));
            value = value.and_then(|value| value.get(name));
        }
        if let Some(items) = value.and_then(Value::as_array) {
            path.push_str("[0]");
            value = items.first();
        }
    }
    path
}

/// The code of a JSON-RPC error.
pub(super) fn rpc_code(error: &Value<'_>) -> Option<String> {
    let Value::Number(Number::Integer(number)) = error.get("code")? else { return None };
    let known = RPC_CODES.iter().find(|(code, _)| code == number);
    Some(known.map_or_else(|| format!("error_{number}"), |(_, name)| (*name).to_owned()))
}

/// The code of a fault of XML-RPC, and of errors in its form.
pub(super) fn fault_code(fault: &Value<'_>) -> Option<String> {
    let code = fault.get("faultCode").or_else(|| fault.get("code"))?;
    match code.as_str().map(str::trim).or_else(|| code.get("#text")?.as_str()) {
        Some(text) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(format!("error_{}", text.get(..CODE_BYTES_MAX).unwrap_or(text)))
        }
        Some(text) => word(text, None),
        None => scalar(code).map(|number| format!("error_{number}")),
    }
}

/// Whether an error of JSON-RPC says that somebody may not, by a status or in words, where its number
/// is the software's own.
pub(super) fn is_rpc_refusal(error: &Value<'_>) -> bool {
    let status = error.get("code").and_then(status_in);
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    // `Permission denied: user.delete`
    let first = message.split(['.', ':', ',', ';']).next().unwrap_or_default();
    matches!(status, Some(401 | 403)) || is_refusal(first)
}

fn first<'b, 'n>(value: &'b Value<'n>) -> &'b Value<'n> {
    value.as_array().and_then(<[_]>::first).unwrap_or(value)
}

/// A code in a text: one word, of an address (RFC 9457) or a qualified name its last part.
pub(super) fn word(text: &str, status: Option<u16>) -> Option<String> {
    let text = text.trim();
    let text =
        match text.contains("://") || text.starts_with(['/', '#']) || text.starts_with("urn:") {
            true => text.trim_end_matches('/').rsplit(['/', '#', ':']).next().unwrap_or_default(),
            false => text.rsplit('#').next().unwrap_or_default(),
        };
    let is_code = text.len() <= CODE_BYTES_MAX
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    // `about:blank` says nothing, and so does a status in words, or what is nothing in Python.
    let says = is_code
        && status.is_none_or(|status| !text.eq_ignore_ascii_case(&format!("http_{status}")));
    (says && !["error", "fail", "failure", "Error", "None", "true", "Status"].contains(&text))
        .then(|| text.to_owned())
}

/// The code that a text of digits is where codes stand, as PostgreSQL's: `23505`.
fn in_digits(text: &str, status: Option<u16>, place: Place) -> Option<String> {
    let text = text.trim();
    let is_place = place.last().is_some_and(|name| name.to_ascii_lowercase().ends_with("code"));
    let is_code = (4..10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| is_place && is_code)?;
    numbered(number, status, place).map(|_| format!("error_{text}"))
}

/// A number that is not the status once more.
fn numbered(number: i64, status: Option<u16>, place: Place) -> Option<String> {
    // No error has the status of a success.
    let first = if place == ["error", "code"] { 400 } else { 100 };
    let is_status =
        (first..600).contains(&number) || status.is_some_and(|it| i64::from(it) == number);
    if let Some((_, name)) = RPC_CODES.iter().find(|(code, _)| *code == number) {
        return Some((*name).to_owned());
    }
    (!is_status && number != 0).then(|| format!("error_{number}"))
}

/// Whether a code says that somebody may not.
pub(super) fn is_refusal(code: &str) -> bool {
    // Of an exception with its package the name.
    let code = code.rsplit('.').next().unwrap_or(code);
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    let plain = plain.to_ascii_lowercase();
    let bare = plain.strip_suffix("error").unwrap_or(&plain);
    let bare = bare.strip_prefix("error").unwrap_or(bare);
    REFUSALS.contains(&plain.as_str()) || REFUSALS.contains(&bare)
}

/// A status code, as a number or a text: `404`, `404 Not Found`, `HTTP/1.1 404 Not Found`.
pub(super) fn status_in(value: &Value<'_>) -> Option<u16> {
    let status = match value {
        Value::Number(Number::Integer(number)) => u16::try_from(*number).ok()?,
        Value::String(text) => {
            let mut words = text.split_ascii_whitespace();
            let first = words.next()?;
            let code = if first.starts_with("HTTP/") { words.next()? } else { first };
            code.parse().ok().filter(|_| code.len() == 3)?
        }
        _ => return None,
    };
    (100..600).contains(&status).then_some(status)
}
