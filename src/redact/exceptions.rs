//! What rules do not select, whatever they say.

use super::carrier::Carrier;
use super::names::Names;
use super::walk::scalar;
use super::{Glob, JsonPath};
use crate::decode::{Node, Number};

/// Exceptions, by the selectors of rules.
#[derive(Debug, Clone, Default)]
pub struct Exceptions {
    /// Names that no `keys` select.
    pub keys: Vec<Glob>,
    /// Header fields that neither `keys` nor `headers` select.
    pub headers: Vec<Glob>,
    /// Cookies that neither `keys` nor `cookies` select.
    pub cookies: Vec<Glob>,
    /// Query parameters that neither `keys` nor `query` select.
    pub query: Vec<Glob>,
    /// Values in bodies that neither `keys` nor `bare_body` select.
    pub paths: Vec<JsonPath>,
    /// Names under which no `keys` select what only says yes or no, counts, or is a date.
    pub flags: Vec<Glob>,
    /// Names under which no `keys` select numbers, and what stays under `flags`.
    pub counts: Vec<Glob>,
    /// Names that no `keys` of shipped rules select.
    pub shipped_keys: Vec<Glob>,
    /// As `flags`, for shipped rules.
    pub shipped_flags: Vec<Glob>,
    /// As `counts`, for shipped rules.
    pub shipped_counts: Vec<Glob>,
}

impl Exceptions {
    /// The same and more.
    pub fn extend(&mut self, more: Self) {
        self.keys.extend(more.keys);
        self.headers.extend(more.headers);
        self.cookies.extend(more.cookies);
        self.query.extend(more.query);
        self.paths.extend(more.paths);
        self.flags.extend(more.flags);
        self.counts.extend(more.counts);
        self.shipped_keys.extend(more.shipped_keys);
        self.shipped_flags.extend(more.shipped_flags);
        self.shipped_counts.extend(more.shipped_counts);
    }

    /// Those to shipped rules alone.
    pub fn to_shipped(&self) -> Self {
        Self {
            shipped_keys: self.shipped_keys.clone(),
            shipped_flags: self.shipped_flags.clone(),
            shipped_counts: self.shipped_counts.clone(),
            ..Self::default()
        }
    }
}

/// What stays under a name that some rule selects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Stays {
    /// What only says yes or no, small counts and dates.
    pub(super) flags: Flag,
    /// Numbers, however large.
    pub(super) counts: Flag,
}

impl Stays {
    /// What stays under either name.
    pub(super) fn or(self, other: Self) -> Self {
        Self { flags: self.flags.max(other.flags), counts: self.counts.max(other.counts) }
    }

    /// Whether it is excepted from any rule.
    pub(super) fn spares(self, node: &Node<'_>) -> bool {
        self.of(node) != Flag::None
    }

    /// From which rules a value is excepted. A text of digits may be a PIN, whatever its name counts.
    pub(super) fn of(self, node: &Node<'_>) -> Flag {
        let is_flag = match node {
            Node::Null | Node::Bool(_) | Node::Number(Number::Double(_)) => true,
            Node::Number(_) if self.counts != Flag::None => return self.counts.max(self.flags),
            _ => scalar(node).as_deref().is_some_and(is_flag),
        };
        if is_flag { self.flags } else { Flag::None }
    }

    /// From which rules a text is excepted.
    pub(super) fn of_text(self, text: Option<&str>) -> Flag {
        if text.is_some_and(is_flag) { self.flags } else { Flag::None }
    }
}

/// Whether a value is excepted under a name, and from which rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Flag {
    /// From none.
    #[default]
    None,
    /// From shipped ones.
    Shipped,
    /// From all.
    All,
}

/// Words that say yes or no, and no more.
const FLAGS: [&str; 14] = [
    "true", "false", "yes", "no", "on", "off", "enabled", "disabled", "required", "optional",
    "never", "always", "none", "null",
];

/// Numbers of so many digits are times, in seconds or milliseconds; shorter than `COUNT_DIGITS` they
/// are counts. Others may be a PIN.
const TIME_DIGITS: [usize; 2] = [10, 13];
const COUNT_DIGITS: usize = 4;

/// Whether a text only says yes or no, counts, or is a date.
pub(super) fn is_flag(text: &str) -> bool {
    let text = text.trim();
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.len() < COUNT_DIGITS || TIME_DIGITS.contains(&text.len());
    }
    is_flag_word(text) || is_date(text)
}

/// Whether a text only says yes or no.
pub(super) fn is_flag_word(text: &str) -> bool {
    FLAGS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// RFC 3339, or its date alone.
pub(super) fn is_date(text: &str) -> bool {
    let date = b"0000-00-00";
    text.len() >= date.len()
        && text.bytes().zip(date).all(|(byte, form)| match form {
            b'0' => byte.is_ascii_digit(),
            _ => byte == *form,
        })
        && text.bytes().all(|byte| byte.is_ascii_digit() || b"-:.+TZtz ".contains(&byte))
}

/// Exceptions by name, compiled.
#[derive(Debug)]
pub(super) struct Kept {
    keys: Names,
    headers: Names,
    cookies: Names,
    query: Names,
    flags: Names,
    counts: Names,
    shipped_keys: Names,
    shipped_flags: Names,
    shipped_counts: Names,
}

impl Kept {
    pub(super) fn new(exceptions: &Exceptions) -> Result<Self, aho_corasick::BuildError> {
        let names = |globs: &[Glob]| Names::new(globs.iter().map(|glob| (glob.clone(), 0)));
        Ok(Self {
            keys: names(&exceptions.keys)?,
            headers: names(&exceptions.headers)?,
            cookies: names(&exceptions.cookies)?,
            query: names(&exceptions.query)?,
            flags: names(&exceptions.flags)?,
            counts: names(&exceptions.counts)?,
            shipped_keys: names(&exceptions.shipped_keys)?,
            shipped_flags: names(&exceptions.shipped_flags)?,
            shipped_counts: names(&exceptions.shipped_counts)?,
        })
    }

    /// Whether `keys` do not select a squashed name.
    pub(super) fn spares_from_keys(&self, squashed: &str) -> bool {
        self.keys.selects(squashed)
    }

    /// Whether `keys` of shipped rules do not.
    pub(super) fn spares_from_shipped(&self, squashed: &str) -> bool {
        self.shipped_keys.selects(squashed)
    }

    /// What is excepted under a squashed name.
    pub(super) fn stays(&self, squashed: &str) -> Stays {
        let by = |all: &Names, shipped: &Names| {
            if all.selects(squashed) {
                Flag::All
            } else if shipped.selects(squashed) {
                Flag::Shipped
            } else {
                Flag::None
            }
        };
        let counts = by(&self.counts, &self.shipped_counts);
        Stays { flags: by(&self.flags, &self.shipped_flags).max(counts), counts }
    }

    /// Whether nothing selects a squashed name in this carrier.
    pub(super) fn spares(&self, carrier: Carrier, squashed: &str) -> bool {
        match carrier {
            Carrier::Member => false,
            Carrier::Parameter => self.query.selects(squashed),
            Carrier::Header => self.headers.selects(squashed),
            Carrier::Cookie => self.cookies.selects(squashed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_flag;

    #[test]
    fn flags_say_nothing() {
        for text in ["true", "No", "0", "365", "1700000000", "2026-11-21", "2026-11-21T10:00:00Z"] {
            assert!(is_flag(text), "{text}");
        }
        for text in ["", "1234", "hunter2", "123456", "2026-11-21-horse", "truer", "12345678"] {
            assert_eq!(is_flag(text), text.is_empty(), "{text}");
        }
    }
}
