//! An event as an API Activity of the Open Cybersecurity Schema Framework.
//!
//! Version 1.3.0 of the schema, as published at <https://schema.ocsf.io/1.3.0/classes/api_activity>
//! (source: github.com/ocsf/ocsf-schema, tag 1.3.0). What has no place there stays under `unmapped`, in
//! the shape of the event, so that nothing is lost. A value that an attribute cannot hold (a method
//! that is not in its list, an address that is none, a text that is too long) stays there as well.

use std::net::IpAddr;

use serde_json::{Map, Value, json};

use crate::query::{Summary, SummaryTarget};

/// The version of the schema.
const VERSION: &str = "1.3.0";
/// Application Activity.
const CATEGORY: u32 = 6;
/// API Activity.
const CLASS: u32 = 6003;
/// Bytes of a `string_t`.
const TEXT_MAX: usize = 65_535;
/// The values of `http_request.http_method`.
const METHODS: [&str; 8] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE"];
/// Any other value: its caption is the source's own word.
const OTHER: u32 = 99;

/// The activity. What it takes from the event is not under `unmapped`.
pub(super) fn activity(summary: &Summary, event: Value) -> Value {
    let mut event = Source(event);
    let (activity_id, activity) = kind_of(summary.action.as_deref());
    let (severity_id, severity) = severity(summary.severity.as_deref());
    let (status_id, status) = status(&summary.outcome);
    let mut out = json!({
        "activity_id": activity_id,
        "activity_name": activity,
        "category_uid": CATEGORY,
        "category_name": "Application Activity",
        "class_uid": CLASS,
        "class_name": "API Activity",
        "type_uid": CLASS * 100 + activity_id,
        "type_name": format!("API Activity: {activity}"),
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "metadata": metadata(summary, &mut event),
        "actor": {"user": user(summary, &mut event)},
        "src_endpoint": source(&mut event),
    });
    let Value::Object(members) = &mut out else { return out };
    let time = milliseconds(&summary.time);
    put(members, "time", time);
    put(members, "start_time", time);
    let ended = event.take(&["completed_at"]);
    put(members, "end_time", ended.as_ref().and_then(Value::as_str).and_then(milliseconds));
    put(members, "duration", event.take(&["duration_ms"]));
    put(members, "message", event.text(&["description"]));
    put(members, "status_detail", event.text(&["reason"]));
    put(members, "status_code", summary.status.map(|status| status.to_string()));
    let service = event.text(&["observer", "upstream"]);
    put(members, "dst_endpoint", service.as_ref().map(|name| json!({"svc_name": name})));
    put(members, "http_request", http_request(&mut event));
    put(members, "api", Some(api(summary, service, &mut event)));
    put(members, "resources", resources(summary, &mut event));
    // These are said above, in other words. That something was denied is not.
    let is_said = |name: &&str| *name != "outcome" || summary.outcome != "denied";
    for name in ["id", "time", "severity", "outcome"].iter().filter(|name| is_said(name)) {
        event.take(&[name]);
    }
    put(members, "unmapped", event.rest());
    out
}

/// What is created, read, updated or deleted is said in the schema's words; other verbs are their own.
fn kind_of(action: Option<&str>) -> (u32, &str) {
    let verb = action.map(|action| action.rsplit_once('.').map_or(action, |(_, verb)| verb));
    match verb {
        None => (0, "Unknown"),
        Some("create") => (1, "Create"),
        Some("read" | "get" | "list" | "search" | "export" | "query") => (2, "Read"),
        Some("update") => (3, "Update"),
        Some("delete") => (4, "Delete"),
        Some(other) => (OTHER, other),
    }
}

fn severity(severity: Option<&str>) -> (u32, &str) {
    match severity {
        None => (0, "Unknown"),
        Some("info") => (1, "Informational"),
        Some("warn") => (2, "Low"),
        Some("fail") => (3, "Medium"),
        Some(other) => (OTHER, other),
    }
}

fn status(outcome: &str) -> (u32, &str) {
    match outcome {
        "unknown" => (0, "Unknown"),
        "success" => (1, "Success"),
        "failure" | "denied" => (2, "Failure"),
        other => (OTHER, other),
    }
}

