//! What an answer says of a limit: its header fields, from the redacted record, or else its error.
//!
//!   `Retry-After`: RFC 9110, section 10.2.3. `RateLimit-*`: draft-ietf-httpapi-ratelimit-headers-06.
//!   `RateLimit`, `RateLimit-Policy`: draft-ietf-httpapi-ratelimit-headers-07 and later, and 02 before.
//!   OpenAI, Azure, LiteLLM: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`,
//!     <https://platform.openai.com/docs/guides/rate-limits>
//!   Anthropic: `anthropic-ratelimit-{requests,tokens,…}-{limit,remaining,reset}`,
//!     <https://docs.anthropic.com/en/api/rate-limits>
//!   Kong: `X-RateLimit-{Limit,Remaining}-{Minute,…}`, `X-AI-RateLimit-{Limit,Remaining,Reset}-…`,
//!     <https://developer.konghq.com/plugins/ai-rate-limiting-advanced/>
//!   LiteLLM's budgets: `x-litellm-key-{max-budget,spend}`,
//!     <https://docs.litellm.ai/docs/proxy/response_headers>
//!   OpenRouter: the fields in `error.metadata.headers`, <https://openrouter.ai/docs/api/reference/limits>
//!   Gemini, Vertex AI: `QuotaFailure` and `RetryInfo`, <https://google.aip.dev/193>

mod structured;

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::decode::Node;
use crate::record::Tree;

/// Longer values are no limits.
const VALUE_BYTES_MAX: usize = 64;

/// What stands before the name of what is counted, with `{}` for limit, remaining and reset.
const BEFORE: [&str; 2] = ["x-ratelimit-{}-", "x-ai-ratelimit-{}-"];

/// What stands around it.
const AROUND: &str = "anthropic-ratelimit-";

/// Fields without a name of what is counted; what else may stand before them is a gateway's name.
const PLAIN: [&str; 2] = ["ratelimit-{}", "x-ratelimit-{}"];

/// Ends of fields with a limit, behind which nothing says what is counted.
const ENDS: [&str; 2] = ["ratelimit-limit", "rate-limit-limit"];

/// Where an error has header fields that its gateway was answered.
const FIELDS_AT: &str = "$.error.metadata.headers";

/// Where an error of Google has what it tells of itself, and its sentence.
const DETAILS_AT: &str = "$.error.details";
const MESSAGE_AT: &str = "$.error.message";

/// And one of anybody what it names, or what stands beside its code.
const MEMBERS_AT: &str = "$.error";
const BESIDE_AT: &str = "$";

/// What members of errors are called that tell of a limit, in small letters alone, and of those that are
/// money.
const MEMBERS: [(&str, &[&str]); 5] = [
    ("limit", &["limit", "limitusd", "maxbudget", "budget", "budgetlimit", "budgetusd", "quota"]),
    ("spent", &["spent", "spentusd", "spend", "used", "currentcost", "currentspend"]),
    ("remaining", &["remaining"]),
    ("reset", &["reset", "resetat", "resetsat"]),
    ("retry_after", &["retryafter", "retryafterseconds"]),
];
const MONEY: [&str; 2] = ["budget", "usd"];
const MONEY_BY: &str = "budget";

/// What stands in sentences before the most that may be spent, and before what was.
const BUDGETS: [(&str, &str); 3] = [
    ("max budget: ", "current cost: "),
    ("max budget for token: ", "current spend for token: "),
    ("budget=", "spend="),
];

/// What is counted in a minute, where a sentence has the limits of both, and what it was: `tpm_limit: 10,
/// current_tpm 12, rpm_limit: 5, current_rpm 1`.
const RATES: [&str; 2] = ["tpm", "rpm"];

/// A part of a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// As the answer has it.
    pub text: String,
    /// Where.
    pub place: Place,
}

/// Where an answer tells of a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The field of this name.
    Field(String),
    /// Its body, by a JSONPath.
    Body(&'static str),
}

/// The limit that was reached: `limit`, `limit_by`, `remaining`, `reset`, `retry_after`, `spent`.
pub type Limit = BTreeMap<&'static str, Part>;

/// What header fields say of the limit, each as the field has it. Of several limits the one of which
/// nothing remains, else the first.
pub fn limit(headers: &Tree) -> Limit {
    let fields =
        headers.node().members().iter().filter_map(|(name, value)| {
            Some((name.as_ref().to_owned(), value.as_str()?.to_owned()))
        });
    of_fields(&fields.collect::<Vec<_>>(), |field| Place::Field(field.to_owned()))
}

