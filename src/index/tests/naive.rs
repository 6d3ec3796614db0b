//! Whatever is appended and asked, the index says what looking at every row would.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::{
    Bar, Condition, Counted, Cursor, Facet, Field, Index, Like, Row, Search, View, matches, schema,
};
use crate::follow::Follower;
use crate::record::{EntryKind, EventId, Stored};

const BEGIN_MS: i64 = 1_780_000_000_000;
const HOUR_MS: i64 = 3_600_000;

/// Numbers that look random (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % end
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

const ACTIONS: [&str; 4] = ["user.update", "user.delete", "api_key.create", "budget.update"];
const KINDS: [&str; 3] = ["user", "api_key", "a\"b\\"];
const POOLS: [&str; 4] = ["blue", "red", "[\"x\"]", "grün"];
const OUTCOMES: [&str; 4] = ["success", "failure", "denied", "unknown"];
const NAMES: [&str; 5] = ["Ada", "ada löve", "Grün%", "", "x_y"];

/// A ledger: entries of two writers, completions sooner or later or never.
fn ledger(dice: &mut Dice, events: u64) -> Vec<Vec<Stored>> {
    let mut logs = vec![Vec::new(), Vec::new()];
    let mut open: Vec<(usize, EventId, u64, Option<usize>, i64)> = Vec::new();
    for _ in 0..events {
        let writer = usize::try_from(dice.below(2)).unwrap();
        // Many in the same millisecond, and clocks that go back.
        let time = BEGIN_MS
            + i64::try_from(dice.below(5)).unwrap() * HOUR_MS
            + i64::try_from(dice.below(3) * 1_200_000 + dice.below(3)).unwrap();
        let id = EventId::new(chrono::DateTime::from_timestamp_millis(time).unwrap());
        let acts = (dice.below(6) == 0).then(|| usize::try_from(dice.below(4)).unwrap());
        let mut doc = document(dice, time);
        if let Some(acts) = acts {
            doc["acts"] = (0..acts).map(|_| act(dice)).collect();
        }
        let alone = dice.below(12) == 0;
        let kind = if alone { EntryKind::Completion } else { EntryKind::Intent };
        let seq = push(&mut logs[writer], writer, kind, id, None, &doc);
        if !alone {
            open.push((writer, id, seq, acts, time));
        }
        while !open.is_empty() && dice.below(3) > 0 {
            let place = usize::try_from(dice.below(open.len() as u64)).unwrap();
            let (writer, id, intent, acts, _) = open.swap_remove(place);
            if dice.below(15) == 0 {
                continue;
            }
            let mut doc =
                json!({"outcome": dice.pick(&OUTCOMES), "severity": dice.pick(&["info", "fail"])});
            match dice.below(4) {
                0 => doc["description"] = json!("Quite another text of it"),
                1 => doc["targets"] = json!([target(dice), target(dice)]),
                2 => doc["acts"] = (0..acts.unwrap_or(2) + 1).map(|_| act(dice)).collect(),
                _ => {}
            }
            push(&mut logs[writer], writer, EntryKind::Completion, id, Some(intent), &doc);
        }
    }
    logs
}

fn document(dice: &mut Dice, time: i64) -> Value {
    let at = chrono::DateTime::from_timestamp_millis(time).unwrap();
    let mut scope = json!({"pool": dice.pick(&POOLS)});
    if dice.below(3) == 0 {
        scope["tenant"] = json!(dice.pick(&["a", "b"]));
    }
    let number = dice.below(40);
    json!({
        "time": at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
        "action": dice.pick(&ACTIONS), "category": dice.pick(&["member", "billing"]),
        "description": format!("Thing {number} of word{} done", dice.below(30)),
        "actor": {
            "type": dice.pick(&["user", "api"]), "id": format!("u{number}"),
            "name": dice.pick(&NAMES), "email": format!("a{number}@example.com"),
        },
        "targets": (0..dice.below(3)).map(|_| target(dice)).collect::<Vec<_>>(),
        "scope": scope,
        "request": {"method": "POST", "path": format!("/users/{number}"), "route": "/users/{id}"},
        "rule": dice.pick(&["r1", "r2"]),
        "request_id": if dice.below(2) == 0 {
            format!("req-{}", dice.below(9))
        } else {
            format!("0198a7b2-0000-4000-8000-00000000000{}", dice.below(9))
        },
    })
}

