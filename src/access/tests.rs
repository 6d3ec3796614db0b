//! Tokens: made once, kept as hashes, ended at once.

mod sessions;

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use super::{
    Access, AccessError, BOOTSTRAP_FILE, Done, Failure, Grant, GrantError, NewToken, Right, Role,
    Throttle, Token, bootstrap,
};
use crate::clock::Timestamp;
use crate::index::View;

fn at(time: &str) -> Timestamp {
    time.parse().unwrap()
}

/// As if all that was done were in the ledger.
fn recorded(access: &mut Access) {
    for change in access.to_record().unwrap() {
        access.recorded(change.id).unwrap();
    }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn new(name: &str, grant: Grant, expires: Option<&str>) -> NewToken {
    NewToken { name: name.to_owned(), grant, expires: expires.map(at) }
}

#[test]
fn a_token_holds_until_it_is_revoked_or_over() {
    let dir = tempfile::tempdir().unwrap();
    let mut access = Access::open(dir.path()).unwrap();
    let now = at("2026-07-01T00:00:00Z");
    let grant = Grant::within(Role::Admin, [pair("pool", "blue"), pair("pool", "red")]).unwrap();
    let one = access.create(&new("ci", grant.clone(), Some("2026-07-02T00:00:00Z")), now).unwrap();
    let other = access.create(&new("ops", Grant::owner(), None), now).unwrap();
    let holder = |token: &Token, time: &str| {
        let mut access = Access::open(dir.path()).unwrap();
        recorded(&mut access);
        access.reader(token, at(time)).unwrap()
    };
    let reader = holder(&one, "2026-07-01T23:59:59.999Z").unwrap();
    assert_eq!((reader.name(), reader.grant()), ("ci", &grant));
    assert!(holder(&one, "2026-07-02T00:00:00Z").is_none(), "it is over");
    assert!(holder(&other, "2036-07-01T00:00:00Z").is_some());
    assert!(holder(&Token::random().unwrap(), "2026-07-01T00:00:00Z").is_none());

    let taken = access.create(&new("ops", Grant::owner(), None), now);
    assert!(matches!(taken, Err(AccessError::NameTaken)));
    assert!(access.revoke("ops", now).unwrap());
    assert!(!access.revoke("ops", now).unwrap(), "once is enough");
    assert!(holder(&other, "2026-07-01T00:00:01Z").is_none());
    // The name is free again, and the old one stays known.
    let third = access.create(&new("ops", Grant::owner(), None), now).unwrap();
    let id = holder(&third, "2026-07-01T00:00:01Z").unwrap().id().to_owned();
    assert!(access.revoke(&id, now).unwrap());
    assert_eq!(access.list().unwrap().len(), 3);
    for name in ["", "a\nb", &"x".repeat(65)] {
        let refused = access.create(&new(name, Grant::owner(), None), now);
        assert!(matches!(refused, Err(AccessError::Name)), "{name:?}");
    }
}

#[test]
fn roles_and_scopes_that_go_together() {
    let blue = || vec![pair("pool", "blue")];
    let long = "x".repeat(257);
    let rows = [
        (Role::Owner, vec![], Ok(View::Everything)),
        (Role::Owner, blue(), Err(GrantError::OwnerWithScopes)),
        (Role::Admin, vec![], Err(GrantError::NoScopes)),
        (Role::Viewer, vec![], Err(GrantError::NoScopes)),
        (Role::Viewer, vec![pair("", "blue")], Err(GrantError::TooMuch)),
        (Role::Viewer, vec![pair("pool", &long)], Err(GrantError::TooMuch)),
        (Role::Viewer, vec![pair("p", "v"); 101], Err(GrantError::TooMuch)),
    ];
    for (role, scopes, expected) in rows {
        let grant = Grant::within(role, scopes);
        assert_eq!(grant.map(|grant| grant.view().clone()), expected, "{role}");
    }
    for role in Role::ALL {
        assert_eq!(role.as_str().parse(), Ok(role));
        assert!(role.allows(Right::Read));
        assert_eq!(role.allows(Right::Export), role != Role::Viewer);
    }
}

#[test]
fn what_cannot_be_a_token() {
    let right = Token::random().unwrap();
    assert!(Token::parse(right.reveal()).is_some());
    assert!(!format!("{right:?}").contains(right.reveal()));
    let long = format!("{}{}", right.reveal(), "A".repeat(10_000));
    for text in ["", "countersign_", "countersign_ä", "other_AAAA", &long, "countersign_AAAA"] {
        assert!(Token::parse(text).is_none(), "{text}");
    }
}

#[test]
fn the_first_token_is_made_once_and_only_its_hash_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let now = at("2026-07-01T00:00:00Z");
    let mut access = Access::open(dir.path()).unwrap();
    let file = bootstrap(&mut access, dir.path(), now).unwrap().unwrap();
    assert_eq!(file, dir.path().join(BOOTSTRAP_FILE));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    let token = Token::parse(text.trim()).unwrap();
    assert_eq!(access.reader(&token, now).unwrap(), None, "it is not on record");
    recorded(&mut access);
    assert_eq!(access.reader(&token, now).unwrap().unwrap().grant(), &Grant::owner());
    assert_eq!(bootstrap(&mut access, dir.path(), now).unwrap(), None);
    // Also where it was revoked: whoever revoked it meant it.
    assert!(access.revoke("bootstrap", now).unwrap());
    assert_eq!(bootstrap(&mut access, dir.path(), now).unwrap(), None);
    drop(access);
    for found in fs::read_dir(dir.path()).unwrap().map(|found| found.unwrap().path()) {
        let mode = fs::metadata(&found).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", found.display());
        if found != file {
            let bytes = fs::read(&found).unwrap();
            let shows = bytes.windows(20).any(|part| text.as_bytes().starts_with(part));
            assert!(!shows, "{} holds the token", found.display());
        }
    }
}

