//! That somebody reads is on record: once an hour for each reader, and for each kind of what there is to
//! read, so that reading does not fill what is read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use super::log::Log;
use super::origin::Origin;
use super::record::{Notice, actor};
use crate::access::{Reader, Role};
use crate::index::View;

/// For so long a reader is known to read.
const SPAN: Duration = Duration::from_secs(3600);
/// Readers that are remembered; beyond that, they are on record more often.
const READERS_MAX: usize = 10_000;

/// What there is to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum What {
    /// Events: lists of them, counts, exports.
    Events,
    /// What is in force.
    Settings,
    /// What rules name.
    Coverage,
    /// Checkpoints, proofs, tiles.
    Integrity,
}

impl What {
    /// What is at this path.
    pub(super) fn at(path: &str) -> Self {
        match path.rsplit('/').next() {
            Some("settings") => Self::Settings,
            Some("coverage") => Self::Coverage,
            Some("integrity" | "checkpoint" | "consistency" | "proof") => Self::Integrity,
            _ => Self::Events,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Settings => "settings",
            Self::Coverage => "coverage",
            Self::Integrity => "integrity",
        }
    }

    fn description(self) -> &'static str {
        match self {
            Self::Events => "audit log read",
            Self::Settings => "settings viewed",
            Self::Coverage => "coverage of the audit log viewed",
            Self::Integrity => "checkpoints and proofs of the audit log viewed",
        }
    }

    fn refused(self) -> &'static str {
        match self {
            Self::Events => "reading the audit log refused",
            Self::Settings => "settings refused",
            Self::Coverage => "coverage of the audit log refused",
            Self::Integrity => "checkpoints or proofs of the audit log refused",
        }
    }
}

/// Who is known to read what.
#[derive(Debug)]
pub struct Views(Option<Mutex<HashMap<(String, What), Instant>>>);

impl Default for Views {
    fn default() -> Self {
        Self(Some(Mutex::default()))
    }
}

impl Views {
    /// Nobody wants to know.
    pub fn off() -> Self {
        Self(None)
    }

    /// Whether this is to be put on record now.
    fn is_news(&self, reader: &str, what: What, now: Instant) -> bool {
        let Some(known) = &self.0 else { return false };
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (reader.to_owned(), what);
        let is_news = known.get(&key).is_none_or(|since| now.duration_since(*since) >= SPAN);
        if is_news {
            if known.len() >= READERS_MAX {
                known.clear();
            }
            known.insert(key, now);
        }
        is_news
    }
}

impl Log {
    /// Somebody reads. Nobody waits for its being on record.
    pub(super) fn viewed(self: &Arc<Self>, reader: &Reader, what: What, from: &Origin) {
        // What is owners' alone, nobody else gets to see.
        let is_owner = reader.grant().role() == Role::Owner;
        if what != What::Events && !is_owner {
            return;
        }
        if !self.turns.views.is_news(reader.id(), what, Instant::now()) {
            return;
        }
        let notice = self.notice(reader, what, from, None);
        let log = Arc::clone(self);
        tokio::spawn(async move { notice.record(&log).await });
    }

    /// Somebody may not read this. The refusal does not depend on its being recorded.
    pub(crate) async fn forbidden(self: &Arc<Self>, reader: &Reader, what: What, from: &Origin) {
        if self.refused(reader, what.name(), from) {
            self.notice(reader, what, from, Some("role")).record(self).await;
        }
    }

    fn notice(
        &self,
        reader: &Reader,
        what: What,
        from: &Origin,
        reason: Option<&'static str>,
    ) -> Notice {
        let scopes = match reader.grant().view() {
            View::Everything => serde_json::Value::Null,
            View::Scopes(scopes) => json!(scopes),
        };
        let role = reader.grant().role().as_str();
        Notice {
            verb: "view",
            description: if reason.is_some() { what.refused() } else { what.description() },
            actor: Some(actor(self, reader)),
            from: from.clone(),
            reason,
            metadata: json!({"what": what.name(), "role": role, "scopes": scopes}),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_news_once_an_hour_for_each_kind() {
        let (views, now) = (Views::default(), Instant::now());
        assert!(views.is_news("a", What::Events, now));
        assert!(!views.is_news("a", What::Events, now + SPAN / 2));
        assert!(views.is_news("a", What::Settings, now));
        assert!(views.is_news("b", What::Events, now));
        assert!(views.is_news("a", What::Events, now + SPAN));
        assert!(!Views::off().is_news("a", What::Events, now));
        for n in 0..3 * READERS_MAX {
            views.is_news(&n.to_string(), What::Events, now);
        }
        let known = views.0.as_ref().unwrap().lock().unwrap();
        assert!(known.len() <= READERS_MAX);
    }

    #[test]
    fn paths_tell_what_is_read() {
        for (path, what) in [
            ("/audit", What::Events),
            ("/audit/settings", What::Settings),
            ("/v1/admin/audit/coverage", What::Coverage),
            ("/v1/admin/audit/stats", What::Events),
        ] {
            assert_eq!(What::at(path), what, "{path}");
        }
    }
}
