//! `countersign demo`: a sample legacy admin API, the proxy in front of it, a minute of traffic,
//! the rows, and a search of the data directory for every secret that was sent.
//!
//! Owns the order of these steps and what is said about them. Starting the proxy and printing
//! rows are handed in by the caller.

pub mod api;
mod planted;
mod search;
pub mod traffic;

use std::fs;
use std::future::Future;
use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use crate::cli::interrupt::Interrupt;
use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

pub use planted::PLANTED;
pub use search::{Findings, SearchError, search};

/// Where demos keep their data when nothing else is said: one numbered directory for each.
const DATA: &str = "countersign-demo-data";

/// See it work: a sample admin API with the proxy in front, and some traffic
///
/// Starts both on free ports of this machine, sends requests as people and programs would, failures
/// and rejections among them, prints what is on record, and searches everything that was written
/// for the secrets that were sent. Exit code 1 if one is found or an answer is not as without a
/// proxy.
#[derive(Debug, Clone, clap::Args)]
pub struct DemoArgs {
    /// Spread the traffic over this many seconds; 0 sends it as fast as possible
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(..=86_400))]
    pub seconds: u64,
    /// Keep the API and the proxy running after the traffic, until Ctrl-C
    #[arg(long)]
    pub keep: bool,
    /// Keep the audit log here instead of in a new directory below `countersign-demo-data`
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// A proxy that has been started for the demo.
pub struct RunningProxy {
    /// Its base URL, such as `http://127.0.0.1:8080`.
    pub url: String,
    /// Where its log is looked at, such as `http://127.0.0.1:8090/audit`.
    pub console: String,
    /// The file that holds a token to sign in with.
    pub token: PathBuf,
    /// Stops it; returns when everything is written.
    pub stop: Box<dyn FnOnce() -> anyhow::Result<()> + Send>,
}

/// What the demo came to.
#[derive(Debug)]
pub struct Report {
    /// The traffic.
    pub tally: traffic::Tally,
    /// The search for planted secrets, after the proxy has stopped.
    pub findings: Findings,
}

impl Report {
    /// Every request was answered as without a proxy, and no planted secret is on disk.
    pub fn is_good(&self) -> bool {
        self.tally.unexpected.is_empty() && self.findings.found.is_empty()
    }
}

/// Runs the demo and tells `out` about it.
///
/// `start_proxy` gets the sample API's base URL and the data directory; `show` prints the rows of
/// that directory and is called while the proxy runs, outside any async context.
pub fn run(
    args: &DemoArgs,
    out: &mut dyn Write,
    start_proxy: impl FnOnce(&str, &Path) -> anyhow::Result<RunningProxy>,
    show: impl FnOnce(&Path, &mut dyn Write) -> anyhow::Result<()>,
) -> anyhow::Result<Report> {
    let dir = data_dir(args.data.as_deref())?;
    let runtime = Runtime::new().context("the demo's runtime cannot be started")?;
    // From the beginning: a signal between two waits would be nobody's.
    let mut interrupt = {
        let _within = runtime.enter();
        Interrupt::listen()?
    };
    let api = SampleApi::start(&runtime)?;
    writeln!(out, "sample admin API   {}", api.url)?;
    let proxy = start_proxy(&api.url, &dir).context("the proxy cannot be started")?;
    writeln!(out, "countersign        {}", proxy.url)?;
    writeln!(out, "console            {}", proxy.console)?;
    writeln!(out, "  sign in with     the token in {}", proxy.token.display())?;
    writeln!(out, "audit log          {}", dir.display())?;
    writeln!(out, "sending traffic    about {} s; Ctrl-C stops it\n", args.seconds)?;

    let traffic = traffic::send(&proxy.url, args.seconds);
    let Some(tally) = runtime.block_on(until(&mut interrupt, traffic)) else {
        (proxy.stop)()?;
        bail!("stopped before the traffic was sent; what happened is in {}", dir.display());
    };
    let tally = tally?;
    writeln!(out, "{tally}\n")?;
    show(&dir, out).context("the rows cannot be shown")?;
    if args.keep {
        tell(out, &search(&dir, PLANTED)?)?;
        writeln!(out, "still running at {}; Ctrl-C stops it", proxy.url)?;
        writeln!(out, "look at the log: {}", proxy.console)?;
        writeln!(out, "sign in with:    {}", token(&proxy.token))?;
        out.flush()?;
        runtime.block_on(until(&mut interrupt, std::future::pending::<()>()));
    }
    (proxy.stop)().context("the proxy did not stop cleanly")?;
    api.stop(&runtime)?;
    let findings = search(&dir, PLANTED)?;
    tell(out, &findings)?;
    Ok(Report { tally, findings })
}

/// The token in the file; the demo is nobody's secret.
fn token(file: &Path) -> String {
    let token = fs::read_to_string(file).unwrap_or_default();
    token.trim().to_owned()
}

/// What `work` gives, or nothing if Ctrl-C comes first.
async fn until<T>(interrupt: &mut Interrupt, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        done = work => Some(done),
        () = interrupt.comes() => None,
    }
}

fn tell(out: &mut dyn Write, findings: &Findings) -> io::Result<()> {
    let Findings { files, bytes, found } = findings;
    writeln!(
        out,
        "\nsearched {files} files ({bytes} bytes) for {} planted secrets: {}",
        PLANTED.len(),
        if found.is_empty() { "none is there" } else { "FOUND" }
    )?;
    for (path, text) in found {
        writeln!(out, "  {}: {text}", path.display())?;
    }
    Ok(())
}

/// The directory for the audit log, made if need be.
fn data_dir(chosen: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(dir) = chosen {
        fs::create_dir_all(dir).with_context(|| format!("`{}` cannot be made", dir.display()))?;
        return Ok(dir.to_owned());
    }
    fs::create_dir_all(DATA).with_context(|| format!("`{DATA}` cannot be made"))?;
    for number in 1..=u32::MAX {
        let dir = Path::new(DATA).join(number.to_string());
        match fs::create_dir(&dir) {
            Ok(()) => return Ok(dir),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).with_context(|| format!("`{}` cannot be made", dir.display()));
            }
        }
    }
    bail!("`{DATA}` is full of demos: remove it, or choose another place with --data")
}

/// The sample API on a free port of the loopback interface.
struct SampleApi {
    url: String,
    stop: oneshot::Sender<()>,
    task: tokio::task::JoinHandle<io::Result<()>>,
}

impl SampleApi {
    fn start(runtime: &Runtime) -> anyhow::Result<Self> {
        let listener = runtime
            .block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
            .context("the sample API finds no free port")?;
        let url = format!("http://{}", listener.local_addr()?);
        let (stop, stopped) = oneshot::channel::<()>();
        let task = runtime.spawn(api::serve(listener, async {
            // An error means that the sender is gone, which is a reason to stop as well.
            drop(stopped.await);
        }));
        Ok(Self { url, stop, task })
    }

    fn stop(self, runtime: &Runtime) -> anyhow::Result<()> {
        drop(self.stop);
        runtime.block_on(self.task)?.context("the sample API failed")
    }
}

#[cfg(test)]
mod tests;
