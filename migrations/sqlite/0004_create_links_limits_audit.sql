-- What is ours and not the ledger's: links, limits, and who did what.

CREATE TABLE link (
    tenant TEXT NOT NULL REFERENCES tenant (id),
    contact TEXT NOT NULL,
    connection TEXT NOT NULL,
    customer TEXT NOT NULL,
    origin TEXT NOT NULL,
    actor TEXT NOT NULL,
    linked_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, contact, connection, customer),
    FOREIGN KEY (connection, tenant) REFERENCES connection (id, tenant)
) STRICT, WITHOUT ROWID;

-- A limit is never removed: it ends, or another takes its place (`replaced_at`). The tenant's default
-- has an empty connection and customer, so that equality finds it.
CREATE TABLE credit_limit (
    id INTEGER NOT NULL PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenant (id),
    connection TEXT NOT NULL,
    customer TEXT NOT NULL,
    amount TEXT NOT NULL,
    currency TEXT NOT NULL,
    origin TEXT NOT NULL,
    valid_from TEXT NOT NULL,
    valid_to TEXT,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    set_at INTEGER NOT NULL,
    replaced_at INTEGER,
    CHECK (valid_to IS NULL OR valid_to >= valid_from),
    CHECK ((connection = '') = (customer = ''))
) STRICT;
CREATE INDEX credit_limit_by_customer ON credit_limit (tenant, connection, customer)
    WHERE replaced_at IS NULL;

-- Without a tenant: of the installation.
CREATE TABLE audit (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    tenant TEXT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail_json TEXT NOT NULL,
    reason TEXT
) STRICT;
CREATE INDEX audit_by_tenant ON audit (tenant, id);

CREATE TRIGGER audit_refuses_update BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;

CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;

-- INSERT OR REPLACE deletes without firing the trigger above.
CREATE TRIGGER audit_refuses_replace BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'audit is append-only');
END;
