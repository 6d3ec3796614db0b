//! Routes by tables; that no spelling of a path audits less.

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;

use super::*;

fn pattern(paths: &[&str], audits: bool) -> Pattern {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    Pattern { paths, audits, ..Pattern::default() }
}

/// An audited area within one that is not, and the other way round.
fn admin_within_bypass() -> RouteTable {
    RouteTable::new(vec![pattern(&["/admin"], true), pattern(&[], false)])
}

fn bypass_within_admin() -> RouteTable {
    RouteTable::new(vec![pattern(&["/public/"], false), pattern(&["/"], true)])
}

fn select(table: &RouteTable, path: &str) -> Option<usize> {
    table.select(&asked("h", path, "POST"), Safety::Method)
}

fn asked<'r>(host: &'r str, target: &'r str, method: &'r str) -> Asked<'r> {
    Asked { host, target, method, elsewhere: &NOWHERE }
}

fn elsewhere(fields: &[(&str, &str)]) -> Elsewhere {
    let field = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap())
    };
    let mut headers = HeaderMap::new();
    for (name, value) in fields.iter().map(field) {
        headers.append(name, value);
    }
    Elsewhere::of(&headers)
}

/// Ways to write a path that some application takes for `/admin/users`.
const DODGES: &[&str] = &[
    "/admin",
    "/admin/",
    "/admin/users",
    "/ADMIN/users",
    "/Admin",
    "//admin/users",
    "/./admin/users",
    "/public/../admin/users",
    "/public/%2e%2e/admin",
    "/public/%2E%2E/admin",
    "/public/.%2e/admin",
    "/public%2f..%2fadmin",
    "/public/..%2fadmin",
    "/public/..%5cadmin",
    "/public\\..\\admin",
    "/%61dmin",
    "/%2561dmin",
    "/%252561dmin",
    "/public/%252e%252e/admin",
    "/public/%252e%252e%252fadmin",
    "/%2fadmin",
    "/;x=1/admin",
    "/admin;jsessionid=1",
    "/admin;x=1/users",
    "/public/..;/admin",
    "/public/..;x/admin",
    "/public/%2e%2e%3b/admin",
    "/admin.json",
    "/admin%00.png",
    "/admin%3fx",
    "/admin%23x",
    "/admin#x",
    "/admin%20",
    "/admin:purge",
    "/public/%c0%ae%c0%ae/admin",
    "/public/..%c0%afadmin",
    "/%u002fadmin",
    "/a/c/%2e%2e/../%2e%2e/admin/%2e%2e/admin",
    "/a/../../admin",
    "admin/users",
    "/%ADmin/../admin",
    "/public/.%00./admin",
    "/public/.%09./admin",
    "/public/..%e0%80%afadmin",
    "/public/%e0%80%ae%e0%80%ae/admin",
    "/public/%f0%80%80%ae%f0%80%80%ae/admin",
    "/public/%uff0e%uff0e/admin",
    "/public/%ef%bc%8e%ef%bc%8e/admin",
    "/public/..%ef%bc%8fadmin",
    "/public/%25ef%25bc%258e%25ef%25bc%258e/admin",
    "/public/..%20/admin",
    "/public/%0a../admin",
];

#[test]
fn no_dodge_leaves_an_audited_area() {
    let table = admin_within_bypass();
    for path in DODGES {
        assert_eq!(select(&table, path), Some(0), "{path}");
        assert_eq!(select(&table, &format!("{path}?a=/../b")), Some(0), "{path}");
    }
    let deep = format!("/%{}61dmin", "25".repeat(400));
    assert_eq!(select(&table, &deep), Some(0));
    let long = format!("/public/{}", "%2e%2e/".repeat(4000));
    assert_eq!(select(&table, &long), Some(0));
}

#[test]
fn plain_paths_take_their_routes() {
    let rows = [
        (admin_within_bypass(), "/", 1),
        (admin_within_bypass(), "/administrators", 1),
        (admin_within_bypass(), "/public/admin", 1),
        (admin_within_bypass(), "/admin.v2.1", 1),
        (admin_within_bypass(), "/a%20b/c", 1),
        (bypass_within_admin(), "/public", 0),
        (bypass_within_admin(), "/public/", 0),
        (bypass_within_admin(), "/public/a%20b", 0),
        (bypass_within_admin(), "/public/%c3%a9t%c3%a9", 0),
        (bypass_within_admin(), "/public/a/./b", 0),
        (bypass_within_admin(), "/public/a;v=1", 0),
        (bypass_within_admin(), "/public/.well-known", 0),
        (bypass_within_admin(), "/publications", 1),
    ];
    for (table, path, route) in rows {
        assert_eq!(select(&table, path), Some(route), "{path}");
    }
}

