//! Somebody who may read, and how they got in.

use super::Grant;

/// How somebody got in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Each request shows a token.
    Token,
    /// By a session that began with a token.
    TokenSession,
    /// By a session that began with an identity provider.
    Oidc,
    /// A proxy in front says who it is.
    Header,
}

impl Way {
    /// As events say it (`actor.auth`).
    pub fn auth(self) -> &'static str {
        match self {
            Self::Token => "bearer",
            Self::TokenSession | Self::Oidc => "session",
            Self::Header => "header",
        }
    }

    /// Whether a person is known by name, and not only a token.
    pub fn is_person(self) -> bool {
        match self {
            Self::Token | Self::TokenSession => false,
            Self::Oidc | Self::Header => true,
        }
    }
}

/// Somebody who may read, as was so a moment ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    id: String,
    name: String,
    grant: Grant,
    way: Way,
}

impl Reader {
    pub(super) fn new(id: String, name: String, grant: Grant, way: Way) -> Self {
        Self { id, name, grant, way }
    }

    /// The token's id, or by what the provider or proxy knows the person.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The token's or the person's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What may be seen and done.
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// How they got in.
    pub fn way(&self) -> Way {
        self.way
    }
}
