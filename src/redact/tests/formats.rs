//! Every format from end to end: what stands under a key is not recorded, what stands beside it is.

use super::*;

const SECRET: &str = "Sw0rdfish-é-99";
const BESIDE: &str = "keep me 77";

/// Records a body and checks that the secret is nowhere and its neighbour is there.
fn check(content_type: &str, body: &[u8]) -> RequestRecord {
    let record = record("/", &[("content-type", content_type)], body);
    let stored = stored(&record);
    let shown = String::from_utf8_lossy(body);
    for needle in [SECRET, "Sw0rdfish", "U3cwcmRmaXNo", "537730726466697368"] {
        assert!(!stored.contains(needle), "{content_type}: {shown}: {stored}");
    }
    assert!(record.body.is_some(), "{content_type}: {shown}: {:?}", record.notes);
    assert!(stored.contains(BESIDE), "{content_type}: {shown}: {stored}");
    assert!(!record.receipts.is_empty(), "{content_type}: {shown}: no receipt");
    record
}

#[test]
fn charsets() {
    let json = format!(r#"{{"password": "{SECRET}", "x": ["{BESIDE}", "a {SECRET} b"]}}"#);
    check("application/json", json.as_bytes());
    let utf16: Vec<u8> = json.encode_utf16().flat_map(u16::to_le_bytes).collect();
    check("application/json; charset=utf-16", &utf16);
    check("application/json", &utf16);
    let latin: Vec<u8> = json.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    check("application/json; charset=iso-8859-1", &latin);
    check(
        "application/x-www-form-urlencoded; charset=iso-8859-1",
        b"password=Sw0rdfish-%E9-99&x=keep+me+77&y=Sw0rdfish-\xe9-99",
    );
}

/// A multipart body of parts, each with its headers.
fn multipart(boundary: &str, parts: &[&str]) -> String {
    let parts: String = parts.iter().map(|part| format!("--{boundary}\r\n{part}\r\n")).collect();
    format!("{parts}--{boundary}--\r\n")
}

#[test]
fn multipart_forms() {
    let field = |name: &str, value: &str| {
        format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}")
    };
    let beside = field("note", BESIDE);
    let typed = |name: &str, kind: &str, value: &str| {
        let head = format!("Content-Disposition: form-data; name=\"{name}\"");
        format!("{head}\r\nContent-Type: {kind}\r\n\r\n{value}")
    };
    let json = format!(r#"{{"password": "{SECRET}"}}"#);
    let file = format!(
        "Content-Disposition: form-data; name=\"f\"; filename=\"f.txt\"\r\n\
         Content-Type: text/plain\r\n\r\n{SECRET} and so on, a file that is long enough"
    );
    let inner = multipart("in", &[&field("password", SECRET)]);
    let rows = [
        field("password", SECRET),
        field("config", &json),
        typed("config", "application/json", &json),
        typed("config", "application/x-www-form-urlencoded", "password=Sw0rdfish-%C3%A9-99"),
        typed("password", "text/plain; charset=utf-8", SECRET),
        typed("x", "multipart/form-data; boundary=in", &inner),
        format!("{file}\r\n--b\r\n{}", field("pin", "1234")),
        format!("{}\r\n--b\r\n{}", field("echo", SECRET), field("password", SECRET)),
    ];
    for part in rows {
        let body = multipart("b", &[&part, &beside]);
        check("multipart/form-data; boundary=b", body.as_bytes());
    }
}

#[test]
fn xml_and_soap() {
    let rows = [
        format!("<u><password>{SECRET}</password><n>{BESIDE}</n></u>"),
        format!("<u password='{SECRET}' n='{BESIDE}'/>"),
        format!("<a:u xmlns:a='urn:x'><a:Password>{SECRET}</a:Password>{BESIDE}</a:u>"),
        format!(
            "<s:Envelope xmlns:s='urn:s'><s:Header><wsse:Security xmlns:wsse='urn:w'>\
             <wsse:User>{BESIDE}</wsse:User>\
             <wsse:Password Type='#PasswordText'>{SECRET}</wsse:Password></wsse:Security>\
             </s:Header><s:Body/></s:Envelope>"
        ),
        format!("<u><password><![CDATA[{SECRET}]]></password><n>{BESIDE}</n></u>"),
        format!("<u><password>Sw0rd<!-- -->fish-&#xe9;-99</password><n>{BESIDE}</n></u>"),
        format!("<u><password/><password>{SECRET}</password><n>{BESIDE}</n></u>"),
        format!(
            "<u><n>{BESIDE}</n><p name='db.password' value='{SECRET}'/><p name='a' value='b'/></u>"
        ),
        format!("<u><n>{BESIDE}</n><entry key='db.password'>{SECRET}</entry></u>"),
        format!(
            "<struct><member><name>password</name><value><string>{SECRET}</string></value>\
             </member><member><name>x</name><value>{BESIDE}</value></member></struct>"
        ),
        format!(
            "<plist><dict><key>Password</key><string>{SECRET}</string>\
             <key>n</key><string>{BESIDE}</string></dict></plist>"
        ),
        format!("<u><n>{BESIDE}</n><c>{{\"password\":\"{SECRET}\"}}</c></u>"),
    ];
    for body in rows {
        for content_type in
            ["application/xml", "text/xml; charset=utf-8", "application/soap+xml", "text/plain"]
        {
            check(content_type, body.as_bytes());
        }
    }
    let latin = b"<?xml version='1.0' encoding='iso-8859-1'?><u password='Sw0rdfish-\xe9-99'>keep me 77</u>";
    check("application/xml", latin);
}

#[test]
fn yaml_and_toml() {
    let rows = [
        format!("password: {SECRET}\nn: {BESIDE}\n"),
        format!("password: '{SECRET}'\nn: [\"{BESIDE}\"]\n"),
        format!("db: {{password: {SECRET}, n: {BESIDE}}}"),
        format!("a: &x {SECRET}\npassword: *x\nn: {BESIDE}\n"),
        format!("base: &b {{password: {SECRET}}}\nx:\n  <<: *b\n  n: {BESIDE}\n"),
        format!("password: |\n  {SECRET}\n  x\nn: {BESIDE}\n"),
        format!("---\nn: {BESIDE}\n---\npassword: !x {SECRET}\n"),
        format!("env:\n- name: DB_PASSWORD\n  value: {SECRET}\n- n: {BESIDE}\n"),
        format!("? &k password\n: {SECRET}\nx:\n  *k : {SECRET}2\nn: {BESIDE}\n"),
        format!("n: {BESIDE}\nc: '{{\"password\": \"{SECRET}\"}}'\n"),
    ];
    for body in rows {
        for content_type in ["application/yaml", "text/x-yaml", "application/apply-patch+yaml"] {
            check(content_type, body.as_bytes());
        }
    }
    let rows = [
        format!("password = '{SECRET}'\nn = '{BESIDE}'\n"),
        format!("n = '{BESIDE}'\n[db]\nuser.password = \"Sw0rdfish-\\u00e9-99\"\n"),
        format!("n = '{BESIDE}'\n[[db]]\n'pass word' = \"\"\"{SECRET}\nx\"\"\"\n"),
        format!("x = [{{ password = '{SECRET}', n = '{BESIDE}' }}]\n"),
    ];
    for body in rows {
        check("application/toml", body.as_bytes());
    }
}

#[test]
fn events_and_tables() {
    let rows = [
        format!("data: {{\"password\": \"{SECRET}\"}}\n\ndata: {BESIDE}\n\n"),
        format!("event: a\nid: {BESIDE}\ndata: {{\ndata: \"password\": \"{SECRET}\"}}\n\n"),
        format!("password: {SECRET}\ndata: {BESIDE}\n"),
        format!("data: {{\"x\": \"{{\\\"password\\\": \\\"{SECRET}\\\"}}\"}}\r\n\r\ndata:{BESIDE}"),
    ];
    for body in rows {
        check("text/event-stream", body.as_bytes());
    }
    let rows = [
        format!("name,password\nx,{SECRET}\n{BESIDE},\n"),
        format!("\"user name\";\"Pass-Word\"\r\n\"{BESIDE}\";\"{SECRET}\"\r\n"),
        format!("api_key,note\n\"{SECRET}\",\"{BESIDE}\"\n\n,{SECRET}"),
    ];
    for body in rows {
        check("text/csv; charset=utf-8", body.as_bytes());
    }
}

#[test]
fn what_was_captured_of_a_stream() {
    let rows = [
        (
            "text/event-stream",
            format!(
                "data: {{\"password\": \"{SECRET}\", \"x\": \"{BESIDE}\"}}\n\ndata: {{\"password\": \"Sw0rd\n"
            ),
        ),
        (
            "application/x-ndjson",
            format!("{{\"password\": \"{SECRET}\", \"x\": \"{BESIDE}\"}}\n{{\"password\": \"Sw0rd"),
        ),
    ];
    for (content_type, body) in rows {
        let mut request = request("/", &[("content-type", content_type)], body.as_bytes());
        request.body.truncated = true;
        let record =
            engine().request(&request, Detail::WithBody, &mut Seen::default()).into_inner();
        let stored = stored(&record);
        assert!(!stored.contains("Sw0rd") && stored.contains(BESIDE), "{stored}");
        assert_eq!(record.notes, ["truncated"]);
    }
}
