//! A real admin API, RabbitMQ's, through the proxy by its own client: every mutation is on record
//! once, named, and without passwords.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::observed::lines;
use super::support::{Proxy, RabbitMq, Setup};

const PASSWORD: &str = "plain-s3cret-of-ann";
/// `guest:guest` and the password in Base64.
const ENCODED: [&str; 2] = ["Z3Vlc3Q6Z3Vlc3Q", "cGxhaW4tczNjcmV0LW9mLWFu"];

/// Words for `rabbitmqadmin`, and what must be on record: action, target's type, id and name,
/// reason of the failure.
type Row =
    (&'static str, &'static str, &'static str, &'static str, &'static str, Option<&'static str>);

const MUTATIONS: &[Row] = &[
    ("declare vhost name=blue", "vhost.create", "vhost", "blue", "blue", None),
    (
        "declare user name=ann password=plain-s3cret-of-ann tags=management",
        "user.create",
        "user",
        "ann",
        "ann",
        None,
    ),
    (
        "declare permission vhost=blue user=ann configure=.* write=.* read=.*",
        "permission.create",
        "permission",
        "ann",
        "ann",
        None,
    ),
    ("-V blue declare queue name=jobs durable=true", "queue.create", "queue", "jobs", "jobs", None),
    (
        "-V blue declare queue name=jobs durable=false",
        "queue.update",
        "queue",
        "jobs",
        "jobs",
        Some("bad_request"),
    ),
    (
        "-V blue declare exchange name=events type=topic",
        "exchange.create",
        "exchange",
        "events",
        "events",
        None,
    ),
    (
        "-V blue declare binding source=events destination=jobs routing_key=job",
        "binding.create",
        "binding",
        "events/jobs",
        "events/jobs",
        None,
    ),
    (
        "-V blue publish exchange=events routing_key=job payload=hello",
        "exchange.publish",
        "exchange",
        "events",
        "events",
        None,
    ),
    ("-V blue get queue=jobs", "queue.get", "queue", "jobs", "jobs", None),
    (
        "-V blue delete binding source=events destination_type=queue destination=jobs properties_key=job",
        "binding.delete",
        "binding",
        "events/jobs/job",
        "events/jobs/job",
        None,
    ),
    (
        "-V blue delete queue name=missing",
        "queue.delete",
        "queue",
        "missing",
        "missing",
        Some("http_404"),
    ),
    ("-V blue purge queue name=jobs", "queue_contents.delete", "queue", "jobs", "jobs", None),
    (
        "-V blue delete exchange name=events",
        "exchange.delete",
        "exchange",
        "events",
        "events",
        None,
    ),
    ("-V blue delete queue name=jobs", "queue.delete", "queue", "jobs", "jobs", None),
    (
        "delete permission vhost=blue user=ann",
        "permission.delete",
        "permission",
        "ann",
        "ann",
        None,
    ),
    ("delete user name=ann", "user.delete", "user", "ann", "ann", None),
    ("delete vhost name=blue", "vhost.delete", "vhost", "blue", "blue", None),
];

