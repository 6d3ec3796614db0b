//! What guards the ledger inside the database, triggers above all: whether it is all there, as the
//! schema has it, and nothing else is.
//!
//! Whoever can write to the database can take triggers away, or add some that swallow what is written.
//! What is missing is made again, where the login may; what is not the schema's own is told, and left
//! alone: where there is such a thing, or may be, an append looks for itself whether all of it is there.

use std::collections::BTreeMap;

use rusqlite::{Connection, TransactionBehavior};

use super::{StoreError, schema};

/// Something that is wrong with what guards the ledger.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unguarded {
    /// What is wrong.
    pub breach: Breach,
    /// The trigger's name; of one that others made, what a line of a log can take.
    pub name: String,
}

/// Characters that are shown of names that others gave.
const FOREIGN_NAME_MAX: usize = 128;

impl Unguarded {
    pub(super) fn foreign(name: &str) -> Self {
        let mut shown = String::new();
        for c in name.chars().take(FOREIGN_NAME_MAX) {
            shown.extend(c.escape_debug());
        }
        if name.chars().nth(FOREIGN_NAME_MAX).is_some() {
            shown.push('…');
        }
        Self { breach: Breach::Foreign, name: shown }
    }
}

/// What is wrong with a trigger, or what else guards the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Breach {
    /// It is not there, or switched off.
    Missing,
    /// It is another one than the schema's.
    Changed,
    /// The schema has none of this name.
    Foreign,
    /// A function does something else than the schema's.
    Function,
    /// Row-level security is not as the schema has it.
    RowSecurity,
}

impl Breach {
    /// A code from a closed set.
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "trigger_missing",
            Self::Changed => "trigger_changed",
            Self::Foreign => "trigger_foreign",
            Self::Function => "function_changed",
            Self::RowSecurity => "row_security",
        }
    }
}

impl std::fmt::Display for Unguarded {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = &self.name;
        match self.breach {
            Breach::Missing => write!(
                out,
                "the trigger `{name}`, by which the database refuses changes, is missing"
            ),
            Breach::Changed => write!(
                out,
                "the trigger `{name}`, by which the database refuses changes, is another one"
            ),
            Breach::Foreign => write!(
                out,
                "there is a trigger `{name}` on the ledger's tables that countersign did not make"
            ),
            Breach::Function => {
                write!(
                    out,
                    "the function `{name}` is missing, or does something else than the schema's"
                )
            }
            Breach::RowSecurity => write!(
                out,
                "row-level security of `{name}`, by which people with scopes read theirs alone, is not as \
                 the schema has it"
            ),
        }
    }
}

/// The triggers of a schema: name and text.
type Triggers = BTreeMap<String, String>;

const SELECT_TRIGGERS: &str = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'";

fn triggers(conn: &Connection) -> rusqlite::Result<Triggers> {
    let mut query = conn.prepare(SELECT_TRIGGERS)?;
    // A text that is none belongs to nothing that was made here.
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1).unwrap_or_default()));
    query.query_map([], row)?.collect()
}

/// The triggers of this version of the schema, as SQLite itself keeps them.
fn wanted(version: i64) -> rusqlite::Result<Triggers> {
    let model = Connection::open_in_memory()?;
    for step in schema::steps(version) {
        model.execute_batch(step)?;
    }
    triggers(&model)
}

fn compared(wanted: &Triggers, found: &Triggers) -> Vec<Unguarded> {
    let mut all = Vec::new();
    let mut add = |breach, name: &String| all.push(Unguarded { breach, name: name.clone() });
    for (name, text) in wanted {
        match found.get(name) {
            None => add(Breach::Missing, name),
            Some(other) if other != text => add(Breach::Changed, name),
            Some(_) => {}
        }
    }
    let foreign = found.keys().filter(|name| !wanted.contains_key(*name));
    all.extend(foreign.map(|name| Unguarded::foreign(name)));
    all
}

/// What is wrong with the triggers of a ledger with this version of the schema.
pub(super) fn unguarded(conn: &Connection, version: i64) -> rusqlite::Result<Vec<Unguarded>> {
    Ok(compared(&wanted(version)?, &triggers(conn)?))
}

/// Makes the triggers again that are missing or changed. Tells what was wrong.
pub(super) fn restore(conn: &mut Connection) -> Result<Vec<Unguarded>, StoreError> {
    let restored = |conn: &mut Connection| -> rusqlite::Result<Vec<Unguarded>> {
        let wanted = wanted(schema::SCHEMA_VERSION)?;
        let found = compared(&wanted, &triggers(conn)?);
        let is_ours = |it: &&Unguarded| it.breach != Breach::Foreign;
        if found.iter().any(|it| is_ours(&it)) {
            let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for Unguarded { name, .. } in found.iter().filter(is_ours) {
                let Some(text) = wanted.get(name) else { continue };
                transaction.execute_batch(&format!("DROP TRIGGER IF EXISTS {name}; {text}"))?;
            }
            transaction.commit()?;
        }
        Ok(found)
    };
    restored(conn).map_err(StoreError::from_rusqlite)
}
