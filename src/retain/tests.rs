//! Retention on a real ledger, with a clock that moves only when told.

mod days;
mod faults;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{SecondsFormat, TimeDelta};
use serde_json::json;

use super::{Hold, HoldError, Keep, KeptIn, Outcome, Policy, RetainError, Retention};
use super::{RetainStatus, keep_to};
use crate::archive::{ArchiveReader, Manifest, Place};
use crate::clock::{Clock, ManualClock, Timestamp};
use crate::follow::{Heads, catch_up};
use crate::index::{Condition, Facet, Index, Row, Search};
use crate::record::{Entry, EntryKind, EventId, Purge, Scope, Stored, canonical, leaf_hash};
use crate::recorder::{Recorder, RecorderThread, Settings};
use crate::redact::Redacted;
use crate::seal::Orders;
use crate::store::{LedgerReader, LedgerSource, SqliteOptions};
use crate::telemetry::Metrics;

const SETTINGS: Settings = Settings {
    timeout: Duration::from_secs(5),
    queue: 4096,
    batch: 512,
    sweep_interval: Duration::from_secs(60),
};

/// A ledger with its writer, and a place for archives.
struct Bench {
    dir: tempfile::TempDir,
    clock: Arc<ManualClock>,
    source: LedgerSource,
    recorder: Recorder,
    retention: Retention,
    thread: RecorderThread,
}

impl Bench {
    fn new() -> Self {
        Self::reopen(tempfile::tempdir().unwrap(), "2026-01-01T00:00:00Z".parse().unwrap(), "w")
    }

    fn reopen(dir: tempfile::TempDir, time: Timestamp, writer: &str) -> Self {
        let clock = Arc::new(ManualClock::new(time));
        let opener = SqliteOptions::new(dir.path().join("data"), writer, SETTINGS.timeout).opener();
        let (recorder, thread) =
            Recorder::start(opener, SETTINGS, clock.clone(), Arc::new(Metrics::default())).unwrap();
        let source = LedgerSource::directory(dir.path().join("data"));
        let orders = Orders::new(dir.path().join("data"));
        let retention = Retention::new(source.clone(), recorder.clone(), clock.clone(), orders);
        Self { dir, clock, source, recorder, retention, thread }
    }

    /// As after the process has ended: another one begins.
    async fn restart(self, writer: &str) -> Self {
        let Self { dir, clock, recorder, retention, thread, .. } = self;
        drop((recorder, retention));
        tokio::task::spawn_blocking(|| thread.join(Duration::from_secs(5))).await.unwrap().unwrap();
        Self::reopen(dir, clock.now(), writer)
    }

    fn data(&self) -> std::path::PathBuf {
        self.dir.path().join("data")
    }

    fn archives(&self) -> std::path::PathBuf {
        self.dir.path().join("archive")
    }

    fn pass(&self, days: i64) {
        self.clock.advance(TimeDelta::days(days));
    }

    /// An event with both halves, of this category, by this actor.
    async fn event(&self, category: &str, actor: &str) -> EventId {
        let (intent, completion) = event(self.clock.now(), category, actor);
        let id = intent.id;
        let open = self.recorder.intent(intent).await.unwrap();
        open.complete(completion).await.unwrap();
        id
    }

    /// Many at one time, which share transactions.
    async fn events(&self, count: usize) {
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..count {
            let (recorder, now) = (self.recorder.clone(), self.clock.now());
            all.spawn(async move {
                let (intent, completion) = event(now, "member", "ada");
                recorder.intent(intent).await.unwrap().complete(completion).await.unwrap();
            });
        }
        all.join_all().await;
    }

    async fn run(&self, policy: &Policy) -> Result<Outcome, RetainError> {
        let mut index = Index::open(&self.data()).await.unwrap();
        let outcome = self.retention.run(policy, &mut index).await;
        index.close().await.unwrap();
        outcome
    }

