//! Bodies of odd forms: other spellings of names and values, and what people paste.

use serde_json::json;

use super::bodies::{
    Format, any, format, json_text, multipart, named, object, opaque, quoted, shaped, text, value,
    word,
};
use super::secrets::{Kind, base64, percent, xml};

fn unicode_escapes(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect()
}

fn numeric_references(text: &str) -> String {
    text.chars().map(|c| format!("&#x{:x};", u32::from(c))).collect()
}

fn line(kind: Kind) -> bool {
    kind != Kind::Pem
}

fn named_line(kind: Kind) -> bool {
    named(kind) && line(kind)
}

fn named_word(kind: Kind) -> bool {
    named(kind) && word(kind)
}

/// In structured formats.
pub(super) const STRUCTURED: &[Format] = &[
    format("JSON, all escaped", any, |s, p| {
        let (name, secret) = (unicode_escapes(s.key()), unicode_escapes(&s.text));
        text("application/json", format!("{{\"name\":\"{p}\",\"{name}\":\"{secret}\"}}"))
    }),
    format("JSON, name twice", any, |s, p| {
        let (name, secret) = (s.key(), quoted(&s.text));
        let body = format!("{{\"name\":\"{p}\",\"{name}\":{secret},\"{name}\":\"other-1\"}}");
        text("application/json", body)
    }),
    format("JSON, name in capitals", any, |s, p| {
        json_text(&json!({"name": p, s.key().to_uppercase(): value(s)}))
    }),
    format("JSON, prefixed name", named, |s, p| {
        json_text(&json!({"name": p, format!("x-new.{}", s.key()): value(s)}))
    }),
    format("JSON, byte order mark", any, |s, p| {
        text("application/json", format!("\u{feff}{}", object(s, p)))
    }),
    format("JSON, several texts", any, |s, p| {
        text("application/json", format!("{} {}", json!({"name": p}), object(s, p)))
    }),
    format("JSON, no type of its own", any, |s, p| text("text/plain", object(s, p).to_string())),
    format("JSON as a form", any, |s, p| {
        text("application/x-www-form-urlencoded", object(s, p).to_string())
    }),
    format("JSON of a vendor", any, |s, p| {
        text("application/vnd.api+json", json!({"data": {"attributes": object(s, p)}}).to_string())
    }),
    format("JSON, the secret under other names too", named, |s, p| {
        json_text(
            &json!({"name": p, s.key(): s.text, "id": s.text, "title": format!("it is {}", s.text)}),
        )
    }),
    format("JSON, other names first", named, |s, p| {
        json_text(
            &json!({"a": s.text, "label": p, "b": [s.text, {s.text.as_str(): 1}], s.key(): s.text}),
        )
    }),
    format("JSON, name and value split", named, |s, p| {
        json_text(
            &json!({"label": p, "fields": [{"key": s.key(), "val": s.text}, {"field": s.key(), "newValue": value(s)}]}),
        )
    }),
    format("form in a JSON string", any, |s, p| {
        json_text(
            &json!({"name": p, "body": format!("grant_type=x&{}={}", s.key(), percent(&s.text))}),
        )
    }),
    format("XML in a JSON string", any, |s, p| {
        let inner = format!("<a><b>1</b><{k}>{}</{k}></a>", xml(&s.text), k = s.key());
        json_text(&json!({"name": p, "body": inner}))
    }),
    format("YAML in a JSON string", named_line, |s, p| {
        let inner = format!("user: ada\n{}: {}\n", s.key(), quoted(&s.text));
        json_text(&json!({"name": p, "body": inner}))
    }),
    format("base64 of base64 in JSON", any, |s, p| {
        json_text(&json!({"name": p, "blob": base64(&base64(&object(s, p).to_string()))}))
    }),
    format("percent-encoded twice in a form", any, |s, p| {
        let inner = percent(&percent(&object(s, p).to_string()));
        text("application/x-www-form-urlencoded", format!("name={p}&data={inner}"))
    }),
    format("form, lower-case escapes of all", any, |s, p| {
        let all: String = s.text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        text("application/x-www-form-urlencoded", format!("name={p}&{}={all}", s.key()))
    }),
    format("form, escaped name", any, |s, p| {
        let name: String = s.key().bytes().map(|byte| format!("%{byte:02X}")).collect();
        let form = format!("name={p}&{name}={}", percent(&s.text));
        text("application/x-www-form-urlencoded", form)
    }),
    format("form, dotted and listed names", any, |s, p| {
        let form =
            format!("a.b.{}={}&name={p}&c[]={}", s.key(), percent(&s.text), percent(&s.text));
        text("application/x-www-form-urlencoded", form)
    }),
    format("multipart, name of a file", shaped, |s, p| {
        let head = format!("name=\"file\"; filename=\"{}.txt\"", s.text);
        multipart(&[("name=\"name\"", p), (&head, "content")])
    }),
    format("multipart, name of a field", shaped, |s, p| {
        multipart(&[("name=\"name\"", p), (&format!("name=\"{}\"", s.text), "content")])
    }),
    format("multipart, base64", named, |s, p| {
        let head = format!("name=\"{}\"\r\nContent-Transfer-Encoding: base64", s.key());
        multipart(&[("name=\"name\"", p), (&head, &base64(&s.text))])
    }),
    format("multipart, JSON part", any, |s, p| {
        let head = "name=\"data\"\r\nContent-Type: application/json";
        multipart(&[("name=\"name\"", p), (head, &object(s, p).to_string())])
    }),
    format("multipart, header of a part", shaped, |s, p| {
        let head = format!("name=\"data\"\r\nX-Api-Key: {}", s.text);
        multipart(&[("name=\"name\"", p), (&head, "content")])
    }),
    format("XML, references", any, |s, p| {
        let (key, secret) = (s.key(), numeric_references(&s.text));
        text("application/xml", format!("<user><name>{p}</name><{key}>{secret}</{key}></user>"))
    }),
    format("XML, in pieces", named, |s, p| {
        let key = s.key();
        let middle = s.text.char_indices().nth(s.text.chars().count() / 2).unwrap().0;
        let (first, last) = s.text.split_at(middle);
        let body = format!("{}<!-- x --><![CDATA[]]>{}", xml(first), xml(last));
        text("application/xml", format!("<user><name>{p}</name><{key}>{body}</{key}></user>"))
    }),
    format("XML, deeper", named, |s, p| {
        let (key, secret) = (s.key(), xml(&s.text));
        text(
            "application/xml",
            format!(
                "<u><name>{p}</name><x:{key} xmlns:x=\"urn:x\"><v a=\"1\">{secret}</v></x:{key}></u>"
            ),
        )
    }),
    format("XML, name and value", named, |s, p| {
        let (key, secret) = (s.key(), xml(&s.text));
        text(
            "application/xml",
            format!(
                "<u><label>{p}</label><property name=\"{key}\" value=\"{secret}\"/><property name=\"{key}\">{secret}</property></u>"
            ),
        )
    }),
    format("XML, comment", shaped, |s, p| {
        text("application/xml", format!("<u><name>{p}</name><!-- {} --></u>", s.text))
    }),
    format("XML-RPC login", named, |s, _| {
        let secret = xml(&s.text);
        text(
            "text/xml",
            format!(
                "<methodCall><methodName>user.login</methodName><params><param><value><string>ada</string></value></param><param><value><string>{secret}</string></value></param></params></methodCall>"
            ),
        )
    }),
    format("YAML, anchor", any, |s, p| {
        let secret = quoted(&s.text);
        text("application/yaml", format!("name: {p}\nx: &a {secret}\n{}: *a\n", s.key()))
    }),
    format("YAML, flow and documents", any, |s, p| {
        let secret = quoted(&s.text);
        text(
            "application/yaml",
            format!("---\nname: {p}\n---\n[1, {{\"{}\": {secret}}}]\n", s.key()),
        )
    }),
    format("TOML, dotted and inline", any, |s, p| {
        let (key, secret) = (s.key(), quoted(&s.text));
        text(
            "application/toml",
            format!("name = \"{p}\"\na.b.{key} = {secret}\nc = {{ {key} = {secret} }}\n"),
        )
    }),
    format("TSV", line, |s, p| {
        let secret = s.text.replace('"', "\"\"");
        text("text/tab-separated-values", format!("name\t{}\n{p}\t\"{secret}\"\n", s.key()))
    }),
    format("CSV, name and value", named_line, |s, p| {
        let secret = s.text.replace('"', "\"\"");
        text("text/csv", format!("key,value\r\nname,{p}\r\n{},\"{secret}\"\r\n", s.key()))
    }),
    format(
        "GraphQL, block string",
        |kind| named(kind) && kind != Kind::Password,
        |s, p| {
            let query = format!(
                "mutation {{ add(name: \"{p}\", {}: \"\"\"{}\"\"\") {{ id }} }}",
                s.key(),
                s.text
            );
            json_text(&json!({"query": query}))
        },
    ),
    format("GraphQL, default of a variable", any, |s, p| {
        let query = format!(
            "mutation M(${}: String = {}) {{ add(name: \"{p}\") {{ id }} }}",
            s.key(),
            quoted(&s.text)
        );
        json_text(&json!({"query": query}))
    }),
    format("GraphQL, batch", any, |s, p| {
        json_text(
            &json!([{"query": "mutation M { a }", "variables": {"name": p}}, {"query": "mutation N { b }", "variables": object(s, p)}]),
        )
    }),
    format("JSON-RPC, batch", any, |s, p| {
        json_text(
            &json!([{"jsonrpc": "2.0", "id": 1, "method": "x.add", "params": {"name": p}}, {"jsonrpc": "2.0", "id": 2, "method": "x.add", "params": object(s, p)}]),
        )
    }),
];

