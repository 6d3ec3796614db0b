//! Every operation of the store × every fault, alone and in pairs; then the ledger is looked
//! through.

use std::collections::BTreeSet;
use std::time::Duration;

use super::fake::{FAULTS, FakeDisk, Fault};
use super::{closing_reason, entry, entry_of, start, start_with, vouches_for, without_note};
use crate::record::{EntryKind, EventId, Stored};
use crate::recorder::{AppendError, JoinError, Recorder, Settings};

/// What a caller was told.
#[derive(Debug, Clone)]
enum Told {
    Intent(EventId, Result<u64, AppendError>),
    Completion(EventId, u64, String, Result<u64, AppendError>),
    Event(EventId, Result<u64, AppendError>),
    /// The intent was granted and then dropped.
    Dropped(u64),
}

const SETTINGS: Settings = Settings {
    timeout: Duration::from_millis(50),
    queue: 64,
    batch: 4,
    sweep_interval: Duration::from_millis(25),
};

async fn exchange(recorder: Recorder, number: usize) -> Vec<Told> {
    let mut told = Vec::new();
    for round in 0..3 {
        let first = entry();
        let id = first.id;
        let open = recorder.intent(first).await;
        told.push(Told::Intent(id, open.as_ref().map(|open| open.seq()).map_err(|error| *error)));
        if let Ok(open) = open {
            let seq = open.seq();
            if (number + round) % 4 == 3 {
                told.push(Told::Dropped(seq));
                continue;
            }
            let second = entry_of(id);
            let doc = second.doc.get().clone();
            told.push(Told::Completion(id, seq, doc, open.complete(second).await));
        }
        if number == 0 {
            let event = entry();
            told.push(Told::Event(event.id, recorder.event(event).await));
        }
        tokio::time::sleep(Duration::from_millis(12)).await;
    }
    told
}

/// Runs a load on a disk that fails, then restarts on the same disk, and returns how many
/// operations there were before the restart.
fn check(disk: &FakeDisk, case: &str) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let told = runtime.block_on(async {
        let Ok((recorder, thread)) = start_with(disk.opener(), SETTINGS) else {
            return Vec::new();
        };
        let exchanges: Vec<_> =
            (0..4).map(|n| tokio::spawn(exchange(recorder.clone(), n))).collect();
        let mut told = Vec::new();
        for exchange in exchanges {
            told.extend(exchange.await.unwrap());
        }
        let written = recorder.written();
        drop(recorder);
        let ended = tokio::task::spawn_blocking(|| thread.join(Duration::from_secs(5)));
        assert_eq!(ended.await.unwrap(), Ok::<(), JoinError>(()), "{case}");
        let head = usize::try_from(written.head()).unwrap();
        let rows = disk.rows();
        assert!(vouches_for(&written, rows.get(..head).unwrap()), "{case}: {written:?} {rows:#?}");
        told
    });
    let operations = disk.0.lock().unwrap().operations;
    disk.heal();
    let before = disk.rows();
    let (recorder, thread) = start(disk).unwrap();
    drop(recorder);
    thread.join(Duration::from_secs(5)).unwrap();
    verify(&before, &disk.rows(), &told, case);
    operations
}

/// How many events say that the response of this one was withheld.
fn withheld(rows: &[Stored], id: &EventId) -> usize {
    let says = |row: &&Stored| {
        row.doc.contains("audit.response_withhold") && row.doc.contains(&id.to_string())
    };
    rows.iter().filter(says).count()
}

