//! Values of filters, and how they compare (RFC 9535, sections 2.3.5.2.2 and 2.4).

use std::cmp::Ordering;

use super::eval::{Evaluation, Flow};
use super::syntax::{Comparison, Literal, Operand, Query};
use crate::decode::{Node, Number};

/// A value of a filter.
#[derive(Clone, Copy)]
pub(super) enum Value<'p, 'n> {
    /// There is none.
    Nothing,
    /// Of the document.
    Node(&'n Node<'n>),
    /// Of the path.
    Literal(&'p Literal),
    /// A length or a count.
    Count(usize),
}

/// A value that is no list and no object.
#[derive(Clone, Copy)]
enum Scalar<'v> {
    Null,
    Bool(bool),
    Number(f64),
    Text(&'v str),
}

impl<'p: 'v, 'n: 'v, 'v> Value<'p, 'n> {
    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&'v str> {
        match self.scalar() {
            Some(Scalar::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn scalar(&self) -> Option<Scalar<'v>> {
        match self {
            Value::Nothing => None,
            Value::Node(node) => scalar(node),
            Value::Literal(Literal::Null) => Some(Scalar::Null),
            Value::Literal(Literal::Bool(value)) => Some(Scalar::Bool(*value)),
            Value::Literal(Literal::Number(number)) => Some(Scalar::Number(*number)),
            Value::Literal(Literal::Text(text)) => Some(Scalar::Text(text)),
            #[expect(clippy::cast_precision_loss, reason = "no tree has 2^53 nodes")]
            Value::Count(count) => Some(Scalar::Number(*count as f64)),
        }
    }
}

impl<'n> Evaluation<'n, '_> {
    /// The values of an operand: one, [`Value::Nothing`], or several where names are repeated.
    pub(super) fn values<'p>(
        &self,
        operand: &'p Operand,
        current: &'n Node<'n>,
    ) -> Flow<Vec<Value<'p, 'n>>> {
        Flow::Continue(match operand {
            Operand::Literal(literal) => vec![Value::Literal(literal)],
            Operand::Singular(query) => {
                let mut values = Vec::new();
                self.run(query, current, &mut |node| {
                    values.push(Value::Node(node));
                    Flow::Continue(())
                })?;
                if values.is_empty() {
                    values.push(Value::Nothing);
                }
                values
            }
            Operand::Length(operand) => {
                let mut values = self.values(operand, current)?;
                for value in &mut values {
                    *value = self.length(*value)?;
                }
                values
            }
            Operand::Count(query) => vec![Value::Count(self.count(query, current)?.0)],
            Operand::Value(query) => match self.count(query, current)? {
                (1, Some(node)) => vec![Value::Node(node)],
                _ => vec![Value::Nothing],
            },
        })
    }

    /// How many nodes a query finds, and the last of them.
    fn count(&self, query: &Query, current: &'n Node<'n>) -> Flow<(usize, Option<&'n Node<'n>>)> {
        let mut found = (0, None);
        self.run(query, current, &mut |node| {
            found = (found.0 + 1, Some(node));
            Flow::Continue(())
        })?;
        Flow::Continue(found)
    }

    fn length<'p>(&self, value: Value<'p, 'n>) -> Flow<Value<'p, 'n>> {
        Flow::Continue(match (value.text(), value) {
            (Some(text), _) => {
                self.spend(text.len() / 8)?;
                Value::Count(text.chars().count())
            }
            (None, Value::Node(Node::Array(items))) => Value::Count(items.len()),
            (None, Value::Node(Node::Object(members))) => Value::Count(members.len()),
            (None, _) => Value::Nothing,
        })
    }

    /// Whether the comparison holds for any of them.
    pub(super) fn any_compare(
        &self,
        left: &[Value<'_, 'n>],
        comparison: Comparison,
        right: &[Value<'_, 'n>],
    ) -> Flow<bool> {
        for left in left {
            for right in right {
                if self.compare(left, comparison, right)? {
                    return Flow::Continue(true);
                }
            }
        }
        Flow::Continue(false)
    }

    fn compare(
        &self,
        left: &Value<'_, 'n>,
        comparison: Comparison,
        right: &Value<'_, 'n>,
    ) -> Flow<bool> {
        let texts = left.text().zip(right.text());
        self.spend(1 + texts.map_or(0, |(left, right)| left.len().min(right.len()) / 16))?;
        Flow::Continue(match comparison {
            Comparison::Equal => self.equal(left, right)?,
            Comparison::NotEqual => !self.equal(left, right)?,
            Comparison::Less => order(left, right) == Some(Ordering::Less),
            Comparison::Greater => order(left, right) == Some(Ordering::Greater),
            Comparison::LessOrEqual => {
                order(left, right) == Some(Ordering::Less) || self.equal(left, right)?
            }
            Comparison::GreaterOrEqual => {
                order(left, right) == Some(Ordering::Greater) || self.equal(left, right)?
            }
        })
    }

    fn equal(&self, left: &Value<'_, 'n>, right: &Value<'_, 'n>) -> Flow<bool> {
        match (left, right) {
            (Value::Nothing, Value::Nothing) => Flow::Continue(true),
            (Value::Node(left), Value::Node(right)) => self.same(left, right),
            _ => Flow::Continue(match (left.scalar(), right.scalar()) {
                (Some(left), Some(right)) => same_scalar(left, right),
                _ => false,
            }),
        }
    }

    /// Whether two parts of the document are equal; the order of members makes no difference.
    fn same(&self, left: &'n Node<'n>, right: &'n Node<'n>) -> Flow<bool> {
        self.spend(1)?;
        if std::ptr::eq(left, right) {
            return Flow::Continue(true);
        }
        match (left, right) {
            (Node::Array(left), Node::Array(right)) => {
                if left.len() != right.len() {
                    return Flow::Continue(false);
                }
                for (left, right) in left.iter().zip(right) {
                    if !self.same(left, right)? {
                        return Flow::Continue(false);
                    }
                }
                Flow::Continue(true)
            }
            (Node::Object(left), Node::Object(right)) => {
                if left.len() != right.len() {
                    return Flow::Continue(false);
                }
                for (position, (name, left)) in left.iter().enumerate() {
                    // As a rule both have their members in one order.
                    let beside = right.get(position).filter(|(other, _)| other == name);
                    let mut found = match beside {
                        Some((_, right)) => self.same(left, right)?,
                        None => false,
                    };
                    if found {
                        continue;
                    }
                    for (at, (other, right)) in right.iter().enumerate() {
                        if at != position && other == name {
                            found = found || self.same(left, right)?;
                        }
                    }
                    self.spend(right.len())?;
                    if !found {
                        return Flow::Continue(false);
                    }
                }
                Flow::Continue(true)
            }
            (Node::Number(Number::Text(left)), Node::Number(Number::Text(right)))
                if left == right =>
            {
                Flow::Continue(true)
            }
            (Node::String(left), Node::String(right)) => {
                self.spend(left.len().min(right.len()) / 16)?;
                Flow::Continue(left == right)
            }
            _ => Flow::Continue(match (scalar(left), scalar(right)) {
                (Some(left), Some(right)) => same_scalar(left, right),
                _ => false,
            }),
        }
    }
}

