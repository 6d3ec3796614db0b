//! Parameters of queries: the statement has the name of the column, and the value stands beside it, by
//! its place or by a name of its own: `{"sql": "UPDATE users SET password = ?", "params": ["x"]}`.

use super::carrier::Carrier;
use super::walk::{Members, Walk, is_one_of, push_name, scalar};
use crate::decode::Node;

/// Members that hold a statement.
const STATEMENTS: [&str; 9] = [
    "sql",
    "statement",
    "stmt",
    "query",
    "cypher",
    "source",
    "UpdateExpression",
    "ConditionExpression",
    "FilterExpression",
];

/// Members that hold what a statement leaves open.
pub(super) const PARAMETERS: [&str; 9] = [
    "params",
    "parameters",
    "args",
    "bindings",
    "binds",
    "bindVars",
    "bind_vars",
    "ExpressionAttributeValues",
    "parameterValues",
];

/// Words that statements begin with, where nothing else says that they are some.
const VERBS: [&str; 8] =
    ["insert ", "update ", "select ", "delete ", "replace ", "merge ", "create ", "alter "];

/// Words between which a value belongs to a column.
const BETWEEN: [&str; 10] =
    ["where", "and", "or", "set", "from", "returning", "remove", "add", "on", "then"];

/// What is read of a statement, and how many places are open in it, at most.
const STATEMENT_BYTES_MAX: usize = 16 * 1024;
const OPEN_MAX: usize = 256;

/// Members that hold the value of a parameter with a name or a type.
const VALUED: [&str; 2] = ["value", "stringValue"];

/// What a statement leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open<'s> {
    /// By its place among all.
    At(usize),
    /// By its name, without the sign before it.
    Named(&'s str),
}

/// What a statement is made of.
#[derive(Debug, Clone, Copy)]
enum Token<'s> {
    Word(&'s str),
    Open(Option<Open<'s>>),
    Sign(char),
}

impl Walk<'_> {
    /// Takes out the parameters that are the values of columns that rules select.
    pub(super) fn queries(&mut self, members: &mut Members<'_>) {
        let statement = members.iter().find_map(|(name, node)| match node {
            Node::String(text) if is_one_of(name, &STATEMENTS) => Some(text.to_string()),
            _ => None,
        });
        let Some(statement) = statement else { return };
        let columns = columns(&statement);
        if columns.is_empty() {
            return;
        }
        for (name, node) in members.iter_mut().filter(|(name, _)| is_one_of(name, &PARAMETERS)) {
            let length = self.location.len();
            push_name(&mut self.location, name);
            self.parameters(node, &columns);
            self.location.truncate(length);
        }
    }

    /// The same for `["UPDATE users SET password = ?", "x"]`.
    pub(super) fn query_in_list(&mut self, items: &mut [Node<'_>]) {
        let [Node::String(statement), parameters @ ..] = items else { return };
        let head = statement.trim_start();
        let is_verb = |verb: &&str| {
            head.get(..verb.len()).is_some_and(|head| head.eq_ignore_ascii_case(verb))
        };
        if parameters.is_empty() || !VERBS.iter().any(is_verb) {
            return;
        }
        let statement = statement.to_string();
        let columns = columns(&statement);
        if let [named @ Node::Object(_)] = parameters {
            return self.parameters(named, &columns);
        }
        self.listed(parameters, &columns);
    }

    fn parameters(&mut self, node: &mut Node<'_>, columns: &[(Open<'_>, &str)]) {
        let length = self.location.len();
        match node {
            Node::Array(items) if items.iter().all(|item| matches!(item, Node::Array(_))) => {
                for item in items {
                    if let Node::Array(row) = item {
                        self.location.push_str("[*][*]");
                        self.listed(row, columns);
                        self.location.truncate(length);
                    }
                }
            }
            Node::Array(items) => {
                self.location.push_str("[*]");
                self.listed(items, columns);
            }
            Node::Object(members) => {
                for (name, value) in members {
                    let name = bare(name);
                    let place = name.parse().ok().and_then(|place: usize| place.checked_sub(1));
                    let is_it = |open: &Open<'_>| match open {
                        Open::Named(other) => *other == name,
                        Open::At(at) => place == Some(*at),
                    };
                    if let Some((_, column)) = columns.iter().find(|(open, _)| is_it(open)) {
                        self.parameter(value, column);
                    }
                }
            }
            _ => {}
        }
        self.location.truncate(length);
    }

    fn listed(&mut self, items: &mut [Node<'_>], columns: &[(Open<'_>, &str)]) {
        for (at, item) in items.iter_mut().enumerate().take(OPEN_MAX) {
            let name = match item {
                Node::Object(members) => members.iter().find_map(|(name, node)| {
                    node.as_str().filter(|_| is_one_of(name, &["name", "key"]))
                }),
                _ => None,
            };
            let open = name.map_or(Open::At(at), |name| Open::Named(bare(name)));
            if let Some((_, column)) = columns.iter().find(|(other, _)| *other == open) {
                self.parameter(item, column);
            }
        }
    }

    /// The value, or that in `{"type": "text", "value": "x"}`.
    fn parameter(&mut self, node: &mut Node<'_>, column: &str) {
        let is_value = |name: &str| is_one_of(name, &VALUED);
        if let Node::Object(members) = node
            && let Some((_, value)) = members.iter_mut().find(|(name, _)| is_value(name))
        {
            return self.parameter(value, column);
        }
        let value = scalar(node);
        let rule = self.rule_of_content(Carrier::Member, column, value.as_deref());
        drop(value);
        if let Some(rule) = rule.filter(|_| *node != Node::Null) {
            self.secret(node, rule);
        }
    }
}

