//! A number of each row of a block: when in its hour it arrived, and what its terms of some kinds are.
//!
//! Stored in pieces of some rows each: who wants to know it of a few rows reads the pieces that these are
//! in, and who adds rows writes the last one again.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::IndexError;
use super::bits::{Bits, ROWS, numbers, stored_numbers};

/// Rows of a piece. A block has at most 64 pieces.
const PIECE: usize = if cfg!(test) { 8 } else { 256 };
const PIECES: i64 = 64;
const _: () = assert!(ROWS as usize <= 256 * PIECES as usize);
/// Pieces that are looked for one by one; more are read from the first to the last.
const FEW: usize = 2;

/// Of what the numbers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// Milliseconds since the hour began.
    Times = 0,
    /// The term of the row's actor; 0 where there is none.
    Actors = 1,
    /// The term of the names of its targets; 0 where there is none.
    Names = 2,
}

impl Column {
    pub(super) const ALL: [Self; 3] = [Self::Times, Self::Actors, Self::Names];
}

/// Where a piece stands.
fn key(column: Column, block: i64, piece: usize) -> i64 {
    let first = (block * 4 + column as i64) * PIECES;
    first + i64::try_from(piece).unwrap_or(PIECES - 1).min(PIECES - 1)
}

/// The numbers of these rows of a block, by row; of other rows they may be left out, or 0.
pub(super) fn of_rows(
    conn: &Connection,
    column: Column,
    block: i64,
    rows: &Bits,
) -> Result<Vec<u32>, IndexError> {
    let mut pieces: Vec<usize> = Vec::with_capacity(FEW + 1);
    for piece in rows.rows().map(|row| usize::from(row) / PIECE) {
        if pieces.last() != Some(&piece) {
            pieces.push(piece);
        }
        if pieces.len() > FEW {
            break;
        }
    }
    let mut all = Vec::new();
    if let (Some(first), true) = (pieces.first(), pieces.len() > FEW) {
        let last = usize::from(rows.last().unwrap_or_default()) / PIECE;
        read(conn, column, block, (*first, last), &mut all)?;
        return Ok(all);
    }
    for piece in pieces {
        read(conn, column, block, (piece, piece), &mut all)?;
    }
    Ok(all)
}

/// The numbers of all rows of a block.
pub(super) fn all(conn: &Connection, column: Column, block: i64) -> Result<Vec<u32>, IndexError> {
    let mut all = Vec::new();
    read(conn, column, block, (0, usize::MAX), &mut all)?;
    Ok(all)
}

fn read(
    conn: &Connection,
    column: Column,
    block: i64,
    (first, last): (usize, usize),
    all: &mut Vec<u32>,
) -> Result<(), IndexError> {
    let sql = "SELECT key, numbers FROM columns WHERE key BETWEEN ?1 AND ?2 ORDER BY key";
    let mut select = conn.prepare_cached(sql).map_err(IndexError::of_search)?;
    let keys = [key(column, block, first), key(column, block, last)];
    let mut found = select.query(keys).map_err(IndexError::of_search)?;
    while let Some(row) = found.next().map_err(IndexError::of_search)? {
        let key: i64 = row.get(0).map_err(IndexError::of_search)?;
        let begin = usize::try_from(key % PIECES).unwrap_or_default() * PIECE;
        let stored = row.get_ref(1).and_then(|stored| Ok(stored.as_blob()?));
        all.resize(begin.max(all.len()), 0);
        all.truncate(begin);
        all.extend(numbers(stored.map_err(IndexError::of_search)?).into_iter().take(PIECE));
    }
    Ok(())
}

/// All columns of a block that is written.
pub(super) struct Columns {
    numbers: [Vec<u32>; 3],
    /// Columns and pieces that have changed.
    changed: BTreeSet<(usize, usize)>,
}

impl Columns {
    pub(super) fn read(conn: &Connection, block: i64) -> Result<Self, IndexError> {
        let [times, actors, names] = Column::ALL.map(|column| all(conn, column, block));
        Ok(Self { numbers: [times?, actors?, names?], changed: BTreeSet::new() })
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.of(Column::Times).len()
    }

