//! Faults and errors in XML.

use super::super::body::Value;
use super::is_none;
use crate::record::ResponseRecord;

/// Whether XML tells of a fault: SOAP's, XML-RPC's, and errors as AWS has them.
pub(in crate::derive) fn is_fault(body: &Value<'_>, response: &ResponseRecord) -> bool {
    if !response.content_type.as_deref().is_some_and(|kind| kind.contains("xml")) {
        return false;
    }
    let [(name, root)] = body.members() else { return false };
    match local(name).to_ascii_lowercase().as_str() {
        "envelope" => child(root, "body").is_some_and(|body| child(body, "fault").is_some()),
        "methodresponse" => child(root, "fault").is_some(),
        "errorresponse" | "exceptionreport" | "serviceexceptionreport" => true,
        // As NETCONF has it (RFC 6241, section 4.3), whose warnings stop nothing.
        "rpc-reply" => root.members().iter().any(|(name, told)| {
            let told = told.as_array().unwrap_or_else(|| std::slice::from_ref(told));
            let is_warning = |told: &Value<'_>| {
                let severity = child(told, "error-severity").and_then(Value::as_str);
                severity.is_some_and(|it| it.trim() == "warning")
            };
            local(name) == "rpc-error" && !told.iter().all(is_warning)
        }),
        // `<error>0</error>` is none.
        "error" => !root.as_str().is_some_and(|text| !text.is_empty() && is_none(text)),
        _ => {
            let errors = child(root, "errors");
            errors.is_some_and(|errors| {
                !errors.members().is_empty() || errors.as_array().is_some_and(|all| !all.is_empty())
            })
        }
    }
}

fn local(name: &str) -> &str {
    name.rsplit([':', '}']).next().unwrap_or(name)
}

fn child<'b, 'n>(node: &'b Value<'n>, name: &str) -> Option<&'b Value<'n>> {
    let mut members = node.members().iter();
    members.find(|(own, _)| local(own).eq_ignore_ascii_case(name)).map(|(_, node)| node)
}