/// What the error of an answer says of the limit: nothing but amounts and times, and the name of what is
/// counted, if it is one word.
pub(super) fn limit_within(body: Option<&Node<'_>>) -> Limit {
    let Some(error) = body.and_then(|body| body.get("error")) else { return Limit::new() };
    let fields = error.get("metadata").and_then(|metadata| metadata.get("headers"));
    let fields = fields.map(Node::members).unwrap_or_default().iter().take(FIELDS_MAX);
    let fields =
        fields.filter_map(|(name, value)| Some((name.to_ascii_lowercase(), amount(value)?)));
    let mut limit = of_fields(&fields.collect::<Vec<_>>(), |_| Place::Body(FIELDS_AT));
    let details = error.get("details").and_then(Node::as_array).unwrap_or_default();
    for detail in details.iter().take(FIELDS_MAX) {
        let violation = detail.get("violations").and_then(Node::as_array).and_then(<[_]>::first);
        let quota = violation.and_then(|violation| amount(violation.get("quotaValue")?));
        let by = violation.and_then(|violation| word(violation.get("quotaId")?));
        let after = detail.get("retryDelay").and_then(amount);
        let by = by.filter(|_| quota.is_some());
        for (name, found) in [("limit", quota), ("limit_by", by), ("retry_after", after)] {
            let part = found.map(|text| Part { text, place: Place::Body(DETAILS_AT) });
            limit.extend(part.map(|part| (name, part)));
        }
    }
    if let (true, Some(message)) = (limit.is_empty(), error.get("message").and_then(Node::as_str)) {
        limit = of_sentence(message);
    }
    if limit.is_empty() {
        limit = match (error, body) {
            (Node::String(_), Some(body)) => of_members(body.members(), BESIDE_AT),
            _ => of_members(error.members(), MEMBERS_AT),
        };
    }
    limit
}

/// What the members of an error are called that are amounts or times.
fn of_members(members: &[(Cow<'_, str>, Node<'_>)], at: &'static str) -> Limit {
    let mut limit = Limit::new();
    let told = |text| Part { text, place: Place::Body(at) };
    for (name, value) in members.iter().take(FIELDS_MAX) {
        let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let name = name.to_ascii_lowercase();
        let part = MEMBERS.iter().find(|(_, names)| names.contains(&name.as_str()));
        if let (Some((part, _)), Some(amount)) = (part, amount(value)) {
            limit.entry(part).or_insert_with(|| told(amount));
            if *part == "limit" && MONEY.iter().any(|money| name.contains(money)) {
                limit.insert("limit_by", told(MONEY_BY.to_owned()));
            }
        }
    }
    limit
}

/// More fields of an error are not looked at.
const FIELDS_MAX: usize = 64;

/// What was spent, and the most that may be: `Current cost: 0.5, Max budget: 0.1`; or a limit, and what of it
/// was used or remains: `Limit 30000, Used 29000`, `(1500/1000, resets every 1h)`.
fn of_sentence(message: &str) -> Limit {
    let end = message.char_indices().nth(SENTENCE_CHARS_MAX).map_or(message.len(), |(at, _)| at);
    let message = message.get(..end).unwrap_or_default().to_ascii_lowercase();
    let told = |text| Part { text, place: Place::Body(MESSAGE_AT) };
    let budget = BUDGETS.iter().find_map(|(most, spent)| {
        Some((number_after(&message, most)?, number_after(&message, spent)))
    });
    let parts = match budget {
        Some((most, spent)) => {
            vec![("limit", Some(most)), ("spent", spent), ("limit_by", Some(MONEY_BY.to_owned()))]
        }
        None if let Some((by, most, spent)) = rate(&message) => {
            vec![("limit", Some(most)), ("spent", spent), ("limit_by", Some(by.to_owned()))]
        }
        None => {
            match number_after(&message, "limit: ").or_else(|| number_after(&message, ": limit ")) {
                Some(most) => vec![
                    ("limit", Some(most)),
                    ("spent", number_after(&message, "used ")),
                    ("remaining", number_after(&message, "remaining: ")),
                ],
                None => {
                    let (spent, most) = fraction(&message).unzip();
                    vec![("limit", most), ("spent", spent)]
                }
            }
        }
    };
    parts.into_iter().filter_map(|(name, text)| Some((name, told(text?)))).collect()
}

/// The rate that was reached: what is counted, the most of it, and what it was. None where nobody can say
/// which of several it was.
fn rate(message: &str) -> Option<(&'static str, String, Option<String>)> {
    let rates = RATES.iter().filter_map(|by| {
        let most = number_after(message, &format!("{by}_limit: "))
            .or_else(|| number_after(message, &format!("{by} limit: ")))?;
        let now = number_after(message, &format!("current_{by} "))
            .or_else(|| number_after(message, &format!("current_{by}: ")))
            .or_else(|| number_after(message, &format!("current {by}: ")));
        Some((*by, most, now))
    });
    let rates: Vec<_> = rates.collect();
    let value = |text: &String| text.parse::<f64>().ok();
    let is_reached = |(_, most, now): &&(&str, String, Option<String>)| {
        now.as_ref().and_then(value) >= value(most)
    };
    match &rates[..] {
        [only] => Some(only.clone()),
        all => all.iter().find(is_reached).cloned(),
    }
}

/// The number behind a marker.
fn number_after(message: &str, marker: &str) -> Option<String> {
    number(message.split(marker).nth(1)?)
}

