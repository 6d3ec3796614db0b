use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

use super::*;
use crate::clock::{Clock, SystemClock};
use crate::record::{Column, EventId, Scope};
use crate::redact::Redacted;
use crate::store::{LedgerSource, SPOOL_FILE, SqliteOptions};

const TIMEOUT: Duration = Duration::from_millis(400);

/// What the ledger does.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Weather {
    Fair,
    /// Refuses connections, and breaks those that there are.
    Down,
    /// Takes what it is told and never answers.
    Hangs,
    /// Writes, and then the answer is lost.
    LosesAnswers,
}

#[derive(Clone, Default)]
struct Sky {
    weather: Arc<AtomicU8>,
    /// How often a store was closed in good order.
    farewells: Arc<AtomicU8>,
}

impl Sky {
    fn is(&self, weather: Weather) -> bool {
        self.weather.load(Ordering::SeqCst) == weather as u8
    }

    fn turn(&self, weather: Weather) {
        self.weather.store(weather as u8, Ordering::SeqCst);
    }

    async fn answer<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        if self.is(Weather::Down) {
            return Err(StoreError::Closed);
        }
        if self.is(Weather::Hangs) {
            std::future::pending::<()>().await;
        }
        let done = work.await;
        if self.is(Weather::LosesAnswers) {
            return Err(StoreError::Uncertain("the answer is lost".into()));
        }
        done
    }
}

/// A ledger behind a network.
struct Remote {
    inner: Box<dyn Store>,
    sky: Sky,
}

#[async_trait]
impl Store for Remote {
    fn writer(&self) -> &str {
        self.inner.writer()
    }

    async fn writers(&mut self) -> Result<Vec<String>, StoreError> {
        self.sky.answer(self.inner.writers()).await
    }

    async fn head(&mut self, writer: &str) -> Result<u64, StoreError> {
        self.sky.answer(self.inner.head(writer)).await
    }

    async fn append(
        &mut self,
        writer: &str,
        first: u64,
        batch: &[Entry],
    ) -> Result<(), StoreError> {
        self.sky.answer(self.inner.append(writer, first, batch)).await
    }

    async fn purge(&mut self, writer: &str, purged: &[Purged]) -> Result<(), StoreError> {
        self.sky.answer(self.inner.purge(writer, purged)).await
    }

    async fn orphans(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Orphan>, StoreError> {
        self.sky.answer(self.inner.orphans(writer, after, limit)).await
    }

    async fn read_after(
        &mut self,
        writer: &str,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Stored>, StoreError> {
        self.sky.answer(self.inner.read_after(writer, after, limit)).await
    }

    async fn closed_up_to(&mut self, writer: &str) -> Result<u64, StoreError> {
        self.sky.answer(self.inner.closed_up_to(writer)).await
    }

    async fn mark_closed(&mut self, writer: &str, seq: u64) -> Result<(), StoreError> {
        self.sky.answer(self.inner.mark_closed(writer, seq)).await
    }

    async fn heartbeat(&mut self) -> Result<(), StoreError> {
        self.sky.answer(self.inner.heartbeat()).await
    }

    async fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.sky.farewells.fetch_add(1, Ordering::SeqCst);
        self.inner.close().await
    }
}

/// What was dropped without farewell gives its files back a moment later.
async fn open(opener: &mut (impl FnMut() -> Opening + Send)) -> Result<Box<dyn Store>, StoreError> {
    for _ in 0..500 {
        match opener().await {
            Err(StoreError::Held { .. }) => tokio::time::sleep(Duration::from_millis(10)).await,
            opened => return opened,
        }
    }
    panic!("it is held all the time")
}

/// A machine with a spool, and a ledger elsewhere.
struct Place {
    ledger: tempfile::TempDir,
    own: tempfile::TempDir,
    sky: Sky,
    status: SpoolShared,
    max_bytes: u64,
}

impl Place {
    fn new() -> Self {
        Self {
            ledger: tempfile::tempdir().unwrap(),
            own: tempfile::tempdir().unwrap(),
            sky: Sky::default(),
            status: SpoolShared::default(),
            max_bytes: 1 << 20,
        }
    }

