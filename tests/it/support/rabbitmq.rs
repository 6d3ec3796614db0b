//! A private RabbitMQ node with its management API, ended by its own handles.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use super::{exchange, wait_until};

/// A node that runs, with its own port mapper.
pub(crate) struct RabbitMq {
    /// The management API.
    pub(crate) address: SocketAddr,
    home: TempDir,
    // In this order, so that a panic at the start ends what has been started.
    node: Option<Child>,
    mapper: Child,
}

/// Where Debian's package keeps the server's own scripts: those in the `PATH` change the user.
fn installation() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/rabbitmq/lib")
        .expect("RabbitMQ is missing: run `scripts/install-deps.sh test`");
    versions
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.join("sbin/rabbitmq-server").exists())
        .expect("RabbitMQ is missing: run `scripts/install-deps.sh test`")
}

/// Ports that were free a moment ago, all different.
fn free_ports<const N: usize>() -> [u16; N] {
    let held: [TcpListener; N] =
        std::array::from_fn(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

impl RabbitMq {
    /// Starts a node in a directory of its own, with the user `guest`.
    pub(crate) fn start() -> Self {
        let server = installation().join("sbin/rabbitmq-server");
        let home = tempfile::tempdir().unwrap();
        let [mapper_port, distribution, amqp, management] = free_ports();
        let mapper = Command::new("epmd")
            .args(["-address", "127.0.0.1", "-port", &mapper_port.to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("epmd is missing: run `scripts/install-deps.sh test`");
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, management));
        let mut rabbit = Self { address, home, node: None, mapper };
        wait_until("the port mapper is there", || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, mapper_port)).is_ok()
        });
        rabbit.node =
            Some(node(&server, rabbit.home.path(), [mapper_port, distribution, amqp, management]));
        rabbit.wait_ready();
        rabbit
    }

    fn wait_ready(&mut self) {
        let (address, log) = (self.address, self.home.path().join("out"));
        let node = self.node.as_mut().unwrap();
        wait_until("RabbitMQ is ready", || {
            if let Some(status) = node.try_wait().unwrap() {
                panic!("RabbitMQ ended with {status}: {}", fs::read_to_string(&log).unwrap());
            }
            // `guest:guest`
            let request = b"GET /api/health/checks/local-alarms HTTP/1.1\r\nHost: localhost\r\n\
                Authorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\nConnection: close\r\n\r\n";
            exchange(address, request).status == 200
        });
    }

    /// The client that this node offers, unchanged, used against `address`.
    pub(crate) fn admin(&self, address: SocketAddr, words: &[&str]) -> Output {
        let program = self.home.path().join("rabbitmqadmin");
        if !program.exists() {
            let request =
                b"GET /cli/rabbitmqadmin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            let answer = exchange(self.address, request);
            assert_eq!(answer.status, 200);
            fs::write(&program, answer.body).unwrap();
        }
        Command::new("python3")
            .arg(&program)
            .args(["-H", "127.0.0.1", "-P", &address.port().to_string()])
            .args(["-u", "guest", "-p", "guest"])
            .args(words)
            .env("HOME", self.home.path())
            .output()
            .expect("python3 is missing: run `scripts/install-deps.sh test`")
    }
}

fn node(server: &Path, home: &Path, ports: [u16; 4]) -> Child {
    let [mapper, distribution, amqp, management] = ports;
    let config = format!(
        "listeners.tcp.1 = 127.0.0.1:{amqp}\nmanagement.tcp.ip = 127.0.0.1\n\
         management.tcp.port = {management}\n"
    );
    fs::write(home.join("rabbitmq.conf"), config).unwrap();
    fs::write(home.join("plugins"), "[rabbitmq_management].").unwrap();
    let out = fs::File::create(home.join("out")).unwrap();
    Command::new(server)
        .env("HOME", home)
        .env("RABBITMQ_MNESIA_BASE", home.join("mnesia"))
        .env("RABBITMQ_LOG_BASE", home.join("log"))
        .env("RABBITMQ_LOGS", "-")
        .env("RABBITMQ_NODENAME", format!("countersign{amqp}@localhost"))
        .env("RABBITMQ_DIST_PORT", distribution.to_string())
        .env("ERL_EPMD_PORT", mapper.to_string())
        .env("RABBITMQ_PID_FILE", home.join("pid"))
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", home.join("plugins"))
        .env("RABBITMQ_CONFIG_FILE", home.join("rabbitmq.conf"))
        .stdin(Stdio::null())
        .stdout(out.try_clone().unwrap())
        .stderr(out)
        .process_group(0)
        .spawn()
        .unwrap()
}

impl Drop for RabbitMq {
    fn drop(&mut self) {
        if let Some(mut node) = self.node.take() {
            // The script and the emulator that it started.
            let group = format!("-{}", node.id());
            Command::new("kill").args(["-s", "KILL", "--", &group]).status().ok();
            node.wait().ok();
        }
        self.mapper.kill().ok();
        self.mapper.wait().ok();
    }
}
