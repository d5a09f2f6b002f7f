-- What is ours and not the ledger's: links, limits, and who did what.

CREATE TABLE link (
    tenant TEXT NOT NULL REFERENCES tenant (id),
    contact TEXT NOT NULL,
    connection TEXT NOT NULL,
    customer TEXT NOT NULL,
    origin TEXT NOT NULL,
    actor TEXT NOT NULL,
    linked_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, contact, connection, customer),
    FOREIGN KEY (connection, tenant) REFERENCES connection (id, tenant)
);

-- A limit is never removed: it ends, or another takes its place (`replaced_at`). The tenant's default
-- has an empty connection and customer, so that equality finds it.
CREATE TABLE credit_limit (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenant (id),
    connection TEXT NOT NULL,
    customer TEXT NOT NULL,
    amount NUMERIC NOT NULL,
    currency TEXT NOT NULL,
    origin TEXT NOT NULL,
    valid_from DATE NOT NULL,
    valid_to DATE,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    replaced_at BIGINT,
    CHECK (valid_to IS NULL OR valid_to >= valid_from),
    CHECK ((connection = '') = (customer = ''))
);
CREATE INDEX credit_limit_by_customer ON credit_limit (tenant, connection, customer)
    WHERE replaced_at IS NULL;

-- Without a tenant: of the installation.
CREATE TABLE audit (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant TEXT,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail_json TEXT NOT NULL,
    reason TEXT
);
CREATE INDEX audit_by_tenant ON audit (tenant, id);

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit is append-only';
END;
$$;

CREATE TRIGGER audit_refuses_change BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change();

CREATE TRIGGER audit_refuses_truncate BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();