    async fn entries(&self) -> Vec<Stored> {
        let mut reader = self.source.reader().await.unwrap();
        let mut all = Vec::new();
        for writer in reader.writers().await.unwrap() {
            let mut after = 0;
            loop {
                let some = reader.read_after(&writer, after, 10_000).await.unwrap();
                let Some(last) = some.last() else { break };
                after = last.seq;
                all.extend(some);
            }
        }
        all
    }

    async fn manifests(&self) -> Vec<Manifest> {
        crate::archive::manifests(&Place::from(self.archives().as_path())).await.unwrap().0
    }

    /// Everything that the archives hold.
    async fn archived(&self) -> Vec<Stored> {
        let place = Place::from(self.archives().as_path());
        let mut reader = ArchiveReader::open(place).await.unwrap();
        let mut all = Vec::new();
        for writer in reader.writers().await.unwrap() {
            let mut after = 0;
            loop {
                let some = reader.read_after(&writer, after, 100).await.unwrap();
                let Some(last) = some.last() else { break };
                after = last.seq;
                all.extend(some);
            }
        }
        all
    }

    /// Days of retention, with an archive.
    fn policy(&self, days: u32) -> Policy {
        Policy {
            default: Keep::Days(days),
            archive: KeptIn::Archive(Place::from(self.archives().as_path())),
            ..Policy::default()
        }
    }
}

/// The events that an index made of this ledger shows.
async fn shown(dir: &Path) -> Vec<Row> {
    let mut reader = LedgerSource::directory(dir).reader().await.unwrap();
    let mut index = Index::open(dir).await.unwrap();
    let heads = Heads::now(&mut *reader).await.unwrap();
    catch_up(&mut *reader, &mut index, &heads).await.unwrap();
    let search = Search { limit: 10_000, ..Search::default() };
    let rows = index.search(&search).await.unwrap().rows;
    let mut anew = Index::temporary().await.unwrap();
    catch_up(&mut *reader, &mut anew, &heads).await.unwrap();
    assert_eq!(anew.search(&search).await.unwrap().rows, rows, "as when it is built again");
    rows
}

/// The ids of events that are no events about countersign itself.
async fn left(bench: &Bench) -> Vec<String> {
    let rows = shown(&bench.data()).await.into_iter();
    let mut ids: Vec<String> =
        rows.filter(|row| row.actor_type.as_deref() != Some("system")).map(|row| row.id).collect();
    ids.sort();
    ids
}

fn event(time: Timestamp, category: &str, actor: &str) -> (Entry, Entry) {
    let id = EventId::new(time);
    let text = time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let scope = Scope::from([("pool".to_owned(), "blue".to_owned())]);
    let intent = json!({
        "id": id, "time": text, "action": format!("{category}.create"), "category": category,
        "actor": {"type": "user", "id": actor}, "scope": scope,
    });
    let completion = json!({"id": id, "outcome": "success", "completed_at": text});
    let entry = |kind, doc: serde_json::Value| Entry {
        kind,
        id,
        intent: None,
        scope: scope.clone(),
        doc: canonical(&Redacted::system(doc)).unwrap(),
    };
    (entry(EntryKind::Intent, intent), entry(EntryKind::Completion, completion))
}

fn hold(filter: &str) -> Hold {
    Hold::new("case 7".to_owned(), filter.to_owned(), "a lawsuit".to_owned(), None).unwrap()
}

