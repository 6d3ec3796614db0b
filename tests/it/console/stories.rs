//! What an auditor does, each story in full.

use countersign::access::{Access, Grant, NewToken, Role};
use countersign::clock::{Clock, SystemClock};

use super::chromium::{Chromium, DESK, Look, PHONE};
use super::seed::Story;

/// A browser that has signed in.
pub(super) fn signed_in(story: &Story) -> Chromium {
    let browser = Chromium::start(&story.base());
    sign_in(&browser, story);
    browser
}

pub(super) fn sign_in(browser: &Chromium, story: &Story) {
    sign_in_with(browser, &story.token);
}

fn sign_in_with(browser: &Chromium, token: &str) {
    browser.go("/audit");
    assert_eq!(browser.eval("location.pathname"), "/audit/sign-in");
    browser.click("#token");
    browser.write(token);
    browser.leads_on(|| browser.press(&["Enter"]));
    assert_eq!(browser.eval("location.pathname"), "/audit");
}

/// The sentences of the rows.
fn sentences(browser: &Chromium) -> Vec<String> {
    let texts = browser.eval("[...document.querySelectorAll('#rows .what')].map(e => e.innerText)");
    serde_json::from_value(texts).unwrap()
}

/// No script failed, nothing was refused.
fn is_quiet(browser: &Chromium) {
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn who_created_api_keys_in_the_last_30_days() {
    let story = Story::start();
    let browser = signed_in(&story);
    browser.leads_on(|| browser.click(".spans a[title='The last 30 days']"));
    browser.click("#menu-action summary");
    browser.click("#menu-action input[value='api_key.create']");
    browser.leads_on(|| browser.click("#menu-action button"));
    let who =
        browser.eval("[...document.querySelectorAll('#rows .actor a')].map(e => e.innerText)");
    assert_eq!(who, serde_json::json!(["Béla Kovács", "Terraform", "Anna Berg"]));
    assert_eq!(
        browser.eval("document.querySelector('.chip-name + bdi').innerText"),
        "api_key.create"
    );
    browser.shoot("api-keys");
    // The answer can be shared: the address is the state.
    let address = browser.eval("location.pathname + location.search");
    let other = signed_in(&story);
    other.go(address.as_str().unwrap());
    assert_eq!(sentences(&other), sentences(&browser));
    // Without the chip everything is back.
    browser.leads_on(|| browser.click(".chip a"));
    assert!(sentences(&browser).len() > 20);
    is_quiet(&browser);
}

#[test]
fn what_changed_around_two_at_night() {
    let story = Story::start();
    let browser = signed_in(&story);
    browser.leads_on(|| browser.click(".spans a[title='The last 7 days']"));
    // The bar of that night, from its neighbour on the left to that on the right.
    let two = browser.eval(&format!(
        "(() => {{ const {{begin, step, bars}} = document.querySelector('.chart').dataset; \
          const at = Math.floor(({} - begin) / step); \
          const b = document.querySelector('.plot').getBoundingClientRect(); \
          const width = b.width / bars; \
          return [at, b.x + (at + 0.5) * width, b.y + b.height / 2, width]; }})()",
        story.two.timestamp_millis()
    ));
    let number = |at: usize| two[at].as_f64().unwrap();
    assert!(number(0) >= 0.0, "no bar at two: {two}");
    let (x, y, width) = (number(1), number(2), number(3));
    browser.leads_on(|| browser.pull((x - width, y), (x + width, y)));
    let zoomed = browser.eval("location.search");
    assert!(
        zoomed.as_str().unwrap().contains("since=") && zoomed.as_str().unwrap().contains("until=")
    );
    let text = browser.text();
    for sentence in ["Budget “research” raised to 10,000", "Alert “spend” switched off", "refused"]
    {
        assert!(text.contains(sentence), "no {sentence:?} in {text}");
    }
    browser.shoot("around-two");
    browser.eval("[...document.querySelectorAll('#rows .what')].find(e => e.innerText.includes('raised')).click()");
    browser.wait("document.querySelector('#drawer .diff')");
    let diff = browser.eval("document.querySelector('#drawer .diff').innerText");
    for part in ["/limit_cents", "1500", "1000000"] {
        assert!(diff.as_str().unwrap().contains(part), "{diff}");
    }
    // What is open is in the address, and going back closes it.
    assert!(browser.eval("location.search").as_str().unwrap().contains("event="));
    browser.eval("history.back()");
    browser.wait("document.querySelector('#drawer').hidden");
    assert_eq!(browser.eval("location.search"), zoomed);
    is_quiet(&browser);
}

#[test]
fn when_was_a_project_deleted_and_by_whom() {
    let story = Story::start();
    let browser = signed_in(&story);
    browser.press(&["/"]);
    browser.write("apollo deleted");
    browser.leads_on(|| browser.press(&["Enter"]));
    // Not in the last 24 hours: the page says where else to look.
    assert!(browser.text().contains("matches these filters"), "{}", browser.text());
    browser.shoot("nothing-found");
    browser.leads_on(|| browser.click(".ways a"));
    assert_eq!(sentences(&browser), ["Project “apollo” deleted"]);
    browser.leads_on(|| {
        browser.eval("location.href = document.querySelector('#rows .open').href");
    });
    let text = browser.text();
    assert!(text.contains("Béla Kovács") && text.contains("observed"), "{text}");
    let time = browser.eval("document.querySelector('.when time').dateTime");
    let when = story.now - chrono::TimeDelta::hours(24 * 6 + 3);
    assert_eq!(time, when.to_rfc3339_opts(chrono::SecondsFormat::Millis, true));
    // From the target to all that happened to it.
    browser.leads_on(|| browser.click(".box:nth-child(2) .big a"));
    assert_eq!(sentences(&browser).len(), 2, "created and deleted");
    is_quiet(&browser);
}

#[test]
fn what_is_on_screen_is_exported_and_nothing_else() {
    let story = Story::start();
    let browser = signed_in(&story);
    browser.go("/audit?since=30d&action=api_key.create");
    let shown = sentences(&browser);
    browser.click("#menu-export summary");
    browser.shoot("export");
    let text = browser.eval(
        "fetch([...document.querySelectorAll('#menu-export a')].find(a => a.innerText === 'CSV').href) \
         .then(answer => answer.text())",
    );
    let text = text.as_str().unwrap();
    assert_eq!(text.trim_end().lines().count(), shown.len() + 1, "{text}");
    for sentence in &shown {
        assert!(text.contains(sentence.as_str()), "no {sentence:?} in {text}");
    }
    is_quiet(&browser);
}

#[test]
fn what_happens_now_shows_up_by_itself() {
    let story = Story::start();
    let browser = signed_in(&story);
    browser.click("[data-live]");
    browser.wait("document.querySelector('#said').textContent.startsWith('Live')");
    assert!(browser.eval("location.search").as_str().unwrap().contains("live=1"));
    for pool in ["red", "green", "blue"] {
        story.post(&format!("/admin/pools/{pool}/restart"));
        browser.wait(&format!(
            "[...document.querySelectorAll('#rows tr')].some(row => row.innerText.includes('{pool}') \
             && row.classList.contains('new'))"
        ));
    }
    browser.shoot("live");
    // Only what fits the filters comes.
    browser.go("/audit?action=api_key.create&live=1");
    browser.wait("document.querySelector('#said').textContent.startsWith('Live')");
    story.post("/admin/pools/yellow/restart");
    story.post("/admin/api-keys");
    browser.wait("document.querySelectorAll('#rows tr.new').length === 1");
    assert!(!browser.text().contains("yellow"), "{}", browser.text());
    browser.press(&["l"]);
    browser.wait("document.querySelector('[data-live]').getAttribute('aria-pressed') === 'false'");
    // Also where the log has something to say of the question.
    browser.go("/audit?scope.POOL=none&live=1");
    browser.wait("document.querySelector('#said').textContent.startsWith('Live')");
    is_quiet(&browser);
}

#[test]
fn whoever_goes_back_sees_what_the_address_says() {
    let story = Story::start();
    let browser = signed_in(&story);
    browser.go("/audit?since=30d");
    browser.press(&["/"]);
    browser.write("laptop");
    browser.leads_on(|| browser.press(&["Enter"]));
    assert_eq!(browser.eval("location.search"), "?since=30d&q=laptop");
    // Chosen, and not applied.
    browser.click("#menu-outcome summary");
    browser.click("#menu-outcome input[value='denied']");
    let there = |search: &str, typed: &str| {
        browser.wait(&format!(
            "location.search === '{search}' && document.readyState === 'complete' \
             && document.querySelector('#q').value === '{typed}' \
             && !document.querySelector('[data-filters] input:checked')"
        ));
    };
    browser.eval("void history.back()");
    there("?since=30d", "");
    browser.eval("void history.forward()");
    there("?since=30d&q=laptop", "laptop");
    browser.eval("void history.back()");
    there("?since=30d", "");
    browser.eval("document.querySelector('#menu-action').open = true");
    browser.click("#menu-action input[value='api_key.create']");
    browser.click("#menu-action button");
    browser.wait("location.search === '?since=30d&action=api_key.create'");
    is_quiet(&browser);
}

#[test]
fn a_window_stays_as_exact_as_it_is() {
    let story = Story::start();
    let browser = signed_in(&story);
    browser.go("/audit?since=2026-01-01T00:00:00.250Z&until=2090-01-01T00:00:00.750Z");
    assert!(browser.text().contains("2026-01-01 00:00:00.250 UTC"), "{}", browser.text());
    browser.click("#menu-action summary");
    browser.click("#menu-action input[value='api_key.create']");
    browser.leads_on(|| browser.click("#menu-action button"));
    let window = "?since=2026-01-01T00%3A00%3A00.250Z&until=2090-01-01T00%3A00%3A00.750Z";
    assert_eq!(browser.eval("location.search"), format!("{window}&action=api_key.create"));
    // An end that is taken out is none.
    browser.eval("document.querySelector('[name=from]').value = ''");
    browser.leads_on(|| {
        browser.eval("document.querySelector('[data-filters]').requestSubmit()");
    });
    let window = "?until=2090-01-01T00%3A00%3A00.750Z";
    assert_eq!(browser.eval("location.search"), format!("{window}&action=api_key.create"));
    is_quiet(&browser);
}

/// What the page says of Live to those who see it.
const NOTE: &str = "document.querySelector('#live-note').innerText";
const IS_LIVE: &str =
    "document.querySelector('[data-live]').getAttribute('aria-pressed') === 'true'";

#[test]
fn live_that_shows_nothing_any_more_says_so() {
    let mut story = Story::start();
    let browser = signed_in(&story);
    let says = |text: &str| browser.wait(&format!("{NOTE}.includes({text:?})"));
    let is_live = || browser.eval(IS_LIVE) == true;

    browser.go("/audit?since=30d&until=1h&live=1");
    says("ends at a time that is past");
    assert!(!is_live());
    browser.shoot("live-ended");
    browser.leads_on(|| browser.click("#live-note a"));
    browser.wait("document.querySelector('#said').textContent.startsWith('Live')");
    assert!(is_live() && browser.eval(NOTE) == "");

    browser.click("[data-live]");
    browser.eval("document.querySelector('[data-live]').dataset.silence = '1'");
    browser.click("[data-live]");
    story.proxy.signal("STOP");
    says("lost the connection");
    assert!(is_live(), "silence is no quiet");
    story.proxy.signal("CONT");
    browser.eval("document.querySelector('[data-live]').dataset.silence = '60'");
    browser.wait(&format!("{NOTE} === ''"));

    story.proxy.kill();
    says("lost the connection");
    assert!(is_live(), "it is tried again");
    browser.shoot("live-lost");
    story.proxy.respawn();
    browser.wait(&format!("{NOTE} === ''"));
    story.post("/admin/pools/purple/restart");
    browser.wait(
        "[...document.querySelectorAll('#rows tr.new')].some(row => row.innerText.includes('purple'))",
    );

    let mut access = Access::open(&story.proxy.data()).unwrap();
    assert!(access.revoke("bootstrap", SystemClock.now()).unwrap());
    story.post("/admin/pools/pink/restart");
    says("Live has ended");
    assert!(!is_live());
    browser.shoot("live-over");
}

#[test]
fn no_id_is_broken_in_its_middle_where_there_is_room() {
    let story = Story::start();
    story.post("/admin/hooks/hook_5e1f0001/restart");
    // What is long elsewhere takes nothing from it.
    story.post("/admin/notification-channels/main/rotate-signing-secrets");
    let browser = signed_in(&story);
    for width in [1280, 1440] {
        browser.look(Look { width, ..DESK });
        browser.go("/audit");
        browser.shoot(&format!("table-{width}"));
        let height = "(() => { const link = [...document.querySelectorAll('.target a')] \
                      .find(link => link.innerText.includes('hook_5e1f0001')); \
                      return link.getClientRects().length && link.offsetHeight < 30; })()";
        assert_eq!(browser.eval(height), true, "{width}");
    }
}

#[test]
fn light_and_dark_as_the_reader_likes() {
    let story = Story::start();
    let browser = signed_in(&story);
    let ground = || browser.eval("getComputedStyle(document.body).backgroundColor");
    let light = ground();
    browser.look(Look { dark: true, ..DESK });
    let dark = ground();
    assert_ne!(light, dark, "the system's wish");
    browser.go("/audit?since=30d");
    browser.shoot("dark");
    browser.click("[data-theme-toggle]");
    assert_eq!(ground(), light, "the reader's");
    browser.go("/audit");
    assert_eq!(ground(), light, "it is kept");
    browser.press(&["t"]);
    assert_eq!(ground(), dark);
    is_quiet(&browser);
}

#[test]
fn on_a_telephone_nothing_is_lost() {
    let story = Story::start();
    let browser = signed_in(&story);
    browser.look(PHONE);
    browser.go("/audit?since=30d");
    assert!(browser.eval("document.documentElement.scrollWidth").as_i64() <= Some(400));
    for part in [".what", ".actor", ".action", ".outcome", ".time"] {
        let seen = browser.eval(&format!(
            "document.querySelector('#rows tr {part}').getBoundingClientRect().width > 20"
        ));
        assert_eq!(seen, true, "{part}");
    }
    browser.click("#menu-outcome summary");
    let panel = browser.eval(
        "(() => { const b = document.querySelector('#menu-outcome .panel').getBoundingClientRect(); \
          return b.left >= 0 && b.right <= innerWidth; })()",
    );
    assert_eq!(panel, true, "the menu is on the screen");
    browser.click("#menu-outcome input[value='denied']");
    browser.leads_on(|| browser.click("#menu-outcome button"));
    browser.click("#rows tr .what");
    browser.wait("document.querySelector('#drawer #event')");
    browser.shoot("telephone-drawer");
    assert!(browser.eval("document.documentElement.scrollWidth").as_i64() <= Some(400));
    is_quiet(&browser);
}

#[test]
fn with_the_keyboard_alone() {
    let story = Story::start();
    let browser = signed_in(&story);
    browser.go("/audit?since=30d");
    browser.press(&["Tab"]);
    assert_eq!(browser.eval("document.activeElement.innerText"), "Skip to the content");
    browser.press(&["Enter"]);
    assert_eq!(browser.eval("document.activeElement.id"), "main");
    browser.press(&["j", "j", "j", "k"]);
    let second = "document.querySelectorAll('#rows tr')[1]";
    browser.wait(&format!("{second}.getAttribute('aria-current') === 'true'"));
    browser.wait(&format!("{second}.contains(document.activeElement)"));
    browser.press(&["Enter"]);
    browser.wait("document.querySelector('#drawer #event')");
    browser.shoot("keyboard");
    let first = browser.eval("document.querySelector('#drawer h1').innerText");
    browser.press(&["j"]);
    let quoted = first.to_string();
    browser.wait(&format!(
        "document.querySelector('#drawer h1') && document.querySelector('#drawer h1').innerText !== {quoted}"
    ));
    browser.press(&["Escape"]);
    browser.wait("document.querySelector('#drawer').hidden");
    browser.wait("document.activeElement.classList.contains('open')");
    browser.press(&["?"]);
    browser.wait("document.querySelector('#help').open");
    browser.press(&["Escape"]);
    browser.wait("!document.querySelector('#help').open");
    browser.press(&["/"]);
    browser.write("apollo");
    browser.leads_on(|| browser.press(&["Enter"]));
    assert_eq!(sentences(&browser).len(), 2);
    is_quiet(&browser);
}

#[test]
fn a_view_is_kept_under_a_name() {
    let story = Story::start();
    let browser = signed_in(&story);
    browser.go("/audit?since=30d&category=api_key");
    browser.eval("window.prompt = () => 'Keys <b>of</b> ours'");
    browser.click("#menu-views summary");
    browser.click("[data-save-view]");
    browser.go("/audit");
    browser.click("#menu-views summary");
    browser.shoot("views");
    let name = browser.eval("document.querySelector('[data-views] a').innerText");
    assert_eq!(name, "Keys <b>of</b> ours");
    // Who signs in next in the same browser is shown none of them.
    let new = NewToken {
        name: "viewer".to_owned(),
        grant: Grant::everything(Role::Viewer),
        expires: None,
    };
    let mut access = Access::open(&story.proxy.data()).unwrap();
    let token = access.create(&new, SystemClock.now()).unwrap().reveal().to_owned();
    let form = "document.querySelector('form[action$=\"sign-out\"] button')";
    browser.leads_on(|| drop(browser.eval(&format!("{form}.click()"))));
    sign_in_with(&browser, &token);
    browser.click("#menu-views summary");
    assert_eq!(browser.eval("document.querySelectorAll('[data-views] a').length"), 0);
    browser.leads_on(|| drop(browser.eval(&format!("{form}.click()"))));
    sign_in(&browser, &story);
    browser.click("#menu-views summary");
    browser.leads_on(|| browser.click("[data-views] a"));
    assert_eq!(browser.eval("location.search"), "?since=30d&category=api_key");
    is_quiet(&browser);
}