fn target(dice: &mut Dice) -> Value {
    let number = dice.below(30);
    let id = match dice.below(4) {
        0 => format!("0198a7b2-0000-4000-9000-0000000000{number:02}"),
        1 => format!("K{number}"),
        _ => format!("k{number}"),
    };
    json!({"type": dice.pick(&KINDS), "id": id, "name": format!("Name {number} {}", dice.pick(&NAMES))})
}

fn act(dice: &mut Dice) -> Value {
    let mut act =
        json!({"action": dice.pick(&ACTIONS), "category": "member", "targets": [target(dice)]});
    if dice.below(2) == 0 {
        act["outcome"] = json!(dice.pick(&OUTCOMES));
    }
    act
}

fn push(
    log: &mut Vec<Stored>,
    writer: usize,
    kind: EntryKind,
    id: EventId,
    intent: Option<u64>,
    doc: &Value,
) -> u64 {
    let seq = log.len() as u64 + 1;
    let scope = doc.get("scope").cloned().unwrap_or(json!({})).to_string();
    let (writer, doc) = (format!("w{writer}"), doc.to_string());
    log.push(Stored { writer, seq, kind, id, intent, scope, doc, leaf: vec![0; 32] });
    seq
}

/// What there is to find, by looking at the entries alone.
fn all_rows(logs: &[Vec<Stored>]) -> Vec<Row> {
    let mut events: BTreeMap<(String, u64), Vec<Row>> = BTreeMap::new();
    for entry in logs.iter().flatten() {
        let begin = entry.intent.unwrap_or(entry.seq);
        let rows = events.remove(&(entry.writer.clone(), begin)).unwrap_or_default();
        let rows =
            if entry.intent.is_some() { Row::complete(rows, entry) } else { Row::begin(entry) };
        events.insert((entry.writer.clone(), begin), rows);
    }
    let mut rows: Vec<Row> = events.into_values().flatten().collect();
    rows.sort_by(|one, two| (two.time_ms, &two.id, two.act).cmp(&(one.time_ms, &one.id, one.act)));
    rows
}

/// A part of a name, or the whole of one that there is.
fn like(dice: &mut Dice, name: Option<&String>, part: String) -> Like {
    match name.filter(|_| dice.below(2) == 0) {
        Some(name) => Like::Whole(name.clone()),
        None => Like::Part(part),
    }
}

