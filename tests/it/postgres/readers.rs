//! Readers with SQL: with scopes they learn nothing of other scopes, whatever they ask.

use std::collections::{BTreeMap, BTreeSet};

use countersign::store::{LedgerSource, set_reader};

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
    // What somebody forged makes nobody's reading fail, and is not seen.
    let deep = format!("{}1{}", "{\"a\":".repeat(3000), "}".repeat(3000));
    let long = format!("{{\"pool\":\"blue\",\"x\":\"{}\"}}", "x".repeat(100_000));
    let forged =
        ["{\"pool\":1e400000}", "{\"pool\":\"\\ud800\"}", "{\"a\":\"\\u0000\"}", &deep, &long];
    for (seq, scope) in (1000..).zip(forged) {
        let row = "kind, gen_random_uuid(), NULL";
        let sql = format!(
            "INSERT INTO countersign.entries SELECT 'forged', {seq}, {row}, '{scope}', doc, leaf, at \
             FROM countersign.entries WHERE seq = 1"
        );
        server.sql(&database, &sql);
        let sql = format!("{count}visible_entries()");
        let seen = server.try_sql("ada", &database, &sql);
        assert_eq!(seen.unwrap(), "2", "{}", scope.get(..40).unwrap_or(scope));
    }
}

#[tokio::test]
async fn whoever_does_not_see_everything_is_told_so_and_not_that_it_is_missing() {
    let server = Postgres::start();
    let database = filled(&server).await;
    server.sql("postgres", "CREATE ROLE fay LOGIN IN ROLE countersign_auditor");
    let fay = Box::new(server.target("fay", &database));
    let error = LedgerSource::Postgres(fay.clone()).reader().await.err().unwrap();
    assert_eq!(error.reason(), "denied", "{error}");
    assert!(error.to_string().contains("migrate --reader fay --all-scopes"), "{error}");
    set_reader(&server.target("owner", &database), "fay", None).await.unwrap();
    let mut reader = LedgerSource::Postgres(fay).reader().await.unwrap();
    assert_eq!(reader.writers().await.unwrap().len(), 1);
    reader.close().await.unwrap();
}

#[tokio::test]
async fn what_a_reader_has_changes_with_its_scopes_and_whoever_reads_tables_gets_none() {
    readers_come_and_go(&Postgres::start()).await;
}

/// How roles are given, and by whom, differs between versions.
pub(super) async fn readers_come_and_go(server: &Postgres) {
    let database = filled(server).await;
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
         GRANT SELECT (id) ON countersign.entries TO dora; \
         CREATE ROLE gus LOGIN CREATEROLE; CREATE ROLE hal LOGIN REPLICATION; \
         CREATE ROLE ida LOGIN IN ROLE pg_read_server_files; CREATE ROLE crew",
    );
    for login in ["carl", "crew", "dora", "gus", "hal", "ida", "proxy", "owner", "root2"] {
        let error = set_reader(&owner, login, Some(&blue())).await.unwrap_err();
        assert_eq!(error.reason(), "denied", "{login}: {error}");
        assert!(error.to_string().contains(login), "{error}");
    }
    assert!(set_reader(&owner, "nobody", None).await.is_err());
    assert_eq!(server.sql(&database, "SELECT count(*) FROM countersign.readers"), "1");
}

/// An entry that is hidden, with values of its own in every column, later than all others.
const HIDDEN: &str = "INSERT INTO countersign.entries \
    SELECT 'hidden', 1, kind, '0fffffff-ffff-7fff-8fff-ffffffffff00', NULL, '{\"pool\":\"mauve\"}', \
           '{\"secret\":\"xyzzy\"}', leaf, now() + interval '1 minute' \
    FROM countersign.entries WHERE seq = 2";

/// Questions of which the answer must not depend on what is hidden: `{}` is a value of the hidden row
/// or the next one to it, which no row has.
const ORACLES: [&str; 5] = [
    "EXPLAIN SELECT 1 FROM {rel} WHERE {column} = {}",
    "EXPLAIN SELECT 1 FROM {rel} WHERE {column} >= {}",
    "EXPLAIN SELECT 1 FROM {rel} WHERE {column} BETWEEN {} AND {} LIMIT 1",
    "EXPLAIN (ANALYZE, BUFFERS, WAL, VERBOSE, TIMING OFF, SUMMARY OFF) \
     SELECT 1 FROM {rel} WHERE {column} = {}",
    "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF) \
     SELECT 1 FROM {rel} WHERE {column} >= {} AND {column} <= {}",
];

