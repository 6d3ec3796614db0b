//! What the process says when it starts, and that it is true.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use super::support::{Reply, Upstream, curl};

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn the_banner_names_the_ports_that_were_chosen() {
    let upstream = Upstream::start(|_| Reply::ok());
    let home = tempfile::tempdir().unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_countersign"));
    run.args(["run", "--upstream", &format!("http://{}", upstream.address)]);
    run.args(["--listen", "127.0.0.1:0", "--reading", "127.0.0.1:0"]);
    run.current_dir(home.path()).stderr(Stdio::piped());
    let mut process = Running(run.spawn().unwrap());
    let mut lines = BufReader::new(process.0.stderr.take().unwrap()).lines();
    let mut address = |name: &str| -> SocketAddr {
        let line = lines.find(|line| line.as_ref().unwrap().trim_start().starts_with(name));
        let line = line.unwrap().unwrap();
        let url = line.split_whitespace().nth(1).unwrap().strip_prefix("http://").unwrap();
        url.split('/').next().unwrap().parse().unwrap()
    };
    let (proxy, reading) = (address("proxy"), address("reading"));
    assert!(proxy.port() != 0 && reading.port() != 0 && proxy != reading);
    let answer = curl(&["-d", "name=ada", &format!("http://{proxy}/users")]);
    assert_eq!((answer.status, answer.event.len()), (200, 36));
    assert_eq!(curl(&[&format!("http://{reading}/readyz")]).status, 200);
    assert!(home.path().join("countersign-data/ledger.db").exists());
}