    fn remote(&self, writer: &str) -> impl FnMut() -> Opening + Send + 'static {
        let sky = self.sky.clone();
        let mut opener = SqliteOptions::new(self.ledger.path(), writer, TIMEOUT).opener();
        move || {
            let (sky, opening) = (sky.clone(), opener());
            Box::pin(async move {
                let inner = sky.answer(opening).await?;
                Ok(Box::new(Remote { inner, sky }) as Box<dyn Store>)
            })
        }
    }

    fn opener(&self, writer: &str) -> impl FnMut() -> Opening + Send + 'static {
        let dir = self.own.path().to_owned();
        let (writer_name, max_bytes) = (writer.to_owned(), self.max_bytes);
        let options = SpoolOptions { dir, writer: writer_name, max_bytes, timeout: TIMEOUT };
        spooled(self.remote(writer), options, self.status.clone())
    }

    async fn open(&self) -> Box<dyn Store> {
        open(&mut self.opener("w")).await.unwrap()
    }

    /// What the ledger itself has.
    async fn rows(&self) -> Vec<Stored> {
        let mut reader = LedgerSource::directory(self.ledger.path()).reader().await.unwrap();
        reader.read_after("w", 0, 10_000).await.unwrap()
    }

    /// Waits until entries go to the ledger again.
    async fn drained(&self, store: &mut Box<dyn Store>) {
        for _ in 0..500 {
            store.heartbeat().await.unwrap();
            if self.status.get().since.is_none() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("in vain: {:?}", self.status.get());
    }
}

fn entry_of(kind: EntryKind, id: EventId, intent: Option<u64>) -> Entry {
    let is_second = kind == EntryKind::Completion;
    let outcome = if is_second { ",\"outcome\":\"success\"" } else { "" };
    let time = if is_second && intent.is_some() { "" } else { ",\"time\":\"now\"" };
    let doc = Redacted::system(format!("{{\"id\":\"{id}\"{outcome}{time}}}"));
    Entry { kind, id, intent, scope: Scope::new(), doc }
}

fn id() -> EventId {
    EventId::new(SystemClock.now())
}

fn event() -> Entry {
    entry_of(EntryKind::Completion, id(), None)
}

fn intent() -> Entry {
    entry_of(EntryKind::Intent, id(), None)
}

fn completion(of: &Entry, seq: u64) -> Entry {
    entry_of(EntryKind::Completion, of.id, Some(seq))
}

fn ids(entries: &[Entry]) -> Vec<EventId> {
    entries.iter().map(|entry| entry.id).collect()
}

fn stored(rows: &[Stored]) -> Vec<EventId> {
    rows.iter().map(|row| row.id).collect()
}