/// A name without the sign before it: `:p`, `@p`, `$p`.
fn bare(name: &str) -> &str {
    name.trim_start_matches([':', '@', '$'])
}

/// What a statement leaves open, each with the name of the column whose value it is.
fn columns(statement: &str) -> Vec<(Open<'_>, &str)> {
    let mut found = Vec::new();
    // The column whose value may come, and whether there was a sign between.
    let (mut column, mut is_told) = (None, false);
    // The columns of an `INSERT`, the last names in brackets, and which of the values comes.
    let (mut inserted, mut listed): (Option<Vec<&str>>, Vec<&str>) = (None, Vec::new());
    let (mut depth, mut value, mut places) = (0_usize, 0_usize, 0_usize);
    for token in tokens(statement) {
        match token {
            Token::Word(word) if is_one_of(word, &["values"]) => {
                inserted = Some(std::mem::take(&mut listed));
                (column, is_told, depth) = (None, false, 0);
            }
            Token::Word(word) if is_one_of(word, &BETWEEN) => (column, is_told) = (None, false),
            Token::Word(word) => {
                if depth == 1 && listed.len() < OPEN_MAX {
                    listed.push(word);
                }
                if !is_told {
                    column = Some(word);
                }
            }
            Token::Sign('=' | ':') => is_told = column.is_some(),
            Token::Sign('(') => {
                depth += 1;
                if depth == 1 {
                    listed.clear();
                    value = 0;
                }
            }
            Token::Sign(')') => depth = depth.saturating_sub(1),
            Token::Sign(',') => {
                value += usize::from(depth == 1);
                (column, is_told) = (None, false);
            }
            Token::Sign(_) => {}
            Token::Open(open) => {
                let open = open.unwrap_or(Open::At(places));
                places += usize::from(matches!(open, Open::At(_)));
                let told = column.filter(|_| is_told);
                let by_list = || inserted.as_ref().filter(|_| depth > 0)?.get(value).copied();
                found.extend(told.or_else(by_list).map(|column| (open, column)));
            }
        }
        if found.len() >= OPEN_MAX {
            break;
        }
    }
    found
}

/// The words, open places and signs of a statement; what stands in single quotes is none of these.
fn tokens(statement: &str) -> impl Iterator<Item = Token<'_>> {
    let end = statement.floor_char_boundary(STATEMENT_BYTES_MAX);
    let mut rest = statement.get(..end).unwrap_or_default();
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || "\"`[]".contains(c));
            let first = rest.chars().next()?;
            let after = rest.get(first.len_utf8()..)?;
            if first == '\'' {
                rest = after.split_once('\'').map_or("", |(_, rest)| rest);
                continue;
            }
            let (token, left) = token(first, rest, after);
            rest = left;
            return Some(token);
        }
    })
}

/// One token, and what is left behind it.
fn token<'s>(first: char, rest: &'s str, after: &'s str) -> (Token<'s>, &'s str) {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let (name, left) = split_while(after, is_name);
    match first {
        ':' if after.starts_with(':') => {
            // A cast: what it is cast to is no name.
            let (_, left) = split_while(after.trim_start_matches(':'), is_name);
            (Token::Sign(' '), left)
        }
        '?' | '$' | ':' | '@' if !name.is_empty() => (Token::Open(Some(open(first, name))), left),
        '?' => (Token::Open(None), after),
        '%' if name == "s" => (Token::Open(None), left),
        _ if is_name(first) => {
            let (word, left) = split_while(rest, |c| is_name(c) || c == '.');
            match word.strip_prefix("params.") {
                Some(name) => (Token::Open(Some(Open::Named(name))), left),
                None => (Token::Word(word), left),
            }
        }
        _ => (Token::Sign(first), after),
    }
}

/// A place by its number, where that is what it has, or by its name.
fn open(sign: char, name: &str) -> Open<'_> {
    let number = name.parse::<usize>().ok().filter(|_| sign != '@');
    number.and_then(|number| number.checked_sub(1)).map_or(Open::Named(name), Open::At)
}

fn split_while(text: &str, is_part: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::Open::{At, Named};
    use super::*;

    #[test]
    fn the_columns_of_what_is_left_open_are_found() {
        let rows: [(&str, &[(Open<'_>, &str)]); 11] = [
            ("UPDATE u SET password = ? WHERE id=?", &[(At(0), "password"), (At(1), "id")]),
            ("UPDATE u SET a = $2, b=$1::text", &[(At(1), "a"), (At(0), "b")]),
            ("UPDATE u SET p = crypt(?, gen_salt('b?f')), q = ?", &[(At(0), "p"), (At(1), "q")]),
            (
                "INSERT INTO u (name, \"password\") VALUES (?, md5(?)), (?, ?)",
                &[(At(0), "name"), (At(1), "password"), (At(2), "name"), (At(3), "password")],
            ),
            ("INSERT INTO u (a) VALUES (%s)", &[(At(0), "a")]),
            ("SET password = :v REMOVE x", &[(Named("v"), "password")]),
            (
                "CREATE (u:User {name:$n, password:$p})",
                &[(Named("n"), "name"), (Named("p"), "password")],
            ),
            ("UPDATE \"7\" WITH {password: @p} IN users", &[(Named("p"), "password")]),
            ("ctx._source.password = params.p", &[(Named("p"), "ctx._source.password")]),
            ("SELECT 'a = ?' FROM t", &[]),
            ("{ user { id } }", &[]),
        ];
        for (statement, expected) in rows {
            assert_eq!(columns(statement), expected, "{statement}");
        }
        assert!(columns(&"a = ? ".repeat(10_000)).len() <= OPEN_MAX);
    }
}
