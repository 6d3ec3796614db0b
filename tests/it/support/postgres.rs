//! Private PostgreSQL servers, from the system's programs or others, ended by their own handles.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use countersign::store::PostgresTarget;
use tempfile::TempDir;

use super::{free_address, wait_until};

/// PostgreSQL does not run as root.
const NOBODY: u32 = 65534;

/// Where programs of a version of PostgreSQL are, and what they have made already.
#[derive(Debug, Clone)]
pub(crate) struct Programs(PathBuf);

impl Programs {
    /// The newest that the system has.
    pub(crate) fn newest() -> Self {
        let missing = "PostgreSQL is missing: run `scripts/install-deps.sh test`";
        let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
            .expect(missing)
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let bin = entry.path().join("bin");
                let version = entry.file_name().to_str()?.parse().ok()?;
                bin.join("postgres").exists().then_some((version, bin))
            })
            .collect();
        versions.sort();
        Self(versions.pop().expect(missing).1)
    }

    /// Those of a package of programs, `bin` and what it needs.
    pub(crate) fn of_package(package: &Path) -> Self {
        let programs = Self(package.join("bin"));
        let runs = programs.command("postgres").arg("--version").output();
        if runs.is_ok_and(|output| output.status.success()) {
            return programs;
        }
        // Nobody may not look into a home directory.
        let name = package.to_string_lossy().replace('/', "-");
        let copied = std::env::temp_dir().join(format!("countersign{name}"));
        let lock = File::create(copied.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        if !copied.exists() {
            copy(package, &copied);
        }
        Self(copied.join("bin"))
    }

    /// One of them, as somebody who may run it.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.0.join(program));
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C").current_dir("/");
        as_nobody(&mut command);
        command.stdin(Stdio::null());
        command
    }

    /// A data directory as `initdb` makes it, made once for all tests.
    fn template(&self) -> PathBuf {
        let name = self.0.to_string_lossy().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("initdb{name}"));
        let lock = File::create(home.with_extension("lock")).unwrap();
        lock.lock().unwrap();
        if !home.exists() {
            let made = tempfile::tempdir().unwrap();
            open_to_nobody(made.path());
            let data = made.path().join("data");
            let output = self
                .command("initdb")
                .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"])
                .args(["--wal-segsize", "1", "-D"])
                .arg(&data)
                .output()
                .unwrap();
            assert!(output.status.success(), "initdb: {}", text(&output));
            copy(&data, &home.with_extension("new"));
            fs::rename(home.with_extension("new"), &home).unwrap();
        }
        home
    }
}

/// As root, the child becomes nobody.
fn as_nobody(command: &mut Command) {
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
}

/// Lets nobody, as whom servers run, use a directory of ours.
fn open_to_nobody(dir: &Path) {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o711)).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(dir, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).output().unwrap();
    assert!(copied.status.success(), "cp: {}", text(&copied));
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// A server that runs, with its files.
pub(crate) struct Postgres {
    programs: Programs,
    /// Packages of servers come without clients, and any version's can talk to any server.
    clients: Programs,
    /// The port, over TCP on loopback and in the name of the unix socket.
    pub(crate) port: u16,
    home: TempDir,
    settings: Vec<String>,
    template: OnceLock<String>,
    /// What the server is run by, where it is not run by itself.
    apart: Vec<String>,
    child: Option<Child>,
}

/// The settings of every server: small, and as durable as in production.
const SETTINGS: [&str; 6] = [
    "fsync=on",
    "shared_buffers=16MB",
    "max_connections=60",
    "listen_addresses=127.0.0.1",
    "log_min_messages=warning",
    "max_wal_senders=4",
];

impl Postgres {
    /// Starts a server of the system's version.
    pub(crate) fn start() -> Self {
        Self::with(&Programs::newest(), &[])
    }

    /// Starts a server with further settings, `name=value`.
    pub(crate) fn with(programs: &Programs, settings: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        open_to_nobody(home.path());
        copy(&programs.template(), &home.path().join("data"));
        Self::on(programs.clone(), home, settings)
    }

    fn on(programs: Programs, home: TempDir, settings: &[&str]) -> Self {
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let port = free_address().port();
        let template = OnceLock::new();
        let apart = Vec::new();
        let mut server = Self {
            programs,
            clients: Programs::newest(),
            port,
            home,
            settings,
            template,
            apart,
            child: None,
        };
        server.spawn();
        server
    }

    /// A server whose databases are on a small file system, which nobody else sees; none where this
    /// system does not let us mount one.
    pub(crate) fn on_a_small_disk() -> Option<Self> {
        let home = tempfile::tempdir().unwrap();
        open_to_nobody(home.path());
        let small = home.path().join("small");
        fs::create_dir(&small).unwrap();
        open_to_nobody(&small);
        let mount = format!("mount -t tmpfs -o size=48m,mode=700,uid={NOBODY},gid={NOBODY} tmpfs");
        let script = format!(
            "{mount} \"$0\" && exec setpriv --reuid={NOBODY} --regid={NOBODY} \
                              --clear-groups \"$@\""
        );
        let mut apart = ["unshare", "-m", "sh", "-c"].map(str::to_owned).to_vec();
        apart.extend([script, small.display().to_string()]);
        let possible = Command::new(&apart[0]).args(&apart[1..]).arg("true").output();
        if !possible.is_ok_and(|output| output.status.success()) {
            return None;
        }
        let programs = Programs::newest();
        copy(&programs.template(), &home.path().join("data"));
        let (settings, template) = (vec!["temp_file_limit=1MB".to_owned()], OnceLock::new());
        let port = free_address().port();
        let mut server = Self {
            clients: programs.clone(),
            programs,
            port,
            home,
            settings,
            template,
            apart,
            child: None,
        };
        server.spawn();
        server.sql("postgres", &format!("CREATE TABLESPACE small LOCATION '{}'", small.display()));
        Some(server)
    }

