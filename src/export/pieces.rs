//! An export as it is given away: while a piece is made of events that were read, the next ones are read.

use tokio::task::spawn_blocking;

use super::{Encoder, Walk, WalkError};
use crate::index::{Index, Row, View};
use crate::query::{EventError, Joined, Summary};
use crate::record::Stored;
use crate::seal::{Bundler, SealError};

/// Why an export cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum PieceError {
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Walk(#[from] WalkError),
    /// An event cannot be written.
    #[error("an event cannot be written")]
    Event(#[from] EventError),
    /// A proof cannot be written.
    #[error("a proof cannot be written")]
    Proof(#[from] SealError),
    /// What was at work ended without a result.
    #[error("the export was given up")]
    Lost,
}

/// What the lines of an export are.
pub enum Lines {
    /// Events, as somebody sees them.
    Events(Encoder),
    /// Entries with their proofs.
    Entries(Box<Bundler>),
}

type Events = Vec<(Row, Vec<Stored>)>;

/// What is left of an export.
pub struct Pieces {
    walk: Walk,
    /// None at the end.
    lines: Option<Lines>,
    read: Option<Events>,
    /// Behind the last event: of which logs the hashes of what was purged are still to come, up to which
    /// entry, and after which.
    purged: Option<Vec<(String, u64, u64)>>,
    rows: u64,
}

impl Pieces {
    /// What the walk finds, as such lines. What comes before the first event is the caller's.
    pub fn new(walk: Walk, lines: Lines) -> Self {
        Self { walk, lines: Some(lines), read: None, purged: None, rows: 0 }
    }

    /// Events that were given away.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Whether the index has stood still for so long that [`Pieces::renew`] should be tried.
    pub fn is_stale(&self) -> bool {
        self.walk.is_stale()
    }

    /// Goes on with another connection to the index, as [`Walk::renew`] does.
    pub async fn renew(&mut self, index: Index) -> Result<(), WalkError> {
        self.walk.renew(index).await
    }

    /// The next piece, which may be empty; none behind the last.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, PieceError> {
        let Some(lines) = self.lines.take() else { return Ok(None) };
        if self.purged.is_some() {
            return self.ending(lines).await.map(Some);
        }
        let events = match self.read.take() {
            None => self.walk.entries().await?,
            read => read,
        };
        let Some(events) = events else { return self.ending(lines).await.map(Some) };
        let view = self.walk.view().clone();
        let made = spawn_blocking(move || made(lines, &view, events));
        let (made, read) = tokio::join!(made, self.walk.entries());
        let (lines, rows, piece) = made.map_err(|_| PieceError::Lost)??;
        self.read = read?;
        self.rows += rows;
        self.lines = Some(lines);
        Ok(Some(piece))
    }

    /// What comes behind the last event.
    async fn ending(&mut self, lines: Lines) -> Result<Vec<u8>, PieceError> {
        let mut piece = Vec::new();
        let bundler = match lines {
            Lines::Events(encoder) => {
                encoder.end(&mut piece);
                return Ok(piece);
            }
            Lines::Entries(bundler) => bundler,
        };
        if self.purged.is_none() {
            let wanted = bundler.wants_purged().into_iter();
            self.purged = Some(wanted.map(|(writer, size)| (writer, size, 0)).collect());
        }
        let left = self.purged.get_or_insert_default();
        let Some((writer, size, after)) = left.last_mut() else {
            bundler.end(&mut piece);
            return Ok(piece);
        };
        let purged = self.walk.purged(writer, *after).await?;
        bundler.purged(writer, &purged, &mut piece);
        *after = purged.last().map_or(*size, |last| last.seq);
        if *after >= *size {
            left.pop();
        }
        self.lines = Some(Lines::Entries(bundler));
        Ok(piece)
    }
}

/// A piece, and of how many events it is.
fn made(lines: Lines, view: &View, events: Events) -> Result<(Lines, u64, Vec<u8>), PieceError> {
    let (mut piece, mut rows) = (Vec::new(), 0);
    let lines = match lines {
        Lines::Entries(mut bundler) => {
            let before = bundler.events();
            for (_, entries) in &events {
                bundler.event(entries, &mut piece)?;
            }
            rows += bundler.events() - before;
            Lines::Entries(bundler)
        }
        Lines::Events(mut encoder) => {
            for (row, entries) in events {
                let mut event = Joined::of_row(&row, &entries)?;
                event.without_position(view);
                encoder.event(&Summary::from(row), event, &mut piece)?;
                rows += 1;
            }
            Lines::Events(encoder)
        }
    };
    Ok((lines, rows, piece))
}
