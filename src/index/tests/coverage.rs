//! What rules named, and what none did, is counted by events.

use serde_json::json;

use super::super::{Condition, Unnamed};
use super::{Ledger, acts, completion_doc, id, intent_doc};
use crate::record::EntryKind;

#[tokio::test]
async fn routes_and_rules_are_counted() {
    let mut ledger = Ledger::new().await;
    let doc = |n: u32, route: &str, rule: Option<&str>| {
        let mut doc = intent_doc(n);
        doc["request"]["route"] = route.into();
        doc["action"] = "x.update".into();
        if let Some(rule) = rule {
            doc["rule"] = rule.into();
        }
        doc
    };
    for (n, route, rule) in [
        (0, "/a", None),
        (1, "/b", None),
        (2, "/b", None),
        (3, "/c", Some("r1")),
        (4, "/c", Some("r1")),
    ] {
        let id = id();
        let seq = ledger.intent(id, doc(n, route, rule)).await;
        ledger.completion(id, seq, completion_doc("success")).await;
    }
    // Of several acts the event is counted, once.
    for n in [10, 11] {
        let several_id = id();
        let mut several = doc(n, "/graphql", None);
        several["acts"] = acts(&[None, None, None]);
        let seq = ledger.intent(several_id, several).await;
        let mut done = completion_doc("success");
        done["acts"] = acts(&[Some("success"), Some("failure"), Some("success")]);
        ledger.completion(several_id, seq, done).await;
        let mut ruled = doc(n, "/graphql", Some("r2"));
        ruled["acts"] = acts(&[None, None]);
        ledger.intent(id(), ruled).await;
    }
    // A rejection, and an event of our own, are no mutations.
    ledger.append(id(), None, EntryKind::Completion, doc(5, "/d", None)).await;
    ledger.append(id(), None, EntryKind::Completion, json!({"action": "audit.start"})).await;
    let mut index = ledger.index().await;
    let shown = |all: Vec<Unnamed>| {
        all.into_iter()
            .map(|it| format!("{} {} {}", it.method, it.route, it.events))
            .collect::<Vec<_>>()
    };
    let all = index.unnamed(&[], 10).await.unwrap();
    let example = index.example(&all[0], &[]).await.unwrap().unwrap();
    assert_eq!((example.time_ms, example.rule), (all[0].last_ms, None));
    assert_eq!(shown(all), ["POST /b 2", "POST /graphql 2", "POST /a 1"]);
    assert_eq!(shown(index.unnamed(&[], 1).await.unwrap()), ["POST /b 2"]);
    let until = example.time_ms;
    let before = [Condition::Until(until)];
    assert_eq!(shown(index.unnamed(&before, 9).await.unwrap()), ["POST /a 1", "POST /b 1"]);
    let named = index.named(&[]).await.unwrap();
    let named: Vec<_> = named.iter().map(|it| (it.rule.as_str(), it.events)).collect();
    assert_eq!(named, [("r1", 2), ("r2", 2)]);
}
