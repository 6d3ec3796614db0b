//! A small site with Django's admin, and a browser that fills its forms in.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::{Answer, Running, exchange, free_address, wait_until};

/// A site that runs, with the users `ann` (may do everything) and `bob` (may do nothing).
pub(crate) struct Django {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    // Ended before its directory goes.
    _site: Running,
    _home: TempDir,
}

impl Django {
    /// Starts the site in a directory of its own.
    pub(crate) fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join("target/django/bin/python");
        assert!(python.exists(), "Django is missing: run `scripts/install-deps.sh test`");
        let home = tempfile::tempdir().unwrap();
        let address = free_address();
        let log = File::create(home.path().join("log")).unwrap();
        let site = Command::new(python)
            .arg(root.join("tests/data/django/serve.py"))
            .arg(home.path())
            .arg(address.port().to_string())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut site = Running(site);
        let log = home.path().join("log");
        wait_until("Django is ready", || {
            if let Some(status) = site.0.try_wait().unwrap() {
                panic!("Django ended with {status}: {}", fs::read_to_string(&log).unwrap());
            }
            let request = b"GET /api/me HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            exchange(address, request).status == 401
        });
        Self { address, _site: site, _home: home }
    }
}

/// Somebody before the forms of a site.
pub(crate) struct Browser {
    address: SocketAddr,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// One without cookies.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, cookies: BTreeMap::new() }
    }

    /// Reads a page.
    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, "", b"")
    }

    /// Fills in the form of a page and sends it.
    pub(crate) fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.submit_from(path, path, fields)
    }

    /// Sends the form of a page elsewhere.
    pub(crate) fn submit_from(
        &mut self,
        page: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let token = self.token(page);
        let mut body = format!("csrfmiddlewaretoken={token}");
        for (name, value) in fields {
            body.push_str(&format!("&{name}={}", encoded(value)));
        }
        self.post(path, &body)
    }

    /// Sends a form as it is.
    pub(crate) fn post(&mut self, path: &str, form: &str) -> Answer {
        self.send("POST", path, "application/x-www-form-urlencoded", form.as_bytes())
    }

    /// Sends a form with a file.
    pub(crate) fn upload(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        file: (&str, &str),
    ) -> Answer {
        let mut parts = vec![("csrfmiddlewaretoken", self.token(path))];
        parts.extend(fields.iter().map(|(name, value)| (*name, (*value).to_owned())));
        let mut body = String::new();
        for (name, value) in &parts {
            body.push_str(&format!(
                "--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            ));
        }
        let (name, contents) = file;
        body.push_str(&format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
             Content-Type: text/plain\r\n\r\n{contents}\r\n--edge--\r\n"
        ));
        self.send("POST", path, "multipart/form-data; boundary=edge", body.as_bytes())
    }

    /// The token against forged requests in the form of a page.
    fn token(&mut self, path: &str) -> String {
        let page = self.get(path).text();
        let (_, rest) =
            page.split_once("name=\"csrfmiddlewaretoken\" value=\"").unwrap_or_default();
        rest.split('"').next().unwrap_or_default().to_owned()
    }

    fn send(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        if !cookies.is_empty() {
            request.push_str(&format!("Cookie: {}\r\n", cookies.join("; ")));
        }
        if method == "POST" {
            let length = body.len();
            request.push_str(&format!("Content-Type: {kind}\r\nContent-Length: {length}\r\n"));
        }
        request.push_str("Connection: close\r\n\r\n");
        let answer = exchange(self.address, &[request.as_bytes(), body].concat());
        for (name, value) in &answer.headers {
            if name == "set-cookie" {
                let pair = value.split(';').next().unwrap_or_default();
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}

fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
