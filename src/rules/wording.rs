//! What the YAML library says about text that does not fit, in words for those who write rules.

use serde_json::Value;

use super::check::REMEDY;
use super::load::schema;
use crate::problem::{Problem, nearest};

/// What the library says of text that is no YAML has one of these words.
const SYNTAX: [&str; 10] = [
    "illegal",
    "scanning",
    "parsing",
    "unclosed",
    "expected",
    "found",
    "mapping",
    "invalid indentation",
    "invalid trailing",
    "bracket",
];

/// The same problem, in our words and with a remedy of its own.
pub(super) fn in_words(problem: Problem, text: &str) -> Problem {
    if let Some((line, column)) = bare_keep_ends(&problem, text) {
        let message = "`keep_ends` says how many characters it keeps".to_owned();
        let remedy = "write it as in `do: {keep_ends: {first: 3, last: 4}}`".to_owned();
        return Problem { line, column, message, remedy, ..problem };
    }
    if let Some((line, column)) = open_quote(&problem, text) {
        let message = "a quote is opened here and not closed".to_owned();
        let remedy = "close it on this line, or remove it".to_owned();
        return Problem { line, column, message, remedy, ..problem };
    }
    let said = problem.message.as_str();
    let found = unknown(said)
        .or_else(|| missing(said))
        .or_else(|| mistyped(said))
        .or_else(|| limit(said))
        .or_else(|| said.starts_with("alias references unknown").then(|| alias(said)));
    let (message, remedy) = match found {
        Some(words) => words,
        // Ours already, or about the syntax.
        None if problem.remedy != REMEDY => return problem,
        None => (said.to_owned(), syntax(said).to_owned()),
    };
    Problem { message, remedy, ..problem }
}

/// Where `keep_ends` stands alone: the library only says where the next thing begins.
fn bare_keep_ends(problem: &Problem, text: &str) -> Option<(u64, u64)> {
    if problem.message != "expected mapping start" {
        return None;
    }
    let before = usize::try_from(problem.line).ok()?;
    let lines = text.lines().enumerate().take(before);
    let last = lines.filter(|(_, line)| !line.trim().is_empty()).filter_map(|(number, line)| {
        let (before, after) = line.split_once("do:")?;
        let value = after.split('#').next().unwrap_or_default().trim_matches([' ', '"', '\'']);
        let column = before.chars().count() + 1;
        (value == "keep_ends").then_some((number as u64 + 1, column as u64))
    });
    last.last()
}

/// Where the quote is opened that the problem comes from: the library only says where it ends.
fn open_quote(problem: &Problem, text: &str) -> Option<(u64, u64)> {
    let said = problem.message.as_str();
    if !said.contains("quote") && !said.contains("unexpected e") {
        return None;
    }
    let lines = text.lines().zip(1_u64..).take_while(|(_, number)| *number <= problem.line);
    let open = |(line, number): (&str, u64)| Some((number, unclosed(line)?));
    lines.filter_map(open).last()
}

/// The column of the quote in a line that is not closed in it.
fn unclosed(line: &str) -> Option<u64> {
    let mut open: Option<(u64, char)> = None;
    let mut before = ' ';
    let mut signs = line.chars().zip(1_u64..).peekable();
    while let Some((sign, column)) = signs.next() {
        match open {
            // What is doubled or escaped is no end.
            Some((_, quote)) if sign == quote => {
                let doubled = quote == '\'' && signs.next_if(|(next, _)| *next == quote).is_some();
                open = open.filter(|_| doubled);
            }
            Some((_, '"')) if sign == '\\' => {
                signs.next();
            }
            Some(_) => {}
            None if sign == '#' && before == ' ' => return None,
            None if matches!(sign, '"' | '\'') && " [{,".contains(before) => {
                open = Some((column, sign));
            }
            None => {}
        }
        before = sign;
    }
    open.map(|(column, _)| column)
}

