//! What the API keeps, in memory: rows of a few kinds, and what the gateway has counted.

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::cli::demo::planted;

/// One row.
pub(super) type Row = Map<String, Value>;

/// What is known of a kind of rows.
pub(super) struct Kind {
    /// The collection's name in paths.
    pub(super) name: &'static str,
    /// In front of the ids; rows without a prefix are numbered from 1001.
    prefix: &'static str,
    /// Fields that a new row must have.
    pub(super) required: &'static [&'static str],
    /// The field by which no two rows may be alike.
    pub(super) unique: &'static str,
    /// A field that is never shown again.
    hidden: &'static str,
    /// What can be done to a row, and the status it then has.
    verbs: &'static [(&'static str, &'static str)],
}

const KINDS: &[Kind] = &[
    Kind {
        name: "users",
        prefix: "",
        required: &["email", "name"],
        unique: "email",
        hidden: "password",
        verbs: &[("suspend", "suspended"), ("restore", "active"), ("invite", "invited")],
    },
    Kind {
        name: "api-keys",
        prefix: "key_",
        required: &["name", "pool"],
        unique: "name",
        hidden: "secret",
        verbs: &[
            ("pause", "paused"),
            ("resume", "active"),
            ("revoke", "revoked"),
            ("rotate", "active"),
        ],
    },
    Kind {
        name: "providers",
        prefix: "prv_",
        required: &["name", "models", "credentials"],
        unique: "name",
        // The old application shows credentials to whoever may read.
        hidden: "",
        verbs: &[("disable", "disabled"), ("enable", "active")],
    },
    Kind {
        name: "budgets",
        prefix: "bud_",
        required: &["pool", "limit_cents"],
        unique: "pool",
        hidden: "",
        verbs: &[("reset", "active")],
    },
    Kind {
        name: "pools",
        prefix: "pool_",
        required: &["name"],
        unique: "name",
        hidden: "",
        verbs: &[("drain", "draining"), ("resume", "active")],
    },
    Kind {
        name: "webhooks",
        prefix: "hook_",
        required: &["url"],
        unique: "url",
        hidden: "",
        verbs: &[],
    },
    Kind {
        name: "sessions",
        prefix: "ses_",
        required: &["user"],
        unique: "",
        hidden: "token",
        verbs: &[],
    },
];

impl Kind {
    /// The kind that paths call `name`.
    pub(super) fn named(name: &str) -> Option<&'static Kind> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// The status after `verb`.
    pub(super) fn status_after(&self, verb: &str) -> Option<&'static str> {
        self.verbs.iter().find(|(known, _)| *known == verb).map(|(_, status)| *status)
    }

    fn id(&self, number: u32) -> String {
        if self.prefix.is_empty() {
            format!("{}", 1000 + number)
        } else {
            format!("{}{:08x}", self.prefix, 0x5e1f_0000_u32 + number)
        }
    }

    /// A row as clients see it.
    pub(super) fn shown(&self, row: &Row) -> Value {
        let mut row = row.clone();
        row.remove(self.hidden);
        Value::Object(row)
    }
}

/// Everything that the API keeps.
#[derive(Default)]
pub(super) struct Data {
    rows: BTreeMap<&'static str, BTreeMap<String, Row>>,
    numbers: BTreeMap<&'static str, u32>,
    /// The fields of the settings page.
    pub(super) settings: BTreeMap<String, String>,
    /// When each pool was last called, for as long as that counts.
    pub(super) calls: BTreeMap<String, VecDeque<Instant>>,
}

