//! Parameters → a search. One grammar for the API, the console, exports and the command line.

use chrono::{DateTime, Duration, NaiveDate, NaiveTime};

use super::PENDING;
use crate::clock::Timestamp;
use crate::index::{Condition, Cursor, Field, Like, Search};
use crate::record::EventId;

/// Events on a page, unless the question says otherwise.
pub const DEFAULT_LIMIT: u32 = 50;
/// The most that one question can ask for.
pub const MAX_LIMIT: u32 = 10_000;
/// The longest value, in characters.
pub const MAX_VALUE: usize = 1024;
/// The longest name, in bytes.
const MAX_NAME: usize = 256;
/// The longest name of a scope, and what is shown of one that is none.
const NAME_SHOWN: usize = 64;

/// How an event can have ended.
pub const OUTCOMES: [&str; 5] = ["success", "failure", "denied", "unknown", PENDING];
/// How much it should worry.
pub const SEVERITIES: [&str; 3] = ["info", "warn", "fail"];
/// Kinds of actors.
pub const ACTOR_TYPES: [&str; 6] = ["user", "system", "api", "webhook", "agent", "anonymous"];

const FILTERS: [&str; 12] = [
    "action",
    "category",
    "resource_type",
    "target",
    "actor",
    "actor_type",
    "outcome",
    "severity",
    "since",
    "until",
    "q",
    "id",
];

/// Those that have one value. Of others, any of several may hold.
const SINGLE: [&str; 9] =
    ["target", "actor", "since", "until", "q", "id", "limit", "offset", "cursor"];

/// What a parameter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It says which events are meant.
    Filter,
    /// It says which part of the answer is wanted: `limit`, `offset`, `cursor`.
    Page,
}

/// What the parameter of this name is for; none if there is no such parameter.
pub fn use_of(name: &str) -> Option<Use> {
    let is_scope = name.strip_prefix("scope.").is_some_and(|scope| !scope.is_empty());
    match name {
        "limit" | "offset" | "cursor" => Some(Use::Page),
        _ => (is_scope || FILTERS.contains(&name)).then_some(Use::Filter),
    }
}

/// A parameter that is not understood. What to do about it is said apart, by [`FilterError::remedy`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// There is no such parameter.
    #[error("`{0}` is not a filter")]
    UnknownName(String),
    /// The parameter says which part of an answer is wanted, and there are no parts.
    #[error("`{0}` is not for exports, which have every event that the filters mean")]
    NoPages(String),
    /// The parameter has a closed set of values.
    #[error("`{name}` cannot be `{value}`")]
    UnknownValue {
        /// Which parameter.
        name: &'static str,
        /// What was given.
        value: String,
        /// What could be given.
        allowed: String,
    },
    /// The parameter has a form that this does not have.
    #[error("`{name}` cannot be `{value}`")]
    Malformed {
        /// Which parameter.
        name: &'static str,
        /// What was given.
        value: String,
        /// What to give instead.
        expected: &'static str,
    },
    /// The parameter was given without a value.
    #[error("`{0}` needs a value")]
    Empty(String),
    /// The value is too long.
    #[error("the value of `{0}` is longer than 1,024 characters")]
    TooLong(String),
    /// The parameter was given twice, where that makes no sense.
    #[error("`{0}` is given twice")]
    Twice(&'static str),
    /// The name is too long to be one.
    #[error("the name of a parameter is longer than 256 bytes")]
    NameTooLong,
}

impl FilterError {
    /// Which parameter.
    pub fn parameter(&self) -> &str {
        match self {
            Self::UnknownName(name) | Self::NoPages(name) => name,
            Self::Empty(name) | Self::TooLong(name) => name,
            Self::UnknownValue { name, .. } | Self::Malformed { name, .. } => name,
            Self::Twice(name) => name,
            Self::NameTooLong => "",
        }
    }

    /// What to do.
    pub fn remedy(&self) -> String {
        match self {
            Self::UnknownName(_) => {
                format!("leave it out; filters are scope.NAME, {}", FILTERS.join(", "))
            }
            Self::NoPages(_) => "leave it out; `since` and `until` narrow the time".to_owned(),
            Self::UnknownValue { allowed, .. } => format!("use one of {allowed}"),
            Self::Malformed { expected, .. } => (*expected).to_owned(),
            Self::Empty(_) => "give it a value, or leave it out".to_owned(),
            Self::Twice(_) => "give it once".to_owned(),
            Self::TooLong(_) | Self::NameTooLong => "shorten it".to_owned(),
        }
    }

    /// What is wrong and what to do, in one line.
    pub fn with_remedy(&self) -> String {
        format!("{self}: {}", self.remedy())
    }
}

