//! Requests as command lines of curl, as browsers and documents have them to copy.

use std::iter::Peekable;
use std::path::Path;
use std::str::Chars;

use super::message::problem;
use crate::problem::Problem;

/// Of a command line, what counts for the request.
#[derive(Default)]
struct Command {
    method: Option<String>,
    url: Option<String>,
    fields: Vec<String>,
    data: Vec<String>,
    is_json: bool,
    form: Vec<(String, String)>,
    /// The data goes into the query.
    in_query: bool,
    is_head: bool,
}

/// Options without a value that change nothing of the request itself, or nothing that is recorded.
const FLAGS: [&str; 22] = [
    "--silent",
    "--show-error",
    "--verbose",
    "--include",
    "--location",
    "--insecure",
    "--fail",
    "--fail-with-body",
    "--compressed",
    "--http1.1",
    "--http2",
    "--http2-prior-knowledge",
    "--globoff",
    "--progress-bar",
    "--no-buffer",
    "--no-progress-meter",
    "--path-as-is",
    "--ipv4",
    "--ipv6",
    "--remote-name",
    "--tlsv1.2",
    "--tlsv1.3",
];

/// The same of those with a value.
const SETTINGS: [&str; 14] = [
    "--output",
    "--write-out",
    "--max-time",
    "--connect-timeout",
    "--retry",
    "--retry-delay",
    "--cacert",
    "--cert",
    "--key",
    "--proxy",
    "--resolve",
    "--cookie-jar",
    "--stderr",
    "--dump-header",
];

/// Short options and what they are short for.
const SHORT: [(char, &str); 26] = [
    ('X', "--request"),
    ('H', "--header"),
    ('d', "--data"),
    ('u', "--user"),
    ('F', "--form"),
    ('b', "--cookie"),
    ('A', "--user-agent"),
    ('e', "--referer"),
    ('G', "--get"),
    ('I', "--head"),
    ('s', "--silent"),
    ('S', "--show-error"),
    ('v', "--verbose"),
    ('i', "--include"),
    ('L', "--location"),
    ('k', "--insecure"),
    ('f', "--fail"),
    ('g', "--globoff"),
    ('N', "--no-buffer"),
    ('O', "--remote-name"),
    ('o', "--output"),
    ('w', "--write-out"),
    ('m', "--max-time"),
    ('x', "--proxy"),
    ('c', "--cookie-jar"),
    ('D', "--dump-header"),
];

/// Long options that stand for others.
const SAME: [(&str, &str); 4] = [
    ("--data-ascii", "--data"),
    ("--data-binary", "--data"),
    ("--data-raw", "--data-raw"),
    ("--form-string", "--form"),
];

/// The boundary of a form: curl makes one up.
const BOUNDARY: &str = "------------------------countersign";

/// What curl sends data as, if nothing else is said.
const FORM: &str = "application/x-www-form-urlencoded";

/// The request that a command of curl sends, as a message; `None` if it is no such command.
pub(super) fn message(file: &Path, bytes: &[u8]) -> Option<Result<Vec<u8>, Problem>> {
    let mut before = 0;
    let mut rest = std::str::from_utf8(bytes).ok()?;
    // Scripts begin with a remark, and prompts stand before what was typed.
    loop {
        let (line, more) = rest.split_once('\n').unwrap_or((rest, ""));
        if more.is_empty() || !(line.trim().is_empty() || line.starts_with('#')) {
            break;
        }
        before += 1;
        rest = more;
    }
    let text = rest.trim_start();
    let text = text.strip_prefix("$ ").unwrap_or(text).trim_start();
    let command = text.strip_prefix("curl").filter(|rest| rest.starts_with([' ', '\t', '\\']))?;
    let wrong = |why: &str| {
        let remedy = "write the request as a message (`POST /users HTTP/1.1`, header fields, an empty \
                      line, the body), or send it with `curl -v` and give what that shows";
        problem(file, before + 1, why, remedy)
    };
    Some(read(command).map(Command::written).map_err(|why| wrong(&why)))
}

fn read(command: &str) -> Result<Command, String> {
    let mut all = Command::default();
    let mut words = words(command)?.into_iter();
    while let Some(word) = words.next() {
        if let Some(name) = word.strip_prefix("--").filter(|name| !name.is_empty()) {
            let (name, given) = match name.split_once('=') {
                Some((name, value)) => (format!("--{name}"), Some(value.to_owned())),
                None => (word.clone(), None),
            };
            all.option(&name, given, &mut words)?;
        } else if let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) {
            let mut letters = letters.chars();
            while let Some(letter) = letters.next() {
                let long = SHORT.iter().find(|(short, _)| *short == letter);
                let Some((_, long)) = long else {
                    return Err(format!("curl's option `-{letter}` is not read here"));
                };
                if is_flag(long) {
                    all.option(long, None, &mut words)?;
                    continue;
                }
                let rest = letters.as_str();
                let given = (!rest.is_empty()).then(|| rest.to_owned());
                all.option(long, given, &mut words)?;
                break;
            }
        } else if all.url.replace(word).is_some() {
            return Err("the command of curl has more than one URL".to_owned());
        }
    }
    match all.url {
        Some(_) => Ok(all),
        None => Err("the command of curl has no URL".to_owned()),
    }
}

