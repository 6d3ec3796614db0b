//! Readers with SQL: with scopes they learn nothing of other scopes, whatever they ask.

use std::collections::{BTreeMap, BTreeSet};

use countersign::store::set_reader;

use super::rights::filled;
use crate::support::Postgres;

/// What somebody tries who may see the pool blue alone.
const ATTEMPTS: [&str; 27] = [
    "SELECT doc FROM countersign.entries",
    "SET countersign.scopes = '{}'; SELECT doc FROM countersign.visible_entries()",
    "SET ROLE countersign_reader; SELECT doc FROM countersign.visible_entries()",
    "SET ROLE countersign_sight; SELECT doc FROM countersign.entries",
    "SET ROLE countersign_auditor; SELECT doc FROM countersign.entries",
    "SET row_security = off; SELECT doc FROM countersign.visible_entries()",
    "SELECT doc FROM ONLY countersign.entries_rest",
    "SELECT e FROM (SELECT oid::regclass FROM pg_class WHERE relname ~ '^entries_') e; \
     SELECT doc FROM countersign.entries_rest",
    "TABLE countersign.writers",
    "TABLE countersign.purged",
    "TABLE countersign.readers",
    "TABLE countersign.migrations",
    "SELECT countersign.my_view(), countersign.sees('\"everything\"', '{}')",
    "CREATE FUNCTION pg_temp.show(t text) RETURNS boolean COST 0.0001 LANGUAGE plpgsql AS \
     $$ BEGIN RAISE WARNING 'seen %', t; RETURN true; END $$; \
     SELECT doc FROM countersign.visible_entries() WHERE pg_temp.show(doc)",
    "CREATE FUNCTION pg_temp.sees(jsonb, text) RETURNS boolean LANGUAGE sql AS 'SELECT true'; \
     CREATE TEMP VIEW entries AS SELECT 'x' AS doc; \
     SET search_path = pg_temp, countersign; SELECT doc FROM visible_entries()",
    "SELECT 1 / (length(doc) - length(doc)) FROM countersign.visible_entries() \
     WHERE scope NOT LIKE '%blue%'",
    "SELECT doc::int FROM countersign.visible_entries() WHERE scope NOT LIKE '%blue%'",
    "DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT * FROM countersign.visible_entries(); \
     FETCH ALL FROM c; FETCH ABSOLUTE 3 FROM c",
    "PREPARE p AS SELECT * FROM countersign.visible_entries($1); EXECUTE p('-infinity')",
    "SELECT countersign.visible_entries()",
    "SELECT most_common_vals, histogram_bounds FROM pg_stats WHERE schemaname = 'countersign'",
    "COPY countersign.entries TO STDOUT",
    "COPY (SELECT * FROM countersign.visible_entries()) TO STDOUT",
    "SET debug_print_plan = on; SET debug_print_parse = on; SET debug_print_rewritten = on; \
     SET client_min_messages = log; SELECT doc FROM countersign.visible_entries()",
    "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; \
     SET auto_explain.log_nested_statements = on; SELECT * FROM countersign.visible_entries()",
    "SELECT chunk_data FROM pg_toast.pg_toast_1",
    "SELECT query FROM pg_stat_activity; SELECT pg_read_file('base/1/1259')",
];

fn blue() -> BTreeMap<String, BTreeSet<String>> {
    [("pool".to_owned(), ["blue".to_owned()].into())].into()
}