#[tokio::test]
async fn an_outage_is_bridged_in_order_and_nothing_comes_twice() {
    for weather in [Weather::Down, Weather::Hangs, Weather::LosesAnswers] {
        let place = Place::new();
        let mut store = place.open().await;
        let entries: Vec<Entry> = (0..40).map(|_| event()).collect();
        let mut first = 1;
        for (step, batch) in entries.chunks(4).enumerate() {
            match step {
                2 => place.sky.turn(weather),
                6 => place.sky.turn(Weather::Fair),
                _ => {}
            }
            store.append("w", first, batch).await.unwrap();
            first += batch.len() as u64;
            assert_eq!(store.head("w").await.unwrap(), first - 1);
            if step == 4 {
                assert!(place.status.get().since.is_some());
                let had = place.rows().await.len();
                assert_eq!(
                    stored(&place.rows().await),
                    ids(&entries)[..had],
                    "a run from the start"
                );
            }
        }
        place.drained(&mut store).await;
        let last = event();
        store.append("w", first, std::slice::from_ref(&last)).await.unwrap();
        let mut wanted = ids(&entries);
        wanted.push(last.id);
        assert_eq!(stored(&place.rows().await), wanted);
        assert_eq!(place.status.get().entries, 0);
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn what_waits_survives_the_process_and_is_known_to_its_start() {
    let place = Place::new();
    let mut store = place.open().await;
    let open: Vec<Entry> = (0..3).map(|_| intent()).collect();
    store.append("w", 1, &open).await.unwrap();
    place.sky.turn(Weather::Down);
    let later = intent();
    store.append("w", 4, &[completion(&open[1], 2), later.clone()]).await.unwrap();
    // Killed: nobody closes it. Its background work ends at the next turn of the runtime.
    drop(store);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert!(place.opener("w")().await.is_err(), "where the log ends only the ledger knows");
    place.sky.turn(Weather::Fair);
    let error = place.opener("other")().await.err().unwrap();
    assert!(error.to_string().contains("entries of the writer `w`"), "{error}");
    let mut store = place.open().await;
    assert!(store.writers().await.unwrap().contains(&"w".to_owned()));
    assert_eq!(store.head("w").await.unwrap(), 5);
    let mut orphans = Vec::new();
    let mut after = 0;
    loop {
        let found = store.orphans("w", after, 1).await.unwrap();
        let Some(last) = found.last() else { break };
        after = last.seq;
        orphans.extend(found.iter().map(|orphan| orphan.seq));
    }
    assert_eq!(orphans, [1, 3, 5]);
    store.append("w", 6, &[completion(&later, 5)]).await.unwrap();
    assert!(store.orphans("w", 5, 9).await.unwrap().is_empty());
    store.mark_closed("w", 6).await.unwrap();
    assert_eq!(store.closed_up_to("w").await.unwrap(), 0, "what waits is not in the ledger yet");
    place.drained(&mut store).await;
    assert_eq!(place.rows().await.len(), 6);
    store.close().await.unwrap();
}

#[tokio::test]
async fn the_spool_has_a_limit_and_room_for_what_has_begun() {
    let mut place = Place::new();
    place.max_bytes = 1000;
    let mut store = place.open().await;
    let begun: Vec<Entry> = (0..1).map(|_| intent()).collect();
    store.append("w", 1, &begun).await.unwrap();
    place.sky.turn(Weather::Down);
    let mut next = 2;
    let full = loop {
        match store.append("w", next, &[event()]).await {
            Ok(()) => next += 1,
            Err(error) => break error,
        }
    };
    assert_eq!((full.reason(), full.effect_is_known()), ("spool_full", true));
    assert!(place.status.get().bytes <= 1000);
    store.append("w", next, &[completion(&begun[0], 1)]).await.unwrap();
    place.sky.turn(Weather::Fair);
    place.drained(&mut store).await;
    assert_eq!(place.rows().await.len() as u64, next);
    store.append("w", next + 1, &[event()]).await.unwrap();
}

#[tokio::test]
async fn somebody_else_in_this_writers_place_stops_it_and_loses_nothing() {
    let place = Place::new();
    let mut store = place.open().await;
    let begun = intent();
    store.append("w", 1, std::slice::from_ref(&begun)).await.unwrap();
    place.sky.turn(Weather::Down);
    store.append("w", 2, &[event()]).await.unwrap();
    write_elsewhere(place.ledger.path());
    place.sky.turn(Weather::Fair);
    for _ in 0..500 {
        store.heartbeat().await.unwrap();
        if place.status.get().conflict {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(place.status.get().conflict);
    store.heartbeat().await.unwrap();
    let refused = store.append("w", 3, &[event()]).await.err().unwrap();
    assert_eq!(refused.reason(), "superseded");
    store.append("w", 3, &[completion(&begun, 1)]).await.unwrap();
    assert_eq!(place.status.get().entries, 2, "it is kept");
    let kept = waiting(place.own.path(), 0).unwrap();
    assert_eq!(kept.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(place.rows().await.len(), 2);
    // To open it anew, as is done after an error, makes it no better.
    drop(store);
    drop(place.open().await);
    assert!(place.status.get().conflict);
    // Nor does another process, which takes nothing before it knows.
    let place = Place { status: SpoolShared::default(), ..place };
    let mut store = place.open().await;
    assert!(place.status.get().conflict);
    let refused = store.append("w", 4, &[event()]).await.err().unwrap();
    assert_eq!(refused.reason(), "superseded");
}

#[tokio::test]
async fn nothing_is_written_without_the_spool_while_it_holds_something() {
    let place = Place::new();
    // A maker of stores keeps its directory for as long as it lives.
    let without = || unspooled(place.remote("w"), place.own.path().to_owned());
    open(&mut without()).await.unwrap().close().await.unwrap();
    let mut store = place.open().await;
    place.sky.turn(Weather::Down);
    store.append("w", 1, &[intent(), event()]).await.unwrap();
    drop(store);
    place.sky.turn(Weather::Fair);
    let refused = open(&mut without()).await.err().unwrap();
    assert_eq!(refused.reason(), "spool_waiting");
    let said = refused.to_string();
    assert!(said.starts_with("2 entries wait") && said.contains("set `ledger.spool`"), "{said}");
    assert!(said.contains(place.own.path().to_str().unwrap()), "{said}");
    // Whatever hides the spool hides what it holds.
    let mut store = place.open().await;
    place.drained(&mut store).await;
    store.close().await.unwrap();
    assert_eq!(open(&mut without()).await.unwrap().head("w").await.unwrap(), 2);
    std::fs::write(place.own.path().join(SPOOL_FILE), b"something else").unwrap();
    assert!(open(&mut without()).await.is_err());
}

#[tokio::test]
async fn a_name_is_given_back_only_with_nothing_left_behind() {
    let place = Place::new();
    let mut store = place.open().await;
    place.sky.turn(Weather::Down);
    store.append("w", 1, &[intent()]).await.unwrap();
    drop(store);
    place.sky.turn(Weather::Fair);
    // Nothing drains before the first heartbeat.
    place.open().await.close().await.unwrap();
    assert_eq!(place.sky.farewells.load(Ordering::SeqCst), 0);
    let mut store = place.open().await;
    place.drained(&mut store).await;
    store.close().await.unwrap();
    assert_eq!(place.sky.farewells.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn of_others_it_says_that_the_ledger_is_away_and_goes_on_with_its_own() {
    let place = Place::new();
    let mut store = place.open().await;
    place.sky.turn(Weather::Down);
    store.append("w", 1, &[event()]).await.unwrap();
    let error = store.head("other").await.err().unwrap();
    assert_eq!((error.reason(), error.effect_is_known()), ("away", true));
    let purged = store.purge("w", &[]).await.err().unwrap();
    assert_eq!(purged.reason(), "away");
    store.append("w", 2, &[event()]).await.unwrap();
    assert_eq!(store.head("w").await.unwrap(), 2);
}

fn write_elsewhere(dir: &Path) {
    let conn = rusqlite::Connection::open(dir.join(crate::store::LEDGER_FILE)).unwrap();
    let other = event();
    let doc = other.doc.get();
    conn.execute(
        "INSERT INTO entries (writer, seq, kind, id, intent, scope, doc, leaf) \
         VALUES ('w', 2, 'completion', ?1, NULL, '{}', ?2, ?3)",
        rusqlite::params![other.id.to_string(), doc, crate::record::leaf_hash(doc)],
    )
    .unwrap();
}

impl Place {
    /// As after the process has ended: another one begins, and knows nothing.
    fn anew(self) -> Self {
        Self { status: SpoolShared::default(), ..self }
    }

    /// Three events, a begun one among them, of which the first is in the ledger and the rest waits: 2 to 6.
    async fn waiting(scope: &[(&str, &str)]) -> Self {
        let place = Self::new();
        let mut store = place.open().await;
        store.append("w", 1, &[event()]).await.unwrap();
        place.sky.turn(Weather::Down);
        let scope: Scope = scope.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        for seq in [2, 4] {
            let mut first = intent();
            if !scope.is_empty() {
                let shown = serde_json::to_string(&scope).unwrap();
                let doc =
                    first.doc.get().replace(",\"time\"", &format!(",\"scope\":{shown},\"time\""));
                first = Entry { scope: scope.clone(), doc: Redacted::system(doc), ..first };
            }
            let second = Entry { scope: scope.clone(), ..completion(&first, seq) };
            store.append("w", seq, &[first]).await.unwrap();
            store.append("w", seq + 1, &[second]).await.unwrap();
        }
        store.append("w", 6, &[event()]).await.unwrap();
        drop(store);
        tokio::time::sleep(Duration::from_millis(1)).await;
        place.sky.turn(Weather::Fair);
        place
    }

    fn change(&self, sql: &str) {
        let conn = rusqlite::Connection::open(self.own.path().join(SPOOL_FILE)).unwrap();
        assert!(conn.execute(sql, []).unwrap() > 0, "{sql}");
    }

    /// Waits until so many are in the ledger.
    async fn drains(&self, store: &mut Box<dyn Store>, wanted: usize) {
        for _ in 0..500 {
            store.heartbeat().await.unwrap();
            if self.rows().await.len() == wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("in vain: {:?}", self.status.get());
    }
}

#[tokio::test]
async fn whatever_was_changed_in_the_spool_is_named_at_the_start_and_nothing_drains_past_it() {
    let blue = [("pool", "blue")];
    let hash = Damage { seq: 3, flaw: Flaw::Hash };
    let column = |seq, column| Damage { seq, flaw: Flaw::Column(column) };
    let missing = |seq, last| Damage { seq, flaw: Flaw::Missing { last } };
    let rows = [
        ("UPDATE waiting SET doc = replace(doc, '}', ',\"a\":1}') WHERE seq = 3", hash, 2),
        (
            "UPDATE waiting SET scope = '{\"pool\":\"red\"}' WHERE seq = 4",
            column(4, Column::Scope),
            3,
        ),
        (
            "UPDATE waiting SET scope = '{\"pool\":\"red\"}' WHERE seq = 5",
            column(5, Column::Scope),
            4,
        ),
        ("UPDATE waiting SET scope = 'none' WHERE seq = 2", column(2, Column::Scope), 1),
        ("UPDATE waiting SET kind = 'completion' WHERE seq = 4", column(4, Column::Kind), 3),
        ("UPDATE waiting SET kind = 'other' WHERE seq = 4", column(4, Column::Kind), 3),
        ("UPDATE waiting SET intent = 2 WHERE seq = 5", column(5, Column::Intent), 4),
        ("UPDATE waiting SET intent = NULL WHERE seq = 3", column(3, Column::Intent), 2),
        ("UPDATE waiting SET id = upper(id) WHERE seq = 6", column(6, Column::Id), 5),
        ("UPDATE waiting SET seq = 9 WHERE seq = 6", missing(6, 8), 5),
        ("DELETE FROM waiting WHERE seq IN (2, 3)", missing(2, 3), 1),
        ("DELETE FROM waiting WHERE seq IN (4, 5)", missing(4, 5), 3),
        ("DELETE FROM waiting WHERE seq = 3", missing(3, 3), 2),
        ("DELETE FROM waiting WHERE seq > 4", missing(5, 6), 4),
        ("DELETE FROM waiting", missing(2, 6), 1),
    ];
    for (sql, damage, drains) in rows {
        let place = Place::waiting(&blue).await;
        place.change(sql);
        let place = place.anew();
        let mut store = place.open().await;
        assert_eq!(place.status.get().damaged, Some(damage), "{sql}");
        assert!(place.status.get().since.is_some() && !place.status.get().conflict, "{sql}");
        let next = store.head("w").await.unwrap() + 1;
        let error = store.append("w", next, &[event()]).await.unwrap_err();
        assert_eq!((error.reason(), error.effect_is_known()), ("spool_damaged", true), "{sql}");
        assert!(error.to_string().contains(&damage.to_string()), "{error}");
        // What comes before it is what it was.
        place.drains(&mut store, drains).await;
        let error = store.append("w", next, &[event()]).await.unwrap_err();
        assert_eq!(error.reason(), "spool_damaged", "{sql}");
        drop(store);
        // Another start makes it no better.
        let place = place.anew();
        drop(place.open().await);
        assert_eq!(place.status.get().damaged, Some(damage), "{sql}");
        assert_eq!(place.rows().await.len(), drains, "{sql}");
    }
}

#[tokio::test]
async fn a_spool_whose_file_is_gone_is_missed_until_its_number_is_moved_away_too() {
    let place = Place::waiting(&[]).await;
    for suffix in ["", "-wal", "-shm"] {
        std::fs::remove_file(place.own.path().join(format!("{SPOOL_FILE}{suffix}"))).ok();
    }
    let place = place.anew();
    let mut store = place.open().await;
    let damage = Damage { seq: 2, flaw: Flaw::Missing { last: 6 } };
    assert_eq!(place.status.get().damaged, Some(damage));
    // No number is given to something else.
    assert_eq!(store.head("w").await.unwrap(), 6);
    store.heartbeat().await.unwrap();
    let error = store.append("w", 7, &[event()]).await.unwrap_err();
    assert_eq!(error.reason(), "spool_damaged");
    assert_eq!(place.rows().await.len(), 1);
    drop(store);
    std::fs::rename(place.own.path().join("spool.head"), place.own.path().join("kept")).unwrap();
    let place = place.anew();
    let mut store = place.open().await;
    assert_eq!(place.status.get().damaged, None);
    store.append("w", 2, &[event()]).await.unwrap();
    assert_eq!(place.rows().await.len(), 2);
}

#[tokio::test]
async fn what_waits_drains_with_scopes_and_leaves_no_number_behind() {
    let place = Place::waiting(&[("pool", "blue")]).await;
    let noted = place.own.path().join("spool.head");
    assert!(noted.exists());
    let mut store = place.open().await;
    assert_eq!(place.status.get().damaged, None);
    place.drained(&mut store).await;
    assert_eq!(place.rows().await.len(), 6);
    assert!(!noted.exists());
    // Cut off before it was taken away, it does no harm.
    store.close().await.unwrap();
    std::fs::write(&noted, format!("{:020} w\n", 6)).unwrap();
    let place = place.anew();
    let mut store = place.open().await;
    assert_eq!(place.status.get().damaged, None);
    assert!(!noted.exists());
    store.append("w", 7, &[event()]).await.unwrap();
}

#[tokio::test]
async fn a_number_that_no_entry_can_have_is_not_understood() {
    let place = Place::waiting(&[]).await;
    let noted = place.own.path().join("spool.head");
    for number in ["18446744073709551615", "9223372036854775808", "-00000000000000000001", "x"] {
        std::fs::write(&noted, format!("{number} w\n")).unwrap();
        let error = place.opener("w")().await.err().unwrap();
        assert!(error.to_string().contains("spool.head"), "{number}: {error}");
    }
}

#[tokio::test]
async fn a_name_that_the_spool_refuses_is_not_claimed() {
    let place = Place::waiting(&[]).await;
    // Even with the ledger away it is known whose the spool is.
    place.sky.turn(Weather::Hangs);
    for gone in [false, true] {
        let error = place.opener("other")().await.err().unwrap();
        assert!(error.to_string().contains("entries of the writer `w`"), "{error}");
        if !gone {
            place.change("DELETE FROM waiting");
        }
    }
}
