use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::load::examine_text;
use super::*;
use crate::problem::Problems;
use crate::rules::Pack;

mod random;
mod reading;

const MINIMAL: &str = "upstreams: {admin: http://127.0.0.1:9000}\n";

fn load_text(text: &str) -> Result<Config, Problems> {
    match examine_text(Path::new("x.yaml"), text) {
        Examined::Fine(config) => Ok(config),
        Examined::Wrong { problems, .. } => Err(problems),
    }
}

fn fine(text: &str) -> Config {
    load_text(text).unwrap_or_else(|problems| panic!("{text}\n{problems}"))
}

fn without_version(config: Config) -> Config {
    Config { version: String::new(), ..config }
}

fn shipped() -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/countersign.yaml");
    let text = fs::read_to_string(&path).unwrap();
    (path, text)
}

/// Each file of `tests/data/config` with all its problems. The working directory is the crate's.
#[test]
fn bad_files() {
    let mut files: Vec<PathBuf> = fs::read_dir("tests/data/config")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    assert!(files.len() > 10);
    insta::with_settings!({
        snapshot_path => "../../tests/data/config/expected",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        for file in files {
            let problems = load(&file).expect_err(&file.display().to_string());
            assert!(problems.0.iter().all(|problem| !problem.remedy.is_empty()));
            let name = file.file_stem().unwrap().to_str().unwrap();
            insta::assert_snapshot!(name, problems.to_string());
        }
    });
}

#[test]
fn file_that_cannot_be_read() {
    for path in ["no/such/file.yaml", "src"] {
        let problems = load(Path::new(path)).unwrap_err();
        let [problem] = problems.0.as_slice() else { panic!("{problems}") };
        assert_eq!((problem.file.as_path(), problem.line), (Path::new(path), 0));
        assert!(problem.message.starts_with("cannot be read: "), "{problem}");
    }
}

#[test]
fn shipped_file_is_the_defaults() {
    let (path, _) = shipped();
    let config = load(&path).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(without_version(config), without_version(fine(MINIMAL)));
}

/// What is commented out in the shipped file must be right too, but for the files it names.
#[test]
fn shipped_file_uncommented() {
    let (path, text) = shipped();
    let setting = regex::Regex::new(r"(?m)^( *)# ( *(?:- )?[a-z0-9_]+:.*)$").unwrap();
    let text = setting.replace_all(&text, "$1$2");
    let Examined::Wrong { problems, understood } = examine_text(&path, &text) else {
        panic!("the certificates of the examples exist")
    };
    for problem in &problems.0 {
        let about_files = ["cannot be read", "is not a directory"];
        assert!(about_files.iter().any(|text| problem.message.contains(text)), "{problem}");
    }
    assert_eq!(problems.0.len(), 15, "{problems}");
    let config = understood.unwrap();
    assert_eq!(config.upstreams.len(), 2);
    assert_eq!(config.routes.len(), 3);
    let billing = &config.upstreams["billing"];
    let tls = UpstreamTls {
        server_name: "billing.internal".to_owned(),
        ca: None,
        client_certificate: None,
        insecure: false,
    };
    assert_eq!(billing.tls, Some(tls));
    let check = billing.health_check.clone().unwrap();
    assert_eq!(check.path.as_deref(), Some("/health"));
    let defaults = fine("upstreams: {a: {addresses: \"a:1\", health_check: {}}}");
    let default_check = defaults.upstreams["a"].health_check.clone().unwrap();
    assert_eq!(HealthCheck { path: None, ..check }, default_check);
}

fn schema_value() -> Value {
    serde_json::to_value(schema()).unwrap()
}