    /// A standby that follows this server.
    pub(crate) fn standby(&self, name: &str, settings: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        open_to_nobody(home.path());
        let output = self
            .clients
            .command("pg_basebackup")
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "postgres"])
            .args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "-D"])
            .arg(home.path().join("data"))
            .output()
            .unwrap();
        assert!(output.status.success(), "pg_basebackup: {}", text(&output));
        let cluster_name = format!("cluster_name={name}");
        let settings: Vec<&str> = settings.iter().copied().chain([&*cluster_name]).collect();
        Self::on(self.programs.clone(), home, &settings)
    }

    fn spawn(&mut self) {
        let log =
            File::options().create(true).append(true).open(self.home.path().join("log")).unwrap();
        let mut command = match self.apart.split_first() {
            None => self.programs.command("postgres"),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(self.programs.0.join("postgres")).stdin(Stdio::null());
                command
            }
        };
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]);
        command.arg("-k").arg(self.home.path());
        for setting in SETTINGS.iter().copied().chain(self.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        self.child = Some(child);
        let ready = |server: &Self| {
            let mut command = server.clients.command("pg_isready");
            command.args(["-q", "-h", "127.0.0.1", "-p", &server.port.to_string()]);
            command.status().unwrap().success()
        };
        wait_until("PostgreSQL is ready", || {
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                panic!("PostgreSQL ended with {status}: {}", self.log());
            }
            ready(self)
        });
    }

    /// The server's files.
    pub(crate) fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// What the server has logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.home.path().join("log")).unwrap_or_default()
    }

    /// The id of the server's first process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// `pg_ctl` with these words.
    pub(crate) fn pg_ctl(&self, words: &[&str]) {
        let output =
            self.programs.command("pg_ctl").arg("-D").arg(self.data()).args(words).output();
        let output = output.unwrap();
        assert!(output.status.success(), "pg_ctl {words:?}: {}", text(&output));
    }

    /// Ends it at once, as a crash does.
    pub(crate) fn crash(&mut self) {
        if let Some(mut child) = self.child.take() {
            self.pg_ctl(&["stop", "-m", "immediate"]);
            child.wait().unwrap();
        }
    }

    /// Starts it again.
    pub(crate) fn restart(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        self.spawn();
    }

    /// Every process of the server, children first, gets this signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = self.pid();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        let all = children.split_whitespace().map(|child| child.parse().unwrap());
        for process in all.chain([i32::try_from(pid).unwrap()]) {
            let process = rustix::process::Pid::from_raw(process).unwrap();
            // A child may have ended since.
            rustix::process::kill_process(process, signal).ok();
        }
    }

    /// The output of statements, each in a transaction of its own, as a login; or what was said
    /// against them.
    pub(crate) fn try_sql(&self, login: &str, database: &str, sql: &str) -> Result<String, String> {
        let output = Command::new("psql")
            .args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"])
            .args(["-p", &self.port.to_string(), "-U", login, "-d", database, "-c", sql])
            .env("PGOPTIONS", "-c client_min_messages=warning")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned()),
            false => Err(text(&output)),
        }
    }

    /// The same as the superuser.
    #[track_caller]
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        self.try_sql("postgres", database, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    fn name(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        format!("audit{}", NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// A new database of the login `owner`, without anything in it; its name.
    pub(crate) fn database(&self) -> String {
        let name = self.name();
        self.sql(
            "postgres",
            "DO $$ BEGIN CREATE ROLE owner LOGIN CREATEROLE; CREATE ROLE proxy LOGIN; \
             EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        );
        let tablespace = if self.apart.is_empty() { "" } else { "TABLESPACE small" };
        self.sql("postgres", &format!("CREATE DATABASE {name} OWNER owner {tablespace}"));
        name
    }

    /// A new database with a ledger, which the login `proxy` may write to. The first is made, the
    /// others are copies of it.
    pub(crate) fn ledger(&self) -> String {
        let template = self.template.get_or_init(|| self.migrated());
        if !self.apart.is_empty() {
            return template.clone();
        }
        let name = self.name();
        self.sql("postgres", &format!("CREATE DATABASE {name} TEMPLATE {template} OWNER owner"));
        name
    }

    fn migrated(&self) -> String {
        let name = self.database();
        let target = self.target("owner", &name);
        // Callers may be in a runtime of their own.
        std::thread::scope(|scope| {
            let migrated = scope.spawn(|| {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(countersign::store::migrate(&target)).unwrap()
            });
            migrated.join().unwrap();
        });
        self.sql(&name, "GRANT countersign_writer TO proxy");
        name
    }

    /// The URL of a database for a login.
    pub(crate) fn url(&self, login: &str, database: &str) -> String {
        format!("postgres://{login}@127.0.0.1:{}/{database}", self.port)
    }

    /// The same, checked.
    pub(crate) fn target(&self, login: &str, database: &str) -> PostgresTarget {
        PostgresTarget::parse(&self.url(login, database)).unwrap()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pid = rustix::process::Pid::from_child(&child);
            // A fast end even of one that was stopped.
            rustix::process::kill_process(pid, rustix::process::Signal::QUIT).ok();
            rustix::process::kill_process(pid, rustix::process::Signal::CONT).ok();
            child.wait().ok();
        }
    }
}
