//! Work on large bodies, so that other requests need not wait for it.

use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

use crate::capture::Body;

/// From so many bytes on, others would notice.
pub(super) const HEAVY_BYTES: usize = 32 * 1024;
/// So many times larger than it arrives, at a guess, a compressed body is.
const RATIO: usize = 32;

/// How many bytes there are to go through in a body, about.
pub(super) fn weight(headers: &HeaderMap, body: &Body) -> usize {
    let ratio = if headers.contains_key(CONTENT_ENCODING) { RATIO } else { 1 };
    body.bytes.len().saturating_mul(ratio)
}

/// Does work on so many bytes, on a thread that nobody else waits for if they are many.
pub(super) fn through<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let has_others =
        || Handle::try_current().is_ok_and(|it| it.runtime_flavor() == RuntimeFlavor::MultiThread);
    if bytes >= HEAVY_BYTES && has_others() { block_in_place(work) } else { work() }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn compressed_bodies_weigh_more() {
        let (mut headers, body) = (HeaderMap::new(), Body::whole(vec![0; 2048]));
        assert!(weight(&headers, &body) < HEAVY_BYTES);
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert!(weight(&headers, &body) >= HEAVY_BYTES);
    }

    /// On one worker, a task that is ready runs while heavy work waits for it.
    #[test]
    fn others_go_on_while_heavy_work_is_done() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        runtime.block_on(async {
            let (go, gone) = std::sync::mpsc::sync_channel(1);
            let heavy = tokio::spawn(async move { through(HEAVY_BYTES, || gone.recv()) });
            tokio::spawn(async move { go.send(()).unwrap() }).await.unwrap();
            heavy.await.unwrap().unwrap();
        });
        assert_eq!(through(HEAVY_BYTES, || 7), 7, "without a runtime too");
    }
}
