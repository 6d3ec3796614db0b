//! Searching the index: conditions → parameterised SQL → rows, newest first.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use sqlx::{QueryBuilder, Sqlite};

use super::{Index, IndexError, Row, table};

/// Words of a full-text query; more are ignored.
const MAX_WORDS: usize = 16;

/// A field with a closed way of comparing: equal to one of several values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// `noun.verb`.
    Action,
    /// The area.
    Category,
    /// What kind of actor.
    ActorType,
    /// The severity.
    Severity,
}

impl Field {
    /// Never anything that a user wrote.
    fn column(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Category => "category",
            Self::ActorType => "actor_type",
            Self::Severity => "severity",
        }
    }
}

/// What an event must fulfil. Several conditions must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// The field is one of these.
    AnyOf(Field, Vec<String>),
    /// The outcome is one of these; `None` is an event that is still pending.
    Outcome(Vec<Option<String>>),
    /// Some target is of one of these types.
    ResourceType(Vec<String>),
    /// Some target has this id, or a name that contains it, whatever its case.
    Target(String),
    /// The actor has this id, or an id, name or address that contains it, whatever its case.
    Actor(String),
    /// The scope of this name has one of these values.
    Scope(String, Vec<String>),
    /// At or after this time, in milliseconds since 1970.
    Since(i64),
    /// Before this time.
    Until(i64),
    /// Every word of this occurs.
    Text(String),
    /// The event's id is this.
    Id(String),
}

/// What the one who asks may see. It holds beside all conditions, which can only narrow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum View {
    /// Every event.
    #[default]
    Everything,
    /// Events that have, for each of these names of scopes, one of its values. Without any name,
    /// none.
    Scopes(BTreeMap<String, BTreeSet<String>>),
}

/// A place between two events of a list; it stays where it is while events arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    time_ms: i64,
    id: String,
    act: u32,
}

/// A cursor that was not made here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not a cursor")]
pub struct NoCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.time_ms, self.id)?;
        if self.act > 0 { write!(f, ".{}", self.act) } else { Ok(()) }
    }
}

impl FromStr for Cursor {
    type Err = NoCursor;

    fn from_str(text: &str) -> Result<Self, NoCursor> {
        let (time, id) = text.split_once('.').ok_or(NoCursor)?;
        let time_ms = time.parse().map_err(|_| NoCursor)?;
        let (id, act) = id.split_once('.').unwrap_or((id, "0"));
        let act = act.parse().map_err(|_| NoCursor)?;
        let id = crate::record::EventId::from_str(id).map_err(|_| NoCursor)?.to_string();
        Ok(Self { time_ms, id, act })
    }
}

/// A question to the index.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// What can be found at all.
    pub view: View,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// Only events older than this place.
    pub after: Option<Cursor>,
    /// So many are skipped first.
    pub offset: u32,
    /// At most so many are returned.
    pub limit: u32,
}

/// A part of the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The events and acts, newest first.
    pub rows: Vec<Row>,
    /// Where the next page begins; `None` where there is none.
    pub next: Option<Cursor>,
}

impl Index {
    /// Searches, newest first.
    pub async fn search(&mut self, search: &Search) -> Result<Page, IndexError> {
        let mut query = build(search);
        let rows = query
            .build()
            .persistent(false)
            .fetch_all(&mut self.conn)
            .await
            .map_err(IndexError::of_search)?;
        let mut rows = rows.iter().map(table::read).collect::<Result<Vec<Row>, _>>()?;
        // One more than asked for was fetched, to know whether there is more.
        let more = rows.len() > search.limit as usize;
        rows.truncate(search.limit as usize);
        let next = rows.last().filter(|_| more).map(|row| Cursor {
            time_ms: row.time_ms,
            id: row.id.clone(),
            act: row.act,
        });
        Ok(Page { rows, next })
    }
}

fn build(search: &Search) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new(format!("SELECT {} FROM events WHERE ", table::COLUMNS));
    push_view(&mut query, &search.view);
    push_conditions(&mut query, &search.conditions);
    if let Some(after) = &search.after {
        query.push(" AND (time_ms, id, act) < (").push_bind(after.time_ms);
        query.push(", ").push_bind(after.id.clone()).push(", ").push_bind(after.act).push(")");
    }
    query
        .push(" ORDER BY time_ms DESC, id DESC, act DESC LIMIT ")
        .push_bind(i64::from(search.limit) + 1);
    query.push(" OFFSET ").push_bind(i64::from(search.offset));
    query
}

