//! Patterns: what compiles and why not, where they run, what they find, what they may cost.

use proptest::prelude::*;
use regex_automata::Anchored;

use super::*;
use crate::redact::pattern::follow::Behind;
use crate::redact::pattern::scan::Match;

/// All rules hold.
struct All;

impl Scope for All {
    fn holds(&self, _: usize) -> bool {
        true
    }
}

fn pattern(text: &str, keywords: &[&str]) -> Result<Pattern, PatternError> {
    let keywords: Vec<String> = keywords.iter().map(|word| (*word).to_owned()).collect();
    Pattern::new(text, &keywords, Conditions::default())
}

fn found(patterns: Vec<Pattern>, text: &str) -> Result<Vec<String>, Unfinished> {
    let patterns = Patterns::new(patterns.into_iter().zip(0..), []);
    let mut work = WORK_BYTES_MAX;
    let mut matches = patterns.find(text, &All, &mut work)?;
    matches.sort_by_key(|found| (found.range.start, found.rule));
    Ok(matches.into_iter().map(|Match { range, .. }| text.get(range).unwrap().to_owned()).collect())
}

/// Pattern, keywords as written, what comes of them.
type Compiled<'r> = (&'r str, &'r [&'r str], Result<&'r [&'r str], PatternError>);

#[test]
fn what_compiles_and_its_keywords() {
    let no_keywords: &[&str] = &[];
    let rows: [Compiled<'_>; 20] = [
        (r"\bghp_[0-9a-z]{36}\b", no_keywords, Ok(&["ghp_"])),
        (r"gh[po]_[0-9]{9}", no_keywords, Ok(&["gho_", "ghp_"])),
        (r"(?i)Key=\S{8,20}", no_keywords, Ok(&["key="])),
        (r"(?:abc|abd)[0-9]+", no_keywords, Ok(&["abc", "abd"])),
        (r"x?abcd", no_keywords, Ok(&["abcd", "xabcd"])),
        (r"abcd\s{1,2}x", no_keywords, Ok(&["abcd"])),
        (r"ab[ \t]x", no_keywords, Ok(&["ab\tx", "ab x"])),
        (r"AB[0-9]{3}c", no_keywords, Err(PatternError::NoKeyword)),
        (r"[0-9]{8}:AAx", &[":AA"], Ok(&[":AA"])),
        (r"abc[0-9]{3}", &["zzz"], Err(PatternError::Apart)),
        (r"[a-c]{3}-[0-9]{3}", &["zzz", "ABC"], Ok(&["zzz", "ABC"])),
        (r"abc", &["zz"], Err(PatternError::Keyword("zz".to_owned()))),
        (r"abc é", &["é"], Err(PatternError::Keyword("é".to_owned()))),
        (r"[0-9]{16}", no_keywords, Err(PatternError::NoKeyword)),
        (r"[0-9]+-us", &["-us"], Err(PatternError::Unbounded)),
        (r"(abc)?", &["abc"], Err(PatternError::MatchesNothing)),
        (r"abc.{1,2000000}", no_keywords, Err(PatternError::TooLarge)),
        (r"abc(", no_keywords, Err(PatternError::Syntax("unclosed group".to_owned()))),
        (
            r"abc(?=d)",
            no_keywords,
            Err(PatternError::Syntax(
                "look-around, including look-ahead and look-behind, is not supported".to_owned(),
            )),
        ),
        (
            r"abc\p{Greek}",
            no_keywords,
            Err(PatternError::Syntax("Unicode not allowed here".to_owned())),
        ),
    ];
    for (text, keywords, expected) in rows {
        let compiled = pattern(text, keywords).map(|pattern| pattern.keywords().to_vec());
        let expected = expected.map(|words| words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(compiled, expected, "{text}");
    }
}

#[test]
fn what_is_found() {
    let rows: [(&str, &[&str], &str, &[&str]); 16] = [
        (r"\bghp_[0-9a-z]{4}\b", &[], "x ghp_abcd, ghp_12345 ghp_wxyz", &["ghp_abcd", "ghp_wxyz"]),
        (r"\bghp_[0-9a-z]{4}\b", &[], "xghp_abcd éghp_abcdé", &["ghp_abcd"]),
        (r"\bghp_[0-9a-z]{4}\b", &[], "GHP_abcd", &[]),
        (r"(?i)key=(?<secret>\S{3,9})", &[], "Key=abc KEY=d key=xyz;", &["abc", "xyz;"]),
        (r"[0-9]{3,5}:AA[a-z]{2}", &[":AA"], "1234567:AAxy 12:AAxy 123:aaxy", &["34567:AAxy"]),
        (r"[a-z]{2}-k-[a-z]{2}", &["-k-"], "ab-k-cd-k-ef-k-gh", &["ab-k-cd", "ef-k-gh"]),
        (r"tok-[a-z-]+", &[], "tok-abtok-cd tok-e", &["tok-abtok-cd", "tok-e"]),
        (r"tok-(?<secret>[^ ]+)", &[], "tok-日本 x", &["日本"]),
        (r"tok-.{4}", &[], "tok-a日本", &["tok-a日"]),
        (r"tok-.{3}", &[], "tok-a日本", &["tok-a日"]),
        (r"(?s)BEGIN(?<secret>.{0,20})END", &[], "BEGIN\nab\nEND", &["\nab\n"]),
        (r"^abc[0-9]$", &[], "abc1", &["abc1"]),
        (r"^abc[0-9]$", &[], " abc1", &[]),
        (r"abc(?<secret>[0-9])?", &[], "abc abc1", &["abc", "1"]),
        (r"abc(?:=(?<secret_a>[0-9])|:(?<secret_b>[0-9]))", &[], "abc=1 abc:2", &["1", "2"]),
        (r"abc-[0-9]{3}", &[], "abc-1234_x-y abc-123.4", &["abc-1234_x", "abc-123"]),
    ];
    for (text, keywords, haystack, expected) in rows {
        let compiled = pattern(text, keywords).unwrap();
        assert_eq!(found(vec![compiled], haystack).unwrap(), expected, "{text} in {haystack}");
    }
}

#[test]
fn a_pattern_without_keyword_runs_everywhere() {
    let conditions = Conditions::new(None, vec![Validator::Luhn]);
    let card = Pattern::everywhere(r"\b[0-9]{4}(?: ?[0-9]{4}){3}\b", conditions).unwrap();
    let text = "4111 1111 1111 1112, 4111 1111 1111 1111 and 4111111111111111";
    assert_eq!(found(vec![card], text).unwrap(), ["4111 1111 1111 1111", "4111111111111111"]);
}

#[test]
fn conditions() {
    let not_label = || Conditions::new(None, vec![Validator::NotLabel]);
    let rows: [(Conditions, &str, bool); 52] = [
        (Conditions::default(), "", true),
        (Conditions::new(Some(3.0), vec![]), "aaaaaaaaaaaaaaaa", false),
        (Conditions::new(Some(3.0), vec![]), "q7Rt2xZp0Lm4", true),
        (Conditions::default().shaped("[a-z]{3}").unwrap(), "abc", true),
        (Conditions::default().shaped("[a-z]{3}").unwrap(), "abcd", false),
        (Conditions::default().shaped("a|bc").unwrap(), "bc", true),
        (Conditions::new(None, vec![Validator::Luhn]), "378282246310005", true),
        (Conditions::new(None, vec![Validator::Luhn]), "378282246310006", false),
        (Conditions::new(None, vec![Validator::Luhn]), "0000000000000", false),
        (Conditions::new(None, vec![Validator::Iban]), "GB82 WEST 1234 5698 7654 32", true),
        (Conditions::new(None, vec![Validator::Iban]), "GB83 WEST 1234 5698 7654 32", false),
        (Conditions::new(None, vec![Validator::Iban]), "DE89370400440532013000", true),
        (Conditions::new(None, vec![Validator::Jwt]), "eyJhbGciOiJIUzI1NiJ9.e30.x", true),
        (Conditions::new(None, vec![Validator::Jwt]), "eyJhbGciOiJIUzI1NiJ.e30.x", false),
        (Conditions::new(None, vec![Validator::Pem]), "\nMIIEvQIBADANBgkqhkiG9w0BAQ\n", true),
        (Conditions::new(None, vec![Validator::Pem]), "\n...\n", false),
        // The token that GitHub's own announcement of the format shows.
        (
            Conditions::new(None, vec![Validator::GithubCrc]),
            "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",
            true,
        ),
        (
            Conditions::new(None, vec![Validator::GithubCrc]),
            "ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18",
            false,
        ),
        (Conditions::new(None, vec![Validator::Base64]), "aGVsbG8_", true),
        (Conditions::new(None, vec![Validator::Base64]), "hello!", false),
        (Conditions::new(None, vec![Validator::Mixed]), "abc-def", false),
        (Conditions::new(None, vec![Validator::NotWord]), "Some-word", false),
        (
            Conditions::new(None, vec![Validator::NotUuid]),
            "0f8fad5b-d9cb-469f-a165-70867728950e",
            false,
        ),
        (Conditions::new(None, vec![Validator::NotHex]), "0f8fad5bd9cb469fa16570867728950e", false),
        (not_label(), "job-20261122-001", false),
        (not_label(), "disabled-2026-11-22", false),
        (not_label(), "ci-deploy-2026", false),
        (not_label(), "eu-west-1-primary", false),
        (not_label(), "E11000_DUPLICATE", false),
        (not_label(), "TOKEN_LIMIT_2", false),
        (not_label(), "Deploy_Prod_v2", false),
        (not_label(), "q7x8y9z0", true),
        (not_label(), "AbCdEfGh0123", true),
        (not_label(), "abcd-1234-efgh-5678", true),
        (not_label(), "sk-q7x8y9z0a1", true),
        (not_label(), "20261122-001", true),
        (not_label(), "k3y-ab12cd", true),
        (not_label(), "deploy2026", true),
        (not_label(), "deploy-", true),
        (Conditions::new(None, vec![Validator::Random]), "f3Kq9ZpL2vXw8RtY5nBd", true),
        (Conditions::new(None, vec![Validator::Random]), "ciHwMPPtbBLiwAyypXAQ", true),
        (Conditions::new(None, vec![Validator::Mixed]), "ciHwMPPtbBLiwAyypXAQ", true),
        (Conditions::new(None, vec![Validator::Mixed]), "PersonalAccessToken", false),
        (Conditions::new(None, vec![Validator::NotWord]), "SVOKHQTXBAFJOKZV", true),
        (Conditions::new(None, vec![Validator::NotWord]), "INTERNALSERVERERROR", false),
        (Conditions::new(None, vec![Validator::Random]), "507f1f77bcf86cd799439011", false),
        (Conditions::new(None, vec![Validator::Random]), "key_01HZXV4G7Q2M3N4P5R6S7T8V9W", false),
        (Conditions::new(None, vec![Validator::Random]), "deploy-2026", false),
        (Conditions::new(None, vec![Validator::NotStatement]), "Required,", false),
        (Conditions::new(None, vec![Validator::NotStatement]), "too", false),
        (Conditions::new(None, vec![Validator::NotStatement]), "hunter2", true),
        (Conditions::new(None, vec![Validator::NotStatement]), "settle", true),
    ];
    for (conditions, value, expected) in rows {
        assert_eq!(conditions.hold(value), expected, "{conditions:?} of {value}");
    }
    assert!(Conditions::default().shaped("a)(b").is_err());
}

#[test]
fn a_match_that_goes_on_out_of_sight_is_not_cut_off() {
    let token = || vec![pattern("tok-[a-z]+", &[]).unwrap()];
    assert_eq!(found(token(), &format!("tok-{} ", "x".repeat(8000))).unwrap().len(), 1);
    assert_eq!(found(token(), &format!("tok-{} ", "x".repeat(9000))), Err(Unfinished));
    let counted = pattern("tok-[a-z]{4,250}", &[]).unwrap();
    let text = format!("tok-{}/{}= .", "x".repeat(300), "y".repeat(300));
    assert_eq!(found(vec![counted], &text).unwrap(), [text.trim_end_matches(" .")]);
}

#[test]
fn work_is_bounded() {
    // Each keyword starts an attempt that fails only at the end of its sight.
    let greedy = pattern("abc[^!]*!", &[]).unwrap();
    let patterns = Patterns::new([(greedy, 0)], []);
    let mut work = 1024 * 1024;
    assert_eq!(patterns.find(&"abc".repeat(10_000), &All, &mut work), Err(Unfinished));
    assert_eq!(patterns.find("abc!", &All, &mut work), Err(Unfinished));
    assert_eq!(patterns.find("nothing", &All, &mut work), Ok(vec![]));
    // Windows that overlap are searched once.
    let around = pattern("[a-z]{0,200}-k-!", &["-k-"]).unwrap();
    let patterns = Patterns::new([(around, 0)], []);
    let text = "-k".repeat(10_000);
    let mut work = WORK_BYTES_MAX;
    assert_eq!(patterns.find(&text, &All, &mut work), Ok(vec![]));
    assert!(WORK_BYTES_MAX - work <= text.len());
}

/// An attempt looks at its own sight alone. Were it the rest of the text, this would take minutes,
/// and the runner ends it.
#[test]
fn an_attempt_does_not_cost_more_in_a_longer_text() {
    let pattern = pattern("abc[^!]{0,300}!", &[]).unwrap();
    let patterns = Patterns::new([(pattern, 0)], []);
    let text = format!("abc{}", "-".repeat(61)).repeat(128 * 1024);
    assert_eq!(patterns.find(&text, &All, &mut { WORK_BYTES_MAX }), Ok(vec![]));
}

#[test]
fn keywords_of_digits_are_found_in_digits() {
    let found = |pattern: &str, keyword: &str, text: &str| {
        let pattern = Pattern::new(pattern, &[keyword.to_owned()], Conditions::default()).unwrap();
        let patterns = Patterns::new([(pattern, 0)], []);
        patterns.find(text, &All, &mut { WORK_BYTES_MAX }).unwrap().len()
    };
    assert_eq!(found("00d[0-9]{4}", "00d", "1-00d1234"), 1);
    assert_eq!(found("(?i)00D[0-9]{4}", "00D", "1-00d1234"), 1);
    assert_eq!(found("00D[0-9]{4}", "00D", "1-00D1234"), 1);
    assert_eq!(found("00D[0-9]{4}", "00D", "1-00d1234"), 0);
}

#[test]
fn what_may_stand_behind_a_keyword() {
    let probes = " \n\r=:-aWwxZ0_";
    for (text, keywords, expected) in [
        ("key(?:=[0-9]{2,90}|: x)", &["key"][..], "=:"),
        ("(?i)(?:pass|passwd)[ =]", &["pass"], " =Ww"),
        ("abc", &[], probes),
        (r"(?i)abc\b", &[], " \n\r=:-"),
        (r"(?m)abc$", &[], "\n"),
        ("abc[^a-z]{3,5000}x", &[], " \n\r=:-WZ0_"),
        // They do not begin with it.
        ("[a-f]{2,90}-us[0-9]{1,2}", &["-us"], "0"),
        ("[0-9]{2,9}pass(?:=|word )", &["pass"], "=w"),
        ("[a-z]{2,9}pass", &["pass"], probes),
    ] {
        let pattern = pattern(text, keywords).unwrap();
        let behind = |c: &char| Behind::at(&[u8::try_from(*c).unwrap()]).unwrap();
        let may = |c: &char| pattern.may_have_behind(behind(c)).unwrap();
        assert_eq!(probes.chars().filter(may).collect::<String>(), expected, "{text}");
    }
}

#[test]
fn what_stands_behind_blanks_tells_too() {
    for (text, behind, expected) in [
        (r"(?i)pass\s{0,3}[:=]\s?[a-z]+", " = x", true),
        (r"(?i)pass\s{0,3}[:=]\s?[a-z]+", "  \t:x", true),
        (r"(?i)pass\s{0,3}[:=]\s?[a-z]+", " word", false),
        (r"(?i)pass\s{0,3}[:=]\s?[a-z]+", "\n", true),
        (r"(?i)pass\s{0,3}[:=]\s?[a-z]+", "                 word", true),
        // It ends among them.
        (r"pass ", " word", true),
        (r"pass\b", " word", true),
        (r"pass\s+(?:is|was)\s", " \u{b} word", true),
        (r"pass\s+(?:is|was)\s", " \u{b} Word", false),
    ] {
        let behind = Behind::at(behind.as_bytes()).unwrap();
        assert_eq!(
            pattern(text, &[]).unwrap().may_have_behind(behind).unwrap(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn texts_without_what_matches_begin_with_are_not_searched() {
    for (text, window, expected) in [
        ("[<>][a-z]{0,9}pass[a-z]{0,9}>", "the <pass>", Some(4)),
        ("[<>][a-z]{0,9}pass[a-z]{0,9}>", "the pass", None),
        ("<[a-z]{0,9}pass[a-z]{0,9}>", "a <1 <pass>", Some(5)),
        (r"\b(?:with|using) (?:the )?pass [a-z]{4}", "users without a pass word", None),
        (r"\b(?:with|using) (?:the )?pass [a-z]{4}", "users with the pass word", Some(6)),
        ("[0-9a-f]{32}-pass", "disk-pass 0123456", None),
        ("[0-9a-f]{32}-pass", "deadbeef-pass", Some(0)),
        ("(?m)^[ ]{0,2}pass: [a-z]{3}", "a pass: one\r\n pass: two", Some(13)),
        ("(?m)^[ ]{0,2}pass: [a-z]{3}", "a pass: one", None),
        ("(?m)^[ ]{0,2}pass: [a-z]{3}", "pass: one", Some(0)),
        // What is lazy ends early, and is no reason to skip what goes on.
        ("[a-c]{5,9}?pass", "abcabcpass", Some(0)),
        ("a{4,600}?pass", "xaaaaaapass", Some(1)),
    ] {
        let pattern = pattern(text, &["pass"]).unwrap();
        let found = pattern.may_begin(window, 0..window.len()).unwrap();
        assert_eq!(found, expected, "{text}: {window}");
    }
}

#[test]
fn other_words_are_found_in_the_same_go() {
    let secret = pattern("abc-[0-9]{3}", &[]).unwrap();
    let others = [("su ".to_owned(), 4), ("abc".to_owned(), 7)];
    let patterns = Patterns::new([(secret, 0)], others);
    let mut seen = Vec::new();
    let mut other = |number, at, work: &mut usize| {
        seen.push((number, at));
        *work = work.checked_sub(10).ok_or(Unfinished)?;
        Ok(())
    };
    let text = "SU abc-123 su";
    let matches = patterns.find_with(text, &All, &mut { 100 }, &mut other).unwrap();
    assert_eq!(matches, [Match { range: 3..10, rule: 0 }]);
    // What is done there counts as work.
    assert_eq!(patterns.find_with(text, &All, &mut { 15 }, &mut other), Err(Unfinished));
    assert_eq!(seen, [(4, 0), (7, 3), (4, 0), (7, 3)]);
}

proptest! {
    /// What a pattern can begin with takes nothing away either.
    #[test]
    fn no_match_begins_before_it_may(
        chosen in 0_usize..6,
        text in "([ab<]|\n|\r| |key|[ab]{6}|<a){0,30}",
        from in 0_usize..8,
    ) {
        let written = [
            r#"[ab]{2,12}key"#,
            r#"<[ab ]{0,3}?key(?:[ab]|$)"#,
            r#"(?m)^[ a]{0,6}key[ab]"#,
            r#"\b(?:a|ab|b a)\s?key"#,
            r#"(?:a{3,400}?|[ab<]{7,300})key"#,
            r#"(?m)(?:^a|b)[^<]{1,4}key$"#,
        ][chosen];
        let pattern = pattern(written, &["key"]).unwrap();
        let from = from.min(text.len());
        let whole = regex::bytes::RegexBuilder::new(written).unicode(false).build().unwrap();
        if let Some(found) = whole.find_at(text.as_bytes(), from) {
            let first = pattern.may_begin(&text, from..text.len()).unwrap();
            prop_assert!(first.is_some_and(|first| first <= found.start()), "{written} {text:?}");
        }
    }

    /// Automata that patterns are tried by, exact or not, take nothing away.
    #[test]
    fn a_pattern_finds_what_its_expression_does(
        chosen in 0_usize..4,
        text in "key(: ?)?[\"']?([a-c]|[a-c]{8}|[\"\\\\\\. ]){0,60}",
    ) {
        let written = [
            r#"key: (?<secret>[a-c]{2,12})\b"#,
            r#"key(?:: ?"(?<secret>(?:[^"\\]|\\.){3,512})|: '(?<secret_other>[^']{4,400}))"#,
            r#"key:? ?(?:[a-c]{5}[.]){1,40}[a-c]{1,2000}"#,
            r#"key(?:: ?(?:a[^"]{0,300}b|[b ]{2,300}c){1,3})"#,
        ][chosen];
        let pattern = pattern(written, &["key"]).unwrap();
        let expected = regex::bytes::RegexBuilder::new(&format!("^(?:{written})"))
            .unicode(false)
            .build()
            .unwrap();
        let expected = expected.find(text.as_bytes()).map(|found| found.end());
        let found = pattern.find(&text, 0, text.len(), Anchored::Yes).unwrap();
        prop_assert_eq!(found.map(|found| found.end), expected);
        let patterns = Patterns::new([(pattern, 0)], []);
        let found = patterns.find(&text, &All, &mut { WORK_BYTES_MAX }).unwrap();
        prop_assert_eq!(found.iter().any(|found| found.range.start < 8), expected.is_some());
    }

    /// Where a keyword stands inside of matches, what stands behind it takes none away.
    #[test]
    fn a_pattern_around_its_keyword_finds_what_its_expression_does(
        chosen in 0_usize..4,
        text in "([ab<>=]|key|word| ){0,40}",
    ) {
        let written = [
            r#"<[a-z]{0,9}key[a-z]{0,3}>"#,
            r#"\b[ab]{1,3}=?key(?: {0,3}=|word)"#,
            r#"[ab]{1,4}key"#,
            r#"(?:a|key){2,5}\s{1,9}(?:word|=)"#,
        ][chosen];
        let pattern = pattern(written, &["key"]).unwrap();
        let expected = regex::bytes::RegexBuilder::new(written).unicode(false).build().unwrap();
        let patterns = Patterns::new([(pattern, 0)], []);
        let found = patterns.find(&text, &All, &mut { WORK_BYTES_MAX }).unwrap();
        for expected in expected.find_iter(text.as_bytes()) {
            let holds = String::from_utf8_lossy(expected.as_bytes()).contains("key");
            let touches = |found: &Match| {
                found.range.start < expected.end() && expected.start() < found.range.end
            };
            prop_assert!(!holds || found.iter().any(touches), "{} {:?}", written, text);
        }
    }
}
