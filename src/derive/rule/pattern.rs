//! Path patterns: `/admin/api-keys/{id}/rotate`.

/// More segments in a pattern are a mistake.
const SEGMENTS_MAX: usize = 32;

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It does not begin with a slash.
    #[error("it does not begin with `/`")]
    NoSlash,
    /// Two slashes in a row.
    #[error("it has an empty segment")]
    EmptySegment,
    /// Too many segments.
    #[error("it has more than 32 segments")]
    TooLong,
    /// Characters that stand in no decoded path.
    #[error("`{0}` cannot be in it: paths are compared decoded and without their query")]
    Character(char),
    /// Braces that do not hold a name.
    #[error(
        "`{0}` is no parameter: one a segment, `{{name}}`, of lower-case letters, digits and `_`"
    )]
    Parameter(String),
    /// The same name again.
    #[error("`{{{0}}}` stands in it twice")]
    Repeated(String),
    /// A star that is not a whole segment.
    #[error("`{0}`: `*` stands for a whole segment, and `**` for the rest of the path, at its end")]
    Star(String),
}

/// One segment of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::derive) enum Piece {
    /// This text, in any case.
    Literal(String),
    /// Anything between these two texts, perhaps under a name.
    Param { prefix: String, name: Option<String>, suffix: String },
    /// Any number of segments, none included.
    Rest,
}

/// A compiled pattern over the segments of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathPattern {
    text: String,
    pieces: Vec<Piece>,
    /// Its last text says what is done to the item before it.
    ends_in_verb: bool,
}

impl PathPattern {
    /// Compiles a pattern.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let inner = text.strip_prefix('/').ok_or(PatternError::NoSlash)?;
        if let Some(odd) = inner.chars().find(|c| "%?#;".contains(*c) || c.is_control()) {
            return Err(PatternError::Character(odd));
        }
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let mut pieces: Vec<Piece> = Vec::new();
        for segment in inner.split('/').filter(|_| !inner.is_empty()) {
            if pieces.last() == Some(&Piece::Rest) {
                return Err(PatternError::Star("**".to_owned()));
            }
            let piece = piece(segment)?;
            if let Piece::Param { name: Some(name), .. } = &piece
                && pieces.iter().any(|known| known.name() == Some(name.as_str()))
            {
                return Err(PatternError::Repeated(name.clone()));
            }
            pieces.push(piece);
        }
        if pieces.len() > SEGMENTS_MAX {
            return Err(PatternError::TooLong);
        }
        Ok(Self { text: text.to_owned(), pieces, ends_in_verb: false })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The same, where a document says of its last text that it is a verb.
    pub(in crate::derive) fn ending_in_verb(self) -> Self {
        Self { ends_in_verb: true, ..self }
    }

    /// Whether its last text is a verb.
    pub(in crate::derive) fn ends_in_verb(&self) -> bool {
        self.ends_in_verb
    }

    /// The names of its parameters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(Piece::name)
    }

    /// Whether it takes whatever has as many segments.
    pub fn takes_anything(&self) -> bool {
        let is_open = |piece: &Piece| match piece {
            Piece::Literal(_) => false,
            Piece::Param { prefix, suffix, .. } => prefix.is_empty() && suffix.is_empty(),
            Piece::Rest => true,
        };
        !self.pieces.is_empty() && self.pieces.iter().all(is_open)
    }

    pub(in crate::derive) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Whether each segment is a text or a named parameter: then it is a route template.
    pub(super) fn is_template(&self) -> bool {
        let plain = |piece: &Piece| matches!(piece, Piece::Literal(_)) || piece.name().is_some();
        self.pieces.iter().all(plain)
    }

    /// Whether the texts of it are cased as in the path that it matches.
    pub(super) fn is_exact(&self, segments: &[String]) -> bool {
        self.pieces.iter().zip(segments).all(|(piece, segment)| match piece {
            Piece::Literal(text) => text == segment,
            Piece::Param { prefix, suffix, .. } => {
                segment.starts_with(prefix) && segment.ends_with(suffix)
            }
            Piece::Rest => true,
        })
    }

    /// The parameters of a path that it matches.
    pub(super) fn params(&self, segments: &[String]) -> Vec<(String, String)> {
        let param = |(piece, segment): (&Piece, &String)| match piece {
            Piece::Param { prefix, name: Some(name), suffix } => {
                let value = between(segment, prefix, suffix)?;
                Some((name.clone(), value.to_owned()))
            }
            _ => None,
        };
        self.pieces.iter().zip(segments).filter_map(param).collect()
    }

    /// What two patterns have in common that match the same paths.
    pub fn shape(&self) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Literal(text) => text.to_ascii_lowercase(),
            Piece::Param { prefix, suffix, .. } => format!("{prefix}{{}}{suffix}"),
            Piece::Rest => "**".to_owned(),
        };
        self.pieces.iter().map(piece).collect::<Vec<_>>().join("/")
    }
}

impl Piece {
    fn name(&self) -> Option<&str> {
        if let Self::Param { name, .. } = self { name.as_deref() } else { None }
    }
}

fn piece(segment: &str) -> Result<Piece, PatternError> {
    let anything = |name| Piece::Param { prefix: String::new(), name, suffix: String::new() };
    match segment {
        "" | "." | ".." => return Err(PatternError::EmptySegment),
        "*" => return Ok(anything(None)),
        "**" => return Ok(Piece::Rest),
        _ => {}
    }
    if segment.contains('*') {
        return Err(PatternError::Star(segment.to_owned()));
    }
    let wrong = || PatternError::Parameter(segment.to_owned());
    let Some((prefix, rest)) = segment.split_once('{') else {
        return if segment.contains('}') {
            Err(wrong())
        } else {
            Ok(Piece::Literal(segment.to_owned()))
        };
    };
    let (name, suffix) = rest.split_once('}').ok_or_else(wrong)?;
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let odd = |text: &str| text.contains(['{', '}']);
    if name.is_empty() || !name.bytes().all(is_name) || odd(prefix) || odd(suffix) {
        return Err(wrong());
    }
    let name = Some(name.to_owned());
    Ok(Piece::Param { prefix: prefix.to_owned(), name, suffix: suffix.to_owned() })
}

/// What stands between two texts, if that is anything.
pub(in crate::derive) fn between<'s>(
    segment: &'s str,
    prefix: &str,
    suffix: &str,
) -> Option<&'s str> {
    let inner = segment.strip_prefix(prefix)?.strip_suffix(suffix)?;
    (!inner.is_empty()).then_some(inner)
}