#[test]
fn a_dubious_path_does_not_enter_an_area_that_audits_less() {
    let table = bypass_within_admin();
    for path in [
        "/Public",
        "//public/x",
        "/public.json",
        "/public:x",
        "/public/../x",
        "/public/%2e%2e/x",
        "/public/%252e%252e/x",
        "/x/../public",
        "/public%2fx",
        "/pub%6cic",
        "/public;x/y",
        "/public%00",
        "/public/a/../../x",
        "public",
        "*",
    ] {
        assert_eq!(select(&table, path), Some(1), "{path}");
    }
}

#[test]
fn a_field_that_names_another_path_leads_out_of_what_audits_less() {
    for name in [
        "x-original-url",
        "x-rewrite-url",
        "X_Original_URL",
        "x-original-uri",
        "SCRIPT_NAME",
        "X-Script-Name",
        "x-forwarded-uri",
    ] {
        assert!(elsewhere(&[(name, "/admin")]).any_path, "{name}");
    }
    assert!(!elsewhere(&[("x-original-host", "h"), ("x-original-ur", "/admin")]).any_path);
    for (table, named, route) in [
        (bypass_within_admin(), false, 0),
        (bypass_within_admin(), true, 1),
        (admin_within_bypass(), false, 1),
        (admin_within_bypass(), true, 0),
    ] {
        let elsewhere =
            &if named { elsewhere(&[("x-original-url", "/a")]) } else { NOWHERE.clone() };
        let asked = Asked { elsewhere, ..asked("h", "/public/x", "POST") };
        let selected = table.select(&asked, Safety::Method);
        assert_eq!(selected, Some(route), "{named} {table:?}");
    }
}

#[test]
fn hosts_are_compared_without_port_and_case() {
    let of = |host: &str| {
        let hosts = vec![host.to_owned()];
        RouteTable::new(vec![Pattern { hosts, audits: true, ..Pattern::default() }])
    };
    #[rustfmt::skip]
    let rows = [
        ("a.example.com", "a.example.com", true),
        ("a.example.com", "A.Example.com:8443", true),
        ("a.example.com", "a.example.com.", true),
        ("a.example.com", "b.example.com", false),
        ("a.example.com", "", false),
        ("*.example.com", "b.example.com", true),
        ("*.example.com", "b.example.com:80", true),
        ("*.example.com", "b.c.example.com", false),
        ("*.example.com", "example.com", false),
        ("*.example.com", ".example.com", false),
        ("[::1]", "[::1]:8080", true),
        ("[::1]", "[::2]:8080", false),
    ];
    for (pattern, host, matches) in rows {
        let selected = of(pattern).select(&asked(host, "/", "POST"), Safety::Method);
        assert_eq!(selected.is_some(), matches, "{pattern} {host}");
    }
}

#[test]
fn a_field_that_names_another_host_leads_out_of_what_audits_less() {
    let on =
        |host: &str, audits| Pattern { hosts: vec![host.to_owned()], audits, ..Pattern::default() };
    let table = RouteTable::new(vec![on("cdn.x", false), on("admin.x", true), pattern(&[], false)]);
    for (host, fields, route) in [
        ("cdn.x", &[][..], 0),
        ("cdn.x", &[("x-forwarded-host", "CDN.x:443")], 0),
        ("cdn.x", &[("x-forwarded-host", "admin.x")], 1),
        ("cdn.x", &[("x-forwarded-host", "cdn.x, admin.x:8443")], 1),
        ("cdn.x", &[("X_Forwarded_Host", "admin.x")], 1),
        ("cdn.x", &[("x-host", "cdn.x"), ("x-host", "admin.x")], 1),
        ("cdn.x", &[("forwarded", "for=1.2.3.4;proto=https, for=\"[::1]\"; Host=\"admin.x\"")], 1),
        ("cdn.x", &[("forwarded", "for=1.2.3.4;host=cdn.x")], 0),
        ("other.x", &[("x-original-host", "admin.x")], 1),
        ("other.x", &[("x-original-host", "cdn.x")], 2),
        // Nobody knows which it is.
        ("cdn.x", &[("x-forwarded-host", "\"admin.x")], 1),
        ("cdn.x", &[("x-forwarded-host", "http://admin.x/")], 1),
        ("cdn.x", &[("x-forwarded-host", "a,b,c,d,e,f,g,h,i,j")], 1),
    ] {
        let elsewhere = &elsewhere(fields);
        let asked = Asked { elsewhere, ..asked(host, "/", "POST") };
        assert_eq!(table.select(&asked, Safety::Method), Some(route), "{host} {fields:?}");
    }
}

