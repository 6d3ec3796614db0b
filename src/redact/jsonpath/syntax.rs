//! What a path is made of, once it was parsed and found well-typed.

use super::iregexp::Regexp;

/// One step from nodes to nodes.
#[derive(Debug)]
pub(super) enum Segment {
    /// To children.
    Child(Vec<Selector>),
    /// To children of the node itself and of everything below it.
    Descendant(Vec<Selector>),
}

/// Which children.
#[derive(Debug)]
pub(super) enum Selector {
    /// Those of this name.
    Name(Box<str>),
    /// All.
    Wildcard,
    /// One of a list, from its end if negative.
    Index(i64),
    /// Some of a list.
    Slice {
        /// Where it starts.
        start: Option<i64>,
        /// Before what it ends.
        end: Option<i64>,
        /// To every how many-th it goes, backwards if negative.
        step: i64,
    },
    /// Those for which this holds.
    Filter(Logical),
}

/// What holds or does not.
#[derive(Debug)]
pub(super) enum Logical {
    /// One of them.
    Or(Vec<Self>),
    /// All of them.
    And(Vec<Self>),
    /// The contrary.
    Not(Box<Self>),
    /// The query finds something.
    Exists(Query),
    /// Two values compare so.
    Compare(Operand, Comparison, Operand),
    /// A text is (`match`) or holds (`search`) what a regular expression describes.
    Matches {
        /// The text.
        text: Operand,
        /// The expression.
        pattern: Pattern,
        /// All of the text: `match`.
        whole: bool,
    },
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A query inside of a filter.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) from: Origin,
    pub(super) segments: Vec<Segment>,
}

/// Where a query starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// `$`: at the document.
    Document,
    /// `@`: at the node that the filter is about.
    Current,
}

/// What is a value.
#[derive(Debug)]
pub(super) enum Operand {
    /// As written.
    Literal(Literal),
    /// Of the one node that a singular query finds.
    Singular(Query),
    /// `length()`: characters of a text, items of a list, members of an object.
    Length(Box<Self>),
    /// `count()`: how many nodes.
    Count(Query),
    /// `value()`: of the only node.
    Value(Query),
}

/// A value as written.
#[derive(Debug)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Number(f64),
    Text(Box<str>),
}

/// A regular expression, which may be one of the document's own texts.
#[derive(Debug)]
pub(super) enum Pattern {
    /// As written.
    Fixed(Regexp),
    /// Of the document.
    Of(Operand),
}

impl Logical {
    /// Whether it is the same for all nodes that a filter is about.
    pub(super) fn is_fixed(&self) -> bool {
        match self {
            Self::Or(conditions) | Self::And(conditions) => conditions.iter().all(Self::is_fixed),
            Self::Not(condition) => condition.is_fixed(),
            Self::Exists(query) => query.is_fixed(),
            Self::Compare(left, _, right) => left.is_fixed() && right.is_fixed(),
            Self::Matches { text, pattern, .. } => {
                let pattern = match pattern {
                    Pattern::Fixed(_) => true,
                    Pattern::Of(operand) => operand.is_fixed(),
                };
                pattern && text.is_fixed()
            }
        }
    }

    /// The names of members without which it never holds: of each list there must be one somewhere.
    fn needed_names(&self) -> Vec<Vec<&str>> {
        match self {
            Self::And(all) => all.iter().flat_map(Self::needed_names).collect(),
            // Of what each of them needs, one list is enough.
            Self::Or(any) => {
                let lists = any.iter().map(|one| one.needed_names().into_iter().next());
                let lists: Option<Vec<_>> = lists.collect();
                lists.map(|lists| lists.concat()).into_iter().collect()
            }
            Self::Not(_) => Vec::new(),
            one => one.sought().map(Query::needed_names).unwrap_or_default(),
        }
    }

    /// Whether it holds in documents that are lists alone.
    fn needs_list(&self) -> bool {
        match self {
            Self::And(all) => all.iter().any(Self::needs_list),
            Self::Or(any) => any.iter().all(Self::needs_list),
            Self::Not(_) => false,
            one => one.sought().is_some_and(Query::needs_list),
        }
    }

    /// What has to find something, or this never holds.
    fn sought(&self) -> Option<&Query> {
        match self {
            Self::Exists(query) | Self::Matches { text: Operand::Singular(query), .. } => {
                Some(query)
            }
            // What is not there is not equal to what is.
            Self::Compare(left, Comparison::Equal, right) => match (left, right) {
                (Operand::Singular(query), other) | (other, Operand::Singular(query))
                    if other.is_there() =>
                {
                    Some(query)
                }
                _ => None,
            },
            _ => None,
        }
    }
}

impl Operand {
    /// Whether there is a value wherever a filter is asked: one that is written, or the node itself.
    fn is_there(&self) -> bool {
        match self {
            Self::Literal(_) => true,
            Self::Singular(query) => query.from == Origin::Current && query.segments.is_empty(),
            Self::Length(_) | Self::Count(_) | Self::Value(_) => false,
        }
    }

    fn is_fixed(&self) -> bool {
        match self {
            Self::Literal(_) => true,
            Self::Singular(query) | Self::Count(query) | Self::Value(query) => query.is_fixed(),
            Self::Length(operand) => operand.is_fixed(),
        }
    }
}

impl Selector {
    /// The name of the only children that it leads to.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }
}

impl Segment {
    /// Whether it leads to one node at most, by its form.
    pub(super) fn is_singular(&self) -> bool {
        match self {
            Self::Child(selectors) => {
                matches!(selectors.as_slice(), [Selector::Name(_) | Selector::Index(_)])
            }
            Self::Descendant(_) => false,
        }
    }

    /// Whether it leads from a document somewhere only if that is a list.
    pub(super) fn needs_list(&self) -> bool {
        let Self::Child(selectors) = self else { return false };
        selectors.iter().all(|selector| match selector {
            Selector::Index(_) | Selector::Slice { .. } => true,
            Selector::Filter(condition) => condition.needs_list(),
            Selector::Name(_) | Selector::Wildcard => false,
        })
    }

    /// The names of members without which it leads nowhere: of each list there must be one somewhere.
    pub(super) fn needed_names(&self) -> Vec<Vec<&str>> {
        let (Self::Child(selectors) | Self::Descendant(selectors)) = self;
        match selectors.as_slice() {
            [Selector::Filter(condition)] => condition.needed_names(),
            selectors => {
                let names: Option<Vec<_>> = selectors.iter().map(Selector::name).collect();
                names.into_iter().collect()
            }
        }
    }
}

impl Query {
    /// Whether it finds something in documents that are lists alone.
    fn needs_list(&self) -> bool {
        self.from == Origin::Document && self.segments.first().is_some_and(Segment::needs_list)
    }

    /// Filters within it are about other nodes, and may look at the document and at those alone.
    fn is_fixed(&self) -> bool {
        self.from == Origin::Document
    }

    /// Whether it finds one node at most, by its form.
    pub(super) fn is_singular(&self) -> bool {
        self.segments.iter().all(Segment::is_singular)
    }

    fn needed_names(&self) -> Vec<Vec<&str>> {
        self.segments.iter().flat_map(Segment::needed_names).collect()
    }
}
