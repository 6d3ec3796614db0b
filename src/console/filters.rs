//! The filter bar: what can be chosen, what is, and how to undo it.

use chrono::Timelike;

use super::moment::grouped;
use super::question::{ALL, Question, SPANS, Window, field_time};
use super::shown::Shown;
use crate::api::{FacetValues, ValueCount};
use crate::query::{exactly, use_of};

/// Values of one field that are offered.
const VALUES: usize = 24;
const OUTCOMES: [&str; 5] = ["success", "failure", "denied", "unknown", "pending"];
const SEVERITIES: [&str; 3] = ["info", "warn", "fail"];

/// Names of parameters that have a field of their own in the bar.
const FIELDS: [&str; 10] = [
    "q",
    "action",
    "category",
    "actor",
    "actor_type",
    "resource_type",
    "target",
    "outcome",
    "severity",
    "cursor",
];

/// A span of time to choose.
pub(super) struct Span {
    pub(super) name: &'static str,
    pub(super) title: String,
    pub(super) link: String,
    pub(super) is_on: bool,
}

/// A filter that is on, and the same question without it.
pub(super) struct Chip {
    pub(super) name: Shown,
    pub(super) value: Shown,
    pub(super) without: String,
}

/// One menu of the bar.
pub(super) struct Menu {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    /// So many of its filters are on.
    pub(super) chosen: usize,
    pub(super) groups: Vec<Group>,
    pub(super) texts: Vec<Text>,
    /// Values to go to at once, for what has no more than one.
    pub(super) links: Vec<Go>,
    /// There are more of them than are offered.
    pub(super) more: bool,
}

/// Values that exclude nothing but each other's absence: any of those chosen.
pub(super) struct Group {
    pub(super) name: Shown,
    pub(super) parameter: String,
    pub(super) choices: Vec<Choice>,
    /// There are more than are offered.
    pub(super) more: bool,
}

/// One value.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: Shown,
    pub(super) count: Option<String>,
    pub(super) is_on: bool,
}

/// A field to type into.
pub(super) struct Text {
    pub(super) parameter: &'static str,
    pub(super) label: &'static str,
    pub(super) value: String,
}

/// A value to go to.
pub(super) struct Go {
    pub(super) label: Shown,
    pub(super) count: String,
    pub(super) link: String,
    pub(super) is_on: bool,
}

/// The bar.
pub(super) struct Filters {
    pub(super) search: String,
    pub(super) menus: Vec<Menu>,
    pub(super) spans: Vec<Span>,
    pub(super) chips: Vec<Chip>,
    /// What the form sends along.
    pub(super) hidden: Vec<(String, String)>,
    /// A window of its own, as fields for date and time have it.
    pub(super) custom: Option<(String, String)>,
    pub(super) cleared: String,
    /// `in the last 24 hours`.
    pub(super) window: String,
}

impl Filters {
    pub(super) fn of(question: &Question, facets: Option<&FacetValues>) -> Self {
        let none = FacetValues::default();
        let facets = facets.unwrap_or(&none);
        let window = question.window();
        let spans = SPANS.into_iter().map(|(name, title)| Span {
            name: if name == ALL { "All" } else { name },
            title: if name == ALL { "Everything".to_owned() } else { format!("The last {title}") },
            link: question.within(Some(name), None).link(),
            is_on: match &window {
                Window::Last(span) => span == name,
                Window::Everything => name == ALL,
                Window::Between(..) => false,
            },
        });
        let custom = match &window {
            Window::Between(since, until) => {
                let field = |time: &Option<String>| field_time(time.as_deref().unwrap_or_default());
                Some((field(since), field(until)))
            }
            _ => None,
        };
        Self {
            search: question.first("q").unwrap_or_default().to_owned(),
            menus: menus(question, facets),
            spans: spans.collect(),
            chips: chips(question, &window),
            hidden: hidden(question),
            custom,
            cleared: cleared(question, &window).link(),
            window: said(&window),
        }
    }
}