#[test]
fn what_is_not_understood_gives_no_access() {
    let dir = tempfile::tempdir().unwrap();
    let now = at("2026-07-01T00:00:00Z");
    let mut access = Access::open(dir.path()).unwrap();
    let grant = Grant::within(Role::Viewer, [pair("pool", "blue")]).unwrap();
    let token = access.create(&new("a", grant, None), now).unwrap();
    recorded(&mut access);
    assert!(access.reader(&token, now).unwrap().is_some());
    let raw = rusqlite::Connection::open(dir.path().join("access.db")).unwrap();
    for scopes in ["{}", "[]", "", "{\"pool\":[]}", "{\"pool\":\"blue\"}", "{\"\":[\"a\"]}"] {
        raw.execute("UPDATE tokens SET scopes = ?1", [scopes]).unwrap();
        assert_eq!(access.reader(&token, now).unwrap(), None, "{scopes}");
    }
    raw.pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Access::open(dir.path()), Err(AccessError::Version { .. })));
}

#[test]
fn who_fails_often_is_told_to_wait() {
    let throttle = Throttle::default();
    let start = Instant::now();
    let address = |n: u32| IpAddr::V4(Ipv4Addr::from(n));
    for _ in 0..20 {
        assert_eq!(throttle.failed(address(1), start), Failure::Counted);
    }
    let minute = Duration::from_secs(60);
    assert_eq!(throttle.failed(address(1), start), Failure::Throttled(minute));
    let later = start + Duration::from_secs(20);
    assert_eq!(throttle.failed(address(1), later), Failure::Still(Duration::from_secs(40)));
    assert_eq!(throttle.failed(address(2), later), Failure::Counted, "another one may");
    assert_eq!(throttle.failed(address(1), start + minute), Failure::Counted);
    // No number of addresses makes it grow without end, or helps any of them.
    for n in 10..20_000 {
        throttle.failed(address(n), later);
    }
    assert!(throttle.failed(address(30_000), later).wait().is_some());
}

#[test]
fn what_is_done_is_noted_until_it_is_on_record() {
    let dir = tempfile::tempdir().unwrap();
    let mut access = Access::open(dir.path()).unwrap();
    let now = at("2026-07-01T00:00:00Z");
    let token = access.create(&new("a", Grant::owner(), None), now).unwrap();
    assert!(access.revoke("a", now).unwrap());
    assert!(!access.revoke("a", now).unwrap());
    let changes = access.to_record().unwrap();
    let done: Vec<Done> = changes.iter().map(|change| change.done).collect();
    assert_eq!(done, [Done::Made, Done::Revoked]);
    assert_ne!(changes[0].id, changes[1].id);
    access.recording(changes[0].id, 7).unwrap();
    access.recording(changes[0].id, 9).unwrap();
    assert_eq!(access.to_record().unwrap()[0].tried, Some(7), "the first try counts");
    access.recorded(changes[0].id).unwrap();
    assert_eq!(access.to_record().unwrap().len(), 1);
    assert_eq!(access.reader(&token, now).unwrap(), None, "revoked all the same");
    // What nobody noted was not made by us.
    let raw = rusqlite::Connection::open(dir.path().join("access.db")).unwrap();
    let other = access.create(&new("b", Grant::owner(), None), now).unwrap();
    raw.execute("DELETE FROM changes", []).unwrap();
    recorded(&mut access);
    assert_eq!(access.reader(&other, now).unwrap(), None);
}

#[test]
fn tokens_of_an_earlier_version_are_noted_late() {
    let dir = tempfile::tempdir().unwrap();
    let mut access = Access::open(dir.path()).unwrap();
    let now = at("2026-07-01T00:00:00Z");
    let token = access.create(&new("a", Grant::owner(), None), now).unwrap();
    drop(access);
    let raw = rusqlite::Connection::open(dir.path().join("access.db")).unwrap();
    raw.execute_batch("DROP TABLE changes; DROP TABLE sessions; PRAGMA user_version = 1;").unwrap();
    let mut access = Access::open(dir.path()).unwrap();
    assert_eq!(access.to_record().unwrap()[0].done, Done::Made);
    recorded(&mut access);
    assert_eq!(access.reader(&token, now).unwrap().unwrap().name(), "a");
}
