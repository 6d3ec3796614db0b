//! Somebody who may read, and how they got in.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;

use super::Grant;

/// Characters of a [`Reader::mark`].
const MARK: usize = 22;
/// The longest id, in bytes, and the longest name, in characters.
const TEXT_MAX: usize = 255;

fn is_plain(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

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

    /// A person of whom somebody that the configuration trusts says who it is; none if the id is
    /// empty or too long to be one.
    pub fn person(id: &str, name: Option<&str>, grant: Grant, way: Way) -> Option<Self> {
        let id = Some(id.trim()).filter(|id| (1..=TEXT_MAX).contains(&id.len()) && is_plain(id))?;
        let name = name.map(str::trim).filter(|name| !name.is_empty()).unwrap_or(id);
        let shown = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        let name = name.chars().take(TEXT_MAX).map(shown).collect();
        Some(Self::new(id.to_owned(), name, grant, way))
    }

    /// The token's id, or by what the provider or proxy knows the person.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The token's or the person's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tells them from other readers without saying who they are: the same for whoever has the same token, or
    /// is the same person to the same provider or proxy.
    pub fn mark(&self) -> String {
        let way = match self.way {
            Way::Token | Way::TokenSession => "token",
            Way::Oidc => "oidc",
            Way::Header => "header",
        };
        let named = format!("countersign reader\0{way}\0{}", self.id);
        let digest = digest::digest(&digest::SHA256, named.as_bytes());
        URL_SAFE_NO_PAD.encode(digest).chars().take(MARK).collect()
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
