//! What the notes in a record mean, in words.

/// Notes and their meaning.
const MEANINGS: &[(&str, &str)] = &[
    (
        "truncated",
        "the body is longer than the capture limit; what is complete of lines and events is recorded",
    ),
    (
        "cut_short",
        "the body did not come to its end, or was answered before: the size is that of what came, and there is \
         no digest",
    ),
    (
        "size_declared",
        "the size is the one that was declared: the response was let go before its end, and may have \
         broken off",
    ),
    ("empty", "there are bytes, but they decode to nothing"),
    ("undecodable_gzip", "the body is not gzip, or is cut short: type and size only"),
    ("undecodable_deflate", "the body is not deflate, or is cut short: type and size only"),
    ("undecodable_br", "the body is not Brotli, or is cut short: type and size only"),
    ("undecodable_zstd", "the body is not zstd, or is cut short: type and size only"),
    ("unsupported_content_encoding", "the Content-Encoding is not known: type and size only"),
    ("too_many_encodings", "too many content encodings: type and size only"),
    ("decompression_limit", "the body decompresses to more than is allowed: type and size only"),
    ("unsupported_content_type", "bodies of this type are not looked into: type and size only"),
    ("no_content_type", "no Content-Type, and it does not look like JSON: type and size only"),
    ("invalid_json", "the body is not JSON: type and size only"),
    ("invalid_form", "the body is not a form: type and size only"),
    (
        "invalid_multipart",
        "the body is not multipart, or could be taken apart in two ways: type and size only",
    ),
    ("invalid_xml", "the body is not XML, or has entities of its own: type and size only"),
    ("xml_doctype", "the XML has a document type: type and size only"),
    ("invalid_yaml", "the body is not YAML, or not of a form that is read: type and size only"),
    ("invalid_toml", "the body is not TOML: type and size only"),
    ("invalid_csv", "the body is not CSV with a row of names: type and size only"),
    ("invalid_graphql", "the body is not GraphQL: type and size only"),
    ("invalid_utf8", "something is not UTF-8, and not recorded"),
    ("unsupported_charset", "the charset is not known: type and size only"),
    ("invalid_charset", "the body has bytes that its charset does not have: type and size only"),
    ("too_deep", "something is nested too deeply, and not recorded"),
    ("too_many_values", "the body has too many values: type and size only"),
    ("too_much_text", "the body decodes to too much text: type and size only"),
    ("too_much_work", "reading the body would take too much work: type and size only"),
    ("repeated_names", "members of the same name are recorded as a list"),
    ("numbers_as_text", "numbers that a double cannot hold are recorded as strings"),
    (
        "path_limit",
        "the paths of rules took too much work on this body, or on the one before it: type and size only",
    ),
    ("decoded_text", "a text that was encoded, with a secret in it, is recorded decoded"),
    ("too_many_secrets", "more secrets than can be looked for elsewhere: type and size only"),
    (
        "redacted_by_value",
        "what the client sent as a credential stands in the path or names who acts as well, and is \
         not shown there",
    ),
    (
        "secret_in_path",
        "what names something in the path, and stands there, was sent as a credential as well",
    ),
    (
        "pattern_limit",
        "searching took too much work: texts that were not searched to their end are `***`",
    ),
    ("actor_credential_refused", "whoever was asked does not know the credential"),
    (
        "actor_credential_repeated",
        "the credential is there more than once: which one counts is not known",
    ),
    (
        "actor_claimed_otherwise",
        "another credential of the request claims somebody, and nobody has proved it: `claimed` of the \
         actor has whom, and why",
    ),
    (
        "actor_on_behalf",
        "a header field says for whom the request is sent: `claimed` of the actor has whom, and whether it \
         was taken so only the application knows",
    ),
    ("actor_header_untrusted", "a field that only a trusted proxy may set was not passed on"),
    (
        "actor_introspection_busy",
        "too many questions about credentials at a time: nobody was asked",
    ),
    ("actor_introspection_failed", "whoever was asked about the credential gave no usable answer"),
    (
        "actor_introspection_timeout",
        "whoever was asked about the credential did not answer in time",
    ),
    ("acts_truncated", "the request does more things than are told apart"),
    ("targets_truncated", "the request names more targets than are listed"),
    (
        "method_override",
        "the client named another method than it sent; it is named by that one, which only applications \
         that know of it take",
    ),
    (
        "method_override_ignored",
        "the client named another method than the one that counts: only a POST is taken for another \
         one, and none for a read",
    ),
    (
        "path_override",
        "a field names another path, which the application may take for the request's",
    ),
    ("path_too_long", "the path has too many segments to say what it means"),
    (
        "call_in_body",
        "the body looks like a call, and the path is not one at which calls are answered: the path \
         names the request",
    ),
    (
        "names_alike",
        "members whose names differ only in the case of letters: which one counts is not known",
    ),
    (
        "variables_beside",
        "variables stand in the address and in the body, with other values: which count is not known",
    ),
    ("graphql_persisted", "the operation is known to the server, and not in the request"),
    ("actor_key_unknown", "the API key is not in the table"),
    ("actor_not_asked", "nobody is asked about credentials here"),
    (
        "actor_email_unverified",
        "nobody has made sure whose the e-mail address is, says who vouches for the actor: it is not taken",
    ),
    ("actor_not_named", "the credential, or whoever was asked about it, names nobody"),
    ("actor_token_algorithm", "the token is signed in a way that the rule does not accept"),
    ("actor_token_audience", "the token is for another audience"),
    ("actor_token_critical", "the token has an extension that must be understood and is not"),
    ("actor_token_expired", "the token has expired"),
    ("actor_token_key_unknown", "the token is signed with a key that is not known"),
    ("actor_token_not_yet_valid", "the token is not valid yet"),
    ("actor_token_other_issuer", "the token is of an issuer that no rule names"),
    ("actor_token_repeats", "the token has a name twice: which one counts is not known"),
    ("actor_token_signature", "the token's signature is wrong"),
    ("actor_token_times", "the token's times are malformed"),
    ("actor_token_unsigned", "the token is not signed"),
    ("actor_token_without_expiry", "the token never expires"),
    ("not_done", "the request was refused: nothing was changed by it"),
    (
        "failed",
        "the API failed at it, or at a part of it: what it changed all the same is not known",
    ),
    ("outcome_unknown", "nobody knows whether it was done"),
    ("deletion", "a deletion does not say what was there"),
    ("call", "the request is a call, whose arguments are not fields of what it changes"),
    ("parameters", "the body says how to do it, and not what fields are to be"),
    ("no_body", "the request has no body to say what is to change"),
    ("body_not_recorded", "the body is not on record, and with it what was to change"),
    ("body_truncated", "only a part of the body was captured: there may be more changes"),
    ("unknown_form", "the request is of a kind whose changes are not understood here"),
    ("invalid_patch", "the body, or a part of it, is no patch of the type that it says it is"),
    (
        "whole_replaced",
        "the whole was replaced: what the request leaves out may have changed as well",
    ),
    ("accepted", "the API has accepted the request, which may not be done yet"),
    ("multi_status", "the API may have done a part of it only"),
    ("reordered", "items of a list stand in another order"),
    ("changes_truncated", "there are more changes than are listed"),
    ("values_truncated", "long values are given by their type and size"),
    ("before_unavailable", "the state before could not be read"),
    ("after_unavailable", "the state after could not be read"),
    ("not_found", "what was changed was found neither before nor after"),
    ("not_shown", "the API does not show all fields that were set"),
    ("still_there", "what is said to be deleted was there afterwards as it had been before"),
    ("hidden", "values are redacted before and after: nobody can say whether they changed"),
    ("timeout", "the API took too long to answer"),
];

