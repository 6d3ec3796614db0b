//! What guards the ledger in PostgreSQL: its triggers, what its functions do, row-level security, and that
//! nothing else runs on its tables. A proxy's login can look, and not make anything again; the owner's can.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{Acquire, AssertSqlSafe, Executor, PgConnection};

use super::migrate::{self, POSTGRES_SCHEMA_VERSION};
use super::reader::pairs;
use super::session::Session;
use super::statements::{Made, Statement, statements};
use crate::store::{Breach, StoreError, Unguarded};

/// Tables and triggers of `schema/1.sql`, of which partitions have their own copies.
const WANTED: [(&str, &str); 8] = [
    ("entries", "no_update"),
    ("entries", "no_delete"),
    ("entries", "no_truncate"),
    ("writers", "no_going_back"),
    ("writers", "no_delete"),
    ("writers", "no_truncate"),
    ("purged", "no_change"),
    ("purged", "no_truncate"),
];

/// Tables under row-level security.
const SECURED: [&str; 4] = ["entries", "writers", "purged", "readers"];

/// What the policies allow, but for space and parentheses: table, name, and that.
const POLICIES: [(&str, &str, &str); 3] = [
    ("entries", "by_scope", "seesSELECTmy_viewASmy_view,scope"),
    ("writers", "everything", "SELECTmy_viewASmy_view='\"everything\"'::jsonb"),
    ("purged", "everything", "SELECTmy_viewASmy_view='\"everything\"'::jsonb"),
];

/// The functions that triggers run.
const REFUSING: [&str; 2] = ["refuse", "delete_only_purged"];

/// What runs on the tables of the ledger: `table.trigger`, and whether it is the schema's own and works; the
/// partitions; the functions, by what they do; and what row-level security is there.
const SELECT_GUARDS: &str = "SELECT c.relname || '.' || t.tgname, \
        CASE WHEN f.pronamespace <> c.relnamespace OR f.proname NOT IN ('refuse', 'delete_only_purged') \
                  OR t.tgname NOT IN ('no_update', 'no_delete', 'no_truncate', 'no_going_back', 'no_change') \
             THEN 'foreign' \
             WHEN t.tgenabled NOT IN ('O', 'A') THEN 'off' \
             WHEN t.tgtype <> CASE t.tgname WHEN 'no_update' THEN 19 WHEN 'no_delete' THEN 11 \
                      WHEN 'no_truncate' THEN 34 WHEN 'no_going_back' THEN 19 ELSE 27 END \
                  OR (f.proname = 'delete_only_purged') \
                     <> (t.tgname = 'no_delete' AND c.relname LIKE 'entries%') \
                  OR t.tgattr::text <> '' \
                  OR (t.tgname <> 'no_going_back' AND t.tgqual IS NOT NULL) \
                  OR (t.tgname = 'no_going_back' AND translate(pg_get_triggerdef(t.oid), ' ()', '') NOT LIKE \
                      '%WHENnew.head<old.headORnew.closed<old.closedORnew.epoch<old.epochORnew.writer<>old.writerEXECUTE%') \
             THEN 'changed' ELSE 'own' END \
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc f ON f.oid = t.tgfoid \
    WHERE c.relnamespace = 'countersign'::regnamespace AND NOT t.tgisinternal \
    UNION ALL \
    SELECT c.relname || '.' || r.rulename, 'foreign' \
    FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class \
    WHERE c.relnamespace = 'countersign'::regnamespace AND c.relkind IN ('r', 'p') \
    UNION ALL \
    SELECT c.relname || '.no_truncate', 'partition' \
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid \
    WHERE i.inhparent = 'countersign.entries'::regclass \
    UNION ALL \
    SELECT p.proname, 'function ' || encode(sha256(convert_to(p.prosrc, 'UTF8')), 'hex') || p.prosecdef \
        || CASE WHEN p.proname = 'visible_entries' \
                     AND pg_get_userbyid(p.proowner) <> 'countersign_sight' \
                     AND EXISTS (SELECT FROM pg_roles r \
                         WHERE r.rolname IN ('countersign_reader', 'countersign_auditor') \
                               AND has_function_privilege(r.oid, p.oid, 'EXECUTE')) \
                THEN ' of another' ELSE '' END \
    FROM pg_proc p WHERE p.pronamespace = 'countersign'::regnamespace \
    UNION ALL \
    SELECT c.relname, 'secured' FROM pg_class c \
    WHERE c.relnamespace = 'countersign'::regnamespace AND c.relrowsecurity \
    UNION ALL \
    SELECT c.relname || '.' || y.polname, 'policy ' || CASE \
        WHEN y.polcmd = 'r' AND y.polpermissive AND y.polroles::text = '{0}' AND y.polwithcheck IS NULL \
        THEN translate(replace(pg_get_expr(y.polqual, y.polrelid), 'countersign.', ''), E' ()\\n', '') \
        ELSE '' END \
    FROM pg_policy y JOIN pg_class c ON c.oid = y.polrelid \
    WHERE c.relnamespace = 'countersign'::regnamespace \
    UNION ALL \
    SELECT 'version', max(version)::text FROM countersign.migrations";