fn is_flag(long: &str) -> bool {
    FLAGS.contains(&long) || matches!(long, "--get" | "--head")
}

impl Command {
    fn option(
        &mut self,
        name: &str,
        given: Option<String>,
        words: &mut impl Iterator<Item = String>,
    ) -> Result<(), String> {
        let same = SAME.iter().find(|(other, _)| *other == name);
        let name = same.map_or(name, |(_, long)| long);
        match name {
            "--get" => self.in_query = true,
            "--head" => self.is_head = true,
            _ if is_flag(name) => {}
            _ => {
                let value = given.or_else(|| words.next());
                let value = value.ok_or_else(|| format!("curl's option `{name}` has no value"))?;
                return self.with_value(name, value);
            }
        }
        Ok(())
    }

    fn with_value(&mut self, name: &str, value: String) -> Result<(), String> {
        let is_file = value.starts_with('@') && name != "--data-raw";
        // What stands in the command is not shown: it may be a secret.
        let from_file = || format!("what `{name}` gives is in a file, which is not read here");
        match name {
            "--request" => self.method = Some(value),
            "--url" => self.url = Some(value),
            "--header" if is_file => return Err(from_file()),
            "--header" => self.fields.push(value),
            "--user-agent" => self.fields.push(format!("User-Agent: {value}")),
            "--referer" => self.fields.push(format!("Referer: {value}")),
            "--cookie" if !value.contains('=') => return Err(from_file()),
            "--cookie" => self.fields.push(format!("Cookie: {value}")),
            "--user" => {
                use base64::Engine as _;
                let pair = base64::prelude::BASE64_STANDARD.encode(value);
                self.fields.push(format!("Authorization: Basic {pair}"));
            }
            "--oauth2-bearer" => self.fields.push(format!("Authorization: Bearer {value}")),
            "--data" | "--data-raw" | "--json" if is_file => return Err(from_file()),
            "--data" | "--data-raw" => self.data.push(value),
            "--json" => {
                self.is_json = true;
                self.data.push(value);
            }
            "--data-urlencode" => self.data.push(encoded(&value).ok_or_else(from_file)?),
            "--form" => match value.split_once('=') {
                Some((_, part)) if part.starts_with(['@', '<']) => return Err(from_file()),
                Some((name, part)) => self.form.push((name.to_owned(), part.to_owned())),
                None => return Err("what `--form` gives is no `name=value`".to_owned()),
            },
            _ if SETTINGS.contains(&name) => {}
            _ => return Err(format!("curl's option `{name}` is not read here")),
        }
        Ok(())
    }