/// In text that people and programs write.
pub(super) const PROSE: &[Format] = &[
    format("text, no blank", named_word, |s, p| {
        text("text/plain", format!("{p}\n{}:{}\n", s.key(), s.text))
    }),
    format("text, settings", named_word, |s, p| {
        text("text/plain", format!("NAME={p}\nexport APP_{}={}\n", s.key().to_uppercase(), s.text))
    }),
    format("text, quoted settings", named_line, |s, p| {
        text(
            "text/plain",
            format!("NAME={p}\nAPP_{}={}\n", s.key().to_uppercase(), quoted(&s.text)),
        )
    }),
    format("text, properties", named_word, |s, p| {
        text("text/plain", format!("name={p}\nspring.datasource.{} = {}\n", s.key(), s.text))
    }),
    format("text, X-Api-Key", word, |s, p| {
        text("text/plain", format!("POST /x\nX-Name: {p}\nX-Api-Key: {}\n", s.text))
    }),
    format("text, Cookie", word, |s, p| {
        text("text/plain", format!("POST /x\nX-Name: {p}\nCookie: sid={}; a=b\n", s.text))
    }),
    format("text, curl", word, |s, p| {
        text("text/plain", format!("# {p}\ncurl -u ada:{} https://x.example/\n", s.text))
    }),
    format("text, netrc", word, |s, p| {
        text("text/plain", format!("# {p}\nmachine x.example login ada password {}\n", s.text))
    }),
    format("text, Basic", line, |s, p| {
        let basic = base64(&format!("ada:{}", s.text));
        text("text/plain", format!("{p}\nAuthorization: Basic {basic}\n"))
    }),
    format("text, JSON in it", named, |s, p| {
        text("text/plain", format!("{p} sent {} to us\n", object(s, "x")))
    }),
    format("text, option", named_word, |s, p| {
        let key = s.key().replace('_', "-");
        text("text/plain", format!("{p}: app --user ada --{key}={}\n", s.text))
    }),
    format("text, option and blank", named_word, |s, p| {
        let key = s.key().replace('_', "-");
        text("text/plain", format!("{p}: app --user ada --{key} {}\n", s.text))
    }),
    opaque("HTML, input", named_line, |s, p| {
        let (key, secret) = (s.key(), xml(&s.text));
        text(
            "text/html",
            format!("<p>{p}</p><input type=\"password\" name=\"{key}\" value=\"{secret}\">"),
        )
    }),
    opaque("HTML, script", named_line, |s, p| {
        text("text/html", format!("<p>{p}</p><script>var c = {};</script>", object(s, "x")))
    }),
    opaque("HTML, link", any, |s, p| {
        text(
            "text/html",
            format!(
                "<p>{p}</p><a href=\"https://a.example/?{}={}\">x</a>",
                s.key(),
                percent(&s.text)
            ),
        )
    }),
];
