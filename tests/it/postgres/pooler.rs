//! Behind a pooler that gives every transaction another connection.

use std::fs::{self, File};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::thread;

use super::{events_of, post, setup};
use crate::support::{
    Postgres, Proxy, Reply, Running, Upstream, exchange, free_address, wait_until,
};

/// pgbouncer, which does not run as root either.
fn pgbouncer(server: &Postgres, home: &std::path::Path) -> (Running, u16) {
    let port = free_address().port();
    let config = format!(
        "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
         listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {}/users\n\
         pool_mode = transaction\ndefault_pool_size = 3\n",
        server.port,
        home.display()
    );
    fs::set_permissions(home, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(home.join("users"), "\"proxy\" \"\"\n\"owner\" \"\"\n").unwrap();
    fs::write(home.join("pgbouncer.ini"), config).unwrap();
    let log = File::create(home.join("pgbouncer.log")).unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("pgbouncer");
    command.env("PATH", format!("{path}:/usr/sbin:/sbin")).arg(home.join("pgbouncer.ini"));
    if rustix::process::geteuid().is_root() {
        command.uid(65534).gid(65534);
    }
    let child = command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn();
    let child = child.expect("pgbouncer is missing: run `scripts/install-deps.sh test`");
    wait_until("pgbouncer is there", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    (Running(child), port)
}

#[test]
fn two_proxies_share_a_ledger_through_pgbouncer_in_transaction_mode() {
    let server = Postgres::start();
    let database = server.ledger();
    let home = tempfile::tempdir().unwrap();
    let (_bouncer, port) = pgbouncer(&server, home.path());
    let upstream = Upstream::start(|_| Reply::ok());
    let url = format!("postgres://proxy@127.0.0.1:{port}/{database}");
    let one = setup(&url, ", prepared_statements: false");
    let mut two = one.clone();
    two.ledger = two.ledger.replace("writer: one", "writer: two");
    let proxies = [Proxy::with(upstream.address, &one), Proxy::with(upstream.address, &two)];
    thread::scope(|scope| {
        for (n, proxy) in proxies.iter().enumerate() {
            for client in 0..4 {
                scope.spawn(move || {
                    for request in 0..5 {
                        let path = format!("/{n}/{client}/{request}");
                        assert_eq!(exchange(proxy.address, &post(&path)).status, 200, "{path}");
                    }
                });
            }
        }
    });
    // Each of them shows what both have recorded.
    for proxy in &proxies {
        let events = proxy.events();
        assert_eq!(events.len(), 40);
        assert!(events.iter().all(|event| event["outcome"] == "success"));
        assert_eq!(events_of(proxy, "/1/3/4").len(), 1);
    }
    let heads = "SELECT count(*) FROM countersign.writers WHERE head >= 41";
    assert_eq!(server.sql(&database, heads), "2");
    // Nothing of a session is left behind in the pool.
    for _ in 0..6 {
        let output = Command::new("psql")
            .args(["-X", "-t", "-A", "-h", "127.0.0.1", "-p", &port.to_string()])
            .args(["-U", "proxy", "-d", &database, "-c"])
            .arg("SELECT concat(setting) FROM pg_settings WHERE name = 'statement_timeout'")
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "0", "{output:?}");
    }
}
