//! What guards the ledger in PostgreSQL: its triggers, and that nothing else runs on its tables. A proxy's
//! login can look, and not make anything again.

use std::collections::BTreeSet;

use super::reader::pairs;
use super::session::Session;
use crate::store::{Breach, StoreError, Unguarded};

/// Tables and triggers of `schema/1.sql`, of which partitions have their own copies.
const WANTED: [(&str, &str); 9] = [
    ("entries", "no_update"),
    ("entries", "no_delete"),
    ("entries", "no_truncate"),
    ("writers", "no_going_back"),
    ("writers", "no_delete"),
    ("writers", "no_truncate"),
    ("purged", "no_change"),
    ("purged", "no_truncate"),
    ("entries_rest", "no_truncate"),
];

/// What runs on the tables of the ledger: `table.trigger`, and whether it is the schema's own and works.
const SELECT_GUARDS: &str = "SELECT c.relname || '.' || t.tgname, \
        CASE WHEN f.pronamespace = c.relnamespace AND f.proname IN ('refuse', 'delete_only_purged') \
                  AND t.tgname IN ('no_update', 'no_delete', 'no_truncate', 'no_going_back', 'no_change') \
             THEN CASE WHEN t.tgenabled IN ('O', 'A') THEN 'own' ELSE 'off' END ELSE 'foreign' END \
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc f ON f.oid = t.tgfoid \
    WHERE c.relnamespace = 'countersign'::regnamespace AND NOT t.tgisinternal \
    UNION ALL \
    SELECT c.relname || '.' || r.rulename, 'foreign' \
    FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class \
    WHERE c.relnamespace = 'countersign'::regnamespace AND c.relkind IN ('r', 'p')";

/// What is wrong with what guards the ledger.
pub(super) async fn unguarded(session: &mut Session) -> Result<Vec<Unguarded>, StoreError> {
    let found: Vec<(String, String)> = pairs(&session.rows(sqlx::query(SELECT_GUARDS)).await?)?;
    let named = |kind: &str| -> BTreeSet<&str> {
        let of_kind = found.iter().filter(|(_, found)| found == kind);
        of_kind.map(|(name, _)| name.as_str()).collect()
    };
    let (own, off, foreign) = (named("own"), named("off"), named("foreign"));
    let mut missing: BTreeSet<String> = off.into_iter().map(str::to_owned).collect();
    let wanted = WANTED.iter().map(|(table, trigger)| format!("{table}.{trigger}"));
    missing.extend(wanted.filter(|name| !own.contains(name.as_str())));
    let missing = missing.into_iter().map(|name| Unguarded { breach: Breach::Missing, name });
    let foreign = foreign.into_iter().map(Unguarded::foreign);
    Ok(missing.chain(foreign).collect())
}