/// Understands parameters. One that is repeated where that makes sense means any of its values;
/// different ones must all hold.
pub fn parse<'a>(
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    now: Timestamp,
) -> Result<Search, FilterError> {
    let mut search = Search { limit: DEFAULT_LIMIT, ..Search::default() };
    let mut given = Vec::new();
    for (name, value) in parameters {
        if let Some(single) = SINGLE.into_iter().find(|single| *single == name) {
            if given.contains(&single) {
                return Err(FilterError::Twice(single));
            }
            given.push(single);
        }
        if name.len() > MAX_NAME {
            return Err(FilterError::NameTooLong);
        }
        if value.is_empty() {
            return Err(FilterError::Empty(name.to_owned()));
        }
        if value.chars().nth(MAX_VALUE).is_some() {
            return Err(FilterError::TooLong(name.to_owned()));
        }
        take(&mut search, name, value, now)?;
    }
    Ok(search)
}

/// What is understood, and finds nothing whatever is on record: most likely something else was meant.
pub fn doubts(search: &Search) -> Vec<String> {
    let mut doubts = Vec::new();
    let (mut since, mut until) = (None, None);
    for condition in &search.conditions {
        match condition {
            Condition::Since(time) => since = Some(*time),
            Condition::Until(time) => until = Some(*time),
            Condition::Scope(name, _) if !is_scope_name(name) => {
                let shown: String = name.chars().take(NAME_SHOWN).collect();
                doubts.push(format!(
                    "no event has a scope `{shown}`: names of scopes have lower-case letters, \
                     digits and underscores"
                ));
            }
            Condition::Text(text) if !text.contains(char::is_alphanumeric) => doubts.push(
                "`q` has neither letters nor digits, of which words are made: it finds nothing"
                    .to_owned(),
            ),
            _ => {}
        }
    }
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        doubts.push("`since` is not before `until`: there is no time between them".to_owned());
    }
    doubts
}

/// The same for a question that is asked now.
pub fn doubts_at(search: &Search, now: Timestamp) -> Vec<String> {
    let mut doubts = doubts(search);
    let now = now.timestamp_millis();
    let is_ahead =
        |condition: &Condition| matches!(condition, Condition::Since(time) if *time >= now);
    if search.conditions.iter().any(is_ahead) {
        doubts.push("`since` is not in the past: nothing has happened since then".to_owned());
    }
    doubts
}

/// Whether a scope can have this name.
pub fn is_scope_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=NAME_SHOWN).contains(&name.len()) && name.bytes().all(plain)
}

fn take(search: &mut Search, name: &str, value: &str, now: Timestamp) -> Result<(), FilterError> {
    let conditions = &mut search.conditions;
    match name {
        "action" => any_of(conditions, Field::Action, value),
        "category" => any_of(conditions, Field::Category, value),
        "actor_type" => {
            let value = one_of("actor_type", value, &ACTOR_TYPES)?;
            any_of(conditions, Field::ActorType, value);
        }
        "severity" => {
            let value = one_of("severity", value, &SEVERITIES)?;
            any_of(conditions, Field::Severity, value);
        }
        "outcome" => {
            let value = one_of("outcome", value, &OUTCOMES)?;
            let outcome = (value != PENDING).then(|| value.to_owned());
            match conditions.iter_mut().find_map(|condition| match condition {
                Condition::Outcome(outcomes) => Some(outcomes),
                _ => None,
            }) {
                Some(outcomes) => outcomes.push(outcome),
                None => conditions.push(Condition::Outcome(vec![outcome])),
            }
        }
        "resource_type" => {
            match conditions.iter_mut().find_map(|condition| match condition {
                Condition::ResourceType(values) => Some(values),
                _ => None,
            }) {
                Some(values) => values.push(value.to_owned()),
                None => conditions.push(Condition::ResourceType(vec![value.to_owned()])),
            }
        }
        "target" => conditions.push(Condition::Target(like("target", value)?)),
        "actor" => conditions.push(Condition::Actor(like("actor", value)?)),
        "since" => conditions.push(Condition::Since(time("since", value, now)?)),
        "until" => conditions.push(Condition::Until(time("until", value, now)?)),
        "q" => conditions.push(Condition::Text(value.to_owned())),
        "id" => conditions.push(Condition::Id(event_id(value)?.to_string())),
        "limit" => {
            let expected = "give a whole number, 1 or more (at most 10,000, and 1,000 of the API)";
            search.limit = number("limit", value, 1..=MAX_LIMIT, expected)?;
        }
        "offset" => {
            let expected = "give a whole number from 0 to 4,294,967,295";
            search.offset = number("offset", value, 0..=u32::MAX, expected)?;
        }
        "cursor" => {
            search.after = Some(value.parse::<Cursor>().map_err(|_| FilterError::Malformed {
                name: "cursor",
                value: value.to_owned(),
                expected: "give the cursor that came with the page before",
            })?);
        }
        _ => match name.strip_prefix("scope.").filter(|scope| !scope.is_empty()) {
            Some(scope) => scope_is(conditions, scope, value),
            None => return Err(FilterError::UnknownName(name.to_owned())),
        },
    }
    Ok(())
}