#[tokio::test]
async fn what_is_old_is_archived_put_on_record_and_gone() {
    let bench = Bench::new();
    let old = bench.event("api_key", "ada").await;
    bench.pass(20);
    let young = bench.event("api_key", "ada").await;
    bench.pass(11);
    let before = bench.entries().await;
    let outcome = bench.run(&bench.policy(30)).await.unwrap();
    assert_eq!((outcome.purges, outcome.entries, outcome.survey.events()), (1, 2, 1));
    assert_eq!(left(&bench).await, [young.to_string()]);
    // What is archived is what was there, to the letter.
    assert_eq!(bench.archived().await, before[..2]);
    assert_eq!(bench.archived().await[0].id, old);
    let entries = bench.entries().await;
    let (at, purge) =
        entries.iter().find_map(|entry| Some((entry.seq, Purge::of(entry)?))).unwrap();
    assert_eq!((purge.ranges.to_string().as_str(), purge.entries, purge.events), ("1-2", 2, 1));
    assert_eq!(purge.categories, BTreeMap::from([("api_key".to_owned(), 1)]));
    assert_eq!(
        (purge.from.as_str(), purge.to.as_str()),
        ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z")
    );
    let manifest = &bench.manifests().await[0];
    let archive = purge.archive.unwrap();
    assert_eq!((&archive.object, &archive.sha256), (&manifest.object, &manifest.sha256));
    let mut reader = bench.source.reader().await.unwrap();
    let purged = reader.purged_after("w", 0, 10).await.unwrap();
    assert_eq!(purged.iter().map(|it| (it.seq, it.by)).collect::<Vec<_>>(), [(1, at), (2, at)]);
    assert!(purged.iter().zip(&before).all(|(it, entry)| it.leaf == leaf_hash(&entry.doc)));
    // Once is enough, and the event about it never goes.
    assert_eq!(bench.run(&bench.policy(30)).await.unwrap().purges, 0);
    bench.pass(1000);
    let outcome = bench.run(&bench.policy(30)).await.unwrap();
    assert_eq!(outcome.entries, 2);
    assert_eq!(bench.entries().await.iter().filter_map(Purge::of).count(), 2);
}

#[tokio::test]
async fn everything_stays_without_a_policy_and_categories_have_their_own_time() {
    let bench = Bench::new();
    for category in ["gateway", "security", "member"] {
        bench.event(category, "ada").await;
    }
    bench.pass(40);
    assert_eq!(bench.run(&Policy::default()).await.unwrap(), Outcome::default());
    let mut policy = bench.policy(90);
    policy.categories.insert("gateway".to_owned(), Keep::Days(30));
    policy.categories.insert("security".to_owned(), Keep::Forever);
    let purged = |outcome: Outcome| outcome.survey.due.into_keys().collect::<Vec<_>>();
    assert_eq!(purged(bench.run(&policy).await.unwrap()), ["gateway"]);
    bench.pass(40);
    assert_eq!(purged(bench.run(&policy).await.unwrap()), [""; 0]);
    bench.pass(400);
    assert_eq!(purged(bench.run(&policy).await.unwrap()), ["member"]);
    assert_eq!(left(&bench).await.len(), 1);
    assert_eq!(bench.manifests().await.len(), 2);
}

#[tokio::test]
async fn an_open_event_stays_and_a_hold_keeps_what_it_matches_until_it_is_lifted() {
    let bench = Bench::new();
    let held = bench.event("member", "eve").await;
    bench.event("member", "ada").await;
    let (intent, completion) = event(bench.clock.now(), "member", "ada");
    let open = intent.id;
    let intent = bench.recorder.intent(intent).await.unwrap();
    bench.pass(100);
    let mut policy = bench.policy(30);
    policy.holds.push(hold("actor=eve&scope.pool=blue"));
    let outcome = bench.run(&policy).await.unwrap();
    assert_eq!((outcome.entries, outcome.survey.open), (2, 1));
    assert_eq!(outcome.survey.held, BTreeMap::from([("case 7".to_owned(), 1)]));
    let mut both = [held.to_string(), open.to_string()];
    both.sort();
    assert_eq!(left(&bench).await, both);
    intent.complete(completion).await.unwrap();
    policy.holds[0].until = Some(bench.clock.now());
    assert_eq!(bench.run(&policy).await.unwrap().survey.events(), 2);
    assert_eq!(left(&bench).await, [""; 0]);
}

