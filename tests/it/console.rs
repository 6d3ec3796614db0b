//! The console: over HTTP as any client sees it, and in a real browser as an auditor does.

mod chromium;
mod pages;
mod seed;
mod stories;

use super::support::{exchange, wait_until};
use seed::{Story, ask};

#[test]
fn a_browser_signs_in_looks_around_and_signs_out() {
    let story = Story::start();
    let reading = story.proxy.reading;
    let asked = ask(reading, "/audit?since=30d&action=api_key.create", "");
    assert_eq!(asked.status, 303);
    assert_eq!(
        asked.header("location"),
        Some("/audit/sign-in?next=%2Faudit%3Fsince%3D30d%26action%3Dapi_key.create")
    );
    let page = ask(reading, "/audit/sign-in?next=%2Faudit%3Fsince%3D30d", "");
    assert!(page.text().contains("name=\"token\""), "{}", page.text());

    let form = format!("token={}&next=%2Faudit%3Fsince%3D30d", story.token);
    let signed_in = post(reading, "/audit/sign-in", "", &form);
    assert_eq!((signed_in.status, signed_in.header("location")), (303, Some("/audit?since=30d")));
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap();
    let cookie = format!("Cookie: {cookie}\r\n");
    let list = ask(reading, "/audit?since=30d&action=api_key.create", &cookie).text();
    assert!(list.contains("API key “ci deploy” created in pool blue"), "{list}");
    let link = list.split("class=\"open\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(ask(reading, link, &cookie).status, 200);

    let csrf = list.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(post(reading, "/audit/sign-out", &cookie, "csrf=no").status, 403);
    assert_eq!(post(reading, "/audit/sign-out", &cookie, &format!("csrf={csrf}")).status, 303);
    assert_eq!(ask(reading, "/audit", &cookie).status, 303, "the session has ended");
    let wrong = post(reading, "/audit/sign-in", "", "token=countersign_wrong");
    assert_eq!(wrong.header("location"), Some("/audit/sign-in?error=token"));
    assert!(!story.proxy.log().contains(&story.token), "a token never reaches the log");
}

#[test]
fn what_has_no_rule_is_listed_with_a_rule_to_paste() {
    let story = Story::start();
    story.post("/billing/plans");
    wait_until("the mutation is in the index", || {
        story.get("/audit/coverage").text().contains("/billing/plans")
    });
    let page = story.get("/audit/coverage?since=1h").text();
    assert!(
        page.contains("A rule for it") && page.contains("path: &#34;/billing/plans&#34;"),
        "{page}"
    );
    assert!(story.get("/audit/coverage?since=all").status == 200);
}

fn post(
    address: std::net::SocketAddr,
    path: &str,
    fields: &str,
    form: &str,
) -> super::support::Answer {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n{fields}\r\n{form}",
        form.len()
    );
    exchange(address, request.as_bytes())
}
