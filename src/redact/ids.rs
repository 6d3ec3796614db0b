//! Ids that a cookie holds as well: which tenant or project somebody looks at is no secret, and a client
//! chooses its cookies. Were each of them removed wherever it occurs, a cookie would take the target out of
//! the record of its own request. Who acts is called by an id, too.

use super::engine::Engine;
use super::looks::words;
use super::ordinary::{is_id, is_name};
use super::policy::Policy;
use super::redacted::Redacted;
use super::routes::is_route_word;
use super::rule::Side;
use super::secret::is_machine_made;
use super::seen::{Secret, Seen, Weight};
use super::walk::is_one_of;
use crate::decode::percent_decode_lossy;

/// Longer values are no ids.
const ID_BYTES_MAX: usize = 40;

/// So far back, a name is looked for before a value.
const BACK_BYTES_MAX: usize = 64;

/// What the words of names have that hold a session, or another credential.
const SESSIONS: [&str; 14] = [
    "sess",
    "auth",
    "login",
    "logged",
    "remember",
    "token",
    "ticket",
    "jwt",
    "secret",
    "csrf",
    "xsrf",
    "identity",
    "credential",
    "cookie",
];

/// How such words end: `PHPSESSID`, `connect.sid`.
const SESSION_ENDS: [&str; 1] = ["sid"];

/// The last word of names of collections whose ids may be what lets somebody in.
const ENTRIES: [&str; 6] = ["session", "sessions", "token", "tokens", "ticket", "tickets"];

/// The last word of names of ids.
const IDS: [&str; 7] = ["id", "ids", "uuid", "uuids", "guid", "uid", "oid"];

impl Engine {
    /// A name of who acts, without the secrets of its exchange, and whether it was one of them: then
    /// it is kept if it is a word, as user names are, and else stands for itself as a fingerprint.
    pub fn identity(&self, name: &str, seen: &Seen) -> (Redacted<String>, bool) {
        let search = seen.search(Side::Request);
        if search.as_ref().is_some_and(|search| search.is_no_credential(name)) {
            return (self.text(name, &Seen::default()), false);
        }
        let found = search.and_then(|search| {
            let rule = search.find(name)?;
            search.is_one(name).then(|| self.stands_for(name, rule, &search))
        });
        match found {
            // Unless it is a secret by its looks as well.
            Some(_) if is_route_word(name) && self.text(name, &Seen::default()).get() == name => {
                (Redacted::vouched(name.to_owned()), false)
            }
            Some(shown) => (Redacted::vouched(shown), true),
            None => (self.text(name, seen), false),
        }
    }
}

impl Seen {
    /// Lets ids stand where they stand as ones, though a credential has the same value: which it is stands
    /// elsewhere, and what somebody did, and upon what, must not be hidden by repeating it as a credential.
    /// Of names this counts for segments of the path alone, as passwords look like them. Tells whether
    /// there was one in the path.
    pub(super) fn spare_ids(&mut self, path: &str, side: Side, policy: &Policy) -> bool {
        let Self { secrets, known, .. } = self;
        let mut spared = false;
        let may = |secret: &Secret| {
            secret.weight == Weight::Everywhere && policy.is_credential(secret.rule)
        };
        // Digits that are no key are a PIN, wherever they stand.
        let is_pin = |secret: &Secret| {
            secret.text.bytes().all(|byte| byte.is_ascii_digit())
                && !is_machine_made(policy.action(secret.rule))
        };
        let (mut before, mut kept) = ("", None);
        for segment in path.split('/').filter(|_| !known.is_empty()) {
            // Behind such a name it is what lets somebody in.
            let is_of_entries = names_entries(std::mem::replace(&mut before, segment));
            let segment = percent_decode_lossy(segment);
            let at = known.get(segment.as_ref()).copied();
            if is_of_entries {
                kept = kept.or(at);
                continue;
            }
            let secret = at.and_then(|at| secrets.get_mut(at));
            let is_spared =
                |secret: &&mut Secret| may(secret) && is_name(&secret.text) && !is_pin(secret);
            if let Some(secret) = secret.filter(is_spared) {
                secret.weight = Weight::IdAlso;
                spared = true;
            }
        }
        // What an answer issues may be the credential, under whatever name; and digits may be a PIN.
        let is_id = |text: &str| is_id(text) && !text.bytes().all(|byte| byte.is_ascii_digit());
        if side == Side::Request {
            let ids = secrets.iter_mut().enumerate().filter(|(at, _)| Some(*at) != kept);
            for (_, secret) in ids.filter(|(_, secret)| may(secret) && is_id(&secret.text)) {
                secret.weight = Weight::IdAlso;
            }
        }
        spared
    }
}