/// The meaning of a note.
pub(crate) fn meaning(note: &str) -> &'static str {
    MEANINGS.iter().find(|(name, _)| *name == note).map_or("", |(_, meaning)| meaning)
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    const CHANGES: &str = include_str!("../derive/changes/mod.rs");

    #[test]
    fn every_note_has_a_meaning() {
        let source = include_str!("../decode/node.rs");
        let names = Regex::new("Self::[A-Za-z0-9]+ => \"([a-z0-9_]+)\"").unwrap();
        let actors = Regex::new("\"(actor_[a-z]+_[a-z_]+)\"").unwrap();
        let mut notes: Vec<&str> =
            names.captures_iter(source).map(|c| c.get(1).unwrap().as_str()).collect();
        for source in [
            include_str!("../identify/actors.rs"),
            include_str!("../identify/token.rs"),
            include_str!("../proxy/identity/mod.rs"),
        ] {
            notes.extend(actors.captures_iter(source).map(|c| c.get(1).unwrap().as_str()));
        }
        notes.extend(names.captures_iter(CHANGES).map(|c| c.get(1).unwrap().as_str()));
        assert!(notes.len() >= 50, "{notes:?}");
        for note in notes {
            assert_ne!(meaning(note), "", "{note}: add it to the table");
        }
    }
}
