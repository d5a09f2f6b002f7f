-- The trail as chains: one for each tenant and one for the installation, whose tenant is empty. Each entry
-- carries the hash of the one before it and its own. The program makes the chains of what is here already
-- when it next brings the tables up to date.

DROP TRIGGER audit_refuses_change ON audit;
DROP TRIGGER audit_refuses_truncate ON audit;
DROP INDEX audit_by_tenant;
ALTER TABLE audit RENAME TO audit_before_chain;

CREATE TABLE audit (
    tenant TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    on_behalf_of TEXT,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail_json TEXT NOT NULL,
    reason TEXT,
    previous BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (tenant, seq)
);

-- Where a chain ends. Whoever adds to it locks this row first.
CREATE TABLE audit_head (
    tenant TEXT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    seal BYTEA NOT NULL
);

-- The tenant that is being erased: the one case in which entries go. The permit stands only inside the
-- transaction that erases, and cannot be taken back while a part of the chain is left.
CREATE TABLE audit_erasure (
    tenant TEXT NOT NULL PRIMARY KEY CHECK (tenant <> '')
);

-- Secrets of the installation's own, sealed: the key of the chains.
CREATE TABLE installation_secret (
    name TEXT NOT NULL PRIMARY KEY,
    sealed BYTEA NOT NULL
);

-- Where nothing is refused: what is deleted goes.
CREATE FUNCTION guard_audit_deletion() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM audit_erasure WHERE audit_erasure.tenant = OLD.tenant) THEN
        RAISE EXCEPTION 'audit is append-only';
    END IF;
    RETURN OLD;
END;
$$;

CREATE FUNCTION guard_audit_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE'
        OR EXISTS (SELECT 1 FROM audit WHERE audit.tenant = OLD.tenant)
        OR EXISTS (SELECT 1 FROM audit_head WHERE audit_head.tenant = OLD.tenant)
    THEN
        RAISE EXCEPTION 'audit is erased whole or not at all';
    END IF;
    RETURN OLD;
END;
$$;

CREATE TRIGGER audit_refuses_update BEFORE UPDATE ON audit
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION guard_audit_deletion();
CREATE TRIGGER audit_refuses_truncate BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_head_refuses_delete BEFORE DELETE ON audit_head
    FOR EACH ROW EXECUTE FUNCTION guard_audit_deletion();
CREATE TRIGGER audit_head_refuses_truncate BEFORE TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
CREATE TRIGGER audit_erasure_is_whole BEFORE UPDATE OR DELETE ON audit_erasure
    FOR EACH ROW EXECUTE FUNCTION guard_audit_erasure();
