use std::path::Path;

use super::load::load_text;
use super::*;

#[test]
fn shipped_file_loads() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/countersign.yaml");
    let config = load(&path).unwrap_or_else(|problems| panic!("{problems}"));
    let text = "upstreams: {admin: http://127.0.0.1:9000}";
    let minimal = load_text(Path::new("x.yaml"), text).unwrap();
    assert_eq!(
        Config { version: String::new(), ..config },
        Config { version: String::new(), ..minimal }
    );
}