/// Words for `rabbitmqadmin`, and what the shipped rules must make of it: the rule, action, target's
/// type and id, description, outcome with its severity and reason.
const NAMED: &[(&str, &str, &str, &str, &str, &str)] = &[
    (
        "declare vhost name=blue",
        "rabbitmq.vhost.put",
        "vhost.create",
        "vhost blue",
        "Virtual host blue created",
        "success info",
    ),
    (
        "declare user name=ann password=plain-s3cret-of-ann tags=management",
        "rabbitmq.user.put",
        "user.create",
        "user ann",
        "User ann created, with tags management",
        "success info",
    ),
    (
        "declare permission vhost=blue user=ann configure=.* write=.* read=.*",
        "rabbitmq.permission.put",
        "permission.create",
        "user ann",
        "Permissions of user ann in vhost blue created",
        "success info",
    ),
    (
        "-V blue declare queue name=jobs durable=true",
        "rabbitmq.queue.put",
        "queue.create",
        "queue jobs",
        "Queue jobs created in vhost blue",
        "success info",
    ),
    (
        "-V blue declare queue name=jobs durable=false",
        "rabbitmq.queue.put",
        "queue.update",
        "queue jobs",
        "Queue “jobs” could not be updated (bad_request)",
        "failure fail bad_request",
    ),
    (
        "-V blue declare exchange name=events type=topic",
        "rabbitmq.exchange.put",
        "exchange.create",
        "exchange events",
        "Exchange events of type topic created in vhost blue",
        "success info",
    ),
    (
        "-V blue declare binding source=events destination=jobs routing_key=job",
        "rabbitmq.binding.create",
        "binding.create",
        "binding events/jobs",
        "jobs bound to exchange events in vhost blue",
        "success info",
    ),
    (
        "-V blue publish exchange=events routing_key=job payload=hello",
        "rabbitmq.exchange.publish",
        "exchange.publish",
        "exchange events",
        "Message published to exchange events in vhost blue",
        "success info",
    ),
    (
        "-V blue publish exchange=events routing_key=nobody payload=hello",
        "rabbitmq.exchange.publish",
        "exchange.publish",
        "exchange events",
        "Exchange “events” could not be published (not_routed)",
        "failure fail not_routed",
    ),
    (
        "-V blue purge queue name=jobs",
        "rabbitmq.queue.purge",
        "queue.purge",
        "queue jobs",
        "Queue jobs in vhost blue purged by guest (not verified)",
        "success warn",
    ),
    (
        "delete user name=ann",
        "rabbitmq.user.delete",
        "user.delete",
        "user ann",
        "User ann deleted by guest (not verified)",
        "success info",
    ),
    (
        "delete vhost name=blue",
        "rabbitmq.vhost.delete",
        "vhost.delete",
        "vhost blue",
        "Virtual host blue deleted, with all that was in it",
        "success warn",
    ),
];

/// What the client lists, by both ways.
const LISTS: &[&str] = &[
    "-f raw_json list vhosts name",
    "-f raw_json list users name tags",
    "-f raw_json list permissions vhost user configure write read",
    "-f raw_json list queues vhost name durable",
    "-f raw_json list exchanges vhost name type",
    "-f raw_json list bindings vhost source destination routing_key",
];

fn words(text: &str) -> Vec<&str> {
    text.split(' ').collect()
}

/// The lists through the proxy, after they have been seen to equal those of RabbitMQ itself.
fn same_lists(rabbit: &RabbitMq, proxy: &Proxy) -> Vec<String> {
    LISTS
        .iter()
        .map(|list| {
            let here = rabbit.admin(proxy.address, &words(list));
            let there = rabbit.admin(rabbit.address, &words(list));
            let errors = String::from_utf8_lossy(&here.stderr).into_owned();
            assert!(here.status.success(), "{list}: {errors}");
            assert_eq!(sorted(&here.stdout), sorted(&there.stdout), "{list}");
            String::from_utf8(here.stdout).unwrap()
        })
        .collect()
}

/// RabbitMQ does not promise an order.
fn sorted(list: &[u8]) -> Vec<String> {
    let list: Vec<Value> = serde_json::from_slice(list).unwrap();
    let mut rows: Vec<String> = list.iter().map(Value::to_string).collect();
    rows.sort();
    rows
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                return files(&path);
            }
            vec![(path.display().to_string(), fs::read(&path).unwrap())]
        })
        .collect()
}

fn check(row: &Row, event: &Value) {
    let (command, action, kind, id, name, reason) = row;
    assert_eq!(event["action"], *action, "{command}");
    let target = &event["targets"][0];
    assert_eq!(target["type"], *kind, "{command}");
    assert_eq!(target["id"], *id, "{command}");
    assert_eq!(target["name"].as_str().unwrap_or(id), *name, "{command}");
    assert_eq!(event["actor"]["id"], "guest", "{command}: {}", event["actor"]);
    let outcome = if reason.is_some() { "failure" } else { "success" };
    assert_eq!(event["outcome"], outcome, "{command}");
    assert_eq!(event["reason"].as_str(), *reason, "{command}");
}