fn scalar<'v>(node: &'v Node<'v>) -> Option<Scalar<'v>> {
    match node {
        Node::Null => Some(Scalar::Null),
        Node::Bool(value) => Some(Scalar::Bool(*value)),
        #[expect(clippy::cast_precision_loss, reason = "the decoder keeps them within 2^53")]
        Node::Number(Number::Integer(number)) => Some(Scalar::Number(*number as f64)),
        Node::Number(Number::Double(number)) => Some(Scalar::Number(*number)),
        Node::Number(Number::Text(text)) => text.parse().ok().map(Scalar::Number),
        Node::String(text) => Some(Scalar::Text(text)),
        Node::Array(_) | Node::Object(_) => None,
    }
}

#[expect(clippy::float_cmp, reason = "JSONPath compares numbers exactly")]
fn same_scalar(left: Scalar<'_>, right: Scalar<'_>) -> bool {
    match (left, right) {
        (Scalar::Null, Scalar::Null) => true,
        (Scalar::Bool(left), Scalar::Bool(right)) => left == right,
        (Scalar::Number(left), Scalar::Number(right)) => left == right,
        (Scalar::Text(left), Scalar::Text(right)) => left == right,
        _ => false,
    }
}

/// Only numbers and texts have an order; texts that of their characters, which is that of UTF-8.
fn order(left: &Value<'_, '_>, right: &Value<'_, '_>) -> Option<Ordering> {
    match (left.scalar(), right.scalar()) {
        (Some(Scalar::Number(left)), Some(Scalar::Number(right))) => left.partial_cmp(&right),
        (Some(Scalar::Text(left)), Some(Scalar::Text(right))) => Some(left.cmp(right)),
        _ => None,
    }
}
