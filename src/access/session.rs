//! Sessions of browsers: a cookie that stands for a token, or for whom a provider vouched.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, hmac};
use rusqlite::{OptionalExtension, params};

use super::store::{granted, written};
use super::token::{SECRET_BYTES, random};
use super::{Access, AccessError, Reader, Way};
use crate::clock::Timestamp;

/// Sessions that one token, or one person, may have; the oldest makes room.
const SESSIONS_MAX: i64 = 64;
/// Of the idle time, the part after which it is worth a write that somebody was there.
const SEEN_PART: i64 = 16;
/// The longest text that is worth a look.
const TEXT_MAX: usize = 64;

/// Which sessions hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRules {
    /// A session ends when nobody used it for so long.
    pub idle: Duration,
    /// And when it is so old.
    pub total: Duration,
    /// The provider in force, with what it may grant; sessions by another one have ended.
    pub provider: Option<String>,
}

impl SessionRules {
    /// When a session that holds was used, and began, at the earliest.
    fn earliest(&self, now: i64) -> [i64; 2] {
        [self.idle, self.total].map(|span| now.saturating_sub(milliseconds(span)))
    }
}

/// The secret of one session: 256 random bits, of which a hash is kept.
pub struct SessionId(String);

/// Not the secret.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(…)")
    }
}

impl SessionId {
    fn random() -> Result<Self, AccessError> {
        random().map(|bytes| Self(URL_SAFE_NO_PAD.encode(bytes))).map_err(AccessError::Random)
    }

    /// A text that may be one.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(Some(text).filter(|text| text.len() <= TEXT_MAX)?);
        (bytes.ok()?.len() == SECRET_BYTES).then(|| Self(text.to_owned()))
    }

    /// The text, for the cookie.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What a form must carry to change anything in this session. Who knows it does not know the
    /// session, and another session has another.
    pub fn csrf(&self) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"countersign csrf"))
    }

    fn hash(&self) -> Vec<u8> {
        digest::digest(&digest::SHA256, self.0.as_bytes()).as_ref().to_vec()
    }
}

impl Access {
    /// Begins a session of somebody who just proved who they are, under a new secret. Sessions that
    /// are over, or too many, go.
    pub fn begin_session(
        &mut self,
        reader: &Reader,
        rules: &SessionRules,
        now: Timestamp,
    ) -> Result<SessionId, AccessError> {
        let id = SessionId::random()?;
        match self.insert_session(&id, reader, rules, now) {
            Ok(()) => Ok(id),
            Err(source) => Err(self.failed(source)),
        }
    }

    fn insert_session(
        &mut self,
        id: &SessionId,
        reader: &Reader,
        rules: &SessionRules,
        now: Timestamp,
    ) -> rusqlite::Result<()> {
        let time = now.timestamp_millis();
        let transaction = self.conn.transaction()?;
        transaction.execute(
            "DELETE FROM sessions WHERE seen_ms <= ?1 OR began_ms <= ?2",
            rules.earliest(time),
        )?;
        if reader.way().is_person() {
            transaction.execute(
                "INSERT INTO sessions \
                 (hash, provider, subject, name, role, scopes, began_ms, seen_ms) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
                params![
                    id.hash(),
                    rules.provider.as_deref().unwrap_or_default(),
                    reader.id(),
                    reader.name(),
                    reader.grant().role().as_str(),
                    written(reader.grant()),
                    time,
                ],
            )?;
        } else {
            transaction.execute(
                "INSERT INTO sessions (hash, token, began_ms, seen_ms) VALUES (?1, ?2, ?3, ?3)",
                params![id.hash(), reader.id(), time],
            )?;
        }
        transaction.execute(
            "DELETE FROM sessions WHERE hash IN (SELECT hash FROM sessions \
             WHERE CASE WHEN ?2 THEN subject ELSE token END = ?1 \
             ORDER BY began_ms DESC, rowid DESC LIMIT -1 OFFSET ?3)",
            params![reader.id(), reader.way().is_person(), SESSIONS_MAX],
        )?;
        transaction.commit()
    }

    /// Whose session it is, if it holds at `now`, without anybody having used it.
    pub fn idle_session(
        &self,
        id: &SessionId,
        rules: &SessionRules,
        now: Timestamp,
    ) -> Result<Option<Reader>, AccessError> {
        let found = self.find_session(&id.hash(), rules, now);
        found.map(|found| found.map(|(reader, _)| reader)).map_err(|source| self.failed(source))
    }

    /// Whose session it is, if it holds at `now`; they used it at that moment.
    pub fn session(
        &self,
        id: &SessionId,
        rules: &SessionRules,
        now: Timestamp,
    ) -> Result<Option<Reader>, AccessError> {
        let hash = id.hash();
        let found = self.find_session(&hash, rules, now);
        let Some((reader, seen)) = found.map_err(|source| self.failed(source))? else {
            return Ok(None);
        };
        let now = now.timestamp_millis();
        if now.saturating_sub(seen) > milliseconds(rules.idle) / SEEN_PART {
            self.conn
                .execute(
                    "UPDATE sessions SET seen_ms = ?2 WHERE hash = ?1 AND seen_ms < ?2",
                    params![hash, now],
                )
                .map_err(|source| self.failed(source))?;
        }
        Ok(Some(reader))
    }

    fn find_session(
        &self,
        hash: &[u8],
        rules: &SessionRules,
        now: Timestamp,
    ) -> rusqlite::Result<Option<(Reader, i64)>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT t.id, t.name, t.role, t.scopes, \
                    s.provider, s.subject, s.name, s.role, s.scopes, s.seen_ms \
             FROM sessions s LEFT JOIN tokens t ON t.id = s.token \
             WHERE s.hash = ?1 AND s.seen_ms > ?2 AND s.began_ms > ?3 \
               AND (s.token IS NULL \
                    OR t.revoked_ms IS NULL AND (t.expires_ms IS NULL OR t.expires_ms > ?4))",
        )?;
        let time = now.timestamp_millis();
        let [idle, total] = rules.earliest(time);
        let row = |row: &rusqlite::Row<'_>| -> rusqlite::Result<Option<(Reader, i64)>> {
            let provider: Option<String> = row.get(4)?;
            let (first, way) = match &provider {
                Some(_) if provider != rules.provider => return Ok(None),
                Some(_) => (5, Way::Oidc),
                None => (0, Way::TokenSession),
            };
            let (id, name) = (row.get(first)?, row.get(first + 1)?);
            let role: String = row.get(first + 2)?;
            let scopes: Option<String> = row.get(first + 3)?;
            let Some(grant) = granted(&role, scopes.as_deref()) else { return Ok(None) };
            Ok(Some((Reader::new(id, name, grant, way), row.get(9)?)))
        };
        let found = statement.query_row(params![hash, idle, total, time], row);
        Ok(found.optional()?.flatten())
    }

    /// Ends a session; gives whether there was one.
    pub fn end_session(&mut self, id: &SessionId) -> Result<bool, AccessError> {
        let ended = self.conn.execute("DELETE FROM sessions WHERE hash = ?1", [id.hash()]);
        ended.map(|count| count > 0).map_err(|source| self.failed(source))
    }
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
