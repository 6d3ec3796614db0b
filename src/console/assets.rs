//! Styles, scripts and the icon: in the binary, under names that change with what they hold.

use std::io::Write;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use ring::digest;

/// Digits of the digest in a name.
const DIGITS: usize = 12;
/// What never changes under its name.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// A file that pages load.
pub(super) struct Asset {
    /// The path to load it from.
    pub(super) path: String,
    name: String,
    kind: &'static str,
    text: &'static str,
    /// The same, compressed; nothing secret is beside it.
    gzip: Vec<u8>,
}

impl Asset {
    fn new(stem: &str, extension: &str, kind: &'static str, text: &'static str) -> Self {
        let digest = hex::encode(digest::digest(&digest::SHA256, text.as_bytes()));
        let digits: String = digest.chars().take(DIGITS).collect();
        let name = format!("{stem}-{digits}.{extension}");
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        // Writing to memory does not fail; without it the plain text is sent.
        let gzip = packer.write_all(text.as_bytes()).and_then(|()| packer.finish());
        let gzip = gzip.unwrap_or_default();
        Self { path: format!("/audit/assets/{name}"), name, kind, text, gzip }
    }
}

/// Everything that pages load.
pub(super) struct Assets {
    /// The styles.
    pub(super) style: Asset,
    /// Sets the theme before anything is painted.
    pub(super) theme: Asset,
    /// Everything else that a script does.
    pub(super) script: Asset,
    /// The icon.
    pub(super) icon: Asset,
}

/// The assets of this binary.
pub(super) static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    Assets {
        style: Asset::new("console", "css", "text/css; charset=utf-8", STYLE),
        theme: Asset::new("theme", "js", SCRIPT, include_str!("assets/theme.js")),
        script: Asset::new("console", "js", SCRIPT, include_str!("assets/console.js")),
        icon: Asset::new("icon", "svg", "image/svg+xml", include_str!("assets/icon.svg")),
    }
});

const STYLE: &str = concat!(
    include_str!("assets/base.css"),
    include_str!("assets/list.css"),
    include_str!("assets/event.css"),
);

/// Gives one of them; they tell nothing of the log, and need no token.
pub(super) async fn asset(Path(name): Path<String>, asked: HeaderMap) -> Response {
    let Assets { style, theme, script, icon } = &*ASSETS;
    let found = [style, theme, script, icon].into_iter().find(|asset| asset.name == name);
    let Some(asset) = found else { return StatusCode::NOT_FOUND.into_response() };
    let headers = [
        (header::CONTENT_TYPE, asset.kind),
        (header::CACHE_CONTROL, FOR_GOOD),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    let takes = asked.get(header::ACCEPT_ENCODING).and_then(|takes| takes.to_str().ok());
    let takes = takes.unwrap_or_default().split(',').any(|coding| coding.trim() == "gzip");
    let vary = (header::VARY, "accept-encoding");
    if takes && !asset.gzip.is_empty() {
        let coding = (header::CONTENT_ENCODING, "gzip");
        return (headers, [vary, coding], asset.gzip.as_slice()).into_response();
    }
    (headers, [vary], asset.text).into_response()
}
