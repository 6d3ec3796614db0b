//! Letters as machines draw them: of a key of twenty letters and digits one in thirty has no digit.
//!
//! Told by what stands beside what. Words of people have few of all pairs of letters, and small letters
//! before a capital only where a word ends.

/// For each letter, which ones stand behind it in words: a bit for each, `a` the lowest. Counted in names and
/// texts of programs, these are the pairs that make 97 of 100.
const PAIRS: [u32; 26] = [
    0x1fe_bd6f, 0x116_4b15, 0x11e_dd9d, 0x11e_597f, 0x1ff_fd7f, 0x11e_4931, 0x01e_79d1, 0x11e_5111,
    0x2ae_fc7f, 0x010_4011, 0x014_6111, 0x13c_cd7d, 0x014_d91b, 0x13e_ed7d, 0x0fe_fd7f, 0x11e_c99d,
    0x010_0800, 0x13e_fd7f, 0x15f_fdbd, 0x15e_d9bd, 0x00e_f97f, 0x000_4111, 0x006_6191, 0x008_8115,
    0x00e_f811, 0x000_0111,
];

/// Fewer letters are no key: in both cases, and in capitals alone.
const MIXED_MIN: usize = 12;
const CAPITALS_MIN: usize = 16;

/// In words fewer pairs are odd than one in so many, and fewer letters end a word before a capital.
const PAIRS_AN_ODD: usize = 5;
const LETTERS_A_WORD: usize = 5;

/// What stands between letters of a key.
const JOINS: &[u8] = b"-_+/=.~";

/// Whether a text is of letters, in both cases or in capitals, that no words have in this order.
pub(super) fn are_random(text: &str) -> bool {
    let (mut letters, mut capitals, mut pairs, mut odd, mut ends) = (0, 0, 0, 0, 0);
    let mut before = 0_u8;
    for byte in text.bytes() {
        if byte.is_ascii_alphabetic() {
            letters += 1;
            capitals += usize::from(byte.is_ascii_uppercase());
            if before.is_ascii_lowercase() && byte.is_ascii_uppercase() {
                ends += 1;
            } else if before.is_ascii_alphabetic() {
                pairs += 1;
                odd += usize::from(!is_pair(before, byte));
            }
        } else if !JOINS.contains(&byte) {
            return false;
        }
        before = byte;
    }
    let is_key = if capitals == text.len() {
        letters >= CAPITALS_MIN
    } else {
        letters >= MIXED_MIN && capitals > 0 && capitals < letters && ends > 0
    };
    is_key && (odd * PAIRS_AN_ODD > pairs || ends * LETTERS_A_WORD > letters)
}

/// Whether the second letter stands behind the first one in words.
fn is_pair(first: u8, second: u8) -> bool {
    let place = |byte: u8| byte.to_ascii_lowercase().wrapping_sub(b'a');
    let behind = PAIRS.get(usize::from(place(first))).copied().unwrap_or_default();
    behind >> (place(second) & 31) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::are_random;

    #[test]
    fn keys_without_digits_are_told_from_words() {
        for text in [
            "wSveGa_yzQKULFUPLEwGdw",
            "SVOKHQTXBAFJOKZV",
            "TWHNUHIBNGUHPMQF",
            "rKfXwPqTzLmNbVcDgHjs",
            "qWcXzPbRtYkL",
            "oYbKQnUPRzvdGseSWxBa",
            "UxQpvLAoGWdhTfnRkEsm",
        ] {
            assert!(are_random(text), "{text}");
        }
        for text in [
            "",
            "PersonalAccessToken",
            "OpenAIChatCompletionModel",
            "getJSONFromURLAsText",
            "StorefrontAccessToken",
            "INTERNALSERVERERROR",
            "AUTHENTICATIONREQUIRED",
            "INVALIDREQUESTPARAMETER",
            "XMLHttpRequestUpload",
            "HTTPSConnectionPool",
            "correctHorseBatteryStaple",
            "DonauDampfschiffahrt",
            "KubernetesClusterNodePool",
            "PERSONAL_ACCESS_TOKEN_EXPIRED",
            "svc-mgmt-prd-nfs-kvm-tmp",
            "Mgmt-Prd-Nfs-Svc-Kvm-Tmp",
            "correcthorsebatterystaple",
            "qWcXzPbRt",
            "not a Key But SOME Words, dRb",
            "\u{fc}berLangeNamenMitUmlauten",
        ] {
            assert!(!are_random(text), "{text}");
        }
    }
}