/// The number that a text begins with.
fn number(text: &str) -> Option<String> {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    // Small amounts are told as `7.2e-05`.
    let power = text.get(end..).and_then(|rest| rest.strip_prefix("e-")).map_or(0, digits);
    let end = if power > 0 { end + 2 + power } else { end };
    let number = text.get(..end)?.trim_end_matches('.');
    (!number.is_empty() && number.len() <= AMOUNT_BYTES_MAX).then(|| number.to_owned())
}

/// What was used of a limit, and the limit: `(1500/1000, resets every 1h)`.
fn fraction(message: &str) -> Option<(String, String)> {
    let inner = message.split_once('(')?.1.split([',', ')']).next()?;
    let (used, most) = inner.split_once('/')?;
    let is_whole = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_limit = message.contains("limit") && message.contains("resets");
    (is_limit && is_whole(used) && is_whole(most)).then_some(())?;
    Some((number(used)?, number(most)?))
}

/// Of a longer sentence only so much is looked at.
const SENTENCE_CHARS_MAX: usize = 1000;

/// Longer texts are no amounts.
const AMOUNT_BYTES_MAX: usize = 32;

/// A number, or a time in some form: `20`, `-1`, `29s`, `6m0s`, `2026-01-01T00:00:00Z`.
fn amount(value: &Node<'_>) -> Option<String> {
    let text = match value {
        Node::String(text) => text.clone().into_owned(),
        Node::Number(number) => number.to_string(),
        _ => return None,
    };
    let is_plain = |byte: u8| byte.is_ascii_digit() || b".:+-smhdTZ".contains(&byte);
    let begins = text.strip_prefix('-').unwrap_or(&text).starts_with(|c: char| c.is_ascii_digit());
    (begins && text.len() <= AMOUNT_BYTES_MAX && text.bytes().all(is_plain)).then_some(text)
}

/// Letters and hyphens, and so no key.
fn word(value: &Node<'_>) -> Option<String> {
    let text = value.as_str()?;
    let is_plain = |byte: u8| byte.is_ascii_alphabetic() || b"-_".contains(&byte);
    let is_word = !text.is_empty() && text.len() <= VALUE_BYTES_MAX && text.bytes().all(is_plain);
    is_word.then(|| text.to_owned())
}

fn of_fields(fields: &[(String, String)], at: impl Fn(&str) -> Place) -> Limit {
    let known: BTreeMap<&str, &str> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let mut found: Vec<Limit> = Vec::new();
    let value = |field: &str| {
        let text = shown(known.get(field)?)?;
        Some(Part { text, place: at(field) })
    };
    let mut add = |by: &str, field: &dyn Fn(&str) -> String| {
        let mut one = Limit::new();
        for part in ["limit", "remaining", "reset"] {
            one.extend(value(&field(part)).map(|value| (part, value)));
        }
        let told = one.get("limit").or_else(|| one.get("remaining")).map(|part| part.place.clone());
        if let Some(place) = told {
            one.extend(shown(by).map(|text| ("limit_by", Part { text, place })));
            found.push(one);
        }
    };
    for (name, _) in fields {
        for before in BEFORE {
            if let Some(by) = name.strip_prefix(before.replace("{}", "limit").as_str()) {
                add(by, &|part| format!("{}{by}", before.replace("{}", part)));
            }
        }
        let by = name.strip_prefix(AROUND).and_then(|name| name.strip_suffix("-limit"));
        if let Some(by) = by {
            add(by, &|part| format!("{AROUND}{by}-{part}"));
        }
    }
    for plain in PLAIN {
        add("", &|part| plain.replace("{}", part));
    }
    let is_other = |name: &&str| {
        ENDS.iter().any(|end| name.ends_with(end))
            && !PLAIN.iter().any(|plain| plain.replace("{}", "limit") == **name)
    };
    for name in fields.iter().map(|(name, _)| name.as_str()).filter(is_other) {
        let stem = name.strip_suffix("limit").unwrap_or(name);
        add("", &|part| format!("{stem}{part}"));
    }
    if found.is_empty() {
        found.extend(structured::limit(&known, &at));
    }
    let spent = |one: &Limit| one.get("remaining").is_some_and(|left| is_none(&left.text));
    let at = found.iter().position(spent).unwrap_or_default();
    let mut limit = if at < found.len() { found.swap_remove(at) } else { Limit::new() };
    let budget = ("x-litellm-key-max-budget", "x-litellm-key-spend");
    if limit.is_empty()
        && let (Some(most), Some(spent)) = (value(budget.0), value(budget.1))
    {
        let by = Part { text: MONEY_BY.to_owned(), place: most.place.clone() };
        limit.extend([("limit", most), ("spent", spent), ("limit_by", by)]);
    }
    let millis = || {
        let part = value("retry-after-ms")?;
        Some(Part { text: format!("{}ms", part.text), ..part })
    };
    limit.extend(value("retry-after").or_else(millis).map(|after| ("retry_after", after)));
    limit
}

fn is_none(left: &str) -> bool {
    left.parse::<f64>().is_ok_and(|left| left <= 0.0)
}

fn shown(text: &str) -> Option<String> {
    let text = text.trim();
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    (!text.is_empty() && text.len() <= VALUE_BYTES_MAX && plain).then(|| text.to_owned())
}