#[test]
fn methods_and_what_may_stand_for_others() {
    let with =
        |audits| Pattern { methods: vec!["DELETE".to_owned()], audits, ..Pattern::default() };
    let audited = RouteTable::new(vec![with(true)]);
    let bypass = RouteTable::new(vec![with(false)]);
    let rows = [
        ("DELETE", Safety::Method, true, true),
        ("delete", Safety::Method, true, false),
        ("POST", Safety::Method, false, false),
        ("POST", Safety::Override, true, false),
        ("DELETE", Safety::Override, true, false),
        ("GET", Safety::Safe, false, false),
    ];
    for (method, safety, takes, takes_if_less) in rows {
        let asked = asked("h", "/", method);
        let selected = |table: &RouteTable| table.select(&asked, safety).is_some();
        assert_eq!(selected(&audited), takes, "{method} {safety:?}");
        assert_eq!(selected(&bypass), takes_if_less, "{method} {safety:?}");
    }
}

#[test]
fn only_the_provably_harmless_is_safe() {
    use Safety::*;
    let none = ("host", "h");
    #[rustfmt::skip]
    let rows = [
        ("GET", "/", none, false, Safe),
        ("HEAD", "/a?b=c", none, false, Safe),
        ("OPTIONS", "*", none, false, Safe),
        ("GET", "/a?method=x&my_method=y&q=_method", none, false, Safe),
        ("GET", "/100%25?q=50%25", none, false, Safe),
        ("GET", "/", none, true, Body),
        ("get", "/", none, false, Method),
        ("Get", "/", none, false, Method),
        ("POST", "/", none, false, Method),
        ("TRACE", "/", none, false, Method),
        ("QUERY", "/", none, false, Method),
        ("FROB", "/", none, false, Method),
        ("", "/", none, false, Method),
        ("GET", "/?_method=DELETE", none, false, Override),
        ("GET", "/?a=1&_METHOD=delete", none, false, Override),
        ("GET", "/?a=1;_method=delete", none, false, Override),
        ("GET", "/?%5fmethod=delete", none, false, Override),
        ("GET", "/?%255Fmethod=delete", none, false, Override),
        ("GET", "/?_method[]=delete", none, false, Override),
        ("GET", "/a%3f_method=delete", none, false, Override),
        ("GET", "/?.method=DELETE", none, false, Override),
        ("GET", "/?+_method=DELETE", none, false, Override),
        ("GET", "/?%20.METHOD=DELETE", none, false, Override),
        ("GET", "/?_method%00=DELETE", none, false, Override),
        ("GET", "/?a=1&method=DELETE", none, false, Override),
        ("GET", "/?Method=%70ut", none, false, Override),
        ("GET", "/?method=delete-all&method=&method", none, false, Safe),
        ("GET", "/?x-http-method-override=PUT", none, false, Override),
        ("GET", "/graphql?query=mutation%7Bdelete(id:3)%7D", none, false, Override),
        ("GET", "/graphql?a=1&query=%2523%250Amutation%2520M%257Bx%257D", none, false, Override),
        ("HEAD", "/?Query=query+Q{a}mutation+M{b}", none, false, Override),
        ("GET", "/graphql?query={mutations}&x=mutation", none, false, Safe),
        ("GET", "/graphql?a=1;query=mutation{a}", none, false, Override),
        ("GET", "/graphql?%20query=mutation{a}", none, false, Override),
        ("GET", "/graphql?query%00=mutation{a}", none, false, Override),
        ("GET", "/graphql?batch=[{%22query%22:%22mutation{a}%22}]", none, false, Override),
        ("GET", "/search?query=mutation", none, false, Safe),
        ("GET", "/mutation?query={a}", none, false, Safe),
        ("GET", "/", ("x-http-method-override", "GET"), false, Override),
        ("GET", "/", ("X-HTTP-Method", "PUT"), false, Override),
        ("GET", "/", ("x-method-override", ""), false, Override),
        ("GET", "/", ("x_http_method_override", "PUT"), false, Override),
        ("POST", "/", ("x-http-method-override", "PUT"), true, Override),
    ];
    for (method, target, (name, value), has_body, expected) in rows {
        let mut headers = HeaderMap::new();
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.insert(name, HeaderValue::from_static(value));
        assert_eq!(safety(method, target, &headers, has_body), expected, "{method} {target}");
    }
}

