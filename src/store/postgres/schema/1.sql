-- The ledger. What is hashed is text, byte for byte.
CREATE TABLE countersign.entries (
    writer text        NOT NULL CHECK (writer <> ''),
    seq    bigint      NOT NULL CHECK (seq > 0),
    kind   text        NOT NULL CHECK (kind IN ('intent', 'completion')),
    id     uuid        NOT NULL,
    intent bigint               CHECK (intent IS NULL
                                       OR (kind = 'completion' AND intent > 0 AND intent < seq)),
    scope  text        NOT NULL CHECK (left(scope, 1) = '{' AND scope::json IS NOT NULL),
    doc    text        NOT NULL CHECK (left(doc, 1) = '{'),
    leaf   bytea       NOT NULL CHECK (length(leaf) = 32),
    at     timestamptz NOT NULL,
    PRIMARY KEY (writer, seq, at)
) PARTITION BY RANGE (at);

-- An intent and its completion have the same id, hence the same `at`: one completion for each intent.
CREATE UNIQUE INDEX entries_one_completion ON countersign.entries (writer, intent, at)
    WHERE intent IS NOT NULL;
CREATE INDEX entries_id ON countersign.entries (id);

-- How many rows have a value is nobody's business who may not see them; nothing here is planned by it.
ALTER TABLE countersign.entries
    ALTER COLUMN id SET STATISTICS 0, ALTER COLUMN scope SET STATISTICS 0,
    ALTER COLUMN doc SET STATISTICS 0, ALTER COLUMN leaf SET STATISTICS 0;