/// What is wrong with what guards the ledger.
pub(super) async fn unguarded(session: &mut Session) -> Result<Vec<Unguarded>, StoreError> {
    let found: Vec<(String, String)> = pairs(&session.rows(sqlx::query(SELECT_GUARDS)).await?)?;
    let named = |kind: &str| -> BTreeSet<&str> {
        let of_kind = found.iter().filter(|(_, found)| found == kind);
        of_kind.map(|(name, _)| name.as_str()).collect()
    };
    let (own, off, foreign) = (named("own"), named("off"), named("foreign"));
    let changed = named("changed");
    let mut missing: BTreeSet<String> = off.into_iter().map(str::to_owned).collect();
    let mut wanted: BTreeSet<String> =
        WANTED.iter().map(|(table, trigger)| format!("{table}.{trigger}")).collect();
    wanted.extend(named("partition").into_iter().map(str::to_owned));
    missing.extend(
        wanted.into_iter().filter(|name| !own.contains(&**name) && !changed.contains(&**name)),
    );
    let mut all: Vec<Unguarded> =
        missing.into_iter().map(|name| Unguarded { breach: Breach::Missing, name }).collect();
    let changed = changed.into_iter().map(str::to_owned);
    all.extend(changed.map(|name| Unguarded { breach: Breach::Changed, name }));
    all.extend(foreign.into_iter().map(Unguarded::foreign));
    // A later version may do something else, and still be one that this one can work with.
    if named(&POSTGRES_SCHEMA_VERSION.to_string()).contains("version") {
        all.extend(functions(&found));
        all.extend(security(&found));
    }
    Ok(all)
}

/// Functions that do something else than the schema's.
fn functions(found: &[(String, String)]) -> Vec<Unguarded> {
    let mut wanted: BTreeMap<&str, String> = BTreeMap::new();
    for Statement { made, sql } in migrate::steps_of_schema().flat_map(statements) {
        let Made::Function(name) = made else { continue };
        let (body, definer) = (body(sql).unwrap_or(""), sql.contains("SECURITY DEFINER"));
        let digest = ring::digest::digest(&ring::digest::SHA256, body.as_bytes());
        wanted.insert(name, format!("function {}{definer}", hex::encode(digest)));
    }
    let is_as_wanted = |name: &str, wanted: &String| {
        let mut of_name =
            found.iter().filter(|(found, kind)| found == name && kind.starts_with("function "));
        let first = of_name.next();
        first.is_some_and(|(_, kind)| kind == wanted) && of_name.all(|(_, kind)| kind == wanted)
    };
    let changed = wanted.iter().filter(|(name, wanted)| !is_as_wanted(name, wanted));
    let breach = |name: &str| match REFUSING.contains(&name) {
        true => Breach::Changed,
        false => Breach::Function,
    };
    changed.map(|(name, _)| Unguarded { breach: breach(name), name: format!("{name}()") }).collect()
}