#[tokio::test]
async fn a_reader_with_a_scope_sees_nothing_of_others_by_any_sql() {
    let server = Postgres::start();
    let database = filled(&server).await;
    server.sql("postgres", "CREATE ROLE ada LOGIN; CREATE ROLE bo LOGIN; CREATE ROLE eve LOGIN");
    let owner = server.target("owner", &database);
    set_reader(&owner, "ada", Some(&blue())).await.unwrap();
    set_reader(&owner, "bo", None).await.unwrap();
    set_reader(&owner, "eve", Some(&BTreeMap::new())).await.unwrap();
    server.sql(&database, "ANALYZE");
    let count = "SELECT count(*) FROM countersign.";
    for (login, expected) in [("ada", "2"), ("bo", "5"), ("eve", "0"), ("proxy", "5")] {
        let sql = format!("{count}visible_entries()");
        assert_eq!(server.try_sql(login, &database, &sql).unwrap(), expected, "{login}");
    }
    for login in ["bo", "proxy"] {
        let seen = server.try_sql(login, &database, &format!("{count}entries"));
        assert_eq!(seen.unwrap(), "5", "{login}");
    }
    let all =
        "SELECT string_agg(id::text, ' ' ORDER BY seq) FROM countersign.entries WHERE seq < 5";
    let ids = server.sql(&database, all);
    let ids: Vec<&str> = ids.split(' ').collect();
    for sql in ATTEMPTS {
        let said = match server.try_sql("ada", &database, sql) {
            Ok(said) | Err(said) => said,
        };
        let leaks = ids[1..].iter().any(|id| said.contains(id)) || said.contains("u0000");
        assert!(!leaks, "{sql}: {said}");
        assert!(!said.contains("green"), "{sql}: {said}");
        // Of what is done inside of the function nothing is printed.
        assert!(!said.contains("relid") || !said.contains("SEQSCAN"), "{sql}: {said}");
    }
    // Bounds of time, with the first and without the last moment.
    let at = server.sql(&database, "SELECT at FROM countersign.entries WHERE seq = 1");
    for (bounds, expected) in [
        (format!("'{at}'"), "2"),
        (format!("NULL, '{at}'"), "0"),
        (format!("'{at}', 'infinity'"), "2"),
        (format!("'{at}'::timestamptz + interval '1 us'"), "0"),
        ("'-infinity', now() + interval '1 hour'".to_owned(), "2"),
    ] {
        let sql = format!("{count}visible_entries({bounds})");
        assert_eq!(server.try_sql("ada", &database, &sql).unwrap(), expected, "{bounds}");
    }
}

#[tokio::test]
async fn what_a_reader_has_changes_with_its_scopes_and_whoever_reads_tables_gets_none() {
    let server = Postgres::start();
    let database = filled(&server).await;
    server.sql("postgres", "CREATE ROLE ada LOGIN; CREATE ROLE root2 LOGIN SUPERUSER");
    let owner = server.target("owner", &database);
    let tables = "SELECT count(*) FROM countersign.entries";
    let visible = "SELECT count(*) FROM countersign.visible_entries()";
    for _ in 0..2 {
        set_reader(&owner, "ada", Some(&blue())).await.unwrap();
        assert_eq!(server.try_sql("ada", &database, visible).unwrap(), "2");
        assert!(server.try_sql("ada", &database, tables).unwrap_err().contains("permission"));
        set_reader(&owner, "ada", None).await.unwrap();
        assert_eq!(server.try_sql("ada", &database, visible).unwrap(), "5");
        assert_eq!(server.try_sql("ada", &database, tables).unwrap(), "5");
    }
    // Of no use with scopes: what reads tables, by a role that it could take as well.
    server.sql(
        &database,
        "CREATE ROLE team; GRANT countersign_auditor TO team; \
         CREATE ROLE carl LOGIN NOINHERIT IN ROLE team; CREATE ROLE dora LOGIN; \
         GRANT SELECT (id) ON countersign.entries TO dora",
    );
    for login in ["carl", "dora", "proxy", "owner", "root2"] {
        let error = set_reader(&owner, login, Some(&blue())).await.unwrap_err();
        assert_eq!(error.reason(), "denied", "{login}: {error}");
        assert!(error.to_string().contains(login), "{error}");
    }
    assert!(set_reader(&owner, "nobody", None).await.is_err());
    assert_eq!(server.sql(&database, "SELECT count(*) FROM countersign.readers"), "1");
}

/// Questions of which the answer must not depend on what is hidden: `{}` is a value of the hidden row
/// or one that no row has.
const ORACLES: [&str; 5] = [
    "EXPLAIN SELECT 1 FROM {rel} WHERE {column} = {}",
    "EXPLAIN SELECT 1 FROM {rel} WHERE {column} >= {}",
    "EXPLAIN SELECT 1 FROM {rel} WHERE {column} BETWEEN {} AND {} LIMIT 1",
    "EXPLAIN (ANALYZE, BUFFERS, WAL, VERBOSE, TIMING OFF, SUMMARY OFF) \
     SELECT 1 FROM {rel} WHERE {column} = {}",
    "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF) \
     SELECT 1 FROM {rel} WHERE {column} >= {} AND {column} <= {}",
];