/// A part of a name; in quotation marks, the whole of it.
fn like(name: &'static str, value: &str) -> Result<Like, FilterError> {
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match quoted {
        Some("") => Err(FilterError::Empty(name.to_owned())),
        Some(whole) => Ok(Like::Whole(whole.to_owned())),
        None => Ok(Like::Part(value.to_owned())),
    }
}

/// The value by which `actor` and `target` find whoever has exactly this name or id.
pub fn exactly(name: &str) -> String {
    format!("\"{name}\"")
}

fn any_of(conditions: &mut Vec<Condition>, field: Field, value: &str) {
    for condition in conditions.iter_mut() {
        if let Condition::AnyOf(known, values) = condition
            && *known == field
        {
            values.push(value.to_owned());
            return;
        }
    }
    conditions.push(Condition::AnyOf(field, vec![value.to_owned()]));
}

fn scope_is(conditions: &mut Vec<Condition>, name: &str, value: &str) {
    for condition in conditions.iter_mut() {
        if let Condition::Scope(known, values) = condition
            && known == name
        {
            values.push(value.to_owned());
            return;
        }
    }
    conditions.push(Condition::Scope(name.to_owned(), vec![value.to_owned()]));
}

fn one_of<'a>(
    name: &'static str,
    value: &'a str,
    allowed: &[&str],
) -> Result<&'a str, FilterError> {
    if allowed.contains(&value) {
        return Ok(value);
    }
    Err(FilterError::UnknownValue { name, value: value.to_owned(), allowed: allowed.join(", ") })
}

fn number(
    name: &'static str,
    value: &str,
    range: std::ops::RangeInclusive<u32>,
    expected: &'static str,
) -> Result<u32, FilterError> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse().ok().filter(|number| digits && range.contains(number));
    number.ok_or_else(|| FilterError::Malformed { name, value: value.to_owned(), expected })
}

fn event_id(value: &str) -> Result<EventId, FilterError> {
    value.parse().map_err(|_| FilterError::Malformed {
        name: "id",
        value: value.to_owned(),
        expected: "give the UUID of an event, as in the header `Countersign-Event`",
    })
}

/// No event is of another time, and none can be written with four digits of a year.
const TIMES: std::ops::RangeInclusive<i64> = 0..=253_402_300_799_999;

/// Since always, as the console has it in its addresses.
const ALL: &str = "all";

/// How long a day is written: `2026-07-01`. It stands for its begin, in UTC.
const DAY_CHARS: usize = 10;

/// RFC 3339, a day, or a span of time before now: `90s`, `15m`, `24h`, `30d`, `2w`; at least the beginning
/// of 1970, at most the end of 9999.
fn time(name: &'static str, value: &str, now: Timestamp) -> Result<i64, FilterError> {
    if (name, value) == ("since", ALL) {
        return Ok(*TIMES.start());
    }
    if let Some(span) = span(value) {
        let time = now.timestamp_millis().saturating_sub(span.num_milliseconds());
        return Ok(time.clamp(*TIMES.start(), *TIMES.end()));
    }
    if let Ok(day) = value.parse::<NaiveDate>()
        && value.len() == DAY_CHARS
    {
        return Ok(day.and_time(NaiveTime::MIN).and_utc().timestamp_millis());
    }
    let time = DateTime::parse_from_rfc3339(value).map(|time| time.timestamp_millis());
    time.map(|time| time.clamp(*TIMES.start(), *TIMES.end())).map_err(|_| FilterError::Malformed {
        name,
        value: value.to_owned(),
        expected: match DateTime::parse_from_rfc3339(&value.replace(' ', "+")).is_ok() {
            // A plus that was not encoded arrives so.
            true if value.contains(' ') => {
                "give a time such as 2026-07-01T12:00:00Z, or with an offset, in which an address \
                 has %2B for +"
            }
            _ => {
                "give a time such as 2026-07-01T12:00:00Z, a day such as 2026-07-01, or a span before now such as 1h, 24h, \
                 7d, 30d or 90d"
            }
        },
    })
}

/// `90s`, `15m`, `24h`, `30d`, `2w`.
pub fn span(value: &str) -> Option<Duration> {
    let unit = value.chars().next_back()?;
    let digits = value.strip_suffix(unit)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: i64 = digits.parse().ok()?;
    match unit {
        's' => Duration::try_seconds(count),
        'm' => Duration::try_minutes(count),
        'h' => Duration::try_hours(count),
        'd' => Duration::try_days(count),
        'w' => Duration::try_weeks(count),
        _ => None,
    }
}
