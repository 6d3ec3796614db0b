//! What has come in since: in the order in which events ended, also to whoever comes back.

use super::{EventId, Index, Ledger, completion_doc, id, intent_doc};
use crate::index::{Place, View};

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
    let mut index = ledger.index().await;
    order.extend(rounds(&mut ledger, 2).await);
    for built_again in [false, true] {
        if built_again {
            index.close().await.unwrap();
            std::fs::remove_file(ledger.path().join(crate::store::INDEX_FILE)).unwrap();
        }
        index = ledger.index().await;
        let order: Vec<String> = order.iter().map(ToString::to_string).collect();
        assert_eq!(after(&mut index, &Place::default()).await, order);
        for (position, id) in order.iter().enumerate() {
            let place = index.place_of(&View::Everything, id, 0).await.unwrap().unwrap();
            assert_eq!(after(&mut index, &place).await, order[position + 1..], "{position}");
        }
    }
}