/// Whether a cookie that no rule selects by its name holds an id, which counts as a secret only where it
/// does not stand as one.
pub(super) fn is_id_of_cookie(name: &str, value: &str) -> bool {
    value.len() <= ID_BYTES_MAX
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        && !names_session(name)
}

fn names_session(name: &str) -> bool {
    words(name).any(|word| {
        let word = word.to_ascii_lowercase();
        SESSIONS.iter().any(|part| word.contains(part))
            || SESSION_ENDS.iter().any(|end| word.ends_with(end))
    })
}

/// Whether a segment of a path names what lets somebody in: `sessions`, `access-tokens`.
pub(super) fn names_entries(segment: &str) -> bool {
    words(segment).last().is_some_and(|word| is_one_of(word, &ENTRIES))
}

/// Whether a name is that of an id: `id`, `project_id`, `tenantIds`, `X-Org-ID`.
pub(super) fn names_id(name: &str) -> bool {
    let is_id = |word: &str| IDS.iter().any(|id| id.eq_ignore_ascii_case(word));
    words(name).last().is_some_and(is_id) && !names_session(name)
}

/// Whether a part of a text stands there as an id: as a whole segment of a path, or behind the name of one,
/// `project_id=…`, `id: "…"`.
pub(super) fn stands_as_id(text: &str, start: usize, end: usize) -> bool {
    let bytes = text.as_bytes();
    let after = bytes.get(end).copied();
    let before = bytes.get(start.saturating_sub(BACK_BYTES_MAX)..start).unwrap_or_default();
    if before.last() == Some(&b'/') {
        return after.is_none_or(|byte| b"/?#\"' \t\r\n)>".contains(&byte));
    }
    let around = |byte: &u8| b"\"'\\ \t".contains(byte);
    let end = |bytes: &[u8], is: &dyn Fn(&u8) -> bool| {
        bytes.iter().rposition(|byte| !is(byte)).map_or(0, |last| last + 1)
    };
    let Some(sign) = before.get(..end(before, &around)) else { return false };
    let Some(name) = sign.strip_suffix(b":").or_else(|| sign.strip_suffix(b"=")) else {
        return false;
    };
    let name = name.get(..end(name, &around)).unwrap_or_default();
    let in_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-".contains(byte);
    let name = name.get(end_of_rest(name, in_name)..).unwrap_or_default();
    !after.is_some_and(|byte| byte.is_ascii_alphanumeric())
        && std::str::from_utf8(name).is_ok_and(names_id)
}

/// Where what stands before a name ends.
fn end_of_rest(bytes: &[u8], in_name: impl Fn(&u8) -> bool) -> usize {
    bytes.iter().rposition(|byte| !in_name(byte)).map_or(0, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_from_sessions_by_the_name_of_the_cookie() {
        let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
        for name in
            ["tenant_id", "current_org", "selectedProject", "ajs_user_id", "zz", "businessId"]
        {
            assert!(is_id_of_cookie(name, id), "{name}");
            assert!(!is_id_of_cookie(name, "a.b"), "{name}");
            assert!(!is_id_of_cookie(name, &"a1".repeat(21)), "{name}");
        }
        for name in
            ["sid", "connect.sid", "PHPSESSID", "laravel_session", "sessionId", "authTicket"]
        {
            assert!(!is_id_of_cookie(name, id), "{name}");
        }
    }

    #[test]
    fn an_id_stands_as_one_in_paths_and_behind_its_name() {
        for (text, expected) in [
            ("/projects/ID", true),
            ("/projects/ID/rotate", true),
            ("https://h.example/p/ID?x=1", true),
            ("/projects/ID.json", false),
            ("/projects/xID", false),
            ("project_id=ID&x=1", true),
            ("deleteProject(id: \"ID\") { ok }", true),
            (r#"{\"tenantId\":\"ID\"}"#, true),
            ("project=ID", false),
            ("session_id=ID", false),
            ("id=IDx", false),
            ("it is ID", false),
            ("paid: ID", false),
            ("é: ID", false),
            ("ID", false),
        ] {
            let start = text.find("ID").unwrap();
            assert_eq!(stands_as_id(text, start, start + 2), expected, "{text}");
        }
    }
}
