//! What header fields say of limits, from the redacted record.
//!
//!   `Retry-After`: RFC 9110, section 10.2.3. `RateLimit-*`: draft-ietf-httpapi-ratelimit-headers-06.
//!   OpenAI, Azure, LiteLLM: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`,
//!     <https://platform.openai.com/docs/guides/rate-limits>
//!   Anthropic: `anthropic-ratelimit-{requests,tokens,…}-{limit,remaining,reset}`,
//!     <https://docs.anthropic.com/en/api/rate-limits>
//!   Kong: `X-RateLimit-{Limit,Remaining}-{Minute,…}`, `X-AI-RateLimit-{Limit,Remaining,Reset}-…`,
//!     <https://developer.konghq.com/plugins/ai-rate-limiting-advanced/>
//!   LiteLLM's budgets: `x-litellm-key-{max-budget,spend}`,
//!     <https://docs.litellm.ai/docs/proxy/response_headers>

use std::collections::BTreeMap;

use crate::record::Tree;

/// Longer values are no limits.
const VALUE_BYTES_MAX: usize = 64;

/// What stands before the name of what is counted, with `{}` for limit, remaining and reset.
const BEFORE: [&str; 2] = ["x-ratelimit-{}-", "x-ai-ratelimit-{}-"];

/// What stands around it.
const AROUND: &str = "anthropic-ratelimit-";

/// Fields without a name of what is counted.
const PLAIN: [&str; 2] = ["ratelimit-{}", "x-ratelimit-{}"];

/// The limit that was reached: `limit`, `limit_by`, `remaining`, `reset`, `retry_after`, `spent`,
/// each as the field has it. Of several limits the one of which nothing remains, else the first.
pub fn limit(headers: &Tree) -> BTreeMap<&'static str, String> {
    let mut found: Vec<BTreeMap<&'static str, String>> = Vec::new();
    let value = |name: &str| shown(headers.get(name)?.as_str()?);
    let names = headers.node().members().iter().map(|(name, _)| name.as_ref());
    let mut add = |by: &str, field: &dyn Fn(&str) -> String| {
        let mut one = BTreeMap::new();
        for part in ["limit", "remaining", "reset"] {
            one.extend(value(&field(part)).map(|value| (part, value)));
        }
        if one.contains_key("limit") || one.contains_key("remaining") {
            one.extend(shown(by).map(|by| ("limit_by", by)));
            found.push(one);
        }
    };
    for name in names {
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
    let spent = |one: &BTreeMap<_, String>| one.get("remaining").is_some_and(|left| is_none(left));
    let at = found.iter().position(spent).unwrap_or_default();
    let mut limit = if at < found.len() { found.swap_remove(at) } else { BTreeMap::new() };
    let budget = ("x-litellm-key-max-budget", "x-litellm-key-spend");
    if limit.is_empty()
        && let (Some(most), Some(spent)) = (value(budget.0), value(budget.1))
    {
        let by = ("limit_by", "budget".to_owned());
        limit.extend([("limit", most), ("spent", spent), by]);
    }
    let after = value("retry-after").or_else(|| Some(format!("{}ms", value("retry-after-ms")?)));
    limit.extend(after.map(|after| ("retry_after", after)));
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
