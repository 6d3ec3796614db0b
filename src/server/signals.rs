//! Signals: stop on SIGINT and SIGTERM, reload on SIGHUP.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that stop the process.
pub(super) struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one and names it.
    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

/// All signals that this process answers.
pub(super) struct Signals {
    /// Stop.
    pub(super) stop: Stop,
    /// Reload.
    pub(super) hangup: Signal,
}

impl Signals {
    /// Listens for all of them; must be called inside a runtime.
    pub(super) fn listen() -> io::Result<Self> {
        survive_file_size_limit()?;
        Ok(Self { stop: Stop::listen()?, hangup: signal(SignalKind::hangup())? })
    }
}

/// Number of SIGXFSZ on Linux: all architectures but MIPS (signal(7)).
const SIGXFSZ: i32 = 25;

/// A file that may not grow further is a full disk, which is answered and survived, not a reason
/// to be killed: with a handler in place the write fails with `EFBIG` instead. The handler stays
/// for the life of the process.
fn survive_file_size_limit() -> io::Result<()> {
    signal(SignalKind::from_raw(SIGXFSZ)).map(drop)
}
