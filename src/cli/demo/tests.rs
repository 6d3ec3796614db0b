use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{DemoArgs, RunningProxy, run};

fn args(data: PathBuf) -> DemoArgs {
    DemoArgs { seconds: 0, keep: false, data: Some(data) }
}

/// What stands in the place of a proxy.
fn running(upstream: &str, stop: Box<dyn FnOnce() -> anyhow::Result<()> + Send>) -> RunningProxy {
    let (url, console) = (upstream.to_owned(), format!("{upstream}/audit"));
    RunningProxy { url, console, token: PathBuf::from("bootstrap.token"), stop }
}

/// Without a proxy: the API itself in its place. The script must get just the answers it expects.
#[test]
fn the_script_gets_the_answers_that_it_expects() {
    let dir = tempfile::tempdir().unwrap();
    let stopped = Arc::new(AtomicBool::new(false));
    let mut out = Vec::new();
    let report = run(
        &args(dir.path().join("data")),
        &mut out,
        |upstream, _| {
            let stopped = Arc::clone(&stopped);
            let stop = Box::new(move || {
                stopped.store(true, Ordering::SeqCst);
                Ok(())
            });
            Ok(running(upstream, stop))
        },
        |_, out| Ok(writeln!(out, "the rows")?),
    )
    .unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(report.is_good(), "{text}");
    assert!(stopped.load(Ordering::SeqCst));
    assert!(report.tally.mutations >= 60, "{}", report.tally);
    for status in [200, 201, 204, 302, 303, 400, 401, 402, 403, 404, 409, 422, 429, 500] {
        assert!(report.tally.by_status.contains_key(&status), "no {status}: {}", report.tally);
    }
    assert!(text.contains("the rows") && text.contains("none is there"), "{text}");
}

#[test]
fn a_planted_secret_on_disk_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let mut out = Vec::new();
    let report = run(
        &args(dir.path().to_owned()),
        &mut out,
        |upstream, dir| {
            std::fs::write(dir.join("leak"), super::planted::SMTP_PASSWORD)?;
            Ok(running(upstream, Box::new(|| Ok(()))))
        },
        |_, _| Ok(()),
    )
    .unwrap();
    assert!(!report.is_good());
    assert!(String::from_utf8(out).unwrap().contains("FOUND"));
}