/// No column of no relation can be asked for, neither with a plan alone nor with what came of it.
const NO_COLUMN: &str = "DO $$ DECLARE c record; q text; n int := 0; BEGIN \
    FOR c IN SELECT k.oid::regclass AS rel, quote_ident(a.attname) AS col, \
                    format_type(a.atttypid, NULL) AS type \
             FROM pg_class k JOIN pg_attribute a ON a.attrelid = k.oid \
             WHERE k.relnamespace = 'countersign'::regnamespace AND k.relkind IN ('r', 'p', 'v', 'm') \
    LOOP FOREACH q IN ARRAY ARRAY['SELECT', 'EXPLAIN SELECT', 'EXPLAIN (ANALYZE) SELECT'] LOOP \
        n := n + 1; \
        BEGIN \
            EXECUTE format('%s 1 FROM %s WHERE %s = NULL::%s', q, c.rel, c.col, c.type); \
            RAISE EXCEPTION 'allowed: % % %', q, c.rel, c.col; \
        EXCEPTION WHEN insufficient_privilege THEN NULL; \
        END; \
    END LOOP; END LOOP; \
    ASSERT n > 300, n; END $$";

/// Where the answers to a question differ by whether it hits. Each is asked in one session, first to
/// warm its caches.
fn told(server: &Postgres, database: &str, questions: &[[String; 2]]) -> Vec<String> {
    let all = questions.as_flattened().join("; ");
    let asked = questions.as_flattened().join("; SELECT '--'; ");
    let said = server.try_sql("ada", database, &format!("{all}; SELECT '--'; {asked}")).unwrap();
    let answers: Vec<&str> = said.split("--\n").skip(1).map(str::trim).collect();
    assert_eq!(answers.len(), questions.len() * 2, "{said}");
    let plain = |text: &str| {
        // What stands in quotes is the question.
        text.split('\'').step_by(2).collect::<String>()
    };
    answers
        .chunks(2)
        .zip(questions)
        .filter(|(answers, _)| plain(answers[0]) != plain(answers[1]))
        .map(|(answers, [hit, _])| format!("{hit}:\n{}\n{}", answers[0], answers[1]))
        .collect()
}

/// Every question about every column of something that shows entries.
fn questions(server: &Postgres, database: &str, rel: &str) -> Vec<[String; 2]> {
    let hidden = |value: &str| {
        let sql = format!("SELECT {value} FROM countersign.entries WHERE writer = 'hidden'");
        server.sql(database, &sql)
    };
    let mut questions = Vec::new();
    // Every kind is among what can be seen.
    for (column, kind, next) in [
        ("writer", "text", "writer || '~'"),
        ("scope", "text", "scope || '~'"),
        ("doc", "text", "doc || '~'"),
        ("id", "uuid", "'0fffffff-ffff-7fff-8fff-ffffffffff01'"),
        ("at", "timestamptz", "at + interval '1 us'"),
    ] {
        for oracle in ORACLES {
            let ask = |value: String| {
                let value = format!("'{value}'::{kind}");
                oracle.replace("{rel}", rel).replace("{column}", column).replace("{}", &value)
            };
            questions.push([ask(hidden(column)), ask(hidden(next))]);
        }
    }
    questions
}

#[tokio::test]
async fn how_a_query_runs_tells_a_reader_with_a_scope_nothing_of_what_is_hidden() {
    let server = Postgres::start();
    let database = filled(&server).await;
    server.sql("postgres", "CREATE ROLE ada LOGIN");
    set_reader(&server.target("owner", &database), "ada", Some(&blue())).await.unwrap();
    server.sql(&database, HIDDEN);
    server.sql(&database, "ANALYZE");
    server.try_sql("ada", &database, NO_COLUMN).unwrap();
    let mut of_function = questions(&server, &database, "countersign.visible_entries()");
    // The bounds of the function itself: around the hidden row, and beside it.
    let at = server.sql(&database, "SELECT max(at) FROM countersign.entries");
    let bounds = |from: u32, to: u32| {
        let moment = |us| format!("timestamptz '{at}' + interval '{us} us'");
        format!(
            "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, SUMMARY OFF) SELECT doc FROM \
             countersign.visible_entries({}, {})",
            moment(from),
            moment(to)
        )
    };
    of_function.push([bounds(0, 1), bounds(1, 2)]);
    assert_eq!(told(&server, &database, &of_function), Vec::<String>::new());
    // Row-level security alone would not do: asked of the table, they do tell.
    server.sql(&database, "GRANT countersign_auditor TO ada");
    let of_table = questions(&server, &database, "countersign.entries");
    assert_ne!(told(&server, &database, &of_table), Vec::<String>::new());
}
