//! Reading a log of some size: how long questions take, from the index and the ledger as the API asks them.
//!
//! `cargo bench --bench reading -- [--events N] [--of M] [--dir DIR] [--keep] [--as-is] [--rounds N] [--only NAME]`
//!
//! Makes a ledger of N believable events (the first N of M, which are spread over 92 days) through the store, has the index follow it, asks, and prints a
//! table: medians and 95th percentiles in milliseconds, a new connection for each question. What is
//! there in DIR from an earlier run with as many events is used again. Ten million events need 40 GB.

#![expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a bench may stop where it stands"
)]

mod events;
mod questions;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use chrono::{DateTime, Utc};
use countersign::export::{Encoder, Format, Lines, Pieces, Walk};
use countersign::follow::{Heads, catch_up, lag};
use countersign::index::{Condition, Facet, Index, Search, View};
use countersign::store::{LedgerSource, SqliteOptions};

use events::{Dice, Entries, Events};

/// As in the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Entries that are appended at one time.
const BATCH: usize = 4_000;
const FACETS: [Facet; 8] = [
    Facet::Action,
    Facet::Category,
    Facet::ResourceType,
    Facet::Actor,
    Facet::ActorType,
    Facet::Outcome,
    Facet::Severity,
    Facet::Scope,
];

struct Arguments {
    events: u64,
    of: u64,
    dir: PathBuf,
    keep: bool,
    rounds: usize,
    /// Asks what is there, without following.
    as_is: bool,
    /// Only questions with this in their names; of pairs, of filters with it.
    only: String,
}

fn arguments() -> Result<Arguments> {
    let mut given = Arguments {
        events: 100_000,
        of: 0,
        dir: PathBuf::from("target/reading"),
        keep: false,
        rounds: 20,
        as_is: false,
        only: String::new(),
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("`{word}` needs a value"));
        match word.as_str() {
            "--events" => given.events = value()?.replace('_', "").parse()?,
            "--of" => given.of = value()?.replace('_', "").parse()?,
            "--dir" => given.dir = PathBuf::from(value()?),
            "--rounds" => given.rounds = value()?.parse()?,
            "--as-is" => given.as_is = true,
            "--only" => given.only = value()?,
            "--keep" => given.keep = true,
            "--bench" => {}
            _ => bail!(
                "`{word}` is not known; there are --events, --of, --dir, --rounds, --only, --as-is and --keep"
            ),
        }
    }
    given.of = given.of.max(given.events);
    given.dir = given.dir.join(given.events.to_string());
    Ok(given)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    let given = arguments()?;
    let end: DateTime<Utc> = "2026-11-20T15:30:00Z".parse()?;
    let events = || Events { count: given.events, of: given.of, end };
    make(&given, events()).await?;
    if !given.as_is {
        index(&given.dir).await?;
    }
    let (rounds, only) = (given.rounds, &given.only);
    let mut asking = Asking { dir: &given.dir, events: events(), rounds, only };
    asking.filters().await?;
    asking.pairs().await?;
    if asking.wants("pages") {
        asking.pages().await?;
    }
    if asking.wants("counts") {
        asking.counts().await?;
    }
    if asking.wants("export") {
        asking.export().await?;
    }
    if !given.keep {
        std::fs::remove_dir_all(&given.dir)?;
    }
    Ok(())
}

async fn make(given: &Arguments, events: Events) -> Result<()> {
    if given.dir.join("made").exists() {
        return Ok(());
    }
    std::fs::remove_dir_all(&given.dir).ok();
    std::fs::create_dir_all(&given.dir)?;
    let begun = Instant::now();
    let mut store =
        SqliteOptions::new(&given.dir, "bench", Duration::from_secs(10)).opener()().await?;
    let (mut entries, mut seq) = (Entries::of(events), 0);
    loop {
        let batch = entries.batch(BATCH);
        if batch.is_empty() {
            break;
        }
        store.append("bench", seq + 1, &batch).await?;
        seq += batch.len() as u64;
    }
    store.close().await?;
    std::fs::write(given.dir.join("made"), "")?;
    let seconds = begun.elapsed().as_secs_f64();
    println!("{} events, {seq} entries, written in {seconds:.0} s", given.events);
    Ok(())
}

