//! Sessions: whose they are, and when they have ended.

use std::time::Duration;

use super::{Access, Grant, Role, at, new, pair, recorded};
use crate::access::{GroupGrant, Reader, SessionId, SessionRules, Way};

fn rules(provider: Option<&str>) -> SessionRules {
    let (idle, total) = (Duration::from_secs(60), Duration::from_secs(600));
    SessionRules { idle, total, provider: provider.map(str::to_owned) }
}

#[test]
fn what_a_provider_said_holds_while_it_is_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let mut access = Access::open(dir.path()).unwrap();
    let now = at("2026-07-01T00:00:00Z");
    let grant = Grant::within(Role::Viewer, [pair("pool", "blue")]).unwrap();
    let ada = Reader::person("ada", Some("Ada\nL"), grant, Way::Oidc).unwrap();
    assert_eq!(ada.name(), "Ada\u{fffd}L");
    let id = access.begin_session(&ada, &rules(Some("one")), now).unwrap();
    assert_eq!(access.session(&id, &rules(Some("one")), now).unwrap(), Some(ada));
    for other in [Some("another"), Some(""), None] {
        assert_eq!(access.session(&id, &rules(other), now).unwrap(), None, "{other:?}");
    }
    assert!(access.end_session(&id).unwrap());
    assert!(!access.end_session(&id).unwrap());
    assert_eq!(access.session(&id, &rules(Some("one")), now).unwrap(), None);
}

#[test]
fn the_oldest_of_too_many_sessions_ends() {
    let dir = tempfile::tempdir().unwrap();
    let mut access = Access::open(dir.path()).unwrap();
    let start = at("2026-07-01T00:00:00Z");
    let token = access.create(&new("a", Grant::owner(), None), start).unwrap();
    let other = access.create(&new("b", Grant::owner(), None), start).unwrap();
    recorded(&mut access);
    let [one, two] = [token, other].map(|token| access.reader(&token, start).unwrap().unwrap());
    let theirs = access.begin_session(&two, &rules(None), start).unwrap();
    let ids: Vec<SessionId> =
        (0..65).map(|_| access.begin_session(&one, &rules(None), start).unwrap()).collect();
    let holds = |id: &SessionId| access.session(id, &rules(None), start).unwrap().is_some();
    assert_eq!(ids.iter().filter(|id| holds(id)).count(), 64);
    assert!(!holds(&ids[0]), "the oldest made room");
    assert!(holds(&theirs), "for nobody else's sessions");
    // What has ended does not stay.
    let later = start + chrono::TimeDelta::minutes(20);
    access.begin_session(&two, &rules(None), later).unwrap();
    let raw = rusqlite::Connection::open(dir.path().join("access.db")).unwrap();
    let left: i64 = raw.query_row("SELECT count(*) FROM sessions", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 1);
}

#[test]
fn only_a_hash_of_a_session_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut access = Access::open(dir.path()).unwrap();
    let now = at("2026-07-01T00:00:00Z");
    let token = access.create(&new("a", Grant::owner(), None), now).unwrap();
    recorded(&mut access);
    let reader = access.reader(&token, now).unwrap().unwrap();
    let id = access.begin_session(&reader, &rules(None), now).unwrap();
    assert!(!format!("{id:?}").contains(id.reveal()));
    assert_ne!(id.csrf(), id.reveal());
    drop(access);
    for found in std::fs::read_dir(dir.path()).unwrap().map(|found| found.unwrap().path()) {
        let bytes = std::fs::read(&found).unwrap();
        let shows = bytes.windows(20).any(|part| id.reveal().as_bytes().starts_with(part));
        assert!(!shows, "{} holds the session", found.display());
    }
    let long = "A".repeat(10_000);
    for text in ["", "A", "ä", &long, &"A".repeat(42), &"!".repeat(43)] {
        assert!(SessionId::parse(text).is_none(), "{text}");
    }
}

#[test]
fn the_first_grant_that_fits_holds() {
    let blue = Grant::within(Role::Viewer, [pair("pool", "blue")]).unwrap();
    let all = [
        ("blue", blue.clone()),
        ("owners", Grant::owner()),
        ("*", Grant::everything(Role::Viewer)),
    ]
    .map(|(group, grant)| GroupGrant { group: group.to_owned(), grant });
    let rows = [
        (&["owners", "blue"][..], 3, Some(blue)),
        (&["owners"], 3, Some(Grant::owner())),
        (&["Owners", ""], 3, Some(Grant::everything(Role::Viewer))),
        (&[], 3, Some(Grant::everything(Role::Viewer))),
        (&["other"], 2, None),
        // Nobody becomes everybody by a group of that name.
        (&["*"], 2, None),
    ];
    for (groups, known, expected) in rows {
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        assert_eq!(GroupGrant::first(&all[..known], &groups), expected, "{groups:?}");
    }
    for id in ["", "  ", "a\nb", &"x".repeat(256)] {
        assert!(Reader::person(id, None, Grant::owner(), Way::Oidc).is_none(), "{id:?}");
    }
}