/// A key or a word that does not exist; the library lists those that do.
fn unknown(said: &str) -> Option<(String, String)> {
    let (given, what) = match said.strip_prefix("unknown field ") {
        Some(given) => (given, "key"),
        None => (said.strip_prefix("unknown variant ")?, "value"),
    };
    let (given, known) = given.split_once(", expected ")?;
    let given = given.trim_matches('`');
    let known: Vec<&str> = known
        .trim_start_matches("one of ")
        .split(", ")
        .flat_map(|names| names.split(" or "))
        .map(|name| name.trim_matches('`'))
        .collect();
    let list = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let remedy = match nearest(given, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`? known here: {list}"),
        None => format!("correct or remove it; known here: {list}"),
    };
    Some((format!("unknown {what} `{given}`"), remedy))
}

/// A key that must be there.
fn missing(said: &str) -> Option<(String, String)> {
    let name = said.strip_prefix("missing field ")?.trim_matches('`');
    let remedy = match meaning(name) {
        Some(meaning) => format!("add `{name}`: {meaning}"),
        None => format!("add `{name}`"),
    };
    Some((format!("`{name}` is missing"), remedy))
}

/// What the schema says of a key that must be there, its first sentence.
fn meaning(name: &str) -> Option<String> {
    let schema = schema();
    let definitions = schema.get("$defs").and_then(Value::as_object)?;
    let mut nested: Vec<&Value> = definitions.values().collect();
    while let Some(node) = nested.pop() {
        let properties = node.get("properties").and_then(Value::as_object);
        let required = node.get("required").and_then(Value::as_array);
        let is_required = required.is_some_and(|names| names.iter().any(|known| known == name));
        if let Some(property) = properties.and_then(|all| all.get(name)).filter(|_| is_required) {
            let text = property.get("description")?.as_str()?.replace('\n', " ");
            let end = text.find(". ").unwrap_or(text.len());
            return text.get(..end).map(|text| text.trim_end_matches('.').to_owned());
        }
        let below = [node.get("oneOf"), node.get("anyOf")].into_iter().flatten();
        nested.extend(below.filter_map(Value::as_array).flatten());
        nested.extend(properties.into_iter().flat_map(|all| all.values()));
    }
    None
}

/// A value of another type than it should be.
fn mistyped(said: &str) -> Option<(String, String)> {
    let (should, remedy) = match said {
        "expected sequence start" => {
            ("a list", "write it in brackets, `[one, two]`, or one entry a line, each after `- `")
        }
        "expected mapping start" => {
            ("a mapping", "give it keys: `name: value`, or `{name: value}`")
        }
        "invalid floating point" => ("a number", "write a number such as `3` or `3.5`"),
        "invalid boolean" => ("`true` or `false`", "write one of the two"),
        _ if is_number(said) => ("a small whole number", "write a number from 0 to 255"),
        _ if said.starts_with("cannot deserialize null into string") => {
            ("a text, and is empty", "write it after the colon, or remove the key")
        }
        _ if said.contains("unit enum variant") => (
            "one word, without settings",
            "write it alone, as in `do: drop`; of all that can be done only `keep_ends` has settings",
        ),
        _ if said.starts_with("externally tagged enum") => (
            "one word, or one word with settings",
            "write it as in `do: drop`, or `do: {keep_ends: {first: 3, last: 4}}`",
        ),
        _ => return None,
    };
    Some((format!("this should be {should}"), remedy.to_owned()))
}

/// What no file of rules needs so much of.
fn limit(said: &str) -> Option<(String, String)> {
    let (message, remedy) = if said.starts_with("budget breached") {
        ("aliases make too much of this file", "write out what the aliases (`*name`) stand for")
    } else if said.starts_with("recursive references") {
        ("this alias stands for something that it is in itself", "write out what is meant here")
    } else if said.starts_with("recursion limit") {
        (
            "lists or mappings are nested too deep here",
            "close brackets that are open, or remove them",
        )
    } else {
        return None;
    };
    Some((message.to_owned(), remedy.to_owned()))
}

/// An alias that stands for nothing.
fn alias(said: &str) -> (String, String) {
    let remedy =
        "write `&name` before what it stands for, above; a text that begins with `*` needs quotes";
    (said.to_owned(), remedy.to_owned())
}

/// `invalid u8`, and not `invalid indentation`.
fn is_number(said: &str) -> bool {
    let bits = said.strip_prefix("invalid ").and_then(|kind| kind.strip_prefix(['u', 'i']));
    bits.is_some_and(|bits| bits.starts_with(|c: char| c.is_ascii_digit()))
}

/// What to do where the text is no YAML.
fn syntax(said: &str) -> &'static str {
    if said.contains("tab") {
        "indent with spaces: YAML takes no tabs"
    } else if SYNTAX.iter().any(|word| said.contains(word)) {
        "look at quotes, brackets and indentation, here and on the lines before"
    } else {
        REMEDY
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::rules::load;

    fn rule(line: &str) -> String {
        format!("redact:\n  - id: a\n    keys: [x]\n    {line}\n    do: drop\n")
    }

    /// A text, what is said of it, and the remedy.
    fn told((text, expected, remedy): &(String, &str, &str)) {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.yaml"), text).unwrap();
        let problems = load(Some(dir.path()), &[]).unwrap_err().0;
        let shown = problems[0].to_string();
        assert!(shown.contains(expected) && shown.contains(remedy), "{text}\n{shown}");
        assert!(problems[0].line > 0 && problems[0].column > 0, "{shown}");
    }

    #[test]
    fn every_kind_of_problem_has_its_place_and_a_remedy() {
        let rows: Vec<(String, &str, &str)> = vec![
            (
                rule("kyes: [x]"),
                "4:5: unknown key `kyes`",
                "did you mean `keys`? known here: `id`, ",
            ),
            (
                rule("sparkle: 1"),
                "4:5: unknown key `sparkle`",
                "correct or remove it; known here: ",
            ),
            (rule("headers: x"), "4:14: this should be a list", "write it in brackets"),
            (rule("headers: {x: 1}"), "4:14: this should be a list", "write it in brackets"),
            (rule("in: [requests]"), "4:10: unknown value `requests`", "did you mean `request`?"),
            (rule("validate: [luhm]"), "4:16: unknown value `luhm`", "did you mean `luhn`?"),
            (rule("entropy: high"), "4:14: this should be a number", "such as `3`"),
            (rule("bare_body: maybe"), "4:16: this should be `true` or `false`", "one of the two"),
            (rule("keys: [y]"), "4:5: `keys` is given twice", "remove or rename"),
            (rule("examples: {hits: [x]}"), "4:16: unknown key `hits`", "did you mean `hit`?"),
            (
                rule("query: []").replace("drop", "{keep_ends: {first: 3, last: 4, middle: 2}}"),
                ": unknown key `middle`",
                "known here: `first`, `last`",
            ),
            (rule("headers: [x"), "5:7: ", "look at quotes, brackets and indentation"),
            (
                "redact:\n  - id: a\n\tkeys: [x]\n    do: drop\n".to_owned(),
                "found a tab",
                "YAML takes no tabs",
            ),
            (
                rule("query: []").replace("drop", "dorp"),
                "5:9: unknown value `dorp`",
                "did you mean `drop`?",
            ),
            (
                rule("query: []").replace("drop", "[drop]"),
                "5:9: this should be one word",
                "`do: drop`",
            ),
            (
                rule("query: []").replace("drop", "{keep_ends: {first: 3}}"),
                ": `last` is missing",
                "add `last`: Characters at the end",
            ),
            (
                rule("query: []").replace("drop", "{keep_ends: {first: 300, last: 1}}"),
                "5:29: this should be a small whole number",
                "from 0 to 255",
            ),
            (
                rule("query: []").replace("    do: drop\n", ""),
                ": `do` is missing",
                "add `do`: What is done",
            ),
            (
                rule("query: []").replace("id: a", "id:"),
                "2:7: this should be a text",
                "after the colon",
            ),
            (
                "redact:\n  - keys: [x]\n    do: drop\n".to_owned(),
                ": `id` is missing",
                "add `id`: The rule's id",
            ),
            ("redcat: []\n".to_owned(), "1:1: unknown key `redcat`", "did you mean `redact`?"),
            ("keep:\n  - key: [x]\n".to_owned(), "2:5: unknown key `key`", "did you mean `keys`?"),
            ("- id: a\n".to_owned(), "1:1: this should be a mapping", "give it keys"),
            ("redact: {id: a}\n".to_owned(), "1:9: this should be a list", "in brackets"),
        ];
        rows.iter().for_each(told);
    }

    #[test]
    fn text_that_is_no_yaml_is_told_where_it_is_not() {
        let rows = [
            (
                "openapi: 3.0.3\ninfo: {title: t}\n".to_owned(),
                "1:1: this is a document of an API",
                "move it out of this directory",
            ),
            (rule("headers: \"x"), "4:14: a quote is opened here and not closed", "close it"),
            (rule("pattern: 'it''s"), "4:14: a quote is opened here and not closed", "close it"),
            (rule("headers: [a, \"b\\\"]"), "4:18: a quote is opened here", "close it"),
            (rule("headers: [a]").replace("id: a", "id: 'a"), "2:9: a quote is opened", "close it"),
            (
                rule("query: []").replace("drop", "{summarize: {}}"),
                ": this should be one word, without settings",
                "write it alone",
            ),
            ("redact: &a\n- *a\n".to_owned(), "2:3: this alias stands for", "write out"),
            (
                "redact:\n- {id: a, keys: [x, do: drop}\n".to_owned(),
                ": mismatched bracket",
                "look at quotes, brackets",
            ),
            ("redact: *none\n".to_owned(), "1:9: alias references unknown", "needs quotes"),
            (format!("redact: {}\n", "[".repeat(3000)), ": lists or mappings are nested", "close"),
            (
                (b'b'..=b'h').fold("a: &a [1, 2]\n".to_owned(), |text, letter| {
                    let before = format!("*{}, ", char::from(letter - 1)).repeat(10);
                    let letter = char::from(letter);
                    format!("{text}{letter}: &{letter} [{before}]\n")
                }),
                ": aliases make too much of this file",
                "stand for",
            ),
            (rule("headers: [x]").replace("    do", "   do"), "5:4: ", "brackets and indentation"),
            (rule("headers: [x]").replace("    keys", "   keys"), "3:4: ", "and indentation"),
            (rule("headers: [x]").replace("    keys", "     keys"), "3:10: ", "and indentation"),
        ];
        rows.iter().for_each(told);
    }
}
