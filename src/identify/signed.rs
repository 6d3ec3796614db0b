//! Whose signature a request carries: the id of the key, which stays while signatures change.
//!
//!   AWS, and those that sign as it does (`Credential=ID/…`):
//!     <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html>
//!   Azure, and older ones (`SharedKey ACCOUNT:SIGNATURE`):
//!     <https://learn.microsoft.com/en-us/rest/api/storageservices/authorize-with-shared-key>
//!   OAuth 1.0: RFC 5849, section 3.1. Signatures of HTTP messages (`keyId`): draft-cavage-http-signatures-12.

/// Longer headers are not looked into.
const TEXT_BYTES_MAX: usize = 4 * 1024;

/// Schemes of the form `ID:SIGNATURE`.
const PAIRS: [&str; 8] =
    ["sharedkey", "sharedkeylite", "aws", "goog1", "oss", "obs", "cos", "apiauth"];

/// Parameters that name the key, the surest first.
const KEY_IDS: [&str; 9] = [
    "credential",
    "oauth_token",
    "oauth_consumer_key",
    "keyid",
    "key_id",
    "access_token",
    "client_token",
    "access",
    "id",
];

/// Parameters that only what is signed has.
const SIGNATURES: [&str; 4] = ["signature", "oauth_signature", "mac", "signedheaders"];

/// Parameters of signed addresses that name the key.
const IN_QUERY: [&str; 5] =
    ["x-amz-credential", "x-goog-credential", "awsaccesskeyid", "googleaccessid", "ossaccesskeyid"];

/// The id of the key by which a value of `Authorization` is signed, if its form says which part that is.
/// `scheme` is in lower case, and `sent` what follows it.
pub(super) fn key_id<'r>(scheme: &str, sent: &'r str) -> Option<&'r str> {
    if sent.len() > TEXT_BYTES_MAX {
        return None;
    }
    if PAIRS.contains(&scheme) {
        let (id, signature) = sent.split_once(':')?;
        return Some(id.trim()).filter(|id| !id.is_empty() && !signature.is_empty());
    }
    let is_signature = |(name, _): (&str, &str)| is_one_of(&SIGNATURES, name);
    if scheme.is_empty() || !parameters(sent).any(is_signature) {
        return None;
    }
    KEY_IDS.iter().find_map(|wanted| {
        let is_it = |(name, _): &(&str, &str)| name.eq_ignore_ascii_case(wanted);
        let found = parameters(sent).filter(is_it).map(|(_, value)| value);
        let mut ids = found.filter_map(|value| match *wanted {
            "credential" => without_scope(value),
            _ => Some(value).filter(|value| !value.is_empty()),
        });
        ids.next()
    })
}

/// The id of the key by which an address is signed, as its query has it.
pub(super) fn queried(query: &str) -> Option<&str> {
    query.split('&').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        without_scope(value).filter(|_| is_one_of(&IN_QUERY, name))
    })
}

/// `name=value` and `name="value"`, by commas, semicolons or blanks.
fn parameters(sent: &str) -> impl Iterator<Item = (&str, &str)> {
    let parts = sent.split([',', ';', ' ']).filter_map(|part| part.trim().split_once('='));
    parts.map(|(name, value)| (name.trim(), value.trim().trim_matches('"')))
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// What stands before the day and the region, also where the slash is encoded.
fn without_scope(value: &str) -> Option<&str> {
    let id = value.split(['/', '%']).next()?;
    (!id.is_empty()).then_some(id)
}