#[test]
fn shipped_file_mentions_every_setting() {
    fn properties(value: &Value, found: &mut BTreeSet<String>) {
        if let Some(map) = value.get("properties").and_then(Value::as_object) {
            found.extend(map.keys().cloned());
            for (name, property) in map {
                assert!(property.get("description").is_some(), "`{name}` is not described");
            }
        }
        for child in value.as_object().into_iter().flat_map(Map::values) {
            properties(child, found);
        }
    }
    let mut names = BTreeSet::new();
    properties(&schema_value(), &mut names);
    assert!(names.len() > 60, "{names:?}");
    let (_, text) = shipped();
    for name in names {
        assert!(text.contains(&format!("{name}:")), "`{name}` is not in the shipped file");
    }
}

/// What the schema calls the default is what is in force.
#[test]
fn defaults_of_the_schema() {
    let schema = schema_value();
    let defaults = |name: &str| {
        let properties = match name {
            "" => &schema["properties"],
            name => &schema["$defs"][name]["properties"],
        };
        let with_default = properties.as_object().unwrap().iter().filter_map(|(name, property)| {
            property.get("default").map(|default| (name.clone(), default.clone()))
        });
        Value::Object(with_default.collect())
    };
    let mut file = defaults("");
    for (section, name) in [
        ("timeouts", "TimeoutsFile"),
        ("limits", "LimitsFile"),
        ("ledger", "LedgerFile"),
        ("seal", "SealFile"),
        ("retention", "RetentionFile"),
        ("reading", "ReadingFile"),
        ("telemetry", "TelemetryFile"),
        ("rules", "RulesFile"),
    ] {
        file[section] = defaults(name);
        assert!(!file[section].as_object().unwrap().is_empty());
    }
    file["reading"]["sessions"] = defaults("SessionsFile");
    let mut upstream = defaults("UpstreamMapping");
    upstream["addresses"] = json!("127.0.0.1:9000");
    upstream["tls"] = defaults("UpstreamTlsFile");
    upstream["health_check"] = defaults("HealthCheckFile");
    file["upstreams"] = json!({ "admin": upstream });
    let mut route = defaults("RouteFile");
    route["name"] = json!("default");
    route["capture"] = defaults("CaptureFile");
    let generation =
        json!({"name": "generation", "endpoints": "generation", "kind": file["generation"]});
    file["routes"] = json!([generation, route]);
    // Both are written out, as they are added where nothing is.
    file.as_object_mut().unwrap().remove("generation");
    let mut listener = defaults("ListenerMapping");
    listener["address"] = file["listeners"][0].clone();
    file["listeners"] = json!([listener]);
    let shown = fine(&file.to_string());
    let really =
        fine("upstreams: {admin: {addresses: \"127.0.0.1:9000\", tls: {}, health_check: {}}}");
    assert_eq!(without_version(shown), without_version(really));
}

#[test]
fn what_is_left_empty_is_no_default() {
    // A section of which every line is a comment says nothing.
    fine("upstreams: {a: http://127.0.0.1:2}\nledger:\ntelemetry: ~\n");
    for (key, text) in [
        (
            "client_ca",
            "listeners: [{address: \"127.0.0.1:1\", tls: {certificate: a, key: b, client_ca: }}]",
        ),
        ("tls", "listeners: [{address: \"127.0.0.1:1\", tls: }]"),
        ("mode", "ledger: {postgres: {url: \"postgres://a\", tls: {mode: }}}"),
        ("connect", "timeouts: {connect: null}"),
    ] {
        let text = format!("upstreams: {{a: http://127.0.0.1:2}}\n{text}\n");
        let problems = load_text(&text).unwrap_err().to_string();
        assert!(problems.contains(":2:"), "{problems}");
        assert!(problems.contains(&format!("`{key}` is empty")), "{problems}");
        assert!(problems.contains("remove the line"), "{problems}");
    }
    let problems = load_text("upstreams: {a: {addresses: [\"b:2\"], tls: }}\n").unwrap_err();
    assert!(problems.to_string().contains("`tls` is empty"), "{problems}");
}