fn menus(question: &Question, facets: &FacetValues) -> Vec<Menu> {
    let fixed = |values: &[&str], counted: &[ValueCount]| -> Vec<ValueCount> {
        let value = |value: &&str| {
            let count = counted.iter().find(|known| known.value == *value);
            let count = count.map_or(0, |known| known.count);
            ValueCount { value: (*value).to_owned(), label: None, count }
        };
        values.iter().map(value).collect()
    };
    let group = |name: &str, parameter: &str, values: &[ValueCount]| {
        group(question, name, parameter, values)
    };
    let text = |parameter, label| Text {
        parameter,
        label,
        value: question.first(parameter).unwrap_or_default().to_owned(),
    };
    let mut menus = vec![
        Menu {
            id: "menu-action",
            name: "Action",
            chosen: count(question, &["action", "category"]),
            groups: vec![
                group("Action", "action", &facets.action),
                group("Category", "category", &facets.category),
            ],
            texts: Vec::new(),
            links: Vec::new(),
            more: false,
        },
        Menu {
            id: "menu-actor",
            name: "Actor",
            chosen: count(question, &["actor", "actor_type"]),
            texts: vec![text("actor", "Name, address or id contains")],
            links: actors(question, &facets.actor),
            more: facets.actor.len() > VALUES,
            groups: vec![group("Kind of actor", "actor_type", &facets.actor_type)],
        },
        Menu {
            id: "menu-target",
            name: "Target",
            chosen: count(question, &["target", "resource_type"]),
            texts: vec![text("target", "Id is, or name contains")],
            groups: vec![group("Kind of target", "resource_type", &facets.resource_type)],
            links: Vec::new(),
            more: false,
        },
        Menu {
            id: "menu-outcome",
            name: "Outcome",
            chosen: count(question, &["outcome", "severity"]),
            groups: vec![
                group("Outcome", "outcome", &fixed(&OUTCOMES, &facets.outcome)),
                group("Severity", "severity", &fixed(&SEVERITIES, &facets.severity)),
            ],
            texts: Vec::new(),
            links: Vec::new(),
            more: false,
        },
    ];
    menus.extend(scopes(question, facets));
    menus
}

fn count(question: &Question, names: &[&str]) -> usize {
    names.iter().map(|name| question.values(name).count()).sum()
}

fn group(question: &Question, name: &str, parameter: &str, values: &[ValueCount]) -> Group {
    let offered = values.iter().take(VALUES);
    let mut choices: Vec<Choice> = offered
        .map(|known| Choice {
            value: known.value.clone(),
            label: Shown::line(&known.value),
            count: Some(grouped(known.count)),
            is_on: question.values(parameter).any(|value| value == known.value),
        })
        .collect();
    for value in question.values(parameter) {
        if !choices.iter().any(|choice| choice.value == value) {
            let (value, label) = (value.to_owned(), Shown::line(value));
            choices.push(Choice { value, label, count: None, is_on: true });
        }
    }
    let more = values.len() > VALUES;
    Group { name: Shown::line(name), parameter: parameter.to_owned(), choices, more }
}

fn actors(question: &Question, values: &[ValueCount]) -> Vec<Go> {
    let go = |known: &ValueCount| Go {
        label: Shown::name(known.label.as_deref().unwrap_or(&known.value)),
        count: grouped(known.count),
        link: question.filters().with("actor", &exactly(&known.value)).link(),
        is_on: question.values("actor").any(|value| value == exactly(&known.value)),
    };
    values.iter().filter(|known| !known.value.trim().is_empty()).take(VALUES).map(go).collect()
}