/// The text between dollars.
fn body(sql: &str) -> Option<&str> {
    Some(sql.split_once("$$")?.1.rsplit_once("$$")?.0)
}

/// Row-level security that is not as the schema has it.
fn security(found: &[(String, String)]) -> Vec<Unguarded> {
    let is_secured =
        |table: &str| found.iter().any(|(name, kind)| name == table && kind == "secured");
    let open = SECURED.iter().filter(|table| !is_secured(table)).map(|table| (*table).to_owned());
    let mut open: BTreeSet<String> = open.collect();
    let mut known = BTreeSet::new();
    for (table, policy, allows) in POLICIES {
        let (name, wanted) = (format!("{table}.{policy}"), format!("policy {allows}"));
        if !found.iter().any(|(found, kind)| *found == name && *kind == wanted) {
            open.insert(name.clone());
        }
        known.insert(name);
    }
    let policies = found.iter().filter(|(_, kind)| kind.starts_with("policy "));
    let foreign = policies.filter(|(name, _)| !known.contains(name));
    open.extend(foreign.map(|(name, _)| Unguarded::foreign(name).name));
    open.into_iter().map(|name| Unguarded { breach: Breach::RowSecurity, name }).collect()
}

/// Makes again what is missing or changed, as the owner. What is not the schema's own is left alone.
pub(super) async fn restore(
    conn: &mut PgConnection,
    wrong: &[Unguarded],
) -> Result<(), StoreError> {
    let mut sql: Vec<String> = Vec::new();
    let all: Vec<Statement<'_>> = migrate::steps_of_schema().flat_map(statements).collect();
    let is_of = |name: &str| wrong.iter().any(|it| it.breach != Breach::Foreign && it.name == name);
    // A trigger of a partition comes and goes with the one of the whole table.
    let is_hit = |table: &str, trigger: &str| {
        let of_a_part = table == "entries"
            && trigger != "no_truncate"
            && wrong.iter().any(|it| {
                it.name.starts_with("entries_") && it.name.ends_with(&format!(".{trigger}"))
            });
        of_a_part || is_of(&format!("{table}.{trigger}"))
    };
    for Statement { made, sql: text } in &all {
        match made {
            Made::Function(name) if is_of(&format!("{name}()")) => {
                sql.push(text.replacen("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1));
            }
            Made::Trigger { name, table } if is_hit(table, name) => {
                sql.push(format!("DROP TRIGGER IF EXISTS {name} ON countersign.{table}"));
                sql.push((*text).to_owned());
            }
            Made::Security(table) if is_of(table) => sql.push((*text).to_owned()),
            Made::Policy { name, table } if is_of(&format!("{table}.{name}")) => {
                sql.push(format!("DROP POLICY IF EXISTS {name} ON countersign.{table}"));
                sql.push((*text).to_owned());
            }
            _ => {}
        }
    }
    for it in wrong.iter().filter(|it| it.breach != Breach::Foreign) {
        let Some(table) = it.name.strip_suffix(".no_truncate") else { continue };
        let is_month = |c: char| c.is_ascii_digit() || c == '_';
        if table.strip_prefix("entries_").is_some_and(|month| month.chars().all(is_month)) {
            sql.push(format!("DROP TRIGGER IF EXISTS no_truncate ON countersign.{table}"));
            sql.push(format!(
                "CREATE TRIGGER no_truncate BEFORE TRUNCATE ON countersign.{table} \
                 FOR EACH STATEMENT EXECUTE FUNCTION countersign.refuse()"
            ));
        }
    }
    let mut transaction = conn.begin().await.map_err(migrate::failed)?;
    for text in [migrate::PATIENCE, migrate::LOCK] {
        transaction.execute(text).await.map_err(migrate::failed)?;
    }
    for text in sql {
        let text = sqlx::raw_sql(AssertSqlSafe(text));
        transaction.execute(text).await.map_err(migrate::failed)?;
    }
    transaction.execute(sqlx::raw_sql(migrate::ROLES)).await.map_err(migrate::failed)?;
    transaction.commit().await.map_err(migrate::failed)
}