async fn index(dir: &Path) -> Result<()> {
    let mut reader = LedgerSource::directory(dir).reader().await?;
    let heads = Heads::now(&mut *reader).await?;
    let mut index = Index::open(dir).await?;
    let behind = lag(&mut index, &heads).await?;
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    catch_up(&mut *reader, &mut index, &heads).await?;
    index.close().await?;
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let size = |name: &str| std::fs::metadata(dir.join(name)).map_or(0, |file| file.len());
    println!(
        "index: {behind} entries followed in {seconds:.1} s, {:.0} a second ({:.0} a second of CPU); \
         ledger {} MB, index {} MB",
        behind as f64 / seconds,
        behind as f64 / cpu,
        size("ledger.db") / 1_000_000,
        size("index.db") / 1_000_000,
    );
    Ok(())
}

struct Asking<'a> {
    dir: &'a Path,
    events: Events,
    rounds: usize,
    only: &'a str,
}

impl Asking<'_> {
    fn wants(&self, name: &str) -> bool {
        name.contains(self.only)
    }

    /// How long a question takes, with opening the index.
    async fn search(&self, search: &Search) -> Result<(f64, usize)> {
        let begun = Begun::now();
        let mut index = Index::open_read_only(self.dir).await?;
        let found = index.search(search).await?.rows.len();
        let taken = begun.taken();
        index.close().await?;
        Ok((taken, found))
    }

    async fn filters(&mut self) -> Result<()> {
        println!(
            "\n{:<28} {:>8} {:>8} {:>8}   scoped reader",
            "first page, ms", "p50", "p95", "rows"
        );
        for filter in questions::FILTERS.into_iter().chain(["none"]) {
            if !self.wants(filter) {
                continue;
            }
            let (mut all, mut scoped, mut rows) = (Vec::new(), Vec::new(), 0);
            let mut dice = Dice::new(7);
            for _ in 0..self.rounds {
                let conditions = questions::conditions(filter, &self.events, &mut dice);
                let mut search = Search { conditions, limit: 50, ..Search::default() };
                let (taken, found) = self.search(&search).await?;
                all.push(taken);
                rows += found;
                search.view = questions::scoped(&mut dice);
                scoped.push(self.search(&search).await?.0);
            }
            let (p50, p95) = percentiles(&mut all);
            let (scoped50, scoped95) = percentiles(&mut scoped);
            let rows = rows / self.rounds;
            println!(
                "{filter:<28} {p50:>8.1} {p95:>8.1} {rows:>8} {scoped50:>8.1} {scoped95:>8.1}"
            );
        }
        Ok(())
    }

    async fn pairs(&mut self) -> Result<()> {
        let (mut all, mut worst) = (Vec::new(), Vec::new());
        let mut dice = Dice::new(11);
        for (place, one) in questions::FILTERS.iter().enumerate() {
            for two in &questions::FILTERS[place + 1..] {
                if !self.wants(one) && !self.wants(two) {
                    continue;
                }
                let mut pair = Vec::new();
                for round in 0..self.rounds.min(10) {
                    let mut conditions = questions::conditions(one, &self.events, &mut dice);
                    conditions.extend(questions::conditions(two, &self.events, &mut dice));
                    let view = if round % 2 == 0 {
                        View::Everything
                    } else {
                        questions::scoped(&mut dice)
                    };
                    let search = Search { view, conditions, limit: 50, ..Search::default() };
                    pair.push(self.search(&search).await?.0);
                }
                all.extend_from_slice(&pair);
                worst.push((percentiles(&mut pair).1, format!("{one} & {two}")));
            }
        }
        let (p50, p95) = percentiles(&mut all);
        println!("\n{} pairs of filters: p50 {p50:.1}, p95 {p95:.1} ms; the slowest:", worst.len());
        worst.sort_by(|one, two| two.0.total_cmp(&one.0));
        for (p95, pair) in worst.iter().take(8) {
            println!("  {pair:<50} p95 {p95:>8.1}");
        }
        Ok(())
    }

    async fn pages(&mut self) -> Result<()> {
        println!();
        for filter in ["none", "severity=info", "scope.pool"] {
            let conditions = questions::conditions(filter, &self.events, &mut Dice::new(3));
            let mut search = Search { conditions, limit: 50, ..Search::default() };
            let (mut first, mut last) = (Vec::new(), Vec::new());
            for page in 1..=1_000 {
                let begun = Begun::now();
                let mut index = Index::open_read_only(self.dir).await?;
                let found = index.search(&search).await?;
                let taken = begun.taken();
                if page <= 20 {
                    first.push(taken);
                } else if page > 980 {
                    last.push(taken);
                }
                search.after = found.next;
                if search.after.is_none() {
                    break;
                }
            }
            let (first, last) = (percentiles(&mut first), percentiles(&mut last));
            println!(
                "{filter}: pages 1 to 20 p50 {:.1}, p95 {:.1} ms; pages 981 to 1,000 p50 {:.1}, p95 {:.1} ms",
                first.0, first.1, last.0, last.1
            );
        }
        Ok(())
    }

    async fn counts(&mut self) -> Result<()> {
        const HOUR: i64 = 3_600_000;
        println!("\n{:<44} {:>8} {:>8}", "counts, ms", "p50", "p95");
        let end = self.events.now();
        for (window, hours, bar) in [("24 h", 24, HOUR / 2), ("30 d", 720, 24 * HOUR)] {
            for filter in ["none", "actor (part of a name)", "action", "q (common word)"] {
                let (mut stats, mut facets) = (Vec::new(), Vec::new());
                let (mut scoped_stats, mut scoped_facets) = (Vec::new(), Vec::new());
                let mut dice = Dice::new(5);
                for _ in 0..self.rounds {
                    let mut conditions = questions::conditions(filter, &self.events, &mut dice);
                    let since = end - hours * HOUR;
                    conditions.extend([Condition::Since(since), Condition::Until(end)]);
                    for view in [View::Everything, questions::scoped(&mut dice)] {
                        let scoped = view != View::Everything;
                        let begun = Begun::now();
                        let mut index = Index::open_read_only(self.dir).await?;
                        let first = since - since.rem_euclid(bar);
                        index.histogram(&view, &conditions, first, bar).await?;
                        let taken = begun.taken();
                        if scoped {
                            scoped_stats.push(taken)
                        } else {
                            stats.push(taken)
                        }
                        let begun = Begun::now();
                        let mut index = Index::open_read_only(self.dir).await?;
                        for facet in FACETS {
                            index.facet(facet, &view, &conditions, 100).await?;
                        }
                        let taken = begun.taken();
                        if scoped { scoped_facets.push(taken) } else { facets.push(taken) }
                    }
                }
                for (what, mut taken) in [
                    ("stats and histogram", stats),
                    ("stats and histogram, scoped", scoped_stats),
                    ("all facets", facets),
                    ("all facets, scoped", scoped_facets),
                ] {
                    let (p50, p95) = percentiles(&mut taken);
                    let name = format!("{what}, {window}, {filter}");
                    println!("{name:<60} {p50:>8.1} {p95:>8.1}");
                }
            }
        }
        Ok(())
    }

    /// As the API exports: CSV, at most a million events.
    async fn export(&mut self) -> Result<()> {
        std::fs::write("/proc/self/clear_refs", "5").ok();
        let (begun, cpu) = (Instant::now(), cpu_seconds());
        let mut index = Index::open_read_only(self.dir).await?;
        index.freeze().await?;
        let ledger = LedgerSource::directory(self.dir).reader().await?;
        let walk = Walk::begin(index, ledger, Search::default()).await?;
        let mut pieces = Pieces::new(walk, Lines::Events(Encoder::new(Format::Csv)));
        let mut bytes = 0;
        while pieces.rows() < 1_000_000 {
            let Some(piece) = pieces.next().await? else { break };
            bytes += piece.len();
        }
        let rows = pieces.rows();
        let (seconds, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        println!(
            "\nexport to CSV: {rows} events, {} MB, {:.0} a second ({:.0} a second of CPU), at most {} MB resident",
            bytes / 1_000_000,
            rows as f64 / seconds,
            rows as f64 / cpu,
            resident_peak() / 1000,
        );
        Ok(())
    }
}

/// When a question was asked: by the clock, or by what this process had used of the processors.
struct Begun(Instant, f64);

impl Begun {
    fn now() -> Self {
        Self(Instant::now(), cpu_ms())
    }

    /// Milliseconds since: of processor time where the environment has `BENCH_CPU`, which tells more on a
    /// machine that does other things as well.
    fn taken(&self) -> f64 {
        if std::env::var_os("BENCH_CPU").is_some() {
            return cpu_ms() - self.1;
        }
        self.0.elapsed().as_secs_f64() * 1000.0
    }
}

/// What the threads of this process have used of the processors, in milliseconds.
fn cpu_ms() -> f64 {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let used = threads.map(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        stat.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or(0.0)
    });
    used.sum::<f64>() / 1e6
}

/// The median and the 95th percentile.
fn percentiles(taken: &mut [f64]) -> (f64, f64) {
    taken.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let place = (taken.len() as f64 * share).ceil() as usize;
        taken.get(place.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    };
    (at(0.5), at(0.95))
}

/// What this process has used of the processors.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks =
        |place: usize| fields.get(place).and_then(|it| it.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// The most memory that was resident since it was last asked to forget, in kilobytes.
fn resident_peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}