    pub(super) fn of(&self, column: Column) -> &[u32] {
        self.numbers.get(column as usize).map(Vec::as_slice).unwrap_or_default()
    }

    /// Adds a row that has arrived at this time.
    pub(super) fn push(&mut self, time: u32) {
        let row = self.rows();
        for (column, numbers) in self.numbers.iter_mut().enumerate() {
            numbers.push(if column == Column::Times as usize { time } else { 0 });
            self.changed.insert((column, row / PIECE));
        }
    }

    pub(super) fn set(&mut self, column: Column, row: u16, number: u32) {
        let (column, row) = (column as usize, usize::from(row));
        let there = self.numbers.get_mut(column).and_then(|numbers| numbers.get_mut(row));
        if let Some(there) = there {
            *there = number;
            self.changed.insert((column, row / PIECE));
        }
    }

    /// Writes what has changed.
    pub(super) fn write(&self, conn: &Connection, block: i64) -> Result<(), IndexError> {
        let sql = "INSERT OR REPLACE INTO columns (key, numbers) VALUES (?1, ?2)";
        let mut insert = conn.prepare_cached(sql).map_err(IndexError::Update)?;
        for (number, piece) in &self.changed {
            let Some(column) = Column::ALL.get(*number).copied() else { continue };
            let numbers = self.of(column).chunks(PIECE).nth(*piece).unwrap_or_default();
            let values = params![key(column, block, *piece), stored_numbers(numbers)];
            insert.execute(values).map_err(IndexError::Update)?;
        }
        let sql = "INSERT OR REPLACE INTO blocks (block, last) VALUES (?1, ?2)";
        let last = self.of(Column::Times).iter().max();
        let mut insert = conn.prepare_cached(sql).map_err(IndexError::Update)?;
        insert.execute(params![block, last]).map(drop).map_err(IndexError::Update)
    }

    /// Forgets a block.
    pub(super) fn remove(conn: &Connection, block: i64) -> Result<(), IndexError> {
        let keys = [key(Column::Times, block, 0), key(Column::Names, block, usize::MAX)];
        conn.prepare_cached("DELETE FROM columns WHERE key BETWEEN ?1 AND ?2")
            .and_then(|mut delete| delete.execute(keys))
            .map(drop)
            .map_err(IndexError::Update)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{Column, Columns, all, of_rows};
    use crate::index::bits::Bits;
    use crate::index::schema::SCHEMA;

    #[test]
    fn some_rows_have_the_numbers_that_they_have_among_all() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch(SCHEMA).unwrap();
        for (block, rows) in [(6, 3), (7, 40), (8, 64)] {
            let mut columns = Columns::read(&conn, block).unwrap();
            for row in 0..rows {
                columns.push(1000 + u32::from(row));
                columns.set(Column::Names, row, u32::from(row) * 2);
            }
            columns.write(&conn, block).unwrap();
            // Later something comes, and something else is not so any more.
            let mut columns = Columns::read(&conn, block).unwrap();
            columns.push(5);
            columns.set(Column::Actors, 1, 9);
            columns.set(Column::Actors, 1_000, 9);
            columns.write(&conn, block).unwrap();
            assert_eq!(Columns::read(&conn, block).unwrap().rows(), usize::from(rows) + 1);
        }
        Columns::remove(&conn, 6).unwrap();
        assert!(all(&conn, Column::Times, 6).unwrap().is_empty());
        let names = all(&conn, Column::Names, 7).unwrap();
        assert_eq!(names, (0..40).map(|row| row * 2).chain([0]).collect::<Vec<u32>>());
        for column in Column::ALL {
            let all = all(&conn, column, 7).unwrap();
            for some in [&[][..], &[0], &[40], &[7, 8], &[1, 17, 18, 39], &[9, 30, 31]] {
                let mut rows = Bits::default();
                some.iter().for_each(|row| rows.set(*row));
                let numbers = of_rows(&conn, column, 7, &rows).unwrap();
                for row in some {
                    let at = usize::from(*row);
                    assert_eq!(numbers.get(at), all.get(at), "{column:?} {some:?} {row}");
                }
            }
        }
    }
}