    /// The request as a message.
    fn written(self) -> Vec<u8> {
        let url = self.url.unwrap_or_default();
        let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
        let (host, mut target) = super::exchange::split_target(rest);
        let mut body = self.data.join(if self.is_json { "" } else { "&" });
        if self.in_query && !body.is_empty() {
            target.push(if target.contains('?') { '&' } else { '?' });
            target.push_str(&super::exchange::visible(&body).split_off(1));
            body.clear();
        }
        let mut media_type = match (self.is_json, body.is_empty()) {
            (true, _) => Some("application/json".to_owned()),
            (false, false) => Some(FORM.to_owned()),
            (false, true) => None,
        };
        if !self.form.is_empty() {
            media_type = Some(format!("multipart/form-data; boundary={BOUNDARY}"));
            for (name, value) in self.form {
                body.push_str(&format!(
                    "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
                ));
            }
            body.push_str(&format!("--{BOUNDARY}--\r\n"));
        }
        let method = match (self.method, self.is_head, body.is_empty()) {
            (Some(method), ..) => method,
            (None, true, _) => "HEAD".to_owned(),
            (None, false, true) => "GET".to_owned(),
            (None, false, false) => "POST".to_owned(),
        };
        let has = |name: &str| {
            let is = |field: &&String| {
                field.split(':').next().is_some_and(|own| own.trim().eq_ignore_ascii_case(name))
            };
            self.fields.iter().find(is).is_some()
        };
        let mut head = format!("{method} {target} HTTP/1.1\r\n");
        if !has("host") {
            head.push_str(&format!("Host: {host}\r\n"));
        }
        if let Some(media_type) = media_type.filter(|_| !has("content-type")) {
            head.push_str(&format!("Content-Type: {media_type}\r\n"));
        }
        for field in &self.fields {
            head.push_str(field.trim());
            head.push_str("\r\n");
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        head.push_str(&body);
        head.into_bytes()
    }
}

/// `name=value` with the value encoded; `None` for what is in a file.
fn encoded(text: &str) -> Option<String> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, value),
        None if text.contains('@') => return None,
        None => ("", text),
    };
    let mut out = name.to_owned();
    out.push_str(if name.is_empty() { "" } else { "=" });
    for byte in value.bytes() {
        match byte {
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    Some(out)
}

/// The words of a command as a shell reads them, up to what ends it.
fn words(command: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = command.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.next_if_eq(&'\r').is_some() || chars.peek() == Some(&'\n') => {
                chars.next_if_eq(&'\n');
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            '\'' => quoted(&mut chars, '\'', word.get_or_insert_default())?,
            '"' => quoted(&mut chars, '"', word.get_or_insert_default())?,
            '$' if chars.next_if_eq(&'\'').is_some() => {
                ansi(&mut chars, word.get_or_insert_default())?;
            }
            '\n' | ';' | '|' | '>' | '&' if word.is_none() || c != '&' => break,
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(chars: &mut Peekable<Chars<'_>>, end: char, word: &mut String) -> Result<(), String> {
    while let Some(c) = chars.next() {
        match c {
            c if c == end => return Ok(()),
            '\\' if end == '"' => match chars.next() {
                Some('\n') | None => {}
                Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                Some(c) => word.extend(['\\', c]),
            },
            c => word.push(c),
        }
    }
    Err(format!("a quote ({end}) of the command of curl is not closed"))
}

/// `$'…'`, as browsers write what has escapes.
fn ansi(chars: &mut Peekable<Chars<'_>>, word: &mut String) -> Result<(), String> {
    while let Some(c) = chars.next() {
        match c {
            '\'' => return Ok(()),
            '\\' => match chars.next() {
                Some('n') => word.push('\n'),
                Some('r') => word.push('\r'),
                Some('t') => word.push('\t'),
                Some('u') => {
                    let digits: String =
                        (0..4).map_while(|_| chars.next_if(char::is_ascii_hexdigit)).collect();
                    let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                    word.push(code.unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                Some(c) => word.push(c),
                None => {}
            },
            c => word.push(c),
        }
    }
    Err("a quote (') of the command of curl is not closed".to_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::message;

    fn told(text: &str) -> Result<String, String> {
        let written = message(Path::new("x.http"), text.as_bytes()).unwrap();
        written.map(|bytes| String::from_utf8(bytes).unwrap()).map_err(|p| p.to_string())
    }

    #[test]
    fn commands_are_the_requests_that_they_send() {
        for (command, head, body) in [
            ("curl http://a/users?x=1", "GET /users?x=1 HTTP/1.1\r\nHost: a", ""),
            (
                "# as copied\n\ncurl -X PUT 'https://a.example/users/7' \\\n  -H 'X-Api-Key: k' -d name=x -d y=2\n",
                "PUT /users/7 HTTP/1.1\r\nHost: a.example\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nX-Api-Key: k",
                "name=x&y=2",
            ),
            (
                r#"$ curl -sSXPOST --url=http://a/k --json "{\"a\": \"b\"}" -o out.txt; echo"#,
                "POST /k HTTP/1.1\r\nHost: a\r\nContent-Type: application/json",
                r#"{"a": "b"}"#,
            ),
            (
                "curl 'http://a/k' -H 'content-type: application/json' --data-raw $'{\"a\":\"\\u0041\\'\"}' --compressed",
                "POST /k HTTP/1.1\r\nHost: a\r\ncontent-type: application/json",
                "{\"a\":\"A'\"}",
            ),
            (
                "curl -u ada:pw -X DELETE http://a/7 -b 's=1'",
                "DELETE /7 HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YWRhOnB3\r\nCookie: s=1",
                "",
            ),
            (
                "curl -G http://a/s -d q=1 --data-urlencode 'n=a b'",
                "GET /s?q=1&n=a%20b HTTP/1.1\r\nHost: a",
                "",
            ),
        ] {
            let length = match body.len() {
                0 => String::new(),
                length => format!("\r\nContent-Length: {length}"),
            };
            assert_eq!(
                told(command).unwrap(),
                format!("{head}{length}\r\n\r\n{body}"),
                "{command}"
            );
        }
        let form = told("curl http://a/f -F a=1 -F b=2").unwrap();
        assert!(form.contains("name=\"b\"\r\n\r\n2\r\n") && form.starts_with("POST /f"), "{form}");
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        for (command, why) in [
            ("curl -X PUT", "has no URL"),
            ("curl http://a -d @body.json", "is in a file"),
            ("curl http://a -F f=@x.png", "is in a file"),
            ("curl http://a 'x", "not closed"),
            ("curl http://a http://b", "more than one URL"),
            ("curl --frobnicate http://a", "`--frobnicate` is not read here"),
            ("curl http://a -H", "has no value"),
        ] {
            let problem = told(command).unwrap_err();
            assert!(problem.contains(why) && problem.contains("curl -v"), "{command}: {problem}");
        }
        for text in ["POST /curl HTTP/1.1\r\n\r\n", "curly /x HTTP/1.1\r\n\r\n", ""] {
            assert!(message(Path::new("x"), text.as_bytes()).is_none(), "{text}");
        }
    }
}
