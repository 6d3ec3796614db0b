//! An authenticating proxy in front, and those who would like to be one.

use serde_json::json;

use super::Served;
use crate::access::{Grant, GroupGrant, Role};
use crate::api::Ways;
use crate::config::{PublicUrl, TrustedHeader};
use crate::identify::Secret;

const LIST: &str = "/v1/admin/audit";

async fn served(peer: &str) -> Served {
    served_with(peer, None).await
}

async fn served_with(peer: &str, secret: Option<&str>) -> Served {
    let grant = |group: &str, grant| GroupGrant { group: group.to_owned(), grant };
    let blue = Grant::within(Role::Viewer, [("pool".to_owned(), "blue".to_owned())]).unwrap();
    let header = TrustedHeader {
        user: "x-user".parse().unwrap(),
        groups: Some("x-groups".parse().unwrap()),
        peers: vec![peer.parse().unwrap()],
        secret: secret.map(|secret| ("x-secret".parse().unwrap(), Secret::new(secret.to_owned()))),
        grants: vec![grant("blue", blue), grant("owners", Grant::owner())],
    };
    let public =
        PublicUrl { tls: true, authority: "log.example".to_owned(), prefix: String::new() };
    let ways = Ways { header: Some(header), public: Some(public), ..Ways::default() };
    let served = Served::with(ways).await;
    served.event("2026-07-09T12:00:00Z", json!({"scope": {"pool": "blue"}})).await;
    served.event("2026-07-09T12:00:01Z", json!({"scope": {"pool": "red"}})).await;
    served.indexed().await;
    served
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_says_who_it_is() {
    let served = served("127.0.0.0/8").await;
    let session = served.signed_in(&served.owner).await;
    // Fields, status, events seen beside those about reading.
    let rows = [
        ("X-User: ada\r\nX-Groups: dev, owners\r\n", 200, 2),
        ("X-User: ada\r\nX-Groups: dev, blue,owners\r\n", 200, 1),
        // One of them may be the client's own.
        ("X-User: ada\r\nX-Groups: dev\r\nX-Groups: blue,owners\r\n", 401, 0),
        ("X-User: ada\r\nX-Groups: Owners\r\n", 403, 0),
        ("X-User: ada\r\n", 403, 0),
        ("X-User: \r\nX-Groups: owners\r\n", 401, 0),
        ("X-User: ada\r\nX-User: eve\r\nX-Groups: owners\r\n", 401, 0),
        ("X-Groups: owners\r\n", 401, 0),
        ("Authorization: Basic YTpi\r\nX-User: ada\r\nX-Groups: blue\r\n", 200, 1),
        ("Authorization: Bearer eyJ.eyJ.x\r\nX-User: ada\r\nX-Groups: blue\r\n", 200, 1),
        // A token of ours that does not hold is made up for by nobody.
        ("Authorization: Bearer countersign_nosuch\r\nX-User: ada\r\nX-Groups: blue\r\n", 401, 0),
        // Whom the proxy names now counts before who signed in.
        ("Cookie: SESSION\r\nX-User: ada\r\nX-Groups: blue\r\n", 200, 1),
        ("Authorization: Bearer OWNER\r\nX-User: ada\r\nX-Groups: blue\r\n", 200, 2),
    ];
    for (fields, status, seen) in rows {
        let fields = fields.replace("SESSION", &session).replace("OWNER", &served.owner);
        for host in ["log.example", "127.0.0.1:8090"] {
            let path = format!("{LIST}?action=api_key.create");
            let answer = served.send_to(host, "GET", &path, &fields).await;
            assert_eq!(answer.status, status, "{host} {fields}: {answer:?}");
            if status == 200 {
                let events = answer.json()["events"].as_array().unwrap().len();
                assert_eq!(events, seen, "{fields}");
            }
        }
    }
    // What they do is on record by name.
    let fields = "X-User: ada\r\nX-Groups: owners\r\n";
    let path = format!("{LIST}/export?format=csv");
    assert_eq!(served.send_to("log.example", "GET", &path, fields).await.status, 200);
    let export = served.recorded("audit.export").await.remove(0);
    let actor =
        json!({"type": "user", "id": "ada", "name": "ada", "auth": "header", "verified": true});
    assert_eq!(export["actor"], actor);
    let refused = served.recorded("audit.sign_in").await;
    let role = refused.iter().find(|event| event["reason"] == json!("role")).unwrap();
    assert_eq!((&role["actor"]["id"], &role["outcome"]), (&json!("ada"), &json!("denied")));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_says_who_it_is() {
    let fields = "X-User: ada\r\nX-Groups: owners\r\n";
    let elsewhere = served("10.0.0.0/8").await;
    assert_eq!(elsewhere.send_to("log.example", "GET", LIST, fields).await.status, 401);
    // A site whose name was made to lead here would have its page send what it likes.
    let rebound = served("127.0.0.1/32").await;
    for host in ["evil.example", "evil.example:8090", "log.example.evil", "127.0.0.1.evil.example"]
    {
        assert_eq!(rebound.send_to(host, "GET", LIST, fields).await.status, 401, "{host}");
    }
    for served in [elsewhere, rebound] {
        for _ in 0..30 {
            served.send_to("evil.example", "GET", LIST, fields).await;
        }
        let attempts = served.recorded("audit.sign_in").await;
        assert_eq!(attempts.len(), 20, "noted, and not without end");
        assert!(attempts.iter().all(|event| event["reason"] == json!("untrusted_header")));
        assert_eq!(attempts[0]["actor"], json!({"type": "anonymous", "verified": false}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_secret_only_who_knows_it_says_who_it_is() {
    let served = served_with("127.0.0.1/32", Some("of the proxy")).await;
    let rows = [
        ("X-Secret: of the proxy\r\n", 200),
        ("X-Secret: of the proxz\r\n", 401),
        ("X-Secret: of the proxy\r\nX-Secret: of the proxy\r\n", 401),
        ("X-Secret:\r\n", 401),
        ("", 401),
    ];
    for (secret, status) in rows {
        let fields = format!("X-User: ada\r\nX-Groups: owners\r\n{secret}");
        let answer = served.send_to("log.example", "GET", LIST, &fields).await;
        assert_eq!(answer.status, status, "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_operations_need_is_not_for_everybody_outside() {
    let served = served("127.0.0.0/8").await;
    let scoped = served.scoped("blue", Role::Viewer, "blue");
    let bearer = |token: &str| format!("Authorization: Bearer {token}\r\n");
    // Host, fields, statuses of metrics and readiness, and whether that tells more.
    let rows = [
        ("127.0.0.1:8090", String::new(), 200, 200, true),
        ("127.0.0.1:8090", "X-Forwarded-For: 192.0.2.1\r\n".to_owned(), 401, 200, false),
        ("127.0.0.1:8090", "Via: 1.1 proxy\r\n".to_owned(), 401, 200, false),
        ("log.example", String::new(), 401, 200, false),
        ("LOG.example", bearer(&scoped), 403, 200, false),
        ("log.example", bearer(&served.owner), 200, 200, false),
    ];
    for (host, fields, metrics, ready, tells) in rows {
        let told = served.send_to(host, "GET", "/metrics", &fields).await;
        assert_eq!(told.status, metrics, "{host} {fields}");
        assert_eq!(told.body.contains("countersign_queue_depth"), metrics == 200, "{host}");
        let readiness = served.send_to(host, "GET", "/readyz", &fields).await;
        assert_eq!(readiness.status, ready, "{host} {fields}");
        assert_eq!(readiness.body.contains("open_intents"), tells, "{host} {}", readiness.body);
        assert_eq!(served.send_to(host, "GET", "/livez", &fields).await.body, "ok\n");
    }
}