/// Asks as `ada`, in one session, first to warm its caches; whether the answers differ.
fn tells(server: &Postgres, database: &str, [hit, miss]: [&String; 2]) -> Option<String> {
    let sql = format!("{hit}; {miss}; SELECT '--'; {hit}; SELECT '--'; {miss}");
    let said = server.try_sql("ada", database, &sql).ok()?;
    let mut parts = said.split("\n--\n").skip(1);
    let quoted = regex::Regex::new("'[^']*'").unwrap();
    let mut plain = || quoted.replace_all(parts.next().unwrap(), "?").into_owned();
    let (hit, miss) = (plain(), plain());
    (hit != miss).then(|| format!("{sql}:\n{hit}\n{miss}"))
}

/// Every question about every column of everything in the schema, and of the function.
fn questions(server: &Postgres, database: &str) -> Vec<[String; 2]> {
    let values = server.sql(
        database,
        "SELECT c.oid::regclass || '|' || a.attname || '|' || format_type(a.atttypid, NULL) \
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
         WHERE c.relnamespace = 'countersign'::regnamespace AND c.relkind IN ('r', 'p', 'v') \
         ORDER BY 1",
    );
    let hidden = |column: &str| {
        server.sql(database, &format!("SELECT {column} FROM countersign.entries WHERE seq = 2"))
    };
    let of_function = ["at", "id", "kind", "writer", "scope", "doc"].map(|column| {
        let kind = match column {
            "at" => "timestamp with time zone",
            "id" => "uuid",
            _ => "text",
        };
        format!("countersign.visible_entries()|{column}|{kind}")
    });
    let mut questions = Vec::new();
    for line in values.lines().map(str::to_owned).chain(of_function) {
        let fields: Vec<&str> = line.split('|').collect();
        let [rel, column, kind] = fields[..] else { panic!("{line}") };
        let known = ["writer", "seq", "kind", "id", "intent", "scope", "doc", "leaf", "at"];
        let value = match known.contains(&column) && rel != "countersign.migrations" {
            true => hidden(column),
            false => String::new(),
        };
        let (hit, miss) = match kind {
            "timestamp with time zone" => (value.clone(), "2199-01-01".to_owned()),
            "uuid" => (value.clone(), "ffffffff-ffff-7fff-bfff-ffffffffffff".to_owned()),
            "bigint" | "integer" => ("2".to_owned(), "987654321".to_owned()),
            "jsonb" => ("{}".to_owned(), "{\"x\": []}".to_owned()),
            "bytea" => (value.clone(), "\\xff".to_owned()),
            _ => (value.clone(), format!("{value}~")),
        };
        let hit = if hit.is_empty() { miss.replace('2', "1") } else { hit };
        for oracle in ORACLES {
            let ask = |value: &str| {
                let value = format!("'{value}'::{kind}");
                oracle.replace("{rel}", rel).replace("{column}", column).replace("{}", &value)
            };
            questions.push([ask(&hit), ask(&miss)]);
        }
    }
    // The bounds of the function itself: around the hidden row, and beside it.
    let at = hidden("at");
    let bounds = |from: u32| {
        format!(
            "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF) SELECT doc FROM \
             countersign.visible_entries(timestamptz '{at}' + interval '{from} us', \
             timestamptz '{at}' + interval '{} us')",
            from + 1
        )
    };
    questions.push([bounds(0), bounds(1)]);
    questions
}

#[tokio::test]
async fn how_a_query_runs_tells_a_reader_with_a_scope_nothing_of_what_is_hidden() {
    let server = Postgres::start();
    let database = filled(&server).await;
    server.sql("postgres", "CREATE ROLE ada LOGIN");
    let owner = server.target("owner", &database);
    set_reader(&owner, "ada", Some(&blue())).await.unwrap();
    server.sql(&database, "ANALYZE");
    let questions = questions(&server, &database);
    assert!(questions.len() > 100, "{}", questions.len());
    for [hit, miss] in &questions {
        let told = tells(&server, &database, [hit, miss]);
        assert!(told.is_none(), "{}", told.unwrap());
    }
    // Row-level security alone would not do: asked of the tables, they do tell.
    server.sql(&database, "GRANT countersign_auditor TO ada");
    let of_tables = questions.iter().filter(|[hit, _]| hit.contains("FROM countersign.entries "));
    let told = of_tables.filter(|[hit, miss]| tells(&server, &database, [hit, miss]).is_some());
    assert!(told.count() > 0);
}