#[tokio::test]
async fn of_several_acts_the_longest_time_counts_and_any_of_them_can_be_held() {
    let act = |category: &str, target: &str| json!({"category": category, "action": "x.y", "targets": [{"type": "t", "id": target}]});
    let doc = |id: EventId| {
        json!({"id": id, "time": "2026-01-01T00:00:00Z", "outcome": "success",
               "acts": [act("member", "1"), act("security", "2")]})
    };
    let id = EventId::new("2026-01-01T00:00:00Z".parse().unwrap());
    let doc = serde_json::to_string(&doc(id)).unwrap();
    let leaf = leaf_hash(&doc).to_vec();
    let entry = Stored {
        writer: "w".to_owned(),
        seq: 1,
        kind: EntryKind::Completion,
        id,
        intent: None,
        scope: "{}".to_owned(),
        doc,
        leaf,
    };
    let rows = Row::of(&entry, None);
    let mut policy = Policy { default: Keep::Days(30), ..Policy::default() };
    let at = |text: &str| text.parse().unwrap();
    policy.categories.insert("security".to_owned(), Keep::Days(60));
    assert_eq!(policy.verdict(&rows, at("2026-02-15T00:00:00Z")), super::Verdict::Stays);
    assert_eq!(policy.verdict(&rows, at("2026-04-15T00:00:00Z")), super::Verdict::Due);
    policy.holds.push(hold("target=2"));
    let held = policy.verdict(&rows, at("2026-04-15T00:00:00Z"));
    assert!(matches!(held, super::Verdict::Held(_)), "{held:?}");
}

#[test]
fn filters_of_holds_are_those_of_questions_without_pages_and_times_that_move() {
    let new = |filter: &str| Hold::new("h".to_owned(), filter.to_owned(), String::new(), None);
    for filter in ["actor=ada", "q=ci%20deploy&since=2026-01-01T00:00:00Z", "scope.pool=blue"] {
        assert!(new(filter).is_ok(), "{filter}");
    }
    assert_eq!(new(""), Err(HoldError::Empty));
    for filter in ["limit=5", "actor=ada&cursor=1", "since=30d", "until=1h"] {
        assert!(matches!(new(filter), Err(HoldError::OutOfPlace(_))), "{filter}");
    }
    for filter in
        ["scope.POOL=blue", "q=%2A", "since=2027-01-01T00:00:00Z&until=2026-01-01T00:00:00Z"]
    {
        assert!(matches!(new(filter), Err(HoldError::Nothing(_))), "{filter}");
    }
    assert_eq!(new("actor=ada+b@example.com"), Err(HoldError::Plus));
    assert!(new("actor=ada%2Bb@example.com").is_ok());
    for filter in ["actr=ada", "actor", "outcome=maybe"] {
        assert!(matches!(new(filter), Err(HoldError::Filter(_))), "{filter}");
    }
}

#[tokio::test]
async fn a_survey_tells_what_would_go_and_changes_nothing() {
    let bench = Bench::new();
    bench.event("member", "eve").await;
    bench.event("member", "ada").await;
    bench.pass(31);
    let mut policy = bench.policy(30);
    policy.holds.push(hold("actor=eve"));
    let before = bench.entries().await;
    shown(&bench.data()).await;
    let mut reader = bench.source.reader().await.unwrap();
    let mut index = Index::open(&bench.data()).await.unwrap();
    let survey = policy.survey(&mut *reader, &mut index, bench.clock.now()).await.unwrap();
    assert_eq!(
        (survey.events(), survey.held.len(), survey.oldest()),
        (1, 1, "2026-01-01T00:00:00.000Z".to_owned())
    );
    assert_eq!(bench.entries().await, before);
    assert!(!bench.archives().exists());
}

