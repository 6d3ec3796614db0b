//! A log on its way from one ledger to another.

use super::{completion, intent, open};
use crate::record::{Entry, EntryKind};
use crate::store::{
    CopyError, LedgerReader, LedgerSource, Purged, SqliteOptions, Store, compare, copy,
};

async fn reader(dir: &std::path::Path) -> Box<dyn LedgerReader> {
    LedgerSource::directory(dir).reader().await.unwrap()
}

/// Two logs, one of a writer that is gone, with purged entries at their beginning, middle and end.
async fn filled(dir: &std::path::Path) {
    let mut store = open(dir).await.unwrap();
    for (writer, out) in [("w", &[1_u64, 2, 3, 7, 8, 12][..]), ("gone", &[])] {
        let event = || Entry { kind: EntryKind::Completion, ..intent() };
        let mut events: Vec<Entry> = (0..12).map(|_| event()).collect();
        events.push(super::purge::purge());
        store.append(writer, 1, &events).await.unwrap();
        let rows = store.read_after(writer, 0, 100).await.unwrap();
        let leaf = |seq: u64| rows[seq as usize - 1].leaf.clone();
        let out: Vec<Purged> =
            out.iter().map(|seq| Purged { seq: *seq, leaf: leaf(*seq), by: 13 }).collect();
        store.purge(writer, &out).await.unwrap();
        store.mark_closed(writer, 0).await.unwrap();
        let last = intent();
        store.append(writer, 14, std::slice::from_ref(&last)).await.unwrap();
        store.append(writer, 15, &[completion(&last, 14)]).await.unwrap();
    }
    store.close().await.unwrap();
}

async fn target(dir: &std::path::Path) -> Box<dyn Store> {
    SqliteOptions::new(dir, "w", super::TIMEOUT).opener()().await.unwrap()
}

#[tokio::test]
async fn everything_is_carried_over_with_its_numbers_and_goes_on_where_it_ended() {
    let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    filled(from.path()).await;
    let mut source = reader(from.path()).await;
    // What an earlier run had done: a part of one log.
    let mut store = target(to.path()).await;
    let gone = source.purged_after("w", 0, 3).await.unwrap();
    store.purge("w", &gone).await.unwrap();
    for _ in 0..2 {
        copy(&mut *source, store.as_mut(), &mut |_, _, _| {}).await.unwrap();
    }
    store.close().await.unwrap();
    let mut copied = reader(to.path()).await;
    for writer in ["w", "gone"] {
        let all = source.read_after(writer, 0, 100).await.unwrap();
        assert_eq!(copied.read_after(writer, 0, 100).await.unwrap(), all);
        let purged = source.purged_after(writer, 0, 100).await.unwrap();
        assert_eq!(copied.purged_after(writer, 0, 100).await.unwrap(), purged);
    }
    let compared = compare(&mut *source, &mut *copied).await.unwrap();
    let counts: Vec<_> =
        compared.iter().map(|it| (it.writer.as_str(), it.head, it.purged)).collect();
    assert_eq!(counts, [("gone", 15, 0), ("w", 15, 6)]);
}

#[tokio::test]
async fn a_target_that_has_something_else_is_refused() {
    let from = tempfile::tempdir().unwrap();
    filled(from.path()).await;
    let mut source = reader(from.path()).await;
    let other = Entry { kind: EntryKind::Completion, ..intent() };
    for (writer, entries) in [("somebody", 1), ("w", 1), ("w", 20)] {
        let to = tempfile::tempdir().unwrap();
        let mut store = target(to.path()).await;
        for seq in 1..=entries {
            store.append(writer, seq, std::slice::from_ref(&other)).await.unwrap();
        }
        store.mark_closed(writer, 0).await.unwrap();
        let mut target = reader(to.path()).await;
        // As the command does it.
        let copied = match compare(&mut *source, &mut *target).await {
            Err(CopyError::OtherWriter(name)) => Err(CopyError::OtherWriter(name)),
            _ => copy(&mut *source, store.as_mut(), &mut |_, _, _| {}).await,
        };
        store.close().await.unwrap();
        let refused = match copied {
            Ok(()) => compare(&mut *source, &mut *target).await.map(|_| ()),
            Err(error) => Err(error),
        };
        let expected = match (writer, &refused) {
            ("somebody", Err(CopyError::OtherWriter(name))) => name == "somebody",
            (_, Err(CopyError::Longer { target, .. })) => *target == entries && entries == 20,
            (_, Err(CopyError::OtherEntry { .. })) => entries == 1,
            _ => false,
        };
        assert!(expected, "{writer} {entries}: {refused:?}");
        assert_eq!(target.head(writer).await.unwrap(), entries, "nothing was written");
    }
}