/// What may be seen: never left out, and first.
pub(super) fn push_view(query: &mut QueryBuilder<Sqlite>, view: &View) {
    match view {
        View::Everything => {
            query.push("true");
        }
        View::Scopes(scopes) if scopes.is_empty() => {
            query.push("false");
        }
        View::Scopes(scopes) => {
            query.push("true");
            for (name, values) in scopes {
                query.push(" AND ");
                push_scope(query, name, values);
            }
        }
    }
}

/// Every condition, each after an `AND`.
pub(super) fn push_conditions(query: &mut QueryBuilder<Sqlite>, conditions: &[Condition]) {
    for condition in conditions {
        query.push(" AND ");
        push_condition(query, condition);
    }
}

fn push_scope<'a>(
    query: &mut QueryBuilder<Sqlite>,
    name: &str,
    values: impl IntoIterator<Item = &'a String>,
) {
    query.push("EXISTS (SELECT 1 FROM scopes AS s WHERE s.n = events.n AND s.name = ");
    query.push_bind(name.to_owned()).push(" AND s.value");
    push_in(query, values);
    query.push(")");
}

pub(super) fn push_condition(query: &mut QueryBuilder<Sqlite>, condition: &Condition) {
    match condition {
        Condition::AnyOf(field, values) => {
            query.push(field.column());
            push_in(query, values);
        }
        Condition::Outcome(outcomes) => {
            let known: Vec<String> = outcomes.iter().flatten().cloned().collect();
            query.push("(outcome");
            push_in(query, &known);
            if outcomes.contains(&None) {
                query.push(" OR outcome IS NULL");
            }
            query.push(")");
        }
        Condition::ResourceType(values) => {
            query.push("EXISTS (SELECT 1 FROM targets AS t WHERE t.n = events.n AND t.type");
            push_in(query, values);
            query.push(")");
        }
        Condition::Target(text) => {
            query.push("EXISTS (SELECT 1 FROM targets AS t WHERE t.n = events.n AND (t.id = ");
            query.push_bind(text.clone());
            query.push(" OR t.name");
            push_contains(query, text);
            query.push("))");
        }
        Condition::Actor(text) => {
            query.push("(actor_id");
            push_contains(query, text);
            query.push(" OR actor_name");
            push_contains(query, text);
            query.push(" OR actor_email");
            push_contains(query, text);
            query.push(")");
        }
        Condition::Scope(name, values) => {
            push_scope(query, name, values);
        }
        Condition::Since(time) => {
            query.push("time_ms >= ").push_bind(*time);
        }
        Condition::Until(time) => {
            query.push("time_ms < ").push_bind(*time);
        }
        Condition::Text(text) => match phrases(text) {
            Some(phrases) => {
                query.push("n IN (SELECT rowid FROM texts WHERE texts MATCH ");
                query.push_bind(phrases).push(")");
            }
            // Nothing to look for is not found anywhere.
            None => {
                query.push("false");
            }
        },
        Condition::Id(id) => {
            query.push("id = ").push_bind(id.clone());
        }
    }
}

fn push_in<'a>(query: &mut QueryBuilder<Sqlite>, values: impl IntoIterator<Item = &'a String>) {
    query.push(" IN (");
    let mut separated = query.separated(", ");
    for value in values {
        separated.push_bind(value.clone());
    }
    query.push(")");
}

/// `LIKE` knows two wildcards, which are escaped, and folds the case of ASCII.
fn push_contains(query: &mut QueryBuilder<Sqlite>, text: &str) {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    query.push(" LIKE ").push_bind(format!("%{escaped}%")).push(" ESCAPE '\\'");
}

/// Words as quoted phrases, each of which may be the beginning of a word: in quotes, nothing is
/// syntax. Words without a letter or digit cannot be found, and are left out.
fn phrases(text: &str) -> Option<String> {
    let words: Vec<String> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .take(MAX_WORDS)
        .map(|word| format!("\"{}\"*", word.replace('"', "\"\"")))
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}