fn metadata(summary: &Summary, event: &mut Source) -> Value {
    let uid = match summary.act.map(|act| act.number) {
        Some(act) => format!("{}.{act}", summary.id),
        None => summary.id.clone(),
    };
    let mut metadata = json!({
        "version": VERSION,
        "product": {
            "name": "countersign",
            "vendor_name": "countersign",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "log_name": "audit",
        "uid": uid,
        "original_time": summary.time,
    });
    if let Value::Object(members) = &mut metadata {
        put(members, "event_code", event.text(&["action"]));
        put(members, "log_provider", event.text(&["writer"]));
        put(members, "correlation_uid", event.text(&["request_id"]));
    }
    metadata
}

fn user(summary: &Summary, event: &mut Source) -> Value {
    let kind = event.text(&["actor", "type"]).unwrap_or_else(|| "unknown".to_owned());
    let (id, name) = match kind.as_str() {
        "user" => (1, "User"),
        "system" => (3, "System"),
        other => (OTHER, other),
    };
    let mut user = Map::new();
    user.insert("type_id".to_owned(), id.into());
    user.insert("type".to_owned(), name.into());
    put(&mut user, "uid", event.text(&["actor", "id"]));
    if summary.actor.email.as_deref().is_some_and(is_address) {
        put(&mut user, "email_addr", event.text(&["actor", "email"]));
    }
    put(&mut user, "credential_uid", event.text(&["actor", "credential"]));
    let known = event.text(&["actor", "name"]);
    // There must be a name or an id: an address is the next best, and a kind is all that is left.
    let named = known.or_else(|| match user.contains_key("uid") {
        true => None,
        false => Some(summary.actor.email.clone().unwrap_or_else(|| kind.clone())),
    });
    put(&mut user, "name", named);
    user.into()
}

/// As the schema's pattern of addresses has it.
fn is_address(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    text.rsplit_once('@').is_some_and(|(local, domain)| {
        let local = !local.is_empty()
            && local
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b));
        local
            && domain.split_once('.').is_some_and(|(first, rest)| {
                let rest_is_plain = rest.bytes().all(|byte| plain(byte) || byte == b'.');
                !first.is_empty() && first.bytes().all(plain) && !rest.is_empty() && rest_is_plain
            })
    })
}

/// Where it came from: something must be said.
fn source(event: &mut Source) -> Value {
    let ip = event.peek(&["source", "ip"]).and_then(Value::as_str);
    match ip.and_then(|ip| ip.parse::<IpAddr>().ok()) {
        Some(ip) => {
            event.take(&["source", "ip"]);
            json!({"ip": ip.to_string()})
        }
        None => json!({"name": "unknown"}),
    }
}

fn http_request(event: &mut Source) -> Option<Value> {
    let mut http = Map::new();
    let method = event.peek(&["request", "method"]).and_then(Value::as_str);
    if method.is_some_and(|method| METHODS.contains(&method)) {
        put(&mut http, "http_method", event.take(&["request", "method"]));
    }
    put(&mut http, "url", event.text(&["request", "path"]).map(|path| json!({"path": path})));
    put(&mut http, "user_agent", event.text(&["source", "user_agent"]));
    put(&mut http, "length", event.number(&["request", "size"]));
    if let Some(Value::Object(headers)) = event.take(&["request", "headers"]) {
        let mut listed = Vec::new();
        let mut rest = Map::new();
        for (name, value) in headers {
            match listed_values(&name, &value) {
                Some(values) => listed.extend(values),
                None => drop(rest.insert(name, value)),
            }
        }
        put(&mut http, "http_headers", (!listed.is_empty()).then_some(listed));
        event.put_back(&["request", "headers"], rest);
    }
    (!http.is_empty()).then(|| http.into())
}

