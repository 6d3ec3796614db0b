//! The operations of a GraphQL document: which fields they select at their top, under which keys
//! the answer tells of them, and with which arguments.
//!
//! Reads no deeper than the fields of a namespace (`users { delete(id: 5) }`). What cannot be read
//! is no document here, and is judged by `gravity` alone.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::decode::{GraphqlLexer, GraphqlToken as Token};

/// Fields at the top that are kept of one document; the others are counted.
const FIELDS_MAX: usize = 1000;

/// Fields within these that are kept.
const INNER_MAX: usize = 20_000;

/// Fragments within fragments, lists within objects.
const DEPTH_MAX: usize = 32;

/// Conditions of one selection that are kept.
const CONDITIONS_MAX: usize = 8;

/// Fields are read at the top, in namespaces, and in namespaces within these.
const LEVELS: usize = 3;

/// What a document holds.
#[derive(Default)]
pub(super) struct Document<'d> {
    pub(super) operations: Vec<Operation<'d>>,
    /// By their names, of which one may be there twice.
    pub(super) fragments: HashMap<&'d str, Vec<Vec<Selection<'d>>>>,
    /// Fields at the top that were not kept.
    pub(super) more: usize,
    /// Fields within others were not kept.
    pub(super) is_cut: bool,
}

/// One operation.
pub(super) struct Operation<'d> {
    /// `query`, `mutation` or `subscription`.
    pub(super) kind: &'d str,
    pub(super) name: Option<&'d str>,
    pub(super) selections: Vec<Selection<'d>>,
}

/// What stands in braces.
pub(super) enum Selection<'d> {
    Field(Field<'d>),
    /// A fragment, by its name.
    Spread(&'d str),
    Inline(Vec<Self>),
    /// What is selected if no condition leaves it out.
    If(Vec<Condition<'d>>, Box<Self>),
}

/// `@include(if: …)`, or `@skip`.
pub(super) struct Condition<'d> {
    pub(super) is_skip: bool,
    pub(super) value: Literal<'d>,
}

/// A field that is selected.
pub(super) struct Field<'d> {
    /// Its name in the answer.
    pub(super) key: &'d str,
    pub(super) name: &'d str,
    pub(super) arguments: Vec<(&'d str, Literal<'d>)>,
    pub(super) selections: Vec<Selection<'d>>,
}

