//! What has come in since: in the order in which events ended, also to whoever comes back.

use super::{EventId, Index, Ledger, completion_doc, id, intent_doc};
use crate::follow::{Follower, Heads, catch_up};
use crate::index::{Place, View};
use crate::store::LedgerSource;

/// Events that end in another order than they begin, in several rounds.
async fn rounds(ledger: &mut Ledger, rounds: usize) -> Vec<EventId> {
    let mut order = Vec::new();
    for round in 0..rounds {
        let mut open = Vec::new();
        for n in 0..10 {
            let id = id();
            open.push((id, ledger.intent(id, intent_doc(n)).await));
        }
        // 7 and 10 have no factor in common.
        for n in 0..10 {
            let (id, intent) = open[(n * 7 + round) % 10];
            ledger.completion(id, intent, completion_doc("success")).await;
            order.push(id);
        }
    }
    order
}

async fn after(index: &mut Index, place: &Place) -> Vec<String> {
    let (rows, _) = index.arrivals(&View::Everything, &[], place, 1000).await.unwrap().unwrap();
    rows.into_iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn whoever_comes_back_is_told_what_came_later_and_nothing_else() {
    let mut ledger = Ledger::new().await;
    let mut order = rounds(&mut ledger, 3).await;
    // In one go, and of one that was there before the last came.
    let index = ledger.index().await;
    order.extend(rounds(&mut ledger, 2).await);
    index.close().await.unwrap();
    let mut index = ledger.index().await;
    let order: Vec<String> = order.iter().map(ToString::to_string).collect();
    let beginning = index.beginning().await.unwrap();
    assert_eq!(after(&mut index, &beginning).await, order);
    for (position, id) in order.iter().enumerate() {
        let place = place_of(&mut index, id, beginning.index()).await.unwrap();
        assert_eq!(after(&mut index, &place).await, order[position + 1..], "{position}");
    }
}

async fn place_of(index: &mut Index, id: &str, of: &str) -> Option<Place> {
    index.place_of(&View::Everything, id, 0, of).await.unwrap()
}

#[tokio::test]
async fn a_place_of_another_index_says_nothing() {
    let mut ledger = Ledger::new().await;
    let order = rounds(&mut ledger, 2).await;
    let id = order[3].to_string();
    let mut index = ledger.index().await;
    let old = index.latest().await.unwrap();
    // Built again under those who are connected.
    index.start_over().await.unwrap();
    let mut index = ledger.index().await;
    // And as on another proxy of the same ledger.
    let mut other = Index::temporary().await.unwrap();
    let mut reader = LedgerSource::directory(ledger.path()).reader().await.unwrap();
    let heads = Heads::now(&mut *reader).await.unwrap();
    catch_up(&mut *reader, &mut other, &heads).await.unwrap();
    for index in [&mut index, &mut other] {
        let new = index.latest().await.unwrap();
        assert_ne!(new.index(), old.index());
        for name in [old.index(), "", "x"] {
            assert_eq!(place_of(index, &id, name).await, None, "{name}");
        }
        assert!(place_of(index, &id, new.index()).await.is_some());
        assert_eq!(index.arrivals(&View::Everything, &[], &old, 9).await.unwrap(), None);
    }
}
