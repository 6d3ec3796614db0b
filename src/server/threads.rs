//! The threads: those of requests, and what steps back for them.

use tokio::runtime::{Builder, Runtime};

use super::ServerError;

/// How far what stands beside the requests steps back where the processors are not enough for all: the
/// index and the seals, and those who read.
const SIDE: i32 = 5;
const READING: i32 = 10;

/// Threads for work that blocks, at most: Tokio's own default, and what the index, the seals and
/// retention need at one time. Each keeps memory of its own, and all take turns.
const BLOCKING: usize = 512;
const SIDE_BLOCKING: usize = 4;

/// For requests.
pub(super) fn requests(threads: usize) -> Result<Runtime, ServerError> {
    runtime("proxy", threads, BLOCKING, 0)
}

/// For what follows the ledger, and all that happens now and then.
pub(super) fn side() -> Result<Runtime, ServerError> {
    runtime("side", 1, SIDE_BLOCKING, SIDE)
}

/// For those who read the log.
pub(super) fn reading() -> Result<Runtime, ServerError> {
    runtime("reading", 2, BLOCKING, READING)
}

/// Threads of this name, which take less of the processors the further they step back from the process.
fn runtime(
    name: &str,
    threads: usize,
    blocking: usize,
    steps: i32,
) -> Result<Runtime, ServerError> {
    let own = rustix::process::getpriority_process(None).unwrap_or_default();
    Builder::new_multi_thread()
        .worker_threads(threads)
        .max_blocking_threads(blocking)
        .thread_name(name)
        .on_thread_start(move || {
            // Of one thread, as Linux has it. Where it is refused, all are alike.
            if steps > 0 {
                rustix::process::setpriority_process(None, own + steps).ok();
            }
        })
        .enable_all()
        .build()
        .map_err(ServerError::Runtime)
}
