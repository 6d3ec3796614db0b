//! A real Chromium, driven through the two pipes that it offers for it.

use std::cell::RefCell;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;

/// For one answer of the browser, and for what a page is expected to come to.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one tab.
pub(super) struct Chromium {
    child: Child,
    base: String,
    session: String,
    pipe: RefCell<Pipe>,
    _profile: TempDir,
}

struct Pipe {
    to: ChildStdin,
    from: Receiver<Value>,
    next: u64,
    events: Vec<Value>,
}

/// How large the window is, and which colours its user prefers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) dark: bool,
}

pub(super) const DESK: Look = Look { width: 1360, height: 900, dark: false };
pub(super) const PHONE: Look = Look { width: 400, height: 860, dark: false };

impl Chromium {
    /// Starts a browser for the pages of `base`.
    pub(super) fn start(base: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        // The shell moves the pipes to where the browser looks for them.
        let mut child = Command::new("sh")
            .args(["-c", "exec chromium \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh"])
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--disable-background-networking", "--hide-scrollbars"])
            .args(["--disable-component-update", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let to = child.stdin.take().unwrap();
        let out = child.stdout.take().unwrap();
        let (sender, from) = sync_channel(10_000);
        std::thread::spawn(move || {
            let mut out = BufReader::new(out);
            let mut message = Vec::new();
            while out.read_until(0, &mut message).is_ok_and(|count| count > 0) {
                message.pop();
                let Ok(value) = serde_json::from_slice(&message) else { break };
                if sender.send(value).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let pipe = Pipe { to, from, next: 0, events: Vec::new() };
        let (base, session) = (base.to_owned(), String::new());
        let mut browser =
            Self { child, base, session, pipe: RefCell::new(pipe), _profile: profile };
        let tab = browser.send("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": tab["targetId"], "flatten": true});
        let attached = browser.send("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.send(&format!("{domain}.enable"), json!({}));
        }
        browser.look(DESK);
        browser
    }

    /// Tells the browser something; gives what it says.
    pub(super) fn send(&self, method: &str, params: Value) -> Value {
        let mut pipe = self.pipe.borrow_mut();
        pipe.next += 1;
        let id = pipe.next;
        let mut message = json!({"id": id, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut bytes = serde_json::to_vec(&message).unwrap();
        bytes.push(0);
        pipe.to
            .write_all(&bytes)
            .expect("chromium is missing or ended: run `scripts/install-deps.sh test`");
        loop {
            let answer = pipe.from.recv_timeout(PATIENCE);
            let mut answer = answer.unwrap_or_else(|_| {
                panic!("no answer to {method}; is chromium there? `scripts/install-deps.sh test`")
            });
            if answer["id"] == id {
                assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
                return answer["result"].take();
            }
            pipe.events.push(answer);
        }
    }

    /// What a script comes to, once its promise is kept.
    pub(super) fn eval(&self, script: &str) -> Value {
        let params = json!({"expression": script, "awaitPromise": true, "returnByValue": true});
        let mut done = self.send("Runtime.evaluate", params);
        assert!(done["exceptionDetails"].is_null(), "{script}: {}", done["exceptionDetails"]);
        done["result"]["value"].take()
    }

    /// Waits until a script comes to true, whatever page is there by then.
    pub(super) fn wait(&self, script: &str) {
        let deadline = Instant::now() + PATIENCE;
        let checked =
            format!("(() => {{ try {{ return !!({script}); }} catch {{ return false; }} }})()");
        loop {
            let params = json!({"expression": checked, "returnByValue": true});
            if self.send("Runtime.evaluate", params)["result"]["value"] == true {
                return;
            }
            if Instant::now() > deadline {
                self.shoot("failed");
                panic!(
                    "never true: {script}; the page is {} and says {}",
                    self.eval("location.href"),
                    self.text()
                );
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Goes to a path and waits until its page is ready.
    pub(super) fn go(&self, path: &str) {
        let url = format!("{}{path}", self.base);
        self.eval("window.before = true");
        let gone = self.send("Page.navigate", json!({"url": url}));
        assert!(gone["errorText"].is_null(), "{path}: {gone}");
        self.ready();
    }

    /// Waits for the next page, after what leads there.
    pub(super) fn leads_on(&self, act: impl FnOnce()) {
        self.eval("window.before = true");
        act();
        self.ready();
    }

    fn ready(&self) {
        self.wait("!window.before && document.readyState === 'complete'");
    }

    /// Clicks where an element is.
    pub(super) fn click(&self, selector: &str) {
        let quoted = serde_json::to_string(selector).unwrap();
        self.wait(&format!("document.querySelector({quoted})"));
        let place = self.eval(&format!(
            "(() => {{ const e = document.querySelector({quoted}); \
             e.scrollIntoView({{block: 'center', behavior: 'instant'}}); \
             const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; }})()"
        ));
        self.mouse("mousePressed", &place);
        self.mouse("mouseReleased", &place);
    }

    /// Pulls the mouse from one place to another.
    pub(super) fn pull(&self, from: (f64, f64), to: (f64, f64)) {
        self.mouse("mousePressed", &json!([from.0, from.1]));
        for part in 1..=4 {
            let part = f64::from(part) / 4.0;
            let place = [from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part];
            self.mouse("mouseMoved", &json!(place));
        }
        self.mouse("mouseReleased", &json!([to.0, to.1]));
    }

    fn mouse(&self, kind: &str, place: &Value) {
        let params = json!({
            "type": kind, "x": place[0], "y": place[1], "button": "left", "buttons": 1,
            "clickCount": 1,
        });
        self.send("Input.dispatchMouseEvent", params);
    }

    /// Presses keys, one after the other: characters, or names such as `Enter`.
    pub(super) fn press(&self, keys: &[&str]) {
        for key in keys {
            let (code, text) = match *key {
                "Enter" => (13, "\r"),
                "Tab" => (9, ""),
                "Escape" => (27, ""),
                " " => (32, " "),
                "ArrowLeft" => (37, ""),
                "ArrowRight" => (39, ""),
                text => (0, text),
            };
            let mut params = json!({"type": "keyDown", "key": key, "windowsVirtualKeyCode": code});
            if !text.is_empty() {
                params["text"] = json!(text);
            }
            self.send("Input.dispatchKeyEvent", params.clone());
            params["type"] = json!("keyUp");
            self.send("Input.dispatchKeyEvent", params);
        }
    }

    /// Types into what has the focus.
    pub(super) fn write(&self, text: &str) {
        self.send("Input.insertText", json!({"text": text}));
    }

    /// The text that the page shows.
    pub(super) fn text(&self) -> String {
        self.eval("document.body.innerText").as_str().unwrap().to_owned()
    }

    /// Changes the window and the colours.
    pub(super) fn look(&self, look: Look) {
        let size = json!({
            "width": look.width, "height": look.height, "deviceScaleFactor": 1,
            "mobile": look.width < 600,
        });
        self.send("Emulation.setDeviceMetricsOverride", size);
        let scheme = if look.dark { "dark" } else { "light" };
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.send("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// Keeps a picture of the window in `target/screenshots`.
    pub(super) fn shoot(&self, name: &str) {
        let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
        fs::create_dir_all(&dir).unwrap();
        let shot = self.send("Page.captureScreenshot", json!({"format": "png"}));
        let bytes =
            base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap());
        fs::write(dir.join(format!("{name}.png")), bytes.unwrap()).unwrap();
    }

    /// What keeps people from using the page, as axe-core finds it: serious and worse.
    pub(super) fn barriers(&self) -> Vec<String> {
        let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/axe/package/axe.min.js");
        let axe = fs::read_to_string(file)
            .expect("axe-core is missing: run `scripts/install-deps.sh test`");
        self.send("Runtime.evaluate", json!({"expression": axe}));
        let found = self.eval(
            "axe.run(document, {resultTypes: ['violations']}).then(r => r.violations \
             .filter(v => v.impact === 'serious' || v.impact === 'critical') \
             .map(v => `${v.id}: ${v.help}: ${v.nodes.slice(0, 4).map(n => n.html.slice(0, 160) + ' ' \
             + n.any.map(a => a.message).join(' ').slice(0, 200)).join(' | ')}`))",
        );
        serde_json::from_value(found).unwrap()
    }

    /// Where the page's requests went, since the browser began.
    pub(super) fn requests(&self) -> Vec<String> {
        let urls = self.happened("Network.requestWillBeSent");
        let urls = urls.iter().filter_map(|event| event["request"]["url"].as_str());
        urls.map(ToOwned::to_owned).collect()
    }

    /// Bytes that came, heads and all.
    pub(super) fn transferred(&self) -> u64 {
        let ends = self.happened("Network.loadingFinished");
        ends.iter().filter_map(|event| event["encodedDataLength"].as_f64()).map(|n| n as u64).sum()
    }

    /// Errors of scripts, refused loads, and what the policy forbade.
    pub(super) fn complaints(&self) -> Vec<String> {
        let entries = self.happened("Log.entryAdded");
        let entries = entries.iter().filter(|event| event["entry"]["level"] == "error");
        let thrown = self.happened("Runtime.exceptionThrown");
        entries.chain(&thrown).map(Value::to_string).collect()
    }

    fn happened(&self, method: &str) -> Vec<Value> {
        // What came so far is read along with an answer.
        self.send("Runtime.evaluate", json!({"expression": "0"}));
        let pipe = self.pipe.borrow();
        let events = pipe.events.iter().filter(|event| event["method"] == method);
        events.map(|event| event["params"].clone()).collect()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The pipe may be broken, so that nothing more can be asked.
            eprintln!(
                "the browser complained: {:?}",
                self.pipe
                    .borrow()
                    .events
                    .iter()
                    .filter(|event| event["method"] == "Log.entryAdded")
                    .collect::<Vec<_>>()
            );
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