#[test]
fn a_misspelt_level_does_not_switch_the_log_off() {
    let of = |filter: &str| {
        load_text(&format!(
            "upstreams: {{a: http://127.0.0.1:2}}\ntelemetry: {{filter: \"{filter}\"}}\n"
        ))
    };
    for filter in ["info", "OFF", "warn,countersign=debug", "countersign::proxy=trace, error"] {
        assert!(of(filter).is_ok(), "{filter}");
    }
    for filter in ["inof", "", " ", "countersign", "info,debugg", "bogus=nolevel"] {
        assert!(of(filter).is_err(), "{filter}");
    }
}

#[test]
fn certificates_and_limits_that_cannot_be_used_together_are_problems() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: String| fs::write(dir.path().join(name), text).unwrap();
    for name in ["one", "two"] {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        write(&format!("{name}.pem"), made.cert.pem());
        write(&format!("{name}.key"), made.signing_key.serialize_pem());
    }
    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    write("junk.pem", junk.to_owned());
    let listener = |tls: &str| {
        format!(
            "listeners: [{{address: \"127.0.0.1:1\", tls: {{{tls}}}}}]\nupstreams: {{a: http://127.0.0.1:2}}\n"
        )
    };
    let upstream =
        |tls: &str| format!("upstreams: {{a: {{addresses: [\"b:2\"], tls: {{{tls}}}}}}}\n");
    let limits = |capture: &str| {
        format!(
            "upstreams: {{a: http://127.0.0.1:2}}\nlimits: {{captured_bytes: 256KiB}}\n\
             routes: [{{name: all, capture: {{{capture}}}}}]\n"
        )
    };
    for (text, problem) in [
        (listener("certificate: one.pem, key: one.key"), None),
        (
            listener("certificate: one.pem, key: two.key"),
            Some("`certificate` and `key` do not fit"),
        ),
        (
            listener("certificate: junk.pem, key: one.key"),
            Some("`certificate` and `key` do not fit"),
        ),
        (
            listener("certificate: one.pem, key: one.key, client_ca: junk.pem"),
            Some("`client_ca` holds no certificate"),
        ),
        (upstream("client_certificate: two.pem, client_key: two.key, ca: one.pem"), None),
        (
            upstream("client_certificate: two.pem, client_key: one.key"),
            Some("`client_certificate` and `client_key` do not fit"),
        ),
        (upstream("ca: junk.pem"), Some("`ca` holds no certificate")),
        (limits("request: 96KiB, response: 96KiB"), None),
        (limits("request: 96KiB, response: 97KiB"), Some("no room for one request")),
        (limits("request: 200KiB"), Some("`capture.request` is out of range")),
    ] {
        let file = dir.path().join("countersign.yaml");
        fs::write(&file, &text).unwrap();
        let found = load(&file).err().map(|problems| problems.to_string()).unwrap_or_default();
        assert!(
            problem.map_or(found.is_empty(), |problem| found.contains(problem)),
            "{text}{found}"
        );
    }
}

