//! Free text finds what bodies, headers, queries and changes say.

use super::*;

fn rich(n: u32) -> (Value, Value) {
    let mut intent = intent_doc(n);
    intent["actor"]["credential"] = json!("hmac:bb87c96e74d066e6");
    intent["source"] = json!({"ip": "10.0.0.7", "user_agent": "Wobbler/9.1"});
    intent["request"] = json!({
        "method": "POST", "path": "/admin/api-keys", "content_type": "text/ignored",
        "query": {"dry": "Maybe"},
        "headers": {"date": "Zaturday", "content-length": "4711", "x-tenant": "Heliotrope"},
        "body": {
            "labels": {"costCenter": ["Lavender fields", 815, 2.5, true, null]},
            "password": {"redacted": "credential.password"},
        },
    });
    let mut end = completion_doc("success");
    end["response"] = json!({
        "status": 201, "release": "held",
        "headers": {"x-powered-by": "Quuxotron"}, "body": "Plain Text, über alles",
    });
    end["changes"] = json!([{"op": "replace", "path": "/colour", "before": "mauve", "after": 42}]);
    end["metadata"] = json!({"note": "Sundry"});
    (intent, end)
}

#[tokio::test]
async fn words_of_all_parts_are_found_also_while_it_is_pending() {
    let mut ledger = Ledger::new().await;
    let event = id();
    let (intent, end) = rich(0);
    let seq = ledger.intent(event, intent).await;
    let sent = [
        "bb87c96e74d066e6",
        "hmac:bb87c",
        "wobbler",
        "MAYBE",
        "dry",
        "heliotrope",
        "lavender fields",
        "costcenter",
        "815",
        "2.5",
        "credential.password",
        "Lav",
    ];
    let answered = ["quuxotron", "über plain", "colour mauve", "42", "sundry", "lavender mauve"];
    let nowhere = ["zaturday", "4711", "ignored", "held", "x-tenant", "true", "null", "enderlav"];
    let text = |text: &str| vec![Condition::Text(text.to_owned())];
    let mut index = ledger.index().await;
    for word in sent {
        assert_eq!(found(&mut index, text(word)).await, ["u0"], "{word}");
    }
    for word in answered.iter().chain(&nowhere) {
        assert!(found(&mut index, text(word)).await.is_empty(), "{word}");
    }
    ledger.completion(event, seq, end).await;
    let mut index = ledger.index().await;
    for word in sent.iter().chain(&answered) {
        assert_eq!(found(&mut index, text(word)).await, ["u0"], "{word}");
    }
    for word in nowhere {
        assert!(found(&mut index, text(word)).await.is_empty(), "{word}");
    }
}

#[tokio::test]
async fn an_event_of_many_words_takes_a_bounded_part_of_them() {
    let mut ledger = Ledger::new().await;
    let many: Vec<String> = (0..100_000).map(|n| format!("w{n}")).collect();
    let deep = (0..100).fold(json!("bottom"), |inner, _| json!([inner]));
    for body in [json!(many), json!(many.join(" ")), json!({ "deep": deep, "many": many })] {
        let mut doc = intent_doc(0);
        doc["request"]["body"] = body;
        ledger.intent(id(), doc).await;
    }
    let mut index = ledger.index().await;
    let page = index.search(&Search { limit: 9, ..Search::default() }).await.unwrap();
    assert_eq!(page.rows.len(), 3);
    for row in &page.rows {
        assert!(row.words.len() <= 4096 && row.words.contains("w7"), "{}", row.words);
    }
    let text = |text: &str| vec![Condition::Text(text.to_owned())];
    assert_eq!(found(&mut index, text("w7")).await.len(), 3);
    assert_eq!(found(&mut index, text("bottom")).await.len(), 1);
    assert!(found(&mut index, text("w99999")).await.is_empty());
}

#[tokio::test]
async fn of_several_acts_the_first_one_is_found_by_what_the_request_says() {
    let mut ledger = Ledger::new().await;
    let event = id();
    let (mut intent, mut end) = rich(0);
    let act = |name: &str| json!({"action": name, "outcome": "success", "targets": []});
    intent["acts"] = json!([act("key.create"), act("key.delete")]);
    let seq = ledger.intent(event, intent).await;
    end["acts"] = json!([act("key.create"), act("key.delete"), act("key.rotate")]);
    ledger.completion(event, seq, end).await;
    let mut index = ledger.index().await;
    for word in ["lavender", "quuxotron"] {
        let conditions = vec![Condition::Text(word.to_owned())];
        let page = index.search(&Search { conditions, limit: 9, ..Search::default() }).await;
        let rows: Vec<u32> = page.unwrap().rows.iter().map(|row| row.act).collect();
        assert_eq!(rows, [1], "{word}");
    }
}