fn verify(before: &[Stored], rows: &[Stored], told: &[Told], case: &str) {
    let context = || format!("{case}\n{told:#?}\n{rows:#?}");
    for (row, seq) in rows.iter().zip(1..) {
        assert_eq!(row.seq, seq, "dense: {}", context());
    }
    assert_eq!(before, rows.get(..before.len()).unwrap(), "append-only: {}", context());
    let halves: BTreeSet<_> = rows.iter().map(|row| (row.id, row.kind.as_str())).collect();
    assert_eq!(halves.len(), rows.len(), "no entry twice: {}", context());
    for row in rows.iter().filter(|row| row.kind == EntryKind::Intent) {
        let completions = rows.iter().filter(|r| r.intent == Some(row.seq)).count();
        assert_eq!(completions, 1, "one completion of {}: {}", row.seq, context());
    }
    let find = |id: &EventId, kind| rows.iter().find(|row| row.id == *id && row.kind == kind);
    let reason_of = |seq: u64| {
        let row = rows.iter().find(|row| row.intent == Some(seq)).unwrap();
        closing_reason(&row.doc).unwrap_or_else(|| "(real)".to_owned())
    };
    for fact in told {
        match fact {
            Told::Intent(id, Ok(seq)) => {
                let row = find(id, EntryKind::Intent).expect("acknowledged");
                assert_eq!(row.seq, *seq, "{}", context());
                assert_ne!(reason_of(*seq), "not_sent", "it was sent: {}", context());
            }
            Told::Intent(id, Err(_)) => {
                if let Some(row) = find(id, EntryKind::Intent) {
                    let reason = reason_of(row.seq);
                    assert!(
                        ["not_sent", "proxy_restarted"].contains(&reason.as_str()),
                        "refused, and then {reason}: {}",
                        context()
                    );
                }
            }
            Told::Completion(id, intent, doc, Ok(seq)) => {
                let row = find(id, EntryKind::Completion).expect("acknowledged");
                assert_eq!((row.seq, row.intent), (*seq, Some(*intent)), "{}", context());
                assert_eq!(row.doc, *doc, "{}", context());
                assert_eq!(withheld(rows, id), 0, "it was told: {}", context());
            }
            Told::Completion(id, intent, doc, Err(_)) => {
                let row = rows.iter().find(|row| row.intent == Some(*intent)).unwrap();
                let may_be_lost = match closing_reason(&row.doc).as_deref() {
                    // What is owed when the process ends gets one more deadline.
                    Some("proxy_restarted") => case.contains("Slow"),
                    Some("completion_lost") => case.contains("Rejected"),
                    _ => false,
                };
                let (plain, is_noted) = without_note(&row.doc);
                assert!(plain == *doc || may_be_lost, "owed: {}", context());
                // That nobody was told is on record once, unless the process ended before.
                let said = usize::from(is_noted) + withheld(rows, id);
                let is_due = usize::from(plain == *doc);
                let is_lost = said == 0 && ["Slow", "Rejected"].iter().any(|it| case.contains(it));
                assert!(said == is_due || is_lost, "said {said} times of {id}: {}", context());
            }
            Told::Event(id, Ok(seq)) => {
                let row = find(id, EntryKind::Completion).expect("acknowledged");
                assert_eq!((row.seq, row.intent), (*seq, None), "{}", context());
            }
            Told::Event(_, Err(_)) => {}
            Told::Dropped(seq) => {
                let reason = reason_of(*seq);
                assert!(
                    ["exchange_lost", "proxy_restarted"].contains(&reason.as_str()),
                    "{reason}: {}",
                    context()
                );
            }
        }
    }
}

/// Runs the cases on a few threads: they mostly wait.
fn check_all(cases: Vec<Vec<(usize, Fault)>>) {
    let cases = std::sync::Mutex::new(cases.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                loop {
                    let Some(case) = cases.lock().unwrap().next() else { return };
                    let disk = case.iter().fold(FakeDisk::default(), |disk, (operation, fault)| {
                        disk.also_failing_at(*operation, *fault)
                    });
                    check(&disk, &format!("{case:?}"));
                }
            });
        }
    });
}

#[test]
fn every_operation_with_every_fault() {
    let operations = check(&FakeDisk::default(), "no fault");
    assert!(operations > 10, "{operations} operations");
    let cases = (1..=operations + 2)
        .flat_map(|operation| FAULTS.map(|fault| vec![(operation, fault)]))
        .collect();
    check_all(cases);
}

#[test]
fn a_fault_while_recovering_from_a_fault() {
    let first = [Fault::Lost, Fault::LostButWritten, Fault::SlowLostButWritten, Fault::Busy];
    let mut cases = Vec::new();
    for operation in [8, 10, 13] {
        for next in 1..=5 {
            for (a, b) in first.iter().flat_map(|a| FAULTS.map(|b| (*a, b))) {
                cases.push(vec![(operation, a), (operation + next, b)]);
            }
        }
    }
    check_all(cases);
}
