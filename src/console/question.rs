//! What the address of the list asks for: the state of the page, and every link on it.

use chrono::{DateTime, NaiveDateTime, SecondsFormat};
use form_urlencoded::{Serializer, parse};

use crate::query::{Use, use_of};

/// Where the list is.
pub(super) const LIST: &str = "/audit";
/// The time that is shown if none is given.
pub(super) const DEFAULT_SPAN: &str = "24h";
/// All of it.
pub(super) const ALL: &str = "all";
/// Spans to choose from, and what they are called.
pub(super) const SPANS: [(&str, &str); 6] = [
    ("1h", "hour"),
    ("24h", "24 hours"),
    ("7d", "7 days"),
    ("30d", "30 days"),
    ("90d", "90 days"),
    (ALL, "everything"),
];

/// Names of parameters of the page's own, which the log does not know.
pub(super) const OWN: &[&str] = &["event", "part", "live"];

/// The parameters, cleaned: nothing empty, nothing twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Question(Vec<(String, String)>);

/// Which time is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Window {
    /// The last so much: one of [`SPANS`], or another.
    Last(String),
    /// From and until, of which one is there.
    Between(Option<String>, Option<String>),
    /// All of it.
    Everything,
}

impl Question {
    /// Cleans what was asked; the second tells whether the address should be another: a form sends
    /// empty fields, and times as people type them. What it sends of a time that nobody has touched is
    /// less exact than the time that it was made of, and does not count.
    pub(super) fn of(query: Option<&str>) -> (Self, bool) {
        let given: Vec<(String, String)> = parse(query.unwrap_or_default().as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let mut pairs: Vec<(String, String)> = Vec::new();
        for (name, value) in &given {
            let value = value.trim();
            let known = pairs.iter().any(|(n, v)| n == name && v == value);
            if value.is_empty() || known {
                continue;
            }
            match name.as_str() {
                "from" | "to" => {}
                _ => pairs.push((name.clone(), value.to_owned())),
            }
        }
        let mut question = Self(pairs);
        for (typed, name) in [("from", "since"), ("to", "until")] {
            let typed = given.iter().find(|(name, _)| name == typed).map(|(_, value)| value.trim());
            let shown = field_time(question.first(name).unwrap_or_default());
            let Some(typed) = typed else { continue };
            // The same time may be written with and without seconds that are none.
            let is_touched = typed != shown
                && (typed_time(typed).is_none() || typed_time(typed) != typed_time(&shown));
            if is_touched {
                question = match typed {
                    "" => question.without(name),
                    _ => {
                        question.with(name, &typed_time(typed).unwrap_or_else(|| typed.to_owned()))
                    }
                };
            }
        }
        let other = question.0 != given;
        (question, other)
    }

    /// What is asked of the log: in its grammar, and with the time that is shown if none is given.
    pub(super) fn effective(&self) -> Self {
        let mut pairs = self.0.clone();
        pairs.retain(|(name, value)| name != "since" || value != ALL);
        if self.first("since").is_none() && self.first("until").is_none() {
            pairs.push(("since".to_owned(), DEFAULT_SPAN.to_owned()));
        }
        Self(pairs)
    }

    /// The time that is meant.
    pub(super) fn window(&self) -> Window {
        match (self.first("since"), self.first("until")) {
            (None, None) => Window::Last(DEFAULT_SPAN.to_owned()),
            (Some(ALL), None) => Window::Everything,
            (Some(span), None) if crate::query::span(span).is_some() => {
                Window::Last(span.to_owned())
            }
            (since, until) => {
                let since = since.filter(|since| *since != ALL);
                Window::Between(since.map(ToOwned::to_owned), until.map(ToOwned::to_owned))
            }
        }
    }

    /// The first value of a parameter.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    /// The values of a parameter.
    pub(super) fn values<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All of it.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Only those that say which events are meant.
    pub(super) fn filters(&self) -> Self {
        let mut filters = self.clone();
        filters.0.retain(|(name, _)| use_of(name) == Some(Use::Filter));
        filters
    }

    /// With this as the only value of a parameter, from the first page on.
    pub(super) fn with(&self, name: &str, value: &str) -> Self {
        let mut question = self.without(name);
        question.0.push((name.to_owned(), value.to_owned()));
        question
    }

    /// Without a parameter, from the first page on.
    pub(super) fn without(&self, name: &str) -> Self {
        let mut question = self.first_page();
        question.0.retain(|(known, _)| known != name);
        question
    }

    /// Without one value of a parameter, from the first page on.
    pub(super) fn without_value(&self, name: &str, value: &str) -> Self {
        let mut question = self.first_page();
        question.0.retain(|(known, v)| known != name || v != value);
        question
    }

    /// In another window of time.
    pub(super) fn within(&self, since: Option<&str>, until: Option<&str>) -> Self {
        let mut question = self.without("since").without("until");
        for (name, time) in [("since", since), ("until", until)] {
            if let Some(time) = time {
                question.0.push((name.to_owned(), time.to_owned()));
            }
        }
        question
    }

    /// The first page of the same.
    pub(super) fn first_page(&self) -> Self {
        let mut question = self.clone();
        question.0.retain(|(name, _)| !["cursor", "offset", "part"].contains(&name.as_str()));
        question
    }

    /// The page behind a place.
    pub(super) fn after(&self, cursor: &str) -> Self {
        self.with("cursor", cursor)
    }

    /// The query of an address, without a question mark.
    pub(super) fn query(&self) -> String {
        Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// The address of the list that asks this.
    pub(super) fn link(&self) -> String {
        match self.0.is_empty() {
            true => LIST.to_owned(),
            false => format!("{LIST}?{}", self.query()),
        }
    }
}

/// What a field for date and time sends, which is meant in UTC.
fn typed_time(text: &str) -> Option<String> {
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%.f"];
    let time =
        formats.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())?;
    Some(time.and_utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// What a field for date and time takes.
pub(super) fn field_time(text: &str) -> String {
    match DateTime::parse_from_rfc3339(text) {
        Ok(time) => time.to_utc().format("%Y-%m-%dT%H:%M:%S").to_string(),
        Err(_) => String::new(),
    }
}
