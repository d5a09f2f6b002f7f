-- The trail as chains: one for each tenant and one for the installation, whose tenant is empty. Each entry
-- carries the hash of the one before it and its own. The program makes the chains of what is here already
-- when it next brings the tables up to date.

DROP TRIGGER audit_refuses_update;
DROP TRIGGER audit_refuses_delete;
DROP TRIGGER audit_refuses_replace;
DROP INDEX audit_by_tenant;
ALTER TABLE audit RENAME TO audit_before_chain;

CREATE TABLE audit (
    tenant TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    on_behalf_of TEXT,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail_json TEXT NOT NULL,
    reason TEXT,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (tenant, seq)
) STRICT, WITHOUT ROWID;

-- Where a chain ends. Whoever adds to it locks this row first.
CREATE TABLE audit_head (
    tenant TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    seal BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The tenant that is being erased: the one case in which entries go. The permit stands only inside the
-- transaction that erases, and cannot be taken back while a part of the chain is left.
CREATE TABLE audit_erasure (
    tenant TEXT NOT NULL PRIMARY KEY CHECK (tenant <> '')
) STRICT, WITHOUT ROWID;

-- Secrets of the installation's own, sealed: the key of the chains.
CREATE TABLE installation_secret (
    name TEXT NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_refuses_update BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;

CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit
WHEN NOT EXISTS (SELECT 1 FROM audit_erasure WHERE audit_erasure.tenant = OLD.tenant)
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;

-- INSERT OR REPLACE deletes without firing the trigger above.
CREATE TRIGGER audit_refuses_replace BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE tenant = NEW.tenant AND seq = NEW.seq)
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;

CREATE TRIGGER audit_head_refuses_delete BEFORE DELETE ON audit_head
WHEN NOT EXISTS (SELECT 1 FROM audit_erasure WHERE audit_erasure.tenant = OLD.tenant)
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;

CREATE TRIGGER audit_erasure_is_whole BEFORE DELETE ON audit_erasure
WHEN EXISTS (SELECT 1 FROM audit WHERE tenant = OLD.tenant)
    OR EXISTS (SELECT 1 FROM audit_head WHERE tenant = OLD.tenant)
BEGIN
    SELECT RAISE(ABORT, 'audit is erased whole or not at all');
END;

CREATE TRIGGER audit_erasure_refuses_update BEFORE UPDATE ON audit_erasure
BEGIN
    SELECT RAISE(ABORT, 'audit is erased whole or not at all');
END;
