-- The mirror of the ledgers. `content_hash` is the first 64 bits of the SHA-256 of what is mirrored
-- of a record, so that a record read again unchanged costs no write.

CREATE TABLE account (
    connection TEXT NOT NULL REFERENCES connection (id),
    ledger_id TEXT NOT NULL,
    receivables INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    PRIMARY KEY (connection, ledger_id)
) STRICT, WITHOUT ROWID;

-- Either `days` after the issue date, or a `day_of_month` with a `cutoff_days`.
CREATE TABLE terms (
    connection TEXT NOT NULL REFERENCES connection (id),
    ledger_id TEXT NOT NULL,
    days INTEGER,
    day_of_month INTEGER,
    cutoff_days INTEGER,
    stored_at INTEGER NOT NULL,
    PRIMARY KEY (connection, ledger_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE item (
    connection TEXT NOT NULL REFERENCES connection (id),
    ledger_id TEXT NOT NULL,
    name TEXT NOT NULL,
    stored_at INTEGER NOT NULL,
    PRIMARY KEY (connection, ledger_id)
) STRICT, WITHOUT ROWID;

-- `search_text` is the name, e-mail and tax number in lower case.
CREATE TABLE customer (
    connection TEXT NOT NULL REFERENCES connection (id),
    ledger_id TEXT NOT NULL,
    name TEXT NOT NULL,
    search_text TEXT NOT NULL,
    email TEXT,
    tax_number TEXT,
    parent TEXT,
    bill_with_parent INTEGER NOT NULL,
    active INTEGER NOT NULL,
    currency TEXT NOT NULL,
    terms TEXT,
    ledger_balance TEXT,
    ledger_balance_with_children TEXT,
    changed_at INTEGER NOT NULL,
    content_hash INTEGER NOT NULL,
    PRIMARY KEY (connection, ledger_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX customer_by_parent ON customer (connection, parent) WHERE parent IS NOT NULL;
CREATE INDEX customer_by_terms ON customer (connection, terms) WHERE terms IS NOT NULL;
CREATE INDEX customer_by_email ON customer (email) WHERE email IS NOT NULL;
CREATE INDEX customer_by_tax_number ON customer (tax_number) WHERE tax_number IS NOT NULL;

-- At which version of its connection a customer's picture last changed. Outlives the customer, so
-- that its disappearance is news too.
CREATE TABLE customer_version (
    connection TEXT NOT NULL REFERENCES connection (id),
    customer TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (connection, customer)
) STRICT, WITHOUT ROWID;
CREATE INDEX customer_version_by_version ON customer_version (connection, version);

-- One record of the ledger that yields documents.
CREATE TABLE record (
    id INTEGER NOT NULL PRIMARY KEY,
    connection TEXT NOT NULL REFERENCES connection (id),
    dataset TEXT NOT NULL,
    ledger_id TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    content_hash INTEGER NOT NULL,
    UNIQUE (connection, dataset, ledger_id)
) STRICT;

-- `lines_json` is an array of [item, description, quantity, unit price, amount].
CREATE TABLE document (
    record INTEGER NOT NULL REFERENCES record (id) ON DELETE CASCADE,
    connection TEXT NOT NULL,
    kind TEXT NOT NULL,
    ledger_id TEXT NOT NULL,
    customer TEXT NOT NULL,
    number TEXT,
    issued_on TEXT NOT NULL,
    due_on TEXT,
    currency TEXT NOT NULL,
    exchange_rate TEXT,
    total TEXT NOT NULL,
    tax TEXT NOT NULL,
    side TEXT NOT NULL,
    state TEXT NOT NULL,
    ledger_open TEXT,
    changed_at INTEGER NOT NULL,
    lines_json TEXT NOT NULL,
    UNIQUE (connection, kind, ledger_id)
) STRICT;
CREATE INDEX document_by_record ON document (record);
CREATE INDEX document_by_customer ON document (connection, customer);
CREATE INDEX document_by_rate ON document (connection, currency, issued_on)
    WHERE exchange_rate IS NOT NULL;

CREATE TABLE application (
    id INTEGER NOT NULL PRIMARY KEY,
    record INTEGER NOT NULL REFERENCES record (id) ON DELETE CASCADE,
    connection TEXT NOT NULL,
    carrier_kind TEXT NOT NULL,
    carrier_id TEXT NOT NULL,
    from_kind TEXT NOT NULL,
    from_id TEXT NOT NULL,
    to_kind TEXT NOT NULL,
    to_id TEXT NOT NULL,
    amount TEXT NOT NULL,
    applied_on TEXT NOT NULL
) STRICT;
CREATE INDEX application_by_record ON application (record);
CREATE INDEX application_by_from ON application (connection, from_kind, from_id);
CREATE INDEX application_by_to ON application (connection, to_kind, to_id);
