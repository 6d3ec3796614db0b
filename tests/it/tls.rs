//! TLS towards clients: client certificates, and which versions of HTTP are agreed on.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::support::{
    Authority, Curl, Proxy, Reply, Setup, Upstream, curl, free_address, wait_until,
};

/// A proxy with one more listener, which speaks TLS as `localhost`.
struct Secured {
    proxy: Proxy,
    address: SocketAddr,
    url: String,
    resolve: String,
    authority: Authority,
}

impl Secured {
    /// `tls` are further keys of the listener's `tls`, `listener` of the listener.
    fn start(upstream: &Upstream, tls: &str, listener: &str) -> Self {
        Self::with(upstream, tls, listener, String::new())
    }

    /// `more` are further sections.
    fn with(upstream: &Upstream, tls: &str, listener: &str, more: String) -> Self {
        let authority = Authority::new("servers");
        let pair = authority.issue("localhost");
        let secure = free_address();
        let listeners =
            format!("- {{address: \"{secure}\", tls: {{{}, {tls}}}, {listener}}}", pair.yaml());
        let proxy = Proxy::with(upstream.address, &Setup { listeners, more, ..Setup::default() });
        let url = format!("https://localhost:{}/admin/users", secure.port());
        let resolve = format!("localhost:{}:127.0.0.1", secure.port());
        Self { proxy, address: secure, url, resolve, authority }
    }