impl Data {
    /// The data that the application has when it starts.
    pub(super) fn sample() -> Self {
        let mut data = Self::default();
        data.settings.insert("organization".to_owned(), "Acme Freight".to_owned());
        data.settings.insert("smtp_host".to_owned(), "mail.acme.example".to_owned());
        let rows = [
            (
                "users",
                json!({"email": "anna@acme.example", "name": "Anna Kovács", "role": "owner"}),
            ),
            ("users", json!({"email": "bela@acme.example", "name": "Béla Szabó", "role": "admin"})),
            (
                "users",
                json!({"email": "carol@acme.example", "name": "Carol Reed", "role": "viewer"}),
            ),
            ("pools", json!({"name": "research", "requests_per_minute": 600})),
            ("pools", json!({"name": "batch", "requests_per_minute": 3})),
            ("budgets", json!({"pool": "research", "limit_cents": 15, "spent_cents": 0})),
            ("budgets", json!({"pool": "batch", "limit_cents": 50_000, "spent_cents": 0})),
            (
                "providers",
                json!({
                    "name": "northwind",
                    "models": ["northwind-large", "northwind-small"],
                    "credentials": { "api_key": planted::PROVIDER_KEY },
                }),
            ),
            ("api-keys", json!({"name": "notebooks", "pool": "research"})),
            ("api-keys", json!({"name": "nightly batch", "pool": "batch"})),
        ];
        for (name, row) in rows {
            if let (Some(kind), Value::Object(row)) = (Kind::named(name), row) {
                data.insert(kind, row);
            }
        }
        data
    }

    /// Adds a row and returns its id.
    pub(super) fn insert(&mut self, kind: &'static Kind, mut row: Row) -> String {
        let number = self.numbers.entry(kind.name).or_default();
        *number += 1;
        let id = kind.id(*number);
        match kind.name {
            "api-keys" => {
                put(&mut row, "secret", format!("{}{number:08x}", planted::SECRET_PREFIX))
            }
            "sessions" => {
                put(&mut row, "token", format!("{}{number:08x}", planted::SESSION_PREFIX))
            }
            _ => {}
        }
        put(&mut row, "id", id.clone());
        row.entry("status").or_insert_with(|| Value::from("active"));
        self.rows.entry(kind.name).or_default().insert(id.clone(), row);
        id
    }

    /// Gives an API key a new secret and returns it.
    pub(super) fn rotate(&mut self, id: &str) -> Option<String> {
        let number = self.numbers.entry("rotations").or_insert(0x0100_0000);
        *number += 1;
        let secret = format!("{}{number:08x}", planted::SECRET_PREFIX);
        put(self.row_mut("api-keys", id)?, "secret", secret.clone());
        Some(secret)
    }

    /// All rows of a kind, by id.
    pub(super) fn all(&self, kind: &str) -> impl Iterator<Item = &Row> {
        self.rows.get(kind).into_iter().flat_map(BTreeMap::values)
    }

    /// One row.
    pub(super) fn row(&self, kind: &str, id: &str) -> Option<&Row> {
        self.rows.get(kind)?.get(id)
    }

    /// One row, to be changed.
    pub(super) fn row_mut(&mut self, kind: &str, id: &str) -> Option<&mut Row> {
        self.rows.get_mut(kind)?.get_mut(id)
    }

    /// Takes a row out.
    pub(super) fn remove(&mut self, kind: &str, id: &str) -> Option<Row> {
        self.rows.get_mut(kind)?.remove(id)
    }

    /// The row whose `field` is this text.
    pub(super) fn find(&self, kind: &str, field: &str, text: &str) -> Option<&Row> {
        self.all(kind).find(|row| text_of(row, field) == Some(text))
    }

    /// The id of the row whose `field` is this text.
    pub(super) fn find_id(&self, kind: &str, field: &str, text: &str) -> Option<String> {
        self.find(kind, field, text).and_then(|row| text_of(row, "id")).map(str::to_owned)
    }
}

/// A field's text.
pub(super) fn text_of<'row>(row: &'row Row, field: &str) -> Option<&'row str> {
    row.get(field).and_then(Value::as_str)
}

/// Sets a field.
pub(super) fn put(row: &mut Row, field: &str, value: impl Into<Value>) {
    row.insert(field.to_owned(), value.into());
}
