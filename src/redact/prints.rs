//! The fingerprints under which a value may be on record.
//!
//! One value is fingerprinted in different forms, by where it stood: whole, or without the scheme in
//! front of it (`Bearer …`), or, of Basic credentials, together with the user and in base64.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use zeroize::Zeroizing;

use super::headers::without_scheme;
use super::key::FingerprintKey;
use super::secret::DOMAIN;
use super::seen::is_guessable;

/// A fingerprint that a value would have on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Print {
    /// `hmac:` and 16 hexadecimal digits.
    pub fingerprint: String,
    /// In what form the value stood.
    pub form: &'static str,
}

/// Why a value has no fingerprint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unprinted {
    /// Nothing but white space.
    #[error("there is no value")]
    Empty,
    /// It could be found by trying all values.
    #[error(
        "the value has less than 8 characters, or is a number of at most 10 digits: such values are \
         never fingerprinted, since they could be found by trying, so the log cannot tell whether it \
         occurred"
    )]
    Guessable,
}

/// A value without blanks around it and without the scheme in front of it.
pub fn bare(value: &str) -> &str {
    without_scheme(value.trim()).1
}

/// All fingerprints of a value, the plainest first.
pub fn prints(key: &FingerprintKey, value: &str) -> Result<Vec<Print>, Unprinted> {
    let value = value.trim();
    let (scheme, bare) = without_scheme(value);
    if bare.is_empty() {
        return Err(Unprinted::Empty);
    }
    let mut prints: Vec<Print> = Vec::new();
    let mut add = |text: &str, form: &'static str| {
        let fingerprint = key.fingerprint(DOMAIN, text.as_bytes());
        if !prints.iter().any(|print| print.fingerprint == fingerprint) {
            prints.push(Print { fingerprint, form });
        }
    };
    if !is_guessable(bare) {
        add(bare, if scheme.is_some() { "without its scheme" } else { "as it is" });
        add(value, "as it is");
        // Cookies may stand in quotes.
        add(value.trim_matches('"'), "without quotes");
    }
    // What is guessed is the password, whoever's it is.
    if let Some((_, password)) = bare.split_once(':')
        && !is_guessable(password)
    {
        add(&Zeroizing::new(STANDARD.encode(bare)), "as user and password of Basic credentials");
        add(
            &Zeroizing::new(STANDARD_NO_PAD.encode(bare)),
            "as user and password of Basic credentials",
        );
    }
    if prints.is_empty() { Err(Unprinted::Guessable) } else { Ok(prints) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_looked_for_in_all_the_forms_in_which_it_is_fingerprinted() {
        let key = FingerprintKey::new(&[7; 32]);
        let of = |text: &str| key.fingerprint(DOMAIN, text.as_bytes());
        let rows: [(&str, Result<Vec<String>, Unprinted>); 9] = [
            ("swordfish-1", Ok(vec![of("swordfish-1")])),
            (" swordfish-1\n", Ok(vec![of("swordfish-1")])),
            ("Bearer swordfish-1", Ok(vec![of("swordfish-1"), of("Bearer swordfish-1")])),
            ("\"swordfish-1\"", Ok(vec![of("\"swordfish-1\""), of("swordfish-1")])),
            (
                "ada:swordfish",
                Ok(vec![of("ada:swordfish"), of("YWRhOnN3b3JkZmlzaA=="), of("YWRhOnN3b3JkZmlzaA")]),
            ),
            ("adalovelace:1234", Ok(vec![of("adalovelace:1234")])),
            ("1234", Err(Unprinted::Guessable)),
            ("Bearer 1234567890", Err(Unprinted::Guessable)),
            ("  ", Err(Unprinted::Empty)),
        ];
        for (value, expected) in rows {
            let found = prints(&key, value).map(|prints| {
                prints.into_iter().map(|print| print.fingerprint).collect::<Vec<_>>()
            });
            assert_eq!(found, expected, "{value:?}");
        }
    }
}
