//! GraphQL documents (October 2021 edition): the literals in them, and by which names they go.
//!
//! The document stays text: only what is secret in it will be replaced. So this is no full parser;
//! it follows braces, names and values as far as is needed to tell the name of every literal.

mod aliases;
mod lexer;

use std::borrow::Cow;
use std::ops::Range;

pub use self::aliases::aliases;
pub(crate) use self::lexer::{Lexer, Token};
use super::budget::Budget;
use super::{DEPTH_MAX, Note};

/// Selections in each other. They cost nothing, and what is done may stand around many of them.
pub(super) const SELECTIONS_MAX: usize = 1024;

/// A value in a document, or a comment.
#[derive(Clone, PartialEq)]
pub struct Literal<'a> {
    /// Where it stands in the text, with quotes and without a `$`.
    pub range: Range<usize>,
    /// The names of the argument and of the members around it, from the outside in.
    pub names: Vec<&'a str>,
    /// Literals of the same parentheses or braces have the same number.
    pub group: usize,
    /// The field, directive or operation whose argument it is.
    pub field: &'a str,
    /// What it says.
    pub value: Value<'a>,
}

/// What a literal says.
#[derive(Clone, PartialEq)]
pub enum Value<'a> {
    /// A string, without quotes and escapes.
    String(Cow<'a, str>),
    /// A number, as written.
    Number(&'a str),
    /// `true`, `null`, or the name of an enumerated value.
    Name(&'a str),
    /// A variable that is used, without the `$`.
    Variable(&'a str),
    /// A comment, without the `#`.
    Comment(&'a str),
}

/// The literals of a document, in their order. Whatever is no document is an error.
pub fn graphql(text: &str) -> Result<Vec<Literal<'_>>, Note> {
    graphql_within(text, &mut Budget::of(text.len()))
}

/// As [`graphql`], for a text inside of something else.
pub(super) fn graphql_within<'a>(
    text: &'a str,
    budget: &mut Budget,
) -> Result<Vec<Literal<'a>>, Note> {
    budget.look(text.len())?;
    let mut document = Document {
        open: Vec::new(),
        field: "",
        selections: 0,
        groups: 0,
        literals: Vec::new(),
        budget,
    };
    let mut lexer = Lexer::new(text);
    while let Some((token, range)) = lexer.next()? {
        document.token(token, range)?;
    }
    if document.open.is_empty() && document.selections > 0 {
        Ok(document.literals)
    } else {
        Err(Note::InvalidGraphql)
    }
}

/// Whether a text begins as an operation does. What begins with a brace may be anything.
pub fn is_operation(text: &str) -> bool {
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n', ',']);
    let after = ["query", "mutation", "subscription", "fragment"]
        .iter()
        .find_map(|keyword| text.strip_prefix(keyword));
    after.is_some_and(|after| {
        after.starts_with([' ', '\t', '\r', '\n', '{', '(', '@', '#', ',']) && after.contains('{')
    })
}

/// What is open, and what is due in it.
struct Open<'a> {
    what: What,
    /// The name whose value is due or was just read.
    name: Option<&'a str>,
    due: Due,
    /// The field around.
    field: &'a str,
    group: usize,
    /// Selections in each other of which this one stands for all: nothing is known of them but how many they are.
    nested: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// `{ field }`.
    Selection,
    /// `(name: value)`, and the definitions of variables.
    Arguments,
    /// `{name: value}`.
    Object,
    /// `[value]`.
    List,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Due {
    Name,
    Colon,
    Value,
    /// The name of a variable that is defined.
    Variable,
    /// The colon behind it.
    VariableColon,
    /// Its type, up to its default, the next variable, or the end.
    Type,
    /// The name of a variable that is used.
    Reference,
}

struct Document<'a, 'b> {
    open: Vec<Open<'a>>,
    /// The name that was read last where fields are.
    field: &'a str,
    selections: usize,
    groups: usize,
    literals: Vec<Literal<'a>>,
    budget: &'b mut Budget,
}

impl<'a> Document<'a, '_> {
    fn token(&mut self, token: Token<'a>, range: Range<usize>) -> Result<(), Note> {
        if let Token::Comment(text) = token {
            return self.literal(Value::Comment(text), range);
        }
        let due = match self.open.last() {
            None | Some(Open { what: What::Selection, .. }) => return self.selecting(token),
            Some(open) => open.due,
        };
        match (due, token) {
            (Due::Value, Token::String(text)) => self.value(Value::String(text), range),
            (Due::Value, Token::Number(text)) => self.value(Value::Number(text), range),
            (Due::Value, Token::Name(text)) => self.value(Value::Name(text), range),
            (Due::Value, Token::Mark(b'{')) => self.enter(What::Object, Due::Name),
            (Due::Value, Token::Mark(b'[')) => self.enter(What::List, Due::Value),
            (Due::Value, Token::Mark(b'$')) => self.now(Due::Reference),
            (Due::Reference, Token::Name(name)) => self.value(Value::Variable(name), range),
            (Due::Value, Token::Mark(b']')) => self.leave(What::List),
            (Due::Name, Token::Name(name)) => {
                self.name(name);
                self.now(Due::Colon)
            }
            (Due::Colon, Token::Mark(b':')) => self.now(Due::Value),
            (Due::Name | Due::Type, Token::Mark(b'$')) => self.now(Due::Variable),
            (Due::Variable, Token::Name(name)) => {
                self.name(name);
                self.now(Due::VariableColon)
            }
            (Due::VariableColon, Token::Mark(b':')) => self.now(Due::Type),
            (Due::Type, Token::Mark(b'=')) => self.now(Due::Value),
            (Due::Type, Token::Name(name)) => {
                self.field = name;
                Ok(())
            }
            (Due::Type, Token::Mark(b'[' | b']' | b'!' | b'@')) => Ok(()),
            // A directive behind a default.
            (Due::Name, Token::Mark(b'@')) => self.now(Due::Type),
            (Due::Type, Token::Mark(b'(')) => self.enter(What::Arguments, Due::Name),
            (Due::Name | Due::Type, Token::Mark(b')')) => self.leave(What::Arguments),
            (Due::Name, Token::Mark(b'}')) => self.leave(What::Object),
            _ => Err(Note::InvalidGraphql),
        }
    }

    /// Outside of parentheses.
    fn selecting(&mut self, token: Token<'a>) -> Result<(), Note> {
        match token {
            Token::Name(name) => {
                self.field = name;
                Ok(())
            }
            Token::Mark(b'{') => {
                self.selections += 1;
                self.enter(What::Selection, Due::Name)
            }
            Token::Mark(b'}') => self.leave(What::Selection),
            Token::Mark(b'(') => self.enter(What::Arguments, Due::Name),
            Token::Mark(b':' | b'@' | b'.') => Ok(()),
            _ => Err(Note::InvalidGraphql),
        }
    }

    fn enter(&mut self, what: What, due: Due) -> Result<(), Note> {
        if let (What::Selection, Some(open @ Open { what: What::Selection, .. })) =
            (what, self.open.last_mut())
        {
            open.nested += 1;
            return if open.nested < SELECTIONS_MAX { Ok(()) } else { Err(Note::TooDeep) };
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(Note::TooDeep);
        }
        let field = match (what, self.open.last()) {
            (What::Object | What::List, Some(open)) => open.field,
            _ => self.field,
        };
        let group = match (what, self.open.last()) {
            (What::List, Some(open)) => open.group,
            _ => {
                self.groups += 1;
                self.groups
            }
        };
        self.open.push(Open { what, name: None, due, field, group, nested: 0 });
        Ok(())
    }

    fn leave(&mut self, what: What) -> Result<(), Note> {
        if let (What::Selection, Some(open @ Open { what: What::Selection, nested: 1.., .. })) =
            (what, self.open.last_mut())
        {
            open.nested -= 1;
            return Ok(());
        }
        match self.open.pop() {
            Some(open) if open.what == what => {}
            _ => return Err(Note::InvalidGraphql),
        }
        match what {
            What::Object | What::List => self.end_of_value(),
            What::Selection | What::Arguments => Ok(()),
        }
    }

    fn now(&mut self, due: Due) -> Result<(), Note> {
        let open = self.open.last_mut().ok_or(Note::InvalidGraphql)?;
        open.due = due;
        Ok(())
    }

    fn name(&mut self, name: &'a str) {
        if let Some(open) = self.open.last_mut() {
            open.name = Some(name);
        }
    }

    fn value(&mut self, value: Value<'a>, range: Range<usize>) -> Result<(), Note> {
        self.literal(value, range)?;
        self.end_of_value()
    }

    fn end_of_value(&mut self) -> Result<(), Note> {
        let open = self.open.last_mut().ok_or(Note::InvalidGraphql)?;
        open.due = match open.what {
            What::List => Due::Value,
            What::Arguments | What::Object | What::Selection => Due::Name,
        };
        Ok(())
    }

    fn literal(&mut self, value: Value<'a>, range: Range<usize>) -> Result<(), Note> {
        let names: Vec<&str> = match value {
            Value::Comment(_) => Vec::new(),
            _ => self.open.iter().filter_map(|open| open.name).collect(),
        };
        for _ in 0..=names.len() {
            self.budget.node()?;
        }
        let (field, group) = self.open.last().map_or(("", 0), |open| (open.field, open.group));
        self.literals.push(Literal { range, names, group, field, value });
        Ok(())
    }
}