#[test]
fn everything_set() {
    let dir = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    fs::write(dir.path().join("server.pem"), made.cert.pem()).unwrap();
    fs::write(dir.path().join("server.key"), made.signing_key.serialize_pem()).unwrap();
    fs::create_dir(dir.path().join("rules")).unwrap();
    let file = dir.path().join("countersign.yaml");
    let text = r#"
listeners:
  - { address: "[::1]:8443", http2: false, tls: { certificate: server.pem, key: server.key, client_ca: server.pem } }
  - unix:relative.sock
upstreams:
  Main: { addresses: "LOCALHOST:9000", tls: { client_certificate: server.pem, client_key: server.key, insecure: true }, http: auto, balancing: client_ip }
  other: { addresses: ["[::1]:1", "b:2"], http: 2, tls: {server_name: x.example, ca: server.pem} }
routes:
  - { name: one, hosts: ["*.Example.com"], paths: [/a/, /], methods: post, endpoints: generation, upstream: other, kind: gateway, level: metadata,
      capture: { request: 1MiB, response: 10 KB }, streaming: true, upgrades: true, host_header: "h:1" }
  - { name: rest, upstream: Main }
trusted_proxies: 10.1.2.3
timeouts: { connect: 250ms }
rules: { dir: rules, packs: [pii, tokens] }
threads: 3
"#;
    fs::write(&file, text).unwrap();
    let config = load(&file).unwrap_or_else(|problems| panic!("{problems}"));
    let at = |name: &str| dir.path().join(name);
    assert_eq!(
        config.listeners,
        [
            Listener {
                address: Address::Tcp("[::1]:8443".parse().unwrap()),
                tls: Some(ListenerTls {
                    certificate: at("server.pem"),
                    key: at("server.key"),
                    client_ca: Some(at("server.pem")),
                }),
                http2: false,
            },
            Listener { address: Address::Unix("relative.sock".into()), tls: None, http2: true },
        ]
    );
    let main = &config.upstreams["Main"];
    assert_eq!(main.addresses, ["localhost:9000"]);
    assert_eq!((main.http, main.balancing), (HttpVersions::Auto, Balancing::ClientIp));
    let tls = main.tls.clone().unwrap();
    assert_eq!(tls.server_name, "localhost");
    assert_eq!(tls.client_certificate, Some((at("server.pem"), at("server.key"))));
    assert!(tls.insecure);
    let other = &config.upstreams["other"];
    assert_eq!(other.addresses, ["[::1]:1", "b:2"]);
    assert_eq!(other.http, HttpVersions::Http2);
    let route = Route {
        name: "one".to_owned(),
        hosts: vec!["*.example.com".to_owned()],
        paths: vec!["/a".to_owned(), "/".to_owned()],
        methods: vec!["POST".to_owned()],
        generation: true,
        upstream: "other".to_owned(),
        kind: RouteKind::Gateway,
        level: AuditLevel::Metadata,
        capture_request: 1 << 20,
        capture_response: 10_000,
        streaming: true,
        upgrades: true,
        snapshots: Snapshots::Rules,
        host_header: Some("h:1".to_owned()),
    };
    assert_eq!(config.routes.first(), Some(&route));
    assert_eq!(config.trusted_proxies, ["10.1.2.3/32".parse().unwrap()]);
    assert_eq!(config.timeouts.connect, Duration::from_millis(250));
    assert_eq!(config.rules_dir, Some(at("rules")));
    assert_eq!(config.packs, [Pack::Pii, Pack::Tokens]);
    assert_eq!(config.threads, 3);
    assert_eq!(config.version.len(), 16);
}

#[test]
fn the_only_upstream_gets_the_rest() {
    let config = fine(
        "upstreams: {a: http://127.0.0.1:1}\nroutes: [{name: default, paths: /x, kind: bypass}]",
    );
    let names: Vec<&str> = config.routes.iter().map(|route| route.name.as_str()).collect();
    assert_eq!(names, ["default", "generation", "default-rest"]);
    let kinds: Vec<_> = config.routes.iter().map(|route| (route.kind, route.generation)).collect();
    let expected =
        [(RouteKind::Bypass, false), (RouteKind::Gateway, true), (RouteKind::Admin, false)];
    assert_eq!(kinds, expected);
    let small = fine("upstreams: {a: http://127.0.0.1:1}\nlimits: {captured_bytes: 256KiB}");
    assert_eq!(small.routes[0].capture_request, 96 << 10);
}

