//! What the columns of an entry repeat of its document, and whether they do.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::{EntryKind, Stored};

/// A column that repeats what the document says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// Intent or completion.
    Kind,
    /// The event's id.
    Id,
    /// The intent that is completed.
    Intent,
    /// Who may see it.
    Scope,
    /// When the event began.
    At,
}

impl Column {
    /// The one of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let all = [Self::Kind, Self::Id, Self::Intent, Self::Scope, Self::At];
        all.into_iter().find(|column| column.name() == name)
    }

    /// Its name in the ledger.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::Id => "id",
            Self::Intent => "intent",
            Self::Scope => "scope",
            Self::At => "at",
        }
    }
}

/// How an entry is not what its document says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unlike {
    /// The document is none.
    Document,
    /// This column says something else.
    Column(Column),
}

/// The members of a document that have to do with its columns. A document that has one of them twice
/// is none.
#[derive(Deserialize)]
struct Members<'d> {
    #[serde(borrow)]
    id: &'d str,
    #[serde(borrow)]
    scope: Option<&'d RawValue>,
    /// Only first halves, and whole events, have it.
    time: Option<IgnoredAny>,
    /// Only second halves, and whole events, have it.
    outcome: Option<IgnoredAny>,
}

impl Stored {
    /// Whether its columns say what its document says, as far as that can be told of one entry alone: the
    /// scope of a second half is that of the first, see [`Stored::belongs_to`].
    pub fn unlike(&self) -> Option<Unlike> {
        let Ok(members) = serde_json::from_str::<Members<'_>>(&self.doc) else {
            return Some(Unlike::Document);
        };
        let (first, second) = (members.time.is_some(), members.outcome.is_some());
        let column = match (self.kind, self.intent) {
            _ if !self.id.is_written(members.id) => Column::Id,
            _ if !first && !second => return Some(Unlike::Document),
            // The two kinds differ by whether there is an outcome.
            (EntryKind::Intent, _) if second => Column::Kind,
            (EntryKind::Completion, _) if !second => Column::Kind,
            // Second halves do not say what they complete, but that they complete something.
            (EntryKind::Intent, Some(_)) => Column::Intent,
            (EntryKind::Completion, Some(_)) if first => Column::Intent,
            (EntryKind::Completion, None) if !first => Column::Intent,
            // They do not repeat the scope either: it is compared to the intent's.
            (EntryKind::Completion, Some(_)) => return None,
            _ if members.scope.map_or("{}", RawValue::get) != self.scope => Column::Scope,
            _ => return None,
        };
        Some(Unlike::Column(column))
    }

    /// Of a second half: what of it does not belong to the entry at the number that it names.
    pub fn belongs_to(&self, first: Option<&Stored>) -> Option<Column> {
        match first {
            Some(first) if first.kind != EntryKind::Intent || first.id != self.id => {
                Some(Column::Intent)
            }
            Some(first) => (first.scope != self.scope).then_some(Column::Scope),
            None => Some(Column::Intent),
        }
    }
}
