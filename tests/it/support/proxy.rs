//! The real binary, started and ended by its own handle.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::{exchange, wait_until};

/// How a proxy is set up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    /// Further addresses of the upstream.
    pub(crate) addresses: Vec<SocketAddr>,
    /// YAML for further keys of the upstream, in one line.
    pub(crate) upstream: String,
    /// YAML for further items of the section `listeners`.
    pub(crate) listeners: String,
    /// YAML for the section `routes`; the default route alone if empty.
    pub(crate) routes: String,
    /// YAML for further top-level sections.
    pub(crate) more: String,
    /// YAML for further keys of the section `reading`, in one line.
    pub(crate) reading: String,
    /// YAML for further keys of the section `ledger`.
    pub(crate) ledger: String,
    /// The ledger's directory; one in the proxy's home if none.
    pub(crate) data: Option<PathBuf>,
    /// Shell commands that the process's shell runs before it becomes the proxy: limits, traps.
    pub(crate) prelude: String,
}

/// A process that is ended with the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// A proxy that runs.
pub(crate) struct Proxy {
    /// Where clients connect.
    pub(crate) address: SocketAddr,
    /// Where operations look.
    pub(crate) reading: SocketAddr,
    /// Everything of this proxy: configuration, ledger, logs.
    pub(crate) home: TempDir,
    data: PathBuf,
    /// The ledger is in a database.
    shared: bool,
    prelude: String,
    child: Child,
}

/// A port that was free a moment ago, and that nobody is likely to take: the system gives ports from
/// 32768 on to connections, and every process of the tests looks for its own from another place.
pub(crate) fn free_address() -> SocketAddr {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = std::process::id() * 16 + TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = u16::try_from(10_000 + next % 22_000).unwrap();
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return listener.local_addr().unwrap();
        }
    }
}

impl Proxy {
    /// Starts a proxy with defaults before `upstream`.
    pub(crate) fn start(upstream: SocketAddr) -> Self {
        Self::with(upstream, &Setup::default())
    }

    /// Starts a proxy before `upstream`.
    pub(crate) fn with(upstream: SocketAddr, setup: &Setup) -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = setup.data.clone().unwrap_or_else(|| home.path().join("data"));
        let (address, reading) = (free_address(), free_address());
        let routes = if setup.routes.is_empty() {
            "routes: [{name: default, upstream: app}]".to_owned()
        } else {
            format!("routes:\n{}", setup.routes)
        };
        let addresses: Vec<String> = std::iter::once(&upstream)
            .chain(&setup.addresses)
            .map(|address| format!("\"{address}\""))
            .collect();
        let config = format!(
            "listeners:\n- {{address: \"{address}\"}}\n{}\nreading: {{address: \"{reading}\", {}}}\n\
             upstreams: {{app: {{addresses: [{}], {}}}}}\n{routes}\n\
             ledger:\n  dir: \"{}\"\n{}\n{}\n",
            setup.listeners,
            setup.reading,
            addresses.join(", "),
            setup.upstream,
            data.display(),
            setup.ledger,
            setup.more,
        );
        fs::write(home.path().join("countersign.yaml"), config).unwrap();
        let prelude = setup.prelude.clone();
        let child = spawn(home.path(), &prelude);
        let shared = setup.ledger.contains("postgres:");
        let mut proxy = Self { address, reading, home, data, shared, prelude, child };
        proxy.wait_ready();
        proxy
    }

    /// The ledger's directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// The configuration's file.
    pub(crate) fn config(&self) -> PathBuf {
        self.home.path().join("countersign.yaml")
    }

    /// What the process has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }

    /// The process's id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait_ready(&mut self) {
        let (reading, address) = (self.reading, self.address);
        let log = self.home.path().join("log");
        let child = &mut self.child;
        wait_until("the proxy is ready", || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the proxy ended with {status}: {}", fs::read_to_string(&log).unwrap());
            }
            let request = b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            // The listeners open one after the other.
            exchange(reading, request).status == 200 && TcpStream::connect(address).is_ok()
        });
    }

    /// `kill -9`, and waits for the end.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts the process again on the same data.
    pub(crate) fn restart(&mut self) {
        self.respawn();
        self.wait_ready();
    }

    /// Starts the process again on the same data and does not wait for it.
    pub(crate) fn respawn(&mut self) {
        self.child = spawn(self.home.path(), &self.prelude);
    }

    /// Sends a signal by its name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// Waits for the process to end by itself; its exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let mut status = None;
        let child = &mut self.child;
        wait_until("the proxy ends", || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        status.and_then(|status| status.code())
    }

    /// All events but those about countersign itself, oldest first.
    pub(crate) fn events(&self) -> Vec<Value> {
        let mut events = self.all_events();
        events.retain(|event| event["category"] != "audit");
        events
    }

    /// All events, oldest first.
    pub(crate) fn all_events(&self) -> Vec<Value> {
        let mut events: Vec<Value> = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = Command::new(env!("CARGO_BIN_EXE_countersign"));
            query.args(["query", "--format", "json", "--limit", "500"]);
            match self.shared {
                true => query.arg("--config").arg(self.config()),
                false => query.arg("--data").arg(self.data()),
            };
            if let Some(cursor) = &cursor {
                query.args(["--cursor", cursor]);
            }
            let output = query.output().unwrap();
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "query failed: {errors}");
            let page: Value = serde_json::from_slice(&output.stdout).unwrap();
            events.extend(page["events"].as_array().unwrap().iter().cloned());
            cursor = page["next_cursor"].as_str().map(ToOwned::to_owned);
            if cursor.is_none() {
                events.reverse();
                return events;
            }
        }
    }

    /// The text of an endpoint of the reading listener.
    pub(crate) fn read(&self, path: &str) -> (u16, String) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let answer = exchange(self.reading, request.as_bytes());
        (answer.status, answer.text())
    }
}

fn spawn(home: &Path, prelude: &str) -> Child {
    let log = File::options().create(true).append(true).open(home.join("log")).unwrap();
    let binary = env!("CARGO_BIN_EXE_countersign");
    let mut command = if prelude.is_empty() {
        Command::new(binary)
    } else {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{prelude}\nexec \"$0\" \"$@\""), binary]);
        shell
    };
    command
        .args(["run", "--config"])
        .arg(home.join("countersign.yaml"))
        .current_dir(home)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of the proxy ---\n{}", self.log());
        }
        self.child.kill().ok();
        self.child.wait().ok();
        std::thread::sleep(Duration::from_millis(1));
    }
}