#[test]
fn what_models_are_asked_is_audited_if_it_is_said_so() {
    let names = |text: &str| {
        let config = fine(&format!("upstreams: {{a: http://127.0.0.1:1}}\n{text}"));
        config.routes.iter().map(|route| route.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(""), ["generation", "default"]);
    assert_eq!(names("generation: gateway"), ["generation", "default"]);
    assert_eq!(names("generation: admin"), ["default"]);
    assert_eq!(names("routes: [{name: all}]"), ["all"]);
    let named = "routes: [{name: generation, paths: /v1}]";
    assert_eq!(names(named), ["generation", "generation-rest", "default"]);
    let own = "routes: [{name: llm, endpoints: generation, kind: bypass}, {name: all}]";
    assert_eq!(names(own), ["llm", "all"]);
    let problems =
        load_text("upstreams: {a: http://127.0.0.1:1}\ngeneration: gateway\nroutes: [{name: all}]");
    assert!(problems.unwrap_err().to_string().contains("has no effect"));
}

#[test]
fn version_follows_the_text() {
    assert_eq!(fine(MINIMAL).version, fine(MINIMAL).version);
    assert_ne!(fine(MINIMAL).version, fine(&format!("{MINIMAL}# changed\n")).version);
}

#[test]
fn too_much_of_everything() {
    let routes = "{name: a, paths: /a},".repeat(1001);
    let addresses: String = (1..=257).map(|n| format!("'a:{n}',")).collect();
    let listeners: String = (1..=65).map(|n| format!("'127.0.0.1:{n}',")).collect();
    let text = format!(
        "upstreams: {{a: {{addresses: [{addresses}]}}}}\nroutes: [{routes}]\nlisteners: [{listeners}]"
    );
    let problems = load_text(&text).unwrap_err();
    let messages: Vec<&str> = problems.0.iter().map(|problem| problem.message.as_str()).collect();
    let expected =
        ["`addresses` has 257 items", "`routes` has 1001 items", "`listeners` has 65 items"];
    assert_eq!(messages, expected);
}

#[test]
fn upstream_urls() {
    /// Address and server name, or words of message and remedy.
    type Expected = Result<(&'static str, Option<&'static str>), (&'static str, &'static str)>;
    let rows: &[(&str, Expected)] = &[
        ("http://10.0.0.5:8081", Ok(("10.0.0.5:8081", None))),
        ("http://10.0.0.5", Ok(("10.0.0.5:80", None))),
        ("http://10.0.0.5/", Ok(("10.0.0.5:80", None))),
        ("HTTP://Admin.Example.com", Ok(("admin.example.com:80", None))),
        ("https://admin.example.com", Ok(("admin.example.com:443", Some("admin.example.com")))),
        ("https://[::1]:8443", Ok(("[::1]:8443", Some("::1")))),
        ("http://[::1]", Ok(("[::1]:80", None))),
        ("10.0.0.5:8081", Err(("no URL", "`http://10.0.0.5:8081`"))),
        ("ftp://10.0.0.5", Err(("no URL", "`http://` or `https://`"))),
        ("http://10.0.0.5/api", Err(("has a path", "`http://10.0.0.5`"))),
        ("http://10.0.0.5?x=1", Err(("has a path", "`http://10.0.0.5`"))),
        ("http://root:hunter2@10.0.0.5", Err(("user or a password", "credentials"))),
        ("root:hunter2@10.0.0.5", Err(("`://…@10.0.0.5`", "begin with"))),
        ("http://", Err(("no URL", "name the host: `http://127.0.0.1:9000`"))),
        ("http://:80", Err(("no URL", "name the host"))),
        ("http://a:0", Err(("no URL", "1 to 65535"))),
        ("http://a:99999", Err(("no URL", "1 to 65535"))),
        ("http://a:", Err(("no URL", "1 to 65535"))),
        ("http://::1", Err(("no URL", "`http://[::1]:9000`"))),
        ("http://[::1", Err(("no URL", "close the bracket"))),
        ("http://[::1]80", Err(("no URL", "port"))),
        ("http://[x]:80", Err(("no URL", "IPv6"))),
        ("http://999.0.0.1", Err(("no URL", "host name or an IP address"))),
        ("http://a b", Err(("no URL", "space"))),
        ("http://a\u{1}b", Err(("no URL", "space"))),
        ("", Err(("no URL", "begin with"))),
        (
            "http://127.0.0.1:8080",
            Err(("countersign itself: `127.0.0.1:8080`", "listen elsewhere")),
        ),
        (
            "http://localhost:8090",
            Err(("countersign itself: `127.0.0.1:8090`", "listen elsewhere")),
        ),
    ];
    for (url, expected) in rows {
        match (for_upstream(url, None, None, None), expected) {
            (Ok(config), Ok((address, name))) => {
                let upstream = &config.upstreams["admin"];
                assert_eq!(upstream.addresses, [*address], "{url}");
                let server_name = upstream.tls.as_ref().map(|tls| tls.server_name.as_str());
                assert_eq!(server_name, *name, "{url}");
            }
            (Err(problems), Err((message, remedy))) => {
                let [problem] = problems.0.as_slice() else { panic!("{url}: {problems}") };
                assert_eq!(problem.file, Path::new("--upstream"), "{url}");
                assert!(problem.message.contains(message), "{url}: {problem}");
                assert!(problem.remedy.contains(remedy), "{url}: {problem}");
                assert!(!problem.to_string().contains("hunter2"), "{url}");
            }
            (found, _) => panic!("{url}: {found:?}"),
        }
    }
}

#[test]
fn command_line_alone() {
    let url = "http://127.0.0.1:9000";
    let plain = for_upstream(url, None, None, None).unwrap();
    let mut from_file = fine(MINIMAL);
    assert!(plain.routes[0].upgrades && !from_file.routes[0].upgrades);
    for route in &mut from_file.routes {
        route.upgrades = true;
    }
    assert_eq!(without_version(plain), without_version(from_file));
    let data = Path::new("/tmp/elsewhere");
    let config = for_upstream(url, Some("0.0.0.0:0"), Some(data), Some("127.0.0.1:0")).unwrap();
    assert_eq!(config.listeners[0].address, Address::Tcp("0.0.0.0:0".parse().unwrap()));
    assert_eq!(config.ledger.dir, data);
    assert_eq!(config.reading.address, "127.0.0.1:0".parse().unwrap());
    let data = Path::new("Cargo.toml");
    let problems = for_upstream("nope", Some(":80"), Some(data), Some("0.0.0.0:1")).unwrap_err();
    let mut flags: Vec<String> =
        problems.0.iter().map(|problem| problem.file.display().to_string()).collect();
    flags.sort();
    assert_eq!(flags, ["--data", "--listen", "--reading", "--upstream"]);
}

#[test]
fn reload() {
    let old = fine(MINIMAL);
    let new = fine(
        "upstreams: {admin: http://127.0.0.1:9001}\nlisteners: ['127.0.0.1:1']\nthreads: 77\n\
         ledger: {queue: 4097}\nreading: {address: '127.0.0.1:2'}\ntelemetry: {format: json}\n\
         timeouts: {connect: 1s}\n",
    );
    assert_eq!(reload_diff(&old, &old), [""; 0]);
    let fixed = ["listeners", "ledger", "reading", "telemetry", "threads"];
    assert_eq!(reload_diff(&old, &new), fixed);
    let in_force = reloaded(&old, new.clone());
    assert_eq!(reload_diff(&old, &in_force), [""; 0]);
    assert_eq!(in_force.upstreams, new.upstreams);
    assert_eq!(in_force.timeouts, new.timeouts);
    assert_eq!(in_force.version, new.version);
}

#[test]
fn a_file_that_is_not_utf8_is_told_with_the_place() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, b"upstreams:\n  admin: http://caf\xe9\n").unwrap();
    let problems = load(file.path()).unwrap_err();
    let [problem] = problems.0.as_slice() else { panic!("{problems}") };
    assert_eq!((problem.line, problem.column), (2, 20));
    assert!(problem.remedy.contains("UTF-8"), "{problem}");
}

#[test]
fn rules_are_known_where_another_section_cannot_be_read() {
    let text = "upstreams: {admin: http://127.0.0.1:1}\nrules: {dir: src}\nlisteners: [\n";
    let Examined::Wrong { problems, understood } = examine_text(Path::new("x.yaml"), text) else {
        panic!("there is a problem");
    };
    assert_eq!(problems.0.len(), 1, "{problems}");
    assert_eq!(understood.unwrap().rules_dir.as_deref(), Some(Path::new("src")));
}
