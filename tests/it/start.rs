//! What the process says when it starts, and that it is true.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use super::support::{Proxy, Reply, Running, Setup, Upstream, curl, exchange, wait_until};

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

#[test]
fn a_demo_that_goes_on_ends_when_it_is_asked_to() {
    let home = tempfile::tempdir().unwrap();
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        let mut demo = Command::new(env!("CARGO_BIN_EXE_countersign"));
        demo.args(["demo", "--seconds", "0", "--keep"]).current_dir(home.path());
        let mut process = Running(demo.stdout(Stdio::piped()).spawn().unwrap());
        let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().starts_with("sign in with:")), "it goes on");
        rustix::process::kill_process(rustix::process::Pid::from_child(&process.0), signal)
            .unwrap();
        assert_eq!(process.0.wait().unwrap().code(), Some(0), "{signal:?}");
    }
}

#[test]
fn a_log_that_cannot_be_written_does_not_keep_the_proxy_from_running() {
    let upstream = Upstream::start(|_| Reply::ok());
    let home = tempfile::tempdir().unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_countersign"));
    run.args(["run", "--upstream", &format!("http://{}", upstream.address)]);
    let socket = home.path().join("proxy.sock");
    run.args(["--listen", &format!("unix:{}", socket.display()), "--reading", "127.0.0.1:0"]);
    run.current_dir(home.path()).stderr(File::create("/dev/full").unwrap());
    let mut process = Running(run.spawn().unwrap());
    wait_until("the proxy listens", || {
        assert_eq!(process.0.try_wait().unwrap(), None, "it ended");
        UnixStream::connect(&socket).is_ok()
    });
    let answer =
        curl(&["--unix-socket", &socket.display().to_string(), "-d", "a=b", "http://a/users"]);
    assert_eq!((answer.status, answer.event.len()), (200, 36));
}

#[test]
fn an_option_that_cannot_be_so_is_an_error_of_the_command_line() {
    let home = tempfile::tempdir().unwrap();
    for (option, value) in [("--limit", "0"), ("--since", "1x"), ("--outcome", "good")] {
        let mut query = Command::new(env!("CARGO_BIN_EXE_countersign"));
        let output =
            query.args(["query", option, value]).current_dir(home.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{option} {value}");
    }
}

#[test]
fn options_that_the_file_decides_are_refused_beside_it() {
    let home = tempfile::tempdir().unwrap();
    for (option, value) in [
        ("--listen", "127.0.0.1:0"),
        ("--reading", "127.0.0.1:0"),
        ("--data", "elsewhere"),
        ("--ledger", "postgres://me@localhost/audit"),
    ] {
        let mut run = Command::new(env!("CARGO_BIN_EXE_countersign"));
        run.args(["run", "--config", "c.yaml", option, value]).current_dir(home.path());
        let output = run.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{option}: {said}");
        assert!(said.contains(option) && said.contains("--config"), "{said}");
    }
}

#[test]
fn completions_that_cannot_be_written_are_an_error_and_no_panic() {
    let mut completions = Command::new(env!("CARGO_BIN_EXE_countersign"));
    completions.args(["completions", "bash"]).stdout(File::create("/dev/full").unwrap());
    let output = completions.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), said.contains("No space left")), (Some(1), true), "{said}");
}

#[test]
fn a_low_soft_limit_of_open_files_is_raised() {
    let upstream = Upstream::start(|_| Reply::ok());
    let setup = Setup { prelude: "ulimit -Sn 60".to_owned(), ..Setup::default() };
    let proxy = Proxy::with(upstream.address, &setup);
    let held: Vec<_> = (0..80).map(|_| TcpStream::connect(proxy.address).unwrap()).collect();
    let post = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    assert_eq!(exchange(proxy.address, post).status, 200);
    drop(held);
}
