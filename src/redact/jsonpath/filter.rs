//! Filters: conditions, comparisons and functions, with the rules for their types (RFC 9535,
//! sections 2.3.5 and 2.4).

use super::error::Expected;
use super::iregexp::{Regexp, RegexpError};
use super::parser::{Parsed, Parser};
use super::syntax::{Comparison, Literal, Logical, Operand, Origin, Pattern, Query};

/// What stands on its own in a filter, before it is known what it is there for.
enum Term {
    Literal(Literal),
    Query(Query),
    Function(Function),
}

/// A call.
enum Function {
    /// Of a value.
    Value(Operand),
    /// Of a condition.
    Condition(Logical),
}

impl Parser<'_> {
    /// A condition: `&&` binds more than `||`.
    pub(super) fn logical(&mut self) -> Parsed<Logical> {
        let mut any = vec![self.conjunction()?];
        while self.operator("||") {
            any.push(self.conjunction()?);
        }
        Ok(single(any, Logical::Or))
    }

    fn conjunction(&mut self) -> Parsed<Logical> {
        let mut all = vec![self.basic()?];
        while self.operator("&&") {
            all.push(self.basic()?);
        }
        Ok(single(all, Logical::And))
    }

    /// Passes over an operator with blanks around it, if it is there.
    fn operator(&mut self, sign: &str) -> bool {
        let mark = self.mark();
        self.blanks();
        let there = self.eat_all(sign);
        if there {
            self.blanks();
        } else {
            self.back_to(mark);
        }
        there
    }

    fn basic(&mut self) -> Parsed<Logical> {
        if self.eat('!') {
            self.blanks();
            let mark = self.mark();
            let condition = match self.peek() {
                Some('(') => self.parenthesis()?,
                _ => {
                    let term = self.term()?;
                    self.condition(term, mark)?
                }
            };
            return Ok(Logical::Not(Box::new(condition)));
        }
        if self.peek() == Some('(') {
            return self.parenthesis();
        }
        let mark = self.mark();
        let left = self.term()?;
        let Some(comparison) = self.comparison() else { return self.condition(left, mark) };
        let left = self.operand(left, mark)?;
        let mark = self.mark();
        let right = self.term()?;
        Ok(Logical::Compare(left, comparison, self.operand(right, mark)?))
    }

    fn parenthesis(&mut self) -> Parsed<Logical> {
        self.expect('(')?;
        self.blanks();
        let condition = self.nested(Self::logical)?;
        self.blanks();
        self.expect(')')?;
        Ok(condition)
    }

    fn comparison(&mut self) -> Option<Comparison> {
        const SIGNS: [(&str, Comparison); 6] = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        SIGNS.iter().find(|(sign, _)| self.operator(sign)).map(|(_, comparison)| *comparison)
    }

    fn term(&mut self) -> Parsed<Term> {
        match self.peek() {
            Some('$' | '@') => self.query().map(Term::Query),
            Some('\'' | '"') => Ok(Term::Literal(Literal::Text(self.quoted()?.into()))),
            Some('-' | '0'..='9') => self.number().map(Term::Literal),
            Some('a'..='z') => self.word(),
            _ => self.fail(Expected::Operand),
        }
    }

    fn query(&mut self) -> Parsed<Query> {
        let from = if self.eat('$') { Origin::Document } else { Origin::Current };
        if from == Origin::Current {
            self.expect('@')?;
        }
        Ok(Query { from, segments: self.segments()? })
    }

    fn number(&mut self) -> Parsed<Literal> {
        let mark = self.mark();
        let rest = self.rest();
        self.eat('-');
        let whole = self.mark();
        self.digits();
        let digits = self.mark() - whole;
        let zero = rest.trim_start_matches('-').starts_with('0');
        let mut well_formed = digits == 1 || (digits > 1 && !zero);
        if self.eat('.') {
            well_formed &= self.some_digits();
        }
        if self.eat('e') || self.eat('E') {
            if !self.eat('-') {
                self.eat('+');
            }
            well_formed &= self.some_digits();
        }
        let text = rest.get(..self.mark() - mark).unwrap_or_default();
        match text.parse() {
            Ok(number) if well_formed => Ok(Literal::Number(number)),
            _ => self.fail_at(mark, Expected::Number),
        }
    }

    fn some_digits(&mut self) -> bool {
        let mark = self.mark();
        self.digits();
        self.mark() > mark
    }

    /// `true`, `false`, `null`, or a function.
    fn word(&mut self) -> Parsed<Term> {
        let mark = self.mark();
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
            .unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        self.back_to(mark + end);
        if self.peek() == Some('(') {
            return self.nested(|parser| parser.function(word, mark)).map(Term::Function);
        }
        Ok(Term::Literal(match word {
            "true" => Literal::Bool(true),
            "false" => Literal::Bool(false),
            "null" => Literal::Null,
            _ => return self.fail_at(mark, Expected::Operand),
        }))
    }

    fn function(&mut self, name: &str, mark: usize) -> Parsed<Function> {
        self.expect('(')?;
        self.blanks();
        let function = match name {
            "length" => Function::Value(Operand::Length(Box::new(self.value_argument()?))),
            "count" => Function::Value(Operand::Count(self.query_argument()?)),
            "value" => Function::Value(Operand::Value(self.query_argument()?)),
            "match" | "search" => {
                let text = self.value_argument()?;
                self.blanks();
                self.expect(',')?;
                self.blanks();
                let pattern = self.pattern(name == "match")?;
                Function::Condition(Logical::Matches { text, pattern, whole: name == "match" })
            }
            _ => return self.fail_at(mark, Expected::Function),
        };
        self.blanks();
        self.expect(')')?;
        Ok(function)
    }

    fn value_argument(&mut self) -> Parsed<Operand> {
        let mark = self.mark();
        let term = self.term()?;
        self.operand(term, mark)
    }

    fn query_argument(&mut self) -> Parsed<Query> {
        match self.peek() {
            Some('$' | '@') => self.query(),
            _ => self.fail(Expected::Query),
        }
    }

    /// A regular expression that is written down is compiled once and for all.
    fn pattern(&mut self, whole: bool) -> Parsed<Pattern> {
        let mark = self.mark();
        let expected = match self.value_argument()? {
            Operand::Literal(Literal::Text(text)) => match Regexp::new(&text, whole) {
                Ok(regexp) => return Ok(Pattern::Fixed(regexp)),
                Err(RegexpError::Syntax) => Expected::Regexp,
                Err(RegexpError::Size) => Expected::SmallRegexp,
            },
            operand => return Ok(Pattern::Of(operand)),
        };
        self.fail_at(mark, expected)
    }

    /// The term as a value to compare, or to give to a function.
    fn operand(&self, term: Term, mark: usize) -> Parsed<Operand> {
        match term {
            Term::Literal(literal) => Ok(Operand::Literal(literal)),
            Term::Query(query) if query.is_singular() => Ok(Operand::Singular(query)),
            Term::Query(_) => self.fail_at(mark, Expected::Singular),
            Term::Function(Function::Value(operand)) => Ok(operand),
            Term::Function(Function::Condition(_)) => self.fail_at(mark, Expected::Value),
        }
    }

    /// The term as a condition.
    fn condition(&self, term: Term, mark: usize) -> Parsed<Logical> {
        match term {
            Term::Query(query) => Ok(Logical::Exists(query)),
            Term::Function(Function::Condition(condition)) => Ok(condition),
            Term::Literal(_) | Term::Function(Function::Value(_)) => {
                self.fail_at(mark, Expected::Condition)
            }
        }
    }
}

/// The only one, or all of them together.
fn single(mut several: Vec<Logical>, together: fn(Vec<Logical>) -> Logical) -> Logical {
    match several.pop() {
        Some(only) if several.is_empty() => only,
        Some(last) => {
            several.push(last);
            together(several)
        }
        None => together(several),
    }
}