/// A field for each value, if all of them are texts.
fn listed_values(name: &str, value: &Value) -> Option<Vec<Value>> {
    let texts = match value {
        Value::Array(values) => values.iter().map(Value::as_str).collect::<Option<Vec<_>>>()?,
        value => vec![value.as_str()?],
    };
    let fits = texts.iter().all(|text| text.len() <= TEXT_MAX);
    fits.then(|| texts.into_iter().map(|text| json!({"name": name, "value": text})).collect())
}

fn api(summary: &Summary, service: Option<String>, event: &mut Source) -> Value {
    let operation = summary.action.clone().or_else(|| summary.request.method.clone());
    let mut request = Map::new();
    let uid = summary.request_id.as_ref().unwrap_or(&summary.id);
    request.insert("uid".to_owned(), uid.as_str().into());
    put(&mut request, "data", event.take(&["request", "body"]));
    let mut response = Map::new();
    put(&mut response, "code", event.number(&["response", "status"]));
    put(&mut response, "data", event.take(&["response", "body"]));
    let mut api = Map::new();
    let unknown = || "unknown".to_owned();
    api.insert("operation".to_owned(), operation.unwrap_or_else(unknown).into());
    api.insert("request".to_owned(), request.into());
    put(&mut api, "response", (!response.is_empty()).then_some(response));
    put(&mut api, "service", service.map(|name| json!({"name": name})));
    api.into()
}

/// Targets that have an id or a name; the others stay what they are.
fn resources(summary: &Summary, event: &mut Source) -> Option<Vec<Value>> {
    let is_named = |target: &SummaryTarget| !(target.id.is_empty() && target.name.is_empty());
    let fits = |target: &SummaryTarget| target.id.len().max(target.name.len()) <= TEXT_MAX;
    if !summary.targets.iter().all(|target| is_named(target) && fits(target)) {
        return None;
    }
    event.take(&["targets"]);
    let resource = |target: &SummaryTarget| {
        let mut resource = Map::new();
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        put(&mut resource, "type", text(&target.kind));
        put(&mut resource, "uid", text(&target.id));
        put(&mut resource, "name", text(&target.name));
        Value::Object(resource)
    };
    let resources: Vec<Value> = summary.targets.iter().map(resource).collect();
    (!resources.is_empty()).then_some(resources)
}

fn milliseconds(time: &str) -> Option<i64> {
    chrono::DateTime::parse_from_rfc3339(time).ok().map(|time| time.timestamp_millis())
}

fn put(members: &mut Map<String, Value>, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        members.insert(name.to_owned(), value.into());
    }
}

/// An event of which parts are taken.
struct Source(Value);

impl Source {
    fn peek(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(&self.0, |value, name| value.get(name))
    }

    fn take(&mut self, path: &[&str]) -> Option<Value> {
        let (last, parents) = path.split_last()?;
        let parent = parents.iter().try_fold(&mut self.0, |value, name| value.get_mut(name))?;
        parent.as_object_mut()?.remove(*last)
    }

    /// A text that an attribute can hold.
    fn text(&mut self, path: &[&str]) -> Option<String> {
        let fits = self.peek(path)?.as_str().is_some_and(|text| text.len() <= TEXT_MAX);
        match fits.then(|| self.take(path))? {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    fn number(&mut self, path: &[&str]) -> Option<Value> {
        let is_small = self.peek(path)?.as_u64().is_some_and(|number| number <= i32::MAX as u64);
        if is_small { self.take(path) } else { None }
    }

    fn put_back(&mut self, path: &[&str], members: Map<String, Value>) {
        let Some((last, parents)) = path.split_last().filter(|_| !members.is_empty()) else {
            return;
        };
        let parent = parents.iter().try_fold(&mut self.0, |value, name| value.get_mut(name));
        if let Some(Value::Object(parent)) = parent {
            parent.insert((*last).to_owned(), members.into());
        }
    }

    /// What was not taken, without what says nothing.
    fn rest(self) -> Option<Value> {
        let Value::Object(mut members) = self.0 else { return None };
        members.retain(|_, value| match value {
            Value::Null => false,
            Value::Array(values) => !values.is_empty(),
            Value::Object(members) => !members.is_empty(),
            _ => true,
        });
        (!members.is_empty()).then_some(Value::Object(members))
    }
}
