//! Secrets in every format, through the running proxy: they reach the upstream and come back to
//! the client, and no file of the proxy holds them.

use std::fs;

use super::support::{Proxy, Reply, Upstream, exchange};

const SECRET: &str = "Sw0rdfish-Zx81-plain";
const BESIDE: &str = "neighbour-of-the-secret";

/// Types and bodies with the secret under a key, and something beside it.
fn bodies() -> Vec<(&'static str, String)> {
    let (s, n) = (SECRET, BESIDE);
    let part = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name={name}\r\n\r\n{value}\r\n")
    };
    vec![
        ("application/json", format!(r#"{{"password":"{s}","n":"{n}"}}"#)),
        ("application/x-ndjson", format!("{{\"password\":\"{s}\"}}\n{{\"n\":\"{n}\"}}\n")),
        ("application/x-www-form-urlencoded", format!("password={s}&n={n}")),
        ("multipart/form-data; boundary=b", part("password", s) + &part("n", n) + "--b--\r\n"),
        (
            "application/soap+xml",
            format!("<e:a xmlns:e='u'><e:password>{s}</e:password><n>{n}</n></e:a>"),
        ),
        ("application/yaml", format!("a: &s {s}\npassword: *s\nn: {n}\n")),
        ("application/toml", format!("n = '{n}'\n[x]\npassword = '{s}'\n")),
        ("text/csv", format!("password,n\n{s},{n}\n")),
        (
            "application/graphql",
            format!("mutation {{ login(password: \"{s}\", n: \"{n}\") {{ id }} }}"),
        ),
        ("text/plain", format!("https://u:{s}@host/{n}")),
    ]
}

fn post(content_type: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /admin/things HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[test]
fn secrets_of_every_format_pass_and_are_not_recorded() {
    let upstream = Upstream::start(|seen| {
        let content_type = seen.header("content-type").unwrap_or_default();
        Reply::response("200 OK", content_type, &String::from_utf8_lossy(&seen.body))
    });
    let proxy = Proxy::start(upstream.address);
    for (content_type, body) in bodies() {
        let answer = exchange(proxy.address, &post(content_type, &body));
        assert_eq!((answer.status, answer.text()), (200, body), "{content_type}");
    }
    let seen: Vec<_> = upstream.seen().into_iter().map(|seen| seen.body).collect();
    let sent: Vec<_> = bodies().into_iter().map(|(_, body)| body.into_bytes()).collect();
    assert_eq!(seen, sent);
    let events = proxy.events();
    assert_eq!(events.len(), bodies().len());
    for event in events {
        let content_type = event["request"]["content_type"].to_string();
        for half in ["request", "response"] {
            let recorded = event[half]["body"].to_string();
            assert!(recorded.contains(BESIDE), "{content_type} {half}: {recorded}");
        }
    }
    assert!(!proxy.log().contains(SECRET));
    for entry in fs::read_dir(proxy.data()).unwrap() {
        let path = entry.unwrap().path();
        let Ok(bytes) = fs::read(&path) else { continue };
        let found = memchr::memmem::find(&bytes, SECRET.as_bytes());
        assert_eq!(found, None, "{}", path.display());
    }
}

#[test]
fn bodies_that_could_not_be_read_are_counted_by_their_notes() {
    let upstream = Upstream::start(|_| Reply::response("200 OK", "image/png", "not a picture"));
    let proxy = Proxy::start(upstream.address);
    let unread = |half: &str, reason: &str| {
        let metrics = proxy.read("/metrics").1;
        let name = "countersign_unread_bodies_total";
        let with = format!("{name}{{half=\"{half}\",reason=\"{reason}\"}} ");
        let line = metrics.lines().find_map(|line| line.strip_prefix(&with).map(ToOwned::to_owned));
        line.map_or(0, |count| count.parse::<u64>().unwrap())
    };
    for body in ["{\"a\":", "{\"a\":1}", "{]"] {
        exchange(proxy.address, &post("application/json", body));
    }
    exchange(proxy.address, &post("application/x-unheard-of", "x"));
    assert_eq!(unread("request", "invalid_json"), 2);
    assert_eq!(unread("request", "unsupported_content_type"), 1);
    assert_eq!(unread("response", "unsupported_content_type"), 4);
    assert_eq!(unread("response", "invalid_json"), 0);
}
