//! What holds for every page in a browser.

use serde_json::Value;

use super::chromium::{Chromium, DESK, Look, PHONE};
use super::seed::Story;
use super::stories::signed_in;

/// Every page, and what tells that it is there.
fn pages(story: &Story) -> Vec<(String, String)> {
    let deleted: Value =
        serde_json::from_slice(&story.get("/v1/admin/audit?action=project.delete").body).unwrap();
    let id = deleted["events"][0]["id"].as_str().unwrap();
    [
        ("list", "/audit?since=30d".to_owned()),
        ("filtered", "/audit?since=7d&outcome=denied&outcome=failure&q=pool".to_owned()),
        ("empty", "/audit?q=nowhere-to-be-found".to_owned()),
        ("event", format!("/audit/events/{id}")),
        ("coverage", "/audit/coverage".to_owned()),
        ("integrity", "/audit/integrity".to_owned()),
        ("settings", "/audit/settings".to_owned()),
        ("wrong", "/audit?since=never".to_owned()),
        ("missing", "/audit/no/such/page".to_owned()),
        ("sign-in", "/audit/sign-in?error=token".to_owned()),
    ]
    .map(|(name, path)| (name.to_owned(), path))
    .to_vec()
}

/// Looks at every page, and lists what keeps people from using it.
fn look_at_all(look: Look, suffix: &str) {
    let story = Story::start();
    story.post("/admin/pools/red/restart");
    story.post("/billing/plans");
    let browser = signed_in(&story);
    browser.look(look);
    let mut found = Vec::new();
    for (name, path) in pages(&story) {
        browser.go(&path);
        browser.shoot(&format!("{name}{suffix}"));
        let barriers = browser.barriers();
        found.extend(barriers.into_iter().map(|barrier| format!("{name}{suffix}: {barrier}")));
        let wide = browser.eval("document.documentElement.scrollWidth - innerWidth");
        assert!(wide.as_i64() <= Some(0), "{name}{suffix} is {wide} pixels too wide");
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn nothing_keeps_people_from_using_any_page() {
    look_at_all(DESK, "");
}

#[test]
fn nothing_does_so_in_the_dark() {
    look_at_all(Look { dark: true, ..DESK }, "-dark");
}

#[test]
fn nothing_does_so_on_a_telephone() {
    look_at_all(PHONE, "-400");
}

#[test]
fn nothing_does_so_where_something_is_open() {
    let story = Story::start();
    let browser = signed_in(&story);
    let mut found = Vec::new();
    browser.go("/audit?since=30d");
    browser.click("#menu-action summary");
    found.extend(browser.barriers());
    browser.shoot("menu");
    browser.press(&["Escape"]);
    browser.click("#rows tr:nth-child(2) .what");
    browser.wait("document.querySelector('#drawer #event')");
    found.extend(browser.barriers());
    browser.shoot("drawer");
    browser.press(&["Escape", "?"]);
    browser.wait("document.querySelector('#help').open");
    found.extend(browser.barriers());
    assert!(found.is_empty(), "{}", found.join("\n"));
    // The pictures of README.md.
    let small = Look { width: 1200, height: 720, dark: false };
    browser.look(small);
    browser.go("/audit?since=30d");
    browser.shoot("readme-console");
    browser.look(Look { dark: true, ..small });
    browser.go("/audit?since=7d&actor=night-agent");
    browser.eval(
        "[...document.querySelectorAll('#rows .what')].find(e => e.innerText.includes('raised')).click()",
    );
    browser.wait("document.querySelector('#drawer .diff')");
    browser.shoot("readme-event");
}

#[test]
fn a_page_is_light_and_comes_from_here_alone() {
    let story = Story::start();
    let browser = Chromium::start(&story.base());
    super::stories::sign_in(&browser, &story);
    let before = browser.transferred();
    browser.send("Network.setCacheDisabled", serde_json::json!({"cacheDisabled": true}));
    browser.go("/audit?since=30d");
    let page = browser.transferred() - before;
    assert!((10_000..150 * 1024).contains(&page), "{page} bytes");
    for url in browser.requests() {
        assert!(url.starts_with(&story.base()), "{url}");
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn without_scripts_everything_can_be_read_and_filtered() {
    let story = Story::start();
    let browser = signed_in(&story);
    let off = serde_json::json!({"value": true});
    browser.send("Emulation.setScriptExecutionDisabled", off);
    browser.go("/audit?since=30d");
    browser.shoot("without-scripts");
    browser.click("#menu-action summary");
    browser.click("#menu-action input[value='api_key.create']");
    browser.leads_on(|| browser.click("#menu-action button"));
    assert_eq!(browser.eval("location.search"), "?since=30d&action=api_key.create");
    assert_eq!(browser.eval("document.querySelectorAll('#rows tr').length"), 3);
    browser.leads_on(|| browser.click("#rows tr .open"));
    assert!(browser.text().contains("API key “laptop” created"), "{}", browser.text());
}
