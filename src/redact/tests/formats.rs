//! Every format from end to end: what stands under a key is not recorded, what stands beside it is.

use std::io::Write as _;

use base64::Engine as _;
use proptest::prelude::*;

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
fn who_signs_in_by_soap_is_on_record() {
    let body = "<s:Envelope xmlns:s='s' xmlns:w='w'><s:Header><w:Security><w:UsernameToken>\
                <w:Username>ada</w:Username><w:Password>hunter22</w:Password></w:UsernameToken>\
                <w:BinarySecurityToken>hunter23-and-more</w:BinarySecurityToken></w:Security>\
                </s:Header><s:Body/></s:Envelope>";
    let record = record("/", &[("content-type", "text/xml")], body.as_bytes());
    let text = stored(&record);
    assert!(text.contains(r#""Username":"ada""#), "{text}");
    assert!(!text.contains("hunter"), "{text}");
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

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn xml_escaped(text: &str) -> String {
    let escape = |c: char| {
        if c.is_ascii_alphanumeric() { c.to_string() } else { format!("&#{};", u32::from(c)) }
    };
    text.chars().map(escape).collect()
}

fn unicode_escaped(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
}

/// A body with the secret under a key, and its type.
fn planted(format: usize, secret: &str) -> (&'static str, String) {
    let json = Value::from(secret).to_string();
    let escaped = unicode_escaped(secret);
    let base64 = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
    let object = format!(r#"{{"password":{json},"n":1}}"#);
    let quoted = Value::from(object.as_str()).to_string();
    let csv = secret.replace('"', "\"\"");
    match format {
        0 => ("application/json", object),
        1 => ("application/json", format!("{{\"\\u0070assword\":\"{escaped}\"}}")),
        2 => ("application/json", format!("{{\"x\":[{quoted}]}}")),
        3 => ("application/json", format!("{{\"x\":\"{}\"}}", base64(&object))),
        4 => ("application/json", format!("{{\"x\":\"{}\"}}", percent(&object))),
        5 => ("application/json", format!("{{\"x\":\"data:;base64,{}\"}}", base64(&object))),
        6 => ("application/x-ndjson", format!("1\n{object}\n")),
        7 => ("application/x-www-form-urlencoded", format!("a=1&password={}", percent(secret))),
        8 => ("application/x-www-form-urlencoded", format!("a={}", percent(&object))),
        9 => (
            "multipart/form-data; boundary=bnd",
            multipart(
                "bnd",
                &[&format!("Content-Disposition: form-data; name=password\r\n\r\n{secret}")],
            ),
        ),
        10 => (
            "multipart/form-data; boundary=bnd",
            multipart("bnd", &[&format!("Content-Disposition: form-data; name=x\r\n\r\n{object}")]),
        ),
        11 => ("text/xml", format!("<a><x:password>{}</x:password></a>", xml_escaped(secret))),
        12 => ("application/xml", format!("<a password=\"{}\"/>", xml_escaped(secret))),
        13 => (
            "application/xml",
            format!("<a n='password'><p name='password'>{}</p></a>", xml_escaped(secret)),
        ),
        14 => ("application/yaml", format!("a: &x \"{escaped}\"\npassword: *x\n")),
        15 => ("application/yaml", format!("a: [{{password: {json}}}]")),
        16 => ("application/toml", format!("[a]\nb.password = {json}")),
        17 => ("text/event-stream", format!("data: {{\ndata: \"password\": {json}}}\n\n")),
        18 => ("text/csv", format!("a,password\n1,\"{csv}\"\n")),
        19 => ("application/graphql", format!("{{a(b: {{password: {json}}})}}")),
        20 => (
            "application/json",
            json!({"query": format!("{{a(password: \"{escaped}\")}}")}).to_string(),
        ),
        21 => ("text/plain", object),
        _ => {
            ("application/json", json!({"method": "login", "params": ["bob", secret]}).to_string())
        }
    }
}

proptest! {
    #[test]
    fn no_format_records_a_planted_secret(
        odd in "[A-Za-z !/+='\"\\\\<>&;,#é%{}\\[\\]:-]{0,8}",
        core in "[A-Z][0-9][a-z]{5}[0-9]{3}",
        format in 0..23_usize,
        coding in 0..3_usize,
    ) {
        let secret = format!("{odd}{core}");
        let (content_type, body) = planted(format, &secret);
        let mut fields = vec![("content-type", content_type)];
        let mut bytes = body.clone().into_bytes();
        if coding == 1 {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&bytes).unwrap();
            bytes = encoder.finish().unwrap();
            fields.push(("content-encoding", "gzip"));
        } else if coding == 2 && !content_type.contains(';') {
            bytes = [0xff, 0xfe].into_iter().chain(body.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        }
        let sent = request("/", &fields, &bytes);
        let answer = json!({"echo": format!("<{secret}>"), "b": base64::engine::general_purpose::STANDARD.encode(&secret)});
        let (request, response) = exchange(&sent, &response(&[JSON], answer.to_string().as_bytes()));
        prop_assert!(request.body.is_some(), "{content_type} {body} {:?}", request.notes);
        prop_assert!(!stored(&request).contains(&core), "{content_type} {body} {}", stored(&request));
        prop_assert!(!stored_response(&response).contains(&core), "{content_type} {body} {}", stored_response(&response));
        let encoded = base64::engine::general_purpose::STANDARD.encode(&secret);
        prop_assert!(secret.len() < 12 || !stored_response(&response).contains(&encoded));
    }
}