/// One group for each name of a scope; no menu where there are none.
fn scopes(question: &Question, facets: &FacetValues) -> Option<Menu> {
    let mut names: Vec<&str> = facets.scope.iter().map(|known| known.value.as_str()).collect();
    let asked = question.pairs().filter_map(|(name, _)| name.strip_prefix("scope."));
    names.extend(asked);
    names.sort_unstable();
    names.dedup();
    let groups: Vec<Group> = names
        .iter()
        .map(|name| {
            let values = facets.scope.iter().filter(|known| known.value == *name).map(|known| {
                let value = known.label.clone().unwrap_or_default();
                ValueCount { value, label: None, count: known.count }
            });
            group(question, name, &format!("scope.{name}"), &values.collect::<Vec<_>>())
        })
        .collect();
    let chosen = groups.iter().flat_map(|group| &group.choices).filter(|choice| choice.is_on);
    let chosen = chosen.count();
    (!groups.is_empty()).then_some(Menu {
        id: "menu-scope",
        name: "Scope",
        chosen,
        groups,
        texts: Vec::new(),
        links: Vec::new(),
        more: false,
    })
}

/// The question without its chips. A span of time is none, and stays.
fn cleared(question: &Question, window: &Window) -> Question {
    let since = question.first("since").filter(|_| !matches!(window, Window::Between(..)));
    Question::default().within(since, None)
}

fn chips(question: &Question, window: &Window) -> Vec<Chip> {
    let mut chips: Vec<Chip> = Vec::new();
    if let Window::Between(since, until) = window {
        let value = match (since, until) {
            (Some(since), Some(until)) => format!("{} – {}", said_time(since), said_time(until)),
            (Some(since), None) => format!("from {}", said_time(since)),
            (None, Some(until)) => format!("before {}", said_time(until)),
            (None, None) => String::new(),
        };
        chips.push(Chip {
            name: Shown::line("Time"),
            value: Shown::line(&value),
            without: question.within(None, None).link(),
        });
    }
    let asked = question.filters();
    let asked = asked.pairs().filter(|(name, _)| !matches!(*name, "since" | "until"));
    chips.extend(asked.map(|(name, value)| Chip {
        name: named(name),
        value: Shown::line(value),
        without: question.without_value(name, value).link(),
    }));
    chips
}

/// A point in time as a filter has it, for people.
fn said_time(text: &str) -> String {
    let Ok(time) = chrono::DateTime::parse_from_rfc3339(text) else { return format!("{text} ago") };
    let time = time.to_utc();
    let format = match (time.second(), time.timestamp_subsec_millis()) {
        (0, 0) => "%Y-%m-%d %H:%M UTC",
        (_, 0) => "%Y-%m-%d %H:%M:%S UTC",
        _ => "%Y-%m-%d %H:%M:%S%.3f UTC",
    };
    time.format(format).to_string()
}

/// What people call a parameter.
fn named(parameter: &str) -> Shown {
    let name = match parameter {
        "q" => "Search",
        "action" => "Action",
        "category" => "Category",
        "actor" => "Actor",
        "actor_type" => "Kind of actor",
        "resource_type" => "Kind of target",
        "target" => "Target",
        "outcome" => "Outcome",
        "severity" => "Severity",
        "id" => "Event",
        other => other.strip_prefix("scope.").unwrap_or(other),
    };
    Shown::line(name)
}

/// What the form has no field for.
fn hidden(question: &Question) -> Vec<(String, String)> {
    let mut seen: Vec<&str> = Vec::new();
    let mut hidden = Vec::new();
    for (name, value) in question.pairs() {
        let again = seen.contains(&name);
        seen.push(name);
        let typed = matches!(name, "q" | "actor" | "target");
        let has_field = FIELDS.contains(&name) || name.starts_with("scope.");
        let is_known = use_of(name).is_some() && name != "offset";
        if is_known && (!has_field || typed && again) {
            hidden.push((name.to_owned(), value.to_owned()));
        }
    }
    hidden
}

fn said(window: &Window) -> String {
    match window {
        Window::Everything => "on record".to_owned(),
        Window::Between(..) => "in this time".to_owned(),
        Window::Last(span) => {
            let known = SPANS.iter().find(|(name, _)| name == span);
            format!("in the last {}", known.map_or(span.as_str(), |(_, title)| *title))
        }
    }
}
