-- Two groups, without login: proxies are members of the one, people who read with SQL of the other.
-- Whoever may not make roles leaves them out; the owner can then write and read alone.
DO $$
DECLARE
    may boolean := (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user);
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['countersign_writer', 'countersign_reader'] LOOP
        IF may AND NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
            END;
        END IF;
    END LOOP;
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA countersign FROM PUBLIC;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'countersign_writer') THEN
        GRANT USAGE ON SCHEMA countersign TO countersign_writer;
        GRANT SELECT ON countersign.entries, countersign.writers, countersign.purged,
                        countersign.migrations TO countersign_writer;
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA countersign TO countersign_writer;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'countersign_reader') THEN
        GRANT USAGE ON SCHEMA countersign TO countersign_reader;
        GRANT SELECT ON countersign.entries, countersign.writers, countersign.purged,
                        countersign.migrations TO countersign_reader;
        GRANT EXECUTE ON FUNCTION countersign.my_view(), countersign.sees(jsonb, text),
                                  countersign.event_time(uuid) TO countersign_reader;
    END IF;
END $$;
