//! How many descriptors (files, connections) the process may have.
//!
//! Without one, no connection to the API can be made and audited requests end as `not_sent`. The
//! usual soft limit, 1,024, stands for programs that use `select`; this is none.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Beside connections: databases, listeners, runtimes.
const BESIDE: u64 = 64;

/// Raises the soft limit to the hard one, and says so if that is too low even for `connections`
/// alone.
pub(super) fn raise(connections: usize) {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "the limit of open files cannot be raised");
        }
    }
    let needed = (connections as u64).saturating_add(BESIDE);
    if let Some(allowed) = getrlimit(Resource::Nofile).current.filter(|&allowed| allowed < needed) {
        tracing::warn!(
            allowed,
            needed,
            "too few open files are allowed for `limits.connections`: raise `ulimit -n`, or \
             `LimitNOFILE` of the unit, or lower the setting"
        );
    }
}