fn condition(dice: &mut Dice, rows: &[Row]) -> Condition {
    let row = &rows[usize::try_from(dice.below(rows.len() as u64)).unwrap()];
    let values = |values: &[&str]| values.iter().map(ToString::to_string).collect::<Vec<_>>();
    match dice.below(18) {
        0 => {
            let meant = [dice.pick(&ACTIONS), "*.create", "*e*.*te", "member.*", "no.*"];
            Condition::AnyOf(Field::Action, values(&[dice.pick(&meant), "no.such"]))
        }
        1 => Condition::AnyOf(Field::Category, values(&[dice.pick(&["member", "billing", "x"])])),
        2 => Condition::AnyOf(Field::ActorType, values(&["api"])),
        3 => Condition::AnyOf(Field::Severity, values(&["fail", "info"])),
        4 => Condition::Outcome(vec![Some(dice.pick(&OUTCOMES).to_owned()), None]),
        5 => Condition::Outcome(vec![None]),
        6 => Condition::ResourceType(values(&[dice.pick(&KINDS)])),
        7 => {
            let text =
                dice.pick(&["k3", "K4", "k", "name 1", "NAME", "ada", "ün%", "zz"]).to_owned();
            Condition::Target(like(dice, row.targets.first().map(|it| &it.name), text))
        }
        8 => {
            let text = dice.pick(&["u1", "ADA", "example", "löve", "_y", "1@", "zz"]).to_owned();
            Condition::Actor(like(dice, row.actor_id.as_ref(), text))
        }
        9 => Condition::Scope("pool".to_owned(), values(&[dice.pick(&POOLS)])),
        10 => Condition::Since(row.time_ms + i64::try_from(dice.below(3)).unwrap() - 1),
        11 => Condition::Until(row.time_ms + i64::try_from(dice.below(3)).unwrap() - 1),
        12 => Condition::Id(row.id.clone()),
        13 => Condition::Text(row.request_id.clone().unwrap_or_default()),
        14 | 15 => {
            let target = row.targets.first().map(|target| target.id.clone());
            let ids = [Some(row.id.clone()), row.request_id.clone(), target];
            let some = usize::try_from(dice.below(3)).unwrap();
            let length = 5 + usize::try_from(dice.below(31)).unwrap();
            let begun: String = ids[some].iter().flat_map(|id| id.chars()).take(length).collect();
            Condition::Text(format!("{begun}{}", dice.pick(&["", "", " thing", "/7", ","])))
        }
        _ => Condition::Text(
            dice.pick(&[
                "thing",
                "wor",
                "word1",
                "word12 users",
                "quite text",
                "LÖV",
                "api_key.create",
                "9",
                "users/7",
                "-",
                "blue POST",
            ])
            .to_owned(),
        ),
    }
}

fn view(dice: &mut Dice) -> View {
    let values = |values: &[&str]| values.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    match dice.below(5) {
        0 => View::Scopes(BTreeMap::from([("pool".to_owned(), values(&["blue", "grün"]))])),
        1 => View::Scopes(BTreeMap::from([
            ("pool".to_owned(), values(&["red", "[\"x\"]"])),
            ("tenant".to_owned(), values(&["a"])),
        ])),
        2 => View::Scopes(BTreeMap::new()),
        _ => View::Everything,
    }
}

/// The answers of the index are those of looking at every row.
async fn compare(index: &mut Index, rows: &[Row], dice: &mut Dice) {
    for _ in 0..10 {
        let view = view(dice);
        let conditions: Vec<Condition> =
            (0..dice.below(4)).map(|_| condition(dice, rows)).collect();
        let expected: Vec<&Row> = rows
            .iter()
            .filter(|row| matches::may_see(&view, row))
            .filter(|row| conditions.iter().all(|condition| matches::meets(condition, row)))
            .collect();
        let asked = format!("{view:?} {conditions:?}");
        let limit = u32::try_from(dice.below(7) + 1).unwrap();
        let offset = u32::try_from(dice.below(9) * dice.below(9)).unwrap();
        let mut search = Search {
            view: view.clone(),
            conditions: conditions.clone(),
            after: None,
            offset,
            limit,
        };
        let mut found = Vec::new();
        loop {
            let page = index.search(&search).await.unwrap();
            found.extend(page.rows);
            search.offset = 0;
            let Some(next) = page.next else { break };
            search.after = Some(next.to_string().parse::<Cursor>().unwrap());
        }
        let skipped: Vec<&Row> = expected.iter().skip(offset as usize).copied().collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), skipped, "{asked}");
        for facet in
            [Facet::Action, Facet::Outcome, Facet::Actor, Facet::ResourceType, Facet::Scope]
        {
            let counted = index.facet(facet, &view, &conditions, 1000).await.unwrap();
            assert_eq!(as_map(counted), counts(facet, &expected), "{facet:?} {asked}");
        }
        for width in [1_000_000, HOUR_MS, 2 * HOUR_MS, 7 * HOUR_MS] {
            let since = BEGIN_MS - BEGIN_MS % width;
            let bars = index.histogram(&view, &conditions, since, width).await.unwrap();
            assert_eq!(bars, histogram(since, width, &expected), "{width} {asked}");
        }
    }
}

