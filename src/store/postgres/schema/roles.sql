-- Groups, without login: proxies are members of the first; of the people who read with SQL, those who see
-- everything of the second, and those with scopes of the third. The fourth is nobody's: what reads for
-- those with scopes runs as it, under row-level security. Whoever may not make roles leaves them out;
-- the owner can then write and read alone.
DO $$
DECLARE
    may    boolean := (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user);
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['countersign_writer', 'countersign_auditor', 'countersign_reader',
                                  'countersign_sight'] LOOP
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
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'countersign_auditor') THEN
        GRANT USAGE ON SCHEMA countersign TO countersign_auditor;
        GRANT SELECT ON countersign.entries, countersign.writers, countersign.purged,
                        countersign.migrations TO countersign_auditor;
        GRANT EXECUTE ON FUNCTION countersign.my_view(), countersign.sees(jsonb, text),
                                  countersign.event_time(uuid) TO countersign_auditor;
    END IF;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'countersign_sight')
       AND EXISTS (SELECT FROM pg_roles WHERE rolname = 'countersign_reader') THEN
        BEGIN
            IF NOT pg_has_role(current_user, 'countersign_sight', 'USAGE') THEN
                EXECUTE format('GRANT countersign_sight TO %I', current_user);
            END IF;
            GRANT USAGE, CREATE ON SCHEMA countersign TO countersign_sight;
            GRANT SELECT ON countersign.entries TO countersign_sight;
            GRANT EXECUTE ON FUNCTION countersign.my_view(), countersign.sees(jsonb, text)
                TO countersign_sight;
            ALTER FUNCTION countersign.visible_entries OWNER TO countersign_sight;
            REVOKE CREATE ON SCHEMA countersign FROM countersign_sight;
            GRANT USAGE ON SCHEMA countersign TO countersign_reader, countersign_auditor;
            GRANT EXECUTE ON FUNCTION countersign.visible_entries
                TO countersign_reader, countersign_auditor;
        -- Another owner on the same server has made the role: see docs/postgres.md.
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END;
    END IF;
END $$;
