//! Which host names of upstreams do not resolve: no problem of the configuration, which may be written
//! elsewhere or earlier than it is used, but told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::Upstream;

/// So long a name may take to resolve.
const PATIENCE: Duration = Duration::from_secs(5);

/// A sentence for each address that does not resolve here and now.
pub(super) fn unresolved(upstreams: &BTreeMap<String, Upstream>) -> Vec<String> {
    let addresses = upstreams.iter().flat_map(|(name, upstream)| {
        upstream.addresses.iter().map(move |address| (name.clone(), address.clone()))
    });
    let named: Vec<_> =
        addresses.filter(|(_, address)| address.parse::<SocketAddr>().is_err()).collect();
    if named.is_empty() {
        return Vec::new();
    }
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else {
        return Vec::new();
    };
    let mut told: Vec<String> = runtime
        .block_on(async {
            let mut looking = JoinSet::new();
            for (upstream, address) in named {
                looking.spawn(async move {
                    let found = timeout(PATIENCE, tokio::net::lookup_host(&address)).await;
                    let found = found.map(|found| found.map(Iterator::count));
                    let why = match found {
                        Ok(Ok(1..)) => return None,
                        Ok(Ok(0)) => "it has no address".to_owned(),
                        Ok(Err(error)) => error.to_string(),
                        Err(_) => "there was no answer in time".to_owned(),
                    };
                    Some(format!("upstream `{upstream}`: `{address}` does not resolve: {why}"))
                });
            }
            looking.join_all().await
        })
        .into_iter()
        .flatten()
        .collect();
    // A resolver that does not answer is not waited for.
    runtime.shutdown_background();
    told.sort();
    told
}