#[test]
fn its_own_client_works_unchanged_and_every_mutation_is_on_record_once() {
    let rabbit = RabbitMq::start();
    let proxy = Proxy::start(rabbit.address);
    for (at, row) in MUTATIONS.iter().enumerate() {
        let output = rabbit.admin(proxy.address, &words(row.0));
        let text = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), row.5.is_none(), "{}: {text}", row.0);
        if row.1 == "exchange.publish" {
            let lists = same_lists(&rabbit, &proxy).concat();
            for made in ["blue", "ann", "jobs", "events"] {
                assert!(lists.contains(&format!("\"{made}\"")), "{made}: {lists}");
            }
        }
        assert_eq!(proxy.events().len(), at + 1, "{}", row.0);
    }
    let lists = same_lists(&rabbit, &proxy).concat();
    assert!(!lists.contains("blue") && !lists.contains("ann"), "{lists}");
    let events = proxy.events();
    assert_eq!(events.len(), MUTATIONS.len());
    for (row, event) in MUTATIONS.iter().zip(&events) {
        check(row, event);
    }
    let mut written = files(&proxy.data());
    written.push(("the log".to_owned(), proxy.log().into_bytes()));
    for (file, bytes) in written {
        let text = String::from_utf8_lossy(&bytes);
        for secret in [PASSWORD, ENCODED[0], ENCODED[1]] {
            assert!(!text.contains(secret), "{secret} is in {file}");
        }
    }
    named_by_the_shipped_rules(&rabbit);
    observed_by_the_shipped_rules(&rabbit);
}

fn named_by_the_shipped_rules(rabbit: &RabbitMq) {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/examples/rabbitmq");
    let more = format!("rules: {{dir: \"{}\"}}", examples.display());
    let proxy = Proxy::with(rabbit.address, &Setup { more, ..Setup::default() });
    for row in NAMED {
        rabbit.admin(proxy.address, &words(row.0));
    }
    let events = proxy.events();
    assert_eq!(events.len(), NAMED.len());
    for ((command, rule, action, target, description, ends), event) in NAMED.iter().zip(&events) {
        let text = |pointer: &str| {
            event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        assert_eq!(text("/rule"), *rule, "{command}");
        assert_eq!(text("/action"), *action, "{command}");
        let is = format!("{} {}", text("/targets/0/type"), text("/targets/0/id"));
        assert_eq!(is, *target, "{command}");
        assert_eq!(text("/description"), *description, "{command}");
        let is = format!("{} {} {}", text("/outcome"), text("/severity"), text("/reason"));
        assert_eq!(is.trim_end(), *ends, "{command}");
        if *rule != "rabbitmq.user.put" && *rule != "rabbitmq.user.delete" {
            assert_eq!(text("/scope/vhost"), "blue", "{command}");
        }
    }
}

/// Words for `rabbitmqadmin`, the action, and what changed, by path.
const OBSERVED: &[(&str, &str, &[&str])] = &[
    (
        "declare user name=bob password=plain-s3cret-of-ann tags=management",
        "user.create",
        &["add /name -> \"bob\"", "add /tags -> [\"management\"]"],
    ),
    (
        "declare user name=bob password=plain-s3cret-of-bob tags=administrator",
        "user.update",
        &["replace /tags/0 \"management\" -> \"administrator\""],
    ),
    (
        "declare permission vhost=/ user=bob configure=.* write=.* read=.*",
        "permission.create",
        &["add /vhost -> \"/\"", "add /write -> \".*\""],
    ),
    (
        "declare permission vhost=/ user=bob configure=.* write=^own read=.*",
        "permission.update",
        &["replace /write \".*\" -> \"^own\""],
    ),
    (
        "declare permission vhost=/ user=bob configure=.* write=^own read=.*",
        "permission.update",
        &[],
    ),
    (
        "delete permission vhost=/ user=bob",
        "permission.delete",
        &["remove /vhost \"/\"", "remove /write \"^own\""],
    ),
    ("delete user name=bob", "user.delete", &["remove /name \"bob\""]),
];

fn observed_by_the_shipped_rules(rabbit: &RabbitMq) {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/examples/rabbitmq");
    let more = format!("timeouts: {{snapshot: 30s}}\nrules: {{dir: \"{}\"}}", examples.display());
    let proxy = Proxy::with(rabbit.address, &Setup { more, ..Setup::default() });
    for row in OBSERVED {
        rabbit.admin(proxy.address, &words(row.0));
    }
    let events = proxy.events();
    assert_eq!(events.len(), OBSERVED.len());
    for ((command, action, changes), event) in OBSERVED.iter().zip(&events) {
        assert_eq!(event["action"], *action, "{command}");
        assert_eq!(event["changes_source"], "observed", "{command}: {event}");
        let found = lines(event);
        for change in *changes {
            assert!(found.contains(&(*change).to_owned()), "{command}: {change} in {found:?}");
        }
        if changes.is_empty() {
            assert!(found.is_empty(), "{command}: {found:?}");
        }
        assert!(!event.to_string().contains("plain-s3cret"), "{command}: {event}");
    }
}
