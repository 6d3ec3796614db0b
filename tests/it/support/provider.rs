//! An identity provider that runs: the certified implementation, with its own pages.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Browser, Running};

/// The provider's secret of the client `countersign`.
pub(crate) const CLIENT_SECRET: &str = "a secret of the client / with + signs";

/// A provider with which anybody signs in; the groups of `ada` and `bob` go by their names.
pub(crate) struct Provider {
    address: SocketAddr,
    _running: Running,
}

impl Provider {
    /// Starts one at `address` that sends browsers back to `callback`.
    pub(crate) fn start(address: SocketAddr, callback: &str, ways: &[&str]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let modules = root.join("target/oidc");
        let found = modules.join("node_modules/oidc-provider").exists();
        assert!(found, "oidc-provider is missing: run `scripts/install-deps.sh test`");
        let mut running = Command::new("node")
            .arg(root.join("tests/data/oidc/provider.mjs"))
            .arg(modules)
            .arg(address.port().to_string())
            .arg(callback)
            .args(ways)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(running.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let running = Running(running);
        assert_eq!(line, "ready\n", "the provider did not start");
        Self { address, _running: running }
    }

    /// Signs somebody in on the provider's pages, from the address to which it was sent; gives the
    /// address to which it is sent back.
    pub(crate) fn sign_in(&self, start: &str, user: &str) -> String {
        let origin = format!("http://{}", self.address);
        let mut browser = Browser::new(self.address);
        let path = |url: &str| url.strip_prefix(&origin).unwrap_or(url).to_owned();
        let mut answer = browser.get(&path(start));
        let mut page = path(start);
        for _ in 0..12 {
            if let Some(next) = answer.header("location") {
                if next.starts_with("http://") && !next.starts_with(&origin) {
                    return next.to_owned();
                }
                page = path(next);
                answer = browser.get(&page);
                continue;
            }
            let text = answer.text();
            let form = if text.contains("value=\"login\"") {
                format!("prompt=login&login={user}&password=x")
            } else if text.contains("value=\"consent\"") {
                "prompt=consent".to_owned()
            } else {
                panic!("{}: {text}", answer.status);
            };
            answer = browser.post(&page, &form);
        }
        panic!("the provider goes round in circles");
    }
}