type Counts = BTreeMap<(Option<String>, Option<String>), u64>;

fn as_map(counted: Vec<Counted>) -> Counts {
    counted.into_iter().map(|it| ((it.value, it.label), it.count)).collect()
}

fn counts(facet: Facet, rows: &[&Row]) -> Counts {
    let mut counts = Counts::new();
    let mut names: BTreeMap<Option<String>, BTreeMap<Option<String>, u64>> = BTreeMap::new();
    for row in rows {
        let values: BTreeSet<(Option<String>, Option<String>)> = match facet {
            Facet::Action => BTreeSet::from([(row.action.clone(), None)]),
            Facet::Outcome => BTreeSet::from([(row.outcome.clone(), None)]),
            Facet::ResourceType => {
                row.targets.iter().map(|it| (Some(it.kind.clone()), None)).collect()
            }
            Facet::Scope => row
                .scope
                .iter()
                .map(|(name, value)| (Some(name.clone()), Some(value.clone())))
                .collect(),
            _ => {
                let names = names.entry(row.actor_id.clone()).or_default();
                let name = row.actor_name.clone().filter(|name| !name.is_empty());
                *names.entry(name.or(row.actor_email.clone())).or_default() += 1;
                BTreeSet::from([(row.actor_id.clone(), None)])
            }
        };
        values.into_iter().for_each(|value| *counts.entry(value).or_default() += 1);
    }
    if facet == Facet::Actor {
        let label = |value: &Option<String>| {
            let is_name = |name: &Option<String>| name.as_ref().is_some_and(|it| !it.contains('@'));
            let most = names[value]
                .iter()
                .max_by_key(|(name, count)| (is_name(name), name.is_some(), **count, *name));
            most.and_then(|(name, _)| name.clone()).or_else(|| value.clone())
        };
        let labelled =
            counts.into_iter().map(|((value, _), count)| ((value.clone(), label(&value)), count));
        return labelled.collect();
    }
    counts
}

fn histogram(since: i64, width: i64, rows: &[&Row]) -> Vec<Bar> {
    let mut counts: BTreeMap<(u64, Option<String>, Option<String>), u64> = BTreeMap::new();
    for row in rows {
        let number = u64::try_from((schema::clamped(row.time_ms) - since) / width).unwrap();
        *counts.entry((number, row.severity.clone(), row.outcome.clone())).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|((number, severity, outcome), count)| Bar { number, severity, outcome, count })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5, ..ProptestConfig::default() })]

    #[test]
    fn the_index_says_what_every_row_says(seed in any::<u64>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dice = &mut Dice(seed);
            let logs = ledger(dice, 120);
            let mut index = Index::temporary().await.unwrap();
            // In batches of any size, of one writer and the other.
            let mut done = [0, 0];
            while done.iter().zip(&logs).any(|(done, log)| *done < log.len()) {
                let writer = usize::try_from(dice.below(2)).unwrap();
                let end = logs[writer].len().min(done[writer] + usize::try_from(dice.below(40)).unwrap());
                // Some of them come again.
                let from = done[writer].saturating_sub(usize::try_from(dice.below(9)).unwrap());
                index.apply(logs[writer][from..end].to_vec()).await.unwrap();
                done[writer] = end;
                if dice.below(6) == 0 {
                    let sofar: Vec<Vec<Stored>> =
                        logs.iter().zip(done).map(|(log, done)| log[..done].to_vec()).collect();
                    let rows = all_rows(&sofar);
                    if !rows.is_empty() {
                        compare(&mut index, &rows, dice).await;
                    }
                }
            }
            let rows = all_rows(&logs);
            compare(&mut index, &rows, dice).await;
            index.start_over().await.unwrap();
            for log in &logs {
                index.apply(log.clone()).await.unwrap();
            }
            compare(&mut index, &rows, dice).await;
        });
    }
}
