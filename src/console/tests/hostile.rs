//! What was captured is hostile: every field of it is shown as text.

use regex::Regex;
use serde_json::{Value, json};

use super::{NEWS, served};

const SCRIPT: &str = "<script>alert(1)</script>";
const QUOTES: &str = "\"' onmouseover=\"alert(2)\" x='\"><img src=x onerror=alert(3)>";
const ADDRESS: &str = "javascript:alert(4)";
const REVERSED: &str = "cod\u{202e}gpj.exe\u{2066}\u{200b}";
const TEMPLATE: &str = "{{ 7*7 }}{% include \"x\" %}</title></textarea></bdi>-->]]>";

/// Every field of an event, each with this text.
fn event(text: &str) -> Value {
    let act = json!({
        "action": text, "category": text, "description": text, "outcome": "failure", "reason": text,
        "targets": [{"type": text, "id": text, "name": text}],
    });
    json!({
        "action": text, "category": text, "description": text, "reason": text, "rule": text,
        "request_id": text, "trace_id": text, "outcome": text, "severity": text,
        "scope": {"pool": text, text: "value"},
        "actor": {
            "type": text, "id": text, "name": text, "email": text, "auth": text, "credential": text,
            "verified": true,
        },
        "source": {"ip": text, "forwarded": text, "user_agent": text},
        "targets": [{"type": text, "id": text, "name": text}],
        "acts": [act.clone(), act],
        "request": {
            "method": text, "path": text, "route": text, "content_type": text, "sha256": text,
            "query": {text: text}, "headers": {text: text}, "body": {text: [text]}, "notes": [text],
        },
        "response": {
            "status": 200, "content_type": text, "headers": {text: text}, "body": text,
            "release": text, "notes": [text],
        },
        "changes_source": "observed", "changes_hidden": [text], "changes_notes": [text],
        "changes": [{"path": text, "op": text, "before": text, "after": {text: text}}],
        "redactions": [{"rule": text, "location": text, "count": 1}],
        "observer": {"upstream": text, "config_version": text, "ruleset": text},
        "detail": {text: text}, "notes": [text],
    })
}

/// What an element can do, apart from what the templates say of it.
fn look(page: &str, what: &str) {
    let tags = Regex::new(r"<(/?[a-zA-Z!][^\s>/]*)((?:[^>\x22]|\x22[^\x22]*\x22)*)>").unwrap();
    let attributes = Regex::new(r#"([^\s"=]+)(?:="([^"]*)")?"#).unwrap();
    for tag in tags.captures_iter(page) {
        let name = tag[1].trim_start_matches('/').to_lowercase();
        assert!(!["img", "iframe", "object", "embed", "base"].contains(&&*name), "{what}: {tag:?}");
        for attribute in attributes.captures_iter(&tag[2]) {
            let value = attribute.get(2).map_or("", |value| value.as_str());
            assert!(!attribute[1].starts_with("on"), "{what}: {tag:?}");
            if ["href", "action", "src"].contains(&&attribute[1]) {
                let own = value.starts_with("/audit")
                    || value.starts_with("/v1/")
                    || value.starts_with('#');
                assert!(own, "{what}: {value}");
            }
        }
    }
    let scripts = page.matches("<script").count();
    assert_eq!(scripts, page.matches("<script src=\"/audit/assets/").count(), "{what}");
    assert!(!page.contains("alert(1)</script>"), "{what}");
    // Fields of forms keep what they send; everything that is seen writes such marks out.
    let fields = Regex::new(r#"(?:name|value)="[^"]*""#).unwrap();
    let seen = fields.replace_all(page, "");
    for mark in ['\u{202e}', '\u{2066}', '\u{200b}'] {
        let before = seen.split_once(mark).map(|(before, _)| before.lines().last());
        assert_eq!(before, None, "{what}: {mark:?}");
    }
}

#[tokio::test]
async fn hostile_texts_are_text_on_every_page() {
    for text in [SCRIPT, QUOTES, ADDRESS, REVERSED, TEMPLATE] {
        let served = served().await;
        let id = served.event(NEWS, event(text)).await;
        served.indexed().await;
        let asked: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let mut seen = 0;
        for path in [
            "/audit".to_owned(),
            "/audit?since=all".to_owned(),
            format!("/audit?q={asked}"),
            format!("/audit?action={asked}&actor={asked}&target={asked}&category={asked}"),
            format!("/audit?resource_type={asked}&scope.pool={asked}&since=90d"),
            format!("/audit?scope.{asked}=value"),
            format!("/audit?since={asked}"),
            format!("/audit?{asked}={asked}"),
            format!("/audit?outcome={asked}"),
            format!("/audit?cursor={asked}"),
            format!("/audit?part={asked}&event={asked}"),
            format!("/audit/events/{id}"),
            format!("/audit/events/{asked}"),
            format!("/audit/{asked}"),
            format!("/audit/sign-in?next={asked}&error={asked}"),
        ] {
            let page = served.ask(&path).await;
            look(&page.body, &path);
            let shown = match text {
                SCRIPT => "&#60;script&#62;alert(1)&#60;/script&#62;",
                REVERSED => "cod\\u{202e}gpj.exe\\u{2066}\\u{200b}",
                ADDRESS => ADDRESS,
                _ => "onerror=alert(3)&#62;",
            };
            seen += usize::from(page.body.contains(shown));
        }
        assert!(seen > 5 || text == TEMPLATE, "{text} is hardly ever shown");
    }
}
