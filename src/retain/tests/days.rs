//! Ninety days, and some more, day by day.

use std::collections::BTreeSet;

use super::*;

/// Days that pass.
const DAYS: i64 = 97;

#[tokio::test]
async fn ninety_days_of_retention_lose_nothing_and_everything_can_be_read_back() {
    let bench = Bench::new();
    let mut policy = bench.policy(90);
    policy.categories.insert("gateway".to_owned(), Keep::Days(30));
    policy.categories.insert("security".to_owned(), Keep::Forever);
    policy.holds.push(hold("actor=eve"));
    let mut written: Vec<(EventId, &str, &str, Timestamp)> = Vec::new();
    let mut entries: BTreeSet<(u64, Vec<u8>)> = BTreeSet::new();
    for day in 0..DAYS {
        for (category, actor) in
            [("member", "ada"), ("gateway", "ada"), ("security", "ada"), ("member", "eve")]
        {
            if (day + i64::from(category == "gateway")) % 3 > 0 {
                let id = bench.event(category, actor).await;
                written.push((id, category, actor, bench.clock.now()));
            }
        }
        let all = bench.entries().await;
        entries.extend(all.into_iter().map(|entry| (entry.seq, entry.leaf)));
        bench.run(&policy).await.unwrap();
        bench.pass(1);
    }
    bench.run(&policy).await.unwrap();
    let now = bench.clock.now();
    let age = |time: &Timestamp| (now - *time).num_days();
    let stays = |(_, category, actor, time): &&(EventId, &str, &str, Timestamp)| match *category {
        "gateway" => age(time) <= 30,
        "security" => true,
        _ => *actor == "eve" || age(time) <= 90,
    };
    let mut expected: Vec<String> =
        written.iter().filter(stays).map(|it| it.0.to_string()).collect();
    expected.sort();
    assert_eq!(left(&bench).await, expected);
    // What is not there is archived, and every leaf is still known.
    let archived = bench.archived().await;
    let gone: BTreeSet<String> =
        written.iter().filter(|it| !stays(it)).map(|it| it.0.to_string()).collect();
    let read_back: BTreeSet<String> = archived.iter().map(|entry| entry.id.to_string()).collect();
    assert!(!gone.is_empty());
    assert_eq!(read_back, gone);
    let mut reader = bench.retention.source.reader().await.unwrap();
    let purged = reader.purged_after("w", 0, 100_000).await.unwrap();
    let kept = bench.entries().await.into_iter().map(|entry| (entry.seq, entry.leaf));
    let leaves: BTreeSet<(u64, Vec<u8>)> =
        purged.iter().map(|it| (it.seq, it.leaf.clone())).chain(kept).collect();
    assert!(leaves.is_superset(&entries), "no leaf is lost or other than it was");
    let numbers: Vec<u64> = leaves.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "no number is missing");
    // Every purge names what it took, and no other does.
    for it in &purged {
        let event = reader.entry("w", it.by).await.unwrap().unwrap();
        assert!(Purge::of(&event).unwrap().ranges.contains(it.seq));
    }
    // An index of the archives answers as that of the ledger did.
    let place = Place::from(bench.archives().as_path());
    let mut archives = ArchiveReader::open(place).await.unwrap();
    let mut index = Index::temporary().await.unwrap();
    let heads = Heads::now(&mut archives).await.unwrap();
    catch_up(&mut archives, &mut index, &heads).await.unwrap();
    let search = Search {
        conditions: vec![Condition::AnyOf(
            crate::index::Field::Category,
            vec!["gateway".to_owned()],
        )],
        limit: 10_000,
        ..Search::default()
    };
    let rows = index.search(&search).await.unwrap().rows;
    let gateway = written.iter().filter(|it| it.1 == "gateway" && !stays(it)).count();
    assert_eq!(rows.len(), gateway);
    for row in &rows {
        let event = crate::query::event(&mut archives, row).await.unwrap();
        assert_eq!(
            (event["id"].as_str(), event["outcome"].as_str()),
            (Some(row.id.as_str()), Some("success"))
        );
    }
}
