//! curl, as a client that others wrote.

use std::process::Command;

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Curl {
    /// curl's exit code: 0 if there was an answer.
    pub(crate) exit: Option<i32>,
    /// The version of HTTP, such as `1.1` or `2`.
    pub(crate) version: String,
    /// The status; 0 if there was no answer.
    pub(crate) status: u16,
    /// The header field `Countersign-Event`; empty if there was none.
    pub(crate) event: String,
    /// The body.
    pub(crate) body: String,
}

/// Calls curl; it must be installed.
pub(crate) fn curl(args: &[&str]) -> Curl {
    let mut curl = Command::new("curl");
    curl.args(["-s", "-m", "30", "--noproxy", "*"]);
    curl.args(["-w", "\n%{http_version} %{http_code} %header{countersign-event}"]);
    let output = curl.args(args).output().expect("curl is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, last) = text.rsplit_once('\n').unwrap_or(("", &text));
    let mut words = last.split(' ').map(ToOwned::to_owned);
    Curl {
        exit: output.status.code(),
        version: words.next().unwrap_or_default(),
        status: words.next().and_then(|status| status.parse().ok()).unwrap_or(0),
        event: words.next().unwrap_or_default(),
        body: body.to_owned(),
    }
}
