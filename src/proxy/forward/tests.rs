//! Credentials that must not be shown twice.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::is_bound;

#[test]
fn credentials_for_one_request_are_told_from_others() {
    let rows = [
        (AUTHORIZATION, "Bearer x", false),
        (AUTHORIZATION, "Basic eDp5", false),
        (AUTHORIZATION, "token x", false),
        (AUTHORIZATION, "ApiKey x", false),
        (AUTHORIZATION, "OAuth2 x", false),
        (AUTHORIZATION, "Digest username=\"a\"", true),
        (AUTHORIZATION, "digest username=\"a\"", true),
        (AUTHORIZATION, "DPoP x", true),
        (AUTHORIZATION, "AWS4-HMAC-SHA256 Credential=x", true),
        (AUTHORIZATION, "OAuth oauth_nonce=\"x\"", true),
        (AUTHORIZATION, "Hawk id=\"x\"", true),
        (AUTHORIZATION, "Negotiate x", true),
        (AUTHORIZATION, "NTLM x", true),
        (HeaderName::from_static("dpop"), "x", true),
        (HeaderName::from_static("signature"), "sig1=:x:", true),
        (HeaderName::from_static("x-api-key"), "digest", false),
    ];
    for (name, value, expected) in rows {
        let mut headers = HeaderMap::new();
        headers.append(name, HeaderValue::from_static(value));
        assert_eq!(is_bound(&headers), expected, "{value}");
    }
}