/// How an application might come to the path that it acts on: written apart from `readings.rs`.
fn understand(path: &str, steps: &[u8]) -> String {
    let mut path = path.to_owned();
    for step in steps {
        path = match step % 6 {
            0 => {
                let mut out = path.clone();
                for (code, plain) in [
                    ("%25", "%"),
                    ("%2f", "/"),
                    ("%2e", "."),
                    ("%5c", "\\"),
                    ("%3b", ";"),
                    ("%61", "a"),
                ] {
                    // From the left, and what was decoded is not decoded again.
                    out = out.split(code).collect::<Vec<_>>().join(&format!("\u{1}{plain}"));
                }
                out.replace('\u{1}', "")
            }
            1 => path.replace('\\', "/"),
            2 => {
                path.split('/').map(|s| s.split(';').next().unwrap()).collect::<Vec<_>>().join("/")
            }
            3 => {
                while path.contains("//") {
                    path = path.replace("//", "/");
                }
                path
            }
            4 => {
                let mut out: Vec<&str> = Vec::new();
                for segment in path.split('/').skip(1) {
                    match segment {
                        "." => {}
                        ".." => drop(out.pop()),
                        other => out.push(other),
                    }
                }
                format!("/{}", out.join("/"))
            }
            _ => path.to_lowercase(),
        };
    }
    path
}

fn is_admin(path: &str) -> bool {
    path == "/admin" || path.starts_with("/admin/")
}

fn any_path() -> impl Strategy<Value = String> {
    let start = prop::sample::select(vec!["/", "/public/", "/admin/", "/public", "//"]);
    let piece = prop::sample::select(vec![
        "/", "admin", "Admin", "public", "a", "..", ".", "../", "/..", "/../", "%2e", "%2e%2e",
        "%252e", "%2f", "%252f", "\\", "%5c", ";", ";x", "%3b", "%61dmin", "%25", "%", "//", "é",
    ]);
    (start, prop::collection::vec(piece, 0..8))
        .prop_map(|(start, pieces)| format!("{start}{}", pieces.concat()))
}

proptest! {
    #[test]
    fn what_any_application_takes_for_admin_is_audited(
        path in any_path(),
        steps in prop::collection::vec(0_u8..6, 0..9),
    ) {
        if is_admin(&understand(&path, &steps)) {
            prop_assert_eq!(select(&admin_within_bypass(), &path), Some(0), "{}", path);
        }
    }

    #[test]
    fn what_any_application_takes_for_something_else_is_not_bypassed(
        path in any_path(),
        steps in prop::collection::vec(0_u8..5, 0..9),
    ) {
        let understood = understand(&path, &steps);
        if understood != "/public" && !understood.starts_with("/public/") {
            prop_assert_eq!(select(&bypass_within_admin(), &path), Some(1), "{}", path);
        }
    }

    #[test]
    fn what_any_application_takes_for_something_else_is_no_generation(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "/v1/chat/completions", "/model/", "/invoke", "/v1/messages", "/v1beta/models/",
            ":generateContent", "admin", "x", "/", "..", "/../", "%2e", "%2f", "%252f", "%5c", "\\",
            ";", "%3b", "//", "/./", "%25",
        ]), 1..6),
        steps in prop::collection::vec(0_u8..5, 0..9),
    ) {
        let path = format!("/{}", pieces.concat().trim_start_matches('/'));
        let generation = Pattern { generation: true, ..Pattern::default() };
        let table = RouteTable::new(vec![generation, pattern(&[], true)]);
        let is_taken = |path: &str| {
            let by_body = table.by_body(&asked("h", path, "POST"), Safety::Method);
            select(&table, path) == Some(0) || by_body.is_some()
        };
        let understood = understand(&path, &steps);
        if is_taken(&path) {
            prop_assert!(is_taken(&understood), "{} {}", path, understood);
        }
    }

    #[test]
    fn anything_is_matched_without_a_panic(host in ".{0,20}", path in ".{0,60}", method in ".{0,9}") {
        let table = RouteTable::new(vec![pattern(&["/é", "/K"], true), pattern(&["/"], false)]);
        let judged = safety(&method, &path, &HeaderMap::new(), false);
        let fields = [(http::header::FORWARDED, HeaderValue::from_str(&host)), (http::header::HOST, HeaderValue::from_str(&path))];
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value.ok()?)));
        let elsewhere = &Elsewhere::of(&HeaderMap::from_iter(fields));
        table.select(&Asked { elsewhere, ..asked(&host, &path, &method) }, judged);
    }
}
