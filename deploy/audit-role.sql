-- PostgreSQL: the app's own role may add to the audit trail and read it, and not change, empty or drop it.
-- Once, after the first `flask db upgrade` (and after a restore), as the account postgres:
--
--     psql --dbname gongkao --set app=gongkao --file deploy/audit-role.sql
--
-- Safe to run again. A later migration that changes these two tables must run as postgres; its text then says so.
\set ON_ERROR_STOP on
BEGIN;

-- Nobody signs in as the owner.
SELECT 'CREATE ROLE gongkao_audit NOLOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gongkao_audit') \gexec

-- Whoever owns a database or a schema may drop what lies in it.
ALTER DATABASE :"DBNAME" OWNER TO gongkao_audit;
ALTER SCHEMA public OWNER TO gongkao_audit;
GRANT CONNECT, TEMPORARY ON DATABASE :"DBNAME" TO :"app";
GRANT USAGE, CREATE ON SCHEMA public TO :"app";

-- The sequences of their ids go along.
ALTER TABLE audit_entry OWNER TO gongkao_audit;
ALTER TABLE audit_seal OWNER TO gongkao_audit;
REVOKE ALL ON audit_entry, audit_seal FROM PUBLIC, :"app";
GRANT SELECT, INSERT ON audit_entry, audit_seal TO :"app";
REVOKE ALL ON SEQUENCE audit_entry_id_seq, audit_seal_id_seq FROM PUBLIC, :"app";
GRANT USAGE, SELECT ON SEQUENCE audit_entry_id_seq, audit_seal_id_seq TO :"app";

COMMIT;
