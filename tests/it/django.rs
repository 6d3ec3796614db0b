//! A real application with forms, Django's admin, through the proxy and with the shipped rules:
//! every mutation is on record with who did it, to what, and how it ended.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::support::{Browser, Django, Proxy, Setup};

/// Of each request: what must be on record of it, a line a field.
const EXPECTED: &str = "tests/data/django/expected.txt";

/// What nothing of the proxy may hold.
const SECRETS: [&str; 5] = [
    "correct-horse-ann",
    "wrong-horse-ann",
    "correct-horse-bob",
    "correct-horse-cid",
    "other-horse-cid",
];

fn target(target: &Value) -> String {
    let part = |name: &str| target[name].as_str().unwrap_or_default().to_owned();
    format!("{} {} “{}”", part("type"), part("id"), part("name"))
        .replace(" “”", "")
        .replace("  ", " ")
}

fn shown(event: &Value) -> String {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let list = |name: &str| event[name].as_array().cloned().unwrap_or_default();
    let targets: Vec<String> = list("targets").iter().map(target).collect();
    let mut out = format!(
        "{}\n  {} in {}, rule {}\n  by {} {} “{}” ({}{})\n  upon {}\n  {} {} {}\n",
        text("/description"),
        text("/action"),
        text("/category"),
        text("/rule"),
        text("/actor/type"),
        text("/actor/id"),
        text("/actor/name"),
        text("/actor/auth"),
        if event["actor"]["verified"] == true { ", verified" } else { "" },
        targets.join(", "),
        text("/outcome"),
        text("/severity"),
        text("/reason"),
    );
    for change in list("changes") {
        let value = |name: &str| change.get(name).map(Value::to_string).unwrap_or_default();
        out.push_str(&format!(
            "  {} {} {}\n",
            change["op"].as_str().unwrap_or_default(),
            change["path"].as_str().unwrap_or_default(),
            value("after")
        ));
    }
    out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n"
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.is_file());
    files.map(|path| (path.display().to_string(), fs::read(&path).unwrap())).collect()
}

/// The site is used as somebody would who administers it.
fn use_the_site(proxy: &Proxy) {
    let status = |status: u16, answer: super::support::Answer| {
        assert_eq!(answer.status, status, "{}", answer.text());
    };
    let mut ann = Browser::new(proxy.address);
    let add = [("name", "SUMMER"), ("percent", "20"), ("active", "on")];
    status(302, ann.submit_from("/admin/login/", "/admin/shop/coupon/add/", &add));
    let sign_in = |password| [("username", "ann"), ("password", password), ("next", "/admin/")];
    status(200, ann.submit("/admin/login/", &sign_in("wrong-horse-ann")));
    status(302, ann.submit("/admin/login/", &sign_in("correct-horse-ann")));

    status(302, ann.submit("/admin/shop/coupon/add/", &[&add[..], &[("_continue", "1")]].concat()));
    status(200, ann.submit("/admin/shop/coupon/add/", &add));
    status(
        302,
        ann.submit("/admin/shop/coupon/add/", &[("name", "WINTER 25%"), ("percent", "25")]),
    );
    let change = [("name", "SUMMER"), ("percent", "30"), ("active", "on")];
    status(302, ann.submit("/admin/shop/coupon/1/change/", &change));
    let file = ("terms.txt", "Terms and conditions");
    status(
        302,
        ann.upload("/admin/shop/document/add/", &[("title", "Bedingungen für Gäste")], file),
    );

    let list = "/admin/shop/coupon/";
    let selected = [("_selected_action", "1"), ("_selected_action", "2"), ("index", "0")];
    status(302, ann.submit(list, &[&[("action", "make_inactive")], &selected[..]].concat()));
    let edited = [
        ("form-TOTAL_FORMS", "2"),
        ("form-INITIAL_FORMS", "2"),
        ("form-0-id", "2"),
        ("form-0-percent", "26"),
        ("form-1-id", "1"),
        ("form-1-percent", "31"),
        ("_save", "Save"),
    ];
    status(302, ann.submit(list, &edited));
    let delete = [&[("action", "delete_selected")], &selected[..]].concat();
    status(200, ann.submit(list, &delete));
    status(302, ann.submit(list, &[&delete[..], &[("post", "yes")]].concat()));
    status(302, ann.submit("/admin/shop/document/1/delete/", &[("post", "yes")]));

    let user = [
        ("username", "cid"),
        ("usable_password", "true"),
        ("password1", "correct-horse-cid"),
        ("password2", "correct-horse-cid"),
    ];
    status(302, ann.submit("/admin/auth/user/add/", &user));
    let password = [
        ("usable_password", "true"),
        ("password1", "other-horse-cid"),
        ("password2", "other-horse-cid"),
    ];
    status(302, ann.submit("/admin/auth/user/3/password/", &password));
    status(403, ann.post("/admin/shop/coupon/add/", "name=FORGED&percent=100"));
    status(200, ann.submit_from("/admin/", "/admin/logout/", &[]));

    let mut bob = Browser::new(proxy.address);
    let sign_in = [("username", "bob"), ("password", "correct-horse-bob"), ("next", "/admin/")];
    status(302, bob.submit("/admin/login/", &sign_in));
    let form = [("name", "MINE"), ("percent", "90")];
    status(403, bob.submit_from("/admin/password_change/", "/admin/shop/coupon/add/", &form));
}

#[test]
fn every_mutation_of_its_admin_is_on_record_as_an_auditor_wants_to_read_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let site = Django::start();
    let rules = root.join("rules/examples/django");
    let more = format!("rules: {{dir: \"{}\"}}", rules.display());
    let proxy = Proxy::with(site.address, &Setup { more, ..Setup::default() });
    use_the_site(&proxy);
    let told: Vec<String> = proxy.events().iter().map(shown).collect();
    let told = told.join("\n");
    let expected = fs::read_to_string(root.join(EXPECTED)).unwrap_or_default();
    if told != expected && std::env::var_os("UPDATE").is_some() {
        fs::write(root.join(EXPECTED), &told).unwrap();
    } else {
        assert_eq!(told, expected, "UPDATE=1 writes what is");
    }
    let mut written = files(&proxy.data());
    written.push(("the log".to_owned(), proxy.log().into_bytes()));
    for (file, bytes) in written {
        let text = String::from_utf8_lossy(&bytes);
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} is in {file}");
        }
    }
}
