-- The mirror of the ledgers. `content_hash` is the first 64 bits of the SHA-256 of what is mirrored
-- of a record, so that a record read again unchanged costs no write.

-- What lets one SQL text serve both engines. SQLite has a table function `json_each` over a text, and
-- a cast to a type whose name holds "text" leaves a text as it is there; here the casts make an exact
-- number and a date. Few rows are promised to the planner, so that it reads by index whatever the tables
-- hold, and STRICT keeps it from looking inside.
CREATE FUNCTION json_each(rows_json TEXT) RETURNS TABLE (value JSONB)
    LANGUAGE sql IMMUTABLE STRICT ROWS 10
    AS $$ SELECT element.value FROM jsonb_array_elements(rows_json::jsonb) AS element (value) $$;
CREATE DOMAIN decimal_text AS NUMERIC;
CREATE DOMAIN date_text AS DATE;

CREATE TABLE account (
    connection TEXT NOT NULL REFERENCES connection (id),
    ledger_id TEXT NOT NULL,
    receivables BOOLEAN NOT NULL,
    stored_at BIGINT NOT NULL,
    PRIMARY KEY (connection, ledger_id)
);

-- Either `days` after the issue date, or a `day_of_month` with a `cutoff_days`.
CREATE TABLE terms (
    connection TEXT NOT NULL REFERENCES connection (id),
    ledger_id TEXT NOT NULL,
    days BIGINT,
    day_of_month BIGINT,
    cutoff_days BIGINT,
    stored_at BIGINT NOT NULL,
    PRIMARY KEY (connection, ledger_id)
);

CREATE TABLE item (
    connection TEXT NOT NULL REFERENCES connection (id),
    ledger_id TEXT NOT NULL,
    name TEXT NOT NULL,
    stored_at BIGINT NOT NULL,
    PRIMARY KEY (connection, ledger_id)
);

-- `search_text` is the name, e-mail and tax number in lower case.
CREATE TABLE customer (
    connection TEXT NOT NULL REFERENCES connection (id),
    ledger_id TEXT NOT NULL,
    name TEXT NOT NULL,
    search_text TEXT NOT NULL,
    email TEXT,
    tax_number TEXT,
    parent TEXT,
    bill_with_parent BOOLEAN NOT NULL,
    active BOOLEAN NOT NULL,
    currency TEXT NOT NULL,
    terms TEXT,
    ledger_balance NUMERIC,
    ledger_balance_with_children NUMERIC,
    changed_at BIGINT NOT NULL,
    content_hash BIGINT NOT NULL,
    PRIMARY KEY (connection, ledger_id)
);
CREATE INDEX customer_by_parent ON customer (connection, parent) WHERE parent IS NOT NULL;
CREATE INDEX customer_by_terms ON customer (connection, terms) WHERE terms IS NOT NULL;
CREATE INDEX customer_by_email ON customer (email) WHERE email IS NOT NULL;
CREATE INDEX customer_by_tax_number ON customer (tax_number) WHERE tax_number IS NOT NULL;

-- At which version of its connection a customer's picture last changed. Outlives the customer, so
-- that its disappearance is news too.
CREATE TABLE customer_version (
    connection TEXT NOT NULL REFERENCES connection (id),
    customer TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (connection, customer)
);
CREATE INDEX customer_version_by_version ON customer_version (connection, version);

-- One record of the ledger that yields documents.
CREATE TABLE record (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connection TEXT NOT NULL REFERENCES connection (id),
    dataset TEXT NOT NULL,
    ledger_id TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    content_hash BIGINT NOT NULL,
    UNIQUE (connection, dataset, ledger_id)
);

-- `lines_json` is an array of [item, description, quantity, unit price, amount].
CREATE TABLE document (
    record BIGINT NOT NULL REFERENCES record (id) ON DELETE CASCADE,
    connection TEXT NOT NULL,
    kind TEXT NOT NULL,
    ledger_id TEXT NOT NULL,
    customer TEXT NOT NULL,
    number TEXT,
    issued_on DATE NOT NULL,
    due_on DATE,
    currency TEXT NOT NULL,
    exchange_rate NUMERIC,
    total NUMERIC NOT NULL,
    tax NUMERIC NOT NULL,
    side TEXT NOT NULL,
    state TEXT NOT NULL,
    ledger_open NUMERIC,
    changed_at BIGINT NOT NULL,
    lines_json TEXT NOT NULL,
    UNIQUE (connection, kind, ledger_id)
);
CREATE INDEX document_by_record ON document (record);
CREATE INDEX document_by_customer ON document (connection, customer);
CREATE INDEX document_by_rate ON document (connection, currency, issued_on)
    WHERE exchange_rate IS NOT NULL;

CREATE TABLE application (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    record BIGINT NOT NULL REFERENCES record (id) ON DELETE CASCADE,
    connection TEXT NOT NULL,
    carrier_kind TEXT NOT NULL,
    carrier_id TEXT NOT NULL,
    from_kind TEXT NOT NULL,
    from_id TEXT NOT NULL,
    to_kind TEXT NOT NULL,
    to_id TEXT NOT NULL,
    amount NUMERIC NOT NULL,
    applied_on DATE NOT NULL
);
CREATE INDEX application_by_record ON application (record);
CREATE INDEX application_by_from ON application (connection, from_kind, from_id);
CREATE INDEX application_by_to ON application (connection, to_kind, to_id);