    fn curl(&self, args: &[&str]) -> Curl {
        let roots = self.authority.certificate().display().to_string();
        curl(&[&["--cacert", &roots, "--resolve", &self.resolve], args, &[&self.url]].concat())
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn only_clients_with_a_certificate_of_the_named_authority_come_in() {
    let (clients, others) = (Authority::new("clients"), Authority::new("clients"));
    let upstream = Upstream::start(|_| Reply::ok());
    let client_ca = format!("client_ca: {}", clients.certificate().display());
    let secured = Secured::start(&upstream, &client_ca, "");
    let (good, bad) = (clients.issue("ada"), others.issue("ada"));
    let strangers: [(&str, Vec<&str>); 2] = [
        ("no certificate", vec![]),
        (
            "a certificate of another authority of the same name",
            vec!["--cert", text(&bad.certificate), "--key", text(&bad.key)],
        ),
    ];
    for (what, certificate) in &strangers {
        for version in ["1.2", "1.3"] {
            for http in ["--http1.1", "--http2"] {
                let tls = ["--tls-max", version, http, "-d", "name=ada"];
                let answer = secured.curl(&[&tls[..], certificate].concat());
                assert_ne!(answer.exit, Some(0), "{what}, TLS {version}, {http}: {answer:?}");
                assert_eq!(answer.status, 0, "{what}, TLS {version}, {http}");
            }
        }
    }
    assert_eq!(upstream.connections(), 0);
    assert!(secured.proxy.events().is_empty());

    let certificate = ["--cert", text(&good.certificate), "--key", text(&good.key)];
    for (http, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let answer = secured.curl(&[&[http, "-d", "name=ada"], &certificate[..]].concat());
        assert_eq!((answer.status, answer.version.as_str()), (200, version), "{answer:?}");
        let events = secured.proxy.events();
        assert_eq!(events.last().unwrap()["id"], answer.event);
        assert_eq!(events.last().unwrap()["action"], "user.create");
    }
    assert_eq!((secured.proxy.events().len(), upstream.seen().len()), (2, 2));
}

#[test]
fn certificates_say_who_acts() {
    let clients = Authority::new("clients");
    let upstream = Upstream::start(|_| Reply::ok());
    let rules = tempfile::tempdir().unwrap();
    let actors =
        "actors:\n- {from: mtls, id: \"{subject.cn}\", name: \"{san.dns}\", type: agent}\n";
    std::fs::write(rules.path().join("actors.yaml"), actors).unwrap();
    let more = format!("rules: {{dir: \"{}\"}}", rules.path().display());
    let client_ca = format!("client_ca: {}", clients.certificate().display());
    let secured = Secured::with(&upstream, &client_ca, "", more);
    let ada = clients.issue("ada");
    let certificate = ["--cert", text(&ada.certificate), "--key", text(&ada.key)];
    for http in ["--http1.1", "--http2"] {
        let answer = secured.curl(&[&[http, "-d", "name=x"], &certificate[..]].concat());
        assert_eq!(answer.status, 200, "{answer:?}");
        let actor = secured.proxy.events().pop().unwrap()["actor"].clone();
        assert_eq!((&actor["id"], &actor["name"]), (&"ada".into(), &"ada".into()), "{http}");
        assert_eq!((&actor["auth"], &actor["type"]), (&"mtls".into(), &"agent".into()));
        assert_eq!(actor["verified"], true);
    }
    let plain = secured.proxy.address;
    let request = b"POST /admin/users HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    super::support::exchange(plain, request);
    assert_eq!(secured.proxy.events().pop().unwrap()["actor"]["verified"], false);
}

#[test]
fn handshakes_without_an_end_do_not_lock_others_out_and_are_ended() {
    let upstream = Upstream::start(|_| Reply::ok());
    let more = "timeouts: {request_head: 2s}\nlimits: {connections: 4}".to_owned();
    let secured = Secured::with(&upstream, "", "", more);
    let begin = || {
        let mut stream = TcpStream::connect(secured.address).unwrap();
        // The beginning of a ClientHello that would be 512 bytes long.
        stream.write_all(&[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream
    };
    let start = Instant::now();
    let begun: Vec<TcpStream> = (0..20).map(|_| begin()).collect();
    for http in ["--http1.1", "--http2"] {
        assert_eq!(secured.curl(&[http, "-d", "name=ada"]).status, 200, "{http}");
    }
    for mut stream in begun {
        let read = stream.read_to_end(&mut Vec::new());
        let timed_out = |kind| matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut);
        assert!(!read.is_err_and(|error| timed_out(error.kind())));
    }
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(secured.proxy.events().len(), 2);
}

#[test]
fn a_listener_without_http2_does_not_offer_it() {
    let upstream = Upstream::start(|_| Reply::ok());
    let secured = Secured::start(&upstream, "", "http2: false");
    let answer = secured.curl(&["--http2", "-d", "name=ada"]);
    assert_eq!((answer.status, answer.version.as_str()), (200, "1.1"));
    assert_eq!(secured.proxy.events().len(), 1);
}

#[test]
fn large_audited_posts_over_http2_reach_the_upstream_whole() {
    let upstream = Upstream::start(|seen| {
        Reply::response("200 OK", "text/plain", &format!("{} bytes", seen.body.len()))
    });
    let secured = Secured::start(&upstream, "", "");
    let file = tempfile::NamedTempFile::new().unwrap();
    let size = 3 * 1024 * 1024 + 1;
    std::fs::write(file.path(), vec![b'x'; size]).unwrap();
    let body = format!("@{}", file.path().display());
    let kind = "Content-Type: application/octet-stream";
    let answer = secured.curl(&["--http2", "--data-binary", &body, "-H", kind]);
    assert_eq!((answer.status, answer.version.as_str()), (200, "2"));
    assert_eq!(answer.body, format!("{size} bytes"));
    let event = secured.proxy.events().remove(0);
    assert_eq!(event["request"]["size"], size);
    assert_eq!(event["outcome"], "success");
}

#[test]
fn a_renewed_certificate_is_in_use_without_a_restart_and_one_that_does_not_fit_is_not() {
    let upstream = Upstream::start(|_| Reply::ok());
    let mut secured = Secured::start(&upstream, "", "");
    let reloads = |secured: &Secured, result: &str| {
        let line = format!("countersign_reloads_total{{reason=\"{result}\"}} ");
        let metrics = secured.proxy.read("/metrics").1;
        let count = metrics.lines().find_map(|metric| metric.strip_prefix(&line));
        count.map_or(0, |count| count.parse().unwrap())
    };
    let file = |secured: &Secured, ending: &str| {
        secured.authority.certificate().with_file_name(format!("localhost.{ending}"))
    };
    let renewed = Authority::new("renewed");
    let pair = renewed.issue("localhost");
    // Half of it first, as it comes about.
    std::fs::copy(&pair.certificate, file(&secured, "pem")).unwrap();
    wait_until("half of a renewal is refused", || reloads(&secured, "refused") > 0);
    assert_eq!(secured.curl(&["-d", "name=ada"]).status, 200, "the old one is in use");
    assert!(secured.proxy.log().contains("do not fit"), "{}", secured.proxy.log());
    std::fs::copy(&pair.key, file(&secured, "key")).unwrap();
    wait_until("the renewal is taken", || reloads(&secured, "reloaded") > 0);
    assert_ne!(secured.curl(&["-d", "name=ada"]).status, 200, "the old one is gone");
    secured.authority = renewed;
    for http in ["--http1.1", "--http2"] {
        assert_eq!(secured.curl(&[http, "-d", "name=ada"]).status, 200, "{http}");
    }
}

#[test]
fn a_key_that_is_not_the_certificates_is_told_at_the_start() {
    let authority = Authority::new("servers");
    let (one, other) = (authority.issue("one.test"), authority.issue("other.test"));
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("countersign.yaml");
    let yaml = format!(
        "listeners: [{{address: \"{}\", tls: {{certificate: {}, key: {}}}}}]\n\
         upstreams: {{app: \"http://127.0.0.1:9\"}}\nledger: {{dir: {}}}\n\
         reading: {{address: \"{}\"}}\n",
        free_address(),
        one.certificate.display(),
        other.key.display(),
        home.path().join("data").display(),
        free_address(),
    );
    std::fs::write(&config, yaml).unwrap();
    let mut run = Command::new(env!("CARGO_BIN_EXE_countersign"));
    let output = run.args(["run", "--config"]).arg(&config).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("countersign.yaml:1:"), "{error}");
    assert!(error.contains("`certificate` and `key` do not fit"), "{error}");
    assert!(!home.path().join("data").exists(), "the ledger was opened before");
}
