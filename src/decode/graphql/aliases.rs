//! Aliases: the names that fields have in the answer, where they are not their own.

use super::{Lexer, Token};

/// More of them in one document are not looked at.
const ALIASES_MAX: usize = 256;

/// Each alias in a document, with its field. What is no document has those that stand before it ends
/// being one.
pub fn aliases(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut lexer = Lexer::new(text);
    let mut arguments = 0_usize;
    // A name, and whether a colon follows it.
    let mut before: Option<(&str, bool)> = None;
    while let Ok(Some((token, _))) = lexer.next() {
        before = match (token, before) {
            (Token::Mark(b'('), _) => {
                arguments += 1;
                None
            }
            (Token::Mark(b')'), _) => {
                arguments = arguments.saturating_sub(1);
                None
            }
            (_, _) if arguments > 0 => None,
            (Token::Name(field), Some((alias, true))) => {
                if found.len() >= ALIASES_MAX {
                    return found;
                }
                found.push((alias, field));
                None
            }
            (Token::Name(name), _) => Some((name, false)),
            (Token::Mark(b':'), Some((name, false))) => Some((name, true)),
            _ => None,
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::aliases;

    #[test]
    fn aliases_are_what_stands_before_a_colon_and_a_field() {
        let text =
            "mutation M($a: Token) { k: createKey(name: TOKEN, b: {c: d}) { v: secret id } n }";
        assert_eq!(aliases(text), [("k", "createKey"), ("v", "secret")]);
        assert_eq!(aliases("{ a: b \"open"), [("a", "b")]);
        assert!(aliases("").is_empty() && aliases("{a ... on B {c}}").is_empty());
    }
}
