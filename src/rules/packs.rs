//! The shipped packs of rules: their names, and their texts, which are built in.

use schemars::JsonSchema;
use serde::Deserialize;

/// A shipped pack of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Pack {
    /// Credentials by the names under which they travel.
    Credentials,
    /// Credentials by the formats of their providers.
    Tokens,
    /// Credentials in any text, by what stands around them.
    Texts,
    /// Prompts and generated content of language models.
    Prompts,
    /// Personal data: addresses, numbers of people, of accounts and of payment cards.
    Pii,
    /// What gateways before language models refuse.
    Gateway,
}

impl Pack {
    /// All, in the order in which they are read.
    pub const ALL: [Self; 6] =
        [Self::Credentials, Self::Tokens, Self::Texts, Self::Prompts, Self::Pii, Self::Gateway];

    /// Those that are in force if nothing is said.
    pub const DEFAULT: [Self; 5] =
        [Self::Credentials, Self::Tokens, Self::Texts, Self::Prompts, Self::Gateway];

    /// The name under which problems show it.
    pub(super) fn file(self) -> &'static str {
        match self {
            Self::Credentials => "rules/credentials.yaml (built in)",
            Self::Tokens => "rules/tokens.yaml (built in)",
            Self::Texts => "rules/texts.yaml (built in)",
            Self::Prompts => "rules/prompts.yaml (built in)",
            Self::Pii => "rules/pii.yaml (built in)",
            Self::Gateway => "rules/gateway.yaml (built in)",
        }
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Credentials => include_str!("../../rules/credentials.yaml"),
            Self::Tokens => include_str!("../../rules/tokens.yaml"),
            Self::Texts => include_str!("../../rules/texts.yaml"),
            Self::Prompts => include_str!("../../rules/prompts.yaml"),
            Self::Pii => include_str!("../../rules/pii.yaml"),
            Self::Gateway => include_str!("../../rules/gateway.yaml"),
        }
    }
}