-- The row of a writer is what its appends are in order by: it is locked by each of them.
CREATE TABLE countersign.writers (
    writer    text        NOT NULL PRIMARY KEY CHECK (writer <> ''),
    head      bigint      NOT NULL DEFAULT 0 CHECK (head >= 0),
    closed    bigint      NOT NULL DEFAULT 0 CHECK (closed >= 0),
    epoch     bigint      NOT NULL CHECK (epoch > 0),
    instance  text        NOT NULL,
    -- Which lock its process holds, on which run of which machine.
    place     text        NOT NULL DEFAULT '',
    holder    text        NOT NULL,
    heartbeat timestamptz NOT NULL,
    -- How long it may be silent and live all the same: it has a spool.
    silence_ms bigint     NOT NULL DEFAULT 0,
    skew_ms   bigint
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- What retention took away; an entry can be deleted only when its leaf is here.
CREATE TABLE countersign.purged (
    writer text   NOT NULL CHECK (writer <> ''),
    seq    bigint NOT NULL CHECK (seq > 0),
    leaf   bytea  NOT NULL CHECK (length(leaf) = 32),
    by     bigint NOT NULL CHECK (by > seq),
    PRIMARY KEY (writer, seq)
);

-- Which login sees which scopes: {"pool": ["blue", "green"]}; NULL is everything.
CREATE TABLE countersign.readers (
    login  name  NOT NULL PRIMARY KEY,
    scopes jsonb          CHECK (scopes IS NULL OR jsonb_typeof(scopes) = 'object')
);

-- The time in a UUIDv7. (`RETURN` is understood when it is written, whatever a caller's search_path.)
CREATE FUNCTION countersign.event_time(id uuid) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_timestamp(
        ('x0000' || left(replace(id::text, '-', ''), 12))::bit(64)::bigint / 1000.0::double precision);

CREATE FUNCTION countersign.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append-only: % of % is refused', lower(TG_OP), TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION countersign.delete_only_purged() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM countersign.purged p
               WHERE p.writer = OLD.writer AND p.seq = OLD.seq AND p.leaf = OLD.leaf) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the ledger is append-only: delete of % is refused', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER no_update BEFORE UPDATE ON countersign.entries
    FOR EACH ROW EXECUTE FUNCTION countersign.refuse();
CREATE TRIGGER no_delete BEFORE DELETE ON countersign.entries
    FOR EACH ROW EXECUTE FUNCTION countersign.delete_only_purged();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON countersign.entries
    FOR EACH STATEMENT EXECUTE FUNCTION countersign.refuse();
CREATE TRIGGER no_going_back BEFORE UPDATE ON countersign.writers
    FOR EACH ROW
    WHEN (NEW.head < OLD.head OR NEW.closed < OLD.closed OR NEW.epoch < OLD.epoch
          OR NEW.writer <> OLD.writer)
    EXECUTE FUNCTION countersign.refuse();
CREATE TRIGGER no_delete BEFORE DELETE ON countersign.writers
    FOR EACH ROW EXECUTE FUNCTION countersign.refuse();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON countersign.writers
    FOR EACH STATEMENT EXECUTE FUNCTION countersign.refuse();
CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON countersign.purged
    FOR EACH ROW EXECUTE FUNCTION countersign.refuse();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON countersign.purged
    FOR EACH STATEMENT EXECUTE FUNCTION countersign.refuse();

-- What no month was made for: an odd clock must not make an append fail.
CREATE TABLE countersign.entries_rest PARTITION OF countersign.entries DEFAULT;
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON countersign.entries_rest
    FOR EACH STATEMENT EXECUTE FUNCTION countersign.refuse();

-- Drops the partitions of months that have ended, and of which purging and vacuuming left nothing.
CREATE FUNCTION countersign.drop_empty_partitions() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms' AS $$
DECLARE
    name    text;
    empty   boolean;
    dropped integer := 0;
BEGIN
    FOR name IN
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'countersign.entries'::regclass AND c.relname ~ '^entries_[0-9]{4}_[0-9]{2}$'
              AND c.relname < 'entries_' || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY_MM')
              AND pg_relation_size(c.oid) = 0
    LOOP
        BEGIN
            EXECUTE format('LOCK TABLE countersign.entries, countersign.%I', name);
            EXECUTE format('SELECT NOT EXISTS (SELECT FROM countersign.%I)', name) INTO empty;
            IF empty THEN
                EXECUTE format('DROP TABLE countersign.%I', name);
                dropped := dropped + 1;
            END IF;
        EXCEPTION WHEN lock_not_available THEN NULL;
        END;
    END LOOP;
    RETURN dropped;
END $$;

-- Makes the partitions of this month and of so many after it. A month that the rest already holds
-- entries of stays there. Waits for nobody for long, since appends would wait behind it.
CREATE FUNCTION countersign.make_partitions(ahead integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET lock_timeout = '500ms' AS $$
DECLARE
    month timestamp;
    name  text;
    made  integer := 0;
BEGIN
    FOR i IN 0 .. least(greatest(ahead, 0), 120) LOOP
        month := date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') + make_interval(months => i);
        name := 'entries_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN to_regclass('countersign.' || name) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE countersign.%I (LIKE countersign.entries INCLUDING ALL)', name);
            EXECUTE format('ALTER TABLE countersign.%I
                                ALTER COLUMN id SET STATISTICS 0, ALTER COLUMN scope SET STATISTICS 0,
                                ALTER COLUMN doc SET STATISTICS 0, ALTER COLUMN leaf SET STATISTICS 0', name);
            EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON countersign.%I
                                FOR EACH STATEMENT EXECUTE FUNCTION countersign.refuse()', name);
            EXECUTE format('ALTER TABLE countersign.entries ATTACH PARTITION countersign.%I
                                FOR VALUES FROM (%L) TO (%L)', name,
                           to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
                           to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
            made := made + 1;
        EXCEPTION
            WHEN lock_not_available THEN RETURN made;
            WHEN check_violation OR duplicate_table OR unique_violation THEN NULL;
        END;
    END LOOP;
    RETURN made;
END $$;

-- Appends a run of entries, all or nothing. The writer's row is locked, and says who may append and
-- where. CS001: the claim is somebody else's. CS002: what was inserted is not there as it was given.
CREATE FUNCTION countersign.append(
    p_writer text, p_epoch bigint, p_base bigint, p_kinds text[], p_ids uuid[], p_intents bigint[],
    p_scopes text[], p_docs text[], p_leaves bytea[]
) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    n     bigint := cardinality(p_ids);
    counted bigint;
    first timestamptz;
    last  timestamptz;
BEGIN
    UPDATE countersign.writers SET head = head + n
        WHERE writer = p_writer AND epoch = p_epoch AND head = p_base;
    IF NOT FOUND THEN
        SELECT epoch INTO counted FROM countersign.writers WHERE writer = p_writer;
        IF counted IS DISTINCT FROM p_epoch THEN
            RAISE EXCEPTION 'the claim on this writer has been taken over' USING ERRCODE = 'CS001';
        END IF;
        RAISE EXCEPTION 'the ledger is append-only: the next entry comes after the last'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    INSERT INTO countersign.entries (writer, seq, kind, id, intent, scope, doc, leaf, at)
        SELECT p_writer, p_base + e.n, e.kind, e.id, e.intent, e.scope, e.doc, e.leaf,
               countersign.event_time(e.id)
        FROM unnest(p_kinds, p_ids, p_intents, p_scopes, p_docs, p_leaves)
             WITH ORDINALITY AS e (kind, id, intent, scope, doc, leaf, n);
    -- A trigger or a rule of somebody else's can swallow or change what is inserted.
    SELECT count(*) INTO counted
        FROM unnest(p_kinds, p_ids, p_intents, p_scopes, p_docs, p_leaves)
             WITH ORDINALITY AS e (kind, id, intent, scope, doc, leaf, n)
        CROSS JOIN LATERAL (
            SELECT FROM countersign.entries i
            WHERE i.writer = p_writer AND i.seq = p_base + e.n AND i.at = countersign.event_time(e.id)
                  AND i.kind = e.kind AND i.id = e.id AND i.intent IS NOT DISTINCT FROM e.intent
                  AND i.scope = e.scope AND i.doc = e.doc AND i.leaf = e.leaf
            LIMIT 1) AS i;
    IF counted <> n THEN
        RAISE EXCEPTION 'what was appended is not there' USING ERRCODE = 'CS002';
    END IF;
    SELECT count(*), min(countersign.event_time(c.id)), max(countersign.event_time(c.id))
        INTO counted, first, last
        FROM unnest(p_ids, p_intents) AS c (id, intent) WHERE c.intent IS NOT NULL;
    IF counted > 0 AND counted <> (
        SELECT count(*)
        FROM unnest(p_ids, p_intents) AS c (id, intent)
        CROSS JOIN LATERAL (
            SELECT FROM countersign.entries i
            WHERE i.writer = p_writer AND i.seq = c.intent AND i.at = countersign.event_time(c.id)
                  AND i.kind = 'intent' AND i.id = c.id AND i.at BETWEEN first AND last
            LIMIT 1) AS intent
    ) THEN
        RAISE EXCEPTION 'a completion must complete an intent of its own event'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN p_base + n;
END $$;

-- Takes entries out of a log, all or none: their numbers and leaves stay. An entry goes only with its
-- own leaf, by a later event about a purge in the same log that names it, and an intent only when it is
-- complete. (Whether a key ordered that purge the database cannot tell; `countersign verify` does.) What
-- the same event has purged before is passed over. A number that was never there must be the next one:
-- so a log is carried over from elsewhere.
CREATE FUNCTION countersign.purge(
    p_writer text, p_epoch bigint, p_seqs bigint[], p_leaves bytea[], p_bys bigint[]
) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
    top   bigint;
    fresh bigint[];
    there bigint[];
    ahead bigint[];
    bys    bigint[];
    firsts bigint[];
    lasts  bigint[];
BEGIN
    SELECT head INTO top FROM countersign.writers
        WHERE writer = p_writer AND epoch = p_epoch FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the claim on this writer has been taken over' USING ERRCODE = 'CS001';
    END IF;
    WITH inserted AS (
        INSERT INTO countersign.purged (writer, seq, leaf, by)
            SELECT p_writer, w.seq, w.leaf, w.by
            FROM unnest(p_seqs, p_leaves, p_bys) AS w (seq, leaf, by)
            WHERE NOT EXISTS (SELECT FROM countersign.purged p
                              WHERE p.writer = p_writer AND p.seq = w.seq AND p.leaf = w.leaf
                                    AND p.by = w.by)
            RETURNING seq)
    SELECT coalesce(array_agg(seq ORDER BY seq), '{}') INTO fresh FROM inserted;
    -- What the events say that they purge: `metadata.purge.ranges` is text such as `1-512,514`.
    SELECT array_agg(o.by), array_agg(o.first), array_agg(o.last) INTO bys, firsts, lasts
        FROM (SELECT d.by, split_part(r.range, '-', 1)::bigint AS first,
                     coalesce(nullif(split_part(r.range, '-', 2), ''), r.range)::bigint AS last
              FROM (SELECT DISTINCT u.by FROM unnest(p_bys) AS u (by)) AS d
              CROSS JOIN LATERAL (
                  SELECT b.doc::json AS doc FROM countersign.entries b
                  WHERE b.writer = p_writer AND b.seq = d.by AND b.kind = 'completion'
                        AND b.intent IS NULL
                        AND starts_with(b.doc, '{"action":"audit.purge",') LIMIT 1) AS b
              CROSS JOIN LATERAL regexp_split_to_table(
                  coalesce(b.doc #>> '{metadata,purge,ranges}', ''), ',') AS r (range)
              WHERE b.doc #>> '{actor,type}' = 'system'
                    AND r.range ~ '^[0-9]{1,18}(-[0-9]{1,18})?$') AS o
        WHERE o.last >= (SELECT min(u.seq) FROM unnest(p_seqs) AS u (seq))
              AND o.first <= (SELECT max(u.seq) FROM unnest(p_seqs) AS u (seq));
    SELECT coalesce(array_agg(w.seq), '{}') INTO there
        FROM unnest(p_seqs, p_leaves, p_bys) AS w (seq, leaf, by)
        CROSS JOIN LATERAL (
            SELECT e.kind, e.leaf, e.at FROM countersign.entries e
            WHERE e.writer = p_writer AND e.seq = w.seq LIMIT 1) AS e
        WHERE e.leaf = w.leaf
              AND (e.kind <> 'intent'
                   OR EXISTS (SELECT FROM countersign.entries c
                              WHERE c.writer = p_writer AND c.intent = w.seq AND c.at = e.at))
              AND EXISTS (SELECT FROM unnest(bys, firsts, lasts) AS o (by, first, last)
                          WHERE o.by = w.by AND w.seq BETWEEN o.first AND o.last);
    IF EXISTS (SELECT FROM unnest(fresh) AS w (seq) WHERE w.seq <= top AND w.seq <> ALL (there)) THEN
        RAISE EXCEPTION 'an entry can be purged only with its leaf, complete, and by a later event that names it'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    ahead := ARRAY(SELECT w.seq FROM unnest(fresh) AS w (seq) WHERE w.seq > top ORDER BY 1);
    IF ahead <> ARRAY(SELECT generate_series(top + 1, top + cardinality(ahead))) THEN
        RAISE EXCEPTION 'the ledger is append-only: the next entry comes after the last'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    UPDATE countersign.writers SET head = head + cardinality(ahead)
        WHERE writer = p_writer AND cardinality(ahead) > 0;
    DELETE FROM countersign.entries WHERE writer = p_writer AND seq = ANY (there);
END $$;

-- Makes somebody the writer of this name: whoever was it before, here or elsewhere, cannot append any
-- more. Refused (no row) while another holds it whose heart beat not long ago. Whoever knows the token
-- of that one, and holds the same lock, need not wait: it is gone. With the token alone, which a copy of
-- its files has as well, there is at least no need to wait for what it may have spooled.
CREATE FUNCTION countersign.claim(
    p_writer text, p_known text[], p_instance text, p_place text, p_holder text,
    p_dead_after_ms bigint, p_silence_ms bigint
) RETURNS TABLE (claimed_epoch bigint, claimed_head bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY
    INSERT INTO countersign.writers AS w
            (writer, epoch, instance, place, holder, heartbeat, silence_ms)
        VALUES (p_writer, 1, p_instance, p_place, p_holder, clock_timestamp(), p_silence_ms)
    ON CONFLICT (writer) DO UPDATE
        SET epoch = w.epoch + 1, instance = excluded.instance, place = excluded.place,
            holder = excluded.holder, heartbeat = clock_timestamp(), silence_ms = excluded.silence_ms
        WHERE w.instance = '' OR (w.instance = ANY (p_known) AND w.place = p_place)
              OR w.heartbeat < clock_timestamp() - make_interval(secs => CASE
                     WHEN w.instance = ANY (p_known) THEN p_dead_after_ms
                     ELSE greatest(p_dead_after_ms, w.silence_ms) END / 1000.0)
    RETURNING w.epoch, w.head;
END $$;

-- Takes the claim of a writer whose heart has stopped, to close what it left open or to purge, and of
-- one that never was here, whose log is carried over. If it comes back, it has to claim again.
CREATE FUNCTION countersign.take_over(p_writer text, p_dead_after_ms bigint) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO countersign.writers AS w (writer, epoch, instance, holder, heartbeat)
        VALUES (p_writer, 1, '', 'nobody', to_timestamp(0))
    ON CONFLICT (writer) DO UPDATE SET epoch = w.epoch + 1
        WHERE w.instance = ''
              OR w.heartbeat < clock_timestamp()
                     - make_interval(secs => greatest(p_dead_after_ms, w.silence_ms) / 1000.0)
    RETURNING w.epoch
$$;

-- A heartbeat; where numbers are given, up to which every intent has its completion, never beyond the
-- head, and what the writer's clock says.
CREATE FUNCTION countersign.beat(p_writer text, p_epoch bigint, p_closed bigint, p_clock_ms bigint)
    RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE countersign.writers
        SET closed = CASE WHEN p_closed IS NULL THEN closed ELSE greatest(closed, least(p_closed, head)) END,
            heartbeat = CASE WHEN p_clock_ms IS NULL THEN heartbeat ELSE clock_timestamp() END,
            skew_ms = coalesce(
                p_clock_ms - (extract(epoch FROM clock_timestamp()) * 1000)::bigint, skew_ms)
        WHERE writer = p_writer AND epoch = p_epoch
        RETURNING epoch
$$;

-- Gives the claim back: the next one need not wait until the heart has stopped for long enough.
CREATE FUNCTION countersign.release(p_writer text, p_epoch bigint) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE countersign.writers SET instance = '' WHERE writer = p_writer AND epoch = p_epoch
        RETURNING epoch
$$;

-- What the login of this session may see: NULL for nothing, "everything", or names and values.
CREATE FUNCTION countersign.my_view() RETURNS jsonb
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN EXISTS (SELECT FROM pg_roles r WHERE r.rolname = 'countersign_writer'
                                                  AND pg_has_role(session_user, r.oid, 'MEMBER'))
            THEN '"everything"'::jsonb
        ELSE (SELECT coalesce(r.scopes, '"everything"'::jsonb)
              FROM countersign.readers r WHERE r.login = session_user)
    END
$$;

-- Whether an entry of this scope can be seen: it must have, for each name, one of the values. A scope
-- that is none, since it is too long or cannot be read as text, is seen only by who sees everything: one
-- row that somebody forged must not make all reading fail.
CREATE FUNCTION countersign.sees(view jsonb, scope text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN view IS NULL OR view = '{}'::jsonb THEN false
        WHEN view = '"everything"'::jsonb THEN true
        WHEN position('\u0000' IN scope) > 0 OR position('\ud' IN lower(scope)) > 0
             OR octet_length(scope) > 8192 OR jsonb_typeof(view) <> 'object' THEN false
        ELSE NOT EXISTS (
            SELECT FROM jsonb_each(view) v
            WHERE NOT coalesce(v.value ? (scope::json ->> v.key), false))
    END;

-- What somebody with scopes reads, who has no right to the tables: a condition on a table can be tested
-- by the server before row-level security is asked, and how the query then runs tells of hidden rows.
-- roles.sql gives this function to a role that is under row-level security itself, by the login of the
-- session. Nobody can see into it, or put conditions into it, and it does the same for every row of a
-- month: no index, no plan by statistics, and bounds of time only after it is known who may see what.
-- `seq` is not told, since the gaps would count what is between.
CREATE FUNCTION countersign.visible_entries(
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL
) RETURNS TABLE (at timestamptz, id uuid, kind text, writer text, scope text, doc text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1000
    SET search_path = pg_catalog, pg_temp
    SET row_security = on
    SET enable_seqscan = on SET enable_indexscan = off SET enable_indexonlyscan = off
    SET enable_bitmapscan = off SET enable_tidscan = off SET jit = off
    SET plan_cache_mode = force_generic_plan
    SET debug_print_parse = off SET debug_print_rewritten = off SET debug_print_plan = off AS $$
#variable_conflict use_column
DECLARE
    months_from timestamptz := date_trunc('month', since AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
    months_to   timestamptz :=
        (date_trunc('month', until AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
    RETURN QUERY
    SELECT s.at, s.id, s.kind, s.writer, s.scope, s.doc
    FROM (SELECT e.at, e.id, e.kind, e.writer, e.scope, e.doc FROM countersign.entries e
          WHERE e.at >= coalesce(months_from, '-infinity') AND e.at < coalesce(months_to, 'infinity')
          OFFSET 0) AS s
    WHERE s.at >= coalesce(since, '-infinity') AND s.at < coalesce(until, 'infinity');
END $$;

ALTER TABLE countersign.entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE countersign.writers ENABLE ROW LEVEL SECURITY;
ALTER TABLE countersign.purged ENABLE ROW LEVEL SECURITY;
ALTER TABLE countersign.readers ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_scope ON countersign.entries FOR SELECT
    USING (countersign.sees((SELECT countersign.my_view()), scope));
CREATE POLICY everything ON countersign.writers FOR SELECT
    USING ((SELECT countersign.my_view()) = '"everything"'::jsonb);
CREATE POLICY everything ON countersign.purged FOR SELECT
    USING ((SELECT countersign.my_view()) = '"everything"'::jsonb);

SELECT countersign.make_partitions(3);