/// A value in a document.
pub(super) enum Literal<'d> {
    Variable(&'d str),
    Text(Cow<'d, str>),
    Number(&'d str),
    /// `true`, `null`, or an enumerated value.
    Name(&'d str),
    List(Vec<Self>),
    Object(Vec<(&'d str, Self)>),
}

impl<'d> Document<'d> {
    /// Reads a document; `None` if it is none.
    pub(super) fn read(text: &'d str) -> Option<Self> {
        let lexer = GraphqlLexer::new(text);
        let mut reader = Reader { lexer, ahead: None, fields: 0, inner: 0, more: 0, is_cut: false };
        let mut document = Self::default();
        while let Some(token) = reader.next()? {
            match token {
                Token::Mark(b'{') => document.operations.push(Operation {
                    kind: "query",
                    name: None,
                    selections: reader.selections(LEVELS, DEPTH_MAX)?,
                }),
                Token::Name("fragment") => {
                    let name = reader.name()?;
                    reader.before_selection()?;
                    let selections = reader.selections(LEVELS, DEPTH_MAX)?;
                    document.fragments.entry(name).or_default().push(selections);
                }
                Token::Name(kind @ ("query" | "mutation" | "subscription")) => {
                    let name = match reader.peek()? {
                        Some(Token::Name(_)) => Some(reader.name()?),
                        _ => None,
                    };
                    reader.before_selection()?;
                    let selections = reader.selections(LEVELS, DEPTH_MAX)?;
                    document.operations.push(Operation { kind, name, selections });
                }
                Token::String(_) => {}
                _ => return None,
            }
        }
        document.more = reader.more;
        document.is_cut = reader.is_cut;
        Some(document)
    }
}

impl<'d> Selection<'d> {
    fn under(self, conditions: Vec<Condition<'d>>) -> Self {
        if conditions.is_empty() { self } else { Self::If(conditions, Box::new(self)) }
    }
}

struct Reader<'d> {
    lexer: GraphqlLexer<'d>,
    ahead: Option<Token<'d>>,
    fields: usize,
    inner: usize,
    more: usize,
    is_cut: bool,
}

impl<'d> Reader<'d> {
    /// The next word, comments left out. The outer `None` is an error.
    #[expect(clippy::option_option, reason = "an error, the end, or a word")]
    fn next(&mut self) -> Option<Option<Token<'d>>> {
        if let Some(token) = self.ahead.take() {
            return Some(Some(token));
        }
        loop {
            match self.lexer.next().ok()? {
                Some((Token::Comment(_), _)) => {}
                found => return Some(found.map(|(token, _)| token)),
            }
        }
    }

    #[expect(clippy::option_option, reason = "an error, the end, or a word")]
    fn peek(&mut self) -> Option<Option<&Token<'d>>> {
        if self.ahead.is_none() {
            self.ahead = self.next()?;
        }
        Some(self.ahead.as_ref())
    }

    fn some(&mut self) -> Option<Token<'d>> {
        self.next()?
    }

    fn name(&mut self) -> Option<&'d str> {
        if let Token::Name(name) = self.some()? { Some(name) } else { None }
    }

    fn takes(&mut self, mark: u8) -> Option<bool> {
        let is_there = matches!(self.peek()?, Some(Token::Mark(found)) if *found == mark);
        if is_there {
            self.ahead = None;
        }
        Some(is_there)
    }

    /// Passes over variables and directives, up to and over the brace.
    fn before_selection(&mut self) -> Option<()> {
        loop {
            match self.some()? {
                Token::Mark(b'{') => return Some(()),
                Token::Mark(b'(') => self.skip(b'(', b')')?,
                Token::Mark(b'@') | Token::Name(_) => {}
                _ => return None,
            }
        }
    }

    /// Passes over what is open, to its end.
    fn skip(&mut self, open: u8, close: u8) -> Option<()> {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.some()? {
                Token::Mark(mark) if mark == open => depth += 1,
                Token::Mark(mark) if mark == close => depth -= 1,
                _ => {}
            }
        }
        Some(())
    }

    /// Passes over a value that is deeper than is read, of which the first sign has been read.
    fn skip_all(&mut self) -> Option<()> {
        let mut depth = 1_usize;
        while depth > 0 {
            match self.some()? {
                Token::Mark(b'(' | b'[' | b'{') => depth += 1,
                Token::Mark(b')' | b']' | b'}') => depth -= 1,
                _ => {}
            }
        }
        Some(())
    }

    /// The conditions among the directives.
    fn conditions(&mut self, depth: usize) -> Option<Vec<Condition<'d>>> {
        let mut conditions = Vec::new();
        while self.takes(b'@')? {
            let name = self.name()?;
            if !self.takes(b'(')? {
                continue;
            }
            if !matches!(name, "include" | "skip") {
                self.skip(b'(', b')')?;
                continue;
            }
            let members = self.members(b')', depth)?;
            if let Ok([("if", value)]) = <[_; 1]>::try_from(members)
                && conditions.len() < CONDITIONS_MAX
            {
                conditions.push(Condition { is_skip: name == "skip", value });
            }
        }
        Some(conditions)
    }

    /// What stands in braces, the first of which has been read.
    fn selections(&mut self, levels: usize, depth: usize) -> Option<Vec<Selection<'d>>> {
        let inner = depth.checked_sub(1);
        let Some(depth) = inner.filter(|_| levels > 0) else {
            self.skip(b'{', b'}')?;
            // What is deeper than is read may be a field that acts.
            self.is_cut |= levels > 0;
            return Some(Vec::new());
        };
        let mut selections = Vec::new();
        loop {
            let selection = match self.some()? {
                Token::Mark(b'}') => return Some(selections),
                Token::Mark(b'.') => self.spread(levels, depth)?,
                Token::Name(name) => self.field(name, levels, depth)?,
                _ => return None,
            };
            // What stands in another selection is no field more.
            let bare = match &selection {
                Selection::If(_, inner) => inner,
                selection => selection,
            };
            let (kept, max) = match (bare, levels) {
                (Selection::Field(_), LEVELS) => (&mut self.fields, FIELDS_MAX),
                _ => (&mut self.inner, INNER_MAX),
            };
            if *kept < max {
                *kept += 1;
                selections.push(selection);
            } else if max == FIELDS_MAX {
                self.more += 1;
            } else {
                self.is_cut = true;
            }
        }
    }

    fn spread(&mut self, levels: usize, depth: usize) -> Option<Selection<'d>> {
        if let Some(Token::Name(_)) = self.peek()? {
            let name = self.name()?;
            if name != "on" {
                let conditions = self.conditions(depth)?;
                return Some(Selection::Spread(name).under(conditions));
            }
            self.name()?;
        }
        let conditions = self.conditions(depth)?;
        if !self.takes(b'{')? {
            return None;
        }
        Some(Selection::Inline(self.selections(levels, depth)?).under(conditions))
    }

    fn field(&mut self, first: &'d str, levels: usize, depth: usize) -> Option<Selection<'d>> {
        let name = if self.takes(b':')? { self.name()? } else { first };
        let arguments = if self.takes(b'(')? { self.members(b')', depth)? } else { Vec::new() };
        let conditions = self.conditions(depth)?;
        let was_cut = self.is_cut;
        let selections =
            if self.takes(b'{')? { self.selections(levels - 1, depth)? } else { Vec::new() };
        // What has arguments is no namespace: what stands in it is asked for, and not done.
        self.is_cut &= arguments.is_empty() || was_cut;
        Some(Selection::Field(Field { key: first, name, arguments, selections }).under(conditions))
    }

    /// `name: value`, up to and over the end.
    fn members(&mut self, end: u8, depth: usize) -> Option<Vec<(&'d str, Literal<'d>)>> {
        let Some(depth) = depth.checked_sub(1) else {
            self.skip_all()?;
            return Some(Vec::new());
        };
        let mut members = Vec::new();
        while !self.takes(end)? {
            let name = self.name()?;
            if !self.takes(b':')? {
                return None;
            }
            let value = self.literal(depth)?;
            if members.len() < FIELDS_MAX {
                members.push((name, value));
            }
        }
        Some(members)
    }

    fn literal(&mut self, depth: usize) -> Option<Literal<'d>> {
        Some(match self.some()? {
            Token::Mark(b'$') => Literal::Variable(self.name()?),
            Token::String(text) => Literal::Text(text),
            Token::Number(text) => Literal::Number(text),
            Token::Name(name) => Literal::Name(name),
            Token::Mark(b'{') => Literal::Object(self.members(b'}', depth)?),
            Token::Mark(b'[') => {
                let Some(depth) = depth.checked_sub(1) else {
                    self.skip_all()?;
                    return Some(Literal::List(Vec::new()));
                };
                let mut items = Vec::new();
                while !self.takes(b']')? {
                    let item = self.literal(depth)?;
                    if items.len() < FIELDS_MAX {
                        items.push(item);
                    }
                }
                Literal::List(items)
            }
            _ => return None,
        })
    }
}