#[tokio::test]
async fn logs_of_writers_that_are_gone_are_purged_with_an_event_of_their_own() {
    let bench = Bench::new();
    bench.event("member", "ada").await;
    let bench = bench.restart("other").await;
    bench.event("member", "ada").await;
    bench.pass(31);
    let outcome = bench.run(&bench.policy(30)).await.unwrap();
    assert_eq!((outcome.purges, outcome.entries), (2, 4));
    let events: Vec<(String, u64)> =
        bench.entries().await.into_iter().map(|entry| (entry.writer, entry.seq)).collect();
    assert_eq!(events, [("other".to_owned(), 3), ("w".to_owned(), 3)]);
    bench.event("member", "ada").await;
}

#[tokio::test]
async fn counts_agree_after_a_purge_and_nothing_dangles() {
    let bench = Bench::new();
    for _ in 0..60 {
        bench.event("member", "ada").await;
        bench.clock.advance(TimeDelta::minutes(30));
    }
    shown(&bench.data()).await;
    bench.pass(30);
    bench.clock.advance(TimeDelta::hours(-15));
    bench.run(&bench.policy(30)).await.unwrap();
    let rows = shown(&bench.data()).await;
    let mut reader = bench.source.reader().await.unwrap();
    for row in &rows {
        crate::query::event(&mut *reader, row).await.unwrap();
    }
    let mut index = Index::open(&bench.data()).await.unwrap();
    for conditions in [vec![], vec![Condition::Actor(crate::index::Like::Part("ada".to_owned()))]] {
        let search = Search { conditions: conditions.clone(), limit: 1000, ..Search::default() };
        let rows = index.search(&search).await.unwrap().rows.len() as u64;
        let mut anew = Index::temporary().await.unwrap();
        let heads = Heads::now(&mut *reader).await.unwrap();
        catch_up(&mut *reader, &mut anew, &heads).await.unwrap();
        let counted = index.facet(Facet::Actor, &search.view, &conditions, 9).await.unwrap();
        let expected = anew.facet(Facet::Actor, &search.view, &conditions, 9).await.unwrap();
        assert_eq!(counted.iter().map(|it| it.count).sum::<u64>(), rows);
        assert_eq!(counted, expected);
    }
    assert_eq!(rows.len(), 31);
}

#[tokio::test]
async fn a_later_run_looks_only_where_something_has_become_due() {
    let bench = Bench::new();
    let mut policy = bench.policy(60);
    policy.categories.insert("gateway".to_owned(), Keep::Days(30));
    for _ in 0..30 {
        bench.event("gateway", "ada").await;
        bench.event("member", "ada").await;
        bench.clock.advance(TimeDelta::hours(5));
    }
    let began = bench.clock.now() - TimeDelta::hours(150);
    while bench.clock.now() < began + TimeDelta::days(68) {
        bench.run(&policy).await.unwrap();
        let rows = shown(&bench.data()).await;
        let age = |row: &Row| bench.clock.now().timestamp_millis() - row.time_ms;
        let days = |row: &Row| if row.category.as_deref() == Some("gateway") { 30 } else { 60 };
        let late = rows.iter().filter(|row| row.actor_type.as_deref() == Some("user"));
        let late = late.filter(|row| age(row) > TimeDelta::days(days(row)).num_milliseconds());
        assert_eq!(late.count(), 0, "{}", bench.clock.now());
        bench.clock.advance(TimeDelta::hours(11));
    }
    assert_eq!(left(&bench).await, [""; 0]);
    // What is not in a stretch that was not looked through waits for the day after.
    let windows = |days: i64| {
        let memory = super::memory::Memory::default();
        let then = bench.clock.now();
        let first = memory.windows("w", &policy, then);
        memory.done("w", &policy, &first, then);
        memory.windows("w", &policy, then + TimeDelta::hours(days)).iter().map(|it| it.from).min()
    };
    assert!(windows(1) > Some(0) && windows(23) > Some(0));
    assert_eq!(windows(24), Some(0));
}
